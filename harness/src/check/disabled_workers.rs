//! Claim: a worker that is disabled gets no task.
//!
//! By the rows in SSISDB: the worker's says that it is disabled, or is not there, and then a task is handed out to it
//! (catalog.disable_worker_agent, documented). What it has already it may go on with.

use failover_sim::names::{TaskId, WorkerId};
use failover_sim::observe::{AgentRow, Fact, Record, TaskState, Topic, Watch};
use failover_sim::time::Time;

use crate::plan::Plan;

use super::{Check, Verdict, Window};

pub(crate) struct DisabledWorkersGetNoTask {
    /// Since when each worker is not enabled, at the latest.
    out_since: Vec<Option<Time>>,
    is_watched: bool,
    /// Tasks handed out while some worker was disabled, and looks of a disabled one at what there is.
    judged: u64,
    first: Option<(Time, WorkerId, TaskId)>,
}

impl DisabledWorkersGetNoTask {
    pub(crate) fn new(plan: &Plan) -> Self {
        let out = |enabled: bool| (!enabled).then_some(Time::ZERO);
        Self {
            out_since: plan.topology.workers.iter().map(|worker| out(worker.enabled)).collect(),
            is_watched: false,
            judged: 0,
            first: None,
        }
    }
}

impl Check for DisabledWorkersGetNoTask {
    fn concerns(&self, topic: Topic) -> bool {
        topic != Topic::Connections
    }

    fn observe(&mut self, record: &Record) {
        if let Fact::WorkerAgent { worker, row } = record.fact {
            let since = &mut self.out_since[worker.index()];
            match row {
                AgentRow::Enabled => *since = None,
                AgentRow::Disabled | AgentRow::Missing => {
                    since.get_or_insert(record.latest);
                }
            }
        } else if let Fact::Task { task, state, worker, .. } = record.fact {
            let is_tested = matches!(state, TaskState::Ready | TaskState::HandedOut);
            self.judged += u64::from(is_tested && self.out_since.iter().any(Option::is_some));
            let to = worker.filter(|_| state == TaskState::HandedOut);
            let out = to.and_then(|worker| Some((worker, self.out_since[worker.index()]?)));
            if let Some((worker, since)) = out
                && since < record.earliest
            {
                self.first.get_or_insert((record.latest, worker, task));
            }
        } else if let Fact::Watching { what: Watch::Ssisdb, .. } = record.fact {
            self.is_watched = true;
        } else if let Fact::Unwatched(Watch::Ssisdb) = record.fact {
            self.is_watched = false;
        }
    }

    fn verdict(&self, plan: &Plan, _: Window) -> Verdict {
        if let Some((at, worker, task)) = self.first {
            let line =
                format!("{task} was handed out to worker `{}`, which is disabled", plan.names.worker(worker));
            return Verdict::fail(self.judged, at, vec![line], Vec::new());
        }
        if !self.is_watched {
            return Verdict::inconclusive(self.judged, "SSISDB was not looked at to the end".to_owned());
        }
        Verdict::pass(self.judged, "no task waited or was handed out while a worker was disabled")
    }
}
