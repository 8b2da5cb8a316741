//! What would be seen if these answers were true?
//!
//! The simulator runs the plan with other seeds, and with other lengths of everything that nobody has measured: what it
//! shows in any of these runs can be seen.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use failover_sim::assumption::{Assumption, Assumptions};
use failover_sim::choices::Spread;
use failover_sim::observe::{Flow, Record, Sink};
use failover_sim::step::Shared;
use failover_sim::topology::Timings;

use crate::backend::{Backend, SimBackend};
use crate::check::Outcome;
use crate::director;
use crate::plan::Plan;

use super::seen::{Lapse, Sighting, State, Stay, Subject, watch};

/// Everything that some run has shown with the same answers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Foretold {
    /// In how many runs each thing was told of, and what it went through there.
    states: BTreeMap<Subject, (u32, Vec<Vec<Stay>>)>,
    runs: u32,
    lapses: BTreeMap<Lapse, (i64, i64)>,
    outcomes: Vec<Outcome>,
}

/// Why what was seen cannot be seen with these answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    /// No run goes through these states.
    States(Subject),
    /// A time, and its bounds in all runs, if any run has it.
    Lapse { lapse: Lapse, seen: (i64, i64), foretold: Option<(i64, i64)> },
    /// No run ends like this.
    Outcome(Outcome),
}

/// Runs a plan in the simulator with other answers.
pub(super) struct Oracle {
    plans: Vec<Plan>,
    backend: SimBackend,
}

impl Oracle {
    pub(super) fn new(plan: &Plan) -> Self {
        let plans = PACES.map(|pace| {
            let mut topology = (*plan.topology).clone();
            topology.timings = paced(&topology.timings, pace);
            Plan { topology: Shared::new(topology), ..plan.clone() }
        });
        Self { plans: plans.into(), backend: SimBackend::default() }
    }

    /// How many lengths of what nobody has measured it tries.
    pub(super) fn paces(&self) -> usize {
        self.plans.len()
    }

    /// Adds the runs of one pace with some seeds, and comes back with the assumptions that they asked for.
    pub(super) fn run(
        &mut self,
        pace: usize,
        seeds: Range<u64>,
        answers: Assumptions,
        foretold: &mut Foretold,
    ) -> Vec<Assumption> {
        let mut consulted = Vec::new();
        for seed in seeds {
            let plan = Plan { seed, assumptions: answers, ..self.plans[pace].clone() };
            let mut records = Records(Vec::new());
            let judgement = director::run(&plan, &mut self.backend, &mut records);
            // Whoever looks now and then sees the end later than it is there.
            let until = self.backend.now() + AFTERWARDS;
            let _ = self.backend.advance(until, &mut records);
            for assumption in self.backend.consulted() {
                if !consulted.contains(&assumption) {
                    consulted.push(assumption);
                }
            }
            foretold.take(Sighting::of(&plan, &records.0, &judgement));
        }
        consulted
    }
}

impl Foretold {
    fn take(&mut self, sighting: Sighting) {
        self.runs += 1;
        for (subject, stays) in sighting.states {
            let (runs, known) = self.states.entry(subject).or_default();
            *runs += 1;
            if !known.contains(&stays) {
                known.push(stays);
            }
        }
        for (lapse, least, most) in sighting.lapses {
            let bounds = self.lapses.entry(lapse).or_insert((least, most));
            *bounds = (bounds.0.min(least), bounds.1.max(most));
        }
        self.outcomes.extend(sighting.outcome);
    }

    /// Whether somebody who looked like this could have seen that.
    pub(super) fn fits(&self, seen: &Sighting) -> Result<(), Misfit> {
        if let Some(outcome) = seen.outcome
            && !self.outcomes.contains(&outcome)
        {
            return Err(Misfit::Outcome(outcome));
        }
        for (subject, stays) in &seen.states {
            let often = seen.often.get(&watch(*subject)).copied().unwrap_or_default();
            let (runs, known) = self.states.get(subject).map_or((0, &[][..]), |(runs, known)| (*runs, known));
            // A run that does not tell of it has left it as it was.
            let is_still = runs < self.runs && stays.len() == 1;
            if !is_still && !known.iter().any(|known| can_be_seen(stays, known, often)) {
                return Err(Misfit::States(*subject));
            }
        }
        for &(lapse, least, most) in &seen.lapses {
            let foretold = self.lapses.get(&lapse).copied();
            // A few seeds do not meet the ends of what is possible.
            let overlaps = foretold.is_some_and(|(from, to)| {
                let margin = (to - from) / 5 + GRAIN;
                least <= to + margin && most >= from - margin
            });
            if !overlaps {
                return Err(Misfit::Lapse { lapse, seen: (least, most), foretold });
            }
        }
        Ok(())
    }
}

