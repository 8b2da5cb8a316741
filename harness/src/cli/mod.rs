//! What does the command line take, and what does it answer?
//!
//! Results go to standard output, progress and errors to standard error.

mod anonymise;
mod bench;
mod collect;
mod demo;
mod explain;
mod explore;
mod files;
mod judge;
mod lab;
mod learn;
mod new;
mod predict;
mod preflight;
mod probe;
mod run;
mod score;
mod stop;
mod twin;
mod validate;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use failover_sim::cluster::Profile;

use crate::backend::BackendKind;
use crate::plan::{Overrides, path_text};
use crate::scenario::answer::answer;
use crate::scenario::diagnostic::{Fault, Paint};
use crate::scenario::setting::check_setting;
use crate::scenario::tree::Span;
use crate::scenario::{LoadError, standard};

/// Test whether SSIS Scale Out workers survive a failover of their master.
#[derive(Debug, Parser)]
#[command(name = "failover", bin_name = "failover", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenarios and judge them.
    Run(Box<RunArguments>),
    /// Search the timings, orders and unknowns of scenarios for one that breaks a claim.
    Explore(Box<explore::ExploreArguments>),
    /// Add up reports that parts of an exploration wrote.
    Merge(explore::MergeArguments),
    /// Plant defects in the model, and tell which scenarios notice which of them.
    Score(score::ScoreArguments),
    /// Judge a history again that `run --histories` wrote.
    Judge(JudgeArguments),
    /// Read scenarios and topologies, and show every mistake in them.
    Validate(ValidateArguments),
    /// List the standard scenarios, the topologies and everything that `explain` explains.
    List,
    /// Explain a word: a verb, subject, claim, assumption, error, phase, step of the guide or exit code.
    Explain(ExplainArguments),
    /// Print the JSON Schema of scenarios, of topologies, of `lab.yaml` or of what labs have taught, for editors.
    Schema(SchemaArguments),
    /// Break a cluster in the simulator, and explain what happened.
    Demo,
    /// Print the script that makes a snapshot of a cluster; it reads and changes nothing.
    Collect(collect::CollectArguments),
    /// Print a snapshot with other names, addresses and thumbprints, in which the same is right and wrong.
    Anonymise(anonymise::AnonymiseArguments),
    /// Say which steps of the guide were done on a cluster, and what will be seen where one was not.
    Preflight(preflight::PreflightArguments),
    /// Say what will happen to a cluster when a node is lost or its role moves, by the simulator.
    Predict(predict::PredictArguments),
    /// Write a starter topology, a scenario and CI files into a folder.
    New(NewArguments),
    /// Measure for how long faults cut workers off.
    Bench(bench::BenchArguments),
    /// Say what has changed between two measurements of `bench`, and how sure that is.
    Compare(bench::CompareArguments),
    /// Measure from outside how available an endpoint is, and what certificates it presents.
    Probe(probe::ProbeArguments),
    /// Begin with a lab, plan what is done to it, and put it back as it was.
    Lab(lab::LabArguments),
    /// Keep a cluster running behind real HTTPS on loopback, for clients of your own, or tell it what to do.
    Twin(twin::TwinArguments),
}

