//! Are certificates, keys, bindings and stores as steps 3, 4, 7 and 8 ask?

use crate::guide::snapshot::{Certificate, Look, Node, PrivateKey, Worker, bindings};

use super::fix::{
    Value, bind, bring, bring_with_key, grant, make_certificate, make_worker_certificate, of_machine, quoted,
    restart_master, restart_worker, set, set_of_master, set_of_worker,
};
use super::setup::{Found, Setup, address_of, master_file, may_read, worker_file, worker_service};
use super::{Fix, Judged, of_all, right, wrong};

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
        new_master_certificate(setup, Some(name), &names),
    )
}

/// Another master certificate, on the first node: the name that workers ask for goes before the names of the old one.
fn new_master_certificate(setup: &Setup<'_>, asked: Option<&str>, old: &[&str]) -> Fix {
    let mut names: Vec<String> = asked.map(str::to_owned).into_iter().collect();
    names.extend(old.iter().map(|name| (*name).to_owned()).filter(|name| asked != Some(name.as_str())));
    let then = "then set MasterHttpsCertThumbprint to $new.Thumbprint on every worker, and collect again: the next snapshot has the \
                commands for the other nodes and for the stores of the workers";
    let Some((node, file)) =
        setup.snapshot.nodes.iter().find_map(|node| Some((node, node.master_settings.seen().ok()?)))
    else {
        return Fix::by_hand("make another master certificate on a node, with these names");
    };
    let port = master_file(node).map_or(8391, |file| file.port);
    let bound = bind(node, "0.0.0.0", port, "$($new.Thumbprint)").into_iter();
    let commands = [
        make_certificate(&names),
        "Move-Item -LiteralPath \"Cert:\\LocalMachine\\My\\$($new.Thumbprint)\" -Destination 'Cert:\\LocalMachine\\Root'".to_owned(),
    ];
    Fix::on(&node.name, commands)
        .then(&node.name, set(file, "SSLCertThumbprint", Value::NewThumbprint))
        .then(&node.name, bound)
        .and(restart_master(setup, node))
        .and_by_hand(then)
}

pub(super) fn same_certificate_on_every_node(setup: &Setup<'_>, node: &Node) -> Judged {
    let file = master_file(node)?;
    let (pin, whose) = match &setup.pin {
        Ok(pin) => (pin.clone(), "workers pin"),
        Err(why) => (setup.presented.clone().ok_or_else(|| why.clone())?, "other nodes have"),
    };
    if file.thumbprint == pin {
        let seen = format!("SSLCertThumbprint {}", short(&pin));
        // Without a worker nobody knows whether the one that nodes share is the one that is pinned.
        return setup.pin.as_ref().map_err(String::clone).and_then(|_| right(seen));
    }
    let is_there = node
        .root
        .seen()
        .is_ok_and(|root| find(root, &pin).is_some_and(|one| one.private_key == PrivateKey::Opens));
    let brought = if is_there { Fix::default() } else { bring_with_key(setup, &pin, node) };
    wrong(
        format!("SSLCertThumbprint is {}; {whose} {}", short(&file.thumbprint), short(&pin)),
        brought.then(&node.name, bind(node, "0.0.0.0", file.port, &pin)).and(set_of_master(
            setup,
            node,
            "SSLCertThumbprint",
            Value::Text(&pin),
        )),
    )
}

pub(super) fn private_key_opens_on_every_node(setup: &Setup<'_>, node: &Node) -> Judged {
    let thumbprint = master_file(node)?.thumbprint;
    let shown = short(&thumbprint);
    let fix = bring_with_key(setup, &thumbprint, node);
    let root = node.root.seen()?;
    match find(root, &thumbprint).map(|certificate| certificate.private_key) {
        Some(PrivateKey::Opens) => {
            right(format!("{shown} is in LocalMachine\\Root, and its private key opens"))
        }
        Some(PrivateKey::Absent) => {
            wrong(format!("{shown} is in LocalMachine\\Root without its private key"), fix)
        }
        Some(PrivateKey::DoesNotOpen) => {
            let repair = format!("certutil.exe -repairstore Root {thumbprint}");
            wrong(
                format!("{shown} is in LocalMachine\\Root, and its private key cannot be opened"),
                Fix::on(&node.name, [repair]).and_by_hand(format!(
                    "where that does not help, import the certificate with its key again: {}",
                    "Import-PfxCertificate, as for a node that lacks it"
                )),
            )
        }
        None if has(&node.my, &thumbprint) => wrong(
            format!("{shown} is in LocalMachine\\My and not in LocalMachine\\Root"),
            Fix::on(
                &node.name,
                [format!(
                    "Move-Item -LiteralPath {} -Destination 'Cert:\\LocalMachine\\Root'",
                    quoted(&format!("Cert:\\LocalMachine\\My\\{thumbprint}"))
                )],
            ),
        ),
        None if in_user_root(node, &thumbprint) => {
            wrong(format!("{shown} is in CurrentUser\\Root and not in LocalMachine\\Root"), fix)
        }
        None => wrong(format!("{shown} is in no store of the machine"), fix),
    }
}

