//! What does a person see who has written something wrong?
//!
//! Each file in `tests/wrong/` is wrong in its own way, and the text beside it is what is shown. A file whose name begins
//! with `topology_` is a change to the topology of the guide: lines `- OLD` and `+ NEW` in turn; all others are scenarios.

use std::path::Path;

use failover_harness::plan::Origin;
use failover_harness::scenario::diagnostic::Paint;
use failover_harness::scenario::plan;
use failover_tests::{compare_with_file, files_below, origin, root, two_node_fci};

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
    if name.starts_with("topology_") {
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
        match plan("wrong", wrong(&file), 1) {
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
    plan("right", origin(GOOD, &two_node_fci()), 1)
        .expect("no mistake in the scenario that the others change");
}
