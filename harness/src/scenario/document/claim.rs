//! What can be claimed of a whole run?

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::length::Length;
use super::super::percentage::Percentage;
use super::super::read::At;
use super::step::Nothing;

/// Something that is claimed of a whole run.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(in crate::scenario) enum ClaimWord {
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
    /// A node that was lost QuarantineThreshold times within an hour does not join before QuarantineDuration is over, unless somebody lets it in. Inconclusive where QuarantineDuration is not set and nobody takes its default for granted: the sources conflict. Judged where `claims` asks for it.
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
#[schemars(transform = super::super::schema::one_key)]
pub(in crate::scenario) enum ClaimDocument {
    /// So many of 100 outages of workers are over in time; each worker's outage counts by itself.
    ReconnectTime(ReconnectTimeDocument),
    /// After failed resources no role fails over more often than its FailoverThreshold allows within its FailoverPeriod.
    FailoversStayWithinTheThreshold(Nothing),
    /// No paused node becomes the owner of a role, unless it was on its way there before.
    PausedNodesGetNoRole(Nothing),
    /// A node that was lost QuarantineThreshold times within an hour does not join before QuarantineDuration is over, unless somebody lets it in. Inconclusive where QuarantineDuration is not set and nobody takes its default for granted: the sources conflict.
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
    /// Always judged, as the next ones are: they are read to say so.
    #[schemars(skip)]
    AtMostOneNodeServes,
    #[schemars(skip)]
    WorkersReconnect,
    #[schemars(skip)]
    TrustedConnectionsOnly,
    #[schemars(skip)]
    WorkersUseTheNetworkName,
    #[schemars(skip)]
    NoTaskRunsTwiceAtOnce,
    #[schemars(skip)]
    NoTaskIsLost,
    #[schemars(skip)]
    NoWorkerIsEnabledAgain,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct ReconnectTimeDocument {
    /// Of 100 outages, so many must be over in time: 1 to 100.
    pub(in crate::scenario) percentile: Percentage,
    /// In this time.
    pub(in crate::scenario) at_most: At<Length>,
}
