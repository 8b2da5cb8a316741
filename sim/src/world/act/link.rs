//! What does an action do to the ways between a node and others?

use crate::action::{LinkEnd, LinkQuality, Ways};
use crate::names::{NodeId, NodeSet};
use crate::net::Peer;

use super::super::wire::WireCommand;
use super::super::{Event, World};

impl World {
    pub(super) fn set_link(&mut self, node: NodeId, to: LinkEnd<NodeId>, open: bool, ways: Ways) {
        let out = matches!(ways, Ways::Both | Ways::Out);
        let inward = matches!(ways, Ways::Both | Ways::In);
        let others = match to {
            LinkEnd::Node(other) => NodeSet::only(other),
            LinkEnd::OtherNodes => self.all_nodes().without(node),
            LinkEnd::Clients => {
                if self.links.serves_clients(node) != open {
                    self.links.set(node, Peer::Clients, open);
                    self.tell_whether_heard(node);
                }
                return;
            }
            LinkEnd::Witness => return self.links.set(node, Peer::Witness, open),
            LinkEnd::Disk => {
                self.links.set(node, Peer::Disk, open);
                return self.lose_reservation(node);
            }
        };
        for other in others.iter() {
            if out {
                self.links.set(node, Peer::Node(other), open);
            }
            if inward {
                self.links.set(other, Peer::Node(node), open);
            }
        }
        if open {
            for looking in others.iter().chain([node]) {
                let moment = self.now + self.properties.same_subnet_delay;
                self.queue.push(moment, Event::LooksAround(looking));
            }
        } else {
            self.heartbeats_stop(node);
            for other in others.iter() {
                self.heartbeats_stop(other);
            }
        }
    }

    pub(super) fn degrade(&mut self, node: NodeId, quality: LinkQuality) {
        self.links.set_quality(node, quality);
        self.wire.command(WireCommand::Degrade { node, quality });
    }
}
