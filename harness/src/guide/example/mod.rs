//! What would a snapshot of this topology look like?
//!
//! For examples and tests, where no Windows is: a topology of the scenario language, seen as an administrator
//! would see it. What a topology does not say (accounts, firewall, logins) is as the guide and the rules ask.

mod mistakes;

use std::collections::BTreeMap;
use std::time::Duration;

use failover_sim::cluster::{
    Priority, ResourceConfig, ResourceKind, ResourcePolicy, RestartAction, RoleConfig,
};
use failover_sim::names::{CertificateId, HostId, NodeId, ResourceId, WorkerId};
use failover_sim::topology::{Target, WorkerMachine};
use serde_json::json;

use crate::guide::snapshot::{
    Certificate, Cluster, ClusterNode, FORMAT, Firewall, FirewallRule, Look, Moment, Node, PrivateKey,
    Resource, Role, Service, SettingsFile, Snapshot, Ssisdb, Witness, Worker, WorkerAgent,
};
use crate::plan::{Origin, Overrides, Plan};
use crate::scenario::standard;

pub use mistakes::{MISTAKES, Mistake};

/// The snapshot of a cluster that follows the guide: the standard topology `two_node_fci`.
pub fn right() -> Snapshot {
    of_standard("two_node_fci")
}

/// The snapshot of a cluster whose master has a role of its own beside that of the instance, with its own network name: the other
/// way of the guide.
pub fn own_role() -> Snapshot {
    of_standard("master_in_its_own_role")
}

/// The snapshot of a cluster with SSISDB in an availability group: the guide for those.
pub fn availability_group() -> Snapshot {
    of_standard("availability_group")
}

fn of_standard(name: &str) -> Snapshot {
    let file = standard::topology(name);
    let topology = file.map(|file| file.text).unwrap_or_default();
    let origin = Origin {
        scenario_file: "example".to_owned(),
        scenario_text: "proves: nothing\nabout: { topology: own }\nsteps:\n  - move_role: { to: standby }\n"
            .to_owned(),
        topology_file: format!("topologies/{name}"),
        topology_text: topology.to_owned(),
        base: None,
        files: Default::default(),
        overrides: Overrides::default(),
    };
    match crate::scenario::plan("example", &origin, 1) {
        Ok(plan) => snapshot_of(&plan),
        Err(mistakes) => panic!("the program carries a wrong topology: {mistakes:?}"),
    }
}

/// The snapshot of this name: one of those that are right, or that of a mistake.
pub fn by_name(name: &str) -> Option<Snapshot> {
    if let Some((_, right)) = RIGHT.iter().find(|(right, _)| *right == name) {
        return Some(right());
    }
    MISTAKES.iter().find(|mistake| mistake.name == name).map(Mistake::snapshot)
}

/// The names of all examples.
pub fn names() -> impl Iterator<Item = &'static str> + Clone {
    RIGHT.iter().map(|(name, _)| *name).chain(MISTAKES.iter().map(|mistake| mistake.name))
}

/// The snapshot of a plan's topology, as it is before the first step.
pub fn snapshot_of(plan: &Plan) -> Snapshot {
    let nodes = (0..plan.topology.nodes.len()).map(|index| node(plan, NodeId(index as u8))).collect();
    let workers =
        (0..plan.topology.workers.len()).map(|index| worker(plan, WorkerId(index as u32))).collect();
    Snapshot {
        snapshot: FORMAT,
        collected_at: NOW,
        collected_by: "example".to_owned(),
        cluster: cluster(plan),
        nodes,
        workers,
        ssisdb: ssisdb(plan),
    }
}

