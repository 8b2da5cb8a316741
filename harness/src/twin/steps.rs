//! How are steps of the scenario language taken on a twin that runs?

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use failover_sim::action::ResolvedAction;
use failover_sim::assumption::Assumption;
use failover_sim::names::{ActionNo, LoadId};
use failover_sim::observe::{Fact, Flow, Record, Sink, Source};
use failover_sim::time::Time;
use failover_sim::twin::Twin;

use crate::backend::{Abilities, Applied, Backend, BackendError, BackendKind, Impossible, Stop};
use crate::director::{self, Problem};
use crate::judge::{Awaited, Finding, Judge};
use crate::plan::{Origin, Plan};
use crate::runner::Nowhere;
use crate::scenario::diagnostic::Diagnostics;
use crate::scenario::plan;
use crate::scenario::tree::Span;

use super::log::Recorder;

/// The plan of a document: one step, or a list of them, as they stand under `steps` of a scenario.
///
/// # Errors
/// Every mistake, with its place in the document.
pub(super) fn plan_of(origin: &Origin, seed: u64, document: &str) -> Result<Plan, Vec<Diagnostics>> {
    let list = as_list(document);
    let origin = Origin { scenario_text: format!("{HEADER}{list}"), ..origin.clone() };
    let mut plan = plan("twin/step", &origin, seed).map_err(|found| {
        let own = |file: &Diagnostics| file.file == origin.scenario_file;
        found
            .into_iter()
            .map(|file| if own(&file) { in_document(file, &list) } else { file })
            .collect::<Vec<_>>()
    })?;
    let above = HEADER.lines().count() as u32;
    plan.steps.iter_mut().for_each(|step| step.line = step.line.saturating_sub(above));
    plan.actions.iter_mut().for_each(|action| action.line = action.line.saturating_sub(above));
    Ok(plan)
}

/// The document as a list: a step alone becomes the only one.
fn as_list(document: &str) -> String {
    let first = document.lines().find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    match first {
        // A list in brackets has only to lie deeper than the key above it.
        Some(line) if line.trim_start().starts_with('[') => {
            document.lines().map(|line| format!("  {line}\n")).collect()
        }
        Some(line) if !line.trim_start().starts_with('-') => {
            let mut begun = false;
            let indented = |line: &str| {
                let is_blank = line.trim().is_empty() || line.trim_start().starts_with('#');
                let lead = if is_blank || begun { "  " } else { "- " };
                begun |= !is_blank;
                format!("{lead}{line}\n")
            };
            document.lines().map(indented).collect()
        }
        Some(_) | None => document.to_owned(),
    }
}

/// The same mistakes at their places in the document, without what stands above it in the scenario.
fn in_document(mut file: Diagnostics, list: &str) -> Diagnostics {
    let moved = |span: Span| {
        let up = |at: u32| at.saturating_sub(HEADER.len() as u32);
        Span { start: up(span.start), end: up(span.end) }
    };
    for fault in &mut file.faults {
        fault.span = moved(fault.span);
        fault.also.iter_mut().for_each(|(span, _)| *span = moved(*span));
    }
    Diagnostics { text: list.to_owned(), ..file }
}

/// Takes the steps of a plan. Tells what they came to that did not do what they should.
///
/// # Errors
/// What keeps one of them from being taken; those before it have been.
pub(super) fn take(
    plan: &Plan,
    twin: &mut Twin,
    recorder: &mut Recorder,
    stopping: &AtomicBool,
) -> Result<Vec<Finding>, Problem> {
    let mut first_load = None;
    for (load, name) in plan.loads.iter().zip(&plan.names.loads) {
        first_load.get_or_insert(twin.add_load(*load));
        recorder.add_load(name);
    }
    // Without sets of executions of its own, a plan knows of none.
    let loads = first_load.map_or(0..0, |first| first.0..first.0 + plan.loads.len() as u16);
    let judge = informed_judge(plan, &recorder.seen(), &loads);
    let mut lent = Lent { plan, twin, recorder, stopping, loads };
    director::carry_on(plan, judge, &mut lent, &mut Nowhere)
}

/// A judge that has seen all of this, and knows when the cluster was at rest for the first time.
fn informed_judge<'p>(plan: &'p Plan, seen: &[Record], loads: &Range<u16>) -> Judge<'p> {
    let mut judge = Judge::new(plan);
    judge.wait_for(Awaited::Complete);
    let mut begun = false;
    for record in seen {
        let Some(record) = with_own_loads(record, loads) else { continue };
        if judge.record(&record) == Flow::Yield && !begun {
            begun = true;
            let (earliest, latest) = (record.latest, record.latest);
            judge.record(&Record { seq: 0, earliest, latest, source: Source::Run, fact: Fact::StepsBegan });
        }
    }
    judge.wait_for(Awaited::Nothing);
    judge
}

/// The record as the plan's own identifiers say it; `None` if it is about executions of another plan.
fn with_own_loads(record: &Record, loads: &Range<u16>) -> Option<Record> {
    let mut own = *record;
    if let Fact::Task { load, .. } = &mut own.fact {
        *load = LoadId(loads.contains(&load.0).then(|| load.0 - loads.start)?);
    }
    Some(own)
}

/// A twin that runs already, for as long as a plan takes.
struct Lent<'a> {
    plan: &'a Plan,
    twin: &'a mut Twin,
    recorder: &'a mut Recorder,
    stopping: &'a AtomicBool,
    /// The plan's sets of executions, by the numbers that they have on the twin.
    loads: Range<u16>,
}

