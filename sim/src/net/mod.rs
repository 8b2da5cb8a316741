//! What does a TCP peer see?
//!
//! Who holds which address, what a new connection meets, and what happens to segments that nobody answers.

use std::time::Duration;

use crate::names::{AddressId, NodeId};
use crate::topology::Target;

/// Which node holds which of the addresses that the cluster moves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Addresses(Vec<Option<NodeId>>);

impl Addresses {
    /// So many addresses that nobody holds.
    pub fn unheld(count: usize) -> Self {
        Self(vec![None; count])
    }

    /// The node that holds `address`.
    pub fn holder(&self, address: AddressId) -> Option<NodeId> {
        self.0[address.index()]
    }

    /// `node` takes `address`; its neighbours are told by ARP at once (single subnet; KB 168567, documented).
    pub fn assign(&mut self, address: AddressId, node: NodeId) {
        self.0[address.index()] = Some(node);
    }

    /// `node` gives `address` back, if it holds it.
    pub fn release(&mut self, address: AddressId, node: NodeId) {
        if self.0[address.index()] == Some(node) {
            self.0[address.index()] = None;
        }
    }

    /// The machine that packets to `target` are sent to, if there is one.
    pub fn reached_by(&self, target: Target) -> Destination {
        match target {
            Target::Cluster(address) => self.holder(address).map_or(Destination::Nobody, Destination::Node),
            Target::Node(node) => Destination::Node(node),
            Target::Nobody => Destination::UnknownHost,
        }
    }
}

/// Where packets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Destination {
    /// The name does not resolve.
    UnknownHost,
    /// The address is known and nobody holds it.
    Nobody,
    /// This node gets them, if it is there to get anything.
    Node(NodeId),
}

/// When a client sends a SYN again that was not answered, counted from the first: 3 s, then 6 s more
/// (KB 2786464, documented for Windows 7 and 2008 R2; later versions may differ).
pub const SYN_AGAIN: [Duration; 2] = [Duration::from_secs(3), Duration::from_secs(9)];

/// How long a refused connection takes to fail: Windows sends a refused SYN a couple of times more (inferred).
pub const REFUSAL: Duration = Duration::from_secs(1);

/// When a segment is sent again that was not acknowledged, counted from the first, at an RTO of 300 ms: the last
/// entry is when the connection is given up (five retransmissions: Win32_NetworkAdapterConfiguration, documented; the
/// RTO is inferred).
pub const SEGMENT_AGAIN: [Duration; 6] = [
    Duration::from_millis(300),
    Duration::from_millis(900),
    Duration::from_millis(2_100),
    Duration::from_millis(4_500),
    Duration::from_millis(9_300),
    Duration::from_millis(18_900),
];
