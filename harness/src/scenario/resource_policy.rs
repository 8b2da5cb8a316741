//! What does a topology file say about the failure of a resource?

use std::time::Duration;

use failover_sim::cluster::{ResourcePolicy, RestartAction};

use super::diagnostic::Fault;
use super::length::Length;
use super::read::At;
use super::topology_document::{ResourceDocument, ResourceWord, RestartWord};

/// The policy of a resource: what its document says, and Windows' defaults for the rest.
pub(super) fn policy(document: &ResourceDocument, faults: &mut Vec<Fault>) -> ResourcePolicy {
    let usual = ResourcePolicy::DEFAULT;
    let retry_period = bounded(
        "RetryPeriodOnFailure",
        document.retry_period_on_failure.as_ref(),
        // At least RestartPeriod (RetryPeriodOnFailure, documented).
        document.restart_period.map_or(Duration::ZERO, |length| length.0),
        "expected RestartPeriod at least",
        faults,
    );
    let least_poll = Duration::from_millis(10);
    let poll = bounded(
        "LooksAlivePollInterval",
        document.looks_alive_poll_interval.as_ref(),
        least_poll,
        "expected 10ms at least",
        faults,
    );
    let a_second = Duration::from_secs(1);
    let deadlock = bounded(
        "DeadlockTimeout",
        document.deadlock_timeout.as_ref(),
        a_second,
        "expected 1s at least",
        faults,
    );
    let pending = bounded(
        "PendingTimeout",
        document.pending_timeout.as_ref(),
        least_poll,
        "expected 10ms at least",
        faults,
    );
    // The least value is documented (HealthCheckTimeout property settings).
    let health_check = bounded(
        "HealthCheckTimeout",
        document.health_check_timeout.as_ref(),
        Duration::from_secs(15),
        "expected 15s at least",
        faults,
    );
    refuse_on_others(document, faults);
    ResourcePolicy {
        restart_action: match document.restart_action {
            None => usual.restart_action,
            Some(RestartWord::DoNotRestart) => RestartAction::DoNotRestart,
            Some(RestartWord::Restart) => RestartAction::Restart,
            Some(RestartWord::RestartThenFailOver) => RestartAction::RestartThenFailOver,
        },
        restart_threshold: document.restart_threshold,
        restart_period: document.restart_period.map(|length| length.0),
        restart_delay: document.restart_delay.map_or(usual.restart_delay, |length| length.0),
        retry_period_on_failure: retry_period.unwrap_or(usual.retry_period_on_failure),
        looks_alive_poll_interval: poll.unwrap_or(usual.looks_alive_poll_interval),
        pending_timeout: pending.unwrap_or(usual.pending_timeout),
        deadlock_timeout: deadlock.unwrap_or(usual.deadlock_timeout),
        failure_condition_level: level(document, faults).unwrap_or(usual.failure_condition_level),
        health_check_timeout: health_check.unwrap_or(usual.health_check_timeout),
    }
}

fn bounded(
    what: &str,
    length: Option<&At<Length>>,
    least: Duration,
    limits: &str,
    faults: &mut Vec<Fault>,
) -> Option<Duration> {
    let &At { span, value: Length(value) } = length?;
    if value < least {
        faults.push(Fault::new(format!("{what} is out of its limits"), span).with_label(limits));
    }
    Some(value)
}

fn level(document: &ResourceDocument, faults: &mut Vec<Fault>) -> Option<u8> {
    let &At { span, value } = document.failure_condition_level.as_ref()?;
    // Level 0 stands in the policy of an FCI alone (flexible failover policy of an availability group, documented).
    let least = u8::from(document.kind.value == ResourceWord::AvailabilityGroup);
    if !(least..=FAILURE_CONDITION_LEVEL_MAX).contains(&value) {
        let fault = Fault::new("FailureConditionLevel is out of its limits", span);
        faults.push(fault.with_label(format!("expected {least} to {FAILURE_CONDITION_LEVEL_MAX}")));
    }
    Some(value)
}

/// Properties that only SQL Server and availability groups have.
fn refuse_on_others(document: &ResourceDocument, faults: &mut Vec<Fault>) {
    if matches!(document.kind.value, ResourceWord::SqlServer | ResourceWord::AvailabilityGroup) {
        return;
    }
    let level = document.failure_condition_level.as_ref().map(|at| ("FailureConditionLevel", at.span));
    let timeout = document.health_check_timeout.as_ref().map(|at| ("HealthCheckTimeout", at.span));
    for (property, span) in level.into_iter().chain(timeout) {
        let message = format!("the resource `{}` has no {property}", document.name.value);
        faults
            .push(Fault::new(message, span).with_label("only a `sql_server` or an `availability_group` has"));
    }
}

/// Failover policy for FCI (documented).
const FAILURE_CONDITION_LEVEL_MAX: u8 = 5;
