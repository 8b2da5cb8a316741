//! What can be done to a cluster, on every backend alike?

use std::time::Duration;

use crate::cluster::ResiliencyLevel;
use crate::names::{CertificateId, LoadId, NodeId, ResourceId, RoleId, WorkerId};

/// One action. `N` is how a node is said: a word that is resolved later, or, once resolved, a [`NodeId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action<N> {
    /// `Move-ClusterGroup`: a planned move.
    MoveRole {
        /// Which role.
        role: RoleId,
        /// Where to.
        to: N,
    },
    /// The machine loses its power: nobody is told.
    PowerOff {
        /// Which one.
        node: N,
    },
    /// The machine gets its power back and starts.
    PowerOn {
        /// Which one.
        node: N,
    },
    /// The process of the cluster service dies, and with it everything that it hosts; the service control manager
    /// starts it again.
    KillClusterService {
        /// On which node.
        node: N,
    },
    /// The machine stands still, with all it knows; the network hears nothing of it.
    Freeze {
        /// Which one.
        node: N,
    },
    /// A frozen machine goes on where it stood.
    Thaw {
        /// Which one.
        node: N,
    },
    /// `Stop-ClusterNode`: the cluster service hands its roles over and stops.
    StopClusterService {
        /// On which node.
        node: N,
    },
    /// `Start-ClusterNode`, with or without `-ForceQuorum` or `-PreventQuorum`.
    StartClusterService {
        /// On which node.
        node: N,
        /// What it may do about quorum.
        quorum: StartQuorum,
        /// `-ClearQuarantine`: the losses of this node are forgotten.
        clear_quarantine: bool,
    },
    /// The operating system shuts down: the cluster service hands its roles over (`DrainOnShutdown`), then the machine
    /// is off.
    ShutDown {
        /// Which machine.
        node: N,
    },
    /// The operating system restarts: as [`Action::ShutDown`], and then the machine starts again.
    RestartNode {
        /// Which machine.
        node: N,
    },
    /// `Stop-ClusterResource` or `Start-ClusterResource`.
    Resource {
        /// Which resource.
        resource: ResourceId,
        /// Whether it shall be online.
        online: bool,
    },
    /// `Stop-ClusterGroup` or `Start-ClusterGroup`.
    Role {
        /// Which role.
        role: RoleId,
        /// Whether it shall be online.
        online: bool,
    },
    /// Something that the cluster rests on breaks, or works again.
    Surroundings {
        /// What.
        part: Part<N>,
        /// Whether it works from here on.
        works: bool,
    },
    /// `Suspend-ClusterNode`: the node takes no roles; with a drain it hands over those that it has.
    PauseNode {
        /// Which one.
        node: N,
        /// Whether its roles move away.
        drain: Drain,
    },
    /// `Resume-ClusterNode`.
    ResumeNode {
        /// Which one.
        node: N,
    },
    /// `Set-ClusterOwnerNode`: a node is taken from the possible owners of every resource of a role, or becomes one again.
    PossibleOwner {
        /// Which role.
        role: RoleId,
        /// Which node.
        node: N,
        /// Whether it may own the role from here on.
        may: bool,
    },
    /// Something is done to the row of a worker in SSISDB, which must be there.
    WorkerAgent {
        /// Which worker.
        worker: WorkerId,
        /// What is done to it.
        what: AgentAction,
    },
    /// Something is done to the service of a worker. A process that hangs is ended before another one is started.
    WorkerService {
        /// Which worker.
        worker: WorkerId,
        /// What is done to it.
        what: ServiceAction,
    },
    /// Something is done to a service of a node.
    Service {
        /// On which node.
        node: N,
        /// Which service.
        service: Service,
        /// What is done to it.
        what: ServiceAction,
    },
    /// The network between a node and others no longer carries anything, or carries it again.
    Link {
        /// One end.
        node: N,
        /// The other end.
        to: LinkEnd<N>,
        /// Cut or healed.
        state: LinkState,
        /// Which packets.
        ways: Ways,
    },
    /// The network between a node and its clients is poor: slow, lossy, or both. Healing the link ends that too.
    Degrade {
        /// Which node.
        node: N,
        /// How poor.
        quality: LinkQuality,
    },
    /// A call of the cluster to a resource never returns: after `DeadlockTimeout` the resource monitor is killed, with
    /// every resource of the node (event 1230, documented; that all share one monitor is the default).
    DeadlockResource {
        /// Which one.
        resource: ResourceId,
    },
    /// `Test-ClusterResourceFailure`: the cluster treats the resource as failed.
    FailResource {
        /// Which one.
        resource: ResourceId,
    },
    /// The master's certificate on one node is replaced: binding, SSLCertThumbprint and LocalMachine\Root, all of them
    /// consistent on that node.
    ReplaceMasterCertificate {
        /// On which node.
        node: N,
        /// By which.
        with: CertificateId,
    },
    /// Something that a node has of its own is changed, behind everybody's back.
    ChangeNode {
        /// Which node.
        node: N,
        /// What.
        change: NodeChange,
    },
    /// A property of the cluster is set.
    SetCluster(ClusterProperty),
    /// A setting of every worker is set, and its service restarted.
    SetWorkers(WorkerSetting),
    /// Executions are created and started in SSISDB.
    StartExecutions(LoadId),
}

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

