//! What does a `MasterSettings.config` or a `WorkerSettings.config` say?
//!
//! That the files are JSON objects with flat keys is inferred from the doubled backslash in the example of the page on the
//! Scale Out Master; whether numbers are quoted is not known, so both are read. Keys, units and defaults are documented in
//! the pages on the Scale Out Master and Worker. Keys that are not known are kept by name, and left alone.

use std::time::Duration;

use serde_json::{Map, Value};

/// A key of a settings file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its spelling in the first edition of the pages, which shipped files most likely keep (inferred).
    pub name: &'static str,
    /// Another spelling, in later editions.
    pub other: Option<&'static str>,
    /// What its value is.
    pub kind: Kind,
    /// Its documented default; empty where set-up writes it.
    pub default: &'static str,
}

impl Key {
    /// Whether it is spelt like this, in one of its spellings.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.other == Some(name)
    }
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number between these.
    Whole(u64, u64),
    /// A number with or without a fraction.
    Number,
    /// `[d.]hh:mm:ss[.fffffff]`.
    TimeSpan,
    /// `true` or `false`.
    Flag,
    /// Anything.
    Text,
}

/// What a key is set to.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// A whole number.
    Whole(u64),
    /// A number.
    Number(f64),
    /// A time.
    Time(Duration),
    /// A flag.
    Flag(bool),
    /// Text, without the white space around it.
    Text(String),
}

/// A settings file, read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// What it sets, by the key's first spelling.
    pub set: Vec<(&'static str, Setting)>,
    /// Keys that are not known.
    pub unknown: Vec<String>,
    /// What is wrong with the others.
    pub wrong: Vec<SettingsError>,
}

impl Settings {
    /// What a key is set to, if it is there and right.
    pub fn get(&self, key: &str) -> Option<&Setting> {
        self.set.iter().find(|(name, _)| *name == key).map(|(_, setting)| setting)
    }

    /// The text of a key, if it is there.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Setting::Text(text) => Some(text),
            Setting::Whole(_) | Setting::Number(_) | Setting::Time(_) | Setting::Flag(_) => None,
        }
    }
}

/// What is wrong with a settings file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// It is no text.
    #[error("`{file}` is neither UTF-8 nor UTF-16 text")]
    NoText {
        /// Which file.
        file: String,
    },
    /// It is no JSON object; a single backslash does this.
    #[error("`{file}` is no JSON object: {error}")]
    Form {
        /// Which file.
        file: String,
        /// What is wrong.
        error: String,
    },
    /// A value is not what its key needs.
    #[error("`{file}`: `{key}` is `{value}`, expected {expected}")]
    Value {
        /// Which file.
        file: String,
        /// Which key, as it is spelt there.
        key: String,
        /// What it is set to.
        value: String,
        /// What it should be.
        expected: String,
    },
    /// A key that is not known, and would be if its letters were large and small as they should be.
    #[error("`{file}` has `{key}`, which is spelt `{name}`")]
    Spelling {
        /// Which file.
        file: String,
        /// As it stands there.
        key: String,
        /// As it should.
        name: &'static str,
    },
    /// A key is missing that is needed.
    #[error("`{file}` has no `{key}`")]
    Missing {
        /// Which file.
        file: String,
        /// Which key.
        key: &'static str,
    },
    /// A key is there in both spellings.
    #[error("`{file}` has both `{one}` and `{other}`")]
    Twice {
        /// Which file.
        file: String,
        /// One spelling.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
}

const fn key(name: &'static str, kind: Kind, default: &'static str) -> Key {
    Key { name, other: None, kind, default }
}

const ANY: Kind = Kind::Whole(0, u64::MAX);

/// The keys of `MasterSettings.config`.
pub const MASTER: &[Key] = &[
    key("PortNumber", Kind::Whole(1, 65_535), "8391"),
    key("SSLCertThumbprint", Kind::Text, ""),
    key("SqlServerName", Kind::Text, ""),
    key("CleanupCompletedJobsIntervalInMs", ANY, "43200000"),
    key("DealWithExpiredTasksIntervalInMs", ANY, "300000"),
    key("MasterHeartbeatIntervalInMs", ANY, "30000"),
    key("SqlConnectionTimeoutInSecs", ANY, "15"),
    key("InstanceName", Kind::Text, "MSSQLSERVER"),
];

