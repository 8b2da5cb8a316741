//! How do the nodes find out about each other, and what do calls to resources bring about?

use std::time::Duration;

use crate::choices::{ChoiceKey, Purpose, Spread};
use crate::cluster::{Attempt, ClusterEffect, ClusterEvent, Component, ResourceKind, regroup};
use crate::names::{AddressId, NodeId, NodeSet, ResourceId};
use crate::observe::{Answer, Fact, Loss, NodeState, Power, ResourceState, Source, Watch};
use crate::scaleout::{MasterEffect, MasterEvent};
use crate::sql::{Answer as SqlAnswer, Call, Change, SqlError, SqlServer};
use crate::step::Machine;
use crate::time::{Time, micros};
use crate::topology::Target;

use super::node::place;
use super::wire::{Wire, WireCommand};
use super::{Event, World};

impl World {
    pub(crate) fn cluster_event(&mut self, event: Event) {
        match event {
            Event::ServiceDue(node) => self.service_due(node),
            Event::CallEnded { node, resource, attempt } => self.call_ended(node, resource, attempt),
            Event::SsisdbRecovered { node, run } => {
                let host = &mut self.nodes[node.index()];
                if host.sql_run == run && host.sql == SqlServer::Recovering {
                    host.sql = SqlServer::Usable;
                }
            }
            Event::MasterReady { node, run } => {
                let master = &self.nodes[node.index()].master;
                if master.run == run && master.is_running {
                    self.step_master(node, MasterEvent::Started);
                }
            }
            Event::PollFindsFailure { node, resource } => {
                self.send_to_service(node, ClusterEvent::ResourceFailed(resource));
            }
            Event::HeartbeatsMissed { observer, peer } => self.heartbeats_missed(observer, peer),
            Event::RegroupEnds(node) => self.regroup_ends(node),
            Event::JoinEnds(node) => self.join_ends(node),
            Event::ServiceStarts(node) => self.start_service(node),
            Event::WorkerDue(_)
            | Event::SynArrived { .. }
            | Event::HandshakeEnded { .. }
            | Event::ConnectFailed { .. }
            | Event::RequestArrived { .. }
            | Event::SegmentAgain { .. }
            | Event::ResponseArrived { .. }
            | Event::ConnectionLost { .. }
            | Event::MasterDue(_)
            | Event::LoadRound { .. } => unreachable!("{event:?} is not about the cluster"),
        }
    }

    /// Sends an event to a node's cluster service, and lets everything follow that happens at the same moment.
    pub(crate) fn send_to_service(&mut self, node: NodeId, event: ClusterEvent) {
        self.inbox.push_back((node, event));
        self.deliver();
    }

