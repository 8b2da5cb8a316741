//! What does somebody see who asks a host of the cluster at this moment?
//!
//! A backend that polls asks here; the simulator itself says what changes, when it changes.

use crate::action::Service;
use crate::cluster::ClusterService;
use crate::names::{CertificateId, HostId, NodeId, WorkerId};
use crate::net::Destination;
use crate::observe::{AgentRow, Answer, Fact, Power, Source};
use crate::scaleout::{MasterSettings, WorkerProcess, WorkerSettings};
use crate::sql::SqlServer;

use super::World;
use super::wire::Wire;

/// A worker's connection to the master's port, as the list of its machine's TCP connections shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Socket {
    /// The host of the MasterEndpoint that is in force.
    pub host: HostId,
    /// The port of that endpoint.
    pub port: u16,
    /// How the connection stands; `None` if there is no connection.
    pub state: Option<SocketState>,
}

/// How a connection stands at its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SocketState {
    /// The SYN is out and not answered.
    SynSent,
    /// Open, as far as the client knows.
    Established,
}

impl World {
    /// Whether a machine runs.
    pub fn power(&self, node: NodeId) -> Power {
        self.nodes[node.index()].power
    }

    /// The cluster service of a node, with its own view; `None` where the machine does not run.
    pub fn cluster_service(&self, node: NodeId) -> Option<&ClusterService> {
        let host = &self.nodes[node.index()];
        host.is_on().then_some(&host.service)
    }

    /// The certificate in the binding of the master's port on a node.
    pub fn bound_certificate(&self, node: NodeId) -> Option<CertificateId> {
        self.nodes[node.index()].trust.binding
    }

    /// The port that a node's master listens on, or did when it ran.
    pub fn master_port(&self, node: NodeId) -> u16 {
        self.nodes[node.index()].master.port
    }

    /// Whether a node's master takes requests and never answers.
    pub fn master_hangs(&self, node: NodeId) -> bool {
        self.nodes[node.index()].master.hangs
    }

    /// Whether a service of a node runs, as the service control manager sees it: an instance that starts has its process.
    pub fn runs(&self, node: NodeId, service: Service) -> bool {
        let host = &self.nodes[node.index()];
        match service {
            Service::Master => host.master.is_running,
            Service::SqlServer => {
                host.sql != SqlServer::Stopped || (host.is_on() && self.now < host.sql_ready_at)
            }
        }
    }

    /// Whether the process of a service of a node stands still.
    pub fn hangs(&self, node: NodeId, service: Service) -> bool {
        match service {
            Service::Master => self.master_hangs(node),
            Service::SqlServer => self.nodes[node.index()].sql == SqlServer::Hung,
        }
    }

    /// Whether somebody on a node gets an answer from SSISDB there.
    pub fn ssisdb_answers(&self, node: NodeId) -> bool {
        self.nodes[node.index()].sql.answers()
    }

    /// Whether SSISDB takes a transaction in at this moment: a primary replica may wait for others.
    pub fn ssisdb_commits(&mut self) -> bool {
        self.primary().is_some_and(|node| self.commits(node))
    }

    /// What SSISDB has of a worker.
    pub fn worker_agent(&self, worker: WorkerId) -> AgentRow {
        self.ssisdb.agent(worker)
    }

    /// Whether a service of a node can be started: its start type is not Disabled.
    pub fn can_start(&self, node: NodeId, service: Service) -> bool {
        let disabled = self.nodes[node.index()].disabled;
        match service {
            Service::Master => !disabled.master,
            Service::SqlServer => !disabled.sql_server,
        }
    }

    /// A node's `MasterSettings.config`, which the service reads when it starts.
    pub fn master_settings(&self, node: NodeId) -> &MasterSettings {
        &self.nodes[node.index()].settings
    }

    /// A worker's `WorkerSettings.config`, as its service has read it.
    pub fn worker_settings(&self, worker: WorkerId) -> &WorkerSettings {
        self.workers[worker.index()].machine.settings()
    }

    /// How the process of a worker's service stands.
    pub fn worker_process(&self, worker: WorkerId) -> WorkerProcess {
        let host = &self.workers[worker.index()];
        match &host.program {
            Some(program) if program.runs => WorkerProcess::Runs,
            Some(_) => WorkerProcess::Stopped,
            None => host.machine.process(),
        }
    }

    /// A worker's connection to its master.
    pub fn worker_socket(&self, worker: WorkerId) -> Socket {
        let host = &self.workers[worker.index()];
        let settings = host.machine.settings();
        Socket { host: settings.endpoint_host, port: settings.endpoint_port, state: host.socket_state() }
    }

    /// What a client outside the cluster meets that connects to the master's port under the master's name. It knows
    /// every address of the name, whatever DNS says, and tries all of them.
    pub fn endpoint_answer(&self) -> Answer {
        let best = self.topology.targets_of(self.topology.endpoint).map(|target| {
            match self.addresses.reached_by(target) {
                Destination::Node(node) if self.lets_in(node) => self.answer_of(node),
                Destination::Node(_)
                | Destination::Nobody
                | Destination::Astray
                | Destination::UnknownHost => Answer::Silent,
            }
        });
        best.max_by_key(Answer::rank).unwrap_or(Answer::Silent)
    }

    /// Shows what a client outside meets under the master's name, if that has changed.
    pub(super) fn look_at_endpoint(&mut self) {
        if !matches!(self.wire, Wire::Modelled) {
            return;
        }
        let host = self.topology.endpoint;
        let answer = self.endpoint_answer();
        if self.shown_endpoint != Some(answer) {
            self.shown_endpoint = Some(answer);
            self.show(Source::Probe, Fact::Endpoint { host, answer });
        }
    }

    fn answer_of(&self, by: NodeId) -> Answer {
        let host = &self.nodes[by.index()];
        match host.trust.binding.filter(|_| host.trust.private_key) {
            _ if !host.listens() => Answer::Refused,
            Some(certificate) => Answer::Served { by, certificate },
            None => Answer::NoHandshake(by),
        }
    }
}
