//! Does exploration find what nobody would write by hand, and hand it over so that it can be run again?

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use failover_harness::explore::{Coverage, Explorer, Finding, Judged, Search, Shard, Tally, Until};
use failover_harness::plan::{Overrides, Plan};
use failover_harness::scenario::load;
use failover_harness::scenario::tree::parse_one;
use failover_sim::planted::{Defect, plant};
use failover_tests::{Answer, compare_with_file, failover, plan_of, root, two_node_fci};

/// A family in which much can happen to a right cluster of two nodes.
const WHATEVER: &str = include_str!("explore/families/whatever.yaml");

fn whatever() -> Plan {
    plan_of(WHATEVER, &two_node_fci(), 1)
}

fn search(plan: &Plan, to: u64, shard: Shard, jobs: usize) -> Tally {
    let mut tally = Tally::of(plan);
    Search { plan, from: 1, until: Until::Seed(to), shard, jobs }.run(&mut tally, |_| true);
    tally
}

#[test]
fn what_is_found_does_not_depend_on_threads_or_shards() {
    let plan = whatever();
    let alone = search(&plan, 301, Shard::WHOLE, 1);
    assert_eq!(search(&plan, 301, Shard::WHOLE, 3), alone);
    let shards = [1, 2, 3].map(|number| search(&plan, 301, Shard { number, of: 3 }, 1));
    let [mut sum, second, third] = shards;
    sum.merge(&third).expect("another part");
    sum.merge(&second).expect("another part");
    assert!(sum.merge(&second).is_err(), "the same part twice");
    assert_eq!((sum.runs, sum.passed, &sum.findings), (alone.runs, alone.passed, &alone.findings));
    assert_eq!((&sum.coverage, &sum.pairs, &sum.outages), (&alone.coverage, &alone.pairs, &alone.outages));
    assert_eq!(sum.not_met().count(), 0);
}

#[test]
fn the_last_seeds_that_there_are_are_run_once_by_several_threads() {
    let plan = whatever();
    let mut tally = Tally::of(&plan);
    let (from, last) = (u64::MAX - 5, Until::Seed(u64::MAX));
    Search { plan: &plan, from, until: last, shard: Shard::WHOLE, jobs: 3 }.run(&mut tally, |_| true);
    let run = tally.seeds.0.iter().copied().collect::<Vec<_>>();
    assert_eq!((tally.runs, run), (5, vec![(from, u64::MAX, 1, 1)]));
}

#[test]
fn what_depends_on_an_unknown_is_told_with_the_answer_that_passes() {
    let text = WHATEVER.replace(", assume: { first_sweep: after_one_interval }", "");
    let plan = plan_of(&text, &two_node_fci(), 1);
    let tally = search(&plan, 401, Shard::WHOLE, 1);
    let (assumption, answers) = tally.depends_on().into_iter().next().expect("it depends on the first sweep");
    assert_eq!(assumption.question().id, "first_sweep");
    let failed =
        |word: &str| answers.iter().find(|(answer, _, _)| *answer == word).map(|(_, _, failed)| *failed);
    assert_eq!(failed("after_one_interval"), Some(0));
    assert!(failed("before_serving") > Some(0));
}

#[test]
fn a_search_ends_when_it_finds_nothing_new() {
    let plan = plan_of(
        "proves: nothing\nabout: { topology: two_node_fci }\nsteps:\n  - move_role: { to: standby }\n",
        &two_node_fci(),
        1,
    );
    let mut tally = Tally::of(&plan);
    let until = Until::Quiet(500);
    Search { plan: &plan, from: 1, until, shard: Shard::WHOLE, jobs: 1 }
        .run(&mut tally, |tally| tally.runs < 50_000);
    assert!(tally.runs < 50_000, "{} runs", tally.runs);
    assert!(tally.runs_since_last_pair >= 500);
}

const DEPENDS: &str = "\
proves: nobody runs a task twice
about: { topology: two_node_fci }
steps:
  - start_executions: { as: work, count: 1, duration: 3m, retry_count: 1 }
  - move_role: { to: standby }
