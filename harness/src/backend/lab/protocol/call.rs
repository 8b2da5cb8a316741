//! What can a session be asked for, and with which parameters?

use std::time::Duration;

use failover_sim::observe::Channel;

use super::{
    CHANNELS, ClusterChange, FieldError, Fields, HostService, Marker, PROTOCOL, Part, PowerChange,
    RequestError, channel_name,
};

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

impl Call {
    /// Whether it asks a host to do something, and not only to say what it sees.
    pub const fn changes(&self) -> bool {
        match self {
            Self::Hello { .. }
            | Self::ReadCluster
            | Self::ReadWorker { .. }
            | Self::ReadPower { .. }
            | Self::ReadSsisdb { .. }
            | Self::ReadMasterCertificate
            | Self::ReadPart { .. }
            | Self::ReadNetwork
            | Self::ReadSurroundings
            | Self::ReadMaintenance
            | Self::Reach { .. }
            | Self::ReadEvents { .. }
            | Self::ReadPackage { .. } => false,
            Self::MoveRole { .. }
            | Self::ChangePower { .. }
            | Self::ChangeCluster { .. }
            | Self::KillProcess { .. }
            | Self::ShutDown
            | Self::WritePart { .. }
            | Self::ReplaceMasterCertificate { .. }
            | Self::StartExecutions { .. }
            | Self::StopExecution { .. } => true,
        }
    }

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

    pub(super) fn parameters(&self) -> Fields {
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

    pub(super) fn read(verb: &str, fields: &Fields) -> Result<Self, RequestError> {
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

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
