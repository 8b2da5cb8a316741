//! How do a worker's requests reach a master, and what does the worker see when they do not?

use crate::action::LinkQuality;
use crate::assumption::{Assumption, UNREACHABLE};
use crate::choices::{ChoiceKey, Purpose};
use crate::mark::Mark;
use crate::names::{CertificateId, NodeId, WorkerId};
use crate::net::{AddressSet, Destination, REFUSAL, Resolver, SEGMENT_AGAIN, SYN_AGAIN};
use crate::observe::{ErrorFamily, Fact, Loss, Source, WorkerState};
use crate::planted::{Defect, has};
use crate::scaleout::{Request, Response, Worker, WorkerEffect, WorkerEvent};
use crate::step::Machine;
use crate::time::{Time, micros};
use crate::topology::{Target, WorkerMachine};
use crate::trust::{ClientClass, ClientTrust, Handshake, HostClass, Trust};

use super::attempts::Attempted;
use super::look::SocketState;
use super::program::Program;
use super::wire::{WireCommand, WireEvent};
use super::{Event, World};

/// A worker's machine.
#[derive(Clone, Debug)]
pub(crate) struct WorkerHost {
    pub(crate) machine: Worker,
    pub(crate) client: ClientClass,
    pub(crate) connection: Connection,
    pub(crate) resolver: Resolver,
    pub(crate) started: bool,
    /// The deadline that is waited for.
    pub(crate) armed: Time,
    /// A later one that was waited for before, and is in the queue all the same.
    pub(crate) overtaken: Time,
    shown: WorkerState,
    messages: u32,
    /// Counts the packets that a poor link might have lost.
    at_risk: u32,
    /// What has taken the place of its service.
    pub(super) program: Option<Box<Program>>,
    /// The last handshake that was judged, and until when the same question has the same answer.
    remembered: Option<(HostClass, Handshake, Time)>,
}

/// A worker's one connection, or its attempt to have one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connection {
    /// Counts attempts: what belongs to an earlier one is void.
    pub(super) number: u32,
    stage: Stage,
    /// Where its packets are sent; `None` if the name did not resolve.
    to: Option<Target>,
    /// Addresses of the name that were not tried yet.
    left: AddressSet,
    node: Option<NodeId>,
    /// Which run of the master's process on that node.
    run: u32,
    presented: Option<CertificateId>,
    admitted: bool,
    request: Option<Request>,
    response: Option<Response>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Closed,
    /// So many SYNs have gone out.
    Connecting(u8),
    ShakingHands,
    Open,
}

/// Where a segment of an open connection ends up.
enum Path {
    Delivered,
    Reset,
    Silent,
}

impl WorkerHost {
    pub(crate) fn new(id: WorkerId, machine: &WorkerMachine, trust: &mut Trust) -> Self {
        let client = trust.client(ClientTrust {
            root: machine.root.clone(),
            pin: machine.pin,
            own: machine.own,
            key_readable: machine.key_readable,
        });
        Self {
            machine: Worker::new(id, machine.settings.clone()),
            client,
            connection: Connection::closed(0),
            resolver: Resolver::default(),
            started: false,
            armed: Time::NEVER,
            overtaken: Time::NEVER,
            shown: WorkerState::Starting,
            messages: 0,
            at_risk: 0,
            program: None,
            remembered: None,
        }
    }

    /// It holds other things that decide about trust.
    pub(crate) fn become_client(&mut self, class: ClientClass) {
        self.client = class;
        self.remembered = None;
    }

    /// Whether the other side has answered, and the handshake has not ended.
    pub(crate) fn shakes_hands(&self) -> bool {
        self.connection.stage == Stage::ShakingHands
    }

    pub(crate) const fn socket_state(&self) -> Option<SocketState> {
        match self.connection.stage {
            Stage::Closed => None,
            Stage::Connecting(_) => Some(SocketState::SynSent),
            Stage::ShakingHands | Stage::Open => Some(SocketState::Established),
        }
    }
}

impl Connection {
    const fn closed(number: u32) -> Self {
        Self {
            number,
            stage: Stage::Closed,
            to: None,
            left: AddressSet::EMPTY,
            node: None,
            run: 0,
            presented: None,
            admitted: false,
            request: None,
            response: None,
        }
    }
}

