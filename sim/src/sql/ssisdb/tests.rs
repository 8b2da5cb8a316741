//! Do the procedures of SSISDB change what they shall?

use super::*;

const W1: WorkerId = WorkerId(0);
const W2: WorkerId = WorkerId(1);
const LOAD: LoadId = LoadId(0);

fn at(secs: u64) -> Time {
    Time::from_micros(secs * 1_000_000)
}

fn report(task: TaskId, finished: bool) -> Report {
    Report { task, finished, lease: Duration::from_secs(60).into() }
}

/// The task that changed last.
fn last(changes: &[Change]) -> TaskRow {
    let rows = changes.iter().rev().filter_map(|change| match *change {
        Change::Task(row) => Some(row),
        Change::WorkerAgent(..) => None,
    });
    rows.into_iter().next().expect("a task changed")
}

/// Two enabled workers and one task with so many retries.
fn started(retry_count: u8) -> (Ssisdb, TaskId) {
    let mut ssisdb = Ssisdb::new([true, true]);
    let task = ssisdb.start_execution(Time::ZERO, LOAD, None, Duration::ZERO, retry_count, &mut Vec::new());
    (ssisdb, task)
}

#[test]
fn a_new_worker_is_registered_but_disabled() {
    let mut ssisdb = Ssisdb::new([false]);
    let mut changes = Vec::new();
    let pull = Call::PullTask { worker: W1 };
    assert_eq!(ssisdb.call(at(0), pull, &mut changes), Err(SqlError::Message(WORKER_UNKNOWN)));
    let beat = Call::UpdateWorkerAgentStatus { worker: W1 };
    assert_eq!(ssisdb.call(at(0), beat, &mut changes), Ok(Answer::Registered { enabled: false }));
    assert_eq!(ssisdb.call(at(0), pull, &mut changes), Err(SqlError::Message(WORKER_DISABLED)));
}

#[test]
fn a_deleted_worker_comes_back_disabled() {
    let mut ssisdb = Ssisdb::new([true]);
    let mut changes = Vec::new();
    let mut call = |ssisdb: &mut Ssisdb, call| ssisdb.call(at(0), call, &mut changes);
    let pull = Call::PullTask { worker: W1 };
    assert!(ssisdb.enable(W1, false));
    assert_eq!(call(&mut ssisdb, pull), Err(SqlError::Message(WORKER_DISABLED)));
    assert!(ssisdb.enable(W1, true));
    assert_eq!(call(&mut ssisdb, pull), Ok(Answer::NoTask));
    assert!(ssisdb.delete_agent(W1) && !ssisdb.delete_agent(W1) && !ssisdb.enable(W1, true));
    assert_eq!(call(&mut ssisdb, pull), Err(SqlError::Message(WORKER_UNKNOWN)));
    let beat = Call::UpdateWorkerAgentStatus { worker: W1 };
    assert_eq!(call(&mut ssisdb, beat), Ok(Answer::Registered { enabled: false }));
    assert!(ssisdb.enable(W1, true));
    assert_eq!(call(&mut ssisdb, pull), Ok(Answer::NoTask));
}

#[test]
fn the_first_lease_is_five_minutes_whatever_the_worker_says() {
    let (mut ssisdb, task) = started(1);
    let mut changes = Vec::new();
    ssisdb.call(at(0), Call::PullTask { worker: W1 }, &mut changes).expect("a task");
    ssisdb.call(at(299), Call::SweepExpiredTasks, &mut changes).expect("a sweep");
    assert_eq!(last(&changes).state, TaskState::HandedOut);
    ssisdb.call(at(300), Call::SweepExpiredTasks, &mut changes).expect("a sweep");
    assert_eq!((last(&changes).task, last(&changes).state), (task, TaskState::Ready));
}

#[test]
fn a_swept_task_goes_to_another_worker_and_the_first_one_is_refused() {
    let (mut ssisdb, task) = started(1);
    let mut changes = Vec::new();
    ssisdb.call(at(0), Call::PullTask { worker: W1 }, &mut changes).expect("a task");
    let running = Call::UpdateTaskStatus { worker: W1, report: report(task, false) };
    assert_eq!(ssisdb.call(at(1), running, &mut changes), Ok(Answer::Done));
    ssisdb.call(at(61), Call::SweepExpiredTasks, &mut changes).expect("a sweep");
    assert!(matches!(
        ssisdb.call(at(62), Call::PullTask { worker: W2 }, &mut changes),
        Ok(Answer::Task(grant)) if grant.task == task
    ));
    assert_eq!(ssisdb.call(at(63), running, &mut changes), Err(SqlError::Message(NOT_THE_OWNER)));
    let done = Call::UpdateTaskStatus { worker: W2, report: report(task, true) };
    assert_eq!(ssisdb.call(at(64), done, &mut changes), Ok(Answer::Done));
    assert_eq!(last(&changes).executed_count, 2);
}

