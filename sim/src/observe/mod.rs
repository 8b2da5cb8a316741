//! What can an operator or a client see, and when was it seen?

mod state;

use std::time::Duration;

use crate::names::{ActionNo, HostId, LoadId, NodeId, ResourceId, RoleId, StepNo, TaskId, WorkerId};
use crate::time::Time;

pub use state::{
    AgentRow, Answer, Channel, ErrorFamily, ExecutionLog, ExecutionStatus, Loss, NodeState, NodeStatus,
    Power, ResourceState, RoleState, TaskState, WorkerState,
};

/// One line of a history: a fact, who saw it, and between which two moments it became true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Position in the history, from 0.
    pub seq: u64,
    /// The fact cannot have become true before this moment.
    pub earliest: Time,
    /// The fact was true at this moment at the latest. On the simulator the same as `earliest`.
    pub latest: Time,
    /// Who saw it.
    pub source: Source,
    /// What was seen.
    pub fact: Fact,
}

/// Who saw a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The run itself: what it did, and when.
    Run,
    /// The cluster service of a node: its own view, as the cmdlets show it there.
    Node(NodeId),
    /// A worker: its connection and its log.
    Worker(WorkerId),
    /// A client outside the cluster that connects to the endpoint.
    Probe,
    /// A query of SSISDB.
    Ssisdb,
    /// Whoever controls the machines: the hypervisor or the lab's own command.
    Host,
}

/// Something that an operator or a client can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// From here on `what` is looked at; between two looks lie at most `every` (zero: nothing is missed).
    Watching {
        /// What is looked at.
        what: Watch,
        /// The longest time between two looks.
        every: Duration,
    },
    /// From here on `what` is not looked at.
    Unwatched(Watch),
    /// The cluster was found steady, and the steps begin.
    StepsBegan,
    /// A step begins.
    StepBegan(StepNo),
    /// An action is carried out now, on this target.
    Acting {
        /// Which action of the plan.
        action: ActionNo,
        /// The node that the action's word stands for at this moment, if it is about a node.
        node: Option<NodeId>,
    },
    /// An action was carried out, and where it changed configuration the new value was read back.
    Applied(ActionNo),
    /// Every step is done, and the run waits for a steady state.
    StepsEnded,
    /// The run is over: nobody looks at anything after this.
    RunEnded,
    /// A machine is on, off or frozen.
    Machine {
        /// Which one.
        node: NodeId,
        /// Its power state.
        power: Power,
    },
    /// A node's state in the view of the source.
    NodeState {
        /// Whose state.
        node: NodeId,
        /// The state.
        state: NodeState,
    },
    /// What a node's status information adds to its state, in the view of the source. Normal until it is said.
    NodeStatus {
        /// Whose status.
        node: NodeId,
        /// The flag.
        status: NodeStatus,
    },
    /// The owner node of a role in the view of the source.
    OwnerNode {
        /// Whose owner.
        role: RoleId,
        /// The owner node.
        owner: NodeId,
    },
    /// A resource's state on the node that is the source.
    ResourceState {
        /// Whose state.
        resource: ResourceId,
        /// The state.
        state: ResourceState,
    },
    /// What a client meets that connects to the master's port under this host name.
    Endpoint {
        /// The host part of the endpoint.
        host: HostId,
        /// What it meets.
        answer: Answer,
    },
    /// A worker's connection to the master.
    Worker {
        /// Which one.
        worker: WorkerId,
        /// How it stands.
        state: WorkerState,
    },
    /// The node that the master properties in SSISDB name (MACHINE_NAME).
    MasterMachine(NodeId),
    /// A task in SSISDB.
    Task {
        /// Which one.
        task: TaskId,
        /// The set of executions that it belongs to.
        load: LoadId,
        /// How it stands.
        state: TaskState,
        /// Who has it.
        worker: Option<WorkerId>,
        /// How often it was handed out.
        executed_count: u8,
        /// The status of its execution.
        execution: ExecutionStatus,
    },
    /// The row of a worker in SSISDB.
    WorkerAgent {
        /// Whose.
        worker: WorkerId,
        /// What it says.
        row: AgentRow,
    },
    /// A worker began or ended to run a task, by the witness file on its machine.
    Package {
        /// Which task.
        task: TaskId,
        /// On which worker.
        worker: WorkerId,
        /// Whether it runs.
        runs: bool,
    },
    /// The messages of a task's package did not get into SSISDB when it ended, or have got there since.
    ExecutionLog {
        /// Which task.
        task: TaskId,
        /// On which worker.
        worker: WorkerId,
        /// Where they are.
        log: ExecutionLog,
    },
    /// SSISDB refused a worker's report on a task with this error number.
    ReportRefused {
        /// Which task.
        task: TaskId,
        /// Whose report.
        worker: WorkerId,
        /// The number of the error message.
        number: u16,
    },
    /// An entry of the cluster in the event log of the node that is the source. It is read when the node can be asked: a
    /// record of it may come long after others that are later in time.
    ClusterEvent {
        /// In which of its logs.
        channel: Channel,
        /// Its number there, by which it can be found again.
        record: u64,
        /// The event id, which says what happened.
        id: u16,
        /// The node that it names last: the one that was lost, or to which a role goes.
        node: Option<NodeId>,
        /// The role that it names.
        role: Option<RoleId>,
        /// The resource that it names.
        resource: Option<ResourceId>,
    },
}

