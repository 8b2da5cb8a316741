//! What moment is it, counted from the start of the run?

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Add, Mul, Sub};
use std::time::Duration;

/// A moment: microseconds since the run began. Virtual on the simulator, scaled or real elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Time {
    /// The start of the run.
    pub const ZERO: Self = Self(0);
    /// Later than anything that happens.
    pub const NEVER: Self = Self(u64::MAX);

    /// The moment that lies `micros` microseconds after the start.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the start.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The moment so many microseconds later.
    #[must_use]
    pub const fn later(self, micros: u64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// How long ago `earlier` was; zero if it lies ahead.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// The first moment after `self` (strictly) of a rhythm with this period that beats at `phase`.
    ///
    /// A period of zero has no rhythm and gives [`Time::NEVER`].
    pub fn next_beat(self, phase: Self, period: Duration) -> Self {
        let period = micros(period);
        if period == 0 {
            return Self::NEVER;
        }
        if self < phase {
            return phase;
        }
        Self(phase.0 + ((self.0 - phase.0) / period + 1) * period)
    }

    /// The last moment at or before `self` of a rhythm with this period that beats at `phase`.
    ///
    /// Before the first beat this is the start of the run.
    pub fn last_beat(self, phase: Self, period: Duration) -> Self {
        let period = micros(period);
        if period == 0 || self < phase {
            return Self::ZERO;
        }
        Self(phase.0 + (self.0 - phase.0) / period * period)
    }
}

/// A duration in whole microseconds; what does not fit is as long as possible.
pub const fn micros(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000).saturating_add(duration.subsec_micros() as u64)
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }
}

impl Sub<Span> for Time {
    type Output = Self;

    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Sub<Duration> for Time {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }
}

/// How long something takes, in whole microseconds: what a [`Duration`] says in twice the room.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

impl Span {
    /// So many microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// So many seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// How many microseconds it lasts.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Whether it is over as soon as it begins.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl From<Duration> for Span {
    fn from(duration: Duration) -> Self {
        Self(micros(duration))
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        Self::from_micros(span.0)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Duration::from_micros(self.0), f)
    }
}

impl Mul<u32> for Span {
    type Output = Self;

    fn mul(self, times: u32) -> Self {
        Self(self.0.saturating_mul(u64::from(times)))
    }
}

impl Add<Span> for Time {
    type Output = Self;

    fn add(self, span: Span) -> Self {
        self.later(span.0)
    }
}

impl fmt::Display for Time {
    /// Minutes, seconds and milliseconds: `2m03.118s`, `33.118s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0 / 1_000;
        let (minutes, rest) = (millis / 60_000, millis % 60_000);
        if minutes > 0 {
            write!(f, "{minutes}m{:02}.{:03}s", rest / 1_000, rest % 1_000)
        } else {
            write!(f, "{}.{:03}s", rest / 1_000, rest % 1_000)
        }
    }
}

/// A moment inside a machine's state that says when it acts next, if at all.
///
/// Its hash says only whether there is one: two states that differ in absolute times alone are the same
/// state to an explorer, which picks the next enabled event itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Due(Time);

impl fmt::Debug for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.moment() {
            Some(moment) => write!(f, "{moment}"),
            None => write!(f, "never"),
        }
    }
}

impl Due {
    /// Nothing is due.
    pub const NONE: Self = Self(Time::NEVER);

    /// Due at this moment.
    pub const fn at(moment: Time) -> Self {
        Self(moment)
    }

    /// The moment, if one is set.
    pub fn moment(self) -> Option<Time> {
        (self.0 != Time::NEVER).then_some(self.0)
    }

    /// Whether the moment has come.
    pub fn reached(self, now: Time) -> bool {
        self.0 <= now
    }

    /// The earlier of the two, where either is set.
    #[must_use]
    pub fn or_earlier(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }
}

impl Default for Due {
    fn default() -> Self {
        Self::NONE
    }
}

impl Hash for Due {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.0 != Time::NEVER).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_keep_their_phase() {
        let phase = Time::from_micros(300);
        let period = Duration::from_micros(1_000);
        assert_eq!(Time::from_micros(0).next_beat(phase, period), phase);
        assert_eq!(Time::from_micros(300).next_beat(phase, period), Time::from_micros(1_300));
        assert_eq!(Time::from_micros(1_299).last_beat(phase, period), phase);
        assert_eq!(Time::from_micros(1_300).last_beat(phase, period), Time::from_micros(1_300));
        assert_eq!(Time::from_micros(5).next_beat(phase, Duration::ZERO), Time::NEVER);
    }

    #[test]
    fn times_read_like_a_clock() {
        assert_eq!(Time::from_micros(33_118_400).to_string(), "33.118s");
        assert_eq!(Time::from_micros(123_000_000).to_string(), "2m03.000s");
    }
}