    fn deliver(&mut self) {
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
                    | ResourceKind::ScaleOutMaster => self.topology.timings.offline,
                };
                self.call_resource(node, resource, attempt, Purpose::OfflineTime, spread);
            }
            ClusterEffect::Terminate(resource) => self.stop_resource(node, resource, Loss::Reset),
            ClusterEffect::TellMembers { role, view } => {
                let members = self.nodes[node.index()].service.view().members.without(node);
                for member in members.iter().filter(|member| self.nodes[member.index()].is_member()) {
                    self.inbox.push_back((member, ClusterEvent::RoleTold { role, view }));
                }
            }
            ClusterEffect::Halt => {
                let again = self.now + self.topology.timings.service_restart;
                self.start_service_at(node, again);
            }
            ClusterEffect::Show(fact) => self.show(Source::Node(node), fact),
        }
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
        self.queue.push(self.now + time, Event::CallEnded { node, resource, attempt });
    }

    fn call_ended(&mut self, node: NodeId, resource: ResourceId, attempt: Attempt) {
        let service = &self.nodes[node.index()].service;
        if !self.nodes[node.index()].is_on() || !service.waits_for(resource, attempt) {
            return;
        }
        let succeeded = match service.resource_state(resource) {
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
                self.take_disk(node, resource);
                true
            }
            ResourceKind::IpAddress(address) => {
                // Another machine that answers for the address: event 1049 (documented), the call fails.
                let taken = self
                    .addresses
                    .holder(address)
                    .is_some_and(|holder| holder != node && self.nodes[holder.index()].is_on());
                if !taken {
                    self.addresses.assign(address, node);
                    self.wire.command(WireCommand::MoveAddress { address, holder: Some(node) });
                }
                !taken
            }
            ResourceKind::NetworkName(_) | ResourceKind::SqlServerAgent => true,
            ResourceKind::SqlServer => self.start_sql_server(node),
            ResourceKind::ScaleOutMaster => {
                let master = &mut self.nodes[node.index()].master;
                master.is_running = true;
                master.run += 1;
                let run = master.run;
                let spread = self.topology.timings.master_serves;
                let time = self.draw(Purpose::ServeTime, u32::from(node.0), run, spread);
                self.queue.push(self.now + time, Event::MasterReady { node, run });
                true
            }
        }
    }

    /// A SCSI-3 persistent reservation: the newcomer preempts, and the old holder's disk fails.
    fn take_disk(&mut self, node: NodeId, resource: ResourceId) {
        if let Some(old) = self.reservation.replace(node)
            && old != node
            && self.nodes[old.index()].is_on()
        {
            self.inbox.push_back((old, ClusterEvent::ResourceFailed(resource)));
        }
    }

    fn start_sql_server(&mut self, node: NodeId) -> bool {
        if self.reservation != Some(node) {
            return false;
        }
        let host = &mut self.nodes[node.index()];
        host.sql = SqlServer::Recovering;
        host.sql_run += 1;
        let run = host.sql_run;
        let time = self.draw(Purpose::RecoveryTime, u32::from(node.0), run, self.topology.timings.recovery);
        self.queue.push(self.now + time, Event::SsisdbRecovered { node, run });
        true
    }

    /// What a resource's Offline or Terminate brings about; `loss` is what its peers see of it.
    fn stop_resource(&mut self, node: NodeId, resource: ResourceId, loss: Loss) {
        match self.kind(resource) {
            ResourceKind::ScaleOutMaster => self.stop_master(node, loss),
            ResourceKind::IpAddress(address) => {
                if self.addresses.holder(address) == Some(node) {
                    self.addresses.release(address, node);
                    self.wire.command(WireCommand::MoveAddress { address, holder: None });
                }
            }
            ResourceKind::SqlServer => {
                let host = &mut self.nodes[node.index()];
                host.sql = SqlServer::Stopped;
                host.sql_run += 1;
            }
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
            master.listens = false;
            master.armed = Time::NEVER;
            self.break_connections(node, run, loss);
            self.step_master(node, MasterEvent::Stopped);
        }
    }

    pub(crate) fn step_master(&mut self, node: NodeId, event: MasterEvent) {
        let mut effects = std::mem::take(&mut self.master_effects);
        let master = &mut self.nodes[node.index()].master;
        master.machine.step(self.now, event, &mut self.choices, &mut effects);
        let mut next = 0;
        while let Some(&effect) = effects.get(next) {
            next += 1;
            match effect {
                MasterEffect::Ask { asker, call } => {
                    let answer = self.ask_ssisdb(node, call);
                    let event = MasterEvent::Answered { asker, answer };
                    let master = &mut self.nodes[node.index()].master;
                    master.machine.step(self.now, event, &mut self.choices, &mut effects);
                }
                MasterEffect::Respond { to, response } => self.respond(node, to, response),
                MasterEffect::Serve => {
                    self.nodes[node.index()].master.listens = true;
                    self.wire.command(WireCommand::Listen { node });
                }
                MasterEffect::Exit => self.master_exits(node),
            }
        }
        effects.clear();
        self.master_effects = effects;
        self.arm_master(node);
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

    /// The service ended by itself: the next LooksAlive poll sees it (the service control manager says not RUNNING).
    fn master_exits(&mut self, node: NodeId) {
        let run = self.nodes[node.index()].master.run;
        self.nodes[node.index()].master.is_running = false;
        self.nodes[node.index()].master.listens = false;
        self.break_connections(node, run, Loss::Reset);
        let resources = &self.topology.cluster.resources;
        let found = resources.iter().position(|resource| resource.kind == ResourceKind::ScaleOutMaster);
        let Some(index) = found else { return };
        let resource = ResourceId(index as u16);
        let period = resources[index].policy.looks_alive_poll_interval;
        let key =
            ChoiceKey { purpose: Purpose::LooksAlivePhase, subject: place(node, resource), ordinal: run };
        let phase = Time::from_micros(self.choices.between(key, 0, micros(period).saturating_sub(1)));
        let poll = self.now.next_beat(phase, period);
        self.queue.push(poll, Event::PollFindsFailure { node, resource });
    }

    fn ask_ssisdb(&mut self, asker: NodeId, call: Call) -> Result<SqlAnswer, SqlError> {
        let server = self.topology.nodes[asker.index()].master_settings.sql_server;
        let holder = match self.topology.hosts[server.index()] {
            Target::Cluster(address) => self.addresses.holder(address),
            Target::Node(node) => Some(node),
            Target::Nobody => None,
        };
        let usable = holder
            .map(|node| &self.nodes[node.index()])
            .is_some_and(|host| host.is_on() && host.sql.answers());
        if !usable {
            return Err(SqlError::Unreachable);
        }
        let answer = self.ssisdb.call(self.now, call, &mut self.changes);
        self.show_changes();
        if matches!(call, Call::UpdateMasterSettings | Call::MasterHeartbeat)
            && self.shown_master != Some(asker)
        {
            self.shown_master = Some(asker);
            self.show(Source::Ssisdb, Fact::MasterMachine(asker));
        }
        answer
    }

    pub(crate) fn show_changes(&mut self) {
        for index in 0..self.changes.len() {
            let Change { task, load, state, worker, executed_count } = self.changes[index];
            self.show(Source::Ssisdb, Fact::Task { task, load, state, worker, executed_count });
        }
        self.changes.clear();
    }

    /// A machine gets power: its services start after the boot, at once when the run begins.
    pub(crate) fn start_machine(&mut self, node: NodeId) {
        self.nodes[node.index()].power = Power::On;
        self.give_up_addresses(node);
        self.show(Source::Host, Fact::Machine { node, power: Power::On });
        let boot = if self.now == Time::ZERO { Duration::ZERO } else { self.topology.timings.boot };
        self.start_service_at(node, self.now + boot);
    }

    pub(crate) fn start_service_at(&mut self, node: NodeId, moment: Time) {
        self.nodes[node.index()].starts_at = moment;
        self.queue.push(moment, Event::ServiceStarts(node));
    }

    /// A machine that boots has its own address only: what the cluster service had configured went with the power.
    fn give_up_addresses(&mut self, node: NodeId) {
        for index in 0..self.topology.addresses.len() {
            let address = AddressId(index as u16);
            if self.addresses.holder(address) == Some(node) {
                self.addresses.release(address, node);
                self.wire.command(WireCommand::MoveAddress { address, holder: None });
            }
        }
    }

    fn start_service(&mut self, node: NodeId) {
        let host = &mut self.nodes[node.index()];
        if !host.is_on() || host.service.runs() || host.starts_at != self.now {
            return;
        }
        host.starts += 1;
        let starts = host.starts;
        let what = Watch::Node(node);
        self.show(Source::Run, Fact::Watching { what, every: Duration::ZERO });
        self.send_to_service(node, ClusterEvent::Started);
        self.show(Source::Node(node), Fact::NodeState { node, state: NodeState::Joining });
        let time = self.draw(Purpose::JoinTime, u32::from(node.0), starts, self.topology.timings.join);
        self.join_at(node, self.now + time);
    }

    fn join_at(&mut self, node: NodeId, moment: Time) {
        self.nodes[node.index()].joins_at = moment;
        self.queue.push(moment, Event::JoinEnds(node));
    }

    /// A starting node joins the cluster that it finds; if it finds none, the nodes that are starting form one
    /// (nodes page of MsCS, documented).
    fn join_ends(&mut self, node: NodeId) {
        if !self.nodes[node.index()].is_on()
            || !self.nodes[node.index()].service.runs()
            || self.nodes[node.index()].service.is_active()
            || self.nodes[node.index()].joins_at != self.now
        {
            return;
        }
        let active = self.node_set(|world, node| world.nodes[node.index()].is_member());
        let component = if active.is_empty() {
            self.node_set(|world, node| {
                let host = &world.nodes[node.index()];
                host.is_on() && host.service.runs()
            })
        } else {
            active.or(NodeSet::only(node))
        };
        if !self.regroup_component(component, active) {
            let time = self.topology.timings.join.most;
            self.join_at(node, self.now + time);
        }
    }

    fn node_set(&self, is_in: impl Fn(&Self, NodeId) -> bool) -> NodeSet {
        (0..self.nodes.len()).map(|node| NodeId(node as u8)).filter(|&node| is_in(self, node)).collect()
    }

    /// Regroups a component. Starting nodes that would have no quorum go on waiting, which is said by `false`.
    fn regroup_component(&mut self, component: NodeSet, active: NodeSet) -> bool {
        let voices = if active.is_empty() { component } else { component.and(active) };
        let Some(newest) = voices
            .iter()
            .max_by_key(|node| (self.nodes[node.index()].service.view().epoch, u8::MAX - node.0))
        else {
            return true;
        };
        let witness = self.topology.cluster.witness && self.witness_is_free_for(component);
        let newest = *self.nodes[newest.index()].service.view();
        let decided = regroup(
            &self.topology.cluster,
            &self.properties,
            Component { nodes: component, newest: &newest, witness },
            &mut self.choices,
        );
        if !decided.quorate && active.is_empty() {
            return false;
        }
        if decided.quorate && witness {
            self.witness_holders = component;
        }
        for node in component.iter() {
            self.nodes[node.index()].regroups = false;
            self.inbox.push_back((node, ClusterEvent::Regrouped(decided)));
        }
        self.deliver();
        true
    }

    /// Nobody outside the component who is still there holds the witness.
    fn witness_is_free_for(&self, component: NodeSet) -> bool {
        self.witness_holders.minus(component).iter().all(|node| !self.nodes[node.index()].is_member())
    }

    /// A node is gone from the network: every member will miss its heartbeats from a known moment on.
    pub(crate) fn heartbeats_stop(&mut self, peer: NodeId) {
        let observers = self.node_set(|world, node| {
            node != peer
                && world.nodes[node.index()].is_member()
                && world.nodes[node.index()].service.view().members.contains(peer)
        });
        for observer in observers.iter() {
            let (delay, threshold) = self.topology.cluster.heartbeat(observer, peer, &self.properties);
            let subject = u32::from(observer.0) << 8 | u32::from(peer.0);
            let key = ChoiceKey { purpose: Purpose::HeartbeatPhase, subject, ordinal: 0 };
            let phase = Time::from_micros(self.choices.between(key, 0, micros(delay).saturating_sub(1)));
            let moment = self.now.last_beat(phase, delay) + delay * threshold;
            self.queue.push(moment.max(self.now), Event::HeartbeatsMissed { observer, peer });
        }
    }

    /// A cluster service is gone from a node that still runs: its connections to the others break at once.
    pub(crate) fn service_gone(&mut self, peer: NodeId) {
        let observers = self.node_set(|world, node| node != peer && world.nodes[node.index()].is_member());
        for observer in observers.iter() {
            self.queue.push(self.now, Event::HeartbeatsMissed { observer, peer });
        }
    }

    fn heartbeats_missed(&mut self, observer: NodeId, peer: NodeId) {
        let gone = !self.nodes[peer.index()].is_member();
        let host = &self.nodes[observer.index()];
        let counts = host.is_member() && host.service.view().members.contains(peer);
        if !gone || !counts || host.regroups {
            return;
        }
        // One regroup for the whole component: whoever notices first starts it.
        let members = self.node_set(|world, node| world.nodes[node.index()].is_member());
        for node in members.iter() {
            self.nodes[node.index()].regroups = true;
        }
        let host = &mut self.nodes[observer.index()];
        host.regroup_count += 1;
        let ordinal = host.regroup_count;
        let spread = self.topology.timings.regroup;
        let time = self.draw(Purpose::RegroupTime, u32::from(observer.0), ordinal, spread);
        self.queue.push(self.now + time, Event::RegroupEnds(observer));
    }

    /// The members decide together: a regroup that one of them began ends even if that one is gone by then.
    fn regroup_ends(&mut self, node: NodeId) {
        let members = self.node_set(|world, node| world.nodes[node.index()].is_member());
        if members.contains(node) || members.iter().any(|member| self.nodes[member.index()].regroups) {
            self.regroup_component(members, members);
        }
    }

    /// Shows what a client outside meets under the master's name, if that has changed.
    pub(crate) fn look_at_endpoint(&mut self) {
        if !matches!(self.wire, Wire::Modelled) {
            return;
        }
        let host = self.topology.endpoint;
        let answer = match self.topology.hosts[host.index()] {
            Target::Cluster(address) => self.addresses.holder(address),
            Target::Node(node) => Some(node),
            Target::Nobody => None,
        }
        .filter(|node| self.nodes[node.index()].is_on())
        .map_or(Answer::Silent, |by| self.answer_of(by));
        if self.shown_endpoint != Some(answer) {
            self.shown_endpoint = Some(answer);
            self.show(Source::Probe, Fact::Endpoint { host, answer });
        }
    }

    fn answer_of(&self, by: NodeId) -> Answer {
        let host = &self.nodes[by.index()];
        match host.trust.binding.filter(|_| host.trust.private_key) {
            _ if !host.listens() => Answer::Refused,
            Some(certificate) => Answer::Served { by, certificate },
            None => Answer::NoHandshake(by),
        }
    }
}
