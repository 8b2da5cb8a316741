//! What do the harness and a session on a Windows host say to each other?
//!
//! One JSON object a line in both directions, ASCII with `\u` escapes. A request has an id, a verb, parameters as data
//! and a time limit in milliseconds. An answer begins with the marker that the handshake brought, followed by an object
//! with the id, `ok`, and flat values: string, integer, boolean, or a list of these. Moments are UTC ticks (100 ns
//! since 0001-01-01). States are Windows' own integers. Every other line that arrives is evidence, never an answer.

mod fields;
mod lines;
mod reply;
mod ssisdb;
mod windows;
mod worker;

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

pub use fields::{FieldError, Fields};
pub use lines::{LINE_LIMIT, Line, Lines};
pub use reply::{
    Answer, ClusterSight, ErrorRecord, GroupSight, Hello, LanguageMode, MachineSight, NodeSight, Reply,
    ResourceSight, Ticks,
};
pub use ssisdb::{AgentSight, SsisdbSight};
pub use windows::{
    MachineState, SERVICE_RUNNING, SERVICE_START_PENDING, SERVICE_STOPPED, SOCKET_ESTABLISHED,
    SOCKET_SYN_SENT, group_state, machine_state, node_state, node_state_number, node_status,
    node_status_flags, resource_state, resource_state_number, role_state_number,
};
pub use worker::{LogEvent, LogLine, Resolution, SocketSight, WorkerSight};

/// The version of the protocol; the handshake refuses another one.
pub const PROTOCOL: i64 = 1;

/// The words of all verbs.
pub const VERBS: [&str; 20] = [
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
    "kill_process",
];

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

/// A verb with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// The handshake, always first: what the host is, and the marker of all answers.
    Hello {
        /// What every answer begins with.
        marker: Marker,
    },
    /// On a node: nodes, groups and resources as `Get-Cluster*` show them there.
    ReadCluster,
    /// On a worker: endpoint in force, socket, last line of its log.
    ReadWorker,
    /// At whoever controls the machines: their power states.
    ReadPower {
        /// Names of the nodes.
        nodes: Vec<String>,
    },
    /// Where there are network credentials, or on the owner node of SQL Server: the master's properties and the workers.
    ReadSsisdb {
        /// The instance that holds SSISDB: network name, or network name and instance.
        server: String,
    },
    /// On a node: the certificate of the master's binding.
    ReadMasterCertificate,
    /// On a node: `Move-ClusterGroup -Wait 0`.
    MoveRole {
        /// The group.
        group: String,
        /// The node that it goes to.
        node: String,
    },
    /// At whoever controls the machines: the lab's hook that takes a node's power away.
    PowerOff {
        /// Which node.
        node: String,
    },
    /// At whoever controls the machines: the lab's hook that gives it back.
    PowerOn {
        /// Which node.
        node: String,
    },
    /// On a node: a cmdlet that changes one object of the cluster.
    ChangeCluster {
        /// Which one.
        change: ClusterChange,
        /// The name of the role, resource or node.
        name: String,
    },
    /// On a node: the process of a service ends without a word.
    KillProcess {
        /// Whose.
        process: ServiceProcess,
    },
    /// On a node: another certificate for the master, in binding, settings and Root store.
    ReplaceMasterCertificate {
        /// SHA-1 thumbprint of a certificate in the node's LocalMachine\My.
        thumbprint: String,
    },
}

/// A service whose process can be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceProcess {
    /// `ClusSvc`, the cluster service.
    ClusterService,
    /// `SSISScaleOutMaster` and a version.
    Master,
}

impl ServiceProcess {
    /// Both.
    pub const ALL: [Self; 2] = [Self::ClusterService, Self::Master];

    /// How the name of the service begins.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClusterService => "ClusSvc",
            Self::Master => "SSISScaleOutMaster",
        }
    }
}

