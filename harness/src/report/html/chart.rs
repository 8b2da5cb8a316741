//! What does the timeline of one run look like?
//!
//! A column of labels and a drawing beside it, lane by lane at the same height; above them the axis and the faults.

use failover_sim::action::Verb;
use failover_sim::names::{ActionNo, NodeId, StepNo, WorkerId};
use failover_sim::observe::{Fact, NodeState, Record, Sink, Source};
use failover_sim::time::Time;
use serde::Serialize;

use crate::check::{Outcome, StepJudge, StepResult, Window};
use crate::phase::OutageEnd;
use crate::picture::Picture;
use crate::plan::{Plan, StepKind};

use super::super::{RunResult, ScenarioReport, Timeline};
use super::axis::{Axis, WIDTH};
use super::lanes::Lanes;
use super::svg::{self, Bar, NODE_TINTS, PITCH, Tint};
use crate::words::length;

/// The timeline of one run, drawn; what it was drawn from is no longer needed.
#[derive(Clone, Debug, Serialize)]
pub struct Chart {
    /// The scenario that it belongs to.
    pub(super) scenario: String,
    height: u64,
    svg: String,
    labels: Vec<Label>,
    ticks: Vec<Mark>,
    faults: Vec<Mark>,
    quiet: Vec<Mark>,
    pub(super) violation: Option<Mark>,
    actions: Vec<String>,
    legend: Vec<Legend>,
    log: String,
    log_left_out: usize,
    #[serde(skip)]
    nodes: Vec<String>,
}

/// A text beside or above the drawing.
#[derive(Clone, Debug, Serialize)]
struct Label {
    text: String,
    class: &'static str,
    top: u64,
}

/// A text at a place of the axis, in percent of its width.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Mark {
    left: String,
    width: String,
    pub(super) text: String,
    pub(super) title: String,
}

#[derive(Clone, Debug, Serialize)]
struct Legend {
    class: String,
    text: String,
}

impl Chart {
    /// The timeline of a run with these records.
    pub fn of(plan: &Plan, records: &[Record], report: &ScenarioReport) -> Self {
        let window = match &report.judgement {
            Some(judgement) => judgement.window,
            None => Window { began: Time::ZERO, end: records.last().map_or(Time::ZERO, |last| last.latest) },
        };
        let lanes = Lanes::of(plan, records);
        let steps = Steps::of(plan, records);
        let mut changes = lanes.changes.clone();
        changes.extend(steps.ended());
        changes.sort_unstable();
        let axis = Axis::new(window.began, window.end, changes.into_iter());
        let draft = Draft { plan, window, axis, svg: String::new(), labels: Vec::new(), rows: 0 };
        draft.finish(records, report, &lanes, &steps)
    }

    /// The name of a node of the run.
    pub(super) fn node_name(&self, node: NodeId) -> Option<&str> {
        self.nodes.get(node.index()).map(String::as_str)
    }
}

/// When each step began, and what came of it.
struct Steps {
    began: Vec<Option<Time>>,
    results: Vec<StepResult>,
}

impl Steps {
    fn of(plan: &Plan, records: &[Record]) -> Self {
        let mut picture = Picture::new(plan);
        let mut judge = StepJudge::new(plan);
        let mut began = vec![None; plan.steps.len()];
        for record in records {
            picture.observe(record);
            judge.observe(record, plan, &picture);
            if let Fact::StepBegan(step) = record.fact {
                began[step.index()] = Some(record.latest);
            }
        }
        let end = records.last().map_or(Time::ZERO, |record| record.latest);
        judge.close(end, plan, &picture);
        Self { began, results: judge.results().to_vec() }
    }

    /// When expectations came true or failed.
    fn ended(&self) -> impl Iterator<Item = Time> {
        self.results.iter().filter_map(|result| match result {
            StepResult::Done(at) | StepResult::Failed { at, .. } => Some(*at),
            StepResult::NotBegun | StepResult::Pending | StepResult::Unseen(_) => None,
        })
    }

    /// The step that failed first.
    fn failed(&self) -> Option<(Time, StepNo)> {
        let failed = self.results.iter().enumerate().filter_map(|(number, result)| match result {
            StepResult::Failed { at, .. } => Some((*at, StepNo(number as u16))),
            StepResult::NotBegun | StepResult::Pending | StepResult::Done(_) | StepResult::Unseen(_) => None,
        });
        failed.min()
    }
}

/// A chart while it is drawn.
struct Draft<'p> {
    plan: &'p Plan,
    window: Window,
    axis: Axis,
    svg: String,
    labels: Vec<Label>,
    rows: u64,
}

