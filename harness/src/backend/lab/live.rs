//! How is a cluster looked at now, and not by a snapshot that somebody brought?
//!
//! By the script of `failover collect`, handed over as sessions hand over theirs: through standard input, by its length, to a
//! bootstrap on the command line. It runs where the harness runs, or on a node, asks the other machines through
//! PowerShell remoting, and changes nothing. Never run on Windows.

use std::io::{self, Read, Write};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use crate::guide::collect::SCRIPT;
use crate::guide::snapshot::{Snapshot, SnapshotError};

use super::protocol::Fields;
use super::transport::{Place, Process, Programs};

/// Why a cluster could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The program could not be started, or its streams failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It took too long, and was killed.
    #[error("the script has told nothing within {} minutes", LIMIT.as_secs() / 60)]
    Limit,
    /// It ended without a snapshot.
    #[error("the script ended without a snapshot{}", told(.last))]
    Nothing {
        /// The last lines that came.
        last: Vec<String>,
    },
    /// What it told is no snapshot.
    #[error("what the script told is no snapshot: {0}")]
    Wrong(#[from] SnapshotError),
}

fn told(last: &[String]) -> String {
    if last.is_empty() { String::new() } else { format!("; last lines: `{}`", last.join("`, `")) }
}

/// The script that is handed over: that of `failover collect`, called with what one more line says.
pub fn script() -> String {
    // Inside a block the statement about the version has no place.
    format!("{BEGIN}{}{END}", SCRIPT.replace("#Requires -Version 5.1\n", ""))
}

/// The script by its length, and the line that it reads.
fn input(cluster: &str) -> Vec<u8> {
    let script = script();
    let said = Fields::default().with("cluster", cluster);
    format!("{}\n{script}{}\n", script.len(), said.line()).into_bytes()
}

/// Looks at a cluster from a place. `.` is the cluster of that machine.
///
/// # Errors
/// If the program cannot be started, takes too long, or tells no snapshot.
pub fn look(programs: &Programs, place: &Place, cluster: &str) -> Result<Snapshot, LiveError> {
    let connection = Process::start(programs.command(place))?;
    let (mut reader, mut writer) = (connection.reader, connection.writer);
    let (sender, pieces) = channel();
    let text = input(cluster);
    std::thread::spawn(move || {
        // A program that does not read tells nothing either.
        let _ = writer.write_all(&text).and_then(|()| writer.flush());
    });
    let of_errors = sender.clone();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = reader.read_to_end(&mut bytes);
        let _ = sender.send((true, bytes));
    });
    if let Some(mut errors) = connection.errors {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = errors.read_to_end(&mut bytes);
            let _ = of_errors.send((false, bytes));
        });
    }
    let mut lines = Vec::new();
    let mut output = None;
    while output.is_none() {
        match pieces.recv_timeout(LIMIT) {
            Ok((true, bytes)) => output = Some(String::from_utf8_lossy(&bytes).into_owned()),
            Ok((false, bytes)) => lines.push(String::from_utf8_lossy(&bytes).into_owned()),
            Err(RecvTimeoutError::Timeout) => {
                connection.process.into_iter().for_each(Process::kill);
                return Err(LiveError::Limit);
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    // What is told on the other stream may come a moment later.
    if let Ok((_, bytes)) = pieces.recv_timeout(Duration::from_millis(200)) {
        lines.push(String::from_utf8_lossy(&bytes).into_owned());
    }
    let output = output.unwrap_or_default();
    match output.find(FIRST_WORDS) {
        Some(at) => Ok(Snapshot::read(output[at..].trim_end())?),
        None => {
            lines.push(output);
            let all = lines.iter().flat_map(|text| text.lines());
            let last: Vec<String> =
                all.map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
            Err(LiveError::Nothing { last: last[last.len().saturating_sub(LINES)..].to_vec() })
        }
    }
}

/// Reads the one line that follows the script, and calls what comes next with it.
const BEGIN: &str = include_str!("script/live_begin.ps1");
const END: &str = "} -OutFile '-' -Cluster ([string] $said.cluster)\n";
/// How every snapshot begins that the script tells.
const FIRST_WORDS: &str = "{\"snapshot\":";
/// How long the script may take: it asks one machine after the other.
const LIMIT: Duration = Duration::from_secs(600);
/// So many of the last lines are told.
const LINES: usize = 5;

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::transport::Transport;
    use super::*;

    fn look_with(text: &str) -> Result<Snapshot, LiveError> {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("powershell");
        std::fs::write(&program, format!("#!/bin/sh\n{text}\n")).expect("a file");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("permissions");
        let programs = Programs { power_shell: program, ..Programs::default() };
        look(&programs, &Place { name: String::new(), transport: Transport::Local }, "SQLCLUS")
    }

    #[test]
    fn a_program_that_tells_no_snapshot_is_quoted() {
        let error = look_with("cat >/dev/null; echo 'no module FailoverClusters' >&2; exit 1");
        let error = error.expect_err("it tells nothing").to_string();
        assert_eq!(error, "the script ended without a snapshot; last lines: `no module FailoverClusters`");
        let error =
            look_with("cat >/dev/null; echo WARNING; echo '{\"snapshot\":1,'").expect_err("it breaks off");
        assert!(error.to_string().starts_with("what the script told is no snapshot"), "{error}");
    }

    #[test]
    fn the_script_is_handed_over_by_its_length_with_the_cluster_as_data() {
        let text = String::from_utf8(input("A'; Remove-Item *")).expect("it is ASCII");
        assert!(text.is_ascii());
        let (length, rest) = text.split_once('\n').expect("a length");
        let (script, line) = rest.split_at(length.parse().expect("a number"));
        assert!(script.ends_with(END) && !script.contains("#Requires") && !script.contains("Remove-Item"));
        assert_eq!(line, "{\"cluster\":\"A'; Remove-Item *\"}\n");
    }
}
