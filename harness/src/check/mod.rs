//! Does what was seen bear out what is claimed?
//!
//! Checks are folds over records: they see nothing but the history, keep memory in proportion to the workers, and
//! judge a run while it happens in the same way as a stored history. Each claim stands in a file of its own.

mod actions_in_force;
mod dependents_go_down;
mod disabled_workers;
mod failovers_within_threshold;
mod lost_nodes_are_quarantined;
mod network_name_used;
mod no_task_lost;
mod no_worker_enabled_again;
mod nodes_watched;
mod on_trust;
mod one_node_serves;
mod paused_nodes;
mod reconnect_time;
mod replicas_left_behind;
mod steps;
mod task_runs_once;
mod tasks_within_retries;
mod trusted_connections;
mod votes_decide;
mod workers_reconnect;
mod workers_watched;
mod works_without_ssisdb;

use std::time::Duration;

use failover_sim::observe::{Record, Topic};
use failover_sim::time::Time;

use crate::picture::Picture;
use crate::plan::Plan;

pub(crate) use actions_in_force::ActionsInForce;
pub use on_trust::OnTrust;
pub(crate) use on_trust::on_trust;
pub(crate) use steps::{StepJudge, StepResult};

/// Something that is judged of a whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Claim {
    /// At most one node serves the master's role at any moment.
    OneNodeServes,
    /// Every worker that loses its connection is connected again through the network name, within the promise.
    WorkersReconnect,
    /// A connection is accepted only with a trusted worker certificate and the pinned master certificate.
    TrustedConnectionsOnly,
    /// No two workers run the same task at the same moment. Judged where executions are started.
    NoTaskRunsTwice,
    /// No worker is connected through a node's name or through an address.
    NetworkNameUsed,
    /// No task that was started is given up. Judged where executions are started.
    NoTaskLost,
    /// No worker that was enabled came back disabled. Judged where executions are started.
    NoWorkerEnabledAgain,
    /// After failed resources a role fails over no more often than its FailoverThreshold allows. Judged where `claims` asks for it.
    FailoversWithinThreshold,
    /// A paused node gets no role. Judged where `claims` asks for it.
    PausedNodesGetNoRole,
    /// A node that was lost too often within an hour stays out until its quarantine is over. Judged where `claims` asks for it.
    LostNodesAreQuarantined,
    /// No resource stays online on a node where what it depends on is not. Judged where `claims` asks for it.
    DependentsGoDown,
    /// Nodes without a vote do not serve alone. Judged where `claims` asks for it.
    VotesDecide,
    /// No replica of SSISDB that missed a transaction becomes the primary one. Judged where `claims` asks for it.
    ReplicasLeftBehind,
    /// No task is handed out more often than its execution allows. Judged where `claims` asks for it.
    TasksWithinRetries,
    /// A disabled worker gets no task. Judged where `claims` asks for it.
    DisabledWorkersGetNoTask,
    /// While SSISDB is online nowhere no worker finds a master, and no task is started. Judged where `claims` asks for it.
    NobodyWorksWithoutSsisdb,
    /// So many of the workers' outages are over in time. Judged where `claims` asks for it.
    ReconnectTime(ReconnectTime),
}

/// A limit on how long workers are away, which a scenario adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReconnectTime {
    /// Of 100 outages, so many must be over in time; each worker's outage counts by itself.
    pub percentile: u8,
    /// In this time.
    pub at_most: Duration,
}

impl Claim {
    /// The claims that are judged without being asked for.
    pub const ALL: [Self; 7] = [
        Self::OneNodeServes,
        Self::WorkersReconnect,
        Self::TrustedConnectionsOnly,
        Self::NetworkNameUsed,
        Self::NoTaskRunsTwice,
        Self::NoTaskLost,
        Self::NoWorkerEnabledAgain,
    ];

    /// The claims without parameters that are judged where `claims` asks for them: what they are about happens in few
    /// scenarios.
    pub const ASKED_FOR: [Self; 9] = [
        Self::FailoversWithinThreshold,
        Self::PausedNodesGetNoRole,
        Self::LostNodesAreQuarantined,
        Self::DependentsGoDown,
        Self::VotesDecide,
        Self::ReplicasLeftBehind,
        Self::TasksWithinRetries,
        Self::DisabledWorkersGetNoTask,
        Self::NobodyWorksWithoutSsisdb,
    ];

