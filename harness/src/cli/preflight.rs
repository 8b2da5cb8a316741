//! `failover preflight`: which steps of the guide were done, by a snapshot of the cluster?

use std::io::Write as _;
use std::path::PathBuf;
use std::time::SystemTime;

use clap::{Args, ValueEnum};
use failover_sim::settings_file::decode;

use crate::backend::lab::live;
use crate::backend::lab::transport::{Place, Programs, Transport};
use crate::guide::example;
use crate::guide::preflight::{human, inspect, json};
use crate::guide::snapshot::Snapshot;
use crate::plan::path_text;
use crate::scenario::nearest;
use crate::words::counted;

use super::files::{Expected, bytes_of, unfit};
use super::lab::NamedLab;
use super::{CommandError, print};

#[derive(Debug, Args)]
pub(super) struct PreflightArguments {
    #[command(flatten)]
    snapshot: SnapshotArguments,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
}

/// Where the snapshot comes from.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct SnapshotArguments {
    /// A snapshot that the script of `failover collect` made; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
    /// An example instead, where no Windows is: `right`, or the name of a mistake (`failover list` has them).
    #[arg(long, value_name = "NAME", value_parser = example_name)]
    example: Option<String>,
    /// Look at the cluster of this `lab.yaml` now: the script of `failover collect` runs here, or over ssh on its first host. It
    /// changes nothing.
    #[arg(long, value_name = "FILE")]
    lab: Option<PathBuf>,
    /// Look at a cluster now: the script runs `here`, with the cluster's tools, or on a node that is reached by `ssh=NODE`.
    #[arg(long, value_name = "here|ssh=NODE", value_parser = way)]
    live: Option<Place>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON document.
    Json,
}

pub(super) fn preflight(arguments: &PreflightArguments) -> Result<u8, CommandError> {
    let snapshot = arguments.snapshot.read()?;
    let found = inspect(&snapshot);
    // An example is of a day of its own, and what is looked at live is of this one.
    let age = arguments.snapshot.snapshot.as_ref().map(|file| (file, age_in_days(&snapshot)));
    if let Some((file, days)) = age {
        tell_age(&path_text(file), days);
    }
    print(&match arguments.format {
        ReportFormat::Human => human(&found, &snapshot),
        ReportFormat::Json => json(&found, &snapshot, age.map(|(_, days)| days)),
    })?;
    Ok(found.exit_code())
}

/// How many days before today a snapshot was made; negative if its day is still to come.
fn age_in_days(snapshot: &Snapshot) -> i64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let day = |moment: i64| moment.div_euclid(86_400);
    day(since_1970.as_secs() as i64) - day(snapshot.collected_at.0)
}

/// A remark where a snapshot is not of today: what it shows may have changed since.
fn tell_age(file: &str, days: i64) {
    let told = match usize::try_from(days) {
        Ok(0) => return,
        Ok(days) => {
            format!("`{file}` is {} old: collect again for what is there today", counted(days, "day"))
        }
        Err(_) => format!("`{file}` is of a day to come: the clock here or there is wrong"),
    };
    // A remark, not a result; nobody is told where standard error is closed.
    let _ = writeln!(std::io::stderr().lock(), "{told}");
}

impl SnapshotArguments {
    /// The files that it is read from.
    pub(super) const fn files(&self) -> [&Option<PathBuf>; 2] {
        [&self.snapshot, &self.lab]
    }

    /// The snapshot.
    pub(super) fn read(&self) -> Result<Snapshot, CommandError> {
        self.read_of(".")
    }

    /// The snapshot; `cluster` is the one that is looked at if nothing else says which.
    pub(super) fn read_of(&self, cluster: &str) -> Result<Snapshot, CommandError> {
        if let Some(lab) = &self.lab {
            let lab = NamedLab::read(lab)?;
            let Some((place, cluster)) = lab.place() else {
                let text = "there is nothing to look at in a twin\nhint: `--example right` is a snapshot of a cluster";
                return Err(CommandError::Input(text.to_owned()));
            };
            return look(&place, &cluster);
        }
        if let Some(place) = &self.live {
            return look(place, cluster);
        }
        if let Some(snapshot) = self.example.as_deref().and_then(example::by_name) {
            return Ok(snapshot);
        }
        let file = self.snapshot.clone().unwrap_or_default();
        let bytes = bytes_of(&file, Expected::Snapshot)?;
        // What Windows PowerShell redirects into a file is UTF-16.
        let text = decode(&path_text(&file), &bytes)
            .map_err(|error| CommandError::Input(format!("{error}\nhint: {}", Expected::Snapshot.hint())))?;
        Snapshot::read(&text).map_err(|error| unfit(&file, error, Expected::Snapshot))
    }
}

fn look(place: &Place, cluster: &str) -> Result<Snapshot, CommandError> {
    let looked = live::look(&Programs::default(), place, cluster);
    looked.map_err(|error| {
        CommandError::Surroundings(format!(
            "{error}\nhint: `failover collect` prints the script, to be run by hand"
        ))
    })
}

fn way(text: &str) -> Result<Place, String> {
    match text.split_once('=') {
        Some(("ssh", node)) if !node.is_empty() => {
            Ok(Place { name: node.to_owned(), transport: Transport::Ssh })
        }
        None if text == "here" => Ok(Place { name: String::new(), transport: Transport::Local }),
        _ => Err("expected `here` or `ssh=NODE`".to_owned()),
    }
}

fn example_name(text: &str) -> Result<String, String> {
    if example::names().any(|name| name == text) {
        return Ok(text.to_owned());
    }
    // All of them are too many for one line.
    let near = nearest::hint(text, example::names()).filter(|hint| hint.starts_with("did you mean"));
    let hint = near.unwrap_or_else(|| "`failover list` has their names, and `right` is one".to_owned());
    Err(format!("there is no example `{text}`: {hint}"))
}
