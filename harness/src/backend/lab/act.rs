//! How is a lab changed, and how is it put back as it was?
//!
//! Every change is announced in the journal before it is made. Taking back begins by looking: an action whose session
//! died half-way may or may not have been carried out. What follows from an action by itself, such as a role that
//! failed over when its node lost its power, is not taken back.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use failover_sim::action::{Drain, ResolvedAction, Service, ServiceAction, StartQuorum, Verb};
use failover_sim::names::{ActionNo, CertificateId, NodeId, RoleId};
use failover_sim::observe::{NodeState, Power, ResourceState, RoleState};
use failover_sim::time::Time;

use super::binding::{Binding, Presence};
use super::journal::{Journal, State, Undo};
use super::protocol::{Call, ClusterChange, ClusterSight, MachineSight, Marker, Reply, ServiceProcess};
use super::reach::{Host, Lab, Purpose};
use super::session::{Session, SessionError};
use super::sight::owner_of;
use crate::backend::BackendError;

/// Sessions that change something, and the journal of what they changed.
pub(super) struct Actors {
    binding: Binding,
    sessions: BTreeMap<Host, Session>,
    opened: u32,
    journal: Journal,
    /// The owner nodes of the roles before the first action: where they go back to.
    owners: Option<Vec<Option<NodeId>>>,
}

/// An action that is being taken back.
struct Pending {
    entry: usize,
    undo: Undo,
    /// Whether the lab was told to.
    asked: bool,
    /// What stood in the way last.
    why: String,
}

/// A look at the machines that an action brought along.
pub(super) struct MachinesSeen {
    pub(super) machines: Vec<MachineSight>,
    pub(super) asked: Time,
}

impl Actors {
    pub(super) fn new(binding: &Binding, journal: Journal) -> Self {
        Self { binding: binding.clone(), sessions: BTreeMap::new(), opened: 0, journal, owners: None }
    }