fn cluster(plan: &Plan) -> Cluster {
    let (names, config) = (&plan.names, &plan.topology.cluster);
    let owner = names.node(first_owner(plan)).to_owned();
    let node = |(name, node): (&String, &failover_sim::cluster::NodeConfig)| ClusterNode {
        name: name.clone(),
        state: "Up".to_owned(),
        node_weight: u32::from(node.has_vote),
        build: 17_763,
    };
    let role = |(name, role): (&String, &RoleConfig)| Role {
        name: name.clone(),
        state: "Online".to_owned(),
        owner: owner.clone(),
        preferred_owners: role.preferred_owners.iter().map(|&node| names.node(node).to_owned()).collect(),
        properties: limits(role),
    };
    let witness = Witness {
        name: "Cluster Disk 9".to_owned(),
        kind: "Physical Disk".to_owned(),
        state: "Online".to_owned(),
    };
    Cluster {
        properties: Look::Seen(BTreeMap::from([("ClusterFunctionalLevel".to_owned(), "10".to_owned())])),
        nodes: Look::Seen(names.nodes.iter().zip(&config.nodes).map(node).collect()),
        witness: Look::Seen(config.witness.map(|_| witness)),
        roles: Look::Seen(names.roles.iter().zip(&config.roles).map(role).collect()),
        resources: Look::Seen(
            config
                .resources
                .iter()
                .enumerate()
                .map(|(index, config)| resource(plan, ResourceId(index as u16), config))
                .collect(),
        ),
    }
}

fn resource(plan: &Plan, id: ResourceId, config: &ResourceConfig) -> Resource {
    let names = &plan.names;
    let parameter = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    let (kind, parameters) = match config.kind {
        ResourceKind::PhysicalDisk => ("Physical Disk", BTreeMap::new()),
        ResourceKind::IpAddress(address) => {
            let of_it = |target: &Target| *target == Target::Cluster(address);
            let text = hosts(plan, of_it).find(|host| is_address(host)).unwrap_or_default();
            ("IP Address", parameter("Address", text))
        }
        ResourceKind::NetworkName(host) => {
            let mut parameters = parameter("DnsName", &shown_host(plan, host));
            let names = &plan.topology.network_names;
            if let Some(name) = names.iter().find(|name| name.resource == id) {
                let all = u8::from(name.registers_all).to_string();
                parameters.insert("RegisterAllProvidersIP".to_owned(), all);
                parameters.insert("HostRecordTTL".to_owned(), name.ttl.as_secs().to_string());
            }
            ("Network Name", parameters)
        }
        ResourceKind::SqlServer => ("SQL Server", health(&config.policy)),
        ResourceKind::SqlServerAgent => ("SQL Server Agent", BTreeMap::new()),
        ResourceKind::AvailabilityGroup => ("SQL Server Availability Group", health(&config.policy)),
        ResourceKind::ScaleOutMaster => ("Generic Service", parameter("ServiceName", MASTER)),
    };
    let shown = |&provider: &ResourceId| format!("[{}]", names.resource(provider));
    let mut providers: Vec<String> =
        config.depends_on.iter().map(|provider| format!("({})", shown(provider))).collect();
    if !config.depends_on_any.is_empty() {
        let any: Vec<String> = config.depends_on_any.iter().map(shown).collect();
        providers.push(format!("({})", any.join(" or ")));
    }
    Resource {
        name: names.resource(id).to_owned(),
        kind: kind.to_owned(),
        role: names.role(config.role).to_owned(),
        state: "Online".to_owned(),
        dependency: providers.join(" and "),
        possible_owners: config.possible_owners.iter().map(|node| names.node(node).to_owned()).collect(),
        parameters,
        properties: policy(&config.policy),
    }
}

fn health(policy: &ResourcePolicy) -> BTreeMap<String, String> {
    let timeout = policy.health_check_timeout.as_millis().to_string();
    let level = policy.failure_condition_level.to_string();
    BTreeMap::from([("HealthCheckTimeout".to_owned(), timeout), ("FailureConditionLevel".to_owned(), level)])
}

/// The failover settings of a role; `FailoverThreshold` is as large as it can be where nobody has set it.
fn limits(role: &RoleConfig) -> BTreeMap<String, String> {
    let priority = match role.priority {
        Priority::Disabled => 0,
        Priority::Low => 1_000,
        Priority::Medium => 2_000,
        Priority::High => 3_000,
    };
    let hour = |hour: Option<u8>| hour.map_or(u32::MAX, u32::from);
    let window = role.failback_window.as_ref();
    let numbers = [
        ("AutoFailbackType", u32::from(role.auto_failback)),
        ("FailbackWindowStart", hour(window.map(|window| window.start))),
        ("FailbackWindowEnd", hour(window.map(|window| window.end))),
        ("FailoverPeriod", (role.failover_period.as_secs() / 3_600) as u32),
        ("FailoverThreshold", role.failover_threshold.unwrap_or(u32::MAX)),
        ("Priority", priority),
    ];
    numbers.map(|(key, number)| (key.to_owned(), number.to_string())).into()
}

