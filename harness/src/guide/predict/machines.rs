//! What does a topology say of nodes and workers?

use std::net::Ipv4Addr;

use failover_sim::settings_file::endpoint;
use serde_json::{Value, json};

use crate::guide::preflight::setup::{
    master_file, may_read, network_name_of, same_host, sql_host, worker_file, worker_service,
};
use crate::guide::snapshot::{Binding, Certificate, Look, Node, PrivateKey, Worker, bindings};

use super::certificates::{NOT_KNOWN, presented};
use super::settings;
use super::topology::{Builder, NotHeld};

impl Builder<'_> {
    pub(super) fn node(&mut self, number: u32, node: &Node) -> Value {
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
        if let Some(subnet) = self.subnets.of_node(name) {
            document["subnet"] = json!(subnet);
        }
        // Who is no member has no vote.
        if members.is_ok() && weight.is_none_or(|member| member.node_weight == 0) {
            document["NodeWeight"] = json!(0);
        }
        self.not_default(name, not_held.unwrap_or_default());
        document
    }

    pub(super) fn worker(&mut self, worker: &Worker) -> Value {
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
        self.not_default(name, not_held.unwrap_or_default());
        json!({
            "name": name,
            "worker_settings": worker_settings,
            "root": self.stores(worker.root.seen().ok(), false),
            "state": state,
            "private_key": if self.key_is_readable(worker) { "readable" } else { "unreadable" },
        })
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

    /// Settings of a machine, a role or a resource that no topology can say.
    pub(super) fn not_default(&mut self, whose: &str, told: Vec<String>) {
        let told = told
            .into_iter()
            .map(|told| NotHeld { breaks: None, told: format!("{whose}: {told}; the default is taken") });
        self.not_held.extend(told);
    }

    /// The host of SSISDB as the topology calls it.
    pub(super) fn instance_host(&self, host: &str) -> String {
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
    pub(super) fn stores(&self, root: Option<&Vec<Certificate>>, of_node: bool) -> Vec<String> {
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
    pub(super) fn port(&self) -> u16 {
        let asked = || {
            let mut files = self.setup.snapshot.workers.iter().filter_map(|worker| worker_file(worker).ok());
            files.find_map(|file| endpoint(&file.endpoint).map(|(_, port)| port))
        };
        self.setup.port.clone().ok().or_else(asked).unwrap_or(8391)
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
}

/// Addresses that nobody has, for nodes whose own was not seen: 192.0.2.0/24 (RFC 5737, documented).
const TEST_NET_1: u32 = 0xc000_0200;

/// The settings files, with the rules that tell of those that nobody can read.
const MASTER_SETTINGS: (&str, &str) = ("MasterSettings.config", "sql_server_name_is_well_formed");

const WORKER_SETTINGS: (&str, &str) = ("WorkerSettings.config", "worker_settings_are_well_formed");