pub(super) fn port_is_bound_to_the_certificate(setup: &Setup<'_>, node: &Node) -> Judged {
    let file = master_file(node)?;
    let bindings = bindings(node.sslcert.seen()?);
    let of_port: Vec<_> = bindings.iter().filter(|binding| binding.port() == Some(file.port)).collect();
    let rebind = |address: &str| Fix::on(&node.name, bind(node, address, file.port, &file.thumbprint));
    if of_port.is_empty() {
        return wrong(format!("HTTP.SYS has no certificate for port {}", file.port), rebind("0.0.0.0"));
    }
    // The role's address comes with the role: a binding for the node's own is none for the workers.
    if !of_port.iter().any(|binding| setup.is_for_workers(&binding.ip_port)) {
        return wrong(
            format!("HTTP.SYS has a certificate for {} alone, where workers do not come", of_port[0].ip_port),
            rebind("0.0.0.0"),
        );
    }
    for binding in of_port {
        let fix = rebind(address_of(&binding.ip_port));
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
    let file = master_file(node)?;
    let port = file.port;
    let (mut resolved, mut not_seen) = (Vec::new(), Vec::new());
    for worker in &setup.snapshot.workers {
        match worker.resolved.seen() {
            Ok(addresses) => resolved.extend(addresses),
            Err(why) => not_seen.push(why),
        }
    }
    if resolved.is_empty() && not_seen.is_empty() {
        not_seen.push("no worker was asked what the network name resolves to".to_owned());
    }
    let Some(address) = resolved.iter().find(|address| address.contains(':')) else {
        return of_all(right("the network name has no IPv6 address"), not_seen);
    };
    let bindings = bindings(node.sslcert.seen()?);
    if bindings.iter().any(|binding| binding.port() == Some(port) && binding.ip_port.starts_with('[')) {
        return right(format!("[::]:{port} is bound"));
    }
    wrong(
        format!("workers resolve the network name to {address}, and only IPv4 is bound"),
        Fix::on(&node.name, bind(node, "[::]", port, &file.thumbprint)),
    )
}

pub(super) fn master_certificate_is_valid(setup: &Setup<'_>) -> Judged {
    let certificate = setup.master_certificate()?;
    let asked = setup.noted.as_ref().ok().and_then(|noted| setup.asked(noted).into_iter().next());
    is_valid(setup, certificate, || new_master_certificate(setup, asked.as_deref(), &certificate.names()))
}

pub(super) fn worker_certificate_is_valid(setup: &Setup<'_>, worker: &Worker) -> Judged {
    let own = own_certificate(worker)?.ok_or("its own certificate is not in LocalMachine\\My")?;
    is_valid(setup, own, || make_worker_certificate(worker))
}

fn is_valid(setup: &Setup<'_>, certificate: &Certificate, fix: impl FnOnce() -> Fix) -> Judged {
    let left = certificate.not_after.days_after(setup.now());
    let seen = format!("{} is valid until {}", short(&certificate.thumbprint), certificate.not_after);
    match left {
        ..0 => wrong(format!("{seen}: expired"), fix()),
        0..EXPIRES_SOON_DAYS => wrong(format!("{seen}: {left} days left"), fix()),
        _ => right(seen),
    }
}

pub(super) fn worker_pins_the_master_certificate(setup: &Setup<'_>, worker: &Worker) -> Judged {
    let (pin, own) = (setup.pin.clone()?, worker_file(worker)?.pin);
    if own == pin {
        return right(format!("MasterHttpsCertThumbprint {}", short(&pin)));
    }
    let is_pinned =
        setup.snapshot.workers.iter().any(|other| worker_file(other).is_ok_and(|file| file.pin == pin));
    let whose = if is_pinned { "other workers pin" } else { "every node has" };
    // The worker must trust what it pins (deal-with-certificates-in-ssis-scale-out, documented).
    let source = setup.snapshot.nodes.iter().find(|node| has(&node.root, &pin));
    let brought = match source {
        Some(node) if !has(&worker.root, &pin) => bring(&pin, &node.name, "Root", &worker.name),
        Some(_) | None => Fix::default(),
    };
    wrong(
        format!("MasterHttpsCertThumbprint is {}; {whose} {}", short(&own), short(&pin)),
        brought.and(set_of_worker(worker, "MasterHttpsCertThumbprint", &pin)),
    )
}

pub(super) fn master_certificate_is_trusted(setup: &Setup<'_>, worker: &Worker) -> Judged {
    let pin = worker_file(worker)?.pin;
    if find(worker.root.seen()?, &pin).is_some() {
        return right(format!("{} is in LocalMachine\\Root", short(&pin)));
    }
    wrong(
        format!("{} is not in LocalMachine\\Root", short(&pin)),
        match setup.snapshot.nodes.iter().find(|node| has(&node.root, &pin)) {
            Some(node) => bring(&pin, &node.name, "Root", &worker.name),
            None => Fix::by_hand(format!(
                "no node that was seen has {pin}: install it on the nodes first (step 4), or pin the one that they have"
            )),
        },
    )
}

pub(super) fn worker_key_opens(_: &Setup<'_>, worker: &Worker) -> Judged {
    let subject = own_certificate(worker)?;
    let account = &worker_service(worker)?.account;
    let thumbprint = worker_file(worker)?.own;
    match subject.map(|own| own.private_key) {
        None => wrong(
            format!("{} is not in LocalMachine\\My", short(&thumbprint)),
            make_worker_certificate(worker),
        ),
        Some(PrivateKey::Absent) => {
            wrong(format!("{} has no private key", short(&thumbprint)), make_worker_certificate(worker))
        }
        Some(PrivateKey::DoesNotOpen) => wrong(
            format!("the private key of {} cannot be opened", short(&thumbprint)),
            Fix::on(&worker.name, [format!("certutil.exe -repairstore My {thumbprint}")])
                .then(&worker.name, grant(worker, &of_machine(&thumbprint)))
                .and_by_hand("where that does not help, give the worker another certificate"),
        ),
        Some(PrivateKey::Opens) => {
            let readers = worker.key_readers.seen()?;
            if may_read(readers, account) {
                return right(format!("{account} may read the key of {}", short(&thumbprint)));
            }
            wrong(
                format!("only {} may read the key; the service runs as {account}", readers.join(", ")),
                Fix::on(&worker.name, grant(worker, &of_machine(&thumbprint))).and(restart_worker(worker)),
            )
        }
    }
}

pub(super) fn worker_certificates_are_trusted(setup: &Setup<'_>, node: &Node) -> Judged {
    // What lies in the wrong store is the next rule's.
    let (missing, not_seen) = workers_without(setup, node, |own| !in_user_root(node, own))?;
    let found = told_of(
        &missing,
        node,
        "are not in LocalMachine\\Root",
        "LocalMachine\\Root has the certificate of every worker",
    );
    of_all(found, not_seen)
}

/// Workers whose certificate is not in LocalMachine\Root of a node, of those for which this holds; and why others are not
/// known.
fn workers_without<'s>(
    setup: &'s Setup<'_>,
    node: &Node,
    and: impl Fn(&str) -> bool,
) -> Found<(Vec<&'s Worker>, Vec<String>)> {
    let root = node.root.seen()?;
    if setup.snapshot.workers.is_empty() {
        return Err("the snapshot has no worker".to_owned());
    }
    let (mut missing, mut not_seen) = (Vec::new(), Vec::new());
    for worker in &setup.snapshot.workers {
        match worker_file(worker) {
            Ok(file) if find(root, &file.own).is_none() && and(&file.own) => missing.push(worker),
            Ok(_) => {}
            Err(why) => not_seen.push(format!("{}: {why}", worker.name)),
        }
    }
    Ok((missing, not_seen))
}

