//! Who finds out about whose loss, when, and who goes on together?
//!
//! Heartbeats that arrive are no events. When a link or a node goes, the moment at which each observer has missed too
//! many is computed from their phase; then the nodes that still talk to each other regroup.

use std::time::Duration;

use crate::action::StartQuorum;
use crate::assumption::{ALWAYS_ISOLATE, Assumption, NO_QUARANTINE, OTHER_TABLES};
use crate::choices::{ChoiceKey, Purpose};
use crate::cluster::{
    ClusterEvent, Component, Profile, ResiliencyLevel, ThresholdTable, configured_votes, regroup,
};
use crate::mark::Mark;
use crate::names::{NodeId, NodeSet};
use crate::observe::NodeStatus;
use crate::planted::{Defect, has};
use crate::time::{Time, micros};

use super::super::{Event, World};

impl World {
    /// Nodes of which this is true.
    pub(super) fn node_set(&self, is_in: impl Fn(&Self, NodeId) -> bool) -> NodeSet {
        self.all_nodes().iter().filter(|&node| is_in(self, node)).collect()
    }

    /// Whether two nodes talk to each other at this moment.
    pub(super) fn talks(&self, one: NodeId, other: NodeId) -> bool {
        self.nodes[one.index()].is_on() && self.nodes[other.index()].is_on() && self.links.talks(one, other)
    }

    /// The other members that a node talks to.
    pub(crate) fn others_heard(&self, node: NodeId) -> NodeSet {
        self.node_set(|world, other| {
            other != node && world.nodes[other.index()].is_member() && world.talks(node, other)
        })
    }

    /// To whom a node hands its vote over before it stops in good order: with dynamic quorum another node, if there is one
    /// whose vote nobody took away (an explicitly removed vote is never given back, documented).
    pub(crate) fn heir_of(&self, node: NodeId) -> Option<NodeId> {
        let heirs = self.others_heard(node).and(configured_votes(&self.topology.cluster));
        heirs.lowest().filter(|_| self.properties.dynamic_quorum)
    }

    /// The members that go on together if `node` regroups: of all that it reaches, over others too, those that all talk
    /// to each other.
    fn component(&self, node: NodeId) -> NodeSet {
        let members = self.node_set(|world, node| world.nodes[node.index()].is_member());
        let mut reached = NodeSet::only(node).and(members);
        loop {
            let more = members.iter().filter(|&other| reached.iter().any(|inside| self.talks(inside, other)));
            let more = more.collect::<NodeSet>().or(reached);
            if more == reached {
                return self.clique(reached);
            }
            reached = more;
        }
    }

    /// Takes out, one after the other, the node that talks to the fewest of the rest, until all talk to all (a node
    /// with incomplete connectivity is taken out: event 1006, documented; which one is inferred).
    fn clique(&self, mut nodes: NodeSet) -> NodeSet {
        loop {
            let heard =
                |node: NodeId| nodes.iter().filter(|&other| other == node || self.talks(node, other)).count();
            let weakest = nodes.iter().min_by_key(|&node| (heard(node), u8::MAX - node.0));
            match weakest {
                Some(weakest) if heard(weakest) < nodes.len() => nodes.remove(weakest),
                Some(_) | None => return nodes,
            }
        }
    }

    /// A starting node joins the cluster that it finds; if it finds none, the nodes that are starting form one
    /// (nodes page of MsCS, documented).
    pub(super) fn join_ends(&mut self, node: NodeId) {
        let host = &self.nodes[node.index()];
        if !host.is_on() || !host.service.runs() || host.service.is_active() || host.joins_at != self.now {
            return;
        }
        if let Some(until) = host.quarantine.holds_until(self.now) {
            return self.join_at(node, until);
        }
        // Members in the middle of a regroup admit nobody.
        let found = self.node_set(|world, other| {
            let host = &world.nodes[other.index()];
            host.is_member() && host.regroup_of.is_none() && world.talks(node, other)
        });
        let active = found.lowest().map_or(NodeSet::EMPTY, |member| self.component(member));
        let quorum = host.quorum;
        let component = if active.is_empty() && quorum == StartQuorum::Prevent {
            // It joins a cluster, and forms none.
            NodeSet::EMPTY
        } else if active.is_empty() {
            let starting = self.node_set(|world, other| {
                other == node || (world.talks(node, other) && world.nodes[other.index()].service.runs())
            });
            self.clique(starting)
        } else {
            active.or(NodeSet::only(node))
        };
        // Whoever does not hear every member cannot be one.
        let is_heard = active.iter().all(|member| self.talks(node, member));
        let forces = quorum == StartQuorum::Force;
        let may_form = !component.is_empty() && is_heard;
        if !may_form || !self.regroup_component(component, active, forces) {
            let again = self.now + self.topology.timings.join.most;
            self.join_at(node, again);
        }
    }

