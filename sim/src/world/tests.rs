//! Does a whole cluster behave, from its boot through a failover?

use std::time::Duration;

use super::fixture::{NODE1, NODE2, OTHER, ROLE, SQLFCI, choices, secs, two_node_fci};
use super::*;
use crate::action::{Action, LoadWorkers, ResolvedAction};
use crate::observe::{NodeState, TaskState, WorkerState};

/// A cluster with everybody connected, five minutes after its boot.
fn steady(workers: u16, loads: &[Load]) -> (World, Vec<Record>) {
    let mut world = World::new(&two_node_fci(workers), loads, choices(1));
    let mut history = Vec::new();
    assert_eq!(world.advance(secs(300), &mut history), Stop::Reached);
    (world, history)
}

fn facts_after(history: &[Record], moment: Time) -> impl Iterator<Item = Fact> {
    history.iter().filter(move |record| record.earliest > moment).map(|record| record.fact)
}

fn connected_to(node: NodeId) -> impl Fn(Fact) -> bool {
    move |fact| {
        matches!(
            fact,
            Fact::Worker { state: WorkerState::Connected { through: SQLFCI, served_by, .. }, .. }
                if served_by == node
        )
    }
}

#[test]
fn a_cluster_boots_and_its_workers_connect_through_the_network_name() {
    let (world, history) = steady(3, &[]);
    assert_eq!(facts_after(&history, Time::ZERO).filter(|&fact| connected_to(NODE1)(fact)).count(), 3);
    assert!(world.nodes[0].service.view().members.contains(NODE2));
}

#[test]
fn after_a_power_off_the_workers_are_served_by_the_other_node() {
    let (mut world, mut history) = steady(3, &[]);
    world.apply(ResolvedAction::PowerOff { node: NODE1 }).expect("it is on");
    world.advance(secs(600), &mut history);
    let after: Vec<Fact> = facts_after(&history, secs(300)).collect();
    assert!(after.contains(&Fact::NodeState { node: NODE1, state: NodeState::Down }));
    assert!(after.contains(&Fact::OwnerNode { role: ROLE, owner: NODE2 }));
    assert_eq!(after.iter().filter(|&&fact| connected_to(NODE2)(fact)).count(), 3);
}

#[test]
fn a_planned_move_closes_connections_before_the_address_goes() {
    let (mut world, mut history) = steady(2, &[]);
    world.apply(ResolvedAction::MoveRole { role: ROLE, to: NODE2 }).expect("it can move");
    world.advance(secs(900), &mut history);
    let after: Vec<Fact> = facts_after(&history, secs(300)).collect();
    let closed =
        |fact: &&Fact| matches!(fact, Fact::Worker { state: WorkerState::Disconnected(Loss::Closed), .. });
    assert_eq!(after.iter().filter(closed).count(), 2);
    assert_eq!(after.iter().filter(|&&fact| connected_to(NODE2)(fact)).count(), 2);
}

#[test]
fn a_certificate_of_its_own_on_the_second_node_keeps_every_worker_out() {
    let (mut world, mut history) = steady(2, &[]);
    let drift: ResolvedAction = Action::ReplaceMasterCertificate { node: NODE2, with: OTHER };
    world.apply(drift).expect("a file can always be replaced");
    world.apply(ResolvedAction::MoveRole { role: ROLE, to: NODE2 }).expect("it can move");
    world.advance(secs(900), &mut history);
    let refused = |worker| Fact::Worker {
        worker: WorkerId(worker),
        state: WorkerState::Refused {
            error: ErrorFamily::TrustRelationship,
            by: Some(NODE2),
            presented: Some(OTHER),
        },
    };
    let after: Vec<Fact> = facts_after(&history, secs(300)).collect();
    assert!(after.contains(&refused(0)) && after.contains(&refused(1)), "{after:#?}");
    assert!(!after.iter().any(|&fact| connected_to(NODE2)(fact)));
}

#[test]
fn a_task_is_handed_out_once_and_survives_a_failover() {
    let load = Load {
        count: 1,
        duration: Duration::from_secs(480),
        retry_count: 0,
        workers: LoadWorkers::Any,
        rounds: 1,
        every: Duration::ZERO,
    };
    let (mut world, mut history) = steady(2, &[load]);
    world.apply(ResolvedAction::StartExecutions(LoadId(0))).expect("SSISDB is there");
    world.advance(secs(330), &mut history);
    world.apply(ResolvedAction::PowerOff { node: NODE1 }).expect("it is on");
    world.advance(secs(1_200), &mut history);
    let states: Vec<(TaskState, u8)> = facts_after(&history, Time::ZERO)
        .filter_map(|fact| {
            let Fact::Task { state, executed_count, .. } = fact else { return None };
            Some((state, executed_count))
        })
        .collect();
    assert_eq!(
        states,
        [
            (TaskState::Ready, 0),
            (TaskState::HandedOut, 1),
            (TaskState::Running, 1),
            (TaskState::Succeeded, 1)
        ]
    );
}

#[test]
fn a_killed_cluster_service_comes_back_and_joins() {
    let (mut world, mut history) = steady(1, &[]);
    world.apply(ResolvedAction::KillClusterService { node: NODE1 }).expect("it runs");
    world.advance(secs(600), &mut history);
    let after: Vec<Fact> = facts_after(&history, secs(300)).collect();
    assert!(after.iter().any(|&fact| connected_to(NODE2)(fact)));
    let joined = Fact::NodeState { node: NODE1, state: NodeState::Up };
    assert!(after.iter().rposition(|&fact| fact == joined).is_some(), "{after:#?}");
}

#[test]
fn the_same_seed_gives_the_same_history_after_a_reset_too() {
    let (mut world, first) = steady(3, &[]);
    let mut second = Vec::new();
    world.reset(choices(1));
    world.advance(secs(300), &mut second);
    assert_eq!(first, second);
    let mut other = Vec::new();
    world.reset(choices(2));
    world.advance(secs(300), &mut other);
    assert_ne!(first, other);
}
