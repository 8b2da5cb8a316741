//! In what state is the cluster of a snapshot, where no topology can say it?
//!
//! What scenarios can bring about becomes steps before anything happens. Where the parts of a snapshot contradict each
//! other, or no step leads to what it shows, nothing is predicted.

use crate::guide::preflight::setup::{Setup, is_master, same_host};
use crate::guide::snapshot::{Node, Resource};

/// The state that a snapshot shows.
#[derive(Debug, Default)]
pub(super) struct State {
    /// A node or resource, and a step in which it is called `NODE`.
    pub(super) changes: Vec<(String, &'static str)>,
    /// Why nothing can be predicted.
    pub(super) not_predicted: Vec<String>,
}

/// The state of the cluster whose role is on `owner`.
pub(super) fn state_of(setup: &Setup<'_>, owner: &str) -> State {
    let mut state = State::default();
    for node in &setup.snapshot.nodes {
        state.node(setup, node, owner);
    }
    state.resources(setup);
    state.master(setup, owner);
    state
}

impl State {
    fn node(&mut self, setup: &Setup<'_>, node: &Node, owner: &str) {
        let name = &node.name;
        let members = setup.snapshot.cluster.nodes.seen().ok();
        let member = members.map(|all| all.iter().find(|one| same_host(&one.name, name)));
        let has_clustering = |all: &Vec<String>| all.iter().any(|one| one.eq_ignore_ascii_case(CLUSTERING));
        let (what, step) = match member.map(|member| member.map(|one| one.state.as_str())) {
            Some(None) => ("is no member of the cluster".to_owned(), STOPPED),
            Some(Some("Down")) => ("is Down".to_owned(), STOPPED),
            _ if node.features.seen().is_ok_and(|all| !has_clustering(all)) => {
                (format!("lacks {CLUSTERING}"), STOPPED)
            }
            Some(Some("Paused")) => {
                return self.changes.push((name.clone(), "pause_node: { node: NODE, roles: stay }"));
            }
            Some(Some("Up")) | None => return,
            Some(Some(other)) => return self.not_predicted.push(format!("{name} is {other}")),
        };
        if same_host(name, owner) {
            self.not_predicted.push(format!("the role is on {name}, which {what}"));
        } else {
            self.changes.push((name.clone(), step));
        }
    }

    /// What depends on others goes offline before them, so that it is one step that does it.
    fn resources(&mut self, setup: &Setup<'_>) {
        for resource in [&setup.master, &setup.sql_server, &setup.network_name].into_iter().flatten() {
            match resource.state.as_str() {
                "Online" => {}
                "Offline" => self.changes.push((resource.name.clone(), "stop_resource: { resource: NODE }")),
                other => self.not_predicted.push(format!("`{}` is {other}", resource.name)),
            }
        }
    }

    /// The cluster's word about the resource goes before that about the service of its node.
    fn master(&mut self, setup: &Setup<'_>, owner: &str) {
        let runs = |node: &&Node| {
            let services = node.services.seen().into_iter().flatten();
            services.into_iter().any(|one| is_master(&one.name) && one.state == "Running")
        };
        let nodes = &setup.snapshot.nodes;
        let was_seen = nodes.iter().all(|node| node.services.seen().is_ok());
        let running: Vec<&Node> = nodes.iter().filter(runs).collect();
        let is_owner = |node: &&Node| same_host(&node.name, owner);
        let Some(master) = setup.master.as_ref().ok().filter(|master| is_online(master)) else { return };
        let claimed = format!("`{}` is Online on {owner}", master.name);
        if running.iter().any(is_owner) {
            let others = running.iter().filter(|node| !is_owner(node));
            self.changes.extend(
                others.map(|node| (node.name.clone(), "start_service: { node: NODE, service: master }")),
            );
        } else if let Some(elsewhere) = running.first() {
            self.not_predicted.push(format!("{claimed}, and its service runs on {}", elsewhere.name));
        } else if was_seen {
            self.not_predicted.push(format!("{claimed}, and its service runs nowhere"));
        }
    }
}

fn is_online(resource: &Resource) -> bool {
    resource.state == "Online"
}

/// A node without a cluster service: what it does not run, and what has no part in the cluster, can own nothing.
const STOPPED: &str = "stop_cluster_service: { node: NODE }";

const CLUSTERING: &str = "Failover-Clustering";

/// Rules of preflight about what is dealt with here.
pub(super) const RULES: &[&str] =
    &["clustering_is_installed", "node_is_up", "role_is_online", "master_runs_on_one_node"];
