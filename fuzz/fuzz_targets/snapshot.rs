//! Can any snapshot crash its reader, or the rules of preflight?
//!
//! `cargo fuzz run -s none snapshot -- -max_total_time=20`

#![no_main]

use failover_harness::guide::preflight::inspect;
use failover_harness::guide::snapshot::Snapshot;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(snapshot) = Snapshot::read(text) else { return };
    inspect(&snapshot);
    let again = Snapshot::read(&snapshot.text()).expect("what is written can be read");
    assert_eq!(again.text(), snapshot.text());
});