/// Whether somebody who looks so often sees these states of what goes through those: only what lasts less than from one
/// look to the next can be missed, and what begins late may come too late.
fn can_be_seen(seen: &[Stay], known: &[Stay], often: Duration) -> bool {
    let mut reached = vec![false; seen.len() + 1];
    reached[0] = true;
    for (number, Stay { state, time, .. }) in known.iter().enumerate() {
        let can_be_missed = *time < often;
        let mut next = vec![false; seen.len() + 1];
        for place in (0..=seen.len()).filter(|&place| reached[place]) {
            let is = |place: usize| {
                seen.get(place).is_some_and(|other| {
                    other.state == *state || other.state == State::Unsaid || *state == State::Unsaid
                })
            };
            next[place] |= can_be_missed || place > 0 && is(place - 1);
            if is(place) {
                next[place + 1] = true;
            }
        }
        reached = next;
        if reached[seen.len()] && known[number + 1..].iter().all(|stay| stay.is_late || stay.time < often) {
            return true;
        }
    }
    false
}

/// The same timings, with everything that is still the program's own guess at another pace.
fn paced(timings: &Timings, (times, of): (u32, u32)) -> Timings {
    let guess = Timings::DEFAULT;
    let spread = |own: Spread, guess: Spread| {
        let other = |length: Duration| length * times / of;
        if own == guess {
            Spread { least: other(own.least), mode: other(own.mode), most: other(own.most) }
        } else {
            own
        }
    };
    Timings {
        regroup: spread(timings.regroup, guess.regroup),
        join: spread(timings.join, guess.join),
        disk_online: spread(timings.disk_online, guess.disk_online),
        ip_address_online: spread(timings.ip_address_online, guess.ip_address_online),
        network_name_online: spread(timings.network_name_online, guess.network_name_online),
        sql_server_online: spread(timings.sql_server_online, guess.sql_server_online),
        recovery: spread(timings.recovery, guess.recovery),
        agent_online: spread(timings.agent_online, guess.agent_online),
        availability_group_online: spread(timings.availability_group_online, guess.availability_group_online),
        master_online: spread(timings.master_online, guess.master_online),
        master_serves: spread(timings.master_serves, guess.master_serves),
        sql_server_offline: spread(timings.sql_server_offline, guess.sql_server_offline),
        offline: spread(timings.offline, guess.offline),
        ..*timings
    }
}

struct Records(Vec<Record>);

impl Sink for Records {
    fn record(&mut self, record: &Record) -> Flow {
        self.0.push(*record);
        Flow::Continue
    }
}

/// How fast what nobody has measured may be: as guessed, twice as long, half as long, four times as long.
const PACES: [(u32, u32); 4] = [(1, 1), (2, 1), (1, 2), (4, 1)];
/// Seeds of the first runs with the same answers and the same pace.
pub(super) const FIRST: Range<u64> = 1..7;
/// Seeds of further ones, before an answer is ruled out for good.
pub(super) const FURTHER: Range<u64> = 7..19;
/// How long a run goes on after its end.
const AFTERWARDS: Duration = Duration::from_secs(20);
/// Microseconds that nobody argues about.
const GRAIN: i64 = 50_000;

#[cfg(test)]
mod tests {
    use failover_sim::observe::NodeState;

    use super::*;

    const UP: State = State::Node(NodeState::Up);
    const DOWN: State = State::Node(NodeState::Down);

    fn stays(states: &[(State, u64)]) -> Vec<Stay> {
        let stay = |&(state, seconds): &(State, u64)| Stay {
            state,
            time: Duration::from_secs(seconds),
            is_late: false,
        };
        states.iter().map(stay).collect()
    }

    #[test]
    fn only_what_is_short_can_be_missed() {
        let known = stays(&[(UP, 900), (DOWN, 2), (UP, 900)]);
        let often = Duration::from_secs(3);
        assert!(can_be_seen(&stays(&[(UP, 0)]), &known, often));
        assert!(can_be_seen(&stays(&[(UP, 0), (DOWN, 0), (UP, 0)]), &known, often));
        assert!(!can_be_seen(&stays(&[(DOWN, 0)]), &known, often), "the first state lasts");
        assert!(!can_be_seen(&stays(&[(UP, 0), (DOWN, 0), (UP, 0), (DOWN, 0)]), &known, often));
        let known = stays(&[(UP, 900), (DOWN, 5), (State::Starting, 900)]);
        assert!(
            !can_be_seen(&stays(&[(UP, 0), (State::Starting, 0)]), &known, often),
            "it was down for long"
        );
        assert!(can_be_seen(&stays(&[(UP, 0), (State::Starting, 0)]), &known, 2 * often));
    }

    #[test]
    fn only_what_comes_late_may_not_have_come_yet() {
        let often = Duration::from_secs(3);
        let mut known = stays(&[(UP, 900), (DOWN, 900)]);
        assert!(!can_be_seen(&stays(&[(UP, 0)]), &known, often));
        known[1].is_late = true;
        assert!(can_be_seen(&stays(&[(UP, 0)]), &known, often));
    }

    #[test]
    fn what_nobody_has_said_may_be_anything() {
        let often = Duration::ZERO;
        let known = stays(&[(State::Unsaid, 900), (DOWN, 900)]);
        assert!(can_be_seen(&stays(&[(UP, 0), (DOWN, 0)]), &known, often));
        assert!(can_be_seen(&stays(&[(DOWN, 0)]), &known, often));
        assert!(!can_be_seen(&stays(&[(UP, 0)]), &known, often));
    }
}
