//! In which states can things be seen to be?

use crate::names::{CertificateId, HostId, NodeId};

/// Whether a machine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Power {
    /// It runs.
    On,
    /// It has no power: it lost everything that was not on a disk.
    Off,
    /// It stands still, with all it knew.
    Frozen,
}

/// A node's state, in Windows' words (ClusterNode.State; FailoverClusterDsc stubs, documented).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeState {
    /// An active member.
    Up,
    /// Not a member.
    Down,
    /// A member that takes no roles.
    Paused,
    /// About to become a member.
    Joining,
}

/// A flag of a node beside its state (ClusterNode.StatusInformation; FailoverClusterDsc stubs, documented). Where Windows
/// has both flags, the one that keeps the node out is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NodeStatus {
    /// None.
    #[default]
    Normal,
    /// It fell silent a short while ago: virtual machines would go on there (virtual machine resiliency page, documented).
    Isolated,
    /// It was lost too often, and may not join.
    Quarantined,
}

/// A resource's state, in Windows' words (ClusterResource.State; FailoverClusterDsc stubs, documented).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceState {
    /// Not in use on this node.
    Offline,
    /// On its way to online.
    OnlinePending,
    /// In use.
    Online,
    /// On its way to offline.
    OfflinePending,
    /// It did not come online, or failed later.
    Failed,
}

/// A role's state as Windows derives it from its resources (ClusterGroup.State; the rule is inferred).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RoleState {
    /// Every resource is online.
    Online,
    /// Every resource is offline.
    Offline,
    /// Some resource failed and none is on its way.
    Failed,
    /// Some resources are online, others are not.
    PartialOnline,
    /// Some resource is on its way.
    Pending,
}

impl RoleState {
    /// The state of a role whose resources are in these states.
    pub fn of(states: impl IntoIterator<Item = ResourceState>) -> Self {
        let (mut online, mut offline, mut failed, mut pending) = (0, 0, 0, 0);
        for state in states {
            match state {
                ResourceState::Online => online += 1,
                ResourceState::Offline => offline += 1,
                ResourceState::Failed => failed += 1,
                ResourceState::OnlinePending | ResourceState::OfflinePending => pending += 1,
            }
        }
        match (pending, online, offline, failed) {
            (1.., ..) => Self::Pending,
            (0, _, 0, 0) => Self::Online,
            (0, 0, _, 0) => Self::Offline,
            (0, 0, _, 1..) => Self::Failed,
            (0, 1.., _, _) => Self::PartialOnline,
            (i32::MIN..=-1, ..) | (0, i32::MIN..=-1, ..) | (0, 0, _, i32::MIN..=-1) => {
                unreachable!("counts are not negative")
            }
        }
    }
}

/// What a client meets at the master's port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// Nothing comes back.
    Silent,
    /// The connection is refused.
    Refused,
    /// The connection opens, the handshake breaks: no usable binding on this node.
    NoHandshake(NodeId),
    /// The handshake is finished.
    Served {
        /// Who answered.
        by: NodeId,
        /// The certificate that it presents.
        certificate: CertificateId,
    },
}

impl Answer {
    /// How far a client came: of several addresses of a name the one that gets it furthest counts.
    pub const fn rank(&self) -> u8 {
        match self {
            Self::Silent => 0,
            Self::Refused => 1,
            Self::NoHandshake(_) => 2,
            Self::Served { .. } => 3,
        }
    }
}

/// How a worker stands to its master.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WorkerState {
    /// Its service has started and has not reached a master yet.
    Starting,
    /// Its heartbeat is answered.
    Connected {
        /// The host of its MasterEndpoint.
        through: HostId,
        /// The node whose master answers.
        served_by: NodeId,
        /// The certificate that this master presented.
        presented: CertificateId,
    },
    /// It had a connection and lost it.
    Disconnected(Loss),
    /// Its last attempt to connect or to be heard failed.
    Refused {
        /// The error in its log.
        error: ErrorFamily,
        /// The node that it reached, if it reached one.
        by: Option<NodeId>,
        /// The certificate that it was shown, if any.
        presented: Option<CertificateId>,
    },
}

/// How a connection was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Loss {
    /// The other side closed it (FIN): the service stopped.
    Closed,
    /// The other side reset it (RST): the process died, or the address is at another node.
    Reset,
    /// No answer came in time.
    TimedOut,
    /// The connection stands, but its master cannot reach SSISDB.
    Unserved,
}

/// The families of errors in a worker's log that Microsoft documents
/// (troubleshooting-scale-out, documented; the texts are the product's own).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorFamily {
    /// `EndpointNotFoundException`: there was no endpoint listening.
    EndpointNotFound,
    /// `SecurityNegotiationException`: could not establish trust relationship.
    TrustRelationship,
    /// `SecurityNegotiationException`: could not establish secure channel.
    SecureChannel,
    /// `MessageSecurityException`: the HTTP request was forbidden.
    Forbidden,
    /// `CommunicationException`: an error occurred while making the HTTP request.
    HttpRequest,
}

impl ErrorFamily {
    /// All families.
    pub const ALL: [Self; 5] = [
        Self::EndpointNotFound,
        Self::TrustRelationship,
        Self::SecureChannel,
        Self::Forbidden,
        Self::HttpRequest,
    ];
}

/// A task's state. The numbers in SSISDB are inferred from its procedures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskState {
    /// 1: waits for a worker.
    Ready,
    /// 2: handed out to a worker.
    HandedOut,
    /// 3: reported as running.
    Running,
    /// 4: over, without success and without another attempt.
    Failed,
    /// 5: over, with success.
    Succeeded,
}

/// The status of an execution, with its number in `catalog.executions` (catalog.executions page, documented). Others than
/// these take somebody who stops an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExecutionStatus {
    /// 2.
    Running,
    /// 5: started, and no worker has reported that it runs.
    Pending,
    /// 6.
    EndedUnexpectedly,
    /// 7.
    Succeeded,
}

/// Where the messages of a package are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExecutionLog {
    /// In SSISDB.
    #[default]
    Written,
    /// On the worker's disk, until its service is restarted.
    Cached,
    /// Nowhere: the worker's login was refused.
    Refused,
}

/// An event log of a node that its cluster service writes into (Windows Server event lists, documented).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// System: what an administrator should know, such as losses and failures.
    System,
    /// Microsoft-Windows-FailoverClustering/Operational: what the cluster does by itself, such as roles that move.
    Operational,
}

/// What SSISDB knows of a worker (`catalog.worker_agents`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AgentRow {
    /// There is no row.
    Missing,
    /// `IsEnabled` is 0: it gets no task.
    Disabled,
    /// `IsEnabled` is 1.
    Enabled,
}
