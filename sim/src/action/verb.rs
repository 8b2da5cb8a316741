//! Which kinds of actions are there, by which words, and can they be taken back?

use super::Action;
use super::object::{AgentAction, LinkState, Part, ServiceAction};

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
    /// [`Action::Freeze`].
    Freeze,
    /// [`Action::Thaw`].
    Thaw,
    /// [`Action::StopClusterService`].
    StopClusterService,
    /// [`Action::StartClusterService`].
    StartClusterService,
    /// [`Action::ShutDown`].
    ShutDown,
    /// [`Action::RestartNode`].
    RestartNode,
    /// [`Action::Resource`], which goes offline.
    StopResource,
    /// [`Action::Resource`], which comes online.
    StartResource,
    /// [`Action::Role`], which goes offline.
    StopRole,
    /// [`Action::Role`], which comes online.
    StartRole,
    /// [`Action::Surroundings`]: [`Part::Witness`] fails.
    FailWitness,
    /// [`Action::Surroundings`]: [`Part::Witness`] works again.
    RestoreWitness,
    /// [`Action::Surroundings`]: [`Part::ServiceStart`] fails.
    DisableService,
    /// [`Action::Surroundings`]: [`Part::ServiceStart`] works again.
    EnableService,
    /// [`Action::Surroundings`]: [`Part::Adapter`] fails.
    DisableAdapter,
    /// [`Action::Surroundings`]: [`Part::Adapter`] works again.
    EnableAdapter,
    /// [`Action::Surroundings`]: [`Part::Address`] belongs to somebody else too.
    DuplicateAddress,
    /// [`Action::Surroundings`]: [`Part::Address`] is the cluster's alone again.
    FreeAddress,
    /// [`Action::Surroundings`]: [`Part::Dns`] fails.
    FailDns,
    /// [`Action::Surroundings`]: [`Part::Dns`] works again.
    RestoreDns,
    /// [`Action::Surroundings`]: [`Part::DnsUpdates`] are refused.
    RefuseDnsUpdates,
    /// [`Action::Surroundings`]: [`Part::DnsUpdates`] are accepted again.
    AcceptDnsUpdates,
    /// [`Action::Surroundings`]: [`Part::Directory`] fails.
    FailDirectory,
    /// [`Action::Surroundings`]: [`Part::Directory`] works again.
    RestoreDirectory,
    /// [`Action::Surroundings`]: [`Part::Announcements`] are ignored.
    IgnoreAnnouncements,
    /// [`Action::Surroundings`]: [`Part::Announcements`] are heeded again.
    HeedAnnouncements,
    /// [`Action::PauseNode`].
    PauseNode,
    /// [`Action::ResumeNode`].
    ResumeNode,
    /// [`Action::PossibleOwner`], which a node is no longer.
    RemovePossibleOwner,
    /// [`Action::PossibleOwner`], which a node is again.
    RestorePossibleOwner,
    /// [`Action::Service`] with [`ServiceAction::Kill`].
    KillService,
    /// [`Action::Service`] with [`ServiceAction::Hang`].
    HangService,
    /// [`Action::Service`] with [`ServiceAction::Stop`].
    StopService,
    /// [`Action::Service`] with [`ServiceAction::Start`].
    StartService,
    /// [`Action::WorkerService`] with [`ServiceAction::Kill`].
    KillWorker,
    /// [`Action::WorkerService`] with [`ServiceAction::Hang`].
    HangWorker,
    /// [`Action::WorkerService`] with [`ServiceAction::Stop`].
    StopWorker,
    /// [`Action::WorkerService`] with [`ServiceAction::Start`].
    StartWorker,
    /// [`Action::WorkerAgent`] with [`AgentAction::Enable`].
    EnableWorker,
    /// [`Action::WorkerAgent`] with [`AgentAction::Disable`].
    DisableWorker,
    /// [`Action::WorkerAgent`] with [`AgentAction::Delete`].
    DeleteWorker,
    /// [`Action::Link`] with [`LinkState::Cut`].
    Cut,
    /// [`Action::Link`] with [`LinkState::Whole`].
    Heal,
    /// [`Action::Degrade`].
    Degrade,
    /// [`Action::FailResource`].
    FailResource,
    /// [`Action::DeadlockResource`].
    DeadlockResource,
    /// [`Action::ReplaceMasterCertificate`].
    ReplaceMasterCertificate,
    /// [`Action::ChangeNode`].
    ChangeNode,
    /// [`Action::SetCluster`].
    SetCluster,
    /// [`Action::SetWorkers`].
    SetWorkers,
    /// [`Action::StartExecutions`].
    StartExecutions,
}

