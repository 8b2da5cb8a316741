//! On which subnets are the nodes and the addresses of a cluster?
//!
//! A snapshot has no masks. Where the network name needs one of several addresses, and no node may own more than one of
//! them, the nodes that may own the same one are on one subnet (inferred from event 1045: an address of another subnet does
//! not come online).

use crate::guide::preflight::dependency::{named, ors};
use crate::guide::preflight::setup::{Setup, same_host};
use crate::guide::snapshot::{Node, Resource};

/// The nodes whose subnet is known, each with its name.
pub(super) struct Subnets(Vec<(String, String)>);

impl Subnets {
    /// The subnets of a cluster; none if it has one alone, or nobody can tell.
    pub(super) fn of(setup: &Setup<'_>) -> Self {
        let nodes = &setup.snapshot.nodes;
        let found = Self(alternatives(setup).iter().flat_map(|address| owners(address, nodes)).collect());
        let is_one =
            |(node, _): &(String, String)| found.0.iter().filter(|(other, _)| other == node).count() == 1;
        let resources = setup.snapshot.cluster.resources.seen();
        let roles =
            [&setup.master, &setup.sql_server].map(|one| one.as_ref().map(|one| one.role.as_str()).ok());
        let is_of_role = |one: &&Resource| roles.contains(&Some(one.role.as_str()));
        let mut addresses =
            resources.into_iter().flatten().filter(is_of_role).filter(|one| one.kind == IP_ADDRESS);
        let is_certain = found.0.iter().all(is_one) && addresses.all(|one| found.of_address(one).is_some());
        if is_certain { found } else { Self(Vec::new()) }
    }

    /// The subnet of a node.
    pub(super) fn of_node(&self, node: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| same_host(name, node)).map(|(_, subnet)| subnet.as_str())
    }

    /// The subnet of an address: that of every node that may own it.
    pub(super) fn of_address(&self, address: &Resource) -> Option<&str> {
        let mut subnets = address.possible_owners.iter().map(|owner| self.of_node(owner));
        let first = subnets.next()??;
        subnets.all(|subnet| subnet == Some(first)).then_some(first)
    }

    /// Whether none is known.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The addresses of which the network name needs one.
fn alternatives<'s>(setup: &Setup<'s>) -> Vec<&'s Resource> {
    let Some(name) = setup.network_name.as_ref().ok().filter(|name| ors(&name.dependency) > 0) else {
        return Vec::new();
    };
    let providers = named(&name.dependency);
    let resources = setup.snapshot.cluster.resources.seen().into_iter().flatten();
    resources.filter(|one| one.kind == IP_ADDRESS && providers.contains(&one.name)).collect()
}

/// The nodes that may own an address, with the name of its subnet.
fn owners(address: &Resource, nodes: &[Node]) -> Vec<(String, String)> {
    let may_own = |node: &&Node| address.possible_owners.iter().any(|owner| same_host(owner, &node.name));
    nodes.iter().filter(may_own).map(|node| (node.name.clone(), address.name.clone())).collect()
}

/// The type of an address.
const IP_ADDRESS: &str = "IP Address";
