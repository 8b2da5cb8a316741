//! Are executions started, seen, and over again when a run is, and does nobody claim to have seen more than could be?

use std::collections::BTreeSet;

use failover_sim::names::{NodeId, TaskId, WorkerId};
use failover_sim::observe::{ExecutionStatus, Fact, Record, TaskState, Watch};

use super::journal::{Journal, State, Undo};
use super::reach::Host;
use super::twin::{Dialect, Fault, Mishap, Twin};
use super::*;
use crate::check::Outcome;
use crate::director;
use crate::judge::Judgement;
use crate::scenario::tests_support::plan_of;

const NODE1: Host = Host::Node(NodeId(0));

struct Ran {
    judgement: Judgement,
    entries: Vec<(Undo, State)>,
    records: Vec<Record>,
    ended: Time,
}

fn run(steps: &str, faults: Vec<Fault>) -> Ran {
    let folder = tempfile::tempdir().expect("a folder");
    let twin = Twin::with_faults(Dialect::Nasty, faults);
    let mut backend = LabBackend::new(twin, Some(folder.path().to_owned()));
    let mut records = Vec::new();
    let judgement = director::run(&plan_of(steps), &mut backend, &mut records);
    let entries = backend.journal().map(Journal::entries).unwrap_or_default();
    let entries = entries.iter().map(|entry| (entry.undo.clone(), entry.state)).collect();
    Ran { judgement, entries, records, ended: backend.now() }
}

fn problem(judgement: &Judgement) -> &str {
    assert_eq!(judgement.outcome, Outcome::Inconclusive, "{judgement:#?}");
    let found = judgement.findings.iter().find(|finding| finding.what == "the surroundings");
    found.and_then(|finding| finding.evidence.first()).map_or("", String::as_str)
}

fn always(verb: &'static str, first: u32, mishap: Mishap) -> Vec<Fault> {
    (first..=3_000).map(|time| Fault { host: NODE1, verb, time, mishap }).collect()
}

const WORK: &str = "- start_executions: { as: work, count: 2, duration: 30s, retry_count: 1 }
- expect: { within: 3m, tasks: { of: work, which: every, state: succeeded, executed_count: 1 } }";

#[test]
fn what_becomes_of_an_execution_is_told_in_its_order() {
    let Ran { judgement, entries, records, .. } = run(WORK, Vec::new());
    assert_eq!(judgement.outcome, Outcome::Pass, "{judgement:#?}");
    assert_eq!(entries, [(Undo::StopExecutions { after: 100 }, State::Undone)]);
    let of_first = records.iter().filter_map(|record| {
        let Fact::Task { task: TaskId(0), state, executed_count, execution, .. } = record.fact else {
            return None;
        };
        assert!(record.earliest <= record.latest);
        Some((state, executed_count, execution))
    });
    // That it was handed out lies between two looks, and is certain.
    let expected = [
        (TaskState::Ready, 0, ExecutionStatus::Pending),
        (TaskState::HandedOut, 1, ExecutionStatus::Pending),
        (TaskState::Running, 1, ExecutionStatus::Running),
        (TaskState::Succeeded, 1, ExecutionStatus::Succeeded),
    ];
    assert_eq!(of_first.collect::<Vec<_>>(), expected);
    let packages = records.iter().filter_map(|record| {
        let Fact::Package { task: TaskId(0), runs, .. } = record.fact else { return None };
        Some(runs)
    });
    assert_eq!(packages.collect::<Vec<_>>(), [true, false]);
}

#[test]
fn executions_that_are_under_way_when_a_run_breaks_off_are_stopped() {
    let steps = "- start_executions: { as: work, count: 3, duration: 10h, retry_count: 0 }
- expect: { within: 3m, tasks: { of: work, which: every, state: running } }
- move_role: { to: standby }";
    let breaks = Fault { host: NODE1, verb: "move_role", time: 1, mishap: Mishap::DieBefore };
    let Ran { judgement, entries, ended, .. } = run(steps, vec![breaks]);
    assert!(problem(&judgement).contains("moving the role"), "{}", problem(&judgement));
    assert!(entries.iter().all(|(_, state)| *state == State::Undone), "{entries:?}");
    assert!(ended < Time::ZERO + Duration::from_secs(1_800), "nobody waits for ten hours: {ended:?}");
}

