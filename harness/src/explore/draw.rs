//! Which story does a seed tell?
//!
//! A story is a pure function of a plan and a seed: every value is drawn by its own purpose and number, so that nothing
//! shifts when something else is left out.

use std::time::Duration;

use failover_sim::action::Action;
use failover_sim::assumption::Assumption;

use crate::plan::{Family, NodeWord, Order, Plan, StepKind};

use super::story::{Deed, End, Kind, Story, is_of_named_nodes, undo};

/// The story that a seed tells of a plan. Without a `family` only moments and assumptions are drawn.
pub fn draw(plan: &Plan, seed: u64) -> Story {
    let draw = Draw { seed };
    let mut assumptions = plan.assumptions;
    for (number, assumption) in Assumption::ALL.into_iter().enumerate() {
        let answers = plan.possible_answers(assumption);
        if answers.len() > 1 {
            let drawn = draw.below(What::Assumption, number as u64, answers.len() as u64);
            assumptions = assumptions.with(assumption, answers[drawn as usize]);
        }
    }
    let mut timed = own_actions(plan, draw);
    if let Some(family) = &plan.family {
        faults(family, draw, &mut timed);
    }
    // Equal moments keep the order in which they were drawn.
    timed.sort_by_key(|(moment, _)| *moment);
    let mut deeds = Vec::with_capacity(timed.len());
    let mut before = 0;
    for (moment, (kind, action)) in timed {
        deeds.push(Deed { pause: Duration::from_millis(moment - before), kind, action });
        before = moment;
    }
    let rest = Duration::from_millis(draw.time(What::Rest, 0, 5 * 60_000));
    // What heals a fault soon may make two of it: only stories without such are left to themselves.
    let faults = deeds.iter().filter(|deed| deed.kind == Kind::Fault).count();
    let is_healing = deeds.iter().any(|deed| deed.kind == Kind::Healing);
    let survives = plan.family.as_ref().map_or(0, |family| usize::from(family.survives));
    let end = if (1..=survives).contains(&faults) && !is_healing {
        End::Survived
    } else {
        End::Healed(draw.raw(What::HealingOrder, 0))
    };
    Story { seed, assumptions, deeds, rest, end }
}

/// An action at its moment, in milliseconds after the steps began.
type Timed = (u64, (Kind, Action<NodeWord>));

/// The actions of the steps. Between two of them lies at most what the scenario allows them: its waits, at their longest.
fn own_actions(plan: &Plan, draw: Draw) -> Vec<Timed> {
    let mut actions = Vec::new();
    let mut moments = Vec::new();
    let (mut moment, mut allowed) = (0, 0);
    for step in &plan.steps {
        match &step.kind {
            StepKind::Act(number) => {
                // The first one sweeps the cycles of all timers evenly: neighbours in the order of seeds lie far apart.
                moment += match actions.is_empty() {
                    true => draw.swept(LONGEST_CYCLE),
                    false => draw.time(What::Gap, actions.len() as u64, allowed),
                };
                allowed = 0;
                moments.push(moment);
                actions.push((Kind::Own, plan.action(*number).action));
            }
            StepKind::Expect { within: time, .. } | StepKind::Hold { time, .. } | StepKind::Pause(time) => {
                allowed += time.as_millis() as u64;
            }
        }
    }
    if plan.family.as_ref().is_some_and(|family| family.order == Order::Any) {
        for last in (1..actions.len()).rev() {
            let other = draw.below(What::Order, last as u64, last as u64 + 1) as usize;
            actions.swap(last, other);
        }
    }
    moments.into_iter().zip(actions).collect()
}

