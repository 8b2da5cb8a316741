//! How does a worker get a connection?

use crate::assumption::{Assumption, UNREACHABLE};
use crate::choices::{ChoiceKey, Purpose};
use crate::names::{NodeId, WorkerId};
use crate::net::{AddressSet, Destination, REFUSAL, SYN_AGAIN};
use crate::observe::ErrorFamily;
use crate::planted::{Defect, has};
use crate::scaleout::WorkerEvent;
use crate::topology::Target;
use crate::trust::{Handshake, HostClass};

use super::super::attempts::Attempted;
use super::super::wire::WireCommand;
use super::super::{Event, World};
use super::{Connection, Path, Stage};

impl World {
    /// Resolves the host of the endpoint and tries what comes of it, one address after the other.
    #[inline(never)]
    pub(super) fn connect(&mut self, id: WorkerId) {
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

    pub(in crate::world) fn address_given_up(&mut self, id: WorkerId, number: u32) {
        let connection = &self.workers[id.index()].connection;
        if self.is_current(id, number) && matches!(connection.stage, Stage::Connecting(_)) {
            let left = connection.left;
            self.wire.command(WireCommand::Drop { worker: id, connection: number });
            self.try_next(id, left);
        }
    }

    pub(in crate::world) fn syn_arrived(&mut self, id: WorkerId, number: u32) {
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

    pub(in crate::world) fn handshake_ended(&mut self, id: WorkerId, number: u32) {
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

    pub(in crate::world) fn connect_failed(&mut self, id: WorkerId, number: u32, error: ErrorFamily) {
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
}
