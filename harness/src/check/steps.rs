//! Did every `expect` become true in time, and did every `hold` stay true?

use failover_sim::names::StepNo;
use failover_sim::observe::{Fact, Record};
use failover_sim::time::Time;

use crate::picture::{Picture, clauses};
use crate::plan::{Clause, Plan, StepKind};

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StepResult {
    /// It has not begun.
    NotBegun,
    /// It is under way.
    Pending,
    /// It did what it should: an expectation became true, a hold stayed true, an action or a pause is over.
    Done(Time),
    /// It did not.
    Failed {
        /// When that was clear.
        at: Time,
        /// What was found instead.
        found: Vec<String>,
    },
    /// Nobody looked at what it is about, or the history ends before it does.
    Unseen(String),
}

/// Follows the steps of a plan through its records.
pub(crate) struct StepJudge {
    results: Vec<StepResult>,
    current: Option<(StepNo, Time)>,
    /// For a while nobody has looked at what the step under way is about.
    is_blind: bool,
    /// What must stay true while steps run, each with whether it is judged at present.
    holds: Vec<(StepResult, bool)>,
}

impl StepJudge {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            results: vec![StepResult::NotBegun; plan.steps.len()],
            current: None,
            is_blind: false,
            holds: vec![(StepResult::NotBegun, false); plan.holds.len()],
        }
    }

    pub(crate) fn results(&self) -> &[StepResult] {
        &self.results
    }

    /// What came of each [`Plan::holds`].
    pub(crate) fn holds(&self) -> impl Iterator<Item = &StepResult> {
        self.holds.iter().map(|(result, _)| result)
    }

    /// How the step under way stands; `None` if none is.
    pub(crate) fn current(&self) -> Option<&StepResult> {
        self.current.map(|(step, _)| &self.results[step.index()])
    }

    /// Takes in one record, after the picture has.
    pub(crate) fn observe(&mut self, record: &Record, plan: &Plan, picture: &Picture<'_>) {
        match record.fact {
            Fact::StepBegan(step) => {
                self.close(record.earliest, plan, picture);
                self.current = Some((step, record.latest));
                self.end_holds(record.earliest, |last| last < step, plan);
                for (hold, (result, is_judged)) in plan.holds.iter().zip(&mut self.holds) {
                    if hold.first == step {
                        (*result, *is_judged) = (StepResult::Pending, true);
                    }
                }
                self.results[step.index()] = StepResult::Pending;
                let kind = &plan.step(step).kind;
                self.is_blind = clauses(kind).iter().any(|clause| !picture.can_see(clause));
                // Who waits for something can see it later.
                if self.is_blind && matches!(kind, StepKind::Hold { .. }) {
                    self.results[step.index()] =
                        StepResult::Unseen("nobody looked at what it is about".to_owned());
                }
            }
            Fact::StepsEnded => {
                self.close(record.earliest, plan, picture);
                self.current = None;
                self.end_holds(record.earliest, |_| true, plan);
                return;
            }
            // It changes nothing that is waited for, and its moment may be long past.
            Fact::ClusterEvent { .. } => return,
            _ if self.current.is_none() => return,
            Fact::Watching { .. }
            | Fact::Unwatched(_)
            | Fact::StepsBegan
            | Fact::RunEnded
            | Fact::Acting { .. }
            | Fact::Applied(_)
            | Fact::Machine { .. }
            | Fact::NodeState { .. }
            | Fact::NodeStatus { .. }
            | Fact::OwnerNode { .. }
            | Fact::ResourceState { .. }
            | Fact::Endpoint { .. }
            | Fact::Worker { .. }
            | Fact::MasterMachine(_)
            | Fact::Task { .. }
            | Fact::WorkerAgent { .. }
            | Fact::Package { .. }
            | Fact::ExecutionLog { .. }
            | Fact::ReportRefused { .. } => {}
        }
        self.look(record, plan, picture);
        self.look_at_holds(record, plan, picture);
    }

    fn look_at_holds(&mut self, record: &Record, plan: &Plan, picture: &Picture<'_>) {
        for (hold, (result, is_judged)) in plan.holds.iter().zip(&mut self.holds) {
            if !*is_judged || *result != StepResult::Pending {
                continue;
            }
            if !hold.clauses.iter().all(|clause| picture.can_see(clause)) {
                *result = StepResult::Unseen("for a while nobody looked at what it is about".to_owned());
            } else if !hold.clauses.iter().all(|clause| picture.holds(clause)) {
                *result = failed(record.latest, &hold.clauses, picture);
            }
        }
    }

    /// Those whose last step is over have stayed true to the end.
    fn end_holds(&mut self, at: Time, is_over: impl Fn(StepNo) -> bool, plan: &Plan) {
        for (hold, (result, is_judged)) in plan.holds.iter().zip(&mut self.holds) {
            if *is_judged && is_over(hold.last) {
                *is_judged = false;
                if *result == StepResult::Pending {
                    *result = StepResult::Done(at);
                }
            }
        }
    }

    fn look(&mut self, record: &Record, plan: &Plan, picture: &Picture<'_>) {
        let Some((step, began)) = self.current else { return };
        if self.results[step.index()] != StepResult::Pending {
            return;
        }
        let is_seen = clauses(&plan.step(step).kind).iter().all(|clause| picture.can_see(clause));
        self.is_blind |= !is_seen;
        match &plan.step(step).kind {
            StepKind::Expect { within, clauses } => {
                let deadline = began + *within;
                if is_seen && clauses.iter().all(|clause| picture.holds(clause)) {
                    self.results[step.index()] = if record.latest <= deadline {
                        StepResult::Done(record.latest)
                    } else if record.earliest > deadline {
                        failed(deadline, clauses, picture)
                    } else {
                        StepResult::Unseen(
                            "it became true so near to its limit that the looks cannot tell".into(),
                        )
                    };
                }
            }
            StepKind::Hold { time, clauses } => {
                let end = began + *time;
                if !clauses.iter().all(|clause| picture.holds(clause)) {
                    self.results[step.index()] = if record.latest <= end {
                        failed(record.latest, clauses, picture)
                    } else if record.earliest > end {
                        StepResult::Done(end)
                    } else {
                        StepResult::Unseen("it ceased so near to its end that the looks cannot tell".into())
                    };
                }
            }
            StepKind::Act(_) | StepKind::Pause(_) => {}
        }
    }

    /// The step under way is over at `end`, one way or the other.
    pub(crate) fn close(&mut self, end: Time, plan: &Plan, picture: &Picture<'_>) {
        let Some((step, began)) = self.current else { return };
        if self.results[step.index()] != StepResult::Pending {
            return;
        }
        self.results[step.index()] = match &plan.step(step).kind {
            StepKind::Expect { .. } | StepKind::Hold { .. } if self.is_blind => {
                StepResult::Unseen("for a while nobody looked at what it is about".to_owned())
            }
            StepKind::Expect { within, clauses } if end >= began + *within => failed(end, clauses, picture),
            StepKind::Hold { time, .. } | StepKind::Pause(time) if end >= began + *time => {
                StepResult::Done(end)
            }
            StepKind::Act(_) => StepResult::Done(end),
            StepKind::Expect { .. } | StepKind::Hold { .. } | StepKind::Pause(_) => {
                StepResult::Unseen("the history ends before it does".to_owned())
            }
        };
    }
}

fn failed(at: Time, clauses: &[Clause], picture: &Picture<'_>) -> StepResult {
    let found =
        clauses.iter().filter(|clause| !picture.holds(clause)).map(|clause| picture.told(clause)).collect();
    StepResult::Failed { at, found }
}
