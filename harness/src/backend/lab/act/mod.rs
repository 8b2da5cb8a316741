//! How is a lab changed, and how is it put back as it was?
//!
//! Every change is announced in the journal before it is made. Taking back begins by looking: an action whose session
//! died half-way may or may not have been carried out. What follows from an action by itself, such as a role that
//! failed over when its node lost its power, is not taken back.

mod ask;
mod cut;
mod junk;
mod keep;
mod part;
mod undo;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use failover_sim::action::{Drain, Load, Part as Surroundings, ResolvedAction, StartQuorum, Verb};
use failover_sim::names::{ActionNo, CertificateId, NodeId, RoleId};
use failover_sim::observe::{NodeState, Power};
use failover_sim::time::Time;

use super::binding::Binding;
use super::journal::{Journal, State, Undo};
use super::protocol::{
    Call, ClusterChange, HostService, MachineSight, NodeSight, Outside, Part, PowerChange,
};
use super::reach::{Host, Lab};
use super::session::Session;
use super::sight::owner_of;
use crate::backend::BackendError;
use junk::Junk;
use keep::Reasons;

/// Sessions that change something, and the journal of what they changed.
pub(super) struct Actors {
    binding: Binding,
    sessions: BTreeMap<Host, Session>,
    opened: u32,
    journal: Journal,
    /// The owner nodes of the roles before the first action: where they go back to.
    owners: Option<Vec<Option<NodeId>>>,
    /// The addresses of the nodes, once somebody has asked for them.
    addresses: Vec<(NodeId, String)>,
    /// What the run puts into Root stores, once it has.
    junk: Option<Junk>,
    /// Why hosts are kept from what they rest on.
    reasons: Reasons,
    /// How long the steps of the run take at the most.
    longest: Duration,
    /// The sets of executions that actions name.
    loads: Vec<Load>,
    /// What of them is still to be started.
    rounds: Vec<work::Round>,
    /// Executions that were told to stop.
    stopped: BTreeSet<i64>,
    /// Whether the action under way has changed something.
    has_changed: bool,
}

/// A look at the machines that an action brought along.
pub(super) struct MachinesSeen {
    pub(super) machines: Vec<MachineSight>,
    pub(super) asked: Time,
}

impl Actors {
    /// `longest` is how long the steps of the run take at the most.
    pub(super) fn new(binding: &Binding, journal: Journal, longest: Duration, loads: &[Load]) -> Self {
        Self {
            binding: binding.clone(),
            sessions: BTreeMap::new(),
            opened: 0,
            journal,
            owners: None,
            addresses: Vec::new(),
            junk: None,
            reasons: Reasons::default(),
            longest,
            loads: loads.to_vec(),
            rounds: Vec::new(),
            stopped: BTreeSet::new(),
            has_changed: false,
        }
    }

    /// Says who owns the roles; only what is said before the first action counts.
    pub(super) fn owners_are(&mut self, owners: impl FnOnce() -> Vec<Option<NodeId>>) {
        self.owners.get_or_insert_with(owners);
    }

    /// Whether the last action changed anything. One that asked no host to do so found everything as it would have it.
    pub(super) const fn has_changed(&self) -> bool {
        self.has_changed
    }

