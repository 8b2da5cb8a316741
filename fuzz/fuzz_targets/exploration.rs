//! Can any report of an exploration crash its reader, or what adds it up and tells of it?
//!
//! `cargo fuzz run -s none exploration -- -max_total_time=20`

#![no_main]

use failover_harness::explore::{Report, Seeds, tell};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(report) = Report::read(text) else { return };
    assert_eq!(Report::read(&report.text()).expect("what is written can be read"), report);
    for (name, mut tally) in report.scenarios {
        let mut other = tally.clone();
        // Another part may have counted the same.
        other.seeds = Seeds::default();
        let _ = tell(&name, &tally);
        if tally.merge(&other).is_ok() {
            let _ = tell(&name, &tally);
        }
    }
});
