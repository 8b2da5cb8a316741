//! Which topology does a snapshot describe?
//!
//! What nobody could look at is taken for right and told as a gap, and so is what the model does not have. The text is
//! JSON, which is YAML too: a topology file like any other.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::guide::preflight;
use crate::guide::preflight::setup::{Setup, dns_name, same_host, sql_host};
use crate::guide::snapshot::{Look, Snapshot};

use super::certificates::name_of;
use super::state::state_of;
use super::subnets::Subnets;
use super::{PredictError, unseen};

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
        not_predicted: Vec::new(),
        subnets: Subnets::of(&setup),
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
        not_predicted: builder.not_predicted.into_iter().chain(state.not_predicted).collect(),
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

pub(super) struct Builder<'s> {
    pub(super) setup: &'s Setup<'s>,
    /// The network name as the topology calls it.
    pub(super) name: String,
    /// The master certificates by their thumbprints: the names that the topology gives them.
    pub(super) certificates: BTreeMap<String, String>,
    pub(super) gaps: Vec<String>,
    pub(super) not_held: Vec<NotHeld>,
    pub(super) not_predicted: Vec<String>,
    pub(super) subnets: Subnets,
    /// Machines that the snapshot has nothing from.
    pub(super) unseen: &'s [String],
}

impl Builder<'_> {
    pub(super) fn gap(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.gaps.contains(&what) {
            self.gaps.push(what);
        }
    }

    pub(super) fn not_held(&mut self, rule: &'static str, subject: &str, told: String) {
        self.not_held.push(NotHeld { breaks: Some((rule, subject.to_owned())), told });
    }

    /// A part of a machine that nobody could look at.
    pub(super) fn not_seen(&mut self, machine: &str, what: &str, why: &str) {
        if self.unseen.iter().any(|name| name == machine) {
            self.gap(format!("{machine}: the snapshot has nothing from it; taken for right"));
        } else {
            self.gap(format!("{what} of {machine}: {why}; taken for right"));
        }
    }

    /// A host as the topology calls it: the network name in whatever form workers use it is one name there.
    pub(super) fn host(&self, host: &str) -> String {
        if same_host(host, &self.name) { self.name.clone() } else { host.to_owned() }
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
            // What 1 and 2 are called (VM compute resiliency, documented).
            let level = match properties.get("ResiliencyLevel").map(String::as_str) {
                Some("1") => Some("IsolateOnSpecialHeartbeat"),
                Some("2") => Some("AlwaysIsolate"),
                Some(_) | None => None,
            };
            set.extend(level.map(|level| ("ResiliencyLevel".to_owned(), json!(level))));
        } else {
            self.gap("the properties of the cluster were not seen: the defaults are taken");
        }
        if !set.is_empty() {
            document["properties"] = Value::Object(set);
        }
        document
    }
}

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
