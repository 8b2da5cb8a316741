//! What does a snapshot of a cluster hold?
//!
//! What was seen on the cluster, on every node, on every worker and in SSISDB, as one JSON document. Each item is either
//! what was seen, or why nobody could look: an item that is missing is never taken for right. It holds no secret: no
//! password, no key, no connection string.

mod http_sys;
mod look;
mod moment;
mod proxy;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use http_sys::{Binding, Reservation, bindings, reservations};
pub use look::Look;
pub use moment::Moment;
pub use proxy::Proxy;
pub use settings::{MasterFile, SettingsFile, WorkerFile};

/// The version of the format that this program reads and writes.
pub const FORMAT: u32 = 1;

/// A cluster, its nodes, its workers and its SSISDB as they were at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// The version of this format: [`FORMAT`].
    pub snapshot: u32,
    /// When it was made.
    pub collected_at: Moment,
    /// What made it.
    pub collected_by: String,
    /// What the cluster service says.
    #[serde(default)]
    pub cluster: Cluster,
    /// The nodes of the cluster, each seen from itself.
    #[serde(default)]
    pub nodes: Vec<Node>,
    /// The workers, each seen from itself.
    #[serde(default)]
    pub workers: Vec<Worker>,
    /// What SQL Server says.
    #[serde(default)]
    pub ssisdb: Ssisdb,
}

/// What the cluster service says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cluster {
    /// Its properties, by their names in Windows: whole numbers as text.
    pub properties: Look<BTreeMap<String, String>>,
    /// Its nodes.
    pub nodes: Look<Vec<ClusterNode>>,
    /// Its witness, where it has one.
    pub witness: Look<Option<Witness>>,
    /// Its roles.
    pub roles: Look<Vec<Role>>,
    /// The resources of its roles.
    pub resources: Look<Vec<Resource>>,
}

/// A node as the cluster service knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterNode {
    /// Its name.
    pub name: String,
    /// `State`: `Up`, `Down`, `Paused` or `Joining`.
    pub state: String,
    /// `NodeWeight`: its configured vote, 0 or 1.
    pub node_weight: u32,
    /// `BuildNumber` of its operating system.
    pub build: u32,
}

/// What breaks a tie between the nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    /// The name of its resource.
    pub name: String,
    /// The type of its resource: `Physical Disk`, `File Share Witness`, `Cloud Witness`.
    pub kind: String,
    /// The state of its resource.
    pub state: String,
}

/// A role of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: String,
    /// Its owner node.
    pub owner: String,
    /// Nodes that it prefers, in order.
    pub preferred_owners: Vec<String>,
    /// Its properties that matter here: `AutoFailbackType`, `FailbackWindowStart`, `FailbackWindowEnd`, `FailoverPeriod`,
    /// `FailoverThreshold`, `Priority`, as numbers.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

/// A resource of a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// Its name.
    pub name: String,
    /// Its type: `Generic Service`, `Network Name`, `IP Address`, `SQL Server`.
    pub kind: String,
    /// Its role.
    pub role: String,
    /// Its state.
    pub state: String,
    /// `DependencyExpression`, with the names of resources in square brackets.
    pub dependency: String,
    /// Nodes on which it may be online.
    pub possible_owners: Vec<String>,
    /// Its private properties that matter here: `ServiceName`, `DnsName`, `Address`, `HostRecordTTL`,
    /// `RegisterAllProvidersIP`, `HealthCheckTimeout`, `FailureConditionLevel`.
    pub parameters: BTreeMap<String, String>,
    /// Its common properties that matter here, as numbers: `RestartAction`, `RestartThreshold`, `RestartPeriod`, `RestartDelay`,
    /// `RetryPeriodOnFailure`, `LooksAlivePollInterval`, `PendingTimeout`, `DeadlockTimeout`.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