    pub(super) const fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Carries out an action. `nodes` are those to ask about the cluster, best first.
    pub(super) fn apply<L: Lab>(
        &mut self,
        lab: &mut L,
        number: ActionNo,
        action: ResolvedAction,
        nodes: &[NodeId],
    ) -> Result<Option<MachinesSeen>, BackendError> {
        self.has_changed = false;
        let verb = action.verb();
        match action {
            ResolvedAction::MoveRole { role, to } => {
                self.move_role(lab, number, (role, to), nodes).map(|()| None)
            }
            ResolvedAction::PowerOff { node } => {
                self.take_power(lab, number, node, PowerChange::Off).map(Some)
            }
            ResolvedAction::Freeze { node } => {
                self.take_power(lab, number, node, PowerChange::Freeze).map(Some)
            }
            ResolvedAction::ReplaceMasterCertificate { node, with } => {
                self.replace_certificate(lab, number, node, with).map(|()| None)
            }
            ResolvedAction::PowerOn { node } => self.give_power(lab, node, PowerChange::On).map(Some),
            ResolvedAction::Thaw { node } => self.give_power(lab, node, PowerChange::Thaw).map(Some),
            ResolvedAction::ShutDown { node } => self.shut_down(lab, number, node).map(|()| None),
            ResolvedAction::Role { role, online } => {
                let group = self.binding.group_name(role).to_owned();
                if online {
                    return self.restore(lab, ClusterChange::StartRole, group, nodes);
                }
                let undo = Undo::StartRole { group: group.clone() };
                self.break_part(lab, (number, verb), (ClusterChange::StopRole, group, undo), nodes)
            }
            ResolvedAction::Resource { resource, online } => {
                let resource = self.binding.resource_name(resource).to_owned();
                if online {
                    return self.restore(lab, ClusterChange::StartResource, resource, nodes);
                }
                let undo = Undo::StartResource { resource: resource.clone() };
                self.break_part(lab, (number, verb), (ClusterChange::StopResource, resource, undo), nodes)
            }
            ResolvedAction::PauseNode { node, drain } => {
                let change = match drain {
                    Drain::Stay => ClusterChange::PauseNode,
                    Drain::Move => ClusterChange::DrainNode,
                };
                let node = self.binding.node_name(node).to_owned();
                let undo = Undo::ResumeNode { node: node.clone() };
                self.break_part(lab, (number, verb), (change, node, undo), nodes)
            }
            ResolvedAction::ResumeNode { node } => self.resume(lab, node, nodes).map(|()| None),
            ResolvedAction::StopClusterService { node } => {
                let node = self.binding.node_name(node).to_owned();
                let undo = Undo::StartClusterService { node: node.clone() };
                self.break_part(lab, (number, verb), (ClusterChange::StopClusterService, node, undo), nodes)
            }
            ResolvedAction::StartClusterService { node, quorum, clear_quarantine } => {
                let change = match (quorum, clear_quarantine) {
                    (StartQuorum::Force, false) => ClusterChange::ForceQuorum,
                    (StartQuorum::Prevent, false) => ClusterChange::PreventQuorum,
                    (StartQuorum::Normal, false) => ClusterChange::StartClusterService,
                    (StartQuorum::Normal, true) => ClusterChange::ClearQuarantine,
                    // A node in quarantine has others that have quorum.
                    (StartQuorum::Force | StartQuorum::Prevent, true) => {
                        return Err(BackendError::Unable(verb));
                    }
                };
                if quorum != StartQuorum::Normal {
                    return self.start_here(lab, (number, verb), node, change).map(|()| None);
                }
                let node = self.binding.node_name(node).to_owned();
                self.restore(lab, change, node, nodes)
            }
            ResolvedAction::KillClusterService { node } => {
                let undo = Undo::StartClusterService { node: self.binding.node_name(node).to_owned() };
                self.kill(lab, (number, verb), Host::Node(node), (HostService::ClusterService, undo))
            }
            ResolvedAction::FailResource { resource } => {
                let resource = self.binding.resource_name(resource).to_owned();
                let undo = Undo::StartResource { resource: resource.clone() };
                self.break_part(lab, (number, verb), (ClusterChange::FailResource, resource, undo), nodes)
            }
            ResolvedAction::Service { node, service, what } => {
                self.act_on_service(lab, (number, verb), (node, service, what)).map(|()| None)
            }
            ResolvedAction::WorkerService { worker, what } => {
                self.act_on_worker(lab, (number, verb), worker, what).map(|()| None)
            }
            ResolvedAction::Surroundings { part: Surroundings::ServiceStart { node, service }, works } => {
                self.set_start(lab, (number, verb), (node, service, works)).map(|()| None)
            }
            ResolvedAction::Surroundings { part: Surroundings::Adapter(node), works } => {
                self.switch_adapter(lab, (number, verb), (node, works)).map(|()| None)
            }
            ResolvedAction::Surroundings { part: Surroundings::Witness, works } => {
                self.fail_outside(lab, (number, verb), (Outside::Witness, works)).map(|()| None)
            }
            ResolvedAction::Surroundings { part: Surroundings::Dns, works } => {
                self.fail_outside(lab, (number, verb), (Outside::Dns, works)).map(|()| None)
            }
            ResolvedAction::PossibleOwner { role, node, may } => {
                self.set_possible_owner(lab, (number, verb), (role, node, may), nodes).map(|()| None)
            }
            ResolvedAction::SetCluster(property) => {
                self.set_cluster(lab, (number, verb), property, nodes).map(|()| None)
            }
            ResolvedAction::Link { node, to, state, ways } => {
                self.link(lab, (number, verb), (node, to, state, ways), nodes).map(|()| None)
            }
            ResolvedAction::ChangeNode { node, change } => {
                self.change_node(lab, (number, verb), node, change).map(|()| None)
            }
            ResolvedAction::SetWorkers(setting) => {
                self.set_workers(lab, (number, verb), setting).map(|()| None)
            }
            ResolvedAction::WorkerAgent { worker, what } => {
                self.set_worker_agent(lab, (number, verb), (worker, what), nodes).map(|()| None)
            }
            ResolvedAction::RestartNode { .. }
            | ResolvedAction::Surroundings { .. }
            | ResolvedAction::Degrade { .. }
            | ResolvedAction::DeadlockResource { .. }
            | ResolvedAction::StartExecutions(_) => Err(BackendError::Unable(verb)),
        }
    }

