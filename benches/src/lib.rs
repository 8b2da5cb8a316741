//! How fast is the simulator, beside others that do the same work?
//!
//! Everybody runs the common workload W(workers, failovers), which [`workload`] describes, in release mode on one
//! core. Rates are per second of processor time, because machines are shared.

pub mod bare;
pub mod measure;
pub mod product;
pub mod tokio_paused;
mod wheel;
pub mod workload;
