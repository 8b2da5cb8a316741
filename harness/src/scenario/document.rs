//! What may stand in a scenario file?
//!
//! These types are the language: serde reads them, and names in them are still texts with their places.

use serde::Deserialize;

use super::length::Length;
use super::read::At;

/// The parts of a scenario file, in the order in which people write them.
pub(super) const PARTS: &[&str] = &["proves", "about", "given", "steps", "breaks"];

/// `about:` what the scenario needs to make sense.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct About {
    /// The topology that it runs on.
    pub(super) topology: At<String>,
    /// Steps of the guide that it is about.
    #[serde(default)]
    pub(super) guide: Vec<At<u8>>,
    /// The row of the table of mistakes that it shows.
    pub(super) mistake: Option<At<u8>>,
    /// What a topology must have.
    pub(super) needs: Option<Needs>,
    /// Assumptions that it fixes.
    #[serde(default)]
    pub(super) assume: std::collections::BTreeMap<String, At<String>>,
}

/// `needs:` at least so many of each.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Needs {
    pub(super) nodes: Option<At<usize>>,
    pub(super) workers: Option<At<usize>>,
}

/// A step: a map with one key, its verb.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StepDocument {
    MoveRole(MoveRole),
    PowerOff(OnNode),
    PowerOn(OnNode),
    KillClusterService(OnNode),
    Freeze(OnNode),
    Thaw(OnNode),
    StopClusterService(OnNode),
    StartClusterService(OnNode),
    PauseNode(PauseNode),
    ResumeNode(OnNode),
    KillService(OnService),
    HangService(OnService),
    StopService(OnService),
    Cut(LinkDocument),
    Heal(LinkDocument),
    FailResource(FailResource),
    ReplaceMasterCertificate(ReplaceMasterCertificate),
    SetCluster(SetCluster),
    SetWorkers(SetWorkers),
    StartExecutions(StartExecutions),
    Expect(Expect),
    Hold(Hold),
    Pause(Pause),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MoveRole {
    pub(super) to: At<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OnNode {
    pub(super) node: At<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PauseNode {
    pub(super) node: At<String>,
    /// What happens to the roles that the node owns.
    pub(super) roles: RolesWord,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RolesWord {
    Stay,
    MoveAway,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OnService {
    pub(super) node: At<String>,
    pub(super) service: ServiceWord,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ServiceWord {
    Master,
    SqlServer,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkDocument {
    pub(super) node: At<String>,
    /// `other_nodes`, `clients`, `disk`, `witness`, or a node.
    pub(super) from: At<String>,
    #[serde(default)]
    pub(super) ways: WaysWord,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum WaysWord {
    #[default]
    Both,
    Out,
    In,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FailResource {
    pub(super) resource: At<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplaceMasterCertificate {
    pub(super) node: At<String>,
    pub(super) with: At<String>,
}

/// Properties of the cluster, by Windows' names.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SetCluster {
    pub(super) same_subnet_delay: Option<At<Length>>,
    pub(super) same_subnet_threshold: Option<At<u32>>,
    pub(super) cross_subnet_delay: Option<At<Length>>,
    pub(super) cross_subnet_threshold: Option<At<u32>>,
}

/// Settings of workers, by SSIS' names.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SetWorkers {
    #[serde(rename = "which")]
    pub(super) which: At<WhichWord>,
    pub(super) max_task_count: Option<At<u16>>,
    pub(super) agent_heartbeat_interval: Option<At<Length>>,
    pub(super) task_heartbeat_interval: Option<At<Length>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StartExecutions {
    #[serde(rename = "as")]
    pub(super) name: At<String>,
    pub(super) count: At<u32>,
    pub(super) duration: Length,
    #[serde(default)]
    pub(super) retry_count: u8,
    #[serde(default)]
    pub(super) workers: LoadWorkersWord,
    pub(super) rounds: Option<At<u32>>,
    pub(super) every: Option<At<Length>>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LoadWorkersWord {
    #[default]
    Any,
    EachNamed,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    pub(super) within: Length,
    pub(super) role: Option<RoleClause>,
    pub(super) node: Option<NodeClause>,
    pub(super) endpoint: Option<EndpointClause>,
    pub(super) workers: Option<WorkersClause>,
    pub(super) tasks: Option<TasksClause>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hold {
    #[serde(rename = "for")]
    pub(super) time: Length,
    pub(super) role: Option<RoleClause>,
    pub(super) node: Option<NodeClause>,
    pub(super) endpoint: Option<EndpointClause>,
    pub(super) workers: Option<WorkersClause>,
    pub(super) tasks: Option<TasksClause>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pause {
    #[serde(rename = "for")]
    pub(super) time: Length,
    /// Prose: why time must pass here. The tool never reads it.
    #[serde(rename = "because")]
    pub(super) _because: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleClause {
    pub(super) state: Option<RoleStateWord>,
    pub(super) owner: Option<At<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NodeClause {
    pub(super) name: At<String>,
    pub(super) state: NodeStateWord,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointClause {
    pub(super) served_by: Option<At<String>>,
    /// `pinned`, `not_pinned`, or the name of a certificate.
    pub(super) certificate: Option<At<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkersClause {
    pub(super) which: WhichWord,
    pub(super) state: At<WorkerStateWord>,
    pub(super) through: Option<At<ThroughWord>>,
    pub(super) served_by: Option<At<String>>,
    pub(super) error: Option<At<ErrorWord>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TasksClause {
    pub(super) of: At<String>,
    pub(super) which: WhichWord,
    pub(super) state: Option<TaskStateWord>,
    pub(super) executed_count: Option<u8>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum WhichWord {
    Every,
    Any,
    None,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RoleStateWord {
    Online,
    Offline,
    Failed,
    PartialOnline,
    Pending,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum NodeStateWord {
    Up,
    Down,
    Paused,
    Joining,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum WorkerStateWord {
    Connected,
    Disconnected,
    Refused,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ThroughWord {
    NetworkName,
    NodeName,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ErrorWord {
    EndpointNotFound,
    TrustRelationship,
    SecureChannel,
    Forbidden,
    HttpRequest,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TaskStateWord {
    Ready,
    HandedOut,
    Running,
    Failed,
    Succeeded,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ClaimWord {
    AtMostOneNodeServes,
    WorkersReconnect,
    TrustedConnectionsOnly,
}
