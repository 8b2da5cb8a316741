//! Claim: after failed resources a role fails over no more often than its FailoverThreshold allows within its
//! FailoverPeriod.
//!
//! By the view of the node that gives the role away while it stays a member: a resource of the role failed there, no move
//! that somebody asked for was under way, and another node becomes the owner. A node that is lost spends nothing of the
//! threshold (inferred). The period is counted from the first such failover that was seen, and judged no further.

use failover_sim::action::Verb;
use failover_sim::names::{NodeId, RoleId};
use failover_sim::observe::{Fact, NodeState, Record, ResourceState, Source, Topic};
use failover_sim::time::Time;

use crate::plan::Plan;

use super::nodes_watched::NodesWatched;
use super::{Check, Verdict, Window};

pub(crate) struct FailoversWithinThreshold {
    watched: NodesWatched,
    verbs: Vec<Verb>,
    /// The role of each resource.
    roles_of: Vec<RoleId>,
    roles: Vec<RoleFold>,
    judged: u64,
    first: Option<(Time, RoleId, u64)>,
}

#[derive(Clone, Debug)]
struct RoleFold {
    threshold: u64,
    period: std::time::Duration,
    /// When it failed over first, at the earliest, and how often since.
    since: Option<Time>,
    failovers: u64,
    /// Somebody has asked for a move, and it may be under way.
    is_moved: bool,
    nodes: Vec<OnNode>,
}

#[derive(Clone, Debug)]
struct OnNode {
    /// The owner in this node's view.
    owner: Option<NodeId>,
    /// Which resources failed there and were not online since, by their number in the cluster.
    failed: Vec<bool>,
}

impl FailoversWithinThreshold {
    pub(crate) fn new(plan: &Plan) -> Self {
        let cluster = &plan.topology.cluster;
        let node = OnNode { owner: None, failed: vec![false; cluster.resources.len()] };
        let role = |config: &failover_sim::cluster::RoleConfig| RoleFold {
            // The default means nodes minus one (FailoverThreshold, documented).
            threshold: config.failover_threshold.map_or(cluster.nodes.len() as u64 - 1, u64::from),
            period: config.failover_period,
            since: None,
            failovers: 0,
            is_moved: false,
            nodes: vec![node.clone(); cluster.nodes.len()],
        };
        Self {
            watched: NodesWatched::new(plan),
            verbs: plan.actions.iter().map(|planned| planned.action.verb()).collect(),
            roles_of: cluster.resources.iter().map(|resource| resource.role).collect(),
            roles: cluster.roles.iter().map(role).collect(),
            judged: 0,
            first: None,
        }
    }

    /// Somebody asks for moves, or may have: what failed before is not why a role goes.
    fn forget_failures(&mut self) {
        for role in &mut self.roles {
            role.is_moved = true;
            for node in &mut role.nodes {
                node.failed.fill(false);
            }
        }
    }

    fn changes_owner(&mut self, by: NodeId, role: RoleId, owner: NodeId, record: &Record) {
        let fold = &mut self.roles[role.index()];
        let node = &mut fold.nodes[by.index()];
        let before = node.owner.replace(owner);
        if before != Some(by) || owner == by {
            return;
        }
        let has_failed = node.failed.contains(&true);
        node.failed.fill(false);
        if std::mem::take(&mut fold.is_moved) || !has_failed {
            return;
        }
        let since = *fold.since.get_or_insert(record.earliest);
        if record.latest.since(since) < fold.period {
            fold.failovers += 1;
            self.judged += 1;
            if fold.failovers > fold.threshold && self.first.is_none() {
                self.first = Some((record.earliest, role, fold.failovers));
            }
        }
    }
}

impl Check for FailoversWithinThreshold {
    fn concerns(&self, topic: Topic) -> bool {
        matches!(topic, Topic::Looks | Topic::Surroundings)
    }

    fn observe(&mut self, record: &Record) {
        self.watched.observe(record);
        if let Fact::Acting { action, .. } = record.fact
            && moves_roles(self.verbs[action.index()])
        {
            self.forget_failures();
        }
        let Source::Node(by) = record.source else { return };
        if let Fact::ResourceState { resource, state } = record.fact {
            let role = self.roles_of[resource.index()];
            let role = &mut self.roles[role.index()];
            let failed = &mut role.nodes[by.index()].failed[resource.index()];
            match state {
                ResourceState::Failed => *failed = true,
                ResourceState::Online => {
                    *failed = false;
                    role.is_moved = false;
                }
                ResourceState::Offline | ResourceState::OnlinePending | ResourceState::OfflinePending => {}
            }
        } else if let Fact::OwnerNode { role, owner } = record.fact {
            self.changes_owner(by, role, owner, record);
        } else if let Fact::NodeState { node, state: NodeState::Down | NodeState::Joining } = record.fact
            && node == by
        {
            // What happens to the roles of a lost node is not up to it.
            for role in &mut self.roles {
                let node = &mut role.nodes[by.index()];
                node.owner = None;
                node.failed.fill(false);
            }
        }
    }

    fn verdict(&self, plan: &Plan, _: Window) -> Verdict {
        if let Some((at, role, failovers)) = self.first {
            let line = format!(
                "`{}` failed over {failovers} times, and its FailoverThreshold is {}",
                plan.names.role(role),
                self.roles[role.index()].threshold
            );
            let hint = "a role that is passed on without end hides what is wrong with it: look for event 1254, which says \
                        that it stays failed";
            return Verdict::fail(self.judged, at, vec![line], vec![hint.to_owned()]);
        }
        self.watched.verdict(plan, self.judged, "no role failed over after a failed resource")
    }
}

/// Whether an administrator moves roles with it, or lets them move.
const fn moves_roles(verb: Verb) -> bool {
    matches!(
        verb,
        Verb::MoveRole
            | Verb::PauseNode
            | Verb::ResumeNode
            | Verb::StopClusterService
            | Verb::StartClusterService
            | Verb::ShutDown
            | Verb::RestartNode
            | Verb::RemovePossibleOwner
            | Verb::RestorePossibleOwner
            | Verb::StopRole
            | Verb::StartRole
    )
}
