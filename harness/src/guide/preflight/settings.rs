//! Do the settings files of masters and workers say what steps 5 and 7 ask?

use failover_sim::settings_file::{Key, MASTER, SettingsError, WORKER, endpoint};

use crate::guide::snapshot::{Moment, Node, SettingsFile, Worker};

use super::fix::{
    Value, bind, quoted, restart_master, restart_worker, set, set_of_master, set_of_worker, spell,
};
use super::setup::{Setup, master_file, master_service, same_host, sql_host, worker_file, worker_service};
use super::{Fix, Judged, right, wrong};

pub(super) fn sql_server_name_is_well_formed(setup: &Setup<'_>, node: &Node) -> Judged {
    let fix = |instance: &str| {
        let Ok(name) = &setup.instance else {
            return Fix::by_hand("write the SQL network name as SqlServerName, a backslash in it doubled");
        };
        let name = if instance.is_empty() { name.clone() } else { format!("{name}\\{instance}") };
        set_of_master(setup, node, "SqlServerName", Value::Text(&name))
    };
    let file = node.master_settings.seen()?;
    match file.master() {
        Err(error @ (SettingsError::Form { .. } | SettingsError::NoText { .. })) => {
            // What a single backslash leaves of the name is still there.
            let value = file.text.split("\"SqlServerName\"").nth(1).and_then(|rest| rest.split('"').nth(1));
            let instance =
                value.and_then(|value| value.rsplit_once('\\')).map_or("", |(_, instance)| instance);
            wrong(error.to_string(), fix(instance))
        }
        Err(error) => Err(error.to_string()),
        Ok(master) if master.sql_server.contains('/') => {
            let instance = master.sql_server.rsplit('/').next().unwrap_or_default();
            wrong(format!("SqlServerName is `{}`", master.sql_server), fix(instance))
        }
        Ok(master) => right(format!("SqlServerName is `{}`", master.sql_server)),
    }
}

pub(super) fn master_settings_are_well_formed(setup: &Setup<'_>, node: &Node) -> Judged {
    let file = node.master_settings.seen()?;
    let fix = |commands| Fix::on(&node.name, commands).and(restart_master(setup, node));
    well_formed(file, &file.mistakes_of_master()?, MASTER, fix)
}

pub(super) fn worker_settings_are_well_formed(_: &Setup<'_>, worker: &Worker) -> Judged {
    let file = worker.worker_settings.seen()?;
    let fix = |commands| Fix::on(&worker.name, commands).and(restart_worker(worker));
    match file.mistakes_of_worker() {
        Ok(mistakes) => well_formed(file, &mistakes, WORKER, fix),
        Err(error) => {
            wrong(error, Fix::by_hand(format!("write {} as JSON: a backslash is doubled there", file.path)))
        }
    }
}

/// What is wrong with the keys of a file. A value that its key cannot have becomes the documented default.
fn well_formed(
    file: &SettingsFile,
    mistakes: &[SettingsError],
    keys: &[Key],
    fix: impl FnOnce(Vec<String>) -> Fix,
) -> Judged {
    if mistakes.is_empty() {
        return right(format!("{} can be read", file.path));
    }
    let (mut commands, mut by_hand) = (Vec::new(), Vec::new());
    for mistake in mistakes {
        let default = match mistake {
            SettingsError::Value { key, .. } => keys.iter().find(|known| known.is_called(key)),
            SettingsError::NoText { .. }
            | SettingsError::Form { .. }
            | SettingsError::Missing { .. }
            | SettingsError::Spelling { .. }
            | SettingsError::Twice { .. } => None,
        };
        match (mistake, default.filter(|key| !key.default.is_empty())) {
            (SettingsError::Value { key, .. }, Some(known)) => {
                let value = known.default.parse().map_or(Value::Text(known.default), Value::Number);
                commands.extend(set(file, key, value));
            }
            (SettingsError::Spelling { key, name, .. }, _) => commands.extend(spell(file, key, name)),
            (other, _) => by_hand.push(match other {
                SettingsError::Missing { key, .. } => format!("write {key}"),
                SettingsError::Spelling { .. } => continue,
                SettingsError::Twice { one, other, .. } => format!("take {one} or {other} away"),
                SettingsError::Value { key, expected, .. } => format!("give {key} {expected}"),
                SettingsError::NoText { .. } | SettingsError::Form { .. } => "write it as JSON".to_owned(),
            }),
        }
    }
    let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    let mut fix = fix(commands);
    if !by_hand.is_empty() {
        fix = fix.and_by_hand(format!("in {}: {}", file.path, by_hand.join("; ")));
    }
    wrong(told.join("; "), fix)
}

