//! Which topology does a snapshot describe?
//!
//! What nobody could look at is taken for right and told as a gap, and so is what the model does not have. The text is
//! JSON, which is YAML too: a topology file like any other.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use failover_sim::settings_file::endpoint;
use serde_json::{Map, Value, json};

use crate::guide::preflight;
use crate::guide::preflight::dependency::{has_alternatives, named};
use crate::guide::preflight::setup::{
    Setup, dns_name, is_master, master_file, may_read, network_name_of, same_host, sql_host, worker_file,
    worker_service,
};
use crate::guide::snapshot::{
    Binding, Certificate, Look, Node, PrivateKey, Resource, Snapshot, Worker, bindings,
};

use super::state::state_of;
use super::{PredictError, settings, unseen};

/// A topology, and what it does not say of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predicted {
    /// The topology file.
    pub topology: String,
    /// What is done before anything happens, since no topology can say it: a machine or a resource, and a step of a
    /// scenario in which it is called `NODE`.
    pub changes: Vec<(String, &'static str)>,
    /// The node that owns the role now.
    pub owner: String,
    /// The names of all nodes.
    pub nodes: Vec<String>,
    /// The names of all workers.
    pub workers: Vec<String>,
    /// What nobody could look at, and what is taken for it.
    pub gaps: Vec<String>,
    /// What the snapshot shows and no topology holds, and what is taken for it.
    pub not_held: Vec<NotHeld>,
    /// What the snapshot shows and no step of a scenario leads to: nothing can be predicted.
    pub not_predicted: Vec<String>,
}

/// Something that the snapshot shows and no topology holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotHeld {
    /// The rule of preflight that it breaks, and the machine, or `cluster`; `None` if it breaks none.
    pub breaks: Option<(&'static str, String)>,
    /// What it is, and what is taken for it.
    pub told: String,
}

impl Predicted {
    /// The steps that bring the cluster of the topology to where the one of the snapshot is.
    pub fn given(&self) -> Vec<String> {
        let quoted = |name: &String| Value::from(name.as_str()).to_string();
        let moved = format!("move_role: {{ to: {} }}", quoted(&self.owner));
        let changes = self.changes.iter().map(|(name, step)| step.replacen("NODE", &quoted(name), 1));
        std::iter::once(moved).chain(changes).collect()
    }

    /// Whether the cluster of the topology is there from the start.
    pub fn starts_there(&self) -> bool {
        self.changes.is_empty() && self.nodes.first() == Some(&self.owner)
    }
}

