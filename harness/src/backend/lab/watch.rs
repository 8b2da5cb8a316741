//! Who is looked at, how often, and what was seen?

use std::time::Duration;

use failover_sim::names::{NodeId, WorkerId};
use failover_sim::observe::{AgentRow, Answer, Fact, Power, Record, Source, Watch};
use failover_sim::time::{Time, micros};

use super::binding::{Binding, Presence};
use super::clock::Clock;
use super::database::DatabaseWatcher;
use super::evidence::Evidence;
use super::protocol::{Call, ClusterSight, MachineSight, Marker, Reply, WorkerSight};
use super::reach::{Host, Lab, Looked, Purpose};
use super::session::{self, Session, SessionError};
use super::sight::{NodeMemory, PowerMemory, Unbound, WorkerLook, WorkerMemory};
use super::work::{Started, Strange, WorkMemory};

/// How often is looked, and how long a host may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rhythm {
    /// From one look at a host to the next.
    pub poll: Duration,
    /// How long a look may take.
    pub limit: Duration,
    /// How long a host may take to greet in place of a session that was lost.
    pub greeting: Duration,
    /// From one look of the probe to the next.
    pub probe: Duration,
    /// How long one look of the probe may take.
    pub patience: Duration,
    /// From the loss of a session to the attempt to have another one.
    pub again: Duration,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(1),
            limit: Duration::from_secs(2),
            greeting: Duration::from_secs(2),
            probe: Duration::from_millis(250),
            patience: Duration::ZERO,
            again: Duration::from_secs(5),
        }
    }
}

