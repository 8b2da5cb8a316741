//! Which files does a machine of the twin have?
//!
//! Laid out as on Windows, a folder for each host: `NODE1/LocalMachine/Root`, `w1/LocalMachine/My`. A certificate is a
//! `.pem` file; where the private key is there too, it lies beside it as a `.key` file that only the user can read.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::names::{CertificateId, Names, NodeId, WorkerId};
use crate::topology::WorkerMachine;
use crate::trust::HostTrust;

use super::TwinError;
use super::certificates::{Certificates, Made};

/// The folder of a twin, which goes with it.
#[derive(Debug)]
pub(crate) struct Folder {
    folder: TempDir,
    names: Names,
}

/// Whether the private key comes with a certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    Included,
    Missing,
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

    /// Writes the stores of a node as they are at this moment.
    pub(crate) fn write_node(
        &self,
        node: NodeId,
        trust: &HostTrust,
        certificates: &Certificates,
    ) -> Result<(), TwinError> {
        let host = file_name(self.names.nodes.get(node.index()), "node", node.index());
        let root = self.store(&host, "Root")?;
        self.store(&host, "My")?;
        for &id in &trust.root {
            // Guide step 4: the master's certificate lies in Root, with its key.
            let bound = trust.binding == Some(id) && trust.private_key;
            self.write(&root, id, certificates.get(id), if bound { Key::Included } else { Key::Missing })?;
        }
        Ok(())
    }

    /// Writes the stores of a worker's machine.
    pub(crate) fn write_worker(
        &self,
        worker: WorkerId,
        machine: &WorkerMachine,
        certificates: &Certificates,
    ) -> Result<(), TwinError> {
        let host = file_name(self.names.workers.get(worker.index()), "worker", worker.index());
        let (root, my) = (self.store(&host, "Root")?, self.store(&host, "My")?);
        for &id in &machine.root {
            self.write(&root, id, certificates.get(id), Key::Missing)?;
        }
        if let Some(own) = machine.own {
            let key = if machine.key_readable { Key::Included } else { Key::Missing };
            self.write(&my, own, certificates.get(own), key)?;
        }
        Ok(())
    }

    fn store(&self, host: &str, store: &str) -> Result<PathBuf, TwinError> {
        let path = self.path().join(host).join("LocalMachine").join(store);
        fs::create_dir_all(&path).map_err(|source| TwinError::File { path: path.clone(), source })?;
        Ok(path)
    }

    fn write(&self, store: &Path, id: CertificateId, made: &Made, key: Key) -> Result<(), TwinError> {
        let name = file_name(self.names.certificates.get(id.index()), "certificate", id.index());
        write_file(store.join(format!("{name}.pem")), &made.pem, 0o644)?;
        match key {
            Key::Included => write_file(store.join(format!("{name}.key")), &made.key_pem, 0o600),
            Key::Missing => Ok(()),
        }
    }
}

fn write_file(path: PathBuf, text: &str, mode: u32) -> Result<(), TwinError> {
    let written = create(&path, mode).and_then(|mut file| file.write_all(text.as_bytes()));
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
