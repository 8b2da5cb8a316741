//! Does it hold, and how do we show it?
//!
//! A scenario becomes a plan, the director carries the plan out on a backend, what is seen becomes a history, checks
//! judge the history, and reports tell of the verdict. Checks and reports read recorded facts only; backends see a
//! resolved plan only.

pub mod backend;
mod bounded;
pub mod check;
pub mod cli;
pub mod director;
pub mod explain;
pub mod explore;
pub mod guide;
pub mod history;
pub mod judge;
pub mod latency;
pub mod learn;
pub mod phase;
pub mod picture;
pub mod plan;
pub mod probe;
pub mod report;
pub mod runner;
pub mod scenario;
#[cfg(feature = "planted")]
pub mod score;
pub mod twin;
mod whole;
pub mod words;