    /// Whether it is about executions and who gets them, and judged only where there are some.
    pub const fn is_about_tasks(self) -> bool {
        match self {
            Self::NoTaskRunsTwice | Self::NoTaskLost | Self::NoWorkerEnabledAgain => true,
            Self::OneNodeServes
            | Self::WorkersReconnect
            | Self::TrustedConnectionsOnly
            | Self::NetworkNameUsed
            | Self::FailoversWithinThreshold
            | Self::PausedNodesGetNoRole
            | Self::LostNodesAreQuarantined
            | Self::DependentsGoDown
            | Self::VotesDecide
            | Self::ReplicasLeftBehind
            | Self::TasksWithinRetries
            | Self::DisabledWorkersGetNoTask
            | Self::NobodyWorksWithoutSsisdb
            | Self::ReconnectTime(_) => false,
        }
    }

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::OneNodeServes => "at_most_one_node_serves",
            Self::WorkersReconnect => "workers_reconnect",
            Self::TrustedConnectionsOnly => "trusted_connections_only",
            Self::NoTaskRunsTwice => "no_task_runs_twice_at_once",
            Self::NetworkNameUsed => "workers_use_the_network_name",
            Self::NoTaskLost => "no_task_is_lost",
            Self::NoWorkerEnabledAgain => "no_worker_is_enabled_again",
            Self::FailoversWithinThreshold => "failovers_stay_within_the_threshold",
            Self::PausedNodesGetNoRole => "paused_nodes_get_no_role",
            Self::LostNodesAreQuarantined => "lost_nodes_are_quarantined",
            Self::DependentsGoDown => "dependents_go_down",
            Self::VotesDecide => "nodes_without_a_vote_do_not_serve_alone",
            Self::ReplicasLeftBehind => "replicas_left_behind_do_not_serve",
            Self::TasksWithinRetries => "tasks_stay_within_their_retries",
            Self::DisabledWorkersGetNoTask => "disabled_workers_get_no_task",
            Self::NobodyWorksWithoutSsisdb => "nobody_works_without_ssisdb",
            Self::ReconnectTime(_) => "reconnect_time",
        }
    }

    /// The bound that a report names after the word, where the promise to reconnect is this long.
    pub fn bound(self, promise: &str) -> String {
        match self {
            Self::WorkersReconnect => format!(" within {promise}"),
            Self::ReconnectTime(ReconnectTime { percentile, at_most }) => {
                format!(" of {percentile} in 100 within {}", crate::words::length(at_most))
            }
            Self::OneNodeServes
            | Self::TrustedConnectionsOnly
            | Self::NetworkNameUsed
            | Self::NoTaskRunsTwice
            | Self::NoTaskLost
            | Self::NoWorkerEnabledAgain
            | Self::FailoversWithinThreshold
            | Self::PausedNodesGetNoRole
            | Self::LostNodesAreQuarantined
            | Self::DependentsGoDown
            | Self::VotesDecide
            | Self::ReplicasLeftBehind
            | Self::TasksWithinRetries
            | Self::DisabledWorkersGetNoTask
            | Self::NobodyWorksWithoutSsisdb => String::new(),
        }
    }

    /// The claim with this word, if it takes no parameters.
    pub fn by_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().chain(Self::ASKED_FOR).find(|claim| claim.word() == word)
    }

    /// A judge of this claim over a run of this plan.
    pub fn check(self, plan: &Plan) -> Box<dyn Check> {
        match self {
            Self::OneNodeServes => Box::new(one_node_serves::OneNodeServes::new(plan)),
            Self::WorkersReconnect => Box::new(workers_reconnect::WorkersReconnect::new(plan)),
            Self::TrustedConnectionsOnly => Box::new(trusted_connections::TrustedConnectionsOnly::new(plan)),
            Self::NetworkNameUsed => Box::new(network_name_used::NetworkNameUsed::new(plan)),
            Self::NoTaskRunsTwice => Box::new(task_runs_once::TaskRunsOnce::default()),
            Self::NoTaskLost => Box::new(no_task_lost::NoTaskLost::default()),
            Self::NoWorkerEnabledAgain => Box::new(no_worker_enabled_again::NoWorkerEnabledAgain::new(plan)),
            Self::FailoversWithinThreshold => {
                Box::new(failovers_within_threshold::FailoversWithinThreshold::new(plan))
            }
            Self::PausedNodesGetNoRole => Box::new(paused_nodes::PausedNodesGetNoRole::new(plan)),
            Self::LostNodesAreQuarantined => {
                Box::new(lost_nodes_are_quarantined::LostNodesAreQuarantined::new(plan))
            }
            Self::DependentsGoDown => Box::new(dependents_go_down::DependentsGoDown::new(plan)),
            Self::VotesDecide => Box::new(votes_decide::VotesDecide::new(plan)),
            Self::ReplicasLeftBehind => Box::new(replicas_left_behind::ReplicasLeftBehind::new(plan)),
            Self::TasksWithinRetries => Box::new(tasks_within_retries::TasksWithinRetries::new(plan)),
            Self::DisabledWorkersGetNoTask => Box::new(disabled_workers::DisabledWorkersGetNoTask::new(plan)),
            Self::NobodyWorksWithoutSsisdb => {
                Box::new(works_without_ssisdb::NobodyWorksWithoutSsisdb::new(plan))
            }
            Self::ReconnectTime(limit) => Box::new(reconnect_time::ReconnectTimes::new(limit, plan)),
        }
    }
}

