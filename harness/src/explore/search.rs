//! How are very many stories of a scenario run?

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use failover_sim::assumption::Assumption;
use failover_sim::names::{ActionNo, Names};

use crate::backend::{Backend, SimBackend};
use crate::check::{Claim, Outcome};
use crate::director;
use crate::judge::Judgement;
use crate::phase::OutageEnd;
use crate::plan::Plan;

use super::coverage::Coverage;
use super::draw::draw;
use super::seeds::Seeds;
use super::shard::Shard;
use super::story::{Kind, Story};
use super::tally::Tally;

/// Runs stories of one scenario, one after the other, in one world.
#[derive(Debug)]
pub struct Explorer<'p> {
    base: &'p Plan,
    /// The plan under way.
    plan: Plan,
    backend: SimBackend,
}

/// What came of one story.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The story.
    pub story: Story,
    /// The verdict.
    pub judged: Judged,
    /// How many requests of workers were answered, reports on tasks not counted.
    pub requests: u64,
    /// How many of its actions, healing included, were carried out.
    pub actions: u64,
    /// Those that were not possible at their moment, or not needed.
    pub left_out: Vec<ActionNo>,
    /// Some action was not seen to take effect.
    pub has_not_bitten: bool,
    /// What was taken for granted and mattered.
    pub consulted: Vec<Assumption>,
    /// How each outage ended.
    pub outages: Vec<OutageEnd>,
}

/// The verdict on a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// Nothing happened that must not, and everybody came back.
    Passed,
    /// Something failed.
    Failed(Failure),
    /// Nothing can be said.
    Undecided {
        /// What it has in common with others of its kind.
        key: String,
        /// The reason.
        reason: String,
    },
}

/// What failed in a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What it has in common with others of its kind.
    pub key: String,
    /// Something happened that must never happen, faults or not; otherwise somebody was not back after the healing.
    pub is_safety: bool,
    /// The claims that turned out false.
    pub claims: Vec<Claim>,
    /// What was seen, one line each.
    pub evidence: Vec<String>,
    /// What to do about it.
    pub hints: Vec<String>,
}

impl<'p> Explorer<'p> {
    /// Runs stories of this plan.
    pub fn new(base: &'p Plan) -> Self {
        Self { base, plan: base.clone(), backend: SimBackend::default() }
    }

    /// Runs the story of one seed.
    pub fn run(&mut self, seed: u64, coverage: &mut Coverage) -> Ran {
        let story = draw(self.base, seed);
        let ran = self.run_story(story, coverage);
        // Work that could not be started cannot be expected to be done.
        match ran.story.without_refused_work(self.base.given, &ran.left_out) {
            Some(story) => self.run_story(story, coverage),
            None => ran,
        }
    }

    /// Runs a story.
    pub fn run_story(&mut self, story: Story, coverage: &mut Coverage) -> Ran {
        self.plan.claims.clone_from(&self.base.claims);
        story.tell(&mut self.plan);
        let mut left_out = Vec::new();
        let given = self.plan.given;
        let is_fault = |index: usize| {
            let deed = index.checked_sub(given).and_then(|index| story.deeds.get(index));
            deed.is_some_and(|deed| matches!(deed.kind, Kind::Own | Kind::Fault))
        };
        coverage.begin(&self.plan, is_fault);
        let judgement =
            director::run_what_is_possible(&self.plan, &mut self.backend, coverage, &mut left_out);
        coverage.meet_marks(self.backend.marks());
        let counters = self.backend.counters();
        Ran {
            judged: judged(&self.plan, &judgement),
            requests: counters.requests - counters.reports,
            actions: (self.plan.actions.len() - left_out.len()) as u64,
            left_out,
            has_not_bitten: judgement.findings.iter().any(|finding| finding.what == NOT_BITTEN),
            consulted: self.backend.consulted(),
            outages: judgement.outages.iter().map(|outage| outage.end()).collect(),
            story,
        }
    }

    /// The plan of the last story.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
}

