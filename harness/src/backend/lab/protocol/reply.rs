//! What does a session answer?

use failover_sim::observe::{NodeState, ResourceState, RoleState};
use serde_json::Value;

use super::events::EventsSight;
use super::fields::{self, FieldError, Fields};
use super::ssisdb::SsisdbSight;
use super::surroundings::SurroundingsSight;
use super::windows::{self, MachineState};
use super::work::PackageSight;
use super::worker::WorkerSight;
use super::{Call, Marker};

/// UTC ticks: 100 ns since 0001-01-01, as `DateTime.Ticks` counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticks(pub i64);

impl Ticks {
    /// The greatest that there are (DateTime.MaxValue, documented).
    pub(super) const LAST: i64 = 3_155_378_975_999_999_999;

    /// What a host says, if a `DateTime` can say it.
    pub(super) fn read(field: &'static str, ticks: i64) -> Result<Self, FieldError> {
        let is_one = (0..=Self::LAST).contains(&ticks);
        is_one.then_some(Self(ticks)).ok_or(FieldError::wrong(field, "the ticks of a date"))
    }
}

/// An answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The id of the request.
    pub id: u64,
    /// What came of it.
    pub outcome: Result<Reply, ErrorRecord>,
}

/// What a request that succeeded brings back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// To `hello`.
    Hello(Hello),
    /// To `read_cluster`.
    Cluster(ClusterSight),
    /// To `read_worker`.
    Worker(WorkerSight),
    /// To `read_power`: one for each node that was asked for.
    Power(Vec<MachineSight>),
    /// To `read_ssisdb`.
    Ssisdb(SsisdbSight),
    /// To `read_master_certificate`: the thumbprint, if there is a binding.
    Certificate(Option<String>),
    /// To `read_part`: its value.
    Part(Vec<String>),
    /// To `read_network`.
    Network(NetworkSight),
    /// To `read_surroundings`.
    Surroundings(SurroundingsSight),
    /// To `reach`: for each address, whether it answered.
    Reached(Vec<bool>),
    /// To `read_maintenance`: words for what Windows is at.
    Maintenance(Vec<String>),
    /// To a verb that changes something: it was carried out.
    Done,
    /// To `read_events`.
    Events(EventsSight),
    /// To `read_package`.
    Package(PackageSight),
    /// To `start_executions`: those that were started, in the order in which they were asked for. There are fewer where SSISDB
    /// went away meanwhile.
    Executions(Vec<i64>),
}

/// What a host is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// `$PSVersionTable.PSEdition`: Desktop or Core.
    pub edition: String,
    /// `$ExecutionContext.SessionState.LanguageMode`.
    pub language_mode: LanguageMode,
    /// Whether the session runs elevated.
    pub elevated: bool,
    /// `$PSUICulture`.
    pub ui_culture: String,
    /// Version of the FailoverClusters module, if it is there.
    pub module_version: Option<String>,
    /// The `Id` of the cluster that the host is a node of, where its cluster service runs.
    pub cluster_id: Option<String>,
    /// Its `Description`: where its owner sets the mark of a lab.
    pub cluster_description: Option<String>,
    /// The host's clock.
    pub clock: Ticks,
    /// Whether the session can authenticate to another host.
    pub network_credentials: bool,
}

/// `PSLanguageMode` (System.Management.Automation, documented).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LanguageMode {
    /// 0.
    Full,
    /// 1.
    Restricted,
    /// 2.
    NoLanguage,
    /// 3.
    Constrained,
}

/// What `Get-Cluster*` show on one node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterSight {
    /// `Get-Service ClusSvc`: Status.
    pub service: i64,
    /// `Get-ClusterNode`. Empty where the service does not run.
    pub nodes: Vec<NodeSight>,
    /// `Get-ClusterGroup`.
    pub groups: Vec<GroupSight>,
    /// `Get-ClusterResource`.
    pub resources: Vec<ResourceSight>,
}

/// A `ClusterNode`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSight {
    /// Name.
    pub name: String,
    /// State; `None` for Unknown.
    pub state: Option<NodeState>,
    /// StatusInformation, as flags.
    pub status: i64,
    /// DynamicWeight.
    pub weight: i64,
}

