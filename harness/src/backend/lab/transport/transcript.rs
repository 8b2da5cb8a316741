//! What was said in a session, kept in files: one for what was asked, one for every line that came back.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use super::super::reach::{Host, Purpose};
use super::super::session::Connection;

/// A stream of which a copy is kept.
struct Kept<S> {
    stream: S,
    copy: File,
}

impl<S: Read> Read for Kept<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.stream.read(buffer)?;
        self.copy.write_all(&buffer[..length])?;
        Ok(length)
    }
}

impl<S: Write> Write for Kept<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.stream.write(bytes)?;
        self.copy.write_all(&bytes[..length])?;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Keeps what is said in a session; `number` tells it from others with the same host.
///
/// # Errors
/// If the files cannot be made.
pub(super) fn keep(
    connection: Connection,
    folder: &Path,
    (host, purpose, number): (Host, Purpose, u32),
) -> io::Result<Connection> {
    std::fs::create_dir_all(folder)?;
    let host = match host {
        Host::Control => "control".to_owned(),
        Host::Node(node) => format!("node{}", node.0 + 1),
        Host::Worker(worker) => format!("worker{}", worker.0 + 1),
    };
    let purpose = match purpose {
        Purpose::Observe => "looks",
        Purpose::Act => "acts",
    };
    let name = |what: &str| folder.join(format!("{number:03}-{host}-{purpose}.{what}"));
    let (asked, said) = (File::create(name("asked"))?, File::create(name("said"))?);
    Ok(Connection {
        reader: Box::new(Kept { stream: connection.reader, copy: said }),
        writer: Box::new(Kept { stream: connection.writer, copy: asked }),
        ..connection
    })
}
