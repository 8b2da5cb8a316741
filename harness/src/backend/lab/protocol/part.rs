//! What on a host can be read, set, and set back as it was?
//!
//! A part has a kind, a name where there are several of its kind, and a value: a list of texts, in no order. The same two
//! verbs serve all of them, so that whatever is set this way is taken back by the value that was read before.

use serde::{Deserialize, Serialize};

use super::fields::FieldError;
use super::{HostService, Outside};

/// Something that has a value on a host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Named", into = "Named")]
pub enum Part {
    /// Whether a service runs: [`RUNNING`] or [`STOPPED`].
    Service(HostService),
    /// Whether the process of a service stands still: [`SUSPENDED`], or [`GOING`] also where there is none.
    Process(HostService),
    /// How a service starts: `Auto`, `Manual` or `Disabled` (`Win32_Service.StartMode`, documented: not localised).
    StartMode(HostService),
    /// The possible owners of a resource: names of nodes.
    PossibleOwners(String),
    /// A property of the cluster: one number.
    ClusterProperty(String),
    /// How often a role may fail over within its FailoverPeriod: one number. The name is that of its group.
    FailoverThreshold(String),
    /// Whether the cluster runs by forced quorum: [`FORCED`], or nothing. Only read: it ends by itself, as soon as there are
    /// votes enough (Force Quorum in a Failover Cluster, documented).
    ForcedQuorum,
    /// Addresses from which, or to which, the node's firewall lets nothing pass because of this harness.
    Blocked(Way),
    /// Addresses because of which the host's firewall keeps it from something outside, because of this harness.
    KeptFrom(Outside),
    /// Whether the adapter with this GUID is switched off: [`DISABLED`], or nothing.
    Adapter(String),
    /// Whether the node's firewall keeps clients from this TCP port because of this harness: [`BLOCKED`], or nothing.
    PortBlocked(u16),
    /// The binding of the master's port: nothing, or thumbprint, store, application id and flags.
    HttpsBinding,
    /// A key of the node's `MasterSettings.config`: one text. The service reads it when it starts.
    MasterSetting(String),
    /// Those of these certificates (SHA-1 thumbprints) that LocalMachine\Root has, each as base64.
    RootCertificates(Vec<String>),
    /// A key of the worker's `WorkerSettings.config`: one text. Its service reads it when it starts, so that it is restarted
    /// whenever the key is written, if it runs.
    WorkerSetting(String),
    /// What SSISDB has of the worker on this machine: [`ENABLED`], [`DISABLED`], or nothing.
    WorkerAgent(String),
    /// Whether the node will take every block back by itself ([`ARMED`]), so many minutes from now.
    Armed(u32),
}

/// A direction, seen from a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// What it would receive.
    In,
    /// What it sends.
    Out,
}

/// A service runs.
pub const RUNNING: &str = "running";
/// A service does not run.
pub const STOPPED: &str = "stopped";
/// A process stands still.
pub const SUSPENDED: &str = "suspended";
/// A process does not stand still.
pub const GOING: &str = "going";
/// An adapter is switched off, or a worker gets no task.
pub const DISABLED: &str = "disabled";
/// Quorum is forced.
pub const FORCED: &str = "forced";
/// Clients are kept from a port.
pub const BLOCKED: &str = "blocked";
/// A worker gets tasks.
pub const ENABLED: &str = "enabled";
/// A node will take its blocks back.
pub const ARMED: &str = "armed";

/// A part as it is written: its kind, and its name.
#[derive(Serialize, Deserialize)]
struct Named {
    part: String,
    name: String,
}

