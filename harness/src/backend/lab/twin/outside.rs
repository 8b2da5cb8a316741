//! What does a host of the twin rest on, and what happens when its firewall keeps it from that?
//!
//! The model has one DNS for everybody: it is gone once the last host is kept from it, and there as soon as one is let
//! through. It has one witness, too; of that each node has a link of its own besides.

use std::collections::BTreeMap;

use failover_sim::action::{LinkEnd, LinkState, Part as Surroundings, ResolvedAction, Ways};
use failover_sim::cluster::{ResourceKind, Witness};
use failover_sim::names::{HostId, NodeId, WorkerId};
use failover_sim::observe::Power;
use failover_sim::topology::Target;

use super::super::protocol::{
    ErrorRecord, FOR_CLIENTS, ISCSI, InterfaceSight, Outside, Reply, SurroundingsSight,
};
use super::super::reach::Host;
use super::Inside;
use super::answers::wrong_host;

/// The blocks of each host's firewall.
pub(super) type KeptFrom = BTreeMap<(Host, Outside), Vec<String>>;

impl Inside {
    pub(super) fn surroundings(&self, host: Host) -> SurroundingsSight {
        let dns = vec![DNS.to_owned()];
        let Host::Node(node) = host else { return SurroundingsSight { dns, ..SurroundingsSight::default() } };
        let topology = &self.binding.topology;
        let hosts = topology.hosts.iter().enumerate();
        let of_roles = hosts.filter(|(_, target)| matches!(target, Target::Cluster(_)));
        let names = of_roles.map(|(index, _)| self.binding.endpoint_name(HostId(index as u16)).to_owned());
        let is_disk = |kind: ResourceKind| kind == ResourceKind::PhysicalDisk;
        let has_disk = topology.cluster.resources.iter().any(|resource| is_disk(resource.kind));
        let has_share = topology.cluster.witness == Some(Witness::FileShare);
        let one = |address: &str, is_there: bool| is_there.then(|| address.to_owned()).into_iter().collect();
        SurroundingsSight {
            roles: names.filter(|name| name.parse::<std::net::IpAddr>().is_ok()).collect(),
            witness: one(SHARE, has_share),
            shares: Vec::new(),
            portals: one(PORTAL, has_disk),
            cluster_buses: has_disk.then_some(ISCSI).into_iter().collect(),
            own_buses: vec![SATA],
            dns,
            interfaces: self.interfaces(node),
            needed: vec![MANAGEMENT.to_owned()],
        }
    }

    /// A network for clients with the addresses of the topology, and one of the nodes' own.
    fn interfaces(&self, node: NodeId) -> Vec<InterfaceSight> {
        let of = |address: String| {
            let is_own = address.starts_with("fd00:");
            let (adapter, role) = if is_own { (OWN_ADAPTER, FOR_NODES) } else { (ADAPTER, FOR_CLIENTS) };
            InterfaceSight { adapter: adapter.to_owned(), role, address }
        };
        self.addresses_of(node).into_iter().map(of).collect()
    }

    /// Whether something outside of the hosts answers one of them.
    pub(super) fn outside_answers(&self, host: Host, address: &str, port: u16) -> bool {
        let is_on = match host {
            Host::Node(node) => self.world().power(node) == Power::On,
            Host::Worker(_) | Host::Control => true,
        };
        let all = [(Outside::Witness, SHARE), (Outside::Disk, PORTAL), (Outside::Dns, DNS)];
        let found = all.into_iter().find(|(outside, own)| *own == address && outside.port() == Some(port));
        is_on && found.is_some_and(|(outside, _)| !self.is_kept(host, outside))
    }

    fn is_kept(&self, host: Host, outside: Outside) -> bool {
        self.written.kept.get(&(host, outside)).is_some_and(|addresses| !addresses.is_empty())
    }

    pub(super) fn keep_from(
        &mut self,
        host: Host,
        outside: Outside,
        value: &[String],
    ) -> Result<Reply, ErrorRecord> {
        if matches!(host, Host::Control)
            || matches!(
                (host, outside),
                (Host::Worker(_), Outside::Clients | Outside::Witness | Outside::Disk)
            )
        {
            return Err(wrong_host());
        }
        let was_gone = self.is_gone(outside);
        let was_kept = self.is_kept(host, outside);
        self.written.kept.insert((host, outside), value.to_vec());
        let end = match outside {
            Outside::Clients => Some(LinkEnd::Clients),
            Outside::Witness => Some(LinkEnd::Witness),
            Outside::Disk => Some(LinkEnd::Disk),
            Outside::Dns => None,
        };
        if let (Host::Node(node), Some(to), true) = (host, end, was_kept == value.is_empty()) {
            let state = if value.is_empty() { LinkState::Whole } else { LinkState::Cut };
            self.apply(ResolvedAction::Link { node, to, state, ways: Ways::Both })?;
        }
        let part = match outside {
            Outside::Witness => Surroundings::Witness,
            Outside::Dns => Surroundings::Dns,
            Outside::Clients | Outside::Disk => return Ok(Reply::Done),
        };
        let is_gone = self.is_gone(outside);
        if is_gone == was_gone {
            return Ok(Reply::Done);
        }
        self.apply(ResolvedAction::Surroundings { part, works: !is_gone })
    }

    /// Whether every host that needs it is kept from it.
    fn is_gone(&self, outside: Outside) -> bool {
        let topology = &self.binding.topology;
        let mut nodes = (0..topology.nodes.len()).map(|index| Host::Node(NodeId(index as u8)));
        let mut workers = (0..topology.workers.len()).map(|index| Host::Worker(WorkerId(index as u32)));
        nodes.all(|host| self.is_kept(host, outside))
            && (outside != Outside::Dns || workers.all(|host| self.is_kept(host, outside)))
    }
}

/// Addresses for documentation (RFC 5737).
const SHARE: &str = "192.0.2.45";
const PORTAL: &str = "192.0.2.60";
const DNS: &str = "192.0.2.53";
/// What sessions come in by.
const MANAGEMENT: &str = "192.0.2.11";
const ADAPTER: &str = "{00000000-0000-0000-0000-0000000000C1}";
const OWN_ADAPTER: &str = "{00000000-0000-0000-0000-0000000000C2}";
/// A network for the cluster alone (ClusterNetwork.Role, documented).
const FOR_NODES: i64 = 1;
/// STORAGE_BUS_TYPE, documented.
const SATA: i64 = 11;
