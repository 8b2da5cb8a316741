//! Was every action of the plan seen to take effect, by the proof that belongs to it?
//!
//! A run whose faults did not bite proves nothing: it is inconclusive, not green.

use failover_sim::action::{Action, AgentAction, LinkEnd, LinkState, LoadWorkers, Service, ServiceAction};
use failover_sim::cluster::ResourceKind;
use failover_sim::names::{ActionNo, LoadId, NodeId, ResourceId, RoleId, WorkerId};
use failover_sim::observe::{
    AgentRow, Answer, ExecutionStatus, Fact, Loss, NodeState, Power, Record, ResourceState, Source,
    WorkerState,
};
use failover_sim::time::Time;

use crate::plan::{NodeWord, Plan};

use super::{Verdict, Window};

pub(crate) struct ActionsInForce {
    actions: Vec<ActionFold>,
    /// The places of those that start executions: the only ones that tasks prove, of which there may be many.
    starts: Vec<usize>,
    /// For each node, whether it is a member in its own view, and whether its machine was seen without power.
    members: Vec<bool>,
    off: Vec<bool>,
}

#[derive(Clone, Copy, Debug)]
struct ActionFold {
    proof: Proof,
    /// When it was carried out, and on which node.
    begun: Option<(Time, Option<NodeId>)>,
    proven: bool,
}

/// What must be seen after an action.
#[derive(Clone, Copy, Debug)]
enum Proof {
    /// The configuration that it changed was read back.
    ReadBack,
    /// This role has the target as its owner node.
    Owner(RoleId),
    /// Another node shows the target in this state.
    Node(NodeState),
    /// The machine is seen in this power state.
    Power(Power),
    /// Some node shows another one Down.
    Parted,
    /// The resource is seen Failed, or on its way to be online again.
    Failed(Option<ResourceId>),
    /// The resource is seen in this state.
    Resource(ResourceId, ResourceState),
    /// The resource is seen Failed, or a master is seen without its SSISDB.
    SqlServerGone(Option<ResourceId>),
    /// Some worker waits for an answer in vain.
    TimesOut,
    /// A client outside the cluster loses the master.
    ClientsCut,
    /// SSISDB shows this of the worker.
    Agent(WorkerId, AgentRow),
    /// So many executions are still to be seen started.
    Started { load: LoadId, missing: u64 },
}

impl Proof {
    fn of(action: &Action<NodeWord>, plan: &Plan) -> Self {
        let resource = |service| match service {
            Service::Master => Some(plan.master),
            Service::SqlServer => {
                let resources = &plan.topology.cluster.resources;
                let found = resources.iter().position(|resource| {
                    matches!(resource.kind, ResourceKind::SqlServer | ResourceKind::AvailabilityGroup)
                });
                found.map(|index| ResourceId(index as u16))
            }
        };
        match action {
            Action::ReplaceMasterCertificate { .. }
            | Action::ChangeNode { .. }
            | Action::SetCluster(_)
            | Action::SetWorkers(_) => Self::ReadBack,
            Action::MoveRole { role, .. } => Self::Owner(*role),
            Action::PowerOff { .. }
            | Action::KillClusterService { .. }
            | Action::Freeze { .. }
            | Action::ShutDown { .. }
            | Action::RestartNode { .. }
            | Action::StopClusterService { .. } => Self::Node(NodeState::Down),
            Action::PowerOn { .. } | Action::StartClusterService { .. } | Action::ResumeNode { .. } => {
                Self::Node(NodeState::Up)
            }
            Action::PauseNode { .. } => Self::Node(NodeState::Paused),
            Action::Thaw { .. } => Self::Power(Power::On),
            Action::Resource { resource, online } => {
                let state = if *online { ResourceState::Online } else { ResourceState::Offline };
                Self::Resource(*resource, state)
            }
            Action::Role { online: true, .. } => Self::Resource(plan.master, ResourceState::Online),
            Action::Role { online: false, .. } => Self::Resource(plan.master, ResourceState::Offline),
            // What they break shows only when somebody needs it.
            Action::Surroundings { .. } | Action::PossibleOwner { .. } | Action::Degrade { .. } => {
                Self::ReadBack
            }
            // A worker that was away already does not go away once more.
            Action::WorkerService { .. } => Self::ReadBack,
            Action::WorkerAgent { worker, what } => {
                let row = match what {
                    AgentAction::Enable => AgentRow::Enabled,
                    AgentAction::Disable => AgentRow::Disabled,
                    AgentAction::Delete => AgentRow::Missing,
                };
                Self::Agent(*worker, row)
            }
            Action::Service { service: Service::Master, what: ServiceAction::Hang, .. } => Self::TimesOut,
            // FailureConditionLevel may ask the cluster to leave it alone.
            Action::Service { service: Service::SqlServer, what: ServiceAction::Start, .. } => Self::ReadBack,
            Action::Service { service: Service::SqlServer, .. } => {
                Self::SqlServerGone(resource(Service::SqlServer))
            }
            Action::Service { service: Service::Master, what: ServiceAction::Start, .. } => Self::ReadBack,
            Action::Service { service, .. } => Self::Failed(resource(*service)),
            Action::FailResource { resource } | Action::DeadlockResource { resource } => {
                Self::Failed(Some(*resource))
            }
            Action::Link { state: LinkState::Whole, .. } => Self::ReadBack,
            Action::Link { to: LinkEnd::Node(_) | LinkEnd::OtherNodes, .. } => Self::Parted,
            Action::Link { to: LinkEnd::Clients, .. } => Self::ClientsCut,
            Action::Link { to: LinkEnd::Disk, .. } => {
                let disk = |kind| kind == ResourceKind::PhysicalDisk;
                let found = plan.topology.cluster.resources.iter().position(|one| disk(one.kind));
                Self::Failed(found.map(|index| ResourceId(index as u16)))
            }
            // What a node without the witness loses shows only with the next change of members.
            Action::Link { to: LinkEnd::Witness, .. } => Self::ReadBack,
            Action::StartExecutions(load) => {
                let asked = &plan.loads[load.index()];
                let each = match asked.workers {
                    LoadWorkers::Any => 1,
                    LoadWorkers::EachNamed => plan.topology.workers.len() as u64,
                };
                let missing = u64::from(asked.count) * u64::from(asked.rounds) * each;
                Self::Started { load: *load, missing }
            }
        }
    }
}