impl Draft<'_> {
    fn finish(
        mut self,
        records: &[Record],
        report: &ScenarioReport,
        lanes: &Lanes<'_>,
        steps: &Steps,
    ) -> Chart {
        let faults = self.faults(records);
        let step_bars = self.steps(records, steps);
        self.lane("steps", "lane", &step_bars);
        self.lane(
            "faults in force",
            "lane",
            &faults.iter().map(|fault| fault.bar.clone()).collect::<Vec<_>>(),
        );
        let role = self.plan.names.role(self.plan.role).to_owned();
        self.heading(&role);
        self.lane("owner node", "lane", &lanes.owner.bars(self.plan, self.window, None));
        self.lane("state", "lane", &lanes.role.bars(self.plan, self.window, None));
        self.lane("endpoint", "lane", &lanes.endpoint.bars(self.plan, self.window, None));
        for node in 0..lanes.nodes.len() {
            self.node(node, lanes);
        }
        self.workers(lanes);
        let height = self.rows * PITCH;
        let violation = self.violation(report, steps);
        let mut content = String::new();
        self.shades(&mut content, height, report);
        for tick in self.axis.ticks() {
            svg::line(&mut content, height, "grid", tick.at);
        }
        for (from, to, _) in self.axis.quiet() {
            content.push_str(&format!(
                r#"<rect class="quiet" x="{from}" y="0" width="{}" height="{height}"/>"#,
                to - from
            ));
        }
        content.push_str(&self.svg);
        for fault in &faults {
            svg::line(&mut content, height, "fault", self.axis.place(fault.bar.from));
        }
        if let Some((at, _)) = &violation {
            svg::line(&mut content, height, "violation", self.axis.place(*at));
        }
        let (log, log_left_out) = log(self.plan, records, violation.as_ref().map(|(at, _)| *at));
        Chart {
            scenario: report.name.clone(),
            height,
            svg: svg::drawing(height, &format!("timeline of {}", report.name), &content),
            ticks: self
                .axis
                .ticks()
                .into_iter()
                .map(|tick| mark(tick.at, tick.at, tick.text, String::new()))
                .collect(),
            faults: self.badges(&faults),
            quiet: self
                .axis
                .quiet()
                .map(|(from, to, text)| {
                    let title = format!("{text} in which nothing changes");
                    mark(from, to, text, title)
                })
                .collect(),
            violation: violation.map(|(at, what)| {
                let place = self.axis.place(at);
                mark(place, place, self.window.offset(at), what)
            }),
            actions: faults.iter().map(|fault| fault.bar.title.clone()).take(ACTIONS_MAX).collect(),
            legend: self.legend(),
            labels: self.labels,
            log,
            log_left_out,
            nodes: self.plan.names.nodes.clone(),
        }
    }

    fn label(&mut self, text: &str, class: &'static str, rows: u64) -> u64 {
        let top = self.rows * PITCH;
        self.labels.push(Label { text: text.to_owned(), class, top });
        self.rows += rows;
        top
    }

    fn heading(&mut self, text: &str) {
        self.label(text, "group", 1);
    }

    fn lane(&mut self, text: &str, class: &'static str, bars: &[Bar]) {
        let top = self.label(text, class, 1);
        svg::bars(&mut self.svg, &self.axis, top, bars);
    }

    fn node(&mut self, node: usize, lanes: &Lanes<'_>) {
        let name = self.plan.names.node(NodeId(node as u8)).to_owned();
        let top = self.label(&name, "group", 1);
        let own = lanes.nodes[node].bars(self.plan, self.window, Some((2, 9)));
        svg::bars(&mut self.svg, &self.axis, top, &own);
        let mut seen = lanes.seen_nodes[node].bars(self.plan, self.window, Some((12, 4)));
        for bar in &mut seen {
            bar.title = format!("as other nodes see it: {}", bar.title);
        }
        svg::bars(&mut self.svg, &self.axis, top, &seen);
        for (resource, lane) in lanes.resources[node].iter().enumerate() {
            if !lane.is_empty() {
                let name = lanes.resource_name(resource).to_owned();
                self.lane(&name, "lane", &lane.bars(self.plan, self.window, None));
            }
        }
    }

    fn workers(&mut self, lanes: &Lanes<'_>) {
        let count = self.plan.topology.workers.len();
        if count == 0 {
            return;
        }
        self.heading(&format!("workers ({count})"));
        if !lanes.workers.is_empty() {
            for (worker, lane) in lanes.workers.iter().enumerate() {
                let name = self.plan.names.worker(WorkerId(worker as u32)).to_owned();
                self.lane(&name, "lane", &lane.bars(self.plan, self.window, None));
            }
            return;
        }
        let top = self.label(&format!("how many of {count}"), "lane", AREA_ROWS);
        let changes = lanes.counts_within(self.window);
        let tints = [Tint::Good, Tint::Bad, Tint::Shut, Tint::Gone];
        let place = (top + 2, AREA_ROWS * PITCH - 4);
        svg::areas(&mut self.svg, &self.axis, place, &changes, (count as u32, tints));
    }

    /// From each fault until every worker was back.
    fn shades(&self, content: &mut String, height: u64, report: &ScenarioReport) {
        let Some(judgement) = &report.judgement else { return };
        for (index, outage) in judgement.outages.iter().enumerate() {
            let next = judgement.outages.get(index + 1).map_or(self.window.end, |next| next.fault);
            let to = match outage.end() {
                OutageEnd::Unnoticed => continue,
                OutageEnd::Over(millis) => outage.fault + std::time::Duration::from_millis(millis),
                OutageEnd::Open => next,
            };
            svg::shade(content, &self.axis, height, "outage", outage.fault, to);
        }
    }

    /// Expectations as bars from their start until they were met, with a thin line as far as they may take.
    fn steps(&self, records: &[Record], steps: &Steps) -> Vec<Bar> {
        let mut bars = Vec::new();
        let over = records.iter().find(|record| record.fact == Fact::StepsEnded);
        let over = over.map_or(self.window.end, |record| record.latest);
        for (number, step) in self.plan.steps.iter().enumerate() {
            let Some(began) = steps.began[number] else { continue };
            let next = steps.began[number + 1..].iter().flatten().next().copied().unwrap_or(over);
            let (what, limit) = match &step.kind {
                StepKind::Act(action) => {
                    let verb = self.plan.action(*action).action.verb().word();
                    let title = format!("{verb} (line {}) at {}", step.line, self.window.offset(began));
                    bars.push(Bar { from: began, to: began, tint: Tint::Cold, extent: None, title });
                    continue;
                }
                StepKind::Expect { within, .. } => {
                    (format!("expect within {}", length(*within)), Some(*within))
                }
                StepKind::Hold { time, .. } => (format!("hold for {}", length(*time)), None),
                StepKind::Pause(time) => (format!("pause for {}", length(*time)), None),
            };
            let (to, tint, came) = match &steps.results[number] {
                StepResult::Done(_) if matches!(step.kind, StepKind::Pause(_)) => (next, Tint::Idle, "done"),
                StepResult::Done(at) => (*at, Tint::Good, "true"),
                StepResult::Failed { at, .. } => (*at, Tint::Bad, "not true"),
                StepResult::Unseen(_) | StepResult::NotBegun | StepResult::Pending => {
                    (next, Tint::Wait, "not seen to its end")
                }
            };
            let (from, end) = (self.window.offset(began), self.window.offset(to));
            let title = format!("{what} (line {}): {came}, {from} to {end}", step.line);
            if let Some(limit) = limit {
                let to = (began + limit).min(self.window.end);
                let title = format!("{what} (line {}): its limit", step.line);
                bars.push(Bar { from: began, to, tint: Tint::Idle, extent: Some((8, 2)), title });
            }
            bars.push(Bar { from: began, to, tint, extent: None, title });
        }
        bars
    }

    /// Faults, each from its action until it is undone or the node is up again by itself.
    fn faults(&self, records: &[Record]) -> Vec<Fault> {
        let mut faults: Vec<Fault> = Vec::new();
        for record in records.iter().filter(|record| record.latest >= self.window.began) {
            match record.fact {
                Fact::Acting { action, node } => {
                    let verb = self.plan.action(action).action.verb();
                    for fault in &mut faults {
                        if fault.is_undone_by(verb, node) {
                            fault.ends(record.latest);
                        }
                    }
                    if is_fault(verb) {
                        faults.push(self.fault(action, verb, node, record.latest));
                    }
                }
                Fact::NodeState { node, state: NodeState::Up } if record.source == Source::Node(node) => {
                    let own = |fault: &&mut Fault| {
                        fault.node == Some(node) && fault.verb == Verb::KillClusterService
                    };
                    faults.iter_mut().filter(own).for_each(|fault| fault.ends(record.latest));
                }
                Fact::NodeState { .. }
                | Fact::Watching { .. }
                | Fact::Unwatched(_)
                | Fact::StepsBegan
                | Fact::StepBegan(_)
                | Fact::Applied(_)
                | Fact::StepsEnded
                | Fact::RunEnded
                | Fact::Machine { .. }
                | Fact::NodeStatus { .. }
                | Fact::OwnerNode { .. }
                | Fact::ResourceState { .. }
                | Fact::Endpoint { .. }
                | Fact::Worker { .. }
                | Fact::MasterMachine(_)
                | Fact::Task { .. }
                | Fact::WorkerAgent { .. }
                | Fact::Package { .. }
                | Fact::ExecutionLog { .. }
                | Fact::ReportRefused { .. }
                // Nodes and probe have shown what it tells.
                | Fact::ClusterEvent { .. } => {}
            }
        }
        for fault in &mut faults {
            // What nothing undoes lasts; what is over as soon as it is done is a moment.
            let lasts = fault.verb == Verb::KillClusterService
                || UNDONE_BY.iter().any(|(verb, _)| *verb == fault.verb);
            fault.bar.to = match (fault.is_over, lasts) {
                (true, _) => fault.bar.to,
                (false, true) => self.window.end,
                (false, false) => fault.bar.from,
            };
        }
        faults
    }

    fn fault(&self, action: ActionNo, verb: Verb, node: Option<NodeId>, at: Time) -> Fault {
        let node_name = node.map(|node| format!(" {}", self.plan.names.node(node))).unwrap_or_default();
        let line = self.plan.action(action).line;
        let title = format!("{}{node_name} at {} (line {line})", verb.word(), self.window.offset(at));
        let bar = Bar { from: at, to: at, tint: Tint::Bad, extent: Some((5, 8)), title };
        Fault { verb, node, is_over: false, bar }
    }

    /// The numbers of the faults above the axis; those that lie close together share one mark.
    fn badges(&self, faults: &[Fault]) -> Vec<Mark> {
        let mut badges: Vec<(u64, usize, usize, String)> = Vec::new();
        for (index, fault) in faults.iter().enumerate() {
            let place = self.axis.place(fault.bar.from);
            match badges.last_mut() {
                Some((at, _, last, title)) if place < *at + BADGE_WIDTH => {
                    *last = index + 1;
                    *title = format!("{title}\n{}", fault.bar.title);
                }
                Some(_) | None => badges.push((place, index + 1, index + 1, fault.bar.title.clone())),
            }
        }
        badges
            .into_iter()
            .map(|(place, first, last, title)| {
                let text = if first == last { first.to_string() } else { format!("{first}-{last}") };
                mark(place, place, text, title)
            })
            .collect()
    }

    /// The first moment at which a claim or a step turned out false that should not have.
    fn violation(&self, report: &ScenarioReport, steps: &Steps) -> Option<(Time, String)> {
        if report.result != RunResult::Judged(Outcome::Fail) {
            return None;
        }
        let judgement = report.judgement.as_ref()?;
        let claims = judgement.claims.iter().filter(|claim| claim.outcome == Outcome::Fail);
        let claims =
            claims.filter_map(|claim| claim.verdict.at.map(|at| (at, claim.claim.word().to_owned())));
        let step = steps.failed().map(|(at, step)| {
            let step = self.plan.step(step);
            let what = match &step.kind {
                StepKind::Act(action) => self.plan.action(*action).action.verb().word().to_owned(),
                StepKind::Expect { within, .. } => format!("expect within {}", length(*within)),
                StepKind::Hold { time, .. } => format!("hold for {}", length(*time)),
                StepKind::Pause(time) => format!("pause for {}", length(*time)),
            };
            (at, format!("{what} (line {})", step.line))
        });
        claims.chain(step).min()
    }

    /// What the colours mean that occur.
    fn legend(&self) -> Vec<Legend> {
        let nodes = self.plan.names.nodes.iter().take(usize::from(NODE_TINTS)).enumerate();
        let nodes = nodes.map(|(node, name)| (Tint::Node(node as u8), format!("owned or served by {name}")));
        let states = [
            (Tint::Good, "up, online, connected, true"),
            (Tint::Wait, "on its way, paused, or not as the guide says"),
            (Tint::Bad, "failed, refused, false, fault in force"),
            (Tint::Shut, "refused: nobody listens"),
            (Tint::Gone, "down, off, disconnected, no answer"),
            (Tint::Cold, "frozen; an action"),
            (Tint::Idle, "offline, not in use"),
        ];
        nodes
            .chain(states.map(|(tint, text)| (tint, text.to_owned())))
            .map(|(tint, text)| Legend { class: tint.class(), text })
            .filter(|legend| self.svg.contains(&format!("class=\"{}\"", legend.class)))
            .collect()
    }
}