explore:
  faults: [ { move_role: { to: any } } ]
";

fn run(folder: &Path, arguments: &[&str]) -> Answer {
    failover(env!("CARGO_BIN_EXE_failover-copy"), folder, arguments)
}

#[test]
fn what_is_found_is_a_scenario_that_fails_when_it_is_run() {
    let folder = tempfile::tempdir().expect("a folder for scenarios");
    let folder = folder.path();
    fs::write(folder.join("depends.yaml"), DEPENDS).expect("a scenario is written");
    let searched = run(folder, &["explore", "depends.yaml", "--seeds", "1..61"]);
    // Nobody knows whether it is so: no verdict, but the question by its name.
    assert_eq!((searched.code, searched.stderr.as_str()), (3, ""), "{}", searched.stdout);
    let told = "INCONCLUSIVE depends: UNSAFE with `first_sweep: before_serving` only: ";
    assert!(searched.stdout.contains(told), "{}", searched.stdout);
    let replay = searched.stdout.lines().find_map(|line| line.trim().strip_prefix("replay: failover "));
    let replay: Vec<&str> = replay.expect("it says how to see it again").split(' ').collect();
    let replayed = run(folder, &replay);
    assert_eq!(replayed.code, 1, "{}{}", replayed.stdout, replayed.stderr);
    assert!(replayed.stdout.contains("no_task_runs_twice_at_once"), "{}", replayed.stdout);
    let validated = run(folder, &["validate", "findings"]);
    assert_eq!(validated.code, 0, "{}", validated.stderr);
    assert!(searched.stdout.contains("whether it fails depends on `first_sweep`"), "{}", searched.stdout);
    // With the other answer there is nothing to find.
    let fixed = ["explore", "depends.yaml", "--seeds", "1..61", "--assume", "first_sweep=after_one_interval"];
    let searched = run(folder, &fixed);
    assert_eq!(searched.code, 0, "{}", searched.stdout);
}

#[test]
fn what_a_scenario_takes_for_granted_is_a_failure_and_no_question() {
    let folder = tempfile::tempdir().expect("a folder for scenarios");
    let folder = folder.path();
    // A scenario that takes the answer for granted asks nothing any more.
    let fixed = DEPENDS.replace("two_node_fci }", "two_node_fci, assume: { first_sweep: before_serving } }");
    fs::write(folder.join("fails.yaml"), fixed).expect("a scenario is written");
    let searched = run(folder, &["explore", "fails.yaml", "--seeds", "1..61"]);
    assert_eq!(searched.code, 1, "{}", searched.stdout);
    assert!(searched.stdout.starts_with("UNSAFE fails: "), "{}", searched.stdout);
}

#[test]
fn runs_without_a_verdict_are_counted_and_say_why() {
    let folder = tempfile::tempdir().expect("a folder for scenarios");
    let folder = folder.path();
    fs::write(folder.join("slow.yaml"), DEPENDS.replace("two_node_fci", "slow_recovery"))
        .expect("a scenario");
    let searched = run(folder, &["explore", "slow.yaml", "--seeds", "1..13"]);
    assert_eq!(searched.code, 1, "{}{}", searched.stdout, searched.stderr);
    let told = searched.stdout.lines().find(|line| line.starts_with("UNDECIDED slow: "));
    let reason =
        "first with seed 1: the surroundings: the cluster was not steady after 30m: the steps were not begun";
    let (told, missing) = told.and_then(|told| told.split_once(reason)).unwrap_or_default();
    assert!(missing.contains("`Scale Out Master` failed"), "{}", searched.stdout);
    let counted = told.strip_prefix("UNDECIDED slow: ").and_then(|told| told.split(' ').next());
    let undecided = searched.stdout.lines().find(|line| line.starts_with("slow: 12 runs: "));
    let undecided = undecided.and_then(|line| line.rsplit(", ").next()?.split(' ').next());
    assert_eq!((counted.is_some(), counted), (true, undecided), "{}", searched.stdout);
}

