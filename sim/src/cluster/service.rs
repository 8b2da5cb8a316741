//! What does the cluster service of one node decide?
//!
//! It holds this node's view and the states of the resources on this node. It brings roles online that its view gives
//! to this node, moves them, restarts what fails, and stops when its partition has no quorum.

use std::time::Duration;

use crate::assumption::{Assumption, MOVES_ARE_FAILOVERS, NINETY_SECONDS, OFFLINE_FIRST, ONE_RESTART};
use crate::choices::Choices;
use crate::names::{NodeId, NodeSet, ROLES_MAX, ResourceId, RoleId};
use crate::observe::{Fact, NodeState, NodeStatus, ResourceState};
use crate::planted::{Defect, has};
use crate::step::{Machine, Shared};
use crate::time::{Due, Time};

use super::placement::{Trigger, candidates, first_owner, next_owner};
use super::quorum::configured_votes;
use super::view::{ResourceSet, Wanted};
use super::{ClusterConfig, Regroup, ResourcePolicy, RestartAction, RoleView, View};

/// The cluster service on one node.
#[derive(Clone, Debug, Hash)]
pub struct ClusterService {
    config: Shared<ClusterConfig>,
    node: NodeId,
    state: ServiceState,
    view: View,
    resources: Vec<LocalResource>,
    leaving: [Leaving; ROLES_MAX],
    /// When a role that waits for its window goes back to a preferred owner.
    failback: [Due; ROLES_MAX],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum ServiceState {
    Stopped,
    Joining,
    Active,
    /// Hands its roles over, then stops.
    Stopping,
}

/// A resource as it stands on this node.
#[derive(Clone, Copy, Debug, Hash)]
struct LocalResource {
    state: ResourceState,
    attempt: Attempt,
    restarts: u32,
    restart_period_ends: Due,
    restart: Due,
}

/// Tells the answer to an earlier call from the answer to this one; no part of a state's identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempt(u32);

impl Attempt {
    /// The how manieth call to its resource on its node.
    pub const fn ordinal(self) -> u32 {
        self.0
    }
}

impl std::hash::Hash for Attempt {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

/// Whether a role is on its way to another node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Leaving {
    Stays,
    /// A planned move: Offline calls (reason Move, documented).
    MovesTo(NodeId),
    /// An administrator takes it offline.
    GoesOffline,
}

/// What becomes of resources whose cluster service is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rundown {
    /// They are terminated.
    Abrupt,
    /// They shut down in good order.
    Graceful,
}

/// What can happen to a cluster service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "a regroup carries a whole view, and few events are under way at a time"
)]
pub enum ClusterEvent {
    /// Its process starts.
    Started,
    /// Its process dies, and with it everything that it hosts.
    Killed {
        /// Whether the resource monitor lets the resources shut down, or they end with it.
        rundown: Rundown,
    },
    /// A deadline may have come.
    Woken,
    /// The members changed.
    Regrouped(Regroup),
    /// Another member says what it knows of a role.
    RoleTold {
        /// Which one.
        role: RoleId,
        /// What is known.
        view: RoleView,
    },
    /// An administrator moves a role to a node.
    MoveRequested {
        /// Which one.
        role: RoleId,
        /// Where to.
        to: NodeId,
    },
    /// An administrator takes a role offline, or brings it online.
    RoleRequested {
        /// Which one.
        role: RoleId,
        /// What it shall be.
        wanted: Wanted,
    },
    /// An administrator takes a resource offline with all that depends on it, or brings it online with all that it
    /// depends on.
    ResourceRequested {
        /// Which one.
        resource: ResourceId,
        /// What it shall be.
        wanted: Wanted,
    },
    /// An administrator takes a node from the possible owners of a role, or makes it one again.
    OwnershipRequested {
        /// Which role.
        role: RoleId,
        /// Which node.
        node: NodeId,
        /// Whether it may own the role from here on.
        may: bool,
    },
    /// An administrator takes the service out of the cluster: it hands its roles over and stops.
    StopRequested,
    /// An administrator pauses this node, with or without moving its roles away, or resumes it.
    PauseRequested {
        /// Paused or not.
        paused: bool,
        /// Whether its roles move away.
        drain: bool,
    },
    /// Another member says that a node is paused, or no longer is.
    PauseTold {
        /// Which node.
        node: NodeId,
        /// Paused or not.
        paused: bool,
    },
    /// The time is over for which a node was isolated or in quarantine.
    StatusEnded {
        /// Which node.
        node: NodeId,
        /// What is left.
        status: NodeStatus,
    },
    /// The others went on without this node.
    Evicted,
    /// A call to a resource has ended.
    CallEnded {
        /// Which one.
        resource: ResourceId,
        /// Of which call.
        attempt: Attempt,
        /// Whether the resource is in the state that was asked for.
        succeeded: bool,
    },
    /// A health check or the resource itself says that it failed.
    ResourceFailed(ResourceId),
}

