//! Which part of a search is run here?

use std::fmt;

/// One of several equal parts of all seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which one, from 1.
    pub number: u32,
    /// How many there are.
    pub of: u32,
}

/// A shard that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardError(String);

impl fmt::Display for ShardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected a number and how many there are, such as `2/8`, found `{}`", self.0)
    }
}

impl std::error::Error for ShardError {}

impl Shard {
    /// All seeds.
    pub const WHOLE: Self = Self { number: 1, of: 1 };

    /// Reads `I/N`.
    ///
    /// # Errors
    /// If it is no such pair of numbers.
    pub fn parse(text: &str) -> Result<Self, ShardError> {
        let numbers = text.split_once('/').map(|(number, of)| (number.trim().parse(), of.trim().parse()));
        match numbers {
            Some((Ok(number), Ok(of))) => Self::new(number, of).ok_or_else(|| ShardError(text.to_owned())),
            Some((Err(_), _) | (_, Err(_))) | None => Err(ShardError(text.to_owned())),
        }
    }

    /// This one of so many, if there is one.
    pub(super) fn new(number: u32, of: u32) -> Option<Self> {
        (1..=of).contains(&number).then_some(Self { number, of })
    }

    /// The part that the surroundings name, and by which variable: the matrix of GitLab (`parallel:`), an array of Slurm, an
    /// indexed job of Kubernetes, a matrix of GitHub. The last two do not say by themselves how many there are:
    /// their manifests must set `JOB_COMPLETIONS`, or `JOB_INDEX` and `JOB_TOTAL` from `strategy.job-index` and
    /// `strategy.job-total`.
    ///
    /// # Errors
    /// If a variable is there and makes no sense, or an indexed job does not say how many there are: each of its pods would
    /// run the same seeds.
    pub fn from_surroundings(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<(Self, &'static str)>, ShardError> {
        for (number, first, of) in SURROUNDINGS {
            let Some(number_text) = variable(number) else { continue };
            let Some(of_text) = variable(of) else {
                if number == KUBERNETES {
                    let said = format!("{number}={number_text}, and {of} is not set (nor `--shard`)");
                    return Err(ShardError(said));
                }
                continue;
            };
            let said = || ShardError(format!("{number}={number_text}, {of}={of_text}"));
            let first = match first {
                First::Is(first) => first,
                // Slurm's arrays begin anywhere; with steps between their numbers there is no way to tell the place.
                First::In(name) => match variable(name).map(|first| first.parse()) {
                    Some(Ok(first)) => first,
                    Some(Err(_)) => return Err(said()),
                    None => 0,
                },
            };
            let shard = match (number_text.parse::<u32>(), of_text.parse::<u32>()) {
                (Ok(number), Ok(of)) => {
                    let number = number.checked_sub(first).and_then(|place| place.checked_add(1));
                    number.and_then(|number| Self::new(number, of)).ok_or_else(said)?
                }
                (Err(_), _) | (_, Err(_)) => return Err(said()),
            };
            return Ok(Some((shard, number)));
        }
        Ok(None)
    }

    /// Whether a seed belongs to it.
    pub const fn has(self, seed: u64) -> bool {
        seed % self.of as u64 == (self.number - 1) as u64
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

/// The least number of a part.
#[derive(Clone, Copy, Debug)]
enum First {
    Is(u32),
    In(&'static str),
}

/// Set in each pod of an indexed job (Kubernetes: indexed job, documented), and by nobody else.
const KUBERNETES: &str = "JOB_COMPLETION_INDEX";

const SURROUNDINGS: [(&str, First, &str); 4] = [
    ("CI_NODE_INDEX", First::Is(1), "CI_NODE_TOTAL"),
    ("SLURM_ARRAY_TASK_ID", First::In("SLURM_ARRAY_TASK_MIN"), "SLURM_ARRAY_TASK_COUNT"),
    (KUBERNETES, First::Is(0), "JOB_COMPLETIONS"),
    ("JOB_INDEX", First::Is(0), "JOB_TOTAL"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings(set: &[(&str, &str)]) -> Result<Option<(Shard, &'static str)>, ShardError> {
        Shard::from_surroundings(|name| {
            set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn each_seed_belongs_to_one_shard() {
        for seed in 0..100 {
            let owners = (1..=7).filter(|&number| Shard { number, of: 7 }.has(seed)).count();
            assert_eq!(owners, 1);
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert_eq!(Shard::parse("2/8"), Ok(Shard { number: 2, of: 8 }));
        for wrong in ["0/8", "9/8", "8", "a/b", "1/0", ""] {
            assert!(Shard::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_part_is_known_by_what_starts_it() {
        let gitlab = surroundings(&[("CI_NODE_INDEX", "3"), ("CI_NODE_TOTAL", "4")]);
        assert_eq!(gitlab, Ok(Some((Shard { number: 3, of: 4 }, "CI_NODE_INDEX"))));
        let slurm =
            [("SLURM_ARRAY_TASK_ID", "12"), ("SLURM_ARRAY_TASK_MIN", "10"), ("SLURM_ARRAY_TASK_COUNT", "5")];
        assert_eq!(
            surroundings(&slurm).map(|found| found.map(|(shard, _)| shard.to_string())),
            Ok(Some("3/5".to_owned()))
        );
        let kubernetes = surroundings(&[("JOB_COMPLETION_INDEX", "0"), ("JOB_COMPLETIONS", "6")]);
        assert_eq!(
            kubernetes.map(|found| found.map(|(shard, _)| shard)),
            Ok(Some(Shard { number: 1, of: 6 }))
        );
        assert!(surroundings(&[("JOB_COMPLETION_INDEX", "0")]).is_err());
        assert_eq!(surroundings(&[("JOB_INDEX", "0")]), Ok(None));
        assert!(surroundings(&[("JOB_INDEX", "6"), ("JOB_TOTAL", "6")]).is_err());
        assert!(surroundings(&[("JOB_INDEX", "4294967295"), ("JOB_TOTAL", "6")]).is_err());
    }
}
