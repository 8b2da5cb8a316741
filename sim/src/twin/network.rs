//! Which addresses on loopback are the twin's own?

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use crate::names::{AddressId, NodeId};

use super::TwinError;

/// A network 127.x.y.0/24 that no other twin uses as long as this one lives.
#[derive(Debug)]
pub(crate) struct Network {
    second: u8,
    third: u8,
    /// Holds the network: whoever else wants it fails to bind this address.
    _claim: UdpSocket,
}

impl Network {
    /// Takes a free network with room for so many nodes and cluster addresses, or the one that is asked for.
    pub(crate) fn claim(
        nodes: usize,
        addresses: usize,
        asked_for: Option<(u8, u8)>,
    ) -> Result<Self, TwinError> {
        if nodes > FIRST_CLUSTER - FIRST_NODE || addresses > usize::from(CLAIM) - FIRST_CLUSTER {
            return Err(TwinError::TooManyAddresses { nodes, addresses });
        }
        if let Some((second, third)) = asked_for {
            let address = SocketAddr::from(([127, second, third, CLAIM], CLAIM_PORT));
            let claim = UdpSocket::bind(address).map_err(|source| TwinError::NetworkTaken {
                second,
                third,
                address,
                source,
            })?;
            return Ok(Self { second, third, _claim: claim });
        }
        // Twins of different processes begin their search in different places; the claim alone keeps them apart.
        let start = std::process::id().wrapping_mul(2_654_435_761);
        let mut attempt = 0;
        loop {
            let number = start.wrapping_add(attempt);
            let (second, third) = (64 + (number >> 8 & 63) as u8, (number & 255) as u8);
            let last = SocketAddr::from(([127, second, third, CLAIM], CLAIM_PORT));
            match UdpSocket::bind(last) {
                Ok(claim) => return Ok(Self { second, third, _claim: claim }),
                Err(source) if attempt + 1 == ATTEMPTS => {
                    return Err(TwinError::NoNetwork { tried: ATTEMPTS, last, source });
                }
                Err(_) => attempt += 1,
            }
        }
    }

    /// A node's own address.
    pub(crate) fn node(&self, node: NodeId) -> IpAddr {
        self.address(FIRST_NODE + node.index())
    }

    /// An address that the cluster moves.
    pub(crate) fn cluster(&self, address: AddressId) -> IpAddr {
        self.address(FIRST_CLUSTER + address.index())
    }

    fn address(&self, last: usize) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(127, self.second, self.third, last as u8))
    }
}

const FIRST_NODE: usize = 11;
const FIRST_CLUSTER: usize = 101;
const CLAIM: u8 = 254;
const CLAIM_PORT: u16 = 8391;
const ATTEMPTS: u32 = 1_024;
