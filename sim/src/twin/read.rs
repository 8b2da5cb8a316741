//! What stands in the files and stores of a machine when a service reads them?
//!
//! Whoever runs a twin may edit them: what they say is in force from the next start of the service on.

use std::fs;
use std::io;
use std::path::Path;

use crate::action::{Action, ResolvedAction, ServiceAction};
use crate::names::{CertificateId, HostId, NodeId, WorkerId};
use crate::scaleout::{MasterSettings, WorkerProcess, WorkerSettings};
use crate::trust::{ClientTrust, HostTrust, Thumbprint};

use super::TwinError;
use super::certificates::Certificates;
use super::driver::Driver;
use super::settings_files;

/// What a worker's machine has.
type WorkersPart = (WorkerId, WorkerSettings, ClientTrust);

impl Driver {
    /// Reads the files of the services that an action starts, or whose files it changes.
    ///
    /// # Errors
    /// What is wrong with them; nothing has changed then.
    pub(crate) fn read_before(&mut self, action: ResolvedAction) -> Result<(), TwinError> {
        if let Action::ChangeNode { node, .. } | Action::ReplaceMasterCertificate { node, .. } = action {
            let (settings, trust) = self.files_of_node(node)?;
            self.world.master_reads(node, settings, trust);
        }
        if let Action::WorkerService { worker, what: ServiceAction::Start } = action {
            let (worker, settings, trust) = self.files_of_worker(worker)?;
            self.know_port(settings.endpoint_port)?;
            self.world.worker_reads(worker, settings, trust);
        }
        if let Action::SetWorkers(_) = action {
            let workers = (0..self.clients.len()).map(|worker| WorkerId(worker as u32));
            let parts: Vec<WorkersPart> =
                workers.map(|worker| self.files_of_worker(worker)).collect::<Result<_, _>>()?;
            parts.into_iter().try_for_each(|part| self.read_at_restart(part))?;
        }
        Ok(())
    }

    /// Reads the files of a worker whose service is about to be restarted.
    pub(crate) fn read_before_restart(&mut self, worker: WorkerId) -> Result<(), TwinError> {
        let part = self.files_of_worker(worker)?;
        self.read_at_restart(part)
    }

    fn read_at_restart(&mut self, (worker, settings, trust): WorkersPart) -> Result<(), TwinError> {
        self.know_port(settings.endpoint_port)?;
        if self.world.worker_process(worker) != WorkerProcess::Stopped {
            self.world.apply(Action::WorkerService { worker, what: ServiceAction::Stop })?;
        }
        self.world.worker_reads(worker, settings, trust);
        Ok(())
    }

    /// A master's service starts and reads its files.
    pub(crate) fn start_master(&mut self, node: NodeId) {
        let read = self.files_of_node(node);
        match read.and_then(|parts| self.know_port(parts.0.port).map(|()| parts)) {
            Ok((settings, trust)) => self.world.master_reads(node, settings, trust),
            Err(error) => {
                self.notes.add(format!("{error}: the master's service ends"));
                self.world.master_cannot_read(node);
            }
        }
    }

    fn files_of_node(&self, node: NodeId) -> Result<(MasterSettings, HostTrust), TwinError> {
        let host = self.folder.node_host(node);
        let (file, bytes) = self.settings_file(&host, "MasterSettings.config")?;
        let name = self.folder.names().node(node);
        let settings = settings_files::read_master(&file, &bytes, name, |name| self.host_named(name))
            .map_err(TwinError::Settings)?;
        let before = self.world.host_trust(node);
        let root = self.read_store(&host, "Root")?;
        let private_key = before.binding.map_or(before.private_key, |bound| root.contains(&(bound, true)));
        let root = ids(&root);
        Ok((settings, HostTrust { root, private_key, ..before.clone() }))
    }

    fn files_of_worker(&self, worker: WorkerId) -> Result<WorkersPart, TwinError> {
        let host = self.folder.worker_host(worker);
        let (file, bytes) = self.settings_file(&host, "WorkerSettings.config")?;
        let before = self.world.worker_settings(worker);
        let read = settings_files::read_worker(&file, &bytes, before, |name| self.host_named(name))
            .map_err(TwinError::Settings)?;
        let my = self.read_store(&host, "My")?;
        let is_own = |id: CertificateId| Some(self.certificates.get(id).thumbprint()) == read.own;
        let own = my.iter().find(|(id, _)| is_own(*id));
        let known = |pin: Thumbprint| self.certificates.with_thumbprint(pin);
        let trust = ClientTrust {
            root: ids(&self.read_store(&host, "Root")?),
            pin: read.pin.and_then(known),
            own: own.map(|(id, _)| *id),
            key_readable: own.is_none_or(|(_, has_key)| *has_key),
        };
        Ok((worker, read.settings, trust))
    }

    fn settings_file(&self, host: &str, name: &str) -> Result<(String, Vec<u8>), TwinError> {
        let (shown, path) = self.folder.settings(host, name);
        let bytes = fs::read(&path).map_err(|source| TwinError::Unreadable { path, source })?;
        Ok((shown, bytes))
    }

    pub(crate) fn host_named(&self, name: &str) -> Option<HostId> {
        let found = self.hosts.iter().position(|host| host.eq_ignore_ascii_case(name))?;
        Some(HostId(found as u16))
    }

    /// The certificates of a store that this twin has made, each with whether its key lies beside it.
    fn read_store(&self, host: &str, store: &str) -> Result<Vec<(CertificateId, bool)>, TwinError> {
        let path = self.folder.store(host, store);
        let read = read_store(&path, &self.certificates);
        read.map_err(|source| TwinError::Unreadable { path, source })
    }
}

fn ids(store: &[(CertificateId, bool)]) -> Vec<CertificateId> {
    store.iter().map(|(id, _)| *id).collect()
}

/// In ascending order. What is no certificate of this twin is nobody's that it could meet.
fn read_store(path: &Path, certificates: &Certificates) -> io::Result<Vec<(CertificateId, bool)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path)? {
        let file = entry?.path();
        if file.extension().is_some_and(|ending| ending == "key") || !file.is_file() {
            continue;
        }
        let bytes = fs::read(&file)?;
        let der = pem::parse(&bytes).map_or(bytes, pem::Pem::into_contents);
        if let Some(id) = certificates.identify(&der) {
            found.push((id, file.with_extension("key").exists()));
        }
    }
    found.sort_unstable();
    found.dedup_by_key(|(id, _)| *id);
    Ok(found)
}
