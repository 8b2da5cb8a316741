//! What does each pure machine do in each of its states, whatever happens?
//!
//! Every state that a cluster service, its resources, a master and a worker can reach, and every event in it: a table beside this test. A change of the
//! model shows as a change of lines. `UPDATE_GOLDEN=1` writes them anew.

use std::collections::HashMap;
use std::fmt::{Debug, Write};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use failover_sim::choices::Choices;
use failover_sim::cluster::{
    ClusterEffect, ClusterEvent, ClusterService, Epoch, Regroup, RestartAction, RoleView, RoleViews, Rundown,
    Wanted,
};
use failover_sim::names::{LoadId, NodeId, NodeSet, ResourceId, RoleId, TaskId, WorkerId};
use failover_sim::observe::{ErrorFamily, Loss};
use failover_sim::scaleout::{
    Grant, Master, MasterEffect, MasterEvent, Report, Request, Response, Worker, WorkerEvent, WorkerSettings,
};
use failover_sim::sql::{Answer, SqlError};
use failover_sim::step::{Machine, Shared};
use failover_sim::time::Time;
use failover_tests::{plan_of, root, two_node_fci};

/// A machine somewhere on its way; `now` is when it got there.
#[derive(Clone)]
struct State<M> {
    machine: M,
    now: Time,
}

fn number<M: Hash>(machine: &M) -> u64 {
    let mut hasher = DefaultHasher::new();
    machine.hash(&mut hasher);
    hasher.finish()
}

/// The event that happens at the machine's next deadline that leads to anything; every other one happens at once.
const DUE: &str = "due";

/// Steps from every state that can be reached: `S1  event -> S2  effects`.
fn table<M: Machine>(first: M, events: &[(&str, M::Event)], choices: &Choices) -> String
where
    M::Effect: Debug,
{
    let mut text = String::new();
    let mut known = HashMap::from([(number(&first), 0)]);
    let mut states = vec![State { machine: first, now: Time::ZERO }];
    let mut next = 0;
    while let Some(state) = states.get(next).cloned() {
        for &(name, event) in events {
            let mut after = state.clone();
            let mut effects = Vec::new();
            if name == DUE {
                // Deadlines of one state are told apart by what they lead to, so those that lead to nothing are passed.
                for _ in 0..100 {
                    let Some(deadline) = after.machine.next_deadline() else { break };
                    after.now = deadline;
                    after.machine.step(deadline, event, &mut choices.clone(), &mut effects);
                    if !effects.is_empty() || number(&after.machine) != number(&state.machine) {
                        break;
                    }
                }
            } else {
                after.machine.step(state.now, event, &mut choices.clone(), &mut effects);
            }
            let number = number(&after.machine);
            let count = known.len();
            let to = *known.entry(number).or_insert(count);
            if to == count {
                states.push(after);
            }
            let does = effects.iter().map(|effect| format!("{effect:?}")).collect::<Vec<_>>().join(", ");
            if to != next || !does.is_empty() {
                writeln!(text, "S{next}  {name} -> S{to}  {does}").expect("memory can be written to");
            }
        }
        next += 1;
        assert!(next < 2_000, "the table has no end");
    }
    text
}

fn is_as_it_was(file: &str, text: &str) {
    let file = root().join("tests").join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, text).expect("the repository can be written to");
    }
    let golden = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = golden.lines().zip(text.lines()).find(|(golden, text)| golden != text);
    assert!(
        golden == text,
        "{}: {differs:?}\nif it should: UPDATE_GOLDEN=1 cargo test -p failover-tests --test transition_tables",
        file.display()
    );
}

const NOTHING: &str = "\
proves: nothing by itself
about: { topology: two_node_fci }
steps:
  - hold: { for: 1s, role: { state: online } }
";

const W: WorkerId = WorkerId(0);

fn grant(duration: Duration) -> Grant {
    Grant { task: TaskId(1), load: LoadId(0), duration: duration.into() }
}

/// A master that workers ask: the calls that it makes for them are told beside its own.
#[derive(Clone, Hash)]
struct Asked(Master);

#[derive(Clone, Copy, Debug)]
enum MasterHappening {
    Plain(MasterEvent),
    Request(Request),
}

impl Machine for Asked {
    type Event = MasterHappening;
    type Effect = MasterEffect;

