//! How is a run kept, so that it can be read and judged again?
//!
//! JSON lines: the first says what was run, word for word; then one line for each record, with the names of the plan.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use failover_sim::assumption::Assumption;
use failover_sim::cluster::Profile;
use failover_sim::names::{
    ActionNo, CertificateId, HostId, LoadId, Names, NodeId, ResourceId, RoleId, StepNo, TaskId, WorkerId,
};
use failover_sim::observe::{Answer, Fact, Flow, Record, Sink, Source, Watch, WorkerState};
use failover_sim::time::{Time, micros};
use serde::{Deserialize, Serialize};

use crate::plan::{Base, Lessons, Origin, Overrides, Plan, VERSION};
use crate::words;

/// The first line of a history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The form of the file.
    pub history: u32,
    /// The version that wrote it.
    pub version: String,
    /// Where it ran.
    pub backend: String,
    /// The scenario's name.
    pub name: String,
    /// The seed.
    pub seed: u64,
    /// The hash of the plan.
    pub plan: String,
    /// The scenario's file.
    pub scenario_file: String,
    /// The scenario, word for word.
    pub scenario: String,
    /// The topology's file.
    pub topology_file: String,
    /// The topology, word for word.
    pub topology: String,
    /// The file of the topology that it is based on, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_file: Option<String>,
    /// That topology, word for word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// What the files say that the topology names: settings as text, certificates as the digits of their DER form.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
    /// `--workers`, if it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<u32>,
    /// Answers to assumptions that the command line gave.
    #[serde(default)]
    pub assume: BTreeMap<String, String>,
    /// Cluster properties that the command line gave.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, String>,
    /// `--profile`, if it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// `--topology`, if it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_topology: Option<String>,
    /// The case of the scenario, if it has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// By how much the `within` of every step was stretched, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<u32>,
    /// What labs had taught: the answers that were possible.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub learned: BTreeMap<String, Vec<String>>,
    /// The file that it stood in.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub learned_file: String,
    /// The build, as the command line said it, if it had to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
}

/// The form of histories that this version writes.
pub const FORM: u32 = 2;

/// No moment of a run is later: a century, in microseconds.
const LATEST: u64 = 100 * 365 * 24 * 3_600 * 1_000_000;

impl Header {
    /// The header of a run of this plan.
    pub fn new(plan: &Plan, backend: &str) -> Self {
        let Origin { scenario_file, scenario_text, topology_file, topology_text, base, files, overrides } =
            plan.origin.clone();
        Self {
            history: FORM,
            version: VERSION.to_owned(),
            backend: backend.to_owned(),
            name: plan.scenario_name().to_owned(),
            seed: plan.seed,
            plan: plan.digest().to_string(),
            scenario_file,
            scenario: scenario_text,
            topology_file,
            topology: topology_text,
            base_file: base.as_ref().map(|base| base.file.clone()),
            base: base.map(|base| base.text),
            files,
            workers: overrides.workers,
            assume: overrides.assume,
            set: overrides.set,
            profile: overrides.profile.map(|profile| profile.word().to_owned()),
            other_topology: overrides.topology,
            case: overrides.case,
            patience: overrides.patience,
            learned: words_of(&overrides.learned),
            learned_file: overrides.learned.file,
            build: overrides.learned.build,
        }
    }

    /// Where the plan came from.
    pub fn origin(&self) -> Origin {
        Origin {
            scenario_file: self.scenario_file.clone(),
            scenario_text: self.scenario.clone(),
            topology_file: self.topology_file.clone(),
            topology_text: self.topology.clone(),
            base: self
                .base
                .as_ref()
                .map(|text| Base { file: self.base_file.clone().unwrap_or_default(), text: text.clone() }),
            files: self.files.clone(),
            overrides: Overrides {
                workers: self.workers,
                assume: self.assume.clone(),
                set: self.set.clone(),
                profile: self.profile.as_deref().and_then(Profile::by_word),
                topology: self.other_topology.clone(),
                case: self.case.clone(),
                patience: self.patience,
                learned: Lessons {
                    file: self.learned_file.clone(),
                    build: self.build.clone(),
                    hold_for: String::new(),
                    answers: self.learned.iter().filter_map(|(id, words)| lesson(id, words)).collect(),
                },
            },
        }
    }
}

fn words_of(lessons: &Lessons) -> BTreeMap<String, Vec<String>> {
    let words = |assumption: Assumption, answers: &[usize]| {
        answers.iter().map(|&answer| assumption.question().values[answer].word.to_owned()).collect()
    };
    let answers = lessons.answers.iter();
    answers.map(|(&one, answers)| (one.question().id.to_owned(), words(one, answers))).collect()
}

/// What is not known here makes another plan, which is told from its hash.
fn lesson(id: &str, words: &[String]) -> Option<(Assumption, Vec<usize>)> {
    let assumption = Assumption::by_id(id)?;
    Some((assumption, words.iter().filter_map(|word| assumption.value_by_word(word)).collect()))
}

/// A record as a line says it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    seq: u64,
    earliest_us: u64,
    latest_us: u64,
    source: SourceText,
    fact: FactText,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SourceText {
    Run,
    Node(String),
    Worker(String),
    Probe,
    Ssisdb,
    Host,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WatchText {
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
enum FactText {
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
enum AnswerText {
    Silent,
    Refused,
    NoHandshake { by: String },
    Served { by: String, certificate: String },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WorkerText {
    Starting,
    Connected { through: String, served_by: String, presented: String },
    Disconnected { loss: String },
    Refused { error: String, by: Option<String>, presented: Option<String> },
}

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