impl Fact {
    /// What it tells of: most facts of a busy run concern few of those who listen.
    pub const fn topic(&self) -> Topic {
        match self {
            Self::Task { .. } | Self::ExecutionLog { .. } | Self::ReportRefused { .. } => Topic::Tasks,
            Self::Package { .. } => Topic::Packages,
            Self::Worker { .. } => Topic::Connections,
            Self::Watching { .. } | Self::Unwatched(_) => Topic::Looks,
            Self::StepsBegan
            | Self::StepBegan(_)
            | Self::Acting { .. }
            | Self::Applied(_)
            | Self::StepsEnded
            | Self::RunEnded
            | Self::Machine { .. }
            | Self::NodeState { .. }
            | Self::NodeStatus { .. }
            | Self::OwnerNode { .. }
            | Self::ResourceState { .. }
            | Self::Endpoint { .. }
            | Self::MasterMachine(_)
            | Self::ClusterEvent { .. }
            | Self::WorkerAgent { .. } => Topic::Surroundings,
        }
    }

    /// Whether somebody wrote it down, and others read it later: its record may come after records of later moments.
    pub const fn is_of_log(&self) -> bool {
        matches!(self, Self::ClusterEvent { .. })
    }

    /// Whether it tells of tasks and their packages alone.
    pub const fn is_of_work(&self) -> bool {
        self.topic().is_work()
    }
}

/// What a fact tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Tasks, as SSISDB has them and as reports on them fare.
    Tasks,
    /// The packages of tasks, which run on workers.
    Packages,
    /// The workers' connections.
    Connections,
    /// What is looked at, and what is not.
    Looks,
    /// Everything else: the run, the machines, the cluster, the endpoint.
    Surroundings,
}

impl Topic {
    /// All topics, in their order.
    pub const ALL: [Self; 5] =
        [Self::Tasks, Self::Packages, Self::Connections, Self::Looks, Self::Surroundings];

    /// Tasks and their packages: most facts of a busy run.
    pub const fn is_work(self) -> bool {
        matches!(self, Self::Tasks | Self::Packages)
    }
}

/// A kind of thing that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Watch {
    /// The power state of the machines.
    Machines,
    /// The cluster service's view on a node: nodes, owners, resources.
    Node(NodeId),
    /// The endpoint, by a client outside the cluster.
    Endpoint,
    /// The workers' connections.
    Workers,
    /// SSISDB: master properties, tasks, rows of workers.
    Ssisdb,
    /// What the workers' logs say of reports that SSISDB refused.
    Reports,
    /// Where the messages of packages end up.
    Messages,
}

/// Whether whoever drives the backend wants it to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Come back to the caller before anything else happens.
    Yield,
}

/// Where a backend writes what it sees, in the order in which it sees it.
pub trait Sink {
    /// Takes one record.
    fn record(&mut self, record: &Record) -> Flow;
}

/// A sink that keeps everything; for tests and small runs.
impl Sink for Vec<Record> {
    fn record(&mut self, record: &Record) -> Flow {
        self.push(*record);
        Flow::Continue
    }
}
