//! How do programs get answers from the twin, while time passes by itself?
//!
//! A session is a connection to a port on loopback: its first line is the name of a host, what follows is the session
//! protocol. The world's time is real time multiplied by a stated factor, and so is the clock of the run.

use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use failover_sim::time::Time;
use failover_sim::twin;

use crate::plan::Plan;

use super::super::clock::Clock;
use super::super::protocol::Ticks;
use super::super::reach::{Host, Lab, Probe};
use super::cluster::Cluster;
use super::{Dialect, Fault, Inside, Server, State, Twin, TwinProbe, answers, lock};

/// A lab that is a world of the model, for programs.
pub struct RealTimeTwin {
    twin: Twin,
    speed: u32,
    address: SocketAddr,
}

/// Real time, multiplied.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    began: Instant,
    speed: u32,
}

impl Pace {
    pub(super) fn now(self) -> Time {
        Time::ZERO + self.began.elapsed() * self.speed
    }

    /// How long this takes where the harness runs.
    pub(super) fn real(self, duration: Duration) -> Duration {
        duration / self.speed
    }
}

impl RealTimeTwin {
    /// A twin whose hosts speak and fail like this, and whose time runs `speed` times as fast as real time.
    ///
    /// # Errors
    /// If no port or no thread can be had.
    pub fn new(dialect: Dialect, faults: Vec<Fault>, speed: u32) -> io::Result<Self> {
        let twin = Twin::with_faults(dialect, faults);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let state = twin.state.clone();
        let accept = move || {
            for stream in listener.incoming().flatten() {
                let state = state.clone();
                let session = move || serve(&state, &stream);
                let _ = std::thread::Builder::new().name("twin".to_owned()).spawn(session);
            }
        };
        std::thread::Builder::new().name("twin".to_owned()).spawn(accept)?;
        Ok(Self { twin, speed, address })
    }

    /// Begins the world of a plan behind real HTTPS on loopback, and lets it go on by itself: a probe
    /// meets it at the endpoint that comes back, with the folder of its certificates. The clocks of its hosts are right.
    ///
    /// # Errors
    /// If the sockets, or a thread, cannot be had.
    pub fn begin_on_sockets(&mut self, plan: &Plan) -> io::Result<(SocketAddr, PathBuf)> {
        let options = twin::TwinOptions::with_factor(self.speed);
        let sockets = twin::Twin::start(&plan.topology, &plan.names, &plan.loads, plan.choices(), options);
        let sockets = sockets.map_err(io::Error::other)?;
        let ends = (sockets.endpoint(), sockets.folder().to_owned());
        self.twin.begin_with(Cluster::Sockets(Box::new(sockets)), plan);
        lock(&self.twin.state).pace = Some(Pace { began: Instant::now(), speed: self.speed });
        let (state, step) = (Arc::downgrade(&self.twin.state), STEP * self.speed);
        let go_on = move || {
            while let Some(state) = state.upgrade() {
                let mut state = lock(&state);
                let Some(Inside { cluster: Cluster::Sockets(twin), logs, .. }) = &mut state.inside else {
                    return;
                };
                let until = twin.now() + step;
                if twin.advance(until, logs).is_err() {
                    return;
                }
                drop(state);
                // Others want to be heard, too.
                std::thread::sleep(STEP / 10);
            }
        };
        std::thread::Builder::new().name("sockets".to_owned()).spawn(go_on)?;
        Ok(ends)
    }

    /// Where programs get answers.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Begins the world of a plan; time runs from here on. Comes back with the hosts that the plan has, and the names
    /// that they answer to.
    ///
    /// # Errors
    /// If the world cannot be what the plan needs.
    pub fn begin(&mut self, plan: &Plan) -> io::Result<Vec<(Host, String)>> {
        self.twin.begin(plan)?;
        let mut state = lock(&self.twin.state);
        state.pace = Some(Pace { began: Instant::now(), speed: self.speed });
        let binding = state.inside.as_ref().map(|inside| &inside.binding);
        Ok(binding
            .map(|binding| binding.hosts().into_iter().map(|host| (host, binding.host_name(host))).collect())
            .unwrap_or_default())
    }

    /// The clock of the run.
    pub fn clock(&self) -> Box<dyn Clock> {
        Box::new(RealTimeClock(self.twin.state.clone()))
    }

    /// The probe of its endpoint.
    pub fn probe(&self) -> Box<dyn Probe> {
        Box::new(TwinProbe(self.twin.state.clone()))
    }
}

fn serve(state: &Arc<Mutex<State>>, stream: &TcpStream) {
    let mut requests = BufReader::new(stream);
    let mut name = String::new();
    if requests.read_line(&mut name).is_err() {
        return;
    }
    let host = {
        let state = lock(state);
        let binding = state.inside.as_ref().map(|inside| &inside.binding);
        binding.and_then(|binding| {
            binding.hosts().into_iter().find(|&host| binding.host_name(host) == name.trim_end())
        })
    };
    // A name that is no host's is answered by silence and an end, as by a machine that is not there.
    if let Some(host) = host {
        Server::new(state, host, stream, None).serve(requests);
        // The program may not have gone yet: it sees the end of the answers.
        let _ = stream.shutdown(std::net::Shutdown::Write);
    }
}

struct RealTimeClock(Arc<Mutex<State>>);

impl RealTimeClock {
    fn pace(&self) -> Pace {
        lock(&self.0).pace.expect("a lab is begun before its clock is used")
    }
}

impl Clock for RealTimeClock {
    fn now(&self) -> Time {
        self.pace().now()
    }

    fn utc(&self) -> Ticks {
        answers::ticks(self.now())
    }

    fn wait_until(&self, moment: Time) {
        let pace = self.pace();
        std::thread::sleep(pace.real(moment.since(pace.now())));
    }
}

/// How long sockets are driven before somebody else may ask, in real time.
const STEP: Duration = Duration::from_millis(5);
