//! The common workload, run by the product and by its peers in one process, in rounds that take turns.
//!
//! Prints one JSON line for each measurement, and a table of medians and ratios at the end.

use std::collections::BTreeMap;
use std::io::Write;

use clap::{Parser, ValueEnum};
use failover_benches::measure::{Outcome, measure};
use failover_benches::{bare, product, tokio_paused};
use failover_harness::backend::SimBackend;

/// Compare simulators on the common workload, by processor time.
#[derive(Debug, Parser)]
struct Arguments {
    /// How much to run: `short` for CI, `full` for figures to quote.
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

/// One case: so many workers, and so many runs for each peer, since some take a hundred times as long.
struct Case {
    workers: u32,
    product_seeds: u64,
    bare_seeds: u64,
    tokio_seeds: u64,
}

const fn case(workers: u32, product_seeds: u64, bare_seeds: u64, tokio_seeds: u64) -> Case {
    Case { workers, product_seeds, bare_seeds, tokio_seeds }
}

const SHORT: &[Case] = &[case(10, 100, 200, 5), case(1_000, 1, 2, 0)];
const FULL: &[Case] = &[case(10, 1_000, 2_000, 50), case(100, 100, 200, 5), case(1_000, 10, 20, 1)];

fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let (cases, rounds) = match arguments.cases {
        Cases::Short => (SHORT, 1),
        Cases::Full => (FULL, 3),
    };
    let mut out = std::io::stdout().lock();
    for case in cases {
        let mut medians: BTreeMap<&str, Vec<Outcome>> = BTreeMap::new();
        for _ in 0..rounds {
            for outcome in round(case) {
                writeln!(out, "{}", outcome.json_line())?;
                medians.entry(outcome.peer).or_default().push(outcome);
            }
        }
        summary(&mut out, case.workers, &medians)?;
    }
    Ok(())
}

fn round(case: &Case) -> Vec<Outcome> {
    let (workers, failovers) = (case.workers, product::FAILOVERS);
    let mut plan = product::plan(workers);
    let mut backend = SimBackend::default();
    let mut outcomes = vec![
        measure("failover", workers, failovers, case.product_seeds, || {
            product::run(&mut plan, &mut backend, case.product_seeds)
        }),
        measure("bare loop with time-outs", workers, failovers, case.bare_seeds, || {
            (1..=case.bare_seeds).map(|seed| bare::run(workers, failovers, seed)).sum()
        }),
    ];
    if case.tokio_seeds > 0 {
        outcomes.push(measure("tokio paused + hyper", workers, failovers, case.tokio_seeds, || {
            (1..=case.tokio_seeds).map(|seed| tokio_paused::run(workers, failovers, seed)).sum()
        }));
    }
    outcomes
}

fn summary(
    out: &mut impl Write,
    workers: u32,
    outcomes: &BTreeMap<&str, Vec<Outcome>>,
) -> std::io::Result<()> {
    let median = |peer: &str| {
        let mut rates: Vec<f64> = outcomes.get(peer)?.iter().map(|one| one.requests_per_cpu_s).collect();
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied()
    };
    let Some(own) = median("failover") else { return Ok(()) };
    for peer in outcomes.keys() {
        if let Some(rate) = median(peer) {
            writeln!(
                out,
                "{workers} workers: {peer}: {rate:.0} requests, {:.0} failovers a CPU second; failover is {:.2} times it",
                outcomes[peer][0].failovers_per_cpu_s,
                own / rate
            )?;
        }
    }
    Ok(())
}