/// Makes the topology of a snapshot.
///
/// # Errors
/// If the snapshot lacks what every topology has: resources, a master in a role with a network name, a node, a worker.
pub fn topology_of(snapshot: &Snapshot) -> Result<Predicted, PredictError> {
    let (snapshot, unseen) = unseen::completed(snapshot);
    let snapshot = &snapshot;
    let setup = Setup::of(snapshot);
    let lacks = PredictError::Lacks;
    let master = setup.master.clone().map_err(lacks)?;
    let network_name = setup.network_name.clone().map_err(lacks)?;
    if network_name.role != master.role {
        return Err(lacks(format!("the role `{}` of the master has no network name", master.role)));
    }
    let resources = snapshot.cluster.resources.seen().map_err(lacks)?;
    let roles = snapshot.cluster.roles.seen().map_err(lacks)?;
    let owner = roles.iter().find(|role| role.name == master.role).map(|role| role.owner.clone());
    let owner =
        owner.ok_or_else(|| lacks(format!("the owner of the role `{}` was not seen", master.role)))?;
    if snapshot.nodes.is_empty() || snapshot.workers.is_empty() {
        return Err(lacks("it has no node, or no worker".to_owned()));
    }
    let mut builder = Builder {
        setup: &setup,
        name: name_of(&setup, dns_name(network_name).map_err(lacks)?),
        certificates: BTreeMap::new(),
        gaps: Vec::new(),
        not_held: Vec::new(),
        unseen: &unseen,
    };
    builder.name_certificates(&owner);
    let nodes: Vec<Value> =
        (1..).zip(&snapshot.nodes).map(|(number, node)| builder.node(number, node)).collect();
    let workers: Vec<Value> = snapshot.workers.iter().map(|worker| builder.worker(worker)).collect();
    let roles: Vec<Value> = roles
        .iter()
        .filter_map(|role| builder.role(role, resources.iter().filter(|one| one.role == role.name)))
        .collect();
    let mut document = json!({
        "profile": builder.profile(),
        "cluster": builder.cluster(),
        "certificates": builder.certificate_documents(),
        "nodes": nodes,
        "roles": roles,
        "workers": workers,
        "promises": { "workers_reconnect": "5m" },
    });
    if let Look::Seen(true) = snapshot.ssisdb.windows_authentication_only {
        document["logging"] = json!({ "authentication": "windows_only" });
    }
    let log_server =
        snapshot.ssisdb.master_properties.seen().ok().and_then(|all| all.get("CLUSTER_LOGDB_SERVER"));
    if let (Some(server), Ok(instance)) = (log_server, &setup.instance)
        && !same_host(sql_host(server), instance)
    {
        document["logging"]["server"] = json!(sql_host(server));
    }
    let made = format!("# Made by `failover predict` from a snapshot of {}.\n", snapshot.collected_at);
    let state = state_of(&setup, &owner);
    builder.gaps.extend(unseen::gaps(snapshot, &unseen));
    Ok(Predicted {
        topology: format!("{made}{document:#}\n"),
        changes: changes(snapshot, &owner).into_iter().chain(state.changes).collect(),
        not_predicted: state.not_predicted,
        owner: snapshot
            .nodes
            .iter()
            .map(|node| &node.name)
            .find(|name| same_host(name, &owner))
            .map_or_else(
                || Err(lacks(format!("it has nothing from the owner node {owner}"))),
                |name| Ok(name.clone()),
            )?,
        nodes: snapshot.nodes.iter().map(|node| node.name.clone()).collect(),
        workers: snapshot.workers.iter().map(|worker| worker.name.clone()).collect(),
        gaps: builder.gaps,
        not_held: builder.not_held,
    })
}

/// What preflight finds on nodes and workers, and scenarios can do to them.
fn changes(snapshot: &Snapshot, owner: &str) -> Vec<(String, &'static str)> {
    let mut changes: Vec<(String, &'static str)> = Vec::new();
    for finding in preflight::inspect(snapshot).wrong() {
        let change = CHANGES.iter().find(|(rule, _)| *rule == finding.rule.name);
        // Where the master is now its account has been let in, whatever it will be elsewhere.
        let is_let_in = finding.rule.name == LOGIN_RULE && same_host(&finding.subject, owner);
        if let Some((_, change)) = change.filter(|_| !is_let_in) {
            let change = (finding.subject.clone(), *change);
            if !changes.contains(&change) {
                changes.push(change);
            }
        }
    }
    changes
}

/// The network name as the topology calls it, where it has one form alone: that in which workers ask for it, since this is the
/// one that the certificate must name; the registered one where they use several.
fn name_of(setup: &Setup<'_>, registered: &str) -> String {
    match forms(setup).as_slice() {
        [only] if same_host(only, registered) && !only.eq_ignore_ascii_case(registered) => only.clone(),
        _ => registered.to_owned(),
    }
}

/// The forms of the network name in which workers ask for it, or else the one that is noted.
fn forms(setup: &Setup<'_>) -> Vec<String> {
    let Ok(noted) = &setup.noted else { return Vec::new() };
    let asked = setup.asked(noted);
    if asked.is_empty() { vec![noted.clone()] } else { asked }
}

struct Builder<'s> {
    setup: &'s Setup<'s>,
    /// The network name as the topology calls it.
    name: String,
    /// The master certificates by their thumbprints: the names that the topology gives them.
    certificates: BTreeMap<String, String>,
    gaps: Vec<String>,
    not_held: Vec<NotHeld>,
    /// Machines that the snapshot has nothing from.
    unseen: &'s [String],
}

