//! What has happened in the world of a twin, as far as its hosts go on to tell of it?

use std::time::Duration;

use failover_sim::names::{NodeId, WorkerId};
use failover_sim::observe::{Fact, Flow, Power, Record, Sink, WorkerState};
use failover_sim::time::Time;

use super::events::EventLogs;
use super::work::WorkLog;

/// What the hosts have kept.
pub(super) struct Logs {
    workers: Vec<Worker>,
    /// The node that the master properties name, and since when.
    pub(super) master: Option<(NodeId, Time)>,
    /// `LAST_ONLINE_TIME` of the master as it was read last.
    pub(super) master_online: Option<Time>,
    /// How often each node has lost its power: a session from before does not come back with it.
    pub(super) outages: Vec<u32>,
    /// What the nodes have written into their event logs.
    pub(super) events: EventLogs,
    /// What they tell of executions.
    pub(super) work: WorkLog,
}

#[derive(Clone, Copy, Default)]
struct Worker {
    /// The last line of its log.
    line: Option<(Time, WorkerState)>,
    /// When its heartbeat was answered last before it lost its connection.
    online: Option<Time>,
}

impl Logs {
    pub(super) fn new(workers: usize, nodes: usize, events: EventLogs) -> Self {
        Self {
            workers: vec![Worker::default(); workers],
            master: None,
            master_online: None,
            outages: vec![0; nodes],
            events,
            work: WorkLog::default(),
        }
    }

    /// The last line of a worker's log.
    pub(super) fn line(&self, worker: WorkerId) -> Option<(Time, WorkerState)> {
        self.workers[worker.index()].line
    }

    /// `LastOnlineTime`: while a worker is connected its heartbeats are answered in their rhythm since it was.
    pub(super) fn online(&self, worker: WorkerId, now: Time, every: Duration) -> Option<Time> {
        let Worker { line, online } = self.workers[worker.index()];
        if let Some((since, WorkerState::Connected { .. })) = line {
            return Some(last_beat(since, now, every));
        }
        online
    }
}

/// The last beat up to `now` of a rhythm that began at `since`.
pub(super) fn last_beat(since: Time, now: Time, every: Duration) -> Time {
    let (passed, every) = (now.since(since).as_micros(), every.as_micros().max(1));
    since + Duration::from_micros(u64::try_from(passed - passed % every).unwrap_or(u64::MAX))
}

impl Sink for Logs {
    fn record(&mut self, record: &Record) -> Flow {
        // Nothing else is kept where a host could tell of it.
        if let Fact::Worker { worker, state } = record.fact {
            let own = &mut self.workers[worker.index()];
            if let Some((since, WorkerState::Connected { .. })) = own.line {
                own.online = Some(since.max(record.latest));
            }
            own.line = Some((record.latest, state));
        }
        if let Fact::MasterMachine(node) = record.fact {
            self.master = Some((node, record.latest));
        }
        if let Fact::Machine { node, power: Power::Off } = record.fact {
            self.outages[node.index()] += 1;
        }
        self.events.take(record);
        self.work.take(record);
        Flow::Continue
    }
}
