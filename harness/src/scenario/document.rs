//! What may stand in a scenario file?
//!
//! These types are the language: serde reads them, and names in them are still texts with their places. The lines above
//! types, fields and words are what `failover explain`, the JSON Schema and docs/language.md say of them, so they speak
//! to authors of scenarios.

use std::collections::BTreeMap;

use failover_sim::cluster::ResiliencyLevel;
use schemars::JsonSchema;
use serde::Deserialize;

use super::length::Length;
use super::read::At;
use super::schema::{CaseText, GuideStep, LinkText, MistakeRow, NodeText, Percentile, PresentedText};

/// The parts of a scenario file, in the order in which people write them.
pub(super) const PARTS: &[&str] =
    &["proves", "about", "given", "steps", "cases", "claims", "breaks", "explore"];

/// A scenario: what is done to a cluster, and what must be seen. Its path below the scenario folder is its name.
// Only the schema reads this type: a file is read part by part, so that a mistake in one does not hide those in the next.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "scenario")]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct ScenarioFile {
    /// What the scenario shows, in prose that the tool never reads.
    proves: String,
    /// What the scenario is about, and what it needs to make sense.
    about: About,
    /// Actions that prepare the cluster before the steps begin, and are undone at the end. They wait for nothing.
    #[serde(default)]
    given: Vec<StepDocument>,
    /// What is done and what is expected, in order.
    steps: Vec<StepDocument>,
    /// Ways in which the story goes on, each under its own assumptions. Each is a run of its own: `path[case]`.
    #[serde(default)]
    cases: Vec<CaseDocument>,
    /// Claims that are judged besides those that always are: put to the test they must be.
    #[serde(default)]
    claims: Vec<ClaimDocument>,
    /// Claims that must turn out false: exactly these, or the scenario fails.
    #[serde(default)]
    breaks: Vec<ClaimWord>,
    /// What `failover explore` may change and add; `run` does not look at it.
    explore: Option<ExploreDocument>,
}

/// What `failover explore` may change and add.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExploreDocument {
    /// Actions that may happen besides the steps, each any number of times. Here `any` is each node of the topology.
    #[serde(default)]
    pub(super) faults: Vec<At<StepDocument>>,
    /// So many of them in a run at most.
    #[serde(default = "ExploreDocument::at_most")]
    #[schemars(with = "u8", range(min = 1, max = 50))]
    pub(super) at_most: At<u8>,
    /// In so much time after the first step they happen; after that everything is healed.
    #[serde(default = "ExploreDocument::within")]
    #[schemars(with = "Length")]
    pub(super) within: At<Length>,
    /// With so many faults or fewer everybody must be back although nothing is healed.
    #[serde(default)]
    #[schemars(with = "u8", range(max = 50))]
    pub(super) survives: At<u8>,
    /// Whether the actions of the steps keep their order.
    #[serde(default)]
    pub(super) order: OrderWord,
    /// What must be met in at least one run, or the search was too weak to say anything.
    #[serde(default)]
    pub(super) sometimes: Vec<SometimesWord>,
}

impl ExploreDocument {
    fn at_most() -> At<u8> {
        At { span: Default::default(), value: 3 }
    }