impl Builder<'_> {
    fn gap(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.gaps.contains(&what) {
            self.gaps.push(what);
        }
    }

    fn not_held(&mut self, rule: &'static str, subject: &str, told: String) {
        self.not_held.push(NotHeld { breaks: Some((rule, subject.to_owned())), told });
    }

    /// Times in the settings of a machine that no topology can say.
    fn no_rhythm(&mut self, machine: &str, told: Vec<String>) {
        let told = told.into_iter().map(|told| NotHeld { breaks: None, told: format!("{machine}: {told}") });
        self.not_held.extend(told);
    }

    /// A settings file of a machine that nobody could look at, or that nobody can read.
    fn no_settings<T>(
        &mut self,
        machine: &str,
        (file, rule): (&str, &'static str),
        seen: &Look<T>,
        why: &str,
    ) {
        match seen {
            Look::Seen(_) => {
                self.not_held(rule, machine, format!("{file} of {machine}: {why}; taken for right"))
            }
            Look::CouldNotLook(_) => self.not_seen(machine, file, why),
        }
    }

    /// A part of a machine that nobody could look at.
    fn not_seen(&mut self, machine: &str, what: &str, why: &str) {
        if self.unseen.iter().any(|name| name == machine) {
            self.gap(format!("{machine}: the snapshot has nothing from it; taken for right"));
        } else {
            self.gap(format!("{what} of {machine}: {why}; taken for right"));
        }
    }

    /// `master` is what most workers pin, or else what the owner presents; other certificates are called after the first
    /// machine that names them.
    fn name_certificates(&mut self, owner: &str) {
        let of_owner = || {
            let node = self.setup.snapshot.nodes.iter().find(|node| same_host(&node.name, owner))?;
            presented(self.setup, node)
        };
        let pin = self.setup.pin.clone().ok().or_else(of_owner).or_else(|| self.setup.presented.clone());
        self.certificates.insert(pin.unwrap_or_else(|| NOT_KNOWN.to_owned()), "master".to_owned());
        for node in &self.setup.snapshot.nodes {
            if let Some(thumbprint) = presented(self.setup, node) {
                self.certificates.entry(thumbprint).or_insert_with(|| format!("of_{}", node.name));
            }
        }
        for worker in &self.setup.snapshot.workers {
            if let Ok(file) = worker_file(worker) {
                self.certificates.entry(file.pin).or_insert_with(|| format!("pinned_by_{}", worker.name));
            }
        }
    }

    fn certificate_documents(&mut self) -> Value {
        let mut documents = Map::new();
        for (thumbprint, name) in self.certificates.clone() {
            let mut document = match find_anywhere(self.setup.snapshot, &thumbprint) {
                Some(certificate) => {
                    let left = (certificate.not_after.0 - self.setup.now().0).max(0);
                    let mut document = json!({ "common_names": self.named_by(&certificate.common_names()) });
                    if certificate.alternative_names.is_some() {
                        document["alternative_names"] = json!(self.named_by(&certificate.names()));
                    }
                    self.hold_forms(&thumbprint, certificate);
                    // What outlives every run is not worth a word.
                    if left < 86_400 {
                        document["expires_after"] = json!(format!("{left}s"));
                    }
                    document
                }
                None => {
                    self.gap(format!(
                        "no store that was seen has the certificate `{name}`: taken to name the network name"
                    ));
                    json!({ "common_names": [self.name] })
                }
            };
            if thumbprint.len() == 40 {
                document["thumbprint"] = json!(thumbprint);
            }
            documents.insert(name, document);
        }
        Value::Object(documents)
    }

    /// The names of a certificate as the topology calls them: the network name is there if every form of it is that workers ask
    /// for.
    fn named_by(&self, names: &[&str]) -> Vec<String> {
        let forms = forms(self.setup);
        let is = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        let has_all = forms.iter().all(|form| names.iter().any(|name| is(name, form)));
        let called = |name: &&str| {
            let is_form = forms.iter().any(|form| is(form, name)) && same_host(name, &self.name);
            if has_all && is_form { self.name.clone() } else { (*name).to_owned() }
        };
        names.iter().map(called).collect()
    }

    /// Tells if the pinned certificate has some of the forms of the network name that workers ask for, and lacks others.
    fn hold_forms(&mut self, thumbprint: &str, certificate: &Certificate) {
        let names = certificate.names();
        let is_there = |form: &String| names.iter().any(|name| name.eq_ignore_ascii_case(form));
        let (there, missing): (Vec<String>, Vec<String>) = forms(self.setup).into_iter().partition(is_there);
        let is_pinned = self.setup.pin.as_ref().is_ok_and(|pin| pin == thumbprint);
        if is_pinned && !there.is_empty() && !missing.is_empty() {
            let told = format!(
                "workers ask for {} and for {}, and the certificate names the first alone; `{}` is taken for both",
                there.join(", "),
                missing.join(", "),
                self.name
            );
            self.not_held("certificate_names_the_network_name", "cluster", told);
        }
    }

    /// A host as the topology calls it: the network name in whatever form workers use it is one name there.
    fn host(&self, host: &str) -> String {
        if same_host(host, &self.name) { self.name.clone() } else { host.to_owned() }
    }

    /// The host name of a Network Name as the topology calls it.
    fn registered(&self, resource: &Resource) -> Result<String, String> {
        let of_role = self.setup.network_name.as_ref().is_ok_and(|name| name.name == resource.name);
        if of_role { Ok(self.name.clone()) } else { dns_name(resource).map(str::to_owned) }
    }

    fn profile(&mut self) -> &'static str {
        let nodes = self.setup.snapshot.cluster.nodes.seen().ok();
        match nodes.and_then(|nodes| nodes.iter().map(|node| node.build).min()) {
            Some(..10_000) => "windows_2012_r2",
            Some(10_000..17_763) => "windows_2016",
            Some(17_763..20_348) => "windows_2019",
            Some(20_348) => "windows_2022",
            Some(build) => {
                self.gap(format!("build {build} of Windows is not known: the defaults of 2022 are taken"));
                "windows_2022"
            }
            None => {
                self.gap("the builds of Windows were not seen: the defaults of 2019 are taken");
                "windows_2019"
            }
        }
    }

    fn cluster(&mut self) -> Value {
        let witness = match self.setup.snapshot.cluster.witness.seen() {
            Ok(None) => "none",
            // One that has failed has no vote.
            Ok(Some(witness)) if witness.state != "Online" => "none",
            Ok(Some(witness)) if witness.kind == "File Share Witness" => "file_share",
            Ok(Some(witness)) if witness.kind == "Cloud Witness" => "cloud",
            Ok(Some(_)) => "disk",
            Err(_) => {
                self.gap("the witness was not seen: a disk is taken");
                "disk"
            }
        };
        let mut document = json!({ "witness": witness });
        let mut set = Map::new();
        if let Ok(properties) = self.setup.snapshot.cluster.properties.seen() {
            for (key, unit) in PROPERTIES {
                if let Some(value) = properties.get(*key).and_then(|value| value.parse::<u64>().ok()) {
                    set.insert(
                        (*key).to_owned(),
                        if unit.is_empty() { json!(value) } else { json!(format!("{value}{unit}")) },
                    );
                }
            }
        } else {
            self.gap("the properties of the cluster were not seen: the defaults are taken");
        }
        if !set.is_empty() {
            document["properties"] = Value::Object(set);
        }
        document
    }

    fn node(&mut self, number: u32, node: &Node) -> Value {
        let (setup, name) = (self.setup, &node.name);
        let settings = match master_file(node) {
            Ok(file) => Some(file),
            Err(why) => {
                self.no_settings(name, MASTER_SETTINGS, &node.master_settings, &why);
                None
            }
        };
        self.hold_binding(node);
        let mut taken_for_right = |what: &str, why: String| self.not_seen(name, what, &why);
        let shown = match node.sslcert.seen() {
            Ok(_) => presented(setup, node),
            Err(why) => {
                taken_for_right("the HTTPS binding", why);
                settings.as_ref().map(|file| file.thumbprint.clone())
            }
        };
        let root = match node.root.seen() {
            Ok(root) => Some(root),
            Err(why) => {
                taken_for_right("LocalMachine\\Root", why);
                None
            }
        };
        let certificate =
            shown.as_ref().and_then(|shown| self.certificates.get(shown)).map_or("master", String::as_str);
        let key = |thumbprint: &String| {
            let of_it =
                |root: &&Vec<Certificate>| root.iter().find(|one| one.thumbprint == *thumbprint).cloned();
            root.as_ref().map(|root| of_it(root).is_some_and(|one| one.private_key == PrivateKey::Opens))
        };
        let key_opens = shown.as_ref().and_then(key).unwrap_or(true);
        let sql_server = settings.as_ref().map_or_else(
            || self.instance_host(setup.instance.as_deref().unwrap_or(&self.name)),
            |file| {
                // With slashes it is no host that anybody knows.
                let is_right = !file.sql_server.contains('/');
                self.instance_host(if is_right { sql_host(&file.sql_server) } else { &file.sql_server })
            },
        );
        let members = self.setup.snapshot.cluster.nodes.seen();
        let weight =
            members.as_ref().ok().and_then(|members| members.iter().find(|one| same_host(&one.name, name)));
        let address =
            node.addresses.seen().ok().and_then(|all| all.iter().find(|one| one.contains('.'))).cloned();
        let mut master_settings = json!({
            "PortNumber": settings.as_ref().map_or_else(|| self.port(), |file| file.port),
            "SSLCertThumbprint": certificate,
            "SqlServerName": sql_server,
        });
        let not_held =
            node.master_settings.seen().map(|file| settings::of_master(&mut master_settings, file));
        let mut document = json!({
            "name": name,
            "address": address.unwrap_or_else(|| Ipv4Addr::from_bits(TEST_NET_1 + number).to_string()),
            "master_settings": master_settings,
            "root": self.stores(root, true),
            "private_key": if key_opens { "present" } else { "missing" },
            "https_binding": if shown.is_some() || settings.is_none() { "present" } else { "missing" },
        });
        // Who is no member has no vote.
        if members.is_ok() && weight.is_none_or(|member| member.node_weight == 0) {
            document["NodeWeight"] = json!(0);
        }
        self.no_rhythm(name, not_held.unwrap_or_default());
        document
    }

    /// The host of SSISDB as the topology calls it.
    fn instance_host(&self, host: &str) -> String {
        let Ok(sql_server) = &self.setup.sql_server else { return self.host(host) };
        let of_role = network_name_of(&self.setup.snapshot.cluster, sql_server);
        match of_role.and_then(|resource| self.registered(resource)) {
            Ok(name) if same_host(&name, host) => name,
            Ok(_) | Err(_) => host.to_owned(),
        }
    }

    /// Tells if HTTP.SYS has several certificates for the addresses to which workers come: in a topology it has one.
    fn hold_binding(&mut self, node: &Node) {
        let (Ok(file), Ok(text)) = (master_file(node), node.sslcert.seen()) else { return };
        let mut bound = bindings(text);
        bound.retain(|one| one.port() == Some(file.port) && self.setup.is_for_workers(&one.ip_port));
        let differs = |pair: &[Binding]| {
            pair[0].thumbprint != pair[1].thumbprint || !pair[0].store.eq_ignore_ascii_case(&pair[1].store)
        };
        if bound.windows(2).any(differs) {
            let all: Vec<&str> = bound.iter().map(|one| one.ip_port.as_str()).collect();
            let told = format!(
                "{}: {} have different certificates; that of {} is taken",
                node.name,
                all.join(", "),
                all[0]
            );
            self.not_held("port_is_bound_to_the_certificate", &node.name, told);
        }
    }

    /// What a Root store has, by the topology's names; everything if it was not seen.
    fn stores(&self, root: Option<&Vec<Certificate>>, of_node: bool) -> Vec<String> {
        let is_there = |thumbprint: &String| {
            thumbprint == NOT_KNOWN
                || root.is_none_or(|root| root.iter().any(|one| one.thumbprint == *thumbprint))
        };
        let masters = self.certificates.iter().filter(|(thumbprint, _)| is_there(thumbprint));
        let mut names: Vec<String> = masters.map(|(_, name)| name.clone()).collect();
        for worker in self.setup.snapshot.workers.iter().filter(|_| of_node) {
            if worker_file(worker).map_or(true, |file| is_there(&file.own)) {
                names.push(worker.name.clone());
            }
        }
        names
    }

    /// The port that masters listen on, by their settings, or else that workers ask for; 8391 is the default (documented).
    fn port(&self) -> u16 {
        let asked = || {
            let mut files = self.setup.snapshot.workers.iter().filter_map(|worker| worker_file(worker).ok());
            files.find_map(|file| endpoint(&file.endpoint).map(|(_, port)| port))
        };
        self.setup.port.clone().ok().or_else(asked).unwrap_or(8391)
    }

    fn worker(&mut self, worker: &Worker) -> Value {
        let name = &worker.name;
        let file = worker_file(worker);
        if let Err(why) = &file {
            self.no_settings(name, WORKER_SETTINGS, &worker.worker_settings, why);
        }
        let file = file.ok();
        let asked = file.as_ref().and_then(|file| endpoint(&file.endpoint));
        let (host, port) =
            asked.map_or_else(|| (self.name.clone(), self.port()), |(host, port)| (self.host(host), port));
        if let (Some(file), None) = (&file, asked) {
            let told = format!(
                "MasterEndpoint of {name} is `{}`, which is none; `https://{host}:{port}` is taken",
                file.endpoint
            );
            self.not_held("endpoint_is_the_network_name", name, told);
        }
        let pin =
            file.as_ref().and_then(|file| self.certificates.get(&file.pin)).map_or("master", String::as_str);
        let pin = pin.to_owned();
        if let Err(why) = worker.root.seen() {
            self.not_seen(name, "LocalMachine\\Root", &why);
        }
        let state = match self.setup.snapshot.ssisdb.worker_agents.seen() {
            Ok(agents) => {
                let mut own = agents.iter().filter(|agent| same_host(&agent.machine, name)).peekable();
                if own.peek().is_none() || own.any(|agent| agent.enabled) { "enabled" } else { "disabled" }
            }
            Err(why) => {
                self.gap(format!("which workers are enabled: {why}; taken for all of them"));
                "enabled"
            }
        };
        let mut worker_settings = json!({
            "MasterEndpoint": format!("https://{host}:{port}"),
            "MasterHttpsCertThumbprint": pin,
        });
        let not_held =
            worker.worker_settings.seen().map(|file| settings::of_worker(&mut worker_settings, file));
        self.no_rhythm(name, not_held.unwrap_or_default());
        json!({
            "name": name,
            "worker_settings": worker_settings,
            "root": self.stores(worker.root.seen().ok(), false),
            "state": state,
            "private_key": if self.key_is_readable(worker) { "readable" } else { "unreadable" },
        })
    }

    fn key_is_readable(&mut self, worker: &Worker) -> bool {
        let seen = || {
            let own = worker_file(worker)?.own;
            let opens = worker
                .my
                .seen()?
                .iter()
                .any(|one| one.thumbprint == own && one.private_key == PrivateKey::Opens);
            let account = &worker_service(worker)?.account;
            let readers = worker.key_readers.seen()?;
            Ok(opens && may_read(readers, account))
        };
        seen().unwrap_or_else(|why: String| {
            // A file that nobody can read is told of already.
            if worker_file(worker).is_ok() || worker.worker_settings.seen().is_err() {
                self.not_seen(&worker.name, "the private key", &why);
            }
            true
        })
    }

    /// What of a resource's restart settings is not Windows' default.
    fn policy(&mut self, resource: &Resource, document: &mut Value) {
        if resource.properties.is_empty() {
            self.gap(format!(
                "the restart settings of `{}` were not seen: the defaults are taken",
                resource.name
            ));
        }
        let number = |name: &str| resource.properties.get(name)?.parse::<u32>().ok();
        match number("RestartAction") {
            Some(0) => document["RestartAction"] = json!("do_not_restart"),
            Some(1) => document["RestartAction"] = json!("restart"),
            Some(_) | None => {}
        }
        if let Some(threshold) = number("RestartThreshold") {
            document["RestartThreshold"] = json!(threshold);
        }
        // An hour is the default (RetryPeriodOnFailure, documented).
        if let Some(retry) = number("RetryPeriodOnFailure").filter(|&retry| retry != 3_600_000) {
            // The longest time that a topology can say is far longer than a prediction, and stands for never.
            document["RetryPeriodOnFailure"] = json!(format!("{}ms", retry.min(30 * 86_400_000)));
        }
    }

    /// A role with the resources that the model has; `None` if neither the instance nor the master is in it.
    fn role<'r>(
        &mut self,
        role: &crate::guide::snapshot::Role,
        resources: impl Iterator<Item = &'r Resource>,
    ) -> Option<Value> {
        let resources: Vec<(&Resource, &str)> =
            resources.filter_map(|resource| kind(resource).map(|kind| (resource, kind))).collect();
        let is_needed = |kind| ["sql_server", "availability_group", "scale_out_master"].contains(kind);
        if !resources.iter().any(|(_, kind)| is_needed(kind)) {
            return None;
        }
        let known: Vec<&str> = resources.iter().map(|(resource, _)| resource.name.as_str()).collect();
        let mut documents = Vec::new();
        for (resource, kind) in &resources {
            let mut providers = named(&resource.dependency);
            providers.retain(|provider| known.contains(&provider.as_str()));
            if has_alternatives(&resource.dependency) {
                self.gap(format!(
                    "`{}` has alternatives to depend on: subnets are not predicted",
                    resource.name
                ));
                providers.truncate(1);
            }
            let owners: Vec<&String> = self
                .setup
                .snapshot
                .nodes
                .iter()
                .map(|node| &node.name)
                .filter(|name| resource.possible_owners.iter().any(|owner| same_host(owner, name)))
                .collect();
            let mut document = json!({
                "name": resource.name,
                "type": kind,
                "depends_on": providers,
                "possible_owners": owners,
            });
            self.policy(resource, &mut document);
            if *kind == "ip_address" {
                document["address"] = json!(resource.parameters.get("Address"));
            } else if *kind == "network_name" {
                document["host"] = json!(self.registered(resource).unwrap_or_else(|_| resource.name.clone()));
            }
            documents.push(document);
        }
        Some(json!({
            "name": role.name,
            "preferred_owners": role.preferred_owners,
            "resources": documents,
        }))
    }
}