impl ActionsInForce {
    pub(crate) fn new(plan: &Plan) -> Self {
        let fold = |action| ActionFold { proof: Proof::of(action, plan), begun: None, proven: false };
        let nodes = plan.topology.nodes.len();
        let actions: Vec<ActionFold> = plan.actions.iter().map(|planned| fold(&planned.action)).collect();
        let is_start = |place: &usize| matches!(actions[*place].proof, Proof::Started { .. });
        Self {
            starts: (0..actions.len()).filter(is_start).collect(),
            actions,
            members: vec![false; nodes],
            off: vec![false; nodes],
        }
    }

    /// If the last member is gone nobody is left to show a node Down, and that its machine has no power must do.
    fn is_anybody_left(&mut self) {
        if self.members.contains(&true) {
            return;
        }
        for fold in &mut self.actions {
            let Some((_, Some(target))) = fold.begun else { continue };
            fold.proven |= matches!(fold.proof, Proof::Node(NodeState::Down)) && self.off[target.index()];
        }
    }

    pub(crate) fn observe(&mut self, record: &Record) {
        match record.fact {
            Fact::Acting { action, node } => {
                self.actions[action.index()].begun = Some((record.latest, node));
            }
            Fact::Applied(action) => {
                let fold = &mut self.actions[action.index()];
                fold.proven |= matches!(fold.proof, Proof::ReadBack);
            }
            Fact::OwnerNode { owner, role } => self.prove(|proof, target| {
                matches!(proof, Proof::Owner(wanted) if wanted == role) && target == Some(owner)
            }),
            Fact::NodeState { node, state } if record.source == Source::Node(node) => {
                self.members[node.index()] = matches!(state, NodeState::Up | NodeState::Paused);
                self.is_anybody_left();
            }
            Fact::NodeState { node, state } => {
                self.prove(|proof, target| match proof {
                    Proof::Node(wanted) => wanted == state && target == Some(node),
                    Proof::Parted => state == NodeState::Down,
                    Proof::ReadBack
                    | Proof::Owner(_)
                    | Proof::Power(_)
                    | Proof::Failed(_)
                    | Proof::Resource(..)
                    | Proof::SqlServerGone(_)
                    | Proof::TimesOut
                    | Proof::ClientsCut
                    | Proof::Agent(..)
                    | Proof::Started { .. } => false,
                });
            }
            Fact::Machine { node, power } => {
                self.off[node.index()] = power == Power::Off;
                self.members[node.index()] &= power != Power::Off;
                self.is_anybody_left();
                self.prove(|proof, target| {
                    matches!(proof, Proof::Power(wanted) if wanted == power) && target == Some(node)
                });
            }
            Fact::ResourceState { resource, state } => self.prove(|proof, _| match proof {
                Proof::Failed(wanted) | Proof::SqlServerGone(wanted) => {
                    // Between two looks it may have failed and be on its way again.
                    let is_seen = matches!(state, ResourceState::Failed | ResourceState::OnlinePending);
                    is_seen && wanted == Some(resource)
                }
                Proof::Resource(wanted, in_state) => wanted == resource && in_state == state,
                Proof::ReadBack
                | Proof::Owner(_)
                | Proof::Node(_)
                | Proof::Power(_)
                | Proof::Parted
                | Proof::TimesOut
                | Proof::ClientsCut
                | Proof::Agent(..)
                | Proof::Started { .. } => false,
            }),
            Fact::Worker { state: WorkerState::Disconnected(loss), .. } => {
                self.prove(|proof, _| match proof {
                    Proof::TimesOut => loss == Loss::TimedOut,
                    Proof::SqlServerGone(_) => loss == Loss::Unserved,
                    Proof::ClientsCut => true,
                    Proof::ReadBack
                    | Proof::Owner(_)
                    | Proof::Node(_)
                    | Proof::Power(_)
                    | Proof::Parted
                    | Proof::Failed(_)
                    | Proof::Resource(..)
                    | Proof::Agent(..)
                    | Proof::Started { .. } => false,
                });
            }
            Fact::Endpoint { answer: Answer::Silent, .. } => {
                self.prove(|proof, _| matches!(proof, Proof::ClientsCut));
            }
            Fact::Task { load, executed_count: 0, execution: ExecutionStatus::Pending, .. } => {
                self.count_started(load);
            }
            Fact::WorkerAgent { worker, row } => {
                self.prove(
                    |proof, _| matches!(proof, Proof::Agent(of, wanted) if (of, wanted) == (worker, row)),
                );
            }
            // No proof of anything.
            Fact::Worker { .. }
            | Fact::Endpoint { .. }
            | Fact::Task { .. }
            | Fact::NodeStatus { .. }
            | Fact::Watching { .. }
            | Fact::Unwatched(_)
            | Fact::StepsBegan
            | Fact::StepBegan(_)
            | Fact::StepsEnded
            | Fact::RunEnded
            | Fact::MasterMachine(_)
            | Fact::Package { .. }
            | Fact::ExecutionLog { .. }
            | Fact::ReportRefused { .. }
            // Nodes and probe have shown what it tells.
            | Fact::ClusterEvent { .. } => {}
        }
    }

