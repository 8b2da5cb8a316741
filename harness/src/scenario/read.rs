//! How does a tree become a value of our types?
//!
//! Stricter than serde alone, whatever attributes a type has: unknown fields of structs are errors, a list must have as
//! many elements as a tuple, and a key with nothing behind it is an error and not an absent option. Types must not use
//! `flatten`, `untagged` or an inner tag: serde then copies the tree and forgets the places.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    self, Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer,
    MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::diagnostic::Fault;
use super::mend::{Mended, Part, read_on};
use super::nearest;
use super::stand_in::StandIn;
use super::tree::{Span, Tree, Value};
use super::unfit::{OPTIONAL, Unfit};

/// Reads a tree.
///
/// # Errors
///
/// The mistakes in it.
pub fn read<T: DeserializeOwned>(tree: &Tree) -> Result<T, Vec<Fault>> {
    let mut faults = Vec::new();
    let value = read_on(tree, |error| faults.push(error.into_fault()));
    match value.filter(|_| faults.is_empty()) {
        Some(At { value, .. }) => Ok(value),
        None => Err(faults),
    }
}

/// Reads every element of a list by itself: a mistake in one does not hide those in the next.
///
/// Elements with a mistake are left out and their faults added.
pub fn read_each<T: DeserializeOwned>(sequence: &Tree, faults: &mut Vec<Fault>) -> Vec<At<T>> {
    read_elements(sequence, None, Stance::Right, faults)
}

/// Which elements of a list are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stance {
    /// Those without a mistake.
    Right,
    /// All that can be read behind their mistakes.
    Mended,
}

/// The same for a list that is the value of `key`, which the faults then name.
pub(super) fn read_elements<T: DeserializeOwned>(
    sequence: &Tree,
    key: Option<&Tree>,
    wanted: Stance,
    faults: &mut Vec<Fault>,
) -> Vec<At<T>> {
    let named = |error: Unfit| match key {
        Some(key) => error.under(key).into_fault(),
        None => error.into_fault(),
    };
    let Value::Sequence(items) = &sequence.value else {
        faults.push(named(Unfit::wrong(sequence, "a list")));
        return Vec::new();
    };
    let mut values = Vec::with_capacity(items.len());
    for item in items {
        let before = faults.len();
        let value = read_on(item, |error| faults.push(named(error.in_element())));
        values.extend(value.filter(|_| wanted == Stance::Mended || faults.len() == before));
    }
    values
}

/// A value with the place where it stands in its file. It can be used in any derived type.
///
/// Read from anything but a [`Tree`], it has an empty place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At<T> {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub value: T,
}

impl<T> At<T> {
    /// What `change` makes of it, at the same place.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> At<U> {
        At { span: self.span, value: change(self.value) }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(AT, AtVisitor(PhantomData))
    }
}

struct AtVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for AtVisitor<T> {
    type Value = At<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    /// From a [`Tree`]: the start, the end and the value.
    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<At<T>, A::Error> {
        let missing = || de::Error::custom("bug: a tree gave no place");
        let start = parts.next_element()?.ok_or_else(missing)?;
        let end = parts.next_element()?.ok_or_else(missing)?;
        let value = parts.next_element()?.ok_or_else(missing)?;
        Ok(At { span: Span::new(start, end), value })
    }

    /// From anything else: the value alone.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<At<T>, D::Error> {
        Ok(At { span: Span::default(), value: T::deserialize(deserializer)? })
    }
}

/// A tree that is read behind the mistakes in it that are known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading<'de> {
    tree: &'de Tree,
    mended: &'de Mended,
}

impl<'de> Reading<'de> {
    pub(super) const fn behind(tree: &'de Tree, mended: &'de Mended) -> Self {
        Self { tree, mended }
    }

    /// Reads a part of this tree, or its stand-in.
    fn part<T: DeserializeSeed<'de>>(self, tree: &'de Tree, seed: T) -> Result<T::Value, Unfit> {
        match self.mended.stand_in(tree) {
            Some(stand_in) => seed.deserialize(stand_in).map_err(|_| Unfit::no_stand_in()),
            None => seed
                .deserialize(Self { tree, ..self })
                .map_err(|error| error.at(tree).in_part(|| Part::Value(tree.span))),
        }
    }
}

