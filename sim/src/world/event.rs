//! What is going to happen in the world?

use crate::cluster::Attempt;
use crate::names::{LoadId, NodeId, ResourceId, TaskId, WorkerId};
use crate::observe::{ErrorFamily, Loss};

/// What is going to happen.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    WorkerDue(WorkerId),
    SynArrived {
        worker: WorkerId,
        connection: u32,
    },
    HandshakeEnded {
        worker: WorkerId,
        connection: u32,
    },
    /// Nobody has answered at this address for as long as a client tries.
    AddressGivenUp {
        worker: WorkerId,
        connection: u32,
    },
    ConnectFailed {
        worker: WorkerId,
        connection: u32,
        error: ErrorFamily,
    },
    RequestArrived {
        worker: WorkerId,
        connection: u32,
    },
    SegmentAgain {
        worker: WorkerId,
        connection: u32,
        attempt: u8,
    },
    ResponseArrived {
        worker: WorkerId,
        connection: u32,
    },
    ConnectionLost {
        worker: WorkerId,
        connection: u32,
        loss: Loss,
    },
    ServiceDue(NodeId),
    MasterDue(NodeId),
    CallEnded {
        node: NodeId,
        resource: ResourceId,
        attempt: Attempt,
        in_time: bool,
    },
    SsisdbRecovered {
        node: NodeId,
        run: u32,
    },
    /// A node's own instance, which no cluster starts, has started.
    InstanceStarted {
        node: NodeId,
        run: u32,
    },
    /// A call to SSISDB has waited as long as it may.
    CallTimesOut(NodeId),
    MasterReady {
        node: NodeId,
        run: u32,
    },
    PollFindsFailure {
        node: NodeId,
        resource: ResourceId,
    },
    /// A call to the resource has not come back for too long.
    MonitorKilled {
        node: NodeId,
        resource: ResourceId,
    },
    HeartbeatsMissed {
        observer: NodeId,
        peer: NodeId,
    },
    RegroupEnds(NodeId),
    JoinEnds(NodeId),
    ServiceStarts(NodeId),
    /// A node looks whether the others went on without it.
    LooksAround(NodeId),
    /// A node's time in isolation or quarantine is over.
    StatusEnds(NodeId),
    /// The members see whether the witness works.
    WitnessPolled,
    /// A machine that shuts down does not wait any longer for its cluster service.
    ShutdownEnds(NodeId),
    /// A package that has outlived its worker's process ends.
    PackageEnds {
        worker: WorkerId,
        task: TaskId,
    },
    LoadRound {
        load: LoadId,
        round: u32,
    },
}

impl Event {
    /// The node on which it happens, if it is an event of the cluster that happens on one.
    pub(super) const fn node(self) -> Option<NodeId> {
        match self {
            Self::ServiceDue(node)
            | Self::CallEnded { node, .. }
            | Self::SsisdbRecovered { node, .. }
            | Self::InstanceStarted { node, .. }
            | Self::CallTimesOut(node)
            | Self::MasterReady { node, .. }
            | Self::PollFindsFailure { node, .. }
            | Self::MonitorKilled { node, .. }
            | Self::HeartbeatsMissed { observer: node, .. }
            | Self::JoinEnds(node)
            | Self::ServiceStarts(node)
            | Self::LooksAround(node)
            | Self::ShutdownEnds(node)
            | Self::MasterDue(node) => Some(node),
            // The members decide together on a regroup, whoever of them began it.
            Self::RegroupEnds(_)
            | Self::StatusEnds(_)
            | Self::WitnessPolled
            | Self::WorkerDue(_)
            | Self::SynArrived { .. }
            | Self::HandshakeEnded { .. }
            | Self::AddressGivenUp { .. }
            | Self::ConnectFailed { .. }
            | Self::RequestArrived { .. }
            | Self::SegmentAgain { .. }
            | Self::ResponseArrived { .. }
            | Self::ConnectionLost { .. }
            | Self::PackageEnds { .. }
            | Self::LoadRound { .. } => None,
        }
    }
}
