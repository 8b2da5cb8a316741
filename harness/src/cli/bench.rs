//! `failover bench` and `failover compare`: how long are workers cut off, and has that changed?

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget};

use crate::backend::{BackendKind, LoopbackBackend};
use crate::latency::{self, Comparison, Fault, MeasureError, Order, Saved, Unlike};
use crate::learn::{self, Weighed};
use crate::plan::{Overrides, path_text, quoted};
use crate::words;

use super::files::{Expected, check_apart, check_file, sources, text_of, unfit, write};
use super::lab::{NamedLab, keep_to_one_session};
use super::run::{check_lab, run_folder};
use super::{CommandError, Format, LearnedArguments, OverrideArguments, print};

#[derive(Debug, Args)]
pub(super) struct BenchArguments {
    #[command(subcommand)]
    command: BenchCommand,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// Measure for how long a fault cuts workers off, by phase.
    Reconnect(ReconnectArguments),
}

#[derive(Debug, Args)]
struct ReconnectArguments {
    /// Where to measure.
    #[arg(long, value_enum, default_value_t, value_name = "WHERE")]
    backend: BackendKind,
    /// Which lab: `lab.yaml`, or `twin`, which is a model of the lab's hosts behind the real session protocol.
    #[arg(long, value_name = "FILE|twin")]
    lab: Option<PathBuf>,
    /// Keep the journals of what is done to a lab in this folder, for `lab restore`. In a real lab they are kept in any case,
    /// with what was said, in a folder of its own below `lab-runs`.
    #[arg(long, value_name = "FOLDER")]
    journals: Option<PathBuf>,
    /// A topology file, or the name of one in the folder `topologies` here or of a standard one.
    #[arg(long, value_name = "FILE|NAME", default_value = "two_node_fci")]
    topology: String,
    /// What happens to the cluster.
    #[arg(long, value_enum, default_value = "power_off", value_name = "KIND")]
    fault: Fault,
    /// How often.
    #[arg(long, default_value_t = 20, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    failovers: u32,
    /// Another number of workers in the topology's first group.
    #[arg(long, value_name = "COUNT")]
    workers: Option<u32>,
    /// Set a cluster property such as SameSubnetThreshold. Can be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = super::set)]
    set: Vec<(String, String)>,
    /// Take an answer for granted where nobody knows. Can be given several times.
    #[arg(long, value_name = "ASSUMPTION=VALUE", value_parser = super::pair)]
    assume: Vec<(String, String)>,
    #[command(flatten)]
    learned: LearnedArguments,
    /// The seed of the first failover; the others follow.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Measure so many failovers at once.
    #[arg(long, default_value_t = 1, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// Keep every time of every worker in this file, for `compare`.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct CompareArguments {
    /// A file that `bench reconnect --save` wrote.
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// Another one.
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// End with exit code 1 if a percentile became longer by more than this, and surely longer at all.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    fail_above: Option<i64>,
    /// Compare measurements of different plans all the same.
    #[arg(long)]
    unlike: bool,
}

/// `10%`, or `2.5%`, in parts per thousand.
fn percent(text: &str) -> Result<i64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse::<f64>().ok();
    let per_mille = number.filter(|number| (0.0..=10_000.0).contains(number)).map(|number| number * 10.0);
    per_mille
        .map(|per_mille| per_mille.round() as i64)
        .ok_or_else(|| "expected a percentage such as `10%`".to_owned())
}

