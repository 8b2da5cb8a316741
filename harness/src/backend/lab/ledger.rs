//! What does a run spend of what a cluster forgives, and which runs fit together?
//!
//! A node that is lost three times within an hour is put into quarantine, and a role that has failed over too often within
//! six hours stays failed. Both would make the next scenario fail for a reason that it is not about.

use std::time::Duration;

use failover_sim::action::Verb;
use failover_sim::names::NodeId;

use crate::plan::{Plan, StepKind};

use super::file::standing_for;

/// What a run spends at worst.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spending {
    /// Losses of membership that count for quarantine, for each node.
    pub losses: Vec<u32>,
    /// Failovers of the role that count for its FailoverThreshold.
    pub failovers: u32,
    /// How long its steps take if each takes as long as it may.
    pub longest: Duration,
}

impl Spending {
    /// What a plan spends. A word such as `owner` counts for every node that it may stand for.
    pub fn of(plan: &Plan) -> Self {
        let nodes = plan.topology.nodes.len();
        let mut spending = Self { losses: vec![0; nodes], failovers: 0, longest: Duration::ZERO };
        for step in &plan.steps {
            match step.kind {
                StepKind::Act(number) => spending.spend(plan, number),
                StepKind::Expect { within, .. } => spending.longest += within,
                StepKind::Hold { time, .. } | StepKind::Pause(time) => spending.longest += time,
            }
        }
        spending
    }

    fn spend(&mut self, plan: &Plan, number: failover_sim::names::ActionNo) {
        let action = plan.action(number).action;
        match cost(action.verb()) {
            Cost::Nothing => {}
            Cost::Failover => self.failovers += 1,
            Cost::Loss => {
                let may_be = |node: &usize| {
                    let candidates = (0..self.losses.len()).map(|other| NodeId(other as u8));
                    let mut meant = candidates.map(|other| standing_for(action, other).node());
                    meant.any(|meant| meant == Some(NodeId(*node as u8)))
                };
                let meant: Vec<usize> = (0..self.losses.len()).filter(may_be).collect();
                meant.into_iter().for_each(|node| self.losses[node] += 1);
            }
        }
    }

    /// Whether one may follow the other at once: within the hour for losses, within FailoverPeriod for failovers.
    fn fits_with(&self, other: &Self) -> bool {
        let nodes = self.losses.len().max(other.losses.len());
        let at = |losses: &[u32], node: usize| losses.get(node).copied().unwrap_or_default();
        (0..nodes).all(|node| at(&self.losses, node) + at(&other.losses, node) <= LOSSES)
            && self.failovers + other.failovers <= failovers(nodes)
    }

    /// Whether a cluster can bear it at all.
    pub fn is_bearable(&self) -> bool {
        self.fits_with(&Self { losses: Vec::new(), failovers: 0, longest: Duration::ZERO })
    }

    fn add(&mut self, other: &Self) {
        self.losses.resize(self.losses.len().max(other.losses.len()), 0);
        for (sum, losses) in self.losses.iter_mut().zip(&other.losses) {
            *sum += losses;
        }
        self.failovers += other.failovers;
        self.longest += other.longest;
    }
}

/// Runs that may follow each other at once, in the order in which they are given; six hours lie between two such groups.
pub fn sessions(spendings: &[Spending]) -> Vec<(Vec<usize>, Spending)> {
    let mut sessions: Vec<(Vec<usize>, Spending)> = Vec::new();
    for (index, spending) in spendings.iter().enumerate() {
        match sessions.last_mut() {
            Some((members, sum)) if sum.fits_with(spending) => {
                members.push(index);
                sum.add(spending);
            }
            _ => sessions.push((vec![index], spending.clone())),
        }
    }
    sessions
}

/// All runs in one session: where the thresholds of the cluster are raised meanwhile. None without runs.
pub fn one_session(spendings: &[Spending]) -> Vec<(Vec<usize>, Spending)> {
    let Some((first, rest)) = spendings.split_first() else { return Vec::new() };
    let mut sum = first.clone();
    rest.iter().for_each(|spending| sum.add(spending));
    vec![((0..spendings.len()).collect(), sum)]
}

enum Cost {
    Nothing,
    /// A node is lost other than by its own will.
    Loss,
    /// A resource fails, and its restarts may be used up.
    Failover,
}

/// Which counter an action moves (what happens on each event, inferred from the documented rules of both counters).
const fn cost(verb: Verb) -> Cost {
    match verb {
        Verb::PowerOff | Verb::Freeze | Verb::KillClusterService | Verb::Cut => Cost::Loss,
        Verb::FailResource
        | Verb::DeadlockResource
        | Verb::KillService
        | Verb::HangService
        | Verb::StopService
        | Verb::DisableService
        | Verb::DisableAdapter
        | Verb::DuplicateAddress
        | Verb::FailDirectory => Cost::Failover,
        Verb::MoveRole
        | Verb::PowerOn
        | Verb::Thaw
        | Verb::StopClusterService
        | Verb::StartClusterService
        | Verb::ShutDown
        | Verb::RestartNode
        | Verb::StopResource
        | Verb::StartResource
        | Verb::StopRole
        | Verb::StartRole
        | Verb::FailWitness
        | Verb::RestoreWitness
        | Verb::EnableService
        | Verb::EnableAdapter
        | Verb::FreeAddress
        | Verb::FailDns
        | Verb::RestoreDns
        | Verb::RefuseDnsUpdates
        | Verb::AcceptDnsUpdates
        | Verb::RestoreDirectory
        | Verb::IgnoreAnnouncements
        | Verb::HeedAnnouncements
        | Verb::PauseNode
        | Verb::ResumeNode
        | Verb::RemovePossibleOwner
        | Verb::RestorePossibleOwner
        | Verb::StartService
        | Verb::KillWorker
        | Verb::HangWorker
        | Verb::StopWorker
        | Verb::StartWorker
        | Verb::EnableWorker
        | Verb::DisableWorker
        | Verb::DeleteWorker
        | Verb::Heal
        | Verb::Degrade
        | Verb::ReplaceMasterCertificate
        | Verb::ChangeNode
        | Verb::SetCluster
        | Verb::SetWorkers
        | Verb::StartExecutions => Cost::Nothing,
    }
}

/// Losses of one node within an hour that do not yet put it into quarantine: QuarantineThreshold is 3.
const LOSSES: u32 = 2;

/// FailoverThreshold is the number of nodes minus one within six hours (documented).
fn failovers(nodes: usize) -> u32 {
    nodes.saturating_sub(1).max(1) as u32
}