/// A change of one object of the cluster. All of them come back at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterChange {
    /// `Stop-ClusterGroup -Wait 0`.
    StopRole,
    /// `Start-ClusterGroup -Wait 0`.
    StartRole,
    /// `Stop-ClusterResource -Wait 0`.
    StopResource,
    /// `Start-ClusterResource -Wait 0`.
    StartResource,
    /// `Suspend-ClusterNode`.
    PauseNode,
    /// `Suspend-ClusterNode -Drain`.
    DrainNode,
    /// `Resume-ClusterNode -Failback NoFailback`.
    ResumeNode,
    /// `Stop-ClusterNode -Wait 0`.
    StopClusterService,
    /// `Start-ClusterNode -Wait 0`.
    StartClusterService,
}

impl ClusterChange {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::StopRole,
        Self::StartRole,
        Self::StopResource,
        Self::StartResource,
        Self::PauseNode,
        Self::DrainNode,
        Self::ResumeNode,
        Self::StopClusterService,
        Self::StartClusterService,
    ];

    /// The word of its verb.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::StopRole => "stop_role",
            Self::StartRole => "start_role",
            Self::StopResource => "stop_resource",
            Self::StartResource => "start_resource",
            Self::PauseNode => "pause_node",
            Self::DrainNode => "drain_node",
            Self::ResumeNode => "resume_node",
            Self::StopClusterService => "stop_cluster_service",
            Self::StartClusterService => "start_cluster_service",
        }
    }
}

