//! Which parts of a snapshot belong together?
//!
//! The master's resource and role, the network name that workers should use, the certificate that they pin, the port:
//! found once, with the reason where it cannot be found, and used by every rule.

use failover_sim::settings_file::endpoint;

use crate::guide::snapshot::{
    Certificate, Cluster, MasterFile, Moment, Node, PrivateKey, Resource, Service, Snapshot, Worker,
    WorkerFile,
};

/// What was found, or why nobody could look.
pub(in crate::guide) type Found<T> = Result<T, String>;

/// A snapshot with what follows from it.
pub(in crate::guide) struct Setup<'s> {
    pub(in crate::guide) snapshot: &'s Snapshot,
    /// The master's Generic Service.
    pub(in crate::guide) master: Found<&'s Resource>,
    /// The instance, or the availability group that holds SSISDB.
    pub(in crate::guide) sql_server: Found<&'s Resource>,
    /// The Network Name that workers should use: that of the master's role, or else that of the instance's.
    pub(in crate::guide) network_name: Found<&'s Resource>,
    /// The name by which settings files mean it: see [`noted`].
    pub(in crate::guide) noted: Found<String>,
    /// The name of the instance that holds SSISDB: the same, unless the master has a role of its own.
    pub(in crate::guide) instance: Found<String>,
    /// The thumbprint that workers should pin: that of the certificate on which all nodes agree, else the one that most workers
    /// pin.
    pub(in crate::guide) pin: Found<String>,
    /// The thumbprint that most masters name.
    pub(in crate::guide) presented: Option<String>,
    /// The port that most masters listen on.
    pub(in crate::guide) port: Found<u16>,
}

impl<'s> Setup<'s> {
    pub(in crate::guide) fn of(snapshot: &'s Snapshot) -> Self {
        let master = master(&snapshot.cluster);
        let sql_server = sql_server(snapshot, master.as_ref().ok().copied());
        let network_name = network_name(&snapshot.cluster, master.as_ref().ok(), sql_server.as_ref().ok());
        let registered = network_name.clone().and_then(dns_name);
        let apart = match (&master, &sql_server) {
            (Ok(master), Ok(sql_server)) if has_its_own_name(&snapshot.cluster, master, sql_server) => {
                Some(sql_server)
            }
            (Ok(_) | Err(_), _) => None,
        };
        let noted =
            registered.map(|name| noted(snapshot, name, apart.is_none()).unwrap_or_else(|| name.to_owned()));
        let instance = match apart {
            Some(sql_server) => {
                network_name_of(&snapshot.cluster, sql_server).and_then(dns_name).map(str::to_owned)
            }
            None => noted.clone(),
        };
        let pin = most(snapshot.workers.iter().filter_map(|worker| worker_file(worker).ok()?.pin.into()))
            .map(|pinned| agreed(snapshot).unwrap_or(pinned))
            .ok_or_else(|| "no worker's settings were seen".to_owned());
        let presented =
            most(snapshot.nodes.iter().filter_map(|node| Some(master_file(node).ok()?.thumbprint)));
        let port = most(snapshot.nodes.iter().filter_map(|node| Some(master_file(node).ok()?.port)))
            .ok_or_else(|| "no node's settings were seen".to_owned());
        Self { snapshot, master, sql_server, network_name, noted, instance, pin, presented, port }
    }

