//! What will happen to this cluster when its role moves?
//!
//! A snapshot becomes a topology, the simulator lets each node lose its power and moves the role to each other node, and
//! for each of these the workers that stay away are told, with the step of the guide that their symptom points to. It is
//! tried again with each other answer to what nobody knows.

mod certificates;
mod machines;
mod report;
mod roles;
mod settings;
mod state;
mod subnets;
mod timers;
mod topology;
mod unseen;
mod why;
mod written;

use std::time::Duration;

use failover_sim::assumption::Assumption;
use failover_sim::names::{ActionNo, NodeId};
use failover_sim::observe::{Flow, Record, RoleState, Sink, WorkerState};
use failover_sim::time::Time;
use failover_sim::topology::WorkerMachine;

use crate::backend::{Backend, BackendError, SimBackend};
use crate::guide::Why;
use crate::picture::Picture;
use crate::plan::{NodeWord, Origin, Overrides, Plan};
use crate::scenario::diagnostic::Paint;

use super::preflight::{self, Finding};
use super::snapshot::Snapshot;

pub use report::{human, json};
use topology::CHANGES;
pub use topology::{NotHeld, Predicted, topology_of};

/// Why nothing can be predicted.
#[derive(Debug, thiserror::Error)]
pub enum PredictError {
    /// The snapshot lacks something that every topology has.
    #[error("nothing can be predicted from this snapshot: {0}")]
    Lacks(String),
    /// The topology that follows from it is one that the simulator does not take.
    #[error("nothing can be predicted from this snapshot: the simulator does not take its topology\n{0}")]
    Topology(String),
    /// The simulator gave up.
    #[error(transparent)]
    Simulator(#[from] BackendError),
}

/// Something that may happen to a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A node loses its power.
    PowerLost(String),
    /// An administrator moves the role.
    RoleMoved(String),
}

/// Workers that are away for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Away {
    /// Their names.
    pub workers: Vec<String>,
    /// Why.
    pub why: Why,
}

/// What happens after something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What happened.
    pub event: Event,
    /// Why it cannot happen, if it cannot.
    pub refused: Option<String>,
    /// The node that owns the role in the end; `None` if it is online nowhere.
    pub owner: Option<String>,
    /// Workers that are away in the end.
    pub away: Vec<Away>,
    /// How many runs ended with so many workers away, and how many runs there were: each has other random values.
    pub runs: (usize, usize),
    /// How long until the last change of a worker in the slowest run, where all of them are connected in the end.
    pub settled_after: Option<Duration>,
    /// Answers to what nobody knows, with which it ends otherwise.
    pub otherwise: Vec<Otherwise>,
}

/// What another answer to what nobody knows leads to: another number of workers that stay away, or nobody is back within the
/// topology's promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Otherwise {
    /// The assumption.
    pub assumption: &'static str,
    /// The other answer.
    pub answer: &'static str,
    /// How many workers stay away then.
    pub away: usize,
    /// How long until all are back, where none stays away and it is longer than promised.
    pub settled_after: Option<Duration>,
}

/// Everything that was predicted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prediction {
    /// The topology that it was predicted on.
    pub topology: String,
    /// How many workers there are.
    pub workers: usize,
    /// Workers that are away before anything happens.
    pub today: Vec<Away>,
    /// What happens then: one for each node that loses its power, then one for each node that the role moves to.
    pub outcomes: Vec<Outcome>,
    /// What was not seen, and what was taken for it.
    pub gaps: Vec<String>,
    /// What the snapshot shows and no topology holds, and what was taken for it.
    pub not_held: Vec<String>,
    /// What preflight says is wrong and the topology holds: `rule on subject`.
    pub in_the_model: Vec<String>,
    /// What preflight says is wrong, and the model does not have or this topology does not hold.
    pub not_in_the_model: Vec<String>,
    /// Steps that bring the cluster of the topology to where the one of the snapshot is; none if it is there from the start.
    pub given: Vec<String>,
    /// Why nothing is predicted; then there is no outcome, and nothing is said of today.
    pub not_predicted: Vec<String>,
}

