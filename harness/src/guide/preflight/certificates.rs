//! Are certificates, keys, bindings and stores as steps 3, 4, 7 and 8 ask?

use crate::guide::snapshot::{Certificate, Look, Node, PrivateKey, Worker, bindings};

use super::setup::{Found, Setup, master_file, may_read, worker_file, worker_service};
use super::{Judged, right, wrong};

pub(super) fn certificate_names_the_network_name(setup: &Setup<'_>) -> Judged {
    let (certificate, noted) = (setup.master_certificate()?, setup.noted.clone()?);
    let names = certificate.names();
    let kind = if certificate.alternative_names.is_some() { "alternative names" } else { "CNs" };
    // The name must be there in the form in which workers ask for it: with its domain or without.
    let mut asked = setup.asked(&noted);
    if asked.is_empty() {
        asked.push(noted);
    }
    let is_there = |name: &String| names.iter().any(|other| other.eq_ignore_ascii_case(name));
    let Some(name) = asked.iter().find(|name| !is_there(name)) else {
        return right(format!("{kind}: {}", names.join(", ")));
    };
    wrong(
        format!("{} does not name `{name}`; {kind}: {}", short(&certificate.thumbprint), names.join(", ")),
        format!(
            "make a master certificate with CN={name} among its names, and install it on every node and worker"
        ),
    )
}

pub(super) fn same_certificate_on_every_node(setup: &Setup<'_>, node: &Node) -> Judged {
    let (pin, file) = (setup.pin.clone()?, master_file(node)?);
    if file.thumbprint == pin {
        return right(format!("SSLCertThumbprint {}", short(&pin)));
    }
    wrong(
        format!("SSLCertThumbprint is {}; workers pin {}", short(&file.thumbprint), short(&pin)),
        format!(
            "import the certificate {} with its key into LocalMachine\\Root of {}, set SSLCertThumbprint to it, bind \
             it to the port, and restart the master",
            pin, node.name
        ),
    )
}

pub(super) fn private_key_opens_on_every_node(_: &Setup<'_>, node: &Node) -> Judged {
    let thumbprint = master_file(node)?.thumbprint;
    let shown = short(&thumbprint);
    let fix = format!(
        "Import-PfxCertificate -FilePath FILE.pfx -CertStoreLocation Cert:\\LocalMachine\\Root, on {}",
        node.name
    );
    let root = node.root.seen()?;
    match find(root, &thumbprint).map(|certificate| certificate.private_key) {
        Some(PrivateKey::Opens) => {
            right(format!("{shown} is in LocalMachine\\Root, and its private key opens"))
        }
        Some(PrivateKey::Absent) => {
            wrong(format!("{shown} is in LocalMachine\\Root without its private key"), fix)
        }
        Some(PrivateKey::DoesNotOpen) => {
            wrong(format!("{shown} is in LocalMachine\\Root, and its private key cannot be opened"), fix)
        }
        None if has(&node.my, &thumbprint) => {
            wrong(format!("{shown} is in LocalMachine\\My and not in LocalMachine\\Root"), fix)
        }
        None if in_user_root(node, &thumbprint) => {
            wrong(format!("{shown} is in CurrentUser\\Root and not in LocalMachine\\Root"), fix)
        }
        None => wrong(format!("{shown} is in no store of the machine"), fix),
    }
}

pub(super) fn port_is_bound_to_the_certificate(_: &Setup<'_>, node: &Node) -> Judged {
    let file = master_file(node)?;
    let fix = format!(
        "netsh http add sslcert ipport=0.0.0.0:{} certhash={} appid={{GUID}} certstorename=Root, on {} (delete \
         sslcert first if there is one)",
        file.port, file.thumbprint, node.name
    );
    let bindings = bindings(node.sslcert.seen()?);
    let mut of_port = bindings.iter().filter(|binding| binding.port() == Some(file.port)).peekable();
    if of_port.peek().is_none() {
        return wrong(format!("HTTP.SYS has no certificate for port {}", file.port), fix);
    }
    for binding in of_port {
        if binding.thumbprint != file.thumbprint {
            let (bound, own) = (short(&binding.thumbprint), short(&file.thumbprint));
            return wrong(
                format!("{} is bound to {bound}; SSLCertThumbprint is {own}", binding.ip_port),
                fix,
            );
        }
        if !binding.store.eq_ignore_ascii_case("Root") {
            let store = if binding.store.is_empty() { "My" } else { &binding.store };
            return wrong(format!("{} takes it from the store {store}", binding.ip_port), fix);
        }
    }
    right(format!("port {} is bound to {} in Root", file.port, short(&file.thumbprint)))
}

