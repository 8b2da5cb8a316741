//! What exactly is going to be run and judged?
//!
//! A plan is a scenario, one of its cases, a topology, overrides and assumptions, all resolved: no name in it can be
//! unknown and no value out of range. The same plan, seed and version give the same history on the simulator.

mod family;
mod origin;
mod step;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use failover_sim::action::{Load, Verb};
use failover_sim::assumption::{Assumption, Assumptions};
use failover_sim::choices::{ChoiceKey, Choices};
use failover_sim::names::{ActionNo, HostId, Names, ResourceId, RoleId, StepNo, WorkerId};
use failover_sim::step::Shared;
use failover_sim::topology::Topology;

use crate::check::Claim;

pub use family::{Family, Order, Sometimes};
pub use origin::{Base, Lessons, Origin, Overrides};
pub use step::{
    Clause, HoldWhile, NodeWord, PlannedAction, Presented, Step, StepKind, Through, Which, WorkerClause,
};

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

impl Digest {
    fn of(text: &str) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Self(bytes)
    }
}

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
        Digest::of(&text)
    }

    /// A hash of everything that decides what a search of this plan may come to: what may be drawn for its runs too.
    pub fn search_digest(&self) -> Digest {
        Digest::of(&format!("{:?}", (self.digest(), &self.settled, &self.possible, &self.family)))
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