#[test]
fn parts_of_a_search_and_one_that_goes_on_add_up_to_the_whole() {
    let folder = tempfile::tempdir().expect("a folder for scenarios");
    let folder = folder.path();
    fs::write(folder.join("depends.yaml"), DEPENDS).expect("a scenario is written");
    let explore = |seeds: &str, more: &[&str]| {
        let answer = run(folder, &[&["explore", "depends.yaml", "--seeds", seeds], more].concat());
        assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    };
    explore("1..81", &["--report", "json=whole.json"]);
    explore("1..81", &["--shard", "1/2", "--report", "json=one.json"]);
    explore("1..81", &["--shard", "2/2", "--report", "json=two.json"]);
    explore("1..41", &["--report", "json=begun.json"]);
    explore("1..81", &["--resume", "begun.json", "--report", "json=ended.json"]);
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect("a report");
    assert_eq!(read("ended.json"), read("whole.json"));
    let merged = run(folder, &["merge", "two.json", "one.json"]);
    let last = |text: &str| text.lines().rfind(|line| line.contains("80 runs:")).map(str::to_owned);
    let whole = run(folder, &["merge", "whole.json"]);
    assert!(last(&whole.stdout).is_some(), "{}", whole.stdout);
    assert_eq!(last(&merged.stdout), last(&whole.stdout));
    let twice = run(folder, &["merge", "one.json", "one.json"]);
    assert_eq!(twice.code, 2);
    assert!(twice.stderr.contains("both have run the same seeds"), "{}", twice.stderr);
}

#[test]
fn a_search_that_goes_on_runs_what_is_missing_and_says_what_it_has_not() {
    let folder = tempfile::tempdir().expect("a folder for scenarios");
    let folder = folder.path();
    fs::write(folder.join("depends.yaml"), DEPENDS).expect("a scenario is written");
    let explore = |more: &[&str]| run(folder, &[&["explore", "depends.yaml"], more].concat());
    let whole = explore(&["--seeds", "1..81", "--report", "json=whole.json"]);
    explore(&["--seeds", "1..81", "--shard", "1/2", "--report", "json=one.json"]);
    let count = |answer: &Answer| {
        let told = answer.stdout.lines().find(|line| line.starts_with("depends: ")).map(str::to_owned);
        told.unwrap_or_else(|| panic!("{answer:?}"))
    };
    for more in [&[][..], &["--shard", "2/2"], &["--jobs", "2"]] {
        let on = [&["--seeds", "1..81", "--resume", "one.json"], more].concat();
        assert_eq!(count(&explore(&on)), count(&whole), "{more:?}");
    }
    let longer = explore(&["--seeds", "1..101", "--resume", "one.json"]);
    assert!(count(&longer).starts_with("depends: 100 runs: "), "{}", longer.stdout);
    fs::write(folder.join("other.yaml"), DEPENDS).expect("a scenario is written");
    let other = run(folder, &["explore", "other.yaml", "--seeds", "1..2", "--resume", "one.json"]);
    assert!(
        other.stdout.starts_with("`one.json` has nothing of other: it begins anew\n"),
        "{}",
        other.stdout
    );
    // What cannot go on is refused before anything is run.
    for option in [["--workers", "4"], ["--assume", "worker_retry=10s"]] {
        let changed = ["explore", "other.yaml", "depends.yaml", "--resume", "one.json"];
        let refused = run(folder, &[&changed[..], &option].concat());
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{refused:?}");
    }
}

