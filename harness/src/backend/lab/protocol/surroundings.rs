//! What lies around a host: what the cluster rests on, and where it is reached?

use super::fields::{FieldError, Fields};

/// What a host says of its surroundings. Addresses are texts, of both families.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SurroundingsSight {
    /// The addresses that the cluster's roles have, without that of the cluster itself.
    pub roles: Vec<String>,
    /// The addresses of the host whose share is the witness; none where it is no share.
    pub witness: Vec<String>,
    /// Other shares of that host that this one has open.
    pub shares: Vec<String>,
    /// With whom this host speaks iSCSI.
    pub portals: Vec<String>,
    /// On which bus each disk is that the cluster has ([`ISCSI`], or another number).
    pub cluster_buses: Vec<i64>,
    /// The same of the disks that are its own.
    pub own_buses: Vec<i64>,
    /// The DNS servers that it asks.
    pub dns: Vec<String>,
    /// Its own adapters in the networks of the cluster, one for each address.
    pub interfaces: Vec<InterfaceSight>,
    /// Its addresses that sessions with it, or its storage, go by: WinRM, SSH, iSCSI, SMB over RDMA.
    pub needed: Vec<String>,
}

/// An address of a node in a network of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceSight {
    /// The GUID of the adapter.
    pub adapter: String,
    /// What the network is for ([`FOR_CLIENTS`], or another number).
    pub role: i64,
    /// The address.
    pub address: String,
}

/// A network for the cluster and for clients (ClusterNetwork.Role: ClusterAndClient, documented).
pub const FOR_CLIENTS: i64 = 3;

/// iSCSI (STORAGE_BUS_TYPE, documented).
pub const ISCSI: i64 = 9;

/// Something outside that a host can be kept from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outside {
    /// Whoever is outside the cluster: nobody reaches the addresses of roles here, nor the master's port.
    Clients,
    /// The share that is the witness.
    Witness,
    /// The disks that the cluster has.
    Disk,
    /// The DNS servers.
    Dns,
}

impl Outside {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Clients, Self::Witness, Self::Disk, Self::Dns];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::Witness => "witness",
            Self::Disk => "disk",
            Self::Dns => "dns",
        }
    }

    /// The TCP port that it answers on, if it answers: SMB, iSCSI, DNS (documented).
    pub const fn port(self) -> Option<u16> {
        match self {
            Self::Clients => None,
            Self::Witness => Some(445),
            Self::Disk => Some(3260),
            Self::Dns => Some(53),
        }
    }
}

impl SurroundingsSight {
    pub(super) fn write(&self, fields: Fields) -> Fields {
        fields
            .with_list("roles", self.roles.iter().map(String::as_str))
            .with_list("witness", self.witness.iter().map(String::as_str))
            .with_list("shares", self.shares.iter().map(String::as_str))
            .with_list("portals", self.portals.iter().map(String::as_str))
            .with_list("cluster_buses", self.cluster_buses.iter().copied())
            .with_list("own_buses", self.own_buses.iter().copied())
            .with_list("dns", self.dns.iter().map(String::as_str))
            .with_list("interface_adapters", self.interfaces.iter().map(|one| one.adapter.as_str()))
            .with_list("interface_roles", self.interfaces.iter().map(|one| one.role))
            .with_list("interface_addresses", self.interfaces.iter().map(|one| one.address.as_str()))
            .with_list("needed", self.needed.iter().map(String::as_str))
    }

    pub(super) fn read(fields: &Fields) -> Result<Self, FieldError> {
        let adapters = fields.texts("interface_adapters")?;
        let roles = fields.integers_of("interface_roles", adapters.len())?;
        let addresses = fields.texts_of("interface_addresses", adapters.len())?;
        let rows = adapters.into_iter().zip(roles).zip(addresses);
        let interface = |((adapter, role), address)| InterfaceSight { adapter, role, address };
        Ok(Self {
            roles: fields.texts("roles")?,
            witness: fields.texts("witness")?,
            shares: fields.texts("shares")?,
            portals: fields.texts("portals")?,
            cluster_buses: fields.integers("cluster_buses")?,
            own_buses: fields.integers("own_buses")?,
            dns: fields.texts("dns")?,
            interfaces: rows.map(interface).collect(),
            needed: fields.texts("needed")?,
        })
    }
}
