//! Is SSISDB set up for a master that moves?

use failover_sim::settings_file::endpoint;

use crate::guide::snapshot::{Node, Worker};

use super::setup::{Setup, master_service, same_host};
use super::{Judged, right, wrong};

pub(super) fn scale_out_is_enabled(setup: &Setup<'_>) -> Judged {
    let properties = setup.snapshot.ssisdb.master_properties.seen()?;
    match properties.get("IS_SCALEOUT_ENABLED").map(String::as_str) {
        Some(value) if value.eq_ignore_ascii_case("true") || value == "1" => right("IS_SCALEOUT_ENABLED"),
        Some(value) => wrong(format!("IS_SCALEOUT_ENABLED is {value}"), ENABLE),
        None => wrong("catalog.master_properties has no IS_SCALEOUT_ENABLED", ENABLE),
    }
}

pub(super) fn master_address_is_the_network_name(setup: &Setup<'_>) -> Judged {
    let noted = setup.noted.clone()?;
    let properties = setup.snapshot.ssisdb.master_properties.seen()?;
    let port = setup.port.clone().unwrap_or(8391);
    let fix = format!("EXEC SSISDB.catalog.update_master_address N'https://{noted}:{port}'");
    let Some(address) = properties.get("MASTER_ADDRESS").filter(|address| !address.is_empty()) else {
        return wrong("MASTER_ADDRESS is not set", fix);
    };
    let host = endpoint(address).map_or(address.as_str(), |(host, _)| host);
    if same_host(host, &noted) {
        return right(format!("MASTER_ADDRESS is {address}"));
    }
    wrong(format!("MASTER_ADDRESS is {address}"), fix)
}

pub(super) fn sql_logins_are_allowed(setup: &Setup<'_>) -> Judged {
    if *setup.snapshot.ssisdb.windows_authentication_only.seen()? {
        return wrong(
            "Windows authentication only",
            "allow SQL Server and Windows authentication in the server's properties, and restart the instance",
        );
    }
    right("SQL Server and Windows authentication")
}

pub(super) fn worker_is_enabled(setup: &Setup<'_>, worker: &Worker) -> Judged {
    let agents = setup.snapshot.ssisdb.worker_agents.seen()?;
    // Who lacks the rights sees no row and no error (catalog.worker_agents, documented).
    if agents.is_empty() {
        return Err("catalog.worker_agents shows no row: empty, or not enough rights".to_owned());
    }
    let of_worker = |machine: &str| same_host(machine, &worker.name);
    let mut rows = agents.iter().filter(|agent| of_worker(&agent.machine)).peekable();
    if rows.peek().is_none() {
        return wrong(
            "SSISDB has never heard of it",
            format!("look at the log of the worker on {}", worker.name),
        );
    }
    if rows.any(|row| row.enabled) {
        return right("enabled");
    }
    wrong("disabled", format!("EXEC SSISDB.catalog.enable_worker_agent for the worker on {}", worker.name))
}

pub(super) fn master_may_log_in_from_every_node(setup: &Setup<'_>, node: &Node) -> Judged {
    let account = &master_service(node)?.account;
    let admins = setup.snapshot.ssisdb.admins.seen()?;
    if is_local(account) {
        return wrong(
            format!("the master runs as {account}, which is another one on every node"),
            format!("give the master on {} a domain account or a gMSA with a login in ssis_admin", node.name),
        );
    }
    if admins.iter().any(|admin| admin.eq_ignore_ascii_case(account)) {
        return right(format!("{account} is a member of ssis_admin"));
    }
    wrong(
        format!("the master runs as {account}, which is no member of ssis_admin"),
        format!(
            "CREATE LOGIN [{account}] FROM WINDOWS, its user in SSISDB, and ALTER ROLE ssis_admin ADD MEMBER"
        ),
    )
}

/// Virtual and built-in accounts: another identity on each machine
/// (configure-windows-service-accounts-and-permissions, documented).
fn is_local(account: &str) -> bool {
    let domain = account.split('\\').next().unwrap_or_default().to_ascii_lowercase();
    !account.contains('\\') && !account.contains('@')
        || ["nt service", "nt authority", "."].contains(&domain.as_str())
}

const ENABLE: &str = "EXEC SSISDB.catalog.enable_scaleout, on the owner node";
