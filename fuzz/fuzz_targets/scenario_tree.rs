//! Can any file crash the reader of scenarios, or lead it to a place outside of the file?
//!
//! `cargo fuzz run -s none scenario_tree -- -max_total_time=20 -dict=scenario.dict`

#![no_main]

use failover_harness::scenario::diagnostic::{Diagnostics, Paint};
use failover_harness::scenario::length::Length;
use failover_harness::scenario::read::{At, read, read_each};
use failover_harness::scenario::sections::split;
use failover_harness::scenario::tree::{Span, Tree, Value, survey};
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;

/// A type that uses all that the reader knows, and contains itself.
#[expect(dead_code, reason = "what is read is not looked at")]
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    MoveRole { to: At<String>, by: Option<At<Length>> },
    Nested(Vec<Self>),
    Pair(i8, Option<char>),
    Properties(std::collections::BTreeMap<At<String>, f32>),
    FormQuorum,
}

fuzz_target!(|text: &str| {
    let (documents, mut faults) = survey(text);
    for document in &documents {
        check(document, text);
        let sections = split(document, &["proves", "steps"], &mut faults);
        let _: Option<At<String>> = sections.require("proves", &mut faults);
        let _: Vec<At<Step>> = sections.require_each("steps", &mut faults);
        let _: Vec<At<Step>> = read_each(document, &mut faults);
        faults.extend(read::<Step>(document).err().unwrap_or_default());
    }
    for fault in &faults {
        place(fault.span, text);
        fault.also.iter().for_each(|(span, _)| place(*span, text));
    }
    let diagnostics = Diagnostics::new("x.yaml", text, faults);
    assert_eq!(diagnostics.render(Paint::Plain).is_empty(), diagnostics.faults.is_empty());
    diagnostics.render(Paint::Coloured);
});

fn check(tree: &Tree, text: &str) {
    place(tree.span, text);
    match &tree.value {
        Value::Sequence(items) => items.iter().for_each(|item| check(item, text)),
        Value::Mapping(entries) => entries.iter().for_each(|(key, value)| {
            check(key, text);
            check(value, text);
        }),
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::Text(_) => {}
    }
}

fn place(span: Span, text: &str) {
    assert!(text.get(span.start as usize..span.end as usize).is_some(), "{span:?} is no part of the text");
}
