//! What has been done to a lab, and what of it is still to be taken back?
//!
//! A file of JSON lines, each on the disk before what it announces is done. It is enough to finish an undo by hand or
//! after a crash of the harness.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use failover_sim::action::Verb;
use serde::{Deserialize, Serialize};

use crate::bounded;
use crate::history::Header;
use crate::plan::Plan;
use crate::scenario::plan as plan_of;

use super::PACKAGE;
use super::protocol::Part;

/// What an action has done that can be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The role comes online again.
    StartRole {
        /// The group.
        group: String,
    },
    /// The resource comes online again.
    StartResource {
        /// The resource.
        resource: String,
    },
    /// The node takes roles again.
    ResumeNode {
        /// The node.
        node: String,
    },
    /// The node's cluster service starts again.
    StartClusterService {
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
    /// The executions of the supplied package that came after this one are over.
    StopExecutions {
        /// The id of the last execution before.
        after: i64,
    },
    /// The part has the value again that it had.
    RestorePart {
        /// The node or worker that has it.
        host: String,
        /// Which part.
        #[serde(flatten)]
        part: Part,
        /// Its value before.
        value: Vec<String>,
    },
}

/// How far an action has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Serialize, Deserialize)]
struct Line {
    entry: usize,
    action: u16,
    verb: String,
    #[serde(flatten)]
    undo: Undo,
    state: State,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// Why a journal is of no use.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It cannot be read or opened for writing.
    #[error("cannot read the journal: {0}")]
    Io(#[from] std::io::Error),
    /// Its first line is no plan.
    #[error("its first line does not say which plan it is of: {0}")]
    Header(String),
    /// A line in the middle is not one of a journal. The last one may be cut short.
    #[error("line {number} is none of a journal: {source}")]
    Line {
        /// Which one, from 1.
        number: usize,
        /// Why.
        source: serde_json::Error,
    },
    /// A verb that this version does not know.
    #[error("line {number} has the verb `{verb}`, which this version does not know")]
    Verb {
        /// Which line, from 1.
        number: usize,
        /// The word.
        verb: String,
    },
    /// A line before it is missing.
    #[error("line {number} is of entry {entry}, and entry {expected} is the next one: a line is missing")]
    Entry {
        /// Which line, from 1.
        number: usize,
        /// Its entry, from 0.
        entry: usize,
        /// The entry that would be next.
        expected: usize,
    },
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

/// What the file of a journal says.
#[derive(Debug)]
pub struct Content {
    /// The plan that it is of.
    pub plan: Plan,
    /// What is in it, oldest first.
    pub entries: Vec<Entry>,
    /// How many bytes of it are whole lines.
    pub whole: usize,
}

impl Content {
    /// Reads the bytes of a journal. A line that is cut short, in the middle of a letter too, was not on the disk when the
    /// harness died: what it announces was not done.
    ///
    /// # Errors
    /// If it is not a journal.
    pub fn read(bytes: &[u8]) -> Result<Self, JournalError> {
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let text = std::str::from_utf8(&bytes[..whole])
            .map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidData, error))?;
        let header =
            crate::history::read_header(text).map_err(|error| JournalError::Header(error.to_string()))?;
        let plan = plan_of(&header.name, &header.origin(), header.seed)
            .map_err(|_| JournalError::Header("the plan has mistakes".to_owned()))?;
        let mut entries: Vec<Entry> = Vec::new();
        for (index, line) in text.lines().enumerate().skip(1) {
            let number = index + 1;
            let read = serde_json::from_str(line);
            let Line { entry, action, verb, undo, state, why: _ } =
                read.map_err(|source| JournalError::Line { number, source })?;
            let known = Verb::ALL.into_iter().map(Verb::word).find(|word| *word == verb);
            let verb = known.ok_or(JournalError::Verb { number, verb })?;
            let read = Entry { action, verb, undo, state };
            let expected = entries.len();
            match entries.get_mut(entry) {
                Some(known) => *known = read,
                None if entry == expected => entries.push(read),
                None => return Err(JournalError::Entry { number, entry, expected }),
            }
        }
        Ok(Self { plan, entries, whole })
    }
}

/// The journal of one run.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    entries: Vec<Entry>,
}

