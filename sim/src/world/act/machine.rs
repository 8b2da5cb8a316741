//! What does an action do to a machine as a whole?

use std::time::Duration;

use crate::assumption::{Assumption, THAWED_ANSWERS};
use crate::cluster::{ClusterEvent, Rundown};
use crate::names::NodeId;
use crate::observe::{Fact, Power, Source, Watch};
use crate::planted::{Defect, has};
use crate::scaleout::Master;
use crate::step::Machine;

use super::super::node::Shutdown;
use super::super::{Event, World};
use super::ApplyError;

impl World {
    pub(super) fn power_off(&mut self, node: NodeId) -> Result<(), ApplyError> {
        let host = &mut self.nodes[node.index()];
        if host.power == Power::Off {
            return Err(ApplyError::WrongPower { node, is: Power::Off });
        }
        let had_ssisdb = host.sql.answers();
        host.lose_power();
        // The service is gone with its machine: nothing that it would have done is done.
        let mut unseen = std::mem::take(&mut self.cluster_effects);
        let killed = ClusterEvent::Killed { rundown: Rundown::Abrupt };
        host.service.step(self.now, killed, &mut self.choices, &mut unseen);
        unseen.clear();
        self.cluster_effects = unseen;
        let host = &mut self.nodes[node.index()];
        host.master.machine = Master::new(host.settings.clone());
        self.show(Source::Host, Fact::Machine { node, power: Power::Off });
        self.show(Source::Run, Fact::Unwatched(Watch::Node(node)));
        self.fall_silent(node);
        self.heartbeats_stop(node);
        if had_ssisdb {
            self.packages_lose_sql_server();
        }
        Ok(())
    }

    /// The roles move away first (`DrainOnShutdown`, default 1), for `ShutdownTimeoutInMinutes` at most, default 20
    /// (both documented).
    pub(super) fn shut_down(&mut self, node: NodeId, how: Shutdown) -> Result<(), ApplyError> {
        let host = &mut self.nodes[node.index()];
        if host.power != Power::On {
            return Err(ApplyError::WrongPower { node, is: host.power });
        }
        host.shutdown = how;
        if host.is_member() {
            self.queue.push(self.now + SHUTDOWN_TIMEOUT, Event::ShutdownEnds(node));
            self.send_to_service(node, ClusterEvent::StopRequested);
        } else {
            self.end_shutdown(node);
        }
        Ok(())
    }

    /// A machine that shuts down is off, or starts again.
    pub(in crate::world) fn end_shutdown(&mut self, node: NodeId) {
        let how = self.nodes[node.index()].shutdown;
        if how != Shutdown::None {
            // It has power, so this cannot be refused.
            let _ = self.power_off(node);
        }
        if how == Shutdown::Restart {
            self.start_machine(node);
        }
    }

    pub(super) fn freeze(&mut self, node: NodeId) -> Result<(), ApplyError> {
        let host = &mut self.nodes[node.index()];
        if host.power != Power::On {
            return Err(ApplyError::WrongPower { node, is: host.power });
        }
        host.power = Power::Frozen;
        host.frozen_at = self.now;
        self.show(Source::Host, Fact::Machine { node, power: Power::Frozen });
        self.show(Source::Run, Fact::Unwatched(Watch::Node(node)));
        self.fall_silent(node);
        self.heartbeats_stop(node);
        Ok(())
    }

    /// The machine goes on with what it was about to do; its disk is gone if somebody preempted the reservation, and
    /// with its next heartbeats it learns whether the others went on without it.
    pub(super) fn thaw(&mut self, node: NodeId) -> Result<(), ApplyError> {
        let host = &mut self.nodes[node.index()];
        if host.power != Power::Frozen {
            return Err(ApplyError::WrongPower { node, is: host.power });
        }
        host.power = Power::On;
        let frozen_at = host.frozen_at;
        let stalled = std::mem::take(&mut host.stalled);
        let never_missed = Duration::ZERO;
        self.show(Source::Run, Fact::Watching { what: Watch::Node(node), every: never_missed });
        self.show(Source::Host, Fact::Machine { node, power: Power::On });
        self.tell_whether_heard(node);
        if !has(Defect::ThawKeepsDisk) {
            self.lose_reservation(node);
        }
        self.hold_addresses_again(node);
        for event in stalled {
            if matches!(event, Event::CallEnded { .. }) && has(Defect::ThawForgetsCalls) {
                continue;
            }
            // An armed deadline is known by its moment, which has passed.
            if matches!(event, Event::ServiceDue(_)) {
                self.nodes[node.index()].armed = self.now;
            } else if matches!(event, Event::MasterDue(_)) {
                self.nodes[node.index()].master.armed = self.now;
            }
            if matches!(event, Event::ServiceStarts(_)) {
                self.nodes[node.index()].starts_at = self.now;
            } else if matches!(event, Event::JoinEnds(_)) {
                self.nodes[node.index()].joins_at = self.now;
            }
            self.queue.push(self.now, event);
        }
        self.queue.push(self.now + self.properties.same_subnet_delay, Event::LooksAround(node));
        if self.nodes[node.index()].is_member() {
            self.listen_again(node, frozen_at);
        }
        Ok(())
    }

    /// Whoever asks for an address that the machine has not given up may hear it first.
    fn hold_addresses_again(&mut self, node: NodeId) {
        for address in self.all_addresses() {
            let is_moved = self.addresses.holder(address) != Some(node);
            if is_moved
                && self.addresses.holders(address).contains(&node)
                && self.choices.assume(Assumption::ThawedAddress) == THAWED_ANSWERS
            {
                self.addresses.assign(address, node);
                self.tell_where(address);
            }
        }
    }
}

/// `ShutdownTimeoutInMinutes`, default (documented).
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(20 * 60);
