//! What does SSISDB hold, and what do its procedures change?
//!
//! It lies on the shared disk: what is committed survives every crash, nothing else does. Each procedure is a call;
//! its rules are read in the shipped T-SQL (observed) unless a line says otherwise.

use std::collections::VecDeque;
use std::time::Duration;

use crate::names::{LoadId, TaskId, WorkerId};
use crate::observe::{AgentRow, ExecutionStatus, TaskState};
use crate::planted::{Defect, has};
use crate::scaleout::{Grant, Report};
use crate::time::{Due, Time};

/// A call of a procedure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `internal.update_worker_agent_status`.
    UpdateWorkerAgentStatus {
        /// Whose heartbeat.
        worker: WorkerId,
    },
    /// `internal.pull_task`.
    PullTask {
        /// For whom.
        worker: WorkerId,
    },
    /// `internal.update_task_status`.
    UpdateTaskStatus {
        /// Whose report.
        worker: WorkerId,
        /// The report.
        report: Report,
    },
    /// `internal.update_master_settings`: at the start of a master (inferred).
    UpdateMasterSettings,
    /// `internal.master_heartbeat`.
    MasterHeartbeat,
    /// `internal.dealwith_expired_tasks`.
    SweepExpiredTasks,
}

/// What a procedure returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The worker's row exists.
    Registered {
        /// Its `IsEnabled`.
        enabled: bool,
    },
    /// No task is ready for this worker.
    NoTask,
    /// A task was handed out.
    Task(Grant),
    /// Done.
    Done,
}

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SqlError {
    /// No connection, or SSISDB is not usable.
    Unreachable,
    /// A numbered message of SSISDB.
    Message(u16),
}

/// Message 27243: the worker agent is not known.
pub const WORKER_UNKNOWN: u16 = 27243;
/// Message 27246: the task update matched no row; the caller does not own it, or it is over.
pub const NOT_THE_OWNER: u16 = 27246;
/// Message 27252: the worker agent is disabled.
pub const WORKER_DISABLED: u16 = 27252;

/// The lease that `pull_task` writes: five minutes, hard-coded.
const FIRST_LEASE: Duration = Duration::from_secs(300);

/// A change that a query would show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Of a task, or of its execution.
    Task(TaskRow),
    /// A worker has a row that it had not.
    WorkerAgent(WorkerId, AgentRow),
}

/// A row of `internal.tasks`, and the status of its execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskRow {
    /// Which task.
    pub task: TaskId,
    /// Its set of executions.
    pub load: LoadId,
    /// Its state.
    pub state: TaskState,
    /// Who has it.
    pub worker: Option<WorkerId>,
    /// How often it was handed out.
    pub executed_count: u8,
    /// The status of its execution.
    pub execution: ExecutionStatus,
}

/// The catalog database.
#[derive(Clone, Debug, Default, Hash)]
pub struct Ssisdb {
    agents: Vec<Agent>,
    /// Live rows of `internal.tasks`, by their slot; a finished task leaves its slot to the next one.
    tasks: Vec<Task>,
    free: Vec<u32>,
    next_task: u32,
    /// Slots of ready tasks that any worker may take, oldest first.
    ready: VecDeque<u32>,
}

/// A row of `internal.worker_agents`.
#[derive(Clone, Debug, Default, Hash)]
struct Agent {
    registered: bool,
    enabled: bool,
    /// Slots of ready tasks that name this worker, oldest first.
    ready: VecDeque<u32>,
    /// Slots of tasks that it holds.
    held: Vec<u32>,
}

/// A row of `internal.tasks`, with what is of interest in those of its job and its execution.
#[derive(Clone, Copy, Debug, Hash)]
struct Task {
    id: TaskId,
    load: LoadId,
    state: TaskState,
    named_worker: Option<WorkerId>,
    owner: Option<WorkerId>,
    expires: Due,
    executed_count: u8,
    max_executed_count: u8,
    execution: ExecutionStatus,
    duration: Duration,
}

