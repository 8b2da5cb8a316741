//! Is a host that is kept from what it rests on let through again, and is it refused where it would lose more?

use failover_sim::names::{NodeId, WorkerId};

use super::journal::{Journal, State, Undo};
use super::protocol::{Outside, Part};
use super::reach::Host;
use super::tests_parts::{fault, problem, run_on};
use super::twin::{Dialect, Fault, Mishap, Twin};
use super::*;
use crate::check::Outcome;
use crate::director;
use crate::judge::Judgement;
use crate::runner::Nowhere;
use crate::scenario::tests_support::{plan_of, plan_on};

const NODE1: Host = Host::Node(NodeId(0));
const NODE2: Host = Host::Node(NodeId(1));
const W1: Host = Host::Worker(WorkerId(0));

const NO_DNS: &str = "- fail_dns: {}
- pause: { for: 1m, because: names are known }
- restore_dns: {}";
const NO_DISK: &str = "- cut: { node: owner, from: disk }
- expect: { within: 10m, role: { state: online, owner: first_standby } }";
const NO_CLIENTS: &str = "- cut: { node: owner, from: clients }
- expect: { within: 2m, workers: { which: none, state: connected } }
- heal: { node: first_owner, from: clients }
- expect: { within: 5m, workers: { which: every, state: connected } }";

fn run(steps: &str, faults: Vec<Fault>) -> (Judgement, Vec<(Undo, State)>) {
    run_on("two_node_fci", steps, faults)
}

/// What was set, on which host, and what it goes back to.
fn parts(states: &[(Undo, State)]) -> Vec<(String, String, Vec<String>)> {
    let part = |(undo, state): &(Undo, State)| {
        assert_eq!(*state, State::Undone);
        let Undo::RestorePart { host, part, value } = undo else { panic!("{undo:?}") };
        (host.clone(), format!("{} {}", part.kind(), part.name()).trim_end().to_owned(), value.clone())
    };
    states.iter().map(part).collect()
}

#[test]
fn every_node_and_worker_is_armed_and_kept_from_dns_and_let_through() {
    let (judgement, states) = run(NO_DNS, Vec::new());
    assert_eq!(judgement.outcome, Outcome::Pass, "{judgement:#?}");
    let hosts = ["NODE1", "NODE2", "w1", "w2", "w3"];
    let expected: Vec<(String, String, Vec<String>)> = hosts
        .iter()
        .flat_map(|host| {
            ["armed 31", "kept_from dns"].map(|part| (host.to_string(), part.to_owned(), vec![]))
        })
        .collect();
    assert_eq!(parts(&states), expected);
}

#[test]
fn a_session_that_dies_half_way_leaves_nobody_without_dns() {
    for (host, time) in [(NODE1, 1), (NODE1, 2), (W1, 2)] {
        let (judgement, states) = run(NO_DNS, vec![fault(host, "write_part", time, Mishap::DieAfter)]);
        assert!(problem(&judgement).contains("failed while setting a part"), "{}", problem(&judgement));
        assert!(states.iter().all(|(_, state)| *state == State::Undone), "{states:?}");
    }
}

#[test]
fn what_still_answers_was_not_cut_off() {
    let (judgement, states) = run(NO_DNS, vec![fault(NODE1, "reach", 2, Mishap::Occupied)]);
    let expected = "`NODE1`: port 53 of 192.0.2.53 still answers there, although the firewall blocks it";
    assert_eq!(problem(&judgement), expected);
    assert!(states.iter().all(|(_, state)| *state == State::Undone), "{states:?}");

    let (judgement, _) = run(NO_DNS, vec![fault(NODE1, "write_part", 2, Mishap::Ignore)]);
    let said = problem(&judgement);
    assert!(said.starts_with("`NODE1`: the firewall's blocks of dns reads back as ``"), "{said}");
}

