//! What is shown in which lane of a timeline?
//!
//! A fold over the records of one run: what each thing was like, and from when on.

use failover_sim::names::{NodeId, ResourceId};
use failover_sim::observe::{
    Answer, ErrorFamily, Fact, NodeState, Power, Record, ResourceState, RoleState, Source, Watch, WorkerState,
};
use failover_sim::time::Time;

use crate::check::Window;
use crate::picture::{Picture, WordError, through_word};
use crate::plan::{Plan, Through};
use crate::words;

use super::svg::{Bar, Tint};

/// How something is, as long as it stays so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Nobody looks.
    Unseen,
    Power(Power),
    Node(NodeState),
    Resource(ResourceState),
    Role(RoleState),
    Owner(NodeId),
    /// Nodes do not agree on the owner.
    Disputed,
    Answer(Answer),
    Worker(WorkerState),
}

/// What one thing was like, from when on.
#[derive(Clone, Debug, Default)]
pub(super) struct Lane {
    looks: Vec<(Time, Look)>,
}

impl Lane {
    fn set(&mut self, moment: Time, look: Look) {
        match self.looks.last_mut() {
            Some((_, last)) if *last == look => {}
            Some((at, last)) if *at == moment => *last = look,
            Some(_) | None => self.looks.push((moment, look)),
        }
    }

    /// Whether there is anything to be seen in it.
    pub(super) fn is_empty(&self) -> bool {
        let is_nothing = |look: &Look| matches!(look, Look::Unseen | Look::Resource(ResourceState::Offline));
        self.looks.iter().all(|(_, look)| is_nothing(look))
    }

    /// Its bars within a window.
    pub(super) fn bars(&self, plan: &Plan, window: Window, extent: Option<(u64, u64)>) -> Vec<Bar> {
        let mut bars = Vec::new();
        for (index, (from, look)) in self.looks.iter().enumerate() {
            let to = self.looks.get(index + 1).map_or(window.end, |(next, _)| *next);
            let Some((tint, what)) = shown(*look, plan) else { continue };
            if to <= window.began || *from >= window.end {
                continue;
            }
            let from = (*from).max(window.began);
            let title = format!("{what}, {} to {}", window.offset(from), window.offset(to));
            bars.push(Bar { from, to, tint, extent, title });
        }
        bars
    }
}

/// Everything that the lanes of a run show.
pub(super) struct Lanes<'p> {
    plan: &'p Plan,
    picture: Picture<'p>,
    /// Who owns the master's role, by all who can be asked.
    pub(super) owner: Lane,
    /// The state of that role on its owner.
    pub(super) role: Lane,
    /// What a client meets.
    pub(super) endpoint: Lane,
    /// Each node as it sees itself: its power, else its own state.
    pub(super) nodes: Vec<Lane>,
    /// Each node as the others see it: the worst of what they say.
    pub(super) seen_nodes: Vec<Lane>,
    /// For each node, each resource.
    pub(super) resources: Vec<Vec<Lane>>,
    /// Each worker; none if there are too many.
    pub(super) workers: Vec<Lane>,
    /// How many workers are connected, refused, refused by nobody, disconnected.
    pub(super) counts: Vec<(Time, [u32; KINDS])>,
    states: Vec<WorkerState>,
    power: Vec<Power>,
    views: Vec<Vec<Option<NodeState>>>,
    /// When something was seen to change that a lane shows.
    pub(super) changes: Vec<Time>,
}

impl<'p> Lanes<'p> {
    /// The lanes of a run of this plan.
    pub(super) fn of(plan: &'p Plan, records: &[Record]) -> Self {
        let nodes = plan.topology.nodes.len();
        let workers = plan.topology.workers.len();
        let single = if workers <= WORKER_LANES_MAX { workers } else { 0 };
        let resources = plan.topology.cluster.resources.len();
        let mut lanes = Self {
            plan,
            picture: Picture::new(plan),
            owner: Lane::default(),
            role: Lane::default(),
            endpoint: Lane::default(),
            nodes: vec![Lane::default(); nodes],
            seen_nodes: vec![Lane::default(); nodes],
            resources: vec![vec![Lane::default(); resources]; nodes],
            workers: vec![Lane::default(); single],
            counts: vec![(Time::ZERO, [0, 0, 0, workers as u32])],
            states: vec![WorkerState::Starting; workers],
            power: vec![Power::On; nodes],
            views: vec![vec![None; nodes]; nodes],
            changes: Vec::new(),
        };
        for record in records {
            lanes.picture.observe(record);
            lanes.take(record);
        }
        lanes
    }