impl Ssisdb {
    /// A catalog that knows so many workers; those enabled already have their row.
    pub fn new(workers: impl IntoIterator<Item = bool>) -> Self {
        let agents = workers
            .into_iter()
            .map(|enabled| Agent { registered: enabled, enabled, ..Agent::default() })
            .collect();
        Self { agents, ..Self::default() }
    }

    /// What `catalog.worker_agents` has of a worker.
    pub fn agent(&self, worker: WorkerId) -> AgentRow {
        match self.agents.get(worker.index()) {
            Some(Agent { registered: true, enabled: true, .. }) => AgentRow::Enabled,
            Some(Agent { registered: true, enabled: false, .. }) => AgentRow::Disabled,
            Some(Agent { registered: false, .. }) | None => AgentRow::Missing,
        }
    }

    /// `catalog.enable_worker_agent` or `catalog.disable_worker_agent`; says whether there is such a row.
    pub fn enable(&mut self, worker: WorkerId, enabled: bool) -> bool {
        let agent = self.agents.get_mut(worker.index()).filter(|agent| agent.registered);
        agent.map(|agent| agent.enabled = enabled).is_some()
    }

    /// `catalog.delete_worker_agent`: the next heartbeat of the worker inserts a new row, disabled (inferred); says whether
    /// there was one.
    pub fn delete_agent(&mut self, worker: WorkerId) -> bool {
        let found = self.enable(worker, false);
        if let Some(agent) = self.agents.get_mut(worker.index()) {
            agent.registered = false;
        }
        found
    }

