//! What do all attempts together say of the endpoint?

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::attempt::Attempt;
use super::certificate::Presented;
use super::outcome::{Cause, Outcome};

/// What the attempts so far came to; they are told in the order in which they began.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many attempts there were.
    pub attempts: u64,
    /// How many were answered, by HTTP status.
    pub answered: BTreeMap<u16, u64>,
    /// How many ended after the request, without an answer.
    pub not_judged: u64,
    /// How many found that the endpoint did not serve.
    pub down: u64,
    /// How many could not be made.
    pub not_tried: u64,
    /// Times in which the endpoint did not serve, the earliest first.
    pub gaps: Vec<Gap>,
    /// Who presented what, in the order in which they were met.
    pub hosts: Vec<Host>,
    times: [Vec<u32>; PARTS.len()],
    /// Of the last attempt that said something.
    was_up: Option<bool>,
    /// When the last attempt began that found the endpoint up.
    last_up: Option<Duration>,
}

/// A time in which the endpoint did not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// When the last attempt before it began that found the endpoint up; `None` if there was none.
    pub after: Option<Duration>,
    /// When its first failed attempt began.
    pub first: Duration,
    /// When its last failed attempt began.
    pub last: Duration,
    /// When the attempt after it ended that found the endpoint up; `None` as long as there is none.
    pub before: Option<Duration>,
    /// What the failed attempts found, in the order in which it was first found, and how often.
    pub causes: Vec<(Cause, u64)>,
}

/// A certificate that was presented at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Where.
    pub address: SocketAddr,
    /// What was presented.
    pub presented: Presented,
    /// The version of TLS at the last attempt.
    pub version: Option<&'static str>,
    /// When the first attempt began that met it.
    pub first: Duration,
    /// When the last one began.
    pub last: Duration,
    /// How many attempts met it.
    pub attempts: u64,
}

/// What a new attempt changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The endpoint serves, or serves no longer, otherwise than before.
    pub of_state: bool,
    /// A certificate was presented that had not been seen at this address.
    pub new_host: bool,
}

/// How the times of one part of the attempts are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    /// The part: one of [`PARTS`].
    pub part: &'static str,
    /// How many attempts came to the end of this part.
    pub count: usize,
    /// Half of them took no longer.
    pub p50: Duration,
    /// 95 in a hundred took no longer.
    pub p95: Duration,
    /// 99 in a hundred took no longer.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
}

impl Gap {
    /// For so long it was certainly there, as far as single attempts can tell: from the first failed one to the last.
    pub fn at_least(&self) -> Duration {
        self.last.saturating_sub(self.first)
    }

    /// It was certainly over in this time; `None` if its beginning or end was not seen.
    pub fn at_most(&self) -> Option<Duration> {
        Some(self.before?.saturating_sub(self.after?))
    }
}

impl Tally {
    /// Takes in the next attempt.
    pub fn add(&mut self, attempt: &Attempt) -> Change {
        self.attempts += 1;
        let of_state = match attempt.outcome {
            Outcome::Answered { status } => {
                *self.answered.entry(status).or_default() += 1;
                self.up(attempt)
            }
            Outcome::NotJudged { .. } => {
                self.not_judged += 1;
                self.up(attempt)
            }
            Outcome::Down { cause, .. } => {
                self.down += 1;
                self.add_to_gap(attempt, cause)
            }
            Outcome::NotTried { .. } => {
                self.not_tried += 1;
                false
            }
        };
        let phases = attempt.phases;
        let answered = matches!(attempt.outcome, Outcome::Answered { .. }).then_some(attempt.took);
        let parts = [phases.resolve, phases.connect, phases.handshake, phases.response, answered];
        for (times, time) in self.times.iter_mut().zip(parts) {
            times.extend(time.map(|time| u32::try_from(time.as_micros()).unwrap_or(u32::MAX)));
        }
        Change { of_state, new_host: self.add_host(attempt) }
    }

    /// The spread of the times of each part that some attempt came to the end of. `total` counts answered attempts.
    pub fn spreads(&self) -> Vec<Spread> {
        let parts = PARTS.into_iter().zip(&self.times).filter(|(_, times)| !times.is_empty());
        parts
            .map(|(part, times)| {
                let mut times = times.clone();
                times.sort_unstable();
                let rank = |hundredths: usize| (times.len() * hundredths).div_ceil(100).max(1) - 1;
                let at = |rank: usize| Duration::from_micros(times[rank].into());
                let (p50, p95, p99) = (at(rank(50)), at(rank(95)), at(rank(99)));
                Spread { part, count: times.len(), p50, p95, p99, max: at(times.len() - 1) }
            })
            .collect()
    }