pub(super) fn bench(arguments: &BenchArguments) -> Result<u8, CommandError> {
    let BenchCommand::Reconnect(arguments) = &arguments.command;
    check_lab(arguments.backend, arguments.lab.as_deref())?;
    let lab = arguments.lab.as_deref().map(NamedLab::read).transpose()?;
    let overrides = OverrideArguments {
        workers: arguments.workers,
        assume: arguments.assume.clone(),
        topology: None,
        set: arguments.set.clone(),
        profile: None,
        case: None,
        learned: arguments.learned.clone(),
    };
    let order = Order {
        backend: arguments.backend,
        topology: arguments.topology.clone(),
        overrides: Overrides {
            patience: lab.as_ref().and_then(NamedLab::patience),
            ..overrides.overrides()?
        },
        fault: arguments.fault,
        failovers: arguments.failovers,
        seed: arguments.seed,
        // There is one lab.
        jobs: if lab.is_some() { 1 } else { usize::from(arguments.jobs) },
    };
    if lab.is_some() || arguments.save.is_some() {
        let plan = latency::plan_of(&order, order.seed, Duration::ZERO)?;
        if let Some(lab) = &lab {
            lab.refuse_strangers([&plan])?;
        }
        if let Some(file) = &arguments.save {
            let read = sources(&[plan], [&arguments.lab, &arguments.learned.learned]);
            check_apart([file.as_path()], &read)?;
            check_file(file)?;
        }
    }
    let real = lab.as_ref().filter(|lab| lab.is_real());
    let run_folder = match (real, &arguments.lab) {
        (Some(lab), Some(path)) => {
            keep_within_budget(&order, lab, path)?;
            Some(run_folder()?)
        }
        _ => None,
    };
    let bar = ProgressBar::with_draw_target(
        Some(u64::from(order.failovers)),
        ProgressDrawTarget::stderr_with_hz(10),
    );
    let done = |done| bar.set_position(u64::from(done));
    let measured = match &lab {
        Some(lab) => {
            // Ctrl-C must not leave a lab as it is.
            let stop = super::stop::flag();
            let in_folder = |name| run_folder.as_ref().map(|folder| folder.join(name));
            let journals = arguments.journals.clone().or_else(|| in_folder("journals"));
            let transcript = in_folder("transcript");
            let begin = || lab.backend(journals.clone(), transcript.clone()).stopped_by(stop.clone());
            latency::measure_in(&order, begin, done)
        }
        None if order.backend == BackendKind::Loopback => {
            // Nor the twin's files.
            let stop = super::stop::flag();
            let begin = || LoopbackBackend::keeping_attempts().stopped_by(stop.clone());
            latency::measure_in(&order, begin, done)
        }
        None => latency::measure(&order, done),
    };
    bar.finish_and_clear();
    let mut saved = measured.map_err(|error| match error {
        MeasureError::Load(error) => CommandError::Load(error),
        MeasureError::NoLab | MeasureError::Unable(_) => CommandError::Input(error.to_string()),
        MeasureError::NoFault { .. } => CommandError::Surroundings(error.to_string()),
        MeasureError::NotRestored { .. } => CommandError::NotRestored(error.to_string()),
    })?;
    saved.lab = lab.as_ref().map(|lab| {
        let (name, build) = lab.teacher();
        format!("{name}, {build}")
    });
    if let Some(folder) = run_folder.as_ref().filter(|_| arguments.format == Format::Human) {
        print(&format!("kept in {}\n", quoted(&path_text(folder))))?;
    }
    print(&match arguments.format {
        Format::Human => latency::table(&saved),
        Format::Json => json(&saved),
        Format::Jsonl => format!("{}\n", serde_json::to_string(&saved).unwrap_or_default()),
    })?;
    if let Some(file) = &arguments.save {
        write(file, &json(&saved))?;
    }
    Ok(0)
}

/// Refuses more failovers of a real lab than its cluster forgives at once.
fn keep_within_budget(order: &Order, lab: &NamedLab, path: &Path) -> Result<(), CommandError> {
    let plan = latency::plan_of(order, order.seed, Duration::ZERO)?;
    // One that costs nothing can be had as often as somebody likes.
    let count = usize::try_from(order.failovers).unwrap_or(ENOUGH).min(ENOUGH);
    keep_to_one_session(&vec![plan; count], &lab.backend(None, None), path).map_err(|error| match error {
        CommandError::Input(_) => CommandError::Input(format!(
            "{} of `{}` spend more than a cluster forgives at once: a node that is lost three times within an hour is put into \
             quarantine, and a role that has failed over too often within six hours stays failed\nhint: fewer `--failovers`, \
             or `--fault move_role`, which spends nothing",
            words::counted(order.failovers as usize, "failover"),
            order.fault.word(),
        )),
        CommandError::Load(_)
        | CommandError::Shown(_)
        | CommandError::Surroundings(_)
        | CommandError::NotRestored(_) => error,
    })
}

/// More than this no cluster forgives of anything that it counts.
const ENOUGH: usize = 64;

