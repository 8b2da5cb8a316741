//! Do the nodes' event logs become part of the history, and does the ledger know what they say of the past?

use std::time::Duration;

use failover_sim::names::NodeId;
use failover_sim::observe::{Channel, Fact, Record, Sink, Source};
use failover_sim::time::Time;

use super::reach::Host;
use super::twin::{Dialect, Fault, Mishap, PastEvent, Twin};
use super::*;
use crate::check::Outcome;
use crate::director;
use crate::history::{HistoryWriter, read_records};
use crate::judge::{Judge, Judgement};
use crate::report::Timeline;
use crate::scenario::tests_support::plan_of;

const NODE1: NodeId = NodeId(0);
const NODE2: NodeId = NodeId(1);
const POWER_OFF: &str = "- power_off: { node: NODE1 }\n- expect: { within: 5m, workers: { which: every, state: \
                         connected, served_by: NODE2 } }";
/// The master dies, and a moment later its node does.
const DIES_TWICE: &str = "- kill_service: { node: NODE1, service: master }\n- pause: { for: 4s, because: it fails }\n\
                          - power_off: { node: NODE1 }\n- expect: { within: 5m, workers: { which: every, state: \
                          connected, served_by: NODE2 } }\n- power_on: { node: NODE1 }\n- expect: { within: 5m, node: { \
                          name: NODE1, state: up } }\n- pause: { for: 30s, because: logs are read }";

/// What came of a run.
struct Ran {
    judgement: Judgement,
    records: Vec<Record>,
    history: Vec<u8>,
    unread: String,
    journal: usize,
}

fn run(plan: &Plan, twin: Twin) -> Ran {
    struct Both<'p>(Vec<Record>, HistoryWriter<'p, Vec<u8>>);
    impl Sink for Both<'_> {
        fn record(&mut self, record: &Record) -> Flow {
            self.0.push(*record);
            self.1.record(record)
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut backend = LabBackend::new(twin, Some(folder.path().to_owned()));
    let writer = HistoryWriter::begin(plan, "lab", Vec::new()).expect("memory can be written");
    let mut both = Both(Vec::new(), writer);
    let judgement = director::run(plan, &mut backend, &mut both);
    Ran {
        judgement,
        records: both.0,
        history: both.1.finish().expect("memory can be written"),
        unread: backend.unread().unwrap_or_default(),
        journal: backend.journal().map_or(0, |journal| journal.entries().len()),
    }
}

/// The events of a history once the steps have begun: in whose log, and the id.
fn events(records: &[Record]) -> Vec<(NodeId, u16)> {
    let event = |record: &Record| match (record.fact, record.source) {
        (Fact::ClusterEvent { id, .. }, Source::Node(by)) => Some((by, id)),
        _ => None,
    };
    records.iter().skip_while(|record| record.fact != Fact::StepsBegan).filter_map(event).collect()
}

fn problem(ran: &Ran) -> &str {
    assert_eq!(ran.judgement.outcome, Outcome::Inconclusive, "{:#?}", ran.judgement);
    let found = ran.judgement.findings.iter().find(|finding| finding.what == "the surroundings");
    found.and_then(|finding| finding.evidence.first()).map_or("", String::as_str)
}

#[test]
fn what_nodes_write_down_is_in_the_history_between_two_moments() {
    let plan = plan_of(POWER_OFF);
    let ran = run(&plan, Twin::new(Dialect::Friendly));
    assert_eq!(ran.judgement.outcome, Outcome::Pass, "{:#?}", ran.judgement);
    assert_eq!(events(&ran.records), [(NODE2, 1135), (NODE2, 1641), (NODE2, 1201)]);
    let lost = Fact::ClusterEvent {
        channel: Channel::System,
        record: 1,
        id: 1135,
        node: Some(NODE1),
        role: None,
        resource: None,
    };
    let found = ran.records.iter().find(|record| record.fact == lost).expect("it was lost");
    // The twin's clocks are right, and its handshakes take no time.
    assert_eq!(found.earliest, found.latest);
    let is_down = |record: &&Record| {
        record.source == Source::Node(NODE2)
            && record.fact == Fact::NodeState { node: NODE1, state: failover_sim::observe::NodeState::Down }
    };
    let seen = ran.records.iter().find(is_down).expect("it was seen");
    assert!(seen.earliest <= found.latest && found.latest <= seen.latest, "{seen:?} {found:?}");
    let text = String::from_utf8(ran.history).expect("text");
    assert_eq!(read_records(&text, &plan).expect("a history").len(), ran.records.len());
    let mut timeline = Timeline::new(&plan);
    ran.records.iter().for_each(|record| {
        timeline.record(record);
    });
    let told = "event 1135: a node was removed from the membership, NODE1 (system 1)";
    assert!(timeline.text().contains(told), "{}", timeline.text());
}

