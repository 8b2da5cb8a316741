//! What is there when a run begins?
//!
//! Everything that the eight steps of Microsoft's guide set up: nodes, disk, address, network name, SQL Server, the
//! Scale Out Master as a Generic Service, certificates and stores, settings files, workers. By identifiers; the texts
//! are in [`Names`](crate::names::Names).

use std::path::PathBuf;
use std::time::Duration;

use crate::choices::Spread;
use crate::cluster::{ClusterConfig, Profile};
use crate::names::{AddressId, CertificateId, HostId, NameId, NodeId, ResourceId};
use crate::scaleout::{MasterSettings, WorkerSettings};
use crate::step::Shared;
use crate::trust::Certificate;

/// A cluster, its masters and its workers at the start of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// The Windows version whose defaults apply.
    pub profile: Profile,
    /// The cluster database.
    pub cluster: Shared<ClusterConfig>,
    /// What each node has of its own, by identifier.
    pub nodes: Vec<Node>,
    /// What each address that the cluster moves belongs to, by identifier: its IP Address resource.
    pub addresses: Vec<ResourceId>,
    /// The network names of the cluster, by identifier.
    pub network_names: Vec<NetworkName>,
    /// The host name under which the guide has the workers find the master: the SQL network name, or the name of the
    /// master's own client access point.
    pub endpoint: HostId,
    /// What DNS says of each host name, by identifier.
    pub hosts: Vec<Target>,
    /// The certificates, by identifier.
    pub certificates: Shared<Vec<Certificate>>,
    /// The workers, by identifier.
    pub workers: Vec<WorkerMachine>,
    /// Where workers write the messages of their packages.
    pub logging: Logging,
    /// Whether SSISDB sees to its executions when SQL Server starts.
    pub catalog_startup: CatalogStartup,
    /// How long things take.
    pub timings: Timings,
    /// What the owner of the cluster promises its users.
    pub promises: Promises,
}

/// What a host name or address leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A network name of the cluster.
    Name(NameId),
    /// An address that the cluster moves.
    Cluster(AddressId),
    /// One node, by its name or its own address.
    Node(NodeId),
    /// Nothing: DNS does not know it.
    Nobody,
}

/// A Network Name resource with what DNS is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkName {
    /// The resource.
    pub resource: ResourceId,
    /// The addresses that it depends on; at most [`ADDRESSES_MAX`].
    pub addresses: Vec<AddressId>,
    /// `RegisterAllProvidersIP`: whether DNS has all of them, or those alone that are online.
    pub registers_all: bool,
    /// `HostRecordTTL`: how long whoever asked DNS believes the answer.
    pub ttl: Duration,
}

impl Topology {
    /// The port of the endpoint: that of the workers, or, without workers, that of the first node's master.
    pub fn endpoint_port(&self) -> u16 {
        let of_worker = self.workers.first().map(|worker| worker.settings.endpoint_port);
        of_worker.or_else(|| self.nodes.first().map(|node| node.master_settings.port)).unwrap_or_default()
    }

    /// The machines and addresses behind a host name, online or not.
    pub fn targets_of(&self, host: HostId) -> impl Iterator<Item = Target> {
        let target = self.hosts[host.index()];
        let (own, addresses) = match target {
            Target::Name(name) => (None, self.network_names[name.index()].addresses.as_slice()),
            Target::Cluster(_) | Target::Node(_) => (Some(target), [].as_slice()),
            Target::Nobody => (None, [].as_slice()),
        };
        own.into_iter().chain(addresses.iter().map(|&address| Target::Cluster(address)))
    }
}

/// What a node has of its own: the files and stores that no failover moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Certificates in LocalMachine\Root besides those that trust needs: the workers' own (guide step 8).
    pub root: Vec<CertificateId>,
    /// The certificate in the HTTP.SYS binding of the master's port.
    pub binding: Option<CertificateId>,
    /// Whether the bound certificate came with its private key.
    pub private_key: bool,
    /// `MasterSettings.config`.
    pub master_settings: Shared<MasterSettings>,
}

