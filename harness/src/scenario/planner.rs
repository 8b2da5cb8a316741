//! How do a scenario file and a topology file become a plan?
//!
//! Parse, don't validate: after this no name is unknown and no value out of range. All mistakes of both files come back
//! at once.

use failover_sim::action::{
    Action, ClusterProperty, Drain, LinkEnd, LinkState, Load, LoadWorkers, Service, ServiceAction, Ways,
    WorkerSetting,
};
use failover_sim::assumption::{Assumption, Assumptions};
use failover_sim::cluster::ClusterProperties;
use failover_sim::names::{ActionNo, CertificateId, LoadId, NodeId, ResourceId};
use failover_sim::observe::{ErrorFamily, NodeState, RoleState, TaskState};
use failover_sim::step::Shared;

use crate::check::Claim;
use crate::plan::{
    Clause, NodeWord, Origin, Plan, PlannedAction, Presented, Step, StepKind, Through, Which, WorkerClause,
};

use super::diagnostic::{Diagnostics, Fault, Place};
use super::document::{
    About, ClaimWord, EndpointClause, ErrorWord, LinkDocument, LoadWorkersWord, NodeClause, NodeStateWord,
    OnService, PARTS, RoleClause, RoleStateWord, RolesWord, ServiceWord, SetCluster, SetWorkers,
    StartExecutions, StepDocument, TaskStateWord, TasksClause, ThroughWord, WaysWord, WhichWord,
    WorkerStateWord, WorkersClause,
};
use super::nearest;
use super::read::At;
use super::sections::split;
use super::topology::{ResolvedTopology, resolve, set_properties};
use super::tree::{Span, parse_one};

/// The topology that a scenario asks for: its name, and where that is written.
///
/// # Errors
/// Every mistake that keeps the name from being found.
pub fn topology_of(file: &str, text: &str) -> Result<At<String>, Diagnostics> {
    let mut faults = Vec::new();
    let about = parse_one(text).map_err(|found| faults.extend(found)).ok().and_then(|tree| {
        let parts = split(&tree, PARTS, &mut faults);
        parts.require::<About>("about", &mut faults)
    });
    match about {
        Some(about) => Ok(about.value.topology),
        None => Err(diagnostics(file, text, faults)),
    }
}

/// Makes a plan, or shows everything that is wrong in the scenario and in the topology.
///
/// # Errors
/// The mistakes, file by file.
pub fn plan(name: &str, origin: &Origin, seed: u64) -> Result<Plan, Vec<Diagnostics>> {
    let mut topology_faults = Vec::new();
    let topology = parse_one(&origin.topology_text)
        .map_err(|found| topology_faults.extend(found))
        .ok()
        .and_then(|tree| resolve(&tree, origin.overrides.workers, &mut topology_faults));
    let mut faults = Vec::new();
    let plan = scenario(name, origin, seed, topology, &mut faults);
    match plan {
        Some(plan) if faults.is_empty() && topology_faults.is_empty() => Ok(plan),
        Some(_) | None => Err([
            (&origin.scenario_file, &origin.scenario_text, faults),
            (&origin.topology_file, &origin.topology_text, topology_faults),
        ]
        .into_iter()
        .filter(|(_, _, faults)| !faults.is_empty())
        .map(|(file, text, faults)| diagnostics(file, text, faults))
        .collect()),
    }
}

fn diagnostics(file: &str, text: &str, faults: Vec<Fault>) -> Diagnostics {
    Diagnostics::new(file, text, faults)
}