/// The keys of `WorkerSettings.config`.
pub const WORKER: &[Key] = &[
    key("DisplayName", Kind::Text, ""),
    key("Description", Kind::Text, ""),
    key("MasterEndpoint", Kind::Text, ""),
    key("MasterHttpsCertThumbprint", Kind::Text, ""),
    key("WorkerHttpsCertThumbprint", Kind::Text, ""),
    key("StoreLocation", Kind::Text, "LocalMachine"),
    key("StoreName", Kind::Text, "My"),
    key("AgentHeartbeatInterval", Kind::TimeSpan, "00:01:00"),
    key("TaskHeartbeatInterval", Kind::TimeSpan, "00:00:10"),
    Key {
        name: "HeartbeatErrorTollerance",
        other: Some("HeartbeatErrorTolerance"),
        kind: Kind::TimeSpan,
        default: "00:10:00",
    },
    key("TaskRequestMaxCPU", Kind::Number, "70.0"),
    key("TaskRequestMinMemory", Kind::Number, "100.0"),
    key("MaxTaskCount", Kind::Whole(0, 65_535), "10"),
    Key { name: "LeaseInternval", other: Some("LeaseInterval"), kind: Kind::TimeSpan, default: "00:01:00" },
    key("TasksRootFolder", Kind::Text, ""),
    key("TaskLogLevel", Kind::Whole(0, 127), "126"),
    key("TaskLogSegment", Kind::TimeSpan, "00:00:00"),
    key("TaskLogEnabled", Kind::Flag, "true"),
    key("ExecutionLogCacheFolder", Kind::Text, ""),
    key("ExecutionLogMaxBufferLogCount", ANY, "10000"),
    key("ExecutionLogMaxInMemoryBufferCount", ANY, "10"),
    key("ExecutionLogRetryCount", ANY, "3"),
    key("ExecutionLogRetryTimeout", Kind::TimeSpan, "7.00:00:00"),
    key("AgentId", Kind::Text, ""),
];

/// The text of a file: UTF-8 or UTF-16, with or without a byte-order mark. A file of JSON begins with a character of ASCII,
/// which tells them apart (RFC 4627, section 3).
///
/// # Errors
/// If it is none of these.
pub fn decode(file: &str, bytes: &[u8]) -> Result<String, SettingsError> {
    let no_text = || SettingsError::NoText { file: file.to_owned() };
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
        String::from_utf16(&units).ok().filter(|_| rest.is_empty()).ok_or_else(no_text)
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
        [1..=u8::MAX, 0, ..] => wide(bytes, u16::from_le_bytes),
        [0, 1..=u8::MAX, ..] => wide(bytes, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] | rest => {
            std::str::from_utf8(rest).map(str::to_owned).map_err(|_| no_text())
        }
    }
}

/// Reads a settings file with these keys; `file` is its name for errors.
///
/// # Errors
/// If it is no JSON object. What is wrong with its values stands in [`Settings::wrong`].
pub fn read(file: &str, text: &str, keys: &[Key]) -> Result<Settings, SettingsError> {
    let object: Map<String, Value> = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| SettingsError::Form { file: file.to_owned(), error: error.to_string() })?;
    let mut read = Settings::default();
    for key in keys {
        let first = object.get(key.name).map(|value| (key.name, value));
        let second = key.other.and_then(|other| object.get(other).map(|value| (other, value)));
        if let (Some((one, _)), Some((other, _))) = (first, second) {
            read.wrong.push(SettingsError::Twice { file: file.to_owned(), one, other });
        }
        let Some((name, value)) = first.or(second) else { continue };
        match setting(key.kind, value) {
            Ok(setting) => read.set.push((key.name, setting)),
            Err(expected) => read.wrong.push(SettingsError::Value {
                file: file.to_owned(),
                key: name.to_owned(),
                value: plain(value),
                expected,
            }),
        }
    }
    let is_known = |name: &str| keys.iter().any(|key| key.name == name || key.other == Some(name));
    read.unknown = object.keys().filter(|name| !is_known(name)).cloned().collect();
    let names = || keys.iter().flat_map(|key| std::iter::once(key.name).chain(key.other));
    read.wrong.extend(read.unknown.iter().filter_map(|key| {
        let name = names().find(|name| name.eq_ignore_ascii_case(key))?;
        Some(SettingsError::Spelling { file: file.to_owned(), key: key.clone(), name })
    }));
    Ok(read)
}

