//! What happens in one run of an exploration?

use std::time::Duration;

use failover_sim::action::{
    Action, AgentAction, LinkEnd, LinkState, Load, NodeChange, Part, Service, ServiceAction, StartQuorum,
    Ways,
};
use failover_sim::assumption::Assumptions;
use failover_sim::cluster::ResourceKind;
use failover_sim::names::{ActionNo, LoadId, NodeId, ResourceId, RoleId, StepNo};
use failover_sim::observe::{NodeState, RoleState, TaskState};

use crate::check::Claim;
use crate::plan::{Clause, NodeWord, Plan, PlannedAction, Step, StepKind, Through, Which, WorkerClause};

use super::draw::mix;

/// What happens, when, and what is taken for granted where nobody knows. Everything is healed at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// The seed of the world's random values.
    pub seed: u64,
    /// What is taken for granted.
    pub assumptions: Assumptions,
    /// What is done, in order.
    pub deeds: Vec<Deed>,
    /// Time between the last deed and the healing.
    pub rest: Duration,
    /// How it ends.
    pub end: End,
}

/// How a story ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing is healed: the cluster must survive what was done to it.
    Survived,
    /// Everything is healed, in an order that this number decides.
    Healed(u64),
}

/// Something that is done, after a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deed {
    /// Time since the deed before.
    pub pause: Duration,
    /// Where it comes from.
    pub kind: Kind,
    /// What is done.
    pub action: Action<NodeWord>,
}

/// Where a deed comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// From the steps of the scenario.
    Own,
    /// From the faults that the scenario allows.
    Fault,
    /// It takes an earlier one back.
    Healing,
}

impl Story {
    /// Makes `plan`, which is of the same scenario, tell this story: the steps become the deeds, what heals them, and the
    /// expectation that everything works again. The actions of `given` stay.
    pub fn tell(&self, plan: &mut Plan) {
        plan.seed = self.seed;
        plan.assumptions = self.assumptions;
        plan.actions.truncate(plan.given);
        plan.steps.clear();
        plan.holds.clear();
        plan.breaks.clear();
        // Outages are as long as the faults make them: only what comes after the healing has a limit.
        plan.claims.retain(|claim| !matches!(claim, Claim::ReconnectTime(_)));
        for Deed { pause, action, .. } in &self.deeds {
            add(plan, *pause, *action);
        }
        if let End::Healed(order) = self.end {
            let mut rest = self.rest;
            for (pause, action) in self.healing(order, plan.topology.nodes.len()) {
                add(plan, std::mem::take(&mut rest) + pause, action);
            }
            rest += AFTERCARE;
            let again = self.instances_again(plan);
            let roles = tops_of_other_roles(plan);
            let roles = roles.into_iter().map(|resource| Action::Resource { resource, online: true });
            for action in again.into_iter().chain(roles) {
                add(plan, std::mem::take(&mut rest), action);
            }
            add(plan, rest, Action::Role { role: plan.role, online: true });
        }
        plan.faults_over = Some(StepNo(plan.steps.len() as u16));
        let within = plan.topology.promises.reconnect_within;
        plan.steps
            .push(Step { kind: StepKind::Expect { within, clauses: self.expected(plan.role) }, line: 0 });
        if !plan.actions.iter().any(|planned| started(&planned.action).is_some()) {
            plan.claims.retain(|claim| !claim.is_about_tasks());
        }
        let work: Vec<LoadId> = self.deeds.iter().filter_map(|deed| started(&deed.action)).collect();
        if !work.is_empty() {
            let longest =
                work.iter().map(|load| longest(&plan.loads[load.index()])).max().unwrap_or_default();
            for clause in work.into_iter().flat_map(done) {
                let kind = StepKind::Expect { within: within + longest, clauses: vec![clause] };
                plan.steps.push(Step { kind, line: 0 });
            }
        }
    }

    /// The same story without the executions that could not be started, if there are such; `given` is the number of
    /// actions before it.
    pub(super) fn without_refused_work(&self, given: usize, left_out: &[ActionNo]) -> Option<Self> {
        let is_refused = |index: usize, deed: &Deed| {
            started(&deed.action).is_some() && left_out.contains(&ActionNo((given + index) as u16))
        };
        let refused: Vec<usize> = (0..self.deeds.len()).filter(|&i| is_refused(i, &self.deeds[i])).collect();
        (!refused.is_empty())
            .then(|| refused.iter().rev().fold(self.clone(), |story, index| story.without(*index)))
    }

    /// The story without one deed; everything after it stays at its moment.
    pub(super) fn without(&self, index: usize) -> Self {
        let mut story = self.clone();
        let Deed { pause, .. } = story.deeds.remove(index);
        match story.deeds.get_mut(index) {
            Some(next) => next.pause += pause,
            None => story.rest += pause,
        }
        story
    }

