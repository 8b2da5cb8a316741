//! What does SSISDB answer, to whom, and what is seen of it?

use crate::assumption::{Assumption, EXECUTIONS_MARKED, FOUND_WITHOUT_DNS};
use crate::mark::Mark;
use crate::names::{AddressId, NodeId};
use crate::observe::{Fact, Source};
use crate::planted::{Defect, has};
use crate::sql::{Answer as SqlAnswer, Call, Change, SqlError, TaskRow};
use crate::topology::{CatalogStartup, Target};

use super::super::World;

impl World {
    /// What SSISDB answers to a call of a node's master; nothing yet while the transaction waits for a replica.
    pub(super) fn ask_ssisdb(&mut self, asker: NodeId, call: Call) -> Option<Result<SqlAnswer, SqlError>> {
        let host = &self.nodes[asker.index()];
        let server = self.topology.hosts[host.master.machine.settings().sql_server.index()];
        let is_known = self.dns.works()
            || !matches!(server, Target::Name(_))
            || self.now < host.knows_names_until
            || self.choices.assume(Assumption::NamesWithoutDns) == FOUND_WITHOUT_DNS;
        let is_let_in = is_known && !host.login_refused;
        match self.sql_server_for(asker, server).filter(|_| is_let_in) {
            Some(node) if !self.commits(node) => return None,
            None if !has(Defect::SsisdbNotNeeded) => return Some(Err(SqlError::Unreachable)),
            Some(_) | None => {}
        }
        let answer = self.ssisdb.call(self.now, call, &mut self.changes);
        if matches!(call, Call::SweepExpiredTasks) {
            self.mark_swept();
        }
        if !self.changes.is_empty() {
            self.show_changes();
        }
        if matches!(call, Call::UpdateMasterSettings | Call::MasterHeartbeat)
            && self.shown_master != Some(asker)
        {
            self.shown_master = Some(asker);
            self.show(Source::Ssisdb, Fact::MasterMachine(asker));
        }
        Some(answer)
    }

    /// The node whose SQL Server answers a node that asks for this host.
    fn sql_server_for(&self, asker: NodeId, server: Target) -> Option<NodeId> {
        let answers = |node: &NodeId| {
            let host = &self.nodes[node.index()];
            host.is_on() && host.sql.answers() && (*node == asker || self.talks(asker, *node))
        };
        let behind = |address: &AddressId| self.addresses.holder(*address).filter(answers);
        match server {
            Target::Name(name) => self.topology.network_names[name.index()].addresses.iter().find_map(behind),
            Target::Cluster(address) => behind(&address),
            Target::Node(node) => Some(node).filter(|node| self.nodes_have_instances() && answers(node)),
            Target::Nobody => None,
        }
    }

    /// Whether the name of a node leads to an instance of SQL Server there. A failover cluster instance listens on its own
    /// addresses alone, and not on those of the node (naming a failover cluster instance, ms179410, documented).
    pub(in crate::world) const fn nodes_have_instances(&self) -> bool {
        self.replicas.is_some()
    }

    /// The node that answers for SSISDB, if one does.
    pub(in crate::world) fn primary(&self) -> Option<NodeId> {
        let primary = self.nodes.iter().position(|host| host.is_on() && host.sql.answers());
        primary.map(|index| NodeId(index as u8))
    }

    /// SSISDB can be used again, and what was set up to run at the start of SQL Server runs. In an availability group the job
    /// `SSIS Failover Monitor Job` does it, which looks every two minutes (observed); here it does so at once.
    pub(super) fn start_catalog(&mut self) {
        let is_set_up = self.topology.catalog_startup == CatalogStartup::AtSqlServerStart;
        if is_set_up
            && self.ssisdb.has_live_executions()
            && self.choices.assume(Assumption::CatalogStartup) == EXECUTIONS_MARKED
        {
            self.ssisdb.startup(&mut self.changes);
            self.show_changes();
        }
    }

    /// Notes whether a sweep took a task that a worker still runs.
    fn mark_swept(&mut self) {
        let is_run = |change: &Change| match *change {
            Change::Task(row) => self.workers.iter().any(|host| host.machine.runs(row.task)),
            Change::WorkerAgent(..) => false,
        };
        if self.changes.iter().any(is_run) {
            self.marks.insert(Mark::SweptBeforeRenewal);
        }
    }

    pub(in crate::world) fn show_changes(&mut self) {
        for index in 0..self.changes.len() {
            let fact = match self.changes[index] {
                Change::Task(TaskRow { task, load, state, worker, executed_count, execution }) => {
                    Fact::Task { task, load, state, worker, executed_count, execution }
                }
                Change::WorkerAgent(worker, row) => Fact::WorkerAgent { worker, row },
            };
            self.show(Source::Ssisdb, fact);
        }
        self.changes.clear();
    }
}
