//! What is done and expected, in which order?

use failover_sim::names::{ActionNo, StepNo};

use crate::plan::{HoldWhile, Step, StepKind};

use super::super::diagnostic::Fault;
use super::super::document::{AfterWord, Hold, StepDocument};
use super::super::read::At;
use super::super::tree::Span;
use super::Planner;

impl Planner<'_> {
    pub(super) fn given(&mut self, given: &[At<StepDocument>]) {
        for At { span, value } in given {
            if matches!(value, StepDocument::Expect(_) | StepDocument::Hold(_) | StepDocument::Pause(_)) {
                self.fault(
                    Fault::new("`given` only prepares: it waits for nothing", *span)
                        .with_label("belongs under `steps`"),
                );
            } else {
                self.act(value, *span);
            }
        }
    }

    /// Appends what these steps come to.
    pub(super) fn steps(&mut self, steps: &[At<StepDocument>], planned: &mut Vec<Step>) {
        for At { span, value } in steps {
            let line = self.line(*span);
            match value {
                StepDocument::Expect(expect) => {
                    let clauses = self.clauses(expect.into(), *span);
                    if matches!(expect.after, Some(AfterWord::Faults))
                        && self.faults_over.replace(StepNo(planned.len() as u16)).is_some()
                    {
                        let fault = Fault::new("the faults are over twice", *span);
                        self.fault(fault.with_label("the second step `after: faults`"));
                    }
                    planned.push(Step { kind: StepKind::Expect { within: expect.within.0, clauses }, line });
                }
                StepDocument::Hold(hold) => self.hold(hold, *span, planned),
                StepDocument::Pause(pause) => {
                    planned.push(Step { kind: StepKind::Pause(pause.time.0), line });
                }
                StepDocument::MoveRole(_)
                | StepDocument::PowerOff(_)
                | StepDocument::PowerOn(_)
                | StepDocument::KillClusterService(_)
                | StepDocument::Freeze(_)
                | StepDocument::Thaw(_)
                | StepDocument::StopClusterService(_)
                | StepDocument::StartClusterService(_)
                | StepDocument::ShutDown(_)
                | StepDocument::RestartNode(_)
                | StepDocument::StopResource(_)
                | StepDocument::StartResource(_)
                | StepDocument::StopRole(_)
                | StepDocument::StartRole(_)
                | StepDocument::FailWitness(_)
                | StepDocument::RestoreWitness(_)
                | StepDocument::DisableService(_)
                | StepDocument::EnableService(_)
                | StepDocument::DisableAdapter(_)
                | StepDocument::EnableAdapter(_)
                | StepDocument::DuplicateAddress(_)
                | StepDocument::FreeAddress(_)
                | StepDocument::FailDns(_)
                | StepDocument::RestoreDns(_)
                | StepDocument::RefuseDnsUpdates(_)
                | StepDocument::AcceptDnsUpdates(_)
                | StepDocument::FailDirectory(_)
                | StepDocument::RestoreDirectory(_)
                | StepDocument::IgnoreAnnouncements(_)
                | StepDocument::HeedAnnouncements(_)
                | StepDocument::PauseNode(_)
                | StepDocument::ResumeNode(_)
                | StepDocument::RemovePossibleOwner(_)
                | StepDocument::RestorePossibleOwner(_)
                | StepDocument::KillService(_)
                | StepDocument::HangService(_)
                | StepDocument::StopService(_)
                | StepDocument::StartService(_)
                | StepDocument::KillWorker(_)
                | StepDocument::HangWorker(_)
                | StepDocument::StopWorker(_)
                | StepDocument::StartWorker(_)
                | StepDocument::EnableWorker(_)
                | StepDocument::DisableWorker(_)
                | StepDocument::DeleteWorker(_)
                | StepDocument::Cut(_)
                | StepDocument::Heal(_)
                | StepDocument::Degrade(_)
                | StepDocument::FailResource(_)
                | StepDocument::DeadlockResource(_)
                | StepDocument::ReplaceMasterCertificate(_)
                | StepDocument::ChangeNode(_)
                | StepDocument::SetCluster(_)
                | StepDocument::SetWorkers(_)
                | StepDocument::StartExecutions(_) => {
                    let first = self.actions.len();
                    self.act(value, *span);
                    for number in first..self.actions.len() {
                        planned.push(Step { kind: StepKind::Act(ActionNo(number as u16)), line });
                    }
                }
            }
        }
    }

    fn hold(&mut self, hold: &Hold, span: Span, planned: &mut Vec<Step>) {
        let line = self.line(span);
        let clauses = self.clauses(hold.into(), span);
        match (hold.time, &hold.steps) {
            (Some(time), None) => planned.push(Step { kind: StepKind::Hold { time: time.0, clauses }, line }),
            (None, Some(steps)) => {
                let first = planned.len();
                self.steps(steps, planned);
                if steps.is_empty() {
                    self.fault(Fault::new("no step runs while this holds", span).with_label("here"));
                } else if planned.len() > first {
                    let (first, last) = (StepNo(first as u16), StepNo(planned.len() as u16 - 1));
                    self.holds.push(HoldWhile { clauses, first, last, line });
                }
            }
            (None, None) | (Some(_), Some(_)) => {
                let fault = Fault::new("`hold` needs either `for` or `while`", span);
                self.fault(fault.with_label("`for` a time, or `while` steps run"));
            }
        }
    }
}
