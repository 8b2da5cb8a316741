//! Which node owns a role next?
//!
//! The order is documented for 2012 R2 (Groups fail logic, KB 299631) and assumed for later versions.

use crate::choices::{ChoiceKey, Choices, Purpose};
use crate::names::{NodeId, NodeSet, RoleId};
use crate::planted::{Defect, has};

use super::{ClusterConfig, View};

/// Why a role needs another owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Trigger {
    /// Its node is gone.
    NodeFailure,
    /// One of its resources failed.
    ResourceFailure,
    /// Its node is drained or stopped: an administrator moves it, best possible.
    Drain,
}

/// The next owner of `role` after `current`, or `None` if no other member may own it. Every node that asks with the
/// same view gets the same answer.
pub(super) fn next_owner(
    config: &ClusterConfig,
    view: &View,
    role: RoleId,
    current: NodeId,
    trigger: Trigger,
    choices: &mut Choices,
) -> Option<NodeId> {
    let candidates = candidates(config, view, role).without(current);
    if candidates.is_empty() {
        return None;
    }
    let preferred = &config.roles[role.index()].preferred_owners;
    if preferred.is_empty() && trigger != Trigger::ResourceFailure {
        let key =
            ChoiceKey { purpose: Purpose::NextOwner, subject: u32::from(role.0), ordinal: view.epoch.0 };
        return candidates.iter().nth(choices.between(key, 0, candidates.len() as u64 - 1) as usize);
    }
    if trigger == Trigger::Drain {
        return preferred
            .iter()
            .copied()
            .find(|&node| candidates.contains(node))
            .or_else(|| candidates.lowest());
    }
    // Preferred owners in their order, then the others by number; the next one below the current one, round and round.
    let rest = NodeSet::first(config.nodes.len()).iter().filter(|node| !preferred.contains(node));
    let order: Vec<NodeId> = preferred.iter().copied().chain(rest).collect();
    let place = order.iter().position(|&node| node == current).map_or(0, |place| place + 1);
    order.iter().cycle().skip(place).take(order.len()).copied().find(|&node| candidates.contains(node))
}

/// The owner when the cluster forms: the first preferred owner that is there, else the member with the lowest number.
pub(super) fn first_owner(config: &ClusterConfig, view: &View, role: RoleId) -> Option<NodeId> {
    let candidates = candidates(config, view, role);
    let preferred = &config.roles[role.index()].preferred_owners;
    preferred.iter().copied().find(|&node| candidates.contains(node)).or_else(|| candidates.lowest())
}

/// Members that are not paused and on which every resource of the role may be online. A paused node is never a target
/// (PauseClusterNode, documented).
pub(crate) fn candidates(config: &ClusterConfig, view: &View, role: RoleId) -> NodeSet {
    let paused = if has(Defect::PausedNodeGetsRoles) { NodeSet::EMPTY } else { view.paused };
    view.members.minus(paused).minus(view.roles.of(role).barred).and(config.possible_owners(role))
}
