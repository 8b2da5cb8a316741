//! Claim: so many of 100 outages of workers are over in time.
//!
//! An outage begins when a worker loses its connection through the network name and ends when it has another one. Each
//! worker's outages count by themselves. Outages are counted, not kept: no history is too long.

use failover_sim::names::{HostId, WorkerId};
use failover_sim::observe::{Fact, Record, Topic, Watch, WorkerState};
use failover_sim::time::{Time, micros};

use crate::plan::Plan;
use crate::words::length;

use super::{Check, ReconnectTime, Verdict, Window};

pub(crate) struct ReconnectTimes {
    limit: ReconnectTime,
    endpoint: HostId,
    workers: Vec<WorkerFold>,
    has_begun: bool,
    is_watched: bool,
    /// For a while nobody looked: an outage may have been missed.
    gap: bool,
    /// Outages that certainly were over in time, and those of which the looks cannot tell.
    in_time: u64,
    doubtful: u64,
    /// Outages that certainly were not.
    late: u64,
    first_late: Option<(Time, WorkerId)>,
    longest_micros: u64,
}

#[derive(Clone, Copy, Debug)]
struct WorkerFold {
    is_served: bool,
    /// When it was cut off: not before, and at the latest.
    cut: Option<(Time, Time)>,
}

impl ReconnectTimes {
    pub(crate) fn new(limit: ReconnectTime, plan: &Plan) -> Self {
        Self {
            limit,
            endpoint: plan.topology.endpoint,
            workers: vec![WorkerFold { is_served: false, cut: None }; plan.topology.workers.len()],
            has_begun: false,
            is_watched: false,
            gap: false,
            in_time: 0,
            doubtful: 0,
            late: 0,
            first_late: None,
            longest_micros: 0,
        }
    }

    fn changes(&mut self, worker: WorkerId, state: WorkerState, record: &Record) {
        let is_served = matches!(state, WorkerState::Connected { through, .. } if through == self.endpoint);
        let fold = &mut self.workers[worker.index()];
        fold.is_served = is_served;
        match (fold.cut, is_served) {
            (None, false) if self.has_begun => fold.cut = Some((record.earliest, record.latest)),
            (Some((earliest, latest)), true) => {
                fold.cut = None;
                let at_most = micros(self.limit.at_most);
                let (least, most) = (span(latest, record.earliest), span(earliest, record.latest));
                self.longest_micros = self.longest_micros.max(least);
                if most <= at_most {
                    self.in_time += 1;
                } else if least > at_most {
                    self.late += 1;
                    self.first_late.get_or_insert((earliest, worker));
                } else {
                    self.doubtful += 1;
                }
            }
            (None, _) | (Some(_), false) => {}
        }
    }
}

impl Check for ReconnectTimes {
    fn concerns(&self, topic: Topic) -> bool {
        !topic.is_work()
    }

    fn observe(&mut self, record: &Record) {
        match record.fact {
            Fact::Worker { worker, state } => self.changes(worker, state, record),
            Fact::StepsBegan => {
                self.has_begun = true;
                for fold in &mut self.workers {
                    if !fold.is_served {
                        fold.cut = Some((record.earliest, record.latest));
                    }
                }
            }
            Fact::Watching { what: Watch::Workers, .. } => self.is_watched = true,
            Fact::Unwatched(Watch::Workers) => {
                self.is_watched = false;
                self.gap |= self.has_begun;
            }
            // Nothing else says how a worker stands.
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
            | Fact::MasterMachine(_)
            | Fact::Task { .. }
            | Fact::WorkerAgent { .. }
            | Fact::Package { .. }
            | Fact::ExecutionLog { .. }
            | Fact::ReportRefused { .. }
            // Nodes and probe have shown what it tells.
            | Fact::ClusterEvent { .. } => {}
        }
    }

