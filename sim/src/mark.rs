//! Which rare moments did a run go through that nobody outside can see?
//!
//! Marks say how good a search was: an exploration counts them, and no verdict rests on them.

/// A moment in which much can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A worker was in the middle of a handshake when its other side went.
    HandshakeCutOff,
    /// A report that renews a lease was on its way, or its answer, when the connection broke.
    RenewalCutOff,
    /// A sweep took a task whose worker still ran its package, before the worker's next report came.
    SweptBeforeRenewal,
    /// A node or a link went while the nodes regrouped.
    LossDuringRegroup,
}

/// A set of marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks(u8);

impl Marks {
    /// Whether a mark is in it.
    pub const fn has(self, mark: Mark) -> bool {
        self.0 & (1 << mark as u8) != 0
    }

    /// Puts a mark in.
    pub const fn insert(&mut self, mark: Mark) {
        self.0 |= 1 << mark as u8;
    }
}
