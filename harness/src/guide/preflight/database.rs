//! Is SSISDB set up for a master that moves?

use failover_sim::settings_file::endpoint;

use crate::guide::snapshot::{Node, Worker};

use super::fix::{quoted, set_account, sql_name, sql_text, sqlcmd};
use super::setup::{Setup, is_local, master_file, master_service, network_name_of, same_host, sql_host};
use super::{Fix, Judged, right, wrong};

pub(super) fn scale_out_is_enabled(setup: &Setup<'_>) -> Judged {
    let properties = setup.snapshot.ssisdb.master_properties.seen()?;
    let enable = || {
        let server = setup.server();
        Fix::on_any_node([sqlcmd(&server, "SSISDB", "EXEC catalog.enable_scaleout")])
            .and_by_hand("restart every worker's service then: the password of the log has changed")
    };
    match properties.get("IS_SCALEOUT_ENABLED").map(String::as_str) {
        Some(value) if value.eq_ignore_ascii_case("true") || value == "1" => right("IS_SCALEOUT_ENABLED"),
        Some(value) => wrong(format!("IS_SCALEOUT_ENABLED is {value}"), enable()),
        // Troubleshooting-scale-out (documented).
        None if properties.is_empty() => wrong("catalog.master_properties is empty", enable()),
        None => Err("catalog.master_properties does not tell IS_SCALEOUT_ENABLED".to_owned()),
    }
}

pub(super) fn master_address_is_the_network_name(setup: &Setup<'_>) -> Judged {
    let noted = setup.noted.clone()?;
    let properties = setup.snapshot.ssisdb.master_properties.seen()?;
    let port = setup.port.clone().unwrap_or(8391);
    let statement =
        format!("EXEC catalog.update_master_address {}", sql_text(&format!("https://{noted}:{port}")));
    let fix = Fix::on_any_node([sqlcmd(&setup.server(), "SSISDB", &statement)]);
    let Some(address) = properties.get("MASTER_ADDRESS").filter(|address| !address.is_empty()) else {
        return wrong("MASTER_ADDRESS is not set", fix);
    };
    let (host, asked) =
        endpoint(address).map_or((address.as_str(), None), |(host, asked)| (host, Some(asked)));
    if !same_host(host, &noted) {
        return wrong(format!("MASTER_ADDRESS is {address}"), fix);
    }
    let masters = setup.snapshot.nodes.iter().filter_map(|node| master_file(node).ok());
    let ports: Vec<u16> = masters.map(|file| file.port).collect();
    if asked.is_some_and(|asked| !ports.is_empty() && !ports.contains(&asked)) {
        return wrong(format!("MASTER_ADDRESS is {address}: no master listens on this port"), fix);
    }
    right(format!("MASTER_ADDRESS is {address}"))
}

pub(super) fn sql_logins_are_allowed(setup: &Setup<'_>) -> Judged {
    if *setup.snapshot.ssisdb.windows_authentication_only.seen()? {
        return wrong("Windows authentication only", mixed_mode(setup));
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
            Fix::by_hand(format!(
                "it is enabled as soon as it has reached the master once: mend what else is wrong with {}, and collect again",
                worker.name
            )),
        );
    }
    if rows.any(|row| row.enabled) {
        return right("enabled");
    }
    let machine = agents
        .iter()
        .find(|agent| of_worker(&agent.machine))
        .map_or(worker.name.as_str(), |row| &row.machine);
    let statement = format!(
        "DECLARE @id uniqueidentifier = (SELECT TOP (1) WorkerAgentId FROM catalog.worker_agents WHERE MachineName = {} ORDER BY \
         LastOnlineTime DESC); EXEC catalog.enable_worker_agent @id",
        sql_text(machine)
    );
    wrong("disabled", Fix::on_any_node([sqlcmd(&setup.server(), "SSISDB", &statement)]))
}

pub(super) fn master_may_log_in_from_every_node(setup: &Setup<'_>, node: &Node) -> Judged {
    let service = master_service(node)?;
    let account = &service.account;
    let admins = setup.snapshot.ssisdb.admins.seen()?;
    if is_local(account) {
        return wrong(
            format!("the master runs as {account}, which is another one on every node"),
            Fix::on(&node.name, set_account(&service.name, setup.domain_account(node))).and_by_hand(
                "it needs a login in ssis_admin, the right to log on as a service, and the URL reservation: a snapshot that is \
                 made then says which of them are missing",
            ),
        );
    }
    if admins.iter().any(|admin| admin.eq_ignore_ascii_case(account)) {
        return right(format!("{account} is a member of ssis_admin"));
    }
    wrong(format!("the master runs as {account}, which is no member of ssis_admin"), log_in(setup, account))
}

