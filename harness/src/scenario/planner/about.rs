//! What does a scenario need, and what does it take for granted?

use std::collections::BTreeMap;

use failover_sim::assumption::{Assumption, Assumptions};

use crate::plan::Origin;

use super::super::answer::answer;
use super::super::diagnostic::Fault;
use super::super::document::{About, CaseDocument};
use super::Planner;

impl Planner<'_> {
    pub(super) fn check_needs(&mut self, about: &About) {
        for step in &about.guide {
            if !(1..=8).contains(&step.value) {
                self.fault(
                    Fault::new("the guide has steps 1 to 8", step.span).with_label("not a step of the guide"),
                );
            }
        }
        if let Some(row) = about.mistake.filter(|row| !(1..=27).contains(&row.value)) {
            self.fault(
                Fault::new("the table of mistakes has rows 1 to 27", row.span).with_label("not a row"),
            );
        }
        let topology = &self.topology.topology;
        let (nodes, workers) = (topology.nodes.len(), topology.workers.len());
        let needs = about.needs.as_ref();
        let wanted = [
            (needs.and_then(|needs| needs.nodes), nodes, "nodes"),
            (needs.and_then(|needs| needs.workers), workers, "workers"),
        ];
        for (need, there, what) in wanted {
            if let Some(need) = need.filter(|need| need.value > there) {
                let label = format!("topology `{}` has {there}", about.topology.value);
                self.fault(Fault::new(format!("needs {} {what}", need.value), need.span).with_label(label));
            }
        }
    }

    /// The answers of the scenario, of the command line, and of the case: the later ones win. Where nobody says one, those
    /// that a lab has given are possible.
    pub(super) fn assumptions(
        &mut self,
        about: &About,
        case: Option<&CaseDocument>,
        origin: &Origin,
    ) -> (Assumptions, Vec<Assumption>, BTreeMap<Assumption, Vec<usize>>) {
        let mut assumptions = Assumptions::default();
        let mut settled = Vec::new();
        let own = about.assume.iter().map(|(id, value)| (id, value.value.as_str(), value.span));
        let place = about.topology.span;
        let said = origin.overrides.assume.iter().map(|(id, value)| (id, value.as_str(), place));
        let of_case = case.into_iter().flat_map(|case| &case.assume);
        for (id, value) in of_case.clone() {
            if let Some(other) = about.assume.get(id) {
                let fault = Fault::new(format!("`{id}` is taken for granted twice"), value.span);
                self.fault(fault.with_label("in this case").with_also(other.span, "in `about`"));
            }
        }
        let of_case = of_case.map(|(id, value)| (id, value.value.as_str(), value.span));
        for (id, word, span) in own.chain(said).chain(of_case) {
            match answer(id, word, (span, span)) {
                Ok((assumption, value)) => {
                    assumptions = assumptions.with(assumption, value);
                    settled.push(assumption);
                }
                Err(fault) => self.fault(fault),
            }
        }
        let mut possible = BTreeMap::new();
        // What somebody says is more than what a lab has said.
        for (&assumption, answers) in &origin.overrides.learned.answers {
            if let Some(&first) = answers.first().filter(|_| !settled.contains(&assumption)) {
                let own = assumptions.value(assumption);
                assumptions = assumptions.with(assumption, if answers.contains(&own) { own } else { first });
                possible.insert(assumption, answers.clone());
            }
        }
        (assumptions, settled, possible)
    }
}
