//! How did a connection end, as the socket itself says it?

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::observe::Loss;

/// One end of a connection, that somebody else can take over without its peer noticing: dropping a line closes nothing
/// while the socket is held elsewhere.
#[derive(Debug)]
pub(crate) struct Line {
    socket: Arc<TcpStream>,
    end: Ending,
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
        Self { socket, end: Ending::default() }
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
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
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
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
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