impl World {
    pub(crate) fn step_worker(&mut self, id: WorkerId, event: WorkerEvent) {
        // What an effect makes the same worker do at once comes behind its own effects.
        let first = self.worker_effects.len();
        let host = &mut self.workers[id.index()];
        host.machine.step(self.now, event, &mut self.choices, &mut self.worker_effects);
        let mut next = first;
        while next < self.worker_effects.len() {
            self.carry_out_worker(id, next);
            next += 1;
        }
        self.worker_effects.truncate(first);
        self.arm_worker(id);
    }

    fn arm_worker(&mut self, id: WorkerId) {
        let now = self.now;
        let host = &mut self.workers[id.index()];
        // What should have happened already happens now.
        if let Some(next) = host.machine.next_deadline().map(|next| next.max(now))
            && next < host.armed
        {
            if next == host.overtaken {
                host.overtaken = Time::NEVER;
            } else {
                if host.armed != Time::NEVER {
                    host.overtaken = host.armed;
                }
                self.queue.push(next, Event::WorkerDue(id));
            }
            host.armed = next;
        }
    }

    /// Carries out the effect in this place. What a worker does at each request is done here; what it does seldom lies in
    /// functions of their own.
    fn carry_out_worker(&mut self, id: WorkerId, place: usize) {
        match self.worker_effects[place] {
            WorkerEffect::Send(request) => self.send(id, request),
            WorkerEffect::Connect => self.connect(id),
            WorkerEffect::Drop => self.drop_connection(id),
            WorkerEffect::LogConnected => self.log_connected(id),
            WorkerEffect::LogLost(loss) => self.show_worker(id, WorkerState::Disconnected(loss)),
            WorkerEffect::LogRefused(error) => {
                let connection = &self.workers[id.index()].connection;
                let (by, presented) = (connection.node, connection.presented);
                self.show_worker(id, WorkerState::Refused { error, by, presented });
            }
            WorkerEffect::StartPackage(task) => {
                self.show(Source::Worker(id), Fact::Package { task, worker: id, runs: true });
            }
            WorkerEffect::EndPackage(task) => {
                self.package_ended(id, task);
            }
            WorkerEffect::LogReportRefused { task, number } => {
                self.show(Source::Worker(id), Fact::ReportRefused { task, worker: id, number });
            }
        }
    }

    #[inline(never)]
    fn log_connected(&mut self, id: WorkerId) {
        self.counters.connects += 1;
        let host = &self.workers[id.index()];
        let connection = &host.connection;
        if let (Some(served_by), Some(presented)) = (connection.node, connection.presented) {
            let through = host.machine.settings().endpoint_host;
            self.show_worker(id, WorkerState::Connected { through, served_by, presented });
        }
    }

    /// Closes a worker's connection from its own side; whom it had reached stays known for its log.
    pub(crate) fn drop_connection(&mut self, id: WorkerId) {
        self.mark_what_is_cut_off(id);
        let connection = &mut self.workers[id.index()].connection;
        let number = connection.number;
        let (node, presented) = (connection.node, connection.presented);
        *connection = Connection { node, presented, ..Connection::closed(number + 1) };
        self.wire.command(WireCommand::Drop { worker: id, connection: number });
    }

    /// Notes what a worker was in the middle of when its connection ends.
    fn mark_what_is_cut_off(&mut self, id: WorkerId) {
        let connection = &self.workers[id.index()].connection;
        if connection.stage == Stage::ShakingHands {
            self.marks.insert(Mark::HandshakeCutOff);
        }
        if matches!(connection.request, Some(Request::ReportTask(report)) if !report.finished) {
            self.marks.insert(Mark::RenewalCutOff);
        }
    }

    #[inline(never)]
    pub(crate) fn show_worker(&mut self, id: WorkerId, state: WorkerState) {
        let host = &mut self.workers[id.index()];
        if host.shown != state {
            host.shown = state;
            self.show(Source::Worker(id), Fact::Worker { worker: id, state });
        }
    }

    /// Microseconds that the next message to or from a worker takes.
    #[inline(always)]
    fn link_delay(&mut self, id: WorkerId) -> u64 {
        let host = &mut self.workers[id.index()];
        host.messages = host.messages.wrapping_add(1);
        let key = ChoiceKey { purpose: Purpose::LinkDelay, subject: id.0, ordinal: host.messages };
        let (least, most) = self.link_micros;
        let delay = self.choices.between(key, least, most);
        if self.links.any_is_poor() { delay + micros(self.quality(id).delay) } else { delay }
    }

    /// How good the way is that a worker's packets take now.
    fn quality(&self, id: WorkerId) -> LinkQuality {
        self.destination(&self.workers[id.index()].connection)
            .node()
            .map_or_else(LinkQuality::default, |node| self.links.quality(node))
    }

