//! What does a host of the twin find when it is asked?

use std::net::IpAddr;

use failover_sim::action::{Drain, ResolvedAction, Service, ServiceAction, StartQuorum};
use failover_sim::names::{HostId, NodeId, ResourceId, RoleId, WorkerId};
use failover_sim::observe::{NodeState, Power, ResourceState, RoleState, WorkerState};
use failover_sim::time::Time;
use failover_sim::world::{Socket, SocketState};

use super::super::file::MARK;
use super::super::protocol::{
    Answer, Call, ClusterChange, ClusterSight, ErrorRecord, GroupSight, Hello, LanguageMode, LogEvent,
    LogLine, MachineSight, NodeSight, Reply, Request, Resolution, ResourceSight, SERVICE_RUNNING,
    SERVICE_START_PENDING, SERVICE_STOPPED, SOCKET_ESTABLISHED, SOCKET_SYN_SENT, ServiceProcess, SocketSight,
    Ticks, WorkerSight, node_status_flags,
};
use super::super::reach::Host;
use super::{Inside, State};

/// The answer of a host to a request.
pub(super) fn answer(state: &mut State, host: Host, request: &Request) -> Answer {
    let culture = state.dialect.culture();
    let outcome = match &mut state.inside {
        Some(inside) => inside.answer(host, &request.call, culture),
        None => Err(failed("InvalidOperationException", "NoCluster", INVALID_OPERATION)),
    };
    Answer { id: request.id, outcome }
}

/// What a host answers to somebody who may not.
pub(super) fn denied(request: &Request) -> Answer {
    let mut record = failed("FailoverClusters.PowerShell.ClusterCmdletException", "AccessDenied", DENIED);
    record.inner = vec!["System.ComponentModel.Win32Exception".to_owned()];
    Answer { id: request.id, outcome: Err(record) }
}

impl Inside {
    fn answer(&mut self, host: Host, call: &Call, culture: &str) -> Result<Reply, ErrorRecord> {
        match (call, host) {
            (Call::Hello { .. }, _) => Ok(Reply::Hello(self.hello(host, culture))),
            (Call::ReadCluster, Host::Node(node)) => Ok(Reply::Cluster(self.cluster(node))),
            (Call::ReadWorker, Host::Worker(worker)) => Ok(Reply::Worker(self.worker(worker))),
            (Call::ReadPower { nodes }, Host::Control) => {
                nodes.iter().map(|name| self.machine(name)).collect::<Result<_, _>>().map(Reply::Power)
            }
            // The model's SSISDB keeps no times of its workers.
            (Call::ReadSsisdb { .. }, Host::Control | Host::Node(_)) => {
                Err(failed("System.Data.SqlClient.SqlException", "SqlException", NOT_SPECIFIED))
            }
            (Call::ReadMasterCertificate, Host::Node(node)) => {
                let bound = self.world().bound_certificate(node);
                Ok(Reply::Certificate(bound.map(|certificate| self.binding.thumbprint(certificate))))
            }
            (Call::MoveRole { group, node }, Host::Node(_)) => {
                let role = self.binding.role(group).ok_or_else(|| not_found("Get-ClusterGroup"))?;
                let to = self.node(node)?;
                self.apply(ResolvedAction::MoveRole { role, to })
            }
            (Call::ChangeCluster { change, name }, Host::Node(_)) => self.change_cluster(*change, name),
            (Call::KillProcess { process: ServiceProcess::ClusterService }, Host::Node(node)) => {
                self.apply(ResolvedAction::KillClusterService { node })
            }
            (Call::KillProcess { process: ServiceProcess::Master }, Host::Node(node)) => {
                let (service, what) = (Service::Master, ServiceAction::Kill);
                self.apply(ResolvedAction::Service { node, service, what })
            }
            (Call::PowerOff { node }, Host::Control) => {
                let node = self.node(node)?;
                let reply = self.apply(ResolvedAction::PowerOff { node })?;
                self.outages[node.index()] += 1;
                Ok(reply)
            }
            (Call::PowerOn { node }, Host::Control) => {
                let node = self.node(node)?;
                self.apply(ResolvedAction::PowerOn { node })
            }
            (Call::ReplaceMasterCertificate { thumbprint }, Host::Node(node)) => {
                let with = self.binding.certificate(thumbprint).ok_or_else(|| not_found("Get-Item"))?;
                self.apply(ResolvedAction::ReplaceMasterCertificate { node, with })
            }
            (
                Call::ReadCluster
                | Call::ReadWorker
                | Call::ReadPower { .. }
                | Call::ReadSsisdb { .. }
                | Call::ReadMasterCertificate
                | Call::MoveRole { .. }
                | Call::ChangeCluster { .. }
                | Call::KillProcess { .. }
                | Call::PowerOff { .. }
                | Call::PowerOn { .. }
                | Call::ReplaceMasterCertificate { .. },
                _,
            ) => Err(failed("System.InvalidOperationException", "NotOnThisHost", INVALID_OPERATION)),
        }
    }

