//! What does an action do to what the cluster rests on?

use std::time::Duration;

use crate::action::{LinkEnd, Part, Service, Ways};
use crate::assumption::{Assumption, REGISTERS_AT_NEXT_ONLINE};
use crate::cluster::{ResourceKind, Witness};
use crate::names::NodeId;
use crate::topology::Target;

use super::super::{Event, World};

impl World {
    pub(super) fn set_surroundings(&mut self, part: Part<NodeId>, works: bool) {
        match part {
            Part::Witness => self.set_witness(works),
            Part::Dns => self.set_dns(works),
            Part::DnsUpdates if works => {
                let forgets = self.forgets_registrations();
                self.dns.accept_updates(forgets);
            }
            Part::DnsUpdates => self.dns.refuse_updates(),
            Part::Directory => self.directory_works = works,
            Part::Announcements => {
                self.addresses.ignore_announcements(!works);
                for address in self.all_addresses() {
                    self.tell_where(address);
                }
            }
            Part::ServiceStart { node, service } => {
                let disabled = &mut self.nodes[node.index()].disabled;
                match service {
                    Service::Master => disabled.master = !works,
                    Service::SqlServer => disabled.sql_server = !works,
                }
            }
            Part::Adapter(node) => {
                self.nodes[node.index()].has_adapter = works;
                self.set_link(node, LinkEnd::Clients, works, Ways::Both);
                for address in self.all_addresses() {
                    self.poll_will_find(node, ResourceKind::IpAddress(address));
                }
            }
            Part::Address(resource) => {
                if let ResourceKind::IpAddress(address) =
                    self.topology.cluster.resources[resource.index()].kind
                {
                    self.duplicates[address.index()] = !works;
                }
            }
        }
    }

    /// A share that the cluster has seen fail is tried again only so often (WitnessRestartInterval, documented).
    fn set_witness(&mut self, works: bool) {
        match (self.witness_works, works) {
            (true, false) => self.witness_failed = self.now,
            (false, true) => {
                let noticed = self.witness_failed + WITNESS_POLL;
                let is_share = self.topology.cluster.witness == Some(Witness::FileShare);
                let is_tried_later = is_share && self.now >= noticed;
                self.witness_from = if is_tried_later {
                    self.now.next_beat(noticed, WITNESS_RESTART_INTERVAL)
                } else {
                    self.now
                };
            }
            (false, false) | (true, true) => {}
        }
        self.witness_works = works;
        let seen = self.witness_from.max(self.now + WITNESS_POLL);
        self.queue.push(seen, Event::WitnessPolled);
    }

    fn set_dns(&mut self, works: bool) {
        if works {
            let forgets = self.forgets_registrations();
            return self.dns.restore(forgets);
        }
        self.dns.fail();
        // Whoever's master has a connection to SSISDB has asked for its name; when, is inferred: just now.
        for host in &mut self.nodes {
            let server = host.master.machine.settings().sql_server;
            if let Target::Name(name) = self.topology.hosts[server.index()]
                && host.is_on()
                && host.master.is_running
            {
                host.knows_names_until = self.now + self.topology.network_names[name.index()].ttl;
            }
        }
    }

    /// Whether a name that could not register tries again only when it comes online.
    fn forgets_registrations(&mut self) -> bool {
        self.dns.has_missed() && self.choices.assume(Assumption::DnsRegistration) == REGISTERS_AT_NEXT_ONLINE
    }
}

/// How long it takes until the cluster sees that its witness failed or, with a disk or a blob, works again: the poll of a
/// resource, 5 s by default. Inferred.
const WITNESS_POLL: Duration = Duration::from_secs(5);
/// `WitnessRestartInterval`, default (documented): how often a file share that failed is tried.
const WITNESS_RESTART_INTERVAL: Duration = Duration::from_secs(15 * 60);
