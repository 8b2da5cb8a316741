//! What is the common workload W(workers, failovers) that every peer runs?
//!
//! - Two master hosts and one network name. Crash k comes at 30 s + k x 60 s: the host that serves dies and its
//!   connections break; the other one serves 10 s later. The run ends at failovers x 60 s.
//! - Each worker keeps one connection and sends one request at a time: a heartbeat every 10 s and a task request every
//!   5 s, both from a random phase on. Every fourth task request of a worker is answered with a task.
//! - A link delays each message by 0.5 to 2 ms.
//! - A request that errs, or has no answer within 5 s, disconnects the worker. It tries to connect at once and then
//!   every second; without a host the attempt fails at once. It is connected when its first heartbeat on the new
//!   connection is answered. Its beats go on in their old rhythm; those it missed are dropped.
//!
//! The text of the workload leaves three things open. All peers decide them alike:
//!
//! - Every worker has its first connection when the run begins, and no heartbeat opens that one.
//! - A request on its way errs at the moment when the host dies. A worker without a request on its way learns of it
//!   from its next request, which errs at once.
//! - A beat that comes while a request is on its way waits for the answer.

use std::time::Duration;

/// Time between two heartbeats of a worker.
pub const HEARTBEAT_PERIOD: Duration = Duration::from_secs(10);
/// Time between two task requests of a worker.
pub const TASK_REQUEST_PERIOD: Duration = Duration::from_secs(5);
/// One in so many task requests of a worker is answered with a task.
pub const TASK_REQUESTS_PER_TASK: u32 = 4;
/// How long a worker waits for an answer.
pub const REQUEST_TIME_OUT: Duration = Duration::from_secs(5);
/// Time between two attempts to connect.
pub const RETRY_PERIOD: Duration = Duration::from_secs(1);
/// When the first host dies.
pub const FIRST_CRASH: Duration = Duration::from_secs(30);
/// Time between two deaths, and the length of the run for each failover.
pub const CRASH_PERIOD: Duration = Duration::from_secs(60);
/// Time between the death of one host and the service of the other.
pub const TAKEOVER: Duration = Duration::from_secs(10);
/// The shortest time that a message is on its way.
pub const LINK_DELAY_MIN: Duration = Duration::from_micros(500);
/// The longest time that a message is on its way.
pub const LINK_DELAY_MAX: Duration = Duration::from_micros(2_000);

/// What a random value is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// When a worker sends its first heartbeat.
    HeartbeatPhase = 1,
    /// When a worker sends its first task request.
    TaskRequestPhase = 2,
    /// How long a message of a worker, or to it, is on its way.
    LinkDelay = 3,
}

/// The random values of one purpose and one subject.
///
/// A value is a hash of (seed, purpose, subject, ordinal), so it does not depend on what else was drawn.
#[derive(Clone, Copy, Debug)]
pub struct RandomValues {
    key: u64,
}

impl RandomValues {
    /// The values that `seed` gives for `purpose` to the worker with this number.
    pub const fn new(seed: u64, purpose: Purpose, worker: u32) -> Self {
        let key = mix(mix(mix(seed).wrapping_add(purpose as u64)).wrapping_add(worker as u64));
        Self { key }
    }

    /// The value with this ordinal, in microseconds, from `min` to `max`, both included.
    pub const fn micros(self, ordinal: u64, min: Duration, max: Duration) -> u64 {
        let choices = micros(max) - micros(min) + 1;
        let value = mix(self.key.wrapping_add(ordinal.wrapping_mul(GOLDEN)));
        micros(min) + ((value as u128 * choices as u128) >> 64) as u64
    }
}

/// When a worker sends its first heartbeat, in microseconds from the start of the run.
pub const fn first_heartbeat_micros(seed: u64, worker: u32) -> u64 {
    phase(seed, Purpose::HeartbeatPhase, worker, HEARTBEAT_PERIOD)
}

/// When a worker sends its first task request, in microseconds from the start of the run.
pub const fn first_task_request_micros(seed: u64, worker: u32) -> u64 {
    phase(seed, Purpose::TaskRequestPhase, worker, TASK_REQUEST_PERIOD)
}