    fn move_role<L: Lab>(
        &mut self,
        lab: &mut L,
        number: ActionNo,
        (role, to): (RoleId, NodeId),
        nodes: &[NodeId],
    ) -> Result<(), BackendError> {
        let group = self.binding.group_name(role).to_owned();
        let (by, sight) = self.cluster(lab, nodes)?;
        let owner = owner_of(&sight, &group, &self.binding).ok_or_else(|| BackendError::Lab {
            host: self.binding.node_name(by).to_owned(),
            what: format!("no node is shown as the owner of the group `{group}`"),
        })?;
        // It may have failed over since the run began: it goes back to where it was then.
        let first = self.owners.as_ref().and_then(|owners| *owners.get(role.index())?);
        let home = self.binding.node_name(first.unwrap_or(owner)).to_owned();
        let undo = Undo::MoveRole { group: group.clone(), node: home };
        let entry = self.announce(number, "move_role", undo)?;
        let call = Call::MoveRole { group, node: self.binding.node_name(to).to_owned() };
        self.ask(lab, Host::Node(by), "moving the role", call)?;
        self.mark(entry, State::Done, None)
    }

    /// The machine of a node loses its power, or stands still.
    fn take_power<L: Lab>(
        &mut self,
        lab: &mut L,
        number: ActionNo,
        node: NodeId,
        change: PowerChange,
    ) -> Result<MachinesSeen, BackendError> {
        let name = self.binding.node_name(node).to_owned();
        if self.power(lab, node)? != Some(Power::On) {
            let what = format!("{name} is not on, so that its power cannot be taken away");
            return Err(BackendError::Lab { host: self.binding.host_name(Host::Control), what });
        }
        let entry = self.announce(number, change.verb(), Undo::PowerOn { node: name.clone() })?;
        let call = Call::ChangePower { change, node: name };
        self.ask(lab, Host::Control, "taking the power away", call)?;
        self.sessions.remove(&Host::Node(node));
        self.mark(entry, State::Done, None)?;
        let asked = lab.clock().now();
        Ok(MachinesSeen { machines: self.machines(lab)?, asked })
    }

    fn give_power<L: Lab>(
        &mut self,
        lab: &mut L,
        node: NodeId,
        change: PowerChange,
    ) -> Result<MachinesSeen, BackendError> {
        let call = Call::ChangePower { change, node: self.binding.node_name(node).to_owned() };
        self.ask(lab, Host::Control, "giving the power back", call)?;
        let asked = lab.clock().now();
        Ok(MachinesSeen { machines: self.machines(lab)?, asked })
    }

    /// The operating system of a node shuts down; it says so before it goes.
    fn shut_down<L: Lab>(&mut self, lab: &mut L, number: ActionNo, node: NodeId) -> Result<(), BackendError> {
        let undo = Undo::PowerOn { node: self.binding.node_name(node).to_owned() };
        let entry = self.announce(number, Verb::ShutDown.word(), undo)?;
        self.ask(lab, Host::Node(node), "shutting down", Call::ShutDown)?;
        self.sessions.remove(&Host::Node(node));
        self.mark(entry, State::Done, None)
    }

    /// Breaks a part of the cluster.
    fn break_part<L: Lab>(
        &mut self,
        lab: &mut L,
        (number, verb): (ActionNo, Verb),
        (change, name, undo): (ClusterChange, String, Undo),
        nodes: &[NodeId],
    ) -> Result<Option<MachinesSeen>, BackendError> {
        let (by, _) = self.cluster(lab, nodes)?;
        let entry = self.announce(number, verb.word(), undo)?;
        self.ask(lab, Host::Node(by), "changing the cluster", Call::ChangeCluster { change, name })?;
        self.mark(entry, State::Done, None)?;
        Ok(None)
    }

