//! How does a resource change its state on this node?

use crate::choices::Choices;
use crate::names::{ResourceId, RoleId};
use crate::observe::{Fact, ResourceState};
use crate::time::{Due, Time};

use super::{Attempt, ClusterEffect, ClusterService, Leaving};

impl ClusterService {
    pub(super) fn call(
        &mut self,
        resource: ResourceId,
        pending: ResourceState,
        effects: &mut Vec<ClusterEffect>,
    ) -> Attempt {
        let local = &mut self.resources[resource.index()];
        local.attempt.0 += 1;
        let attempt = local.attempt;
        self.show(resource, pending, effects);
        attempt
    }

    pub(super) fn end_call(
        &mut self,
        now: Time,
        resource: ResourceId,
        succeeded: bool,
        choices: &mut Choices,
        effects: &mut Vec<ClusterEffect>,
    ) {
        match (self.resources[resource.index()].state, succeeded) {
            (ResourceState::OnlinePending, true) => self.show(resource, ResourceState::Online, effects),
            (ResourceState::OfflinePending, true) => self.show(resource, ResourceState::Offline, effects),
            (ResourceState::OnlinePending, false) => return self.fail(now, resource, choices, effects),
            // What cannot be taken offline is terminated (failover page of MsCS, documented).
            (ResourceState::OfflinePending, false) => self.terminate(resource, effects),
            (ResourceState::Online | ResourceState::Offline | ResourceState::Failed, _) => return,
        }
        let role = self.config.resources[resource.index()].role;
        self.advance(role, effects);
        self.advance_lower(role, effects);
    }

    pub(super) fn terminate_role(&mut self, role: RoleId, effects: &mut Vec<ClusterEffect>) {
        self.leaving[role.index()] = Leaving::Stays;
        let config = self.config.clone();
        for &resource in config.roles[role.index()].resources.iter().rev() {
            self.terminate(resource, effects);
        }
    }

    pub(super) fn terminate(&mut self, resource: ResourceId, effects: &mut Vec<ClusterEffect>) {
        if self.is_active_here(resource) {
            self.resources[resource.index()].attempt.0 += 1;
            effects.push(ClusterEffect::Terminate(resource));
        }
        self.resources[resource.index()].restart = Due::NONE;
        self.show(resource, ResourceState::Offline, effects);
    }

    pub(super) fn show(
        &mut self,
        resource: ResourceId,
        state: ResourceState,
        effects: &mut Vec<ClusterEffect>,
    ) {
        let local = &mut self.resources[resource.index()];
        if local.state != state {
            local.state = state;
            effects.push(ClusterEffect::Show(Fact::ResourceState { resource, state }));
        }
    }

    pub(super) fn is_active_here(&self, resource: ResourceId) -> bool {
        !matches!(self.resources[resource.index()].state, ResourceState::Offline | ResourceState::Failed)
    }
}
