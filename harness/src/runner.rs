//! How is a scenario run, for every answer to what is not known?

use std::time::{Duration, Instant};

use failover_sim::assumption::{Assumption, Assumptions};
use failover_sim::observe::Sink;

use crate::backend::{Backend, BackendKind};
use crate::check::Outcome;
use crate::director;
use crate::judge::Judgement;
use crate::plan::Plan;
use crate::report::{RunResult, ScenarioReport, Unknown};

/// Runs one scenario and judges it, on the simulator once more for each other answer to each open assumption that the
/// run consulted. Its history goes to `history`; those of the other answers go nowhere.
pub fn run_scenario<B: Backend, H: Sink>(plan: &Plan, backend: &mut B, history: &mut H) -> ScenarioReport {
    let started = Instant::now();
    if let Some(reason) = backend.abilities(plan).reason_to_skip(backend.kind()) {
        return report(plan, backend, RunResult::Skipped(reason), None, Vec::new(), started.elapsed());
    }
    let judgement = director::run(plan, backend, history);
    let open: Vec<Assumption> = backend
        .consulted()
        .into_iter()
        .filter(|&assumption| plan.possible_answers(assumption).len() > 1)
        .collect();
    let unknowns: Vec<Unknown> =
        open.into_iter().map(|assumption| vary(plan, backend, assumption, judgement.outcome)).collect();
    let agreed = unknowns.iter().all(Unknown::agrees);
    let outcome = if agreed { judgement.outcome } else { Outcome::Inconclusive };
    report(plan, backend, RunResult::Judged(outcome), Some(judgement), unknowns, started.elapsed())
}

/// The verdict for each possible value of one assumption. Where time is real, only the plan's own value is tried.
fn vary<B: Backend>(plan: &Plan, backend: &mut B, assumption: Assumption, known: Outcome) -> Unknown {
    let own = plan.assumptions.value(assumption);
    let mut values = vec![(plan.assumptions.word(assumption), known)];
    if backend.kind() == BackendKind::Sim {
        for number in plan.possible_answers(assumption).into_iter().filter(|&number| number != own) {
            let other = with_assumptions(plan, plan.assumptions.with(assumption, number));
            let judgement = director::run(&other, backend, &mut Nowhere);
            values.push((other.assumptions.word(assumption), judgement.outcome));
        }
    }
    Unknown { assumption, values }
}

fn with_assumptions(plan: &Plan, assumptions: Assumptions) -> Plan {
    Plan { assumptions, ..plan.clone() }
}

fn report<B: Backend>(
    plan: &Plan,
    backend: &B,
    result: RunResult,
    judgement: Option<Judgement>,
    unknowns: Vec<Unknown>,
    elapsed: Duration,
) -> ScenarioReport {
    ScenarioReport {
        name: plan.name.clone(),
        file: plan.origin.scenario_file.clone(),
        proves: plan.proves.clone(),
        result,
        judgement,
        unknowns,
        replay: plan.replay(backend.kind().word()) + &backend.replay_options(),
        promise: plan.topology.promises.reconnect_within,
        plan: plan.digest().to_string(),
        elapsed,
    }
}

/// A sink that keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nowhere;

impl Sink for Nowhere {
    fn record(&mut self, _: &failover_sim::observe::Record) -> failover_sim::observe::Flow {
        failover_sim::observe::Flow::Continue
    }
}
