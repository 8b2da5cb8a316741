//! Which files are scenarios, and where is the topology that each asks for?

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use failover_sim::assumption::Assumption;

use crate::bounded;
use crate::plan::{Base, Origin, Overrides, Plan, path_text};

use super::based_on::{base_of, told_apart, whole};
use super::diagnostic::{Diagnostics, Fault};
use super::files::gather;
use super::nearest;
use super::planner::{mistakes_without_topology, plans, topology_of};
use super::read::At;
use super::standard::{self, StandardFile};
use super::tree::Span;
use super::walk::Walk;

/// What keeps scenarios from being read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A path that does not exist, or cannot be read.
    #[error("cannot read `{path}`: {error}{}", hint_line(.hint))]
    Read {
        /// Which one.
        path: String,
        /// What the system says.
        error: io::Error,
        /// A scenario that the program carries and that may be meant.
        hint: Option<String>,
    },
    /// A folder without scenarios.
    #[error(
        "there is no scenario under `{0}`: looked for files that end in .yaml, outside `topologies`\nhint: `failover new \
             FOLDER` writes one to begin with, and `failover list` shows those that the program carries"
    )]
    Empty(String),
    /// A case that no scenario has.
    #[error(
        "no scenario here has a case `{0}`\nhint: the cases of a scenario stand under `cases:` in its file"
    )]
    NoCase(String),
    /// Mistakes in files, each to be shown with its place.
    #[error("mistakes in {} files", .0.len())]
    Mistakes(Vec<Diagnostics>),
}

fn hint_line(hint: &Option<String>) -> String {
    let carried = "`failover list` shows the scenarios and topologies that the program carries";
    format!("\nhint: {}", hint.as_deref().unwrap_or(carried))
}

/// A scenario that does not fit the topology of a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: String,
    /// Why it does not fit.
    pub reason: String,
}

/// What became of the scenarios that were asked for.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Those that can be run, one plan a case.
    pub plans: Vec<Plan>,
    /// Those that do not fit.
    pub misfits: Vec<Misfit>,
    /// Which files were taken where the program carries something of the same name.
    pub remarks: Vec<String>,
}

/// Plans every scenario under these files, folders and names of scenarios that the program carries, in the order of their
/// names; all that it carries if none is given. What exists goes before what is carried, with or without its ending, and
/// `standard:NAME` is always carried.
///
/// # Errors
/// All mistakes of all files at once.
pub fn load(paths: &[PathBuf], seed: u64, overrides: &Overrides) -> Result<Vec<Plan>, LoadError> {
    load_fitting(paths, None, seed, overrides).map(|loaded| loaded.plans)
}

/// The same, or the scenarios of one folder that the program carries, and tells which of these do not fit the topology of
/// the overrides.
///
/// # Errors
/// All mistakes of all files at once.
pub fn load_fitting(
    paths: &[PathBuf],
    suite: Option<&str>,
    seed: u64,
    overrides: &Overrides,
) -> Result<Loaded, LoadError> {
    let (mut found, mut remarks) = (Vec::new(), Vec::new());
    if let Some(suite) = suite {
        found.extend(standard::below(suite).into_iter().map(Scenario::Carried));
    } else if paths.is_empty() {
        found.extend(standard::scenarios().map(Scenario::Carried));
    }
    for path in paths {
        let before = found.len();
        remarks.extend(find(path, &mut found)?);
        if found.len() == before {
            return Err(LoadError::Empty(path_text(path)));
        }
    }
    let other = overrides.topology.as_deref().map(named_topology).transpose()?;
    if let (Some(name), Some((file, _))) = (&overrides.topology, &other) {
        let is_hidden = name != file && Path::new(file).is_file() && standard::topology(name).is_some();
        remarks.extend(is_hidden.then(|| hides(name, Path::new(file))));
    }
    let mut loaded = Loaded { remarks, ..Loaded::default() };
    let mut mistakes: Vec<Diagnostics> = Vec::new();
    for scenario in found {
        match load_one(&scenario, other.as_ref(), seed, overrides) {
            Ok(plans) => loaded.plans.extend(plans),
            Err(LoadError::Mistakes(found)) => match misfit(&scenario, overrides, &found) {
                Some(misfit) => loaded.misfits.push(misfit),
                // A mistake in a topology that several scenarios use is shown once.
                None => mistakes.extend(
                    found
                        .into_iter()
                        .filter(|new| !mistakes.iter().any(|known| known.file == new.file))
                        .collect::<Vec<_>>(),
                ),
            },
            Err(error) => return Err(error),
        }
    }
    if !mistakes.is_empty() {
        return Err(LoadError::Mistakes(mistakes));
    }
    if let Some(case) = &overrides.case {
        loaded.plans.retain(|plan| plan.origin.overrides.case.as_ref() == Some(case));
        if loaded.plans.is_empty() {
            return Err(LoadError::NoCase(case.clone()));
        }
    }
    if overrides.topology.is_some() {
        set_misfits_aside(&mut loaded);
    }
    set_unlearned_aside(&mut loaded, overrides);
    Ok(loaded)
}

