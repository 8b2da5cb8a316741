//! What of the two settings files matters to a preflight?

use failover_sim::settings_file::{self, Key, MASTER, Setting, Settings, SettingsError, WORKER};
use serde::{Deserialize, Serialize};

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

impl SettingsFile {
    /// The settings of a master.
    ///
    /// # Errors
    /// If it is no JSON object, or lacks a key.
    pub fn master(&self) -> Result<MasterFile, SettingsError> {
        let settings = settings_file::read(&self.path, &self.text, MASTER)?;
        let port = match settings.get("PortNumber") {
            Some(Setting::Whole(port)) => u16::try_from(*port).unwrap_or_default(),
            Some(Setting::Number(_) | Setting::Time(_) | Setting::Flag(_) | Setting::Text(_)) | None => 8391,
        };
        // A port that is none is wrong, and not left out.
        if let Some(wrong) = settings.wrong.iter().find(|error| is_about(error, "PortNumber")) {
            return Err(wrong.clone());
        }
        let thumbprint = normal(self.value(&settings, "SSLCertThumbprint")?);
        Ok(MasterFile { port, thumbprint, sql_server: self.value(&settings, "SqlServerName")?.to_owned() })
    }

    /// The settings of a worker.
    ///
    /// # Errors
    /// If it is no JSON object, or lacks a key.
    pub fn worker(&self) -> Result<WorkerFile, SettingsError> {
        let settings = settings_file::read(&self.path, &self.text, WORKER)?;
        Ok(WorkerFile {
            endpoint: self.value(&settings, "MasterEndpoint")?.to_owned(),
            pin: normal(self.value(&settings, "MasterHttpsCertThumbprint")?),
            own: normal(self.value(&settings, "WorkerHttpsCertThumbprint")?),
        })
    }

    /// What is wrong with the keys of a master's settings.
    ///
    /// # Errors
    /// If it is no JSON object.
    pub fn mistakes_of_master(&self) -> Result<Vec<SettingsError>, String> {
        self.mistakes(MASTER, &["SSLCertThumbprint", "SqlServerName"])
    }

    /// What is wrong with the keys of a worker's settings.
    ///
    /// # Errors
    /// If it is no JSON object.
    pub fn mistakes_of_worker(&self) -> Result<Vec<SettingsError>, String> {
        self.mistakes(WORKER, &["MasterEndpoint", "MasterHttpsCertThumbprint", "WorkerHttpsCertThumbprint"])
    }

    fn mistakes(&self, keys: &[Key], needed: &[&'static str]) -> Result<Vec<SettingsError>, String> {
        let settings =
            settings_file::read(&self.path, &self.text, keys).map_err(|error| error.to_string())?;
        let is_told =
            |key: &str| settings.wrong.iter().any(|error| is_about(error, key) || is_spelt(error, key));
        let missing = needed.iter().filter(|key| settings.text(key).is_none() && !is_told(key));
        let missing = missing.map(|key| SettingsError::Missing { file: self.path.clone(), key });
        Ok(missing.chain(settings.wrong.iter().cloned()).collect())
    }

    fn value<'s>(&self, settings: &'s Settings, key: &'static str) -> Result<&'s str, SettingsError> {
        settings.text(key).ok_or_else(|| SettingsError::Missing { file: self.path.clone(), key })
    }
}

fn is_about(error: &SettingsError, name: &str) -> bool {
    match error {
        SettingsError::Value { key, .. } => key == name,
        SettingsError::NoText { .. }
        | SettingsError::Form { .. }
        | SettingsError::Missing { .. }
        | SettingsError::Spelling { .. }
        | SettingsError::Twice { .. } => false,
    }
}

fn is_spelt(error: &SettingsError, right: &str) -> bool {
    matches!(error, SettingsError::Spelling { name, .. } if *name == right)
}

/// A thumbprint without what copying and pasting brings along.
fn normal(thumbprint: &str) -> String {
    thumbprint.chars().filter(char::is_ascii_hexdigit).map(|digit| digit.to_ascii_uppercase()).collect()
}
