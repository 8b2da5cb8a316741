//! `--learn` and `--learned`: what has a lab taught, and how does that narrow what is possible?

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use failover_sim::assumption::Assumption;
use failover_sim::observe::Record;

use crate::check::Outcome;
use crate::learn::{Build, Learned, Observation, Sighting, Unweighed, Weighed, weigh};
use crate::plan::{Lessons, Plan, path_text};
use crate::report::{RunResult, ScenarioReport};
use crate::scenario::nearest::list;
use crate::words;

use super::files::{Expected, cannot_write, mistakes, text_of};
use super::lab::NamedLab;
use super::{CommandError, LearnedArguments};

/// The answers that a command line takes from a file.
pub(super) fn lessons(arguments: &LearnedArguments) -> Result<Lessons, CommandError> {
    let Some(file) = &arguments.learned else { return Ok(Lessons::default()) };
    let learned = read(file)?;
    let builds: Vec<&Build> = learned.builds().into_iter().collect();
    let wanted = |build: &&Build| {
        arguments.build.as_ref().is_none_or(|wanted| {
            let both = format!("{}/{}", build.windows, build.ssis);
            [&build.windows, &build.ssis, &both].contains(&wanted)
        })
    };
    let chosen: Vec<&Build> = builds.iter().copied().filter(wanted).collect();
    let listed = || {
        let names: Vec<String> =
            builds.iter().map(|build| format!("{}/{}", build.windows, build.ssis)).collect();
        list(names.iter().map(String::as_str))
    };
    let (hold_for, answers) = match (chosen[..].first(), chosen.len(), &arguments.build) {
        (Some(build), 1, _) => (build.to_string(), learned.of_build(build)),
        (None, _, None) => (String::new(), BTreeMap::new()),
        (None, _, Some(wanted)) => {
            let text = format!("`{}` has no answers of the build `{wanted}`", path_text(file));
            return Err(CommandError::Input(format!("{text}\nhint: it has those of {}", listed())));
        }
        (Some(_), _, _) => {
            let text = format!(
                "`{}` has answers of several builds, and an answer holds for its own",
                path_text(file)
            );
            return Err(CommandError::Input(format!("{text}\nhint: --build names one of {}", listed())));
        }
    };
    Ok(Lessons { file: path_text(file), build: arguments.build.clone(), hold_for, answers })
}

/// What is said of the answers that a run takes from a file, if it takes some.
pub(super) fn narrowing(lessons: &Lessons) -> Option<String> {
    if lessons.file.is_empty() {
        return None;
    }
    let answers = lessons.answers.iter().map(|(assumption, answers)| {
        let words: Vec<&str> = answers
            .iter()
            .filter_map(|&answer| Some(assumption.question().values.get(answer)?.word))
            .collect();
        format!("{} is {}", assumption.question().id, words.join(" or "))
    });
    let answers: Vec<String> = answers.collect();
    if answers.is_empty() {
        return Some(format!("`{}` teaches nothing yet", lessons.file));
    }
    Some(format!("by `{}`, for {}: {}", lessons.file, lessons.hold_for, answers.join(", ")))
}

/// Reads a file of answers.
fn read(file: &Path) -> Result<Learned, CommandError> {
    let name = path_text(file);
    let text = text_of(file, Expected::Learned)?;
    Learned::read(&name, &text).map_err(|wrong| mistakes(&wrong, Expected::Learned))
}

/// Somebody who learns from a lab.
pub(super) struct Pupil {
    file: PathBuf,
    learned: Learned,
    lab: String,
    build: Build,
    moment: String,
}

