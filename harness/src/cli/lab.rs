//! `failover lab`: how does somebody begin with a lab, what would be done to it, and how is it put back as it was?

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use failover_sim::action::{Reversibility, Verb};
use failover_sim::names::Names;

use crate::backend::lab::RestoreError;
use crate::backend::lab::file::{LabFile, MARK};
use crate::backend::lab::ledger::{Spending, one_session, sessions};
use crate::backend::lab::reach::Lab;
use crate::backend::lab::real;
use crate::backend::lab::transport::{Place, Programs, Transport};
use crate::backend::lab::twin::{Dialect, Twin};
use crate::backend::lab::{ABLE, PACKAGE, package};
use crate::backend::{Backend, LabBackend};
use crate::guide::predict::{Predicted, topology_of};
use crate::learn::{Build, NOT_SEEN};
use crate::plan::{Overrides, Plan, path_text, quoted};
use crate::scenario::diagnostic::Diagnostics;
use crate::scenario::{Loaded, load_fitting};
use crate::words;

use super::files::{Expected, mistakes, text_of, unfit, write_all_new, write_new};
use super::preflight::SnapshotArguments;
use super::{CommandError, print};

#[derive(Debug, Args)]
pub(super) struct LabArguments {
    #[command(subcommand)]
    command: LabCommand,
}

#[derive(Debug, Subcommand)]
enum LabCommand {
    /// Write `lab.yaml`, with every action forbidden, and `topology.yaml` for a cluster, by a snapshot of it.
    Init(InitArguments),
    /// Say which scenarios can run in a lab, what each spends of what the cluster forgives, and how long it takes.
    Plan(PlanArguments),
    /// Take back what a run has left behind that was ended before it could: by its journal.
    Restore(RestoreArguments),
    /// Write the package that executions of a lab run, as a project for `catalog.deploy_project`.
    Package(PackageArguments),
}

#[derive(Debug, Args)]
struct InitArguments {
    /// The name of the cluster.
    #[arg(long, value_name = "NAME")]
    cluster: String,
    #[command(flatten)]
    snapshot: SnapshotArguments,
    /// Where to write the two files.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,
}

#[derive(Debug, Args)]
struct PlanArguments {
    /// Scenario files, folders of them, or names of standard scenarios; all standard scenarios if there is none.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The lab: a file, or `twin`.
    #[arg(long, value_name = "FILE|twin")]
    lab: PathBuf,
    /// The topology of the lab instead of each scenario's own: a file or a name, as for `run`.
    #[arg(long, value_name = "FILE|NAME")]
    topology: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct RestoreArguments {
    /// The journal that the run has kept.
    #[arg(value_name = "JOURNAL")]
    journal: PathBuf,
    /// The lab: a file, or `twin`.
    #[arg(long, value_name = "FILE|twin")]
    lab: PathBuf,
}

#[derive(Debug, Args)]
struct PackageArguments {
    /// Write the project to this file, which must not exist.
    #[arg(long, value_name = "FILE")]
    write: PathBuf,
}

pub(super) fn lab(arguments: &LabArguments) -> Result<u8, CommandError> {
    match &arguments.command {
        LabCommand::Init(arguments) => init(arguments),
        LabCommand::Plan(arguments) => plan(arguments),
        LabCommand::Restore(arguments) => restore(arguments),
        LabCommand::Package(arguments) => write_package(&arguments.write),
    }
}

/// A lab that the command line names.
#[derive(Clone)]
pub(super) struct NamedLab {
    /// What its file says; nothing for the word `twin`, which is a lab where everything is allowed.
    pub(super) file: Option<LabFile>,
    path: PathBuf,
    text: String,
}

impl NamedLab {
    pub(super) fn read(lab: &Path) -> Result<Self, CommandError> {
        let path = lab.to_owned();
        if lab == Path::new(TWIN) {
            return Ok(Self { file: None, path, text: String::new() });
        }
        let text = text_of(lab, Expected::Lab)?;
        let file = LabFile::read(&path_text(lab), &text);
        let file = file.map_err(|wrong| mistakes(&wrong, Expected::Lab))?;
        Ok(Self { file: Some(file), path, text })
    }

