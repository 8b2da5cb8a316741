//! Why does nobody listen where a worker asks for its master?
//!
//! `EndpointNotFoundException`: PortNumber, MasterEndpoint, a firewall or the network (troubleshooting-scale-out,
//! documented). That the role, the service or its way to SSISDB can be behind it too is inferred.

use failover_sim::names::{NodeId, WorkerId};
use failover_sim::observe::{Answer, Power, ResourceState, RoleState};
use failover_sim::topology::Target;

use crate::picture::{Picture, WordError};
use crate::plan::Plan;

/// What was seen, and what to do about it.
type Reasons = (Vec<String>, Vec<String>);

/// What was seen that keeps this worker from a master, and what to do about it; without a picture, what the topology
/// alone says.
pub(super) fn nobody_listens(plan: &Plan, worker: WorkerId, picture: Option<&Picture<'_>>) -> Reasons {
    picture
        .and_then(|picture| role_away(plan, picture))
        .or_else(|| wrong_name(plan, worker))
        .or_else(|| roles_apart(plan, picture))
        .or_else(|| wrong_port(plan, worker, picture))
        .or_else(|| picture.and_then(|picture| answer(plan, worker, picture)))
        .unwrap_or_else(|| {
            let hint = format!(
                "{}: without an answer see the firewall of the owner node and the network; refused, see the master's log \
                 there, SqlServerName in its MasterSettings.config (step 5 of the guide), and the login of its service \
                 account in SSISDB",
                connection_test(plan, worker)
            );
            (Vec::new(), vec![hint])
        })
}

/// The master's role is online nowhere.
fn role_away(plan: &Plan, picture: &Picture<'_>) -> Option<Reasons> {
    let nothing_runs = nodes(plan).all(|node| stands_still(picture, node));
    let is_seen = picture.watches_a_node() || nothing_runs;
    if !is_seen || picture.role_state() == Some(RoleState::Online) {
        return None;
    }
    let owner = match picture.owner() {
        Ok(owner) => owner,
        Err(WordError::Several) => {
            let hint = "let the nodes see each other: the cluster has one owner of a role only where they do";
            return Some((vec![picture.missing_role()?], vec![hint.to_owned()]));
        }
        Err(WordError::None) => return Some(no_member(plan, picture)),
    };
    let node = plan.names.node(owner);
    let worst = picture.resources_not_online(owner).min_by_key(|(_, state)| match state {
        ResourceState::Failed => 0,
        ResourceState::OnlinePending | ResourceState::OfflinePending => 1,
        ResourceState::Online | ResourceState::Offline => 2,
    });
    let named = worst.map(|(resource, state)| (plan.names.resource(resource), state));
    let hint = match named {
        Some((failed, ResourceState::Failed)) => format!(
            "see why `{failed}` failed on {node}: its entry in the System event log, and `Get-ClusterLog`"
        ),
        Some((waits, ResourceState::OnlinePending | ResourceState::OfflinePending)) => {
            format!("`{waits}` is on its way on {node}: see what it waits for")
        }
        Some((_, ResourceState::Online | ResourceState::Offline)) | None => {
            "step 6 of the guide: bring the role online, with every resource in it".to_owned()
        }
    };
    Some((vec![picture.missing_role()?], vec![hint]))
}

/// No node shows an owner: none runs, or those that do have no quorum.
fn no_member(plan: &Plan, picture: &Picture<'_>) -> Reasons {
    let told = nodes(plan).map(|node| {
        let what = match picture.power(node) {
            Some(Power::Off) => "has no power",
            Some(Power::Frozen) => "stands still",
            Some(Power::On) | None => "is no member of the cluster",
        };
        format!("{} {what}", plan.names.node(node))
    });
    let hint = if nodes(plan).all(|node| stands_still(picture, node)) {
        "no node runs: start one"
    } else {
        "step 1 of the guide: without the majority of its votes the cluster stops: see `Get-ClusterNode` and the witness, \
         and bring one of them back"
    };
    (vec![told.collect::<Vec<_>>().join(", ")], vec![hint.to_owned()])
}

fn nodes(plan: &Plan) -> impl Iterator<Item = NodeId> {
    (0..plan.topology.nodes.len()).map(|index| NodeId(index as u8))
}

fn stands_still(picture: &Picture<'_>, node: NodeId) -> bool {
    matches!(picture.power(node), Some(Power::Off | Power::Frozen))
}

