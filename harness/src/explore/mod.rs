//! Which schedule breaks a claim, and what is the smallest story that still does?
//!
//! A scenario becomes a family: each seed draws the moments and the order of its actions, faults that it allows, and an
//! answer to everything that nobody knows ([`draw()`]). At the end of each story everything is healed, in another order
//! than it was broken: what must never happen is judged all the time, that every worker comes back only after that.

mod coverage;
mod draw;
mod finding;
mod lengths;
mod report;
mod search;
mod seeds;
mod shard;
mod shrink;
mod story;
mod tally;
mod tell;
mod unknown;
mod write;

pub use coverage::{Coverage, Role, Workers};
pub use draw::draw;
pub use finding::Finding;
pub use lengths::Lengths;
pub use report::{MOST, Report, Unreadable, Unsound};
pub use search::{Explorer, Failure, Judged, Ran, Search, Until};
pub use seeds::{Range, Seeds};
pub use shard::{Shard, ShardError};
pub use shrink::shrink;
pub use story::{Deed, End, Kind, Story};
pub use tally::{Answer, FindingTally, ReasonTally, StoryTold, Tally, TallyError};
pub use tell::{again, tell};
