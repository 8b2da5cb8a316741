//! How does SQL Server run on a node?

use crate::choices::Purpose;
use crate::cluster::{ResourceKind, ResourcePolicy};
use crate::names::{NodeId, ResourceId};
use crate::sql::SqlServer;

use super::super::{Event, World};

impl World {
    /// Whether the databases of the instance lie on a disk of the cluster. Where it has none they are on an SMB share or a
    /// cluster shared volume (failover cluster instances take both, documented): these go to the node on which the cluster
    /// starts SQL Server, and are never out of reach (assumed).
    pub(super) fn has_shared_disk(&self) -> bool {
        self.find_resource(|kind| kind == ResourceKind::PhysicalDisk).is_some()
    }

    pub(in crate::world) fn start_sql_server(&mut self, node: NodeId) -> bool {
        if self.reservation != Some(node) || self.nodes[node.index()].disabled.sql_server {
            return false;
        }
        self.recover_ssisdb(node);
        true
    }

    /// SSISDB is on its way to be usable on this node.
    pub(super) fn recover_ssisdb(&mut self, node: NodeId) {
        let host = &mut self.nodes[node.index()];
        host.sql = SqlServer::Recovering;
        host.sql_run += 1;
        let run = host.sql_run;
        let time = self.draw(Purpose::RecoveryTime, u32::from(node.0), run, self.topology.timings.recovery);
        self.queue.push(self.now + time, Event::SsisdbRecovered { node, run });
    }

    pub(super) fn stop_sql_server(&mut self, node: NodeId) {
        let host = &mut self.nodes[node.index()];
        let had_ssisdb = host.sql.answers();
        host.sql = SqlServer::Stopped;
        host.sql_run += 1;
        if had_ssisdb {
            self.packages_lose_sql_server();
        }
    }

    /// SQL Server's process ends without the cluster's doing: the connection of its health check breaks.
    pub(in crate::world) fn sql_server_ends(&mut self, node: NodeId) {
        self.stop_sql_server(node);
        if let Some((resource, policy)) = self.sql_policy()
            && policy.minds_stopped_sql_server()
        {
            let poll = self.next_poll(node, resource);
            self.queue.push(poll, Event::PollFindsFailure { node, resource });
        }
    }

    /// SQL Server answers nothing any more: no diagnostics arrive for `HealthCheckTimeout`.
    pub(in crate::world) fn sql_server_hangs(&mut self, node: NodeId) {
        self.nodes[node.index()].sql = SqlServer::Hung;
        if let Some((resource, policy)) = self.sql_policy()
            && policy.minds_silent_sql_server()
        {
            let moment = self.now + policy.health_check_timeout;
            self.queue.push(moment, Event::PollFindsFailure { node, resource });
        }
    }

    /// The resource whose health is that of SQL Server.
    fn sql_policy(&self) -> Option<(ResourceId, ResourcePolicy)> {
        let resource = self.find_resource(|kind| {
            matches!(kind, ResourceKind::SqlServer | ResourceKind::AvailabilityGroup)
        })?;
        Some((resource, self.topology.cluster.resources[resource.index()].policy))
    }
}
