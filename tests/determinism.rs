//! Does the same plan, seed and version always give the same history, byte for byte?

use failover_harness::backend::SimBackend;
use failover_tests::{failover, history, plans, root};

#[test]
fn one_process_gives_the_same_history_twice_in_a_fresh_world_and_in_a_used_one() {
    for seed in [1, 2, 77] {
        let mut used = SimBackend::default();
        for plan in plans(seed) {
            let first = history(&plan, &mut SimBackend::default()).0;
            assert!(first.lines().count() > 20, "{} has a history", plan.name);
            assert_same(&plan.name, &first, &history(&plan, &mut SimBackend::default()).0);
            assert_same(&plan.name, &first, &history(&plan, &mut used).0);
            // Once more in the same world, which is reset and not rebuilt.
            assert_same(&plan.name, &first, &history(&plan, &mut used).0);
        }
    }
}

#[test]
fn two_processes_give_the_same_history() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = env!("CARGO_BIN_EXE_failover");
    for name in ["one", "two"] {
        let into = folder.path().join(name);
        let into = into.to_str().expect("a path of plain text");
        let answer = failover(program, &root(), &["run", "scenarios", "--seed", "5", "--histories", into]);
        assert_eq!(answer.code, 0, "{answer:?}");
    }
    let mut compared = 0;
    for entry in std::fs::read_dir(folder.path().join("one")).expect("histories") {
        let name = entry.expect("a file").file_name();
        let read =
            |side: &str| std::fs::read_to_string(folder.path().join(side).join(&name)).expect("a history");
        assert_same(&name.to_string_lossy(), &read("one"), &read("two"));
        compared += 1;
    }
    assert_eq!(compared, plans(5).len());
}

#[test]
fn another_seed_gives_another_history() {
    for (one, other) in plans(1).iter().zip(plans(2)) {
        let mut backend = SimBackend::default();
        assert_ne!(history(one, &mut backend).0, history(&other, &mut backend).0, "{}", one.name);
    }
}

fn assert_same(name: &str, one: &str, other: &str) {
    let differs = one.lines().zip(other.lines()).position(|(one, other)| one != other);
    if let Some(line) = differs {
        let show = |text: &str| text.lines().nth(line).unwrap_or_default().to_owned();
        panic!("{name}: line {} is\n{}\nand\n{}", line + 1, show(one), show(other));
    }
    assert_eq!(one.len(), other.len(), "{name}: one history is longer");
}