/// The verdict on a story: what must never happen first, and whether everybody came back.
pub(super) fn judged(plan: &Plan, judgement: &Judgement) -> Judged {
    let failed = || judgement.claims.iter().filter(|claim| claim.verdict.outcome == Outcome::Fail);
    let is_safety = failed().any(|result| !is_liveness(result.claim));
    let told: Vec<_> = failed().filter(|result| is_liveness(result.claim) != is_safety).collect();
    // What was expected at the end, and how it was instead.
    let expected: Vec<&str> = judgement
        .findings
        .iter()
        .filter(|finding| finding.outcome == Outcome::Fail && !is_safety)
        .flat_map(|finding| finding.evidence.iter())
        .map(|line| line.split_once(": ").map_or(line.as_str(), |(_, found)| found))
        .collect();
    if !told.is_empty() || !expected.is_empty() {
        let kinds: Vec<String> = told
            .iter()
            .map(|result| {
                // How many are away is not what makes two failures alike, but why they are.
                let line = usize::from(is_liveness(result.claim));
                let reason = result.verdict.evidence.get(line).or(result.verdict.evidence.first());
                let reason = reason.map(|reason| alike(reason, &plan.names)).unwrap_or_default();
                format!("{}: {reason}", result.claim.word())
            })
            // The rest follows from what is wrong first.
            .chain(expected.first().map(|line| alike(line, &plan.names)))
            .collect();
        let evidence = told.iter().flat_map(|result| result.verdict.evidence.iter().map(String::as_str));
        return Judged::Failed(Failure {
            key: kinds.join("; "),
            is_safety,
            claims: told.iter().map(|result| result.claim).collect(),
            evidence: evidence.chain(expected.iter().copied()).map(str::to_owned).collect(),
            hints: told.iter().flat_map(|result| result.verdict.hints.clone()).collect(),
        });
    }
    // What failed in the surroundings is why steps were not reached.
    let of_surroundings = judgement.findings.iter().find(|finding| finding.is_of_surroundings());
    let mut findings = judgement.findings.iter();
    if let Some(finding) = of_surroundings.or_else(|| findings.find(|finding| finding.what != NOT_BITTEN)) {
        let first = finding.evidence.first().map(String::as_str).unwrap_or_default();
        let key = alike(&format!("{}: {first}", finding.what), &plan.names);
        return Judged::Undecided {
            key,
            reason: format!("{}: {}", finding.what, finding.evidence.join("; ")),
        };
    }
    Judged::Passed
}

/// Whether a claim is about what comes in the end, rather than about what must never happen.
const fn is_liveness(claim: Claim) -> bool {
    match claim {
        Claim::WorkersReconnect | Claim::ReconnectTime(_) => true,
        Claim::OneNodeServes
        | Claim::TrustedConnectionsOnly
        | Claim::NoTaskRunsTwice
        | Claim::NetworkNameUsed
        | Claim::NoTaskLost
        | Claim::NoWorkerEnabledAgain
        | Claim::FailoversWithinThreshold
        | Claim::PausedNodesGetNoRole
        | Claim::LostNodesAreQuarantined
        | Claim::DependentsGoDown
        | Claim::VotesDecide
        | Claim::ReplicasLeftBehind
        | Claim::TasksWithinRetries
        | Claim::DisabledWorkersGetNoTask
        | Claim::NobodyWorksWithoutSsisdb => false,
    }
}

/// A line of evidence without names and numbers.
fn alike(line: &str, names: &Names) -> String {
    let mut line = line.to_owned();
    let groups = [(&names.nodes, "a node"), (&names.workers, "a worker")];
    for (known, word) in groups {
        for name in known {
            line = line.replace(name.as_str(), word);
        }
    }
    let mut text = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '0'..='9' if text.ends_with('#') => {}
            '0'..='9' => text.push('#'),
            other => text.push(other),
        }
    }
    // Nor is it how many workers stand in the same way.
    while text.contains("a worker, a worker") {
        text = text.replace("a worker, a worker", "a worker");
    }
    text.replace("workers", "worker")
}

/// When a search ends, unless somebody ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// At this seed, which is not run.
    Seed(u64),
    /// After this time.
    Time(Duration),
    /// When everything that must be met was met, and so many runs brought no new pair of state and event.
    Quiet(u64),
}

/// A search through the seeds of one scenario.
#[derive(Clone, Copy, Debug)]
pub struct Search<'p> {
    /// The scenario.
    pub plan: &'p Plan,
    /// The first seed.
    pub from: u64,
    /// When it ends.
    pub until: Until,
    /// The part of the seeds that is run here.
    pub shard: Shard,
    /// How many threads.
    pub jobs: usize,
}

