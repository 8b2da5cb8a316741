//! What is kept of a measurement?

use std::collections::BTreeMap;
use std::time::Duration;

use failover_sim::time::{Time, micros};
use failover_sim::world::Attempted;
use serde::{Deserialize, Serialize};

use crate::phase::PHASES;

/// The form of files that this version writes.
pub const FORM: u32 = 1;

/// Phases of the cluster that are kept; those of workers are kept worker by worker.
pub const PHASES_OF_CLUSTER: usize = PHASES.len() - 2;

/// No time of a measurement is longer: a day.
pub const LONGEST: Duration = Duration::from_secs(24 * 3_600);

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

/// Why a file is no measurement that this version can read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is not in the form of one.
    #[error("it is no measurement: {0}")]
    Json(#[from] serde_json::Error),
    /// It is in the form of another version.
    #[error("it has form {found}, written by version {version}, and this version reads form {FORM}")]
    Form {
        /// The form.
        found: u32,
        /// The version of the program that wrote it.
        version: String,
    },
    /// A failover has more phases than there are, or fewer.
    #[error("the failover with seed {seed} has {found} phases, and the cluster has {PHASES_OF_CLUSTER}")]
    Phases {
        /// The seed of the failover.
        seed: u64,
        /// So many it has.
        found: usize,
    },
    /// A time that nobody can have measured.
    #[error("{0} is longer than a day")]
    TooLong(String),
}

impl Saved {
    /// Reads what [`FORM`] wrote.
    ///
    /// # Errors
    /// If it is something else, or of another form, or if a failover has other phases than the cluster, or a time is
    /// longer than [`LONGEST`].
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        let saved: Self = serde_json::from_str(text)?;
        if saved.latency != FORM {
            return Err(Unreadable::Form { found: saved.latency, version: saved.version });
        }
        let looked = saved.looked_us.iter().filter_map(|(row, looked)| Some((row.as_str(), (*looked)?)));
        let of_all = [("resolution_us", saved.resolution_us), ("probe_us", saved.probe_us)];
        for (what, time) in looked.chain(of_all) {
            if time > micros(LONGEST) {
                return Err(Unreadable::TooLong(format!("`{what}`")));
            }
        }
        saved.failovers.iter().try_for_each(Failover::check)?;
        Ok(saved)
    }

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

impl Failover {
    fn check(&self) -> Result<(), Unreadable> {
        let seed = self.seed;
        for found in [self.phases_ms.len(), self.assumed_ms.len()] {
            if found != PHASES_OF_CLUSTER {
                return Err(Unreadable::Phases { seed, found });
            }
        }
        let reached = self.phases_ms.iter().flatten();
        let mut millis = reached.chain(&self.assumed_ms).chain([&self.swept_ms]);
        let of_workers = WORKER_ROWS.iter().flat_map(|(_, time)| self.workers.iter().filter_map(time));
        let is_long = |millis: &u64| u128::from(*millis) > LONGEST.as_millis();
        if millis.any(is_long) || { of_workers }.any(|time| time > micros(LONGEST)) {
            return Err(Unreadable::TooLong(format!("a time of the failover with seed {seed}")));
        }
        Ok(())
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
