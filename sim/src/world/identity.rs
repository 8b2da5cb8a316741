//! Which state of the cluster is this, to somebody who visits all of them?

use std::hash::{DefaultHasher, Hash, Hasher};

use super::World;

impl World {
    /// A number for the state of the nodes, their cluster services and everything that these share: the disk's
    /// reservation, the witness, the links, the addresses.
    ///
    /// States that differ in absolute times alone have the same number. What is on its way in the queue, workers and
    /// tasks are left out: compare worlds that have come to rest.
    pub fn cluster_state(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for host in &self.nodes {
            host.power.hash(&mut hasher);
            host.service.hash(&mut hasher);
            host.sql.hash(&mut hasher);
            (host.master.is_running, host.master.hangs, host.master.listens).hash(&mut hasher);
            (host.regroup_of.is_some(), host.shutdown, host.has_adapter, host.left, host.disabled)
                .hash(&mut hasher);
            (host.port_blocked, host.login_refused, host.master_missing, host.settings.port)
                .hash(&mut hasher);
            host.quarantine.count(self.now).hash(&mut hasher);
        }
        (
            self.reservation,
            self.witness_holder,
            self.witness_works,
            self.witness_from > self.now,
            self.directory_works,
        )
            .hash(&mut hasher);
        self.links.hash(&mut hasher);
        self.unsent.len().hash(&mut hasher);
        self.addresses.hash(&mut hasher);
        self.dns.hash(&mut hasher);
        self.duplicates.hash(&mut hasher);
        hasher.finish()
    }
}