    fn change_cluster(&mut self, change: ClusterChange, name: &str) -> Result<Reply, ErrorRecord> {
        let role = || self.binding.role(name).ok_or_else(|| not_found("Get-ClusterGroup"));
        let resource = || self.binding.resource(name).ok_or_else(|| not_found("Get-ClusterResource"));
        let action = match change {
            ClusterChange::StopRole => ResolvedAction::Role { role: role()?, online: false },
            ClusterChange::StartRole => ResolvedAction::Role { role: role()?, online: true },
            ClusterChange::StopResource => ResolvedAction::Resource { resource: resource()?, online: false },
            ClusterChange::StartResource => ResolvedAction::Resource { resource: resource()?, online: true },
            ClusterChange::PauseNode => {
                ResolvedAction::PauseNode { node: self.node(name)?, drain: Drain::Stay }
            }
            ClusterChange::DrainNode => {
                ResolvedAction::PauseNode { node: self.node(name)?, drain: Drain::Move }
            }
            ClusterChange::ResumeNode => ResolvedAction::ResumeNode { node: self.node(name)? },
            ClusterChange::StopClusterService => {
                ResolvedAction::StopClusterService { node: self.node(name)? }
            }
            ClusterChange::StartClusterService => ResolvedAction::StartClusterService {
                node: self.node(name)?,
                quorum: StartQuorum::Normal,
                clear_quarantine: false,
            },
        };
        self.apply(action)
    }

    fn apply(&mut self, action: ResolvedAction) -> Result<Reply, ErrorRecord> {
        if self.cluster.apply(action) {
            return Ok(Reply::Done);
        }
        let id = format!("{},Failover", action.verb().word());
        Err(failed("FailoverClusters.PowerShell.ClusterCmdletException", &id, INVALID_OPERATION))
    }

    fn node(&self, name: &str) -> Result<NodeId, ErrorRecord> {
        self.binding.node(name).ok_or_else(|| not_found("Get-ClusterNode"))
    }

    fn hello(&self, host: Host, culture: &str) -> Hello {
        Hello {
            edition: "Desktop".to_owned(),
            language_mode: LanguageMode::Full,
            elevated: true,
            ui_culture: culture.to_owned(),
            module_version: matches!(host, Host::Node(_)).then(|| "2.0.0.0".to_owned()),
            cluster_id: matches!(host, Host::Node(_)).then(|| CLUSTER_ID.to_owned()),
            cluster_description: matches!(host, Host::Node(_)).then(|| MARK.to_owned()),
            clock: self.clock(),
            network_credentials: host == Host::Control,
        }
    }

    fn machine(&self, name: &str) -> Result<MachineSight, ErrorRecord> {
        let node = self.node(name)?;
        let power: Power = self.world().power(node);
        Ok(MachineSight { name: name.to_owned(), state: Some(power) })
    }

