//! What does an action do to the cluster: to its roles, its resources, its properties?

use crate::action::ClusterProperty;
use crate::cluster::{ClusterEvent, Wanted, candidates};
use crate::names::{NodeId, ResourceId, RoleId};
use crate::observe::ResourceState;

use super::super::{Event, World};
use super::ApplyError;

impl World {
    pub(super) fn move_role(&mut self, role: RoleId, to: NodeId) -> Result<(), ApplyError> {
        let owner = self.owner_of(role)?;
        let view = self.nodes[owner.index()].service.view();
        if !candidates(&self.topology.cluster, view, role).contains(to) {
            return Err(ApplyError::NotACandidate { role, node: to });
        }
        self.send_to_service(owner, ClusterEvent::MoveRequested { role, to });
        Ok(())
    }

    /// Takes a role offline or brings it online.
    pub(super) fn set_role(&mut self, role: RoleId, online: bool) -> Result<(), ApplyError> {
        let wanted = if online { Wanted::Online } else { Wanted::Offline };
        let owner = self.owner_of(role)?;
        self.need_unpaused(owner, online)?;
        self.send_to_service(owner, ClusterEvent::RoleRequested { role, wanted });
        Ok(())
    }

    /// Takes a resource offline or brings it online.
    pub(super) fn set_resource(&mut self, resource: ResourceId, online: bool) -> Result<(), ApplyError> {
        let wanted = if online { Wanted::Online } else { Wanted::Offline };
        let owner = self.owner_of(self.topology.cluster.resources[resource.index()].role)?;
        self.need_unpaused(owner, online)?;
        self.send_to_service(owner, ClusterEvent::ResourceRequested { resource, wanted });
        Ok(())
    }

    /// What a paused node owns may go offline, but not come online (PauseClusterNode, documented).
    fn need_unpaused(&self, owner: NodeId, online: bool) -> Result<(), ApplyError> {
        let is_paused = self.nodes[owner.index()].service.view().paused.contains(owner);
        if online && is_paused { Err(ApplyError::Paused(owner)) } else { Ok(()) }
    }

    /// Refused where the role would have to leave the node (`ApiRemoveResourceNode` of MS-CMRP, documented).
    pub(super) fn set_possible_owner(
        &mut self,
        role: RoleId,
        node: NodeId,
        may: bool,
    ) -> Result<(), ApplyError> {
        let owner = self.owner_of(role).ok();
        let runs = |resource: &ResourceId| {
            let state = self.nodes[node.index()].service.resource_state(*resource);
            !matches!(state, ResourceState::Offline | ResourceState::Failed)
        };
        if !may && owner == Some(node) && self.topology.cluster.roles[role.index()].resources.iter().any(runs)
        {
            return Err(ApplyError::Owns { role, node });
        }
        let mut nodes = self.all_nodes().iter();
        let asked = owner.or_else(|| nodes.find(|node| self.nodes[node.index()].is_member()));
        let asked = asked.ok_or(ApplyError::NoOwner(role))?;
        self.send_to_service(asked, ClusterEvent::OwnershipRequested { role, node, may });
        Ok(())
    }

    pub(super) fn fail_resource(&mut self, resource: ResourceId) -> Result<(), ApplyError> {
        let node = self.online_on(resource)?;
        self.send_to_service(node, ClusterEvent::ResourceFailed(resource));
        Ok(())
    }

    /// The next poll of the resource does not come back.
    pub(super) fn deadlock(&mut self, resource: ResourceId) -> Result<(), ApplyError> {
        let node = self.online_on(resource)?;
        let policy = self.topology.cluster.resources[resource.index()].policy;
        let poll = self.next_poll(node, resource);
        self.queue.push(poll + policy.deadlock_timeout, Event::MonitorKilled { node, resource });
        Ok(())
    }

    /// Takes effect at once, without a restart (hadr-cluster-best-practices, documented).
    pub(super) fn set_cluster(&mut self, property: ClusterProperty) {
        match property {
            ClusterProperty::SameSubnetThreshold(value) => {
                self.properties.same_subnet_threshold = Some(value);
            }
            ClusterProperty::CrossSubnetThreshold(value) => {
                self.properties.cross_subnet_threshold = Some(value);
            }
            ClusterProperty::SameSubnetDelay(value) => self.properties.same_subnet_delay = value,
            ClusterProperty::CrossSubnetDelay(value) => self.properties.cross_subnet_delay = value,
            ClusterProperty::QuarantineThreshold(value) => self.properties.quarantine_threshold = value,
            ClusterProperty::QuarantineDuration(value) => self.properties.quarantine_duration = Some(value),
            ClusterProperty::ResiliencyLevel(value) => self.properties.resiliency_level = Some(value),
            ClusterProperty::ResiliencyDefaultPeriod(value) => {
                self.properties.resiliency_default_period = value;
            }
        }
    }

    pub(super) fn owner_of(&self, role: RoleId) -> Result<NodeId, ApplyError> {
        let owner = self.all_nodes().iter().find(|&node| {
            let host = &self.nodes[node.index()];
            host.is_member() && host.service.view().roles.of(role).owner == Some(node)
        });
        owner.ok_or(ApplyError::NoOwner(role))
    }

    fn online_on(&self, resource: ResourceId) -> Result<NodeId, ApplyError> {
        let found = self.all_nodes().iter().find(|&node| {
            let host = &self.nodes[node.index()];
            host.is_member() && host.service.resource_state(resource) == ResourceState::Online
        });
        found.ok_or(ApplyError::NotOnline(resource))
    }
}
