//! `failover predict`: what will happen to this cluster when its role moves, by a snapshot of it?

use std::path::PathBuf;

use clap::Args;

use crate::guide::predict::{PredictError, human, json, predict as predict_from};

use super::files::{check_apart, sources, write};
use super::preflight::{ReportFormat, SnapshotArguments};
use super::{CommandError, ended_with, print};

#[derive(Debug, Args)]
pub(super) struct PredictArguments {
    #[command(flatten)]
    snapshot: SnapshotArguments,
    /// Write the topology besides, for `failover run --topology`.
    #[arg(long, value_name = "FILE")]
    write_topology: Option<PathBuf>,
    /// The seed of every random value.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
}

pub(super) fn predict(arguments: &PredictArguments) -> Result<u8, CommandError> {
    check_apart(arguments.write_topology.as_deref(), &sources(&[], arguments.snapshot.files()))?;
    let snapshot = arguments.snapshot.read()?;
    let prediction = predict_from(&snapshot, arguments.seed).map_err(|error| match error {
        // Nothing is wrong with the file: it does not show enough.
        PredictError::Lacks(_) | PredictError::Topology(_) | PredictError::Simulator(_) => {
            CommandError::Surroundings(format!(
                "{error}\nhint: `failover preflight` says what is wrong with it"
            ))
        }
    })?;
    let written = arguments.write_topology.as_ref().map(|file| write(file, &prediction.topology));
    print(&match arguments.format {
        ReportFormat::Human => human(&prediction, &snapshot),
        ReportFormat::Json => json(&prediction, &snapshot),
    })?;
    Ok(ended_with(prediction.exit_code(), written.and_then(Result::err)))
}
