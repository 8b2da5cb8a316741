//! Which addresses and ports on loopback are the twin's own?
//!
//! Each node and each address of the cluster has an address of its own, on the master's port. Where the machine has one
//! loopback address alone (macOS), each has a port of its own instead.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use crate::names::{AddressId, NodeId};
use crate::topology::Target;

use super::TwinError;
use super::options::Addressing;

/// What no other twin uses as long as this one lives.
#[derive(Debug)]
pub(crate) struct Network {
    places: Places,
    /// Holds them: whoever else wants them fails to bind this address.
    _claim: UdpSocket,
}

#[derive(Clone, Copy, Debug)]
enum Places {
    /// A network 127.x.y.0/24.
    Own { second: u8, third: u8 },
    /// The ports of 127.0.0.1 from here on.
    Ports { first: u16 },
}

impl Network {
    /// Takes free places for so many nodes and cluster addresses, where and as it is asked for.
    pub(crate) fn claim(nodes: usize, addresses: usize, asked_for: Addressing) -> Result<Self, TwinError> {
        if nodes > FIRST_CLUSTER - FIRST_NODE || addresses > usize::from(CLAIM) - FIRST_CLUSTER {
            return Err(TwinError::TooManyAddresses { nodes, addresses });
        }
        // Twins of different processes begin their search in different places; the claim alone keeps them apart.
        let start = std::process::id().wrapping_mul(2_654_435_761);
        let own =
            |number: u32| Places::Own { second: 64 + (number >> 8 & 63) as u8, third: (number & 255) as u8 };
        let ports = |number: u32| Places::Ports { first: FIRST_PORT + (number % PORT_RANGES) as u16 * PORTS };
        match asked_for {
            Addressing::Network(second, third) => {
                let places = Places::Own { second, third };
                let address = places.mark();
                let claim = UdpSocket::bind(address).map_err(|source| TwinError::NetworkTaken {
                    second,
                    third,
                    address,
                    source,
                })?;
                Ok(Self { places, _claim: claim })
            }
            Addressing::Ports => Self::search(start, ports),
            Addressing::Any => match Self::search(start, own) {
                Err(TwinError::NoNetwork { source, .. }) if source.kind() == ErrorKind::AddrNotAvailable => {
                    Self::search(start, ports)
                }
                found => found,
            },
        }
    }

    fn search(start: u32, places: impl Fn(u32) -> Places) -> Result<Self, TwinError> {
        let mut attempt = 0;
        loop {
            let places = places(start.wrapping_add(attempt));
            let last = places.mark();
            attempt += 1;
            match UdpSocket::bind(last) {
                Ok(claim) => return Ok(Self { places, _claim: claim }),
                Err(source) if attempt == ATTEMPTS || source.kind() == ErrorKind::AddrNotAvailable => {
                    return Err(TwinError::NoNetwork { tried: attempt, last, source });
                }
                Err(_) => {}
            }
        }
    }

    /// Where clients find a node, or an address that the cluster moves, on the `number`th of the ports that anybody speaks of.
    pub(crate) fn place(&self, target: Target, (number, port): (usize, u16)) -> Option<SocketAddr> {
        let last = match target {
            Target::Node(NodeId(node)) => FIRST_NODE + usize::from(node),
            Target::Cluster(AddressId(address)) => FIRST_CLUSTER + usize::from(address),
            Target::Name(_) | Target::Nobody => return None,
        };
        Some(match self.places {
            Places::Own { second, third } => {
                SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, second, third, last as u8)), port)
            }
            Places::Ports { .. } if number >= PORTS_OF_MASTERS => return None,
            Places::Ports { first } => {
                let offset = 1 + number * usize::from(CLAIM) + last;
                SocketAddr::from((Ipv4Addr::LOCALHOST, first.checked_add(u16::try_from(offset).ok()?)?))
            }
        })
    }

    /// Whether every place is a port of the same address.
    pub(crate) const fn has_one_address(&self) -> bool {
        matches!(self.places, Places::Ports { .. })
    }
}

impl Places {
    /// The address whose owner has them all.
    fn mark(self) -> SocketAddr {
        match self {
            Self::Own { second, third } => SocketAddr::from(([127, second, third, CLAIM], CLAIM_PORT)),
            Self::Ports { first } => SocketAddr::from((Ipv4Addr::LOCALHOST, first)),
        }
    }
}

const FIRST_NODE: usize = 11;
const FIRST_CLUSTER: usize = 101;
const CLAIM: u8 = 254;
const CLAIM_PORT: u16 = 8391;
const ATTEMPTS: u32 = 1_024;
/// So many ports of masters fit into a range of ports.
const PORTS_OF_MASTERS: usize = 3;
const PORTS: u16 = 768;
/// All ranges lie below the ports that Linux, macOS and Windows give to clients.
const FIRST_PORT: u16 = 20_000;
const PORT_RANGES: u32 = 16;
