//! How is a session with one host held: who asks, who answers, and what if nobody does?
//!
//! A session is a pair of byte streams. A thread of its own reads, so that nothing but a time limit ever holds the run.
//! After any error but a failed request the session is broken and its owner replaces it.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::time::Duration;

use failover_sim::time::Time;

use super::clock::Clock;
use super::protocol::{
    Answer, Call, ErrorRecord, FieldError, Hello, LINE_LIMIT, LanguageMode, Line, Lines, Marker, Reply,
    Request,
};

/// The two streams of a session.
pub struct Connection {
    /// What the host writes.
    pub reader: Box<dyn Read + Send>,
    /// What the host reads.
    pub writer: Box<dyn Write + Send>,
    /// Where time is virtual: the host says after each request how many bytes it has written so far, and that no
    /// more will come until it is asked again. `None` where time is real.
    pub stillness: Option<Receiver<u64>>,
}

/// What went wrong in a session.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The host's stream ended.
    #[error("the session ended before the answer was there{}", tail(.last))]
    Closed {
        /// The last lines before it did.
        last: Vec<String>,
    },
    /// A stream failed.
    #[error("the session's stream failed: {0}")]
    Stream(#[from] std::io::Error),
    /// No answer in time.
    #[error("no answer within {} ms{}", .limit.as_millis(), tail(.last))]
    Limit {
        /// How long the host had.
        limit: Duration,
        /// The last lines that arrived instead.
        last: Vec<String>,
    },
    /// An answer to something else.
    #[error("the answer has id {found}, expected {expected}")]
    WrongId {
        /// The id of the request.
        expected: u64,
        /// The id of the answer.
        found: u64,
    },
    /// An answer that does not begin with the session's marker.
    #[error("an answer came without the marker of this session: `{0}`")]
    NoMarker(String),
    /// An answer that is not one.
    #[error("the answer cannot be read: {error}, in `{line}`")]
    Garbled {
        /// What is wrong.
        error: FieldError,
        /// Its beginning.
        line: String,
    },
    /// A line that never ended.
    #[error("a line is longer than {LINE_LIMIT} bytes")]
    Oversized,
    /// The request failed on the host.
    #[error("the host says {0}")]
    Failed(ErrorRecord),
    /// The host is not fit for what is asked of it.
    #[error("the host is not fit: {0}")]
    Unfit(Unfit),
}

/// What a host lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Not Windows PowerShell.
    #[error(
        "it runs PowerShell edition `{0}`, expected Desktop: the cluster module is not tested under another"
    )]
    Edition(String),
    /// A restricted language.
    #[error("its language mode is {0:?}, expected Full")]
    LanguageMode(LanguageMode),
    /// No administrator.
    #[error("the session is not elevated")]
    NotElevated,
    /// No cluster module.
    #[error("the FailoverClusters module is not there")]
    NoModule,
    /// No second hop.
    #[error("the session has no credentials for other hosts")]
    NoCredentials,
}

/// What is needed of a host beyond a full Windows PowerShell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The FailoverClusters module.
    pub module: bool,
    /// Elevation.
    pub elevation: bool,
    /// Credentials for other hosts.
    pub credentials: bool,
}

impl Needs {
    /// Whether a host has all of it.
    ///
    /// # Errors
    /// The first thing that it lacks.
    pub fn met_by(self, hello: &Hello) -> Result<(), Unfit> {
        if hello.edition != "Desktop" {
            return Err(Unfit::Edition(hello.edition.clone()));
        }
        match hello.language_mode {
            LanguageMode::Full => {}
            mode @ (LanguageMode::Restricted | LanguageMode::NoLanguage | LanguageMode::Constrained) => {
                return Err(Unfit::LanguageMode(mode));
            }
        }
        if self.elevation && !hello.elevated {
            return Err(Unfit::NotElevated);
        }
        if self.module && hello.module_version.is_none() {
            return Err(Unfit::NoModule);
        }
        if self.credentials && !hello.network_credentials {
            return Err(Unfit::NoCredentials);
        }
        Ok(())
    }
}

/// A session with one host.
pub struct Session {
    writer: Box<dyn Write + Send>,
    pieces: Receiver<std::io::Result<Vec<u8>>>,
    stillness: Option<Receiver<u64>>,
    /// Bytes taken in so far.
    seen: u64,
    lines: Lines,
    has_ended: bool,
    marker: Marker,
    requests: u64,
    pending: Option<Pending>,
    evidence: Evidence,
}

#[derive(Clone, Debug)]
struct Pending {
    request: Request,
    sent: Time,
    /// The host has said that nothing more will come.
    is_still: bool,
}

/// Lines that were no answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The first of them, each cut to [`EVIDENCE_CHARS`].
    pub lines: Vec<String>,
    /// How many more there were.
    pub dropped: u64,
}

