//! Does a whole cluster behave, from its boot through a failover?

use std::collections::BTreeMap;
use std::time::Duration;

use super::fixture::{NODE1, NODE2, OTHER, ROLE, SQLFCI, choices, secs, two_node_fci};
use super::*;
use crate::action::{
    Action, Drain, LinkEnd, LinkQuality, LinkState, LoadWorkers, Part, ResolvedAction, Service,
    ServiceAction, Ways,
};
use crate::assumption::Assumptions;
use crate::cluster::Witness;
use crate::names::{NodeSet, ResourceId};
use crate::observe::{ErrorFamily, Loss, NodeState, ResourceState, TaskState, WorkerState};

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

/// What follows when these actions happen at five minutes, up to this moment.
fn after(actions: &[ResolvedAction], until: u64) -> (World, Vec<Fact>) {
    let (mut world, mut history) = steady(2, &[]);
    for &action in actions {
        world.apply(action).expect("the cluster is steady");
    }
    world.advance(secs(until), &mut history);
    (world, facts_after(&history, secs(299)).collect())
}

fn cut(node: NodeId, to: LinkEnd<NodeId>) -> ResolvedAction {
    Action::Link { node, to, state: LinkState::Cut, ways: Ways::Both }
}

fn heal(node: NodeId, to: LinkEnd<NodeId>) -> ResolvedAction {
    Action::Link { node, to, state: LinkState::Whole, ways: Ways::Both }
}

fn service(service: Service, what: ServiceAction) -> ResolvedAction {
    Action::Service { node: NODE1, service, what }
}

#[test]
fn a_partition_leaves_the_role_where_the_votes_are_and_the_other_side_stops() {
    // The owner cannot reach the witness: it has one vote of three.
    let actions = [cut(NODE1, LinkEnd::OtherNodes), cut(NODE1, LinkEnd::Witness)];
    let (mut world, facts) = after(&actions, 330);
    assert!(facts.contains(&Fact::NodeState { node: NODE1, state: NodeState::Down }));
    assert!(facts.contains(&Fact::OwnerNode { role: ROLE, owner: NODE2 }));
    assert!(!world.nodes[0].service.runs());
    let mut history = Vec::new();
    world.advance(secs(700), &mut history);
    assert!(!world.nodes[0].service.is_active(), "it cannot form a cluster of its own");
    for action in [heal(NODE1, LinkEnd::OtherNodes), heal(NODE1, LinkEnd::Witness)] {
        world.apply(action).expect("links can always be healed");
    }
    world.advance(secs(900), &mut history);
    assert!(world.nodes[0].service.is_active(), "it has joined again");
    assert_eq!(world.nodes[0].service.view().members, NodeSet::first(2));
}

#[test]
fn a_partition_down_the_middle_is_won_by_whoever_holds_the_witness() {
    let (world, facts) = after(&[cut(NODE1, LinkEnd::OtherNodes)], 600);
    assert!(world.nodes[0].service.is_active() && !world.nodes[1].service.is_active());
    assert!(!facts.contains(&Fact::OwnerNode { role: ROLE, owner: NODE2 }));
}

#[test]
fn a_frozen_owner_finds_itself_out_when_it_thaws() {
    let (mut world, facts) = after(&[Action::Freeze { node: NODE1 }], 500);
    assert!(facts.contains(&Fact::OwnerNode { role: ROLE, owner: NODE2 }));
    let mut history = Vec::new();
    world.apply(Action::Thaw { node: NODE1 }).expect("it is frozen");
    world.advance(secs(700), &mut history);
    let disk = Fact::ResourceState { resource: ResourceId(0), state: ResourceState::Failed };
    let thawed: Vec<&Record> = history.iter().filter(|record| record.source == Source::Node(NODE1)).collect();
    assert_eq!(thawed.iter().find(|record| record.fact == disk).map(|record| record.latest), Some(secs(500)));
    assert!(world.nodes[0].service.is_active(), "it has joined again");
    let owners = (0..2).map(|node| world.nodes[node].service.view().roles.of(ROLE).owner);
    assert!(owners.into_iter().all(|owner| owner == Some(NODE2)));
}

