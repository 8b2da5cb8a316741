//! `failover anonymise`: how can a snapshot be shown to strangers?

use clap::Args;

use crate::guide::anonymise::anonymise as with_other_names;

use super::preflight::SnapshotArguments;
use super::{CommandError, print};

#[derive(Debug, Args)]
pub(super) struct AnonymiseArguments {
    #[command(flatten)]
    snapshot: SnapshotArguments,
}

pub(super) fn anonymise(arguments: &AnonymiseArguments) -> Result<u8, CommandError> {
    print(&with_other_names(&arguments.snapshot.read()?).text())?;
    Ok(0)
}
