//! What does an action do to what is set up on a node?

use crate::action::NodeChange;
use crate::names::{CertificateId, NodeId};
use crate::scaleout::MasterSettings;
use crate::step::Shared;
use crate::trust::HostTrust;

use super::super::World;
use super::super::wire::WireCommand;

impl World {
    pub(super) fn change_node(&mut self, node: NodeId, change: NodeChange) {
        let topology = self.topology.clone();
        let own = &topology.nodes[node.index()];
        match change {
            NodeChange::HttpsBinding(present) => {
                self.change_trust(node, |trust| trust.binding = own.binding.filter(|_| present));
            }
            NodeChange::PrivateKey(present) => self.change_trust(node, |trust| trust.private_key = present),
            NodeChange::WorkerCertificates(present) => self.change_trust(node, |trust| {
                let of_worker = |one: &CertificateId| topology.workers.iter().any(|w| w.own == Some(*one));
                trust.root.retain(|one| !of_worker(one));
                trust.root.extend(own.root.iter().filter(|one| present && of_worker(one)));
                trust.root.sort_unstable();
            }),
            NodeChange::RootStore(clean) => self.change_trust(node, |trust| trust.root_is_clean = clean),
            NodeChange::MasterPort(open) => {
                self.nodes[node.index()].port_blocked = !open;
                self.tell_whether_heard(node);
            }
            NodeChange::MasterService(installed) => self.nodes[node.index()].master_missing = !installed,
            NodeChange::SqlLogin(accepted) => self.nodes[node.index()].login_refused = !accepted,
            NodeChange::PortNumber(port) => {
                let host = &mut self.nodes[node.index()];
                host.settings = Shared::new(MasterSettings { port, ..(*host.settings).clone() });
            }
        }
    }

    /// The certificate is bound, has its key, and is trusted on the node.
    pub(super) fn replace_certificate(&mut self, node: NodeId, with: CertificateId) {
        self.change_trust(node, |trust| {
            trust.binding = Some(with);
            trust.private_key = true;
            if let Err(place) = trust.root.binary_search(&with) {
                trust.root.insert(place, with);
            }
        });
    }

    /// New connections meet what is changed, old ones do not.
    pub(in crate::world) fn change_trust(&mut self, node: NodeId, change: impl FnOnce(&mut HostTrust)) {
        let host = &mut self.nodes[node.index()];
        change(&mut host.trust);
        host.class = self.trust.host(host.trust.clone());
        self.wire.command(WireCommand::Rebind { node });
    }
}