#[test]
fn a_stopped_cluster_service_hands_its_role_over_first() {
    let (world, facts) = after(&[Action::StopClusterService { node: NODE1 }], 600);
    let moved = facts.iter().position(|&fact| fact == Fact::OwnerNode { role: ROLE, owner: NODE2 });
    let down = facts.iter().position(|&fact| fact == Fact::NodeState { node: NODE1, state: NodeState::Down });
    assert!(moved.is_some() && moved < down, "{facts:#?}");
    assert!(!world.nodes[0].service.runs());
    assert!(facts.iter().any(|&fact| connected_to(NODE2)(fact)));
}

#[test]
fn a_drained_node_takes_no_role_until_it_is_resumed() {
    let (mut world, facts) = after(&[Action::PauseNode { node: NODE1, drain: Drain::Move }], 600);
    assert!(facts.contains(&Fact::NodeState { node: NODE1, state: NodeState::Paused }));
    assert!(facts.contains(&Fact::OwnerNode { role: ROLE, owner: NODE2 }));
    let back = Action::MoveRole { role: ROLE, to: NODE1 };
    assert_eq!(world.apply(back), Err(ApplyError::NotACandidate { role: ROLE, node: NODE1 }));
    world.apply(Action::ResumeNode { node: NODE1 }).expect("it is a member");
    assert_eq!(world.apply(back), Ok(()));
}

#[test]
fn nothing_comes_online_on_a_paused_node() {
    let paused = Action::PauseNode { node: NODE1, drain: Drain::Stay };
    let (mut world, _) = after(&[paused, Action::Role { role: ROLE, online: false }], 600);
    let online = Action::Role { role: ROLE, online: true };
    assert_eq!(world.apply(online), Err(ApplyError::Paused(NODE1)));
    world.apply(Action::ResumeNode { node: NODE1 }).expect("it is a member");
    assert_eq!(world.apply(online), Ok(()));
}

#[test]
fn the_last_member_is_not_stopped_by_an_administrator() {
    let (mut world, facts) = after(&[Action::PowerOff { node: NODE2 }], 600);
    assert!(facts.contains(&Fact::NodeState { node: NODE2, state: NodeState::Down }));
    let stopped = world.apply(Action::StopClusterService { node: NODE1 });
    assert_eq!(stopped, Err(ApplyError::QuorumNeedsIt(NODE1)));
}

/// Whether the witness has its vote again this many seconds after the step that mends it, having been away for a minute.
fn witness_votes_after(kind: Witness, secs_later: u64) -> bool {
    let mut topology = (*two_node_fci(1)).clone();
    let mut cluster = (*topology.cluster).clone();
    cluster.witness = Some(kind);
    topology.cluster = Shared::new(cluster);
    let mut world = World::new(&Shared::new(topology), &[], choices(1));
    let mut history = Vec::new();
    world.advance(secs(300), &mut history);
    let works = |works| Action::Surroundings { part: Part::Witness, works };
    world.apply(works(false)).expect("anything can fail");
    world.advance(secs(360), &mut history);
    assert!(!world.nodes[0].service.view().witness_vote);
    world.apply(works(true)).expect("it can be mended");
    world.advance(secs(360 + secs_later), &mut history);
    world.nodes[0].service.view().witness_vote
}

#[test]
fn a_share_that_failed_is_tried_again_every_15_minutes_and_a_disk_at_once() {
    assert!(witness_votes_after(Witness::Disk, 10));
    assert!(!witness_votes_after(Witness::FileShare, 60));
    assert!(witness_votes_after(Witness::FileShare, 15 * 60));
}

#[test]
fn a_role_goes_to_nobody_but_its_possible_owners() {
    let removed = |node| Action::PossibleOwner { role: ROLE, node, may: false };
    let (mut world, facts) = after(&[removed(NODE2), Action::PowerOff { node: NODE1 }], 600);
    assert!(!facts.contains(&Fact::OwnerNode { role: ROLE, owner: NODE2 }), "{facts:#?}");
    world.apply(Action::PossibleOwner { role: ROLE, node: NODE2, may: true }).expect("it is a member");
    let mut history = Vec::new();
    world.advance(secs(1_200), &mut history);
    assert!(history.iter().any(|record| record.fact == Fact::OwnerNode { role: ROLE, owner: NODE2 }));
    assert!(history.iter().any(|record| connected_to(NODE2)(record.fact)));
    assert_eq!(world.apply(removed(NODE2)), Err(ApplyError::Owns { role: ROLE, node: NODE2 }));
}

