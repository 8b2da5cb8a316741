//! What do the hosts of a twin tell of executions, and how does the world get them?

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use failover_sim::action::{Load, LoadWorkers, ResolvedAction};
use failover_sim::names::{NodeId, TaskId, WorkerId};
use failover_sim::observe::{ExecutionStatus, Fact, Record, TaskState};

use super::super::binding::Binding;
use super::super::protocol::{
    End, ErrorRecord, PackageRun, PackageSight, RefusedReport, Reply, TaskSight, WorkSight,
};
use super::super::reach::Host;
use super::Inside;
use super::answers::{failed, ticks, wrong_host};

/// What the hosts have kept of work.
#[derive(Default)]
pub(super) struct WorkLog {
    /// How many executions there have been.
    started: u32,
    /// The row of each task, as it was last.
    tasks: BTreeMap<TaskId, Row>,
    /// The witness file of each worker.
    packages: BTreeMap<WorkerId, Vec<PackageRun>>,
    refused: BTreeMap<WorkerId, Vec<(TaskId, u16)>>,
    /// Executions that somebody has stopped. The model has none: there they go on, and nobody is told of it.
    stopped: BTreeSet<TaskId>,
}

#[derive(Clone, Copy)]
struct Row {
    state: TaskState,
    worker: Option<WorkerId>,
    executed_count: u8,
    execution: ExecutionStatus,
}

impl WorkLog {
    pub(super) fn take(&mut self, record: &Record) {
        // Hosts tell of everything else elsewhere.
        if let Fact::Task { task, state, worker, executed_count, execution, .. } = record.fact {
            self.tasks.insert(task, Row { state, worker, executed_count, execution });
        } else if let Fact::Package { task, worker, runs } = record.fact {
            let own = self.packages.entry(worker).or_default();
            let execution = execution_of(task);
            if runs {
                own.push(PackageRun { execution, started: ticks(record.latest), end: None });
            } else {
                let is_it = |run: &&mut PackageRun| run.execution == execution && run.end.is_none();
                if let Some(run) = own.iter_mut().rev().find(is_it) {
                    run.end = Some(End::Told(ticks(record.latest)));
                }
            }
        } else if let Fact::ReportRefused { task, worker, number } = record.fact {
            self.refused.entry(worker).or_default().push((task, number));
        }
    }

    /// Executions that wait or run.
    pub(super) fn under_way(&self) -> Vec<i64> {
        let rows = self.tasks.iter().filter(|(task, row)| {
            matches!(row.execution, ExecutionStatus::Pending | ExecutionStatus::Running)
                && !self.stopped.contains(task)
        });
        rows.map(|(task, _)| execution_of(*task)).collect()
    }

    /// The tasks of executions from this one on.
    pub(super) fn tasks(&self, from: i64, binding: &Binding) -> Vec<TaskSight> {
        let of = self.tasks.iter().filter(|(task, _)| execution_of(**task) >= from);
        of.map(|(&task, row)| {
            let is_stopped = self.stopped.contains(&task);
            let worker = row.worker.map(|worker| binding.host_name(Host::Worker(worker)));
            TaskSight {
                execution: execution_of(task),
                task: id_of(task),
                state: if is_stopped { CANCELLED } else { state_number(row.state) },
                executed_count: row.executed_count.into(),
                worker: worker.unwrap_or_default(),
                status: if is_stopped { CANCELED } else { status_number(row.execution) },
            }
        })
        .collect()
    }

    /// What a worker's machine tells of executions from this one on.
    pub(super) fn of_worker(&self, worker: WorkerId, from: i64) -> WorkSight {
        let packages = self.packages.get(&worker).into_iter().flatten().copied();
        let refused = self.refused.get(&worker).into_iter().flatten();
        WorkSight {
            packages: packages.filter(|run| run.execution >= from).collect(),
            refused: refused.map(|&(task, number)| RefusedReport { task: id_of(task), number }).collect(),
        }
    }
}

impl Inside {
    pub(super) fn package(&self, node: NodeId) -> Result<PackageSight, ErrorRecord> {
        self.need_ssisdb(node)?;
        let newest_execution = FIRST_EXECUTION - 1 + i64::from(self.logs.work.started);
        Ok(PackageSight { is_deployed: Some(true), newest_execution, sees_tasks: true })
    }

