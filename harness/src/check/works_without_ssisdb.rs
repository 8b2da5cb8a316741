//! Claim: while SSISDB is online nowhere no worker finds a master, and no task is started or handed out.
//!
//! Whoever answers a heartbeat has written it to SSISDB, and so has whoever starts an execution. By what is seen: a worker
//! becomes connected, or a task changes, while for a while no node has had SQL Server, or the availability group, online or
//! on its way.

use std::time::Duration;

use failover_sim::cluster::ResourceKind;
use failover_sim::names::{NodeId, ResourceId, TaskId, WorkerId};
use failover_sim::observe::{Fact, NodeState, Power, Record, ResourceState, Source, Topic, WorkerState};
use failover_sim::time::Time;

use crate::plan::Plan;

use super::nodes_watched::NodesWatched;
use super::{Check, Verdict, Window};

pub(crate) struct NobodyWorksWithoutSsisdb {
    watched: NodesWatched,
    /// What SSISDB is in, if a resource says so.
    resource: Option<ResourceId>,
    /// Whether it may be running on each node.
    runs: Vec<bool>,
    /// Since when it runs nowhere, at the latest.
    away_since: Option<Time>,
    has_begun: bool,
    judged: u64,
    first: Option<(Time, Worked)>,
}

/// What worked that cannot.
#[derive(Clone, Copy, Debug)]
enum Worked {
    Connection(WorkerId),
    Task(TaskId),
}

impl NobodyWorksWithoutSsisdb {
    pub(crate) fn new(plan: &Plan) -> Self {
        let is_ssisdb = |kind| matches!(kind, ResourceKind::SqlServer | ResourceKind::AvailabilityGroup);
        let resources = &plan.topology.cluster.resources;
        let resource = resources.iter().position(|resource| is_ssisdb(resource.kind));
        Self {
            watched: NodesWatched::new(plan),
            resource: resource.map(|index| ResourceId(index as u16)),
            // Until a node is seen it may run there.
            runs: vec![true; plan.topology.nodes.len()],
            away_since: None,
            has_begun: false,
            judged: 0,
            first: None,
        }
    }

    /// Whether it is certain that SSISDB has been away for a while.
    fn is_away(&self, record: &Record) -> bool {
        self.away_since.is_some_and(|since| record.earliest.since(since) > A_MOMENT)
    }

    fn set(&mut self, node: NodeId, runs: bool, record: &Record) {
        self.runs[node.index()] = runs;
        if self.runs.contains(&true) {
            self.away_since = None;
        } else {
            self.away_since.get_or_insert(record.latest);
        }
    }
}

impl Check for NobodyWorksWithoutSsisdb {
    fn concerns(&self, _: Topic) -> bool {
        true
    }

    fn observe(&mut self, record: &Record) {
        self.watched.observe(record);
        self.has_begun |= record.fact == Fact::StepsBegan;
        let Some(resource) = self.resource else { return };
        if let Fact::Machine { node, power: Power::Off } = record.fact {
            self.set(node, false, record);
        } else if self.has_begun && self.is_away(record) {
            if let Fact::Worker { worker, state } = record.fact {
                self.judged += 1;
                if matches!(state, WorkerState::Connected { .. }) {
                    self.first.get_or_insert((record.latest, Worked::Connection(worker)));
                }
            } else if let Fact::Task { task, .. } = record.fact {
                self.first.get_or_insert((record.latest, Worked::Task(task)));
            }
        }
        let Source::Node(by) = record.source else { return };
        if let Fact::ResourceState { resource: of, state } = record.fact {
            if of == resource {
                // While it starts or stops it may answer.
                self.set(by, !matches!(state, ResourceState::Offline | ResourceState::Failed), record);
            }
        } else if let Fact::NodeState { node, state } = record.fact {
            // A newcomer shows only what changes: it has nothing online.
            if node == by && state == NodeState::Joining {
                self.set(by, false, record);
            }
        }
    }

    fn verdict(&self, plan: &Plan, _: Window) -> Verdict {
        if let Some((at, worked)) = self.first {
            let what = match worked {
                Worked::Connection(worker) => {
                    format!("worker `{}` was connected to a master", plan.names.worker(worker))
                }
                Worked::Task(task) => format!("{task} changed"),
            };
            let line = format!("{what} while SSISDB was online nowhere");
            return Verdict::fail(self.judged, at, vec![line], Vec::new());
        }
        self.watched.verdict(plan, self.judged, "no worker knocked while SSISDB was away")
    }
}

/// A worker that was answered just before is shown a little later (inferred).
const A_MOMENT: Duration = Duration::from_secs(5);
