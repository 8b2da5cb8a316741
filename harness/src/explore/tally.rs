//! What came of many runs of a scenario?

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use failover_sim::assumption::Assumption;
use serde::{Deserialize, Serialize};

use crate::phase::OutageEnd;
use crate::plan::{Plan, Sometimes, VERSION};

use super::coverage::Coverage;
use super::lengths::Lengths;
use super::report::Unsound;
use super::search::{Judged, Ran};
use super::seeds::Seeds;

/// What came of many runs of one scenario: a sum, so that the parts of a search can be added up in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The version that ran them.
    pub version: String,
    /// The hash of the scenario's plan.
    pub plan: String,
    /// What runs them: `failover explore` with the scenario and its options, without the seeds.
    pub command: String,
    /// What must be met in at least one run.
    pub wanted: BTreeSet<String>,
    /// The verbs of what can happen.
    pub verbs: BTreeSet<String>,
    /// The seeds that were run.
    pub seeds: Seeds,
    /// How many runs there were.
    pub runs: u64,
    /// In how many every claim held.
    pub passed: u64,
    /// In how many something happened that must never happen.
    pub unsafe_runs: u64,
    /// In how many somebody was not back in time after everything was healed.
    pub stuck_runs: u64,
    /// How many came to no verdict.
    pub undecided: u64,
    /// Why they did not, by what the reasons have in common.
    pub reasons: BTreeMap<String, ReasonTally>,
    /// How many requests of workers were answered, reports on tasks not counted.
    pub requests: u64,
    /// How many actions were carried out.
    pub actions: u64,
    /// How many were left out, since they were not possible at their moment.
    pub left_out: u64,
    /// In how many runs some action was not seen to take effect.
    pub not_bitten: u64,
    /// In how many runs each moment was met.
    pub sometimes: BTreeMap<String, u64>,
    /// How often each action met the role and the workers in each state.
    pub coverage: BTreeMap<String, u64>,
    /// Pairs of a state and something that happened in it.
    pub pairs: BTreeSet<u32>,
    /// How many runs it is since the last pair that had not been there before.
    pub runs_since_last_pair: u64,
    /// For each assumption that was consulted and each answer: how many runs took it, and how many of them failed.
    pub unknowns: BTreeMap<String, BTreeMap<String, (u64, u64)>>,
    /// How long the outages took.
    pub outages: Lengths,
    /// The failures that are alike, by what they have in common.
    pub findings: BTreeMap<String, FindingTally>,
}

/// Runs that came to no verdict for reasons that are alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonTally {
    /// In how many runs.
    pub runs: u64,
    /// The least seed of them.
    pub seed: u64,
    /// The reason of the run with this seed.
    pub reason: String,
}

impl ReasonTally {
    fn absorb(&mut self, other: &Self) {
        if self.runs == 0 || other.seed < self.seed {
            self.seed = other.seed;
            self.reason.clone_from(&other.reason);
        }
        self.runs += other.runs;
    }
}

/// Failures that are alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingTally {
    /// In how many runs.
    pub runs: u64,
    /// The least seed of them.
    pub seed: u64,
    /// For each assumption that was consulted and each answer, how many of these runs took it.
    pub unknowns: BTreeMap<String, BTreeMap<String, u64>>,
    /// Something happened that must never happen; otherwise somebody was not back after the healing.
    pub is_safety: bool,
    /// What was made of it, once its first run was made small.
    pub story: Option<StoryTold>,
}

/// A failure made small, as a report tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoryTold {
    /// One sentence: after what, and what was seen.
    pub cause: String,
    /// What to do about it.
    pub hints: Vec<String>,
    /// How many actions it needs, those that heal it not counted.
    pub actions: usize,
    /// The line that replays it.
    pub replay: String,
    /// The written scenario was run, and failed in the same way.
    pub is_confirmed: bool,
    /// The assumptions whose unusual answer it needs, and that answer.
    #[serde(default)]
    pub needs: BTreeMap<String, String>,
}

/// Why two tallies cannot be added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TallyError {
    /// They are of different plans.
    Plan,
    /// They are of different versions.
    Version,
    /// Some seeds were run in both.
    Seeds,
    /// Together they are what nobody can have counted.
    Unsound(Unsound),
}