impl Pupil {
    /// One who goes on with a file, if it is there.
    pub(super) fn of(file: Option<&Path>, lab: Option<&NamedLab>) -> Result<Option<Self>, CommandError> {
        let Some(file) = file else { return Ok(None) };
        let Some(lab) = lab else {
            return Err(CommandError::Input("`--learn` is of no use without `--backend lab`".to_owned()));
        };
        if !lab.has_answers() {
            return Err(CommandError::Input(
                "this twin takes what is assumed, and can teach nothing\nhint: a lab.yaml with `transport: twin` gives it answers \
                 of its own: `twin: { worker_retry: 60s }`"
                    .to_owned(),
            ));
        }
        let learned = if file.exists() { read(file)? } else { Learned::default() };
        let (lab, build) = lab.teacher();
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let moment = crate::probe::date(i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX));
        Ok(Some(Self { file: file.to_owned(), learned, lab, build, moment }))
    }

    /// Takes in what a run showed; comes back with what is told of it.
    pub(super) fn attend(&mut self, plan: &Plan, records: &[Record], report: &ScenarioReport) -> Vec<String> {
        let Some(judgement) = &report.judgement else { return Vec::new() };
        // What a lab has said before may be said again, or otherwise.
        let said: Vec<Assumption> = plan.settled.clone();
        match weigh(plan, &Sighting::of(plan, records, judgement), &said) {
            Ok(all) => all.iter().filter(|one| one.speaks()).map(|one| self.hear(plan, one)).collect(),
            Err(Unweighed::Nothing) => Vec::new(),
            Err(why @ (Unweighed::Unknown(_) | Unweighed::TooMany(_))) => {
                vec![format!("{} teaches nothing: {why}", plan.name)]
            }
        }
    }

    fn hear(&mut self, plan: &Plan, weighed: &Weighed) -> String {
        let question = weighed.assumption.question();
        let word = |value: usize| question.values.get(value).map_or("?", |value| value.word);
        let against = weighed.against.iter().map(|(value, why)| format!("not {}: {why}", word(*value)));
        let against: Vec<String> = against.collect();
        let against = against.join("; ");
        let (id, name) = (question.id, &plan.name);
        match weighed.answer() {
            Some(value) => {
                self.note(plan, weighed.assumption, value, against.clone());
                format!("{name} teaches {id}: {}; {against}", word(value))
            }
            None => format!("{name} speaks of {id}, and settles nothing; {against}"),
        }
    }

    /// Takes in that of several cases exactly one fits.
    pub(super) fn settle(
        &mut self,
        plan: &Plan,
        answers: &[(Assumption, usize)],
        others: &[&str],
    ) -> Vec<String> {
        let mut told = Vec::new();
        for &(assumption, value) in answers {
            let question = assumption.question();
            let word = question.values.get(value).map_or("?", |value| value.word);
            let seen = format!("the only case that fits; the others are {}", others.join(", "));
            told.push(format!("{} teaches {}: {word}; {seen}", plan.name, question.id));
            self.note(plan, assumption, value, seen);
        }
        told
    }

    fn note(&mut self, plan: &Plan, assumption: Assumption, value: usize, seen: String) {
        let observation = Observation {
            at: self.moment.clone(),
            lab: self.lab.clone(),
            scenario: plan.name.clone(),
            run: format!("{} seed {}", plan.digest(), plan.seed),
            seen,
        };
        self.learned.add(assumption, value, &self.build, observation);
    }

    /// Writes the file; comes back with what is told of it.
    pub(super) fn finish(&self) -> Result<String, CommandError> {
        self.learned.write(&self.file).map_err(|error| cannot_write(&self.file, &error))?;
        let answers = self.learned.of_build(&self.build).len();
        let name = path_text(&self.file);
        Ok(format!("`{name}` has answers to {} for {}", words::counted(answers, "question"), self.build))
    }
}

/// Of the cases of a scenario, a lab with answers of its own fits exactly one. Where that is so, the others are no failures: they
/// are set aside. Comes back with the place of each one that fits, the answers in which it differs from others, and the
/// names of these; and with what is told of scenarios of which several fit.
pub(super) fn fitting_cases(plans: &[Plan], reports: &mut [ScenarioReport]) -> (Vec<Fitting>, Vec<String>) {
    let mut cases: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, plan) in plans.iter().enumerate().filter(|(_, plan)| plan.origin.overrides.case.is_some()) {
        cases.entry(plan.scenario_name()).or_default().push(place);
    }
    let (mut found, mut told) = (Vec::new(), Vec::new());
    for (name, places) in cases.into_iter().filter(|(_, places)| places.len() > 1) {
        let came_to = |outcome: Outcome| {
            let reports = &*reports;
            let is = move |place: &usize| reports[*place].result == RunResult::Judged(outcome);
            places.iter().copied().filter(is).collect::<Vec<usize>>()
        };
        let (passed, failed) = (came_to(Outcome::Pass), came_to(Outcome::Fail));
        match passed[..] {
            [fits] if failed.len() + 1 == places.len() => {
                let case = |place: usize| plans[place].origin.overrides.case.as_deref().unwrap_or_default();
                for &other in &failed {
                    let reason = format!("the lab answers otherwise: the case `{}` fits", case(fits));
                    reports[other].result = RunResult::Skipped(reason);
                }
                found.push(Fitting {
                    place: fits,
                    answers: answers_apart(
                        &plans[fits],
                        &failed.iter().map(|&other| &plans[other]).collect::<Vec<_>>(),
                    ),
                    others: failed.iter().map(|&other| case(other)).map(str::to_owned).collect(),
                });
            }
            [_, _, ..] => told.push(format!("{name} settles nothing: {} cases fit", passed.len())),
            [] | [_] => {}
        }
    }
    (found, told)
}

/// A case that fits.
pub(super) struct Fitting {
    /// Its place among the plans.
    pub(super) place: usize,
    /// The answers that the other cases have otherwise.
    pub(super) answers: Vec<(Assumption, usize)>,
    /// The others.
    pub(super) others: Vec<String>,
}

/// The answers that a case takes for granted, and every other case otherwise.
fn answers_apart(plan: &Plan, others: &[&Plan]) -> Vec<(Assumption, usize)> {
    let mut answers = Vec::new();
    for &assumption in &plan.settled {
        let value = plan.assumptions.value(assumption);
        let is_other = |other: &&Plan| {
            other.settled.contains(&assumption) && other.assumptions.value(assumption) != value
        };
        if others.iter().all(is_other) {
            answers.push((assumption, value));
        }
    }
    answers
}
