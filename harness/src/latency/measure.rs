//! How is a failover measured?

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use failover_sim::names::{ActionNo, WorkerId};
use failover_sim::time::micros;

use crate::backend::{Backend, BackendKind, LoopbackBackend, SimBackend};
use crate::director;
use crate::phase::{Outage, PHASES};
use crate::plan::{Overrides, Plan, VERSION};
use crate::scenario::{LoadError, origin_on, plan};
use crate::words;

use super::saved::{FORM, Failover, PHASES_OF_CLUSTER, Saved, WORKER_ROWS};
use super::watch::Watch;

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct Order {
    /// Where.
    pub backend: BackendKind,
    /// The topology: a file, or one that the program carries.
    pub topology: String,
    /// What is set on top of it.
    pub overrides: Overrides,
    /// What happens to the cluster.
    pub fault: Fault,
    /// How often.
    pub failovers: u32,
    /// The seed of the first one; the others follow, and the least number follows the greatest.
    pub seed: u64,
    /// How many run at once.
    pub jobs: usize,
}

/// A fault after which workers must reconnect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Fault {
    /// An administrator moves the role to the standby.
    MoveRole,
    /// The owner loses its power.
    PowerOff,
    /// The owner stands still.
    Freeze,
    /// The owner's operating system shuts down.
    ShutDown,
    /// The owner's operating system restarts.
    RestartNode,
    /// The owner's cluster service dies.
    KillClusterService,
    /// An administrator stops the owner's cluster service.
    StopClusterService,
    /// The process of the master dies.
    KillMaster,
    /// The process of SQL Server dies.
    KillSqlServer,
}

impl Fault {
    /// The fault with this word.
    pub fn by_word(word: &str) -> Option<Self> {
        use clap::ValueEnum;
        Self::value_variants().iter().copied().find(|fault| fault.word() == word)
    }

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::MoveRole => "move_role",
            Self::PowerOff => "power_off",
            Self::Freeze => "freeze",
            Self::ShutDown => "shut_down",
            Self::RestartNode => "restart_node",
            Self::KillClusterService => "kill_cluster_service",
            Self::StopClusterService => "stop_cluster_service",
            Self::KillMaster => "kill_master",
            Self::KillSqlServer => "kill_sql_server",
        }
    }

    const fn step(self) -> &'static str {
        match self {
            Self::MoveRole => "move_role: { to: standby }",
            Self::PowerOff => "power_off: { node: owner }",
            Self::Freeze => "freeze: { node: owner }",
            Self::ShutDown => "shut_down: { node: owner }",
            Self::RestartNode => "restart_node: { node: owner }",
            Self::KillClusterService => "kill_cluster_service: { node: owner }",
            Self::StopClusterService => "stop_cluster_service: { node: owner }",
            Self::KillMaster => "kill_service: { node: owner, service: master }",
            Self::KillSqlServer => "kill_service: { node: owner, service: sql_server }",
        }
    }

    /// What must come true after it.
    const fn expectation(self) -> &'static str {
        match self {
            Self::MoveRole
            | Self::PowerOff
            | Self::Freeze
            | Self::ShutDown
            | Self::RestartNode
            | Self::KillClusterService
            | Self::StopClusterService => {
                "- expect: { within: 20m, role: { state: online }, \
                 workers: { which: every, state: connected, served_by: first_standby } }"
            }
            Self::KillMaster | Self::KillSqlServer => {
                "- expect: { within: 2m, workers: { which: none, state: connected } }\n\
                 - expect: { within: 20m, workers: { which: every, state: connected } }"
            }
        }
    }
}

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The topology cannot be read, or something in it is wrong.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A run did not come as far as its fault.
    #[error("failover {number} (seed {seed}) did not take place: {reason}")]
    NoFault {
        /// Which one, from 1.
        number: u32,
        /// Its seed.
        seed: u64,
        /// What the run says.
        reason: String,
    },
    /// A lab that nobody named.
    #[error("`--backend lab` needs to know which lab\nhint: --lab twin")]
    NoLab,
    /// The fault cannot be had where it is to be measured.
    #[error("{0}\nhint: --fault names another fault")]
    Unable(String),
    /// A failover was not taken back.
    #[error("failover {number} (seed {seed}) left the lab another than it was: {reason}")]
    NotRestored {
        /// Which one, from 1.
        number: u32,
        /// Its seed.
        seed: u64,
        /// What is open, and where the journal is.
        reason: String,
    },
}