    /// Whether the next packet to or from a worker is lost on a poor link.
    #[inline]
    fn is_lost(&mut self, id: WorkerId) -> bool {
        self.links.any_is_poor() && self.loses_packet(id)
    }

    #[cold]
    fn loses_packet(&mut self, id: WorkerId) -> bool {
        let LinkQuality { loss, .. } = self.quality(id);
        loss > 0 && {
            let host = &mut self.workers[id.index()];
            host.at_risk = host.at_risk.wrapping_add(1);
            let key = ChoiceKey { purpose: Purpose::PacketLoss, subject: id.0, ordinal: host.at_risk };
            self.choices.between(key, 0, 99) < u64::from(loss)
        }
    }

    /// How many microseconds later a packet arrives because TCP has to send it again; `None` if it gives up. What becomes of
    /// the link in the meantime changes nothing.
    #[inline]
    fn sent_again(&mut self, id: WorkerId) -> Option<u64> {
        if self.links.any_is_poor() { self.sent_until_it_arrives(id) } else { Some(0) }
    }

    #[cold]
    fn sent_until_it_arrives(&mut self, id: WorkerId) -> Option<u64> {
        let mut late = 0;
        for again in SEGMENT_AGAIN {
            if !self.is_lost(id) {
                return Some(late);
            }
            late = micros(again);
        }
        None
    }

    /// Resolves the host of the endpoint and tries what comes of it, one address after the other.
    #[inline(never)]
    fn connect(&mut self, id: WorkerId) {
        let now = self.now;
        self.attempt(id, |attempt| *attempt = Attempted { began: now, ..Attempted::default() });
        let host = &mut self.workers[id.index()];
        let endpoint = host.machine.settings().endpoint_host;
        match self.topology.hosts[endpoint.index()] {
            Target::Name(name) => {
                let ttl = self.topology.network_names[name.index()].ttl;
                let found = host.resolver.resolve(self.now, &self.dns, name, ttl).unwrap_or_default();
                if found.len() > 1 {
                    self.step_worker(id, WorkerEvent::Resolved { addresses: found.len() as u8 });
                }
                self.try_next(id, found);
            }
            target @ (Target::Cluster(_) | Target::Node(_)) => {
                self.try_one(id, Some(target), AddressSet::EMPTY)
            }
            Target::Nobody => self.try_one(id, None, AddressSet::EMPTY),
        }
    }

    /// Tries one of these addresses of the endpoint's name. Which one comes first is up to the DNS server and the
    /// resolver (inferred): chance decides.
    fn try_next(&mut self, id: WorkerId, mut left: AddressSet) {
        let host = &self.workers[id.index()];
        let endpoint = host.machine.settings().endpoint_host;
        let Target::Name(name) = self.topology.hosts[endpoint.index()] else { return };
        let number = if left.len() > 1 {
            let ordinal = host.connection.number;
            let key = ChoiceKey { purpose: Purpose::AddressOrder, subject: id.0, ordinal };
            self.choices.between(key, 0, left.len() as u64 - 1) as usize
        } else {
            0
        };
        let addresses = &self.topology.network_names[name.index()].addresses;
        let to = left.take(number).map(|place| Target::Cluster(addresses[place]));
        self.try_one(id, to, left);
    }

    #[inline(never)]
    fn try_one(&mut self, id: WorkerId, to: Option<Target>, left: AddressSet) {
        let now = self.now;
        self.attempt(id, |attempt| {
            attempt.resolved = attempt.resolved.or(to.map(|_| now));
            attempt.connected = None;
        });
        let host = &mut self.workers[id.index()];
        let connection = &mut host.connection;
        let node = connection.node.filter(|_| has(Defect::AddressResolvedOnce));
        let number = connection.number + 1;
        let stage = Stage::Connecting(1);
        *connection = Connection { stage, to, left, node, ..Connection::closed(number) };
        let (timeout, host) =
            (host.machine.settings().connect_timeout, host.machine.settings().endpoint_host);
        if !left.is_empty() {
            let event = Event::AddressGivenUp { worker: id, connection: number };
            self.queue.push(self.now + timeout, event);
        }
        if !self.wire.command(WireCommand::Connect { worker: id, connection: number, host, to }) {
            let delay = self.link_delay(id);
            self.queue.push(self.now.later(delay), Event::SynArrived { worker: id, connection: number });
        }
    }