fn policy(policy: &ResourcePolicy) -> BTreeMap<String, String> {
    let action = match policy.restart_action {
        RestartAction::DoNotRestart => 0,
        RestartAction::Restart => 1,
        RestartAction::RestartThenFailOver => 2,
    };
    let millis = |time: Duration| time.as_millis() as u64;
    let numbers = [
        ("RestartAction", action),
        ("RestartDelay", millis(policy.restart_delay)),
        ("RetryPeriodOnFailure", millis(policy.retry_period_on_failure)),
        ("LooksAlivePollInterval", millis(policy.looks_alive_poll_interval)),
        ("PendingTimeout", millis(policy.pending_timeout)),
        ("DeadlockTimeout", millis(policy.deadlock_timeout)),
    ];
    // What nobody has set is not there: what the defaults are, sources disagree about.
    let threshold = policy.restart_threshold.map(|count| ("RestartThreshold", u64::from(count)));
    let period = policy.restart_period.map(|time| ("RestartPeriod", millis(time)));
    let numbers = numbers.into_iter().chain(threshold).chain(period);
    numbers.map(|(key, number)| (key.to_owned(), number.to_string())).collect()
}

fn node(plan: &Plan, id: NodeId) -> Node {
    let node = &plan.topology.nodes[id.index()];
    let settings = &node.master_settings;
    let is_owner = id == first_owner(plan);
    // A topology says what is bound; where nothing is, the settings still name the certificate that workers pin.
    let named = node.binding.or_else(|| plan.topology.workers.iter().find_map(|worker| worker.pin));
    let thumbprint = named.map(|certificate| thumbprint(plan, certificate)).unwrap_or_default();
    let root = node.root.iter().map(|&certificate| {
        let key = match (Some(certificate) == named, node.private_key) {
            (true, true) => PrivateKey::Opens,
            (true, false) | (false, _) => PrivateKey::Absent,
        };
        certificate_of(plan, certificate, key)
    });
    let binding =
        node.binding.map(|certificate| sslcert(settings.port, &self::thumbprint(plan, certificate)));
    let text = json!({
        "PortNumber": settings.port,
        "SSLCertThumbprint": thumbprint,
        "SqlServerName": shown_host(plan, settings.sql_server),
        "MasterHeartbeatIntervalInMs": settings.heartbeat_interval.as_millis() as u64,
        "DealWithExpiredTasksIntervalInMs": settings.sweep_interval.as_millis() as u64,
        "SqlConnectionTimeoutInSecs": settings.sql_connection_timeout.as_secs(),
    });
    let own = hosts(plan, move |target| *target == Target::Node(id)).filter(|host| is_address(host));
    let resources = &plan.topology.cluster.resources;
    let is_replicated = resources.iter().any(|one| matches!(one.kind, ResourceKind::AvailabilityGroup));
    let profiles = || ["Domain", "Private", "Public"].map(str::to_owned).to_vec();
    Node {
        name: plan.names.node(id).to_owned(),
        addresses: Look::Seen(own.map(str::to_owned).collect()),
        features: Look::Seen(
            ["Failover-Clustering", "RSAT-Clustering-PowerShell"].map(str::to_owned).to_vec(),
        ),
        services: Look::Seen(vec![
            service("MSSQLSERVER", is_owner, "Manual", "LAB\\svc-sql"),
            service(MASTER, is_owner, "Manual", MASTER_ACCOUNT),
        ]),
        master_version: Look::Seen(Some("15.0.4375.4".to_owned())),
        master_settings: Look::Seen(settings_file("MasterSettings.config", &text)),
        root: Look::Seen(root.collect()),
        my: Look::Seen(Vec::new()),
        user_root: Look::Seen(Vec::new()),
        sslcert: Look::Seen(binding.unwrap_or_default()),
        urlacl: Look::Seen(urlacl(settings.port)),
        schannel: Look::Seen(BTreeMap::new()),
        firewall: Look::Seen(Firewall {
            on: profiles(),
            connected: vec!["Domain".to_owned()],
            open: vec![FirewallRule {
                name: "SSIS Scale Out Master".to_owned(),
                profiles: vec!["Any".to_owned()],
            }],
        }),
        firewall_blocks: Look::Seen(Vec::new()),
        listeners: Look::Seen(if is_owner { vec!["System".to_owned()] } else { Vec::new() }),
        failed_starts: Look::Seen(Vec::new()),
        logins: Look::Seen(if is_replicated {
            [MASTER_ACCOUNT, LOG_LOGIN].map(str::to_owned).to_vec()
        } else {
            Vec::new()
        }),
    }
}

