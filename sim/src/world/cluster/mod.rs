//! What happens on the nodes of the cluster?

mod availability;
mod health;
mod master;
mod membership;
mod resource;
mod service;
mod sql_server;
mod ssisdb;
mod start;

use crate::cluster::ClusterEvent;
use crate::observe::Power;
use crate::scaleout::MasterEvent;
use crate::sql::SqlServer;

use super::{Event, World};

pub(super) use availability::{WaitingCall, replicas_of};

impl World {
    pub(super) fn cluster_event(&mut self, event: Event) {
        if self.stall(event) {
            return;
        }
        match event {
            Event::ServiceDue(node) => self.service_due(node),
            Event::CallEnded { node, resource, attempt, in_time } => {
                self.call_ended(node, resource, attempt, in_time);
            }
            Event::SsisdbRecovered { node, run } => {
                let host = &mut self.nodes[node.index()];
                if host.sql_run == run && host.sql == SqlServer::Recovering {
                    host.sql = SqlServer::Usable;
                    self.start_catalog();
                }
            }
            Event::InstanceStarted { node, run } => self.instance_started(node, run),
            // What waits is looked at after every event of the cluster.
            Event::CallTimesOut(_) => {}
            Event::MasterReady { node, run } => {
                let master = &self.nodes[node.index()].master;
                if master.run == run && master.is_running {
                    self.step_master(node, MasterEvent::Started);
                }
            }
            Event::PollFindsFailure { node, resource } => {
                if self.is_broken(node, self.kind(resource)) {
                    self.send_to_service(node, ClusterEvent::ResourceFailed(resource));
                }
            }
            Event::MonitorKilled { node, resource } => self.monitor_killed(node, resource),
            Event::HeartbeatsMissed { observer, peer } => self.heartbeats_missed(observer, peer),
            Event::RegroupEnds(node) => self.regroup_ends(node),
            Event::JoinEnds(node) => self.join_ends(node),
            Event::ServiceStarts(node) => self.start_service(node),
            Event::LooksAround(node) => self.look_for_exclusion(node),
            Event::StatusEnds(node) => self.status_ends(node),
            Event::WitnessPolled => self.count_votes_anew(),
            Event::ShutdownEnds(node) => self.end_shutdown(node),
            Event::WorkerDue(_)
            | Event::SynArrived { .. }
            | Event::HandshakeEnded { .. }
            | Event::AddressGivenUp { .. }
            | Event::ConnectFailed { .. }
            | Event::RequestArrived { .. }
            | Event::SegmentAgain { .. }
            | Event::ResponseArrived { .. }
            | Event::ConnectionLost { .. }
            | Event::MasterDue(_)
            | Event::PackageEnds { .. }
            | Event::LoadRound { .. } => unreachable!("{event:?} is not about the cluster"),
        }
    }

    /// Keeps what would happen on a frozen machine until it thaws; says whether it did.
    pub(super) fn stall(&mut self, event: Event) -> bool {
        let Some(node) = event.node() else { return false };
        let host = &mut self.nodes[node.index()];
        let frozen = host.power == Power::Frozen;
        if frozen {
            host.stalled.push(event);
        }
        frozen
    }
}
