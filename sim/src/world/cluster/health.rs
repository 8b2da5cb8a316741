//! When is it found that a resource has failed?

use crate::choices::{ChoiceKey, Purpose};
use crate::cluster::{ClusterEvent, ResourceKind};
use crate::names::{NodeId, ResourceId};
use crate::observe::ResourceState;
use crate::planted::{Defect, has};
use crate::sql::SqlServer;
use crate::time::{Time, micros};

use super::super::node::place;
use super::super::{Event, World};

impl World {
    /// Whether a health check of this resource on this node fails at this moment.
    pub(super) fn is_broken(&self, node: NodeId, kind: ResourceKind) -> bool {
        let host = &self.nodes[node.index()];
        match kind {
            ResourceKind::ScaleOutMaster => !host.master.is_running,
            ResourceKind::SqlServer => matches!(host.sql, SqlServer::Stopped | SqlServer::Hung),
            ResourceKind::AvailabilityGroup => {
                matches!(host.sql, SqlServer::Stopped | SqlServer::Secondary | SqlServer::Hung)
            }
            ResourceKind::PhysicalDisk => self.reservation != Some(node) || !self.links.has_disk(node),
            // The adapter is gone (events 1077 and 1127, documented).
            ResourceKind::IpAddress(_) => !host.has_adapter,
            ResourceKind::NetworkName(_) | ResourceKind::SqlServerAgent => false,
        }
    }

    pub(in crate::world) fn poll_will_find(&mut self, node: NodeId, kind: ResourceKind) {
        let Some(resource) = self.find_resource(|other| other == kind) else { return };
        let poll = self.next_poll(node, resource);
        self.queue.push(poll, Event::PollFindsFailure { node, resource });
    }

    /// When the resource is looked at the next time on this node.
    pub(in crate::world) fn next_poll(&mut self, node: NodeId, resource: ResourceId) -> Time {
        let host = &self.nodes[node.index()];
        let run = host.master.run.wrapping_add(host.sql_run);
        let period = self.topology.cluster.resources[resource.index()].policy.looks_alive_poll_interval;
        let key =
            ChoiceKey { purpose: Purpose::LooksAlivePhase, subject: place(node, resource), ordinal: run };
        let phase = Time::from_micros(self.choices.between(key, 0, micros(period).saturating_sub(1)));
        self.now.next_beat(phase, period)
    }

    /// The process that hosts the resources of a node is killed, since a call to one of them hangs: all of them fail
    /// (that they share one process is the default; how far the failure reaches is inferred). The one that hung is
    /// first; what depended on it is gone by then.
    pub(super) fn monitor_killed(&mut self, node: NodeId, hung: ResourceId) {
        let is_online =
            |world: &Self| world.nodes[node.index()].service.resource_state(hung) == ResourceState::Online;
        if !self.nodes[node.index()].is_member() || !is_online(self) {
            return;
        }
        self.send_to_service(node, ClusterEvent::ResourceFailed(hung));
        for index in 0..self.topology.cluster.resources.len() {
            self.send_to_service(node, ClusterEvent::ResourceFailed(ResourceId(index as u16)));
        }
    }

    /// A node whose reservation is gone, or which does not reach the disk, fails its disk resource.
    pub(in crate::world) fn lose_reservation(&mut self, node: NodeId) {
        let holds = (self.reservation == Some(node) && self.links.has_disk(node))
            || has(Defect::ReservationNotChecked);
        if holds || !self.nodes[node.index()].is_on() {
            return;
        }
        if let Some(resource) = self.find_resource(|kind| kind == ResourceKind::PhysicalDisk) {
            self.send_to_service(node, ClusterEvent::ResourceFailed(resource));
        }
    }
}
