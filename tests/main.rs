//! The command line once more, so that tests of this package know where it was built.

use std::process::ExitCode;

fn main() -> ExitCode {
    failover_harness::cli::main()
}
