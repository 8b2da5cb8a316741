//! What is kept of a measurement?

use std::collections::BTreeMap;

use failover_sim::time::{Time, micros};
use failover_sim::world::Attempted;
use serde::{Deserialize, Serialize};

/// The form of files that this version writes.
pub const FORM: u32 = 1;

/// A measurement, with every failover and every worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// [`FORM`].
    pub latency: u32,
    /// The version of the program.
    pub version: String,
    /// Where it ran.
    pub backend: String,
    /// The topology, by file or name.
    pub topology: String,
    /// The fault.
    pub fault: String,
    /// The hash of what was run, but for the moment of the fault and the seeds.
    pub plan: String,
    /// How many workers there were.
    pub workers: usize,
    /// What was set on top of the topology.
    pub set: Vec<(String, String)>,
    /// How many seconds of the cluster passed in a real one; 1 on the simulator, where time is not real at all.
    pub factor: u32,
    /// Times are known to so many microseconds.
    pub resolution_us: u64,
    /// From one look of the probe at the endpoint to the next, in microseconds; 0 where it misses nothing.
    #[serde(default)]
    pub probe_us: u64,
    /// What was taken for granted where nobody knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assume: Vec<(String, String)>,
    /// Where somebody looks now and then: for each row, how many microseconds earlier it may have been true at most, or
    /// nothing where nobody can see it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub looked_us: BTreeMap<String, Option<u64>>,
    /// In which lab, and on which builds, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lab: Option<String>,
    /// The failovers, in the order of their seeds.
    pub failovers: Vec<Failover>,
}

/// One failover.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failover {
    /// The seed of the run.
    pub seed: u64,
    /// How long after the start of the steps the fault came, in milliseconds.
    pub swept_ms: u64,
    /// For each phase of the cluster, the milliseconds from the fault to it.
    pub phases_ms: Vec<Option<u64>>,
    /// For each of them, how many of these milliseconds rest on durations that nobody has measured.
    pub assumed_ms: Vec<u64>,
    /// The workers, in the order of the topology.
    pub workers: Vec<WorkerTimes>,
}

/// What a failover meant to one worker, in microseconds since the fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerTimes {
    /// When it saw that its connection was gone; `None` if it never lost it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noticed: Option<u64>,
    /// When it had waited long enough, and began the attempt that succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited: Option<u64>,
    /// When it had resolved the host of its endpoint for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<u64>,
    /// When its connection was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected: Option<u64>,
    /// When the handshake was finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handshaken: Option<u64>,
    /// When its heartbeat was answered again, for good; `None` if that was not seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<u64>,
    /// How many attempts to connect failed in between.
    pub refused: u32,
}

/// One time of a worker, by its name in tables.
pub type WorkerRow = (&'static str, fn(&WorkerTimes) -> Option<u64>);

/// What is told of workers, in the order in which it happens; the last is not counted from the fault.
pub const WORKER_ROWS: [WorkerRow; 7] = [
    ("worker_noticed", |times| times.noticed),
    ("worker_waited", |times| times.waited),
    ("worker_resolved", |times| times.resolved),
    ("worker_connected", |times| times.connected),
    ("worker_handshaken", |times| times.handshaken),
    ("worker_back", |times| times.back),
    ("worker_away", WorkerTimes::away),
];

impl Saved {
    /// To how many microseconds a row is known, or nothing where nobody can see it.
    pub fn known_to(&self, row: &str) -> Option<u64> {
        let is_of_cluster = !WORKER_ROWS.iter().any(|(name, _)| *name == row);
        // Milliseconds are kept of the cluster, and the probe looks at the endpoint now and then.
        let looks = if row == "endpoint_answering" { self.probe_us } else { 0 };
        let least = self.resolution_us.max(if is_of_cluster { 1_000 } else { 0 });
        match self.looked_us.get(row) {
            Some(looked) => looked.map(|looked| looked.max(least)),
            None => Some(least.max(looks)),
        }
    }
}

impl WorkerTimes {
    /// Takes in how the attempt went that brought it back, if one did.
    pub fn take_attempt(&mut self, fault: Time, attempted: Attempted) {
        let since = |moment: Time| micros(moment.since(fault));
        let (Some(back), Some(handshaken)) = (self.back, attempted.handshaken) else { return };
        if attempted.began >= fault && since(handshaken) <= back {
            self.waited = Some(since(attempted.began));
            self.resolved = attempted.resolved.map(since);
            self.connected = attempted.connected.map(since);
            self.handshaken = Some(since(handshaken));
        }
    }

    /// For how long it was cut off, from what it saw; `None` if it never was, or never came back.
    pub fn away(&self) -> Option<u64> {
        Some(self.back?.saturating_sub(self.noticed?))
    }

    /// It lost its connection, and did not get another one.
    pub const fn never_back(&self) -> bool {
        self.noticed.is_some() && self.back.is_none()
    }
}
