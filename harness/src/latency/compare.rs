//! Is one measurement different from another, and how sure is that?
//!
//! Failovers are paired by seed, and failovers are resampled, never workers: a thousand workers in ten failovers are ten
//! independent outages. An outage that never ended is longer than any that did.

use std::collections::BTreeMap;

use crate::phase::PHASES;

use super::saved::{Failover, Saved, WORKER_ROWS};

/// What became of the workers' outages, and of what they are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// How many failovers both measurements have.
    pub pairs: usize,
    /// The workers' outages.
    pub rows: Vec<Row>,
    /// The medians of the phases that both have, by the names of the phase table, and of what is told of workers.
    pub phases: Vec<Row>,
}

/// One statistic of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// `p50`, `p95`, `p99`, `max`; or the name of a phase.
    pub what: &'static str,
    /// In the old measurement.
    pub old: Option<u64>,
    /// In the new one.
    pub new: Option<u64>,
    /// The change in parts per thousand of the old value; `None` if one of them never ended.
    pub change: Option<i64>,
    /// Where the change lies with 95 in 100.
    pub interval: Option<(i64, i64)>,
}

impl Row {
    /// Whether it became longer by more than so many parts per thousand, and surely longer at all; what never ends is
    /// longer than what did.
    pub fn is_worse_than(&self, per_mille: i64) -> bool {
        match (self.old, self.new, self.change, self.interval) {
            (Some(_), None, ..) => true,
            (_, _, Some(change), Some((least, _))) => change > per_mille && least > 0,
            _ => false,
        }
    }
}

/// Why two measurements cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unlike {
    /// They measured different things.
    #[error(
        "the two did not measure the same: {what} is `{old}` in the old one and `{new}` in the new one\nhint: --unlike compares them all the same"
    )]
    Differs {
        /// What differs.
        what: &'static str,
        /// There.
        old: String,
        /// Here.
        new: String,
    },
    /// They have no failover in common.
    #[error("the two have no failover with the same seed and moment in common")]
    NoPairs,
}

/// Whether two measurements measured the same.
///
/// # Errors
/// What differs.
pub fn alike(old: &Saved, new: &Saved) -> Result<(), Unlike> {
    let workers = |saved: &Saved| saved.workers.to_string();
    let set = |saved: &Saved| {
        let pairs = saved.set.iter().map(|(key, value)| format!("{key}={value}"));
        pairs.collect::<Vec<_>>().join(" ")
    };
    let facts = [
        ("the fault", old.fault.clone(), new.fault.clone()),
        ("the number of workers", workers(old), workers(new)),
        ("the topology", old.topology.clone(), new.topology.clone()),
        ("what is set", set(old), set(new)),
        ("the plan", old.plan.clone(), new.plan.clone()),
    ];
    match facts.into_iter().find(|(_, old, new)| old != new) {
        Some((what, old, new)) => Err(Unlike::Differs { what, old, new }),
        None => Ok(()),
    }
}

