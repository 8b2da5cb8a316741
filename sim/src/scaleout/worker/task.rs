//! How long does a worker hold a task, and what ends its package?

use crate::assumption::{Assumption, EVERY_FAILURE_COUNTS, PACKAGES_END};
use crate::choices::Choices;
use crate::names::TaskId;
use crate::sql::NOT_THE_OWNER;
use crate::time::{Due, Span, Time};

use super::super::{Grant, Report};
use super::{RunningTask, Worker, WorkerEffect};

impl Worker {
    /// Whether it runs the package of a task.
    pub fn runs(&self, task: TaskId) -> bool {
        self.tasks.iter().any(|running| running.task == task && running.ends != Due::NONE)
    }

    #[inline(never)]
    pub(super) fn begin(&mut self, now: Time, grant: Grant, effects: &mut Vec<WorkerEffect>) {
        // A task that was swept while its worker was away can come back to the same worker, which may still run it. That
        // it runs one package a task is inferred: the old one is ended.
        self.tasks.retain(|task| {
            let is_again = task.task == grant.task;
            if is_again && task.ends != Due::NONE {
                effects.push(WorkerEffect::EndPackage(task.task));
            }
            !is_again
        });
        effects.push(WorkerEffect::StartPackage(grant.task));
        let at_once = grant.duration.is_zero();
        if at_once {
            effects.push(WorkerEffect::EndPackage(grant.task));
        }
        // Most workers run one task or few: a vector of its own accord would make room for four.
        if self.tasks.len() == self.tasks.capacity() {
            self.tasks.reserve_exact(1);
        }
        self.tasks.push(RunningTask {
            task: grant.task,
            load: grant.load,
            ends: if at_once { Due::NONE } else { Due::at(now + grant.duration) },
            report: if at_once { Due::NONE } else { Due::at(now + self.settings.task_heartbeat_interval) },
            // The first report says that the package runs, or that it is over.
            report_owed: true,
            last_good_report: Due::at(now),
        });
    }

    pub(super) fn report_noted(&mut self, now: Time, report: Report) {
        if report.finished {
            self.tasks.retain(|task| task.task != report.task);
        } else if let Some(task) = self.tasks.iter_mut().find(|task| task.task == report.task) {
            task.last_good_report = Due::at(now);
        }
    }

    /// An error answer: the worker ends the package once its last good report is older than
    /// HeartbeatErrorTollerance (documented); a finished task whose report is refused is dropped (inferred).
    #[inline(never)]
    pub(super) fn report_refused(
        &mut self,
        now: Time,
        report: Report,
        number: u16,
        effects: &mut Vec<WorkerEffect>,
    ) {
        effects.push(WorkerEffect::LogReportRefused { task: report.task, number });
        let tolerance = self.settings.heartbeat_error_tolerance;
        self.tasks.retain(|task| {
            if task.task != report.task {
                return true;
            }
            let given_up = is_older(task, tolerance, now);
            if given_up && !report.finished {
                effects.push(WorkerEffect::EndPackage(task.task));
            }
            !(given_up || report.finished && number == NOT_THE_OWNER)
        });
    }

    /// The report was not taken for want of SSISDB, which is an error answer too: it is made again with the next task
    /// heartbeat, as long as the last good one is not too old.
    #[inline(never)]
    pub(super) fn report_failed(&mut self, now: Time, report: Report, effects: &mut Vec<WorkerEffect>) {
        let again = Due::at(now + self.settings.task_heartbeat_interval);
        let tolerance = self.settings.heartbeat_error_tolerance;
        self.tasks.retain_mut(|task| {
            if task.task != report.task {
                return true;
            }
            task.report = again;
            let given_up = !report.finished && is_older(task, tolerance, now);
            if given_up {
                effects.push(WorkerEffect::EndPackage(task.task));
            }
            !given_up
        });
    }

    /// Without a connection no report is answered. Whether that is an error in the sense of HeartbeatErrorTollerance is
    /// asked once it would matter.
    #[inline(never)]
    pub(super) fn give_up_unheard(
        &mut self,
        now: Time,
        choices: &mut Choices,
        effects: &mut Vec<WorkerEffect>,
    ) {
        let tolerance = self.settings.heartbeat_error_tolerance;
        self.tasks.retain(|task| {
            let given_up = task.report_owed
                && task.ends != Due::NONE
                && is_older(task, tolerance, now)
                && choices.assume(Assumption::UnansweredReports) == EVERY_FAILURE_COUNTS;
            if given_up {
                effects.push(WorkerEffect::EndPackage(task.task));
            }
            !given_up
        });
    }

    /// SQL Server stopped: the packages end with it, or run on. The worker cannot report that they ended; their leases
    /// run out (inferred).
    #[inline(never)]
    pub(super) fn lose_sql_server(&mut self, choices: &mut Choices, effects: &mut Vec<WorkerEffect>) {
        let runs = |task: &RunningTask| task.ends != Due::NONE;
        if self.tasks.iter().any(runs) && choices.assume(Assumption::PackagesWithoutSql) == PACKAGES_END {
            self.tasks.retain(|task| {
                if runs(task) {
                    effects.push(WorkerEffect::EndPackage(task.task));
                }
                !runs(task)
            });
        }
    }
}

/// Whether the last good report on a task is too old for the worker to go on without another.
fn is_older(task: &RunningTask, tolerance: Span, now: Time) -> bool {
    now > task.last_good_report.moment().unwrap_or_default() + tolerance
}
