//! What stands in a machine's `MasterSettings.config` and `WorkerSettings.config`?
//!
//! The keys and their units are those of Microsoft's pages on the Scale Out Master and Worker (documented), in the
//! spelling of the first edition of the pages, which shipped files most likely keep (inferred). That the files are JSON
//! with flat keys is inferred from the doubled backslash in the page's example. Keys that the model does not have are
//! left out when they are written, and left alone when they are there.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::names::{HostId, WorkerId};
use crate::scaleout::{MasterSettings, WorkerSettings};
use crate::settings_file::{
    Key, MASTER, Setting, Settings, SettingsError, WORKER, decode, endpoint, read, sql_host,
};
use crate::trust::Thumbprint;

/// What a `WorkerSettings.config` says.
pub(crate) struct WorkerFile {
    pub(crate) settings: WorkerSettings,
    /// `MasterHttpsCertThumbprint`; `None` if it is none.
    pub(crate) pin: Option<Thumbprint>,
    /// `WorkerHttpsCertThumbprint`; `None` if it is none.
    pub(crate) own: Option<Thumbprint>,
}

/// The text of `MasterSettings.config`; what else stood in it before stays.
pub(crate) fn master(
    before: &[u8],
    settings: &MasterSettings,
    certificate: Option<Thumbprint>,
    sql_server: &str,
) -> String {
    text(
        before,
        json!({
            "PortNumber": settings.port,
            "SSLCertThumbprint": thumbprint(certificate),
            "SqlServerName": sql_server,
            "DealWithExpiredTasksIntervalInMs": millis(settings.sweep_interval),
            "MasterHeartbeatIntervalInMs": millis(settings.heartbeat_interval),
            "SqlConnectionTimeoutInSecs": settings.sql_connection_timeout.as_secs(),
        }),
    )
}

/// The text of `WorkerSettings.config` of a worker whose endpoint has this host name; what else stood in it before stays.
pub(crate) fn worker(
    before: &[u8],
    worker: WorkerId,
    settings: &WorkerSettings,
    host: &str,
    pin: Option<Thumbprint>,
    own: Option<Thumbprint>,
) -> String {
    text(
        before,
        json!({
            "MasterEndpoint": format!("https://{host}:{}", settings.endpoint_port),
            "MasterHttpsCertThumbprint": thumbprint(pin),
            "WorkerHttpsCertThumbprint": thumbprint(own),
            "StoreLocation": "LocalMachine",
            "StoreName": "My",
            "AgentHeartbeatInterval": time_span(settings.agent_heartbeat_interval.into()),
            "TaskHeartbeatInterval": time_span(settings.task_heartbeat_interval.into()),
            "HeartbeatErrorTollerance": time_span(settings.heartbeat_error_tolerance.into()),
            "MaxTaskCount": settings.max_task_count,
            "LeaseInternval": time_span(settings.lease_interval.into()),
            "AgentId": format!("00000000-0000-4000-8000-{:012x}", worker.0 + 1),
        }),
    )
}

/// What a `MasterSettings.config` says; what it leaves out has its documented default.
///
/// `host` finds a host of the topology by its name, `node` is the name of the machine itself.
///
/// # Errors
/// What of it cannot be read, or names a host that nobody knows.
pub(crate) fn read_master(
    file: &str,
    bytes: &[u8],
    node: &str,
    host: impl Fn(&str) -> Option<HostId>,
) -> Result<MasterSettings, SettingsError> {
    let read = read_file(file, bytes, MASTER)?;
    let name = needed(file, &read, "SqlServerName")?;
    let server = host(sql_host(name, node)).ok_or_else(|| unknown_host(file, "SqlServerName", name))?;
    let mut settings = MasterSettings::with_sql_server(server);
    for (key, value) in &read.set {
        match (*key, value) {
            ("PortNumber", Setting::Whole(port)) => settings.port = u16::try_from(*port).unwrap_or_default(),
            ("DealWithExpiredTasksIntervalInMs", Setting::Whole(time)) => {
                settings.sweep_interval = Duration::from_millis(*time);
            }
            ("MasterHeartbeatIntervalInMs", Setting::Whole(time)) => {
                settings.heartbeat_interval = Duration::from_millis(*time);
            }
            ("SqlConnectionTimeoutInSecs", Setting::Whole(time)) => {
                settings.sql_connection_timeout = Duration::from_secs(*time);
            }
            _ => {}
        }
    }
    Ok(settings)
}

