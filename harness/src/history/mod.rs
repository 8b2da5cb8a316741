//! How is a run kept, so that it can be read and judged again?
//!
//! JSON lines: the first says what was run, word for word; then one line for each record, with the names of the plan.

mod header;
mod line;
mod read;
mod write;

pub use header::{FORM, Header};
pub use read::{HistoryError, read_header, read_records};
pub use write::{HistoryWriter, line};
