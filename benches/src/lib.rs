//! How fast is the simulator, beside others that do the same work?
//!
//! Everybody runs the common workload W(workers, failovers): two master hosts and one network name; the active host
//! dies every minute from half a minute on, and the other one serves ten seconds later; each worker keeps one
//! connection, sends a heartbeat every 10 s and a task request every 5 s, waits 5 s for an answer, and tries every
//! second to connect again. A link delays each message by 0.5 to 2 ms.

pub mod bare;
pub mod measure;
pub mod product;
pub mod tokio_paused;

use std::time::Duration;

/// Time between two heartbeats of a worker.
pub const HEARTBEAT: Duration = Duration::from_secs(10);
/// Time between two task requests of a worker.
pub const TASK_REQUEST: Duration = Duration::from_secs(5);
/// How long a worker waits for an answer.
pub const TIME_OUT: Duration = Duration::from_secs(5);
/// Time between two attempts to connect.
pub const RETRY: Duration = Duration::from_secs(1);
/// When the active host dies for the first time.
pub const FIRST_CRASH: Duration = Duration::from_secs(30);
/// Time between two deaths.
pub const CRASH_PERIOD: Duration = Duration::from_secs(60);
/// Time between the death of one host and the service of the other.
pub const TAKEOVER: Duration = Duration::from_secs(10);
/// The least and the greatest delay of a message, in microseconds.
pub const LINK_MICROS: (u64, u64) = (500, 2_000);

/// A random value as a function of what it is for, so that peers need no generator of their own.
pub const fn random(seed: u64, purpose: u64, subject: u64, ordinal: u64) -> u64 {
    mix(mix(mix(seed ^ (purpose << 56)).wrapping_add(subject)).wrapping_add(ordinal))
}

/// A random value below `bound`.
pub const fn random_below(seed: u64, purpose: u64, subject: u64, ordinal: u64, bound: u64) -> u64 {
    ((random(seed, purpose, subject, ordinal) as u128 * bound as u128) >> 64) as u64
}

const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
