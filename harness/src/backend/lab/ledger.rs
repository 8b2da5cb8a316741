//! What does a run spend of what a cluster forgives, and which runs fit together?
//!
//! A node that is lost three times within an hour is put into quarantine, and a role that has failed over too often within
//! six hours stays failed. Both would make the next scenario fail for a reason that it is not about. What the cluster has
//! borne before a run begins, its event logs say.

use std::time::Duration;

use failover_sim::action::{Action, LinkEnd, LinkState, Verb};
use failover_sim::names::{Names, NodeId, RoleId};
use failover_sim::observe::Channel;
use failover_sim::time::{Time, micros};

use crate::plan::{NodeWord, Plan, StepKind};
use crate::probe::date;
use crate::words;

use super::events::Logged;
use super::file::standing_for;
use super::protocol::Ticks;

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
        match cost(&action) {
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

/// What a cluster has borne of late, by its event logs. Moments are microseconds since the run began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// For each node, when it was lost, the earliest first.
    losses: Vec<Vec<i64>>,
    /// When the role failed over because something in it had failed.
    failovers: Vec<i64>,
}

impl Past {
    /// What these events of all nodes say of the nodes and of this role.
    ///
    /// A loss is an event 1135 (System, documented). Every node that remains writes it: what several of them say of one
    /// node within a minute is one loss (inferred).
    ///
    /// A failover that counts is a role's 1153 or 1641 (Operational, observed) after a 1069 of a resource in it (System,
    /// documented) with no 1201 of the role between: what was restarted in place did not move it. FailoverThreshold
    /// counts failures of the role and no planned moves (inferred from its documentation).
    pub(super) fn of(events: &[Logged], nodes: usize, role: RoleId) -> Self {
        let mut losses = vec![Vec::new(); nodes];
        for (index, losses) in losses.iter_mut().enumerate() {
            let is_of = |event: &&Logged| event.id == NODE_LOST && event.node == Some(NodeId(index as u8));
            let mut told: Vec<&Logged> = events.iter().filter(is_of).collect();
            told.sort_by_key(|event| event.latest);
            let mut by: Vec<NodeId> = Vec::new();
            for event in told {
                let is_same = losses.last().is_some_and(|&first| event.latest - first <= ONE_LOSS);
                if !is_same || by.contains(&event.by) {
                    losses.push(event.latest);
                    by.clear();
                }
                by.push(event.by);
            }
        }
        // In doubt about clocks a failure came before a move.
        let mut of_role: Vec<(i64, &Logged)> = events
            .iter()
            .filter(|event| event.role == Some(role))
            .map(|event| (if event.id == RESOURCE_FAILED { event.earliest } else { event.latest }, event))
            .collect();
        of_role.sort_by_key(|(at, event)| (*at, event.id));
        let mut has_failed = false;
        let mut failovers = Vec::new();
        for (at, event) in of_role {
            match event.id {
                RESOURCE_FAILED => has_failed = true,
                FAILOVER_ATTEMPTED | ROLE_MOVES if has_failed => {
                    failovers.push(at);
                    has_failed = false;
                }
                ROLE_ONLINE => has_failed = false,
                _ => {}
            }
        }
        Self { losses, failovers }
    }

