//! Would scenarios notice if the model were wrong?
//!
//! A defect is put into the model, and every scenario is run. What passes with a defect in the model says nothing about
//! what the defect breaks; a defect that nothing notices is a gap in the scenarios. Only with the feature `planted`.

use std::fmt::Write as _;

use failover_sim::planted::{Defect, plant};

use crate::backend::SimBackend;
use crate::check::Outcome;
use crate::director;
use crate::judge::Judgement;
use crate::plan::Plan;
use crate::runner::Nowhere;
use crate::words::counted;

/// Which scenarios notice which defects.
#[derive(Clone, Debug, Default)]
pub struct Score {
    /// Scenarios that do not pass without a defect: they cannot notice any.
    pub unfit: Vec<String>,
    /// Each defect, and who notices it.
    pub defects: Vec<(Defect, Vec<Noticed>)>,
    /// Scenarios that notice no defect.
    pub blind: Vec<String>,
}

/// A scenario that fails when a defect is in the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noticed {
    /// The scenario.
    pub scenario: String,
    /// The first claim or step that turned out false.
    pub by: String,
}

impl Score {
    /// Runs every plan on the simulator without a defect and with each defect in turn, each with its own seed and its own
    /// answers to what is not known. `progress` is told each defect before its turn.
    pub fn of(plans: &[Plan], mut progress: impl FnMut(Defect)) -> Self {
        let (fit, unfit): (Vec<&Plan>, Vec<&Plan>) =
            plans.iter().partition(|plan| run(plan).outcome == Outcome::Pass);
        let defects: Vec<(Defect, Vec<Noticed>)> = Defect::ALL
            .iter()
            .map(|&defect| {
                progress(defect);
                (defect, noticed_by(&fit, defect))
            })
            .collect();
        let is_blind = |plan: &&Plan| {
            defects.iter().all(|(_, noticed)| noticed.iter().all(|noticed| noticed.scenario != plan.name))
        };
        let blind = fit.into_iter().filter(is_blind).map(|plan| plan.name.clone()).collect();
        let unfit = unfit.into_iter().map(|plan| plan.name.clone()).collect();
        Self { unfit, defects, blind }
    }

    /// Defects that no scenario notices.
    pub fn unnoticed(&self) -> impl Iterator<Item = Defect> {
        self.defects.iter().filter(|(_, noticed)| noticed.is_empty()).map(|(defect, _)| *defect)
    }

    /// Those among them that an ordinary scenario can notice.
    pub fn missed(&self) -> impl Iterator<Item = Defect> {
        self.unnoticed().filter(|defect| !Defect::OF_RARE_SCHEDULES.contains(defect))
    }

    /// The score as text: a line for each defect with the first scenario that notices it, then what is missing.
    pub fn text(&self) -> String {
        let mut text = String::from("noticed by  defect, and the first that notices it\n");
        for (defect, noticed) in &self.defects {
            let first = noticed.first().map_or_else(
                || match Defect::OF_RARE_SCHEDULES.contains(defect) {
                    true => "no scenario; it needs a rare schedule, and is left to `explore`".to_owned(),
                    false => "no scenario".to_owned(),
                },
                |noticed| format!("{} ({})", noticed.scenario, noticed.by),
            );
            let _ = writeln!(text, "{:>10}  {}: {first}", noticed.len(), defect.word());
        }
        for scenario in &self.unfit {
            let _ = writeln!(text, "UNFIT {scenario}: does not pass without a defect");
        }
        for scenario in &self.blind {
            let _ = writeln!(text, "notices none of them: {scenario}");
        }
        let (unnoticed, missed) = (self.unnoticed().count(), self.missed().count());
        let all = counted(self.defects.len(), "defect");
        let noticed = self.defects.len() - unnoticed;
        let left = unnoticed - missed;
        let _ = writeln!(text, "{all}: {noticed} noticed, {missed} missed, {left} left to `explore`");
        text
    }
}

fn noticed_by(plans: &[&Plan], defect: Defect) -> Vec<Noticed> {
    plant(Some(defect));
    let noticed = plans
        .iter()
        .map(|plan| (plan, run(plan)))
        .filter(|(_, judgement)| judgement.outcome == Outcome::Fail)
        .map(|(plan, judgement)| Noticed { scenario: plan.name.clone(), by: first_false(&judgement) })
        .collect();
    plant(None);
    noticed
}

fn run(plan: &Plan) -> Judgement {
    director::run(plan, &mut SimBackend::default(), &mut Nowhere)
}

fn first_false(judgement: &Judgement) -> String {
    let claims = judgement.claims.iter().filter(|claim| claim.outcome == Outcome::Fail);
    let findings = judgement.findings.iter().filter(|finding| finding.outcome == Outcome::Fail);
    let said = claims
        .map(|claim| claim.claim.word().to_owned())
        .chain(findings.map(|finding| finding.what.clone()))
        .next();
    said.unwrap_or_else(|| "a claim that is meant to break holds".to_owned())
}