/// The plan of one failover, whose fault comes so long after the start of the steps.
///
/// # Errors
/// If the topology cannot be read, or something in it is wrong.
pub fn plan_of(order: &Order, seed: u64, swept: Duration) -> Result<Plan, LoadError> {
    let (step, expectation) = (order.fault.step(), order.fault.expectation());
    let mut pause = String::new();
    if !swept.is_zero() {
        let length = words::length(swept);
        pause = format!("- pause: {{ for: {length}, because: the moment of the fault is swept }}\n");
    }
    let text = format!(
        "proves: how long workers are cut off\nabout: {{ topology: two_node_fci }}\nsteps:\n{pause}- {step}\n{expectation}\n"
    );
    let origin = origin_on(&order.topology, order.overrides.clone(), &text)?;
    plan("bench/reconnect", &origin, seed).map_err(LoadError::Mistakes)
}

/// Measures on the simulator or on loopback; `done` is told how many failovers are over.
///
/// # Errors
/// If the topology is wrong, or a run does not come as far as its fault.
pub fn measure(order: &Order, done: impl Fn(u32) + Sync) -> Result<Saved, MeasureError> {
    match order.backend {
        BackendKind::Sim => measure_in(order, SimBackend::keeping_attempts, done),
        BackendKind::Loopback => measure_in(order, LoopbackBackend::keeping_attempts, done),
        BackendKind::Lab => Err(MeasureError::NoLab),
    }
}

/// Measures on backends that are made like this, such as a lab.
///
/// # Errors
/// If the topology is wrong, the fault cannot be had there, or a run does not come as far as its fault or is not taken
/// back.
pub fn measure_in<B: Backend>(
    order: &Order,
    backend: impl Fn() -> B + Sync,
    done: impl Fn(u32) + Sync,
) -> Result<Saved, MeasureError> {
    let still = plan_of(order, order.seed, Duration::ZERO)?;
    {
        let backend = backend();
        if let Some(reason) = backend.abilities(&still).reason_to_skip(backend.kind()) {
            return Err(MeasureError::Unable(reason));
        }
    }
    let measured = measure_on(order, backend, &still, &done)?;
    let factor = match order.backend {
        BackendKind::Sim | BackendKind::Lab => 1,
        BackendKind::Loopback => LoopbackBackend::factor_for(&still),
    };
    let looked_us = match order.backend {
        BackendKind::Sim | BackendKind::Loopback => BTreeMap::new(),
        BackendKind::Lab => looked(&measured),
    };
    let probe = measured.iter().map(|one| one.probe).max().unwrap_or_default();
    // However patient a lab's steps are, what is measured is the same.
    let plain = Overrides { patience: None, ..order.overrides.clone() };
    let plain = plan_of(&Order { overrides: plain, ..order.clone() }, order.seed, Duration::ZERO)?;
    Ok(Saved {
        latency: FORM,
        version: VERSION.to_owned(),
        backend: order.backend.word().to_owned(),
        topology: order.topology.clone(),
        fault: order.fault.word().to_owned(),
        plan: plain.digest().to_string(),
        workers: still.topology.workers.len(),
        set: order.overrides.set.clone().into_iter().collect(),
        assume: said(order, &still),
        factor,
        // What a socket does takes real time, which counts `factor` times: a millisecond of it is one of ours times that.
        resolution_us: match order.backend {
            BackendKind::Sim | BackendKind::Lab => 1,
            BackendKind::Loopback => 1_000 * u64::from(factor),
        },
        probe_us: micros(probe),
        looked_us,
        lab: None,
        failovers: measured.into_iter().map(|one| one.failover).collect(),
    })
}

/// What was taken for granted: because somebody said so, or a lab.
fn said(order: &Order, plan: &Plan) -> Vec<(String, String)> {
    let mut said = order.overrides.assume.clone();
    for &assumption in plan.possible.keys() {
        said.insert(assumption.question().id.to_owned(), plan.assumptions.word(assumption).to_owned());
    }
    said.into_iter().collect()
}

