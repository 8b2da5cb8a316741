//! `failover predict`: what will happen to this cluster when its role moves, by a snapshot of it?

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::guide::predict::{PredictError, Prediction, human, json, predict as predict_from};
use crate::plan::path_text;
use crate::words::plain;

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
    let written = arguments.write_topology.as_ref().map(|file| {
        write(file, &prediction.file())?;
        tell_of_file(file, &prediction);
        Ok(())
    });
    print(&match arguments.format {
        ReportFormat::Human => human(&prediction, &snapshot),
        ReportFormat::Json => json(&prediction, &snapshot),
    })?;
    Ok(ended_with(prediction.exit_code(), written.and_then(Result::err)))
}

/// A remark where the file alone is another cluster than that of the snapshot.
fn tell_of_file(file: &Path, prediction: &Prediction) {
    let steps = prediction.given.iter().map(|step| format!("the step `{step}`"));
    let told: String = prediction
        .beyond_the_file()
        .into_iter()
        .chain(steps)
        .map(|told| format!("`{}` does not hold: {}\n", path_text(file), plain(&told)))
        .collect();
    // A remark, not a result; nobody is told where standard error is closed.
    let _ = std::io::stderr().lock().write_all(told.as_bytes());
}
