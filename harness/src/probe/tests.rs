//! Does the probe see of a failover, and of everything else that may listen on a port, what is there?

use std::cell::RefCell;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::OnceLock;
use std::thread;
use std::time::Instant;

use failover_sim::action::{Action, Service, ServiceAction};
use failover_sim::twin::{NODE1, NODE2, ROLE, TwoNodes};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use socket2::SockRef;
use tokio::runtime::Runtime;
use tokio::sync::Notify;

use super::*;

/// A probe of `sqlfci` at this address.
fn probe(at: SocketAddr) -> Probe {
    let target = Target::parse(&format!("https://sqlfci:{}", at.port())).expect("an endpoint");
    Probe {
        target: target.at(&[("SQLFCI".to_owned(), at.ip())]).expect("its name"),
        pin: None,
        own: None,
        interval: Duration::from_millis(20),
        patience: Duration::from_secs(20),
        time: None,
    }
}

/// Probes until `is_it` is true of an attempt and all before it.
fn until(probe: &Probe, mut is_it: impl FnMut(&Attempt, &Tally) -> bool) -> Tally {
    let enough = Notify::new();
    let watch = |attempt: &Attempt, _: Change, tally: &Tally| {
        if is_it(attempt, tally) {
            enough.notify_one();
        }
    };
    probe.run(enough.notified(), watch).expect("a probe")
}

/// The first attempt.
fn first(probe: &Probe) -> Attempt {
    let first = RefCell::new(None);
    until(probe, |attempt, _| {
        first.borrow_mut().get_or_insert_with(|| attempt.clone());
        true
    });
    first.into_inner().expect("an attempt")
}

#[track_caller]
fn finds(probe: &Probe, expected: Cause) {
    let attempt = first(probe);
    assert!(matches!(attempt.outcome, Outcome::Down { cause, .. } if cause == expected), "{attempt:?}");
}

fn twin() -> (Runtime, TwoNodes) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let twin = runtime.block_on(TwoNodes::start(1)).expect("a twin");
    (runtime, twin)
}

/// Fails over to the second node while the probe looks, and gives what it saw until after the worker was back. A busy
/// machine may make gaps of its own, of handshakes that take too long, before the fault and after it.
fn through_a_failover(action: Action<failover_sim::names::NodeId>, own: bool) -> Tally {
    let (runtime, twin) = twin();
    let mut probe = probe(twin.endpoint());
    // Shorter than the second after which a SYN is repeated (RFC 6298, 2): who connects into silence finds silence,
    // however long it lasts.
    probe.patience = Duration::from_millis(900);
    probe.interval = Duration::from_millis(50);
    if own {
        let certificate = twin.worker_certificate(1);
        probe.own = Some(read_pair(&certificate, &certificate.with_extension("key")).expect("a pair"));
    }
    let (begun, over, started) = (Notify::new(), OnceLock::new(), Instant::now());
    thread::scope(|scope| {
        let looks = scope.spawn(|| {
            until(&probe, |attempt, _| {
                let is_up = attempt.outcome.is_up() == Some(true);
                if is_up {
                    begun.notify_one();
                }
                is_up && over.get().is_some_and(|&over| attempt.began > over)
            })
        });
        runtime.block_on(async {
            begun.notified().await;
            twin.apply(action).await.expect("the action is possible");
            twin.until_served_by(NODE2).await.expect("the twin goes on");
        });
        over.set(started.elapsed()).expect("it is over once");
        looks.join().expect("the probe ends")
    })
}

#[test]
fn a_planned_move_is_a_gap_of_silence_or_refusals() {
    let tally = through_a_failover(Action::MoveRole { role: ROLE, to: NODE2 }, false);
    assert_eq!(tally.answered.keys().collect::<Vec<_>>(), [&403]);
    let causes: Vec<Cause> = tally.gaps.iter().flat_map(|gap| &gap.causes).map(|(cause, _)| *cause).collect();
    let possible = [
        Cause::Refused,
        Cause::ConnectSilent,
        Cause::HandshakeReset,
        Cause::HandshakeEnded,
        // The address goes away under a handshake.
        Cause::HandshakeSilent,
        Cause::NoAnswer,
    ];
    assert!(!causes.is_empty() && causes.iter().all(|cause| possible.contains(cause)), "{causes:?}");
}

