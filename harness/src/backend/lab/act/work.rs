//! How are executions started in a lab, and what becomes of them at the end of a run?
//!
//! They are started by the procedures of SSISDB, on the owner node of SQL Server, in the rounds that the plan has; a round
//! that SSISDB cannot take in is tried again. At the end those that run are stopped, and the others waited for.

use std::time::Duration;

use failover_sim::action::{Load, LoadWorkers};
use failover_sim::names::{ActionNo, LoadId, NodeId, WorkerId};
use failover_sim::time::Time;

use super::super::journal::{State, Undo};
use super::super::protocol::{Call, PackageSight, Reply};
use super::super::reach::{Host, Lab};
use super::super::session::{READ_AS_ASKED, SessionError};
use super::super::sight::owner_of;
use super::super::work::Started;
use super::{Actors, BackendError, Verb};

/// A round of executions that is still to be started.
pub(super) struct Round {
    load: LoadId,
    due: Time,
    /// For each execution the machine that alone may run it; empty for any worker.
    workers: Vec<String>,
}

impl Actors {
    /// Starts the first round of a set of executions, and sees to the others.
    pub(in crate::backend::lab) fn start_executions<L: Lab>(
        &mut self,
        lab: &mut L,
        number: ActionNo,
        load: LoadId,
        nodes: &[NodeId],
    ) -> Result<Started, BackendError> {
        let owner = self.sql_owner(lab, nodes)?;
        let after = self.package(lab, owner)?.newest_execution;
        let entry = self.announce(number, Verb::StartExecutions.word(), Undo::StopExecutions { after })?;
        let plan = self.loads[load.index()];
        let (asked, workers) = (lab.clock().now(), self.workers_of(&plan));
        let executions = self.start_round(lab, owner, &plan, &workers)?;
        self.mark(entry, State::Done, None)?;
        let rest = workers[executions.len().min(workers.len())..].to_vec();
        if !rest.is_empty() {
            self.rounds.push(Round { load, due: asked + TRIED_AGAIN, workers: rest });
        }
        for round in 1..plan.rounds {
            self.rounds.push(Round { load, due: asked + plan.every * round, workers: workers.clone() });
        }
        Ok(Started { load, executions, asked })
    }

    /// When the next round is due.
    pub(in crate::backend::lab) fn next_round(&self) -> Option<Time> {
        self.rounds.iter().map(|round| round.due).min()
    }

    /// Starts the rounds that are due, on the node that answers for SSISDB; where none does they are tried again.
    pub(in crate::backend::lab) fn start_rounds<L: Lab>(
        &mut self,
        lab: &mut L,
        owner: Option<NodeId>,
    ) -> Result<Vec<Started>, BackendError> {
        let now = lab.clock().now();
        let (due, later) = std::mem::take(&mut self.rounds).into_iter().partition(|round| round.due <= now);
        self.rounds = later;
        let due: Vec<Round> = due;
        let mut all = Vec::new();
        for Round { load, workers, .. } in due {
            let (plan, asked) = (self.loads[load.index()], lab.clock().now());
            let executions = match owner.map(|owner| self.start_round(lab, owner, &plan, &workers)) {
                Some(Ok(executions)) => executions,
                Some(Err(error)) if !is_away(&error) => return Err(error),
                Some(Err(_)) | None => Vec::new(),
            };
            let rest = workers[executions.len().min(workers.len())..].to_vec();
            if !rest.is_empty() {
                let due = lab.clock().now() + TRIED_AGAIN;
                self.rounds.push(Round { load, due, workers: rest });
            }
            all.push(Started { load, executions, asked });
        }
        Ok(all)
    }

    /// Whether the package is there, and whether it can be seen what becomes of it.
    pub(in crate::backend::lab) fn package<L: Lab>(
        &mut self,
        lab: &mut L,
        owner: NodeId,
    ) -> Result<PackageSight, BackendError> {
        let call = Call::ReadPackage { server: self.binding.sql_server_of(owner).to_owned() };
        let reply = self.ask(lab, Host::Node(owner), "looking for the package", call)?;
        let Reply::Package(sight) = reply else { unreachable!("{READ_AS_ASKED}") };
        Ok(sight)
    }

