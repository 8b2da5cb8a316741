//! Who answers the session protocol where there is no Windows?
//!
//! A world of the model stands behind anonymous pipes, one pair and one thread for each session. Time is the world's
//! own: it moves when the backend waits, and never while an answer is under way. After each request the twin says,
//! outside the protocol, how much it has written and that no more will come, so that silence needs no real waiting and
//! two runs give the same bytes. In real time the same hosts answer programs, see [`RealTimeTwin`].

mod answers;
mod cluster;
mod dialect;
mod events;
mod logs;
mod outside;
mod parts;
mod real_time;
mod work;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use failover_sim::assumption::Assumption;
use failover_sim::choices::Choices;
use failover_sim::observe::Power;
use failover_sim::time::Time;
use failover_sim::world::World;

use crate::plan::Plan;

use super::binding::Binding;
use super::clock::Clock;
use super::protocol::{Answer, Call, Marker, Reply, Request, Ticks};
use super::reach::{Host, Lab, Looked, Met, Probe, Purpose};
use super::session::Connection;

use cluster::Cluster;
use dialect::Said;
use events::EventLogs;
use logs::Logs;
use parts::Written;

pub use dialect::{Dialect, Fault, Mishap};
pub use events::PastEvent;
pub use real_time::RealTimeTwin;

/// A lab that is a world of the model.
pub struct Twin {
    state: Arc<Mutex<State>>,
    clock: TwinClock,
    probe: TwinProbe,
    /// How it is where nobody knows, whatever a plan takes for granted.
    answers: Vec<(Assumption, usize)>,
}

/// The world and what its hosts know besides.
pub(in crate::backend::lab) struct State {
    dialect: Dialect,
    faults: Vec<Fault>,
    /// What stands in the event logs before a run.
    past: Vec<PastEvent>,
    /// How often each host was asked for each verb.
    asked: Vec<(Host, &'static str, u32)>,
    /// Hosts that no longer answer anybody.
    silent: Vec<Host>,
    /// How the world's time follows real time; `None` where it moves when the backend waits.
    pace: Option<real_time::Pace>,
    inside: Option<Inside>,
}

struct Inside {
    cluster: Cluster,
    binding: Binding,
    logs: Logs,
    /// What administrators have written.
    written: Written,
}

impl Twin {
    /// A twin whose hosts speak like this.
    pub fn new(dialect: Dialect) -> Self {
        Self::with_faults(dialect, Vec::new())
    }

    /// A twin whose hosts fail like this.
    pub fn with_faults(dialect: Dialect, faults: Vec<Fault>) -> Self {
        let state = State {
            dialect,
            faults,
            past: Vec::new(),
            asked: Vec::new(),
            silent: Vec::new(),
            pace: None,
            inside: None,
        };
        let state = Arc::new(Mutex::new(state));
        Self { clock: TwinClock(state.clone()), probe: TwinProbe(state.clone()), state, answers: Vec::new() }
    }

    /// The same, which gives answers of its own to what nobody knows, and keeps them to itself, as Windows does.
    #[must_use]
    pub fn with_answers(self, answers: Vec<(Assumption, usize)>) -> Self {
        Self { answers, ..self }
    }
}

impl Twin {
    /// The same hosts for somebody else.
    #[cfg(test)]
    pub(in crate::backend::lab) fn again(&self) -> Self {
        let state = self.state.clone();
        Self {
            clock: TwinClock(state.clone()),
            probe: TwinProbe(state.clone()),
            state,
            answers: self.answers.clone(),
        }
    }

    /// The same, in whose event logs these events stand before each run.
    #[must_use]
    pub fn with_past(self, past: Vec<PastEvent>) -> Self {
        lock(&self.state).past = past;
        self
    }