#[test]
fn a_cut_that_would_take_more_than_it_says_is_refused() {
    let more = |host| vec![fault(host, "read_surroundings", 1, Mishap::Occupied)];
    let (judgement, states) = run(NO_DISK, more(NODE1));
    assert_eq!(problem(&judgement), "`NODE1`: disks of its own are reached by iSCSI there, too");
    assert_eq!(states, []);

    let no_witness = "- fail_witness: {}";
    let (judgement, states) = run_on("witness_on_a_share", no_witness, more(NODE2));
    let expected = r"`NODE2`: the host of the witness has `\\FILES\SQL` open there, too";
    assert_eq!(problem(&judgement), expected);
    // The first node was let through again.
    let of_first = [("armed 30", vec![]), ("kept_from witness", vec![])];
    let of_first = of_first.map(|(part, value)| ("NODE1".to_owned(), part.to_owned(), value));
    assert_eq!(parts(&states), of_first);
}

#[test]
fn a_witness_that_is_no_share_is_left_alone_and_so_are_the_clients_of_several_roles() {
    let backend = LabBackend::new(Twin::new(Dialect::Friendly), None);
    let reason = |topology: &str, steps: &str| {
        backend.abilities(&plan_on(topology, steps)).reason_to_skip(BackendKind::Lab).unwrap_or_default()
    };
    let cuts = "- cut: { node: owner, from: witness }\n- heal: { node: first_owner, from: witness }";
    let expected = "lab cannot cut, heal: only a witness on a share can be kept from a node";
    assert_eq!(reason("two_node_fci", cuts), expected);
    assert_eq!(reason("witness_on_a_share", cuts), "");
    assert_eq!(reason("two_node_fci", NO_CLIENTS), "");
    let expected =
        "lab cannot cut, heal: where there are several roles nodes use each other's addresses, too";
    assert_eq!(reason("master_in_its_own_role", NO_CLIENTS), expected);
    let several = "- disable_adapter: { node: owner }\n- restart_node: { node: standby }";
    assert!(reason("two_node_fci", several).contains("restart_node: from its last look"), "{several}");
}

#[test]
fn an_adapter_is_switched_off_where_no_session_goes_by_it_and_on_again() {
    let steps = "- disable_adapter: { node: owner }
- expect: { within: 5m, role: { state: online, owner: first_standby }, workers: { which: every, state: connected } }";
    let adapter = "adapter {00000000-0000-0000-0000-0000000000C1}";
    let expected = ["armed 35", adapter].map(|part| ("NODE1".to_owned(), part.to_owned(), vec![]));
    for (faults, is_whole) in [(vec![], true), (vec![fault(NODE1, "write_part", 2, Mishap::DieAfter)], false)]
    {
        let (judgement, states) = run(steps, faults);
        assert_eq!(judgement.outcome == Outcome::Pass, is_whole, "{judgement:#?}");
        assert_eq!(parts(&states), expected);
    }
    let (judgement, states) = run(steps, vec![fault(NODE1, "read_surroundings", 1, Mishap::Occupied)]);
    let expected = "`NODE1`: a session with it, or its storage, goes by 10.0.0.11, and would be lost, too";
    assert_eq!((problem(&judgement), states.len()), (expected, 0));
}

#[test]
fn clients_are_cut_off_by_the_addresses_of_roles_and_let_through() {
    let (judgement, states) = run(NO_CLIENTS, Vec::new());
    assert_eq!(judgement.outcome, Outcome::Pass, "{judgement:#?}");
    let expected =
        ["armed 37", "kept_from clients"].map(|part| ("NODE1".to_owned(), part.to_owned(), vec![]));
    assert_eq!(parts(&states), expected);
}

#[test]
fn a_witness_that_one_node_is_kept_from_already_fails_for_the_others() {
    let steps = "- cut: { node: owner, from: witness }\n- fail_witness: {}\n- restore_witness: {}";
    let (judgement, states) = run_on("witness_on_a_share", steps, Vec::new());
    assert_eq!(judgement.outcome, Outcome::Pass, "{judgement:#?}");
    let hosts: Vec<String> = parts(&states).into_iter().map(|(host, ..)| host).collect();
    assert_eq!(hosts, ["NODE1", "NODE1", "NODE2", "NODE2"]);
}

