//! Can the services start and be reached on every machine?

use crate::guide::snapshot::{FailedStart, Look, Node, Worker, reservations};

use super::setup::{Setup, is_master, is_worker, master_file, master_service, worker_service};
use super::{Judged, right, wrong};

pub(super) fn master_is_installed(_: &Setup<'_>, node: &Node) -> Judged {
    let services = node.services.seen()?;
    let fix =
        || format!("setup.exe /ACTION=Install /FEATURES=IS,IS_Master on {}: step 4 of the guide", node.name);
    match services.iter().rev().find(|service| is_master(&service.name)) {
        Some(service) => right(format!("{} is installed", service.name)),
        None => wrong("no Scale Out Master is installed", fix()),
    }
}

pub(super) fn master_is_not_disabled(_: &Setup<'_>, node: &Node) -> Judged {
    let service = master_service(node)?;
    if service.start_mode.eq_ignore_ascii_case("Disabled") {
        return wrong(
            format!("{} is Disabled", service.name),
            format!("Set-Service {} -StartupType Manual, on {}", service.name, node.name),
        );
    }
    right(format!("its start type is {}", service.start_mode))
}

pub(super) fn only_the_cluster_starts_it(_: &Setup<'_>, node: &Node) -> Judged {
    let service = master_service(node)?;
    if service.start_mode.to_ascii_lowercase().starts_with("auto") {
        return wrong(
            format!("{} starts by itself ({})", service.name, service.start_mode),
            format!("Set-Service {} -StartupType Manual, on {}", service.name, node.name),
        );
    }
    right(format!("its start type is {}", service.start_mode))
}

pub(super) fn same_account_on_every_node(setup: &Setup<'_>) -> Judged {
    let mut accounts: Vec<(&str, &str)> = Vec::new();
    for node in &setup.snapshot.nodes {
        let services = node.services.seen().map_err(|why| format!("{}: {why}", node.name))?;
        let master = services.iter().rev().find(|service| is_master(&service.name));
        accounts.extend(master.map(|service| (node.name.as_str(), service.account.as_str())));
    }
    let Some((_, first)) = accounts.first() else { return Err("no master is installed anywhere".to_owned()) };
    // Accounts that are no domain's differ by their nature: the rule on logins tells of them.
    if accounts.iter().all(|(_, account)| account.eq_ignore_ascii_case(first)) {
        return right(format!("{first} everywhere"));
    }
    let told: Vec<String> = accounts.iter().map(|(node, account)| format!("{node}: {account}")).collect();
    wrong(told.join(", "), "let the master run as the same domain account on every node")
}

pub(super) fn same_version_on_every_node(setup: &Setup<'_>) -> Judged {
    let mut versions: Vec<(&str, &str)> = Vec::new();
    for node in &setup.snapshot.nodes {
        let version = node.master_version.seen().map_err(|why| format!("{}: {why}", node.name))?;
        versions.extend(version.as_deref().map(|version| (node.name.as_str(), version)));
    }
    let Some((_, first)) = versions.first() else { return Err("no master is installed anywhere".to_owned()) };
    if versions.iter().all(|(_, version)| version == first) {
        return right(format!("version {first}"));
    }
    let told: Vec<String> = versions.iter().map(|(node, version)| format!("{node}: {version}")).collect();
    wrong(told.join(", "), "patch every node to the same version of SQL Server")
}

pub(super) fn master_can_log_on(_: &Setup<'_>, node: &Node) -> Judged {
    let service = master_service(node)?;
    logs_on(&node.failed_starts, service.started_at, is_master, &service.account, &node.name)
}

pub(super) fn worker_can_log_on(_: &Setup<'_>, worker: &Worker) -> Judged {
    let service = worker_service(worker)?;
    logs_on(&worker.failed_starts, service.started_at, is_worker, &service.account, &worker.name)
}

