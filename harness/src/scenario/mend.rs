//! How does reading go on behind a mistake, so that it does not hide the next one?
//!
//! The part with the mistake is left out, or a stand-in is read in its place, and the whole is read again. So each mistake
//! is told by the same words as if it were the only one.

use serde::de::{Deserialize as _, DeserializeOwned};

use super::nearest;
use super::read::{At, Reading};
use super::stand_in::StandIn;
use super::tree::{Span, Tree};
use super::unfit::Unfit;

/// Reads a tree as far as that is possible, and tells every mistake in it. Where there was one, the value has a stand-in
/// that is not to be judged; none if there is no stand-in for the whole.
pub(super) fn read_on<T: DeserializeOwned>(tree: &Tree, mut tell: impl FnMut(Unfit)) -> Option<At<T>> {
    let mut mended = Mended::default();
    loop {
        let error = match At::<T>::deserialize(Reading::behind(tree, &mended)) {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        let part = error.part().cloned();
        if !mended.explains(&error) {
            tell(error);
        }
        let part = part.filter(|part| mended.parts.len() < MOST && !mended.parts.contains(part))?;
        mended.parts.push(part);
    }
}

/// The part of a tree that has to be another one before the rest can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A value, at this place.
    Value(Span),
    /// A key that does not belong in its mapping, and the one that was meant, if that can be told.
    Key {
        /// Where the mapping is.
        mapping: Span,
        /// Where the key is.
        key: Span,
        /// The key that is told as its hint.
        meant: Option<&'static str>,
    },
    /// A key that is not there.
    Missing {
        /// Where the mapping is.
        mapping: Span,
        /// Which key.
        field: &'static str,
    },
}

impl Part {
    /// A key that is none of those that are known.
    pub(super) fn unknown(mapping: &Tree, key: &Tree, known: &[&'static str]) -> Self {
        let name = key.name().unwrap_or_default();
        // As far as a colon without a space, which makes one word of a key and its value.
        let word = name.split([':', ' ']).next().unwrap_or_default();
        let meant = nearest::nearest(word, known.iter().copied());
        Self::Key { mapping: mapping.span, key: key.span, meant }
    }

    /// A key that cannot stand where it does.
    pub(super) fn out_of_place(mapping: &Tree, key: &Tree) -> Self {
        Self::Key { mapping: mapping.span, key: key.span, meant: None }
    }
}

/// The parts behind which reading goes on.
#[derive(Debug, Default)]
pub(super) struct Mended {
    parts: Vec<Part>,
}

impl Mended {
    /// What is read in the place of a value.
    pub(super) fn stand_in(&self, value: &Tree) -> Option<StandIn> {
        self.parts.contains(&Part::Value(value.span)).then_some(StandIn { span: value.span })
    }

    /// Whether a key is read as if it were not there.
    pub(super) fn leaves_out(&self, name: &Tree) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Key { key, .. } if *key == name.span))
    }

    /// The keys that a mapping is read with besides its own.
    pub(super) fn added(&self, tree: &Tree) -> impl Iterator<Item = &'static str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Missing { mapping, field } if *mapping == tree.span => Some(*field),
            Part::Missing { .. } | Part::Value(_) | Part::Key { .. } => None,
        })
    }

    /// Whether an error follows from one that has been told.
    fn explains(&self, error: &Unfit) -> bool {
        error.is_no_stand_in()
            || matches!(error.part(), Some(Part::Missing { mapping: at, field }) if self.parts.iter().any(
                |part| matches!(part, Part::Key { mapping, meant, .. } if mapping == at && *meant == Some(*field))
            ))
    }
}

/// Behind so many mistakes in one part nobody reads on: each costs another reading of the whole.
const MOST: usize = 100;
