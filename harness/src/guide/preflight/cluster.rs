//! Are the cluster, the instance and the master's resource as steps 1, 2 and 6 ask?

use crate::guide::snapshot::{Node, Resource};

use super::dependency::{named, ors, waited_for};
use super::fix::{Value, quoted, set, set_of_worker};
use super::setup::{
    Found, Setup, dns_name, is_master, master_file, master_service, network_name_of, same_host, sql_host,
};
use super::{Fix, Judged, fix, of_all, right, wrong};

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
        Fix::on(&node.name, [format!("Install-WindowsFeature -Name {name}")]),
    )
}

pub(super) fn node_is_up(setup: &Setup<'_>, node: &Node) -> Judged {
    let members = setup.snapshot.cluster.nodes.seen()?;
    let Some(member) = members.iter().find(|member| same_host(&member.name, &node.name)) else {
        return wrong(
            format!("{} is no member of the cluster", node.name),
            Fix::on_any_node([format!("Add-ClusterNode -Name {}", quoted(&node.name))]),
        );
    };
    match member.state.as_str() {
        "Up" => right("Up"),
        "Paused" => {
            wrong("Paused", Fix::on_any_node([format!("Resume-ClusterNode -Name {}", quoted(&member.name))]))
        }
        state => {
            wrong(state, Fix::on_any_node([format!("Start-ClusterNode -Name {}", quoted(&member.name))]))
        }
    }
}

pub(super) fn quorum_survives_a_node(setup: &Setup<'_>) -> Judged {
    let members = setup.snapshot.cluster.nodes.seen()?;
    let votes = members.iter().filter(|node| node.node_weight > 0).count();
    let witness = || {
        Fix::on_any_node([
            "$disk = Get-ClusterResource | Where-Object { $_.ResourceType.Name -eq 'Physical Disk' -and $_.OwnerGroup.Name -eq \
             'Available Storage' } | Select-Object -First 1"
                .to_owned(),
            "Set-ClusterQuorum -DiskWitness $disk.Name".to_owned(),
        ])
        .and_by_hand("where no shared disk is left, a share on a third machine: Set-ClusterQuorum -FileShareWitness, with its path")
    };
    let without = || members.iter().filter(|member| member.node_weight == 0);
    let vote = || {
        Fix::on_any_node(
            without()
                .map(|member| format!("(Get-ClusterNode -Name {}).NodeWeight = 1", quoted(&member.name))),
        )
    };
    match setup.snapshot.cluster.witness.seen()? {
        Some(witness) if witness.state != "Online" => wrong(
            format!("the witness `{}` is {}", witness.name, witness.state),
            Fix::on_any_node([format!("Start-ClusterResource -Name {}", quoted(&witness.name))]),
        ),
        // The witness has a vote only where that of the nodes is even (understand-quorum, documented).
        Some(_) if votes == 1 && members.len() > 1 => {
            wrong("one node has the only vote of the nodes, and the witness has none beside it", vote())
        }
        Some(witness) => right(format!("{votes} votes of nodes, and the witness `{}`", witness.name)),
        None if votes % 2 == 0 => wrong(format!("{votes} votes of nodes, and no witness"), witness()),
        None if votes == 1 && members.len() > 1 => {
            wrong("one node has the only vote, and there is no witness", vote().and(witness()))
        }
        None if votes == 1 => wrong("one node has the only vote, and there is no witness", witness()),
        None => right(format!("{votes} votes of nodes, no witness")),
    }
}

pub(super) fn node_may_own_the_instance(setup: &Setup<'_>, node: &Node) -> Judged {
    let sql_server = setup.sql_server.clone()?;
    let add = || {
        if setup.is_availability_group() {
            return Fix::by_hand(format!(
                "add a replica of `{}` on {}: New Availability Group, Add Replica in SQL Server Management Studio",
                sql_server.name, node.name
            ));
        }
        let instance = sql_server.parameters.get("InstanceName").map_or("MSSQLSERVER", String::as_str);
        Fix::by_hand(format!(
            "on {}, in the folder of the installation media of SQL Server: .\\setup.exe /ACTION=AddNode /INSTANCENAME={instance}",
            node.name
        ))
    };
    may_own(sql_server, node, add)
}

