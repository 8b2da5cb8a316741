//! What may stand in a topology file?

use std::collections::BTreeMap;

use failover_sim::cluster::Priority;
use schemars::JsonSchema;
use serde::Deserialize;

use super::document::SetCluster;
use super::length::Length;
use super::read::At;

/// The parts of a topology file.
pub(super) const PARTS: &[&str] = &[
    "based_on",
    "about",
    "profile",
    "cluster",
    "certificates",
    "nodes",
    "roles",
    "workers",
    "catalog_startup",
    "logging",
    "timings",
    "promises",
];

/// A cluster, its masters and its workers, as Microsoft's guide sets them up.
// Only the schema reads this type: a file is read part by part, so that a mistake in one does not hide those in the next.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "topology", transform = super::schema::whole_or_based_on)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct TopologyFile {
    /// The topology that it is based on: a file beside it, or one that the program carries. What is left out is as there;
    /// lists of named things are joined by their names.
    based_on: Option<String>,
    /// What it is, in prose that the tool never reads.
    about: Option<String>,
    /// The version of Windows whose defaults apply.
    profile: Option<ProfileWord>,
    /// The cluster: its witness and its properties.
    cluster: ClusterDocument,
    /// The certificates, by names that the rest of the file uses. Every worker has one of its own besides.
    certificates: Certificates,
    /// The nodes, with what each has of its own.
    nodes: Vec<NodeDocument>,
    /// The roles, with their resources; the master is a resource of one of them.
    roles: Vec<RoleDocument>,
    /// The workers, in groups that are alike.
    workers: Vec<WorkersDocument>,
    /// Whether SQL Server runs `catalog.startup` when it starts, a choice made when SSISDB is created: `never` unless said
    /// otherwise.
    catalog_startup: Option<CatalogStartupWord>,
    /// Where workers write the messages of their packages.
    logging: Option<LoggingDocument>,
    /// How long things take; what is left out takes as long as usual.
    timings: Option<TimingsDocument>,
    /// What the owner of the cluster promises its users.
    promises: PromisesDocument,
}

/// The version of Windows whose defaults apply.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub(super) enum ProfileWord {
    /// Windows Server 2012 R2.
    #[serde(rename = "windows_2012_r2")]
    Windows2012R2,
    /// Windows Server 2016.
    #[serde(rename = "windows_2016")]
    Windows2016,
    /// Windows Server 2019.
    #[serde(rename = "windows_2019")]
    Windows2019,
    /// Windows Server 2022.
    #[serde(rename = "windows_2022")]
    Windows2022,
}

/// Where workers write the messages of their packages, past the master.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LoggingDocument {
    /// `CLUSTER_LOGDB_SERVER`: the `SqlServerName` of the first node unless said otherwise.
    pub(super) server: Option<String>,
    /// Which logins SQL Server takes: `mixed` unless said otherwise.
    #[serde(default)]
    pub(super) authentication: AuthenticationWord,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum AuthenticationWord {
    /// Those of Windows and its own.
    #[default]
    Mixed,
    /// Those of Windows alone: workers cannot log.
    WindowsOnly,
}

