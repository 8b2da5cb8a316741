//! How does a topology file become a topology?

mod cluster;
mod machines;
mod named;
mod properties;
mod role;
mod timings;

use failover_sim::cluster::{ClusterConfig, Profile, ResourceConfig, ResourceKind};
use failover_sim::names::{Names, ResourceId, RoleId};
use failover_sim::step::Shared;
use failover_sim::topology::{
    Authentication, CatalogStartup, Logging, NetworkName, Promises, Target, Timings, Topology, WorkerMachine,
};
use failover_sim::trust::Certificate;

use crate::plan::Overrides;

use super::diagnostic::Fault;
use super::read::At;
use super::sections::split;
use super::setting::setting;
use super::topology_document::{
    AuthenticationWord, CatalogStartupWord, Certificates, ClusterDocument, LoggingDocument, NodeDocument,
    PARTS, ProfileWord, PromisesDocument, RoleDocument, TimingsDocument, WorkersDocument,
};
use super::tree::{Span, Tree};
use timings::timings_of;

pub(super) use properties::set_properties;

/// A topology with everything that a plan needs to name its parts.
#[derive(Debug)]
pub(super) struct ResolvedTopology {
    pub(super) topology: Topology,
    pub(super) names: Names,
    pub(super) role: RoleId,
    pub(super) master: ResourceId,
    pub(super) network_name: ResourceId,
}

/// Reads a topology, with what a command line says on top; `None` if there are faults.
pub(super) fn resolve(
    tree: &Tree,
    overrides: &Overrides,
    faults: &mut Vec<Fault>,
) -> Option<ResolvedTopology> {
    let parts = split(tree, PARTS, faults);
    let profile = parts.read::<ProfileWord>("profile", faults);
    let cluster = parts.require::<ClusterDocument>("cluster", faults);
    let certificates = parts.require::<Certificates>("certificates", faults);
    let nodes = parts.require_each::<NodeDocument>("nodes", faults);
    let roles = parts.require_each::<RoleDocument>("roles", faults);
    let mut groups = parts.require_each::<WorkersDocument>("workers", faults);
    let timings = parts.read::<TimingsDocument>("timings", faults);
    let promises = parts.require::<PromisesDocument>("promises", faults);
    let startup = parts.read::<CatalogStartupWord>("catalog_startup", faults);
    let catalog_startup = match startup.map(|startup| startup.value) {
        None | Some(CatalogStartupWord::Never) => CatalogStartup::Never,
        Some(CatalogStartupWord::AtSqlServerStart) => CatalogStartup::AtSqlServerStart,
    };
    let logging_document = parts.read::<LoggingDocument>("logging", faults);
    let _: Option<At<String>> = parts.read("about", faults);
    let _: Option<At<String>> = parts.read("based_on", faults);
    if let (Some(first), Some(count)) = (groups.first_mut(), overrides.workers) {
        first.value.count = count;
    }
    if !faults.is_empty() {
        return None;
    }
    let (cluster, certificates, promises) = (cluster?.value, certificates?.value, promises?.value);
    let timings = timings.map_or(Timings::DEFAULT, |timings| timings_of(&timings.value, faults));
    let mut builder = Builder {
        faults,
        names: Names::default(),
        hosts: Vec::new(),
        network_names: Vec::new(),
        certificates: Vec::new(),
    };
    let own = profile.map_or_else(Profile::default, |word| profile_of(word.value));
    let profile = overrides.profile.unwrap_or(own);
    builder.declare_nodes(&nodes, parts.place());
    builder.declare_certificates(&certificates);
    let mut cluster = builder.cluster(profile, &cluster, &nodes, &roles);
    for (property, value) in &overrides.set {
        // Whoever took the overrides in has checked them.
        if let Ok(set) = setting(property, value) {
            set_properties(&mut cluster.properties, &set, builder.faults);
        }
    }
    let machines = builder.workers(&groups);
    if let Some(section) = parts.get("workers").filter(|_| machines.is_empty() && builder.faults.is_empty()) {
        let fault = Fault::new("there is no worker", section.key.span);
        builder.faults.push(fault.with_label("expected at least one"));
    }
    let nodes = builder.nodes(&nodes, &machines);
    let said = logging_document.map(|document| document.value).unwrap_or_default();
    let first = nodes.first().map(|node| node.master_settings.sql_server);
    let server = said.server.map(|server| builder.host(&server)).or(first);
    let found = builder.endpoint(&cluster, &machines, parts.place());
    let (names, hosts, certificates) = (builder.names, builder.hosts, builder.certificates);
    let network_names = builder.network_names;
    let (role, master, network_name) = found.filter(|_| faults.is_empty())?;
    let ResourceKind::NetworkName(endpoint) = cluster.resources[network_name.index()].kind else {
        return None;
    };
    let addresses = (0..cluster.resources.len())
        .filter(|&index| matches!(cluster.resources[index].kind, ResourceKind::IpAddress(_)))
        .map(|index| ResourceId(index as u16))
        .collect();
    let authentication = match said.authentication {
        AuthenticationWord::Mixed => Authentication::Mixed,
        AuthenticationWord::WindowsOnly => Authentication::WindowsOnly,
    };
    let logging = Logging { server: server?, authentication };
    let topology = Topology {
        profile,
        cluster: Shared::new(cluster),
        nodes,
        addresses,
        network_names,
        endpoint,
        hosts,
        certificates: Shared::new(certificates),
        workers: machines,
        catalog_startup,
        logging,
        timings,
        promises: Promises { reconnect_within: promises.workers_reconnect.0 },
    };
    Some(ResolvedTopology { topology, names, role, master, network_name })
}