/// What a cluster service wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterEffect {
    /// Call a resource's Online.
    BringOnline {
        /// Which one.
        resource: ResourceId,
        /// To be named in the answer.
        attempt: Attempt,
    },
    /// Call a resource's Offline.
    TakeOffline {
        /// Which one.
        resource: ResourceId,
        /// To be named in the answer.
        attempt: Attempt,
    },
    /// Call a resource's Terminate: it is gone when the call returns.
    Terminate(ResourceId),
    /// Let a resource shut down by itself: nobody waits for it.
    RunDown(ResourceId),
    /// Tell the other members what is known of a role.
    TellMembers {
        /// Which one.
        role: RoleId,
        /// What is known.
        view: RoleView,
    },
    /// Tell the other members that a node is paused, or no longer is.
    TellPaused {
        /// Which node.
        node: NodeId,
        /// Paused or not.
        paused: bool,
    },
    /// Stop the service for good: an administrator asked for it.
    Leave,
    /// Stop the service, which the service control manager starts again: quorum or membership is lost.
    Halt,
    /// Show this to whoever looks at this node.
    Show(Fact),
}

impl ClusterService {
    /// A service that has not been started.
    pub fn new(node: NodeId, config: Shared<ClusterConfig>) -> Self {
        let fresh = LocalResource {
            state: ResourceState::Offline,
            attempt: Attempt::default(),
            restarts: 0,
            restart_period_ends: Due::NONE,
            restart: Due::NONE,
        };
        let resources = vec![fresh; config.resources.len()];
        let view = View {
            votes: configured_votes(&config),
            witness_vote: config.witness.is_some(),
            ..View::default()
        };
        Self {
            config,
            node,
            state: ServiceState::Stopped,
            view,
            resources,
            leaving: [Leaving::Stays; ROLES_MAX],
            failback: [Due::NONE; ROLES_MAX],
        }
    }

    /// This node's view.
    pub const fn view(&self) -> &View {
        &self.view
    }

    /// Whether the service's process runs.
    pub fn runs(&self) -> bool {
        self.state != ServiceState::Stopped
    }

    /// Whether the node is an active member of a cluster.
    pub fn is_active(&self) -> bool {
        matches!(self.state, ServiceState::Active | ServiceState::Stopping)
    }

    /// The state of a resource on this node.
    pub fn resource_state(&self, resource: ResourceId) -> ResourceState {
        self.resources[resource.index()].state
    }

    /// Before it leaves in good order, its vote goes to another member: by itself it has no quorum from here on.
    pub(crate) fn hand_vote_over(&mut self, heir: NodeId) {
        if self.view.votes.contains(self.node) {
            self.view.votes.remove(self.node);
            self.view.votes.insert(heir);
        }
    }

    /// The call that a resource waits for, or that was the last.
    pub fn attempt(&self, resource: ResourceId) -> Attempt {
        self.resources[resource.index()].attempt
    }

    fn roles(&self) -> impl Iterator<Item = RoleId> + use<> {
        (0..self.config.roles.len()).map(|role| RoleId(role as u8))
    }