impl Verb {
    /// All verbs.
    pub const ALL: [Self; 55] = [
        Self::MoveRole,
        Self::PowerOff,
        Self::PowerOn,
        Self::KillClusterService,
        Self::Freeze,
        Self::Thaw,
        Self::StopClusterService,
        Self::StartClusterService,
        Self::ShutDown,
        Self::RestartNode,
        Self::StopResource,
        Self::StartResource,
        Self::StopRole,
        Self::StartRole,
        Self::FailWitness,
        Self::RestoreWitness,
        Self::DisableService,
        Self::EnableService,
        Self::DisableAdapter,
        Self::EnableAdapter,
        Self::DuplicateAddress,
        Self::FreeAddress,
        Self::FailDns,
        Self::RestoreDns,
        Self::RefuseDnsUpdates,
        Self::AcceptDnsUpdates,
        Self::FailDirectory,
        Self::RestoreDirectory,
        Self::IgnoreAnnouncements,
        Self::HeedAnnouncements,
        Self::PauseNode,
        Self::ResumeNode,
        Self::RemovePossibleOwner,
        Self::RestorePossibleOwner,
        Self::KillService,
        Self::HangService,
        Self::StopService,
        Self::StartService,
        Self::KillWorker,
        Self::HangWorker,
        Self::StopWorker,
        Self::StartWorker,
        Self::EnableWorker,
        Self::DisableWorker,
        Self::DeleteWorker,
        Self::Cut,
        Self::Heal,
        Self::Degrade,
        Self::FailResource,
        Self::DeadlockResource,
        Self::ReplaceMasterCertificate,
        Self::ChangeNode,
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
            Self::Freeze => "freeze",
            Self::Thaw => "thaw",
            Self::StopClusterService => "stop_cluster_service",
            Self::StartClusterService => "start_cluster_service",
            Self::ShutDown => "shut_down",
            Self::RestartNode => "restart_node",
            Self::StopResource => "stop_resource",
            Self::StartResource => "start_resource",
            Self::StopRole => "stop_role",
            Self::StartRole => "start_role",
            Self::FailWitness => "fail_witness",
            Self::RestoreWitness => "restore_witness",
            Self::DisableService => "disable_service",
            Self::EnableService => "enable_service",
            Self::DisableAdapter => "disable_adapter",
            Self::EnableAdapter => "enable_adapter",
            Self::DuplicateAddress => "duplicate_address",
            Self::FreeAddress => "free_address",
            Self::FailDns => "fail_dns",
            Self::RestoreDns => "restore_dns",
            Self::RefuseDnsUpdates => "refuse_dns_updates",
            Self::AcceptDnsUpdates => "accept_dns_updates",
            Self::FailDirectory => "fail_directory",
            Self::RestoreDirectory => "restore_directory",
            Self::IgnoreAnnouncements => "ignore_announcements",
            Self::HeedAnnouncements => "heed_announcements",
            Self::PauseNode => "pause_node",
            Self::ResumeNode => "resume_node",
            Self::RemovePossibleOwner => "remove_possible_owner",
            Self::RestorePossibleOwner => "restore_possible_owner",
            Self::KillService => "kill_service",
            Self::HangService => "hang_service",
            Self::StopService => "stop_service",
            Self::StartService => "start_service",
            Self::KillWorker => "kill_worker",
            Self::HangWorker => "hang_worker",
            Self::StopWorker => "stop_worker",
            Self::StartWorker => "start_worker",
            Self::EnableWorker => "enable_worker",
            Self::DisableWorker => "disable_worker",
            Self::DeleteWorker => "delete_worker",
            Self::Cut => "cut",
            Self::Heal => "heal",
            Self::Degrade => "degrade",
            Self::FailResource => "fail_resource",
            Self::DeadlockResource => "deadlock_resource",
            Self::ReplaceMasterCertificate => "replace_master_certificate",
            Self::ChangeNode => "change_node",
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
            | Self::Freeze
            | Self::Thaw
            | Self::StopClusterService
            | Self::StartClusterService
            | Self::ShutDown
            | Self::RestartNode
            | Self::StopResource
            | Self::StartResource
            | Self::StopRole
            | Self::StartRole
            | Self::FailWitness
            | Self::RestoreWitness
            | Self::DisableService
            | Self::EnableService
            | Self::DisableAdapter
            | Self::EnableAdapter
            | Self::DuplicateAddress
            | Self::FreeAddress
            | Self::FailDns
            | Self::RestoreDns
            | Self::RefuseDnsUpdates
            | Self::AcceptDnsUpdates
            | Self::FailDirectory
            | Self::RestoreDirectory
            | Self::IgnoreAnnouncements
            | Self::HeedAnnouncements
            | Self::PauseNode
            | Self::ResumeNode
            | Self::RemovePossibleOwner
            | Self::RestorePossibleOwner
            | Self::EnableWorker
            | Self::DisableWorker
            | Self::StopService
            | Self::StartService
            | Self::Cut
            | Self::Heal
            | Self::Degrade
            | Self::ReplaceMasterCertificate
            | Self::ChangeNode
            | Self::SetCluster
            | Self::SetWorkers => Reversibility::Reversible,
            Self::StartExecutions => Reversibility::Compensable,
            // A restart ends the hang and brings the worker back; packages that ended and counters that were spent stay so.
            Self::DeleteWorker
            | Self::StopWorker
            | Self::StartWorker
            | Self::HangWorker
            | Self::HangService
            | Self::FailResource
            | Self::DeadlockResource => Reversibility::Compensable,
            Self::KillClusterService | Self::KillService | Self::KillWorker => Reversibility::Irreversible,
        }
    }
}

