//! What is the verdict on a run?
//!
//! The judge takes in records, live from a backend or from a stored history, and comes to the same verdict either way.
//! A run is green only if every claim was put to the test, every action was seen to bite and every step did what it
//! should.

use failover_sim::names::{NodeId, StepNo};
use failover_sim::observe::{Fact, Flow, Record, Sink, Topic};
use failover_sim::time::Time;

use crate::check::{
    ActionsInForce, Check, Claim, OnTrust, Outcome, StepJudge, StepResult, Verdict, Window, on_trust,
};
use crate::phase::{Outage, Phases};
use crate::picture::{Picture, WordError};
use crate::plan::{Clause, NodeWord, Plan, StepKind};

/// Follows one run.
pub struct Judge<'p> {
    plan: &'p Plan,
    picture: Picture<'p>,
    steps: StepJudge,
    in_force: ActionsInForce,
    claims: Vec<(Claim, Box<dyn Check>)>,
    /// For each topic, the places of the claims that it concerns.
    concerned: [Vec<usize>; Topic::ALL.len()],
    phases: Phases,
    awaited: Awaited,
    began: Option<Time>,
    /// The run was carried out to its end.
    has_ended: bool,
    last: Time,
}

/// What whoever drives the run waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Awaited {
    /// Nothing: let time pass.
    #[default]
    Nothing,
    /// Every node a member, the role online, every worker connected.
    Complete,
    /// The role online, every worker connected.
    Steady,
    /// The end of the step under way.
    Step,
}

/// The verdict on a run, with everything that a report tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub outcome: Outcome,
    /// What each claim came to.
    pub claims: Vec<ClaimResult>,
    /// Findings besides the claims: surroundings that failed, steps, actions that did not bite.
    pub findings: Vec<Finding>,
    /// Actions whose effect nobody saw, in the order of the plan.
    pub on_trust: Vec<OnTrust>,
    /// The steps began.
    pub has_begun: bool,
    /// Everything that was done to the surroundings was taken back.
    pub is_restored: bool,
    /// Outages by phase.
    pub outages: Vec<Outage>,
    /// What was judged.
    pub window: Window,
}

/// What a claim came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimResult {
    /// Which claim.
    pub claim: Claim,
    /// Whether the scenario says that it must turn out false.
    pub must_break: bool,
    /// What was found.
    pub verdict: Verdict,
    /// What that means for the run.
    pub outcome: Outcome,
}

/// Something that a report tells besides the claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it means for the run.
    pub outcome: Outcome,
    /// What it is about: `expect within 3m (line 9)`.
    pub what: String,
    /// Evidence, one line each.
    pub evidence: Vec<String>,
    /// What to do about it.
    pub hints: Vec<String>,
}

impl Finding {
    /// Something failed that the run needs, and with it the run.
    pub(crate) fn of_surroundings(evidence: Vec<String>, hints: Vec<String>) -> Self {
        Self { outcome: Outcome::Inconclusive, what: SURROUNDINGS.to_owned(), evidence, hints }
    }

    /// Whether it is about what the run needs, which is why the rest could not be judged.
    pub(crate) fn is_of_surroundings(&self) -> bool {
        self.what == SURROUNDINGS
    }

    /// Whether it says that something of the scenario was not done, or not seen to be done: then that may be why the rest
    /// failed.
    pub(crate) fn is_of_what_was_done(&self) -> bool {
        self.is_of_surroundings() || self.what == ACTIONS
    }
}

impl<'p> Judge<'p> {
    /// A judge of runs of this plan.
    pub fn new(plan: &'p Plan) -> Self {
        let claims: Vec<(Claim, Box<dyn Check>)> =
            plan.claims.iter().map(|&claim| (claim, claim.check(plan))).collect();
        let concerned = Topic::ALL
            .map(|topic| (0..claims.len()).filter(|&place| claims[place].1.concerns(topic)).collect());
        Self {
            plan,
            picture: Picture::new(plan),
            steps: StepJudge::new(plan),
            in_force: ActionsInForce::new(plan),
            claims,
            concerned,
            phases: Phases::new(plan),
            awaited: Awaited::Nothing,
            began: None,
            has_ended: false,
            last: Time::ZERO,
        }
    }

    /// Asks for control as soon as this is so; says whether it is so already.
    pub fn wait_for(&mut self, awaited: Awaited) -> bool {
        self.awaited = awaited;
        self.is_reached()
    }

    /// The node that a word stands for at this moment.
    ///
    /// # Errors
    /// If it fits no node, or several.
    pub fn resolve(&self, word: NodeWord) -> Result<NodeId, WordError> {
        self.picture.resolve(word)
    }