/// A `ClusterGroup`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSight {
    /// Name.
    pub name: String,
    /// State; `None` for Unknown.
    pub state: Option<RoleState>,
    /// OwnerNode.
    pub owner: String,
    /// GroupType.
    pub kind: i64,
}

/// A `ClusterResource`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceSight {
    /// Name.
    pub name: String,
    /// State; `None` for Unknown and the like.
    pub state: Option<ResourceState>,
    /// OwnerGroup.
    pub group: String,
    /// OwnerNode.
    pub owner: String,
}

/// How a node reaches others, and its storage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkSight {
    /// The addresses of all nodes' interfaces in the cluster's networks, of both families.
    pub addresses: Vec<AddressSight>,
    /// Addresses with which this node has open connections of storage: SMB, iSCSI; all of them with Storage Spaces
    /// Direct.
    pub storage: Vec<String>,
}

/// An address of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressSight {
    /// The node's name.
    pub node: String,
    /// The address.
    pub address: String,
}

/// A machine as its controller sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineSight {
    /// The node's name.
    pub name: String,
    /// Its state.
    pub state: MachineState,
}

/// Why a request failed, without any text that a language of Windows could change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorRecord {
    /// Type of the exception.
    pub exception: String,
    /// FullyQualifiedErrorId.
    pub id: String,
    /// CategoryInfo.Category, as its number.
    pub category: i64,
    /// Types of the inner exceptions, outermost first.
    pub inner: Vec<String>,
}

impl ErrorRecord {
    /// Whether nobody answered for SSISDB: what SQL Server itself says is told by its number, and not as this type.
    pub fn is_of_connection(&self) -> bool {
        std::iter::once(&self.exception).chain(&self.inner).any(|name| name == SQL_EXCEPTION)
    }
}

impl Answer {
    /// The answer as a line, without its end.
    pub fn line(&self, marker: &Marker) -> String {
        let fields = Fields::default().with("id", self.id).with("ok", self.outcome.is_ok());
        let fields = match &self.outcome {
            Ok(reply) => reply.write(fields),
            Err(record) => record.write(fields),
        };
        format!("{}{}", marker.text(), fields::ascii(&Value::Object(fields.into_object())))
    }

    /// Reads what follows the marker, as the answer to `call`; first the id, so that a wrong one is known as such.
    ///
    /// # Errors
    /// If it is not an answer of this protocol to this call.
    pub fn read(text: &str, call: &Call) -> Result<Self, FieldError> {
        let fields = Fields::new(fields::object(text)?)?;
        let id = fields.natural("id")?;
        let outcome = if fields.boolean("ok")? {
            Ok(Reply::read(&fields, call)?)
        } else {
            Err(ErrorRecord::read(&fields)?)
        };
        Ok(Self { id, outcome })
    }

    /// The id of an answer, whatever else it holds.
    ///
    /// # Errors
    /// If it has none.
    pub fn read_id(text: &str) -> Result<u64, FieldError> {
        Fields::new(fields::object(text)?)?.natural("id")
    }
}

impl Reply {
    fn write(&self, fields: Fields) -> Fields {
        match self {
            Self::Hello(hello) => hello.write(fields),
            Self::Cluster(sight) => sight.write(fields),
            Self::Worker(sight) => sight.write(fields),
            Self::Power(machines) => {
                let states = machines.iter().map(|machine| windows::machine_state_number(machine.state));
                fields
                    .with_list("node_names", machines.iter().map(|machine| machine.name.as_str()))
                    .with_list("node_powers", states)
            }
            Self::Ssisdb(sight) => sight.write(fields),
            Self::Certificate(thumbprint) => fields.with_some("thumbprint", thumbprint.as_deref()),
            Self::Part(value) => fields.with_list("value", value.iter().map(String::as_str)),
            Self::Network(sight) => sight.write(fields),
            Self::Surroundings(sight) => sight.write(fields),
            Self::Reached(reached) => fields.with_list("reached", reached.iter().map(|&one| i64::from(one))),
            Self::Maintenance(words) => fields.with_list("maintenance", words.iter().map(String::as_str)),
            Self::Done => fields,
            Self::Events(sight) => sight.write(fields),
            Self::Package(sight) => sight.write(fields),
            Self::Executions(started) => fields.with_list("started", started.iter().copied()),
        }
    }