#[test]
fn a_power_off_is_silence_and_a_client_certificate_opens_the_door_on_both_nodes() {
    let tally = through_a_failover(Action::PowerOff { node: NODE1 }, true);
    // The path takes no GET; that it says so shows that the certificate was let in.
    assert_eq!(tally.answered.keys().collect::<Vec<_>>(), [&405]);
    let is_silent = |gap: &&Gap| gap.causes.iter().any(|(cause, _)| *cause == Cause::ConnectSilent);
    let gap = tally.gaps.iter().find(is_silent).unwrap_or_else(|| panic!("{:?}", tally.gaps));
    assert!(gap.at_most() >= Some(gap.at_least()), "{gap:?}");
}

#[test]
fn what_a_node_presents_is_told_with_names_and_expiry() {
    let (_runtime, twin) = twin();
    let probe = probe(twin.endpoint());
    let tally = until(&probe, |attempt, _| attempt.presented.is_some());
    let [host] = tally.hosts.as_slice() else { panic!("{:?}", tally.hosts) };
    let content = host.presented.content.as_ref().expect("a readable certificate");
    assert_eq!((host.address, host.version), (twin.endpoint(), Some("TLS 1.3")));
    assert_eq!(
        (content.common_names.as_slice(), &content.alternative_names),
        (&["node1".into(), "sqlfci".into()][..], &None)
    );
    assert!(content.is_self_signed && content.names("SQLFCI") && content.is_valid_at(2_000_000_000));
    let text = summary_text(&probe, &tally, Duration::from_secs(1), 2_000_000_000);
    assert!(text.contains("CNs: node1, sqlfci; SANs: none\n") && !text.contains("warning"), "{text}");
    let other = Probe { target: Target::parse("https://other").expect("an endpoint"), ..probe };
    let json = summary_json(&other, &tally, Duration::from_secs(1), i64::MAX);
    assert_eq!(json["presented"][0]["findings"], serde_json::json!(["name_missing", "not_valid"]));
}

#[test]
fn another_certificate_than_the_pinned_one_is_down_and_is_asked_for_nothing() {
    let (_runtime, twin) = twin();
    let mut probe = probe(twin.endpoint());
    let presented = first(&probe).presented.expect("a certificate");
    probe.pin = Some(presented.thumbprint);
    assert_eq!(first(&probe).outcome, Outcome::Answered { status: 403 });
    probe.pin = Some(Thumbprint([7; 20]));
    let attempt = first(&probe);
    assert_eq!(attempt.outcome, Outcome::down(Cause::NotPinned));
    assert_eq!((attempt.presented, attempt.phases.response), (Some(presented), None));
}

#[test]
fn a_machine_without_power_says_nothing() {
    let (runtime, twin) = twin();
    let mut probe = probe(twin.endpoint());
    probe.patience = Duration::from_millis(200);
    runtime.block_on(twin.apply(Action::PowerOff { node: NODE1 })).expect("power goes off");
    finds(&probe, Cause::ConnectSilent);
}

#[test]
fn a_master_that_hangs_finishes_the_handshake_and_answers_nobody_whom_it_would_let_in() {
    let (runtime, twin) = twin();
    let mut probe = probe(twin.endpoint());
    let hang = Action::Service { node: NODE1, service: Service::Master, what: ServiceAction::Hang };
    runtime.block_on(twin.apply(hang)).expect("the master runs");
    // Above the handshake HTTP.SYS still turns strangers away.
    assert_eq!(first(&probe).outcome, Outcome::Answered { status: 403 });
    let certificate = twin.worker_certificate(1);
    probe.own = Some(read_pair(&certificate, &certificate.with_extension("key")).expect("a pair"));
    // Long enough for a handshake on a busy machine.
    probe.patience = Duration::from_secs(2);
    finds(&probe, Cause::NoAnswer);
}

/// A server on loopback that does this with its first connection.
fn serving<T: Send>(serve: impl FnOnce(TcpStream) + Send, client: impl FnOnce(SocketAddr) -> T) -> T {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::scope(|scope| {
        scope.spawn(move || serve(listener.accept().expect("a connection").0));
        client(address)
    })
}

/// A server that reads what comes first, answers this, and waits for the end.
fn answering(answer: &'static [u8]) -> impl FnOnce(TcpStream) + Send {
    move |mut socket| {
        let read = socket.read(&mut [0; 4_096]).expect("a client that speaks");
        assert!(read > 0);
        socket.write_all(answer).expect("a client that listens");
        let _ = socket.read(&mut [0; 4_096]);
    }
}

