//! `failover explore` and `failover merge`: how is a search begun, ended, gone on with and added up?

use std::future::{Future, poll_fn};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::time::{Duration, Instant};

use clap::Args;

use crate::backend::{Backend as _, SimBackend};
use crate::explore::{Finding, Report, Search, Shard, StoryTold, Tally, Until, tell};
use crate::plan::{Plan, path_text, quoted};
use crate::report::Live;
use crate::scenario::length::Length;
use crate::scenario::{Loaded, load_fitting};

use super::files::{Expected, cannot_make, cannot_write, check_file, check_folder, text_of, unfit};
use super::learn;
use super::{CommandError, OverrideArguments, pair, print};

#[derive(Debug, Args)]
pub(super) struct ExploreArguments {
    /// Scenario files, folders of them, or names of standard scenarios.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Run exactly these seeds, the second one not included. Without this and `--for` a search ends when it finds nothing new
    /// any more.
    #[arg(long, value_name = "FROM..TO", value_parser = seeds, conflicts_with = "time")]
    seeds: Option<(u64, u64)>,
    /// Search each scenario for so long.
    #[arg(long = "for", id = "time", value_name = "LENGTH", value_parser = length)]
    time: Option<Duration>,
    /// So many runs without anything new, and everything met that a scenario wants, end a search.
    #[arg(long, default_value_t = 2_000, value_name = "RUNS")]
    quiet: u64,
    /// So many threads.
    #[arg(long, default_value_t = 1, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// Run this part of the seeds, such as 2/8. Read from the matrix of GitLab, the array of Slurm or the indexed job of
    /// Kubernetes if it is not given.
    #[arg(long, value_name = "I/N", value_parser = Shard::parse)]
    shard: Option<Shard>,
    /// Go on with the search that wrote this report.
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// Write a report for `merge` and `--resume`.
    #[arg(long, value_name = "json=FILE", value_parser = json_file)]
    report: Option<PathBuf>,
    /// Write what is found, as scenarios with their timelines, into this folder; `findings` if none is named.
    #[arg(long, value_name = "FOLDER")]
    findings: Option<PathBuf>,
    #[command(flatten)]
    overrides: OverrideArguments,
}

#[derive(Debug, Args)]
pub(super) struct MergeArguments {
    /// Reports that `explore --report json=FILE` wrote.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write the sum.
    #[arg(long, value_name = "json=FILE", value_parser = json_file)]
    report: Option<PathBuf>,
}

pub(super) fn explore(arguments: &ExploreArguments) -> Result<u8, CommandError> {
    let started = Instant::now();
    let overrides = arguments.overrides.overrides()?;
    let Loaded { plans, misfits, remarks } = load_fitting(&arguments.paths, None, 1, &overrides)?;
    for remark in remarks.into_iter().chain(learn::narrowing(&overrides.learned)) {
        print(&format!("{remark}\n"))?;
    }
    let (shard, said_by) = shard(arguments)?;
    let mut report = match &arguments.resume {
        Some(file) => read(file)?,
        None => Report::default(),
    };
    arguments.report.as_deref().map_or(Ok(()), check_file)?;
    arguments.findings.as_deref().map_or(Ok(()), check_folder)?;
    let findings = arguments.findings.as_deref().unwrap_or(Path::new("findings"));
    let stopped = on_interrupt();
    if let Some(variable) = said_by {
        print(&format!("shard {shard}, by {variable}\n"))?;
    }
    for misfit in &misfits {
        print(&format!("SKIPPED {}: does not fit: {}\n", misfit.name, misfit.reason))?;
    }
    let live = Live::begin(plans.len());
    let mut runs = 0;
    for plan in &plans {
        if !plan.breaks.is_empty() {
            live.aside(|| print(&format!("SKIPPED {}: it breaks claims by itself\n", plan.name)))?;
            continue;
        }
        let backend = SimBackend::default();
        if let Some(reason) = backend.abilities(plan).reason_to_skip(backend.kind()) {
            live.aside(|| print(&format!("SKIPPED {}: {reason}\n", plan.name)))?;
            continue;
        }
        let tally = report.scenarios.entry(plan.name.clone()).or_insert_with(|| Tally::of(plan));
        if tally.plan != plan.digest().to_string() {
            let text = format!(
                "`{}` is not what it was when the report was written\nhint: go on with the same files, options and version, \
                 or begin without `--resume`",
                plan.name
            );
            return Err(CommandError::Input(text));
        }
        let before = tally.runs;
        let mut search = search(plan, arguments, shard);
        if arguments.resume.is_some() {
            search.from = tally.next_seed().unwrap_or(search.from);
        }
        search.run(tally, |tally| {
            let rate = (runs + tally.runs - before) as f64 / started.elapsed().as_secs_f64();
            let (found, pairs) = (tally.findings.len(), tally.pairs.len());
            live.runs(&format!(
                "{}: {} runs, {rate:.0}/s, {pairs} pairs, {found} findings",
                plan.name, tally.runs
            ));
            !stopped.load(Ordering::Relaxed)
        });
        runs += tally.runs - before;
        // What was found is told also where it cannot be kept.
        let kept = tell_stories(plan, tally, findings);
        live.is_done();
        live.aside(|| print(&tell(&plan.name, tally)))?;
        kept?;
        if stopped.load(Ordering::Relaxed) {
            live.aside(|| print("stopped: the report is of what was run so far\n"))?;
            break;
        }
    }
    drop(live);
    let seconds = started.elapsed().as_secs_f64();
    print(&format!("{runs} runs in {seconds:.2} s, {:.0} a second\n", runs as f64 / seconds))?;
    finish(&report, arguments.report.as_deref())
}

