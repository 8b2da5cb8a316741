//! How is a history read again, with the names of its plan?

use std::time::Duration;

use failover_sim::names::{
    ActionNo, CertificateId, HostId, LoadId, NodeId, ResourceId, RoleId, StepNo, TaskId, WorkerId,
};
use failover_sim::observe::{Answer, Fact, Record, Source, Watch, WorkerState};
use failover_sim::time::Time;

use crate::plan::Plan;
use crate::words;

use super::header::{FORM, Header};
use super::line::{AnswerText, FactText, Line, SourceText, WatchText, WorkerText};

/// What is wrong with a history.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// It has no line.
    #[error("the history is empty")]
    Empty,
    /// A line is not what it should be.
    #[error("line {line} is not a line of a history: {error}")]
    Line {
        /// Which one, from 1.
        line: usize,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// A line names something that the plan does not have.
    #[error("line {line} names the {kind} `{name}`, which is not in its plan")]
    Unknown {
        /// Which one, from 1.
        line: usize,
        /// What kind of thing.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A moment that no run reaches.
    #[error("line {line} tells of what was later than a century after the beginning")]
    Late {
        /// Which one, from 1.
        line: usize,
    },
    /// It was written by a version with another form.
    #[error("the history has form {0}; this version reads form {FORM}")]
    Form(u32),
}

/// No moment of a run is later: a century, in microseconds.
const LATEST: u64 = 100 * 365 * 24 * 3_600 * 1_000_000;

/// Reads the first line of a history.
///
/// # Errors
/// If there is none, or it is of another form.
pub fn read_header(text: &str) -> Result<Header, HistoryError> {
    let first = text.lines().next().ok_or(HistoryError::Empty)?;
    let header: Header =
        serde_json::from_str(first).map_err(|error| HistoryError::Line { line: 1, error })?;
    if header.history == FORM { Ok(header) } else { Err(HistoryError::Form(header.history)) }
}

/// Reads the records of a history, in their order, with the names of its plan.
///
/// # Errors
/// At the first line that is not a record of this plan, or whose moment no run reaches.
pub fn read_records(text: &str, plan: &Plan) -> Result<Vec<Record>, HistoryError> {
    let mut records = Vec::new();
    for (index, text) in text.lines().enumerate().skip(1) {
        let line = index + 1;
        let read: Line = serde_json::from_str(text).map_err(|error| HistoryError::Line { line, error })?;
        if read.earliest_us.max(read.latest_us) > LATEST {
            return Err(HistoryError::Late { line });
        }
        let unknown = |(kind, name)| HistoryError::Unknown { line, kind, name };
        records.push(read.record(plan).map_err(unknown)?);
    }
    Ok(records)
}

impl Line {
    fn record(self, plan: &Plan) -> Result<Record, (&'static str, String)> {
        let find = Find(plan);
        Ok(Record {
            seq: self.seq,
            earliest: Time::from_micros(self.earliest_us),
            latest: Time::from_micros(self.latest_us),
            source: match self.source {
                SourceText::Run => Source::Run,
                SourceText::Node(name) => Source::Node(find.node(name)?),
                SourceText::Worker(name) => Source::Worker(find.worker(name)?),
                SourceText::Probe => Source::Probe,
                SourceText::Ssisdb => Source::Ssisdb,
                SourceText::Host => Source::Host,
            },
            fact: self.fact.fact(&find)?,
        })
    }
}

impl FactText {
    fn fact(self, find: &Find<'_>) -> Result<Fact, (&'static str, String)> {
        Ok(match self {
            Self::Watching { what, every_us } => {
                Fact::Watching { what: what.watch(find)?, every: Duration::from_micros(every_us) }
            }
            Self::Unwatched { what } => Fact::Unwatched(what.watch(find)?),
            Self::StepsBegan => Fact::StepsBegan,
            Self::StepBegan { step } => Fact::StepBegan(find.step(step)?),
            Self::Acting { action, node } => Fact::Acting {
                action: find.action(action)?,
                node: node.map(|node| find.node(node)).transpose()?,
            },
            Self::Applied { action } => Fact::Applied(find.action(action)?),
            Self::StepsEnded => Fact::StepsEnded,
            Self::RunEnded => Fact::RunEnded,
            Self::Machine { node, power } => Fact::Machine {
                node: find.node(node)?,
                power: find.word("power state", power, words::power_by_word)?,
            },
            Self::NodeState { node, state } => Fact::NodeState {
                node: find.node(node)?,
                state: find.word("node state", state, words::node_state_by_word)?,
            },
            Self::NodeStatus { node, status } => Fact::NodeStatus {
                node: find.node(node)?,
                status: find.word("node status", status, words::node_status_by_word)?,
            },
            Self::OwnerNode { role, owner } => {
                Fact::OwnerNode { role: find.role(role)?, owner: find.node(owner)? }
            }
            Self::ResourceState { resource, state } => Fact::ResourceState {
                resource: find.resource(resource)?,
                state: find.word("resource state", state, words::resource_state_by_word)?,
            },
            Self::Endpoint { host, answer } => {
                Fact::Endpoint { host: find.host(host)?, answer: answer.answer(find)? }
            }
            Self::Worker { worker, state } => {
                Fact::Worker { worker: find.worker(worker)?, state: state.state(find)? }
            }
            Self::MasterMachine { node } => Fact::MasterMachine(find.node(node)?),
            Self::WorkerAgent { worker, row } => Fact::WorkerAgent {
                worker: find.worker(worker)?,
                row: find.word("row of a worker", row, words::agent_row_by_word)?,
            },
            Self::Task { task, load, state, worker, executed_count, execution } => Fact::Task {
                task: TaskId(task),
                load: LoadId(find.index("set of executions", load, &find.0.names.loads)? as u16),
                state: find.word("task state", state, words::task_state_by_word)?,
                worker: worker.map(|worker| find.worker(worker)).transpose()?,
                executed_count,
                execution: find.word("status of an execution", execution, words::execution_status_by_word)?,
            },
            Self::Package { task, worker, runs } => {
                Fact::Package { task: TaskId(task), worker: find.worker(worker)?, runs }
            }
            Self::ExecutionLog { task, worker, log } => Fact::ExecutionLog {
                task: TaskId(task),
                worker: find.worker(worker)?,
                log: find.word("place of messages", log, words::execution_log_by_word)?,
            },
            Self::ReportRefused { task, worker, number } => {
                Fact::ReportRefused { task: TaskId(task), worker: find.worker(worker)?, number }
            }
            Self::ClusterEvent { channel, record, id, node, role, resource } => Fact::ClusterEvent {
                channel: find.word("event log", channel, words::channel_by_word)?,
                record,
                id,
                node: node.map(|node| find.node(node)).transpose()?,
                role: role.map(|role| find.role(role)).transpose()?,
                resource: resource.map(|resource| find.resource(resource)).transpose()?,
            },
        })
    }
}

impl WatchText {
    fn watch(self, find: &Find<'_>) -> Result<Watch, (&'static str, String)> {
        Ok(match self {
            Self::Machines => Watch::Machines,
            Self::Node(node) => Watch::Node(find.node(node)?),
            Self::Endpoint => Watch::Endpoint,
            Self::Workers => Watch::Workers,
            Self::Ssisdb => Watch::Ssisdb,
            Self::Reports => Watch::Reports,
            Self::Messages => Watch::Messages,
        })
    }
}

impl AnswerText {
    fn answer(self, find: &Find<'_>) -> Result<Answer, (&'static str, String)> {
        Ok(match self {
            Self::Silent => Answer::Silent,
            Self::Refused => Answer::Refused,
            Self::NoHandshake { by } => Answer::NoHandshake(find.node(by)?),
            Self::Served { by, certificate } => {
                Answer::Served { by: find.node(by)?, certificate: find.certificate(certificate)? }
            }
        })
    }
}

impl WorkerText {
    fn state(self, find: &Find<'_>) -> Result<WorkerState, (&'static str, String)> {
        Ok(match self {
            Self::Starting => WorkerState::Starting,
            Self::Connected { through, served_by, presented } => WorkerState::Connected {
                through: find.host(through)?,
                served_by: find.node(served_by)?,
                presented: find.certificate(presented)?,
            },
            Self::Disconnected { loss } => {
                WorkerState::Disconnected(find.word("way to lose a connection", loss, words::loss_by_word)?)
            }
            Self::Refused { error, by, presented } => WorkerState::Refused {
                error: find.word("error family", error, words::error_family_by_word)?,
                by: by.map(|node| find.node(node)).transpose()?,
                presented: presented.map(|certificate| find.certificate(certificate)).transpose()?,
            },
        })
    }
}

/// Finds what a line names in the plan.
struct Find<'p>(&'p Plan);

