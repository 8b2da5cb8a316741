//! What does a host of the twin find when it is asked?

use std::net::IpAddr;
use std::time::Duration;

use failover_sim::action::{Drain, ResolvedAction, Service, ServiceAction, StartQuorum};
use failover_sim::names::{HostId, NodeId, ResourceId, RoleId, WorkerId};
use failover_sim::observe::{AgentRow, NodeState, Power, ResourceState, RoleState, WorkerState};
use failover_sim::time::Time;
use failover_sim::world::{Socket, SocketState};

use super::super::file::MARK;
use super::super::protocol::{
    AgentSight, Answer, Call, ClusterChange, ClusterSight, ErrorRecord, GroupSight, Hello, HostService,
    ISCSI, LanguageMode, LogEvent, LogLine, MachineSight, NodeSight, PowerChange, Reply, Request, Resolution,
    ResourceSight, SERVICE_RUNNING, SERVICE_START_PENDING, SERVICE_STOPPED, SOCKET_ESTABLISHED,
    SOCKET_SYN_SENT, SocketSight, SsisdbSight, Ticks, WorkerSight, node_status_flags,
};
use super::super::reach::Host;
use super::{Inside, State, logs};

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

/// The same answer from a host where somebody else is at work.
pub(super) fn occupy(reply: &mut Reply) {
    match reply {
        Reply::Cluster(sight) => sight.groups.push(GroupSight {
            name: "Files".to_owned(),
            state: Some(RoleState::Online),
            owner: sight.nodes.first().map(|node| node.name.clone()).unwrap_or_default(),
            // ClusGroupTypeFileServer.
            kind: 100,
        }),
        Reply::Ssisdb(sight) => {
            sight.executions = Some(vec![4711]);
            sight.backups = None;
        }
        Reply::Maintenance(words) => words.push("InstallerInProgress".to_owned()),
        Reply::Network(sight) => {
            sight.storage = sight.addresses.iter().map(|one| one.address.clone()).collect();
        }
        Reply::Surroundings(sight) => {
            sight.shares.push(r"\\FILES\SQL".to_owned());
            sight.own_buses.push(ISCSI);
            sight.needed.extend(sight.interfaces.first().map(|one| one.address.clone()));
        }
        Reply::Reached(reached) => reached.fill(true),
        Reply::Hello(_)
        | Reply::Worker(_)
        | Reply::Power(_)
        | Reply::Certificate(_)
        | Reply::Part(_)
        | Reply::Done
        | Reply::Package(_)
        | Reply::Executions(_)
        | Reply::Events(_) => {}
    }
}