#[test]
fn a_sum_says_which_part_is_missing() {
    let folder = tempfile::tempdir().expect("a folder for scenarios");
    let folder = folder.path();
    let passes = DEPENDS
        .split("explore:")
        .next()
        .unwrap_or_default()
        .replace("two_node_fci", "two_node_fci, assume: { first_sweep: after_one_interval }");
    fs::write(folder.join("passes.yaml"), passes).expect("a scenario is written");
    for part in ["1/3", "3/3"] {
        let file = format!("json={}.json", &part[..1]);
        let answer =
            run(folder, &["explore", "passes.yaml", "--seeds", "1..31", "--shard", part, "--report", &file]);
        assert_eq!(answer.code, 0, "{answer:?}");
    }
    let some = run(folder, &["merge", "1.json", "3.json", "--report", "json=sum.json"]);
    assert_eq!(some.code, 3, "{some:?}");
    assert!(some.stdout.contains("INCOMPLETE passes: nothing is here of part 2/3\n"), "{}", some.stdout);
    let on =
        ["explore", "passes.yaml", "--seeds", "1..31", "--resume", "sum.json", "--report", "json=sum.json"];
    assert_eq!(run(folder, &on).code, 0);
    let all = run(folder, &["merge", "sum.json"]);
    assert!(all.code == 0 && !all.stdout.contains("INCOMPLETE"), "{all:?}");
}

#[test]
fn what_was_found_is_not_searched_again_unless_somebody_names_it() {
    let folder = tempfile::tempdir().expect("a folder for scenarios");
    let folder = folder.path();
    fs::write(folder.join("depends.yaml"), DEPENDS).expect("a scenario is written");
    let searched = |more: &[&str]| {
        let answer = run(folder, &[&["explore", "--seeds", "1..61"], more].concat());
        assert!(answer.stderr.is_empty(), "{answer:?}");
        answer.stdout
    };
    searched(&["."]);
    let again = searched(&["."]);
    assert!(
        again.starts_with("passed over: `./findings`, where `failover explore` puts what it finds"),
        "{again}"
    );
    assert_eq!(again.lines().filter(|line| line.contains(" 60 runs: ")).count(), 1, "{again}");
    searched(&["depends.yaml", "--findings", "found"]);
    let again = searched(&[".", "--findings", "found"]);
    assert!(again.contains("SKIPPED found/depends-"), "{again}");
    assert_eq!(again.lines().filter(|line| line.contains(" 60 runs: ")).count(), 1, "{again}");
    assert!(searched(&["findings"]).lines().any(|line| line.contains(" 60 runs: ")));
    let ran = run(folder, &["run", "."]);
    assert!(ran.stdout.contains("passed over: `./findings`"), "{}", ran.stdout);
}

/// The blocks of the page on exploring that are of this kind.
fn blocks(kind: &str) -> Vec<String> {
    let page = fs::read_to_string(root().join("docs/exploring.md")).expect("the page is there");
    let opening = format!("```{kind}\n");
    page.split(opening.as_str())
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .map(|(block, _)| block.to_owned())
        .collect()
}

