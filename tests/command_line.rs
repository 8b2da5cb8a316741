//! What does the command line answer: exit code, standard output and standard error, as text?
//!
//! The texts are in `tests/command_line/`, one file for each case. The binary runs in a folder of its own that holds
//! the topology of the guide and the scenarios below, so that no path of a machine is in them.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use failover_harness::backend::BackendKind;
use failover_harness::check::Outcome;
use failover_harness::report::{self, RunReport, RunResult, ScenarioReport};
use failover_tests::{compare_with_file, root, two_node_fci};
use serde_json::Value;
use tempfile::TempDir;

/// Passes: the workers follow the role.
const MOVES: &str = "\
proves: the workers follow a planned move
about: { topology: two_node_fci }
steps:
  - move_role: { to: standby }
  - expect:
      within: 5m
      workers: { which: every, state: connected, served_by: first_standby }
";

/// Fails: the second node kept the certificate of its own setup, and the scenario does not say so.
const CUT_OFF: &str = "\
proves: nothing, for the second node presents another certificate
about: { topology: two_node_fci }
given:
  - replace_master_certificate: { node: first_standby, with: made_by_setup }
steps:
  - move_role: { to: standby }
  - expect:
      within: 5m
      endpoint: { served_by: first_standby }
";

/// Fails: it says that a claim breaks which holds.
const BREAKS_NOTHING: &str = "\
proves: nothing, for the workers come back
about: { topology: two_node_fci }
steps:
  - move_role: { to: standby }
breaks: [ workers_reconnect ]
";

/// Inconclusive: the role is there already, so that nothing moves.
const BITES_NOT: &str = "\
proves: nothing, for the role does not move
about: { topology: two_node_fci }
steps:
  - move_role: { to: owner }
";

/// Inconclusive: a machine that is on cannot be powered on.
const SURROUNDINGS: &str = "\
proves: nothing, for the machine is on
about: { topology: two_node_fci }
steps:
  - power_on: { node: owner }
";

/// Wrong in five places.
const FIVE_MISTAKES: &str = "\
proves: [ nothing ]
about: { topology: two_node_fci, guide: [ 9 ] }
given:
  - replace_master_certificate: { node: standby, with: mastr }
steps:
  - power_off: { node: NODE22 }
  - expect:
      within: 1.5m
      workers: { which: every, state: connected }
";

const FILES: [(&str, &str); 8] = [
    ("scenarios/cluster/moves.yaml", MOVES),
    ("scenarios/model/cut_off.yaml", CUT_OFF),
    ("more/breaks_nothing.yaml", BREAKS_NOTHING),
    ("more/bites_not.yaml", BITES_NOT),
    ("more/surroundings.yaml", SURROUNDINGS),
    ("more/five_mistakes.yaml", FIVE_MISTAKES),
    ("more/no_topology.yaml", "proves: nothing\nabout: { topology: two_nodes_fci }\nsteps: []\n"),
    ("it's mine/cut off.yaml", CUT_OFF),
];

/// A folder with these files, and some that cannot be read.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |file: &str, text: &[u8]| {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("a folder can be made");
        std::fs::write(path, text).expect("a file can be written");
    };
    write("topologies/two_node_fci.yaml", two_node_fci().as_bytes());
    write("more/not_text.yaml", b"proves: \xff\xfe");
    write("no_history.jsonl", b"{}\n");
    write("empty.jsonl", b"");
    for (file, text) in FILES {
        write(file, text.as_bytes());
    }
    std::fs::create_dir(folder.path().join("empty")).expect("a folder can be made");
    folder
}

fn failover(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().expect("the binary starts")
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_failover-under-test"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    for variable in ["NO_COLOR", "CLICOLOR_FORCE", "COLUMNS", "RUST_BACKTRACE"] {
        command.env_remove(variable);
    }
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("what is printed is text")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it was not killed")
}

