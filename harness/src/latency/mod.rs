//! How long are workers cut off by a failover?
//!
//! One kind of fault, again and again, each time on a cluster that has just started and with a seed of its own; the
//! moment of the fault is swept over the longest cycle of the master's timers, so that no phase is met more often than
//! another. Every run goes the way of every scenario: plan, director, backend, judge.

mod beside;
mod compare;
mod measure;
mod saved;
mod table;
mod watch;

pub use beside::{Apart, Beside, Side, beside, beside_table};
pub use compare::{Comparison, Row, Unlike, alike, compare};
pub use measure::{Fault, MeasureError, Order, measure, measure_in, plan_of};
pub use saved::{
    FORM, Failover, LONGEST, PHASES_OF_CLUSTER, Saved, Unreadable, WORKER_ROWS, WorkerRow, WorkerTimes,
};
pub use table::table;
