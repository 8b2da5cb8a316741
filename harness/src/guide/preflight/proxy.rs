//! Does a worker ask the master itself, or a proxy?

use failover_sim::settings_file::endpoint;

use crate::guide::snapshot::{Proxy, Worker};

use super::fix::{quoted, restart_worker, sid_of};
use super::setup::{Setup, worker_file, worker_service};
use super::{Fix, Judged, right, wrong};

pub(super) fn no_proxy(_: &Setup<'_>, worker: &Worker) -> Judged {
    let Some(proxy) = worker.proxy.seen()? else {
        return right("the service account has no proxy");
    };
    if let Some(script) = &proxy.script {
        return wrong(
            format!("the service account asks the script {script} for a proxy"),
            without_script(worker),
        );
    }
    let server = proxy.server.as_deref().unwrap_or_default();
    if !proxy.takes_https() {
        return right(format!("the proxy {server} is not for HTTPS"));
    }
    let file = worker_file(worker)?;
    let Some((host, _)) = endpoint(&file.endpoint) else {
        return Err(format!("MasterEndpoint is `{}`: which host is asked is not known", file.endpoint));
    };
    match proxy.exception(host) {
        Some(exception) => right(format!("{host} is an exception from the proxy {server}: `{exception}`")),
        None => wrong(
            format!("the service account goes through the proxy {server}; {host} is no exception"),
            with_exception(worker, proxy, host),
        ),
    }
}

/// Adds the host to the exceptions in the registry of the account.
fn with_exception(worker: &Worker, proxy: &Proxy, host: &str) -> Fix {
    let bypass: Vec<&str> = proxy.bypass.iter().map(String::as_str).chain([host]).collect();
    change(
        worker,
        format!(
            "Set-ItemProperty -LiteralPath $key -Name ProxyOverride -Value {}",
            quoted(&bypass.join(";"))
        ),
    )
    .and_by_hand("where a group policy sets the proxy, it comes back: except the network name there")
}

fn without_script(worker: &Worker) -> Fix {
    change(worker, "Remove-ItemProperty -LiteralPath $key -Name AutoConfigURL".to_owned()).and_by_hand(
        "where a group policy sets the script, it comes back: let it answer DIRECT for the network name",
    )
}

/// Changes the part of the registry in which the account of the service has its proxy; `$key` names it.
fn change(worker: &Worker, command: String) -> Fix {
    let Ok(service) = worker_service(worker) else { return Fix::default() };
    Fix::on(
        &worker.name,
        [
            sid_of(&service.account),
            "$key = \"Registry::HKEY_USERS\\$sid\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings\"".to_owned(),
            command,
        ],
    )
    .and(restart_worker(worker))
}
