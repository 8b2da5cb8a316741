//! Which settings do the master and the workers read when their services start?
//!
//! Keys, units and defaults are documented in the pages on the Scale Out Master and Worker; a setting that no failover
//! depends on is not here.

use std::time::Duration;

use crate::names::HostId;
use crate::time::Span;

/// The keys of `MasterSettings.config` that matter to a failover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterSettings {
    /// `PortNumber`: the port that the service listens on. Default 8391 (documented).
    pub port: u16,
    /// `SqlServerName`: host of the SQL Server that holds SSISDB.
    pub sql_server: HostId,
    /// `MasterHeartbeatIntervalInMs`: how often it writes LAST_ONLINE_TIME. Default 30,000 ms (documented).
    pub heartbeat_interval: Duration,
    /// `DealWithExpiredTasksIntervalInMs`: how often it sweeps expired tasks. Default 300,000 ms (documented).
    pub sweep_interval: Duration,
    /// `SqlConnectionTimeoutInSecs`: how long it waits for a connection to SSISDB. Default 15 s (documented).
    pub sql_connection_timeout: Duration,
}

impl MasterSettings {
    /// The documented defaults, with SSISDB at this host.
    pub const fn with_sql_server(sql_server: HostId) -> Self {
        Self {
            port: 8391,
            sql_server,
            heartbeat_interval: Duration::from_millis(30_000),
            sweep_interval: Duration::from_millis(300_000),
            sql_connection_timeout: Duration::from_secs(15),
        }
    }
}

/// The keys of `WorkerSettings.config` that matter to a failover, and what is assumed of the worker's client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerSettings {
    /// Host of `MasterEndpoint`.
    pub endpoint_host: HostId,
    /// Port of `MasterEndpoint`.
    pub endpoint_port: u16,
    /// `AgentHeartbeatInterval`. Default one minute (documented).
    pub agent_heartbeat_interval: Span,
    /// `TaskHeartbeatInterval`: how often it reports on each task. Default 10 s (documented).
    pub task_heartbeat_interval: Span,
    /// `HeartbeatErrorTollerance`: how old the last good report on a task may be when a report is answered with an
    /// error. Default ten minutes (documented).
    pub heartbeat_error_tolerance: Span,
    /// `LeaseInternval`: how long a report holds the task. Default one minute (documented).
    pub lease_interval: Span,
    /// `MaxTaskCount`: how many tasks it holds at once. Default 10 (documented).
    pub max_task_count: u16,
    /// How often it asks for a task. Not documented: 5 s is inferred.
    pub task_request_interval: Span,
    /// How long it waits for an answer, where the topology says so; otherwise the assumption `request_timeout`.
    pub request_timeout: Option<Span>,
    /// How long it waits for a connection: Windows gives up after three SYN packets, 3 + 6 + 12 s (documented for
    /// Windows 7 and 2008 R2).
    pub connect_timeout: Span,
    /// How long it waits before it connects again, where the topology says so; otherwise the assumption `worker_retry`.
    pub retry_interval: Option<Span>,
}

impl WorkerSettings {
    /// The documented defaults, with the master at this host and port.
    pub const fn with_endpoint(endpoint_host: HostId, endpoint_port: u16) -> Self {
        Self {
            endpoint_host,
            endpoint_port,
            agent_heartbeat_interval: Span::from_secs(60),
            task_heartbeat_interval: Span::from_secs(10),
            heartbeat_error_tolerance: Span::from_secs(600),
            lease_interval: Span::from_secs(60),
            max_task_count: 10,
            task_request_interval: Span::from_secs(5),
            request_timeout: None,
            connect_timeout: Span::from_secs(21),
            retry_interval: None,
        }
    }
}