/// A failover, and what is known of how well it was seen.
struct Measured {
    failover: Failover,
    /// From one look of the probe to the next.
    probe: Duration,
    /// For each row, how many microseconds earlier it may have been true; nothing where nobody could see it.
    looked: BTreeMap<&'static str, Option<u64>>,
}

/// For each row the coarsest look in all failovers.
fn looked(measured: &[Measured]) -> BTreeMap<String, Option<u64>> {
    let mut all: BTreeMap<String, Option<u64>> = BTreeMap::new();
    for (&row, looked) in measured.iter().flat_map(|one| &one.looked) {
        let known = all.entry(row.to_owned()).or_default();
        *known = (*known).max(*looked);
    }
    all
}

fn measure_on<B: Backend>(
    order: &Order,
    backend: impl Fn() -> B + Sync,
    still: &Plan,
    done: &(impl Fn(u32) + Sync),
) -> Result<Vec<Measured>, MeasureError> {
    let count = order.failovers;
    let next = AtomicUsize::new(0);
    let (sender, measured) = mpsc::channel();
    let work = |sender: mpsc::Sender<_>| {
        let mut backend = backend();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed) as u32;
            if number >= count || sender.send((number, one(order, number, still, &mut backend))).is_err() {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..order.jobs.clamp(1, count.max(1) as usize) {
            let (work, sender) = (&work, sender.clone());
            scope.spawn(move || work(sender));
        }
        drop(sender);
        let mut failovers = Vec::new();
        for (number, failover) in measured {
            failovers.push((number, failover?));
            done(failovers.len() as u32);
        }
        failovers.sort_by_key(|(number, _)| *number);
        Ok(failovers.into_iter().map(|(_, failover)| failover).collect())
    })
}

/// Measures one failover.
fn one<B: Backend>(
    order: &Order,
    number: u32,
    still: &Plan,
    backend: &mut B,
) -> Result<Measured, MeasureError> {
    let seed = order.seed.wrapping_add(u64::from(number));
    let swept = swept(cycle(still), number, order.failovers);
    let plan = plan_of(order, seed, swept)?;
    let mut watch = Watch::new(ActionNo(plan.given as u16), plan.topology.workers.len());
    let judgement = director::run(&plan, backend, &mut watch);
    // What the surroundings lacked comes first; what is found after it follows from that.
    let found = judgement.findings.iter().flat_map(|finding| &finding.evidence).next().cloned();
    if !judgement.is_restored {
        return Err(MeasureError::NotRestored {
            number: number + 1,
            seed,
            reason: found.unwrap_or_else(|| "see its journal".to_owned()),
        });
    }
    if watch.fault.is_none() {
        // What else was found there, and what to do about it, is what a run would show.
        let first = judgement.findings.first();
        let lines = first.map(|finding| finding.evidence.join("\n  ")).filter(|lines| !lines.is_empty());
        let hints = first.iter().flat_map(|finding| &finding.hints);
        let hints: String = hints.map(|hint| format!("\nhint: {hint}")).collect();
        let reason = lines.unwrap_or_else(|| "the steps were not begun".to_owned()) + &hints;
        return Err(MeasureError::NoFault { number: number + 1, seed, reason });
    }
    let mut sees_attempts = false;
    for (worker, times) in watch.workers.iter_mut().enumerate() {
        if let (Some(fault), Some(attempted)) = (watch.fault, backend.attempted(WorkerId(worker as u32))) {
            times.take_attempt(fault, attempted);
            sees_attempts = true;
        }
    }
    let outage = judgement.outages.first();
    let looked = looked_at(&watch, outage, sees_attempts);
    // The phases of workers are told worker by worker.
    let failover = Failover {
        seed,
        swept_ms: micros(swept) / 1_000,
        phases_ms: (0..PHASES_OF_CLUSTER)
            .map(|phase| outage.and_then(|outage| outage.millis[phase]))
            .collect(),
        assumed_ms: (0..PHASES_OF_CLUSTER)
            .map(|phase| outage.map_or(0, |outage| outage.assumed[phase]))
            .collect(),
        workers: watch.workers,
    };
    Ok(Measured { failover, probe: watch.probe, looked })
}

