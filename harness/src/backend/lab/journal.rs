//! What has been done to a lab, and what of it is still to be taken back?
//!
//! A file of JSON lines, each on the disk before what it announces is done. It is enough to finish an undo by hand or
//! after a crash of the harness.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use serde::Serialize;

/// What an action has done that can be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "undo", rename_all = "snake_case")]
pub enum Undo {
    /// The group goes back to the node that owned it.
    MoveRole {
        /// The group.
        group: String,
        /// Its owner node before.
        node: String,
    },
    /// The node gets its power back.
    PowerOn {
        /// The node.
        node: String,
    },
    /// The certificate that the binding had is put back.
    RestoreMasterCertificate {
        /// The node.
        node: String,
        /// Its thumbprint.
        thumbprint: String,
    },
}

/// How far an action has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is about to be done; if nothing follows, nobody knows whether it was.
    Begun,
    /// It was done.
    Done,
    /// It is about to be taken back.
    Undoing,
    /// It was taken back, and that was verified.
    Undone,
    /// It could not be taken back.
    Open,
}

/// A line of the file.
#[derive(Serialize)]
struct Line<'a> {
    entry: usize,
    action: u16,
    verb: &'a str,
    #[serde(flatten)]
    undo: &'a Undo,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

/// An action in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The number of the action in its plan.
    pub action: u16,
    /// Its verb.
    pub verb: &'static str,
    /// How to take it back.
    pub undo: Undo,
    /// How far it has come.
    pub state: State,
}

/// The journal of one run.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    entries: Vec<Entry>,
}

impl Journal {
    /// Begins a journal in a folder, which is made if it is not there; `name` is the run's.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn begin(folder: &Path, name: &str) -> std::io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let name = name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '_', "-");
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!("{name}-{}-{number}.jsonl", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Self { path, file, entries: Vec::new() }),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Announces an action; its entry is on the disk when this returns.
    ///
    /// # Errors
    /// If it cannot be written; the action must not be done then.
    pub fn announce(&mut self, action: u16, verb: &'static str, undo: Undo) -> std::io::Result<usize> {
        self.entries.push(Entry { action, verb, undo, state: State::Begun });
        let entry = self.entries.len() - 1;
        self.write(entry, None).map(|()| entry)
    }

    /// Says how far an entry has come, and why if it is open.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn mark(&mut self, entry: usize, state: State, why: Option<&str>) -> std::io::Result<()> {
        self.entries[entry].state = state;
        self.write(entry, why)
    }

    fn write(&mut self, entry: usize, why: Option<&str>) -> std::io::Result<()> {
        let Entry { action, verb, undo, state } = &self.entries[entry];
        let line = Line { entry, action: *action, verb, undo, state: *state, why };
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        self.file.write_all(&text)?;
        self.file.sync_data()
    }
}

impl std::fmt::Display for Undo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::MoveRole { group, node } => write!(f, "move `{group}` back to {node}"),
            Self::PowerOn { node } => write!(f, "power {node} on"),
            Self::RestoreMasterCertificate { node, thumbprint } => {
                write!(f, "put the master certificate {thumbprint} back on {node}")
            }
        }
    }
}

/// Tells the journals of one process apart.
static NUMBER: AtomicU32 = AtomicU32::new(0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_on_the_disk_before_the_next_thing_is_done() {
        let folder = std::env::temp_dir().join(format!("failover-journal-{}", std::process::id()));
        let mut journal = Journal::begin(&folder, "cluster/a b").expect("a temporary folder");
        let read = |journal: &Journal| std::fs::read_to_string(journal.path()).expect("the journal is there");
        let undo = Undo::PowerOn { node: "NODE1".to_owned() };
        let entry = journal.announce(3, "power_off", undo).expect("it can be written");
        let begun =
            r#"{"entry":0,"action":3,"verb":"power_off","undo":"power_on","node":"NODE1","state":"begun"}"#;
        assert_eq!(read(&journal).lines().collect::<Vec<_>>(), [begun]);
        journal.mark(entry, State::Open, Some("no answer")).expect("it can be written");
        assert!(read(&journal).ends_with("\"state\":\"open\",\"why\":\"no answer\"}\n"));
        assert!(journal.path().to_string_lossy().contains("cluster-a-b-"));
        std::fs::remove_dir_all(&folder).expect("the folder is ours");
    }
}
