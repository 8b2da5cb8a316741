//! How much of an outage's time passes at a speed that nobody has measured?
//!
//! Some of it follows from documented settings: heartbeats, polls, time-outs, restart delays. The rest rests on
//! durations that are ours until somebody measures them: how long a resource is on its way, how long a regroup takes,
//! how long SSISDB recovers and the master starts, how long a worker waits before it tries again. Where the topology
//! states a duration of its own (`timings`), that one counts as measured.

use std::time::Duration;

use failover_sim::cluster::ResourceKind;
use failover_sim::names::{NodeId, NodeSet, ResourceId};
use failover_sim::observe::ResourceState;
use failover_sim::time::Time;
use failover_sim::topology::Timings;

use crate::plan::Plan;

/// Adds up the time that rests on assumed durations.
#[derive(Debug)]
pub(super) struct Assumed {
    resources: Vec<Assumption>,
    /// For each node, how its own view shows each resource of the role.
    states: Vec<Vec<ResourceState>>,
    /// For each node, which resources of the role can be online there.
    possible: Vec<Vec<bool>>,
    /// Some resource is on its way, for a time that nobody has measured.
    is_on_its_way: bool,
    /// When the last resource came online on the node that serves.
    whole_since: Option<Time>,
    /// How long SSISDB and the master need at most from there, as far as that is assumed.
    start: Duration,
    /// How long a regroup takes at most, if that is assumed.
    regroup: Duration,
    now: Time,
    sum: Duration,
}

#[derive(Debug)]
struct Assumption {
    resource: ResourceId,
    online: bool,
    offline: bool,
}

impl Assumed {
    pub(super) fn new(plan: &Plan) -> Self {
        let (own, default) = (&plan.topology.timings, &Timings::DEFAULT);
        let cluster = &plan.topology.cluster;
        let resources: Vec<Assumption> = cluster.roles[plan.role.index()]
            .resources
            .iter()
            .map(|&resource| {
                let (online, offline) = match cluster.resources[resource.index()].kind {
                    ResourceKind::PhysicalDisk => (own.disk_online == default.disk_online, None),
                    ResourceKind::IpAddress(_) => (own.ip_address_online == default.ip_address_online, None),
                    ResourceKind::NetworkName(_) => {
                        (own.network_name_online == default.network_name_online, None)
                    }
                    ResourceKind::SqlServer => (
                        own.sql_server_online == default.sql_server_online,
                        Some(own.sql_server_offline == default.sql_server_offline),
                    ),
                    ResourceKind::SqlServerAgent => (own.agent_online == default.agent_online, None),
                    ResourceKind::AvailabilityGroup => {
                        (own.availability_group_online == default.availability_group_online, None)
                    }
                    ResourceKind::ScaleOutMaster => (own.master_online == default.master_online, None),
                };
                let offline = offline.unwrap_or(own.offline == default.offline);
                Assumption { resource, online, offline }
            })
            .collect();
        let if_assumed = |is_assumed: bool, most: Duration| if is_assumed { most } else { Duration::ZERO };
        let hosts: Vec<NodeSet> = resources.iter().map(|one| cluster.hosts_of(one.resource)).collect();
        let on = |node: usize| hosts.iter().map(|hosts| hosts.contains(NodeId(node as u8))).collect();
        Self {
            possible: (0..plan.topology.nodes.len()).map(on).collect(),
            states: vec![vec![ResourceState::Offline; resources.len()]; plan.topology.nodes.len()],
            resources,
            is_on_its_way: false,
            whole_since: None,
            start: if_assumed(own.recovery == default.recovery, own.recovery.most)
                + if_assumed(own.master_serves == default.master_serves, own.master_serves.most),
            regroup: if_assumed(own.regroup == default.regroup, own.regroup.most),
            now: Time::ZERO,
            sum: Duration::ZERO,
        }
    }

    /// A new outage begins: counts from nothing.
    pub(super) fn begin(&mut self) {
        self.sum = Duration::ZERO;
    }

    /// The loss of a node is known: a regroup came before that, which nobody sees. Its longest time is taken.
    pub(super) fn regrouped(&mut self, since_fault: Duration) {
        self.sum += self.regroup.min(since_fault);
    }

    /// Time goes on, while the endpoint answers or not, and while workers are away or not.
    pub(super) fn advance(&mut self, now: Time, endpoint_answers: bool, workers_away: bool) {
        let passed = now.since(self.now);
        if self.is_on_its_way || (endpoint_answers && workers_away) {
            self.sum += passed;
        } else if let Some(since) = self.whole_since.filter(|_| !endpoint_answers) {
            self.sum += now.min(since + self.start).since(self.now.max(since).min(now));
        }
        self.now = now;
    }

    pub(super) fn resource(&mut self, node: NodeId, resource: ResourceId, state: ResourceState) {
        let Some(place) = self.resources.iter().position(|own| own.resource == resource) else { return };
        self.states[node.index()][place] = state;
        self.look();
        let is_whole = self.states.iter().zip(&self.possible).any(|(states, possible)| {
            states.iter().zip(possible).all(|(&state, &possible)| !possible || state == ResourceState::Online)
        });
        match (is_whole, self.whole_since) {
            (true, None) => self.whole_since = Some(self.now),
            (false, _) => self.whole_since = None,
            (true, Some(_)) => {}
        }
    }

    /// The machine lost its power or stands still: nothing is on its way there.
    pub(super) fn stopped(&mut self, node: NodeId) {
        self.states[node.index()].fill(ResourceState::Offline);
        self.look();
        self.whole_since = None;
    }

    fn look(&mut self) {
        self.is_on_its_way = self.states.iter().any(|states| {
            self.resources.iter().zip(states).any(|(assumption, state)| match state {
                ResourceState::OnlinePending => assumption.online,
                ResourceState::OfflinePending => assumption.offline,
                ResourceState::Online | ResourceState::Offline | ResourceState::Failed => false,
            })
        });
    }

    /// What has come together since the outage began.
    pub(super) const fn sum(&self) -> Duration {
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::backend::SimBackend;
    use crate::phase::{Latency, PHASES, Spread};
    use crate::plan::Overrides;
    use crate::runner::run_scenario;
    use crate::scenario::load;

    fn shares(scenario: &str) -> [Option<u64>; PHASES.len()] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios").join(scenario);
        let plan = load(&[file], 1, &Overrides::default()).expect("a scenario of the repository").remove(0);
        let report = run_scenario(&plan, &mut SimBackend::default(), &mut Vec::new());
        let judgement = report.judgement.expect("it was judged");
        Latency::of(&judgement.outages).phases.map(|spread| spread.map(|Spread { assumed, .. }| assumed))
    }

    #[test]
    fn a_move_rests_on_how_long_resources_take_and_the_loss_of_a_node_mostly_on_heartbeats() {
        let moved = shares("cluster/planned_move.yaml").map(|share| share.expect("every phase was reached"));
        assert_eq!(moved[0], 0);
        assert!(moved[1..].iter().all(|share| (90..=100).contains(share)), "{moved:?}");
        let lost =
            shares("cluster/owner_power_off.yaml").map(|share| share.expect("every phase was reached"));
        assert!((1..50).contains(&lost[0]), "{lost:?}");
        assert!(lost[0] < lost[3] && lost[3] < moved[3], "{lost:?}");
    }

    #[test]
    fn what_the_topology_states_is_not_assumed() {
        let stated =
            shares("model/common_workload.yaml").map(|share| share.expect("every phase was reached"));
        // How long workers wait before they try again stands in no topology, but here they hardly wait.
        assert_eq!(stated, [0; PHASES.len()]);
    }
}