impl<N> Action<N> {
    /// Which of [`Verb::ALL`] this is.
    pub const fn verb(&self) -> Verb {
        match self {
            Self::MoveRole { .. } => Verb::MoveRole,
            Self::PowerOff { .. } => Verb::PowerOff,
            Self::PowerOn { .. } => Verb::PowerOn,
            Self::KillClusterService { .. } => Verb::KillClusterService,
            Self::Freeze { .. } => Verb::Freeze,
            Self::Thaw { .. } => Verb::Thaw,
            Self::StopClusterService { .. } => Verb::StopClusterService,
            Self::StartClusterService { .. } => Verb::StartClusterService,
            Self::ShutDown { .. } => Verb::ShutDown,
            Self::RestartNode { .. } => Verb::RestartNode,
            Self::Resource { online: false, .. } => Verb::StopResource,
            Self::Resource { online: true, .. } => Verb::StartResource,
            Self::Role { online: false, .. } => Verb::StopRole,
            Self::Role { online: true, .. } => Verb::StartRole,
            Self::Surroundings { part: Part::Witness, works: false } => Verb::FailWitness,
            Self::Surroundings { part: Part::Witness, works: true } => Verb::RestoreWitness,
            Self::Surroundings { part: Part::ServiceStart { .. }, works: false } => Verb::DisableService,
            Self::Surroundings { part: Part::ServiceStart { .. }, works: true } => Verb::EnableService,
            Self::Surroundings { part: Part::Adapter(_), works: false } => Verb::DisableAdapter,
            Self::Surroundings { part: Part::Adapter(_), works: true } => Verb::EnableAdapter,
            Self::Surroundings { part: Part::Address(_), works: false } => Verb::DuplicateAddress,
            Self::Surroundings { part: Part::Address(_), works: true } => Verb::FreeAddress,
            Self::PauseNode { .. } => Verb::PauseNode,
            Self::ResumeNode { .. } => Verb::ResumeNode,
            Self::Service { what: ServiceAction::Kill, .. } => Verb::KillService,
            Self::Service { what: ServiceAction::Hang, .. } => Verb::HangService,
            Self::Service { what: ServiceAction::Stop, .. } => Verb::StopService,
            Self::Service { what: ServiceAction::Start, .. } => Verb::StartService,
            Self::WorkerService { what: ServiceAction::Kill, .. } => Verb::KillWorker,
            Self::WorkerService { what: ServiceAction::Hang, .. } => Verb::HangWorker,
            Self::WorkerService { what: ServiceAction::Stop, .. } => Verb::StopWorker,
            Self::WorkerService { what: ServiceAction::Start, .. } => Verb::StartWorker,
            Self::WorkerAgent { what: AgentAction::Enable, .. } => Verb::EnableWorker,
            Self::WorkerAgent { what: AgentAction::Disable, .. } => Verb::DisableWorker,
            Self::WorkerAgent { what: AgentAction::Delete, .. } => Verb::DeleteWorker,
            Self::PossibleOwner { may: false, .. } => Verb::RemovePossibleOwner,
            Self::PossibleOwner { may: true, .. } => Verb::RestorePossibleOwner,
            Self::Link { state: LinkState::Cut, .. } => Verb::Cut,
            Self::Link { state: LinkState::Whole, .. } => Verb::Heal,
            Self::Degrade { .. } => Verb::Degrade,
            Self::FailResource { .. } => Verb::FailResource,
            Self::DeadlockResource { .. } => Verb::DeadlockResource,
            Self::Surroundings { part: Part::Dns, works: false } => Verb::FailDns,
            Self::Surroundings { part: Part::Dns, works: true } => Verb::RestoreDns,
            Self::Surroundings { part: Part::DnsUpdates, works: false } => Verb::RefuseDnsUpdates,
            Self::Surroundings { part: Part::DnsUpdates, works: true } => Verb::AcceptDnsUpdates,
            Self::Surroundings { part: Part::Directory, works: false } => Verb::FailDirectory,
            Self::Surroundings { part: Part::Directory, works: true } => Verb::RestoreDirectory,
            Self::Surroundings { part: Part::Announcements, works: false } => Verb::IgnoreAnnouncements,
            Self::Surroundings { part: Part::Announcements, works: true } => Verb::HeedAnnouncements,
            Self::ReplaceMasterCertificate { .. } => Verb::ReplaceMasterCertificate,
            Self::ChangeNode { .. } => Verb::ChangeNode,
            Self::SetCluster(_) => Verb::SetCluster,
            Self::SetWorkers(_) => Verb::SetWorkers,
            Self::StartExecutions(_) => Verb::StartExecutions,
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