#[test]
fn a_worker_does_what_its_service_is_told() {
    let worker = WorkerId(0);
    let told = |what| Action::WorkerService { worker, what };
    let (mut world, facts) = after(&[told(ServiceAction::Stop)], 600);
    let connected = |facts: &[Fact]| facts.iter().any(|&fact| connected_to(NODE1)(fact));
    assert!(facts.contains(&Fact::Worker { worker, state: WorkerState::Disconnected(Loss::Closed) }));
    let stopped = facts
        .iter()
        .skip_while(|fact| !matches!(fact, Fact::Worker { state: WorkerState::Disconnected(_), .. }));
    assert!(!stopped.into_iter().any(|&fact| connected_to(NODE1)(fact)));
    assert_eq!(world.apply(told(ServiceAction::Kill)), Err(ApplyError::WorkerStopped(worker)));
    world.apply(told(ServiceAction::Start)).expect("it does not run");
    assert_eq!(world.apply(told(ServiceAction::Start)), Err(ApplyError::WorkerRuns(worker)));
    let mut history = Vec::new();
    world.advance(secs(660), &mut history);
    let facts: Vec<Fact> = history.iter().map(|record| record.fact).collect();
    assert!(connected(&facts), "{facts:#?}");
    world.apply(told(ServiceAction::Hang)).expect("it runs");
    history.clear();
    world.advance(secs(1_200), &mut history);
    let facts: Vec<Fact> = history.iter().map(|record| record.fact).collect();
    assert_eq!(facts, [Fact::Worker { worker, state: WorkerState::Disconnected(Loss::TimedOut) }]);
    world.apply(told(ServiceAction::Start)).expect("what hangs is ended first");
    history.clear();
    world.advance(secs(1_260), &mut history);
    assert!(history.iter().any(|record| connected_to(NODE1)(record.fact)));
}

#[test]
fn a_package_that_outlives_its_worker_ends_in_its_time() {
    for (answer, ends_at) in [(0, 400), (crate::assumption::PACKAGES_RUN_ON, 900)] {
        let load = Load {
            count: 1,
            duration: Duration::from_secs(600),
            retry_count: 0,
            workers: LoadWorkers::Any,
            rounds: 1,
            every: Duration::ZERO,
        };
        let answers = Assumptions::default().with(Assumption::PackagesWithoutWorker, answer);
        let choices = Choices::new(1, BTreeMap::new(), answers);
        let mut world = World::new(&two_node_fci(1), &[load], choices);
        let mut history = Vec::new();
        world.advance(secs(300), &mut history);
        world.apply(Action::StartExecutions(LoadId(0))).expect("it is possible");
        world.advance(secs(400), &mut history);
        let stop = Action::WorkerService { worker: WorkerId(0), what: ServiceAction::Stop };
        world.apply(stop).expect("it runs");
        world.advance(secs(1_000), &mut history);
        let ended = history.iter().find(|record| matches!(record.fact, Fact::Package { runs: false, .. }));
        let ended = ended.expect("it ends").latest;
        assert!(ended >= secs(ends_at) && ended < secs(ends_at + 60), "{answer}: {ended:?}");
    }
}

#[test]
fn a_master_started_by_hand_runs_on_when_the_role_comes() {
    let start = Action::Service { node: NODE2, service: Service::Master, what: ServiceAction::Start };
    let (mut world, _) = after(&[start], 600);
    assert_eq!(world.apply(start), Err(ApplyError::RunsAlready(NODE2)));
    assert_eq!(world.nodes[1].master_run(), 1);
    world.apply(Action::MoveRole { role: ROLE, to: NODE2 }).expect("it can move");
    let mut history = Vec::new();
    world.advance(secs(900), &mut history);
    assert!(history.iter().any(|record| connected_to(NODE2)(record.fact)));
    assert_eq!(world.nodes[1].master_run(), 1);
    let sql_server = Action::Service { node: NODE1, service: Service::SqlServer, what: ServiceAction::Start };
    assert_eq!(world.apply(sql_server), Err(ApplyError::CannotStart(NODE1)), "the disk is not here");
}

#[test]
fn a_killed_master_is_restarted_in_place_within_a_poll() {
    let (_, facts) = after(&[service(Service::Master, ServiceAction::Kill)], 400);
    let master = |state| Fact::ResourceState { resource: ResourceId(5), state };
    assert!(facts.contains(&master(ResourceState::Failed)) && facts.contains(&master(ResourceState::Online)));
    assert!(!facts.contains(&Fact::OwnerNode { role: ROLE, owner: NODE2 }));
    assert!(
        facts.contains(&Fact::Worker { worker: WorkerId(0), state: WorkerState::Disconnected(Loss::Reset) })
    );
}

