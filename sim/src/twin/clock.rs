//! Which moment of the run is it, by the clock on the wall?
//!
//! Virtual time passes while somebody drives the twin, `factor` times as fast as real time, and stands still in between,
//! when no socket is served either. A process that was not given the processor must not find that every time-out has
//! passed at once: what is lost beyond [`LAG`] is held back, so that a busy machine makes the run slower, not wrong.

use std::time::{Duration, Instant};

use crate::time::Time;

/// Virtual time that follows real time.
#[derive(Debug)]
pub(crate) struct Clock {
    pace: Pace,
    now: Time,
    /// When the clock was looked at last; `None` while it stands still.
    looked: Option<Instant>,
    /// Until when nobody needed to look.
    planned: Time,
    held_back: Duration,
}

/// How many virtual seconds pass in a real one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace(u32);

impl Pace {
    pub(crate) const fn new(factor: u32) -> Self {
        Self(factor)
    }

    /// How long a virtual duration takes.
    pub(crate) fn real(self, virtually: Duration) -> Duration {
        virtually / self.0
    }

    /// How long a real duration is in virtual time.
    pub(crate) fn virtually(self, real: Duration) -> Duration {
        real.saturating_mul(self.0)
    }
}

impl Clock {
    /// Stands at the start of the run.
    pub(crate) const fn new(pace: Pace) -> Self {
        Self { pace, now: Time::ZERO, looked: None, planned: Time::ZERO, held_back: Duration::ZERO }
    }

    pub(crate) const fn pace(&self) -> Pace {
        self.pace
    }

    /// Real time that was not counted because the process could not keep up.
    pub(crate) const fn held_back(&self) -> Duration {
        self.held_back
    }

    /// Lets time pass from here on.
    pub(crate) fn go_on(&mut self) {
        self.planned = self.now;
        self.looked = Some(Instant::now());
    }

    /// Lets time stand still from here on.
    pub(crate) const fn stand_still(&mut self) {
        self.looked = None;
    }

    /// Looks at the clock.
    pub(crate) fn look(&mut self) -> Time {
        let Some(looked) = self.looked else { return self.now };
        let present = Instant::now();
        let then = self.now + self.pace.virtually(present - looked);
        let latest = self.planned.max(self.now) + self.pace.virtually(LAG).min(VIRTUAL_LAG);
        self.held_back += self.pace.real(then.since(latest));
        self.now = then.min(latest);
        self.looked = Some(present);
        self.now
    }

    /// The next look is at `moment`, unless something happens before; says when that is.
    pub(crate) fn wait_until(&mut self, moment: Time) -> Instant {
        self.planned = moment;
        self.looked.unwrap_or_else(Instant::now) + self.pace.real(moment.since(self.now))
    }
}

/// The longest real time that may pass unnoticed before the clock waits for the process.
const LAG: Duration = Duration::from_millis(50);
/// The longest virtual time that may: far below every time-out of a machine.
const VIRTUAL_LAG: Duration = Duration::from_secs(1);