#[test]
fn a_node_without_power_is_read_from_its_bookmark_on_when_it_is_back() {
    let plan = plan_of(DIES_TWICE);
    let ran = run(&plan, Twin::new(Dialect::Friendly));
    assert_eq!(ran.judgement.outcome, Outcome::Pass, "{:#?}", ran.judgement);
    let all = events(&ran.records);
    // What it wrote before it died, and what it wrote when it came back.
    assert!(all.contains(&(NODE1, 1069)) && all.contains(&(NODE1, 1062)), "{all:?}");
    let mut told = Time::ZERO;
    let mut late = Vec::new();
    for record in &ran.records {
        if record.fact.is_of_log() && record.latest < told {
            late.push((record.source, told.since(record.latest)));
        }
        told = told.max(record.latest);
    }
    let minute = Duration::from_secs(60);
    assert!(late.iter().any(|(by, late)| *by == Source::Node(NODE1) && *late > minute), "{late:?}");
    // Each record of a log comes once, and in the order of its number.
    for by in [NODE1, NODE2] {
        for channel in protocol::CHANNELS {
            let number = |record: &Record| {
                let Fact::ClusterEvent { channel: own, record: number, .. } = record.fact else {
                    return None;
                };
                (own == channel && record.source == Source::Node(by)).then_some(number)
            };
            let numbers: Vec<u64> = ran.records.iter().filter_map(number).collect();
            assert!(numbers.is_sorted_by(|a, b| a < b), "{by:?} {channel:?}: {numbers:?}");
        }
    }
    // In the story it stands where it belongs.
    let mut timeline = Timeline::new(&plan);
    ran.records.iter().for_each(|record| {
        timeline.record(record);
    });
    let text = timeline.text();
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what}: {text}"));
    assert!(at("event 1069") < at("machine NODE1 is off"), "{text}");
}

#[test]
fn late_entries_change_no_verdict_wherever_they_stand() {
    let plan = plan_of(DIES_TWICE);
    let ran = run(&plan, Twin::new(Dialect::Nasty));
    let judge = |records: &[Record]| {
        let mut judge = Judge::new(&plan);
        records.iter().for_each(|record| {
            judge.record(record);
        });
        judge.judge(ran.records.last().map_or(Time::ZERO, |last| last.latest), None)
    };
    let whole = judge(&ran.records);
    assert_eq!(whole, ran.judgement);
    let (logged, seen): (Vec<Record>, Vec<Record>) =
        ran.records.iter().partition(|record| record.fact.is_of_log());
    assert!(logged.len() > 5);
    assert_eq!(judge(&seen), whole, "without them");
    let end = seen.len() - 1;
    let last = [&seen[..end], &logged, &seen[end..]].concat();
    assert_eq!(judge(&last), whole, "all of them at the end");
    let first = [&logged[..], &seen].concat();
    assert_eq!(judge(&first), whole, "all of them at the beginning");
}

#[test]
fn two_runs_write_the_same_bytes_in_either_dialect() {
    let plan = plan_of(DIES_TWICE);
    let first = run(&plan, Twin::new(Dialect::Friendly));
    let second = run(&plan, Twin::new(Dialect::Friendly));
    let german = run(&plan, Twin::new(Dialect::Nasty));
    assert!(first.history == second.history && first.history == german.history);
}

