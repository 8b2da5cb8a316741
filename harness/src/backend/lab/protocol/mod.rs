//! What do the harness and a session on a Windows host say to each other?
//!
//! One JSON object a line in both directions, ASCII with `\u` escapes. A request has an id, a verb, parameters as data
//! and a time limit in milliseconds. An answer begins with the marker that the handshake brought, followed by an object
//! with the id, `ok`, and flat values: string, integer, boolean, or a list of these. Moments are UTC ticks (100 ns
//! since 0001-01-01). States are Windows' own integers. Every other line that arrives is evidence, never an answer.

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

use failover_sim::observe::Channel;
use serde_json::{Map, Value};

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

/// A verb with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// The handshake, always first: what the host is, and the marker of all answers.
    Hello {
        /// What every answer begins with.
        marker: Marker,
        /// What the host's own event log is to name as the reason of changes, where there will be some.
        run: Option<String>,
    },
    /// On a node: nodes, groups and resources as `Get-Cluster*` show them there.
    ReadCluster,
    /// On a worker: endpoint in force, socket, last line of its log.
    ReadWorker {
        /// The first execution whose packages are of interest, if any are.
        work_from: Option<i64>,
    },
    /// At whoever controls the machines: their power states.
    ReadPower {
        /// Names of the nodes.
        nodes: Vec<String>,
    },
    /// Where there are network credentials, or on the owner node of SQL Server: the master's properties and the workers.
    ReadSsisdb {
        /// The instance that holds SSISDB: network name, or network name and instance.
        server: String,
        /// The first execution whose task is of interest, if any is.
        work_from: Option<i64>,
    },
    /// As [`Call::ReadSsisdb`]: whether the supplied package is deployed, and what is needed to see what becomes of it.
    ReadPackage {
        /// As there.
        server: String,
    },
    /// As [`Call::ReadSsisdb`]: creates and starts executions of the supplied package.
    StartExecutions {
        /// As there.
        server: String,
        /// How long each package runs.
        seconds: u32,
        /// `@retry_count`.
        retry_count: u8,
        /// For each execution the machine that alone may run it; empty for any worker.
        workers: Vec<String>,
    },
    /// As [`Call::ReadSsisdb`]: `catalog.stop_operation`.
    StopExecution {
        /// As there.
        server: String,
        /// Which one.
        execution: i64,
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
    /// At whoever controls the machines: a node's machine loses its power, stands still, or goes on.
    ChangePower {
        /// How.
        change: PowerChange,
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
    /// On a node or a worker: the process of a service ends without a word.
    KillProcess {
        /// Whose.
        process: HostService,
    },
    /// On a node: `Stop-Computer`.
    ShutDown,
    /// On a node or a worker: the value of a part.
    ReadPart {
        /// Which one.
        part: Part,
    },
    /// On a node or a worker: another value for a part.
    WritePart {
        /// Which one.
        part: Part,
        /// The value.
        value: Vec<String>,
    },
    /// On a node: the addresses of all nodes, and those that this one reaches its storage under.
    ReadNetwork,
    /// On a node: what Windows is at that a fault would disturb.
    ReadMaintenance,
    /// On a node or a worker: what it rests on, and where its roles are reached.
    ReadSurroundings,
    /// On a node or a worker: whether each of these addresses answers an echo request, or an attempt to connect.
    Reach {
        /// The addresses.
        addresses: Vec<String>,
        /// The TCP port to connect to; an echo request without it.
        port: Option<u16>,
    },
    /// On a node: another certificate for the master, in binding, settings and Root store.
    ReplaceMasterCertificate {
        /// SHA-1 thumbprint of a certificate in the node's LocalMachine\My.
        thumbprint: String,
    },
    /// On a node: what the cluster has written into its event log.
    ReadEvents {
        /// Into which one.
        channel: Channel,
        /// Only records with a greater number than this.
        after: i64,
        /// Only what is not older than this by the clock of the host, in whole milliseconds.
        within: Option<Duration>,
        /// At most so many, the oldest first.
        most: u32,
    },
}

/// A service on a host of a lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostService {
    /// The cluster service.
    ClusterService,
    /// The Scale Out Master.
    Master,
    /// The instance of SQL Server that the cluster has as a resource.
    SqlServer,
    /// The Scale Out Worker.
    Worker,
}

