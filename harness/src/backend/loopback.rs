//! How does a plan run behind real HTTPS on loopback?

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use failover_sim::action::ResolvedAction;
use failover_sim::assumption::Assumption;
use failover_sim::names::{ActionNo, WorkerId};
use failover_sim::observe::Sink;
use failover_sim::time::Time;
use failover_sim::twin::{Twin, TwinOptions};
use failover_sim::world::{Attempted, Stop};

use crate::plan::Plan;

use super::{Abilities, Applied, Backend, BackendError, BackendKind, Impossible};

/// The twin: the machines of the model behind real sockets, in real time.
#[derive(Debug, Default)]
pub struct LoopbackBackend {
    twin: Option<Twin>,
    factor: u32,
    keeps_attempts: bool,
    stop: Arc<AtomicBool>,
}

impl LoopbackBackend {
    /// One that keeps the workers' attempts to connect.
    pub fn keeping_attempts() -> Self {
        Self { keeps_attempts: true, ..Self::default() }
    }

    /// The same, which ends what it is at as soon as this becomes true, so that nothing of the twin is left.
    #[must_use]
    pub fn stopped_by(self, stop: Arc<AtomicBool>) -> Self {
        Self { stop, ..self }
    }

    fn go_on(&self) -> Result<(), BackendError> {
        if self.stop.load(Ordering::Relaxed) { Err(BackendError::Stopped) } else { Ok(()) }
    }

    /// How many seconds of the cluster pass in a real one while this plan runs.
    pub fn factor_for(plan: &Plan) -> u32 {
        factor(plan)
    }

    fn twin(&mut self) -> &mut Twin {
        self.twin.as_mut().expect("a backend is started before it is used")
    }
}

impl Backend for LoopbackBackend {
    fn kind(&self) -> BackendKind {
        BackendKind::Loopback
    }

    fn abilities(&self, _: &Plan) -> Abilities {
        Abilities::default()
    }

    fn start(&mut self, plan: &Plan) -> Result<(), BackendError> {
        // The old twin gives back its addresses before the new one looks for some.
        self.twin = None;
        self.go_on()?;
        self.factor = factor(plan);
        let options = TwinOptions::with_factor(self.factor);
        let mut twin = Twin::start(&plan.topology, &plan.names, &plan.loads, plan.choices(), options)?;
        if self.keeps_attempts {
            twin.keep_attempts();
        }
        self.twin = Some(twin);
        Ok(())
    }

    fn now(&self) -> Time {
        self.twin.as_ref().map(Twin::now).unwrap_or_default()
    }

    fn apply(&mut self, _: ActionNo, action: ResolvedAction) -> Result<Applied, BackendError> {
        let twin = self.twin();
        if twin.changes_nothing(action) {
            return Ok(Applied::Needless);
        }
        twin.apply(action).map_err(Impossible::on_twin(action.verb()))?;
        Ok(Applied::Done)
    }

    fn advance<S: Sink>(&mut self, until: Time, sink: &mut S) -> Result<Stop, BackendError> {
        loop {
            self.go_on()?;
            let next = until.min(self.now() + BETWEEN_LOOKS * self.factor);
            let stop = self.twin().advance(next, sink)?;
            if stop == Stop::Yielded || next == until {
                return Ok(stop);
            }
        }
    }

    fn attempted(&self, worker: WorkerId) -> Option<Attempted> {
        self.twin.as_ref()?.attempted(worker)
    }

    fn finish(&mut self) -> Result<(), BackendError> {
        Ok(())
    }

    fn consulted(&self) -> Vec<Assumption> {
        self.twin.as_ref().map(|twin| twin.choices().consulted().collect()).unwrap_or_default()
    }

    fn ended_programs(&self) -> Vec<String> {
        self.twin.as_ref().map(Twin::ended_programs).unwrap_or_default()
    }

    fn remarks(&self) -> Vec<String> {
        let ports = match &self.twin {
            Some(twin) if twin.has_one_address() => {
                "; this machine has one loopback address, so that each node and each address of the cluster has a port of its own"
            }
            Some(_) | None => "",
        };
        let notes: String = self.twin.iter().flat_map(Twin::notes).map(|note| format!("; {note}")).collect();
        vec![format!(
            "timings run {} times as fast as the clock; TLS and sockets take the time that they take{ports}{notes}",
            self.factor
        )]
    }
}

/// How many virtual seconds a real one may stand for in this plan.
///
/// As many as leave every time-out of the workers' protocol long enough for a busy machine, and for the handshakes of all
/// workers at once, which together take no more than a quarter of the promised time.
fn factor(plan: &Plan) -> u32 {
    let topology = &plan.topology;
    let time_outs = topology.workers.iter().flat_map(|worker| {
        worker.settings.request_timeout.into_iter().chain([worker.settings.connect_timeout])
    });
    let shortest = time_outs.min().map_or(LEAST_REAL_TIME_OUT, Duration::from);
    let by_time_outs = shortest.as_secs_f64() / LEAST_REAL_TIME_OUT.as_secs_f64();
    let handshakes = HANDSHAKE.as_secs_f64() * topology.workers.len().max(1) as f64;
    let for_all = (topology.promises.reconnect_within / 4).min(shortest);
    let by_handshakes = for_all.as_secs_f64() / handshakes;
    // Truncated on purpose: a factor is a whole number, and slower is safer.
    by_time_outs.min(by_handshakes).clamp(1.0, GREATEST_FACTOR) as u32
}

/// So often in real time it is looked at whether somebody has asked it to stop.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);
/// No time-out of the protocol is shorter than this in real time.
const LEAST_REAL_TIME_OUT: Duration = Duration::from_millis(150);
/// Processor time of a mutual handshake, both ends, on a slow machine.
const HANDSHAKE: Duration = Duration::from_millis(2);
/// Beyond this the real time of handshakes outweighs what is saved.
const GREATEST_FACTOR: f64 = 60.0;