/// The type of a resource in the model.
fn kind(resource: &Resource) -> Option<&'static str> {
    let is_the_master = || resource.parameters.get("ServiceName").is_some_and(|name| is_master(name));
    match resource.kind.as_str() {
        "Physical Disk" => Some("physical_disk"),
        "IP Address" => Some("ip_address"),
        "Network Name" => Some("network_name"),
        "SQL Server" => Some("sql_server"),
        "SQL Server Agent" => Some("sql_server_agent"),
        "SQL Server Availability Group" => Some("availability_group"),
        "Generic Service" if is_the_master() => Some("scale_out_master"),
        _ => None,
    }
}

/// The thumbprint that HTTP.SYS presents at the master's port of a node; none if its store does not have it.
fn presented(setup: &Setup<'_>, node: &Node) -> Option<String> {
    let port = master_file(node).ok()?.port;
    let mut bindings = bindings(node.sslcert.seen().ok()?).into_iter();
    let bound = bindings.find(|one| one.port() == Some(port) && setup.is_for_workers(&one.ip_port))?;
    let is_bound = |one: &Certificate| one.thumbprint == bound.thumbprint;
    let is_there =
        bound.store.eq_ignore_ascii_case("Root") || node.my.seen().map_or(true, |my| my.iter().any(is_bound));
    Some(bound.thumbprint.clone()).filter(|thumbprint| is_there && !thumbprint.is_empty())
}

