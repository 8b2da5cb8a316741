//! Would the scenarios notice if the model were wrong?

use std::io::Write;

use failover_harness::score::Score;
use failover_tests::{failover, plans, root};

#[test]
fn every_planted_defect_is_noticed_by_some_scenario() {
    let score = Score::of(&plans(1), |_| {});
    write!(std::io::stdout().lock(), "{}", score.text()).expect("standard output takes a line");
    assert_eq!(score.unfit, [] as [&str; 0], "without a defect all pass");
    // What needs a schedule that nobody writes by hand is left to explorations (`explore.rs`).
    assert_eq!(score.missed().collect::<Vec<_>>(), []);
}

#[test]
fn the_command_tells_who_notices_what() {
    let run = |arguments: &[&str]| failover(env!("CARGO_BIN_EXE_failover-copy"), &root(), arguments);
    let all = run(&["score", "scenarios"]);
    assert_eq!((all.code, all.stderr.as_str()), (0, ""), "{}", all.stdout);
    assert!(all.stdout.contains("quorum_not_needed: "), "{}", all.stdout);
    // One scenario alone leaves gaps, which are told.
    let one = run(&["score", "scenarios/cluster/planned_move.yaml"]);
    assert_eq!((one.code, one.stderr.as_str()), (1, ""), "{}", one.stdout);
    assert!(one.stdout.contains("  0  lease_not_renewed: no scenario\n"), "{}", one.stdout);
}
