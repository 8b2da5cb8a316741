//! How fast is an exploration, and what do two threads gain?
//!
//! The common workload as a family: its ten failovers at moments of their own in each run, the whole model,
//! claims judged, coverage counted. Failovers that come too close to each other are one outage. Prints one line for each number of workers and threads.

use std::io::Write;
use std::time::Instant;

use failover_benches::measure::CpuClock;
use failover_benches::product;
use failover_harness::explore::{Search, Shard, Tally, Until};

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{:>8} {:>8} {:>8} {:>10} {:>12} {:>16} {:>16} {:>8}",
        "workers", "threads", "runs", "runs/s", "runs/CPU s", "outages/CPU s", "requests/CPU s", "gain"
    )?;
    for (workers, seeds) in [(10, 2_000), (100, 200)] {
        let plan = product::plan(workers);
        let mut alone = 0.0;
        for jobs in [1, 2] {
            let mut tally = Tally::of(&plan);
            let (wall, clock) = (Instant::now(), CpuClock::start());
            let until = Until::Seed(seeds + 1);
            Search { plan: &plan, from: 1, until, shard: Shard::WHOLE, jobs }.run(&mut tally, |_| true);
            let (cpu, wall) = (clock.elapsed(), wall.elapsed().as_secs_f64());
            let cpu = (cpu.user + cpu.system).as_secs_f64();
            let runs = tally.runs as f64;
            if jobs == 1 {
                alone = wall;
            }
            writeln!(
                out,
                "{workers:>8} {jobs:>8} {runs:>8} {:>10.0} {:>12.0} {:>16.0} {:>16.0} {:>8.2}",
                runs / wall,
                runs / cpu,
                (tally.outages.ended() + tally.outages.open()) as f64 / cpu,
                tally.requests as f64 / cpu,
                alone / wall,
            )?;
        }
    }
    Ok(())
}
