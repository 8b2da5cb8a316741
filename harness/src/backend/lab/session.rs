//! How is a session with one host held: who asks, who answers, and what if nobody does?
//!
//! A session is a pair of byte streams. Threads of its own read and write, so that nothing but a time limit ever holds
//! the run. After any error but a failed request the session is broken and its owner replaces it.

use std::io::{self, Read, Write};
use std::process::ExitStatus;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::time::Duration;

use failover_sim::time::Time;

use super::clock::Clock;
use super::protocol::{
    Answer, Call, ErrorRecord, FieldError, Hello, LINE_LIMIT, LanguageMode, Line, Lines, Marker, Reply,
    Request, Ticks,
};
use super::transport::Process;

/// The streams of a session.
pub struct Connection {
    /// What the host writes.
    pub reader: Box<dyn Read + Send>,
    /// What the host reads.
    pub writer: Box<dyn Write + Send>,
    /// Where the host, or the program that leads to it, tells of its troubles: all of it is evidence.
    pub errors: Option<Box<dyn Read + Send>>,
    /// The program that leads to the host: it ends with the session.
    pub process: Option<Process>,
    /// Where time is virtual: the host says after each request how many bytes it has written so far, and that no
    /// more will come until it is asked again. `None` where time is real.
    pub stillness: Option<Receiver<u64>>,
}

impl Connection {
    /// A connection that is two streams and nothing else, in real time.
    pub fn of_streams(reader: impl Read + Send + 'static, writer: impl Write + Send + 'static) -> Self {
        Self {
            reader: Box::new(reader),
            writer: Box::new(writer),
            errors: None,
            process: None,
            stillness: None,
        }
    }
}

/// What went wrong in a session.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The host's stream ended.
    #[error("the session ended{} before the answer was there{}", ending(.exit), tail(.last))]
    Closed {
        /// How the program ended that led to the host, if there was one and it has.
        exit: Option<ExitStatus>,
        /// The last lines before it did.
        last: Vec<String>,
    },
    /// A stream failed.
    #[error("the session's stream failed: {0}")]
    Stream(#[from] io::Error),
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
    /// It is a node of another cluster than the one that may be touched.
    #[error("its cluster has the Id {}, and lab.yaml is about {expected}", .found.as_deref().unwrap_or("of none: no cluster service runs there"))]
    OtherCluster {
        /// The Id that `lab.yaml` names.
        expected: String,
        /// That of its own cluster, if it has one.
        found: Option<String>,
    },
    /// Its cluster does not have the mark that its owner sets on a lab.
    #[error(
        "its cluster's Description does not have the word `{0}`, by which its owner says that it is a lab"
    )]
    NoMark(&'static str),
    /// Another time than here. Kerberos refuses clocks that are further apart (MaxClockSkew, documented default).
    #[error(
        "its clock is {} s {}, expected at most {} s apart",
        .seconds.unsigned_abs(),
        if *.seconds < 0 { "behind" } else { "ahead" },
        CLOCK_LIMIT.as_secs()
    )]
    Clock {
        /// How far it is ahead at least; negative if it is behind.
        seconds: i64,
    },
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
    writer: Sender<Vec<u8>>,
    pieces: Receiver<Piece>,
    process: Option<Process>,
    stillness: Option<Receiver<u64>>,
    /// Bytes taken in so far.
    seen: u64,
    lines: Lines,
    errors: Lines,
    has_ended: bool,
    marker: Marker,
    run: Option<String>,
    requests: u64,
    pending: Option<Pending>,
    evidence: Evidence,
}

