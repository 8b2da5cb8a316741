//! `failover run`: how are scenarios run and reported?

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

use failover_sim::observe::{Flow, Record, Sink};

use crate::backend::{Backend, BackendKind, LoopbackBackend, SimBackend};
use crate::check::Outcome;
use crate::history::HistoryWriter;
use crate::plan::{Plan, path_text, quoted};
use crate::report::{self, Chart, Live, RunReport, RunResult, ScenarioReport, Timeline};
use crate::runner::run_scenario;
use crate::scenario::{Loaded, Misfit, load_fitting};
use crate::words::plain_lines;

use super::files::{cannot_make, cannot_write, check_apart, check_file, sources, write_or_print};
use super::lab::{NamedLab, keep_to_one_session};
use super::learn::{self, Fitting, Pupil};
use super::{CommandError, Format, ReportKind, RunArguments, ended_with, print};

pub(super) fn run(arguments: &RunArguments) -> Result<u8, CommandError> {
    let started = Instant::now();
    check_lab(arguments.backend, arguments.lab.as_deref())?;
    check_standard_output(arguments)?;
    let lab = arguments.lab.as_deref().map(NamedLab::read).transpose()?;
    let mut pupil = Pupil::of(arguments.learn.as_deref(), lab.as_ref())?;
    let mut overrides = arguments.overrides.overrides()?;
    overrides.patience = lab.as_ref().and_then(NamedLab::patience);
    let suite = arguments.suite.as_deref();
    let Loaded { plans, misfits, remarks: names } =
        load_fitting(&arguments.paths, suite, arguments.seed, &overrides)?;
    if let Some(lab) = &lab {
        lab.refuse_strangers(&plans)?;
    }
    if let (Some(lab), Some(path)) = (lab.as_ref().filter(|lab| lab.is_real()), &arguments.lab) {
        keep_to_one_session(&plans, &lab.backend(None, None), path)?;
    }
    let run_folder = lab.as_ref().filter(|lab| lab.is_real()).map(|_| run_folder()).transpose()?;
    let kept = run_folder.as_ref().map(|folder| kept_in(arguments, folder));
    let arguments = kept.as_ref().unwrap_or(arguments);
    if let Some(folder) = &arguments.histories {
        refuse_equal_files(&plans)?;
        std::fs::create_dir_all(folder).map_err(|error| cannot_make(folder, &error))?;
    }
    let reports = || arguments.report.iter().map(|(_, file)| file.as_path());
    let others = [&arguments.lab, &arguments.learn, &arguments.overrides.learned.learned];
    check_apart(reports(), &sources(&plans, others))?;
    reports().try_for_each(check_file)?;
    let Ran { mut scenarios, mut remarks, charts, records, mut failed } = match arguments.backend {
        BackendKind::Sim => run_all(&plans, SimBackend::default, arguments)?,
        BackendKind::Loopback => {
            // Ctrl-C must not leave the twin's files.
            let stop = super::stop::flag();
            run_all(&plans, || LoopbackBackend::default().stopped_by(stop.clone()), arguments)?
        }
        BackendKind::Lab => {
            let Some(lab) = &lab else { unreachable!("which lab was checked") };
            // Ctrl-C must not leave a lab as it is.
            let stop = super::stop::flag();
            let transcript = run_folder.as_ref().map(|folder| folder.join("transcript"));
            let begin =
                || lab.backend(arguments.journals.clone(), transcript.clone()).stopped_by(stop.clone());
            run_all(&plans, begin, arguments)?
        }
    };
    remarks.splice(0..0, names);
    remarks.extend(learn::narrowing(&overrides.learned));
    let has_answers = lab.as_ref().is_some_and(NamedLab::has_answers);
    let (fitting, told) =
        if has_answers { learn::fitting_cases(&plans, &mut scenarios) } else { (Vec::new(), Vec::new()) };
    remarks.extend(told);
    if let Some(pupil) = &mut pupil {
        for Fitting { place, answers, others } in fitting {
            let others: Vec<&str> = others.iter().map(String::as_str).collect();
            remarks.extend(pupil.settle(&plans[place], &answers, &others));
        }
        for ((plan, report), records) in plans.iter().zip(&scenarios).zip(&records) {
            if report.result != RunResult::Judged(Outcome::Inconclusive) {
                remarks.extend(pupil.attend(plan, records, report));
            }
        }
        match pupil.finish() {
            Ok(told) => remarks.push(told),
            Err(error) => failed.push(error),
        }
    }
    scenarios.extend(misfits.iter().map(skipped));
    if !misfits.is_empty() {
        scenarios.sort_by(|one, other| one.name.cmp(&other.name));
    }
    let report = RunReport {
        backend: arguments.backend,
        profile: profiles(&plans),
        seed: arguments.seed,
        remarks,
        topologies: plans.iter().map(|plan| &plan.origin.topology_file).collect::<BTreeSet<_>>().len(),
        scenarios,
        elapsed: started.elapsed(),
    };
    // What was found is told also where it cannot be kept.
    failed.extend(write_reports(&report, &charts, arguments));
    if has_standard_output_alone(arguments) {
        return Ok(ended_with(report.exit_code(), failed));
    }
    if let Some(folder) = &run_folder {
        print(&format!("kept in {}\n", quoted(&path_text(folder))))?;
    }
    if arguments.verbose && arguments.format == Format::Human {
        print(&report::human_in_full(&report))?;
    } else {
        show(&report, arguments.format)?;
    }
    Ok(ended_with(report.exit_code(), failed))
}

