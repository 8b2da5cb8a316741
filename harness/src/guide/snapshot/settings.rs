//! What do the two settings files say?
//!
//! `MasterSettings.config` and `WorkerSettings.config` are taken for JSON objects with flat keys (inferred from the
//! doubled backslash in the example of the page on the Scale Out Master); numbers may be quoted, unknown keys are kept
//! out of the way.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Moment;

/// A settings file as it lies on the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingsFile {
    /// Where it lies.
    pub path: String,
    /// When it was written last.
    pub written_at: Moment,
    /// What it says, to the letter.
    pub text: String,
}

/// What matters of `MasterSettings.config`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterFile {
    /// `PortNumber`: 8391 where it is left out (documented).
    pub port: u16,
    /// `SSLCertThumbprint`, its digits alone, in capitals.
    pub thumbprint: String,
    /// `SqlServerName`, to the letter.
    pub sql_server: String,
}

/// What matters of `WorkerSettings.config`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerFile {
    /// `MasterEndpoint`, to the letter.
    pub endpoint: String,
    /// `MasterHttpsCertThumbprint`, its digits alone, in capitals.
    pub pin: String,
    /// `WorkerHttpsCertThumbprint`, its digits alone, in capitals.
    pub own: String,
}

/// Why a settings file cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// It is no JSON object: a single backslash does this.
    #[error("{path} is no JSON object: {error}")]
    Form {
        /// Which file.
        path: String,
        /// What is wrong with it.
        error: String,
    },
    /// A key is missing, or has a value of another kind.
    #[error("{path} has no usable `{key}`")]
    Key {
        /// Which file.
        path: String,
        /// Which key.
        key: &'static str,
    },
}

impl SettingsFile {
    /// The settings of a master.
    ///
    /// # Errors
    /// If it is no JSON object, or lacks a key.
    pub fn master(&self) -> Result<MasterFile, SettingsError> {
        let object = self.object()?;
        let port = match object.get("PortNumber") {
            None => 8391,
            Some(value) => match text(value).and_then(|text| text.parse().ok()) {
                Some(port) => port,
                None => return Err(self.lacks("PortNumber")),
            },
        };
        let thumbprint = normal(&self.value(&object, "SSLCertThumbprint")?);
        Ok(MasterFile { port, thumbprint, sql_server: self.value(&object, "SqlServerName")? })
    }

    /// The settings of a worker.
    ///
    /// # Errors
    /// If it is no JSON object, or lacks a key.
    pub fn worker(&self) -> Result<WorkerFile, SettingsError> {
        let object = self.object()?;
        Ok(WorkerFile {
            endpoint: self.value(&object, "MasterEndpoint")?,
            pin: normal(&self.value(&object, "MasterHttpsCertThumbprint")?),
            own: normal(&self.value(&object, "WorkerHttpsCertThumbprint")?),
        })
    }

    fn object(&self) -> Result<Map<String, Value>, SettingsError> {
        let text = self.text.trim_start_matches('\u{feff}');
        serde_json::from_str(text)
            .map_err(|error| SettingsError::Form { path: self.path.clone(), error: error.to_string() })
    }

    fn value(&self, object: &Map<String, Value>, key: &'static str) -> Result<String, SettingsError> {
        object.get(key).and_then(text).ok_or_else(|| self.lacks(key))
    }

    fn lacks(&self, key: &'static str) -> SettingsError {
        SettingsError::Key { path: self.path.clone(), key }
    }
}

/// A value whether it is quoted or not.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A thumbprint without what copying and pasting brings along.
fn normal(thumbprint: &str) -> String {
    thumbprint.chars().filter(char::is_ascii_hexdigit).map(|digit| digit.to_ascii_uppercase()).collect()
}

/// Host and port of `https://HOST:PORT`, with or without a slash at the end.
pub fn endpoint(text: &str) -> Option<(&str, u16)> {
    let (scheme, rest) = text.split_at_checked("https://".len())?;
    let (host, port) = rest.strip_suffix('/').unwrap_or(rest).rsplit_once(':')?;
    let is_endpoint =
        scheme.eq_ignore_ascii_case("https://") && !host.is_empty() && !host.contains(['/', '\\']);
    port.parse().ok().filter(|_| is_endpoint).map(|port| (host, port))
}
