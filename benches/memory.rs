//! Does an exploration need more memory the longer it runs?
//!
//! A small scenario with faults, a million seeds on two threads. Prints what is resident after each power of ten.

use std::io::Write;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use failover_benches::measure::{forget_peak_resident, peak_resident_kb};
use failover_harness::explore::{Search, Shard, Tally, Until};
use failover_harness::plan::Overrides;
use failover_harness::scenario::load;

/// Follow the memory of an exploration over many seeds.
#[derive(Debug, Parser)]
struct Arguments {
    /// How much to run: `short` for CI, `full` for a million seeds.
    #[arg(long, value_enum, default_value_t = Cases::Short)]
    cases: Cases,
    /// Given by cargo; says nothing.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Cases {
    Short,
    Full,
}

fn main() -> std::io::Result<()> {
    let powers = match Arguments::parse().cases {
        Cases::Short => 3..=4,
        Cases::Full => 3..=6,
    };
    let plans = load(&["cluster/planned_move".into()], 1, &Overrides::default());
    let plan = plans.expect("the program carries it").remove(0);
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{:>9} {:>9} {:>16} {:>8} {:>9}",
        "runs", "runs/s", "peak resident kB", "pairs", "findings"
    )?;
    let mut tally = Tally::of(&plan);
    let mut from = 1;
    for power in powers {
        let to = 10_u64.pow(power) + 1;
        let (started, until) = (Instant::now(), Until::Seed(to));
        // The peak of this part alone: what was freed before it does not count.
        forget_peak_resident();
        Search { plan: &plan, from, until, shard: Shard::WHOLE, jobs: 2 }.run(&mut tally, |_| true);
        writeln!(
            out,
            "{:>9} {:>9.0} {:>16} {:>8} {:>9}",
            tally.runs,
            (to - from) as f64 / started.elapsed().as_secs_f64(),
            peak_resident_kb(),
            tally.pairs.len(),
            tally.findings.len(),
        )?;
        from = to;
    }
    Ok(())
}
