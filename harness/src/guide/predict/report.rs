//! How is a prediction told?

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use crate::guide::snapshot::Snapshot;
use crate::words::plain;
use crate::words::{counted, length};

use super::{Away, Event, Otherwise, Outcome, Prediction};

/// For people.
pub fn human(prediction: &Prediction, snapshot: &Snapshot) -> String {
    // Writing to a string cannot fail.
    let mut text = String::new();
    let workers = prediction.workers;
    let _ = writeln!(
        text,
        "predicted from the snapshot of {} by {}",
        snapshot.collected_at,
        plain(&snapshot.collected_by)
    );
    for why in &prediction.not_predicted {
        let _ = writeln!(text, "not predicted: {}", plain(why));
    }
    // What casts doubt on everything that follows comes first.
    for finding in &prediction.not_in_the_model {
        let _ = writeln!(text, "wrong, and not in the model: {} (see `failover preflight`)", plain(finding));
    }
    if prediction.not_predicted.is_empty() {
        let away = number(&prediction.today);
        let _ = writeln!(text, "today {} of {} connected", workers - away, counted(workers, "worker"));
        tell(&mut text, &prediction.today);
    }
    let mut told = vec![&prediction.today];
    for outcome in &prediction.outcomes {
        let was_told = !outcome.away.is_empty() && told.contains(&&outcome.away);
        let _ = writeln!(
            text,
            "{}{}",
            plain(&sentence(outcome, workers)),
            if was_told { ", as above" } else { "" }
        );
        if !was_told {
            tell(&mut text, &outcome.away);
            told.push(&outcome.away);
        }
        for Otherwise { assumption, answer, away, settled_after } in &outcome.otherwise {
            let then = match settled_after {
                Some(time) => format!("all {workers} are back only within {}", whole_seconds(*time)),
                None => format!("{away} stay away"),
            };
            let _ = writeln!(text, "  nobody knows `{assumption}`: if it is `{answer}`, {then}");
        }
    }
    for told in &prediction.not_held {
        let _ = writeln!(text, "not in the topology: {}", plain(told));
    }
    for gap in &prediction.gaps {
        let _ = writeln!(text, "not seen: {}", plain(gap));
    }
    if prediction.not_predicted.is_empty() && !prediction.someone_is_away() {
        for finding in &prediction.in_the_model {
            let _ = writeln!(
                text,
                "wrong, and no worker stays away for it after one failover: {} (see `failover preflight`)",
                plain(finding)
            );
        }
    }
    let _ = writeln!(text, "exit {}", prediction.exit_code());
    text
}

fn number(away: &[Away]) -> usize {
    away.iter().map(|away| away.workers.len()).sum()
}

fn sentence(outcome: &Outcome, workers: usize) -> String {
    let event = event(&outcome.event);
    let owner = match &outcome.owner {
        Some(owner) => format!("the role is online on {owner}"),
        None => "the role is online nowhere".to_owned(),
    };
    let away = number(&outcome.away);
    if let Some(why) = &outcome.refused {
        return format!("if {event}: Windows refuses: {why}");
    }
    let (so_often, runs) = outcome.runs;
    let often = if so_often == runs { String::new() } else { format!(" in {so_often} of {runs} runs") };
    match (away, outcome.settled_after) {
        (0, Some(time)) => {
            format!("if {event}: {owner}, all {workers} back within {}", whole_seconds(time))
        }
        (0, None) => format!("if {event}: {owner}, nobody is cut off"),
        (away, _) => format!("if {event}: {owner}, {away} of {workers} stay away{often}"),
    }
}

fn whole_seconds(time: Duration) -> String {
    length(Duration::from_secs(time.as_millis().div_ceil(1_000) as u64))
}

fn event(event: &Event) -> String {
    match event {
        Event::PowerLost(node) => format!("{node} loses its power"),
        Event::RoleMoved(node) => format!("the role is moved to {node}"),
    }
}

