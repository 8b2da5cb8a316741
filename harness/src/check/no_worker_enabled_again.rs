//! Claim: no worker has to be enabled again: none that was enabled has come back as a new one.
//!
//! The rows of the workers are in SSISDB, and outlive every failover. A worker whose row is gone registers with its next
//! heartbeat, disabled as every new worker (documented), and gets no task until an administrator enables it. Whom an
//! administrator disables is not lost in this way.

use failover_sim::names::WorkerId;
use failover_sim::observe::{AgentRow, Fact, Record, Topic, Watch};
use failover_sim::time::Time;

use crate::plan::Plan;

use super::{Check, Verdict, Window};

pub(crate) struct NoWorkerEnabledAgain {
    workers: Vec<Row>,
    has_begun: bool,
    is_watched: bool,
    first: Option<(Time, WorkerId)>,
}

#[derive(Clone, Copy)]
struct Row {
    now: AgentRow,
    /// Whether it was enabled when the steps began.
    counts: bool,
}

impl NoWorkerEnabledAgain {
    pub(crate) fn new(plan: &Plan) -> Self {
        let row = |enabled| if enabled { AgentRow::Enabled } else { AgentRow::Missing };
        let workers = plan.topology.workers.iter();
        Self {
            workers: workers.map(|worker| Row { now: row(worker.enabled), counts: worker.enabled }).collect(),
            has_begun: false,
            is_watched: false,
            first: None,
        }
    }
}

impl Check for NoWorkerEnabledAgain {
    fn concerns(&self, topic: Topic) -> bool {
        matches!(topic, Topic::Looks | Topic::Surroundings)
    }

    fn observe(&mut self, record: &Record) {
        match record.fact {
            Fact::WorkerAgent { worker, row } => {
                let known = &mut self.workers[worker.index()];
                if known.counts && (known.now, row) == (AgentRow::Missing, AgentRow::Disabled) {
                    self.first.get_or_insert((record.latest, worker));
                }
                known.now = row;
                known.counts |= !self.has_begun && row == AgentRow::Enabled;
                known.counts &= self.has_begun || row == AgentRow::Enabled;
            }
            Fact::StepsBegan => self.has_begun = true,
            Fact::Watching { what: Watch::Ssisdb, .. } => self.is_watched = true,
            Fact::Unwatched(Watch::Ssisdb) => self.is_watched = false,
            // Nothing else says what SSISDB knows of a worker.
            Fact::Watching { .. }
            | Fact::Unwatched(_)
            | Fact::StepBegan(_)
            | Fact::Acting { .. }
            | Fact::Applied(_)
            | Fact::StepsEnded
            | Fact::RunEnded
            | Fact::Machine { .. }
            | Fact::NodeState { .. }
            | Fact::NodeStatus { .. }
            | Fact::OwnerNode { .. }
            | Fact::ResourceState { .. }
            | Fact::Endpoint { .. }
            | Fact::Worker { .. }
            | Fact::MasterMachine(_)
            | Fact::Task { .. }
            | Fact::Package { .. }
            | Fact::ExecutionLog { .. }
            | Fact::ReportRefused { .. }
            // Nodes and probe have shown what it tells.
            | Fact::ClusterEvent { .. } => {}
        }
    }

    fn verdict(&self, plan: &Plan, _: Window) -> Verdict {
        let judged = self.workers.iter().filter(|worker| worker.counts).count() as u64;
        if let Some((at, worker)) = self.first {
            let line = format!("{} is a new worker to SSISDB, and disabled", plan.names.worker(worker));
            let hint =
                "its row was deleted, or its WorkerAgentId changed: enable it (catalog.enable_worker_agent)";
            return Verdict::fail(judged, at, vec![line], vec![hint.to_owned()]);
        }
        if !self.is_watched {
            return Verdict::inconclusive(judged, "SSISDB was not looked at to the end".to_owned());
        }
        Verdict::pass(judged, "no worker was enabled when the steps began")
    }
}