impl Journal {
    /// Begins a journal of a plan in a folder, which is made if it is not there. Its first line is the plan, so that the
    /// journal is enough to take back what is in it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn begin(folder: &Path, plan: &Plan) -> std::io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let name = plan.name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '_', "-");
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!("{name}-{}-{number}.jsonl", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(mut file) => {
                    let mut text = serde_json::to_vec(&Header::new(plan, "lab"))?;
                    text.push(b'\n');
                    file.write_all(&text)?;
                    file.sync_data()?;
                    return Ok(Self { path, file, entries: Vec::new() });
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads a journal, to go on with it; and the plan that it is of.
    ///
    /// # Errors
    /// If it is not a journal.
    pub fn read(path: &Path) -> Result<(Self, Plan), JournalError> {
        let Content { plan, entries, whole } = Content::read(&bounded::read_file(path, bounded::MOST)?)?;
        let file = OpenOptions::new().append(true).open(path)?;
        file.set_len(whole as u64)?;
        Ok((Self { path: path.to_owned(), file, entries }, plan))
    }

    /// Takes the file away again if nothing was announced in it.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn discard_if_empty(&self) -> std::io::Result<()> {
        if self.entries.is_empty() { std::fs::remove_file(&self.path) } else { Ok(()) }
    }

    /// Entries that are not taken back.
    pub fn open(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.state != State::Undone)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its name, by which entries in the hosts' event logs lead to it.
    pub fn name(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
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
        let line = Line {
            entry,
            action: *action,
            verb: (*verb).to_owned(),
            undo: undo.clone(),
            state: *state,
            why: why.map(str::to_owned),
        };
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        self.file.write_all(&text)?;
        self.file.sync_data()
    }
}

impl Undo {
    /// Whose part it restores, which, and to what value, if it restores a part.
    pub(super) fn part(&self) -> Option<(&str, &Part, &[String])> {
        match self {
            Self::RestorePart { host, part, value } => Some((host, part, value)),
            Self::MoveRole { .. }
            | Self::PowerOn { .. }
            | Self::StartRole { .. }
            | Self::StartResource { .. }
            | Self::ResumeNode { .. }
            | Self::StartClusterService { .. }
            | Self::StopExecutions { .. }
            | Self::RestoreMasterCertificate { .. } => None,
        }
    }
}

impl std::fmt::Display for Undo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::MoveRole { group, node } => write!(f, "move `{group}` back to {node}"),
            Self::StartRole { group } => write!(f, "bring the role `{group}` online"),
            Self::StartResource { resource } => write!(f, "bring the resource `{resource}` online"),
            Self::ResumeNode { node } => write!(f, "resume {node}"),
            Self::StartClusterService { node } => write!(f, "start the cluster service of {node}"),
            Self::PowerOn { node } => write!(f, "power {node} on"),
            Self::RestoreMasterCertificate { node, thumbprint } => {
                write!(f, "put the master certificate {thumbprint} back on {node}")
            }
            Self::StopExecutions { after } => {
                write!(f, "stop the executions of `{PACKAGE}` after {after}, or wait until they are over")
            }
            Self::RestorePart { host, part, value } => {
                let value = if value.is_empty() { "nothing".to_owned() } else { value.join(", ") };
                write!(f, "set {part} of {host} back to {value}")
            }
        }
    }
}

