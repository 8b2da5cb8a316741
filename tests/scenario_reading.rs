//! Does a right file read as what it says, and does everything know its place?

use std::collections::BTreeMap;
use std::time::Duration;

use failover_harness::scenario::diagnostic::{Diagnostics, Fault, Paint, Place};
use failover_harness::scenario::length::Length;
use failover_harness::scenario::read::{At, read, read_each};
use failover_harness::scenario::sections::split;
use failover_harness::scenario::tree::{Span, Tree, Value, parse, parse_one, survey};
use serde::Deserialize;

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Step {
    MoveRole { to: At<String>, by: Option<Length> },
    Expect(At<Expect>),
    SetCluster(BTreeMap<At<String>, i64>),
    Pair(u8, String),
    FormQuorum,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Expect {
    within: At<Length>,
    state: Option<At<State>>,
    #[serde(default)]
    guide: Vec<u8>,
    ratio: Option<f64>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum State {
    Online,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Seed(u64);

fn seconds(seconds: u64) -> Length {
    Length(Duration::from_secs(seconds))
}

/// The value, with its place found by the text that must stand there.
#[track_caller]
fn at<T>(text: &str, written: &str, value: T) -> At<T> {
    let start = text.find(written).expect("the text holds it");
    let offset = |at: usize| u32::try_from(at).expect("a small text");
    At { span: Span::new(offset(start), offset(start + written.len())), value }
}

#[track_caller]
fn only(text: &str) -> Tree {
    parse_one(text).expect("a right text")
}

fn text(word: &str) -> Value {
    Value::Text(word.to_owned())
}

#[test]
fn every_form_of_step_reads_with_its_places() {
    let file = "\
- move_role: { to: standby }
- move_role:
    to: 'NODE2'
    by: 5s
- expect: { within: 1h30m, state: online, guide: [6, 7], ratio: 1 }
- set_cluster: { SameSubnetThreshold: 90, CrossSubnetDelay: -1 }
- pair: [1, one]
- form_quorum
";
    let tree = only(file);
    let mut faults = Vec::new();
    let steps: Vec<At<Step>> = read_each(&tree, &mut faults);
    assert_eq!(faults, []);
    let expect = Expect {
        within: at(file, "1h30m", seconds(5400)),
        state: Some(at(file, "online", State::Online)),
        guide: vec![6, 7],
        ratio: Some(1.0),
    };
    let cluster = [("SameSubnetThreshold", 90), ("CrossSubnetDelay", -1)];
    let expected = vec![
        Step::MoveRole { to: at(file, "standby", "standby".to_owned()), by: None },
        Step::MoveRole { to: at(file, "'NODE2'", "NODE2".to_owned()), by: Some(seconds(5)) },
        Step::Expect(at(file, "{ within: 1h30m, state: online, guide: [6, 7], ratio: 1 }", expect)),
        Step::SetCluster(cluster.map(|(key, value)| (at(file, key, key.to_owned()), value)).into()),
        Step::Pair(1, "one".to_owned()),
        Step::FormQuorum,
    ];
    let places: Vec<&str> = steps.iter().map(|step| step.span.of(file)).collect();
    assert_eq!(places[1], "move_role:\n    to: 'NODE2'\n    by: 5s");
    assert_eq!(places[5], "form_quorum");
    assert_eq!(steps.into_iter().map(|step| step.value).collect::<Vec<_>>(), expected);
}

#[test]
fn lists_and_mappings_end_with_their_last_part() {
    let file = "a:\n- x\n- y: |\n    block\n    text\n\n# a comment\nb: [ 1 ]  \n\n";
    let tree = only(file);
    assert_eq!(tree.span.of(file), file.trim_end());
    let Value::Mapping(entries) = &tree.value else { panic!("a mapping") };
    assert_eq!(entries[0].1.span.of(file), "- x\n- y: |\n    block\n    text");
    assert_eq!(entries[1].1.span.of(file), "[ 1 ]");
    let Value::Sequence(items) = &entries[0].1.value else { panic!("a list") };
    let Value::Mapping(inner) = &items[1].value else { panic!("a mapping") };
    assert_eq!(inner[0].1.value, text("block\ntext\n"));
    assert_eq!(inner[0].1.span.of(file), "block\n    text");
}

#[test]
fn words_that_older_yaml_takes_for_booleans_are_text() {
    for word in ["on", "off", "yes", "no", "y", "n"] {
        assert_eq!(read::<String>(&only(word)).as_deref(), Ok(word));
        assert_eq!(only(&format!("{word}: 1")).value, Value::Mapping(vec![(key(word), one(word))]));
    }
}

fn key(word: &str) -> Tree {
    Tree { span: Span::new(0, u32::try_from(word.len()).expect("short")), value: text(word) }
}

fn one(word: &str) -> Tree {
    let start = u32::try_from(word.len()).expect("short") + 2;
    Tree { span: Span::new(start, start + 1), value: Value::Integer(1) }
}

#[test]
fn several_documents_are_read_and_broken_ones_left_out() {
    assert_eq!(parse("a\n---\nb\n").map(|documents| documents.len()), Ok(2));
    assert_eq!(parse("").map(|documents| documents.len()), Ok(0));
    assert_eq!(parse("# nothing\n").map(|documents| documents.len()), Ok(0));
    let (documents, faults) = survey("a: 1\n---\nb: [\n---\nc: *d\n---\nd: 1\nd: 2\n---\ne: 5\n");
    let names: Vec<_> = documents.iter().map(|tree| tree.span.start).collect();
    assert_eq!(names, [0, 28, 42]);
    assert_eq!(faults.len(), 3);
}

#[test]
fn one_document_must_be_exactly_one() {
    let refused = |text: &str| parse_one(text).map_err(|faults| faults[0].message.clone());
    assert_eq!(refused("# only a comment\n"), Err("the file is empty".to_owned()));
    // What is underlined is what ends the first, whatever the second is.
    for (text, expected) in [
        ("a: 1\n---\nb: 2\n", 5),
        ("a: 1\n---\n", 5),
        ("---\na: 1\n# more\n--- |\n  b\n  c\n", 16),
        ("a: 1\n...\nb: 2\n", 5),
    ] {
        let faults = parse_one(text).expect_err("two documents");
        assert_eq!(faults[0].message, "expected one document, found a second", "{text}");
        assert_eq!((faults[0].span.start, faults[0].span.end), (expected, expected + 3), "{text}");
    }
}

#[test]
fn limits_are_errors_and_not_crashes() {
    let (documents, faults) = survey(&"[".repeat(1 << 20));
    assert_eq!((documents.len(), faults.len()), (0, 1));
    assert_eq!(faults[0].message, "lists and mappings are nested too deeply");
    let message = |text: String| survey(&text).1.first().map(|fault| fault.message.clone());
    let deep = |levels: usize| format!("{}x{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(message(deep(128)), None);
    assert_eq!(message(deep(129)).as_deref(), Some("lists and mappings are nested too deeply"));
    let block: String = (0..200).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    assert_eq!(message(block).as_deref(), Some("lists and mappings are nested too deeply"));
    let large = "#".repeat((1 << 20) + 1);
    assert_eq!(message(large).as_deref(), Some("the file is too large: 1048577 bytes, at most 1048576"));
    let (_, faults) = survey(&format!("[ {} ]", "*a , ".repeat(5000)));
    assert_eq!(faults.len(), 1000);
}

#[test]
fn unknown_fields_are_faults_without_any_attribute() {
    let faults = read::<Expect>(&only("{ within: 1s, stat: online }")).expect_err("an unknown field");
    assert_eq!(faults[0].message, "unknown field `stat`");
}

#[test]
fn an_optional_field_may_be_null_but_not_blank() {
    let by = |text: &str| match read(&only(text)) {
        Ok(Step::MoveRole { by, .. }) => Ok(by),
        Ok(other) => panic!("{other:?}"),
        Err(faults) => Err(faults[0].message.clone()),
    };
    assert_eq!(by("move_role: { to: x, by: ~ }"), Ok(None));
    assert_eq!(by("move_role: { to: x, by: null }"), Ok(None));
    assert_eq!(by("move_role: { to: x, by: }"), Err("`by` has no value".to_owned()));
}

#[test]
fn numbers_keep_their_full_range() {
    assert_eq!(read(&only("18446744073709551615")), Ok(Seed(u64::MAX)));
    assert_eq!(read(&only("-9223372036854775808")), Ok(i64::MIN));
    assert_eq!(read(&only("-170141183460469231731687303715884105728")), Ok(i128::MIN));
    let faults = read::<Seed>(&only("18446744073709551616")).expect_err("too large");
    let message = "expected a whole number, zero or more, found the number 18446744073709551616";
    assert_eq!(faults[0].message, message);
    assert_eq!(
        read(&only("{ 1: one, 20: twenty }")),
        Ok(BTreeMap::from([(1_u8, "one".to_owned()), (20, "twenty".to_owned())]))
    );
}

#[test]
fn a_custom_error_gets_the_place_and_keeps_its_advice() {
    #[derive(Debug, Deserialize)]
    #[serde(try_from = "u8")]
    struct Percentile;
    impl TryFrom<u8> for Percentile {
        type Error = String;
        fn try_from(number: u8) -> Result<Self, String> {
            let message = format!("there is no percentile {number}");
            Err(failover_harness::scenario::unfit::with_hint(&message, &"at most 100"))
        }
    }
    let file = "{ p: 101 }";
    let faults = read::<BTreeMap<String, Percentile>>(&only(file)).expect_err("not a percentile");
    let expected = Fault::new("there is no percentile 101", Span::new(5, 8))
        .with_label("in `p`")
        .with_hint("at most 100");
    assert_eq!(faults, [expected]);
}

#[test]
fn a_misspelt_section_explains_why_another_is_missing() {
    let tree = only("proves: x\nstep: []\nabout: {}\n");
    let mut faults = Vec::new();
    let sections = split(&tree, &["proves", "steps", "about", "cases"], &mut faults);
    assert_eq!(faults.len(), 1);
    sections.must_have("steps", &mut faults);
    assert_eq!(faults.len(), 1);
    sections.must_have("cases", &mut faults);
    assert_eq!(faults.last().map(|fault| fault.message.as_str()), Some("the field `cases` is missing"));
    assert!(sections.get("about").is_some());
    assert_eq!(
        sections.read::<String>("proves", &mut faults).map(|proves| proves.value).as_deref(),
        Some("x")
    );
}

#[test]
fn places_count_from_one_in_characters() {
    let of = |text: &str, at| {
        let Place { line, column } = Place::of(text, at);
        (line, column)
    };
    assert_eq!(of("ab\ncd", 0), (1, 1));
    assert_eq!(of("ab\ncd", 4), (2, 2));
    assert_eq!(of("é文x", 5), (1, 3));
    assert_eq!(of("é", 1), (1, 1), "inside of a character is at it");
    assert_eq!(of("\u{feff}ab", 3), (1, 1));
    assert_eq!(of("\u{feff}ab", 0), (1, 1));
    assert_eq!(of("a\r\nb", 2), (1, 2), "between the two characters of a line break");
    assert_eq!(of("a\r\nb", 3), (2, 1));
    assert_eq!(of("a\rb\r\rc", 5), (4, 1));
    assert_eq!(of("a\n", 900), (2, 1));
    assert_eq!(of("", 0), (1, 1));
}

#[test]
fn faults_are_shown_in_order_and_once() {
    let text = "a: 1\nb: 2\n";
    let late = Fault::new("late", Span::new(5, 6)).with_label("here");
    let early = Fault::new("early", Span::new(0, 1));
    let shown = Diagnostics::new("x.yaml", text, vec![late.clone(), early, late]).render(Paint::Plain);
    let expected = "\
error: early
  --> x.yaml:1:1
   1 | a: 1
     | ^

error: late
  --> x.yaml:2:1
   2 | b: 2
     | ^ here

2 errors in x.yaml
";
    assert_eq!(shown, expected);
    assert_eq!(Diagnostics::new("x.yaml", text, Vec::new()).render(Paint::Plain), "");
}

#[test]
fn colours_change_nothing_but_colours() {
    let text = "nodes: [NODE1]\n  - move_role: { to: NODE22 }\n";
    let fault = Fault::new("there is no node `NODE22`", Span::new(36, 42))
        .with_label("not in topology `two_node_fci`")
        .with_hint("did you mean `NODE2`? (or `standby`)")
        .with_also(Span::new(0, 5), "the nodes are here");
    let diagnostics = Diagnostics::new("scenarios/x.yaml", text, vec![fault]);
    let plain = diagnostics.render(Paint::Plain);
    let coloured = diagnostics.render(Paint::Coloured);
    assert!(coloured.contains("\u{1b}["));
    let mut uncoloured = String::new();
    for (number, part) in coloured.split("\u{1b}[").enumerate() {
        uncoloured.push_str(if number == 0 { part } else { part.split_once('m').expect("a colour ends").1 });
    }
    let same = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    assert_eq!(same(&uncoloured), same(&plain));
    let expected = "\
error: there is no node `NODE22`
  --> scenarios/x.yaml:2:22
   1 | nodes: [NODE1]
     | ----- the nodes are here
   2 |   - move_role: { to: NODE22 }
     |                      ^^^^^^ not in topology `two_node_fci`
hint: did you mean `NODE2`? (or `standby`)
";
    assert_eq!(plain, expected);
}

#[test]
fn places_far_apart_are_drawn_apart() {
    let text = format!("first: 1\n{}second: 2\n", "# far\n".repeat(1000));
    let second = u32::try_from(text.len() - 10).expect("small");
    let fault = Fault::new("twice", Span::new(second, second + 6))
        .with_label("the second")
        .with_also(Span::new(0, 5), "the first");
    let expected = "\
error: twice
  --> x.yaml:1002:1
   1 | first: 1
     | ----- the first
  ...
1002 | second: 2
     | ^^^^^^ the second
";
    assert_eq!(Diagnostics::new("x.yaml", text, vec![fault]).render(Paint::Plain), expected);
}

#[test]
fn a_flood_of_faults_is_cut() {
    let text = "a: 1\n".repeat(300);
    let (_, faults) = survey(&text);
    let shown = Diagnostics::new("x.yaml", text, faults).render(Paint::Plain);
    assert_eq!(shown.matches("error: ").count(), 100);
    assert!(shown.ends_with("\n299 errors in x.yaml (the first 100 are shown)\n"));
}

#[test]
fn nothing_in_a_file_commands_the_terminal() {
    let text = "a: \u{85}\u{1b}[31m \u{9b}31m \u{202e}x\n";
    let fault =
        Fault::new("\u{9b}1m\u{1b}[1m", Span::new(3, 9)).with_label("\u{9b}\u{7}").with_hint("\u{202e}\u{0}");
    let shown = Diagnostics::new("\u{1b}x", text, vec![fault]).render(Paint::Plain);
    assert!(!shown.contains(|c: char| c != '\n' && (c.is_control() || c == '\u{202e}')), "{shown:?}");
}

#[test]
fn places_that_are_not_in_the_text_are_shown_near_it() {
    for text in ["", "\u{feff}", "é", "a\r\n", "a\n\n\n"] {
        for (start, end) in [
            (0, 0),
            (1, 1),
            (1, 2),
            (2, 2),
            (2, 1),
            (0, 900),
            (900, 901),
            (u32::MAX, u32::MAX),
            (0, u32::MAX),
        ] {
            let fault =
                Fault::new("x", Span::new(start, end)).with_label("y").with_also(Span::new(end, start), "z");
            let shown = Diagnostics::new("x.yaml", text, vec![fault]).render(Paint::Plain);
            assert!(shown.contains("x.yaml:1:"), "{text:?} {start} {end} {shown}");
        }
    }
}