/// The reports that take all of standard output. GitHub reads its commands among other lines.
fn on_standard_output(arguments: &RunArguments) -> impl Iterator<Item = ReportKind> {
    let reports = arguments.report.iter().filter(|(_, file)| file == Path::new("-"));
    reports.map(|(kind, _)| *kind).filter(|kind| *kind != ReportKind::Github)
}

/// Whether a report is all that standard output is to have.
fn has_standard_output_alone(arguments: &RunArguments) -> bool {
    on_standard_output(arguments).next().is_some()
}

/// Refuses to mix one report with another that a program reads.
fn check_standard_output(arguments: &RunArguments) -> Result<(), CommandError> {
    let of_format = usize::from(arguments.format != Format::Human);
    let to_it = arguments.report.iter().filter(|(_, file)| file == Path::new("-")).count();
    let alone = on_standard_output(arguments).count() + of_format;
    if alone == 0 || to_it + of_format == 1 {
        return Ok(());
    }
    let text = "several reports would be mixed on standard output\nhint: give all but one a file: --report junit=junit.xml";
    Err(CommandError::Input(text.to_owned()))
}

/// The folder of a run in a real lab, named after the moment.
pub(super) fn run_folder() -> Result<PathBuf, CommandError> {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = crate::probe::date(i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX));
    let folder = Path::new(LAB_RUNS).join(format!("{}-{}", now.replace(':', ""), std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|error| cannot_make(&folder, &error))?;
    Ok(folder)
}

/// The same arguments, with everything kept in a folder that is not kept elsewhere.
fn kept_in(arguments: &RunArguments, folder: &Path) -> RunArguments {
    let mut kept = arguments.clone();
    // There is one lab.
    kept.jobs = 1;
    kept.journals.get_or_insert_with(|| folder.join("journals"));
    kept.histories.get_or_insert_with(|| folder.join("histories"));
    kept.report.push((ReportKind::Json, folder.join("report.json")));
    kept.report.push((ReportKind::Html, folder.join("report.html")));
    kept
}

/// Whether the lab that is asked for is one that can be reached.
pub(super) fn check_lab(backend: BackendKind, lab: Option<&Path>) -> Result<(), CommandError> {
    match (backend, lab) {
        (BackendKind::Lab, Some(_)) => Ok(()),
        (BackendKind::Lab, None) => {
            Err(CommandError::Input("`--backend lab` needs to know which lab\nhint: --lab twin".to_owned()))
        }
        (BackendKind::Sim | BackendKind::Loopback, Some(_)) => {
            Err(CommandError::Input("`--lab` is of no use without `--backend lab`".to_owned()))
        }
        (BackendKind::Sim | BackendKind::Loopback, None) => Ok(()),
    }
}

/// Prints a report in the form that was asked for.
pub(super) fn show(report: &RunReport, format: Format) -> Result<(), CommandError> {
    print(&match format {
        Format::Human => report::human(report),
        Format::Json => report::json(report),
        Format::Jsonl => report::jsonl(report),
    })
}

