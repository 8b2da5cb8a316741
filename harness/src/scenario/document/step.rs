//! What can be done in a step, and with what?

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::length::Length;
use super::super::percentage::Percentage;
use super::super::read::At;
use super::super::schema::{LinkText, NodeText};
use super::clause::{Expect, Hold};
use super::settings::{ChangeNode, SetCluster, SetWorkers};

/// A step: a map with one key, its verb; everything about it lies inside.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = super::super::schema::one_key)]
pub(in crate::scenario) enum StepDocument {
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
    /// The witness works again. A share has its vote back when the cluster tries it again, which it does every 15 minutes.
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
pub(in crate::scenario) struct MoveRole {
    /// Which role: the master's unless said otherwise.
    pub(in crate::scenario) role: Option<At<String>>,
    /// Where to.
    #[schemars(with = "NodeText")]
    pub(in crate::scenario) to: At<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct OnNode {
    /// Which node.
    #[schemars(with = "NodeText")]
    pub(in crate::scenario) node: At<String>,
}

/// Nothing needs to be said: `{}`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Nothing {}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct StartClusterService {
    /// Which node.
    #[schemars(with = "NodeText")]
    pub(in crate::scenario) node: At<String>,
    /// What it may do about quorum.
    #[serde(default)]
    pub(in crate::scenario) quorum: QuorumWord,
    /// `-ClearQuarantine`: whether the node's losses of membership are forgotten.
    #[serde(default)]
    pub(in crate::scenario) quarantine: QuarantineWord,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::scenario) enum QuarantineWord {
    /// A quarantined node stays out.
    #[default]
    Stays,
    /// The node may join.
    Cleared,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::scenario) enum QuorumWord {
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
pub(in crate::scenario) struct PauseNode {
    /// Which node.
    #[schemars(with = "NodeText")]
    pub(in crate::scenario) node: At<String>,
    /// What happens to the roles that the node owns.
    pub(in crate::scenario) roles: RolesWord,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::scenario) enum RolesWord {
    /// They stay where they are.
    Stay,
    /// They are drained: moved to other nodes.
    MoveAway,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct OnService {
    /// On which node.
    #[schemars(with = "NodeText")]
    pub(in crate::scenario) node: At<String>,
    /// Which service.
    pub(in crate::scenario) service: ServiceWord,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::scenario) enum ServiceWord {
    /// The Scale Out Master.
    Master,
    /// SQL Server.
    SqlServer,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct OnWorker {
    /// Which worker, by its name in the topology.
    pub(in crate::scenario) worker: At<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct PossibleOwner {
    /// Which node.
    #[schemars(with = "NodeText")]
    pub(in crate::scenario) node: At<String>,
    /// Which role: the master's unless said otherwise.
    pub(in crate::scenario) role: Option<At<String>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct LinkDocument {
    /// One end.
    #[schemars(with = "NodeText")]
    pub(in crate::scenario) node: At<String>,
    /// The other end.
    #[schemars(with = "LinkText")]
    pub(in crate::scenario) from: At<String>,
    /// Which packets.
    #[serde(default)]
    pub(in crate::scenario) ways: WaysWord,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct DegradeDocument {
    /// Which node.
    #[schemars(with = "NodeText")]
    pub(in crate::scenario) node: At<String>,
    /// How much longer each packet takes, in each direction.
    pub(in crate::scenario) delay: Option<At<Length>>,
    /// How many packets in a hundred are lost, each by itself, in each direction.
    pub(in crate::scenario) loss: Option<Percentage>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::scenario) enum WaysWord {
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
pub(in crate::scenario) struct OnResource {
    /// Which resource, by its name in the topology.
    pub(in crate::scenario) resource: At<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct ReplaceMasterCertificate {
    /// On which node.
    #[schemars(with = "NodeText")]
    pub(in crate::scenario) node: At<String>,
    /// By which certificate of the topology.
    pub(in crate::scenario) with: At<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct StartExecutions {
    /// The name by which later steps call them.
    #[serde(rename = "as")]
    pub(in crate::scenario) name: At<String>,
    /// How many, in each round; at most 1000000 in all.
    #[schemars(range(min = 1))]
    pub(in crate::scenario) count: At<u32>,
    /// How long each package runs.
    pub(in crate::scenario) duration: Length,
    /// How often a task may be handed out again.
    #[serde(default)]
    pub(in crate::scenario) retry_count: u8,
    /// Which workers may run them.
    #[serde(default)]
    pub(in crate::scenario) workers: LoadWorkersWord,
    /// How often they are started.
    pub(in crate::scenario) rounds: Option<At<u32>>,
    /// Time between two rounds.
    pub(in crate::scenario) every: Option<At<Length>>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::scenario) enum LoadWorkersWord {
    /// Any worker may run any of them.
    #[default]
    Any,
    /// So many for each worker, which alone may run them.
    EachNamed,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Pause {
    /// How long.
    #[serde(rename = "for")]
    pub(in crate::scenario) time: Length,
    /// Why time must pass here, in prose that the tool never reads.
    #[serde(rename = "because")]
    pub(in crate::scenario) _because: String,
}
