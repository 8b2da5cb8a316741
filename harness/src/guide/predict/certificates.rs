//! By which names does a topology call certificates, and whom do they name?

use serde_json::{Map, Value, json};

use crate::guide::preflight::setup::{Setup, master_file, same_host, worker_file};
use crate::guide::snapshot::{Certificate, Node, Snapshot, bindings};

use super::topology::Builder;

impl Builder<'_> {
    /// `master` is what most workers pin, or else what the owner presents; other certificates are called after the first
    /// machine that names them.
    pub(super) fn name_certificates(&mut self, owner: &str) {
        let of_owner = || {
            let node = self.setup.snapshot.nodes.iter().find(|node| same_host(&node.name, owner))?;
            presented(self.setup, node)
        };
        let pin = self.setup.pin.clone().ok().or_else(of_owner).or_else(|| self.setup.presented.clone());
        self.certificates.insert(pin.unwrap_or_else(|| NOT_KNOWN.to_owned()), "master".to_owned());
        for node in &self.setup.snapshot.nodes {
            if let Some(thumbprint) = presented(self.setup, node) {
                self.certificates.entry(thumbprint).or_insert_with(|| format!("of_{}", node.name));
            }
        }
        for worker in &self.setup.snapshot.workers {
            if let Ok(file) = worker_file(worker) {
                self.certificates.entry(file.pin).or_insert_with(|| format!("pinned_by_{}", worker.name));
            }
        }
    }

    pub(super) fn certificate_documents(&mut self) -> Value {
        let mut documents = Map::new();
        for (thumbprint, name) in self.certificates.clone() {
            let mut document = match find_anywhere(self.setup.snapshot, &thumbprint) {
                Some(certificate) => {
                    let left = (certificate.not_after.0 - self.setup.now().0).max(0);
                    let mut document = json!({ "common_names": self.named_by(&certificate.common_names()) });
                    if certificate.alternative_names.is_some() {
                        document["alternative_names"] = json!(self.named_by(&certificate.names()));
                    }
                    self.hold_forms(&thumbprint, certificate);
                    // What outlives every run is not worth a word.
                    if left < 86_400 {
                        document["expires_after"] = json!(format!("{left}s"));
                    }
                    document
                }
                None => {
                    self.gap(format!(
                        "no store that was seen has the certificate `{name}`: taken to name the network name"
                    ));
                    json!({ "common_names": [self.name] })
                }
            };
            if thumbprint.len() == 40 {
                document["thumbprint"] = json!(thumbprint);
            }
            documents.insert(name, document);
        }
        Value::Object(documents)
    }

    /// The names of a certificate as the topology calls them: the network name is there if every form of it is that workers ask
    /// for.
    fn named_by(&self, names: &[&str]) -> Vec<String> {
        let forms = forms(self.setup);
        let is = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        let has_all = forms.iter().all(|form| names.iter().any(|name| is(name, form)));
        let called = |name: &&str| {
            let is_form = forms.iter().any(|form| is(form, name)) && same_host(name, &self.name);
            if has_all && is_form { self.name.clone() } else { (*name).to_owned() }
        };
        names.iter().map(called).collect()
    }

    /// Tells if the pinned certificate has some of the forms of the network name that workers ask for, and lacks others.
    fn hold_forms(&mut self, thumbprint: &str, certificate: &Certificate) {
        let names = certificate.names();
        let is_there = |form: &String| names.iter().any(|name| name.eq_ignore_ascii_case(form));
        let (there, missing): (Vec<String>, Vec<String>) = forms(self.setup).into_iter().partition(is_there);
        let is_pinned = self.setup.pin.as_ref().is_ok_and(|pin| pin == thumbprint);
        if is_pinned && !there.is_empty() && !missing.is_empty() {
            let told = format!(
                "workers ask for {} and for {}, and the certificate names the first alone; `{}` is taken for both",
                there.join(", "),
                missing.join(", "),
                self.name
            );
            self.not_held("certificate_names_the_network_name", "cluster", told);
        }
    }
}

/// The network name as the topology calls it, where it has one form alone: that in which workers ask for it, since this is the
/// one that the certificate must name; the registered one where they use several.
pub(super) fn name_of(setup: &Setup<'_>, registered: &str) -> String {
    match forms(setup).as_slice() {
        [only] if same_host(only, registered) && !only.eq_ignore_ascii_case(registered) => only.clone(),
        _ => registered.to_owned(),
    }
}

/// The forms of the network name in which workers ask for it, or else the one that is noted.
fn forms(setup: &Setup<'_>) -> Vec<String> {
    let Ok(noted) = &setup.noted else { return Vec::new() };
    let asked = setup.asked(noted);
    if asked.is_empty() { vec![noted.clone()] } else { asked }
}

/// The thumbprint that HTTP.SYS presents at the master's port of a node; none if its store does not have it.
pub(super) fn presented(setup: &Setup<'_>, node: &Node) -> Option<String> {
    let port = master_file(node).ok()?.port;
    let mut bindings = bindings(node.sslcert.seen().ok()?).into_iter();
    let bound = bindings.find(|one| one.port() == Some(port) && setup.is_for_workers(&one.ip_port))?;
    let is_bound = |one: &Certificate| one.thumbprint == bound.thumbprint;
    let is_there =
        bound.store.eq_ignore_ascii_case("Root") || node.my.seen().map_or(true, |my| my.iter().any(is_bound));
    Some(bound.thumbprint.clone()).filter(|thumbprint| is_there && !thumbprint.is_empty())
}

fn find_anywhere<'s>(snapshot: &'s Snapshot, thumbprint: &str) -> Option<&'s Certificate> {
    let nodes = snapshot.nodes.iter().flat_map(|node| [&node.root, &node.my]);
    let stores = nodes.chain(snapshot.workers.iter().map(|worker| &worker.root));
    stores.filter_map(|store| store.seen().ok()).flatten().find(|one| one.thumbprint == thumbprint)
}

/// Stands for the thumbprint of a certificate that nobody saw.
pub(super) const NOT_KNOWN: &str = "";
