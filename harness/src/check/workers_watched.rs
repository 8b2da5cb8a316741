//! Were the workers looked at all the time, but for pauses that leave no doubt?

use std::time::Duration;

use failover_sim::observe::{Fact, Record, Watch};
use failover_sim::time::Time;

use super::Verdict;

/// How many looks in a row may be missed without doubt: a connection lasts (it is kept alive between requests), so that
/// one made meanwhile is still there at the next look. A session that is replaced costs two.
const LOOKS_MISSED: u32 = 3;

/// What is known of looks at the workers.
#[derive(Debug, Default)]
pub(super) struct WorkersWatched {
    is_watched: bool,
    /// Nobody looked at the workers for some time.
    gap: bool,
    unwatched_since: Option<Time>,
}

impl WorkersWatched {
    pub(super) fn observe(&mut self, record: &Record) {
        if let Fact::Watching { what: Watch::Workers, every } = record.fact {
            let pause =
                self.unwatched_since.take().map_or(Duration::ZERO, |since| record.latest.since(since));
            self.gap |= pause > every * LOOKS_MISSED;
            self.is_watched = true;
        } else if let Fact::Unwatched(Watch::Workers) = record.fact {
            self.is_watched = false;
            self.unwatched_since = Some(record.earliest);
        }
    }

    /// What can be said of a claim about connections of which none was found that breaks it.
    pub(super) fn verdict(&self, judged: u64) -> Verdict {
        if !self.is_watched || self.gap {
            return Verdict::inconclusive(judged, "the workers were not looked at all the time".to_owned());
        }
        Verdict::pass(judged, "no connection was seen")
    }
}
