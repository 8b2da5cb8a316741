//! How available is an endpoint of a Scale Out master, seen from outside?
//!
//! A client that looks again and again: it opens a connection, shakes hands, asks for the service's path, and notes how
//! long each part takes and what certificate is presented. It needs no rights: a finished handshake is the evidence,
//! and 403 is an answer. Attempts begin at their time whether or not those before them are over, so that a time-out
//! hides nothing.

mod attempt;
mod certificate;
mod outcome;
mod records;
mod tally;
mod target;
mod tell;
mod tls;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use failover_sim::trust::Thumbprint;
use failover_sim::twin::onlooker;
use rustls::sign::CertifiedKey;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use attempt::Looker;

pub use attempt::{Attempt, Phases};
pub use certificate::{Content, Presented, date};
pub use outcome::{Cause, Outcome};
pub use tally::{Change, Gap, Host, PARTS, Spread, Tally};
pub use target::{Target, TargetError};
pub use tell::{attempt_json, change_text, live_text, summary_json, summary_text};
pub use tls::{ClientCertificateError, read_pair};

/// What is probed, and how.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The endpoint.
    pub target: Target,
    /// The certificate that workers pin; without it any certificate will do.
    pub pin: Option<Thumbprint>,
    /// The certificate that the probe shows, if the server asks for one.
    pub own: Option<Arc<CertifiedKey>>,
    /// From the beginning of one attempt to that of the next.
    pub interval: Duration,
    /// How long an attempt may take as a whole.
    pub patience: Duration,
    /// How long to go on; without it until it is stopped.
    pub time: Option<Duration>,
}

/// Why an endpoint cannot be probed.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The runtime that drives the sockets could not be had.
    #[error("starting the runtime of the probe: {0}")]
    Runtime(#[source] io::Error),
    /// TLS could not be set up.
    #[error("setting up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The name has no address at all.
    #[error("cannot resolve `{host}`: {said}\nhint: `--resolve {host}=ADDRESS` asks no resolver")]
    UnknownHost {
        /// The name.
        host: String,
        /// What the resolver said.
        said: String,
    },
}

impl Probe {
    /// Looks until its time is over or `stop` is ready. Each attempt is told to `watch` in the order in which they
    /// began, with what they came to so far.
    ///
    /// # Errors
    /// If the surroundings lack what a probe needs, or if the very first attempt finds that the name has no address.
    pub fn run(
        &self,
        stop: impl Future<Output = ()>,
        mut watch: impl FnMut(&Attempt, Change, &Tally),
    ) -> Result<Tally, ProbeError> {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().map_err(ProbeError::Runtime)?;
        let looker = Looker {
            target: Arc::new(self.target.clone()),
            tls: onlooker(self.own.as_ref())?,
            pin: self.pin,
            patience: self.patience,
        };
        let tally = runtime.block_on(self.look_again_and_again(&looker, stop, &mut watch));
        // A resolver that does not answer is not waited for.
        runtime.shutdown_background();
        tally
    }

    async fn look_again_and_again(
        &self,
        looker: &Looker,
        stop: impl Future<Output = ()>,
        watch: &mut impl FnMut(&Attempt, Change, &Tally),
    ) -> Result<Tally, ProbeError> {
        let mut tally = Tally::default();
        // Attempts that ended before one that began before them.
        let mut early = BTreeMap::new();
        let (sender, mut ended) = unbounded_channel();
        let start = Instant::now();
        let end = self.time.map(|time| start + time);
        let mut beat = interval(self.interval.max(SHORTEST_INTERVAL));
        beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let (mut begun, mut is_over) = (0, false);
        let mut stop = std::pin::pin!(stop);
        while !is_over || tally.attempts < begun {
            tokio::select! {
                biased;
                () = &mut stop => break,
                Some(attempt) = ended.recv() => {
                    let attempt: Attempt = attempt;
                    early.insert(attempt.number, attempt);
                    while let Some(attempt) = early.remove(&tally.attempts) {
                        if let Some(said) = unresolved(&attempt).filter(|_| attempt.number == 0) {
                            return Err(ProbeError::UnknownHost { host: self.target.host.clone(), said });
                        }
                        let change = tally.add(&attempt);
                        watch(&attempt, change, &tally);
                    }
                }
                now = beat.tick(), if !is_over => {
                    let (looker, sender, number) = (looker.clone(), sender.clone(), begun);
                    begun += 1;
                    tokio::spawn(async move {
                        // Nobody listens any more only when the probe was stopped.
                        let _ = sender.send(looker.look(number, now - start).await);
                    });
                }
                () = sleep_until(end.unwrap_or(start)), if end.is_some() && !is_over => is_over = true,
            }
        }
        Ok(tally)
    }
}

fn unresolved(attempt: &Attempt) -> Option<String> {
    match &attempt.outcome {
        Outcome::Down { cause: Cause::Unresolved, detail } => Some(detail.clone().unwrap_or_default()),
        Outcome::Down { .. }
        | Outcome::Answered { .. }
        | Outcome::NotJudged { .. }
        | Outcome::NotTried { .. } => None,
    }
}

/// Attempts begin no more often than this.
pub const SHORTEST_INTERVAL: Duration = Duration::from_millis(5);