    fn read(fields: &Fields, call: &Call) -> Result<Self, FieldError> {
        Ok(match call {
            Call::Hello { .. } => Self::Hello(Hello::read(fields)?),
            Call::ReadCluster => Self::Cluster(ClusterSight::read(fields)?),
            Call::ReadWorker { .. } => Self::Worker(WorkerSight::read(fields)?),
            Call::ReadPower { nodes } => {
                let names = fields.texts_of("node_names", nodes.len())?;
                let powers = fields.integers_of("node_powers", nodes.len())?;
                let machine =
                    |(name, power)| Ok(MachineSight { name, state: windows::machine_state(power)? });
                Self::Power(names.into_iter().zip(powers).map(machine).collect::<Result<_, FieldError>>()?)
            }
            Call::ReadSsisdb { .. } => Self::Ssisdb(SsisdbSight::read(fields)?),
            Call::ReadMasterCertificate => Self::Certificate(if fields.has("thumbprint") {
                Some(fields.text("thumbprint")?.to_owned())
            } else {
                None
            }),
            Call::ReadPart { .. } => Self::Part(fields.texts("value")?),
            Call::ReadNetwork => Self::Network(NetworkSight::read(fields)?),
            Call::ReadSurroundings => Self::Surroundings(SurroundingsSight::read(fields)?),
            Call::Reach { addresses, .. } => {
                let reached = fields.integers_of("reached", addresses.len())?;
                Self::Reached(reached.into_iter().map(|one| one != 0).collect())
            }
            Call::ReadMaintenance => Self::Maintenance(fields.texts("maintenance")?),
            Call::MoveRole { .. }
            | Call::ChangeCluster { .. }
            | Call::ChangePower { .. }
            | Call::KillProcess { .. }
            | Call::ShutDown
            | Call::WritePart { .. }
            | Call::StopExecution { .. }
            | Call::ReplaceMasterCertificate { .. } => Self::Done,
            Call::ReadPackage { .. } => Self::Package(PackageSight::read(fields)?),
            Call::StartExecutions { .. } => Self::Executions(fields.integers("started")?),
            Call::ReadEvents { .. } => Self::Events(EventsSight::read(fields)?),
        })
    }
}

impl Hello {
    fn write(&self, fields: Fields) -> Fields {
        fields
            .with("edition", self.edition.as_str())
            .with("language_mode", self.language_mode as i64)
            .with("elevated", self.elevated)
            .with("ui_culture", self.ui_culture.as_str())
            .with_some("module_version", self.module_version.as_deref())
            .with_some("cluster_id", self.cluster_id.as_deref())
            .with_some("cluster_description", self.cluster_description.as_deref())
            .with("clock_ticks", self.clock.0)
            .with("network_credentials", self.network_credentials)
    }

    fn read(fields: &Fields) -> Result<Self, FieldError> {
        let language_mode = match fields.integer("language_mode")? {
            0 => LanguageMode::Full,
            1 => LanguageMode::Restricted,
            2 => LanguageMode::NoLanguage,
            3 => LanguageMode::Constrained,
            number => return Err(FieldError::NotInTable { field: "language_mode", number }),
        };
        let some = |name| {
            if fields.has(name) { fields.text(name).map(|text| Some(text.to_owned())) } else { Ok(None) }
        };
        Ok(Self {
            edition: fields.text("edition")?.to_owned(),
            language_mode,
            elevated: fields.boolean("elevated")?,
            ui_culture: fields.text("ui_culture")?.to_owned(),
            module_version: some("module_version")?,
            cluster_id: some("cluster_id")?,
            cluster_description: some("cluster_description")?,
            clock: Ticks::read("clock_ticks", fields.integer("clock_ticks")?)?,
            network_credentials: fields.boolean("network_credentials")?,
        })
    }
}

