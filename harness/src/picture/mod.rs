//! What has been seen of the cluster so far, and what do a scenario's words mean in it?

mod told;
mod unrest;

use std::collections::BTreeMap;
use std::fmt;

use failover_sim::action::Action;
use failover_sim::names::{ActionNo, LoadId, NodeId, NodeSet, ResourceId, RoleId, TaskId};
use failover_sim::observe::{
    Answer, ExecutionLog, ExecutionStatus, Fact, NodeState, NodeStatus, Power, Record, ResourceState,
    RoleState, Source, TaskState, Watch, WorkerState,
};

use crate::plan::{Clause, NodeWord, Plan, Presented, StepKind, Through, Which, WorkerClause};

/// Everything that the records of a run have shown, as it stands at the last of them.
#[derive(Clone, Debug)]
pub struct Picture<'p> {
    plan: &'p Plan,
    power: Vec<Option<Power>>,
    views: Vec<NodeView>,
    endpoint: Option<Answer>,
    workers: Vec<WorkerState>,
    connected: usize,
    /// How many workers are enabled when the run begins.
    enabled: usize,
    /// Tasks of the loads that some clause asks about.
    tasks: BTreeMap<TaskId, TaskPicture>,
    /// The number with which a report on a task was refused last.
    refused: BTreeMap<TaskId, u16>,
    asked_loads: Vec<bool>,
    /// Whether tasks are a part of it: some clause asks about them.
    shows_work: bool,
    watched: Vec<Watch>,
    /// Nodes that were taken from the possible owners of the master's role.
    barred: NodeSet,
    /// Owner and standby when the steps began.
    first: Option<[Result<NodeId, WordError>; 2]>,
}

/// What one node's cluster service shows.
#[derive(Clone, Debug)]
struct NodeView {
    states: Vec<Option<NodeState>>,
    statuses: Vec<NodeStatus>,
    /// The owner node of each role.
    owners: Vec<Option<NodeId>>,
    resources: Vec<ResourceState>,
}

#[derive(Clone, Copy, Debug)]
struct TaskPicture {
    load: LoadId,
    state: TaskState,
    executed_count: u8,
    execution: ExecutionStatus,
    messages: ExecutionLog,
}

/// Why a word for a node fits none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordError {
    /// It fits no node.
    None,
    /// It fits several, or the nodes disagree.
    Several,
}

impl fmt::Display for WordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => write!(f, "fits no node"),
            Self::Several => write!(f, "fits several nodes"),
        }
    }
}

impl<'p> Picture<'p> {
    /// Nothing has been seen yet.
    pub fn new(plan: &'p Plan) -> Self {
        let topology = &plan.topology;
        let nodes = topology.nodes.len();
        let view = NodeView {
            states: vec![None; nodes],
            statuses: vec![NodeStatus::Normal; nodes],
            owners: vec![None; topology.cluster.roles.len()],
            resources: vec![ResourceState::Offline; topology.cluster.resources.len()],
        };
        let mut asked_loads = vec![false; plan.loads.len()];
        let held = plan.holds.iter().flat_map(|hold| &hold.clauses);
        for clause in plan.steps.iter().flat_map(|step| clauses(&step.kind)).chain(held) {
            if let Clause::Tasks { of, .. } | Clause::Reports { of, .. } = clause {
                asked_loads[of.index()] = true;
            }
        }
        Self {
            plan,
            power: vec![None; nodes],
            views: vec![view; nodes],
            endpoint: None,
            workers: vec![WorkerState::Starting; topology.workers.len()],
            connected: 0,
            enabled: topology.workers.iter().filter(|worker| worker.enabled).count(),
            tasks: BTreeMap::new(),
            refused: BTreeMap::new(),
            shows_work: asked_loads.contains(&true),
            asked_loads,
            watched: Vec::new(),
            barred: NodeSet::EMPTY,
            first: None,
        }
    }

