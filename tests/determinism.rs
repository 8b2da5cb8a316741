//! Do the same plan, seed and version give the same history, byte for byte?
//!
//! In one process here, and in two processes of the binary. That a debug and a release build agree is asked by the job.

use std::path::Path;
use std::process::Command;

use failover_harness::backend::SimBackend;
use failover_harness::history::{read_header, read_records};
use failover_harness::plan::{Overrides, Plan};
use failover_harness::scenario::load;
use failover_tests::{first_difference, root, run};

const SEEDS: [u64; 5] = [0, 1, 7, 8_812, u64::MAX];

fn plans(seed: u64) -> Vec<Plan> {
    load(&[root().join("scenarios")], seed, &Overrides::default()).expect("no mistake in any scenario")
}

#[track_caller]
fn same(name: &str, seed: u64, one: &str, other: &str) {
    if let Some(difference) = first_difference(one, other) {
        panic!("two histories of {name} with seed {seed} differ: {difference}");
    }
}

#[test]
fn a_fresh_backend_and_one_that_ran_before_give_the_same_history() {
    let mut used = SimBackend::default();
    for seed in SEEDS {
        for plan in plans(seed) {
            let first = run(&plan, &mut SimBackend::default()).history;
            assert!(first.lines().count() > 50, "{} has hardly any history", plan.name);
            same(&plan.name, seed, &first, &run(&plan, &mut SimBackend::default()).history);
            // The world of another plan, then a reset of this very one.
            same(&plan.name, seed, &first, &run(&plan, &mut used).history);
            same(&plan.name, seed, &first, &run(&plan, &mut used).history);
        }
    }
}

#[test]
fn another_seed_gives_another_history() {
    for (one, other) in plans(1).iter().zip(&plans(2)) {
        let (one, other) = (run(one, &mut SimBackend::default()), run(other, &mut SimBackend::default()));
        assert_ne!(one.timeline, other.timeline);
    }
}

#[test]
fn two_processes_write_the_same_histories() {
    for seed in SEEDS {
        let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder for histories"));
        for folder in &folders {
            let status = Command::new(env!("CARGO_BIN_EXE_failover-under-test"))
                .args(["run", "scenarios", "--seed", &seed.to_string(), "--histories"])
                .arg(folder.path())
                .current_dir(root())
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .status()
                .expect("the binary starts");
            assert!(status.code().is_some_and(|code| code < 4), "seed {seed}: {status}");
        }
        let [one, other] = folders.each_ref().map(|folder| histories(folder.path()));
        assert_eq!(one.len(), plans(seed).len());
        for ((name, one), (other_name, other)) in one.iter().zip(&other) {
            assert_eq!(name, other_name);
            same(name, seed, one, other);
        }
    }
}

fn histories(folder: &Path) -> Vec<(String, String)> {
    let read = |path: &Path| std::fs::read_to_string(path).expect("a history is text");
    let files = failover_tests::files_below(folder, "jsonl");
    files
        .iter()
        .map(|path| (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), read(path)))
        .collect()
}

#[test]
fn a_history_read_back_has_the_records_of_the_run() {
    for plan in plans(1) {
        let traces = run(&plan, &mut SimBackend::default());
        let records = read_records(&traces.history, &plan).expect("it is a history of this plan");
        assert!(records == traces.records, "{}", plan.name);
        let header = read_header(&traces.history).expect("it has a header");
        assert_eq!((header.origin(), header.plan), (plan.origin.clone(), plan.digest().to_string()));
    }
}
