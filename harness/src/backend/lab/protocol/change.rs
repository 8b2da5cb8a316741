//! Which services, machines and objects of a cluster can be changed, and by which verbs?

/// A service on a host of a lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostService {
    /// The cluster service.
    ClusterService,
    /// The Scale Out Master.
    Master,
    /// The instance of SQL Server that the cluster has as a resource.
    SqlServer,
    /// The Scale Out Worker.
    Worker,
}

impl HostService {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ClusterService, Self::Master, Self::SqlServer, Self::Worker];

    /// How the name of the service begins; for SQL Server a word, since its service is named after the instance.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClusterService => "ClusSvc",
            Self::Master => "SSISScaleOutMaster",
            Self::SqlServer => "SqlServer",
            Self::Worker => "SSISScaleOutWorker",
        }
    }

    /// The service with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.name() == name)
    }
}

/// What can be done to the machine of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerChange {
    /// `Stop-VM -TurnOff`.
    Off,
    /// `Start-VM`.
    On,
    /// `Suspend-VM`.
    Freeze,
    /// `Resume-VM`.
    Thaw,
}

impl PowerChange {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Off, Self::On, Self::Freeze, Self::Thaw];

    /// The word of its verb.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Off => "power_off",
            Self::On => "power_on",
            Self::Freeze => "freeze",
            Self::Thaw => "thaw",
        }
    }
}

/// A change of one object of the cluster. All of them come back at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterChange {
    /// `Stop-ClusterGroup -Wait 0`.
    StopRole,
    /// `Start-ClusterGroup -Wait 0`.
    StartRole,
    /// `Stop-ClusterResource -Wait 0`.
    StopResource,
    /// `Start-ClusterResource -Wait 0`.
    StartResource,
    /// `Suspend-ClusterNode`.
    PauseNode,
    /// `Suspend-ClusterNode -Drain`.
    DrainNode,
    /// `Resume-ClusterNode -Failback NoFailback`.
    ResumeNode,
    /// `Stop-ClusterNode -Wait 0`.
    StopClusterService,
    /// `Start-ClusterNode -Wait 0`.
    StartClusterService,
    /// `Start-ClusterNode -ClearQuarantine -Wait 0`.
    ClearQuarantine,
    /// On the node itself: its cluster service starts with `/fq`.
    ForceQuorum,
    /// On the node itself: its cluster service starts with `/pq`.
    PreventQuorum,
    /// `Test-ClusterResourceFailure`.
    FailResource,
}

impl ClusterChange {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::StopRole,
        Self::StartRole,
        Self::StopResource,
        Self::StartResource,
        Self::PauseNode,
        Self::DrainNode,
        Self::ResumeNode,
        Self::StopClusterService,
        Self::StartClusterService,
        Self::ClearQuarantine,
        Self::ForceQuorum,
        Self::PreventQuorum,
        Self::FailResource,
    ];

    /// The word of its verb.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::StopRole => "stop_role",
            Self::StartRole => "start_role",
            Self::StopResource => "stop_resource",
            Self::StartResource => "start_resource",
            Self::PauseNode => "pause_node",
            Self::DrainNode => "drain_node",
            Self::ResumeNode => "resume_node",
            Self::StopClusterService => "stop_cluster_service",
            Self::StartClusterService => "start_cluster_service",
            Self::ClearQuarantine => "clear_quarantine",
            Self::ForceQuorum => "force_quorum",
            Self::PreventQuorum => "prevent_quorum",
            Self::FailResource => "fail_resource",
        }
    }
}
