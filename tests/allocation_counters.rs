//! How much memory does the model take, and how often does it ask for any?
//!
//! Counted, not timed: allocations of this thread by a counting allocator, events by the world itself.

#![expect(clippy::print_stdout, reason = "what was counted is shown with --nocapture")]

use std::collections::BTreeMap;
use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use failover_harness::plan::{Overrides, Plan};
use failover_harness::scenario::plan;
use failover_sim::action::ResolvedAction;
use failover_sim::names::LoadId;
use failover_sim::observe::{Flow, Record, Sink};
use failover_sim::time::Time;
use failover_sim::world::{Counters, World};
use failover_tests::{origin, two_node_fci};

/// Two short executions for each worker every two minutes, so that every kind of request is made.
const BUSY: &str = "\
proves: nothing by itself
about: { topology: two_node_fci }
steps:
  - start_executions: { as: busy, count: 1, duration: 45s, workers: each_named, rounds: 1000, every: 2m }
";

fn plan_with(workers: u32) -> Plan {
    let mut origin = origin(BUSY, &two_node_fci());
    origin.overrides = Overrides { workers: Some(workers), assume: BTreeMap::new() };
    plan("tests/busy", origin, 1).expect("no mistake in it")
}

/// A sink that keeps nothing and allocates nothing.
struct Nowhere;

impl Sink for Nowhere {
    fn record(&mut self, _: &Record) -> Flow {
        Flow::Continue
    }
}

/// A world after its boot and an hour of work, so that every buffer has its size.
fn steady(plan: &Plan) -> World {
    let mut world = World::new(&plan.topology, &plan.loads, plan.choices());
    world.advance(minutes(10), &mut Nowhere);
    world.apply(ResolvedAction::StartExecutions(LoadId(0))).expect("SSISDB is there");
    world.advance(minutes(70), &mut Nowhere);
    world
}

fn minutes(minutes: u64) -> Time {
    Time::ZERO + Duration::from_secs(60 * minutes)
}

/// Lets an hour pass; what was allocated and counted in it.
fn an_hour_of(world: &mut World) -> (AllocationInfo, Counters) {
    let (before, until) = (world.counters(), world.now() + Duration::from_secs(3_600));
    let allocated = measure(|| {
        world.advance(until, &mut Nowhere);
    });
    let after = world.counters();
    let counted = Counters {
        events: after.events - before.events,
        requests: after.requests - before.requests,
        reports: after.reports - before.reports,
        connects: after.connects - before.connects,
    };
    (allocated, counted)
}

#[test]
fn in_steady_state_no_event_allocates() {
    let plan = plan_with(10);
    let (allocated, counted) = an_hour_of(&mut steady(&plan));
    println!("an hour of 10 workers: {counted:?}, {} allocations", allocated.count_total);
    assert!(counted.requests > 1_000 && counted.reports > 100 && counted.connects == 0, "{counted:?}");
    assert_eq!(allocated.count_total, 0, "{} bytes", allocated.bytes_total);
}

#[test]
fn a_reset_world_takes_hardly_any_memory_anew() {
    let plan = plan_with(10);
    let mut world = steady(&plan);
    let fresh = measure(|| drop(World::new(&plan.topology, &plan.loads, plan.choices())));
    let again = measure(|| world.reset(plan.choices()));
    println!("10 workers: new {} bytes, reset {} bytes", fresh.bytes_total, again.bytes_total);
    assert!(again.bytes_total * 8 < fresh.bytes_total, "new {fresh:?}, reset {again:?}");
}

#[test]
fn a_request_takes_at_most_three_and_a_half_events() {
    for workers in [10, 1_000] {
        let plan = plan_with(workers);
        let mut world = World::new(&plan.topology, &plan.loads, plan.choices());
        world.advance(minutes(20), &mut Nowhere);
        for load in [false, true] {
            if load {
                world.apply(ResolvedAction::StartExecutions(LoadId(0))).expect("SSISDB is there");
            }
            let before = world.counters();
            world.advance(world.now() + Duration::from_secs(600), &mut Nowhere);
            let after = world.counters();
            let (events, requests) = (after.events - before.events, after.requests - before.requests);
            let each = events as f64 / requests as f64;
            println!(
                "{workers} workers, executions {load}: {events} events, {requests} requests, {each:.3} each"
            );
            assert!(requests > u64::from(workers) * 10 && each <= 3.5, "{each}");
        }
    }
}

/// Bytes held by a topology, and by a world on it: after its boot, or in full work.
fn bytes_of(workers: u32, is_busy: bool) -> [i64; 2] {
    let plan = plan_with(workers);
    // What is forgotten stays counted: the memory that it holds when it is ready.
    let topology = measure(|| std::mem::forget(plan_with(workers).topology));
    let world = measure(|| {
        let mut world = World::new(&plan.topology, &plan.loads, plan.choices());
        world.advance(minutes(10), &mut Nowhere);
        if is_busy {
            world.apply(ResolvedAction::StartExecutions(LoadId(0))).expect("SSISDB is there");
            world.advance(minutes(70), &mut Nowhere);
        }
        std::mem::forget(world);
    });
    [topology.bytes_current, world.bytes_current]
}

/// Bytes of a worker, its part of the topology included. DESIGN 9 aims at 512: these bounds are what the model takes,
/// rounded up, and only ever go down.
const BYTES_IDLE: i64 = 1_000;
/// The same while every worker has a task.
const BYTES_BUSY: i64 = 1_500;

#[test]
fn a_worker_takes_so_many_bytes() {
    for (is_busy, bound) in [(false, BYTES_IDLE), (true, BYTES_BUSY)] {
        let (few, many) = (bytes_of(100, is_busy), bytes_of(1_100, is_busy));
        let [topology, world] = [0, 1].map(|part| (many[part] - few[part]) / 1_000);
        println!(
            "bytes a worker, busy {is_busy}: {} = topology {topology} + world {world}",
            topology + world
        );
        assert!(topology + world <= bound, "{} bytes a worker", topology + world);
    }
}
