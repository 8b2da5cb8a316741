//! What does a failover mean to each worker?

use std::time::Duration;

use failover_sim::names::ActionNo;
use failover_sim::observe::{Fact, Flow, Record, Sink, Watch as Watched, WorkerState};
use failover_sim::time::Time;

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
}

impl Watch {
    pub(super) fn new(action: ActionNo, workers: usize) -> Self {
        Self { action, fault: None, workers: vec![WorkerTimes::default(); workers], probe: Duration::ZERO }
    }
}

impl Sink for Watch {
    fn record(&mut self, record: &Record) -> Flow {
        if let Fact::Acting { action, .. } = record.fact
            && action == self.action
        {
            self.fault = Some(record.latest);
        }
        if let Fact::Watching { what: Watched::Endpoint, every } = record.fact {
            self.probe = every;
        }
        let (Some(fault), Fact::Worker { worker, state }) = (self.fault, record.fact) else {
            return Flow::Continue;
        };
        let since = record.latest.since(fault).as_micros() as u64;
        let times = &mut self.workers[worker.index()];
        match state {
            WorkerState::Connected { .. } => {
                if times.noticed.is_some() {
                    times.back.get_or_insert(since);
                }
            }
            WorkerState::Disconnected(_) | WorkerState::Refused { .. } => {
                times.noticed.get_or_insert(since);
                // It was back, and is not any more.
                times.back = None;
                times.refused += u32::from(matches!(state, WorkerState::Refused { .. }));
            }
            WorkerState::Starting => {}
        }
        Flow::Continue
    }
}