#[test]
fn what_is_not_a_master_is_told_apart() {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    finds(&probe(closed.expect("a port")), Cause::Refused);
    let cases: [(&[u8], Cause); 5] = [
        (b"220 mail.example ESMTP\r\n", Cause::NotTls),
        // Alerts, as Schannel and OpenSSL send them.
        (b"\x15\x03\x03\x00\x02\x02\x28", Cause::NoCommonCipherSuite),
        (b"\x15\x03\x03\x00\x02\x02\x46", Cause::NoCommonVersion),
        (b"\x15\x03\x03\x00\x02\x02\x50", Cause::HandshakeEnded),
        (b"\x16\x03\x03\xff\xff", Cause::NotTls),
    ];
    for (answer, cause) in cases {
        serving(answering(answer), |at| finds(&probe(at), cause));
    }
    serving(drop, |at| finds_one_of(at, &[Cause::HandshakeEnded, Cause::HandshakeReset]));
    serving(reset, |at| finds(&probe(at), Cause::HandshakeReset));
    serving(
        |mut socket| {
            let _ = socket.read_to_end(&mut Vec::new());
        },
        |at| finds(&Probe { patience: Duration::from_millis(100), ..probe(at) }, Cause::HandshakeSilent),
    );
}

#[track_caller]
fn finds_one_of(at: SocketAddr, expected: &[Cause]) {
    let attempt = first(&probe(at));
    assert!(
        matches!(attempt.outcome, Outcome::Down { cause, .. } if expected.contains(&cause)),
        "{attempt:?}"
    );
}

/// Ends a connection with RST once something has come.
fn reset(mut socket: TcpStream) {
    let read = socket.read(&mut [0; 16]).expect("a client that speaks");
    assert!(read > 0);
    SockRef::from(&socket).set_linger(Some(Duration::ZERO)).expect("a socket");
}

/// A TLS server with the master's certificate that does this once the handshake is over and the request is there.
fn asked(
    folder: &Path,
    then: impl FnOnce(StreamOwned<ServerConnection, TcpStream>) + Send,
) -> impl FnOnce(TcpStream) + Send {
    let store = folder.join("NODE1/LocalMachine/Root");
    let pair = read_pair(&store.join("master.pem"), &store.join("master.key")).expect("a pair");
    let config = ServerConfig::builder_with_provider(failover_sim::twin::provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(pair)));
    move |socket| {
        let connection = ServerConnection::new(Arc::new(config)).expect("a server");
        let mut stream = StreamOwned::new(connection, socket);
        let mut request = [0; 4_096];
        let read = stream.read(&mut request).expect("a request");
        assert!(request[..read].starts_with(b"GET /ClusterManagement/ HTTP/1.1\r\nhost: sqlfci:"));
        then(stream);
    }
}

#[test]
fn a_connection_that_ends_after_the_request_is_not_judged_and_an_answer_that_never_comes_is_down() {
    let (_runtime, twin) = twin();
    let resets = asked(twin.folder(), |stream| {
        SockRef::from(&stream.sock).set_linger(Some(Duration::ZERO)).expect("a socket");
    });
    let later = serving(resets, |at| first(&probe(at)));
    assert_eq!(later.outcome, Outcome::NotJudged { ended: "the connection was reset".to_owned() });
    assert!(later.phases.handshake.is_some() && later.phases.response.is_none());
    let closes = asked(twin.folder(), |mut stream| {
        stream.conn.send_close_notify();
        stream.flush().expect("a client that listens");
    });
    let closed = serving(closes, |at| first(&probe(at)));
    assert_eq!(closed.outcome, Outcome::NotJudged { ended: "the peer closed the connection".to_owned() });
    let junk = asked(twin.folder(), |mut stream| stream.write_all(b"220 mail\r\n").expect("a client"));
    serving(junk, |at| finds(&probe(at), Cause::NotHttp));
    let hangs = asked(twin.folder(), |mut stream| {
        let _ = stream.read(&mut [0; 16]);
    });
    // Long enough for a handshake on a busy machine.
    serving(hangs, |at| finds(&Probe { patience: Duration::from_secs(2), ..probe(at) }, Cause::NoAnswer));
}

#[test]
fn a_name_without_an_address_is_an_error_at_the_start() {
    // Reserved so that it never exists (RFC 6761).
    let target = Target::parse("https://sqlfci.invalid").expect("an endpoint");
    let time = Some(Duration::from_millis(50));
    let unknown = Probe { target, time, ..probe(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1)) };
    let error = unknown.run(std::future::pending(), |_, _, _| {}).expect_err("there is no such host");
    assert!(error.to_string().starts_with("cannot resolve `sqlfci.invalid`: "), "{error}");
}