/// Runs the binary and compares everything that it says with `tests/command_line/NAME.txt`.
#[track_caller]
fn check(name: &str, folder: &Path, arguments: &[&str], exit_code: i32) -> Output {
    let output = failover(folder, arguments);
    let found = format!(
        "$ failover {}\nexit code {}\n--- standard output\n{}--- standard error\n{}",
        arguments.join(" "),
        code(&output),
        without_time(&text(&output.stdout)),
        text(&output.stderr)
    );
    let file = root().join("tests/command_line").join(name).with_extension("txt");
    if let Err(complaint) = compare_with_file(&file, &found, "command_line") {
        panic!("{complaint}");
    }
    assert_eq!(code(&output), exit_code);
    output
}

/// The last line of a report says how long it took.
fn without_time(text: &str) -> String {
    let mut lines = String::new();
    for line in text.split_inclusive('\n') {
        let time = line.split_once(" skipped   ").and_then(|(_, rest)| rest.split_once("   exit "));
        match time {
            Some((time, _)) => lines += &line.replace(time, "[time]"),
            None => lines += line,
        }
    }
    lines
}

#[test]
fn help_says_what_there_is() {
    let folder = folder();
    for (name, arguments) in [
        ("help", &["--help"][..]),
        ("help_run", &["run", "--help"]),
        ("help_judge", &["judge", "--help"]),
        ("help_validate", &["validate", "--help"]),
        ("version", &["--version"]),
    ] {
        let output = check(name, folder.path(), arguments, 0);
        assert!(output.stderr.is_empty());
    }
}

