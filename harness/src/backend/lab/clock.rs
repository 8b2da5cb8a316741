//! Who supplies time to the lab backend?

use std::time::{Instant, SystemTime};

use failover_sim::time::Time;

use super::protocol::Ticks;

/// A clock that the backend looks at and waits by; it never sleeps in any other way.
pub trait Clock {
    /// The present moment, counted from the start of the run.
    fn now(&self) -> Time;

    /// The present moment as a date, to compare the clocks of hosts with.
    fn utc(&self) -> Ticks;

    /// Comes back when this moment is reached; at once if it has passed.
    fn wait_until(&self, moment: Time);
}

/// Time as it passes where the harness runs.
#[derive(Clone, Copy, Debug)]
pub struct WallClock(Instant);

impl WallClock {
    /// A clock that shows zero at this moment.
    pub fn begin() -> Self {
        Self(Instant::now())
    }
}

impl Clock for WallClock {
    fn now(&self) -> Time {
        Time::ZERO + self.0.elapsed()
    }

    fn utc(&self) -> Ticks {
        // A clock before 1970 is as wrong as any other: the handshake will say so.
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ticks(TICKS_AT_1970 + i64::try_from(since_1970.as_nanos() / 100).unwrap_or(i64::MAX / 2))
    }

    fn wait_until(&self, moment: Time) {
        std::thread::sleep(moment.since(self.now()));
    }
}

/// `[DateTime]::new(1970, 1, 1).Ticks`.
const TICKS_AT_1970: i64 = 621_355_968_000_000_000;
