//! To what is an action done, and in which way?

use std::time::Duration;

use crate::cluster::ResiliencyLevel;
use crate::names::ResourceId;

/// What a starting cluster service may do about quorum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum StartQuorum {
    /// Join, or form a cluster with a majority.
    #[default]
    Normal,
    /// `-ForceQuorum`: form a cluster without a majority; this node's configuration is authoritative.
    Force,
    /// `-PreventQuorum`: join only, never form.
    Prevent,
}

/// Something that the cluster rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part<N> {
    /// The witness itself, for every node.
    Witness,
    /// Whether a service can be started on a node: its start type is not Disabled.
    ServiceStart {
        /// On which node.
        node: N,
        /// Which service.
        service: Service,
    },
    /// The adapter of a node on the network of the clients. Nodes still hear each other on their own network.
    Adapter(N),
    /// An IP address: while it does not work, a machine outside the cluster answers for it.
    Address(ResourceId),
    /// The DNS server of the clients and the nodes.
    Dns,
    /// Whether the DNS server takes what a network name registers: refused, its records stay as they are.
    DnsUpdates,
    /// The domain controllers of the nodes.
    Directory,
    /// The ARP announcements of an address that moves, for the clients' neighbours.
    Announcements,
}

impl<N> Part<N> {
    /// The same with its node said in another way.
    pub(super) fn resolve<M, E>(self, resolve: impl FnOnce(N) -> Result<M, E>) -> Result<Part<M>, E> {
        Ok(match self {
            Self::Witness => Part::Witness,
            Self::ServiceStart { node, service } => Part::ServiceStart { node: resolve(node)?, service },
            Self::Adapter(node) => Part::Adapter(resolve(node)?),
            Self::Address(resource) => Part::Address(resource),
            Self::Dns => Part::Dns,
            Self::DnsUpdates => Part::DnsUpdates,
            Self::Directory => Part::Directory,
            Self::Announcements => Part::Announcements,
        })
    }
}

/// Whether a pause moves roles away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Drain {
    /// They stay.
    Stay,
    /// They move.
    Move,
}

/// A service that runs on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// The Scale Out Master.
    Master,
    /// SQL Server.
    SqlServer,
}

/// What is done to the row of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AgentAction {
    /// `catalog.enable_worker_agent`.
    Enable,
    /// `catalog.disable_worker_agent`: it gets no task, and its reports are refused.
    Disable,
    /// `catalog.delete_worker_agent`: a worker that lives has a new row with its next heartbeat, disabled (inferred).
    Delete,
}

/// What is done to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServiceAction {
    /// Its process dies.
    Kill,
    /// It runs, accepts, and never answers; the service control manager says RUNNING.
    Hang,
    /// The service control manager stops it, behind the cluster's back.
    Stop,
    /// The service control manager starts it, behind the cluster's back.
    Start,
}

/// The other end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkEnd<N> {
    /// One node.
    Node(N),
    /// Every other node.
    OtherNodes,
    /// Whoever is outside the cluster.
    Clients,
    /// The shared disk.
    Disk,
    /// The witness.
    Witness,
}

impl<N> LinkEnd<N> {
    /// The same with its node said in another way.
    pub(super) fn resolve<M, E>(self, resolve: impl FnOnce(N) -> Result<M, E>) -> Result<LinkEnd<M>, E> {
        Ok(match self {
            Self::Node(node) => LinkEnd::Node(resolve(node)?),
            Self::OtherNodes => LinkEnd::OtherNodes,
            Self::Clients => LinkEnd::Clients,
            Self::Disk => LinkEnd::Disk,
            Self::Witness => LinkEnd::Witness,
        })
    }
}

/// Whether a link carries anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkState {
    /// It carries nothing.
    Cut,
    /// It carries everything.
    Whole,
}

/// What a link adds to a packet's way, in each direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LinkQuality {
    /// How much longer each packet takes.
    pub delay: Duration,
    /// How many packets in a hundred are lost, each by itself.
    pub loss: u8,
}

/// Which packets of a link are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ways {
    /// Both ways.
    Both,
    /// Those that the node sends.
    Out,
    /// Those that the node would receive.
    In,
}

/// A change of what a node has of its own. What is `true` is as the guide wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeChange {
    /// Whether HTTP.SYS has a certificate for the master's port.
    HttpsBinding(bool),
    /// Whether the bound certificate has its private key.
    PrivateKey(bool),
    /// Whether LocalMachine\Root has the workers' certificates.
    WorkerCertificates(bool),
    /// Whether LocalMachine\Root has self-signed certificates alone.
    RootStore(bool),
    /// Whether the firewall lets clients through to the master's port.
    MasterPort(bool),
    /// Whether the service that the master's resource names is installed.
    MasterService(bool),
    /// Whether SQL Server lets the master's service account in.
    SqlLogin(bool),
    /// `PortNumber` in `MasterSettings.config`, which the master reads when it starts.
    PortNumber(u16),
}

/// A property of the cluster with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClusterProperty {
    /// `SameSubnetThreshold`.
    SameSubnetThreshold(u32),
    /// `CrossSubnetThreshold`.
    CrossSubnetThreshold(u32),
    /// `SameSubnetDelay`.
    SameSubnetDelay(Duration),
    /// `CrossSubnetDelay`.
    CrossSubnetDelay(Duration),
    /// `QuarantineThreshold`.
    QuarantineThreshold(u32),
    /// `QuarantineDuration`.
    QuarantineDuration(Duration),
    /// `ResiliencyLevel`.
    ResiliencyLevel(ResiliencyLevel),
    /// `ResiliencyDefaultPeriod`.
    ResiliencyDefaultPeriod(Duration),
}

/// A key of `WorkerSettings.config` with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WorkerSetting {
    /// `MaxTaskCount`.
    MaxTaskCount(u16),
    /// `AgentHeartbeatInterval`.
    AgentHeartbeatInterval(Duration),
    /// `TaskHeartbeatInterval`.
    TaskHeartbeatInterval(Duration),
}

/// A set of executions that a scenario starts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Load {
    /// How many executions, in each round.
    pub count: u32,
    /// How long each package runs.
    pub duration: Duration,
    /// `@retry_count` of `catalog.start_execution`.
    pub retry_count: u8,
    /// For whom.
    pub workers: LoadWorkers,
    /// How often a round of executions is started.
    pub rounds: u32,
    /// Time between two rounds.
    pub every: Duration,
}

/// Which workers may run an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoadWorkers {
    /// `@useanyworker = 1`.
    Any,
    /// `@useanyworker = 0`: `count` executions for each worker, which alone may run them.
    EachNamed,
}
