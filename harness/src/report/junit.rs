//! What does a CI server show of a run?

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::check::Outcome;

use super::cause::reasons_of;
use super::{RunReport, RunResult, ScenarioReport};

/// The report as JUnit XML: a fail is a failure, inconclusive an error, skipped is skipped with its reason.
///
/// # Errors
/// If the XML cannot be written, which no text in a report leads to.
pub fn junit(report: &RunReport) -> Result<String, quick_junit::SerializeError> {
    let mut suite = TestSuite::new(format!("failover {}", report.backend));
    for scenario in &report.scenarios {
        suite.add_test_case(case(scenario));
    }
    suite.set_time(report.elapsed);
    let mut document = Report::new("failover");
    document.set_time(report.elapsed);
    document.add_test_suite(suite);
    // The root of the common schema (junit-10.xsd of Jenkins) has no such attribute; the suite has it.
    Ok(document.to_string()?.replacen(&format!(" skipped=\"{}\"", report.totals().skipped), "", 1))
}

fn case(scenario: &ScenarioReport) -> TestCase {
    let status = match &scenario.result {
        RunResult::Judged(Outcome::Pass) => TestCaseStatus::success(),
        RunResult::Judged(outcome @ Outcome::Fail) => bad(scenario, NonSuccessKind::Failure, *outcome),
        RunResult::Judged(outcome @ Outcome::Inconclusive) => bad(scenario, NonSuccessKind::Error, *outcome),
        RunResult::Skipped(reason) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason.as_str());
            status
        }
    };
    let mut case = TestCase::new(scenario.name.as_str(), status);
    // CI servers group by it.
    case.set_classname(scenario.name.rsplit_once('/').map_or("", |(folder, _)| folder));
    case.set_time(scenario.elapsed);
    case
}

fn bad(scenario: &ScenarioReport, kind: NonSuccessKind, outcome: Outcome) -> TestCaseStatus {
    let reasons = reasons_of(scenario, outcome);
    let mut text = String::new();
    for reason in &reasons {
        for line in std::iter::once(&reason.head).chain(&reason.evidence) {
            text.push_str(line);
            text.push('\n');
        }
        for hint in &reason.hints {
            text.push_str(&format!("hint: {hint}\n"));
        }
    }
    text.push_str(&format!("replay: {}\n", scenario.replay));
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(reasons.first().map_or("", |reason| reason.head.as_str()));
    status.set_description(text);
    status
}
