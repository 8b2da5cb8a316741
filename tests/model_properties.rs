//! Does the model keep its promises whatever is done to it, in whatever order?
//!
//! Random stories of moves, power and killed services on topologies in which nothing is wrong. What may be so is said by
//! a reference model below that knows nodes and tasks and nothing else, and shares no code with the model under test.

use std::collections::BTreeMap;
use std::time::Duration;

use failover_harness::check::{Claim, Outcome, Window};
use failover_harness::plan::Plan;
use failover_sim::action::{Drain, LinkEnd, LinkState, ResolvedAction, StartQuorum, Ways};
use failover_sim::cluster::ResourceKind;
use failover_sim::names::{LoadId, NodeId, RoleId, TaskId, WorkerId};
use failover_sim::observe::{Fact, Power, Record, ResourceState, Source, TaskState, WorkerState};
use failover_sim::planted::{Defect, plant};
use failover_sim::time::Time;
use failover_sim::world::{Stop, World};
use failover_tests::{plan_of, root, two_node_fci};
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};

/// What is done, after a pause.
#[derive(Clone, Copy, Debug)]
struct Deed {
    pause: Duration,
    verb: Verb,
    node: u8,
}

#[derive(Clone, Copy, Debug)]
enum Verb {
    Move,
    /// Of SSISDB, where it has a role of its own.
    MoveDatabase,
    PowerOff,
    PowerOn,
    Kill,
    Freeze,
    Thaw,
    Stop,
    Start,
    Drain,
    Resume,
    Cut,
    Heal,
}

/// Up to ten deeds, close together or far apart.
fn story() -> impl Strategy<Value = Vec<Deed>> {
    let verb = prop_oneof![
        3 => Just(Verb::Move),
        3 => Just(Verb::PowerOff),
        3 => Just(Verb::PowerOn),
        2 => Just(Verb::Kill),
    ];
    story_of(verb)
}

/// The same with everything that can be done to a node.
fn wide_story() -> impl Strategy<Value = Vec<Deed>> {
    let verb = prop_oneof![
        Just(Verb::Move),
        Just(Verb::PowerOff),
        Just(Verb::PowerOn),
        Just(Verb::Kill),
        Just(Verb::Freeze),
        Just(Verb::Thaw),
        Just(Verb::Stop),
        Just(Verb::Start),
        Just(Verb::Drain),
        Just(Verb::Resume),
        Just(Verb::Cut),
        Just(Verb::Heal),
    ];
    story_of(verb)
}

/// The story of two roles that move apart.
fn story_of_two_roles() -> impl Strategy<Value = Vec<Deed>> {
    let verb = prop_oneof![
        2 => Just(Verb::Move),
        2 => Just(Verb::MoveDatabase),
        3 => Just(Verb::PowerOff),
        3 => Just(Verb::PowerOn),
        2 => Just(Verb::Kill),
    ];
    story_of(verb)
}

fn story_of(verb: impl Strategy<Value = Verb>) -> impl Strategy<Value = Vec<Deed>> {
    let pause = prop_oneof![
        2 => Just(0),
        3 => 0..6_000_u64,
        3 => 0..60_000_u64,
        2 => 0..400_000_u64,
    ];
    let deed = (pause, verb, 0..10_u8).prop_map(|(pause, verb, node)| Deed {
        pause: Duration::from_millis(pause),
        verb,
        node,
    });
    prop::collection::vec(deed, 0..10)
}

/// A topology in which nothing is wrong, in one of a few shapes.
#[derive(Clone, Copy, Debug)]
struct Shape {
    nodes: usize,
    witness: bool,
    boot: &'static str,
    service_restart: &'static str,
}

fn shape() -> impl Strategy<Value = Shape> {
    let boot = prop_oneof![Just("60s"), Just("5s"), Just("0s")];
    let restart = prop_oneof![Just("60s"), Just("1s")];
    (2..=3_usize, any::<bool>(), boot, restart).prop_map(|(nodes, witness, boot, service_restart)| Shape {
        nodes,
        witness,
        boot,
        service_restart,
    })
}