#[test]
fn the_page_on_exploring_tells_what_happens() {
    let folder = tempfile::tempdir().expect("a folder for scenarios");
    let folder = folder.path();
    fs::write(folder.join("work.yaml"), &blocks("yaml")[0]).expect("a scenario is written");
    let commands = blocks("sh");
    let words = |line: &str| line.split(' ').skip(1).map(str::to_owned).collect::<Vec<_>>();
    let run = |line: &str| {
        let words = words(line.trim());
        run(folder, &words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let shown = &blocks("text")[0];
    let answer = run(&commands[0]);
    assert_eq!((answer.code, answer.stderr.as_str()), (3, ""));
    let told = answer.stdout.lines().take(shown.lines().count()).map(|line| format!("{line}\n"));
    assert_eq!(&told.collect::<String>(), shown, "{}", answer.stdout);
    let merged: Vec<Answer> = commands[1].lines().map(run).collect();
    assert!(merged.iter().all(|answer| answer.code == 3));
    let runs =
        |answer: &Answer| answer.stdout.lines().find(|line| line.contains("1000 runs:")).map(str::to_owned);
    assert!(runs(&answer).is_some(), "{}", answer.stdout);
    assert_eq!(runs(&merged[2]), runs(&answer));
}

#[test]
fn the_manifests_set_what_tells_a_part_of_the_search() {
    let read = |name: &str| {
        let file = root().join("docs/exploring").join(name);
        fs::read_to_string(file).expect("the manifest is there")
    };
    let (kubernetes, github, slurm) = (read("kubernetes.yaml"), read("github.yml"), read("slurm.sh"));
    for yaml in [&kubernetes, &github] {
        assert!(parse_one(yaml).is_ok(), "{yaml}");
    }
    let completions = kubernetes.lines().find_map(|line| line.trim().strip_prefix("completions: "));
    let told = format!("name: JOB_COMPLETIONS, value: \"{}\"", completions.expect("how many there are"));
    assert!(kubernetes.contains(&told) && kubernetes.contains("completionMode: Indexed"));
    assert!(github.contains("JOB_INDEX: ${{ strategy.job-index }}"));
    assert!(github.contains("JOB_TOTAL: ${{ strategy.job-total }}"));
    assert!(slurm.contains("#SBATCH --array=0-7\n"));
}

#[test]
fn a_part_of_the_search_is_read_from_what_starts_the_program() {
    let folder = tempfile::tempdir().expect("a folder for scenarios");
    fs::write(folder.path().join("depends.yaml"), DEPENDS).expect("a scenario is written");
    let search = |variables: &[(&str, &str)]| {
        let output = Command::new(env!("CARGO_BIN_EXE_failover-copy"))
            .args(["explore", "depends.yaml", "--seeds", "1..21"])
            .current_dir(folder.path())
            .envs(variables.iter().copied())
            .output()
            .expect("the program was built for this test");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (_, told, _) = search(&[("JOB_COMPLETION_INDEX", "1"), ("JOB_COMPLETIONS", "4")]);
    assert!(told.starts_with("shard 2/4, by JOB_COMPLETION_INDEX\n"), "{told}");
    assert!(told.contains("depends: 5 runs:"), "{told}");
    let (code, _, error) = search(&[("CI_NODE_INDEX", "5"), ("CI_NODE_TOTAL", "4")]);
    assert_eq!(code, Some(2));
    assert!(error.contains("CI_NODE_INDEX=5, CI_NODE_TOTAL=4"), "{error}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_search_reports_what_it_saw() {
    // Ctrl-C, and the end of a job's time.
    for signal in ["-INT", "-TERM"] {
        stop_a_search(signal);
    }
}

#[cfg(unix)]
fn stop_a_search(signal: &str) {
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::process::Stdio;
    let folder = tempfile::tempdir().expect("a folder for scenarios");
    fs::write(folder.path().join("depends.yaml"), DEPENDS).expect("a scenario is written");
    let mut child = Command::new(env!("CARGO_BIN_EXE_failover-copy"))
        .args(["explore", "depends.yaml", "--for", "10h", "--report", "json=report.json"])
        .current_dir(folder.path())
        .envs([("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "1")])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program was built for this test");
    let mut told = BufReader::new(child.stdout.take().expect("its output is kept"));
    let mut line = String::new();
    told.read_line(&mut line).expect("it says which part it runs");
    assert_eq!(line, "shard 1/1, by CI_NODE_INDEX\n");
    let number = child.id().to_string();
    let sent = Command::new("kill").args([signal, number.as_str()]).status().expect("there is kill");
    assert!(sent.success());
    let mut rest = String::new();
    told.read_to_string(&mut rest).expect("it ends by itself");
    assert_eq!(child.wait().expect("it has ended").code(), Some(3), "{rest}");
    assert!(rest.contains("stopped: the report is of what was run so far"), "{rest}");
    let resumed = ["explore", "depends.yaml", "--resume", "report.json", "--seeds", "1..2"];
    let resumed = run(folder.path(), &resumed);
    assert_eq!(resumed.code, 3, "{}", resumed.stderr);
}

#[test]
fn what_is_wrong_in_the_family_is_shown_at_its_place() {
    let folder = tempfile::tempdir().expect("a folder for scenarios");
    let folder = folder.path();
    let wrong = "\
proves: nothing
about: { topology: two_node_fci }
steps:
  - move_role: { to: any }
explore:
  faults: [ { pause: { for: 1m, because: so } }, { power_off: { node: NODE9 } } ]
  at_most: 0
  within: 0s
";
    fs::write(folder.join("wrong.yaml"), wrong).expect("a scenario is written");
    let answer = run(folder, &["explore", "wrong.yaml"]);
    assert_eq!(answer.code, 2);
    for told in [
        "there is no node `any`",
        "this is no fault",
        "there is no node `NODE9`",
        "a run has 1 to 50 faults",
        "no fault fits into no time",
    ] {
        assert_eq!(answer.stderr.matches(told).count(), 1, "{told}\n{}", answer.stderr);
    }
}

/// Families of stories that may happen to a cluster, in the order of their names.
fn families() -> Vec<Plan> {
    let folder = root().join("tests/explore/families");
    load(&[folder], 1, &Overrides::default()).expect("no mistake in them")
}

#[test]
fn what_the_families_want_to_meet_is_met_and_counted() {
    let mut told = String::new();
    for plan in families() {
        let tally = search(&plan, 101, Shard::WHOLE, 2);
        let _ = writeln!(told, "{}: {:?}", plan.name, tally.sometimes);
        assert_eq!(tally.not_met().collect::<Vec<_>>(), [] as [&str; 0], "{}", plan.name);
    }
    writeln!(std::io::stdout().lock(), "{told}").expect("standard output takes a line");
}

#[test]
fn a_moment_inside_the_model_that_cannot_come_is_not_met() {
    let quiet = "\
proves: nothing
about: { topology: two_node_fci }
steps:
  - move_role: { to: standby }
explore:
  sometimes: [ handshake_cut_off, renewal_cut_off, swept_before_renewal, loss_during_regroup ]
";
    let tally = search(&plan_of(quiet, &two_node_fci(), 1), 101, Shard::WHOLE, 1);
    assert_eq!(tally.not_met().count(), 4, "{:?}", tally.sometimes);
}

/// So many seeds of each family are enough for every defect.
const SEEDS: u64 = 250;

/// No story of a defect needs more actions.
const MOST_ACTIONS: usize = 4;

/// Which family finds each defect with the fewest seeds, and what is left of the story.
#[test]
fn planted_defects_are_found_and_their_stories_are_small() {
    let families = families();
    let known: Vec<Tally> = families.iter().map(|plan| search(plan, SEEDS, Shard::WHOLE, 2)).collect();
    let mut told = format!("# up to {SEEDS} seeds of each family, and {MOST_ACTIONS} actions\n");
    for &defect in Defect::ALL {
        let word = defect.word();
        let mut first = None;
        let mut end = SEEDS;
        plant(Some(defect));
        for (plan, known) in families.iter().zip(&known) {
            if let Some((seed, key)) = first_new(plan, known, end) {
                first = Some((seed, plan, key));
                end = seed;
            }
        }
        let found = first.map(|(seed, plan, key)| (seed, plan, Finding::of(plan, seed, &key)));
        plant(None);
        let (seed, plan, finding) = found.unwrap_or_else(|| panic!("{word} is not found"));
        let finding = finding.expect("what failed fails again");
        let (name, actions) = (plan.scenario_name(), finding.actions);
        let _ = writeln!(told, "{word}: seed {seed} of {name}, actions: {actions}\n  {}", finding.cause);
        assert!(finding.is_confirmed, "{word}: what was written fails in another way");
        assert!(actions <= MOST_ACTIONS, "{word}: {actions} actions");
    }
    write!(std::io::stdout().lock(), "{told}").expect("standard output takes a line");
    let file = root().join("tests/explore/planted_defects.txt");
    compare_with_file(&file, &told, "explore").unwrap_or_else(|difference| panic!("{difference}"));
}

/// The first failure before this seed of a kind that the model without a defect does not have.
fn first_new(plan: &Plan, known: &Tally, end: u64) -> Option<(u64, String)> {
    let mut explorer = Explorer::new(plan);
    let mut coverage = Coverage::default();
    (1..end).find_map(|seed| match explorer.run(seed, &mut coverage).judged {
        Judged::Failed(failure) if !known.findings.contains_key(&failure.key) => Some((seed, failure.key)),
        Judged::Failed(_) | Judged::Passed | Judged::Undecided { .. } => None,
    })
}
