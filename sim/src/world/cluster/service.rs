//! What does a cluster service bring about, and how does it hear of the others?

use crate::choices::{Purpose, Spread};
use crate::cluster::{ClusterEffect, ClusterEvent, ResourceKind};
use crate::names::{NodeId, NodeSet, ResourceId};
use crate::observe::{Loss, Source};
use crate::planted::{Defect, has};
use crate::step::Machine;
use crate::time::Time;

use super::super::{Event, World};

impl World {
    /// Sends an event to a node's cluster service, and lets everything follow that happens at the same moment.
    pub(in crate::world) fn send_to_service(&mut self, node: NodeId, event: ClusterEvent) {
        self.inbox.push_back((node, event));
        self.deliver();
    }

    pub(super) fn deliver(&mut self) {
        while let Some((node, event)) = self.inbox.pop_front() {
            let mut effects = std::mem::take(&mut self.cluster_effects);
            let host = &mut self.nodes[node.index()];
            host.service.step(self.now, event, &mut self.choices, &mut effects);
            for effect in effects.drain(..) {
                self.carry_out_cluster(node, effect);
            }
            self.cluster_effects = effects;
            self.arm_service(node);
        }
    }

    pub(super) fn service_due(&mut self, node: NodeId) {
        let host = &mut self.nodes[node.index()];
        if host.armed == self.now {
            host.armed = Time::NEVER;
            self.send_to_service(node, ClusterEvent::Woken);
        }
    }

    fn arm_service(&mut self, node: NodeId) {
        let host = &mut self.nodes[node.index()];
        if let Some(next) = host.service.next_deadline()
            && next < host.armed
        {
            host.armed = next;
            self.queue.push(next, Event::ServiceDue(node));
        }
    }

    fn carry_out_cluster(&mut self, node: NodeId, effect: ClusterEffect) {
        match effect {
            ClusterEffect::BringOnline { resource, attempt } => {
                let spread = self.online_time(resource);
                self.call_resource(node, resource, attempt, Purpose::OnlineTime, spread);
            }
            ClusterEffect::TakeOffline { resource, attempt } => {
                let spread = match self.kind(resource) {
                    ResourceKind::SqlServer => self.topology.timings.sql_server_offline,
                    ResourceKind::PhysicalDisk
                    | ResourceKind::IpAddress(_)
                    | ResourceKind::NetworkName(_)
                    | ResourceKind::SqlServerAgent
                    | ResourceKind::AvailabilityGroup
                    | ResourceKind::ScaleOutMaster => self.topology.timings.offline,
                };
                self.call_resource(node, resource, attempt, Purpose::OfflineTime, spread);
            }
            ClusterEffect::Terminate(resource) => self.stop_resource(node, resource, Loss::Reset),
            ClusterEffect::RunDown(resource) => self.stop_resource(node, resource, Loss::Closed),
            ClusterEffect::TellMembers { role, view } => {
                let members = self.nodes[node.index()].service.view().members.without(node);
                self.tell(node, members, ClusterEvent::RoleTold { role, view });
            }
            ClusterEffect::TellPaused { paused, node: whom } => {
                let members = self.nodes[node.index()].service.view().members.without(node);
                self.tell(node, members, ClusterEvent::PauseTold { node: whom, paused });
            }
            // A stop by an administrator: the others are told, and do not wait for missed heartbeats.
            ClusterEffect::Leave => {
                let heir = self.heir_of(node);
                let host = &mut self.nodes[node.index()];
                (host.left, host.heir) = (true, heir);
                if let Some(heir) = heir {
                    host.service.hand_vote_over(heir);
                }
                self.service_gone(node);
                self.end_shutdown(node);
            }
            ClusterEffect::Halt => {
                let again = self.now + self.topology.timings.service_restart;
                self.start_service_at(node, again);
            }
            ClusterEffect::Show(fact) => self.show(Source::Node(node), fact),
        }
    }

    fn online_time(&self, resource: ResourceId) -> Spread {
        let timings = &self.topology.timings;
        match self.kind(resource) {
            ResourceKind::PhysicalDisk => timings.disk_online,
            ResourceKind::IpAddress(_) => timings.ip_address_online,
            ResourceKind::NetworkName(_) => timings.network_name_online,
            ResourceKind::SqlServer => timings.sql_server_online,
            ResourceKind::SqlServerAgent => timings.agent_online,
            ResourceKind::AvailabilityGroup => timings.availability_group_online,
            ResourceKind::ScaleOutMaster => timings.master_online,
        }
    }

    /// A message from one cluster service to others; it arrives where they talk. Updates of the cluster database reach
    /// every member or cost it its membership (inferred): what does not arrive is sent again.
    fn tell(&mut self, from: NodeId, to: NodeSet, message: ClusterEvent) {
        for member in to.iter() {
            if self.nodes[member.index()].is_member() && self.talks(from, member) {
                self.inbox.push_back((member, message));
            } else if !has(Defect::TellingForgotten) {
                self.unsent.push((from, member, message));
            }
        }
    }

    /// Sends again what did not arrive at this node, or from it, and can arrive now.
    pub(super) fn send_again(&mut self, node: NodeId) {
        let mut index = 0;
        while let Some(&(from, to, message)) = self.unsent.get(index) {
            let arrives = (from == node || to == node)
                && self.nodes[from.index()].is_member()
                && self.nodes[to.index()].is_member()
                && self.talks(from, to);
            if arrives {
                self.unsent.remove(index);
                self.inbox.push_back((to, message));
            } else {
                index += 1;
            }
        }
        self.deliver();
    }
}
