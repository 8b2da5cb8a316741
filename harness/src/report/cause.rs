//! Which scenarios went wrong for the same cause?

use crate::check::Outcome;

use super::human::{Reason, disagreements, reasons};
use super::{RunReport, RunResult, ScenarioReport};
use crate::words::length;

/// Scenarios that went wrong in the same way.
#[derive(Clone, Debug)]
pub(crate) struct Cause<'r> {
    /// Fail or inconclusive.
    pub(crate) outcome: Outcome,
    /// What went wrong, as the first scenario shows it.
    pub(crate) reasons: Vec<Reason>,
    /// The first scenario, and the others in their order.
    pub(crate) scenarios: Vec<&'r ScenarioReport>,
}

/// The causes of a run, in the order of their first scenarios.
///
/// Two scenarios have one cause if the same claims failed with the same evidence, once the names of the scenarios, the
/// lines of their files and the moments are left out.
pub(crate) fn causes(report: &RunReport) -> Vec<Cause<'_>> {
    let mut causes: Vec<(String, Cause<'_>)> = Vec::new();
    for scenario in &report.scenarios {
        let RunResult::Judged(outcome @ (Outcome::Fail | Outcome::Inconclusive)) = scenario.result else {
            continue;
        };
        let reasons = reasons_of(scenario, outcome);
        let key = key(scenario, outcome, &reasons);
        match causes.iter_mut().find(|(other, _)| *other == key) {
            Some((_, cause)) => cause.scenarios.push(scenario),
            None => causes.push((key, Cause { outcome, reasons, scenarios: vec![scenario] })),
        }
    }
    causes.into_iter().map(|(_, cause)| cause).collect()
}

/// Every reason for a verdict that is not a pass.
pub(crate) fn reasons_of(scenario: &ScenarioReport, outcome: Outcome) -> Vec<Reason> {
    let judgement = scenario.judgement.as_ref();
    let mut all =
        judgement.map(|judgement| reasons(judgement, outcome, &length(scenario.promise))).unwrap_or_default();
    all.extend(disagreements(scenario));
    all
}

fn key(scenario: &ScenarioReport, outcome: Outcome, reasons: &[Reason]) -> String {
    let mut key = outcome.word().to_owned();
    for reason in reasons {
        for line in std::iter::once(&reason.head).chain(&reason.evidence) {
            key.push('\n');
            key.push_str(&without_place(&line.replace(&scenario.name, "")));
        }
    }
    key
}

/// A line without what differs from run to run: moments (`+1m26.639s`), lines of files, how often it was judged.
fn without_place(line: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in line.split(' ') {
        let bare = word.trim_matches(|c: char| "(),.;:".contains(c));
        let number = !bare.is_empty() && bare.chars().all(|c| c.is_ascii_digit());
        let counted = matches!(words.last(), Some(&("(line" | "line" | "(judged")));
        let is_moment = bare.len() > 1 && bare.starts_with(['+', '-']) && bare.ends_with('s');
        if !(is_moment || number && counted) {
            words.push(word);
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_run_to_run_is_left_out() {
        let a = without_place("workers_reconnect within 5m (judged 3 times, since +20.579s)");
        let b = without_place("workers_reconnect within 5m (judged 12 times, since +1m02.000s)");
        assert_eq!(a, b);
        assert_eq!(without_place("expect within 5m (line 9)"), without_place("expect within 5m (line 12)"));
        assert_ne!(without_place("0 of 3 workers"), without_place("1 of 3 workers"));
    }
}