/// A judge of one claim.
pub trait Check {
    /// Whether facts of this kind say anything about the claim. Others need not be shown to it.
    fn concerns(&self, topic: Topic) -> bool;

    /// Takes in one record.
    fn observe(&mut self, record: &Record);

    /// What can be said of the claim over this part of the history.
    fn verdict(&self, plan: &Plan, window: Window) -> Verdict;

    /// What is behind a claim that does not hold, by what is seen at the end: evidence, one line each, and what to do
    /// about it.
    fn causes(&self, _: &Picture<'_>, _: Window) -> (Vec<String>, Vec<String>) {
        (Vec::new(), Vec::new())
    }
}

/// The part of a history that is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// When the steps began; the start of the run if they did not.
    pub began: Time,
    /// When the history ends.
    pub end: Time,
}

impl Window {
    /// A moment as people read it: counted from the first step.
    pub fn offset(&self, moment: Time) -> String {
        if moment >= self.began {
            format!("+{}", Time::from_micros(moment.as_micros() - self.began.as_micros()))
        } else {
            format!("-{}", Time::from_micros(self.began.as_micros() - moment.as_micros()))
        }
    }
}

/// What is said of a claim, with the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it holds.
    pub outcome: Outcome,
    /// How often it was put to the test.
    pub judged: u64,
    /// When it was first found false, if it was.
    pub at: Option<Time>,
    /// Evidence, one line each.
    pub evidence: Vec<String>,
    /// What to do about it.
    pub hints: Vec<String>,
}

impl Verdict {
    /// It holds, and was put to the test so often; never having been tested is inconclusive.
    pub fn pass(judged: u64, untested: &str) -> Self {
        if judged == 0 {
            return Self::inconclusive(0, untested.to_owned());
        }
        Self { outcome: Outcome::Pass, judged, at: None, evidence: Vec::new(), hints: Vec::new() }
    }

    /// Nothing can be said, for this reason.
    pub fn inconclusive(judged: u64, reason: String) -> Self {
        Self { outcome: Outcome::Inconclusive, judged, at: None, evidence: vec![reason], hints: Vec::new() }
    }

    /// It was found false at this moment.
    pub const fn fail(judged: u64, at: Time, evidence: Vec<String>, hints: Vec<String>) -> Self {
        Self { outcome: Outcome::Fail, judged, at: Some(at), evidence, hints }
    }
}

/// Whether something holds; in the order of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It holds.
    Pass,
    /// The surroundings failed, or the history does not show enough.
    Inconclusive,
    /// It does not hold.
    Fail,
}

impl Outcome {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
        }
    }
}