    fn regroup(
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

    /// A preferred owner among these nodes gets its role back, if that is allowed: a planned move. Outside of the window
    /// it waits.
    fn fail_back(&mut self, now: Time, role: RoleId, candidates: NodeSet) {
        let config = &self.config.roles[role.index()];
        if !config.auto_failback || self.view.roles.of(role).owner != Some(self.node) {
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

    fn place_after_regroup(&mut self, role: RoleId, choices: &mut Choices) {
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

    fn show_owner(&self, role: RoleId, effects: &mut Vec<ClusterEffect>) {
        if let Some(owner) = self.view.roles.of(role).owner {
            effects.push(ClusterEffect::Show(Fact::OwnerNode { role, owner }));
        }
    }

    /// Does whatever the role needs next on this node: bring online bottom up, or take offline top down.
    fn advance(&mut self, role: RoleId, effects: &mut Vec<ClusterEffect>) {
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

    /// Takes a resource of this node offline, or brings it online with what it depends on, failed resources included.
    fn want_resource(&mut self, resource: ResourceId, wanted: Wanted, effects: &mut Vec<ClusterEffect>) {
        let role = self.config.resources[resource.index()].role;
        if self.view.roles.of(role).owner != Some(self.node) {
            return;
        }
        match wanted {
            Wanted::Offline => self.view.roles.of_mut(role).stopped.insert(resource),
            Wanted::Online => self.start_with_providers(role, resource, effects),
        }
        let view = *self.view.roles.of(role);
        effects.push(ClusterEffect::TellMembers { role, view });
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

    /// Whether what a resource's dependency expression asks for is online on this node.
    fn has_providers(&self, resource: ResourceId) -> bool {
        let is_online =
            |provider: &ResourceId| self.resources[provider.index()].state == ResourceState::Online;
        let config = &self.config.resources[resource.index()];
        let any = &config.depends_on_any;
        config.depends_on.iter().all(is_online) && (any.is_empty() || any.iter().any(is_online))
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

    /// Takes a role of this node offline, or brings it online with what is left of it, failed resources included.
    fn want(&mut self, role: RoleId, wanted: Wanted, effects: &mut Vec<ClusterEffect>) {
        if self.view.roles.of(role).owner != Some(self.node) {
            return;
        }
        self.view.roles.of_mut(role).wanted = wanted;
        if wanted == Wanted::Online {
            self.view.roles.of_mut(role).stopped = ResourceSet::default();
        }
        let view = *self.view.roles.of(role);
        effects.push(ClusterEffect::TellMembers { role, view });
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

    /// A role that waited for a node that may own it goes there.
    fn allow(
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
        let view = *self.view.roles.of(role);
        effects.push(ClusterEffect::TellMembers { role, view });
        self.advance(role, effects);
    }

    fn hand_over(&mut self, role: RoleId, to: NodeId, effects: &mut Vec<ClusterEffect>) {
        let view = self.view.roles.of_mut(role);
        view.owner = Some(to);
        let view = *view;
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
        effects.push(ClusterEffect::TellMembers { role, view });
        self.leave_if_empty(effects);
    }

    /// Moves every role of this node to another one that may own it.
    fn hand_over_all(&mut self, choices: &mut Choices, effects: &mut Vec<ClusterEffect>) {
        for role in self.roles() {
            if self.view.roles.of(role).owner != Some(self.node) {
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
    fn leave_if_empty(&mut self, effects: &mut Vec<ClusterEffect>) {
        let busy = self.leaving.iter().any(|leaving| *leaving != Leaving::Stays);
        if self.state == ServiceState::Stopping && !busy {
            self.stop(Rundown::Abrupt, effects);
            effects.push(ClusterEffect::Leave);
        }
    }

    fn pause(&mut self, node: NodeId, paused: bool, effects: &mut Vec<ClusterEffect>) {
        let state = if paused {
            self.view.paused.insert(node);
            NodeState::Paused
        } else {
            self.view.paused.remove(node);
            NodeState::Up
        };
        effects.push(ClusterEffect::Show(Fact::NodeState { node, state }));
    }

    fn is_active_here(&self, resource: ResourceId) -> bool {
        !matches!(self.resources[resource.index()].state, ResourceState::Offline | ResourceState::Failed)
    }

    fn call(
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

    fn show(&mut self, resource: ResourceId, state: ResourceState, effects: &mut Vec<ClusterEffect>) {
        let local = &mut self.resources[resource.index()];
        if local.state != state {
            local.state = state;
            effects.push(ClusterEffect::Show(Fact::ResourceState { resource, state }));
        }
    }

    fn terminate(&mut self, resource: ResourceId, effects: &mut Vec<ClusterEffect>) {
        if self.is_active_here(resource) {
            self.resources[resource.index()].attempt.0 += 1;
            effects.push(ClusterEffect::Terminate(resource));
        }
        self.resources[resource.index()].restart = Due::NONE;
        self.show(resource, ResourceState::Offline, effects);
    }

    fn terminate_role(&mut self, role: RoleId, effects: &mut Vec<ClusterEffect>) {
        self.leaving[role.index()] = Leaving::Stays;
        let config = self.config.clone();
        for &resource in config.roles[role.index()].resources.iter().rev() {
            self.terminate(resource, effects);
        }
    }

    fn stop(&mut self, rundown: Rundown, effects: &mut Vec<ClusterEffect>) {
        let first = effects.len();
        for role in self.roles() {
            self.terminate_role(role, effects);
        }
        for effect in &mut effects[first..] {
            if let (ClusterEffect::Terminate(resource), Rundown::Graceful) = (*effect, rundown) {
                *effect = ClusterEffect::RunDown(resource);
            }
        }
        self.state = ServiceState::Stopped;
        self.failback = [Due::NONE; ROLES_MAX];
        effects.push(ClusterEffect::Show(Fact::NodeState { node: self.node, state: NodeState::Down }));
    }

    fn end_call(
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

    /// Roles of lower priority may have waited for this one.
    fn advance_lower(&mut self, role: RoleId, effects: &mut Vec<ClusterEffect>) {
        let config = self.config.clone();
        let priority = config.roles[role.index()].priority;
        for lower in self.roles().filter(|lower| config.roles[lower.index()].priority < priority) {
            self.advance(lower, effects);
        }
    }

    /// A resource failed: what depends on it goes down too, then its policy decides (resource-failure, documented).
    fn fail(
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
    fn begin_failover_period(&mut self, now: Time, role: RoleId) {
        let period = self.config.roles[role.index()].failover_period;
        let view = self.view.roles.of_mut(role);
        if view.period_ends.reached(now) || view.period_ends == Due::NONE {
            view.failovers = 0;
            view.period_ends = Due::at(now + period);
        }
    }

    fn wake(&mut self, now: Time, effects: &mut Vec<ClusterEffect>) {
        for index in 0..self.resources.len() {
            let resource = ResourceId(index as u16);
            if self.resources[index].restart.reached(now) {
                self.resources[index].restart = Due::NONE;
                self.show(resource, ResourceState::Offline, effects);
                self.advance(self.config.resources[index].role, effects);
            }
        }
        for role in self.roles() {
            if self.failback[role.index()].reached(now) {
                self.failback[role.index()] = Due::NONE;
                self.fail_back(now, role, candidates(&self.config, &self.view, role));
                self.advance(role, effects);
            }
        }
    }
}

impl Machine for ClusterService {
    type Event = ClusterEvent;
    type Effect = ClusterEffect;

    fn step(
        &mut self,
        now: Time,
        event: ClusterEvent,
        choices: &mut Choices,
        effects: &mut Vec<ClusterEffect>,
    ) {
        match event {
            ClusterEvent::Started => self.state = ServiceState::Joining,
            ClusterEvent::Killed { rundown } => self.stop(rundown, effects),
            ClusterEvent::Woken => self.wake(now, effects),
            ClusterEvent::Regrouped(regroup) => self.regroup(now, regroup, choices, effects),
            ClusterEvent::RoleTold { role, view } => {
                *self.view.roles.of_mut(role) = view;
                self.show_owner(role, effects);
                self.advance(role, effects);
            }
            ClusterEvent::MoveRequested { role, to } => {
                let allowed = candidates(&self.config, &self.view, role).contains(to);
                if allowed && to != self.node && self.view.roles.of(role).owner == Some(self.node) {
                    if choices.assume(Assumption::MovesCount) == MOVES_ARE_FAILOVERS {
                        self.begin_failover_period(now, role);
                        let view = self.view.roles.of_mut(role);
                        view.failovers = view.failovers.saturating_add(1);
                    }
                    self.leaving[role.index()] = Leaving::MovesTo(to);
                    self.advance(role, effects);
                }
            }
            ClusterEvent::RoleRequested { role, wanted } => self.want(role, wanted, effects),
            ClusterEvent::ResourceRequested { resource, wanted } => {
                self.want_resource(resource, wanted, effects);
            }
            ClusterEvent::OwnershipRequested { role, node, may } => {
                self.allow((role, node, may), choices, effects);
            }
            ClusterEvent::StopRequested => {
                self.state = ServiceState::Stopping;
                self.hand_over_all(choices, effects);
                self.leave_if_empty(effects);
            }
            ClusterEvent::PauseRequested { paused, drain } => {
                self.pause(self.node, paused, effects);
                effects.push(ClusterEffect::TellPaused { node: self.node, paused });
                if paused && drain {
                    self.hand_over_all(choices, effects);
                }
            }
            ClusterEvent::PauseTold { node, paused } => self.pause(node, paused, effects),
            ClusterEvent::StatusEnded { node, status } => {
                let before = self.view;
                if status != NodeStatus::Isolated {
                    self.view.isolated.remove(node);
                }
                if status != NodeStatus::Quarantined {
                    self.view.quarantined.remove(node);
                }
                self.show_statuses(&before, false, effects);
            }
            ClusterEvent::Evicted => {
                self.stop(Rundown::Abrupt, effects);
                effects.push(ClusterEffect::Halt);
            }
            ClusterEvent::CallEnded { resource, attempt, succeeded } => {
                if self.resources[resource.index()].attempt == attempt {
                    self.end_call(now, resource, succeeded, choices, effects);
                }
            }
            ClusterEvent::ResourceFailed(resource) => {
                if self.is_active_here(resource) {
                    self.fail(now, resource, choices, effects);
                }
            }
        }
    }

    fn next_deadline(&self) -> Option<Time> {
        let restarts = self.resources.iter().fold(Due::NONE, |due, local| due.or_earlier(local.restart));
        self.failback.iter().fold(restarts, |due, failback| due.or_earlier(*failback)).moment()
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
