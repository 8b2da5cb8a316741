//! Did every `expect` become true in time, and did every `hold` stay true?

use failover_sim::names::StepNo;
use failover_sim::observe::{Fact, Record};
use failover_sim::time::Time;

use crate::picture::{Picture, clauses};
use crate::plan::{Plan, StepKind};

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
}

impl StepJudge {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self { results: vec![StepResult::NotBegun; plan.steps.len()], current: None }
    }

    pub(crate) fn results(&self) -> &[StepResult] {
        &self.results
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
                self.results[step.index()] = StepResult::Pending;
                self.refuse_unseen(plan, picture);
            }
            Fact::Unwatched(_) => self.refuse_unseen(plan, picture),
            Fact::StepsEnded => {
                self.close(record.earliest, plan, picture);
                self.current = None;
                return;
            }
            _ if self.current.is_none() => return,
            Fact::Watching { .. }
            | Fact::StepsBegan
            | Fact::RunEnded
            | Fact::Acting { .. }
            | Fact::Applied(_)
            | Fact::Machine { .. }
            | Fact::NodeState { .. }
            | Fact::OwnerNode { .. }
            | Fact::ResourceState { .. }
            | Fact::Endpoint { .. }
            | Fact::Worker { .. }
            | Fact::MasterMachine(_)
            | Fact::Task { .. }
            | Fact::Package { .. }
            | Fact::ReportRefused { .. } => {}
        }
        self.look(record, plan, picture);
    }

    /// A step cannot be judged from here on if nobody looks at what it is about.
    fn refuse_unseen(&mut self, plan: &Plan, picture: &Picture<'_>) {
        let Some((step, _)) = self.current else { return };
        let result = &mut self.results[step.index()];
        let unseen = clauses(&plan.step(step).kind).iter().any(|clause| !picture.can_see(clause));
        if unseen && *result == StepResult::Pending {
            *result = StepResult::Unseen("nobody looked at what it is about".to_owned());
        }
    }

    fn look(&mut self, record: &Record, plan: &Plan, picture: &Picture<'_>) {
        let Some((step, began)) = self.current else { return };
        if self.results[step.index()] != StepResult::Pending {
            return;
        }
        match &plan.step(step).kind {
            StepKind::Expect { within, clauses } => {
                let deadline = began + *within;
                if clauses.iter().all(|clause| picture.holds(clause)) {
                    self.results[step.index()] = if record.latest <= deadline {
                        StepResult::Done(record.latest)
                    } else if record.earliest > deadline {
                        let found = vec!["it became true only later".to_owned()];
                        StepResult::Failed { at: deadline, found }
                    } else {
                        StepResult::Unseen(
                            "it became true so near to its limit that the looks cannot tell".into(),
                        )
                    };
                }
            }
            StepKind::Hold { time, clauses } => {
                let over = began + *time;
                if !clauses.iter().all(|clause| picture.holds(clause)) {
                    self.results[step.index()] = if record.latest <= over {
                        failed(record.latest, clauses, picture)
                    } else if record.earliest > over {
                        StepResult::Done(over)
                    } else {
                        StepResult::Unseen("it ended so near to its limit that the looks cannot tell".into())
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

fn failed(at: Time, clauses: &[crate::plan::Clause], picture: &Picture<'_>) -> StepResult {
    let found =
        clauses.iter().filter(|clause| !picture.holds(clause)).map(|clause| picture.found(clause)).collect();
    StepResult::Failed { at, found }
}
