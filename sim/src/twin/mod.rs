//! How does the same cluster behave behind real sockets and real TLS?
//!
//! The twin runs the [`World`] in real time, `factor` times as fast as the clock on the wall, and carries out on
//! loopback what the world wants done with sockets: every node and every cluster address has an address of its own
//! with the master's port, workers connect with mutual TLS under the network name, and faults are what a client would
//! see of them. TLS and sockets take the time that they take: it is never scaled.
//!
//! Certificates are made for each run and lie in a [`folder`](Twin::folder) laid out as on Windows, so that any client
//! can take part; services read what lies there when they start. Names are looked up in the twin's own table, never in
//! DNS. Nothing is left when a twin is dropped.
//!
//! ```
//! use failover_sim::twin::{Twin, TwinOptions};
//! # use failover_sim::{action::Load, choices::Choices, names::Names, observe::Record, step::Shared, time::Time};
//! # use failover_sim::topology::Topology;
//!
//! /// What a cluster shows in its first two minutes, and where its master answers.
//! fn boot(topology: &Shared<Topology>, names: &Names, choices: Choices) -> Result<Vec<Record>, Box<dyn std::error::Error>> {
//!     let mut twin = Twin::start(topology, names, &[], choices, TwinOptions::with_factor(20))?;
//!     let mut history = Vec::new();
//!     twin.advance(Time::from_micros(120_000_000), &mut history)?;
//!     println!("the master answers at https://{}/ClusterManagement/", twin.endpoint());
//!     Ok(history)
//! }
//! ```
#![expect(
    clippy::disallowed_types,
    reason = "the twin lives in real time: it reads the clock that the model must not know"
)]

mod carry;
mod certificates;
mod client;
mod clock;
mod door;
mod driver;
mod error;
mod files;
mod folder;
mod line;
mod message;
mod network;
mod options;
mod probe;
mod program;
mod read;
mod running;
mod server;
mod settings_files;
mod tls;
mod two_nodes;
mod way;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_files;
#[cfg(test)]
mod tests_foreign;
#[cfg(test)]
mod tests_junk;
#[cfg(test)]
mod tests_tls;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::action::{Action, Load, ResolvedAction, WorkerSetting};
use crate::choices::Choices;
use crate::names::{AddressId, LoadId, Names, NodeId, WorkerId};
use crate::net::Destination;
use crate::observe::{Fact, Sink, Source, Watch};
use crate::step::Shared;
use crate::time::Time;
use crate::topology::{Target, Topology};
use crate::world::{Attempted, Counters, Stop, World};

use certificates::Certificates;
use clock::{Clock, Pace};
use door::{Door, DoorId};
use driver::{Driver, Happening, Lines, Looks, NodeSide, Notes};
use folder::Folder;
use network::Network;
use probe::{Probe, UNANSWERED};

pub use driver::CarriedOut;
pub use error::TwinError;
pub use options::{Addressing, KeyKind, Resumption, TlsVersions, TwinOptions};
pub use running::{Ended, Running};
pub use tls::{http_sys, onlooker, provider};
pub use two_nodes::{NODE1, NODE2, ROLE, TwoNodes, TwoNodesError};

/// A cluster with its masters and workers on loopback.
///
/// Everything happens inside [`advance`](Self::advance): in between, time stands still and no socket is served.
#[derive(Debug)]
pub struct Twin {
    driver: Driver,
    /// Taken out only when the twin is dropped.
    runtime: Option<Runtime>,
}

/// Calls a twin from another thread.
#[derive(Clone, Debug)]
pub struct Caller(UnboundedSender<Happening>);

impl Caller {
    /// Makes the advance under way, or else the next one, come back at once with [`Stop::Yielded`].
    pub fn call(&self) {
        // A twin that is gone advances no more.
        let _ = self.0.send(Happening::Called);
    }
}

