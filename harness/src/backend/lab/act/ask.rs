//! How is a host asked by whoever acts, and where is written what was done?

use failover_sim::names::{ActionNo, NodeId};
use failover_sim::observe::Power;

use super::super::binding::Presence;
use super::super::journal::{State, Undo};
use super::super::protocol::{Call, ClusterSight, MachineSight, Marker, Part, Reply, SsisdbSight};
use super::super::reach::{Host, Lab, Purpose};
use super::super::session::{READ_AS_ASKED, Session, SessionError};
use super::{ACT_LIMIT, Actors, BackendError, journal_error};

impl Actors {
    pub(super) fn node(&self, name: &str) -> Result<NodeId, BackendError> {
        self.binding.node(name).ok_or_else(|| BackendError::Lab {
            host: name.to_owned(),
            what: "the plan has no such node".to_owned(),
        })
    }

    /// The cluster as the first of these nodes shows it whose service runs.
    pub(in crate::backend::lab) fn cluster<L: Lab>(
        &mut self,
        lab: &mut L,
        nodes: &[NodeId],
    ) -> Result<(NodeId, ClusterSight), BackendError> {
        let mut last = None;
        for &node in nodes {
            match self.ask(lab, Host::Node(node), "reading the cluster", Call::ReadCluster) {
                Ok(Reply::Cluster(sight)) if !sight.groups.is_empty() => return Ok((node, sight)),
                Ok(_) => {}
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| BackendError::Lab {
            host: "the lab".to_owned(),
            what: "no node shows a cluster".to_owned(),
        }))
    }

    pub(in crate::backend::lab) fn machines<L: Lab>(
        &mut self,
        lab: &mut L,
    ) -> Result<Vec<MachineSight>, BackendError> {
        let call = Call::ReadPower { nodes: self.binding.node_names().to_vec() };
        let reply = self.ask(lab, Host::Control, "reading the power of the machines", call)?;
        let Reply::Power(machines) = reply else { unreachable!("{READ_AS_ASKED}") };
        Ok(machines)
    }

    pub(super) fn power<L: Lab>(&mut self, lab: &mut L, node: NodeId) -> Result<Option<Power>, BackendError> {
        let machines = self.machines(lab)?;
        let found = machines.iter().find(|machine| self.binding.node(&machine.name) == Some(node));
        Ok(found.and_then(|machine| machine.state))
    }

    pub(super) fn certificate<L: Lab>(
        &mut self,
        lab: &mut L,
        node: NodeId,
    ) -> Result<Option<String>, BackendError> {
        let doing = "reading the master certificate";
        let reply = self.ask(lab, Host::Node(node), doing, Call::ReadMasterCertificate)?;
        let Reply::Certificate(thumbprint) = reply else { unreachable!("{READ_AS_ASKED}") };
        Ok(thumbprint)
    }

    /// What Windows is at on a node.
    pub(in crate::backend::lab) fn maintenance<L: Lab>(
        &mut self,
        lab: &mut L,
        node: NodeId,
    ) -> Result<Vec<String>, BackendError> {
        let reply = self.ask(lab, Host::Node(node), "looking what Windows is at", Call::ReadMaintenance)?;
        let Reply::Maintenance(words) = reply else { unreachable!("{READ_AS_ASKED}") };
        Ok(words)
    }

    /// What SSISDB says, on a node that has it.
    pub(in crate::backend::lab) fn ssisdb<L: Lab>(
        &mut self,
        lab: &mut L,
        node: NodeId,
    ) -> Result<SsisdbSight, BackendError> {
        let call = Call::ReadSsisdb { server: self.binding.sql_server_of(node).to_owned(), work_from: None };
        let reply = self.ask(lab, Host::Node(node), "reading SSISDB", call)?;
        let Reply::Ssisdb(sight) = reply else { unreachable!("{READ_AS_ASKED}") };
        Ok(sight)
    }

    /// The value of a part of a host.
    pub(in crate::backend::lab) fn part<L: Lab>(
        &mut self,
        lab: &mut L,
        host: Host,
        part: &Part,
    ) -> Result<Vec<String>, BackendError> {
        let reply =
            self.ask(lab, host, "reading what is to be set", Call::ReadPart { part: part.clone() })?;
        let Reply::Part(value) = reply else { unreachable!("{READ_AS_ASKED}") };
        Ok(value)
    }

    /// The node or worker with this name.
    pub(super) fn host(&self, name: &str) -> Result<Host, BackendError> {
        let node = self.binding.node(name).map(Host::Node);
        let found = node.or_else(|| self.binding.worker(name).map(Host::Worker));
        found.ok_or_else(|| BackendError::Lab {
            host: name.to_owned(),
            what: "the plan has no such node or worker".to_owned(),
        })
    }

    /// Asks a host, in the session that there is or in another one.
    pub(super) fn ask<L: Lab>(
        &mut self,
        lab: &mut L,
        host: Host,
        doing: &'static str,
        call: Call,
    ) -> Result<Reply, BackendError> {
        let name = self.binding.host_name(host);
        let failed = |error| BackendError::Session { host: name.clone(), doing, error };
        let mut session = match self.sessions.remove(&host) {
            Some(session) => session,
            None => {
                self.opened += 1;
                let marker = Marker::of(&format!("{host:?} act {}", self.opened));
                let connection = lab.open(host, Purpose::Act).map_err(|error| failed(error.into()))?;
                let session = Session::open(connection, marker).map_err(&failed)?;
                let mut session = session.of_run(self.journal.name());
                let hello = session.greet(lab.clock(), host.needs(Purpose::Act)).map_err(&failed)?;
                let is_right = self.binding.admit(host, &hello, Presence::Optional);
                is_right.map_err(|unfit| failed(SessionError::Unfit(unfit)))?;
                session
            }
        };
        self.has_changed |= call.changes();
        let answer = session.ask(lab.clock(), call, ACT_LIMIT);
        // A request that failed leaves the session as it was; anything else ends it.
        if matches!(answer, Ok(_) | Err(SessionError::Failed(_))) {
            self.sessions.insert(host, session);
        }
        answer.map_err(failed)
    }

    pub(super) fn announce(
        &mut self,
        number: ActionNo,
        verb: &'static str,
        undo: Undo,
    ) -> Result<usize, BackendError> {
        let announced = self.journal.announce(number.0, verb, undo);
        announced.map_err(|error| journal_error(self.journal.path(), error))
    }

    pub(super) fn mark(&mut self, entry: usize, state: State, why: Option<&str>) -> Result<(), BackendError> {
        let marked = self.journal.mark(entry, state, why);
        marked.map_err(|error| journal_error(self.journal.path(), error))
    }
}
