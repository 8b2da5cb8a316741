//! What does an action do to the world?

use std::fmt;
use std::time::Duration;

use crate::action::{
    ClusterProperty, Drain, LinkEnd, LinkQuality, LinkState, LoadWorkers, NodeChange, Part, ResolvedAction,
    Service, ServiceAction, StartQuorum, Ways,
};
use crate::assumption::{
    Assumption, GRACEFUL_RUNDOWN, NOTICED_BY_HEARTBEATS, REGISTERS_AT_NEXT_ONLINE, THAWED_ANSWERS,
};
use crate::cluster::{ClusterEvent, ResourceKind, Rundown, Wanted, Witness, candidates};
use crate::names::{AddressId, CertificateId, LoadId, NodeId, ResourceId, RoleId, WorkerId};
use crate::net::Peer;
use crate::observe::{Fact, Loss, Power, ResourceState, Source, Watch};
use crate::planted::{Defect, has};
use crate::scaleout::{Master, MasterSettings};
use crate::sql::SqlServer;
use crate::step::Shared;
use crate::topology::Target;
use crate::trust::HostTrust;

use super::node::{Quarantine, Shutdown};
use super::wire::WireCommand;
use super::{Event, World};

/// Why an action could not be carried out: the surroundings are not as it needs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplyError {
    /// No member owns the role, so that nobody can move it.
    NoOwner(RoleId),
    /// The role cannot go to this node: it is not an active member, is paused, or is not a possible owner.
    NotACandidate {
        /// Which role.
        role: RoleId,
        /// Which node.
        node: NodeId,
    },
    /// The machine is not in the power state that the action needs.
    WrongPower {
        /// Which machine.
        node: NodeId,
        /// Its power state.
        is: Power,
    },
    /// No cluster service runs on the node, or one does where none should.
    NoService(NodeId),
    /// The service runs already.
    RunsAlready(NodeId),
    /// The service that the action is about does not run on the node.
    NotRunning(NodeId),
    /// The resource is not online anywhere.
    NotOnline(ResourceId),
    /// The node owns the role, and the role is not offline.
    Owns {
        /// Which role.
        role: RoleId,
        /// Which node.
        node: NodeId,
    },
    /// The service is disabled, is not there, or cannot reach what it needs.
    CannotStart(NodeId),
    /// The worker's service runs already.
    WorkerRuns(WorkerId),
    /// The worker's service does not run.
    WorkerStopped(WorkerId),
    /// The worker is a program of its own, which nobody can make hang.
    ProgramHangs(WorkerId),
    /// SSISDB has no row for the worker.
    WorkerUnknown(WorkerId),
    /// No node answers for SSISDB.
    NoSsisdb,
    /// The members that would be left have no quorum.
    QuorumNeedsIt(NodeId),
    /// The node that owns the role is paused.
    Paused(NodeId),
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoOwner(_) => write!(f, "no active member owns the role"),
            Self::NotACandidate { .. } => {
                write!(
                    f,
                    "the node is not an active, unpaused member that may own every resource of the role"
                )
            }
            Self::WrongPower { is: Power::On, .. } => write!(f, "the machine is on"),
            Self::WrongPower { is: Power::Off, .. } => write!(f, "the machine is off"),
            Self::WrongPower { is: Power::Frozen, .. } => write!(f, "the machine is frozen"),
            Self::NoService(_) => write!(f, "no cluster service runs on the node"),
            Self::RunsAlready(_) => write!(f, "the cluster service runs already"),
            Self::NotRunning(_) => write!(f, "the service does not run on the node"),
            Self::NotOnline(_) => write!(f, "the resource is not online on any node"),
            // ERROR_INVALID_STATE (ApiRemoveResourceNode of MS-CMRP, documented).
            Self::Owns { .. } => write!(f, "the node owns the role, which is not offline"),
            Self::CannotStart(_) => write!(f, "the service cannot be started on the node"),
            Self::WorkerRuns(_) => write!(f, "the worker's service runs already"),
            Self::ProgramHangs(_) => {
                write!(f, "the worker is a program of its own, which cannot be made to hang")
            }
            Self::WorkerUnknown(_) => write!(f, "SSISDB has no row for the worker"),
            Self::NoSsisdb => write!(f, "no node answers for SSISDB"),
            Self::QuorumNeedsIt(_) => {
                write!(f, "without the node there is no quorum: only Stop-Cluster stops all")
            }
            // ERROR_CLUSTER_NODE_PAUSED (PauseClusterNode, documented).
            Self::Paused(_) => write!(f, "the owner node is paused, and nothing comes online there"),
            Self::WorkerStopped(_) => write!(f, "the worker's service does not run"),
        }
    }
}