impl Shape {
    const TWO_NODES: Self = Self { nodes: 2, witness: true, boot: "60s", service_restart: "60s" };

    fn topology(self) -> String {
        let mut text = two_node_fci();
        let second = text.find("  - name: NODE2").expect("a second node");
        let end = text[second..].find("\n\n").expect("an end of the nodes") + second + 1;
        let more = (3..=self.nodes).map(|number| {
            let name = format!("NODE{number}");
            text[second..end].replace("NODE2", &name).replace("10.0.0.12", &format!("10.0.0.1{number}"))
        });
        let more: String = more.collect();
        text.insert_str(end, &more);
        if !self.witness {
            text = text.replace("witness: disk", "witness: none");
        }
        let Self { boot, service_restart, .. } = self;
        format!("{text}\ntimings: {{ boot: {boot}, service_restart: {service_restart} }}\n")
    }
}

const NOTHING: &str = "\
proves: nothing by itself
about: { topology: two_node_fci }
steps:
  - start_executions: { as: short, count: 4, duration: 20s, retry_count: 1, rounds: 6, every: 90s }
  - start_executions: { as: long, count: 1, duration: 8m, retry_count: 1, workers: each_named }
";

/// A world in which a story happens, with everything that is seen of it.
struct Telling {
    plan: Plan,
    world: World,
    seen: Vec<Record>,
}

impl Telling {
    fn begin(shape: Shape, seed: u64) -> Self {
        Self::begin_on(&shape.topology(), seed)
    }

    fn begin_on(topology: &str, seed: u64) -> Self {
        let plan = plan_of(NOTHING, topology, seed);
        let mut telling =
            Self { world: World::new(&plan.topology, &plan.loads, plan.choices()), plan, seen: Vec::new() };
        telling.pass(QUIET);
        telling.seen.push(telling.note(Fact::StepsBegan));
        for load in [LoadId(0), LoadId(1)] {
            telling.world.apply(ResolvedAction::StartExecutions(load)).expect("SSISDB is there");
        }
        telling
    }

    fn note(&self, fact: Fact) -> Record {
        Record { seq: 0, earliest: self.world.now(), latest: self.world.now(), source: Source::Run, fact }
    }

    fn pass(&mut self, time: Duration) {
        let until = self.world.now() + time;
        assert_eq!(self.world.advance(until, &mut self.seen), Stop::Reached);
    }

    /// Does what can be done at this moment; what cannot is left out, as an administrator would see at once.
    fn happen(&mut self, story: &[Deed]) {
        for deed in story {
            self.pass(deed.pause);
            let node = NodeId(deed.node % self.plan.topology.nodes.len() as u8);
            let action = match deed.verb {
                Verb::Move => ResolvedAction::MoveRole { role: self.plan.role, to: node },
                Verb::MoveDatabase => ResolvedAction::MoveRole { role: DATABASE, to: node },
                Verb::PowerOff => ResolvedAction::PowerOff { node },
                Verb::PowerOn => ResolvedAction::PowerOn { node },
                Verb::Kill => ResolvedAction::KillClusterService { node },
                Verb::Freeze => ResolvedAction::Freeze { node },
                Verb::Thaw => ResolvedAction::Thaw { node },
                Verb::Stop => ResolvedAction::StopClusterService { node },
                Verb::Start => ResolvedAction::StartClusterService {
                    node,
                    quorum: StartQuorum::Normal,
                    clear_quarantine: true,
                },
                Verb::Drain => ResolvedAction::PauseNode { node, drain: Drain::Move },
                Verb::Resume => ResolvedAction::ResumeNode { node },
                Verb::Cut => link(node, LinkState::Cut),
                Verb::Heal => link(node, LinkState::Whole),
            };
            let _ = self.world.apply(action);
        }
        self.pass(Duration::ZERO);
    }

