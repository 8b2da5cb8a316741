//! Are the cluster, the instance and the master's resource as steps 1, 2 and 6 ask?

use crate::guide::snapshot::{Node, Resource};

use super::setup::{Found, Setup, dns_name, is_master, master_service, same_host};
use super::{Judged, right, wrong};

pub(super) fn every_node_was_looked_at(setup: &Setup<'_>) -> Judged {
    let members = setup.snapshot.cluster.nodes.seen()?;
    let is_there = |name: &str| setup.snapshot.nodes.iter().any(|node| same_host(&node.name, name));
    let missing: Vec<&str> =
        members.iter().map(|node| node.name.as_str()).filter(|name| !is_there(name)).collect();
    if missing.is_empty() {
        return right(format!("{} of {} nodes", members.len(), members.len()));
    }
    Err(format!("the snapshot has nothing from {}", missing.join(", ")))
}

pub(super) fn every_worker_was_looked_at(setup: &Setup<'_>) -> Judged {
    let agents = setup.snapshot.ssisdb.worker_agents.seen()?;
    let is_there = |name: &str| setup.snapshot.workers.iter().any(|worker| same_host(&worker.name, name));
    let missing: Vec<&str> =
        agents.iter().map(|agent| agent.machine.as_str()).filter(|name| !is_there(name)).collect();
    if missing.is_empty() {
        return right(format!("{} of {} workers that SSISDB knows", agents.len(), agents.len()));
    }
    Err(format!("the snapshot has nothing from {}", missing.join(", ")))
}

pub(super) fn clustering_is_installed(_: &Setup<'_>, node: &Node) -> Judged {
    feature(node, "Failover-Clustering")
}

pub(super) fn cluster_tools_are_installed(_: &Setup<'_>, node: &Node) -> Judged {
    feature(node, "RSAT-Clustering-PowerShell")
}

fn feature(node: &Node, name: &str) -> Judged {
    let features = node.features.seen()?;
    if features.iter().any(|feature| feature.eq_ignore_ascii_case(name)) {
        return right(format!("{name} is installed"));
    }
    wrong(
        format!("{name} is not installed"),
        format!("Install-WindowsFeature {name} -ComputerName {}", node.name),
    )
}

pub(super) fn node_is_up(setup: &Setup<'_>, node: &Node) -> Judged {
    let members = setup.snapshot.cluster.nodes.seen()?;
    let Some(member) = members.iter().find(|member| same_host(&member.name, &node.name)) else {
        return wrong(
            format!("{} is no member of the cluster", node.name),
            format!("Add-ClusterNode -Name {}", node.name),
        );
    };
    match member.state.as_str() {
        "Up" => right("Up"),
        "Paused" => wrong("Paused", format!("Resume-ClusterNode -Name {}", node.name)),
        state => wrong(state, format!("Start-ClusterNode -Name {}", node.name)),
    }
}

pub(super) fn quorum_survives_a_node(setup: &Setup<'_>) -> Judged {
    let members = setup.snapshot.cluster.nodes.seen()?;
    let votes = members.iter().filter(|node| node.node_weight > 0).count();
    let fix = "Set-ClusterQuorum -DiskWitness 'NAME OF A DISK', or -FileShareWitness, or -CloudWitness";
    match setup.snapshot.cluster.witness.seen()? {
        Some(witness) if witness.state != "Online" => wrong(
            format!("the witness `{}` is {}", witness.name, witness.state),
            format!("Start-ClusterResource -Name '{}'", witness.name),
        ),
        // The witness has a vote only where that of the nodes is even (understand-quorum, documented).
        Some(_) if votes == 1 && members.len() > 1 => wrong(
            "one node has the only vote of the nodes, and the witness has none beside it",
            "(Get-ClusterNode NODE).NodeWeight = 1 for each node whose vote was taken away",
        ),
        Some(witness) => right(format!("{votes} votes of nodes, and the witness `{}`", witness.name)),
        None if votes % 2 == 0 => wrong(format!("{votes} votes of nodes, and no witness"), fix),
        None if votes == 1 => wrong("one node has the only vote, and there is no witness", fix),
        None => right(format!("{votes} votes of nodes, no witness")),
    }
}

pub(super) fn node_may_own_the_instance(setup: &Setup<'_>, node: &Node) -> Judged {
    may_own(setup.sql_server.clone()?, node, || {
        "setup.exe /ACTION=AddNode on this node: step 2 of the guide adds it to the instance".to_owned()
    })
}

pub(super) fn node_may_own_the_master(setup: &Setup<'_>, node: &Node) -> Judged {
    let master = setup.master.clone()?;
    may_own(master, node, || {
        let owners: Vec<&str> = setup.snapshot.nodes.iter().map(|node| node.name.as_str()).collect();
        format!("Set-ClusterOwnerNode -Resource '{}' -Owners {}", master.name, owners.join(","))
    })
}

fn may_own(resource: &Resource, node: &Node, fix: impl FnOnce() -> String) -> Judged {
    let owners = resource.possible_owners.join(", ");
    if resource.possible_owners.iter().any(|owner| same_host(owner, &node.name)) {
        return right(format!("possible owners of `{}`: {owners}", resource.name));
    }
    wrong(format!("possible owners of `{}` are only: {owners}", resource.name), fix())
}

pub(super) fn noted_name_is_the_network_name(setup: &Setup<'_>) -> Judged {
    let resource = setup.network_name.clone()?;
    let (name, noted) = (dns_name(resource)?, setup.noted.clone()?);
    if same_host(&noted, name) {
        return right(format!("`{name}`, of `{}`", resource.name));
    }
    wrong(
        format!("settings speak of `{noted}`, and `{}` registers `{name}`", resource.name),
        format!("name {name} in SqlServerName on every node and in MasterEndpoint on every worker"),
    )
}

