//! How is a probe told, to people and to programs?

use std::time::Duration;

use serde_json::{Value, json};

use crate::words::{counted, length};

use super::attempt::Attempt;
use super::certificate::{Content, date};
use super::outcome::Outcome;
use super::tally::{Change, Gap, Host, Spread, Tally};
use super::{Probe, Target};

/// A line for people about an attempt that changed something; `None` if it changed nothing.
pub fn change_text(attempt: &Attempt, change: Change, tally: &Tally) -> Option<String> {
    let at = moment(attempt.began);
    let mut text = String::new();
    if change.of_state {
        text.push_str(&format!("{at:>12}  {}\n", attempt.outcome));
    }
    if change.new_host
        && let Some(host) = tally.hosts.last()
    {
        let Host { address, presented, .. } = host;
        text.push_str(&format!("{at:>12}  {address} presents {}\n", presented.thumbprint));
    }
    Some(text).filter(|text| !text.is_empty())
}

/// The line that a person watches: what the last attempt found, and what all of them did.
pub fn live_text(attempt: &Attempt, tally: &Tally) -> String {
    let (attempts, gaps) = (counted(tally.attempts as usize, "attempt"), counted(tally.gaps.len(), "gap"));
    format!("{}: {}; {attempts}, {gaps}", moment(attempt.began), attempt.outcome)
}

/// What people read at the end; `now` is in seconds since 1970.
pub fn summary_text(probe: &Probe, tally: &Tally, took: Duration, now: i64) -> String {
    let Tally { attempts, not_judged, down, not_tried, .. } = *tally;
    let answered: u64 = tally.answered.values().sum();
    let every = length(probe.interval);
    let attempts = counted(attempts as usize, "attempt");
    let mut text =
        format!("probed {} for {}: {attempts}, one every {every}\n", probe.target, length(rounded(took)));
    let statuses: Vec<String> =
        tally.answered.iter().map(|(status, count)| format!("{status} {}", times(*count))).collect();
    text.push_str(&format!("  {answered:>6} answered{}\n", in_brackets(&statuses.join(", "))));
    for (count, what) in [
        (
            not_judged,
            "not judged: the handshake finished; after the request the connection ended, or was to be renegotiated",
        ),
        (down, "down"),
        (not_tried, "could not be tried on this machine"),
    ] {
        if count > 0 {
            text.push_str(&format!("  {count:>6} {what}\n"));
        }
    }
    text.push_str(&format!("{}\n", counted(tally.gaps.len(), "gap")));
    tally.gaps.iter().for_each(|gap| text.push_str(&gap_text(gap)));
    if !tally.hosts.is_empty() {
        text.push_str("presented\n");
    }
    tally.hosts.iter().for_each(|host| text.push_str(&host_text(host, probe, now)));
    text.push_str(&spreads_text(&tally.spreads()));
    text
}

/// One attempt for programs.
pub fn attempt_json(attempt: &Attempt) -> Value {
    let Attempt { number, began, outcome, took, phases, address, version, presented } = attempt;
    let (status, detail) = match outcome {
        Outcome::Answered { status } => (Some(*status), None),
        Outcome::NotJudged { ended } => (None, Some(ended)),
        Outcome::Down { detail, .. } => (None, detail.as_ref()),
        Outcome::NotTried { why } => (None, Some(why)),
    };
    json!({
        "attempt": number,
        "began_micros": micros(*began),
        "took_micros": micros(*took),
        "outcome": outcome.word(),
        "up": outcome.is_up(),
        "status": status,
        "detail": detail,
        "address": address.map(|address| address.to_string()),
        "tls": version,
        "thumbprint": presented.as_ref().map(|presented| presented.thumbprint.to_string()),
        "resolve_micros": phases.resolve.map(micros),
        "connect_micros": phases.connect.map(micros),
        "handshake_micros": phases.handshake.map(micros),
        "response_micros": phases.response.map(micros),
    })
}

/// The end for programs; `now` is in seconds since 1970.
pub fn summary_json(probe: &Probe, tally: &Tally, took: Duration, now: i64) -> Value {
    let statuses: serde_json::Map<String, Value> =
        tally.answered.iter().map(|(status, count)| (status.to_string(), json!(count))).collect();
    let spreads: serde_json::Map<String, Value> = tally
        .spreads()
        .iter()
        .map(|spread| {
            let Spread { part, count, p50, p95, p99, max } = *spread;
            let (p50, p95, p99, max) = (micros(p50), micros(p95), micros(p99), micros(max));
            let times = json!({ "count": count, "p50": p50, "p95": p95, "p99": p99, "max": max });
            (part.to_owned(), times)
        })
        .collect();
    json!({
        "version": crate::plan::VERSION,
        "endpoint": probe.target.to_string(),
        "pin": probe.pin.map(|pin| pin.to_string()),
        "interval_micros": micros(probe.interval),
        "timeout_micros": micros(probe.patience),
        "took_micros": micros(took),
        "attempts": tally.attempts,
        "answered": statuses,
        "not_judged": tally.not_judged,
        "down": tally.down,
        "not_tried": tally.not_tried,
        "up_at_the_end": tally.is_up(),
        "gaps": tally.gaps.iter().map(gap_json).collect::<Vec<_>>(),
        "presented": tally.hosts.iter().map(|host| host_json(host, probe, now)).collect::<Vec<_>>(),
        "micros": spreads,
    })
}