#[test]
fn who_may_not_read_the_logs_still_runs_and_says_so() {
    let plan = plan_of(POWER_OFF);
    let denied =
        |node| move |time| Fault { host: Host::Node(node), verb: "read_events", time, mishap: Mishap::Deny };
    let faults = [NODE1, NODE2].into_iter().flat_map(|node| (1..1_000).map(denied(node)));
    let ran = run(&plan, Twin::with_faults(Dialect::Nasty, faults.collect()));
    assert_eq!(ran.judgement.outcome, Outcome::Pass, "{:#?}", ran.judgement);
    assert_eq!(events(&ran.records), []);
    for expected in [
        "losses of nodes and failovers before the run are not all in the ledger",
        "the event log System of NODE1 (the host says FailoverClusters.PowerShell.ClusterCmdletException (AccessDenied",
        "the event log Microsoft-Windows-FailoverClustering/Operational of NODE2 (the host says ",
    ] {
        assert!(ran.unread.contains(expected), "{}", ran.unread);
    }
}

#[test]
fn a_host_that_says_no_when_the_run_begins_is_asked_again() {
    let plan = plan_of(POWER_OFF);
    let denied = |time| Fault { host: Host::Node(NODE2), verb: "read_events", time, mishap: Mishap::Deny };
    let twin = Twin::with_faults(Dialect::Nasty, [1, 2].map(denied).into());
    let ran = run(&plan, twin.with_past(vec![lost(NODE2, 3_000), lost(NODE2, 600)]));
    assert_eq!(ran.judgement.outcome, Outcome::Pass, "{:#?}", ran.judgement);
    // There is no bookmark: what is not older than the run belongs to it, and nothing else.
    assert_eq!(events(&ran.records), [(NODE2, 1135), (NODE2, 1641), (NODE2, 1201)]);
    assert!(ran.unread.contains("are not all in the ledger"), "{}", ran.unread);
    assert!(!ran.unread.contains("the host says"), "{}", ran.unread);
}

#[test]
fn a_session_for_logs_that_is_not_greeted_is_had_again() {
    let plan = plan_of(POWER_OFF);
    // Before it greet who acts and who looks.
    for mishap in [Mishap::Deny, Mishap::DieBefore, Mishap::ClockOff { seconds: 900 }] {
        let fault = Fault { host: Host::Node(NODE2), verb: "hello", time: 3, mishap };
        let ran = run(&plan, Twin::with_faults(Dialect::Friendly, vec![fault]));
        assert_eq!(ran.judgement.outcome, Outcome::Pass, "{mishap:?}: {:#?}", ran.judgement);
        assert_eq!(events(&ran.records), [(NODE2, 1135), (NODE2, 1641), (NODE2, 1201)], "{mishap:?}");
    }
}

#[test]
fn a_clock_that_is_off_is_reckoned_with_as_long_as_looks_do_not_say_otherwise() {
    let plan = plan_of(POWER_OFF);
    let lost = |seconds| {
        // Only the handshake shows another time here: it is the entries that are as far behind then.
        let mishap = Mishap::ClockOff { seconds };
        let off = Fault { host: Host::Node(NODE2), verb: "hello", time: 3, mishap };
        let ran = run(&plan, Twin::with_faults(Dialect::Friendly, vec![off]));
        assert_eq!(ran.judgement.outcome, Outcome::Pass, "{:#?}", ran.judgement);
        let is_lost = |record: &&Record| matches!(record.fact, Fact::ClusterEvent { id: 1135, .. });
        let found = ran.records.iter().find(is_lost).map(|record| (record.earliest, record.latest));
        found.expect("it is there")
    };
    let (right, second) = (lost(0), Duration::from_secs(1));
    assert_eq!(right.0, right.1);
    assert_eq!(right, (lost(1).0 + second, lost(1).1 + second));
    // It was not there five polls before, and there when it was read.
    for seconds in [200, -200] {
        let (earliest, latest) = lost(seconds);
        assert!(earliest < right.0 && right.1 < latest, "{earliest} {latest}");
        assert_eq!(latest.since(earliest), Duration::from_secs(7));
    }
}

