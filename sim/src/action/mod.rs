//! What can be done to a cluster, on every backend alike?

mod object;
mod verb;

use crate::names::{CertificateId, LoadId, NodeId, ResourceId, RoleId, WorkerId};

pub use object::{
    AgentAction, ClusterProperty, Drain, LinkEnd, LinkQuality, LinkState, Load, LoadWorkers, NodeChange,
    Part, Service, ServiceAction, StartQuorum, Ways, WorkerSetting,
};
pub use verb::{Reversibility, Verb};

/// One action. `N` is how a node is said: a word that is resolved later, or, once resolved, a [`NodeId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action<N> {
    /// `Move-ClusterGroup`: a planned move.
    MoveRole {
        /// Which role.
        role: RoleId,
        /// Where to.
        to: N,
    },
    /// The machine loses its power: nobody is told.
    PowerOff {
        /// Which one.
        node: N,
    },
    /// The machine gets its power back and starts.
    PowerOn {
        /// Which one.
        node: N,
    },
    /// The process of the cluster service dies, and with it everything that it hosts; the service control manager
    /// starts it again.
    KillClusterService {
        /// On which node.
        node: N,
    },
    /// The machine stands still, with all it knows; the network hears nothing of it.
    Freeze {
        /// Which one.
        node: N,
    },
    /// A frozen machine goes on where it stood.
    Thaw {
        /// Which one.
        node: N,
    },
    /// `Stop-ClusterNode`: the cluster service hands its roles over and stops.
    StopClusterService {
        /// On which node.
        node: N,
    },
    /// `Start-ClusterNode`, with or without `-ForceQuorum` or `-PreventQuorum`.
    StartClusterService {
        /// On which node.
        node: N,
        /// What it may do about quorum.
        quorum: StartQuorum,
        /// `-ClearQuarantine`: the losses of this node are forgotten.
        clear_quarantine: bool,
    },
    /// The operating system shuts down: the cluster service hands its roles over (`DrainOnShutdown`), then the machine
    /// is off.
    ShutDown {
        /// Which machine.
        node: N,
    },
    /// The operating system restarts: as [`Action::ShutDown`], and then the machine starts again.
    RestartNode {
        /// Which machine.
        node: N,
    },
    /// `Stop-ClusterResource` or `Start-ClusterResource`.
    Resource {
        /// Which resource.
        resource: ResourceId,
        /// Whether it shall be online.
        online: bool,
    },
    /// `Stop-ClusterGroup` or `Start-ClusterGroup`.
    Role {
        /// Which role.
        role: RoleId,
        /// Whether it shall be online.
        online: bool,
    },
    /// Something that the cluster rests on breaks, or works again.
    Surroundings {
        /// What.
        part: Part<N>,
        /// Whether it works from here on.
        works: bool,
    },
    /// `Suspend-ClusterNode`: the node takes no roles; with a drain it hands over those that it has.
    PauseNode {
        /// Which one.
        node: N,
        /// Whether its roles move away.
        drain: Drain,
    },
    /// `Resume-ClusterNode`.
    ResumeNode {
        /// Which one.
        node: N,
    },
    /// `Set-ClusterOwnerNode`: a node is taken from the possible owners of every resource of a role, or becomes one again.
    PossibleOwner {
        /// Which role.
        role: RoleId,
        /// Which node.
        node: N,
        /// Whether it may own the role from here on.
        may: bool,
    },
    /// Something is done to the row of a worker in SSISDB, which must be there.
    WorkerAgent {
        /// Which worker.
        worker: WorkerId,
        /// What is done to it.
        what: AgentAction,
    },
    /// Something is done to the service of a worker. A process that hangs is ended before another one is started.
    WorkerService {
        /// Which worker.
        worker: WorkerId,
        /// What is done to it.
        what: ServiceAction,
    },
    /// Something is done to a service of a node.
    Service {
        /// On which node.
        node: N,
        /// Which service.
        service: Service,
        /// What is done to it.
        what: ServiceAction,
    },
    /// The network between a node and others no longer carries anything, or carries it again.
    Link {
        /// One end.
        node: N,
        /// The other end.
        to: LinkEnd<N>,
        /// Cut or healed.
        state: LinkState,
        /// Which packets.
        ways: Ways,
    },
    /// The network between a node and its clients is poor: slow, lossy, or both. Healing the link ends that too.
    Degrade {
        /// Which node.
        node: N,
        /// How poor.
        quality: LinkQuality,
    },
    /// A call of the cluster to a resource never returns: after `DeadlockTimeout` the resource monitor is killed, with
    /// every resource of the node (event 1230, documented; that all share one monitor is the default).
    DeadlockResource {
        /// Which one.
        resource: ResourceId,
    },
    /// `Test-ClusterResourceFailure`: the cluster treats the resource as failed.
    FailResource {
        /// Which one.
        resource: ResourceId,
    },
    /// The master's certificate on one node is replaced: binding, SSLCertThumbprint and LocalMachine\Root, all of them
    /// consistent on that node.
    ReplaceMasterCertificate {
        /// On which node.
        node: N,
        /// By which.
        with: CertificateId,
    },
    /// Something that a node has of its own is changed, behind everybody's back.
    ChangeNode {
        /// Which node.
        node: N,
        /// What.
        change: NodeChange,
    },
    /// A property of the cluster is set.
    SetCluster(ClusterProperty),
    /// A setting of every worker is set, and its service restarted.
    SetWorkers(WorkerSetting),
    /// Executions are created and started in SSISDB.
    StartExecutions(LoadId),
}