/// How well each row was seen: as the records say, and where it was not reached as often as somebody looked.
fn looked_at(
    watch: &Watch,
    outage: Option<&Outage>,
    sees_attempts: bool,
) -> BTreeMap<&'static str, Option<u64>> {
    let mut looked = BTreeMap::new();
    for (phase, (name, _)) in PHASES[..PHASES_OF_CLUSTER].iter().enumerate() {
        let is_endpoint = *name == "endpoint_answering";
        let often = if is_endpoint {
            Some(watch.probe).filter(|probe| !probe.is_zero())
        } else {
            watch.looks_at_nodes
        };
        let reached = outage.filter(|outage| outage.millis[phase].is_some());
        let seen = reached.map(|outage| outage.unseen[phase] * 1_000);
        looked.insert(*name, often.map(|often| seen.unwrap_or(micros(often))));
    }
    let often = watch.looks_at_workers.map(micros);
    let (lost, back) = watch.unseen;
    let of = |seen: u64| often.map(|often| if seen == 0 { often } else { seen });
    for (name, _) in WORKER_ROWS {
        let known = match name {
            "worker_noticed" => of(lost),
            "worker_back" => of(back),
            "worker_away" => of(lost + back),
            _ => often.filter(|_| sees_attempts),
        };
        looked.insert(name, known);
    }
    looked
}

/// The longest cycle of the timers that a fault can meet in different phases: heartbeats of nodes, polls, leases and
/// heartbeats of workers, the master's sweep.
fn cycle(plan: &Plan) -> Duration {
    let of_workers = plan
        .topology
        .workers
        .iter()
        .flat_map(|worker| [worker.settings.agent_heartbeat_interval, worker.settings.lease_interval])
        .map(Duration::from);
    let of_masters = plan.topology.nodes.iter().map(|node| node.master_settings.sweep_interval);
    of_workers.chain(of_masters).max().unwrap_or_default()
}

/// The moment of a fault, in whole milliseconds: the middle of its share of the cycle.
fn swept(cycle: Duration, number: u32, count: u32) -> Duration {
    let share = micros(cycle) * (2 * u64::from(number) + 1) / (2 * u64::from(count.max(1)));
    Duration::from_millis(share / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(fault: Fault, failovers: u32) -> Order {
        Order {
            backend: BackendKind::Sim,
            topology: "two_node_fci".to_owned(),
            overrides: Overrides::default(),
            fault,
            failovers,
            seed: 1,
            jobs: 2,
        }
    }

    #[test]
    fn the_moment_of_the_fault_is_swept_evenly() {
        let at = |number| swept(Duration::from_secs(300), number, 3).as_secs();
        assert_eq!([at(0), at(1), at(2)], [50, 150, 250]);
    }

    #[test]
    fn every_fault_cuts_every_worker_off_and_all_come_back() {
        use clap::ValueEnum;
        for &fault in Fault::value_variants() {
            let saved = measure(&order(fault, 4), |_| ()).expect("the topology is right");
            assert_eq!(saved.failovers.len(), 4);
            for failover in &saved.failovers {
                assert_eq!(failover.workers.len(), 3);
                assert!(
                    failover.workers.iter().all(|times| times.away().is_some()),
                    "{fault:?} {failover:?}"
                );
                // The last row is not counted from the fault.
                for times in &failover.workers {
                    let rows = &WORKER_ROWS[..WORKER_ROWS.len() - 1];
                    let moments: Option<Vec<u64>> = rows.iter().map(|(_, time)| time(times)).collect();
                    let moments = moments.expect("every step of the attempt that succeeded was seen");
                    assert!(moments.is_sorted(), "{fault:?} {times:?}");
                }
            }
        }
    }

    #[test]
    fn the_same_order_gives_the_same_times_however_many_run_at_once() {
        let one = measure(&Order { jobs: 1, ..order(Fault::PowerOff, 6) }, |_| ()).expect("it is right");
        assert_eq!(measure(&order(Fault::PowerOff, 6), |_| ()).expect("it is right"), one);
    }
}
