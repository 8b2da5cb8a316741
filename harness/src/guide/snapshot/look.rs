//! Was it seen, or could nobody look?

use serde::{Deserialize, Serialize};

/// One item of a snapshot: `{ "seen": value }` or `{ "could_not_look": "why" }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Look<T> {
    /// What was seen.
    Seen(T),
    /// Why nobody could look.
    CouldNotLook(String),
}

impl<T> Look<T> {
    /// What was seen.
    ///
    /// # Errors
    /// Why nobody could look.
    pub fn seen(&self) -> Result<&T, String> {
        match self {
            Self::Seen(value) => Ok(value),
            Self::CouldNotLook(why) => Err(why.clone()),
        }
    }

    /// What was seen, to be changed.
    pub fn seen_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Seen(value) => Some(value),
            Self::CouldNotLook(_) => None,
        }
    }
}

impl<T> Default for Look<T> {
    fn default() -> Self {
        Self::CouldNotLook("not in the snapshot".to_owned())
    }
}
