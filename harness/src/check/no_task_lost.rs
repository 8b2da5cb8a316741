//! Claim: no task is lost: none that was started is given up.
//!
//! By the tasks in SSISDB: a task whose lease ran out, and which has no attempt left, is swept away as failed. What an
//! execution's own row says right after a failover is no evidence, since the start of SQL Server marks every execution
//! that runs as ended unexpectedly (`catalog.startup`, observed).

use failover_sim::names::TaskId;
use failover_sim::observe::{Fact, Record, TaskState, Topic, Watch};
use failover_sim::time::Time;

use crate::plan::Plan;

use super::{Check, Verdict, Window};

#[derive(Default)]
pub(crate) struct NoTaskLost {
    succeeded: u64,
    lost: u64,
    first: Option<(Time, TaskId)>,
    is_watched: bool,
}

impl Check for NoTaskLost {
    fn concerns(&self, topic: Topic) -> bool {
        matches!(topic, Topic::Tasks | Topic::Looks)
    }

    fn observe(&mut self, record: &Record) {
        match record.fact {
            Fact::Task { state: TaskState::Succeeded, .. } => {
                self.succeeded += 1;
            }
            Fact::Task { task, state: TaskState::Failed, .. } => {
                self.lost += 1;
                self.first.get_or_insert((record.latest, task));
            }
            Fact::Watching { what: Watch::Ssisdb, .. } => self.is_watched = true,
            Fact::Unwatched(Watch::Ssisdb) => self.is_watched = false,
            // It is on its way.
            Fact::Task { .. } => {}
            // Nothing else says what became of a task.
            Fact::Watching { .. }
            | Fact::Unwatched(_)
            | Fact::StepsBegan
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
            | Fact::WorkerAgent { .. }
            | Fact::Package { .. }
            | Fact::ExecutionLog { .. }
            | Fact::ReportRefused { .. }
            // Nodes and probe have shown what it tells.
            | Fact::ClusterEvent { .. } => {}
        }
    }

    fn verdict(&self, _: &Plan, _: Window) -> Verdict {
        let judged = self.succeeded + self.lost;
        if let Some((at, task)) = self.first {
            let line = match self.lost {
                1 => format!("{task} was given up"),
                many => format!("{many} tasks were given up, the first of them {task}"),
            };
            let hint = "a task is handed out `retry_count` times more (catalog.start_execution); a lease of a minute \
                        (LeaseInternval) is shorter than most failovers";
            return Verdict::fail(judged, at, vec![line], vec![hint.to_owned()]);
        }
        if !self.is_watched {
            return Verdict::inconclusive(judged, "SSISDB was not looked at to the end".to_owned());
        }
        Verdict::pass(judged, "no task came to its end")
    }
}
