//! Claim: no two workers run the same task at the same moment.
//!
//! By the witness files of the packages, not by what SSISDB believes: after a sweep it believes wrongly.

use std::collections::BTreeSet;

use failover_sim::names::{TaskId, WorkerId};
use failover_sim::observe::{Fact, Record, Topic, Watch};
use failover_sim::time::Time;

use crate::plan::Plan;

use super::{Check, Verdict, Window};

#[derive(Default)]
pub(crate) struct TaskRunsOnce {
    /// Packages that run: of which task, since when at the latest, and whose.
    running: BTreeSet<(TaskId, Time, WorkerId)>,
    judged: u64,
    overlap: Option<Overlap>,
    is_watched: bool,
    gap: bool,
}

/// Two packages of one task that ran at once.
#[derive(Clone, Copy, Debug)]
struct Overlap {
    task: TaskId,
    workers: (WorkerId, WorkerId),
    from: Time,
    to: Time,
}

impl TaskRunsOnce {
    fn ends(&mut self, task: TaskId, worker: WorkerId, earliest: Time) {
        let (mut ended, mut oldest_other) = (None, None);
        for package in self.packages_of(task) {
            let place = if package.2 == worker && ended.is_none() { &mut ended } else { &mut oldest_other };
            place.get_or_insert(package);
        }
        let Some(ended) = ended else { return };
        self.running.remove(&ended);
        if let (Some((_, since, other)), None) = (oldest_other, self.overlap) {
            let from = since.max(ended.1);
            let overlap = Overlap { task, workers: (other, worker), from, to: earliest };
            self.overlap = (from < earliest).then_some(overlap);
        }
    }

    fn packages_of(&self, task: TaskId) -> impl Iterator<Item = (TaskId, Time, WorkerId)> {
        let (first, last) = ((task, Time::ZERO, WorkerId(0)), (task, Time::NEVER, WorkerId(u32::MAX)));
        self.running.range(first..=last).copied()
    }

    /// Packages of one task that run to the end of the history.
    fn open_overlap(&self, end: Time) -> Option<Overlap> {
        let pairs = self.running.iter().zip(self.running.iter().skip(1));
        let mut of_one_task = pairs.filter(|(one, other)| one.0 == other.0 && other.1 < end);
        of_one_task.next().map(|(one, other)| Overlap {
            task: one.0,
            workers: (one.2, other.2),
            from: other.1,
            to: end,
        })
    }
}

impl Check for TaskRunsOnce {
    fn concerns(&self, topic: Topic) -> bool {
        matches!(topic, Topic::Packages | Topic::Looks)
    }

    fn observe(&mut self, record: &Record) {
        match record.fact {
            Fact::Package { task, worker, runs: true } => {
                self.judged += 1;
                self.running.insert((task, record.latest, worker));
            }
            Fact::Package { task, worker, runs: false } => self.ends(task, worker, record.earliest),
            Fact::Watching { what: Watch::Workers, .. } => self.is_watched = true,
            Fact::Unwatched(Watch::Workers) => {
                self.is_watched = false;
                self.gap = true;
            }
            // Nothing else says what a worker runs.
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
            | Fact::Task { .. }
            | Fact::WorkerAgent { .. }
            | Fact::ExecutionLog { .. }
            | Fact::ReportRefused { .. }
            // Nodes and probe have shown what it tells.
            | Fact::ClusterEvent { .. } => {}
        }
    }

    fn verdict(&self, plan: &Plan, window: Window) -> Verdict {
        let names = &plan.names;
        if let Some(Overlap { task, workers, from, to }) =
            self.overlap.or_else(|| self.open_overlap(window.end))
        {
            let line = format!(
                "`{}` and `{}` both run {task} for {:.3} s",
                names.worker(workers.0),
                names.worker(workers.1),
                to.since(from).as_secs_f64()
            );
            let hint = "a task whose lease ran out is handed out again by the next sweep \
                        (DealWithExpiredTasksIntervalInMs), while its worker still runs it: packages must \
                        bear to run twice";
            return Verdict::fail(self.judged, from, vec![line], vec![hint.to_owned()]);
        }
        if !self.is_watched || self.gap {
            let line = "the workers were not looked at to the end".to_owned();
            return Verdict::inconclusive(self.judged, line);
        }
        Verdict::pass(self.judged, "no package was seen to run")
    }
}

#[cfg(test)]
mod tests {
    use failover_sim::observe::Source;

    use super::*;
    use crate::check::Outcome;
    use crate::scenario::tests_support::plan_of;

    /// The verdict on starts and ends of packages of one task: second, worker, whether it runs.
    fn verdict(packages: &[(u64, u32, bool)], every: u64) -> Outcome {
        let plan = plan_of("- start_executions: { as: a, count: 1, duration: 1m }");
        let mut check = TaskRunsOnce::default();
        let mut show = |at: u64, fact| {
            let (earliest, latest) =
                (Time::from_micros(at * 1_000_000), Time::from_micros((at + every) * 1_000_000));
            check.observe(&Record { seq: 0, earliest, latest, source: Source::Run, fact });
        };
        show(0, Fact::Watching { what: Watch::Workers, every: std::time::Duration::from_secs(every) });
        for &(at, worker, runs) in packages {
            show(at, Fact::Package { task: TaskId(0), worker: WorkerId(worker), runs });
        }
        let window = Window { began: Time::ZERO, end: Time::from_micros(900_000_000) };
        check.verdict(&plan, window).outcome
    }

    #[test]
    fn one_after_the_other_is_once_at_a_time() {
        assert_eq!(verdict(&[(1, 0, true), (60, 0, false), (60, 1, true), (90, 1, false)], 0), Outcome::Pass);
        // The looks are too far apart to see an overlap.
        assert_eq!(verdict(&[(1, 0, true), (58, 1, true), (60, 0, false)], 5), Outcome::Pass);
    }

    #[test]
    fn two_at_once_are_seen_whether_or_not_they_end() {
        assert_eq!(verdict(&[(1, 0, true), (30, 1, true), (60, 0, false)], 0), Outcome::Fail);
        assert_eq!(verdict(&[(1, 0, true), (30, 1, true)], 0), Outcome::Fail);
    }

    #[test]
    fn nothing_seen_is_inconclusive() {
        assert_eq!(verdict(&[], 0), Outcome::Inconclusive);
    }
}