#[derive(Clone, Debug, Args)]
struct RunArguments {
    /// Scenario files, folders of them, or names of standard scenarios; all standard scenarios if there is none. What exists goes
    /// before a standard name, with or without `.yaml`; `standard:NAME` is always standard.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// A suite of standard scenarios: cluster, model, or first, one planned move there and back to begin with in a lab.
    #[arg(long, value_name = "NAME", conflicts_with = "paths", value_parser = suite)]
    suite: Option<String>,
    /// Run so many scenarios at once; only on the simulator.
    #[arg(long, default_value_t = 1, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// Where to run them.
    #[arg(long, value_enum, default_value_t, value_name = "WHERE")]
    backend: BackendKind,
    /// Which lab: `lab.yaml`, or `twin`, which is a model of the lab's hosts behind the real session protocol.
    #[arg(long, value_name = "FILE|twin")]
    lab: Option<PathBuf>,
    /// Keep the journals of what is done to a lab in this folder, for `lab restore`. A run in a real lab keeps them in any case,
    /// with what was said, the histories and the reports, in a folder of its own below `lab-runs`.
    #[arg(long, value_name = "FOLDER")]
    journals: Option<PathBuf>,
    /// The seed of every random value.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    overrides: OverrideArguments,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Write a report besides, of the kind json, jsonl, junit, markdown, github or html; the file `-` is standard
    /// output, where only github stands beside the text for people. Can be given several times.
    #[arg(long, value_name = "KIND=FILE", value_parser = report_file)]
    report: Vec<(ReportKind, PathBuf)>,
    /// Keep every run's history in this folder, for `judge`.
    #[arg(long, value_name = "FOLDER")]
    histories: Option<PathBuf>,
    /// Keep what the lab says about what nobody knows in this file, with its builds; what stands in it already stays.
    #[arg(long, value_name = "FILE")]
    learn: Option<PathBuf>,
    /// Print what happened, line by line, before the report.
    #[arg(short, long)]
    verbose: bool,
}

#[derive(Clone, Debug, Args)]
struct OverrideArguments {
    /// Another number of workers in the topology's first group.
    #[arg(long, value_name = "COUNT")]
    workers: Option<u32>,
    /// Take an answer for granted where nobody knows. Can be given several times.
    #[arg(long, value_name = "ASSUMPTION=VALUE", value_parser = pair)]
    assume: Vec<(String, String)>,
    /// Another topology than each scenario asks for: a file, or a name, which is one in the folder `topologies` here or a
    /// standard one.
    #[arg(long, value_name = "FILE|NAME")]
    topology: Option<PathBuf>,
    /// Set the number of workers, or a cluster property such as SameSubnetThreshold. Can be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = set)]
    set: Vec<(String, String)>,
    /// The defaults of another version of Windows.
    #[arg(long, value_name = "WORD", value_parser = profiles())]
    profile: Option<Profile>,
    /// One case of a scenario that has several.
    #[arg(long, value_name = "NAME")]
    case: Option<String>,
    #[command(flatten)]
    learned: LearnedArguments,
}

#[derive(Clone, Debug, Default, Args)]
struct LearnedArguments {
    /// Take what labs have taught for what is possible: a file that `run --learn` wrote.
    #[arg(long, value_name = "FILE")]
    learned: Option<PathBuf>,
    /// The build of Windows or of SSIS whose answers count, where the file has several; both as WINDOWS/SSIS.
    #[arg(long, value_name = "BUILD", requires = "learned")]
    build: Option<String>,
}

impl OverrideArguments {
    fn overrides(&self) -> Result<Overrides, CommandError> {
        self.assume.iter().try_for_each(|(id, word)| check_answer(id, word))?;
        refuse_twice("--assume", self.assume.iter().map(|(id, _)| id.as_str()))?;
        let workers = self.workers.map(|_| WORKERS);
        refuse_twice("--set", self.set.iter().map(|(key, _)| key.as_str()).chain(workers))?;
        let workers = self.set.iter().rfind(|(key, _)| key == WORKERS);
        Ok(Overrides {
            workers: self.workers.or_else(|| workers.and_then(|(_, count)| count.parse().ok())),
            assume: self.assume.iter().cloned().collect(),
            set: self.set.iter().filter(|(key, _)| key != WORKERS).cloned().collect(),
            profile: self.profile,
            topology: self.topology.as_ref().map(path_text),
            case: self.case.clone(),
            patience: None,
            learned: learn::lessons(&self.learned)?,
        })
    }
}

