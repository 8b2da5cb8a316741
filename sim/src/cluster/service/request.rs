//! What does an administrator want, and what comes of it on this node?

use crate::assumption::{Assumption, MOVES_ARE_FAILOVERS};
use crate::choices::Choices;
use crate::names::{NodeId, ResourceId, RoleId};
use crate::observe::ResourceState;
use crate::time::{Due, Time};

use super::super::placement::candidates;
use super::super::view::{ResourceSet, Wanted};
use super::{ClusterEffect, ClusterService, Leaving};

impl ClusterService {
    /// Moves a role of this node to another one that may own it.
    pub(super) fn move_role(
        &mut self,
        now: Time,
        role: RoleId,
        to: NodeId,
        choices: &mut Choices,
        effects: &mut Vec<ClusterEffect>,
    ) {
        let allowed = candidates(&self.config, &self.view, role).contains(to);
        if allowed && to != self.node && self.owns(role) {
            if choices.assume(Assumption::MovesCount) == MOVES_ARE_FAILOVERS {
                self.begin_failover_period(now, role);
                let view = self.view.roles.of_mut(role);
                view.failovers = view.failovers.saturating_add(1);
            }
            self.leaving[role.index()] = Leaving::MovesTo(to);
            self.advance(role, effects);
        }
    }

    /// Takes a role of this node offline, or brings it online with what is left of it, failed resources included.
    pub(super) fn want(&mut self, role: RoleId, wanted: Wanted, effects: &mut Vec<ClusterEffect>) {
        if !self.owns(role) {
            return;
        }
        self.view.roles.of_mut(role).wanted = wanted;
        if wanted == Wanted::Online {
            self.view.roles.of_mut(role).stopped = ResourceSet::default();
        }
        self.tell_members(role, effects);
        for resource in self.config.clone().roles[role.index()].resources.iter().copied() {
            let local = &mut self.resources[resource.index()];
            local.restart = Due::NONE;
            if wanted == Wanted::Online && local.state == ResourceState::Failed {
                self.show(resource, ResourceState::Offline, effects);
            }
        }
        self.leaving[role.index()] = match wanted {
            Wanted::Online => Leaving::Stays,
            Wanted::Offline => Leaving::GoesOffline,
        };
        self.advance(role, effects);
    }

    /// Takes a resource of this node offline, or brings it online with what it depends on, failed resources included.
    pub(super) fn want_resource(
        &mut self,
        resource: ResourceId,
        wanted: Wanted,
        effects: &mut Vec<ClusterEffect>,
    ) {
        let role = self.config.resources[resource.index()].role;
        if !self.owns(role) {
            return;
        }
        match wanted {
            Wanted::Offline => self.view.roles.of_mut(role).stopped.insert(resource),
            Wanted::Online => self.start_with_providers(role, resource, effects),
        }
        self.tell_members(role, effects);
        self.advance(role, effects);
    }

    fn start_with_providers(&mut self, role: RoleId, resource: ResourceId, effects: &mut Vec<ClusterEffect>) {
        let config = self.config.clone();
        let config = &config.resources[resource.index()];
        for &provider in config.depends_on.iter().chain(&config.depends_on_any) {
            self.start_with_providers(role, provider, effects);
        }
        self.view.roles.of_mut(role).stopped.remove(resource);
        if self.resources[resource.index()].state == ResourceState::Failed {
            self.resources[resource.index()].restart = Due::NONE;
            self.show(resource, ResourceState::Offline, effects);
        }
    }

    /// A role that waited for a node that may own it goes there.
    pub(super) fn allow(
        &mut self,
        (role, node, may): (RoleId, NodeId, bool),
        choices: &mut Choices,
        effects: &mut Vec<ClusterEffect>,
    ) {
        let barred = &mut self.view.roles.of_mut(role).barred;
        if may {
            barred.remove(node);
        } else {
            barred.insert(node);
        }
        let before = self.view.roles.of(role).owner;
        self.place_after_regroup(role, choices);
        if self.view.roles.of(role).owner != before {
            self.show_owner(role, effects);
        }
        self.tell_members(role, effects);
        self.advance(role, effects);
    }
}
