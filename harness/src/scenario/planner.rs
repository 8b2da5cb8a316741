//! How do a scenario file and a topology file become a plan?
//!
//! Parse, don't validate: after this no name is unknown and no value out of range. All mistakes of both files come back
//! at once.

use std::collections::BTreeMap;
use std::path::Path;

use failover_sim::action::{
    Action, AgentAction, ClusterProperty, Drain, LinkEnd, LinkQuality, LinkState, Load, LoadWorkers, Part,
    Service, ServiceAction, StartQuorum, Ways, WorkerSetting,
};
use failover_sim::assumption::{Assumption, Assumptions};
use failover_sim::cluster::{ClusterProperties, ResourceKind};
use failover_sim::names::{ActionNo, CertificateId, LoadId, NodeId, ResourceId, RoleId, StepNo, WorkerId};
use failover_sim::observe::{
    ErrorFamily, ExecutionLog, ExecutionStatus, NodeState, NodeStatus, RoleState, TaskState,
};
use failover_sim::step::Shared;
use failover_sim::topology::{Program, Topology};

use crate::check::{Claim, ReconnectTime};
use crate::plan::{
    Clause, Family, HoldWhile, NodeWord, Order, Origin, Plan, PlannedAction, Presented, Sometimes, Step,
    StepKind, Through, Which, WorkerClause,
};

use super::answer::answer;
use super::based_on::{first_of_base, told_apart, whole};
use super::diagnostic::{Diagnostics, Fault, Place};
use super::document::{
    About, AfterWord, CaseDocument, ChangeNode, ClaimDocument, ClaimWord, DegradeDocument, EndpointClause,
    ErrorWord, ExecutionWord, ExploreDocument, Hold, LinkDocument, LoadWorkersWord, MessagesWord, NodeClause,
    NodeStateWord, NodeStatusWord, NodesClause, Nothing, OnResource, OnService, OnWorker, OrderWord, PARTS,
    PossibleOwner, QuarantineWord, QuorumWord, ReconnectTimeDocument, ReportsClause, RoleClause,
    RoleStateWord, RolesWord, ServiceWord, SetCluster, SetWorkers, SometimesWord, StartExecutions,
    StepDocument, TaskStateWord, TasksClause, ThroughWord, WaysWord, WhichWord, WorkerStateWord,
    WorkersClause,
};
use super::files::fill;
use super::nearest;
use super::node_changes::changes;
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

/// Makes a plan, or shows everything that is wrong in the scenario and in the topology. Of a scenario with cases it is
/// the one that `origin` names, or the first.
///
/// # Errors
/// The mistakes, file by file.
pub fn plan(name: &str, origin: &Origin, seed: u64) -> Result<Plan, Vec<Diagnostics>> {
    let plans = plans(name, origin, seed)?;
    let case = &origin.overrides.case;
    let found = plans.into_iter().find(|plan| case.is_none() || plan.origin.overrides.case == *case);
    found.ok_or_else(|| {
        let case = case.as_deref().unwrap_or_default();
        let fault = Fault::new(format!("there is no case `{case}`"), Span::default());
        vec![diagnostics(&origin.scenario_file, &origin.scenario_text, vec![fault])]
    })
}

/// Makes one plan for each case of a scenario, or the only one, or shows everything that is wrong in the scenario and in
/// the topology.
///
/// # Errors
/// The mistakes, file by file.
pub fn plans(name: &str, origin: &Origin, seed: u64) -> Result<Vec<Plan>, Vec<Diagnostics>> {
    let mut topology_faults = Vec::new();
    let mut topology = || {
        whole(origin)
            .map_err(|found| topology_faults.extend(found))
            .ok()
            .and_then(|mut tree| {
                fill(&mut tree, &origin.files, first_of_base(&origin.topology_text), &mut topology_faults);
                resolve(&tree, &origin.overrides, &mut topology_faults)
            })
            .map(|mut resolved| {
                start_in(&mut resolved.topology, &origin.topology_file);
                resolved
            })
    };
    let mut faults = Vec::new();
    let plans = scenario(name, origin, seed, &mut topology, &mut faults);
    if let Some(mut plans) = plans.filter(|_| faults.is_empty() && topology_faults.is_empty()) {
        if let Some(patience) = origin.overrides.patience {
            plans.iter_mut().for_each(|plan| be_patient(plan, patience));
        }
        return Ok(plans);
    }
    let own = (!faults.is_empty()).then(|| diagnostics(&origin.scenario_file, &origin.scenario_text, faults));
    Err(own.into_iter().chain(told_apart(origin, topology_faults)).collect())
}

/// Gives every step more time; no claim.
fn be_patient(plan: &mut Plan, patience: u32) {
    for step in &mut plan.steps {
        if let StepKind::Expect { within, .. } = &mut step.kind {
            *within *= patience;
        }
    }
}

/// Programs of workers are started in the folder of their topology.
fn start_in(topology: &mut Topology, file: &str) {
    let folder = Path::new(file).parent().unwrap_or_else(|| Path::new(""));
    for program in topology.workers.iter_mut().filter_map(|worker| worker.program.as_mut()) {
        *program = Shared::new(Program { command: program.command.clone(), folder: folder.to_owned() });
    }
}

fn diagnostics(file: &str, text: &str, faults: Vec<Fault>) -> Diagnostics {
    Diagnostics::new(file, text, faults)
}