fn tell(text: &mut String, away: &[Away]) {
    for away in away {
        let _ = writeln!(text, "  {}: {}", plain(&away.workers.join(", ")), plain(&away.why.reason));
        for detail in &away.why.details {
            let _ = writeln!(text, "    {}", plain(detail));
        }
        for hint in &away.why.hints {
            let _ = writeln!(text, "    hint: {}", plain(hint));
        }
    }
}

#[derive(Serialize)]
struct Document<'p> {
    version: &'static str,
    collected_at: String,
    exit_code: u8,
    workers: usize,
    not_predicted: &'p [String],
    /// `null` where nothing is predicted: an empty list would say that nobody is away.
    today: Option<Vec<AwayItem<'p>>>,
    outcomes: Vec<OutcomeItem<'p>>,
    not_seen: &'p [String],
    not_in_the_topology: &'p [String],
    in_the_model: &'p [String],
    not_in_the_model: &'p [String],
    /// What a scenario on the topology has to do first.
    given: &'p [String],
}

#[derive(Serialize)]
struct AwayItem<'p> {
    workers: &'p [String],
    reason: &'p str,
    details: &'p [String],
    hints: &'p [String],
}

#[derive(Serialize)]
struct OutcomeItem<'p> {
    #[serde(flatten)]
    event: EventItem<'p>,
    refused: Option<&'p str>,
    owner: Option<&'p str>,
    away: Vec<AwayItem<'p>>,
    runs: usize,
    of_runs: usize,
    settled_after_ms: Option<u128>,
    otherwise: Vec<OtherwiseItem>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum EventItem<'p> {
    PowerLost(&'p str),
    RoleMoved(&'p str),
}

#[derive(Serialize)]
struct OtherwiseItem {
    assumption: &'static str,
    value: &'static str,
    away: usize,
    settled_after_ms: Option<u128>,
}

/// For programs.
pub fn json(prediction: &Prediction, snapshot: &Snapshot) -> String {
    let document = Document {
        version: crate::plan::VERSION,
        collected_at: snapshot.collected_at.to_string(),
        exit_code: prediction.exit_code(),
        workers: prediction.workers,
        not_predicted: &prediction.not_predicted,
        today: prediction.not_predicted.is_empty().then(|| prediction.today.iter().map(away_item).collect()),
        outcomes: prediction.outcomes.iter().map(outcome_item).collect(),
        not_seen: &prediction.gaps,
        not_in_the_topology: &prediction.not_held,
        in_the_model: &prediction.in_the_model,
        not_in_the_model: &prediction.not_in_the_model,
        given: &prediction.given,
    };
    // Texts and numbers: serde_json cannot fail on them.
    serde_json::to_string_pretty(&document).map(|text| text + "\n").unwrap_or_default()
}

fn away_item(away: &Away) -> AwayItem<'_> {
    AwayItem {
        workers: &away.workers,
        reason: &away.why.reason,
        details: &away.why.details,
        hints: &away.why.hints,
    }
}

fn outcome_item(outcome: &Outcome) -> OutcomeItem<'_> {
    let otherwise = |one: &Otherwise| OtherwiseItem {
        assumption: one.assumption,
        value: one.answer,
        away: one.away,
        settled_after_ms: one.settled_after.map(|time| time.as_millis()),
    };
    OutcomeItem {
        event: match &outcome.event {
            Event::PowerLost(node) => EventItem::PowerLost(node),
            Event::RoleMoved(node) => EventItem::RoleMoved(node),
        },
        refused: outcome.refused.as_deref(),
        owner: outcome.owner.as_deref(),
        away: outcome.away.iter().map(away_item).collect(),
        runs: outcome.runs.0,
        of_runs: outcome.runs.1,
        settled_after_ms: outcome.settled_after.map(|time| time.as_millis()),
        otherwise: outcome.otherwise.iter().map(otherwise).collect(),
    }
}
