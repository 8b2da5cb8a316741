//! Would an action change anything at this moment?
//!
//! Of those that others refuse anyway, or that show what they did, nothing is said here.

use crate::action::{
    AgentAction, ClusterProperty, LinkEnd, LinkQuality, LinkState, NodeChange, Part, ResolvedAction, Service,
    Ways,
};
use crate::cluster::ResourceKind;
use crate::names::{CertificateId, NodeId, RoleId};
use crate::observe::AgentRow;

use super::super::World;

impl World {
    /// Whether everything is already as the action would have it.
    pub fn changes_nothing(&self, action: ResolvedAction) -> bool {
        match action {
            ResolvedAction::Surroundings { part, works } => self.works(part) == works,
            ResolvedAction::ResumeNode { node } => {
                let host = &self.nodes[node.index()];
                host.is_member() && !host.service.view().paused.contains(node)
            }
            ResolvedAction::PossibleOwner { role, node, may } => self.may_own(role, node) == Some(may),
            ResolvedAction::WorkerAgent { worker, what } => match what {
                AgentAction::Enable => self.ssisdb.agent(worker) == AgentRow::Enabled,
                AgentAction::Disable => self.ssisdb.agent(worker) == AgentRow::Disabled,
                AgentAction::Delete => false,
            },
            ResolvedAction::Link { node, to, state, ways } => {
                let is_open = state == LinkState::Whole;
                let is_poor = to == LinkEnd::Clients && self.links.quality(node) != LinkQuality::default();
                self.links_are(node, to, is_open, ways) && !(is_open && is_poor)
            }
            ResolvedAction::Degrade { node, quality } => self.links.quality(node) == quality,
            ResolvedAction::ReplaceMasterCertificate { node, with } => {
                let trust = &self.nodes[node.index()].trust;
                trust.binding == Some(with) && trust.private_key && trust.root.contains(&with)
            }
            ResolvedAction::ChangeNode { node, change } => self.is_so(node, change),
            ResolvedAction::SetCluster(property) => self.is_set(property),
            ResolvedAction::MoveRole { .. }
            | ResolvedAction::PowerOff { .. }
            | ResolvedAction::PowerOn { .. }
            | ResolvedAction::KillClusterService { .. }
            | ResolvedAction::Freeze { .. }
            | ResolvedAction::Thaw { .. }
            | ResolvedAction::StopClusterService { .. }
            | ResolvedAction::StartClusterService { .. }
            | ResolvedAction::ShutDown { .. }
            | ResolvedAction::RestartNode { .. }
            | ResolvedAction::Resource { .. }
            | ResolvedAction::Role { .. }
            | ResolvedAction::PauseNode { .. }
            | ResolvedAction::WorkerService { .. }
            | ResolvedAction::Service { .. }
            | ResolvedAction::DeadlockResource { .. }
            | ResolvedAction::FailResource { .. }
            // It restarts every worker's service, whatever the value.
            | ResolvedAction::SetWorkers(_)
            | ResolvedAction::StartExecutions(_) => false,
        }
    }

    fn works(&self, part: Part<NodeId>) -> bool {
        match part {
            Part::Witness => self.witness_works,
            Part::Dns => self.dns.works(),
            Part::DnsUpdates => self.dns.takes_updates(),
            Part::Directory => self.directory_works,
            Part::Announcements => self.addresses.heeds_announcements(),
            Part::ServiceStart { node, service: service @ (Service::Master | Service::SqlServer) } => {
                self.can_start(node, service)
            }
            Part::Adapter(node) => self.nodes[node.index()].has_adapter,
            Part::Address(resource) => match self.topology.cluster.resources[resource.index()].kind {
                ResourceKind::IpAddress(address) => !self.duplicates[address.index()],
                ResourceKind::PhysicalDisk
                | ResourceKind::NetworkName(_)
                | ResourceKind::SqlServer
                | ResourceKind::SqlServerAgent
                | ResourceKind::AvailabilityGroup
                | ResourceKind::ScaleOutMaster => true,
            },
        }
    }

    /// Whether a role may be on a node, as its owner knows it; `None` where nobody owns it.
    fn may_own(&self, role: RoleId, node: NodeId) -> Option<bool> {
        let owner = self.owner_of(role).ok()?;
        Some(!self.nodes[owner.index()].service.view().roles.of(role).barred.contains(node))
    }

    /// Whether all of a link, in these directions, is open or cut.
    fn links_are(&self, node: NodeId, to: LinkEnd<NodeId>, open: bool, ways: Ways) -> bool {
        let is_so = |other: NodeId| {
            let out = matches!(ways, Ways::In) || self.links.passes(node, other) == open;
            let inward = matches!(ways, Ways::Out) || self.links.passes(other, node) == open;
            out && inward
        };
        match to {
            LinkEnd::Node(other) => is_so(other),
            LinkEnd::OtherNodes => self.all_nodes().without(node).iter().all(is_so),
            LinkEnd::Clients => self.links.serves_clients(node) == open,
            LinkEnd::Disk => self.links.has_disk(node) == open,
            LinkEnd::Witness => self.links.has_witness(node) == open,
        }
    }

    fn is_so(&self, node: NodeId, change: NodeChange) -> bool {
        let host = &self.nodes[node.index()];
        let own = &self.topology.nodes[node.index()];
        let trust = &host.trust;
        match change {
            NodeChange::HttpsBinding(present) => trust.binding == own.binding.filter(|_| present),
            NodeChange::PrivateKey(present) => trust.private_key == present,
            NodeChange::WorkerCertificates(present) => {
                let of_worker = |one: &&CertificateId| {
                    self.topology.workers.iter().any(|worker| worker.own == Some(**one))
                };
                own.root.iter().filter(of_worker).all(|one| trust.root.contains(one) == present)
            }
            NodeChange::RootStore(clean) => trust.root_is_clean == clean,
            NodeChange::MasterPort(open) => host.port_blocked != open,
            NodeChange::MasterService(installed) => host.master_missing != installed,
            NodeChange::SqlLogin(accepted) => host.login_refused != accepted,
            NodeChange::PortNumber(port) => host.settings.port == port,
        }
    }

    fn is_set(&self, property: ClusterProperty) -> bool {
        let properties = &self.properties;
        match property {
            ClusterProperty::SameSubnetThreshold(value) => properties.same_subnet_threshold == Some(value),
            ClusterProperty::CrossSubnetThreshold(value) => properties.cross_subnet_threshold == Some(value),
            ClusterProperty::SameSubnetDelay(value) => properties.same_subnet_delay == value,
            ClusterProperty::CrossSubnetDelay(value) => properties.cross_subnet_delay == value,
            ClusterProperty::QuarantineThreshold(value) => properties.quarantine_threshold == value,
            ClusterProperty::QuarantineDuration(value) => properties.quarantine_duration == Some(value),
            ClusterProperty::ResiliencyLevel(value) => properties.resiliency_level == Some(value),
            ClusterProperty::ResiliencyDefaultPeriod(value) => properties.resiliency_default_period == value,
        }
    }
}
