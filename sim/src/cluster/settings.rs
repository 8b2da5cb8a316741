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
    /// Delays: hadr-cluster-best-practices (documented).
    pub const fn properties(self) -> ClusterProperties {
        // Quarantine came with the functional level of 2016 (virtual machine resiliency page, documented).
        let quarantine_threshold = match self {
            Self::Windows2012R2 => 0,
            Self::Windows2016 | Self::Windows2019 | Self::Windows2022 => 3,
        };
        ClusterProperties {
            quarantine_threshold,
            quarantine_duration: None,
            resiliency_level: None,
            resiliency_default_period: match self {
                Self::Windows2012R2 => Duration::ZERO,
                Self::Windows2016 | Self::Windows2019 | Self::Windows2022 => Duration::from_secs(240),
            },
            same_subnet_delay: Duration::from_millis(1_000),
            same_subnet_threshold: None,
            cross_subnet_delay: Duration::from_millis(1_000),
            cross_subnet_threshold: None,
            dynamic_quorum: true,
            lower_quorum_priority_node: None,
        }
    }
}

impl Profile {
    /// `SameSubnetThreshold` and `CrossSubnetThreshold` where nobody has set them. Sources disagree about 2016 and later:
    /// [`ThresholdTable`].
    pub const fn thresholds(self, table: ThresholdTable) -> (u32, u32) {
        match (self, table) {
            (Self::Windows2012R2, _) => (5, 5),
            (Self::Windows2016, ThresholdTable::BestPractices) => (10, 10),
            (Self::Windows2016, ThresholdTable::Others) => (10, 20),
            (Self::Windows2019 | Self::Windows2022, ThresholdTable::BestPractices) => (20, 20),
            (Self::Windows2019 | Self::Windows2022, ThresholdTable::Others) => (10, 20),
        }
    }
}

/// Whose default thresholds are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ThresholdTable {
    /// hadr-cluster-best-practices (documented).
    BestPractices,
    /// iaas-sql-failover-cluster-network-thresholds for 2019 (documented), field reports for 2016 (observed).
    Others,
}

/// `ResiliencyLevel` (FailoverClusterDsc stubs, documented).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResiliencyLevel {
    /// 1: only a node that says itself that its cluster service is in trouble; none that falls silent is (inferred from
    /// the name).
    IsolateOnSpecialHeartbeat,
    /// 2.
    AlwaysIsolate,
}

/// Properties of the cluster (`Get-Cluster`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterProperties {
    /// `SameSubnetDelay`: time between two heartbeats.
    pub same_subnet_delay: Duration,
    /// `SameSubnetThreshold`: how many missed heartbeats take a node out. `None` where nobody has set it.
    pub same_subnet_threshold: Option<u32>,
    /// `CrossSubnetDelay`.
    pub cross_subnet_delay: Duration,
    /// `CrossSubnetThreshold`. `None` where nobody has set it.
    pub cross_subnet_threshold: Option<u32>,
    /// `QuarantineThreshold`: so many losses of membership within an hour keep a node out; 0 for never. Default 3. The
    /// API reference calls its unit minutes, field reports describe a count within an hour (conflict): the count is
    /// taken.
    pub quarantine_threshold: u32,
    /// `QuarantineDuration`: for how long. `None` where nobody has set it: what the default is, sources disagree about.
    pub quarantine_duration: Option<Duration>,
    /// `ResiliencyLevel`: which nodes that fall silent are isolated. `None` where nobody has set it: what the default is,
    /// sources disagree about.
    pub resiliency_level: Option<ResiliencyLevel>,
    /// `ResiliencyDefaultPeriod`: for how long; zero for never. Default 240 s since 2016 (documented).
    pub resiliency_default_period: Duration,
    /// `DynamicQuorum`: votes are counted anew after each change of members. Default on since 2012 (documented).
    pub dynamic_quorum: bool,
    /// `LowerQuorumPriorityNodeID`: the node that loses its vote first when their number is even.
    pub lower_quorum_priority_node: Option<NodeId>,
}

/// What breaks a tie between the nodes (Manage cluster quorum, documented).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Witness {
    /// A shared disk.
    Disk,
    /// A share of a host outside the cluster.
    FileShare,
    /// A blob in Azure.
    Cloud,
}

