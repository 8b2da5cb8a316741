//! Can any text crash the reader, or lead it to a place outside of the text?

use failover_harness::scenario::diagnostic::{Diagnostics, Fault, Paint};
use failover_harness::scenario::length::Length;
use failover_harness::scenario::nearest;
use failover_harness::scenario::read::{At, read, read_each};
use failover_harness::scenario::sections::split;
use failover_harness::scenario::tree::{Span, Tree, Value, survey};
use proptest::prelude::*;
use serde::Deserialize;

/// A type that uses all that the reader knows, and contains itself.
#[expect(dead_code, reason = "what is read is not looked at")]
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    MoveRole { to: At<String>, by: Option<At<Length>> },
    Expect(At<Expect>),
    Nested(Vec<Self>),
    Pair(i8, Option<char>),
    Properties(std::collections::BTreeMap<At<String>, f32>),
    Nothing(()),
    FormQuorum,
}

#[expect(dead_code, reason = "what is read is not looked at")]
#[derive(Deserialize)]
struct Expect {
    within: Option<Length>,
    #[serde(default)]
    guide: Vec<u8>,
    of: Option<Box<Step>>,
    flag: Option<bool>,
}

/// Reads a text in every way and checks all places.
fn exercise(text: &str) -> Result<(), TestCaseError> {
    let (documents, mut faults) = survey(text);
    for document in &documents {
        check_places(document, text)?;
        let sections = split(document, &["proves", "about", "steps"], &mut faults);
        let _: Option<At<String>> = sections.require("proves", &mut faults);
        let _: Option<At<Expect>> = sections.read("about", &mut faults);
        let _: Vec<At<Step>> = sections.require_each("steps", &mut faults);
        let _: Vec<At<Step>> = read_each(document, &mut faults);
        faults.extend(read::<Step>(document).err().unwrap_or_default());
        faults.extend(read::<Expect>(document).err().unwrap_or_default());
        faults.extend(read::<Vec<Vec<At<Length>>>>(document).err().unwrap_or_default());
    }
    for fault in &faults {
        check_fault(fault, text)?;
    }
    let diagnostics = Diagnostics::new("x.yaml", text, faults);
    let shown = diagnostics.render(Paint::Plain);
    prop_assert_eq!(shown.is_empty(), diagnostics.faults.is_empty());
    prop_assert!(!shown.contains(|c: char| c.is_control() && c != '\n'));
    diagnostics.render(Paint::Coloured);
    Ok(())
}

fn check_place(span: Span, text: &str) -> Result<(), TestCaseError> {
    let place = text.get(span.start as usize..span.end as usize);
    prop_assert!(place.is_some(), "{:?} is no part of {:?}", span, text);
    Ok(())
}

fn check_fault(fault: &Fault, text: &str) -> Result<(), TestCaseError> {
    check_place(fault.span, text)?;
    prop_assert!(!fault.message.is_empty());
    for (span, _) in &fault.also {
        check_place(*span, text)?;
    }
    Ok(())
}

/// Every part lies in the text, in the whole of which it is a part, and behind the part before it.
fn check_places(tree: &Tree, text: &str) -> Result<(), TestCaseError> {
    check_place(tree.span, text)?;
    let parts: Vec<&Tree> = match &tree.value {
        Value::Sequence(items) => items.iter().collect(),
        Value::Mapping(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::Text(_) => Vec::new(),
    };
    let mut end = tree.span.start;
    for part in parts {
        prop_assert!(part.span.start >= end, "{:?} begins before {} in {:?}", part.span, end, text);
        prop_assert!(
            part.span.end <= tree.span.end,
            "{:?} ends behind {:?} in {:?}",
            part.span,
            tree.span,
            text
        );
        check_places(part, text)?;
        end = part.span.end;
    }
    Ok(())
}

/// Pieces of which texts are made that are nearly right.
fn piece() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "proves",
        "about",
        "steps",
        "move_role",
        "expect",
        "nested",
        "pair",
        "within",
        "to",
        "by",
        "of",
        "90s",
        "1h30m",
        "standby",
        "form_quorum",
        ": ",
        ":",
        "- ",
        "-",
        "\n",
        "\n  ",
        "\n    ",
        "\r\n",
        "\r",
        "\t",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "'",
        "\"",
        "\\",
        "|",
        ">",
        "? ",
        "!",
        "!!str ",
        "&a ",
        "*a",
        "#",
        " # é",
        "---\n",
        "...\n",
        "%YAML 1.2\n",
        "é",
        "文",
        "\u{feff}",
        "\u{85}",
        "\u{2028}",
        "\0",
        "~",
        "null",
        "true",
        "on",
        "1",
        "-1.5e3",
        "0x1f",
        "@",
        "`",
    ]);
    prop::collection::vec(words, 0..60).prop_map(|words| words.concat())
}

