//! What does a person see at the terminal, or in a CI log?

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::check::Outcome;
use crate::judge::{ClaimResult, Finding, Judgement};
use crate::plan::VERSION;

use crate::phase::PHASES;

use super::cause::{Cause, causes};
use super::{NOT_OBSERVED, RunReport, RunResult, ScenarioReport, Unknown};
use crate::words::{counted, moment, plain_lines};

/// The report of a run as text of at most 80 columns where names allow it. Understandable without colour.
///
/// How long the outages took is told if something failed.
pub fn human(report: &RunReport) -> String {
    text(report, report.totals().failed > 0)
}

/// The same, and how long the outages took in any case.
pub fn human_in_full(report: &RunReport) -> String {
    text(report, true)
}

fn text(report: &RunReport, with_latency: bool) -> String {
    let mut text = String::new();
    let scenarios = report.scenarios.len();
    let _ = writeln!(
        text,
        "failover {VERSION}  {} {} seed {}  {} on {}",
        report.backend,
        report.profile,
        report.seed,
        counted(scenarios, "scenario"),
        counted(report.topologies, "topology"),
    );
    for remark in &report.remarks {
        let _ = writeln!(text, "{}: {remark}", report.backend);
    }
    for cause in causes(report) {
        block(&mut text, &cause);
    }
    for scenario in &report.scenarios {
        match &scenario.result {
            RunResult::Judged(_) => {}
            RunResult::Skipped(reason) => {
                let _ = writeln!(text, "SKIPPED {}: {reason}", scenario.name);
            }
        }
    }
    if with_latency {
        latency(&mut text, report);
    }
    unknowns(&mut text, report);
    on_trust(&mut text, report);
    let totals = report.totals();
    let _ = writeln!(
        text,
        "{}: {} passed, {} failed, {} inconclusive, {} skipped   {:.2} s   exit {}",
        counted(totals.scenarios, "scenario"),
        totals.passed,
        totals.failed,
        totals.inconclusive,
        totals.skipped,
        report.elapsed.as_secs_f64(),
        report.exit_code(),
    );
    plain_lines(&text)
}

fn block(text: &mut String, cause: &Cause<'_>) {
    let kind = cause.outcome.word().to_uppercase();
    let (first, others) = cause.scenarios.split_first().expect("a cause has a scenario");
    let mut reasons = cause.reasons.iter();
    match reasons.next() {
        Some(reason) => {
            let _ = writeln!(text, "{kind} {}: {}", first.name, reason.head);
            write_lines(text, reason);
        }
        None => {
            let _ = writeln!(text, "{kind} {}", first.name);
        }
    }
    for more in reasons {
        let _ = writeln!(text, "  also: {}", more.head);
        write_lines(text, more);
    }
    let _ = writeln!(text, "  replay: {}", first.replay);
    if !others.is_empty() {
        let _ = writeln!(text, "  the same in {}:", counted(others.len(), "other scenario"));
    }
    for other in others {
        let _ = writeln!(text, "    {}\n      replay: {}", other.name, other.replay);
    }
}

/// How long the outages took, by phase: what was reached after the fault.
fn latency(text: &mut String, report: &RunReport) {
    let latency = report.latency();
    if latency.outages == 0 {
        return;
    }
    let _ = writeln!(
        text,
        "time after the fault{:>15} {:>10} {:>10} {:>8}   {}, {} never ended",
        "p50",
        "p95",
        "max",
        "assumed",
        counted(latency.outages, "outage"),
        latency.never_ended,
    );
    for ((name, _), spread) in PHASES.iter().zip(latency.phases) {
        let Some(spread) = spread else {
            if report.has_looks() {
                let _ = writeln!(text, "  {name:<22} {NOT_OBSERVED}");
            }
            continue;
        };
        let (p50, p95, max) = (moment(spread.p50), moment(spread.p95), moment(spread.max));
        let of = if spread.count == latency.outages { String::new() } else { format!("   {}", spread.count) };
        let to = if spread.unseen == 0 { String::new() } else { format!("   to {} ms", spread.unseen) };
        let _ = writeln!(text, "  {name:<22}{p50:>11} {p95:>10} {max:>10} {:>7}%{of}{to}", spread.assumed);
    }
}

/// One reason for a verdict that is not a pass.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reason {
    pub(crate) head: String,
    pub(crate) evidence: Vec<String>,
    pub(crate) hints: Vec<String>,
}

