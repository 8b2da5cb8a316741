//! Can anything that Windows prints crash the readers of `netsh` and of events' XML?
//!
//! `cargo fuzz run -s none host_output -- -max_total_time=20`

#![no_main]

use failover_harness::guide::snapshot::{bindings, reservations};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for binding in bindings(text) {
        let _ = binding.port();
    }
    for reservation in reservations(text) {
        let _ = (reservation.port(), reservation.is_for("NT SERVICE\\SSISScaleOutMaster150"));
    }
});