fn logs_on(
    failed: &Look<Vec<FailedStart>>,
    started_at: Option<crate::guide::snapshot::Moment>,
    is_it: fn(&str) -> bool,
    account: &str,
    machine: &str,
) -> Judged {
    // A start that went well later settles it.
    let is_open =
        |start: &&FailedStart| is_it(&start.service) && started_at.is_none_or(|started| started < start.at);
    let Some(start) = failed.seen()?.iter().filter(is_open).max_by_key(|start| start.at) else {
        return right("no failed logon of the service in the System log");
    };
    let (what, fix) = match start.event {
        7041 => (
            "may not log on as a service",
            format!("grant {account} the right to log on as a service on {machine}"),
        ),
        _ => (
            "was refused with its password",
            format!("set the password of {account} for {} on {machine}", start.service),
        ),
    };
    wrong(format!("{account} {what} (event {} at {})", start.event, start.at), fix)
}

pub(super) fn firewall_lets_workers_in(_: &Setup<'_>, node: &Node) -> Judged {
    let port = master_file(node)?.port;
    let firewall = node.firewall.seen()?;
    if firewall.on.is_empty() {
        return right("the firewall is off");
    }
    if firewall.open.is_empty() {
        return wrong(format!("no enabled rule lets TCP {port} in"), open(port, node));
    }
    let names: Vec<&str> = firewall.open.iter().map(|rule| rule.name.as_str()).collect();
    right(format!("TCP {port} is let in by {}", names.join(", ")))
}

pub(super) fn firewall_rule_fits_the_network(_: &Setup<'_>, node: &Node) -> Judged {
    let port = master_file(node)?.port;
    let firewall = node.firewall.seen()?;
    if firewall.open.is_empty() {
        return right("there is no rule that could fit only some profiles");
    }
    let is_open = |profile: &&String| {
        !firewall.on.contains(profile)
            || firewall
                .open
                .iter()
                .any(|rule| rule.profiles.iter().any(|own| own == "Any" || own == *profile))
    };
    // A node whose domain controller is out of reach while it boots finds itself in another profile: all must be open.
    let closed: Vec<&str> =
        firewall.on.iter().filter(|profile| !is_open(profile)).map(String::as_str).collect();
    if closed.is_empty() {
        return right(format!("open in every profile; connected: {}", firewall.connected.join(", ")));
    }
    wrong(
        format!(
            "TCP {port} is closed in {}; connected: {}",
            closed.join(", "),
            firewall.connected.join(", ")
        ),
        open(port, node),
    )
}

fn open(port: u16, node: &Node) -> String {
    format!(
        "New-NetFirewallRule -DisplayName 'SSIS Scale Out Master' -Direction Inbound -Protocol TCP -LocalPort {port} \
         -Action Allow -Profile Any, on {}",
        node.name
    )
}

pub(super) fn port_is_free(_: &Setup<'_>, node: &Node) -> Judged {
    let port = master_file(node)?.port;
    // HTTP.SYS listens for the master: the process is System (inferred).
    let others: Vec<&str> =
        node.listeners.seen()?.iter().map(String::as_str).filter(|process| *process != "System").collect();
    if others.is_empty() {
        return right(format!("nobody else listens on {port}"));
    }
    wrong(
        format!("{} listens on {port}", others.join(", ")),
        format!("give that program another port on {}", node.name),
    )
}

pub(super) fn url_is_reserved_for_the_master(_: &Setup<'_>, node: &Node) -> Judged {
    let port = master_file(node)?.port;
    let account = &master_service(node)?.account;
    let reservations = reservations(node.urlacl.seen()?);
    let of_port = reservations.iter().filter(|reservation| reservation.port() == Some(port));
    let mut others = of_port.filter(|reservation| !reservation.user.eq_ignore_ascii_case(account));
    match others.next() {
        None => right(format!("no URL of port {port} is reserved for another account")),
        Some(other) => wrong(
            format!("{} is reserved for {}; the master runs as {account}", other.url, other.user),
            format!(
                "netsh http delete urlacl url={0}, then add urlacl url={0} user={account}, on {1}",
                other.url, node.name
            ),
        ),
    }
}