impl Part {
    /// The word of its kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Service(_) => "service",
            Self::Process(_) => "process",
            Self::StartMode(_) => "start_mode",
            Self::PossibleOwners(_) => "possible_owners",
            Self::ClusterProperty(_) => "cluster_property",
            Self::FailoverThreshold(_) => "failover_threshold",
            Self::ForcedQuorum => "forced_quorum",
            Self::Blocked(_) => "blocked",
            Self::KeptFrom(_) => "kept_from",
            Self::Adapter(_) => "adapter",
            Self::PortBlocked(_) => "port_blocked",
            Self::HttpsBinding => "https_binding",
            Self::MasterSetting(_) => "master_setting",
            Self::RootCertificates(_) => "root_certificates",
            Self::WorkerSetting(_) => "worker_setting",
            Self::WorkerAgent(_) => "worker_agent",
            Self::Armed(_) => "armed",
        }
    }

    /// Whether it is one of the cluster, the same on whatever node it is asked.
    pub const fn is_of_cluster(&self) -> bool {
        match self {
            Self::PossibleOwners(_)
            | Self::ClusterProperty(_)
            | Self::FailoverThreshold(_)
            | Self::WorkerAgent(_)
            | Self::ForcedQuorum => true,
            Self::Service(_)
            | Self::Process(_)
            | Self::StartMode(_)
            | Self::Blocked(_)
            | Self::KeptFrom(_)
            | Self::Adapter(_)
            | Self::PortBlocked(_)
            | Self::HttpsBinding
            | Self::MasterSetting(_)
            | Self::RootCertificates(_)
            | Self::WorkerSetting(_)
            | Self::Armed(_) => false,
        }
    }

    /// Its name among those of its kind.
    pub fn name(&self) -> String {
        match self {
            Self::Service(service) | Self::Process(service) | Self::StartMode(service) => {
                service.name().to_owned()
            }
            Self::PossibleOwners(name)
            | Self::ClusterProperty(name)
            | Self::FailoverThreshold(name)
            | Self::MasterSetting(name)
            | Self::WorkerSetting(name)
            | Self::WorkerAgent(name)
            | Self::Adapter(name) => name.clone(),
            Self::PortBlocked(port) => port.to_string(),
            Self::ForcedQuorum | Self::HttpsBinding => String::new(),
            Self::RootCertificates(thumbprints) => thumbprints.join(","),
            Self::Blocked(Way::In) => "in".to_owned(),
            Self::Blocked(Way::Out) => "out".to_owned(),
            Self::KeptFrom(outside) => outside.word().to_owned(),
            Self::Armed(minutes) => minutes.to_string(),
        }
    }

    /// The part with this kind and name.
    ///
    /// # Errors
    /// If there is none.
    pub fn read(kind: &str, name: &str) -> Result<Self, FieldError> {
        let service = || {
            HostService::named(name)
                .ok_or_else(|| FieldError::wrong("name", "the name of a service that the harness knows"))
        };
        Ok(match kind {
            "service" => Self::Service(service()?),
            "process" => Self::Process(service()?),
            "start_mode" => Self::StartMode(service()?),
            "possible_owners" => Self::PossibleOwners(name.to_owned()),
            "cluster_property" => Self::ClusterProperty(name.to_owned()),
            "failover_threshold" => Self::FailoverThreshold(name.to_owned()),
            "forced_quorum" => Self::ForcedQuorum,
            "blocked" => Self::Blocked(match name {
                "in" => Way::In,
                "out" => Way::Out,
                _ => return Err(FieldError::wrong("name", "in or out")),
            }),
            "adapter" => Self::Adapter(name.to_owned()),
            "kept_from" => {
                let outside = Outside::ALL.into_iter().find(|outside| outside.word() == name);
                Self::KeptFrom(outside.ok_or_else(|| FieldError::wrong("name", "something outside"))?)
            }
            "port_blocked" => {
                Self::PortBlocked(name.parse().map_err(|_| FieldError::wrong("name", "a TCP port"))?)
            }
            "https_binding" => Self::HttpsBinding,
            "master_setting" => Self::MasterSetting(name.to_owned()),
            "worker_setting" => Self::WorkerSetting(name.to_owned()),
            "worker_agent" => Self::WorkerAgent(name.to_owned()),
            "root_certificates" => {
                let thumbprints = name.split(',').filter(|text| !text.is_empty());
                Self::RootCertificates(thumbprints.map(str::to_owned).collect())
            }
            "armed" => {
                Self::Armed(name.parse().map_err(|_| FieldError::wrong("name", "a number of minutes"))?)
            }
            _ => return Err(FieldError::wrong("part", "a part that the harness knows")),
        })
    }
}

/// Whether two values of a part are the same: Windows minds neither order nor case.
pub fn is_same_value(one: &[String], other: &[String]) -> bool {
    let has = |list: &[String], text: &String| list.iter().any(|found| found.eq_ignore_ascii_case(text));
    one.len() == other.len()
        && one.iter().all(|text| has(other, text))
        && other.iter().all(|text| has(one, text))
}

