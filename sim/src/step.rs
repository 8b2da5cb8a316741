//! How does any part of the model change?

use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use crate::choices::Choices;
use crate::time::Time;

/// A part of the model that changes only by steps, and does nothing itself.
///
/// Its driver carries out the effects in order and only then looks at the next deadline. Two machines with the same
/// hash behave alike from here on: absolute times and sequence numbers are left out of it.
pub trait Machine: Clone + Hash {
    /// What can happen to it.
    type Event: Copy;
    /// What it wants done.
    type Effect: Copy;

    /// Takes in one event at `now` and appends what follows to `effects`.
    fn step(&mut self, now: Time, event: Self::Event, choices: &mut Choices, effects: &mut Vec<Self::Effect>);

    /// When it must be stepped next even if nothing happens.
    fn next_deadline(&self) -> Option<Time>;
}

/// Settings that many machines share and none of them changes; not a part of their state, so not of their hash.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Shared<T>(Arc<T>);

impl<T> Shared<T> {
    /// Shares `value`.
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }

    /// Whether both share one value (not merely equal ones).
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Hash for Shared<T> {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}
