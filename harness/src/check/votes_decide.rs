//! Claim: nodes without a vote do not serve alone.
//!
//! A node whose NodeWeight is 0 counts for nothing in the majority (configure and manage quorum, documented), and
//! whatever the votes of others are at the moment, none of them is there where such nodes are alone. By the view of the
//! node itself: it has resources of a role online, and shows no node Up that has a vote. Not judged any more once quorum
//! was forced.

use std::time::Duration;

use failover_sim::action::{Action, StartQuorum};
use failover_sim::names::NodeId;
use failover_sim::observe::{Fact, NodeState, Power, Record, ResourceState, Source, Topic};
use failover_sim::time::Time;

use crate::plan::{NodeWord, Plan};

use super::nodes_watched::NodesWatched;
use super::{Check, Verdict, Window};

pub(crate) struct VotesDecide {
    watched: NodesWatched,
    actions: Vec<Action<NodeWord>>,
    has_vote: Vec<bool>,
    nodes: Vec<NodeFold>,
    is_forced: bool,
    judged: u64,
    first: Option<(Time, Time, NodeId)>,
}

#[derive(Clone, Debug)]
struct NodeFold {
    /// Who is a member in its view.
    members: Vec<bool>,
    online: Vec<bool>,
    /// Since when it serves without a vote, at the latest.
    since: Option<Time>,
}

impl VotesDecide {
    pub(crate) fn new(plan: &Plan) -> Self {
        let cluster = &plan.topology.cluster;
        let fold = NodeFold {
            members: vec![false; cluster.nodes.len()],
            online: vec![false; cluster.resources.len()],
            since: None,
        };
        Self {
            watched: NodesWatched::new(plan),
            actions: plan.actions.iter().map(|planned| planned.action).collect(),
            has_vote: cluster.nodes.iter().map(|node| node.has_vote).collect(),
            nodes: vec![fold; cluster.nodes.len()],
            is_forced: false,
            judged: 0,
            first: None,
        }
    }

    fn look(&mut self, node: NodeId, record: &Record) {
        let fold = &mut self.nodes[node.index()];
        let sees_vote =
            fold.members.iter().zip(&self.has_vote).any(|(is_member, has_vote)| *is_member && *has_vote);
        let is_alone = fold.online.contains(&true) && !sees_vote && !self.is_forced;
        match fold.since {
            None if is_alone => fold.since = Some(record.latest),
            Some(since) if !is_alone => {
                fold.since = None;
                if record.earliest.since(since) > A_MOMENT {
                    self.first.get_or_insert((since, record.earliest, node));
                }
            }
            None | Some(_) => {}
        }
    }

    /// Serving that lasts to the end of the history.
    fn open(&self, end: Time) -> Option<(Time, Time, NodeId)> {
        self.nodes.iter().enumerate().find_map(|(node, fold)| {
            let since = fold.since.filter(|since| end.since(*since) > A_MOMENT)?;
            Some((since, end, NodeId(node as u8)))
        })
    }

    /// A node without a vote loses sight of one that has one, or goes down itself: whether it serves alone is put to the
    /// test.
    fn is_tested(&mut self, by: NodeId, node: NodeId, state: NodeState) {
        let loses = self.has_vote[node.index()] || by == node;
        self.judged += u64::from(!self.has_vote[by.index()] && loses && state == NodeState::Down);
    }
}

impl Check for VotesDecide {
    fn concerns(&self, topic: Topic) -> bool {
        matches!(topic, Topic::Looks | Topic::Surroundings)
    }

    fn observe(&mut self, record: &Record) {
        self.watched.observe(record);
        if let Fact::Acting { action, .. } = record.fact {
            let action = self.actions[action.index()];
            self.is_forced |=
                matches!(action, Action::StartClusterService { quorum: StartQuorum::Force, .. });
        } else if let Fact::Machine { node, power } = record.fact {
            let fold = &mut self.nodes[node.index()];
            fold.since = None;
            if power == Power::Off {
                fold.online.fill(false);
            }
        }
        let Source::Node(by) = record.source else { return };
        if let Fact::NodeState { node, state } = record.fact {
            self.is_tested(by, node, state);
            let fold = &mut self.nodes[by.index()];
            fold.members[node.index()] = matches!(state, NodeState::Up | NodeState::Paused);
            // Who is no member has nothing, and sees nobody.
            if node == by && matches!(state, NodeState::Down | NodeState::Joining) {
                fold.online.fill(false);
                fold.members.fill(false);
            }
            self.look(by, record);
        } else if let Fact::ResourceState { resource, state } = record.fact {
            self.nodes[by.index()].online[resource.index()] = state == ResourceState::Online;
            self.look(by, record);
        }
    }

    fn verdict(&self, plan: &Plan, window: Window) -> Verdict {
        if let Some((from, to, node)) = self.first.or_else(|| self.open(window.end)) {
            let (node, time) = (plan.names.node(node), to.since(from).as_secs_f64());
            let line = format!(
                "{node} has no vote, and had resources online for {time:.3} s while it saw no node that has one"
            );
            return Verdict::fail(self.judged, from, vec![line], Vec::new());
        }
        self.watched.verdict(plan, self.judged, "no node without a vote lost sight of one that has one")
    }
}

/// What a node stops when it loses quorum may be shown a little after that (inferred).
const A_MOMENT: Duration = Duration::from_secs(5);
