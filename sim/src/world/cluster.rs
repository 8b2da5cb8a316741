//! How do the nodes find out about each other, and what do calls to resources bring about?

use std::time::Duration;

use crate::action::StartQuorum;
use crate::assumption::{
    Assumption, EXECUTIONS_MARKED, FOUND_WITHOUT_DNS, HUNG_SERVICE_TIMES_OUT, ONLINE_WITHOUT_DIRECTORY,
};
use crate::choices::{ChoiceKey, Purpose, Spread};
use crate::cluster::{Attempt, ClusterEffect, ClusterEvent, ResourceKind, ResourcePolicy};
use crate::mark::Mark;
use crate::names::{AddressId, NameId, NodeId, NodeSet, ResourceId, WorkerId};
use crate::observe::{Fact, Loss, NodeState, Power, ResourceState, Source, Watch};
use crate::planted::{Defect, has};
use crate::scaleout::{Master, MasterEffect, MasterEvent, Request, Response};
use crate::sql::{Answer as SqlAnswer, Call, Change, SqlError, SqlServer, TaskRow};
use crate::step::Machine;
use crate::time::{Time, micros};
use crate::topology::{CatalogStartup, Target};

use super::availability::Asker;
use super::node::place;
use super::wire::{Wire, WireCommand};
use super::{Event, World};

impl World {
    /// The node on which an event of the cluster happens.
    const fn place_of(event: Event) -> Option<NodeId> {
        match event {
            Event::ServiceDue(node)
            | Event::CallEnded { node, .. }
            | Event::SsisdbRecovered { node, .. }
            | Event::InstanceStarted { node, .. }
            | Event::CallTimesOut(node)
            | Event::MasterReady { node, .. }
            | Event::PollFindsFailure { node, .. }
            | Event::MonitorKilled { node, .. }
            | Event::HeartbeatsMissed { observer: node, .. }
            | Event::JoinEnds(node)
            | Event::ServiceStarts(node)
            | Event::LooksAround(node)
            | Event::ShutdownEnds(node)
            | Event::MasterDue(node) => Some(node),
            // The members decide together on a regroup, whoever of them began it.
            Event::RegroupEnds(_)
            | Event::StatusEnds(_)
            | Event::WitnessPolled
            | Event::WorkerDue(_)
            | Event::SynArrived { .. }
            | Event::HandshakeEnded { .. }
            | Event::AddressGivenUp { .. }
            | Event::ConnectFailed { .. }
            | Event::RequestArrived { .. }
            | Event::SegmentAgain { .. }
            | Event::ResponseArrived { .. }
            | Event::ConnectionLost { .. }
            | Event::PackageEnds { .. }
            | Event::LoadRound { .. } => None,
        }
    }

    /// Keeps what would happen on a frozen machine until it thaws; says whether it did.
    pub(crate) fn stall(&mut self, event: Event) -> bool {
        let Some(node) = Self::place_of(event) else { return false };
        let host = &mut self.nodes[node.index()];
        let frozen = host.power == Power::Frozen;
        if frozen {
            host.stalled.push(event);
        }
        frozen
    }

