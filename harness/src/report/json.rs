//! What does a program read of a run?

use serde::Serialize;

use crate::check::{OnTrust, Outcome};
use crate::judge::{ClaimResult, Finding};
use crate::phase::{Latency, Outage, OutageEnd, PHASES};
use crate::plan::VERSION;

use super::{RunReport, RunResult, ScenarioReport, Unknown};

#[derive(Serialize)]
struct Document<'a> {
    version: &'static str,
    backend: &'static str,
    profile: &'a str,
    seed: u64,
    remarks: &'a [String],
    totals: TotalsText,
    exit_code: u8,
    elapsed_ms: u128,
    latency: LatencyText,
    scenarios: Vec<ScenarioText<'a>>,
}

#[derive(Serialize)]
struct TotalsText {
    scenarios: usize,
    passed: usize,
    failed: usize,
    inconclusive: usize,
    skipped: usize,
}

/// How long the outages of the run took, by phase.
#[derive(Serialize)]
struct LatencyText {
    outages: usize,
    never_ended: usize,
    unnoticed: usize,
    /// Only the phases that some outage reached, in their order.
    phases: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
struct ScenarioText<'a> {
    name: &'a str,
    file: &'a str,
    proves: &'a str,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped_because: Option<&'a str>,
    plan: &'a str,
    replay: &'a str,
    checks: Vec<CheckText<'a>>,
    findings: Vec<FindingText<'a>>,
    outages: Vec<OutageText>,
    unknowns: Vec<UnknownText>,
    /// What nobody saw take effect; only in a lab.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_trust: Option<Vec<OnTrustText>>,
}

#[derive(Serialize)]
struct CheckText<'a> {
    claim: &'static str,
    verdict: &'static str,
    must_break: bool,
    holds: &'static str,
    judged: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    evidence: &'a [String],
    hints: &'a [String],
}

#[derive(Serialize)]
struct FindingText<'a> {
    verdict: &'static str,
    what: &'a str,
    evidence: &'a [String],
    hints: &'a [String],
}

#[derive(Serialize)]
struct OutageText {
    cause: &'static str,
    at: String,
    workers_away: u32,
    end: &'static str,
    /// The phases that were reached, in milliseconds since the fault, in their order.
    phases_ms: serde_json::Map<String, serde_json::Value>,
    /// How many milliseconds earlier each may have been reached, where nobody looked in between.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    unseen_ms: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
struct UnknownText {
    assumption: &'static str,
    question: &'static str,
    values: Vec<ValueText>,
    settled_by: &'static str,
}

#[derive(Serialize)]
struct OnTrustText {
    action: &'static str,
    line: u32,
    why: &'static str,
}

#[derive(Serialize)]
struct ValueText {
    value: &'static str,
    verdict: &'static str,
}

/// The report as one JSON document, with a line break at its end.
pub fn json(report: &RunReport) -> String {
    let document = document(report, report.scenarios.iter().map(|each| scenario(report, each)).collect());
    let text = serde_json::to_string_pretty(&document).expect("a report is plain data");
    text + "\n"
}

/// The report as JSON lines: one for each scenario, and the totals last.
pub fn jsonl(report: &RunReport) -> String {
    let mut text = String::new();
    for each in &report.scenarios {
        text += &serde_json::to_string(&scenario(report, each)).expect("a report is plain data");
        text.push('\n');
    }
    text += &serde_json::to_string(&document(report, Vec::new())).expect("a report is plain data");
    text + "\n"
}

fn document<'a>(report: &'a RunReport, scenarios: Vec<ScenarioText<'a>>) -> Document<'a> {
    let totals = report.totals();
    Document {
        version: VERSION,
        backend: report.backend.word(),
        profile: &report.profile,
        seed: report.seed,
        remarks: &report.remarks,
        totals: TotalsText {
            scenarios: totals.scenarios,
            passed: totals.passed,
            failed: totals.failed,
            inconclusive: totals.inconclusive,
            skipped: totals.skipped,
        },
        exit_code: report.exit_code(),
        elapsed_ms: report.elapsed.as_millis(),
        latency: latency(&report.latency()),
        scenarios,
    }
}

fn latency(latency: &Latency) -> LatencyText {
    let reached = PHASES.iter().zip(latency.phases).filter_map(|((name, _), spread)| {
        spread.map(|spread| {
            let value = serde_json::json!({
                "count": spread.count,
                "p50_ms": spread.p50,
                "p95_ms": spread.p95,
                "max_ms": spread.max,
                "assumed_percent": spread.assumed,
            });
            ((*name).to_owned(), value)
        })
    });
    LatencyText {
        outages: latency.outages,
        never_ended: latency.never_ended,
        unnoticed: latency.unnoticed,
        phases: reached.collect(),
    }
}

fn scenario<'s>(run: &RunReport, report: &'s ScenarioReport) -> ScenarioText<'s> {
    let (verdict, skipped_because) = match &report.result {
        RunResult::Judged(outcome) => (outcome.word(), None),
        RunResult::Skipped(reason) => ("skipped", Some(reason.as_str())),
    };
    let judgement = report.judgement.as_ref();
    ScenarioText {
        name: &report.name,
        file: &report.file,
        proves: &report.proves,
        verdict,
        skipped_because,
        plan: &report.plan,
        replay: &report.replay,
        checks: judgement
            .map(|judgement| {
                judgement.claims.iter().map(|claim| check(claim, |at| judgement.window.offset(at))).collect()
            })
            .unwrap_or_default(),
        findings: judgement
            .map(|judgement| judgement.findings.iter().map(finding).collect())
            .unwrap_or_default(),
        outages: judgement
            .map(|judgement| {
                let outages = judgement.outages.iter();
                outages.map(|each| outage(each, judgement.window.offset(each.fault))).collect()
            })
            .unwrap_or_default(),
        unknowns: report.unknowns.iter().map(unknown).collect(),
        on_trust: run.on_trust(report).map(|trusted| trusted.iter().map(on_trust).collect()),
    }
}

