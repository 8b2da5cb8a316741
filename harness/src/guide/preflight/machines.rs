//! Do the services run, and can they start, on every machine?

use crate::guide::snapshot::{FailedStart, Look, Moment, Node, Service, Worker, reservations};

use super::fix::{let_log_on, quoted, set_account};
use super::setup::{Found, Setup, is_master, is_worker, master_service, same_host, worker_service};
use super::{Fix, Judged, of_all, right, wrong};

pub(super) fn master_is_installed(setup: &Setup<'_>, node: &Node) -> Judged {
    let services = node.services.seen()?;
    let fix = || {
        let pinned = setup.pin.as_ref().map_or_else(|_| String::new(), |pin| format!(" {pin}"));
        Fix::by_hand(format!(
            "on {}, in the folder of the installation media of SQL Server: .\\setup.exe /ACTION=Install /FEATURES=IS,IS_Master; first \
             import the master certificate{pinned} with its private key into LocalMachine\\Root there, and choose it in setup",
            node.name
        ))
    };
    match services.iter().rev().find(|service| is_master(&service.name)) {
        Some(service) => right(format!("{} is installed", service.name)),
        None => wrong("no Scale Out Master is installed", fix()),
    }
}

pub(super) fn master_is_not_disabled(_: &Setup<'_>, node: &Node) -> Judged {
    let service = master_service(node)?;
    if service.start_mode.eq_ignore_ascii_case("Disabled") {
        return wrong(format!("{} is Disabled", service.name), by_the_cluster_alone(node, service));
    }
    right(format!("its start type is {}", service.start_mode))
}

pub(super) fn only_the_cluster_starts_it(_: &Setup<'_>, node: &Node) -> Judged {
    let service = master_service(node)?;
    if service.start_mode.to_ascii_lowercase().starts_with("auto") {
        return wrong(
            format!("{} starts by itself ({})", service.name, service.start_mode),
            by_the_cluster_alone(node, service),
        );
    }
    right(format!("its start type is {}", service.start_mode))
}

fn by_the_cluster_alone(node: &Node, service: &Service) -> Fix {
    Fix::on(&node.name, [format!("Set-Service -Name {} -StartupType Manual", quoted(&service.name))])
}

pub(super) fn same_account_on_every_node(setup: &Setup<'_>) -> Judged {
    let mut accounts: Vec<(&str, &str)> = Vec::new();
    let mut not_seen = setup.nodes_not_seen();
    for node in &setup.snapshot.nodes {
        match node.services.seen() {
            Ok(services) => {
                let master = services.iter().rev().find(|service| is_master(&service.name));
                accounts.extend(master.map(|service| (node.name.as_str(), service.account.as_str())));
            }
            Err(why) => not_seen.push(format!("{}: {why}", node.name)),
        }
    }
    let Some((_, first)) = accounts.first() else {
        return Err(not_seen
            .into_iter()
            .next()
            .unwrap_or_else(|| "no master is installed anywhere".to_owned()));
    };
    // Accounts that are no domain's differ by their nature: the rule on logins tells of them.
    if accounts.iter().all(|(_, account)| account.eq_ignore_ascii_case(first)) {
        return of_all(right(format!("{first} everywhere")), not_seen);
    }
    let told: Vec<String> = accounts.iter().map(|(node, account)| format!("{node}: {account}")).collect();
    // What the owner node has is what SSISDB lets in, unless it is no account that another node can have.
    let owner = setup
        .snapshot
        .nodes
        .iter()
        .find(|node| setup.owner().is_some_and(|owner| same_host(owner, &node.name)));
    let Some(right) =
        owner.or_else(|| setup.snapshot.nodes.first()).and_then(|node| setup.domain_account(node))
    else {
        return wrong(told.join(", "), Fix::by_hand("give all of them one account of the domain"));
    };
    let fix = setup.snapshot.nodes.iter().fold(Fix::default(), |fix, node| match master_service(node) {
        Ok(service) if !service.account.eq_ignore_ascii_case(right) => {
            fix.then(&node.name, set_account(&service.name, Some(right)))
        }
        Ok(_) | Err(_) => fix,
    });
    wrong(told.join(", "), fix)
}

pub(super) fn same_version_on_every_node(setup: &Setup<'_>) -> Judged {
    let mut versions: Vec<(&str, &str)> = Vec::new();
    let mut not_seen = setup.nodes_not_seen();
    for node in &setup.snapshot.nodes {
        match node.master_version.seen() {
            Ok(version) => versions.extend(version.as_deref().map(|version| (node.name.as_str(), version))),
            Err(why) => not_seen.push(format!("{}: {why}", node.name)),
        }
    }
    let Some((_, first)) = versions.first() else {
        return Err(not_seen
            .into_iter()
            .next()
            .unwrap_or_else(|| "no master is installed anywhere".to_owned()));
    };
    if versions.iter().all(|(_, version)| version == first) {
        return of_all(right(format!("version {first}")), not_seen);
    }
    let told: Vec<String> = versions.iter().map(|(node, version)| format!("{node}: {version}")).collect();
    wrong(
        told.join(", "),
        Fix::by_hand(
            "patch every node to the same version of SQL Server, the one that does not own the role first",
        ),
    )
}