    /// Says who owns the roles; only what is said before the first action counts.
    pub(super) fn owners_are(&mut self, owners: impl FnOnce() -> Vec<Option<NodeId>>) {
        self.owners.get_or_insert_with(owners);
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
        let verb = action.verb();
        match action {
            ResolvedAction::MoveRole { role, to } => {
                self.move_role(lab, number, (role, to), nodes).map(|()| None)
            }
            ResolvedAction::PowerOff { node } => self.power_off(lab, number, node).map(Some),
            ResolvedAction::ReplaceMasterCertificate { node, with } => {
                self.replace_certificate(lab, number, node, with).map(|()| None)
            }
            ResolvedAction::PowerOn { node } => self.power_on(lab, node).map(Some),
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
            ResolvedAction::ResumeNode { node } => {
                let node = self.binding.node_name(node).to_owned();
                self.restore(lab, ClusterChange::ResumeNode, node, nodes)
            }
            ResolvedAction::StopClusterService { node } => {
                let node = self.binding.node_name(node).to_owned();
                let undo = Undo::StartClusterService { node: node.clone() };
                self.break_part(lab, (number, verb), (ClusterChange::StopClusterService, node, undo), nodes)
            }
            ResolvedAction::StartClusterService {
                node,
                quorum: StartQuorum::Normal,
                clear_quarantine: false,
            } => {
                let node = self.binding.node_name(node).to_owned();
                self.restore(lab, ClusterChange::StartClusterService, node, nodes)
            }
            ResolvedAction::KillClusterService { node } => {
                let undo = Undo::StartClusterService { node: self.binding.node_name(node).to_owned() };
                self.kill(lab, (number, verb), node, (ServiceProcess::ClusterService, undo))
            }
            ResolvedAction::Service { node, service: Service::Master, what: ServiceAction::Kill } => {
                let undo = Undo::StartResource { resource: self.binding.master_name().to_owned() };
                self.kill(lab, (number, verb), node, (ServiceProcess::Master, undo))
            }
            ResolvedAction::Freeze { .. }
            | ResolvedAction::Thaw { .. }
            | ResolvedAction::StartClusterService { .. }
            | ResolvedAction::ShutDown { .. }
            | ResolvedAction::RestartNode { .. }
            | ResolvedAction::Surroundings { .. }
            | ResolvedAction::Service { .. }
            | ResolvedAction::PossibleOwner { .. }
            | ResolvedAction::WorkerAgent { .. }
            | ResolvedAction::WorkerService { .. }
            | ResolvedAction::Link { .. }
            | ResolvedAction::Degrade { .. }
            | ResolvedAction::FailResource { .. }
            | ResolvedAction::DeadlockResource { .. }
            | ResolvedAction::ChangeNode { .. }
            | ResolvedAction::SetCluster(_)
            | ResolvedAction::SetWorkers(_)
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

    fn power_off<L: Lab>(
        &mut self,
        lab: &mut L,
        number: ActionNo,
        node: NodeId,
    ) -> Result<MachinesSeen, BackendError> {
        let name = self.binding.node_name(node).to_owned();
        if self.power(lab, node)? != Some(Power::On) {
            let what = format!("{name} is not on, so that its power cannot be taken away");
            return Err(BackendError::Lab { host: self.binding.host_name(Host::Control), what });
        }
        let entry = self.announce(number, "power_off", Undo::PowerOn { node: name.clone() })?;
        self.ask(lab, Host::Control, "taking the power away", Call::PowerOff { node: name })?;
        self.sessions.remove(&Host::Node(node));
        self.mark(entry, State::Done, None)?;
        let asked = lab.clock().now();
        Ok(MachinesSeen { machines: self.machines(lab)?, asked })
    }

    fn power_on<L: Lab>(&mut self, lab: &mut L, node: NodeId) -> Result<MachinesSeen, BackendError> {
        let name = self.binding.node_name(node).to_owned();
        self.ask(lab, Host::Control, "giving the power back", Call::PowerOn { node: name })?;
        let asked = lab.clock().now();
        Ok(MachinesSeen { machines: self.machines(lab)?, asked })
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

    /// Kills a process on a node. What the cluster makes of it is its own affair; `undo` is what must be so in the end.
    fn kill<L: Lab>(
        &mut self,
        lab: &mut L,
        (number, verb): (ActionNo, Verb),
        node: NodeId,
        (process, undo): (ServiceProcess, Undo),
    ) -> Result<Option<MachinesSeen>, BackendError> {
        let entry = self.announce(number, verb.word(), undo)?;
        self.ask(lab, Host::Node(node), "killing a process", Call::KillProcess { process })?;
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

    /// Says whether a part of the cluster is as it should be, and asks for it once if it is not.
    fn undo_change<L: Lab>(
        &mut self,
        lab: &mut L,
        (change, name): (ClusterChange, &str),
        nodes: &[NodeId],
        asked: &mut bool,
    ) -> Result<bool, BackendError> {
        let (by, sight) = self.cluster(lab, nodes)?;
        let is_same = |found: &str| found.eq_ignore_ascii_case(name);
        let is_undone = match change {
            ClusterChange::StartRole => {
                let found = sight.groups.iter().find(|group| is_same(&group.name));
                found.and_then(|group| group.state) == Some(RoleState::Online)
            }
            ClusterChange::StartResource => {
                let found = sight.resources.iter().find(|resource| is_same(&resource.name));
                found.and_then(|resource| resource.state) == Some(ResourceState::Online)
            }
            ClusterChange::StopRole
            | ClusterChange::StopResource
            | ClusterChange::PauseNode
            | ClusterChange::DrainNode
            | ClusterChange::ResumeNode
            | ClusterChange::StopClusterService
            | ClusterChange::StartClusterService => {
                let found = sight.nodes.iter().find(|node| is_same(&node.name));
                found.and_then(|node| node.state) == Some(NodeState::Up)
            }
        };
        if !is_undone && !*asked {
            let call = Call::ChangeCluster { change, name: name.to_owned() };
            self.ask(lab, Host::Node(by), "restoring the cluster", call)?;
            *asked = true;
        }
        Ok(is_undone)
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

    /// Takes back what is not taken back yet, the last action first; says what stays open, and why.
    ///
    /// All of it is begun before any of it is waited for: a node may not come back before another one does.
    pub(super) fn undo_all<L: Lab>(
        &mut self,
        lab: &mut L,
        nodes: &[NodeId],
    ) -> Result<Vec<String>, BackendError> {
        let mut pending = Vec::new();
        for entry in (0..self.journal.entries().len()).rev() {
            let found = &self.journal.entries()[entry];
            if found.state != State::Undone {
                let undo = found.undo.clone();
                self.mark(entry, State::Undoing, None)?;
                pending.push(Pending { entry, undo, asked: false, why: String::new() });
            }
        }
        let deadline = lab.clock().now() + UNDO_LIMIT;
        let mut refused = Vec::new();
        while !pending.is_empty() {
            let mut rest = Vec::new();
            for mut one in pending {
                match self.undo(lab, &mut one, nodes) {
                    Ok(true) => self.mark(one.entry, State::Undone, None)?,
                    Ok(false) => {
                        one.why = format!("the undo has shown no effect within {} s", UNDO_LIMIT.as_secs());
                        rest.push(one);
                    }
                    Err(error) => {
                        one.why = error.to_string();
                        // A host that says no will say it again; one that does not answer may be on its way back.
                        let says_no =
                            matches!(error, BackendError::Session { error: SessionError::Failed(_), .. });
                        if says_no { &mut refused } else { &mut rest }.push(one);
                    }
                }
            }
            pending = rest;
            let now = lab.clock().now();
            if now >= deadline {
                break;
            }
            if !pending.is_empty() {
                lab.clock().wait_until(now + LOOK_AGAIN);
            }
        }
        let mut open = Vec::new();
        for Pending { entry, undo, why, .. } in refused.into_iter().chain(pending) {
            self.mark(entry, State::Open, Some(&why))?;
            open.push(format!("{undo}: {why}"));
        }
        self.sessions.clear();
        Ok(open)
    }

    /// Goes on with an undo; says whether its effect is there.
    fn undo<L: Lab>(
        &mut self,
        lab: &mut L,
        one: &mut Pending,
        nodes: &[NodeId],
    ) -> Result<bool, BackendError> {
        match &one.undo {
            Undo::MoveRole { group, node } => self.undo_move(lab, (group, node), nodes, &mut one.asked),
            Undo::PowerOn { node } => self.undo_power_off(lab, node, nodes, &mut one.asked),
            Undo::StartRole { group } => {
                self.undo_change(lab, (ClusterChange::StartRole, group), nodes, &mut one.asked)
            }
            Undo::StartResource { resource } => {
                self.undo_change(lab, (ClusterChange::StartResource, resource), nodes, &mut one.asked)
            }
            Undo::ResumeNode { node } => {
                self.undo_change(lab, (ClusterChange::ResumeNode, node), nodes, &mut one.asked)
            }
            Undo::StartClusterService { node } => {
                self.undo_change(lab, (ClusterChange::StartClusterService, node), nodes, &mut one.asked)
            }
            Undo::RestoreMasterCertificate { node, thumbprint } => {
                let node = self.node(node)?;
                let found = self.certificate(lab, node)?;
                if !found.is_some_and(|found| found.eq_ignore_ascii_case(thumbprint)) {
                    self.put_certificate(lab, node, thumbprint)?;
                }
                Ok(true)
            }
        }
    }

    /// Says whether the group is online on the node that owned it.
    fn undo_move<L: Lab>(
        &mut self,
        lab: &mut L,
        (group, node): (&str, &str),
        nodes: &[NodeId],
        asked: &mut bool,
    ) -> Result<bool, BackendError> {
        let (by, sight) = self.cluster(lab, nodes)?;
        let state = sight.groups.iter().find(|found| found.name == group).and_then(|found| found.state);
        let is_home = owner_of(&sight, group, &self.binding) == self.binding.node(node);
        if is_home {
            return Ok(state == Some(RoleState::Online));
        }
        // A group on its way is not sent elsewhere.
        if !*asked && state != Some(RoleState::Pending) {
            let call = Call::MoveRole { group: group.to_owned(), node: node.to_owned() };
            self.ask(lab, Host::Node(by), "moving the role back", call)?;
            *asked = true;
        }
        Ok(false)
    }

    /// Says whether the node has power and another one sees it as a member.
    fn undo_power_off<L: Lab>(
        &mut self,
        lab: &mut L,
        node: &str,
        nodes: &[NodeId],
        asked: &mut bool,
    ) -> Result<bool, BackendError> {
        let id = self.node(node)?;
        if self.power(lab, id)? != Some(Power::On) {
            if !*asked {
                let call = Call::PowerOn { node: node.to_owned() };
                self.ask(lab, Host::Control, "giving the power back", call)?;
                *asked = true;
            }
            return Ok(false);
        }
        let others: Vec<NodeId> = nodes.iter().copied().filter(|&other| other != id).collect();
        let (_, sight) = match self.cluster(lab, if others.is_empty() { nodes } else { &others }) {
            Ok(found) => found,
            // The only node there is: nobody can say anything before its own service runs again.
            Err(_) if others.is_empty() => return Ok(false),
            Err(error) => return Err(error),
        };
        let state = sight.nodes.iter().find(|found| self.binding.node(&found.name) == Some(id));
        Ok(state.and_then(|found| found.state) == Some(NodeState::Up))
    }

    fn node(&self, name: &str) -> Result<NodeId, BackendError> {
        self.binding.node(name).ok_or_else(|| BackendError::Lab {
            host: name.to_owned(),
            what: "the plan has no such node".to_owned(),
        })
    }

    /// The cluster as the first of these nodes shows it whose service runs.
    fn cluster<L: Lab>(
        &mut self,
        lab: &mut L,
        nodes: &[NodeId],
    ) -> Result<(NodeId, ClusterSight), BackendError> {
        let mut last = None;
        for &node in nodes {
            match self.ask(lab, Host::Node(node), "reading the cluster", Call::ReadCluster) {
                Ok(Reply::Cluster(sight)) if !sight.groups.is_empty() => return Ok((node, sight)),
                Ok(_) => {}
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| BackendError::Lab {
            host: "the lab".to_owned(),
            what: "no node shows a cluster".to_owned(),
        }))
    }

    fn machines<L: Lab>(&mut self, lab: &mut L) -> Result<Vec<MachineSight>, BackendError> {
        let call = Call::ReadPower { nodes: self.binding.node_names().to_vec() };
        match self.ask(lab, Host::Control, "reading the power of the machines", call)? {
            Reply::Power(machines) => Ok(machines),
            Reply::Hello(_)
            | Reply::Cluster(_)
            | Reply::Worker(_)
            | Reply::Ssisdb(_)
            | Reply::Certificate(_)
            | Reply::Done => {
                unreachable!("an answer is read as the answer to its request")
            }
        }
    }

    fn power<L: Lab>(&mut self, lab: &mut L, node: NodeId) -> Result<Option<Power>, BackendError> {
        let machines = self.machines(lab)?;
        let found = machines.iter().find(|machine| self.binding.node(&machine.name) == Some(node));
        Ok(found.and_then(|machine| machine.state))
    }

    fn certificate<L: Lab>(&mut self, lab: &mut L, node: NodeId) -> Result<Option<String>, BackendError> {
        let doing = "reading the master certificate";
        match self.ask(lab, Host::Node(node), doing, Call::ReadMasterCertificate)? {
            Reply::Certificate(thumbprint) => Ok(thumbprint),
            Reply::Hello(_)
            | Reply::Cluster(_)
            | Reply::Worker(_)
            | Reply::Power(_)
            | Reply::Ssisdb(_)
            | Reply::Done => {
                unreachable!("an answer is read as the answer to its request")
            }
        }
    }

    /// Asks a host, in the session that there is or in another one.
    fn ask<L: Lab>(
        &mut self,
        lab: &mut L,
        host: Host,
        doing: &'static str,
        call: Call,
    ) -> Result<Reply, BackendError> {
        let name = self.binding.host_name(host);
        let failed = |error| BackendError::Session { host: name.clone(), doing, error };
        let mut session = match self.sessions.remove(&host) {
            Some(session) => session,
            None => {
                self.opened += 1;
                let marker = Marker::of(&format!("{host:?} act {}", self.opened));
                let connection = lab.open(host, Purpose::Act).map_err(|error| failed(error.into()))?;
                let mut session = Session::open(connection, marker).map_err(&failed)?;
                let hello = session.greet(lab.clock(), host.needs(Purpose::Act)).map_err(&failed)?;
                let is_right = self.binding.admit(host, &hello, Presence::Optional);
                is_right.map_err(|unfit| failed(SessionError::Unfit(unfit)))?;
                session
            }
        };
        let answer = session.ask(lab.clock(), call, ACT_LIMIT);
        // A request that failed leaves the session as it was; anything else ends it.
        if matches!(answer, Ok(_) | Err(SessionError::Failed(_))) {
            self.sessions.insert(host, session);
        }
        answer.map_err(failed)
    }

    fn announce(&mut self, number: ActionNo, verb: &'static str, undo: Undo) -> Result<usize, BackendError> {
        let announced = self.journal.announce(number.0, verb, undo);
        announced.map_err(|error| journal_error(self.journal.path(), error))
    }

    fn mark(&mut self, entry: usize, state: State, why: Option<&str>) -> Result<(), BackendError> {
        let marked = self.journal.mark(entry, state, why);
        marked.map_err(|error| journal_error(self.journal.path(), error))
    }
}

pub(super) fn journal_error(path: &Path, error: std::io::Error) -> BackendError {
    BackendError::Journal { path: path.to_owned(), error }
}

/// How long one request may take that changes something.
const ACT_LIMIT: Duration = Duration::from_secs(30);
/// How long the effect of an undo may take: a role comes online in minutes at most, a machine boots in minutes.
const UNDO_LIMIT: Duration = Duration::from_secs(15 * 60);
/// How long until an undo is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
