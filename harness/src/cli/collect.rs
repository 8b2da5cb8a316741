//! `failover collect`: what can an administrator run where the harness is not?

use std::path::PathBuf;

use clap::Args;

use crate::guide::collect::SCRIPT;

use super::files::cannot_write;
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
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file)
        .and_then(|mut out| std::io::Write::write_all(&mut out, SCRIPT.as_bytes()));
    written.map_err(|error| cannot_write(file, &error))?;
    Ok(0)
}
