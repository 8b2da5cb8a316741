//! Why does a part of a file not read as what is expected there?

use std::fmt;

use serde::de::{Error, Expected, Unexpected};

use super::diagnostic::Fault;
use super::mend::Part;
use super::nearest;
use super::tree::{Span, Tree, Value, quoted};

/// A tree does not read as the type that was asked for.
///
/// It carries the place, once it has passed the part of the tree that it is about, and the key in which that part lies.
#[derive(Clone, Debug)]
pub struct Unfit(Box<Details>);

#[derive(Clone, Debug)]
struct Details {
    reason: Reason,
    span: Option<Span>,
    inside: Option<String>,
    /// Whether `inside` is the key of just this value, and not of a list in which it lies.
    own_key: bool,
    also: Option<(Span, String)>,
    /// The nearest key above is a better place than the one that is known.
    belongs_to_key: bool,
    /// What has to be another one before the rest can be read; the whole, if nothing less is known.
    part: Option<Part>,
}

/// What is wrong, as far as it can be told without the place.
#[derive(Clone, Debug)]
enum Reason {
    UnknownField {
        name: String,
        known: Vec<&'static str>,
    },
    UnknownName {
        name: String,
        known: Vec<&'static str>,
    },
    MissingField(&'static str),
    DuplicateField(&'static str),
    Wrong {
        expected: String,
        found: String,
    },
    Blank {
        expected: String,
    },
    SecondKey {
        name: String,
        only: String,
        could_be_only: bool,
    },
    Bare(String),
    NothingFollows(String),
    /// Nothing can be read in the place of a part with a mistake: it follows from that, and is never told.
    NoStandIn,
    /// What a type's own `Deserialize` said, and its advice.
    Told {
        message: String,
        hint: Option<String>,
    },
}

/// The text of a [`serde::de::Error::custom`] that carries advice: it becomes the hint of the fault.
pub fn with_hint(message: &impl fmt::Display, hint: &impl fmt::Display) -> String {
    format!("{message}{HINT}{hint}")
}

impl Unfit {
    /// The fault to show.
    pub fn into_fault(self) -> Fault {
        let label = self.label();
        let hint = self.hint();
        let message = self.to_string();
        let Details { span, also, .. } = *self.0;
        Fault { message, span: span.unwrap_or_default(), label, hint, also: also.into_iter().collect() }
    }

    /// No stand-in can be read; then one is needed for what it lies in.
    pub(super) fn no_stand_in() -> Self {
        Self::from(Reason::NoStandIn)
    }

    /// Whether that is what is wrong.
    pub(super) fn is_no_stand_in(&self) -> bool {
        matches!(self.0.reason, Reason::NoStandIn)
    }

    /// The field that is missing, if that is what is wrong.
    pub(super) fn missing(&self) -> Option<&'static str> {
        let Reason::MissingField(field) = self.0.reason else { return None };
        Some(field)
    }

    /// What has to be another one before the rest can be read; none for the whole.
    pub(super) fn part(&self) -> Option<&Part> {
        self.0.part.as_ref()
    }

    /// This error, which is about this part of the tree if no smaller one is known.
    pub(super) fn in_part(mut self, part: impl FnOnce() -> Part) -> Self {
        self.0.part.get_or_insert_with(part);
        self
    }

    /// A key beside the only one that may be there, and whether it could be that one itself.
    pub(super) fn second_key(extra: &Tree, only: &Tree, could_be_only: bool) -> Self {
        let reason = Reason::SecondKey { name: name(extra), only: name(only), could_be_only };
        let mut error = Self::from(reason);
        error.0.also = Some((only.span, "the one key that belongs here".to_owned()));
        error.at(extra)
    }

    /// A name alone where it needs more.
    pub(super) fn bare(word: &Tree) -> Self {
        Self::from(Reason::Bare(name(word))).at(word)
    }

    /// Something behind a name that takes nothing.
    pub(super) fn nothing_follows(key: &Tree, content: &Tree) -> Self {
        Self::from(Reason::NothingFollows(name(key))).at(if content.is_blank() { key } else { content })
    }

    /// A value of the wrong kind, or none at all.
    pub(super) fn wrong(found: &Tree, expected: impl Into<String>) -> Self {
        let expected = expected.into();
        if found.is_blank() {
            return Self::from(Reason::Blank { expected }).at(found);
        }
        Self::from(Reason::Wrong { expected, found: kind_of(found) }).at(found)
    }

    /// A name that is none of the known fields.
    pub(super) fn unknown(key: &Tree, known: &[&'static str]) -> Self {
        Self::from(Reason::UnknownField { name: name(key), known: known.to_vec() }).at(key)
    }

    /// This error, about `tree` if no smaller part is known.
    pub(super) fn at(mut self, tree: &Tree) -> Self {
        if self.0.span.is_some() {
            return self;
        }
        if let (Value::Integer(_), Reason::Wrong { found, .. }) = (&tree.value, &mut self.0.reason) {
            // serde has no word of its own for numbers beyond 64 bits.
            *found = kind_of(tree);
        }
        if tree.is_blank()
            && let Reason::Wrong { expected, .. } = &self.0.reason
        {
            self.0.reason = Reason::Blank { expected: expected.clone() };
            self.0.belongs_to_key = true;
        }
        let span = if self.missing().is_some() { tree.first_place() } else { tree.span };
        self.0.span = Some(span);
        self
    }

    /// This error, which came from the value of `key`.
    pub(super) fn under(mut self, key: &Tree) -> Self {
        if std::mem::take(&mut self.0.belongs_to_key) {
            self.0.span = Some(key.span);
            self.0.own_key = true;
        }
        if self.0.inside.is_none() {
            self.0.inside = key.name().map(std::borrow::Cow::into_owned);
        }
        self
    }

    /// This error, which came from an element of a list.
    pub(super) fn in_element(mut self) -> Self {
        self.0.belongs_to_key = false;
        self
    }

    fn label(&self) -> String {
        let inside = self.0.inside.as_deref().map(quoted);
        match (&self.0.reason, inside) {
            (Reason::UnknownField { .. } | Reason::UnknownName { .. }, Some(inside)) => {
                format!("not known in {inside}")
            }
            (Reason::UnknownField { .. } | Reason::UnknownName { .. }, None) => "not known here".to_owned(),
            (Reason::MissingField(_), _) if self.0.own_key => String::new(),
            (Reason::MissingField(_), _) => "in what begins here".to_owned(),
            (Reason::Wrong { .. } | Reason::Told { .. }, Some(inside)) => format!("in {inside}"),
            (Reason::Blank { expected }, _) => format!("expected {expected}"),
            (Reason::SecondKey { .. }, _) => "a second key".to_owned(),
            (Reason::Bare(_), _) => "more is needed".to_owned(),
            (Reason::NothingFollows(_), _) => "nothing may follow".to_owned(),
            (Reason::Wrong { .. } | Reason::Told { .. }, None)
            | (Reason::DuplicateField(_) | Reason::NoStandIn, _) => String::new(),
        }
    }

    fn hint(&self) -> Option<String> {
        match &self.0.reason {
            Reason::UnknownField { name, known } | Reason::UnknownName { name, known } => {
                nearest::hint(name, known.iter().copied())
            }
            Reason::Wrong { expected, found }
                if expected == TEXT && QUOTABLE.iter().any(|k| found.starts_with(k)) =>
            {
                Some("put it in quotes to make it text".to_owned())
            }
            Reason::Blank { expected } if expected == OPTIONAL => {
                Some("leave the key out where there is nothing to say".to_owned())
            }
            Reason::SecondKey { name, could_be_only: true, .. } => Some(format!(
                "what stands by itself in a list begins with `- `: {}",
                quoted(&format!("- {name}"))
            )),
            Reason::SecondKey { name, only, could_be_only: false } => Some(format!(
                "what belongs to it lies inside: {}",
                quoted(&format!("{only}: {{ {name}: … }}"))
            )),
            Reason::Bare(name) => Some(format!("write {}", quoted(&format!("{name}: {{ … }}")))),
            Reason::NothingFollows(name) => Some(format!("write {} alone, without a colon", quoted(name))),
            Reason::Told { hint, .. } => hint.clone(),
            Reason::MissingField(_)
            | Reason::DuplicateField(_)
            | Reason::NoStandIn
            | Reason::Wrong { .. }
            | Reason::Blank { .. } => None,
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inside = self.0.inside.as_deref().map(quoted);
        match (&self.0.reason, inside) {
            (Reason::UnknownField { name, .. }, _) => write!(f, "unknown field {}", quoted(name)),
            (Reason::UnknownName { name, .. }, _) => write!(f, "unknown name {}", quoted(name)),
            (Reason::MissingField(field), Some(key)) if self.0.own_key => {
                write!(f, "{key} needs the field {}", quoted(field))
            }
            (Reason::MissingField(field), _) => write!(f, "the field {} is missing", quoted(field)),
            (Reason::DuplicateField(field), _) => write!(f, "the field {} is there twice", quoted(field)),
            (Reason::Wrong { expected, found }, _) => write!(f, "expected {expected}, found {found}"),
            (Reason::Blank { .. }, Some(key)) if self.0.own_key => write!(f, "{key} has no value"),
            (Reason::Blank { .. }, _) => f.write_str("a value is missing"),
            (Reason::SecondKey { name, only, .. }, _) => {
                write!(f, "{} cannot stand beside {}", quoted(name), quoted(only))
            }
            (Reason::Bare(name), _) => write!(f, "{} cannot stand alone", quoted(name)),
            (Reason::NothingFollows(name), _) => write!(f, "{} takes no value", quoted(name)),
            (Reason::NoStandIn, _) => f.write_str("nothing can be read in the place of a mistake"),
            (Reason::Told { message, .. }, _) => f.write_str(message),
        }
    }
}

impl std::error::Error for Unfit {}

impl From<Reason> for Unfit {
    fn from(reason: Reason) -> Self {
        let belongs_to_key = matches!(reason, Reason::MissingField(_) | Reason::Blank { .. });
        Self(Box::new(Details {
            reason,
            span: None,
            inside: None,
            own_key: false,
            also: None,
            belongs_to_key,
            part: None,
        }))
    }
}

impl Error for Unfit {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let text = message.to_string();
        let (message, hint) = match text.split_once(HINT) {
            Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
            None => (text, None),
        };
        Reason::Told { message, hint }.into()
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Reason::Wrong { expected: plain(&expected.to_string()), found: found_in_words(&found) }.into()
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        let found = if length == 1 { "1 element".to_owned() } else { format!("{length} elements") };
        Reason::Wrong { expected: plain(&expected.to_string()), found }.into()
    }

    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> Self {
        Reason::UnknownName { name: variant.to_owned(), known: known.to_vec() }.into()
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        Reason::UnknownField { name: field.to_owned(), known: known.to_vec() }.into()
    }

    fn missing_field(field: &'static str) -> Self {
        Reason::MissingField(field).into()
    }

    fn duplicate_field(field: &'static str) -> Self {
        Reason::DuplicateField(field).into()
    }
}

/// The name of a key or word, for a message.
fn name(tree: &Tree) -> String {
    tree.name().unwrap_or_default().into_owned()
}

/// What stands there, in words.
pub(super) fn kind_of(tree: &Tree) -> String {
    match &tree.value {
        Value::Null if tree.span.is_empty() => "nothing".to_owned(),
        Value::Null => "`null`".to_owned(),
        Value::Bool(value) => format!("`{value}`"),
        Value::Integer(number) => format!("the number {number}"),
        Value::Float(number) => format!("the number {number}"),
        Value::Text(text) => format!("the text {}", quoted(text)),
        Value::Sequence(items) if items.is_empty() => "an empty list".to_owned(),
        Value::Sequence(_) => "a list".to_owned(),
        Value::Mapping(entries) if entries.is_empty() => "an empty mapping".to_owned(),
        Value::Mapping(_) => "a mapping".to_owned(),
    }
}

fn found_in_words(found: &Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => format!("`{value}`"),
        Unexpected::Unsigned(number) => format!("the number {number}"),
        Unexpected::Signed(number) => format!("the number {number}"),
        Unexpected::Float(number) => format!("the number {number}"),
        Unexpected::Char(c) => format!("the text {}", quoted(&c.to_string())),
        Unexpected::Str(text) => format!("the text {}", quoted(text)),
        Unexpected::Unit | Unexpected::Option => "`null`".to_owned(),
        Unexpected::Seq | Unexpected::TupleVariant => "a list".to_owned(),
        Unexpected::Map | Unexpected::StructVariant => "a mapping".to_owned(),
        Unexpected::Enum | Unexpected::UnitVariant | Unexpected::NewtypeVariant => "a name".to_owned(),
        Unexpected::Bytes(_) | Unexpected::NewtypeStruct => "a value of another kind".to_owned(),
        Unexpected::Other(other) => (*other).to_owned(),
    }
}

/// What a type expects, in words for somebody who does not know Rust.
fn plain(expected: &str) -> String {
    let whole = |least: i128, greatest: i128| format!("a whole number from {least} to {greatest}");
    match expected {
        "u8" => whole(0, u8::MAX.into()),
        "u16" => whole(0, u16::MAX.into()),
        "u32" => whole(0, u32::MAX.into()),
        "i8" => whole(i8::MIN.into(), i8::MAX.into()),
        "i16" => whole(i16::MIN.into(), i16::MAX.into()),
        "i32" => whole(i32::MIN.into(), i32::MAX.into()),
        "u64" | "usize" | "u128" => "a whole number, zero or more".to_owned(),
        "i64" | "isize" | "i128" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a string" | "str" | "string" | "a borrowed string" => TEXT.to_owned(),
        "a character" => "one character".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a mapping".to_owned(),
        "option" => OPTIONAL.to_owned(),
        "unit" => "nothing".to_owned(),
        _ if expected.starts_with("struct ") => "a mapping".to_owned(),
        _ if expected.starts_with("tuple ") || expected.starts_with("a tuple ") => {
            match expected.rsplit(' ').find_map(|word| word.parse::<u32>().ok()) {
                Some(length) => format!("a list of {length}"),
                None => "a list".to_owned(),
            }
        }
        _ if expected.starts_with("an array of length ") => {
            expected.replace("an array of length", "a list of")
        }
        _ => expected.to_owned(),
    }
}

/// What separates the text of a custom error from its advice.
const HINT: &str = "\nhint: ";
const TEXT: &str = "text";
/// What an optional field expects; it is shown only where its value is blank.
pub(super) const OPTIONAL: &str = "a value";
/// What quotes turn into text.
const QUOTABLE: [&str; 3] = ["the number", "`true`", "`false`"];
