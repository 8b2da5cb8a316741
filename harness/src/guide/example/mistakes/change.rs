//! How is one thing in a snapshot changed?

use crate::guide::snapshot::{
    Certificate, ClusterNode, FailedStart, Look, Moment, Node, PrivateKey, Resource, Service, Snapshot,
    Worker,
};

/// What was seen, changed; what nobody could look at stays so.
pub(super) fn change<T>(look: &mut Look<T>, how: impl FnOnce(&mut T)) {
    if let Some(seen) = look.seen_mut() {
        how(seen);
    }
}

pub(super) fn second(snapshot: &mut Snapshot) -> &mut Node {
    &mut snapshot.nodes[1]
}

pub(super) fn third(snapshot: &mut Snapshot) -> &mut Worker {
    &mut snapshot.workers[2]
}

pub(super) fn member(snapshot: &mut Snapshot, how: impl FnMut(&mut ClusterNode)) {
    change(&mut snapshot.cluster.nodes, |all| all.iter_mut().skip(1).take(1).for_each(how));
}

pub(super) fn resource(snapshot: &mut Snapshot, name: &str, how: impl FnOnce(&mut Resource)) {
    change(&mut snapshot.cluster.resources, |all| {
        if let Some(one) = all.iter_mut().find(|one| one.name == name) {
            how(one);
        }
    });
}

pub(super) fn policy(snapshot: &mut Snapshot, name: &str, value: &str) {
    resource(snapshot, "Scale Out Master", |one| {
        one.properties.insert(name.to_owned(), value.to_owned());
    });
}

pub(super) fn stop(worker: &mut Worker) {
    change(&mut worker.services, |all| {
        all.iter_mut().for_each(|service| {
            service.state = "Stopped".to_owned();
            service.started_at = None;
        });
    });
}

pub(super) fn master(node: &mut Node, how: impl FnOnce(&mut Service)) {
    change(&mut node.services, |all| {
        if let Some(service) = all.iter_mut().find(|service| service.name.contains("Master")) {
            how(service);
        }
    });
}

pub(super) fn account(node: &mut Node, account: &str) {
    master(node, |service| service.account = account.to_owned());
    change(&mut node.urlacl, |text| *text = text.replace("LAB\\svc-scaleout", account));
}

pub(super) fn failed_start(node: &mut Node, event: u32) {
    let start = FailedStart { event, at: LATE, service: "SSISScaleOutMaster150".to_owned() };
    change(&mut node.failed_starts, |all| all.push(start));
}

pub(super) fn master_settings(snapshot: &mut Snapshot, old: &str, new: &str) {
    change(&mut second(snapshot).master_settings, |file| file.text = file.text.replace(old, new));
}

pub(super) fn worker_settings(snapshot: &mut Snapshot, old: &str, new: &str) {
    change(&mut third(snapshot).worker_settings, |file| file.text = file.text.replace(old, new));
}

pub(super) fn master_thumbprint(node: &Node) -> String {
    let file = node.master_settings.seen().ok().and_then(|file| file.master().ok());
    file.map(|file| file.thumbprint).unwrap_or_default()
}

pub(super) fn worker_thumbprints(snapshot: &Snapshot) -> Vec<String> {
    let files =
        snapshot.workers.iter().filter_map(|worker| worker.worker_settings.seen().ok()?.worker().ok());
    files.map(|file| file.own).collect()
}

pub(super) fn master_key(snapshot: &mut Snapshot, key: PrivateKey) {
    let node = second(snapshot);
    let own = master_thumbprint(node);
    change(&mut node.root, |all| {
        all.iter_mut().filter(|one| one.thumbprint == own).for_each(|one| one.private_key = key);
    });
}

/// Takes a certificate out of LocalMachine\Root.
pub(super) fn take(node: &mut Node, thumbprint: &str) -> Option<Certificate> {
    let root = node.root.seen_mut()?;
    let index = root.iter().position(|one| one.thumbprint == thumbprint)?;
    Some(root.remove(index))
}

pub(super) fn every_certificate(snapshot: &mut Snapshot, how: impl Fn(&mut Certificate)) {
    let nodes = snapshot.nodes.iter_mut().flat_map(|node| [&mut node.root, &mut node.my]);
    let workers = snapshot.workers.iter_mut().map(|worker| &mut worker.root);
    for store in nodes.chain(workers) {
        change(store, |all| all.iter_mut().for_each(&how));
    }
}

/// The thumbprint of a certificate that does not belong there.
pub(super) const OTHER: &str = "0BAD00000000000000000000000000000000C0DE";
/// 2020-01-01.
pub(super) const EARLY: Moment = Moment(1_577_836_800);
/// An hour before the snapshot.
pub(super) const LATE: Moment = Moment(1_795_467_600);
/// 2040-01-01.
pub(super) const FAR: Moment = Moment(2_208_988_800);
