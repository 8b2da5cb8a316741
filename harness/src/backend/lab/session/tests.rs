//! Does a session in real time tell what arrives, and what does not?

use std::io::{BufRead, BufReader, Write as _};

use super::super::clock::WallClock;
use super::super::protocol::LanguageMode;
use super::*;

/// A host in real time that answers each request with these bytes, and goes when there are no more.
fn host(answers: Vec<Vec<u8>>) -> (Session, WallClock) {
    let (requests, writer) = io::pipe().expect("pipes can be had");
    let (reader, mut out) = io::pipe().expect("pipes can be had");
    std::thread::spawn(move || {
        let mut requests = BufReader::new(requests).lines();
        for answer in answers {
            if requests.next().is_none() || out.write_all(&answer).is_err() {
                return;
            }
        }
        // The last request gets no answer, but the host stays until the other side goes.
        let _ = requests.next().and_then(|_| requests.next());
    });
    let connection = Connection::of_streams(reader, writer);
    let session = Session::open(connection, Marker::of("wall")).expect("threads can be had");
    (session, WallClock::begin())
}

fn hello(edition: &str) -> Vec<u8> {
    let hello = Hello {
        edition: edition.to_owned(),
        language_mode: LanguageMode::Full,
        elevated: false,
        ui_culture: "de-DE".to_owned(),
        module_version: None,
        cluster_id: None,
        cluster_description: None,
        clock: WallClock::begin().utc(),
        network_credentials: false,
    };
    let answer = Answer { id: 1, outcome: Ok(Reply::Hello(hello)) };
    format!("{}\r\n", answer.line(&Marker::of("wall"))).into_bytes()
}

#[test]
fn a_greeting_in_real_time_keeps_other_lines_as_evidence() {
    let mut bytes = b"\xef\xbb\xbfWARNUNG: nichts\r\n".to_vec();
    bytes.extend(hello("Desktop"));
    let (mut session, clock) = host(vec![bytes]);
    assert!(session.greet(&clock, Needs::default()).is_ok_and(|hello| hello.ui_culture == "de-DE"));
    assert_eq!(session.evidence().lines, ["WARNUNG: nichts"]);
    let limit = Duration::from_millis(20);
    let error = session.ask(&clock, Call::ReadCluster, limit).expect_err("nobody answers");
    assert_eq!(error.to_string(), "no answer within 20 ms; last lines: `WARNUNG: nichts`");
}

#[test]
fn a_host_that_lacks_something_is_refused_with_the_reason() {
    for (edition, needs, expected) in [
        ("Core", Needs::default(), "edition `Core`"),
        ("Desktop", Needs { module: true, ..Needs::default() }, "FailoverClusters module is not there"),
        ("Desktop", Needs { elevation: true, ..Needs::default() }, "not elevated"),
        ("Desktop", Needs { credentials: true, ..Needs::default() }, "no credentials"),
    ] {
        let (mut session, clock) = host(vec![hello(edition)]);
        let error = session.greet(&clock, needs).expect_err("something is missing").to_string();
        assert!(error.starts_with("the host is not fit: ") && error.contains(expected), "{error}");
    }
}

#[test]
fn a_host_that_prints_nothing_and_goes_is_an_error() {
    let connection = Connection::of_streams(io::empty(), io::sink());
    let mut session = Session::open(connection, Marker::of("wall")).expect("threads can be had");
    let error = session.greet(&WallClock::begin(), Needs::default()).expect_err("nobody is there");
    assert_eq!(error.to_string(), "the session ended before the answer was there");
}

#[test]
fn evidence_has_a_cap() {
    let mut bytes = b"noise\n".repeat(EVIDENCE_LINES + 5);
    bytes.extend(hello("Desktop"));
    let (mut session, clock) = host(vec![bytes]);
    session.greet(&clock, Needs::default()).expect("the answer is there");
    assert_eq!((session.evidence().lines.len(), session.evidence().dropped), (EVIDENCE_LINES, 5));
}
