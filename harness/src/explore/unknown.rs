//! Does a failure come with the usual answers to what nobody knows, too?

use std::time::Duration;

use failover_sim::assumption::Assumption;

use crate::plan::Plan;

use super::coverage::Coverage;
use super::draw::mix;
use super::search::{Explorer, Ran};
use super::shrink::fails_so;
use super::story::Story;

/// The assumptions without whose unusual answer a small story does not fail. The usual answer changes times too, so it
/// is tried with other seeds and other pauses as well: a failure that only needs its moment depends on nothing.
pub(super) fn needed(plan: &Plan, ran: &Ran, key: &str) -> Vec<Assumption> {
    let mut explorer = Explorer::new(plan);
    let usual = &plan.assumptions;
    let is_unusual = |assumption: &Assumption| {
        !plan.settled.contains(assumption)
            && ran.story.assumptions.value(*assumption) != usual.value(*assumption)
    };
    let unusual = ran.consulted.iter().copied().filter(is_unusual);
    unusual
        .filter(|&assumption| {
            let assumptions = ran.story.assumptions.with(assumption, usual.value(assumption));
            let story = Story { assumptions, ..ran.story.clone() };
            !(0..TRIES).any(|number| {
                let again = explorer.run_story(at_other_moments(&story, number), &mut Coverage::default());
                fails_so(&again, key)
            })
        })
        .collect()
}

/// The story with another seed, and each pause between nothing and twice its length; number 0 is the story itself.
fn at_other_moments(story: &Story, number: u64) -> Story {
    let mut story = story.clone();
    if number == 0 {
        return story;
    }
    story.seed = number;
    for (place, deed) in story.deeds.iter_mut().enumerate() {
        let most = 2 * deed.pause.as_millis() as u64 + 1;
        deed.pause = Duration::from_millis(mix(number << 32 | place as u64) % most);
    }
    story
}

/// So often the usual answer is tried.
const TRIES: u64 = 64;
