//! What do a handshake, a request and a reconnect cost on the twin, beside the same with bare rustls and hyper?
//!
//! Everything is processor time of the whole process, clients and servers together, so that waiting costs nothing. After
//! criterion's own figures come the ratios: what the twin needed, over what the handshakes, requests and refused attempts that
//! it carried out cost bare. The twin's own probe counts too, at the price of a handshake without a client certificate, or of a
//! refused attempt where it finds nobody.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode};
use failover_benches::bare_tls::{BareTls, Client, ask, open};
use failover_benches::measure::{Cpu, CpuClock};
use failover_harness::backend::LoopbackBackend;
use failover_harness::plan::{Overrides, Plan};
use failover_harness::scenario::load;
use failover_sim::action::Action;
use failover_sim::names::{NodeId, RoleId, WorkerId};
use failover_sim::observe::{Fact, Flow, Record, Sink, WorkerState};
use failover_sim::twin::{Running, Twin, TwinOptions, onlooker, provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

/// Processor seconds of one unit of work, by what was measured; every sample of it.
type Ledger = RefCell<BTreeMap<String, Vec<f64>>>;

fn main() -> io::Result<()> {
    let ledger = Ledger::default();
    let mut criterion = Criterion::default().with_measurement(Cpu).sample_size(10).configure_from_args();
    handshake(&mut criterion, &ledger);
    request(&mut criterion, &ledger);
    for workers in [1, 100, 1_000] {
        reconnect(&mut criterion, &ledger, workers);
    }
    criterion.final_summary();
    ratios(&ledger.into_inner(), &mut io::stdout().lock())
}

/// A connection, a full mutual handshake, and one request.
fn handshake(criterion: &mut Criterion<Cpu>, ledger: &Ledger) {
    let mut group = criterion.benchmark_group("handshake");
    let bare = Arc::new(BareTls::new());
    group.bench_function("rustls_in_memory", |bencher| {
        bencher.iter_custom(|count| {
            noted(ledger, "rustls_in_memory", count, || (0..count).for_each(|_| bare.handshake_in_memory()))
        });
    });
    let (runtime, server) = (runtime(), served(&bare));
    group.bench_function("bare", |bencher| {
        bencher.iter_custom(|count| {
            noted(ledger, "handshake_bare", count, || {
                for _ in 0..count {
                    runtime.block_on(async { ask(&mut bare.open(server).await).await });
                }
            })
        });
    });
    group.bench_function("bare_without_client_certificate", |bencher| {
        bencher.iter_custom(|count| {
            noted(ledger, "look_bare", count, || {
                for _ in 0..count {
                    runtime.block_on(bare.look(server));
                }
            })
        });
    });
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let closed = closed.expect("a port that nobody listens on from here on");
    group.bench_function("bare_refused", |bencher| {
        bencher.iter_custom(|count| {
            noted(ledger, "refused_bare", count, || {
                for _ in 0..count {
                    runtime.block_on(TcpStream::connect(closed)).expect_err("nobody listens");
                }
            })
        });
    });
    let twin = Kept::start();
    group.bench_function("twin", |bencher| {
        bencher.iter_custom(|count| {
            noted(ledger, "handshake_twin", count, || {
                for _ in 0..count {
                    runtime.block_on(async { ask(&mut twin.open().await).await });
                }
            })
        });
    });
    group.finish();
}

/// A request on a connection that stands.
fn request(criterion: &mut Criterion<Cpu>, ledger: &Ledger) {
    let mut group = criterion.benchmark_group("request");
    let bare = Arc::new(BareTls::new());
    let (runtime, server) = (runtime(), served(&bare));
    let twin = Kept::start();
    for (name, mut client) in
        [("bare", runtime.block_on(bare.open(server))), ("twin", runtime.block_on(twin.open()))]
    {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|count| {
                noted(ledger, &format!("request_{name}"), count, || {
                    runtime.block_on(async {
                        for _ in 0..count {
                            ask(&mut client).await;
                        }
                    });
                })
            });
        });
    }
    group.finish();
}