    pub(crate) fn address_given_up(&mut self, id: WorkerId, number: u32) {
        let connection = &self.workers[id.index()].connection;
        if self.is_current(id, number) && matches!(connection.stage, Stage::Connecting(_)) {
            let left = connection.left;
            self.wire.command(WireCommand::Drop { worker: id, connection: number });
            self.try_next(id, left);
        }
    }

    fn is_current(&self, id: WorkerId, number: u32) -> bool {
        self.workers[id.index()].connection.number == number
    }

    fn destination(&self, connection: &Connection) -> Destination {
        if let Some(node) = connection.node
            && has(Defect::AddressResolvedOnce)
        {
            return Destination::Node(node);
        }
        connection.to.map_or(Destination::UnknownHost, |to| self.addresses.reached_by(to))
    }

    pub(crate) fn syn_arrived(&mut self, id: WorkerId, number: u32) {
        let connection = &self.workers[id.index()].connection;
        if connection.number != number {
            return;
        }
        match self.destination(connection) {
            Destination::UnknownHost => self.connect_failed(id, number, ErrorFamily::EndpointNotFound),
            Destination::Node(node) if self.lets_in(node) && !self.is_lost(id) => {
                self.syn_reached(id, number, node)
            }
            Destination::Nobody if self.choices.assume(Assumption::AbsentAddress) == UNREACHABLE => {
                self.connect_failed(id, number, ErrorFamily::EndpointNotFound);
            }
            Destination::Nobody | Destination::Astray | Destination::Node(_) => {
                let connection = &mut self.workers[id.index()].connection;
                let Stage::Connecting(sent) = connection.stage else { return };
                connection.stage = Stage::Connecting(sent + 1);
                let before = sent.checked_sub(2).map_or_else(Default::default, |n| SYN_AGAIN[usize::from(n)]);
                if let Some(&again) = SYN_AGAIN.get(usize::from(sent) - 1) {
                    let event = Event::SynArrived { worker: id, connection: number };
                    self.queue.push(self.now + (again - before), event);
                }
            }
        }
    }

    fn syn_reached(&mut self, id: WorkerId, number: u32, node: NodeId) {
        let port = self.workers[id.index()].machine.settings().endpoint_port;
        let host = &self.nodes[node.index()];
        let (open, run, class) = (host.listens_on(port), host.master_run(), host.class);
        let delay = self.link_delay(id);
        let connection = &mut self.workers[id.index()].connection;
        connection.node = Some(node);
        if open {
            connection.stage = Stage::ShakingHands;
            connection.run = run;
            let accepted = self.now.later(delay);
            self.attempt(id, |attempt| attempt.connected = Some(accepted));
            // The answer to the SYN, then one round trip of the handshake.
            let again: Option<u64> = (0..3).map(|_| self.sent_again(id)).sum();
            if let Some(again) = again {
                let event = Event::HandshakeEnded { worker: id, connection: number };
                self.queue.push(self.now.later(delay * 3 + again), event);
            }
            self.judge(id, class);
        } else {
            let error = ErrorFamily::EndpointNotFound;
            let event = Event::ConnectFailed { worker: id, connection: number, error };
            self.queue.push(self.now.later(delay) + REFUSAL, event);
        }
    }

    /// The connections of all running packages to SSISDB are gone. That they notice at once is inferred.
    pub(crate) fn packages_lose_sql_server(&mut self) {
        for index in 0..self.workers.len() {
            if !self.workers[index].machine.tasks().is_empty() {
                self.step_worker(WorkerId(index as u32), WorkerEvent::SqlServerStopped);
            }
        }
    }

    /// Puts the verdict on this worker and this kind of node where the end of the handshake finds it.
    fn judge(&mut self, id: WorkerId, class: HostClass) {
        let host = &mut self.workers[id.index()];
        let fresh = host.remembered.is_some_and(|(known, handshake, until)| {
            let is_kept = matches!(handshake, Handshake::Broken { .. }) && has(Defect::RefusalOutlivesChange);
            (known == class || is_kept) && self.now < until
        });
        if !fresh {
            let name = host.machine.settings().endpoint_host;
            let (handshake, until) = self.trust.handshake(self.now, host.client, class, name);
            host.remembered = Some((class, handshake, until));
        }
        let asked = if has(Defect::CertificateCheckedOnOneNode) { self.nodes[0].class } else { class };
        host.connection.admitted = self.trust.admits(host.client, asked);
    }

