//! Which hosts, nodes and certificates are there, and which of them does a name mean?

use std::net::IpAddr;

use failover_sim::names::{CertificateId, HostId, NODES_MAX, NodeId};
use failover_sim::topology::Target;
use failover_sim::trust::{Certificate, Thumbprint, ThumbprintError};

use crate::plan::NodeWord;

use super::super::diagnostic::Fault;
use super::super::nearest;
use super::super::read::At;
use super::super::topology_document::{Certificates, NodeDocument};
use super::super::tree::Span;
use super::Builder;

impl Builder<'_> {
    pub(super) fn host(&mut self, name: &str) -> HostId {
        let host = self.names.intern_host(name);
        if self.hosts.len() <= host.index() {
            self.hosts.push(Target::Nobody);
        }
        host
    }

    fn host_at(&mut self, name: &str, target: Target) -> HostId {
        let host = self.host(name);
        self.hosts[host.index()] = target;
        host
    }

    /// An address that leads here, and nowhere else.
    pub(super) fn address(&mut self, address: &At<String>, target: Target) {
        let host = self.host(&address.value);
        // Windows puts the number of the adapter behind a link-local one: `fe80::1%5`.
        let plain = address.value.split('%').next().unwrap_or_default();
        if plain.parse::<IpAddr>().is_err() {
            let message = format!("`{}` is not an IP address", address.value);
            let fault = Fault::new(message, address.span).with_label("expected IPv4 or IPv6");
            self.faults.push(fault.with_hint("four numbers up to 255, such as 10.0.0.11, or as fd00::11"));
        }
        if self.hosts[host.index()] != Target::Nobody {
            self.faults.push(twice("address", address));
        }
        self.hosts[host.index()] = target;
    }

    pub(super) fn declare_nodes(&mut self, nodes: &[At<NodeDocument>], place: Span) {
        if nodes.is_empty() || nodes.len() > NODES_MAX {
            let message = format!("a cluster has 1 to {NODES_MAX} nodes, found {}", nodes.len());
            self.faults.push(Fault::new(message, place).with_label("in this topology"));
        }
        for (index, node) in nodes.iter().enumerate().take(NODES_MAX) {
            let name = &node.value.name;
            let same = self.names.nodes.iter().find(|other| other.eq_ignore_ascii_case(&name.value));
            match same.cloned() {
                Some(same) if same != name.value => {
                    let message = format!("the node `{}` is there already, as `{same}`", name.value);
                    let fault = Fault::new(message, name.span).with_label("the second");
                    self.faults
                        .push(fault.with_hint("Windows does not tell upper case from lower case in names"));
                }
                Some(_) => self.faults.push(twice("node", name)),
                None => {}
            }
            if name.value.trim().is_empty() {
                let fault = Fault::new("a node has no name", name.span).with_label("empty");
                self.faults.push(fault.with_hint("the name of the machine, as `Get-ClusterNode` shows it"));
            }
            if NodeWord::RESERVED.iter().any(|(word, _)| *word == name.value) {
                let message = format!("no node can be called `{}`", name.value);
                self.faults.push(Fault::new(message, name.span).with_label("a word of scenarios"));
            }
            self.names.nodes.push(name.value.clone());
            let target = Target::Node(NodeId(index as u8));
            self.host_at(&name.value, target);
            self.address(&node.value.address, target);
        }
    }

    pub(super) fn declare_certificates(&mut self, certificates: &Certificates) {
        for (name, document) in certificates {
            let common_names = document.common_names.iter().map(|name| self.host(name)).collect();
            let alternative_names = document
                .alternative_names
                .as_ref()
                .map(|names| names.iter().map(|name| self.host(name)).collect());
            let expires_after_secs = document.expires_after.map(|length| length.0.as_secs());
            let thumbprint = document.thumbprint.as_ref().and_then(|text| self.thumbprint(text));
            self.certificate(name, common_names, alternative_names, expires_after_secs, thumbprint);
        }
    }

    fn thumbprint(&mut self, text: &At<String>) -> Option<Thumbprint> {
        let read = text.value.parse();
        if let Err(ThumbprintError { digits }) = read {
            let fault = Fault::new(format!("`{}` is no thumbprint", text.value), text.span);
            self.faults.push(fault.with_label(format!("expected 40 hexadecimal digits, found {digits}")));
        }
        read.ok()
    }

    pub(super) fn certificate(
        &mut self,
        name: &str,
        common_names: Vec<HostId>,
        alternative_names: Option<Vec<HostId>>,
        expires_after_secs: Option<u64>,
        own: Option<Thumbprint>,
    ) -> CertificateId {
        let id = CertificateId(self.certificates.len() as u16);
        let thumbprint = own.unwrap_or_else(|| thumbprint(name));
        self.names.certificates.push(name.to_owned());
        self.certificates.push(Certificate {
            common_names,
            alternative_names,
            expires_after_secs,
            thumbprint,
        });
        id
    }

    pub(super) fn find<T>(
        &mut self,
        kind: &str,
        name: &At<String>,
        known: &[String],
        id: impl Fn(usize) -> T,
    ) -> Option<T> {
        let found = known.iter().position(|other| *other == name.value);
        if found.is_none() {
            let mut fault = Fault::new(format!("there is no {kind} `{}`", name.value), name.span)
                .with_label("not in this topology");
            fault.hint = nearest::hint(&name.value, known.iter().map(String::as_str));
            self.faults.push(fault);
        }
        found.map(id)
    }

    pub(super) fn find_certificate(&mut self, name: &At<String>) -> Option<CertificateId> {
        let known = self.names.certificates.clone();
        self.find("certificate", name, &known, |index| CertificateId(index as u16))
    }

    pub(super) fn find_nodes(&mut self, names: &[At<String>]) -> Vec<NodeId> {
        let known = self.names.nodes.clone();
        names.iter().filter_map(|name| self.find("node", name, &known, |index| NodeId(index as u8))).collect()
    }
}

pub(super) fn twice(kind: &str, name: &At<String>) -> Fault {
    Fault::new(format!("the {kind} `{}` is there twice", name.value), name.span).with_label("the second")
}

/// A stand-in for the thumbprint of a certificate that does not exist as a file.
fn thumbprint(name: &str) -> Thumbprint {
    let text = format!("the certificate `{name}` of a topology");
    let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    let mut bytes = [0; 20];
    bytes.copy_from_slice(digest.as_ref());
    Thumbprint(bytes)
}
