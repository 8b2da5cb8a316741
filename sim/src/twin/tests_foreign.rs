//! What does a client meet that is not ours?
//!
//! Plain blocking sockets and rustls on a thread of their own, as curl or openssl would be.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::Instant;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::*;
use crate::action::{Action, LinkEnd, LinkQuality, LinkState, Ways};
use crate::world::fixture::{self, NODE1, NODE2};

pub(super) type Stream = StreamOwned<ClientConnection, TcpStream>;

/// A client with the certificate that lies in this store, or with none.
pub(super) fn open(address: SocketAddr, store: Option<&Path>) -> io::Result<Stream> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring has both versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(tls::AnyServer(provider())));
    let config = match store {
        Some(store) => {
            let certificate = CertificateDer::from_pem_file(store.join("w1.pem")).expect("a certificate");
            let key = PrivateKeyDer::from_pem_file(store.join("w1.key")).expect("a key");
            builder.with_client_auth_cert(vec![certificate], key).expect("a pair")
        }
        None => builder.with_no_client_auth(),
    };
    let name = "sqlfci".try_into().expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    let socket = TcpStream::connect_timeout(&address, Duration::from_secs(10))?;
    socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    Ok(StreamOwned::new(connection, socket))
}

fn ask(stream: &mut Stream, head: &str, body: &str) -> io::Result<String> {
    write!(stream, "{head} HTTP/1.1\r\nhost: sqlfci\r\ncontent-length: {}\r\n\r\n{body}", body.len())?;
    let mut answer = vec![0; 4_096];
    let count = stream.read(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer[..count]).into_owned())
}

const POST: &str = "POST /ClusterManagement/";
pub(super) const HEARTBEAT: &str = r#"{"verb":"agent_heartbeat"}"#;

/// Drives the twin while a client does its work elsewhere.
pub(super) fn beside<T: Send>(run: &mut tests::Run, client: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let client = scope.spawn(client);
        while !client.is_finished() {
            let next = run.twin.now() + Duration::from_secs(1);
            run.twin.advance(next, &mut run.history).expect("the twin runs");
        }
        client.join().expect("the client ends")
    })
}

fn serving() -> (tests::Run, SocketAddr, std::path::PathBuf) {
    let mut run = tests::Run::start(&tests::quick(1, |_| {}));
    run.until_served_by(NODE1);
    let (endpoint, store) = (run.twin.endpoint(), run.twin.folder().join("w1/LocalMachine/My"));
    (run, endpoint, store)
}

#[test]
fn a_slow_way_holds_up_every_flight_and_breaks_no_connection() {
    let (mut run, endpoint, store) = serving();
    let delay = Duration::from_secs(4);
    run.apply(Action::Degrade { node: NODE1, quality: LinkQuality { delay, loss: 0 } });
    let before = run.history.len();
    let look = || {
        let began = Instant::now();
        let answer = ask(&mut open(endpoint, Some(&store)).expect("a connection"), POST, HEARTBEAT);
        assert!(answer.expect("an answer").starts_with("HTTP/1.1 200"));
        began.elapsed()
    };
    // ClientHello, the server's part, the client's part with the request, the answer: at twenty times the clock.
    let held_up = 4 * delay / 20;
    let slow = beside(&mut run, look);
    assert!(slow >= held_up, "{slow:?}");
    // Long enough for a heartbeat of the worker over the same way.
    run.twin.advance(run.twin.now() + Duration::from_secs(70), &mut run.history).expect("the twin runs");
    assert_eq!(tests::worker_states(&run.history[before..]).collect::<Vec<_>>(), []);
    let ways = Ways::Both;
    run.apply(Action::Link { node: NODE1, to: LinkEnd::Clients, state: LinkState::Whole, ways });
    // A busy machine may be slow once.
    let fastest = beside(&mut run, || (0..5).map(|_| look()).min().expect("five looks"));
    assert!(fastest < held_up, "{fastest:?}");
}