/// What a thread of a session brings.
enum Piece {
    /// Something that the host has written.
    Said(Vec<u8>),
    /// The host writes no more.
    Ended,
    /// Something about troubles.
    Trouble(Vec<u8>),
    /// A stream failed.
    Failed(io::Error),
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
    fn keep_line(&mut self, line: Line) {
        match line {
            Line::Text(text) if text.is_empty() => {}
            Line::Text(text) => self.keep(&text),
            Line::Oversized => self.dropped += 1,
        }
    }

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
        let Connection { reader, writer, errors, process, stillness } = connection;
        let (sender, pieces) = channel();
        let (requests, to_write) = channel();
        start(read_all(reader, Piece::Said, Some(Piece::Ended), sender.clone()))?;
        if let Some(errors) = errors {
            start(read_all(errors, Piece::Trouble, None, sender.clone()))?;
        }
        start(move || write_all(writer, &to_write, &sender))?;
        Ok(Self {
            writer: requests,
            pieces,
            process,
            stillness,
            seen: 0,
            lines: Lines::default(),
            errors: Lines::default(),
            has_ended: false,
            marker,
            run: None,
            requests: 0,
            pending: None,
            evidence: Evidence::default(),
        })
    }

    /// The same, which says in the handshake what the host's own event log is to name as the reason of changes.
    #[must_use]
    pub fn of_run(mut self, run: String) -> Self {
        self.run = Some(run);
        self
    }

    /// The request of the handshake.
    pub fn hello(&self) -> Call {
        Call::Hello { marker: self.marker.clone(), run: self.run.clone() }
    }

    /// The handshake: what the host is, if it is fit.
    ///
    /// # Errors
    /// If it does not answer, or lacks something.
    pub fn greet(&mut self, clock: &dyn Clock, needs: Needs) -> Result<Hello, SessionError> {
        let asked = clock.now();
        let reply = self.ask(clock, self.hello(), HANDSHAKE_LIMIT)?;
        let Reply::Hello(hello) = reply else { unreachable!("{READ_AS_ASKED}") };
        admit(&hello, needs, asked, clock).map(|()| hello)
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// If there is none in time, or it is none.
    pub fn ask(&mut self, clock: &dyn Clock, call: Call, limit: Duration) -> Result<Reply, SessionError> {
        self.send(clock.now(), call, limit);
        loop {
            if let Some(reply) = self.collect(clock.now())? {
                return Ok(reply);
            }
            self.wait(clock)?;
        }
    }

    /// Asks without waiting.
    ///
    /// # Panics
    /// If an earlier request has no answer yet.
    pub fn send(&mut self, now: Time, call: Call, limit: Duration) {
        assert!(self.pending.is_none(), "a session takes one request at a time");
        self.requests += 1;
        let request = Request { id: self.requests, limit, call };
        let line = format!("{}\n", request.line());
        self.pending = Some(Pending { request, sent: now, is_still: false });
        // A host that has gone says in the other stream why.
        let _ = self.writer.send(line.into_bytes());
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
            return Err(self.ended());
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
                    Ok(piece) => self.take(piece)?,
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
        while self.seen < written && !self.has_ended {
            match self.pieces.recv() {
                Ok(piece) => self.take(piece)?,
                Err(_) => self.has_ended = true,
            }
        }
        Ok(())
    }

    fn take(&mut self, piece: Piece) -> Result<(), SessionError> {
        match piece {
            Piece::Said(bytes) => {
                self.seen += bytes.len() as u64;
                self.lines.push(&bytes);
            }
            Piece::Ended => self.has_ended = true,
            Piece::Trouble(bytes) => {
                self.errors.push(&bytes);
                while let Some(line) = self.errors.next_line() {
                    self.evidence.keep_line(line);
                }
            }
            Piece::Failed(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Why the session ended, with what was said last.
    fn ended(&mut self) -> SessionError {
        // What a program says about its end may come a moment after it.
        if self.process.is_some() {
            while let Ok(piece) = self.pieces.recv_timeout(LAST_WORDS) {
                let _ = self.take(piece);
            }
        }
        match self.lines.rest() {
            Some(Line::Oversized) => return SessionError::Oversized,
            Some(line) => self.evidence.keep_line(line),
            None => {}
        }
        if let Some(line) = self.errors.rest() {
            self.evidence.keep_line(line);
        }
        SessionError::Closed { exit: self.process.as_mut().and_then(Process::exit), last: self.last_lines() }
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
        // The clock alone says when the time is over: it need not be as fast as this machine's.
        match self.pieces.recv_timeout(deadline.since(clock.now()).min(GRAIN)) {
            Ok(piece) => self.take(piece)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => self.has_ended = true,
        }
        Ok(())
    }

    fn last_lines(&self) -> Vec<String> {
        let from = self.evidence.lines.len().saturating_sub(3);
        self.evidence.lines[from..].to_vec()
    }
}

impl Drop for Session {
    /// Ends the program that leads to the host: at once if the host owes an answer, since it may be blocked.
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            if self.pending.is_some() && !self.has_ended {
                process.kill();
            } else {
                process.release();
            }
        }
    }
}

/// Whether a host that said this may be used for what is needed of it.
///
/// # Errors
/// The first thing that it lacks.
pub fn admit(hello: &Hello, needs: Needs, asked: Time, clock: &dyn Clock) -> Result<(), SessionError> {
    needs.met_by(hello).map_err(SessionError::Unfit)?;
    let (latest, now) = (clock.utc(), clock.now());
    let earliest = Ticks(latest.0 - i64::try_from(now.since(asked).as_nanos() / 100).unwrap_or(i64::MAX));
    // The host read its clock between these two moments.
    let ahead = (hello.clock.0 - latest.0).max(0) + (hello.clock.0 - earliest.0).min(0);
    let seconds = ahead / TICKS_A_SECOND;
    if seconds.unsigned_abs() > CLOCK_LIMIT.as_secs() {
        return Err(SessionError::Unfit(Unfit::Clock { seconds }));
    }
    Ok(())
}

fn start(thread: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name("session".to_owned()).spawn(thread).map(drop)
}

fn read_all(
    mut reader: Box<dyn Read + Send>,
    as_piece: fn(Vec<u8>) -> Piece,
    at_end: Option<Piece>,
    pieces: Sender<Piece>,
) -> impl FnOnce() {
    move || {
        let mut buffer = [0; 8 << 10];
        loop {
            let piece = match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => as_piece(buffer[..length].to_vec()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Piece::Failed(error),
            };
            let is_over = matches!(piece, Piece::Failed(_));
            if pieces.send(piece).is_err() || is_over {
                return;
            }
        }
        if let Some(piece) = at_end {
            let _ = pieces.send(piece);
        }
    }
}

/// Writes until the session ends, or the host does: what it said last is in the other stream.
fn write_all(mut writer: Box<dyn Write + Send>, lines: &Receiver<Vec<u8>>, pieces: &Sender<Piece>) {
    for line in lines {
        match writer.write_all(&line).and_then(|()| writer.flush()) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return,
            Err(error) => {
                let _ = pieces.send(Piece::Failed(error));
                return;
            }
        }
    }
}

