//! What looks at a cluster, where the harness is not?
//!
//! A script of Windows PowerShell 5.1 that an administrator reads and runs. It has no part of the harness in it and
//! changes nothing: everything that it may call stands in the tables here, and a test compares.

mod commands;

pub use commands::{COMMANDS, Command, MEMBERS};

/// The script, in ASCII.
pub const SCRIPT: &str = include_str!("collect.ps1");
