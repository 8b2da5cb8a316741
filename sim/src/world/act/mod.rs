//! What does an action do to the world?

mod cluster;
mod error;
mod executions;
mod link;
mod machine;
mod needless;
mod node;
mod service;
mod surroundings;
mod worker;

use crate::action::{Drain, LinkEnd, LinkQuality, LinkState, ResolvedAction};
use crate::cluster::ClusterEvent;
use crate::observe::Power;

use super::World;
use super::node::Shutdown;

pub use error::ApplyError;

impl World {
    /// Carries out an action at the present moment.
    ///
    /// # Errors
    /// If the surroundings do not allow it; nothing has changed then.
    pub fn apply(&mut self, action: ResolvedAction) -> Result<(), ApplyError> {
        match action {
            ResolvedAction::MoveRole { role, to } => self.move_role(role, to)?,
            ResolvedAction::PowerOff { node } => self.power_off(node)?,
            ResolvedAction::PowerOn { node } => match self.nodes[node.index()].power {
                Power::Off => self.start_machine(node),
                is @ (Power::On | Power::Frozen) => return Err(ApplyError::WrongPower { node, is }),
            },
            ResolvedAction::KillClusterService { node } => self.kill_cluster_service(node)?,
            ResolvedAction::Freeze { node } => self.freeze(node)?,
            ResolvedAction::Thaw { node } => self.thaw(node)?,
            ResolvedAction::StopClusterService { node } => {
                self.need_member(node)?;
                self.need_quorum_without(node)?;
                self.send_to_service(node, ClusterEvent::StopRequested);
            }
            ResolvedAction::StartClusterService { node, quorum, clear_quarantine } => {
                self.start_by_hand(node, quorum, clear_quarantine)?;
            }
            ResolvedAction::ShutDown { node } => self.shut_down(node, Shutdown::Off)?,
            ResolvedAction::PossibleOwner { role, node, may } => self.set_possible_owner(role, node, may)?,
            ResolvedAction::WorkerAgent { worker, what } => self.change_agent(worker, what)?,
            ResolvedAction::WorkerService { worker, what } => self.act_on_worker(worker, what)?,
            ResolvedAction::RestartNode { node } => self.shut_down(node, Shutdown::Restart)?,
            ResolvedAction::Resource { resource, online } => self.set_resource(resource, online)?,
            ResolvedAction::Role { role, online } => self.set_role(role, online)?,
            ResolvedAction::Surroundings { part, works } => self.set_surroundings(part, works),
            ResolvedAction::PauseNode { node, drain } => {
                self.need_member(node)?;
                let drain = drain == Drain::Move;
                self.send_to_service(node, ClusterEvent::PauseRequested { paused: true, drain });
            }
            ResolvedAction::ResumeNode { node } => {
                self.need_member(node)?;
                self.send_to_service(node, ClusterEvent::PauseRequested { paused: false, drain: false });
            }
            ResolvedAction::Service { node, service, what } => self.act_on_service(node, service, what)?,
            ResolvedAction::Degrade { node, quality } => self.degrade(node, quality),
            ResolvedAction::Link { node, to, state, ways } => {
                self.set_link(node, to, state == LinkState::Whole, ways);
                if (to, state) == (LinkEnd::Clients, LinkState::Whole) {
                    self.degrade(node, LinkQuality::default());
                }
            }
            ResolvedAction::FailResource { resource } => self.fail_resource(resource)?,
            ResolvedAction::DeadlockResource { resource } => self.deadlock(resource)?,
            ResolvedAction::ReplaceMasterCertificate { node, with } => self.replace_certificate(node, with),
            ResolvedAction::ChangeNode { node, change } => self.change_node(node, change),
            ResolvedAction::SetCluster(property) => self.set_cluster(property),
            ResolvedAction::SetWorkers(setting) => self.set_workers(setting),
            ResolvedAction::StartExecutions(load) => {
                self.primary().ok_or(ApplyError::NoSsisdb)?;
                self.start_round(load, 0);
            }
        }
        self.try_waiting_calls();
        self.look_at_endpoint();
        Ok(())
    }
}
