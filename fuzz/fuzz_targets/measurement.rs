//! Can any measurement crash its reader, or what compares it?
//!
//! `cargo fuzz run -s none measurement -- -max_total_time=20`

#![no_main]

use failover_harness::latency::{Saved, beside, beside_table, compare, table};
use failover_harness::learn::Sighting;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(saved) = Saved::read(text) else { return };
    let _ =
        (compare(&saved, &saved, true), table(&saved), beside_table(&saved, &saved, &beside(&saved, &saved)));
    for failover in &saved.failovers {
        let _ = Sighting::of_failover(&saved, failover);
    }
});