impl HostService {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ClusterService, Self::Master, Self::SqlServer, Self::Worker];

    /// How the name of the service begins; for SQL Server a word, since its service is named after the instance.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClusterService => "ClusSvc",
            Self::Master => "SSISScaleOutMaster",
            Self::SqlServer => "SqlServer",
            Self::Worker => "SSISScaleOutWorker",
        }
    }

    /// The service with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.name() == name)
    }
}

/// What can be done to the machine of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerChange {
    /// `Stop-VM -TurnOff`.
    Off,
    /// `Start-VM`.
    On,
    /// `Suspend-VM`.
    Freeze,
    /// `Resume-VM`.
    Thaw,
}

impl PowerChange {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Off, Self::On, Self::Freeze, Self::Thaw];

    /// The word of its verb.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Off => "power_off",
            Self::On => "power_on",
            Self::Freeze => "freeze",
            Self::Thaw => "thaw",
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
    /// `Start-ClusterNode -ClearQuarantine -Wait 0`.
    ClearQuarantine,
    /// On the node itself: its cluster service starts with `/fq`.
    ForceQuorum,
    /// On the node itself: its cluster service starts with `/pq`.
    PreventQuorum,
    /// `Test-ClusterResourceFailure`.
    FailResource,
}

impl ClusterChange {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::StopRole,
        Self::StartRole,
        Self::StopResource,
        Self::StartResource,
        Self::PauseNode,
        Self::DrainNode,
        Self::ResumeNode,
        Self::StopClusterService,
        Self::StartClusterService,
        Self::ClearQuarantine,
        Self::ForceQuorum,
        Self::PreventQuorum,
        Self::FailResource,
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
            Self::ClearQuarantine => "clear_quarantine",
            Self::ForceQuorum => "force_quorum",
            Self::PreventQuorum => "prevent_quorum",
            Self::FailResource => "fail_resource",
        }
    }
}

