//! What does the twin do next?
//!
//! One task owns the world and everything that is known of the sockets. Connections are tasks of their own; they say
//! what happened to them through one channel, and the world hears of it in that order.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use hyper::StatusCode;
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, ServerConfig};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::{oneshot, watch};
use tokio::task::AbortHandle;
use tokio::time::sleep_until;

use crate::choices::Choices;
use crate::names::{CertificateId, HostId, NodeId, WorkerId};
use crate::net::Destination;
use crate::observe::{Answer, ErrorFamily, Fact, Loss, Sink, Source};
use crate::scaleout::{Request, Response};
use crate::sql::WORKER_UNKNOWN;
use crate::step::Shared;
use crate::time::Time;
use crate::topology::Topology;
use crate::trust::judge_client_certificate;
use crate::world::{Stop, WireCommand, WireEvent, World};

use super::TwinError;
use super::certificates::Certificates;
use super::client::Report;
use super::clock::Clock;
use super::door::{Door, DoorId};
use super::folder::Folder;
use super::network::Network;
use super::options::TwinOptions;
use super::probe::Met;
use super::program::Started;
use super::server::{Fate, Reply};
use super::way::Way;

/// A connection that a node has accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LineId(pub(crate) u64);

/// What a task has to say.
#[derive(Debug)]
pub(crate) enum Happening {
    /// A connection came in.
    Accepted { door: DoorId, socket: TcpStream, peer: SocketAddr },
    /// A request came in, or something that is none.
    Asked {
        line: LineId,
        certificate: Option<CertificateId>,
        /// The host that the request names.
        host: Option<String>,
        asked: Result<Request, StatusCode>,
        reply: oneshot::Sender<Reply>,
    },
    /// A program in a worker's place has ended by itself.
    ProgramEnded { worker: WorkerId, number: u64, how: String },
    /// A client has sent into the silence for as long as its TCP would have tried.
    GivenUp { line: LineId },
    /// A connection is over.
    LineEnded { line: LineId },
    /// A worker's client says something.
    Reported { worker: WorkerId, connection: u32, report: Report },
    /// Somebody wants control.
    Called,
    /// The probe begins to look.
    Looking,
    /// The probe has looked.
    Looked(DoorId, Met),
}

/// The world and its sockets.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) world: World,
    pub(crate) clock: Clock,
    pub(crate) topology: Shared<Topology>,
    pub(crate) hosts: Vec<String>,
    pub(crate) certificates: Arc<Certificates>,
    pub(crate) provider: Arc<CryptoProvider>,
    /// What every client starts from.
    pub(crate) onlooker: Arc<ClientConfig>,
    pub(crate) nodes: Vec<NodeSide>,
    /// Where each address that the cluster moves leads to.
    pub(crate) holders: Vec<Destination>,
    pub(crate) doors: Vec<Door>,
    /// The doors of the endpoint: one for each address of its name.
    pub(crate) endpoints: Vec<DoorId>,
    pub(crate) lines: Lines,
    pub(crate) clients: Vec<Option<Client>>,
    pub(crate) waiting: BTreeMap<(NodeId, WorkerId), VecDeque<oneshot::Sender<Reply>>>,
    /// What a master that hangs owes to clients that it does not know.
    pub(crate) owed: Vec<(NodeId, oneshot::Sender<Reply>)>,
    pub(crate) commands: Vec<WireCommand>,
    pub(crate) sender: UnboundedSender<Happening>,
    pub(crate) happenings: UnboundedReceiver<Happening>,
    /// What had happened when the sink wanted control.
    pub(crate) held: VecDeque<Happening>,
    pub(crate) looks: Looks,
    pub(crate) carried_out: CarriedOut,
    /// What somebody who edits files should know.
    pub(crate) notes: Notes,
    pub(crate) programs: BTreeMap<WorkerId, Started>,
    /// How the programs that have ended by themselves did so, until somebody starts them again.
    pub(crate) ended: BTreeMap<WorkerId, String>,
    /// Counts starts of programs.
    pub(crate) started: u64,
    pub(crate) options: TwinOptions,
    /// What went wrong outside of [`Driver::drive`].
    pub(crate) trouble: Option<TwinError>,
    pub(crate) folder: Folder,
    /// Keeps the addresses from every other twin.
    pub(crate) network: Network,
}