/// MasterEndpoint leads elsewhere than to the network name.
fn wrong_name(plan: &Plan, worker: WorkerId) -> Option<Reasons> {
    let topology = &plan.topology;
    let asked = topology.workers[worker.index()].settings.endpoint_host;
    let right: Vec<Target> = topology.targets_of(topology.endpoint).collect();
    let mut found = topology.targets_of(asked).peekable();
    if found.peek().is_some() && found.all(|target| right.contains(&target)) {
        return None;
    }
    let (asked, right) = (plan.names.host(asked), plan.names.host(topology.endpoint));
    Some((
        vec![format!("MasterEndpoint names `{asked}`; the network name is `{right}`")],
        vec![
            "step 7 of the guide: name the network name in MasterEndpoint, and restart the worker".to_owned(),
        ],
    ))
}

/// The network name is in another role than the master, and online on another node as far as anybody has seen.
fn roles_apart(plan: &Plan, picture: Option<&Picture<'_>>) -> Option<Reasons> {
    let other = plan.topology.cluster.resources[plan.network_name.index()].role;
    let owner = |role| picture.and_then(|picture| picture.owner_of(role).ok());
    if other == plan.role || (picture.is_some() && owner(other) == owner(plan.role)) {
        return None;
    }
    let told = |role, what: &str| {
        let at = owner(role).map(|node| format!(" on {}", plan.names.node(node))).unwrap_or_default();
        format!("{what} is in role `{}`{at}", plan.names.role(role))
    };
    Some((
        vec![format!("{}, {}", told(other, "the network name"), told(plan.role, "the master"))],
        vec![
            "step 6 of the guide: the master is a Generic Service in the role of the network name".to_owned(),
        ],
    ))
}

/// The owner node, or where nobody knows it any node, listens on another port than the one that the worker asks for. All
/// nodes that do are told.
fn wrong_port(plan: &Plan, worker: WorkerId, picture: Option<&Picture<'_>>) -> Option<Reasons> {
    let asked = plan.topology.workers[worker.index()].settings.endpoint_port;
    let port = |node: NodeId| plan.topology.nodes[node.index()].master_settings.port;
    let owner = picture.and_then(|picture| picture.owner().ok());
    if owner.is_some_and(|owner| port(owner) == asked) {
        return None;
    }
    let others = nodes(plan).map(|node| (plan.names.node(node), port(node)));
    let others: Vec<(&str, u16)> = others.filter(|(_, port)| *port != asked).collect();
    if others.is_empty() {
        return None;
    }
    let named: Vec<&str> = others.iter().map(|(name, _)| *name).collect();
    let named = named.join(", ");
    let detail = |(name, port)| format!("PortNumber of {name} is {port}; the worker asks for port {asked}");
    Some((
        others.into_iter().map(detail).collect(),
        vec![format!(
            "set PortNumber in MasterSettings.config of {named} to the port that MasterEndpoint names"
        )],
    ))
}

/// The role is online: what a client outside the cluster meets at its endpoint says where to look.
fn answer(plan: &Plan, worker: WorkerId, picture: &Picture<'_>) -> Option<Reasons> {
    let node = picture.owner().ok()?;
    let name = plan.names.node(node);
    let port = plan.topology.workers[worker.index()].settings.endpoint_port;
    Some(match picture.endpoint()? {
        Answer::Silent => (
            vec![format!("the role is online on {name}, and nothing comes back from its port {port}")],
            // That the worker is restarted then: walkthrough of Scale Out (documented).
            vec![format!(
                "let port {port} in through the firewall of {name}, and restart the worker: {}",
                connection_test(plan, worker)
            )],
        ),
        Answer::Refused => {
            let host = plan.topology.nodes[node.index()].master_settings.sql_server;
            let is_a_node = matches!(plan.topology.hosts[host.index()], Target::Node(_) | Target::Nobody);
            let mut details =
                vec![format!("the role is online on {name}, which refuses connections to port {port}")];
            if is_a_node {
                let host = plan.names.host(host);
                details.push(format!("SqlServerName in MasterSettings.config of {name} is `{host}`"));
                let hint = "step 5 of the guide: set SqlServerName in MasterSettings.config of every node to the SQL network \
                            name, and restart the master";
                return Some((details, vec![hint.to_owned()]));
            }
            let hint = format!(
                "the master's log on {name} says why it does not listen: SqlServerName (step 5 of the guide) and PortNumber \
                 in its MasterSettings.config, and whether its service account has a login that is in ssis_admin"
            );
            (details, vec![hint])
        }
        Answer::NoHandshake(by) | Answer::Served { by, .. } => (
            vec![format!("another client gets an answer at port {port} from {}", plan.names.node(by))],
            vec![format!(
                "see what lies between that worker and {name}, and what DNS tells it: {}",
                connection_test(plan, worker)
            )],
        ),
    })
}

fn connection_test(plan: &Plan, worker: WorkerId) -> String {
    let settings = &plan.topology.workers[worker.index()].settings;
    let host = plan.names.host(settings.endpoint_host);
    format!("`Test-NetConnection {host} -Port {}` on the worker's machine", settings.endpoint_port)
}
