//! Is the cluster safe in every state that a few faults can lead to, and does it serve again when all is mended?
//!
//! All stories of a few faults on two and three nodes without workers: each fault in every state at rest that the faults
//! before it led to, and each pair of faults at short distances, so that the second one meets a cluster at work. States
//! are told apart by their hash. Safety is judged at every record on the way, by a fold that shares no code with the
//! model or the claims.

use std::collections::HashSet;
use std::io::Write;
use std::time::Duration;

use failover_sim::action::{
    Drain, LinkEnd, LinkState, Part, ResolvedAction, Service, ServiceAction, StartQuorum, Ways,
};
use failover_sim::cluster::ResourceKind;
use failover_sim::names::{NodeId, ResourceId, RoleId};
use failover_sim::observe::{Fact, Flow, NodeState, Power, Record, ResourceState, Sink, Source};
use failover_sim::step::Shared;
use failover_sim::time::Time;
use failover_sim::topology::Topology;
use failover_sim::world::World;
use failover_tests::{plan_of, two_node_fci};

const ROLE: RoleId = RoleId(0);

/// What an eye that misses nothing knows of every node.
#[derive(Clone, Debug)]
struct Eye {
    power: Vec<Power>,
    member: Vec<bool>,
    online: Vec<Vec<bool>>,
    /// The resources of the role that is judged, the network name among them, and whether a shared disk is.
    role: Vec<ResourceId>,
    name: ResourceId,
    has_disk: bool,
    /// Since when two nodes show the network name online, and the longest time that was so.
    both: Option<Time>,
    longest: Duration,
    broken: Option<String>,
    now: Time,
}

impl Eye {
    fn new(topology: &Topology, role: RoleId) -> Self {
        let (nodes, resources) = (topology.nodes.len(), topology.cluster.resources.len());
        let kind = |resource: &ResourceId| topology.cluster.resources[resource.index()].kind;
        let role = topology.cluster.roles[role.index()].resources.clone();
        let name = role.iter().find(|resource| matches!(kind(resource), ResourceKind::NetworkName(_)));
        Self {
            power: vec![Power::Off; nodes],
            member: vec![false; nodes],
            online: vec![vec![false; resources]; nodes],
            name: *name.expect("a network name"),
            has_disk: role.iter().any(|resource| kind(resource) == ResourceKind::PhysicalDisk),
            role,
            both: None,
            longest: Duration::ZERO,
            broken: None,
            now: Time::ZERO,
        }
    }

    fn nodes_where(&self, is: impl Fn(usize) -> bool) -> Vec<usize> {
        (0..self.power.len()).filter(|&node| is(node)).collect()
    }

    fn serving(&self) -> Vec<usize> {
        self.nodes_where(|node| {
            self.power[node] == Power::On
                && self.role.iter().all(|resource| self.online[node][resource.index()])
        })
    }
}

