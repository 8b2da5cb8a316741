//! What follows when a resource fails: is it started again here, or does its role go elsewhere?

use std::time::Duration;

use crate::assumption::{Assumption, NINETY_SECONDS, OFFLINE_FIRST, ONE_RESTART};
use crate::choices::Choices;
use crate::names::{ResourceId, RoleId};
use crate::observe::ResourceState;
use crate::planted::{Defect, has};
use crate::time::{Due, Time};

use super::super::placement::{Trigger, next_owner};
use super::super::{ResourcePolicy, RestartAction};
use super::{ClusterEffect, ClusterService, Leaving};

impl ClusterService {
    /// A resource failed: what depends on it goes down too, then its policy decides (resource-failure, documented).
    pub(super) fn fail(
        &mut self,
        now: Time,
        resource: ResourceId,
        choices: &mut Choices,
        effects: &mut Vec<ClusterEffect>,
    ) {
        let config = self.config.clone();
        let role = config.resources[resource.index()].role;
        let is_spare = self.is_spare(resource);
        if !is_spare {
            self.terminate_dependents(resource, effects);
        }
        if self.is_active_here(resource) {
            self.resources[resource.index()].attempt.0 += 1;
            effects.push(ClusterEffect::Terminate(resource));
        }
        self.show(resource, ResourceState::Failed, effects);
        self.advance_lower(role, effects);
        if self.leaving[role.index()] != Leaving::Stays {
            return self.advance(role, effects);
        }
        let policy = config.resources[resource.index()].policy;
        let local = &mut self.resources[resource.index()];
        if local.restart_period_ends.reached(now) || local.restart_period_ends == Due::NONE {
            local.restarts = 0;
            local.restart_period_ends = Due::at(now + restart_period(&policy, choices));
        }
        let tolerated = restart_threshold(&policy, choices);
        let restarts_left = local.restarts < tolerated || has(Defect::RestartsWithoutEnd);
        let again = Due::at(now + policy.retry_period_on_failure);
        match policy.restart_action {
            RestartAction::DoNotRestart => {}
            RestartAction::Restart | RestartAction::RestartThenFailOver if restarts_left => {
                local.restarts += 1;
                local.restart = Due::at(now + policy.restart_delay);
            }
            RestartAction::Restart => local.restart = again,
            RestartAction::RestartThenFailOver if is_spare => local.restart = again,
            RestartAction::RestartThenFailOver => {
                if !self.fail_over(now, role, choices, effects) {
                    self.resources[resource.index()].restart = again;
                }
            }
        }
    }

    /// Whether everything that needs `resource` has an alternative to it that is online, and something needs it: its
    /// failure takes nothing down, and fails nothing over (multi-subnet clustering of SQL Server, documented).
    fn is_spare(&self, resource: ResourceId) -> bool {
        let mut dependents = self.config.dependents(resource).peekable();
        dependents.peek().is_some()
            && dependents.all(|dependent| {
                let any = &self.config.resources[dependent.index()].depends_on_any;
                any.iter().any(|&other| {
                    other != resource && self.resources[other.index()].state == ResourceState::Online
                })
            })
    }

    fn terminate_dependents(&mut self, resource: ResourceId, effects: &mut Vec<ClusterEffect>) {
        if has(Defect::DependentsLeftAlone) {
            return;
        }
        let config = self.config.clone();
        for dependent in config.dependents(resource) {
            self.terminate_dependents(dependent, effects);
            self.terminate(dependent, effects);
        }
    }

    /// Gives the role to the next owner, unless it has failed over too often within FailoverPeriod or nobody else may own
    /// it; then it stays, which is said by `false`.
    fn fail_over(
        &mut self,
        now: Time,
        role: RoleId,
        choices: &mut Choices,
        effects: &mut Vec<ClusterEffect>,
    ) -> bool {
        let config = self.config.clone();
        let role_config = &config.roles[role.index()];
        // The default 0xFFFFFFFF means nodes minus one (FailoverThreshold, documented).
        let threshold = role_config.failover_threshold.unwrap_or(config.nodes.len() as u32 - 1);
        self.begin_failover_period(now, role);
        let view = self.view.roles.of_mut(role);
        if u32::from(view.failovers) >= threshold && !has(Defect::FailoversWithoutEnd) {
            return false;
        }
        let next = next_owner(&config, &self.view, role, self.node, Trigger::ResourceFailure, choices);
        let Some(next) = next else { return false };
        let view = self.view.roles.of_mut(role);
        view.failovers = view.failovers.saturating_add(1);
        match choices.assume(Assumption::FailoverPath) {
            OFFLINE_FIRST => {
                self.leaving[role.index()] = Leaving::MovesTo(next);
                self.advance(role, effects);
            }
            _ => {
                self.terminate_role(role, effects);
                self.hand_over(role, next, effects);
            }
        }
        true
    }

    /// Failovers are counted anew once the period is over.
    pub(super) fn begin_failover_period(&mut self, now: Time, role: RoleId) {
        let period = self.config.roles[role.index()].failover_period;
        let view = self.view.roles.of_mut(role);
        if view.period_ends.reached(now) || view.period_ends == Due::NONE {
            view.failovers = 0;
            view.period_ends = Due::at(now + period);
        }
    }
}

fn restart_threshold(policy: &ResourcePolicy, choices: &mut Choices) -> u32 {
    policy.restart_threshold.unwrap_or_else(|| match choices.assume(Assumption::RestartThreshold) {
        ONE_RESTART => 1,
        _ => 3,
    })
}

fn restart_period(policy: &ResourcePolicy, choices: &mut Choices) -> Duration {
    policy.restart_period.unwrap_or_else(|| match choices.assume(Assumption::RestartPeriod) {
        NINETY_SECONDS => Duration::from_secs(90),
        _ => Duration::from_secs(15 * 60),
    })
}
