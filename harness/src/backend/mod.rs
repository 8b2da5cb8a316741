//! Where does a plan run?
//!
//! A backend sees a resolved plan and nothing else of a scenario. It owns time: whoever drives it never sleeps.

pub mod lab;
mod loopback;
mod sim;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use failover_sim::action::{ResolvedAction, Verb};
use failover_sim::assumption::Assumption;
use failover_sim::names::{ActionNo, WorkerId};
use failover_sim::observe::Sink;
use failover_sim::time::Time;
use failover_sim::twin::TwinError;
pub use failover_sim::world::Stop;
use failover_sim::world::{ApplyError, Attempted};

use crate::plan::Plan;

pub use lab::LabBackend;
pub use loopback::LoopbackBackend;
pub use sim::SimBackend;

/// The backends, by the words of the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BackendKind {
    /// The model in virtual time.
    #[default]
    Sim,
    /// The same machines behind real HTTPS on loopback.
    Loopback,
    /// A Windows cluster.
    Lab,
}

impl BackendKind {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sim => "sim",
            Self::Loopback => "loopback",
            Self::Lab => "lab",
        }
    }
}

impl fmt::Display for BackendKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Somewhere to run a plan.
pub trait Backend {
    /// Which one it is.
    fn kind(&self) -> BackendKind;

    /// What it can do of this plan, found out before anything is started.
    fn abilities(&self, plan: &Plan) -> Abilities;

    /// Starts the cluster of the plan; time is zero from here on.
    ///
    /// # Errors
    /// If the surroundings do not allow it.
    fn start(&mut self, plan: &Plan) -> Result<(), BackendError>;

    /// The present moment.
    fn now(&self) -> Time;

    /// Carries out an action at the present moment, if it is needed, and reads back what it changed where it changed
    /// configuration.
    ///
    /// # Errors
    /// If the surroundings do not allow it.
    fn apply(&mut self, number: ActionNo, action: ResolvedAction) -> Result<Applied, BackendError>;

    /// Lets time pass up to `until`, or until the sink asks for control; what is seen meanwhile goes to the sink.
    ///
    /// # Errors
    /// If the surroundings fail: a port is taken, a host of a lab does not answer.
    fn advance<S: Sink>(&mut self, until: Time, sink: &mut S) -> Result<Stop, BackendError>;

    /// Takes in what hosts have written down and nobody has read yet, before a run ends; it goes to the sink.
    fn gather<S: Sink>(&mut self, _: &mut S) {}

    /// Takes back what the run did and did not take back itself, the last first: what `given` prepared and what steps
    /// left behind. Where the cluster ends with the run there is nothing to take back.
    ///
    /// # Errors
    /// If something could not be taken back.
    fn finish(&mut self) -> Result<(), BackendError>;

    /// How far a worker's last attempt to connect came; `None` where that was not kept, or cannot be seen.
    fn attempted(&self, _: WorkerId) -> Option<Attempted> {
        None
    }

    /// Programs in workers' places that have ended by themselves and were not started again, and how they ended.
    fn ended_programs(&self) -> Vec<String> {
        Vec::new()
    }

    /// What a reader of a report must know of this backend, after a run.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }

    /// The assumptions that the run has rested on so far. Empty where nothing is assumed.
    fn consulted(&self) -> Vec<Assumption>;

    /// What a command line has to say beyond the backend's name to run on the same one again.
    fn replay_options(&self) -> String {
        String::new()
    }
}

/// Whether an action did anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It was carried out.
    Done,
    /// Nothing was done: everything was as it would have it.
    Needless,
}

/// What a backend can do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Verbs of the plan that it cannot carry out, and why.
    pub missing: BTreeMap<Verb, &'static str>,
    /// What the plan waits for and it does not see, in words.
    pub unseen: Vec<&'static str>,
    /// What of the plan it may not do.
    pub forbidden: lab::file::Refusals,
    /// A worker of the topology that is a program, where none can be run.
    pub program: Option<String>,
}