    fn verdict(&self, plan: &Plan, window: Window) -> Verdict {
        let at_most = micros(self.limit.at_most);
        let (mut late, mut open, mut first_late) = (self.late, 0, self.first_late);
        let mut longest = self.longest_micros;
        for (index, fold) in self.workers.iter().enumerate() {
            let Some((earliest, latest)) = fold.cut else { continue };
            longest = longest.max(span(latest, window.end));
            if span(latest, window.end) > at_most {
                late += 1;
                let first = (earliest, WorkerId(index as u32));
                first_late = Some(first_late.map_or(first, |known| known.min(first)));
            } else {
                open += 1;
            }
        }
        let unclear = self.doubtful + open;
        let total = self.in_time + late + unclear;
        // So many of them must be over in time; with any part of an outage the whole one.
        let wanted = (total * u64::from(self.limit.percentile)).div_ceil(100);
        let (bound, longest) = (length(self.limit.at_most), longest as f64 / 1e6);
        let line = format!(
            "{} of {total} outages were over within {bound}, {wanted} must be; the longest took {longest:.3} s",
            self.in_time
        );
        if let Some((at, worker)) = first_late.filter(|_| self.in_time + unclear < wanted) {
            let first = format!("the first that was not: worker `{}`", plan.names.worker(worker));
            return Verdict::fail(total, at, vec![line, first], Vec::new());
        }
        if !self.has_begun || !self.is_watched || self.gap {
            let line = "the workers were not looked at from the first step to the end".to_owned();
            return Verdict::inconclusive(total, line);
        }
        if self.in_time < wanted {
            return Verdict::inconclusive(total, format!("{line}; of {unclear} the looks cannot tell"));
        }
        Verdict::pass(total, "no worker was cut off")
    }
}

fn span(from: Time, to: Time) -> u64 {
    micros(to.since(from))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use failover_sim::names::NodeId;
    use failover_sim::observe::{Loss, Source};

    use super::*;
    use crate::check::Outcome;
    use crate::scenario::tests_support::plan_of;

    /// The verdict on outages of the first worker, each from one second to another, looked at every `every`.
    fn verdict(percentile: u8, outages: &[(u64, Option<u64>)], every: u64, end: u64) -> Outcome {
        let plan = plan_of("- move_role: { to: standby }");
        let limit = ReconnectTime { percentile, at_most: Duration::from_secs(60) };
        let mut check = ReconnectTimes::new(limit, &plan);
        let mut show = |at: u64, source, fact| {
            let latest = Time::from_micros((at + every) * 1_000_000);
            check.observe(&Record {
                seq: 0,
                earliest: Time::from_micros(at * 1_000_000),
                latest,
                source,
                fact,
            });
        };
        let served = WorkerState::Connected {
            through: plan.topology.endpoint,
            served_by: NodeId(0),
            presented: failover_sim::names::CertificateId(0),
        };
        let worker = |worker, state| Fact::Worker { worker: WorkerId(worker), state };
        show(0, Source::Run, Fact::Watching { what: Watch::Workers, every: Duration::from_secs(every) });
        for number in 0..plan.topology.workers.len() {
            show(0, Source::Worker(WorkerId(number as u32)), worker(number as u32, served));
        }
        show(0, Source::Run, Fact::StepsBegan);
        for &(from, to) in outages {
            show(from, Source::Worker(WorkerId(0)), worker(0, WorkerState::Disconnected(Loss::Reset)));
            if let Some(to) = to {
                show(to, Source::Worker(WorkerId(0)), worker(0, served));
            }
        }
        let window = Window { began: Time::ZERO, end: Time::from_micros(end * 1_000_000) };
        check.verdict(&plan, window).outcome
    }

    #[test]
    fn so_many_outages_in_time_are_enough() {
        assert_eq!(verdict(100, &[(100, Some(150)), (200, Some(260))], 0, 900), Outcome::Pass);
        assert_eq!(verdict(50, &[(100, Some(150)), (200, Some(300))], 0, 900), Outcome::Pass);
    }

    #[test]
    fn too_many_late_ones_fail_it_even_if_they_never_end() {
        assert_eq!(verdict(95, &[(100, Some(150)), (200, Some(300))], 0, 900), Outcome::Fail);
        assert_eq!(verdict(95, &[(100, None)], 0, 900), Outcome::Fail);
    }

    #[test]
    fn what_nobody_can_tell_is_inconclusive() {
        assert_eq!(verdict(95, &[], 0, 900), Outcome::Inconclusive);
        assert_eq!(verdict(95, &[(100, Some(158))], 5, 900), Outcome::Inconclusive);
        assert_eq!(verdict(95, &[(100, None)], 0, 130), Outcome::Inconclusive);
    }
}
