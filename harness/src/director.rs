//! Who carries out a plan, step by step?
//!
//! The director never sleeps and never looks at a clock: it tells the backend how far time may go, and the judge says
//! when what it waits for is there.

use std::time::Duration;

use failover_sim::action::Action;
use failover_sim::names::{ActionNo, NodeId, StepNo};
use failover_sim::observe::{Fact, Flow, Record, RoleState, Sink, Source};
use failover_sim::world::ApplyError;

use crate::backend::{Applied, Backend, BackendError, Impossible, SimBackend, Stop};
use crate::check::Outcome;
use crate::judge::{Awaited, Finding, Judge, Judgement};
use crate::picture::WordError;
use crate::plan::{Clause, NodeWord, Plan, StepKind};

/// Runs a plan on a backend, writes what is seen to `history`, and judges it.
///
/// What goes wrong with the surroundings makes the verdict inconclusive; it is never an error of this function.
pub fn run<B: Backend, H: Sink>(plan: &Plan, backend: &mut B, history: &mut H) -> Judgement {
    carry_out(plan, backend, history, None)
}

/// The same, but an action that is not possible at its moment, or that is not needed, is left out, and its number added
/// to `left_out`: who draws stories cannot know what will be possible. On the simulator alone, where an action takes no
/// time.
pub fn run_what_is_possible<H: Sink>(
    plan: &Plan,
    backend: &mut SimBackend,
    history: &mut H,
    left_out: &mut Vec<ActionNo>,
) -> Judgement {
    carry_out(plan, backend, history, Some(left_out))
}

fn carry_out<B: Backend, H: Sink>(
    plan: &Plan,
    backend: &mut B,
    history: &mut H,
    left_out: Option<&mut Vec<ActionNo>>,
) -> Judgement {
    let tee = Tee { judge: Judge::new(plan), history, sequence: 0 };
    let mut run = Run { plan, backend, tee, left_out, is_judged: true };
    let problem = run.carry_out().err();
    let (lacks, hints) = match &problem {
        Some(Problem::NeverSteady(_)) => run.tee.judge.unrest(),
        Some(
            Problem::Backend(_)
            | Problem::ProgramsEnded(_)
            | Problem::Needless { .. }
            | Problem::Impossible { .. }
            | Problem::Word { .. },
        )
        | None => (Vec::new(), Vec::new()),
    };
    let problem = problem.map(|problem| problem.to_string());
    let end = run.backend.now();
    let ended = run.backend.ended_programs();
    let finished = run.backend.finish();
    let is_restored = !matches!(finished, Err(BackendError::NotRestored { .. }));
    let problem = match (problem, finished) {
        (None, Err(error)) => Some(error.to_string()),
        (Some(problem), Err(error)) if !is_restored => Some(format!("{problem}; {error}")),
        (problem, _) => problem,
    };
    let evidence = |problem| std::iter::once(problem).chain(lacks).collect();
    let problem = problem.map(|problem| Finding::of_surroundings(evidence(problem), hints));
    let has_problem = problem.is_some();
    let mut judgement = Judgement { is_restored, ..run.tee.judge.judge(end, problem) };
    if judgement.outcome != Outcome::Pass && !has_problem && !ended.is_empty() {
        judgement.findings.insert(0, Finding::of_surroundings(ended, Vec::new()));
    }
    judgement
}

/// Carries out the steps of a plan on a backend that runs already, with a judge that knows what was seen so far.
/// Tells what they came to that did not do what they should.
///
/// # Errors
/// What keeps one of them from being carried out; those before it have been.
pub(crate) fn carry_on<B: Backend, H: Sink>(
    plan: &Plan,
    judge: Judge<'_>,
    backend: &mut B,
    history: &mut H,
) -> Result<Vec<Finding>, Problem> {
    let tee = Tee { judge, history, sequence: 0 };
    let mut run = Run { plan, backend, tee, left_out: None, is_judged: false };
    run.steps()?;
    Ok(run.tee.judge.of_steps())
}

