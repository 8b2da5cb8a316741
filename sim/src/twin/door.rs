//! What does a client meet that connects to one address and port?
//!
//! A node that serves, a refusal, or silence. Silence is a listening socket whose queue is full and stays full: the
//! kernel drops the SYN packets of everybody else, as if nobody were there.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::AbortHandle;

use crate::names::NodeId;
use crate::topology::Target;

use super::TwinError;
use super::driver::Happening;

/// Which door: its place among the doors of the twin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DoorId(pub(crate) usize);

/// An address and port that clients connect to.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) id: DoorId,
    /// Whose address it is: a node's own, or one that the cluster moves.
    pub(crate) target: Target,
    /// The port that settings speak of; that of the address, unless the machine has one loopback address alone.
    pub(crate) port: u16,
    pub(crate) address: SocketAddr,
    listener: Option<Arc<TcpListener>>,
    /// Connections of our own that fill the queue of a silent door.
    fillers: Vec<Socket>,
    accepting: Option<AbortHandle>,
    state: State,
}

/// What a client meets at a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Its connection is refused.
    Refusing,
    /// Nothing comes back.
    Silent,
    /// This node's master accepts it.
    Open(NodeId),
}

impl Door {
    pub(crate) const fn new(id: DoorId, target: Target, port: u16, address: SocketAddr) -> Self {
        Self {
            id,
            target,
            port,
            address,
            listener: None,
            fillers: Vec::new(),
            accepting: None,
            state: State::Refusing,
        }
    }

    /// Whether nobody else listens there.
    pub(crate) fn is_free(&self) -> Result<(), TwinError> {
        let address = self.address;
        let bound = Socket::new(Domain::for_address(address), Type::STREAM, None).and_then(|socket| {
            socket.set_reuse_address(true)?;
            socket.bind(&address.into())
        });
        bound.map_err(|source| TwinError::AddressTaken { address, source })
    }

    pub(crate) const fn state(&self) -> State {
        self.state
    }

    /// Makes the door what it should be. Connections that nobody had accepted when it fell silent are handed out.
    pub(crate) fn become_state(
        &mut self,
        state: State,
        happenings: &UnboundedSender<Happening>,
    ) -> Result<Vec<TcpStream>, TwinError> {
        if state == self.state {
            return Ok(Vec::new());
        }
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
        }
        let address = self.address;
        let failed = |doing| move |source| TwinError::Socket { doing, address, source };
        let unheard = match state {
            State::Refusing => {
                self.fillers.clear();
                if let Some(listener) = self.listener.take() {
                    // The task that accepts has it too, until the runtime gets round to ending that task.
                    // Windows says of every socket that listens that it is not connected; there the end of the task closes it.
                    match SockRef::from(&*listener).shutdown(Shutdown::Both) {
                        Err(error) if error.kind() != io::ErrorKind::NotConnected => {
                            return Err(failed("closing a socket")(error));
                        }
                        _ => {}
                    }
                }
                Vec::new()
            }
            State::Silent => self.fall_silent().map_err(failed("making a silent socket"))?,
            State::Open(_) => {
                self.open(happenings).map_err(failed("listening"))?;
                Vec::new()
            }
        };
        self.state = state;
        Ok(unheard)
    }

    fn open(&mut self, happenings: &UnboundedSender<Happening>) -> io::Result<()> {
        let ours =
            self.fillers.drain(..).filter_map(|filler| filler.local_addr().ok()?.as_socket()).collect();
        let listener = self.listen(BACKLOG)?;
        let task = tokio::spawn(accept(listener, self.id, ours, happenings.clone()));
        self.accepting = Some(task.abort_handle());
        Ok(())
    }

    fn fall_silent(&mut self) -> io::Result<Vec<TcpStream>> {
        let mut unheard = Vec::new();
        if let Some(listener) = &self.listener {
            while let Ok((socket, _)) = SockRef::from(&**listener).accept() {
                socket.set_nonblocking(true)?;
                unheard.push(TcpStream::from_std(socket.into())?);
            }
        }
        // Linux lets one connection more into the queue than the backlog says; the second filler is a spare.
        self.listen(0)?;
        for _ in 0..2 {
            let filler = Socket::new(Domain::for_address(self.address), Type::STREAM, None)?;
            filler.set_nonblocking(true)?;
            // The first is connected before the call comes back, the spare never: that it waits is no error.
            let _ = filler.connect(&self.address.into());
            self.fillers.push(filler);
        }
        Ok(unheard)
    }

    fn listen(&mut self, backlog: i32) -> io::Result<Arc<TcpListener>> {
        if let Some(listener) = &self.listener {
            SockRef::from(&**listener).listen(backlog)?;
            return Ok(listener.clone());
        }
        let socket = Socket::new(Domain::for_address(self.address), Type::STREAM, None)?;
        // Connections of an earlier listener may still be there. Other twins are kept out by the network's claim.
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&self.address.into())?;
        socket.listen(backlog)?;
        let listener = Arc::new(TcpListener::from_std(socket.into())?);
        self.listener = Some(listener.clone());
        Ok(listener)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
        }
    }
}

async fn accept(
    listener: Arc<TcpListener>,
    door: DoorId,
    ours: Vec<SocketAddr>,
    happenings: UnboundedSender<Happening>,
) {
    loop {
        match listener.accept().await {
            Ok((_, peer)) if ours.contains(&peer) => {}
            Ok((socket, peer)) => {
                if happenings.send(Happening::Accepted { door, socket, peer }).is_err() {
                    return;
                }
            }
            // Out of file descriptors, or the peer is gone again: others may have more luck in a moment.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// Every worker of a large topology may come at once.
const BACKLOG: i32 = 4_096;
