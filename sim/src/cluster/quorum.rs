//! Who may go on after a change of members, and with which votes?
//!
//! A regroup is a pure function of one connected component; its result goes to every node in it as one message.

use crate::choices::{ChoiceKey, Choices, Purpose};
use crate::names::{NodeSet, RoleId};
use crate::planted::{Defect, has};

use super::view::{Epoch, RoleViews};
use super::{ClusterConfig, ClusterProperties, Priority, View, Wanted};

/// Nodes that reach each other, and what they know.
#[derive(Clone, Copy, Debug)]
pub struct Component<'a> {
    /// Nodes with a running cluster service.
    pub nodes: NodeSet,
    /// The view with the highest epoch among them.
    pub newest: &'a View,
    /// Members that have left in good order since, and handed their votes over to one of these nodes.
    pub handed_over: NodeSet,
    /// Whether these nodes form a cluster, as none of them was an active member.
    pub forms: bool,
    /// An administrator forces quorum: these nodes need no majority, and what they know is authoritative.
    pub forced: bool,
    /// The number of the last regroup that the witness took part in, if it is reached and nobody else holds it.
    pub witness: Option<Epoch>,
}

/// What a regroup decided, as one message to each node of the component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Regroup {
    /// Its number.
    pub epoch: Epoch,
    /// The members from here on.
    pub members: NodeSet,
    /// Nodes that take no roles.
    pub paused: NodeSet,
    /// Nodes outside that fell silent a short while ago.
    pub isolated: NodeSet,
    /// Nodes outside that may not join.
    pub quarantined: NodeSet,
    /// Nodes with a vote from here on.
    pub votes: NodeSet,
    /// Whether the witness has a vote from here on.
    pub witness_vote: bool,
    /// Whether the members have a majority of the votes that counted before.
    pub quorate: bool,
    /// The newest view of the roles.
    pub roles: RoleViews,
}

/// Decides a regroup.
///
/// The majority of the votes assigned before must be present (manage-cluster-quorum, documented). Dynamic quorum then
/// assigns votes anew: every member with NodeWeight 1 has one, the witness only if their number is even, and without a
/// witness one node of an even number loses its own (understand-quorum, documented). A node that stops in good order
/// hands its vote over first (understand-quorum, documented), which is a part of dynamic quorum (inferred).
///
/// With forced quorum the votes do not matter, and the cluster leaves that state when it has enough of them
/// (manage-cluster-quorum, documented): votes are assigned anew at once, which is that moment.
pub fn regroup(
    config: &ClusterConfig,
    properties: &ClusterProperties,
    component: Component<'_>,
    choices: &mut Choices,
) -> Regroup {
    let newest = component.newest;
    // The witness knows of regroups that this component slept through (its log, documented).
    let ahead = if component.forced { FORCED_AHEAD } else { 1 };
    let epoch = Epoch(newest.epoch.max(component.witness.unwrap_or_default()).0 + ahead);
    let assigned = newest.votes.len() + usize::from(newest.witness_vote);
    let present = newest.votes.and(component.nodes.or(component.handed_over)).len()
        + usize::from(newest.witness_vote && component.witness.is_some());
    let quorate = component.forced || present * 2 > assigned || has(Defect::QuorumNotNeeded);
    let (votes, witness_vote) = if quorate && (properties.dynamic_quorum || component.forced) {
        assign(config, properties, component, epoch, choices)
    } else {
        (newest.votes, newest.witness_vote)
    };
    Regroup {
        epoch,
        members: component.nodes,
        // A pause outlives a restart of its node (PauseClusterNode, documented).
        paused: newest.paused,
        isolated: newest.isolated.minus(component.nodes),
        quarantined: newest.quarantined.minus(component.nodes),
        votes,
        witness_vote,
        quorate,
        roles: started(config, component),
    }
}

/// What is known of the roles, without those that would have to start by themselves and do not. The first owners of all
/// find their roles as an administrator has brought them online.
fn started(config: &ClusterConfig, component: Component<'_>) -> RoleViews {
    let mut roles = component.newest.roles;
    for (index, role) in config.roles.iter().enumerate() {
        let view = roles.of_mut(RoleId(index as u8));
        let is_down = |owner| component.forms || !component.nodes.contains(owner);
        if role.priority == Priority::Disabled && view.owner.is_some_and(is_down) {
            view.wanted = Wanted::Offline;
        }
    }
    roles
}

/// The votes that a cluster starts with, before anybody is a member: every configured one.
pub(crate) fn configured_votes(config: &ClusterConfig) -> NodeSet {
    NodeSet::first(config.nodes.len())
        .iter()
        .filter(|node| config.nodes[node.index()].has_vote || has(Defect::VoteTakenAwayCounts))
        .collect()
}

fn assign(
    config: &ClusterConfig,
    properties: &ClusterProperties,
    component: Component<'_>,
    epoch: Epoch,
    choices: &mut Choices,
) -> (NodeSet, bool) {
    let voters = configured_votes(config).and(component.nodes);
    let even = voters.len().is_multiple_of(2);
    if component.witness.is_some() || !even || voters.is_empty() {
        return (voters, component.witness.is_some() && even);
    }
    let loser = properties.lower_quorum_priority_node.filter(|&node| voters.contains(node));
    let loser = loser.or_else(|| {
        let key = ChoiceKey { purpose: Purpose::VoteRemoved, subject: 0, ordinal: epoch.0 };
        voters.iter().nth(choices.between(key, 0, voters.len() as u64 - 1) as usize)
    });
    (loser.map_or(voters, |loser| voters.without(loser)), false)
}

/// Forced quorum outranks whatever another partition has decided meanwhile (event 5396, documented).
const FORCED_AHEAD: u32 = 1_000;