impl Evidence {
    fn keep(&mut self, line: &str) {
        if self.lines.len() < EVIDENCE_LINES {
            self.lines.push(beginning(line));
        } else {
            self.dropped += 1;
        }
    }
}

impl Session {
    /// Takes over the streams of a host that has not been spoken to.
    ///
    /// # Errors
    /// If no thread can be had.
    pub fn open(connection: Connection, marker: Marker) -> Result<Self, SessionError> {
        let Connection { mut reader, writer, stillness } = connection;
        let (sender, pieces) = channel();
        let read = move || {
            let mut buffer = [0; 8 << 10];
            loop {
                let piece = match reader.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(length) => Ok(buffer[..length].to_vec()),
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                    Err(error) => Err(error),
                };
                let is_over = piece.is_err();
                if sender.send(piece).is_err() || is_over {
                    break;
                }
            }
        };
        std::thread::Builder::new().name("session".to_owned()).spawn(read)?;
        let (lines, evidence) = (Lines::default(), Evidence::default());
        Ok(Self {
            writer,
            pieces,
            stillness,
            seen: 0,
            lines,
            has_ended: false,
            marker,
            requests: 0,
            pending: None,
            evidence,
        })
    }

    /// The request of the handshake.
    pub fn hello(&self) -> Call {
        Call::Hello { marker: self.marker.clone() }
    }

    /// The handshake: what the host is, if it is fit.
    ///
    /// # Errors
    /// If it does not answer, or lacks something.
    pub fn greet(&mut self, clock: &dyn Clock, needs: Needs) -> Result<Hello, SessionError> {
        match self.ask(clock, self.hello(), HANDSHAKE_LIMIT)? {
            Reply::Hello(hello) => needs.met_by(&hello).map(|()| hello).map_err(SessionError::Unfit),
            Reply::Cluster(_) | Reply::Worker(_) | Reply::Power(_) | Reply::Certificate(_) | Reply::Done => {
                unreachable!("an answer is read as the answer to its request")
            }
        }
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// If there is none in time, or it is none.
    pub fn ask(&mut self, clock: &dyn Clock, call: Call, limit: Duration) -> Result<Reply, SessionError> {
        self.send(clock.now(), call, limit)?;
        loop {
            if let Some(reply) = self.collect(clock.now())? {
                return Ok(reply);
            }
            self.wait(clock)?;
        }
    }

    /// Asks without waiting.
    ///
    /// # Errors
    /// If the stream fails.
    ///
    /// # Panics
    /// If an earlier request has no answer yet.
    pub fn send(&mut self, now: Time, call: Call, limit: Duration) -> Result<(), SessionError> {
        assert!(self.pending.is_none(), "a session takes one request at a time");
        self.requests += 1;
        let request = Request { id: self.requests, limit, call };
        let line = request.line();
        self.pending = Some(Pending { request, sent: now, is_still: false });
        let written =
            self.writer.write_all(format!("{line}\n").as_bytes()).and_then(|()| self.writer.flush());
        match written {
            // The host has gone; what it said last is in the other stream.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            other => Ok(other?),
        }
    }

    /// When the request under way was sent, if one is.
    pub fn asked_at(&self) -> Option<Time> {
        self.pending.as_ref().map(|pending| pending.sent)
    }

    /// When the request under way has taken too long, if one is.
    pub fn deadline(&self) -> Option<Time> {
        self.pending.as_ref().map(|pending| pending.sent + pending.request.limit)
    }

    /// Whether an answer may come at any moment, not only when time moves on.
    pub const fn is_in_real_time(&self) -> bool {
        self.stillness.is_none()
    }

    /// Lines that were no answers, so far.
    pub const fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// The answer to the request under way, if it is there by now.
    ///
    /// # Errors
    /// If the time is over, the stream has ended, or what came is no answer to it.
    pub fn collect(&mut self, now: Time) -> Result<Option<Reply>, SessionError> {
        let Some(pending) = &self.pending else { return Ok(None) };
        let limit = pending.request.limit;
        let is_late = now >= pending.sent + limit;
        self.take_in()?;
        while let Some(line) = self.lines.next_line() {
            if let Some(reply) = self.read_line(line)? {
                return Ok(Some(reply));
            }
        }
        if self.has_ended {
            match self.lines.rest() {
                Some(Line::Text(text)) => self.evidence.keep(&text),
                Some(Line::Oversized) => return Err(SessionError::Oversized),
                None => {}
            }
            return Err(SessionError::Closed { last: self.last_lines() });
        }
        if is_late {
            return Err(SessionError::Limit { limit, last: self.last_lines() });
        }
        Ok(None)
    }

    /// Takes in what has arrived; where time is virtual, everything that will arrive at this moment.
    fn take_in(&mut self) -> Result<(), SessionError> {
        let Some(stillness) = &self.stillness else {
            loop {
                match self.pieces.try_recv() {
                    Ok(piece) => self.lines.push(&piece?),
                    Err(TryRecvError::Empty) => return Ok(()),
                    Err(TryRecvError::Disconnected) => {
                        self.has_ended = true;
                        return Ok(());
                    }
                }
            }
        };
        let written = match &mut self.pending {
            Some(pending) if !pending.is_still => {
                pending.is_still = true;
                // A host that has ended says nothing: everything up to the end of its stream counts.
                stillness.recv().unwrap_or(u64::MAX)
            }
            Some(_) | None => return Ok(()),
        };
        while self.seen < written {
            match self.pieces.recv() {
                Ok(piece) => {
                    let piece = piece?;
                    self.seen += piece.len() as u64;
                    self.lines.push(&piece);
                }
                Err(_) => {
                    self.has_ended = true;
                    break;
                }
            }
        }
        Ok(())
    }

    fn read_line(&mut self, line: Line) -> Result<Option<Reply>, SessionError> {
        let Line::Text(text) = line else { return Err(SessionError::Oversized) };
        let Some(pending) = &self.pending else { return Ok(None) };
        let expected = pending.request.id;
        let Some(object) = text.strip_prefix(self.marker.text()) else {
            if Answer::read_id(&text) == Ok(expected) {
                return Err(SessionError::NoMarker(beginning(&text)));
            }
            self.evidence.keep(&text);
            return Ok(None);
        };
        let garbled = |error| SessionError::Garbled { error, line: beginning(object) };
        let found = Answer::read_id(object).map_err(garbled)?;
        if found != expected {
            return Err(SessionError::WrongId { expected, found });
        }
        let answer = Answer::read(object, &pending.request.call).map_err(garbled)?;
        self.pending = None;
        answer.outcome.map(Some).map_err(SessionError::Failed)
    }

    /// Lets time pass until something may have arrived.
    fn wait(&mut self, clock: &dyn Clock) -> Result<(), SessionError> {
        let Some(deadline) = self.deadline() else { return Ok(()) };
        if self.stillness.is_some() {
            clock.wait_until(deadline);
            return Ok(());
        }
        match self.pieces.recv_timeout(deadline.since(clock.now())) {
            Ok(piece) => self.lines.push(&piece?),
            Err(RecvTimeoutError::Timeout) => clock.wait_until(deadline),
            Err(RecvTimeoutError::Disconnected) => self.has_ended = true,
        }
        Ok(())
    }

    fn last_lines(&self) -> Vec<String> {
        let from = self.evidence.lines.len().saturating_sub(3);
        self.evidence.lines[from..].to_vec()
    }
}

