//! Where on the page does a moment of a run lie?
//!
//! The axis is linear, but for a few stretches in which nothing changes and which are together longer than all the rest:
//! they are cut short, and the page says so.

use failover_sim::time::Time;

use crate::words::length;

/// How wide a chart is, in its own units; the page stretches it.
pub(super) const WIDTH: u64 = 10_000;

/// Moments of a run and their places.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    began: Time,
    end: Time,
    /// The stretches that are cut short, in their order.
    quiet: Vec<Quiet>,
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
        let mut last = began;
        let mut gaps: Vec<(Time, Time)> = Vec::new();
        for change in changes.filter(|&change| change >= began && change <= end).chain([end]) {
            gaps.push((last, change));
            last = change;
        }
        gaps.sort_by_key(|&(from, to)| (std::cmp::Reverse(span(from, to)), from));
        let mut quiet = Vec::new();
        for count in 1..=gaps.len().min(QUIET_MAX) {
            let cut: u64 = gaps[..count].iter().map(|&(from, to)| span(from, to)).sum();
            let rest = total - cut;
            let shortest = span(gaps[count - 1].0, gaps[count - 1].1);
            if rest == 0 || shortest < total / 5 {
                break;
            }
            if cut > rest * 3 / 2 {
                let kept = (rest / 7).max(1);
                quiet = gaps[..count].iter().map(|&(from, to)| Quiet { from, to, kept }).collect();
                break;
            }
        }
        quiet.sort_by_key(|quiet| quiet.from);
        let saved: u64 = quiet.iter().map(Quiet::saved).sum();
        Self { began, end, quiet, drawn: total - saved }
    }

    /// The place of a moment; what lies outside is at the nearer end.
    pub(super) fn place(&self, moment: Time) -> u64 {
        let moment = moment.clamp(self.began, self.end);
        let mut micros = span(self.began, moment);
        for quiet in self.quiet.iter().filter(|quiet| quiet.from < moment) {
            let inside = u128::from(span(quiet.from, moment.min(quiet.to)));
            let whole = u128::from(span(quiet.from, quiet.to));
            micros -= (inside * u128::from(quiet.saved()) / whole) as u64;
        }
        (u128::from(micros) * u128::from(WIDTH) / u128::from(self.drawn)) as u64
    }

    /// The stretches that are cut short: their two places, and how long they are.
    pub(super) fn quiet(&self) -> impl Iterator<Item = (u64, u64, String)> {
        self.quiet.iter().map(|quiet| {
            let seconds = std::time::Duration::from_secs(span(quiet.from, quiet.to) / 1_000_000);
            (self.place(quiet.from), self.place(quiet.to), length(seconds))
        })
    }

    /// About half a dozen round moments.
    pub(super) fn ticks(&self) -> Vec<Tick> {
        let step = STEPS_MILLIS.iter().map(|millis| millis * 1_000).find(|step| self.drawn / step <= 7);
        let step = step.unwrap_or(self.drawn.max(1));
        let mut ticks: Vec<Tick> = Vec::new();
        let mut number = 0;
        while number <= span(self.began, self.end) / step {
            let moment = Time::from_micros(self.began.as_micros() + number * step);
            if let Some(quiet) = self.quiet.iter().find(|quiet| quiet.from < moment && moment < quiet.to) {
                number = span(self.began, quiet.to).div_ceil(step);
                continue;
            }
            let at = self.place(moment);
            if ticks.last().is_none_or(|last| at >= last.at + WIDTH / 16) {
                let text = format!("+{}", length(std::time::Duration::from_micros(number * step)));
                ticks.push(Tick { at, text });
            }
            number += 1;
        }
        ticks
    }
}

impl Quiet {
    /// How much of it is not drawn.
    fn saved(&self) -> u64 {
        span(self.from, self.to) - self.kept
    }
}

fn span(from: Time, to: Time) -> u64 {
    to.as_micros().saturating_sub(from.as_micros())
}

/// More stretches than these are not cut short.
const QUIET_MAX: usize = 3;

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
        assert_eq!(axis.quiet().count(), 0);
        assert_eq!([10, 35, 110, 400].map(|second| axis.place(at(second))), [0, 2_500, WIDTH, WIDTH]);
        let ticks: Vec<(u64, String)> = axis.ticks().into_iter().map(|tick| (tick.at, tick.text)).collect();
        assert_eq!(ticks[1], (1_500, "+15s".to_owned()));
    }

    #[test]
    fn a_long_rest_is_cut_short() {
        let axis = Axis::new(at(0), at(660), [20, 40, 60].map(at).into_iter());
        assert_eq!(axis.quiet().collect::<Vec<_>>(), [(8_750, WIDTH, "10m".to_owned())]);
        assert!(axis.place(at(30)) > 4_000);
        assert!(axis.ticks().len() <= 9, "{:?}", axis.ticks());
    }

    #[test]
    fn two_rests_that_outweigh_what_happens_are_both_cut_short() {
        let axis = Axis::new(at(0), at(600), [30, 60, 300].map(at).into_iter());
        let quiet: Vec<String> = axis.quiet().map(|(_, _, text)| text).collect();
        assert_eq!(quiet, ["4m", "5m"]);
        assert_eq!(axis.place(at(600)), WIDTH);
        assert!(axis.place(at(60)) > 7_500);
    }

    #[test]
    fn a_run_without_length_has_an_axis() {
        let axis = Axis::new(at(5), at(5), std::iter::empty());
        assert_eq!(axis.place(at(5)), 0);
        assert!(axis.ticks().len() <= 1);
    }
}
