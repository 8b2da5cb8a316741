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
    /// When what is remembered was last known to be true.
    looked: Time,
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
    pub(super) fn new(binding: &Binding) -> Self {
        Self {
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

    /// Asks if it is time, on the owner node of SQL Server; what has come in by now.
    pub(super) fn look<L: Lab>(
        &mut self,
        lab: &mut L,
        owner: Option<NodeId>,
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
                (Call::ReadSsisdb { server: binding.sql_server_of(owner).to_owned() }, LIMIT)
            } else {
                (asking.session.hello(), GREETING)
            };
            asking.session.send(now, call, limit);
            self.due = if asking.greeted { now + EVERY } else { now };
        }
        Ok(match look {
            Some(look) => Some(look),
            None => self.collect(lab, binding)?,
        })
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
                Ok(Some(DatabaseLook { earliest, sight, facts }))
            }
            Ok(Some(_) | None) => Ok(None),
            // SSISDB cannot be reached on its way from node to node, and not by everybody.
            Err(SessionError::Failed(_)) => Ok(None),
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
/// How long an answer may take: the script waits five seconds for a connection and five for each statement.
const LIMIT: Duration = Duration::from_secs(20);
const GREETING: Duration = Duration::from_secs(20);
/// From the loss of a session to the attempt to have another one.
const AGAIN: Duration = Duration::from_secs(5);
