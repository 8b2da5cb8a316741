//! Where in an outage is the time lost?
//!
//! One table of phases for every backend and every report. Each phase is a moment counted from the fault; a moment
//! that was not observed is left out, never guessed.

mod assumed;

use std::time::Duration;

use failover_sim::action::Verb;
use failover_sim::names::{NodeId, ResourceId, WorkerId};
use failover_sim::observe::{Answer, Fact, NodeState, Power, Record, ResourceState, Source, WorkerState};
use failover_sim::time::{Time, micros};

use crate::plan::Plan;

use assumed::Assumed;

/// The phases, in their order.
pub const PHASES: [(&str, &str); 6] = [
    ("detected", "the cluster knows: a node is down, or a resource failed or is going offline"),
    ("role_moved", "the role has another owner node"),
    ("name_online", "the network name is online on it"),
    ("endpoint_answering", "a client finishes a handshake under the network name again"),
    ("first_worker_back", "the first worker's heartbeat is answered again"),
    ("last_worker_back", "every worker's heartbeat is answered, and stays so until the next fault"),
];

/// One fault and what followed, in milliseconds since the fault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outage {
    /// The verb of the action that caused it.
    pub cause: &'static str,
    /// The node that the action was about, if it was about one.
    pub node: Option<NodeId>,
    /// When the fault happened.
    pub fault: Time,
    /// How many workers were away at once, at most.
    pub workers_away: u32,
    /// For each of [`PHASES`], when it was reached.
    pub millis: [Option<u64>; PHASES.len()],
    /// How many milliseconds of each rest on durations that nobody has measured.
    pub assumed: [u64; PHASES.len()],
    /// How many milliseconds earlier each may have been reached: nobody looked in between. Rounded up.
    pub unseen: [u64; PHASES.len()],
}

/// How an outage went for the workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutageEnd {
    /// No worker was cut off.
    Unnoticed,
    /// Every worker was connected again after so many milliseconds.
    Over(u64),
    /// Some worker was still away when the next fault came, or when the run ended.
    Open,
}

impl Outage {
    /// How it went for the workers.
    pub const fn end(&self) -> OutageEnd {
        match (self.workers_away, self.millis[LAST_WORKER_BACK]) {
            (0, _) => OutageEnd::Unnoticed,
            (1.., Some(millis)) => OutageEnd::Over(millis),
            (1.., None) => OutageEnd::Open,
        }
    }
}

/// How long the outages of a run took, by phase.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// Outages in which some worker was cut off: only these are counted in `phases`.
    pub outages: usize,
    /// Those of them that never ended: they have no last worker back, and none is made up for them.
    pub never_ended: usize,
    /// Faults that cut no worker off.
    pub unnoticed: usize,
    /// For each of [`PHASES`], how it is distributed; `None` if no outage reached it.
    pub phases: [Option<Spread>; PHASES.len()],
}

/// A distribution in milliseconds. Percentiles are values that occurred (nearest rank).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    /// Of how many outages.
    pub count: usize,
    /// Half of them took at most so long.
    pub p50: u64,
    /// 95 in 100 took at most so long.
    pub p95: u64,
    /// The longest.
    pub max: u64,
    /// How many percent of all this time rest on durations that nobody has measured.
    pub assumed: u64,
    /// How many milliseconds earlier one of them may have been reached at most: nobody looked in between.
    pub unseen: u64,
}

impl Latency {
    /// The distribution over these outages.
    pub fn of<'a>(outages: impl IntoIterator<Item = &'a Outage>) -> Self {
        let mut latency = Self::default();
        let mut reached: [Vec<u64>; PHASES.len()] = Default::default();
        let (mut assumed, mut unseen) = ([0; PHASES.len()], [0; PHASES.len()]);
        for outage in outages {
            match outage.end() {
                OutageEnd::Unnoticed => {
                    latency.unnoticed += 1;
                    continue;
                }
                OutageEnd::Over(_) => {}
                OutageEnd::Open => latency.never_ended += 1,
            }
            latency.outages += 1;
            for (values, millis) in reached.iter_mut().zip(outage.millis) {
                values.extend(millis);
            }
            for (sum, millis) in assumed.iter_mut().zip(outage.assumed) {
                *sum += millis;
            }
            for (most, millis) in unseen.iter_mut().zip(outage.unseen) {
                *most = millis.max(*most);
            }
        }
        let mut known = assumed.into_iter().zip(unseen);
        latency.phases = reached.map(|values| Spread::of(values, known.next()?));
        latency
    }
}

