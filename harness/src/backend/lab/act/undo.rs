//! How is what was done to a lab taken back?

use failover_sim::names::NodeId;
use failover_sim::observe::{NodeState, Power, ResourceState, RoleState};

use super::super::journal::{State, Undo};
use super::super::protocol::{Call, ClusterChange, HostService, Part, PowerChange, STOPPED, is_same_value};
use super::super::reach::{Host, Lab};
use super::super::session::SessionError;
use super::super::sight::owner_of;
use super::work::is_away;
use super::{Actors, BackendError, LOOK_AGAIN, UNDO_LIMIT};

/// An action that is being taken back.
struct Pending {
    entry: usize,
    undo: Undo,
    /// Whether the lab was told to.
    asked: bool,
    /// What stood in the way last.
    why: String,
}

impl Actors {
    /// Takes back what is not taken back yet, the last action first; says what stays open, and why.
    ///
    /// All of it is begun before any of it is waited for: a node may not come back before another one does.
    pub(in crate::backend::lab) fn undo_all<L: Lab>(
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
        self.rounds.clear();
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
            Undo::StopExecutions { after } => self.undo_executions(lab, *after, nodes),
            Undo::RestorePart { host, part, value } => {
                self.undo_part(lab, (host, part, value), nodes, &mut one.asked)
            }
        }
    }

    /// Says whether a part has the value that it had.
    fn undo_part<L: Lab>(
        &mut self,
        lab: &mut L,
        (host, part, value): (&str, &Part, &[String]),
        nodes: &[NodeId],
        asked: &mut bool,
    ) -> Result<bool, BackendError> {
        // Its host was the owner node of SQL Server, and may be it no more.
        let is_of_ssisdb = matches!(part, Part::WorkerAgent(_));
        let host = if is_of_ssisdb { Host::Node(self.sql_owner(lab, nodes)?) } else { self.host(host)? };
        let is_master_to_stop = *part == Part::Service(HostService::Master) && value == [STOPPED];
        // The cluster has started it there meanwhile, and will stop it when the role goes.
        if let (true, Host::Node(node)) = (is_master_to_stop, host)
            && self.owns_master(lab, node, nodes)?
        {
            return Ok(true);
        }
        // Nobody disarms a node as long as it has blocks.
        if matches!(part, Part::Armed(_)) && self.is_blocked(host) {
            return Ok(false);
        }
        let found = match self.part(lab, host, part) {
            Err(error) if is_away(&error) => return Ok(false),
            found => found?,
        };
        if is_same_value(&found, value) {
            return Ok(true);
        }
        // It ends by itself, as soon as there are votes enough; a worker whose row was deleted has another one with its next
        // heartbeat.
        if *part == Part::ForcedQuorum || is_of_ssisdb && found.is_empty() {
            return Ok(false);
        }
        if !*asked {
            let call = Call::WritePart { part: part.clone(), value: value.to_vec() };
            self.ask(lab, host, "setting it back", call)?;
            *asked = true;
        }
        Ok(false)
    }

    /// Whether blocks of a host are still to be taken back.
    fn is_blocked(&self, host: Host) -> bool {
        let name = self.binding.host_name(host);
        let is_block = |part: &Part| matches!(part, Part::Blocked(_) | Part::KeptFrom(_) | Part::Adapter(_));
        let mut open = self.journal().open().filter_map(|entry| entry.undo.part());
        open.any(|(host, part, _)| host == name && is_block(part))
    }

    /// Whether a node owns the master's role.
    fn owns_master<L: Lab>(
        &mut self,
        lab: &mut L,
        node: NodeId,
        nodes: &[NodeId],
    ) -> Result<bool, BackendError> {
        let group = self.binding.group_name(self.binding.master_role()).to_owned();
        let (_, sight) = self.cluster(lab, nodes)?;
        Ok(owner_of(&sight, &group, &self.binding) == Some(node))
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
        let change = match self.power(lab, id)? {
            Some(Power::On) => None,
            Some(Power::Frozen) => Some(PowerChange::Thaw),
            Some(Power::Off) => Some(PowerChange::On),
            // It is on its way from one to another.
            None => return Ok(false),
        };
        if let Some(change) = change {
            if !*asked {
                let call = Call::ChangePower { change, node: node.to_owned() };
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
            | ClusterChange::FailResource
            | ClusterChange::StopResource
            | ClusterChange::PauseNode
            | ClusterChange::DrainNode
            | ClusterChange::ResumeNode
            | ClusterChange::StopClusterService
            | ClusterChange::StartClusterService
            | ClusterChange::ClearQuarantine
            | ClusterChange::ForceQuorum
            | ClusterChange::PreventQuorum => {
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
}