/// A worker's machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerMachine {
    /// `WorkerSettings.config`.
    pub settings: Shared<WorkerSettings>,
    /// Certificates in LocalMachine\Root.
    pub root: Vec<CertificateId>,
    /// `MasterHttpsCertThumbprint`, as the certificate that it pins.
    pub pin: Option<CertificateId>,
    /// `WorkerHttpsCertThumbprint`, as its own certificate.
    pub own: Option<CertificateId>,
    /// Whether its service account can open its private key.
    pub key_readable: bool,
    /// Whether an administrator has enabled it.
    pub enabled: bool,
    /// What takes the place of its service where there are real sockets.
    pub program: Option<Shared<Program>>,
}

/// A program of somebody else's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its name and its arguments; never empty.
    pub command: Vec<String>,
    /// Where it is started; empty is where everybody is.
    pub folder: PathBuf,
}

/// Where workers write the messages of their packages, and how SQL Server lets them in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Logging {
    /// `CLUSTER_LOGDB_SERVER`.
    pub server: HostId,
    /// The authentication of the instance.
    pub authentication: Authentication,
}

/// Which logins SQL Server takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Authentication {
    /// Those of Windows and its own.
    #[default]
    Mixed,
    /// Those of Windows alone: not the one that workers log with, `##MS_SSISLogDBWorkerAgentLogin##` (documented).
    WindowsOnly,
}

/// Whether SQL Server runs `catalog.startup` when it starts: a choice that is made when SSISDB is created
/// (catalog.startup page, documented; that it is not made unless somebody makes it is inferred).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CatalogStartup {
    /// It does not.
    #[default]
    Never,
    /// It does.
    AtSqlServerStart,
}

/// How long things take where Windows and SQL Server take their time. All inferred: placeholders until a lab has
/// measured them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timings {
    /// One message on a link, one way: evenly between the least and the greatest.
    pub link: Spread,
    /// From the loss of a node to the decision what to do.
    pub regroup: Spread,
    /// From the start of the cluster service to membership.
    pub join: Spread,
    /// From the death of the cluster service to its next start by the service control manager.
    pub service_restart: Duration,
    /// From power to the start of the services.
    pub boot: Duration,
    /// Disk online: reservation, mount.
    pub disk_online: Spread,
    /// IP Address online, with its check for a duplicate.
    pub ip_address_online: Spread,
    /// Network Name online.
    pub network_name_online: Spread,
    /// SQL Server online.
    pub sql_server_online: Spread,
    /// SSISDB usable after SQL Server is online.
    pub recovery: Spread,
    /// SQL Server Agent online.
    pub agent_online: Spread,
    /// Availability group online: from a secondary replica to a primary one, before its recovery.
    pub availability_group_online: Spread,
    /// The master's service running.
    pub master_online: Spread,
    /// The master ready to register once its service runs.
    pub master_serves: Spread,
    /// SQL Server offline in a planned move.
    pub sql_server_offline: Spread,
    /// Anything else offline.
    pub offline: Spread,
}

impl Timings {
    /// For a small instance. Inferred.
    pub const DEFAULT: Self = Self {
        link: Spread {
            least: Duration::from_micros(500),
            mode: Duration::from_micros(1_000),
            most: Duration::from_micros(2_000),
        },
        regroup: Spread::millis(300, 1_000, 5_000),
        join: Spread::millis(1_000, 3_000, 8_000),
        service_restart: Duration::from_secs(60),
        boot: Duration::from_secs(60),
        disk_online: Spread::millis(500, 2_000, 15_000),
        ip_address_online: Spread::millis(500, 2_000, 5_000),
        network_name_online: Spread::millis(100, 1_000, 10_000),
        sql_server_online: Spread::millis(3_000, 8_000, 30_000),
        recovery: Spread::millis(0, 2_000, 60_000),
        agent_online: Spread::millis(500, 1_000, 5_000),
        availability_group_online: Spread::millis(500, 1_000, 5_000),
        master_online: Spread::millis(500, 3_000, 30_000),
        master_serves: Spread::millis(500, 5_000, 60_000),
        sql_server_offline: Spread::millis(1_000, 5_000, 120_000),
        offline: Spread::millis(100, 300, 1_000),
    };
}

/// What the owner of a cluster promises its users, and a run holds it to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Promises {
    /// A worker that lost its connection has another one after so long.
    pub reconnect_within: Duration,
}

/// The most addresses that one network name can have.
pub const ADDRESSES_MAX: usize = 8;

/// `HostRecordTTL`: 1,200 s (documented).
pub const HOST_RECORD_TTL: Duration = Duration::from_secs(1_200);
