//! What does a person see in a browser?
//!
//! One file that needs nothing else: no other file, no network, and no script to be read.

mod axis;
mod chart;
mod lanes;
mod svg;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use crate::check::{Outcome, Window};
use crate::judge::Judgement;
use crate::phase::{Outage, OutageEnd, PHASES};
use crate::plan::VERSION;

use super::cause::reasons_of;
use super::{NOT_OBSERVED, RunReport, RunResult, ScenarioReport};
use crate::words::{counted, moment};
use chart::percent;

pub use chart::Chart;

/// The report as one HTML page. `charts` holds the timelines of the scenarios that have one.
///
/// # Errors
/// If the template does not fit the data, which is a mistake of ours.
pub fn html(report: &RunReport, charts: &[Chart]) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_template("page.html", TEMPLATE)?;
    environment.get_template("page.html")?.render(Serde(page(report, charts)))
}

const TEMPLATE: &str = include_str!("page.html");

#[derive(Serialize)]
struct Page<'r> {
    version: &'static str,
    backend: &'static str,
    profile: &'r str,
    seed: u64,
    elapsed: String,
    topologies: String,
    remarks: &'r [String],
    verdict: &'static str,
    totals: [Total; 4],
    latency: Option<LatencyTable>,
    phases: [(&'static str, &'static str); PHASES.len()],
    sections: Vec<Section<'r>>,
}

#[derive(Serialize)]
struct Total {
    class: &'static str,
    word: &'static str,
    count: usize,
}

#[derive(Serialize)]
struct LatencyTable {
    outages: String,
    never_ended: usize,
    unnoticed: usize,
    has_looks: bool,
    phases: Vec<LatencyRow>,
}

#[derive(Serialize)]
struct LatencyRow {
    name: &'static str,
    meaning: &'static str,
    count: usize,
    p50: String,
    p95: String,
    max: String,
    assumed: String,
    /// How many milliseconds earlier it may have been reached, or that nobody saw it.
    known_to: String,
}

#[derive(Serialize)]
struct Section<'r> {
    id: String,
    name: &'r str,
    file: &'r str,
    proves: &'r str,
    verdict: &'static str,
    /// The reason in one line; empty for a pass.
    why: String,
    replay: &'r str,
    plan: &'r str,
    claims: Vec<ClaimRow<'r>>,
    findings: Vec<FindingRow<'r>>,
    outages: Vec<OutageRow>,
    outages_left_out: usize,
    unknowns: Vec<UnknownRow>,
    /// Word, line and reason of each action whose effect nobody saw.
    on_trust: Vec<(&'static str, u32, &'static str)>,
    chart: Option<&'r Chart>,
}

#[derive(Serialize)]
struct ClaimRow<'r> {
    word: &'static str,
    verdict: &'static str,
    must_break: bool,
    holds: &'static str,
    judged: u64,
    at: Option<String>,
    evidence: &'r [String],
    hints: &'r [String],
}

#[derive(Serialize)]
struct FindingRow<'r> {
    verdict: &'static str,
    what: &'r str,
    evidence: &'r [String],
    hints: &'r [String],
}

#[derive(Serialize)]
struct OutageRow {
    what: String,
    at: String,
    workers_away: String,
    end: String,
    class: &'static str,
    phases: Vec<PhaseRow>,
}

/// A phase of an outage: from the one that was reached before it until it was reached itself.
#[derive(Serialize)]
struct PhaseRow {
    name: &'static str,
    meaning: &'static str,
    number: usize,
    reached: Option<String>,
    took: Option<String>,
    left: String,
    width: String,
}

#[derive(Serialize)]
struct UnknownRow {
    id: &'static str,
    question: &'static str,
    agrees: bool,
    values: Vec<(&'static str, &'static str)>,
    settled_by: &'static str,
}

fn page<'r>(report: &'r RunReport, charts: &'r [Chart]) -> Page<'r> {
    let sections = report.scenarios.iter().enumerate().map(|(number, scenario)| {
        let chart = charts.iter().find(|chart| chart.scenario == scenario.name);
        section(number + 1, report, scenario, chart)
    });
    // What needs a reader comes first; among equals the order of the names stays.
    let mut sections: Vec<Section<'_>> = sections.collect();
    sections.sort_by_key(|section| WORST_FIRST.iter().position(|word| *word == section.verdict));
    let totals = report.totals();
    let total = |class, word, count| Total { class, word, count };
    Page {
        version: VERSION,
        backend: report.backend.word(),
        profile: &report.profile,
        seed: report.seed,
        elapsed: format!("{:.2} s", report.elapsed.as_secs_f64()),
        topologies: counted(report.topologies, "topology"),
        remarks: &report.remarks,
        verdict: match report.exit_code() {
            0 => "pass",
            1 => "fail",
            _ => "inconclusive",
        },
        totals: [
            total("pass", "passed", totals.passed),
            total("fail", "failed", totals.failed),
            total("inconclusive", "inconclusive", totals.inconclusive),
            total("skipped", "skipped", totals.skipped),
        ],
        latency: latency(report),
        phases: PHASES,
        sections,
    }
}