fn beginning(line: &str) -> String {
    line.chars().take(EVIDENCE_CHARS).collect()
}

fn tail(last: &[String]) -> String {
    let lines: Vec<String> = last.iter().map(|line| format!("`{line}`")).collect();
    if lines.is_empty() { String::new() } else { format!("; last lines: {}", lines.join(", ")) }
}

fn ending(exit: &Option<ExitStatus>) -> String {
    exit.map(|exit| format!(" ({exit})")).unwrap_or_default()
}

/// From one look at the clock to the next, while nothing arrives.
const GRAIN: Duration = Duration::from_millis(20);
/// How far a host's clock may be from the harness's: five minutes.
const CLOCK_LIMIT: Duration = Duration::from_secs(5 * 60);
const TICKS_A_SECOND: i64 = 10_000_000;
/// How long a program that has closed its output may take to say why.
const LAST_WORDS: Duration = Duration::from_millis(300);
/// How long a host may take for the handshake; a first import of the module takes seconds (inferred).
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(30);
/// More lines that are no answers are counted, not kept.
pub const EVIDENCE_LINES: usize = 200;
/// Longer lines are cut.
pub const EVIDENCE_CHARS: usize = 200;

/// Why another kind of answer cannot come.
pub(super) const READ_AS_ASKED: &str = "an answer is read as the answer to its request";

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};

    use super::super::clock::WallClock;
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
}
