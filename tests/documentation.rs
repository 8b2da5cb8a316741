//! Do the pages that show commands and files do what they show?
//!
//! Everything is taken from the pages themselves: each command of a block of `sh` is run, in the order of the page, and
//! must end well; a block of `yaml` whose first line is a comment with a file's name is that file.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use failover_harness::backend::{Backend, SimBackend};
use failover_harness::director;
use failover_harness::plan::Overrides;
use failover_harness::runner::Nowhere;
use failover_harness::scenario::{origin_on, plan};
use failover_sim::assumption::Assumption;
use failover_sim::twin::{Twin, TwinOptions};
use failover_tests::{Answer, failover, root};

/// A block of code of a page: its language, and its text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let page = fs::read_to_string(root().join(page)).expect("a page of the documentation");
    let split = |block: &str| {
        let (language, text) = block.split_once('\n').expect("a language and a text");
        (language.to_owned(), text.to_owned())
    };
    let blocks: Vec<_> = page.split("```").skip(1).step_by(2).map(split).collect();
    assert!(!blocks.is_empty());
    blocks
}

/// The commands of a block, without what the page says of them.
fn commands(text: &str) -> Vec<&str> {
    text.lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
        .collect()
}

fn run(folder: &Path, command: &str) -> Answer {
    let words: Vec<&str> = command.split_whitespace().collect();
    assert_eq!(words[0], "failover", "the page shows `{command}`");
    failover(env!("CARGO_BIN_EXE_failover-copy"), folder, &words[1..])
}

/// Does everything that a page shows, in its order; says which commands were run.
fn follow(page: &str, start: &Path) -> Vec<String> {
    let mut folder = start.to_owned();
    let mut done = Vec::new();
    for (language, text) in blocks(page) {
        match (language.as_str(), text.lines().next().and_then(|line| line.strip_prefix("# "))) {
            ("yaml", Some(name)) => fs::write(folder.join(name), &text).expect("a file of the page"),
            ("sh", _) => {
                for command in commands(&text) {
                    if let Some(to) = command.strip_prefix("cd ") {
                        folder.push(to);
                        continue;
                    }
                    let answer = run(&folder, command);
                    assert_eq!(answer.code, 0, "{page}: `{command}`\n{}{}", answer.stdout, answer.stderr);
                    done.push(command.to_owned());
                }
            }
            (other, _) => panic!("{page} has a block of `{other}` that nobody looks at"),
        }
    }
    done
}

/// The settings files and certificates of the guide's cluster, as a twin of it has them, one folder a machine.
fn lay_real_files(folder: &Path) {
    let steps = "proves: nothing\nabout: { topology: two_node_fci }\nsteps:\n- hold: { for: 1s, role: { state: online } }\n";
    let origin = origin_on("two_node_fci", Overrides::default(), steps).expect("it is carried");
    let plan = plan("files", &origin, 1).expect("it is right");
    let options = TwinOptions::with_factor(20);
    let twin =
        Twin::start(&plan.topology, &plan.names, &plan.loads, plan.choices(), options).expect("a twin");
    for (host, kind) in [("NODE1", "Master"), ("NODE2", "Master"), ("w1", "Worker")] {
        fs::create_dir(folder.join(host)).expect("a folder");
        for file in [format!("{kind}Settings.config"), format!("SSISScaleOut{kind}.cer")] {
            let from = twin.folder().join(host).join("DTS/Binn").join(&file);
            fs::copy(from, folder.join(host).join(&file)).expect("the twin has it");
        }
    }
}

/// A folder as `failover new` makes it, with the files of a configuration repository in it.
fn starter() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert_eq!(run(folder.path(), "failover new own").code, 0);
    let own = folder.path().join("own");
    lay_real_files(&own);
    (folder, own)
}

#[test]
fn the_page_on_ci_does_what_it_shows() {
    let (_kept, own) = starter();
    let done = follow("docs/ci.md", &own);
    assert!(done.len() >= 9, "{done:?}");
    for report in ["own.xml", "standard.xml"] {
        let text = fs::read_to_string(own.join(report)).expect("the page asked for it");
        assert!(text.contains("<testsuite") && !text.contains("<failure"), "{report}: {text}");
    }
    assert!(failover_tests::files_below(&own.join("out"), "jsonl").len() == 1, "one scenario, one history");
}

