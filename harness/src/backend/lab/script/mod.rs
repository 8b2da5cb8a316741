//! What runs on a Windows host, and how does it get there?
//!
//! One script of Windows PowerShell 5.1 answers every verb of the [protocol](super::protocol). A short bootstrap on the
//! command line takes it from standard input, so that no file is left on the host and no execution policy is asked
//! (policies are about files) or got around. Everything that the script may call stands in [`COMMANDS`], [`MEMBERS`],
//! [`STATEMENTS`] and [`PROCEDURES`], and a test compares.

mod commands;
mod statements;

use std::io::{self, Write};
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::protocol::Fields;

pub use commands::{COMMANDS, Command, MEMBERS};
pub use statements::{PROCEDURES, Procedure, STATEMENTS, Statement};

/// The script, in ASCII.
pub const SCRIPT: &str = include_str!("session.ps1");

/// What the command line of a session holds before the encoded bootstrap.
///
/// `-InputFormat None`: without it the host program itself reads the standard input, for `$input` (PowerShell's source;
/// the value is not in its help). The others: about_PowerShell_exe, documented.
pub const ARGUMENTS: [&str; 8] = [
    "-NoLogo",
    "-NoProfile",
    "-NonInteractive",
    "-InputFormat",
    "None",
    "-OutputFormat",
    "Text",
    "-EncodedCommand",
];

/// The bootstrap as it is written: it reads the length of the script, a line feed, the script, and runs it.
///
/// A restricted language mode is said in a line, since nothing that follows would run in it.
pub const BOOTSTRAP: &str = include_str!("bootstrap.ps1");

/// The bootstrap as `-EncodedCommand` takes it: UTF-16, base64.
pub fn bootstrap() -> &'static str {
    static ENCODED: LazyLock<String> = LazyLock::new(|| {
        let bytes: Vec<u8> = BOOTSTRAP.encode_utf16().flat_map(u16::to_le_bytes).collect();
        STANDARD.encode(bytes)
    });
    &ENCODED
}

/// What a host reads before the first request: the script by its length, then one line with what is particular to this
/// session.
///
/// `target` is the host that a PSSession is opened with; `None` for the host that the script runs on.
pub fn opening(target: Option<&str>) -> Vec<u8> {
    let session = Fields::default().with_some("target", target);
    format!("{}\n{SCRIPT}{}\n", SCRIPT.len(), session.line()).into_bytes()
}

/// A stream to a host that hands the script over before the first request.
pub(super) struct Opened<W> {
    writer: W,
    opening: Vec<u8>,
}

impl<W: Write> Opened<W> {
    pub(super) fn new(writer: W, target: Option<&str>) -> Self {
        Self { writer, opening: opening(target) }
    }
}

impl<W: Write> Write for Opened<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.opening.is_empty() {
            self.writer.write_all(&self.opening)?;
            self.opening.clear();
        }
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