impl Sink for Eye {
    fn record(&mut self, record: &Record) -> Flow {
        // What lasts no time at all is an order of records, and no overlap.
        let serving = self.serving();
        if self.has_disk && serving.len() > 1 && record.latest > self.now && self.broken.is_none() {
            self.broken = Some(format!("nodes {serving:?} serve from {} to {}", self.now, record.latest));
        }
        self.now = record.latest;
        match (record.fact, record.source) {
            (Fact::Machine { node, power }, _) => {
                self.power[node.index()] = power;
                if power == Power::Off {
                    self.member[node.index()] = false;
                    self.online[node.index()].fill(false);
                }
            }
            (Fact::NodeState { node, state }, Source::Node(by)) if node == by => {
                self.member[node.index()] = matches!(state, NodeState::Up | NodeState::Paused);
            }
            (Fact::ResourceState { resource, state }, Source::Node(by)) => {
                self.online[by.index()][resource.index()] = state == ResourceState::Online;
            }
            _ => return Flow::Continue,
        }
        // The network name comes first of all that a client needs.
        let named = self
            .nodes_where(|node| self.power[node] == Power::On && self.online[node][self.name.index()])
            .len();
        match (named > 1, self.both) {
            (true, None) => self.both = Some(record.latest),
            (false, Some(since)) => {
                self.longest = self.longest.max(record.latest.since(since));
                self.both = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
        Flow::Continue
    }
}

/// A cluster at rest, and the story that led there.
#[derive(Clone)]
struct State {
    world: World,
    eye: Eye,
    story: Vec<ResolvedAction>,
    role: RoleId,
}

impl State {
    fn first(topology: &Shared<Topology>, role: RoleId) -> Self {
        Self::of_seed(topology, role, 1)
    }

    fn of_seed(topology: &Shared<Topology>, role: RoleId, seed: u64) -> Self {
        let plan = plan_of(NOTHING, &two_node_fci(), seed);
        let world = World::new(topology, &[], plan.choices());
        let mut state = Self { world, eye: Eye::new(topology, role), story: Vec::new(), role };
        state.pass(AT_REST);
        assert_eq!(state.eye.serving().len(), 1, "it serves at the start");
        state
    }

    fn pass(&mut self, time: Duration) {
        let until = self.world.now() + time;
        self.world.advance(until, &mut self.eye);
    }

    /// The same after one more action, or nothing if it cannot be done here.
    fn after(&self, action: ResolvedAction, time: Duration) -> Option<Self> {
        let mut state = self.clone();
        state.world.apply(action).ok()?;
        state.story.push(action);
        state.pass(time);
        Some(state)
    }

    /// Undoes every fault there is.
    fn mended(&self) -> Self {
        let mut state = self.clone();
        let all = |state: &mut Self, make: &dyn Fn(NodeId) -> Vec<ResolvedAction>| {
            for node in nodes(state.eye.power.len()) {
                for action in make(node) {
                    // What is not broken cannot be mended.
                    let _ = state.world.apply(action);
                }
            }
            state.pass(AT_REST);
        };
        all(&mut state, &|node| {
            let whole = |to| ResolvedAction::Link { node, to, state: LinkState::Whole, ways: Ways::Both };
            let works = |part| ResolvedAction::Surroundings { part, works: true };
            vec![
                whole(LinkEnd::OtherNodes),
                whole(LinkEnd::Disk),
                whole(LinkEnd::Witness),
                works(Part::Witness),
                works(Part::ServiceStart { node, service: Service::Master }),
                works(Part::Adapter(node)),
                ResolvedAction::Thaw { node },
                ResolvedAction::PowerOn { node },
            ]
        });
        let start = |node| ResolvedAction::StartClusterService {
            node,
            quorum: StartQuorum::Normal,
            clear_quarantine: true,
        };
        // A machine that was shutting down while it stood still is off only now.
        all(&mut state, &|node| vec![ResolvedAction::PowerOn { node }, start(node)]);
        all(&mut state, &|node| vec![ResolvedAction::ResumeNode { node }]);
        let role = state.role;
        let online = |role| ResolvedAction::Role { role, online: true };
        all(&mut state, &|_| vec![online(ROLE), online(role)]);
        state
    }

    /// What is wrong with this state at rest, if anything is.
    fn wrong(&self) -> Option<String> {
        if let Some(broken) = &self.eye.broken {
            return Some(broken.clone());
        }
        let serving = self.eye.serving();
        if serving.len() > 1 {
            return Some(format!("nodes {serving:?} serve"));
        }
        if let Some(since) = self.eye.both {
            return Some(format!("two nodes show the network name online since {since}"));
        }
        (self.eye.longest > OVERLAP_MAX)
            .then(|| format!("two nodes showed the network name online for {:?}", self.eye.longest))
    }
}

fn nodes(count: usize) -> impl Iterator<Item = NodeId> {
    (0..count).map(|node| NodeId(node as u8))
}

/// Everything that is done to these nodes.
fn faults(count: usize, role: RoleId) -> Vec<ResolvedAction> {
    let mut faults = vec![
        ResolvedAction::Surroundings { part: Part::Witness, works: false },
        ResolvedAction::Surroundings { part: Part::Witness, works: true },
        ResolvedAction::Role { role, online: false },
        ResolvedAction::Role { role, online: true },
    ];
    for node in nodes(count) {
        let link = |to, state| ResolvedAction::Link { node, to, state, ways: Ways::Both };
        let service = |service, what| ResolvedAction::Service { node, service, what };
        let part = |part, works| ResolvedAction::Surroundings { part, works };
        let start = |quorum| ResolvedAction::StartClusterService { node, quorum, clear_quarantine: false };
        faults.extend([
            ResolvedAction::MoveRole { role, to: node },
            ResolvedAction::PowerOff { node },
            ResolvedAction::PowerOn { node },
            ResolvedAction::ShutDown { node },
            ResolvedAction::Freeze { node },
            ResolvedAction::Thaw { node },
            ResolvedAction::KillClusterService { node },
            ResolvedAction::StopClusterService { node },
            start(StartQuorum::Normal),
            start(StartQuorum::Prevent),
            ResolvedAction::PauseNode { node, drain: Drain::Move },
            ResolvedAction::ResumeNode { node },
            link(LinkEnd::OtherNodes, LinkState::Cut),
            link(LinkEnd::OtherNodes, LinkState::Whole),
            link(LinkEnd::Disk, LinkState::Cut),
            link(LinkEnd::Witness, LinkState::Cut),
            service(Service::Master, ServiceAction::Kill),
            service(Service::SqlServer, ServiceAction::Hang),
            part(Part::ServiceStart { node, service: Service::Master }, false),
            part(Part::Adapter(node), false),
        ]);
    }
    faults
}

/// What was visited.
#[derive(Debug, Default)]
struct Visited {
    states: usize,
    steps: usize,
    longest: Duration,
}

impl Visited {
    fn judge(&mut self, state: &State) {
        self.steps += 1;
        self.longest = self.longest.max(state.eye.longest);
        assert_eq!(state.wrong(), None, "after {:?}", state.story);
    }

    fn judge_mended(&mut self, state: &State) {
        let mended = state.mended();
        self.judge(&mended);
        assert_eq!(mended.eye.serving().len(), 1, "nobody serves when all is mended after {:?}", state.story);
        assert!(mended.eye.member.iter().all(|&is_member| is_member), "{:?}", state.story);
    }
}

/// Every state at rest that so many faults lead to.
fn explore(topology: &Shared<Topology>, role: RoleId, depth: usize) -> Visited {
    let faults = faults(topology.nodes.len(), role);
    let first = State::first(topology, role);
    let mut known = HashSet::from([first.world.cluster_state()]);
    let mut visited = Visited::default();
    let mut frontier = vec![first];
    for _ in 0..depth {
        let mut next = Vec::new();
        for state in &frontier {
            for after in faults.iter().filter_map(|&fault| state.after(fault, AT_REST)) {
                visited.judge(&after);
                if known.insert(after.world.cluster_state()) {
                    visited.judge_mended(&after);
                    next.push(after);
                }
            }
        }
        frontier = next;
    }
    visited.states = known.len();
    visited
}

/// Every pair of faults, the second one while the cluster is still at work on the first.
fn pairs(topology: &Shared<Topology>, role: RoleId, apart: &[Duration]) -> Visited {
    let faults = faults(topology.nodes.len(), role);
    let first = State::first(topology, role);
    let mut visited = Visited::default();
    let mut known = HashSet::new();
    for &gap in apart {
        for one in faults.iter().filter_map(|&fault| first.after(fault, gap)) {
            for two in faults.iter().filter_map(|&fault| one.after(fault, AT_REST)) {
                visited.judge(&two);
                if known.insert(two.world.cluster_state()) {
                    visited.judge_mended(&two);
                }
            }
        }
    }
    visited.states = known.len();
    visited
}

fn topology(nodes: usize, witness: bool) -> Shared<Topology> {
    let mut text = if nodes == 3 { file("three_node_fci") } else { two_node_fci() };
    if !witness {
        text = text.replace("witness: disk", "witness: none");
        assert!(text.contains("witness: none"));
    }
    without_workers(&text)
}

fn file(name: &str) -> String {
    let file = failover_tests::root().join(format!("scenarios/topologies/{name}.yaml"));
    std::fs::read_to_string(file).expect("a file of the repository")
}

fn without_workers(text: &str) -> Shared<Topology> {
    let plan = plan_of(NOTHING, text, 1);
    Shared::new(Topology { workers: Vec::new(), ..(*plan.topology).clone() })
}

fn tell(what: &str) {
    writeln!(std::io::stdout(), "{what}").expect("standard output takes a line");
}

/// How many faults a story has: more by `SMALL_STORIES=4`.
fn depth(usual: usize) -> usize {
    std::env::var("SMALL_STORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[test]
fn two_nodes_are_safe_whatever_happens_to_them() {
    for witness in [true, false] {
        let visited = explore(&topology(2, witness), ROLE, depth(3));
        assert!(visited.states > 2_000, "{visited:?}");
        tell(&format!("two nodes, witness {witness}: {visited:?}"));
    }
}

#[test]
fn three_nodes_are_safe_whatever_happens_to_them() {
    let visited = explore(&topology(3, true), ROLE, depth(3) - 1);
    assert!(visited.states > 500, "{visited:?}");
    tell(&format!("three nodes: {visited:?}"));
}

#[test]
fn a_second_fault_meets_a_cluster_at_work() {
    let apart = [0, 1_500, 15_000, 25_000].map(Duration::from_millis);
    let visited = pairs(&topology(2, true), ROLE, &apart);
    assert!(visited.states > 100, "{visited:?}");
    tell(&format!("pairs: {visited:?}"));
}

/// No disk's reservation keeps the old owner of such a role from going on: two nodes can serve it until the old one
/// knows better. For how long is measured, and bounded.
#[test]
fn a_master_in_a_role_of_its_own_is_served_by_two_nodes_for_seconds_at_most() {
    let topology = without_workers(&file("master_in_its_own_role"));
    let own = RoleId(1);
    let mut visited = explore(&topology, own, depth(3) - 1);
    assert!(visited.states > 100, "{visited:?}");
    // How long it lasts is a matter of phases: of heartbeats, and of two regroups that know nothing of each other.
    let partitions = 1_000;
    for seed in 1..=partitions {
        // The first node holds the witness, so that an owner on the second one is in the minority.
        let to_second = ResolvedAction::MoveRole { role: own, to: NodeId(1) };
        let mut state = State::of_seed(&topology, own, seed);
        for action in [to_second, cut(0, LinkEnd::OtherNodes)] {
            state = state.after(action, AT_REST).expect("it can be done");
        }
        visited.judge(&state);
    }
    assert!(visited.longest > Duration::ZERO, "an overlap is possible, and was not met");
    tell(&format!("own role, {partitions} partitions: {visited:?}"));
}

fn cut(node: u8, to: LinkEnd<NodeId>) -> ResolvedAction {
    ResolvedAction::Link { node: NodeId(node), to, state: LinkState::Cut, ways: Ways::Both }
}

/// Longer stories in which a defect of the model was found, by name.
#[test]
fn an_old_owner_that_thaws_where_it_hears_nobody_stops() {
    let (freeze, thaw) =
        (ResolvedAction::Freeze { node: NodeId(0) }, ResolvedAction::Thaw { node: NodeId(0) });
    for (nodes, meanwhile) in [
        // It did not count the heartbeats that it missed.
        (2, vec![cut(0, LinkEnd::OtherNodes), cut(1, LinkEnd::Disk)]),
        // It used the vote of a witness that knew of a later regroup.
        (2, vec![cut(0, LinkEnd::OtherNodes), cut(1, LinkEnd::Witness)]),
        // It admitted a node that had gone on without it.
        (3, vec![cut(1, LinkEnd::OtherNodes)]),
    ] {
        let mut state = State::first(&topology(nodes, true), ROLE);
        let mut visited = Visited::default();
        for action in [freeze].into_iter().chain(meanwhile).chain([thaw]) {
            state = state.after(action, AT_REST).expect("it can be done");
            visited.judge(&state);
        }
        visited.judge_mended(&state);
    }
}

const NOTHING: &str = "\
proves: nothing by itself
about: { topology: two_node_fci }
steps:
  - hold: { for: 1s, role: { state: online } }
";

/// Longer than everything that one fault leads to, an hour's patience with what was given up left out.
const AT_REST: Duration = Duration::from_secs(30 * 60);

/// A node that thaws shows its name until the others tell it that they went on, or until a regroup of 5 s finds that it
/// has no quorum.
const OVERLAP_MAX: Duration = Duration::from_secs(6);