    /// What is seen proves the last action that could have brought it about, and no earlier one.
    fn prove(&mut self, is_proof: impl Fn(Proof, Option<NodeId>) -> bool) {
        let last = self
            .actions
            .iter_mut()
            .rfind(|fold| fold.begun.is_some_and(|(_, target)| is_proof(fold.proof, target)));
        if let Some(fold) = last {
            fold.proven = true;
        }
    }

    fn count_started(&mut self, started: LoadId) {
        for &place in &self.starts {
            let fold = &mut self.actions[place];
            if let Proof::Started { load, missing } = &mut fold.proof
                && *load == started
                && fold.begun.is_some()
            {
                *missing = missing.saturating_sub(1);
                fold.proven = *missing == 0;
            }
        }
    }

    /// Pass if every action that was begun bit; those never begun are the business of the steps.
    pub(crate) fn verdict(&self, plan: &Plan, window: Window) -> Verdict {
        for (index, fold) in self.actions.iter().enumerate() {
            let Some((at, node)) = fold.begun else { continue };
            if !fold.proven {
                let planned = plan.action(ActionNo(index as u16));
                let what = planned.action.verb().word();
                let target = node.map(|node| format!(" of {}", plan.names.node(node))).unwrap_or_default();
                let at = window.offset(at);
                let line = planned.line;
                let reason = format!("{what}{target} at {at} (line {line}) was not seen to take effect");
                return Verdict::inconclusive(self.count(), reason);
            }
        }
        Verdict::pass(self.count().max(1), "")
    }

    /// The actions that were carried out, by the proof that belongs to each.
    pub(crate) fn proven(&self) -> impl Iterator<Item = ActionNo> {
        let all = self.actions.iter().enumerate();
        all.filter(|(_, fold)| fold.proven).map(|(index, _)| ActionNo(index as u16))
    }

    fn count(&self) -> u64 {
        self.actions.iter().filter(|fold| fold.proven).count() as u64
    }
}