pub(super) fn worker_certificates_are_the_machines(setup: &Setup<'_>, node: &Node) -> Judged {
    let (elsewhere, mut not_seen) = workers_without(setup, node, |own| in_user_root(node, own))?;
    if let (Err(why), false) = (node.user_root.seen(), workers_without(setup, node, |_| true)?.0.is_empty()) {
        not_seen.push(why);
    }
    let found = told_of(
        &elsewhere,
        node,
        "are only in CurrentUser\\Root",
        "CurrentUser\\Root is not needed for any of them",
    );
    of_all(found, not_seen)
}

fn told_of(workers: &[&Worker], node: &Node, place: &str, otherwise: &str) -> Judged {
    if workers.is_empty() {
        return right(otherwise);
    }
    let names: Vec<&str> = workers.iter().map(|worker| worker.name.as_str()).collect();
    let fix = workers.iter().fold(Fix::default(), |fix, worker| {
        let own = worker_file(worker).map(|file| file.own).unwrap_or_default();
        fix.and(bring(&own, &worker.name, "My", &node.name))
    });
    wrong(format!("the certificates of {} {place}", names.join(", ")), fix)
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
        Fix::on(
            &node.name,
            [
                "Get-ChildItem -LiteralPath 'Cert:\\LocalMachine\\Root' | Where-Object { $_.Subject -ne $_.Issuer } | Move-Item \
                 -Destination 'Cert:\\LocalMachine\\CA'"
                    .to_owned(),
            ],
        )
        .and_by_hand(
            "if workers are still refused, SendTrustedIssuerList=0 and then ClientAuthTrustMode=2 under SCHANNEL, on every node",
        ),
    )
}

