//! `failover collect`: what can an administrator run where the harness is not?

use std::path::PathBuf;

use clap::Args;

use crate::guide::collect::SCRIPT;

use super::files::write_new;
use super::{CommandError, print};

#[derive(Debug, Args)]
pub(super) struct CollectArguments {
    /// Write the script to this file, which must not exist; standard output if it is left out.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

pub(super) fn collect(arguments: &CollectArguments) -> Result<u8, CommandError> {
    match &arguments.write {
        Some(file) => write_new(file, SCRIPT.as_bytes())?,
        None => print(SCRIPT)?,
    }
    Ok(0)
}
