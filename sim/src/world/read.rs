//! What do services read when they start, if somebody outside keeps their files and stores?

use crate::names::{NodeId, WorkerId};
use crate::observe::Loss;
use crate::scaleout::{Master, MasterSettings, Worker, WorkerProcess, WorkerSettings};
use crate::step::Shared;
use crate::trust::{ClientTrust, HostTrust};

use super::World;

impl World {
    /// A node's `MasterSettings.config` and stores say this: the answer to
    /// [`StartMaster`](super::WireCommand::StartMaster). A master that is ready already goes on with what it has.
    pub fn master_reads(&mut self, node: NodeId, settings: MasterSettings, trust: HostTrust) {
        let host = &mut self.nodes[node.index()];
        if *host.settings != settings {
            host.settings = Shared::new(settings);
        }
        if host.master.is_running && !host.master.machine.has_begun() {
            host.master.port = host.settings.port;
            host.master.machine = Master::new(host.settings.clone());
        }
        if host.trust != trust {
            self.change_trust(node, |held| *held = trust);
        }
    }

    /// A node's `MasterSettings.config` cannot be read: the service ends (inferred: no source says what becomes of it).
    pub fn master_cannot_read(&mut self, node: NodeId) {
        self.master_ends(node, Loss::Reset);
    }

    /// A worker's `WorkerSettings.config` and stores say this, which its service reads when it starts. One that runs goes on
    /// with what it has read.
    pub fn worker_reads(&mut self, worker: WorkerId, settings: WorkerSettings, trust: ClientTrust) {
        let host = &mut self.workers[worker.index()];
        match host.machine.process() {
            WorkerProcess::Runs => return,
            // Whoever starts the service ends its process first.
            WorkerProcess::Hangs => self.end_worker(worker, settings),
            WorkerProcess::Stopped => host.machine = Worker::new(worker, Shared::new(settings)),
        }
        let class = self.trust.client(trust);
        self.workers[worker.index()].become_client(class);
    }
}
