//! How much does the model ask of a machine: allocations, memory, queue?

use std::alloc::System;

use failover_harness::backend::{Backend, SimBackend};
use failover_harness::director;
use failover_harness::explore::{Search, Shard, Tally, Until};
use failover_harness::plan::{Overrides, Plan};
use failover_harness::runner::Nowhere;
use failover_harness::scenario::load;
use failover_sim::action::ResolvedAction;
use failover_sim::names::{ActionNo, LoadId};
use failover_sim::time::Time;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn workload(workers: u32) -> Plan {
    let file = failover_tests::root().join("scenarios/model/common_workload.yaml");
    let overrides = Overrides { workers: Some(workers), ..Overrides::default() };
    let plans = load(&[file], 1, &overrides).expect("the repository's scenarios are right");
    plans.into_iter().next().expect("one file holds one scenario")
}

fn secs(secs: u64) -> Time {
    Time::from_micros(secs * 1_000_000)
}

/// Counters of one process: one test, so that nobody else allocates beside it.
#[test]
fn the_model_asks_little_of_a_machine() {
    steady_state_allocates_nothing();
    a_request_takes_few_events();
    a_worker_takes_little_memory();
    an_exploration_holds_no_more_the_longer_it_runs();
}

fn steady_state_allocates_nothing() {
    let plan = workload(10);
    let mut backend = SimBackend::default();
    backend.start(&plan).expect("the simulator always starts");
    // Boot, until there is an SSISDB, and one turn of everything that happens again and again.
    backend.advance(secs(60), &mut Nowhere).expect("time passes");
    backend.apply(ActionNo(0), ResolvedAction::StartExecutions(LoadId(0))).expect("SSISDB takes executions");
    backend.advance(secs(240), &mut Nowhere).expect("time passes");
    let (before, region) = (backend.counters(), Region::new(ALLOCATOR));
    backend.advance(secs(540), &mut Nowhere).expect("time passes");
    let (change, after) = (region.change(), backend.counters());
    let (events, requests) = (after.events - before.events, after.requests - before.requests);
    assert!(requests > 900, "{requests} requests were answered");
    assert_eq!(change.allocations + change.reallocations, 0, "for {events} events: {change:?}");
}

fn a_request_takes_few_events() {
    for workers in [10, 1_000] {
        let plan = workload(workers);
        let mut backend = SimBackend::default();
        let region = Region::new(ALLOCATOR);
        director::run(&plan, &mut backend, &mut Nowhere);
        let (counters, change) = (backend.counters(), region.change());
        let per_request = counters.events as f64 / counters.requests as f64;
        let allocated = change.allocations as f64 / counters.requests as f64;
        assert!(per_request < 4.6, "{workers} workers: {per_request:.2} events a request, outages included");
        assert!(allocated < 0.5, "{workers} workers: {allocated:.3} allocations a request, boot included");
    }
}

fn a_worker_takes_little_memory() {
    let held = |workers| {
        let before = Region::new(ALLOCATOR);
        let plan = workload(workers);
        let of_plan = bytes(&before);
        let before = Region::new(ALLOCATOR);
        let mut backend = SimBackend::default();
        director::run(&plan, &mut backend, &mut Nowhere);
        (of_plan, bytes(&before))
    };
    let (few, many) = (held(1_000), held(3_000));
    let (plan, world) = ((many.0 - few.0) / 2_000, (many.1 - few.1) / 2_000);
    assert!(plan <= PLAN_BYTES_A_WORKER, "{plan} bytes a worker in the plan: topology and names");
    assert!(
        world <= WORLD_BYTES_A_WORKER,
        "{world} bytes a worker in the world, after ten failovers under load"
    );
}

/// What is counted of a run goes into sums: memory grows with what is new, and soon nothing is.
fn an_exploration_holds_no_more_the_longer_it_runs() {
    let file = failover_tests::root().join("tests/explore/families/changed_nodes.yaml");
    let plans = load(&[file], 1, &Overrides::default()).expect("the repository's scenarios are right");
    let mut tally = Tally::of(&plans[0]);
    let mut search = Search { plan: &plans[0], from: 1, until: Until::Seed(1), shard: Shard::WHOLE, jobs: 1 };
    let mut held_after = |to| {
        search.until = Until::Seed(to);
        let before = Region::new(ALLOCATOR);
        search.run(&mut tally, |_| true);
        search.from = to;
        bytes(&before)
    };
    let first = held_after(EXPLORED);
    let then = held_after(2 * EXPLORED);
    assert!(first > 0, "the tally holds something: {first} bytes");
    assert!(
        then < EXPLORED as isize,
        "{then} bytes more after {EXPLORED} more runs, {first} after the first"
    );
}

/// So many runs. Pairs of state and event that are new are kept; less than a byte a run is left over for anything else.
const EXPLORED: u64 = 4_096;

/// What is held since then. What a reallocation adds or gives back is counted among both.
fn bytes(since: &Region<'_, System>) -> isize {
    let change = since.change();
    change.bytes_allocated as isize - change.bytes_deallocated as isize
}

const PLAN_BYTES_A_WORKER: isize = 320;
const WORLD_BYTES_A_WORKER: isize = 500;
