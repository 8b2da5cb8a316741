//! Is everything that the harness sets on a host set back, and is nothing begun that would disturb others?

use failover_sim::names::{NodeId, WorkerId};
use failover_sim::observe::{AgentRow, Fact};

use super::journal::{Journal, State, Undo};
use super::protocol::{Part, Way};
use super::reach::{Host, Lab, Purpose};
use super::session::{Needs, Session};
use super::twin::{Dialect, Fault, Mishap, Twin};
use super::*;
use crate::check::Outcome;
use crate::director;
use crate::judge::Judgement;
use crate::runner::Nowhere;
use crate::scenario::tests_support::{plan_of, plan_on};

const NODE1: Host = Host::Node(NodeId(0));
const NODE2: Host = Host::Node(NodeId(1));

/// A cut that ends before the run does.
const CUT: &str = "- cut: { node: first_standby, from: other_nodes }
- expect: { within: 5m, node: { name: first_standby, state: down } }
- heal: { node: first_standby, from: other_nodes }
- expect: { within: 5m, nodes: { which: every, state: up } }";

fn run(steps: &str, faults: Vec<Fault>) -> (Judgement, Vec<(Undo, State)>) {
    run_on("two_node_fci", steps, faults)
}

/// What came of these steps on a standard topology, and of what was done.
pub(super) fn run_on(topology: &str, steps: &str, faults: Vec<Fault>) -> (Judgement, Vec<(Undo, State)>) {
    let folder = tempfile::tempdir().expect("a folder");
    let twin = Twin::with_faults(Dialect::Nasty, faults);
    let mut backend = LabBackend::new(twin, Some(folder.path().to_owned()));
    let judgement = director::run(&plan_on(topology, steps), &mut backend, &mut Nowhere);
    let entries = backend.journal().map(Journal::entries).unwrap_or_default();
    let states = entries.iter().map(|entry| (entry.undo.clone(), entry.state)).collect();
    (judgement, states)
}

/// What the surroundings of a run had against it.
pub(super) fn problem(judgement: &Judgement) -> &str {
    assert_eq!(judgement.outcome, Outcome::Inconclusive, "{judgement:#?}");
    let found = judgement.findings.iter().find(|finding| finding.what == "the surroundings");
    found.and_then(|finding| finding.evidence.first()).map_or("", String::as_str)
}

/// What goes wrong with a request to a host.
pub(super) const fn fault(host: Host, verb: &'static str, time: u32, mishap: Mishap) -> Fault {
    Fault { host, verb, time, mishap }
}

#[test]
fn a_cut_is_armed_first_proven_from_both_sides_and_taken_back() {
    let (judgement, states) = run(CUT, Vec::new());
    assert_eq!(judgement.outcome, Outcome::Pass, "{judgement:#?}");
    let parts: Vec<(&str, String)> = states
        .iter()
        .map(|(undo, state)| {
            assert_eq!(*state, State::Undone);
            let Undo::RestorePart { host, part, value } = undo else { panic!("{undo:?}") };
            assert_eq!(value, &Vec::<String>::new(), "nothing was blocked or armed before");
            (host.as_str(), format!("{} {}", part.kind(), part.name()))
        })
        .collect();
    // Eleven minutes of steps at the most, and half an hour to spare.
    let own = |part: &str| ("NODE2", part.to_owned());
    assert_eq!(parts, [own("armed 40"), own("blocked in"), own("blocked out")]);
}

#[test]
fn a_cut_whose_session_dies_half_way_is_taken_back() {
    for time in 1..=3 {
        let dies = fault(NODE2, "write_part", time, Mishap::DieAfter);
        let (judgement, states) = run(CUT, vec![dies]);
        let said = problem(&judgement);
        assert!(said.starts_with("the session with `NODE2` failed while setting a part"), "{said}");
        assert_eq!(states.len(), time as usize);
        assert!(states.iter().all(|(_, state)| *state == State::Undone), "{states:?}");
    }
}

#[test]
fn a_cut_that_does_not_bite_or_would_take_the_storage_is_refused() {
    let answers = fault(NODE1, "reach", 1, Mishap::Occupied);
    let (judgement, states) = run(CUT, vec![answers]);
    let expected = "`NODE1`: 10.0.0.12 still answers there, although the firewall blocks it";
    assert_eq!(problem(&judgement), expected);
    assert!(states.iter().all(|(_, state)| *state == State::Undone), "{states:?}");

    let has_storage = fault(NODE2, "read_network", 1, Mishap::Occupied);
    let (judgement, states) = run(CUT, vec![has_storage]);
    let said = problem(&judgement);
    assert!(said.starts_with("`NODE2`: NODE2 reaches storage at 10.0.0.11, so that a cut"), "{said}");
    assert_eq!(states, []);
}

