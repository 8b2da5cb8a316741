//! How can a snapshot be shown to strangers?
//!
//! Every name of a machine, a domain, an account, a role, a resource, a certificate, an address and a thumbprint gets
//! another one, the same everywhere, so that the rules find the same. What is not needed for a rule is left out; what is
//! not understood is left out too, never passed on.

mod names;

use std::collections::BTreeMap;

use failover_sim::settings_file::{self, MASTER, SettingsError, WORKER, endpoint};
use serde_json::{Map, Value, json};

use super::preflight::setup::{is_master, is_worker, worker_file};
use super::snapshot::{
    Certificate, Cluster, FailedStart, Firewall, FirewallBlock, Look, Node, Proxy, Resource, Role, Service,
    SettingsFile, Snapshot, Ssisdb, Witness, Worker, bindings, reservations,
};

use names::Names;

/// The snapshot with other names.
pub fn anonymise(snapshot: &Snapshot) -> Snapshot {
    let mut names = Names::default();
    // Those that a reader looks for get their numbers first.
    for node in &snapshot.nodes {
        names.machine("node", &node.name);
    }
    for worker in &snapshot.workers {
        names.machine("worker", &worker.name);
    }
    Snapshot {
        snapshot: snapshot.snapshot,
        collected_at: snapshot.collected_at,
        collected_by: "anonymise".to_owned(),
        cluster: cluster(&mut names, &snapshot.cluster),
        nodes: snapshot.nodes.iter().map(|one| node(&mut names, one)).collect(),
        workers: snapshot.workers.iter().map(|one| worker(&mut names, one)).collect(),
        ssisdb: ssisdb(&mut names, &snapshot.ssisdb),
    }
}

/// What was seen, with other names; why nobody could look may name anything, and is left out.
fn look<T, U>(look: &Look<T>, how: impl FnOnce(&T) -> U) -> Look<U> {
    match look {
        Look::Seen(seen) => Look::Seen(how(seen)),
        Look::CouldNotLook(_) => Look::CouldNotLook("could not look (the reason was left out)".to_owned()),
    }
}

fn each<T, U>(all: &Look<Vec<T>>, how: impl FnMut(&T) -> U) -> Look<Vec<U>> {
    look(all, |all| all.iter().map(how).collect())
}

fn cluster(names: &mut Names, cluster: &Cluster) -> Cluster {
    Cluster {
        properties: look(&cluster.properties, numbers),
        nodes: each(&cluster.nodes, |one| {
            let mut one = one.clone();
            one.name = names.host(&one.name);
            one
        }),
        witness: look(&cluster.witness, |witness| {
            witness
                .as_ref()
                .map(|witness| Witness { name: names.label("resource", &witness.name), ..witness.clone() })
        }),
        roles: each(&cluster.roles, |role| Role {
            name: names.label("role", &role.name),
            state: role.state.clone(),
            owner: names.host(&role.owner),
            preferred_owners: role.preferred_owners.iter().map(|node| names.host(node)).collect(),
            properties: numbers(&role.properties),
        }),
        resources: each(&cluster.resources, |one| resource(names, one)),
    }
}

