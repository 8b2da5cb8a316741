//! Can any bytes crash the reader of a lab's journal, or make it lose an entry when its last line is cut short?
//!
//! `cargo fuzz run -s none lab_journal -- -max_total_time=20`

#![no_main]

use std::sync::LazyLock;

use failover_harness::backend::lab::journal::{Content, Journal};
use failover_harness::plan::{Origin, Overrides};
use failover_harness::scenario::{plan, standard};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Bytes alone seldom make a first line: a right one is put before them too.
    let whole = [HEADER.as_slice(), bytes].concat();
    for bytes in [bytes, &whole] {
        let Ok(read) = Content::read(bytes) else { continue };
        assert!(bytes[..read.whole].ends_with(b"\n"));
        let again = Content::read(&bytes[..read.whole]).expect("whole lines can be read");
        assert_eq!((again.entries, again.whole), (read.entries, read.whole));
    }
});

/// The first line of a journal.
static HEADER: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let origin = Origin {
        scenario_file: "fuzz".to_owned(),
        scenario_text: "proves: nothing\nabout: { topology: t }\nsteps:\n  - move_role: { to: standby }\n".to_owned(),
        topology_file: "t".to_owned(),
        topology_text: standard::topology("two_node_fci").expect("it is carried along").text.to_owned(),
        base: None,
        files: Default::default(),
        overrides: Overrides::default(),
    };
    let plan = plan("fuzz", &origin, 1).unwrap_or_else(|_| panic!("the scenario is right"));
    let journal = Journal::begin(&std::env::temp_dir(), &plan).expect("a temporary file");
    let header = std::fs::read(journal.path()).expect("it was written");
    std::fs::remove_file(journal.path()).expect("it is ours");
    header
});