impl std::error::Error for ApplyError {}

impl World {
    /// Carries out an action at the present moment.
    ///
    /// # Errors
    /// If the surroundings do not allow it; nothing has changed then.
    pub fn apply(&mut self, action: ResolvedAction) -> Result<(), ApplyError> {
        match action {
            ResolvedAction::MoveRole { role, to } => self.move_role(role, to)?,
            ResolvedAction::PowerOff { node } => self.power_off(node)?,
            ResolvedAction::PowerOn { node } => match self.nodes[node.index()].power {
                Power::Off => self.start_machine(node),
                is @ (Power::On | Power::Frozen) => return Err(ApplyError::WrongPower { node, is }),
            },
            ResolvedAction::KillClusterService { node } => self.kill_cluster_service(node)?,
            ResolvedAction::Freeze { node } => self.freeze(node)?,
            ResolvedAction::Thaw { node } => self.thaw(node)?,
            ResolvedAction::StopClusterService { node } => {
                self.need_member(node)?;
                self.need_quorum_without(node)?;
                self.send_to_service(node, ClusterEvent::StopRequested);
            }
            ResolvedAction::StartClusterService { node, quorum, clear_quarantine } => {
                self.start_by_hand(node, quorum, clear_quarantine)?;
            }
            ResolvedAction::ShutDown { node } => self.shut_down(node, Shutdown::Off)?,
            ResolvedAction::PossibleOwner { role, node, may } => self.set_possible_owner(role, node, may)?,
            ResolvedAction::WorkerAgent { worker, what } => self.change_agent(worker, what)?,
            ResolvedAction::WorkerService { worker, what } => self.act_on_worker(worker, what)?,
            ResolvedAction::RestartNode { node } => self.shut_down(node, Shutdown::Restart)?,
            ResolvedAction::Resource { resource, online } => {
                let wanted = if online { Wanted::Online } else { Wanted::Offline };
                let owner = self.owner_of(self.topology.cluster.resources[resource.index()].role)?;
                self.need_unpaused(owner, online)?;
                self.send_to_service(owner, ClusterEvent::ResourceRequested { resource, wanted });
            }
            ResolvedAction::Role { role, online } => {
                let wanted = if online { Wanted::Online } else { Wanted::Offline };
                let owner = self.owner_of(role)?;
                self.need_unpaused(owner, online)?;
                self.send_to_service(owner, ClusterEvent::RoleRequested { role, wanted });
            }
            ResolvedAction::Surroundings { part, works } => self.set_surroundings(part, works),
            ResolvedAction::PauseNode { node, drain } => {
                self.need_member(node)?;
                let drain = drain == Drain::Move;
                self.send_to_service(node, ClusterEvent::PauseRequested { paused: true, drain });
            }
            ResolvedAction::ResumeNode { node } => {
                self.need_member(node)?;
                self.send_to_service(node, ClusterEvent::PauseRequested { paused: false, drain: false });
            }
            ResolvedAction::Service { node, service, what } => self.act_on_service(node, service, what)?,
            ResolvedAction::Degrade { node, quality } => self.degrade(node, quality),
            ResolvedAction::Link { node, to, state, ways } => {
                self.set_link(node, to, state == LinkState::Whole, ways);
                if (to, state) == (LinkEnd::Clients, LinkState::Whole) {
                    self.degrade(node, LinkQuality::default());
                }
            }
            ResolvedAction::FailResource { resource } => self.fail_resource(resource)?,
            ResolvedAction::DeadlockResource { resource } => self.deadlock(resource)?,
            ResolvedAction::ReplaceMasterCertificate { node, with } => {
                self.change_trust(node, |trust| {
                    trust.binding = Some(with);
                    trust.private_key = true;
                    if let Err(place) = trust.root.binary_search(&with) {
                        trust.root.insert(place, with);
                    }
                });
            }
            ResolvedAction::ChangeNode { node, change } => self.change_node(node, change),
            ResolvedAction::SetCluster(property) => self.set_cluster(property),
            ResolvedAction::SetWorkers(setting) => self.set_workers(setting),
            ResolvedAction::StartExecutions(load) => {
                self.primary().ok_or(ApplyError::NoSsisdb)?;
                self.start_round(load, 0);
            }
        }
        self.try_waiting_calls();
        self.look_at_endpoint();
        Ok(())
    }

