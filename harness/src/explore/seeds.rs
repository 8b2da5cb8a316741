//! Which seeds were run?

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::shard::Shard;

/// Ranges of seeds: from, to (not included), and of how many shards which one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seeds(pub BTreeSet<Range>);

/// From, to (not included), the number of a shard, and how many shards there are.
pub type Range = (u64, u64, u32, u32);

impl Seeds {
    /// Whether a seed was run.
    pub fn has(&self, seed: u64) -> bool {
        let has =
            |&(from, to, number, of): &Range| (from..to).contains(&seed) && Shard { number, of }.has(seed);
        self.0.iter().any(has)
    }

    /// Whether some seed was run here and there.
    pub fn overlap(&self, other: &Self) -> bool {
        let share = |&(from, to, shard, shards): &Range,
                     &(own_from, own_to, own_shard, own_shards): &Range| {
            let may_share = shards != own_shards || shard == own_shard;
            may_share && from < own_to && own_from < to
        };
        other.0.iter().any(|one| self.0.iter().any(|own| share(one, own)))
    }

    /// The first seed.
    pub fn first(&self) -> Option<u64> {
        self.0.first().map(|(from, _, _, _)| *from)
    }

    /// The seed from which on there may be some of a shard that were not run: all before, from `from` on, were.
    pub fn done_from(&self, from: u64, shard: Shard) -> u64 {
        let goes_on = |seed: u64| {
            let holds = |&&(from, to, number, of): &&Range| {
                (from..to).contains(&seed) && (of == 1 || (number, of) == (shard.number, shard.of))
            };
            self.0.iter().find(holds).map(|(_, to, _, _)| *to)
        };
        std::iter::successors(Some(from), |seed| goes_on(*seed)).last().unwrap_or(from)
    }

    /// Adds a range; what touches it is one with it, and what lies within it is not told twice.
    pub(super) fn note(&mut self, from: u64, to: u64, shard: Shard) {
        let (mut least, mut most) = (from, to);
        self.0.retain(|&(from, to, number, of)| {
            let is_alike = (number, of) == (shard.number, shard.of);
            let touches = is_alike && from <= most && least <= to;
            if touches {
                (least, most) = (least.min(from), most.max(to));
            }
            !touches
        });
        if shard == Shard::WHOLE {
            self.0.retain(|&(from, to, _, _)| from < least || most < to);
        }
        self.0.insert((least, most, shard.number, shard.of));
    }

    /// The parts of which nothing is here, although others of as many are.
    pub fn missing(&self) -> Vec<Shard> {
        let sizes: BTreeSet<u32> = self.0.iter().map(|(_, _, _, of)| *of).collect();
        let mut missing = Vec::new();
        for of in sizes {
            let here: Vec<&Range> = self.0.iter().filter(|range| range.3 == of).collect();
            let from = here.iter().map(|range| range.0).min().unwrap_or_default();
            let to = here.iter().map(|range| range.1).max().unwrap_or_default();
            // What a file says may be anything: no more are looked for than a search can have had.
            let parts = (1..=of.min(MOST_PARTS)).map(|number| Shard { number, of });
            missing.extend(parts.filter(|shard| {
                here.iter().all(|range| range.2 != shard.number) && self.done_from(from, *shard) < to
            }));
        }
        missing
    }
}

/// So many parts of a search are told apart where some are missing.
const MOST_PARTS: u32 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Shard = Shard { number: 2, of: 2 };

    #[test]
    fn what_touches_is_one_range_and_what_lies_within_the_whole_is_told_once() {
        let mut seeds = Seeds::default();
        seeds.note(1, 41, Shard::WHOLE);
        seeds.note(1, 81, Shard::WHOLE);
        seeds.note(81, 91, Shard::WHOLE);
        assert_eq!(seeds.0, BTreeSet::from([(1, 91, 1, 1)]));
        let mut seeds = Seeds::default();
        seeds.note(1, 81, SECOND);
        seeds.note(1, 41, Shard::WHOLE);
        assert_eq!(seeds.0, BTreeSet::from([(1, 41, 1, 1), (1, 81, 2, 2)]));
        seeds.note(41, 91, Shard::WHOLE);
        assert_eq!(seeds.0, BTreeSet::from([(1, 91, 1, 1)]));
    }

    #[test]
    fn a_search_goes_on_where_its_own_part_has_a_gap() {
        let mut seeds = Seeds::default();
        seeds.note(1, 41, SECOND);
        assert_eq!((seeds.done_from(1, SECOND), seeds.done_from(1, Shard::WHOLE)), (41, 1));
        seeds.note(41, 51, Shard::WHOLE);
        assert_eq!(seeds.done_from(1, SECOND), 51);
        assert!(seeds.has(41) && seeds.has(3) && !seeds.has(2) && !seeds.has(51));
    }

    #[test]
    fn a_part_is_missing_where_nothing_of_it_is_here() {
        let mut seeds = Seeds::default();
        seeds.note(1, 81, Shard { number: 3, of: 4 });
        seeds.note(1, 61, Shard { number: 1, of: 4 });
        let missing = |seeds: &Seeds| seeds.missing().iter().map(Shard::to_string).collect::<Vec<_>>();
        assert_eq!(missing(&seeds), ["2/4", "4/4"]);
        seeds.note(1, 11, Shard { number: 2, of: 4 });
        seeds.note(1, 11, Shard { number: 4, of: 4 });
        assert_eq!(missing(&seeds), Vec::<String>::new());
        let mut whole = Seeds::default();
        whole.note(1, 81, SECOND);
        whole.note(1, 101, Shard::WHOLE);
        assert_eq!(missing(&whole), Vec::<String>::new());
    }
}