    /// The plan of the run that it is a picture of.
    pub(crate) const fn plan(&self) -> &'p Plan {
        self.plan
    }

    /// Whether tasks are a part of it: some clause asks about them.
    pub const fn shows_work(&self) -> bool {
        self.shows_work
    }

    /// Takes in one record.
    pub fn observe(&mut self, record: &Record) {
        match (record.fact, record.source) {
            (Fact::Worker { worker, state }, _) => {
                let before = std::mem::replace(&mut self.workers[worker.index()], state);
                self.connected += usize::from(is_connected(state));
                self.connected -= usize::from(is_connected(before));
            }
            (Fact::Task { task, load, state, executed_count, execution, .. }, _) => {
                if self.asked_loads[load.index()] {
                    let messages = self.tasks.get(&task).map_or_else(Default::default, |task| task.messages);
                    let seen = TaskPicture { load, state, executed_count, execution, messages };
                    self.tasks.insert(task, seen);
                }
            }
            (Fact::ExecutionLog { task, log, .. }, _) => {
                if let Some(task) = self.tasks.get_mut(&task) {
                    task.messages = log;
                }
            }
            (Fact::ReportRefused { task, number, .. }, _) => {
                if self.tasks.contains_key(&task) {
                    self.refused.insert(task, number);
                }
            }
            (Fact::NodeState { node, state }, Source::Node(by)) => {
                self.views[by.index()].states[node.index()] = Some(state);
            }
            (Fact::NodeStatus { node, status }, Source::Node(by)) => {
                self.views[by.index()].statuses[node.index()] = status;
            }
            (Fact::OwnerNode { role, owner }, Source::Node(by)) => {
                self.views[by.index()].owners[role.index()] = Some(owner);
            }
            (Fact::ResourceState { resource, state }, Source::Node(by)) => {
                self.views[by.index()].resources[resource.index()] = state;
            }
            (Fact::Machine { node, power }, _) => {
                self.power[node.index()] = Some(power);
                if power == Power::Off {
                    self.forget_node(node);
                }
            }
            (Fact::Endpoint { answer, .. }, _) => self.endpoint = Some(answer),
            (Fact::Watching { what, .. }, _) => {
                if !self.watches(what) {
                    self.watched.push(what);
                }
            }
            (Fact::Unwatched(what), _) => self.watched.retain(|&other| other != what),
            (Fact::Applied(action), _) => self.note_possible_owner(action),
            (Fact::StepsBegan, _) => self.first = Some([self.owner(), self.standby()]),
            (
                Fact::NodeState { .. }
                | Fact::NodeStatus { .. }
                | Fact::OwnerNode { .. }
                | Fact::ResourceState { .. },
                Source::Run | Source::Worker(_) | Source::Probe | Source::Ssisdb | Source::Host,
            ) => {}
            // Not part of the picture: what the run does itself, and what only checks look at.
            (
                Fact::StepBegan(_)
                | Fact::Acting { .. }
                | Fact::StepsEnded
                | Fact::RunEnded
                | Fact::WorkerAgent { .. }
                | Fact::MasterMachine(_)
                | Fact::Package { .. }
                // What nodes show and the probe meets is the picture, the same on all backends.
                | Fact::ClusterEvent { .. },
                _,
            ) => {}
        }
    }

    fn note_possible_owner(&mut self, number: ActionNo) {
        let Action::PossibleOwner { role, node, may } = self.plan.action(number).action else { return };
        if let (true, Ok(node)) = (role == self.plan.role, self.resolve(node)) {
            if may {
                self.barred.remove(node);
            } else {
                self.barred.insert(node);
            }
        }
    }

    /// A machine without power runs nothing: what it showed last is void.
    fn forget_node(&mut self, node: NodeId) {
        let view = &mut self.views[node.index()];
        view.states.fill(None);
        view.statuses.fill(NodeStatus::Normal);
        view.owners.fill(None);
        view.resources.fill(ResourceState::Offline);
    }

    /// Whether somebody looks at this at present.
    pub fn watches(&self, what: Watch) -> bool {
        self.watched.contains(&what)
    }

    /// How the worker with this number stands.
    pub fn worker(&self, index: usize) -> WorkerState {
        self.workers[index]
    }

    /// The resources of the master's role that are not online on this node, each with its state there.
    pub(crate) fn resources_not_online(
        &self,
        node: NodeId,
    ) -> impl Iterator<Item = (ResourceId, ResourceState)> {
        let view = &self.views[node.index()];
        let resources = self.plan.topology.cluster.resources_on(self.plan.role, node);
        let states = resources.map(|resource| (resource, view.resources[resource.index()]));
        states.filter(|(_, state)| *state != ResourceState::Online)
    }

    /// Whether this machine runs, as it was seen last.
    pub(crate) fn power(&self, node: NodeId) -> Option<Power> {
        self.power[node.index()]
    }

    /// What a client met at the endpoint last.
    pub const fn endpoint(&self) -> Option<Answer> {
        self.endpoint
    }

    /// Nodes whose cluster service can be asked: watched, powered, and members in their own view.
    fn observers(&self) -> impl Iterator<Item = NodeId> {
        (0..self.views.len()).map(|node| NodeId(node as u8)).filter(|&node| {
            self.watches(Watch::Node(node))
                && self.power[node.index()] != Some(Power::Off)
                && matches!(
                    self.views[node.index()].states[node.index()],
                    Some(NodeState::Up | NodeState::Paused)
                )
        })
    }

    /// The owner node of the master's role, if all who can be asked agree.
    ///
    /// # Errors
    /// If nobody can be asked, or they disagree.
    pub fn owner(&self) -> Result<NodeId, WordError> {
        self.owner_of(self.plan.role)
    }

    /// The owner node of a role, if all who can be asked agree.
    pub(crate) fn owner_of(&self, role: RoleId) -> Result<NodeId, WordError> {
        let shown = |node: NodeId| self.views[node.index()].owners[role.index()];
        let owners: NodeSet = self.observers().filter_map(shown).collect();
        match owners.len() {
            0 => Err(WordError::None),
            1 => owners.lowest().ok_or(WordError::None),
            _ => Err(WordError::Several),
        }
    }

    /// The one node that is Up, may own the master's role and does not.
    fn standby(&self) -> Result<NodeId, WordError> {
        let owner = self.owner()?;
        let possible = self.plan.topology.cluster.possible_owners(self.plan.role).minus(self.barred);
        let mut standbys = possible
            .without(owner)
            .iter()
            .filter(|node| self.views[owner.index()].states[node.index()] == Some(NodeState::Up));
        match (standbys.next(), standbys.next()) {
            (Some(standby), None) => Ok(standby),
            (None, _) => Err(WordError::None),
            (Some(_), Some(_)) => Err(WordError::Several),
        }
    }

    /// The node that a word stands for at this moment.
    ///
    /// # Errors
    /// If it fits no node, or several.
    pub fn resolve(&self, word: NodeWord) -> Result<NodeId, WordError> {
        match word {
            NodeWord::Named(node) => Ok(node),
            NodeWord::Owner => self.owner(),
            NodeWord::Standby => self.standby(),
            // Before the steps begin, `given` means whoever is owner and standby then.
            NodeWord::FirstOwner => self.first.map_or_else(|| self.owner(), |[owner, _]| owner),
            NodeWord::FirstStandby => self.first.map_or_else(|| self.standby(), |[_, standby]| standby),
        }
    }

    /// The state of the master's role on its owner node.
    pub fn role_state(&self) -> Option<RoleState> {
        self.state_of(self.plan.role)
    }

    fn state_of(&self, role: RoleId) -> Option<RoleState> {
        let owner = self.owner_of(role).ok()?;
        let view = &self.views[owner.index()];
        let resources = self.plan.topology.cluster.resources_on(role, owner);
        Some(RoleState::of(resources.map(|resource| view.resources[resource.index()])))
    }

    /// Whether the cluster is at rest: the role online on its owner, and every worker that is enabled connected.
    pub fn is_steady(&self) -> bool {
        self.connected >= self.enabled && self.role_state() == Some(RoleState::Online)
    }

    /// Whether, besides, every node is a member: the state in which a run begins.
    pub fn is_complete(&self) -> bool {
        self.is_steady()
            && self.owner().is_ok_and(|owner| {
                let states = &self.views[owner.index()].states;
                states.iter().all(|state| *state == Some(NodeState::Up))
            })
    }

    /// Whether a clause is true at this moment.
    pub fn holds(&self, clause: &Clause) -> bool {
        match clause {
            Clause::Role { role, state, owner } => {
                let is_owner = |word| self.owner_of(*role).is_ok_and(|owner| self.resolve(word) == Ok(owner));
                state.is_none_or(|state| self.state_of(*role) == Some(state)) && owner.is_none_or(is_owner)
            }
            Clause::Node { node, state, status } => {
                state.is_none_or(|state| self.node_state(*node) == Some(state))
                    && status.is_none_or(|status| self.node_status(*node) == Some(status))
            }
            Clause::Nodes { which, state } => {
                quantified(*which, self.node_states().into_iter().map(|found| found == Some(*state)))
            }
            Clause::Endpoint { served_by, certificate } => self.endpoint_is(*served_by, *certificate),
            Clause::Workers { which, state } => {
                quantified(*which, (0..self.workers.len()).map(|worker| self.worker_is(worker, state)))
            }
            Clause::Tasks { of, which, state, executed_count, execution, messages } => quantified(
                *which,
                self.tasks.values().filter(|task| task.load == *of).map(|task| {
                    state.is_none_or(|state| task.state == state)
                        && executed_count.is_none_or(|count| task.executed_count == count)
                        && execution.is_none_or(|execution| task.execution == execution)
                        && messages.is_none_or(|messages| task.messages == messages)
                }),
            ),
            Clause::Reports { of, which, refused_with } => quantified(
                *which,
                self.tasks
                    .iter()
                    .filter(|(_, task)| task.load == *of)
                    .map(|(task, _)| self.refused.get(task) == Some(refused_with)),
            ),
        }
    }

    /// The states of all nodes, each as far as everybody who can be asked agrees.
    fn node_states(&self) -> Vec<Option<NodeState>> {
        let state = |node: usize| {
            let mut seen = self.observers().map(|by| self.views[by.index()].states[node]);
            let first = seen.next().flatten();
            first.filter(|_| seen.all(|other| other == first))
        };
        (0..self.views.len()).map(state).collect()
    }

    /// The state of a node, as the owner of the master's role sees it.
    pub fn node_state(&self, word: NodeWord) -> Option<NodeState> {
        let node = self.resolve(word).ok()?;
        let owner = self.owner().ok()?;
        self.views[owner.index()].states[node.index()]
    }

    fn node_status(&self, word: NodeWord) -> Option<NodeStatus> {
        let node = self.resolve(word).ok()?;
        let owner = self.owner().ok()?;
        Some(self.views[owner.index()].statuses[node.index()])
    }

    fn endpoint_is(&self, served_by: Option<NodeWord>, certificate: Option<Presented>) -> bool {
        let Some(Answer::Served { by, certificate: presented }) = self.endpoint else { return false };
        let pins = || self.plan.topology.workers.iter().filter_map(|worker| worker.pin);
        served_by.is_none_or(|word| self.resolve(word) == Ok(by))
            && match certificate {
                None => true,
                Some(Presented::Pinned) => pins().all(|pin| pin == presented),
                Some(Presented::NotPinned) => pins().all(|pin| pin != presented),
                Some(Presented::Named(named)) => named == presented,
            }
    }

    fn worker_is(&self, worker: usize, clause: &WorkerClause) -> bool {
        match (clause, self.workers[worker]) {
            (
                WorkerClause::Connected { through, served_by },
                WorkerState::Connected { through: host, served_by: node, .. },
            ) => {
                through.is_none_or(|through| self.plan.through(host) == through)
                    && served_by.is_none_or(|word| self.resolve(word) == Ok(node))
            }
            (
                WorkerClause::Disconnected,
                WorkerState::Starting | WorkerState::Disconnected(_) | WorkerState::Refused { .. },
            ) => true,
            (WorkerClause::Refused { error }, WorkerState::Refused { error: found, .. }) => {
                error.is_none_or(|error| error == found)
            }
            (
                WorkerClause::Connected { .. },
                WorkerState::Starting | WorkerState::Disconnected(_) | WorkerState::Refused { .. },
            )
            | (WorkerClause::Disconnected, WorkerState::Connected { .. })
            | (
                WorkerClause::Refused { .. },
                WorkerState::Starting | WorkerState::Connected { .. } | WorkerState::Disconnected(_),
            ) => false,
        }
    }

    /// Whether somebody looks at what a node shows.
    pub(crate) fn watches_a_node(&self) -> bool {
        (0..self.views.len()).any(|node| self.watches(Watch::Node(NodeId(node as u8))))
    }

    /// Whether somebody looks at what a clause is about.
    pub fn can_see(&self, clause: &Clause) -> bool {
        match clause {
            // The state of a role is what its owner node shows; one without power shows nothing, and that is known.
            Clause::Role { .. } => match self.owner() {
                Ok(owner) => {
                    self.watches(Watch::Node(owner)) || self.power[owner.index()] == Some(Power::Off)
                }
                Err(_) => self.watches_a_node(),
            },
            Clause::Node { .. } | Clause::Nodes { .. } => self.watches_a_node(),
            Clause::Endpoint { .. } => self.watches(Watch::Endpoint),
            Clause::Workers { .. } => self.watches(Watch::Workers),
            Clause::Tasks { messages, .. } => {
                self.watches(Watch::Ssisdb) && (messages.is_none() || self.watches(Watch::Messages))
            }
            Clause::Reports { .. } => self.watches(Watch::Ssisdb) && self.watches(Watch::Reports),
        }
    }
}

/// The clauses of a step; empty if it waits for nothing.
pub fn clauses(kind: &StepKind) -> &[Clause] {
    match kind {
        StepKind::Expect { clauses, .. } | StepKind::Hold { clauses, .. } => clauses,
        StepKind::Act(_) | StepKind::Pause(_) => &[],
    }
}

const fn is_connected(state: WorkerState) -> bool {
    matches!(state, WorkerState::Connected { .. })
}

/// Whether so many of the things are as they should be; of no things at all nothing is true.
fn quantified(which: Which, mut things: impl Iterator<Item = bool>) -> bool {
    let Some(first) = things.next() else { return false };
    match which {
        Which::Every => first && things.all(|is| is),
        Which::Any => first || things.any(|is| is),
        Which::None => !first && things.all(|is| !is),
    }
}

/// The kind of host name, in words.
pub const fn through_word(through: Through) -> &'static str {
    match through {
        Through::NetworkName => "network_name",
        Through::NodeName => "node_name",
    }
}
