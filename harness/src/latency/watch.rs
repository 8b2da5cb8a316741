//! What does a failover mean to each worker?

use std::time::Duration;

use failover_sim::names::ActionNo;
use failover_sim::observe::{Fact, Flow, Record, Sink, Watch as Watched, WorkerState};
use failover_sim::time::{Time, micros};

use super::saved::WorkerTimes;

/// Follows every worker from the fault on.
#[derive(Debug)]
pub(super) struct Watch {
    /// The action that is the fault.
    action: ActionNo,
    pub(super) fault: Option<Time>,
    pub(super) workers: Vec<WorkerTimes>,
    /// From one look of the probe to the next.
    pub(super) probe: Duration,
    /// From one look at all workers to the next, and at the nodes; nothing where nobody looks.
    pub(super) looks_at_workers: Option<Duration>,
    pub(super) looks_at_nodes: Option<Duration>,
    /// How many microseconds earlier a worker's loss, and its return, may have been at most.
    pub(super) unseen: (u64, u64),
}

impl Watch {
    pub(super) fn new(action: ActionNo, workers: usize) -> Self {
        Self {
            action,
            fault: None,
            workers: vec![WorkerTimes::default(); workers],
            probe: Duration::ZERO,
            looks_at_workers: None,
            looks_at_nodes: None,
            unseen: (0, 0),
        }
    }
}

impl Sink for Watch {
    fn record(&mut self, record: &Record) -> Flow {
        if let Fact::Acting { action, .. } = record.fact
            && action == self.action
        {
            self.fault = Some(record.latest);
        }
        if let Fact::Watching { what, every } = record.fact {
            match what {
                Watched::Endpoint => self.probe = every,
                Watched::Workers => self.looks_at_workers = self.looks_at_workers.max(Some(every)),
                Watched::Node(_) => self.looks_at_nodes = self.looks_at_nodes.max(Some(every)),
                // No row is about them.
                Watched::Machines | Watched::Ssisdb | Watched::Reports | Watched::Messages => {}
            }
        }
        let (Some(fault), Fact::Worker { worker, state }) = (self.fault, record.fact) else {
            return Flow::Continue;
        };
        let since = micros(record.latest.since(fault));
        let unseen = micros(record.latest.since(record.earliest.max(fault)));
        let times = &mut self.workers[worker.index()];
        match state {
            WorkerState::Connected { .. } => {
                if times.noticed.is_some() && times.back.is_none() {
                    times.back = Some(since);
                    self.unseen.1 = self.unseen.1.max(unseen);
                }
            }
            WorkerState::Disconnected(_) | WorkerState::Refused { .. } => {
                if times.noticed.is_none() {
                    times.noticed = Some(since);
                    self.unseen.0 = self.unseen.0.max(unseen);
                }
                // It was back, and is not any more.
                times.back = None;
                times.refused += u32::from(matches!(state, WorkerState::Refused { .. }));
            }
            WorkerState::Starting => {}
        }
        Flow::Continue
    }
}