    fn step(
        &mut self,
        now: Time,
        event: MasterHappening,
        choices: &mut Choices,
        effects: &mut Vec<MasterEffect>,
    ) {
        match event {
            MasterHappening::Plain(event) => self.0.step(now, event, choices, effects),
            MasterHappening::Request(request) => {
                effects.extend(self.0.call_for(W, request).map(MasterEffect::Ask));
            }
        }
    }

    fn next_deadline(&self) -> Option<Time> {
        self.0.next_deadline()
    }
}

#[test]
fn the_master_does_what_its_table_says() {
    let plan = plan_of(NOTHING, &two_node_fci(), 1);
    let settings = plan.topology.nodes[0].master_settings.clone();
    let report = Report { task: TaskId(1), finished: false, lease: Duration::from_secs(60).into() };
    let plain = MasterHappening::Plain;
    let events = [
        ("started", plain(MasterEvent::Started)),
        (DUE, plain(MasterEvent::Woken)),
        ("own call done", plain(MasterEvent::Answered(Ok(Answer::Done)))),
        ("own call unreachable", plain(MasterEvent::Answered(Err(SqlError::Unreachable)))),
        ("heartbeat arrives", MasterHappening::Request(Request::AgentHeartbeat)),
        ("task request arrives", MasterHappening::Request(Request::RequestTask)),
        ("report arrives", MasterHappening::Request(Request::ReportTask(report))),
        ("stopped", plain(MasterEvent::Stopped)),
    ];
    let text = table(Asked(Master::new(settings)), &events, &plan.choices());
    is_as_it_was("transitions_master.txt", &text);
}

#[test]
fn the_worker_does_what_its_table_says() {
    let plan = plan_of(NOTHING, &two_node_fci(), 1);
    let settings = &plan.topology.workers[0].settings;
    let settings = Shared::new(WorkerSettings { max_task_count: 1, ..(**settings).clone() });
    // What SSISDB says to its master.
    let answered = |answer| WorkerEvent::Answered(Response::of(answer));
    let events = [
        ("started", WorkerEvent::Started),
        (DUE, WorkerEvent::Woken),
        ("connected", WorkerEvent::Connected),
        ("connect failed", WorkerEvent::ConnectFailed(ErrorFamily::EndpointNotFound)),
        ("connection reset", WorkerEvent::Lost(Loss::Reset)),
        ("answer: registered", answered(Ok(Answer::Registered { enabled: true }))),
        ("answer: no task", answered(Ok(Answer::NoTask))),
        ("answer: task", answered(Ok(Answer::Task(grant(Duration::from_secs(30)))))),
        ("answer: noted", answered(Ok(Answer::Done))),
        ("answer: 27246", answered(Err(SqlError::Message(27_246)))),
        ("answer: no database", answered(Err(SqlError::Unreachable))),
        ("answer: forbidden", WorkerEvent::Answered(Response::Forbidden)),
    ];
    let text = table(Worker::new(W, settings), &events, &plan.choices());
    is_as_it_was("transitions_worker.txt", &text);
}

/// A cluster service whose calls are answered: who answers names the last call.
#[derive(Clone, Hash)]
struct Answered(ClusterService);

#[derive(Clone, Copy, Debug)]
#[expect(clippy::large_enum_variant, reason = "a handful of them, in a table")]
enum ClusterHappening {
    Plain(ClusterEvent),
    CallEnded(ResourceId, bool),
}

impl Machine for Answered {
    type Event = ClusterHappening;
    type Effect = ClusterEffect;

    fn step(
        &mut self,
        now: Time,
        event: ClusterHappening,
        choices: &mut Choices,
        effects: &mut Vec<ClusterEffect>,
    ) {
        let event = match event {
            ClusterHappening::Plain(event) => event,
            ClusterHappening::CallEnded(resource, succeeded) => {
                let attempt = self.0.attempt(resource);
                ClusterEvent::CallEnded { resource, attempt, succeeded }
            }
        };
        self.0.step(now, event, choices, effects);
    }

    fn next_deadline(&self) -> Option<Time> {
        self.0.next_deadline()
    }
}

const ROLE: RoleId = RoleId(0);
const HERE: NodeId = NodeId(0);
const THERE: NodeId = NodeId(1);

/// The role of the guide's cluster with its first so many resources.
fn service(resources: usize, when_one_fails: RestartAction) -> Answered {
    let plan = plan_of(NOTHING, &two_node_fci(), 1);
    let mut config = (*plan.topology.cluster).clone();
    config.resources.truncate(resources);
    for (index, resource) in config.resources.iter_mut().enumerate() {
        // A chain: each needs the one before it.
        resource.depends_on =
            index.checked_sub(1).map(|below| ResourceId(below as u16)).into_iter().collect();
        resource.policy.restart_action = when_one_fails;
        resource.policy.restart_threshold = Some(1);
    }
    config.roles[0].resources.truncate(resources);
    config.roles[0].failover_threshold = Some(1);
    Answered(ClusterService::new(HERE, Shared::new(config)))
}

