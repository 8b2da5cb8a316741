//! What of the settings files does a topology hold besides hosts, ports and certificates?
//!
//! What is not the documented default. Keys about tasks alone, about logs and about the clean-up of finished jobs are left
//! out: no connection depends on them.

use std::time::Duration;

use failover_sim::settings_file::{Key, MASTER, Setting, WORKER, read};
use serde_json::{Value, json};

use crate::guide::snapshot::SettingsFile;
use crate::words::length;

/// Puts the settings of a master into its document; what cannot be put there comes back.
pub(super) fn of_master(document: &mut Value, file: &SettingsFile) -> Vec<String> {
    put(document, file, MASTER, HELD_OF_MASTER)
}

/// Puts the settings of a worker into its document; what cannot be put there comes back.
pub(super) fn of_worker(document: &mut Value, file: &SettingsFile) -> Vec<String> {
    put(document, file, WORKER, HELD_OF_WORKER)
}

fn put(document: &mut Value, file: &SettingsFile, keys: &[Key], held: &[(&str, Unit)]) -> Vec<String> {
    let mut told = Vec::new();
    let Ok(settings) = read(&file.path, &file.text, keys) else { return told };
    for (name, unit) in held {
        let default = keys.iter().find(|key| key.is_called(name)).and_then(default_of);
        let Some(setting) = settings.get(name).filter(|setting| Some(*setting) != default.as_ref()) else {
            continue;
        };
        match value(setting, *unit) {
            Ok(value) => document[*name] = value,
            Err(found) => told.push(format!("{name} is {found}")),
        }
    }
    told
}

fn default_of(key: &Key) -> Option<Setting> {
    let text = json!({ key.name: key.default }).to_string();
    read("", &text, std::slice::from_ref(key)).ok()?.get(key.name).cloned()
}

/// The value as a topology says it, or the time that it cannot say: none at all, or more than 30 days.
fn value(setting: &Setting, unit: Unit) -> Result<Value, String> {
    let (time, shown) = match (setting, unit) {
        (Setting::Time(time), _) => (Some(*time), json!(length(*time))),
        (Setting::Whole(number), Unit::Millis) => (Some(Duration::from_millis(*number)), json!(number)),
        (Setting::Whole(number), Unit::Secs) => (Some(Duration::from_secs(*number)), json!(number)),
        (Setting::Whole(number), Unit::Own) => (None, json!(number)),
        (Setting::Number(number), _) => (None, json!(number)),
        (Setting::Flag(flag), _) => (None, json!(flag)),
        (Setting::Text(text), _) => (None, json!(text)),
    };
    match time {
        Some(time) if time < SHORTEST => Err(length(Duration::ZERO)),
        Some(time) if time > LONGEST => Err("longer than 30 days".to_owned()),
        Some(_) | None => Ok(shown),
    }
}

/// In what a number counts.
#[derive(Clone, Copy)]
enum Unit {
    Millis,
    Secs,
    Own,
}

const HELD_OF_MASTER: &[(&str, Unit)] = &[
    ("DealWithExpiredTasksIntervalInMs", Unit::Millis),
    ("MasterHeartbeatIntervalInMs", Unit::Millis),
    ("SqlConnectionTimeoutInSecs", Unit::Secs),
];

const HELD_OF_WORKER: &[(&str, Unit)] = &[
    ("AgentHeartbeatInterval", Unit::Own),
    ("TaskHeartbeatInterval", Unit::Own),
    ("HeartbeatErrorTollerance", Unit::Own),
    ("LeaseInternval", Unit::Own),
    ("MaxTaskCount", Unit::Own),
];

/// The times that a topology can say.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(30 * 86_400);