/// What a node's machine does on the network.
#[derive(Debug)]
pub(crate) struct NodeSide {
    pub(crate) is_on: bool,
    pub(crate) listens: bool,
    /// The HTTP.SYS binding, if it can be used.
    pub(crate) binding: Option<Arc<ServerConfig>>,
    /// How its packets and those of its clients get through.
    pub(crate) way: Arc<Way>,
}

/// A worker's connection or attempt.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) connection: u32,
    pub(crate) door: Option<DoorId>,
    pub(crate) requests: UnboundedSender<Request>,
    pub(crate) task: AbortHandle,
}

/// The connections that nodes have accepted.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    next: u64,
    live: BTreeMap<LineId, ServedLine>,
    by_peer: BTreeMap<(DoorId, SocketAddr), LineId>,
    /// Lines that are over, oldest first: their clients may still ask whom they had reached.
    ended: VecDeque<LineId>,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct ServedLine {
    pub(crate) node: NodeId,
    pub(crate) door: DoorId,
    pub(crate) peer: SocketAddr,
    pub(crate) fate: watch::Sender<Fate>,
    /// The worker at the other end, if it is one of ours.
    pub(crate) worker: Option<(WorkerId, u32)>,
}

/// What somebody who edits a twin's files should know.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    pub(crate) fn add(&self, note: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(note);
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a twin has done on sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CarriedOut {
    /// Connections that workers tried to open.
    pub attempts: u64,
    /// Handshakes that the twin's own probe has finished.
    pub looks: u64,
    /// Looks of the probe that found nobody.
    pub knocks: u64,
}

/// What the probe has seen so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Looks {
    shown: Option<Answer>,
    /// When the look under way began, and the one before it.
    began: Time,
    before: Time,
}