/// What the program carries is right on its own topology: whatever is wrong with it on another is a misfit.
fn misfit(scenario: &Scenario, overrides: &Overrides, found: &[Diagnostics]) -> Option<Misfit> {
    let (Scenario::Carried(file), Some(_)) = (scenario, &overrides.topology) else { return None };
    let [Diagnostics { file: wrong, faults, .. }] = found else { return None };
    let fault = faults.first().filter(|_| *wrong == file.name)?;
    let label = if fault.label.is_empty() { String::new() } else { format!(": {}", fault.label) };
    let reason = format!("{}{label}", fault.message);
    Some(Misfit { name: file.name.to_owned(), file: file.name.to_owned(), reason })
}

/// A scenario that speaks of the standby makes sense only where there is one, and no more.
fn set_misfits_aside(loaded: &mut Loaded) {
    let plans = std::mem::take(&mut loaded.plans);
    for plan in plans {
        match plan.standbys() {
            (true, count) if count != 1 => loaded.misfits.push(Misfit {
                reason: format!(
                    "it speaks of `standby`, and the role has {count} possible owners besides its owner"
                ),
                name: plan.name,
                file: plan.origin.scenario_file,
            }),
            (true | false, _) => loaded.plans.push(plan),
        }
    }
}

/// A scenario that takes for granted what a lab says is not so does not speak of that lab; unless the command line insists.
fn set_unlearned_aside(loaded: &mut Loaded, overrides: &Overrides) {
    let plans = std::mem::take(&mut loaded.plans);
    for plan in plans {
        let contradicts = |(assumption, answers): (&Assumption, &Vec<usize>)| {
            let is_said = overrides.assume.contains_key(assumption.question().id);
            let own = plan.assumptions.value(*assumption);
            (plan.settled.contains(assumption) && !is_said && !answers.contains(&own)).then_some(*assumption)
        };
        match overrides.learned.answers.iter().find_map(contradicts) {
            Some(assumption) => loaded.misfits.push(Misfit {
                reason: format!(
                    "it takes `{}: {}` for granted, and `{}` says otherwise",
                    assumption.question().id,
                    plan.assumptions.word(assumption),
                    overrides.learned.file
                ),
                name: plan.name,
                file: plan.origin.scenario_file,
            }),
            None => loaded.plans.push(plan),
        }
    }
}

/// Where a scenario is.
enum Scenario {
    /// In a file, below this path of the command line.
    File(PathBuf, PathBuf),
    /// In the program.
    Carried(StandardFile),
}

/// Finds what a path of the command line stands for: what exists there, with or without its ending, and then what the
/// program carries. Says so if something else is carried under the same name, and what it passes over.
fn find(path: &Path, found: &mut Vec<Scenario>) -> Result<Vec<String>, LoadError> {
    let name = path.to_string_lossy();
    let (is_standard, name) = match name.strip_prefix(STANDARD) {
        Some(name) => (true, name),
        None => (false, name.as_ref()),
    };
    let carried = standard::below(name);
    let with_ending = PathBuf::from(format!("{name}.yaml"));
    let there = match std::fs::metadata(path) {
        Ok(_) if !is_standard => path,
        Err(_) if !is_standard && with_ending.is_file() => &with_ending,
        Ok(_) | Err(_) if !carried.is_empty() => {
            found.extend(carried.into_iter().map(Scenario::Carried));
            return Ok(Vec::new());
        }
        Ok(_) => return Err(LoadError::Empty(path_text(path))),
        Err(error) => {
            let nearest = || nearest::nearest(name, standard::scenarios().map(|file| file.name));
            let hint = one_case(name).or_else(|| Some(format!("did you mean `{}`?", nearest()?)));
            return Err(LoadError::Read { path: path_text(path), error, hint });
        }
    };
    let mut remarks = Vec::new();
    if there.is_dir() {
        let failed = |(path, error)| LoadError::Read { path: path_text(path), error, hint: None };
        let walk = Walk::through(there, false).map_err(failed)?;
        found.extend(walk.files.into_iter().map(|file| Scenario::File(there.to_owned(), file)));
        remarks = walk.remarks;
    } else {
        found.push(Scenario::File(there.to_owned(), there.to_owned()));
    }
    let is_said = path.extension().is_some_and(|ending| ending == "yaml");
    remarks.extend((!carried.is_empty() && !is_said).then(|| hides(name, there)));
    Ok(remarks)
}

