//! Can any file crash the reader of `MasterSettings.config` and `WorkerSettings.config`?
//!
//! `cargo fuzz run -s none settings_file -- -max_total_time=20`

#![no_main]

use failover_sim::settings_file::{MASTER, WORKER, decode, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = decode("f", bytes) else { return };
    for keys in [MASTER, WORKER] {
        let told = match read("f", &text, keys) {
            Ok(settings) => settings.wrong,
            Err(error) => vec![error],
        };
        assert!(told.iter().all(|error| error.to_string().contains("`f`")));
    }
});
