//! Claim: every worker that loses its connection is connected again through the network name, within the promise.

use failover_sim::names::{StepNo, WorkerId};
use failover_sim::observe::{Fact, Record, Topic, Watch, WorkerState};
use failover_sim::time::{Time, micros};

use crate::guide;
use crate::plan::Plan;

use super::{Check, Verdict, Window};

pub(crate) struct WorkersReconnect {
    bound_micros: u64,
    endpoint: failover_sim::names::HostId,
    workers: Vec<WorkerFold>,
    has_begun: bool,
    is_watched: bool,
    /// Since when nobody looks: the last look before that.
    unwatched_since: Option<Time>,
    judged: u64,
    late: Option<(Time, WorkerId)>,
    doubtful: bool,
    /// The step from which on outages count, if not from the first.
    faults_over: Option<StepNo>,
}

#[derive(Clone, Copy, Debug)]
struct WorkerFold {
    state: WorkerState,
    /// When it was cut off: not before, and at the latest.
    cut: Option<(Time, Time)>,
}

impl WorkersReconnect {
    pub(crate) fn new(plan: &Plan) -> Self {
        let fresh = WorkerFold { state: WorkerState::Starting, cut: None };
        Self {
            bound_micros: micros(plan.topology.promises.reconnect_within),
            endpoint: plan.topology.endpoint,
            workers: vec![fresh; plan.topology.workers.len()],
            has_begun: false,
            is_watched: false,
            unwatched_since: None,
            judged: 0,
            late: None,
            doubtful: false,
            faults_over: plan.faults_over,
        }
    }

    /// The faults are over: who is away has the whole time from here on, and what was before is not counted.
    fn forgive(&mut self, record: &Record) {
        self.late = None;
        self.doubtful = false;
        for fold in &mut self.workers {
            fold.cut = fold.cut.map(|_| (record.earliest, record.latest));
        }
    }

    fn is_served(&self, state: WorkerState) -> bool {
        matches!(state, WorkerState::Connected { through, .. } if through == self.endpoint)
    }

    fn changes(&mut self, worker: WorkerId, state: WorkerState, record: &Record) {
        let served = self.is_served(state);
        let fold = &mut self.workers[worker.index()];
        fold.state = state;
        match (fold.cut, served) {
            (None, false) if self.has_begun => fold.cut = Some((record.earliest, record.latest)),
            (Some((earliest, latest)), true) => {
                fold.cut = None;
                self.judged += 1;
                // Certainly late even if it was cut as late and back as early as can be; certainly in time the other
                // way round.
                if span(latest, record.earliest) > self.bound_micros {
                    self.late.get_or_insert((earliest, worker));
                } else if span(earliest, record.latest) > self.bound_micros {
                    self.doubtful = true;
                }
            }
            (None, _) | (Some(_), false) => {}
        }
    }

    /// Who is away may have been back while nobody looked, and who is not may have been away: only what is seen from
    /// here on is certain.
    fn sees_again(&mut self, now: Time) {
        self.is_watched = true;
        let Some(since) = self.unwatched_since.take() else { return };
        if !self.has_begun {
            return;
        }
        self.doubtful |= span(since, now) > self.bound_micros;
        for fold in &mut self.workers {
            fold.cut = fold.cut.map(|(earliest, latest)| (earliest, latest.max(now)));
        }
    }

    fn away(&self) -> impl Iterator<Item = (WorkerId, &WorkerFold)> + Clone {
        let all = self.workers.iter().enumerate().map(|(index, fold)| (WorkerId(index as u32), fold));
        all.filter(|(_, fold)| fold.cut.is_some())
    }

    /// What keeps the missing workers away: one line for each kind of reason, and what to do about it.
    fn reasons(&self, plan: &Plan, window: Window) -> (Vec<String>, Vec<String>) {
        let total = self.workers.len();
        let away = self.away().count();
        let mut evidence = vec![format!(
            "{} of {total} workers are connected at {}",
            total - away,
            window.offset(window.end)
        )];
        let (reasons, hints) =
            guide::explain_all(plan, self.away().map(|(worker, fold)| (worker, fold.state)));
        evidence.extend(reasons);
        (evidence, hints)
    }
}

impl Check for WorkersReconnect {
    fn concerns(&self, topic: Topic) -> bool {
        !topic.is_work()
    }

    fn observe(&mut self, record: &Record) {
        match record.fact {
            Fact::Worker { worker, state } => self.changes(worker, state, record),
            Fact::StepsBegan => {
                self.has_begun = true;
                for index in 0..self.workers.len() {
                    if !self.is_served(self.workers[index].state) {
                        self.workers[index].cut = Some((record.earliest, record.latest));
                    }
                }
            }
            Fact::Watching { what: Watch::Workers, .. } => self.sees_again(record.latest),
            Fact::Unwatched(Watch::Workers) => {
                self.is_watched = false;
                self.unwatched_since.get_or_insert(record.earliest);
            }
            Fact::StepBegan(step) if Some(step) == self.faults_over => self.forgive(record),
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
        let away = self.away().filter_map(|(worker, fold)| fold.cut.map(|cut| (cut, worker)));
        let watched_until = self.unwatched_since.map_or(window.end, |since| since.min(window.end));
        let overdue = away.filter(|((_, latest), _)| span(*latest, watched_until) > self.bound_micros);
        let first_overdue = overdue.clone().min();
        // Judged is whoever came back, never went, or has certainly been away for too long.
        let present = self.workers.len() - self.away().count();
        let judged = self.judged + (present + overdue.count()) as u64;
        if let Some(((cut, _), _)) = first_overdue {
            let (evidence, hints) = self.reasons(plan, window);
            return Verdict::fail(judged, cut, evidence, hints);
        }
        if let Some((cut, worker)) = self.late {
            let name = plan.names.worker(worker);
            let line = format!("worker `{name}` was back, but later than promised");
            return Verdict::fail(judged, cut, vec![line], Vec::new());
        }
        if !self.has_begun || !self.is_watched {
            return Verdict::inconclusive(judged, "the workers were not looked at to the end".to_owned());
        }
        if self.away().next().is_some() {
            let line = "the history ends before the promised time is over, and workers are away".to_owned();
            return Verdict::inconclusive(judged, line);
        }
        if self.doubtful {
            let line =
                "the looks at the workers cannot tell whether each was back in the promised time".to_owned();
            return Verdict::inconclusive(judged, line);
        }
        Verdict::pass(judged, "there is no worker")
    }
}

fn span(from: Time, to: Time) -> u64 {
    micros(to.since(from))
}