fn find_anywhere<'s>(snapshot: &'s Snapshot, thumbprint: &str) -> Option<&'s Certificate> {
    let nodes = snapshot.nodes.iter().flat_map(|node| [&node.root, &node.my]);
    let stores = nodes.chain(snapshot.workers.iter().map(|worker| &worker.root));
    stores.filter_map(|store| store.seen().ok()).flatten().find(|one| one.thumbprint == thumbprint)
}

/// Addresses that nobody has, for nodes whose own was not seen: 192.0.2.0/24 (RFC 5737, documented).
const TEST_NET_1: u32 = 0xc000_0200;

/// The settings files, with the rules that tell of those that nobody can read.
const MASTER_SETTINGS: (&str, &str) = ("MasterSettings.config", "sql_server_name_is_well_formed");
const WORKER_SETTINGS: (&str, &str) = ("WorkerSettings.config", "worker_settings_are_well_formed");

/// Stands for the thumbprint of a certificate that nobody saw.
const NOT_KNOWN: &str = "";

/// Properties of the cluster that the model has, with the units in which Windows counts them.
const PROPERTIES: &[(&str, &str)] = &[
    ("SameSubnetDelay", "ms"),
    ("SameSubnetThreshold", ""),
    ("CrossSubnetDelay", "ms"),
    ("CrossSubnetThreshold", ""),
    ("QuarantineThreshold", ""),
    ("QuarantineDuration", "s"),
    ("ResiliencyDefaultPeriod", "s"),
];

/// Rules of preflight, and the steps of a scenario that do to a node or worker what they tell of; it is `NODE` in them.
pub(super) const CHANGES: &[(&str, &str)] = &[
    ("master_is_installed", "change_node: { node: NODE, master_service: not_installed }"),
    ("resource_names_the_installed_service", "change_node: { node: NODE, master_service: not_installed }"),
    ("master_is_not_disabled", "disable_service: { node: NODE, service: master }"),
    // A service that cannot log on cannot start either.
    ("master_can_log_on", "disable_service: { node: NODE, service: master }"),
    ("firewall_lets_workers_in", "change_node: { node: NODE, master_port: blocked }"),
    ("no_firewall_rule_blocks_workers", "change_node: { node: NODE, master_port: blocked }"),
    ("root_holds_self_signed_only", "change_node: { node: NODE, root_store: junk }"),
    (LOGIN_RULE, "change_node: { node: NODE, sql_login: refused }"),
    ("worker_runs", "stop_worker: { worker: NODE }"),
    ("worker_can_log_on", "stop_worker: { worker: NODE }"),
];

const LOGIN_RULE: &str = "master_may_log_in_from_every_node";