    /// What must be true at the end.
    fn expected(&self, role: RoleId) -> Vec<Clause> {
        let workers = Clause::Workers {
            which: Which::Every,
            state: WorkerClause::Connected { through: Some(Through::NetworkName), served_by: None },
        };
        let mut clauses = vec![Clause::Role { role, state: Some(RoleState::Online), owner: None }, workers];
        if matches!(self.end, End::Healed(_)) {
            clauses.push(Clause::Nodes { which: Which::Every, state: NodeState::Up });
        }
        clauses
    }

    /// What takes back everything that is still broken at the end, in an order that has nothing to do with the order in
    /// which it was broken, and what an administrator does after that: nodes that are still out are let in.
    fn healing(&self, order: u64, nodes: usize) -> Vec<(Duration, Action<NodeWord>)> {
        let mut open: Vec<Action<NodeWord>> = Vec::new();
        let mut is_node_touched = false;
        for deed in &self.deeds {
            // A machine that still shuts down cannot be switched on: what may be refused is tried again at the end.
            if matches!(deed.action, Action::Link { .. } | Action::Surroundings { .. }) {
                open.retain(|undo| *undo != deed.action);
            }
            is_node_touched |= touches_membership(&deed.action);
            let Some(undo) = undo(deed.action) else { continue };
            for undo in named(undo, nodes) {
                if !open.contains(&undo) {
                    open.push(undo);
                }
            }
        }
        open.sort_by_key(|action| mix(order ^ u64::from(action.verb() as u8) ^ fingerprint(action)));
        let again = |pause: Duration, wanted: fn(&Action<NodeWord>) -> bool| -> Vec<_> {
            open.iter().filter(|action| wanted(action)).map(|action| (pause, *action)).collect()
        };
        // A machine that shuts down may be off only by then, and who is no member cannot be resumed.
        let shuts_down = self
            .deeds
            .iter()
            .any(|deed| matches!(deed.action, Action::ShutDown { .. } | Action::RestartNode { .. }));
        let off_by_then = if shuts_down { SHUTDOWN } else { AFTERCARE };
        let on_again = again(off_by_then, |action| matches!(action, Action::PowerOn { .. }));
        let resumed_again = again(AFTERCARE, |action| matches!(action, Action::ResumeNode { .. }));
        let mut healing: Vec<_> = open.into_iter().map(|undo| (HEALING_GAP, undo)).collect();
        healing.extend(on_again);
        if is_node_touched {
            for node in 0..nodes {
                let pause = if node == 0 { AFTERCARE } else { Duration::ZERO };
                let node = NodeWord::Named(NodeId(node as u8));
                let quorum = StartQuorum::Normal;
                healing.push((pause, Action::StartClusterService { node, quorum, clear_quarantine: true }));
            }
            healing.extend(resumed_again);
        }
        healing
    }

    /// Starts of SQL Server on every node, if a story ended it somewhere and no cluster starts it: an instance with a
    /// replica of an availability group is a service like any other.
    fn instances_again(&self, plan: &Plan) -> Vec<Action<NodeWord>> {
        let of_sql_server =
            |deed: &Deed| matches!(deed.action, Action::Service { service: Service::SqlServer, .. });
        let resources = &plan.topology.cluster.resources;
        let has_group = resources.iter().any(|resource| resource.kind == ResourceKind::AvailabilityGroup);
        let nodes =
            if has_group && self.deeds.iter().any(of_sql_server) { plan.topology.nodes.len() } else { 0 };
        let start = |node| Action::Service {
            node: NodeWord::Named(NodeId(node as u8)),
            service: Service::SqlServer,
            what: ServiceAction::Start,
        };
        (0..nodes).map(start).collect()
    }

    /// How many actions it has, those that heal it not counted.
    pub fn size(&self) -> usize {
        self.deeds.len()
    }
}

/// The resources of the other roles on which nothing depends: with them an administrator brings a whole role online.
fn tops_of_other_roles(plan: &Plan) -> Vec<ResourceId> {
    let cluster = &plan.topology.cluster;
    let all = (0..cluster.resources.len()).map(|index| ResourceId(index as u16));
    let is_of_another = |resource: &ResourceId| cluster.resources[resource.index()].role != plan.role;
    all.filter(|resource| is_of_another(resource) && cluster.dependents(*resource).next().is_none()).collect()
}

