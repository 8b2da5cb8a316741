//! Does what is no request, from thousands of connections, disturb anybody?
//!
//! What a fuzzer would send: requests and handshakes with bytes changed, left out and repeated, and bytes that never
//! were one, as plain bytes on the socket and inside TLS. Made from a seed, the same each time.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use rustls::ClientConnection;

use super::tests::{Run, quick, worker_states};
use super::tests_foreign::{HEARTBEAT, beside, open};
use super::*;
use crate::world::fixture::NODE1;

/// How many connections with junk on the socket itself, and how many with junk inside TLS.
const PLAIN: u64 = 9_504;
const INSIDE: u64 = 504;
/// How many clients at once: fewer than a process may have files.
const CLIENTS: u64 = 8;

/// Numbers that look random (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// A text with something wrong in it, or something that is none.
    fn spoil(&mut self, text: &[u8]) -> Vec<u8> {
        let mut junk = text.to_vec();
        match self.below(5) {
            0 => (0..=self.below(4)).for_each(|_| {
                let place = self.below(junk.len());
                junk[place] ^= 1 << self.below(8);
            }),
            1 => junk.truncate(self.below(text.len())),
            2 => {
                let (from, to) = (self.below(text.len()), self.below(text.len()));
                junk.splice(from..from, text[to..].iter().copied());
            }
            3 => drop(junk.drain(self.below(text.len() / 2)..text.len() / 2 + 1)),
            _ => junk = (0..self.below(600)).map(|_| self.next() as u8).collect(),
        }
        junk
    }
}

fn request() -> Vec<u8> {
    let length = HEARTBEAT.len();
    format!(
        "POST /ClusterManagement/ HTTP/1.1\r\nhost: sqlfci\r\ncontent-length: {length}\r\n\r\n{HEARTBEAT}"
    )
    .into()
}

fn client_hello() -> Vec<u8> {
    let name = "sqlfci".try_into().expect("a name");
    let mut client = ClientConnection::new(onlooker(None).expect("a client"), name).expect("a client");
    let mut hello = Vec::new();
    client.write_tls(&mut hello).expect("memory can be written to");
    hello
}

/// What comes back until the other side has nothing more to say; how that ends is of no interest.
fn rest(mut socket: impl Read) -> Vec<u8> {
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest);
    rest
}

fn plain(endpoint: SocketAddr, junk: &[u8]) -> io::Result<()> {
    let mut socket = TcpStream::connect(endpoint)?;
    socket.set_read_timeout(Some(Duration::from_secs(30)))?;
    // A server that has seen enough may be gone already.
    let _ = socket.write_all(junk);
    let _ = socket.shutdown(Shutdown::Write);
    rest(socket);
    Ok(())
}

#[test]
fn ten_thousand_connections_with_junk_disturb_no_worker() {
    let mut run = Run::start_with(&quick(4, |_| {}), TwinOptions::with_factor(5));
    run.until_served_by(NODE1);
    let (endpoint, store) = (run.twin.endpoint(), run.twin.folder().join("w1/LocalMachine/My"));
    let before = run.history.len();
    let answered = beside(&mut run, || {
        let (hello, request) = (client_hello(), request());
        let (hello, request, store) = (&hello, &request, &store);
        std::thread::scope(|scope| {
            let clients = (0..CLIENTS).map(|client| {
                scope.spawn(move || {
                    let mut dice = Dice(client);
                    let mut answered = 0;
                    for number in 0..PLAIN / CLIENTS {
                        let text = if number % 4 == 0 { request } else { hello };
                        plain(endpoint, &dice.spoil(text)).expect("the node still accepts connections");
                    }
                    for _ in 0..INSIDE / CLIENTS {
                        let mut stream =
                            open(endpoint, Some(store)).expect("the node still accepts connections");
                        let _ = stream.write_all(&dice.spoil(request));
                        stream.conn.send_close_notify();
                        let _ = stream.flush();
                        let _ = stream.sock.shutdown(Shutdown::Write);
                        answered += usize::from(rest(stream).starts_with(b"HTTP/1.1 "));
                    }
                    answered
                })
            });
            let clients: Vec<_> = clients.collect();
            clients.into_iter().map(|client| client.join().expect("a client ends")).sum::<usize>()
        })
    });
    // Junk that HTTP can make out as such is told so.
    assert!(answered > 0);
    assert_eq!(worker_states(&run.history[before..]).collect::<Vec<_>>(), []);
    // And the master answers whoever makes sense, as before.
    run.apply(Action::MoveRole { role: ROLE, to: NODE2 });
    run.until_served_by(NODE2);
}