impl fmt::Display for TallyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan => f.write_str("the scenario, its topology or the options are not the same in both"),
            Self::Version => f.write_str("they were written by different versions"),
            Self::Seeds => f.write_str("both have run the same seeds"),
            Self::Unsound(what) => write!(f, "nobody can have counted both: {what}"),
        }
    }
}

impl std::error::Error for TallyError {}

impl TallyError {
    /// What to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Plan | Self::Version => {
                "run each part of an exploration with the same files, options and version"
            }
            Self::Seeds => "give each part a `--shard` or `--seeds` of its own, and name each report once",
            Self::Unsound(_) => "some report was not written by `failover explore`",
        }
    }
}

impl FindingTally {
    /// The assumptions and the answers without which nothing fails so, as far as was seen: no small story, and no run.
    /// With such there is no verdict, but a question.
    pub fn depends_on(&self) -> impl Iterator<Item = (&str, &str)> {
        let needs = self.story.iter().flat_map(|story| &story.needs);
        needs.map(|(unknown, answer)| (unknown.as_str(), answer.as_str())).filter(|(unknown, answer)| {
            let runs = self.unknowns.get(*unknown);
            runs.is_none_or(|runs| runs.keys().all(|other| other == answer))
        })
    }
}

impl Tally {
    /// No run of this plan yet.
    pub fn of(plan: &Plan) -> Self {
        Self {
            version: VERSION.to_owned(),
            plan: plan.search_digest().to_string(),
            command: format!(
                "failover explore {}{}",
                crate::plan::quoted(&plan.origin.scenario_file),
                plan.origin.overrides.options()
            ),
            wanted: plan
                .family
                .iter()
                .flat_map(|family| &family.sometimes)
                .map(|moment| moment.word().to_owned())
                .collect(),
            verbs: plan
                .actions
                .iter()
                .skip(plan.given)
                .chain(plan.family.iter().flat_map(|family| &family.faults))
                .map(|planned| planned.action.verb().word().to_owned())
                .collect(),
            ..Self::default()
        }
    }

    /// Adds one run.
    pub(super) fn add(&mut self, ran: &Ran, coverage: &Coverage) {
        self.runs += 1;
        self.requests += ran.requests;
        self.actions += ran.actions;
        self.left_out += ran.left_out.len() as u64;
        self.not_bitten += u64::from(ran.has_not_bitten);
        let failure = match &ran.judged {
            Judged::Passed => {
                self.passed += 1;
                None
            }
            Judged::Undecided { key, reason } => {
                self.undecided += 1;
                let one = ReasonTally { runs: 1, seed: ran.story.seed, reason: reason.clone() };
                entry(&mut self.reasons, key).absorb(&one);
                None
            }
            Judged::Failed(failure) => {
                if failure.is_safety {
                    self.unsafe_runs += 1
                } else {
                    self.stuck_runs += 1
                }
                Some(failure)
            }
        };
        for moment in Sometimes::ALL.into_iter().filter(|moment| coverage.has_met(*moment)) {
            add(&mut self.sometimes, moment.word(), 1);
        }
        for assumption in &ran.consulted {
            let answers = entry(&mut self.unknowns, assumption.question().id);
            let (runs, failed) = entry(answers, ran.story.assumptions.word(*assumption));
            *runs += 1;
            *failed += u64::from(failure.is_some());
        }
        for end in &ran.outages {
            match end {
                OutageEnd::Unnoticed => {}
                OutageEnd::Over(millis) => self.outages.over(*millis),
                OutageEnd::Open => self.outages.left_open(),
            }
        }
        if let Some(failure) = failure {
            let finding = entry(&mut self.findings, &failure.key);
            if finding.runs == 0 || ran.story.seed < finding.seed {
                finding.seed = ran.story.seed;
            }
            finding.is_safety = failure.is_safety;
            finding.runs += 1;
            for assumption in &ran.consulted {
                let answers = entry(&mut finding.unknowns, assumption.question().id);
                add(answers, ran.story.assumptions.word(*assumption), 1);
            }
        }
    }

    /// Takes over what was counted over several runs.
    pub(super) fn take(&mut self, coverage: &mut Coverage) {
        for ((role, workers, verb), count) in std::mem::take(&mut coverage.table) {
            let place = format!("{verb}|{}|{}", role.words(), workers.words());
            *self.coverage.entry(place).or_default() += count;
        }
        self.pairs.extend(coverage.pairs.drain());
    }

