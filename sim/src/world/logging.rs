//! Where do the messages of a package end up?
//!
//! A worker writes them into SSISDB by itself, past the master: with a login of SQL Server, at the server that SSISDB names for
//! it (`catalog.update_logdb_info`, documented). Each package writes once here, when it ends.

use crate::names::{NodeId, TaskId, WorkerId};
use crate::observe::{ExecutionLog, Fact, Source};
use crate::topology::{Authentication, Target};

use super::World;

impl World {
    /// A package has ended on this worker's machine.
    pub(super) fn package_ended(&mut self, worker: WorkerId, task: TaskId) {
        self.show(Source::Worker(worker), Fact::Package { task, worker, runs: false });
        let log = match self.topology.logging.authentication {
            // Packages run, and nothing is logged (documented).
            Authentication::WindowsOnly => ExecutionLog::Refused,
            Authentication::Mixed if self.log_server_answers() => return,
            // What could not be written is kept on the worker's disk (since 2017 RC1, documented).
            Authentication::Mixed => {
                self.log_cache.push((worker, task));
                ExecutionLog::Cached
            }
        };
        self.show(Source::Worker(worker), Fact::ExecutionLog { task, worker, log });
    }

    /// A worker's service has started: it sends what its machine has kept (documented).
    pub(super) fn send_log_cache(&mut self, worker: WorkerId) {
        if self.log_cache.is_empty() || !self.log_server_answers() {
            return;
        }
        let (sent, kept) = self.log_cache.iter().partition(|(of, _)| *of == worker);
        self.log_cache = kept;
        let sent: Vec<(WorkerId, TaskId)> = sent;
        for (_, task) in sent {
            self.show(
                Source::Worker(worker),
                Fact::ExecutionLog { task, worker, log: ExecutionLog::Written },
            );
        }
    }

    /// Whether SQL Server takes messages of workers at the server that SSISDB names for them.
    fn log_server_answers(&self) -> bool {
        let takes = |node: NodeId| self.hears_clients(node) && self.nodes[node.index()].sql.answers();
        self.topology.targets_of(self.topology.logging.server).any(|target| match target {
            Target::Cluster(address) => self.addresses.holder(address).is_some_and(takes),
            Target::Node(node) => self.nodes_have_instances() && takes(node),
            Target::Name(_) | Target::Nobody => false,
        })
    }
}
