//! `failover collect`: what can an administrator run where the harness is not?

use std::path::{Path, PathBuf};

use clap::Args;

use crate::guide::collect::SCRIPT;
use crate::plan::path_text;

use super::{CommandError, print};

#[derive(Debug, Args)]
pub(super) struct CollectArguments {
    /// Write the script to this file, which must not exist; standard output if it is left out.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

pub(super) fn collect(arguments: &CollectArguments) -> Result<u8, CommandError> {
    let Some(file) = &arguments.write else {
        print(SCRIPT)?;
        return Ok(0);
    };
    write_new(file, SCRIPT.as_bytes())?;
    Ok(0)
}

/// Writes a file that must not exist.
pub(super) fn write_new(file: &Path, bytes: &[u8]) -> Result<(), CommandError> {
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file)
        .and_then(|mut out| std::io::Write::write_all(&mut out, bytes));
    written
        .map_err(|error| CommandError::Surroundings(format!("cannot write `{}`: {error}", path_text(file))))
}
