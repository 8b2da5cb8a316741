//! What do the Scale Out Master and the Scale Out Workers do?
//!
//! Pure machines: what they want done comes out as effects. The same machines run in virtual time and behind sockets.

mod master;
mod protocol;
mod settings;
mod worker;

pub use master::{Master, MasterEffect, MasterEvent};
pub use protocol::{Grant, Report, Request, Response};
pub use settings::{MasterSettings, WorkerSettings};
pub use worker::{RunningTask, Worker, WorkerEffect, WorkerEvent, WorkerProcess};