impl From<Part> for Named {
    fn from(part: Part) -> Self {
        Self { part: part.kind().to_owned(), name: part.name() }
    }
}

impl TryFrom<Named> for Part {
    type Error = FieldError;

    fn try_from(Named { part, name }: Named) -> Result<Self, FieldError> {
        Self::read(&part, &name)
    }
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Service(service) => write!(f, "the service {}", service.name()),
            Self::Process(service) => write!(f, "the process of {}", service.name()),
            Self::StartMode(service) => write!(f, "the start type of {}", service.name()),
            Self::PossibleOwners(resource) => write!(f, "the possible owners of `{resource}`"),
            Self::ClusterProperty(name) => write!(f, "the cluster's {name}"),
            Self::FailoverThreshold(group) => write!(f, "the FailoverThreshold of `{group}`"),
            Self::ForcedQuorum => f.write_str("the forced quorum of the cluster"),
            Self::Blocked(Way::In) => f.write_str("the firewall's blocks of what comes in"),
            Self::Blocked(Way::Out) => f.write_str("the firewall's blocks of what goes out"),
            Self::KeptFrom(outside) => write!(f, "the firewall's blocks of {}", outside.word()),
            Self::Adapter(guid) => write!(f, "the adapter {guid}"),
            Self::PortBlocked(port) => write!(f, "the firewall's block of port {port}"),
            Self::HttpsBinding => f.write_str("the binding of the master's port"),
            Self::MasterSetting(key) => write!(f, "{key} in MasterSettings.config"),
            Self::RootCertificates(_) => f.write_str("the workers' certificates in Root"),
            Self::WorkerSetting(key) => write!(f, "{key} in WorkerSettings.config"),
            Self::WorkerAgent(machine) => write!(f, "the row of `{machine}` in SSISDB"),
            Self::Armed(_) => f.write_str("the task that takes blocks back"),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(in crate::backend::lab) fn parts() -> impl Strategy<Value = Part> {
        let service = (0..HostService::ALL.len()).prop_map(|index| HostService::ALL[index]);
        prop_oneof![
            service.clone().prop_map(Part::Service),
            service.clone().prop_map(Part::Process),
            service.prop_map(Part::StartMode),
            any::<String>().prop_map(Part::PossibleOwners),
            any::<String>().prop_map(Part::ClusterProperty),
            any::<String>().prop_map(Part::FailoverThreshold),
            Just(Part::ForcedQuorum),
            Just(Part::Blocked(Way::In)),
            Just(Part::Blocked(Way::Out)),
            (0..Outside::ALL.len()).prop_map(|index| Part::KeptFrom(Outside::ALL[index])),
            any::<String>().prop_map(Part::Adapter),
            any::<u16>().prop_map(Part::PortBlocked),
            Just(Part::HttpsBinding),
            any::<String>().prop_map(Part::MasterSetting),
            any::<String>().prop_map(Part::WorkerSetting),
            any::<String>().prop_map(Part::WorkerAgent),
            proptest::collection::vec("[0-9A-F]{40}", 0..3).prop_map(Part::RootCertificates),
            any::<u32>().prop_map(Part::Armed),
        ]
    }

    proptest! {
        #[test]
        fn a_part_is_found_again_by_its_kind_and_name(part in parts()) {
            prop_assert_eq!(Part::read(part.kind(), &part.name()), Ok(part.clone()));
            let text = serde_json::to_string(&part).expect("flat");
            prop_assert_eq!(serde_json::from_str::<Part>(&text).ok(), Some(part));
        }
    }

    #[test]
    fn what_is_no_part_is_refused() {
        for (kind, name) in
            [("service", "Spooler"), ("blocked", "up"), ("kept_from", "home"), ("armed", "-1"), ("file", "x")]
        {
            assert!(Part::read(kind, name).is_err(), "{kind} {name}");
        }
    }

    #[test]
    fn order_and_case_do_not_matter_and_nothing_else_is_passed_over() {
        let list = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(is_same_value(&list(&["NODE1", "node2"]), &list(&["Node2", "node1"])));
        assert!(!is_same_value(&list(&["NODE1"]), &list(&["NODE1", "NODE2"])));
        assert!(!is_same_value(&list(&["a", "a"]), &list(&["a", "b"])));
        assert!(is_same_value(&[], &[]));
    }
}
