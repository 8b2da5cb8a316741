//! What happens to a whole cluster with its masters and workers, in virtual time?
//!
//! One thread, one queue. An event goes to a machine, its effects are carried out in order, and what they make others
//! do at the same moment waits in a first-in first-out list. A probe that would find nothing is not an event: the
//! moment of the heartbeat or poll that notices a fault is computed when the fault happens.

mod act;
mod attempts;
mod cluster;
mod event;
mod identity;
mod logging;
mod look;
mod node;
mod program;
mod queue;
mod read;
mod traffic;
mod wire;

#[cfg(any(test, feature = "twin"))]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use crate::action::Load;
use crate::assumption::Assumption;
use crate::choices::{ChoiceKey, Choices, Purpose, Spread};
use crate::cluster::{ClusterEffect, ClusterEvent, ClusterProperties, Epoch};
use crate::mark::Marks;
use crate::names::{AddressId, LoadId, NodeId, NodeSet, TaskId, WorkerId};
use crate::net::{Addresses, Dns, Links};
use crate::observe::{Answer, Fact, Flow, Record, Sink, Source, Watch};
use crate::scaleout::{MasterEffect, WorkerEffect};
use crate::sql::{Change, Replicas, Ssisdb};
use crate::step::Shared;
use crate::time::{Time, micros};
use crate::topology::Topology;
use crate::trust::{ClientTrust, HostTrust, Trust};

use cluster::{WaitingCall, replicas_of};
use event::Event;
use node::NodeHost;
use program::Program;
use queue::Queue;
use traffic::WorkerHost;
use wire::Wire;

pub use act::ApplyError;
pub use attempts::Attempted;
pub use look::{Socket, SocketState};
pub use wire::{WireCommand, WireEvent};

/// A cluster with its masters and workers, and everything between them.
#[derive(Clone, Debug)]
pub struct World {
    topology: Shared<Topology>,
    loads: Vec<Load>,
    now: Time,
    /// The least and the greatest time of a message on a link.
    link_micros: (u64, u64),
    queue: Queue<Event>,
    choices: Choices,
    trust: Trust,
    /// Cluster properties: one value in the cluster database.
    properties: ClusterProperties,
    addresses: Addresses,
    dns: Dns,
    links: Links,
    /// The node whose reservation the shared disk has: the truth that no partition can split.
    reservation: Option<NodeId>,
    /// The witness itself works.
    witness_works: bool,
    /// When it last failed, and from when on the cluster uses it again.
    witness_failed: Time,
    witness_from: Time,
    /// Whether the nodes reach a domain controller.
    directory_works: bool,
    /// For each address of the cluster, whether a machine outside answers for it too.
    duplicates: Vec<bool>,
    /// The node that holds the witness.
    witness_holder: Option<NodeId>,
    /// The last regroup that the witness knows of.
    witness_epoch: Epoch,
    ssisdb: Ssisdb,
    /// Which replicas of SSISDB have everything, if it is in an availability group and not on the shared disk.
    replicas: Option<Replicas>,
    /// Calls to SSISDB whose transactions wait for a replica.
    waiting: Vec<WaitingCall>,
    nodes: Vec<NodeHost>,
    workers: Vec<WorkerHost>,
    /// Empty if nobody wants to know.
    attempts: Vec<Attempted>,
    wire: Wire,
    shown_endpoint: Option<Answer>,
    shown_master: Option<NodeId>,
    /// Messages of packages that workers keep on their disks.
    log_cache: Vec<(WorkerId, TaskId)>,
    /// Facts that the sink has not been told yet.
    pending: Vec<Record>,
    sequence: u64,
    counters: Counters,
    marks: Marks,
    /// Messages to cluster services at this moment.
    inbox: VecDeque<(NodeId, ClusterEvent)>,
    /// Messages from one cluster service to another that did not arrive: they are sent again when the two hear each
    /// other, unless a regroup has told more by then.
    unsent: Vec<(NodeId, NodeId, ClusterEvent)>,
    worker_effects: Vec<WorkerEffect>,
    master_effects: Vec<MasterEffect>,
    cluster_effects: Vec<ClusterEffect>,
    changes: Vec<Change>,
}

