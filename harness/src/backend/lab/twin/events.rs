//! What do the nodes of a twin write into their event logs?
//!
//! A small table from what the cluster service of a node shows to events. Which ids there are, and what they mean, the
//! event lists say (System: documented; Operational: observed). On which node each is written, and how its data are
//! called, is inferred.

use std::time::Duration;

use failover_sim::action::{ResolvedAction, Verb};
use failover_sim::names::{NodeId, ResourceId, RoleId};
use failover_sim::observe::{Channel, Fact, NodeState, Power, Record, ResourceState, RoleState, Source};
use failover_sim::time::Time;

use super::super::binding::Binding;
use super::super::protocol::{EventSight, EventsSight, Ticks};
use super::cluster::Date;

/// An event from before the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastEvent {
    /// The node in whose log it stands.
    pub node: NodeId,
    /// In which log.
    pub channel: Channel,
    /// How long before the run.
    pub ago: Duration,
    /// Its id.
    pub id: i64,
    /// Names and values of its data.
    pub data: Vec<(&'static str, String)>,
}

/// The event logs of all nodes. They are on disks: a node without power keeps them.
pub(super) struct EventLogs {
    date: Date,
    binding: Binding,
    nodes: Vec<NodeLog>,
}

#[derive(Clone, Default)]
struct NodeLog {
    /// The entries of each channel, in the order of `CHANNELS`; their numbers count from 1.
    channels: [Vec<EventSight>; 2],
    /// Nodes in its own view.
    states: Vec<Option<NodeState>>,
    owners: Vec<Option<NodeId>>,
    resources: Vec<ResourceState>,
    roles: Vec<Option<RoleState>>,
    /// Roles of which a resource has failed here, in this view, since they were online.
    failed: Vec<bool>,
    end: End,
}

/// How the service of a node ends, if it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum End {
    /// By itself: it has lost quorum.
    #[default]
    Itself,
    /// It was told to: nobody loses the node.
    Told,
    /// It was killed, or stood still while others went on: it writes nothing.
    Cut,
}

impl EventLogs {
    /// What was written before a run that begins now.
    pub(super) fn new(binding: &Binding, past: &[PastEvent], date: Date) -> Self {
        let topology = &binding.topology;
        let log = NodeLog {
            states: vec![None; topology.nodes.len()],
            owners: vec![None; topology.cluster.roles.len()],
            resources: vec![ResourceState::Offline; topology.cluster.resources.len()],
            roles: vec![None; topology.cluster.roles.len()],
            failed: vec![false; topology.cluster.roles.len()],
            ..NodeLog::default()
        };
        let began = date.at(Time::ZERO);
        let mut logs = Self { date, nodes: vec![log; topology.nodes.len()], binding: binding.clone() };
        let mut past: Vec<&PastEvent> = past.iter().collect();
        past.sort_by_key(|event| std::cmp::Reverse(event.ago));
        for event in past {
            let at = Ticks(began.0 - i64::try_from(event.ago.as_nanos() / 100).unwrap_or(i64::MAX / 2));
            logs.write(event.node, event.channel, event.id, at, &event.data);
        }
        logs
    }

    /// Takes note of what somebody has done to a node: it says why its service ends then.
    pub(super) fn done(&mut self, action: ResolvedAction) {
        let is_told = matches!(action.verb(), Verb::StopClusterService | Verb::ShutDown);
        let is_cut = matches!(action.verb(), Verb::KillClusterService | Verb::Freeze);
        if let Some(node) = action.node().filter(|_| is_told || is_cut) {
            self.nodes[node.index()].end = if is_told { End::Told } else { End::Cut };
        }
    }

    /// The answer to `read_events`; `now` is what the clock of the host shows.
    pub(super) fn read(
        &self,
        node: NodeId,
        channel: Channel,
        (after, within, most): (i64, Option<Duration>, u32),
        now: Ticks,
    ) -> EventsSight {
        let all = &self.nodes[node.index()].channels[channel as usize];
        let age = |event: &EventSight| u128::try_from(now.0 - event.at.0).unwrap_or_default() * 100;
        let fits = |event: &&EventSight| {
            event.record > after && within.is_none_or(|within| age(event) <= within.as_nanos())
        };
        EventsSight {
            newest: all.last().map_or(0, |event| event.record),
            events: all.iter().filter(fits).take(most as usize).cloned().collect(),
        }
    }

    /// Takes in what happens.
    pub(super) fn take(&mut self, record: &Record) {
        let at = self.date.at(record.latest);
        match (record.fact, record.source) {
            (Fact::NodeState { node, state }, Source::Node(by)) => self.node_is(by, node, state, at),
            (Fact::OwnerNode { role, owner }, Source::Node(by)) => self.owner_is(by, role, owner, at),
            (Fact::ResourceState { resource, state }, Source::Node(by)) => {
                self.resource_is(by, resource, state, at);
            }
            // Nothing is written any more, and what the service knew is gone.
            (Fact::Machine { node, power: Power::Off }, _) => self.nodes[node.index()].forget(),
            (
                Fact::Machine { .. }
                | Fact::NodeState { .. }
                | Fact::OwnerNode { .. }
                | Fact::ResourceState { .. }
                | Fact::NodeStatus { .. }
                | Fact::Watching { .. }
                | Fact::Unwatched(_)
                | Fact::StepsBegan
                | Fact::StepBegan(_)
                | Fact::Acting { .. }
                | Fact::Applied(_)
                | Fact::StepsEnded
                | Fact::RunEnded
                | Fact::Endpoint { .. }
                | Fact::Worker { .. }
                | Fact::MasterMachine(_)
                | Fact::Task { .. }
                | Fact::WorkerAgent { .. }
                | Fact::Package { .. }
                | Fact::ExecutionLog { .. }
                | Fact::ReportRefused { .. }
                | Fact::ClusterEvent { .. },
                _,
            ) => {}
        }
    }