/// What could be better in a scenario that is right: a `pause` waits for nothing that anybody could see.
///
/// One warning a file, at its first pause: who wrote ten of them knows why.
pub fn warnings(file: &str, text: &str) -> Diagnostics {
    fn look(steps: &[At<StepDocument>], pauses: &mut Vec<Span>) {
        for At { span, value } in steps {
            if matches!(value, StepDocument::Pause(_)) {
                pauses.push(*span);
            } else if let StepDocument::Hold(hold) = value {
                look(hold.steps.as_deref().unwrap_or_default(), pauses);
            }
        }
    }
    let mut pauses = Vec::new();
    // Mistakes are told by those who plan it.
    let mut mistakes = Vec::new();
    if let Ok(tree) = parse_one(text) {
        let parts = split(&tree, PARTS, &mut mistakes);
        look(&parts.read_each::<StepDocument>("steps", &mut mistakes), &mut pauses);
        for case in parts.read_each::<CaseDocument>("cases", &mut mistakes) {
            look(&case.value.then, &mut pauses);
        }
    }
    let told = match pauses.len() {
        ..=1 => "`pause` waits without looking".to_owned(),
        count => format!("`pause` waits without looking, {count} times in this file"),
    };
    let warning = |span: &Span| {
        Fault::new(told, *span)
            .with_label("slow where it is too long, and wrong where it is too short")
            .with_hint(
                "`expect` with `within` waits until something is true, `hold` says what stays true meanwhile",
            )
    };
    let faults = pauses.first().map(warning).into_iter().collect();
    diagnostics(file, text, faults)
}

/// The parts of a scenario, read.
struct Parts {
    proves: String,
    about: About,
    given: Vec<At<StepDocument>>,
    steps: Vec<At<StepDocument>>,
    claims: Vec<At<ClaimDocument>>,
    breaks: Vec<At<ClaimWord>>,
    explore: Option<ExploreDocument>,
}

fn scenario(
    name: &str,
    origin: &Origin,
    seed: u64,
    topology: &mut dyn FnMut() -> Option<ResolvedTopology>,
    faults: &mut Vec<Fault>,
) -> Option<Vec<Plan>> {
    let found = topology();
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
    let cases = parts.read_each::<CaseDocument>("cases", faults);
    let claims = parts.read_each::<ClaimDocument>("claims", faults);
    let breaks = parts.read_each::<ClaimWord>("breaks", faults);
    let explore = parts.read::<ExploreDocument>("explore", faults).map(|explore| explore.value);
    refuse_bad_cases(&cases, faults);
    let mut found = Some(found?);
    let parts = Parts { proves: proves?.value, about: about?.value, given, steps, claims, breaks, explore };
    // One plan without a case, or one for each case.
    let cases: Vec<Option<&CaseDocument>> = match &cases[..] {
        [] => vec![None],
        cases => cases.iter().map(|case| Some(&case.value)).collect(),
    };
    let mut plans = Vec::with_capacity(cases.len());
    for case in cases {
        let topology = found.take().or_else(&mut *topology)?;
        plans.push(one_plan(name, origin, seed, topology, &parts, case, faults));
    }
    Some(plans)
}

fn one_plan(
    name: &str,
    origin: &Origin,
    seed: u64,
    topology: ResolvedTopology,
    parts: &Parts,
    case: Option<&CaseDocument>,
    faults: &mut Vec<Fault>,
) -> Plan {
    let about = &parts.about;
    let mut planner = Planner {
        text: &origin.scenario_text,
        topology: &topology,
        faults,
        actions: Vec::new(),
        loads: Vec::new(),
        load_names: Vec::new(),
        holds: Vec::new(),
        faults_over: None,
        any: None,
        said_any: false,
    };
    planner.check_needs(about);
    let (assumptions, settled, possible) = planner.assumptions(about, case, origin);
    planner.given(&parts.given);
    let given = planner.actions.len();
    let mut steps = Vec::new();
    planner.steps(&parts.steps, &mut steps);
    planner.steps(case.map_or(&[], |case| &case.then), &mut steps);
    let claims = planner.claims(&parts.claims);
    let of_case = case.map_or(&[][..], |case| &case.breaks);
    let breaks = planner.breaks(parts.breaks.iter().chain(of_case), &claims);
    let family = parts.explore.as_ref().map(|explore| planner.family(explore));
    let Planner { actions, loads, load_names, holds, faults_over, .. } = planner;
    let ResolvedTopology { topology, mut names, role, master, network_name } = topology;
    names.loads = load_names;
    let mut origin = origin.clone();
    origin.overrides.case = case.map(|case| case.case.value.clone());
    Plan {
        name: case.map_or_else(|| name.to_owned(), |case| format!("{name}[{}]", case.case.value)),
        origin,
        proves: parts.proves.clone(),
        guide: about.guide.iter().map(|step| step.value).collect(),
        seed,
        fixed: BTreeMap::new(),
        assumptions,
        settled,
        possible,
        names,
        topology: Shared::new(topology),
        role,
        master,
        network_name,
        loads,
        actions,
        given,
        steps,
        holds,
        claims,
        breaks,
        faults_over,
        family,
    }
}

fn refuse_bad_cases(cases: &[At<CaseDocument>], faults: &mut Vec<Fault>) {
    for (index, At { value: case, .. }) in cases.iter().enumerate() {
        let name = &case.case;
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.value.is_empty() || !name.value.chars().all(is_plain) {
            let message = format!("`{}` cannot be the name of a case", name.value);
            faults.push(Fault::new(message, name.span).with_label("expected small letters, digits and `_`"));
        }
        if let Some(first) = cases[..index].iter().find(|other| other.value.case.value == name.value) {
            let message = format!("the case `{}` is there twice", name.value);
            let fault = Fault::new(message, name.span).with_label("the second");
            faults.push(fault.with_also(first.value.case.span, "the first"));
        }
    }
}

/// What an `expect` or a `hold` is about.
#[derive(Clone, Copy)]
struct Subjects<'a> {
    role: Option<&'a RoleClause>,
    node: Option<&'a NodeClause>,
    nodes: Option<&'a NodesClause>,
    endpoint: Option<&'a EndpointClause>,
    workers: Option<&'a WorkersClause>,
    tasks: Option<&'a TasksClause>,
    reports: Option<&'a ReportsClause>,
}

