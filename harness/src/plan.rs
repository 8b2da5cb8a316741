//! What exactly is going to be run and judged?
//!
//! A plan is a scenario, one of its cases, a topology, overrides and assumptions, all resolved: no name in it can be
//! unknown and no value out of range. The same plan, seed and version give the same history on the simulator.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use failover_sim::action::{Action, Load, Verb};
use failover_sim::assumption::{Assumption, Assumptions};
use failover_sim::choices::{ChoiceKey, Choices};
use failover_sim::cluster::Profile;
use failover_sim::names::{
    ActionNo, CertificateId, HostId, LoadId, Names, NodeId, ResourceId, RoleId, StepNo, WorkerId,
};
use failover_sim::observe::{
    ErrorFamily, ExecutionLog, ExecutionStatus, NodeState, NodeStatus, RoleState, TaskState,
};
use failover_sim::step::Shared;
use failover_sim::topology::Topology;

use crate::check::Claim;

/// The version that is part of every run's identity.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What is run: read-only from here on.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The scenario's name: its path below the scenario folder, without the ending.
    pub name: String,
    /// Where it came from, and how to come back to it.
    pub origin: Origin,
    /// What it proves, in the words of its author.
    pub proves: String,
    /// Steps of Microsoft's guide that it is about.
    pub guide: Vec<u8>,
    /// The seed.
    pub seed: u64,
    /// Random values that are fixed.
    pub fixed: BTreeMap<ChoiceKey, u64>,
    /// What is taken for granted where nobody knows.
    pub assumptions: Assumptions,
    /// Assumptions that the scenario itself fixes: `run` does not try their other values.
    pub settled: Vec<Assumption>,
    /// For others, the answers that a lab has given: only these are possible.
    pub possible: BTreeMap<Assumption, Vec<usize>>,
    /// The texts of all identifiers.
    pub names: Names,
    /// What is there at the start.
    pub topology: Shared<Topology>,
    /// The role that the master belongs to.
    pub role: RoleId,
    /// The master's resource.
    pub master: ResourceId,
    /// The network name that workers use, as a resource.
    pub network_name: ResourceId,
    /// Sets of executions, by identifier.
    pub loads: Vec<Load>,
    /// All actions, by their number: first those of `given`, then those of the steps.
    pub actions: Vec<PlannedAction>,
    /// How many of the actions are carried out before the steps begin.
    pub given: usize,
    /// The steps, by their number.
    pub steps: Vec<Step>,
    /// What must stay true while some of the steps run.
    pub holds: Vec<HoldWhile>,
    /// Claims that are judged.
    pub claims: Vec<Claim>,
    /// Claims that must turn out false; exactly these, or the scenario fails.
    pub breaks: Vec<Claim>,
    /// The step from which on outages of workers are counted, if not the first: the faults are over.
    pub faults_over: Option<StepNo>,
    /// What an exploration may change and add; a run does not look at it.
    pub family: Option<Family>,
}

/// What an exploration may change in a scenario and add to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// What may happen besides the steps, each any number of times.
    pub faults: Vec<PlannedAction>,
    /// So many of them in a run at most.
    pub at_most: u8,
    /// The time in which they happen, from the first step on.
    pub within: Duration,
    /// With so many faults or fewer everybody is back although nothing is healed.
    pub survives: u8,
    /// Whether the actions of the steps keep their order.
    pub order: Order,
    /// What must be met in at least one run.
    pub sometimes: Vec<Sometimes>,
}

/// Whether actions keep the order in which they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// They do.
    Kept,
    /// Any order will do.
    Any,
}

/// Something that a search should meet in at least one run; it says nothing of the system under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sometimes {
    /// A fault while some worker is away because of another one.
    FaultDuringOutage,
    /// A fault while the role is on its way, neither online nor offline.
    FaultWhileRoleMoves,
    /// A worker runs a task while it has no connection.
    TaskRunsWithoutMaster,
    /// A task is handed out a second time.
    TaskHandedOutAgain,
    /// A report on a task is refused.
    ReportRefused,
    /// The master comes online on another node than the one before.
    RoleMovesAway,
    /// A worker is in the middle of a handshake when its other side goes.
    HandshakeCutOff,
    /// A report that renews a lease is on its way when the connection breaks.
    RenewalCutOff,
    /// A sweep takes a task before its worker, which still runs it, reports.
    SweptBeforeRenewal,
    /// A node or a link goes while the nodes regroup.
    LossDuringRegroup,
}

