//! `failover run`: how are scenarios run and reported?

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use failover_sim::observe::{Flow, Record, Sink};

use crate::backend::lab::twin::{Dialect, Twin};
use crate::backend::{Backend, BackendKind, LabBackend, LoopbackBackend, SimBackend};
use crate::history::HistoryWriter;
use crate::plan::Plan;
use crate::report::{self, RunReport, RunResult, ScenarioReport, Timeline};
use crate::runner::run_scenario;
use crate::scenario::{Loaded, Misfit, load_fitting};

use super::{CommandError, Format, ReportKind, RunArguments, print};

pub(super) fn run(arguments: &RunArguments) -> Result<u8, CommandError> {
    let started = Instant::now();
    check_lab(arguments)?;
    let overrides = arguments.overrides.overrides();
    let suite = arguments.suite.as_deref();
    let Loaded { plans, misfits } = load_fitting(&arguments.paths, suite, arguments.seed, &overrides)?;
    if let Some(folder) = &arguments.histories {
        std::fs::create_dir_all(folder).map_err(|error| cannot_write(folder, &error))?;
    }
    let (mut scenarios, remarks) = match arguments.backend {
        BackendKind::Sim if arguments.jobs > 1 => run_in_parallel(&plans, arguments)?,
        BackendKind::Sim => run_all(&plans, &mut SimBackend::default(), arguments)?,
        BackendKind::Loopback => run_all(&plans, &mut LoopbackBackend::default(), arguments)?,
        BackendKind::Lab => {
            run_all(&plans, &mut LabBackend::new(Twin::new(Dialect::Friendly), None), arguments)?
        }
    };
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
    write_reports(&report, arguments)?;
    show(&report, arguments.format)?;
    Ok(report.exit_code())
}

/// Whether the lab that is asked for is one that can be reached.
fn check_lab(arguments: &RunArguments) -> Result<(), CommandError> {
    let lab = arguments.lab.as_deref();
    match (arguments.backend, lab) {
        (BackendKind::Lab, Some(lab)) if lab == Path::new("twin") => Ok(()),
        (BackendKind::Lab, Some(lab)) => Err(CommandError::Input(format!(
            "no lab can be reached yet, so that `{}` is of no use: this version has the session protocol and a twin \
             of its hosts, and no transport to Windows\nhint: --lab twin",
            lab.display()
        ))),
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

fn run_all<B: Backend>(
    plans: &[Plan],
    backend: &mut B,
    arguments: &RunArguments,
) -> Result<(Vec<ScenarioReport>, Vec<String>), CommandError> {
    let mut reports = Vec::with_capacity(plans.len());
    let mut remarks = BTreeSet::new();
    for plan in plans {
        let mut kept = Kept::begin(plan, backend.kind(), arguments)?;
        reports.push(run_scenario(plan, backend, &mut kept));
        remarks.extend(backend.remark());
        kept.finish(arguments)?;
    }
    Ok((reports, remarks.into_iter().collect()))
}

/// Scenarios on several threads, each with a simulator of its own; what is told of them comes in their order.
fn run_in_parallel(
    plans: &[Plan],
    arguments: &RunArguments,
) -> Result<(Vec<ScenarioReport>, Vec<String>), CommandError> {
    let next = AtomicUsize::new(0);
    let threads = usize::from(arguments.jobs).min(plans.len());
    let mut done = std::thread::scope(|scope| {
        let work = || {
            let mut backend = SimBackend::default();
            let mut done = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(plan) = plans.get(index) else { return Ok::<_, CommandError>(done) };
                let mut kept = Kept::begin(plan, BackendKind::Sim, arguments)?;
                let report = run_scenario(plan, &mut backend, &mut kept);
                done.push((index, report, kept));
            }
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut done = Vec::with_capacity(plans.len());
        for thread in running {
            // A panic in a thread is the program's own.
            done.extend(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok::<_, CommandError>(done)
    })?;
    done.sort_by_key(|(index, ..)| *index);
    let mut reports = Vec::with_capacity(plans.len());
    for (_, report, kept) in done {
        kept.finish(arguments)?;
        reports.push(report);
    }
    Ok((reports, Vec::new()))
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

/// What is kept of a run while it happens: its history in a file, its timeline for the terminal, both or neither.
struct Kept<'p> {
    history: Option<HistoryWriter<'p, BufWriter<File>>>,
    timeline: Option<Timeline<'p>>,
    plan: &'p Plan,
}

impl<'p> Kept<'p> {
    fn begin(plan: &'p Plan, backend: BackendKind, arguments: &RunArguments) -> Result<Self, CommandError> {
        let history = match &arguments.histories {
            Some(folder) => {
                let file = folder.join(format!("{}.jsonl", plan.name.replace('/', "-")));
                let out = File::create(&file).map_err(|error| cannot_write(&file, &error))?;
                let begun = HistoryWriter::begin(plan, backend.word(), BufWriter::new(out));
                Some(begun.map_err(|error| cannot_write(&file, &error))?)
            }
            None => None,
        };
        let wants_timeline = arguments.verbose && arguments.format == Format::Human;
        Ok(Self { history, timeline: wants_timeline.then(|| Timeline::new(plan)), plan })
    }

    fn finish(self, arguments: &RunArguments) -> Result<(), CommandError> {
        if let (Some(history), Some(folder)) = (self.history, &arguments.histories) {
            history.finish().map_err(|error| cannot_write(folder, &error))?;
        }
        if let Some(timeline) = self.timeline {
            print(&format!("{}: {}\n{}\n", self.plan.name, self.plan.proves, timeline.text()))?;
        }
        Ok(())
    }
}

impl Sink for Kept<'_> {
    fn record(&mut self, record: &Record) -> Flow {
        if let Some(history) = &mut self.history {
            history.record(record);
        }
        if let Some(timeline) = &mut self.timeline {
            timeline.record(record);
        }
        Flow::Continue
    }
}

fn write_reports(report: &RunReport, arguments: &RunArguments) -> Result<(), CommandError> {
    for (kind, file) in &arguments.report {
        let text = match kind {
            ReportKind::Junit => report::junit(report)
                .map_err(|error| CommandError::Surroundings(format!("cannot write JUnit XML: {error}")))?,
        };
        std::fs::write(file, text).map_err(|error| cannot_write(file, &error))?;
    }
    Ok(())
}

fn cannot_write(path: &Path, error: &std::io::Error) -> CommandError {
    CommandError::Surroundings(format!("cannot write `{}`: {error}", path.display()))
}
