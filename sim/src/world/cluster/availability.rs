//! How does SSISDB follow its availability group?
//!
//! Each node runs an instance of its own, which starts with the machine and which no cluster starts or stops. Where the
//! resource of the group is online, there the replica is the primary one (availability groups overview, documented).

use std::time::Duration;

use crate::choices::{ChoiceKey, Purpose};
use crate::cluster::{ClusterConfig, ResourceKind};
use crate::names::{NodeId, NodeSet, ResourceId, WorkerId};
use crate::observe::Power;
use crate::scaleout::{MasterEvent, Response};
use crate::sql::{Call, Replicas, SqlError, SqlServer};
use crate::time::Time;
use crate::topology::Topology;

use super::super::{Event, World};

/// On whose behalf a master calls SSISDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    /// A worker that waits for the answer.
    Worker(WorkerId),
    /// The master itself.
    Own,
}

/// A call to SSISDB whose transaction waits for a replica.
#[derive(Clone, Copy, Debug)]
pub(in crate::world) struct WaitingCall {
    /// The node of the master that called, and the start of it.
    node: NodeId,
    run: u32,
    asker: Asker,
    /// The connection of the worker that waits for the answer.
    connection: u32,
    call: Call,
    /// How long the master waits.
    until: Time,
}

/// The replicas at the start of a run, if SSISDB is in an availability group.
pub(in crate::world) fn replicas_of(topology: &Topology) -> Option<Replicas> {
    nodes_with_replica(&topology.cluster).map(Replicas::on)
}

/// The possible owners of the availability group.
fn nodes_with_replica(cluster: &ClusterConfig) -> Option<NodeSet> {
    let is_group = |kind| kind == ResourceKind::AvailabilityGroup;
    let group = cluster.resources.iter().position(|resource| is_group(resource.kind))?;
    Some(cluster.hosts_of(ResourceId(group as u16)))
}

impl World {
    /// A machine gets power at `boot`: its instance starts after that. Automatic is the start type that set-up gives an
    /// instance outside of a failover cluster (Windows service accounts and permissions, documented).
    pub(super) fn boot_instance(&mut self, node: NodeId, boot: Time) {
        if nodes_with_replica(&self.topology.cluster).is_none_or(|nodes| !nodes.contains(node)) {
            return;
        }
        let run = self.nodes[node.index()].sql_run;
        let key = ChoiceKey { purpose: Purpose::InstanceTime, subject: u32::from(node.0), ordinal: run };
        let ready = boot + self.choices.spread(key, self.topology.timings.sql_server_online);
        self.nodes[node.index()].sql_ready_at = ready;
        self.queue.push(ready, Event::InstanceStarted { node, run });
    }

    /// `Start-Service` of an instance with a replica, which no cluster starts; false if there is none on this node, or it
    /// cannot start.
    pub(in crate::world) fn start_instance(&mut self, node: NodeId) -> bool {
        let nodes = nodes_with_replica(&self.topology.cluster);
        let can =
            nodes.is_some_and(|nodes| nodes.contains(node)) && !self.nodes[node.index()].disabled.sql_server;
        if can {
            self.boot_instance(node, self.now);
        }
        can
    }

    pub(super) fn instance_started(&mut self, node: NodeId, run: u32) {
        let host = &mut self.nodes[node.index()];
        if host.sql_run == run && host.sql == SqlServer::Stopped && !host.disabled.sql_server {
            host.sql = SqlServer::Secondary;
        }
    }

    /// The group comes online on a node; says whether its replica can be primary. That the call waits for an instance
    /// which is still starting is inferred.
    pub(super) fn become_primary(&mut self, node: NodeId) -> bool {
        let is_synchronized = self.replicas.is_some_and(|replicas| replicas.is_synchronized(node));
        let can = is_synchronized && self.nodes[node.index()].sql == SqlServer::Secondary;
        if can {
            self.recover_ssisdb(node);
        }
        can
    }

    /// The group goes offline on a node: the instance runs on, and its replica is no longer primary.
    pub(super) fn step_down(&mut self, node: NodeId) {
        let host = &mut self.nodes[node.index()];
        if !matches!(host.sql, SqlServer::Recovering | SqlServer::Usable) {
            return;
        }
        host.sql = SqlServer::Secondary;
        host.sql_run += 1;
        self.packages_lose_sql_server();
    }

    /// Whether a transaction on the SSISDB of this node ends. Without an availability group it always does.
    ///
    /// A replica is left behind once the cluster no longer has its node as a member, or its node answers and its
    /// instance does not. Before that the transaction waits, for the session time-out and then for the cluster to
    /// take note (that it is not left behind before is inferred): so a primary that is cut off commits nothing that the
    /// others do not have.
    #[inline]
    pub(in crate::world) fn commits(&mut self, primary: NodeId) -> bool {
        self.replicas.is_none_or(|replicas| self.commits_with(primary, replicas))
    }

    fn commits_with(&mut self, primary: NodeId, mut replicas: Replicas) -> bool {
        if !self.nodes[primary.index()].is_member() {
            return false;
        }
        let members = self.nodes[primary.index()].service.view().members;
        let connected = self.node_set(|world, node| {
            world.nodes[node.index()].sql == SqlServer::Secondary && world.talks(primary, node)
        });
        let is_lost = |world: &Self, node: NodeId| !members.contains(node) || world.talks(primary, node);
        let lost: NodeSet = self.node_set(is_lost).minus(connected);
        let ends = replicas.commit(primary, connected, lost);
        self.replicas = Some(replicas);
        ends
    }

    /// The master of a node waits for the answer to a call.
    pub(super) fn wait_for_replica(&mut self, node: NodeId, asker: Asker, call: Call) {
        let until = self.now + COMMAND_TIMEOUT;
        let run = self.nodes[node.index()].master.run;
        let connection = self.connection_of(asker);
        self.waiting.push(WaitingCall { node, run, asker, connection, call, until });
        self.queue.push(until, Event::CallTimesOut(node));
    }

    /// Tries again what waits for a replica: something has changed.
    pub(in crate::world) fn try_waiting_calls(&mut self) {
        for waiting in std::mem::take(&mut self.waiting) {
            let host = &self.nodes[waiting.node.index()];
            if host.power == Power::Frozen {
                self.waiting.push(waiting);
                continue;
            }
            let master = &host.master;
            let is_awaited = master.is_running
                && master.run == waiting.run
                && self.connection_of(waiting.asker) == waiting.connection;
            if !is_awaited {
                continue;
            }
            let answer = match self.ask_ssisdb(waiting.node, waiting.call) {
                None if self.now < waiting.until => {
                    self.waiting.push(waiting);
                    continue;
                }
                None => Err(SqlError::Unreachable),
                Some(answer) => answer,
            };
            match waiting.asker {
                Asker::Worker(worker) => self.respond(waiting.node, worker, Response::of(answer)),
                Asker::Own => self.step_master(waiting.node, MasterEvent::Answered(answer)),
            }
        }
    }

    /// The number of the connection on which a worker waits.
    fn connection_of(&self, asker: Asker) -> u32 {
        match asker {
            Asker::Worker(worker) => self.workers[worker.index()].connection.number,
            Asker::Own => 0,
        }
    }
}

/// `SqlCommand.CommandTimeout`, default (documented); that the master leaves it so is inferred.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
