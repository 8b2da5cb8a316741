//! Which resources of a role go online or offline next on this node?

use crate::names::{ResourceId, RoleId};
use crate::observe::ResourceState;
use crate::time::Due;

use super::super::view::Wanted;
use super::{ClusterEffect, ClusterService, Leaving};

impl ClusterService {
    /// Does whatever the role needs next on this node: bring online bottom up, or take offline top down.
    pub(super) fn advance(&mut self, role: RoleId, effects: &mut Vec<ClusterEffect>) {
        match self.leaving[role.index()] {
            Leaving::MovesTo(_) | Leaving::GoesOffline => self.advance_offline(role, effects),
            Leaving::Stays => {
                self.take_stopped_offline(role, effects);
                if self.shall_run(role) && !self.waits(role) {
                    self.advance_online(role, effects);
                }
            }
        }
    }

    /// Whether this node has the role, may have it, and it shall be online.
    fn shall_run(&self, role: RoleId) -> bool {
        let view = self.view.roles.of(role);
        view.owner == Some(self.node) && view.wanted == Wanted::Online && !view.barred.contains(self.node)
    }

    /// Whether a role of higher priority is still on its way to online on this node.
    fn waits(&self, role: RoleId) -> bool {
        let roles = &self.config.roles;
        let is_pending = |resource: &ResourceId| {
            self.config.hosts_of(*resource).contains(self.node)
                && !self.must_go(*resource)
                && matches!(
                    self.resources[resource.index()].state,
                    ResourceState::Offline | ResourceState::OnlinePending
                )
        };
        let has_failed =
            |resource: &ResourceId| self.resources[resource.index()].state == ResourceState::Failed;
        self.roles().any(|other| {
            let resources = &roles[other.index()].resources;
            roles[other.index()].priority > roles[role.index()].priority
                && self.shall_run(other)
                && self.leaving[other.index()] == Leaving::Stays
                && resources.iter().any(is_pending)
                && !resources.iter().any(has_failed)
        })
    }

    fn advance_online(&mut self, role: RoleId, effects: &mut Vec<ClusterEffect>) {
        let config = self.config.clone();
        for &resource in &config.roles[role.index()].resources {
            let ready = self.resources[resource.index()].state == ResourceState::Offline
                && config.hosts_of(resource).contains(self.node)
                && !self.is_stopped(resource)
                && self.has_providers(resource);
            if ready {
                let attempt = self.call(resource, ResourceState::OnlinePending, effects);
                effects.push(ClusterEffect::BringOnline { resource, attempt });
            }
        }
    }

    /// Whether what a resource's dependency expression asks for is online on this node.
    fn has_providers(&self, resource: ResourceId) -> bool {
        let is_online =
            |provider: &ResourceId| self.resources[provider.index()].state == ResourceState::Online;
        let config = &self.config.resources[resource.index()];
        let any = &config.depends_on_any;
        config.depends_on.iter().all(is_online) && (any.is_empty() || any.iter().any(is_online))
    }

    /// Takes stopped resources offline, what depends on them first.
    fn take_stopped_offline(&mut self, role: RoleId, effects: &mut Vec<ClusterEffect>) {
        if self.view.roles.of(role).stopped.is_empty() {
            return;
        }
        let config = self.config.clone();
        for &resource in config.roles[role.index()].resources.iter().rev() {
            if !self.must_go(resource) {
                continue;
            }
            self.resources[resource.index()].restart = Due::NONE;
            let in_use = config.dependents(resource).any(|dependent| self.is_active_here(dependent));
            match self.resources[resource.index()].state {
                ResourceState::Online if !in_use => {
                    let attempt = self.call(resource, ResourceState::OfflinePending, effects);
                    effects.push(ClusterEffect::TakeOffline { resource, attempt });
                }
                ResourceState::OnlinePending => self.terminate(resource, effects),
                ResourceState::Failed => self.show(resource, ResourceState::Offline, effects),
                ResourceState::Online | ResourceState::OfflinePending | ResourceState::Offline => {}
            }
        }
    }

    /// Whether an administrator has taken the resource offline.
    fn is_stopped(&self, resource: ResourceId) -> bool {
        let role = self.config.resources[resource.index()].role;
        self.view.roles.of(role).stopped.contains(resource)
    }

    /// Whether a resource may not be online: it is stopped, or what it cannot do without is.
    fn must_go(&self, resource: ResourceId) -> bool {
        let config = &self.config.resources[resource.index()];
        let goes = |provider: &ResourceId| self.must_go(*provider);
        let any = &config.depends_on_any;
        self.is_stopped(resource)
            || config.depends_on.iter().any(goes)
            || (!any.is_empty() && any.iter().all(goes))
    }

    fn advance_offline(&mut self, role: RoleId, effects: &mut Vec<ClusterEffect>) {
        let config = self.config.clone();
        let mut rest = 0;
        for &resource in config.roles[role.index()].resources.iter().rev() {
            let state = self.resources[resource.index()].state;
            if matches!(state, ResourceState::Offline | ResourceState::Failed) {
                continue;
            }
            rest += 1;
            let in_use = config.dependents(resource).any(|dependent| self.is_active_here(dependent));
            match state {
                ResourceState::Online if !in_use => {
                    let attempt = self.call(resource, ResourceState::OfflinePending, effects);
                    effects.push(ClusterEffect::TakeOffline { resource, attempt });
                }
                ResourceState::OnlinePending => {
                    self.terminate(resource, effects);
                    rest -= 1;
                }
                ResourceState::Online
                | ResourceState::OfflinePending
                | ResourceState::Offline
                | ResourceState::Failed => {}
            }
        }
        if rest == 0 {
            let leaving = std::mem::replace(&mut self.leaving[role.index()], Leaving::Stays);
            match leaving {
                Leaving::MovesTo(to) => self.hand_over(role, to, effects),
                Leaving::GoesOffline | Leaving::Stays => self.leave_if_empty(effects),
            }
        }
    }

    /// Roles of lower priority may have waited for this one.
    pub(super) fn advance_lower(&mut self, role: RoleId, effects: &mut Vec<ClusterEffect>) {
        let config = self.config.clone();
        let priority = config.roles[role.index()].priority;
        for lower in self.roles().filter(|lower| config.roles[lower.index()].priority < priority) {
            self.advance(lower, effects);
        }
    }
}