/// Compares two measurements; with `unlike`, of whatever.
///
/// # Errors
/// If they measured different things, or have no failover in common.
pub fn compare(old: &Saved, new: &Saved, unlike: bool) -> Result<Comparison, Unlike> {
    if !unlike {
        alike(old, new)?;
    }
    let of_new: BTreeMap<(u64, u64), &Failover> =
        new.failovers.iter().map(|one| ((one.seed, one.swept_ms), one)).collect();
    let both: Vec<(&Failover, &Failover)> =
        old.failovers.iter().filter_map(|one| Some((one, *of_new.get(&(one.seed, one.swept_ms))?))).collect();
    if both.is_empty() {
        return Err(Unlike::NoPairs);
    }
    let taken = |take: &dyn Fn(&Failover) -> Vec<u64>| -> Vec<(Vec<u64>, Vec<u64>)> {
        both.iter().map(|(old, new)| (take(old), take(new))).collect()
    };
    let away = taken(&outages);
    let rows = [("p50", 50), ("p95", 95), ("p99", 99), ("max", 100)];
    let rows = rows.map(|(what, percent)| row(what, &away, percent)).into();
    let mut phases = Vec::new();
    for (phase, (name, _)) in PHASES.iter().enumerate() {
        let times = |one: &Failover| {
            let millis = one.phases_ms.get(phase).copied().flatten();
            millis.map(|millis| millis * 1_000).into_iter().collect()
        };
        phases.push((*name, taken(&times)));
    }
    // The last row is what the percentiles above are of.
    for (name, time) in &WORKER_ROWS[..WORKER_ROWS.len() - 1] {
        phases.push((*name, taken(&|one| one.workers.iter().filter_map(time).collect())));
    }
    let phases = phases.into_iter().filter(|(_, pairs)| {
        // What one of them never reached, or cannot see, cannot be compared.
        pairs.iter().any(|(old, _)| !old.is_empty()) && pairs.iter().any(|(_, new)| !new.is_empty())
    });
    let phases = phases.map(|(name, pairs)| row(name, &pairs, 50)).collect();
    Ok(Comparison { pairs: both.len(), rows, phases })
}

fn row(what: &'static str, pairs: &[(Vec<u64>, Vec<u64>)], percent: usize) -> Row {
    let all: Vec<usize> = (0..pairs.len()).collect();
    let (old, new) = statistic(pairs, &all, percent);
    Row {
        what,
        old: (old != NEVER).then_some(old),
        new: (new != NEVER).then_some(new),
        change: change(old, new),
        interval: interval(pairs, percent),
    }
}

/// Longer than any outage that ended.
const NEVER: u64 = u64::MAX;

/// The workers' outages in microseconds; workers that noticed nothing have none.
fn outages(failover: &Failover) -> Vec<u64> {
    let noticed = failover.workers.iter().filter(|times| times.noticed.is_some());
    noticed.map(|times| times.away().unwrap_or(NEVER)).collect()
}

/// The percentile (nearest rank) of all outages in these failovers, in the old and in the new measurement.
fn statistic(pairs: &[(Vec<u64>, Vec<u64>)], chosen: &[usize], percent: usize) -> (u64, u64) {
    let rank = |mut values: Vec<u64>| {
        values.sort_unstable();
        values.get((values.len() * percent).div_ceil(100).max(1) - 1).copied().unwrap_or(0)
    };
    let old = chosen.iter().flat_map(|&pair| pairs[pair].0.iter().copied()).collect();
    let new = chosen.iter().flat_map(|&pair| pairs[pair].1.iter().copied()).collect();
    (rank(old), rank(new))
}

fn change(old: u64, new: u64) -> Option<i64> {
    if old == NEVER || new == NEVER || old == 0 {
        return None;
    }
    let change = (i128::from(new) - i128::from(old)) * 1_000 / i128::from(old);
    i64::try_from(change).ok()
}

/// Numbers below a bound, always the same ones.
fn draws() -> impl FnMut(usize) -> usize {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    move |below: usize| {
        // SplitMix64.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (((z ^ z >> 31) as u128 * below as u128) >> 64) as usize
    }
}

/// The median of the values of all failovers, and where it lies with 95 in 100; nothing if there is none.
pub(super) fn median_interval(failovers: &[Vec<u64>]) -> Option<(u64, (u64, u64))> {
    let mut draw = draws();
    let median = |chosen: &mut dyn Iterator<Item = usize>| {
        let mut values: Vec<u64> = chosen.flat_map(|one| failovers[one].iter().copied()).collect();
        values.sort_unstable();
        values.get(values.len().div_ceil(2).max(1) - 1).copied()
    };
    let own = median(&mut (0..failovers.len()))?;
    let mut medians: Vec<u64> = (0..RESAMPLES)
        .filter_map(|_| median(&mut (0..failovers.len()).map(|_| draw(failovers.len()))))
        .collect();
    medians.sort_unstable();
    let (least, most) = (medians.get(RESAMPLES / 40)?, medians.get(RESAMPLES - 1 - RESAMPLES / 40)?);
    Some((own, (*least, *most)))
}

