//! How many files may the twin have open at once?

use super::TwinError;

/// How many files a twin with so many workers opens at most.
pub(crate) const fn needed(workers: usize) -> u64 {
    OF_A_WORKER * workers as u64 + BESIDES
}

/// Raises the soft limit of the process up to the hard one, if so many files need that.
pub(crate) fn allow(needed: u64) -> Result<(), TwinError> {
    let allowed = rlimit::increase_nofile_limit(needed).map_err(TwinError::FileLimit)?;
    if allowed < needed { Err(TwinError::TooFewFiles { needed, allowed }) } else { Ok(()) }
}

/// Both ends of a connection, and both of an older one that a node still holds while it is silent.
const OF_A_WORKER: u64 = 4;
/// Doors with their fillers, the probe, the runtime, and what else the process has open.
const BESIDES: u64 = 256;
