//! Which of the possible values does this run take?
//!
//! A random value is a function of (seed, purpose, subject, ordinal) and never of the order of draws, so that taking
//! one fault out of a story shifts nothing else. What nobody knows about the product is looked up here too, so that
//! every run can say which assumptions it rested on.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::assumption::{Assumption, Assumptions};
use crate::time::micros;

/// What a random value is for. The number is part of the value: append, never reorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Purpose {
    /// Time that one message takes on a link.
    LinkDelay = 1,
    /// Phase of the heartbeats that one node receives from another.
    HeartbeatPhase = 2,
    /// Time of a regroup.
    RegroupTime = 3,
    /// Time that a resource needs to come online.
    OnlineTime = 4,
    /// Time that a resource needs to go offline.
    OfflineTime = 5,
    /// Time between SQL Server being online and SSISDB being usable.
    RecoveryTime = 6,
    /// Time between the master service running and its endpoint answering.
    ServeTime = 7,
    /// Phase of a resource's LooksAlive polls.
    LooksAlivePhase = 8,
    /// Which node owns a role next, where Windows decides at random.
    NextOwner = 9,
    /// Which node loses its vote, where Windows decides at random.
    VoteRemoved = 10,
    /// Phase of a worker's agent heartbeat.
    AgentHeartbeatPhase = 11,
    /// Phase of a worker's task requests.
    TaskRequestPhase = 12,
    /// Time until a starting node has joined.
    JoinTime = 13,
    /// Which address of a name a client tries first.
    AddressOrder = 14,
    /// Time from the boot of a node to its own instance of SQL Server, where one starts with the machine.
    InstanceTime = 15,
    /// Whether a packet is lost on a poor link.
    PacketLoss = 16,
}

/// The full name of one random value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChoiceKey {
    /// What it is for.
    pub purpose: Purpose,
    /// Whom it concerns, by the number of a node, worker, resource or pair.
    pub subject: u32,
    /// The how manieth of its kind for this subject.
    pub ordinal: u32,
}

/// A duration that varies: the least, the most frequent and the greatest value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spread {
    /// The shortest time that occurs.
    pub least: Duration,
    /// The most frequent time.
    pub mode: Duration,
    /// The longest time that occurs.
    pub most: Duration,
}

impl Spread {
    /// A spread in milliseconds.
    pub const fn millis(least: u64, mode: u64, most: u64) -> Self {
        Self {
            least: Duration::from_millis(least),
            mode: Duration::from_millis(mode),
            most: Duration::from_millis(most),
        }
    }

    /// Always the same time.
    pub const fn fixed(duration: Duration) -> Self {
        Self { least: duration, mode: duration, most: duration }
    }
}

/// The random values and assumptions of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choices {
    /// For each purpose the part of its hashes that is always the same.
    roots: [u64; PURPOSES],
    fixed: BTreeMap<ChoiceKey, u64>,
    assumptions: Assumptions,
    consulted: u64,
}

impl Choices {
    /// The choices of a run with this seed; `fixed` values win over drawn ones.
    pub fn new(seed: u64, fixed: BTreeMap<ChoiceKey, u64>, assumptions: Assumptions) -> Self {
        let roots = std::array::from_fn(|purpose| mix(seed ^ (purpose as u64) << 56));
        Self { roots, fixed, assumptions, consulted: 0 }
    }

    /// A value from `least` to `most`, both included, all equally likely. `most < least` gives `least`.
    pub fn between(&self, key: ChoiceKey, least: u64, most: u64) -> u64 {
        // A hash times the number of values, over 2^64.
        let hash = u128::from(self.hash(key));
        let wide = hash * u128::from(most.saturating_sub(least)) + hash;
        let drawn = least + (wide >> 64) as u64;
        if self.fixed.is_empty() { drawn } else { self.fixed_or(key, drawn) }
    }

    /// A hash of the seed and the key, by the finaliser of SplitMix64 over both halves of the key.
    const fn hash(&self, key: ChoiceKey) -> u64 {
        let place = ((key.subject as u64) << 32) | key.ordinal as u64;
        mix(self.roots[key.purpose as usize].wrapping_add(place))
    }

