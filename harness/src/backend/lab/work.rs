//! What is seen of the executions that a run has started?
//!
//! By what three see: SSISDB shows the tasks, each worker's witness file the packages, each worker's log the reports that
//! were refused. As in a look at anything else, a difference from the last look became true between the two.

use std::collections::BTreeSet;

use failover_sim::names::{LoadId, TaskId, WorkerId};
use failover_sim::observe::{ExecutionStatus, Fact, TaskState};
use failover_sim::time::Time;

use super::binding::Binding;
use super::protocol::{TaskSight, WorkSight};

/// What was seen last of the executions.
pub(super) struct WorkMemory {
    /// By the numbers of their tasks.
    executions: Vec<Execution>,
    /// For each worker: whether each package in its witness file has ended.
    packages: Vec<Vec<bool>>,
    /// Reports of which it is known that they were refused.
    refused: BTreeSet<(TaskId, WorkerId, u16)>,
}

/// Executions that were started just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Started {
    /// Which set they belong to.
    pub(super) load: LoadId,
    /// Their ids in SSISDB.
    pub(super) executions: Vec<i64>,
    /// When they were asked for.
    pub(super) asked: Time,
}

struct Execution {
    id: i64,
    load: LoadId,
    started: Time,
    /// TaskId in SSISDB, once it was seen.
    task: Option<String>,
    last: Row,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Row {
    state: TaskState,
    worker: Option<WorkerId>,
    executed_count: u8,
    execution: ExecutionStatus,
}

/// Something that no run of the harness brings about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Strange {
    /// An execution did not do what the supplied package does.
    #[error(
        "execution {execution} has status {status} and its task status {task}: the package failed by itself, or somebody \
         stopped it\nhint: `SELECT message FROM SSISDB.catalog.operation_messages WHERE operation_id = {execution}`"
    )]
    Execution {
        /// Which one.
        execution: i64,
        /// Its status.
        status: i64,
        /// That of its task.
        task: i64,
    },
    /// Lines of a witness file are gone.
    #[error("the witness file of packages has become shorter")]
    WitnessCut,
}

impl WorkMemory {
    pub(super) fn new(binding: &Binding) -> Self {
        let packages = vec![Vec::new(); binding.topology.workers.len()];
        Self { executions: Vec::new(), packages, refused: BTreeSet::new() }
    }

    /// The first execution that is of interest; `None` as long as none was started.
    pub(super) fn first(&self) -> Option<i64> {
        self.executions.iter().map(|execution| execution.id).min()
    }

    /// Takes in executions that were started: each has one task then, which waits (catalog.start_execution, observed).
    pub(super) fn started(&mut self, started: &Started) -> Vec<Fact> {
        let mut facts = Vec::new();
        for &id in &started.executions {
            let row = Row {
                state: TaskState::Ready,
                worker: None,
                executed_count: 0,
                execution: ExecutionStatus::Pending,
            };
            let (load, started) = (started.load, started.asked);
            self.executions.push(Execution { id, load, started, task: None, last: row });
            facts.push(row.fact(TaskId((self.executions.len() - 1) as u32), load));
        }
        facts
    }

    /// What is different in SSISDB from the last look; each fact with the moment before which it cannot have become true.
    pub(super) fn tasks(
        &mut self,
        tasks: &[TaskSight],
        binding: &Binding,
    ) -> Result<Vec<(Time, Fact)>, Strange> {
        let mut facts = Vec::new();
        for sight in tasks {
            let Some(number) = self.number(sight.execution) else { continue };
            let execution = &mut self.executions[number.0 as usize];
            execution.task.get_or_insert_with(|| sight.task.clone());
            let row = Row::read(sight, binding)?;
            let last = std::mem::replace(&mut execution.last, row);
            if last == row {
                continue;
            }
            // It is counted when it is handed out, and never else (pull_task, observed).
            if row.executed_count > last.executed_count && row.state != TaskState::HandedOut {
                let handed_out = Row { state: TaskState::HandedOut, execution: last.execution, ..row };
                facts.push((execution.started, handed_out.fact(number, execution.load)));
            }
            facts.push((execution.started, row.fact(number, execution.load)));
        }
        Ok(facts)
    }

    /// What is different on a worker from the last look: packages, then refused reports.
    pub(super) fn worker(&mut self, worker: WorkerId, sight: &WorkSight) -> Result<Vec<Fact>, Strange> {
        let mut facts = Vec::new();
        let mut known = std::mem::take(&mut self.packages[worker.index()]);
        if sight.packages.len() < known.len() {
            return Err(Strange::WitnessCut);
        }
        for (place, run) in sight.packages.iter().enumerate() {
            let task = self.number(run.execution);
            let mut tell = |runs| facts.extend(task.map(|task| Fact::Package { task, worker, runs }));
            if place == known.len() {
                tell(true);
                known.push(false);
            }
            if run.end.is_some() && !std::mem::replace(&mut known[place], true) {
                tell(false);
            }
        }
        self.packages[worker.index()] = known;
        for report in &sight.refused {
            let is_own = |execution: &Execution| {
                execution.task.as_ref().is_some_and(|task| task.eq_ignore_ascii_case(&report.task))
            };
            let Some(task) = self.executions.iter().position(is_own) else { continue };
            let (task, number) = (TaskId(task as u32), report.number);
            if self.refused.insert((task, worker, number)) {
                facts.push(Fact::ReportRefused { task, worker, number });
            }
        }
        Ok(facts)
    }

    fn number(&self, execution: i64) -> Option<TaskId> {
        let found = self.executions.iter().position(|known| known.id == execution);
        found.map(|index| TaskId(index as u32))
    }
}

impl Row {
    /// The numbers of tasks are inferred from the procedures of SSISDB, those of executions documented (catalog.executions).
    fn read(sight: &TaskSight, binding: &Binding) -> Result<Self, Strange> {
        let strange =
            Strange::Execution { execution: sight.execution, status: sight.status, task: sight.state };
        let state = match sight.state {
            1 => TaskState::Ready,
            2 => TaskState::HandedOut,
            3 => TaskState::Running,
            4 => TaskState::Failed,
            5 => TaskState::Succeeded,
            _ => return Err(strange),
        };
        let execution = match sight.status {
            2 => ExecutionStatus::Running,
            5 => ExecutionStatus::Pending,
            6 => ExecutionStatus::EndedUnexpectedly,
            7 => ExecutionStatus::Succeeded,
            _ => return Err(strange),
        };
        let executed_count = u8::try_from(sight.executed_count).unwrap_or(u8::MAX);
        Ok(Self { state, worker: binding.worker(&sight.worker), executed_count, execution })
    }

    fn fact(self, task: TaskId, load: LoadId) -> Fact {
        let Self { state, worker, executed_count, execution } = self;
        Fact::Task { task, load, state, worker, executed_count, execution }
    }
}