    /// New connections meet what is changed, old ones do not.
    pub(super) fn change_trust(&mut self, node: NodeId, change: impl FnOnce(&mut HostTrust)) {
        let host = &mut self.nodes[node.index()];
        change(&mut host.trust);
        host.class = self.trust.host(host.trust.clone());
        self.wire.command(WireCommand::Rebind { node });
    }

    fn change_node(&mut self, node: NodeId, change: NodeChange) {
        let topology = self.topology.clone();
        let own = &topology.nodes[node.index()];
        match change {
            NodeChange::HttpsBinding(present) => {
                self.change_trust(node, |trust| trust.binding = own.binding.filter(|_| present));
            }
            NodeChange::PrivateKey(present) => self.change_trust(node, |trust| trust.private_key = present),
            NodeChange::WorkerCertificates(present) => self.change_trust(node, |trust| {
                let of_worker = |one: &CertificateId| topology.workers.iter().any(|w| w.own == Some(*one));
                trust.root.retain(|one| !of_worker(one));
                trust.root.extend(own.root.iter().filter(|one| present && of_worker(one)));
                trust.root.sort_unstable();
            }),
            NodeChange::RootStore(clean) => self.change_trust(node, |trust| trust.root_is_clean = clean),
            NodeChange::MasterPort(open) => {
                self.nodes[node.index()].port_blocked = !open;
                self.tell_whether_heard(node);
            }
            NodeChange::MasterService(installed) => self.nodes[node.index()].master_missing = !installed,
            NodeChange::SqlLogin(accepted) => self.nodes[node.index()].login_refused = !accepted,
            NodeChange::PortNumber(port) => {
                let host = &mut self.nodes[node.index()];
                host.settings = Shared::new(MasterSettings { port, ..(*host.settings).clone() });
            }
        }
    }

    pub(super) fn owner_of(&self, role: RoleId) -> Result<NodeId, ApplyError> {
        let owner = (0..self.nodes.len()).map(|node| NodeId(node as u8)).find(|&node| {
            let host = &self.nodes[node.index()];
            host.is_member() && host.service.view().roles.of(role).owner == Some(node)
        });
        owner.ok_or(ApplyError::NoOwner(role))
    }

    fn move_role(&mut self, role: RoleId, to: NodeId) -> Result<(), ApplyError> {
        let owner = self.owner_of(role)?;
        let view = self.nodes[owner.index()].service.view();
        if !candidates(&self.topology.cluster, view, role).contains(to) {
            return Err(ApplyError::NotACandidate { role, node: to });
        }
        self.send_to_service(owner, ClusterEvent::MoveRequested { role, to });
        Ok(())
    }