pub(super) fn merge(arguments: &MergeArguments) -> Result<u8, CommandError> {
    let mut sum = Report::default();
    for file in &arguments.files {
        for (name, tally) in read(file)?.scenarios {
            match sum.scenarios.get_mut(&name) {
                None => {
                    sum.scenarios.insert(name, tally);
                }
                Some(own) => own.merge(&tally).map_err(|error| {
                    let (file, hint) = (path_text(file), error.hint());
                    CommandError::Input(format!("cannot add `{name}` of `{file}`: {error}\nhint: {hint}"))
                })?,
            }
        }
    }
    for (name, tally) in &sum.scenarios {
        print(&tell(name, tally))?;
    }
    finish(&sum, arguments.report.as_deref())
}

fn search<'p>(plan: &'p Plan, arguments: &ExploreArguments, shard: Shard) -> Search<'p> {
    let (from, until) = match (arguments.seeds, arguments.time) {
        (Some((from, to)), _) => (from, Until::Seed(to)),
        (None, Some(time)) => (1, Until::Time(time)),
        (None, None) => (1, Until::Quiet(arguments.quiet)),
    };
    Search { plan, from, until, shard, jobs: usize::from(arguments.jobs) }
}

fn shard(arguments: &ExploreArguments) -> Result<(Shard, Option<&'static str>), CommandError> {
    if let Some(shard) = arguments.shard {
        return Ok((shard, None));
    }
    let found = Shard::from_surroundings(|name| std::env::var(name).ok());
    match found.map_err(|error| CommandError::Input(format!("the surroundings name no shard: {error}")))? {
        Some((shard, variable)) => Ok((shard, Some(variable))),
        None => Ok((Shard::WHOLE, None)),
    }
}

/// Makes small what was found and not yet told of, and writes it down.
fn tell_stories(plan: &Plan, tally: &mut Tally, folder: &Path) -> Result<(), CommandError> {
    for (key, finding) in &mut tally.findings {
        if finding.story.is_some() {
            continue;
        }
        let Some(found) = Finding::of(plan, finding.seed, key) else { continue };
        std::fs::create_dir_all(folder).map_err(|error| cannot_make(folder, &error))?;
        let name = plan.name.replace(['/', '['], "-").replace(']', "");
        let file = folder.join(format!("{name}-{}.yaml", finding.seed));
        let timeline = file.with_extension("timeline");
        std::fs::write(&file, &found.text).map_err(|error| cannot_write(&file, &error))?;
        std::fs::write(&timeline, &found.timeline).map_err(|error| cannot_write(&timeline, &error))?;
        let shown = quoted(&path_text(file));
        finding.story = Some(StoryTold {
            cause: found.cause,
            hints: found.failure.hints,
            actions: found.actions,
            replay: format!("failover run {shown} --seed {}{}", found.seed, found.options),
            is_confirmed: found.is_confirmed,
            needs: found
                .needs
                .iter()
                .map(|(unknown, answer)| (unknown.question().id.to_owned(), (*answer).to_owned()))
                .collect(),
        });
    }
    Ok(())
}

/// Writes the report, and says what the program ends with: 1 if something failed, 3 if that depends on what nobody knows or
/// too little was seen, else 0.
fn finish(report: &Report, file: Option<&Path>) -> Result<u8, CommandError> {
    if let Some(file) = file {
        if file == Path::new("-") {
            print(&report.text())?;
        } else {
            std::fs::write(file, report.text()).map_err(|error| cannot_write(file, &error))?;
        }
    }
    let tallies = || report.scenarios.values();
    let is_weak = |tally: &Tally| tally.passed == 0 || tally.not_met().next().is_some();
    let findings = || tallies().flat_map(|tally| tally.findings.values());
    if findings().any(|finding| finding.depends_on().next().is_none()) {
        Ok(1)
    } else if findings().next().is_some() || report.scenarios.is_empty() || tallies().any(is_weak) {
        Ok(3)
    } else {
        Ok(0)
    }
}

fn read(file: &Path) -> Result<Report, CommandError> {
    let text = text_of(file, Expected::Exploration)?;
    Report::read(&text).map_err(|error| unfit(file, error, Expected::Exploration))
}

/// Says when somebody pressed Ctrl-C; who presses it after this has returned is heard. Where signals cannot be had, nobody
/// is.
fn on_interrupt() -> Arc<AtomicBool> {
    let stopped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stopped);
    let (listening, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
        runtime.block_on(async {
            let mut pressed = pin!(tokio::signal::ctrl_c());
            // The first poll begins to listen.
            let first = poll_fn(|context| Poll::Ready(pressed.as_mut().poll(context))).await;
            // Whoever waits for it is there: it waits for nothing else.
            let _ = listening.send(());
            let pressed = match first {
                Poll::Ready(pressed) => pressed,
                Poll::Pending => pressed.await,
            };
            flag.store(pressed.is_ok(), Ordering::Relaxed);
        });
    });
    // An error says that the thread could not listen and is gone.
    let _ = heard.recv();
    stopped
}

fn seeds(text: &str) -> Result<(u64, u64), String> {
    let numbers = text.split_once("..").map(|(from, to)| (from.parse(), to.parse()));
    match numbers {
        Some((Ok(from), Ok(to))) if from < to => Ok((from, to)),
        _ => Err("expected two numbers, the lesser first, such as `1..1001`".to_owned()),
    }
}

fn length(text: &str) -> Result<Duration, String> {
    Length::parse(text).map(|length| length.0).map_err(|error| error.to_string())
}

fn json_file(text: &str) -> Result<PathBuf, String> {
    match pair(text)? {
        (kind, file) if kind == "json" => Ok(PathBuf::from(file)),
        (kind, _) => Err(format!("there is no report `{kind}` of an exploration: expected json")),
    }
}