impl Call {
    /// The word of the verb.
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "hello",
            Self::ReadCluster => "read_cluster",
            Self::ReadWorker => "read_worker",
            Self::ReadPower { .. } => "read_power",
            Self::ReadSsisdb { .. } => "read_ssisdb",
            Self::ReadMasterCertificate => "read_master_certificate",
            Self::MoveRole { .. } => "move_role",
            Self::PowerOff { .. } => "power_off",
            Self::PowerOn { .. } => "power_on",
            Self::ChangeCluster { change, .. } => change.verb(),
            Self::KillProcess { .. } => "kill_process",
            Self::ReplaceMasterCertificate { .. } => "replace_master_certificate",
        }
    }

    fn parameters(&self) -> Fields {
        let fields = Fields::default();
        match self {
            Self::Hello { marker } => fields.with("marker", marker.text()).with("protocol", PROTOCOL),
            Self::ReadCluster | Self::ReadWorker | Self::ReadMasterCertificate => fields,
            Self::ReadPower { nodes } => fields.with_list("nodes", nodes.iter().map(String::as_str)),
            Self::ReadSsisdb { server } => fields.with("server", server.as_str()),
            Self::MoveRole { group, node } => {
                fields.with("group", group.as_str()).with("node", node.as_str())
            }
            Self::ChangeCluster { name, .. } => fields.with("name", name.as_str()),
            Self::KillProcess { process } => fields.with("service", process.name()),
            Self::PowerOff { node } | Self::PowerOn { node } => fields.with("node", node.as_str()),
            Self::ReplaceMasterCertificate { thumbprint } => fields.with("thumbprint", thumbprint.as_str()),
        }
    }

    fn read(verb: &str, fields: &Fields) -> Result<Self, RequestError> {
        Ok(match verb {
            "hello" => {
                let protocol = fields.integer("protocol")?;
                if protocol != PROTOCOL {
                    return Err(RequestError::Protocol(protocol));
                }
                Self::Hello { marker: Marker::read(fields.text("marker")?).ok_or(RequestError::Marker)? }
            }
            "read_cluster" => Self::ReadCluster,
            "read_worker" => Self::ReadWorker,
            "read_power" => Self::ReadPower { nodes: fields.texts("nodes")? },
            "read_ssisdb" => Self::ReadSsisdb { server: fields.text("server")?.to_owned() },
            "read_master_certificate" => Self::ReadMasterCertificate,
            "move_role" => Self::MoveRole {
                group: fields.text("group")?.to_owned(),
                node: fields.text("node")?.to_owned(),
            },
            "power_off" => Self::PowerOff { node: fields.text("node")?.to_owned() },
            "power_on" => Self::PowerOn { node: fields.text("node")?.to_owned() },
            "kill_process" => {
                let name = fields.text("service")?;
                let found = ServiceProcess::ALL.into_iter().find(|process| process.name() == name);
                let process = found.ok_or(FieldError::wrong("service", "ClusSvc or SSISScaleOutMaster"))?;
                Self::KillProcess { process }
            }
            "replace_master_certificate" => {
                Self::ReplaceMasterCertificate { thumbprint: fields.text("thumbprint")?.to_owned() }
            }
            other => {
                let change = ClusterChange::ALL.into_iter().find(|change| change.verb() == other);
                let change = change.ok_or_else(|| RequestError::Verb(other.to_owned()))?;
                Self::ChangeCluster { change, name: fields.text("name")?.to_owned() }
            }
        })
    }
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
        object.insert(
            "limit_ms".to_owned(),
            Value::from(u64::try_from(self.limit.as_millis()).unwrap_or(u64::MAX)),
        );
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
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(in crate::backend::lab) fn calls() -> impl Strategy<Value = Call> {
        let text = || any::<String>();
        prop_oneof![
            Just(Call::ReadCluster),
            Just(Call::ReadWorker),
            Just(Call::ReadMasterCertificate),
            Just(Call::Hello { marker: Marker::of("a") }),
            proptest::collection::vec(text(), 0..4).prop_map(|nodes| Call::ReadPower { nodes }),
            (text(), text()).prop_map(|(group, node)| Call::MoveRole { group, node }),
            text().prop_map(|server| Call::ReadSsisdb { server }),
            text().prop_map(|node| Call::PowerOff { node }),
            (0..ClusterChange::ALL.len(), text())
                .prop_map(|(index, name)| Call::ChangeCluster { change: ClusterChange::ALL[index], name }),
            text().prop_map(|node| Call::PowerOn { node }),
            (0..2_usize).prop_map(|index| Call::KillProcess { process: ServiceProcess::ALL[index] }),
            text().prop_map(|thumbprint| Call::ReplaceMasterCertificate { thumbprint }),
        ]
    }

    proptest! {
        #[test]
        fn parameters_travel_as_data(call in calls(), id in 0_u64..i64::MAX as u64, limit in 0_u64..1 << 40) {
            let request = Request { id, limit: Duration::from_millis(limit), call };
            prop_assert!(VERBS.contains(&request.call.verb()));
            let line = request.line();
            prop_assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
            prop_assert_eq!(Request::read(&line), Ok(request));
        }

        #[test]
        fn whatever_arrives_is_read_or_refused(line in any::<String>()) {
            let _ = Request::read(&line);
        }
    }

    #[test]
    fn hostile_names_stay_names() {
        let group = "'; Stop-Cluster -Force; '$(whoami)`n\u{2019}\r\n\u{1f600}";
        let call = Call::MoveRole { group: group.to_owned(), node: "\"NODE1\"".to_owned() };
        let request = Request { id: 1, limit: Duration::from_secs(1), call };
        assert_eq!(request.line().lines().count(), 1);
        assert_eq!(Request::read(&request.line()), Ok(request));
    }

    #[test]
    fn another_protocol_is_refused() {
        let line =
            r#"{"id":1,"verb":"hello","limit_ms":5,"parameters":{"marker":"~abcdefgh~","protocol":2}}"#;
        assert_eq!(Request::read(line), Err(RequestError::Protocol(2)));
        let line = r#"{"id":1,"verb":"format_disk","limit_ms":5,"parameters":{}}"#;
        assert_eq!(Request::read(line), Err(RequestError::Verb("format_disk".to_owned())));
    }
}
