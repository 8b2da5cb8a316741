//! Claim: no replica of SSISDB that certainly missed a transaction becomes the primary one.
//!
//! A replica that is not synchronized may not become primary by failover (flexible failover policy, documented): what it
//! lacks would be lost. By what is seen: SSISDB changed while the node had no power, and its availability group comes
//! online there before the node was seen Up by the primary again.

use failover_sim::cluster::ResourceKind;
use failover_sim::names::{NodeId, ResourceId};
use failover_sim::observe::{Fact, NodeState, Power, Record, ResourceState, Source, Topic, Watch};
use failover_sim::time::Time;

use crate::plan::Plan;

use super::nodes_watched::NodesWatched;
use super::{Check, Verdict, Window};

pub(crate) struct ReplicasLeftBehind {
    watched: NodesWatched,
    /// The availability group, if there is one.
    group: Option<ResourceId>,
    primary: Option<NodeId>,
    nodes: Vec<Replica>,
    is_ssisdb_watched: bool,
    judged: u64,
    first: Option<(Time, NodeId)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Replica {
    /// Since when it has no power, at the latest.
    off_since: Option<Time>,
    /// It missed something, and was not seen to come back to a primary since.
    is_behind: bool,
}

impl ReplicasLeftBehind {
    pub(crate) fn new(plan: &Plan) -> Self {
        let resources = &plan.topology.cluster.resources;
        let group = resources.iter().position(|resource| resource.kind == ResourceKind::AvailabilityGroup);
        Self {
            watched: NodesWatched::new(plan),
            group: group.map(|index| ResourceId(index as u16)),
            primary: None,
            nodes: vec![Replica::default(); plan.topology.nodes.len()],
            is_ssisdb_watched: false,
            judged: 0,
            first: None,
        }
    }

    /// SSISDB is not the same any more: who is off has missed it.
    fn commits(&mut self, record: &Record) {
        for replica in &mut self.nodes {
            if !replica.is_behind && replica.off_since.is_some_and(|since| since < record.earliest) {
                replica.is_behind = true;
                self.judged += 1;
            }
        }
    }

    fn of_node(&mut self, by: NodeId, record: &Record) {
        if let Fact::ResourceState { resource, state } = record.fact {
            if Some(resource) == self.group && state == ResourceState::Online {
                self.primary = Some(by);
                if self.nodes[by.index()].is_behind {
                    self.first.get_or_insert((record.latest, by));
                }
            } else if Some(resource) == self.group && self.primary == Some(by) {
                self.primary = None;
            }
        } else if let Fact::NodeState { node, state: NodeState::Up | NodeState::Paused } = record.fact
            && self.primary == Some(by)
        {
            // From here on it may have everything.
            self.nodes[node.index()].is_behind = false;
        }
    }
}

impl Check for ReplicasLeftBehind {
    fn concerns(&self, topic: Topic) -> bool {
        // Work changes SSISDB, too.
        topic != Topic::Connections
    }

    fn observe(&mut self, record: &Record) {
        self.watched.observe(record);
        if let Fact::Machine { node, power } = record.fact {
            let off_since = (power == Power::Off).then_some(record.latest);
            self.nodes[node.index()].off_since = off_since;
            if off_since.is_some() && self.primary == Some(node) {
                self.primary = None;
            }
        } else if let Fact::Watching { what: Watch::Ssisdb, .. } = record.fact {
            self.is_ssisdb_watched = true;
        } else if let Fact::Unwatched(Watch::Ssisdb) = record.fact {
            self.is_ssisdb_watched = false;
        }
        if let Source::Node(by) = record.source {
            self.of_node(by, record);
        } else if record.source == Source::Ssisdb {
            self.commits(record);
        }
    }

    fn verdict(&self, plan: &Plan, _: Window) -> Verdict {
        if let Some((at, node)) = self.first {
            let node = plan.names.node(node);
            let line =
                format!("SSISDB changed while {node} was off, and its replica became primary without that");
            let hint = "what it lacks is lost: is_failover_ready of dm_hadr_database_replica_cluster_states, and no \
                        FORCE_FAILOVER_ALLOW_DATA_LOSS";
            return Verdict::fail(self.judged, at, vec![line], vec![hint.to_owned()]);
        }
        if self.group.is_none() {
            return Verdict::inconclusive(0, "SSISDB is in no availability group".to_owned());
        }
        if !self.is_ssisdb_watched {
            return Verdict::inconclusive(self.judged, "SSISDB was not looked at to the end".to_owned());
        }
        self.watched.verdict(plan, self.judged, "SSISDB did not change while a node with a replica was off")
    }
}
