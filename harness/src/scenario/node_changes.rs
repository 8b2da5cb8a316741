//! What is changed on a node by `change_node`?

use failover_sim::action::NodeChange;

use super::document::{ChangeNode, InstalledWord, LoginWord, PortWord, PresentWord, RootWord};

/// One change for each key.
pub(super) fn changes(document: &ChangeNode) -> impl Iterator<Item = NodeChange> {
    let is_present = |word| word == PresentWord::Present;
    let changes = [
        document.https_binding.map(|word| NodeChange::HttpsBinding(is_present(word))),
        document.private_key.map(|word| NodeChange::PrivateKey(is_present(word))),
        document.worker_certificates.map(|word| NodeChange::WorkerCertificates(is_present(word))),
        document.root_store.map(|word| NodeChange::RootStore(word == RootWord::Clean)),
        document.master_port.map(|word| NodeChange::MasterPort(word == PortWord::Open)),
        document.master_service.map(|word| NodeChange::MasterService(word == InstalledWord::Installed)),
        document.sql_login.map(|word| NodeChange::SqlLogin(word == LoginWord::Accepted)),
        document.port_number.map(NodeChange::PortNumber),
    ];
    changes.into_iter().flatten()
}