/// What a node has of its own: what no failover moves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its own addresses.
    pub addresses: Look<Vec<String>>,
    /// Installed features of Windows by their names: `Failover-Clustering`, `RSAT-Clustering-PowerShell`.
    pub features: Look<Vec<String>>,
    /// The services of Integration Services and SQL Server.
    pub services: Look<Vec<Service>>,
    /// `Version` under `SQL_IS_Master` in the registry; `null` where the master was not installed.
    pub master_version: Look<Option<String>>,
    /// `MasterSettings.config`.
    pub master_settings: Look<SettingsFile>,
    /// LocalMachine\Root.
    pub root: Look<Vec<Certificate>>,
    /// LocalMachine\My.
    pub my: Look<Vec<Certificate>>,
    /// Thumbprints in CurrentUser\Root of whoever collected.
    pub user_root: Look<Vec<String>>,
    /// What `netsh http show sslcert` prints, in whatever language.
    pub sslcert: Look<String>,
    /// What `netsh http show urlacl` prints, in whatever language.
    pub urlacl: Look<String>,
    /// Values under SCHANNEL in the registry; absent ones are the system's defaults.
    pub schannel: Look<BTreeMap<String, u32>>,
    /// The firewall.
    pub firewall: Look<Firewall>,
    /// Enabled rules of the firewall that keep TCP at the master's port out.
    pub firewall_blocks: Look<Vec<FirewallBlock>>,
    /// Processes that listen on the master's port.
    pub listeners: Look<Vec<String>>,
    /// Starts of services that failed, from the System log.
    pub failed_starts: Look<Vec<FailedStart>>,
    /// Logins of the instance that this node has for itself, with a replica of SSISDB: Windows logins of users, and that of the
    /// workers' log. An instance that moves from node to node has its logins with it: nobody needs to look then.
    pub logins: Look<Vec<String>>,
}

/// A worker's machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Worker {
    /// The name of the machine.
    pub name: String,
    /// The services of Integration Services.
    pub services: Look<Vec<Service>>,
    /// `WorkerSettings.config`.
    pub worker_settings: Look<SettingsFile>,
    /// LocalMachine\Root.
    pub root: Look<Vec<Certificate>>,
    /// LocalMachine\My.
    pub my: Look<Vec<Certificate>>,
    /// Accounts that may read the private key of its own certificate.
    pub key_readers: Look<Vec<String>>,
    /// What the resolver answers for the host of `MasterEndpoint`.
    pub resolved: Look<Vec<String>>,
    /// Lines of the hosts file that are not comments.
    pub hosts_file: Look<Vec<String>>,
    /// The proxy of the service account; `null` where it has none.
    pub proxy: Look<Option<Proxy>>,
    /// Starts of services that failed, from the System log.
    pub failed_starts: Look<Vec<FailedStart>>,
}

/// A Windows service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// `State`: `Running`, `Stopped`.
    pub state: String,
    /// `StartMode`: `Auto`, `Manual`, `Disabled`.
    pub start_mode: String,
    /// `StartName`: its account.
    pub account: String,
    /// When its process started; `null` while it does not run.
    pub started_at: Option<Moment>,
}

/// A certificate in a store. Its private key is never in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// SHA-1 of its DER form, 40 hexadecimal digits.
    pub thumbprint: String,
    /// Its subject: `CN=NODE1, CN=10.0.0.11, CN=SQLFCI`.
    pub subject: String,
    /// Its issuer; equal to the subject where it is self-signed.
    pub issuer: String,
    /// The names of its subject alternative name extension; `null` where it has none.
    pub alternative_names: Option<Vec<String>>,
    /// Until when it is valid.
    pub not_after: Moment,
    /// Its private key.
    pub private_key: PrivateKey,
}

/// What came of opening a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrivateKey {
    /// There is none.
    Absent,
    /// It was opened.
    Opens,
    /// Windows says that there is one, and it cannot be opened.
    DoesNotOpen,
}

/// The firewall of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Firewall {
    /// Profiles in which it is on: `Domain`, `Private`, `Public`.
    pub on: Vec<String>,
    /// Profiles of the networks that the node is connected to: `Domain`, `Private`, `Public`.
    pub connected: Vec<String>,
    /// Enabled rules that let TCP in at the master's port.
    pub open: Vec<FirewallRule>,
}

/// A rule that lets TCP in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirewallRule {
    /// Its name.
    pub name: String,
    /// The profiles in which it counts; `Any` for all of them.
    pub profiles: Vec<String>,
}

