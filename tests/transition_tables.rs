//! What does each pure machine do in each of its states, whatever happens?
//!
//! Every state that a master and a worker can reach, and every event in it: a table beside this test. A change of the
//! model shows as a change of lines. `UPDATE_GOLDEN=1` writes them anew.

use std::collections::HashMap;
use std::fmt::{Debug, Write};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use failover_sim::choices::Choices;
use failover_sim::names::{LoadId, TaskId, WorkerId};
use failover_sim::observe::{ErrorFamily, Loss};
use failover_sim::scaleout::{
    Asker, Grant, Master, MasterEvent, Report, Request, Response, Worker, WorkerEvent, WorkerSettings,
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
    Grant { task: TaskId(1), load: LoadId(0), duration }
}

#[test]
fn the_master_does_what_its_table_says() {
    let plan = plan_of(NOTHING, &two_node_fci(), 1);
    let settings = plan.topology.nodes[0].master_settings.clone();
    let report = Report { task: TaskId(1), finished: false, lease: Duration::from_secs(60) };
    let own = |answer| MasterEvent::Answered { asker: Asker::Own, answer };
    let asked = |request| MasterEvent::RequestArrived { from: W, request };
    let answered = |answer| MasterEvent::Answered { asker: Asker::Worker(W), answer };
    let events = [
        ("started", MasterEvent::Started),
        (DUE, MasterEvent::Woken),
        ("own call done", own(Ok(Answer::Done))),
        ("own call unreachable", own(Err(SqlError::Unreachable))),
        ("heartbeat arrives", asked(Request::AgentHeartbeat)),
        ("task request arrives", asked(Request::RequestTask)),
        ("report arrives", asked(Request::ReportTask(report))),
        ("worker's call: registered", answered(Ok(Answer::Registered { enabled: true }))),
        ("worker's call: no task", answered(Ok(Answer::NoTask))),
        ("worker's call: task", answered(Ok(Answer::Task(grant(Duration::from_secs(30)))))),
        ("worker's call: done", answered(Ok(Answer::Done))),
        ("worker's call: 27246", answered(Err(SqlError::Message(27_246)))),
        ("worker's call unreachable", answered(Err(SqlError::Unreachable))),
        ("stopped", MasterEvent::Stopped),
    ];
    let text = table(Master::new(settings), &events, &plan.choices());
    is_as_it_was("transitions_master.txt", &text);
}

#[test]
fn the_worker_does_what_its_table_says() {
    let plan = plan_of(NOTHING, &two_node_fci(), 1);
    let settings = &plan.topology.workers[0].settings;
    let settings = Shared::new(WorkerSettings { max_task_count: 1, ..(**settings).clone() });
    let events = [
        ("started", WorkerEvent::Started),
        (DUE, WorkerEvent::Woken),
        ("connected", WorkerEvent::Connected),
        ("connect failed", WorkerEvent::ConnectFailed(ErrorFamily::EndpointNotFound)),
        ("connection reset", WorkerEvent::Lost(Loss::Reset)),
        ("answer: registered", WorkerEvent::Answered(Response::Registered { enabled: true })),
        ("answer: no task", WorkerEvent::Answered(Response::NoTask)),
        ("answer: task", WorkerEvent::Answered(Response::Task(grant(Duration::from_secs(30))))),
        ("answer: noted", WorkerEvent::Answered(Response::Noted)),
        ("answer: 27246", WorkerEvent::Answered(Response::Refused { number: 27_246 })),
        ("answer: no database", WorkerEvent::Answered(Response::NoDatabase)),
        ("answer: forbidden", WorkerEvent::Answered(Response::Forbidden)),
    ];
    let text = table(Worker::new(W, settings), &events, &plan.choices());
    is_as_it_was("transitions_worker.txt", &text);
}
