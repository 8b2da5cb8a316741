//! What can happen to a worker, and what does it want done?

use crate::names::TaskId;
use crate::observe::{ErrorFamily, Loss};

use super::super::{Request, Response};

/// What can happen to a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerEvent {
    /// Its service starts.
    Started,
    /// Its process does nothing any more; packages have processes of their own, and end in their time.
    Hung,
    /// A deadline may have come.
    Woken,
    /// The host of its endpoint has several addresses, which are tried one after the other.
    Resolved {
        /// How many.
        addresses: u8,
    },
    /// The handshake of its connection is finished.
    Connected,
    /// Its attempt to connect failed.
    ConnectFailed(ErrorFamily),
    /// Its connection broke.
    Lost(Loss),
    /// The request under way is answered.
    Answered(Response),
    /// SQL Server, to which its packages write their logs, stopped.
    SqlServerStopped,
}

/// What a worker wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerEffect {
    /// Open a connection to the host of MasterEndpoint.
    Connect,
    /// Send a request on the open connection.
    Send(Request),
    /// Give up the connection, or the attempt.
    Drop,
    /// Write into the log: connected.
    LogConnected,
    /// Write into the log: the connection is lost.
    LogLost(Loss),
    /// Write into the log: an attempt failed.
    LogRefused(ErrorFamily),
    /// Start the package of a task.
    StartPackage(TaskId),
    /// The package of a task has ended, or is ended.
    EndPackage(TaskId),
    /// Write into the log: SSISDB refused a report.
    LogReportRefused {
        /// On which task.
        task: TaskId,
        /// With which message.
        number: u16,
    },
}