/// How one case of a scenario is run that is named as in reports.
fn one_case(name: &str) -> Option<String> {
    let (scenario, case) = name.strip_suffix(']')?.split_once('[')?;
    Some(format!("one case of a scenario is `{scenario} --case {case}`"))
}

/// What is said where something is taken that has the name of what the program carries.
fn hides(name: &str, there: &Path) -> String {
    let kind = if there.is_dir() { "folder" } else { "file" };
    let there = path_text(there);
    format!(
        "`{name}` is the {kind} `{there}` here; what the program carries under this name is `{STANDARD}{name}`"
    )
}

/// The plans of one scenario.
fn load_one(
    scenario: &Scenario,
    other_topology: Option<&(String, String)>,
    seed: u64,
    overrides: &Overrides,
) -> Result<Vec<Plan>, LoadError> {
    let (name, scenario_file, scenario_text) = match scenario {
        Scenario::File(root, file) => (name_of(root, file), path_text(file), read(file)?),
        Scenario::Carried(file) => (file.name.to_owned(), carried_file(file), file.text.to_owned()),
    };
    let (topology_file, topology_text) = match other_topology {
        Some(other) => other.clone(),
        None => {
            let topology = topology_of(&scenario_file, &scenario_text).map_err(one_mistake)?;
            find_topology(scenario, &topology.value)?.ok_or_else(|| {
                one_mistake(no_topology(&scenario_file, &scenario_text, scenario, &topology))
            })?
        }
    };
    let base = find_base(&topology_file, &topology_text)?;
    let overrides = Overrides { case: None, ..overrides.clone() };
    let files = BTreeMap::new();
    let mut origin =
        Origin { scenario_file, scenario_text, topology_file, topology_text, base, files, overrides };
    take_files(&mut origin).map_err(LoadError::Mistakes)?;
    plans(&name, &origin, seed).map_err(LoadError::Mistakes)
}

fn one_mistake(mistake: Diagnostics) -> LoadError {
    LoadError::Mistakes(vec![mistake])
}

/// What a carried scenario is called on a command line here.
fn carried_file(file: &StandardFile) -> String {
    let is_hidden = Path::new(file.name).exists() || Path::new(&format!("{}.yaml", file.name)).is_file();
    if is_hidden { format!("{STANDARD}{}", file.name) } else { file.name.to_owned() }
}

/// The topology that a command line names, with its file: what exists there, with or without its ending, what exists under
/// this name in the folder `topologies` here, and then what the program carries.
fn named_topology(name: &str) -> Result<(String, String), LoadError> {
    let (is_standard, bare) = match name.strip_prefix(STANDARD) {
        Some(bare) => (true, bare),
        None => (false, name),
    };
    let paths = [name.to_owned(), format!("{name}.yaml"), format!("topologies/{name}.yaml")];
    if let Some(file) = paths.into_iter().find(|path| !is_standard && Path::new(path).is_file()) {
        let text = read(Path::new(&file))?;
        return Ok((file, text));
    }
    if let Some(carried) = standard::topology(bare.strip_prefix("topologies/").unwrap_or(bare)) {
        return Ok((carried.name.to_owned(), carried.text.to_owned()));
    }
    let failed = |error| {
        let known = standard::topologies().filter_map(|file| file.name.split('/').next_back());
        let nearest = nearest::nearest(bare, known).map(|nearest| format!("did you mean `{nearest}`?"));
        let hint = nearest.or_else(|| Some(TOPOLOGIES_ARE_LISTED.to_owned()));
        LoadError::Read { path: path_text(name), error, hint }
    };
    let text = bounded::read_text(Path::new(name)).map_err(failed)?;
    Ok((name.to_owned(), text))
}

/// Where a scenario comes from that is not in a file, on a topology that is, or that the program carries.
///
/// # Errors
/// If there is no such topology, if it cannot be read, or if there is none that it is based on.
pub fn origin_on(topology: &str, overrides: Overrides, scenario: &str) -> Result<Origin, LoadError> {
    let (topology_file, topology_text) = named_topology(topology)?;
    let base = find_base(&topology_file, &topology_text)?;
    let (scenario_file, scenario_text) = ("step".to_owned(), scenario.to_owned());
    let files = BTreeMap::new();
    let mut origin =
        Origin { scenario_file, scenario_text, topology_file, topology_text, base, files, overrides };
    take_files(&mut origin).map_err(LoadError::Mistakes)?;
    Ok(origin)
}

/// Reads the settings files and certificates that a topology names. A topology that cannot be read is left to those who
/// plan it.
fn take_files(origin: &mut Origin) -> Result<(), Vec<Diagnostics>> {
    let Ok(tree) = whole(origin) else { return Ok(()) };
    let folder = Path::new(&origin.topology_file).parent().unwrap_or_else(|| Path::new("")).to_owned();
    origin.files = gather(&tree, &folder).map_err(|faults| told_apart(origin, faults))?;
    Ok(())
}