    pub(crate) fn handshake_ended(&mut self, id: WorkerId, number: u32) {
        let connection = &self.workers[id.index()].connection;
        if connection.number != number {
            return;
        }
        match self.path(connection) {
            Path::Silent => return,
            Path::Reset => {
                self.mark_what_is_cut_off(id);
                return self.connect_failed(id, number, ErrorFamily::EndpointNotFound);
            }
            Path::Delivered => {}
        }
        let host = &mut self.workers[id.index()];
        let Some((_, handshake, _)) = host.remembered else { return };
        match handshake {
            Handshake::Finished(certificate) => {
                host.connection.presented = Some(certificate);
                host.connection.stage = Stage::Open;
                let now = self.now;
                self.attempt(id, |attempt| attempt.handshaken = Some(now));
                self.step_worker(id, WorkerEvent::Connected);
            }
            Handshake::Broken { error, presented } => {
                host.connection.presented = presented;
                self.connect_failed(id, number, error);
            }
        }
    }

    pub(crate) fn connect_failed(&mut self, id: WorkerId, number: u32, error: ErrorFamily) {
        if !self.is_current(id, number) {
            return;
        }
        let connection = &mut self.workers[id.index()].connection;
        let left = std::mem::take(&mut connection.left);
        if error == ErrorFamily::EndpointNotFound && !left.is_empty() {
            return self.try_next(id, left);
        }
        connection.stage = Stage::Closed;
        self.step_worker(id, WorkerEvent::ConnectFailed(error));
    }

    fn send(&mut self, id: WorkerId, request: Request) {
        let connection = &mut self.workers[id.index()].connection;
        let number = connection.number;
        connection.request = Some(request);
        if !self.wire.command(WireCommand::Send { worker: id, connection: number, request }) {
            let delay = self.link_delay(id);
            self.queue.push(self.now.later(delay), Event::RequestArrived { worker: id, connection: number });
        }
    }

    /// Whether packets from outside the cluster reach a node that can answer them.
    pub(crate) fn hears_clients(&self, node: NodeId) -> bool {
        self.nodes[node.index()].is_on() && self.links.serves_clients(node)
    }

    /// Whether packets to the master's port reach a node that can answer them. What a firewall blocks it drops.
    pub(crate) fn lets_in(&self, node: NodeId) -> bool {
        self.hears_clients(node) && !self.nodes[node.index()].port_blocked
    }

    /// Tells whoever carries the wire that nobody reaches a node any more.
    pub(crate) fn fall_silent(&mut self, node: NodeId) {
        self.wire.command(WireCommand::Silence { node });
        self.programs_lose(node, Loss::TimedOut);
    }

    /// Tells whoever carries the wire whether a node can be reached.
    pub(crate) fn tell_whether_heard(&mut self, node: NodeId) {
        if !self.lets_in(node) {
            return self.fall_silent(node);
        }
        self.wire.command(WireCommand::Wake { node });
        if self.nodes[node.index()].listens() {
            self.wire.command(WireCommand::Listen { node });
        }
    }

    #[inline]
    fn path(&self, connection: &Connection) -> Path {
        let Destination::Node(node) = self.destination(connection) else { return Path::Silent };
        let host = &self.nodes[node.index()];
        if !self.lets_in(node) {
            Path::Silent
        } else if connection.node == Some(node) && host.master_run() == connection.run && host.listens() {
            Path::Delivered
        } else {
            Path::Reset
        }
    }

    /// A request, or its `attempt`th repetition by TCP, reaches whoever has the address.
    pub(crate) fn request_arrived(&mut self, id: WorkerId, number: u32, attempt: u8) {
        let connection = &self.workers[id.index()].connection;
        if connection.number != number {
            return;
        }
        match self.path(connection) {
            Path::Delivered if !self.is_lost(id) => self.request_delivered(id),
            Path::Reset => self.connection_lost(id, number, Loss::Reset),
            Path::Delivered | Path::Silent => {
                let attempt = usize::from(attempt);
                let before = attempt.checked_sub(1).map_or_else(Default::default, |n| SEGMENT_AGAIN[n]);
                match SEGMENT_AGAIN.get(attempt) {
                    Some(&again) => {
                        let attempt = attempt as u8 + 1;
                        let event = Event::SegmentAgain { worker: id, connection: number, attempt };
                        self.queue.push(self.now + (again - before), event);
                    }
                    None => self.connection_lost(id, number, Loss::TimedOut),
                }
            }
        }
    }

