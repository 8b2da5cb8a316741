//! Claim: at most one node serves the master's role at any moment.
//!
//! A node serves the role while its own cluster service shows every resource of it online and the machine runs. The
//! shared disk is one of them where there is one, so that a node which lost its reservation no longer serves.

use std::time::Duration;

use failover_sim::names::{NodeId, ResourceId};
use failover_sim::observe::{Fact, Power, Record, ResourceState, Source, Topic, Watch};
use failover_sim::time::Time;

use crate::plan::Plan;

use super::{Check, Verdict, Window};

pub(crate) struct OneNodeServes {
    nodes: Vec<NodeFold>,
    judged: u64,
    /// The first overlap that is certain: from, to, and who.
    overlap: Option<(Time, Time, NodeId, NodeId)>,
    /// Some overlap is possible between two looks, and not certain.
    is_doubtful: bool,
}

#[derive(Clone, Debug)]
struct NodeFold {
    /// What of the role can be online on it.
    resources: Vec<ResourceId>,
    online: Vec<bool>,
    /// It serves: since when possibly, and since when certainly.
    serves_since: Option<(Time, Time)>,
    /// When it stopped serving, at the latest.
    stopped: Option<Time>,
    /// Its power, once it was seen.
    power: Option<Power>,
    is_watched: bool,
    /// It was not looked at while it may have been running.
    gap: bool,
}

impl NodeFold {
    /// Without power, or frozen: it serves nobody, looked at or not.
    fn stands_still(&self) -> bool {
        matches!(self.power, Some(Power::Off | Power::Frozen))
    }
}

impl OneNodeServes {
    pub(crate) fn new(plan: &Plan) -> Self {
        let node = |index| {
            let cluster = &plan.topology.cluster;
            let resources: Vec<ResourceId> = cluster.resources_on(plan.role, NodeId(index as u8)).collect();
            NodeFold {
                online: vec![false; resources.len()],
                resources,
                serves_since: None,
                stopped: None,
                power: None,
                is_watched: false,
                gap: false,
            }
        };
        let nodes = (0..plan.topology.nodes.len()).map(node).collect();
        Self { nodes, judged: 0, overlap: None, is_doubtful: false }
    }

    fn begins(&mut self, node: NodeId, record: &Record) {
        let fold = &mut self.nodes[node.index()];
        if fold.serves_since.is_none() && fold.online.iter().all(|&online| online) {
            fold.serves_since = Some((record.earliest, record.latest));
            self.judged += 1;
            let others = self.nodes.iter().enumerate().filter(|(index, _)| *index != node.index());
            let mut stopped = others.filter_map(|(_, other)| other.stopped);
            self.is_doubtful |= stopped.any(|latest| latest > record.earliest);
        }
    }

    fn stops(&mut self, node: NodeId, record: &Record) {
        let Some(since) = self.nodes[node.index()].serves_since.take() else { return };
        self.nodes[node.index()].stopped = Some(record.latest);
        for (index, other) in self.nodes.iter().enumerate() {
            let Some(other_since) = other.serves_since else { continue };
            let (possibly, certainly) = (since.0.max(other_since.0), since.1.max(other_since.1));
            if certainly < record.earliest {
                self.overlap.get_or_insert((certainly, record.earliest, node, NodeId(index as u8)));
            } else {
                self.is_doubtful |= possibly < record.latest;
            }
        }
    }

    /// Overlaps that last to the end of the history.
    fn open_overlap(&self, end: Time) -> Option<(Time, Time, NodeId, NodeId)> {
        let mut serving = self
            .nodes
            .iter()
            .enumerate()
            .filter_map(|(index, node)| node.serves_since.map(|since| (since.1, NodeId(index as u8))));
        let (first, second) = (serving.next()?, serving.next()?);
        Some((first.0.max(second.0), end, first.1, second.1))
    }
}

impl Check for OneNodeServes {
    fn concerns(&self, topic: Topic) -> bool {
        matches!(topic, Topic::Looks | Topic::Surroundings)
    }

    fn observe(&mut self, record: &Record) {
        match (record.fact, record.source) {
            (Fact::ResourceState { resource, state }, Source::Node(node)) => {
                let fold = &mut self.nodes[node.index()];
                let Some(place) = fold.resources.iter().position(|&own| own == resource) else { return };
                fold.online[place] = state == ResourceState::Online;
                if fold.online[place] {
                    self.begins(node, record);
                } else {
                    self.stops(node, record);
                }
            }
            (Fact::Machine { node, power }, _) => {
                let fold = &mut self.nodes[node.index()];
                fold.power = Some(power);
                match power {
                    // Thawed, it goes on with all it knew.
                    Power::On => self.begins(node, record),
                    Power::Frozen => self.stops(node, record),
                    Power::Off => {
                        fold.online.fill(false);
                        self.stops(node, record);
                    }
                }
            }
            (Fact::Watching { what: Watch::Node(node), .. }, _) => {
                self.nodes[node.index()].is_watched = true;
            }
            (Fact::Unwatched(Watch::Node(node)), _) => {
                let fold = &mut self.nodes[node.index()];
                fold.is_watched = false;
                fold.gap |= !fold.stands_still();
            }
            // Nothing else says what a node serves.
            (
                Fact::ResourceState { .. }
                | Fact::Watching { .. }
                | Fact::Unwatched(_)
                | Fact::StepsBegan
                | Fact::StepBegan(_)
                | Fact::Acting { .. }
                | Fact::Applied(_)
                | Fact::StepsEnded
                | Fact::RunEnded
                | Fact::NodeState { .. }
                | Fact::NodeStatus { .. }
                | Fact::OwnerNode { .. }
                | Fact::Endpoint { .. }
                | Fact::Worker { .. }
                | Fact::MasterMachine(_)
                | Fact::Task { .. }
                | Fact::WorkerAgent { .. }
                | Fact::Package { .. }
                | Fact::ExecutionLog { .. }
                | Fact::ReportRefused { .. }
                // Nodes and probe have shown what it tells.
                | Fact::ClusterEvent { .. },
                _,
            ) => {}
        }
    }

    fn verdict(&self, plan: &Plan, window: Window) -> Verdict {
        let names = &plan.names;
        if let Some((from, to, one, other)) = self.overlap.or_else(|| self.open_overlap(window.end)) {
            let time: Duration = to.since(from);
            let line = format!(
                "{} and {} both serve the role for {:.3} s",
                names.node(one),
                names.node(other),
                time.as_secs_f64()
            );
            return Verdict::fail(self.judged, from, vec![line], Vec::new());
        }
        for (index, node) in self.nodes.iter().enumerate() {
            let is_seen = node.is_watched || node.stands_still();
            if !is_seen || node.gap {
                let name = names.node(NodeId(index as u8));
                return Verdict::inconclusive(self.judged, format!("{name} was not looked at all the time"));
            }
        }
        if self.is_doubtful {
            let line =
                "one node stopped so near to the start of another that the looks cannot tell".to_owned();
            return Verdict::inconclusive(self.judged, line);
        }
        Verdict::pass(self.judged, "no node was seen to serve the role")
    }
}
