//! What do the answers of hosts say in the words of a history?
//!
//! Each look is compared with the last one; a difference is a fact that became true between the two.

use failover_sim::names::{NodeId, ResourceId, RoleId, WorkerId};
use failover_sim::observe::{
    Answer, ErrorFamily, Fact, NodeState, NodeStatus, Power, ResourceState, WorkerState,
};

use super::binding::Binding;
use super::protocol::{
    ClusterSight, LogEvent, LogLine, MachineSight, SERVICE_RUNNING, SERVICE_START_PENDING,
    SOCKET_ESTABLISHED, WorkerSight, node_status,
};

/// A name that stands for nothing in the plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no {kind} `{name}` in the plan")]
pub struct Unbound {
    /// What kind of thing.
    pub kind: &'static str,
    /// Its name on the host.
    pub name: String,
}

/// What one node showed last.
#[derive(Clone, Debug)]
pub(super) struct NodeMemory {
    node: NodeId,
    states: Vec<Option<NodeState>>,
    statuses: Vec<NodeStatus>,
    owners: Vec<Option<NodeId>>,
    resources: Vec<Option<ResourceState>>,
}

impl NodeMemory {
    pub(super) fn new(node: NodeId, binding: &Binding) -> Self {
        let topology = &binding.topology;
        Self {
            node,
            states: vec![None; topology.nodes.len()],
            statuses: vec![NodeStatus::Normal; topology.nodes.len()],
            owners: vec![None; topology.cluster.roles.len()],
            resources: vec![None; topology.cluster.resources.len()],
        }
    }

    /// The machine has no power: nothing that it showed is true any more.
    pub(super) fn forget(&mut self) {
        self.states.fill(None);
        self.statuses.fill(NodeStatus::Normal);
        self.owners.fill(None);
        self.resources.fill(None);
    }

    /// The owners that it showed, by role.
    pub(super) fn owners(&self) -> Vec<Option<NodeId>> {
        self.owners.clone()
    }

    /// Whether the node is an active member in its own view.
    pub(super) fn is_member(&self) -> bool {
        matches!(self.states[self.node.index()], Some(NodeState::Up | NodeState::Paused))
    }

    /// What is different from the last look: nodes, then owners, then resources.
    ///
    /// Objects of the cluster that the plan does not have are other people's and are passed over.
    pub(super) fn compare(&mut self, sight: &ClusterSight, binding: &Binding) -> Vec<Fact> {
        let mut facts = Vec::new();
        if sight.service != SERVICE_RUNNING {
            let joins = sight.service == SERVICE_START_PENDING;
            self.not_running(if joins { NodeState::Joining } else { NodeState::Down }, &mut facts);
            return facts;
        }
        for node in &sight.nodes {
            if let (Some(id), Some(state)) = (binding.node(&node.name), node.state) {
                self.node_is(id, state, &mut facts);
                let status = node_status(node.status);
                if std::mem::replace(&mut self.statuses[id.index()], status) != status {
                    facts.push(Fact::NodeStatus { node: id, status });
                }
            }
        }
        for group in &sight.groups {
            if let (Some(role), Some(owner)) = (binding.role(&group.name), binding.node(&group.owner))
                && self.owners[role.index()].replace(owner) != Some(owner)
            {
                facts.push(Fact::OwnerNode { role, owner });
            }
        }
        for resource in &sight.resources {
            if let (Some(id), Some(state)) = (binding.resource(&resource.name), resource.state) {
                // The cmdlets show a resource as it is on its owner node; here it counts only if that is this node.
                let is_here = binding.node(&resource.owner) == Some(self.node);
                self.resource_is(id, if is_here { state } else { ResourceState::Offline }, &mut facts);
            }
        }
        facts
    }

    fn not_running(&mut self, state: NodeState, facts: &mut Vec<Fact>) {
        self.node_is(self.node, state, facts);
        for index in 0..self.resources.len() {
            self.resource_is(ResourceId(index as u16), ResourceState::Offline, facts);
        }
        // What it knew of others is void: it is said again when the service is back.
        let own = self.states[self.node.index()];
        self.states.fill(None);
        self.states[self.node.index()] = own;
        self.owners.fill(None);
    }

    fn node_is(&mut self, node: NodeId, state: NodeState, facts: &mut Vec<Fact>) {
        if self.states[node.index()].replace(state) != Some(state) {
            facts.push(Fact::NodeState { node, state });
        }
    }

    fn resource_is(&mut self, resource: ResourceId, state: ResourceState, facts: &mut Vec<Fact>) {
        if self.resources[resource.index()].replace(state) != Some(state) {
            facts.push(Fact::ResourceState { resource, state });
        }
    }
}