    fn request_delivered(&mut self, id: WorkerId) {
        let connection = &self.workers[id.index()].connection;
        let (Some(request), Some(node)) = (connection.request, connection.node) else { return };
        if self.nodes[node.index()].master.hangs {
            // Behind HTTP.SYS a hung service accepts and never answers.
        } else if connection.admitted {
            self.serve(node, id, request);
        } else {
            self.respond(node, id, Response::Forbidden);
        }
    }

    pub(crate) fn respond(&mut self, node: NodeId, to: WorkerId, response: Response) {
        if self.wire.command(WireCommand::Respond { node, to, response }) {
            return self.program_answered(to, node, response);
        }
        let delay = self.link_delay(to);
        let connection = &mut self.workers[to.index()].connection;
        connection.response = Some(response);
        let event = Event::ResponseArrived { worker: to, connection: connection.number };
        if let Some(again) = self.sent_again(to) {
            self.queue.push(self.now.later(delay + again), event);
        }
    }

    pub(crate) fn response_arrived(&mut self, id: WorkerId, number: u32) {
        let connection = &mut self.workers[id.index()].connection;
        if connection.number != number {
            return;
        }
        let (Some(request), Some(response)) = (connection.request.take(), connection.response.take()) else {
            return;
        };
        self.count_answer(request);
        self.step_worker(id, WorkerEvent::Answered(response));
    }

    fn count_answer(&mut self, request: Request) {
        self.counters.requests += 1;
        match request {
            Request::ReportTask(_) => self.counters.reports += 1,
            Request::AgentHeartbeat | Request::RequestTask => {}
        }
    }

    pub(crate) fn connection_lost(&mut self, id: WorkerId, number: u32, loss: Loss) {
        if self.is_current(id, number) {
            self.mark_what_is_cut_off(id);
            self.workers[id.index()].connection.stage = Stage::Closed;
            self.step_worker(id, WorkerEvent::Lost(loss));
        }
    }

    /// Every connection to this run of a node's master ends like this, as far as word of it gets out.
    pub(crate) fn break_connections(&mut self, node: NodeId, run: u32, loss: Loss) {
        if self.wire.command(WireCommand::Close { node, loss }) {
            return self.programs_lose(node, loss);
        }
        for index in 0..self.workers.len() {
            let connection = &self.workers[index].connection;
            let live = matches!(connection.stage, Stage::ShakingHands | Stage::Open);
            if live && connection.node == Some(node) && connection.run == run {
                let (worker, connection) = (WorkerId(index as u32), connection.number);
                let delay = self.link_delay(worker);
                self.queue.push(self.now.later(delay), Event::ConnectionLost { worker, connection, loss });
            }
        }
    }

    /// Takes in what came of a command to an outside wire, at `now`.
    pub fn wire_event(&mut self, now: Time, event: WireEvent) {
        self.now = self.now.max(now);
        match event {
            WireEvent::Connected { worker, connection, by, presented } => {
                if self.is_current(worker, connection) {
                    let open = &mut self.workers[worker.index()].connection;
                    open.stage = Stage::Open;
                    open.node = Some(by);
                    open.presented = Some(presented);
                    let now = self.now;
                    self.attempt(worker, |attempt| attempt.handshaken = Some(now));
                    self.step_worker(worker, WorkerEvent::Connected);
                }
            }
            WireEvent::Accepted { worker, connection } => {
                if self.is_current(worker, connection) {
                    let now = self.now;
                    self.attempt(worker, |attempt| attempt.connected = Some(now));
                }
            }
            WireEvent::ConnectFailed { worker, connection, error, by, presented } => {
                if self.is_current(worker, connection) {
                    let failed = &mut self.workers[worker.index()].connection;
                    failed.node = by;
                    failed.presented = presented;
                    self.connect_failed(worker, connection, error);
                }
            }
            WireEvent::Lost { worker, connection, loss } => self.connection_lost(worker, connection, loss),
            WireEvent::Answered { worker, connection, response } => {
                if self.is_current(worker, connection)
                    && let Some(request) = self.workers[worker.index()].connection.request.take()
                {
                    self.count_answer(request);
                    self.step_worker(worker, WorkerEvent::Answered(response));
                }
            }
            WireEvent::Forbidden { node, from, through } => {
                self.program_asks(from, node, through);
                self.program_answered(from, node, Response::Forbidden);
            }
            WireEvent::RequestArrived { node, from, request, through } => {
                self.program_asks(from, node, through);
                // Behind HTTP.SYS a hung service accepts and never answers.
                if !self.nodes[node.index()].master.hangs {
                    self.serve(node, from, request);
                }
            }
        }
    }
}
