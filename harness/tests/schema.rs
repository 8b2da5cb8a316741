//! Does the JSON Schema accept what the program accepts, and refuse what it refuses? By a validator that is not ours.

use std::path::{Path, PathBuf};

use failover_harness::plan::{Origin, Overrides};
use failover_harness::scenario::read::read;
use failover_harness::scenario::tree::parse_one;
use failover_harness::scenario::{plans, scenario_schema, standard, topology_schema};
use jsonschema::Validator;
use serde_json::Value;

fn value(text: &str) -> Value {
    read(&parse_one(text).expect("it is YAML")).expect("it is a value")
}

fn complaints(validator: &Validator, text: &str) -> Vec<String> {
    validator.iter_errors(&value(text)).map(|error| error.to_string()).collect()
}

fn validator(schema: &Value) -> Validator {
    jsonschema::draft7::meta::validate(schema).expect("a schema of draft 7");
    jsonschema::draft7::new(schema).expect("a schema")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("an entry of it").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            found.push(path);
        }
    }
}

#[test]
fn every_scenario_and_topology_of_the_repository_is_accepted() {
    let (scenario, topology) = (validator(&scenario_schema()), validator(&topology_schema()));
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios"), &mut found);
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli"), &mut found);
    assert!(found.len() >= 20);
    for file in found {
        let text = std::fs::read_to_string(&file).expect("a file of the repository");
        let is_topology = file.parent().is_some_and(|folder| folder.ends_with("topologies"));
        let errors = complaints(if is_topology { &topology } else { &scenario }, &text);
        assert!(errors.is_empty(), "{}: {errors:?}", file.display());
    }
}

const GOOD: &str = "proves: x
about: { topology: two_node_fci }
steps:
  - move_role: { to: standby }
";

/// What replaces the step of [`GOOD`], or the line that is added to it.
const WRONG_STEPS: [&str; 21] = [
    "mvoe_role: { to: standby }",
    "move_role: { too: standby }",
    "move_role: { to: 2 }",
    "move_role: { to: standby }\n    within: 90s",
    "move_role:",
    "move_role: standby",
    "{}",
    "expect: { role: { state: online } }",
    "expect: { within: 90s }",
    "expect: { within: 90, role: { state: online } }",
    "expect: { within: 1.5m, role: { state: online } }",
    "expect: { within: 90s, role: { state: up } }",
    "expect: { within: 90s, role: {} }",
    "expect: { within: 90s, workers: { which: all, state: connected } }",
    "expect: { within: 90s, workers: { which: every } }",
    "expect: { within: 90s, tasks: { of: long, which: every } }",
    "hold: { role: { state: online } }",
    "hold: { for: 1m, while: [], role: { state: online } }",
    "hold: { for: 1m }",
    "pause: { for: 1m }",
    "start_executions: { as: a, count: 0, duration: 1m }",
];
const WRONG_PARTS: [&str; 12] = [
    "step: []",
    "given: { power_off: { node: owner } }",
    "breaks: workers_reconnect",
    "breaks: [ worker_reconnects ]",
    "cases: [ { then: [] } ]",
    "cases: [ { case: Not Plain } ]",
    "cases: [ { case: a, assume: { first_sweep: never } } ]",
    "cases: [ { case: a, assume: { second_sweep: before_serving } } ]",
    "claims: [ reconnect_time ]",
    "claims: [ { reconnect_time: { percentile: 95 } } ]",
    "claims: [ { reconnect_time: { percentile: 101, at_most: 90s } } ]",
    "claims: [ { workers_reconnect: {} } ]",
];

fn is_planned(text: &str) -> bool {
    let topology = standard::topology("two_node_fci").expect("it is carried");
    let origin = Origin {
        scenario_file: "own.yaml".to_owned(),
        scenario_text: text.to_owned(),
        topology_file: topology.name.to_owned(),
        topology_text: topology.text.to_owned(),
        base: None,
        files: Default::default(),
        overrides: Overrides::default(),
    };
    plans("own", &origin, 1).is_ok()
}

#[test]
fn what_is_wrong_is_refused_by_the_schema_and_by_the_program() {
    let scenario = validator(&scenario_schema());
    assert!(complaints(&scenario, GOOD).is_empty() && is_planned(GOOD));
    let steps = WRONG_STEPS.map(|step| GOOD.replace("move_role: { to: standby }", step));
    let parts = WRONG_PARTS.map(|part| format!("{GOOD}{part}\n"));
    for text in steps.iter().chain(&parts) {
        assert!(!complaints(&scenario, text).is_empty(), "the schema accepts\n{text}");
        assert!(!is_planned(text), "the program accepts\n{text}");
    }
}

#[test]
fn a_wrong_topology_is_refused() {
    let topology = validator(&topology_schema());
    let text = standard::topology("two_node_fci").expect("it is carried").text;
    for (old, new) in [
        ("witness: disk", "witness: floppy"),
        ("windows_2019", "windows_95"),
        ("count: 3", "count: many"),
        ("workers_reconnect: 5m", "workers_reconnect: soon"),
        ("type: sql_server,", "kind: sql_server,"),
        ("PortNumber: 8391", "PortNumber: 83910"),
    ] {
        assert!(text.contains(old), "{old}");
        assert!(!complaints(&topology, &text.replacen(old, new, 1)).is_empty(), "{new}");
    }
}

#[test]
fn a_step_is_one_object_with_every_verb_and_exactly_one_key() {
    let schema = scenario_schema();
    let step = &schema["definitions"]["StepDocument"];
    assert_eq!((&step["minProperties"], &step["maxProperties"]), (&Value::from(1), &Value::from(1)));
    let verbs = step["properties"].as_object().expect("an object");
    assert_eq!(verbs.len(), 58);
    assert!(verbs.values().all(|verb| verb["description"].is_string()));
}
