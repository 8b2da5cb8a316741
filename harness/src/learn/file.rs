//! How is it kept what labs have taught?
//!
//! JSON, so that a person and a program can read it; YAML is read as well. Each answer stands with the builds of Windows
//! and of SSIS that gave it, with every run that showed it, and with how many runs of the same builds showed another.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::Path;

use failover_sim::assumption::Assumption;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::scenario::answer::answer;
use crate::scenario::diagnostic::{Diagnostics, Fault};
use crate::scenario::read::At;
use crate::scenario::schema_of;
use crate::scenario::sections::split;
use crate::scenario::tree::{Span, parse_one};
use crate::whole;

/// The form of files that this version writes.
const FORM: u32 = 1;

/// What labs have taught so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Learned {
    /// The answers, in the order of their questions, builds and numbers.
    answers: BTreeMap<(Assumption, Build, usize), Vec<Observation>>,
}

/// The builds that an answer holds for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Build {
    /// Of Windows on the nodes.
    pub windows: String,
    /// Of the SSIS Scale Out services.
    pub ssis: String,
}

/// A run that showed an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// When, in UTC.
    pub at: String,
    /// In which lab: the name of its cluster, or `twin`.
    pub lab: String,
    /// By which scenario, with its case.
    pub scenario: String,
    /// The hash of what was run, and the seed.
    pub run: String,
    /// What showed it.
    pub seen: String,
}

/// An answer with what speaks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<'l> {
    /// The question.
    pub assumption: Assumption,
    /// The number of the answer.
    pub value: usize,
    /// The builds that gave it.
    pub build: &'l Build,
    /// The runs that showed it.
    pub observations: &'l [Observation],
    /// How many runs of the same builds showed another one.
    pub dissent: usize,
}

/// The build of a host that did not say.
pub const NOT_SEEN: &str = "not seen";

/// What labs have taught about what nobody knows.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct LearnedDocument {
    /// The form of the file: 1.
    learned: u32,
    /// The answers.
    answers: Vec<AnswerDocument>,
}

/// An answer of a lab.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AnswerDocument {
    /// The question by its name.
    #[serde(serialize_with = "plain")]
    assumption: At<String>,
    /// The answer by its word.
    #[serde(serialize_with = "plain")]
    answer: At<String>,
    /// The build of Windows on the nodes, or `not seen`.
    windows: String,
    /// The build of the SSIS Scale Out services, or `not seen`.
    ssis: String,
    /// How many runs showed it.
    #[serde(serialize_with = "plain")]
    count: At<usize>,
    /// How many runs of the same builds showed another answer.
    #[serde(serialize_with = "plain")]
    dissent: At<usize>,
    /// These runs.
    observations: Vec<Observation>,
}

fn plain<T: Serialize, S: serde::Serializer>(at: &At<T>, serializer: S) -> Result<S::Ok, S::Error> {
    at.value.serialize(serializer)
}

/// The JSON Schema of such files.
pub fn learned_schema() -> Json {
    schema_of::<LearnedDocument>()
}

impl Learned {
    /// Reads a file.
    ///
    /// # Errors
    /// Every mistake in it, each with its place.
    pub fn read(file: &str, text: &str) -> Result<Self, Diagnostics> {
        let wrong = |faults| Diagnostics::new(file, text, faults);
        let tree = parse_one(text).map_err(wrong)?;
        let mut faults = Vec::new();
        let sections = split(&tree, &["learned", "answers"], &mut faults);
        let form: Option<At<u32>> = sections.require("learned", &mut faults);
        if let Some(form) = form.filter(|form| form.value != FORM) {
            let fault = Fault::new(format!("the form of this file is {}", form.value), form.span);
            faults.push(fault.with_label(format!("this version reads form {FORM}")));
        }
        let documents: Vec<At<AnswerDocument>> = sections.require_each("answers", &mut faults);
        let mut learned = Self::default();
        let mut places: Vec<(At<AnswerDocument>, Assumption, usize)> = Vec::new();
        for document in documents {
            let (id, word) = (&document.value.assumption, &document.value.answer);
            match answer(&id.value, &word.value, (id.span, word.span)) {
                Ok((assumption, value)) => places.push((document, assumption, value)),
                Err(fault) => faults.push(fault),
            }
        }
        for (At { value: document, span }, assumption, value) in &places {
            let build = Build { windows: document.windows.clone(), ssis: document.ssis.clone() };
            let listed = document.observations.len();
            if document.count.value != listed || listed == 0 {
                let message =
                    format!("`count` is {}, and {listed} observations are listed", document.count.value);
                faults.push(
                    Fault::new(message, document.count.span).with_label("expected as many, and at least one"),
                );
            }
            let before = learned.answers.insert((*assumption, build, *value), document.observations.clone());
            if before.is_some() {
                faults.push(twice(document, *span));
            }
        }
        if faults.is_empty() {
            for (At { value: document, .. }, assumption, value) in &places {
                let build = Build { windows: document.windows.clone(), ssis: document.ssis.clone() };
                let dissent = learned.dissent(*assumption, &build, *value);
                if document.dissent.value != dissent {
                    let message = format!(
                        "`dissent` is {}, and other answers were seen {dissent} times",
                        document.dissent.value
                    );
                    faults
                        .push(Fault::new(message, document.dissent.span).with_label("it must be their sum"));
                }
            }
        }
        if faults.is_empty() { Ok(learned) } else { Err(wrong(faults)) }
    }

