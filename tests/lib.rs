//! What do several of the workspace's tests need?

use std::path::{Path, PathBuf};
use std::process::Command;

use failover_harness::backend::SimBackend;
use failover_harness::director;
use failover_harness::history::HistoryWriter;
use failover_harness::judge::Judgement;
use failover_harness::plan::{Base, Origin, Overrides, Plan};
use failover_harness::scenario::diagnostic::Paint;
use failover_harness::scenario::{self, load};

/// The folder of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// Plans of all scenarios of the repository, in the order of their names.
///
/// # Panics
/// If one of them is wrong.
pub fn plans(seed: u64) -> Vec<Plan> {
    load(&[root().join("scenarios")], seed, &Overrides::default())
        .expect("the repository's scenarios are right")
}

/// The plan of one scenario of the repository.
///
/// # Panics
/// If there is none of this name.
pub fn plan(name: &str, seed: u64) -> Plan {
    plans(seed).into_iter().find(|plan| plan.name == name).expect("a scenario of the repository")
}

/// Runs a plan on the simulator; gives the history as JSON lines, and the judgement.
///
/// # Panics
/// If memory refuses to be written to.
pub fn history(plan: &Plan, backend: &mut SimBackend) -> (String, Judgement) {
    let mut writer = HistoryWriter::begin(plan, "sim", Vec::new()).expect("memory can be written to");
    let judgement = director::run(plan, backend, &mut writer);
    let bytes = writer.finish().expect("memory can be written to");
    (String::from_utf8(bytes).expect("JSON is text"), judgement)
}

/// What a run of the program came to.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its exit code.
    pub code: i32,
    /// Its standard output, times of the clock replaced.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Runs the program in a folder.
///
/// # Panics
/// If it cannot be started, or is ended by a signal.
pub fn failover(program: &str, folder: &Path, arguments: &[&str]) -> Answer {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env_remove("NO_COLOR")
        .output()
        .expect("the program was built for this test");
    Answer {
        code: output.status.code().expect("it ended by itself"),
        stdout: without_times(&String::from_utf8_lossy(&output.stdout)),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The text with the seconds before ` s   exit` replaced, which differ from run to run.
pub fn without_times(text: &str) -> String {
    let line = |line: &str| match line.split_once(" s   exit ") {
        Some((before, code)) => {
            let kept = before.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
            format!("{kept}[time] s   exit {code}\n")
        }
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// The text of the topology that most tests run on.
///
/// # Panics
/// If the repository does not have it.
pub fn two_node_fci() -> String {
    std::fs::read_to_string(root().join("scenarios/topologies/two_node_fci.yaml"))
        .expect("a file of the repository")
}

/// Where a scenario and a topology come from that a test wrote; the topology may be based on `two_node_fci`.
pub fn origin(scenario: &str, topology: &str) -> Origin {
    Origin {
        scenario_file: "own.yaml".to_owned(),
        scenario_text: scenario.to_owned(),
        topology_file: "topologies/two_node_fci.yaml".to_owned(),
        topology_text: topology.to_owned(),
        base: topology
            .lines()
            .any(|line| line == "based_on: two_node_fci")
            .then(|| Base { file: "topologies/two_node_fci.yaml".to_owned(), text: two_node_fci() }),
        files: Default::default(),
        overrides: Overrides::default(),
    }
}

/// The plan of a scenario and a topology that a test wrote.
///
/// # Panics
/// If there is a mistake in them; it is shown.
pub fn plan_of(scenario: &str, topology: &str, seed: u64) -> Plan {
    scenario::plan("tests/own", &origin(scenario, topology), seed).unwrap_or_else(|files| {
        let shown: String = files.iter().map(|file| file.render(Paint::Plain)).collect();
        panic!("{shown}\nin\n{scenario}")
    })
}

/// Every file below a folder with this ending, in the order of their paths.
///
/// # Panics
/// If a folder cannot be read.
pub fn files_below(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let entries = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("cannot read `{}`: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("an entry of a folder").path();
        if path.is_dir() {
            files.extend(files_below(&path, ending));
        } else if path.extension().is_some_and(|own| own == ending) {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Compares a text with the one in a file, to the byte; with `UPDATE_GOLDEN=1` in the environment writes the file
/// instead. `Err` says what to do.
///
/// # Errors
/// If there is no such file, or its text is another one: with the first line that differs.
pub fn compare_with_file(file: &Path, found: &str, test: &str) -> Result<(), String> {
    let shown = file.strip_prefix(root()).unwrap_or(file).display();
    let command = format!("UPDATE_GOLDEN=1 cargo test -p failover-tests --test {test}");
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        return std::fs::write(file, found).map_err(|error| format!("cannot write `{shown}`: {error}"));
    }
    match std::fs::read_to_string(file) {
        Err(error) => {
            Err(format!("cannot read `{shown}`: {error}\nthis makes it: {command}\nit would be:\n{found}"))
        }
        Ok(expected) => match first_difference(&expected, found) {
            None => Ok(()),
            Some(difference) => Err(format!(
                "`{shown}` says otherwise\n{difference}\nif the change is meant: {command}\nall of it:\n{found}"
            )),
        },
    }
}

/// The first line in which two texts differ, if they do.
pub fn first_difference(expected: &str, found: &str) -> Option<String> {
    if expected == found {
        return None;
    }
    let (mut expected, mut found) = (expected.split('\n'), found.split('\n'));
    (1..).find_map(|line| {
        let (expected, found) = (expected.next(), found.next());
        let say = |text: Option<&str>| text.map_or("(nothing)".to_owned(), |text| format!("{text:?}"));
        (expected != found)
            .then(|| format!("line {line}\n  expected {}\n  found    {}", say(expected), say(found)))
    })
}
