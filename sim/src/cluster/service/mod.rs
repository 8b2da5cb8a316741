//! What does the cluster service of one node decide?
//!
//! It holds this node's view and the states of the resources on this node. It brings roles online that its view gives
//! to this node, moves them, restarts what fails, and stops when its partition has no quorum.

mod advance;
mod event;
mod failure;
mod leave;
mod members;
mod request;
mod resource;

use crate::choices::Choices;
use crate::names::{NodeId, ROLES_MAX, ResourceId, RoleId};
use crate::observe::{Fact, NodeState, ResourceState};
use crate::step::{Machine, Shared};
use crate::time::{Due, Time};

use super::placement::candidates;
use super::quorum::configured_votes;
use super::{ClusterConfig, View};

pub use event::{Attempt, ClusterEffect, ClusterEvent, Rundown};

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

/// Whether a role is on its way to another node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Leaving {
    Stays,
    /// A planned move: Offline calls (reason Move, documented).
    MovesTo(NodeId),
    /// An administrator takes it offline.
    GoesOffline,
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

    /// Whether this node owns a role in its own view.
    fn owns(&self, role: RoleId) -> bool {
        self.view.roles.of(role).owner == Some(self.node)
    }

    fn roles(&self) -> impl Iterator<Item = RoleId> + use<> {
        (0..self.config.roles.len()).map(|role| RoleId(role as u8))
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
            ClusterEvent::MoveRequested { role, to } => self.move_role(now, role, to, choices, effects),
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
            ClusterEvent::StatusEnded { node, status } => self.end_status(node, status, effects),
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