    /// Refuses a file with names that neither it nor one of these plans knows.
    pub(super) fn refuse_strangers<'p>(
        &self,
        plans: impl IntoIterator<Item = &'p Plan>,
    ) -> Result<(), CommandError> {
        let names: Vec<&Names> = plans.into_iter().map(|plan| &plan.names).collect();
        let strangers = self.file.as_ref().map(|file| file.strangers(&names)).unwrap_or_default();
        if strangers.is_empty() {
            return Ok(());
        }
        let wrong = Diagnostics::new(path_text(&self.path), self.text.as_str(), strangers);
        Err(mistakes(&wrong, Expected::Lab))
    }

    /// Whether real hosts answer.
    pub(super) fn is_real(&self) -> bool {
        self.file.as_ref().is_some_and(|file| file.transport.is_some())
    }

    /// Whether it has answers of its own to what nobody knows; a twin that nobody gave any takes what is assumed.
    pub(super) fn has_answers(&self) -> bool {
        self.file.as_ref().is_some_and(|file| file.transport.is_some() || !file.twin.is_empty())
    }

    /// The name by which what it teaches is kept, and the builds that it holds for.
    pub(super) fn teacher(&self) -> (String, Build) {
        let both = |word: &str| Build { windows: word.to_owned(), ssis: word.to_owned() };
        match self.file.as_ref().filter(|file| file.transport.is_some()) {
            Some(file) => {
                let said = |build: &Option<String>| build.clone().unwrap_or_else(|| NOT_SEEN.to_owned());
                (file.cluster.clone(), Build { windows: said(&file.windows), ssis: said(&file.ssis) })
            }
            // A twin is no Windows, whatever its file says.
            None => (TWIN.to_owned(), both(TWIN)),
        }
    }

    /// From where the cluster can be looked at, and its name; nothing for a twin.
    pub(super) fn place(&self) -> Option<(Place, String)> {
        let file = self.file.as_ref()?;
        let place = match file.transport? {
            // The script reaches the other machines by itself.
            Transport::Local | Transport::Winrm => Place { name: String::new(), transport: Transport::Local },
            transport @ Transport::Ssh => Place { name: file.first_host()?.to_owned(), transport },
        };
        Some((place, file.cluster.clone()))
    }

    /// By how much steps are given more time.
    pub(super) fn patience(&self) -> Option<u32> {
        self.file.as_ref().map(|file| file.patience).filter(|patience| *patience > 1)
    }

    /// The backend for it, which keeps its journals, and what its hosts say, in these folders.
    pub(super) fn backend(
        &self,
        journals: Option<PathBuf>,
        transcript: Option<PathBuf>,
    ) -> LabBackend<Box<dyn Lab>> {
        let lab: Box<dyn Lab> = match &self.file {
            Some(file) if let Some(transport) = file.transport => {
                let said = format!(" --lab {}", quoted(&path_text(&self.path)));
                real::lab(file.clone(), transport, Programs::default(), transcript, said)
            }
            Some(file) => Box::new(Twin::new(Dialect::Friendly).with_answers(file.twin.clone())),
            None => Box::new(Twin::new(Dialect::Friendly)),
        };
        let backend = LabBackend::new(lab, journals);
        match &self.file {
            Some(file) => backend.allowed_by(file.clone()),
            None => backend,
        }
    }
}

/// Refuses scenarios that together spend more than a cluster forgives at once.
pub(super) fn keep_to_one_session<L: Lab>(
    plans: &[Plan],
    backend: &LabBackend<L>,
    lab: &Path,
) -> Result<(), CommandError> {
    let runs = |plan: &&Plan| backend.abilities(plan).reason_to_skip(backend.kind()).is_none();
    let spendings: Vec<Spending> = plans.iter().filter(runs).map(Spending::of).collect();
    let is_within = backend.raises_thresholds()
        || sessions(&spendings).len() <= 1 && spendings.iter().all(Spending::is_bearable);
    if is_within {
        return Ok(());
    }
    Err(CommandError::Input(format!(
        "together these scenarios spend more than a cluster forgives: a node that is lost three times within an hour is put into \
         quarantine, and a role that has failed over too often within six hours stays failed\nhint: `failover lab plan --lab {}` \
         says which of them fit together",
        quoted(&path_text(lab))
    )))
}