    /// What keeps the cluster from the state in which a run begins: evidence, and what to do about it.
    pub(crate) fn unrest(&self) -> (Vec<String>, Vec<String>) {
        self.picture.unrest()
    }

    /// Whether this is so at this moment.
    pub fn holds(&self, clause: &Clause) -> bool {
        self.picture.holds(clause)
    }

    /// Whether the step under way has failed, or something did not stay true while steps ran.
    pub fn step_failed(&self) -> bool {
        self.steps
            .current()
            .into_iter()
            .chain(self.steps.holds())
            .any(|result| matches!(result, StepResult::Failed { .. } | StepResult::Unseen(_)))
    }

    /// Whether waiting longer could still change what is said of the workers: none of them is overdue yet.
    pub fn is_worth_waiting(&self, now: Time) -> bool {
        let window = Window { began: self.began.unwrap_or_default(), end: now };
        let overdue = |(claim, check): &(Claim, Box<dyn Check>)| {
            *claim == Claim::WorkersReconnect && check.verdict(self.plan, window).outcome == Outcome::Fail
        };
        !self.claims.iter().any(overdue)
    }

    fn is_reached(&self) -> bool {
        match self.awaited {
            Awaited::Nothing => false,
            Awaited::Complete => self.picture.is_complete(),
            Awaited::Steady => self.picture.is_steady(),
            Awaited::Step => self.steps.current().is_some_and(|result| *result != StepResult::Pending),
        }
    }

    /// Takes in a record that may change the picture.
    #[inline(never)]
    fn look(&mut self, record: &Record, topic: Topic) {
        self.picture.observe(record);
        self.steps.observe(record, self.plan, &self.picture);
        if !topic.is_work() {
            self.phases.observe(record);
        }
        if topic == Topic::Surroundings {
            if matches!(record.fact, Fact::StepsBegan) {
                self.began = Some(record.latest);
            }
            self.has_ended |= matches!(record.fact, Fact::RunEnded);
        }
    }

    /// The verdict when the history ends at `end`; `problem` is what failed in the surroundings, if something did.
    pub fn judge(mut self, end: Time, problem: Option<Finding>) -> Judgement {
        let end = end.max(self.last);
        self.steps.close(end, self.plan, &self.picture);
        let window = Window { began: self.began.unwrap_or_default(), end };
        let claims: Vec<ClaimResult> = self
            .claims
            .iter()
            .map(|(claim, check)| self.claim_result(*claim, check.as_ref(), window))
            .collect();
        let has_begun = self.began.is_some();
        let ends_steady = problem.is_some() || !self.plan.breaks.is_empty() || self.picture.is_steady();
        let mut findings: Vec<Finding> = problem.into_iter().collect();
        if has_begun {
            findings.extend(self.step_findings(window));
        }
        let in_force = self.in_force.verdict(self.plan, window);
        if in_force.outcome != Outcome::Pass && (has_begun || self.plan.given > 0) {
            let what = ACTIONS.to_owned();
            let (outcome, evidence, hints) = (in_force.outcome, in_force.evidence, in_force.hints);
            findings.push(Finding { outcome, what, evidence, hints });
        }
        if has_begun && self.plan.steps.iter().all(|step| matches!(step.kind, StepKind::Pause(_))) {
            let what = "the steps".to_owned();
            let evidence = vec!["all of them are pauses: nothing was done, and nothing awaited".to_owned()];
            findings.push(Finding { outcome: Outcome::Inconclusive, what, evidence, hints: Vec::new() });
        }
        if !ends_steady {
            let what = "the run ends steady".to_owned();
            let (evidence, hints) = self.picture.unrest();
            findings.push(Finding { outcome: Outcome::Inconclusive, what, evidence, hints });
        }
        let outcome = claims
            .iter()
            .map(|claim| claim.outcome)
            .chain(findings.iter().map(|finding| finding.outcome))
            .max()
            .unwrap_or(Outcome::Inconclusive);
        let outages = self.phases.outages().to_vec();
        let on_trust = on_trust(self.plan, self.in_force.proven());
        Judgement { outcome, claims, findings, on_trust, has_begun, is_restored: true, outages, window }
    }

