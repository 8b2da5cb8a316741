//! Would the scenarios notice if the model were wrong?
//!
//! Each defect is put into the model, and every scenario of the repository is run with its default seed. What passes with
//! a defect in the model says nothing about what the defect breaks; a defect that nothing notices is a gap.

use std::io::Write;

use failover_harness::backend::SimBackend;
use failover_harness::check::Outcome;
use failover_harness::director;
use failover_harness::judge::Judgement;
use failover_harness::plan::Plan;
use failover_harness::runner::Nowhere;
use failover_sim::planted::{Defect, plant};
use failover_tests::plans;

fn run(plan: &Plan) -> Judgement {
    director::run(plan, &mut SimBackend::default(), &mut Nowhere)
}

/// What noticed: the first claim or step that was found false.
fn noticed(judgement: &Judgement) -> String {
    let claims = judgement.claims.iter().filter(|claim| claim.outcome == Outcome::Fail);
    let findings = judgement.findings.iter().filter(|finding| finding.outcome == Outcome::Fail);
    claims
        .map(|claim| claim.claim.word().to_owned())
        .chain(findings.map(|finding| finding.what.clone()))
        .next()
        .unwrap_or_else(|| "inconclusive".to_owned())
}

#[test]
fn every_planted_defect_is_noticed_by_some_scenario() {
    let plans = plans(1);
    assert!(plans.iter().all(|plan| run(plan).outcome == Outcome::Pass), "without a defect all pass");
    let mut unnoticed = Vec::new();
    let mut out = std::io::stdout().lock();
    for defect in Defect::ALL {
        plant(Some(defect));
        let by: Vec<String> = plans
            .iter()
            .map(|plan| (plan, run(plan)))
            .filter(|(_, judgement)| judgement.outcome == Outcome::Fail)
            .map(|(plan, judgement)| format!("{} ({})", plan.name, noticed(&judgement)))
            .collect();
        plant(None);
        let first = by.first().map_or("nothing", String::as_str);
        writeln!(out, "{defect:?}: {} scenarios, {first}", by.len()).expect("standard output takes a line");
        if by.is_empty() {
            unnoticed.push(defect);
        }
    }
    assert!(unnoticed.is_empty(), "{unnoticed:?}");
}
