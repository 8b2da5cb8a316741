//! How do a worker's requests reach a master, and what does the worker see when they do not?

mod connect;
mod link;
mod outside;
mod request;
mod worker;

use crate::mark::Mark;
use crate::names::{CertificateId, NodeId, WorkerId};
use crate::net::{AddressSet, Destination, Resolver};
use crate::observe::{Loss, WorkerState};
use crate::planted::{Defect, has};
use crate::scaleout::{Request, Response, Worker, WorkerEvent};
use crate::time::Time;
use crate::topology::{Target, WorkerMachine};
use crate::trust::{ClientClass, ClientTrust, Handshake, HostClass, Trust};

use super::look::SocketState;
use super::program::Program;
use super::wire::WireCommand;
use super::{Event, World};

/// A worker's machine.
#[derive(Clone, Debug)]
pub(super) struct WorkerHost {
    pub(super) machine: Worker,
    pub(super) client: ClientClass,
    pub(super) connection: Connection,
    pub(super) resolver: Resolver,
    pub(super) started: bool,
    /// The deadline that is waited for.
    armed: Time,
    /// A later one that was waited for before, and is in the queue all the same.
    overtaken: Time,
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
pub(super) struct Connection {
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
    pub(super) fn new(id: WorkerId, machine: &WorkerMachine, trust: &mut Trust) -> Self {
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
    pub(super) fn become_client(&mut self, class: ClientClass) {
        self.client = class;
        self.remembered = None;
    }

    /// Whether the other side has answered, and the handshake has not ended.
    fn shakes_hands(&self) -> bool {
        self.connection.stage == Stage::ShakingHands
    }

    pub(super) const fn socket_state(&self) -> Option<SocketState> {
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
    /// Closes a worker's connection from its own side; whom it had reached stays known for its log.
    pub(super) fn drop_connection(&mut self, id: WorkerId) {
        self.mark_what_is_cut_off(id);
        let connection = &mut self.workers[id.index()].connection;
        let number = connection.number;
        let (node, presented) = (connection.node, connection.presented);
        *connection = Connection { node, presented, ..Connection::closed(number + 1) };
        self.wire.command(WireCommand::Drop { worker: id, connection: number });
    }

    pub(super) fn connection_lost(&mut self, id: WorkerId, number: u32, loss: Loss) {
        if self.is_current(id, number) {
            self.mark_what_is_cut_off(id);
            self.workers[id.index()].connection.stage = Stage::Closed;
            self.step_worker(id, WorkerEvent::Lost(loss));
        }
    }

    /// Every connection to this run of a node's master ends like this, as far as word of it gets out.
    pub(super) fn break_connections(&mut self, node: NodeId, run: u32, loss: Loss) {
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

    fn is_current(&self, id: WorkerId, number: u32) -> bool {
        self.workers[id.index()].connection.number == number
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

    fn destination(&self, connection: &Connection) -> Destination {
        if let Some(node) = connection.node
            && has(Defect::AddressResolvedOnce)
        {
            return Destination::Node(node);
        }
        connection.to.map_or(Destination::UnknownHost, |to| self.addresses.reached_by(to))
    }

    /// Whether packets from outside the cluster reach a node that can answer them.
    pub(super) fn hears_clients(&self, node: NodeId) -> bool {
        self.nodes[node.index()].is_on() && self.links.serves_clients(node)
    }

    /// Whether packets to the master's port reach a node that can answer them. What a firewall blocks it drops.
    pub(super) fn lets_in(&self, node: NodeId) -> bool {
        self.hears_clients(node) && !self.nodes[node.index()].port_blocked
    }
}