    /// Regroups a component. Starting nodes that would have no quorum go on waiting, which is said by `false`.
    /// `forced` if an administrator forces quorum: they need none then, and what they know is authoritative.
    fn regroup_component(&mut self, component: NodeSet, active: NodeSet, forced: bool) -> bool {
        let forced = forced && active.is_empty();
        let voices = if active.is_empty() { component } else { component.and(active) };
        let newest = voices
            .iter()
            .max_by_key(|node| (self.nodes[node.index()].service.view().epoch, u8::MAX - node.0));
        let Some(newest) = newest else { return true };
        let free = self.topology.cluster.witness.is_some() && self.witness_is_free_for(component);
        let witness = free.then_some(self.witness_epoch);
        let newest = *self.nodes[newest.index()].service.view();
        // The witness has seen a later regroup: these nodes slept through it. They may not form a cluster of their own
        // (event 1561, start refused for want of the latest configuration, documented), and if they are members of one
        // that went on without them, they do not get the witness' vote (inferred).
        let slept = witness > Some(newest.epoch) && !forced;
        if slept && active.is_empty() {
            return false;
        }
        let (free, witness) = if slept { (false, None) } else { (free, witness) };
        let handed_over = self.node_set(|world, left| {
            let heir = world.nodes[left.index()].heir;
            newest.members.contains(left) && heir.is_some_and(|heir| component.contains(heir))
        });
        let component_now = Component {
            nodes: component,
            newest: &newest,
            handed_over,
            forms: active.is_empty(),
            forced,
            witness,
        };
        let mut decided = regroup(&self.topology.cluster, &self.properties, component_now, &mut self.choices);
        if !decided.quorate && active.is_empty() {
            return false;
        }
        if decided.quorate && free {
            self.witness_epoch = decided.epoch;
            let keeps = self
                .witness_holder
                .filter(|&holder| component.contains(holder) && self.links.has_witness(holder));
            let mut takers = component.iter().filter(|&node| self.links.has_witness(node));
            self.witness_holder = keeps.or_else(|| takers.next());
        }
        if decided.quorate {
            self.count_losses(newest.members.minus(component));
            let outside = |status| {
                self.node_set(|world, node| !component.contains(node) && world.status(node) == status)
            };
            decided.isolated = outside(NodeStatus::Isolated);
            decided.quarantined = outside(NodeStatus::Quarantined);
        }
        for node in component.iter() {
            self.nodes[node.index()].regroup_of = None;
            self.inbox.push_back((node, ClusterEvent::Regrouped(decided)));
        }
        // A regroup tells all that there is to know.
        self.unsent.retain(|(from, to, _)| !component.contains(*from) && !component.contains(*to));
        self.deliver();
        // Members that were left out find out for themselves.
        for left_out in newest.members.minus(component).iter() {
            let moment = self.now + self.properties.same_subnet_delay;
            self.queue.push(moment, Event::LooksAround(left_out));
        }
        true
    }

    /// The flag of a node that is not a member.
    fn status(&self, node: NodeId) -> NodeStatus {
        let host = &self.nodes[node.index()];
        if host.quarantine.holds_until(self.now).is_some() {
            NodeStatus::Quarantined
        } else if self.now < host.isolated_until {
            NodeStatus::Isolated
        } else {
            NodeStatus::Normal
        }
    }

    /// A node's time in isolation or quarantine may be over, which the members see.
    pub(super) fn status_ends(&mut self, node: NodeId) {
        let status = self.status(node);
        let members = self.node_set(|world, member| world.nodes[member.index()].is_member());
        for member in members.iter() {
            self.inbox.push_back((member, ClusterEvent::StatusEnded { node, status }));
        }
        self.deliver();
    }

