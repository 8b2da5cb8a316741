//! Which defects can a test put into the model, to see whether scenarios notice them?
//!
//! Only with the feature `planted`, which tests and `failover score` need: without it `has` is false when the compiler
//! sees it, and nothing is left of any defect.

macro_rules! defects {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// A mistake that somebody could have made in the model.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Defect {
            $($(#[$doc])* $name,)*
        }

        impl Defect {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Those that need a schedule that nobody writes by hand: explorations find them, scenarios need not.
            pub const OF_RARE_SCHEDULES: &[Self] = &[
                Self::MoveGoesOnToLostNode,
                Self::TellingForgotten,
                Self::ThawForgetsCalls,
                Self::ReportLostWithConnection,
                Self::RefusalOutlivesChange,
                Self::GreetingNotRepeated,
                Self::HandshakeWaitsForEver,
                Self::ThawKeepsDisk,
            ];

            /// The word for it.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

defects! {
    /// A newcomer takes the disk, and the old holder keeps it.
    ReservationNotChecked = "reservation_not_checked",
    /// A partition without a majority goes on.
    QuorumNotNeeded = "quorum_not_needed",
    /// A resource is restarted in place for ever.
    RestartsWithoutEnd = "restarts_without_end",
    /// A role fails over as often as it likes.
    FailoversWithoutEnd = "failovers_without_end",
    /// A paused node gets roles.
    PausedNodeGetsRoles = "paused_node_gets_roles",
    /// What depends on a failed resource stays online.
    DependentsLeftAlone = "dependents_left_alone",
    /// A node may be lost as often as it likes.
    QuarantineForgotten = "quarantine_forgotten",
    /// Heartbeats that stop are not missed.
    LossNotNoticed = "loss_not_noticed",
    /// A report does not renew the lease of its task.
    LeaseNotRenewed = "lease_not_renewed",
    /// A task whose lease ran out is not handed out again.
    RequeueForgotten = "requeue_forgotten",
    /// The sweep takes tasks whose lease has not run out.
    LiveTasksSwept = "live_tasks_swept",
    /// A task that ran is handed out although its retries are spent.
    RetriesWithoutEnd = "retries_without_end",
    /// A disabled worker gets tasks.
    DisabledWorkerServed = "disabled_worker_served",
    /// Worker certificates are not looked for in the node's Root store.
    WorkerCertificateNotChecked = "worker_certificate_not_checked",
    /// They are looked for on the first node alone, whichever one is asked.
    CertificateCheckedOnOneNode = "certificate_checked_on_one_node",
    /// The pinned thumbprint is not compared.
    PinIgnored = "pin_ignored",
    /// The name in the certificate is not compared.
    NameIgnored = "name_ignored",
    /// A worker goes on talking to the node that it reached first.
    AddressResolvedOnce = "address_resolved_once",
    /// A master serves although SSISDB cannot be reached.
    SsisdbNotNeeded = "ssisdb_not_needed",
    /// A replica of SSISDB that missed transactions becomes primary.
    ReplicaBehindServes = "replica_behind_serves",
    /// A vote that an administrator took away counts.
    VoteTakenAwayCounts = "vote_taken_away_counts",
    /// A role that is on its way to a node goes on to it although the node was lost meanwhile.
    MoveGoesOnToLostNode = "move_goes_on_to_lost_node",
    /// What one cluster service tells another while they do not hear each other is lost.
    TellingForgotten = "telling_forgotten",
    /// A call to a resource that ended while its machine stood still never ends.
    ThawForgetsCalls = "thaw_forgets_calls",
    /// A report on its way when the connection breaks is not made again.
    ReportLostWithConnection = "report_lost_with_connection",
    /// A worker that was shown a bad certificate does not look at the next one.
    RefusalOutlivesChange = "refusal_outlives_change",
    /// A worker whose heartbeat met a master without SSISDB never sends another.
    GreetingNotRepeated = "greeting_not_repeated",
    /// A worker waits without end for a handshake whose other side has gone.
    HandshakeWaitsForEver = "handshake_waits_for_ever",
    /// A machine that stood still does not look whether its disk was taken meanwhile.
    ThawKeepsDisk = "thaw_keeps_disk",
}

#[cfg(feature = "planted")]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Defect>> = const { std::cell::Cell::new(None) };
}

/// Puts a defect into every model of this thread, or takes it out.
#[cfg(feature = "planted")]
pub fn plant(defect: Option<Defect>) {
    PLANTED.set(defect);
}

/// Whether the model has this defect.
#[cfg(feature = "planted")]
pub(crate) fn has(defect: Defect) -> bool {
    PLANTED.get() == Some(defect)
}

/// Whether the model has this defect: never.
#[cfg(not(feature = "planted"))]
pub(crate) const fn has(_: Defect) -> bool {
    false
}