/// Whether SQL Server runs `catalog.startup` when it starts.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum CatalogStartupWord {
    /// It does not.
    Never,
    /// It does, and marks executions as ended that its predecessor left behind.
    AtSqlServerStart,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClusterDocument {
    /// What breaks a tie between the nodes.
    pub(super) witness: WitnessWord,
    /// Cluster properties that differ from the defaults.
    pub(super) properties: Option<SetCluster>,
    /// The time of the day at which a run begins: `12h`, noon, unless said otherwise.
    pub(super) begins_at: Option<At<Length>>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum WitnessWord {
    Disk,
    FileShare,
    Cloud,
    None,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CertificateDocument {
    /// A file with the certificate, in PEM or DER form, relative to the topology's own file. It says names and thumbprint.
    #[expect(dead_code, reason = "its content is taken in before")]
    pub(super) file: Option<String>,
    /// The common names of its subject: names and addresses of hosts.
    pub(super) common_names: Vec<String>,
    /// The names of its subject alternative name extension; where there is one it alone counts.
    pub(super) alternative_names: Option<Vec<String>>,
    /// When it expires, counted from the start of a run.
    pub(super) expires_after: Option<Length>,
    /// The SHA-1 of its DER form, as Windows shows it; left out it is made up from the name.
    pub(super) thumbprint: Option<At<String>>,
}

pub(super) type Certificates = BTreeMap<String, CertificateDocument>;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NodeDocument {
    pub(super) name: At<String>,
    /// Its own address.
    pub(super) address: At<String>,
    /// The subnet that it is in; left out it is one that has no name.
    pub(super) subnet: Option<String>,
    /// Its vote, 1 or 0: 1 unless an administrator took it away.
    #[serde(rename = "NodeWeight")]
    pub(super) node_weight: Option<At<u8>>,
    /// `MasterSettings.config`.
    pub(super) master_settings: MasterSettingsDocument,
    /// Certificates in LocalMachine\Root; `workers` stands for the certificate of every worker.
    pub(super) root: Vec<At<String>>,
    /// Whether the master certificate came with its private key.
    #[serde(default)]
    pub(super) private_key: PrivateKeyWord,
    /// Whether HTTP.SYS has a certificate for the master's port; where it has one, it is that of `SSLCertThumbprint`.
    #[serde(default)]
    pub(super) https_binding: BindingWord,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum FailbackWord {
    #[default]
    Prevent,
    Allow,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum BindingWord {
    #[default]
    Present,
    Missing,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum PrivateKeyWord {
    #[default]
    Present,
    Missing,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct MasterSettingsDocument {
    /// A real `MasterSettings.config`, relative to the topology's own file; what else stands here goes before it.
    #[serde(rename = "file")]
    #[expect(dead_code, reason = "its content is taken in before")]
    pub(super) file: Option<String>,
    /// The port that the master listens on: 8391 unless said otherwise.
    pub(super) port_number: Option<u16>,
    /// The certificate of the master's HTTPS binding, by its name in this file.
    #[serde(rename = "SSLCertThumbprint")]
    pub(super) ssl_cert_thumbprint: At<String>,
    /// The host of the SQL Server that holds SSISDB: the SQL network name.
    pub(super) sql_server_name: At<String>,
    /// How often the master says in SSISDB that it is alive.
    pub(super) master_heartbeat_interval_in_ms: Option<u64>,
    /// How often the master sweeps tasks whose lease ran out.
    pub(super) deal_with_expired_tasks_interval_in_ms: Option<u64>,
    /// How long the master waits for a connection to SSISDB.
    pub(super) sql_connection_timeout_in_secs: Option<u64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleDocument {
    pub(super) name: At<String>,
    /// Nodes that it prefers, in order.
    #[serde(default)]
    pub(super) preferred_owners: Vec<At<String>>,
    /// `AutoFailbackType`: whether it goes back to a better preferred owner that joins.
    #[serde(default, rename = "AutoFailbackType")]
    pub(super) auto_failback: FailbackWord,
    /// The hour of the day, 0 to 23, from which it may go back; left out it may at once.
    #[serde(rename = "FailbackWindowStart")]
    pub(super) failback_window_start: Option<At<u8>>,
    /// The hour from which it may not go back any more.
    #[serde(rename = "FailbackWindowEnd")]
    pub(super) failback_window_end: Option<At<u8>>,
    /// `Priority`: which roles of a node start first, and whether it starts by itself.
    #[serde(default, rename = "Priority")]
    pub(super) priority: PriorityWord,
    /// `FailoverThreshold`; left out it is the number of nodes minus one.
    #[serde(rename = "FailoverThreshold")]
    pub(super) failover_threshold: Option<u32>,
    /// `FailoverPeriod`, in hours as Windows has it.
    #[serde(rename = "FailoverPeriod")]
    pub(super) failover_period: Option<At<u64>>,
    /// Its resources.
    pub(super) resources: Vec<ResourceDocument>,
}

/// Windows' words for 0, 1000, 2000 and 3000.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum PriorityWord {
    /// It does not start by itself.
    Disabled,
    /// 1000.
    Low,
    /// 2000.
    #[default]
    Medium,
    /// 3000.
    High,
}

impl From<PriorityWord> for Priority {
    fn from(word: PriorityWord) -> Self {
        match word {
            PriorityWord::Disabled => Self::Disabled,
            PriorityWord::Low => Self::Low,
            PriorityWord::Medium => Self::Medium,
            PriorityWord::High => Self::High,
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResourceDocument {
    pub(super) name: At<String>,
    /// Its type.
    #[serde(rename = "type")]
    pub(super) kind: At<ResourceWord>,
    /// The address of an IP Address resource.
    pub(super) address: Option<At<String>>,
    /// The subnet of an IP Address resource, which can be online on nodes of this subnet alone.
    pub(super) subnet: Option<At<String>>,
    /// The host name of a Network Name resource.
    pub(super) host: Option<At<String>>,
    /// Whether a Network Name resource registers all its addresses in DNS (1) or those that are online (0). Left out it
    /// is what set-up does: 1 for a SQL Server with addresses on several subnets, 0 otherwise.
    #[serde(rename = "RegisterAllProvidersIP")]
    pub(super) register_all_providers_ip: Option<At<u8>>,
    /// For how long clients believe what DNS told them of a Network Name resource: 1,200 s unless said otherwise.
    #[serde(rename = "HostRecordTTL")]
    pub(super) host_record_ttl: Option<At<Length>>,
    /// Resources of the role that must be online before it, all of them.
    #[serde(default)]
    pub(super) depends_on: Vec<At<String>>,
    /// Resources of the role of which one must be online before it.
    #[serde(default)]
    pub(super) depends_on_any: Vec<At<String>>,
    /// Nodes on which it may be online: all of them unless said otherwise.
    pub(super) possible_owners: Option<Vec<At<String>>>,
    /// What happens when it fails: `restart_then_fail_over` unless said otherwise.
    #[serde(rename = "RestartAction")]
    pub(super) restart_action: Option<RestartWord>,
    /// How many restarts within `RestartPeriod` are tolerated; left out it is the assumption `restart_threshold`.
    #[serde(rename = "RestartThreshold")]
    pub(super) restart_threshold: Option<u32>,
    /// For how long restarts count together; left out it is the assumption `restart_period`.
    #[serde(rename = "RestartPeriod")]
    pub(super) restart_period: Option<Length>,
    /// How long a failed resource waits for its restart: 500 ms unless said otherwise.
    #[serde(rename = "RestartDelay")]
    pub(super) restart_delay: Option<Length>,
    /// How long a resource that was given up waits for one more attempt: one hour unless said otherwise.
    #[serde(rename = "RetryPeriodOnFailure")]
    pub(super) retry_period_on_failure: Option<At<Length>>,
    /// How often the cluster looks whether it is alive: every 5 s unless said otherwise.
    #[serde(rename = "LooksAlivePollInterval")]
    pub(super) looks_alive_poll_interval: Option<At<Length>>,
    /// How long it may be on its way without getting on: three minutes unless said otherwise.
    #[serde(rename = "PendingTimeout")]
    pub(super) pending_timeout: Option<At<Length>>,
    /// How long a call to it may take to return: five minutes unless said otherwise.
    #[serde(rename = "DeadlockTimeout")]
    pub(super) deadlock_timeout: Option<At<Length>>,
    /// On which conditions SQL Server, 0 to 5, or an availability group, 1 to 5, counts as failed: 3 unless said
    /// otherwise.
    #[serde(rename = "FailureConditionLevel")]
    pub(super) failure_condition_level: Option<At<u8>>,
    /// How long SQL Server's diagnostics may stay away: 30 s unless said otherwise, 15 s at least.
    #[serde(rename = "HealthCheckTimeout")]
    pub(super) health_check_timeout: Option<At<Length>>,
}

/// `RestartAction`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum RestartWord {
    /// 0: it stays failed.
    DoNotRestart,
    /// 1: it restarts in place, and never fails over.
    Restart,
    /// 2: it restarts in place, then its role fails over.
    RestartThenFailOver,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum ResourceWord {
    PhysicalDisk,
    IpAddress,
    NetworkName,
    SqlServer,
    SqlServerAgent,
    AvailabilityGroup,
    ScaleOutMaster,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkersDocument {
    /// The name of a single worker, or the beginning of the names of several.
    pub(super) name: At<String>,
    /// How many there are.
    #[serde(default = "one")]
    pub(super) count: u32,
    /// `WorkerSettings.config`.
    pub(super) worker_settings: WorkerSettingsDocument,
    /// Certificates in LocalMachine\Root.
    pub(super) root: Vec<At<String>>,
    /// Whether an administrator has enabled them.
    #[serde(default)]
    pub(super) state: EnabledWord,
    /// Whether their service account can open the private key of their own certificate.
    #[serde(default)]
    pub(super) private_key: KeyAccessWord,
    /// How long it waits before it connects again; left out it is the assumption `worker_retry`.
    pub(super) retry_interval: Option<Length>,
    /// How often it asks for a task.
    pub(super) task_request_interval: Option<Length>,
    /// How long it waits for an answer; left out it is the assumption `request_timeout`.
    pub(super) request_timeout: Option<Length>,
    /// A program in the place of their service, with its arguments, on loopback and in `failover twin`. It is started in the
    /// folder of this file.
    pub(super) program: Option<At<Vec<String>>>,
}

const fn one() -> u32 {
    1
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum EnabledWord {
    #[default]
    Enabled,
    Disabled,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum KeyAccessWord {
    #[default]
    Readable,
    Unreadable,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct WorkerSettingsDocument {
    /// A real `WorkerSettings.config`, relative to the topology's own file; what else stands here goes before it.
    #[serde(rename = "file")]
    #[expect(dead_code, reason = "its content is taken in before")]
    pub(super) file: Option<String>,
    /// Where they find the master: https, the SQL network name and the master's port.
    pub(super) master_endpoint: At<String>,
    /// The master certificate that they pin, by its name in this file.
    pub(super) master_https_cert_thumbprint: At<String>,
    /// How often they say that they are alive.
    pub(super) agent_heartbeat_interval: Option<Length>,
    /// How often they report on each task.
    pub(super) task_heartbeat_interval: Option<Length>,
    /// How old the last good report on a task may be when a report is answered with an error.
    pub(super) heartbeat_error_tollerance: Option<Length>,
    /// How long a report holds a task.
    pub(super) lease_internval: Option<Length>,
    /// How many tasks one holds at once.
    pub(super) max_task_count: Option<u16>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SpreadDocument {
    /// At least so long.
    pub(super) least: Length,
    /// Most often so long.
    pub(super) mode: Length,
    /// At most so long.
    pub(super) most: Length,
}

/// How long things take; what is left out takes as long as usual.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TimingsDocument {
    pub(super) link: Option<At<SpreadDocument>>,
    pub(super) regroup: Option<At<SpreadDocument>>,
    pub(super) join: Option<At<SpreadDocument>>,
    pub(super) service_restart: Option<Length>,
    pub(super) boot: Option<Length>,
    pub(super) disk_online: Option<At<SpreadDocument>>,
    pub(super) ip_address_online: Option<At<SpreadDocument>>,
    pub(super) network_name_online: Option<At<SpreadDocument>>,
    pub(super) sql_server_online: Option<At<SpreadDocument>>,
    pub(super) recovery: Option<At<SpreadDocument>>,
    pub(super) agent_online: Option<At<SpreadDocument>>,
    pub(super) availability_group_online: Option<At<SpreadDocument>>,
    pub(super) master_online: Option<At<SpreadDocument>>,
    pub(super) master_serves: Option<At<SpreadDocument>>,
    pub(super) sql_server_offline: Option<At<SpreadDocument>>,
    pub(super) offline: Option<At<SpreadDocument>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PromisesDocument {
    /// A worker that lost its connection has another one, through the network name, after so long.
    pub(super) workers_reconnect: Length,
}