    #[cold]
    fn fixed_or(&self, key: ChoiceKey, drawn: u64) -> u64 {
        self.fixed.get(&key).copied().unwrap_or(drawn)
    }

    /// A duration from a triangular distribution, in whole microseconds.
    pub fn spread(&self, key: ChoiceKey, spread: Spread) -> Duration {
        let (least, mode, most) = (micros(spread.least), micros(spread.mode), micros(spread.most));
        if most <= least {
            return spread.least;
        }
        // Inverse of the triangular distribution in integers: u of 2^32 equally likely steps.
        let u = u128::from(self.between(key, 0, u64::from(u32::MAX)));
        let (width, rise, fall) =
            (u128::from(most - least), u128::from(mode - least), u128::from(most - mode));
        let peak = (rise << 32) / width;
        let micros = if u <= peak {
            u128::from(least) + ((u * width * rise) >> 32).isqrt()
        } else {
            u128::from(most) - ((((1 << 32) - u) * width * fall) >> 32).isqrt()
        };
        Duration::from_micros(micros as u64)
    }

    /// The value that this run takes for what is not known; asking marks the assumption as consulted.
    pub fn assume(&mut self, assumption: Assumption) -> usize {
        self.consulted |= 1 << assumption as u64;
        self.assumptions.value(assumption)
    }

    /// The assumptions that were asked for.
    pub fn consulted(&self) -> impl Iterator<Item = Assumption> {
        let consulted = self.consulted;
        Assumption::ALL.iter().copied().filter(move |&assumption| consulted & (1 << assumption as u64) != 0)
    }
}

const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// One more than the greatest number of a purpose.
const PURPOSES: usize = Purpose::PacketLoss as usize + 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn key(subject: u32, ordinal: u32) -> ChoiceKey {
        ChoiceKey { purpose: Purpose::LinkDelay, subject, ordinal }
    }

    fn choices(fixed: BTreeMap<ChoiceKey, u64>) -> Choices {
        Choices::new(7, fixed, Assumptions::default())
    }

    #[test]
    fn a_value_does_not_depend_on_what_was_drawn_before() {
        let one = choices(BTreeMap::new());
        let other = choices(BTreeMap::new());
        other.between(key(9, 9), 0, 100);
        assert_eq!(one.between(key(1, 2), 0, u64::MAX - 1), other.between(key(1, 2), 0, u64::MAX - 1));
    }

    #[test]
    fn a_fixed_value_wins_and_shifts_nothing() {
        let drawn = choices(BTreeMap::new());
        let fixed = choices(BTreeMap::from([(key(1, 1), 42)]));
        assert_eq!(fixed.between(key(1, 1), 0, 1_000_000), 42);
        assert_eq!(fixed.between(key(1, 2), 0, 1_000_000), drawn.between(key(1, 2), 0, 1_000_000));
    }

    #[test]
    fn values_fill_their_range_evenly() {
        let choices = choices(BTreeMap::new());
        let mut seen = [0_u32; 10];
        for ordinal in 0..10_000 {
            seen[choices.between(key(0, ordinal), 10, 19) as usize - 10] += 1;
        }
        assert!(seen.iter().all(|count| (850..1_150).contains(count)), "{seen:?}");
    }

    #[test]
    fn a_spread_stays_inside_its_ends_and_leans_to_its_mode() {
        let choices = choices(BTreeMap::new());
        let spread = Spread::millis(500, 2_000, 15_000);
        let times: Vec<Duration> = (0..4_000).map(|n| choices.spread(key(3, n), spread)).collect();
        assert!(times.iter().all(|time| (spread.least..=spread.most).contains(time)));
        let mean = times.iter().sum::<Duration>() / 4_000;
        // The mean of a triangle is a third of the sum of its corners: 5.83 s.
        assert!((Duration::from_millis(5_600)..Duration::from_millis(6_050)).contains(&mean), "{mean:?}");
    }

    #[test]
    fn only_what_was_asked_for_counts_as_consulted() {
        let mut choices = choices(BTreeMap::new());
        assert_eq!(choices.consulted().count(), 0);
        choices.assume(Assumption::FirstSweep);
        assert_eq!(choices.consulted().collect::<Vec<_>>(), [Assumption::FirstSweep]);
    }
}
