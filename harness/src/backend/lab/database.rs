//! What does SSISDB say of master and workers while a run goes on?
//!
//! It is asked on the owner node of SQL Server, where no second hop is needed, in a session of its own: a database that
//! does not answer holds up nobody who looks at the cluster. What it says is evidence; that nobody could ask is not.

use std::time::Duration;

use failover_sim::names::{NodeId, WorkerId};
use failover_sim::observe::{AgentRow, Fact, Source};
use failover_sim::time::Time;

use super::binding::{Binding, Presence};
use super::protocol::{Call, Marker, Reply, SsisdbSight};
use super::reach::{Host, Lab, Purpose};
use super::session::{Session, SessionError};
use super::watch::WatchError;

/// Somebody who asks SSISDB, and what it said last.
pub(super) struct DatabaseWatcher {
    session: Option<Asking>,
    opened: u32,
    /// Not before this moment is it asked again.
    due: Time,
    /// How often it is asked.
    every: Duration,
    /// When what is remembered was last known to be true.
    looked: Time,
    /// When it was known last that nobody answers for it.
    away: Time,
    /// Whether everything could be seen at the last look, and whether that was told.
    is_watched: bool,
    was_told: bool,
    /// Whether the last look is about tasks, too.
    asked_for_work: bool,
    master: Option<NodeId>,
    rows: Vec<Option<AgentRow>>,
}

struct Asking {
    node: NodeId,
    session: Session,
    greeted: bool,
}

/// What a look came to.
pub(super) struct DatabaseLook {
    /// When the look began that came before it.
    pub(super) earliest: Time,
    /// What was seen.
    pub(super) sight: SsisdbSight,
    /// What is different from the last look.
    pub(super) facts: Vec<Fact>,
}

impl DatabaseWatcher {
    /// `has_work`: whether the run starts executions, whose tasks are to be seen, too.
    pub(super) fn new(binding: &Binding, has_work: bool) -> Self {
        Self {
            every: if has_work { EVERY_WITH_WORK } else { EVERY },
            away: Time::ZERO,
            is_watched: false,
            was_told: false,
            asked_for_work: false,
            session: None,
            opened: 0,
            due: Time::ZERO,
            looked: Time::ZERO,
            master: None,
            rows: vec![None; binding.topology.workers.len()],
        }
    }

    /// Who says what was seen.
    pub(super) const SOURCE: Source = Source::Ssisdb;

    /// The longest time between two looks of which both come to something.
    pub(super) fn longest(&self) -> Duration {
        self.every + LIMIT
    }

    /// Whether somebody looks, or has just ceased or begun to: the moment before which it did not happen, and which of the two.
    pub(super) fn is_watched_at(&mut self, now: Time) -> Option<(Time, bool)> {
        let is_watched = self.is_watched && now.since(self.looked.max(self.away)) <= self.longest();
        (std::mem::replace(&mut self.was_told, is_watched) != is_watched)
            .then_some((self.looked.max(self.away), is_watched))
    }

    /// The node that has answered, as often as it should.
    pub(super) fn answers(&self, now: Time) -> Option<NodeId> {
        let asking = self.session.as_ref()?;
        (now.since(self.looked) <= self.every * 2).then_some(asking.node)
    }

    /// Asks if it is time, on the owner node of SQL Server; what has come in by now. Of executions it asks those from
    /// `work_from` on.
    pub(super) fn look<L: Lab>(
        &mut self,
        lab: &mut L,
        owner: Option<NodeId>,
        work_from: Option<i64>,
        binding: &Binding,
    ) -> Result<Option<DatabaseLook>, WatchError> {
        let now = lab.clock().now();
        let look = self.collect(lab, binding)?;
        let Some(owner) = owner.filter(|_| now >= self.due) else { return Ok(look) };
        if self.session.as_ref().is_some_and(|asking| asking.node != owner) {
            self.session = None;
        }
        if self.session.is_none() {
            self.opened += 1;
            let marker = Marker::of(&format!("ssisdb {}", self.opened));
            let connection = lab.open(Host::Node(owner), Purpose::Observe)?;
            let session = Session::open(connection, marker)?;
            self.session = Some(Asking { node: owner, session, greeted: false });
        }
        if let Some(asking) = &mut self.session
            && asking.session.asked_at().is_none()
        {
            let (call, limit) = if asking.greeted {
                let server = binding.sql_server_of(owner).to_owned();
                self.asked_for_work = work_from.is_some();
                (Call::ReadSsisdb { server, work_from }, LIMIT)
            } else {
                (asking.session.hello(), GREETING)
            };
            asking.session.send(now, call, limit);
            self.due = if asking.greeted { now + self.every } else { now };
        }
        Ok(match look {
            Some(look) => Some(look),
            None => self.collect(lab, binding)?,
        })
    }