/// What was counted on the way; for benchmarks and tests, never for verdicts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Events taken from the queue.
    pub events: u64,
    /// Requests that workers sent and had answered.
    pub requests: u64,
    /// Reports on tasks among them.
    pub reports: u64,
    /// How often a worker's heartbeat was answered on a new connection.
    pub connects: u64,
}

/// Why the world came back to its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The moment that was asked for is reached.
    Reached,
    /// The sink asked for control.
    Yielded,
}

impl World {
    /// A cluster at the moment when its machines have started and no service has.
    ///
    /// `loads` are the sets of executions that actions name.
    pub fn new(topology: &Shared<Topology>, loads: &[Load], choices: Choices) -> Self {
        Self::with_wire(topology, loads, choices, Wire::Modelled)
    }

    fn with_wire(topology: &Shared<Topology>, loads: &[Load], choices: Choices, wire: Wire) -> Self {
        let mut world = Self {
            topology: topology.clone(),
            loads: loads.to_vec(),
            now: Time::ZERO,
            link_micros: (micros(topology.timings.link.least), micros(topology.timings.link.most)),
            queue: Queue::for_parties(topology.workers.len()),
            choices,
            trust: Trust::new(topology.certificates.clone()),
            properties: topology.cluster.properties.clone(),
            addresses: Addresses::unheld(topology.addresses.len()),
            dns: Dns::knowing(&topology.network_names),
            links: Links::whole(topology.nodes.len()),
            reservation: None,
            witness_works: true,
            witness_failed: Time::ZERO,
            witness_from: Time::ZERO,
            directory_works: true,
            duplicates: vec![false; topology.addresses.len()],
            witness_holder: None,
            witness_epoch: Epoch::default(),
            ssisdb: Ssisdb::new(topology.workers.iter().map(|worker| worker.enabled)),
            replicas: replicas_of(topology),
            waiting: Vec::new(),
            nodes: Vec::with_capacity(topology.nodes.len()),
            workers: Vec::with_capacity(topology.workers.len()),
            attempts: Vec::new(),
            wire,
            shown_endpoint: None,
            shown_master: None,
            log_cache: Vec::new(),
            pending: Vec::new(),
            sequence: 0,
            counters: Counters::default(),
            marks: Marks::default(),
            inbox: VecDeque::new(),
            unsent: Vec::new(),
            worker_effects: Vec::new(),
            master_effects: Vec::new(),
            cluster_effects: Vec::new(),
            changes: Vec::new(),
        };
        world.start();
        world
    }

    /// The same cluster with somebody else to carry requests and answers, who also watches the endpoint.
    pub fn with_outside_wire(topology: &Shared<Topology>, loads: &[Load], choices: Choices) -> Self {
        Self::with_wire(topology, loads, choices, Wire::Outside(Vec::new()))
    }

    /// The same cluster again from its start, with other choices, in the same memory.
    pub fn reset(&mut self, choices: Choices) {
        self.queue.clear();
        self.wire.clear();
        self.choices = choices;
        self.trust = Trust::new(self.topology.certificates.clone());
        self.properties = self.topology.cluster.properties.clone();
        self.addresses = Addresses::unheld(self.topology.addresses.len());
        self.dns = Dns::knowing(&self.topology.network_names);
        self.links = Links::whole(self.topology.nodes.len());
        self.now = Time::ZERO;
        self.reservation = None;
        self.witness_works = true;
        self.witness_failed = Time::ZERO;
        self.witness_from = Time::ZERO;
        self.directory_works = true;
        self.duplicates.fill(false);
        self.witness_holder = None;
        self.witness_epoch = Epoch::default();
        self.ssisdb = Ssisdb::new(self.topology.workers.iter().map(|worker| worker.enabled));
        self.replicas = replicas_of(&self.topology);
        self.waiting.clear();
        self.nodes.clear();
        self.workers.clear();
        self.attempts.fill(Attempted::default());
        self.shown_endpoint = None;
        self.shown_master = None;
        self.pending.clear();
        self.unsent.clear();
        self.log_cache.clear();
        self.sequence = 0;
        self.counters = Counters::default();
        self.marks = Marks::default();
        self.start();
    }