/// The text of a file that is there.
fn read(path: &Path) -> Result<String, LoadError> {
    bounded::read_text(path).map_err(|error| one_mistake(unreadable(path, &error)))
}

/// A file that is there and cannot be read is a mistake like others, and hides none of them.
fn unreadable(path: &Path, error: &io::Error) -> Diagnostics {
    let hints = [
        (io::ErrorKind::InvalidData, "scenarios and topologies are texts: save it as UTF-8"),
        (io::ErrorKind::FileTooLarge, "scenarios and topologies are short texts: is it something else?"),
    ];
    let hint = hints.into_iter().find(|(kind, _)| *kind == error.kind());
    let hint = hint.map_or("let whoever runs this read it, or put it elsewhere", |(_, hint)| hint);
    let fault = Fault::new(format!("cannot read this file: {error}"), Span::default());
    Diagnostics::new(path_text(path), "", vec![fault.with_hint(hint)])
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

/// Looks for `topologies/NAME.yaml` beside the scenario and in every folder above it, then among those that the program
/// carries. Its name and text.
fn find_topology(scenario: &Scenario, name: &str) -> Result<Option<(String, String)>, LoadError> {
    if let Scenario::File(_, scenario) = scenario {
        let file = topology_folders(scenario).map(|folder| folder.join(format!("{name}.yaml")));
        if let Some(file) = file.into_iter().find(|file| file.is_file()) {
            return Ok(Some((path_text(&file), read(&file)?)));
        }
    }
    Ok(standard::topology(name).map(|file| (file.name.to_owned(), file.text.to_owned())))
}

/// The topology that this one is based on: a file beside it, or one that the program carries. It stands on its own.
fn find_base(file: &str, text: &str) -> Result<Option<Base>, LoadError> {
    let Some(name) = base_of(text) else { return Ok(None) };
    let beside = Path::new(file).with_file_name(format!("{}.yaml", name.value));
    let found = if beside.is_file() {
        Some(Base { file: path_text(&beside), text: read(&beside)? })
    } else {
        let carried = standard::topology(&name.value);
        carried.map(|carried| Base { file: carried.name.to_owned(), text: carried.text.to_owned() })
    };
    let fault = match &found {
        Some(base) if base_of(&base.text).is_none() => return Ok(found),
        Some(_) => Fault::new(format!("`{}` is based on another one itself", name.value), name.span)
            .with_label("expected one that stands on its own"),
        None => {
            let known: Vec<&str> =
                standard::topologies().filter_map(|file| file.name.split('/').next_back()).collect();
            let mut fault = Fault::new(format!("there is no topology `{}`", name.value), name.span)
                .with_label("no such file beside this one, and the program carries none");
            fault.hint = nearest::hint(&name.value, known.iter().copied());
            fault
        }
    };
    Err(one_mistake(Diagnostics::new(file, text, vec![fault])))
}

/// The folders `topologies` beside a scenario and in every folder above it, those above the one where the program runs
/// included.
fn topology_folders(scenario: &Path) -> impl Iterator<Item = PathBuf> {
    let here = std::env::current_dir().ok().filter(|_| scenario.is_relative());
    let depth = here.map_or(0, |here| here.ancestors().count() - 1);
    let above = (1..=depth).map(|count| std::iter::repeat_n("..", count).collect::<PathBuf>());
    let beside = scenario.ancestors().skip(1).map(Path::to_owned);
    beside.chain(above).map(|folder| folder.join("topologies"))
}

fn no_topology(file: &str, text: &str, scenario: &Scenario, name: &At<String>) -> Diagnostics {
    let mut known: Vec<String> = standard::topologies()
        .filter_map(|file| file.name.split('/').next_back().map(str::to_owned))
        .collect();
    if let Scenario::File(_, scenario) = scenario {
        let entries = topology_folders(scenario)
            .filter_map(|folder| std::fs::read_dir(folder).ok())
            .flatten()
            .flatten();
        known
            .extend(entries.filter_map(|entry| {
                entry.path().file_stem().map(|stem| stem.to_string_lossy().into_owned())
            }));
    }
    known.sort();
    known.dedup();
    let mut fault = Fault::new(format!("there is no topology `{}`", name.value), name.span)
        .with_label("no such file in a folder `topologies` here or above, and the program carries none");
    fault.hint = nearest::hint(&name.value, known.iter().map(String::as_str));
    let others = mistakes_without_topology(text);
    Diagnostics::new(file, text, others.into_iter().chain([fault]).collect())
}

/// Before the name of what the program carries, where something else may have the same.
const STANDARD: &str = "standard:";

const TOPOLOGIES_ARE_LISTED: &str = "`failover list` shows the topologies that the program carries";
