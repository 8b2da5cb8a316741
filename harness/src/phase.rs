//! Where in an outage is the time lost?
//!
//! One table of phases for every backend and every report. Each phase is a moment counted from the fault; a moment
//! that was not observed is left out, never guessed.

use failover_sim::action::Verb;
use failover_sim::names::{NodeId, ResourceId};
use failover_sim::observe::{Answer, Fact, NodeState, Record, ResourceState, Source, WorkerState};
use failover_sim::time::{Time, micros};

use crate::plan::Plan;

/// The phases, in their order.
pub const PHASES: [(&str, &str); 6] = [
    ("detected", "the cluster knows: a node is down, or a resource is going offline"),
    ("role_moved", "the role has another owner node"),
    ("name_online", "the network name is online on it"),
    ("endpoint_answering", "a client finishes a handshake under the network name"),
    ("first_worker_back", "the first worker's heartbeat is answered"),
    ("last_worker_back", "every worker's heartbeat is answered"),
];

/// One fault and what followed, in milliseconds since the fault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outage {
    /// The verb of the action that caused it.
    pub cause: &'static str,
    /// When the fault happened.
    pub fault: Time,
    /// For each of [`PHASES`], when it was reached.
    pub millis: [Option<u64>; PHASES.len()],
}

/// Follows outages through the records of a run.
#[derive(Debug)]
pub(crate) struct Phases {
    causes: Vec<Option<Verb>>,
    network_name: ResourceId,
    outages: Vec<Outage>,
    owner: Option<NodeId>,
    old_owner: Option<NodeId>,
    connected: Vec<bool>,
    away: usize,
}

impl Phases {
    pub(crate) fn new(plan: &Plan) -> Self {
        let cause = |verb: Verb| match verb {
            Verb::MoveRole
            | Verb::PowerOff
            | Verb::Freeze
            | Verb::StopClusterService
            | Verb::PauseNode
            | Verb::KillService
            | Verb::HangService
            | Verb::StopService
            | Verb::Cut
            | Verb::FailResource
            | Verb::KillClusterService => Some(verb),
            Verb::PowerOn
            | Verb::Thaw
            | Verb::StartClusterService
            | Verb::ResumeNode
            | Verb::Heal
            | Verb::ReplaceMasterCertificate
            | Verb::SetCluster
            | Verb::SetWorkers
            | Verb::StartExecutions => None,
        };
        Self {
            causes: plan.actions.iter().map(|planned| cause(planned.action.verb())).collect(),
            network_name: plan.network_name,
            outages: Vec::new(),
            owner: None,
            old_owner: None,
            connected: vec![false; plan.topology.workers.len()],
            away: plan.topology.workers.len(),
        }
    }

    pub(crate) fn outages(&self) -> &[Outage] {
        &self.outages
    }

    pub(crate) fn observe(&mut self, record: &Record) {
        match record.fact {
            Fact::Acting { action, .. } => {
                if let Some(verb) = self.causes[action.index()] {
                    let millis = [None; PHASES.len()];
                    self.outages.push(Outage { cause: verb.word(), fault: record.latest, millis });
                    self.old_owner = self.owner;
                }
            }
            // Another node's view: a node does not say of itself that it is gone.
            Fact::NodeState { node, state: NodeState::Down } if record.source != Source::Node(node) => {
                self.reach(DETECTED, record.latest);
            }
            Fact::ResourceState { state: ResourceState::OfflinePending, .. } => {
                self.reach(DETECTED, record.latest);
            }
            Fact::OwnerNode { owner, .. } => {
                self.owner = Some(owner);
                if self.old_owner.is_some_and(|old| old != owner) {
                    self.reach(DETECTED, record.latest);
                    self.reach(ROLE_MOVED, record.latest);
                }
            }
            Fact::ResourceState { resource, state: ResourceState::Online }
                if resource == self.network_name =>
            {
                self.reach_after(ROLE_MOVED, NAME_ONLINE, record.latest);
            }
            Fact::Endpoint { answer: Answer::Served { .. }, .. } => {
                self.reach_after(ROLE_MOVED, ENDPOINT_ANSWERING, record.latest);
            }
            Fact::Worker { worker, state } => {
                let now = matches!(state, WorkerState::Connected { .. });
                let before = std::mem::replace(&mut self.connected[worker.index()], now);
                self.away = self.away + usize::from(before) - usize::from(now);
                if now && !before {
                    self.reach_after(ROLE_MOVED, FIRST_WORKER_BACK, record.latest);
                    if self.away == 0 {
                        self.reach_after(ROLE_MOVED, LAST_WORKER_BACK, record.latest);
                    }
                }
            }
            // No phase begins with these.
            Fact::NodeState { .. }
            | Fact::ResourceState { .. }
            | Fact::Endpoint { .. }
            | Fact::Watching { .. }
            | Fact::Unwatched(_)
            | Fact::StepsBegan
            | Fact::StepBegan(_)
            | Fact::Applied(_)
            | Fact::StepsEnded
            | Fact::RunEnded
            | Fact::Machine { .. }
            | Fact::MasterMachine(_)
            | Fact::Task { .. }
            | Fact::Package { .. }
            | Fact::ReportRefused { .. } => {}
        }
    }

    fn reach(&mut self, phase: usize, moment: Time) {
        if let Some(outage) = self.outages.last_mut() {
            outage.millis[phase].get_or_insert(micros(moment.since(outage.fault)) / 1_000);
        }
    }

    fn reach_after(&mut self, earlier: usize, phase: usize, moment: Time) {
        if self.outages.last().is_some_and(|outage| outage.millis[earlier].is_some()) {
            self.reach(phase, moment);
        }
    }
}

const DETECTED: usize = 0;
const ROLE_MOVED: usize = 1;
const NAME_ONLINE: usize = 2;
const ENDPOINT_ANSWERING: usize = 3;
const FIRST_WORKER_BACK: usize = 4;
const LAST_WORKER_BACK: usize = 5;
