//! What does a person see for each mistake in a scenario file?
//!
//! All of it stands in `scenario_faults.txt`, beside this file.

#![expect(dead_code, reason = "of what is read, only the faults are looked at")]

use failover_harness::scenario::diagnostic::{Diagnostics, Fault, Paint};
use failover_harness::scenario::length::Length;
use failover_harness::scenario::read::At;
use failover_harness::scenario::sections::split;
use failover_harness::scenario::tree::survey;
use serde::Deserialize;

/// A small language with everything that the real one uses.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    MoveRole { to: At<String>, by: Option<Length> },
    Expect(Expect),
    Pause { r#for: Length, because: String },
    SetCluster(std::collections::BTreeMap<At<String>, i64>),
    FormQuorum,
}

#[derive(Deserialize)]
struct Expect {
    within: At<Length>,
    role: Option<Role>,
    count: Option<u8>,
    #[serde(default)]
    nodes: Vec<At<String>>,
    between: Option<(u8, u8)>,
}

#[derive(Deserialize)]
struct Role {
    state: Option<At<State>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Online,
    Offline,
}

#[derive(Deserialize)]
struct Case {
    case: String,
    breaks: bool,
}

fn faults_of(text: &str) -> Vec<Fault> {
    let (documents, mut faults) = survey(text);
    for document in &documents {
        let sections = split(document, &["proves", "steps", "cases"], &mut faults);
        let _: Option<At<String>> = sections.require("proves", &mut faults);
        let _: Vec<At<Step>> = sections.require_each("steps", &mut faults);
        let _: Option<At<Vec<Case>>> = sections.read("cases", &mut faults);
    }
    faults
}

#[test]
fn every_mistake_is_shown_as_recorded() {
    let recorded = include_str!("scenario_faults.txt");
    let show = |(claim, text): &(&str, String)| {
        let shown = Diagnostics::new("scenarios/x.yaml", text, faults_of(text)).render(Paint::Plain);
        format!("=== {claim}\n{}\n{shown}\n", text.escape_default().to_string().replace("\\n", "\n"))
    };
    let cases: Vec<String> = STEPS
        .iter()
        .map(|(claim, steps)| (*claim, format!("proves: it works\nsteps:\n{steps}")))
        .chain(FILES.iter().map(|(claim, text)| (*claim, (*text).to_owned())))
        .chain(long_lines())
        .map(|case| show(&case))
        .collect();
    let shown = cases.concat();
    if shown != recorded {
        let new = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("scenario_faults.txt");
        std::fs::write(&new, &shown).expect("the target folder can be written");
        let first = cases.iter().find(|case| !recorded.contains(case.as_str())).map_or("", String::as_str);
        panic!("differs from scenario_faults.txt, first here:\n{first}all of it is in {}", new.display());
    }
}

