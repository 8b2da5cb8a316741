//! Does the server ask to renegotiate?
//!
//! rustls refuses that by itself and tells nobody. But the kind of each record stands before it in the clear: in TLS 1.2
//! the server's Finished is the only record of the handshake after its ChangeCipherSpec, and another one can only be a
//! HelloRequest (RFC 5246, 7.4.1.1).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// A socket that looks at the heads of the records that come in.
#[derive(Debug)]
pub(super) struct Records {
    socket: TcpStream,
    heads: Heads,
    asked: Arc<Notify>,
}

impl Records {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self { socket, heads: Heads::default(), asked: Arc::new(Notify::new()) }
    }

    /// Told when the server has asked to renegotiate.
    pub(super) fn asked(&self) -> Arc<Notify> {
        self.asked.clone()
    }
}

/// Finds the heads of records among bytes that come in any portions.
#[derive(Debug, Default)]
struct Heads {
    head: [u8; HEAD],
    /// How many bytes of the head are there.
    filled: usize,
    /// How many bytes of the record are still to come.
    rest: usize,
    /// How many records of the handshake came after the first ChangeCipherSpec; `None` before it.
    after_change: Option<u32>,
}

impl Heads {
    /// Takes in what came; says whether there is a HelloRequest in it.
    fn look(&mut self, mut bytes: &[u8]) -> bool {
        let mut asked = false;
        while let Some(&byte) = bytes.first() {
            if self.rest > 0 {
                let skipped = self.rest.min(bytes.len());
                self.rest -= skipped;
                bytes = &bytes[skipped..];
                continue;
            }
            self.head[self.filled] = byte;
            self.filled += 1;
            bytes = &bytes[1..];
            if self.filled == HEAD {
                self.filled = 0;
                asked |= self.record();
            }
        }
        asked
    }

    fn record(&mut self) -> bool {
        let [kind, _, _, high, low] = self.head;
        self.rest = usize::from(u16::from_be_bytes([high, low]));
        match (kind, &mut self.after_change) {
            (CHANGE_CIPHER_SPEC, after @ None) => *after = Some(0),
            (HANDSHAKE, Some(count)) => *count += 1,
            _ => return false,
        }
        kind == HANDSHAKE && self.after_change > Some(1)
    }
}

impl AsyncRead for Records {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(context, buffer))?;
        if self.heads.look(&buffer.filled()[before..]) {
            self.asked.notify_one();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Records {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

/// Kind, version and length of a record (RFC 5246, 6.2.1).
const HEAD: usize = 5;
const CHANGE_CIPHER_SPEC: u8 = 20;
const HANDSHAKE: u8 = 22;

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, length: u8) -> Vec<u8> {
        let mut record = vec![kind, 3, 3, 0, length];
        // Bytes that look like heads of records.
        record.extend((0..length).map(|place| [HANDSHAKE, 3, 3, 0, 0][usize::from(place % 5)]));
        record
    }

    #[track_caller]
    fn check(kinds: &[(u8, u8)], asked: bool) {
        let bytes: Vec<u8> = kinds.iter().flat_map(|&(kind, length)| record(kind, length)).collect();
        for portion in 1..=bytes.len() {
            let mut heads = Heads::default();
            let found = bytes.chunks(portion).fold(false, |found, bytes| found | heads.look(bytes));
            assert_eq!(found, asked, "in portions of {portion}");
        }
    }

    #[test]
    fn a_second_record_of_the_handshake_after_the_change_is_a_hello_request() {
        let (hello, change, finished, data) = ((22, 80), (20, 1), (22, 40), (23, 30));
        check(&[hello, hello, change, finished], false);
        check(&[hello, hello, change, finished, data, (21, 2), data], false);
        check(&[hello, change, finished, finished], true);
        check(&[hello, change, finished, data, (22, 28)], true);
        // TLS 1.3 with a second ServerHello: everything after it looks like data.
        check(&[hello, change, hello, data, data, data], false);
    }
}