/// An action whose words have been resolved to nodes.
pub type ResolvedAction = Action<NodeId>;

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

impl<N> Action<N> {
    /// Which of [`Verb::ALL`] this is.
    pub const fn verb(&self) -> Verb {
        match self {
            Self::MoveRole { .. } => Verb::MoveRole,
            Self::PowerOff { .. } => Verb::PowerOff,
            Self::PowerOn { .. } => Verb::PowerOn,
            Self::KillClusterService { .. } => Verb::KillClusterService,
            Self::Freeze { .. } => Verb::Freeze,
            Self::Thaw { .. } => Verb::Thaw,
            Self::StopClusterService { .. } => Verb::StopClusterService,
            Self::StartClusterService { .. } => Verb::StartClusterService,
            Self::ShutDown { .. } => Verb::ShutDown,
            Self::RestartNode { .. } => Verb::RestartNode,
            Self::Resource { online: false, .. } => Verb::StopResource,
            Self::Resource { online: true, .. } => Verb::StartResource,
            Self::Role { online: false, .. } => Verb::StopRole,
            Self::Role { online: true, .. } => Verb::StartRole,
            Self::Surroundings { part: Part::Witness, works: false } => Verb::FailWitness,
            Self::Surroundings { part: Part::Witness, works: true } => Verb::RestoreWitness,
            Self::Surroundings { part: Part::ServiceStart { .. }, works: false } => Verb::DisableService,
            Self::Surroundings { part: Part::ServiceStart { .. }, works: true } => Verb::EnableService,
            Self::Surroundings { part: Part::Adapter(_), works: false } => Verb::DisableAdapter,
            Self::Surroundings { part: Part::Adapter(_), works: true } => Verb::EnableAdapter,
            Self::Surroundings { part: Part::Address(_), works: false } => Verb::DuplicateAddress,
            Self::Surroundings { part: Part::Address(_), works: true } => Verb::FreeAddress,
            Self::PauseNode { .. } => Verb::PauseNode,
            Self::ResumeNode { .. } => Verb::ResumeNode,
            Self::Service { what: ServiceAction::Kill, .. } => Verb::KillService,
            Self::Service { what: ServiceAction::Hang, .. } => Verb::HangService,
            Self::Service { what: ServiceAction::Stop, .. } => Verb::StopService,
            Self::Service { what: ServiceAction::Start, .. } => Verb::StartService,
            Self::WorkerService { what: ServiceAction::Kill, .. } => Verb::KillWorker,
            Self::WorkerService { what: ServiceAction::Hang, .. } => Verb::HangWorker,
            Self::WorkerService { what: ServiceAction::Stop, .. } => Verb::StopWorker,
            Self::WorkerService { what: ServiceAction::Start, .. } => Verb::StartWorker,
            Self::WorkerAgent { what: AgentAction::Enable, .. } => Verb::EnableWorker,
            Self::WorkerAgent { what: AgentAction::Disable, .. } => Verb::DisableWorker,
            Self::WorkerAgent { what: AgentAction::Delete, .. } => Verb::DeleteWorker,
            Self::PossibleOwner { may: false, .. } => Verb::RemovePossibleOwner,
            Self::PossibleOwner { may: true, .. } => Verb::RestorePossibleOwner,
            Self::Link { state: LinkState::Cut, .. } => Verb::Cut,
            Self::Link { state: LinkState::Whole, .. } => Verb::Heal,
            Self::Degrade { .. } => Verb::Degrade,
            Self::FailResource { .. } => Verb::FailResource,
            Self::DeadlockResource { .. } => Verb::DeadlockResource,
            Self::Surroundings { part: Part::Dns, works: false } => Verb::FailDns,
            Self::Surroundings { part: Part::Dns, works: true } => Verb::RestoreDns,
            Self::Surroundings { part: Part::DnsUpdates, works: false } => Verb::RefuseDnsUpdates,
            Self::Surroundings { part: Part::DnsUpdates, works: true } => Verb::AcceptDnsUpdates,
            Self::Surroundings { part: Part::Directory, works: false } => Verb::FailDirectory,
            Self::Surroundings { part: Part::Directory, works: true } => Verb::RestoreDirectory,
            Self::Surroundings { part: Part::Announcements, works: false } => Verb::IgnoreAnnouncements,
            Self::Surroundings { part: Part::Announcements, works: true } => Verb::HeedAnnouncements,
            Self::ReplaceMasterCertificate { .. } => Verb::ReplaceMasterCertificate,
            Self::ChangeNode { .. } => Verb::ChangeNode,
            Self::SetCluster(_) => Verb::SetCluster,
            Self::SetWorkers(_) => Verb::SetWorkers,
            Self::StartExecutions(_) => Verb::StartExecutions,
        }
    }

