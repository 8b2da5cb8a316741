//! Where on the page does a moment of a run lie?
//!
//! The axis is linear, but for one stretch at most in which nothing changes and which is longer than all the rest: it
//! is cut short, and the page says so.

use failover_sim::time::Time;

use super::super::length;

/// How wide a chart is, in its own units; the page stretches it.
pub(super) const WIDTH: u64 = 10_000;

/// Moments of a run and their places.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    began: Time,
    end: Time,
    quiet: Option<Quiet>,
    /// Microseconds that are drawn.
    drawn: u64,
}

/// A stretch that is cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Quiet {
    from: Time,
    to: Time,
    /// What is left of it, in microseconds.
    kept: u64,
}

/// A place on the axis with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tick {
    pub(super) at: u64,
    pub(super) text: String,
}

impl Axis {
    /// The axis of a run in which something changes at these moments, in their order.
    pub(super) fn new(began: Time, end: Time, changes: impl Iterator<Item = Time>) -> Self {
        let end = end.max(Time::from_micros(began.as_micros() + 1));
        let total = span(began, end);
        let mut longest = (began, began);
        let mut last = began;
        for change in changes.filter(|&change| change >= began && change <= end).chain([end]) {
            if span(last, change) > span(longest.0, longest.1) {
                longest = (last, change);
            }
            last = change;
        }
        let length = span(longest.0, longest.1);
        let rest = total - length;
        let quiet = (rest > 0 && length > rest * 3 / 2).then(|| Quiet {
            from: longest.0,
            to: longest.1,
            kept: (rest / 10).max(1),
        });
        let drawn = quiet.map_or(total, |quiet| rest + quiet.kept);
        Self { began, end, quiet, drawn }
    }

    /// The place of a moment; what lies outside is at the nearer end.
    pub(super) fn place(&self, moment: Time) -> u64 {
        let moment = moment.clamp(self.began, self.end);
        let micros = match self.quiet {
            Some(quiet) if moment >= quiet.to => {
                span(self.began, moment) - span(quiet.from, quiet.to) + quiet.kept
            }
            Some(quiet) if moment > quiet.from => {
                let share = u128::from(span(quiet.from, moment)) * u128::from(quiet.kept);
                span(self.began, quiet.from) + (share / u128::from(span(quiet.from, quiet.to))) as u64
            }
            Some(_) | None => span(self.began, moment),
        };
        (u128::from(micros) * u128::from(WIDTH) / u128::from(self.drawn)) as u64
    }

    /// The stretch that is cut short: its two places, and how long it is.
    pub(super) fn quiet(&self) -> Option<(u64, u64, String)> {
        let quiet = self.quiet?;
        let seconds = std::time::Duration::from_secs(span(quiet.from, quiet.to) / 1_000_000);
        Some((self.place(quiet.from), self.place(quiet.to), length(seconds)))
    }

    /// About half a dozen round moments.
    pub(super) fn ticks(&self) -> Vec<Tick> {
        let step = STEPS_MILLIS.iter().map(|millis| millis * 1_000).find(|step| self.drawn / step <= 7);
        let step = step.unwrap_or(self.drawn.max(1));
        let count = span(self.began, self.end) / step;
        let moment = |number: u64| Time::from_micros(self.began.as_micros() + number * step);
        let is_drawn =
            |moment: &Time| self.quiet.is_none_or(|quiet| *moment <= quiet.from || *moment >= quiet.to);
        // With a stretch cut short there can be many more steps than ticks.
        let near = |number: &u64| match self.quiet {
            None => true,
            Some(quiet) => {
                let from = span(self.began, quiet.from) / step;
                let to = span(self.began, quiet.to) / step;
                *number <= from || *number >= to
            }
        };
        let mut ticks: Vec<Tick> = Vec::new();
        for number in (0..=count).filter(near) {
            let moment = moment(number);
            if !is_drawn(&moment) {
                continue;
            }
            let at = self.place(moment);
            if ticks.last().is_none_or(|last| at >= last.at + WIDTH / 16) {
                let text = format!("+{}", length(std::time::Duration::from_micros(number * step)));
                ticks.push(Tick { at, text });
            }
        }
        ticks
    }
}

fn span(from: Time, to: Time) -> u64 {
    to.as_micros().saturating_sub(from.as_micros())
}

/// Round distances between two ticks.
const STEPS_MILLIS: [u64; 22] = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000,
    300_000, 600_000, 1_800_000, 3_600_000, 14_400_000,
];

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Time {
        Time::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn an_even_run_is_drawn_as_it_is() {
        let axis = Axis::new(at(10), at(110), (1..11).map(|ten| at(10 * ten)));
        assert_eq!(axis.quiet(), None);
        assert_eq!([10, 35, 110, 400].map(|second| axis.place(at(second))), [0, 2_500, WIDTH, WIDTH]);
        let ticks: Vec<(u64, String)> = axis.ticks().into_iter().map(|tick| (tick.at, tick.text)).collect();
        assert_eq!(ticks[1], (1_500, "+15s".to_owned()));
    }

    #[test]
    fn a_long_rest_is_cut_short() {
        let axis = Axis::new(at(0), at(660), [20, 40, 60].map(at).into_iter());
        assert_eq!(axis.quiet(), Some((9_090, WIDTH, "10m".to_owned())));
        assert!(axis.place(at(30)) > 4_000);
        assert!(axis.ticks().len() <= 9, "{:?}", axis.ticks());
    }

    #[test]
    fn a_run_without_length_has_an_axis() {
        let axis = Axis::new(at(5), at(5), std::iter::empty());
        assert_eq!(axis.place(at(5)), 0);
        assert!(axis.ticks().len() <= 1);
    }
}
