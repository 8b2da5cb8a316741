//! Which files are scenarios, and where is the topology that each asks for?

use std::path::{Path, PathBuf};

use crate::plan::{Origin, Overrides, Plan};

use super::diagnostic::{Diagnostics, Fault};
use super::nearest;
use super::planner::{plan, topology_of};
use super::read::At;

/// What keeps scenarios from being read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A path that does not exist, or cannot be read.
    #[error("cannot read `{path}`: {error}")]
    Read {
        /// Which one.
        path: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// A folder without scenarios.
    #[error("there is no scenario under `{0}`: looked for files that end in .yaml, outside `topologies`")]
    Empty(String),
    /// Mistakes in files, each to be shown with its place.
    #[error("mistakes in {} files", .0.len())]
    Mistakes(Vec<Diagnostics>),
}

/// Plans every scenario under these files and folders, in the order of their names.
///
/// # Errors
/// All mistakes of all files at once.
pub fn load(paths: &[PathBuf], seed: u64, overrides: &Overrides) -> Result<Vec<Plan>, LoadError> {
    let mut files = Vec::new();
    for path in paths {
        let before = files.len();
        collect(path, path, &mut files)?;
        if files.len() == before {
            return Err(LoadError::Empty(path.display().to_string()));
        }
    }
    let mut plans = Vec::new();
    let mut mistakes: Vec<Diagnostics> = Vec::new();
    for (root, file) in files {
        match load_one(&root, &file, seed, overrides)? {
            Ok(plan) => plans.push(plan),
            // A mistake in a topology that several scenarios use is shown once.
            Err(found) => mistakes.extend(
                found
                    .into_iter()
                    .filter(|new| !mistakes.iter().any(|known| known.file == new.file))
                    .collect::<Vec<_>>(),
            ),
        }
    }
    if mistakes.is_empty() { Ok(plans) } else { Err(LoadError::Mistakes(mistakes)) }
}

fn collect(root: &Path, path: &Path, files: &mut Vec<(PathBuf, PathBuf)>) -> Result<(), LoadError> {
    let failed = |error| LoadError::Read { path: path.display().to_string(), error };
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        files.push((root.to_owned(), path.to_owned()));
        return Ok(());
    }
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        entries.push(entry.map_err(failed)?.path());
    }
    entries.sort();
    for entry in entries {
        let is_yaml = entry.extension().is_some_and(|ending| ending == "yaml");
        if entry.is_dir() && !entry.ends_with("topologies") {
            collect(root, &entry, files)?;
        } else if is_yaml {
            files.push((root.to_owned(), entry));
        }
    }
    Ok(())
}

fn load_one(
    root: &Path,
    file: &Path,
    seed: u64,
    overrides: &Overrides,
) -> Result<Result<Plan, Vec<Diagnostics>>, LoadError> {
    let scenario_text = read(file)?;
    let scenario_file = file.display().to_string();
    let topology = match topology_of(&scenario_file, &scenario_text) {
        Ok(topology) => topology,
        Err(mistakes) => return Ok(Err(vec![mistakes])),
    };
    let Some(topology_file) = find_topology(file, &topology.value) else {
        return Ok(Err(vec![no_topology(&scenario_file, &scenario_text, file, &topology)]));
    };
    let topology_text = read(&topology_file)?;
    let origin = Origin {
        scenario_file,
        scenario_text,
        topology_file: topology_file.display().to_string(),
        topology_text,
        overrides: overrides.clone(),
    };
    Ok(plan(&name_of(root, file), &origin, seed))
}

fn read(path: &Path) -> Result<String, LoadError> {
    std::fs::read_to_string(path).map_err(|error| LoadError::Read { path: path.display().to_string(), error })
}

/// The path is the name: below the folder that was asked for, or its folder and its own name.
fn name_of(root: &Path, file: &Path) -> String {
    let below = file.strip_prefix(root).ok().filter(|below| below.components().count() > 1);
    let short = || {
        let parent = file.parent().and_then(Path::file_name).unwrap_or_default();
        Path::new(parent).join(file.file_name().unwrap_or_default())
    };
    let name = below.map_or_else(short, Path::to_owned).with_extension("");
    let parts: Vec<String> =
        name.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    parts.join("/")
}

/// Looks for `topologies/NAME.yaml` beside the scenario and in every folder above it.
fn find_topology(scenario: &Path, name: &str) -> Option<PathBuf> {
    topology_folders(scenario).map(|folder| folder.join(format!("{name}.yaml"))).find(|file| file.is_file())
}

fn topology_folders(scenario: &Path) -> impl Iterator<Item = PathBuf> {
    scenario.ancestors().skip(1).map(|folder| folder.join("topologies"))
}

fn no_topology(file: &str, text: &str, scenario: &Path, name: &At<String>) -> Diagnostics {
    let mut known: Vec<String> = topology_folders(scenario)
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(|entries| entries.flatten())
        .filter_map(|entry| entry.path().file_stem().map(|stem| stem.to_string_lossy().into_owned()))
        .collect();
    known.sort();
    let mut fault = Fault::new(format!("there is no topology `{}`", name.value), name.span)
        .with_label("no such file in a folder `topologies` here or above");
    fault.hint = nearest::hint(&name.value, known.iter().map(String::as_str));
    Diagnostics::new(file, text, vec![fault])
}