fn regroup(members: &[NodeId], quorate: bool, owner: Option<NodeId>) -> ClusterHappening {
    let members: NodeSet = members.iter().copied().collect();
    let mut roles = RoleViews::default();
    roles.of_mut(ROLE).owner = owner;
    ClusterHappening::Plain(ClusterEvent::Regrouped(Regroup {
        epoch: Epoch(1),
        members,
        paused: NodeSet::EMPTY,
        isolated: NodeSet::EMPTY,
        quarantined: NodeSet::EMPTY,
        votes: members,
        witness_vote: false,
        quorate,
        roles,
    }))
}

fn of_resource(resource: u16) -> [(String, ClusterHappening); 3] {
    let id = ResourceId(resource);
    [
        (format!("resource {resource}: call succeeds"), ClusterHappening::CallEnded(id, true)),
        (format!("resource {resource}: call fails"), ClusterHappening::CallEnded(id, false)),
        (format!("resource {resource} fails"), ClusterHappening::Plain(ClusterEvent::ResourceFailed(id))),
    ]
}

#[test]
fn the_cluster_service_does_what_its_table_says() {
    let plan = plan_of(NOTHING, &two_node_fci(), 1);
    let plain = ClusterHappening::Plain;
    let wanted = |wanted| plain(ClusterEvent::RoleRequested { role: ROLE, wanted });
    let told = |owner| {
        let view = RoleView { owner: Some(owner), ..RoleView::default() };
        plain(ClusterEvent::RoleTold { role: ROLE, view })
    };
    let moved = plain(ClusterEvent::MoveRequested { role: ROLE, to: THERE });
    let mut events: Vec<(&str, ClusterHappening)> = vec![
        ("started", plain(ClusterEvent::Started)),
        (DUE, plain(ClusterEvent::Woken)),
        ("regroup of both, nobody owns", regroup(&[HERE, THERE], true, None)),
        ("regroup of both, owned there", regroup(&[HERE, THERE], true, Some(THERE))),
        ("regroup alone, owned there", regroup(&[HERE], true, Some(THERE))),
        ("regroup without quorum", regroup(&[HERE], false, Some(HERE))),
        ("told: owned here", told(HERE)),
        ("move requested", moved),
        ("offline requested", wanted(Wanted::Offline)),
        ("online requested", wanted(Wanted::Online)),
        ("stop requested", plain(ClusterEvent::StopRequested)),
        ("killed", plain(ClusterEvent::Killed { rundown: Rundown::Abrupt })),
        ("killed, resources shut down", plain(ClusterEvent::Killed { rundown: Rundown::Graceful })),
        ("evicted", plain(ClusterEvent::Evicted)),
    ];
    let resource = of_resource(0);
    events.extend(resource.iter().map(|(name, event)| (name.as_str(), *event)));
    is_as_it_was(
        "transitions_cluster.txt",
        &table(service(1, RestartAction::DoNotRestart), &events, &plan.choices()),
    );
}

#[test]
fn the_resources_of_a_role_do_what_their_table_says() {
    let plan = plan_of(NOTHING, &two_node_fci(), 1);
    let wanted = |wanted| ClusterHappening::Plain(ClusterEvent::RoleRequested { role: ROLE, wanted });
    let mut first = service(2, RestartAction::RestartThenFailOver);
    let (mut choices, mut effects) = (plan.choices(), Vec::new());
    for event in [ClusterHappening::Plain(ClusterEvent::Started), regroup(&[HERE, THERE], true, Some(HERE))] {
        first.step(Time::ZERO, event, &mut choices, &mut effects);
    }
    let mut events: Vec<(&str, ClusterHappening)> = vec![
        (DUE, ClusterHappening::Plain(ClusterEvent::Woken)),
        ("offline requested", wanted(Wanted::Offline)),
        ("online requested", wanted(Wanted::Online)),
    ];
    let resources = [of_resource(0), of_resource(1)];
    events.extend(resources.as_flattened().iter().map(|(name, event)| (name.as_str(), *event)));
    is_as_it_was("transitions_resources.txt", &table(first, &events, &plan.choices()));
}