#[derive(Debug, Args)]
struct JudgeArguments {
    /// The history.
    #[arg(value_name = "HISTORY")]
    file: PathBuf,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
struct ValidateArguments {
    /// Files of scenarios or topologies, or folders of them.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

#[derive(Debug, Args)]
struct ExplainArguments {
    /// The word: `power_off`, `workers_reconnect`, `step 4`, `exit 3`, …
    #[arg(required_unless_present = "markdown", value_name = "NAME")]
    name: Vec<String>,
    /// Print docs/language.md instead: everything that can be explained.
    #[arg(long, conflicts_with = "name")]
    markdown: bool,
}

#[derive(Debug, Args)]
struct SchemaArguments {
    /// Of which files.
    #[arg(value_enum, default_value_t, value_name = "KIND")]
    kind: SchemaKind,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum SchemaKind {
    /// Of scenarios.
    #[default]
    Scenario,
    /// Of topologies.
    Topology,
    /// Of `lab.yaml`.
    Lab,
    /// Of what labs have taught, as `run --learn` keeps it.
    Learned,
}

#[derive(Debug, Args)]
struct NewArguments {
    /// The folder; it may exist, but none of the files.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// One JSON line for each scenario or attempt, and the totals last.
    Jsonl,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReportKind {
    Json,
    Jsonl,
    Junit,
    Markdown,
    Github,
    Html,
}

impl ReportKind {
    const ALL: [Self; 6] = [Self::Json, Self::Jsonl, Self::Junit, Self::Markdown, Self::Github, Self::Html];

    const fn word(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Junit => "junit",
            Self::Markdown => "markdown",
            Self::Github => "github",
            Self::Html => "html",
        }
    }
}

impl ValueEnum for BackendKind {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Sim, Self::Loopback, Self::Lab]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        let help = match self {
            Self::Sim => "in the model, in virtual time",
            Self::Loopback => "behind real HTTPS on loopback",
            Self::Lab => "in a Windows cluster",
        };
        Some(clap::builder::PossibleValue::new(self.word()).help(help))
    }
}

fn report_file(text: &str) -> Result<(ReportKind, PathBuf), String> {
    let (kind, file) = pair(text)?;
    match ReportKind::ALL.into_iter().find(|known| known.word() == kind) {
        Some(kind) => Ok((kind, PathBuf::from(file))),
        None => {
            let words = ReportKind::ALL.map(ReportKind::word).join(", ");
            Err(format!("there is no report `{kind}`: expected one of {words}"))
        }
    }
}

fn set(text: &str) -> Result<(String, String), String> {
    let (key, value) = pair(text)?;
    match key.as_str() {
        WORKERS => {
            let count: Result<u32, _> = value.parse();
            count.map_err(|_| format!("`workers`: expected a whole number, found `{value}`"))?;
        }
        _ => check_setting(&key, &value)?,
    }
    Ok((key, value))
}

/// Whether there is such a question, and such an answer to it.
fn check_answer(id: &str, word: &str) -> Result<(), CommandError> {
    let nowhere = Span::default();
    let wrong = |fault: Fault| {
        let hint = fault.hint.unwrap_or(fault.label);
        CommandError::Input(format!("`--assume {id}={word}`: {}\nhint: {hint}", fault.message))
    };
    answer(id, word, (nowhere, nowhere)).map(drop).map_err(wrong)
}

/// Refuses to take one of two answers in silence.
fn refuse_twice<'k>(option: &str, keys: impl Iterator<Item = &'k str>) -> Result<(), CommandError> {
    let mut seen = BTreeSet::new();
    let Some(twice) = keys.into_iter().find(|key| !seen.insert(*key)) else { return Ok(()) };
    let or = if twice == WORKERS { ", or by `--workers` too" } else { "" };
    Err(CommandError::Input(format!("`{option} {twice}=` is given twice{or}\nhint: leave one of them out")))
}

fn profiles() -> impl TypedValueParser<Value = Profile> {
    let parser = PossibleValuesParser::new(Profile::ALL.map(Profile::word));
    parser.try_map(|word| Profile::by_word(&word).ok_or("there is no such profile"))
}

fn suite(text: &str) -> Result<String, String> {
    let suites = standard::suites();
    let suites: Vec<&str> = suites.into_iter().chain([standard::FIRST.0]).collect();
    if suites.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(format!("there is no suite `{text}`: expected one of {}", suites.join(", ")))
}

fn pair(text: &str) -> Result<(String, String), String> {
    let found = text.split_once('=').filter(|(name, value)| !name.is_empty() && !value.is_empty());
    found
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "expected a name, `=` and a value".to_owned())
}