    /// The owner node of SQL Server.
    pub(in crate::backend::lab) fn sql_owner<L: Lab>(
        &mut self,
        lab: &mut L,
        nodes: &[NodeId],
    ) -> Result<NodeId, BackendError> {
        let group = self.binding.group_name(self.binding.sql_role()).to_owned();
        let (by, sight) = self.cluster(lab, nodes)?;
        owner_of(&sight, &group, &self.binding).ok_or_else(|| BackendError::Lab {
            host: self.binding.node_name(by).to_owned(),
            what: format!("no node is shown as the owner of the group `{group}`"),
        })
    }

    /// Stops what runs of the executions that came after this one; says whether all of them are over.
    ///
    /// `stop_operation` takes those with status 2 alone (observed): what waits, and what `catalog.startup` has marked as ended
    /// while its task goes on, is waited for.
    pub(super) fn undo_executions<L: Lab>(
        &mut self,
        lab: &mut L,
        after: i64,
        nodes: &[NodeId],
    ) -> Result<bool, BackendError> {
        let owner = self.sql_owner(lab, nodes)?;
        let server = self.binding.sql_server_of(owner).to_owned();
        let call = Call::ReadSsisdb { server: server.clone(), work_from: Some(after.saturating_add(1)) };
        let reply = match self.ask(lab, Host::Node(owner), "looking what is under way", call) {
            Err(error) if is_away(&error) => return Ok(false),
            reply => reply?,
        };
        let Reply::Ssisdb(sight) = reply else { unreachable!("{READ_AS_ASKED}") };
        let Some(tasks) = sight.tasks else {
            let what = "the account may not see the tasks of executions".to_owned();
            return Err(BackendError::Lab { host: self.binding.node_name(owner).to_owned(), what });
        };
        let mut is_over = true;
        for task in tasks.into_iter().filter(|task| LIVE.contains(&task.state)) {
            is_over = false;
            if task.status == RUNNING && self.stopped.insert(task.execution) {
                let call = Call::StopExecution { server: server.clone(), execution: task.execution };
                self.ask(lab, Host::Node(owner), "stopping an execution", call)?;
            }
        }
        Ok(is_over)
    }

    fn start_round<L: Lab>(
        &mut self,
        lab: &mut L,
        owner: NodeId,
        plan: &Load,
        workers: &[String],
    ) -> Result<Vec<i64>, BackendError> {
        let call = Call::StartExecutions {
            server: self.binding.sql_server_of(owner).to_owned(),
            seconds: u32::try_from(plan.duration.as_secs()).unwrap_or(u32::MAX),
            retry_count: plan.retry_count,
            workers: workers.to_vec(),
        };
        let reply = self.ask(lab, Host::Node(owner), "starting executions", call)?;
        let Reply::Executions(executions) = reply else { unreachable!("{READ_AS_ASKED}") };
        Ok(executions)
    }

    /// For each execution of a round the machine that alone may run it; empty for any worker.
    fn workers_of(&self, plan: &Load) -> Vec<String> {
        match plan.workers {
            LoadWorkers::Any => vec![String::new(); plan.count as usize],
            LoadWorkers::EachNamed => {
                let all = (0..self.binding.topology.workers.len()).map(|worker| WorkerId(worker as u32));
                let names = all.map(|worker| self.binding.host_name(Host::Worker(worker)));
                names.flat_map(|name| vec![name; plan.count as usize]).collect()
            }
        }
    }
}

/// Whether nothing was done since nobody answered for SSISDB. Of a session that is lost nobody knows what was done in it, and
/// what SSISDB says it says again.
pub(super) fn is_away(error: &BackendError) -> bool {
    if let BackendError::Session { error: SessionError::Failed(record), .. } = error {
        return record.is_of_connection();
    }
    false
}

/// Statuses of tasks that are not over (inferred from the procedures of SSISDB).
const LIVE: std::ops::RangeInclusive<i64> = 1..=3;
/// The status of an execution that runs (catalog.executions, documented).
const RUNNING: i64 = 2;
/// Time after which a round is tried again that SSISDB could not take in.
const TRIED_AGAIN: Duration = Duration::from_secs(5);
