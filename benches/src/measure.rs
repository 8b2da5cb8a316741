//! How much processor time and memory did it take?

use std::fs;
use std::iter::Sum;
use std::time::{Duration, Instant};

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde::Serialize;

use crate::workload::CRASH_PERIOD;

/// What a peer did in one run, or in several.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    /// Simulated seconds.
    pub virtual_s: f64,
    /// Requests that were answered.
    pub requests: u64,
    /// How often a worker connected anew.
    pub reconnects: u64,
}

impl Totals {
    /// The totals of a run that came to its end.
    pub fn of_run(failovers: u32, requests: u64, reconnects: u64) -> Self {
        Self { virtual_s: (CRASH_PERIOD * failovers).as_secs_f64(), requests, reconnects }
    }
}

impl Sum for Totals {
    fn sum<I: Iterator<Item = Self>>(runs: I) -> Self {
        runs.fold(Self::default(), |all, one| Self {
            virtual_s: all.virtual_s + one.virtual_s,
            requests: all.requests + one.requests,
            reconnects: all.reconnects + one.reconnects,
        })
    }
}

/// One measurement.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Who did the work.
    pub peer: &'static str,
    /// Workers in each run.
    pub workers: u32,
    /// Failovers in each run.
    pub failovers: u32,
    /// Runs, one after the other, each with its own seed.
    pub seeds: u64,
    /// Seconds by the clock.
    pub wall_s: f64,
    /// Seconds of processor time in the program.
    pub cpu_user_s: f64,
    /// Seconds of processor time in the kernel.
    pub cpu_sys_s: f64,
    /// Simulated seconds, over all runs.
    pub virtual_s: f64,
    /// Requests that were answered, over all runs.
    pub requests: u64,
    /// How often a worker connected anew, over all runs.
    pub reconnects: u64,
    /// Requests for each second of processor time.
    pub requests_per_cpu_s: f64,
    /// Failovers for each second of processor time.
    pub failovers_per_cpu_s: f64,
    /// The most memory that the process had resident during the measurement, with what it held before.
    pub peak_rss_kb: u64,
}

impl Outcome {
    /// The outcome as one line of JSON, without the line's end.
    ///
    /// # Panics
    /// Never: an outcome has nothing that JSON cannot say.
    pub fn json_line(&self) -> String {
        serde_json::to_string(self).expect("numbers and a string are always JSON")
    }
}

/// Measures `work`, which does `seeds` runs of W(workers, failovers) one after the other.
///
/// # Panics
/// If the system does not tell the processor time of the process.
pub fn measure(
    peer: &'static str,
    workers: u32,
    failovers: u32,
    seeds: u64,
    work: impl FnOnce() -> Totals,
) -> Outcome {
    forget_peak_resident();
    let (wall, clock) = (Instant::now(), CpuClock::start());
    let totals = work();
    let (cpu, wall) = (clock.elapsed(), wall.elapsed());
    let cpu_s = (cpu.user + cpu.system).max(CLOCK_RESOLUTION).as_secs_f64();
    Outcome {
        peer,
        workers,
        failovers,
        seeds,
        wall_s: wall.as_secs_f64(),
        cpu_user_s: cpu.user.as_secs_f64(),
        cpu_sys_s: cpu.system.as_secs_f64(),
        virtual_s: totals.virtual_s,
        requests: totals.requests,
        reconnects: totals.reconnects,
        requests_per_cpu_s: totals.requests as f64 / cpu_s,
        failovers_per_cpu_s: f64::from(failovers) * seeds as f64 / cpu_s,
        peak_rss_kb: peak_resident_kb(),
    }
}

/// Counts the processor time of the whole process from a moment on.
///
/// The sum of user and system time is exact to a microsecond. How Linux splits it may rest on samples.
#[derive(Clone, Copy, Debug)]
pub struct CpuClock {
    start: CpuTime,
}

impl CpuClock {
    /// A clock that begins at zero.
    ///
    /// # Panics
    /// If the system does not tell the processor time of the process.
    pub fn start() -> Self {
        Self { start: CpuTime::of_process() }
    }