    /// Whether a node that falls silent is isolated. A role of SQL Server fails over nonetheless: only virtual machines
    /// go on there (inferred).
    fn isolates(&mut self) -> bool {
        let level = self.properties.resiliency_level;
        !self.properties.resiliency_default_period.is_zero()
            && match level {
                Some(level) => level == ResiliencyLevel::AlwaysIsolate,
                None => self.choices.assume(Assumption::ResiliencyLevel) == ALWAYS_ISOLATE,
            }
    }

    /// Nodes that were members and are not any more, other than by their own will, are isolated for a while, and come
    /// nearer to quarantine.
    fn count_losses(&mut self, lost: NodeSet) {
        let forgotten = has(Defect::QuarantineForgotten);
        let threshold = if forgotten { 0 } else { self.properties.quarantine_threshold };
        for node in lost.iter().filter(|node| !self.nodes[node.index()].left).collect::<NodeSet>().iter() {
            let (set, choices) = (self.properties.quarantine_duration, &mut self.choices);
            let duration = || {
                set.unwrap_or_else(|| match choices.assume(Assumption::QuarantineDuration) {
                    NO_QUARANTINE => Duration::ZERO,
                    _ => TWO_HOURS,
                })
            };
            self.nodes[node.index()].quarantine.lost(self.now, threshold, duration);
            if self.isolates() {
                self.nodes[node.index()].isolated_until =
                    self.now + self.properties.resiliency_default_period;
            }
            let host = &self.nodes[node.index()];
            for end in [host.isolated_until, host.quarantine.ends()] {
                if end > self.now {
                    self.queue.push(end, Event::StatusEnds(node));
                }
            }
        }
    }

    /// Somebody of the component reaches the witness, and nobody outside it defends it: whoever holds it keeps it as
    /// long as he is there and reaches it (arbitration, documented for 2003 and inferred since).
    fn witness_is_free_for(&self, component: NodeSet) -> bool {
        let defended = self.witness_holder.is_some_and(|holder| {
            !component.contains(holder)
                && self.nodes[holder.index()].is_member()
                && self.links.has_witness(holder)
        });
        let works = self.witness_works && self.now >= self.witness_from;
        works && !defended && component.iter().any(|node| self.links.has_witness(node))
    }

    /// Heartbeats from `peer` no longer reach some members: each of them will have missed too many at a known moment.
    pub(in crate::world) fn heartbeats_stop(&mut self, peer: NodeId) {
        self.mark_loss();
        let observers = self.node_set(|world, node| {
            node != peer
                && world.nodes[node.index()].is_member()
                && world.nodes[node.index()].service.view().members.contains(peer)
                && !world.hears(node, peer)
        });
        for observer in observers.iter() {
            self.will_miss(observer, peer, self.now);
        }
    }

    /// Notes whether something goes while members regroup.
    fn mark_loss(&mut self) {
        if self.nodes.iter().any(|host| host.is_member() && host.regroup_of.is_some()) {
            self.marks.insert(Mark::LossDuringRegroup);
        }
    }

    /// A member that stood still since `since` has missed the heartbeats of members that it does not hear.
    pub(in crate::world) fn listen_again(&mut self, observer: NodeId, since: Time) {
        let members = self.nodes[observer.index()].service.view().members.without(observer);
        for peer in members.iter().filter(|&peer| !self.hears(observer, peer)).collect::<NodeSet>().iter() {
            self.will_miss(observer, peer, since);
        }
    }

    /// `observer` hears nothing of `peer` from `since` on.
    fn will_miss(&mut self, observer: NodeId, peer: NodeId, since: Time) {
        let (delay, threshold) = self.heartbeat(observer, peer);
        let subject = u32::from(observer.0) << 8 | u32::from(peer.0);
        let key = ChoiceKey { purpose: Purpose::HeartbeatPhase, subject, ordinal: 0 };
        let phase = Time::from_micros(self.choices.between(key, 0, micros(delay).saturating_sub(1)));
        let moment = since.last_beat(phase, delay) + delay * threshold;
        self.queue.push(moment.max(self.now), Event::HeartbeatsMissed { observer, peer });
    }