/// Predicts from a snapshot.
///
/// # Errors
/// If the snapshot lacks what every topology has.
pub fn predict(snapshot: &Snapshot, seed: u64) -> Result<Prediction, PredictError> {
    let predicted = topology_of(snapshot)?;
    let others = predicted.nodes.iter().filter(|node| **node != predicted.owner);
    let mut events: Vec<Event> = vec![Event::PowerLost(predicted.owner.clone())];
    events.extend(others.clone().map(|node| Event::PowerLost(node.clone())));
    events.extend(others.map(|node| Event::RoleMoved(node.clone())));
    let mut today = Vec::new();
    let workers = predicted.workers.len();
    let mut outcomes = Vec::new();
    let (suspects, not_in_the_model) = wrong(snapshot, &predicted.not_held);
    if !predicted.not_predicted.is_empty() {
        events.clear();
    }
    for event in events {
        let plan = plan_of(&predicted, &event, seed)?;
        let mut backend = SimBackend::default();
        let mut stories = Vec::new();
        let mut consulted = Vec::new();
        for number in 0..RUNS {
            let seed = seed.wrapping_add(number);
            stories.push(tell(&Plan { seed, ..plan.clone() }, &mut backend)?);
            consulted.extend(backend.consulted());
        }
        let settled_after = stories.iter().filter_map(|story| story.settled_after).max();
        let of = |number: usize| stories.iter().filter(|story| away_in(&story.after) == number).count();
        // The worst is told; the first of several.
        let Some(worst) = stories.iter().rev().max_by_key(|story| away_in(&story.after)) else { continue };
        let number = away_in(&worst.after);
        let mut otherwise = Vec::new();
        if number == of_first(&stories) {
            consulted.sort_unstable();
            consulted.dedup();
            for assumption in consulted {
                otherwise.extend(vary(&plan, &mut backend, assumption, (number, settled_after))?);
            }
        }
        today = why::group(&plan, &worst.before, why::Role::Online, &suspects);
        outcomes.push(Outcome {
            event,
            refused: worst.refused.clone(),
            owner: worst.owner.map(|node| plan.names.node(node).to_owned()),
            away: why::group(&plan, &worst.after, worst.role(), &suspects),
            runs: (of(number), stories.len()),
            settled_after: settled_after.filter(|_| number == 0),
            otherwise,
        });
    }
    Ok(Prediction {
        given: if predicted.starts_there() { Vec::new() } else { predicted.given() },
        topology: predicted.topology,
        workers,
        today,
        outcomes,
        gaps: predicted.gaps,
        not_held: predicted.not_held.into_iter().map(|one| one.told).collect(),
        in_the_model: suspects,
        not_in_the_model,
        not_predicted: predicted.not_predicted,
    })
}

impl Prediction {
    /// Whether a worker is away, today or in one of the outcomes.
    pub fn someone_is_away(&self) -> bool {
        !self.today.is_empty() || self.outcomes.iter().any(|outcome| !outcome.away.is_empty())
    }

    /// 1 if workers are away in one of the outcomes, else 3 if nothing is predicted, or it rests on something that was not
    /// seen or is not in the model, or on what nobody knows, else 0.
    pub fn exit_code(&self) -> u8 {
        let rests_on_gaps = [&self.gaps, &self.not_held, &self.not_in_the_model, &self.not_predicted]
            .iter()
            .any(|doubts| !doubts.is_empty());
        if self.someone_is_away() {
            1
        } else if rests_on_gaps || self.outcomes.iter().any(|outcome| !outcome.otherwise.is_empty()) {
            3
        } else {
            0
        }
    }
}

/// The plan of an event: first the role goes to where it is now, and nodes become what no topology can say.
fn plan_of(predicted: &Predicted, event: &Event, seed: u64) -> Result<Plan, PredictError> {
    let quoted = |name: &String| serde_json::Value::from(name.as_str()).to_string();
    let given: String = predicted.given().iter().map(|step| format!("  - {step}\n")).collect();
    let step = match event {
        Event::PowerLost(node) => format!("power_off: {{ node: {} }}", quoted(node)),
        Event::RoleMoved(node) => format!("move_role: {{ to: {} }}", quoted(node)),
    };
    let scenario = format!(
        "proves: what happens to this cluster\nabout: {{ topology: predicted }}\ngiven:\n{given}steps:\n  - {step}\n"
    );
    let origin = Origin {
        scenario_file: "prediction".to_owned(),
        scenario_text: scenario,
        topology_file: "snapshot".to_owned(),
        topology_text: predicted.topology.clone(),
        base: None,
        files: Default::default(),
        overrides: Overrides::default(),
    };
    crate::scenario::plan("prediction", &origin, seed).map_err(|mistakes| {
        PredictError::Topology(mistakes.iter().map(|file| file.render(Paint::Plain)).collect())
    })
}

