//! How does a topology file become a topology?

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use failover_sim::choices::Spread;
use failover_sim::cluster::{
    ClusterConfig, ClusterProperties, FailbackWindow, NodeConfig, Profile, ResourceConfig, ResourceKind,
    RoleConfig, Witness,
};
use failover_sim::names::{
    AddressId, CertificateId, HostId, NODES_MAX, NameId, Names, NodeId, NodeSet, RESOURCES_MAX, ROLES_MAX,
    ResourceId, RoleId,
};
use failover_sim::scaleout::{MasterSettings, WorkerSettings};
use failover_sim::settings_file::endpoint;
use failover_sim::step::Shared;
use failover_sim::topology::{
    ADDRESSES_MAX, Authentication, CatalogStartup, HOST_RECORD_TTL, Logging, NetworkName, Node, Program,
    Promises, Target, Timings, Topology, WorkerMachine,
};
use failover_sim::trust::{Certificate, Thumbprint, ThumbprintError};

use crate::plan::{NodeWord, Overrides};

use super::diagnostic::Fault;
use super::document::SetCluster;
use super::nearest;
use super::read::At;
use super::resource_policy::policy;
use super::sections::split;
use super::setting::setting;
use super::topology_document::{
    AuthenticationWord, BindingWord, CatalogStartupWord, Certificates, ClusterDocument, EnabledWord,
    FailbackWord, KeyAccessWord, LoggingDocument, NodeDocument, PARTS, PrivateKeyWord, ProfileWord,
    PromisesDocument, ResourceDocument, ResourceWord, RoleDocument, SpreadDocument, TimingsDocument,
    WitnessWord, WorkersDocument,
};
use super::tree::{Span, Tree};

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

/// The subnets that a topology names, by number; the one without a name is the first.
#[derive(Default)]
struct Subnets(Vec<String>);

impl Subnets {
    fn number(&mut self, name: Option<&str>) -> u8 {
        let Some(name) = name else { return 0 };
        let known = self.0.iter().position(|known| known == name);
        let place = known.unwrap_or_else(|| {
            self.0.push(name.to_owned());
            self.0.len() - 1
        });
        u8::try_from(place + 1).expect("no more subnets than nodes")
    }

    fn known(&self) -> Vec<String> {
        self.0.clone()
    }
}