/// Runs the program with the arguments of its process.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are answers; everything else is a mistake in the arguments.
            let code = if error.use_stderr() { INPUT } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let answer = match arguments.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Explore(arguments) => explore::explore(&arguments),
        Command::Merge(arguments) => explore::merge(&arguments),
        Command::Score(arguments) => score::score(&arguments),
        Command::Judge(arguments) => judge::judge(&arguments),
        Command::Validate(arguments) => validate::validate(&arguments),
        Command::List => explain::list(),
        Command::Explain(arguments) => explain::explain(&arguments),
        Command::Schema(arguments) => explain::schema(&arguments),
        Command::Demo => demo::demo(),
        Command::Collect(arguments) => collect::collect(&arguments),
        Command::Anonymise(arguments) => anonymise::anonymise(&arguments),
        Command::Preflight(arguments) => preflight::preflight(&arguments),
        Command::Predict(arguments) => predict::predict(&arguments),
        Command::New(arguments) => new::new(&arguments),
        Command::Bench(arguments) => bench::bench(&arguments),
        Command::Compare(arguments) => bench::compare(&arguments),
        Command::Probe(arguments) => probe::probe(&arguments),
        Command::Lab(arguments) => lab::lab(&arguments),
        Command::Twin(arguments) => twin::twin(&arguments),
    };
    match answer {
        Ok(code) => ExitCode::from(code),
        Err(error) => ExitCode::from(ended_with(0, [error])),
    }
}

/// What the program ends with whose answer is told and that failed besides: tells why, and takes the graver of both.
fn ended_with(code: u8, failed: impl IntoIterator<Item = CommandError>) -> u8 {
    let gravity = |code: &u8| GRAVER_LAST.iter().position(|known| known == code);
    let tell = |error: CommandError| {
        let _ = std::io::stderr().lock().write_all(error.text().as_bytes());
        error.code()
    };
    failed.into_iter().map(tell).chain([code]).max_by_key(gravity).unwrap_or(code)
}

/// The key of `--set` that is no property of the cluster.
const WORKERS: &str = "workers";

/// Exit code of a mistake in the input.
const INPUT: u8 = 2;
/// Exit code of surroundings that fail.
const SURROUNDINGS: u8 = 3;

/// Exit code of a lab that is not as it was found.
const NOT_RESTORED: u8 = 4;

/// The exit codes, of several the last.
const GRAVER_LAST: [u8; 5] = [0, SURROUNDINGS, 1, INPUT, NOT_RESTORED];

/// Why a command came to no verdict.
#[derive(Debug)]
enum CommandError {
    /// The input is wrong.
    Load(LoadError),
    /// The input is wrong, and every mistake is told with its place already.
    Shown(String),
    /// The input is wrong in one sentence.
    Input(String),
    /// The surroundings fail.
    Surroundings(String),
    /// A lab is not as it was found.
    NotRestored(String),
}

impl CommandError {
    fn text(&self) -> String {
        match self {
            Self::Load(LoadError::Mistakes(files)) => {
                let paint = paint();
                files.iter().map(|file| file.render(paint)).collect::<Vec<_>>().join("\n")
            }
            Self::Load(error) => format!("error: {error}\n"),
            Self::Shown(text) => text.clone(),
            Self::Input(text) | Self::Surroundings(text) | Self::NotRestored(text) => {
                format!("error: {text}\n")
            }
        }
    }

    const fn code(&self) -> u8 {
        match self {
            Self::Load(_) | Self::Shown(_) | Self::Input(_) => INPUT,
            Self::Surroundings(_) => SURROUNDINGS,
            Self::NotRestored(_) => NOT_RESTORED,
        }
    }
}

impl From<LoadError> for CommandError {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

/// Colour only on a terminal that wants it.
fn paint() -> Paint {
    use std::io::IsTerminal;
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if std::io::stderr().is_terminal() && !unwanted { Paint::Coloured } else { Paint::Plain }
}

/// Prints a result. A reader that has gone away is no mistake of ours.
fn print(text: &str) -> Result<(), CommandError> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(CommandError::Surroundings(format!("cannot write to standard output: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