fn scenario(
    name: &str,
    origin: &Origin,
    seed: u64,
    topology: Option<ResolvedTopology>,
    faults: &mut Vec<Fault>,
) -> Option<Plan> {
    let tree = parse_one(&origin.scenario_text).map_err(|found| faults.extend(found)).ok()?;
    let parts = split(&tree, PARTS, faults);
    let proves = parts.require::<String>("proves", faults);
    let about = parts.require::<About>("about", faults);
    let given = parts.read_each::<StepDocument>("given", faults);
    let before = faults.len();
    let steps = parts.require_each::<StepDocument>("steps", faults);
    if let Some(section) = parts.get("steps").filter(|_| steps.is_empty() && faults.len() == before) {
        let fault = Fault::new("a scenario without steps proves nothing", section.key.span);
        faults.push(fault.with_label("expected at least one"));
    }
    let breaks = parts.read_each::<ClaimWord>("breaks", faults);
    let topology = topology?;
    let about = about?.value;
    let mut planner = Planner {
        text: &origin.scenario_text,
        topology: &topology,
        faults,
        actions: Vec::new(),
        loads: Vec::new(),
        load_names: Vec::new(),
    };
    planner.check_needs(&about);
    let (assumptions, settled) = planner.assumptions(&about, origin);
    planner.given(&given);
    let given = planner.actions.len();
    let steps = planner.steps(&steps);
    let (actions, loads, load_names) = (planner.actions, planner.loads, planner.load_names);
    let ResolvedTopology { topology, mut names, role, master, network_name } = topology;
    names.loads = load_names;
    Some(Plan {
        name: name.to_owned(),
        origin: origin.clone(),
        proves: proves?.value,
        guide: about.guide.iter().map(|step| step.value).collect(),
        seed,
        fixed: std::collections::BTreeMap::new(),
        assumptions,
        settled,
        names,
        topology: Shared::new(topology),
        role,
        master,
        network_name,
        loads,
        actions,
        given,
        steps,
        claims: Claim::ALL.to_vec(),
        breaks: breaks.iter().map(|claim| claim_of(claim.value)).collect(),
    })
}

const fn claim_of(word: ClaimWord) -> Claim {
    match word {
        ClaimWord::AtMostOneNodeServes => Claim::OneNodeServes,
        ClaimWord::WorkersReconnect => Claim::WorkersReconnect,
        ClaimWord::TrustedConnectionsOnly => Claim::TrustedConnectionsOnly,
    }
}

/// What an `expect` or a `hold` is about.
#[derive(Clone, Copy)]
struct Subjects<'a> {
    role: Option<&'a RoleClause>,
    node: Option<&'a NodeClause>,
    endpoint: Option<&'a EndpointClause>,
    workers: Option<&'a WorkersClause>,
    tasks: Option<&'a TasksClause>,
}

/// The subjects of a document that has the five of them as fields.
macro_rules! subjects_of {
    ($document:expr) => {
        Subjects {
            role: $document.role.as_ref(),
            node: $document.node.as_ref(),
            endpoint: $document.endpoint.as_ref(),
            workers: $document.workers.as_ref(),
            tasks: $document.tasks.as_ref(),
        }
    };
}

struct Planner<'a> {
    text: &'a str,
    topology: &'a ResolvedTopology,
    faults: &'a mut Vec<Fault>,
    actions: Vec<PlannedAction>,
    loads: Vec<Load>,
    load_names: Vec<String>,
}