pub(super) fn master_is_a_resource(setup: &Setup<'_>) -> Judged {
    let resources = setup.snapshot.cluster.resources.seen()?;
    if let Ok(master) = &setup.master {
        return right(format!("`{}` in the role `{}`", master.name, master.role));
    }
    let role = setup.sql_server.as_ref().map_or("ROLE OF SQL SERVER", |resource| resource.role.as_str());
    let services = resources.iter().filter(|resource| resource.kind == "Generic Service").count();
    wrong(
        format!("{services} Generic Service resources, none of them a Scale Out Master"),
        format!(
            "Add-ClusterResource -Name 'Scale Out Master' -ResourceType 'Generic Service' -Group '{role}', then \
             Set-ClusterParameter on it: ServiceName"
        ),
    )
}

pub(super) fn master_runs_on_one_node(setup: &Setup<'_>) -> Judged {
    let mut running = Vec::new();
    for node in &setup.snapshot.nodes {
        let services = node.services.seen()?;
        if services.iter().any(|service| is_master(&service.name) && service.state == "Running") {
            running.push(node.name.as_str());
        }
    }
    match running.as_slice() {
        [] if setup.snapshot.nodes.is_empty() => Err("the snapshot has no node".to_owned()),
        [] => wrong("it runs nowhere", "bring the master's resource online: Start-ClusterResource"),
        [one] => right(format!("on {one}")),
        several => wrong(
            format!("it runs on {}", several.join(" and ")),
            "stop it where the role is not: Stop-Service, and Set-Service -StartupType Manual on every node",
        ),
    }
}

pub(super) fn master_moves_with_a_network_name(setup: &Setup<'_>) -> Judged {
    let (master, sql_server) = (setup.master.clone()?, setup.sql_server.clone()?);
    let resources = setup.snapshot.cluster.resources.seen()?;
    if master.role == sql_server.role {
        return right(format!("in the role of the instance, `{}`", master.role));
    }
    let mut of_role = resources.iter().filter(|resource| resource.role == master.role);
    if of_role.any(|resource| resource.kind == "Network Name") {
        return right(format!("in a role of its own with a client access point, `{}`", master.role));
    }
    wrong(
        format!("`{}` is in the role `{}`, which has no network name", master.name, master.role),
        format!("Move-ClusterResource -Name '{}' -Group '{}'", master.name, sql_server.role),
    )
}

pub(super) fn master_waits_for_its_providers(setup: &Setup<'_>) -> Judged {
    let (master, sql_server) = (setup.master.clone()?, setup.sql_server.clone()?);
    // In a role of its own it can depend on nothing of the instance's role.
    let mut needed = vec![];
    if master.role == sql_server.role {
        needed.push(sql_server);
    }
    needed.extend(setup.network_name.as_ref().ok().filter(|name| name.role == master.role));
    if needed.is_empty() {
        return Err("its role has neither the instance nor a network name".to_owned());
    }
    let reached = providers(setup, master)?;
    let missing: Vec<&str> = needed
        .iter()
        .map(|resource| resource.name.as_str())
        .filter(|name| !reached.iter().any(|reached| reached == name))
        .collect();
    if missing.is_empty() {
        return right(format!("it depends on {}", master.dependency));
    }
    let all: Vec<String> = needed.iter().map(|resource| format!("[{}]", resource.name)).collect();
    wrong(
        format!("`{}` does not depend on `{}`", master.name, missing.join("`, `")),
        format!(
            "Set-ClusterResourceDependency -Resource '{}' -Dependency '{}', while it is offline",
            master.name,
            all.join(" and ")
        ),
    )
}

/// The names of all resources that this one depends on, directly or through others.
fn providers(setup: &Setup<'_>, resource: &Resource) -> Found<Vec<String>> {
    let resources = setup.snapshot.cluster.resources.seen()?;
    let mut reached = named(&resource.dependency);
    let mut next = 0;
    while let Some(name) = reached.get(next).cloned() {
        next += 1;
        let provider = resources.iter().find(|resource| resource.name == name);
        for name in provider.map(|provider| named(&provider.dependency)).unwrap_or_default() {
            if !reached.contains(&name) {
                reached.push(name);
            }
        }
    }
    Ok(reached)
}

/// The names in square brackets of a `DependencyExpression`.
pub(crate) fn named(expression: &str) -> Vec<String> {
    let parts = expression.split('[').skip(1);
    parts.filter_map(|part| part.split_once(']')).map(|(name, _)| name.to_owned()).collect()
}

pub(super) fn resource_names_the_installed_service(setup: &Setup<'_>, node: &Node) -> Judged {
    let master = setup.master.clone()?;
    let named = master.parameters.get("ServiceName").map(String::as_str).unwrap_or_default();
    let installed = master_service(node)?;
    let services = node.services.seen()?;
    if services.iter().any(|service| service.name.eq_ignore_ascii_case(named)) {
        return right(format!("ServiceName `{named}` is installed"));
    }
    wrong(
        format!("ServiceName is `{named}`, installed is `{}`", installed.name),
        format!(
            "Get-ClusterResource '{}' | Set-ClusterParameter -Name ServiceName -Value {}",
            master.name, installed.name
        ),
    )
}

pub(super) fn windows_is_the_same_on_every_node(setup: &Setup<'_>) -> Judged {
    let members = setup.snapshot.cluster.nodes.seen()?;
    let told: Vec<String> = members.iter().map(|node| format!("{}: {}", node.name, node.build)).collect();
    if members.windows(2).all(|pair| pair[0].build == pair[1].build) {
        return right(format!("build {}", told.join(", ")));
    }
    wrong(told.join(", "), "update every node to one build of Windows")
}