/// The text with the values of keys that nobody knows left blank, to the letter if it has none: somebody may keep a password
/// there. A text that is no object stays as it is.
pub fn without_unknown_values(text: &str, keys: &[Key]) -> String {
    let Ok(mut object) = serde_json::from_str::<Map<String, Value>>(text.trim_start_matches('\u{feff}'))
    else {
        return text.to_owned();
    };
    let is_known = |name: &str| keys.iter().any(|key| key.name == name || key.other == Some(name));
    let mut unknown = object.iter_mut().filter(|(name, _)| !is_known(name)).peekable();
    if unknown.peek().is_none() {
        return text.to_owned();
    }
    unknown.for_each(|(_, value)| *value = Value::String(String::new()));
    format!("{:#}\n", Value::Object(object))
}

/// Host and port of `https://HOST:PORT`, with or without a slash at the end.
pub fn endpoint(text: &str) -> Option<(&str, u16)> {
    let (scheme, rest) = text.split_at_checked("https://".len())?;
    let (host, port) = rest.strip_suffix('/').unwrap_or(rest).rsplit_once(':')?;
    let is_host = !host.is_empty() && !host.contains(['/', '\\', ' ', ':', '@']);
    port.parse().ok().filter(|_| is_host && scheme.eq_ignore_ascii_case("https://")).map(|port| (host, port))
}

/// The host that a `SqlServerName` asks for: without protocol, instance and port. A host that is said as the machine itself
/// is the node's own.
pub fn sql_host<'t>(text: &'t str, node: &'t str) -> &'t str {
    let text = text.strip_prefix("tcp:").unwrap_or(text);
    let host = text.split(['\\', ',']).next().unwrap_or_default().trim();
    let is_itself = ["(local)", "localhost", "."].iter().any(|own| host.eq_ignore_ascii_case(own));
    if is_itself { node } else { host }
}

/// A value without the quotes that it may have.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}

fn setting(kind: Kind, value: &Value) -> Result<Setting, String> {
    let text = plain(value);
    let is_scalar = !matches!(value, Value::Array(_) | Value::Object(_) | Value::Null);
    let found = match kind {
        Kind::Whole(least, most) => {
            text.parse().ok().filter(|number| (least..=most).contains(number)).map(Setting::Whole)
        }
        Kind::Number => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Setting::Number),
        Kind::TimeSpan => time_span(&text).map(Setting::Time),
        Kind::Flag => text.to_ascii_lowercase().parse().ok().map(Setting::Flag),
        Kind::Text => Some(Setting::Text(text)),
    };
    found.filter(|_| is_scalar).ok_or_else(|| match kind {
        Kind::Whole(0, u64::MAX) => "a whole number".to_owned(),
        Kind::Whole(least, most) => format!("a whole number from {least} to {most}"),
        Kind::Number => "a number".to_owned(),
        Kind::TimeSpan => "a time as `hh:mm:ss` or `d.hh:mm:ss`".to_owned(),
        Kind::Flag => "`true` or `false`".to_owned(),
        Kind::Text => "text".to_owned(),
    })
}