impl ClusterSight {
    fn write(&self, fields: Fields) -> Fields {
        let (nodes, groups, resources) = (&self.nodes, &self.groups, &self.resources);
        let node_states = nodes.iter().map(|node| node.state.map_or(UNKNOWN, windows::node_state_number));
        let group_states = groups.iter().map(|group| group.state.map_or(UNKNOWN, windows::role_state_number));
        let resource_states =
            resources.iter().map(|resource| resource.state.map_or(UNKNOWN, windows::resource_state_number));
        fields
            .with("service_status", self.service)
            .with_list("node_names", nodes.iter().map(|node| node.name.as_str()))
            .with_list("node_states", node_states)
            .with_list("node_status", nodes.iter().map(|node| node.status))
            .with_list("node_weights", nodes.iter().map(|node| node.weight))
            .with_list("group_names", groups.iter().map(|group| group.name.as_str()))
            .with_list("group_states", group_states)
            .with_list("group_owners", groups.iter().map(|group| group.owner.as_str()))
            .with_list("group_types", groups.iter().map(|group| group.kind))
            .with_list("resource_names", resources.iter().map(|resource| resource.name.as_str()))
            .with_list("resource_states", resource_states)
            .with_list("resource_groups", resources.iter().map(|resource| resource.group.as_str()))
            .with_list("resource_owners", resources.iter().map(|resource| resource.owner.as_str()))
    }

    fn read(fields: &Fields) -> Result<Self, FieldError> {
        Ok(Self {
            service: fields.integer("service_status")?,
            nodes: read_nodes(fields)?,
            groups: read_groups(fields)?,
            resources: read_resources(fields)?,
        })
    }
}

impl NetworkSight {
    fn write(&self, fields: Fields) -> Fields {
        fields
            .with_list("address_nodes", self.addresses.iter().map(|one| one.node.as_str()))
            .with_list("addresses", self.addresses.iter().map(|one| one.address.as_str()))
            .with_list("storage", self.storage.iter().map(String::as_str))
    }

    fn read(fields: &Fields) -> Result<Self, FieldError> {
        let nodes = fields.texts("address_nodes")?;
        let addresses = fields.texts_of("addresses", nodes.len())?;
        let pairs = nodes.into_iter().zip(addresses);
        Ok(Self {
            addresses: pairs.map(|(node, address)| AddressSight { node, address }).collect(),
            storage: fields.texts("storage")?,
        })
    }
}

fn read_nodes(fields: &Fields) -> Result<Vec<NodeSight>, FieldError> {
    let names = fields.texts("node_names")?;
    let states = fields.integers_of("node_states", names.len())?;
    let status = fields.integers_of("node_status", names.len())?;
    let weights = fields.integers_of("node_weights", names.len())?;
    let rest = states.into_iter().zip(status).zip(weights);
    let node = |(name, ((state, status), weight))| {
        Ok(NodeSight { name, state: windows::node_state(state)?, status, weight })
    };
    names.into_iter().zip(rest).map(node).collect()
}

fn read_groups(fields: &Fields) -> Result<Vec<GroupSight>, FieldError> {
    let names = fields.texts("group_names")?;
    let states = fields.integers_of("group_states", names.len())?;
    let owners = fields.texts_of("group_owners", names.len())?;
    let kinds = fields.integers_of("group_types", names.len())?;
    let rest = states.into_iter().zip(owners).zip(kinds);
    let group = |(name, ((state, owner), kind))| {
        Ok(GroupSight { name, state: windows::group_state(state)?, owner, kind })
    };
    names.into_iter().zip(rest).map(group).collect()
}

fn read_resources(fields: &Fields) -> Result<Vec<ResourceSight>, FieldError> {
    let names = fields.texts("resource_names")?;
    let states = fields.integers_of("resource_states", names.len())?;
    let groups = fields.texts_of("resource_groups", names.len())?;
    let owners = fields.texts_of("resource_owners", names.len())?;
    let rest = states.into_iter().zip(groups).zip(owners);
    let resource = |(name, ((state, group), owner))| {
        Ok(ResourceSight { name, state: windows::resource_state(state)?, group, owner })
    };
    names.into_iter().zip(rest).map(resource).collect()
}

impl ErrorRecord {
    fn write(&self, fields: Fields) -> Fields {
        fields
            .with("error_type", self.exception.as_str())
            .with("error_id", self.id.as_str())
            .with("error_category", self.category)
            .with_list("error_inner", self.inner.iter().map(String::as_str))
    }