fn init(arguments: &InitArguments) -> Result<u8, CommandError> {
    let snapshot = arguments.snapshot.read_of(&arguments.cluster)?;
    let topology = topology_of(&snapshot).map_err(|error| {
        let hint = "hint: `failover preflight` says what is wrong with it";
        CommandError::Surroundings(format!("{error}\n{hint}"))
    })?;
    let lab = lab_yaml(&arguments.cluster, &topology);
    let files = [("lab.yaml", lab), ("topology.yaml", topology.file())]
        .map(|(name, text)| (arguments.folder.join(name), text));
    if let Some((there, _)) = files.iter().find(|(file, _)| file.symlink_metadata().is_ok()) {
        let text = format!("nothing was written: there is already `{}`", path_text(there));
        return Err(CommandError::Input(format!("{text}\nhint: --folder names another folder")));
    }
    write_all_new(&files)?;
    let not_held =
        topology.not_held.iter().map(|one| format!("not in the topology: {}\n", words::plain(&one.told)));
    let not_seen = topology.gaps.iter().map(|gap| format!("not seen: {}\n", words::plain(gap)));
    let gaps: String = not_held.chain(not_seen).collect();
    let [lab, topology] = files.map(|(path, _)| quoted(&path_text(path)));
    print(&format!(
        "wrote {lab}\nwrote {topology}\n{gaps}\nWhat to do next:\n  allow in {lab} what may be done\n  failover lab plan --lab \
         {lab} --topology {topology}\n"
    ))?;
    Ok(0)
}

fn write_package(file: &Path) -> Result<u8, CommandError> {
    let packed = package::project();
    let bytes =
        packed.map_err(|error| CommandError::Surroundings(format!("cannot pack the project: {error}")))?;
    write_new(file, &bytes)?;
    let file = quoted(&path_text(file));
    print(&format!(
        "wrote {file}\n\nWhat to do next:\n  deploy it as project `{PACKAGE}` into the folder `{PACKAGE}` of SSISDB: docs/lab.md \
         says how\n"
    ))?;
    Ok(0)
}

/// A file that allows nothing.
fn lab_yaml(cluster: &str, predicted: &Predicted) -> String {
    let names = predicted.nodes.iter().chain(&predicted.workers);
    let hosts: String = names.map(|name| format!("  {name}: {name}\n")).collect();
    let verbs: String = ABLE.iter().map(|verb| format!("#  {}: any\n", verb.word())).collect();
    format!(
        "# The lab of the cluster {cluster}: where its hosts are, and what may be done to them.\n\
         # What is not allowed here is not begun; what a run did, it takes back in any case. Take the sharp off a line to allow it; `any` stands for every node, and\n\
         # `[ NODE1 ]` for one.\n\
         cluster: {cluster}\n\
         # (Get-Cluster).Id on a node; needed for a real lab. The cluster's Description must have the word {MARK} then.\n\
         #id: 00000000-0000-0000-0000-000000000000\n\
         # twin: the simulator answers in place of the hosts. Others: local, winrm, ssh.\n\
         transport: twin\n\
         # The machine whose Hyper-V has the nodes; `hooks` names programs instead.\n\
         #hyper_v: localhost\n\
         # Their names on the network.\n\
         hosts:\n{hosts}\
         # Others who are at work stop a run: other_roles, executions, backups, updates.\n\
         #tolerate: [ other_roles ]\n\
         # A run may raise FailoverThreshold and QuarantineThreshold, and sets them back.\n\
         #raise_thresholds: true\n\
         allow:\n{verbs}",
    )
}