pub(super) fn port_is_bound_for_ipv6(setup: &Setup<'_>, node: &Node) -> Judged {
    let port = master_file(node)?.port;
    let mut resolved = Vec::new();
    for worker in &setup.snapshot.workers {
        resolved.extend(worker.resolved.seen()?);
    }
    let Some(address) = resolved.iter().find(|address| address.contains(':')) else {
        return right("the network name has no IPv6 address");
    };
    let bindings = bindings(node.sslcert.seen()?);
    if bindings.iter().any(|binding| binding.port() == Some(port) && binding.ip_port.starts_with('[')) {
        return right(format!("[::]:{port} is bound"));
    }
    wrong(
        format!("workers resolve the network name to {address}, and only IPv4 is bound"),
        format!(
            "netsh http add sslcert ipport=[::]:{port} with the values of 0.0.0.0:{port}, on {}",
            node.name
        ),
    )
}

pub(super) fn master_certificate_is_valid(setup: &Setup<'_>) -> Judged {
    is_valid(
        setup,
        setup.master_certificate()?,
        "make another master certificate, and install it on every node",
    )
}

pub(super) fn worker_certificate_is_valid(setup: &Setup<'_>, worker: &Worker) -> Judged {
    let own = own_certificate(worker)?.ok_or("its own certificate is not in LocalMachine\\My")?;
    is_valid(setup, own, "make another worker certificate, and install it in Root of every node")
}

fn is_valid(setup: &Setup<'_>, certificate: &Certificate, fix: &str) -> Judged {
    let left = certificate.not_after.days_after(setup.now());
    let seen = format!("{} is valid until {}", short(&certificate.thumbprint), certificate.not_after);
    match left {
        ..0 => wrong(format!("{seen}: expired"), fix),
        0..EXPIRES_SOON_DAYS => wrong(format!("{seen}: {left} days left"), fix),
        _ => right(seen),
    }
}

pub(super) fn worker_pins_the_master_certificate(setup: &Setup<'_>, worker: &Worker) -> Judged {
    let (pin, own) = (setup.pin.clone()?, worker_file(worker)?.pin);
    if own == pin {
        return right(format!("MasterHttpsCertThumbprint {}", short(&pin)));
    }
    wrong(
        format!("MasterHttpsCertThumbprint is {}; other workers pin {}", short(&own), short(&pin)),
        format!("set MasterHttpsCertThumbprint to {pin} on {}, and restart the worker", worker.name),
    )
}

pub(super) fn master_certificate_is_trusted(_: &Setup<'_>, worker: &Worker) -> Judged {
    let pin = worker_file(worker)?.pin;
    if find(worker.root.seen()?, &pin).is_some() {
        return right(format!("{} is in LocalMachine\\Root", short(&pin)));
    }
    wrong(
        format!("{} is not in LocalMachine\\Root", short(&pin)),
        format!(
            "Import-Certificate -FilePath SSISScaleOutMaster.cer -CertStoreLocation Cert:\\LocalMachine\\Root, on {}",
            worker.name
        ),
    )
}

pub(super) fn worker_key_opens(_: &Setup<'_>, worker: &Worker) -> Judged {
    let subject = own_certificate(worker)?;
    let account = &worker_service(worker)?.account;
    let thumbprint = worker_file(worker)?.own;
    let fix = format!(
        "grant {account} read access to the private key: winhttpcertcfg -g -c LOCAL_MACHINE\\My -s NAME -a {account}, \
         on {}",
        worker.name
    );
    match subject.map(|own| own.private_key) {
        None => wrong(
            format!("{} is not in LocalMachine\\My", short(&thumbprint)),
            "install it there with its key",
        ),
        Some(PrivateKey::Absent) => {
            wrong(format!("{} has no private key", short(&thumbprint)), "install it with its key")
        }
        Some(PrivateKey::DoesNotOpen) => {
            wrong(format!("the private key of {} cannot be opened", short(&thumbprint)), fix)
        }
        Some(PrivateKey::Opens) => {
            let readers = worker.key_readers.seen()?;
            if may_read(readers, account) {
                return right(format!("{account} may read the key of {}", short(&thumbprint)));
            }
            wrong(format!("only {} may read the key; the service runs as {account}", readers.join(", ")), fix)
        }
    }
}

pub(super) fn worker_certificates_are_trusted(setup: &Setup<'_>, node: &Node) -> Judged {
    let root = node.root.seen()?;
    let mut missing = Vec::new();
    for worker in &setup.snapshot.workers {
        let own = worker_file(worker).map_err(|why| format!("{}: {why}", worker.name))?.own;
        // What lies in the wrong store is the next rule's.
        if find(root, &own).is_none() && !in_user_root(node, &own) {
            missing.push(worker.name.as_str());
        }
    }
    told_of(&missing, node, "are in no store", "LocalMachine\\Root has the certificate of every worker")
}