fn latency(report: &RunReport) -> Option<LatencyTable> {
    let latency = report.latency();
    let has_looks = report.has_looks();
    let phases = PHASES.iter().zip(latency.phases).filter_map(|(&(name, meaning), spread)| match spread {
        Some(spread) => Some(LatencyRow {
            name,
            meaning,
            count: spread.count,
            p50: moment(spread.p50),
            p95: moment(spread.p95),
            max: moment(spread.max),
            assumed: format!("{} %", spread.assumed),
            known_to: format!("{} ms", spread.unseen),
        }),
        None => has_looks.then(|| LatencyRow {
            name,
            meaning,
            count: 0,
            p50: String::new(),
            p95: String::new(),
            max: String::new(),
            assumed: String::new(),
            known_to: NOT_OBSERVED.to_owned(),
        }),
    });
    (latency.outages > 0).then(|| LatencyTable {
        outages: counted(latency.outages, "outage"),
        never_ended: latency.never_ended,
        unnoticed: latency.unnoticed,
        has_looks,
        phases: phases.collect(),
    })
}

fn section<'r>(
    number: usize,
    report: &RunReport,
    scenario: &'r ScenarioReport,
    chart: Option<&'r Chart>,
) -> Section<'r> {
    let on_trust = report.on_trust(scenario).unwrap_or_default();
    let (verdict, why) = match &scenario.result {
        RunResult::Judged(Outcome::Pass) => ("pass", String::new()),
        RunResult::Judged(outcome @ (Outcome::Fail | Outcome::Inconclusive)) => {
            let reasons = reasons_of(scenario, *outcome);
            (outcome.word(), reasons.into_iter().next().map(|reason| reason.head).unwrap_or_default())
        }
        RunResult::Skipped(reason) => ("skipped", reason.clone()),
    };
    let judgement = scenario.judgement.as_ref();
    let outages: &[Outage] = judgement.map_or(&[], |judgement| &judgement.outages);
    let window = judgement.map_or(Window::default(), |judgement| judgement.window);
    Section {
        id: format!("s{number}"),
        name: &scenario.name,
        file: &scenario.file,
        proves: &scenario.proves,
        verdict,
        why,
        replay: &scenario.replay,
        plan: &scenario.plan,
        claims: judgement.map(claims).unwrap_or_default(),
        findings: judgement.map(findings).unwrap_or_default(),
        outages: outages.iter().take(OUTAGES_MAX).map(|each| outage(each, window, chart)).collect(),
        outages_left_out: outages.len().saturating_sub(OUTAGES_MAX),
        unknowns: unknowns(scenario),
        on_trust: on_trust.iter().map(|one| (one.verb, one.line, one.why)).collect(),
        chart,
    }
}

fn claims(judgement: &Judgement) -> Vec<ClaimRow<'_>> {
    let row = |result: &'_ crate::judge::ClaimResult| (result.claim.word(), result.outcome.word());
    judgement
        .claims
        .iter()
        .map(|result| {
            let (word, verdict) = row(result);
            ClaimRow {
                word,
                verdict,
                must_break: result.must_break,
                holds: match result.verdict.outcome {
                    Outcome::Pass => "holds",
                    Outcome::Fail => "does not hold",
                    Outcome::Inconclusive => "unclear",
                },
                judged: result.verdict.judged,
                at: result.verdict.at.map(|at| judgement.window.offset(at)),
                evidence: &result.verdict.evidence,
                hints: &result.verdict.hints,
            }
        })
        .collect()
}

fn findings(judgement: &Judgement) -> Vec<FindingRow<'_>> {
    let findings = judgement.findings.iter();
    findings
        .map(|finding| FindingRow {
            verdict: finding.outcome.word(),
            what: &finding.what,
            evidence: &finding.evidence,
            hints: &finding.hints,
        })
        .collect()
}

fn outage(outage: &Outage, window: Window, chart: Option<&Chart>) -> OutageRow {
    let longest = outage.millis.iter().flatten().copied().max().unwrap_or(0);
    let mut before = 0;
    let phases = PHASES
        .iter()
        .zip(outage.millis)
        .enumerate()
        .map(|(number, (&(name, meaning), millis))| {
            let end = millis.unwrap_or(before);
            let start = before.min(end);
            before = before.max(end);
            PhaseRow {
                name,
                meaning,
                number,
                reached: millis.map(moment),
                took: millis.map(|_| format!("+{}", moment(end - start))),
                left: percent(start, longest),
                width: percent(end - start, longest),
            }
        })
        .collect();
    let (end, class) = match outage.end() {
        OutageEnd::Unnoticed => ("no worker was cut off".to_owned(), "idle"),
        OutageEnd::Over(millis) => (format!("every worker back after {}", moment(millis)), "pass"),
        OutageEnd::Open => ("never ended".to_owned(), "fail"),
    };
    let node = outage.node.and_then(|node| chart.and_then(|chart| chart.node_name(node)));
    OutageRow {
        what: node.map_or_else(|| outage.cause.to_owned(), |node| format!("{} {node}", outage.cause)),
        at: window.offset(outage.fault),
        workers_away: counted(outage.workers_away as usize, "worker"),
        end,
        class,
        phases,
    }
}

fn unknowns(scenario: &ScenarioReport) -> Vec<UnknownRow> {
    let row = |unknown: &super::Unknown| {
        let question = unknown.assumption.question();
        UnknownRow {
            id: question.id,
            question: question.question,
            agrees: unknown.agrees(),
            values: unknown.values.iter().map(|&(value, outcome)| (value, outcome.word())).collect(),
            settled_by: question.settled_by,
        }
    };
    scenario.unknowns.iter().map(row).collect()
}

/// The order of the verdicts on a page.
const WORST_FIRST: [&str; 4] = ["fail", "inconclusive", "skipped", "pass"];

/// How many outages of one scenario a page shows.
const OUTAGES_MAX: usize = 30;

#[cfg(test)]
mod tests;