/// What became of the workers in one run.
struct Story {
    before: Vec<WorkerState>,
    after: Vec<WorkerState>,
    owner: Option<NodeId>,
    settled_after: Option<Duration>,
    refused: Option<String>,
}

impl Story {
    const fn role(&self) -> why::Role {
        if self.owner.is_some() { why::Role::Online } else { why::Role::OnlineNowhere }
    }
}

/// What is seen, and when a worker was seen to change last.
struct Sight<'p> {
    picture: Picture<'p>,
    last_change: Time,
    workers: Vec<WorkerState>,
}

impl Sink for Sight<'_> {
    fn record(&mut self, record: &Record) -> Flow {
        self.picture.observe(record);
        let workers = states(&self.picture, self.workers.len());
        if workers != self.workers {
            self.workers = workers;
            self.last_change = record.latest;
        }
        Flow::Continue
    }
}

fn states(picture: &Picture<'_>, workers: usize) -> Vec<WorkerState> {
    (0..workers).map(|index| picture.worker(index)).collect()
}

/// Lets the cluster start, brings it to where it is now, lets the event happen, and waits.
///
/// The director is not asked: it would give up on a cluster whose workers are away from the start.
fn tell(plan: &Plan, backend: &mut SimBackend) -> Result<Story, PredictError> {
    let workers = vec![WorkerState::Starting; plan.topology.workers.len()];
    let mut sight = Sight { picture: Picture::new(plan), last_change: Time::ZERO, workers };
    let settles_within = settles_within(plan);
    backend.start(plan)?;
    backend.advance(backend.now() + settles_within, &mut sight)?;
    let mut before = sight.workers.clone();
    let mut began = backend.now();
    let mut refused = None;
    for (number, planned) in plan.actions.iter().enumerate() {
        if number >= plan.given {
            before = sight.workers.clone();
            began = backend.now();
        }
        let resolved = planned.action.resolve(|word| match word {
            NodeWord::Named(node) => Ok(node),
            NodeWord::Owner | NodeWord::Standby | NodeWord::FirstOwner | NodeWord::FirstStandby => {
                sight.picture.resolve(word).map_err(|error| PredictError::Lacks(error.to_string()))
            }
        })?;
        match backend.apply(ActionNo(number as u16), resolved) {
            Err(BackendError::Apply(error)) if number >= plan.given => refused = Some(error.to_string()),
            applied => drop(applied?),
        }
        backend.advance(backend.now() + settles_within, &mut sight)?;
    }
    let owner = sight.picture.owner().ok();
    let is_online = sight.picture.role_state() == Some(RoleState::Online);
    Ok(Story {
        before,
        after: sight.workers.clone(),
        owner: owner.filter(|_| is_online),
        refused,
        settled_after: (sight.last_change > began).then(|| sight.last_change.since(began)),
    })
}

/// How long the model is left alone before and after something happens: a worker may sleep for one of its heartbeats before
/// it tries again.
fn settles_within(plan: &Plan) -> Duration {
    let beat = |worker: &WorkerMachine| Duration::from(worker.settings.agent_heartbeat_interval);
    let longest = plan.topology.workers.iter().map(beat).max().unwrap_or_default();
    SETTLES_WITHIN + longest.min(A_DAY).saturating_sub(USUAL_BEAT)
}

fn away_in(states: &[WorkerState]) -> usize {
    states.iter().filter(|state| !matches!(state, WorkerState::Connected { .. })).count()
}