/// What keeps a plan from being carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// The surroundings do not allow it.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The cluster does not come to rest.
    #[error("the cluster was not steady after {0}: the steps were not begun")]
    NeverSteady(String),
    /// Somebody's own workers are not there.
    #[error("{0}: the steps were not begun")]
    ProgramsEnded(String),
    /// A step is no fault and mends none. It cannot be seen to take effect, and proves nothing.
    #[error("{verb} (line {line}) changes nothing: everything is as it would have it")]
    Needless {
        /// Its word.
        verb: &'static str,
        /// Where it stands.
        line: u32,
    },
    /// A step cannot be taken at its moment.
    #[error("cannot carry out {verb}{} (line {line}): {error}", .node.as_ref().map(|node| format!(" of {node}")).unwrap_or_default())]
    Impossible {
        /// Its word.
        verb: &'static str,
        /// The node that it is done to, if it is done to one.
        node: Option<String>,
        /// Where it stands.
        line: u32,
        /// Why.
        error: ApplyError,
    },
    /// A word fits no node, or several.
    #[error("`{word}` (line {line}) {error} at this moment")]
    Word {
        /// The word.
        word: String,
        /// Where it stands.
        line: u32,
        /// What is wrong with it.
        error: WordError,
    },
}

struct Run<'a, 'p, B, H> {
    plan: &'p Plan,
    backend: &'a mut B,
    tee: Tee<'a, 'p, H>,
    /// Where what is not possible is noted instead of being a problem.
    left_out: Option<&'a mut Vec<ActionNo>>,
    /// Whether there is a verdict in the end, which no action may belong to that did nothing.
    is_judged: bool,
}

/// Every record goes to the history and to the judge, and is numbered on the way.
struct Tee<'a, 'p, H> {
    judge: Judge<'p>,
    history: &'a mut H,
    sequence: u64,
}

impl<H: Sink> Sink for Tee<'_, '_, H> {
    fn record(&mut self, record: &Record) -> Flow {
        let record = Record { seq: self.sequence, ..*record };
        self.sequence += 1;
        self.history.record(&record);
        self.judge.record(&record)
    }
}

impl<B: Backend, H: Sink> Run<'_, '_, B, H> {
    fn carry_out(&mut self) -> Result<(), Problem> {
        self.backend.start(self.plan)?;
        self.reach(Awaited::Complete, START_LIMIT)?;
        for number in 0..self.plan.given {
            self.act(ActionNo(number as u16))?;
        }
        if self.plan.given > 0 {
            self.reach(Awaited::Complete, START_LIMIT)?;
        }
        self.note(Fact::StepsBegan);
        self.steps()?;
        // A worker that is away now has the promised time to come back.
        let now = self.backend.now();
        if !self.tee.judge.wait_for(Awaited::Steady) && self.tee.judge.is_worth_waiting(now) {
            let limit = self.plan.topology.promises.reconnect_within + MARGIN;
            self.advance(limit)?;
        }
        self.backend.gather(&mut self.tee);
        self.note(Fact::RunEnded);
        Ok(())
    }

    fn steps(&mut self) -> Result<(), Problem> {
        for number in 0..self.plan.steps.len() {
            self.step(StepNo(number as u16))?;
            if self.tee.judge.step_failed() {
                break;
            }
        }
        self.note(Fact::StepsEnded);
        Ok(())
    }

    fn reach(&mut self, awaited: Awaited, limit: Duration) -> Result<(), Problem> {
        if self.tee.judge.wait_for(awaited) {
            return Ok(());
        }
        let has_programs = self.plan.topology.workers.iter().any(|worker| worker.program.is_some());
        let look = if has_programs { BETWEEN_LOOKS } else { limit };
        let mut left = limit;
        while !left.is_zero() {
            let time = left.min(look);
            if self.advance(time)? == Stop::Yielded {
                return Ok(());
            }
            // Nobody starts it again before the steps begin.
            let ended = self.backend.ended_programs();
            if !ended.is_empty() {
                return Err(Problem::ProgramsEnded(ended.join("; ")));
            }
            left -= time;
        }
        Err(Problem::NeverSteady(crate::words::length(limit)))
    }

    /// Lets time pass for so long, or until what is awaited is there.
    fn advance(&mut self, time: Duration) -> Result<Stop, BackendError> {
        let until = self.backend.now() + time;
        self.backend.advance(until, &mut self.tee)
    }