    /// Takes everything back that a wide story can do.
    fn mend(&mut self) {
        for node in (0..self.plan.topology.nodes.len()).map(|node| NodeId(node as u8)) {
            let _ = self.world.apply(link(node, LinkState::Whole));
            let _ = self.world.apply(ResolvedAction::Thaw { node });
            let _ = self.world.apply(ResolvedAction::PowerOn { node });
        }
        self.pass(QUIET);
        for node in (0..self.plan.topology.nodes.len()).map(|node| NodeId(node as u8)) {
            let _ = self.world.apply(ResolvedAction::StartClusterService {
                node,
                quorum: StartQuorum::Normal,
                clear_quarantine: true,
            });
        }
        self.pass(QUIET);
        for node in (0..self.plan.topology.nodes.len()).map(|node| NodeId(node as u8)) {
            let _ = self.world.apply(ResolvedAction::ResumeNode { node });
        }
        self.pass(QUIET);
    }

    fn power_everything_on(&mut self) {
        for node in 0..self.plan.topology.nodes.len() {
            let _ = self.world.apply(ResolvedAction::PowerOn { node: NodeId(node as u8) });
        }
        self.pass(QUIET);
    }
}

fn link(node: NodeId, state: LinkState) -> ResolvedAction {
    ResolvedAction::Link { node, to: LinkEnd::OtherNodes, state, ways: Ways::Both }
}

/// The role of SSISDB in the topology with an availability group.
const DATABASE: RoleId = RoleId(0);

/// Longer than everything that one deed can lead to.
const QUIET: Duration = Duration::from_secs(30 * 60);

/// What may be so: which machines are on, by what was done to them.
fn machines_on(seen: &[Record], nodes: usize) -> Vec<bool> {
    let mut on = vec![false; nodes];
    for record in seen {
        if let Fact::Machine { node, power } = record.fact {
            on[node.index()] = power == Power::On;
        }
    }
    on
}

/// Who owns the master's role, in the view of each node that is on.
fn owners(seen: &[Record], on: &[bool], of: RoleId) -> Vec<NodeId> {
    let mut owners = vec![None; on.len()];
    for record in seen {
        if let (Fact::OwnerNode { role, owner }, Source::Node(by)) = (record.fact, record.source)
            && role == of
        {
            owners[by.index()] = Some(owner);
        }
    }
    owners.into_iter().zip(on).filter(|(_, on)| **on).filter_map(|(owner, _)| owner).collect()
}

fn worker_states(seen: &[Record], workers: usize) -> Vec<WorkerState> {
    let mut states = vec![WorkerState::Starting; workers];
    for record in seen {
        if let Fact::Worker { worker, state } = record.fact {
            states[worker.index()] = state;
        }
    }
    states
}

/// Everybody agrees on an owner that is on, and every worker is served by it.
fn served(telling: &Telling) -> Result<(), TestCaseError> {
    let on = machines_on(&telling.seen, telling.plan.topology.nodes.len());
    let owners = owners(&telling.seen, &on, telling.plan.role);
    let owner = owners.first().copied();
    prop_assert!(
        owner.is_some_and(|owner| on[owner.index()]),
        "owner {owner:?}, on {on:?}{}",
        end_of(&telling.seen)
    );
    prop_assert!(owners.iter().all(|&other| Some(other) == owner), "owners {owners:?}");
    for state in worker_states(&telling.seen, telling.plan.topology.workers.len()) {
        let connected = matches!(
            state,
            WorkerState::Connected { through, served_by, .. }
                if through == telling.plan.topology.endpoint && Some(served_by) == owner
        );
        prop_assert!(connected, "{state:?} while {owner:?} owns the role; {}", end_of(&telling.seen));
    }
    Ok(())
}

fn end_of(seen: &[Record]) -> String {
    let mut text = String::new();
    let noise = |fact: &Fact| matches!(fact, Fact::Task { .. } | Fact::Package { .. });
    for record in
        seen.iter().skip_while(|record| record.fact != Fact::StepsBegan).filter(|record| !noise(&record.fact))
    {
        text += &format!("\n{} {:?} {:?}", record.latest, record.source, record.fact);
    }
    text
}

/// The claims that no story may break.
fn claims_hold(telling: &Telling, claims: &[Claim]) -> Result<(), TestCaseError> {
    for &claim in claims {
        let mut check = claim.check(&telling.plan);
        telling.seen.iter().for_each(|record| check.observe(record));
        let window = Window { began: Time::ZERO, end: telling.world.now() };
        let verdict = check.verdict(&telling.plan, window);
        prop_assert!(verdict.outcome == Outcome::Pass, "{}: {verdict:?}", claim.word());
    }
    Ok(())
}