    /// Creates and starts one execution (`catalog.create_execution`, `catalog.start_execution`): one task, for any
    /// worker or for a named one, that may be handed out `retry_count + 1` times.
    pub fn start_execution(
        &mut self,
        load: LoadId,
        named_worker: Option<WorkerId>,
        duration: Duration,
        retry_count: u8,
        changes: &mut Vec<Change>,
    ) -> TaskId {
        let id = TaskId(self.next_task);
        self.next_task += 1;
        let task = Task {
            id,
            load,
            state: TaskState::Ready,
            named_worker,
            owner: None,
            expires: Due::NONE,
            executed_count: 0,
            max_executed_count: retry_count.saturating_add(1),
            execution: ExecutionStatus::Pending,
            duration,
        };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.tasks[slot as usize] = task;
                slot
            }
            None => {
                self.tasks.push(task);
                u32::try_from(self.tasks.len() - 1).expect("task numbers have 32 bits")
            }
        };
        self.queue(slot);
        changes.push(task.change());
        id
    }

    /// `catalog.startup`: every execution that waits or runs is marked as ended, whether or not its task goes on. No procedure
    /// of Scale Out fills in the process by which it would find out that a package runs (observed).
    pub fn startup(&mut self, changes: &mut Vec<Change>) {
        for task in &mut self.tasks {
            let is_live = matches!(task.state, TaskState::Ready | TaskState::HandedOut | TaskState::Running);
            if is_live && task.execution != ExecutionStatus::EndedUnexpectedly {
                task.execution = ExecutionStatus::EndedUnexpectedly;
                changes.push(task.change());
            }
        }
    }

    /// Whether `catalog.startup` would change anything.
    pub fn has_live_executions(&self) -> bool {
        self.free.len() < self.tasks.len()
    }

    /// Carries out a procedure at `now` and tells what it changed.
    ///
    /// # Errors
    /// [`SqlError::Message`] with the number that the procedure raises.
    pub fn call(&mut self, now: Time, call: Call, changes: &mut Vec<Change>) -> Result<Answer, SqlError> {
        match call {
            Call::UpdateWorkerAgentStatus { worker } => {
                // The first heartbeat inserts the row with IsEnabled = 0.
                let agent = self.agents.get_mut(worker.index()).ok_or(SqlError::Message(WORKER_UNKNOWN))?;
                if !std::mem::replace(&mut agent.registered, true) {
                    changes.push(Change::WorkerAgent(worker, AgentRow::Disabled));
                }
                Ok(Answer::Registered { enabled: agent.enabled })
            }
            Call::PullTask { worker } => self.pull(now, worker, changes),
            Call::UpdateTaskStatus { worker, report } => self.update(now, worker, report, changes),
            Call::SweepExpiredTasks => {
                self.sweep(now, changes);
                Ok(Answer::Done)
            }
            Call::UpdateMasterSettings | Call::MasterHeartbeat => Ok(Answer::Done),
        }
    }

    fn check_enabled(&self, worker: WorkerId) -> Result<(), SqlError> {
        match self.agents.get(worker.index()) {
            Some(agent) if agent.registered && agent.enabled => Ok(()),
            Some(_) if has(Defect::DisabledWorkerServed) => Ok(()),
            Some(agent) if agent.registered => Err(SqlError::Message(WORKER_DISABLED)),
            Some(_) | None => Err(SqlError::Message(WORKER_UNKNOWN)),
        }
    }

    /// Hands out the oldest task that this worker may run; priority is not looked at.
    fn pull(&mut self, now: Time, worker: WorkerId, changes: &mut Vec<Change>) -> Result<Answer, SqlError> {
        self.check_enabled(worker)?;
        let own = self.agents[worker.index()].ready.front().copied();
        let any = self.ready.front().copied();
        let slot = match (own, any) {
            (Some(own), Some(any)) => self.older(own, any),
            (Some(slot), None) | (None, Some(slot)) => slot,
            (None, None) => return Ok(Answer::NoTask),
        };
        if own == Some(slot) {
            self.agents[worker.index()].ready.pop_front();
        } else {
            self.ready.pop_front();
        }
        let task = &mut self.tasks[slot as usize];
        task.state = TaskState::HandedOut;
        task.owner = Some(worker);
        task.executed_count += 1;
        task.expires = Due::at(now + FIRST_LEASE);
        changes.push(task.change());
        let grant = Grant { task: task.id, load: task.load, duration: task.duration };
        self.agents[worker.index()].held.push(slot);
        Ok(Answer::Task(grant))
    }

    /// Takes a report: only from the owner, only while the task is handed out or running, only forward.
    fn update(
        &mut self,
        now: Time,
        worker: WorkerId,
        report: Report,
        changes: &mut Vec<Change>,
    ) -> Result<Answer, SqlError> {
        self.check_enabled(worker)?;
        let held = &mut self.agents[worker.index()].held;
        let tasks = &mut self.tasks;
        let Some(place) = held.iter().position(|&slot| tasks[slot as usize].id == report.task) else {
            return Err(SqlError::Message(NOT_THE_OWNER));
        };
        let slot = held[place];
        let task = &mut tasks[slot as usize];
        if report.finished {
            task.state = TaskState::Succeeded;
            // Whatever its status was meanwhile: the procedure does not look.
            task.execution = ExecutionStatus::Succeeded;
            task.expires = Due::NONE;
            changes.push(task.change());
            held.swap_remove(place);
            self.free.push(slot);
        } else {
            if task.state == TaskState::HandedOut {
                task.state = TaskState::Running;
                task.execution = ExecutionStatus::Running;
                changes.push(task.change());
            }
            if !has(Defect::LeaseNotRenewed) {
                task.expires = Due::at(now + report.lease);
            }
        }
        Ok(Answer::Done)
    }

    /// Requeues tasks whose lease ran out, or gives them up when no execution is left.
    fn sweep(&mut self, now: Time, changes: &mut Vec<Change>) {
        for agent in 0..self.agents.len() {
            let mut place = 0;
            while let Some(&slot) = self.agents[agent].held.get(place) {
                let task = &mut self.tasks[slot as usize];
                let is_over = task.expires.reached(now) && !has(Defect::RequeueForgotten);
                if !is_over && !has(Defect::LiveTasksSwept) {
                    place += 1;
                    continue;
                }
                self.agents[agent].held.swap_remove(place);
                task.owner = None;
                task.expires = Due::NONE;
                let again = task.executed_count < task.max_executed_count || has(Defect::RetriesWithoutEnd);
                task.state = if again { TaskState::Ready } else { TaskState::Failed };
                if !again {
                    task.execution = ExecutionStatus::EndedUnexpectedly;
                }
                changes.push(task.change());
                if again {
                    self.queue(slot);
                } else {
                    self.free.push(slot);
                }
            }
        }
    }

    fn queue(&mut self, slot: u32) {
        let agents = &mut self.agents;
        match self.tasks[slot as usize].named_worker {
            Some(worker) => agents[worker.index()].ready.push_back(slot),
            None => self.ready.push_back(slot),
        }
    }

    fn older(&self, one: u32, other: u32) -> u32 {
        if self.tasks[one as usize].id < self.tasks[other as usize].id { one } else { other }
    }
}

