//! What is the smallest story that fails in the same way?

use std::time::Duration;

use failover_sim::assumption::Assumption;
use failover_sim::names::NodeId;
use failover_sim::observe::{Fact, Flow, Record, Sink};

use crate::plan::{NodeWord, Plan};
use crate::scenario;

use super::coverage::Coverage;
use super::search::{Explorer, Judged, Ran};
use super::story::Story;

/// A story as small as it gets, with the plan that it is told of: the same scenario, perhaps with fewer workers.
#[derive(Debug)]
pub struct Shrunken {
    /// The plan.
    pub plan: Plan,
    /// The story, which fails.
    pub ran: Ran,
    /// How many stories were tried.
    pub tried: u64,
}

/// Makes a story smaller that fails with this key: fewer actions, nodes by their names, usual answers, fewer workers, rounder
/// times, a smaller seed. None if the story does not fail so.
pub fn shrink(plan: &Plan, story: Story, key: &str) -> Option<Shrunken> {
    let mut explorer = Explorer::new(plan);
    let first = explorer.run_story(story, &mut Coverage::default());
    if !fails_so(&first, key) {
        return None;
    }
    let mut shrinking = Shrinking { explorer, plan, key, best: first, tried: 1 };
    shrinking.drop_what_was_left_out();
    shrinking.name_nodes();
    // Each pass may make room for others; it ends when nothing changes any more.
    loop {
        let before = shrinking.best.story.clone();
        shrinking.drop_deeds();
        shrinking.settle();
        shrinking.round_times();
        shrinking.drop_what_was_left_out();
        if shrinking.best.story == before || shrinking.tried >= LIMIT {
            break;
        }
    }
    shrinking.smaller_seed();
    let (ran, tried) = (shrinking.best.clone(), shrinking.tried);
    Some(fewer_workers(plan, &ran, key, tried).unwrap_or(Shrunken { plan: plan.clone(), ran, tried }))
}

struct Shrinking<'p> {
    explorer: Explorer<'p>,
    plan: &'p Plan,
    key: &'p str,
    best: Ran,
    tried: u64,
}