fn worker(plan: &Plan, id: WorkerId) -> Worker {
    let machine: &WorkerMachine = &plan.topology.workers[id.index()];
    let settings = &machine.settings;
    let own = machine.own.map(|own| {
        let mut own = certificate_of(
            plan,
            own,
            if machine.key_readable { PrivateKey::Opens } else { PrivateKey::DoesNotOpen },
        );
        own.subject = format!("CN={}", plan.names.worker(id));
        own.issuer.clone_from(&own.subject);
        own
    });
    let host = shown_host(plan, settings.endpoint_host);
    let text = json!({
        "MasterEndpoint": format!("https://{host}:{}", settings.endpoint_port),
        "MasterHttpsCertThumbprint": machine.pin.map(|pin| thumbprint(plan, pin)).unwrap_or_default(),
        "WorkerHttpsCertThumbprint": own.as_ref().map(|own| own.thumbprint.clone()).unwrap_or_default(),
        "StoreLocation": "LocalMachine",
        "StoreName": "My",
        "MaxTaskCount": settings.max_task_count,
    });
    let resolved: Vec<String> = addresses(plan, settings.endpoint_host);
    let root = machine.root.iter().map(|&certificate| certificate_of(plan, certificate, PrivateKey::Absent));
    Worker {
        name: plan.names.worker(id).to_owned(),
        services: Look::Seen(vec![service(WORKER, true, "Auto", WORKER_ACCOUNT)]),
        worker_settings: Look::Seen(settings_file("WorkerSettings.config", &text)),
        root: Look::Seen(root.collect()),
        my: Look::Seen(own.into_iter().collect()),
        key_readers: Look::Seen(["NT AUTHORITY\\SYSTEM", WORKER_ACCOUNT].map(str::to_owned).to_vec()),
        resolved: Look::Seen(resolved),
        hosts_file: Look::Seen(Vec::new()),
        proxy: Look::Seen(None),
        failed_starts: Look::Seen(Vec::new()),
    }
}

fn ssisdb(plan: &Plan) -> Ssisdb {
    let port = plan.topology.nodes.first().map_or(8391, |node| node.master_settings.port);
    let address = format!("https://{}:{port}", shown_host(plan, plan.topology.endpoint));
    let owner = plan.names.node(first_owner(plan)).to_owned();
    let log_server = shown_host(plan, plan.topology.logging.server);
    let properties = [
        ("IS_SCALEOUT_ENABLED", "True".to_owned()),
        ("MASTER_ADDRESS", address),
        ("MACHINE_NAME", owner),
        ("CLUSTER_LOGDB_SERVER", log_server),
    ];
    let agent = |(name, machine): (&String, &WorkerMachine)| WorkerAgent {
        machine: name.clone(),
        enabled: machine.enabled,
    };
    Ssisdb {
        windows_authentication_only: Look::Seen(false),
        master_properties: Look::Seen(properties.map(|(key, value)| (key.to_owned(), value)).into()),
        worker_agents: Look::Seen(plan.names.workers.iter().zip(&plan.topology.workers).map(agent).collect()),
        admins: Look::Seen(vec![MASTER_ACCOUNT.to_owned()]),
    }
}

/// The first node on which the master may be online.
fn first_owner(plan: &Plan) -> NodeId {
    let resources = plan.topology.cluster.resources.iter();
    let all = resources.fold(None, |all: Option<failover_sim::names::NodeSet>, resource| {
        Some(all.map_or(resource.possible_owners, |all| all.and(resource.possible_owners)))
    });
    all.and_then(failover_sim::names::NodeSet::lowest).unwrap_or(NodeId(0))
}

/// What DNS answers for a host name.
fn addresses(plan: &Plan, host: HostId) -> Vec<String> {
    let wanted: Vec<Target> = match plan.topology.hosts[host.index()] {
        Target::Name(name) => plan.topology.network_names[name.index()]
            .addresses
            .iter()
            .map(|&address| Target::Cluster(address))
            .collect(),
        Target::Nobody => Vec::new(),
        other @ (Target::Cluster(_) | Target::Node(_)) => vec![other],
    };
    hosts(plan, move |target| wanted.contains(target))
        .filter(|host| is_address(host))
        .map(str::to_owned)
        .collect()
}

