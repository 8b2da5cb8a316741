//! Claim: a node that was lost QuarantineThreshold times within an hour does not join before its quarantine is over,
//! unless an administrator lets it in.
//!
//! By the view of each other node that stays a member meanwhile: it shows the node Down so often, each time not because
//! somebody stopped it, and then Up too soon. Judged only where QuarantineDuration is set, or where it is taken for granted
//! how long a quarantine lasts: on the default the sources conflict. The API reference of QuarantineDuration says 0, the page
//! of the cluster's team on the resiliency of virtual machines two hours (both documented), and so do reports from the field
//! (observed).

use std::time::Duration;

use failover_sim::action::{Action, ClusterProperty, StartQuorum, Verb};
use failover_sim::assumption::Assumption;
use failover_sim::names::NodeId;
use failover_sim::observe::{Fact, NodeState, Record, Source, Topic};
use failover_sim::time::Time;

use crate::plan::{NodeWord, Plan};
use crate::scenario::length::Length;

use super::nodes_watched::NodesWatched;
use super::{Check, Verdict, Window};

pub(crate) struct LostNodesAreQuarantined {
    watched: NodesWatched,
    actions: Vec<Action<NodeWord>>,
    threshold: u32,
    duration: Option<Duration>,
    /// What each node has seen of each other one.
    seen: Vec<Vec<Seen>>,
    judged: u64,
    first: Option<(Time, NodeId)>,
}

#[derive(Clone, Debug, Default)]
struct Seen {
    is_member: bool,
    /// Somebody stopped it, or may have.
    is_asked_to_leave: bool,
    /// When it was lost: at the earliest, and at the latest.
    losses: Vec<(Time, Time)>,
}

impl LostNodesAreQuarantined {
    pub(crate) fn new(plan: &Plan) -> Self {
        let nodes = plan.topology.nodes.len();
        let properties = &plan.topology.cluster.properties;
        Self {
            watched: NodesWatched::new(plan),
            actions: plan.actions.iter().map(|planned| planned.action).collect(),
            threshold: properties.quarantine_threshold,
            duration: properties.quarantine_duration.or_else(|| granted(plan)),
            seen: vec![vec![Seen::default(); nodes]; nodes],
            judged: 0,
            first: None,
        }
    }

    fn acts(&mut self, action: Action<NodeWord>, on: Option<NodeId>) {
        if let Action::SetCluster(ClusterProperty::QuarantineThreshold(threshold)) = action {
            self.threshold = threshold;
        } else if let Action::SetCluster(ClusterProperty::QuarantineDuration(duration)) = action {
            self.duration = Some(duration);
        }
        let Some(on) = on else { return };
        let lets_in = matches!(
            action,
            Action::StartClusterService { clear_quarantine: true, .. }
                | Action::StartClusterService { quorum: StartQuorum::Force, .. }
        );
        let stops = matches!(action.verb(), Verb::StopClusterService | Verb::ShutDown | Verb::RestartNode);
        for seen in self.seen.iter_mut().map(|seen| &mut seen[on.index()]) {
            if lets_in {
                seen.losses.clear();
            }
            seen.is_asked_to_leave |= stops;
        }
    }

    fn shows(&mut self, by: NodeId, node: NodeId, state: NodeState, record: &Record) {
        let seen = &mut self.seen[by.index()][node.index()];
        match state {
            NodeState::Up | NodeState::Paused => {
                if !seen.is_member {
                    let threshold = self.threshold as usize;
                    let counting = seen.losses.len().checked_sub(threshold).filter(|_| threshold > 0);
                    let lost =
                        counting.map(|skipped| (seen.losses[skipped], seen.losses[seen.losses.len() - 1]));
                    if let (Some((first, last)), Some(duration)) = (lost, self.duration)
                        && last.1.since(first.0) < AN_HOUR
                    {
                        self.judged += 1;
                        if record.latest.since(last.0) < duration {
                            self.first.get_or_insert((record.earliest, node));
                        }
                        seen.losses.clear();
                    }
                }
                seen.is_member = true;
                seen.is_asked_to_leave = false;
            }
            NodeState::Down => {
                if seen.is_member && !seen.is_asked_to_leave {
                    seen.losses.push((record.earliest, record.latest));
                    self.judged += u64::from(seen.losses.len() == self.threshold as usize);
                }
                seen.is_member = false;
            }
            NodeState::Joining => {}
        }
    }
}

impl Check for LostNodesAreQuarantined {
    fn concerns(&self, topic: Topic) -> bool {
        matches!(topic, Topic::Looks | Topic::Surroundings)
    }

    fn observe(&mut self, record: &Record) {
        self.watched.observe(record);
        if let Fact::Acting { action, node } = record.fact {
            self.acts(self.actions[action.index()], node);
        } else if let (Fact::NodeState { node, state }, Source::Node(by)) = (record.fact, record.source) {
            if node != by {
                self.shows(by, node, state, record);
            } else if matches!(state, NodeState::Down | NodeState::Joining) {
                // Who is no member loses nobody, and what was counted before is told by others.
                self.seen[by.index()].fill(Seen::default());
            }
        }
    }

    fn verdict(&self, plan: &Plan, _: Window) -> Verdict {
        if let Some((at, node)) = self.first {
            let line = format!(
                "{} was lost {} times within an hour, and joined again before its quarantine was over",
                plan.names.node(node),
                self.threshold
            );
            let hint = "a node that comes and goes takes its roles with it: look at QuarantineThreshold";
            return Verdict::fail(self.judged, at, vec![line], vec![hint.to_owned()]);
        }
        if self.duration.is_none() {
            let line =
                "how long a quarantine lasts is not known where QuarantineDuration is not set".to_owned();
            let hint = "set it, in the topology or by `set_cluster: { QuarantineDuration: 2h }`, or take an answer for granted: \
                        --assume quarantine_duration=2h";
            return Verdict { hints: vec![hint.to_owned()], ..Verdict::inconclusive(self.judged, line) };
        }
        self.watched.verdict(plan, self.judged, "no node was lost often enough")
    }
}

/// How long a quarantine lasts by default, where only one answer to that is possible.
fn granted(plan: &Plan) -> Option<Duration> {
    let assumption = Assumption::QuarantineDuration;
    let [answer] = plan.possible_answers(assumption)[..] else { return None };
    let word = assumption.question().values[answer].word;
    Length::parse(word).ok().map(|length| length.0)
}

/// Losses count for so long (QuarantineThreshold, documented).
const AN_HOUR: Duration = Duration::from_secs(3_600);