const ALWAYS: [Claim; 2] = [Claim::OneNodeServes, Claim::TrustedConnectionsOnly];

/// The life of a task: ready, handed out, running, over; back to ready as long as an attempt is left.
fn tasks_live_rightly(seen: &[Record], attempts: u8) -> Result<BTreeMap<TaskId, TaskState>, TestCaseError> {
    use TaskState::{Failed, HandedOut, Ready, Running, Succeeded};
    let mut lives: BTreeMap<TaskId, (TaskState, u8)> = BTreeMap::new();
    for record in seen {
        let Fact::Task { task, state, executed_count: count, worker, .. } = record.fact else { continue };
        let before = lives.insert(task, (state, count));
        if before == Some((state, count)) {
            // Only its execution has another status.
            continue;
        }
        let right = match (before, state) {
            (None, Ready) => count == 0,
            (Some((Ready, before)), HandedOut) => count == before + 1 && count <= attempts,
            (Some((HandedOut, before)), Running) => count == before,
            (Some((HandedOut | Running, before)), Succeeded) => count == before,
            (Some((HandedOut | Running, before)), Ready) => count == before && count < attempts,
            (Some((HandedOut | Running, before)), Failed) => count == before && count == attempts,
            _ => false,
        };
        prop_assert!(right, "{task} goes from {before:?} to {state:?} with {count}");
        prop_assert_eq!(worker.is_some(), matches!(state, HandedOut | Running | Succeeded));
    }
    Ok(lives.into_iter().map(|(task, (state, _))| (task, state)).collect())
}

/// A worker starts a package that it does not run, and ends one that it runs.
fn packages_run_once_on_a_worker(seen: &[Record]) -> Result<(), TestCaseError> {
    let mut running: Vec<(TaskId, WorkerId)> = Vec::new();
    for record in seen {
        let Fact::Package { task, worker, runs } = record.fact else { continue };
        let place = running.iter().position(|&other| other == (task, worker));
        match (runs, place) {
            (true, None) => running.push((task, worker)),
            (false, Some(place)) => drop(running.swap_remove(place)),
            (true, Some(_)) | (false, None) => prop_assert!(false, "{task} on {worker:?}: runs {runs}"),
        }
    }
    Ok(())
}

/// A machine without power shows nothing.
fn the_dead_are_silent(seen: &[Record], nodes: usize) -> Result<(), TestCaseError> {
    let mut on = vec![false; nodes];
    for record in seen {
        match (record.fact, record.source) {
            (Fact::Machine { node, power }, _) => on[node.index()] = power == Power::On,
            (_, Source::Node(node)) => prop_assert!(on[node.index()], "{:?} without power", record.fact),
            (Fact::Worker { state: WorkerState::Connected { served_by, .. }, .. }, _) => {
                prop_assert!(on[served_by.index()], "served by {served_by:?} without power");
            }
            _ => {}
        }
    }
    Ok(())
}

/// A resource is online only above what it depends on, on the same node.
fn dependencies_are_kept(telling: &Telling) -> Result<(), TestCaseError> {
    let resources = &telling.plan.topology.cluster.resources;
    let mut online = vec![vec![false; resources.len()]; telling.plan.topology.nodes.len()];
    for record in &telling.seen {
        match (record.fact, record.source) {
            (Fact::Machine { node, power: Power::Off }, _) => online[node.index()].fill(false),
            (Fact::ResourceState { resource, state }, Source::Node(node)) => {
                let online = &mut online[node.index()];
                online[resource.index()] = state == ResourceState::Online;
                if state == ResourceState::Online {
                    let below = &resources[resource.index()].depends_on;
                    prop_assert!(
                        below.iter().all(|below| online[below.index()]),
                        "{resource:?} at {}",
                        record.latest
                    );
                }
            }
            _ => {}
        }
    }
    Ok(())
}

