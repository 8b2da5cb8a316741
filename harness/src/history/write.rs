//! How is a history written?

use std::io::{self, Write};

use failover_sim::names::{Names, NodeId, WorkerId};
use failover_sim::observe::{Answer, Fact, Flow, Record, Sink, Source, Watch, WorkerState};
use failover_sim::time::micros;

use crate::plan::Plan;
use crate::words;

use super::header::Header;
use super::line::{AnswerText, FactText, Line, SourceText, WatchText, WorkerText};

/// A sink that writes a history as it happens.
#[derive(Debug)]
pub struct HistoryWriter<'p, W> {
    plan: &'p Plan,
    out: W,
    failed: Option<io::Error>,
}

impl<'p, W: Write> HistoryWriter<'p, W> {
    /// Begins a history with its first line.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn begin(plan: &'p Plan, backend: &str, mut out: W) -> io::Result<Self> {
        serde_json::to_writer(&mut out, &Header::new(plan, backend))?;
        out.write_all(b"\n")?;
        Ok(Self { plan, out, failed: None })
    }

    /// Ends the history.
    ///
    /// # Errors
    /// If any part of it could not be written.
    pub fn finish(mut self) -> io::Result<W> {
        match self.failed.take() {
            Some(error) => Err(error),
            None => self.out.flush().map(|()| self.out),
        }
    }
}

impl<W: Write> Sink for HistoryWriter<'_, W> {
    fn record(&mut self, record: &Record) -> Flow {
        if self.failed.is_none() {
            let line = Line::new(record, &self.plan.names);
            let written = serde_json::to_writer(&mut self.out, &line)
                .map_err(io::Error::from)
                .and_then(|()| self.out.write_all(b"\n"));
            self.failed = written.err();
        }
        Flow::Continue
    }
}

/// A record as a line of a history says it.
pub fn line(record: &Record, names: &Names) -> String {
    serde_json::to_string(&Line::new(record, names))
        .expect("numbers, words and fixed keys always have a JSON form")
}

impl Line {
    fn new(record: &Record, names: &Names) -> Self {
        Self {
            seq: record.seq,
            earliest_us: record.earliest.as_micros(),
            latest_us: record.latest.as_micros(),
            source: match record.source {
                Source::Run => SourceText::Run,
                Source::Node(node) => SourceText::Node(names.node(node).to_owned()),
                Source::Worker(worker) => SourceText::Worker(names.worker(worker).to_owned()),
                Source::Probe => SourceText::Probe,
                Source::Ssisdb => SourceText::Ssisdb,
                Source::Host => SourceText::Host,
            },
            fact: FactText::new(record.fact, names),
        }
    }
}

impl FactText {
    fn new(fact: Fact, names: &Names) -> Self {
        let node = |node: NodeId| names.node(node).to_owned();
        let worker = |worker: WorkerId| names.worker(worker).to_owned();
        match fact {
            Fact::Watching { what, every } => {
                Self::Watching { what: WatchText::new(what, names), every_us: micros(every) }
            }
            Fact::Unwatched(what) => Self::Unwatched { what: WatchText::new(what, names) },
            Fact::StepsBegan => Self::StepsBegan,
            Fact::StepBegan(step) => Self::StepBegan { step: step.0 },
            Fact::Acting { action, node: target } => {
                Self::Acting { action: action.0, node: target.map(node) }
            }
            Fact::Applied(action) => Self::Applied { action: action.0 },
            Fact::StepsEnded => Self::StepsEnded,
            Fact::RunEnded => Self::RunEnded,
            Fact::Machine { node: id, power } => {
                Self::Machine { node: node(id), power: words::power(power).to_owned() }
            }
            Fact::NodeState { node: id, state } => {
                Self::NodeState { node: node(id), state: words::node_state(state).to_owned() }
            }
            Fact::NodeStatus { node: id, status } => {
                Self::NodeStatus { node: node(id), status: words::node_status(status).to_owned() }
            }
            Fact::OwnerNode { role, owner } => {
                Self::OwnerNode { role: names.role(role).to_owned(), owner: node(owner) }
            }
            Fact::ResourceState { resource, state } => Self::ResourceState {
                resource: names.resource(resource).to_owned(),
                state: words::resource_state(state).to_owned(),
            },
            Fact::Endpoint { host, answer } => {
                Self::Endpoint { host: names.host(host).to_owned(), answer: AnswerText::new(answer, names) }
            }
            Fact::Worker { worker: id, state } => {
                Self::Worker { worker: worker(id), state: WorkerText::new(state, names) }
            }
            Fact::MasterMachine(id) => Self::MasterMachine { node: node(id) },
            Fact::Task { task, load, state, worker: owner, executed_count, execution } => Self::Task {
                task: task.0,
                load: names.load(load).to_owned(),
                state: words::task_state(state).to_owned(),
                worker: owner.map(worker),
                executed_count,
                execution: words::execution_status(execution).to_owned(),
            },
            Fact::WorkerAgent { worker: id, row } => {
                Self::WorkerAgent { worker: worker(id), row: words::agent_row(row).to_owned() }
            }
            Fact::Package { task, worker: id, runs } => {
                Self::Package { task: task.0, worker: worker(id), runs }
            }
            Fact::ExecutionLog { task, worker: id, log } => Self::ExecutionLog {
                task: task.0,
                worker: worker(id),
                log: words::execution_log(log).to_owned(),
            },
            Fact::ReportRefused { task, worker: id, number } => {
                Self::ReportRefused { task: task.0, worker: worker(id), number }
            }
            Fact::ClusterEvent { channel, record, id, node: of, role, resource } => Self::ClusterEvent {
                channel: words::channel(channel).to_owned(),
                record,
                id,
                node: of.map(node),
                role: role.map(|role| names.role(role).to_owned()),
                resource: resource.map(|resource| names.resource(resource).to_owned()),
            },
        }
    }
}

impl WatchText {
    fn new(what: Watch, names: &Names) -> Self {
        match what {
            Watch::Machines => Self::Machines,
            Watch::Node(node) => Self::Node(names.node(node).to_owned()),
            Watch::Endpoint => Self::Endpoint,
            Watch::Workers => Self::Workers,
            Watch::Ssisdb => Self::Ssisdb,
            Watch::Reports => Self::Reports,
            Watch::Messages => Self::Messages,
        }
    }
}

impl AnswerText {
    fn new(answer: Answer, names: &Names) -> Self {
        match answer {
            Answer::Silent => Self::Silent,
            Answer::Refused => Self::Refused,
            Answer::NoHandshake(by) => Self::NoHandshake { by: names.node(by).to_owned() },
            Answer::Served { by, certificate } => Self::Served {
                by: names.node(by).to_owned(),
                certificate: names.certificate(certificate).to_owned(),
            },
        }
    }
}

impl WorkerText {
    fn new(state: WorkerState, names: &Names) -> Self {
        match state {
            WorkerState::Starting => Self::Starting,
            WorkerState::Connected { through, served_by, presented } => Self::Connected {
                through: names.host(through).to_owned(),
                served_by: names.node(served_by).to_owned(),
                presented: names.certificate(presented).to_owned(),
            },
            WorkerState::Disconnected(loss) => Self::Disconnected { loss: words::loss(loss).to_owned() },
            WorkerState::Refused { error, by, presented } => Self::Refused {
                error: words::error_family(error).to_owned(),
                by: by.map(|node| names.node(node).to_owned()),
                presented: presented.map(|certificate| names.certificate(certificate).to_owned()),
            },
        }
    }
}
