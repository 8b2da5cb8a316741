//! How fast is the simulator, beside others that do the same work?
//!
//! Everybody runs the common workload W(workers, failovers), which [`workload`] describes, in release mode on one
//! core. Rates are per second of processor time, because machines are shared.
//!
//! And what does the twin cost, beside the bare TLS and HTTP that it carries out ([`bare_tls`])?

pub mod bare;
pub mod bare_tls;
pub mod measure;
pub mod product;
pub mod tokio_paused;
mod wheel;
pub mod workload;
