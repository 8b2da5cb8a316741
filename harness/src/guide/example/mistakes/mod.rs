//! What can be wrong with a cluster, one mistake at a time?
//!
//! Each mistake is made in the snapshot of a cluster that follows the guide, as the script would have seen it.

mod beyond;
mod change;
mod cluster;
mod masters;
mod role;
mod workers;

use crate::guide::snapshot::Snapshot;

use beyond::BEYOND_THE_STEPS;
use cluster::STEPS_1_AND_2;
use masters::STEPS_3_TO_5;
use role::STEP_6;
use workers::STEPS_7_AND_8;

/// One mistake.
#[derive(Clone, Copy)]
pub struct Mistake {
    /// Its name.
    pub name: &'static str,
    /// The rule that tells of it, and the only one.
    pub rule: &'static str,
    /// The right snapshot that it is made in.
    pub of: fn() -> Snapshot,
    /// Makes it.
    pub make: fn(&mut Snapshot),
}

impl Mistake {
    /// The snapshot with this mistake.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = (self.of)();
        (self.make)(&mut snapshot);
        snapshot
    }
}

/// All mistakes, in the order of the rules.
pub const MISTAKES: &[Mistake] = &joined::<COUNT>();

const GROUPS: [&[Mistake]; 5] = [STEPS_1_AND_2, STEPS_3_TO_5, STEP_6, STEPS_7_AND_8, BEYOND_THE_STEPS];
const COUNT: usize =
    STEPS_1_AND_2.len() + STEPS_3_TO_5.len() + STEP_6.len() + STEPS_7_AND_8.len() + BEYOND_THE_STEPS.len();

const fn joined<const N: usize>() -> [Mistake; N] {
    let mut all = [STEP_6[0]; N];
    let (mut group, mut place) = (0, 0);
    while group < GROUPS.len() {
        let mut index = 0;
        while index < GROUPS[group].len() {
            all[place] = GROUPS[group][index];
            (index, place) = (index + 1, place + 1);
        }
        group += 1;
    }
    all
}
