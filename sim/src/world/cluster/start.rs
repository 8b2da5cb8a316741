//! How do a machine and its cluster service start?

use std::time::Duration;

use crate::action::StartQuorum;
use crate::choices::Purpose;
use crate::cluster::ClusterEvent;
use crate::names::NodeId;
use crate::observe::{Fact, NodeState, Power, Source, Watch};
use crate::time::Time;

use super::super::{Event, World};

impl World {
    /// A machine gets power: its services start after the boot, at once when the run begins.
    pub(in crate::world) fn start_machine(&mut self, node: NodeId) {
        self.nodes[node.index()].power = Power::On;
        self.give_up_addresses(node);
        self.show(Source::Host, Fact::Machine { node, power: Power::On });
        self.tell_whether_heard(node);
        let boot = if self.now == Time::ZERO { Duration::ZERO } else { self.topology.timings.boot };
        self.start_service_at(node, self.now + boot);
        self.boot_instance(node, self.now + boot);
    }

    /// A machine that boots has its own address only: what the cluster service had configured went with the power.
    fn give_up_addresses(&mut self, node: NodeId) {
        for address in self.all_addresses() {
            if self.addresses.holders(address).contains(&node) {
                self.addresses.release(address, node);
                self.tell_where(address);
            }
        }
    }

    pub(in crate::world) fn start_service_at(&mut self, node: NodeId, moment: Time) {
        let host = &mut self.nodes[node.index()];
        host.starts_at = moment;
        host.quorum = StartQuorum::Normal;
        self.queue.push(moment, Event::ServiceStarts(node));
    }

    pub(super) fn start_service(&mut self, node: NodeId) {
        let host = &mut self.nodes[node.index()];
        if !host.is_on() || host.service.runs() || host.starts_at != self.now {
            return;
        }
        host.starts += 1;
        (host.left, host.heir) = (false, None);
        let starts = host.starts;
        let what = Watch::Node(node);
        self.show(Source::Run, Fact::Watching { what, every: Duration::ZERO });
        self.send_to_service(node, ClusterEvent::Started);
        self.show(Source::Node(node), Fact::NodeState { node, state: NodeState::Joining });
        let time = self.draw(Purpose::JoinTime, u32::from(node.0), starts, self.topology.timings.join);
        self.join_at(node, self.now + time);
    }

    pub(in crate::world) fn join_at(&mut self, node: NodeId, moment: Time) {
        self.nodes[node.index()].joins_at = moment;
        self.queue.push(moment, Event::JoinEnds(node));
    }
}