impl Abilities {
    /// Why a plan is not run, if it is not; a hint has a line of its own.
    pub fn reason_to_skip(&self, kind: BackendKind) -> Option<String> {
        if let Some(worker) = &self.program {
            return Some(format!("{kind} cannot run the program of worker `{worker}`"));
        }
        if !self.missing.is_empty() {
            let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
            for (verb, &why) in &self.missing {
                match reasons.iter_mut().find(|(own, _)| *own == why) {
                    Some((_, words)) => words.push(verb.word()),
                    None => reasons.push((why, vec![verb.word()])),
                }
            }
            let told = reasons.iter().map(|(why, words)| format!("{}: {why}", words.join(", ")));
            return Some(format!("{kind} cannot {}", told.collect::<Vec<_>>().join("; ")));
        }
        if !self.unseen.is_empty() {
            return Some(format!("{kind} does not see {}", self.unseen.join(", ")));
        }
        let lab::file::Refusals { refused, missing } = &self.forbidden;
        (!refused.is_empty()).then(|| {
            let (refused, missing) = (refused.join(", "), missing.join("; "));
            format!("lab.yaml does not allow {refused}\nhint: write in lab.yaml {missing}")
        })
    }
}

/// An action that was not possible at its moment.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Impossible {
    /// What was to be done.
    pub verb: Verb,
    /// Why it could not be.
    pub error: ApplyError,
}

/// What went wrong with the surroundings of a run: neither the cluster's fault nor the scenario's.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// An action was not possible.
    #[error("cannot carry out {}: {}", .0.verb.word(), .0.error)]
    Apply(Impossible),
    /// An action that this backend does not know how to carry out.
    #[error("this backend cannot carry out `{}`", .0.word())]
    Unable(Verb),
    /// A worker is a program, and this backend runs none.
    #[error(
        "the simulator cannot run the program of worker `{0}`\nhint: --backend loopback, or `failover twin`"
    )]
    Program(String),
    /// An action that nobody has allowed.
    #[error(
        "lab.yaml does not allow `{0}`\nhint: write in lab.yaml under `allow:` `{0}: any`, or the hosts that it may be done to"
    )]
    Forbidden(&'static str),
    /// Somebody asked the run to end: what it had done is taken back.
    #[error("somebody asked the run to stop")]
    Stopped,
    /// The twin on loopback failed.
    #[error("the twin on loopback failed: {0}")]
    Twin(#[source] TwinError),
    /// A lab is not ready for the plan.
    #[error("the lab is not ready: {0}")]
    Unready(#[source] std::io::Error),
    /// A session with a host of the lab failed.
    #[error("the session with `{host}` failed while {doing}: {error}")]
    Session {
        /// Which host.
        host: String,
        /// What was being done.
        doing: &'static str,
        /// What went wrong.
        #[source]
        error: lab::session::SessionError,
    },
    /// Something in the lab is not as it must be.
    #[error("`{host}`: {what}")]
    Lab {
        /// Where.
        host: String,
        /// What was found and what was expected.
        what: String,
    },
    /// Somebody else is at work in the lab.
    #[error("the lab is in use: {}\nhint: wait until it is not, or allow it with {hint}", .found.join("; "))]
    Occupied {
        /// What was found, one for each thing.
        found: Vec<String>,
        /// What allows it.
        hint: String,
    },
    /// The cluster has lately forgiven so much that it would not forgive what the run spends; nothing was done.
    #[error("{0}")]
    Spent(lab::ledger::Refusal),
    /// The journal of a lab could not be written: nothing may be done without it.
    #[error("the journal `{}` cannot be written: {error}", .path.display())]
    Journal {
        /// The journal, or its folder.
        path: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// The lab is not as it was found.
    #[error("not taken back: {}; see the journal `{}`", .open.join("; "), .journal.display())]
    NotRestored {
        /// What is open, and why, one for each action.
        open: Vec<String>,
        /// Where it is written down.
        journal: PathBuf,
    },
}

impl From<TwinError> for BackendError {
    fn from(error: TwinError) -> Self {
        Self::Twin(error)
    }
}

impl Impossible {
    /// What came of an action that the world refused.
    fn refused(verb: Verb) -> impl Fn(ApplyError) -> BackendError {
        move |error| BackendError::Apply(Self { verb, error })
    }

    /// The same where a twin carries it out, which may fail itself.
    pub(crate) fn on_twin(verb: Verb) -> impl Fn(TwinError) -> BackendError {
        move |error| {
            if let TwinError::Apply(error) = error {
                BackendError::Apply(Self { verb, error })
            } else {
                BackendError::Twin(error)
            }
        }
    }
}