    /// The processor time since the start.
    ///
    /// # Panics
    /// If the system does not tell the processor time of the process.
    pub fn elapsed(&self) -> CpuTime {
        let end = CpuTime::of_process();
        CpuTime {
            user: end.user.saturating_sub(self.start.user),
            system: end.system.saturating_sub(self.start.system),
        }
    }
}

/// Processor time of the process, as criterion measures it.
#[derive(Clone, Copy, Debug)]
pub struct Cpu;

impl Measurement for Cpu {
    type Intermediate = CpuClock;
    type Value = Duration;

    fn start(&self) -> CpuClock {
        CpuClock::start()
    }

    fn end(&self, clock: CpuClock) -> Duration {
        clock.elapsed().total()
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        value.as_nanos() as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

/// Processor time, by where it was spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuTime {
    /// In the program.
    pub user: Duration,
    /// In the kernel, for the program.
    pub system: Duration,
}

impl CpuTime {
    /// All of it.
    pub fn total(&self) -> Duration {
        self.user + self.system
    }

    fn of_process() -> Self {
        let usage = usage();
        Self { user: duration(usage.user_time()), system: duration(usage.system_time()) }
    }
}

/// The most memory that the process has had resident, in kB, since its start or since [`forget_peak_resident`].
///
/// # Panics
/// If the system does not tell it.
pub fn peak_resident_kb() -> u64 {
    // The figure of getrusage includes what the parent had before it started this program.
    peak_resident_by_proc_kb().unwrap_or_else(|| {
        let figure = u64::try_from(usage().max_rss()).unwrap_or(0);
        if cfg!(target_vendor = "apple") { figure / 1024 } else { figure }
    })
}

/// Lets the peak begin anew with what is resident, where the system can do so: on Linux. Elsewhere nothing happens, and
/// the peak stays that of the whole process.
pub fn forget_peak_resident() {
    // Code 5, see proc_pid_clear_refs(5). A system without it keeps the old peak, which is documented above.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

fn peak_resident_by_proc_kb() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

fn usage() -> Usage {
    getrusage(UsageWho::RUSAGE_SELF).expect("every Unix tells a process what it has used")
}

fn duration(time: TimeVal) -> Duration {
    let micros = i128::from(time.tv_sec()) * 1_000_000 + i128::from(time.tv_usec());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// The least time that a rate is taken over, so that no rate is infinite.
const CLOCK_RESOLUTION: Duration = Duration::from_micros(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_processor_time() {
        let clock = CpuClock::start();
        let mut value = 1_u64;
        while clock.elapsed().user + clock.elapsed().system < Duration::from_millis(2) {
            value = std::hint::black_box(value.wrapping_mul(3));
        }
        assert_ne!(value, 0);
    }

    #[test]
    fn memory_that_is_written_is_resident() {
        let memory = std::hint::black_box(vec![1_u8; 32 << 20]);
        assert!(peak_resident_kb() >= 32 << 10, "{} kB", memory.len() >> 10);
    }

    #[test]
    fn an_outcome_is_one_line_with_the_agreed_names() {
        let totals = Totals { virtual_s: 120.0, requests: 90, reconnects: 6 };
        let outcome = measure("nobody", 3, 2, 1, || totals);
        assert_eq!((outcome.requests, outcome.reconnects, outcome.virtual_s), (90, 6, 120.0));
        let line = outcome.json_line();
        assert!(!line.contains('\n'), "{line}");
        let names: Vec<&str> = line.split('"').skip(1).step_by(2).filter(|name| *name != "nobody").collect();
        assert_eq!(
            names,
            [
                "peer",
                "workers",
                "failovers",
                "seeds",
                "wall_s",
                "cpu_user_s",
                "cpu_sys_s",
                "virtual_s",
                "requests",
                "reconnects",
                "requests_per_cpu_s",
                "failovers_per_cpu_s",
                "peak_rss_kb"
            ]
        );
    }

    #[test]
    fn totals_of_several_runs_add_up() {
        let sum: Totals = [Totals::of_run(2, 90, 6), Totals::of_run(2, 91, 6)].into_iter().sum();
        assert_eq!(sum, Totals { virtual_s: 240.0, requests: 181, reconnects: 12 });
    }
}
