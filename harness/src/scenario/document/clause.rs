//! What can be expected, for how long, and by which words?

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::length::Length;
use super::super::read::At;
use super::super::schema::{NodeText, PresentedText};
use super::step::StepDocument;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 2))]
pub(in crate::scenario) struct Expect {
    /// What the steps before it have done to the cluster.
    pub(in crate::scenario) after: Option<AfterWord>,
    /// How long to wait for it.
    pub(in crate::scenario) within: Length,
    /// A role: the master's unless said otherwise.
    pub(in crate::scenario) role: Option<RoleClause>,
    /// One node, as the owner of the role sees it.
    pub(in crate::scenario) node: Option<NodeClause>,
    /// All nodes, as far as everybody who can be asked agrees.
    pub(in crate::scenario) nodes: Option<NodesClause>,
    /// What a client meets under the network name.
    pub(in crate::scenario) endpoint: Option<EndpointClause>,
    /// The workers.
    pub(in crate::scenario) workers: Option<WorkersClause>,
    /// The tasks of a set of executions, in SSISDB.
    pub(in crate::scenario) tasks: Option<TasksClause>,
    /// The workers' reports on the tasks of a set of executions.
    pub(in crate::scenario) reports: Option<ReportsClause>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::scenario) enum AfterWord {
    /// The faults are over: `workers_reconnect` counts outages from here on, not those while faults went on.
    Faults,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = super::super::schema::for_or_while)]
pub(in crate::scenario) struct Hold {
    /// How long it must stay true.
    #[serde(rename = "for")]
    pub(in crate::scenario) time: Option<Length>,
    /// The steps while which it must stay true.
    #[serde(rename = "while")]
    pub(in crate::scenario) steps: Option<Vec<At<StepDocument>>>,
    /// A role: the master's unless said otherwise.
    pub(in crate::scenario) role: Option<RoleClause>,
    /// One node, as the owner of the role sees it.
    pub(in crate::scenario) node: Option<NodeClause>,
    /// All nodes, as far as everybody who can be asked agrees.
    pub(in crate::scenario) nodes: Option<NodesClause>,
    /// What a client meets under the network name.
    pub(in crate::scenario) endpoint: Option<EndpointClause>,
    /// The workers.
    pub(in crate::scenario) workers: Option<WorkersClause>,
    /// The tasks of a set of executions, in SSISDB.
    pub(in crate::scenario) tasks: Option<TasksClause>,
    /// The workers' reports on the tasks of a set of executions.
    pub(in crate::scenario) reports: Option<ReportsClause>,
}

/// A role: the master's unless said otherwise.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(in crate::scenario) struct RoleClause {
    /// Which role: the master's unless said otherwise.
    pub(in crate::scenario) name: Option<At<String>>,
    /// Its state on its owner node.
    pub(in crate::scenario) state: Option<RoleStateWord>,
    /// Its owner node.
    #[schemars(with = "Option<NodeText>")]
    pub(in crate::scenario) owner: Option<At<String>>,
}

/// One node, as the owner of the role sees it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 2))]
pub(in crate::scenario) struct NodeClause {
    /// Which one.
    #[schemars(with = "NodeText")]
    pub(in crate::scenario) name: At<String>,
    /// Its state.
    pub(in crate::scenario) state: Option<NodeStateWord>,
    /// What its status information adds.
    pub(in crate::scenario) status: Option<NodeStatusWord>,
}

/// All nodes, as far as everybody who can be asked agrees.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct NodesClause {
    /// How many of them.
    pub(in crate::scenario) which: WhichWord,
    /// Their state.
    pub(in crate::scenario) state: NodeStateWord,
}

/// What a client meets under the network name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(in crate::scenario) struct EndpointClause {
    /// The node that answers.
    #[schemars(with = "Option<NodeText>")]
    pub(in crate::scenario) served_by: Option<At<String>>,
    /// The certificate that it presents.
    #[schemars(with = "Option<PresentedText>")]
    pub(in crate::scenario) certificate: Option<At<String>>,
}

/// The workers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct WorkersClause {
    /// How many of them.
    pub(in crate::scenario) which: WhichWord,
    /// Their state.
    pub(in crate::scenario) state: At<WorkerStateWord>,
    /// The kind of host name that they connect through; only with `state: connected`.
    pub(in crate::scenario) through: Option<At<ThroughWord>>,
    /// The node whose master answers them; only with `state: connected`.
    #[schemars(with = "Option<NodeText>")]
    pub(in crate::scenario) served_by: Option<At<String>>,
    /// The error in their logs; only with `state: refused`.
    pub(in crate::scenario) error: Option<At<ErrorWord>>,
}

/// The tasks of a set of executions, in SSISDB.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 3))]
pub(in crate::scenario) struct TasksClause {
    /// Which set of executions.
    pub(in crate::scenario) of: At<String>,
    /// How many of its tasks.
    pub(in crate::scenario) which: WhichWord,
    /// Their state.
    pub(in crate::scenario) state: Option<TaskStateWord>,
    /// How often they were handed out.
    pub(in crate::scenario) executed_count: Option<u8>,
    /// The status of their executions.
    pub(in crate::scenario) execution: Option<ExecutionWord>,
    /// Where the messages of their packages are.
    pub(in crate::scenario) messages: Option<MessagesWord>,
}

/// The workers' reports on the tasks of a set of executions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct ReportsClause {
    /// Which set of executions.
    pub(in crate::scenario) of: At<String>,
    /// Of how many of its tasks.
    pub(in crate::scenario) which: WhichWord,
    /// SSISDB refused a report with this message: 27246 says that the task is not the worker's, or is over.
    pub(in crate::scenario) refused_with: u16,
}

/// How many of a set that is not empty.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(in crate::scenario) enum WhichWord {
    /// All of them.
    Every,
    /// At least one.
    Any,
    /// No one.
    None,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::scenario) enum RoleStateWord {
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
pub(in crate::scenario) enum NodeStateWord {
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
pub(in crate::scenario) enum NodeStatusWord {
    /// No flag.
    Normal,
    /// It fell silent a short while ago.
    Isolated,
    /// It was lost too often, and may not join.
    Quarantined,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(in crate::scenario) enum WorkerStateWord {
    /// Its heartbeat is answered.
    Connected,
    /// It has no connection, for whatever reason.
    Disconnected,
    /// Its last attempt to connect or to be heard failed.
    Refused,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::scenario) enum ThroughWord {
    /// The network name of the role.
    NetworkName,
    /// The name or address of one node.
    NodeName,
}

/// The families of errors in a worker's log that Microsoft documents.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::scenario) enum ErrorWord {
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
pub(in crate::scenario) enum TaskStateWord {
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
pub(in crate::scenario) enum MessagesWord {
    /// In SSISDB, or not due there yet.
    Written,
    /// On the worker's disk: SSISDB could not be reached when the package ended. They are sent when its service is restarted.
    Cached,
    /// Nowhere: SQL Server does not take the login that workers log with.
    Refused,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::scenario) enum ExecutionWord {
    /// 5: no worker has reported that it runs.
    Pending,
    /// 2: a worker has reported that it runs.
    Running,
    /// 6: its task was given up, or SQL Server was started meanwhile and `catalog.startup` took it for dead.
    EndedUnexpectedly,
    /// 7: a worker has reported that it succeeded.
    Succeeded,
}
