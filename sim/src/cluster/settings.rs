//! Which properties does Windows give a cluster, its roles and its resources?
//!
//! Names and units are Windows' own. Defaults that differ between versions stand in [`Profile`].

use std::time::Duration;

use crate::names::{AddressId, HostId, NodeId, NodeSet, ResourceId, RoleId};

/// A version of Windows Server, for the defaults that differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Windows Server 2012 R2.
    Windows2012R2,
    /// Windows Server 2016.
    Windows2016,
    /// Windows Server 2019.
    #[default]
    Windows2019,
    /// Windows Server 2022: no first-party table was found, so the values of 2019 are assumed.
    Windows2022,
}

impl Profile {
    /// All profiles.
    pub const ALL: [Self; 4] = [Self::Windows2012R2, Self::Windows2016, Self::Windows2019, Self::Windows2022];

    /// The word for it in files and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Windows2012R2 => "windows_2012_r2",
            Self::Windows2016 => "windows_2016",
            Self::Windows2019 => "windows_2019",
            Self::Windows2022 => "windows_2022",
        }
    }

    /// The profile with this word.
    pub fn by_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.word() == word)
    }

    /// The cluster properties of a new cluster.
    ///
    /// Delays and thresholds: hadr-cluster-best-practices (documented). The 2019 threshold of 20 conflicts with the 10
    /// of iaas-sql-failover-cluster-network-thresholds; the later table is taken, and a topology can say otherwise.
    pub const fn properties(self) -> ClusterProperties {
        let threshold = match self {
            Self::Windows2012R2 => 5,
            Self::Windows2016 => 10,
            Self::Windows2019 | Self::Windows2022 => 20,
        };
        // Quarantine came with the functional level of 2016 (virtual machine resiliency page, documented).
        let quarantine_threshold = match self {
            Self::Windows2012R2 => 0,
            Self::Windows2016 | Self::Windows2019 | Self::Windows2022 => 3,
        };
        ClusterProperties {
            quarantine_threshold,
            quarantine_duration: None,
            same_subnet_delay: Duration::from_millis(1_000),
            same_subnet_threshold: threshold,
            cross_subnet_delay: Duration::from_millis(1_000),
            cross_subnet_threshold: threshold,
            dynamic_quorum: true,
            lower_quorum_priority_node: None,
        }
    }
}

/// Properties of the cluster (`Get-Cluster`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterProperties {
    /// `SameSubnetDelay`: time between two heartbeats.
    pub same_subnet_delay: Duration,
    /// `SameSubnetThreshold`: how many missed heartbeats take a node out.
    pub same_subnet_threshold: u32,
    /// `CrossSubnetDelay`.
    pub cross_subnet_delay: Duration,
    /// `CrossSubnetThreshold`.
    pub cross_subnet_threshold: u32,
    /// `QuarantineThreshold`: so many losses of membership within an hour keep a node out; 0 for never. Default 3. The
    /// API reference calls its unit minutes, field reports describe a count within an hour (conflict): the count is
    /// taken.
    pub quarantine_threshold: u32,
    /// `QuarantineDuration`: for how long. `None` where nobody has set it: what the default is, sources disagree about.
    pub quarantine_duration: Option<Duration>,
    /// `DynamicQuorum`: votes are counted anew after each change of members. Default on since 2012 (documented).
    pub dynamic_quorum: bool,
    /// `LowerQuorumPriorityNodeID`: the node that loses its vote first when their number is even.
    pub lower_quorum_priority_node: Option<NodeId>,
}

/// What every node knows of its cluster: the part of the cluster database that no failover changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterConfig {
    /// Cluster properties at the start; actions change each service's own copy.
    pub properties: ClusterProperties,
    /// The nodes, by identifier.
    pub nodes: Vec<NodeConfig>,
    /// Whether the cluster has a witness.
    pub witness: bool,
    /// The roles, by identifier.
    pub roles: Vec<RoleConfig>,
    /// The resources, by identifier.
    pub resources: Vec<ResourceConfig>,
}

/// A node in the cluster database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeConfig {
    /// `NodeWeight`: whether it has a vote.
    pub has_vote: bool,
    /// The subnet that it is in.
    pub subnet: u8,
}

