//! Claim: every worker that loses its connection is connected again through the network name, within the promise.

use failover_sim::names::{StepNo, WorkerId};
use failover_sim::observe::{Fact, Record, Topic, Watch, WorkerState};
use failover_sim::time::{Time, micros};

use crate::guide;
use crate::picture::Picture;
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
    late: Option<Late>,
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

/// A worker that was back too late.
#[derive(Clone, Copy, Debug)]
struct Late {
    /// When it was cut off, at the earliest.
    cut: Time,
    worker: WorkerId,
    /// How long it was away at least, in microseconds.
    away: u64,
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
                let away = span(latest, record.earliest);
                if away > self.bound_micros {
                    self.late.get_or_insert(Late { cut: earliest, worker, away });
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

    /// Who has been away for longer than promised, and since when.
    fn overdue(&self, window: Window) -> impl Iterator<Item = (Time, WorkerId)> {
        let watched_until = self.unwatched_since.map_or(window.end, |since| since.min(window.end));
        let cut = self.away().filter_map(|(worker, fold)| fold.cut.map(|cut| (cut, worker)));
        cut.filter(move |((_, latest), _)| span(*latest, watched_until) > self.bound_micros)
            .map(|((earliest, _), worker)| (earliest, worker))
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
        // Judged is whoever came back, never went, or has certainly been away for too long.
        let total = self.workers.len();
        let present = total - self.away().count();
        let judged = self.judged + (present + self.overdue(window).count()) as u64;
        if let Some((cut, _)) = self.overdue(window).min() {
            let line = format!("{present} of {total} workers are connected at {}", window.offset(window.end));
            return Verdict::fail(judged, cut, vec![line], Vec::new());
        }
        if let Some(Late { cut, worker, away }) = self.late {
            let (name, away) = (plan.names.worker(worker), Time::from_micros(away));
            let line = format!("worker `{name}` was back, but later than promised: after {away}");
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

    /// What keeps the missing workers away: one line for each kind of reason, and what to do about it.
    fn causes(&self, picture: &Picture<'_>, window: Window) -> (Vec<String>, Vec<String>) {
        if self.overdue(window).next().is_none() {
            return (Vec::new(), Vec::new());
        }
        guide::explain_all(picture, self.away().map(|(worker, fold)| (worker, fold.state)))
    }
}

fn span(from: Time, to: Time) -> u64 {
    micros(to.since(from))
}
