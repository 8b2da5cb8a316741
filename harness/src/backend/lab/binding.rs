//! Which name on a Windows host stands for which thing of the plan?

use failover_sim::names::{CertificateId, HostId, Names, NodeId, ResourceId, RoleId, WorkerId};
use failover_sim::step::Shared;
use failover_sim::topology::Topology;

use crate::plan::Plan;

use super::reach::Host;

/// The names of a plan as the hosts of the lab use them.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    names: Names,
    /// What the names belong to.
    pub(super) topology: Shared<Topology>,
}

impl Binding {
    /// Every thing has the name on Windows that the topology gives it.
    pub(super) fn of(plan: &Plan) -> Self {
        Self { names: plan.names.clone(), topology: plan.topology.clone() }
    }

    /// How a host is called in errors.
    pub(super) fn host_name(&self, host: Host) -> String {
        match host {
            Host::Control => "control".to_owned(),
            Host::Node(node) => self.node_name(node).to_owned(),
            Host::Worker(worker) => self.names.worker(worker).to_owned(),
        }
    }

    /// The hosts that sessions are held with, in the order in which they are asked.
    pub(super) fn hosts(&self) -> Vec<Host> {
        let nodes = (0..self.topology.nodes.len()).map(|node| Host::Node(NodeId(node as u8)));
        let workers = (0..self.topology.workers.len()).map(|worker| Host::Worker(WorkerId(worker as u32)));
        std::iter::once(Host::Control).chain(nodes).chain(workers).collect()
    }

    /// The names of all nodes.
    pub(super) fn node_names(&self) -> &[String] {
        &self.names.nodes
    }

    /// A node's name.
    pub(super) fn node_name(&self, node: NodeId) -> &str {
        self.names.node(node)
    }

    /// The node with this name; Windows does not mind the case.
    pub(super) fn node(&self, name: &str) -> Option<NodeId> {
        position(&self.names.nodes, name).map(|index| NodeId(index as u8))
    }

    /// The group of a role.
    pub(super) fn group_name(&self, role: RoleId) -> &str {
        self.names.role(role)
    }

    /// The role with this group.
    pub(super) fn role(&self, name: &str) -> Option<RoleId> {
        position(&self.names.roles, name).map(|index| RoleId(index as u8))
    }

    /// A resource's name.
    pub(super) fn resource_name(&self, resource: ResourceId) -> &str {
        self.names.resource(resource)
    }

    /// The resource with this name.
    pub(super) fn resource(&self, name: &str) -> Option<ResourceId> {
        position(&self.names.resources, name).map(|index| ResourceId(index as u16))
    }

    /// The text of a host name or address.
    pub(super) fn endpoint_name(&self, host: HostId) -> &str {
        self.names.host(host)
    }

    /// The host name or address with this text.
    pub(super) fn endpoint_host(&self, name: &str) -> Option<HostId> {
        position(&self.names.hosts, name).map(|index| HostId(index as u16))
    }

    /// The thumbprint of a certificate.
    pub(super) fn thumbprint(&self, certificate: CertificateId) -> String {
        self.topology.certificates[certificate.index()].thumbprint.to_string()
    }

    /// The certificate with this thumbprint.
    pub(super) fn certificate(&self, thumbprint: &str) -> Option<CertificateId> {
        let is = |text: String| text.eq_ignore_ascii_case(thumbprint);
        let found = self.topology.certificates.iter().position(|own| is(own.thumbprint.to_string()));
        found.map(|index| CertificateId(index as u16))
    }
}

fn position(names: &[String], name: &str) -> Option<usize> {
    names.iter().position(|own| own.to_lowercase() == name.to_lowercase())
}
