//! Can anything that a host says crash the reader of a session's lines?
//!
//! `cargo fuzz run -s none session_answer -- -max_total_time=20`

#![no_main]

use failover_harness::backend::lab::protocol::{Answer, CHANNELS, Call, EVENTS_MOST, Line, Lines, Request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut lines = Lines::default();
    // As a pipe may break it up.
    for part in bytes.chunks(7) {
        lines.push(part);
    }
    while let Some(line) = lines.next_line().or_else(|| lines.rest()) {
        let Line::Text(text) = line else { continue };
        // Whatever is wrong with it is told, and it asks for something only if it can be written the same way.
        if let Ok(request) = Request::read(&text) {
            let again = Request::read(&request.line()).expect("what is written can be read");
            assert_eq!(again.line(), request.line());
        }
        let _ = Answer::read_id(&text);
        let server = "SQLFCI".to_owned();
        let (channel, most) = (CHANNELS[0], EVENTS_MOST);
        for call in [
            Call::ReadCluster,
            Call::ReadSurroundings,
            Call::ReadWorker { work_from: Some(1) },
            Call::ReadSsisdb { server: server.clone(), work_from: Some(1) },
            Call::ReadPackage { server },
            Call::ReadEvents { channel, after: 0, within: None, most },
        ] {
            let _ = Answer::read(&text, &call);
        }
    }
});