impl Sometimes {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::FaultDuringOutage,
        Self::FaultWhileRoleMoves,
        Self::TaskRunsWithoutMaster,
        Self::TaskHandedOutAgain,
        Self::ReportRefused,
        Self::RoleMovesAway,
        Self::HandshakeCutOff,
        Self::RenewalCutOff,
        Self::SweptBeforeRenewal,
        Self::LossDuringRegroup,
    ];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::FaultDuringOutage => "fault_during_outage",
            Self::FaultWhileRoleMoves => "fault_while_role_moves",
            Self::TaskRunsWithoutMaster => "task_runs_without_master",
            Self::TaskHandedOutAgain => "task_handed_out_again",
            Self::ReportRefused => "report_refused",
            Self::RoleMovesAway => "role_moves_away",
            Self::HandshakeCutOff => "handshake_cut_off",
            Self::RenewalCutOff => "renewal_cut_off",
            Self::SweptBeforeRenewal => "swept_before_renewal",
            Self::LossDuringRegroup => "loss_during_regroup",
        }
    }
}

/// Where a plan came from: enough to make it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The scenario's file as it was named.
    pub scenario_file: String,
    /// Its text.
    pub scenario_text: String,
    /// The topology's file.
    pub topology_file: String,
    /// Its text.
    pub topology_text: String,
    /// The topology that it is based on, if it is.
    pub base: Option<Base>,
    /// What the files say that the topology names: settings as text, certificates as the digits of their DER form.
    pub files: BTreeMap<String, String>,
    /// What the command line said on top.
    pub overrides: Overrides,
}

/// A topology that another one is based on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// Its file.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// What a command line or a caller says on top of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Another number of workers in the topology's first group.
    pub workers: Option<u32>,
    /// Answers to assumptions, by their words.
    pub assume: BTreeMap<String, String>,
    /// Other values of cluster properties, by Windows' names.
    pub set: BTreeMap<String, String>,
    /// The defaults of another version of Windows.
    pub profile: Option<Profile>,
    /// The file of a topology that takes the place of the scenario's own.
    pub topology: Option<String>,
    /// The one case of the scenario that is meant.
    pub case: Option<String>,
    /// By how much `lab.yaml` stretches the `within` of every step.
    pub patience: Option<u32>,
    /// What labs have taught.
    pub learned: Lessons,
}

/// What labs have taught about what nobody knows, for one build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lessons {
    /// The file that it stands in, as a command line says it.
    pub file: String,
    /// The build, as a command line says it, if it had to.
    pub build: Option<String>,
    /// The builds that the answers hold for, in words.
    pub hold_for: String,
    /// The answers that were seen.
    pub answers: BTreeMap<Assumption, Vec<usize>>,
}

impl Overrides {
    /// The options of the replay line that say the same.
    pub fn options(&self) -> String {
        let mut text = String::new();
        if let Some(workers) = self.workers {
            text.push_str(&format!(" --workers {workers}"));
        }
        for (assumption, value) in &self.assume {
            text.push_str(&format!(" --assume {assumption}={value}"));
        }
        for (property, value) in &self.set {
            text.push_str(&format!(" --set {property}={value}"));
        }
        if let Some(profile) = self.profile {
            text.push_str(&format!(" --profile {}", profile.word()));
        }
        if let Some(topology) = &self.topology {
            text.push_str(&format!(" --topology {}", quoted(topology)));
        }
        if let Some(case) = &self.case {
            text.push_str(&format!(" --case {case}"));
        }
        if !self.learned.file.is_empty() {
            text.push_str(&format!(" --learned {}", quoted(&self.learned.file)));
        }
        if let Some(build) = &self.learned.build {
            text.push_str(&format!(" --build {}", quoted(build)));
        }
        text
    }
}

/// An action with the place where it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedAction {
    /// What is done.
    pub action: Action<NodeWord>,
    /// The line of the scenario file.
    pub line: u32,
}

/// How a scenario says which node it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeWord {
    /// By its name in the topology.
    Named(NodeId),
    /// `owner`: the present owner of the master's role.
    Owner,
    /// `standby`: the one node that could own it and does not.
    Standby,
    /// `first_owner`: the owner when the steps began.
    FirstOwner,
    /// `first_standby`: the standby when the steps began.
    FirstStandby,
}

impl NodeWord {
    /// The reserved words.
    pub const RESERVED: [(&'static str, Self); 4] = [
        ("owner", Self::Owner),
        ("standby", Self::Standby),
        ("first_owner", Self::FirstOwner),
        ("first_standby", Self::FirstStandby),
    ];
}

/// A step of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it is.
    pub kind: StepKind,
    /// The line of the scenario file.
    pub line: u32,
}

/// What a step is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// Something is done.
    Act(ActionNo),
    /// All of this must be true at one moment within this time.
    Expect {
        /// How long to wait.
        within: Duration,
        /// What must be true.
        clauses: Vec<Clause>,
    },
    /// All of this must be true, and stay true for this time.
    Hold {
        /// How long.
        time: Duration,
        /// What must stay true.
        clauses: Vec<Clause>,
    },
    /// Time passes.
    Pause(Duration),
}

