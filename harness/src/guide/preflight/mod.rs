//! Which of the guide's steps were done, and what will be seen where one was not?
//!
//! Every rule is a row of a table and a small function of its own. It says of each node, each worker or the whole
//! cluster: right, wrong, or why nobody could look. What cannot be looked at is never taken for right.

mod certificates;
mod cluster;
mod commands;
mod database;
pub(super) mod dependency;
mod firewall;
mod fix;
mod machines;
mod proxy;
mod report;
mod rules;
mod settings;
pub(super) mod setup;

use super::snapshot::{Node, Snapshot, Worker};
use setup::{Found, Setup};

pub(super) use crate::words::plain;

pub use commands::FIX_COMMANDS;
pub use fix::{Fix, Step};
pub use report::{human, json};
pub use rules::RULES;

/// A rule: something that must be so for workers to come back.
pub struct Rule {
    /// Its name, a claim.
    pub name: &'static str,
    /// The step of the guide that asks for it; `None` if the guide forgets it.
    pub step: Option<u8>,
    /// The number of the mistake in `scenarios/README.md`; `None` if it has none.
    pub mistake: Option<u8>,
    /// What is seen before a failover where it is not so.
    pub before: &'static str,
    /// What is seen after one.
    pub after: &'static str,
    /// Where that is written; inferred if nowhere.
    pub source: &'static str,
    judge: Judge,
}

/// Of what a rule speaks, and the function that judges it.
enum Judge {
    Once(fn(&Setup<'_>) -> Judged),
    EachNode(fn(&Setup<'_>, &Node) -> Judged),
    EachWorker(fn(&Setup<'_>, &Worker) -> Judged),
}

/// What a rule comes to; `Err` says why nobody could look.
type Judged = Found<Verdict>;

/// What was seen of something that could be looked at.
enum Verdict {
    Right(String),
    Wrong { seen: String, fix: Fix },
}

fn right(seen: impl Into<String>) -> Judged {
    Ok(Verdict::Right(seen.into()))
}

fn wrong(seen: impl Into<String>, fix: Fix) -> Judged {
    Ok(Verdict::Wrong { seen: seen.into(), fix })
}

/// What a rule about several machines comes to: something wrong on those that were seen goes before what was not seen, and
/// what was not seen before what is right.
fn of_all(found: Judged, not_seen: Vec<String>) -> Judged {
    match (found, not_seen.into_iter().next()) {
        (Ok(Verdict::Right(_)), Some(why)) => Err(why),
        (found, _) => found,
    }
}

/// What a rule came to for one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is so, with evidence.
    Right(String),
    /// It is not so.
    Wrong {
        /// What was seen.
        seen: String,
        /// What to do about it.
        fix: Fix,
    },
    /// Nobody could look.
    CouldNotLook(String),
}

/// What a rule came to for one node, one worker, or the cluster as a whole.
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// The name of the node or worker; `cluster` where it is neither.
    pub subject: String,
    /// What it came to.
    pub answer: Answer,
}

/// Everything that the rules say of a snapshot.
pub struct Preflight {
    /// In the order of the table, and of nodes and workers in the snapshot.
    pub findings: Vec<Finding>,
}

/// Judges a snapshot by every rule.
pub fn inspect(snapshot: &Snapshot) -> Preflight {
    let setup = Setup::of(snapshot);
    let mut findings = Vec::new();
    for rule in RULES {
        let mut tell = |subject: &str, judged: Judged| {
            let answer = match judged {
                Ok(Verdict::Right(seen)) => Answer::Right(plain(&seen)),
                Ok(Verdict::Wrong { seen, fix }) => Answer::Wrong { seen: plain(&seen), fix: fix.plain() },
                Err(why) => Answer::CouldNotLook(plain(&why)),
            };
            findings.push(Finding { rule, subject: plain(subject), answer });
        };
        match rule.judge {
            Judge::Once(judge) => tell("cluster", judge(&setup)),
            Judge::EachNode(judge) => {
                if snapshot.nodes.is_empty() {
                    tell("nodes", Err("the snapshot has no node".to_owned()));
                }
                for node in &snapshot.nodes {
                    tell(&node.name, judge(&setup, node));
                }
            }
            Judge::EachWorker(judge) => {
                if snapshot.workers.is_empty() {
                    tell("workers", Err("the snapshot has no worker".to_owned()));
                }
                for worker in &snapshot.workers {
                    tell(&worker.name, judge(&setup, worker));
                }
            }
        }
    }
    Preflight { findings }
}

impl Preflight {
    /// What is wrong, in the order of the table.
    pub fn wrong(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| matches!(finding.answer, Answer::Wrong { .. }))
    }

    /// What nobody could look at.
    pub fn not_seen(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| matches!(finding.answer, Answer::CouldNotLook(_)))
    }

    /// 1 if something is wrong, else 3 if something could not be looked at, else 0.
    pub fn exit_code(&self) -> u8 {
        if self.wrong().next().is_some() {
            1
        } else if self.not_seen().next().is_some() {
            3
        } else {
            0
        }
    }
}
