//! What was seen of a run, in a form that another run can be held against?
//!
//! For each thing that is looked at, the states that it went through; and the times that its watchers can vouch for.
//! Nothing in it depends on names of certificates or on who a client thinks that it talks to.

use std::collections::BTreeMap;
use std::time::Duration;

use failover_sim::cluster::ResourceKind;
use failover_sim::names::{NodeId, ResourceId, RoleId, WorkerId};
use failover_sim::observe::{
    Answer, ErrorFamily, Fact, Loss, NodeState, NodeStatus, Record, ResourceState, Source, Watch, WorkerState,
};
use failover_sim::time::{Time, micros};

use crate::check::Outcome;
use crate::judge::Judgement;
use crate::latency::{Failover, Saved};
use crate::phase::PHASES;
use crate::plan::Plan;

/// A thing that has states, as one of those who look sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Subject {
    Worker(WorkerId),
    Endpoint,
    Node { seen_by: NodeId, node: NodeId },
    Status { seen_by: NodeId, node: NodeId },
    Resource { seen_by: NodeId, resource: ResourceId },
    Owner { seen_by: NodeId, role: RoleId },
}

/// A state of one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nobody has said: it may be any.
    Unsaid,
    Starting,
    Connected(NodeId),
    Lost(Loss),
    Refused(ErrorFamily),
    Silent,
    NobodyListens,
    NoHandshake,
    Served,
    Node(NodeState),
    Status(NodeStatus),
    Resource(ResourceState),
    Owner(NodeId),
}

/// A state that something was in for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stay {
    pub(super) state: State,
    /// How long; the first and the last last for ever.
    pub(super) time: Duration,
    /// It began so late in the run that another run may have been over by then.
    pub(super) is_late: bool,
}

impl Stay {
    pub(super) const fn first(state: State) -> Self {
        Self { state, time: Duration::MAX, is_late: false }
    }
}

/// A time that a run shows, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Lapse {
    /// From the fault to a phase of the cluster.
    Phase(usize),
    /// From the fault to the moment when a worker sees that its connection is gone.
    Noticed,
    /// From the moment when the endpoint answers to a worker's return: no resource is on its way any more.
    Return,
}

/// What was seen of a run.
#[derive(Clone, Debug, Default)]
pub struct Sighting {
    pub(super) states: BTreeMap<Subject, Vec<Stay>>,
    /// Each time with its bounds.
    pub(super) lapses: Vec<(Lapse, i64, i64)>,
    /// How often somebody looked at least, where it was said.
    pub(super) often: BTreeMap<Watch, Duration>,
    /// The verdict, if there was one.
    pub(super) outcome: Option<Outcome>,
}

impl Sighting {
    /// What the records of a run show, from its first step on.
    pub fn of(plan: &Plan, records: &[Record], judgement: &Judgement) -> Self {
        let outcome = match judgement.outcome {
            outcome @ (Outcome::Pass | Outcome::Fail) => Some(outcome),
            Outcome::Inconclusive => None,
        };
        let mut sighting = Self { outcome, ..Self::default() };
        sighting.take_states(plan, records);
        sighting.take_lapses(records, judgement);
        sighting
    }

    /// The times that a measurement has kept of one of its failovers.
    pub fn of_failover(saved: &Saved, failover: &Failover) -> Self {
        let mut sighting = Self::default();
        let bounds = |row: &str, micros: u64| {
            let (latest, unseen) = (signed(micros), saved.known_to(row).map(signed)?);
            Some((latest.saturating_sub(unseen), latest))
        };
        let mut answering = None;
        for (phase, (name, _)) in PHASES.iter().enumerate() {
            let reached = failover.phases_ms.get(phase).copied().flatten();
            let Some((least, most)) = reached.and_then(|millis| bounds(name, millis * 1_000 + 999)) else {
                continue;
            };
            sighting.lapses.push((Lapse::Phase(phase), least, most));
            if *name == "endpoint_answering" {
                answering = Some((least, most));
            }
        }
        for times in &failover.workers {
            if let Some((least, most)) = times.noticed.and_then(|noticed| bounds("worker_noticed", noticed)) {
                sighting.lapses.push((Lapse::Noticed, least, most));
            }
            let back = times.back.and_then(|back| bounds("worker_back", back));
            if let (Some(back), Some(answering)) = (back, answering) {
                sighting.lapses.push((Lapse::Return, back.0 - answering.1, back.1 - answering.0));
            }
        }
        sighting
    }