/// All of this must be true from the beginning of one step to the end of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldWhile {
    /// What must stay true.
    pub clauses: Vec<Clause>,
    /// The first of the steps.
    pub first: StepNo,
    /// The last of them.
    pub last: StepNo,
    /// The line of the scenario file.
    pub line: u32,
}

/// Something that an operator or a client could see to be true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clause {
    /// About a role.
    Role {
        /// Which one.
        role: RoleId,
        /// Its state on its owner node.
        state: Option<RoleState>,
        /// Its owner node.
        owner: Option<NodeWord>,
    },
    /// About a node, as the owner of the master's role sees it.
    Node {
        /// Which one.
        node: NodeWord,
        /// Its state.
        state: Option<NodeState>,
        /// What its status information adds.
        status: Option<NodeStatus>,
    },
    /// About all nodes, as far as everybody who can be asked agrees.
    Nodes {
        /// How many of them.
        which: Which,
        /// Their state.
        state: NodeState,
    },
    /// About what a client meets under the network name.
    Endpoint {
        /// Who answers.
        served_by: Option<NodeWord>,
        /// What certificate it presents.
        certificate: Option<Presented>,
    },
    /// About the workers.
    Workers {
        /// How many of them.
        which: Which,
        /// How they must be.
        state: WorkerClause,
    },
    /// About the tasks of a set of executions.
    Tasks {
        /// Which set.
        of: LoadId,
        /// How many of them.
        which: Which,
        /// Their state.
        state: Option<TaskState>,
        /// How often they were handed out.
        executed_count: Option<u8>,
        /// The status of their executions.
        execution: Option<ExecutionStatus>,
        /// Where the messages of their packages are.
        messages: Option<ExecutionLog>,
    },
    /// About the workers' reports on the tasks of a set of executions.
    Reports {
        /// Which set.
        of: LoadId,
        /// Of how many of its tasks.
        which: Which,
        /// A report was refused with this number.
        refused_with: u16,
    },
}

/// Of how many things something must be true; the set of things is never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Which {
    /// Of all of them.
    Every,
    /// Of at least one.
    Any,
    /// Of no one.
    None,
}

/// How a worker must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerClause {
    /// Connected.
    Connected {
        /// Through this kind of host name.
        through: Option<Through>,
        /// To the master on this node.
        served_by: Option<NodeWord>,
    },
    /// Without a connection, for whatever reason.
    Disconnected,
    /// Refused.
    Refused {
        /// With this error in its log.
        error: Option<ErrorFamily>,
    },
}

/// The kind of host name that a worker connects through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Through {
    /// The network name of the role.
    NetworkName,
    /// The name or address of one node.
    NodeName,
}

/// Which certificate is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// The one that the workers pin.
    Pinned,
    /// Another one than the workers pin.
    NotPinned,
    /// This one.
    Named(CertificateId),
}

/// What identifies a run; as text it is the line that replays it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunId {
    /// The version of this program.
    pub version: &'static str,
    /// The hash of the plan.
    pub plan: Digest,
    /// The seed.
    pub seed: u64,
}

