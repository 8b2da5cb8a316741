//! What do the tests of the workspace share?
//!
//! Where its files are, texts to compare with, plans made from text, and what a run of one leaves behind.

use std::path::{Path, PathBuf};

use failover_harness::backend::Backend;
use failover_harness::history::HistoryWriter;
use failover_harness::plan::{Origin, Overrides, Plan};
use failover_harness::report::{ScenarioReport, Timeline};
use failover_harness::runner::run_scenario;
use failover_harness::scenario;
use failover_sim::observe::{Flow, Record, Sink};

/// The folder of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace").to_owned()
}

/// The text of a file, named from the folder of the workspace.
///
/// # Panics
/// If it cannot be read.
pub fn text_of(file: &str) -> String {
    let path = root().join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read `{}`: {error}", path.display()))
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

/// The topology that the guide's eight steps set up, word for word.
pub fn two_node_fci() -> String {
    text_of("scenarios/topologies/two_node_fci.yaml")
}

/// A scenario of one's own on a topology of one's own.
pub fn origin(scenario: &str, topology: &str) -> Origin {
    Origin {
        scenario_file: "scenarios/tests/own.yaml".to_owned(),
        scenario_text: scenario.to_owned(),
        topology_file: "scenarios/topologies/own.yaml".to_owned(),
        topology_text: topology.to_owned(),
        overrides: Overrides::default(),
    }
}

/// The plan of a scenario and a topology in which nothing is wrong.
///
/// # Panics
/// If something is wrong: with the mistakes.
pub fn plan_of(scenario: &str, topology: &str, seed: u64) -> Plan {
    scenario::plan("tests/own", origin(scenario, topology), seed).unwrap_or_else(|files| {
        let shown: String =
            files.iter().map(|file| file.render(scenario::diagnostic::Paint::Plain)).collect();
        panic!("{shown}\nin\n{scenario}")
    })
}

/// What a run leaves behind.
#[derive(Debug)]
pub struct Traces {
    /// Its history, as `--histories` writes it.
    pub history: String,
    /// Its timeline, as `--verbose` shows it.
    pub timeline: String,
    /// Its records.
    pub records: Vec<Record>,
    /// What it came to.
    pub report: ScenarioReport,
}

/// Runs a plan and keeps everything.
///
/// # Panics
/// If a history in memory cannot be written.
pub fn run<B: Backend>(plan: &Plan, backend: &mut B) -> Traces {
    let history =
        HistoryWriter::begin(plan, backend.kind().word(), Vec::new()).expect("memory can be written");
    let mut both = Both(history, Timeline::new(plan));
    let report = run_scenario(plan, backend, &mut both);
    let history = both.0.finish().expect("memory can be written");
    Traces {
        history: String::from_utf8(history).expect("JSON is text"),
        timeline: both.1.text(),
        records: both.1.records().to_vec(),
        report,
    }
}

struct Both<'p>(HistoryWriter<'p, Vec<u8>>, Timeline<'p>);

impl Sink for Both<'_> {
    fn record(&mut self, record: &Record) -> Flow {
        self.0.record(record);
        self.1.record(record)
    }
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
