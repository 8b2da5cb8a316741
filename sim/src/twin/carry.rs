//! How is each command of the world carried out on real sockets?

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::mpsc::unbounded_channel;

use crate::assumption::{Assumption, UNREACHABLE};
use crate::names::{AddressId, CertificateId, HostId, NodeId, WorkerId};
use crate::net::Destination;
use crate::observe::Loss;
use crate::topology::Target;
use crate::world::WireCommand;

use super::TwinError;
use super::client::{Attempt, Report, work};
use super::door::{Door, DoorId, State};
use super::driver::{Client, Driver, Happening};
use super::server::{Attendance, Fate, Reply, attend};
use super::tls::{self, Verdict, WorkersVerdict};

impl Driver {
    /// Carries out what the world wants done, in order.
    pub(crate) fn carry_out(&mut self) -> Result<(), TwinError> {
        let mut commands = std::mem::take(&mut self.commands);
        self.world.take_commands(&mut commands);
        let done = commands.drain(..).try_for_each(|command| self.carry_out_one(command));
        self.commands = commands;
        done
    }

    fn carry_out_one(&mut self, command: WireCommand) -> Result<(), TwinError> {
        match command {
            WireCommand::Connect { worker, connection, host, to } => {
                self.connect(worker, connection, host, to)?;
            }
            WireCommand::Send { worker, connection, request } => {
                let client = self.clients[worker.index()].as_ref();
                if let Some(client) = client.filter(|client| client.connection == connection) {
                    // A connection that is over says so itself.
                    let _ = client.requests.send(request);
                }
            }
            WireCommand::Drop { worker, connection } => {
                self.clients[worker.index()].take_if(|client| client.connection == connection);
            }
            WireCommand::Respond { node, to, response } => {
                let reply = self.waiting.get_mut(&(node, to)).and_then(|waiting| waiting.pop_front());
                if let Some(reply) = reply {
                    // A client that is gone needs no answer.
                    let _ = reply.send(Reply::Said(response));
                }
            }
            WireCommand::StartProgram { worker } => self.start_program(worker)?,
            WireCommand::EndProgram { worker, kill } => self.end_program(worker, kill),
            WireCommand::StartMaster { node } => self.start_master(node),
            WireCommand::Listen { node } => {
                self.nodes[node.index()].listens = true;
                self.open_and_close_doors()?;
            }
            WireCommand::Close { node, loss } => self.close(node, loss)?,
            WireCommand::MoveAddress { address, leads_to } => self.move_address(address, leads_to)?,
            WireCommand::Silence { node } => self.silence(node)?,
            WireCommand::Degrade { node, quality } => self.nodes[node.index()].way.become_quality(quality),
            WireCommand::Wake { node } => {
                self.nodes[node.index()].is_on = true;
                // It knows nothing of connections from before.
                self.lines.iter().filter(|line| line.node == node).for_each(|line| line.meet(Fate::Disowned));
                self.open_and_close_doors()?;
            }
            WireCommand::Rebind { node } => self.rebind(node)?,
        }
        Ok(())
    }

    fn connect(
        &mut self,
        worker: WorkerId,
        connection: u32,
        host: HostId,
        to: Option<Target>,
    ) -> Result<(), TwinError> {
        self.carried_out.attempts += 1;
        let port = self.world.worker_settings(worker).endpoint_port;
        let is_absent = matches!(
            to,
            Some(Target::Cluster(address)) if self.holders[address.index()] == Destination::Nobody
        );
        let door = self.doors.iter().find(|door| Some(door.target) == to && door.port == port);
        let door = door.map(|door| (door.id, door.address));
        let (requests, receiver) = unbounded_channel();
        let told_at_once = is_absent && self.world.assume(Assumption::AbsentAddress) == UNREACHABLE;
        let task = match door.filter(|_| !told_at_once) {
            Some((_, address)) => {
                let trust = self.world.client_trust(worker).clone();
                let own = trust.own.filter(|_| trust.key_readable);
                let own = own.map(|own| self.certificates.get(own).certified.clone());
                let verdict = Verdict::default();
                let verifier = WorkersVerdict {
                    provider: self.provider.clone(),
                    topology: self.topology.clone(),
                    certificates: self.certificates.clone(),
                    trust,
                    name: host,
                    secs: self.world.now().as_micros() / 1_000_000,
                    verdict: verdict.clone(),
                };
                let tls = tls::client(&self.onlooker, Arc::new(verifier), own.as_ref());
                tokio::spawn(work(Attempt {
                    worker,
                    connection,
                    address,
                    host: self.host_text(host),
                    tls,
                    verdict,
                    pace: self.clock.pace(),
                    tells_all: self.world.keeps_attempts(),
                    requests: receiver,
                    happenings: self.sender.clone(),
                }))
            }
            None => {
                let happenings = self.sender.clone();
                let report = Report::NotAccepted;
                tokio::spawn(async move {
                    let _ = happenings.send(Happening::Reported { worker, connection, report });
                })
            }
        };
        let door = door.map(|(id, _)| id);
        self.clients[worker.index()] = Some(Client { connection, door, requests, task: task.abort_handle() });
        Ok(())
    }

    pub(crate) fn host_text(&self, host: HostId) -> String {
        self.hosts.get(host.index()).cloned().unwrap_or_default()
    }

    /// A connection has come in at a door; it belongs to the node that is behind it.
    pub(crate) fn accept(&mut self, door: DoorId, socket: TcpStream, peer: SocketAddr) {
        match self.doors[door.0].state() {
            State::Open(node) => self.serve(node, door, socket, peer, Fate::Served),
            // The door has changed since: as if the connection had come a moment later.
            State::Silent => {
                if let Some(node) = self.holder(self.doors[door.0].target) {
                    self.serve(node, door, socket, peer, Fate::Silenced);
                }
            }
            State::Refusing => super::line::reset_on_drop(&socket),
        }
    }