const fn profile_of(word: ProfileWord) -> Profile {
    match word {
        ProfileWord::Windows2012R2 => Profile::Windows2012R2,
        ProfileWord::Windows2016 => Profile::Windows2016,
        ProfileWord::Windows2019 => Profile::Windows2019,
        ProfileWord::Windows2022 => Profile::Windows2022,
    }
}

struct Builder<'f> {
    faults: &'f mut Vec<Fault>,
    names: Names,
    hosts: Vec<Target>,
    network_names: Vec<NetworkName>,
    certificates: Vec<Certificate>,
}

impl Builder<'_> {
    /// The role of the master, the master's resource, and the network name in that role, or, where it has none, the one
    /// that workers use.
    fn endpoint(
        &mut self,
        config: &ClusterConfig,
        workers: &[WorkerMachine],
        place: Span,
    ) -> Option<(RoleId, ResourceId, ResourceId)> {
        let find = |is: &dyn Fn(&ResourceConfig) -> bool| {
            config.resources.iter().position(is).map(|index| ResourceId(index as u16))
        };
        let master = find(&|resource| resource.kind == ResourceKind::ScaleOutMaster);
        let role = master.map(|master| config.resources[master.index()].role);
        let network_name = find(&|resource| {
            Some(resource.role) == role && matches!(resource.kind, ResourceKind::NetworkName(_))
        });
        let used = || {
            workers.iter().find_map(|worker| match self.hosts[worker.settings.endpoint_host.index()] {
                Target::Name(name) => Some(self.network_names[name.index()].resource),
                Target::Node(_) | Target::Cluster(_) | Target::Nobody => None,
            })
        };
        match (role, master, network_name.or_else(used)) {
            (Some(role), Some(master), Some(network_name)) => Some((role, master, network_name)),
            (None, ..) | (_, None, _) => self.complain(
                "no role has a `scale_out_master` resource",
                "step 6 of the guide adds it",
                place,
            ),
            (Some(_), Some(_), None) => self.complain(
                "the role of the master has no `network_name` resource, and no worker uses another one",
                "workers find the master by the network name of its role",
                place,
            ),
        }
    }

    fn complain<T>(&mut self, message: &str, hint: &str, place: Span) -> Option<T> {
        self.faults.push(Fault::new(message, place).with_label("in this topology").with_hint(hint));
        None
    }
}