impl Backend for Lent<'_> {
    fn kind(&self) -> BackendKind {
        BackendKind::Loopback
    }

    fn abilities(&self, _: &Plan) -> Abilities {
        Abilities::default()
    }

    fn start(&mut self, _: &Plan) -> Result<(), BackendError> {
        Ok(())
    }

    fn now(&self) -> Time {
        self.twin.now()
    }

    fn apply(&mut self, number: ActionNo, action: ResolvedAction) -> Result<Applied, BackendError> {
        let action = if let ResolvedAction::StartExecutions(load) = action {
            ResolvedAction::StartExecutions(LoadId(self.loads.start + load.0))
        } else {
            action
        };
        let node = action.node().map(|node| self.plan.names.node(node).to_owned());
        self.twin.apply(action).map_err(Impossible::on_twin(action.verb()))?;
        self.recorder.did(self.twin.now(), self.plan.action(number).action.verb().word(), node);
        Ok(Applied::Done)
    }

    fn advance<S: Sink>(&mut self, until: Time, sink: &mut S) -> Result<Stop, BackendError> {
        loop {
            let mut both = Both { recorder: self.recorder, sink, loads: &self.loads, wants_control: false };
            let stop = self.twin.advance(until, &mut both)?;
            // Others may call the twin meanwhile: they wait, but for the one who stops it.
            if both.wants_control || stop == Stop::Reached || self.stopping.load(Ordering::Relaxed) {
                return Ok(stop);
            }
        }
    }

    fn finish(&mut self) -> Result<(), BackendError> {
        Ok(())
    }

    fn consulted(&self) -> Vec<Assumption> {
        self.twin.choices().consulted().collect()
    }
}

/// What is seen goes to the twin's log, and to whoever carries out the plan.
struct Both<'a, S> {
    recorder: &'a mut Recorder,
    sink: &'a mut S,
    loads: &'a Range<u16>,
    wants_control: bool,
}

impl<S: Sink> Sink for Both<'_, S> {
    fn record(&mut self, record: &Record) -> Flow {
        self.recorder.record(record);
        let flow =
            with_own_loads(record, self.loads).map_or(Flow::Continue, |record| self.sink.record(&record));
        self.wants_control |= flow == Flow::Yield;
        flow
    }
}

/// What stands above the steps in the scenario that a document becomes.
const HEADER: &str = "proves: what somebody wants to see\nabout: { topology: twin }\nsteps:\n";

#[cfg(test)]
mod tests {
    use failover_sim::names::{NodeId, StepNo};
    use failover_sim::observe::Watch;

    use super::*;
    use crate::plan::Overrides;
    use crate::scenario::diagnostic::Paint;
    use crate::scenario::origin_on;

    #[track_caller]
    fn check(document: &str, expected: Result<usize, &str>) {
        let origin = origin_on("two_node_fci", Overrides::default(), "").expect("a standard topology");
        let found = plan_of(&origin, 1, document).map(|plan| plan.steps.len());
        let found =
            found.map_err(|files| files.iter().map(|file| file.render(Paint::Plain)).collect::<String>());
        match expected {
            Ok(count) => assert_eq!(found, Ok(count)),
            Err(told) => assert_eq!(found, Err(told.to_owned())),
        }
    }

    #[test]
    fn a_step_alone_and_a_list_of_them_are_documents() {
        check("power_off: { node: owner }\n", Ok(1));
        check("# one\n\nexpect:\n  within: 3m\n  workers: { which: every, state: connected }\n", Ok(1));
        check("- power_off: { node: owner }\n- power_on: { node: NODE1 }\n", Ok(2));
        check("[ power_off: { node: owner }, power_on: { node: NODE1 } ]", Ok(2));
        check("[\n  power_off: { node: owner },\n  power_on: { node: NODE1 }\n]\n", Ok(2));
    }

    #[test]
    fn a_finding_goes_by_the_clock_of_the_cluster() {
        let origin = origin_on("two_node_fci", Overrides::default(), "").expect("a standard topology");
        let plan = plan_of(&origin, 1, "expect: { within: 1s, role: { state: online } }").expect("a step");
        let mut judge = Judge::new(&plan);
        let facts = [(10, Fact::StepsBegan), (20, Fact::StepBegan(StepNo(0))), (22, Fact::StepsEnded)];
        let watched = Fact::Watching { what: Watch::Node(NodeId(0)), every: std::time::Duration::ZERO };
        for (secs, fact) in std::iter::once((5, watched)).chain(facts) {
            let at = Time::from_micros(secs * 1_000_000);
            judge.record(&Record { seq: 0, earliest: at, latest: at, source: Source::Run, fact });
        }
        let found = judge.of_steps();
        assert!(found[0].evidence[0].starts_with("at +22.000s: "), "{found:#?}");
    }

    #[test]
    fn a_mistake_is_shown_at_its_place_in_the_document() {
        check(
            "- power_off: { node: owner }\n- power_on: { node: NODE3 }\n",
            Err("\
error: there is no node `NODE3`
  --> step:2:21
   2 | - power_on: { node: NODE3 }
     |                     ^^^^^ not in this topology
hint: did you mean `NODE1`? (known: `NODE1`, `NODE2`, `owner`, `standby`, `first_owner`, `first_standby`)
"),
        );
    }
}