fn numbers(all: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let is_number = |(_, value): &(&String, &String)| value.parse::<u64>().is_ok();
    all.iter().filter(is_number).map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn resource(names: &mut Names, resource: &Resource) -> Resource {
    let mut parameters = BTreeMap::new();
    for (key, value) in &resource.parameters {
        let value = match key.as_str() {
            "ServiceName" => service_name(names, value),
            "DnsName" | "Name" | "VirtualServerName" | "Address" => names.host(value),
            "InstanceName" => names.instance(value),
            "HostRecordTTL" | "RegisterAllProvidersIP" | "HealthCheckTimeout" | "FailureConditionLevel"
                if value.parse::<u64>().is_ok() =>
            {
                value.clone()
            }
            _ => continue,
        };
        parameters.insert(key.clone(), value);
    }
    Resource {
        name: names.label("resource", &resource.name),
        kind: resource.kind.clone(),
        role: names.label("role", &resource.role),
        state: resource.state.clone(),
        dependency: bracketed(names, &resource.dependency),
        possible_owners: resource.possible_owners.iter().map(|node| names.host(node)).collect(),
        parameters,
        properties: numbers(&resource.properties),
    }
}

/// A `DependencyExpression` with the names in its brackets replaced.
fn bracketed(names: &mut Names, expression: &str) -> String {
    let mut text = String::new();
    let mut rest = expression;
    while let Some((before, after)) = rest.split_once('[') {
        let Some((name, after)) = after.split_once(']') else { break };
        text.push_str(&format!("{before}[{}]", names.label("resource", name)));
        rest = after;
    }
    text.push_str(rest);
    text
}

fn node(names: &mut Names, node: &Node) -> Node {
    Node {
        name: names.host(&node.name),
        addresses: each(&node.addresses, |address| names.host(address)),
        features: node.features.clone(),
        services: each(&node.services, |one| service(names, one)),
        master_version: look(&node.master_version, Clone::clone),
        master_settings: look(&node.master_settings, |file| settings(names, file)),
        root: each(&node.root, |one| certificate(names, one)),
        my: each(&node.my, |one| certificate(names, one)),
        user_root: each(&node.user_root, |thumbprint| names.thumbprint(thumbprint)),
        sslcert: look(&node.sslcert, |text| sslcert(names, text)),
        urlacl: look(&node.urlacl, |text| urlacl(names, text)),
        schannel: look(&node.schannel, Clone::clone),
        firewall: look(&node.firewall, |one| firewall(names, one)),
        firewall_blocks: each(&node.firewall_blocks, |one| block(names, one)),
        listeners: each(&node.listeners, |process| match process.as_str() {
            "System" => process.clone(),
            other => names.label("process", other),
        }),
        failed_starts: each(&node.failed_starts, |one| failed_start(names, one)),
        logins: each(&node.logins, |login| names.account(login)),
    }
}

fn worker(names: &mut Names, worker: &Worker) -> Worker {
    Worker {
        name: names.host(&worker.name),
        services: each(&worker.services, |one| service(names, one)),
        worker_settings: look(&worker.worker_settings, |file| settings(names, file)),
        root: each(&worker.root, |one| certificate(names, one)),
        my: each(&worker.my, |one| certificate(names, one)),
        key_readers: each(&worker.key_readers, |account| names.account(account)),
        resolved: each(&worker.resolved, |address| names.host(address)),
        hosts_file: each(&worker.hosts_file, |line| {
            line.split_whitespace().map(|word| names.host(word)).collect::<Vec<_>>().join(" ")
        }),
        proxy: look(&worker.proxy, |one| one.as_ref().map(|one| proxy(names, one, worker))),
        failed_starts: each(&worker.failed_starts, |one| failed_start(names, one)),
    }
}

fn ssisdb(names: &mut Names, ssisdb: &Ssisdb) -> Ssisdb {
    let mut properties = |all: &BTreeMap<String, String>| {
        let mut kept = BTreeMap::new();
        for (key, value) in all {
            let value = match key.as_str() {
                "IS_SCALEOUT_ENABLED" | "MASTER_SERVICE_PORT" => value.clone(),
                "MASTER_ADDRESS" => names.endpoint(value),
                "CLUSTER_LOGDB_SERVER" => names.sql_server(value),
                "MACHINE_NAME" => names.host(value),
                "SSLCERT_THUMBPRINT" => names.thumbprint(value),
                _ => continue,
            };
            kept.insert(key.clone(), value);
        }
        kept
    };
    let master_properties = look(&ssisdb.master_properties, &mut properties);
    Ssisdb {
        windows_authentication_only: look(&ssisdb.windows_authentication_only, |only| *only),
        master_properties,
        worker_agents: each(&ssisdb.worker_agents, |agent| {
            let mut agent = agent.clone();
            agent.machine = names.host(&agent.machine);
            agent
        }),
        admins: each(&ssisdb.admins, |account| names.account(account)),
    }
}

fn service(names: &mut Names, service: &Service) -> Service {
    let mut service = service.clone();
    service.name = service_name(names, &service.name);
    service.account = names.account(&service.account);
    service
}

/// Services of the product keep their names; the name of an instance is somebody's own.
fn service_name(names: &mut Names, name: &str) -> String {
    match name.split_once('$') {
        Some((service, instance)) => format!("{service}${}", names.instance(instance)),
        None if is_master(name) || is_worker(name) || name.eq_ignore_ascii_case("MSSQLSERVER") => {
            name.to_owned()
        }
        None => names.label("service", name),
    }
}

fn failed_start(names: &mut Names, start: &FailedStart) -> FailedStart {
    FailedStart { event: start.event, at: start.at, service: service_name(names, &start.service) }
}

fn firewall(names: &mut Names, firewall: &Firewall) -> Firewall {
    let mut firewall = firewall.clone();
    for rule in &mut firewall.open {
        rule.name = names.label("rule", &rule.name);
    }
    firewall
}

fn block(names: &mut Names, block: &FirewallBlock) -> FirewallBlock {
    let from = block.from.iter().map(|address| match address.as_str() {
        "Any" => address.clone(),
        _ => names.label("range", address),
    });
    FirewallBlock {
        from: from.collect(),
        name: names.label("rule", &block.name),
        profiles: block.profiles.clone(),
    }
}

/// A proxy with the exception that matters to this worker; the others are nobody's business.
fn proxy(names: &mut Names, proxy: &Proxy, worker: &Worker) -> Proxy {
    let file = worker_file(worker).ok();
    let host = file.as_ref().and_then(|file| endpoint(&file.endpoint)).map(|(host, _)| host);
    let matters = host.filter(|host| proxy.exception(host).is_some());
    let server = proxy.server.as_ref().map(|server| {
        let other = names.label("proxy", server);
        if proxy.takes_https() { other } else { format!("http={other}") }
    });
    Proxy {
        server,
        bypass: matters.map(|host| names.host(host)).into_iter().collect(),
        script: proxy.script.as_ref().map(|script| names.label("script", script)),
    }
}

fn certificate(names: &mut Names, certificate: &Certificate) -> Certificate {
    let alternative = certificate.alternative_names.as_ref();
    Certificate {
        thumbprint: names.thumbprint(&certificate.thumbprint),
        subject: subject(names, &certificate.subject),
        issuer: subject(names, &certificate.issuer),
        alternative_names: alternative.map(|all| all.iter().map(|name| names.host(name)).collect()),
        not_after: certificate.not_after,
        private_key: certificate.private_key,
    }
}

/// The CNs of a subject; an organisation or a place is nobody's business. Two that differ in these alone stay two.
fn subject(names: &mut Names, subject: &str) -> String {
    let (common, others): (Vec<&str>, Vec<&str>) = subject
        .split([',', '+'])
        .map(str::trim)
        .partition(|part| part.to_ascii_uppercase().starts_with("CN="));
    let mut parts: Vec<String> =
        common.iter().map(|part| format!("CN={}", names.host(part[3..].trim()))).collect();
    if !others.is_empty() {
        parts.push(format!("O={}", names.label("rest", &others.join(","))));
    }
    parts.join(", ")
}

/// The keys that a rule reads, with other names. A file that is no JSON stays one that is none, with a single backslash,
/// which is what makes it so as a rule.
fn settings(names: &mut Names, file: &SettingsFile) -> SettingsFile {
    let name = file.path.rsplit(['\\', '/']).next().unwrap_or_default();
    let text = match serde_json::from_str::<Map<String, Value>>(file.text.trim_start_matches('\u{feff}')) {
        Err(_) => "{ \"SqlServerName\": \"left\\out\" }".to_owned(),
        Ok(object) => {
            let mut kept = Map::new();
            let keys = if is_of_a_worker(name) { WORKER } else { MASTER };
            let wrong =
                settings_file::read(name, &file.text, keys).map(|read| read.wrong).unwrap_or_default();
            let is_wrong = |key: &str| wrong.iter().any(|error| is_about(error, key));
            for (key, value) in &object {
                let text = value.as_str().map(str::trim);
                let value = match (key.as_str(), text) {
                    ("SqlServerName", Some(text)) => json!(names.sql_server(text)),
                    ("MasterEndpoint", Some(text)) => json!(names.endpoint(text)),
                    (
                        "SSLCertThumbprint" | "MasterHttpsCertThumbprint" | "WorkerHttpsCertThumbprint",
                        Some(text),
                    ) => {
                        json!(names.thumbprint(text))
                    }
                    ("PortNumber", Some(text)) if text.parse::<u16>().is_ok() => value.clone(),
                    // That it is wrong is kept, and not what it says.
                    _ if is_wrong(key) => json!(names.label("value", &value.to_string())),
                    (_, None) if value.is_number() || value.is_boolean() => value.clone(),
                    (_, Some(_) | None) => continue,
                };
                kept.insert(key.clone(), value);
            }
            format!("{:#}", Value::Object(kept))
        }
    };
    SettingsFile { path: names::known_file(name), written_at: file.written_at, text }
}

fn is_of_a_worker(file: &str) -> bool {
    file.to_ascii_lowercase().starts_with("worker")
}

/// Whether a mistake is one of this key.
fn is_about(error: &SettingsError, name: &str) -> bool {
    match error {
        SettingsError::Value { key, .. } | SettingsError::Spelling { key, .. } => key == name,
        SettingsError::Twice { one, other, .. } => *one == name || *other == name,
        SettingsError::NoText { .. } | SettingsError::Form { .. } | SettingsError::Missing { .. } => false,
    }
}

/// What netsh would print of these bindings.
fn sslcert(names: &mut Names, text: &str) -> String {
    let mut told = String::new();
    for binding in bindings(text) {
        let (address, port) = binding.ip_port.rsplit_once(':').unwrap_or((&binding.ip_port, "0"));
        let bare = address.trim_start_matches('[').trim_end_matches(']');
        let other = names.host(bare);
        let address = if address.starts_with('[') { format!("[{other}]") } else { other };
        let store = match binding.store.to_ascii_lowercase().as_str() {
            "" => "(null)".to_owned(),
            "root" | "my" => binding.store.clone(),
            _ => names.label("store", &binding.store),
        };
        told.push_str(&format!(
            "    IP:port                      : {address}:{port}\n    Certificate Hash             : {}\n    \
             Application ID               : {{00000000-0000-0000-0000-000000000000}}\n    \
             Certificate Store Name       : {store}\n\n",
            names.thumbprint(&binding.thumbprint).to_ascii_lowercase()
        ));
    }
    told
}

/// What netsh would print of these reservations, without those whose URL has no port.
fn urlacl(names: &mut Names, text: &str) -> String {
    let mut told = String::new();
    for reservation in reservations(text) {
        if let Some(port) = reservation.port() {
            let path = path(names, reservation.path());
            told.push_str(&format!("    Reserved URL            : https://+:{port}{path}\n"));
            for user in &reservation.users {
                told.push_str(&format!("        User: {}\n", names.account(user)));
            }
            told.push_str(if reservation.everybody { "            SDDL: D:(A;;GX;;;WD)\n\n" } else { "\n" });
        }
    }
    told
}

/// The path of the product's own URL stays, in the spelling that it has; others get another name.
fn path(names: &mut Names, path: &str) -> String {
    match path.trim_matches('/') {
        "" => "/".to_owned(),
        own if own.eq_ignore_ascii_case("ClusterManagement") => path.to_owned(),
        other => format!("/{}/", names.label("path", other)),
    }
}

impl Names {
    /// An endpoint with another host; what is none is left out.
    fn endpoint(&mut self, text: &str) -> String {
        match endpoint(text) {
            Some((host, port)) => format!("https://{}:{port}", self.host(host)),
            None if text.is_empty() => String::new(),
            None => self.label("endpoint", text),
        }
    }

    /// A `SqlServerName`: the protocol stays, then the host, and behind its separator an instance or a port.
    fn sql_server(&mut self, text: &str) -> String {
        if let Some(rest) = text.strip_prefix("tcp:") {
            return format!("tcp:{}", self.sql_server(rest));
        }
        let at = text.find(['\\', '/', ',']).unwrap_or(text.len());
        let (host, rest) = text.split_at(at);
        let instance = rest.trim_start_matches(['\\', '/', ',']);
        let separator = &rest[..rest.len() - instance.len()];
        let is_port = instance.parse::<u16>().is_ok();
        let instance =
            if instance.is_empty() || is_port { instance.to_owned() } else { self.instance(instance) };
        format!("{}{separator}{instance}", self.host(host.trim()))
    }
}