#[test]
fn what_is_not_done_although_the_host_says_so_is_noticed() {
    let ignores = fault(NODE1, "write_part", 1, Mishap::Ignore);
    let (judgement, _) = run("- stop_service: { node: owner, service: master }", vec![ignores]);
    let expected = "`NODE1`: the service SSISScaleOutMaster reads back as `running`, expected `stopped`";
    assert_eq!(problem(&judgement), expected);
}

#[test]
fn a_node_that_nobody_comes_back_to_heals_itself() {
    let plan = plan_of(CUT);
    let twin = Twin::new(Dialect::Friendly);
    let seen = twin.again();
    let mut backend = LabBackend::new(twin, None);
    backend.start(&plan).expect("a twin is ready");
    let cut = plan.actions[0].action;
    let cut =
        cut.resolve(|_| Ok::<_, std::convert::Infallible>(NodeId(1))).unwrap_or_else(|never| match never {});
    backend.apply(ActionNo(0), cut).expect("it can be cut");
    // The harness dies here: nothing is taken back by it.
    drop(backend);
    let blocked = || seen.value_of(NODE2, &Part::Blocked(Way::In));
    assert_eq!(blocked(), ["10.0.0.11", "fd00::1"]);
    let armed = seen.clock().now() + Duration::from_secs(40 * 60);
    seen.clock().wait_until(armed);
    assert_eq!(blocked(), Vec::<String>::new());
}

#[test]
fn a_part_that_is_changed_twice_goes_back_to_what_it_was_at_first() {
    let steps = "- set_cluster: { SameSubnetThreshold: 30 }
- set_cluster: { SameSubnetThreshold: 40 }
- set_cluster: { SameSubnetThreshold: 50 }";
    let (judgement, states) = run(steps, Vec::new());
    assert_eq!(judgement.outcome, Outcome::Pass, "{judgement:#?}");
    let values: Vec<&Vec<String>> = states
        .iter()
        .map(|(undo, state)| {
            assert_eq!(*state, State::Undone);
            let Undo::RestorePart { value, .. } = undo else { panic!("{undo:?}") };
            value
        })
        .collect();
    assert_eq!(values, [&["10"], &["10"], &["10"]]);
}

#[test]
fn thresholds_are_raised_where_that_is_allowed_and_set_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |raise: &str| {
        let text = format!("cluster: C\ntransport: twin\n{raise}allow: {{ move_role: any }}\n");
        LabFile::read("lab.yaml", &text).expect("no mistake in it")
    };
    for (raise, expected) in [("raise_thresholds: true\n", vec!["1", "3", "NODE1"]), ("", vec!["NODE1"])] {
        let twin = Twin::new(Dialect::Friendly);
        let mut backend = LabBackend::new(twin, Some(folder.path().to_owned())).allowed_by(file(raise));
        let steps = "- move_role: { to: standby }
- expect: { within: 5m, role: { state: online, owner: first_standby } }";
        let judgement = director::run(&plan_of(steps), &mut backend, &mut Nowhere);
        assert_eq!(judgement.outcome, Outcome::Pass, "{judgement:#?}");
        let entries = backend.journal().map(Journal::entries).unwrap_or_default();
        let values: Vec<&str> = entries
            .iter()
            .map(|entry| {
                assert_eq!(entry.state, State::Undone);
                if let Undo::RestorePart { value, .. } = &entry.undo {
                    return value[0].as_str();
                }
                let Undo::MoveRole { node, .. } = &entry.undo else { panic!("{entry:?}") };
                node.as_str()
            })
            .collect();
        assert_eq!(values, expected);
    }
}

#[test]
fn what_a_node_has_of_its_own_is_put_back_as_it_was() {
    let steps = "- change_node: { node: first_standby, https_binding: missing }
- change_node: { node: first_standby, worker_certificates: missing }
- change_node: { node: first_standby, master_port: blocked }
- change_node: { node: first_standby, PortNumber: 8399 }
- change_node: { node: first_standby, master_port: open }
- change_node: { node: first_standby, https_binding: present }";
    let (judgement, states) = run(steps, Vec::new());
    assert_eq!(judgement.outcome, Outcome::Pass, "{judgement:#?}");
    let counts: Vec<(&str, usize)> = states
        .iter()
        .map(|(undo, state)| {
            assert_eq!(*state, State::Undone);
            let Undo::RestorePart { part, value, .. } = undo else { panic!("{undo:?}") };
            (part.kind(), value.len())
        })
        .collect();
    // Thumbprint, store, application and flags; the certificates of three workers; nothing; one number.
    let expected =
        [("https_binding", 4), ("root_certificates", 3), ("port_blocked", 0), ("master_setting", 1)];
    assert_eq!(counts, expected);
}

