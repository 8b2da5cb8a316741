//! What happened, one line for each thing that was seen?

use failover_sim::names::Names;
use failover_sim::observe::{
    ExecutionStatus, Fact, Flow, Record, Sink, Source, TaskState, Watch, WorkerState,
};
use failover_sim::time::Time;

use crate::check::Window;
use crate::picture::through_word;
use crate::plan::{Plan, StepKind};
use crate::words;

/// A sink that writes a history as text for people; the golden files beside the scenarios are such texts.
#[derive(Debug)]
pub struct Timeline<'p> {
    plan: &'p Plan,
    records: Vec<Record>,
}

impl<'p> Timeline<'p> {
    /// Nothing has been seen yet.
    pub fn new(plan: &'p Plan) -> Self {
        Self { plan, records: Vec::new() }
    }

    /// The records so far.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The text: times counted from the first step, what happened before it left out.
    pub fn text(&self) -> String {
        let begins = self.records.iter().position(|record| record.fact == Fact::StepsBegan).unwrap_or(0);
        let began = self.records.get(begins).map_or(Time::ZERO, |record| record.latest);
        let window = Window { began, end: began };
        let mut text = String::new();
        let mut told: Vec<&Record> = self.records[begins..].iter().collect();
        // An entry of a log that was read late stands where it belongs.
        if told.iter().any(|record| record.fact.is_of_log()) {
            told.retain(|record| !record.fact.is_of_log() || record.latest >= began);
            told.sort_by_key(|record| record.latest);
        }
        for record in told {
            let Some(what) = self.line(record.fact) else { continue };
            let at = window.offset(record.latest);
            let who = source(record.source, &self.plan.names);
            text.push_str(&format!("{at:>12}  {who:<7} {what}\n"));
        }
        text
    }

    fn line(&self, fact: Fact) -> Option<String> {
        let names = &self.plan.names;
        Some(match fact {
            Fact::Watching { what, .. } => format!("looks at {}", watch(what, names)),
            Fact::Unwatched(what) => format!("looks no longer at {}", watch(what, names)),
            Fact::StepsBegan => "the cluster is steady, the steps begin".to_owned(),
            Fact::StepsEnded => "the steps are over".to_owned(),
            Fact::RunEnded => "the run is over".to_owned(),
            // An action says itself what it is.
            Fact::StepBegan(step) => match &self.plan.step(step).kind {
                StepKind::Act(_) => return None,
                StepKind::Expect { within, .. } => format!("expect within {}", words::length(*within)),
                StepKind::Hold { time, .. } => format!("hold for {}", words::length(*time)),
                StepKind::Pause(time) => format!("pause for {}", words::length(*time)),
            },
            Fact::Acting { action, node } => {
                let verb = self.plan.action(action).action.verb().word();
                node.map_or_else(|| verb.to_owned(), |node| format!("{verb} {}", names.node(node)))
            }
            Fact::Applied(_) => return None,
            Fact::Machine { node, power } => {
                format!("machine {} is {}", names.node(node), words::power(power))
            }
            Fact::NodeState { node, state } => {
                format!("node {} is {}", names.node(node), words::node_state(state))
            }
            Fact::NodeStatus { node, status } => {
                format!("status of node {} is {}", names.node(node), words::node_status(status))
            }
            Fact::OwnerNode { role, owner } => {
                format!("role {} is owned by {}", names.role(role), names.node(owner))
            }
            Fact::ResourceState { resource, state } => {
                format!("resource {} is {}", names.resource(resource), words::resource_state(state))
            }
            Fact::Endpoint { host, answer } => {
                format!("endpoint {}: {}", names.host(host), words::answer(answer, names))
            }
            Fact::Worker { state, .. } => self.worker(state),
            Fact::MasterMachine(node) => format!("MACHINE_NAME is {}", names.node(node)),
            Fact::Task { task, load, state, worker, executed_count, execution } => {
                let by = worker.map(|worker| format!(" by {}", names.worker(worker))).unwrap_or_default();
                // What its execution shows is worth a word only where it says something else.
                let shown = match (execution, state) {
                    (ExecutionStatus::EndedUnexpectedly, TaskState::Failed) => String::new(),
                    (ExecutionStatus::EndedUnexpectedly, _) => {
                        format!(", execution {}", words::execution_status(execution))
                    }
                    (ExecutionStatus::Pending | ExecutionStatus::Running | ExecutionStatus::Succeeded, _) => {
                        String::new()
                    }
                };
                let (load, state) = (names.load(load), words::task_state(state));
                format!("{task} of {load} is {state}{by}, executed_count {executed_count}{shown}")
            }
            Fact::WorkerAgent { worker, row } => {
                format!("row of {} in worker_agents: {}", names.worker(worker), words::agent_row(row))
            }
            Fact::Package { task, runs: true, .. } => format!("package of {task} starts"),
            Fact::Package { task, runs: false, .. } => format!("package of {task} ends"),
            Fact::ExecutionLog { task, log, .. } => {
                format!("messages of {task}: {}", words::execution_log(log))
            }
            Fact::ReportRefused { task, number, .. } => {
                format!("report on {task} is refused with {number}")
            }
            Fact::ClusterEvent { channel, record, id, node, role, resource } => {
                let names = [
                    resource.map(|resource| names.resource(resource)),
                    role.map(|role| names.role(role)),
                    node.map(|node| names.node(node)),
                ];
                let about: String = names.into_iter().flatten().map(|name| format!(", {name}")).collect();
                let (what, log) = (words::cluster_event(id), words::channel(channel));
                format!("event {id}: {what}{about} ({log} {record})")
            }
        })
    }

    fn worker(&self, state: WorkerState) -> String {
        let names = &self.plan.names;
        match state {
            WorkerState::Starting => "starts".to_owned(),
            WorkerState::Connected { through, served_by, .. } => {
                let through = through_word(self.plan.through(through));
                format!("connected through {through}, served by {}", names.node(served_by))
            }
            WorkerState::Disconnected(loss) => format!("disconnected: {}", words::loss(loss)),
            WorkerState::Refused { error, by, presented } => {
                let by = by.map(|node| format!(" by {}", names.node(node))).unwrap_or_default();
                let presented = presented
                    .map(|certificate| format!(", which presents {}", names.certificate(certificate)))
                    .unwrap_or_default();
                format!("refused{by}: {}{presented}", words::error_family(error))
            }
        }
    }
}

impl Sink for Timeline<'_> {
    fn record(&mut self, record: &Record) -> Flow {
        self.records.push(*record);
        Flow::Continue
    }
}

fn source(source: Source, names: &Names) -> &str {
    match source {
        Source::Run => "run",
        Source::Node(node) => names.node(node),
        Source::Worker(worker) => names.worker(worker),
        Source::Probe => "probe",
        Source::Ssisdb => "SSISDB",
        Source::Host => "host",
    }
}

fn watch(what: Watch, names: &Names) -> String {
    match what {
        Watch::Machines => "the machines".to_owned(),
        Watch::Node(node) => names.node(node).to_owned(),
        Watch::Endpoint => "the endpoint".to_owned(),
        Watch::Workers => "the workers".to_owned(),
        Watch::Ssisdb => "SSISDB".to_owned(),
        Watch::Reports => "reports on tasks".to_owned(),
        Watch::Messages => "messages of packages".to_owned(),
    }
}
