//! Who supplies time to the lab backend?

use failover_sim::time::Time;

/// A clock that the backend looks at and waits by; it never sleeps in any other way.
pub trait Clock {
    /// The present moment, counted from the start of the run.
    fn now(&self) -> Time;

    /// Comes back when this moment is reached; at once if it has passed.
    fn wait_until(&self, moment: Time);
}