#[track_caller]
fn for_all<S: Strategy>(strategy: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    // PROPTEST_CASES and PROPTEST_RNG_SEED ask for more, or for others.
    let usual = ProptestConfig::default();
    let rng_seed = match usual.rng_seed {
        RngSeed::Random => RngSeed::Fixed(20_160_601),
        RngSeed::Fixed(seed) => RngSeed::Fixed(seed),
    };
    let config = ProptestConfig { failure_persistence: None, rng_seed, max_shrink_iters: 600, ..usual };
    if let Err(error) = TestRunner::new(config).run(strategy, test) {
        panic!("{error}");
    }
}

#[test]
fn no_story_breaks_safety_and_in_the_end_every_worker_is_served() {
    for_all(&(shape(), story(), any::<u64>()), |(shape, story, seed)| {
        let mut telling = Telling::begin(shape, seed);
        served(&telling)?;
        telling.happen(&story);
        telling.power_everything_on();
        served(&telling)?;
        claims_hold(&telling, &ALWAYS)?;
        the_dead_are_silent(&telling.seen, telling.plan.topology.nodes.len())?;
        dependencies_are_kept(&telling)?;
        packages_run_once_on_a_worker(&telling.seen)?;
        let tasks = tasks_live_rightly(&telling.seen, 2)?;
        prop_assert_eq!(tasks.len(), 4 * 6 + 3);
        let over = |state: &TaskState| matches!(state, TaskState::Succeeded | TaskState::Failed);
        prop_assert!(tasks.values().all(over), "{tasks:?}");
        Ok(())
    });
}

/// No two nodes have the primary replica, and none gets it that was away while another one had it and tasks changed,
/// unless the two were on together afterwards for as long as a boot takes.
fn one_replica_leads_and_lacks_nothing(telling: &Telling) -> Result<(), TestCaseError> {
    let resources = &telling.plan.topology.cluster.resources;
    let group = resources.iter().position(|resource| resource.kind == ResourceKind::AvailabilityGroup);
    let boot = telling.plan.topology.timings.boot;
    let mut on_since: Vec<Option<Time>> = vec![None; telling.plan.topology.nodes.len()];
    let mut lacks = vec![false; on_since.len()];
    let mut leader: Option<NodeId> = None;
    for record in &telling.seen {
        let was = leader;
        match (record.fact, record.source) {
            (Fact::Machine { node, power }, _) => {
                on_since[node.index()] = (power == Power::On).then_some(record.latest);
                leader = leader.filter(|leader| *leader != node || power == Power::On);
            }
            (Fact::ResourceState { resource, state }, Source::Node(node))
                if Some(resource.index()) == group =>
            {
                if state == ResourceState::Online {
                    prop_assert!(leader.is_none(), "{node:?} beside {leader:?} at {}", record.latest);
                    prop_assert!(!lacks[node.index()], "{node:?} lacks something at {}", record.latest);
                    leader = Some(node);
                } else {
                    leader = leader.filter(|leader| *leader != node);
                }
            }
            (Fact::Task { .. }, _) if leader.is_some() => {
                lacks.iter_mut().zip(&on_since).for_each(|(lacks, on)| *lacks |= on.is_none());
            }
            _ => {}
        }
        if was.is_some() && leader.is_none() {
            for (lacks, since) in lacks.iter_mut().zip(&on_since) {
                *lacks &= since.is_none_or(|since| record.latest.since(since) < boot);
            }
        }
    }
    Ok(())
}

/// The topology with an availability group, and a third node without a replica.
fn replicas_on_two_of_three() -> String {
    let file = root().join("scenarios/topologies/availability_group.yaml");
    let text = std::fs::read_to_string(file).expect("a topology of the repository");
    let second = text.find("  - name: NODE2").expect("a second node");
    let end = text[second..].find("\n\n").expect("an end of the nodes") + second + 1;
    let third = text[second..end].replace("NODE2", "NODE3").replace("10.0.0.12", "10.0.0.13");
    let group = "type: availability_group";
    format!("{}{third}{}", &text[..end], &text[end..])
        .replace(group, &format!("{group}, possible_owners: [ NODE1, NODE2 ]"))
}