/// A right text with some of its characters taken out, doubled, or replaced.
fn mutated() -> impl Strategy<Value = String> {
    let change = (any::<prop::sample::Index>(), 0..3_u8, piece());
    prop::collection::vec(change, 0..6).prop_map(|changes| {
        let mut text = RIGHT.to_owned();
        for (index, kind, piece) in changes {
            let at = text.floor_char_boundary(index.index(text.len() + 1));
            let end = text.ceil_char_boundary((at + 1 + usize::from(kind) * 7).min(text.len()));
            match kind {
                0 => text.insert_str(at, &piece),
                1 => text.replace_range(at..end, ""),
                _ => text.replace_range(at..end, &piece),
            }
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_texts_are_read_or_refused(text in any::<String>()) {
        exercise(&text)?;
    }

    #[test]
    fn texts_of_yaml_pieces_are_read_or_refused(text in piece()) {
        exercise(&text)?;
    }

    #[test]
    fn texts_that_were_right_are_read_or_refused(text in mutated()) {
        exercise(&text)?;
    }

    #[test]
    fn any_place_can_be_shown(text in piece(), start in 0..200_u32, length in 0..200_u32, other in any::<u32>()) {
        let fault = Fault::new("x", Span::new(start, start + length)).with_label("y").with_also(Span::new(other % 200, other), "z");
        Diagnostics::new("x.yaml", text, vec![fault]).render(Paint::Plain);
    }

    #[test]
    fn a_duration_reads_as_it_is_shown(millis in 0..=2_592_000_000_u64) {
        let length = Length(std::time::Duration::from_millis(millis));
        prop_assert_eq!(Length::parse(&length.to_string()), Ok(length));
    }

    #[test]
    fn any_word_is_a_duration_or_not(word in "[0-9hms. -]{0,12}|.*") {
        if let Ok(length) = Length::parse(&word) {
            prop_assert!(word.starts_with(|c: char| c.is_ascii_digit()));
            prop_assert!(length.0.as_secs() <= 30 * 24 * 3600);
        }
    }

    #[test]
    fn a_hint_can_be_given_for_any_word(word in ".*") {
        prop_assert!(nearest::hint(&word, ["move_role", "expect"]).is_some());
    }
}

#[test]
fn the_right_text_is_right() {
    let (documents, mut faults) = survey(RIGHT);
    for document in &documents {
        let sections = split(document, &["proves", "about", "steps"], &mut faults);
        let _: Option<At<Expect>> = sections.read("about", &mut faults);
        assert!(!sections.require_each::<Step>("steps", &mut faults).is_empty());
    }
    assert_eq!((documents.len(), faults), (2, Vec::new()));
}

#[test]
fn the_deepest_text_fits_on_the_stack() {
    let deep = format!("{}form_quorum{}", "nested: [ ".repeat(64), " ]".repeat(64));
    let flow = format!("[ {deep} ]");
    let (_, faults) = survey(&flow);
    assert_eq!(faults.len(), 1, "one level too many");
    let deep = format!("[ {}form_quorum{} ]", "nested: [ ".repeat(63), " ]".repeat(63));
    let (documents, mut faults) = survey(&deep);
    let steps: Vec<At<Step>> = read_each(&documents[0], &mut faults);
    assert_eq!((steps.len(), faults), (1, Vec::new()));
}

const RIGHT: &str = "\
# A scenario with every form.
proves: größe of a \"text\"
about: { within: 8m, guide: [6, 7], flag: true }
steps:
  - move_role: { to: standby }
  - expect:
      within: 1h30m
      guide:
      - 1
      - 2
      of: { pair: [-1, x] }
  - nested: [ form_quorum, move_role: { to: 'it''s', by: 500ms } ]
  - properties: { SameSubnetDelay: 1.5, \"CrossSubnetDelay\": 2 }
  - nothing: ~
  - form_quorum
---
proves: |
  several
  lines
steps: [ form_quorum ]
";