/// What a `WorkerSettings.config` says; what it leaves out has its documented default. What is assumed of the worker's
/// client stays as `before`.
///
/// # Errors
/// What of it cannot be read, or names a host that nobody knows.
pub(crate) fn read_worker(
    file: &str,
    bytes: &[u8],
    before: &WorkerSettings,
    host: impl Fn(&str) -> Option<HostId>,
) -> Result<WorkerFile, SettingsError> {
    let read = read_file(file, bytes, WORKER)?;
    let text = needed(file, &read, "MasterEndpoint")?;
    let (name, port) = endpoint(text).ok_or_else(|| SettingsError::Value {
        file: file.to_owned(),
        key: "MasterEndpoint".to_owned(),
        value: text.to_owned(),
        expected: "`https://HOST:PORT`".to_owned(),
    })?;
    let name = host(name).ok_or_else(|| unknown_host(file, "MasterEndpoint", name))?;
    let mut settings = WorkerSettings {
        task_request_interval: before.task_request_interval,
        request_timeout: before.request_timeout,
        connect_timeout: before.connect_timeout,
        retry_interval: before.retry_interval,
        ..WorkerSettings::with_endpoint(name, port)
    };
    for (key, value) in &read.set {
        match (*key, value) {
            ("AgentHeartbeatInterval", Setting::Time(time)) => {
                settings.agent_heartbeat_interval = (*time).into()
            }
            ("TaskHeartbeatInterval", Setting::Time(time)) => {
                settings.task_heartbeat_interval = (*time).into()
            }
            ("HeartbeatErrorTollerance", Setting::Time(time)) => {
                settings.heartbeat_error_tolerance = (*time).into()
            }
            ("LeaseInternval", Setting::Time(time)) => settings.lease_interval = (*time).into(),
            ("MaxTaskCount", Setting::Whole(count)) => {
                settings.max_task_count = u16::try_from(*count).unwrap_or(u16::MAX);
            }
            _ => {}
        }
    }
    let thumbprint = |key| read.text(key).and_then(|text| text.parse().ok());
    let (pin, own) = (thumbprint("MasterHttpsCertThumbprint"), thumbprint("WorkerHttpsCertThumbprint"));
    Ok(WorkerFile { settings, pin, own })
}

/// A file without a wrong value. What is merely not known, a service does not look at.
fn read_file(file: &str, bytes: &[u8], keys: &[Key]) -> Result<Settings, SettingsError> {
    let read = read(file, &decode(file, bytes)?, keys)?;
    let is_harmless = |error: &&SettingsError| matches!(error, SettingsError::Spelling { .. });
    match read.wrong.iter().find(|error| !is_harmless(error)) {
        Some(wrong) => Err(wrong.clone()),
        None => Ok(read),
    }
}

fn needed<'s>(file: &str, read: &'s Settings, key: &'static str) -> Result<&'s str, SettingsError> {
    read.text(key).ok_or_else(|| SettingsError::Missing { file: file.to_owned(), key })
}

fn unknown_host(file: &str, key: &str, value: &str) -> SettingsError {
    SettingsError::Value {
        file: file.to_owned(),
        key: key.to_owned(),
        value: value.to_owned(),
        expected: "a host of the topology".to_owned(),
    }
}

/// A file with these settings. A thumbprint that is empty leaves alone what was there: nothing here has it.
fn text(before: &[u8], settings: Value) -> String {
    let before = decode("", before).ok().and_then(|text| serde_json::from_str(&text).ok());
    let mut file: Map<String, Value> = before.unwrap_or_default();
    let Value::Object(settings) = settings else { return String::new() };
    for (key, value) in settings {
        if value != "" || !file.contains_key(&key) {
            file.insert(key, value);
        }
    }
    format!("{:#}\n", Value::Object(file))
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
    use crate::time::Span;

    const HOST: HostId = HostId(3);

    fn host(name: &str) -> Option<HostId> {
        name.eq_ignore_ascii_case("sqlfci").then_some(HOST)
    }

    #[test]
    fn what_is_written_is_read_again_as_it_was() {
        let master_settings = MasterSettings { port: 9_000, ..MasterSettings::with_sql_server(HOST) };
        let written = master(b"", &master_settings, None, "SQLFCI");
        assert_eq!(read_master("M", written.as_bytes(), "NODE1", host), Ok(master_settings));
        let pin = Thumbprint([7; 20]);
        let mut settings = WorkerSettings::with_endpoint(HOST, 8391);
        settings.lease_interval = Span::from_micros(61_500_000);
        settings.retry_interval = Some(Span::from_secs(2));
        let written = worker(b"", WorkerId(0), &settings, "sqlfci", Some(pin), None);
        let read = read_worker("W", written.as_bytes(), &settings, host).expect("it was written");
        assert_eq!((read.settings, read.pin, read.own), (settings, Some(pin), None));
    }

    #[test]
    fn what_somebody_else_wrote_stays() {
        let before = br#"{ "TasksRootFolder": "D:\\Tasks", "MasterHttpsCertThumbprint": "00" }"#;
        let settings = WorkerSettings::with_endpoint(HOST, 8391);
        let text = worker(before, WorkerId(0), &settings, "sqlfci", None, None);
        let read = read_file("W", text.as_bytes(), WORKER).expect("it was written");
        let said = |key| read.text(key).expect("it is there");
        assert_eq!((said("TasksRootFolder"), said("MasterHttpsCertThumbprint")), (r"D:\Tasks", "00"));
    }

    #[test]
    fn a_host_that_nobody_knows_is_refused_by_name() {
        let text = r#"{ "MasterEndpoint": "https://sqlfcl:8391" }"#;
        let settings = WorkerSettings::with_endpoint(HOST, 8391);
        let error = read_worker("W", text.as_bytes(), &settings, host).err().expect("nobody has this name");
        assert_eq!(error.to_string(), "`W`: `MasterEndpoint` is `sqlfcl`, expected a host of the topology");
        let missing = read_master("M", b"{}", "NODE1", host).expect_err("no server");
        assert_eq!(missing.to_string(), "`M` has no `SqlServerName`");
    }

    #[test]
    fn time_spans_are_those_of_dot_net() {
        let spans =
            [10_000, 60_000, 600_000, 86_400_000 * 7, 1_500].map(Duration::from_millis).map(time_span);
        assert_eq!(spans, ["00:00:10", "00:01:00", "00:10:00", "7.00:00:00", "00:00:01.5000000"]);
    }
}