    /// The addresses of the network name.
    pub(in crate::guide) fn addresses(&self) -> Found<Vec<&'s str>> {
        let role = &self.network_name.clone()?.role;
        let resources = self.snapshot.cluster.resources.seen()?;
        let of_role = resources.iter().filter(|one| one.role == *role && one.kind == "IP Address");
        let found: Vec<&str> =
            of_role.filter_map(|one| one.parameters.get("Address")).map(String::as_str).collect();
        if found.is_empty() {
            return Err(format!("the role `{role}` has no IP Address resource with an address"));
        }
        Ok(found)
    }

    /// The certificate that workers should pin, from whichever store has it.
    pub(in crate::guide) fn master_certificate(&self) -> Found<&'s Certificate> {
        let pin = self.pin.clone()?;
        let nodes = self.snapshot.nodes.iter().flat_map(|node| [&node.root, &node.my]);
        let workers = self.snapshot.workers.iter().map(|worker| &worker.root);
        let stores = nodes.chain(workers).filter_map(|store| store.seen().ok());
        let found = stores.flatten().find(|certificate| certificate.thumbprint == pin);
        found.ok_or_else(|| format!("no store that was seen has the certificate {pin}"))
    }

    /// Whether this host name, of whatever length, or address is a node's.
    pub(in crate::guide) fn is_a_node(&self, host: &str) -> bool {
        is_a_node(self.snapshot, host)
    }

    /// The forms of the network name in which workers ask for it.
    pub(in crate::guide) fn asked(&self, noted: &str) -> Vec<String> {
        let mut asked: Vec<String> = Vec::new();
        for file in self.snapshot.workers.iter().filter_map(|worker| worker_file(worker).ok()) {
            let host = endpoint(&file.endpoint).map(|(host, _)| host).filter(|host| same_host(host, noted));
            asked.extend(
                host.filter(|host| !asked.iter().any(|known| known.eq_ignore_ascii_case(host)))
                    .map(str::to_owned),
            );
        }
        asked
    }

    /// The account that the master of a node should have: its own if it is one of a domain, else that of the owner node, else that
    /// of another; `None` if no master has one.
    pub(in crate::guide) fn domain_account(&self, node: &Node) -> Option<&'s str> {
        let owner = self.owner();
        let of_snapshot = || self.snapshot.nodes.iter();
        let is_owner = |other: &&Node| owner.is_some_and(|owner| same_host(owner, &other.name));
        let own = of_snapshot().filter(|other| other.name == node.name);
        let all = own.chain(of_snapshot().filter(is_owner)).chain(of_snapshot());
        let accounts = all.filter_map(|other| Some(master_service(other).ok()?.account.as_str()));
        accounts.into_iter().find(|account| !is_local(account))
    }

    /// The owner node of the master's role, or else of the instance's.
    pub(in crate::guide) fn owner(&self) -> Option<&'s str> {
        let role = &self.master.as_ref().or(self.sql_server.as_ref()).ok()?.role;
        let roles = self.snapshot.cluster.roles.seen().ok()?;
        roles.iter().find(|one| one.name == *role).map(|one| one.owner.as_str())
    }

    /// Whether SSISDB is in an availability group.
    pub(in crate::guide) fn is_availability_group(&self) -> bool {
        self.sql_server.as_ref().is_ok_and(|one| one.kind == AVAILABILITY_GROUP)
    }

    /// What a client names to reach SSISDB: as the settings have it where they are right.
    pub(in crate::guide) fn server(&self) -> String {
        let instance = self.instance.clone().unwrap_or_else(|_| "localhost".to_owned());
        let files = self.snapshot.nodes.iter().filter_map(|node| master_file(node).ok());
        let mut right = files
            .map(|file| file.sql_server)
            .filter(|name| same_host(sql_host(name), &instance) && !name.contains('/'));
        right.next().unwrap_or(instance)
    }

    /// The instances of the nodes, where each has its own.
    pub(in crate::guide) fn replicas(&self) -> Vec<String> {
        if !self.is_availability_group() {
            return Vec::new();
        }
        let instance = |node: &Node| {
            let named = node.services.seen().ok()?.iter().find_map(|one| one.name.strip_prefix("MSSQL$"))?;
            Some(format!("{}\\{named}", node.name))
        };
        let nodes = self.snapshot.nodes.iter();
        nodes.map(|node| instance(node).unwrap_or_else(|| node.name.clone())).collect()
    }

    /// The port on which the master of a node listens: as the script had it, where the node's settings do not say it.
    pub(in crate::guide) fn port_of(&self, node: &Node) -> Found<u16> {
        master_file(node).map(|file| file.port).or_else(|why| self.port.clone().map_err(|_| why))
    }

    /// Whether workers come to an address that is bound: any, or one of the role's.
    pub(in crate::guide) fn is_for_workers(&self, ip_port: &str) -> bool {
        let address = address_of(ip_port);
        let moves = self.addresses().unwrap_or_default();
        ["0.0.0.0", "[::]"].contains(&address) || moves.contains(&address)
    }

    /// A reason for each member of the cluster that the snapshot has nothing of.
    pub(in crate::guide) fn nodes_not_seen(&self) -> Vec<String> {
        let members = self.snapshot.cluster.nodes.seen();
        let is_there = |name: &str| self.snapshot.nodes.iter().any(|node| same_host(&node.name, name));
        let missing = members.into_iter().flatten().filter(|member| !is_there(&member.name));
        missing.map(|member| format!("the snapshot has nothing from {}", member.name)).collect()
    }

    /// When the snapshot was made.
    pub(in crate::guide) const fn now(&self) -> Moment {
        self.snapshot.collected_at
    }
}

/// The address in front of a port.
pub(in crate::guide) fn address_of(ip_port: &str) -> &str {
    ip_port.rsplit_once(':').map_or(ip_port, |(address, _)| address)
}