/// The Windows version of the topologies, or all of them.
pub(super) fn profiles(plans: &[Plan]) -> String {
    let words: BTreeSet<&str> = plans.iter().map(|plan| plan.topology.profile.word()).collect();
    words.into_iter().collect::<Vec<_>>().join("+")
}

fn history_file(plan: &Plan) -> String {
    format!("{}.jsonl", plan.name.replace('/', "-"))
}

/// No history overwrites another.
fn refuse_equal_files(plans: &[Plan]) -> Result<(), CommandError> {
    let mut files = BTreeMap::new();
    for plan in plans {
        if let Some(other) = files.insert(history_file(plan), &plan.origin.scenario_file) {
            let (file, own) = (history_file(plan), &plan.origin.scenario_file);
            let text = format!("`{other}` and `{own}` would both be written to `{file}`");
            return Err(CommandError::Input(format!("{text}\nhint: run them one after the other")));
        }
    }
    Ok(())
}

/// What came of all plans.
struct Ran {
    scenarios: Vec<ScenarioReport>,
    remarks: Vec<String>,
    charts: Vec<Chart>,
    /// What was seen, where somebody learns from it.
    records: Vec<Vec<Record>>,
    /// What could not be kept.
    failed: Vec<CommandError>,
}

/// Runs the plans, on several threads if that was asked for, each thread with a backend of its own; what is told of
/// the scenarios comes in their order, as soon as it can.
fn run_all<B: Backend>(
    plans: &[Plan],
    backend: impl Fn() -> B + Sync,
    arguments: &RunArguments,
) -> Result<Ran, CommandError> {
    let mut ran = Ran {
        scenarios: Vec::with_capacity(plans.len()),
        remarks: Vec::new(),
        charts: Vec::new(),
        records: Vec::new(),
        failed: Vec::new(),
    };
    let mut remarks = BTreeSet::new();
    let (mut not_kept, mut first_not_kept) = (0, None);
    let live = Live::begin(plans.len());
    let next = AtomicUsize::new(0);
    let (sender, done) = mpsc::channel();
    let work = |sender: mpsc::Sender<_>| {
        let mut backend = backend();
        while let Some((index, plan)) = next_of(&next, plans) {
            live.runs(&plan.name);
            let mut kept = Kept::begin(plan, backend.kind(), arguments);
            let report = run_scenario(plan, &mut backend, &mut kept);
            // Nobody receives any longer after an error, which is told by whoever met it.
            if sender.send((index, (report, kept, backend.remarks()))).is_err() {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..usize::from(arguments.jobs).clamp(1, plans.len().max(1)) {
            let (work, sender) = (&work, sender.clone());
            scope.spawn(move || work(sender));
        }
        drop(sender);
        let mut early = BTreeMap::new();
        for (index, one) in done {
            early.insert(index, one);
            while let Some(one) = early.remove(&ran.scenarios.len()) {
                let (report, mut kept, told) = one;
                remarks.extend(told);
                ran.charts.extend(kept.chart(&report, arguments));
                ran.records
                    .push(kept.records.take().filter(|_| arguments.learn.is_some()).unwrap_or_default());
                if let Some(error) = kept.finish_history(arguments) {
                    not_kept += 1;
                    first_not_kept.get_or_insert(error);
                }
                live.aside(|| kept.tell())?;
                ran.scenarios.push(report);
                live.is_done();
            }
        }
        Ok::<_, CommandError>(())
    })?;
    ran.remarks.extend(remarks);
    if not_kept > 1 {
        ran.remarks.push(format!("{not_kept} histories could not be kept"));
    }
    ran.failed.extend(first_not_kept);
    Ok(ran)
}

fn next_of<'p>(next: &AtomicUsize, plans: &'p [Plan]) -> Option<(usize, &'p Plan)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    plans.get(index).map(|plan| (index, plan))
}

