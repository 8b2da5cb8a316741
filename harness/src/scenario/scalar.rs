//! What does a word of a YAML text mean?
//!
//! By the core schema of YAML 1.2: <https://yaml.org/spec/1.2.2/#1032-tag-resolution>.

use granit_parser::ScalarStyle;

use super::tree::{Span, Tree, Value, offset};

/// Reads what stands at `span` and has this content, once quotes and escapes are taken away.
pub(super) fn read(text: &str, content: &str, style: ScalarStyle, span: Span) -> Tree {
    if style != ScalarStyle::Plain {
        // The span of a block text runs on to the next node.
        let end = span.start + offset(span.of(text).trim_end().len());
        return Tree { span: Span::new(span.start, end), value: Value::Text(content.to_owned()) };
    }
    let value = match content {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(content).unwrap_or_else(|| Value::Text(content.to_owned())),
    };
    Tree { span, value }
}

fn number(word: &str) -> Option<Value> {
    let integer = |digits: &str, radix: u32| {
        let all_digits = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
        all_digits.then(|| i128::from_str_radix(digits, radix).ok().map(Value::Integer))?
    };
    if let Some(digits) = word.strip_prefix("0x") {
        return integer(digits, 16);
    }
    if let Some(digits) = word.strip_prefix("0o") {
        return integer(digits, 8);
    }
    let (negative, unsigned) = match word.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, word.strip_prefix('+').unwrap_or(word)),
    };
    match unsigned {
        ".inf" | ".Inf" | ".INF" if negative => return Some(Value::Float(f64::NEG_INFINITY)),
        ".inf" | ".Inf" | ".INF" => return Some(Value::Float(f64::INFINITY)),
        _ if matches!(word, ".nan" | ".NaN" | ".NAN") => return Some(Value::Float(f64::NAN)),
        _ => {}
    }
    if unsigned.chars().all(|c| c.is_ascii_digit()) {
        return word.parse().ok().map(Value::Integer);
    }
    let numeric = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    let float: f64 = numeric.then(|| word.parse().ok())??;
    float.is_finite().then_some(Value::Float(float))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(word: &str) -> Value {
        read(word, word, ScalarStyle::Plain, Span::new(0, offset(word.len()))).value
    }

    #[test]
    fn words_are_read_by_the_core_schema() {
        for (word, expected) in [
            ("~", Value::Null),
            ("null", Value::Null),
            ("True", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("-007", Value::Integer(-7)),
            ("+5", Value::Integer(5)),
            ("0x1F", Value::Integer(31)),
            ("0o17", Value::Integer(15)),
            ("18446744073709551615", Value::Integer(u64::MAX.into())),
            ("1.", Value::Float(1.0)),
            ("-.5e3", Value::Float(-500.0)),
            ("1e3", Value::Float(1000.0)),
            ("-.inf", Value::Float(f64::NEG_INFINITY)),
        ] {
            assert_eq!(value(word), expected, "{word}");
        }
        assert!(matches!(value(".nan"), Value::Float(number) if number.is_nan()));
    }

    #[test]
    fn other_words_are_text() {
        for word in [
            "on",
            "off",
            "yes",
            "no",
            "y",
            "n",
            "On",
            "tRUE",
            "nUll",
            "90s",
            "1h30m",
            "1_000",
            "0b1",
            "0x",
            "0o8",
            "-0x1",
            "+",
            "-",
            ".",
            "e5",
            "1e",
            "1e999",
            "--1",
            "inf",
            "nan",
            "+.nan",
            "infinity",
            "10.0.0.12",
            "1:30",
            "9999999999999999999999999999999999999999",
        ] {
            assert_eq!(value(word), Value::Text(word.to_owned()));
        }
    }
}