/// The action on the node that it names, or, if it says a word that may stand for another node by then, on every node:
/// where nothing is broken it is not possible or changes nothing.
fn named(action: Action<NodeWord>, nodes: usize) -> Vec<Action<NodeWord>> {
    let mut says_word = false;
    let mut on = |node: usize| {
        let resolved: Result<_, std::convert::Infallible> = action.resolve(|word| match word {
            NodeWord::Named(_) => Ok(word),
            NodeWord::Owner | NodeWord::Standby | NodeWord::FirstOwner | NodeWord::FirstStandby => {
                says_word = true;
                Ok(NodeWord::Named(NodeId(node as u8)))
            }
        });
        let Ok(action) = resolved;
        action
    };
    let first = on(0);
    let others: Vec<_> = (1..nodes).map(&mut on).collect();
    let count = if says_word { nodes } else { 1 };
    std::iter::once(first).chain(others).take(count).collect()
}

/// The executions that an action starts.
fn started(action: &Action<NodeWord>) -> Option<LoadId> {
    match action {
        Action::StartExecutions(load) => Some(*load),
        Action::MoveRole { .. }
        | Action::PowerOff { .. }
        | Action::PowerOn { .. }
        | Action::KillClusterService { .. }
        | Action::Freeze { .. }
        | Action::Thaw { .. }
        | Action::StopClusterService { .. }
        | Action::StartClusterService { .. }
        | Action::ShutDown { .. }
        | Action::RestartNode { .. }
        | Action::Resource { .. }
        | Action::Role { .. }
        | Action::Surroundings { .. }
        | Action::PauseNode { .. }
        | Action::ResumeNode { .. }
        | Action::PossibleOwner { .. }
        | Action::WorkerAgent { .. }
        | Action::WorkerService { .. }
        | Action::Service { .. }
        | Action::Link { .. }
        | Action::Degrade { .. }
        | Action::FailResource { .. }
        | Action::DeadlockResource { .. }
        | Action::ReplaceMasterCertificate { .. }
        | Action::ChangeNode { .. }
        | Action::SetCluster(_)
        | Action::SetWorkers(_) => None,
    }
}

/// No task waits, and none runs: each has succeeded, or was given up.
fn done(of: LoadId) -> [Clause; 3] {
    [TaskState::Ready, TaskState::HandedOut, TaskState::Running].map(|state| Clause::Tasks {
        of,
        which: Which::None,
        state: Some(state),
        executed_count: None,
        execution: None,
        messages: None,
    })
}

/// How long executions may take if every attempt is spent, each with a lease of a minute and a sweep of another.
fn longest(load: &Load) -> Duration {
    let attempt = load.duration + Duration::from_secs(120);
    load.every * load.rounds + attempt * (u32::from(load.retry_count) + 1) * load.count
}

fn add(plan: &mut Plan, pause: Duration, action: Action<NodeWord>) {
    if !pause.is_zero() {
        plan.steps.push(Step { kind: StepKind::Pause(pause), line: 0 });
    }
    let number = ActionNo(plan.actions.len() as u16);
    plan.actions.push(PlannedAction { action, line: 0 });
    plan.steps.push(Step { kind: StepKind::Act(number), line: 0 });
}

/// The action that takes another one back, if one does.
pub(super) fn undo(action: Action<NodeWord>) -> Option<Action<NodeWord>> {
    let normal =
        |node| Action::StartClusterService { node, quorum: StartQuorum::Normal, clear_quarantine: true };
    match action {
        Action::PowerOff { node } | Action::ShutDown { node } => Some(Action::PowerOn { node }),
        Action::Freeze { node } => Some(Action::Thaw { node }),
        Action::StopClusterService { node } => Some(normal(node)),
        Action::PauseNode { node, .. } => Some(Action::ResumeNode { node }),
        Action::Resource { resource, online: false } => Some(Action::Resource { resource, online: true }),
        Action::Role { role, online: false } => Some(Action::Role { role, online: true }),
        Action::PossibleOwner { role, node, may: false } => {
            Some(Action::PossibleOwner { role, node, may: true })
        }
        Action::WorkerAgent { worker, what: AgentAction::Disable | AgentAction::Delete } => {
            Some(Action::WorkerAgent { worker, what: AgentAction::Enable })
        }
        Action::WorkerService {
            worker,
            what: ServiceAction::Kill | ServiceAction::Hang | ServiceAction::Stop,
        } => Some(Action::WorkerService { worker, what: ServiceAction::Start }),
        Action::Surroundings { part, works: false } => Some(Action::Surroundings { part, works: true }),
        Action::Degrade { node, .. } => {
            let (to, state) = (LinkEnd::Clients, LinkState::Whole);
            Some(Action::Link { node, to, state, ways: Ways::Both })
        }
        Action::Link { node, to, state: LinkState::Cut, ways } => {
            Some(Action::Link { node, to, state: LinkState::Whole, ways })
        }
        Action::ChangeNode { node, change } => {
            as_the_guide_wants(change).map(|change| Action::ChangeNode { node, change })
        }
        // These heal others; a role that moves, a process that dies and a resource that fails leave nothing broken that
        // the cluster does not mend itself; configuration is meant to stay.
        Action::PowerOn { .. }
        | Action::Thaw { .. }
        | Action::StartClusterService { .. }
        | Action::ResumeNode { .. }
        | Action::Resource { online: true, .. }
        | Action::Role { online: true, .. }
        | Action::Surroundings { works: true, .. }
        | Action::Link { state: LinkState::Whole, .. }
        | Action::MoveRole { .. }
        | Action::RestartNode { .. }
        | Action::PossibleOwner { may: true, .. }
        | Action::WorkerAgent { what: AgentAction::Enable, .. }
        | Action::WorkerService { what: ServiceAction::Start, .. }
        | Action::KillClusterService { .. }
        | Action::Service { .. }
        | Action::FailResource { .. }
        | Action::DeadlockResource { .. }
        | Action::ReplaceMasterCertificate { .. }
        | Action::SetCluster(_)
        | Action::SetWorkers(_)
        | Action::StartExecutions(_) => None,
    }
}