    fn note(&mut self, fact: Fact) {
        let now = self.backend.now();
        let record = Record { seq: 0, earliest: now, latest: now, source: Source::Run, fact };
        self.tee.record(&record);
    }

    fn step(&mut self, number: StepNo) -> Result<(), Problem> {
        self.note(Fact::StepBegan(number));
        match &self.plan.step(number).kind {
            StepKind::Act(action) => {
                self.act(*action)?;
            }
            StepKind::Pause(time) => {
                self.tee.judge.wait_for(Awaited::Nothing);
                self.advance(*time)?;
            }
            StepKind::Expect { within: time, .. } | StepKind::Hold { time, .. } => {
                if !self.tee.judge.wait_for(Awaited::Step) {
                    self.advance(*time)?;
                }
            }
        }
        Ok(())
    }

    fn act(&mut self, number: ActionNo) -> Result<(), Problem> {
        let planned = *self.plan.action(number);
        if self.left_out.is_some() {
            return self.try_to_act(number);
        }
        let resolved = planned.action.resolve(|word| self.resolve(word, planned.line))?;
        self.note(Fact::Acting { action: number, node: resolved.node() });
        let applied = match self.backend.apply(number, resolved) {
            Ok(applied) => applied,
            Err(BackendError::Apply(Impossible { verb, error })) => {
                let node = resolved.node().map(|node| self.plan.names.node(node).to_owned());
                return Err(Problem::Impossible { verb: verb.word(), node, line: planned.line, error });
            }
            Err(error) => return Err(error.into()),
        };
        if self.is_needless(number, applied) {
            return Err(Problem::Needless { verb: planned.action.verb().word(), line: planned.line });
        }
        self.note(Fact::Applied(number));
        // What is seen at this very moment belongs to the action, not to the step after it.
        self.tee.judge.wait_for(Awaited::Nothing);
        self.advance(Duration::ZERO)?;
        Ok(())
    }

    /// Whether a step has changed nothing. What `given` prepares may be there already.
    fn is_needless(&self, number: ActionNo, applied: Applied) -> bool {
        self.is_judged && number.index() >= self.plan.given && applied == Applied::Needless
    }

    /// Carries out what is possible and needed; the record of an action comes after it, at the same moment.
    fn try_to_act(&mut self, number: ActionNo) -> Result<(), Problem> {
        let planned = self.plan.action(number);
        let resolved = planned.action.resolve(|word| self.resolve(word, planned.line));
        let is_online_already = matches!(planned.action, Action::Role { online: true, .. })
            && self.tee.judge.holds(&Clause::Role {
                role: self.plan.role,
                state: Some(RoleState::Online),
                owner: None,
            });
        let applied = match resolved {
            Ok(action) if !is_online_already => {
                let applied = self.backend.apply(number, action).ok();
                let needed = applied.filter(|&applied| !self.is_needless(number, applied));
                needed.map(|_| action.node())
            }
            Ok(_) | Err(_) => None,
        };
        match (applied, &mut self.left_out) {
            (Some(node), _) => {
                self.note(Fact::Acting { action: number, node });
                self.note(Fact::Applied(number));
                self.tee.judge.wait_for(Awaited::Nothing);
                self.advance(Duration::ZERO)?;
            }
            (None, Some(left_out)) => left_out.push(number),
            (None, None) => {}
        }
        Ok(())
    }

    fn resolve(&self, word: NodeWord, line: u32) -> Result<NodeId, Problem> {
        self.tee.judge.resolve(word).map_err(|error| {
            let reserved = NodeWord::RESERVED.iter().find(|(_, other)| *other == word);
            let word = match (reserved, word) {
                (Some((text, _)), _) => (*text).to_owned(),
                (None, NodeWord::Named(node)) => self.plan.names.node(node).to_owned(),
                (None, _) => "a node".to_owned(),
            };
            Problem::Word { word, line, error }
        })
    }
}

/// How long a cluster may take to be steady before a run is given up.
const START_LIMIT: Duration = Duration::from_secs(30 * 60);

/// So often it is looked at whether a program in a worker's place has ended.
const BETWEEN_LOOKS: Duration = Duration::from_secs(10);

/// Added to the promise when a run waits for the last workers, so that their time is certainly over.
const MARGIN: Duration = Duration::from_secs(5);