#[test]
fn the_certificate_alone_decides_who_is_let_in() {
    let (mut run, endpoint, store) = serving();
    let (without, with) = beside(&mut run, || {
        let mut stranger = open(endpoint, None).expect("a connection");
        let mut worker = open(endpoint, Some(&store)).expect("a connection");
        (ask(&mut stranger, POST, HEARTBEAT), ask(&mut worker, POST, HEARTBEAT))
    });
    let (without, with) = (without.expect("an answer"), with.expect("an answer"));
    assert!(without.starts_with("HTTP/1.1 403"), "{without}");
    assert!(with.starts_with("HTTP/1.1 200"), "{with}");
    assert!(with.ends_with(r#"{"answer":"registered","enabled":true}"#), "{with}");
}

#[test]
fn what_is_no_request_is_refused_and_disturbs_nobody() {
    let (mut run, endpoint, store) = serving();
    let before = run.history.len();
    let huge = "x".repeat(message::BODY_MAX + 1);
    let cases = [
        (POST, "{", "400"),
        (POST, r#"{"verb":"shutdown"}"#, "400"),
        (
            POST,
            r#"{"verb":"report_task","task":7,"finished":true,"lease_micros":18446744073709551615}"#,
            "500",
        ),
        (POST, huge.as_str(), "413"),
        ("POST /elsewhere", HEARTBEAT, "404"),
        ("GET /ClusterManagement/", "", "405"),
        ("nonsense", "", "400"),
    ];
    beside(&mut run, || {
        for (head, body, status) in cases {
            let mut stream = open(endpoint, Some(&store)).expect("a connection");
            let answer = ask(&mut stream, head, body).expect("an answer");
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{head} {body:.40}: {answer}");
        }
        for junk in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\x16\x03\x01\xff\xff", b""] {
            let mut socket = TcpStream::connect(endpoint).expect("a connection");
            socket.write_all(junk).expect("bytes go out");
        }
    });
    assert_eq!(tests::worker_states(&run.history[before..]).count(), 0);
}

#[test]
fn power_off_is_silence_and_the_next_holder_of_the_address_resets() {
    let (mut run, endpoint, store) = serving();
    let mut stream = beside(&mut run, || {
        let mut stream = open(endpoint, Some(&store)).expect("a connection");
        ask(&mut stream, POST, HEARTBEAT).map(|_| stream)
    })
    .expect("an answer");
    run.apply(Action::PowerOff { node: NODE1 });
    let (mut stream, silence, unanswered) = beside(&mut run, move || {
        stream.sock.set_read_timeout(Some(Duration::from_millis(150))).expect("a time-out");
        let silence = ask(&mut stream, POST, HEARTBEAT).expect_err("nothing comes back").kind();
        let unanswered = TcpStream::connect_timeout(&endpoint, Duration::from_millis(100)).map(drop);
        (stream, silence, unanswered.expect_err("nobody is there").kind())
    });
    // A read past its time-out: by its name on Unix, and on Windows.
    assert!(matches!(silence, io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut), "{silence:?}");
    assert_eq!(unanswered, io::ErrorKind::TimedOut);
    run.until_served_by(NODE2);
    let reset = beside(&mut run, move || {
        stream.sock.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
        stream.read(&mut [0; 16]).expect_err("a reset").kind()
    });
    assert_eq!(reset, io::ErrorKind::ConnectionReset);
}

#[test]
fn a_node_without_a_master_refuses() {
    let (mut run, endpoint, _) = serving();
    let SocketAddr::V4(v4) = endpoint else { panic!("{endpoint} is on loopback") };
    let [a, b, c, _] = v4.ip().octets();
    let node2 = SocketAddr::from(([a, b, c, 12], endpoint.port()));
    let refused = beside(&mut run, || TcpStream::connect(node2).map(drop)).expect_err("nobody listens");
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn twins_share_nothing_and_leave_nothing_behind() {
    let (one, first, store) = serving();
    let (two, second, _) = serving();
    assert_ne!(first.ip(), second.ip());
    assert!(fs::exists(&store).expect("a folder"));
    drop(one);
    assert!(!fs::exists(&store).expect("a folder"));
    assert_eq!(
        TcpStream::connect_timeout(&first, Duration::from_secs(5)).map(drop).map_err(|error| error.kind()),
        Err(io::ErrorKind::ConnectionRefused)
    );
    TcpStream::connect_timeout(&second, Duration::from_secs(5)).expect("the other one is still there");
    drop(two);
}

#[test]
fn an_address_that_somebody_has_is_named() {
    let (run, endpoint, _) = serving();
    let SocketAddr::V4(v4) = endpoint else { panic!("{endpoint} is on loopback") };
    let [_, second, third, _] = v4.ip().octets();
    let start = |network: (u8, u8)| {
        let options = TwinOptions {
            addressing: Addressing::Network(network.0, network.1),
            ..TwinOptions::with_factor(20)
        };
        let topology = tests::quick(1, |_| {});
        Twin::start(&topology, &fixture::names(1), &[], fixture::choices(1), options).map(drop)
    };
    let taken = start((second, third)).expect_err("another twin has it");
    assert!(matches!(taken, TwinError::NetworkTaken { .. }), "{taken}");
    drop(run);
    let other = std::net::TcpListener::bind(endpoint).expect("the twin is gone");
    let taken = start((second, third)).expect_err("somebody else has the address");
    assert!(matches!(taken, TwinError::AddressTaken { address, .. } if address == endpoint), "{taken}");
    drop(other);
    start((second, third)).expect("nobody has it");
}

#[cfg(unix)]
#[test]
fn only_the_user_reads_private_keys() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_run, _, store) = serving();
    let mode = fs::metadata(store.join("w1.key")).expect("a key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_client_that_takes_too_long_is_shown_the_door() {
    let patience = Duration::from_millis(200);
    let options = TwinOptions { patience, ..TwinOptions::with_factor(20) };
    let mut run = tests::Run::start_with(&tests::quick(1, |_| {}), options);
    run.until_served_by(NODE1);
    let (endpoint, store) = (run.twin.endpoint(), run.twin.folder().join("w1/LocalMachine/My"));
    let (handshake, body) = beside(&mut run, || {
        let mut silent = TcpStream::connect(endpoint).expect("a connection");
        silent.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
        let mut slow = open(endpoint, Some(&store)).expect("a connection");
        write!(slow, "{POST} HTTP/1.1\r\nhost: sqlfci\r\ncontent-length: 9\r\n\r\n{{").expect("bytes go out");
        let mut answer = vec![0; 4_096];
        let count = slow.read(&mut answer).expect("an answer");
        (silent.read(&mut [0; 16]), String::from_utf8_lossy(&answer[..count]).into_owned())
    });
    assert_eq!(handshake.expect("the end of the stream"), 0);
    assert!(body.starts_with("HTTP/1.1 408"), "{body}");
}