/// An action whose words have been resolved to nodes.
pub type ResolvedAction = Action<NodeId>;

impl<N> Action<N> {
    /// The same action with its node said in another way.
    ///
    /// # Errors
    /// Whatever `resolve` says of a node that it cannot resolve.
    pub fn resolve<M, E>(self, mut resolve: impl FnMut(N) -> Result<M, E>) -> Result<Action<M>, E> {
        Ok(match self {
            Self::MoveRole { role, to } => Action::MoveRole { role, to: resolve(to)? },
            Self::PowerOff { node } => Action::PowerOff { node: resolve(node)? },
            Self::PowerOn { node } => Action::PowerOn { node: resolve(node)? },
            Self::KillClusterService { node } => Action::KillClusterService { node: resolve(node)? },
            Self::Freeze { node } => Action::Freeze { node: resolve(node)? },
            Self::Thaw { node } => Action::Thaw { node: resolve(node)? },
            Self::StopClusterService { node } => Action::StopClusterService { node: resolve(node)? },
            Self::StartClusterService { node, quorum, clear_quarantine } => {
                Action::StartClusterService { node: resolve(node)?, quorum, clear_quarantine }
            }
            Self::ShutDown { node } => Action::ShutDown { node: resolve(node)? },
            Self::RestartNode { node } => Action::RestartNode { node: resolve(node)? },
            Self::Resource { resource, online } => Action::Resource { resource, online },
            Self::Role { role, online } => Action::Role { role, online },
            Self::Surroundings { part, works } => {
                Action::Surroundings { part: part.resolve(&mut resolve)?, works }
            }
            Self::PauseNode { node, drain } => Action::PauseNode { node: resolve(node)?, drain },
            Self::ResumeNode { node } => Action::ResumeNode { node: resolve(node)? },
            Self::PossibleOwner { role, node, may } => {
                Action::PossibleOwner { role, node: resolve(node)?, may }
            }
            Self::WorkerAgent { worker, what } => Action::WorkerAgent { worker, what },
            Self::WorkerService { worker, what } => Action::WorkerService { worker, what },
            Self::Service { node, service, what } => Action::Service { node: resolve(node)?, service, what },
            Self::Degrade { node, quality } => Action::Degrade { node: resolve(node)?, quality },
            Self::Link { node, to, state, ways } => {
                Action::Link { node: resolve(node)?, to: to.resolve(&mut resolve)?, state, ways }
            }
            Self::FailResource { resource } => Action::FailResource { resource },
            Self::DeadlockResource { resource } => Action::DeadlockResource { resource },
            Self::ReplaceMasterCertificate { node, with } => {
                Action::ReplaceMasterCertificate { node: resolve(node)?, with }
            }
            Self::ChangeNode { node, change } => Action::ChangeNode { node: resolve(node)?, change },
            Self::SetCluster(property) => Action::SetCluster(property),
            Self::SetWorkers(setting) => Action::SetWorkers(setting),
            Self::StartExecutions(load) => Action::StartExecutions(load),
        })
    }
}

impl ResolvedAction {
    /// The node that it is about, if it is about one.
    pub const fn node(&self) -> Option<NodeId> {
        match *self {
            Self::MoveRole { to: node, .. }
            | Self::PowerOff { node }
            | Self::PowerOn { node }
            | Self::KillClusterService { node }
            | Self::Freeze { node }
            | Self::Thaw { node }
            | Self::StopClusterService { node }
            | Self::StartClusterService { node, .. }
            | Self::ShutDown { node }
            | Self::RestartNode { node }
            | Self::Surroundings { part: Part::ServiceStart { node, .. } | Part::Adapter(node), .. }
            | Self::PauseNode { node, .. }
            | Self::ResumeNode { node }
            | Self::PossibleOwner { node, .. }
            | Self::Service { node, .. }
            | Self::Link { node, .. }
            | Self::Degrade { node, .. }
            | Self::ChangeNode { node, .. }
            | Self::ReplaceMasterCertificate { node, .. } => Some(node),
            Self::FailResource { .. }
            | Self::DeadlockResource { .. }
            | Self::Resource { .. }
            | Self::Role { .. }
            | Self::Surroundings {
                part:
                    Part::Witness
                    | Part::Address(_)
                    | Part::Dns
                    | Part::DnsUpdates
                    | Part::Directory
                    | Part::Announcements,
                ..
            }
            | Self::WorkerAgent { .. }
            | Self::WorkerService { .. }
            | Self::SetCluster(_)
            | Self::SetWorkers(_)
            | Self::StartExecutions(_) => None,
        }
    }
}