    /// Whether it shows anything that another run could be held against.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty() && self.lapses.is_empty()
    }

    fn take_states(&mut self, plan: &Plan, records: &[Record]) {
        let moment =
            |wanted: Fact| records.iter().find(|record| record.fact == wanted).map(|record| record.latest);
        let Some(began) = moment(Fact::StepsBegan) else { return };
        let ended = moment(Fact::StepsEnded).unwrap_or(began);
        let late =
            (began + ended.since(began) / 2).max(Time::ZERO + ended.since(Time::ZERO).saturating_sub(LATE));
        let mut last: BTreeMap<Subject, (State, Time)> = BTreeMap::new();
        let mut has_begun = false;
        for record in records {
            if record.fact == Fact::StepsBegan {
                has_begun = true;
                let known = last.iter();
                self.states =
                    known.map(|(subject, (state, _))| (*subject, vec![Stay::first(*state)])).collect();
            }
            self.take_look(record.fact, has_begun);
            let Some((subject, state)) = told(plan, record.source, record.fact) else { continue };
            let before = last.insert(subject, (state, record.latest));
            if !has_begun || before.is_some_and(|(before, _)| before == state) {
                continue;
            }
            let unsaid = || vec![Stay::first(State::Unsaid)];
            let stays = self.states.entry(subject).or_insert_with(unsaid);
            if let (Some(stay), Some((_, since))) = (stays.last_mut(), before)
                && stay.time != Duration::MAX
            {
                stay.time = record.latest.since(since);
            }
            stays.push(Stay { state, time: Duration::ZERO, is_late: record.latest > late });
        }
        let blind: Vec<Watch> =
            self.often.iter().filter(|(_, often)| **often == Duration::MAX).map(|(what, _)| *what).collect();
        self.states.retain(|subject, _| !blind.contains(&watch(*subject)));
        self.add_plain_status(plan, &blind);
        // Nobody knows how long the last state went on.
        for stays in self.states.values_mut() {
            if let Some(stay) = stays.last_mut() {
                stay.time = Duration::MAX;
            }
        }
    }

    /// How often somebody looks; what was not seen all the time says nothing of what it went through.
    fn take_look(&mut self, fact: Fact, has_begun: bool) {
        if let Fact::Watching { what, every } = fact {
            let often = self.often.entry(what).or_default();
            *often = every.max(*often);
        }
        if let Fact::Unwatched(what) = fact
            && has_begun
        {
            self.often.insert(what, Duration::MAX);
        }
    }

    /// A node's status is normal until somebody says otherwise.
    fn add_plain_status(&mut self, plan: &Plan, blind: &[Watch]) {
        let plain = Stay::first(State::Status(NodeStatus::Normal));
        let nodes = || (0..plan.topology.nodes.len()).map(|node| NodeId(node as u8));
        for seen_by in nodes().filter(|&node| !blind.contains(&Watch::Node(node))) {
            for node in nodes() {
                let stays = self.states.entry(Subject::Status { seen_by, node }).or_default();
                match stays.first_mut() {
                    Some(first) if first.state == State::Unsaid => *first = plain,
                    Some(_) => {}
                    None => stays.push(plain),
                }
            }
        }
    }

    fn take_lapses(&mut self, records: &[Record], judgement: &Judgement) {
        let Some(outage) = judgement.outages.first() else { return };
        let mut answering = None;
        for (phase, (name, _)) in PHASES.iter().enumerate().take(PHASES.len() - 2) {
            let Some(millis) = outage.millis[phase] else { continue };
            let most = signed(millis * 1_000 + 999);
            let least = most - signed(outage.unseen[phase] * 1_000) - 999;
            self.lapses.push((Lapse::Phase(phase), least, most));
            if *name == "endpoint_answering" {
                answering = Some((least, most));
            }
        }
        // The first outage ends with the next one.
        let end = judgement.outages.get(1).map(|next| next.fault);
        let mut workers: BTreeMap<WorkerId, (bool, Option<(i64, i64)>)> = BTreeMap::new();
        for record in records {
            if record.latest < outage.fault || end.is_some_and(|end| record.latest >= end) {
                continue;
            }
            let Fact::Worker { worker, state } = record.fact else { continue };
            let since = |moment: Time| signed(micros(moment.max(outage.fault).since(outage.fault)));
            let bounds = (since(record.earliest), since(record.latest));
            let (lost, back) = workers.entry(worker).or_default();
            match state {
                WorkerState::Connected { .. } if *lost => *back = back.or(Some(bounds)),
                WorkerState::Disconnected(_) | WorkerState::Refused { .. } => {
                    if !std::mem::replace(lost, true) {
                        self.lapses.push((Lapse::Noticed, bounds.0, bounds.1));
                    }
                    *back = None;
                }
                WorkerState::Connected { .. } | WorkerState::Starting => {}
            }
        }
        if let Some(answering) = answering {
            let back = workers.values().filter_map(|(_, back)| *back);
            self.lapses.extend(back.map(|back| (Lapse::Return, back.0 - answering.1, back.1 - answering.0)));
        }
    }
}