fn write_lines(text: &mut String, reason: &Reason) {
    for line in &reason.evidence {
        let _ = writeln!(text, "  {line}");
    }
    for hint in &reason.hints {
        let _ = writeln!(text, "  hint: {hint}");
    }
}

/// The reasons that are as bad as the verdict itself: what the surroundings lacked, then claims, then the rest; beside a
/// failure also what was not done, or not seen to be done.
///
/// Where the steps never began, there is one reason why nothing else could be judged.
pub(super) fn reasons(judgement: &Judgement, outcome: Outcome, promise: &str) -> Vec<Reason> {
    let findings = || judgement.findings.iter().filter(|finding| finding.outcome == outcome);
    if !judgement.has_begun && outcome == Outcome::Inconclusive {
        return findings().map(of_finding).chain(std::iter::once(not_begun())).collect();
    }
    let claims = judgement.claims.iter().filter(|claim| claim.outcome == outcome);
    let surroundings = findings().filter(|finding| finding.is_of_surroundings()).map(of_finding);
    let others = findings().filter(|finding| !finding.is_of_surroundings()).map(of_finding);
    let doubts = judgement.findings.iter().filter(|finding| {
        outcome == Outcome::Fail && finding.outcome == Outcome::Inconclusive && finding.is_of_what_was_done()
    });
    let doubts = doubts.map(|finding| {
        let reason = of_finding(finding);
        Reason { head: format!("{} ({})", reason.head, finding.outcome.word()), ..reason }
    });
    let claims = claims.map(|claim| of_claim(claim, judgement, promise));
    surroundings.chain(claims).chain(others).chain(doubts).collect()
}

fn of_claim(result: &ClaimResult, judgement: &Judgement, promise: &str) -> Reason {
    let bound = result.claim.bound(promise);
    let since = result.verdict.at.map(|at| format!(", since {}", judgement.window.offset(at)));
    Reason {
        head: format!(
            "{}{bound} (judged {}{})",
            result.claim.word(),
            counted(result.verdict.judged as usize, "time"),
            since.unwrap_or_default()
        ),
        evidence: result.verdict.evidence.clone(),
        hints: result.verdict.hints.clone(),
    }
}

fn of_finding(finding: &Finding) -> Reason {
    Reason { head: finding.what.clone(), evidence: finding.evidence.clone(), hints: finding.hints.clone() }
}

fn not_begun() -> Reason {
    Reason {
        head: "the steps were not begun, and the claims could not be judged".to_owned(),
        ..Reason::default()
    }
}

/// Assumptions on whose value the verdict depends.
pub(super) fn disagreements(scenario: &ScenarioReport) -> impl Iterator<Item = Reason> {
    scenario.unknowns.iter().filter(|unknown| !unknown.agrees()).map(|unknown| {
        let question = unknown.assumption.question();
        let verdicts: Vec<String> = unknown
            .values
            .iter()
            .map(|(word, outcome)| format!("{} if it is `{word}`", says(*outcome)))
            .collect();
        Reason {
            head: format!("the verdict depends on `{}`", question.id),
            evidence: vec![question.question.to_owned(), verdicts.join("; ")],
            hints: vec![
                format!("settled in a lab by {}", question.settled_by),
                format!("or take an answer for granted: --assume {}={}", question.id, unknown.values[0].0),
            ],
        }
    })
}

const fn says(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "holds",
        Outcome::Inconclusive => "is inconclusive",
        Outcome::Fail => "fails",
    }
}

fn unknowns(text: &mut String, report: &RunReport) {
    let unknowns = || report.scenarios.iter().flat_map(|scenario| &scenario.unknowns);
    let met: BTreeSet<_> = unknowns().map(|unknown| unknown.assumption).collect();
    let told = match met.len() {
        0 => return,
        _ if unknowns().any(|unknown| unknown.values.len() == 1) => "only one value of each was tried here",
        _ if unknowns().all(Unknown::agrees) => "every verdict holds for all of their values",
        _ => "not every verdict holds for all of their values",
    };
    let _ = writeln!(text, "unknowns met: {}; {told}", met.len());
}

/// One line for each action, with every place where it was taken on trust.
fn on_trust(text: &mut String, report: &RunReport) {
    let mut places: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for scenario in &report.scenarios {
        for trusted in report.on_trust(scenario).unwrap_or_default() {
            let place = format!("{} line {}", scenario.name, trusted.line);
            places.entry((trusted.verb, trusted.why)).or_default().push(place);
        }
    }
    for ((verb, why), places) in places {
        let _ = writeln!(text, "taken on trust: {verb} ({}): {why}", places.join(", "));
    }
}