struct Fault {
    verb: Verb,
    node: Option<NodeId>,
    is_over: bool,
    bar: Bar,
}

impl Fault {
    fn is_undone_by(&self, verb: Verb, node: Option<NodeId>) -> bool {
        self.node == node && UNDONE_BY.contains(&(self.verb, verb))
    }

    fn ends(&mut self, at: Time) {
        if !self.is_over {
            self.is_over = true;
            self.bar.to = at;
        }
    }
}

fn is_fault(verb: Verb) -> bool {
    UNDONE_BY.iter().any(|(fault, _)| *fault == verb) || MOMENTARY.contains(&verb)
}

/// What happened, as text: all of it, or what lies around the first violation, or the beginning. Work is left out.
fn log(plan: &Plan, records: &[Record], around: Option<Time>) -> (String, usize) {
    let is_work =
        |fact: &Fact| matches!(fact, Fact::Task { .. } | Fact::Package { .. } | Fact::ReportRefused { .. });
    let began = records.iter().position(|record| record.fact == Fact::StepsBegan).unwrap_or(0);
    let mut told: Vec<&Record> = records[began..].iter().filter(|record| !is_work(&record.fact)).collect();
    // An entry of a log that was read late stands where it belongs.
    if let Some(first) = told.first().map(|first| first.latest) {
        told.retain(|record| !record.fact.is_of_log() || record.latest >= first);
        if told.iter().any(|record| record.fact.is_of_log()) {
            told.sort_by_key(|record| record.latest);
        }
    }
    let middle = around.map_or(0, |at| told.iter().take_while(|record| record.latest < at).count());
    let from = middle.saturating_sub(LOG_MAX / 2).min(told.len().saturating_sub(LOG_MAX));
    let mut timeline = Timeline::new(plan);
    // Times are counted from the first step, whether or not its record is among those that are told.
    if from > 0 {
        timeline.record(told[0]);
    }
    for record in told.iter().skip(from).take(LOG_MAX) {
        timeline.record(record);
    }
    (timeline.text(), told.len().saturating_sub(LOG_MAX))
}

