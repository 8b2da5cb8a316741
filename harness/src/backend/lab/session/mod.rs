//! How is a session with one host held: who asks, who answers, and what if nobody does?
//!
//! A session is a pair of byte streams. Threads of its own read and write, so that nothing but a time limit ever holds
//! the run. After any error but a failed request the session is broken and its owner replaces it.

mod evidence;
mod needs;
mod streams;
#[cfg(test)]
mod tests;

use std::io;
use std::process::ExitStatus;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::time::Duration;

use failover_sim::time::Time;

use super::clock::Clock;
use super::protocol::{
    Answer, Call, ErrorRecord, FieldError, Hello, LINE_LIMIT, Line, Lines, Marker, Reply, Request,
};
use super::transport::Process;
use evidence::beginning;
use streams::{Piece, read_all, start, write_all};

pub use evidence::{EVIDENCE_CHARS, EVIDENCE_LINES, Evidence};
pub use needs::{Needs, Unfit, admit};
pub use streams::Connection;

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

#[derive(Clone, Debug)]
struct Pending {
    request: Request,
    sent: Time,
    /// The host has said that nothing more will come.
    is_still: bool,
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
        let exit = self.process.as_mut().and_then(|process| process.exit_within(LAST_WORDS));
        SessionError::Closed { exit, last: self.last_lines() }
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

fn tail(last: &[String]) -> String {
    let lines: Vec<String> = last.iter().map(|line| format!("`{line}`")).collect();
    if lines.is_empty() { String::new() } else { format!("; last lines: {}", lines.join(", ")) }
}

fn ending(exit: &Option<ExitStatus>) -> String {
    exit.map(|exit| format!(" ({exit})")).unwrap_or_default()
}

/// From one look at the clock to the next, while nothing arrives.
const GRAIN: Duration = Duration::from_millis(20);
/// How long a program that has closed its output may take to say why.
const LAST_WORDS: Duration = Duration::from_millis(300);
/// How long a host may take for the handshake; a first import of the module takes seconds (inferred).
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(30);

/// Why another kind of answer cannot come.
pub(super) const READ_AS_ASKED: &str = "an answer is read as the answer to its request";
