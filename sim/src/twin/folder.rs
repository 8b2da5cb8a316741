//! Which files does a machine of the twin have?
//!
//! Laid out as on Windows, a folder for each host. The stores are `NODE1/LocalMachine/Root`, `w1/LocalMachine/My`: a
//! certificate is a `.pem` file; where the private key is there too, it lies beside it as a `.key` file that only the
//! user can read. The settings are `NODE1/DTS/Binn/MasterSettings.config` and `w1/DTS/Binn/WorkerSettings.config`, each
//! with the certificate that setup leaves there, in DER form, beside it (install-a-scale-out-master, documented).

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::names::{CertificateId, Names, NodeId, WorkerId};
use crate::scaleout::{MasterSettings, WorkerSettings};
use crate::trust::{ClientTrust, HostTrust};

use super::TwinError;
use super::certificates::Certificates;
use super::settings_files;

/// The folder of a twin, which goes with it.
#[derive(Debug)]
pub(crate) struct Folder {
    folder: TempDir,
    names: Names,
}

/// Whether the private key comes with a certificate.
#[derive(Clone, Copy)]
enum Key {
    Included,
    Missing,
    /// If it is there, it stays.
    AsBefore,
}

impl Folder {
    /// An empty folder in the place where temporary files belong.
    pub(crate) fn make(names: &Names) -> Result<Self, TwinError> {
        let folder = tempfile::Builder::new()
            .prefix("failover-twin-")
            .tempdir()
            .map_err(|source| TwinError::File { path: std::env::temp_dir(), source })?;
        Ok(Self { folder, names: names.clone() })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) const fn names(&self) -> &Names {
        &self.names
    }

    /// The folder of a node's machine.
    pub(crate) fn node_host(&self, node: NodeId) -> String {
        file_name(self.names.nodes.get(node.index()), "node", node.index())
    }

    /// The folder of a worker's machine.
    pub(crate) fn worker_host(&self, worker: WorkerId) -> String {
        file_name(self.names.workers.get(worker.index()), "worker", worker.index())
    }

    /// A settings file of a machine: how it is called in errors, and where it lies.
    pub(crate) fn settings(&self, host: &str, name: &str) -> (String, PathBuf) {
        (format!("{host}/{PROGRAMS}/{name}"), self.path().join(host).join(PROGRAMS).join(name))
    }

    /// A store of a machine: `Root` or `My`.
    pub(crate) fn store(&self, host: &str, store: &str) -> PathBuf {
        self.path().join(host).join("LocalMachine").join(store)
    }

    /// What a program in a worker's place has printed.
    pub(crate) fn log(&self, host: &str) -> PathBuf {
        self.path().join(host).join("program.log")
    }

    /// The name of a certificate's files.
    pub(crate) fn certificate(&self, id: CertificateId) -> String {
        file_name(self.names.certificates.get(id.index()), "certificate", id.index())
    }

    /// Writes the stores and the settings of a node as they are at this moment.
    pub(crate) fn write_node(
        &self,
        node: NodeId,
        settings: &MasterSettings,
        trust: &HostTrust,
        certificates: &Certificates,
    ) -> Result<(), TwinError> {
        let host = self.node_host(node);
        self.make_folder(&host, "LocalMachine/My")?;
        let in_root = trust.root.iter().map(|&id| {
            // Guide step 4: the master's certificate lies in Root, with its key.
            let key = match (trust.binding == Some(id), trust.private_key) {
                (true, true) => Key::Included,
                (true, false) => Key::Missing,
                (false, _) => Key::AsBefore,
            };
            (id, key)
        });
        self.write_store(&self.make_folder(&host, "LocalMachine/Root")?, in_root, certificates)?;
        let thumbprint = trust.binding.map(|bound| certificates.get(bound).thumbprint());
        let sql_server = self.names.host(settings.sql_server);
        let programs = self.make_folder(&host, PROGRAMS)?;
        let file = programs.join("MasterSettings.config");
        let text = settings_files::master(&before(&file)?, settings, thumbprint, sql_server);
        if let Some(bound) = trust.binding {
            let der = certificates.get(bound).der();
            write_file(programs.join("SSISScaleOutMaster.cer"), der, 0o644)?;
        }
        write_file(file, text.as_bytes(), 0o644)
    }

