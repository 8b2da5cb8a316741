//! What is kept of an exploration, and can anybody have counted it?

use std::collections::BTreeMap;

use failover_sim::time::Time;
use serde::{Deserialize, Serialize};

use super::shard::Shard;
use super::tally::Tally;

/// What came of all scenarios, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What came of each.
    pub scenarios: BTreeMap<String, Tally>,
}

/// Why a file is no report of an exploration.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is not in the form of one.
    #[error("it is no report of an exploration: {0}")]
    Json(#[from] serde_json::Error),
    /// It says what cannot be.
    #[error("nobody can have counted this of `{scenario}`: {what}")]
    Unsound {
        /// The scenario.
        scenario: String,
        /// What cannot be.
        what: Unsound,
    },
}

/// What cannot be in a tally.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsound {
    /// No seeds, or no shard.
    #[error("the seeds from {from} to {to}, shard {shard}/{of}")]
    Seeds {
        /// The first one.
        from: u64,
        /// The one after the last.
        to: u64,
        /// Which shard.
        shard: u32,
        /// How many shards.
        of: u32,
    },
    /// A run that is told of was not one of its runs.
    #[error("seed {0}, which was not run")]
    NotRun(u64),
    /// The runs of each kind together are not all runs.
    #[error("{runs} runs, and {parts} that passed, failed or came to no verdict")]
    Parts {
        /// All of them.
        runs: u64,
        /// Those of each kind together.
        parts: u64,
    },
    /// A part is more than the whole.
    #[error("{part} of {whole} runs in `{what}`")]
    Part {
        /// Where it stands.
        what: String,
        /// The part.
        part: u64,
        /// The whole.
        whole: u64,
    },
    /// More than [`MOST`].
    #[error("{count} in `{what}`, and nobody counts beyond {MOST}")]
    TooMany {
        /// Where it stands.
        what: String,
        /// So many.
        count: u64,
    },
    /// An outage is longer than a run can be.
    #[error("an outage of {0} ms")]
    Outage(u64),
}

/// No count of a tally is greater: requests are what there is most of, and so many take a processor centuries.
pub const MOST: u64 = 100_000_000_000_000_000;

impl Report {
    /// Reads what `failover explore --report json=FILE` wrote.
    ///
    /// # Errors
    /// If it is something else, or says what no exploration can have counted.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        let report: Self = serde_json::from_str(text)?;
        for (scenario, tally) in &report.scenarios {
            tally.check().map_err(|what| Unreadable::Unsound { scenario: scenario.clone(), what })?;
        }
        Ok(report)
    }

    /// What [`Report::read`] reads.
    pub fn text(&self) -> String {
        let text = serde_json::to_string_pretty(self);
        text.expect("numbers, words and lists always have a JSON form") + "\n"
    }
}

impl Tally {
    /// Whether it can be what many runs came to.
    ///
    /// # Errors
    /// Something in it cannot be.
    pub(super) fn check(&self) -> Result<(), Unsound> {
        self.check_counts()?;
        for &(from, to, shard, of) in &self.seeds.0 {
            if from >= to || Shard::new(shard, of).is_none() {
                return Err(Unsound::Seeds { from, to, shard, of });
            }
        }
        let told = self.findings.values().map(|finding| finding.seed);
        for seed in told.chain(self.reasons.values().map(|reason| reason.seed)) {
            if !self.seeds.has(seed) {
                return Err(Unsound::NotRun(seed));
            }
        }
        let runs = self.runs;
        let parts = self.passed + self.unsafe_runs + self.stuck_runs + self.undecided;
        if parts != runs {
            return Err(Unsound::Parts { runs, parts });
        }
        for (what, answers) in &self.unknowns {
            if let Some(&(whole, part)) = answers.values().find(|(runs, failed)| failed > runs) {
                return Err(Unsound::Part { what: what.clone(), part, whole });
            }
        }
        self.outages
            .longest()
            .filter(|millis| *millis > LONGEST_MILLIS)
            .map_or(Ok(()), |millis| Err(Unsound::Outage(millis)))
    }

    fn check_counts(&self) -> Result<(), Unsound> {
        let mut counts = vec![
            ("runs", self.runs),
            ("passed", self.passed),
            ("unsafe_runs", self.unsafe_runs),
            ("stuck_runs", self.stuck_runs),
            ("undecided", self.undecided),
            ("requests", self.requests),
            ("actions", self.actions),
            ("left_out", self.left_out),
            ("not_bitten", self.not_bitten),
            ("runs_since_last_pair", self.runs_since_last_pair),
            ("outages", self.outages.all()),
        ];
        counts.extend(self.reasons.iter().map(|(key, reason)| (key.as_str(), reason.runs)));
        let places = self.sometimes.iter().chain(&self.coverage);
        counts.extend(places.map(|(place, count)| (place.as_str(), *count)));
        for (unknown, answers) in &self.unknowns {
            counts.extend(answers.values().map(|(runs, _)| (unknown.as_str(), *runs)));
        }
        for (key, finding) in &self.findings {
            let answers = finding.unknowns.values().flat_map(BTreeMap::values);
            counts.extend(answers.chain([&finding.runs]).map(|count| (key.as_str(), *count)));
        }
        match counts.into_iter().find(|(_, count)| *count > MOST) {
            Some((what, count)) => Err(Unsound::TooMany { what: what.to_owned(), count }),
            None => Ok(()),
        }
    }
}

/// A moment counts microseconds: no run is longer.
const LONGEST_MILLIS: u64 = Time::NEVER.as_micros() / 1_000;
