//! How far did each worker's last attempt to connect come, and when?
//!
//! Kept only for measurements that ask for it.

use crate::names::WorkerId;
use crate::time::Time;

use super::World;

/// A worker's last attempt to connect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempted {
    /// When it began: the worker had waited long enough.
    pub began: Time,
    /// When the host of its endpoint was resolved. The model's resolver takes no time.
    pub resolved: Option<Time>,
    /// When the other side had accepted its connection, the last one if it tried several addresses.
    pub connected: Option<Time>,
    /// When the handshake was finished.
    pub handshaken: Option<Time>,
}

impl World {
    /// Keeps the attempts of workers from here on.
    pub fn keep_attempts(&mut self) {
        self.attempts = vec![Attempted::default(); self.workers.len()];
    }

    /// A worker's last attempt; `None` if attempts are not kept.
    pub fn attempted(&self, worker: WorkerId) -> Option<Attempted> {
        self.attempts.get(worker.index()).copied()
    }

    /// Whether somebody wants to know of attempts.
    pub const fn keeps_attempts(&self) -> bool {
        !self.attempts.is_empty()
    }

    pub(super) fn attempt(&mut self, worker: WorkerId, note: impl FnOnce(&mut Attempted)) {
        if let Some(attempt) = self.attempts.get_mut(worker.index()) {
            note(attempt);
        }
    }
}