/// A login, its user in SSISDB and the role; where every node has an instance of its own, the login on each of them.
fn log_in(setup: &Setup<'_>, account: &str) -> Fix {
    let (text, name) = (sql_text(account), sql_name(account));
    let login = format!("IF SUSER_ID({text}) IS NULL CREATE LOGIN {name} FROM WINDOWS");
    let replicas = setup.replicas();
    let servers = if replicas.is_empty() { vec![setup.server()] } else { replicas };
    let logins = servers.iter().map(|server| sqlcmd(server, "master", &login));
    let user = format!(
        "IF USER_ID({text}) IS NULL CREATE USER {name} FOR LOGIN {name}; ALTER ROLE ssis_admin ADD MEMBER {name}"
    );
    Fix::on_any_node(logins.chain([sqlcmd(&setup.server(), "SSISDB", &user)]))
}

/// What SQL Server Management Studio writes when it allows both kinds of logins, and a restart.
fn mixed_mode(setup: &Setup<'_>) -> Fix {
    let statement = "EXEC xp_instance_regwrite N'HKEY_LOCAL_MACHINE', N'Software\\Microsoft\\MSSQLServer\\MSSQLServer', \
                     N'LoginMode', REG_DWORD, 2";
    let replicas = setup.replicas();
    if let (Ok(sql_server), true) = (&setup.sql_server, replicas.is_empty()) {
        let role = quoted(&sql_server.role);
        return Fix::on_any_node([
            sqlcmd(&setup.server(), "master", statement),
            format!("Stop-ClusterGroup -Name {role}"),
            format!("Start-ClusterGroup -Name {role}"),
        ]);
    }
    let servers = if replicas.is_empty() { vec![setup.server()] } else { replicas };
    Fix::on_any_node(servers.iter().map(|server| sqlcmd(server, "master", statement)))
        .and_by_hand("restart the instance of each of them, the secondary ones first")
}

pub(super) fn availability_group_has_a_listener(setup: &Setup<'_>) -> Judged {
    let sql_server = setup.sql_server.clone()?;
    if !setup.is_availability_group() {
        return right(format!("SSISDB is on the instance of the role `{}`", sql_server.role));
    }
    match network_name_of(&setup.snapshot.cluster, sql_server) {
        Ok(listener) => right(format!("the listener `{}`", listener.name)),
        Err(_) => wrong(
            format!("the role `{}` of the availability group has no network name", sql_server.role),
            Fix::by_hand(format!(
                "give `{}` a listener, with an address for each subnet: ALTER AVAILABILITY GROUP {} ADD LISTENER; then name it in \
                 SqlServerName on every node",
                sql_server.name,
                sql_name(&sql_server.name)
            )),
        ),
    }
}

pub(super) fn logins_are_on_every_replica(setup: &Setup<'_>, node: &Node) -> Judged {
    setup.sql_server.clone()?;
    if !setup.is_availability_group() {
        return right("one instance for all nodes");
    }
    let logins = node.logins.seen()?;
    let account = &master_service(node)?.account;
    let has = |name: &str| logins.iter().any(|login| login.eq_ignore_ascii_case(name));
    // That an account of one machine needs another one is a rule of its own.
    match (has(account) || is_local(account), has(LOG_LOGIN)) {
        (true, true) => right(format!("{account} and {LOG_LOGIN}")),
        (false, true) => wrong(format!("this replica has no login for {account}"), log_in(setup, account)),
        (true, false) => wrong(format!("this replica has no login {LOG_LOGIN}"), log_login(setup)),
        (false, false) => wrong(
            format!("this replica has no login for {account}, and none called {LOG_LOGIN}"),
            log_in(setup, account).and(log_login(setup)),
        ),
    }
}

pub(super) fn log_server_is_the_network_name(setup: &Setup<'_>) -> Judged {
    let properties = setup.snapshot.ssisdb.master_properties.seen()?;
    let instance = setup.instance.clone()?;
    let Some(server) = properties.get("CLUSTER_LOGDB_SERVER").filter(|server| !server.is_empty()) else {
        return Err("catalog.master_properties does not tell CLUSTER_LOGDB_SERVER".to_owned());
    };
    if same_host(sql_host(server), &instance) {
        return right(format!("CLUSTER_LOGDB_SERVER is {server}"));
    }
    let kind = if setup.is_a_node(sql_host(server)) { ", a node" } else { "" };
    wrong(
        format!("CLUSTER_LOGDB_SERVER is {server}{kind}; workers should log to {instance}"),
        log_login(setup),
    )
}

