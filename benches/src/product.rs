//! The product: the common workload as a scenario, with the whole model, checks on, and the history going nowhere.

use std::path::Path;

use failover_harness::backend::SimBackend;
use failover_harness::check::Outcome;
use failover_harness::director;
use failover_harness::plan::{Overrides, Plan};
use failover_harness::runner::Nowhere;
use failover_harness::scenario::load;

use crate::measure::Totals;
use crate::workload::CRASH_PERIOD;

/// How many failovers the scenario has.
pub const FAILOVERS: u32 = 10;

/// The plan of W(workers, 10).
///
/// # Panics
/// If the scenario of the repository cannot be read.
pub fn plan(workers: u32) -> Plan {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/model/common_workload.yaml");
    let overrides = Overrides { workers: Some(workers), ..Overrides::default() };
    let plans = load(&[file], 1, &overrides).expect("the scenario is a part of the repository");
    plans.into_iter().next().expect("one file holds one scenario")
}

/// Runs the plan with seeds 1 to `seeds`, one after the other in one world.
///
/// # Panics
/// If a run does not pass.
pub fn run(plan: &mut Plan, backend: &mut SimBackend, seeds: u64) -> Totals {
    let workers = plan.names.workers.len() as u64;
    let (mut requests, mut reconnects) = (0, 0);
    for seed in 1..=seeds {
        plan.seed = seed;
        let judgement = director::run(plan, backend, &mut Nowhere);
        assert_eq!(judgement.outcome, Outcome::Pass, "seed {seed}: {judgement:?}");
        let counters = backend.counters();
        requests += counters.requests - counters.reports;
        reconnects += counters.connects - workers;
    }
    assert_eq!(
        reconnects,
        workers * u64::from(FAILOVERS) * seeds,
        "each worker reconnects once for each failover"
    );
    let virtual_s = CRASH_PERIOD.as_secs_f64() * f64::from(FAILOVERS) * seeds as f64;
    Totals { virtual_s, requests, reconnects }
}
