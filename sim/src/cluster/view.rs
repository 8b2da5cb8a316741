//! What does one node believe about its cluster?

use crate::names::{NodeId, NodeSet, RESOURCES_MAX, ROLES_MAX, ResourceId, RoleId};
use crate::observe::NodeStatus;
use crate::time::Due;

/// One node's picture of members, votes and roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct View {
    /// Counts regroups: the higher one is the later one.
    pub epoch: Epoch,
    /// Active members.
    pub members: NodeSet,
    /// Nodes that take no roles.
    pub paused: NodeSet,
    /// Nodes that fell silent a short while ago.
    pub isolated: NodeSet,
    /// Nodes that may not join.
    pub quarantined: NodeSet,
    /// Nodes that have a vote (`DynamicWeight`).
    pub votes: NodeSet,
    /// Whether the witness has a vote (`WitnessDynamicWeight`).
    pub witness_vote: bool,
    /// What it knows of each role.
    pub roles: RoleViews,
}

impl View {
    /// The flag of a node.
    pub const fn status(&self, node: NodeId) -> NodeStatus {
        if self.quarantined.contains(node) {
            NodeStatus::Quarantined
        } else if self.isolated.contains(node) {
            NodeStatus::Isolated
        } else {
            NodeStatus::Normal
        }
    }
}

/// The number of a regroup; orders views, and is no part of a state's identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(pub u32);

impl std::hash::Hash for Epoch {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

/// What a node believes about one role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RoleView {
    /// The owner node; `None` before the cluster has formed.
    pub owner: Option<NodeId>,
    /// Whether it should be online (`PersistentState`).
    pub wanted: Wanted,
    /// Resources that an administrator has taken offline, and that no failover brings online (`PersistentState` of a
    /// resource, documented by name; that it works so is inferred).
    pub stopped: ResourceSet,
    /// Nodes that an administrator took from the possible owners of its resources.
    pub barred: NodeSet,
    /// Failovers since the period began.
    pub failovers: u8,
    /// When the count starts anew.
    pub period_ends: Due,
}

/// Some of the resources of a cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ResourceSet(u32);

impl ResourceSet {
    /// Whether it is one of them: one of the first [`RESOURCES_MAX`].
    pub const fn contains(self, resource: ResourceId) -> bool {
        resource.index() < RESOURCES_MAX && self.0 & 1 << resource.0 != 0
    }

    /// Adds one.
    pub const fn insert(&mut self, resource: ResourceId) {
        if resource.index() < RESOURCES_MAX {
            self.0 |= 1 << resource.0;
        }
    }

    /// Takes one away.
    pub const fn remove(&mut self, resource: ResourceId) {
        if resource.index() < RESOURCES_MAX {
            self.0 &= !(1 << resource.0);
        }
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// What an administrator last asked of a role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// Online.
    #[default]
    Online,
    /// Offline.
    Offline,
}

/// The view of all roles, as one value that travels in one message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RoleViews([RoleView; ROLES_MAX]);

impl RoleViews {
    /// What is believed of `role`.
    pub const fn of(&self, role: RoleId) -> &RoleView {
        &self.0[role.index()]
    }

    /// The same, to change it.
    pub const fn of_mut(&mut self, role: RoleId) -> &mut RoleView {
        &mut self.0[role.index()]
    }
}