/// A role: what the cmdlets call a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleConfig {
    /// Preferred owners, in order; may be empty.
    pub preferred_owners: Vec<NodeId>,
    /// `AutoFailbackType`: whether the role goes back to a better preferred owner when that joins. Default no; without
    /// preferred owners it has no effect, and without a window it happens at once (all documented). Windows of hours
    /// are not modelled.
    pub auto_failback: bool,
    /// `FailoverThreshold`: failovers within the period; `None` means nodes minus one (documented default).
    pub failover_threshold: Option<u32>,
    /// `FailoverPeriod`. Default six hours (documented).
    pub failover_period: Duration,
    /// Its resources, in the order of the topology.
    pub resources: Vec<ResourceId>,
}

/// A resource of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceConfig {
    /// Its role.
    pub role: RoleId,
    /// What it is.
    pub kind: ResourceKind,
    /// What must be online before it (AND).
    pub depends_on: Vec<ResourceId>,
    /// Nodes on which it may be online.
    pub possible_owners: NodeSet,
    /// What happens when it fails.
    pub policy: ResourcePolicy,
}

/// What a resource is, by its resource type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResourceKind {
    /// Physical Disk: the shared disk with SSISDB.
    PhysicalDisk,
    /// IP Address.
    IpAddress(AddressId),
    /// Network Name.
    NetworkName(HostId),
    /// SQL Server.
    SqlServer,
    /// SQL Server Agent.
    SqlServerAgent,
    /// Generic Service with the Scale Out Master's service.
    ScaleOutMaster,
}

/// What Windows does when a resource fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResourcePolicy {
    /// `RestartAction`. Default 2 (documented).
    pub restart_action: RestartAction,
    /// `RestartThreshold`: how many restarts within the period are tolerated. The API reference says 3; the user
    /// interface and FCI set-up often 1 (inferred).
    pub restart_threshold: u32,
    /// `RestartPeriod`. 15 minutes in the table of the API reference, 90 s in its text (conflict).
    pub restart_period: Duration,
    /// `RestartDelay`. 500 ms (documented).
    pub restart_delay: Duration,
    /// `RetryPeriodOnFailure`: how long a resource that was given up stays failed before one more attempt. One hour
    /// (documented).
    pub retry_period_on_failure: Duration,
    /// `LooksAlivePollInterval` of the resource type. 5 s (documented).
    pub looks_alive_poll_interval: Duration,
}

impl ResourcePolicy {
    /// The documented defaults.
    pub const DEFAULT: Self = Self {
        restart_action: RestartAction::RestartThenFailOver,
        restart_threshold: 3,
        restart_period: Duration::from_secs(900),
        restart_delay: Duration::from_millis(500),
        retry_period_on_failure: Duration::from_millis(3_600_000),
        looks_alive_poll_interval: Duration::from_millis(5_000),
    };
}

/// `RestartAction`, by its documented values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RestartAction {
    /// 0: it stays failed.
    DoNotRestart,
    /// 1: restart in place, never fail over.
    Restart,
    /// 2: restart in place, then fail over the role.
    RestartThenFailOver,
}

impl ClusterConfig {
    /// The longest time without a heartbeat between two nodes, and the time between two heartbeats.
    pub fn heartbeat(&self, one: NodeId, other: NodeId, properties: &ClusterProperties) -> (Duration, u32) {
        if self.nodes[one.index()].subnet == self.nodes[other.index()].subnet {
            (properties.same_subnet_delay, properties.same_subnet_threshold)
        } else {
            (properties.cross_subnet_delay, properties.cross_subnet_threshold)
        }
    }

    /// Nodes on which every resource of the role may be online (the intersection is inferred).
    pub fn possible_owners(&self, role: RoleId) -> NodeSet {
        let all = NodeSet::first(self.nodes.len());
        let resources = &self.roles[role.index()].resources;
        resources.iter().fold(all, |set, resource| set.and(self.resources[resource.index()].possible_owners))
    }

    /// Resources that need `resource` to be online first.
    pub fn dependents(&self, resource: ResourceId) -> impl Iterator<Item = ResourceId> {
        let role = &self.roles[self.resources[resource.index()].role.index()];
        role.resources
            .iter()
            .copied()
            .filter(move |other| self.resources[other.index()].depends_on.contains(&resource))
    }
}