fn plan(arguments: &PlanArguments) -> Result<u8, CommandError> {
    let lab = NamedLab::read(&arguments.lab)?;
    let backend = lab.backend(None, None);
    let topology = arguments.topology.as_ref().map(path_text);
    let overrides = Overrides { topology, patience: lab.patience(), ..Overrides::default() };
    let Loaded { plans, misfits, remarks } = load_fitting(&arguments.paths, None, 1, &overrides)?;
    for remark in remarks {
        print(&format!("{remark}\n"))?;
    }
    lab.refuse_strangers(&plans)?;
    let mut left_out: Vec<String> =
        misfits.iter().map(|misfit| format!("{}: {}", misfit.name, misfit.reason)).collect();
    let mut run: Vec<(&Plan, Spending)> = Vec::new();
    for plan in &plans {
        let spending = Spending::of(plan);
        match backend.abilities(plan).reason_to_skip(backend.kind()) {
            Some(reason) => left_out.push(format!("{}: {reason}", plan.name)),
            None if !spending.is_bearable() && !backend.raises_thresholds() => {
                left_out.push(format!("{}: it spends more than a cluster forgives at once", plan.name));
            }
            None => run.push((plan, spending)),
        }
    }
    let spendings: Vec<Spending> = run.iter().map(|(_, spending)| spending.clone()).collect();
    let sessions = if backend.raises_thresholds() { one_session(&spendings) } else { sessions(&spendings) };
    print(&told(&run, &sessions, &left_out))?;
    Ok(0)
}

fn told(run: &[(&Plan, Spending)], sessions: &[(Vec<usize>, Spending)], left_out: &[String]) -> String {
    let mut text = String::new();
    for (number, (members, sum)) in sessions.iter().enumerate() {
        let wait = if number == 0 { "" } else { ", six hours after the last" };
        text.push_str(&format!("session {}{wait}: {}\n", number + 1, spent(sum)));
        for &member in members {
            let (plan, spending) = &run[member];
            let words =
                |verbs: Vec<Verb>| verbs.iter().map(|verb| verb.word()).collect::<Vec<_>>().join(", ");
            let verbs: Vec<Verb> = plan.verbs().into_iter().collect();
            let is_undone = |verb: &Verb| verb.reversibility() != Reversibility::Irreversible;
            let undone: Vec<Verb> = verbs.iter().copied().filter(is_undone).collect();
            let back =
                if undone.is_empty() { String::new() } else { format!("; takes back {}", words(undone)) };
            text.push_str(&format!("  {}: {}{back}; {}\n", plan.name, words(verbs), spent(spending)));
        }
    }
    for line in left_out {
        text.push_str(&format!("not run  {line}\n"));
    }
    text.push_str(&format!("{} can run, {} cannot\n", words::counted(run.len(), "scenario"), left_out.len()));
    text
}

fn spent(spending: &Spending) -> String {
    let losses = spending.losses.iter().max().copied().unwrap_or_default();
    let longest = words::length(spending.longest);
    let times = |count: u32, what: &str| if count == 0 { String::new() } else { format!(", {what} {count}") };
    format!(
        "at most {longest}{}{}",
        times(losses, "losses of a node"),
        times(spending.failovers, "failovers that count")
    )
}

fn restore(arguments: &RestoreArguments) -> Result<u8, CommandError> {
    let mut backend = NamedLab::read(&arguments.lab)?.backend(None, None);
    let restored = backend.restore(&arguments.journal).map_err(|error| match error {
        RestoreError::Journal(error) => unfit(&arguments.journal, error, Expected::Journal),
        RestoreError::Backend(error) => CommandError::Surroundings(format!(
            "`{}`: {error}\nhint: the journal stays as it is: try again when the lab can be reached",
            path_text(&arguments.journal)
        )),
    })?;
    let mut text = match (restored.undone, restored.open.len()) {
        (0, 0) => {
            "nothing was done that is not taken back already: there is nothing to take back\n".to_owned()
        }
        (undone, _) => format!("{} taken back and verified\n", words::counted(undone, "action")),
    };
    for open in &restored.open {
        text.push_str(&format!("OPEN  {open}\n"));
    }
    print(&text)?;
    Ok(if restored.open.is_empty() { 0 } else { 4 })
}

/// The lab that is a twin.
const TWIN: &str = "twin";