fn long_lines() -> [(&'static str, String); 2] {
    let quorums = "form_quorum, ".repeat(30);
    let steps = format!("proves: {}\nsteps: [ {quorums}bad, {quorums}]\n", "é".repeat(300));
    let names = format!("proves: x\nsteps: [ \"{}\", \"a\\nb\\0\\e[31m\" ]\n", "long ".repeat(30));
    [
        ("a long line is cut around the mistake", steps),
        ("a word that is long or invisible is shown short", names),
    ]
}

/// Steps of a file that is right otherwise.
const STEPS: &[(&str, &str)] = &[
    ("an unknown field finds the known one", "  - expect:\n      wihtin: 90s\n"),
    ("an unknown field unlike any lists the known ones", "  - move_role: { to: standby, colour: red }\n"),
    (
        "an unknown verb does not hide the next",
        "  - mvoe_role: { to: standby }\n  - hop: {}\n  - form_qourum\n",
    ),
    (
        "a missing field is told at its verb",
        "  - move_role: { by: 5s }\n  - pause:\n      for: 5s\n  - move_role: {}\n",
    ),
    (
        "a missing value is told at its key",
        "  - move_role:\n  - expect: { within: }\n  - move_role: { to: standby, by: }\n  -\n",
    ),
    (
        "a value of the wrong kind says what is expected",
        "  - expect: { within: [90s] }\n  - expect: { within: 90s, count: many }\n  - expect: { within: 90s, role: online }\n  - expect: { within: 90s, nodes: NODE1 }\n  - set_cluster: { SameSubnetDelay: 1.5 }\n  - 7\n",
    ),
    (
        "a number out of range says the range",
        "  - expect: { within: 90s, count: 300 }\n  - expect: { within: 90s, count: -1 }\n",
    ),
    (
        "a wrong duration says how to write it",
        "  - expect: { within: 90 }\n  - expect: { within: 1.5h }\n  - expect: { within: 31d }\n  - expect: { within: 721h }\n  - expect: { within: 5m1h }\n  - expect: { within: 90S }\n",
    ),
    (
        "a number where text belongs wants quotes",
        "  - pause: { for: 5s, because: 12 }\n  - move_role: { to: true }\n",
    ),
    (
        "an unknown name lists the known ones",
        "  - expect: { within: 90s, role: { state: onlin } }\n  - expect: { within: 90s, role: { state: on } }\n  - expect: { within: 90s, role: { state: true } }\n",
    ),
    (
        "a second key beside a verb is refused",
        "  - expect: { within: 90s }\n    role: { state: online }\n  - { within: 90s, move_role: { to: standby } }\n  - form_quorum:\n    expect: { within: 90s }\n  - {}\n",
    ),
    (
        "a verb alone and a name with a value are refused",
        "  - move_role\n  - form_quorum: {}\n  - form_quorum:\n",
    ),
    (
        "a list of the wrong length is refused",
        "  - expect: { within: 90s, between: [1] }\n  - expect: { within: 90s, between: [1, 2, 3] }\n",
    ),
    ("a key without colon or space says so", "  - move_role: {to:NODE2}\n  - move_role: {to NODE2}\n"),
    (
        "a key that is there twice shows the first",
        "  - move_role: { to: a, to: b }\n  - expect:\n      within: 90s\n      count: 1\n      within: 80s\n",
    ),
    (
        "tags anchors and aliases are refused",
        "  - move_role: { to: !secret x }\n  - move_role: { to: &here NODE1 }\n  - move_role: { to: *here }\n",
    ),
    ("a key that is no name is refused", "  - ? [a]\n    : x\n  - : 5\n"),
    (
        "columns are characters and wide ones are underlined wide",
        "  - move_role: { to: \"größe 文文\", büy: 1 }\n  - move_role: { to: x, 文文: 1 }\t# tab\n",
    ),
];

/// Whole files.
const FILES: &[(&str, &str)] = &[
    (
        "a missing field of an element is told at its first key",
        "proves: it works\nsteps: []\ncases:\n  - case: one\n    breaks: true\n  - case: two\n",
    ),
    ("a missing section is told once", "proves: it works\nstep: []\n"),
    ("an open bracket is shown with what it swallowed", "proves: [x\nsteps: []\n---\nproves: x\nsteps: [\n"),
    (
        "brackets must match",
        "proves: {a: 1]\n---\nproves: a }\nsteps: ]\n---\nproves: { a: 1\n  b: 2 }\n---\nproves: [a, , b]\n",
    ),
    ("an open quote is shown where it begins", "proves: \"x\nsteps: []\n---\nproves: 'it's'\n"),
    ("a windows path in double quotes gets advice", "proves: \"\\\\server\\windows\"\n"),
    ("a tab cannot indent", "proves: x\n\n\tsteps: []\n---\nproves: |\n\tx\n"),
    ("a missing space after a colon gets advice", "proves:x\nsteps: []\n---\nproves: a: b\n"),
    ("a line without a colon is shown whole", "proves: x\nsteps of the scenario\ncases: []\n"),
    (
        "a line at the wrong column is shown",
        "proves: x\nsteps:\n  - form_quorum\n   - form_quorum: 1\n---\nsteps: []\n- x\n",
    ),
    (
        "a text that must be quoted is shown",
        "proves: @x\n---\nproves: %x\n---\nproves: *\n---\nproves: 'a' b\n",
    ),
    ("directives are refused", "%YAML 1.2\n---\nproves: x\n"),
    ("a control character is refused", "proves: a\u{7}\nsteps: \n"),
    ("a file in utf 16 is recognised", "p\u{0}r\u{0}o\u{0}\n\u{0}"),
    ("a document that is no mapping is one mistake", "- a\n---\nword\n---\n"),
    ("a byte order mark and line ends of windows count nothing", "\u{feff}proofs: x\r\n\r\nsteps: 5\r\n"),
    ("old line ends count as line ends", "proves: 5\rstep: 5\r"),
    ("a text of several lines is underlined on its first", "proves: x\nsteps: one\n  two\n  three\n"),
];
