//! Was every node looked at whenever it ran?

use failover_sim::names::NodeId;
use failover_sim::observe::{Fact, Power, Record, Watch};

use crate::plan::Plan;

use super::Verdict;

/// What is known of looks at the cluster services of the nodes.
#[derive(Clone, Debug)]
pub(super) struct NodesWatched {
    nodes: Vec<Looks>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Looks {
    is_watched: bool,
    /// Without power, or frozen: nothing changes on it.
    stands_still: bool,
    /// It was not looked at while it may have been running.
    gap: bool,
}

impl NodesWatched {
    pub(super) fn new(plan: &Plan) -> Self {
        Self { nodes: vec![Looks::default(); plan.topology.nodes.len()] }
    }

    pub(super) fn observe(&mut self, record: &Record) {
        if let Fact::Machine { node, power } = record.fact {
            self.nodes[node.index()].stands_still = matches!(power, Power::Off | Power::Frozen);
        } else if let Fact::Watching { what: Watch::Node(node), .. } = record.fact {
            self.nodes[node.index()].is_watched = true;
        } else if let Fact::Unwatched(Watch::Node(node)) = record.fact {
            let looks = &mut self.nodes[node.index()];
            looks.is_watched = false;
            looks.gap |= !looks.stands_still;
        }
    }

    /// What can be said of a claim about the views of nodes of which none was found that breaks it.
    pub(super) fn verdict(&self, plan: &Plan, judged: u64, untested: &str) -> Verdict {
        let is_blind = |looks: &Looks| looks.gap || !(looks.is_watched || looks.stands_still);
        if let Some(index) = self.nodes.iter().position(is_blind) {
            let name = plan.names.node(NodeId(index as u8));
            return Verdict::inconclusive(judged, format!("{name} was not looked at all the time"));
        }
        Verdict::pass(judged, untested)
    }
}
