//! How long is meant by `90s` or `1h30m`?

use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::tree::quoted;
use super::unfit::with_hint;

/// A duration as it is written: whole numbers, each with `h`, `m`, `s` or `ms`, the greatest first, no unit twice.
///
/// At most 30 days (`720h`). It is shown in its shortest form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Length(pub Duration);

impl Length {
    /// Reads a duration.
    ///
    /// # Errors
    ///
    /// Any other word, and more than 30 days.
    pub fn parse(word: &str) -> Result<Self, LengthError> {
        let refuse = |reason| Err(LengthError { word: word.to_owned(), reason });
        let mut rest = word;
        let mut total: u64 = 0;
        let mut units = UNITS.as_slice();
        while !rest.is_empty() {
            let (number, after) = split_while(rest, |c| c.is_ascii_digit());
            let (unit, after) = split_while(after, |c| c.is_ascii_alphabetic());
            let place = units.iter().position(|&(name, _)| name == unit);
            let (Some(place), false) = (place, number.is_empty()) else {
                return refuse(reason(word, number, unit));
            };
            // More digits than fit are more than any limit.
            let number: u64 = number.parse().unwrap_or(u64::MAX);
            total = total.saturating_add(number.saturating_mul(units[place].1));
            units = &units[place + 1..];
            rest = after;
        }
        match total {
            _ if word.is_empty() => refuse(Reason::Form),
            LONGEST_PLUS.. => refuse(Reason::TooLong),
            _ => Ok(Self(Duration::from_millis(total))),
        }
    }
}

/// A word that is no duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LengthError {
    word: String,
    reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    NoUnit,
    Fraction,
    Capitals,
    Order,
    Form,
    TooLong,
}

impl LengthError {
    /// How to write it.
    pub fn hint(&self) -> String {
        match self.reason {
            Reason::NoUnit => format!("add a unit: {}", quoted(&format!("{}s", self.word))),
            Reason::Fraction => "only whole numbers: `1m30s`, not `1.5m`".to_owned(),
            Reason::Capitals => "units are lower case: `h`, `m`, `s`, `ms`".to_owned(),
            Reason::Order => "the greatest unit first, and none twice: `1h30m`".to_owned(),
            Reason::Form => "whole numbers with `h`, `m`, `s` or `ms`, without spaces: `1h30m`".to_owned(),
            Reason::TooLong => "the longest is `720h`".to_owned(),
        }
    }
}

impl fmt::Display for LengthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected =
            if self.reason == Reason::TooLong { "a duration of at most 30 days" } else { EXPECTED };
        write!(f, "expected {expected}, found {}", quoted(&self.word))
    }
}

impl std::error::Error for LengthError {}

/// Why reading stopped at this number and unit.
fn reason(word: &str, number: &str, unit: &str) -> Reason {
    let known = UNITS.iter().any(|&(name, _)| name == unit.to_ascii_lowercase());
    if unit.is_empty() && word == number {
        Reason::NoUnit
    } else if word.contains(['.', ',']) {
        Reason::Fraction
    } else if known && unit.contains(|c: char| c.is_ascii_uppercase()) {
        Reason::Capitals
    } else if known && !number.is_empty() {
        Reason::Order
    } else {
        Reason::Form
    }
}

fn split_while(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if left == 0 {
            return f.write_str("0s");
        }
        for (name, millis) in UNITS {
            if left >= millis {
                write!(f, "{}{name}", left / millis)?;
                left %= millis;
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(LengthVisitor)
    }
}

struct LengthVisitor;

impl Visitor<'_> for LengthVisitor {
    type Value = Length;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Length, E> {
        Length::parse(word).map_err(|error| E::custom(with_hint(&error, &error.hint())))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Length, E> {
        self.visit_str(&number.to_string())
    }
}

const EXPECTED: &str = "a duration such as `90s`";
/// The units and their milliseconds, the greatest first.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
/// The least duration that is too long, in milliseconds: 1 ms beyond 30 days.
const LONGEST_PLUS: u64 = 30 * 24 * 3_600_000 + 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_show_alike() {
        for (word, millis) in
            [("90s", 90_000), ("8m", 480_000), ("500ms", 500), ("1h30m", 5_400_000), ("0s", 0)]
        {
            assert_eq!(Length::parse(word), Ok(Length(Duration::from_millis(millis))), "{word}");
        }
        assert_eq!(Length(Duration::from_millis(5_400_500)).to_string(), "1h30m500ms");
        assert_eq!(Length(Duration::from_secs(90)).to_string(), "1m30s");
        assert_eq!(Length::default().to_string(), "0s");
        assert!(Length::parse("720h").is_ok());
    }

    #[test]
    fn anything_else_is_refused_with_the_right_advice() {
        for (word, advice) in [
            ("90", "add a unit: `90s`"),
            ("1.5h", "only whole numbers"),
            ("90S", "lower case"),
            ("30m1h", "the greatest unit first"),
            ("5m5m", "none twice"),
            ("90 s", "without spaces"),
            ("-90s", "whole numbers with"),
            ("soon", "whole numbers with"),
            ("", "whole numbers with"),
            ("1d", "whole numbers with"),
            ("s", "whole numbers with"),
            ("٣s", "whole numbers with"),
        ] {
            let refused = Length::parse(word).expect_err(word);
            assert!(refused.hint().contains(advice), "{word}: {refused} {}", refused.hint());
        }
        for long in ["721h", "43200m1s", "99999999999999999999h", "18446744073709551615h"] {
            assert!(Length::parse(long).expect_err(long).to_string().contains("at most 30 days"), "{long}");
        }
    }
}