impl Inside {
    fn answer(&mut self, host: Host, call: &Call, culture: &str) -> Result<Reply, ErrorRecord> {
        match (call, host) {
            (Call::Hello { .. }, _) => Ok(Reply::Hello(self.hello(host, culture))),
            (Call::ReadCluster, Host::Node(node)) => Ok(Reply::Cluster(self.cluster(node))),
            (Call::ReadWorker { work_from }, Host::Worker(worker)) => {
                Ok(Reply::Worker(self.worker(worker, *work_from)))
            }
            (Call::ReadPower { nodes }, Host::Control) => {
                nodes.iter().map(|name| self.machine(name)).collect::<Result<_, _>>().map(Reply::Power)
            }
            (Call::ReadSsisdb { work_from, .. }, Host::Node(node)) => {
                self.ssisdb(node, *work_from).map(Reply::Ssisdb)
            }
            (Call::ReadPackage { .. }, Host::Node(node)) => self.package(node).map(Reply::Package),
            (Call::StartExecutions { seconds, retry_count, workers, .. }, Host::Node(node)) => {
                self.start_executions(node, (*seconds, *retry_count), workers).map(Reply::Executions)
            }
            (Call::StopExecution { execution, .. }, Host::Node(node)) => {
                self.stop_execution(node, *execution)
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
            (Call::ChangeCluster { change, name }, Host::Node(_)) => self.change_cluster(host, *change, name),
            (Call::KillProcess { process }, host) => self.kill(*process, host),
            (Call::ChangePower { change, node }, Host::Control) => {
                let node = self.node(node)?;
                self.apply(match change {
                    PowerChange::Off => ResolvedAction::PowerOff { node },
                    PowerChange::On => ResolvedAction::PowerOn { node },
                    PowerChange::Freeze => ResolvedAction::Freeze { node },
                    PowerChange::Thaw => ResolvedAction::Thaw { node },
                })
            }
            (Call::ShutDown, Host::Node(node)) => self.apply(ResolvedAction::ShutDown { node }),
            (Call::ReadPart { part }, host) => self.read_part(host, part).map(Reply::Part),
            (Call::WritePart { part, value }, host) => self.write_part(host, part, value),
            (Call::ReadNetwork, Host::Node(_)) => Ok(Reply::Network(self.network())),
            (Call::ReadSurroundings, Host::Node(_) | Host::Worker(_)) => {
                Ok(Reply::Surroundings(self.surroundings(host)))
            }
            (Call::ReadMaintenance, Host::Node(_)) => Ok(Reply::Maintenance(Vec::new())),
            (Call::Reach { addresses, port: None }, Host::Node(node)) => {
                Ok(Reply::Reached(self.reached(node, addresses)))
            }
            (Call::Reach { addresses, port: Some(port) }, _) => {
                let answers = addresses.iter().map(|address| self.outside_answers(host, address, *port));
                Ok(Reply::Reached(answers.collect()))
            }
            (Call::ReplaceMasterCertificate { thumbprint }, Host::Node(node)) => {
                let with = self.binding.certificate(thumbprint).ok_or_else(|| not_found("Get-Item"))?;
                self.apply(ResolvedAction::ReplaceMasterCertificate { node, with })
            }
            (&Call::ReadEvents { channel, after, within, most }, Host::Node(node)) => {
                let now = self.clock();
                Ok(Reply::Events(self.logs.events.read(node, channel, (after, within, most), now)))
            }
            (
                Call::ReadCluster
                | Call::ReadEvents { .. }
                | Call::ReadWorker { .. }
                | Call::ReadPower { .. }
                | Call::ReadSsisdb { .. }
                | Call::ReadMasterCertificate
                | Call::MoveRole { .. }
                | Call::ChangeCluster { .. }
                | Call::ChangePower { .. }
                | Call::ShutDown
                | Call::ReadNetwork
                | Call::ReadSurroundings
                | Call::ReadMaintenance
                | Call::Reach { .. }
                | Call::ReadPackage { .. }
                | Call::StartExecutions { .. }
                | Call::StopExecution { .. }
                | Call::ReplaceMasterCertificate { .. },
                _,
            ) => Err(wrong_host()),
        }
    }

    fn kill(&mut self, process: HostService, host: Host) -> Result<Reply, ErrorRecord> {
        let what = ServiceAction::Kill;
        self.apply(match (process, host) {
            (HostService::ClusterService, Host::Node(node)) => ResolvedAction::KillClusterService { node },
            (HostService::Master, Host::Node(node)) => {
                ResolvedAction::Service { node, service: Service::Master, what }
            }
            (HostService::SqlServer, Host::Node(node)) => {
                ResolvedAction::Service { node, service: Service::SqlServer, what }
            }
            (HostService::Worker, Host::Worker(worker)) => ResolvedAction::WorkerService { worker, what },
            (_, Host::Control | Host::Node(_) | Host::Worker(_)) => return Err(wrong_host()),
        })
    }

    /// What the views show to somebody on a node, if SQL Server runs there and nobody waits for SSISDB.
    fn ssisdb(&mut self, node: NodeId, work_from: Option<i64>) -> Result<SsisdbSight, ErrorRecord> {
        self.need_ssisdb(node)?;
        let now = self.world().now();
        let mut properties = Vec::new();
        if let Some((master, since)) = self.logs.master {
            let every = self.world().master_settings(master).heartbeat_interval;
            if self.world().runs(master, Service::Master) {
                self.logs.master_online = Some(logs::last_beat(since, now, every));
            }
            properties.push(("MACHINE_NAME".to_owned(), self.binding.node_name(master).to_owned()));
            let online = ticks(self.logs.master_online.unwrap_or(since)).0.to_string();
            properties.push(("LAST_ONLINE_TIME".to_owned(), online));
        }
        let all = (0..self.binding.topology.workers.len()).map(|index| WorkerId(index as u32));
        let workers = all.filter_map(|worker| {
            let is_enabled = match self.world().worker_agent(worker) {
                AgentRow::Missing => return None,
                AgentRow::Disabled => false,
                AgentRow::Enabled => true,
            };
            let machine = self.binding.host_name(Host::Worker(worker));
            let last_online = self.logs.online(worker, now, self.heartbeat(worker)).map(ticks);
            Some(AgentSight { machine, is_enabled, last_online })
        });
        Ok(SsisdbSight {
            properties,
            workers: Some(workers.collect()),
            executions: Some(self.logs.work.under_way()),
            tasks: work_from.map(|from| self.logs.work.tasks(from, &self.binding)),
            backups: Some(0),
        })
    }

    /// Whether SQL Server answers somebody on this node.
    pub(super) fn need_ssisdb(&self, node: NodeId) -> Result<(), ErrorRecord> {
        let has_ssisdb = self.world().power(node) == Power::On && self.world().ssisdb_answers(node);
        has_ssisdb
            .then_some(())
            .ok_or_else(|| failed("System.Data.SqlClient.SqlException", "SqlException", NOT_SPECIFIED))
    }

    fn heartbeat(&self, worker: WorkerId) -> Duration {
        self.world().worker_settings(worker).agent_heartbeat_interval.into()
    }

    fn change_cluster(
        &mut self,
        host: Host,
        change: ClusterChange,
        name: &str,
    ) -> Result<Reply, ErrorRecord> {
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
            ClusterChange::FailResource => ResolvedAction::FailResource { resource: resource()? },
            ClusterChange::StopClusterService => {
                ResolvedAction::StopClusterService { node: self.node(name)? }
            }
            ClusterChange::StartClusterService => ResolvedAction::StartClusterService {
                node: self.node(name)?,
                quorum: StartQuorum::Normal,
                clear_quarantine: false,
            },
            ClusterChange::ClearQuarantine => ResolvedAction::StartClusterService {
                node: self.node(name)?,
                quorum: StartQuorum::Normal,
                clear_quarantine: true,
            },
            ClusterChange::ForceQuorum | ClusterChange::PreventQuorum => {
                let node = self.node(name)?;
                if host != Host::Node(node) {
                    return Err(wrong_host());
                }
                let forces = change == ClusterChange::ForceQuorum;
                let quorum = if forces { StartQuorum::Force } else { StartQuorum::Prevent };
                self.written.forced |= forces;
                ResolvedAction::StartClusterService { node, quorum, clear_quarantine: false }
            }
        };
        self.apply(action)
    }

