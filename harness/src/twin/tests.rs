//! Does the control API do what it says, refuse what it must, and leave nothing behind?

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::mpsc::channel;
use std::thread;

use serde_json::Value;
use tokio::sync::oneshot;

use super::*;

fn standing() -> Standing {
    Standing {
        topology: "two_node_fci".to_owned(),
        overrides: Overrides { workers: Some(2), ..Overrides::default() },
        seed: 1,
        options: TwinOptions::with_factor(20),
        control: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
    }
}

/// A twin at rest, and where it was when it was stopped.
struct Place {
    folder: PathBuf,
    control: SocketAddr,
    endpoint: SocketAddr,
    token: String,
}

/// Does this with a twin at rest, stops it, and tells where it was.
fn with_twin(act: impl FnOnce(&Place)) -> Place {
    let stand = Stand::start(&standing()).expect("a twin");
    let place = Place {
        folder: stand.folder().to_owned(),
        control: stand.listener.local_addr().expect("an address"),
        endpoint: stand.control.running.endpoint(),
        token: stand.control.token.clone(),
    };
    let (at_rest, rests) = channel();
    let (stop, stopped) = oneshot::channel::<()>();
    thread::scope(|scope| {
        let stop = stop;
        let runs = scope.spawn(move || {
            let stopped = async {
                // Dropped in the middle of a failed test, it stops the twin too.
                let _ = stopped.await;
            };
            stand.run(stopped, move || at_rest.send(()).expect("somebody waits"))
        });
        rests.recv().expect("the cluster comes to rest");
        act(&place);
        drop(stop);
        runs.join().expect("the twin's thread ends").expect("nothing failed");
    });
    place
}

/// Status and body of one request.
fn ask(place: &Place, head: &str, token: &str, body: &str) -> (u16, Value) {
    let mut socket = TcpStream::connect(place.control).expect("a connection");
    let length = body.len();
    write!(socket, "{head} HTTP/1.1\r\nhost: twin\r\nconnection: close\r\n").expect("bytes go out");
    write!(socket, "authorization: Bearer {token}\r\ncontent-length: {length}\r\n\r\n{body}")
        .expect("bytes go out");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
    let status = head[9..12].parse().expect("a status");
    (status, serde_json::from_str(body).expect("JSON"))
}

fn take(place: &Place, steps: &str) -> (u16, Value) {
    ask(place, "POST /steps", &place.token, steps)
}

const BACK: &str = "
- expect:
    within: 5m
    role: { state: online, owner: first_standby }
    workers: { which: every, state: connected, through: network_name, served_by: first_standby }
";

#[test]
fn steps_are_taken_as_in_scenarios_and_seen_in_state_and_stream() {
    with_twin(|place| {
        let (status, before) = ask(place, "GET /state", &place.token, "");
        assert_eq!((status, &before["owner"], &before["at_rest"]), (200, &"NODE1".into(), &true.into()));
        let (status, said) = take(place, "power_off: { node: owner }\n");
        assert_eq!((status, &said["outcome"]), (200, &"pass".into()), "{said}");
        // Words that look back know the twin's whole life, not this request alone.
        let (status, said) = take(place, BACK);
        assert_eq!((status, &said["outcome"]), (200, &"pass".into()), "{said}");
        let (_, after) = ask(place, "GET /state", &place.token, "");
        assert_eq!((&after["owner"], &after["nodes"]["NODE1"]), (&"NODE2".into(), &"down".into()), "{after}");
        assert_eq!(after["workers"]["w2"]["served_by"], "NODE2", "{after}");

        let events = events(place, 0, |event| event.contains("\"connected\"") && event.contains("\"NODE2\""));
        let action = events.iter().position(|(_, event)| event.starts_with("action {")).expect("the action");
        let (_, did) = events[action].1.split_once(' ').expect("data");
        let did: Value = serde_json::from_str(did).expect("JSON");
        assert_eq!((&did["verb"], &did["node"]), (&"power_off".into(), &"NODE1".into()));
        assert_eq!(
            events.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
            (0..events.len()).collect::<Vec<_>>()
        );
        // A reader that lost its connection goes on after the last event that it has.
        let rest = self::events(place, action, |_| true);
        assert_eq!(rest.first(), events.get(action + 1));
    });
}

/// Events of the stream after the first `after`, up to the first that is one of these.
fn events(place: &Place, after: usize, is_last: impl Fn(&str) -> bool) -> Vec<(usize, String)> {
    let mut socket = TcpStream::connect(place.control).expect("a connection");
    let last = if after == 0 { String::new() } else { format!("last-event-id: {after}\r\n") };
    let token = &place.token;
    write!(socket, "GET /observations HTTP/1.1\r\nhost: twin\r\nauthorization: Bearer {token}\r\n{last}\r\n")
        .expect("bytes go out");
    let mut events = Vec::new();
    let (mut id, mut event) = (None, String::new());
    for line in BufReader::new(socket).lines() {
        let line = line.expect("a line");
        if let Some(found) = line.strip_prefix("id: ") {
            id = Some(found.parse().expect("a number"));
        } else if let Some(kind) = line.strip_prefix("event: ") {
            kind.clone_into(&mut event);
        } else if let Some(data) = line.strip_prefix("data: ") {
            events.push((id.take().expect("an id"), format!("{event} {data}")));
            if is_last(data) {
                break;
            }
        }
    }
    events
}