pub(super) fn master_can_log_on(_: &Setup<'_>, node: &Node) -> Judged {
    let service = master_service(node)?;
    logs_on(&node.failed_starts, service.started_at, is_master, &service.account, &node.name)
}

pub(super) fn worker_runs(_: &Setup<'_>, worker: &Worker) -> Judged {
    let service = worker_service(worker)?;
    if service.state == "Running" {
        return right(format!("{} runs", service.name));
    }
    if open_failure(&worker.failed_starts, None, is_worker)?.is_some() {
        return Err(format!("{} is {}: see worker_can_log_on", service.name, service.state));
    }
    let name = quoted(&service.name);
    // What is disabled cannot be started.
    let enable = format!("Set-Service -Name {name} -StartupType Automatic");
    let is_disabled = service.start_mode.eq_ignore_ascii_case("Disabled");
    let start = format!("Start-Service -Name {name}");
    wrong(
        format!("{} is {} (start type {})", service.name, service.state, service.start_mode),
        Fix::on(&worker.name, is_disabled.then_some(enable).into_iter().chain([start])),
    )
}

pub(super) fn worker_can_log_on(_: &Setup<'_>, worker: &Worker) -> Judged {
    let service = worker_service(worker)?;
    logs_on(&worker.failed_starts, service.started_at, is_worker, &service.account, &worker.name)
}

fn logs_on(
    failed: &Look<Vec<FailedStart>>,
    started_at: Option<Moment>,
    is_it: fn(&str) -> bool,
    account: &str,
    machine: &str,
) -> Judged {
    let Some(start) = open_failure(failed, started_at, is_it)? else {
        return right("no failed logon of the service in the System log of 30 days");
    };
    let (what, fix) = match start.event {
        7041 => (
            "may not log on as a service",
            Fix::on(machine, let_log_on(account))
                .and_by_hand("where a group policy gives this right, it takes it away again: grant it there"),
        ),
        _ => ("was refused with its password", Fix::on(machine, set_account(&start.service, Some(account)))),
    };
    wrong(format!("{account} {what} (event {} at {})", start.event, start.at), fix)
}

/// The last start that failed for its account, unless one that went well later settles it.
fn open_failure(
    failed: &Look<Vec<FailedStart>>,
    started_at: Option<Moment>,
    is_it: fn(&str) -> bool,
) -> Found<Option<&FailedStart>> {
    let is_open =
        |start: &&FailedStart| is_it(&start.service) && started_at.is_none_or(|started| started < start.at);
    Ok(failed.seen()?.iter().filter(is_open).max_by_key(|start| start.at))
}

pub(super) fn port_is_free(setup: &Setup<'_>, node: &Node) -> Judged {
    let port = setup.port_of(node)?;
    // HTTP.SYS listens for the master: the process is System (inferred).
    let others: Vec<&str> =
        node.listeners.seen()?.iter().map(String::as_str).filter(|process| *process != "System").collect();
    if others.is_empty() {
        return right(format!("nobody else listens on {port}"));
    }
    wrong(
        format!("{} listens on {port}", others.join(", ")),
        Fix::on(
            &node.name,
            [format!("Get-Process -Id (Get-NetTCPConnection -LocalPort {port} -State Listen).OwningProcess")],
        )
        .and_by_hand("that is the program: give it another port"),
    )
}

pub(super) fn url_is_reserved_for_the_master(setup: &Setup<'_>, node: &Node) -> Judged {
    let port = setup.port_of(node)?;
    let own = &master_service(node)?.account;
    // That an account of one machine needs another one is a rule of its own.
    let account = setup.domain_account(node).unwrap_or(own);
    let reservations = reservations(node.urlacl.seen()?);
    let of_master =
        reservations.iter().filter(|one| one.port() == Some(port) && is_above(one.path(), MASTER_PATH));
    let mut others = of_master.filter(|reservation| !reservation.is_for(account) && !reservation.is_for(own));
    match others.next() {
        None => right(format!("no URL of the master at port {port} is reserved for another account")),
        Some(other) => wrong(
            format!("{} is reserved for {}; the master runs as {own}", other.url, other.users.join(", ")),
            Fix::on(
                &node.name,
                [
                    format!("netsh.exe http delete urlacl {}", quoted(&format!("url={}", other.url))),
                    format!(
                        "netsh.exe http add urlacl {} {}",
                        quoted(&format!("url={}", other.url)),
                        quoted(&format!("user={account}"))
                    ),
                ],
            ),
        ),
    }
}

/// Whether a reservation of one path is one of the other too: HTTP.SYS reserves a URL with everything below it (URL
/// namespace reservations, documented). Capitals do not matter there.
fn is_above(path: &str, below: &str) -> bool {
    let whole = |path: &str| format!("{}/", path.trim_end_matches('/').to_ascii_lowercase());
    whole(below).starts_with(&whole(path))
}

/// The path of the master's endpoint (troubleshooting-scale-out, documented).
const MASTER_PATH: &str = "/ClusterManagement/";
