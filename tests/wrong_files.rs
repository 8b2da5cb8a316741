//! What does a person see who has written something wrong?
//!
//! Each file in `tests/wrong/` is wrong in its own way, and the text beside it is what is shown. A file whose name begins
//! with `topology_` is a change to the topology of the guide: lines `- OLD` and `+ NEW` in turn; all others are scenarios.

use std::path::Path;

use failover_harness::plan::Origin;
use failover_harness::scenario::diagnostic::Paint;
use failover_harness::scenario::plan;
use failover_tests::{compare_with_file, files_below, origin, root, two_node_fci};
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};

const GOOD: &str = "\
proves: nothing
about: { topology: two_node_fci }
steps:
  - move_role: { to: standby }
";

/// The topology of the guide with the changes that a file says.
fn changed(changes: &str) -> String {
    let mut topology = two_node_fci();
    let mut old: Option<&str> = None;
    for line in changes.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        match (line.split_at(2), old) {
            (("- ", text), None) => old = Some(text),
            (("+ ", text), Some(replaced)) => {
                assert!(topology.contains(replaced), "the topology has no `{replaced}`");
                topology = topology.replacen(replaced, &text.replace("\\n", "\n"), 1);
                old = None;
            }
            _ => panic!("expected `- OLD` and `+ NEW` in turn, found `{line}`"),
        }
    }
    topology
}

fn wrong(file: &Path) -> Origin {
    let text = std::fs::read_to_string(file).expect("a wrong file is text");
    let name = file.file_name().expect("it has a name").to_string_lossy().into_owned();
    if text.starts_with("based_on:") {
        Origin { topology_file: name, ..origin(GOOD, &text) }
    } else if name.starts_with("topology_") {
        Origin { topology_file: name, ..origin(GOOD, &changed(&text)) }
    } else {
        Origin { scenario_file: name, ..origin(&text, &two_node_fci()) }
    }
}

#[test]
fn every_wrong_file_is_refused_with_its_own_words() {
    let files = files_below(&root().join("tests/wrong"), "yaml");
    assert!(files.len() >= 12);
    let mut complaints = Vec::new();
    for file in files {
        match plan("wrong", &wrong(&file), 1) {
            Ok(_) => complaints.push(format!("`{}` is taken as right", file.display())),
            Err(mistakes) => {
                let shown: Vec<String> = mistakes.iter().map(|file| file.render(Paint::Plain)).collect();
                let golden = file.with_extension("stderr");
                complaints.extend(compare_with_file(&golden, &shown.join("\n"), "wrong_files").err());
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
}

#[test]
fn what_is_wrong_there_is_right_where_nothing_is_wrong() {
    plan("right", &origin(GOOD, &two_node_fci()), 1)
        .expect("no mistake in the scenario that the others change");
}

/// A character put in, taken away or doubled, or a line taken away, doubled or moved.
#[derive(Clone, Copy, Debug)]
enum Slip {
    Put(char),
    Take,
    Double,
    TakeLine,
    DoubleLine,
    MoveLine(usize),
    Number(u64),
}

fn slip() -> impl Strategy<Value = Slip> {
    prop_oneof![
        prop::sample::select("{}[]:,-#&*!|>'\"%@` \t\n0aé\u{0}\u{feff}🦀".chars().collect::<Vec<char>>())
            .prop_map(Slip::Put),
        Just(Slip::Take),
        Just(Slip::Double),
        Just(Slip::TakeLine),
        Just(Slip::DoubleLine),
        (0..60_usize).prop_map(Slip::MoveLine),
        prop::sample::select(vec![0, 1, 255, 256, 65_536, u64::from(u32::MAX), u64::MAX])
            .prop_map(Slip::Number),
    ]
}

fn slipped(text: &str, place: usize, slip: Slip) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let mut lines: Vec<&str> = text.lines().collect();
    let (at, line) = (place % chars.len(), place % lines.len());
    match slip {
        Slip::Put(put) => chars.insert(at, put),
        Slip::Take => drop(chars.remove(at)),
        Slip::Double => chars.insert(at, chars[at]),
        Slip::TakeLine => drop(lines.remove(line)),
        Slip::DoubleLine => lines.insert(line, lines[line]),
        Slip::MoveLine(to) => {
            let moved = lines.remove(line);
            lines.insert(to % (lines.len() + 1), moved);
        }
        // The next number from here on becomes another one.
        Slip::Number(number) => {
            let Some(first) = (at..chars.len()).find(|&at| chars[at].is_ascii_digit()) else {
                return text.to_owned();
            };
            let digits = chars[first..].iter().take_while(|digit| digit.is_ascii_digit()).count();
            chars.splice(first..first + digits, number.to_string().chars());
        }
    }
    match slip {
        Slip::Put(_) | Slip::Take | Slip::Double | Slip::Number(_) => chars.into_iter().collect(),
        Slip::TakeLine | Slip::DoubleLine | Slip::MoveLine(_) => lines.join("\n") + "\n",
    }
}

#[test]
fn whatever_is_mistyped_is_shown_or_planned_and_never_a_panic() {
    let scenarios: Vec<String> =
        files_below(&root().join("scenarios"), "yaml").iter().map(|file| text_of_path(file)).collect();
    let slips = prop::collection::vec((any::<usize>(), slip()), 1..4);
    let config = ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(8),
        ..ProptestConfig::default()
    };
    let tested =
        TestRunner::new(config).run(&(any::<bool>(), any::<usize>(), slips), |(which, scenario, slips)| {
            let mut texts = [scenarios[scenario % scenarios.len()].clone(), two_node_fci()];
            for (place, slip) in slips {
                let text = &mut texts[usize::from(which)];
                if !text.trim().is_empty() {
                    *text = slipped(text, place, slip);
                }
            }
            if let Err(mistakes) = plan("slip", &origin(&texts[0], &texts[1]), 1) {
                prop_assert!(!mistakes.is_empty());
                for file in mistakes {
                    let shown = file.render(Paint::Plain);
                    prop_assert!(shown.starts_with("error: ") && shown.contains("\n  --> "), "{}", shown);
                }
            }
            Ok(())
        });
    if let Err(error) = tested {
        panic!("{error}");
    }
}

fn text_of_path(file: &Path) -> String {
    std::fs::read_to_string(file).expect("a scenario is text")
}
