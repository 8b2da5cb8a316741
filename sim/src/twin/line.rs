//! How did a connection end, as the socket itself says it?

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use crate::observe::Loss;

use super::clock::Pace;
use super::way::Way;

/// One end of a connection, that somebody else can take over without its peer noticing: dropping a line closes nothing
/// while the socket is held elsewhere.
#[derive(Debug)]
pub(crate) struct Line {
    socket: Arc<TcpStream>,
    end: Ending,
    /// What its packets go over, if that can be poor.
    way: Option<(Arc<Way>, Pace)>,
    /// The last packets that got through went this way.
    flight: Option<Flight>,
    /// What is held up now, of each flight.
    held_up: [Option<Pin<Box<Sleep>>>; 2],
}

/// Packets that go one way, without any in between that go the other way: they are held up once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flight {
    In,
    Out,
}

/// How a line ended, once it has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending(Arc<OnceLock<Loss>>);

impl Ending {
    /// The first thing that the socket said about its end.
    pub(crate) fn loss(&self) -> Option<Loss> {
        self.0.get().copied()
    }

    fn note(&self, loss: Loss) {
        // What comes after the first sign of the end is its consequence.
        let _ = self.0.set(loss);
    }

    fn note_error(&self, error: &io::Error) {
        // A broken pipe: the peer closed first, and then refused what came after.
        let loss = if error.kind() == io::ErrorKind::BrokenPipe {
            Loss::Closed
        } else if error.kind() == io::ErrorKind::TimedOut {
            Loss::TimedOut
        } else {
            Loss::Reset
        };
        self.note(loss);
    }
}

impl Line {
    pub(crate) fn new(socket: Arc<TcpStream>) -> Self {
        Self { socket, end: Ending::default(), way: None, flight: None, held_up: [None, None] }
    }

    /// A line whose packets, both ways, get through as this way lets them.
    pub(crate) fn over(socket: Arc<TcpStream>, way: Arc<Way>, pace: Pace) -> Self {
        Self { way: Some((way, pace)), ..Self::new(socket) }
    }

    /// Waits until a flight has got through.
    fn poll_through(&mut self, cx: &mut Context<'_>, flight: Flight) -> Poll<()> {
        let Some((way, pace)) = &self.way else { return Poll::Ready(()) };
        let held_up = &mut self.held_up[flight as usize];
        if held_up.is_none() {
            if self.flight == Some(flight) || !way.is_poor() {
                return Poll::Ready(());
            }
            if flight == Flight::In {
                // Nothing is on its way before it was sent. What goes wrong is met again by the attempt to read.
                let _ = ready!(self.socket.poll_peek(cx, &mut ReadBuf::new(&mut [0])));
            }
            *held_up = Some(Box::pin(sleep(pace.real(way.next_delay()))));
        }
        if let Some(sleep) = held_up {
            ready!(sleep.as_mut().poll(cx));
        }
        *held_up = None;
        self.flight = Some(flight);
        Poll::Ready(())
    }

    pub(crate) fn ending(&self) -> Ending {
        self.end.clone()
    }
}

/// Makes a socket end with RST when it is dropped.
pub(crate) fn reset_on_drop(socket: &TcpStream) {
    // A socket that is gone already needs no RST.
    let _ = SockRef::from(socket).set_linger(Some(std::time::Duration::ZERO));
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_through(cx, Flight::In));
        loop {
            ready!(self.socket.poll_read_ready(cx))?;
            match self.socket.try_read(buf.initialize_unfilled()) {
                Ok(count) => {
                    if count == 0 {
                        self.end.note(Loss::Closed);
                    }
                    buf.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    self.end.note_error(&error);
                    return Poll::Ready(Err(error));
                }
            }
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_through(cx, Flight::Out));
        loop {
            ready!(self.socket.poll_write_ready(cx))?;
            match self.socket.try_write(buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    self.end.note_error(&error);
                    return Poll::Ready(Err(error));
                }
                Ok(count) => return Poll::Ready(Ok(count)),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match SockRef::from(&*self.socket).shutdown(std::net::Shutdown::Write) {
            Err(error) if error.kind() != io::ErrorKind::NotConnected => Poll::Ready(Err(error)),
            Ok(()) | Err(_) => Poll::Ready(Ok(())),
        }
    }
}