    /// Writes the stores and the settings of a worker's machine.
    pub(crate) fn write_worker(
        &self,
        worker: WorkerId,
        settings: &WorkerSettings,
        trust: &ClientTrust,
        certificates: &Certificates,
    ) -> Result<(), TwinError> {
        let host = self.worker_host(worker);
        let in_root = trust.root.iter().map(|&id| (id, Key::Missing));
        self.write_store(&self.make_folder(&host, "LocalMachine/Root")?, in_root, certificates)?;
        let key = if trust.key_readable { Key::Included } else { Key::Missing };
        let in_my = trust.own.into_iter().map(|own| (own, key));
        self.write_store(&self.make_folder(&host, "LocalMachine/My")?, in_my, certificates)?;
        let thumbprint = |id: CertificateId| certificates.get(id).thumbprint();
        let (pin, own) = (trust.pin.map(thumbprint), trust.own.map(thumbprint));
        let programs = self.make_folder(&host, PROGRAMS)?;
        let file = programs.join("WorkerSettings.config");
        let endpoint = self.names.host(settings.endpoint_host);
        let text = settings_files::worker(&before(&file)?, worker, settings, endpoint, pin, own);
        if let Some(own) = trust.own {
            write_file(programs.join("SSISScaleOutWorker.cer"), certificates.get(own).der(), 0o644)?;
        }
        write_file(file, text.as_bytes(), 0o644)
    }

    fn make_folder(&self, host: &str, below: &str) -> Result<PathBuf, TwinError> {
        let path = self.path().join(host).join(below);
        fs::create_dir_all(&path).map_err(|source| TwinError::File { path: path.clone(), source })?;
        Ok(path)
    }

    /// Makes a store hold these certificates and nothing else.
    fn write_store(
        &self,
        store: &Path,
        holds: impl Iterator<Item = (CertificateId, Key)>,
        certificates: &Certificates,
    ) -> Result<(), TwinError> {
        let mut kept = BTreeSet::new();
        for (id, key) in holds {
            let name = self.certificate(id);
            let made = certificates.get(id);
            let (pem, secret) = (store.join(format!("{name}.pem")), store.join(format!("{name}.key")));
            write_file(pem.clone(), made.pem.as_bytes(), 0o644)?;
            kept.insert(pem);
            match key {
                Key::Included => {
                    write_file(secret.clone(), made.key_pem.as_bytes(), 0o600)?;
                    kept.insert(secret);
                }
                Key::AsBefore => {
                    kept.insert(secret);
                }
                Key::Missing => {}
            }
        }
        let failed = |source| TwinError::File { path: store.to_owned(), source };
        for entry in fs::read_dir(store).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if !kept.contains(&path) {
                fs::remove_file(&path).map_err(|source| TwinError::File { path, source })?;
            }
        }
        Ok(())
    }
}

/// What stands in a file, if it is there.
fn before(path: &Path) -> Result<Vec<u8>, TwinError> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(|source| TwinError::Unreadable { path: path.to_owned(), source }),
    }
}

fn write_file(path: PathBuf, bytes: &[u8], mode: u32) -> Result<(), TwinError> {
    let written = create(&path, mode).and_then(|mut file| file.write_all(bytes));
    written.map_err(|source| TwinError::File { path, source })
}

#[cfg(unix)]
fn create(path: &Path, mode: u32) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path)
}

#[cfg(not(unix))]
fn create(path: &Path, _mode: u32) -> io::Result<fs::File> {
    OpenOptions::new().write(true).create(true).truncate(true).open(path)
}

/// The name as a file name; one that is none, or leads elsewhere, gives way to kind and number.
fn file_name(name: Option<&String>, kind: &str, index: usize) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
    name.filter(|name| !name.is_empty() && !name.starts_with('.') && name.chars().all(is_plain))
        .cloned()
        .unwrap_or_else(|| format!("{kind}-{}", index + 1))
}

/// Where the settings lie below a host's folder; on Windows below `Program Files\Microsoft SQL Server\VERSION`.
const PROGRAMS: &str = "DTS/Binn";
