//! What has a twin shown since it was started?

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use failover_sim::names::Names;
use failover_sim::observe::{Flow, Record, Sink};
use failover_sim::time::Time;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::history;
use crate::plan::Plan;

/// Something that happened, in the order in which it became known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// Something was seen.
    Seen(Record),
    /// Somebody did something.
    Did {
        /// When.
        at: Time,
        /// The verb of the step.
        verb: &'static str,
        /// To which node, if it was about one.
        node: Option<String>,
    },
}

/// Everything so far; read by whoever asks the control API.
#[derive(Debug)]
pub(super) struct Log {
    entries: Mutex<Vec<Entry>>,
    /// Names of the sets of executions, in the order in which they were brought in.
    loads: Mutex<Vec<String>>,
    /// How many entries there are; ends with the twin.
    news: watch::Receiver<usize>,
}

/// The end at which a log is written, on the twin's own thread.
#[derive(Debug)]
pub(super) struct Recorder {
    log: Arc<Log>,
    news: watch::Sender<usize>,
}

impl Log {
    /// An empty log.
    pub(super) fn begin() -> (Arc<Self>, Recorder) {
        let (sender, news) = watch::channel(0);
        let log = Arc::new(Self { entries: Mutex::default(), loads: Mutex::default(), news });
        (log.clone(), Recorder { log, news: sender })
    }

    /// Everything from this entry on.
    pub(super) fn from(&self, place: usize) -> Vec<Entry> {
        self.entries().get(place..).unwrap_or_default().to_vec()
    }

    /// How many entries there are, told again whenever there are more; ends with the twin.
    pub(super) fn news(&self) -> watch::Receiver<usize> {
        self.news.clone()
    }

    /// The names of the plan, and those of the sets of executions that were brought in since.
    pub(super) fn names(&self, plan: &Plan) -> Names {
        let loads = self.loads.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Names { loads, ..plan.names.clone() }
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recorder {
    /// What was seen so far.
    pub(super) fn seen(&self) -> Vec<Record> {
        let seen = |entry: &Entry| if let Entry::Seen(record) = entry { Some(*record) } else { None };
        self.log.entries().iter().filter_map(seen).collect()
    }

    /// Somebody does something.
    pub(super) fn did(&self, at: Time, verb: &'static str, node: Option<String>) {
        self.add(|_| Entry::Did { at, verb, node });
    }

    /// One more set of executions.
    pub(super) fn add_load(&self, name: &str) {
        self.log.loads.lock().unwrap_or_else(PoisonError::into_inner).push(name.to_owned());
    }

    fn add(&self, entry: impl FnOnce(u64) -> Entry) {
        let count = {
            let mut entries = self.log.entries();
            let entry = entry(entries.len() as u64);
            entries.push(entry);
            entries.len()
        };
        self.news.send_replace(count);
    }
}

impl Sink for Recorder {
    fn record(&mut self, record: &Record) -> Flow {
        self.add(|seq| Entry::Seen(Record { seq, ..*record }));
        Flow::Continue
    }
}

impl Entry {
    /// The kind of event, and its data, as the stream of observations has them.
    pub(super) fn event(&self, names: &Names) -> (&'static str, String) {
        match self {
            Self::Seen(record) => ("observation", history::line(record, names)),
            Self::Did { at, verb, node } => {
                let data: Value = json!({ "at_us": at.as_micros(), "verb": verb, "node": node });
                ("action", data.to_string())
            }
        }
    }
}