impl Find<'_> {
    fn index(
        &self,
        kind: &'static str,
        name: String,
        known: &[String],
    ) -> Result<usize, (&'static str, String)> {
        known.iter().position(|other| *other == name).ok_or((kind, name))
    }

    fn node(&self, name: String) -> Result<NodeId, (&'static str, String)> {
        self.index("node", name, &self.0.names.nodes).map(|index| NodeId(index as u8))
    }

    fn role(&self, name: String) -> Result<RoleId, (&'static str, String)> {
        self.index("role", name, &self.0.names.roles).map(|index| RoleId(index as u8))
    }

    fn resource(&self, name: String) -> Result<ResourceId, (&'static str, String)> {
        self.index("resource", name, &self.0.names.resources).map(|index| ResourceId(index as u16))
    }

    fn worker(&self, name: String) -> Result<WorkerId, (&'static str, String)> {
        self.index("worker", name, &self.0.names.workers).map(|index| WorkerId(index as u32))
    }

    fn certificate(&self, name: String) -> Result<CertificateId, (&'static str, String)> {
        self.index("certificate", name, &self.0.names.certificates).map(|index| CertificateId(index as u16))
    }

    fn host(&self, name: String) -> Result<HostId, (&'static str, String)> {
        self.index("host", name, &self.0.names.hosts).map(|index| HostId(index as u16))
    }

    fn action(&self, number: u16) -> Result<ActionNo, (&'static str, String)> {
        if usize::from(number) < self.0.actions.len() {
            return Ok(ActionNo(number));
        }
        Err(("action", number.to_string()))
    }

    fn step(&self, number: u16) -> Result<StepNo, (&'static str, String)> {
        if usize::from(number) < self.0.steps.len() {
            return Ok(StepNo(number));
        }
        Err(("step", number.to_string()))
    }

    fn word<T>(
        &self,
        kind: &'static str,
        word: String,
        find: impl Fn(&str) -> Option<T>,
    ) -> Result<T, (&'static str, String)> {
        find(&word).ok_or((kind, word))
    }
}