    /// Refused where the role would have to leave the node (`ApiRemoveResourceNode` of MS-CMRP, documented).
    fn set_possible_owner(&mut self, role: RoleId, node: NodeId, may: bool) -> Result<(), ApplyError> {
        let owner = self.owner_of(role).ok();
        let runs = |resource: &ResourceId| {
            let state = self.nodes[node.index()].service.resource_state(*resource);
            !matches!(state, ResourceState::Offline | ResourceState::Failed)
        };
        if !may && owner == Some(node) && self.topology.cluster.roles[role.index()].resources.iter().any(runs)
        {
            return Err(ApplyError::Owns { role, node });
        }
        let mut members = (0..self.nodes.len()).map(|member| NodeId(member as u8));
        let asked = owner.or_else(|| members.find(|member| self.nodes[member.index()].is_member()));
        let asked = asked.ok_or(ApplyError::NoOwner(role))?;
        self.send_to_service(asked, ClusterEvent::OwnershipRequested { role, node, may });
        Ok(())
    }

    fn power_off(&mut self, node: NodeId) -> Result<(), ApplyError> {
        let host = &mut self.nodes[node.index()];
        if host.power == Power::Off {
            return Err(ApplyError::WrongPower { node, is: Power::Off });
        }
        let had_ssisdb = host.sql.answers();
        host.lose_power();
        // The service is gone with its machine: nothing that it would have done is done.
        let mut unseen = std::mem::take(&mut self.cluster_effects);
        crate::step::Machine::step(
            &mut host.service,
            self.now,
            ClusterEvent::Killed { rundown: Rundown::Abrupt },
            &mut self.choices,
            &mut unseen,
        );
        unseen.clear();
        self.cluster_effects = unseen;
        let host = &mut self.nodes[node.index()];
        host.master.machine = Master::new(host.settings.clone());
        self.show(Source::Host, Fact::Machine { node, power: Power::Off });
        self.show(Source::Run, Fact::Unwatched(Watch::Node(node)));
        self.fall_silent(node);
        self.heartbeats_stop(node);
        if had_ssisdb {
            self.packages_lose_sql_server();
        }
        Ok(())
    }