impl<'de> Deserializer<'de> for Reading<'de> {
    type Error = Unfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        match &self.tree.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Integer(number) => match (u64::try_from(*number), i64::try_from(*number)) {
                (Ok(number), _) => visitor.visit_u64(number),
                (Err(_), Ok(number)) => visitor.visit_i64(number),
                (Err(_), Err(_)) => visitor.visit_i128(*number),
            },
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::Sequence(items) => visit_sequence(self, items, visitor),
            Value::Mapping(entries) => visit_mapping(self, entries, None, visitor),
        }
        .map_err(|error| error.at(self.tree))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        match self.tree.value {
            Value::Null if self.tree.is_blank() => Err(Unfit::wrong(self.tree, OPTIONAL)),
            Value::Null => visitor.visit_none(),
            Value::Bool(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Sequence(_)
            | Value::Mapping(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        if name == AT {
            visitor.visit_seq(Place::new(self.tree.span, self))
        } else {
            visitor.visit_newtype_struct(self)
        }
        .map_err(|error| error.at(self.tree))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        let Value::Mapping(entries) = &self.tree.value else {
            return Err(Unfit::wrong(self.tree, "a mapping"));
        };
        visit_mapping(self, entries, Some(fields), visitor).map_err(|error| error.at(self.tree))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        let entries = match &self.tree.value {
            Value::Text(_) => {
                let choice = Choice { reading: self, name: self.tree, content: None };
                return visitor.visit_enum(choice).map_err(|e| e.at(self.tree));
            }
            Value::Mapping(entries) => entries.as_slice(),
            Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::Sequence(_) => &[],
        };
        let mut left = entries.iter().filter(|(key, _)| !self.mended.leaves_out(key));
        match (left.next(), left.next()) {
            (None, _) => Err(Unfit::wrong(self.tree, one_of(variants))),
            (Some((name, content)), None) => visitor
                .visit_enum(Choice { reading: self, name, content: Some(content) })
                .map_err(|e| e.at(name)),
            (Some((first, _)), Some((second, _))) => {
                let is_known = |key: &Tree| key.name().is_some_and(|name| variants.contains(&name.as_ref()));
                let keys = || entries.iter().map(|(key, _)| key).filter(|key| !self.mended.leaves_out(key));
                let verb = keys().find(|key| is_known(key)).unwrap_or(first);
                let extra = keys().find(|key| !is_known(key) && key.span != verb.span).unwrap_or(second);
                let error = Unfit::second_key(extra, verb, is_known(extra));
                Err(error.in_part(|| Part::out_of_place(self.tree, extra)))
            }
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        match self.tree.name() {
            Some(name) => visitor.visit_str(&name).map_err(|error: Unfit| error.at(self.tree)),
            None => Err(Unfit::wrong(self.tree, "a name")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map
    }
}

/// What is expected where one of these names must stand.
fn one_of(variants: &[&str]) -> String {
    match variants {
        [] | [_] => nearest::list(variants.iter().copied()),
        [few @ .., last] if few.len() < 5 => format!("{} or `{last}`", nearest::list(few.iter().copied())),
        [first, ..] => format!("a name such as `{first}`"),
    }
}

fn visit_sequence<'de, V: Visitor<'de>>(
    reading: Reading<'de>,
    items: &'de [Tree],
    visitor: V,
) -> Result<V::Value, Unfit> {
    let mut elements = Elements { reading, left: items.iter() };
    let value = visitor.visit_seq(&mut elements)?;
    let Some(extra) = elements.left.next() else { return Ok(value) };
    let wanted = items.len() - elements.left.len() - 1;
    let error: Unfit =
        de::Error::custom(format_args!("expected a list of {wanted}, found {} elements", items.len()));
    Err(error.at(extra))
}

fn visit_mapping<'de, V: Visitor<'de>>(
    reading: Reading<'de>,
    entries: &'de [(Tree, Tree)],
    fields: Option<&'static [&'static str]>,
    visitor: V,
) -> Result<V::Value, Unfit> {
    let added = reading.mended.added(reading.tree).collect();
    let mut access = Entries { reading, left: entries.iter(), fields, current: None, added };
    let value = visitor.visit_map(&mut access);
    // A field that is there under two spellings is noticed while its second key is the current one.
    value.map_err(|error| match (access.current, error.missing()) {
        (Some((key, _)), _) => error.at(key).in_part(|| Part::out_of_place(reading.tree, key)),
        (None, Some(field)) => error.in_part(|| Part::Missing { mapping: reading.tree.span, field }),
        (None, None) => error,
    })
}

/// The elements of a list that are still to be read.
struct Elements<'de> {
    reading: Reading<'de>,
    left: std::slice::Iter<'de, Tree>,
}

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = Unfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Unfit> {
        let item = self.left.next();
        item.map(|item| self.reading.part(item, seed).map_err(Unfit::in_element)).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

/// The entries of a mapping that are still to be read.
struct Entries<'de> {
    reading: Reading<'de>,
    left: std::slice::Iter<'de, (Tree, Tree)>,
    /// The keys that may occur, where they are known.
    fields: Option<&'static [&'static str]>,
    current: Option<(&'de Tree, &'de Tree)>,
    /// The keys that are read besides, with stand-ins for values.
    added: Vec<&'static str>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Unfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Unfit> {
        let mended = self.reading.mended;
        self.current =
            self.left.by_ref().map(|(key, value)| (key, value)).find(|(key, _)| !mended.leaves_out(key));
        let Some((key, _)) = self.current else {
            return self.added.last().map(|&field| seed.deserialize(field.into_deserializer())).transpose();
        };
        let mapping = self.reading.tree;
        if let Some(fields) = self.fields
            && !key.name().is_some_and(|name| fields.contains(&name.as_ref()))
        {
            return Err(Unfit::unknown(key, fields).in_part(|| Part::unknown(mapping, key, fields)));
        }
        seed.deserialize(Reading { tree: key, ..self.reading })
            .map(Some)
            .map_err(|error| error.at(key).in_element().in_part(|| Part::out_of_place(mapping, key)))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Unfit> {
        match (self.current, self.added.pop()) {
            (Some((key, value)), added) => {
                self.added.extend(added);
                self.reading.part(value, seed).map_err(|error| error.under(key))
            }
            (None, Some(_)) => {
                let stand_in = StandIn { span: self.reading.tree.first_place() };
                seed.deserialize(stand_in).map_err(|_| Unfit::no_stand_in())
            }
            (None, None) => Err(de::Error::custom("bug: a value was asked for before its key")),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

/// One variant of an enum: its name and, in the form `{ name: content }`, its content.
struct Choice<'de> {
    reading: Reading<'de>,
    name: &'de Tree,
    content: Option<&'de Tree>,
}

impl<'de> EnumAccess<'de> for Choice<'de> {
    type Error = Unfit;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Unfit> {
        let name = Reading { tree: self.name, ..self.reading };
        Ok((seed.deserialize(name).map_err(|error| error.at(self.name))?, self))
    }
}

impl<'de> Choice<'de> {
    fn content(&self) -> Result<Reading<'de>, Unfit> {
        let tree = self.content.ok_or_else(|| Unfit::bare(self.name))?;
        Ok(Reading { tree, ..self.reading })
    }
}

impl<'de> VariantAccess<'de> for Choice<'de> {
    type Error = Unfit;

    fn unit_variant(self) -> Result<(), Unfit> {
        match self.content {
            None => Ok(()),
            Some(content) => Err(Unfit::nothing_follows(self.name, content)),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Unfit> {
        let content = self.content()?;
        content.part(content.tree, seed).map_err(|error| error.under(self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Unfit> {
        self.content()?.deserialize_tuple(len, visitor).map_err(|error| error.under(self.name))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        self.content()?.deserialize_struct("", fields, visitor).map_err(|error| error.under(self.name))
    }
}

/// What [`At`] is given: the start, the end and the value of a tree, or of its stand-in.
pub(super) struct Place<D> {
    span: Span,
    value: Option<D>,
    given: u8,
}

impl<D> Place<D> {
    pub(super) const fn new(span: Span, value: D) -> Self {
        Self { span, value: Some(value), given: 0 }
    }
}

impl<'de, D: Deserializer<'de, Error = Unfit>> SeqAccess<'de> for Place<D> {
    type Error = Unfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Unfit> {
        self.given += 1;
        match (self.given, self.value.take_if(|_| self.given == 3)) {
            (1, _) => seed.deserialize(self.span.start.into_deserializer()),
            (2, _) => seed.deserialize(self.span.end.into_deserializer()),
            (_, Some(value)) => seed.deserialize(value),
            (_, None) => return Ok(None),
        }
        .map(Some)
    }
}

/// The name by which [`At`] asks for a place: no Rust type can have it.
pub(super) const AT: &str = "$failover::At";
