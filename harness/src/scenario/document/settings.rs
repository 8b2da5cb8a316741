//! What can be set on a cluster, on workers and on a node?

use failover_sim::cluster::ResiliencyLevel;
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::length::Length;
use super::super::read::At;
use super::super::schema::NodeText;
use super::clause::WhichWord;

/// Properties of the cluster, by Windows' names.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(in crate::scenario) struct SetCluster {
    /// Time between two heartbeats on one subnet: 250ms to 2s.
    pub(in crate::scenario) same_subnet_delay: Option<At<Length>>,
    /// How many missed heartbeats take a node of the same subnet out: 3 to 120.
    pub(in crate::scenario) same_subnet_threshold: Option<At<u32>>,
    /// Time between two heartbeats across subnets: 250ms to 4s.
    pub(in crate::scenario) cross_subnet_delay: Option<At<Length>>,
    /// How many missed heartbeats take a node of another subnet out: 3 to 120.
    pub(in crate::scenario) cross_subnet_threshold: Option<At<u32>>,
    /// How many losses of membership within an hour keep a node out; 0 for never.
    pub(in crate::scenario) quarantine_threshold: Option<At<u32>>,
    /// How long a node is kept out.
    pub(in crate::scenario) quarantine_duration: Option<At<Length>>,
    /// Which nodes that fall silent are isolated.
    pub(in crate::scenario) resiliency_level: Option<At<ResiliencyLevelWord>>,
    /// How long they are; 0s for never.
    pub(in crate::scenario) resiliency_default_period: Option<At<Length>>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub(in crate::scenario) enum ResiliencyLevelWord {
    /// None that merely falls silent.
    IsolateOnSpecialHeartbeat,
    /// All.
    AlwaysIsolate,
}

impl From<ResiliencyLevelWord> for ResiliencyLevel {
    fn from(word: ResiliencyLevelWord) -> Self {
        match word {
            ResiliencyLevelWord::IsolateOnSpecialHeartbeat => Self::IsolateOnSpecialHeartbeat,
            ResiliencyLevelWord::AlwaysIsolate => Self::AlwaysIsolate,
        }
    }
}

/// Settings of workers, by SSIS' names.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 2))]
pub(in crate::scenario) struct SetWorkers {
    /// Which workers: `every`.
    #[serde(rename = "which")]
    pub(in crate::scenario) which: At<WhichWord>,
    /// How many tasks a worker holds at once.
    pub(in crate::scenario) max_task_count: Option<At<u16>>,
    /// How often a worker says that it is alive.
    pub(in crate::scenario) agent_heartbeat_interval: Option<At<Length>>,
    /// How often a worker reports on each of its tasks.
    pub(in crate::scenario) task_heartbeat_interval: Option<At<Length>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 2))]
pub(in crate::scenario) struct ChangeNode {
    /// Which node.
    #[schemars(with = "NodeText")]
    pub(in crate::scenario) node: At<String>,
    /// Whether HTTP.SYS has a certificate for the master's port. New connections meet it.
    pub(in crate::scenario) https_binding: Option<PresentWord>,
    /// Whether the master certificate has its private key. New connections meet it.
    pub(in crate::scenario) private_key: Option<PresentWord>,
    /// Whether LocalMachine\Root has the workers' certificates. New connections meet it.
    pub(in crate::scenario) worker_certificates: Option<PresentWord>,
    /// Whether LocalMachine\Root has self-signed certificates alone. New connections meet it.
    pub(in crate::scenario) root_store: Option<RootWord>,
    /// Whether the firewall lets clients through to the master's port.
    pub(in crate::scenario) master_port: Option<PortWord>,
    /// Whether the service that the master's resource names is installed. A start needs it.
    pub(in crate::scenario) master_service: Option<InstalledWord>,
    /// Whether SQL Server lets the master's service account in.
    pub(in crate::scenario) sql_login: Option<LoginWord>,
    /// `PortNumber` of `MasterSettings.config`, which the master reads when it starts.
    #[serde(rename = "PortNumber")]
    pub(in crate::scenario) port_number: Option<u16>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(in crate::scenario) enum PresentWord {
    Present,
    Missing,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(in crate::scenario) enum RootWord {
    /// Self-signed certificates alone.
    Clean,
    /// Others among them, or more than a list of issuers can hold.
    Junk,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(in crate::scenario) enum PortWord {
    Open,
    Blocked,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(in crate::scenario) enum InstalledWord {
    Installed,
    /// It was never installed, or an upgrade gave it another name.
    NotInstalled,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(in crate::scenario) enum LoginWord {
    Accepted,
    /// Error 18456 in the log of SQL Server.
    Refused,
}
