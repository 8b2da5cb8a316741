//! What does SSISDB hold, and what do its procedures change?
//!
//! It lies on the shared disk, or in the replicas of an availability group: what is committed survives every crash, nothing
//! else does. Each procedure is a call; its rules are read in the shipped T-SQL (observed) unless a line says otherwise.

#[cfg(test)]
mod tests;

use std::num::NonZeroU32;
use std::time::Duration;

use crate::names::{LoadId, TaskId, WorkerId};
use crate::observe::{AgentRow, ExecutionStatus, TaskState};
use crate::planted::{Defect, has};
use crate::scaleout::{Grant, Report};
use crate::time::{Due, Span, Time};

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
    /// Slots without a task, the one that was left last first.
    free: Option<Slot>,
    live_tasks: u32,
    next_task: u32,
    /// Ready tasks that any worker may take.
    ready: Waiting,
}

/// The place of a row of `internal.tasks`. Rows are linked by [`Task::next`]; the list that a row is in says what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Slot(NonZeroU32);

impl Slot {
    fn new(index: usize) -> Self {
        let number = u32::try_from(index + 1).ok().and_then(NonZeroU32::new);
        Self(number.expect("task numbers have 32 bits"))
    }

    const fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// Slots of ready tasks, oldest first.
#[derive(Clone, Copy, Debug, Default, Hash)]
struct Waiting {
    first: Option<Slot>,
    last: Option<Slot>,
}

/// A row of `internal.worker_agents`.
#[derive(Clone, Debug, Default, Hash)]
struct Agent {
    registered: bool,
    enabled: bool,
    /// Ready tasks that name this worker.
    ready: Waiting,
    /// The last of the tasks that it holds, then the one before it and so on.
    held: Option<Slot>,
}

/// A row of `internal.tasks`, with what is of interest in those of its job and its execution.
#[derive(Clone, Copy, Debug, Hash)]
struct Task {
    id: TaskId,
    load: LoadId,
    state: TaskState,
    named_worker: Whose,
    owner: Whose,
    next: Option<Slot>,
    /// When its lease runs out; while it is ready, since when (ReadyForDispatchTime).
    moment: Due,
    executed_count: u8,
    max_executed_count: u8,
    execution: ExecutionStatus,
    duration: Span,
}

/// A worker or nobody, in the room of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Whose(u32);

impl Whose {
    const NOBODY: Self = Self(u32::MAX);

    fn of(worker: Option<WorkerId>) -> Self {
        worker.map_or(Self::NOBODY, |worker| Self(worker.0))
    }

