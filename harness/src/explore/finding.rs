//! What does an exploration hand over when it has found a failure?

use failover_sim::assumption::Assumption;

use crate::backend::SimBackend;
use crate::check::Claim;
use crate::director;
use crate::plan::{Origin, Plan};
use crate::report::Timeline;
use crate::scenario::{self, standard};

use super::coverage::Coverage;
use super::search::{Explorer, Failure, Judged, judged};
use super::shrink::{Shrunken, shrink};
use super::story::Story;
use super::unknown;
use super::write;

/// A failure, made as small as it gets and written as a scenario.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What failures of its kind have in common.
    pub key: String,
    /// What failed.
    pub failure: Failure,
    /// One sentence: after what, and what was seen.
    pub cause: String,
    /// How many actions the story needs, those that heal it not counted.
    pub actions: usize,
    /// How many stories were tried to make it small.
    pub tried: u64,
    /// The seed with which the written scenario is run.
    pub seed: u64,
    /// The scenario.
    pub text: String,
    /// What `failover run` needs besides the file and the seed.
    pub options: String,
    /// What happened, line by line.
    pub timeline: String,
    /// The written scenario was run, and failed in the same way.
    pub is_confirmed: bool,
    /// The assumptions whose unusual answer it needs, and that answer: with the usual one nothing fails.
    pub needs: Vec<(Assumption, &'static str)>,
}

impl Finding {
    /// Makes the failure of a seed small and writes it down. None if the seed does not fail so.
    pub fn of(plan: &Plan, seed: u64, key: &str) -> Option<Self> {
        let story = Explorer::new(plan).run(seed, &mut Coverage::default()).story;
        let Shrunken { plan: base, ran, tried } = shrink(plan, story, key)?;
        let needed = unknown::needed(&base, &ran, key);
        let answers = ran.story.assumptions;
        let needs = needed.into_iter().map(|unknown| (unknown, answers.word(unknown))).collect();
        let Judged::Failed(failure) = ran.judged else { return None };
        let mut told = strict(&base, &ran.story);
        // A claim that was asked for and holds need not be put to the test by what is left of the story.
        told.claims.retain(|claim| !Claim::ASKED_FOR.contains(claim) || failure.claims.contains(claim));
        let cause = cause(&told, &ran.story, &failure);
        let topology =
            scenario::topology_of(&base.origin.scenario_file, &base.origin.scenario_text).ok()?.value;
        let proves = format!("found by exploration: {cause}");
        let text = write::scenario(&told, &topology, &proves, &ran.consulted);
        let mut overrides = base.origin.overrides.clone();
        overrides.case = None;
        overrides.assume.clear();
        // Beside the written scenario there is no topology.
        let is_carried =
            standard::topology(&topology).is_some_and(|file| file.text == base.origin.topology_text);
        if !is_carried {
            overrides.topology = Some(base.origin.topology_file.clone());
        }
        let options = overrides.options();
        let origin = Origin {
            scenario_file: "found.yaml".to_owned(),
            scenario_text: text.clone(),
            overrides,
            ..base.origin.clone()
        };
        let seed = ran.story.seed;
        let (timeline, is_confirmed) = match scenario::plan("found", &origin, seed) {
            Ok(written) => run(&written, key),
            Err(_) => (String::new(), false),
        };
        let actions = ran.story.size();
        let key = key.to_owned();
        Some(Self { key, failure, cause, actions, tried, seed, text, options, timeline, is_confirmed, needs })
    }
}

/// The plan of a story without what was not possible or not needed: what is written must be carried out to the letter.
fn strict(base: &Plan, story: &Story) -> Plan {
    let mut told = base.clone();
    story.tell(&mut told);
    let mut left_out = Vec::new();
    let mut backend = SimBackend::default();
    director::run_what_is_possible(&told, &mut backend, &mut crate::runner::Nowhere, &mut left_out);
    told.leave_out(&left_out);
    told
}

fn cause(told: &Plan, story: &Story, failure: &Failure) -> String {
    let deeds: Vec<String> =
        story.deeds.iter().map(|deed| format!("`{}`", write::action(&deed.action, told))).collect();
    let claims: Vec<&str> = failure.claims.iter().map(|claim| claim.word()).collect();
    let after = match &deeds[..] {
        [] => "with nothing done at all".to_owned(),
        deeds => format!("after {}", deeds.join(", ")),
    };
    let seen = failure.evidence.join(", ");
    match &claims[..] {
        [] => format!("{after}, not everything is as it was: {seen}"),
        claims => format!("{after}, `{}` does not hold: {seen}", claims.join("`, `")),
    }
}

/// Runs a written scenario as `failover run` does; its timeline, and whether it fails in the same way.
fn run(plan: &Plan, key: &str) -> (String, bool) {
    let mut timeline = Timeline::new(plan);
    let judgement = director::run(plan, &mut SimBackend::default(), &mut timeline);
    let is_confirmed = matches!(judged(plan, &judgement), Judged::Failed(failure) if failure.key == key);
    (timeline.text(), is_confirmed)
}