impl Twin {
    /// Makes certificates and sockets for a cluster at the moment when its machines have started.
    ///
    /// `loads` are the sets of executions that actions name.
    ///
    /// # Errors
    /// If the surroundings lack what a twin needs: addresses, files, sockets.
    pub fn start(
        topology: &Shared<Topology>,
        names: &Names,
        loads: &[Load],
        choices: Choices,
        options: TwinOptions,
    ) -> Result<Self, TwinError> {
        if options.factor == 0 {
            return Err(TwinError::NoFactor);
        }
        files::allow(files::needed(topology.workers.len()))?;
        let pace = Pace::new(options.factor);
        let provider = provider();
        let certificates = Certificates::make(&topology.certificates, names, pace, options.keys, &provider)?;
        let network = Network::claim(topology.nodes.len(), topology.addresses.len(), options.addressing)?;
        let doors = doors(topology, &network)?;
        doors.iter().try_for_each(Door::is_free)?;
        let endpoints = endpoints(topology, names, &doors)?;
        let onlooker =
            onlooker(None).map_err(|source| TwinError::Tls { name: "clients".to_owned(), source })?;
        let (sender, happenings) = unbounded_channel();
        let nodes = (0..topology.nodes.len()).map(|node| NodeSide::new(NodeId(node as u8), choices.clone()));
        let driver = Driver {
            nodes: nodes.collect(),
            world: World::with_outside_wire(topology, loads, choices),
            clock: Clock::new(pace),
            topology: topology.clone(),
            hosts: names.hosts.clone(),
            certificates: Arc::new(certificates),
            provider,
            onlooker,
            holders: vec![Destination::Nobody; topology.addresses.len()],
            doors,
            endpoints,
            lines: Lines::default(),
            clients: topology.workers.iter().map(|_| None).collect(),
            waiting: BTreeMap::new(),
            owed: Vec::new(),
            commands: Vec::new(),
            sender,
            happenings,
            held: VecDeque::new(),
            looks: Looks::default(),
            carried_out: CarriedOut::default(),
            notes: Notes::default(),
            programs: BTreeMap::new(),
            ended: BTreeMap::new(),
            started: 0,
            options,
            trouble: None,
            folder: Folder::make(names)?,
            network,
        };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(TwinError::Runtime)?;
        // A twin before anything else can fail: its drop is the one that somebody else's runtime bears.
        let mut twin = Self { driver, runtime: Some(runtime) };
        let context = twin.runtime.as_ref().map(Runtime::enter);
        twin.driver.prepare(pace)?;
        drop(context);
        Ok(twin)
    }

    /// The present moment.
    pub const fn now(&self) -> Time {
        self.driver.world.now()
    }

    /// Carries out an action at the present moment.
    ///
    /// # Errors
    /// If the surroundings do not allow it, or a service that it starts cannot read its files; nothing has changed then.
    pub fn apply(&mut self, action: ResolvedAction) -> Result<(), TwinError> {
        let _context = self.runtime.as_ref().map(Runtime::enter);
        self.driver.read_before(action)?;
        self.driver.world.apply(action)?;
        if let Err(trouble) = self.driver.carry_out().and_then(|()| self.driver.write_changes(action)) {
            // The action was possible; that the twin could not follow is said by the next advance.
            self.driver.trouble.get_or_insert(trouble);
        }
        Ok(())
    }

    /// Sets a setting of one worker, and restarts its service.
    ///
    /// # Errors
    /// If its service cannot read its files; nothing has changed then.
    pub fn set_worker(&mut self, worker: WorkerId, setting: WorkerSetting) -> Result<(), TwinError> {
        let _context = self.runtime.as_ref().map(Runtime::enter);
        self.driver.read_before_restart(worker)?;
        self.driver.world.set_worker(worker, setting);
        if let Err(trouble) = self.driver.carry_out().and_then(|()| self.driver.write_workers()) {
            self.driver.trouble.get_or_insert(trouble);
        }
        Ok(())
    }

    /// Runs in real time until the virtual moment `until`, or until the sink wants control.
    ///
    /// On a machine that is too busy the run takes longer: see [`held_back`](Self::held_back).
    ///
    /// # Errors
    /// If a socket or file that the run needs could not be had.
    ///
    /// # Panics
    /// Inside a task of a tokio runtime: use `spawn_blocking` there.
    pub fn advance<S: Sink>(&mut self, until: Time, sink: &mut S) -> Result<Stop, TwinError> {
        let Some(runtime) = &self.runtime else { return Ok(Stop::Reached) };
        self.driver.clock.go_on();
        let stop = runtime.block_on(self.driver.drive(until, sink));
        self.driver.clock.stand_still();
        stop
    }

    /// Whether SSISDB takes a transaction in at this moment.
    pub fn ssisdb_commits(&mut self) -> bool {
        self.driver.world.ssisdb_commits()
    }

    /// One more set of executions that actions can name.
    pub fn add_load(&mut self, load: Load) -> LoadId {
        self.driver.world.add_load(load)
    }

    /// The addresses and ports at which somebody may answer, each with whose it is.
    pub fn addresses(&self) -> impl Iterator<Item = (Target, SocketAddr)> {
        self.driver.doors.iter().map(|door| (door.target, door.address))
    }

    /// Something to call the twin with while it advances.
    pub fn caller(&self) -> Caller {
        Caller(self.driver.sender.clone())
    }

    /// The temporary folder with the certificates, a folder for each host.
    pub fn folder(&self) -> &Path {
        self.driver.folder.path()
    }

    /// Where the master answers under its network name.
    pub fn endpoint(&self) -> SocketAddr {
        self.driver.doors[self.driver.endpoints[0].0].address
    }

    /// Whether the machine has one loopback address alone, so that each node and each address has a port of its own.
    pub const fn has_one_address(&self) -> bool {
        self.driver.network.has_one_address()
    }

    /// The random values and assumptions of the run.
    pub const fn choices(&self) -> &Choices {
        self.driver.world.choices()
    }

    /// The machines, as they are at this moment.
    pub const fn world(&self) -> &World {
        &self.driver.world
    }

    /// Keeps the attempts of workers from here on.
    pub fn keep_attempts(&mut self) {
        self.driver.world.keep_attempts();
    }