    /// Why a run that spends this may not begin now, if it may not. `began` is the date of the run's beginning.
    pub(super) fn refusal(
        &self,
        spending: &Spending,
        now: Time,
        began: Ticks,
        names: &Names,
    ) -> Option<Refusal> {
        let now = i64::try_from(now.as_micros()).unwrap_or(i64::MAX);
        let nodes = self.losses.len();
        let budget = |what: String, past: &[i64], spends: u32, limit: u32, period: Duration, then: String| {
            let period = micros(period) as i64;
            let counts: Vec<i64> = past.iter().copied().filter(|at| now - at < period).collect();
            if spends == 0 || counts.is_empty() || counts.len() as u32 + spends <= limit {
                return None;
            }
            // So many of the oldest have to be forgotten first; a run that is too much by itself never fits.
            let fits =
                limit.checked_sub(spends).map(|left| counts[counts.len() - left as usize - 1] + period);
            let date =
                |at: i64| date((began.0 / TICKS_A_MICROSECOND + at) / MICROS_A_SECOND - SECONDS_TO_1970);
            let counts = counts.into_iter().map(date).collect();
            Some(Refusal { what, counts, spends, then, fits: fits.map(|at| date(at + MICROS_A_SECOND)) })
        };
        let of_node = |(index, past): (usize, &Vec<i64>)| {
            let spends = spending.losses.get(index).copied().unwrap_or_default();
            let what = format!("{} was lost", names.node(NodeId(index as u8)));
            let then =
                "the third loss within an hour puts it into quarantine (QuarantineThreshold)".to_owned();
            budget(what, past, spends, LOSSES, QUARANTINE_PERIOD, then)
        };
        let limit = failovers(nodes);
        let then = format!(
            "more than {limit} in six hours leave the role failed (FailoverThreshold, FailoverPeriod)"
        );
        let what = "the role failed over".to_owned();
        let of_role = || budget(what, &self.failovers, spending.failovers, limit, FAILOVER_PERIOD, then);
        self.losses.iter().enumerate().find_map(of_node).or_else(of_role)
    }
}

/// A run that spends more than what a cluster still forgives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    what: String,
    /// When, as dates.
    counts: Vec<String>,
    spends: u32,
    then: String,
    /// From when on the run fits, as a date.
    fits: Option<String>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { what, counts, spends, then, fits } = self;
        let times = words::counted(*spends as usize, "time");
        write!(
            f,
            "by the cluster's event logs {what} at {}, and the run may spend {times} more: {then}; ",
            counts.join(", ")
        )?;
        match fits {
            Some(date) => write!(f, "nothing was done, and the run fits from {date} on"),
            None => write!(f, "nothing was done, and the run is too much even for a cluster without a past"),
        }
    }
}

/// What of the past nobody could look at, in words: it is not known to be nothing.
pub(super) fn unknown(has_read: impl Fn(Channel) -> bool) -> Option<String> {
    let what = match (has_read(Channel::System), has_read(Channel::Operational)) {
        (true, true) => return None,
        (false, _) => "losses of nodes and failovers",
        (true, false) => "failovers",
    };
    Some(format!("{what} before the run are not all in the ledger, since not every event log could be read"))
}

enum Cost {
    Nothing,
    /// A node is lost other than by its own will.
    Loss,
    /// A resource fails, and its restarts may be used up.
    Failover,
}