/// The role moves, and so many workers connect again.
fn reconnect(criterion: &mut Criterion<Cpu>, ledger: &Ledger, workers: u32) {
    let mut group = criterion.benchmark_group("reconnect");
    group.sampling_mode(SamplingMode::Flat);
    let bare = Arc::new(BareTls::new());
    let (runtime, server) = (runtime(), served(&bare));
    group.bench_function(BenchmarkId::new("bare", workers), |bencher| {
        bencher.iter_custom(|count| {
            let clock = CpuClock::start();
            for _ in 0..count {
                runtime.block_on(async {
                    let all: Vec<_> = (0..workers)
                        .map(|_| {
                            let bare = bare.clone();
                            tokio::spawn(async move { ask(&mut bare.open(server).await).await })
                        })
                        .collect();
                    for one in all {
                        one.await.expect("a client");
                    }
                });
            }
            clock.elapsed().total()
        });
    });
    let plan = plan(workers);
    // Only where it is asked for: a thousand workers take a while to come.
    let mut fleet = None;
    group.bench_function(BenchmarkId::new("twin", workers), |bencher| {
        let fleet = fleet.get_or_insert_with(|| Fleet::start(&plan));
        bencher.iter_custom(|count| (0..count).map(|_| fleet.reconnect(ledger)).sum());
    });
    group.finish();
}

/// The processor time of work, which is noted by the unit.
fn noted(ledger: &Ledger, name: &str, count: u64, work: impl FnOnce()) -> Duration {
    let clock = CpuClock::start();
    work();
    let spent = clock.elapsed().total();
    note(ledger, name, spent.as_secs_f64() / count as f64);
    spent
}

fn note(ledger: &Ledger, name: &str, value: f64) {
    ledger.borrow_mut().entry(name.to_owned()).or_default().push(value);
}

