//! How do bytes come from a host and go to it, while the run goes on?

use std::io;
use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, Sender};

use super::super::transport::Process;

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

/// What a thread of a session brings.
pub(super) enum Piece {
    /// Something that the host has written.
    Said(Vec<u8>),
    /// The host writes no more.
    Ended,
    /// Something about troubles.
    Trouble(Vec<u8>),
    /// A stream failed.
    Failed(io::Error),
}

pub(super) fn start(thread: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name("session".to_owned()).spawn(thread).map(drop)
}

pub(super) fn read_all(
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
pub(super) fn write_all(
    mut writer: Box<dyn Write + Send>,
    lines: &Receiver<Vec<u8>>,
    pieces: &Sender<Piece>,
) {
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