fn gap_text(gap: &Gap) -> String {
    let causes: Vec<String> =
        gap.causes.iter().map(|(cause, count)| format!("{}: {}", times(*count), cause.text())).collect();
    let long = match (gap.after, gap.at_most()) {
        (_, Some(most)) => {
            format!("at least {}, at most {}", length(rounded(gap.at_least())), length(rounded(most)))
        }
        (None, None) => format!("at least {}, from before the probe began", length(rounded(gap.at_least()))),
        (Some(_), None) => format!("at least {}, not over at the end", length(rounded(gap.at_least()))),
    };
    format!("  {} to {}: {long}\n    {}\n", moment(gap.first), moment(gap.last), causes.join("\n    "))
}

fn gap_json(gap: &Gap) -> Value {
    let causes: Vec<Value> =
        gap.causes.iter().map(|(cause, count)| json!({ "cause": cause.word(), "attempts": count })).collect();
    json!({
        "after_micros": gap.after.map(micros),
        "first_micros": micros(gap.first),
        "last_micros": micros(gap.last),
        "before_micros": gap.before.map(micros),
        "at_least_micros": micros(gap.at_least()),
        "at_most_micros": gap.at_most().map(micros),
        "causes": causes,
    })
}

fn host_text(host: &Host, probe: &Probe, now: i64) -> String {
    let Host { address, presented, version, first, last, attempts } = host;
    let version = version.unwrap_or("TLS");
    let (first, last, attempts) = (moment(*first), moment(*last), counted(*attempts as usize, "attempt"));
    let mut text = format!("  {address} in {attempts}, {first} to {last}, {version}\n");
    text.push_str(&format!("    thumbprint {}\n", presented.thumbprint));
    if let Some(content) = &presented.content {
        let Content { subject, is_self_signed, common_names, alternative_names, not_before, not_after } =
            content;
        let signed = if *is_self_signed { ", self-signed" } else { "" };
        let listed = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let alternative = alternative_names.as_ref().map_or_else(|| "none".to_owned(), |names| listed(names));
        text.push_str(&format!("    subject {subject}{signed}\n"));
        text.push_str(&format!("    CNs: {}; SANs: {alternative}\n", listed(common_names)));
        text.push_str(&format!("    valid from {} to {}\n", date(*not_before), date(*not_after)));
    }
    for (_, finding) in findings(host, probe, now) {
        text.push_str(&format!("    warning: {finding}\n"));
    }
    text
}

fn host_json(host: &Host, probe: &Probe, now: i64) -> Value {
    let Host { address, presented, version, first, last, attempts } = host;
    let findings: Vec<&str> = findings(host, probe, now).into_iter().map(|(word, _)| word).collect();
    let mut value = json!({
        "address": address.to_string(),
        "tls": version,
        "first_micros": micros(*first),
        "last_micros": micros(*last),
        "attempts": attempts,
        "thumbprint": presented.thumbprint.to_string(),
        "findings": findings,
    });
    if let Some(content) = &presented.content {
        value["subject"] = json!(content.subject);
        value["self_signed"] = json!(content.is_self_signed);
        value["common_names"] = json!(content.common_names);
        value["alternative_names"] = json!(content.alternative_names);
        value["not_before"] = json!(date(content.not_before));
        value["not_after"] = json!(date(content.not_after));
    }
    value
}

/// What a worker would hold against a certificate: its word, and the same for people.
fn findings(host: &Host, probe: &Probe, now: i64) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    if probe.pin.is_some_and(|pin| pin != host.presented.thumbprint) {
        found.push(("not_pinned", "it is not the pinned one: no worker with this pin connects".to_owned()));
    }
    let Some(content) = &host.presented.content else {
        found.push(("unreadable", "it cannot be read".to_owned()));
        return found;
    };
    let Target { host: name, .. } = &probe.target;
    if !content.names(name) {
        let text = format!("it does not name `{name}`: workers with this endpoint do not trust it");
        found.push(("name_missing", text));
    }
    if !content.is_valid_at(now) {
        found.push(("not_valid", "it is not valid at this time, by the clock of this machine".to_owned()));
    }
    found
}

fn spreads_text(spreads: &[Spread]) -> String {
    if spreads.is_empty() {
        return String::new();
    }
    let row = |cells: [&str; 6]| {
        let [part, count, p50, p95, p99, max] = cells;
        format!("{part:<11} {count:>8} {p50:>11} {p95:>11} {p99:>11} {max:>11}\n")
    };
    let mut text = row(["time", "attempts", "p50", "p95", "p99", "max"]);
    for Spread { part, count, p50, p95, p99, max } in spreads {
        let [p50, p95, p99, max] =
            [p50, p95, p99, max].map(|time| format!("{:.3}ms", time.as_secs_f64() * 1e3));
        text.push_str(&row([&format!("  {part}"), &count.to_string(), &p50, &p95, &p99, &max]));
    }
    text
}

fn moment(since: Duration) -> String {
    format!("+{}", failover_sim::time::Time::from_micros(micros(since)))
}

fn rounded(time: Duration) -> Duration {
    Duration::from_millis((micros(time) + 500) / 1_000)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

fn in_brackets(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" ({text})") }
}