    fn take(&mut self, record: &Record) {
        let at = record.latest;
        match (record.fact, record.source) {
            (Fact::Worker { worker, state }, _) => self.worker(worker.index(), state, at),
            (Fact::NodeState { node, state }, Source::Node(by)) => {
                self.views[by.index()][node.index()] = Some(state);
                self.cluster(at);
            }
            (Fact::ResourceState { resource, state }, Source::Node(by)) => {
                self.resource(by, resource, Look::Resource(state), at);
                self.role(at);
            }
            (Fact::OwnerNode { .. }, Source::Node(_)) => self.cluster(at),
            (Fact::Machine { node, power }, _) => {
                self.power[node.index()] = power;
                if power == Power::Off {
                    self.views[node.index()].fill(None);
                    self.unseen(node, at);
                }
                self.cluster(at);
            }
            (Fact::Unwatched(Watch::Node(node)), _) => {
                self.unseen(node, at);
                self.cluster(at);
            }
            (Fact::Watching { what: Watch::Node(_), .. }, _) => self.cluster(at),
            (Fact::Unwatched(Watch::Endpoint), _) => self.endpoint.set(at, Look::Unseen),
            (Fact::Endpoint { answer, .. }, _) => self.endpoint.set(at, Look::Answer(answer)),
            // Where the run stands is marked above the lanes; without a node nobody's view changes.
            (
                Fact::NodeState { .. }
                | Fact::ResourceState { .. }
                | Fact::NodeStatus { .. }
                | Fact::OwnerNode { .. }
                | Fact::Watching { .. }
                | Fact::Unwatched(
                    Watch::Machines | Watch::Workers | Watch::Ssisdb | Watch::Reports | Watch::Messages,
                )
                | Fact::StepsBegan
                | Fact::StepBegan(_)
                | Fact::Acting { .. }
                | Fact::Applied(_)
                | Fact::StepsEnded
                | Fact::RunEnded,
                _,
            ) => {}
            // Work is judged, and logs are evidence, but they have no lane.
            (
                Fact::MasterMachine(_)
                | Fact::Task { .. }
                | Fact::WorkerAgent { .. }
                | Fact::Package { .. }
                | Fact::ExecutionLog { .. }
                | Fact::ReportRefused { .. }
                // The log of the run tells it, in its place.
                | Fact::ClusterEvent { .. },
                _,
            ) => return,
        }
        if self.changes.last() != Some(&at) {
            self.changes.push(at);
        }
    }

    fn worker(&mut self, worker: usize, state: WorkerState, at: Time) {
        let before = std::mem::replace(&mut self.states[worker], state);
        if let Some(lane) = self.workers.get_mut(worker) {
            lane.set(at, Look::Worker(state));
        }
        if kind(before) == kind(state) {
            return;
        }
        let mut counts = self.counts.last().map_or([0; KINDS], |(_, counts)| *counts);
        counts[kind(before)] -= 1;
        counts[kind(state)] += 1;
        match self.counts.last_mut() {
            Some((last, same)) if *last == at => *same = counts,
            Some(_) | None => self.counts.push((at, counts)),
        }
    }

    fn resource(&mut self, node: NodeId, resource: ResourceId, look: Look, at: Time) {
        self.resources[node.index()][resource.index()].set(at, look);
    }

    fn unseen(&mut self, node: NodeId, at: Time) {
        for lane in &mut self.resources[node.index()] {
            lane.set(at, Look::Unseen);
        }
    }

    /// The nodes, the owner and the role's state, after a view changed.
    fn cluster(&mut self, at: Time) {
        for node in 0..self.nodes.len() {
            let own = self.views[node][node];
            let look = match (self.power[node], own) {
                (power @ (Power::Off | Power::Frozen), _) => Look::Power(power),
                (Power::On, _) if !self.watches(node) => Look::Unseen,
                (Power::On, Some(state)) => Look::Node(state),
                (Power::On, None) => Look::Unseen,
            };
            self.nodes[node].set(at, look);
            let others = (0..self.nodes.len()).filter(|&by| by != node && self.can_tell(by));
            let seen = others.filter_map(|by| self.views[by][node]).max_by_key(|state| severity(*state));
            self.seen_nodes[node].set(at, seen.map_or(Look::Unseen, Look::Node));
        }
        self.owner.set(
            at,
            match self.picture.owner() {
                Ok(owner) => Look::Owner(owner),
                Err(WordError::Several) => Look::Disputed,
                Err(WordError::None) => Look::Unseen,
            },
        );
        self.role(at);
    }

    fn role(&mut self, at: Time) {
        self.role.set(at, self.picture.role_state().map_or(Look::Unseen, Look::Role));
    }

    fn watches(&self, node: usize) -> bool {
        self.picture.watches(Watch::Node(NodeId(node as u8)))
    }

    /// Whether this node's view of others counts: somebody looks at it, and it is a member.
    fn can_tell(&self, node: usize) -> bool {
        self.power[node] == Power::On
            && self.watches(node)
            && matches!(self.views[node][node], Some(NodeState::Up | NodeState::Paused))
    }