/// Tells the journals of one process apart.
static NUMBER: AtomicU32 = AtomicU32::new(0);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_line_is_on_the_disk_before_the_next_thing_is_done_and_is_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let plan = crate::scenario::tests_support::plan_of("- move_role: { to: standby }");
        let mut journal = Journal::begin(folder.path(), &plan).expect("a temporary folder");
        let read = |journal: &Journal| std::fs::read_to_string(journal.path()).expect("the journal is there");
        let undo = Undo::PowerOn { node: "NODE1".to_owned() };
        let entry = journal.announce(3, "power_off", undo).expect("it can be written");
        let begun =
            r#"{"entry":0,"action":3,"verb":"power_off","undo":"power_on","node":"NODE1","state":"begun"}"#;
        assert_eq!(read(&journal).lines().skip(1).collect::<Vec<_>>(), [begun]);
        journal.mark(entry, State::Open, Some("no answer")).expect("it can be written");
        assert!(read(&journal).ends_with("\"state\":\"open\",\"why\":\"no answer\"}\n"));
        // The harness dies in the middle of a line.
        let whole = read(&journal);
        std::fs::write(journal.path(), format!("{whole}{}", &begun[..30])).expect("it can be written");
        let (mut again, of) = Journal::read(journal.path()).expect("a journal");
        assert_eq!((again.entries(), of.digest()), (journal.entries(), plan.digest()));
        again.mark(0, State::Undone, None).expect("it can be written");
        let (ended, _) = Journal::read(journal.path()).expect("a journal");
        assert_eq!(ended.open().count(), 0);
        std::fs::write(journal.path(), whole.replace("entry", "enter")).expect("it can be written");
        let error = Journal::read(journal.path()).expect_err("no journal").to_string();
        assert!(error.starts_with("line 2 is none of a journal: "), "{error}");
    }

    /// What a harness may write: names as they are in Windows, in any alphabet.
    fn undo() -> impl Strategy<Value = Undo> {
        let name = "[A-Za-z\u{e4}\u{fc}\u{4e2d}\u{1f600} \"\\\\\n-]{1,8}";
        prop_oneof![
            (name, name).prop_map(|(group, node)| Undo::MoveRole { group, node }),
            name.prop_map(|node| Undo::PowerOn { node }),
            name.prop_map(|resource| Undo::StartResource { resource }),
            (name, "[0-9A-F]{40}")
                .prop_map(|(node, thumbprint)| Undo::RestoreMasterCertificate { node, thumbprint }),
        ]
    }

    /// A journal of these actions, its bytes, and after each write how many of them were on the disk and what they said.
    fn written(undos: &[(Undo, u8)]) -> (Vec<u8>, Vec<(usize, Vec<Entry>)>) {
        let folder = tempfile::tempdir().expect("a folder");
        let plan = crate::scenario::tests_support::plan_of("- move_role: { to: standby }");
        let mut journal = Journal::begin(folder.path(), &plan).expect("a temporary folder");
        let length =
            |journal: &Journal| std::fs::metadata(journal.path()).expect("it is there").len() as usize;
        let mut moments = vec![(length(&journal), Vec::new())];
        for (index, (undo, states)) in undos.iter().enumerate() {
            let entry = journal.announce(index as u16, "move_role", undo.clone()).expect("it can be written");
            moments.push((length(&journal), journal.entries().to_vec()));
            let later = [State::Done, State::Undoing, State::Open, State::Undone];
            for state in later.into_iter().take(usize::from(*states)) {
                journal.mark(entry, state, Some("why")).expect("it can be written");
                moments.push((length(&journal), journal.entries().to_vec()));
            }
        }
        (std::fs::read(journal.path()).expect("it is there"), moments)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_journal_cut_anywhere_loses_nothing_that_was_on_the_disk_before(
            undos in proptest::collection::vec((undo(), 0_u8..5), 1..5),
            anywhere in proptest::collection::vec(any::<prop::sample::Index>(), 4),
        ) {
            let (bytes, moments) = written(&undos);
            let header = moments[0].0;
            let within_letters = (0..bytes.len()).filter(|&at| (0x80..0xC0).contains(&bytes[at])).take(3);
            let ends = moments.iter().rev().take(3).flat_map(|&(length, _)| [length - 1, length]);
            let cuts = anywhere.iter().map(|cut| cut.index(bytes.len() + 1));
            for cut in cuts.chain(within_letters).chain(ends) {
                let read = Content::read(&bytes[..cut]);
                if cut < header {
                    prop_assert!(matches!(read, Err(JournalError::Header(_))), "cut at {}: {:?}", cut, read);
                    continue;
                }
                let last = moments.iter().rev().find(|(length, _)| *length <= cut);
                let (length, entries) = last.expect("the header was whole");
                let read = read.expect("a journal");
                prop_assert_eq!((read.whole, &read.entries), (*length, entries), "cut at {}", cut);
            }
        }

        #[test]
        fn whatever_bytes_a_journal_has_are_read_or_refused(
            undos in proptest::collection::vec((undo(), 0_u8..5), 1..4),
            tail in proptest::collection::vec(any::<u8>(), 0..80),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
            left_out in any::<prop::sample::Index>(),
        ) {
            let _ = Content::read(&tail);
            let (mut bytes, moments) = written(&undos);
            let header = moments[0].0;
            // Behind the header whatever follows is refused, or what stood before it is still there.
            let mut longer = bytes.clone();
            longer.extend(&tail);
            if let Ok(read) = Content::read(&longer) {
                let before = Content::read(&bytes).expect("a journal").entries;
                prop_assert!(read.entries.len() >= before.len());
            }
            // One line is missing: refused, or a line that a later one of its entry replaces.
            let lines: Vec<&[u8]> = bytes[header..].split_inclusive(|&byte| byte == b'\n').collect();
            let index = left_out.index(lines.len());
            let rest = lines.iter().enumerate().filter(|(other, _)| *other != index);
            let less = [&bytes[..header], &rest.map(|(_, line)| *line).collect::<Vec<_>>().concat()].concat();
            match Content::read(&less) {
                Ok(read) => prop_assert!(read.entries.len() + 1 >= undos.len()),
                Err(error) => prop_assert!(matches!(error, JournalError::Entry { .. }), "{}", error),
            }
            // One byte is another.
            let index = at.index(bytes.len());
            bytes[index] = byte;
            let _ = Content::read(&bytes);
        }
    }
}
