//! What may an exploration change in a scenario and add to it?

use super::step::PlannedAction;
use std::time::Duration;

/// What an exploration may change in a scenario and add to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// What may happen besides the steps, each any number of times.
    pub faults: Vec<PlannedAction>,
    /// So many of them in a run at most.
    pub at_most: u8,
    /// The time in which they happen, from the first step on.
    pub within: Duration,
    /// With so many faults or fewer everybody is back although nothing is healed.
    pub survives: u8,
    /// Whether the actions of the steps keep their order.
    pub order: Order,
    /// What must be met in at least one run.
    pub sometimes: Vec<Sometimes>,
}

/// Whether actions keep the order in which they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// They do.
    Kept,
    /// Any order will do.
    Any,
}

/// Something that a search should meet in at least one run; it says nothing of the system under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sometimes {
    /// A fault while some worker is away because of another one.
    FaultDuringOutage,
    /// A fault while the role is on its way, neither online nor offline.
    FaultWhileRoleMoves,
    /// A worker runs a task while it has no connection.
    TaskRunsWithoutMaster,
    /// A task is handed out a second time.
    TaskHandedOutAgain,
    /// A report on a task is refused.
    ReportRefused,
    /// The master comes online on another node than the one before.
    RoleMovesAway,
    /// A worker is in the middle of a handshake when its other side goes.
    HandshakeCutOff,
    /// A report that renews a lease is on its way when the connection breaks.
    RenewalCutOff,
    /// A sweep takes a task before its worker, which still runs it, reports.
    SweptBeforeRenewal,
    /// A node or a link goes while the nodes regroup.
    LossDuringRegroup,
}

impl Sometimes {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::FaultDuringOutage,
        Self::FaultWhileRoleMoves,
        Self::TaskRunsWithoutMaster,
        Self::TaskHandedOutAgain,
        Self::ReportRefused,
        Self::RoleMovesAway,
        Self::HandshakeCutOff,
        Self::RenewalCutOff,
        Self::SweptBeforeRenewal,
        Self::LossDuringRegroup,
    ];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::FaultDuringOutage => "fault_during_outage",
            Self::FaultWhileRoleMoves => "fault_while_role_moves",
            Self::TaskRunsWithoutMaster => "task_runs_without_master",
            Self::TaskHandedOutAgain => "task_handed_out_again",
            Self::ReportRefused => "report_refused",
            Self::RoleMovesAway => "role_moves_away",
            Self::HandshakeCutOff => "handshake_cut_off",
            Self::RenewalCutOff => "renewal_cut_off",
            Self::SweptBeforeRenewal => "swept_before_renewal",
            Self::LossDuringRegroup => "loss_during_regroup",
        }
    }
}