fn json(saved: &Saved) -> String {
    format!("{}\n", serde_json::to_string_pretty(saved).unwrap_or_default())
}

pub(super) fn compare(arguments: &CompareArguments) -> Result<u8, CommandError> {
    let (old, new) = (read(&arguments.old)?, read(&arguments.new)?);
    let refused = |unlike: Unlike| CommandError::Input(unlike.to_string());
    let is_elsewhere = old.backend != new.backend;
    let comparison = match latency::compare(&old, &new, arguments.unlike) {
        // Nobody can have the moments of a lab in the simulator again: they stand side by side.
        Err(Unlike::NoPairs) if is_elsewhere && arguments.fail_above.is_none() => None,
        compared => Some(compared.map_err(refused)?),
    };
    if let Some(comparison) = &comparison {
        print(&told(&old, &new, comparison))?;
    }
    if is_elsewhere {
        print(&latency::beside_table(&old, &new, &latency::beside(&old, &new)))?;
        print(&[&old, &new].map(told_by_lab).concat())?;
    }
    let Some(comparison) = comparison else { return Ok(0) };
    let limit = arguments.fail_above;
    let worse = |row: &latency::Row| limit.is_some_and(|limit| row.is_worse_than(limit));
    Ok(u8::from(comparison.rows.iter().any(worse)))
}

/// What the measurement of a lab says about what nobody knows.
fn told_by_lab(saved: &Saved) -> String {
    let Some(lab) = &saved.lab else { return String::new() };
    let mut text = format!("what the lab ({lab}) says about what nobody knows\n");
    match learn::of_measurement(saved) {
        Ok(voice) => {
            for (why, count) in &voice.unknown {
                let of = words::counted(*count, "failover");
                text.push_str(&format!("  {of} of {}: {why}\n", voice.failovers));
            }
            for weighed in &voice.weighed {
                text.push_str(&told_weighed(weighed));
            }
        }
        Err(why) => text.push_str(&format!("  nothing: {why}\n")),
    }
    text
}

fn told_weighed(weighed: &Weighed) -> String {
    let question = weighed.assumption.question();
    let word = |value: usize| question.values.get(value).map_or("?", |value| value.word);
    let fitting: Vec<&str> = weighed.fitting.iter().map(|&value| word(value)).collect();
    let told = match (&fitting[..], weighed.speaks()) {
        (_, false) => "open: every answer fits".to_owned(),
        ([], true) => "no answer fits all failovers".to_owned(),
        ([one], true) => format!("only {one} fits"),
        (some, true) => format!("{} fit", some.join(" and ")),
    };
    let against = weighed.against.iter().map(|(value, why)| format!("    not {}: {why}\n", word(*value)));
    format!("  {}: {told}\n{}", question.id, against.collect::<String>())
}

fn read(file: &Path) -> Result<Saved, CommandError> {
    let text = text_of(file, Expected::Measurement)?;
    Saved::read(&text).map_err(|why| unfit(file, why, Expected::Measurement))
}

fn told(old: &Saved, new: &Saved, comparison: &Comparison) -> String {
    let mut text = format!(
        "{} failovers in both ({} {} against {} {})\n",
        comparison.pairs, old.backend, old.version, new.backend, new.version
    );
    let time = |micros: Option<u64>| {
        micros.map_or("never".to_owned(), |micros| failover_sim::time::Time::from_micros(micros).to_string())
    };
    let percent = |per_mille: i64| format!("{:+.1}%", per_mille as f64 / 10.0);
    let parts = [("worker_away", &comparison.rows), ("median time after the fault", &comparison.phases)];
    for (what, rows) in parts.into_iter().filter(|(_, rows)| !rows.is_empty()) {
        text.push_str(&format!(
            "{what:<27} {:>10} {:>10} {:>8}   95 in 100 lie within\n",
            "old", "new", "change"
        ));
        for row in rows {
            let change = row.change.map_or("-".to_owned(), percent);
            let interval = row
                .interval
                .map_or("-".to_owned(), |(least, most)| format!("{} to {}", percent(least), percent(most)));
            text.push_str(&format!(
                "  {:<25} {:>10} {:>10} {:>8}   {interval}\n",
                row.what,
                time(row.old),
                time(row.new),
                change
            ));
        }
    }
    text
}