/// A time span as .NET writes it.
fn time_span(text: &str) -> Option<Duration> {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let number = |part: &str| part.parse::<u64>().ok().filter(|_| is_number(part));
    let (hours, rest) = text.split_once(':')?;
    let (minutes, secs) = rest.split_once(':')?;
    let (days, hours) = hours.split_once('.').unwrap_or(("0", hours));
    let (secs, fraction) = secs.split_once('.').unwrap_or((secs, "0"));
    let (days, hours, minutes, secs) = (number(days)?, number(hours)?, number(minutes)?, number(secs)?);
    if hours > 23 || minutes > 59 || secs > 59 || !is_number(fraction) || fraction.len() > 7 || days > 10_000
    {
        return None;
    }
    let ticks: u64 = format!("{fraction:0<7}").parse().ok()?;
    let secs = ((days * 24 + hours) * 60 + minutes) * 60 + secs;
    Some(Duration::from_secs(secs) + Duration::from_nanos(ticks * 100))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn worker(text: &str) -> Settings {
        read("WorkerSettings.config", text, WORKER).expect("it is JSON")
    }

    #[test]
    fn numbers_are_read_quoted_or_not_and_both_spellings_are_known() {
        let plain = r#"{ "MaxTaskCount": 4, "LeaseInternval": "00:01:30", "Own": [1] }"#;
        let quoted = r#"{ "MaxTaskCount": " 4 ", "LeaseInterval": "00:01:30", "Own": [1] }"#;
        let read = worker(plain);
        assert_eq!(worker(quoted), read);
        assert_eq!(read.wrong, []);
        assert_eq!(read.unknown, ["Own"]);
        let lease = Setting::Time(Duration::from_secs(90));
        assert_eq!(read.set, [("MaxTaskCount", Setting::Whole(4)), ("LeaseInternval", lease)]);
    }

    #[test]
    fn everything_that_is_wrong_is_told_with_file_key_and_value() {
        let text = r#"{ "MaxTaskCount": "many", "AgentHeartbeatInterval": "60", "TaskLogEnabled": 1,
                        "LeaseInternval": "00:00:01", "LeaseInterval": "00:00:02" }"#;
        let told: Vec<String> = worker(text).wrong.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "`WorkerSettings.config`: `AgentHeartbeatInterval` is `60`, expected a time as `hh:mm:ss` or \
                 `d.hh:mm:ss`",
                "`WorkerSettings.config`: `MaxTaskCount` is `many`, expected a whole number from 0 to 65535",
                "`WorkerSettings.config` has both `LeaseInternval` and `LeaseInterval`",
                "`WorkerSettings.config`: `TaskLogEnabled` is `1`, expected `true` or `false`",
            ]
        );
        let form = read("M", r#"{ "SqlServerName": "SQLFCI\INSTANCE" }"#, MASTER).expect_err("a backslash");
        let small = read("M", r#"{ "portnumber": 8392 }"#, MASTER).expect("it is JSON");
        assert_eq!(small.wrong[0].to_string(), "`M` has `portnumber`, which is spelt `PortNumber`");
        assert!(form.to_string().starts_with("`M` is no JSON object: invalid escape"), "{form:?}");
    }

    #[test]
    fn every_default_is_a_value_of_its_key() {
        for key in MASTER.iter().chain(WORKER).filter(|key| !key.default.is_empty()) {
            let value = Value::String(key.default.to_owned());
            assert!(setting(key.kind, &value).is_ok(), "{}", key.name);
        }
    }

    #[test]
    fn utf_8_and_utf_16_are_read_with_and_without_their_marks() {
        let text = "{\"DisplayName\": \"Wörker\"}";
        let wide = |mark: &[u8], unit: fn(u16) -> [u8; 2]| {
            mark.iter().copied().chain(text.encode_utf16().flat_map(unit)).collect::<Vec<u8>>()
        };
        let marked = [&[0xEF, 0xBB, 0xBF], text.as_bytes()].concat();
        for bytes in [
            text.as_bytes().to_vec(),
            marked,
            wide(&[0xFF, 0xFE], u16::to_le_bytes),
            wide(&[0xFE, 0xFF], u16::to_be_bytes),
            wide(&[], u16::to_le_bytes),
            wide(&[], u16::to_be_bytes),
        ] {
            assert_eq!(decode("f", &bytes).as_deref(), Ok(text));
        }
        assert!(decode("f", &[0xFF, 0xFE, 0x41]).is_err());
        assert!(decode("f", &[0xC3]).is_err());
    }

    #[test]
    fn a_sql_server_name_leads_to_its_host() {
        for (text, host) in [
            ("SQLFCI", "SQLFCI"),
            ("SQLFCI\\SSIS", "SQLFCI"),
            ("tcp:SQLFCI\\SSIS,1433", "SQLFCI"),
            ("SQLFCI,1433", "SQLFCI"),
            ("(local)\\SSIS", "NODE1"),
            (".", "NODE1"),
            ("LocalHost", "NODE1"),
            ("SQLFCI//SSIS", "SQLFCI//SSIS"),
        ] {
            assert_eq!(sql_host(text, "NODE1"), host, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_in_a_file_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,200}") {
            if let Ok(text) = decode("f", &bytes) {
                let _ = read("f", &text, MASTER);
            }
            let _ = read("f", &text, WORKER);
            let value = serde_json::json!({ "AgentHeartbeatInterval": text, "MaxTaskCount": text, "MasterEndpoint": text });
            let _ = read("f", &value.to_string(), WORKER);
        }

        #[test]
        fn a_time_span_is_read_as_it_is_written(days in 0_u64..100, hours in 0_u64..24, minutes in 0_u64..60, secs in 0_u64..60) {
            let expected = Duration::from_secs(((days * 24 + hours) * 60 + minutes) * 60 + secs);
            prop_assert_eq!(time_span(&format!("{days}.{hours:02}:{minutes:02}:{secs:02}")), Some(expected));
        }
    }
}