    fn begin_with(&mut self, cluster: Cluster, plan: &Plan) {
        let binding = Binding::of(plan);
        let mut state = lock(&self.state);
        let events = EventLogs::new(&binding, &state.past, cluster.date());
        let logs = Logs::new(plan.topology.workers.len(), plan.topology.nodes.len(), events);
        let written = Written::default();
        state.inside = Some(Inside { cluster, binding, logs, written });
        state.asked.clear();
        state.silent.clear();
    }
}

impl Lab for Twin {
    fn begin(&mut self, plan: &Plan) -> io::Result<()> {
        let own = self.answers.iter();
        let assumptions = own.fold(plan.assumptions, |all, &(assumption, value)| all.with(assumption, value));
        let choices = Choices::new(plan.seed, plan.fixed.clone(), assumptions);
        let world = World::new(&plan.topology, &plan.loads, choices);
        self.begin_with(Cluster::Model(Box::new(world)), plan);
        Ok(())
    }

    fn clock(&self) -> &dyn Clock {
        &self.clock
    }

    fn open(&mut self, host: Host, _: Purpose) -> io::Result<Connection> {
        let (requests, writer) = io::pipe()?;
        let (reader, answers) = io::pipe()?;
        let (still, stillness) = channel();
        let server = Server::new(&self.state, host, answers, Some(still));
        std::thread::Builder::new().name("twin".to_owned()).spawn(move || server.serve(requests))?;
        Ok(Connection { stillness: Some(stillness), ..Connection::of_streams(reader, writer) })
    }

    fn probe(&mut self) -> &mut dyn Probe {
        &mut self.probe
    }

    fn consulted(&self) -> Vec<Assumption> {
        if !self.answers.is_empty() {
            return Vec::new();
        }
        let state = lock(&self.state);
        state.inside.as_ref().map(|inside| inside.world().choices().consulted().collect()).unwrap_or_default()
    }

    fn is_real(&self) -> bool {
        false
    }

    fn options(&self) -> String {
        " --lab twin".to_owned()
    }

    fn remark(&self) -> String {
        "never run on Windows: a twin of the lab's sessions answered, from the simulator".to_owned()
    }
}

/// The world's own time.
struct TwinClock(Arc<Mutex<State>>);

impl Clock for TwinClock {
    fn now(&self) -> Time {
        lock(&self.0).inside.as_ref().map(|inside| inside.world().now()).unwrap_or_default()
    }

    fn utc(&self) -> Ticks {
        answers::ticks(self.now())
    }

    fn wait_until(&self, moment: Time) {
        if let Some(inside) = &mut lock(&self.0).inside {
            inside.advance(moment);
        }
    }
}

/// A client that asks the world what it would meet.
struct TwinProbe(Arc<Mutex<State>>);

impl Probe for TwinProbe {
    fn look(&mut self) -> io::Result<Option<Looked>> {
        let mut state = lock(&self.0);
        state.catch_up();
        let met = state.inside.as_ref().map_or(Met::Silent, |inside| inside.world().endpoint_answer().into());
        Ok(Some(Looked { met, ago: Duration::ZERO }))
    }
}

impl State {
    /// Where time is real: lets the world become what it is by this moment.
    fn catch_up(&mut self) {
        if let (Some(pace), Some(inside)) = (self.pace, &mut self.inside) {
            inside.advance(pace.now());
        }
    }

    /// How often the host has lost its power.
    fn outages(&self, host: Host) -> u32 {
        match (host, &self.inside) {
            (Host::Node(node), Some(inside)) => inside.logs.outages[node.index()],
            (Host::Node(_), None) | (Host::Control | Host::Worker(_), _) => 0,
        }
    }

    /// Whether a session answers that was opened after so many losses of power.
    fn hears(&self, host: Host, outages: u32) -> bool {
        let has_power = match (host, &self.inside) {
            (Host::Node(node), Some(inside)) => inside.world().power(node) == Power::On,
            (Host::Node(_), None) => false,
            (Host::Control | Host::Worker(_), _) => true,
        };
        has_power && self.outages(host) == outages && !self.silent.contains(&host)
    }

    /// What is to go wrong with this request, if anything is.
    fn mishap(&mut self, host: Host, verb: &'static str) -> Option<Mishap> {
        let place = self.asked.iter().position(|(own, word, _)| (*own, *word) == (host, verb));
        let place = place.unwrap_or_else(|| {
            self.asked.push((host, verb, 0));
            self.asked.len() - 1
        });
        self.asked[place].2 += 1;
        let time = self.asked[place].2;
        let fits = |fault: &&Fault| fault.host == host && fault.verb == verb && fault.time == time;
        self.faults.iter().find(fits).map(|fault| fault.mishap)
    }
}

impl Inside {
    fn world(&self) -> &World {
        self.cluster.world()
    }