    /// The world starts executions in sets: so many for any worker, or so many for each of them.
    pub(super) fn start_executions(
        &mut self,
        node: NodeId,
        (seconds, retry_count): (u32, u8),
        workers: &[String],
    ) -> Result<Vec<i64>, ErrorRecord> {
        self.need_ssisdb(node)?;
        if !self.cluster.commits() {
            return Err(failed(SQL_EXCEPTION, "SqlException", NOT_SPECIFIED));
        }
        let all = self.binding.topology.workers.len();
        let is_any = workers.iter().all(String::is_empty);
        let count = if is_any { workers.len() } else { workers.len() / all.max(1) };
        let each = |(place, name): (usize, &String)| {
            self.binding.worker(name) == Some(WorkerId((place / count.max(1)) as u32))
        };
        if !is_any && (count * all != workers.len() || !workers.iter().enumerate().all(each)) {
            return Err(wrong_host());
        }
        let load = self.cluster.add_load(Load {
            count: u32::try_from(count).unwrap_or(u32::MAX),
            duration: Duration::from_secs(seconds.into()),
            retry_count,
            workers: if is_any { LoadWorkers::Any } else { LoadWorkers::EachNamed },
            rounds: 1,
            every: Duration::ZERO,
        });
        self.apply(ResolvedAction::StartExecutions(load))?;
        let first = self.logs.work.started;
        self.logs.work.started += u32::try_from(workers.len()).unwrap_or(u32::MAX);
        Ok((first..self.logs.work.started).map(|number| execution_of(TaskId(number))).collect())
    }

    pub(super) fn stop_execution(&mut self, node: NodeId, execution: i64) -> Result<Reply, ErrorRecord> {
        self.need_ssisdb(node)?;
        let tasks = &self.logs.work.tasks;
        let running = tasks.iter().find(|(task, row)| {
            execution_of(**task) == execution && row.execution == ExecutionStatus::Running
        });
        let Some((&task, _)) = running else {
            return Err(failed("System.Management.Automation.RuntimeException", "SqlError27124", STOPPED));
        };
        self.logs.work.stopped.insert(task);
        Ok(Reply::Done)
    }
}

/// The same answer where the supplied package is not there, or to somebody whom the views show nothing.
pub(super) fn withhold(reply: &mut Reply, has_no_role: bool) {
    if let Reply::Package(sight) = reply {
        sight.is_deployed = (!has_no_role).then_some(false);
        sight.sees_tasks &= !has_no_role;
    } else if let Reply::Ssisdb(sight) = reply
        && has_no_role
    {
        (sight.workers, sight.executions, sight.tasks) = (None, None, None);
    }
}

fn execution_of(task: TaskId) -> i64 {
    FIRST_EXECUTION + i64::from(task.0)
}

fn id_of(task: TaskId) -> String {
    format!("00000000-0000-4000-8000-{:012x}", task.0)
}

const fn state_number(state: TaskState) -> i64 {
    match state {
        TaskState::Ready => 1,
        TaskState::HandedOut => 2,
        TaskState::Running => 3,
        TaskState::Failed => 4,
        TaskState::Succeeded => 5,
    }
}

const fn status_number(status: ExecutionStatus) -> i64 {
    match status {
        ExecutionStatus::Running => 2,
        ExecutionStatus::Pending => 5,
        ExecutionStatus::EndedUnexpectedly => 6,
        ExecutionStatus::Succeeded => 7,
    }
}

/// The number of a task that was cancelled, and that of its execution.
const CANCELLED: i64 = 6;
const CANCELED: i64 = 3;
/// Others have run executions before.
const FIRST_EXECUTION: i64 = 101;
const SQL_EXCEPTION: &str = "System.Data.SqlClient.SqlException";
/// `ErrorCategory.NotSpecified`.
const NOT_SPECIFIED: i64 = 0;
/// `ErrorCategory.OperationStopped`: what `throw` makes of a text.
const STOPPED: i64 = 14;