#[test]
fn startup_marks_executions_as_ended_and_a_later_report_sets_that_right() {
    let (mut ssisdb, task) = started(1);
    let mut changes = Vec::new();
    let running = Call::UpdateTaskStatus { worker: W1, report: report(task, false) };
    let done = Call::UpdateTaskStatus { worker: W1, report: report(task, true) };
    ssisdb.startup(&mut changes);
    assert_eq!(
        (last(&changes).state, last(&changes).execution),
        (TaskState::Ready, ExecutionStatus::EndedUnexpectedly)
    );
    ssisdb.call(at(0), Call::PullTask { worker: W1 }, &mut changes).expect("a task");
    assert_eq!(last(&changes).execution, ExecutionStatus::EndedUnexpectedly);
    ssisdb.call(at(1), running, &mut changes).expect("its owner reports");
    assert_eq!(last(&changes).execution, ExecutionStatus::Running);
    ssisdb.startup(&mut changes);
    assert_eq!(
        (last(&changes).state, last(&changes).execution),
        (TaskState::Running, ExecutionStatus::EndedUnexpectedly)
    );
    ssisdb.call(at(2), done, &mut changes).expect("its owner reports");
    assert_eq!(last(&changes).execution, ExecutionStatus::Succeeded);
    changes.clear();
    ssisdb.startup(&mut changes);
    assert!(changes.is_empty() && !ssisdb.has_live_executions());
}

#[test]
fn without_a_retry_an_expired_task_fails() {
    let (mut ssisdb, _) = started(0);
    let mut changes = Vec::new();
    ssisdb.call(at(0), Call::PullTask { worker: W1 }, &mut changes).expect("a task");
    ssisdb.call(at(300), Call::SweepExpiredTasks, &mut changes).expect("a sweep");
    assert_eq!(last(&changes).state, TaskState::Failed);
    assert_eq!(ssisdb.call(at(301), Call::PullTask { worker: W2 }, &mut changes), Ok(Answer::NoTask));
}

#[test]
fn a_task_for_a_named_worker_waits_for_that_worker() {
    let mut ssisdb = Ssisdb::new([true, true]);
    let mut changes = Vec::new();
    ssisdb.start_execution(Time::ZERO, LOAD, Some(W2), Duration::ZERO, 0, &mut changes);
    assert_eq!(ssisdb.call(at(0), Call::PullTask { worker: W1 }, &mut changes), Ok(Answer::NoTask));
    assert!(matches!(ssisdb.call(at(0), Call::PullTask { worker: W2 }, &mut changes), Ok(Answer::Task(_))));
}

#[test]
fn a_task_that_was_swept_is_ready_anew_and_waits_behind_those_that_were_ready_before() {
    let mut ssisdb = Ssisdb::new([true]);
    let mut changes = Vec::new();
    let first = ssisdb.start_execution(at(0), LOAD, Some(W1), Duration::ZERO, 1, &mut changes);
    let mut pull = |ssisdb: &mut Ssisdb, secs| {
        let pulled = ssisdb.call(at(secs), Call::PullTask { worker: W1 }, &mut changes);
        let Ok(Answer::Task(grant)) = pulled else { panic!("a task is ready: {pulled:?}") };
        grant.task
    };
    assert_eq!(pull(&mut ssisdb, 0), first);
    let second = ssisdb.start_execution(at(1), LOAD, None, Duration::ZERO, 0, &mut Vec::new());
    ssisdb.call(at(300), Call::SweepExpiredTasks, &mut Vec::new()).expect("a sweep");
    assert_eq!([pull(&mut ssisdb, 301), pull(&mut ssisdb, 301)], [second, first]);
}

/// The order of a vector from which each task that is over is swapped out.
#[test]
fn the_last_task_that_a_worker_holds_takes_the_place_of_one_that_is_over() {
    let mut ssisdb = Ssisdb::new([true]);
    let mut model: Vec<TaskId> = Vec::new();
    let mut random = 1_u64;
    for round in 0..2_000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let roll = (random >> 33) as usize;
        if model.len() < 6 && roll.is_multiple_of(2) || model.is_empty() {
            ssisdb.start_execution(Time::ZERO, LOAD, None, Duration::ZERO, 0, &mut Vec::new());
            let pulled = ssisdb.call(at(0), Call::PullTask { worker: W1 }, &mut Vec::new());
            let Ok(Answer::Task(grant)) = pulled else { panic!("a task is ready: {pulled:?}") };
            model.push(grant.task);
        } else {
            let report = report(model.swap_remove(roll / 2 % model.len()), true);
            let call = Call::UpdateTaskStatus { worker: W1, report };
            assert_eq!(ssisdb.call(at(0), call, &mut Vec::new()), Ok(Answer::Done));
        }
        let held = (0..).map_while(|place| ssisdb.held(W1, place));
        let held: Vec<TaskId> = held.map(|slot| ssisdb.tasks[slot.index()].id).collect();
        assert_eq!(held, model, "round {round}");
        assert_eq!(ssisdb.live_tasks as usize, model.len());
    }
}