impl Call {
    /// The word of the verb.
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "hello",
            Self::ReadCluster => "read_cluster",
            Self::ReadWorker { .. } => "read_worker",
            Self::ReadPower { .. } => "read_power",
            Self::ReadSsisdb { .. } => "read_ssisdb",
            Self::ReadMasterCertificate => "read_master_certificate",
            Self::MoveRole { .. } => "move_role",
            Self::ChangePower { change, .. } => change.verb(),
            Self::ChangeCluster { change, .. } => change.verb(),
            Self::KillProcess { .. } => "kill_process",
            Self::ShutDown => "shut_down",
            Self::ReadPart { .. } => "read_part",
            Self::WritePart { .. } => "write_part",
            Self::ReadNetwork => "read_network",
            Self::ReadSurroundings => "read_surroundings",
            Self::ReadMaintenance => "read_maintenance",
            Self::Reach { .. } => "reach",
            Self::ReplaceMasterCertificate { .. } => "replace_master_certificate",
            Self::ReadEvents { .. } => "read_events",
            Self::ReadPackage { .. } => "read_package",
            Self::StartExecutions { .. } => "start_executions",
            Self::StopExecution { .. } => "stop_execution",
        }
    }

    fn parameters(&self) -> Fields {
        let fields = Fields::default();
        match self {
            Self::Hello { marker, run } => fields
                .with("marker", marker.text())
                .with("protocol", PROTOCOL)
                .with_some("run", run.as_deref()),
            Self::ReadCluster
            | Self::ReadMasterCertificate
            | Self::ReadNetwork
            | Self::ReadSurroundings
            | Self::ReadMaintenance
            | Self::ShutDown => fields,
            Self::ReadWorker { work_from } => fields.with_some("work_from", *work_from),
            Self::ReadPower { nodes } => fields.with_list("nodes", nodes.iter().map(String::as_str)),
            Self::ReadSsisdb { server, work_from } => {
                fields.with("server", server.as_str()).with_some("work_from", *work_from)
            }
            Self::ReadPackage { server } => fields.with("server", server.as_str()),
            Self::StartExecutions { server, seconds, retry_count, workers } => fields
                .with("server", server.as_str())
                .with("seconds", *seconds)
                .with("retry_count", *retry_count)
                .with_list("workers", workers.iter().map(String::as_str)),
            Self::StopExecution { server, execution } => {
                fields.with("server", server.as_str()).with("execution", *execution)
            }
            Self::MoveRole { group, node } => {
                fields.with("group", group.as_str()).with("node", node.as_str())
            }
            Self::ChangeCluster { name, .. } => fields.with("name", name.as_str()),
            Self::KillProcess { process } => fields.with("service", process.name()),
            Self::ChangePower { node, .. } => fields.with("node", node.as_str()),
            Self::ReadPart { part } => fields.with("part", part.kind()).with("name", part.name()),
            Self::WritePart { part, value } => fields
                .with("part", part.kind())
                .with("name", part.name())
                .with_list("value", value.iter().map(String::as_str)),
            Self::Reach { addresses, port } => {
                fields.with_list("addresses", addresses.iter().map(String::as_str)).with_some("port", *port)
            }
            Self::ReplaceMasterCertificate { thumbprint } => fields.with("thumbprint", thumbprint.as_str()),
            Self::ReadEvents { channel, after, within, most } => fields
                .with("channel", channel_name(*channel))
                .with("after", *after)
                .with_some("within_ms", within.map(millis))
                .with("most", *most),
        }
    }

    fn read(verb: &str, fields: &Fields) -> Result<Self, RequestError> {
        Ok(match verb {
            "hello" => {
                let protocol = fields.integer("protocol")?;
                if protocol != PROTOCOL {
                    return Err(RequestError::Protocol(protocol));
                }
                let marker = Marker::read(fields.text("marker")?).ok_or(RequestError::Marker)?;
                let run = if fields.has("run") { Some(fields.text("run")?.to_owned()) } else { None };
                Self::Hello { marker, run }
            }
            "read_cluster" => Self::ReadCluster,
            "read_worker" => Self::ReadWorker { work_from: work_from(fields)? },
            "read_power" => Self::ReadPower { nodes: fields.texts("nodes")? },
            "read_ssisdb" => {
                let server = fields.text("server")?.to_owned();
                Self::ReadSsisdb { server, work_from: work_from(fields)? }
            }
            "read_package" => Self::ReadPackage { server: fields.text("server")?.to_owned() },
            "start_executions" => Self::StartExecutions {
                server: fields.text("server")?.to_owned(),
                seconds: fields.small("seconds")?,
                retry_count: fields.small("retry_count")?,
                workers: fields.texts("workers")?,
            },
            "stop_execution" => Self::StopExecution {
                server: fields.text("server")?.to_owned(),
                execution: fields.integer("execution")?,
            },
            "read_master_certificate" => Self::ReadMasterCertificate,
            "move_role" => Self::MoveRole {
                group: fields.text("group")?.to_owned(),
                node: fields.text("node")?.to_owned(),
            },
            "kill_process" => {
                let name = fields.text("service")?;
                let process = HostService::named(name)
                    .ok_or(FieldError::wrong("service", "a service that the harness knows"))?;
                Self::KillProcess { process }
            }
            "shut_down" => Self::ShutDown,
            "read_part" => Self::ReadPart { part: read_part(fields)? },
            "write_part" => Self::WritePart { part: read_part(fields)?, value: fields.texts("value")? },
            "read_network" => Self::ReadNetwork,
            "read_surroundings" => Self::ReadSurroundings,
            "read_maintenance" => Self::ReadMaintenance,
            "reach" => {
                let port = if fields.has("port") { Some(fields.natural("port")?) } else { None };
                let port = port.map(u16::try_from).transpose();
                let port = port.map_err(|_| FieldError::wrong("port", "a TCP port"))?;
                Self::Reach { addresses: fields.texts("addresses")?, port }
            }
            "replace_master_certificate" => {
                Self::ReplaceMasterCertificate { thumbprint: fields.text("thumbprint")?.to_owned() }
            }
            "read_events" => {
                let name = fields.text("channel")?;
                let found = CHANNELS.into_iter().find(|channel| channel_name(*channel) == name);
                let within = if fields.has("within_ms") { Some(fields.natural("within_ms")?) } else { None };
                Self::ReadEvents {
                    channel: found.ok_or(FieldError::wrong("channel", "a log of the cluster"))?,
                    after: fields.integer("after")?,
                    within: within.map(Duration::from_millis),
                    most: fields.small("most")?,
                }
            }
            other => {
                if let Some(change) = PowerChange::ALL.into_iter().find(|change| change.verb() == other) {
                    return Ok(Self::ChangePower { change, node: fields.text("node")?.to_owned() });
                }
                let change = ClusterChange::ALL.into_iter().find(|change| change.verb() == other);
                let change = change.ok_or_else(|| RequestError::Verb(other.to_owned()))?;
                Self::ChangeCluster { change, name: fields.text("name")?.to_owned() }
            }
        })
    }
}

