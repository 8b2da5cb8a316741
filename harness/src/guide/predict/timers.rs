//! What of the timers and limits of roles and resources does a topology hold?
//!
//! What is not Windows' default. What is out of the limits that a topology has comes back, to be told.

use std::time::Duration;

use serde_json::{Value, json};

use crate::guide::snapshot::{Resource, Role};
use crate::words::length;

/// A number of Windows: its name, its default, in what it counts, and its limits.
struct Number {
    name: &'static str,
    /// `None` where the sources disagree: what is seen is always said then.
    default: Option<u64>,
    unit: Unit,
    limits: (u64, u64),
}

#[derive(Clone, Copy)]
enum Unit {
    Millis,
    Secs,
    Own,
}

const fn number(name: &'static str, default: Option<u64>, unit: Unit, limits: (u64, u64)) -> Number {
    Number { name, default, unit, limits }
}

/// Puts the timers of a resource of this kind of the model into its document.
pub(super) fn of_resource(document: &mut Value, resource: &Resource, kind: &str) -> Vec<String> {
    let of = |name: &str| resource.properties.get(name).or_else(|| resource.parameters.get(name));
    let own = match kind {
        "network_name" => OF_NETWORK_NAME,
        "sql_server" => OF_SQL_SERVER,
        "availability_group" => OF_AVAILABILITY_GROUP,
        _ => &[],
    };
    let read = |name: &str| of(name)?.parse::<u64>().ok();
    let mut told: Vec<String> = OF_RESOURCE
        .iter()
        .chain(own)
        .filter_map(|number| put(document, number, read(number.name)?))
        .collect();
    // A topology takes no RestartPeriod that is longer (RetryPeriodOnFailure, documented).
    let retry = read("RetryPeriodOnFailure").unwrap_or(3_600_000);
    if read("RestartPeriod").is_some_and(|period| period > retry)
        && let Some(document) = document.as_object_mut()
        && document.remove("RestartPeriod").is_some()
    {
        told.push(format!("RestartPeriod is longer than RetryPeriodOnFailure, {retry} ms"));
    }
    // Left out it is as set-up has it, which the addresses decide.
    let alternatives = document.get("depends_on_any").is_some();
    match (kind, read("RegisterAllProvidersIP")) {
        ("network_name", Some(value @ 0..=1)) if value == 1 || alternatives => {
            document["RegisterAllProvidersIP"] = json!(value);
        }
        _ => {}
    }
    told
}

/// Puts the limits of a role into its document.
pub(super) fn of_role(document: &mut Value, role: &Role) -> Vec<String> {
    let read = |name: &str| role.properties.get(name)?.parse::<u64>().ok();
    let told = OF_ROLE.iter().filter_map(|number| put(document, number, read(number.name)?)).collect();
    if read("AutoFailbackType") == Some(1) {
        document["AutoFailbackType"] = json!("allow");
    }
    let (start, end) = (read("FailbackWindowStart"), read("FailbackWindowEnd"));
    if let (Some(start @ 0..24), Some(end @ 0..24)) = (start, end) {
        (document["FailbackWindowStart"], document["FailbackWindowEnd"]) = (json!(start), json!(end));
    }
    match read("Priority") {
        Some(0) => document["Priority"] = json!("disabled"),
        Some(1_000) => document["Priority"] = json!("low"),
        Some(3_000) => document["Priority"] = json!("high"),
        Some(_) | None => {}
    }
    told
}

fn put(document: &mut Value, number: &Number, found: u64) -> Option<String> {
    if Some(found) == number.default || found == NOT_SET {
        return None;
    }
    let (least, most) = number.limits;
    if !(least..=most).contains(&found) {
        return Some(format!("{} is {found}, expected {least} to {most}", number.name));
    }
    document[number.name] = match number.unit {
        Unit::Millis => json!(length(Duration::from_millis(found))),
        Unit::Secs => json!(length(Duration::from_secs(found))),
        Unit::Own => json!(found),
    };
    None
}

/// Common properties of resources (MsCS, documented).
const OF_RESOURCE: &[Number] = &[
    number("RestartPeriod", None, Unit::Millis, (0, A_MONTH)),
    number("RestartDelay", Some(500), Unit::Millis, (0, A_MONTH)),
    number("LooksAlivePollInterval", Some(5_000), Unit::Millis, (10, A_MONTH)),
    number("PendingTimeout", Some(180_000), Unit::Millis, (10, A_MONTH)),
    number("DeadlockTimeout", Some(300_000), Unit::Millis, (1_000, A_MONTH)),
];

/// Private properties of a Network Name (MsCS, documented).
const OF_NETWORK_NAME: &[Number] = &[number("HostRecordTTL", Some(1_200), Unit::Secs, (0, A_MONTH / 1_000))];

/// Failover policy for FCI (documented).
const OF_SQL_SERVER: &[Number] =
    &[HEALTH_CHECK_TIMEOUT, number("FailureConditionLevel", Some(3), Unit::Own, (0, 5))];

/// Flexible failover policy of an availability group (documented).
const OF_AVAILABILITY_GROUP: &[Number] =
    &[HEALTH_CHECK_TIMEOUT, number("FailureConditionLevel", Some(3), Unit::Own, (1, 5))];

const HEALTH_CHECK_TIMEOUT: Number =
    number("HealthCheckTimeout", Some(30_000), Unit::Millis, (15_000, A_MONTH));

/// Properties of roles (MsCS, documented).
const OF_ROLE: &[Number] = &[
    number("FailoverThreshold", None, Unit::Own, (0, NOT_SET - 1)),
    number("FailoverPeriod", Some(6), Unit::Own, (0, 1_193)),
];

/// What a property is that nobody has set (MsCS, documented).
const NOT_SET: u64 = u32::MAX as u64;

/// The longest time that a topology can say, in milliseconds.
const A_MONTH: u64 = 30 * 86_400_000;