    pub(crate) fn cluster_event(&mut self, event: Event) {
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

    /// Sends an event to a node's cluster service, and lets everything follow that happens at the same moment.
    pub(crate) fn send_to_service(&mut self, node: NodeId, event: ClusterEvent) {
        self.inbox.push_back((node, event));
        self.deliver();
    }

    pub(crate) fn deliver(&mut self) {
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

    fn service_due(&mut self, node: NodeId) {
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
                self.nodes[node.index()].left = true;
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
    pub(crate) fn send_again(&mut self, node: NodeId) {
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

    fn kind(&self, resource: ResourceId) -> ResourceKind {
        self.topology.cluster.resources[resource.index()].kind
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

    fn call_resource(
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

    fn call_ended(&mut self, node: NodeId, resource: ResourceId, attempt: Attempt, in_time: bool) {
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

    /// The service control manager starts the master, if it can; one that runs already is taken as started.
    pub(crate) fn start_master(&mut self, node: NodeId) -> bool {
        let host = &mut self.nodes[node.index()];
        // A service that does not exist cannot be opened (event 1040, documented).
        if host.disabled.master || host.master_missing {
            return false;
        }
        let master = &mut host.master;
        if !master.is_running {
            master.port = host.settings.port;
            master.machine = Master::new(host.settings.clone());
            master.is_running = true;
            master.run += 1;
            let run = master.run;
            let spread = self.topology.timings.master_serves;
            let mut time = self.draw(Purpose::ServeTime, u32::from(node.0), run, spread);
            if self.wire.command(WireCommand::StartMaster { node }) {
                time = time.max(FILES_ARE_READ);
            }
            self.queue.push(self.now + time, Event::MasterReady { node, run });
        }
        true
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

    /// Tells whoever carries the wire where the clients' packets to an address go.
    pub(crate) fn tell_where(&mut self, address: AddressId) {
        let leads_to = self.addresses.reached_by(Target::Cluster(address));
        self.wire.command(WireCommand::MoveAddress { address, leads_to });
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

    /// Whether the databases of the instance lie on a disk of the cluster. Where it has none they are on an SMB share or a
    /// cluster shared volume (failover cluster instances take both, documented): these go to the node on which the cluster
    /// starts SQL Server, and are never out of reach (assumed).
    fn has_shared_disk(&self) -> bool {
        self.find_resource(|kind| kind == ResourceKind::PhysicalDisk).is_some()
    }

    pub(crate) fn start_sql_server(&mut self, node: NodeId) -> bool {
        if self.reservation != Some(node) || self.nodes[node.index()].disabled.sql_server {
            return false;
        }
        self.recover_ssisdb(node);
        true
    }

    /// SSISDB is on its way to be usable on this node.
    pub(crate) fn recover_ssisdb(&mut self, node: NodeId) {
        let host = &mut self.nodes[node.index()];
        host.sql = SqlServer::Recovering;
        host.sql_run += 1;
        let run = host.sql_run;
        let time = self.draw(Purpose::RecoveryTime, u32::from(node.0), run, self.topology.timings.recovery);
        self.queue.push(self.now + time, Event::SsisdbRecovered { node, run });
    }

    fn stop_sql_server(&mut self, node: NodeId) {
        let host = &mut self.nodes[node.index()];
        let had_ssisdb = host.sql.answers();
        host.sql = SqlServer::Stopped;
        host.sql_run += 1;
        if had_ssisdb {
            self.packages_lose_sql_server();
        }
    }

    /// What a resource's Offline or Terminate brings about; `loss` is what its peers see of it.
    fn stop_resource(&mut self, node: NodeId, resource: ResourceId, loss: Loss) {
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

    pub(crate) fn stop_master(&mut self, node: NodeId, loss: Loss) {
        let master = &mut self.nodes[node.index()].master;
        if master.is_running {
            let run = master.run;
            master.is_running = false;
            master.hangs = false;
            master.listens = false;
            master.armed = Time::NEVER;
            self.break_connections(node, run, loss);
            self.step_master(node, MasterEvent::Stopped);
        }
    }

    pub(crate) fn step_master(&mut self, node: NodeId, event: MasterEvent) {
        // What an effect makes a master do at once comes behind its own effects.
        let first = self.master_effects.len();
        let master = &mut self.nodes[node.index()].master;
        master.machine.step(self.now, event, &mut self.choices, &mut self.master_effects);
        let mut next = first;
        while let Some(&effect) = self.master_effects.get(next) {
            next += 1;
            match effect {
                MasterEffect::Ask(call) => {
                    let Some(answer) = self.ask_ssisdb(node, call) else {
                        self.wait_for_replica(node, Asker::Own, call);
                        continue;
                    };
                    let event = MasterEvent::Answered(answer);
                    let master = &mut self.nodes[node.index()].master;
                    master.machine.step(self.now, event, &mut self.choices, &mut self.master_effects);
                }
                MasterEffect::Serve => {
                    self.nodes[node.index()].master.listens = true;
                    self.wire.command(WireCommand::Listen { node });
                }
                MasterEffect::Exit => self.master_exits(node),
            }
        }
        self.master_effects.truncate(first);
        self.arm_master(node);
    }

    /// A worker's request has come in at the master of a node.
    #[inline(always)]
    pub(crate) fn serve(&mut self, node: NodeId, worker: WorkerId, request: Request) {
        let Some(call) = self.nodes[node.index()].master.machine.call_for(worker, request) else { return };
        match self.ask_ssisdb(node, call) {
            Some(answer) => self.respond(node, worker, Response::of(answer)),
            None => self.wait_for_replica(node, Asker::Worker(worker), call),
        }
    }

    pub(crate) fn master_due(&mut self, node: NodeId) {
        let master = &mut self.nodes[node.index()].master;
        if master.armed == self.now {
            master.armed = Time::NEVER;
            self.step_master(node, MasterEvent::Woken);
        }
    }

    fn arm_master(&mut self, node: NodeId) {
        let master = &mut self.nodes[node.index()].master;
        if let Some(next) = master.machine.next_deadline()
            && next < master.armed
        {
            master.armed = next;
            self.queue.push(next, Event::MasterDue(node));
        }
    }

    /// The master ended by itself with an error.
    fn master_exits(&mut self, node: NodeId) {
        self.master_ends(node, Loss::Reset);
    }

    /// The master's process ends without the cluster's doing: the next LooksAlive poll sees that the service control
    /// manager does not say RUNNING (Generic Service, documented).
    pub(crate) fn master_ends(&mut self, node: NodeId, loss: Loss) {
        self.stop_master(node, loss);
        self.poll_will_find(node, ResourceKind::ScaleOutMaster);
    }

    /// SQL Server's process ends without the cluster's doing: the connection of its health check breaks.
    pub(crate) fn sql_server_ends(&mut self, node: NodeId) {
        self.stop_sql_server(node);
        if let Some((resource, policy)) = self.sql_policy()
            && policy.minds_stopped_sql_server()
        {
            let poll = self.next_poll(node, resource);
            self.queue.push(poll, Event::PollFindsFailure { node, resource });
        }
    }

    /// SQL Server answers nothing any more: no diagnostics arrive for `HealthCheckTimeout`.
    pub(crate) fn sql_server_hangs(&mut self, node: NodeId) {
        self.nodes[node.index()].sql = SqlServer::Hung;
        if let Some((resource, policy)) = self.sql_policy()
            && policy.minds_silent_sql_server()
        {
            let moment = self.now + policy.health_check_timeout;
            self.queue.push(moment, Event::PollFindsFailure { node, resource });
        }
    }

    /// The resource whose health is that of SQL Server.
    fn sql_policy(&self) -> Option<(ResourceId, ResourcePolicy)> {
        let resource = self.find_resource(|kind| {
            matches!(kind, ResourceKind::SqlServer | ResourceKind::AvailabilityGroup)
        })?;
        Some((resource, self.topology.cluster.resources[resource.index()].policy))
    }

    /// A node whose reservation is gone, or which does not reach the disk, fails its disk resource.
    pub(crate) fn lose_reservation(&mut self, node: NodeId) {
        let holds = (self.reservation == Some(node) && self.links.has_disk(node))
            || has(Defect::ReservationNotChecked);
        if holds || !self.nodes[node.index()].is_on() {
            return;
        }
        if let Some(resource) = self.find_resource(|kind| kind == ResourceKind::PhysicalDisk) {
            self.send_to_service(node, ClusterEvent::ResourceFailed(resource));
        }
    }

    fn find_resource(&self, is: impl Fn(ResourceKind) -> bool) -> Option<ResourceId> {
        let resources = &self.topology.cluster.resources;
        resources.iter().position(|resource| is(resource.kind)).map(|index| ResourceId(index as u16))
    }

    /// Whether a health check of this resource on this node fails at this moment.
    fn is_broken(&self, node: NodeId, kind: ResourceKind) -> bool {
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

    pub(crate) fn poll_will_find(&mut self, node: NodeId, kind: ResourceKind) {
        let Some(resource) = self.find_resource(|other| other == kind) else { return };
        let poll = self.next_poll(node, resource);
        self.queue.push(poll, Event::PollFindsFailure { node, resource });
    }

    /// When the resource is looked at the next time on this node.
    pub(crate) fn next_poll(&mut self, node: NodeId, resource: ResourceId) -> Time {
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
    fn monitor_killed(&mut self, node: NodeId, hung: ResourceId) {
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

    /// What SSISDB answers to a call of a node's master; nothing yet while the transaction waits for a replica.
    pub(crate) fn ask_ssisdb(&mut self, asker: NodeId, call: Call) -> Option<Result<SqlAnswer, SqlError>> {
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
            // A failover cluster instance listens on its own addresses alone, and not on those of the node (naming a
            // failover cluster instance, ms179410, documented).
            Target::Node(node) => Some(node).filter(|node| self.replicas.is_some() && answers(node)),
            Target::Nobody => None,
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

    /// SSISDB can be used again, and what was set up to run at the start of SQL Server runs. In an availability group the job
    /// `SSIS Failover Monitor Job` does it, which looks every two minutes (observed); here it does so at once.
    fn start_catalog(&mut self) {
        let is_set_up = self.topology.catalog_startup == CatalogStartup::AtSqlServerStart;
        if is_set_up
            && self.ssisdb.has_live_executions()
            && self.choices.assume(Assumption::CatalogStartup) == EXECUTIONS_MARKED
        {
            self.ssisdb.startup(&mut self.changes);
            self.show_changes();
        }
    }

    pub(crate) fn show_changes(&mut self) {
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

    /// A machine gets power: its services start after the boot, at once when the run begins.
    pub(crate) fn start_machine(&mut self, node: NodeId) {
        self.nodes[node.index()].power = Power::On;
        self.give_up_addresses(node);
        self.show(Source::Host, Fact::Machine { node, power: Power::On });
        self.tell_whether_heard(node);
        let boot = if self.now == Time::ZERO { Duration::ZERO } else { self.topology.timings.boot };
        self.start_service_at(node, self.now + boot);
        self.boot_instance(node, self.now + boot);
    }

    pub(crate) fn start_service_at(&mut self, node: NodeId, moment: Time) {
        let host = &mut self.nodes[node.index()];
        host.starts_at = moment;
        host.quorum = StartQuorum::Normal;
        self.queue.push(moment, Event::ServiceStarts(node));
    }

    /// A machine that boots has its own address only: what the cluster service had configured went with the power.
    fn give_up_addresses(&mut self, node: NodeId) {
        for index in 0..self.topology.addresses.len() {
            let address = AddressId(index as u16);
            if self.addresses.holders(address).contains(&node) {
                self.addresses.release(address, node);
                self.tell_where(address);
            }
        }
    }

    fn start_service(&mut self, node: NodeId) {
        let host = &mut self.nodes[node.index()];
        if !host.is_on() || host.service.runs() || host.starts_at != self.now {
            return;
        }
        host.starts += 1;
        host.left = false;
        let starts = host.starts;
        let what = Watch::Node(node);
        self.show(Source::Run, Fact::Watching { what, every: Duration::ZERO });
        self.send_to_service(node, ClusterEvent::Started);
        self.show(Source::Node(node), Fact::NodeState { node, state: NodeState::Joining });
        let time = self.draw(Purpose::JoinTime, u32::from(node.0), starts, self.topology.timings.join);
        self.join_at(node, self.now + time);
    }

    pub(crate) fn join_at(&mut self, node: NodeId, moment: Time) {
        self.nodes[node.index()].joins_at = moment;
        self.queue.push(moment, Event::JoinEnds(node));
    }

    /// Shows what a client outside meets under the master's name, if that has changed.
    pub(crate) fn look_at_endpoint(&mut self) {
        if !matches!(self.wire, Wire::Modelled) {
            return;
        }
        let host = self.topology.endpoint;
        let answer = self.endpoint_answer();
        if self.shown_endpoint != Some(answer) {
            self.shown_endpoint = Some(answer);
            self.show(Source::Probe, Fact::Endpoint { host, answer });
        }
    }
}

/// With files that somebody outside keeps, the service needs some time to read them: whoever keeps them is asked in it.
const FILES_ARE_READ: Duration = Duration::from_micros(1);
