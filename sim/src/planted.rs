//! Which defects can a test put into the model, to see whether scenarios notice them?
//!
//! Only with the feature `planted`, which no product is built with: without it `has` is false when the compiler sees it,
//! and nothing is left of any defect.

/// A mistake that somebody could have made in the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// A newcomer takes the disk, and the old holder keeps it.
    ReservationNotChecked,
    /// A partition without a majority goes on.
    QuorumNotNeeded,
    /// A resource is restarted in place for ever.
    RestartsWithoutEnd,
    /// A role fails over as often as it likes.
    FailoversWithoutEnd,
    /// A paused node gets roles.
    PausedNodeGetsRoles,
    /// What depends on a failed resource stays online.
    DependentsLeftAlone,
    /// A node may be lost as often as it likes.
    QuarantineForgotten,
    /// Heartbeats that stop are not missed.
    LossNotNoticed,
    /// A report does not renew the lease of its task.
    LeaseNotRenewed,
    /// A task whose lease ran out is not handed out again.
    RequeueForgotten,
    /// The sweep takes tasks whose lease has not run out.
    LiveTasksSwept,
    /// A task that ran is handed out although its retries are spent.
    RetriesWithoutEnd,
    /// A disabled worker gets tasks.
    DisabledWorkerServed,
    /// Worker certificates are not looked for in the node's Root store.
    WorkerCertificateNotChecked,
    /// The pinned thumbprint is not compared.
    PinIgnored,
    /// The name in the certificate is not compared.
    NameIgnored,
    /// A worker goes on talking to the node that it reached first.
    AddressResolvedOnce,
    /// A master serves although SSISDB cannot be reached.
    SsisdbNotNeeded,
}

impl Defect {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::ReservationNotChecked,
        Self::QuorumNotNeeded,
        Self::RestartsWithoutEnd,
        Self::FailoversWithoutEnd,
        Self::PausedNodeGetsRoles,
        Self::DependentsLeftAlone,
        Self::QuarantineForgotten,
        Self::LossNotNoticed,
        Self::LeaseNotRenewed,
        Self::RequeueForgotten,
        Self::LiveTasksSwept,
        Self::RetriesWithoutEnd,
        Self::DisabledWorkerServed,
        Self::WorkerCertificateNotChecked,
        Self::PinIgnored,
        Self::NameIgnored,
        Self::AddressResolvedOnce,
        Self::SsisdbNotNeeded,
    ];
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