    fn within() -> At<Length> {
        At { span: Default::default(), value: Length(std::time::Duration::from_secs(600)) }
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum OrderWord {
    /// The actions of the steps happen in the order in which they are written.
    #[default]
    Kept,
    /// They happen in any order.
    Any,
}

/// Something that a search should meet.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SometimesWord {
    /// A fault while some worker is away because of another one.
    FaultDuringOutage,
    /// A fault while the role is on its way, neither online nor offline.
    FaultWhileRoleMoves,
    /// A worker runs a task while it has no connection.
    TaskRunsWithoutMaster,
    /// A task is handed out a second time.
    TaskHandedOutAgain,
    /// A report on a task is refused.
    ReportRefused,
    /// The master comes online on another node than the one before.
    RoleMovesAway,
    /// A worker is in the middle of a handshake when its other side goes.
    HandshakeCutOff,
    /// A report that renews a lease is on its way when the connection breaks.
    RenewalCutOff,
    /// A sweep takes a task before its worker, which still runs it, reports.
    SweptBeforeRenewal,
    /// A node or a link goes while the nodes regroup.
    LossDuringRegroup,
}

/// What the scenario is about, and what it needs to make sense.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct About {
    /// The topology that it runs on: a file in a folder `topologies` beside the scenario or above it, or one that the program carries.
    pub(super) topology: At<String>,
    /// Steps of Microsoft's guide that it is about.
    #[serde(default)]
    #[schemars(with = "Vec<GuideStep>")]
    pub(super) guide: Vec<At<u8>>,
    /// The row of the table of mistakes that it shows.
    #[schemars(with = "Option<MistakeRow>")]
    pub(super) mistake: Option<At<u8>>,
    /// What a topology must have at least.
    pub(super) needs: Option<Needs>,
    /// Answers to assumptions that it takes for granted.
    #[serde(default)]
    #[schemars(schema_with = "super::schema::assume")]
    pub(super) assume: BTreeMap<String, At<String>>,
}

/// What a topology must have at least.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Needs {
    /// So many nodes.
    pub(super) nodes: Option<At<usize>>,
    /// So many workers.
    pub(super) workers: Option<At<usize>>,
}

/// A way in which the story goes on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseDocument {
    /// Its name: small letters, digits and `_`.
    #[schemars(with = "CaseText")]
    pub(super) case: At<String>,
    /// Answers to assumptions that it takes for granted.
    #[serde(default)]
    #[schemars(schema_with = "super::schema::assume")]
    pub(super) assume: BTreeMap<String, At<String>>,
    /// Steps after those of the scenario.
    #[serde(default)]
    pub(super) then: Vec<At<StepDocument>>,
    /// Claims that must turn out false in this case, besides those of the scenario.
    #[serde(default)]
    pub(super) breaks: Vec<At<ClaimWord>>,
}