    /// What `Get-Cluster*` show on a node: its own service's view, and of each resource what its owner node says.
    fn cluster(&self, node: NodeId) -> ClusterSight {
        let name = |node: NodeId| self.binding.node_name(node).to_owned();
        let Some(service) = self.world().cluster_service(node).filter(|service| service.runs()) else {
            return ClusterSight { service: SERVICE_STOPPED, ..ClusterSight::default() };
        };
        if !service.is_active() {
            return ClusterSight { service: SERVICE_START_PENDING, ..ClusterSight::default() };
        }
        let view = service.view();
        let nodes = (0..self.binding.topology.nodes.len()).map(|index| NodeId(index as u8)).map(|other| {
            let state = match (view.members.contains(other), view.paused.contains(other)) {
                (true, true) => NodeState::Paused,
                (true, false) => NodeState::Up,
                (false, _) => NodeState::Down,
            };
            let weight = i64::from(view.votes.contains(other));
            NodeSight {
                name: name(other),
                state: Some(state),
                status: node_status_flags(view.status(other)),
                weight,
            }
        });
        let mut groups = Vec::new();
        let mut resources = Vec::new();
        for (index, config) in self.binding.topology.cluster.roles.iter().enumerate() {
            let role = RoleId(index as u8);
            let Some(owner) = view.roles.of(role).owner else { continue };
            let group = self.binding.group_name(role);
            let states: Vec<ResourceState> =
                config.resources.iter().map(|&resource| self.resource_state(node, owner, resource)).collect();
            let possible = self.binding.topology.cluster.resources_on(role, owner);
            let state =
                Some(RoleState::of(possible.map(|resource| self.resource_state(node, owner, resource))));
            groups.push(GroupSight { name: group.to_owned(), state, owner: name(owner) });
            for (&resource, state) in config.resources.iter().zip(states) {
                resources.push(ResourceSight {
                    name: self.binding.resource_name(resource).to_owned(),
                    state: Some(state),
                    group: group.to_owned(),
                    owner: name(owner),
                });
            }
        }
        ClusterSight { service: SERVICE_RUNNING, nodes: nodes.collect(), groups, resources }
    }

    /// A resource's state on its owner node, as far as `node` can know it.
    fn resource_state(&self, node: NodeId, owner: NodeId, resource: ResourceId) -> ResourceState {
        let own = self.world().cluster_service(owner).or_else(|| self.world().cluster_service(node));
        own.map_or(ResourceState::Offline, |service| service.resource_state(resource))
    }

    fn worker(&self, worker: WorkerId) -> WorkerSight {
        let Socket { host, port, state } = self.world().worker_socket(worker);
        let socket = state.map(|state| SocketSight {
            state: match state {
                SocketState::SynSent => SOCKET_SYN_SENT,
                SocketState::Established => SOCKET_ESTABLISHED,
            },
            remote_address: self.address_of(host),
        });
        let log = self.log(worker).and_then(|(at, state)| {
            let event = match state {
                WorkerState::Starting => return None,
                WorkerState::Connected { .. } => LogEvent::Connected,
                WorkerState::Disconnected(loss) => LogEvent::Lost(loss),
                WorkerState::Refused { error, .. } => LogEvent::Failed(error),
            };
            Some(LogLine { at: ticks(at), event })
        });
        WorkerSight {
            endpoint_host: self.binding.endpoint_name(host).to_owned(),
            endpoint_port: i64::from(port),
            resolution: Some(Resolution { addresses: vec![self.address_of(host)], hosts_line: false }),
            socket,
            log,
        }
    }

    /// The address that a host name resolves to, where the topology has one for it.
    fn address_of(&self, host: HostId) -> String {
        let all = (0..self.binding.topology.hosts.len()).map(|index| HostId(index as u16));
        let behind = all.filter(|&other| self.binding.leads_to(host, other));
        let mut addresses = behind
            .map(|other| self.binding.endpoint_name(other))
            .filter(|name| name.parse::<IpAddr>().is_ok());
        addresses.next().unwrap_or_else(|| self.binding.endpoint_name(host)).to_owned()
    }
}

fn not_found(cmdlet: &str) -> ErrorRecord {
    failed("FailoverClusters.PowerShell.ClusterCmdletException", &format!("NotFound,{cmdlet}"), NOT_FOUND)
}

fn failed(exception: &str, id: &str, category: i64) -> ErrorRecord {
    let exception = exception.to_owned();
    ErrorRecord { exception, id: id.to_owned(), category, inner: Vec::new() }
}

/// The twin's hosts all have the right time: the run begins at midnight, 6 January 2025.
pub(super) fn ticks(moment: Time) -> Ticks {
    Ticks(EPOCH + i64::try_from(moment.as_micros()).unwrap_or(i64::MAX / 20) * 10)
}

/// The cluster of every twin.
const CLUSTER_ID: &str = "7d1f0a52-0000-4000-8000-000000000001";
const EPOCH: i64 = 638_717_184_000_000_000;
/// `ErrorCategory.NotSpecified`.
const NOT_SPECIFIED: i64 = 0;
/// `ErrorCategory.InvalidOperation`.
const INVALID_OPERATION: i64 = 7;
/// `ErrorCategory.ObjectNotFound`.
const NOT_FOUND: i64 = 13;
/// `ErrorCategory.PermissionDenied`.
const DENIED: i64 = 18;