    fn serve(&mut self, node: NodeId, door: DoorId, socket: TcpStream, peer: SocketAddr, fate: Fate) {
        let (line, fate) = self.lines.add(node, door, peer, fate);
        tokio::spawn(attend(
            socket,
            Attendance {
                line,
                tls: self.nodes[node.index()].binding.clone(),
                certificates: self.certificates.clone(),
                fate,
                happenings: self.sender.clone(),
                patience: self.options.patience,
                pace: self.clock.pace(),
                way: self.nodes[node.index()].way.clone(),
            },
        ));
    }

    fn close(&mut self, node: NodeId, loss: Loss) -> Result<(), TwinError> {
        self.nodes[node.index()].listens = false;
        let fate = match loss {
            Loss::Closed => Fate::Closed,
            Loss::Reset | Loss::TimedOut | Loss::Unserved => Fate::Reset,
        };
        self.lines.iter().filter(|line| line.node == node).for_each(|line| line.meet(fate));
        self.forget_requests(node);
        self.open_and_close_doors()
    }

    fn silence(&mut self, node: NodeId) -> Result<(), TwinError> {
        self.nodes[node.index()].is_on = false;
        self.nodes[node.index()].listens = false;
        self.lines.iter().filter(|line| line.node == node).for_each(|line| line.meet(Fate::Silenced));
        self.forget_requests(node);
        self.open_and_close_doors()
    }

    fn move_address(&mut self, address: AddressId, leads_to: Destination) -> Result<(), TwinError> {
        self.holders[address.index()] = leads_to;
        let holder = leads_to.node();
        let target = Target::Cluster(address);
        for line in self.lines.iter().filter(|line| self.doors[line.door.0].target == target) {
            match holder {
                // Its packets go nowhere.
                None => line.meet(Fate::Silenced),
                Some(node) if node != line.node => line.meet(Fate::Disowned),
                // The address is back where the connection was: what was lost in between is not repaired.
                Some(_) if *line.fate.borrow() == Fate::Silenced => line.meet(Fate::Disowned),
                Some(_) => {}
            }
        }
        self.open_and_close_doors()
    }

    fn rebind(&mut self, node: NodeId) -> Result<(), TwinError> {
        let trust = self.world.host_trust(node);
        self.bind(node, trust.binding.filter(|_| trust.private_key))
    }

    /// Makes the HTTP.SYS binding of a node.
    pub(crate) fn bind(&mut self, node: NodeId, bound: Option<CertificateId>) -> Result<(), TwinError> {
        self.nodes[node.index()].binding = match bound {
            Some(bound) => {
                let config =
                    tls::http_sys(&self.provider, &self.certificates.get(bound).certified, self.options);
                let name = || format!("certificate {}", bound.0);
                Some(config.map_err(|source| TwinError::Tls { name: name(), source })?)
            }
            None => None,
        };
        Ok(())
    }

    fn holder(&self, target: Target) -> Option<NodeId> {
        match target {
            Target::Cluster(address) => self.holders[address.index()].node(),
            Target::Node(node) => Some(node),
            Target::Name(_) | Target::Nobody => None,
        }
    }

    /// The machine behind a door, if one is there to answer.
    pub(crate) fn reached_by(&self, door: DoorId) -> Option<NodeId> {
        self.holder(self.doors[door.0].target).filter(|node| self.nodes[node.index()].is_on)
    }

    /// Somebody speaks of this port: there are doors for it from here on.
    pub(crate) fn know_port(&mut self, port: u16) -> Result<(), TwinError> {
        if self.doors.iter().any(|door| door.port == port) {
            return Ok(());
        }
        let targets: Vec<Target> = {
            let first = self.doors.first().map(|door| door.port);
            self.doors.iter().filter(|door| Some(door.port) == first).map(|door| door.target).collect()
        };
        let number = self.doors.len() / targets.len().max(1);
        let mut fresh = Vec::with_capacity(targets.len());
        for target in targets {
            let id = DoorId(self.doors.len() + fresh.len());
            let address =
                self.network.place(target, (number, port)).ok_or(TwinError::TooManyPorts(number + 1))?;
            let door = Door::new(id, target, port, address);
            door.is_free()?;
            fresh.push(door);
        }
        self.doors.append(&mut fresh);
        self.open_and_close_doors()
    }

    /// Makes every door what it should be by what is behind it.
    pub(crate) fn open_and_close_doors(&mut self) -> Result<(), TwinError> {
        for index in 0..self.doors.len() {
            let (target, spoken_of) = (self.doors[index].target, self.doors[index].port);
            let holder = self.holder(target);
            let is_astray = matches!(
                target,
                Target::Cluster(address) if self.holders[address.index()] == Destination::Astray
            );
            let state = match holder {
                None if is_astray => State::Silent,
                None if self.world.assume(Assumption::AbsentAddress) == UNREACHABLE => State::Refusing,
                None => State::Silent,
                Some(node) if !self.nodes[node.index()].is_on => State::Silent,
                Some(node) => {
                    let port = self.world.master_port(node);
                    let serves = self.nodes[node.index()].listens && port == spoken_of;
                    if serves { State::Open(node) } else { State::Refusing }
                }
            };
            let unheard = self.doors[index].become_state(state, &self.sender)?;
            for socket in unheard {
                if let (Some(node), Ok(peer)) = (holder, socket.peer_addr()) {
                    self.serve(node, DoorId(index), socket, peer, Fate::Silenced);
                }
            }
        }
        Ok(())
    }
}
