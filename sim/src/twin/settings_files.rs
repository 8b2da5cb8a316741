//! What stands in a machine's `MasterSettings.config` and `WorkerSettings.config`?
//!
//! The keys and their units are those of Microsoft's pages on the Scale Out Master and Worker (documented), in the
//! spelling of the first edition of the pages, which shipped files most likely keep (inferred). That the files are JSON
//! with flat keys is inferred from the doubled backslash in the page's example. Keys that the model does not have are
//! left out.

use std::time::Duration;

use serde_json::{Value, json};

use crate::names::WorkerId;
use crate::scaleout::{MasterSettings, WorkerSettings};
use crate::trust::Thumbprint;

/// The text of `MasterSettings.config`.
pub(crate) fn master(
    settings: &MasterSettings,
    port: u16,
    certificate: Option<Thumbprint>,
    sql_server: &str,
) -> String {
    text(&json!({
        "PortNumber": port,
        "SSLCertThumbprint": thumbprint(certificate),
        "SqlServerName": sql_server,
        "DealWithExpiredTasksIntervalInMs": millis(settings.sweep_interval),
        "MasterHeartbeatIntervalInMs": millis(settings.heartbeat_interval),
        "SqlConnectionTimeoutInSecs": settings.sql_connection_timeout.as_secs(),
    }))
}

/// The text of `WorkerSettings.config` of a worker whose endpoint has this host name.
pub(crate) fn worker(
    worker: WorkerId,
    settings: &WorkerSettings,
    host: &str,
    pin: Option<Thumbprint>,
    own: Option<Thumbprint>,
) -> String {
    text(&json!({
        "MasterEndpoint": format!("https://{host}:{}", settings.endpoint_port),
        "MasterHttpsCertThumbprint": thumbprint(pin),
        "WorkerHttpsCertThumbprint": thumbprint(own),
        "StoreLocation": "LocalMachine",
        "StoreName": "My",
        "AgentHeartbeatInterval": time_span(settings.agent_heartbeat_interval),
        "TaskHeartbeatInterval": time_span(settings.task_heartbeat_interval),
        "HeartbeatErrorTollerance": time_span(settings.heartbeat_error_tolerance),
        "MaxTaskCount": settings.max_task_count,
        "LeaseInternval": time_span(settings.lease_interval),
        "AgentId": format!("00000000-0000-4000-8000-{:012x}", worker.0 + 1),
    }))
}

fn text(settings: &Value) -> String {
    format!("{settings:#}\n")
}

/// As Windows' certificate dialog shows it, without its spaces; empty if there is none.
fn thumbprint(certificate: Option<Thumbprint>) -> String {
    certificate.map(|thumbprint| thumbprint.to_string().to_uppercase()).unwrap_or_default()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A time span as .NET writes it: `[d.]hh:mm:ss[.fffffff]`.
fn time_span(time: Duration) -> String {
    let secs = time.as_secs();
    let (days, hours, minutes) = (secs / 86_400, secs / 3_600 % 24, secs / 60 % 60);
    let days = if days > 0 { format!("{days}.") } else { String::new() };
    let ticks = time.subsec_nanos() / 100;
    let fraction = if ticks > 0 { format!(".{ticks:07}") } else { String::new() };
    format!("{days}{hours:02}:{minutes:02}:{:02}{fraction}", secs % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_spans_are_those_of_dot_net() {
        let spans =
            [10_000, 60_000, 600_000, 86_400_000 * 7, 1_500].map(Duration::from_millis).map(time_span);
        assert_eq!(spans, ["00:00:10", "00:01:00", "00:10:00", "7.00:00:00", "00:00:01.5000000"]);
    }
}