    fn start(&mut self) {
        let topology = self.topology.clone();
        let never_missed = std::time::Duration::ZERO;
        let all = [
            Watch::Machines,
            Watch::Endpoint,
            Watch::Workers,
            Watch::Ssisdb,
            Watch::Reports,
            Watch::Messages,
        ];
        for what in all {
            // With an outside wire, whoever carries it looks at the endpoint, and says how often.
            if what == Watch::Endpoint && !matches!(self.wire, Wire::Modelled) {
                continue;
            }
            self.show(Source::Run, Fact::Watching { what, every: never_missed });
        }
        for index in 0..topology.nodes.len() {
            let host = NodeHost::new(NodeId(index as u8), &topology, &mut self.trust);
            self.nodes.push(host);
        }
        for (index, machine) in topology.workers.iter().enumerate() {
            let mut host = WorkerHost::new(WorkerId(index as u32), machine, &mut self.trust);
            if machine.program.is_some() && matches!(self.wire, Wire::Outside(_)) {
                host.program = Some(Box::new(Program::STOPPED));
            }
            self.workers.push(host);
            self.queue.push(Time::ZERO, Event::WorkerDue(WorkerId(index as u32)));
        }
        for index in 0..topology.nodes.len() {
            self.start_machine(NodeId(index as u8));
        }
    }

    /// The present moment.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// One more set of executions that actions can name.
    pub fn add_load(&mut self, load: Load) -> LoadId {
        self.loads.push(load);
        LoadId((self.loads.len() - 1) as u16)
    }

    /// Whether it began with this very topology and these loads, so that a reset is enough to run it again.
    pub fn is_of(&self, topology: &Shared<Topology>, loads: &[Load]) -> bool {
        self.topology.is(topology) && self.loads == loads
    }

    /// The random values and assumptions of the run.
    pub const fn choices(&self) -> &Choices {
        &self.choices
    }

    /// What a node holds at this moment that decides about trust.
    pub fn host_trust(&self, node: NodeId) -> &HostTrust {
        &self.nodes[node.index()].trust
    }

    /// What a worker's machine holds at this moment that decides about trust.
    pub fn client_trust(&self, worker: WorkerId) -> &ClientTrust {
        self.trust.client_trust(self.workers[worker.index()].client)
    }

    /// What this run takes for a question whose answer whoever carries the wire needs; it counts as consulted.
    pub fn assume(&mut self, assumption: Assumption) -> usize {
        self.choices.assume(assumption)
    }

    /// Puts into the history what somebody outside saw at the present moment: it became true at `earliest` or later.
    pub fn show_outside(&mut self, source: Source, fact: Fact, earliest: Time) {
        let seq = self.sequence;
        self.sequence += 1;
        self.pending.push(Record { seq, earliest, latest: self.now, source, fact });
    }

    /// What was counted so far.
    pub const fn counters(&self) -> Counters {
        Counters { events: self.queue.pops(), ..self.counters }
    }

    /// The rare moments that the run went through so far.
    pub const fn marks(&self) -> Marks {
        self.marks
    }

    /// Lets everything happen up to `until`, or until the sink wants control.
    pub fn advance<S: Sink>(&mut self, until: Time, sink: &mut S) -> Stop {
        if self.flush(sink) == Flow::Yield {
            return Stop::Yielded;
        }
        while let Some(time) = self.queue.turn_to(until) {
            self.now = time;
            self.happen();
            if !self.pending.is_empty() && self.flush(sink) == Flow::Yield {
                return Stop::Yielded;
            }
        }
        self.now = self.now.max(until);
        Stop::Reached
    }

    /// The moment of the next event, if anything is going to happen.
    pub fn next_moment(&mut self) -> Option<Time> {
        if self.pending.is_empty() { self.queue.next_time() } else { Some(self.now) }
    }

