//! `failover explore` and `failover merge`: how is a search begun, ended, gone on with and added up?

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::Args;

use crate::backend::{Backend as _, SimBackend};
use crate::explore::{Finding, Report, Search, Shard, StoryTold, Tally, Until, again, tell};
use crate::plan::{Plan, path_text, quoted};
use crate::report::Live;
use crate::scenario::length::Length;
use crate::scenario::{FINDINGS, Loaded, load_fitting};

use super::files::{
    Expected, cannot_make, check_apart, check_file, check_folder, sources, text_of, unfit, write,
    write_or_print,
};
use super::learn;
use super::{CommandError, OverrideArguments, SURROUNDINGS, ended_with, pair, print};

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
    /// Go on with the search that wrote this report; seeds that it has run are not run again.
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
    let Loaded { mut plans, misfits, remarks } = load_fitting(&arguments.paths, None, 1, &overrides)?;
    for remark in remarks.into_iter().chain(learn::narrowing(&overrides.learned)) {
        print(&format!("{remark}\n"))?;
    }
    let (shard, said_by) = shard(arguments)?;
    let mut report = match &arguments.resume {
        Some(file) => read(file)?,
        None => Report::default(),
    };
    check_apart(arguments.report.as_deref(), &sources(&plans, [&arguments.overrides.learned.learned]))?;
    arguments.report.as_deref().map_or(Ok(()), check_file)?;
    arguments.findings.as_deref().map_or(Ok(()), check_folder)?;
    let findings = arguments.findings.as_deref().unwrap_or(Path::new(FINDINGS));
    for name in set_findings_aside(&mut plans, findings, &arguments.paths) {
        print(&format!("SKIPPED {name}: it lies in `{}`, where findings are put\n", path_text(findings)))?;
    }
    plans.iter().try_for_each(|plan| check_unchanged(plan, &report))?;
    let stopped = super::stop::flag();
    if let Some(variable) = said_by {
        print(&format!("shard {shard}, by {variable}\n"))?;
    }
    for misfit in &misfits {
        print(&format!("SKIPPED {}: does not fit: {}\n", misfit.name, misfit.reason))?;
    }
    let live = Live::begin(plans.len());
    let mut runs = 0;
    let mut failed = None;
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
        if let Some(file) = arguments.resume.as_ref().filter(|_| !report.scenarios.contains_key(&plan.name)) {
            let text = format!("`{}` has nothing of {}: it begins anew\n", path_text(file), plan.name);
            live.aside(|| print(&text))?;
        }
        let tally = report.scenarios.entry(plan.name.clone()).or_insert_with(|| Tally::of(plan));
        let before = tally.runs;
        let mut search = search(plan, arguments, shard);
        if arguments.seeds.is_none() {
            search.from = tally.seeds.first().unwrap_or(search.from);
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
        failed = failed.or(kept.err());
        if stopped.load(Ordering::Relaxed) {
            live.aside(|| print("stopped: the report is of what was run so far\n"))?;
            break;
        }
    }
    drop(live);
    let seconds = started.elapsed().as_secs_f64();
    print(&format!("{runs} runs in {seconds:.2} s, {:.0} a second\n", runs as f64 / seconds))?;
    let written = keep(&report, arguments.report.as_deref());
    Ok(ended_with(exit_code(&report), failed.into_iter().chain(written.err())))
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
    let mut is_whole = true;
    for (name, tally) in &sum.scenarios {
        print(&tell(name, tally))?;
        if let Some(missing) = parts(&tally.seeds.missing()) {
            is_whole = false;
            print(&format!("INCOMPLETE {name}: nothing is here of {missing}\n"))?;
        }
    }
    let written = keep(&sum, arguments.report.as_deref());
    let code = match exit_code(&sum) {
        0 if !is_whole => SURROUNDINGS,
        code => code,
    };
    Ok(ended_with(code, written.err()))
}