/// Workers log through the name that moves, with a login that is the same on every replica: its SID too, since SSISDB knows its
/// user by that (scale-out-support-for-high-availability and change-logdb-account, documented; the SID: inferred).
fn log_login(setup: &Setup<'_>) -> Fix {
    let server = setup.server();
    let restart = "restart every worker's service then: it asks for the server of the log when it starts";
    if !setup.is_availability_group() {
        // It takes the name of the instance that it runs on, and gives the login another password.
        return Fix::on_any_node([sqlcmd(&server, "SSISDB", "EXEC catalog.enable_scaleout")])
            .and_by_hand(restart);
    }
    let login = sql_name(LOG_LOGIN);
    let mut commands = vec![
        format!(
            "$password = (Get-Credential -UserName {} -Message 'A new password for the log').GetNetworkCredential().Password.\
             Replace(\"'\", \"''\")",
            quoted(LOG_LOGIN)
        ),
        SEND.to_owned(),
        send(&server, "master", &format!("ALTER LOGIN {login} WITH PASSWORD = N'{PASSWORD}'"), FILL_IN),
        format!(
            "$sid = {}",
            send(
                &server,
                "master",
                &format!(
                    "SELECT CONVERT(varchar(100), sid, 1) FROM sys.sql_logins WHERE name = {}",
                    sql_text(LOG_LOGIN)
                ),
                "",
            )
        ),
    ];
    let create = format!(
        "IF SUSER_ID({}) IS NULL CREATE LOGIN {login} WITH PASSWORD = N'{PASSWORD}', SID = {SID}; ELSE ALTER LOGIN {login} WITH \
         PASSWORD = N'{PASSWORD}'",
        sql_text(LOG_LOGIN)
    );
    let with_sid = format!(".Replace('{SID}', $sid){FILL_IN}");
    commands.extend(setup.replicas().iter().map(|replica| send(replica, "master", &create, &with_sid)));
    let connection = format!(
        "Data Source={};Initial Catalog=SSISDB;User ID={LOG_LOGIN};Password=\"{PASSWORD}\";",
        connection_value(&server)
    );
    commands.push(send(
        &server,
        "SSISDB",
        &format!("EXEC catalog.update_logdb_info {}, {}", sql_text(&server), sql_text(&connection)),
        &format!(".Replace('{PASSWORD}', $password.Replace('\"', '\"\"'))"),
    ));
    Fix::on_any_node(commands).and_by_hand(restart)
}

/// Sends a statement by [`SEND`], with what is done to its text before.
fn send(server: &str, database: &str, statement: &str, fill_in: &str) -> String {
    let connection = format!(
        "Data Source={};Initial Catalog={database};Integrated Security=True;Pooling=False",
        connection_value(server)
    );
    let text = quoted(statement);
    let text = if fill_in.is_empty() { text } else { format!("({text}{fill_in})") };
    format!("& $send {} {text}", quoted(&connection))
}

/// A value of a connection string (SqlConnection.ConnectionString, documented).
fn connection_value(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Sends a statement over a connection and gives the first value of what comes back. A password never stands on the command
/// line of a program, where everybody on the machine can read it.
const SEND: &str = "$send = { $connection = New-Object -TypeName System.Data.SqlClient.SqlConnection -ArgumentList $args[0]; \
                    try { $connection.Open(); $command = $connection.CreateCommand(); $command.CommandText = $args[1]; \
                    $command.ExecuteScalar() } finally { $connection.Dispose() } }";

/// Stands in a statement for the password of the log, until it is sent.
const PASSWORD: &str = "PASSWORD-OF-THE-LOG";
/// Stands for the SID of the log's login.
const SID: &str = "SID-OF-THE-LOG";
/// Puts the password into a statement; its quotes are doubled already.
const FILL_IN: &str = ".Replace('PASSWORD-OF-THE-LOG', $password)";

/// The login with which workers write their log (change-logdb-account, documented).
const LOG_LOGIN: &str = "##MS_SSISLogDBWorkerAgentLogin##";