    fn read(fields: &Fields) -> Result<Self, FieldError> {
        Ok(Self {
            exception: fields.text("error_type")?.to_owned(),
            id: fields.text("error_id")?.to_owned(),
            category: fields.integer("error_category")?,
            inner: fields.texts("error_inner")?,
        })
    }
}

impl std::fmt::Display for ErrorRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}, category {})", self.exception, self.id, self.category)?;
        self.inner.iter().try_for_each(|inner| write!(f, " from {inner}"))
    }
}

/// Unknown, in every table of the cluster.
/// `System.Data.SqlClient.SqlException` (documented).
const SQL_EXCEPTION: &str = "System.Data.SqlClient.SqlException";
const UNKNOWN: i64 = -1;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round(reply: Reply, call: &Call) {
        let marker = Marker::of("test");
        let answer = Answer { id: 7, outcome: Ok(reply) };
        let line = answer.line(&marker);
        let rest = line.strip_prefix(marker.text());
        assert_eq!(rest.map(|rest| Answer::read(rest, call)), Some(Ok(answer)));
    }

    #[test]
    fn lists_of_one_stay_lists() {
        let one = ClusterSight {
            service: 4,
            nodes: vec![NodeSight { name: "NÖDE1".to_owned(), state: None, status: 4, weight: 1 }],
            groups: vec![GroupSight {
                name: "g".to_owned(),
                state: None,
                owner: "NÖDE1".to_owned(),
                kind: 9999,
            }],
            resources: Vec::new(),
        };
        round(Reply::Cluster(one), &Call::ReadCluster);
        let bare = r#"{"id":1,"ok":true,"service_status":4,"node_names":"NODE1"}"#;
        let error = FieldError::wrong("node_names", "a list of strings");
        assert_eq!(Answer::read(bare, &Call::ReadCluster), Err(error));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let read = |text: &str| Answer::read(text, &Call::ReadCluster).err();
        assert_eq!(read(r#"{"ok":true}"#), Some(FieldError::Missing("id")));
        assert_eq!(read(r#"{"id":"1","ok":true}"#), Some(FieldError::wrong("id", "an integer from 0 on")));
        assert_eq!(read(r#"{"id":1,"ok":true,"x":{"y":1}}"#), Some(FieldError::NotFlat("x".to_owned())));
        assert_eq!(read(r#"{"id":1,"ok":true,"x":1.5}"#), Some(FieldError::NotFlat("x".to_owned())));
        assert_eq!(read("{\"id\":1,\"x\":\"\u{e4}\"}"), Some(FieldError::NotAscii));
        assert!(matches!(read(r#"{"id":1,"ok":tr"#), Some(FieldError::NotJson(_))));
        assert_eq!(read("[1]"), Some(FieldError::NotAnObject));
        let uneven = r#"{"id":1,"ok":true,"service_status":4,"node_names":["a","b"],"node_states":[0]}"#;
        let expected = FieldError::Uneven { field: "node_states", found: 1, expected: 2 };
        assert_eq!(read(uneven), Some(expected));
    }

    proptest! {
        #[test]
        fn whatever_arrives_is_read_or_refused(text in any::<String>()) {
            for call in [Call::ReadCluster, Call::ReadWorker { work_from: Some(1) }, Call::ReadMasterCertificate] {
                let _ = Answer::read(&text, &call);
            }
        }

        #[test]
        fn a_damaged_answer_is_read_or_refused(at in 0_usize..400, byte in any::<u8>(), cut in 0_usize..400) {
            let sight = ClusterSight { service: 4, ..ClusterSight::default() };
            let answer = Answer { id: 1, outcome: Ok(Reply::Cluster(sight)) };
            let marker = Marker::of("test");
            let mut bytes = answer.line(&marker).split_off(marker.text().len()).into_bytes();
            let at = at % bytes.len();
            bytes[at] = byte;
            bytes.truncate(bytes.len() - cut % bytes.len());
            let _ = Answer::read(&String::from_utf8_lossy(&bytes), &Call::ReadCluster);
        }
    }
}