#[test]
fn wrong_arguments_are_mistakes_of_the_input() {
    let folder = folder();
    for (name, arguments) in [
        ("no_command", &[][..]),
        ("unknown_command", &["rum", "scenarios"]),
        ("unknown_option", &["run", "scenarios", "--sed", "1"]),
        ("unknown_backend", &["run", "scenarios", "--backend", "cloud"]),
        ("unknown_report", &["run", "scenarios", "--report", "html=x"]),
        ("no_path", &["run"]),
    ] {
        let output = check(name, folder.path(), arguments, 2);
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn run_tells_of_a_pass_a_fail_and_an_inconclusive_verdict() {
    let folder = folder();
    check("run_passes", folder.path(), &["run", "scenarios/cluster"], 0);
    check("run_verbose", folder.path(), &["run", "scenarios/cluster", "--verbose", "--seed", "3"], 0);
    check("run_fails", folder.path(), &["run", "scenarios"], 1);
    check("run_breaks_nothing", folder.path(), &["run", "more/breaks_nothing.yaml"], 1);
    check("run_bites_not", folder.path(), &["run", "more/bites_not.yaml"], 3);
    check("run_surroundings", folder.path(), &["run", "more/surroundings.yaml"], 3);
    // Fail outweighs inconclusive.
    check(
        "run_fail_and_inconclusive",
        folder.path(),
        &["run", "scenarios/cluster", "more/breaks_nothing.yaml", "more/bites_not.yaml"],
        1,
    );
}

#[test]
fn run_tells_of_mistakes_in_the_input() {
    let folder = folder();
    for (name, path) in [
        ("run_five_mistakes", "more/five_mistakes.yaml"),
        ("run_no_topology", "more/no_topology.yaml"),
        ("run_no_such_path", "more/none.yaml"),
        ("run_empty_folder", "empty"),
        ("run_not_text", "more/not_text.yaml"),
    ] {
        let output = check(name, folder.path(), &["run", path], 2);
        assert!(output.stdout.is_empty());
    }
    check("run_unknown_assumption", folder.path(), &["run", "scenarios", "--assume", "first_sweeps=x"], 2);
    check("run_unknown_answer", folder.path(), &["run", "scenarios", "--assume", "first_sweep=never"], 2);
}

#[test]
fn run_tells_of_surroundings_that_fail() {
    let folder = folder();
    let run = |option| ["run", "scenarios/cluster", option];
    check("run_cannot_write_report", folder.path(), &run("--report=junit=none/x.xml"), 3);
    check("run_cannot_write_histories", folder.path(), &run("--histories=empty.jsonl"), 3);
}

#[test]
fn validate_tells_of_success_and_of_mistakes() {
    let folder = folder();
    check("validate_passes", folder.path(), &["validate", "scenarios"], 0);
    check("validate_five_mistakes", folder.path(), &["validate", "scenarios", "more/five_mistakes.yaml"], 2);
    check("validate_no_such_path", folder.path(), &["validate", "none"], 2);
}

#[test]
fn judge_comes_to_the_verdict_of_the_run() {
    let folder = folder();
    let run = ["run", "scenarios", "more/bites_not.yaml", "--histories", "histories"];
    assert_eq!(code(&failover(folder.path(), &run)), 1);
    check("judge_passes", folder.path(), &["judge", "histories/cluster-moves.jsonl"], 0);
    check("judge_fails", folder.path(), &["judge", "histories/model-cut_off.jsonl"], 1);
    check("judge_inconclusive", folder.path(), &["judge", "histories/more-bites_not.jsonl"], 3);
    let json = failover(folder.path(), &["judge", "histories/model-cut_off.jsonl", "--format", "json"]);
    let judged: Value = serde_json::from_slice(&json.stdout).expect("one JSON document");
    let json = failover(folder.path(), &["run", "scenarios/model/cut_off.yaml", "--format", "json"]);
    let run: Value = serde_json::from_slice(&json.stdout).expect("one JSON document");
    for what in ["verdict", "checks", "findings", "outages", "plan"] {
        assert_eq!(judged["scenarios"][0][what], run["scenarios"][0][what], "{what}");
    }
}

#[test]
fn judge_tells_of_files_that_are_no_history_of_this_plan() {
    let folder = folder();
    check("judge_no_such_file", folder.path(), &["judge", "none.jsonl"], 2);
    check("judge_empty", folder.path(), &["judge", "empty.jsonl"], 2);
    check("judge_no_history", folder.path(), &["judge", "no_history.jsonl"], 2);
    failover(folder.path(), &["run", "scenarios/cluster", "--histories", "."]);
    let history = std::fs::read_to_string(folder.path().join("cluster-moves.jsonl")).expect("a history");
    let doctored = |from: &str, to: &str| {
        assert!(history.contains(from), "{from}");
        std::fs::write(folder.path().join("x.jsonl"), history.replacen(from, to, 1))
            .expect("it can be written");
    };
    doctored("\"history\":1", "\"history\":2");
    check("judge_other_form", folder.path(), &["judge", "x.jsonl"], 2);
    doctored("\"backend\":\"sim\"", "\"backend\":\"cloud\"");
    check("judge_other_backend", folder.path(), &["judge", "x.jsonl"], 2);
    doctored("{\"node_state\":{\"node\":\"NODE1\"", "{\"node_state\":{\"node\":\"NODE9\"");
    check("judge_unknown_node", folder.path(), &["judge", "x.jsonl"], 2);
    doctored("to: standby", "to: owner");
    let other = failover(folder.path(), &["judge", "x.jsonl"]);
    assert_eq!(code(&other), 2);
    assert!(text(&other.stderr).contains("is of another plan"), "{}", text(&other.stderr));
}

/// What a report in JSON says of every scenario.
#[track_caller]
fn check_scenario(scenario: &Value) {
    for key in ["name", "file", "proves", "verdict", "plan", "replay"] {
        assert!(scenario[key].is_string(), "{key} in {scenario}");
    }
    let checks = scenario["checks"].as_array().expect("checks are a list");
    assert_eq!(checks.len(), 3);
    for check in checks {
        assert!(check["claim"].is_string() && check["verdict"].is_string() && check["judged"].is_u64());
    }
    for outage in scenario["outages"].as_array().expect("outages are a list") {
        assert!(outage["cause"].is_string());
        let phases = outage["phases_ms"].as_object().expect("phases are a mapping");
        assert!(phases.values().all(Value::is_u64), "{phases:?}");
    }
}

fn check_document(document: &Value) {
    assert_eq!(document["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(document["backend"], "sim");
    assert_eq!(document["seed"], 5);
    assert_eq!(document["exit_code"], 1);
    let totals: Value = serde_json::json!({
        "scenarios": 3, "passed": 1, "failed": 1, "inconclusive": 1, "skipped": 0
    });
    assert_eq!(document["totals"], totals);
}

#[test]
fn reports_in_json_say_everything() {
    let folder = folder();
    let run = ["run", "scenarios", "more/bites_not.yaml", "--seed", "5", "--format"];
    let json = failover(folder.path(), &[&run[..], &["json"]].concat());
    assert_eq!(code(&json), 1);
    assert!(json.stderr.is_empty());
    let document: Value = serde_json::from_slice(&json.stdout).expect("one JSON document");
    check_document(&document);
    let scenarios = document["scenarios"].as_array().expect("scenarios are a list");
    scenarios.iter().for_each(check_scenario);
    let verdicts: Vec<&str> = scenarios.iter().filter_map(|one| one["verdict"].as_str()).collect();
    assert_eq!(verdicts, ["pass", "fail", "inconclusive"]);
    assert_eq!(scenarios[0]["name"], "cluster/moves");
    assert_eq!(scenarios[0]["file"], "scenarios/cluster/moves.yaml");
    let phases: Vec<&String> =
        scenarios[0]["outages"][0]["phases_ms"].as_object().expect("phases").keys().collect();
    let all: Vec<&str> = failover_harness::phase::PHASES.iter().map(|(name, _)| *name).collect();
    assert_eq!(phases, all);

    let lines = failover(folder.path(), &[&run[..], &["jsonl"]].concat());
    let lines: Vec<Value> = text(&lines.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is a JSON document"))
        .collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[..3], scenarios[..]);
    check_document(&lines[3]);
}

#[test]
fn the_replay_line_leads_to_the_same_verdict_and_the_same_headline() {
    let folder = folder();
    let run = ["run", "it's mine", "more/bites_not.yaml", "--seed", "11", "--workers", "2"];
    let assume = ["--assume", "worker_retry=1s"];
    let output = text(&failover(folder.path(), &[&run[..], &assume].concat()).stdout);
    let blocks: Vec<(&str, &str)> = output
        .lines()
        .filter(|line| line.starts_with("FAIL ") || line.starts_with("INCONCLUSIVE "))
        .zip(output.lines().filter_map(|line| line.strip_prefix("  replay: failover ")))
        .collect();
    assert_eq!(blocks.len(), 2, "{output}");
    for (headline, replay) in blocks {
        let again = Command::new("sh")
            .arg("-c")
            .arg(format!("exec \"$0\" {replay}"))
            .arg(env!("CARGO_BIN_EXE_failover-under-test"))
            .current_dir(folder.path())
            .output()
            .expect("there is a shell");
        let again = text(&again.stdout);
        assert!(again.lines().any(|line| line == headline), "{headline}\n{replay}\n{again}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_reason_to_panic() {
    let folder = folder();
    for arguments in [
        &["run", "scenarios", "-v"][..],
        &["run", "scenarios", "--format", "json"],
        &["validate", "scenarios"],
        &["--help"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = command(folder.path(), arguments).stdout(writer).output().expect("the binary starts");
        assert!(code(&output) <= 1, "{arguments:?}: {}", text(&output.stderr));
        assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    }
}

#[test]
fn nothing_is_coloured_that_does_not_go_to_a_terminal() {
    let folder = folder();
    for no_color in [None, Some("1")] {
        for arguments in [["run", "scenarios"], ["run", "more/five_mistakes.yaml"], ["run", "--sed"]] {
            let mut command = command(folder.path(), &arguments);
            command.envs(no_color.map(|value| ("NO_COLOR", value)));
            let output = command.output().expect("the binary starts");
            let all = [output.stdout, output.stderr].concat();
            assert!(!all.contains(&0x1b), "{}", text(&all));
        }
    }
}

/// An element of an XML document: depth, name, attributes, and whether it has text.
type Element = (usize, String, Vec<(String, String)>);

fn elements(xml: &str) -> Vec<Element> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(xml);
    let (mut elements, mut depth) = (Vec::new(), 0);
    loop {
        let event = reader.read_event().expect("XML");
        let opens = matches!(event, Event::Start(_));
        match event {
            Event::Start(tag) | Event::Empty(tag) => {
                let name = text(tag.name().as_ref());
                let attributes = tag
                    .attributes()
                    .map(|attribute| attribute.expect("an attribute"))
                    .map(|attribute| (text(attribute.key.as_ref()), text(&attribute.value)))
                    .collect();
                elements.push((depth, name, attributes));
                depth += usize::from(opens);
            }
            Event::End(_) => depth -= 1,
            Event::Eof => return elements,
            Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => {}
        }
    }
}

fn attribute<'e>((_, name, attributes): &'e Element, key: &str) -> &'e str {
    let found = attributes.iter().find(|(own, _)| own == key);
    found.map(|(_, value)| value.as_str()).unwrap_or_else(|| panic!("`{name}` has no `{key}`"))
}

/// The common schema of JUnit reports, as far as this one uses it.
#[track_caller]
fn check_junit(xml: &str, cases: usize, failures: usize, errors: usize, skipped: usize) {
    let elements = elements(xml);
    let counts = |key: &str, count: usize| {
        for element in elements.iter().filter(|(_, name, _)| name.starts_with("testsuite")) {
            assert_eq!(attribute(element, key), count.to_string(), "{key} of {}", element.1);
        }
    };
    assert!(xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"));
    counts("tests", cases);
    counts("failures", failures);
    counts("errors", errors);
    counts("skipped", skipped);
    let mut found = [0; 3];
    for element in &elements {
        let (depth, name, _) = element;
        match (*depth, name.as_str()) {
            (0, "testsuites") | (1, "testsuite") => assert!(!attribute(element, "name").is_empty()),
            (2, "testcase") => {
                assert!(!attribute(element, "name").is_empty());
                let time: f64 = attribute(element, "time").parse().expect("seconds");
                assert!(time >= 0.0);
            }
            (3, "failure" | "error" | "skipped") => {
                assert!(!attribute(element, "message").is_empty());
                found[match name.as_str() {
                    "failure" => 0,
                    "error" => 1,
                    _ => 2,
                }] += 1;
            }
            (depth, name) => panic!("`{name}` at depth {depth} is not in the schema"),
        }
    }
    assert_eq!(found, [failures, errors, skipped]);
}

#[test]
fn a_junit_report_counts_fail_as_failure_and_inconclusive_as_error() {
    let folder = folder();
    let run = ["run", "scenarios", "more/bites_not.yaml", "--report", "junit=report.xml"];
    assert_eq!(code(&failover(folder.path(), &run)), 1);
    let xml = std::fs::read_to_string(folder.path().join("report.xml")).expect("a report");
    check_junit(&xml, 3, 1, 1, 0);
    assert!(xml.contains("replay: failover run scenarios/model/cut_off.yaml --seed 1"), "{xml}");
}

#[test]
fn a_junit_report_counts_skipped_as_skipped_and_escapes_what_xml_cannot_say() {
    let scenario = |result| ScenarioReport {
        name: "a <b> & \"c\" \u{1}".to_owned(),
        file: "a.yaml".to_owned(),
        proves: String::new(),
        result,
        judgement: None,
        unknowns: Vec::new(),
        replay: "failover run a.yaml --seed 1".to_owned(),
        promise: Duration::from_secs(300),
        plan: String::new(),
        elapsed: Duration::from_millis(7),
    };
    let report = RunReport {
        backend: BackendKind::Lab,
        profile: String::new(),
        seed: 1,
        topologies: 1,
        scenarios: vec![
            scenario(RunResult::Skipped("lab cannot <power_off>".to_owned())),
            scenario(RunResult::Judged(Outcome::Pass)),
        ],
        elapsed: Duration::from_millis(8),
    };
    let xml = report::junit(&report).expect("XML can be written");
    check_junit(&xml, 2, 0, 0, 1);
    assert!(xml.contains("a &lt;b&gt; &amp;"), "{xml}");
    assert_eq!(report.exit_code(), 0);
    let skipped = RunReport { scenarios: report.scenarios[..1].to_vec(), ..report };
    assert_eq!(skipped.exit_code(), 3, "where nothing was judged, nothing is green");
}