#[test]
fn executions_can_be_brought_in_again_and_again() {
    with_twin(|place| {
        for name in ["first", "second"] {
            let steps = format!(
                "- start_executions: {{ as: {name}, count: 2, duration: 5s, retry_count: 1 }}\n\
                 - expect: {{ within: 10m, tasks: {{ of: {name}, which: every, state: succeeded, executed_count: 1 }} }}\n"
            );
            let (status, said) = take(place, &steps);
            assert_eq!((status, &said["outcome"]), (200, &"pass".into()), "{said}");
        }
        let found = events(place, 0, |event| event.contains("\"second\"") && event.contains("succeeded"));
        assert!(found.iter().any(|(_, event)| event.contains("\"first\"")));
    });
}

#[test]
fn what_cannot_be_done_is_refused_with_its_reason_and_nothing_else_suffers() {
    with_twin(|place| {
        for (head, token, status) in [
            ("GET /state", "", 401),
            ("GET /state", "0123456789abcdef0123456789abcdef", 401),
            ("POST /steps", "x", 401),
            ("GET /elsewhere", place.token.as_str(), 404),
            ("DELETE /state", place.token.as_str(), 405),
        ] {
            assert_eq!(ask(place, head, token, "").0, status, "{head}");
        }
        let (status, said) = take(place, "power_of: { node: owner }\n");
        let told = said["error"].as_str().expect("an error");
        assert!(status == 422 && told.contains("step:1:3") && told.contains("power_off"), "{told}");
        let (status, said) = take(place, "power_on: { node: NODE1 }\n");
        assert_eq!(
            (status, &said["error"]),
            (409, &"cannot carry out power_on of NODE1 (line 1): the machine is on".into())
        );
        let (status, said) = take(place, "expect: { within: 1s, role: { state: offline } }\n");
        assert_eq!((status, &said["outcome"]), (200, &"fail".into()));
        assert_eq!(said["findings"][0]["what"], "expect within 1s (line 1)");
        assert_eq!(take(place, &"#".repeat((1 << 20) + 1)).0, 413);
        for junk in [&b"\x16\x03\x01\xff\xff"[..], b"nonsense\r\n\r\n", b""] {
            TcpStream::connect(place.control)
                .and_then(|mut socket| socket.write_all(junk))
                .expect("bytes go out");
        }
        assert_eq!(ask(place, "GET /state", &place.token, "").1["at_rest"], true);
    });
}

#[test]
fn a_step_under_way_does_not_keep_the_twin_from_ending_and_nothing_is_left() {
    let mut waits = None;
    let place = with_twin(|place| {
        let mut socket = TcpStream::connect(place.control).expect("a connection");
        let (step, token) = ("pause: { for: 10h, because: nobody waits for it }", &place.token);
        let length = step.len();
        write!(socket, "POST /steps HTTP/1.1\r\nhost: twin\r\nauthorization: Bearer {token}\r\n")
            .expect("bytes");
        write!(socket, "content-length: {length}\r\n\r\n{step}").expect("bytes go out");
        // It is under way once another request was answered after it.
        assert_eq!(ask(place, "GET /state", token, "").0, 200);
        waits = Some(socket);
    });
    let mut rest = Vec::new();
    // The end of the connection, in whatever form.
    let _ = waits.expect("a connection").read_to_end(&mut rest);
    assert!(!place.folder.exists());
    for address in [place.control, place.endpoint] {
        let refused = TcpStream::connect(address).map(drop).expect_err("nobody listens");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused, "{address}");
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let control = taken.local_addr().expect("an address");
    let error = Stand::start(&Standing { control, ..standing() }).map(drop).expect_err("it is taken");
    assert!(
        error.to_string().starts_with(&format!("the control API cannot listen on {control}: ")),
        "{error}"
    );
    let topology = "two_node_fcl".to_owned();
    let error = Stand::start(&Standing { topology, ..standing() }).map(drop).expect_err("there is none");
    assert!(error.to_string().contains("did you mean `two_node_fci`?"), "{error}");
}

#[cfg(unix)]
#[test]
fn only_the_user_reads_the_token() {
    use std::os::unix::fs::PermissionsExt as _;
    with_twin(|place| {
        for file in [CONTROL, HEADER] {
            let mode = std::fs::metadata(place.folder.join(file)).expect("a file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let errand = read_control(&place.folder.join(CONTROL)).expect("a control file");
        assert_eq!(
            send(&errand, "expect: { within: 1s, role: { state: online } }").expect("an answer")["outcome"],
            "pass"
        );
    });
}