#[test]
fn a_witness_that_works_again_is_not_there_for_a_node_that_is_cut_off_from_it() {
    let [cut, heal] = ["cut", "heal"].map(|verb| format!("- {verb}: {{ node: NODE1, from: witness }}"));
    let [fail, restore] = ["- fail_witness: {}", "- restore_witness: {}"].map(str::to_owned);
    for (steps, expected) in [
        ([&cut, &fail, &restore, &heal], [(true, false), (true, true), (true, false), (false, false)]),
        ([&fail, &cut, &restore, &heal], [(true, true), (true, true), (true, false), (false, false)]),
        ([&cut, &fail, &heal, &restore], [(true, false), (true, true), (true, true), (false, false)]),
    ] {
        let plan = plan_on("witness_on_a_share", &steps.map(String::as_str).join("\n"));
        let twin = Twin::new(Dialect::Friendly);
        let seen = twin.again();
        let mut backend = LabBackend::new(twin, None);
        backend.start(&plan).expect("a twin is ready");
        let kept = |host| !seen.value_of(host, &Part::KeptFrom(Outside::Witness)).is_empty();
        let found: Vec<(bool, bool)> = plan
            .actions
            .iter()
            .enumerate()
            .map(|(index, planned)| {
                let action = planned.action.resolve(|_| Ok::<_, std::convert::Infallible>(NodeId(0)));
                let action = action.unwrap_or_else(|never| match never {});
                backend.apply(ActionNo(index as u16), action).expect("it can be done");
                (kept(NODE1), kept(NODE2))
            })
            .collect();
        assert_eq!(found, expected, "{steps:?}");
    }
}

#[test]
fn clients_that_go_on_all_the_same_prove_nothing() {
    let nothing = "- cut: { node: standby, from: clients }\n- pause: { for: 1m, because: nobody minds }";
    let (judgement, _) = run(nothing, Vec::new());
    assert_eq!(judgement.outcome, Outcome::Inconclusive, "{judgement:#?}");
}

#[test]
fn a_host_that_nobody_comes_back_to_lets_itself_through() {
    let plan = plan_of(NO_DNS);
    let twin = Twin::new(Dialect::Friendly);
    let seen = twin.again();
    let mut backend = LabBackend::new(twin, None);
    backend.start(&plan).expect("a twin is ready");
    let action = plan.actions[0].action;
    let action = action.resolve(|_| Ok::<_, std::convert::Infallible>(NodeId(0)));
    backend.apply(ActionNo(0), action.unwrap_or_else(|never| match never {})).expect("it can be done");
    drop(backend);
    let kept = |host| seen.value_of(host, &Part::KeptFrom(Outside::Dns));
    assert_eq!((kept(NODE2), kept(W1)), (vec!["192.0.2.53".to_owned()], vec!["192.0.2.53".to_owned()]));
    seen.clock().wait_until(seen.clock().now() + Duration::from_secs(31 * 60));
    assert_eq!((kept(NODE2), kept(W1)), (vec![], vec![]));
}

