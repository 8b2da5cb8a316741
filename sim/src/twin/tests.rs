//! Do real sockets and real TLS show what the model says?

use std::time::Duration;

use super::*;
use crate::action::{NodeChange, WorkerSetting};
use crate::choices::Spread;
use crate::observe::{Answer, ErrorFamily, Flow, Loss, Record, WorkerState};
use crate::topology::Timings;
use crate::world::fixture::{MASTER, NODE1, NODE2, OTHER, ROLE, SQLFCI, choices, names, secs, two_node_fci};

/// The same cluster with everything that takes its time on Windows taking little and always the same.
pub(super) fn quick(workers: u16, change: impl FnOnce(&mut Topology)) -> Shared<Topology> {
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
        availability_group_online: fixed(500),
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
pub(super) struct Run {
    pub(super) twin: Twin,
    pub(super) history: Vec<Record>,
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
    pub(super) fn start(topology: &Shared<Topology>) -> Self {
        Self::start_with(topology, TwinOptions::with_factor(20))
    }

    pub(super) fn start_with(topology: &Shared<Topology>, options: TwinOptions) -> Self {
        let workers = topology.workers.len() as u16;
        let twin = Twin::start(topology, &names(workers), &[], choices(1), options).expect("a twin starts");
        Self { twin, history: Vec::new() }
    }

    /// Runs until `is_it` is true of the records from here on; fails after half an hour of virtual time.
    #[track_caller]
    pub(super) fn until(&mut self, what: &str, mut is_it: impl FnMut(&[Record]) -> bool) {
        let start = self.history.len();
        let end = self.twin.now() + Duration::from_secs(1_800);
        let mut sink = Until { history: &mut self.history, is_it: |all: &[Record]| is_it(&all[start..]) };
        let stop = self.twin.advance(end, &mut sink).expect("the twin runs");
        assert_eq!(stop, Stop::Yielded, "{what}: {:#?}", &self.history[start..]);
    }

    pub(super) fn apply(&mut self, action: ResolvedAction) {
        self.twin.apply(action).expect("the action is possible");
    }

    /// Runs until every worker is connected to `node`.
    #[track_caller]
    pub(super) fn until_served_by(&mut self, node: NodeId) {
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
    pub(super) fn until_refused(&mut self, refused: WorkerState) {
        let workers = self.twin.driver.topology.workers.len();
        self.until("every worker refused", |records| {
            (0..workers).all(|worker| {
                let worker = WorkerId(worker as u32);
                worker_states(records).any(|seen| seen == (worker, refused))
            })
        });
    }
}

pub(super) fn worker_states(records: &[Record]) -> impl Iterator<Item = (WorkerId, WorkerState)> {
    records.iter().filter_map(|record| {
        if let Fact::Worker { worker, state } = record.fact { Some((worker, state)) } else { None }
    })
}

fn endpoint_answers(records: &[Record]) -> impl Iterator<Item = Answer> {
    records.iter().filter_map(|record| {
        if let Fact::Endpoint { answer, .. } = record.fact { Some(answer) } else { None }
    })
}

#[test]
fn a_power_off_moves_the_workers_to_the_second_node() {
    let mut run = Run::start(&quick(3, |_| {}));
    run.until_served_by(NODE1);
    let serves_first = |answer| answer == Answer::Served { by: NODE1, certificate: MASTER };
    if !endpoint_answers(&run.history).any(serves_first) {
        run.until("the probe finds the first node", |records| endpoint_answers(records).any(serves_first));
    }
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

#[test]
fn with_one_loopback_address_each_node_and_address_has_a_port() {
    let options = TwinOptions { addressing: Addressing::Ports, ..TwinOptions::with_factor(20) };
    let mut run = Run::start_with(&quick(2, |_| {}), options);
    let other = Run::start_with(&quick(1, |_| {}), options);
    let ports = |run: &Run| run.twin.addresses().map(|(_, address)| address).collect::<BTreeSet<_>>();
    let (own, others) = (ports(&run), ports(&other));
    assert!(run.twin.has_one_address() && own.is_disjoint(&others), "{own:?} {others:?}");
    assert!(own.len() == 3 && own.iter().all(|address| address.ip().to_string() == "127.0.0.1"), "{own:?}");
    run.until_served_by(NODE1);
    run.apply(Action::PowerOff { node: NODE1 });
    run.until_served_by(NODE2);
}

#[test]
fn a_certificate_of_its_own_on_the_second_node_keeps_every_worker_out() {
    let mut run = Run::start(&quick(2, |_| {}));
    run.until_served_by(NODE1);
    run.apply(Action::ReplaceMasterCertificate { node: NODE2, with: OTHER });
    run.apply(Action::MoveRole { role: ROLE, to: NODE2 });
    let before = run.history.len();
    run.until_refused(WorkerState::Refused {
        error: ErrorFamily::TrustRelationship,
        by: Some(NODE2),
        presented: Some(OTHER),
    });
    let after = &run.history[before..];
    assert!(!worker_states(after).any(|(_, state)| matches!(state, WorkerState::Connected { .. })));
    assert!(run.twin.folder().join("NODE2/LocalMachine/Root/made_by_setup.key").exists());
}

/// A file of a machine, as JSON.
fn settings(run: &Run, file: &str) -> serde_json::Value {
    let text = std::fs::read(run.twin.folder().join(file)).expect("a file");
    serde_json::from_slice(&text).expect("JSON")
}

/// What lies in a store.
fn store(run: &Run, store: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(run.twin.folder().join(store)).expect("a folder");
    entries.map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn settings_and_stores_are_files_and_actions_change_them() {
    let mut run = Run::start(&quick(2, |_| {}));
    let master = "NODE2/DTS/Binn/MasterSettings.config";
    let pinned = settings(&run, "w1/DTS/Binn/WorkerSettings.config")["MasterHttpsCertThumbprint"].clone();
    assert_eq!(
        (&settings(&run, master)["PortNumber"], &settings(&run, master)["SqlServerName"]),
        (&8391.into(), &"sqlfci".into())
    );
    assert_eq!(settings(&run, master)["SSLCertThumbprint"], pinned);
    let der = std::fs::read(run.twin.folder().join("NODE2/DTS/Binn/SSISScaleOutMaster.cer")).expect("a file");
    assert_eq!(pinned, certificates::thumbprint(&der).to_string().to_uppercase());
    assert_eq!(settings(&run, "w2/DTS/Binn/WorkerSettings.config")["MasterEndpoint"], "https://sqlfci:8391");
    assert_eq!(settings(&run, "w2/DTS/Binn/WorkerSettings.config")["LeaseInternval"], "00:01:00");
    let check_root = |run: &Run, files: &[&str]| {
        assert_eq!(store(run, "NODE2/LocalMachine/Root"), files.iter().map(ToString::to_string).collect());
    };
    check_root(&run, &["master.key", "master.pem", "w1.pem", "w2.pem"]);

    let change = |change| Action::ChangeNode { node: NODE2, change };
    run.apply(change(NodeChange::PortNumber(9000)));
    assert_eq!(settings(&run, master)["PortNumber"], 9000);
    run.apply(change(NodeChange::WorkerCertificates(false)));
    check_root(&run, &["master.key", "master.pem"]);
    run.apply(Action::ReplaceMasterCertificate { node: NODE2, with: OTHER });
    assert_ne!(settings(&run, master)["SSLCertThumbprint"], pinned);
    check_root(&run, &["made_by_setup.key", "made_by_setup.pem", "master.key", "master.pem"]);
    run.apply(change(NodeChange::PrivateKey(false)));
    check_root(&run, &["made_by_setup.pem", "master.key", "master.pem"]);
    run.apply(Action::SetWorkers(WorkerSetting::MaxTaskCount(3)));
    assert_eq!(settings(&run, "w1/DTS/Binn/WorkerSettings.config")["MaxTaskCount"], 3);
}

#[test]
fn a_worker_whose_certificate_the_node_lacks_is_forbidden() {
    let mut run = Run::start(&quick(1, |topology| {
        topology.nodes[0].root.clear();
        topology.nodes[1].root.clear();
    }));
    let refused =
        WorkerState::Refused { error: ErrorFamily::Forbidden, by: Some(NODE1), presented: Some(MASTER) };
    run.until_refused(refused);
}

#[test]
fn a_binding_without_its_key_breaks_the_handshake_off() {
    let mut run = Run::start(&quick(1, |topology| {
        topology.nodes.iter_mut().for_each(|node| node.private_key = false);
    }));
    let refused = WorkerState::Refused { error: ErrorFamily::HttpRequest, by: Some(NODE1), presented: None };
    run.until_refused(refused);
    if !endpoint_answers(&run.history).any(|answer| answer == Answer::NoHandshake(NODE1)) {
        run.until("the probe sees it too", |records| {
            endpoint_answers(records).any(|answer| answer == Answer::NoHandshake(NODE1))
        });
    }
    assert!(!run.twin.folder().join("NODE1/LocalMachine/Root/master.key").exists());
}

#[test]
fn each_mistake_on_a_workers_machine_has_its_error() {
    let mut run = Run::start(&quick(4, |topology| {
        topology.workers[0].root.clear();
        topology.workers[1].pin = Some(OTHER);
        topology.workers[2].key_readable = false;
        topology.workers[3].own = None;
    }));
    let wrong = [
        ErrorFamily::TrustRelationship,
        ErrorFamily::TrustRelationship,
        ErrorFamily::SecureChannel,
        ErrorFamily::SecureChannel,
    ];
    run.until("every worker refused in its own way", |records| {
        wrong.iter().enumerate().all(|(index, &error)| {
            let state = WorkerState::Refused { error, by: Some(NODE1), presented: Some(MASTER) };
            worker_states(records).any(|seen| seen == (WorkerId(index as u32), state))
        })
    });
}

#[test]
fn the_master_certificate_is_trusted_until_it_expires() {
    let mut run = Run::start(&quick(1, |topology| {
        let mut certificates = topology.certificates.to_vec();
        certificates[MASTER.index()].expires_after_secs = Some(100);
        topology.certificates = Shared::new(certificates);
    }));
    run.until_served_by(NODE1);
    run.twin.advance(secs(100), &mut run.history).expect("the twin runs");
    run.apply(Action::MoveRole { role: ROLE, to: NODE2 });
    run.until_refused(WorkerState::Refused {
        error: ErrorFamily::TrustRelationship,
        by: Some(NODE2),
        presented: Some(MASTER),
    });
}

#[test]
#[cfg_attr(
    windows,
    ignore = "Windows cannot shut a listening socket down: its address is free a moment later"
)]
fn a_stop_is_seen_as_closed_and_a_kill_as_reset() {
    let mut run = Run::start(&quick(2, |_| {}));
    run.until_served_by(NODE1);
    let before = run.history.len();
    run.apply(Action::MoveRole { role: ROLE, to: NODE2 });
    run.until_served_by(NODE2);
    assert_eq!(losses(&run.history[before..]), [Loss::Closed; 2]);
    let before = run.history.len();
    run.apply(Action::KillClusterService { node: NODE2 });
    run.until_served_by(NODE1);
    assert_eq!(losses(&run.history[before..]), [Loss::Reset; 2]);
}

fn losses(records: &[Record]) -> Vec<Loss> {
    let loss = |(_, state)| match state {
        WorkerState::Disconnected(loss) => Some(loss),
        WorkerState::Starting | WorkerState::Connected { .. } | WorkerState::Refused { .. } => None,
    };
    worker_states(records).filter_map(loss).collect()
}

#[test]
fn a_cluster_whose_node_comes_back_fails_over_again() {
    let mut run = Run::start(&quick(2, |_| {}));
    run.until_served_by(NODE1);
    for (gone, next) in [(NODE1, NODE2), (NODE2, NODE1)] {
        run.apply(Action::PowerOff { node: gone });
        run.until_served_by(next);
        run.apply(Action::PowerOn { node: gone });
        run.until("the node joins", |records| {
            let up = Fact::NodeState { node: gone, state: crate::observe::NodeState::Up };
            records.iter().any(|record| record.fact == up)
        });
    }
}
