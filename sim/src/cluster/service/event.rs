//! What can happen to a cluster service, and what does it want done?

use crate::names::{NodeId, ResourceId, RoleId};
use crate::observe::{Fact, NodeStatus};

use super::super::view::Wanted;
use super::super::{Regroup, RoleView};

/// What can happen to a cluster service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "a regroup carries a whole view, and few events are under way at a time"
)]
pub enum ClusterEvent {
    /// Its process starts.
    Started,
    /// Its process dies, and with it everything that it hosts.
    Killed {
        /// Whether the resource monitor lets the resources shut down, or they end with it.
        rundown: Rundown,
    },
    /// A deadline may have come.
    Woken,
    /// The members changed.
    Regrouped(Regroup),
    /// Another member says what it knows of a role.
    RoleTold {
        /// Which one.
        role: RoleId,
        /// What is known.
        view: RoleView,
    },
    /// An administrator moves a role to a node.
    MoveRequested {
        /// Which one.
        role: RoleId,
        /// Where to.
        to: NodeId,
    },
    /// An administrator takes a role offline, or brings it online.
    RoleRequested {
        /// Which one.
        role: RoleId,
        /// What it shall be.
        wanted: Wanted,
    },
    /// An administrator takes a resource offline with all that depends on it, or brings it online with all that it
    /// depends on.
    ResourceRequested {
        /// Which one.
        resource: ResourceId,
        /// What it shall be.
        wanted: Wanted,
    },
    /// An administrator takes a node from the possible owners of a role, or makes it one again.
    OwnershipRequested {
        /// Which role.
        role: RoleId,
        /// Which node.
        node: NodeId,
        /// Whether it may own the role from here on.
        may: bool,
    },
    /// An administrator takes the service out of the cluster: it hands its roles over and stops.
    StopRequested,
    /// An administrator pauses this node, with or without moving its roles away, or resumes it.
    PauseRequested {
        /// Paused or not.
        paused: bool,
        /// Whether its roles move away.
        drain: bool,
    },
    /// Another member says that a node is paused, or no longer is.
    PauseTold {
        /// Which node.
        node: NodeId,
        /// Paused or not.
        paused: bool,
    },
    /// The time is over for which a node was isolated or in quarantine.
    StatusEnded {
        /// Which node.
        node: NodeId,
        /// What is left.
        status: NodeStatus,
    },
    /// The others went on without this node.
    Evicted,
    /// A call to a resource has ended.
    CallEnded {
        /// Which one.
        resource: ResourceId,
        /// Of which call.
        attempt: Attempt,
        /// Whether the resource is in the state that was asked for.
        succeeded: bool,
    },
    /// A health check or the resource itself says that it failed.
    ResourceFailed(ResourceId),
}

/// What a cluster service wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterEffect {
    /// Call a resource's Online.
    BringOnline {
        /// Which one.
        resource: ResourceId,
        /// To be named in the answer.
        attempt: Attempt,
    },
    /// Call a resource's Offline.
    TakeOffline {
        /// Which one.
        resource: ResourceId,
        /// To be named in the answer.
        attempt: Attempt,
    },
    /// Call a resource's Terminate: it is gone when the call returns.
    Terminate(ResourceId),
    /// Let a resource shut down by itself: nobody waits for it.
    RunDown(ResourceId),
    /// Tell the other members what is known of a role.
    TellMembers {
        /// Which one.
        role: RoleId,
        /// What is known.
        view: RoleView,
    },
    /// Tell the other members that a node is paused, or no longer is.
    TellPaused {
        /// Which node.
        node: NodeId,
        /// Paused or not.
        paused: bool,
    },
    /// Stop the service for good: an administrator asked for it.
    Leave,
    /// Stop the service, which the service control manager starts again: quorum or membership is lost.
    Halt,
    /// Show this to whoever looks at this node.
    Show(Fact),
}

/// Tells the answer to an earlier call from the answer to this one; no part of a state's identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempt(pub(super) u32);

impl Attempt {
    /// The how manieth call to its resource on its node.
    pub const fn ordinal(self) -> u32 {
        self.0
    }
}

impl std::hash::Hash for Attempt {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

/// What becomes of resources whose cluster service is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rundown {
    /// They are terminated.
    Abrupt,
    /// They shut down in good order.
    Graceful,
}
