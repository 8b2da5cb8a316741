//! Which cluster do the tests of this crate run, and those of others who ask the twin for one?

use std::collections::BTreeMap;
use std::time::Duration;

use crate::assumption::Assumptions;
use crate::choices::Choices;
use crate::cluster::{
    ClusterConfig, NodeConfig, Priority, Profile, ResourceConfig, ResourceKind, ResourcePolicy, RoleConfig,
    Witness,
};
use crate::names::{AddressId, CertificateId, HostId, NameId, Names, NodeId, NodeSet, ResourceId, RoleId};
use crate::scaleout::{MasterSettings, WorkerSettings};
use crate::step::Shared;
#[cfg(test)]
use crate::time::Time;
use crate::topology::{
    Authentication, CatalogStartup, HOST_RECORD_TTL, Logging, NetworkName, Node, Promises, Target, Timings,
    Topology, WorkerMachine,
};
use crate::trust::{Certificate, Thumbprint};

pub(crate) const NODE1: NodeId = NodeId(0);
pub(crate) const NODE2: NodeId = NodeId(1);
pub(crate) const ROLE: RoleId = RoleId(0);
/// Host names: the network name and the two nodes.
pub(crate) const SQLFCI: HostId = HostId(0);
pub(crate) const MASTER: CertificateId = CertificateId(0);
#[cfg(test)]
pub(crate) const OTHER: CertificateId = CertificateId(1);

/// What the eight steps of the guide set up, with so many workers.
pub(crate) fn two_node_fci(workers: u16) -> Shared<Topology> {
    let certificate = |names: &[HostId]| Certificate {
        common_names: names.to_vec(),
        alternative_names: None,
        expires_after_secs: None,
        thumbprint: Thumbprint([0; 20]),
    };
    let own = |worker: u16| CertificateId(2 + worker);
    Shared::new(Topology {
        profile: Profile::Windows2019,
        catalog_startup: CatalogStartup::Never,
        logging: Logging { server: SQLFCI, authentication: Authentication::Mixed },
        cluster: Shared::new(cluster()),
        nodes: vec![
            Node {
                root: (0..workers).map(own).collect(),
                binding: Some(MASTER),
                private_key: true,
                master_settings: Shared::new(MasterSettings::with_sql_server(SQLFCI)),
            };
            2
        ],
        addresses: vec![ResourceId(1)],
        endpoint: SQLFCI,
        network_names: vec![NetworkName {
            resource: ResourceId(2),
            addresses: vec![AddressId(0)],
            registers_all: false,
            ttl: HOST_RECORD_TTL,
        }],
        hosts: vec![Target::Name(NameId(0)), Target::Node(NODE1), Target::Node(NODE2)],
        certificates: Shared::new(
            [certificate(&[HostId(1), SQLFCI]), certificate(&[HostId(2)])]
                .into_iter()
                .chain((0..workers).map(|_| certificate(&[])))
                .collect(),
        ),
        workers: (0..workers)
            .map(|worker| WorkerMachine {
                settings: Shared::new(WorkerSettings::with_endpoint(SQLFCI, 8391)),
                root: vec![MASTER],
                pin: Some(MASTER),
                own: Some(own(worker)),
                key_readable: true,
                enabled: true,
                program: None,
            })
            .collect(),
        timings: Timings::DEFAULT,
        promises: Promises { reconnect_within: Duration::from_secs(180) },
    })
}

/// One role with everything that an SSIS Scale Out needs, on a disk that two nodes share.
fn cluster() -> ClusterConfig {
    let resource = |kind, depends_on: &[u16]| ResourceConfig {
        role: ROLE,
        kind,
        depends_on: depends_on.iter().copied().map(ResourceId).collect(),
        depends_on_any: Vec::new(),
        subnet: 0,
        possible_owners: NodeSet::first(2),
        policy: ResourcePolicy::DEFAULT,
    };
    ClusterConfig {
        properties: Profile::Windows2019.properties(),
        nodes: vec![NodeConfig { has_vote: true, subnet: 0 }; 2],
        witness: Some(Witness::Disk),
        begins_at: Duration::ZERO,
        roles: vec![RoleConfig {
            preferred_owners: Vec::new(),
            failover_threshold: None,
            auto_failback: false,
            priority: Priority::default(),
            failback_window: None,
            failover_period: Duration::from_secs(6 * 3600),
            resources: (0..6).map(ResourceId).collect(),
        }],
        resources: vec![
            resource(ResourceKind::PhysicalDisk, &[]),
            resource(ResourceKind::IpAddress(AddressId(0)), &[]),
            resource(ResourceKind::NetworkName(SQLFCI), &[1]),
            resource(ResourceKind::SqlServer, &[0, 2]),
            resource(ResourceKind::SqlServerAgent, &[3]),
            resource(ResourceKind::ScaleOutMaster, &[2, 3]),
        ],
    }
}

/// The texts of the same cluster.
#[cfg_attr(not(feature = "twin"), expect(dead_code, reason = "the model has no texts"))]
pub(crate) fn names(workers: u16) -> Names {
    let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
    let workers = || (1..=workers).map(|worker| format!("w{worker}"));
    Names {
        nodes: texts(&["NODE1", "NODE2"]),
        workers: workers().collect(),
        roles: texts(&["SQL Server (MSSQLSERVER)"]),
        resources: texts(&["disk", "address", "SQLFCI", "SQL Server", "SQL Server Agent", "master"]),
        certificates: texts(&["master", "made_by_setup"]).into_iter().chain(workers()).collect(),
        hosts: texts(&["sqlfci", "node1", "node2"]),
        loads: Vec::new(),
    }
}

pub(crate) fn choices(seed: u64) -> Choices {
    Choices::new(seed, BTreeMap::new(), Assumptions::default())
}

#[cfg(test)]
pub(crate) fn secs(secs: u64) -> Time {
    Time::from_micros(secs * 1_000_000)
}