const fn phase(seed: u64, purpose: Purpose, worker: u32, period: Duration) -> u64 {
    let last = Duration::from_micros(micros(period) - 1);
    RandomValues::new(seed, purpose, worker).micros(0, Duration::ZERO, last)
}

/// How long the messages between one worker and its host are on their way.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    delays: RandomValues,
}

impl Link {
    /// The link of one worker.
    pub const fn new(seed: u64, worker: u32) -> Self {
        Self { delays: RandomValues::new(seed, Purpose::LinkDelay, worker) }
    }

    /// The delay of the worker's request with this number, in microseconds.
    pub const fn request_micros(self, number: u32) -> u64 {
        self.delays.micros(2 * number as u64, LINK_DELAY_MIN, LINK_DELAY_MAX)
    }

    /// The delay of the answer to the worker's request with this number, in microseconds.
    pub const fn answer_micros(self, number: u32) -> u64 {
        self.delays.micros(2 * number as u64 + 1, LINK_DELAY_MIN, LINK_DELAY_MAX)
    }
}

/// A constant of the workload as microseconds.
pub const fn micros(time: Duration) -> u64 {
    time.as_micros() as u64
}

/// How a worker stands when the run ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// To which host the worker is connected. The host that serves first is 0; each crash brings the next number.
    pub host: Option<u32>,
    /// How often the worker has connected anew.
    pub reconnects: u32,
    /// Task requests that arrived at a host.
    pub task_requests: u32,
    /// Tasks that the worker received.
    pub tasks: u32,
}

/// Asserts what the workload demands of every worker at its end.
///
/// # Panics
/// If a worker is not connected to the host that serves, has not reconnected exactly once for each failover, or has
/// not received its tasks.
pub fn assert_complete(failovers: u32, workers: impl Iterator<Item = Standing>) {
    for (worker, standing) in workers.enumerate() {
        assert_eq!(
            standing.host,
            Some(failovers),
            "worker {worker} is connected to the last host: {standing:?}"
        );
        assert_eq!(standing.reconnects, failovers, "worker {worker} reconnected once for each failover");
        // A crash, or the end of the run, may cut off the answer that carries the task.
        let due = standing.task_requests / TASK_REQUESTS_PER_TASK;
        let least = due.saturating_sub(failovers + 1);
        assert!((least..=due).contains(&standing.tasks), "worker {worker} received its tasks: {standing:?}");
    }
}

const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(GOLDEN);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The increment of SplitMix64, whose output function is `mix`.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_stay_within_the_bounds_of_the_link_and_fill_them() {
        let delays: Vec<u64> = (0..100_000).map(|number| Link::new(1, 0).request_micros(number)).collect();
        assert_eq!(delays.iter().min(), Some(&500));
        assert_eq!(delays.iter().max(), Some(&2_000));
        let mean = delays.iter().sum::<u64>() / delays.len() as u64;
        assert!((1_245..=1_255).contains(&mean), "{mean}");
    }

    #[test]
    fn a_value_depends_on_seed_purpose_worker_and_ordinal() {
        let value = |seed, purpose, worker, ordinal| {
            RandomValues::new(seed, purpose, worker).micros(
                ordinal,
                Duration::ZERO,
                Duration::from_secs(1_000_000),
            )
        };
        let base = value(1, Purpose::LinkDelay, 1, 1);
        assert_eq!(base, value(1, Purpose::LinkDelay, 1, 1));
        assert_ne!(base, value(2, Purpose::LinkDelay, 1, 1));
        assert_ne!(base, value(1, Purpose::HeartbeatPhase, 1, 1));
        assert_ne!(base, value(1, Purpose::LinkDelay, 2, 1));
        assert_ne!(base, value(1, Purpose::LinkDelay, 1, 2));
    }

    #[test]
    #[should_panic(expected = "connected to the last host")]
    fn a_worker_on_a_dead_host_is_found() {
        assert_complete(2, [Standing { host: Some(1), reconnects: 2, ..Standing::default() }].into_iter());
    }

    #[test]
    #[should_panic(expected = "once for each failover")]
    fn a_worker_that_reconnected_too_often_is_found() {
        assert_complete(2, [Standing { host: Some(2), reconnects: 3, ..Standing::default() }].into_iter());
    }
}
