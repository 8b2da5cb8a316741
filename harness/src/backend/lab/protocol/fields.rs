//! What may stand in a message, and what is wrong with one that holds something else?

use serde_json::{Map, Value};

/// The flat values of a message, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Map<String, Value>);

/// What is wrong with a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// It has characters that the protocol escapes.
    #[error("the line has characters that are not ASCII")]
    NotAscii,
    /// It is no JSON, or it was cut off.
    #[error("the line is not JSON: {0}")]
    NotJson(String),
    /// It is JSON, but no object.
    #[error("the line is not a JSON object")]
    NotAnObject,
    /// A value has a form that the protocol does not have.
    #[error("`{0}` is not a string, an integer, a boolean or a list of these")]
    NotFlat(String),
    /// A value is not there.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A value is of another type.
    #[error("`{field}` is not {expected}")]
    WrongType {
        /// Which one.
        field: &'static str,
        /// What was expected.
        expected: &'static str,
    },
    /// Lists that belong together have different lengths.
    #[error("`{field}` has {found} entries, expected {expected}")]
    Uneven {
        /// Which list.
        field: &'static str,
        /// How many entries it has.
        found: usize,
        /// How many its first list has.
        expected: usize,
    },
    /// A number that stands for nothing in Windows' table.
    #[error("`{field}` is {number}, which is not in its table")]
    NotInTable {
        /// Which value.
        field: &'static str,
        /// What it is.
        number: i64,
    },
}

impl FieldError {
    pub(super) const fn wrong(field: &'static str, expected: &'static str) -> Self {
        Self::WrongType { field, expected }
    }
}

/// Reads a line as one JSON object.
pub(super) fn object(line: &str) -> Result<Map<String, Value>, FieldError> {
    if !line.is_ascii() {
        return Err(FieldError::NotAscii);
    }
    match serde_json::from_str(line) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(FieldError::NotAnObject),
        Err(error) => Err(FieldError::NotJson(error.to_string())),
    }
}

/// JSON in one line of printable ASCII.
pub(super) fn ascii(value: &Value) -> String {
    let json = value.to_string();
    let mut line = String::with_capacity(json.len());
    for c in json.chars() {
        if (' '..='~').contains(&c) {
            line.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                line.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    line
}

impl Fields {
    /// Takes over an object whose values are all flat.
    pub(super) fn new(object: Map<String, Value>) -> Result<Self, FieldError> {
        let single = |value: &Value| value.is_string() || value.is_boolean() || value.as_i64().is_some();
        for (name, value) in &object {
            let flat = single(value) || value.as_array().is_some_and(|list| list.iter().all(single));
            if !flat {
                return Err(FieldError::NotFlat(name.clone()));
            }
        }
        Ok(Self(object))
    }

    pub(super) fn into_object(self) -> Map<String, Value> {
        self.0
    }

    /// All of it as one line of ASCII, without its end.
    pub fn line(self) -> String {
        ascii(&Value::Object(self.0))
    }

    /// The same with one more value.
    pub fn with(mut self, field: &'static str, value: impl Into<Value>) -> Self {
        self.0.insert(field.to_owned(), value.into());
        self
    }

    /// The same with one more list.
    pub fn with_list<V: Into<Value>>(self, field: &'static str, values: impl Iterator<Item = V>) -> Self {
        self.with(field, Value::Array(values.map(Into::into).collect()))
    }

    /// The same with one more value, if there is one: what is absent is left out.
    pub fn with_some(self, field: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(field, value),
            None => self,
        }
    }

    /// Whether there is such a value.
    pub fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    fn value(&self, field: &'static str) -> Result<&Value, FieldError> {
        self.0.get(field).ok_or(FieldError::Missing(field))
    }

    /// A string.
    ///
    /// # Errors
    /// If it is missing or something else.
    pub fn text(&self, field: &'static str) -> Result<&str, FieldError> {
        self.value(field)?.as_str().ok_or(FieldError::wrong(field, "a string"))
    }

    /// An integer.
    ///
    /// # Errors
    /// If it is missing or something else.
    pub fn integer(&self, field: &'static str) -> Result<i64, FieldError> {
        self.value(field)?.as_i64().ok_or(FieldError::wrong(field, "an integer"))
    }

    /// An integer that is not negative.
    ///
    /// # Errors
    /// If it is missing or something else.
    pub fn natural(&self, field: &'static str) -> Result<u64, FieldError> {
        self.value(field)?.as_u64().ok_or(FieldError::wrong(field, "an integer from 0 on"))
    }

    /// An integer that is not negative and not great.
    ///
    /// # Errors
    /// If it is missing or something else.
    pub fn small<N: TryFrom<u64>>(&self, field: &'static str) -> Result<N, FieldError> {
        N::try_from(self.natural(field)?).map_err(|_| FieldError::wrong(field, "a small integer"))
    }

    /// A boolean.
    ///
    /// # Errors
    /// If it is missing or something else.
    pub fn boolean(&self, field: &'static str) -> Result<bool, FieldError> {
        self.value(field)?.as_bool().ok_or(FieldError::wrong(field, "a boolean"))
    }

    /// A list of strings.
    ///
    /// # Errors
    /// If it is missing or something else; a single string is no list.
    pub fn texts(&self, field: &'static str) -> Result<Vec<String>, FieldError> {
        let wrong = || FieldError::wrong(field, "a list of strings");
        let list = self.value(field)?.as_array().ok_or_else(wrong)?;
        list.iter().map(|value| value.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
    }

    /// A list of integers.
    ///
    /// # Errors
    /// If it is missing or something else; a single integer is no list.
    pub fn integers(&self, field: &'static str) -> Result<Vec<i64>, FieldError> {
        let wrong = || FieldError::wrong(field, "a list of integers");
        let list = self.value(field)?.as_array().ok_or_else(wrong)?;
        list.iter().map(|value| value.as_i64().ok_or_else(wrong)).collect()
    }

    /// A list of strings with one entry for each of `expected` things.
    ///
    /// # Errors
    /// As [`Fields::texts`], and if there are more or fewer.
    pub fn texts_of(&self, field: &'static str, expected: usize) -> Result<Vec<String>, FieldError> {
        let list = self.texts(field)?;
        even(field, list.len(), expected).map(|()| list)
    }

    /// A list of integers with one entry for each of `expected` things.
    ///
    /// # Errors
    /// As [`Fields::integers`], and if there are more or fewer.
    pub fn integers_of(&self, field: &'static str, expected: usize) -> Result<Vec<i64>, FieldError> {
        let list = self.integers(field)?;
        even(field, list.len(), expected).map(|()| list)
    }
}

const fn even(field: &'static str, found: usize, expected: usize) -> Result<(), FieldError> {
    if found == expected { Ok(()) } else { Err(FieldError::Uneven { field, found, expected }) }
}
