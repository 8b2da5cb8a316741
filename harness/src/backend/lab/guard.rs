//! Is anybody else at work in the lab, whom a fault would disturb, and may this account do what the plan asks for?
//!
//! Asked before the first action of each run. What the account may not see is not taken for absent, and a right that is
//! missing shows here, not half-way.

use std::collections::BTreeSet;
use std::time::Duration;

use failover_sim::action::{Action, Verb};
use failover_sim::names::{NodeId, WorkerId};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::backend::BackendError;
use crate::plan::Plan;

use super::PACKAGE;
use super::act::{Actors, setting_of};
use super::binding::Binding;
use super::protocol::{ClusterSight, HostService, Part, SsisdbSight};
use super::reach::{Host, Lab};
use super::session::SessionError;
use super::sight::owner_of;

/// Something of others that may be disturbed all the same, if `lab.yaml` says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tolerated {
    /// Roles that the topology does not have.
    OtherRoles,
    /// Executions that somebody else has started.
    Executions,
    /// Backups and restores of the instance of SQL Server.
    Backups,
    /// Installations and restarts that Windows has under way or waits for.
    Updates,
}

impl Tolerated {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::OtherRoles => "other_roles",
            Self::Executions => "executions",
            Self::Backups => "backups",
            Self::Updates => "updates",
        }
    }
}

/// Whether a run may disturb what is there.
///
/// # Errors
/// If somebody else is at work there, or that cannot be seen.
pub(super) fn check<L: Lab>(
    actors: &mut Actors,
    lab: &mut L,
    plan: &Plan,
    binding: &Binding,
    tolerated: &BTreeSet<Tolerated>,
) -> Result<(), BackendError> {
    if plan.actions.is_empty() {
        return Ok(());
    }
    let nodes: Vec<NodeId> = (0..plan.topology.nodes.len()).map(|node| NodeId(node as u8)).collect();
    let mut found: Vec<(Tolerated, String)> = Vec::new();
    let deadline = lab.clock().now() + PATIENCE;
    let (sight, database) = loop {
        match look(actors, lab, binding, &nodes) {
            Ok(seen) => break seen,
            Err(error) if may_become(&error) && lab.clock().now() < deadline => {
                let next = lab.clock().now() + LOOK_AGAIN;
                lab.clock().wait_until(next);
            }
            Err(error) => return Err(error),
        }
    };
    let disturbs_nodes = plan.actions.iter().any(|planned| is_of_node(planned.action.verb()));
    if disturbs_nodes {
        found.extend(other_roles(&sight, binding).map(|text| (Tolerated::OtherRoles, text)));
    }
    for &node in &nodes {
        let words = actors.maintenance(lab, node)?;
        if !words.is_empty() {
            let text = format!("Windows on {} is at {}", binding.node_name(node), words.join(", "));
            found.push((Tolerated::Updates, text));
        }
    }
    found.extend(work_in_ssisdb(&database));
    prove_rights(actors, lab, plan, &nodes)?;
    find_package(actors, lab, plan, &nodes)?;
    found.retain(|(what, _)| !tolerated.contains(what));
    if found.is_empty() {
        return Ok(());
    }
    let words: BTreeSet<&str> = found.iter().map(|(what, _)| what.word()).collect();
    let hint = format!("`tolerate: [ {} ]` in lab.yaml", words.into_iter().collect::<Vec<_>>().join(", "));
    let found = found.into_iter().map(|(_, text)| text).collect();
    Err(BackendError::Occupied { found, hint })
}

/// Has a session with everybody whom the plan needs for its actions: the nodes have one by now.
fn prove_rights<L: Lab>(
    actors: &mut Actors,
    lab: &mut L,
    plan: &Plan,
    nodes: &[NodeId],
) -> Result<(), BackendError> {
    let mut workers = BTreeSet::new();
    let mut needs_control = false;
    for planned in &plan.actions {
        if let Action::WorkerService { worker, .. } = planned.action {
            workers.insert(worker);
        }
        if let Action::SetWorkers(setting) = planned.action {
            let part = Part::WorkerSetting(setting_of(setting).0.to_owned());
            for worker in 0..plan.topology.workers.len() {
                actors.part(lab, Host::Worker(WorkerId(worker as u32)), &part)?;
            }
        }
        if let Action::WorkerAgent { worker, .. } = planned.action {
            let owner = actors.sql_owner(lab, nodes)?;
            let part = Part::WorkerAgent(plan.names.worker(worker).to_owned());
            actors.part(lab, Host::Node(owner), &part)?;
        }
        needs_control |= matches!(
            planned.action.verb(),
            Verb::PowerOff | Verb::PowerOn | Verb::Freeze | Verb::Thaw | Verb::ShutDown
        );
    }
    if plan.actions.iter().any(|planned| planned.action.verb() == Verb::FailDns) {
        workers.extend((0..plan.topology.workers.len()).map(|worker| WorkerId(worker as u32)));
    }
    for worker in workers {
        actors.part(lab, Host::Worker(worker), &Part::Service(HostService::Worker))?;
    }
    if needs_control {
        actors.machines(lab)?;
    }
    Ok(())
}