    /// The same action with its node said in another way.
    ///
    /// # Errors
    /// Whatever `resolve` says of a node that it cannot resolve.
    pub fn resolve<M, E>(self, mut resolve: impl FnMut(N) -> Result<M, E>) -> Result<Action<M>, E> {
        Ok(match self {
            Self::MoveRole { role, to } => Action::MoveRole { role, to: resolve(to)? },
            Self::PowerOff { node } => Action::PowerOff { node: resolve(node)? },
            Self::PowerOn { node } => Action::PowerOn { node: resolve(node)? },
            Self::KillClusterService { node } => Action::KillClusterService { node: resolve(node)? },
            Self::Freeze { node } => Action::Freeze { node: resolve(node)? },
            Self::Thaw { node } => Action::Thaw { node: resolve(node)? },
            Self::StopClusterService { node } => Action::StopClusterService { node: resolve(node)? },
            Self::StartClusterService { node, quorum, clear_quarantine } => {
                Action::StartClusterService { node: resolve(node)?, quorum, clear_quarantine }
            }
            Self::ShutDown { node } => Action::ShutDown { node: resolve(node)? },
            Self::RestartNode { node } => Action::RestartNode { node: resolve(node)? },
            Self::Resource { resource, online } => Action::Resource { resource, online },
            Self::Role { role, online } => Action::Role { role, online },
            Self::Surroundings { part, works } => {
                let part = match part {
                    Part::Witness => Part::Witness,
                    Part::Dns => Part::Dns,
                    Part::DnsUpdates => Part::DnsUpdates,
                    Part::Directory => Part::Directory,
                    Part::Announcements => Part::Announcements,
                    Part::ServiceStart { node, service } => {
                        Part::ServiceStart { node: resolve(node)?, service }
                    }
                    Part::Adapter(node) => Part::Adapter(resolve(node)?),
                    Part::Address(resource) => Part::Address(resource),
                };
                Action::Surroundings { part, works }
            }
            Self::PauseNode { node, drain } => Action::PauseNode { node: resolve(node)?, drain },
            Self::ResumeNode { node } => Action::ResumeNode { node: resolve(node)? },
            Self::PossibleOwner { role, node, may } => {
                Action::PossibleOwner { role, node: resolve(node)?, may }
            }
            Self::WorkerAgent { worker, what } => Action::WorkerAgent { worker, what },
            Self::WorkerService { worker, what } => Action::WorkerService { worker, what },
            Self::Service { node, service, what } => Action::Service { node: resolve(node)?, service, what },
            Self::Degrade { node, quality } => Action::Degrade { node: resolve(node)?, quality },
            Self::Link { node, to, state, ways } => {
                let node = resolve(node)?;
                let to = match to {
                    LinkEnd::Node(other) => LinkEnd::Node(resolve(other)?),
                    LinkEnd::OtherNodes => LinkEnd::OtherNodes,
                    LinkEnd::Clients => LinkEnd::Clients,
                    LinkEnd::Disk => LinkEnd::Disk,
                    LinkEnd::Witness => LinkEnd::Witness,
                };
                Action::Link { node, to, state, ways }
            }
            Self::FailResource { resource } => Action::FailResource { resource },
            Self::DeadlockResource { resource } => Action::DeadlockResource { resource },
            Self::ReplaceMasterCertificate { node, with } => {
                Action::ReplaceMasterCertificate { node: resolve(node)?, with }
            }
            Self::ChangeNode { node, change } => Action::ChangeNode { node: resolve(node)?, change },
            Self::SetCluster(property) => Action::SetCluster(property),
            Self::SetWorkers(setting) => Action::SetWorkers(setting),
            Self::StartExecutions(load) => Action::StartExecutions(load),
        })
    }
}