impl Spread {
    fn of(mut values: Vec<u64>, (assumed, unseen): (u64, u64)) -> Option<Self> {
        values.sort_unstable();
        let sum: u64 = values.iter().sum();
        let rank = |percent: usize| values[(values.len() * percent).div_ceil(100).max(1) - 1];
        let max = *values.last()?;
        let assumed = (assumed * 100).checked_div(sum).unwrap_or_default();
        Some(Self { count: values.len(), p50: rank(50), p95: rank(95), max, assumed, unseen })
    }
}

/// Follows outages through the records of a run.
#[derive(Debug)]
pub(crate) struct Phases {
    parts: Vec<Part>,
    network_name: ResourceId,
    outages: Vec<Outage>,
    owner: Option<NodeId>,
    old_owner: Option<NodeId>,
    /// The network name, and the endpoint, were seen away since the fault.
    name_away: bool,
    endpoint_away: bool,
    /// What happens now is no longer the work of the last fault.
    is_settled: bool,
    connected: Vec<bool>,
    enabled: Vec<bool>,
    away: u32,
    /// The endpoint was last seen to be served.
    endpoint_answers: bool,
    assumed: Assumed,
}

/// The part of an action in an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// It begins one.
    Fault(Verb),
    /// It belongs to the one under way: it undoes a fault, or has nothing to do with connections.
    Within,
    /// It restarts services or changes what they read: what follows is not the work of the last fault.
    Change,
}

impl Phases {
    pub(crate) fn new(plan: &Plan) -> Self {
        let parts = plan.actions.iter().enumerate().map(|(number, planned)| {
            // What `given` does happens before the cluster is steady, and is no outage of the run.
            if number < plan.given { Part::Within } else { part(planned.action.verb()) }
        });
        let enabled: Vec<bool> = plan.topology.workers.iter().map(|worker| worker.enabled).collect();
        Self {
            parts: parts.collect(),
            network_name: plan.network_name,
            outages: Vec::new(),
            owner: None,
            old_owner: None,
            name_away: false,
            endpoint_away: false,
            is_settled: false,
            connected: vec![false; enabled.len()],
            away: enabled.iter().map(|&enabled| u32::from(enabled)).sum(),
            enabled,
            endpoint_answers: false,
            assumed: Assumed::new(plan),
        }
    }

    pub(crate) fn outages(&self) -> &[Outage] {
        &self.outages
    }