/// The change that makes good what another one spoils, where it is known what was there.
fn as_the_guide_wants(change: NodeChange) -> Option<NodeChange> {
    match change {
        NodeChange::HttpsBinding(false) => Some(NodeChange::HttpsBinding(true)),
        NodeChange::PrivateKey(false) => Some(NodeChange::PrivateKey(true)),
        NodeChange::WorkerCertificates(false) => Some(NodeChange::WorkerCertificates(true)),
        NodeChange::RootStore(false) => Some(NodeChange::RootStore(true)),
        NodeChange::MasterPort(false) => Some(NodeChange::MasterPort(true)),
        NodeChange::MasterService(false) => Some(NodeChange::MasterService(true)),
        NodeChange::SqlLogin(false) => Some(NodeChange::SqlLogin(true)),
        NodeChange::HttpsBinding(true)
        | NodeChange::PrivateKey(true)
        | NodeChange::WorkerCertificates(true)
        | NodeChange::RootStore(true)
        | NodeChange::MasterPort(true)
        | NodeChange::MasterService(true)
        | NodeChange::SqlLogin(true)
        | NodeChange::PortNumber(_) => None,
    }
}

/// Whether it is about the same node whenever it happens.
pub(super) fn is_of_named_nodes(action: Action<NodeWord>) -> bool {
    named(action, 2).len() == 1
}

/// Whether a node may be out of the cluster after it, for good: kept out for having been lost too often.
fn touches_membership(action: &Action<NodeWord>) -> bool {
    match action {
        Action::PowerOff { .. }
        | Action::Freeze { .. }
        | Action::KillClusterService { .. }
        | Action::StopClusterService { .. }
        | Action::ShutDown { .. }
        | Action::RestartNode { .. }
        | Action::Link { state: LinkState::Cut, .. } => true,
        Action::Surroundings { part, .. } => matches!(part, Part::Witness),
        Action::MoveRole { .. }
        | Action::PowerOn { .. }
        | Action::Thaw { .. }
        | Action::StartClusterService { .. }
        | Action::Resource { .. }
        | Action::Role { .. }
        | Action::PauseNode { .. }
        | Action::ResumeNode { .. }
        | Action::PossibleOwner { .. }
        | Action::WorkerAgent { .. }
        | Action::WorkerService { .. }
        | Action::Service { .. }
        | Action::Link { state: LinkState::Whole, .. }
        | Action::Degrade { .. }
        | Action::FailResource { .. }
        | Action::DeadlockResource { .. }
        | Action::ReplaceMasterCertificate { .. }
        | Action::ChangeNode { .. }
        | Action::SetCluster(_)
        | Action::SetWorkers(_)
        | Action::StartExecutions(_) => false,
    }
}

/// A number that tells actions of one verb apart.
fn fingerprint(action: &Action<NodeWord>) -> u64 {
    use std::hash::{Hash, Hasher};
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    action.hash(&mut hasher);
    hasher.finish()
}

/// FNV-1a: the same on every machine and in every version, as the hasher of the standard library need not be.
struct Fnv(u64);

impl std::hash::Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// Time between two things that are healed.
const HEALING_GAP: Duration = Duration::from_secs(5);

/// Time after which a machine that shuts down is off: `ShutdownTimeoutInMinutes` is 20 by default (documented).
const SHUTDOWN: Duration = Duration::from_secs(21 * 60);

/// Time after which an administrator looks again: machines have started, nodes have joined.
const AFTERCARE: Duration = Duration::from_secs(3 * 60);
