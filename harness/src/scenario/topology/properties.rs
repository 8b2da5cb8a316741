//! Which properties of the cluster can be set, and within which limits?

use failover_sim::cluster::ClusterProperties;

use super::super::diagnostic::Fault;
use super::super::document::SetCluster;
use super::super::read::At;
use super::super::tree::Span;

/// Takes over the properties that are set, each within the limits that Windows has for it
/// (SameSubnetDelay and its siblings in MsCS, documented).
pub(in crate::scenario) fn set_properties(
    properties: &mut ClusterProperties,
    set: &SetCluster,
    faults: &mut Vec<Fault>,
) {
    let mut within = |what: &str, span: Span, is_within: bool, limits: &str| {
        if !is_within {
            faults.push(Fault::new(format!("{what} is out of its limits"), span).with_label(limits));
        }
    };
    let millis = |delay: &At<super::super::length::Length>| delay.value.0.as_millis();
    if let Some(delay) = &set.same_subnet_delay {
        within("SameSubnetDelay", delay.span, (250..=2_000).contains(&millis(delay)), "expected 250ms to 2s");
    }
    if let Some(delay) = &set.cross_subnet_delay {
        within(
            "CrossSubnetDelay",
            delay.span,
            (250..=4_000).contains(&millis(delay)),
            "expected 250ms to 4s",
        );
    }
    for (what, threshold) in [
        ("SameSubnetThreshold", &set.same_subnet_threshold),
        ("CrossSubnetThreshold", &set.cross_subnet_threshold),
    ] {
        if let Some(threshold) = threshold {
            within(what, threshold.span, (3..=120).contains(&threshold.value), "expected 3 to 120");
        }
    }
    if let Some(delay) = &set.same_subnet_delay {
        properties.same_subnet_delay = delay.value.0;
    }
    if let Some(threshold) = &set.same_subnet_threshold {
        properties.same_subnet_threshold = Some(threshold.value);
    }
    if let Some(delay) = &set.cross_subnet_delay {
        properties.cross_subnet_delay = delay.value.0;
    }
    if let Some(threshold) = &set.cross_subnet_threshold {
        properties.cross_subnet_threshold = Some(threshold.value);
    }
    if let Some(threshold) = &set.quarantine_threshold {
        properties.quarantine_threshold = threshold.value;
    }
    if let Some(duration) = &set.quarantine_duration {
        properties.quarantine_duration = Some(duration.value.0);
    }
    if let Some(level) = &set.resiliency_level {
        properties.resiliency_level = Some(level.value.into());
    }
    if let Some(period) = &set.resiliency_default_period {
        properties.resiliency_default_period = period.value.0;
    }
}