fn master(cluster: &Cluster) -> Found<&Resource> {
    let mut services = cluster.resources.seen()?.iter().filter(|resource| resource.kind == "Generic Service");
    let name =
        |resource: &Resource| resource.parameters.get("ServiceName").is_some_and(|name| is_master(name));
    services.rfind(|resource| name(resource)).ok_or_else(|| NO_MASTER.to_owned())
}

/// The instance or availability group that holds SSISDB, of those that the cluster has: the one in the master's role, else
/// the one whose network name the settings ask for, else the first instance, else the first group.
fn sql_server<'s>(snapshot: &'s Snapshot, master: Option<&Resource>) -> Found<&'s Resource> {
    let resources = snapshot.cluster.resources.seen()?;
    let all = || {
        let of_kind = |kind: &'static str| resources.iter().filter(move |one| one.kind == kind);
        of_kind(INSTANCE).chain(of_kind(AVAILABILITY_GROUP))
    };
    let files = || snapshot.nodes.iter().filter_map(|node| master_file(node).ok());
    let is_asked_for = |one: &&Resource| {
        let name = network_name_of(&snapshot.cluster, one).and_then(dns_name);
        name.is_ok_and(|name| files().any(|file| same_host(sql_host(&file.sql_server), name)))
    };
    all()
        .find(|one| master.is_some_and(|master| master.role == one.role))
        .or_else(|| all().find(is_asked_for))
        .or_else(|| all().next())
        .ok_or_else(|| {
            format!(
                "the cluster has no resource of type `{INSTANCE}`, and none of type `{AVAILABILITY_GROUP}`"
            )
        })
}

fn network_name<'s>(
    cluster: &'s Cluster,
    master: Option<&&Resource>,
    sql_server: Option<&&Resource>,
) -> Found<&'s Resource> {
    cluster.resources.seen()?;
    let of_role = |one: &&Resource| network_name_of(cluster, one).ok();
    let found = master.and_then(of_role).or_else(|| sql_server.and_then(of_role));
    found.ok_or_else(|| "neither the master's role nor the instance's has a network name".to_owned())
}

/// The Network Name in the role of a resource.
pub(in crate::guide) fn network_name_of<'s>(
    cluster: &'s Cluster,
    resource: &Resource,
) -> Found<&'s Resource> {
    let mut of_role = cluster.resources.seen()?.iter().filter(|other| other.role == resource.role);
    let found = of_role.find(|other| other.kind == "Network Name");
    found.ok_or_else(|| format!("the role `{}` has no network name", resource.role))
}

/// Whether the master is in a role of its own with a client access point.
fn has_its_own_name(cluster: &Cluster, master: &Resource, sql_server: &Resource) -> bool {
    master.role != sql_server.role && network_name_of(cluster, master).is_ok()
}

/// The host name that a Network Name registers.
pub(in crate::guide) fn dns_name(resource: &Resource) -> Found<&str> {
    let found = resource.parameters.get("DnsName").or_else(|| resource.parameters.get("Name"));
    found.map(String::as_str).ok_or_else(|| format!("the DnsName of `{}` was not seen", resource.name))
}

/// The name that settings files use for the network name: what is registered if one of them does, else the one that is there
/// most often and is no node's. `masters` says whether SqlServerName is the same name.
fn noted(snapshot: &Snapshot, registered: &str, masters: bool) -> Option<String> {
    let nodes = snapshot.nodes.iter().filter(|_| masters).filter_map(|node| master_file(node).ok());
    let workers = snapshot.workers.iter().filter_map(|worker| worker_file(worker).ok());
    let mut names: Vec<String> = nodes.map(|file| sql_host(&file.sql_server).to_owned()).collect();
    names.extend(workers.filter_map(|file| endpoint(&file.endpoint).map(|(host, _)| host.to_owned())));
    let own = names.iter().find(|name| same_host(name, registered)).cloned();
    own.or_else(|| most(names.into_iter().filter(|name| !is_a_node(snapshot, name))))
}

/// The thumbprint of the certificate that every node of the cluster names and can use. Who changes it does so on the nodes first,
/// and on the workers then (deal-with-certificates-in-ssis-scale-out, documented): it is the workers that are behind.
fn agreed(snapshot: &Snapshot) -> Option<String> {
    let members = snapshot.cluster.nodes.seen().ok()?;
    let of = |name: &String| snapshot.nodes.iter().find(|node| same_host(&node.name, name));
    let nodes = members.iter().map(|member| of(&member.name)).collect::<Option<Vec<&Node>>>()?;
    let thumbprint = master_file(nodes.first()?).ok()?.thumbprint;
    let can_use = |node: &&Node| {
        let is_it = |one: &Certificate| {
            let is_valid = one.not_after > snapshot.collected_at;
            one.thumbprint == thumbprint && one.private_key == PrivateKey::Opens && is_valid
        };
        let is_named = master_file(node).is_ok_and(|file| file.thumbprint == thumbprint);
        is_named && node.root.seen().is_ok_and(|root| root.iter().any(is_it))
    };
    nodes.iter().all(can_use).then_some(thumbprint)
}