#[test]
fn a_log_that_cannot_be_read_keeps_nobody_from_looking() {
    let plan = plan_of(POWER_OFF);
    for mishap in [Mishap::FallSilent, Mishap::Garble, Mishap::Truncate, Mishap::WrongId, Mishap::Oversize] {
        let fault = Fault { host: Host::Node(NODE2), verb: "read_events", time: 6, mishap };
        let ran = run(&plan, Twin::with_faults(Dialect::Friendly, vec![fault]));
        if mishap == Mishap::FallSilent {
            // The whole host is silent then.
            assert_eq!(ran.judgement.outcome, Outcome::Inconclusive);
            assert!(ran.unread.contains("the event logs of NODE2, last read at "), "{}", ran.unread);
            continue;
        }
        assert_eq!(ran.judgement.outcome, Outcome::Pass, "{mishap:?}: {:#?}", ran.judgement);
        // Another session reads what the first one could not bring.
        assert_eq!(events(&ran.records), [(NODE2, 1135), (NODE2, 1641), (NODE2, 1201)], "{mishap:?}");
    }
}

#[test]
fn more_entries_than_one_answer_takes_are_read_in_turn() {
    let plan = plan_of(POWER_OFF);
    let old = |number: u64| PastEvent {
        node: NODE2,
        channel: Channel::System,
        ago: Duration::from_secs(3_000 + number),
        id: 1130,
        data: Vec::new(),
    };
    let lost = PastEvent { ago: Duration::from_secs(60), ..lost(NODE2, 60) };
    let past = (0..250).map(old).chain([lost.clone(), PastEvent { ago: Duration::from_secs(900), ..lost }]);
    let ran = run(&plan, Twin::new(Dialect::Friendly).with_past(past.collect()));
    // The two losses are the last of them, and there are no bookmarks before them.
    assert!(problem(&ran).contains("NODE1 was lost at 2025-01-05T23:45:00Z, 2025-01-05T23:59:00Z"));
}

/// NODE1 was lost so many seconds ago, as this node says.
fn lost(by: NodeId, seconds: u64) -> PastEvent {
    let data = vec![("NodeName", "NODE1".to_owned())];
    PastEvent { node: by, channel: Channel::System, ago: Duration::from_secs(seconds), id: 1135, data }
}

/// Something happened to the role, so many seconds ago.
fn of_role(node: NodeId, channel: Channel, id: i64, seconds: u64) -> PastEvent {
    let group = || "sql server (mssqlserver)".to_owned();
    let mut data = vec![("ResourceGroup", group())];
    if id == 1069 {
        data.push(("ResourceName", "SQL Server".to_owned()));
    }
    PastEvent { node, channel, ago: Duration::from_secs(seconds), id, data }
}

#[test]
fn a_run_that_would_bring_a_node_into_quarantine_is_refused_before_anything_is_done() {
    let plan = plan_of(POWER_OFF);
    for dialect in [Dialect::Friendly, Dialect::Nasty] {
        let past = vec![lost(NODE2, 3_000), lost(NODE2, 600)];
        let ran = run(&plan, Twin::new(dialect).with_past(past));
        assert_eq!(
            problem(&ran),
            "by the cluster's event logs NODE1 was lost at 2025-01-05T23:10:00Z, 2025-01-05T23:50:00Z, and the run may spend 1 \
             time more: the third loss within an hour puts it into quarantine (QuarantineThreshold); nothing was done, and \
             the run fits from 2025-01-06T00:10:01Z on"
        );
        assert_eq!(ran.journal, 0);
        assert!(ran.records.is_empty() && ran.judgement.is_restored);
    }
    // An hour later the first of them does not count any more, and what is not spent is not asked for.
    let ran = run(&plan, Twin::new(Dialect::Friendly).with_past(vec![lost(NODE2, 3_601), lost(NODE2, 600)]));
    assert_eq!(ran.judgement.outcome, Outcome::Pass, "{:#?}", ran.judgement);
    let moves = plan_of(
        "- move_role: { to: NODE2 }\n- expect: { within: 5m, role: { state: online, owner: NODE2 } }",
    );
    let past = vec![lost(NODE2, 900), lost(NODE2, 600), lost(NODE2, 300)];
    let ran = run(&moves, Twin::new(Dialect::Friendly).with_past(past));
    assert_eq!(ran.judgement.outcome, Outcome::Pass, "{:#?}", ran.judgement);
}

