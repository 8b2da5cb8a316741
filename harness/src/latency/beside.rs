//! Where do two backends differ, as far as each of them was looked at?
//!
//! The failovers of a lab and those of the simulator are not the same ones, so nothing is paired: each side has its median
//! and the interval in which that lies with 95 in 100, and the interval is as much longer as nobody looked.

use std::fmt::Write as _;

use failover_sim::time::Time;

use crate::phase::PHASES;

use super::compare::median_interval;
use super::saved::{Failover, PHASES_OF_CLUSTER, Saved, WORKER_ROWS};

/// One row of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// The phase, or what is told of workers.
    pub what: &'static str,
    /// In the two measurements; nothing where it was never reached, or nobody can see it.
    pub sides: [Option<Side>; 2],
    /// Whether they differ.
    pub verdict: Apart,
}

/// What one of them says of a row, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    /// The median.
    pub median: u64,
    /// Where the median lies with 95 in 100, and as much earlier as nobody looked.
    pub interval: (u64, u64),
    /// The time to which it is known.
    pub known_to: u64,
}

/// Whether two rows differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apart {
    /// Their intervals lie apart.
    Differ,
    /// They do not.
    Alike,
    /// One of them has too few failovers to tell.
    TooFew,
    /// One of them has no such row.
    Unseen,
}

/// Puts two measurements side by side.
pub fn beside(one: &Saved, other: &Saved) -> Vec<Beside> {
    let mut rows = Vec::new();
    for (phase, (name, _)) in PHASES[..PHASES_OF_CLUSTER].iter().enumerate() {
        let times = |one: &Failover| {
            let millis = one.phases_ms.get(phase).copied().flatten();
            millis.map(|millis| millis * 1_000).into_iter().collect()
        };
        rows.push(row(name, one, other, &times));
    }
    for (name, time) in WORKER_ROWS {
        rows.push(row(name, one, other, &|one: &Failover| one.workers.iter().filter_map(time).collect()));
    }
    rows
}

fn row(what: &'static str, one: &Saved, other: &Saved, times: &dyn Fn(&Failover) -> Vec<u64>) -> Beside {
    let side = |saved: &Saved| {
        let known_to = saved.known_to(what)?;
        let reached: Vec<Vec<u64>> =
            saved.failovers.iter().map(times).filter(|times| !times.is_empty()).collect();
        let (median, (least, most)) = median_interval(&reached)?;
        let interval = (least.saturating_sub(known_to), most);
        Some((Side { median, interval, known_to }, reached.len()))
    };
    let (one, other) = (side(one), side(other));
    let verdict = match (&one, &other) {
        (Some((_, count)), Some((_, others))) if (*count).min(*others) < ENOUGH => Apart::TooFew,
        (Some((one, _)), Some((other, _))) => {
            let is_apart = one.interval.1 < other.interval.0 || other.interval.1 < one.interval.0;
            if is_apart { Apart::Differ } else { Apart::Alike }
        }
        (None, _) | (_, None) => Apart::Unseen,
    };
    Beside { what, sides: [one, other].map(|side| side.map(|(side, _)| side)), verdict }
}

/// The rows as a table for people, and the names of those that differ.
pub fn beside_table(one: &Saved, other: &Saved, rows: &[Beside]) -> String {
    let mut text = String::new();
    let told = |side: &Option<Side>| match side {
        Some(Side { median, known_to, .. }) => {
            let to =
                if *known_to < 1_000 { format!("{known_to} us") } else { format!("{} ms", known_to / 1_000) };
            (Time::from_micros(*median).to_string(), format!("to {to}"))
        }
        None => ("-".to_owned(), String::new()),
    };
    // Memory can be written to.
    let _ = writeln!(text, "{:<27} {:>10} {:>22}", "side by side, medians", one.backend, other.backend);
    for Beside { what, sides: [left, right], verdict } in rows {
        let ((left, left_to), (right, right_to)) = (told(left), told(right));
        let verdict = match verdict {
            Apart::Differ => "differ",
            Apart::Alike => "",
            Apart::TooFew => "too few",
            Apart::Unseen => "not seen by both",
        };
        let line = format!("  {what:<25} {left:>10} {left_to:<11} {right:>10} {right_to:<11} {verdict}");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let apart: Vec<&str> =
        rows.iter().filter(|row| row.verdict == Apart::Differ).map(|row| row.what).collect();
    let apart = if apart.is_empty() { "nothing".to_owned() } else { apart.join(", ") };
    let _ = writeln!(text, "beyond what chance and looking now and then explain, they differ in: {apart}");
    text
}

/// A median of fewer failovers says nothing of how sure it is.
const ENOUGH: usize = 3;
