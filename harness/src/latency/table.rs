//! How is a measurement shown to people?

use std::fmt::Write;

use failover_sim::time::{Time, micros as micros_of};
use hdrhistogram::Histogram;

use crate::phase::PHASES;

use super::saved::{LONGEST, PHASES_OF_CLUSTER, Saved, WORKER_ROWS};

/// Phases of the cluster, then of the workers: count, p50, p95, p99, max, and what is assumed.
///
/// Percentiles are those of a histogram with three digits; an outage that never ended is counted apart, and is in none
/// of them.
pub fn table(saved: &Saved) -> String {
    let mut text = format!(
        "{} on {}: {} failovers of {} workers, {} on the {} backend\n",
        saved.fault,
        saved.topology,
        saved.failovers.len(),
        saved.workers,
        told_set(saved),
        saved.backend,
    );
    if saved.factor > 1 {
        let resolution = saved.resolution_us / 1_000;
        writeln!(
            text,
            "timings run {} times as fast as the clock; a real millisecond of TLS or sockets counts {resolution} ms here",
            saved.factor
        )
        .expect("memory can be written to");
    }
    writeln!(
        text,
        "time after the fault       count        p50        p95        p99        max        to  assumed"
    )
    .expect("memory can be written to");
    for (phase, &(name, _)) in PHASES[..PHASES_OF_CLUSTER].iter().enumerate() {
        let reached: Vec<(u64, u64)> = saved
            .failovers
            .iter()
            .filter_map(|one| Some((one.phases_ms[phase]?, one.assumed_ms[phase])))
            .collect();
        let assumed: u64 = reached.iter().map(|(_, assumed)| assumed).sum();
        let all: u64 = reached.iter().map(|(millis, _)| millis).sum();
        let share = (assumed * 100).checked_div(all);
        row(&mut text, name, reached.iter().map(|(millis, _)| millis * 1_000), (share, saved.known_to(name)));
    }
    let workers = || saved.failovers.iter().flat_map(|one| &one.workers);
    for (name, time) in WORKER_ROWS {
        row(&mut text, name, workers().filter_map(time), (None, saved.known_to(name)));
    }
    let never = workers().filter(|times| times.never_back()).count();
    let unnoticed = workers().filter(|times| times.noticed.is_none()).count();
    writeln!(text, "outages of workers that never ended: {never}; workers that noticed nothing: {unnoticed}")
        .expect("memory can be written to");
    text
}

fn told_set(saved: &Saved) -> String {
    if saved.set.is_empty() {
        return "nothing set".to_owned();
    }
    saved.set.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
}

fn row(
    text: &mut String,
    name: &str,
    micros: impl Iterator<Item = u64>,
    (assumed, to): (Option<u64>, Option<u64>),
) {
    let Some(to) = to else {
        writeln!(text, "{name:<24} not observable").expect("memory can be written to");
        return;
    };
    // From a microsecond, to three digits.
    let mut histogram = Histogram::<u64>::new_with_bounds(1, micros_of(LONGEST), 3).expect("sound bounds");
    micros.for_each(|value| histogram.saturating_record(value.max(1)));
    let told = if histogram.is_empty() {
        format!("{name:<24} {:>7}          -          -          -          -", 0)
    } else {
        let at = |quantile| Time::from_micros(histogram.value_at_quantile(quantile).min(histogram.max()));
        let (p50, p95, p99) = (at(0.5), at(0.95), at(0.99));
        let max = Time::from_micros(histogram.max());
        format!(
            "{name:<24} {:>7} {:>10} {:>10} {:>10} {:>10}",
            histogram.len(),
            p50.to_string(),
            p95.to_string(),
            p99.to_string(),
            max.to_string()
        )
    };
    let share = assumed.map(|share| format!("{share:>8}%")).unwrap_or_default();
    let to = if to < 1_000 { format!("{to} us") } else { format!("{} ms", to / 1_000) };
    writeln!(text, "{told} {to:>9}{share}").expect("memory can be written to");
}
