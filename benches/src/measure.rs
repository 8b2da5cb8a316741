//! How much processor time did it take?

use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use serde::Serialize;

/// What a peer did in one measurement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests that were answered, reports on tasks left out.
    pub requests: u64,
    /// Connections after the first of each worker.
    pub reconnects: u64,
}

/// One measurement.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Who did the work.
    pub peer: &'static str,
    /// Workers.
    pub workers: u32,
    /// Failovers in each run.
    pub failovers: u32,
    /// Runs, one after the other.
    pub seeds: u64,
    /// Seconds by the clock.
    pub wall_s: f64,
    /// Seconds of processor time in the program.
    pub cpu_user_s: f64,
    /// Seconds of processor time in the kernel.
    pub cpu_sys_s: f64,
    /// Simulated seconds.
    pub virtual_s: f64,
    /// Requests that were answered.
    pub requests: u64,
    /// Reconnects.
    pub reconnects: u64,
    /// Requests for each second of processor time.
    pub requests_per_cpu_s: f64,
    /// Failovers for each second of processor time.
    pub failovers_per_cpu_s: f64,
    /// The largest memory of the process so far.
    pub peak_rss_kb: i64,
}

/// Measures `work`, which runs `seeds` runs of W(workers, failovers).
///
/// # Panics
/// If the system does not tell the processor time, or `work` did not reconnect every worker once for each failover.
pub fn measure(
    peer: &'static str,
    workers: u32,
    failovers: u32,
    seeds: u64,
    work: impl FnOnce() -> Totals,
) -> Outcome {
    let (wall, before) = (Instant::now(), usage());
    let totals = work();
    let (wall_s, after) = (wall.elapsed().as_secs_f64(), usage());
    assert_eq!(totals.reconnects, u64::from(workers) * u64::from(failovers) * seeds, "{peer}: reconnects");
    let (cpu_user_s, cpu_sys_s) = (after.user - before.user, after.system - before.system);
    let cpu = (cpu_user_s + cpu_sys_s).max(1e-9);
    let failures = f64::from(failovers) * seeds as f64;
    Outcome {
        peer,
        workers,
        failovers,
        seeds,
        wall_s,
        cpu_user_s,
        cpu_sys_s,
        virtual_s: failures * crate::CRASH_PERIOD.as_secs_f64(),
        requests: totals.requests,
        reconnects: totals.reconnects,
        requests_per_cpu_s: totals.requests as f64 / cpu,
        failovers_per_cpu_s: failures / cpu,
        peak_rss_kb: after.peak_rss_kb,
    }
}

struct Usage {
    user: f64,
    system: f64,
    peak_rss_kb: i64,
}

fn usage() -> Usage {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("every system tells its processor time");
    let secs = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Usage { user: secs(usage.user_time()), system: secs(usage.system_time()), peak_rss_kb: usage.max_rss() }
}
