//! When was it, in universal time?

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in seconds since 1970, written `2026-11-23T22:30:00Z`: always universal time, always this form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub i64);

impl Moment {
    /// The moment of this text; `None` if it has another form.
    pub fn read(text: &str) -> Option<Self> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
        let is_date = (1..=12).contains(&month) && (1..=31).contains(&day);
        let is_time = hour < 24 && minute < 60 && second < 60;
        let moment = Self(86_400 * days(year, month, day) + 3_600 * hour + 60 * minute + second);
        // The 31st of April would come back as the 1st of May.
        (is_date && is_time && moment.to_string() == text).then_some(moment)
    }

    /// So many whole days from `other` to this moment; negative if it is before.
    pub const fn days_after(self, other: Self) -> i64 {
        (self.0 - other.0).div_euclid(86_400)
    }
}

fn numbers(text: &str, separator: char, digits: [usize; 3]) -> Option<[i64; 3]> {
    let mut found = [0; 3];
    let mut parts = text.split(separator);
    for (number, digits) in found.iter_mut().zip(digits) {
        let part = parts.next().filter(|part| part.len() == digits)?;
        *number = part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())??;
    }
    parts.next().is_none().then_some(found)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that a leap day is the last day of its year.
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 1
        - DAYS_TO_1970
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (day, second) = (self.0.div_euclid(86_400), self.0.rem_euclid(86_400));
        // The year is at most one too large.
        let guess = 1970 + day.div_euclid(365);
        let mut year = guess;
        while days(year, 1, 1) > day {
            year -= 1;
        }
        let month = (1..=12).rev().find(|&month| days(year, month, 1) <= day).unwrap_or(1);
        let date = day - days(year, month, 1) + 1;
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::read(&text).ok_or_else(|| {
            serde::de::Error::custom(format!("`{text}` is no moment: expected the form 2026-11-23T22:30:00Z"))
        })
    }
}

/// Days from the first day of March of the year 0 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_they_are_written() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2026-11-23T22:30:00Z", 1_795_473_000),
            ("1969-12-31T23:59:59Z", -1),
            ("2039-12-31T23:59:59Z", 2_208_988_799),
        ] {
            assert_eq!(Moment::read(text), Some(Moment(seconds)), "{text}");
            assert_eq!(Moment(seconds).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "2026-11-23",
            "2026-02-30T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-23T24:00:00Z",
            "26-1-1T0:0:0Z",
        ] {
            assert_eq!(Moment::read(text), None, "{text}");
        }
    }
}
