//! Claim: no resource stays online on a node where what it depends on is not.
//!
//! When a resource fails or is taken offline, everything that depends on it is taken offline with it (dependencies of
//! resources, documented). By the view of the node that has them: of several of which one is enough, one must be online.

use std::time::Duration;

use failover_sim::names::{NodeId, ResourceId};
use failover_sim::observe::{Fact, NodeState, Power, Record, ResourceState, Source, Topic};
use failover_sim::time::Time;

use crate::plan::Plan;

use super::nodes_watched::NodesWatched;
use super::{Check, Verdict, Window};

pub(crate) struct DependentsGoDown {
    watched: NodesWatched,
    /// What each resource depends on: all of these, and one of those.
    needs: Vec<(Vec<ResourceId>, Vec<ResourceId>)>,
    nodes: Vec<Vec<OnNode>>,
    judged: u64,
    first: Option<(Time, NodeId, ResourceId)>,
}

/// A resource on a node.
#[derive(Clone, Copy, Debug, Default)]
struct OnNode {
    is_online: bool,
    /// Since when it is online without what it needs, at the latest.
    bare_since: Option<Time>,
}

impl DependentsGoDown {
    pub(crate) fn new(plan: &Plan) -> Self {
        let resources = &plan.topology.cluster.resources;
        Self {
            watched: NodesWatched::new(plan),
            needs: resources
                .iter()
                .map(|resource| (resource.depends_on.clone(), resource.depends_on_any.clone()))
                .collect(),
            nodes: vec![vec![OnNode::default(); resources.len()]; plan.topology.nodes.len()],
            judged: 0,
            first: None,
        }
    }

    fn has_what_it_needs(&self, node: NodeId, resource: usize) -> bool {
        let is_online = |resource: &ResourceId| self.nodes[node.index()][resource.index()].is_online;
        let (all, any) = &self.needs[resource];
        all.iter().all(is_online) && (any.is_empty() || any.iter().any(is_online))
    }

    fn look(&mut self, node: NodeId, record: &Record) {
        for resource in 0..self.needs.len() {
            let is_bare =
                self.nodes[node.index()][resource].is_online && !self.has_what_it_needs(node, resource);
            let on_node = &mut self.nodes[node.index()][resource];
            match on_node.bare_since {
                None if is_bare => on_node.bare_since = Some(record.latest),
                Some(since) if !is_bare => {
                    on_node.bare_since = None;
                    if record.earliest.since(since) > A_MOMENT {
                        self.first.get_or_insert((since, node, ResourceId(resource as u16)));
                    }
                }
                None | Some(_) => {}
            }
        }
    }

    /// From here on the node shows nothing: what it showed last is no evidence of how long it lasted.
    fn forget(&mut self, node: NodeId, is_online: bool) {
        for on_node in &mut self.nodes[node.index()] {
            on_node.bare_since = None;
            on_node.is_online &= is_online;
        }
    }

    /// A resource that is without what it needs to the end of the history.
    fn open(&self, end: Time) -> Option<(Time, NodeId, ResourceId)> {
        let of_node = |(node, resources): (usize, &Vec<OnNode>)| {
            resources.iter().enumerate().find_map(|(resource, on_node)| {
                let since = on_node.bare_since.filter(|since| end.since(*since) > A_MOMENT)?;
                Some((since, NodeId(node as u8), ResourceId(resource as u16)))
            })
        };
        self.nodes.iter().enumerate().find_map(of_node)
    }
}

impl Check for DependentsGoDown {
    fn concerns(&self, topic: Topic) -> bool {
        matches!(topic, Topic::Looks | Topic::Surroundings)
    }

    fn observe(&mut self, record: &Record) {
        self.watched.observe(record);
        if let Fact::Machine { node, power } = record.fact {
            self.forget(node, power != Power::Off);
            return;
        }
        let Source::Node(by) = record.source else { return };
        if let Fact::ResourceState { resource, state } = record.fact {
            let on_node = &mut self.nodes[by.index()][resource.index()];
            let was_online = std::mem::replace(&mut on_node.is_online, state == ResourceState::Online);
            let is_needed =
                || self.needs.iter().any(|(all, any)| all.contains(&resource) || any.contains(&resource));
            if was_online && state != ResourceState::Online && is_needed() {
                self.judged += 1;
            }
            self.look(by, record);
        } else if let Fact::NodeState { node, state: NodeState::Down | NodeState::Joining } = record.fact
            && node == by
        {
            self.forget(by, false);
        }
    }

    fn verdict(&self, plan: &Plan, window: Window) -> Verdict {
        if let Some((at, node, resource)) = self.first.or_else(|| self.open(window.end)) {
            let (node, name) = (plan.names.node(node), plan.names.resource(resource));
            let line = format!("`{name}` stayed online on {node} without what it depends on");
            return Verdict::fail(self.judged, at, vec![line], Vec::new());
        }
        self.watched.verdict(plan, self.judged, "nothing on which something depends went down")
    }
}

/// What goes down together may be shown one after the other (inferred).
const A_MOMENT: Duration = Duration::from_secs(5);
