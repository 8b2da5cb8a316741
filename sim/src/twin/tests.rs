//! Do real sockets and real TLS show what the model says?

use std::time::Duration;

use super::*;
use crate::action::Action;
use crate::choices::Spread;
use crate::names::HostId;
use crate::observe::{Answer, ErrorFamily, Flow, Loss, Record, WorkerState};
use crate::topology::Timings;
use crate::world::fixture::{MASTER, NODE1, NODE2, OTHER, ROLE, SQLFCI, choices, names, secs, two_node_fci};

/// The same cluster with everything that takes its time on Windows taking little and always the same.
fn quick(workers: u16, change: impl FnOnce(&mut Topology)) -> Shared<Topology> {
    let mut topology = Topology::clone(&two_node_fci(workers));
    let fixed = |millis| Spread::fixed(Duration::from_millis(millis));
    topology.timings = Timings {
        link: fixed(1),
        regroup: fixed(1_000),
        join: fixed(1_000),
        service_restart: Duration::from_secs(10),
        boot: Duration::from_secs(5),
        disk_online: fixed(500),
        ip_address_online: fixed(500),
        network_name_online: fixed(500),
        sql_server_online: fixed(1_000),
        recovery: fixed(500),
        agent_online: fixed(500),
        master_online: fixed(500),
        master_serves: fixed(500),
        sql_server_offline: fixed(500),
        offline: fixed(200),
    };
    change(&mut topology);
    Shared::new(topology)
}

/// A twin and what it has shown so far.
struct Run {
    twin: Twin,
    history: Vec<Record>,
}

/// Keeps the history, and wants control once it has seen what it waits for.
struct Until<'h, F> {
    history: &'h mut Vec<Record>,
    is_it: F,
}

impl<F: FnMut(&[Record]) -> bool> Sink for Until<'_, F> {
    fn record(&mut self, record: &Record) -> Flow {
        self.history.push(*record);
        if (self.is_it)(self.history) { Flow::Yield } else { Flow::Continue }
    }
}

impl Run {
    fn start(topology: &Shared<Topology>) -> Self {
        let workers = topology.workers.len() as u16;
        let options = TwinOptions::with_factor(20);
        let twin = Twin::start(topology, &names(workers), &[], choices(1), options).expect("a twin starts");
        Self { twin, history: Vec::new() }
    }

    /// Runs until `is_it` is true of the records from here on; fails after half an hour of virtual time.
    #[track_caller]
    fn until(&mut self, what: &str, mut is_it: impl FnMut(&[Record]) -> bool) {
        let start = self.history.len();
        let end = self.twin.now() + Duration::from_secs(1_800);
        let mut sink = Until { history: &mut self.history, is_it: |all: &[Record]| is_it(&all[start..]) };
        let stop = self.twin.advance(end, &mut sink).expect("the twin runs");
        assert_eq!(stop, Stop::Yielded, "{what}: {:#?}", &self.history[start..]);
    }

    fn apply(&mut self, action: ResolvedAction) {
        self.twin.apply(action).expect("the action is possible");
    }

    /// Runs until every worker is connected to `node`.
    #[track_caller]
    fn until_served_by(&mut self, node: NodeId) {
        let workers = self.twin.driver.topology.workers.len();
        self.until("every worker connected", |records| {
            let mut states = vec![None; workers];
            for (worker, state) in worker_states(records) {
                states[worker.index()] = Some(state);
            }
            states.iter().all(|state| {
                matches!(state, Some(WorkerState::Connected { through: SQLFCI, served_by, .. }) if *served_by == node)
            })
        });
    }

    /// Runs until every worker was refused like this.
    #[track_caller]
    fn until_refused(&mut self, refused: WorkerState) {
        let workers = self.twin.driver.topology.workers.len();
        self.until("every worker refused", |records| {
            (0..workers).all(|worker| {
                let worker = WorkerId(worker as u32);
                worker_states(records).any(|seen| seen == (worker, refused))
            })
        });
    }
}

fn worker_states(records: &[Record]) -> impl Iterator<Item = (WorkerId, WorkerState)> {
    records.iter().filter_map(|record| match record.fact {
        Fact::Worker { worker, state } => Some((worker, state)),
        _ => None,
    })
}

fn endpoint_answers(records: &[Record]) -> impl Iterator<Item = Answer> {
    records.iter().filter_map(|record| match record.fact {
        Fact::Endpoint { answer, .. } => Some(answer),
        _ => None,
    })
}

#[test]
fn a_power_off_moves_the_workers_to_the_second_node() {
    let mut run = Run::start(&quick(3, |_| {}));
    run.until_served_by(NODE1);
    run.apply(Action::PowerOff { node: NODE1 });
    let before = run.history.len();
    run.until_served_by(NODE2);
    let served = Answer::Served { by: NODE2, certificate: MASTER };
    if !endpoint_answers(&run.history[before..]).any(|answer| answer == served) {
        run.until("the probe finds the second node", |records| {
            endpoint_answers(records).any(|answer| answer == served)
        });
    }
    let answers: Vec<Answer> = endpoint_answers(&run.history[before..]).collect();
    assert_eq!(answers.first(), Some(&Answer::Silent), "{answers:?}");
    let sequence: Vec<u64> = run.history.iter().map(|record| record.seq).collect();
    assert!(sequence.iter().enumerate().all(|(place, &seq)| seq == place as u64));
}