fn check(result: &ClaimResult, offset: impl Fn(failover_sim::time::Time) -> String) -> CheckText<'_> {
    CheckText {
        claim: result.claim.word(),
        verdict: result.outcome.word(),
        must_break: result.must_break,
        holds: match result.verdict.outcome {
            Outcome::Pass => "yes",
            Outcome::Fail => "no",
            Outcome::Inconclusive => "unclear",
        },
        judged: result.verdict.judged,
        at: result.verdict.at.map(offset),
        evidence: &result.verdict.evidence,
        hints: &result.verdict.hints,
    }
}

fn finding(finding: &Finding) -> FindingText<'_> {
    FindingText {
        verdict: finding.outcome.word(),
        what: &finding.what,
        evidence: &finding.evidence,
        hints: &finding.hints,
    }
}

fn outage(outage: &Outage, at: String) -> OutageText {
    let reached = PHASES.iter().zip(outage.millis).filter_map(|((name, _), millis)| {
        millis.map(|millis| ((*name).to_owned(), serde_json::Value::from(millis)))
    });
    let unseen = PHASES.iter().zip(outage.unseen).filter(|(_, millis)| *millis > 0);
    let unseen = unseen.map(|((name, _), millis)| ((*name).to_owned(), serde_json::Value::from(millis)));
    let end = match outage.end() {
        OutageEnd::Unnoticed => "unnoticed",
        OutageEnd::Over(_) => "over",
        OutageEnd::Open => "open",
    };
    OutageText {
        cause: outage.cause,
        at,
        workers_away: outage.workers_away,
        end,
        phases_ms: reached.collect(),
        unseen_ms: unseen.collect(),
    }
}

fn unknown(unknown: &Unknown) -> UnknownText {
    let question = unknown.assumption.question();
    UnknownText {
        assumption: question.id,
        question: question.question,
        values: unknown
            .values
            .iter()
            .map(|&(value, outcome)| ValueText { value, verdict: outcome.word() })
            .collect(),
        settled_by: question.settled_by,
    }
}

fn on_trust(trusted: &OnTrust) -> OnTrustText {
    OnTrustText { action: trusted.verb, line: trusted.line, why: trusted.why }
}