#[test]
fn nobody_who_is_at_work_is_disturbed() {
    let power_off =
        "- power_off: { node: owner }\n- expect: { within: 5m, node: { name: first_owner, state: down } }";
    let others = "the role `Files` on NODE1 is not of this topology";
    let executions = "executions are under way in SSISDB: 4711; the account may not see whether a backup runs: it has no \
                      VIEW SERVER STATE";
    let updates = "Windows on NODE2 is at InstallerInProgress";
    let occupied = |verb, host| {
        // Before there is a cluster to ask it is asked again.
        (1..=200).map(|time| fault(host, verb, time, Mishap::Occupied)).collect::<Vec<_>>()
    };
    for (faults, expected, hint) in [
        (occupied("read_cluster", NODE1), others, "other_roles"),
        (occupied("read_ssisdb", NODE1), executions, "backups, executions"),
        (occupied("read_maintenance", NODE2), updates, "updates"),
    ] {
        let (judgement, states) = run(power_off, faults);
        let expected = format!(
            "the lab is in use: {expected}\nhint: wait until it is not, or allow it with `tolerate: [ {hint} ]` in lab.yaml"
        );
        assert_eq!(problem(&judgement), expected);
        assert_eq!(states, [], "nothing was done");
    }
    // A role of others does not go with this one.
    let (judgement, _) = run("- move_role: { to: standby }", occupied("read_cluster", NODE1));
    assert!(!problem_or_pass(&judgement).contains("in use"), "{judgement:#?}");
}

fn problem_or_pass(judgement: &Judgement) -> &str {
    if judgement.outcome == Outcome::Pass { "" } else { problem(judgement) }
}

#[test]
fn a_right_that_is_missing_shows_before_anything_is_done() {
    let steps = "- move_role: { to: standby }
- kill_worker: { worker: w1 }
- power_off: { node: first_owner }";
    for (host, verb, said) in [
        (
            Host::Worker(WorkerId(0)),
            "read_part",
            "the session with `w1` failed while reading what is to be set",
        ),
        (Host::Control, "read_power", "the session with `control` failed while reading the power"),
    ] {
        let (judgement, states) = run(steps, vec![fault(host, verb, 1, Mishap::Deny)]);
        assert!(problem(&judgement).starts_with(said), "{}", problem(&judgement));
        assert_eq!(states, [], "nothing was done");
    }
}

#[test]
fn ssisdb_is_asked_on_the_owner_node_and_what_it_says_is_told() {
    let mut kept = Vec::new();
    let twin = Twin::new(Dialect::Friendly);
    let mut backend = LabBackend::new(twin, None);
    let plan = plan_of(
        "- move_role: { to: standby }
- expect: { within: 5m, role: { state: online, owner: first_standby }, workers: { which: every, state: connected } }
- hold: { for: 3m, workers: { which: every, state: connected } }",
    );
    let judgement = director::run(&plan, &mut backend, &mut kept);
    assert_eq!(judgement.outcome, Outcome::Pass, "{judgement:#?}");
    let masters: Vec<NodeId> = kept
        .iter()
        .filter_map(|record| if let Fact::MasterMachine(node) = record.fact { Some(node) } else { None })
        .collect();
    assert_eq!(masters, [NodeId(0), NodeId(1)]);
    let row = Fact::WorkerAgent { worker: WorkerId(0), row: AgentRow::Enabled };
    assert!(kept.iter().any(|record| record.fact == row));
    let remark = backend.shown().expect("workers are connected");
    let all = plan.topology.workers.len();
    assert!(remark.contains(&format!("LastOnlineTime in SSISDB has moved on {all};")), "{remark}");
    assert!(remark.ends_with("LAST_ONLINE_TIME was seen to move on since"), "{remark}");
}

#[test]
fn a_database_that_nobody_may_ask_is_no_evidence() {
    let denies = (2..=500).map(|time| fault(NODE1, "read_ssisdb", time, Mishap::Deny)).collect();
    let twin = Twin::with_faults(Dialect::Friendly, denies);
    let mut backend = LabBackend::new(twin, None);
    let plan = plan_of("- hold: { for: 1m, role: { state: online } }");
    let judgement = director::run(&plan, &mut backend, &mut Nowhere);
    assert_eq!(judgement.outcome, Outcome::Pass, "{judgement:#?}");
    let remark = backend.shown().expect("workers are connected");
    assert!(remark.ends_with("; SSISDB could not be looked at"), "{remark}");
}

impl Twin {
    /// The value of a part, for somebody who has a session of their own.
    pub(super) fn value_of(&self, host: Host, part: &Part) -> Vec<String> {
        let mut twin = self.again();
        let connection = twin.open(host, Purpose::Act).expect("pipes");
        let mut session = Session::open(connection, protocol::Marker::of("value")).expect("threads");
        session.greet(twin.clock(), Needs::default()).expect("it is there");
        let call = protocol::Call::ReadPart { part: part.clone() };
        let reply = session.ask(twin.clock(), call, Duration::from_secs(3)).expect("it answers");
        let protocol::Reply::Part(value) = reply else { panic!("{reply:?}") };
        value
    }
}
