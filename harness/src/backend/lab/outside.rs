//! What does a client outside the cluster meet, in a real lab?
//!
//! The probe of `failover probe`, on a thread of its own: a connection that nobody answers holds up nobody who looks at
//! hosts meanwhile.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use failover_sim::names::CertificateId;
use tokio::sync::oneshot;

use crate::probe::{self, Attempt, Cause, Outcome};

use super::binding::Binding;
use super::reach::{Looked, Met, Probe};

/// A probe that looks by itself.
pub(super) struct Outside {
    binding: Binding,
    last: Arc<Mutex<Last>>,
    /// Ends the thread when it is dropped.
    _stop: oneshot::Sender<()>,
}

/// What the thread has found last.
#[derive(Default)]
struct Last {
    attempt: Option<(Attempt, Instant)>,
    trouble: Option<String>,
}

impl Outside {
    /// Begins to look.
    pub(super) fn begin(probe: probe::Probe, binding: Binding) -> io::Result<Self> {
        let last = Arc::new(Mutex::new(Last::default()));
        let (stop, stopped) = oneshot::channel::<()>();
        let seen = last.clone();
        let look = move || {
            let began = Instant::now();
            let stopped = async {
                // Dropped is as good as said.
                let _ = stopped.await;
            };
            let ran = probe.run(stopped, |attempt, _, _| {
                lock(&seen).attempt = Some((attempt.clone(), began + attempt.began));
            });
            if let Err(error) = ran {
                lock(&seen).trouble = Some(error.to_string());
            }
        };
        std::thread::Builder::new().name("probe".to_owned()).spawn(look)?;
        Ok(Self { binding, last, _stop: stop })
    }

    fn met(&self, attempt: &Attempt) -> io::Result<Option<Met>> {
        Ok(Some(match &attempt.outcome {
            Outcome::NotTried { .. } => return Ok(None),
            Outcome::Answered { .. } | Outcome::NotJudged { .. } => return self.presented(attempt).map(Some),
            Outcome::Down { cause, .. } => match cause {
                Cause::Unresolved | Cause::ResolverSilent | Cause::Unreachable | Cause::ConnectSilent => {
                    Met::Silent
                }
                Cause::Refused => Met::Refused,
                // Somebody is there, and no handshake comes about.
                Cause::HandshakeReset
                | Cause::HandshakeEnded
                | Cause::HandshakeSilent
                | Cause::NotTls
                | Cause::NoCommonVersion
                | Cause::NoCommonCipherSuite => Met::NoHandshake { by: None },
                // A finished handshake is the evidence.
                Cause::NotPinned | Cause::NoAnswer | Cause::NotHttp => {
                    return self.presented(attempt).map(Some);
                }
            },
        }))
    }

    fn presented(&self, attempt: &Attempt) -> io::Result<Met> {
        let thumbprint = attempt.presented.as_ref().map(|presented| presented.thumbprint.to_string());
        let thumbprint = thumbprint.unwrap_or_default();
        let certificate: CertificateId = self.binding.certificate(&thumbprint).ok_or_else(|| {
            io::Error::other(format!(
                "the endpoint presents the certificate {thumbprint}, which the topology does not have"
            ))
        })?;
        Ok(Met::Served { by: None, certificate })
    }
}

impl Probe for Outside {
    fn look(&mut self) -> io::Result<Option<Looked>> {
        let last = lock(&self.last);
        if let Some(trouble) = &last.trouble {
            return Err(io::Error::other(trouble.clone()));
        }
        let Some((attempt, began)) = &last.attempt else { return Ok(None) };
        let (attempt, ago) = (attempt.clone(), began.elapsed());
        drop(last);
        Ok(self.met(&attempt)?.map(|met| Looked { met, ago }))
    }
}

fn lock(last: &Mutex<Last>) -> std::sync::MutexGuard<'_, Last> {
    last.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long an attempt may take: longer than Windows waits for the answer to its first SYN.
pub(super) const PATIENCE: Duration = Duration::from_secs(4);
