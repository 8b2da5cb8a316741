//! Why could an action not be carried out?

use std::fmt;

use crate::names::{NodeId, ResourceId, RoleId, WorkerId};
use crate::observe::Power;

/// Why an action could not be carried out: the surroundings are not as it needs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplyError {
    /// No member owns the role, so that nobody can move it.
    NoOwner(RoleId),
    /// The role cannot go to this node: it is not an active member, is paused, or is not a possible owner.
    NotACandidate {
        /// Which role.
        role: RoleId,
        /// Which node.
        node: NodeId,
    },
    /// The machine is not in the power state that the action needs.
    WrongPower {
        /// Which machine.
        node: NodeId,
        /// Its power state.
        is: Power,
    },
    /// No cluster service runs on the node, or one does where none should.
    NoService(NodeId),
    /// The service runs already.
    RunsAlready(NodeId),
    /// The service that the action is about does not run on the node.
    NotRunning(NodeId),
    /// The resource is not online anywhere.
    NotOnline(ResourceId),
    /// The node owns the role, and the role is not offline.
    Owns {
        /// Which role.
        role: RoleId,
        /// Which node.
        node: NodeId,
    },
    /// The service is disabled, is not there, or cannot reach what it needs.
    CannotStart(NodeId),
    /// The worker's service runs already.
    WorkerRuns(WorkerId),
    /// The worker's service does not run.
    WorkerStopped(WorkerId),
    /// The worker is a program of its own, which nobody can make hang.
    ProgramHangs(WorkerId),
    /// SSISDB has no row for the worker.
    WorkerUnknown(WorkerId),
    /// No node answers for SSISDB.
    NoSsisdb,
    /// The members that would be left have no quorum.
    QuorumNeedsIt(NodeId),
    /// The node that owns the role is paused.
    Paused(NodeId),
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoOwner(_) => write!(f, "no active member owns the role"),
            Self::NotACandidate { .. } => {
                write!(
                    f,
                    "the node is not an active, unpaused member that may own every resource of the role"
                )
            }
            Self::WrongPower { is: Power::On, .. } => write!(f, "the machine is on"),
            Self::WrongPower { is: Power::Off, .. } => write!(f, "the machine is off"),
            Self::WrongPower { is: Power::Frozen, .. } => write!(f, "the machine is frozen"),
            Self::NoService(_) => write!(f, "no cluster service runs on the node"),
            Self::RunsAlready(_) => write!(f, "the service runs already"),
            Self::NotRunning(_) => write!(f, "the service does not run on the node"),
            Self::NotOnline(_) => write!(f, "the resource is not online on any node"),
            // ERROR_INVALID_STATE (ApiRemoveResourceNode of MS-CMRP, documented).
            Self::Owns { .. } => write!(f, "the node owns the role, which is not offline"),
            Self::CannotStart(_) => write!(f, "the service cannot be started on the node"),
            Self::WorkerRuns(_) => write!(f, "the worker's service runs already"),
            Self::ProgramHangs(_) => {
                write!(f, "the worker is a program of its own, which cannot be made to hang")
            }
            Self::WorkerUnknown(_) => write!(f, "SSISDB has no row for the worker"),
            Self::NoSsisdb => write!(f, "no node answers for SSISDB"),
            Self::QuorumNeedsIt(_) => {
                write!(f, "without the node there is no quorum: only Stop-Cluster stops all")
            }
            // The rule is documented (PauseClusterNode); that the error is ERROR_CLUSTER_NODE_PAUSED is inferred.
            Self::Paused(_) => {
                write!(f, "the owner node is paused, and nothing comes online there until `resume_node`")
            }
            Self::WorkerStopped(_) => write!(f, "the worker's service does not run"),
        }
    }
}

impl std::error::Error for ApplyError {}