/// What every node knows of its cluster: the part of the cluster database that no failover changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterConfig {
    /// Cluster properties at the start; actions change each service's own copy.
    pub properties: ClusterProperties,
    /// The nodes, by identifier.
    pub nodes: Vec<NodeConfig>,
    /// The cluster's witness, if it has one. Of what kind it is makes no difference to the votes.
    pub witness: Option<Witness>,
    /// The time of the day at which a run begins.
    pub begins_at: Duration,
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
    /// preferred owners it has no effect, and without a window it happens at once (all documented).
    pub auto_failback: bool,
    /// `FailbackWindowStart` and `FailbackWindowEnd`: hours of the day, local time (documented).
    pub failback_window: Option<FailbackWindow>,
    /// `Priority`: in which order roles start.
    pub priority: Priority,
    /// `FailoverThreshold`: failovers within the period; `None` means nodes minus one (documented default).
    pub failover_threshold: Option<u32>,
    /// `FailoverPeriod`. Default six hours (documented).
    pub failover_period: Duration,
    /// Its resources, in the order of the topology.
    pub resources: Vec<ResourceId>,
}

/// `Priority` of a role (Priority page of MsCS, documented). Where one node has several roles to bring online, the lower
/// ones wait for the higher ones (event 1640, documented); that the wait ends when those are online or failed is inferred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// 0: it does not start by itself (documented), neither when the cluster forms nor when its node is gone (observed,
    /// a question and answer on auto start).
    Disabled,
    /// 1000.
    Low,
    /// 2000, the default (documented).
    #[default]
    Medium,
    /// 3000.
    High,
}

/// The hours of the day in which a role may go back to a preferred owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FailbackWindow {
    /// The hour at which it opens, 0 to 23.
    pub start: u8,
    /// The hour at which it closes; if it is not later than the start, on the next day. That a start which is the end
    /// too means the whole day is inferred.
    pub end: u8,
}

impl FailbackWindow {
    /// How long it is until the window is open, at this time of the day; nothing if it is open.
    pub fn opens_in(self, time_of_day: Duration) -> Duration {
        let since_start = (time_of_day + DAY).saturating_sub(hours(self.start));
        let since_start = Duration::from_secs(since_start.as_secs() % DAY.as_secs());
        let length = (hours(self.end) + DAY).saturating_sub(hours(self.start));
        let length = Duration::from_secs((length.as_secs() + DAY.as_secs() - 1) % DAY.as_secs() + 1);
        if since_start < length { Duration::ZERO } else { DAY - since_start }
    }
}

const fn hours(count: u8) -> Duration {
    Duration::from_secs(count as u64 * 3_600)
}

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A resource of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceConfig {
    /// Its role.
    pub role: RoleId,
    /// What it is.
    pub kind: ResourceKind,
    /// What must be online before it (AND).
    pub depends_on: Vec<ResourceId>,
    /// Alternatives, of which one must be online before it (OR). Empty for none.
    pub depends_on_any: Vec<ResourceId>,
    /// The subnet of an IP Address: it can be online on nodes of this subnet alone.
    pub subnet: u8,
    /// Nodes on which it may be online.
    pub possible_owners: NodeSet,
    /// What happens when it fails.
    pub policy: ResourcePolicy,
}

impl ResourceConfig {
    /// Everything that its dependency expression names.
    pub fn providers(&self) -> impl Iterator<Item = ResourceId> {
        self.depends_on.iter().chain(&self.depends_on_any).copied()
    }
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
    /// SQL Server Availability Group: the replica of SSISDB on the node where it is online is the primary one.
    AvailabilityGroup,
    /// Generic Service with the Scale Out Master's service.
    ScaleOutMaster,
}

/// What Windows does when a resource fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResourcePolicy {
    /// `RestartAction`. Default 2 (documented).
    pub restart_action: RestartAction,
    /// `RestartThreshold`: how many restarts within the period are tolerated. `None` where nobody has set it: what the
    /// default is, sources disagree about.
    pub restart_threshold: Option<u32>,
    /// `RestartPeriod`. `None` where nobody has set it: what the default is, sources disagree about.
    pub restart_period: Option<Duration>,
    /// `RestartDelay`. 500 ms (documented).
    pub restart_delay: Duration,
    /// `RetryPeriodOnFailure`: how long a resource that was given up stays failed before one more attempt. One hour
    /// (documented).
    pub retry_period_on_failure: Duration,
    /// `LooksAlivePollInterval` of the resource type. 5 s (documented).
    pub looks_alive_poll_interval: Duration,
    /// `PendingTimeout`: how long a resource may be on its way without saying that it gets on. Three minutes
    /// (documented).
    pub pending_timeout: Duration,
    /// `DeadlockTimeout`: how long a call to a resource may take to return. Five minutes (documented).
    pub deadlock_timeout: Duration,
    /// `FailureConditionLevel` of SQL Server, 0 to 5, or of an availability group, 1 to 5. Default 3 (failover policy for
    /// FCI, flexible failover policy of an availability group, documented).
    pub failure_condition_level: u8,
    /// `HealthCheckTimeout` of either: how long SQL Server's diagnostics may stay away. 30 s (documented).
    pub health_check_timeout: Duration,
}

