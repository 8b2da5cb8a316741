//! How long are packets held up between a node and its clients?
//!
//! An application behind TCP never sees that a packet was lost: it sees that what was sent comes later, by as long as TCP
//! took to send it again. So on real sockets loss is delay too, of a length that chance decides. The kernel accepts a
//! connection by itself: a SYN that is lost shows as a handshake that takes longer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::action::LinkQuality;
use crate::choices::{ChoiceKey, Choices, Purpose};
use crate::names::NodeId;
use crate::net::SEGMENT_AGAIN;

/// A node's way to its clients.
#[derive(Debug)]
pub(crate) struct Way {
    is_poor: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    node: NodeId,
    quality: LinkQuality,
    choices: Choices,
    at_risk: u32,
}

impl Way {
    /// A way that holds nothing up yet. What gets lost later is up to these choices.
    pub(crate) fn new(node: NodeId, choices: Choices) -> Self {
        let state = State { node, quality: LinkQuality::default(), choices, at_risk: 0 };
        Self { is_poor: AtomicBool::new(false), state: Mutex::new(state) }
    }

    /// Gets better or worse, for whatever is sent from here on.
    pub(crate) fn become_quality(&self, quality: LinkQuality) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).quality = quality;
        self.is_poor.store(quality != LinkQuality::default(), Ordering::Relaxed);
    }

    /// Whether anything is held up at all.
    pub(crate) fn is_poor(&self) -> bool {
        self.is_poor.load(Ordering::Relaxed)
    }

    /// How long the next flight of packets is held up, in virtual time.
    pub(crate) fn next_delay(&self) -> Duration {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let LinkQuality { delay, loss } = state.quality;
        let mut late = Duration::ZERO;
        for again in SEGMENT_AGAIN {
            state.at_risk = state.at_risk.wrapping_add(1);
            let key = ChoiceKey {
                purpose: Purpose::PacketLoss,
                subject: u32::from(state.node.0),
                ordinal: state.at_risk,
            };
            if state.choices.between(key, 0, 99) >= u64::from(loss) {
                return delay + late;
            }
            late = again;
        }
        GIVEN_UP
    }
}

/// TCP has given up: longer than any client waits.
const GIVEN_UP: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::assumption::Assumptions;

    use super::*;

    #[test]
    fn a_lossless_way_adds_its_delay_and_a_lossy_one_sometimes_more() {
        let way = Way::new(NodeId(0), Choices::new(7, BTreeMap::new(), Assumptions::default()));
        let delay = Duration::from_millis(40);
        way.become_quality(LinkQuality { delay, loss: 0 });
        assert!((0..100).all(|_| way.next_delay() == delay));
        way.become_quality(LinkQuality { delay, loss: 30 });
        let late = (0..1_000).filter(|_| way.next_delay() > delay).count();
        assert!((200..400).contains(&late), "{late} of 1000");
        way.become_quality(LinkQuality { delay, loss: 100 });
        assert_eq!(way.next_delay(), GIVEN_UP);
    }
}
