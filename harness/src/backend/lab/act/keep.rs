//! How is a host kept from what it rests on, or from those who rest on it, so that it is whole again whatever becomes of
//! the harness?
//!
//! By rules of its own firewall, as a node is cut off from others, and armed like that. That nothing answers any more is
//! asked of the host itself: there is no session at the other side. Whether clients are cut off, clients show.
//!
//! That a rule which blocks also ends what flows on connections of SMB and iSCSI that stand is assumed.

use std::collections::BTreeSet;

use failover_sim::action::{LinkState, Verb};
use failover_sim::names::{ActionNo, NodeId, WorkerId};

use super::super::protocol::{
    ARMED, Call, DISABLED, FOR_CLIENTS, ISCSI, Outside, Part, Reply, SurroundingsSight,
};
use super::super::reach::{Host, Lab};
use super::super::session::READ_AS_ASKED;
use super::{Actors, BackendError};

/// Why hosts are kept from what they rest on: the same rule of a firewall stands for either.
#[derive(Debug, Default)]
pub(super) struct Reasons {
    /// The way there is cut, for these hosts alone.
    cut_off: BTreeSet<(Host, Outside)>,
    /// It has failed, for everybody.
    failed: BTreeSet<Outside>,
}

impl Actors {
    /// Keeps a node from something outside, or lets it through again.
    pub(super) fn outside_link<L: Lab>(
        &mut self,
        lab: &mut L,
        (number, verb): (ActionNo, Verb),
        (node, outside, state): (NodeId, Outside, LinkState),
    ) -> Result<(), BackendError> {
        let host = Host::Node(node);
        match state {
            LinkState::Cut => {
                self.has_changed |= self.reasons.cut_off.insert((host, outside));
                self.keep_from(lab, (number, verb), host, outside)
            }
            LinkState::Whole => {
                self.has_changed |= self.reasons.cut_off.remove(&(host, outside));
                self.let_through(lab, host, outside)
            }
        }
    }

    /// The witness for every node, or DNS for every node and worker: kept from all of them nobody has it.
    pub(super) fn fail_outside<L: Lab>(
        &mut self,
        lab: &mut L,
        (number, verb): (ActionNo, Verb),
        (outside, works): (Outside, bool),
    ) -> Result<(), BackendError> {
        let topology = &self.binding.topology;
        let nodes = (0..topology.nodes.len()).map(|index| Host::Node(NodeId(index as u8)));
        let workers = (0..topology.workers.len()).map(|index| Host::Worker(WorkerId(index as u32)));
        let of_workers = workers.filter(|_| outside == Outside::Dns);
        let hosts: Vec<Host> = nodes.chain(of_workers).collect();
        self.has_changed |=
            if works { self.reasons.failed.remove(&outside) } else { self.reasons.failed.insert(outside) };
        hosts.into_iter().try_for_each(|host| {
            if works {
                self.let_through(lab, host, outside)
            } else {
                self.keep_from(lab, (number, verb), host, outside)
            }
        })
    }

    fn keep_from<L: Lab>(
        &mut self,
        lab: &mut L,
        (number, verb): (ActionNo, Verb),
        host: Host,
        outside: Outside,
    ) -> Result<(), BackendError> {
        let part = Part::KeptFrom(outside);
        let is_own = self.first_value(&self.binding.host_name(host), &part).is_some();
        if is_own && !self.part(lab, host, &part)?.is_empty() {
            return Ok(());
        }
        let sight = self.surroundings(lab, host)?;
        let mut addresses = addresses_of(outside, &sight).map_err(|what| self.trouble_at(host, what))?;
        addresses.sort_unstable();
        addresses.dedup();
        if let Some(port) = outside.port() {
            // What does not answer before proves nothing by its silence after it.
            if self.reached(lab, host, (&addresses, Some(port)))?.is_empty() {
                let what = format!(
                    "nothing answers at port {port} of {}, so that a cut could not be proven",
                    addresses.join(", ")
                );
                return Err(self.trouble_at(host, what));
            }
        }
        let armed = Part::Armed(self.armed_minutes());
        self.set_part(lab, (number, verb), (host, &armed), &[ARMED.to_owned()])?;
        self.set_part(lab, (number, verb), (host, &part), &addresses)?;
        let Some(port) = outside.port() else { return Ok(()) };
        match self.reached(lab, host, (&addresses, Some(port)))?.first() {
            None => Ok(()),
            Some(address) => {
                let what =
                    format!("port {port} of {address} still answers there, although the firewall blocks it");
                Err(self.trouble_at(host, what))
            }
        }
    }