    /// The time between two heartbeats of two nodes, and how many may be missed.
    fn heartbeat(&mut self, one: NodeId, other: NodeId) -> (Duration, u32) {
        let same = self.topology.cluster.same_subnet(one, other);
        let (delay, set) = match (same, &self.properties) {
            (true, properties) => (properties.same_subnet_delay, properties.same_subnet_threshold),
            (false, properties) => (properties.cross_subnet_delay, properties.cross_subnet_threshold),
        };
        let threshold = set.unwrap_or_else(|| {
            let profile = self.topology.profile;
            let table = match profile {
                Profile::Windows2012R2 => ThresholdTable::BestPractices,
                Profile::Windows2016 | Profile::Windows2019 | Profile::Windows2022 => {
                    match self.choices.assume(Assumption::HeartbeatThresholds) {
                        OTHER_TABLES => ThresholdTable::Others,
                        _ => ThresholdTable::BestPractices,
                    }
                }
            };
            let (same_subnet, cross_subnet) = profile.thresholds(table);
            if same { same_subnet } else { cross_subnet }
        });
        (delay, threshold)
    }

    /// Whether a peer's heartbeats reach an observer. The route counts as lost when either way is (inferred).
    fn hears(&self, observer: NodeId, peer: NodeId) -> bool {
        self.nodes[peer.index()].is_member() && self.talks(observer, peer)
    }

    /// A cluster service is gone from a node that still runs: its connections to the others break at once.
    pub(in crate::world) fn service_gone(&mut self, peer: NodeId) {
        self.mark_loss();
        for observer in self.others_heard(peer).iter() {
            self.queue.push(self.now, Event::HeartbeatsMissed { observer, peer });
        }
    }

    pub(super) fn heartbeats_missed(&mut self, observer: NodeId, peer: NodeId) {
        if has(Defect::LossNotNoticed) {
            return;
        }
        let host = &self.nodes[observer.index()];
        let counts = host.is_member() && host.service.view().members.contains(peer);
        if self.hears(observer, peer) || !counts || host.regroup_of.is_some() {
            return;
        }
        // One regroup for the whole component: whoever notices first starts it.
        for node in self.component(observer).iter() {
            self.nodes[node.index()].regroup_of = Some(observer);
        }
        let host = &mut self.nodes[observer.index()];
        host.regroup_count += 1;
        let ordinal = host.regroup_count;
        let spread = self.topology.timings.regroup;
        let time = self.draw(Purpose::RegroupTime, u32::from(observer.0), ordinal, spread);
        self.queue.push(self.now + time, Event::RegroupEnds(observer));
    }

    /// The members decide together: a regroup that one of them began ends even if that one is gone by then. Members that
    /// do not hear of it decide when their own regroup ends.
    pub(super) fn regroup_ends(&mut self, began: NodeId) {
        let waits = |world: &Self| {
            world.node_set(|world, node| {
                let host = &world.nodes[node.index()];
                host.is_member() && host.regroup_of == Some(began)
            })
        };
        while let Some(waiting) = waits(self).lowest() {
            let component = self.component(waiting);
            self.regroup_component(component, component, false);
            self.nodes[waiting.index()].regroup_of = None;
        }
    }

    /// The witness failed or works again: its vote, and those of the nodes, are assigned anew (understand-quorum,
    /// documented). Nobody's membership changes.
    pub(super) fn count_votes_anew(&mut self) {
        let mut rest = self.node_set(|world, node| world.nodes[node.index()].is_member());
        while let Some(first) = rest.lowest() {
            let component = self.component(first);
            self.regroup_component(component, component, false);
            rest = rest.minus(component).without(first);
        }
    }

    /// A node that was away too long finds that the others went on without it: its service stops, and starts again.
    pub(super) fn look_for_exclusion(&mut self, node: NodeId) {
        let host = &self.nodes[node.index()];
        if !host.is_member() {
            return;
        }
        let epoch = host.service.view().epoch;
        let excluded = self.all_nodes().without(node).iter().any(|other| {
            let view = self.nodes[other.index()].service.view();
            self.hears(node, other) && view.epoch > epoch && !view.members.contains(node)
        });
        if excluded {
            self.nodes[node.index()].regroup_of = None;
            self.send_to_service(node, ClusterEvent::Evicted);
        } else {
            self.send_again(node);
        }
    }
}

/// [`Assumption::QuarantineDuration`]: answer `2h`.
const TWO_HOURS: Duration = Duration::from_secs(2 * 3_600);