    pub(crate) fn observe(&mut self, record: &Record) {
        self.assumed.advance(record.latest, self.endpoint_answers, self.away > 0);
        match record.fact {
            Fact::Acting { action, node } => match self.parts[action.index()] {
                Part::Fault(verb) => self.begin(verb, node, record.latest),
                Part::Within => {}
                Part::Change => self.is_settled |= self.away == 0,
            },
            // Another node's view: a node does not say of itself that it is gone.
            Fact::NodeState { node, state: NodeState::Down } if record.source != Source::Node(node) => {
                if let Some(outage) = self.outages.last().filter(|outage| outage.millis[DETECTED].is_none()) {
                    self.assumed.regrouped(record.latest.since(outage.fault));
                }
                self.reach(DETECTED, record);
            }
            Fact::OwnerNode { owner, .. } => {
                self.owner = Some(owner);
                if self.old_owner.is_some_and(|old| old != owner) {
                    self.reach(DETECTED, record);
                    self.reach(ROLE_MOVED, record);
                }
            }
            Fact::ResourceState { resource, state } => {
                if let Source::Node(node) = record.source {
                    self.assumed.resource(node, resource, state);
                }
                self.resource(resource, state, record);
            }
            Fact::Machine { node, power: Power::Off | Power::Frozen } => self.assumed.stopped(node),
            Fact::Endpoint { answer: Answer::Served { .. }, .. } => {
                self.endpoint_answers = true;
                if self.endpoint_away || self.has_moved() {
                    self.reach(ENDPOINT_ANSWERING, record);
                }
            }
            Fact::Endpoint { answer: Answer::Silent | Answer::Refused | Answer::NoHandshake(_), .. } => {
                self.endpoint_away = true;
                self.endpoint_answers = false;
            }
            Fact::Worker { worker, state } => self.worker(worker, state, record),
            // No phase begins with these.
            Fact::NodeState { .. }
            | Fact::NodeStatus { .. }
            | Fact::Watching { .. }
            | Fact::Unwatched(_)
            | Fact::StepsBegan
            | Fact::StepBegan(_)
            | Fact::Applied(_)
            | Fact::StepsEnded
            | Fact::RunEnded
            | Fact::Machine { power: Power::On, .. }
            | Fact::MasterMachine(_)
            | Fact::Task { .. }
            | Fact::WorkerAgent { .. }
            | Fact::Package { .. }
            | Fact::ExecutionLog { .. }
            | Fact::ReportRefused { .. }
            // Nodes and probe have shown what it tells.
            | Fact::ClusterEvent { .. } => {}
        }
    }

    fn begin(&mut self, verb: Verb, node: Option<NodeId>, fault: Time) {
        // Two faults at one moment are one outage: nothing tells which of them did what.
        if self.outages.last().is_some_and(|last| last.fault == fault) {
            return;
        }
        let (millis, nothing) = ([None; PHASES.len()], [0; PHASES.len()]);
        self.outages.push(Outage {
            cause: verb.word(),
            node,
            fault,
            workers_away: self.away,
            millis,
            assumed: nothing,
            unseen: nothing,
        });
        self.assumed.begin();
        self.old_owner = self.owner;
        self.name_away = false;
        self.endpoint_away = false;
        self.is_settled = false;
    }

    fn resource(&mut self, resource: ResourceId, state: ResourceState, record: &Record) {
        let is_name = resource == self.network_name;
        match state {
            ResourceState::OfflinePending | ResourceState::Failed => {
                self.reach(DETECTED, record);
                self.name_away |= is_name;
            }
            ResourceState::Offline | ResourceState::OnlinePending => self.name_away |= is_name,
            ResourceState::Online => {
                if is_name && (self.name_away || self.has_moved()) {
                    self.reach(NAME_ONLINE, record);
                }
            }
        }
    }

    fn worker(&mut self, worker: WorkerId, state: WorkerState, record: &Record) {
        let now = matches!(state, WorkerState::Connected { .. });
        let before = std::mem::replace(&mut self.connected[worker.index()], now);
        if now == before || !self.enabled[worker.index()] {
            return;
        }
        self.away = if now { self.away - 1 } else { self.away + 1 };
        if self.is_settled {
            return;
        }
        if now {
            self.reach(FIRST_WORKER_BACK, record);
            if self.away == 0 {
                self.reach(LAST_WORKER_BACK, record);
            }
        } else if let Some(outage) = self.outages.last_mut() {
            outage.workers_away = outage.workers_away.max(self.away);
            // One that leaves later than others came back: not everybody was back yet.
            outage.millis[LAST_WORKER_BACK] = None;
            outage.assumed[LAST_WORKER_BACK] = 0;
            outage.unseen[LAST_WORKER_BACK] = 0;
        }
    }

    fn has_moved(&self) -> bool {
        self.outages.last().is_some_and(|outage| outage.millis[ROLE_MOVED].is_some())
    }

