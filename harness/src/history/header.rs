//! How does the first line of a history say what was run?

use std::collections::BTreeMap;

use failover_sim::assumption::Assumption;
use failover_sim::cluster::Profile;
use serde::{Deserialize, Serialize};

use crate::plan::{Base, Lessons, Origin, Overrides, Plan, VERSION};

/// The first line of a history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The form of the file.
    pub history: u32,
    /// The version that wrote it.
    pub version: String,
    /// Where it ran.
    pub backend: String,
    /// The scenario's name.
    pub name: String,
    /// The seed.
    pub seed: u64,
    /// The hash of the plan.
    pub plan: String,
    /// The scenario's file.
    pub scenario_file: String,
    /// The scenario, word for word.
    pub scenario: String,
    /// The topology's file.
    pub topology_file: String,
    /// The topology, word for word.
    pub topology: String,
    /// The file of the topology that it is based on, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_file: Option<String>,
    /// That topology, word for word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// What the files say that the topology names: settings as text, certificates as the digits of their DER form.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
    /// `--workers`, if it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<u32>,
    /// Answers to assumptions that the command line gave.
    #[serde(default)]
    pub assume: BTreeMap<String, String>,
    /// Cluster properties that the command line gave.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, String>,
    /// `--profile`, if it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// `--topology`, if it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_topology: Option<String>,
    /// The case of the scenario, if it has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// By how much the `within` of every step was stretched, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<u32>,
    /// What labs had taught: the answers that were possible.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub learned: BTreeMap<String, Vec<String>>,
    /// The file that it stood in.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub learned_file: String,
    /// The build, as the command line said it, if it had to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
}

/// The form of histories that this version writes.
pub const FORM: u32 = 2;

impl Header {
    /// The header of a run of this plan.
    pub fn new(plan: &Plan, backend: &str) -> Self {
        let Origin { scenario_file, scenario_text, topology_file, topology_text, base, files, overrides } =
            plan.origin.clone();
        Self {
            history: FORM,
            version: VERSION.to_owned(),
            backend: backend.to_owned(),
            name: plan.scenario_name().to_owned(),
            seed: plan.seed,
            plan: plan.digest().to_string(),
            scenario_file,
            scenario: scenario_text,
            topology_file,
            topology: topology_text,
            base_file: base.as_ref().map(|base| base.file.clone()),
            base: base.map(|base| base.text),
            files,
            workers: overrides.workers,
            assume: overrides.assume,
            set: overrides.set,
            profile: overrides.profile.map(|profile| profile.word().to_owned()),
            other_topology: overrides.topology,
            case: overrides.case,
            patience: overrides.patience,
            learned: words_of(&overrides.learned),
            learned_file: overrides.learned.file,
            build: overrides.learned.build,
        }
    }

    /// Where the plan came from.
    pub fn origin(&self) -> Origin {
        Origin {
            scenario_file: self.scenario_file.clone(),
            scenario_text: self.scenario.clone(),
            topology_file: self.topology_file.clone(),
            topology_text: self.topology.clone(),
            base: self
                .base
                .as_ref()
                .map(|text| Base { file: self.base_file.clone().unwrap_or_default(), text: text.clone() }),
            files: self.files.clone(),
            overrides: Overrides {
                workers: self.workers,
                assume: self.assume.clone(),
                set: self.set.clone(),
                profile: self.profile.as_deref().and_then(Profile::by_word),
                topology: self.other_topology.clone(),
                case: self.case.clone(),
                patience: self.patience,
                learned: Lessons {
                    file: self.learned_file.clone(),
                    build: self.build.clone(),
                    hold_for: String::new(),
                    answers: self.learned.iter().filter_map(|(id, words)| lesson(id, words)).collect(),
                },
            },
        }
    }
}

fn words_of(lessons: &Lessons) -> BTreeMap<String, Vec<String>> {
    let words = |assumption: Assumption, answers: &[usize]| {
        answers.iter().map(|&answer| assumption.question().values[answer].word.to_owned()).collect()
    };
    let answers = lessons.answers.iter();
    answers.map(|(&one, answers)| (one.question().id.to_owned(), words(one, answers))).collect()
}

/// What is not known here makes another plan, which is told from its hash.
fn lesson(id: &str, words: &[String]) -> Option<(Assumption, Vec<usize>)> {
    let assumption = Assumption::by_id(id)?;
    Some((assumption, words.iter().filter_map(|word| assumption.value_by_word(word)).collect()))
}
