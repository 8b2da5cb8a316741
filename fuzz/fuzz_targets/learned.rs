//! Can any file crash the reader of what labs have taught, or be read and not be written again?
//!
//! `cargo fuzz run -s none learned -- -max_total_time=20`

#![no_main]

use failover_harness::learn::Learned;
use failover_harness::scenario::diagnostic::Paint;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| match Learned::read("learned.json", text) {
    Ok(learned) => {
        let again = Learned::read("learned.json", &learned.text()).expect("what is written can be read");
        assert_eq!(again, learned);
    }
    Err(told) => assert!(told.render(Paint::Plain).contains("learned.json")),
});