    fn claim_result(&self, claim: Claim, check: &dyn Check, window: Window) -> ClaimResult {
        let mut verdict = check.verdict(self.plan, window);
        if verdict.outcome == Outcome::Fail {
            let (evidence, hints) = check.causes(&self.picture, window);
            verdict.evidence.extend(evidence);
            verdict.hints.extend(hints);
        }
        let must_break = self.plan.breaks.contains(&claim);
        let outcome = match (must_break, verdict.outcome) {
            (false, outcome) => outcome,
            (true, Outcome::Fail) => Outcome::Pass,
            (true, Outcome::Inconclusive) => Outcome::Inconclusive,
            (true, Outcome::Pass) if !self.has_ended => {
                verdict.evidence.push("the run was broken off before it could turn out false".to_owned());
                Outcome::Inconclusive
            }
            (true, Outcome::Pass) => {
                verdict
                    .evidence
                    .push(format!("the scenario says that it breaks `{}`; it holds", claim.word()));
                Outcome::Fail
            }
        };
        ClaimResult { claim, must_break, verdict, outcome }
    }

    /// What the steps came to that did not do what they should, as it stands at the end of the last of them. Moments are
    /// counted from the start of the cluster: whoever takes steps on one that runs knows no first step.
    pub(crate) fn of_steps(&self) -> Vec<Finding> {
        self.step_findings(Window { began: Time::ZERO, end: self.last })
    }

    fn step_findings(&self, window: Window) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (hold, result) in self.plan.holds.iter().zip(self.steps.holds()) {
            let (outcome, evidence) = match result {
                StepResult::Failed { at, found } => {
                    let at = window.offset(*at);
                    (Outcome::Fail, found.iter().map(|found| format!("at {at}: {found}")).collect())
                }
                StepResult::Unseen(why) => (Outcome::Inconclusive, vec![why.clone()]),
                StepResult::Pending => {
                    (Outcome::Inconclusive, vec!["the history ends before its steps do".to_owned()])
                }
                // Steps that were not reached are told below.
                StepResult::Done(_) | StepResult::NotBegun => continue,
            };
            let what = format!("hold while steps run (line {})", hold.line);
            findings.push(Finding { outcome, what, evidence, hints: Vec::new() });
        }
        for (index, result) in self.steps.results().iter().enumerate() {
            let step = self.plan.step(StepNo(index as u16));
            let (outcome, evidence) = match result {
                StepResult::Done(_) => continue,
                StepResult::Failed { at, found } => {
                    let at = window.offset(*at);
                    (Outcome::Fail, found.iter().map(|found| format!("at {at}: {found}")).collect())
                }
                StepResult::Unseen(why) => (Outcome::Inconclusive, vec![why.clone()]),
                // One line for all the steps that were not reached.
                StepResult::NotBegun | StepResult::Pending => {
                    let what = format!("steps from line {} on", step.line);
                    let evidence = vec!["they were not reached".to_owned()];
                    findings.push(Finding {
                        outcome: Outcome::Inconclusive,
                        what,
                        evidence,
                        hints: Vec::new(),
                    });
                    break;
                }
            };
            findings.push(Finding { outcome, what: self.describe(index), evidence, hints: Vec::new() });
        }
        findings
    }

    fn describe(&self, index: usize) -> String {
        let step = &self.plan.steps[index];
        let line = step.line;
        match &step.kind {
            StepKind::Act(action) => {
                format!("{} (line {line})", self.plan.action(*action).action.verb().word())
            }
            StepKind::Expect { within, .. } => {
                format!("expect within {} (line {line})", crate::words::length(*within))
            }
            StepKind::Hold { time, .. } => format!("hold for {} (line {line})", crate::words::length(*time)),
            StepKind::Pause(time) => format!("pause for {} (line {line})", crate::words::length(*time)),
        }
    }
}

impl Sink for Judge<'_> {
    fn record(&mut self, record: &Record) -> Flow {
        self.last = self.last.max(record.latest);
        let topic = record.fact.topic();
        // Evidence for a reader: the same was seen by looking, at its time, and every backend is judged by that.
        if topic == Topic::Surroundings && record.fact.is_of_log() {
            return Flow::Continue;
        }
        for &place in &self.concerned[topic as usize] {
            self.claims[place].1.observe(record);
        }
        self.in_force.observe(record);
        // What leaves the picture as it was changes no step, and nothing that is waited for.
        if topic.is_work() && !self.picture.shows_work() {
            return Flow::Continue;
        }
        self.look(record, topic);
        if self.awaited != Awaited::Nothing && self.is_reached() { Flow::Yield } else { Flow::Continue }
    }
}

/// What a finding is about that tells what the run needed and did not have.
const SURROUNDINGS: &str = "the surroundings";
/// What a finding is about that tells of an action that did not bite.
const ACTIONS: &str = "every action takes effect";