impl Planner<'_> {
    fn line(&self, span: Span) -> u32 {
        Place::of(self.text, span.start).line as u32
    }

    fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    fn check_needs(&mut self, about: &About) {
        for step in &about.guide {
            if !(1..=8).contains(&step.value) {
                self.fault(
                    Fault::new("the guide has steps 1 to 8", step.span).with_label("not a step of the guide"),
                );
            }
        }
        if let Some(row) = about.mistake.filter(|row| !(1..=27).contains(&row.value)) {
            self.fault(
                Fault::new("the table of mistakes has rows 1 to 27", row.span).with_label("not a row"),
            );
        }
        let topology = &self.topology.topology;
        let (nodes, workers) = (topology.nodes.len(), topology.workers.len());
        let needs = about.needs.as_ref();
        let wanted = [
            (needs.and_then(|needs| needs.nodes), nodes, "nodes"),
            (needs.and_then(|needs| needs.workers), workers, "workers"),
        ];
        for (need, there, what) in wanted {
            if let Some(need) = need.filter(|need| need.value > there) {
                let label = format!("topology `{}` has {there}", about.topology.value);
                self.fault(Fault::new(format!("needs {} {what}", need.value), need.span).with_label(label));
            }
        }
    }

    fn assumptions(&mut self, about: &About, origin: &Origin) -> (Assumptions, Vec<Assumption>) {
        let mut assumptions = Assumptions::default();
        let mut settled = Vec::new();
        let own = about.assume.iter().map(|(id, value)| (id, value.value.as_str(), value.span));
        let place = about.topology.span;
        let said = origin.overrides.assume.iter().map(|(id, value)| (id, value.as_str(), place));
        for (id, word, span) in own.chain(said) {
            let Some(assumption) = Assumption::by_id(id) else {
                let known = Assumption::ALL.map(|assumption| assumption.question().id);
                let mut fault = Fault::new(format!("there is no assumption `{id}`"), span);
                fault.hint = nearest::hint(id, known);
                self.fault(fault);
                continue;
            };
            let Some(value) = assumption.value_by_word(word) else {
                let words: Vec<&str> = assumption.question().values.iter().map(|value| value.word).collect();
                let message = format!("`{word}` is no answer to `{id}`");
                let label = format!("expected one of {}", nearest::list(words.iter().copied()));
                self.fault(Fault::new(message, span).with_label(label));
                continue;
            };
            assumptions = assumptions.with(assumption, value);
            settled.push(assumption);
        }
        (assumptions, settled)
    }

    fn given(&mut self, given: &[At<StepDocument>]) {
        for At { span, value } in given {
            if matches!(value, StepDocument::Expect(_) | StepDocument::Hold(_) | StepDocument::Pause(_)) {
                self.fault(
                    Fault::new("`given` only prepares: it waits for nothing", *span)
                        .with_label("belongs under `steps`"),
                );
            } else {
                self.act(value, *span);
            }
        }
    }

    fn steps(&mut self, steps: &[At<StepDocument>]) -> Vec<Step> {
        let mut planned = Vec::new();
        for At { span, value } in steps {
            let line = self.line(*span);
            match value {
                StepDocument::Expect(expect) => {
                    let subjects = subjects_of!(expect);
                    let clauses = self.clauses(subjects, *span);
                    planned.push(Step { kind: StepKind::Expect { within: expect.within.0, clauses }, line });
                }
                StepDocument::Hold(hold) => {
                    let subjects = subjects_of!(hold);
                    let clauses = self.clauses(subjects, *span);
                    planned.push(Step { kind: StepKind::Hold { time: hold.time.0, clauses }, line });
                }
                StepDocument::Pause(pause) => {
                    planned.push(Step { kind: StepKind::Pause(pause.time.0), line });
                }
                StepDocument::MoveRole(_)
                | StepDocument::PowerOff(_)
                | StepDocument::PowerOn(_)
                | StepDocument::KillClusterService(_)
                | StepDocument::Freeze(_)
                | StepDocument::Thaw(_)
                | StepDocument::StopClusterService(_)
                | StepDocument::StartClusterService(_)
                | StepDocument::PauseNode(_)
                | StepDocument::ResumeNode(_)
                | StepDocument::KillService(_)
                | StepDocument::HangService(_)
                | StepDocument::StopService(_)
                | StepDocument::Cut(_)
                | StepDocument::Heal(_)
                | StepDocument::FailResource(_)
                | StepDocument::ReplaceMasterCertificate(_)
                | StepDocument::SetCluster(_)
                | StepDocument::SetWorkers(_)
                | StepDocument::StartExecutions(_) => {
                    let first = self.actions.len();
                    self.act(value, *span);
                    for number in first..self.actions.len() {
                        planned.push(Step { kind: StepKind::Act(ActionNo(number as u16)), line });
                    }
                }
            }
        }
        planned
    }

    /// Adds the actions that a verb stands for: one, or one for each property that it sets.
    fn act(&mut self, document: &StepDocument, span: Span) {
        let line = self.line(span);
        let actions = match document {
            StepDocument::MoveRole(document) => {
                let role = self.topology.role;
                self.node(&document.to).map(|to| Action::MoveRole { role, to }).into_iter().collect()
            }
            StepDocument::PowerOff(document) => self.on(&document.node, |node| Action::PowerOff { node }),
            StepDocument::PowerOn(document) => self.on(&document.node, |node| Action::PowerOn { node }),
            StepDocument::Freeze(document) => self.on(&document.node, |node| Action::Freeze { node }),
            StepDocument::Thaw(document) => self.on(&document.node, |node| Action::Thaw { node }),
            StepDocument::KillClusterService(document) => {
                self.on(&document.node, |node| Action::KillClusterService { node })
            }
            StepDocument::StopClusterService(document) => {
                self.on(&document.node, |node| Action::StopClusterService { node })
            }
            StepDocument::StartClusterService(document) => {
                self.on(&document.node, |node| Action::StartClusterService { node })
            }
            StepDocument::PauseNode(document) => {
                let drain = match document.roles {
                    RolesWord::Stay => Drain::Stay,
                    RolesWord::MoveAway => Drain::Move,
                };
                self.on(&document.node, |node| Action::PauseNode { node, drain })
            }
            StepDocument::ResumeNode(document) => self.on(&document.node, |node| Action::ResumeNode { node }),
            StepDocument::KillService(document) => self.service(document, ServiceAction::Kill),
            StepDocument::HangService(document) => self.service(document, ServiceAction::Hang),
            StepDocument::StopService(document) => self.service(document, ServiceAction::Stop),
            StepDocument::Cut(document) => self.link(document, LinkState::Cut),
            StepDocument::Heal(document) => self.link(document, LinkState::Whole),
            StepDocument::FailResource(document) => self
                .resource(&document.resource)
                .map(|resource| Action::FailResource { resource })
                .into_iter()
                .collect(),
            StepDocument::ReplaceMasterCertificate(document) => {
                match (self.node(&document.node), self.certificate(&document.with)) {
                    (Some(node), Some(with)) => vec![Action::ReplaceMasterCertificate { node, with }],
                    (None, _) | (_, None) => Vec::new(),
                }
            }
            StepDocument::SetCluster(document) => self.set_cluster(document, span),
            StepDocument::SetWorkers(document) => self.set_workers(document, span),
            StepDocument::StartExecutions(document) => self.load(document, span),
            StepDocument::Expect(_) | StepDocument::Hold(_) | StepDocument::Pause(_) => Vec::new(),
        };
        self.actions.extend(actions.into_iter().map(|action| PlannedAction { action, line }));
    }

    fn on(
        &mut self,
        word: &At<String>,
        action: impl Fn(NodeWord) -> Action<NodeWord>,
    ) -> Vec<Action<NodeWord>> {
        self.node(word).map(action).into_iter().collect()
    }

    fn service(&mut self, document: &OnService, what: ServiceAction) -> Vec<Action<NodeWord>> {
        let service = match document.service {
            ServiceWord::Master => Service::Master,
            ServiceWord::SqlServer => Service::SqlServer,
        };
        self.on(&document.node, |node| Action::Service { node, service, what })
    }

    fn link(&mut self, document: &LinkDocument, state: LinkState) -> Vec<Action<NodeWord>> {
        let to = match document.from.value.as_str() {
            "other_nodes" => Some(LinkEnd::OtherNodes),
            "clients" => Some(LinkEnd::Clients),
            "disk" => Some(LinkEnd::Disk),
            "witness" => Some(LinkEnd::Witness),
            _ => self.node(&document.from).map(LinkEnd::Node),
        };
        let ways = match document.ways {
            WaysWord::Both => Ways::Both,
            WaysWord::Out => Ways::Out,
            WaysWord::In => Ways::In,
        };
        match (self.node(&document.node), to) {
            (Some(node), Some(to)) => vec![Action::Link { node, to, state, ways }],
            (None, _) | (_, None) => Vec::new(),
        }
    }

    fn resource(&mut self, name: &At<String>) -> Option<ResourceId> {
        let known = &self.topology.names.resources;
        let found = known.iter().position(|other| *other == name.value);
        if found.is_none() {
            let mut fault = Fault::new(format!("there is no resource `{}`", name.value), name.span)
                .with_label("not in this topology");
            fault.hint = nearest::hint(&name.value, known.iter().map(String::as_str));
            self.fault(fault);
        }
        found.map(|index| ResourceId(index as u16))
    }

    fn set_cluster(&mut self, document: &SetCluster, span: Span) -> Vec<Action<NodeWord>> {
        let mut unused: ClusterProperties = self.topology.topology.cluster.properties.clone();
        set_properties(&mut unused, document, self.faults);
        let set = [
            document.same_subnet_delay.map(|delay| ClusterProperty::SameSubnetDelay(delay.value.0)),
            document.same_subnet_threshold.map(|count| ClusterProperty::SameSubnetThreshold(count.value)),
            document.cross_subnet_delay.map(|delay| ClusterProperty::CrossSubnetDelay(delay.value.0)),
            document.cross_subnet_threshold.map(|count| ClusterProperty::CrossSubnetThreshold(count.value)),
        ];
        let actions: Vec<_> = set.into_iter().flatten().map(Action::SetCluster).collect();
        self.refuse_empty(&actions, span);
        actions
    }

    fn set_workers(&mut self, document: &SetWorkers, span: Span) -> Vec<Action<NodeWord>> {
        if document.which.value != WhichWord::Every {
            let fault = Fault::new("a setting is set on every worker", document.which.span);
            self.fault(fault.with_label("expected `every`"));
        }
        let intervals = [document.agent_heartbeat_interval, document.task_heartbeat_interval];
        for interval in intervals.into_iter().flatten().filter(|interval| interval.value.0.is_zero()) {
            self.fault(Fault::new("an interval must be longer than zero", interval.span).with_label("here"));
        }
        let set = [
            document.max_task_count.map(|count| WorkerSetting::MaxTaskCount(count.value)),
            document.agent_heartbeat_interval.map(|time| WorkerSetting::AgentHeartbeatInterval(time.value.0)),
            document.task_heartbeat_interval.map(|time| WorkerSetting::TaskHeartbeatInterval(time.value.0)),
        ];
        let actions: Vec<_> = set.into_iter().flatten().map(Action::SetWorkers).collect();
        self.refuse_empty(&actions, span);
        actions
    }

    fn refuse_empty(&mut self, actions: &[Action<NodeWord>], span: Span) {
        if actions.is_empty() {
            self.fault(Fault::new("nothing is set", span).with_label("expected at least one property"));
        }
    }

    fn load(&mut self, document: &StartExecutions, span: Span) -> Vec<Action<NodeWord>> {
        if self.load_names.contains(&document.name.value) {
            let message = format!("there are executions `{}` already", document.name.value);
            self.fault(Fault::new(message, document.name.span).with_label("the second of this name"));
        }
        if document.count.value == 0 {
            self.fault(Fault::new("no execution is asked for", document.count.span).with_label("at least 1"));
        }
        let rounds = document.rounds.map_or(1, |rounds| rounds.value);
        let every = document.every.map(|every| every.value.0).unwrap_or_default();
        if rounds == 0 || (rounds > 1 && every.is_zero()) {
            let fault = Fault::new("rounds need a number and a time between them", span);
            self.fault(fault.with_label("`rounds` of at least 1, and `every` longer than zero"));
        }
        let load = LoadId(self.loads.len() as u16);
        self.load_names.push(document.name.value.clone());
        self.loads.push(Load {
            count: document.count.value,
            duration: document.duration.0,
            retry_count: document.retry_count,
            workers: match document.workers {
                LoadWorkersWord::Any => LoadWorkers::Any,
                LoadWorkersWord::EachNamed => LoadWorkers::EachNamed,
            },
            rounds,
            every,
        });
        vec![Action::StartExecutions(load)]
    }

    fn node(&mut self, word: &At<String>) -> Option<NodeWord> {
        if let Some((_, reserved)) = NodeWord::RESERVED.iter().find(|(text, _)| *text == word.value) {
            return Some(*reserved);
        }
        let known = &self.topology.names.nodes;
        let found = known.iter().position(|name| *name == word.value);
        if found.is_none() {
            let reserved = NodeWord::RESERVED.iter().map(|(text, _)| *text);
            let words: Vec<&str> = known.iter().map(String::as_str).chain(reserved).collect();
            let mut fault = Fault::new(format!("there is no node `{}`", word.value), word.span)
                .with_label("not in this topology");
            fault.hint = nearest::hint(&word.value, words.iter().copied())
                .or_else(|| Some(format!("a node is one of {}", nearest::list(words.iter().copied()))));
            self.fault(fault);
        }
        found.map(|index| NodeWord::Named(NodeId(index as u8)))
    }

    fn certificate(&mut self, name: &At<String>) -> Option<CertificateId> {
        let known = &self.topology.names.certificates;
        let found = known.iter().position(|other| *other == name.value);
        if found.is_none() {
            let mut fault = Fault::new(format!("there is no certificate `{}`", name.value), name.span)
                .with_label("not in this topology");
            fault.hint = nearest::hint(&name.value, known.iter().map(String::as_str));
            self.fault(fault);
        }
        found.map(|index| CertificateId(index as u16))
    }

    fn clauses(&mut self, subjects: Subjects<'_>, span: Span) -> Vec<Clause> {
        let Subjects { role, node, endpoint, workers, tasks } = subjects;
        let mut clauses = Vec::new();
        if let Some(role) = role {
            let owner = role.owner.as_ref().and_then(|owner| self.node(owner));
            clauses.push(Clause::Role { state: role.state.map(role_state), owner });
        }
        if let Some(node) = node
            && let Some(word) = self.node(&node.name)
        {
            clauses.push(Clause::Node { node: word, state: node_state(node.state) });
        }
        if let Some(endpoint) = endpoint {
            let served_by = endpoint.served_by.as_ref().and_then(|word| self.node(word));
            let certificate = endpoint.certificate.as_ref().and_then(|name| match name.value.as_str() {
                "pinned" => Some(Presented::Pinned),
                "not_pinned" => Some(Presented::NotPinned),
                _ => self.certificate(name).map(Presented::Named),
            });
            clauses.push(Clause::Endpoint { served_by, certificate });
        }
        if let Some(workers) = workers {
            clauses.extend(self.workers(workers));
        }
        if let Some(tasks) = tasks {
            clauses.extend(self.tasks(tasks));
        }
        let is_empty = role.is_none() && node.is_none() && endpoint.is_none();
        if is_empty && workers.is_none() && tasks.is_none() {
            let fault = Fault::new("nothing is expected", span);
            self.fault(fault.with_label("expected `role`, `node`, `endpoint`, `workers` or `tasks`"));
        }
        clauses
    }

    fn workers(&mut self, clause: &WorkersClause) -> Option<Clause> {
        let refuse = |this: &mut Self, what: &str, span: Span, state: &str| {
            let message = format!("`{what}` says nothing about workers that are not {state}");
            this.fault(Fault::new(message, span).with_label(format!("only with `state: {state}`")));
        };
        let state = clause.state.value;
        if state != WorkerStateWord::Connected {
            if let Some(through) = &clause.through {
                refuse(self, "through", through.span, "connected");
            }
            if let Some(served_by) = &clause.served_by {
                refuse(self, "served_by", served_by.span, "connected");
            }
        }
        if let Some(error) = clause.error.as_ref().filter(|_| state != WorkerStateWord::Refused) {
            refuse(self, "error", error.span, "refused");
        }
        let state = match state {
            WorkerStateWord::Connected => WorkerClause::Connected {
                through: clause.through.as_ref().map(|through| match through.value {
                    ThroughWord::NetworkName => Through::NetworkName,
                    ThroughWord::NodeName => Through::NodeName,
                }),
                served_by: match &clause.served_by {
                    Some(word) => Some(self.node(word)?),
                    None => None,
                },
            },
            WorkerStateWord::Disconnected => WorkerClause::Disconnected,
            WorkerStateWord::Refused => {
                WorkerClause::Refused { error: clause.error.as_ref().map(|error| error_family(error.value)) }
            }
        };
        Some(Clause::Workers { which: which(clause.which), state })
    }

    fn tasks(&mut self, clause: &TasksClause) -> Option<Clause> {
        let found = self.load_names.iter().position(|name| *name == clause.of.value);
        let Some(index) = found else {
            let mut fault =
                Fault::new(format!("there are no executions `{}`", clause.of.value), clause.of.span)
                    .with_label("not started before this step");
            fault.hint = nearest::hint(&clause.of.value, self.load_names.iter().map(String::as_str));
            self.fault(fault);
            return None;
        };
        Some(Clause::Tasks {
            of: LoadId(index as u16),
            which: which(clause.which),
            state: clause.state.map(task_state),
            executed_count: clause.executed_count,
        })
    }
}

