//! What can be done to a cluster, on every backend alike?

use std::time::Duration;

use crate::names::{CertificateId, LoadId, NodeId, RoleId};

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
    /// The master's certificate on one node is replaced: binding, SSLCertThumbprint and LocalMachine\Root, all of them
    /// consistent on that node.
    ReplaceMasterCertificate {
        /// On which node.
        node: N,
        /// By which.
        with: CertificateId,
    },
    /// A property of the cluster is set.
    SetCluster(ClusterProperty),
    /// A setting of every worker is set, and its service restarted.
    SetWorkers(WorkerSetting),
    /// Executions are created and started in SSISDB.
    StartExecutions(LoadId),
}

/// A property of the cluster with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClusterProperty {
    /// `SameSubnetThreshold`.
    SameSubnetThreshold(u32),
    /// `CrossSubnetThreshold`.
    CrossSubnetThreshold(u32),
    /// `SameSubnetDelay`.
    SameSubnetDelay(Duration),
    /// `CrossSubnetDelay`.
    CrossSubnetDelay(Duration),
}

/// A key of `WorkerSettings.config` with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WorkerSetting {
    /// `MaxTaskCount`.
    MaxTaskCount(u16),
    /// `AgentHeartbeatInterval`.
    AgentHeartbeatInterval(Duration),
    /// `TaskHeartbeatInterval`.
    TaskHeartbeatInterval(Duration),
}

/// An action whose words have been resolved to nodes.
pub type ResolvedAction = Action<NodeId>;

/// A set of executions that a scenario starts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Load {
    /// How many executions, in each round.
    pub count: u32,
    /// How long each package runs.
    pub duration: Duration,
    /// `@retry_count` of `catalog.start_execution`.
    pub retry_count: u8,
    /// For whom.
    pub workers: LoadWorkers,
    /// How often a round of executions is started.
    pub rounds: u32,
    /// Time between two rounds.
    pub every: Duration,
}

/// Which workers may run an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoadWorkers {
    /// `@useanyworker = 1`.
    Any,
    /// `@useanyworker = 0`: `count` executions for each worker, which alone may run them.
    EachNamed,
}

impl<N> Action<N> {
    /// Which of [`Verb::ALL`] this is.
    pub const fn verb(&self) -> Verb {
        match self {
            Self::MoveRole { .. } => Verb::MoveRole,
            Self::PowerOff { .. } => Verb::PowerOff,
            Self::PowerOn { .. } => Verb::PowerOn,
            Self::KillClusterService { .. } => Verb::KillClusterService,
            Self::ReplaceMasterCertificate { .. } => Verb::ReplaceMasterCertificate,
            Self::SetCluster(_) => Verb::SetCluster,
            Self::SetWorkers(_) => Verb::SetWorkers,
            Self::StartExecutions(_) => Verb::StartExecutions,
        }
    }

    /// The same action with its node said in another way.
    ///
    /// # Errors
    /// Whatever `resolve` says of a node that it cannot resolve.
    pub fn resolve<M, E>(self, resolve: impl FnOnce(N) -> Result<M, E>) -> Result<Action<M>, E> {
        Ok(match self {
            Self::MoveRole { role, to } => Action::MoveRole { role, to: resolve(to)? },
            Self::PowerOff { node } => Action::PowerOff { node: resolve(node)? },
            Self::PowerOn { node } => Action::PowerOn { node: resolve(node)? },
            Self::KillClusterService { node } => Action::KillClusterService { node: resolve(node)? },
            Self::ReplaceMasterCertificate { node, with } => {
                Action::ReplaceMasterCertificate { node: resolve(node)?, with }
            }
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
            | Self::ReplaceMasterCertificate { node, .. } => Some(node),
            Self::SetCluster(_) | Self::SetWorkers(_) | Self::StartExecutions(_) => None,
        }
    }
}

/// The kind of an action, for the abilities of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// [`Action::MoveRole`].
    MoveRole,
    /// [`Action::PowerOff`].
    PowerOff,
    /// [`Action::PowerOn`].
    PowerOn,
    /// [`Action::KillClusterService`].
    KillClusterService,
    /// [`Action::ReplaceMasterCertificate`].
    ReplaceMasterCertificate,
    /// [`Action::SetCluster`].
    SetCluster,
    /// [`Action::SetWorkers`].
    SetWorkers,
    /// [`Action::StartExecutions`].
    StartExecutions,
}

impl Verb {
    /// All verbs.
    pub const ALL: [Self; 8] = [
        Self::MoveRole,
        Self::PowerOff,
        Self::PowerOn,
        Self::KillClusterService,
        Self::ReplaceMasterCertificate,
        Self::SetCluster,
        Self::SetWorkers,
        Self::StartExecutions,
    ];

    /// The word for it in scenario files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::MoveRole => "move_role",
            Self::PowerOff => "power_off",
            Self::PowerOn => "power_on",
            Self::KillClusterService => "kill_cluster_service",
            Self::ReplaceMasterCertificate => "replace_master_certificate",
            Self::SetCluster => "set_cluster",
            Self::SetWorkers => "set_workers",
            Self::StartExecutions => "start_executions",
        }
    }

    /// Whether what it does can be taken back.
    pub const fn reversibility(self) -> Reversibility {
        match self {
            Self::MoveRole
            | Self::PowerOff
            | Self::PowerOn
            | Self::ReplaceMasterCertificate
            | Self::SetCluster
            | Self::SetWorkers => Reversibility::Reversible,
            Self::StartExecutions => Reversibility::Compensable,
            Self::KillClusterService => Reversibility::Irreversible,
        }
    }
}

/// Whether what an action does can be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reversibility {
    /// Another action restores what was.
    Reversible,
    /// What follows can be made good, what was cannot be restored: executions can be stopped, not unstarted.
    Compensable,
    /// A process killed stays killed, a counter spent stays spent.
    Irreversible,
}