    fn reach(&mut self, phase: usize, record: &Record) {
        if self.is_settled {
            return;
        }
        if let Some(outage) = self.outages.last_mut() {
            let assumed = self.assumed.sum();
            outage.millis[phase].get_or_insert_with(|| {
                outage.assumed[phase] = millis(assumed);
                let earliest = record.earliest.max(outage.fault);
                outage.unseen[phase] = micros(record.latest.since(earliest)).div_ceil(1_000);
                millis(record.latest.since(outage.fault))
            });
        }
    }
}

fn millis(time: Duration) -> u64 {
    micros(time) / 1_000
}

const fn part(verb: Verb) -> Part {
    match verb {
        Verb::MoveRole
        | Verb::PowerOff
        | Verb::Freeze
        | Verb::StopClusterService
        | Verb::PauseNode
        | Verb::KillService
        | Verb::HangService
        | Verb::StopService
        | Verb::KillWorker
        | Verb::HangWorker
        | Verb::StopWorker
        | Verb::Cut
        | Verb::Degrade
        | Verb::FailResource
        | Verb::DeadlockResource
        | Verb::ShutDown
        | Verb::RestartNode
        | Verb::StopResource
        | Verb::StopRole
        | Verb::DisableAdapter
        | Verb::KillClusterService => Part::Fault(verb),
        Verb::PowerOn
        | Verb::Thaw
        | Verb::StartClusterService
        | Verb::ResumeNode
        | Verb::Heal
        | Verb::StartRole
        | Verb::StartResource
        | Verb::FailWitness
        | Verb::RestoreWitness
        | Verb::DisableService
        | Verb::EnableService
        | Verb::EnableAdapter
        | Verb::DuplicateAddress
        | Verb::FreeAddress
        | Verb::FailDns
        | Verb::RestoreDns
        | Verb::RefuseDnsUpdates
        | Verb::AcceptDnsUpdates
        | Verb::RemovePossibleOwner
        | Verb::RestorePossibleOwner
        | Verb::StartService
        | Verb::StartWorker
        | Verb::EnableWorker
        | Verb::DisableWorker
        | Verb::DeleteWorker
        | Verb::FailDirectory
        | Verb::RestoreDirectory
        | Verb::IgnoreAnnouncements
        | Verb::HeedAnnouncements
        | Verb::StartExecutions => Part::Within,
        Verb::ReplaceMasterCertificate | Verb::ChangeNode | Verb::SetCluster | Verb::SetWorkers => {
            Part::Change
        }
    }
}

const DETECTED: usize = 0;
const ROLE_MOVED: usize = 1;
const NAME_ONLINE: usize = 2;
const ENDPOINT_ANSWERING: usize = 3;
const FIRST_WORKER_BACK: usize = 4;
const LAST_WORKER_BACK: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn outage(workers_away: u32, last_worker_back: Option<u64>) -> Outage {
        let mut millis = [None; PHASES.len()];
        millis[LAST_WORKER_BACK] = last_worker_back;
        Outage { cause: "power_off", workers_away, millis, ..Outage::default() }
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let outages: Vec<Outage> = (1..=20).map(|millis| outage(1, Some(millis * 100))).collect();
        let latency = Latency::of(&outages);
        let last = Spread { count: 20, p50: 1_000, p95: 1_900, max: 2_000, assumed: 0, unseen: 0 };
        assert_eq!(latency.phases[LAST_WORKER_BACK], Some(last));
        assert_eq!(latency.phases[DETECTED], None);
    }

    #[test]
    fn what_never_ended_is_told_and_not_made_up() {
        let outages = [outage(1, Some(700)), outage(3, None), outage(0, None)];
        let latency = Latency::of(&outages);
        assert_eq!((latency.outages, latency.never_ended, latency.unnoticed), (2, 1, 1));
        let last = Spread { count: 1, p50: 700, p95: 700, max: 700, assumed: 0, unseen: 0 };
        assert_eq!(latency.phases[LAST_WORKER_BACK], Some(last));
    }
}