pub(super) fn node_may_own_the_disks(setup: &Setup<'_>, node: &Node) -> Judged {
    let sql_server = setup.sql_server.clone()?;
    let resources = setup.snapshot.cluster.resources.seen()?;
    let disks = resources.iter().filter(|one| one.role == sql_server.role && one.kind == "Physical Disk");
    let is_owner = |disk: &&Resource| disk.possible_owners.iter().any(|owner| same_host(owner, &node.name));
    let (own, others): (Vec<&Resource>, Vec<&Resource>) = disks.partition(is_owner);
    let names = |disks: &[&Resource]| {
        disks.iter().map(|disk| format!("`{}`", disk.name)).collect::<Vec<_>>().join(", ")
    };
    if others.is_empty() {
        // Storage may be a share, or come from Storage Spaces Direct: no disk in the role is no mistake.
        return right(if own.is_empty() { "the role has no disk".to_owned() } else { names(&own) });
    }
    wrong(
        format!("it is no possible owner of {}", names(&others)),
        Fix::on_any_node(others.iter().map(|disk| owners(setup, disk, node)))
            .and_by_hand(format!("the storage must show these disks to {}", node.name)),
    )
}

/// Adds a node to the possible owners of a resource.
fn owners(setup: &Setup<'_>, resource: &Resource, node: &Node) -> String {
    let named = setup.snapshot.nodes.iter().map(|node| &node.name);
    let is_owner = |name: &&String| {
        same_host(name, &node.name) || resource.possible_owners.iter().any(|owner| same_host(owner, name))
    };
    let others = resource
        .possible_owners
        .iter()
        .filter(|owner| !setup.snapshot.nodes.iter().any(|node| same_host(&node.name, owner)));
    let names: Vec<String> = named.filter(is_owner).chain(others).map(|name| quoted(name)).collect();
    format!("Set-ClusterOwnerNode -Resource {} -Owners {}", quoted(&resource.name), names.join(", "))
}

pub(super) fn node_may_own_the_master(setup: &Setup<'_>, node: &Node) -> Judged {
    let master = setup.master.clone()?;
    may_own(master, node, || Fix::on_any_node([owners(setup, master, node)]))
}

fn may_own(resource: &Resource, node: &Node, fix: impl FnOnce() -> Fix) -> Judged {
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
        rename(setup, name),
    )
}

/// The right name in every settings file.
fn rename(setup: &Setup<'_>, name: &str) -> Fix {
    let mut fix = Fix::default();
    for node in &setup.snapshot.nodes {
        let (Ok(file), Ok(read)) = (node.master_settings.seen(), master_file(node)) else { continue };
        // Where the master has a role of its own, SSISDB has another name.
        if setup.noted.as_deref().is_ok_and(|noted| same_host(sql_host(&read.sql_server), noted)) {
            let new = read.sql_server.replacen(sql_host(&read.sql_server), name, 1);
            fix = fix
                .then(&node.name, set(file, "SqlServerName", Value::Text(&new)))
                .and(fix::restart_master(setup, node));
        }
    }
    let port = setup.port.clone().unwrap_or(8391);
    setup.snapshot.workers.iter().fold(fix, |fix, worker| {
        fix.and(set_of_worker(worker, "MasterEndpoint", &format!("https://{name}:{port}")))
    })
}

