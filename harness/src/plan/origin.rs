//! Where did a plan come from, so that it can be made again?

use std::collections::BTreeMap;

use super::quoted;
use failover_sim::assumption::Assumption;
use failover_sim::cluster::Profile;

/// Where a plan came from: enough to make it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The scenario's file as it was named.
    pub scenario_file: String,
    /// Its text.
    pub scenario_text: String,
    /// The topology's file.
    pub topology_file: String,
    /// Its text.
    pub topology_text: String,
    /// The topology that it is based on, if it is.
    pub base: Option<Base>,
    /// What the files say that the topology names: settings as text, certificates as the digits of their DER form.
    pub files: BTreeMap<String, String>,
    /// What the command line said on top.
    pub overrides: Overrides,
}

/// A topology that another one is based on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// Its file.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// What a command line or a caller says on top of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Another number of workers in the topology's first group.
    pub workers: Option<u32>,
    /// Answers to assumptions, by their words.
    pub assume: BTreeMap<String, String>,
    /// Other values of cluster properties, by Windows' names.
    pub set: BTreeMap<String, String>,
    /// The defaults of another version of Windows.
    pub profile: Option<Profile>,
    /// The file of a topology that takes the place of the scenario's own.
    pub topology: Option<String>,
    /// The one case of the scenario that is meant.
    pub case: Option<String>,
    /// By how much `lab.yaml` stretches the `within` of every step.
    pub patience: Option<u32>,
    /// What labs have taught.
    pub learned: Lessons,
}

/// What labs have taught about what nobody knows, for one build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lessons {
    /// The file that it stands in, as a command line says it.
    pub file: String,
    /// The build, as a command line says it, if it had to.
    pub build: Option<String>,
    /// The builds that the answers hold for, in words.
    pub hold_for: String,
    /// The answers that were seen.
    pub answers: BTreeMap<Assumption, Vec<usize>>,
}

impl Overrides {
    /// The options of the replay line that say the same.
    pub fn options(&self) -> String {
        let mut text = String::new();
        if let Some(workers) = self.workers {
            text.push_str(&format!(" --workers {workers}"));
        }
        for (assumption, value) in &self.assume {
            text.push_str(&format!(" --assume {assumption}={value}"));
        }
        for (property, value) in &self.set {
            text.push_str(&format!(" --set {property}={value}"));
        }
        if let Some(profile) = self.profile {
            text.push_str(&format!(" --profile {}", profile.word()));
        }
        if let Some(topology) = &self.topology {
            text.push_str(&format!(" --topology {}", quoted(topology)));
        }
        if let Some(case) = &self.case {
            text.push_str(&format!(" --case {case}"));
        }
        if !self.learned.file.is_empty() {
            text.push_str(&format!(" --learned {}", quoted(&self.learned.file)));
        }
        if let Some(build) = &self.learned.build {
            text.push_str(&format!(" --build {}", quoted(build)));
        }
        text
    }
}