    /// Adds another part of the same search; both are sound.
    ///
    /// # Errors
    /// If it is not of the same search, or not another part, or if both together are more than anybody can count.
    pub fn merge(&mut self, other: &Self) -> Result<(), TallyError> {
        if self.version != other.version {
            return Err(TallyError::Version);
        }
        if self.plan != other.plan {
            return Err(TallyError::Plan);
        }
        if self.seeds.overlap(&other.seeds) {
            return Err(TallyError::Seeds);
        }
        self.seeds.0.extend(&other.seeds.0);
        self.absorb(other);
        self.check().map_err(TallyError::Unsound)
    }

    /// Adds runs whose seeds are noted elsewhere.
    pub(super) fn absorb(&mut self, other: &Self) {
        let pairs = self.pairs.len();
        self.pairs.extend(&other.pairs);
        let is_new = self.pairs.len() > pairs;
        self.runs_since_last_pair = if is_new { 0 } else { self.runs_since_last_pair + other.runs };
        self.runs += other.runs;
        self.passed += other.passed;
        self.unsafe_runs += other.unsafe_runs;
        self.stuck_runs += other.stuck_runs;
        self.undecided += other.undecided;
        for (key, reason) in &other.reasons {
            entry(&mut self.reasons, key).absorb(reason);
        }
        self.requests += other.requests;
        self.actions += other.actions;
        self.left_out += other.left_out;
        self.not_bitten += other.not_bitten;
        add_all(&mut self.sometimes, &other.sometimes);
        add_all(&mut self.coverage, &other.coverage);
        for (assumption, answers) in &other.unknowns {
            for (answer, (runs, failed)) in answers {
                let own = entry(entry(&mut self.unknowns, assumption), answer);
                own.0 += runs;
                own.1 += failed;
            }
        }
        self.outages.merge(&other.outages);
        for (key, finding) in &other.findings {
            let own = entry(&mut self.findings, key);
            if own.runs == 0 || finding.seed < own.seed {
                own.seed = finding.seed;
                own.story = finding.story.clone().or(own.story.take());
            } else if own.story.is_none() {
                own.story.clone_from(&finding.story);
            }
            own.is_safety = finding.is_safety;
            own.runs += finding.runs;
            for (assumption, answers) in &finding.unknowns {
                add_all(entry(&mut own.unknowns, assumption), answers);
            }
        }
    }

    /// What must be met and was not.
    pub fn not_met(&self) -> impl Iterator<Item = &str> {
        self.wanted.iter().map(String::as_str).filter(|moment| !self.sometimes.contains_key(*moment))
    }

    /// Assumptions on which failures depend: with some answer no run failed, with another so many that this is no chance.
    pub fn depends_on(&self) -> Vec<(Assumption, Vec<Answer<'_>>)> {
        let mut found = Vec::new();
        for assumption in Assumption::ALL {
            let Some(answers) = self.unknowns.get(assumption.question().id) else { continue };
            let worst = answers
                .values()
                .max_by_key(|(runs, failed)| u128::from(*failed) * 1_000_000 / u128::from(*runs).max(1));
            let Some((worst_runs, worst_failed)) = worst.filter(|(_, failed)| *failed > 0) else { continue };
            // At the rate of the worst answer at least three failures were to be expected: without one, this is chance
            // in one of twenty cases at most.
            let is_clean = |(runs, failed): &(u64, u64)| {
                *failed == 0 && u128::from(*runs) * u128::from(*worst_failed) >= 3 * u128::from(*worst_runs)
            };
            if answers.values().any(is_clean) {
                let told = answers.iter().map(|(word, (runs, failed))| (word.as_str(), *runs, *failed));
                found.push((assumption, told.collect()));
            }
        }
        found
    }
}

/// An answer to an assumption: its word, how many runs took it, and how many of them failed.
pub type Answer<'t> = (&'t str, u64, u64);

/// The value of a key, without a new key where it is there already.
fn entry<'m, V: Default>(map: &'m mut BTreeMap<String, V>, key: &str) -> &'m mut V {
    if !map.contains_key(key) {
        map.insert(key.to_owned(), V::default());
    }
    map.get_mut(key).expect("a key that was just put in")
}

fn add(map: &mut BTreeMap<String, u64>, key: &str, count: u64) {
    *entry(map, key) += count;
}

fn add_all(map: &mut BTreeMap<String, u64>, other: &BTreeMap<String, u64>) {
    for (key, count) in other {
        add(map, key, *count);
    }
}