    /// The state of every worker within a window, from its start on.
    pub(super) fn counts_within(&self, window: Window) -> Vec<(Time, [u32; KINDS])> {
        let before = self.counts.iter().rev().find(|(at, _)| *at <= window.began);
        let first = before.map_or([0, 0, 0, self.states.len() as u32], |(_, counts)| *counts);
        let within = self.counts.iter().filter(|(at, _)| *at > window.began && *at <= window.end);
        std::iter::once((window.began, first)).chain(within.copied()).collect()
    }

    /// The names of resources, by their number.
    pub(super) fn resource_name(&self, resource: usize) -> &str {
        self.plan.names.resource(ResourceId(resource as u16))
    }
}

/// Connected, refused by somebody, refused because nobody listens, disconnected.
const fn kind(state: WorkerState) -> usize {
    match state {
        WorkerState::Connected { .. } => 0,
        WorkerState::Refused { error: ErrorFamily::EndpointNotFound, .. } => 2,
        WorkerState::Refused {
            error:
                ErrorFamily::TrustRelationship
                | ErrorFamily::SecureChannel
                | ErrorFamily::Forbidden
                | ErrorFamily::HttpRequest,
            ..
        } => 1,
        WorkerState::Starting | WorkerState::Disconnected(_) => 3,
    }
}

const fn severity(state: NodeState) -> u8 {
    match state {
        NodeState::Up => 0,
        NodeState::Paused => 1,
        NodeState::Joining => 2,
        NodeState::Down => 3,
    }
}

/// The colour and the words for a look; `None` if there is nothing to show.
fn shown(look: Look, plan: &Plan) -> Option<(Tint, String)> {
    let names = &plan.names;
    Some(match look {
        Look::Unseen => return None,
        Look::Power(power) => {
            let tint = match power {
                Power::On => Tint::Good,
                Power::Off => Tint::Gone,
                Power::Frozen => Tint::Cold,
            };
            (tint, words::power(power).to_owned())
        }
        Look::Node(state) => {
            let tint = match state {
                NodeState::Up => Tint::Good,
                NodeState::Paused | NodeState::Joining => Tint::Wait,
                NodeState::Down => Tint::Gone,
            };
            (tint, words::node_state(state).to_owned())
        }
        Look::Resource(state) => {
            let tint = match state {
                ResourceState::Online => Tint::Good,
                ResourceState::OnlinePending | ResourceState::OfflinePending => Tint::Wait,
                ResourceState::Offline => Tint::Idle,
                ResourceState::Failed => Tint::Bad,
            };
            (tint, words::resource_state(state).to_owned())
        }
        Look::Role(state) => {
            let tint = match state {
                RoleState::Online => Tint::Good,
                RoleState::Pending | RoleState::PartialOnline => Tint::Wait,
                RoleState::Offline => Tint::Gone,
                RoleState::Failed => Tint::Bad,
            };
            (tint, words::role_state(state).to_owned())
        }
        Look::Owner(node) => (Tint::Node(node.0), names.node(node).to_owned()),
        Look::Disputed => (Tint::Bad, "the nodes disagree".to_owned()),
        Look::Answer(answer) => (answer_tint(answer, plan), words::answer(answer, names)),
        Look::Worker(state) => worker(state, plan),
    })
}

fn answer_tint(answer: Answer, plan: &Plan) -> Tint {
    match answer {
        Answer::Silent | Answer::Refused => Tint::Gone,
        Answer::NoHandshake(_) => Tint::Bad,
        Answer::Served { by, certificate } => {
            let pins = plan.topology.workers.iter().filter_map(|worker| worker.pin);
            if pins.clone().count() > 0 && pins.into_iter().all(|pin| pin != certificate) {
                Tint::Bad
            } else {
                Tint::Node(by.0)
            }
        }
    }
}

fn worker(state: WorkerState, plan: &Plan) -> (Tint, String) {
    let names = &plan.names;
    match state {
        WorkerState::Starting => (Tint::Wait, "starts".to_owned()),
        WorkerState::Connected { through, served_by, .. } => {
            let through = plan.through(through);
            let tint = match through {
                Through::NetworkName => Tint::Node(served_by.0),
                Through::NodeName => Tint::Wait,
            };
            (
                tint,
                format!("connected through {}, served by {}", through_word(through), names.node(served_by)),
            )
        }
        WorkerState::Disconnected(loss) => (Tint::Gone, format!("disconnected: {}", words::loss(loss))),
        WorkerState::Refused { error, by, .. } => {
            let by = by.map(|node| format!(" by {}", names.node(node))).unwrap_or_default();
            let tint = match error {
                ErrorFamily::EndpointNotFound => Tint::Shut,
                ErrorFamily::TrustRelationship
                | ErrorFamily::SecureChannel
                | ErrorFamily::Forbidden
                | ErrorFamily::HttpRequest => Tint::Bad,
            };
            (tint, format!("refused{by}: {}", words::error_text(error)))
        }
    }
}

/// How many kinds of workers are counted.
pub(super) const KINDS: usize = 4;

/// More workers than these share one lane.
pub(super) const WORKER_LANES_MAX: usize = 20;