/// Looks for the package that executions would run, where the plan has some.
fn find_package<L: Lab>(
    actors: &mut Actors,
    lab: &mut L,
    plan: &Plan,
    nodes: &[NodeId],
) -> Result<(), BackendError> {
    if plan.loads.is_empty() {
        return Ok(());
    }
    let owner = actors.sql_owner(lab, nodes)?;
    let sight = actors.package(lab, owner)?;
    let what = match (sight.is_deployed, sight.sees_tasks) {
        (Some(true), true) => return Ok(()),
        (Some(false), _) => format!(
            "the package `{PACKAGE}` is not deployed in SSISDB\nhint: `failover lab package --write {PACKAGE}.ispac`, and \
             deploy it as docs/lab.md says"
        ),
        (None, _) => format!(
            "the account may not see whether the package `{PACKAGE}` is deployed: it is in none of ssis_admin and sysadmin"
        ),
        (Some(true), false) => {
            "the account may not see tasks: it has no SELECT on internal.tasks and internal.executions of SSISDB".to_owned()
        }
    };
    Err(BackendError::Lab { host: plan.names.node(owner).to_owned(), what })
}

/// A lab that has just been switched on has no cluster yet, or its database is being recovered.
const fn may_become(error: &BackendError) -> bool {
    matches!(error, BackendError::Lab { .. } | BackendError::Session { error: SessionError::Failed(_), .. })
}

/// The cluster, and SSISDB on the owner node of SQL Server.
fn look<L: Lab>(
    actors: &mut Actors,
    lab: &mut L,
    binding: &Binding,
    nodes: &[NodeId],
) -> Result<(ClusterSight, SsisdbSight), BackendError> {
    let (by, sight) = actors.cluster(lab, nodes)?;
    let owner = owner_of(&sight, binding.group_name(binding.sql_role()), binding);
    let database = actors.ssisdb(lab, owner.unwrap_or(by))?;
    Ok((sight, database))
}

fn other_roles<'s>(sight: &'s ClusterSight, binding: &'s Binding) -> impl Iterator<Item = String> + 's {
    let others = sight
        .groups
        .iter()
        .filter(|group| !OF_THE_CLUSTER.contains(&group.kind) && binding.role(&group.name).is_none());
    others.map(|group| format!("the role `{}` on {} is not of this topology", group.name, group.owner))
}

fn work_in_ssisdb(sight: &SsisdbSight) -> Vec<(Tolerated, String)> {
    let mut found = Vec::new();
    match sight.executions.as_deref() {
        Some([]) => {}
        Some(executions) => {
            let ids: Vec<String> = executions.iter().take(SHOWN).map(ToString::to_string).collect();
            let more = executions.len().saturating_sub(SHOWN);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            let text = format!("executions are under way in SSISDB: {}{more}", ids.join(", "));
            found.push((Tolerated::Executions, text));
        }
        None => {
            let text = "the account may not see whether executions are under way: it is in none of ssis_admin, \
                        ssis_cluster_executor and sysadmin";
            found.push((Tolerated::Executions, text.to_owned()));
        }
    }
    match sight.backups {
        Some(0) => {}
        Some(count) => {
            found.push((Tolerated::Backups, format!("{count} backups or restores run on the instance")));
        }
        None => {
            let text = "the account may not see whether a backup runs: it has no VIEW SERVER STATE";
            found.push((Tolerated::Backups, text.to_owned()));
        }
    }
    found
}

/// Whether an action is about a node as a whole, with every role that it may have.
fn is_of_node(verb: Verb) -> bool {
    matches!(
        verb,
        Verb::PowerOff
            | Verb::Freeze
            | Verb::ShutDown
            | Verb::PauseNode
            | Verb::StopClusterService
            | Verb::KillClusterService
            | Verb::Cut
            | Verb::FailWitness
            | Verb::FailDns
            | Verb::DisableAdapter
            | Verb::SetCluster
    )
}

/// Core group, available storage, temporary, shared volume, storage pool (CLUSGROUP_TYPE, documented).
const OF_THE_CLUSTER: std::ops::RangeInclusive<i64> = 1..=5;
/// How long a lab may take until there is a cluster with a database to ask, and how often it is asked.
const PATIENCE: Duration = Duration::from_secs(600);
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// So many ids are shown.
const SHOWN: usize = 5;