    /// Switches the adapter of a node off that clients reach it by, or on again.
    pub(super) fn switch_adapter<L: Lab>(
        &mut self,
        lab: &mut L,
        (number, verb): (ActionNo, Verb),
        (node, works): (NodeId, bool),
    ) -> Result<(), BackendError> {
        let host = Host::Node(node);
        let mut off = Vec::new();
        for part in self.switched_off(host) {
            if self.part(lab, host, &part)? == [DISABLED] {
                off.push(part);
            }
        }
        if works {
            return off.iter().try_for_each(|part| self.write_part(lab, host, part, &[]));
        }
        if !off.is_empty() {
            return Ok(());
        }
        let sight = self.surroundings(lab, host)?;
        let adapter = adapter_of_clients(&sight).map_err(|what| self.trouble_at(host, what))?;
        let armed = Part::Armed(self.armed_minutes());
        self.set_part(lab, (number, verb), (host, &armed), &[ARMED.to_owned()])?;
        self.set_part(lab, (number, verb), (host, &Part::Adapter(adapter)), &[DISABLED.to_owned()])
    }

    /// The adapters of a host that the run has switched off.
    fn switched_off(&self, own: Host) -> Vec<Part> {
        let name = self.binding.host_name(own);
        let restored = self.journal().entries().iter().filter_map(|entry| entry.undo.part());
        let its = restored.filter(|(host, part, _)| *host == name && matches!(part, Part::Adapter(_)));
        its.map(|(_, part, _)| part.clone()).collect()
    }

    /// Unless there is another reason; a host that nobody keeps from it is left as it is.
    fn let_through<L: Lab>(&mut self, lab: &mut L, host: Host, outside: Outside) -> Result<(), BackendError> {
        if self.reasons.failed.contains(&outside) || self.reasons.cut_off.contains(&(host, outside)) {
            return Ok(());
        }
        let part = Part::KeptFrom(outside);
        if self.part(lab, host, &part)?.is_empty() {
            return Ok(());
        }
        self.write_part(lab, host, &part, &[])
    }

    fn surroundings<L: Lab>(&mut self, lab: &mut L, host: Host) -> Result<SurroundingsSight, BackendError> {
        let reply = self.ask(lab, host, "reading what it rests on", Call::ReadSurroundings)?;
        let Reply::Surroundings(sight) = reply else { unreachable!("{READ_AS_ASKED}") };
        Ok(sight)
    }

    pub(super) fn trouble_at(&self, host: Host, what: String) -> BackendError {
        BackendError::Lab { host: self.binding.host_name(host), what }
    }
}

/// The only adapter of a node in a network for clients.
///
/// # Errors
/// Why it cannot be switched off, and nothing else with it.
fn adapter_of_clients(sight: &SurroundingsSight) -> Result<String, String> {
    let of_clients = sight.interfaces.iter().filter(|one| one.role == FOR_CLIENTS);
    let mut adapters: Vec<&str> = of_clients.map(|one| one.adapter.as_str()).collect();
    adapters.dedup();
    let [adapter] = adapters.as_slice() else {
        return Err(format!("{} adapters there are in networks for clients, not one", adapters.len()));
    };
    let is_it = |own: &str| own.eq_ignore_ascii_case(adapter);
    if sight.interfaces.iter().all(|one| is_it(&one.adapter)) {
        return Err("the nodes have no other network to hear each other".to_owned());
    }
    let its = sight.interfaces.iter().filter(|one| is_it(&one.adapter)).map(|one| &one.address);
    match its.chain(&sight.roles).find(|address| sight.needed.contains(address)) {
        None => Ok((*adapter).to_owned()),
        Some(address) => {
            Err(format!("a session with it, or its storage, goes by {address}, and would be lost, too"))
        }
    }
}

/// The addresses that stand for something outside of a host.
///
/// # Errors
/// Why the host cannot be kept from it, and from it alone.
fn addresses_of(outside: Outside, sight: &SurroundingsSight) -> Result<Vec<String>, String> {
    let some = |addresses: &[String], why: &str| {
        if addresses.is_empty() { Err(why.to_owned()) } else { Ok(addresses.to_vec()) }
    };
    match outside {
        Outside::Clients => some(&sight.roles, "no role has an address there that clients could use"),
        Outside::Dns => some(&sight.dns, "no DNS server is configured there"),
        Outside::Witness => {
            if let Some(share) = sight.shares.first() {
                return Err(format!("the host of the witness has `{share}` open there, too"));
            }
            some(&sight.witness, "the witness is no share of a host")
        }
        Outside::Disk => {
            if sight.cluster_buses.is_empty() || sight.cluster_buses.iter().any(|&bus| bus != ISCSI) {
                return Err("the disks of the cluster are not reached by iSCSI there".to_owned());
            }
            if sight.own_buses.contains(&ISCSI) {
                return Err("disks of its own are reached by iSCSI there, too".to_owned());
            }
            some(&sight.portals, "no connection of iSCSI is open there")
        }
    }
}
