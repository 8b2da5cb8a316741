//! What follows on this node when the members change, or what is known of them?

use crate::choices::Choices;
use crate::names::{NodeId, NodeSet, RoleId};
use crate::observe::{Fact, NodeState, NodeStatus};
use crate::planted::{Defect, has};
use crate::time::Time;

use super::super::placement::{Trigger, candidates, first_owner, next_owner};
use super::super::{Regroup, View};
use super::{ClusterEffect, ClusterService, Leaving, Rundown, ServiceState};

impl ClusterService {
    pub(super) fn regroup(
        &mut self,
        now: Time,
        regroup: Regroup,
        choices: &mut Choices,
        effects: &mut Vec<ClusterEffect>,
    ) {
        if !regroup.quorate {
            self.stop(Rundown::Abrupt, effects);
            effects.push(ClusterEffect::Halt);
            return;
        }
        let before = std::mem::replace(
            &mut self.view,
            View {
                epoch: regroup.epoch,
                members: regroup.members,
                paused: regroup.paused,
                isolated: regroup.isolated,
                quarantined: regroup.quarantined,
                votes: regroup.votes,
                witness_vote: regroup.witness_vote,
                roles: regroup.roles,
            },
        );
        let newcomer = self.state == ServiceState::Joining;
        if newcomer {
            self.state = ServiceState::Active;
        }
        self.show_members(if newcomer { NodeSet::EMPTY } else { before.members }, newcomer, effects);
        self.show_statuses(&before, newcomer, effects);
        for role in self.roles() {
            self.place_after_regroup(role, choices);
            let owner = self.view.roles.of(role).owner;
            // A role cannot go on its way to a node that is gone: it stays, and comes online again here.
            if matches!(self.leaving[role.index()], Leaving::MovesTo(to) if !self.view.members.contains(to))
                && !has(Defect::MoveGoesOnToLostNode)
            {
                self.leaving[role.index()] = Leaving::Stays;
            }
            if newcomer || owner != before.roles.of(role).owner {
                self.show_owner(role, effects);
            }
            if owner != Some(self.node) {
                self.terminate_role(role, effects);
            }
            self.fail_back(now, role, candidates(&self.config, &self.view, role).minus(before.members));
            self.advance(role, effects);
        }
    }

    pub(super) fn place_after_regroup(&mut self, role: RoleId, choices: &mut Choices) {
        let owner = match self.view.roles.of(role).owner {
            None => first_owner(&self.config, &self.view, role),
            Some(owner) if self.view.members.contains(owner) => Some(owner),
            // Nobody left who may own it: it waits for a node that may, in the books of the old owner.
            Some(gone) => {
                next_owner(&self.config, &self.view, role, gone, Trigger::NodeFailure, choices).or(Some(gone))
            }
        };
        self.view.roles.of_mut(role).owner = owner;
    }

    fn show_members(&self, before: NodeSet, newcomer: bool, effects: &mut Vec<ClusterEffect>) {
        for node in NodeSet::first(self.config.nodes.len()).iter() {
            let member = self.view.members.contains(node);
            if newcomer || member != before.contains(node) {
                let state = match (member, self.view.paused.contains(node)) {
                    (true, true) => NodeState::Paused,
                    (true, false) => NodeState::Up,
                    (false, _) => NodeState::Down,
                };
                effects.push(ClusterEffect::Show(Fact::NodeState { node, state }));
            }
        }
    }

    fn show_statuses(&self, before: &View, newcomer: bool, effects: &mut Vec<ClusterEffect>) {
        for node in NodeSet::first(self.config.nodes.len()).iter() {
            let (old, status) = (before.status(node), self.view.status(node));
            // Who looks at a newcomer may have forgotten what it showed before.
            if status != old || (newcomer && status != NodeStatus::Normal) {
                effects.push(ClusterEffect::Show(Fact::NodeStatus { node, status }));
            }
        }
    }

    pub(super) fn show_owner(&self, role: RoleId, effects: &mut Vec<ClusterEffect>) {
        if let Some(owner) = self.view.roles.of(role).owner {
            effects.push(ClusterEffect::Show(Fact::OwnerNode { role, owner }));
        }
    }

    pub(super) fn tell_members(&self, role: RoleId, effects: &mut Vec<ClusterEffect>) {
        let view = *self.view.roles.of(role);
        effects.push(ClusterEffect::TellMembers { role, view });
    }

    pub(super) fn pause(&mut self, node: NodeId, paused: bool, effects: &mut Vec<ClusterEffect>) {
        let state = if paused {
            self.view.paused.insert(node);
            NodeState::Paused
        } else {
            self.view.paused.remove(node);
            NodeState::Up
        };
        effects.push(ClusterEffect::Show(Fact::NodeState { node, state }));
    }

    /// The time is over for which a node was isolated or in quarantine; `status` is what is left.
    pub(super) fn end_status(&mut self, node: NodeId, status: NodeStatus, effects: &mut Vec<ClusterEffect>) {
        let before = self.view;
        if status != NodeStatus::Isolated {
            self.view.isolated.remove(node);
        }
        if status != NodeStatus::Quarantined {
            self.view.quarantined.remove(node);
        }
        self.show_statuses(&before, false, effects);
    }
}
