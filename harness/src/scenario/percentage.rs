//! How many of 100 are meant?

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::unfit::with_hint;

/// A whole number from 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Percentage(pub(super) u8);

impl<'de> Deserialize<'de> for Percentage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u8(PercentageVisitor)
    }
}

struct PercentageVisitor;

impl Visitor<'_> for PercentageVisitor {
    type Value = Percentage;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Percentage, E> {
        let found = u8::try_from(number).ok().filter(|number| (1..=100).contains(number));
        found.map(Percentage).ok_or_else(|| refusal(&format!("the number {number}")))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Percentage, E> {
        u64::try_from(number)
            .map_or_else(|_| Err(refusal(&format!("the number {number}"))), |number| self.visit_u64(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Percentage, E> {
        Err(refusal(&format!("the number {number}")))
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Percentage, E> {
        Err(refusal(&format!("the text `{word}`")))
    }
}

fn refusal<E: Error>(found: &str) -> E {
    E::custom(with_hint(&format!("expected {EXPECTED}, found {found}"), &"`95` stands for 95 of 100"))
}

impl JsonSchema for Percentage {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Percentage".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": 100 })
    }
}

const EXPECTED: &str = "a whole number from 1 to 100";