#[test]
fn a_hung_master_never_fails_over() {
    let (_, facts) = after(&[service(Service::Master, ServiceAction::Hang)], 1_200);
    assert!(!facts.iter().any(|fact| matches!(fact, Fact::ResourceState { .. } | Fact::OwnerNode { .. })));
    assert!(
        facts.contains(&Fact::Worker {
            worker: WorkerId(0),
            state: WorkerState::Disconnected(Loss::TimedOut)
        })
    );
}

#[test]
fn a_hung_sql_server_is_restarted_after_its_health_check_time_out() {
    let (_, facts) = after(&[service(Service::SqlServer, ServiceAction::Hang)], 600);
    let sql = |state| Fact::ResourceState { resource: ResourceId(3), state };
    assert!(facts.contains(&sql(ResourceState::Failed)) && facts.contains(&sql(ResourceState::Online)));
}

#[test]
fn an_owner_without_its_disk_gives_the_role_away() {
    let (_, facts) = after(&[cut(NODE1, LinkEnd::Disk)], 900);
    assert!(facts.contains(&Fact::OwnerNode { role: ROLE, owner: NODE2 }), "{facts:#?}");
    assert!(facts.iter().any(|&fact| connected_to(NODE2)(fact)));
}

#[test]
fn a_poor_way_costs_each_packet_its_delay_and_loses_some() {
    // From the move until both workers are back.
    let back = |quality| {
        let degrade = Action::Degrade { node: NODE2, quality };
        let (mut world, mut history) = steady(2, &[]);
        world.apply(degrade).expect("a way can get worse");
        world.apply(Action::MoveRole { role: ROLE, to: NODE2 }).expect("it can move");
        world.advance(secs(900), &mut history);
        let seen: Vec<&Record> = history.iter().filter(|record| connected_to(NODE2)(record.fact)).collect();
        assert_eq!(seen.len(), 2, "{seen:?}");
        seen.iter().map(|record| record.latest).max().expect("both are back")
    };
    let good = back(LinkQuality::default());
    let delay = Duration::from_secs(1);
    let slow = back(LinkQuality { delay, loss: 0 });
    // Attempts fall at other moments too: only the order is sure.
    assert!(slow >= good + delay, "{slow:?} after {good:?}");
    assert!(back(LinkQuality { delay: Duration::ZERO, loss: 40 }) > good);
}

#[test]
fn clients_cut_from_the_owner_stay_away_while_the_cluster_sees_nothing() {
    let (_, facts) = after(&[cut(NODE1, LinkEnd::Clients)], 900);
    assert!(!facts.iter().any(|fact| matches!(fact, Fact::OwnerNode { .. })));
    assert!(facts.iter().any(|fact| matches!(fact, Fact::Worker { state: WorkerState::Refused { .. }, .. })));
}

/// Found by exploration: the old owner had handed the role over, and the new one never heard of it.
#[test]
fn a_hand_over_that_meets_a_cut_link_reaches_the_new_owner_when_the_link_is_whole() {
    let (mut world, mut history) = steady(1, &[]);
    let link = |state| ResolvedAction::Link { node: NODE2, to: LinkEnd::OtherNodes, state, ways: Ways::Both };
    world.apply(ResolvedAction::MoveRole { role: ROLE, to: NODE2 }).expect("it can move");
    // A dead SQL Server needs no time to go offline.
    let kill =
        ResolvedAction::Service { node: NODE1, service: Service::SqlServer, what: ServiceAction::Kill };
    world.apply(kill).expect("it runs");
    world.apply(link(LinkState::Cut)).expect("a link can be cut");
    world.advance(secs(305), &mut history);
    let owner = |world: &World, node: NodeId| world.nodes[node.index()].service.view().roles.of(ROLE).owner;
    assert_eq!((owner(&world, NODE1), owner(&world, NODE2)), (Some(NODE2), Some(NODE1)));
    world.apply(link(LinkState::Whole)).expect("a link can be mended");
    world.advance(secs(700), &mut history);
    assert_eq!((owner(&world, NODE1), owner(&world, NODE2)), (Some(NODE2), Some(NODE2)));
    assert!(facts_after(&history, secs(305)).any(|fact| connected_to(NODE2)(fact)));
}
