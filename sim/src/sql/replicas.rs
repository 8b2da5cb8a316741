//! Which replicas of SSISDB have everything that was committed?
//!
//! An availability group keeps a replica of the database on each of its nodes. With synchronous commit the primary
//! replica waits for the others; one that stays away for longer than the session time-out, 10 s by default, is left
//! behind (availability modes, documented), and may not become primary by failover before it is synchronized again
//! (flexible failover policy, documented).

use crate::names::{NodeId, NodeSet};
use crate::planted::{Defect, has};

/// The replicas of an availability group in which all commit synchronously and fail over by themselves. How long one
/// that comes back needs to catch up is left out (inferred: little, for a catalog).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Replicas {
    synchronized: NodeSet,
}

impl Replicas {
    /// One replica on each of these nodes, all with the same content.
    pub const fn on(nodes: NodeSet) -> Self {
        Self { synchronized: nodes }
    }

    /// Whether the replica on this node has everything that was committed.
    pub fn is_synchronized(self, node: NodeId) -> bool {
        self.synchronized.contains(node) || has(Defect::ReplicaBehindServes)
    }

    /// A transaction on the primary replica: those `connected` take it in, those `lost` are left behind. It waits for
    /// a replica that is neither, and nothing has changed then, which is said by `false`.
    pub fn commit(&mut self, primary: NodeId, connected: NodeSet, lost: NodeSet) -> bool {
        let with = connected.or(NodeSet::only(primary));
        let waits = !self.synchronized.minus(with).minus(lost).is_empty();
        if waits || !self.is_synchronized(primary) {
            return false;
        }
        self.synchronized = with;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: NodeId = NodeId(0);
    const TWO: NodeId = NodeId(1);

    #[test]
    fn a_replica_that_missed_a_transaction_is_not_synchronized_until_it_takes_part_in_one() {
        let mut replicas = Replicas::on(NodeSet::first(2));
        assert!(replicas.commit(ONE, NodeSet::EMPTY, NodeSet::only(TWO)));
        assert!(replicas.is_synchronized(ONE) && !replicas.is_synchronized(TWO));
        assert!(!replicas.commit(TWO, NodeSet::EMPTY, NodeSet::only(ONE)), "it would lose what it never had");
        assert!(replicas.commit(ONE, NodeSet::only(TWO), NodeSet::EMPTY));
        assert!(replicas.is_synchronized(TWO));
    }

    #[test]
    fn a_transaction_waits_for_a_replica_that_is_away_and_not_given_up() {
        let mut replicas = Replicas::on(NodeSet::first(2));
        assert!(!replicas.commit(ONE, NodeSet::EMPTY, NodeSet::EMPTY));
        assert!(replicas.is_synchronized(TWO));
    }
}