fn is_a_node(snapshot: &Snapshot, host: &str) -> bool {
    let by_name = |name: &str| same_host(name, host);
    let by_address = |node: &Node| {
        node.addresses.seen().is_ok_and(|addresses| addresses.iter().any(|address| address == host))
    };
    let is_local = LOCAL.iter().any(|local| local.eq_ignore_ascii_case(host));
    let members = snapshot.cluster.nodes.seen();
    is_local
        || snapshot.nodes.iter().any(|node| by_name(&node.name) || by_address(node))
        || members.is_ok_and(|nodes| nodes.iter().any(|node| by_name(&node.name)))
}

/// The value that is there most often; of several the first.
fn most<T: Clone + PartialEq>(values: impl Iterator<Item = T>) -> Option<T> {
    let values: Vec<T> = values.collect();
    let count = |value: &T| values.iter().filter(|other| *other == value).count();
    values.iter().rev().max_by_key(|value| count(value)).cloned()
}

/// Whether two host names mean the same: whole, or one of them without its domain. Capitals do not matter in DNS.
pub(in crate::guide) fn same_host(one: &str, other: &str) -> bool {
    let is_address = |name: &str| name.parse::<std::net::IpAddr>().is_ok();
    if one.eq_ignore_ascii_case(other) {
        return true;
    }
    if is_address(one) || is_address(other) || one.contains('.') == other.contains('.') {
        return false;
    }
    let label = |name: &str| name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    label(one) == label(other)
}

/// The host in a `SqlServerName`: without instance and port.
pub(in crate::guide) fn sql_host(name: &str) -> &str {
    let host = name.split(['\\', '/', ',']).next().unwrap_or_default();
    host.strip_prefix("tcp:").unwrap_or(host).trim()
}

/// Whether a service is a Scale Out Master: `SSISScaleOutMaster` and a version.
pub(in crate::guide) fn is_master(service: &str) -> bool {
    service.to_ascii_lowercase().starts_with("ssisscaleoutmaster")
}

/// Whether a service is a Scale Out Worker.
pub(in crate::guide) fn is_worker(service: &str) -> bool {
    service.to_ascii_lowercase().starts_with("ssisscaleoutworker")
}

/// `MasterSettings.config` of a node.
pub(in crate::guide) fn master_file(node: &Node) -> Found<MasterFile> {
    node.master_settings.seen()?.master().map_err(|error| error.to_string())
}

/// `WorkerSettings.config` of a worker.
pub(in crate::guide) fn worker_file(worker: &Worker) -> Found<WorkerFile> {
    worker.worker_settings.seen()?.worker().map_err(|error| error.to_string())
}

/// The master's service on a node.
pub(in crate::guide) fn master_service(node: &Node) -> Found<&Service> {
    let found = node.services.seen()?.iter().rev().find(|service| is_master(&service.name));
    found.ok_or_else(|| "no Scale Out Master is installed here".to_owned())
}

/// The worker's service on a machine.
pub(in crate::guide) fn worker_service(worker: &Worker) -> Found<&Service> {
    let found = worker.services.seen()?.iter().rev().find(|service| is_worker(&service.name));
    found.ok_or_else(|| "no Scale Out Worker is installed here".to_owned())
}

/// Virtual and built-in accounts: another identity on each machine
/// (configure-windows-service-accounts-and-permissions, documented).
pub(in crate::guide) fn is_local(account: &str) -> bool {
    let domain = account.split('\\').next().unwrap_or_default().to_ascii_lowercase();
    !account.contains('\\') && !account.contains('@')
        || ["nt service", "nt authority", "."].contains(&domain.as_str())
}

/// Whether an account is among those that may read a key. `LocalSystem` is called `NT AUTHORITY\\SYSTEM` there.
pub(in crate::guide) fn may_read(readers: &[String], account: &str) -> bool {
    let account = if account.eq_ignore_ascii_case("LocalSystem") { "NT AUTHORITY\\SYSTEM" } else { account };
    readers.iter().any(|reader| reader.eq_ignore_ascii_case(account))
}

/// The type of a failover cluster instance.
const INSTANCE: &str = "SQL Server";
/// The type of an availability group.
const AVAILABILITY_GROUP: &str = "SQL Server Availability Group";

const NO_MASTER: &str = "no Generic Service of the cluster is a Scale Out Master";

/// Names by which a machine calls itself.
const LOCAL: [&str; 5] = ["localhost", ".", "(local)", "127.0.0.1", "::1"];