/// Which counter an action moves (what happens on each event, inferred from the documented rules of both counters).
const fn cost(action: &Action<NodeWord>) -> Cost {
    if let Action::Link { to: LinkEnd::Disk, state: LinkState::Cut, .. } = action {
        return Cost::Failover;
    }
    if let Action::Link { to: LinkEnd::Clients | LinkEnd::Witness, .. } = action {
        return Cost::Nothing;
    }
    match action.verb() {
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

/// How long a failover counts: FailoverPeriod is six hours (documented).
pub(super) const FAILOVER_PERIOD: Duration = Duration::from_secs(6 * 60 * 60);
/// How long a loss counts (virtual machine resiliency page, documented).
const QUARANTINE_PERIOD: Duration = Duration::from_secs(60 * 60);
/// A node was removed from the membership.
const NODE_LOST: u16 = 1135;
/// A resource has failed.
const RESOURCE_FAILED: u16 = 1069;
/// A failover of a role is attempted.
const FAILOVER_ATTEMPTED: u16 = 1153;
/// A role moves.
const ROLE_MOVES: u16 = 1641;
/// A role is online.
const ROLE_ONLINE: u16 = 1201;
/// What several nodes write within this time of one loss, in microseconds.
const ONE_LOSS: i64 = 60 * MICROS_A_SECOND;
const MICROS_A_SECOND: i64 = 1_000_000;
const TICKS_A_MICROSECOND: i64 = 10;
/// From the year 1 to 1970.
const SECONDS_TO_1970: i64 = 62_135_596_800;

/// Losses of one node within an hour that do not yet put it into quarantine: QuarantineThreshold is 3.
const LOSSES: u32 = 2;

/// FailoverThreshold is the number of nodes minus one within six hours (documented).
fn failovers(nodes: usize) -> u32 {
    nodes.saturating_sub(1).max(1) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: RoleId = RoleId(0);
    const SECOND: i64 = MICROS_A_SECOND;

    fn event(by: u8, id: u16, earliest: i64, latest: i64) -> Logged {
        let (earliest, latest) = (earliest * SECOND, latest * SECOND);
        let of = (id == NODE_LOST).then_some(NodeId(1));
        let role = (id != NODE_LOST).then_some(ROLE);
        let channel = Channel::System;
        Logged { by: NodeId(by), channel, record: 1, id, earliest, latest, node: of, role, resource: None }
    }

    #[test]
    fn in_doubt_about_clocks_a_failure_came_before_the_move() {
        let failovers = |failed: (i64, i64), moved: (i64, i64)| {
            let events =
                [event(0, ROLE_MOVES, moved.0, moved.1), event(1, RESOURCE_FAILED, failed.0, failed.1)];
            Past::of(&events, 2, ROLE).failovers
        };
        assert_eq!(failovers((-100, -100), (-90, -90)), [-90 * SECOND]);
        assert_eq!(failovers((-100, -80), (-110, -90)), [-90 * SECOND]);
        assert_eq!(failovers((-80, -80), (-90, -90)), [0_i64; 0]);
    }

    #[test]
    fn a_failover_is_counted_once_whatever_tells_of_it() {
        let story =
            [RESOURCE_FAILED, RESOURCE_FAILED, FAILOVER_ATTEMPTED, ROLE_MOVES, ROLE_ONLINE, ROLE_MOVES];
        let events = |at: i64| story.iter().zip(at..).map(|(id, at)| event(0, *id, at, at));
        let all: Vec<Logged> = events(-100).chain(events(-50)).collect();
        assert_eq!(Past::of(&all, 2, ROLE).failovers, [-98 * SECOND, -48 * SECOND]);
        assert_eq!(Past::of(&all, 2, RoleId(1)).failovers, [0_i64; 0]);
    }

    #[test]
    fn three_nodes_that_see_two_losses_see_two() {
        let told = [(0, -600), (2, -599), (0, -570), (2, -569)].map(|(by, at)| event(by, NODE_LOST, at, at));
        let past = Past::of(&told, 3, ROLE);
        assert_eq!(past.losses, [vec![], vec![-600 * SECOND, -570 * SECOND], vec![]]);
    }

    #[test]
    fn what_is_too_much_by_itself_never_fits() {
        let past = Past { losses: vec![vec![-60 * SECOND], vec![]], failovers: Vec::new() };
        let spending = Spending { losses: vec![3, 3], failovers: 0, longest: Duration::ZERO };
        let names = Names { nodes: vec!["NODE1".to_owned(), "NODE2".to_owned()], ..Names::default() };
        let refusal =
            past.refusal(&spending, Time::ZERO, Ticks(0), &names).map(|refusal| refusal.to_string());
        assert!(refusal.is_some_and(|text| text.contains("too much even for a cluster without a past")));
        // Without a past it is none of the ledger's business, but of those who put runs together.
        let none = Past { losses: vec![vec![], vec![]], failovers: Vec::new() };
        assert_eq!(none.refusal(&spending, Time::ZERO, Ticks(0), &names), None);
    }

    #[test]
    fn what_nobody_could_look_at_is_said() {
        let told = |system, operational| {
            unknown(|channel| match channel {
                Channel::System => system,
                Channel::Operational => operational,
            })
        };
        assert_eq!(told(true, true), None);
        assert!(told(true, false).is_some_and(|text| text.starts_with("failovers before the run are not")));
        assert!(
            told(false, true).is_some_and(|text| text.starts_with("losses of nodes and failovers before"))
        );
    }
}