    /// A service that waits for quorum is started anew with other parameters; one that is a member is not.
    fn start_by_hand(
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

    /// The roles move away first (`DrainOnShutdown`, default 1), for `ShutdownTimeoutInMinutes` at most, default 20
    /// (both documented).
    fn shut_down(&mut self, node: NodeId, how: Shutdown) -> Result<(), ApplyError> {
        let host = &mut self.nodes[node.index()];
        if host.power != Power::On {
            return Err(ApplyError::WrongPower { node, is: host.power });
        }
        host.shutdown = how;
        if host.is_member() {
            self.queue.push(self.now + SHUTDOWN_TIMEOUT, Event::ShutdownEnds(node));
            self.send_to_service(node, ClusterEvent::StopRequested);
        } else {
            self.end_shutdown(node);
        }
        Ok(())
    }

    /// A machine that shuts down is off, or starts again.
    pub(crate) fn end_shutdown(&mut self, node: NodeId) {
        let how = self.nodes[node.index()].shutdown;
        if how != Shutdown::None {
            // It has power, so this cannot be refused.
            let _ = self.power_off(node);
        }
        if how == Shutdown::Restart {
            self.start_machine(node);
        }
    }

    /// A share that the cluster has seen fail is tried again only so often (WitnessRestartInterval, documented).
    fn set_witness(&mut self, works: bool) {
        let noticed = self.witness_failed + WITNESS_POLL;
        let is_share = self.topology.cluster.witness == Some(Witness::FileShare);
        if works && !self.witness_works {
            let is_tried_later = is_share && self.now >= noticed;
            self.witness_from =
                if is_tried_later { self.now.next_beat(noticed, WITNESS_RESTART_INTERVAL) } else { self.now };
        } else if self.witness_works {
            self.witness_failed = self.now;
        }
        self.witness_works = works;
        let seen = self.witness_from.max(self.now + WITNESS_POLL);
        self.queue.push(seen, Event::WitnessPolled);
    }

    fn set_surroundings(&mut self, part: Part<NodeId>, works: bool) {
        match part {
            Part::Witness => self.set_witness(works),
            Part::Dns => self.set_dns(works),
            Part::DnsUpdates if works => {
                let forgets = self.forgets_registrations();
                self.dns.accept_updates(forgets);
            }
            Part::DnsUpdates => self.dns.refuse_updates(),
            Part::Directory => self.directory_works = works,
            Part::Announcements => {
                self.addresses.ignore_announcements(!works);
                for index in 0..self.topology.addresses.len() {
                    self.tell_where(AddressId(index as u16));
                }
            }
            Part::ServiceStart { node, service } => {
                let disabled = &mut self.nodes[node.index()].disabled;
                match service {
                    Service::Master => disabled.master = !works,
                    Service::SqlServer => disabled.sql_server = !works,
                }
            }
            Part::Adapter(node) => {
                self.nodes[node.index()].has_adapter = works;
                self.set_link(node, LinkEnd::Clients, works, Ways::Both);
                for index in 0..self.topology.addresses.len() {
                    self.poll_will_find(node, ResourceKind::IpAddress(AddressId(index as u16)));
                }
            }
            Part::Address(resource) => {
                if let ResourceKind::IpAddress(address) =
                    self.topology.cluster.resources[resource.index()].kind
                {
                    self.duplicates[address.index()] = !works;
                }
            }
        }
    }

    fn set_dns(&mut self, works: bool) {
        if works {
            let forgets = self.forgets_registrations();
            return self.dns.restore(forgets);
        }
        self.dns.fail();
        // Whoever's master has a connection to SSISDB has asked for its name; when, is inferred: just now.
        for host in &mut self.nodes {
            let server = host.master.machine.settings().sql_server;
            if let Target::Name(name) = self.topology.hosts[server.index()]
                && host.is_on()
                && host.master.is_running
            {
                host.knows_names_until = self.now + self.topology.network_names[name.index()].ttl;
            }
        }
    }

    /// Whether a name that could not register tries again only when it comes online.
    fn forgets_registrations(&mut self) -> bool {
        self.dns.has_missed() && self.choices.assume(Assumption::DnsRegistration) == REGISTERS_AT_NEXT_ONLINE
    }

    fn need_member(&self, node: NodeId) -> Result<(), ApplyError> {
        if self.nodes[node.index()].is_member() { Ok(()) } else { Err(ApplyError::NoService(node)) }
    }

    /// What a paused node owns may go offline, but not come online (PauseClusterNode, documented).
    fn need_unpaused(&self, owner: NodeId, online: bool) -> Result<(), ApplyError> {
        let is_paused = self.nodes[owner.index()].service.view().paused.contains(owner);
        if online && is_paused { Err(ApplyError::Paused(owner)) } else { Ok(()) }
    }

    /// A cluster service that quorum rests on is not stopped by an administrator (Stop-ClusterNode, documented).
    fn need_quorum_without(&self, node: NodeId) -> Result<(), ApplyError> {
        let view = self.nodes[node.index()].service.view();
        let rest = self.others_heard(node);
        let votes = view.votes.and(rest).len() + usize::from(view.witness_vote && self.witness_works);
        let assigned = view.votes.len() + usize::from(view.witness_vote);
        let is_enough = !rest.is_empty() && votes * 2 > assigned;
        if is_enough || self.heir_of(node).is_some() { Ok(()) } else { Err(ApplyError::QuorumNeedsIt(node)) }
    }

    fn freeze(&mut self, node: NodeId) -> Result<(), ApplyError> {
        let host = &mut self.nodes[node.index()];
        if host.power != Power::On {
            return Err(ApplyError::WrongPower { node, is: host.power });
        }
        host.power = Power::Frozen;
        host.frozen_at = self.now;
        self.show(Source::Host, Fact::Machine { node, power: Power::Frozen });
        self.show(Source::Run, Fact::Unwatched(Watch::Node(node)));
        self.fall_silent(node);
        self.heartbeats_stop(node);
        Ok(())
    }

    /// The machine goes on with what it was about to do; its disk is gone if somebody preempted the reservation, and
    /// with its next heartbeats it learns whether the others went on without it.
    fn thaw(&mut self, node: NodeId) -> Result<(), ApplyError> {
        let host = &mut self.nodes[node.index()];
        if host.power != Power::Frozen {
            return Err(ApplyError::WrongPower { node, is: host.power });
        }
        host.power = Power::On;
        let frozen_at = host.frozen_at;
        let stalled = std::mem::take(&mut host.stalled);
        let never_missed = Duration::ZERO;
        self.show(Source::Run, Fact::Watching { what: Watch::Node(node), every: never_missed });
        self.show(Source::Host, Fact::Machine { node, power: Power::On });
        self.tell_whether_heard(node);
        if !has(Defect::ThawKeepsDisk) {
            self.lose_reservation(node);
        }
        self.hold_addresses_again(node);
        for event in stalled {
            if matches!(event, Event::CallEnded { .. }) && has(Defect::ThawForgetsCalls) {
                continue;
            }
            // An armed deadline is known by its moment, which has passed.
            if matches!(event, Event::ServiceDue(_)) {
                self.nodes[node.index()].armed = self.now;
            } else if matches!(event, Event::MasterDue(_)) {
                self.nodes[node.index()].master.armed = self.now;
            }
            if matches!(event, Event::ServiceStarts(_)) {
                self.nodes[node.index()].starts_at = self.now;
            } else if matches!(event, Event::JoinEnds(_)) {
                self.nodes[node.index()].joins_at = self.now;
            }
            self.queue.push(self.now, event);
        }
        self.queue.push(self.now + self.properties.same_subnet_delay, Event::LooksAround(node));
        if self.nodes[node.index()].is_member() {
            self.listen_again(node, frozen_at);
        }
        Ok(())
    }

    /// Whoever asks for an address that the machine has not given up may hear it first.
    fn hold_addresses_again(&mut self, node: NodeId) {
        for index in 0..self.topology.addresses.len() {
            let address = AddressId(index as u16);
            let is_moved = self.addresses.holder(address) != Some(node);
            if is_moved
                && self.addresses.holders(address).contains(&node)
                && self.choices.assume(Assumption::ThawedAddress) == THAWED_ANSWERS
            {
                self.addresses.assign(address, node);
                self.tell_where(address);
            }
        }
    }

    fn act_on_service(
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

    fn degrade(&mut self, node: NodeId, quality: LinkQuality) {
        self.links.set_quality(node, quality);
        self.wire.command(WireCommand::Degrade { node, quality });
    }

    fn set_link(&mut self, node: NodeId, to: LinkEnd<NodeId>, open: bool, ways: Ways) {
        let out = matches!(ways, Ways::Both | Ways::Out);
        let inward = matches!(ways, Ways::Both | Ways::In);
        let others = (0..self.nodes.len()).map(|other| NodeId(other as u8)).filter(|&other| other != node);
        let others: Vec<NodeId> = match to {
            LinkEnd::Node(other) => vec![other],
            LinkEnd::OtherNodes => others.collect(),
            LinkEnd::Clients => {
                if self.links.serves_clients(node) != open {
                    self.links.set(node, Peer::Clients, open);
                    self.tell_whether_heard(node);
                }
                return;
            }
            LinkEnd::Witness => return self.links.set(node, Peer::Witness, open),
            LinkEnd::Disk => {
                self.links.set(node, Peer::Disk, open);
                return self.lose_reservation(node);
            }
        };
        for &other in &others {
            if out {
                self.links.set(node, Peer::Node(other), open);
            }
            if inward {
                self.links.set(other, Peer::Node(node), open);
            }
        }
        if open {
            for looking in others.into_iter().chain([node]) {
                let moment = self.now + self.properties.same_subnet_delay;
                self.queue.push(moment, Event::LooksAround(looking));
            }
        } else {
            self.heartbeats_stop(node);
            for other in others {
                self.heartbeats_stop(other);
            }
        }
    }

    fn online_on(&self, resource: ResourceId) -> Result<NodeId, ApplyError> {
        let found = (0..self.nodes.len()).map(|node| NodeId(node as u8)).find(|&node| {
            let host = &self.nodes[node.index()];
            host.is_member() && host.service.resource_state(resource) == ResourceState::Online
        });
        found.ok_or(ApplyError::NotOnline(resource))
    }

    fn fail_resource(&mut self, resource: ResourceId) -> Result<(), ApplyError> {
        let node = self.online_on(resource)?;
        self.send_to_service(node, ClusterEvent::ResourceFailed(resource));
        Ok(())
    }

    /// The next poll of the resource does not come back.
    fn deadlock(&mut self, resource: ResourceId) -> Result<(), ApplyError> {
        let node = self.online_on(resource)?;
        let policy = self.topology.cluster.resources[resource.index()].policy;
        let poll = self.next_poll(node, resource);
        self.queue.push(poll + policy.deadlock_timeout, Event::MonitorKilled { node, resource });
        Ok(())
    }

    fn kill_cluster_service(&mut self, node: NodeId) -> Result<(), ApplyError> {
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

    /// Takes effect at once, without a restart (hadr-cluster-best-practices, documented).
    fn set_cluster(&mut self, property: ClusterProperty) {
        match property {
            ClusterProperty::SameSubnetThreshold(value) => {
                self.properties.same_subnet_threshold = Some(value);
            }
            ClusterProperty::CrossSubnetThreshold(value) => {
                self.properties.cross_subnet_threshold = Some(value);
            }
            ClusterProperty::SameSubnetDelay(value) => self.properties.same_subnet_delay = value,
            ClusterProperty::CrossSubnetDelay(value) => self.properties.cross_subnet_delay = value,
            ClusterProperty::QuarantineThreshold(value) => self.properties.quarantine_threshold = value,
            ClusterProperty::QuarantineDuration(value) => self.properties.quarantine_duration = Some(value),
            ClusterProperty::ResiliencyLevel(value) => self.properties.resiliency_level = Some(value),
            ClusterProperty::ResiliencyDefaultPeriod(value) => {
                self.properties.resiliency_default_period = value;
            }
        }
    }

    /// The node that answers for SSISDB, if one does.
    pub(super) fn primary(&self) -> Option<NodeId> {
        let primary = self.nodes.iter().position(|host| host.is_on() && host.sql.answers());
        primary.map(|index| NodeId(index as u8))
    }

    /// Whoever starts executions in rounds begins each one at its time; while SSISDB cannot take it in, it is tried again.
    pub(crate) fn start_round(&mut self, load: LoadId, round: u32) {
        let plan = self.loads[load.index()];
        if round != LATE && round + 1 < plan.rounds {
            self.queue.push(self.now + plan.every, Event::LoadRound { load, round: round + 1 });
        }
        if !self.ssisdb_commits() {
            return self.queue.push(self.now + TRIED_AGAIN, Event::LoadRound { load, round: LATE });
        }
        let named: u32 = match plan.workers {
            LoadWorkers::Any => 1,
            LoadWorkers::EachNamed => self.workers.len() as u32,
        };
        for worker in 0..named {
            let worker = match plan.workers {
                LoadWorkers::Any => None,
                LoadWorkers::EachNamed => Some(WorkerId(worker)),
            };
            for _ in 0..plan.count {
                self.ssisdb.start_execution(
                    self.now,
                    load,
                    worker,
                    plan.duration,
                    plan.retry_count,
                    &mut self.changes,
                );
                self.show_changes();
            }
        }
    }
}

/// A round that is tried again; the one after it has been set up already.
const LATE: u32 = u32::MAX;

/// Time after which a round of executions is tried again that SSISDB could not take in. Assumed: it is the client's own.
const TRIED_AGAIN: Duration = Duration::from_secs(5);

/// `ShutdownTimeoutInMinutes`, default (documented).
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(20 * 60);
/// How long it takes until the cluster sees that its witness failed or, with a disk or a blob, works again: the poll of a
/// resource, 5 s by default. Inferred.
const WITNESS_POLL: Duration = Duration::from_secs(5);
/// `WitnessRestartInterval`, default (documented): how often a file share that failed is tried.
const WITNESS_RESTART_INTERVAL: Duration = Duration::from_secs(15 * 60);