/// SHA-256 over a plan.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Plan {
    /// What identifies a run of this plan.
    pub fn id(&self) -> RunId {
        RunId { version: VERSION, plan: self.digest(), seed: self.seed }
    }

    /// A hash of everything that decides what happens, but the seed and the version.
    pub fn digest(&self) -> Digest {
        // The derived debug text of plain data names every field and value once, in a fixed order.
        let text = format!(
            "{:?}",
            (
                (&self.name, &self.names, &self.topology, &self.role, &self.loads),
                (&self.actions, self.given, &self.steps, &self.holds, &self.claims, &self.breaks),
                (&self.fixed, &self.assumptions, self.faults_over),
            )
        );
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Digest(bytes)
    }

    /// The numbers of the answers to a question that are possible; one where the scenario, the command line or a lab says it.
    pub fn possible_answers(&self, assumption: Assumption) -> Vec<usize> {
        if self.settled.contains(&assumption) {
            return vec![self.assumptions.value(assumption)];
        }
        match self.possible.get(&assumption) {
            Some(answers) => answers.clone(),
            None => (0..assumption.question().values.len()).collect(),
        }
    }

    /// The random values and assumptions of a run of this plan.
    pub fn choices(&self) -> Choices {
        Choices::new(self.seed, self.fixed.clone(), self.assumptions)
    }

    /// The line that replays a run of this plan on a backend.
    pub fn replay(&self, backend: &str) -> String {
        let backend = if backend == "sim" { String::new() } else { format!(" --backend {backend}") };
        format!(
            "failover run {} --seed {}{backend}{}",
            quoted(&self.origin.scenario_file),
            self.seed,
            self.origin.overrides.options()
        )
    }

    /// The name of the scenario, without the case.
    pub fn scenario_name(&self) -> &str {
        match &self.origin.overrides.case {
            Some(_) => self.name.rsplit_once('[').map_or(self.name.as_str(), |(name, _)| name),
            None => &self.name,
        }
    }

    /// The first worker that is a program of somebody else's.
    pub fn program(&self) -> Option<&str> {
        let workers = &self.topology.workers;
        let place = workers.iter().position(|worker| worker.program.is_some())?;
        Some(self.names.worker(WorkerId(place as u32)))
    }

    /// The action with this number.
    pub fn action(&self, number: ActionNo) -> &PlannedAction {
        &self.actions[number.index()]
    }

    /// The step with this number.
    pub fn step(&self, number: StepNo) -> &Step {
        &self.steps[number.index()]
    }

    /// Whether the scenario speaks of the standby, and how many standbys the role can have.
    pub fn standbys(&self) -> (bool, usize) {
        let is_standby = |word: NodeWord| matches!(word, NodeWord::Standby | NodeWord::FirstStandby);
        let mut is_spoken_of = false;
        let mut look = |word: NodeWord| -> Result<NodeWord, std::convert::Infallible> {
            is_spoken_of |= is_standby(word);
            Ok(word)
        };
        for planned in &self.actions {
            // Nothing is resolved: every word is looked at.
            let Ok(_) = planned.action.resolve(&mut look);
        }
        let clauses = self.steps.iter().flat_map(|step| crate::picture::clauses(&step.kind));
        for clause in clauses.chain(self.holds.iter().flat_map(|hold| &hold.clauses)) {
            let words = match clause {
                Clause::Role { owner: word, .. }
                | Clause::Endpoint { served_by: word, .. }
                | Clause::Workers { state: WorkerClause::Connected { served_by: word, .. }, .. } => *word,
                Clause::Node { node, .. } => Some(*node),
                Clause::Workers {
                    state: WorkerClause::Disconnected | WorkerClause::Refused { .. }, ..
                }
                | Clause::Nodes { .. }
                | Clause::Tasks { .. }
                | Clause::Reports { .. } => None,
            };
            is_spoken_of |= words.is_some_and(is_standby);
        }
        let owners = self.topology.cluster.possible_owners(self.role);
        (is_spoken_of, owners.len().saturating_sub(1))
    }

    /// Takes actions of steps out, with their steps; the others keep their moments and get other numbers.
    pub fn leave_out(&mut self, actions: &[ActionNo]) {
        let is_out = |number: &ActionNo| actions.contains(number);
        let kept: Vec<usize> =
            (0..self.actions.len()).filter(|index| !is_out(&ActionNo(*index as u16))).collect();
        let faults_over = self.faults_over;
        let steps = std::mem::take(&mut self.steps);
        for (index, mut step) in steps.into_iter().enumerate() {
            if let StepKind::Act(number) = &mut step.kind {
                if is_out(number) {
                    continue;
                }
                *number = ActionNo(kept.partition_point(|kept| *kept < number.index()) as u16);
            }
            if faults_over.is_some_and(|step| step.index() == index) {
                self.faults_over = Some(StepNo(self.steps.len() as u16));
            }
            // Two pauses with nothing between them are one.
            match (self.steps.last_mut().map(|last| &mut last.kind), &step.kind) {
                (Some(StepKind::Pause(before)), StepKind::Pause(time)) => *before += *time,
                (_, _) => self.steps.push(step),
            }
        }
        self.actions = kept.iter().map(|index| self.actions[*index]).collect();
    }

    /// The verbs that a backend must be able to carry out.
    pub fn verbs(&self) -> Vec<Verb> {
        let mut verbs: Vec<Verb> = self.actions.iter().map(|planned| planned.action.verb()).collect();
        verbs.sort_unstable();
        verbs.dedup();
        verbs
    }

    /// Whether a worker that uses this host name uses the network name.
    pub fn through(&self, host: HostId) -> Through {
        if host == self.topology.endpoint { Through::NetworkName } else { Through::NodeName }
    }
}

/// A path as it is told: with `/` on every system, as in the names of scenarios, so that reports and the lines that
/// replay a run are the same everywhere. Windows takes it as well, except behind `\\?\`.
pub(crate) fn path_text(path: impl AsRef<Path>) -> String {
    let text = path.as_ref().display().to_string();
    if cfg!(windows) && !text.starts_with(r"\\?\") { text.replace('\\', "/") } else { text }
}

/// A file name as a shell takes it.
pub(crate) fn quoted(file: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c);
    if file.chars().all(plain) { file.to_owned() } else { format!("'{}'", file.replace('\'', r"'\''")) }
}
