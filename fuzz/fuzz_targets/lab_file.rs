//! Can any file crash the reader of `lab.yaml`?
//!
//! `cargo fuzz run -s none lab_file -- -max_total_time=20`

#![no_main]

use failover_harness::backend::lab::file::LabFile;
use failover_harness::scenario::diagnostic::Paint;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(told) = LabFile::read("lab.yaml", text) {
        assert!(told.render(Paint::Plain).contains("lab.yaml"));
    }
});
