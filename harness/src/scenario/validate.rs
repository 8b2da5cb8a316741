//! Which scenarios and topologies lie below these paths, and is each of them right?

use std::path::{Path, PathBuf};

use crate::bounded;
use crate::plan::{Overrides, Plan, path_text};

use super::diagnostic::Diagnostics;
use super::load::{LoadError, Loaded, load_fitting, origin_on};
use super::planner::plans;
use super::tree::{Value, parse_one};
use super::walk::Walk;
use super::{document, topology_document};

/// What was found to be right.
#[derive(Clone, Debug)]
pub struct Validated {
    /// The plans of all scenarios.
    pub plans: Vec<Plan>,
    /// The files of topologies that none of these scenarios is on.
    pub topologies: Vec<String>,
    /// What is said of files that were passed over, or that hide what the program carries.
    pub remarks: Vec<String>,
}

/// Reads all scenarios of these files and folders with their topologies, and every other topology that is one of the
/// files or lies in a folder `topologies` below.
///
/// # Errors
/// All mistakes of all files at once.
pub fn validate(paths: &[PathBuf]) -> Result<Validated, LoadError> {
    let (mut topologies, mut scenarios) = (Vec::new(), Vec::new());
    for path in paths {
        let before = topologies.len();
        let has_scenarios = find(path, &mut topologies)?;
        if has_scenarios || topologies.len() == before {
            scenarios.push(path.clone());
        }
    }
    let (mut loaded, mut mistakes) = (Loaded::default(), Vec::new());
    if !scenarios.is_empty() {
        match load_fitting(&scenarios, None, 1, &Overrides::default()) {
            Ok(found) => loaded = found,
            Err(LoadError::Mistakes(found)) => mistakes = found,
            Err(error) => return Err(error),
        }
    }
    let Loaded { plans, remarks, .. } = loaded;
    topologies.retain(|file| plans.iter().all(|plan| plan.origin.topology_file != *file));
    topologies.sort();
    topologies.dedup();
    for file in &topologies {
        let new: Vec<Diagnostics> = mistakes_of(file)?
            .into_iter()
            .filter(|new| mistakes.iter().all(|known: &Diagnostics| known.file != new.file))
            .collect();
        mistakes.extend(new);
    }
    if mistakes.is_empty() {
        Ok(Validated { plans, topologies, remarks })
    } else {
        Err(LoadError::Mistakes(mistakes))
    }
}

/// Everything that is wrong with a topology and with what it is based on.
fn mistakes_of(file: &str) -> Result<Vec<Diagnostics>, LoadError> {
    match origin_on(file, Overrides::default(), FITS_EVERY_TOPOLOGY) {
        Ok(origin) => Ok(plans("topology", &origin, 1).err().unwrap_or_default()),
        Err(LoadError::Mistakes(found)) => Ok(found),
        Err(error) => Err(error),
    }
}

/// Finds the topologies at or below a path, and says whether there is anything else that may be a scenario.
fn find(path: &Path, topologies: &mut Vec<String>) -> Result<bool, LoadError> {
    if path.is_file() {
        let is_topology = is_in_topologies(path) || says_to_be_a_topology(path);
        if is_topology {
            topologies.push(path_text(path));
        }
        return Ok(!is_topology);
    }
    if !path.is_dir() {
        return Ok(false);
    }
    let failed = |(path, error): (PathBuf, _)| LoadError::Read { path: path_text(&path), error, hint: None };
    let walk = Walk::through(path, is_in_topologies(path)).map_err(failed)?;
    topologies.extend(walk.topologies.iter().map(path_text));
    Ok(!walk.files.is_empty())
}

/// Whether it is a folder `topologies`, or something in one.
fn is_in_topologies(path: &Path) -> bool {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = if path.is_dir() { Some(path.as_path()) } else { path.parent() };
    folder.is_some_and(|folder| folder.ends_with("topologies"))
}

/// Whether a file has a key that topologies alone have, and none that scenarios alone have.
fn says_to_be_a_topology(file: &Path) -> bool {
    let tree = bounded::read_text(file).ok().and_then(|text| parse_one(&text).ok());
    let Some(Value::Mapping(entries)) = tree.map(|tree| tree.value) else { return false };
    let names: Vec<String> =
        entries.iter().filter_map(|(key, _)| key.name()).map(std::borrow::Cow::into_owned).collect();
    let has = |of: &[&str], other: &[&str]| {
        let own = |name: &&str| of.contains(name) && !other.contains(name);
        names.iter().any(|name| own(&name.as_str()))
    };
    has(topology_document::PARTS, document::PARTS) && !has(document::PARTS, topology_document::PARTS)
}

/// A scenario in which there is nothing that a topology could lack.
const FITS_EVERY_TOPOLOGY: &str = "\
proves: that a topology can be read
about: { topology: alone }
steps:
  - pause: { for: 1s, because: nothing is run }
";