/// A step: a map with one key, its verb; everything about it lies inside.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = super::schema::one_key)]
pub(super) enum StepDocument {
    /// A planned move of the master's role (`Move-ClusterGroup`).
    MoveRole(MoveRole),
    /// The machine loses its power: nobody is told.
    PowerOff(OnNode),
    /// The machine gets its power back and starts.
    PowerOn(OnNode),
    /// The process of the cluster service dies, and with it everything that it hosts; the service control manager starts it again.
    KillClusterService(OnNode),
    /// The machine stands still, with all it knows; the network hears nothing of it.
    Freeze(OnNode),
    /// A frozen machine goes on where it stood.
    Thaw(OnNode),
    /// `Stop-ClusterNode`: the cluster service hands its roles over and stops.
    StopClusterService(OnNode),
    /// `Start-ClusterNode`.
    StartClusterService(StartClusterService),
    /// The operating system shuts down: roles move away first, then the machine is off.
    ShutDown(OnNode),
    /// The operating system restarts: roles move away, then the machine starts again.
    RestartNode(OnNode),
    /// `Stop-ClusterResource`: a resource goes offline, with all that depends on it.
    StopResource(OnResource),
    /// `Start-ClusterResource`: a resource comes online, with all that it depends on.
    StartResource(OnResource),
    /// `Stop-ClusterGroup`: the master's role goes offline on its owner.
    StopRole(Nothing),
    /// `Start-ClusterGroup`: the master's role comes online on its owner, failed resources included.
    StartRole(Nothing),
    /// The witness fails, for every node.
    FailWitness(Nothing),
    /// The witness works again.
    RestoreWitness(Nothing),
    /// `Set-Service -StartupType Disabled`: a service that runs goes on, and cannot be started again.
    DisableService(OnService),
    /// The service can be started again.
    EnableService(OnService),
    /// The adapter of a node on the network of the clients is disabled; nodes still hear each other.
    DisableAdapter(OnNode),
    /// The adapter works again.
    EnableAdapter(OnNode),
    /// A machine outside the cluster answers for an IP address of it.
    DuplicateAddress(OnResource),
    /// Nobody else answers for the IP address any more.
    FreeAddress(OnResource),
    /// The DNS server of the clients and the nodes answers nobody and registers nothing.
    FailDns(Nothing),
    /// The DNS server works again.
    RestoreDns(Nothing),
    /// The DNS server refuses what network names register: it goes on answering with the records that it has.
    RefuseDnsUpdates(Nothing),
    /// The DNS server takes in again what network names register.
    AcceptDnsUpdates(Nothing),
    /// No domain controller answers the nodes.
    FailDirectory(Nothing),
    /// The domain controllers answer again.
    RestoreDirectory(Nothing),
    /// The neighbours of the clients ignore what ARP says of addresses that move: packets go where the address was.
    IgnoreAnnouncements(Nothing),
    /// The neighbours of the clients know again where every address is.
    HeedAnnouncements(Nothing),
    /// `Suspend-ClusterNode`: the node takes no roles.
    PauseNode(PauseNode),
    /// `Resume-ClusterNode`: the node takes roles again.
    ResumeNode(OnNode),
    /// `Set-ClusterOwnerNode`: a node is taken from the possible owners of every resource of a role. Not possible while the role is online there.
    RemovePossibleOwner(PossibleOwner),
    /// `Set-ClusterOwnerNode`: a node is again a possible owner of every resource of a role.
    RestorePossibleOwner(PossibleOwner),
    /// The process of a service dies.
    KillService(OnService),
    /// A service runs, accepts, and never answers; the service control manager says that it runs.
    HangService(OnService),
    /// The service control manager stops a service, behind the cluster's back.
    StopService(OnService),
    /// The service control manager starts a service, behind the cluster's back.
    StartService(OnService),
    /// The process of a worker's service dies. Whether packages end with it is an assumption.
    KillWorker(OnWorker),
    /// A worker's process does nothing any more; its packages run on.
    HangWorker(OnWorker),
    /// `Stop-Service` on a worker. Whether packages end with it is an assumption.
    StopWorker(OnWorker),
    /// `Start-Service` on a worker; a process that hangs is ended first.
    StartWorker(OnWorker),
    /// `catalog.enable_worker_agent`: the worker gets tasks from here on.
    EnableWorker(OnWorker),
    /// `catalog.disable_worker_agent`: the worker gets no task, and its reports are refused.
    DisableWorker(OnWorker),
    /// `catalog.delete_worker_agent`: a worker that lives has a new row with its next heartbeat, which is disabled.
    DeleteWorker(OnWorker),
    /// A link of the network carries nothing.
    Cut(LinkDocument),
    /// A link of the network carries everything again, as fast as ever.
    Heal(LinkDocument),
    /// What a node and its clients send to each other takes longer, or gets lost and is sent again.
    Degrade(DegradeDocument),
    /// `Test-ClusterResourceFailure`: the cluster treats the resource as failed.
    FailResource(OnResource),
    /// A call of the cluster to the resource hangs: after `DeadlockTimeout` the resource monitor is killed, with every resource of the node.
    DeadlockResource(OnResource),
    /// Binding, SSLCertThumbprint and LocalMachine\Root of one node get another master certificate.
    ReplaceMasterCertificate(ReplaceMasterCertificate),
    /// What a node has of its own is changed behind everybody's back: files, stores, firewall, logins.
    ChangeNode(ChangeNode),
    /// Cluster properties are set; they take effect at once.
    SetCluster(SetCluster),
    /// Settings of every worker are set, and its service is restarted.
    SetWorkers(SetWorkers),
    /// Executions are created and started in SSISDB.
    StartExecutions(StartExecutions),
    /// All of this must be true at one moment within a time; the step ends at this moment.
    Expect(Expect),
    /// All of this must be true, and stay true for a time, or while other steps run.
    Hold(Hold),
    /// Time passes. `validate` warns of it: `expect` and `hold` say what is waited for.
    Pause(Pause),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MoveRole {
    /// Which role: the master's unless said otherwise.
    pub(super) role: Option<At<String>>,
    /// Where to.
    #[schemars(with = "NodeText")]
    pub(super) to: At<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OnNode {
    /// Which node.
    #[schemars(with = "NodeText")]
    pub(super) node: At<String>,
}

/// Nothing needs to be said: `{}`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StartClusterService {
    /// Which node.
    #[schemars(with = "NodeText")]
    pub(super) node: At<String>,
    /// What it may do about quorum.
    #[serde(default)]
    pub(super) quorum: QuorumWord,
    /// `-ClearQuarantine`: whether the node's losses of membership are forgotten.
    #[serde(default)]
    pub(super) quarantine: QuarantineWord,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum QuarantineWord {
    /// A quarantined node stays out.
    #[default]
    Stays,
    /// The node may join.
    Cleared,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum QuorumWord {
    /// It joins, or forms a cluster with a majority.
    #[default]
    Normal,
    /// `-ForceQuorum`: it forms a cluster without a majority.
    Force,
    /// `-PreventQuorum`: it joins, and never forms a cluster.
    Prevent,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PauseNode {
    /// Which node.
    #[schemars(with = "NodeText")]
    pub(super) node: At<String>,
    /// What happens to the roles that the node owns.
    pub(super) roles: RolesWord,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RolesWord {
    /// They stay where they are.
    Stay,
    /// They are drained: moved to other nodes.
    MoveAway,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OnService {
    /// On which node.
    #[schemars(with = "NodeText")]
    pub(super) node: At<String>,
    /// Which service.
    pub(super) service: ServiceWord,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ServiceWord {
    /// The Scale Out Master.
    Master,
    /// SQL Server.
    SqlServer,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OnWorker {
    /// Which worker, by its name in the topology.
    pub(super) worker: At<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PossibleOwner {
    /// Which node.
    #[schemars(with = "NodeText")]
    pub(super) node: At<String>,
    /// Which role: the master's unless said otherwise.
    pub(super) role: Option<At<String>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkDocument {
    /// One end.
    #[schemars(with = "NodeText")]
    pub(super) node: At<String>,
    /// The other end.
    #[schemars(with = "LinkText")]
    pub(super) from: At<String>,
    /// Which packets.
    #[serde(default)]
    pub(super) ways: WaysWord,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DegradeDocument {
    /// Which node.
    #[schemars(with = "NodeText")]
    pub(super) node: At<String>,
    /// How much longer each packet takes, in each direction.
    pub(super) delay: Option<At<Length>>,
    /// How many packets in a hundred are lost, each by itself, in each direction.
    #[schemars(with = "Option<Percentile>")]
    pub(super) loss: Option<At<u8>>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum WaysWord {
    /// Both ways.
    #[default]
    Both,
    /// Those that the node sends.
    Out,
    /// Those that the node would receive.
    In,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OnResource {
    /// Which resource, by its name in the topology.
    pub(super) resource: At<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplaceMasterCertificate {
    /// On which node.
    #[schemars(with = "NodeText")]
    pub(super) node: At<String>,
    /// By which certificate of the topology.
    pub(super) with: At<String>,
}

/// Properties of the cluster, by Windows' names.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(super) struct SetCluster {
    /// Time between two heartbeats on one subnet: 250ms to 2s.
    pub(super) same_subnet_delay: Option<At<Length>>,
    /// How many missed heartbeats take a node of the same subnet out: 3 to 120.
    pub(super) same_subnet_threshold: Option<At<u32>>,
    /// Time between two heartbeats across subnets: 250ms to 4s.
    pub(super) cross_subnet_delay: Option<At<Length>>,
    /// How many missed heartbeats take a node of another subnet out: 3 to 120.
    pub(super) cross_subnet_threshold: Option<At<u32>>,
    /// How many losses of membership within an hour keep a node out; 0 for never.
    pub(super) quarantine_threshold: Option<At<u32>>,
    /// How long a node is kept out.
    pub(super) quarantine_duration: Option<At<Length>>,
    /// Which nodes that fall silent are isolated.
    pub(super) resiliency_level: Option<At<ResiliencyLevelWord>>,
    /// How long they are; 0s for never.
    pub(super) resiliency_default_period: Option<At<Length>>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub(super) enum ResiliencyLevelWord {
    /// None that merely falls silent.
    IsolateOnSpecialHeartbeat,
    /// All.
    AlwaysIsolate,
}

impl From<ResiliencyLevelWord> for ResiliencyLevel {
    fn from(word: ResiliencyLevelWord) -> Self {
        match word {
            ResiliencyLevelWord::IsolateOnSpecialHeartbeat => Self::IsolateOnSpecialHeartbeat,
            ResiliencyLevelWord::AlwaysIsolate => Self::AlwaysIsolate,
        }
    }
}

/// Settings of workers, by SSIS' names.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 2))]
pub(super) struct SetWorkers {
    /// Which workers: `every`.
    #[serde(rename = "which")]
    pub(super) which: At<WhichWord>,
    /// How many tasks a worker holds at once.
    pub(super) max_task_count: Option<At<u16>>,
    /// How often a worker says that it is alive.
    pub(super) agent_heartbeat_interval: Option<At<Length>>,
    /// How often a worker reports on each of its tasks.
    pub(super) task_heartbeat_interval: Option<At<Length>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 2))]
pub(super) struct ChangeNode {
    /// Which node.
    #[schemars(with = "NodeText")]
    pub(super) node: At<String>,
    /// Whether HTTP.SYS has a certificate for the master's port. New connections meet it.
    pub(super) https_binding: Option<PresentWord>,
    /// Whether the master certificate has its private key. New connections meet it.
    pub(super) private_key: Option<PresentWord>,
    /// Whether LocalMachine\Root has the workers' certificates. New connections meet it.
    pub(super) worker_certificates: Option<PresentWord>,
    /// Whether LocalMachine\Root has self-signed certificates alone. New connections meet it.
    pub(super) root_store: Option<RootWord>,
    /// Whether the firewall lets clients through to the master's port.
    pub(super) master_port: Option<PortWord>,
    /// Whether the service that the master's resource names is installed. A start needs it.
    pub(super) master_service: Option<InstalledWord>,
    /// Whether SQL Server lets the master's service account in.
    pub(super) sql_login: Option<LoginWord>,
    /// `PortNumber` of `MasterSettings.config`, which the master reads when it starts.
    #[serde(rename = "PortNumber")]
    pub(super) port_number: Option<u16>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum PresentWord {
    Present,
    Missing,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum RootWord {
    /// Self-signed certificates alone.
    Clean,
    /// Others among them, or more than a list of issuers can hold.
    Junk,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum PortWord {
    Open,
    Blocked,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum InstalledWord {
    Installed,
    /// It was never installed, or an upgrade gave it another name.
    NotInstalled,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum LoginWord {
    Accepted,
    /// Error 18456 in the log of SQL Server.
    Refused,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StartExecutions {
    /// The name by which later steps call them.
    #[serde(rename = "as")]
    pub(super) name: At<String>,
    /// How many, in each round; at most 1000000 in all.
    #[schemars(range(min = 1))]
    pub(super) count: At<u32>,
    /// How long each package runs.
    pub(super) duration: Length,
    /// How often a task may be handed out again.
    #[serde(default)]
    pub(super) retry_count: u8,
    /// Which workers may run them.
    #[serde(default)]
    pub(super) workers: LoadWorkersWord,
    /// How often they are started.
    pub(super) rounds: Option<At<u32>>,
    /// Time between two rounds.
    pub(super) every: Option<At<Length>>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LoadWorkersWord {
    /// Any worker may run any of them.
    #[default]
    Any,
    /// So many for each worker, which alone may run them.
    EachNamed,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 2))]
pub(super) struct Expect {
    /// What the steps before it have done to the cluster.
    pub(super) after: Option<AfterWord>,
    /// How long to wait for it.
    pub(super) within: Length,
    /// A role: the master's unless said otherwise.
    pub(super) role: Option<RoleClause>,
    /// One node, as the owner of the role sees it.
    pub(super) node: Option<NodeClause>,
    /// All nodes, as far as everybody who can be asked agrees.
    pub(super) nodes: Option<NodesClause>,
    /// What a client meets under the network name.
    pub(super) endpoint: Option<EndpointClause>,
    /// The workers.
    pub(super) workers: Option<WorkersClause>,
    /// The tasks of a set of executions, in SSISDB.
    pub(super) tasks: Option<TasksClause>,
    /// The workers' reports on the tasks of a set of executions.
    pub(super) reports: Option<ReportsClause>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum AfterWord {
    /// The faults are over: `workers_reconnect` counts outages from here on, not those while faults went on.
    Faults,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = super::schema::for_or_while)]
pub(super) struct Hold {
    /// How long it must stay true.
    #[serde(rename = "for")]
    pub(super) time: Option<Length>,
    /// The steps while which it must stay true.
    #[serde(rename = "while")]
    pub(super) steps: Option<Vec<At<StepDocument>>>,
    /// A role: the master's unless said otherwise.
    pub(super) role: Option<RoleClause>,
    /// One node, as the owner of the role sees it.
    pub(super) node: Option<NodeClause>,
    /// All nodes, as far as everybody who can be asked agrees.
    pub(super) nodes: Option<NodesClause>,
    /// What a client meets under the network name.
    pub(super) endpoint: Option<EndpointClause>,
    /// The workers.
    pub(super) workers: Option<WorkersClause>,
    /// The tasks of a set of executions, in SSISDB.
    pub(super) tasks: Option<TasksClause>,
    /// The workers' reports on the tasks of a set of executions.
    pub(super) reports: Option<ReportsClause>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Pause {
    /// How long.
    #[serde(rename = "for")]
    pub(super) time: Length,
    /// Why time must pass here, in prose that the tool never reads.
    #[serde(rename = "because")]
    pub(super) _because: String,
}

/// A role: the master's unless said otherwise.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(super) struct RoleClause {
    /// Which role: the master's unless said otherwise.
    pub(super) name: Option<At<String>>,
    /// Its state on its owner node.
    pub(super) state: Option<RoleStateWord>,
    /// Its owner node.
    #[schemars(with = "Option<NodeText>")]
    pub(super) owner: Option<At<String>>,
}

/// One node, as the owner of the role sees it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 2))]
pub(super) struct NodeClause {
    /// Which one.
    #[schemars(with = "NodeText")]
    pub(super) name: At<String>,
    /// Its state.
    pub(super) state: Option<NodeStateWord>,
    /// What its status information adds.
    pub(super) status: Option<NodeStatusWord>,
}

/// All nodes, as far as everybody who can be asked agrees.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NodesClause {
    /// How many of them.
    pub(super) which: WhichWord,
    /// Their state.
    pub(super) state: NodeStateWord,
}

/// What a client meets under the network name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(super) struct EndpointClause {
    /// The node that answers.
    #[schemars(with = "Option<NodeText>")]
    pub(super) served_by: Option<At<String>>,
    /// The certificate that it presents.
    #[schemars(with = "Option<PresentedText>")]
    pub(super) certificate: Option<At<String>>,
}

/// The workers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkersClause {
    /// How many of them.
    pub(super) which: WhichWord,
    /// Their state.
    pub(super) state: At<WorkerStateWord>,
    /// The kind of host name that they connect through; only with `state: connected`.
    pub(super) through: Option<At<ThroughWord>>,
    /// The node whose master answers them; only with `state: connected`.
    #[schemars(with = "Option<NodeText>")]
    pub(super) served_by: Option<At<String>>,
    /// The error in their logs; only with `state: refused`.
    pub(super) error: Option<At<ErrorWord>>,
}

/// The tasks of a set of executions, in SSISDB.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 3))]
pub(super) struct TasksClause {
    /// Which set of executions.
    pub(super) of: At<String>,
    /// How many of its tasks.
    pub(super) which: WhichWord,
    /// Their state.
    pub(super) state: Option<TaskStateWord>,
    /// How often they were handed out.
    pub(super) executed_count: Option<u8>,
    /// The status of their executions.
    pub(super) execution: Option<ExecutionWord>,
    /// Where the messages of their packages are.
    pub(super) messages: Option<MessagesWord>,
}

/// The workers' reports on the tasks of a set of executions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReportsClause {
    /// Which set of executions.
    pub(super) of: At<String>,
    /// Of how many of its tasks.
    pub(super) which: WhichWord,
    /// SSISDB refused a report with this message: 27246 says that the task is not the worker's, or is over.
    pub(super) refused_with: u16,
}

/// How many of a set that is not empty.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum WhichWord {
    /// All of them.
    Every,
    /// At least one.
    Any,
    /// No one.
    None,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RoleStateWord {
    /// Every resource is online.
    Online,
    /// Every resource is offline.
    Offline,
    /// Some resource failed, and none is on its way.
    Failed,
    /// Some resources are online, others are not.
    PartialOnline,
    /// Some resource is on its way.
    Pending,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum NodeStateWord {
    /// An active member.
    Up,
    /// Not a member.
    Down,
    /// A member that takes no roles.
    Paused,
    /// About to become a member.
    Joining,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum NodeStatusWord {
    /// No flag.
    Normal,
    /// It fell silent a short while ago.
    Isolated,
    /// It was lost too often, and may not join.
    Quarantined,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum WorkerStateWord {
    /// Its heartbeat is answered.
    Connected,
    /// It has no connection, for whatever reason.
    Disconnected,
    /// Its last attempt to connect or to be heard failed.
    Refused,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ThroughWord {
    /// The network name of the role.
    NetworkName,
    /// The name or address of one node.
    NodeName,
}

/// The families of errors in a worker's log that Microsoft documents.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ErrorWord {
    /// `EndpointNotFoundException`: nobody listens where MasterEndpoint leads.
    EndpointNotFound,
    /// `SecurityNegotiationException`, could not establish trust relationship: the certificate of the master is not the pinned one, does not name the host, is not trusted or has expired.
    TrustRelationship,
    /// `SecurityNegotiationException`, could not establish secure channel: the worker cannot use the private key of its own certificate.
    SecureChannel,
    /// `MessageSecurityException`, the HTTP request was forbidden (403): the node does not trust the worker's certificate.
    Forbidden,
    /// `CommunicationException`, an error occurred while making the HTTP request: the node's HTTPS binding lacks a certificate or its private key.
    HttpRequest,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum TaskStateWord {
    /// It waits for a worker.
    Ready,
    /// It was handed out to a worker.
    HandedOut,
    /// Its worker reported that it runs.
    Running,
    /// It is over, without success and without another attempt.
    Failed,
    /// It is over, with success.
    Succeeded,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum MessagesWord {
    /// In SSISDB, or not due there yet.
    Written,
    /// On the worker's disk: SSISDB could not be reached when the package ended. They are sent when its service is restarted.
    Cached,
    /// Nowhere: SQL Server does not take the login that workers log with.
    Refused,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ExecutionWord {
    /// 5: no worker has reported that it runs.
    Pending,
    /// 2: a worker has reported that it runs.
    Running,
    /// 6: its task was given up, or SQL Server was started meanwhile and `catalog.startup` took it for dead.
    EndedUnexpectedly,
    /// 7: a worker has reported that it succeeded.
    Succeeded,
}

/// Something that is claimed of a whole run.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum ClaimWord {
    /// At no moment two nodes show every resource of the role online. Always judged.
    AtMostOneNodeServes,
    /// A worker that loses its connection has another one, through the network name, within the topology's promise. Always judged.
    WorkersReconnect,
    /// A worker is connected only to a master with the pinned certificate that names the host, on a node that trusts the worker's certificate. Always judged.
    TrustedConnectionsOnly,
    /// No worker is connected through a node's name or through an address. Always judged.
    WorkersUseTheNetworkName,
    /// No two workers run the same task at the same moment. Judged wherever executions are started.
    NoTaskRunsTwiceAtOnce,
    /// No task that was started is given up. Judged wherever executions are started.
    NoTaskIsLost,
    /// No worker that was enabled when the steps began has lost its row in SSISDB since, and came back disabled. Judged wherever executions are started.
    NoWorkerIsEnabledAgain,
    /// After failed resources no role fails over more often than its FailoverThreshold allows within its FailoverPeriod. Judged where `claims` asks for it.
    FailoversStayWithinTheThreshold,
    /// No paused node becomes the owner of a role, unless it was on its way there before. Judged where `claims` asks for it.
    PausedNodesGetNoRole,
    /// A node that was lost QuarantineThreshold times within an hour does not join before QuarantineDuration is over, unless somebody lets it in. Judged where `claims` asks for it.
    LostNodesAreQuarantined,
    /// No resource stays online on a node where what it depends on is not online. Judged where `claims` asks for it.
    DependentsGoDown,
    /// No node with NodeWeight 0 has resources online while it sees no node that has a vote, unless quorum was forced. Judged where `claims` asks for it.
    NodesWithoutAVoteDoNotServeAlone,
    /// No replica of SSISDB becomes primary that was without power when SSISDB changed, before a primary has seen it again. Judged where `claims` asks for it.
    ReplicasLeftBehindDoNotServe,
    /// No task is handed out more often than once and `retry_count` times more. Judged where `claims` asks for it.
    TasksStayWithinTheirRetries,
    /// No task is handed out to a worker that is disabled, or whose row is gone. Judged where `claims` asks for it.
    DisabledWorkersGetNoTask,
    /// No worker becomes connected, and no task is started or handed out, while SSISDB is online on no node. Judged where `claims` asks for it.
    NobodyWorksWithoutSsisdb,
    /// So many of 100 outages of workers are over in time. Judged where `claims` asks for it.
    ReconnectTime,
}

/// A claim that is judged where it is asked for, with its limits: a map with one key.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = super::schema::one_key)]
pub(super) enum ClaimDocument {
    /// So many of 100 outages of workers are over in time; each worker's outage counts by itself.
    ReconnectTime(ReconnectTimeDocument),
    /// After failed resources no role fails over more often than its FailoverThreshold allows within its FailoverPeriod.
    FailoversStayWithinTheThreshold(Nothing),
    /// No paused node becomes the owner of a role, unless it was on its way there before.
    PausedNodesGetNoRole(Nothing),
    /// A node that was lost QuarantineThreshold times within an hour does not join before QuarantineDuration is over, unless somebody lets it in.
    LostNodesAreQuarantined(Nothing),
    /// No resource stays online on a node where what it depends on is not online.
    DependentsGoDown(Nothing),
    /// No node with NodeWeight 0 has resources online while it sees no node that has a vote, unless quorum was forced.
    NodesWithoutAVoteDoNotServeAlone(Nothing),
    /// No replica of SSISDB becomes primary that was without power when SSISDB changed, before a primary has seen it again.
    ReplicasLeftBehindDoNotServe(Nothing),
    /// No task is handed out more often than once and `retry_count` times more.
    TasksStayWithinTheirRetries(Nothing),
    /// No task is handed out to a worker that is disabled, or whose row is gone.
    DisabledWorkersGetNoTask(Nothing),
    /// No worker becomes connected, and no task is started or handed out, while SSISDB is online on no node.
    NobodyWorksWithoutSsisdb(Nothing),
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReconnectTimeDocument {
    /// Of 100 outages, so many must be over in time: 1 to 100.
    #[schemars(with = "Percentile")]
    pub(super) percentile: At<u8>,
    /// In this time.
    pub(super) at_most: At<Length>,
}