pub(super) fn sql_server_name_is_the_network_name(setup: &Setup<'_>, node: &Node) -> Judged {
    let (noted, found) = (setup.instance.clone()?, master_file(node)?.sql_server);
    if same_host(sql_host(&found), &noted) {
        return right(format!("SqlServerName is `{found}`"));
    }
    let kind = if setup.is_a_node(sql_host(&found)) { ", a node" } else { "" };
    wrong(format!("SqlServerName is `{found}`{kind}; the network name is `{noted}`"), {
        // An instance or port that stands behind the host stays.
        let behind = found.strip_prefix(sql_host(&found)).unwrap_or_default();
        set_of_master(setup, node, "SqlServerName", Value::Text(&format!("{noted}{behind}")))
    })
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
        set_of_master(setup, node, "PortNumber", Value::Number(port.into())).and(Fix::on(
            &node.name,
            master_file(node)
                .map_or_else(|_| Vec::new(), |file| bind(node, "0.0.0.0", port, &file.thumbprint)),
        )),
    )
}

pub(super) fn endpoint_is_the_network_name(setup: &Setup<'_>, worker: &Worker) -> Judged {
    let (noted, found) = (setup.noted.clone()?, worker_file(worker)?.endpoint);
    let fix = || {
        let port = setup.port.clone().unwrap_or(8391);
        set_of_worker(worker, "MasterEndpoint", &format!("https://{noted}:{port}"))
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
        setup
            .network_name
            .as_ref()
            .map_or_else(
                |_| Fix::default(),
                |name| {
                    Fix::on_any_node([format!(
                        "Update-ClusterNetworkNameResource -Name {}",
                        quoted(&name.name)
                    )])
                },
            )
            .then(
                &worker.name,
                ["Clear-DnsClientCache".to_owned(), format!("Resolve-DnsName -Name {}", quoted(host))],
            )
            .and_by_hand("if it is still another address, take the stale record away on the DNS server"),
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
            Fix::on(
                &worker.name,
                [
                    "$file = \"$env:SystemRoot\\System32\\drivers\\etc\\hosts\"".to_owned(),
                    "Copy-Item -LiteralPath $file -Destination \"$file.before\"".to_owned(),
                    format!(
                        "(Get-Content -LiteralPath $file) | Where-Object {{ $_.Trim() -ne {} }} | Set-Content -LiteralPath $file \
                         -Encoding ASCII",
                        quoted(line.trim())
                    ),
                    "Clear-DnsClientCache".to_owned(),
                ],
            ),
        ),
    }
}

pub(super) fn master_read_its_settings(setup: &Setup<'_>, node: &Node) -> Judged {
    let service = master_service(node)?;
    let fix = || restart_master(setup, node);
    has_read(node.master_settings.seen()?, service.started_at, &service.name, fix)
}

pub(super) fn worker_read_its_settings(_: &Setup<'_>, worker: &Worker) -> Judged {
    let service = worker_service(worker)?;
    let fix = || restart_worker(worker);
    has_read(worker.worker_settings.seen()?, service.started_at, &service.name, fix)
}

fn has_read(
    file: &SettingsFile,
    started_at: Option<Moment>,
    service: &str,
    fix: impl FnOnce() -> Fix,
) -> Judged {
    match started_at {
        None => right("the service is not running, and will read them when it starts"),
        Some(started) if file.written_at > started => wrong(
            format!("{service} runs since {started}, and its settings were written at {}", file.written_at),
            fix(),
        ),
        Some(started) => right(format!("written before {service} started at {started}")),
    }
}