impl Task {
    const fn change(&self) -> Change {
        Change::Task(TaskRow {
            task: self.id,
            load: self.load,
            state: self.state,
            worker: self.owner,
            executed_count: self.executed_count,
            execution: self.execution,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const W1: WorkerId = WorkerId(0);
    const W2: WorkerId = WorkerId(1);
    const LOAD: LoadId = LoadId(0);

    fn at(secs: u64) -> Time {
        Time::from_micros(secs * 1_000_000)
    }

    fn report(task: TaskId, finished: bool) -> Report {
        Report { task, finished, lease: Duration::from_secs(60) }
    }

    /// The task that changed last.
    fn last(changes: &[Change]) -> TaskRow {
        let rows = changes.iter().rev().filter_map(|change| match *change {
            Change::Task(row) => Some(row),
            Change::WorkerAgent(..) => None,
        });
        rows.into_iter().next().expect("a task changed")
    }

    /// Two enabled workers and one task with so many retries.
    fn started(retry_count: u8) -> (Ssisdb, TaskId) {
        let mut ssisdb = Ssisdb::new([true, true]);
        let task = ssisdb.start_execution(LOAD, None, Duration::ZERO, retry_count, &mut Vec::new());
        (ssisdb, task)
    }

    #[test]
    fn a_new_worker_is_registered_but_disabled() {
        let mut ssisdb = Ssisdb::new([false]);
        let mut changes = Vec::new();
        let pull = Call::PullTask { worker: W1 };
        assert_eq!(ssisdb.call(at(0), pull, &mut changes), Err(SqlError::Message(WORKER_UNKNOWN)));
        let beat = Call::UpdateWorkerAgentStatus { worker: W1 };
        assert_eq!(ssisdb.call(at(0), beat, &mut changes), Ok(Answer::Registered { enabled: false }));
        assert_eq!(ssisdb.call(at(0), pull, &mut changes), Err(SqlError::Message(WORKER_DISABLED)));
    }

    #[test]
    fn a_deleted_worker_comes_back_disabled() {
        let mut ssisdb = Ssisdb::new([true]);
        let mut changes = Vec::new();
        let mut call = |ssisdb: &mut Ssisdb, call| ssisdb.call(at(0), call, &mut changes);
        let pull = Call::PullTask { worker: W1 };
        assert!(ssisdb.enable(W1, false));
        assert_eq!(call(&mut ssisdb, pull), Err(SqlError::Message(WORKER_DISABLED)));
        assert!(ssisdb.enable(W1, true));
        assert_eq!(call(&mut ssisdb, pull), Ok(Answer::NoTask));
        assert!(ssisdb.delete_agent(W1) && !ssisdb.delete_agent(W1) && !ssisdb.enable(W1, true));
        assert_eq!(call(&mut ssisdb, pull), Err(SqlError::Message(WORKER_UNKNOWN)));
        let beat = Call::UpdateWorkerAgentStatus { worker: W1 };
        assert_eq!(call(&mut ssisdb, beat), Ok(Answer::Registered { enabled: false }));
        assert!(ssisdb.enable(W1, true));
        assert_eq!(call(&mut ssisdb, pull), Ok(Answer::NoTask));
    }

    #[test]
    fn the_first_lease_is_five_minutes_whatever_the_worker_says() {
        let (mut ssisdb, task) = started(1);
        let mut changes = Vec::new();
        ssisdb.call(at(0), Call::PullTask { worker: W1 }, &mut changes).expect("a task");
        ssisdb.call(at(299), Call::SweepExpiredTasks, &mut changes).expect("a sweep");
        assert_eq!(last(&changes).state, TaskState::HandedOut);
        ssisdb.call(at(300), Call::SweepExpiredTasks, &mut changes).expect("a sweep");
        assert_eq!((last(&changes).task, last(&changes).state), (task, TaskState::Ready));
    }

    #[test]
    fn a_swept_task_goes_to_another_worker_and_the_first_one_is_refused() {
        let (mut ssisdb, task) = started(1);
        let mut changes = Vec::new();
        ssisdb.call(at(0), Call::PullTask { worker: W1 }, &mut changes).expect("a task");
        let running = Call::UpdateTaskStatus { worker: W1, report: report(task, false) };
        assert_eq!(ssisdb.call(at(1), running, &mut changes), Ok(Answer::Done));
        ssisdb.call(at(61), Call::SweepExpiredTasks, &mut changes).expect("a sweep");
        assert!(matches!(
            ssisdb.call(at(62), Call::PullTask { worker: W2 }, &mut changes),
            Ok(Answer::Task(grant)) if grant.task == task
        ));
        assert_eq!(ssisdb.call(at(63), running, &mut changes), Err(SqlError::Message(NOT_THE_OWNER)));
        let done = Call::UpdateTaskStatus { worker: W2, report: report(task, true) };
        assert_eq!(ssisdb.call(at(64), done, &mut changes), Ok(Answer::Done));
        assert_eq!(last(&changes).executed_count, 2);
    }

    #[test]
    fn startup_marks_executions_as_ended_and_a_later_report_sets_that_right() {
        let (mut ssisdb, task) = started(1);
        let mut changes = Vec::new();
        let running = Call::UpdateTaskStatus { worker: W1, report: report(task, false) };
        let done = Call::UpdateTaskStatus { worker: W1, report: report(task, true) };
        ssisdb.startup(&mut changes);
        assert_eq!(
            (last(&changes).state, last(&changes).execution),
            (TaskState::Ready, ExecutionStatus::EndedUnexpectedly)
        );
        ssisdb.call(at(0), Call::PullTask { worker: W1 }, &mut changes).expect("a task");
        assert_eq!(last(&changes).execution, ExecutionStatus::EndedUnexpectedly);
        ssisdb.call(at(1), running, &mut changes).expect("its owner reports");
        assert_eq!(last(&changes).execution, ExecutionStatus::Running);
        ssisdb.startup(&mut changes);
        assert_eq!(
            (last(&changes).state, last(&changes).execution),
            (TaskState::Running, ExecutionStatus::EndedUnexpectedly)
        );
        ssisdb.call(at(2), done, &mut changes).expect("its owner reports");
        assert_eq!(last(&changes).execution, ExecutionStatus::Succeeded);
        changes.clear();
        ssisdb.startup(&mut changes);
        assert!(changes.is_empty() && !ssisdb.has_live_executions());
    }

    #[test]
    fn without_a_retry_an_expired_task_fails() {
        let (mut ssisdb, _) = started(0);
        let mut changes = Vec::new();
        ssisdb.call(at(0), Call::PullTask { worker: W1 }, &mut changes).expect("a task");
        ssisdb.call(at(300), Call::SweepExpiredTasks, &mut changes).expect("a sweep");
        assert_eq!(last(&changes).state, TaskState::Failed);
        assert_eq!(ssisdb.call(at(301), Call::PullTask { worker: W2 }, &mut changes), Ok(Answer::NoTask));
    }

    #[test]
    fn a_task_for_a_named_worker_waits_for_that_worker() {
        let mut ssisdb = Ssisdb::new([true, true]);
        let mut changes = Vec::new();
        ssisdb.start_execution(LOAD, Some(W2), Duration::ZERO, 0, &mut changes);
        assert_eq!(ssisdb.call(at(0), Call::PullTask { worker: W1 }, &mut changes), Ok(Answer::NoTask));
        assert!(matches!(
            ssisdb.call(at(0), Call::PullTask { worker: W2 }, &mut changes),
            Ok(Answer::Task(_))
        ));
    }
}