/// Some of the faults that a scenario allows: each run enables a random part of them, so that one kind does not always
/// hide another. Half of those that can be healed are healed soon.
fn faults(family: &Family, draw: Draw, timed: &mut Vec<Timed>) {
    let all = &family.faults;
    let mut enabled: Vec<usize> =
        (0..all.len()).filter(|&fault| draw.below(What::Enabled, fault as u64, 2) == 1).collect();
    if enabled.is_empty() {
        enabled = (0..all.len()).collect();
    }
    if enabled.is_empty() {
        return;
    }
    let window = family.within.as_millis() as u64;
    let least = u64::from(timed.is_empty());
    let count = least + draw.below(What::Count, 0, u64::from(family.at_most) - least + 1);
    for number in 0..count {
        let fault = enabled[draw.below(What::Fault, number, enabled.len() as u64) as usize];
        let action = all[fault].action;
        let moment = moment(draw, number, window, timed);
        timed.push((moment, (Kind::Fault, action)));
        if let Some(undo) = undo(action)
            && is_of_named_nodes(undo)
            && draw.below(What::HealedSoon, number, 2) == 1
        {
            let later = draw.time(What::HealedAfter, number, window / 2);
            timed.push((moment + later, (Kind::Healing, undo)));
        }
    }
}

/// Anywhere in the window, or close to something else that happens.
fn moment(draw: Draw, number: u64, window: u64, timed: &[Timed]) -> u64 {
    let near = draw.below(What::Near, number, timed.len() as u64 + 1) as usize;
    match timed.get(near) {
        Some((moment, _)) => moment + draw.time(What::Moment, number, window),
        None if number == 0 => draw.swept(LONGEST_CYCLE),
        None => draw.below(What::Moment, number, window + 1),
    }
}

/// The random values of a story.
#[derive(Clone, Copy, Debug)]
struct Draw {
    seed: u64,
}

/// What a value is for. The number is part of the value: append, never reorder.
#[derive(Clone, Copy, Debug)]
enum What {
    Assumption = 1,
    Gap = 2,
    Order = 3,
    Enabled = 4,
    Count = 5,
    Fault = 6,
    Near = 7,
    Moment = 8,
    HealedSoon = 9,
    HealedAfter = 10,
    Rest = 11,
    HealingOrder = 12,
    Scale = 13,
}

impl Draw {
    fn raw(self, what: What, number: u64) -> u64 {
        mix(mix(self.seed ^ STORY ^ ((what as u64) << 56)).wrapping_add(number))
    }

    /// A number below `end`, all equally likely; 0 if there is none.
    fn below(self, what: What, number: u64, end: u64) -> u64 {
        ((u128::from(self.raw(what, number)) * u128::from(end)) >> 64) as u64
    }

    /// A time in milliseconds of at most `most`: at once, within one heartbeat's reach, within a minute, or anything.
    fn time(self, what: What, number: u64, most: u64) -> u64 {
        let scale = self.below(What::Scale, ((what as u64) << 32) | number, 8);
        let reach = match scale {
            0 => 0,
            1..=3 => 15_000,
            4 | 5 => 60_000,
            _ => most,
        };
        self.below(what, number, reach.min(most) + 1)
    }

    /// A moment within a cycle, evenly over all seeds and over any run of neighbouring seeds: the radical inverse of the
    /// seed in base 2.
    fn swept(self, cycle: Duration) -> u64 {
        ((u128::from(self.seed.reverse_bits()) * cycle.as_millis()) >> 64) as u64
    }
}

/// The finaliser of SplitMix64.
pub(super) const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The longest of the timers whose phase decides what a fault meets: IsAlive polls, leases and agent heartbeats run a
/// minute (all documented defaults).
const LONGEST_CYCLE: Duration = Duration::from_secs(60);

/// Keeps the values of a story apart from those of the world with the same seed.
const STORY: u64 = 0x5354_4f52_5953_4545;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_moment_sweeps_its_cycle_evenly() {
        let mut tenths = [0_u32; 10];
        for seed in 1_000..2_000 {
            tenths[(Draw { seed }.swept(LONGEST_CYCLE) / 6_000) as usize] += 1;
        }
        assert!(tenths.iter().all(|count| (90..=110).contains(count)), "{tenths:?}");
    }

    #[test]
    fn a_number_stays_below_its_end() {
        let draw = Draw { seed: 7 };
        for number in 0..1_000 {
            assert!(draw.below(What::Fault, number, 3) < 3);
            assert!(draw.time(What::Gap, number, 5_000) <= 5_000);
        }
        assert_eq!(draw.below(What::Fault, 0, 0), 0);
    }
}