fn read_part(fields: &Fields) -> Result<Part, FieldError> {
    Part::read(fields.text("part")?, fields.text("name")?)
}

fn work_from(fields: &Fields) -> Result<Option<i64>, FieldError> {
    if fields.has("work_from") { fields.integer("work_from").map(Some) } else { Ok(None) }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
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
        object.insert("limit_ms".to_owned(), Value::from(millis(self.limit)));
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
            proptest::option::of(any::<i64>()).prop_map(|work_from| Call::ReadWorker { work_from }),
            Just(Call::ReadMasterCertificate),
            proptest::option::of(text()).prop_map(|run| Call::Hello { marker: Marker::of("a"), run }),
            proptest::collection::vec(text(), 0..4).prop_map(|nodes| Call::ReadPower { nodes }),
            (text(), text()).prop_map(|(group, node)| Call::MoveRole { group, node }),
            (text(), proptest::option::of(any::<i64>()))
                .prop_map(|(server, work_from)| Call::ReadSsisdb { server, work_from }),
            text().prop_map(|server| Call::ReadPackage { server }),
            (text(), any::<u32>(), any::<u8>(), proptest::collection::vec(text(), 0..4)).prop_map(
                |(server, seconds, retry_count, workers)| Call::StartExecutions {
                    server,
                    seconds,
                    retry_count,
                    workers
                }
            ),
            (text(), any::<i64>()).prop_map(|(server, execution)| Call::StopExecution { server, execution }),
            (0..PowerChange::ALL.len(), text())
                .prop_map(|(index, node)| Call::ChangePower { change: PowerChange::ALL[index], node }),
            (0..ClusterChange::ALL.len(), text())
                .prop_map(|(index, name)| Call::ChangeCluster { change: ClusterChange::ALL[index], name }),
            (0..HostService::ALL.len())
                .prop_map(|index| Call::KillProcess { process: HostService::ALL[index] }),
            Just(Call::ShutDown),
            part::tests::parts().prop_map(|part| Call::ReadPart { part }),
            (part::tests::parts(), proptest::collection::vec(text(), 0..4))
                .prop_map(|(part, value)| Call::WritePart { part, value }),
            Just(Call::ReadNetwork),
            Just(Call::ReadSurroundings),
            Just(Call::ReadMaintenance),
            (proptest::collection::vec(text(), 0..4), proptest::option::of(any::<u16>()))
                .prop_map(|(addresses, port)| Call::Reach { addresses, port }),
            text().prop_map(|thumbprint| Call::ReplaceMasterCertificate { thumbprint }),
            (0..2_usize, any::<i64>(), proptest::option::of(0..1_u64 << 40), any::<u32>()).prop_map(
                |(index, after, within, most)| Call::ReadEvents {
                    channel: CHANNELS[index],
                    after,
                    within: within.map(Duration::from_millis),
                    most,
                }
            ),
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
