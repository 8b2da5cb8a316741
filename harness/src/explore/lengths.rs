//! How long did outages take, over very many of them?

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Lengths of outages, counted in steps of at most one part in 64, so that memory does not grow with their number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lengths {
    /// How many fell into each step, by the least number of milliseconds in it.
    counts: BTreeMap<u64, u64>,
    /// How many never ended: some worker was still away when the next fault came, or when the run ended.
    open: u64,
}

/// A percentile, with the ends of its confidence interval of 95 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percentile {
    /// The value, in milliseconds.
    pub millis: u64,
    /// The true value is hardly less, in milliseconds.
    pub least: u64,
    /// The true value is hardly more, in milliseconds.
    pub most: u64,
}

impl Lengths {
    /// An outage was over after so many milliseconds.
    pub fn over(&mut self, millis: u64) {
        let step = 1 << millis.checked_ilog2().unwrap_or_default().saturating_sub(6);
        *self.counts.entry(millis / step * step).or_default() += 1;
    }

    /// An outage was not over when it was last seen.
    pub const fn left_open(&mut self) {
        self.open += 1;
    }

    /// How many were over.
    pub fn ended(&self) -> u64 {
        self.counts.values().sum()
    }

    /// How many were not.
    pub const fn open(&self) -> u64 {
        self.open
    }

    /// How many there were, or the greatest number if there were more.
    pub(super) fn all(&self) -> u64 {
        self.counts.values().fold(self.open, |all, count| all.saturating_add(*count))
    }

    /// Adds what somebody else counted.
    pub fn merge(&mut self, other: &Self) {
        for (millis, count) in &other.counts {
            *self.counts.entry(*millis).or_default() += count;
        }
        self.open += other.open;
    }

    /// The value that `percent` in 100 of those that ended do not exceed. The interval is that of the order statistics,
    /// with the normal approximation of their binomial distribution; neighbouring outages of one run are taken for
    /// independent. None if nothing ended.
    pub fn percentile(&self, percent: u64) -> Option<Percentile> {
        let count = self.ended();
        let last = count.checked_sub(1)?;
        // In ranks times 100, rounded up.
        let rank = (count * percent).div_ceil(100).saturating_sub(1).min(last);
        // 1.96 * sqrt(n p (1 - p)), in whole ranks.
        let variance = u128::from(count) * u128::from(percent) * u128::from(100 - percent.min(100));
        let reach = ((variance * 196 * 196).isqrt() / 10_000) as u64 + 1;
        Some(Percentile {
            millis: self.at(rank),
            least: self.at(rank.saturating_sub(reach)),
            most: self.at((rank + reach).min(last)),
        })
    }

    /// The longest.
    pub fn longest(&self) -> Option<u64> {
        self.counts.keys().next_back().copied()
    }

    fn at(&self, rank: u64) -> u64 {
        let mut before = 0;
        for (millis, count) in &self.counts {
            before += count;
            if rank < before {
                return *millis;
            }
        }
        self.longest().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_lies_in_its_interval_and_near_the_truth() {
        let mut lengths = Lengths::default();
        for millis in 1..=10_000 {
            lengths.over(millis);
        }
        let p50 = lengths.percentile(50).expect("there are some");
        assert!((4_900..=5_000).contains(&p50.millis), "{p50:?}");
        assert!(p50.least < p50.millis && p50.millis < p50.most, "{p50:?}");
        assert!(p50.most - p50.least < 400, "{p50:?}");
        assert_eq!(lengths.percentile(100).expect("there are some").millis, lengths.longest().expect("one"));
        assert_eq!(Lengths::default().percentile(95), None);
    }

    #[test]
    fn what_two_counted_is_what_one_would_have() {
        let (mut one, mut two, mut both) = (Lengths::default(), Lengths::default(), Lengths::default());
        for millis in 0..3_000 {
            if millis % 3 == 0 { &mut one } else { &mut two }.over(millis);
            both.over(millis);
        }
        two.left_open();
        both.left_open();
        one.merge(&two);
        assert_eq!(one, both);
        assert_eq!((one.ended(), one.open()), (3_000, 1));
    }
}