fn mark(from: u64, to: u64, text: String, title: String) -> Mark {
    Mark { left: percent(from, WIDTH), width: percent(to - from, WIDTH), text, title }
}

/// A share in percent, with two digits.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let share = (u128::from(part) * 10_000 / u128::from(whole.max(1))) as u64;
    format!("{}.{:02}", share / 100, share % 100)
}

/// Faults that another action undoes, on the same node.
const UNDONE_BY: [(Verb, Verb); 23] = [
    (Verb::PowerOff, Verb::PowerOn),
    (Verb::Freeze, Verb::Thaw),
    (Verb::StopClusterService, Verb::StartClusterService),
    (Verb::PauseNode, Verb::ResumeNode),
    (Verb::Cut, Verb::Heal),
    (Verb::Degrade, Verb::Heal),
    (Verb::ShutDown, Verb::PowerOn),
    (Verb::StopRole, Verb::StartRole),
    (Verb::FailWitness, Verb::RestoreWitness),
    (Verb::DisableService, Verb::EnableService),
    (Verb::DisableAdapter, Verb::EnableAdapter),
    (Verb::DuplicateAddress, Verb::FreeAddress),
    (Verb::StopResource, Verb::StartResource),
    (Verb::FailDns, Verb::RestoreDns),
    (Verb::FailDirectory, Verb::RestoreDirectory),
    (Verb::IgnoreAnnouncements, Verb::HeedAnnouncements),
    (Verb::RefuseDnsUpdates, Verb::AcceptDnsUpdates),
    (Verb::RemovePossibleOwner, Verb::RestorePossibleOwner),
    (Verb::KillWorker, Verb::StartWorker),
    (Verb::HangWorker, Verb::StartWorker),
    (Verb::StopWorker, Verb::StartWorker),
    (Verb::DisableWorker, Verb::EnableWorker),
    (Verb::DeleteWorker, Verb::EnableWorker),
];

/// Faults that the cluster mends by itself.
const MOMENTARY: [Verb; 8] = [
    Verb::MoveRole,
    Verb::RestartNode,
    Verb::KillClusterService,
    Verb::KillService,
    Verb::HangService,
    Verb::StopService,
    Verb::FailResource,
    Verb::DeadlockResource,
];

/// The height of the lane that many workers share, in lanes.
const AREA_ROWS: u64 = 5;

/// Two faults that are nearer to each other share one mark.
const BADGE_WIDTH: u64 = 300;

/// How many faults are listed below the timeline.
const ACTIONS_MAX: usize = 40;

/// How many lines of what happened a page tells of one run.
const LOG_MAX: usize = 200;