    fn node_is(&mut self, by: NodeId, node: NodeId, state: NodeState, at: Ticks) {
        let is_clean = self.nodes[node.index()].end == End::Told;
        let log = &mut self.nodes[by.index()];
        let before = log.states[node.index()].replace(state);
        let was_member = matches!(before, Some(NodeState::Up | NodeState::Paused));
        match (state, node == by) {
            // 1135 (System): on those that remain; a node that leaves by its own will is not lost (inferred).
            (NodeState::Down, false) if was_member && !is_clean => {
                let name = self.binding.node_name(node).to_owned();
                self.write(by, Channel::System, 1135, at, &[("NodeName", name)]);
            }
            (NodeState::Down, true) => {
                let end = log.end;
                log.forget();
                match end {
                    // 1063 (Operational).
                    End::Told => self.write(by, Channel::Operational, 1063, at, &[]),
                    End::Cut => {}
                    // 1177 (System): nothing else ends a service that nobody told to.
                    End::Itself if was_member => self.write(by, Channel::System, 1177, at, &[]),
                    End::Itself => {}
                }
            }
            // 1062 (Operational).
            (NodeState::Up, true) => {
                let joins = matches!(before, Some(NodeState::Joining | NodeState::Down));
                log.end = End::Itself;
                if joins {
                    let name = self.binding.node_name(by).to_owned();
                    self.write(by, Channel::Operational, 1062, at, &[("NodeName", name)]);
                }
            }
            (NodeState::Down | NodeState::Up, false) | (NodeState::Joining | NodeState::Paused, _) => {}
        }
    }

    /// 1153 where a resource of the role has failed there before, and 1641 for every move (both Operational): on the node
    /// that the role comes to (inferred).
    fn owner_is(&mut self, by: NodeId, role: RoleId, owner: NodeId, at: Ticks) {
        let before = self.nodes[by.index()].owners[role.index()].replace(owner);
        let Some(before) = before.filter(|before| *before != owner && by == owner) else { return };
        let has_failed = std::mem::take(&mut self.nodes[before.index()].failed[role.index()]);
        let name = |node| self.binding.node_name(node).to_owned();
        let group = self.binding.group_name(role).to_owned();
        let data = [("ResourceGroup", group), ("FromNodeName", name(before)), ("ToNodeName", name(owner))];
        if has_failed {
            self.write(by, Channel::Operational, 1153, at, &data);
        }
        self.write(by, Channel::Operational, 1641, at, &data);
    }

    /// 1069 and 1205 (System); 1201 and 1204 (Operational).
    fn resource_is(&mut self, by: NodeId, resource: ResourceId, state: ResourceState, at: Ticks) {
        let topology = self.binding.topology.clone();
        let of = topology.cluster.roles.iter().position(|role| role.resources.contains(&resource));
        let Some(role) = of.map(|index| RoleId(index as u8)) else { return };
        let group = self.binding.group_name(role).to_owned();
        let log = &mut self.nodes[by.index()];
        let before = std::mem::replace(&mut log.resources[resource.index()], state);
        if state == ResourceState::Failed && before != ResourceState::Failed {
            log.failed[role.index()] = true;
            let name = self.binding.resource_name(resource).to_owned();
            self.write(
                by,
                Channel::System,
                1069,
                at,
                &[("ResourceName", name), ("ResourceGroup", group.clone())],
            );
        }
        let log = &mut self.nodes[by.index()];
        let resources = topology.cluster.resources_on(role, by);
        let state = RoleState::of(resources.map(|resource| log.resources[resource.index()]));
        let runs = matches!(log.states[by.index()], Some(NodeState::Up | NodeState::Paused));
        let before = log.roles[role.index()].replace(state);
        if !runs || before == Some(state) || before.is_none() {
            return;
        }
        let (channel, id) = match state {
            RoleState::Online => {
                log.failed[role.index()] = false;
                (Channel::Operational, 1201)
            }
            RoleState::Offline => (Channel::Operational, 1204),
            RoleState::Failed => (Channel::System, 1205),
            RoleState::Pending | RoleState::PartialOnline => return,
        };
        self.write(by, channel, id, at, &[("ResourceGroup", group)]);
    }

    fn write(&mut self, node: NodeId, channel: Channel, id: i64, at: Ticks, data: &[(&'static str, String)]) {
        let entries = &mut self.nodes[node.index()].channels[channel as usize];
        let record = entries.len() as i64 + 1;
        let data = data.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        entries.push(EventSight { record, id, at, data });
    }
}

impl NodeLog {
    /// The service does not run: it knows nothing any more.
    fn forget(&mut self) {
        let own = |state: &mut Option<NodeState>| *state = None;
        self.states.iter_mut().for_each(own);
        self.owners.fill(None);
        self.resources.fill(ResourceState::Offline);
        self.roles.fill(None);
        self.failed.fill(false);
    }
}
