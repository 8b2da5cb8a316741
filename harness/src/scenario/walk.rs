//! Which files in a folder are scenarios, and which are topologies?

use std::io;
use std::path::{Path, PathBuf};

use crate::plan::path_text;

/// The scenarios and topologies in a folder and below it, in the order of their names, and what is said of other files.
#[derive(Debug, Default)]
pub(super) struct Walk {
    pub(super) files: Vec<PathBuf>,
    pub(super) topologies: Vec<PathBuf>,
    pub(super) remarks: Vec<String>,
    other_endings: Vec<String>,
    root: PathBuf,
    /// The folders under way, by where they really lie: a link may lead back to one of them.
    within: Vec<PathBuf>,
}

impl Walk {
    /// Walks through a folder, which may itself be one of topologies.
    ///
    /// # Errors
    /// If it, or a folder below it, cannot be read: its path, and what the system says.
    pub(super) fn through(folder: &Path, in_topologies: bool) -> Result<Self, (PathBuf, io::Error)> {
        let mut walk = Self { root: folder.to_owned(), ..Self::default() };
        walk.enter(folder, in_topologies)?;
        if let Some((first, others)) = walk.other_endings.split_first() {
            let others =
                if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
            walk.remarks
                .push(format!("passed over: `{first}`{others}: the name of a scenario ends in .yaml"));
        }
        Ok(walk)
    }

    fn enter(&mut self, folder: &Path, in_topologies: bool) -> Result<(), (PathBuf, io::Error)> {
        let failed = |error| (folder.to_owned(), error);
        let place = std::fs::canonicalize(folder).map_err(failed)?;
        if self.within.contains(&place) {
            return Ok(());
        }
        self.within.push(place);
        let mut entries: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            entries.push(entry.map_err(failed)?.path());
        }
        entries.sort();
        for entry in entries {
            self.meet(entry, in_topologies)?;
        }
        self.within.pop();
        Ok(())
    }

    fn meet(&mut self, entry: PathBuf, in_topologies: bool) -> Result<(), (PathBuf, io::Error)> {
        let ends_in = |ending: &str| entry.extension().is_some_and(|own| own == ending);
        let shown = || path_text(&entry);
        if entry.is_dir() {
            if entry.ends_with(FINDINGS) {
                self.remarks.push(format!(
                    "passed over: `{}`, where `failover explore` puts what it finds: name it to take it too",
                    shown()
                ));
            } else {
                self.enter(&entry, in_topologies || entry.ends_with("topologies"))?;
            }
        } else if ends_in("yaml") {
            // A pipe may never end, and a link may lead to nothing: that is told when it is read.
            if entry.is_file() || std::fs::metadata(&entry).is_err() {
                if in_topologies { &mut self.topologies } else { &mut self.files }.push(entry);
            } else {
                self.remarks.push(format!("passed over: `{}`: it is no file", shown()));
            }
        } else if ends_in("yml") && !is_hidden(entry.strip_prefix(&self.root).unwrap_or(&entry)) {
            self.other_endings.push(shown());
        }
        Ok(())
    }
}

/// Files of other programs lie there.
fn is_hidden(below: &Path) -> bool {
    below.iter().any(|name| name.to_string_lossy().starts_with('.'))
}

/// The folder of findings, unless another is named.
pub const FINDINGS: &str = "findings";