/// The other answers to an assumption with which another number of workers stays away than is `known`, or all are back later
/// than promised where they are in time.
fn vary(
    plan: &Plan,
    backend: &mut SimBackend,
    assumption: Assumption,
    (known, settled_after): (usize, Option<Duration>),
) -> Result<Vec<Otherwise>, PredictError> {
    let own = plan.assumptions.value(assumption);
    let is_late = |time: &Duration| *time > plan.topology.promises.reconnect_within;
    let mut otherwise = Vec::new();
    for (number, value) in assumption.question().values.iter().enumerate() {
        if number != own {
            let assumptions = plan.assumptions.with(assumption, number);
            let other = Plan { assumptions, ..plan.clone() };
            let story = tell(&other, backend)?;
            let away = away_in(&story.after);
            let late = story.settled_after.filter(|time| away == 0 && is_late(time));
            if away != known || (late.is_some() && !settled_after.as_ref().is_some_and(is_late)) {
                otherwise.push(Otherwise {
                    assumption: assumption.question().id,
                    answer: value.word,
                    away,
                    settled_after: late,
                });
            }
        }
    }
    Ok(otherwise)
}

fn of_first(stories: &[Story]) -> usize {
    stories.first().map_or(0, |story| away_in(&story.after))
}

/// What preflight says is wrong: what the topology holds, and what it or the model does not have.
fn wrong(snapshot: &Snapshot, not_held: &[NotHeld]) -> (Vec<String>, Vec<String>) {
    let found = preflight::inspect(snapshot);
    let is_held = |finding: &Finding| {
        let is_it = |(rule, subject): &(&str, String)| {
            *rule == finding.rule.name && preflight::plain(subject) == finding.subject
        };
        !not_held.iter().filter_map(|one| one.breaks.as_ref()).any(is_it)
    };
    let (in_the_model, others): (Vec<&Finding>, Vec<&Finding>) =
        found.wrong().partition(|finding| is_in_the_model(finding.rule.name) && is_held(finding));
    let told = |findings: Vec<&Finding>| {
        findings.into_iter().map(|finding| format!("{} on {}", finding.rule.name, finding.subject)).collect()
    };
    (told(in_the_model), told(others))
}

/// Whether a breach of this rule of preflight changes the topology or its nodes, so that the simulator shows what comes of
/// it, but for one of a kind that no topology holds ([`NotHeld`]).
pub fn is_in_the_model(rule: &str) -> bool {
    IN_THE_MODEL.contains(&rule) || state::RULES.contains(&rule) || changes_by(rule)
}

/// Whether a breach of this rule becomes a step before anything happens.
fn changes_by(rule: &str) -> bool {
    CHANGES.iter().any(|(changing, _)| *changing == rule)
}

/// How many runs there are for each event, each with a seed of its own.
const RUNS: u64 = 8;

/// How long the model is left alone where workers have the usual heartbeat. Our own choice: far longer than the slowest
/// failover of its timings, and short of the hour after which Windows tries a failed resource again.
const SETTLES_WITHIN: Duration = Duration::from_secs(30 * 60);

/// The default of AgentHeartbeatInterval (integration-services-ssis-scale-out-worker, documented).
const USUAL_BEAT: Duration = Duration::from_secs(60);

/// Nobody waits longer for a prediction, whatever the heartbeat.
const A_DAY: Duration = Duration::from_secs(86_400);

const IN_THE_MODEL: &[&str] = &[
    "quorum_survives_a_node",
    "node_may_own_the_instance",
    "noted_name_is_the_network_name",
    "node_may_own_the_disks",
    "log_server_is_the_network_name",
    "availability_group_has_a_listener",
    "certificate_names_the_network_name",
    "same_certificate_on_every_node",
    "private_key_opens_on_every_node",
    "port_is_bound_to_the_certificate",
    "sql_server_name_is_well_formed",
    "sql_server_name_is_the_network_name",
    "master_waits_for_its_providers",
    "master_is_started_again",
    "node_may_own_the_master",
    "endpoint_is_the_network_name",
    "worker_pins_the_master_certificate",
    "master_certificate_is_trusted",
    "worker_key_opens",
    "worker_certificates_are_trusted",
    "worker_certificates_are_the_machines",
    "same_port_on_every_node",
    "sql_logins_are_allowed",
    "worker_is_enabled",
    "master_certificate_is_valid",
];
