//! What do a worker and a master say to each other?
//!
//! The wire contract is not published. These verbs are inferred from the procedures of SSISDB that must stand behind
//! them; the names are ours.

use crate::names::{LoadId, TaskId};
use crate::time::Span;

/// What a worker asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// `internal.update_worker_agent_status`: I am alive.
    AgentHeartbeat,
    /// `internal.pull_task`: give me a task.
    RequestTask,
    /// `internal.update_task_status`: this is how a task of mine stands.
    ReportTask(Report),
}

/// A worker's report on a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Report {
    /// Which task.
    pub task: TaskId,
    /// Whether the package has ended, with success.
    pub finished: bool,
    /// How long this report holds the task: `LeaseInternval`.
    pub lease: Span,
}

/// What a master answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// To a heartbeat: whether the worker is enabled.
    Registered {
        /// `IsEnabled` of its row in `worker_agents`.
        enabled: bool,
    },
    /// To a request for a task: there is none.
    NoTask,
    /// To a request for a task: this one.
    Task(Grant),
    /// To a report: noted.
    Noted,
    /// SSISDB refused, with the number of its message (`27246`: the task is not yours, or it is over).
    Refused {
        /// The number.
        number: u16,
    },
    /// The master could not reach SSISDB.
    NoDatabase,
    /// HTTP.SYS refused before the master saw the request: 403.
    Forbidden,
}

/// A task that a worker has been given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Grant {
    /// Which one.
    pub task: TaskId,
    /// The set of executions that it belongs to.
    pub load: LoadId,
    /// How long its package runs.
    pub duration: Span,
}
