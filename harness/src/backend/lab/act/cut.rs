//! How is a node of a lab cut off from others, so that it is whole again whatever becomes of the harness?
//!
//! By rules of its own firewall. Before the first of them the node gets a task of its own that takes all of them back when
//! its time is over. Whether the cut bites is asked from both sides.

use failover_sim::action::{LinkEnd, LinkState, Verb, Ways};
use failover_sim::names::{ActionNo, NodeId};

use super::super::protocol::{ARMED, Call, NetworkSight, Outside, Part, Reply, Way};
use super::super::reach::{Host, Lab};
use super::super::session::READ_AS_ASKED;
use super::{Actors, BackendError};

impl Actors {
    /// Cuts the network between a node and others, or heals it.
    pub(super) fn link<L: Lab>(
        &mut self,
        lab: &mut L,
        (number, verb): (ActionNo, Verb),
        (node, to, state, ways): (NodeId, LinkEnd<NodeId>, LinkState, Ways),
        nodes: &[NodeId],
    ) -> Result<(), BackendError> {
        let ends: Vec<NodeId> = match to {
            LinkEnd::Node(other) => vec![other],
            LinkEnd::OtherNodes => nodes.iter().copied().filter(|&other| other != node).collect(),
            LinkEnd::Clients => {
                return self.outside_link(lab, (number, verb), (node, Outside::Clients, state));
            }
            LinkEnd::Disk => return self.outside_link(lab, (number, verb), (node, Outside::Disk, state)),
            LinkEnd::Witness => {
                return self.outside_link(lab, (number, verb), (node, Outside::Witness, state));
            }
        };
        self.know_addresses(lab, nodes)?;
        match state {
            LinkState::Cut => self.cut(lab, (number, verb), (node, &ends), ways),
            LinkState::Whole => self.heal(lab, node, &ends),
        }
    }

    fn cut<L: Lab>(
        &mut self,
        lab: &mut L,
        (number, verb): (ActionNo, Verb),
        (node, ends): (NodeId, &[NodeId]),
        ways: Ways,
    ) -> Result<(), BackendError> {
        let theirs: Vec<String> = ends.iter().flat_map(|&end| self.addresses_of(end)).collect();
        let own = self.addresses_of(node);
        let blocks = self.blocks(lab, node, &theirs, ways)?;
        if blocks.is_empty() && !theirs.is_empty() {
            return Ok(());
        }
        self.spare_storage(lab, node, &theirs)?;
        for &end in ends {
            self.spare_storage(lab, end, &own)?;
            // A node that does not answer before the cut proves nothing by its silence after it.
            let answers = self.reached(lab, Host::Node(node), (&self.addresses_of(end), None))?;
            if answers.is_empty() {
                let what = format!(
                    "no address of {} answers an echo request, so that a cut could not be proven",
                    self.binding.node_name(end)
                );
                return Err(self.trouble_at(Host::Node(node), what));
            }
        }
        let armed = Part::Armed(self.armed_minutes());
        self.set_part(lab, (number, verb), (Host::Node(node), &armed), &[ARMED.to_owned()])?;
        for (part, value) in blocks {
            self.set_part(lab, (number, verb), (Host::Node(node), &part), &value)?;
        }
        self.is_cut(lab, node, &theirs)?;
        ends.iter().try_for_each(|&end| self.is_cut(lab, end, &own))
    }

    /// What a node's firewall is to block besides what it does, each with its whole value.
    fn blocks<L: Lab>(
        &mut self,
        lab: &mut L,
        node: NodeId,
        addresses: &[String],
        ways: Ways,
    ) -> Result<Vec<(Part, Vec<String>)>, BackendError> {
        let mut blocks = Vec::new();
        for &way in ways_of(ways) {
            let part = Part::Blocked(way);
            let before = self.part(lab, Host::Node(node), &part)?;
            let fresh = addresses.iter().filter(|address| !has(&before, address));
            let value: Vec<String> = before.iter().chain(fresh).cloned().collect();
            if value.len() > before.len() {
                blocks.push((part, value));
            }
        }
        Ok(blocks)
    }

