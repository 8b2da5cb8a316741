//! What does the failover cluster do?
//!
//! One cluster service a node, each with its own view of members, votes and owners. Views change only by messages; the
//! disk reservation and the witness are the only truth that all nodes share, and they stand outside these machines.

mod placement;
mod quorum;
mod service;
mod settings;
mod view;

pub(crate) use placement::candidates;
pub(crate) use quorum::configured_votes;
pub use quorum::{Component, Regroup, regroup};
pub use service::{Attempt, ClusterEffect, ClusterEvent, ClusterService, Rundown};
pub use settings::{
    ClusterConfig, ClusterProperties, FailbackWindow, NodeConfig, Priority, Profile, ResiliencyLevel,
    ResourceConfig, ResourceKind, ResourcePolicy, RestartAction, RoleConfig, ThresholdTable, Witness,
};
pub use view::{Epoch, ResourceSet, RoleView, RoleViews, View, Wanted};
