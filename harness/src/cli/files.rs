//! How are the files read and written that a command line names?

use std::collections::BTreeSet;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use crate::bounded;
use crate::plan::{Origin, Plan, path_text};
use crate::scenario::diagnostic::Diagnostics;
use crate::whole;

use super::{CommandError, paint, print};

/// What a file is expected to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Exploration,
    History,
    Journal,
    Lab,
    Learned,
    Measurement,
    Snapshot,
    Steps,
}

impl Expected {
    /// Where such a file comes from.
    pub(super) const fn hint(self) -> &'static str {
        match self {
            Self::Exploration => "`failover explore --report json=FILE` writes one",
            Self::History => "`failover run --histories FOLDER` keeps one of each run",
            Self::Journal => {
                "a run keeps its journals in the folder of `--journals`; in a real lab, in its own folder below `lab-runs`"
            }
            Self::Lab => {
                "`failover lab init` writes one, and the word `twin` stands for a model of a lab's hosts"
            }
            Self::Learned => "`failover run --learn FILE` writes one",
            Self::Measurement => "`failover bench reconnect --save FILE` writes one",
            Self::Snapshot => "`failover collect` prints the script that makes one",
            Self::Steps => {
                "expected a file with a list of steps, as under `steps:` of a scenario; `-` is standard input"
            }
        }
    }

    /// How much of it is read: a history grows with its run, all others are written by people or are short.
    const fn most(self) -> u64 {
        match self {
            Self::History => 4 << 30,
            Self::Exploration
            | Self::Journal
            | Self::Lab
            | Self::Learned
            | Self::Measurement
            | Self::Snapshot
            | Self::Steps => bounded::MOST,
        }
    }
}

/// The text of a file; `-` is standard input.
pub(super) fn text_of(file: &Path, expected: Expected) -> Result<String, CommandError> {
    bounded::text(bytes_of(file, expected)?).map_err(|error| cannot_read(file, &error, expected))
}

/// The bytes of a file; `-` is standard input.
pub(super) fn bytes_of(file: &Path, expected: Expected) -> Result<Vec<u8>, CommandError> {
    let read = if file == Path::new("-") {
        bounded::read(std::io::stdin(), expected.most())
    } else {
        bounded::read_file(file, expected.most())
    };
    read.map_err(|error| cannot_read(file, &error, expected))
}

/// Mistakes in a file, each with its place; where none has a hint, it is told what was expected.
pub(super) fn mistakes(wrong: &Diagnostics, expected: Expected) -> CommandError {
    let mut text = wrong.render(paint());
    if !text.contains("hint: ") {
        text.push_str(&format!("hint: {}\n", expected.hint()));
    }
    CommandError::Shown(text)
}

fn cannot_read(file: &Path, error: &Error, expected: Expected) -> CommandError {
    CommandError::Input(format!("cannot read `{}`: {error}\nhint: {}", path_text(file), expected.hint()))
}

/// Refuses a file whose content is not what is expected.
pub(super) fn unfit(file: &Path, what: impl std::fmt::Display, expected: Expected) -> CommandError {
    CommandError::Input(format!("`{}`: {what}\nhint: {}", path_text(file), expected.hint()))
}

/// Writes a file whole, or leaves what is there.
pub(super) fn write(file: &Path, text: &str) -> Result<(), CommandError> {
    whole::write(file, text.as_bytes()).map_err(|error| cannot_write(file, &error))
}

/// Writes what somebody asked for; `-` is standard output.
pub(super) fn write_or_print(file: &Path, text: &str) -> Result<(), CommandError> {
    if file == Path::new("-") { print(text) } else { write(file, text) }
}

/// Writes a file that must not exist.
pub(super) fn write_new(file: &Path, bytes: &[u8]) -> Result<(), CommandError> {
    whole::write_new(file, bytes).map_err(|error| cannot_write(file, &error))
}

/// Writes files that must not exist, with the folders that they lie in: all of them, or none.
pub(super) fn write_all_new(files: &[(PathBuf, String)]) -> Result<(), CommandError> {
    for (place, (file, text)) in files.iter().enumerate() {
        let folder = file.parent().map_or(Ok(()), std::fs::create_dir_all);
        let written = folder.and_then(|()| whole::write_new(file, text.as_bytes()));
        written.map_err(|error| {
            for (written, _) in &files[..place] {
                let _ = std::fs::remove_file(written);
            }
            cannot_write(file, &error)
        })?;
    }
    Ok(())
}