impl ResourcePolicy {
    /// The documented defaults.
    pub const DEFAULT: Self = Self {
        restart_action: RestartAction::RestartThenFailOver,
        restart_threshold: None,
        restart_period: None,
        restart_delay: Duration::from_millis(500),
        retry_period_on_failure: Duration::from_millis(3_600_000),
        looks_alive_poll_interval: Duration::from_millis(5_000),
        pending_timeout: Duration::from_millis(180_000),
        deadlock_timeout: Duration::from_millis(300_000),
        failure_condition_level: 3,
        health_check_timeout: Duration::from_millis(30_000),
    };

    /// Whether the cluster acts when SQL Server's service is down (FailureConditionLevel 1 and above, documented).
    pub const fn minds_stopped_sql_server(&self) -> bool {
        self.failure_condition_level >= 1
    }

    /// Whether the cluster acts when SQL Server's diagnostics stay away (FailureConditionLevel 2 and above, documented).
    pub const fn minds_silent_sql_server(&self) -> bool {
        self.failure_condition_level >= 2
    }
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
    /// Whether two nodes are on the same subnet.
    pub fn same_subnet(&self, one: NodeId, other: NodeId) -> bool {
        self.nodes[one.index()].subnet == self.nodes[other.index()].subnet
    }

    /// Nodes on which every resource of the role may be online (the intersection is inferred); of alternatives one is
    /// enough.
    pub fn possible_owners(&self, role: RoleId) -> NodeSet {
        let all = NodeSet::first(self.nodes.len());
        let resources = &self.roles[role.index()].resources;
        let is_alternative = |resource: &ResourceId| {
            resources.iter().any(|other| self.resources[other.index()].depends_on_any.contains(resource))
        };
        let firm = resources.iter().filter(|resource| !is_alternative(resource));
        firm.fold(all, |set, &resource| {
            let any = &self.resources[resource.index()].depends_on_any;
            let of_any = any.iter().fold(NodeSet::EMPTY, |set, &one| set.or(self.hosts_of(one)));
            let set = set.and(self.hosts_of(resource));
            if any.is_empty() { set } else { set.and(of_any) }
        })
    }

    /// Nodes on which the resource may be online: its possible owners, and for an IP Address those on its subnet (event
    /// 1045 on the others, documented).
    pub fn hosts_of(&self, resource: ResourceId) -> NodeSet {
        let config = &self.resources[resource.index()];
        match config.kind {
            ResourceKind::IpAddress(_) => {
                let fits = |node: &NodeId| self.nodes[node.index()].subnet == config.subnet;
                config.possible_owners.iter().filter(fits).collect()
            }
            ResourceKind::PhysicalDisk
            | ResourceKind::NetworkName(_)
            | ResourceKind::SqlServer
            | ResourceKind::SqlServerAgent
            | ResourceKind::AvailabilityGroup
            | ResourceKind::ScaleOutMaster => config.possible_owners,
        }
    }

    /// The resources of a role that can be online on `node`: those that make its state there. That an address of another
    /// subnet does not count is inferred.
    pub fn resources_on(&self, role: RoleId, node: NodeId) -> impl Iterator<Item = ResourceId> {
        let resources = self.roles[role.index()].resources.iter().copied();
        resources.filter(move |&resource| self.hosts_of(resource).contains(node))
    }

    /// Resources that need `resource` to be online first, or one of several of which it is one.
    pub fn dependents(&self, resource: ResourceId) -> impl Iterator<Item = ResourceId> {
        let role = &self.roles[self.resources[resource.index()].role.index()];
        role.resources
            .iter()
            .copied()
            .filter(move |other| self.resources[other.index()].providers().any(|one| one == resource))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_of_hours_opens_every_day() {
        let at = |hour: u64| Duration::from_secs(hour * 3_600);
        let night = FailbackWindow { start: 22, end: 6 };
        let opens = [21, 22, 0, 5, 6, 23].map(|hour| night.opens_in(at(hour)));
        assert_eq!(opens, [at(1), at(0), at(0), at(0), at(16), at(0)]);
        let noon = FailbackWindow { start: 12, end: 13 };
        assert_eq!([11, 12, 13].map(|hour| noon.opens_in(at(hour))), [at(1), at(0), at(23)]);
        assert_eq!(FailbackWindow { start: 5, end: 5 }.opens_in(at(4)), at(0));
    }
}