/// A bootstrap: failovers drawn with replacement, always the same draws.
fn interval(pairs: &[(Vec<u64>, Vec<u64>)], percent: usize) -> Option<(i64, i64)> {
    let mut draw = draws();
    let mut changes = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        let chosen: Vec<usize> = (0..pairs.len()).map(|_| draw(pairs.len())).collect();
        let (old, new) = statistic(pairs, &chosen, percent);
        changes.push(change(old, new)?);
    }
    changes.sort_unstable();
    Some((changes[RESAMPLES / 40], changes[RESAMPLES - 1 - RESAMPLES / 40]))
}

const RESAMPLES: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::super::saved::{FORM, WorkerTimes};
    use super::*;

    /// Failovers of two workers that were away for so many milliseconds.
    fn saved(plan: &str, millis: &[u64]) -> Saved {
        let failover = |(number, &millis): (usize, &u64)| Failover {
            seed: number as u64,
            swept_ms: 0,
            phases_ms: vec![Some(millis / 2), None],
            assumed_ms: Vec::new(),
            workers: vec![
                WorkerTimes {
                    noticed: Some(0),
                    back: Some(millis * 1_000),
                    ..WorkerTimes::default()
                };
                2
            ],
        };
        Saved {
            latency: FORM,
            version: String::new(),
            backend: "sim".to_owned(),
            topology: String::new(),
            fault: "power_off".to_owned(),
            plan: plan.to_owned(),
            workers: 2,
            set: Vec::new(),
            assume: Vec::new(),
            factor: 1,
            resolution_us: 1,
            probe_us: 0,
            looked_us: BTreeMap::new(),
            lab: None,
            failovers: millis.iter().enumerate().map(failover).collect(),
        }
    }

    #[test]
    fn what_is_a_fifth_longer_everywhere_is_surely_worse() {
        let old = saved("a", &[10, 20, 30, 40, 50, 60, 70, 80]);
        let new = saved("a", &[12, 24, 36, 48, 60, 72, 84, 96]);
        let comparison = compare(&old, &new, false).expect("they are alike");
        assert_eq!(comparison.pairs, 8);
        assert!(comparison.rows.iter().all(|row| row.change == Some(200)), "{comparison:?}");
        assert!(comparison.rows.iter().all(|row| row.is_worse_than(100) && !row.is_worse_than(300)));
        // The second phase was never reached.
        let names: Vec<&str> = comparison.phases.iter().map(|row| row.what).collect();
        assert_eq!(names, [PHASES[0].0, "worker_noticed", "worker_back"]);
        assert_eq!((comparison.phases[0].old, comparison.phases[0].change), (Some(20_000), Some(200)));
        let same = compare(&old, &old, false).expect("they are alike");
        assert!(same.rows.iter().all(|row| row.interval == Some((0, 0)) && !row.is_worse_than(0)));
    }

    #[test]
    fn what_never_ends_is_worse_than_whatever_did() {
        let old = saved("a", &[10, 20]);
        let mut new = old.clone();
        new.failovers[1].workers[0].back = None;
        let comparison = compare(&old, &new, false).expect("they are alike");
        let max = &comparison.rows[3];
        assert_eq!((max.old, max.new), (Some(20_000), None));
        assert!(max.is_worse_than(10_000));
    }

    #[test]
    fn unlike_plans_are_refused_unless_somebody_insists() {
        let (old, new) = (saved("a", &[10]), saved("b", &[20]));
        let refused = compare(&old, &new, false).expect_err("another plan");
        assert!(matches!(refused, Unlike::Differs { what: "the plan", .. }), "{refused}");
        assert!(compare(&old, &new, true).is_ok());
        let mut later = saved("a", &[10]);
        later.failovers[0].seed = 99;
        assert_eq!(compare(&old, &later, false), Err(Unlike::NoPairs));
    }
}