    /// Whether everything is already as the action would have it.
    pub fn changes_nothing(&self, action: ResolvedAction) -> bool {
        self.driver.world.changes_nothing(action)
    }

    /// How far a worker's last attempt to connect came; `None` if attempts are not kept.
    pub fn attempted(&self, worker: WorkerId) -> Option<Attempted> {
        self.driver.world.attempted(worker)
    }

    /// What the machines have done so far.
    pub const fn counters(&self) -> Counters {
        self.driver.world.counters()
    }

    /// What was done on sockets so far.
    pub const fn carried_out(&self) -> CarriedOut {
        self.driver.carried_out
    }

    /// What somebody who edits files should know: which service could not start, and why.
    pub fn notes(&self) -> Vec<String> {
        self.driver.notes.all()
    }

    /// The programs in workers' places that have ended by themselves and were not started again, and how they ended.
    pub fn ended_programs(&self) -> Vec<String> {
        self.driver.ended.values().cloned().collect()
    }

    /// Real time that was not counted because the machine did not let the twin keep up with its clock.
    pub const fn held_back(&self) -> Duration {
        self.driver.clock.held_back()
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        // Not the plain drop: that one panics inside somebody else's runtime. There are no threads to wait for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Driver {
    fn write_node(&self, node: NodeId) -> Result<(), TwinError> {
        let settings = self.world.master_settings(node);
        self.folder.write_node(node, settings, self.world.host_trust(node), &self.certificates)
    }

    fn write_workers(&self) -> Result<(), TwinError> {
        (0..self.clients.len()).map(|worker| WorkerId(worker as u32)).try_for_each(|worker| {
            let (settings, trust) = (self.world.worker_settings(worker), self.world.client_trust(worker));
            self.folder.write_worker(worker, settings, trust, &self.certificates)
        })
    }

    /// Writes the files that an action has changed.
    fn write_changes(&self, action: ResolvedAction) -> Result<(), TwinError> {
        if let Action::SetWorkers(_) = action {
            return self.write_workers();
        }
        let (Action::ChangeNode { node, .. } | Action::ReplaceMasterCertificate { node, .. }) = action else {
            return Ok(());
        };
        self.write_node(node)
    }

    /// Writes the files, makes the doors, and sends out the probe.
    fn prepare(&mut self, pace: Pace) -> Result<(), TwinError> {
        for index in 0..self.nodes.len() {
            let node = NodeId(index as u8);
            self.write_node(node)?;
            let trust = self.world.host_trust(node);
            self.bind(node, trust.binding.filter(|_| trust.private_key))?;
        }
        self.write_workers()?;
        self.carry_out()?;
        self.open_and_close_doors()?;
        let every = pace.real(LOOK_EVERY).max(LOOK_AT_MOST);
        let between = pace.virtually(every + UNANSWERED * self.endpoints.len() as u32);
        let watching = Fact::Watching { what: Watch::Endpoint, every: between };
        self.world.show_outside(Source::Run, watching, Time::ZERO);
        tokio::spawn(probe::watch(Probe {
            places: self.endpoints.iter().map(|&door| (door, self.doors[door.0].address)).collect(),
            tls: self.onlooker.clone(),
            certificates: self.certificates.clone(),
            every,
            happenings: self.sender.clone(),
        }));
        Ok(())
    }
}

/// A door for each node and each address of the cluster, on every port that anybody speaks of.
fn doors(topology: &Topology, network: &Network) -> Result<Vec<Door>, TwinError> {
    let nodes = (0..topology.nodes.len()).map(|node| Target::Node(NodeId(node as u8)));
    let addresses = (0..topology.addresses.len()).map(|address| Target::Cluster(AddressId(address as u16)));
    let ports: BTreeSet<u16> = topology
        .nodes
        .iter()
        .map(|node| node.master_settings.port)
        .chain(topology.workers.iter().map(|worker| worker.settings.endpoint_port))
        .collect();
    let places =
        nodes.chain(addresses).flat_map(|target| ports.iter().enumerate().map(move |port| (target, port)));
    places
        .enumerate()
        .map(|(index, (target, (number, &port)))| {
            let address =
                network.place(target, (number, port)).ok_or(TwinError::TooManyPorts(ports.len()))?;
            Ok(Door::new(DoorId(index), target, port, address))
        })
        .collect()
}

/// The doors behind the endpoint.
fn endpoints(topology: &Topology, names: &Names, doors: &[Door]) -> Result<Vec<DoorId>, TwinError> {
    let port = topology.endpoint_port();
    let endpoints: Vec<DoorId> = topology
        .targets_of(topology.endpoint)
        .filter_map(|target| doors.iter().find(|door| door.target == target && door.port == port))
        .map(|door| door.id)
        .collect();
    if endpoints.is_empty() {
        return Err(TwinError::NoEndpoint { name: names.host(topology.endpoint).to_owned() });
    }
    Ok(endpoints)
}

/// How often the probe looks, in virtual time.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// It looks no more often than this, in real time.
const LOOK_AT_MOST: Duration = Duration::from_millis(10);