#[test]
fn the_files_for_ci_run_the_first_commands_of_the_page() {
    let (_kept, own) = starter();
    let first = blocks("docs/ci.md").remove(0).1;
    for file in [".github/workflows/failover.yml", ".gitlab-ci.yml"] {
        let text = fs::read_to_string(own.join(file)).expect("`failover new` writes it");
        for command in commands(&first) {
            assert!(
                text.contains(&format!("- {command}\n")) || text.contains(&format!("run: {command}\n")),
                "{file}"
            );
        }
    }
}

#[test]
fn each_exit_code_of_the_page_on_ci_is_met_for_its_reason() {
    let (_kept, own) = starter();
    let page = fs::read_to_string(root().join("docs/ci.md")).expect("a page of the documentation");
    let rows =
        page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next()?.parse::<i32>().ok());
    assert_eq!(rows.collect::<BTreeSet<i32>>(), BTreeSet::from([0, 1, 2, 3, 101]));
    let yaml =
        blocks("docs/ci.md").into_iter().find(|(language, _)| language == "yaml").expect("a topology").1;
    fs::write(own.join("topologies/real.yaml"), yaml).expect("a file");
    let real = "failover run cluster/planned_move --topology topologies/real.yaml";
    assert_eq!(run(&own, real).code, 0);
    // Something failed: another port on one node.
    let file = own.join("NODE2/MasterSettings.config");
    let text = fs::read_to_string(&file).expect("a settings file");
    let other = text.replace("8391", "8392");
    assert_ne!(other, text);
    fs::write(&file, &other).expect("a settings file");
    assert_eq!(run(&own, real).code, 1);
    // A file is wrong.
    fs::write(&file, text.replace("8391", "\"many\"")).expect("a settings file");
    let answer = run(&own, real);
    assert!(answer.code == 2 && answer.stderr.contains("PortNumber"), "{}", answer.stderr);
    // Nothing was judged: the scenario does not fit.
    fs::write(&file, &text).expect("a settings file");
    let answer =
        run(&own, "failover run model/lease_against_sweep --topology topologies/real.yaml --workers 1");
    assert_eq!(answer.code, 3, "{}", answer.stdout);
}

#[test]
fn the_first_ten_minutes_go_as_the_page_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let done = follow("docs/first-ten-minutes.md", folder.path());
    assert!(done.len() >= 9, "{done:?}");
}

#[test]
fn the_readme_of_a_new_folder_does_what_it_shows() {
    let (_kept, own) = starter();
    let done = follow("harness/src/cli/starter/README.md", &own);
    assert_eq!(done.len(), 4, "{done:?}");
}

#[test]
fn the_page_on_unknowns_has_every_assumption_and_no_other() {
    let page = fs::read_to_string(root().join("docs/unknowns.md")).expect("a page of the documentation");
    let second = |line: &str| line.strip_prefix("| ")?.split(" | ").nth(1).map(str::to_owned);
    let told: Vec<String> = page
        .lines()
        .filter_map(second)
        .filter_map(|cell| Some(cell.strip_prefix('`')?.strip_suffix("` |")?.to_owned()))
        .collect();
    let known: BTreeSet<&str> = Assumption::ALL.into_iter().map(|one| one.question().id).collect();
    assert_eq!(told.iter().map(String::as_str).collect::<BTreeSet<_>>(), known);
    assert_eq!(told.len(), known.len(), "each stands there once");
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert_eq!(follow("docs/unknowns.md", folder.path()).len(), 1);
}

#[test]
fn every_assumption_is_asked_by_some_scenario() {
    let mut asked = BTreeSet::new();
    for plan in failover_tests::plans(1) {
        let mut backend = SimBackend::default();
        director::run(&plan, &mut backend, &mut Nowhere);
        asked.extend(backend.consulted());
    }
    let unasked: Vec<&str> =
        Assumption::ALL.into_iter().filter(|one| !asked.contains(one)).map(|one| one.question().id).collect();
    assert!(unasked.is_empty(), "{unasked:?}");
}
