//! How long is a packet under way, and does it arrive?

use crate::action::LinkQuality;
use crate::choices::{ChoiceKey, Purpose};
use crate::names::WorkerId;
use crate::net::SEGMENT_AGAIN;
use crate::time::micros;

use super::super::World;

impl World {
    /// Microseconds that the next message to or from a worker takes.
    #[inline(always)]
    pub(super) fn link_delay(&mut self, id: WorkerId) -> u64 {
        let host = &mut self.workers[id.index()];
        host.messages = host.messages.wrapping_add(1);
        let key = ChoiceKey { purpose: Purpose::LinkDelay, subject: id.0, ordinal: host.messages };
        let (least, most) = self.link_micros;
        let delay = self.choices.between(key, least, most);
        if self.links.any_is_poor() { delay + micros(self.quality(id).delay) } else { delay }
    }

    /// Whether the next packet to or from a worker is lost on a poor link.
    #[inline]
    pub(super) fn is_lost(&mut self, id: WorkerId) -> bool {
        self.links.any_is_poor() && self.loses_packet(id)
    }

    #[cold]
    fn loses_packet(&mut self, id: WorkerId) -> bool {
        let LinkQuality { loss, .. } = self.quality(id);
        loss > 0 && {
            let host = &mut self.workers[id.index()];
            host.at_risk = host.at_risk.wrapping_add(1);
            let key = ChoiceKey { purpose: Purpose::PacketLoss, subject: id.0, ordinal: host.at_risk };
            self.choices.between(key, 0, 99) < u64::from(loss)
        }
    }

    /// How many microseconds later a packet arrives because TCP has to send it again; `None` if it gives up. What becomes of
    /// the link in the meantime changes nothing.
    #[inline]
    pub(super) fn sent_again(&mut self, id: WorkerId) -> Option<u64> {
        if self.links.any_is_poor() { self.sent_until_it_arrives(id) } else { Some(0) }
    }

    #[cold]
    fn sent_until_it_arrives(&mut self, id: WorkerId) -> Option<u64> {
        let mut late = 0;
        for again in SEGMENT_AGAIN {
            if !self.is_lost(id) {
                return Some(late);
            }
            late = micros(again);
        }
        None
    }

    /// How good the way is that a worker's packets take now.
    fn quality(&self, id: WorkerId) -> LinkQuality {
        self.destination(&self.workers[id.index()].connection)
            .node()
            .map_or_else(LinkQuality::default, |node| self.links.quality(node))
    }
}
