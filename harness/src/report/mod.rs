//! What is a person, or a program, told of a run?
//!
//! Reports read judgements and nothing else; they never look at a backend.

mod cause;
mod github;
mod html;
mod human;
mod json;
mod junit;
mod live;
mod markdown;
mod timeline;

use std::time::Duration;

use failover_sim::assumption::Assumption;

use crate::backend::BackendKind;
use crate::check::{OnTrust, Outcome};
use crate::judge::Judgement;
use crate::phase::Latency;

pub use github::github;
pub use html::{Chart, html};
pub use human::{human, human_in_full};
pub use json::{json, jsonl};
pub use junit::junit;
pub use live::Live;
pub use markdown::markdown;
pub use timeline::Timeline;

/// Everything about one call of `run` or `judge`.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// Where the scenarios ran.
    pub backend: BackendKind,
    /// The Windows version whose defaults applied, or several.
    pub profile: String,
    /// The seed.
    pub seed: u64,
    /// What a reader must know of the backend.
    pub remarks: Vec<String>,
    /// How many topologies took part.
    pub topologies: usize,
    /// What came of each scenario, in the order of their names.
    pub scenarios: Vec<ScenarioReport>,
    /// How long it all took.
    pub elapsed: Duration,
}

/// What came of one scenario.
#[derive(Clone, Debug)]
pub struct ScenarioReport {
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: String,
    /// What it proves.
    pub proves: String,
    /// The verdict, after all values of the assumptions that it met.
    pub result: RunResult,
    /// The judgement with the assumptions of the plan; none if it was skipped.
    pub judgement: Option<Judgement>,
    /// Assumptions that it met and that the scenario leaves open.
    pub unknowns: Vec<Unknown>,
    /// The line that replays it.
    pub replay: String,
    /// How long the promise to reconnect was, for the headline of a failure.
    pub promise: Duration,
    /// The hash of the plan.
    pub plan: String,
    /// How long it took.
    pub elapsed: Duration,
}

/// The verdict on a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunResult {
    /// Judged.
    Judged(Outcome),
    /// Not run, for this reason.
    Skipped(String),
}

/// An assumption that a run met, and what each of its values makes of the verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Which one.
    pub assumption: Assumption,
    /// Each value by its word, with the verdict that it leads to.
    pub values: Vec<(&'static str, Outcome)>,
}

impl Unknown {
    /// Whether the verdict is the same for all values.
    pub fn agrees(&self) -> bool {
        self.values.windows(2).all(|pair| pair[0].1 == pair[1].1)
    }
}

/// How many scenarios came to which result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// All of them.
    pub scenarios: usize,
    /// Passed.
    pub passed: usize,
    /// Failed.
    pub failed: usize,
    /// Inconclusive.
    pub inconclusive: usize,
    /// Skipped.
    pub skipped: usize,
}

impl RunReport {
    /// How many scenarios came to which result.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals { scenarios: self.scenarios.len(), ..Totals::default() };
        for scenario in &self.scenarios {
            match scenario.result {
                RunResult::Judged(Outcome::Pass) => totals.passed += 1,
                RunResult::Judged(Outcome::Fail) => totals.failed += 1,
                RunResult::Judged(Outcome::Inconclusive) => totals.inconclusive += 1,
                RunResult::Skipped(_) => totals.skipped += 1,
            }
        }
        totals
    }

    /// How long the outages of all scenarios took, by phase.
    pub fn latency(&self) -> Latency {
        let judgements = self.scenarios.iter().filter_map(|scenario| scenario.judgement.as_ref());
        Latency::of(judgements.flat_map(|judgement| &judgement.outages))
    }

    /// What of a scenario was taken on trust, where Windows was asked to do it: the simulator does what it is told.
    fn on_trust<'s>(&self, scenario: &'s ScenarioReport) -> Option<&'s [OnTrust]> {
        let judgement = scenario.judgement.as_ref().filter(|_| self.backend == BackendKind::Lab)?;
        Some(&judgement.on_trust)
    }

    /// Whether what happened was looked at now and then, as in a lab, so that its moments are known to some milliseconds only.
    fn has_looks(&self) -> bool {
        let seen_late = |spread: &crate::phase::Spread| spread.unseen > 0;
        self.backend == BackendKind::Lab || self.latency().phases.iter().flatten().any(seen_late)
    }

    /// The exit code: 4 if something in a lab could not be taken back, else 1 if something failed, else 3 if something is inconclusive or nothing was judged, else 0.
    pub fn exit_code(&self) -> u8 {
        let totals = self.totals();
        let judgements = self.scenarios.iter().filter_map(|scenario| scenario.judgement.as_ref());
        if judgements.into_iter().any(|judgement| !judgement.is_restored) {
            return 4;
        }
        match (totals.failed, totals.inconclusive, totals.passed) {
            (1.., _, _) => 1,
            (0, 1.., _) | (0, 0, 0) => 3,
            (0, 0, 1..) => 0,
        }
    }
}

