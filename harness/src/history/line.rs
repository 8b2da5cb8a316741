//! What does a line of a history say of a record?

use serde::{Deserialize, Serialize};

/// A record as a line says it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub(super) seq: u64,
    pub(super) earliest_us: u64,
    pub(super) latest_us: u64,
    pub(super) source: SourceText,
    pub(super) fact: FactText,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SourceText {
    Run,
    Node(String),
    Worker(String),
    Probe,
    Ssisdb,
    Host,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum WatchText {
    Machines,
    Node(String),
    Endpoint,
    Workers,
    Ssisdb,
    Reports,
    Messages,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FactText {
    Watching {
        what: WatchText,
        every_us: u64,
    },
    Unwatched {
        what: WatchText,
    },
    StepsBegan,
    StepBegan {
        step: u16,
    },
    Acting {
        action: u16,
        node: Option<String>,
    },
    Applied {
        action: u16,
    },
    StepsEnded,
    RunEnded,
    Machine {
        node: String,
        power: String,
    },
    NodeState {
        node: String,
        state: String,
    },
    NodeStatus {
        node: String,
        status: String,
    },
    OwnerNode {
        role: String,
        owner: String,
    },
    ResourceState {
        resource: String,
        state: String,
    },
    Endpoint {
        host: String,
        answer: AnswerText,
    },
    Worker {
        worker: String,
        state: WorkerText,
    },
    MasterMachine {
        node: String,
    },
    Task {
        task: u32,
        load: String,
        state: String,
        worker: Option<String>,
        executed_count: u8,
        execution: String,
    },
    WorkerAgent {
        worker: String,
        row: String,
    },
    ExecutionLog {
        task: u32,
        worker: String,
        log: String,
    },
    Package {
        task: u32,
        worker: String,
        runs: bool,
    },
    ReportRefused {
        task: u32,
        worker: String,
        number: u16,
    },
    ClusterEvent {
        channel: String,
        record: u64,
        id: u16,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resource: Option<String>,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AnswerText {
    Silent,
    Refused,
    NoHandshake { by: String },
    Served { by: String, certificate: String },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum WorkerText {
    Starting,
    Connected { through: String, served_by: String, presented: String },
    Disconnected { loss: String },
    Refused { error: String, by: Option<String>, presented: Option<String> },
}