/// The files that plans were made from, and the others that are named.
pub(super) fn sources<'p>(
    plans: &[Plan],
    others: impl IntoIterator<Item = &'p Option<PathBuf>>,
) -> BTreeSet<PathBuf> {
    let of_plan = |origin: &Origin| {
        let folder = Path::new(&origin.topology_file).parent().unwrap_or(Path::new("")).to_owned();
        let base = origin.base.as_ref().map(|base| &base.file);
        let named = [&origin.scenario_file, &origin.topology_file].into_iter().chain(base).map(PathBuf::from);
        named.chain(origin.files.keys().map(move |name| folder.join(name))).collect::<Vec<_>>()
    };
    plans.iter().flat_map(|plan| of_plan(&plan.origin)).chain(others.into_iter().flatten().cloned()).collect()
}

/// Refuses to write over what is read, and two files into one.
pub(super) fn check_apart<'p>(
    written: impl IntoIterator<Item = &'p Path>,
    read: &BTreeSet<PathBuf>,
) -> Result<(), CommandError> {
    // What is not there yet lies where its folder does.
    let place = |file: &Path| {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let in_folder = || Some(std::fs::canonicalize(folder).ok()?.join(file.file_name()?));
        std::fs::canonicalize(file).ok().or_else(in_folder).unwrap_or_else(|| file.to_owned())
    };
    let read: BTreeSet<PathBuf> = read.iter().filter(|file| file.is_file()).map(|file| place(file)).collect();
    let mut taken = BTreeSet::new();
    // Pipes and devices take whatever comes.
    let is_file = |file: &&Path| file.is_file() || !file.exists() && *file != Path::new("-");
    for file in written.into_iter().filter(is_file) {
        let shown = path_text(file);
        let place = place(file);
        let wrong = if read.contains(&place) {
            format!("`{shown}` would be written over, and it is read here")
        } else if !taken.insert(place) {
            format!("two files would be written to `{shown}`")
        } else {
            continue;
        };
        return Err(CommandError::Input(format!("{wrong}\nhint: give what is written a name of its own")));
    }
    Ok(())
}

/// Whether a file can be written when what belongs there is known: nothing is changed, and `-` is standard output.
pub(super) fn check_file(file: &Path) -> Result<(), CommandError> {
    if file == Path::new("-") {
        return Ok(());
    }
    whole::check(file).map_err(|error| cannot_write(file, &error))
}

/// Whether a folder can be made, or is there; nothing is changed.
pub(super) fn check_folder(folder: &Path) -> Result<(), CommandError> {
    let missing = folder.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists());
    let made = match missing.last() {
        Some(first) => std::fs::create_dir(first).and_then(|()| std::fs::remove_dir(first)),
        None if folder.is_dir() => Ok(()),
        None => Err(ErrorKind::NotADirectory.into()),
    };
    made.map_err(|error| cannot_make(folder, &error))
}

/// A folder that cannot be made.
pub(super) fn cannot_make(folder: &Path, error: &Error) -> CommandError {
    let hint = if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotADirectory) {
        "that is a file, or lies below one: name a folder"
    } else {
        "name a folder below one that you may write to"
    };
    CommandError::Surroundings(format!("cannot write `{}`: {error}\nhint: {hint}", path_text(folder)))
}

/// A file that cannot be written.
pub(super) fn cannot_write(path: &Path, error: &Error) -> CommandError {
    let hints = [
        (ErrorKind::AlreadyExists, "name a file that does not exist"),
        (ErrorKind::IsADirectory, "that is a folder: name a file"),
        (ErrorKind::NotFound, "make the folder first"),
    ];
    let hint = hints.into_iter().find(|(kind, _)| *kind == error.kind());
    let hint = hint.map_or("name a file in a folder that you may write to", |(_, hint)| hint);
    let text = format!("cannot write `{}`: {error}\nhint: {hint}", path_text(path));
    // Nothing failed: another name was to be given, as for `new` and `lab init`.
    if error.kind() == ErrorKind::AlreadyExists {
        CommandError::Input(text)
    } else {
        CommandError::Surroundings(text)
    }
}
