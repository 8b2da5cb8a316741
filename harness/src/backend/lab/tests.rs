//! Does the lab backend say what the simulator says, and does it fail well?

use std::path::{Path, PathBuf};

use failover_sim::names::{NodeId, WorkerId};
use failover_sim::observe::{Fact, Flow, Record, Sink, Watch};

use super::journal::State;
use super::protocol::Marker;
use super::reach::Host;
use super::session::Session;
use super::twin::{Dialect, Fault, Mishap, Twin};
use super::*;
use crate::check::Outcome;
use crate::director;
use crate::judge::Judgement;
use crate::plan::{NodeWord, Overrides};
use crate::runner::Nowhere;
use crate::scenario::load;

const POWER_OFF: &str = "cluster/owner_power_off.yaml";
const CERTIFICATE: &str = "model/second_node_with_its_own_certificate.yaml";

fn plan(scenario: &str) -> Plan {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios").join(scenario);
    load(&[path], 1, &Overrides::default()).expect("the scenarios are right").remove(0)
}

/// A folder for the journals of one test.
struct Folder(PathBuf);

impl Folder {
    fn of(test: &str) -> Self {
        Self(std::env::temp_dir().join(format!("failover-lab-{test}-{}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What came of a run.
struct Ran {
    judgement: Judgement,
    records: Vec<Record>,
    states: Vec<(&'static str, State)>,
    journal: String,
    evidence: usize,
}

struct Kept(Vec<Record>);

impl Sink for Kept {
    fn record(&mut self, record: &Record) -> Flow {
        self.0.push(*record);
        Flow::Continue
    }
}

fn run(test: &str, scenario: &str, dialect: Dialect, faults: Vec<Fault>) -> Ran {
    let folder = Folder::of(test);
    let mut backend = LabBackend::new(Twin::with_faults(dialect, faults), Some(folder.0.clone()));
    let mut kept = Kept(Vec::new());
    let judgement = director::run(&plan(scenario), &mut backend, &mut kept);
    let journal = backend.journal();
    Ran {
        states: journal
            .map(|journal| journal.entries().iter().map(|entry| (entry.verb, entry.state)).collect())
            .unwrap_or_default(),
        journal: journal.and_then(|journal| std::fs::read_to_string(journal.path()).ok()).unwrap_or_default(),
        evidence: backend.evidence().iter().map(|(_, lines)| lines.len()).sum(),
        judgement,
        records: kept.0,
    }
}

/// What was found about the surroundings.
fn problem(ran: &Ran) -> &str {
    assert_eq!(ran.judgement.outcome, Outcome::Inconclusive, "{:#?}", ran.judgement);
    let found = ran.judgement.findings.iter().find(|finding| finding.what == "the surroundings");
    found.and_then(|finding| finding.evidence.first()).map_or("", String::as_str)
}

const fn fault(host: Host, verb: &'static str, time: u32, mishap: Mishap) -> Fault {
    Fault { host, verb, time, mishap }
}

const NODE1: Host = Host::Node(NodeId(0));
const NODE2: Host = Host::Node(NodeId(1));
const UNDONE: State = State::Undone;

#[test]
fn verdicts_are_those_of_the_simulator_in_either_dialect() {
    for scenario in [POWER_OFF, CERTIFICATE] {
        let plan = plan(scenario);
        let sim = director::run(&plan, &mut crate::backend::SimBackend::default(), &mut Nowhere);
        for dialect in [Dialect::Friendly, Dialect::Nasty] {
            let lab = run("verdicts", scenario, dialect, Vec::new());
            assert_eq!(lab.judgement.outcome, Outcome::Pass, "{:#?}", lab.judgement);
            let verdicts = |judgement: &Judgement| {
                let claims = judgement.claims.iter();
                claims.map(|claim| (claim.claim, claim.verdict.outcome)).collect::<Vec<_>>()
            };
            assert_eq!(verdicts(&lab.judgement), verdicts(&sim));
            assert!(lab.states.iter().all(|(_, state)| *state == UNDONE), "{}", lab.journal);
            assert_eq!(lab.evidence > 0, dialect == Dialect::Nasty);
        }
    }
}

#[test]
fn two_runs_give_the_same_records() {
    for scenario in [POWER_OFF, CERTIFICATE] {
        let first = run("same", scenario, Dialect::Friendly, Vec::new());
        let second = run("same", scenario, Dialect::Nasty, Vec::new());
        assert_eq!(first.records, second.records);
    }
}

#[test]
fn each_look_says_between_which_moments_something_changed() {
    let ran = run("looks", POWER_OFF, Dialect::Friendly, Vec::new());
    let down = ran.records.iter().find(|record| {
        matches!(record.fact, Fact::NodeState { node: NodeId(0), .. })
            && record.source == failover_sim::observe::Source::Node(NodeId(1))
            && record.latest.as_micros() > 60_000_000
    });
    let down = down.expect("the other node saw it go down");
    assert_eq!(down.latest.since(down.earliest), Rhythm::default().poll);
    let every = Rhythm::default().poll + Rhythm::default().limit;
    let watching = Fact::Watching { what: Watch::Node(NodeId(0)), every };
    assert!(ran.records.iter().any(|record| record.fact == watching));
    assert!(ran.records.iter().any(|record| record.fact == Fact::Unwatched(Watch::Node(NodeId(0)))));
}

#[test]
fn a_session_that_dies_before_the_action_leaves_nothing_to_undo() {
    let dies = fault(NODE1, "move_role", 1, Mishap::DieBefore);
    let ran = run("die-before", CERTIFICATE, Dialect::Friendly, vec![dies]);
    let expected =
        "the session with `NODE1` failed while moving the role: the session ended before the answer";
    assert!(problem(&ran).starts_with(expected), "{}", problem(&ran));
    assert_eq!(ran.states, [("replace_master_certificate", UNDONE), ("move_role", UNDONE)]);
}

#[test]
fn a_session_that_dies_after_the_action_has_it_undone() {
    let dies = fault(NODE1, "move_role", 1, Mishap::DieAfter);
    let ran = run("die-after", CERTIFICATE, Dialect::Friendly, vec![dies]);
    assert!(problem(&ran).contains("moving the role"), "{}", problem(&ran));
    assert_eq!(ran.states, [("replace_master_certificate", UNDONE), ("move_role", UNDONE)]);
    let states: Vec<&str> = ran.journal.lines().filter_map(|line| line.split("\"state\":").nth(1)).collect();
    let expected = ["begun", "done", "begun", "undoing", "undoing", "undone", "undone"];
    assert_eq!(states, expected.map(|state| format!("\"{state}\"}}")));
}

#[test]
fn a_host_that_cannot_be_undone_is_listed() {
    let dies = fault(Host::Control, "power_off", 1, Mishap::DieAfter);
    let denies = fault(Host::Control, "power_on", 1, Mishap::Deny);
    let ran = run("open", POWER_OFF, Dialect::Friendly, vec![dies, denies]);
    assert!(problem(&ran).contains("taking the power away"), "{}", problem(&ran));
    assert_eq!(ran.states, [("power_off", State::Open)]);
    assert!(ran.journal.contains("AccessDenied"), "{}", ran.journal);
}

#[test]
fn what_is_not_taken_back_is_the_verdict_of_a_run_that_went_well() {
    let denies = fault(Host::Control, "power_on", 1, Mishap::Deny);
    let ran = run("not-restored", POWER_OFF, Dialect::Friendly, vec![denies]);
    assert!(problem(&ran).starts_with("not taken back: power NODE1 on:"), "{}", problem(&ran));
    assert!(!ran.judgement.is_restored);
}

#[test]
fn access_denied_comes_with_its_error_record() {
    let denies = fault(NODE2, "replace_master_certificate", 1, Mishap::Deny);
    let ran = run("denied", CERTIFICATE, Dialect::Nasty, vec![denies]);
    let expected = "the session with `NODE2` failed while replacing the master certificate: the host says \
                    FailoverClusters.PowerShell.ClusterCmdletException (AccessDenied, category 18) from \
                    System.ComponentModel.Win32Exception";
    assert_eq!(problem(&ran), expected);
    assert_eq!(ran.states, [("replace_master_certificate", UNDONE)]);
}

#[test]
fn a_node_that_stops_answering_leaves_a_gap() {
    let silent = fault(NODE2, "read_cluster", 90, Mishap::FallSilent);
    let ran = run("silent-node", CERTIFICATE, Dialect::Friendly, vec![silent]);
    assert_eq!(ran.judgement.outcome, Outcome::Inconclusive, "{:#?}", ran.judgement);
    assert!(ran.records.iter().any(|record| record.fact == Fact::Unwatched(Watch::Node(NodeId(1)))));
    let claims = ran.judgement.claims.iter();
    let gap =
        claims.flat_map(|claim| &claim.verdict.evidence).any(|line| line.contains("NODE2 was not looked at"));
    assert!(gap, "{:#?}", ran.judgement);
    // The certificate on the silent node cannot be put back: that is listed.
    assert_eq!(ran.states, [("replace_master_certificate", State::Open), ("move_role", UNDONE)]);
}

#[test]
fn a_worker_that_stops_answering_leaves_the_workers_unwatched() {
    let silent = fault(Host::Worker(WorkerId(1)), "read_worker", 100, Mishap::FallSilent);
    let ran = run("silent-worker", POWER_OFF, Dialect::Friendly, vec![silent]);
    assert_eq!(ran.judgement.outcome, Outcome::Inconclusive, "{:#?}", ran.judgement);
    assert!(ran.records.iter().any(|record| record.fact == Fact::Unwatched(Watch::Workers)));
    assert_eq!(ran.states, [("power_off", UNDONE)]);
}

#[test]
fn a_worker_that_is_out_of_sight_for_a_moment_leaves_no_doubt() {
    let looks = fault(Host::Worker(WorkerId(1)), "read_worker", 100, Mishap::Truncate);
    let ran = run("blink", POWER_OFF, Dialect::Friendly, vec![looks]);
    let gap = ran.records.iter().find(|record| record.fact == Fact::Unwatched(Watch::Workers));
    assert!(gap.is_some_and(|gap| gap.earliest < gap.latest));
    assert_eq!(ran.judgement.outcome, Outcome::Pass, "{:#?}", ran.judgement);
}

#[test]
fn what_is_no_answer_ends_the_run_with_a_clear_error() {
    for (mishap, expected) in [
        (Mishap::Garble, "the answer cannot be read: the line is not JSON"),
        (Mishap::LoseMarker, "an answer came without the marker of this session"),
        (Mishap::WrongId, "the answer has id "),
        (Mishap::Oversize, "a line is longer than 1048576 bytes"),
        (Mishap::Deny, "the host says FailoverClusters.PowerShell.ClusterCmdletException (AccessDenied"),
    ] {
        let fault = fault(NODE2, "read_cluster", 100, mishap);
        let ran = run("garbled", POWER_OFF, Dialect::Nasty, vec![fault]);
        let problem = problem(&ran);
        assert!(problem.starts_with("the session with `NODE2` failed while looking: "), "{problem}");
        assert!(problem.contains(expected), "{problem}");
        assert_eq!(ran.states, [("power_off", UNDONE)], "{mishap:?}");
    }
}

#[test]
fn a_truncated_answer_is_a_session_that_ended() {
    // An observer that dies is replaced; the gap stays.
    let looks = fault(NODE2, "read_cluster", 100, Mishap::Truncate);
    let ran = run("truncated", POWER_OFF, Dialect::Friendly, vec![looks]);
    assert_eq!(ran.judgement.outcome, Outcome::Inconclusive, "{:#?}", ran.judgement);
    let what = Watch::Node(NodeId(1));
    let watched: Vec<bool> = ran
        .records
        .iter()
        .filter_map(|record| {
            let begins = matches!(record.fact, Fact::Watching { what: seen, .. } if seen == what);
            (begins || record.fact == Fact::Unwatched(what)).then_some(begins)
        })
        .collect();
    assert_eq!(watched, [true, false, true]);
    let acts = fault(NODE1, "move_role", 1, Mishap::Truncate);
    let ran = run("truncated", CERTIFICATE, Dialect::Friendly, vec![acts]);
    assert!(problem(&ran).contains("ended before the answer was there; last lines: `~"), "{}", problem(&ran));
    assert_eq!(ran.states, [("replace_master_certificate", UNDONE), ("move_role", UNDONE)]);
}

#[test]
fn a_host_that_does_not_greet_stops_the_run_before_it_begins() {
    let silent = fault(Host::Worker(WorkerId(2)), "hello", 1, Mishap::FallSilent);
    let ran = run("no-greeting", POWER_OFF, Dialect::Friendly, vec![silent]);
    assert_eq!(problem(&ran), "the session with `w3` failed while looking: no answer within 30000 ms");
    assert!(ran.states.is_empty());
}

#[test]
fn a_clock_that_is_minutes_off_is_refused_before_anything_is_done() {
    for (seconds, said) in [(420, "420 s ahead"), (-420, "420 s behind")] {
        let off = fault(NODE2, "hello", 1, Mishap::ClockOff { seconds });
        let ran = run("clock-off", POWER_OFF, Dialect::Nasty, vec![off]);
        let expected = format!(
            "the session with `NODE2` failed while reading the cluster: the host is not fit: its clock is {said}, expected at most 300 \
             s apart"
        );
        assert_eq!(problem(&ran), expected);
        assert!(ran.states.is_empty());
    }
}

#[test]
fn a_run_that_was_refused_leaves_no_journal() {
    let folder = Folder::of("refused");
    let off = fault(NODE2, "hello", 1, Mishap::ClockOff { seconds: 420 });
    let mut backend =
        LabBackend::new(Twin::with_faults(Dialect::Friendly, vec![off]), Some(folder.0.clone()));
    backend.start(&plan(POWER_OFF)).expect_err("the clock is off");
    assert_eq!(std::fs::read_dir(&folder.0).expect("it was made").count(), 0);
}

#[test]
fn a_clock_that_is_two_minutes_off_changes_nothing() {
    let off = fault(NODE2, "hello", 1, Mishap::ClockOff { seconds: 120 });
    let ran = run("clock-little", POWER_OFF, Dialect::Friendly, vec![off]);
    assert_eq!(ran.judgement.outcome, Outcome::Pass, "{:#?}", ran.judgement);
}

#[test]
fn verbs_that_cannot_be_taken_back_are_not_offered() {
    let backend = LabBackend::new(Twin::new(Dialect::Friendly), None);
    assert!(backend.abilities(&plan(POWER_OFF)).missing.is_empty());
    assert!(backend.abilities(&plan(CERTIFICATE)).missing.is_empty());
    let mut plan = plan(POWER_OFF);
    plan.actions[0].action = Action::RestartNode { node: NodeWord::Owner };
    assert!(backend.abilities(&plan).missing.keys().eq([&Verb::RestartNode]));
}

#[test]
fn a_host_without_power_answers_nobody() {
    let mut twin = Twin::new(Dialect::Friendly);
    twin.begin(&plan(POWER_OFF)).expect("a twin is always ready");
    let open = |twin: &mut Twin, host, purpose| {
        let connection = twin.open(host, purpose).expect("pipes can be had");
        Session::open(connection, Marker::of("test")).expect("threads can be had")
    };
    let mut observer = open(&mut twin, NODE1, reach::Purpose::Observe);
    let mut control = open(&mut twin, Host::Control, reach::Purpose::Act);
    observer.greet(twin.clock(), NODE1.needs(reach::Purpose::Observe)).expect("the node is on");
    control.greet(twin.clock(), Host::Control.needs(reach::Purpose::Act)).expect("the harness's own host");
    let limit = Duration::from_secs(3);
    let off = protocol::Call::ChangePower { change: protocol::PowerChange::Off, node: "NODE1".to_owned() };
    control.ask(twin.clock(), off, limit).expect("the node was on");
    let before = twin.clock().now();
    let error = observer.ask(twin.clock(), protocol::Call::ReadCluster, limit).expect_err("nobody is there");
    assert_eq!(error.to_string(), "no answer within 3000 ms");
    assert_eq!(twin.clock().now(), before + limit);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_names_an_operation_brings_the_session_lives_on(call in protocol::tests::calls(), nasty: bool) {
        let mut twin = Twin::new(if nasty { Dialect::Nasty } else { Dialect::Friendly });
        twin.begin(&plan(POWER_OFF)).expect("a twin is always ready");
        let limit = Duration::from_secs(3);
        for host in [Host::Control, NODE1, Host::Worker(WorkerId(0))] {
            let connection = twin.open(host, reach::Purpose::Act).expect("pipes can be had");
            let mut session = Session::open(connection, Marker::of("wild")).expect("threads can be had");
            session.greet(twin.clock(), session::Needs::default()).expect("everybody is there");
            let answer = session.ask(twin.clock(), call.clone(), limit);
            // The marker is another one from here on: what comes is not heard as an answer.
            if matches!(call, protocol::Call::Hello { .. }) {
                continue;
            }
            proptest::prop_assert!(
                matches!(answer, Ok(_) | Err(session::SessionError::Failed(_))),
                "{call:?}: {answer:?}"
            );
            // Its system is on its way down.
            if matches!(call, protocol::Call::ShutDown) {
                continue;
            }
            session.greet(twin.clock(), session::Needs::default()).expect("it still answers");
        }
    }
}