/// What one worker showed last.
#[derive(Clone, Debug)]
pub(super) struct WorkerMemory {
    worker: WorkerId,
    /// The line of its log that the state rests on, and the state.
    last: Option<(Option<LogLine>, WorkerState)>,
}

/// What a look at a worker came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WorkerLook {
    /// It is as it was.
    Same,
    /// It is different.
    Changed(Fact),
    /// It has changed, but who serves it is not known yet.
    Unclear,
}

impl WorkerMemory {
    pub(super) const fn new(worker: WorkerId) -> Self {
        Self { worker, last: None }
    }

    /// The state that was known last.
    pub(super) fn state(&self) -> Option<WorkerState> {
        self.last.as_ref().map(|(_, state)| *state)
    }

    /// Compares a look with the last one. Who serves a worker, and with which certificate, is what the probe met under
    /// the same address when the worker's connection was first seen.
    pub(super) fn compare(
        &mut self,
        sight: &WorkerSight,
        endpoint: Option<Answer>,
        binding: &Binding,
    ) -> Result<WorkerLook, Unbound> {
        if let Some((line, _)) = &self.last
            && *line == sight.log
        {
            return Ok(WorkerLook::Same);
        }
        let Some(state) = state_of(sight, endpoint, binding)? else { return Ok(WorkerLook::Unclear) };
        let before = self.last.replace((sight.log.clone(), state));
        if before.is_some_and(|(_, before)| before == state) {
            return Ok(WorkerLook::Same);
        }
        Ok(WorkerLook::Changed(Fact::Worker { worker: self.worker, state }))
    }
}

fn state_of(
    sight: &WorkerSight,
    endpoint: Option<Answer>,
    binding: &Binding,
) -> Result<Option<WorkerState>, Unbound> {
    let Some(line) = &sight.log else { return Ok(Some(WorkerState::Starting)) };
    let met = match endpoint {
        Some(Answer::Served { by, certificate }) => (Some(by), Some(certificate)),
        Some(Answer::NoHandshake(by)) => (Some(by), None),
        Some(Answer::Silent | Answer::Refused) | None => (None, None),
    };
    Ok(match (line.event, met) {
        (LogEvent::Lost(loss), _) => Some(WorkerState::Disconnected(loss)),
        // No handshake was begun: nothing says who refused.
        (LogEvent::Failed(error @ ErrorFamily::EndpointNotFound), _) => {
            Some(WorkerState::Refused { error, by: None, presented: None })
        }
        (LogEvent::Failed(error), (by, presented)) => Some(WorkerState::Refused { error, by, presented }),
        (LogEvent::Connected, (Some(served_by), Some(presented))) => {
            through(sight, binding)?.map(|through| WorkerState::Connected { through, served_by, presented })
        }
        (LogEvent::Connected, (_, None) | (None, _)) => None,
    })
}

/// The host name that a worker is connected through: that of its endpoint, if its socket goes to an address behind it.
fn through(sight: &WorkerSight, binding: &Binding) -> Result<Option<failover_sim::names::HostId>, Unbound> {
    let Some(socket) = sight.socket.as_ref().filter(|socket| socket.state == SOCKET_ESTABLISHED) else {
        return Ok(None);
    };
    let host =
        |kind, name: &str| binding.endpoint_host(name).ok_or_else(|| Unbound { kind, name: name.to_owned() });
    let named = host("endpoint host", &sight.endpoint_host)?;
    let reached = host("address", &socket.remote_address)?;
    Ok(Some(if binding.leads_to(named, reached) { named } else { reached }))
}

/// What the power states of the machines were.
#[derive(Clone, Debug)]
pub(super) struct PowerMemory(Vec<Option<Power>>);

impl PowerMemory {
    pub(super) fn new(binding: &Binding) -> Self {
        Self(vec![None; binding.topology.nodes.len()])
    }

    /// What is different from the last look.
    pub(super) fn compare(&mut self, machines: &[MachineSight], binding: &Binding) -> Vec<(NodeId, Power)> {
        let mut changed = Vec::new();
        for machine in machines {
            if let (Some(node), Some(power)) = (binding.node(&machine.name), machine.state)
                && self.0[node.index()].replace(power) != Some(power)
            {
                changed.push((node, power));
            }
        }
        changed
    }
}

/// The owner node of a role, as a node shows it.
pub(super) fn owner_of(sight: &ClusterSight, group: &str, binding: &Binding) -> Option<NodeId> {
    let role: RoleId = binding.role(group)?;
    let group = sight.groups.iter().find(|found| binding.role(&found.name) == Some(role))?;
    binding.node(&group.owner)
}
