//! What does an action do to what the cluster rests on?

use std::time::Duration;

use crate::action::{LinkEnd, Part, Service, Ways};
use crate::assumption::{Assumption, REGISTERS_AT_NEXT_ONLINE};
use crate::cluster::ResourceKind;
use crate::names::NodeId;
use crate::topology::Target;

use super::super::{Event, World};

impl World {
    pub(super) fn set_surroundings(&mut self, part: Part<NodeId>, works: bool) {
        match part {
            Part::Witness => {
                self.witness_works = works;
                // When the cluster notices is inferred: the poll of a resource, 5 s by default.
                self.queue.push(self.now + WITNESS_POLL, Event::WitnessPolled);
            }
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

/// How long it takes at most until the cluster sees that its witness failed or works again. Inferred.
const WITNESS_POLL: Duration = Duration::from_secs(5);