    /// Kills a process. What the cluster makes of it is its own affair; `undo` is what must be so in the end.
    fn kill<L: Lab>(
        &mut self,
        lab: &mut L,
        (number, verb): (ActionNo, Verb),
        host: Host,
        (process, undo): (HostService, Undo),
    ) -> Result<Option<MachinesSeen>, BackendError> {
        let entry = self.announce(number, verb.word(), undo)?;
        self.ask(lab, host, "killing a process", Call::KillProcess { process })?;
        self.mark(entry, State::Done, None)?;
        Ok(None)
    }

    /// Restores a part of the cluster. That leaves nothing to take back: a run begins steady, so that it was as it is
    /// then.
    fn restore<L: Lab>(
        &mut self,
        lab: &mut L,
        change: ClusterChange,
        name: String,
        nodes: &[NodeId],
    ) -> Result<Option<MachinesSeen>, BackendError> {
        let (by, _) = self.cluster(lab, nodes)?;
        self.ask(lab, Host::Node(by), "restoring the cluster", Call::ChangeCluster { change, name })?;
        Ok(None)
    }

    /// A node that is Up is not paused.
    fn resume<L: Lab>(&mut self, lab: &mut L, node: NodeId, nodes: &[NodeId]) -> Result<(), BackendError> {
        let (_, sight) = self.cluster(lab, nodes)?;
        let is_up =
            |one: &NodeSight| self.binding.node(&one.name) == Some(node) && one.state == Some(NodeState::Up);
        if sight.nodes.iter().any(is_up) {
            return Ok(());
        }
        let name = self.binding.node_name(node).to_owned();
        self.restore(lab, ClusterChange::ResumeNode, name, nodes).map(drop)
    }

    /// Starts the cluster service of a node there, with or without the right to force quorum. In the end it must be a
    /// member of a cluster that has quorum by its votes.
    fn start_here<L: Lab>(
        &mut self,
        lab: &mut L,
        (number, verb): (ActionNo, Verb),
        node: NodeId,
        change: ClusterChange,
    ) -> Result<(), BackendError> {
        let name = self.binding.node_name(node).to_owned();
        let mut entries = Vec::new();
        if change == ClusterChange::ForceQuorum {
            let ends = Undo::RestorePart { host: name.clone(), part: Part::ForcedQuorum, value: Vec::new() };
            entries.push(self.announce(number, verb.word(), ends)?);
        }
        entries.push(self.announce(number, verb.word(), Undo::StartClusterService { node: name.clone() })?);
        self.ask(
            lab,
            Host::Node(node),
            "starting the cluster service",
            Call::ChangeCluster { change, name },
        )?;
        entries.into_iter().try_for_each(|entry| self.mark(entry, State::Done, None))
    }

    fn replace_certificate<L: Lab>(
        &mut self,
        lab: &mut L,
        number: ActionNo,
        node: NodeId,
        with: CertificateId,
    ) -> Result<(), BackendError> {
        let name = self.binding.node_name(node).to_owned();
        let Some(before) = self.certificate(lab, node)? else {
            let what = "there is no master certificate that could be put back".to_owned();
            return Err(BackendError::Lab { host: name, what });
        };
        let undo = Undo::RestoreMasterCertificate { node: name.clone(), thumbprint: before };
        let entry = self.announce(number, "replace_master_certificate", undo)?;
        let thumbprint = self.binding.thumbprint(with);
        self.put_certificate(lab, node, &thumbprint)?;
        self.mark(entry, State::Done, None)
    }

    fn put_certificate<L: Lab>(
        &mut self,
        lab: &mut L,
        node: NodeId,
        thumbprint: &str,
    ) -> Result<(), BackendError> {
        let call = Call::ReplaceMasterCertificate { thumbprint: thumbprint.to_owned() };
        self.ask(lab, Host::Node(node), "replacing the master certificate", call)?;
        let found = self.certificate(lab, node)?;
        if found.as_deref().is_some_and(|found| found.eq_ignore_ascii_case(thumbprint)) {
            return Ok(());
        }
        let found = found.unwrap_or_else(|| "none".to_owned());
        let what = format!("the master certificate reads back as {found}, expected {thumbprint}");
        Err(BackendError::Lab { host: self.binding.node_name(node).to_owned(), what })
    }
}

pub(super) use part::{setting_of, time_span};

pub(super) fn journal_error(path: &Path, error: std::io::Error) -> BackendError {
    BackendError::Journal { path: path.to_owned(), error }
}

/// How long one request may take that changes something.
const ACT_LIMIT: Duration = Duration::from_secs(30);
/// How long the effect of an undo may take: a role comes online in minutes at most, a machine boots in minutes.
const UNDO_LIMIT: Duration = Duration::from_secs(15 * 60);
/// How long until an undo is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