    /// Takes in the row of a worker; says whether it is another one than before.
    pub(super) fn saw_agent(&mut self, worker: WorkerId, row: AgentRow) -> bool {
        self.rows[worker.index()].replace(row) != Some(row)
    }

    /// When something of it is due.
    pub(super) fn next_moment(&self) -> Option<Time> {
        self.session.as_ref().and_then(|asking| asking.session.deadline())
    }

    fn collect<L: Lab>(
        &mut self,
        lab: &mut L,
        binding: &Binding,
    ) -> Result<Option<DatabaseLook>, WatchError> {
        let now = lab.clock().now();
        let Some(asking) = &mut self.session else { return Ok(None) };
        let Some(asked) = asking.session.asked_at() else { return Ok(None) };
        match asking.session.collect(now) {
            Ok(Some(Reply::Hello(hello))) => {
                asking.greeted = true;
                let host = Host::Node(asking.node);
                let is_right = binding.admit(host, &hello, Presence::Optional);
                is_right.map_err(SessionError::Unfit)?;
                Ok(None)
            }
            Ok(Some(Reply::Ssisdb(sight))) => {
                let facts = self.compare(&sight, binding);
                let earliest = std::mem::replace(&mut self.looked, asked);
                self.is_watched = sight.workers.is_some() && (!self.asked_for_work || sight.tasks.is_some());
                Ok(Some(DatabaseLook { earliest, sight, facts }))
            }
            Ok(Some(_) | None) => Ok(None),
            // SSISDB cannot be reached on its way from node to node, and not by everybody. Where nobody answers for it on its
            // owner node nothing in it changes, either (inferred).
            Err(SessionError::Failed(record)) => {
                if record.is_of_connection() {
                    self.away = asked;
                }
                Ok(None)
            }
            Err(_) => {
                self.session = None;
                self.due = now + AGAIN;
                Ok(None)
            }
        }
    }

    fn compare(&mut self, sight: &SsisdbSight, binding: &Binding) -> Vec<Fact> {
        let mut facts = Vec::new();
        let machine = sight.property(MACHINE_NAME);
        if let Some(node) = machine.and_then(|name| binding.node(name))
            && self.master.replace(node) != Some(node)
        {
            facts.push(Fact::MasterMachine(node));
        }
        let Some(agents) = &sight.workers else { return facts };
        let mut rows = vec![AgentRow::Missing; self.rows.len()];
        // Of several rows of one machine the first counts.
        for agent in agents.iter().rev() {
            if let Some(worker) = binding.worker(&agent.machine) {
                rows[worker.index()] = if agent.is_enabled { AgentRow::Enabled } else { AgentRow::Disabled };
            }
        }
        for (index, (known, row)) in self.rows.iter_mut().zip(rows).enumerate() {
            if known.replace(row) != Some(row) {
                facts.push(Fact::WorkerAgent { worker: WorkerId(index as u32), row });
            }
        }
        facts
    }
}

/// The property that names the node of the master (catalog.master_properties, observed).
const MACHINE_NAME: &str = "MACHINE_NAME";
/// How often it is asked: a tenth of the interval of a worker's heartbeat.
const EVERY: Duration = Duration::from_secs(6);
/// How often it is asked where tasks are to be seen: a fifth of TaskHeartbeatInterval, by which they change.
const EVERY_WITH_WORK: Duration = Duration::from_secs(2);
/// How long an answer may take: the script waits five seconds for a connection and five for each statement.
const LIMIT: Duration = Duration::from_secs(20);
const GREETING: Duration = Duration::from_secs(20);
/// From the loss of a session to the attempt to have another one.
const AGAIN: Duration = Duration::from_secs(5);