    /// What the clock of every host shows: where sockets are real, so is the date.
    fn clock(&self) -> Ticks {
        self.cluster.clock()
    }
}

/// The far end of one session.
struct Server<W> {
    state: Arc<Mutex<State>>,
    host: Host,
    outages: u32,
    dialect: Dialect,
    answers: W,
    /// Where the twin says that no more will come; `None` where nobody asks.
    still: Option<Sender<u64>>,
    written: u64,
    marker: Option<Marker>,
}

impl<W: Write> Server<W> {
    fn new(state: &Arc<Mutex<State>>, host: Host, answers: W, still: Option<Sender<u64>>) -> Self {
        let (outages, dialect) = {
            let state = lock(state);
            (state.outages(host), state.dialect)
        };
        Self { state: state.clone(), host, outages, dialect, answers, still, written: 0, marker: None }
    }

    /// Answers until the other side goes, or the session dies.
    fn serve(mut self, requests: impl Read) {
        for line in BufReader::new(requests).lines() {
            let Ok(line) = line else { return };
            let Some(said) = self.hear(&line) else { return };
            self.written += said.bytes.len() as u64;
            // A reader that is gone has no use for what is left of the answer.
            let is_heard = self.answers.write_all(&said.bytes).is_ok();
            // A session that ends says so by ending, not by being still.
            let goes_on = is_heard && !said.is_last;
            if !goes_on || self.still.as_ref().is_some_and(|still| still.send(self.written).is_err()) {
                return;
            }
        }
    }

    /// What is written in answer to a line; `None` if the session dies of it.
    fn hear(&mut self, line: &str) -> Option<Said> {
        let shared = self.state.clone();
        let mut state = lock(&shared);
        state.catch_up();
        if !state.hears(self.host, self.outages) {
            return Some(Said::more(Vec::new()));
        }
        let Ok(request) = Request::read(line) else {
            return Some(Said::more(self.dialect.line("not a request")));
        };
        if let Call::Hello { marker, .. } = &request.call {
            self.marker = Some(marker.clone());
        }
        let marker = self.marker.clone()?;
        let mishap = state.mishap(self.host, request.call.verb());
        match mishap {
            Some(Mishap::DieBefore) => return None,
            Some(Mishap::Slow { seconds }) => {
                let Some(pace) = state.pace else { return Some(Said::more(Vec::new())) };
                // Others are answered meanwhile, and it is done late.
                drop(state);
                std::thread::sleep(pace.real(Duration::from_secs(seconds.into())));
                state = lock(&shared);
                state.catch_up();
            }
            Some(Mishap::FallSilent) => {
                state.silent.push(self.host);
                return Some(Said::more(Vec::new()));
            }
            Some(_) | None => {}
        }
        let mut answer = match mishap {
            Some(Mishap::Deny) => answers::denied(&request),
            Some(Mishap::Ignore) => Answer { id: request.id, outcome: Ok(Reply::Done) },
            Some(_) | None => answers::answer(&mut state, self.host, &request),
        };
        if let (Some(Mishap::Occupied), Ok(reply)) = (mishap, &mut answer.outcome) {
            answers::occupy(reply);
        }
        if let (Some(mishap @ (Mishap::NoRole | Mishap::NoPackage)), Ok(reply)) =
            (mishap, &mut answer.outcome)
        {
            work::withhold(reply, mishap == Mishap::NoRole);
        }
        if let (Some(Mishap::ClockOff { seconds }), Ok(Reply::Hello(hello))) = (mishap, &mut answer.outcome) {
            hello.clock.0 += i64::from(seconds) * TICKS_A_SECOND;
        }
        let is_first = self.written == 0;
        self.dialect.reply(&answer, &marker, mishap, is_first)
    }
}

/// Ticks of 100 ns.
const TICKS_A_SECOND: i64 = 10_000_000;

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // A thread that panicked has said so; its state is still the state.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