fn beginning(line: &str) -> String {
    line.chars().take(EVIDENCE_CHARS).collect()
}

fn tail(last: &[String]) -> String {
    let lines: Vec<String> = last.iter().map(|line| format!("`{line}`")).collect();
    if lines.is_empty() { String::new() } else { format!("; last lines: {}", lines.join(", ")) }
}

/// How long a host may take for the handshake; a first import of the module takes seconds (inferred).
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(30);
/// More lines that are no answers are counted, not kept.
pub const EVIDENCE_LINES: usize = 200;
/// Longer lines are cut.
pub const EVIDENCE_CHARS: usize = 200;

#[cfg(test)]
mod tests {
    use std::io::{self, BufRead, BufReader};
    use std::time::Instant;

    use super::super::protocol::Ticks;
    use super::*;

    /// Time as it passes.
    struct Wall(Instant);

    impl Clock for Wall {
        fn now(&self) -> Time {
            Time::ZERO + self.0.elapsed()
        }

        fn wait_until(&self, moment: Time) {
            std::thread::sleep(moment.since(self.now()));
        }
    }

    /// A host in real time that answers each request with these bytes, and goes when there are no more.
    fn host(answers: Vec<Vec<u8>>) -> (Session, Wall) {
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
        let connection = Connection { reader: Box::new(reader), writer: Box::new(writer), stillness: None };
        let session = Session::open(connection, Marker::of("wall")).expect("threads can be had");
        (session, Wall(Instant::now()))
    }

    fn hello(edition: &str) -> Vec<u8> {
        let hello = Hello {
            edition: edition.to_owned(),
            language_mode: LanguageMode::Full,
            elevated: false,
            ui_culture: "de-DE".to_owned(),
            module_version: None,
            clock: Ticks(1),
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
        let connection =
            Connection { reader: Box::new(io::empty()), writer: Box::new(io::sink()), stillness: None };
        let mut session = Session::open(connection, Marker::of("wall")).expect("threads can be had");
        let error = session.greet(&Wall(Instant::now()), Needs::default()).expect_err("nobody is there");
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
}