    /// The text of a file that says the same.
    pub fn text(&self) -> String {
        let answers = self.answers().map(|answer| AnswerDocument {
            assumption: here(answer.assumption.question().id.to_owned()),
            answer: here(answer.word().to_owned()),
            windows: answer.build.windows.clone(),
            ssis: answer.build.ssis.clone(),
            count: here(answer.observations.len()),
            dissent: here(answer.dissent),
            observations: answer.observations.to_vec(),
        });
        let document = LearnedDocument { learned: FORM, answers: answers.collect() };
        let text = serde_json::to_string_pretty(&document).expect("it has text keys and plain values");
        text + "\n"
    }

    /// Writes the file: whoever reads it meanwhile finds the old one or the new one, and nothing in between.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, file: &Path) -> io::Result<()> {
        whole::write(file, self.text().as_bytes())
    }

    /// Adds a run that showed an answer; one that is there already is not counted again.
    pub fn add(&mut self, assumption: Assumption, value: usize, build: &Build, observation: Observation) {
        let observations = self.answers.entry((assumption, build.clone(), value)).or_default();
        if !observations.contains(&observation) {
            observations.push(observation);
        }
    }

    /// All answers.
    pub fn answers(&self) -> impl Iterator<Item = Answer<'_>> {
        self.answers.iter().map(|((assumption, build, value), observations)| Answer {
            assumption: *assumption,
            value: *value,
            build,
            observations,
            dissent: self.dissent(*assumption, build, *value),
        })
    }

    fn dissent(&self, assumption: Assumption, build: &Build, value: usize) -> usize {
        let of_build =
            self.answers.iter().filter(|((one, other, _), _)| *one == assumption && other == build);
        of_build
            .filter(|((_, _, other), _)| *other != value)
            .map(|(_, observations)| observations.len())
            .sum()
    }

    /// The builds that have answered something.
    pub fn builds(&self) -> BTreeSet<&Build> {
        self.answers.keys().map(|(_, build, _)| build).collect()
    }

    /// For each question, the answers that a build has given: one, or several that were seen.
    pub fn of_build(&self, build: &Build) -> BTreeMap<Assumption, Vec<usize>> {
        let mut found: BTreeMap<Assumption, Vec<usize>> = BTreeMap::new();
        for (assumption, _, value) in self.answers.keys().filter(|(_, other, _)| other == build) {
            found.entry(*assumption).or_default().push(*value);
        }
        found
    }
}

impl Answer<'_> {
    /// Its word.
    pub fn word(&self) -> &'static str {
        self.assumption.question().values.get(self.value).map_or("?", |value| value.word)
    }
}

impl fmt::Display for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Windows {}, SSIS {}", self.windows, self.ssis)
    }
}

fn twice(document: &AnswerDocument, span: Span) -> Fault {
    let text = format!(
        "`{}` of `{}` is there twice for one build",
        document.answer.value, document.assumption.value
    );
    Fault::new(text, span).with_label("the second")
}

fn here<T>(value: T) -> At<T> {
    At { span: Span::default(), value }
}