/// Prints what the twin needed over what its work costs bare: the median of the samples of each.
fn ratios(ledger: &BTreeMap<String, Vec<f64>>, out: &mut impl Write) -> io::Result<()> {
    let median = |name: &str| {
        let mut samples = ledger.get(name)?.clone();
        samples.sort_by(f64::total_cmp);
        samples.get(samples.len() / 2).copied()
    };
    let over = |one: &str, other: &str| Some(median(one)? / median(other)?);
    let reconnect = |workers: u32| {
        let value = |what: &str| median(&format!("reconnect_{workers}_{what}"));
        // A bare handshake includes a first request.
        let later = (value("requests")? - value("handshakes")?).max(0.0);
        let bare = value("handshakes")? * median("handshake_bare")?
            + value("looks")? * median("look_bare")?
            + value("refused")? * median("refused_bare")?
            + later * median("request_bare")?;
        Some(value("cpu")? / bare)
    };
    for (what, ratio) in [
        ("handshake and request: bare over rustls in memory", over("handshake_bare", "rustls_in_memory")),
        ("handshake and request: twin over bare", over("handshake_twin", "handshake_bare")),
        ("request: twin over bare", over("request_twin", "request_bare")),
        ("reconnect of 1: twin over bare", reconnect(1)),
        ("reconnect of 100: twin over bare", reconnect(100)),
        ("reconnect of 1,000: twin over bare", reconnect(1_000)),
    ] {
        // What a filter left out has no ratio.
        if let Some(ratio) = ratio {
            writeln!(out, "{what:<50} {ratio:>6.2}")?;
        }
    }
    for workers in [1, 100, 1_000] {
        let value = |what: &str| median(&format!("reconnect_{workers}_{what}"));
        if let (Some(handshakes), Some(refused), Some(requests), Some(looks)) =
            (value("handshakes"), value("refused"), value("requests"), value("looks"))
        {
            writeln!(
                out,
                "reconnect of {workers}: {handshakes} handshakes, {refused} refused, {requests} requests, {looks} looks"
            )?;
        }
    }
    Ok(())
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// A bare server on a thread of its own, as the twin has one.
fn served(bare: &Arc<BareTls>) -> SocketAddr {
    let (sender, receiver) = channel();
    let bare = bare.clone();
    thread::spawn(move || {
        runtime().block_on(async {
            // Nobody waits for it only when the benchmark is over.
            let _ = sender.send(bare.serve().await);
            std::future::pending::<()>().await;
        });
    });
    receiver.recv().expect("a server")
}

fn plan(workers: u32) -> Plan {
    let overrides = Overrides { workers: Some(workers), ..Overrides::default() };
    let plans = load(&["cluster/planned_move".into()], 1, &overrides);
    plans.expect("the program carries it").remove(0)
}

fn start(plan: &Plan, factor: u32) -> Twin {
    let options = TwinOptions::with_factor(factor);
    Twin::start(&plan.topology, &plan.names, &[], plan.choices(), options).expect("a twin")
}

/// A twin that goes on by itself, for a client of ours that shows the certificate of its only worker.
struct Kept {
    running: Running<Nowhere>,
    config: Arc<rustls::ClientConfig>,
}

impl Kept {
    fn start() -> Self {
        let plan = plan(1);
        let mut fleet =
            Fleet { twin: start(&plan, 20), states: States::new(1), role: plan.role, owner: NodeId(0) };
        fleet.until_connected();
        let store = fleet.twin.folder().join(&plan.names.workers[0]).join("LocalMachine/My");
        let file = |ending: &str| store.join(format!("{}.{ending}", plan.names.workers[0]));
        let certified = certified(&file("pem"), &file("key"));
        let config = onlooker(Some(&Arc::new(certified))).expect("ring has both versions");
        Self { running: Running::start(fleet.twin, Nowhere).expect("a thread"), config }
    }

    async fn open(&self) -> Client {
        open(self.running.endpoint(), &self.config).await
    }
}

fn certified(certificate: &Path, key: &Path) -> CertifiedKey {
    let certificate = CertificateDer::from_pem_file(certificate).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(key).expect("a key");
    CertifiedKey::from_der(vec![certificate], key, &provider()).expect("a pair")
}

/// A twin with its own workers.
struct Fleet {
    twin: Twin,
    states: States,
    role: RoleId,
    owner: NodeId,
}

impl Fleet {
    fn start(plan: &Plan) -> Self {
        let workers = plan.names.workers.len();
        let factor = LoopbackBackend::factor_for(plan);
        let mut fleet = Self {
            twin: start(plan, factor),
            states: States::new(workers),
            role: plan.role,
            owner: NodeId(0),
        };
        fleet.until_connected();
        fleet
    }

    /// Moves the role to the other node, and waits for every worker.
    fn reconnect(&mut self, ledger: &Ledger) -> Duration {
        let workers = self.states.served_by.len();
        let (before, sockets) = (self.twin.counters(), self.twin.carried_out());
        let clock = CpuClock::start();
        self.owner = NodeId(1 - self.owner.0);
        let action = Action::MoveRole { role: self.role, to: self.owner };
        self.twin.apply(action).expect("the cluster is steady");
        self.until_connected();
        let spent = clock.elapsed().total();
        let (after, sockets_after) = (self.twin.counters(), self.twin.carried_out());
        let handshakes = after.connects - before.connects;
        let name = |what: &str| format!("reconnect_{workers}_{what}");
        note(ledger, &name("cpu"), spent.as_secs_f64());
        note(ledger, &name("handshakes"), handshakes as f64);
        // A worker's client tries a refused connection once more, as Windows does.
        let refused = 2 * (sockets_after.attempts - sockets.attempts - handshakes) + sockets_after.knocks
            - sockets.knocks;
        note(ledger, &name("refused"), refused as f64);
        note(ledger, &name("looks"), (sockets_after.looks - sockets.looks) as f64);
        note(ledger, &name("requests"), (after.requests - before.requests) as f64);
        spent
    }

    fn until_connected(&mut self) {
        self.states.wanted = self.owner;
        let limit = self.twin.now() + Duration::from_secs(3_600);
        self.twin.advance(limit, &mut self.states).expect("the twin runs");
        assert!(self.states.all(), "the workers come within an hour");
    }
}

/// Who serves each worker.
struct States {
    served_by: Vec<Option<NodeId>>,
    wanted: NodeId,
}

impl States {
    fn new(workers: usize) -> Self {
        Self { served_by: vec![None; workers], wanted: NodeId(0) }
    }

    fn all(&self) -> bool {
        self.served_by.iter().all(|node| *node == Some(self.wanted))
    }
}

impl Sink for States {
    fn record(&mut self, record: &Record) -> Flow {
        let Fact::Worker { worker: WorkerId(worker), state } = record.fact else { return Flow::Continue };
        self.served_by[worker as usize] = match state {
            WorkerState::Connected { served_by, .. } => Some(served_by),
            WorkerState::Starting | WorkerState::Disconnected(_) | WorkerState::Refused { .. } => None,
        };
        if self.all() { Flow::Yield } else { Flow::Continue }
    }
}

/// Nobody looks.
struct Nowhere;

impl Sink for Nowhere {
    fn record(&mut self, _: &Record) -> Flow {
        Flow::Continue
    }
}
