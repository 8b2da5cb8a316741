//! What is a step of a plan, and what can be expected in it?

use std::time::Duration;

use failover_sim::action::Action;
use failover_sim::names::{ActionNo, CertificateId, LoadId, NodeId, RoleId, StepNo};
use failover_sim::observe::{
    ErrorFamily, ExecutionLog, ExecutionStatus, NodeState, NodeStatus, RoleState, TaskState,
};

/// An action with the place where it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedAction {
    /// What is done.
    pub action: Action<NodeWord>,
    /// The line of the scenario file.
    pub line: u32,
}

/// How a scenario says which node it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeWord {
    /// By its name in the topology.
    Named(NodeId),
    /// `owner`: the present owner of the master's role.
    Owner,
    /// `standby`: the one node that could own it and does not.
    Standby,
    /// `first_owner`: the owner when the steps began.
    FirstOwner,
    /// `first_standby`: the standby when the steps began.
    FirstStandby,
}

impl NodeWord {
    /// The reserved words.
    pub const RESERVED: [(&'static str, Self); 4] = [
        ("owner", Self::Owner),
        ("standby", Self::Standby),
        ("first_owner", Self::FirstOwner),
        ("first_standby", Self::FirstStandby),
    ];
}

/// A step of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it is.
    pub kind: StepKind,
    /// The line of the scenario file.
    pub line: u32,
}

/// What a step is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// Something is done.
    Act(ActionNo),
    /// All of this must be true at one moment within this time.
    Expect {
        /// How long to wait.
        within: Duration,
        /// What must be true.
        clauses: Vec<Clause>,
    },
    /// All of this must be true, and stay true for this time.
    Hold {
        /// How long.
        time: Duration,
        /// What must stay true.
        clauses: Vec<Clause>,
    },
    /// Time passes.
    Pause(Duration),
}

/// All of this must be true from the beginning of one step to the end of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldWhile {
    /// What must stay true.
    pub clauses: Vec<Clause>,
    /// The first of the steps.
    pub first: StepNo,
    /// The last of them.
    pub last: StepNo,
    /// The line of the scenario file.
    pub line: u32,
}

/// Something that an operator or a client could see to be true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clause {
    /// About a role.
    Role {
        /// Which one.
        role: RoleId,
        /// Its state on its owner node.
        state: Option<RoleState>,
        /// Its owner node.
        owner: Option<NodeWord>,
    },
    /// About a node, as the owner of the master's role sees it.
    Node {
        /// Which one.
        node: NodeWord,
        /// Its state.
        state: Option<NodeState>,
        /// What its status information adds.
        status: Option<NodeStatus>,
    },
    /// About all nodes, as far as everybody who can be asked agrees.
    Nodes {
        /// How many of them.
        which: Which,
        /// Their state.
        state: NodeState,
    },
    /// About what a client meets under the network name.
    Endpoint {
        /// Who answers.
        served_by: Option<NodeWord>,
        /// What certificate it presents.
        certificate: Option<Presented>,
    },
    /// About the workers.
    Workers {
        /// How many of them.
        which: Which,
        /// How they must be.
        state: WorkerClause,
    },
    /// About the tasks of a set of executions.
    Tasks {
        /// Which set.
        of: LoadId,
        /// How many of them.
        which: Which,
        /// Their state.
        state: Option<TaskState>,
        /// How often they were handed out.
        executed_count: Option<u8>,
        /// The status of their executions.
        execution: Option<ExecutionStatus>,
        /// Where the messages of their packages are.
        messages: Option<ExecutionLog>,
    },
    /// About the workers' reports on the tasks of a set of executions.
    Reports {
        /// Which set.
        of: LoadId,
        /// Of how many of its tasks.
        which: Which,
        /// A report was refused with this number.
        refused_with: u16,
    },
}

/// Of how many things something must be true; the set of things is never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Which {
    /// Of all of them.
    Every,
    /// Of at least one.
    Any,
    /// Of no one.
    None,
}

/// How a worker must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerClause {
    /// Connected.
    Connected {
        /// Through this kind of host name.
        through: Option<Through>,
        /// To the master on this node.
        served_by: Option<NodeWord>,
    },
    /// Without a connection, for whatever reason.
    Disconnected,
    /// Refused.
    Refused {
        /// With this error in its log.
        error: Option<ErrorFamily>,
    },
}

/// The kind of host name that a worker connects through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Through {
    /// The network name of the role.
    NetworkName,
    /// The name or address of one node.
    NodeName,
}

/// Which certificate is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// The one that the workers pin.
    Pinned,
    /// Another one than the workers pin.
    NotPinned,
    /// This one.
    Named(CertificateId),
}