impl ResolvedAction {
    /// The node that it is about, if it is about one.
    pub const fn node(&self) -> Option<NodeId> {
        match *self {
            Self::MoveRole { to: node, .. }
            | Self::PowerOff { node }
            | Self::PowerOn { node }
            | Self::KillClusterService { node }
            | Self::Freeze { node }
            | Self::Thaw { node }
            | Self::StopClusterService { node }
            | Self::StartClusterService { node, .. }
            | Self::ShutDown { node }
            | Self::RestartNode { node }
            | Self::Surroundings { part: Part::ServiceStart { node, .. } | Part::Adapter(node), .. }
            | Self::PauseNode { node, .. }
            | Self::ResumeNode { node }
            | Self::PossibleOwner { node, .. }
            | Self::Service { node, .. }
            | Self::Link { node, .. }
            | Self::Degrade { node, .. }
            | Self::ChangeNode { node, .. }
            | Self::ReplaceMasterCertificate { node, .. } => Some(node),
            Self::FailResource { .. }
            | Self::DeadlockResource { .. }
            | Self::Resource { .. }
            | Self::Role { .. }
            | Self::Surroundings {
                part:
                    Part::Witness
                    | Part::Address(_)
                    | Part::Dns
                    | Part::DnsUpdates
                    | Part::Directory
                    | Part::Announcements,
                ..
            }
            | Self::WorkerAgent { .. }
            | Self::WorkerService { .. }
            | Self::SetCluster(_)
            | Self::SetWorkers(_)
            | Self::StartExecutions(_) => None,
        }
    }
}

/// The kind of an action, for the abilities of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// [`Action::MoveRole`].
    MoveRole,
    /// [`Action::PowerOff`].
    PowerOff,
    /// [`Action::PowerOn`].
    PowerOn,
    /// [`Action::KillClusterService`].
    KillClusterService,
    /// [`Action::Freeze`].
    Freeze,
    /// [`Action::Thaw`].
    Thaw,
    /// [`Action::StopClusterService`].
    StopClusterService,
    /// [`Action::StartClusterService`].
    StartClusterService,
    /// [`Action::ShutDown`].
    ShutDown,
    /// [`Action::RestartNode`].
    RestartNode,
    /// [`Action::Resource`], which goes offline.
    StopResource,
    /// [`Action::Resource`], which comes online.
    StartResource,
    /// [`Action::Role`], which goes offline.
    StopRole,
    /// [`Action::Role`], which comes online.
    StartRole,
    /// [`Action::Surroundings`]: [`Part::Witness`] fails.
    FailWitness,
    /// [`Action::Surroundings`]: [`Part::Witness`] works again.
    RestoreWitness,
    /// [`Action::Surroundings`]: [`Part::ServiceStart`] fails.
    DisableService,
    /// [`Action::Surroundings`]: [`Part::ServiceStart`] works again.
    EnableService,
    /// [`Action::Surroundings`]: [`Part::Adapter`] fails.
    DisableAdapter,
    /// [`Action::Surroundings`]: [`Part::Adapter`] works again.
    EnableAdapter,
    /// [`Action::Surroundings`]: [`Part::Address`] belongs to somebody else too.
    DuplicateAddress,
    /// [`Action::Surroundings`]: [`Part::Address`] is the cluster's alone again.
    FreeAddress,
    /// [`Action::Surroundings`]: [`Part::Dns`] fails.
    FailDns,
    /// [`Action::Surroundings`]: [`Part::Dns`] works again.
    RestoreDns,
    /// [`Action::Surroundings`]: [`Part::DnsUpdates`] are refused.
    RefuseDnsUpdates,
    /// [`Action::Surroundings`]: [`Part::DnsUpdates`] are accepted again.
    AcceptDnsUpdates,
    /// [`Action::Surroundings`]: [`Part::Directory`] fails.
    FailDirectory,
    /// [`Action::Surroundings`]: [`Part::Directory`] works again.
    RestoreDirectory,
    /// [`Action::Surroundings`]: [`Part::Announcements`] are ignored.
    IgnoreAnnouncements,
    /// [`Action::Surroundings`]: [`Part::Announcements`] are heeded again.
    HeedAnnouncements,
    /// [`Action::PauseNode`].
    PauseNode,
    /// [`Action::ResumeNode`].
    ResumeNode,
    /// [`Action::PossibleOwner`], which a node is no longer.
    RemovePossibleOwner,
    /// [`Action::PossibleOwner`], which a node is again.
    RestorePossibleOwner,
    /// [`Action::Service`] with [`ServiceAction::Kill`].
    KillService,
    /// [`Action::Service`] with [`ServiceAction::Hang`].
    HangService,
    /// [`Action::Service`] with [`ServiceAction::Stop`].
    StopService,
    /// [`Action::Service`] with [`ServiceAction::Start`].
    StartService,
    /// [`Action::WorkerService`] with [`ServiceAction::Kill`].
    KillWorker,
    /// [`Action::WorkerService`] with [`ServiceAction::Hang`].
    HangWorker,
    /// [`Action::WorkerService`] with [`ServiceAction::Stop`].
    StopWorker,
    /// [`Action::WorkerService`] with [`ServiceAction::Start`].
    StartWorker,
    /// [`Action::WorkerAgent`] with [`AgentAction::Enable`].
    EnableWorker,
    /// [`Action::WorkerAgent`] with [`AgentAction::Disable`].
    DisableWorker,
    /// [`Action::WorkerAgent`] with [`AgentAction::Delete`].
    DeleteWorker,
    /// [`Action::Link`] with [`LinkState::Cut`].
    Cut,
    /// [`Action::Link`] with [`LinkState::Whole`].
    Heal,
    /// [`Action::Degrade`].
    Degrade,
    /// [`Action::FailResource`].
    FailResource,
    /// [`Action::DeadlockResource`].
    DeadlockResource,
    /// [`Action::ReplaceMasterCertificate`].
    ReplaceMasterCertificate,
    /// [`Action::ChangeNode`].
    ChangeNode,
    /// [`Action::SetCluster`].
    SetCluster,
    /// [`Action::SetWorkers`].
    SetWorkers,
    /// [`Action::StartExecutions`].
    StartExecutions,
}

