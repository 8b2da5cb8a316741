//! Does a whole cluster behave, from its boot through a failover?

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::action::{Action, LoadWorkers, ResolvedAction};
use crate::assumption::Assumptions;
use crate::cluster::{
    ClusterConfig, NodeConfig, Profile, ResourceConfig, ResourceKind, ResourcePolicy, RoleConfig,
};
use crate::names::{AddressId, CertificateId, HostId, RoleId};
use crate::observe::{NodeState, TaskState, WorkerState};
use crate::scaleout::{MasterSettings, WorkerSettings};
use crate::topology::{Node, Promises, Target, Timings, WorkerMachine};
use crate::trust::{Certificate, Thumbprint};

const NODE1: NodeId = NodeId(0);
const NODE2: NodeId = NodeId(1);
const ROLE: RoleId = RoleId(0);
/// Host names: the network name and the two nodes.
const SQLFCI: HostId = HostId(0);
const MASTER: CertificateId = CertificateId(0);
const OTHER: CertificateId = CertificateId(1);

/// What the eight steps of the guide set up, with so many workers.
fn two_node_fci(workers: u16) -> Shared<Topology> {
    let resource = |kind, depends_on: &[u16]| ResourceConfig {
        role: ROLE,
        kind,
        depends_on: depends_on.iter().copied().map(ResourceId).collect(),
        possible_owners: NodeSet::first(2),
        policy: ResourcePolicy::DEFAULT,
    };
    let cluster = ClusterConfig {
        properties: Profile::Windows2019.properties(),
        nodes: vec![NodeConfig { has_vote: true, subnet: 0 }; 2],
        witness: true,
        roles: vec![RoleConfig {
            preferred_owners: Vec::new(),
            failover_threshold: None,
            failover_period: Duration::from_secs(6 * 3600),
            resources: (0..6).map(ResourceId).collect(),
        }],
        resources: vec![
            resource(ResourceKind::PhysicalDisk, &[]),
            resource(ResourceKind::IpAddress(AddressId(0)), &[]),
            resource(ResourceKind::NetworkName(SQLFCI), &[1]),
            resource(ResourceKind::SqlServer, &[0, 2]),
            resource(ResourceKind::SqlServerAgent, &[3]),
            resource(ResourceKind::ScaleOutMaster, &[2, 3]),
        ],
    };
    let certificate = |names: &[HostId]| Certificate {
        common_names: names.to_vec(),
        alternative_names: None,
        expires_after_secs: None,
        thumbprint: Thumbprint([0; 20]),
    };
    let own = |worker: u16| CertificateId(2 + worker);
    Shared::new(Topology {
        profile: Profile::Windows2019,
        cluster: Shared::new(cluster),
        nodes: vec![
            Node {
                root: (0..workers).map(own).collect(),
                binding: Some(MASTER),
                private_key: true,
                master_settings: Shared::new(MasterSettings::with_sql_server(SQLFCI)),
            };
            2
        ],
        addresses: vec![ResourceId(1)],
        endpoint: SQLFCI,
        hosts: vec![Target::Cluster(AddressId(0)), Target::Node(NODE1), Target::Node(NODE2)],
        certificates: [certificate(&[HostId(1), SQLFCI]), certificate(&[HostId(2)])]
            .into_iter()
            .chain((0..workers).map(|_| certificate(&[])))
            .collect(),
        workers: (0..workers)
            .map(|worker| WorkerMachine {
                settings: Shared::new(WorkerSettings::with_endpoint(SQLFCI, 8391)),
                root: vec![MASTER],
                pin: Some(MASTER),
                own: Some(own(worker)),
                key_readable: true,
                enabled: true,
            })
            .collect(),
        timings: Timings::DEFAULT,
        promises: Promises { reconnect_within: Duration::from_secs(180) },
    })
}

fn choices(seed: u64) -> Choices {
    Choices::new(seed, BTreeMap::new(), Assumptions::default())
}

fn secs(secs: u64) -> Time {
    Time::from_micros(secs * 1_000_000)
}

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