#[test]
fn a_replica_that_leads_although_it_lacks_something_is_noticed() {
    let deed = |seconds, verb, node| Deed { pause: Duration::from_secs(seconds), verb, node };
    let story = [deed(0, Verb::PowerOff, 1), deed(400, Verb::PowerOff, 0), deed(0, Verb::PowerOn, 1)];
    let tell = |defect| {
        plant(defect);
        let mut telling = Telling::begin_on(&replicas_on_two_of_three(), 1);
        telling.happen(&story);
        telling.pass(QUIET);
        plant(None);
        one_replica_leads_and_lacks_nothing(&telling)
    };
    assert!(tell(None).is_ok());
    assert!(tell(Some(Defect::ReplicaBehindServes)).is_err());
}

#[test]
fn two_roles_that_fail_over_apart_break_nothing_and_in_the_end_every_worker_is_served() {
    let topology = replicas_on_two_of_three();
    for_all(&(story_of_two_roles(), any::<u64>()), |(story, seed)| {
        let mut telling = Telling::begin_on(&topology, seed);
        served(&telling)?;
        telling.happen(&story);
        telling.power_everything_on();
        // A role that has spent its failovers is tried again every hour, and fails over again after six.
        telling.pass(Duration::from_secs(8 * 3_600));
        served(&telling)?;
        claims_hold(&telling, &ALWAYS)?;
        the_dead_are_silent(&telling.seen, telling.plan.topology.nodes.len())?;
        dependencies_are_kept(&telling)?;
        one_replica_leads_and_lacks_nothing(&telling)?;
        packages_run_once_on_a_worker(&telling.seen)?;
        tasks_live_rightly(&telling.seen, 2)?;
        Ok(())
    });
}

#[test]
fn no_story_of_partitions_freezes_and_stops_breaks_safety_and_mending_brings_every_worker_back() {
    for_all(&(shape(), wide_story(), any::<u64>()), |(shape, story, seed)| {
        let mut telling = Telling::begin(shape, seed);
        telling.happen(&story);
        telling.mend();
        served(&telling)?;
        claims_hold(&telling, &ALWAYS)?;
        the_dead_are_silent(&telling.seen, telling.plan.topology.nodes.len())?;
        dependencies_are_kept(&telling)?;
        packages_run_once_on_a_worker(&telling.seen)?;
        tasks_live_rightly(&telling.seen, 2)?;
        Ok(())
    });
}

/// Of two nodes with a witness one alone has quorum, whatever happens to the other: it was never asleep.
#[test]
fn of_two_nodes_with_a_witness_one_that_nobody_touches_is_enough() {
    for_all(&(0..2_u8, story(), any::<u64>()), |(victim, mut story, seed)| {
        for deed in story.iter_mut().filter(|deed| !matches!(deed.verb, Verb::Move)) {
            deed.node = victim;
        }
        let mut telling = Telling::begin(Shape::TWO_NODES, seed);
        telling.happen(&story);
        telling.pass(QUIET);
        served(&telling)?;
        claims_hold(&telling, &ALWAYS)
    });
}

/// Three of five are a majority of every set of votes that can be left, whatever happens to the other two.
#[test]
fn of_five_nodes_three_that_nobody_touches_are_enough() {
    for_all(&(any::<bool>(), story(), any::<u64>()), |(witness, mut story, seed)| {
        let mut telling = Telling::begin(Shape { nodes: 5, witness, ..Shape::TWO_NODES }, seed);
        for deed in story.iter_mut().filter(|deed| !matches!(deed.verb, Verb::Move)) {
            deed.node %= 2;
        }
        telling.happen(&story);
        telling.pass(QUIET);
        served(&telling)?;
        claims_hold(&telling, &ALWAYS)
    });
}

#[test]
fn the_same_story_told_twice_is_the_same() {
    for_all(&(shape(), story(), any::<u64>()), |(shape, story, seed)| {
        let tell = || {
            let mut telling = Telling::begin(shape, seed);
            telling.happen(&story);
            telling.seen
        };
        prop_assert!(tell() == tell());
        Ok(())
    });
}
