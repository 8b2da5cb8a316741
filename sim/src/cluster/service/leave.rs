//! How does a role leave this node?

use crate::choices::Choices;
use crate::names::{NodeId, NodeSet, RoleId};
use crate::observe::ResourceState;
use crate::time::{Due, Time};

use super::super::placement::{Trigger, next_owner};
use super::{ClusterEffect, ClusterService, Leaving, Rundown, ServiceState};

impl ClusterService {
    pub(super) fn hand_over(&mut self, role: RoleId, to: NodeId, effects: &mut Vec<ClusterEffect>) {
        self.view.roles.of_mut(role).owner = Some(to);
        let config = self.config.clone();
        for &resource in &config.roles[role.index()].resources {
            let local = &mut self.resources[resource.index()];
            local.restarts = 0;
            local.restart = Due::NONE;
            // What failed here is tried anew wherever the role goes, here too should it come back (inferred: a resource has
            // one state in the cluster, that on its owner).
            if local.state == ResourceState::Failed {
                self.show(resource, ResourceState::Offline, effects);
            }
        }
        self.show_owner(role, effects);
        self.tell_members(role, effects);
        self.leave_if_empty(effects);
    }

    /// Moves every role of this node to another one that may own it.
    pub(super) fn hand_over_all(&mut self, choices: &mut Choices, effects: &mut Vec<ClusterEffect>) {
        for role in self.roles() {
            if !self.owns(role) {
                continue;
            }
            let next = next_owner(&self.config, &self.view, role, self.node, Trigger::Drain, choices);
            if let Some(to) = next {
                self.leaving[role.index()] = Leaving::MovesTo(to);
                self.advance(role, effects);
            }
        }
    }

    /// A service that stops is gone when no role is on its way any more; what nobody else may own goes down with it.
    pub(super) fn leave_if_empty(&mut self, effects: &mut Vec<ClusterEffect>) {
        let busy = self.leaving.iter().any(|leaving| *leaving != Leaving::Stays);
        if self.state == ServiceState::Stopping && !busy {
            self.stop(Rundown::Abrupt, effects);
            effects.push(ClusterEffect::Leave);
        }
    }

    /// A preferred owner among these nodes gets its role back, if that is allowed: a planned move. Outside of the window
    /// it waits.
    pub(super) fn fail_back(&mut self, now: Time, role: RoleId, candidates: NodeSet) {
        let config = &self.config.roles[role.index()];
        if !config.auto_failback || !self.owns(role) {
            return;
        }
        let mut better = config.preferred_owners.iter().take_while(|&&node| node != self.node);
        let Some(&to) = better.find(|&&node| candidates.contains(node)) else { return };
        let time_of_day = self.config.begins_at + now.since(Time::ZERO);
        let wait = config.failback_window.map(|window| window.opens_in(time_of_day)).unwrap_or_default();
        if wait.is_zero() {
            self.leaving[role.index()] = Leaving::MovesTo(to);
        } else {
            self.failback[role.index()] = Due::at(now + wait);
        }
    }
}
