//! Do all backends come to the same verdicts?

use failover_harness::backend::lab::twin::{Dialect, Twin};
use failover_harness::backend::{Backend, LabBackend, LoopbackBackend, SimBackend};
use failover_harness::check::Outcome;
use failover_harness::plan::Plan;
use failover_harness::report::{RunResult, ScenarioReport, Timeline};
use failover_harness::runner::run_scenario;
use failover_sim::names::WorkerId;
use failover_sim::observe::{Fact, Record, WorkerState};

/// The scenarios that run everywhere.
const EVERYWHERE: [&str; 2] = ["cluster/owner_power_off", "model/second_node_with_its_own_certificate"];

fn run<B: Backend>(plan: &Plan, backend: &mut B) -> (ScenarioReport, Vec<Record>) {
    let mut timeline = Timeline::new(plan);
    let report = run_scenario(plan, backend, &mut timeline);
    (report, timeline.records().to_vec())
}

/// Each claim with whether it holds, and the verdict in all.
fn verdicts(report: &ScenarioReport) -> (RunResult, Vec<(&'static str, Outcome, Outcome)>) {
    let claims = report.judgement.iter().flat_map(|judgement| &judgement.claims);
    let claims = claims.map(|claim| (claim.claim.word(), claim.verdict.outcome, claim.outcome));
    (report.result.clone(), claims.collect())
}

#[test]
fn the_verdict_on_every_claim_is_the_same_on_sim_loopback_and_lab() {
    for name in EVERYWHERE {
        let plan = failover_tests::plan(name, 1);
        let (sim, _) = run(&plan, &mut SimBackend::default());
        assert_eq!(sim.result, RunResult::Judged(Outcome::Pass), "{name}");
        let (loopback, _) = run(&plan, &mut LoopbackBackend::default());
        assert_eq!(verdicts(&loopback), verdicts(&sim), "{name} on loopback: {loopback:#?}");
        for dialect in [Dialect::Friendly, Dialect::Nasty] {
            let (lab, _) = run(&plan, &mut LabBackend::new(Twin::new(dialect), None));
            assert_eq!(verdicts(&lab), verdicts(&sim), "{name} on lab: {lab:#?}");
        }
    }
}

/// What a worker goes through once the steps have begun, repeats collapsed.
fn phases(records: &[Record], worker: WorkerId) -> Vec<String> {
    let begun = records.iter().skip_while(|record| record.fact != Fact::StepsBegan);
    let mut phases: Vec<String> = begun
        .filter_map(|record| {
            let Fact::Worker { worker: id, state } = record.fact else { return None };
            (id == worker).then(|| phase(state))
        })
        .collect();
    phases.dedup();
    phases
}

fn phase(state: WorkerState) -> String {
    match state {
        WorkerState::Starting => "starting".to_owned(),
        WorkerState::Connected { served_by, .. } => format!("connected to {}", served_by.0),
        WorkerState::Disconnected(loss) => format!("disconnected: {loss:?}"),
        WorkerState::Refused { error, .. } => format!("refused: {error:?}"),
    }
}

#[test]
fn what_a_worker_goes_through_on_loopback_happens_on_sim_with_some_seed() {
    for name in EVERYWHERE {
        let plan = failover_tests::plan(name, 1);
        let (_, loopback) = run(&plan, &mut LoopbackBackend::default());
        let seeds: Vec<Vec<Record>> =
            (1..=60).map(|seed| run(&Plan { seed, ..plan.clone() }, &mut SimBackend::default()).1).collect();
        for worker in (0..plan.names.workers.len()).map(|worker| WorkerId(worker as u32)) {
            let seen = phases(&loopback, worker);
            assert!(!seen.is_empty(), "{name}: the worker loses its connection");
            let known = seeds.iter().any(|records| {
                (0..plan.names.workers.len()).any(|other| phases(records, WorkerId(other as u32)) == seen)
            });
            assert!(known, "{name}: {seen:?} is not what any seed of sim gives");
        }
    }
}
