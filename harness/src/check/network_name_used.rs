//! Claim: no worker is connected through a node's name or through an address.
//!
//! Such a worker works until the role leaves, and shows nothing before that (step 7 of the guide).

use failover_sim::names::{HostId, WorkerId};
use failover_sim::observe::{Fact, Record, Topic, WorkerState};
use failover_sim::time::Time;
use failover_sim::topology::Target;

use crate::plan::Plan;

use super::workers_watched::WorkersWatched;
use super::{Check, Verdict, Window};

pub(crate) struct NetworkNameUsed {
    /// For each host, whether it is a network name of the cluster.
    is_network_name: Vec<bool>,
    judged: u64,
    watched: WorkersWatched,
    first: Option<(Time, WorkerId, HostId)>,
}

impl NetworkNameUsed {
    pub(crate) fn new(plan: &Plan) -> Self {
        let is_name = |target: &Target| matches!(target, Target::Name(_));
        Self {
            is_network_name: plan.topology.hosts.iter().map(is_name).collect(),
            judged: 0,
            watched: WorkersWatched::default(),
            first: None,
        }
    }
}

impl Check for NetworkNameUsed {
    fn concerns(&self, topic: Topic) -> bool {
        matches!(topic, Topic::Connections | Topic::Looks)
    }

    fn observe(&mut self, record: &Record) {
        self.watched.observe(record);
        if let Fact::Worker { worker, state: WorkerState::Connected { through, .. } } = record.fact {
            self.judged += 1;
            if !self.is_network_name[through.index()] && self.first.is_none() {
                self.first = Some((record.latest, worker, through));
            }
        }
    }

    fn verdict(&self, plan: &Plan, _: Window) -> Verdict {
        if let Some((at, worker, through)) = self.first {
            let (worker, host) = (plan.names.worker(worker), plan.names.host(through));
            let line =
                format!("worker `{worker}` is connected through `{host}`, which does not move with the role");
            let hint = "step 7 of the guide: MasterEndpoint names the network name of the master's role";
            return Verdict::fail(self.judged, at, vec![line], vec![hint.to_owned()]);
        }
        self.watched.verdict(self.judged)
    }
}
