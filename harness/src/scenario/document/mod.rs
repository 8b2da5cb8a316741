//! What may stand in a scenario file?
//!
//! These types are the language: serde reads them, and names in them are still texts with their places. The lines above
//! types, fields and words are what `failover explain`, the JSON Schema and docs/language.md say of them, so they speak
//! to authors of scenarios.

mod claim;
mod clause;
mod explore;
mod settings;
mod step;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::read::At;
use super::schema::{CaseText, GuideStep, MistakeRow};

pub(super) use claim::{ClaimDocument, ClaimWord, ReconnectTimeDocument};
pub(super) use clause::{
    AfterWord, EndpointClause, ErrorWord, ExecutionWord, Expect, Hold, MessagesWord, NodeClause,
    NodeStateWord, NodeStatusWord, NodesClause, ReportsClause, RoleClause, RoleStateWord, TaskStateWord,
    TasksClause, ThroughWord, WhichWord, WorkerStateWord, WorkersClause,
};
pub(super) use explore::{ExploreDocument, OrderWord, SometimesWord};
pub(super) use settings::{
    ChangeNode, InstalledWord, LoginWord, PortWord, PresentWord, RootWord, SetCluster, SetWorkers,
};
pub(super) use step::{
    DegradeDocument, LinkDocument, LoadWorkersWord, Nothing, OnResource, OnService, OnWorker, PossibleOwner,
    QuarantineWord, QuorumWord, RolesWord, ServiceWord, StartExecutions, StepDocument, WaysWord,
};

/// The parts of a scenario file, in the order in which people write them.
pub(super) const PARTS: &[&str] =
    &["proves", "about", "given", "steps", "cases", "claims", "breaks", "explore"];

/// A scenario: what is done to a cluster, and what must be seen. Its path below the scenario folder is its name.
// Only the schema reads this type: a file is read part by part, so that a mistake in one does not hide those in the next.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "scenario")]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct ScenarioFile {
    /// What the scenario shows, in prose that the tool never reads.
    proves: String,
    /// What the scenario is about, and what it needs to make sense.
    about: About,
    /// Actions that prepare the cluster before the steps begin, and are undone at the end. They wait for nothing.
    #[serde(default)]
    given: Vec<StepDocument>,
    /// What is done and what is expected, in order.
    steps: Vec<StepDocument>,
    /// Ways in which the story goes on, each under its own assumptions. Each is a run of its own: `path[case]`.
    #[serde(default)]
    cases: Vec<CaseDocument>,
    /// Claims that are judged besides those that always are: put to the test they must be.
    #[serde(default)]
    claims: Vec<ClaimDocument>,
    /// Claims that must turn out false: exactly these, or the scenario fails.
    #[serde(default)]
    breaks: Vec<ClaimWord>,
    /// What `failover explore` may change and add; `run` does not look at it.
    explore: Option<ExploreDocument>,
}

/// What the scenario is about, and what it needs to make sense.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct About {
    /// The topology that it runs on: a file in a folder `topologies` beside the scenario or above it, or one that the program carries.
    pub(super) topology: At<String>,
    /// Steps of Microsoft's guide that it is about.
    #[serde(default)]
    #[schemars(with = "Vec<GuideStep>")]
    pub(super) guide: Vec<At<u8>>,
    /// The row of the table of mistakes that it shows.
    #[schemars(with = "Option<MistakeRow>")]
    pub(super) mistake: Option<At<u8>>,
    /// What a topology must have at least.
    pub(super) needs: Option<Needs>,
    /// Answers to assumptions that it takes for granted.
    #[serde(default)]
    #[schemars(schema_with = "super::schema::assume")]
    pub(super) assume: BTreeMap<String, At<String>>,
}

/// What a topology must have at least.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Needs {
    /// So many nodes.
    pub(super) nodes: Option<At<usize>>,
    /// So many workers.
    pub(super) workers: Option<At<usize>>,
}

/// A way in which the story goes on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseDocument {
    /// Its name: small letters, digits and `_`.
    #[schemars(with = "CaseText")]
    pub(super) case: At<String>,
    /// Answers to assumptions that it takes for granted.
    #[serde(default)]
    #[schemars(schema_with = "super::schema::assume")]
    pub(super) assume: BTreeMap<String, At<String>>,
    /// Steps after those of the scenario.
    #[serde(default)]
    pub(super) then: Vec<At<StepDocument>>,
    /// Claims that must turn out false in this case, besides those of the scenario.
    #[serde(default)]
    pub(super) breaks: Vec<At<ClaimWord>>,
}