impl NodeSide {
    /// A machine that is not there yet.
    pub(crate) fn new(node: NodeId, choices: Choices) -> Self {
        Self { is_on: false, listens: false, binding: None, way: Arc::new(Way::new(node, choices)) }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Lines {
    /// Takes note of a connection.
    pub(crate) fn add(
        &mut self,
        node: NodeId,
        door: DoorId,
        peer: SocketAddr,
        fate: Fate,
    ) -> (LineId, watch::Receiver<Fate>) {
        let id = LineId(self.next);
        self.next += 1;
        let (sender, receiver) = watch::channel(fate);
        self.live.insert(id, ServedLine { node, door, peer, fate: sender, worker: None });
        self.by_peer.insert((door, peer), id);
        (id, receiver)
    }

    pub(crate) fn get_mut(&mut self, id: LineId) -> Option<&mut ServedLine> {
        self.live.get_mut(&id)
    }

    /// The connection that a client at `local` has through this door.
    pub(crate) fn of_client(&mut self, door: DoorId, local: SocketAddr) -> Option<&mut ServedLine> {
        self.live.get_mut(self.by_peer.get(&(door, local))?)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &ServedLine> {
        self.live.values()
    }

    fn end(&mut self, id: LineId) {
        self.ended.push_back(id);
        while self.ended.len() > REMEMBERED {
            let Some(oldest) = self.ended.pop_front() else { return };
            let Some(line) = self.live.remove(&oldest) else { continue };
            let key = (line.door, line.peer);
            if self.by_peer.get(&key) == Some(&oldest) {
                self.by_peer.remove(&key);
            }
        }
    }
}

impl ServedLine {
    /// Meets this fate, unless a harder one has come already.
    pub(crate) fn meet(&self, fate: Fate) {
        self.fate.send_if_modified(|current| {
            let goes = match (*current, fate) {
                (Fate::Served | Fate::Closed, _) => *current != fate,
                (Fate::Silenced, Fate::Disowned | Fate::Reset) | (Fate::Disowned, Fate::Reset) => true,
                (Fate::Silenced, Fate::Served | Fate::Closed | Fate::Silenced)
                | (Fate::Disowned, Fate::Served | Fate::Closed | Fate::Silenced | Fate::Disowned)
                | (Fate::Reset, _) => false,
            };
            if goes {
                *current = fate;
            }
            goes
        });
    }
}

impl Driver {
    /// Lets everything happen up to `until`, or until the sink wants control.
    pub(crate) async fn drive<S: Sink>(&mut self, until: Time, sink: &mut S) -> Result<Stop, TwinError> {
        if let Some(trouble) = self.trouble.take() {
            return Err(trouble);
        }
        loop {
            let now = self.clock.look().min(until).max(self.world.now());
            // One moment at a time: what is carried out belongs to it, and may decide what comes next.
            let moment = self.world.next_moment().map_or(now, |next| next.min(now));
            let stop = self.world.advance(moment, sink);
            self.carry_out()?;
            if stop == Stop::Yielded || moment >= until {
                return Ok(stop);
            }
            if moment < now {
                continue;
            }
            if let Some(happening) = self.held.pop_front() {
                if matches!(happening, Happening::Called) {
                    return Ok(Stop::Yielded);
                }
                self.take(happening)?;
                self.carry_out()?;
                continue;
            }
            let next = self.world.next_moment().map_or(until, |moment| moment.min(until));
            let wake = self.clock.wait_until(next);
            tokio::select! {
                biased;
                Some(happening) = self.happenings.recv() => self.held.push_back(happening),
                () = sleep_until(wake.into()) => {}
            }
        }
    }

    fn tell_world(&mut self, event: WireEvent) {
        self.world.wire_event(self.world.now(), event);
    }

    fn take(&mut self, happening: Happening) -> Result<(), TwinError> {
        match happening {
            Happening::Accepted { door, socket, peer } => self.accept(door, socket, peer),
            Happening::Asked { line, certificate, host, asked, reply } => {
                self.hear(line, certificate, host.as_deref(), (asked, reply));
            }
            Happening::ProgramEnded { worker, number, how } => self.program_ended(worker, number, &how),
            Happening::GivenUp { line } => self.give_up(line),
            Happening::LineEnded { line } => self.lines.end(line),
            Happening::Reported { worker, connection, report } => self.report(worker, connection, report),
            // Whoever drives the twin has control.
            Happening::Called => {}
            Happening::Looking => {
                self.looks.before = self.looks.began;
                self.looks.began = self.world.now();
            }
            Happening::Looked(door, met) => self.looked(door, met),
        }
        Ok(())
    }

    /// Decides on a request: HTTP.SYS first, then the master.
    fn hear(
        &mut self,
        line: LineId,
        certificate: Option<CertificateId>,
        host: Option<&str>,
        (asked, reply): (Result<Request, StatusCode>, oneshot::Sender<Reply>),
    ) {
        let Some(served) = self.lines.get_mut(line) else { return };
        let (node, door) = (served.node, served.door);
        if *served.fate.borrow() != Fate::Served {
            return;
        }
        let own = |own: CertificateId| self.topology.workers.iter().position(|w| w.own == Some(own));
        let known = certificate.and_then(own);
        let through = |driver: &Self, from: WorkerId| {
            // Nobody minds of a worker that is ours.
            let is_own = driver.topology.workers[from.index()].program.is_none();
            if is_own { driver.topology.endpoint } else { driver.asked_under(host, door) }
        };
        let said = if !judge_client_certificate(certificate, self.world.host_trust(node)) {
            if let Some(index) = known {
                let from = WorkerId(index as u32);
                let through = through(self, from);
                self.tell_world(WireEvent::Forbidden { node, from, through });
            }
            Reply::Said(Response::Forbidden)
        } else {
            match (asked, known) {
                // HTTP.SYS hands over whatever comes to the service's path; that the service answers it is inferred.
                (Err(_), _) | (Ok(_), None) if self.world.master_hangs(node) => {
                    self.owed.retain(|(_, reply)| !reply.is_closed());
                    return self.owed.push((node, reply));
                }
                (Err(status), _) => Reply::Rejected(status),
                (Ok(_), None) => Reply::Said(Response::Refused { number: WORKER_UNKNOWN }),
                (Ok(request), Some(index)) => {
                    let from = WorkerId(index as u32);
                    self.waiting.entry((node, from)).or_default().push_back(reply);
                    let through = through(self, from);
                    return self.tell_world(WireEvent::RequestArrived { node, from, request, through });
                }
            }
        };
        // A client that is gone needs no answer.
        let _ = reply.send(said);
    }

    /// The host name under which a request was sent: the one that it names, or else one that leads to the door.
    fn asked_under(&self, host: Option<&str>, door: DoorId) -> HostId {
        let target = self.doors[door.0].target;
        let led = |place: &HostId| self.topology.targets_of(*place).any(|led| led == target);
        let named = host.and_then(|host| self.host_named(host));
        let mut all = (0..self.hosts.len()).map(|place| HostId(place as u16));
        named.or_else(|| all.find(led)).unwrap_or(self.topology.endpoint)
    }

    /// Nobody answers any more on a node.
    pub(crate) fn forget_requests(&mut self, node: NodeId) {
        self.waiting.retain(|&(at, _), _| at != node);
        self.owed.retain(|&(at, _)| at != node);
    }

    fn give_up(&mut self, line: LineId) {
        let Some((worker, connection)) = self.lines.get_mut(line).and_then(|line| line.worker) else {
            return;
        };
        let client = &mut self.clients[worker.index()];
        if client.take_if(|client| client.connection == connection).is_some() {
            self.tell_world(WireEvent::Lost { worker, connection, loss: Loss::TimedOut });
        }
    }

    fn report(&mut self, worker: WorkerId, connection: u32, report: Report) {
        let client = self.clients[worker.index()].as_ref();
        let Some(client) = client.filter(|client| client.connection == connection) else { return };
        let door = client.door;
        let event = match report {
            Report::Accepted => WireEvent::Accepted { worker, connection },
            Report::Connected { local, presented } => {
                let Some(line) = door.and_then(|door| self.lines.of_client(door, local)) else { return };
                line.worker = Some((worker, connection));
                WireEvent::Connected { worker, connection, by: line.node, presented }
            }
            Report::NotAccepted => {
                let by = door.and_then(|door| self.reached_by(door));
                let error = ErrorFamily::EndpointNotFound;
                WireEvent::ConnectFailed { worker, connection, error, by, presented: None }
            }
            Report::Broken { local, error, presented } => {
                let line = door.and_then(|door| self.lines.of_client(door, local));
                let by = line.as_ref().map(|line| line.node);
                // A master that went away in the middle of the handshake, and no fault of its binding.
                let went = line.is_none_or(|line| *line.fate.borrow() != Fate::Served);
                let error = match error {
                    ErrorFamily::HttpRequest if went => ErrorFamily::EndpointNotFound,
                    ErrorFamily::HttpRequest
                    | ErrorFamily::EndpointNotFound
                    | ErrorFamily::TrustRelationship
                    | ErrorFamily::SecureChannel
                    | ErrorFamily::Forbidden => error,
                };
                WireEvent::ConnectFailed { worker, connection, error, by, presented }
            }
            Report::Answered(response) => WireEvent::Answered { worker, connection, response },
            Report::Lost(loss) => WireEvent::Lost { worker, connection, loss },
        };
        match report {
            Report::Accepted | Report::Connected { .. } | Report::Answered(_) => {}
            Report::NotAccepted | Report::Broken { .. } | Report::Lost(_) => {
                self.clients[worker.index()] = None;
            }
        }
        self.tell_world(event);
    }

    fn looked(&mut self, door: DoorId, met: Met) {
        match met {
            Met::Handshake { .. } => self.carried_out.looks += 1,
            Met::Silence | Met::Refusal | Met::NoHandshake { .. } => self.carried_out.knocks += 1,
        }
        let mut by = |local| self.lines.of_client(door, local).map(|line| line.node);
        let answer = match met {
            Met::Silence => Answer::Silent,
            Met::Refusal => Answer::Refused,
            Met::NoHandshake { local } => by(local).map_or(Answer::Refused, Answer::NoHandshake),
            Met::Handshake { local, certificate } => {
                by(local).map_or(Answer::Refused, |by| Answer::Served { by, certificate })
            }
        };
        if self.looks.shown != Some(answer) {
            self.looks.shown = Some(answer);
            let fact = Fact::Endpoint { host: self.topology.endpoint, answer };
            self.world.show_outside(Source::Probe, fact, self.looks.before);
        }
    }
}

/// So many connections that are over are remembered: more than can end between two words of one client.
const REMEMBERED: usize = 4_096;
