//! Claim: a paused node gets no role.
//!
//! A paused node keeps what it has, if its roles stay, and is never the target of a failover or a move
//! (PauseClusterNode, documented). By the node's own view: it is paused, and becomes the owner of a role that another one
//! owned. What was on its way to it when it was paused still arrives.

use failover_sim::names::{NodeId, RoleId};
use failover_sim::observe::{Fact, NodeState, Record, ResourceState, Source, Topic};
use failover_sim::time::Time;

use crate::plan::Plan;

use super::nodes_watched::NodesWatched;
use super::{Check, Verdict, Window};

pub(crate) struct PausedNodesGetNoRole {
    watched: NodesWatched,
    nodes: Vec<NodeFold>,
    /// The role of each resource.
    roles: Vec<RoleId>,
    judged: u64,
    first: Option<(Time, NodeId, RoleId)>,
}

#[derive(Clone, Debug)]
struct NodeFold {
    /// Since when it shows itself as paused, at the latest.
    paused_since: Option<Time>,
    /// The owner of each role in its view.
    owners: Vec<Option<NodeId>>,
    /// When each role last began to leave this node, if it has: what was online began to go, or failed.
    left: Vec<Option<Time>>,
}

impl PausedNodesGetNoRole {
    pub(crate) fn new(plan: &Plan) -> Self {
        let cluster = &plan.topology.cluster;
        let fold = NodeFold {
            paused_since: None,
            owners: vec![None; cluster.roles.len()],
            left: vec![None; cluster.roles.len()],
        };
        Self {
            watched: NodesWatched::new(plan),
            nodes: vec![fold; plan.topology.nodes.len()],
            roles: cluster.resources.iter().map(|resource| resource.role).collect(),
            judged: 0,
            first: None,
        }
    }

    fn becomes_owner(&mut self, by: NodeId, role: RoleId, owner: NodeId, record: &Record) {
        let fold = &mut self.nodes[by.index()];
        let before = fold.owners[role.index()].replace(owner);
        let Some(before) = before.filter(|&before| before != owner && owner == by) else { return };
        let Some(since) = self.nodes[by.index()].paused_since else { return };
        // A move under way when the node was paused goes on.
        let began = self.nodes[before.index()].left[role.index()];
        if began.is_none_or(|began| since < began) && since < record.earliest {
            self.first.get_or_insert((record.earliest, by, role));
        }
    }
}

impl Check for PausedNodesGetNoRole {
    fn concerns(&self, topic: Topic) -> bool {
        matches!(topic, Topic::Looks | Topic::Surroundings)
    }

    fn observe(&mut self, record: &Record) {
        self.watched.observe(record);
        let Source::Node(by) = record.source else { return };
        if let Fact::NodeState { node, state } = record.fact {
            if node != by {
                return;
            }
            let fold = &mut self.nodes[by.index()];
            match state {
                NodeState::Paused => {
                    self.judged += u64::from(fold.paused_since.is_none());
                    fold.paused_since.get_or_insert(record.latest);
                }
                NodeState::Up => fold.paused_since = None,
                // What it knew of the roles counts no more: it is told anew.
                NodeState::Down | NodeState::Joining => {
                    fold.paused_since = None;
                    fold.owners.fill(None);
                }
            }
        } else if let Fact::OwnerNode { role, owner } = record.fact {
            self.becomes_owner(by, role, owner, record);
        } else if let Fact::ResourceState { resource, state } = record.fact {
            let role = self.roles[resource.index()];
            let left = &mut self.nodes[by.index()].left[role.index()];
            match state {
                ResourceState::Online => *left = None,
                ResourceState::OfflinePending | ResourceState::Offline | ResourceState::Failed => {
                    left.get_or_insert(record.earliest);
                }
                ResourceState::OnlinePending => {}
            }
        }
    }

    fn verdict(&self, plan: &Plan, _: Window) -> Verdict {
        if let Some((at, node, role)) = self.first {
            let (node, role) = (plan.names.node(node), plan.names.role(role));
            let line = format!("{node} was paused, and became the owner of `{role}`");
            let hint = "a node that runs roles in spite of its pause is no node to patch: Get-ClusterNode, and drain it";
            return Verdict::fail(self.judged, at, vec![line], vec![hint.to_owned()]);
        }
        self.watched.verdict(plan, self.judged, "no node was paused")
    }
}