    /// The same from either side: a cut may have been made from the other one.
    fn heal<L: Lab>(&mut self, lab: &mut L, node: NodeId, ends: &[NodeId]) -> Result<(), BackendError> {
        let theirs: Vec<String> = ends.iter().flat_map(|&end| self.addresses_of(end)).collect();
        let own = self.addresses_of(node);
        let sides = std::iter::once((node, &theirs)).chain(ends.iter().map(|&end| (end, &own)));
        for (side, addresses) in sides {
            for way in [Way::In, Way::Out] {
                let part = Part::Blocked(way);
                let before = self.part(lab, Host::Node(side), &part)?;
                let value: Vec<String> =
                    before.iter().filter(|address| !has(addresses, address)).cloned().collect();
                if value.len() < before.len() {
                    self.write_part(lab, Host::Node(side), &part, &value)?;
                }
            }
        }
        Ok(())
    }

    /// Asks once for the addresses of all nodes: a node that is cut off may not know them any more.
    fn know_addresses<L: Lab>(&mut self, lab: &mut L, nodes: &[NodeId]) -> Result<(), BackendError> {
        if self.addresses.is_empty() {
            let (by, _) = self.cluster(lab, nodes)?;
            let sight = self.network(lab, by)?;
            let known = sight.addresses.into_iter();
            self.addresses =
                known.filter_map(|one| Some((self.binding.node(&one.node)?, one.address))).collect();
        }
        Ok(())
    }

    fn addresses_of(&self, node: NodeId) -> Vec<String> {
        let own = self.addresses.iter().filter(|(of, _)| *of == node);
        own.map(|(_, address)| address.clone()).collect()
    }

    /// Refuses a cut that would take a node's storage away, too.
    fn spare_storage<L: Lab>(
        &mut self,
        lab: &mut L,
        node: NodeId,
        addresses: &[String],
    ) -> Result<(), BackendError> {
        let NetworkSight { storage, .. } = self.network(lab, node)?;
        match storage.iter().find(|address| has(addresses, address)) {
            None => Ok(()),
            Some(address) => {
                let name = self.binding.node_name(node);
                let what =
                    format!("{name} reaches storage at {address}, so that a cut would take it away, too");
                Err(self.trouble_at(Host::Node(node), what))
            }
        }
    }

    fn is_cut<L: Lab>(
        &mut self,
        lab: &mut L,
        node: NodeId,
        addresses: &[String],
    ) -> Result<(), BackendError> {
        match self.reached(lab, Host::Node(node), (addresses, None))?.first() {
            None => Ok(()),
            Some(address) => {
                let what = format!("{address} still answers there, although the firewall blocks it");
                Err(self.trouble_at(Host::Node(node), what))
            }
        }
    }

    /// Those of the addresses that answer a host: an echo request, or an attempt to connect to a TCP port.
    pub(super) fn reached<L: Lab>(
        &mut self,
        lab: &mut L,
        host: Host,
        (addresses, port): (&[String], Option<u16>),
    ) -> Result<Vec<String>, BackendError> {
        let call = Call::Reach { addresses: addresses.to_vec(), port };
        let reply = self.ask(lab, host, "looking whom it reaches", call)?;
        let Reply::Reached(reached) = reply else { unreachable!("{READ_AS_ASKED}") };
        let answers = addresses.iter().zip(reached).filter(|(_, reached)| *reached);
        Ok(answers.map(|(address, _)| address.clone()).collect())
    }

    fn network<L: Lab>(&mut self, lab: &mut L, node: NodeId) -> Result<NetworkSight, BackendError> {
        let reply = self.ask(lab, Host::Node(node), "reading the network", Call::ReadNetwork)?;
        let Reply::Network(sight) = reply else { unreachable!("{READ_AS_ASKED}") };
        Ok(sight)
    }

    /// When a node takes its blocks back by itself: later than the run can still need them.
    pub(super) fn armed_minutes(&self) -> u32 {
        u32::try_from(self.longest.as_secs() / 60).unwrap_or(u32::MAX).saturating_add(SPARE_MINUTES)
    }
}

fn has(addresses: &[String], address: &str) -> bool {
    addresses.iter().any(|found| found.eq_ignore_ascii_case(address))
}

const fn ways_of(ways: Ways) -> &'static [Way] {
    match ways {
        Ways::Both => &[Way::In, Way::Out],
        Ways::In => &[Way::In],
        Ways::Out => &[Way::Out],
    }
}

/// What a run may take beyond its steps: before the first, and until everything is taken back.
const SPARE_MINUTES: u32 = 30;