    /// Hands out what is to be done with sockets. Empty unless the wire is outside.
    pub fn take_commands(&mut self, commands: &mut Vec<WireCommand>) {
        match &mut self.wire {
            Wire::Modelled => {}
            Wire::Outside(waiting) => commands.append(waiting),
        }
    }

    fn flush<S: Sink>(&mut self, sink: &mut S) -> Flow {
        let mut flow = Flow::Continue;
        for record in &self.pending {
            if sink.record(record) == Flow::Yield {
                flow = Flow::Yield;
            }
        }
        self.pending.clear();
        // Room for what comes in one moment, unless everybody does the same at once.
        self.pending.shrink_to(PENDING_KEPT);
        flow
    }

    fn show(&mut self, source: Source, fact: Fact) {
        self.show_outside(source, fact, self.now);
    }

    /// What happens with each request is told apart here, and read where it lies; everything else lies in a function of its
    /// own, which keeps the loop short.
    #[inline]
    fn happen(&mut self) {
        let Some(event) = self.queue.first() else { return };
        if let Event::WorkerDue(worker) = *event {
            self.queue.pop();
            self.worker_due(worker);
        } else if let Event::RequestArrived { worker, connection } = *event {
            self.queue.pop();
            self.request_arrived(worker, connection, 0);
        } else if let Event::ResponseArrived { worker, connection } = *event {
            self.queue.pop();
            self.response_arrived(worker, connection);
        } else {
            let event = *event;
            self.queue.pop();
            self.happen_seldom(event);
        }
    }

    #[inline(never)]
    fn happen_seldom(&mut self, event: Event) {
        match event {
            Event::WorkerDue(_) | Event::RequestArrived { .. } | Event::ResponseArrived { .. } => {}
            Event::SegmentAgain { worker, connection, attempt } => {
                self.request_arrived(worker, connection, attempt);
            }
            Event::SynArrived { worker, connection } => self.syn_arrived(worker, connection),
            Event::HandshakeEnded { worker, connection } => self.handshake_ended(worker, connection),
            Event::AddressGivenUp { worker, connection } => self.address_given_up(worker, connection),
            Event::ConnectFailed { worker, connection, error } => {
                self.connect_failed(worker, connection, error);
            }
            Event::ConnectionLost { worker, connection, loss } => {
                self.connection_lost(worker, connection, loss);
            }
            Event::MasterDue(node) => {
                if self.stall(event) {
                    return;
                }
                self.master_due(node);
                self.look_at_endpoint();
            }
            Event::PackageEnds { worker, task } => {
                self.package_ended(worker, task);
            }
            Event::LoadRound { load, round } => self.start_round(load, round),
            Event::ServiceDue(_)
            | Event::CallEnded { .. }
            | Event::SsisdbRecovered { .. }
            | Event::InstanceStarted { .. }
            | Event::CallTimesOut(_)
            | Event::MasterReady { .. }
            | Event::PollFindsFailure { .. }
            | Event::MonitorKilled { .. }
            | Event::HeartbeatsMissed { .. }
            | Event::RegroupEnds(_)
            | Event::JoinEnds(_)
            | Event::ServiceStarts(_)
            | Event::LooksAround(_)
            | Event::StatusEnds(_)
            | Event::WitnessPolled
            | Event::ShutdownEnds(_) => {
                self.cluster_event(event);
                self.try_waiting_calls();
                self.look_at_endpoint();
            }
        }
    }

    /// Every node.
    const fn all_nodes(&self) -> NodeSet {
        NodeSet::first(self.nodes.len())
    }

    /// Every address that the cluster moves.
    fn all_addresses(&self) -> impl Iterator<Item = AddressId> + use<> {
        (0..self.topology.addresses.len()).map(|index| AddressId(index as u16))
    }

    /// A time from a triangular spread, for the `ordinal`th of its kind of this subject.
    fn draw(&mut self, purpose: Purpose, subject: u32, ordinal: u32, spread: Spread) -> std::time::Duration {
        self.choices.spread(ChoiceKey { purpose, subject, ordinal }, spread)
    }
}

/// So many facts of one moment are usual.
const PENDING_KEPT: usize = 64;