impl Builder<'_> {
    fn host(&mut self, name: &str) -> HostId {
        let host = self.names.intern_host(name);
        if self.hosts.len() <= host.index() {
            self.hosts.push(Target::Nobody);
        }
        host
    }

    fn host_at(&mut self, name: &str, target: Target) -> HostId {
        let host = self.host(name);
        self.hosts[host.index()] = target;
        host
    }

    /// An address that leads here, and nowhere else.
    fn address(&mut self, address: &At<String>, target: Target) {
        let host = self.host(&address.value);
        if self.hosts[host.index()] != Target::Nobody {
            self.faults.push(twice("address", address));
        }
        self.hosts[host.index()] = target;
    }

    fn declare_nodes(&mut self, nodes: &[At<NodeDocument>], place: Span) {
        if nodes.is_empty() || nodes.len() > NODES_MAX {
            let message = format!("a cluster has 1 to {NODES_MAX} nodes, found {}", nodes.len());
            self.faults.push(Fault::new(message, place).with_label("in this topology"));
        }
        for (index, node) in nodes.iter().enumerate().take(NODES_MAX) {
            let name = &node.value.name;
            if self.names.nodes.contains(&name.value) {
                self.faults.push(twice("node", name));
            }
            if NodeWord::RESERVED.iter().any(|(word, _)| *word == name.value) {
                let message = format!("no node can be called `{}`", name.value);
                self.faults.push(Fault::new(message, name.span).with_label("a word of scenarios"));
            }
            self.names.nodes.push(name.value.clone());
            let target = Target::Node(NodeId(index as u8));
            self.host_at(&name.value, target);
            self.address(&node.value.address, target);
        }
    }

    fn declare_certificates(&mut self, certificates: &Certificates) {
        for (name, document) in certificates {
            let common_names = document.common_names.iter().map(|name| self.host(name)).collect();
            let alternative_names = document
                .alternative_names
                .as_ref()
                .map(|names| names.iter().map(|name| self.host(name)).collect());
            let expires_after_secs = document.expires_after.map(|length| length.0.as_secs());
            let thumbprint = document.thumbprint.as_ref().and_then(|text| self.thumbprint(text));
            self.certificate(name, common_names, alternative_names, expires_after_secs, thumbprint);
        }
    }

    fn thumbprint(&mut self, text: &At<String>) -> Option<Thumbprint> {
        let read = text.value.parse();
        if let Err(ThumbprintError { digits }) = read {
            let fault = Fault::new(format!("`{}` is no thumbprint", text.value), text.span);
            self.faults.push(fault.with_label(format!("expected 40 hexadecimal digits, found {digits}")));
        }
        read.ok()
    }

    fn certificate(
        &mut self,
        name: &str,
        common_names: Vec<HostId>,
        alternative_names: Option<Vec<HostId>>,
        expires_after_secs: Option<u64>,
        own: Option<Thumbprint>,
    ) -> CertificateId {
        let id = CertificateId(self.certificates.len() as u16);
        let thumbprint = own.unwrap_or_else(|| thumbprint(name));
        self.names.certificates.push(name.to_owned());
        self.certificates.push(Certificate {
            common_names,
            alternative_names,
            expires_after_secs,
            thumbprint,
        });
        id
    }

    fn find<T>(
        &mut self,
        kind: &str,
        name: &At<String>,
        known: &[String],
        id: impl Fn(usize) -> T,
    ) -> Option<T> {
        let found = known.iter().position(|other| *other == name.value);
        if found.is_none() {
            let mut fault = Fault::new(format!("there is no {kind} `{}`", name.value), name.span)
                .with_label("not in this topology");
            fault.hint = nearest::hint(&name.value, known.iter().map(String::as_str));
            self.faults.push(fault);
        }
        found.map(id)
    }

    fn find_certificate(&mut self, name: &At<String>) -> Option<CertificateId> {
        let known = self.names.certificates.clone();
        self.find("certificate", name, &known, |index| CertificateId(index as u16))
    }

    fn find_nodes(&mut self, names: &[At<String>]) -> Vec<NodeId> {
        let known = self.names.nodes.clone();
        names.iter().filter_map(|name| self.find("node", name, &known, |index| NodeId(index as u8))).collect()
    }

    fn cluster(
        &mut self,
        profile: Profile,
        document: &ClusterDocument,
        nodes: &[At<NodeDocument>],
        roles: &[At<RoleDocument>],
    ) -> ClusterConfig {
        let mut properties = profile.properties();
        if let Some(set) = &document.properties {
            set_properties(&mut properties, set, self.faults);
        }
        let mut subnets = Subnets::default();
        let mut config = ClusterConfig {
            properties,
            nodes: nodes
                .iter()
                .map(|node| NodeConfig {
                    has_vote: self.has_vote(&node.value),
                    subnet: subnets.number(node.value.subnet.as_deref()),
                })
                .collect(),
            witness: match document.witness {
                WitnessWord::Disk => Some(Witness::Disk),
                WitnessWord::FileShare => Some(Witness::FileShare),
                WitnessWord::Cloud => Some(Witness::Cloud),
                WitnessWord::None => None,
            },
            begins_at: self.begins_at(document),
            roles: Vec::new(),
            resources: Vec::new(),
        };
        for (index, role) in roles.iter().enumerate() {
            if index >= ROLES_MAX {
                let message = format!("more than {ROLES_MAX} roles");
                self.faults.push(Fault::new(message, role.span).with_label("one too many"));
                break;
            }
            let room = RESOURCES_MAX - config.resources.len();
            if let Some(resource) = role.value.resources.get(room) {
                let message = format!("more than {RESOURCES_MAX} resources");
                self.faults.push(Fault::new(message, resource.name.span).with_label("one too many"));
                break;
            }
            self.role(RoleId(index as u8), &role.value, &mut subnets, &mut config);
        }
        config
    }

    fn has_vote(&mut self, document: &NodeDocument) -> bool {
        let Some(At { span, value }) = document.node_weight else { return true };
        if value > 1 {
            let fault = Fault::new("NodeWeight is out of its limits", span);
            self.faults.push(fault.with_label("expected 0 or 1"));
        }
        value > 0
    }

    fn role(
        &mut self,
        id: RoleId,
        document: &RoleDocument,
        subnets: &mut Subnets,
        config: &mut ClusterConfig,
    ) {
        if self.names.roles.contains(&document.name.value) {
            self.faults.push(twice("role", &document.name));
        }
        self.names.roles.push(document.name.value.clone());
        let first = config.resources.len();
        let own: Vec<String> =
            document.resources.iter().map(|resource| resource.name.value.clone()).collect();
        for (index, resource) in document.resources.iter().enumerate() {
            let elsewhere = &self.names.resources[..first];
            if own[..index].contains(&resource.name.value) || elsewhere.contains(&resource.name.value) {
                self.faults.push(twice("resource", &resource.name));
            }
            let resolved = self.resource(id, resource, (&own, first), subnets, config);
            let holds = |kind| matches!(kind, ResourceKind::SqlServer | ResourceKind::AvailabilityGroup);
            if holds(resolved.kind) && config.resources.iter().any(|other| holds(other.kind)) {
                let message = format!("`{}` is the second resource with an SSISDB", resource.name.value);
                let fault = Fault::new(message, resource.kind.span);
                self.faults.push(
                    fault.with_label("expected one `sql_server`, or one `availability_group`, in all roles"),
                );
            }
            config.resources.push(resolved);
            self.names.resources.push(resource.name.value.clone());
        }
        self.resolve_names(document, first, config);
        self.refuse_cycles(document, first, config);
        config.roles.push(RoleConfig {
            preferred_owners: self.find_nodes(&document.preferred_owners),
            auto_failback: document.auto_failback == FailbackWord::Allow,
            priority: document.priority.into(),
            failback_window: self.failback_window(document),
            failover_threshold: document.failover_threshold,
            failover_period: self.failover_period(document),
            resources: (first..config.resources.len()).map(|index| ResourceId(index as u16)).collect(),
        });
    }

    fn begins_at(&mut self, document: &ClusterDocument) -> Duration {
        let Some(At { span, value }) = &document.begins_at else { return NOON };
        if value.0 >= DAY {
            let fault = Fault::new("`begins_at` is no time of the day", *span);
            self.faults.push(fault.with_label("expected less than 24h"));
        }
        value.0
    }

    fn failback_window(&mut self, document: &RoleDocument) -> Option<FailbackWindow> {
        let (start, end) = (document.failback_window_start.as_ref(), document.failback_window_end.as_ref());
        for hour in start.into_iter().chain(end).filter(|hour| hour.value > 23) {
            let fault = Fault::new("an hour of the failback window is out of its limits", hour.span);
            self.faults.push(fault.with_label("expected 0 to 23"));
        }
        match (start, end) {
            (None, None) => None,
            (Some(start), Some(end)) => Some(FailbackWindow { start: start.value, end: end.value }),
            // Both must be set (FailbackWindowStart, documented).
            (Some(only), None) | (None, Some(only)) => {
                let fault = Fault::new("half a failback window", only.span);
                self.faults
                    .push(fault.with_label("expected both `FailbackWindowStart` and `FailbackWindowEnd`"));
                None
            }
        }
    }

    fn failover_period(&mut self, document: &RoleDocument) -> Duration {
        let Some(At { span, value: hours }) = document.failover_period else {
            return Duration::from_secs(6 * 3_600);
        };
        if hours > FAILOVER_PERIOD_MAX {
            let fault = Fault::new("FailoverPeriod is out of its limits", span);
            self.faults.push(fault.with_label(format!("expected 0 to {FAILOVER_PERIOD_MAX} hours")));
        }
        Duration::from_secs(3_600 * hours.min(FAILOVER_PERIOD_MAX))
    }

    fn resource(
        &mut self,
        role: RoleId,
        document: &ResourceDocument,
        (own, first): (&[String], usize),
        subnets: &mut Subnets,
        config: &ClusterConfig,
    ) -> ResourceConfig {
        let kind = match document.kind.value {
            ResourceWord::PhysicalDisk => ResourceKind::PhysicalDisk,
            ResourceWord::IpAddress => {
                let is_address = |other: &&ResourceConfig| matches!(other.kind, ResourceKind::IpAddress(_));
                let address = AddressId(config.resources.iter().filter(is_address).count() as u16);
                match &document.address {
                    Some(text) => self.address(text, Target::Cluster(address)),
                    None => self.lacks("address", document),
                }
                ResourceKind::IpAddress(address)
            }
            ResourceWord::NetworkName => match &document.host {
                Some(name) => ResourceKind::NetworkName(self.host(&name.value)),
                None => {
                    self.lacks("host", document);
                    ResourceKind::NetworkName(HostId(0))
                }
            },
            ResourceWord::SqlServer => ResourceKind::SqlServer,
            ResourceWord::SqlServerAgent => ResourceKind::SqlServerAgent,
            ResourceWord::AvailabilityGroup => ResourceKind::AvailabilityGroup,
            ResourceWord::ScaleOutMaster => ResourceKind::ScaleOutMaster,
        };
        let mut resources = |names: &[At<String>]| -> Vec<ResourceId> {
            let id = |index| ResourceId((first + index) as u16);
            names.iter().filter_map(|name| self.find("resource", name, own, id)).collect()
        };
        let (depends_on, depends_on_any) =
            (resources(&document.depends_on), resources(&document.depends_on_any));
        let possible_owners = match &document.possible_owners {
            Some(names) => self.find_nodes(names).into_iter().collect(),
            None => NodeSet::first(config.nodes.len()),
        };
        let policy = policy(document, self.faults);
        let subnet = document.subnet.as_ref();
        let known = subnets.known();
        if let Some(name) = subnet.filter(|name| !known.contains(&name.value)) {
            self.find("subnet", name, &known, |_| ());
        }
        let subnet = subnets.number(subnet.map(|name| name.value.as_str()));
        ResourceConfig { role, kind, depends_on, depends_on_any, subnet, possible_owners, policy }
    }

    fn lacks(&mut self, field: &str, document: &ResourceDocument) {
        let message = format!("the resource `{}` needs `{field}`", document.name.value);
        self.faults.push(Fault::new(message, document.kind.span).with_label("for this type"));
    }

    /// A network name leads to the addresses that it depends on.
    fn resolve_names(&mut self, document: &RoleDocument, first: usize, config: &ClusterConfig) {
        let is_sql_server = |other: &ResourceDocument| {
            matches!(other.kind.value, ResourceWord::SqlServer | ResourceWord::AvailabilityGroup)
        };
        let of_sql_server = document.resources.iter().any(is_sql_server);
        for (index, resource) in document.resources.iter().enumerate() {
            let own = &config.resources[first + index];
            let ResourceKind::NetworkName(host) = own.kind else { continue };
            let addresses: Vec<AddressId> = own
                .providers()
                .filter_map(|provider| match config.resources[provider.index()].kind {
                    ResourceKind::IpAddress(address) => Some(address),
                    ResourceKind::PhysicalDisk
                    | ResourceKind::NetworkName(_)
                    | ResourceKind::SqlServer
                    | ResourceKind::SqlServerAgent
                    | ResourceKind::AvailabilityGroup
                    | ResourceKind::ScaleOutMaster => None,
                })
                .collect();
            if addresses.is_empty() || addresses.len() > ADDRESSES_MAX {
                let message = match addresses.len() {
                    0 => format!("the network name `{}` depends on no IP address", resource.name.value),
                    many => {
                        format!("`{}` has {many} addresses, {ADDRESSES_MAX} at most", resource.name.value)
                    }
                };
                let fault = Fault::new(message, resource.name.span).with_label("leads nowhere");
                self.faults
                    .push(fault.with_hint("add an `ip_address` resource of this role to its `depends_on`"));
            }
            // Set-up of SQL Server turns it on where the addresses are alternatives (multi-subnet clustering, documented),
            // and so does SQL Server for the listener of an availability group (listener overview, documented).
            let usual = of_sql_server && !own.depends_on_any.is_empty();
            let registers_all = match resource.register_all_providers_ip.as_ref() {
                None => usual,
                Some(At { value: 0, .. }) => false,
                Some(At { value: 1, .. }) => true,
                Some(At { span, .. }) => {
                    let fault = Fault::new("RegisterAllProvidersIP is out of its limits", *span);
                    self.faults.push(fault.with_label("expected 0 or 1"));
                    usual
                }
            };
            let ttl = resource.host_record_ttl.as_ref().map_or(HOST_RECORD_TTL, |ttl| ttl.value.0);
            self.hosts[host.index()] = Target::Name(NameId(self.network_names.len() as u16));
            let resource = ResourceId((first + index) as u16);
            self.network_names.push(NetworkName { resource, addresses, registers_all, ttl });
        }
    }

    fn refuse_cycles(&mut self, document: &RoleDocument, first: usize, config: &ClusterConfig) {
        // A resource whose providers are all settled is settled; what is left at the end goes round in circles.
        let count = config.resources.len() - first;
        let mut settled = vec![false; count];
        for _ in 0..count {
            for index in 0..count {
                let mut providers = config.resources[first + index].providers();
                settled[index] = providers.all(|provider| settled[provider.index() - first]);
            }
        }
        if let Some(index) = settled.iter().position(|settled| !settled) {
            let name = &document.resources[index].name;
            let message = format!("the resource `{}` depends on itself in the end", name.value);
            self.faults.push(Fault::new(message, name.span).with_label("in a circle of `depends_on`"));
        }
    }

    fn workers(&mut self, groups: &[At<WorkersDocument>]) -> Vec<WorkerMachine> {
        let mut machines = Vec::new();
        let mut taken: BTreeSet<String> = self.names.certificates.iter().cloned().collect();
        for group in groups {
            let document = &group.value;
            let Some(settings) = self.worker_settings(document) else { continue };
            let settings = Shared::new(settings);
            let pin = self.find_certificate(&document.worker_settings.master_https_cert_thumbprint);
            let mut root: Vec<_> =
                document.root.iter().filter_map(|name| self.find_certificate(name)).collect();
            root.sort_unstable();
            let program = document.program.as_ref().map(|program| {
                Shared::new(Program { command: program.value.clone(), folder: PathBuf::new() })
            });
            if let Some(program) = document.program.as_ref().filter(|program| program.value.is_empty()) {
                let fault = Fault::new("`program` names nothing", program.span);
                self.faults.push(fault.with_label("expected `[ PROGRAM, ARGUMENT ]`"));
            }
            for number in 1..=document.count {
                let name = match document.count {
                    1 => document.name.value.clone(),
                    _ => format!("{}{number}", document.name.value),
                };
                if self.certificates.len() > usize::from(u16::MAX) {
                    let message = "more than 65,535 certificates: each worker has one".to_owned();
                    self.faults.push(Fault::new(message, document.name.span).with_label("too many workers"));
                    return machines;
                }
                if !taken.insert(name.clone()) {
                    let message = format!("there is a worker or a certificate `{name}` already");
                    let fault = Fault::new(message, document.name.span).with_label("the second of this name");
                    self.faults.push(fault.with_hint("a worker's certificate has the worker's name"));
                    break;
                }
                let own = self.certificate(&name, Vec::new(), None, None, None);
                machines.push(WorkerMachine {
                    settings: settings.clone(),
                    root: root.clone(),
                    pin,
                    own: Some(own),
                    key_readable: document.private_key == KeyAccessWord::Readable,
                    enabled: document.state == EnabledWord::Enabled,
                    program: program.clone(),
                });
                self.names.workers.push(name);
            }
        }
        machines
    }

    fn worker_settings(&mut self, document: &WorkersDocument) -> Option<WorkerSettings> {
        let file = &document.worker_settings;
        let Some((host, port)) = endpoint(&file.master_endpoint.value) else {
            let message = format!("`{}` is not an endpoint", file.master_endpoint.value);
            self.faults.push(
                Fault::new(message, file.master_endpoint.span)
                    .with_label("expected https://HOST:PORT")
                    .with_hint("step 7 of the guide: https, the SQL network name, and the master's port"),
            );
            return None;
        };
        let usual = WorkerSettings::with_endpoint(self.host(host), port);
        let or = |length: Option<super::length::Length>, usual| length.map_or(usual, |length| length.0);
        let settings = WorkerSettings {
            agent_heartbeat_interval: or(file.agent_heartbeat_interval, usual.agent_heartbeat_interval),
            task_heartbeat_interval: or(file.task_heartbeat_interval, usual.task_heartbeat_interval),
            heartbeat_error_tolerance: or(file.heartbeat_error_tollerance, usual.heartbeat_error_tolerance),
            lease_interval: or(file.lease_internval, usual.lease_interval),
            max_task_count: file.max_task_count.unwrap_or(usual.max_task_count),
            task_request_interval: or(document.task_request_interval, usual.task_request_interval),
            request_timeout: document.request_timeout.map(|length| length.0),
            retry_interval: document.retry_interval.map(|length| length.0),
            ..usual
        };
        let times = [
            ("AgentHeartbeatInterval", settings.agent_heartbeat_interval),
            ("TaskHeartbeatInterval", settings.task_heartbeat_interval),
            ("LeaseInternval", settings.lease_interval),
            ("task_request_interval", settings.task_request_interval),
            ("request_timeout", settings.request_timeout.unwrap_or(Duration::MAX)),
            ("retry_interval", settings.retry_interval.unwrap_or(Duration::MAX)),
        ];
        self.refuse_zero(&times, document.name.span);
        Some(settings)
    }

    /// A rhythm without a period would never let time go on.
    fn refuse_zero(&mut self, times: &[(&str, Duration)], place: Span) {
        for (what, time) in times {
            if time.is_zero() {
                let message = format!("`{what}` must be longer than zero");
                self.faults.push(Fault::new(message, place).with_label("here"));
            }
        }
    }

    fn nodes(&mut self, documents: &[At<NodeDocument>], workers: &[WorkerMachine]) -> Vec<Node> {
        let every_worker: Vec<CertificateId> = workers.iter().filter_map(|worker| worker.own).collect();
        let mut nodes = Vec::new();
        for document in documents {
            let document = &document.value;
            let mut root = Vec::new();
            for name in &document.root {
                if name.value == "workers" {
                    root.extend(&every_worker);
                } else {
                    root.extend(self.find_certificate(name));
                }
            }
            root.sort_unstable();
            root.dedup();
            let file = &document.master_settings;
            let usual = MasterSettings::with_sql_server(self.host(&file.sql_server_name.value));
            let millis = |value: Option<u64>, usual| value.map_or(usual, Duration::from_millis);
            let settings = MasterSettings {
                port: file.port_number.unwrap_or(usual.port),
                heartbeat_interval: millis(file.master_heartbeat_interval_in_ms, usual.heartbeat_interval),
                sweep_interval: millis(file.deal_with_expired_tasks_interval_in_ms, usual.sweep_interval),
                sql_connection_timeout: file
                    .sql_connection_timeout_in_secs
                    .map_or(usual.sql_connection_timeout, Duration::from_secs),
                ..usual
            };
            let times = [
                ("MasterHeartbeatIntervalInMs", settings.heartbeat_interval),
                ("DealWithExpiredTasksIntervalInMs", settings.sweep_interval),
            ];
            self.refuse_zero(&times, document.name.span);
            // A name that nobody knows is a fault, bound or not.
            let bound = self.find_certificate(&file.ssl_cert_thumbprint);
            nodes.push(Node {
                root,
                binding: bound.filter(|_| document.https_binding == BindingWord::Present),
                private_key: document.private_key == PrivateKeyWord::Present,
                master_settings: Shared::new(settings),
            });
        }
        nodes
    }

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

