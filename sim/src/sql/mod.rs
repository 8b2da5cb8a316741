//! What does SQL Server do, and what stands in SSISDB?

mod instance;
mod replicas;
mod ssisdb;

pub use instance::SqlServer;
pub use replicas::Replicas;
pub use ssisdb::{
    Answer, Call, Change, NOT_THE_OWNER, SqlError, Ssisdb, TaskRow, WORKER_DISABLED, WORKER_UNKNOWN,
};