/// Refuses to add runs of another plan to those of a report.
fn check_unchanged(plan: &Plan, report: &Report) -> Result<(), CommandError> {
    match report.scenarios.get(&plan.name) {
        Some(tally) if tally.plan != plan.search_digest().to_string() => Err(CommandError::Input(format!(
            "`{}` is not what it was when the report was written\nhint: go on with the same files, options and version, \
             or begin without `--resume`",
            plan.name
        ))),
        Some(_) | None => Ok(()),
    }
}

/// Names parts of a search.
fn parts(missing: &[Shard]) -> Option<String> {
    let named: Vec<String> = missing.iter().take(8).map(|part| format!("part {part}")).collect();
    let more = missing.len() - named.len();
    let others = if more == 0 { String::new() } else { format!(" and {more} others") };
    (!named.is_empty()).then(|| format!("{}{others}", named.join(", ")))
}

/// What earlier searches found is searched only if somebody names it. Comes back with the names of what is left aside.
fn set_findings_aside(plans: &mut Vec<Plan>, findings: &Path, paths: &[PathBuf]) -> Vec<String> {
    let Ok(folder) = std::fs::canonicalize(findings) else { return Vec::new() };
    let lies_there = |path: &Path| std::fs::canonicalize(path).is_ok_and(|path| path.starts_with(&folder));
    if paths.iter().any(|path| lies_there(path)) {
        return Vec::new();
    }
    let is_found = |plan: &mut Plan| lies_there(Path::new(&plan.origin.scenario_file));
    plans.extract_if(.., is_found).map(|plan| plan.name).collect()
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

/// Makes small what was found and not yet told of, and writes it down. What cannot be written is told all the same, with
/// the line that searches its seed again.
fn tell_stories(plan: &Plan, tally: &mut Tally, folder: &Path) -> Result<(), CommandError> {
    let mut kept = Ok(());
    for (key, finding) in &mut tally.findings {
        if finding.story.is_some() {
            continue;
        }
        let Some(found) = Finding::of(plan, finding.seed, key) else { continue };
        let replay = match write_finding(plan, finding.seed, &found, folder) {
            Ok(file) => {
                let shown = quoted(&path_text(file));
                format!("failover run {shown} --seed {}{}", found.seed, found.options)
            }
            Err(error) => {
                kept = kept.and(Err(error));
                again(&tally.command, finding.seed)
            }
        };
        finding.story = Some(StoryTold {
            cause: found.cause,
            hints: found.failure.hints,
            actions: found.actions,
            replay,
            is_confirmed: found.is_confirmed,
            needs: found
                .needs
                .iter()
                .map(|(unknown, answer)| (unknown.question().id.to_owned(), (*answer).to_owned()))
                .collect(),
        });
    }
    kept
}

/// Writes a finding with its timeline beside it; comes back with its file.
fn write_finding(plan: &Plan, seed: u64, found: &Finding, folder: &Path) -> Result<PathBuf, CommandError> {
    std::fs::create_dir_all(folder).map_err(|error| cannot_make(folder, &error))?;
    let name = plan.name.replace(['/', '['], "-").replace(']', "");
    let file = folder.join(format!("{name}-{seed}.yaml"));
    write(&file, &found.text)?;
    write(&file.with_extension("timeline"), &found.timeline)?;
    Ok(file)
}

fn keep(report: &Report, file: Option<&Path>) -> Result<(), CommandError> {
    file.map_or(Ok(()), |file| write_or_print(file, &report.text()))
}

/// What the program ends with: 1 if something failed, 3 if that depends on what nobody knows or too little was seen, else 0.
fn exit_code(report: &Report) -> u8 {
    let tallies = || report.scenarios.values();
    let is_weak = |tally: &Tally| tally.passed == 0 || tally.not_met().next().is_some();
    let findings = || tallies().flat_map(|tally| tally.findings.values());
    if findings().any(|finding| finding.depends_on().next().is_none()) {
        1
    } else if findings().next().is_some() || report.scenarios.is_empty() || tallies().any(is_weak) {
        SURROUNDINGS
    } else {
        0
    }
}

fn read(file: &Path) -> Result<Report, CommandError> {
    let text = text_of(file, Expected::Exploration)?;
    Report::read(&text).map_err(|error| unfit(file, error, Expected::Exploration))
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
