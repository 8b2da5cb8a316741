//! What does a TCP peer see?
//!
//! Who holds which address, what a new connection meets, and what happens to segments that nobody answers.

mod dns;

use std::time::Duration;

use crate::action::LinkQuality;
use crate::names::{AddressId, NodeId, NodeSet};
use crate::topology::Target;

pub use dns::{AddressSet, Dns, Resolver};

/// Which packets get through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Links {
    /// For each node, the nodes whose packets do not reach it.
    deaf_to: Vec<NodeSet>,
    /// Nodes that no client outside the cluster reaches.
    cut_from_clients: NodeSet,
    /// Nodes that do not reach the shared disk.
    cut_from_disk: NodeSet,
    /// Nodes that do not reach the witness.
    cut_from_witness: NodeSet,
    /// Nodes whose way to clients is poor, each once.
    poor: Vec<(NodeId, LinkQuality)>,
}

impl Links {
    /// Everything gets through between so many nodes.
    pub fn whole(nodes: usize) -> Self {
        Self { deaf_to: vec![NodeSet::EMPTY; nodes], ..Self::default() }
    }

    /// Packets from one end no longer reach the other, or, with `open`, do so again.
    pub fn set(&mut self, from: NodeId, to: Peer, open: bool) {
        let set = match to {
            Peer::Node(to) => {
                let deaf = &mut self.deaf_to[to.index()];
                return if open { deaf.remove(from) } else { deaf.insert(from) };
            }
            Peer::Clients => &mut self.cut_from_clients,
            Peer::Disk => &mut self.cut_from_disk,
            Peer::Witness => &mut self.cut_from_witness,
        };
        if open { set.remove(from) } else { set.insert(from) }
    }

    /// Makes a node's way to clients this good.
    pub fn set_quality(&mut self, node: NodeId, quality: LinkQuality) {
        self.poor.retain(|&(other, _)| other != node);
        if quality != LinkQuality::default() {
            self.poor.push((node, quality));
        }
    }

    /// Whether any node's way to clients is poor.
    pub const fn any_is_poor(&self) -> bool {
        !self.poor.is_empty()
    }

    /// How good a node's way to clients is.
    pub fn quality(&self, node: NodeId) -> LinkQuality {
        let poor = self.poor.iter().find(|(other, _)| *other == node);
        poor.map_or_else(LinkQuality::default, |&(_, quality)| quality)
    }

    /// Whether packets from one node reach another.
    pub fn passes(&self, from: NodeId, to: NodeId) -> bool {
        !self.deaf_to[to.index()].contains(from)
    }

    /// Whether two nodes can talk.
    pub fn talks(&self, one: NodeId, other: NodeId) -> bool {
        self.passes(one, other) && self.passes(other, one)
    }

    /// Whether clients outside the cluster reach a node.
    pub const fn serves_clients(&self, node: NodeId) -> bool {
        !self.cut_from_clients.contains(node)
    }

    /// Whether a node reaches the shared disk.
    pub const fn has_disk(&self, node: NodeId) -> bool {
        !self.cut_from_disk.contains(node)
    }

    /// Whether a node reaches the witness.
    pub const fn has_witness(&self, node: NodeId) -> bool {
        !self.cut_from_witness.contains(node)
    }
}

/// The other end of a node's link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    /// Another node.
    Node(NodeId),
    /// Whoever is outside the cluster: workers, the probe.
    Clients,
    /// The shared disk.
    Disk,
    /// The witness.
    Witness,
}

/// Which nodes hold which of the addresses that the cluster moves.
///
/// Two nodes that do not hear each other can hold the same one: packets go to the one that announced it last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Addresses {
    holders: Vec<Vec<NodeId>>,
    /// Where the clients' neighbour caches say that each address is.
    believed: Vec<Option<NodeId>>,
    /// Where packets of clients to each address go, which follows from both.
    leads_to: Vec<Destination>,
    /// The clients' neighbours ignore ARP announcements (some proxies and port security do: KB 168567, inferred).
    ignored: bool,
}

impl Addresses {
    /// So many addresses that nobody holds.
    pub fn unheld(count: usize) -> Self {
        Self {
            holders: vec![Vec::new(); count],
            believed: vec![None; count],
            leads_to: vec![Destination::Nobody; count],
            ignored: false,
        }
    }

    /// The node that announced `address` last, of those that hold it.
    pub fn holder(&self, address: AddressId) -> Option<NodeId> {
        self.holders[address.index()].last().copied()
    }

    /// Every node that holds `address`.
    pub fn holders(&self, address: AddressId) -> &[NodeId] {
        &self.holders[address.index()]
    }

    /// `node` takes `address`; its neighbours are told by ARP at once (single subnet; KB 168567, documented).
    pub fn assign(&mut self, address: AddressId, node: NodeId) {
        self.release(address, node);
        self.holders[address.index()].push(node);
        self.announce(address);
    }

    /// `node` gives `address` back, if it holds it.
    pub fn release(&mut self, address: AddressId, node: NodeId) {
        self.holders[address.index()].retain(|&holder| holder != node);
        self.announce(address);
    }

    fn announce(&mut self, address: AddressId) {
        if !self.ignored {
            self.believed[address.index()] = self.holder(address);
        }
        self.leads_to[address.index()] = match self.believed[address.index()] {
            None => Destination::Nobody,
            Some(node) if self.holders(address).contains(&node) => Destination::Node(node),
            Some(_) => Destination::Astray,
        };
    }

    /// The clients' neighbours ignore announcements from here on, or heed them again, and all that they missed.
    pub fn ignore_announcements(&mut self, ignored: bool) {
        self.ignored = ignored;
        for index in 0..self.holders.len() {
            self.announce(AddressId(index as u16));
        }
    }

    /// Whether the clients' neighbours heed announcements.
    pub const fn heeds_announcements(&self) -> bool {
        !self.ignored
    }

    /// The machine that packets of clients to `target` are sent to, if there is one. A name has to be resolved first.
    pub fn reached_by(&self, target: Target) -> Destination {
        match target {
            Target::Cluster(address) => self.leads_to[address.index()],
            Target::Node(node) => Destination::Node(node),
            Target::Name(_) | Target::Nobody => Destination::UnknownHost,
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
    /// They go to a machine that no longer has the address, and drops them.
    Astray,
    /// This node gets them, if it is there to get anything.
    Node(NodeId),
}

impl Destination {
    /// The node that gets them.
    pub const fn node(self) -> Option<NodeId> {
        match self {
            Self::Node(node) => Some(node),
            Self::UnknownHost | Self::Nobody | Self::Astray => None,
        }
    }
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
