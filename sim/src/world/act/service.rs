//! What does an action do to the services of a node?

use crate::action::{Service, ServiceAction, StartQuorum};
use crate::assumption::{Assumption, GRACEFUL_RUNDOWN, NOTICED_BY_HEARTBEATS};
use crate::cluster::{ClusterEvent, Rundown};
use crate::names::NodeId;
use crate::observe::{Loss, Power};
use crate::sql::SqlServer;

use super::super::World;
use super::super::node::Quarantine;
use super::ApplyError;

impl World {
    /// A service that waits for quorum is started anew with other parameters; one that is a member is not.
    pub(super) fn start_by_hand(
        &mut self,
        node: NodeId,
        quorum: StartQuorum,
        clear_quarantine: bool,
    ) -> Result<(), ApplyError> {
        let host = &mut self.nodes[node.index()];
        if host.power != Power::On {
            return Err(ApplyError::WrongPower { node, is: host.power });
        }
        match (host.service.runs(), quorum) {
            (false, _) => {
                self.start_service_at(node, self.now);
                self.nodes[node.index()].quorum = quorum;
            }
            // It waits for a cluster: the next attempt to join is at hand.
            (true, _) if !host.service.is_active() => {
                host.quorum = quorum;
                self.join_at(node, self.now + self.topology.timings.join.least);
            }
            (true, _) => return Err(ApplyError::RunsAlready(node)),
        }
        if clear_quarantine {
            self.nodes[node.index()].quarantine = Quarantine::default();
        }
        Ok(())
    }

    pub(super) fn kill_cluster_service(&mut self, node: NodeId) -> Result<(), ApplyError> {
        let host = &self.nodes[node.index()];
        if !host.is_on() || !host.service.runs() {
            return Err(ApplyError::NoService(node));
        }
        let rundown = match self.choices.assume(Assumption::Rundown) {
            GRACEFUL_RUNDOWN => Rundown::Graceful,
            _ => Rundown::Abrupt,
        };
        self.send_to_service(node, ClusterEvent::Killed { rundown });
        match self.choices.assume(Assumption::ServiceDeathNoticed) {
            NOTICED_BY_HEARTBEATS => self.heartbeats_stop(node),
            _ => self.service_gone(node),
        }
        let again = self.now + self.topology.timings.service_restart;
        self.start_service_at(node, again);
        Ok(())
    }

    pub(super) fn need_member(&self, node: NodeId) -> Result<(), ApplyError> {
        if self.nodes[node.index()].is_member() { Ok(()) } else { Err(ApplyError::NoService(node)) }
    }

    /// A cluster service that quorum rests on is not stopped by an administrator (Stop-ClusterNode, documented).
    pub(super) fn need_quorum_without(&self, node: NodeId) -> Result<(), ApplyError> {
        let view = self.nodes[node.index()].service.view();
        let rest = self.others_heard(node);
        let votes = view.votes.and(rest).len() + usize::from(view.witness_vote && self.witness_works);
        let assigned = view.votes.len() + usize::from(view.witness_vote);
        let is_enough = !rest.is_empty() && votes * 2 > assigned;
        if is_enough || self.heir_of(node).is_some() { Ok(()) } else { Err(ApplyError::QuorumNeedsIt(node)) }
    }

    pub(super) fn act_on_service(
        &mut self,
        node: NodeId,
        service: Service,
        what: ServiceAction,
    ) -> Result<(), ApplyError> {
        let host = &mut self.nodes[node.index()];
        match (service, what) {
            (_, ServiceAction::Start) => return self.start_by_service_control(node, service),
            (Service::Master, _) if !host.is_on() || !host.master.is_running => {
                return Err(ApplyError::NotRunning(node));
            }
            (Service::SqlServer, _) if !host.is_on() || host.sql == SqlServer::Stopped => {
                return Err(ApplyError::NotRunning(node));
            }
            (Service::Master, ServiceAction::Kill) => self.master_ends(node, Loss::Reset),
            (Service::Master, ServiceAction::Stop) => self.master_ends(node, Loss::Closed),
            (Service::Master, ServiceAction::Hang) => host.master.hangs = true,
            (Service::SqlServer, ServiceAction::Kill | ServiceAction::Stop) => self.sql_server_ends(node),
            (Service::SqlServer, ServiceAction::Hang) => self.sql_server_hangs(node),
        }
        Ok(())
    }

    /// `Start-Service`: the cluster's resource stays in the state that it has.
    fn start_by_service_control(&mut self, node: NodeId, service: Service) -> Result<(), ApplyError> {
        let host = &self.nodes[node.index()];
        let runs = match service {
            Service::Master => host.master.is_running,
            Service::SqlServer => host.sql != SqlServer::Stopped,
        };
        if runs {
            return Err(ApplyError::RunsAlready(node));
        }
        let starts = host.is_on()
            && match service {
                Service::Master => self.start_master(node),
                Service::SqlServer => self.start_instance(node) || self.start_sql_server(node),
            };
        if starts { Ok(()) } else { Err(ApplyError::CannotStart(node)) }
    }
}