/// The host names and addresses that lead to such a target.
fn hosts<'p>(plan: &'p Plan, is_it: impl Fn(&Target) -> bool + 'p) -> impl Iterator<Item = &'p str> {
    let hosts = plan.names.hosts.iter().zip(&plan.topology.hosts);
    hosts.filter(move |(_, target)| is_it(target)).map(|(name, _)| name.as_str())
}

/// A host name in capitals, as Windows shows it; names are compared in lower case.
fn shown_host(plan: &Plan, host: HostId) -> String {
    plan.names.host(host).to_ascii_uppercase()
}

fn is_address(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok()
}

fn certificate_of(plan: &Plan, id: CertificateId, private_key: PrivateKey) -> Certificate {
    let certificate = &plan.topology.certificates[id.index()];
    let names: Vec<String> =
        certificate.common_names.iter().map(|&host| format!("CN={}", shown_host(plan, host))).collect();
    let subject =
        if names.is_empty() { format!("CN={}", plan.names.certificate(id)) } else { names.join(", ") };
    let alternative_names = certificate
        .alternative_names
        .as_ref()
        .map(|names| names.iter().map(|&host| shown_host(plan, host).to_owned()).collect());
    let left = certificate.expires_after_secs.map_or(10 * 365 * DAY, |secs| secs as i64);
    Certificate {
        thumbprint: thumbprint(plan, id),
        issuer: subject.clone(),
        subject,
        alternative_names,
        not_after: Moment(NOW.0 + left),
        private_key,
    }
}

fn thumbprint(plan: &Plan, id: CertificateId) -> String {
    plan.topology.certificates[id.index()].thumbprint.to_string().to_ascii_uppercase()
}

fn service(name: &str, runs: bool, start_mode: &str, account: &str) -> Service {
    Service {
        name: name.to_owned(),
        state: if runs { "Running" } else { "Stopped" }.to_owned(),
        start_mode: start_mode.to_owned(),
        account: account.to_owned(),
        started_at: runs.then_some(Moment(NOW.0 - 7 * DAY)),
    }
}

fn settings_file(name: &str, text: &serde_json::Value) -> SettingsFile {
    SettingsFile {
        path: format!("C:\\Program Files\\Microsoft SQL Server\\150\\DTS\\Binn\\{name}"),
        written_at: Moment(NOW.0 - 30 * DAY),
        text: format!("{text:#}"),
    }
}

/// What netsh prints of one binding.
fn sslcert(port: u16, thumbprint: &str) -> String {
    format!(
        "\nSSL Certificate bindings:\n-------------------------\n\n    \
         IP:port                      : 0.0.0.0:{port}\n    Certificate Hash             : {}\n    \
         Application ID               : {{2b7c1d6e-0000-0000-0000-000000000000}}\n    \
         Certificate Store Name       : Root\n",
        thumbprint.to_ascii_lowercase()
    )
}

/// What netsh prints of one reservation.
fn urlacl(port: u16) -> String {
    format!(
        "\nURL Reservations:\n-----------------\n\n    \
         Reserved URL            : https://+:{port}/ClusterManagement/\n        User: {MASTER_ACCOUNT}\n            \
         Listen: Yes\n            Delegate: No\n"
    )
}

/// Makes a snapshot.
type Make = fn() -> Snapshot;

/// Examples in which nothing is wrong.
pub const RIGHT: [(&str, Make); 3] = [
    ("right", right),
    ("right_with_the_master_in_its_own_role", own_role),
    ("right_with_an_availability_group", availability_group),
];
/// The login with which workers write their log.
const LOG_LOGIN: &str = "##MS_SSISLogDBWorkerAgentLogin##";
const MASTER: &str = "SSISScaleOutMaster150";
const WORKER: &str = "SSISScaleOutWorker150";
const MASTER_ACCOUNT: &str = "LAB\\svc-scaleout";
const WORKER_ACCOUNT: &str = "NT Service\\SSISScaleOutWorker150";
const DAY: i64 = 86_400;
/// 2026-11-23T22:00:00Z.
const NOW: Moment = Moment(1_795_471_200);
