//! Can any history crash its reader, or the judge of what it says?
//!
//! `cargo fuzz run -s none history -- -max_total_time=20`

#![no_main]

use std::sync::LazyLock;

use failover_harness::history::{read_header, read_records};
use failover_harness::judge::Judge;
use failover_harness::plan::{Overrides, Plan};
use failover_harness::scenario::{load, plan};
use failover_sim::observe::Sink as _;
use failover_sim::time::Time;
use libfuzzer_sys::fuzz_target;

/// With tasks, so that records of every kind have something to speak of.
static PLAN: LazyLock<Plan> = LazyLock::new(|| {
    let path = "cluster/task_survives_a_planned_move";
    load(&[path.into()], 1, &Overrides::default()).expect("it is right").remove(0)
});

fuzz_target!(|text: &str| {
    if let Ok(header) = read_header(text) {
        let _ = plan(&header.name, &header.origin(), header.seed);
    }
    // The first line is not looked at: no fuzzer guesses the hash of a plan.
    let Ok(records) = read_records(text, &PLAN) else { return };
    let mut judge = Judge::new(&PLAN);
    for record in &records {
        let _ = judge.record(record);
    }
    let _ = judge.judge(records.iter().map(|record| record.latest).max().unwrap_or(Time::ZERO), None);
});