/// Who looks at a thing.
pub(super) const fn watch(subject: Subject) -> Watch {
    match subject {
        Subject::Worker(_) => Watch::Workers,
        Subject::Endpoint => Watch::Endpoint,
        Subject::Node { seen_by, .. }
        | Subject::Status { seen_by, .. }
        | Subject::Resource { seen_by, .. }
        | Subject::Owner { seen_by, .. } => Watch::Node(seen_by),
    }
}

/// The state that a record tells of, if it tells of one that is compared.
fn told(plan: &Plan, source: Source, fact: Fact) -> Option<(Subject, State)> {
    let seen_by = match source {
        Source::Node(node) => Some(node),
        Source::Run | Source::Worker(_) | Source::Probe | Source::Ssisdb | Source::Host => None,
    };
    Some(match fact {
        Fact::Worker { worker, state } => {
            let state = match state {
                WorkerState::Starting => State::Starting,
                WorkerState::Connected { served_by, .. } => State::Connected(served_by),
                WorkerState::Disconnected(loss) => State::Lost(loss),
                WorkerState::Refused { error, .. } => State::Refused(error),
            };
            (Subject::Worker(worker), state)
        }
        Fact::Endpoint { answer, .. } => {
            let state = match answer {
                Answer::Silent => State::Silent,
                Answer::Refused => State::NobodyListens,
                Answer::NoHandshake(_) => State::NoHandshake,
                Answer::Served { .. } => State::Served,
            };
            (Subject::Endpoint, state)
        }
        Fact::NodeState { node, state } => (Subject::Node { seen_by: seen_by?, node }, State::Node(state)),
        Fact::NodeStatus { node, status } => {
            (Subject::Status { seen_by: seen_by?, node }, State::Status(status))
        }
        Fact::OwnerNode { role, owner } => (Subject::Owner { seen_by: seen_by?, role }, State::Owner(owner)),
        // SQL Server Agent is nobody's endpoint, and comes online after everything that a run waits for.
        Fact::ResourceState { resource, .. }
            if plan.topology.cluster.resources[resource.index()].kind == ResourceKind::SqlServerAgent =>
        {
            return None;
        }
        Fact::ResourceState { resource, state } => {
            (Subject::Resource { seen_by: seen_by?, resource }, State::Resource(state))
        }
        // The run itself, and what is not compared.
        Fact::Watching { .. }
        | Fact::Unwatched(_)
        | Fact::StepsBegan
        | Fact::StepBegan(_)
        | Fact::Acting { .. }
        | Fact::Applied(_)
        | Fact::StepsEnded
        | Fact::RunEnded
        | Fact::Machine { .. }
        | Fact::MasterMachine(_)
        | Fact::Task { .. }
        | Fact::WorkerAgent { .. }
        | Fact::Package { .. }
        | Fact::ExecutionLog { .. }
        | Fact::ClusterEvent { .. }
        | Fact::ReportRefused { .. } => return None,
    })
}

fn signed(micros: u64) -> i64 {
    i64::try_from(micros).unwrap_or(i64::MAX)
}

/// What begins so shortly before the end of a run may come after the end of another one.
const LATE: Duration = Duration::from_secs(10);