#[test]
fn an_execution_whose_start_was_never_answered_is_found_and_stopped() {
    let steps = "- start_executions: { as: work, count: 1, duration: 10h, retry_count: 0 }";
    let dies = Fault { host: NODE1, verb: "start_executions", time: 1, mishap: Mishap::DieAfter };
    let Ran { judgement, entries, .. } = run(steps, vec![dies]);
    assert!(problem(&judgement).contains("starting executions"), "{}", problem(&judgement));
    assert_eq!(entries, [(Undo::StopExecutions { after: 100 }, State::Undone)]);
}

#[test]
fn without_the_package_or_a_role_that_sees_it_nothing_is_begun() {
    let not_there = "`NODE1`: the package `failover-lab` is not deployed in SSISDB\nhint: `failover lab package --write \
                     failover-lab.ispac`, and deploy it as docs/lab.md says";
    let not_seen = "`NODE1`: the account may not see whether the package `failover-lab` is deployed: it is in none of \
                    ssis_admin and sysadmin";
    for (mishap, expected) in [(Mishap::NoPackage, not_there), (Mishap::NoRole, not_seen)] {
        let Ran { judgement, entries, records, .. } = run(WORK, always("read_package", 1, mishap));
        assert_eq!(problem(&judgement), expected);
        assert_eq!(entries, []);
        assert!(!records.iter().any(|record| matches!(record.fact, Fact::Acting { .. })));
    }
    let Ran { judgement, entries, .. } = run(WORK, always("read_package", 1, Mishap::Deny));
    assert!(problem(&judgement).starts_with("the session with `NODE1` failed while looking for the package"));
    assert_eq!(entries, []);
}

#[test]
fn zero_rows_without_the_role_are_no_look() {
    // The role is taken away while packages run.
    let steps = "- start_executions: { as: work, count: 2, duration: 10m, retry_count: 1 }
- expect: { within: 15m, tasks: { of: work, which: every, state: succeeded } }";
    let Ran { judgement, records, .. } = run(steps, always("read_ssisdb", 110, Mishap::NoRole));
    let states: BTreeSet<TaskState> = records
        .iter()
        .filter_map(|record| {
            let Fact::Task { state, .. } = record.fact else { return None };
            Some(state)
        })
        .collect();
    assert_eq!(states.last(), Some(&TaskState::Running));
    assert!(
        !records
            .iter()
            .any(|record| { matches!(record.fact, Fact::WorkerAgent { row: AgentRow::Missing, .. }) })
    );
    assert!(records.iter().any(|record| record.fact == Fact::Unwatched(Watch::Ssisdb)));
    assert_eq!(judgement.outcome, Outcome::Inconclusive, "{judgement:#?}");
}

#[test]
fn what_no_log_has_told_of_is_not_watched() {
    let steps = format!(
        "{WORK}\n- expect: {{ within: 1m, reports: {{ of: work, which: any, refused_with: 27246 }} }}"
    );
    let Ran { judgement, records, .. } = run(&steps, Vec::new());
    assert!(!records.iter().any(|record| {
        matches!(record.fact, Fact::Watching { what: Watch::Reports | Watch::Messages, .. })
    }));
    assert_eq!(judgement.outcome, Outcome::Inconclusive, "{judgement:#?}");
}

#[test]
fn a_double_run_is_seen_in_the_witness_files() {
    let steps = "- start_executions: { as: long, count: 1, duration: 30m, retry_count: 1 }
- expect: { within: 2m, tasks: { of: long, which: every, state: running } }
- hang_worker: { worker: w1 }
- expect: { within: 15m, tasks: { of: long, which: any, state: ready } }
- pause: { for: 5m, because: another worker takes it }";
    let Ran { judgement, records, .. } = run(steps, Vec::new());
    let workers: BTreeSet<WorkerId> = records
        .iter()
        .filter_map(|record| {
            let Fact::Package { worker, runs: true, .. } = record.fact else { return None };
            Some(worker)
        })
        .collect();
    assert!(workers.len() > 1, "{judgement:#?}");
}