impl Verb {
    /// All verbs.
    pub const ALL: [Self; 55] = [
        Self::MoveRole,
        Self::PowerOff,
        Self::PowerOn,
        Self::KillClusterService,
        Self::Freeze,
        Self::Thaw,
        Self::StopClusterService,
        Self::StartClusterService,
        Self::ShutDown,
        Self::RestartNode,
        Self::StopResource,
        Self::StartResource,
        Self::StopRole,
        Self::StartRole,
        Self::FailWitness,
        Self::RestoreWitness,
        Self::DisableService,
        Self::EnableService,
        Self::DisableAdapter,
        Self::EnableAdapter,
        Self::DuplicateAddress,
        Self::FreeAddress,
        Self::FailDns,
        Self::RestoreDns,
        Self::RefuseDnsUpdates,
        Self::AcceptDnsUpdates,
        Self::FailDirectory,
        Self::RestoreDirectory,
        Self::IgnoreAnnouncements,
        Self::HeedAnnouncements,
        Self::PauseNode,
        Self::ResumeNode,
        Self::RemovePossibleOwner,
        Self::RestorePossibleOwner,
        Self::KillService,
        Self::HangService,
        Self::StopService,
        Self::StartService,
        Self::KillWorker,
        Self::HangWorker,
        Self::StopWorker,
        Self::StartWorker,
        Self::EnableWorker,
        Self::DisableWorker,
        Self::DeleteWorker,
        Self::Cut,
        Self::Heal,
        Self::Degrade,
        Self::FailResource,
        Self::DeadlockResource,
        Self::ReplaceMasterCertificate,
        Self::ChangeNode,
        Self::SetCluster,
        Self::SetWorkers,
        Self::StartExecutions,
    ];

