//! Which name on a Windows host stands for which thing of the plan?

use failover_sim::cluster::ResourceKind;
use failover_sim::names::{CertificateId, HostId, Names, NodeId, ResourceId, RoleId, WorkerId};
use failover_sim::step::Shared;
use failover_sim::topology::{Target, Topology};

use crate::plan::Plan;

use super::file::MARK;
use super::protocol::Hello;
use super::reach::Host;
use super::session::Unfit;

/// The names of a plan as the hosts of the lab use them.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    names: Names,
    /// What the names belong to.
    pub(super) topology: Shared<Topology>,
    /// The Id of the cluster that may be touched, if a file names one.
    cluster: Option<String>,
}

/// Whether a node must have a cluster at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// It must.
    Needed,
    /// Its cluster service may not run.
    Optional,
}

impl Binding {
    /// Every thing has the name on Windows that the topology gives it.
    pub(super) fn of(plan: &Plan) -> Self {
        Self { names: plan.names.clone(), topology: plan.topology.clone(), cluster: None }
    }

    /// The same, for this cluster alone.
    pub(super) fn bound_to(self, cluster: Option<String>) -> Self {
        Self { cluster, ..self }
    }

    /// Whether a host that said this is one of the cluster that may be touched, with the mark of a lab.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn admit(&self, host: Host, hello: &Hello, presence: Presence) -> Result<(), Unfit> {
        let (Some(expected), Host::Node(_)) = (&self.cluster, host) else { return Ok(()) };
        let Some(found) = &hello.cluster_id else {
            let refused = Unfit::OtherCluster { expected: expected.clone(), found: None };
            return if presence == Presence::Needed { Err(refused) } else { Ok(()) };
        };
        if !found.eq_ignore_ascii_case(expected) {
            let found = Some(found.clone());
            return Err(Unfit::OtherCluster { expected: expected.clone(), found });
        }
        let words = hello.cluster_description.as_deref().unwrap_or_default();
        let is_mark = |word: &str| word.eq_ignore_ascii_case(MARK);
        if words.split_whitespace().any(is_mark) { Ok(()) } else { Err(Unfit::NoMark(MARK)) }
    }

    /// The role whose network name, or address, the workers connect to.
    pub(super) fn endpoint_role(&self) -> RoleId {
        let topology = &self.topology;
        let resource = match topology.hosts[topology.endpoint.index()] {
            Target::Name(name) => Some(topology.network_names[name.index()].resource),
            Target::Cluster(address) => topology.addresses.get(address.index()).copied(),
            Target::Node(_) | Target::Nobody => None,
        };
        let roles = &topology.cluster.roles;
        let of = roles.iter().position(|role| resource.is_some_and(|one| role.resources.contains(&one)));
        RoleId(of.unwrap_or_default() as u8)
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

    /// The name of the master's resource.
    pub(super) fn master_name(&self) -> &str {
        self.resource_name(self.resource_of(|kind| kind == ResourceKind::ScaleOutMaster))
    }

    /// The name of the resource that SSISDB lies in: SQL Server, or an availability group.
    pub(super) fn sql_server_name(&self) -> &str {
        self.resource_name(self.sql_server())
    }

    /// Whether each node has an instance of its own, with a replica of SSISDB.
    pub(super) fn has_replicas(&self) -> bool {
        let kind = self.topology.cluster.resources[self.sql_server().index()].kind;
        kind == ResourceKind::AvailabilityGroup
    }

    fn sql_server(&self) -> ResourceId {
        self.resource_of(|kind| matches!(kind, ResourceKind::SqlServer | ResourceKind::AvailabilityGroup))
    }

    fn resource_of(&self, is_kind: impl Fn(ResourceKind) -> bool) -> ResourceId {
        let of = self.topology.cluster.resources.iter().position(|resource| is_kind(resource.kind));
        ResourceId(of.unwrap_or_default() as u16)
    }

    /// How a node's master is told to reach SQL Server: its network name, or network name and instance.
    pub(super) fn sql_server_of(&self, node: NodeId) -> &str {
        self.endpoint_name(self.topology.nodes[node.index()].master_settings.sql_server)
    }

    /// The port that a node's master listens on.
    pub(super) fn master_port(&self, node: NodeId) -> u16 {
        self.topology.nodes[node.index()].master_settings.port
    }

    /// The thumbprints of the workers' own certificates.
    pub(super) fn worker_thumbprints(&self) -> Vec<String> {
        let own = self.topology.workers.iter().filter_map(|worker| worker.own);
        let mut thumbprints: Vec<String> = own.map(|certificate| self.thumbprint(certificate)).collect();
        thumbprints.sort_unstable();
        thumbprints.dedup();
        thumbprints
    }

    /// The role of the master.
    pub(super) fn master_role(&self) -> RoleId {
        self.role_of(self.resource_of(|kind| kind == ResourceKind::ScaleOutMaster))
    }

    /// The role of SQL Server, or of the availability group.
    pub(super) fn sql_role(&self) -> RoleId {
        self.role_of(self.sql_server())
    }

    fn role_of(&self, resource: ResourceId) -> RoleId {
        let roles = &self.topology.cluster.roles;
        let of = roles.iter().position(|role| role.resources.contains(&resource));
        RoleId(of.unwrap_or_default() as u8)
    }

    /// The worker with this name.
    pub(super) fn worker(&self, name: &str) -> Option<WorkerId> {
        position(&self.names.workers, name).map(|index| WorkerId(index as u32))
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

    /// Whether an address, or another name, is one of those behind a host name.
    pub(super) fn leads_to(&self, name: HostId, reached: HostId) -> bool {
        let hosts = &self.topology.hosts;
        let target = hosts[reached.index()];
        hosts[name.index()] == target || self.topology.targets_of(name).any(|behind| behind == target)
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
    names.iter().position(|own| lower(own).eq(lower(name)))
}

fn lower(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::super::protocol::{LanguageMode, Ticks};
    use super::*;
    use crate::plan::Overrides;
    use crate::scenario::load;

    fn hello(id: Option<&str>, description: &str) -> Hello {
        Hello {
            edition: "Desktop".to_owned(),
            language_mode: LanguageMode::Full,
            elevated: true,
            ui_culture: "de-DE".to_owned(),
            module_version: None,
            cluster_id: id.map(str::to_owned),
            cluster_description: Some(description.to_owned()),
            clock: Ticks(0),
            network_credentials: false,
        }
    }

    #[test]
    fn a_node_of_another_cluster_or_of_one_without_the_mark_is_refused() {
        let plan = load(&["cluster/planned_move".into()], 1, &Overrides::default());
        let plan = plan.expect("the program carries it").remove(0);
        let binding = Binding::of(&plan).bound_to(Some("AB-1".to_owned()));
        let node = Host::Node(NodeId(0));
        let admit = |hello: &Hello, presence| binding.admit(node, hello, presence);
        assert_eq!(admit(&hello(Some("ab-1"), "for tests, Failover-Lab"), Presence::Needed), Ok(()));
        let other = Unfit::OtherCluster { expected: "AB-1".to_owned(), found: Some("ab-2".to_owned()) };
        assert_eq!(admit(&hello(Some("ab-2"), MARK), Presence::Optional), Err(other));
        for description in ["", "production", "not-a-failover-lab"] {
            let refused = admit(&hello(Some("AB-1"), description), Presence::Needed);
            assert_eq!(refused, Err(Unfit::NoMark(MARK)), "{description}");
        }
        // A node whose cluster service is not there yet is no other node, but a run does not begin with it.
        assert_eq!(admit(&hello(None, ""), Presence::Optional), Ok(()));
        assert!(admit(&hello(None, ""), Presence::Needed).is_err());
        assert_eq!(binding.admit(Host::Control, &hello(None, ""), Presence::Needed), Ok(()));
        assert_eq!(Binding::of(&plan).admit(node, &hello(Some("x"), ""), Presence::Needed), Ok(()));
    }
}