pub(super) fn worker_certificates_are_the_machines(setup: &Setup<'_>, node: &Node) -> Judged {
    let root = node.root.seen()?;
    let mut elsewhere = Vec::new();
    for worker in &setup.snapshot.workers {
        let own = worker_file(worker).map_err(|why| format!("{}: {why}", worker.name))?.own;
        if find(root, &own).is_none() && in_user_root(node, &own) {
            elsewhere.push(worker.name.as_str());
        }
    }
    told_of(
        &elsewhere,
        node,
        "are only in CurrentUser\\Root",
        "CurrentUser\\Root is not needed for any of them",
    )
}

fn told_of(workers: &[&str], node: &Node, place: &str, otherwise: &str) -> Judged {
    if workers.is_empty() {
        return right(otherwise);
    }
    wrong(
        format!("the certificates of {} {place}", workers.join(", ")),
        format!(
            "Import-Certificate -FilePath SSISScaleOutWorker.cer -CertStoreLocation Cert:\\LocalMachine\\Root, on {}, \
             for each of them",
            node.name
        ),
    )
}

pub(super) fn root_holds_self_signed_only(_: &Setup<'_>, node: &Node) -> Judged {
    let junk: Vec<String> = node
        .root
        .seen()?
        .iter()
        .filter(|certificate| !certificate.is_self_signed())
        .map(|certificate| short(&certificate.thumbprint))
        .collect();
    let mode = node.schannel.seen()?.get("ClientAuthTrustMode").copied();
    if junk.is_empty() {
        return right("every certificate in LocalMachine\\Root is self-signed");
    }
    if mode == Some(2) {
        return right(format!("{} are not self-signed, and ClientAuthTrustMode is 2", junk.join(", ")));
    }
    wrong(
        format!("not self-signed, in LocalMachine\\Root: {}", junk.join(", ")),
        format!(
            "move them to LocalMachine\\CA on {}; if that is not enough, ClientAuthTrustMode=2",
            node.name
        ),
    )
}

pub(super) fn schannel_is_the_same_on_every_node(setup: &Setup<'_>) -> Judged {
    let mut told = Vec::new();
    for node in &setup.snapshot.nodes {
        let values = node.schannel.seen().map_err(|why| format!("{}: {why}", node.name))?;
        let values: Vec<String> = ["ClientAuthTrustMode", "SendTrustedIssuerList"]
            .iter()
            .filter_map(|key| values.get(*key).map(|value| format!("{key}={value}")))
            .collect();
        let values = if values.is_empty() { "the defaults".to_owned() } else { values.join(", ") };
        told.push((node.name.as_str(), values));
    }
    let Some((_, first)) = told.first() else { return Err("the snapshot has no node".to_owned()) };
    if told.iter().all(|(_, values)| values == first) {
        return right(first.clone());
    }
    let told: Vec<String> = told.iter().map(|(node, values)| format!("{node}: {values}")).collect();
    wrong(
        told.join("; "),
        "set the same values on every node under HKLM\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL",
    )
}

/// A worker's own certificate; `None` if it is not in its store.
fn own_certificate(worker: &Worker) -> Found<Option<&Certificate>> {
    let thumbprint = worker_file(worker)?.own;
    Ok(find(worker.my.seen()?, &thumbprint))
}

fn find<'c>(store: &'c [Certificate], thumbprint: &str) -> Option<&'c Certificate> {
    store.iter().find(|certificate| certificate.thumbprint.eq_ignore_ascii_case(thumbprint))
}

fn has(store: &Look<Vec<Certificate>>, thumbprint: &str) -> bool {
    store.seen().is_ok_and(|store| find(store, thumbprint).is_some())
}

fn in_user_root(node: &Node, thumbprint: &str) -> bool {
    let is_it = |other: &String| other.eq_ignore_ascii_case(thumbprint);
    node.user_root.seen().is_ok_and(|store| store.iter().any(is_it))
}

/// The ends of a thumbprint.
pub(super) fn short(thumbprint: &str) -> String {
    match (thumbprint.get(..4), thumbprint.get(thumbprint.len().saturating_sub(2)..)) {
        (Some(start), Some(end)) if thumbprint.len() > 8 => format!("{start}..{end}"),
        (Some(_) | None, _) => thumbprint.to_owned(),
    }
}

/// A certificate with fewer days left is told of. Our own choice: about the time that a change needs.
const EXPIRES_SOON_DAYS: i64 = 30;
