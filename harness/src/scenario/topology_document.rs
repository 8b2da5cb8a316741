//! What may stand in a topology file?

use std::collections::BTreeMap;

use serde::Deserialize;

use super::document::SetCluster;
use super::length::Length;
use super::read::At;

/// The parts of a topology file.
pub(super) const PARTS: &[&str] =
    &["about", "profile", "cluster", "certificates", "nodes", "roles", "workers", "timings", "promises"];

#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) enum ProfileWord {
    #[serde(rename = "windows_2012_r2")]
    Windows2012R2,
    #[serde(rename = "windows_2016")]
    Windows2016,
    #[serde(rename = "windows_2019")]
    Windows2019,
    #[serde(rename = "windows_2022")]
    Windows2022,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClusterDocument {
    pub(super) witness: WitnessWord,
    pub(super) properties: Option<SetCluster>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum WitnessWord {
    Disk,
    FileShare,
    Cloud,
    None,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CertificateDocument {
    pub(super) common_names: Vec<String>,
    pub(super) alternative_names: Option<Vec<String>>,
    pub(super) expires_after: Option<Length>,
}

pub(super) type Certificates = BTreeMap<String, CertificateDocument>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NodeDocument {
    pub(super) name: At<String>,
    pub(super) address: At<String>,
    /// `MasterSettings.config`.
    pub(super) master_settings: MasterSettingsDocument,
    /// Certificates in LocalMachine\Root; `workers` stands for the certificate of every worker.
    pub(super) root: Vec<At<String>>,
    /// Whether the master certificate came with its private key.
    #[serde(default)]
    pub(super) private_key: PrivateKeyWord,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum PrivateKeyWord {
    #[default]
    Present,
    Missing,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct MasterSettingsDocument {
    pub(super) port_number: Option<u16>,
    #[serde(rename = "SSLCertThumbprint")]
    pub(super) ssl_cert_thumbprint: At<String>,
    pub(super) sql_server_name: At<String>,
    pub(super) master_heartbeat_interval_in_ms: Option<u64>,
    pub(super) deal_with_expired_tasks_interval_in_ms: Option<u64>,
    pub(super) sql_connection_timeout_in_secs: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleDocument {
    pub(super) name: At<String>,
    #[serde(default)]
    pub(super) preferred_owners: Vec<At<String>>,
    /// `FailoverThreshold`; left out it is the number of nodes minus one.
    #[serde(rename = "FailoverThreshold")]
    pub(super) failover_threshold: Option<u32>,
    /// `FailoverPeriod`, in hours as Windows has it.
    #[serde(rename = "FailoverPeriod")]
    pub(super) failover_period: Option<At<u64>>,
    pub(super) resources: Vec<ResourceDocument>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResourceDocument {
    pub(super) name: At<String>,
    #[serde(rename = "type")]
    pub(super) kind: At<ResourceWord>,
    /// The address of an IP Address resource.
    pub(super) address: Option<At<String>>,
    /// The host name of a Network Name resource.
    pub(super) host: Option<At<String>>,
    #[serde(default)]
    pub(super) depends_on: Vec<At<String>>,
    pub(super) possible_owners: Option<Vec<At<String>>>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum ResourceWord {
    PhysicalDisk,
    IpAddress,
    NetworkName,
    SqlServer,
    SqlServerAgent,
    ScaleOutMaster,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkersDocument {
    /// The name of a single worker, or the beginning of the names of several.
    pub(super) name: At<String>,
    #[serde(default = "one")]
    pub(super) count: u32,
    /// `WorkerSettings.config`.
    pub(super) worker_settings: WorkerSettingsDocument,
    /// Certificates in LocalMachine\Root.
    pub(super) root: Vec<At<String>>,
    #[serde(default)]
    pub(super) state: EnabledWord,
    /// How long it waits before it connects again; left out it is the assumption `worker_retry`.
    pub(super) retry_interval: Option<Length>,
    /// How often it asks for a task.
    pub(super) task_request_interval: Option<Length>,
    /// How long it waits for an answer.
    pub(super) request_timeout: Option<Length>,
}

const fn one() -> u32 {
    1
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum EnabledWord {
    #[default]
    Enabled,
    Disabled,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct WorkerSettingsDocument {
    pub(super) master_endpoint: At<String>,
    pub(super) master_https_cert_thumbprint: At<String>,
    pub(super) agent_heartbeat_interval: Option<Length>,
    pub(super) task_heartbeat_interval: Option<Length>,
    pub(super) heartbeat_error_tollerance: Option<Length>,
    pub(super) lease_internval: Option<Length>,
    pub(super) max_task_count: Option<u16>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SpreadDocument {
    pub(super) least: Length,
    pub(super) mode: Length,
    pub(super) most: Length,
}

/// How long things take; what is left out takes as long as usual.
#[derive(Debug, Default, Deserialize)]
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
    pub(super) master_online: Option<At<SpreadDocument>>,
    pub(super) master_serves: Option<At<SpreadDocument>>,
    pub(super) sql_server_offline: Option<At<SpreadDocument>>,
    pub(super) offline: Option<At<SpreadDocument>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PromisesDocument {
    pub(super) workers_reconnect: Length,
}