pub(super) fn master_is_a_resource(setup: &Setup<'_>) -> Judged {
    let resources = setup.snapshot.cluster.resources.seen()?;
    if let Ok(master) = &setup.master {
        return right(format!("`{}` in the role `{}`", master.name, master.role));
    }
    let installed = setup.snapshot.nodes.iter().find_map(|node| master_service(node).ok());
    let fix = match (&setup.sql_server, installed) {
        (Ok(sql_server), _) if setup.is_availability_group() => Fix::by_hand(format!(
            "configure a role of type Generic Service with a client access point for the master, beside `{}`: step 7 of the guide \
             for availability groups",
            sql_server.role
        )),
        (Ok(sql_server), Some(service)) => add_master(setup, sql_server, &service.name),
        (Ok(_), None) => Fix::by_hand("install the master on every node first: step 4"),
        (Err(why), _) => Fix::by_hand(format!("set up the instance first: {why}")),
    };
    let services = resources.iter().filter(|resource| resource.kind == "Generic Service").count();
    wrong(format!("{services} Generic Service resources, none of them a Scale Out Master"), fix)
}

/// Step 6: the resource, its service, what it waits for, and online.
fn add_master(setup: &Setup<'_>, sql_server: &Resource, service: &str) -> Fix {
    let name = quoted("Scale Out Master");
    let providers =
        std::iter::once(sql_server).chain(network_name_of(&setup.snapshot.cluster, sql_server).ok());
    let providers: Vec<String> = providers.map(|one| format!("[{}]", one.name)).collect();
    let stop = setup.snapshot.nodes.iter().filter_map(|node| {
        let service = master_service(node).ok()?;
        Some((
            node,
            [
                format!("Set-Service -Name {} -StartupType Manual", quoted(&service.name)),
                format!("Stop-Service -Name {}", quoted(&service.name)),
            ],
        ))
    });
    // What the cluster starts must not run already.
    let stopped = stop.fold(Fix::default(), |fix, (node, commands)| fix.then(&node.name, commands));
    stopped.and(Fix::on_any_node([
        format!(
            "Add-ClusterResource -Name {name} -ResourceType 'Generic Service' -Group {}",
            quoted(&sql_server.role)
        ),
        format!(
            "Get-ClusterResource -Name {name} | Set-ClusterParameter -Name ServiceName -Value {}",
            quoted(service)
        ),
        format!(
            "Set-ClusterResourceDependency -Resource {name} -Dependency {}",
            quoted(&providers.join(" and "))
        ),
        format!("Start-ClusterResource -Name {name}"),
    ]))
}

pub(super) fn master_runs_on_one_node(setup: &Setup<'_>) -> Judged {
    let mut running = Vec::new();
    let mut not_seen = setup.nodes_not_seen();
    for node in &setup.snapshot.nodes {
        match node.services.seen() {
            Ok(services) => running.extend(
                services
                    .iter()
                    .find(|service| is_master(&service.name) && service.state == "Running")
                    .map(|service| (node.name.as_str(), service.name.as_str())),
            ),
            Err(why) => not_seen.push(why),
        }
    }
    let found = match running.as_slice() {
        [] if setup.snapshot.nodes.is_empty() => Err("the snapshot has no node".to_owned()),
        [] if !not_seen.is_empty() => Err(not_seen[0].clone()),
        [] => wrong(
            "it runs nowhere",
            match &setup.master {
                Ok(master) => {
                    Fix::on_any_node([format!("Start-ClusterResource -Name {}", quoted(&master.name))])
                }
                Err(why) => Fix::by_hand(format!("make it a resource first: {why}")),
            },
        ),
        [(one, service)] => match (&setup.master, setup.owner()) {
            (Ok(master), Some(owner)) if !same_host(owner, one) => wrong(
                format!("it runs on {one}, and its role is on {owner}"),
                Fix::on(one, [format!("Stop-Service -Name {}", quoted(service))])
                    .and(Fix::on_any_node([format!("Start-ClusterResource -Name {}", quoted(&master.name))])),
            ),
            (Ok(master), None) => {
                Err(format!("it runs on {one}; the owner of `{}` was not seen", master.role))
            }
            (Ok(_), Some(_)) | (Err(_), _) => right(format!("on {one}")),
        },
        several => {
            let nodes: Vec<&str> = several.iter().map(|(node, _)| *node).collect();
            let owner = setup.owner();
            let others =
                several.iter().filter(|(node, _)| !owner.is_some_and(|owner| same_host(owner, node)));
            let stop = others.fold(Fix::default(), |fix, (node, service)| {
                let service = quoted(service);
                fix.then(
                    node,
                    [
                        format!("Stop-Service -Name {service}"),
                        format!("Set-Service -Name {service} -StartupType Manual"),
                    ],
                )
            });
            wrong(format!("it runs on {}", nodes.join(" and ")), stop)
        }
    };
    of_all(found, not_seen)
}