/// What makes looking impossible.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// A session fails in a way that another session would not mend.
    #[error("while looking: {0}")]
    Session(#[from] SessionError),
    /// A host names something that the plan does not have.
    #[error(transparent)]
    Unbound(#[from] Unbound),
    /// Executions do what the supplied package does not do.
    #[error(transparent)]
    Strange(#[from] Strange),
    /// No session can be had, or the probe fails.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// Everybody who looks, and what they saw last.
pub(super) struct Watchers {
    rhythm: Rhythm,
    binding: Binding,
    hosts: Vec<Watcher>,
    next_poll: Time,
    next_probe: Time,
    endpoint: Option<Answer>,
    probed: Option<Time>,
    database: DatabaseWatcher,
    work: WorkMemory,
    /// Whether a worker's log has told of a report that was refused.
    reports_seen: bool,
    /// What shows how the workers are connected.
    pub(super) shown: Evidence,
    /// What was seen and is not yet told.
    pub(super) records: Vec<Record>,
}

struct Watcher {
    host: Host,
    session: Option<Session>,
    greeted: bool,
    opened: u32,
    /// Not before this moment is another session tried.
    again: Time,
    memory: Memory,
    is_watched: bool,
    /// When what is remembered was last known to be true.
    looked: Time,
}

enum Memory {
    Power(PowerMemory),
    Node(NodeMemory),
    Worker(WorkerMemory),
}

impl Watchers {
    pub(super) fn new(binding: &Binding, rhythm: Rhythm, has_work: bool) -> Self {
        let watcher = |host| Watcher {
            host,
            session: None,
            greeted: false,
            opened: 0,
            again: Time::ZERO,
            memory: match host {
                Host::Control => Memory::Power(PowerMemory::new(binding)),
                Host::Node(node) => Memory::Node(NodeMemory::new(node, binding)),
                Host::Worker(worker) => Memory::Worker(WorkerMemory::new(worker)),
            },
            is_watched: false,
            looked: Time::ZERO,
        };
        Self {
            rhythm,
            hosts: binding.hosts().into_iter().map(watcher).collect(),
            binding: binding.clone(),
            database: DatabaseWatcher::new(binding, has_work),
            work: WorkMemory::new(binding),
            reports_seen: false,
            shown: Evidence::new(binding),
            next_poll: Time::ZERO,
            next_probe: Time::ZERO,
            endpoint: None,
            probed: None,
            records: Vec::new(),
        }
    }

    /// Opens a session with every host and waits until it is greeted: a run begins only where everybody can be seen.
    pub(super) fn open<L: Lab>(&mut self, lab: &mut L) -> Result<(), (Host, WatchError)> {
        for watcher in &mut self.hosts {
            let host = watcher.host;
            let failed = |error: WatchError| (host, error);
            let mut session = watcher.connect(lab).map_err(failed)?;
            let hello = session.greet(lab.clock(), host.needs(Purpose::Observe));
            let hello = hello.map_err(|error| failed(error.into()))?;
            let is_right = self.binding.admit(host, &hello, Presence::Needed);
            is_right.map_err(|unfit| failed(SessionError::Unfit(unfit).into()))?;
            watcher.session = Some(session);
            watcher.greeted = true;
        }
        Ok(())
    }

    /// The next moment at which somebody looks or gives up.
    pub(super) fn next_moment(&self, now: Time) -> Time {
        let pending = self.hosts.iter().filter_map(|watcher| watcher.session.as_ref());
        let limits = pending.filter_map(|session| {
            let deadline = session.deadline()?;
            // In real time an answer may come at any moment.
            Some(if session.is_in_real_time() { deadline.min(now + GRAIN) } else { deadline })
        });
        let limits = limits.chain(self.database.next_moment().map(|deadline| deadline.max(now + GRAIN)));
        limits.fold(self.next_poll.min(self.next_probe), Time::min)
    }

    /// Looks wherever a look is due at this moment.
    pub(super) fn look<L: Lab>(&mut self, lab: &mut L) -> Result<(), (Host, WatchError)> {
        let now = lab.clock().now();
        if now >= self.next_probe {
            self.next_probe = now.next_beat(Time::ZERO, self.rhythm.probe);
            self.look_at_endpoint(lab, now).map_err(|error| (Host::Control, error))?;
        }
        let polls = now >= self.next_poll;
        if polls {
            self.next_poll = now.next_beat(Time::ZERO, self.rhythm.poll);
        }
        // Everybody is asked before anybody is waited for.
        for index in 0..self.hosts.len() {
            self.collect(index, lab.clock()).map_err(|error| (self.hosts[index].host, error))?;
            if polls {
                self.ask(index, lab, now).map_err(|error| (self.hosts[index].host, error))?;
            }
        }
        for index in 0..self.hosts.len() {
            self.collect(index, lab.clock()).map_err(|error| (self.hosts[index].host, error))?;
        }
        if polls {
            let owner = self.owners().get(self.binding.sql_role().index()).copied().flatten();
            let failed = |error| (owner.map_or(Host::Control, Host::Node), error);
            self.look_at_database(lab, owner, now).map_err(failed)?;
        }
        Ok(())
    }

    fn look_at_database<L: Lab>(
        &mut self,
        lab: &mut L,
        owner: Option<NodeId>,
        now: Time,
    ) -> Result<(), WatchError> {
        let look = self.database.look(lab, owner, self.work.first(), &self.binding)?;
        if let Some((earliest, is_watched)) = self.database.is_watched_at(now) {
            let (what, every) = (Watch::Ssisdb, self.database.longest());
            if is_watched {
                self.tell(now, now, Source::Run, Fact::Watching { what, every });
            } else {
                self.tell(earliest, now, Source::Run, Fact::Unwatched(what));
            }
        }
        let Some(look) = look else { return Ok(()) };
        self.shown.saw_database(&look.sight, &self.binding);
        for fact in look.facts {
            self.tell(look.earliest, now, DatabaseWatcher::SOURCE, fact);
        }
        let tasks = look.sight.tasks.unwrap_or_default();
        for (started, fact) in self.work.tasks(&tasks, &self.binding)? {
            self.tell(look.earliest.max(started), now, DatabaseWatcher::SOURCE, fact);
        }
        Ok(())
    }

    /// The node that has answered for SSISDB of late.
    pub(super) fn answers_for_ssisdb(&self, now: Time) -> Option<NodeId> {
        self.database.answers(now)
    }

    /// Takes in the row of a worker that somebody has changed since `acted`, and read back.
    pub(super) fn saw_agent(&mut self, worker: WorkerId, row: AgentRow, acted: Time, now: Time) {
        if self.database.saw_agent(worker, row) {
            self.tell(acted, now, DatabaseWatcher::SOURCE, Fact::WorkerAgent { worker, row });
        }
    }

    /// Takes in executions that were started by now.
    pub(super) fn saw_started(&mut self, started: &Started, now: Time) {
        for fact in self.work.started(started) {
            self.tell(started.asked, now, DatabaseWatcher::SOURCE, fact);
        }
    }

    /// Takes in a look at the machines that somebody else had, who has changed their power since `acted`.
    pub(super) fn saw_machines(
        &mut self,
        machines: &[MachineSight],
        (acted, asked): (Time, Time),
        now: Time,
    ) {
        let found = self.hosts.iter().position(|watcher| watcher.host == Host::Control);
        if let Some(index) = found {
            // Nobody else changes it: until then it was as it was seen last.
            self.hosts[index].looked = self.hosts[index].looked.max(acted);
            self.machines(index, machines, now);
            self.hosts[index].looked = self.hosts[index].looked.max(asked);
        }
    }

    /// Looks at once at a node that goes on where it stood: what it takes itself for is not known any more, and its clock
    /// may have stood still, too. One that does not answer yet is looked at in the usual rhythm.
    pub(super) fn look_again<L: Lab>(&mut self, node: NodeId, lab: &mut L) -> Result<(), WatchError> {
        let Some(index) = self.hosts.iter().position(|watcher| watcher.host == Host::Node(node)) else {
            return Ok(());
        };
        let watcher = &mut self.hosts[index];
        let mut session = watcher.connect(lab)?;
        let asked = lab.clock().now();
        let greeted = session.greet(lab.clock(), watcher.host.needs(Purpose::Observe));
        let answer = greeted.and_then(|_| session.ask(lab.clock(), Call::ReadCluster, self.rhythm.limit));
        let Ok(reply) = answer else { return Ok(()) };
        let watcher = &mut self.hosts[index];
        watcher.greeted = true;
        watcher.session = Some(session);
        self.heard(index, reply, asked, lab.clock().now())
    }

    /// Nodes that were members of the cluster in their own view at the last look, then all others.
    pub(super) fn nodes_by_use(&self) -> Vec<NodeId> {
        let mut nodes = Vec::new();
        for wanted in [true, false] {
            for watcher in &self.hosts {
                if let Memory::Node(memory) = &watcher.memory
                    && let Host::Node(node) = watcher.host
                    && (watcher.is_watched && memory.is_member()) == wanted
                {
                    nodes.push(node);
                }
            }
        }
        nodes
    }

    /// The owner node of each role, as the node shows it that is most likely to know.
    pub(super) fn owners(&self) -> Vec<Option<NodeId>> {
        let best = self.nodes_by_use().first().copied();
        let watcher = self.hosts.iter().find(|watcher| Some(watcher.host) == best.map(Host::Node));
        match watcher.map(|watcher| &watcher.memory) {
            Some(Memory::Node(memory)) => memory.owners(),
            Some(Memory::Power(_) | Memory::Worker(_)) | None => Vec::new(),
        }
    }

    /// Lines that hosts have written besides their answers, in the sessions that are open.
    pub(super) fn evidence(&self) -> Vec<(Host, Vec<String>)> {
        let open = self.hosts.iter().filter_map(|watcher| Some((watcher.host, watcher.session.as_ref()?)));
        open.map(|(host, session)| (host, session.evidence().lines.clone())).collect()
    }

    fn look_at_endpoint<L: Lab>(&mut self, lab: &mut L, now: Time) -> Result<(), WatchError> {
        let Some(Looked { met, ago }) = lab.probe().look()? else { return Ok(()) };
        // As long as nobody knows who has the address, nobody can say who answers there.
        let owner = self.owners().get(self.binding.endpoint_role().index()).copied().flatten();
        let Some(answer) = met.answer(owner) else { return Ok(()) };
        let host = self.binding.topology.endpoint;
        let earliest = self.probed.replace(Time::from_micros(now.as_micros().saturating_sub(micros(ago))));
        if earliest.is_none() {
            self.tell(
                now,
                now,
                Source::Run,
                Fact::Watching { what: Watch::Endpoint, every: self.rhythm.probe + self.rhythm.patience },
            );
        }
        if self.endpoint.replace(answer) != Some(answer) {
            let earliest = earliest.unwrap_or_default();
            self.tell(earliest, now, Source::Probe, Fact::Endpoint { host, answer });
        }
        Ok(())
    }

    fn ask<L: Lab>(&mut self, index: usize, lab: &mut L, now: Time) -> Result<(), WatchError> {
        let call = match self.hosts[index].host {
            Host::Control => Call::ReadPower { nodes: self.binding.node_names().to_vec() },
            Host::Node(_) => Call::ReadCluster,
            Host::Worker(_) => Call::ReadWorker { work_from: self.work.first() },
        };
        let rhythm = self.rhythm;
        let watcher = &mut self.hosts[index];
        if watcher.session.is_none() && now >= watcher.again {
            let session = watcher.connect(lab)?;
            watcher.session = Some(session);
            watcher.greeted = false;
        }
        let Some(session) = &mut watcher.session else { return Ok(()) };
        if session.asked_at().is_some() {
            return Ok(());
        }
        let (call, limit) =
            if watcher.greeted { (call, rhythm.limit) } else { (session.hello(), rhythm.greeting) };
        session.send(now, call, limit);
        Ok(())
    }

    fn collect(&mut self, index: usize, clock: &dyn Clock) -> Result<(), WatchError> {
        let now = clock.now();
        let watcher = &mut self.hosts[index];
        let Some(session) = &mut watcher.session else { return Ok(()) };
        let Some(asked) = session.asked_at() else { return Ok(()) };
        match session.collect(now) {
            Ok(None) => Ok(()),
            Ok(Some(Reply::Hello(hello))) => {
                watcher.greeted = true;
                let needs = watcher.host.needs(Purpose::Observe);
                session::admit(&hello, needs, asked, clock)?;
                // A node that has just booted may have no cluster service yet.
                let is_right = self.binding.admit(watcher.host, &hello, Presence::Optional);
                Ok(is_right.map_err(SessionError::Unfit)?)
            }
            Ok(Some(reply)) => self.heard(index, reply, asked, now),
            Err(SessionError::Limit { .. } | SessionError::Closed { .. } | SessionError::Stream(_)) => {
                watcher.session = None;
                watcher.again = now + self.rhythm.again;
                self.lost_sight(index, now);
                Ok(())
            }
            // The host is there and says what no host says: looking again would not help.
            Err(
                error @ (SessionError::WrongId { .. }
                | SessionError::NoMarker(_)
                | SessionError::Garbled { .. }
                | SessionError::Oversized
                | SessionError::Failed(_)
                | SessionError::Unfit(_)),
            ) => Err(error.into()),
        }
    }

    fn heard(&mut self, index: usize, reply: Reply, asked: Time, now: Time) -> Result<(), WatchError> {
        self.has_sight(index, now);
        let is_clear = match reply {
            Reply::Power(machines) => {
                self.machines(index, &machines, now);
                true
            }
            Reply::Cluster(sight) => {
                self.cluster(index, &sight, now);
                true
            }
            Reply::Worker(sight) => self.worker(index, &sight, now)?,
            Reply::Hello(_)
            | Reply::Ssisdb(_)
            | Reply::Certificate(_)
            | Reply::Part(_)
            | Reply::Network(_)
            | Reply::Surroundings(_)
            | Reply::Reached(_)
            | Reply::Maintenance(_)
            | Reply::Done
            | Reply::Package(_)
            | Reply::Executions(_)
            | Reply::Events(_) => true,
        };
        if is_clear {
            self.hosts[index].looked = asked;
        }
        Ok(())
    }

    fn machines(&mut self, index: usize, machines: &[MachineSight], now: Time) {
        let earliest = self.hosts[index].looked;
        let Memory::Power(memory) = &mut self.hosts[index].memory else { return };
        for (node, power) in memory.compare(machines, &self.binding) {
            self.tell(earliest, now, Source::Host, Fact::Machine { node, power });
            if power == Power::Off {
                self.forget(node);
            }
        }
    }

    fn forget(&mut self, node: NodeId) {
        for watcher in &mut self.hosts {
            if let (Host::Node(own), Memory::Node(memory)) = (watcher.host, &mut watcher.memory)
                && own == node
            {
                memory.forget();
            }
        }
    }

    fn cluster(&mut self, index: usize, sight: &ClusterSight, now: Time) {
        let watcher = &mut self.hosts[index];
        let (Memory::Node(memory), Host::Node(node)) = (&mut watcher.memory, watcher.host) else { return };
        let earliest = watcher.looked;
        for fact in memory.compare(sight, &self.binding) {
            self.tell(earliest, now, Source::Node(node), fact);
        }
    }

    /// Says whether the look was clear.
    fn worker(&mut self, index: usize, sight: &WorkerSight, now: Time) -> Result<bool, WatchError> {
        let watcher = &mut self.hosts[index];
        let (Memory::Worker(memory), Host::Worker(worker)) = (&mut watcher.memory, watcher.host) else {
            return Ok(true);
        };
        let earliest = watcher.looked;
        let look = memory.compare(sight, self.endpoint, &self.binding)?;
        let of_work = sight.work.as_ref().map(|work| self.work.worker(worker, work)).transpose()?;
        if let Some(state) = memory.state().filter(|_| look != WorkerLook::Unclear) {
            self.shown.saw(worker, sight, state, self.endpoint, &self.binding);
        }
        for fact in of_work.unwrap_or_default() {
            // Nobody has documented what a log says: that one can be read shows when it is.
            if matches!(fact, Fact::ReportRefused { .. }) && !std::mem::replace(&mut self.reports_seen, true)
            {
                let every = self.rhythm.poll + self.rhythm.limit;
                self.tell(now, now, Source::Run, Fact::Watching { what: Watch::Reports, every });
            }
            self.tell(earliest, now, Source::Worker(worker), fact);
        }
        Ok(match look {
            WorkerLook::Same => true,
            WorkerLook::Changed(fact) => {
                self.tell(earliest, now, Source::Worker(worker), fact);
                true
            }
            WorkerLook::Unclear => false,
        })
    }

    fn has_sight(&mut self, index: usize, now: Time) {
        if std::mem::replace(&mut self.hosts[index].is_watched, true) {
            return;
        }
        let what = self.hosts[index].watch();
        // The workers are looked at when each of them is.
        let is_whole = self.hosts.iter().all(|other| other.watch() != what || other.is_watched);
        if is_whole {
            let every = self.rhythm.poll + self.rhythm.limit;
            self.tell(now, now, Source::Run, Fact::Watching { what, every });
        }
    }

    fn lost_sight(&mut self, index: usize, now: Time) {
        let what = self.hosts[index].watch();
        let was_whole = self.hosts.iter().all(|other| other.watch() != what || other.is_watched);
        self.hosts[index].is_watched = false;
        if was_whole {
            let earliest = self.hosts[index].looked;
            self.tell(earliest, now, Source::Run, Fact::Unwatched(what));
        }
    }

    fn tell(&mut self, earliest: Time, latest: Time, source: Source, fact: Fact) {
        self.records.push(Record { seq: 0, earliest, latest, source, fact });
    }
}

impl Watcher {
    fn connect<L: Lab>(&mut self, lab: &mut L) -> Result<Session, WatchError> {
        self.opened += 1;
        let marker = Marker::of(&format!("{:?} observe {}", self.host, self.opened));
        let connection = lab.open(self.host, Purpose::Observe)?;
        Ok(Session::open(connection, marker)?)
    }

    const fn watch(&self) -> Watch {
        match self.host {
            Host::Control => Watch::Machines,
            Host::Node(node) => Watch::Node(node),
            Host::Worker(_) => Watch::Workers,
        }
    }
}

/// How long an answer may lie unread where time is real.
const GRAIN: Duration = Duration::from_millis(20);