fn twice(kind: &str, name: &At<String>) -> Fault {
    Fault::new(format!("the {kind} `{}` is there twice", name.value), name.span).with_label("the second")
}

/// A stand-in for the thumbprint of a certificate that does not exist as a file.
fn thumbprint(name: &str) -> Thumbprint {
    let text = format!("the certificate `{name}` of a topology");
    let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    let mut bytes = [0; 20];
    bytes.copy_from_slice(digest.as_ref());
    Thumbprint(bytes)
}

const NOON: Duration = Duration::from_secs(12 * 3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// The longest `FailoverPeriod` in hours (FailoverPeriod of MsCS, documented).
const FAILOVER_PERIOD_MAX: u64 = 1_193;

/// Takes over the properties that are set, each within the limits that Windows has for it
/// (SameSubnetDelay and its siblings in MsCS, documented).
pub(super) fn set_properties(properties: &mut ClusterProperties, set: &SetCluster, faults: &mut Vec<Fault>) {
    let mut within = |what: &str, span: Span, is_within: bool, limits: &str| {
        if !is_within {
            faults.push(Fault::new(format!("{what} is out of its limits"), span).with_label(limits));
        }
    };
    let millis = |delay: &At<super::length::Length>| delay.value.0.as_millis();
    if let Some(delay) = &set.same_subnet_delay {
        within("SameSubnetDelay", delay.span, (250..=2_000).contains(&millis(delay)), "expected 250ms to 2s");
    }
    if let Some(delay) = &set.cross_subnet_delay {
        within(
            "CrossSubnetDelay",
            delay.span,
            (250..=4_000).contains(&millis(delay)),
            "expected 250ms to 4s",
        );
    }
    for (what, threshold) in [
        ("SameSubnetThreshold", &set.same_subnet_threshold),
        ("CrossSubnetThreshold", &set.cross_subnet_threshold),
    ] {
        if let Some(threshold) = threshold {
            within(what, threshold.span, (3..=120).contains(&threshold.value), "expected 3 to 120");
        }
    }
    if let Some(delay) = &set.same_subnet_delay {
        properties.same_subnet_delay = delay.value.0;
    }
    if let Some(threshold) = &set.same_subnet_threshold {
        properties.same_subnet_threshold = Some(threshold.value);
    }
    if let Some(delay) = &set.cross_subnet_delay {
        properties.cross_subnet_delay = delay.value.0;
    }
    if let Some(threshold) = &set.cross_subnet_threshold {
        properties.cross_subnet_threshold = Some(threshold.value);
    }
    if let Some(threshold) = &set.quarantine_threshold {
        properties.quarantine_threshold = threshold.value;
    }
    if let Some(duration) = &set.quarantine_duration {
        properties.quarantine_duration = Some(duration.value.0);
    }
    if let Some(level) = &set.resiliency_level {
        properties.resiliency_level = Some(level.value.into());
    }
    if let Some(period) = &set.resiliency_default_period {
        properties.resiliency_default_period = period.value.0;
    }
}

fn timings_of(document: &TimingsDocument, faults: &mut Vec<Fault>) -> Timings {
    let usual = Timings::DEFAULT;
    let mut spread = |document: Option<At<SpreadDocument>>, usual: Spread| {
        let Some(At { span, value }) = document else { return usual };
        let spread = Spread { least: value.least.0, mode: value.mode.0, most: value.most.0 };
        if !(spread.least <= spread.mode && spread.mode <= spread.most) {
            let fault =
                Fault::new("the times are out of order", span).with_label("expected least <= mode <= most");
            faults.push(fault);
            return usual;
        }
        spread
    };
    let timings = Timings {
        link: spread(document.link, usual.link),
        regroup: spread(document.regroup, usual.regroup),
        join: spread(document.join, usual.join),
        service_restart: document.service_restart.map_or(usual.service_restart, |length| length.0),
        boot: document.boot.map_or(usual.boot, |length| length.0),
        disk_online: spread(document.disk_online, usual.disk_online),
        ip_address_online: spread(document.ip_address_online, usual.ip_address_online),
        network_name_online: spread(document.network_name_online, usual.network_name_online),
        sql_server_online: spread(document.sql_server_online, usual.sql_server_online),
        recovery: spread(document.recovery, usual.recovery),
        agent_online: spread(document.agent_online, usual.agent_online),
        availability_group_online: spread(
            document.availability_group_online,
            usual.availability_group_online,
        ),
        master_online: spread(document.master_online, usual.master_online),
        master_serves: spread(document.master_serves, usual.master_serves),
        sql_server_offline: spread(document.sql_server_offline, usual.sql_server_offline),
        offline: spread(document.offline, usual.offline),
    };
    // Without a quorum a starting node tries again after this time; without it time would never go on.
    if let Some(join) = document.join.filter(|_| timings.join.most.is_zero()) {
        let fault = Fault::new("`join` must be longer than zero at times", join.span);
        faults.push(fault.with_label("expected a `most` longer than zero"));
    }
    timings
}