/// Addresses are left aside: of several in other subnets one alone is online.
pub(super) fn role_is_online(setup: &Setup<'_>) -> Judged {
    let master = setup.master.clone()?;
    let needed = [setup.sql_server.clone()?, setup.network_name.clone()?, master];
    let down: Vec<&Resource> = needed.into_iter().filter(|one| one.state != "Online").collect();
    if down.is_empty() {
        return right(format!("{} and what it needs are Online", master.name));
    }
    let told: Vec<String> = down.iter().map(|one| format!("`{}` is {}", one.name, one.state)).collect();
    wrong(
        told.join(", "),
        Fix::on_any_node(down.iter().map(|one| format!("Start-ClusterResource -Name {}", quoted(&one.name))))
            .and_by_hand("if it fails again, its events in the System log say why: 1040 to 1042, 1069"),
    )
}

/// RestartAction and RetryPeriodOnFailure of resources (documented).
pub(super) fn master_is_started_again(setup: &Setup<'_>) -> Judged {
    let master = setup.master.clone()?;
    let property = |name: &str| {
        let value = master.properties.get(name);
        value.map(String::as_str).ok_or_else(|| format!("{name} of `{}` was not seen", master.name))
    };
    let set = |name: &str, value: u32| {
        Fix::on_any_node([format!("(Get-ClusterResource -Name {}).{name} = {value}", quoted(&master.name))])
    };
    let (action, retry) = (property("RestartAction")?, property("RetryPeriodOnFailure")?);
    match action {
        "0" => return wrong("RestartAction is 0: a master that fails stays so", set("RestartAction", 2)),
        "1" if property("RestartThreshold")? == "0" => {
            return wrong(
                "RestartAction is 1 and RestartThreshold 0: a master that fails stays so",
                set("RestartThreshold", 3),
            );
        }
        _ => {}
    }
    if retry == NEVER {
        return wrong(
            "RetryPeriodOnFailure is never: after the last restart and failover nobody tries again",
            set("RetryPeriodOnFailure", AN_HOUR),
        );
    }
    right(format!("RestartAction {action}, RetryPeriodOnFailure {retry} ms"))
}

/// `RetryPeriodOnFailure` of a resource that is never tried again (documented).
const NEVER: &str = "4294967295";
/// The default of `RetryPeriodOnFailure`, in milliseconds (documented).
const AN_HOUR: u32 = 3_600_000;

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
        if setup.is_availability_group() {
            Fix::by_hand(format!(
                "give the role `{}` a client access point: step 7 of the guide for availability groups",
                master.role
            ))
        } else {
            move_into_the_role(setup, master, sql_server)
        },
    )
}