    /// The word for it in scenario files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::MoveRole => "move_role",
            Self::PowerOff => "power_off",
            Self::PowerOn => "power_on",
            Self::KillClusterService => "kill_cluster_service",
            Self::Freeze => "freeze",
            Self::Thaw => "thaw",
            Self::StopClusterService => "stop_cluster_service",
            Self::StartClusterService => "start_cluster_service",
            Self::ShutDown => "shut_down",
            Self::RestartNode => "restart_node",
            Self::StopResource => "stop_resource",
            Self::StartResource => "start_resource",
            Self::StopRole => "stop_role",
            Self::StartRole => "start_role",
            Self::FailWitness => "fail_witness",
            Self::RestoreWitness => "restore_witness",
            Self::DisableService => "disable_service",
            Self::EnableService => "enable_service",
            Self::DisableAdapter => "disable_adapter",
            Self::EnableAdapter => "enable_adapter",
            Self::DuplicateAddress => "duplicate_address",
            Self::FreeAddress => "free_address",
            Self::FailDns => "fail_dns",
            Self::RestoreDns => "restore_dns",
            Self::RefuseDnsUpdates => "refuse_dns_updates",
            Self::AcceptDnsUpdates => "accept_dns_updates",
            Self::FailDirectory => "fail_directory",
            Self::RestoreDirectory => "restore_directory",
            Self::IgnoreAnnouncements => "ignore_announcements",
            Self::HeedAnnouncements => "heed_announcements",
            Self::PauseNode => "pause_node",
            Self::ResumeNode => "resume_node",
            Self::RemovePossibleOwner => "remove_possible_owner",
            Self::RestorePossibleOwner => "restore_possible_owner",
            Self::KillService => "kill_service",
            Self::HangService => "hang_service",
            Self::StopService => "stop_service",
            Self::StartService => "start_service",
            Self::KillWorker => "kill_worker",
            Self::HangWorker => "hang_worker",
            Self::StopWorker => "stop_worker",
            Self::StartWorker => "start_worker",
            Self::EnableWorker => "enable_worker",
            Self::DisableWorker => "disable_worker",
            Self::DeleteWorker => "delete_worker",
            Self::Cut => "cut",
            Self::Heal => "heal",
            Self::Degrade => "degrade",
            Self::FailResource => "fail_resource",
            Self::DeadlockResource => "deadlock_resource",
            Self::ReplaceMasterCertificate => "replace_master_certificate",
            Self::ChangeNode => "change_node",
            Self::SetCluster => "set_cluster",
            Self::SetWorkers => "set_workers",
            Self::StartExecutions => "start_executions",
        }
    }

    /// Whether what it does can be taken back.
    pub const fn reversibility(self) -> Reversibility {
        match self {
            Self::MoveRole
            | Self::PowerOff
            | Self::PowerOn
            | Self::Freeze
            | Self::Thaw
            | Self::StopClusterService
            | Self::StartClusterService
            | Self::ShutDown
            | Self::RestartNode
            | Self::StopResource
            | Self::StartResource
            | Self::StopRole
            | Self::StartRole
            | Self::FailWitness
            | Self::RestoreWitness
            | Self::DisableService
            | Self::EnableService
            | Self::DisableAdapter
            | Self::EnableAdapter
            | Self::DuplicateAddress
            | Self::FreeAddress
            | Self::FailDns
            | Self::RestoreDns
            | Self::RefuseDnsUpdates
            | Self::AcceptDnsUpdates
            | Self::FailDirectory
            | Self::RestoreDirectory
            | Self::IgnoreAnnouncements
            | Self::HeedAnnouncements
            | Self::PauseNode
            | Self::ResumeNode
            | Self::RemovePossibleOwner
            | Self::RestorePossibleOwner
            | Self::EnableWorker
            | Self::DisableWorker
            | Self::StopService
            | Self::StartService
            | Self::Cut
            | Self::Heal
            | Self::Degrade
            | Self::ReplaceMasterCertificate
            | Self::ChangeNode
            | Self::SetCluster
            | Self::SetWorkers => Reversibility::Reversible,
            Self::StartExecutions => Reversibility::Compensable,
            // A restart ends the hang and brings the worker back; packages that ended and counters that were spent stay so.
            Self::DeleteWorker
            | Self::StopWorker
            | Self::StartWorker
            | Self::HangWorker
            | Self::HangService
            | Self::FailResource
            | Self::DeadlockResource => Reversibility::Compensable,
            Self::KillClusterService | Self::KillService | Self::KillWorker => Reversibility::Irreversible,
        }
    }
}

/// Whether what an action does can be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reversibility {
    /// Another action restores what was.
    Reversible,
    /// What follows can be made good, what was cannot be restored: executions can be stopped, not unstarted.
    Compensable,
    /// A process killed stays killed, a counter spent stays spent.
    Irreversible,
}