const fn service_of(word: ServiceWord) -> Service {
    match word {
        ServiceWord::Master => Service::Master,
        ServiceWord::SqlServer => Service::SqlServer,
    }
}

/// The subjects of a document that has all of them as fields.
macro_rules! subjects_of {
    ($document:expr) => {
        Subjects {
            role: $document.role.as_ref(),
            node: $document.node.as_ref(),
            nodes: $document.nodes.as_ref(),
            endpoint: $document.endpoint.as_ref(),
            workers: $document.workers.as_ref(),
            tasks: $document.tasks.as_ref(),
            reports: $document.reports.as_ref(),
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
    holds: Vec<HoldWhile>,
    faults_over: Option<StepNo>,
    /// The node that `any` stands for, where it may stand.
    any: Option<NodeId>,
    said_any: bool,
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

    /// The answers of the scenario, of the command line, and of the case: the later ones win. Where nobody says one, those
    /// that a lab has given are possible.
    fn assumptions(
        &mut self,
        about: &About,
        case: Option<&CaseDocument>,
        origin: &Origin,
    ) -> (Assumptions, Vec<Assumption>, BTreeMap<Assumption, Vec<usize>>) {
        let mut assumptions = Assumptions::default();
        let mut settled = Vec::new();
        let own = about.assume.iter().map(|(id, value)| (id, value.value.as_str(), value.span));
        let place = about.topology.span;
        let said = origin.overrides.assume.iter().map(|(id, value)| (id, value.as_str(), place));
        let of_case = case.into_iter().flat_map(|case| &case.assume);
        for (id, value) in of_case.clone() {
            if let Some(other) = about.assume.get(id) {
                let fault = Fault::new(format!("`{id}` is taken for granted twice"), value.span);
                self.fault(fault.with_label("in this case").with_also(other.span, "in `about`"));
            }
        }
        let of_case = of_case.map(|(id, value)| (id, value.value.as_str(), value.span));
        for (id, word, span) in own.chain(said).chain(of_case) {
            match answer(id, word, (span, span)) {
                Ok((assumption, value)) => {
                    assumptions = assumptions.with(assumption, value);
                    settled.push(assumption);
                }
                Err(fault) => self.fault(fault),
            }
        }
        let mut possible = BTreeMap::new();
        // What somebody says is more than what a lab has said.
        for (&assumption, answers) in &origin.overrides.learned.answers {
            if let Some(&first) = answers.first().filter(|_| !settled.contains(&assumption)) {
                let own = assumptions.value(assumption);
                assumptions = assumptions.with(assumption, if answers.contains(&own) { own } else { first });
                possible.insert(assumption, answers.clone());
            }
        }
        (assumptions, settled, possible)
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

    /// Appends what these steps come to.
    fn steps(&mut self, steps: &[At<StepDocument>], planned: &mut Vec<Step>) {
        for At { span, value } in steps {
            let line = self.line(*span);
            match value {
                StepDocument::Expect(expect) => {
                    let subjects = subjects_of!(expect);
                    let clauses = self.clauses(subjects, *span);
                    if matches!(expect.after, Some(AfterWord::Faults))
                        && self.faults_over.replace(StepNo(planned.len() as u16)).is_some()
                    {
                        let fault = Fault::new("the faults are over twice", *span);
                        self.fault(fault.with_label("the second step `after: faults`"));
                    }
                    planned.push(Step { kind: StepKind::Expect { within: expect.within.0, clauses }, line });
                }
                StepDocument::Hold(hold) => self.hold(hold, *span, planned),
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
                | StepDocument::ShutDown(_)
                | StepDocument::RestartNode(_)
                | StepDocument::StopResource(_)
                | StepDocument::StartResource(_)
                | StepDocument::StopRole(_)
                | StepDocument::StartRole(_)
                | StepDocument::FailWitness(_)
                | StepDocument::RestoreWitness(_)
                | StepDocument::DisableService(_)
                | StepDocument::EnableService(_)
                | StepDocument::DisableAdapter(_)
                | StepDocument::EnableAdapter(_)
                | StepDocument::DuplicateAddress(_)
                | StepDocument::FreeAddress(_)
                | StepDocument::FailDns(_)
                | StepDocument::RestoreDns(_)
                | StepDocument::RefuseDnsUpdates(_)
                | StepDocument::AcceptDnsUpdates(_)
                | StepDocument::FailDirectory(_)
                | StepDocument::RestoreDirectory(_)
                | StepDocument::IgnoreAnnouncements(_)
                | StepDocument::HeedAnnouncements(_)
                | StepDocument::PauseNode(_)
                | StepDocument::ResumeNode(_)
                | StepDocument::RemovePossibleOwner(_)
                | StepDocument::RestorePossibleOwner(_)
                | StepDocument::KillService(_)
                | StepDocument::HangService(_)
                | StepDocument::StopService(_)
                | StepDocument::StartService(_)
                | StepDocument::KillWorker(_)
                | StepDocument::HangWorker(_)
                | StepDocument::StopWorker(_)
                | StepDocument::StartWorker(_)
                | StepDocument::EnableWorker(_)
                | StepDocument::DisableWorker(_)
                | StepDocument::DeleteWorker(_)
                | StepDocument::Cut(_)
                | StepDocument::Heal(_)
                | StepDocument::Degrade(_)
                | StepDocument::FailResource(_)
                | StepDocument::DeadlockResource(_)
                | StepDocument::ReplaceMasterCertificate(_)
                | StepDocument::ChangeNode(_)
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
    }

    /// What an exploration may change and add.
    fn family(&mut self, document: &ExploreDocument) -> Family {
        let own = self.actions.len();
        for At { span, value } in &document.faults {
            if matches!(
                value,
                StepDocument::Expect(_)
                    | StepDocument::Hold(_)
                    | StepDocument::Pause(_)
                    | StepDocument::StartExecutions(_)
            ) {
                let fault = Fault::new("this is no fault", *span);
                self.fault(fault.with_label("belongs under `steps`"));
                continue;
            }
            let mistakes = self.faults.len();
            for index in 0..self.topology.topology.nodes.len() {
                self.any = Some(NodeId(index as u8));
                self.said_any = false;
                self.act(value, *span);
                // The same mistake is not told once for each node.
                if !self.said_any || self.faults.len() > mistakes {
                    break;
                }
            }
            self.any = None;
        }
        let faults = self.actions.split_off(own);
        let At { span, value: at_most } = document.at_most;
        if !(1..=50).contains(&at_most) {
            let fault = Fault::new("a run has 1 to 50 faults", span);
            self.fault(fault.with_label("out of its limits"));
        }
        if document.survives.value > at_most {
            let fault = Fault::new("more faults are survived than there are", document.survives.span);
            self.fault(fault.with_label("greater than `at_most`"));
        }
        if document.within.value.0.is_zero() {
            let fault = Fault::new("no fault fits into no time", document.within.span);
            self.fault(fault.with_label("longer than zero"));
        }
        Family {
            faults,
            at_most,
            within: document.within.value.0,
            survives: document.survives.value,
            order: match document.order {
                OrderWord::Kept => Order::Kept,
                OrderWord::Any => Order::Any,
            },
            sometimes: document.sometimes.iter().copied().map(sometimes).collect(),
        }
    }

    fn hold(&mut self, hold: &Hold, span: Span, planned: &mut Vec<Step>) {
        let line = self.line(span);
        let subjects = subjects_of!(hold);
        let clauses = self.clauses(subjects, span);
        match (hold.time, &hold.steps) {
            (Some(time), None) => planned.push(Step { kind: StepKind::Hold { time: time.0, clauses }, line }),
            (None, Some(steps)) => {
                let first = planned.len();
                self.steps(steps, planned);
                if steps.is_empty() {
                    self.fault(Fault::new("no step runs while this holds", span).with_label("here"));
                } else if planned.len() > first {
                    let (first, last) = (StepNo(first as u16), StepNo(planned.len() as u16 - 1));
                    self.holds.push(HoldWhile { clauses, first, last, line });
                }
            }
            (None, None) | (Some(_), Some(_)) => {
                let fault = Fault::new("`hold` needs either `for` or `while`", span);
                self.fault(fault.with_label("`for` a time, or `while` steps run"));
            }
        }
    }

    /// The claims that are always judged, and those that the scenario adds.
    fn claims(&mut self, documents: &[At<ClaimDocument>]) -> Vec<Claim> {
        let has_loads = !self.loads.is_empty();
        let mut claims: Vec<Claim> =
            Claim::ALL.into_iter().filter(|claim| has_loads || !claim.is_about_tasks()).collect();
        for At { value, span } in documents {
            let claim = match value {
                ClaimDocument::ReconnectTime(document) => Claim::ReconnectTime(self.limit(document)),
                ClaimDocument::FailoversStayWithinTheThreshold(Nothing {}) => Claim::FailoversWithinThreshold,
                ClaimDocument::PausedNodesGetNoRole(Nothing {}) => Claim::PausedNodesGetNoRole,
                ClaimDocument::LostNodesAreQuarantined(Nothing {}) => Claim::LostNodesAreQuarantined,
                ClaimDocument::DependentsGoDown(Nothing {}) => Claim::DependentsGoDown,
                ClaimDocument::NodesWithoutAVoteDoNotServeAlone(Nothing {}) => Claim::VotesDecide,
                ClaimDocument::ReplicasLeftBehindDoNotServe(Nothing {}) => Claim::ReplicasLeftBehind,
                ClaimDocument::TasksStayWithinTheirRetries(Nothing {}) => Claim::TasksWithinRetries,
                ClaimDocument::DisabledWorkersGetNoTask(Nothing {}) => Claim::DisabledWorkersGetNoTask,
                ClaimDocument::NobodyWorksWithoutSsisdb(Nothing {}) => Claim::NobodyWorksWithoutSsisdb,
            };
            if claims.contains(&claim) {
                let message = format!("`{}` is there twice", claim.word());
                self.fault(Fault::new(message, *span).with_label("the second"));
            } else {
                claims.push(claim);
            }
        }
        claims
    }

    fn limit(&mut self, document: &ReconnectTimeDocument) -> ReconnectTime {
        let ReconnectTimeDocument { percentile, at_most } = document;
        if !(1..=100).contains(&percentile.value) {
            let fault = Fault::new("a percentile is a number from 1 to 100", percentile.span);
            self.fault(fault.with_label("out of its limits"));
        }
        if at_most.value.0.is_zero() {
            self.fault(Fault::new("no outage is over at once", at_most.span).with_label("at least `1ms`"));
        }
        ReconnectTime { percentile: percentile.value, at_most: at_most.value.0 }
    }

    /// The claims that must turn out false: each of them is among those that are judged.
    fn breaks<'d>(&mut self, words: impl Iterator<Item = &'d At<ClaimWord>>, claims: &[Claim]) -> Vec<Claim> {
        let mut breaks = Vec::new();
        for At { span, value } in words {
            let before = breaks.len();
            breaks.extend(claims.iter().filter(|claim| claim.word() == claim_word(*value)));
            if breaks.len() == before {
                let message = format!("`{}` is not judged in this scenario", claim_word(*value));
                let label = match value {
                    ClaimWord::NoTaskRunsTwiceAtOnce
                    | ClaimWord::NoTaskIsLost
                    | ClaimWord::NoWorkerIsEnabledAgain => "no executions are started",
                    ClaimWord::FailoversStayWithinTheThreshold
                    | ClaimWord::PausedNodesGetNoRole
                    | ClaimWord::LostNodesAreQuarantined
                    | ClaimWord::DependentsGoDown
                    | ClaimWord::NodesWithoutAVoteDoNotServeAlone
                    | ClaimWord::ReplicasLeftBehindDoNotServe
                    | ClaimWord::TasksStayWithinTheirRetries
                    | ClaimWord::DisabledWorkersGetNoTask
                    | ClaimWord::NobodyWorksWithoutSsisdb
                    | ClaimWord::ReconnectTime => "not among its `claims`",
                    ClaimWord::AtMostOneNodeServes
                    | ClaimWord::WorkersReconnect
                    | ClaimWord::TrustedConnectionsOnly
                    | ClaimWord::WorkersUseTheNetworkName => "not judged",
                };
                self.fault(Fault::new(message, *span).with_label(label));
            }
        }
        breaks
    }

    /// Adds the actions that a verb stands for: one, or one for each property that it sets.
    fn act(&mut self, document: &StepDocument, span: Span) {
        let line = self.line(span);
        let actions = match document {
            StepDocument::MoveRole(document) => {
                match (self.role(document.role.as_ref()), self.node(&document.to)) {
                    (Some(role), Some(to)) => vec![Action::MoveRole { role, to }],
                    (None, _) | (_, None) => Vec::new(),
                }
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
                let quorum = match document.quorum {
                    QuorumWord::Normal => StartQuorum::Normal,
                    QuorumWord::Force => StartQuorum::Force,
                    QuorumWord::Prevent => StartQuorum::Prevent,
                };
                let clear_quarantine = match document.quarantine {
                    QuarantineWord::Stays => false,
                    QuarantineWord::Cleared => true,
                };
                self.on(&document.node, |node| Action::StartClusterService { node, quorum, clear_quarantine })
            }
            StepDocument::ShutDown(document) => self.on(&document.node, |node| Action::ShutDown { node }),
            StepDocument::RestartNode(document) => {
                self.on(&document.node, |node| Action::RestartNode { node })
            }
            StepDocument::StopRole(Nothing {}) => {
                vec![Action::Role { role: self.topology.role, online: false }]
            }
            StepDocument::StartRole(Nothing {}) => {
                vec![Action::Role { role: self.topology.role, online: true }]
            }
            StepDocument::FailWitness(Nothing {}) => self.witness(false, span),
            StepDocument::RestoreWitness(Nothing {}) => self.witness(true, span),
            StepDocument::DisableService(document) => self.service_start(document, false),
            StepDocument::EnableService(document) => self.service_start(document, true),
            StepDocument::DisableAdapter(document) => self
                .on(&document.node, |node| Action::Surroundings { part: Part::Adapter(node), works: false }),
            StepDocument::EnableAdapter(document) => self
                .on(&document.node, |node| Action::Surroundings { part: Part::Adapter(node), works: true }),
            StepDocument::DuplicateAddress(document) => self.address(document, false),
            StepDocument::FreeAddress(document) => self.address(document, true),
            StepDocument::FailDns(Nothing {}) => vec![surroundings(Part::Dns, false)],
            StepDocument::RestoreDns(Nothing {}) => vec![surroundings(Part::Dns, true)],
            StepDocument::RefuseDnsUpdates(Nothing {}) => vec![surroundings(Part::DnsUpdates, false)],
            StepDocument::AcceptDnsUpdates(Nothing {}) => vec![surroundings(Part::DnsUpdates, true)],
            StepDocument::FailDirectory(Nothing {}) => vec![surroundings(Part::Directory, false)],
            StepDocument::RestoreDirectory(Nothing {}) => vec![surroundings(Part::Directory, true)],
            StepDocument::IgnoreAnnouncements(Nothing {}) => vec![surroundings(Part::Announcements, false)],
            StepDocument::HeedAnnouncements(Nothing {}) => vec![surroundings(Part::Announcements, true)],
            StepDocument::PauseNode(document) => {
                let drain = match document.roles {
                    RolesWord::Stay => Drain::Stay,
                    RolesWord::MoveAway => Drain::Move,
                };
                self.on(&document.node, |node| Action::PauseNode { node, drain })
            }
            StepDocument::ResumeNode(document) => self.on(&document.node, |node| Action::ResumeNode { node }),
            StepDocument::RemovePossibleOwner(document) => self.possible_owner(document, false),
            StepDocument::RestorePossibleOwner(document) => self.possible_owner(document, true),
            StepDocument::KillService(document) => self.service(document, ServiceAction::Kill),
            StepDocument::HangService(document) => self.service(document, ServiceAction::Hang),
            StepDocument::StopService(document) => self.service(document, ServiceAction::Stop),
            StepDocument::StartService(document) => self.service(document, ServiceAction::Start),
            StepDocument::KillWorker(document) => self.worker_service(document, ServiceAction::Kill),
            StepDocument::HangWorker(document) => self.worker_service(document, ServiceAction::Hang),
            StepDocument::StopWorker(document) => self.worker_service(document, ServiceAction::Stop),
            StepDocument::StartWorker(document) => self.worker_service(document, ServiceAction::Start),
            StepDocument::EnableWorker(document) => self.worker_agent(document, AgentAction::Enable),
            StepDocument::DisableWorker(document) => self.worker_agent(document, AgentAction::Disable),
            StepDocument::DeleteWorker(document) => self.worker_agent(document, AgentAction::Delete),
            StepDocument::Cut(document) => self.link(document, LinkState::Cut),
            StepDocument::Heal(document) => self.link(document, LinkState::Whole),
            StepDocument::Degrade(document) => self.degrade(document, span),
            StepDocument::StopResource(document) => self
                .resource(&document.resource)
                .map(|resource| Action::Resource { resource, online: false })
                .into_iter()
                .collect(),
            StepDocument::StartResource(document) => self
                .resource(&document.resource)
                .map(|resource| Action::Resource { resource, online: true })
                .into_iter()
                .collect(),
            StepDocument::FailResource(document) => self
                .resource(&document.resource)
                .map(|resource| Action::FailResource { resource })
                .into_iter()
                .collect(),
            StepDocument::DeadlockResource(document) => self
                .resource(&document.resource)
                .map(|resource| Action::DeadlockResource { resource })
                .into_iter()
                .collect(),
            StepDocument::ReplaceMasterCertificate(document) => {
                match (self.node(&document.node), self.certificate(&document.with)) {
                    (Some(node), Some(with)) => vec![Action::ReplaceMasterCertificate { node, with }],
                    (None, _) | (_, None) => Vec::new(),
                }
            }
            StepDocument::ChangeNode(document) => self.change_node(document, span),
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

    fn witness(&mut self, works: bool, span: Span) -> Vec<Action<NodeWord>> {
        if self.topology.topology.cluster.witness.is_none() {
            let fault = Fault::new("the cluster has no witness", span);
            self.fault(fault.with_label("not in this topology"));
        }
        vec![Action::Surroundings { part: Part::Witness, works }]
    }

    fn service_start(&mut self, document: &OnService, works: bool) -> Vec<Action<NodeWord>> {
        let service = service_of(document.service);
        self.on(&document.node, |node| {
            let part = Part::ServiceStart { node, service };
            Action::Surroundings { part, works }
        })
    }

    fn address(&mut self, document: &OnResource, works: bool) -> Vec<Action<NodeWord>> {
        let Some(resource) = self.resource(&document.resource) else { return Vec::new() };
        let kind = self.topology.topology.cluster.resources[resource.index()].kind;
        if !matches!(kind, ResourceKind::IpAddress(_)) {
            let fault =
                Fault::new(format!("`{}` is no IP address", document.resource.value), document.resource.span);
            self.fault(fault.with_label("expected a resource of the type `ip_address`"));
        }
        vec![Action::Surroundings { part: Part::Address(resource), works }]
    }

    fn service(&mut self, document: &OnService, what: ServiceAction) -> Vec<Action<NodeWord>> {
        let service = service_of(document.service);
        self.on(&document.node, |node| Action::Service { node, service, what })
    }

    fn worker_service(&mut self, document: &OnWorker, what: ServiceAction) -> Vec<Action<NodeWord>> {
        let worker = self.worker(&document.worker);
        worker.map(|worker| Action::WorkerService { worker, what }).into_iter().collect()
    }

    fn worker_agent(&mut self, document: &OnWorker, what: AgentAction) -> Vec<Action<NodeWord>> {
        let worker = self.worker(&document.worker);
        worker.map(|worker| Action::WorkerAgent { worker, what }).into_iter().collect()
    }

    fn possible_owner(&mut self, document: &PossibleOwner, may: bool) -> Vec<Action<NodeWord>> {
        match (self.role(document.role.as_ref()), self.node(&document.node)) {
            (Some(role), Some(node)) => vec![Action::PossibleOwner { role, node, may }],
            (None, _) | (_, None) => Vec::new(),
        }
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

    fn degrade(&mut self, document: &DegradeDocument, span: Span) -> Vec<Action<NodeWord>> {
        let DegradeDocument { node, delay, loss } = document;
        if let Some(loss) = loss.as_ref().filter(|loss| !(1..=100).contains(&loss.value)) {
            let fault = Fault::new("a loss is a number from 1 to 100", loss.span);
            self.fault(fault.with_label("packets in a hundred"));
        }
        let quality = LinkQuality {
            delay: delay.as_ref().map_or_else(Default::default, |delay| delay.value.0),
            loss: loss.as_ref().map_or(0, |loss| loss.value),
        };
        if quality == LinkQuality::default() {
            let fault = Fault::new("`degrade` needs a `delay`, a `loss`, or both", span);
            self.fault(fault.with_label("nothing would change"));
        }
        self.on(node, |node| Action::Degrade { node, quality })
    }

    /// The role of this name; that of the master where none is said.
    fn role(&mut self, name: Option<&At<String>>) -> Option<RoleId> {
        let Some(name) = name else { return Some(self.topology.role) };
        let known = &self.topology.names.roles;
        let found = known.iter().position(|other| *other == name.value);
        if found.is_none() {
            let mut fault = Fault::new(format!("there is no role `{}`", name.value), name.span)
                .with_label("not in this topology");
            fault.hint = nearest::hint(&name.value, known.iter().map(String::as_str));
            self.fault(fault);
        }
        found.map(|index| RoleId(index as u8))
    }

    fn worker(&mut self, name: &At<String>) -> Option<WorkerId> {
        let known = &self.topology.names.workers;
        let found = known.iter().position(|other| *other == name.value);
        if found.is_none() {
            let mut fault = Fault::new(format!("there is no worker `{}`", name.value), name.span)
                .with_label("not in this topology");
            fault.hint = nearest::hint(&name.value, known.iter().map(String::as_str));
            self.fault(fault);
        }
        found.map(|index| WorkerId(index as u32))
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
            document.quarantine_threshold.map(|count| ClusterProperty::QuarantineThreshold(count.value)),
            document.quarantine_duration.map(|time| ClusterProperty::QuarantineDuration(time.value.0)),
            document.resiliency_level.map(|level| ClusterProperty::ResiliencyLevel(level.value.into())),
            document
                .resiliency_default_period
                .map(|time| ClusterProperty::ResiliencyDefaultPeriod(time.value.0)),
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

    fn change_node(&mut self, document: &ChangeNode, span: Span) -> Vec<Action<NodeWord>> {
        let Some(node) = self.node(&document.node) else { return Vec::new() };
        let actions: Vec<_> = changes(document).map(|change| Action::ChangeNode { node, change }).collect();
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
        if let Some(any) = self.any.filter(|_| word.value == "any") {
            self.said_any = true;
            return Some(NodeWord::Named(any));
        }
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
        let Subjects { role, node, nodes, endpoint, workers, tasks, reports } = subjects;
        let before = self.faults.len();
        let mut clauses = Vec::new();
        let says_nothing = [
            ("role", role.is_some_and(|role| role.state.is_none() && role.owner.is_none())),
            (
                "endpoint",
                endpoint
                    .is_some_and(|endpoint| endpoint.served_by.is_none() && endpoint.certificate.is_none()),
            ),
            (
                "tasks",
                tasks.is_some_and(|tasks| {
                    tasks.state.is_none()
                        && tasks.executed_count.is_none()
                        && tasks.execution.is_none()
                        && tasks.messages.is_none()
                }),
            ),
        ];
        for (subject, _) in says_nothing.into_iter().filter(|(_, says_nothing)| *says_nothing) {
            let label = match subject {
                "role" => "expected `state` or `owner`",
                "endpoint" => "expected `served_by` or `certificate`",
                _ => "expected `state`, `executed_count`, `execution` or `messages`",
            };
            self.fault(Fault::new(format!("nothing is expected of `{subject}`"), span).with_label(label));
        }
        if let Some(role) = role {
            let owner = role.owner.as_ref().and_then(|owner| self.node(owner));
            if let Some(id) = self.role(role.name.as_ref()) {
                clauses.push(Clause::Role { role: id, state: role.state.map(role_state), owner });
            }
        }
        if let Some(node) = node
            && let Some(word) = self.node(&node.name)
        {
            let status = node.status.map(|status| match status {
                NodeStatusWord::Normal => NodeStatus::Normal,
                NodeStatusWord::Isolated => NodeStatus::Isolated,
                NodeStatusWord::Quarantined => NodeStatus::Quarantined,
            });
            clauses.push(Clause::Node { node: word, state: node.state.map(node_state), status });
        }
        if let Some(nodes) = nodes {
            clauses.push(Clause::Nodes { which: which(nodes.which), state: node_state(nodes.state) });
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
        if let Some(reports) = reports
            && let Some(of) = self.load_named(&reports.of)
        {
            let (which, refused_with) = (which(reports.which), reports.refused_with);
            clauses.push(Clause::Reports { of, which, refused_with });
        }
        // A subject that could not be resolved has its own fault.
        if clauses.is_empty() && self.faults.len() == before {
            let fault = Fault::new("nothing is expected", span);
            self.fault(
                fault.with_label(
                    "expected `role`, `node`, `nodes`, `endpoint`, `workers`, `tasks` or `reports`",
                ),
            );
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
        Some(Clause::Tasks {
            of: self.load_named(&clause.of)?,
            which: which(clause.which),
            state: clause.state.map(task_state),
            executed_count: clause.executed_count,
            execution: clause.execution.map(execution_status),
            messages: clause.messages.map(messages),
        })
    }

    fn load_named(&mut self, name: &At<String>) -> Option<LoadId> {
        let found = self.load_names.iter().position(|other| *other == name.value);
        if found.is_none() {
            let mut fault = Fault::new(format!("there are no executions `{}`", name.value), name.span)
                .with_label("not started before this step");
            fault.hint = nearest::hint(&name.value, self.load_names.iter().map(String::as_str));
            self.fault(fault);
        }
        found.map(|index| LoadId(index as u16))
    }
}

/// The word of a claim, by which it is found among those that are judged.
const fn claim_word(word: ClaimWord) -> &'static str {
    match word {
        ClaimWord::AtMostOneNodeServes => "at_most_one_node_serves",
        ClaimWord::WorkersReconnect => "workers_reconnect",
        ClaimWord::TrustedConnectionsOnly => "trusted_connections_only",
        ClaimWord::WorkersUseTheNetworkName => "workers_use_the_network_name",
        ClaimWord::NoTaskRunsTwiceAtOnce => "no_task_runs_twice_at_once",
        ClaimWord::NoTaskIsLost => "no_task_is_lost",
        ClaimWord::NoWorkerIsEnabledAgain => "no_worker_is_enabled_again",
        ClaimWord::FailoversStayWithinTheThreshold => "failovers_stay_within_the_threshold",
        ClaimWord::PausedNodesGetNoRole => "paused_nodes_get_no_role",
        ClaimWord::LostNodesAreQuarantined => "lost_nodes_are_quarantined",
        ClaimWord::DependentsGoDown => "dependents_go_down",
        ClaimWord::NodesWithoutAVoteDoNotServeAlone => "nodes_without_a_vote_do_not_serve_alone",
        ClaimWord::ReplicasLeftBehindDoNotServe => "replicas_left_behind_do_not_serve",
        ClaimWord::TasksStayWithinTheirRetries => "tasks_stay_within_their_retries",
        ClaimWord::DisabledWorkersGetNoTask => "disabled_workers_get_no_task",
        ClaimWord::NobodyWorksWithoutSsisdb => "nobody_works_without_ssisdb",
        ClaimWord::ReconnectTime => "reconnect_time",
    }
}

const fn sometimes(word: SometimesWord) -> Sometimes {
    match word {
        SometimesWord::FaultDuringOutage => Sometimes::FaultDuringOutage,
        SometimesWord::FaultWhileRoleMoves => Sometimes::FaultWhileRoleMoves,
        SometimesWord::TaskRunsWithoutMaster => Sometimes::TaskRunsWithoutMaster,
        SometimesWord::TaskHandedOutAgain => Sometimes::TaskHandedOutAgain,
        SometimesWord::ReportRefused => Sometimes::ReportRefused,
        SometimesWord::RoleMovesAway => Sometimes::RoleMovesAway,
        SometimesWord::HandshakeCutOff => Sometimes::HandshakeCutOff,
        SometimesWord::RenewalCutOff => Sometimes::RenewalCutOff,
        SometimesWord::SweptBeforeRenewal => Sometimes::SweptBeforeRenewal,
        SometimesWord::LossDuringRegroup => Sometimes::LossDuringRegroup,
    }
}

const fn which(word: WhichWord) -> Which {
    match word {
        WhichWord::Every => Which::Every,
        WhichWord::Any => Which::Any,
        WhichWord::None => Which::None,
    }
}

const fn surroundings(part: Part<NodeWord>, works: bool) -> Action<NodeWord> {
    Action::Surroundings { part, works }
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

const fn messages(word: MessagesWord) -> ExecutionLog {
    match word {
        MessagesWord::Written => ExecutionLog::Written,
        MessagesWord::Cached => ExecutionLog::Cached,
        MessagesWord::Refused => ExecutionLog::Refused,
    }
}

const fn execution_status(word: ExecutionWord) -> ExecutionStatus {
    match word {
        ExecutionWord::Pending => ExecutionStatus::Pending,
        ExecutionWord::Running => ExecutionStatus::Running,
        ExecutionWord::EndedUnexpectedly => ExecutionStatus::EndedUnexpectedly,
        ExecutionWord::Succeeded => ExecutionStatus::Succeeded,
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use failover_sim::names::StepNo;

    use super::*;
    use crate::scenario::tests_support::{mistakes_of, origin_of, plan_of};

    const CASES: &str = "- move_role: { to: standby }
cases:
  - case: early
    assume: { first_sweep: before_serving }
    then: [ { expect: { within: 5m, role: { state: online } } } ]
  - case: late
    assume: { first_sweep: after_one_interval }
    breaks: [ workers_reconnect ]";

    #[test]
    fn each_case_is_a_plan_of_its_own_that_can_be_replayed() {
        let plans = plans("tests/own", &origin_of(CASES), 1).expect("right");
        let names: Vec<&str> = plans.iter().map(|plan| plan.name.as_str()).collect();
        assert_eq!(names, ["tests/own[early]", "tests/own[late]"]);
        assert_eq!(plans.iter().map(|plan| plan.steps.len()).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(plans[1].breaks, [Claim::WorkersReconnect]);
        assert_ne!(plans[0].assumptions, plans[1].assumptions);
        assert_eq!(plans[1].replay("sim"), "failover run own.yaml --seed 1 --case late");
        // What a replay line or the header of a history names is the same plan again.
        let again = plan(plans[1].scenario_name(), &plans[1].origin, 1).expect("right");
        assert_eq!((again.name.as_str(), again.digest()), (plans[1].name.as_str(), plans[1].digest()));
    }

    #[test]
    fn wrong_cases_are_shown_each_at_its_place() {
        let steps = "- move_role: { to: standby }
cases:
  - { case: Early }
  - { case: twice, breaks: [ reconnect_time ] }
  - { case: twice, breaks: [ no_task_runs_twice_at_once ], assume: { first_sweep: never } }
";
        let shown = mistakes_of(steps);
        for told in [
            "`Early` cannot be the name of a case",
            "the case `twice` is there twice",
            "`reconnect_time` is not judged in this scenario",
            "not among its `claims`",
            "`no_task_runs_twice_at_once` is not judged in this scenario",
            "no executions are started",
            "`never` is no answer to `first_sweep`",
        ] {
            assert!(shown.contains(told), "{told}\n{shown}");
        }
    }

    #[test]
    fn a_claim_with_a_limit_is_judged_besides_the_others() {
        let plan = plan_of(
            "- move_role: { to: standby }
claims:
  - reconnect_time: { percentile: 95, at_most: 90s }",
        );
        let limit = ReconnectTime { percentile: 95, at_most: Duration::from_secs(90) };
        assert_eq!(plan.claims.last(), Some(&Claim::ReconnectTime(limit)));
        assert!(!plan.claims.contains(&Claim::NoTaskRunsTwice));
        let shown = mistakes_of(
            "- move_role: { to: standby }
claims:
  - reconnect_time: { percentile: 101, at_most: 0s }",
        );
        assert!(shown.contains("a percentile is a number from 1 to 100"), "{shown}");
        assert!(shown.contains("no outage is over at once"), "{shown}");
    }

    #[test]
    fn a_hold_spans_the_steps_inside_it() {
        let plan = plan_of(
            "- power_off: { node: standby }
- hold:
    role: { state: online }
    while:
      - expect: { within: 1m, node: { name: first_standby, state: down } }
      - pause: { for: 1m, because: tests need pauses }
- power_on: { node: first_standby }",
        );
        assert_eq!(plan.steps.len(), 4);
        assert_eq!((plan.holds[0].first, plan.holds[0].last), (StepNo(1), StepNo(2)));
        for wrong in
            ["- hold: { role: { state: online } }", "- hold: { for: 1m, while: [], role: { state: online } }"]
        {
            let shown = mistakes_of(wrong);
            assert!(shown.contains("`hold` needs either `for` or `while`"), "{shown}");
        }
        let shown = mistakes_of("- hold: { while: [], role: { state: online } }");
        assert!(shown.contains("no step runs while this holds"), "{shown}");
    }

    #[test]
    fn pauses_are_warned_of_once() {
        let warned = |steps: &str| {
            warnings("own.yaml", &origin_of(steps).scenario_text)
                .render_warnings(super::super::diagnostic::Paint::Plain)
        };
        let one = "- hold: { role: { state: online }, while: [ { pause: { for: 1m, because: so } } ] }";
        let shown = warned(one);
        assert!(shown.starts_with("warning: `pause` waits without looking\n  --> own.yaml:4:"), "{shown}");
        let pause = "{ pause: { for: 1m, because: so } }";
        let shown = warned(&one.replace(pause, &format!("{pause}, {pause}")));
        assert!(shown.contains("looking, 2 times in this file\n  --> own.yaml:4:"), "{shown}");
        assert_eq!(shown.matches("warning:").count(), 1, "{shown}");
    }
}