/// The master into the role of the instance. Both roles must be on one node, and a resource takes no dependency along into
/// another role (ChangeClusterResourceGroup and resource dependencies, documented).
fn move_into_the_role(setup: &Setup<'_>, master: &Resource, sql_server: &Resource) -> Fix {
    let owner_of = |role: &str| {
        let roles = setup.snapshot.cluster.roles.seen().ok()?;
        roles.iter().find(|one| one.name == role).map(|one| one.owner.as_str())
    };
    let brought = owner_of(&sql_server.role)
        .filter(|owner| owner_of(&master.role).is_none_or(|other| !same_host(owner, other)))
        .map(|owner| format!("Move-ClusterGroup -Name {} -Node {}", quoted(&master.role), quoted(owner)));
    let name = quoted(&master.name);
    let providers =
        std::iter::once(sql_server).chain(network_name_of(&setup.snapshot.cluster, sql_server).ok());
    let providers: Vec<String> = providers.map(|one| format!("[{}]", one.name)).collect();
    Fix::on_any_node(brought.into_iter().chain([
        format!("Stop-ClusterResource -Name {name}"),
        format!("Move-ClusterResource -Name {name} -Group {}", quoted(&sql_server.role)),
        format!(
            "Set-ClusterResourceDependency -Resource {name} -Dependency {}",
            quoted(&providers.join(" and "))
        ),
        format!("Start-ClusterResource -Name {name}"),
    ]))
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
    wrong(
        format!("`{}` does not depend on `{}`", master.name, missing.join("`, `")),
        depend(&master.name, &master.dependency, &missing),
    )
}

/// Lets a resource wait for these too. The expression is set as a whole (Set-ClusterResourceDependency, documented): what stands
/// there stays, unless it is an alternative to what is missing.
fn depend(resource: &str, expression: &str, missing: &[&str]) -> Fix {
    let there = named(expression);
    let known = there.iter().filter(|name| missing.contains(&name.as_str())).count();
    let kept = match (ors(expression), known) {
        (0, _) => expression.to_owned(),
        (_, 0) => format!("({expression})"),
        (_, _) => String::new(),
    };
    let kept = Some(kept).filter(|kept| !kept.is_empty());
    let all: Vec<String> = kept.into_iter().chain(missing.iter().map(|name| format!("[{name}]"))).collect();
    let name = quoted(resource);
    let fix = Fix::on_any_node([
        format!("Stop-ClusterResource -Name {name}"),
        format!("Set-ClusterResourceDependency -Resource {name} -Dependency {}", quoted(&all.join(" and "))),
        format!("Start-ClusterResource -Name {name}"),
    ]);
    if known > 0 && known < there.len() {
        return fix.and_by_hand(format!("it was {expression}: add what else of this it needs"));
    }
    fix
}

/// The names of all resources that this one waits for, directly or through others.
fn providers(setup: &Setup<'_>, resource: &Resource) -> Found<Vec<String>> {
    let resources = setup.snapshot.cluster.resources.seen()?;
    let mut reached = waited_for(&resource.dependency);
    let mut next = 0;
    while let Some(name) = reached.get(next).cloned() {
        next += 1;
        let provider = resources.iter().find(|resource| resource.name == name);
        for name in provider.map(|provider| waited_for(&provider.dependency)).unwrap_or_default() {
            if !reached.contains(&name) {
                reached.push(name);
            }
        }
    }
    Ok(reached)
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
        Fix::on_any_node([format!(
            "Get-ClusterResource -Name {} | Set-ClusterParameter -Name ServiceName -Value {}",
            quoted(&master.name),
            quoted(&installed.name)
        )])
        .and_by_hand("what runs goes on with the old service until the resource is stopped and started"),
    )
}

pub(super) fn windows_is_the_same_on_every_node(setup: &Setup<'_>) -> Judged {
    let members = setup.snapshot.cluster.nodes.seen()?;
    let told: Vec<String> = members.iter().map(|node| format!("{}: {}", node.name, node.build)).collect();
    if members.windows(2).all(|pair| pair[0].build == pair[1].build) {
        return right(format!("build {}", told.join(", ")));
    }
    wrong(
        told.join(", "),
        Fix::by_hand("update every node to one build of Windows, the one that does not own the role first"),
    )
}