pub(super) fn schannel_is_the_same_on_every_node(setup: &Setup<'_>) -> Judged {
    let mut told = Vec::new();
    let mut not_seen = setup.nodes_not_seen();
    for node in &setup.snapshot.nodes {
        let values = match node.schannel.seen() {
            Ok(values) => values,
            Err(why) => {
                not_seen.push(format!("{}: {why}", node.name));
                continue;
            }
        };
        let values: Vec<String> = SCHANNEL
            .iter()
            .filter_map(|(key, _)| values.get(*key).map(|value| format!("{key}={value}")))
            .collect();
        let values = if values.is_empty() { "the defaults".to_owned() } else { values.join(", ") };
        told.push((node.name.as_str(), values));
    }
    let Some((_, first)) = told.first() else {
        return Err(not_seen.into_iter().next().unwrap_or_else(|| "the snapshot has no node".to_owned()));
    };
    if told.iter().all(|(_, values)| values == first) {
        return of_all(right(first.clone()), not_seen);
    }
    let told: Vec<String> = told.iter().map(|(node, values)| format!("{node}: {values}")).collect();
    wrong(told.join("; "), same_schannel(setup))
}

/// The values of the troubleshooting page for every value that a node was given, on the nodes that have another or none.
fn same_schannel(setup: &Setup<'_>) -> Fix {
    let seen = || setup.snapshot.nodes.iter().filter_map(|node| Some((node, node.schannel.seen().ok()?)));
    let mut fix = Fix::default();
    for (key, value) in SCHANNEL {
        if !seen().any(|(_, values)| values.contains_key(key)) {
            continue;
        }
        for (node, _) in seen().filter(|(_, values)| values.get(key) != Some(&value)) {
            let set = format!(
                "New-ItemProperty -LiteralPath 'HKLM:\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL' -Name {key} \
                 -PropertyType DWord -Value {value} -Force"
            );
            fix = fix.then(&node.name, [set]);
        }
    }
    fix.and_by_hand("or take them away where they are: the defaults are right where Root holds self-signed certificates only")
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

/// Values that say whom Schannel lets in, as they should be where they are set (troubleshooting-scale-out, documented).
const SCHANNEL: [(&str, u32); 2] = [("ClientAuthTrustMode", 2), ("SendTrustedIssuerList", 0)];

/// A certificate with fewer days left is told of. Our own choice: about the time that a change needs.
const EXPIRES_SOON_DAYS: i64 = 30;