/// What is told of a phase that was seen in no outage: nobody could see it, or none reached it.
const NOT_OBSERVED: &str = "not observed";

#[cfg(test)]
mod tests {
    use failover_sim::time::Time;

    use super::*;
    use crate::check::{Claim, Verdict, Window};
    use crate::judge::ClaimResult;
    use crate::phase::Outage;

    /// A report of no scenario.
    pub(super) fn nothing() -> RunReport {
        RunReport {
            backend: BackendKind::Sim,
            profile: "windows_2019".to_owned(),
            seed: 1,
            remarks: Vec::new(),
            topologies: 1,
            scenarios: Vec::new(),
            elapsed: Duration::ZERO,
        }
    }

    /// A report of one failure, full of what the formats take for their own.
    pub(super) fn nasty() -> RunReport {
        let verdict = Verdict::fail(
            3,
            Time::from_micros(1_000_000),
            vec!["w1 says <no> & \"never\"".to_owned(), "::error::not a command".to_owned()],
            vec!["step 4: 100% of it".to_owned()],
        );
        let claim = Claim::WorkersReconnect;
        let judgement = Judgement {
            outcome: Outcome::Fail,
            claims: vec![ClaimResult { claim, must_break: false, verdict, outcome: Outcome::Fail }],
            findings: Vec::new(),
            on_trust: Vec::new(),
            has_begun: true,
            is_restored: true,
            outages: Vec::new(),
            window: Window::default(),
        };
        let scenario = ScenarioReport {
            name: "model/a|b".to_owned(),
            file: "a|b.yaml".to_owned(),
            proves: "a <script> & \"quotes\" survive".to_owned(),
            result: RunResult::Judged(Outcome::Fail),
            judgement: Some(judgement),
            unknowns: Vec::new(),
            replay: "failover run 'a|b.yaml' --seed 1".to_owned(),
            promise: Duration::from_secs(90),
            plan: "00".to_owned(),
            elapsed: Duration::ZERO,
        };
        RunReport { scenarios: vec![scenario], ..nothing() }
    }

    /// A report of an outage in a lab, in which nobody probed the endpoint.
    pub(super) fn looked_at() -> RunReport {
        let outage = Outage {
            cause: "power_off",
            workers_away: 1,
            millis: [Some(1_000), Some(2_000), Some(3_000), None, Some(4_000), Some(5_000)],
            unseen: [250, 250, 250, 0, 2_000, 2_000],
            ..Outage::default()
        };
        let mut report = RunReport { backend: BackendKind::Lab, ..nasty() };
        for judgement in report.scenarios.iter_mut().filter_map(|scenario| scenario.judgement.as_mut()) {
            judgement.outages.push(outage.clone());
        }
        report
    }

    #[test]
    fn every_phase_of_a_lab_is_told_with_how_well_it_is_known() {
        let report = looked_at();
        let text = human_in_full(&report);
        assert!(text.contains(" 0%   to 2000 ms"), "{text}");
        assert!(text.contains("  endpoint_answering     not observed"), "{text}");
        let text = markdown(&report);
        assert!(text.contains("| phase | outages | p50 | p95 | max | assumed | known to |"), "{text}");
        assert!(
            text.contains("| last\\_worker\\_back | 1 | 5.000s | 5.000s | 5.000s | 0 % | 2000 ms |"),
            "{text}"
        );
        assert!(text.contains("| endpoint\\_answering | 0 | | | | | not observed |"), "{text}");
        let page = html(&report, &[]).expect("a page");
        assert!(page.contains("<td class=\"number\">0 %</td><td class=\"number\">2000 ms</td>"), "{page}");
        assert!(page.contains("<td class=\"number\">not observed</td>"), "{page}");
        let modelled = RunReport { backend: BackendKind::Sim, ..nasty() };
        assert!(!markdown(&modelled).contains("known to") && !human_in_full(&modelled).contains(" ms"));
    }

    #[test]
    fn a_lab_that_is_not_as_it_was_found_outweighs_every_verdict() {
        let mut report = nasty();
        assert_eq!(report.exit_code(), 1);
        for judgement in report.scenarios.iter_mut().filter_map(|scenario| scenario.judgement.as_mut()) {
            judgement.is_restored = false;
        }
        assert_eq!(report.exit_code(), 4);
    }
}
