//! What do the harness and a session on a Windows host say to each other?
//!
//! One JSON object a line in both directions, ASCII with `\u` escapes. A request has an id, a verb, parameters as data
//! and a time limit in milliseconds. An answer begins with the marker that the handshake brought, followed by an object
//! with the id, `ok`, and flat values: string, integer, boolean, or a list of these. Moments are UTC ticks (100 ns
//! since 0001-01-01). States are Windows' own integers. Every other line that arrives is evidence, never an answer.

mod call;
mod change;
mod events;
mod fields;
mod lines;
mod part;
mod reply;
mod ssisdb;
mod surroundings;
mod windows;
mod work;
mod worker;

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

pub use call::Call;
pub use change::{ClusterChange, HostService, PowerChange};
pub use events::{CHANNELS, EventSight, EventsSight, channel_name};
pub use fields::{FieldError, Fields};
pub use lines::{LINE_LIMIT, Line, Lines};
pub use part::{
    ARMED, BLOCKED, DISABLED, ENABLED, FORCED, GOING, Part, RUNNING, STOPPED, SUSPENDED, Way, is_same_value,
};
pub use reply::{
    AddressSight, Answer, ClusterSight, ErrorRecord, GroupSight, Hello, LanguageMode, MachineSight,
    NetworkSight, NodeSight, Reply, ResourceSight, Ticks,
};
pub use ssisdb::{AgentSight, SsisdbSight};
pub use surroundings::{FOR_CLIENTS, ISCSI, InterfaceSight, Outside, SurroundingsSight};
pub use windows::{
    MachineState, SERVICE_RUNNING, SERVICE_START_PENDING, SERVICE_STOPPED, SOCKET_ESTABLISHED,
    SOCKET_SYN_SENT, group_state, machine_state, node_state, node_state_number, node_status,
    node_status_flags, resource_state, resource_state_number, role_state_number,
};
pub use work::{End, PackageRun, PackageSight, RefusedReport, TaskSight, WorkSight};
pub use worker::{LogEvent, LogLine, Resolution, SocketSight, WorkerSight};

/// The version of the protocol; the handshake refuses another one.
pub const PROTOCOL: i64 = 1;

/// The words of all verbs.
pub const VERBS: [&str; 37] = [
    "hello",
    "read_cluster",
    "read_worker",
    "read_power",
    "read_ssisdb",
    "read_master_certificate",
    "move_role",
    "power_off",
    "power_on",
    "replace_master_certificate",
    "stop_role",
    "start_role",
    "stop_resource",
    "start_resource",
    "pause_node",
    "drain_node",
    "resume_node",
    "stop_cluster_service",
    "start_cluster_service",
    "clear_quarantine",
    "force_quorum",
    "prevent_quorum",
    "kill_process",
    "freeze",
    "thaw",
    "fail_resource",
    "shut_down",
    "read_part",
    "write_part",
    "read_network",
    "read_surroundings",
    "reach",
    "read_maintenance",
    "read_events",
    "read_package",
    "start_executions",
    "stop_execution",
];

/// How many events one answer brings at most: with all their data it stays below [`LINE_LIMIT`].
pub const EVENTS_MOST: u32 = 100;

/// The word that begins every answer of one session.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Marker(String);

impl Marker {
    /// A marker that nobody writes by chance, made from whatever tells sessions apart.
    pub fn of(parts: &str) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, parts.as_bytes());
        let hex: String = digest.as_ref()[..12].iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("~{hex}~"))
    }

    /// A marker as it arrives: 8 to 64 printable ASCII characters without space, quote, brace or backslash.
    pub fn read(text: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '{' | '}');
        ((8..=64).contains(&text.len()) && text.chars().all(plain)).then(|| Self(text.to_owned()))
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Something that a session is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Counts the requests of a session, from 1; the answer repeats it.
    pub id: u64,
    /// How long the session may take.
    pub limit: Duration,
    /// What is asked.
    pub call: Call,
}

/// What is wrong with a line that should be a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A field is not as it should be.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// A word that is no verb.
    #[error("there is no verb `{0}`")]
    Verb(String),
    /// Another version of the protocol.
    #[error("protocol {0} is asked for, this is protocol {PROTOCOL}")]
    Protocol(i64),
    /// A marker that could be mistaken for something else.
    #[error("the marker is not 8 to 64 plain ASCII characters")]
    Marker,
}

impl Request {
    /// The request as a line, without its end.
    pub fn line(&self) -> String {
        let mut object = Map::new();
        object.insert("id".to_owned(), Value::from(self.id));
        object.insert("verb".to_owned(), Value::from(self.call.verb()));
        object.insert("limit_ms".to_owned(), Value::from(call::millis(self.limit)));
        object.insert("parameters".to_owned(), Value::Object(self.call.parameters().into_object()));
        fields::ascii(&Value::Object(object))
    }

    /// Reads a line.
    ///
    /// # Errors
    /// If it is not a request of this protocol.
    pub fn read(line: &str) -> Result<Self, RequestError> {
        let mut object = fields::object(line)?;
        let parameters = match object.remove("parameters") {
            Some(Value::Object(parameters)) => Fields::new(parameters)?,
            Some(_) => return Err(FieldError::wrong("parameters", "an object").into()),
            None => return Err(FieldError::Missing("parameters").into()),
        };
        let fields = Fields::new(object)?;
        let id = fields.natural("id")?;
        let limit = Duration::from_millis(fields.natural("limit_ms")?);
        let call = Call::read(fields.text("verb")?, &parameters)?;
        Ok(Self { id, limit, call })
    }
}

#[cfg(test)]
pub(super) mod tests;