    pub(super) fn apply(&mut self, action: ResolvedAction) -> Result<Reply, ErrorRecord> {
        if self.cluster.apply(action) {
            self.logs.events.done(action);
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
            groups.push(GroupSight {
                name: group.to_owned(),
                state,
                owner: name(owner),
                kind: GROUP_OF_A_ROLE,
            });
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

    fn worker(&self, worker: WorkerId, work_from: Option<i64>) -> WorkerSight {
        let Socket { host, port, state } = self.world().worker_socket(worker);
        let socket = state.map(|state| SocketSight {
            state: match state {
                SocketState::SynSent => SOCKET_SYN_SENT,
                SocketState::Established => SOCKET_ESTABLISHED,
            },
            remote_address: self.address_of(host),
        });
        let log = self.logs.line(worker).and_then(|(at, state)| {
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
            work: work_from.map(|from| self.logs.work.of_worker(worker, from)),
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

/// What a host says that is asked for something that it does not have.
pub(super) fn wrong_host() -> ErrorRecord {
    failed("System.InvalidOperationException", "NotOnThisHost", INVALID_OPERATION)
}

pub(super) fn not_found(cmdlet: &str) -> ErrorRecord {
    failed("FailoverClusters.PowerShell.ClusterCmdletException", &format!("NotFound,{cmdlet}"), NOT_FOUND)
}

pub(super) fn failed(exception: &str, id: &str, category: i64) -> ErrorRecord {
    let exception = exception.to_owned();
    ErrorRecord { exception, id: id.to_owned(), category, inner: Vec::new() }
}

/// The twin's hosts all have the right time: the run begins at midnight, 6 January 2025.
pub(super) fn ticks(moment: Time) -> Ticks {
    Ticks(EPOCH + i64::try_from(moment.as_micros()).unwrap_or(i64::MAX / 20) * 10)
}

/// The cluster of every twin.
const CLUSTER_ID: &str = "7d1f0a52-0000-4000-8000-000000000001";
/// `ClusGroupTypeUnknown` (CLUSGROUP_TYPE, documented; that a role of SQL Server has it is inferred).
const GROUP_OF_A_ROLE: i64 = 9_999;
const EPOCH: i64 = 638_717_184_000_000_000;
/// `ErrorCategory.NotSpecified`.
const NOT_SPECIFIED: i64 = 0;
/// `ErrorCategory.InvalidOperation`.
const INVALID_OPERATION: i64 = 7;
/// `ErrorCategory.ObjectNotFound`.
const NOT_FOUND: i64 = 13;
/// `ErrorCategory.PermissionDenied`.
const DENIED: i64 = 18;
