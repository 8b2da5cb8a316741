//! Claim: no task is handed out more often than its execution allows: once, and `retry_count` times more.
//!
//! By `executed_count` in SSISDB (`@retry_count` of catalog.start_execution, documented).

use failover_sim::names::TaskId;
use failover_sim::observe::{Fact, Record, TaskState, Topic, Watch};
use failover_sim::time::Time;

use crate::plan::Plan;

use super::{Check, Verdict, Window};

pub(crate) struct TasksWithinRetries {
    /// How often a task of each set may be handed out.
    allowed: Vec<u16>,
    is_watched: bool,
    judged: u64,
    first: Option<(Time, TaskId, u8, u16)>,
}

impl TasksWithinRetries {
    pub(crate) fn new(plan: &Plan) -> Self {
        let allowed = plan.loads.iter().map(|load| u16::from(load.retry_count) + 1).collect();
        Self { allowed, is_watched: false, judged: 0, first: None }
    }
}

impl Check for TasksWithinRetries {
    fn concerns(&self, topic: Topic) -> bool {
        topic != Topic::Connections
    }

    fn observe(&mut self, record: &Record) {
        if let Fact::Task { task, load, state: TaskState::HandedOut, executed_count, .. } = record.fact {
            let allowed = self.allowed[load.index()];
            self.judged += 1;
            if u16::from(executed_count) > allowed {
                self.first.get_or_insert((record.latest, task, executed_count, allowed));
            }
        } else if let Fact::Watching { what: Watch::Ssisdb, .. } = record.fact {
            self.is_watched = true;
        } else if let Fact::Unwatched(Watch::Ssisdb) = record.fact {
            self.is_watched = false;
        }
    }

    fn verdict(&self, _: &Plan, _: Window) -> Verdict {
        if let Some((at, task, count, allowed)) = self.first {
            let line = format!("{task} was handed out {count} times, and {allowed} are allowed");
            return Verdict::fail(self.judged, at, vec![line], Vec::new());
        }
        if !self.is_watched {
            return Verdict::inconclusive(self.judged, "SSISDB was not looked at to the end".to_owned());
        }
        Verdict::pass(self.judged, "no task was handed out")
    }
}