    /// Whether the endpoint served when it was looked at last.
    pub const fn is_up(&self) -> Option<bool> {
        self.was_up
    }

    fn up(&mut self, attempt: &Attempt) -> bool {
        if self.was_up == Some(false)
            && let Some(gap) = self.gaps.last_mut()
        {
            gap.before = Some(attempt.ended());
        }
        self.last_up = Some(attempt.began);
        self.was_up.replace(true) != Some(true)
    }

    fn add_to_gap(&mut self, attempt: &Attempt, cause: Cause) -> bool {
        let began = attempt.began;
        if self.was_up.replace(false) != Some(false) {
            let causes = vec![(cause, 1)];
            self.gaps.push(Gap { after: self.last_up, first: began, last: began, before: None, causes });
            return true;
        }
        let Some(gap) = self.gaps.last_mut() else { return false };
        gap.last = began;
        match gap.causes.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, count)) => {
                *count += 1;
                false
            }
            None => {
                gap.causes.push((cause, 1));
                true
            }
        }
    }

    fn add_host(&mut self, attempt: &Attempt) -> bool {
        let (Some(address), Some(presented)) = (attempt.address, &attempt.presented) else { return false };
        let known =
            |host: &&mut Host| host.address == address && host.presented.thumbprint == presented.thumbprint;
        if let Some(host) = self.hosts.iter_mut().find(known) {
            host.version = attempt.version;
            host.last = attempt.began;
            host.attempts += 1;
            return false;
        }
        self.hosts.push(Host {
            address,
            presented: presented.clone(),
            version: attempt.version,
            first: attempt.began,
            last: attempt.began,
            attempts: 1,
        });
        true
    }
}

/// The parts of an attempt, and all of it.
pub const PARTS: [&str; 5] = ["resolve", "connect", "handshake", "response", "total"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::attempt::Phases;

    /// Attempts every 100 ms that take 10 ms each.
    fn tally(outcomes: &[Outcome]) -> Tally {
        let mut tally = Tally::default();
        for (number, outcome) in outcomes.iter().enumerate() {
            let took = Duration::from_millis(10);
            tally.add(&Attempt {
                number: number as u64,
                began: Duration::from_millis(number as u64 * 100),
                outcome: outcome.clone(),
                took,
                phases: Phases { connect: Some(took / 10), ..Phases::default() },
                address: None,
                version: None,
                presented: None,
            });
        }
        tally
    }

    const UP: Outcome = Outcome::Answered { status: 403 };
    const LATER: Outcome = Outcome::NotJudged { ended: String::new() };
    const UNABLE: Outcome = Outcome::NotTried { why: String::new() };

    const fn down(cause: Cause) -> Outcome {
        Outcome::down(cause)
    }

    #[test]
    fn a_gap_lies_between_two_attempts_that_were_answered() {
        let (refused, silent) = (down(Cause::Refused), down(Cause::ConnectSilent));
        let tally = tally(&[UP, refused.clone(), silent, refused, UP, UP]);
        let [gap] = tally.gaps.as_slice() else { panic!("{:?}", tally.gaps) };
        assert_eq!(gap.at_least(), Duration::from_millis(200));
        assert_eq!(gap.at_most(), Some(Duration::from_millis(410)));
        assert_eq!(gap.causes, [(Cause::Refused, 2), (Cause::ConnectSilent, 1)]);
        assert_eq!((tally.answered[&403], tally.down), (3, 3));
    }

    #[test]
    fn a_gap_at_the_edge_has_no_greatest_length() {
        let tally = tally(&[down(Cause::Refused), UP, down(Cause::NoAnswer)]);
        assert_eq!(tally.gaps.iter().map(Gap::at_most).collect::<Vec<_>>(), [None, None]);
        assert_eq!(tally.is_up(), Some(false));
    }

    #[test]
    fn what_is_not_judged_is_no_gap_and_what_was_not_tried_says_nothing() {
        let up = tally(&[UP, LATER, UNABLE, UP]);
        assert_eq!((up.gaps.len(), up.not_judged, up.not_tried), (0, 1, 1));
        let down = tally(&[UP, down(Cause::Refused), UNABLE, down(Cause::Refused), UP]);
        assert_eq!(down.gaps.len(), 1);
    }

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let tally = tally(&[UP, UP, UP, down(Cause::NoAnswer)]);
        let spreads = tally.spreads();
        assert_eq!(
            spreads.iter().map(|spread| (spread.part, spread.count)).collect::<Vec<_>>(),
            [("connect", 4), ("total", 3)]
        );
        assert_eq!(spreads[1].p99, Duration::from_millis(10));
    }
}
