//! Do the settings files of masters and workers say what steps 5 and 7 ask?

use failover_sim::settings_file::endpoint;

use crate::guide::snapshot::{Moment, Node, SettingsFile, Worker};

use super::setup::{Setup, master_file, master_service, same_host, sql_host, worker_file, worker_service};
use super::{Judged, right, wrong};

pub(super) fn sql_server_name_is_well_formed(setup: &Setup<'_>, node: &Node) -> Judged {
    let fix = |instance: &str| {
        let name = setup.instance.as_deref().unwrap_or("SQL-NETWORK-NAME");
        format!(
            "write SqlServerName as {name} or {name}\\\\{instance} in MasterSettings.config of {}, and restart the master",
            node.name
        )
    };
    let file = node.master_settings.seen()?;
    match file.master() {
        Err(error) => wrong(error.to_string(), fix("INSTANCE")),
        Ok(master) if master.sql_server.contains('/') => {
            let instance = master.sql_server.rsplit('/').next().unwrap_or_default();
            wrong(format!("SqlServerName is `{}`", master.sql_server), fix(instance))
        }
        Ok(master) => right(format!("SqlServerName is `{}`", master.sql_server)),
    }
}

pub(super) fn sql_server_name_is_the_network_name(setup: &Setup<'_>, node: &Node) -> Judged {
    let (noted, found) = (setup.instance.clone()?, master_file(node)?.sql_server);
    if same_host(sql_host(&found), &noted) {
        return right(format!("SqlServerName is `{found}`"));
    }
    let kind = if setup.is_a_node(sql_host(&found)) { ", a node" } else { "" };
    wrong(
        format!("SqlServerName is `{found}`{kind}; the network name is `{noted}`"),
        format!(
            "set SqlServerName to {noted} in MasterSettings.config of {}, and restart the master",
            node.name
        ),
    )
}

pub(super) fn same_port_on_every_node(setup: &Setup<'_>, node: &Node) -> Judged {
    let (most, own) = (setup.port.clone()?, master_file(node)?.port);
    // What the workers ask for decides where the nodes do not agree.
    let asked = setup.snapshot.workers.iter().find_map(|worker| {
        let file = worker_file(worker).ok()?;
        endpoint(&file.endpoint).map(|(_, port)| port)
    });
    let agreed =
        setup.snapshot.nodes.iter().all(|node| master_file(node).is_ok_and(|file| file.port == most));
    let port = if agreed { most } else { asked.unwrap_or(most) };
    if own == port {
        return right(format!("PortNumber {own}"));
    }
    wrong(
        format!("PortNumber is {own}; elsewhere it is {port}"),
        format!(
            "set PortNumber to {port} in MasterSettings.config of {}, bind it, and restart the master",
            node.name
        ),
    )
}

pub(super) fn endpoint_is_the_network_name(setup: &Setup<'_>, worker: &Worker) -> Judged {
    let (noted, found) = (setup.noted.clone()?, worker_file(worker)?.endpoint);
    let fix = || {
        let port = setup.port.clone().unwrap_or(8391);
        format!("set MasterEndpoint to https://{noted}:{port} on {}, and restart the worker", worker.name)
    };
    let Some((host, port)) = endpoint(&found) else {
        return wrong(format!("MasterEndpoint is `{found}`: not https://HOST:PORT"), fix());
    };
    if !same_host(host, &noted) {
        let kind = if setup.is_a_node(host) { ", a node" } else { "" };
        return wrong(format!("MasterEndpoint names `{host}`{kind}; the network name is `{noted}`"), fix());
    }
    let masters = setup.snapshot.nodes.iter().filter_map(|node| master_file(node).ok());
    let ports: Vec<u16> = masters.map(|file| file.port).collect();
    if !ports.is_empty() && !ports.contains(&port) {
        return wrong(format!("MasterEndpoint asks for port {port}, on which no master listens"), fix());
    }
    right(format!("MasterEndpoint is `{found}`"))
}

pub(super) fn name_resolves_to_the_role(setup: &Setup<'_>, worker: &Worker) -> Judged {
    let (addresses, resolved) = (setup.addresses()?, worker.resolved.seen()?);
    let (host, noted) = (worker_file(worker)?.endpoint, setup.noted.clone()?);
    let Some((host, _)) = endpoint(&host).filter(|(host, _)| same_host(host, &noted)) else {
        return Err("MasterEndpoint does not name the network name, so that nobody asked for it".to_owned());
    };
    let told = if resolved.is_empty() { "nothing".to_owned() } else { resolved.join(", ") };
    // Addresses of the other family are those of the same name.
    let is_known = |address: &String| address.contains(':') || addresses.contains(&address.as_str());
    if !resolved.is_empty() && resolved.iter().all(is_known) {
        return right(format!("{host} is {told}"));
    }
    wrong(
        format!("{host} is {told}; the role's address is {}", addresses.join(", ")),
        format!(
            "Clear-DnsClientCache on {}, and look for a stale record: Resolve-DnsName {host}",
            worker.name
        ),
    )
}

pub(super) fn hosts_file_is_silent(setup: &Setup<'_>, worker: &Worker) -> Judged {
    let noted = setup.noted.clone()?;
    let lines = worker.hosts_file.seen()?;
    let speaks = |line: &&String| line.split_whitespace().skip(1).any(|name| same_host(name, &noted));
    match lines.iter().find(speaks) {
        None => right(format!("no line for {noted}")),
        Some(line) => wrong(
            format!("the hosts file says `{line}`"),
            format!("remove that line from the hosts file of {}", worker.name),
        ),
    }
}

pub(super) fn no_proxy(_: &Setup<'_>, worker: &Worker) -> Judged {
    match worker.proxy.seen()? {
        None => right("the service account has no proxy"),
        Some(proxy) => wrong(
            format!("the service account goes through the proxy {proxy}"),
            format!(
                "take the proxy away from the worker's account on {}, or except the network name",
                worker.name
            ),
        ),
    }
}

pub(super) fn master_read_its_settings(_: &Setup<'_>, node: &Node) -> Judged {
    let service = master_service(node)?;
    has_read(node.master_settings.seen()?, service.started_at, &service.name, &node.name)
}

pub(super) fn worker_read_its_settings(_: &Setup<'_>, worker: &Worker) -> Judged {
    let service = worker_service(worker)?;
    has_read(worker.worker_settings.seen()?, service.started_at, &service.name, &worker.name)
}

fn has_read(file: &SettingsFile, started_at: Option<Moment>, service: &str, machine: &str) -> Judged {
    match started_at {
        None => right("the service is not running, and will read them when it starts"),
        Some(started) if file.written_at > started => wrong(
            format!("{service} runs since {started}, and its settings were written at {}", file.written_at),
            format!("Restart-Service {service} on {machine}, or move the role there and back"),
        ),
        Some(started) => right(format!("written before {service} started at {started}")),
    }
}