/// What is told of a scenario that does not fit the topology.
fn skipped(misfit: &Misfit) -> ScenarioReport {
    ScenarioReport {
        name: misfit.name.clone(),
        file: misfit.file.clone(),
        proves: String::new(),
        result: RunResult::Skipped(format!("does not fit: {}", misfit.reason)),
        judgement: None,
        unknowns: Vec::new(),
        replay: String::new(),
        promise: Duration::ZERO,
        plan: String::new(),
        elapsed: Duration::ZERO,
    }
}

/// What is kept of a run while it happens: its history in a file, its timeline for the terminal, its records for a
/// chart; each only if it was asked for.
struct Kept<'p> {
    history: Option<io::Result<HistoryWriter<'p, BufWriter<File>>>>,
    timeline: Option<Timeline<'p>>,
    records: Option<Vec<Record>>,
    plan: &'p Plan,
}

impl<'p> Kept<'p> {
    fn begin(plan: &'p Plan, backend: BackendKind, arguments: &RunArguments) -> Self {
        let history = arguments.histories.as_ref().map(|folder| {
            let file = folder.join(history_file(plan));
            let out = File::create(&file)?;
            let begun = HistoryWriter::begin(plan, backend.word(), BufWriter::new(out));
            begun.inspect_err(|_| drop(std::fs::remove_file(&file)))
        });
        let is_for_people = arguments.format == Format::Human && !has_standard_output_alone(arguments);
        let wants_timeline = arguments.verbose && is_for_people;
        let wants_chart = wants_chart(arguments);
        Self {
            history,
            timeline: wants_timeline.then(|| Timeline::new(plan)),
            records: (wants_chart || arguments.learn.is_some()).then(Vec::new),
            plan,
        }
    }

    /// The chart of the run, if one is wanted and the run took place.
    fn chart(&self, report: &ScenarioReport, arguments: &RunArguments) -> Option<Chart> {
        let records =
            self.records.as_ref().filter(|records| !records.is_empty() && wants_chart(arguments))?;
        Some(Chart::of(self.plan, records, report))
    }

    /// Ends the history; what could not be written whole goes, and why.
    fn finish_history(&mut self, arguments: &RunArguments) -> Option<CommandError> {
        let (history, folder) = (self.history.take()?, arguments.histories.as_ref()?);
        let file = folder.join(history_file(self.plan));
        let finish = |history: HistoryWriter<'_, _>| {
            history.finish().map(drop).inspect_err(|_| drop(std::fs::remove_file(&file)))
        };
        Some(cannot_write(&file, &history.and_then(finish).err()?))
    }

    fn tell(self) -> Result<(), CommandError> {
        if let Some(timeline) = self.timeline {
            let story = format!("{}: {}\n{}\n", self.plan.name, self.plan.proves, timeline.text());
            print(&plain_lines(&story))?;
        }
        Ok(())
    }
}

fn wants_chart(arguments: &RunArguments) -> bool {
    arguments.report.iter().any(|(kind, _)| *kind == ReportKind::Html)
}

impl Sink for Kept<'_> {
    fn record(&mut self, record: &Record) -> Flow {
        if let Some(Ok(history)) = &mut self.history {
            history.record(record);
        }
        if let Some(timeline) = &mut self.timeline {
            timeline.record(record);
        }
        if let Some(records) = &mut self.records {
            records.push(*record);
        }
        Flow::Continue
    }
}

/// Writes all reports that can be written; comes back with why the others cannot.
fn write_reports(report: &RunReport, charts: &[Chart], arguments: &RunArguments) -> Vec<CommandError> {
    let write = |(kind, file): &(ReportKind, PathBuf)| {
        let cannot_make = |error: String| {
            CommandError::Surroundings(format!("cannot write the {} report: {error}", kind.word()))
        };
        let text = match kind {
            ReportKind::Json => report::json(report),
            ReportKind::Jsonl => report::jsonl(report),
            ReportKind::Junit => report::junit(report).map_err(|error| cannot_make(error.to_string()))?,
            ReportKind::Markdown => report::markdown(report),
            ReportKind::Github => report::github(report),
            ReportKind::Html => {
                report::html(report, charts).map_err(|error| cannot_make(error.to_string()))?
            }
        };
        write_or_print(file, &text)
    };
    arguments.report.iter().filter_map(|one| write(one).err()).collect()
}

/// Below the folder where the program is run.
const LAB_RUNS: &str = "lab-runs";