#[test]
fn forced_quorum_is_over_in_the_end_and_every_node_is_back() {
    let steps = "- power_off: { node: NODE2 }
- power_off: { node: NODE3 }
- expect: { within: 2m, workers: { which: none, state: connected } }
- start_cluster_service: { node: NODE1, quorum: force }
- expect: { within: 5m, role: { state: online, owner: NODE1 }, workers: { which: every, state: connected } }
- power_on: { node: NODE2 }
- power_on: { node: NODE3 }
- expect: { within: 5m, nodes: { which: every, state: up } }";
    let kinds = |states: &[(Undo, State)]| -> Vec<String> {
        states
            .iter()
            .map(|(undo, state)| {
                assert_eq!(*state, State::Undone);
                undo.to_string()
            })
            .collect()
    };
    let expected = [
        "power NODE2 on",
        "power NODE3 on",
        "set the forced quorum of the cluster of NODE1 back to nothing",
        "start the cluster service of NODE1",
    ];
    let (judgement, states) = run_on("three_node_fci", steps, Vec::new());
    assert_eq!(judgement.outcome, Outcome::Pass, "{judgement:#?}");
    assert_eq!(kinds(&states), expected);
    // Whether it was done or not, it is taken back.
    for mishap in [Mishap::DieAfter, Mishap::DieBefore] {
        let faults = vec![fault(NODE1, "force_quorum", 1, mishap)];
        let (judgement, states) = run_on("three_node_fci", steps, faults);
        assert!(problem(&judgement).contains("starting the cluster service"), "{}", problem(&judgement));
        assert_eq!(kinds(&states), expected);
    }
    let has_cluster = "- start_cluster_service: { node: NODE1, quorum: force }";
    let (judgement, _) = run(has_cluster, Vec::new());
    assert!(problem(&judgement).contains("starting the cluster service"), "{}", problem(&judgement));
}

#[test]
fn a_run_about_quarantine_leaves_its_threshold_alone() {
    let steps = "- stop_cluster_service: { node: standby }
- expect: { within: 2m, node: { name: first_standby, state: down } }
- start_cluster_service: { node: first_standby, quarantine: cleared }
- expect: { within: 2m, node: { name: first_standby, state: up } }";
    let text = "cluster: C\ntransport: twin\nraise_thresholds: true\nallow: { stop_cluster_service: any, start_cluster_service: any }\n";
    let file = LabFile::read("lab.yaml", text).expect("no mistake in it");
    let folder = tempfile::tempdir().expect("a folder");
    let backend = LabBackend::new(Twin::new(Dialect::Friendly), Some(folder.path().to_owned()));
    let mut backend = backend.allowed_by(file);
    let judgement = director::run(&plan_of(steps), &mut backend, &mut Nowhere);
    assert_eq!(judgement.outcome, Outcome::Pass, "{judgement:#?}");
    let entries = backend.journal().map(Journal::entries).unwrap_or_default();
    let undos: Vec<String> = entries.iter().map(|entry| entry.undo.to_string()).collect();
    let threshold = "set the FailoverThreshold of `SQL Server (MSSQLSERVER)` of NODE1 back to 1";
    assert_eq!(undos, [threshold, "start the cluster service of NODE2"]);
}

#[test]
fn junk_is_put_into_root_and_nothing_else_is_taken_out() {
    let steps = "- change_node: { node: standby, root_store: junk }\n- change_node: { node: first_standby, root_store: clean }";
    let (judgement, states) = run(steps, Vec::new());
    assert_eq!(judgement.outcome, Outcome::Pass, "{judgement:#?}");
    let [(Undo::RestorePart { part: Part::RootCertificates(thumbprints), value, .. }, State::Undone)] =
        states.as_slice()
    else {
        panic!("{states:?}")
    };
    assert_eq!((thumbprints.len(), value.as_slice()), (1, [].as_slice()));
    assert_eq!(thumbprints[0].len(), 40);
}

#[test]
fn the_instance_of_a_replica_is_started_again_since_no_cluster_does_it() {
    let steps = "- kill_service: { node: owner, service: sql_server }
- expect: { within: 3m, role: { name: SSISAG, state: online, owner: first_standby } }
- expect: { within: 5m, workers: { which: every, state: connected } }";
    for faults in [vec![], vec![fault(NODE1, "kill_process", 1, Mishap::DieAfter)]] {
        let is_whole = faults.is_empty();
        let (judgement, states) = run_on("availability_group", steps, faults);
        assert_eq!(judgement.outcome == Outcome::Pass, is_whole, "{judgement:#?}");
        let expected = ("NODE1".to_owned(), "service SqlServer".to_owned(), vec!["running".to_owned()]);
        assert_eq!(parts(&states), [expected]);
    }
}