#[test]
fn rounds_that_ssisdb_cannot_take_in_are_tried_again() {
    let steps = "- start_executions: { as: work, count: 1, duration: 5s, retry_count: 0, rounds: 4, every: 10s }
- power_off: { node: owner }
- expect: { within: 5m, role: { state: online, owner: first_standby }, workers: { which: every, state: connected } }
- expect: { within: 3m, tasks: { of: work, which: every, state: succeeded } }";
    let Ran { judgement, records, entries, .. } = run(steps, Vec::new());
    assert_eq!(judgement.outcome, Outcome::Pass, "{judgement:#?}");
    let started: Vec<Time> = records
        .iter()
        .filter_map(|record| {
            let Fact::Task { executed_count: 0, state: TaskState::Ready, .. } = record.fact else {
                return None;
            };
            Some(record.latest)
        })
        .collect();
    assert_eq!(started.len(), 4);
    let last = started[3].since(started[0]);
    assert!(last > Duration::from_secs(35), "it came late: {last:?}");
    assert!(entries.iter().all(|(_, state)| *state == State::Undone), "{entries:?}");
}

#[test]
fn settings_of_workers_are_set_back_and_take_effect_in_between() {
    let steps = "- set_workers: { which: every, MaxTaskCount: 1, TaskHeartbeatInterval: 20s }
- expect: { within: 3m, workers: { which: every, state: connected } }
- start_executions: { as: work, count: 5, duration: 5m, retry_count: 0 }
- pause: { for: 1m, because: each worker takes one }
- expect: { within: 10m, tasks: { of: work, which: any, state: ready } }
- expect: { within: 30m, tasks: { of: work, which: every, state: succeeded } }";
    let Ran { judgement, entries, .. } = run(steps, Vec::new());
    assert_eq!(judgement.outcome, Outcome::Pass, "{judgement:#?}");
    let mut values = Vec::new();
    for (undo, state) in &entries {
        assert_eq!(*state, State::Undone, "{undo}");
        if let Undo::RestorePart { host, part, value } = undo {
            values.push(format!("{host} {} {}", part.name(), value.join(",")));
        }
    }
    let of = |text: &str| (1..=3).map(|worker| format!("w{worker} {text}")).collect::<Vec<_>>();
    assert_eq!(values, [of("MaxTaskCount 10"), of("TaskHeartbeatInterval 00:00:10")].concat());
}

#[test]
fn settings_of_workers_that_were_set_half_way_are_set_back() {
    let steps = "- set_workers: { which: every, MaxTaskCount: 1 }";
    let host = Host::Worker(WorkerId(1));
    let dies = Fault { host, verb: "write_part", time: 1, mishap: Mishap::DieAfter };
    let Ran { judgement, entries, .. } = run(steps, vec![dies]);
    assert!(problem(&judgement).starts_with("the session with `w2` failed while setting a part"));
    assert_eq!(entries.len(), 2);
    assert!(entries.iter().all(|(_, state)| *state == State::Undone), "{entries:?}");

    let denies = Fault { host, verb: "read_part", time: 1, mishap: Mishap::Deny };
    let Ran { judgement, entries, .. } = run(steps, vec![denies]);
    assert!(problem(&judgement).starts_with("the session with `w2` failed while reading what is to be set"));
    assert_eq!(entries, [], "nothing was done");
}

#[test]
fn a_worker_is_enabled_again_whatever_was_done_to_its_row_and_wherever_ssisdb_is() {
    let steps = "- disable_worker: { worker: w1 }
- delete_worker: { worker: w2 }
- pause: { for: 2m, because: it registers again }
- move_role: { to: standby }
- expect: { within: 5m, role: { state: online, owner: first_standby }, workers: { which: every, state: connected } }";
    let Ran { entries, records, .. } = run(steps, Vec::new());
    let expected = |machine: &str| Undo::RestorePart {
        host: "NODE1".to_owned(),
        part: protocol::Part::WorkerAgent(machine.to_owned()),
        value: vec!["enabled".to_owned()],
    };
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[..2], [(expected("w1"), State::Undone), (expected("w2"), State::Undone)]);
    let rows: Vec<_> = records
        .iter()
        .filter_map(|record| {
            let Fact::WorkerAgent { worker: WorkerId(1), row } = record.fact else { return None };
            Some(row)
        })
        .collect();
    assert_eq!(rows, [AgentRow::Enabled, AgentRow::Missing, AgentRow::Disabled]);
}

#[test]
fn who_may_not_enable_workers_begins_nothing() {
    let denies = Fault { host: NODE1, verb: "read_part", time: 1, mishap: Mishap::Deny };
    let Ran { judgement, entries, .. } = run("- disable_worker: { worker: w1 }", vec![denies]);
    assert!(
        problem(&judgement).starts_with("the session with `NODE1` failed while reading what is to be set")
    );
    assert_eq!(entries, [], "nothing was done");
}