const fn which(word: WhichWord) -> Which {
    match word {
        WhichWord::Every => Which::Every,
        WhichWord::Any => Which::Any,
        WhichWord::None => Which::None,
    }
}

const fn role_state(word: RoleStateWord) -> RoleState {
    match word {
        RoleStateWord::Online => RoleState::Online,
        RoleStateWord::Offline => RoleState::Offline,
        RoleStateWord::Failed => RoleState::Failed,
        RoleStateWord::PartialOnline => RoleState::PartialOnline,
        RoleStateWord::Pending => RoleState::Pending,
    }
}

const fn node_state(word: NodeStateWord) -> NodeState {
    match word {
        NodeStateWord::Up => NodeState::Up,
        NodeStateWord::Down => NodeState::Down,
        NodeStateWord::Paused => NodeState::Paused,
        NodeStateWord::Joining => NodeState::Joining,
    }
}

const fn error_family(word: ErrorWord) -> ErrorFamily {
    match word {
        ErrorWord::EndpointNotFound => ErrorFamily::EndpointNotFound,
        ErrorWord::TrustRelationship => ErrorFamily::TrustRelationship,
        ErrorWord::SecureChannel => ErrorFamily::SecureChannel,
        ErrorWord::Forbidden => ErrorFamily::Forbidden,
        ErrorWord::HttpRequest => ErrorFamily::HttpRequest,
    }
}

const fn task_state(word: TaskStateWord) -> TaskState {
    match word {
        TaskStateWord::Ready => TaskState::Ready,
        TaskStateWord::HandedOut => TaskState::HandedOut,
        TaskStateWord::Running => TaskState::Running,
        TaskStateWord::Failed => TaskState::Failed,
        TaskStateWord::Succeeded => TaskState::Succeeded,
    }
}