impl Shrinking<'_> {
    /// Takes a story if it fails in the same way.
    fn accept(&mut self, story: Story) -> bool {
        if story == self.best.story || self.tried >= LIMIT {
            return false;
        }
        self.tried += 1;
        let ran = self.explorer.run_story(story, &mut Coverage::default());
        let is_accepted = fails_so(&ran, self.key);
        if is_accepted {
            self.best = ran;
        }
        is_accepted
    }

    /// What was not possible at its moment was no part of the story.
    fn drop_what_was_left_out(&mut self) {
        let given = self.plan.given;
        let deeds = self.best.story.deeds.len();
        let mut left_out: Vec<usize> = self
            .best
            .left_out
            .iter()
            .filter_map(|number| number.index().checked_sub(given))
            .filter(|&index| index < deeds)
            .collect();
        left_out.sort_unstable_by(|one, other| other.cmp(one));
        let mut story = self.best.story.clone();
        for index in left_out {
            story = story.without(index);
        }
        self.accept(story);
    }

    /// Words for nodes give way to the nodes that they stood for.
    fn name_nodes(&mut self) {
        let mut targets = Targets::default();
        let mut told = self.plan.clone();
        self.best.story.tell(&mut told);
        let mut backend = crate::backend::SimBackend::default();
        let mut left_out = Vec::new();
        crate::director::run_what_is_possible(&told, &mut backend, &mut targets, &mut left_out);
        let mut story = self.best.story.clone();
        for (index, deed) in story.deeds.iter_mut().enumerate() {
            let number = self.plan.given + index;
            let target = targets.nodes.iter().find(|(action, _)| *action == number).map(|(_, node)| *node);
            let Some(target) = target else { continue };
            let named: Result<_, std::convert::Infallible> = deed.action.resolve(|word| match word {
                NodeWord::Named(_) => Ok(word),
                NodeWord::Owner | NodeWord::Standby | NodeWord::FirstOwner | NodeWord::FirstStandby => {
                    Ok(NodeWord::Named(target))
                }
            });
            let Ok(named) = named;
            deed.action = named;
        }
        self.accept(story);
    }

    /// Fewer actions: halves first, then pairs, then one after the other, the last first.
    fn drop_deeds(&mut self) {
        let mut size = self.best.story.deeds.len().div_ceil(2);
        while size > 0 {
            let mut end = self.best.story.deeds.len();
            while end > 0 {
                let begin = end.saturating_sub(size);
                let mut story = self.best.story.clone();
                for index in (begin..end).rev() {
                    story = story.without(index);
                }
                self.accept(story);
                end = begin.min(self.best.story.deeds.len());
            }
            size /= 2;
        }
        // A fault and what takes it back, wherever that is.
        for later in (1..self.best.story.deeds.len()).rev() {
            for earlier in (0..later).rev() {
                if later < self.best.story.deeds.len() {
                    let story = self.best.story.without(later).without(earlier);
                    self.accept(story);
                }
            }
        }
    }

    /// The usual answer to each assumption.
    fn settle(&mut self) {
        for assumption in Assumption::ALL {
            if !self.plan.settled.contains(&assumption) {
                let mut story = self.best.story.clone();
                let usual = self.plan.assumptions.value(assumption);
                story.assumptions = story.assumptions.with(assumption, usual);
                self.accept(story);
            }
        }
    }

    /// Rounder times, the roundest first.
    fn round_times(&mut self) {
        for index in 0..=self.best.story.deeds.len() {
            let pause = |story: &Story| story.deeds.get(index).map_or(story.rest, |deed| deed.pause);
            let time = pause(&self.best.story);
            for unit in UNITS {
                let down = time.as_millis() as u64 / unit * unit;
                if Duration::from_millis(down) == time {
                    break;
                }
                if self.accept_pause(index, down) || self.accept_pause(index, down + unit) {
                    break;
                }
            }
        }
    }

    fn accept_pause(&mut self, index: usize, millis: u64) -> bool {
        let mut story = self.best.story.clone();
        let time = Duration::from_millis(millis);
        match story.deeds.get_mut(index) {
            Some(deed) => deed.pause = time,
            None => story.rest = time,
        }
        self.accept(story)
    }

    fn smaller_seed(&mut self) {
        for seed in 1..=SEEDS.min(self.best.story.seed.saturating_sub(1)) {
            let story = Story { seed, ..self.best.story.clone() };
            if self.accept(story) {
                return;
            }
        }
    }
}

/// The same story with as few workers as will do.
fn fewer_workers(plan: &Plan, ran: &Ran, key: &str, tried: u64) -> Option<Shrunken> {
    let there = plan.topology.workers.len() as u32;
    (1..there.min(MOST_WORKERS)).find_map(|workers| {
        let mut origin = plan.origin.clone();
        origin.overrides.workers = Some(workers);
        let fewer = scenario::plan(plan.scenario_name(), &origin, plan.seed).ok()?;
        let again = Explorer::new(&fewer).run_story(ran.story.clone(), &mut Coverage::default());
        let tried = tried + u64::from(workers);
        fails_so(&again, key).then_some(Shrunken { plan: fewer, ran: again, tried })
    })
}

pub(super) fn fails_so(ran: &Ran, key: &str) -> bool {
    matches!(&ran.judged, Judged::Failed(failure) if failure.key == key)
}

/// Which node each action was about.
#[derive(Debug, Default)]
struct Targets {
    nodes: Vec<(usize, NodeId)>,
}

impl Sink for Targets {
    fn record(&mut self, record: &Record) -> Flow {
        if let Fact::Acting { action, node: Some(node) } = record.fact {
            self.nodes.push((action.index(), node));
        }
        Flow::Continue
    }
}

/// So many stories are tried at most.
const LIMIT: u64 = 600;

/// So many seeds are tried in the place of a greater one.
const SEEDS: u64 = 5;

/// More workers than these are not counted down to.
const MOST_WORKERS: u32 = 5;

/// Units of round times, in milliseconds.
const UNITS: [u64; 9] = [600_000, 300_000, 60_000, 30_000, 10_000, 5_000, 1_000, 500, 100];
