//! `failover preflight`: which steps of the guide were done, by a snapshot of the cluster?

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::guide::example;
use crate::guide::preflight::{human, inspect, json};
use crate::guide::snapshot::Snapshot;
use crate::plan::path_text;
use crate::scenario::nearest;

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
    /// An example instead, where no Windows is: `right`, or the name of a mistake.
    #[arg(long, value_name = "NAME", value_parser = example_name)]
    example: Option<String>,
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
    print(&match arguments.format {
        ReportFormat::Human => human(&found, &snapshot),
        ReportFormat::Json => json(&found, &snapshot),
    })?;
    Ok(found.exit_code())
}

impl SnapshotArguments {
    /// The snapshot.
    pub(super) fn read(&self) -> Result<Snapshot, CommandError> {
        if let Some(snapshot) = self.example.as_deref().and_then(example::by_name) {
            return Ok(snapshot);
        }
        let file = self.snapshot.clone().unwrap_or_default();
        let read = if file.as_os_str() == "-" {
            std::io::read_to_string(std::io::stdin())
        } else {
            std::fs::read_to_string(&file)
        };
        let shown = path_text(file);
        let text = read.map_err(|error| CommandError::Input(format!("cannot read `{shown}`: {error}")))?;
        Snapshot::read(&text).map_err(|error| {
            CommandError::Input(format!(
                "`{shown}`: {error}\nhint: `failover collect` prints the script that makes one"
            ))
        })
    }
}

fn example_name(text: &str) -> Result<String, String> {
    if example::names().any(|name| name == text) {
        return Ok(text.to_owned());
    }
    let hint = nearest::hint(text, example::names()).unwrap_or_else(|| "`right` is one".to_owned());
    Err(format!("there is no example `{text}`: {hint}"))
}