impl Search<'_> {
    /// Adds runs to `tally` until the search is over, or `go_on` says no; it is asked after each batch of seeds. Seeds that
    /// the tally has already are not run again. What comes out depends on the seeds that were run and on nothing else: not on
    /// the number of threads.
    pub fn run(&self, tally: &mut Tally, go_on: impl FnMut(&Tally) -> bool) {
        let done = &tally.seeds.clone();
        if self.jobs <= 1 {
            // On the caller's own thread.
            let mut searcher = Searcher::new(self, done);
            return self.batches(tally, go_on, |batch| searcher.run(&batch));
        }
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.jobs)
                .map(|_| {
                    let ((work, batches), (results, parts)) = (channel::<Arc<Batch>>(), channel());
                    scope.spawn(move || {
                        // What a thread changes all the time is in memory that no other thread writes to.
                        let mut searcher = Searcher::new(self, done);
                        for batch in batches {
                            // Nobody takes results any more when the search has failed elsewhere.
                            if results.send(searcher.run(&batch)).is_err() {
                                return;
                            }
                        }
                    });
                    (work, parts)
                })
                .collect();
            self.batches(tally, go_on, |batch| {
                let batch = Arc::new(batch);
                for (work, _) in &threads {
                    work.send(batch.clone()).expect("a thread lives as long as the search");
                }
                let mut sum = Tally::default();
                for (_, parts) in &threads {
                    sum.absorb(&parts.recv().expect("no run panics"));
                }
                sum
            });
        });
    }

    fn batches(
        &self,
        tally: &mut Tally,
        mut go_on: impl FnMut(&Tally) -> bool,
        mut run: impl FnMut(Batch) -> Tally,
    ) {
        let started = Instant::now();
        let mut next = tally.seeds.done_from(self.from, self.shard);
        let own_seeds = BATCH * u64::from(self.shard.of);
        loop {
            let end = match self.until {
                Until::Seed(end) => end.min(next.saturating_add(own_seeds)),
                Until::Time(_) | Until::Quiet(_) => next.saturating_add(own_seeds),
            };
            if end <= next {
                return;
            }
            tally.absorb(&run(Batch { from: next, taken: AtomicU64::new(0), end }));
            tally.seeds.note(next, end, self.shard);
            next = end;
            let is_over = match self.until {
                Until::Seed(end) => next >= end,
                Until::Time(time) => started.elapsed() >= time,
                Until::Quiet(runs) => tally.runs_since_last_pair >= runs && tally.not_met().next().is_none(),
            };
            if is_over || !go_on(tally) {
                return;
            }
        }
    }
}

/// Seeds from which every thread takes the next one when it has done the last: none waits for a slow story of another.
struct Batch {
    from: u64,
    taken: AtomicU64,
    end: u64,
}

impl Batch {
    fn take(&self) -> Option<u64> {
        let taken = self.taken.fetch_add(1, Ordering::Relaxed);
        (taken < self.end - self.from).then(|| self.from + taken)
    }
}

/// What one thread of a search has for itself.
struct Searcher<'p> {
    explorer: Explorer<'p>,
    coverage: Coverage,
    shard: Shard,
    /// What is not run again.
    done: &'p Seeds,
}

impl<'p> Searcher<'p> {
    fn new(search: &Search<'p>, done: &'p Seeds) -> Self {
        let explorer = Explorer::new(search.plan);
        Self { explorer, coverage: Coverage::default(), shard: search.shard, done }
    }

    fn run(&mut self, batch: &Batch) -> Tally {
        let mut tally = Tally::default();
        while let Some(seed) = batch.take() {
            if self.shard.has(seed) && !self.done.has(seed) {
                let ran = self.explorer.run(seed, &mut self.coverage);
                tally.add(&ran, &self.coverage);
            }
        }
        tally.take(&mut self.coverage);
        tally
    }
}

/// So many seeds are run between two looks at the whole.
const BATCH: u64 = 256;

/// What the judge says of actions that were not seen to take effect.
const NOT_BITTEN: &str = "every action takes effect";
