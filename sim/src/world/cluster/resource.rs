//! What do calls to a resource bring about?

use std::time::Duration;

use crate::assumption::{Assumption, HUNG_SERVICE_TIMES_OUT, ONLINE_WITHOUT_DIRECTORY};
use crate::choices::{Purpose, Spread};
use crate::cluster::{Attempt, ClusterEvent, ResourceKind};
use crate::names::{AddressId, NameId, NodeId, ResourceId};
use crate::observe::{Loss, ResourceState};
use crate::planted::{Defect, has};
use crate::topology::Target;

use super::super::node::place;
use super::super::wire::WireCommand;
use super::super::{Event, World};

impl World {
    pub(super) fn call_resource(
        &mut self,
        node: NodeId,
        resource: ResourceId,
        attempt: Attempt,
        purpose: Purpose,
        spread: Spread,
    ) {
        let time = self.draw(purpose, place(node, resource), attempt.ordinal(), spread);
        let config = &self.topology.cluster.resources[resource.index()];
        // The time-out is for a resource that does not say that it gets on (PendingTimeout, documented). SQL Server says
        // so, a service that starts does not (inferred).
        let gets_on = config.kind == ResourceKind::SqlServer;
        let hangs = purpose == Purpose::OfflineTime
            && config.kind == ResourceKind::ScaleOutMaster
            && self.nodes[node.index()].master.hangs
            && self.choices.assume(Assumption::HungServiceStop) == HUNG_SERVICE_TIMES_OUT;
        let in_time = !hangs && (gets_on || time <= config.policy.pending_timeout);
        let time = if in_time { time } else { config.policy.pending_timeout };
        let waits = config.kind == ResourceKind::AvailabilityGroup && purpose == Purpose::OnlineTime;
        let instance =
            if waits { self.nodes[node.index()].sql_ready_at.since(self.now) } else { Duration::ZERO };
        let time = instance + time;
        self.queue.push(self.now + time, Event::CallEnded { node, resource, attempt, in_time });
    }

    pub(super) fn call_ended(&mut self, node: NodeId, resource: ResourceId, attempt: Attempt, in_time: bool) {
        let service = &self.nodes[node.index()].service;
        if !self.nodes[node.index()].is_on() || service.attempt(resource) != attempt {
            return;
        }
        let succeeded = match service.resource_state(resource) {
            ResourceState::OnlinePending | ResourceState::OfflinePending if !in_time => false,
            ResourceState::OnlinePending => self.start_resource(node, resource),
            ResourceState::OfflinePending => {
                self.stop_resource(node, resource, Loss::Closed);
                true
            }
            ResourceState::Offline | ResourceState::Online | ResourceState::Failed => return,
        };
        self.send_to_service(node, ClusterEvent::CallEnded { resource, attempt, succeeded });
    }

    /// What a resource's Online brings about; says whether it succeeded.
    fn start_resource(&mut self, node: NodeId, resource: ResourceId) -> bool {
        match self.kind(resource) {
            ResourceKind::PhysicalDisk => {
                let reached = self.links.has_disk(node);
                if reached {
                    self.take_disk(node, resource);
                }
                reached
            }
            ResourceKind::IpAddress(address) => {
                // Another machine that answers for the address: event 1049 (documented), the call fails.
                // A machine that does not hear the question cannot object.
                let mut holders = self.addresses.holders(address).iter();
                let taken = holders.any(|&holder| holder != node && self.talks(node, holder))
                    || (self.duplicates[address.index()] && self.hears_clients(node));
                let comes_online = !taken && self.nodes[node.index()].has_adapter;
                if comes_online {
                    self.addresses.assign(address, node);
                    self.tell_where(address);
                }
                comes_online
            }
            ResourceKind::NetworkName(_) => {
                // Events 1211, 1212 and 1231 are possible then (documented); whether they end the call is not.
                let comes_online = self.directory_works
                    || self.choices.assume(Assumption::NameWithoutDirectory) == ONLINE_WITHOUT_DIRECTORY;
                if comes_online {
                    self.register_name(node, resource);
                }
                comes_online
            }
            ResourceKind::SqlServerAgent => true,
            ResourceKind::SqlServer => {
                if !self.has_shared_disk() {
                    self.take_disk(node, resource);
                }
                self.start_sql_server(node)
            }
            ResourceKind::AvailabilityGroup => self.become_primary(node),
            // A service that cannot be started fails its resource (event 1041, documented).
            ResourceKind::ScaleOutMaster => self.start_master(node),
        }
    }

    /// Tells DNS which addresses a name has that comes online on `node`: all, or those that are online there
    /// (`RegisterAllProvidersIP`, documented).
    fn register_name(&mut self, node: NodeId, resource: ResourceId) {
        let topology = self.topology.clone();
        for (index, name) in topology.network_names.iter().enumerate() {
            if name.resource != resource {
                continue;
            }
            let is_online = |address: &AddressId| self.addresses.holders(*address).contains(&node);
            let places = (0..name.addresses.len())
                .filter(|&place| name.registers_all || is_online(&name.addresses[place]));
            self.dns.register(NameId(index as u16), places.collect());
        }
    }

    /// A SCSI-3 persistent reservation: the newcomer preempts, and the old holder's disk fails.
    fn take_disk(&mut self, node: NodeId, resource: ResourceId) {
        if let Some(old) = self.reservation.replace(node)
            && !has(Defect::ReservationNotChecked)
            && old != node
            && self.nodes[old.index()].is_on()
        {
            self.inbox.push_back((old, ClusterEvent::ResourceFailed(resource)));
        }
    }

    /// What a resource's Offline or Terminate brings about; `loss` is what its peers see of it.
    pub(super) fn stop_resource(&mut self, node: NodeId, resource: ResourceId, loss: Loss) {
        match self.kind(resource) {
            ResourceKind::ScaleOutMaster => self.stop_master(node, loss),
            ResourceKind::IpAddress(address) => {
                if self.addresses.holders(address).contains(&node) {
                    self.addresses.release(address, node);
                    self.tell_where(address);
                }
            }
            ResourceKind::SqlServer => {
                self.stop_sql_server(node);
                if !self.has_shared_disk() && self.reservation == Some(node) {
                    self.reservation = None;
                }
            }
            ResourceKind::AvailabilityGroup => self.step_down(node),
            ResourceKind::PhysicalDisk => {
                if self.reservation == Some(node) {
                    self.reservation = None;
                }
            }
            ResourceKind::NetworkName(_) | ResourceKind::SqlServerAgent => {}
        }
    }

    /// Tells whoever carries the wire where the clients' packets to an address go.
    pub(in crate::world) fn tell_where(&mut self, address: AddressId) {
        let leads_to = self.addresses.reached_by(Target::Cluster(address));
        self.wire.command(WireCommand::MoveAddress { address, leads_to });
    }

    pub(super) fn kind(&self, resource: ResourceId) -> ResourceKind {
        self.topology.cluster.resources[resource.index()].kind
    }

    pub(super) fn find_resource(&self, is: impl Fn(ResourceKind) -> bool) -> Option<ResourceId> {
        let resources = &self.topology.cluster.resources;
        resources.iter().position(|resource| is(resource.kind)).map(|index| ResourceId(index as u16))
    }
}