    fn worker(self) -> Option<WorkerId> {
        (self != Self::NOBODY).then_some(WorkerId(self.0))
    }
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
        now: Time,
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
            named_worker: Whose::of(named_worker),
            owner: Whose::NOBODY,
            next: None,
            moment: Due::at(now),
            executed_count: 0,
            max_executed_count: retry_count.saturating_add(1),
            execution: ExecutionStatus::Pending,
            duration: duration.into(),
        };
        let slot = self.insert(task);
        self.queue(slot);
        changes.push(task.change());
        id
    }

    fn insert(&mut self, task: Task) -> Slot {
        self.live_tasks += 1;
        if let Some(slot) = self.free {
            self.free = self.tasks[slot.index()].next;
            self.tasks[slot.index()] = task;
            return slot;
        }
        if self.tasks.len() == self.tasks.capacity() {
            // By a quarter: what a burst leaves unused is kept for ever.
            self.tasks.reserve_exact((self.tasks.len() / 4).max(16));
        }
        self.tasks.push(task);
        Slot::new(self.tasks.len() - 1)
    }

    /// A task is over: its slot is free.
    fn leave(&mut self, slot: Slot) {
        self.tasks[slot.index()].next = self.free.replace(slot);
        self.live_tasks -= 1;
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
    pub const fn has_live_executions(&self) -> bool {
        self.live_tasks > 0
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

    /// Hands out the task that has been ready for the longest time and that this worker may run; priority is not looked at
    /// (observed).
    fn pull(&mut self, now: Time, worker: WorkerId, changes: &mut Vec<Change>) -> Result<Answer, SqlError> {
        self.check_enabled(worker)?;
        let own = self.agents[worker.index()].ready.first;
        let slot = match (own, self.ready.first) {
            (Some(own), Some(any)) => self.older(own, any),
            (Some(slot), None) | (None, Some(slot)) => slot,
            (None, None) => return Ok(Answer::NoTask),
        };
        let agent = &mut self.agents[worker.index()];
        let waiting = if own == Some(slot) { &mut agent.ready } else { &mut self.ready };
        let task = &mut self.tasks[slot.index()];
        waiting.first = task.next;
        task.next = agent.held.replace(slot);
        task.state = TaskState::HandedOut;
        task.owner = Whose::of(Some(worker));
        task.executed_count += 1;
        task.moment = Due::at(now + FIRST_LEASE);
        changes.push(task.change());
        let grant = Grant { task: task.id, load: task.load, duration: task.duration };
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
        let held = self.agents[worker.index()].held;
        let Some(slot) = self.list(held).find(|slot| self.tasks[slot.index()].id == report.task) else {
            return Err(SqlError::Message(NOT_THE_OWNER));
        };
        let task = &mut self.tasks[slot.index()];
        if report.finished {
            task.state = TaskState::Succeeded;
            // Whatever its status was meanwhile: the procedure does not look.
            task.execution = ExecutionStatus::Succeeded;
            task.moment = Due::NONE;
            changes.push(task.change());
            self.release(worker, slot);
            self.leave(slot);
        } else {
            if task.state == TaskState::HandedOut {
                task.state = TaskState::Running;
                task.execution = ExecutionStatus::Running;
                changes.push(task.change());
            }
            if !has(Defect::LeaseNotRenewed) {
                task.moment = Due::at(now + report.lease);
            }
        }
        Ok(Answer::Done)
    }

    /// Requeues tasks whose lease ran out, or gives them up when no execution is left.
    fn sweep(&mut self, now: Time, changes: &mut Vec<Change>) {
        for index in 0..self.agents.len() {
            let worker = WorkerId(index as u32);
            // The last one of those that a worker holds takes the place of one that it loses.
            let mut place = 0;
            while let Some(slot) = self.held(worker, place) {
                let task = &mut self.tasks[slot.index()];
                let is_over = task.moment.reached(now) && !has(Defect::RequeueForgotten);
                if !is_over && !has(Defect::LiveTasksSwept) {
                    place += 1;
                    continue;
                }
                self.release(worker, slot);
                let task = &mut self.tasks[slot.index()];
                task.owner = Whose::NOBODY;
                let again = task.executed_count < task.max_executed_count || has(Defect::RetriesWithoutEnd);
                (task.state, task.moment) =
                    if again { (TaskState::Ready, Due::at(now)) } else { (TaskState::Failed, Due::NONE) };
                if !again {
                    task.execution = ExecutionStatus::EndedUnexpectedly;
                }
                changes.push(task.change());
                if again {
                    self.queue(slot);
                } else {
                    self.leave(slot);
                }
            }
        }
    }

    /// The slots of a list from this one on.
    fn list(&self, first: Option<Slot>) -> impl Iterator<Item = Slot> {
        std::iter::successors(first, |slot| self.tasks[slot.index()].next)
    }

    /// The task in this place of those that a worker holds, counted from the first.
    fn held(&self, worker: WorkerId, place: usize) -> Option<Slot> {
        let last = self.agents[worker.index()].held?;
        let count = self.list(Some(last)).count();
        self.list(Some(last)).nth(count.checked_sub(place + 1)?)
    }

    /// A worker holds a task no longer: the last one that it holds takes its place.
    fn release(&mut self, worker: WorkerId, slot: Slot) {
        let held = &mut self.agents[worker.index()].held;
        let Some(last) = *held else { return };
        let after_last = self.tasks[last.index()].next;
        if last == slot {
            *held = after_last;
            return;
        }
        let after = self.tasks[slot.index()].next;
        let before = self.list(Some(last)).find(|before| self.tasks[before.index()].next == Some(slot));
        self.tasks[last.index()].next = after;
        match before.filter(|&before| before != last) {
            // Between the two there are others: they come first from here on.
            Some(before) => {
                self.tasks[before.index()].next = Some(last);
                self.agents[worker.index()].held = after_last;
            }
            None => self.agents[worker.index()].held = Some(last),
        }
    }

    fn queue(&mut self, slot: Slot) {
        let named = self.tasks[slot.index()].named_worker.worker();
        let waiting = match named {
            Some(worker) => &mut self.agents[worker.index()].ready,
            None => &mut self.ready,
        };
        let before = waiting.last.replace(slot);
        if waiting.first.is_none() {
            waiting.first = Some(slot);
        } else if let Some(before) = before {
            self.tasks[before.index()].next = Some(slot);
        }
        self.tasks[slot.index()].next = None;
    }

    fn older(&self, one: Slot, other: Slot) -> Slot {
        let since = |slot: Slot| (self.tasks[slot.index()].moment.moment(), self.tasks[slot.index()].id);
        if since(one) < since(other) { one } else { other }
    }
}

impl Task {
    fn change(&self) -> Change {
        Change::Task(TaskRow {
            task: self.id,
            load: self.load,
            state: self.state,
            worker: self.owner.worker(),
            executed_count: self.executed_count,
            execution: self.execution,
        })
    }
}
