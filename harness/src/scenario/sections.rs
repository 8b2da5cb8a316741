//! How is a document read section by section, so that a mistake in one does not hide those in the next?

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::diagnostic::Fault;
use super::mend::read_on;
use super::nearest;
use super::read::{At, Stance, read_elements};
use super::tree::{Span, Tree, Value, quoted};
use super::unfit::Unfit;

/// Takes a mapping apart. Keys that are not among `fields`, and keys that are there twice, are faults.
pub fn split<'t>(mapping: &'t Tree, fields: &[&str], faults: &mut Vec<Fault>) -> Sections<'t> {
    let mut sections = Sections { place: mapping.span, found: BTreeMap::new(), settled: Vec::new() };
    let Value::Mapping(entries) = &mapping.value else {
        faults.push(Unfit::wrong(mapping, "a mapping").into_fault());
        sections.settled = fields.iter().map(|&field| field.to_owned()).collect();
        return sections;
    };
    if let Some((key, _)) = entries.first() {
        sections.place = key.span;
    }
    for (key, value) in entries {
        let name = key.name().unwrap_or_default();
        if !fields.contains(&name.as_ref()) {
            sections.settled.extend(nearest::nearest(&name, fields.iter().copied()).map(str::to_owned));
            let mut fault =
                Fault::new(format!("unknown field {}", quoted(&name)), key.span).with_label("not known here");
            fault.hint = nearest::hint(&name, fields.iter().copied());
            faults.push(fault);
            continue;
        }
        let section = Section { key, value };
        if let Some(first) = sections.found.get(name.as_ref()) {
            faults.push(twice(&name, key, first.key));
        } else {
            sections.found.insert(name.into_owned(), section);
        }
    }
    sections
}

fn twice(name: &str, key: &Tree, first: &Tree) -> Fault {
    Fault::new(format!("the key {} is there twice", quoted(name)), key.span)
        .with_label("the second")
        .with_also(first.span, "the first")
}

/// The parts of a mapping, by name.
#[derive(Clone, Debug)]
pub struct Sections<'t> {
    place: Span,
    found: BTreeMap<String, Section<'t>>,
    /// Fields whose absence is explained by a fault that is known already.
    settled: Vec<String>,
}

/// One part of a mapping.
#[derive(Clone, Copy, Debug)]
pub struct Section<'t> {
    /// Its name, with its place.
    pub key: &'t Tree,
    /// What it says.
    pub value: &'t Tree,
}

impl<'t> Sections<'t> {
    /// The part of this name, if it is there.
    pub fn get(&self, name: &str) -> Option<Section<'t>> {
        self.found.get(name).copied()
    }

    /// Where to show what is wrong with the whole: its first key, or all of it if it has none.
    pub fn place(&self) -> Span {
        self.place
    }

    /// Reads a part that may be absent. None if it is, and if it is wrong: then there is a fault.
    pub fn read<T: DeserializeOwned>(&self, name: &str, faults: &mut Vec<Fault>) -> Option<At<T>> {
        let before = faults.len();
        self.read_mended(name, faults).filter(|_| faults.len() == before)
    }

    /// Reads a part that may be absent, behind the mistakes in it. None if it is, and if it cannot be read at all.
    pub(super) fn read_mended<T: DeserializeOwned>(
        &self,
        name: &str,
        faults: &mut Vec<Fault>,
    ) -> Option<At<T>> {
        let Section { key, value } = self.get(name)?;
        read_on(value, |error| faults.push(error.under(key).into_fault()))
    }

    /// Reads a part that must be there. None if there is a fault.
    pub fn require<T: DeserializeOwned>(&self, name: &str, faults: &mut Vec<Fault>) -> Option<At<T>> {
        self.must_have(name, faults);
        self.read(name, faults)
    }

    /// Reads a list that may be absent, every element by itself.
    pub fn read_each<T: DeserializeOwned>(&self, name: &str, faults: &mut Vec<Fault>) -> Vec<At<T>> {
        match self.get(name) {
            Some(Section { key, value }) => read_elements(value, Some(key), Stance::Right, faults),
            None => Vec::new(),
        }
    }

    /// The same, every element behind the mistakes in it.
    pub(super) fn read_each_mended<T: DeserializeOwned>(
        &self,
        name: &str,
        faults: &mut Vec<Fault>,
    ) -> Vec<At<T>> {
        match self.get(name) {
            Some(Section { key, value }) => read_elements(value, Some(key), Stance::Mended, faults),
            None => Vec::new(),
        }
    }

    /// Reads a list that must be there, every element by itself.
    pub fn require_each<T: DeserializeOwned>(&self, name: &str, faults: &mut Vec<Fault>) -> Vec<At<T>> {
        self.must_have(name, faults);
        self.read_each(name, faults)
    }

    /// Adds a fault if this part is absent, unless a fault says why.
    pub fn must_have(&self, name: &str, faults: &mut Vec<Fault>) {
        if !self.found.contains_key(name) && !self.settled.iter().any(|settled| settled == name) {
            faults.push(
                Fault::new(format!("the field {} is missing", quoted(name)), self.place)
                    .with_label("in what begins here"),
            );
        }
    }
}
