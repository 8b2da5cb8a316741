//! What may `--set` set, and to what?

use failover_sim::cluster::Profile;

use super::document::SetCluster;
use super::length::Length;
use super::nearest;
use super::read::At;
use super::topology::set_properties;

/// Reads a cluster property with its value as a command line gives them.
///
/// # Errors
/// In one sentence what is wrong with it, and a hint on a line of its own where there is one.
pub(super) fn setting(property: &str, value: &str) -> Result<SetCluster, String> {
    let at = |value| At { span: Default::default(), value };
    let delay = || Length::parse(value).map(|length| Some(At { span: Default::default(), value: length }));
    let delay = || delay().map_err(|error| format!("`{property}`: {error}\nhint: {}", error.hint()));
    let count = || value.parse().map(|count| Some(at(count)));
    let count = || count().map_err(|_| format!("`{property}`: expected a whole number, found `{value}`"));
    let mut set = SetCluster::default();
    match property {
        "SameSubnetDelay" => set.same_subnet_delay = delay()?,
        "SameSubnetThreshold" => set.same_subnet_threshold = count()?,
        "CrossSubnetDelay" => set.cross_subnet_delay = delay()?,
        "CrossSubnetThreshold" => set.cross_subnet_threshold = count()?,
        "QuarantineThreshold" => set.quarantine_threshold = count()?,
        "QuarantineDuration" => set.quarantine_duration = delay()?,
        "ResiliencyDefaultPeriod" => set.resiliency_default_period = delay()?,
        _ => {
            let hint = nearest::hint(property, SETTINGS).map(|hint| format!("\nhint: {hint}"));
            return Err(format!("nothing is called `{property}`{}", hint.unwrap_or_default()));
        }
    }
    let mut faults = Vec::new();
    set_properties(&mut Profile::default().properties(), &set, &mut faults);
    match faults.first() {
        Some(fault) => Err(format!("{}: {}, found `{value}`", fault.message, fault.label)),
        None => Ok(set),
    }
}

/// Whether a command line may set this property to this value.
///
/// # Errors
/// In one sentence what is wrong with it, and a hint on a line of its own where there is one.
pub(crate) fn check_setting(property: &str, value: &str) -> Result<(), String> {
    setting(property, value).map(|_| ())
}

/// Everything that `--set` takes; `workers` is no property of the cluster.
const SETTINGS: [&str; 8] = [
    "workers",
    "SameSubnetDelay",
    "SameSubnetThreshold",
    "CrossSubnetDelay",
    "CrossSubnetThreshold",
    "QuarantineThreshold",
    "QuarantineDuration",
    "ResiliencyDefaultPeriod",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_is_taken_within_its_limits() {
        let set = setting("SameSubnetThreshold", "90").expect("within its limits");
        assert_eq!(set.same_subnet_threshold.map(|count| count.value), Some(90));
        assert!(setting("CrossSubnetDelay", "4s").is_ok());
        for (property, value, told) in [
            ("SameSubnetThreshold", "500", "SameSubnetThreshold is out of its limits: expected 3 to 120"),
            ("SameSubnetThreshold", "many", "expected a whole number, found `many`"),
            ("SameSubnetDelay", "1", "hint: add a unit: `1s`"),
            ("SameSubnetTreshold", "20", "did you mean `SameSubnetThreshold`?"),
        ] {
            let error = setting(property, value).expect_err(value);
            assert!(error.contains(told), "{error}");
        }
    }
}