#[test]
fn where_thresholds_are_raised_the_past_stands_in_nobodys_way() {
    let text = "cluster: SQLCLUS\ntransport: twin\nallow: { power_off: any }\nraise_thresholds: true\n";
    let file = LabFile::read("lab.yaml", text).map_err(|_| "wrong").expect("a lab");
    let plan = plan_of(POWER_OFF);
    let twin = Twin::new(Dialect::Friendly).with_past(vec![lost(NODE2, 900), lost(NODE2, 600)]);
    let folder = tempfile::tempdir().expect("a folder");
    let mut backend = LabBackend::new(twin, Some(folder.path().to_owned())).allowed_by(file);
    let judgement = director::run(&plan, &mut backend, &mut crate::runner::Nowhere);
    assert_eq!(judgement.outcome, Outcome::Pass, "{judgement:#?}");
}

#[test]
fn what_several_nodes_say_of_one_loss_is_one_loss() {
    let plan = plan_of(POWER_OFF);
    let ran = run(&plan, Twin::new(Dialect::Friendly).with_past(vec![lost(NODE2, 601), lost(NODE1, 600)]));
    assert_eq!(ran.judgement.outcome, Outcome::Pass, "{:#?}", ran.judgement);
    // One node says it twice: it was lost twice.
    let past = vec![lost(NODE2, 610), lost(NODE1, 609), lost(NODE2, 600)];
    let ran = run(&plan, Twin::new(Dialect::Friendly).with_past(past));
    assert!(problem(&ran).contains("NODE1 was lost at 2025-01-05T23:49:50Z, 2025-01-05T23:50:00Z"));
}

#[test]
fn a_failover_counts_if_something_had_failed_and_was_not_restarted_in_place() {
    use Channel::{Operational, System};
    let plan = plan_of(
        "- kill_service: { node: NODE1, service: master }\n- expect: { within: 5s, workers: { which: every, state: \
         disconnected } }\n- expect: { within: 5m, workers: { which: every, state: connected } }",
    );
    let failed = of_role(NODE2, System, 1069, 4_000);
    for moves in [1153, 1641] {
        let past = vec![failed.clone(), of_role(NODE1, Operational, moves, 3_990)];
        let ran = run(&plan, Twin::new(Dialect::Friendly).with_past(past));
        assert_eq!(
            problem(&ran),
            "by the cluster's event logs the role failed over at 2025-01-05T22:53:30Z, and the run may spend 1 time more: more \
             than 1 in six hours leave the role failed (FailoverThreshold, FailoverPeriod); nothing was done, and the run \
             fits from 2025-01-06T04:53:31Z on"
        );
    }
    for past in [
        // A planned move, a restart in place, another role, and what is forgotten.
        vec![of_role(NODE1, Operational, 1641, 3_990)],
        vec![
            failed.clone(),
            of_role(NODE2, Operational, 1201, 3_995),
            of_role(NODE1, Operational, 1641, 3_990),
        ],
        vec![
            PastEvent { data: vec![("ResourceGroup", "Other".to_owned())], ..failed.clone() },
            of_role(NODE1, Operational, 1641, 3_990),
        ],
        vec![of_role(NODE2, System, 1069, 21_700), of_role(NODE1, Operational, 1153, 21_690)],
    ] {
        let ran = run(&plan, Twin::new(Dialect::Nasty).with_past(past));
        assert_eq!(ran.judgement.outcome, Outcome::Pass, "{:#?}", ran.judgement);
    }
}

#[test]
fn what_was_there_before_the_run_is_no_part_of_its_history() {
    let plan = plan_of(POWER_OFF);
    let ran = run(&plan, Twin::new(Dialect::Friendly).with_past(vec![lost(NODE2, 600)]));
    assert_eq!(events(&ran.records), [(NODE2, 1135), (NODE2, 1641), (NODE2, 1201)]);
    let is_lost = |record: &&Record| matches!(record.fact, Fact::ClusterEvent { id: 1135, .. });
    let lost: Vec<Fact> = ran.records.iter().filter(is_lost).map(|record| record.fact).collect();
    assert!(matches!(lost[..], [Fact::ClusterEvent { record: 2, .. }]), "{lost:?}");
}
