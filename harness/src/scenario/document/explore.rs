//! What may stand under `explore`?

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::length::Length;
use super::super::read::At;
use super::step::StepDocument;

/// What `failover explore` may change and add.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct ExploreDocument {
    /// Actions that may happen besides the steps, each any number of times. Here `any` is each node of the topology.
    #[serde(default)]
    pub(in crate::scenario) faults: Vec<At<StepDocument>>,
    /// So many of them in a run at most.
    #[serde(default = "ExploreDocument::at_most")]
    #[schemars(with = "u8", range(min = 1, max = 50))]
    pub(in crate::scenario) at_most: At<u8>,
    /// In so much time after the first step they happen; after that everything is healed.
    #[serde(default = "ExploreDocument::within")]
    #[schemars(with = "Length")]
    pub(in crate::scenario) within: At<Length>,
    /// With so many faults or fewer everybody must be back although nothing is healed.
    #[serde(default)]
    #[schemars(with = "u8", range(max = 50))]
    pub(in crate::scenario) survives: At<u8>,
    /// Whether the actions of the steps keep their order.
    #[serde(default)]
    pub(in crate::scenario) order: OrderWord,
    /// What must be met in at least one run, or the search was too weak to say anything.
    #[serde(default)]
    pub(in crate::scenario) sometimes: Vec<SometimesWord>,
}

impl ExploreDocument {
    fn at_most() -> At<u8> {
        At { span: Default::default(), value: 3 }
    }

    fn within() -> At<Length> {
        At { span: Default::default(), value: Length(std::time::Duration::from_secs(600)) }
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::scenario) enum OrderWord {
    /// The actions of the steps happen in the order in which they are written.
    #[default]
    Kept,
    /// They happen in any order.
    Any,
}

/// Something that a search should meet.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::scenario) enum SometimesWord {
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