/// A rule that keeps TCP out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirewallBlock {
    /// Its name.
    pub name: String,
    /// The profiles in which it counts; `Any` for all of them.
    pub profiles: Vec<String>,
    /// The addresses that it keeps out; `Any` for all of them.
    pub from: Vec<String>,
}

/// A start of a service that failed, from the System log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailedStart {
    /// The id of the event: 7038 wrong password, 7041 right to log on as a service missing.
    pub event: u32,
    /// When.
    pub at: Moment,
    /// Which service.
    pub service: String,
}

/// What SQL Server says, asked through the network name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ssisdb {
    /// `SERVERPROPERTY('IsIntegratedSecurityOnly')`: whether SQL logins are refused.
    pub windows_authentication_only: Look<bool>,
    /// `catalog.master_properties`.
    pub master_properties: Look<BTreeMap<String, String>>,
    /// `catalog.worker_agents`.
    pub worker_agents: Look<Vec<WorkerAgent>>,
    /// Windows logins that are members of `ssis_admin` in SSISDB, by the names of the logins.
    pub admins: Look<Vec<String>>,
}

/// A row of `catalog.worker_agents`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerAgent {
    /// `MachineName`.
    pub machine: String,
    /// `IsEnabled`.
    pub enabled: bool,
}

/// Why a text is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It is no JSON document of this form.
    #[error("not a snapshot: {0}")]
    Form(#[from] serde_json::Error),
    /// Another version of the program wrote it.
    #[error("a snapshot of format {found}: expected format {FORMAT}")]
    Format {
        /// Its format.
        found: u64,
    },
    /// A machine is there twice: nobody knows which of the two it is.
    #[error("a snapshot with two {kind} `{name}`")]
    Twice {
        /// `nodes` or `workers`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
}

impl Snapshot {
    /// Reads a snapshot; a byte order mark in front of it is skipped, since Windows PowerShell writes one.
    ///
    /// # Errors
    /// If it is no snapshot, or one of another format, or has a machine twice.
    pub fn read(text: &str) -> Result<Self, SnapshotError> {
        let text = text.trim_start_matches('\u{feff}');
        let tree: serde_json::Value = serde_json::from_str(text)?;
        match tree.get("snapshot").and_then(serde_json::Value::as_u64) {
            Some(found) if found != u64::from(FORMAT) => Err(SnapshotError::Format { found }),
            // Read from the text, so that a mistake is told with its line.
            Some(_) | None => serde_json::from_str::<Self>(text)?.with_each_machine_once(),
        }
    }

    fn with_each_machine_once(self) -> Result<Self, SnapshotError> {
        let nodes: Vec<&String> = self.nodes.iter().map(|node| &node.name).collect();
        let workers: Vec<&String> = self.workers.iter().map(|worker| &worker.name).collect();
        for (kind, names) in [("nodes", nodes), ("workers", workers)] {
            let mut known = BTreeSet::new();
            if let Some(name) = names.into_iter().find(|name| !known.insert(name.to_ascii_lowercase())) {
                return Err(SnapshotError::Twice { kind, name: name.clone() });
            }
        }
        Ok(self)
    }

    /// The document.
    pub fn text(&self) -> String {
        // Maps with keys of text and plain values: serde_json cannot fail on them.
        serde_json::to_string_pretty(self).map(|text| text + "\n").unwrap_or_default()
    }
}

impl Certificate {
    /// The names that it is for: its alternative names where it has them, else the CNs of its subject.
    ///
    /// That only "the CNs" count is documented (deal-with-certificates-in-ssis-scale-out); that Schannel asks the
    /// alternative names first is inferred.
    pub fn names(&self) -> Vec<&str> {
        match &self.alternative_names {
            Some(names) => names.iter().map(String::as_str).collect(),
            None => self.common_names(),
        }
    }

    /// The CNs of its subject.
    pub fn common_names(&self) -> Vec<&str> {
        self.subject.split([',', '+']).filter_map(common_name).collect()
    }

    /// Whether it is signed by itself.
    pub fn is_self_signed(&self) -> bool {
        self.subject == self.issuer
    }
}

fn common_name(part: &str) -> Option<&str> {
    let (key, name) = part.trim().split_once('=')?;
    key.trim().eq_ignore_ascii_case("CN").then(|| name.trim())
}
