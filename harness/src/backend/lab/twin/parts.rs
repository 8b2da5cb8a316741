//! What do the parts of a host of the twin say, and what does it do to the world to set one?
//!
//! What the world knows by itself is asked there; what an administrator has written is remembered as it was written.

use std::collections::BTreeMap;
use std::time::Duration;

use failover_sim::action::{
    AgentAction, ClusterProperty, LinkEnd, LinkState, NodeChange, Part as Surroundings, ResolvedAction,
    Service, ServiceAction, Ways, WorkerSetting,
};
use failover_sim::cluster::{ResiliencyLevel, ThresholdTable};
use failover_sim::names::{NodeId, RoleId};
use failover_sim::observe::{AgentRow, Power};
use failover_sim::scaleout::WorkerProcess;
use failover_sim::time::Time;
use failover_sim::topology::Target;

use super::super::act::time_span;
use super::super::protocol::{
    ARMED, AddressSight, DISABLED, ENABLED, ErrorRecord, FORCED, GOING, HostService, NetworkSight, Outside,
    Part, RUNNING, Reply, STOPPED, SUSPENDED, Way,
};
use super::super::reach::Host;
use super::Inside;
use super::answers::{failed, not_found, wrong_host};
use super::outside::KeptFrom;

/// What administrators have written into the hosts of a twin.
#[derive(Default)]
pub(super) struct Written {
    /// Of the cluster as a whole.
    cluster: BTreeMap<Part, Vec<String>>,
    /// Whether somebody has forced quorum.
    pub(super) forced: bool,
    /// The blocks of each node's firewall.
    blocked: BTreeMap<(NodeId, Way), Vec<String>>,
    /// What each host's firewall keeps it from.
    pub(super) kept: KeptFrom,
    /// What each node has of its own.
    own: BTreeMap<(NodeId, Part), Vec<String>>,
    /// When a host takes its blocks back by itself.
    armed: BTreeMap<Host, Time>,
}

impl Inside {
    pub(super) fn read_part(&self, host: Host, part: &Part) -> Result<Vec<String>, ErrorRecord> {
        let word = |word: &str| Ok(vec![word.to_owned()]);
        match (part, host) {
            (Part::Service(service), _) => word(if self.runs(host, *service)? { RUNNING } else { STOPPED }),
            (Part::Process(service), _) => word(if self.hangs(host, *service)? { SUSPENDED } else { GOING }),
            (Part::StartMode(service), Host::Node(node)) => {
                let starts = self.world().can_start(node, service_of(*service)?);
                word(if starts { "Manual" } else { "Disabled" })
            }
            (Part::PossibleOwners(resource), Host::Node(_)) => {
                if let Some(owners) = self.written.cluster.get(part) {
                    return Ok(owners.clone());
                }
                let resource =
                    self.binding.resource(resource).ok_or_else(|| not_found("Get-ClusterResource"))?;
                let owners = self.binding.topology.cluster.resources[resource.index()].possible_owners;
                Ok(owners.iter().map(|node| self.binding.node_name(node).to_owned()).collect())
            }
            (Part::ClusterProperty(name), Host::Node(_)) => match self.written.cluster.get(part) {
                Some(value) => Ok(value.clone()),
                None => self.property(name).map(|number| vec![number.to_string()]),
            },
            // The model's own threshold follows from the number of nodes, and no action sets it.
            (Part::FailoverThreshold(group), Host::Node(_)) => match self.written.cluster.get(part) {
                Some(value) => Ok(value.clone()),
                None => {
                    self.binding.role(group).ok_or_else(|| not_found("Get-ClusterGroup"))?;
                    Ok(vec![(self.binding.topology.nodes.len() - 1).to_string()])
                }
            },
            (Part::ForcedQuorum, Host::Node(node)) => {
                Ok(self.is_forced(node).then(|| FORCED.to_owned()).into_iter().collect())
            }
            (Part::Blocked(way), Host::Node(node)) => {
                Ok(self.written.blocked.get(&(node, *way)).cloned().unwrap_or_default())
            }
            (
                Part::PortBlocked(_)
                | Part::HttpsBinding
                | Part::MasterSetting(_)
                | Part::RootCertificates(_)
                | Part::Adapter(_),
                Host::Node(node),
            ) => match self.written.own.get(&(node, part.clone())) {
                Some(value) => Ok(value.clone()),
                None => self.own_part(node, part),
            },
            (Part::WorkerSetting(key), Host::Worker(worker)) => {
                let settings = self.world().worker_settings(worker);
                Ok(vec![match key.as_str() {
                    "MaxTaskCount" => settings.max_task_count.to_string(),
                    "AgentHeartbeatInterval" => time_span(settings.agent_heartbeat_interval.into()),
                    "TaskHeartbeatInterval" => time_span(settings.task_heartbeat_interval.into()),
                    _ => return Err(not_found("Setting")),
                }])
            }
            (Part::WorkerAgent(machine), Host::Node(node)) => {
                self.need_ssisdb(node)?;
                let row = self.binding.worker(machine).map(|worker| self.world().worker_agent(worker));
                let word = match row {
                    Some(AgentRow::Enabled) => Some(ENABLED),
                    Some(AgentRow::Disabled) => Some(DISABLED),
                    Some(AgentRow::Missing) | None => None,
                };
                Ok(word.map(str::to_owned).into_iter().collect())
            }
            (Part::KeptFrom(outside), _) => {
                Ok(self.written.kept.get(&(host, *outside)).cloned().unwrap_or_default())
            }
            (Part::Armed(_), _) => {
                let armed = self.written.armed.contains_key(&host);
                Ok(armed.then(|| ARMED.to_owned()).into_iter().collect())
            }
            (
                Part::StartMode(_)
                | Part::PossibleOwners(_)
                | Part::ClusterProperty(_)
                | Part::FailoverThreshold(_)
                | Part::ForcedQuorum
                | Part::Blocked(_)
                | Part::PortBlocked(_)
                | Part::HttpsBinding
                | Part::MasterSetting(_)
                | Part::RootCertificates(_)
                | Part::WorkerSetting(_)
                | Part::WorkerAgent(_)
                | Part::Adapter(_),
                _,
            ) => Err(wrong_host()),
        }
    }

    pub(super) fn write_part(
        &mut self,
        host: Host,
        part: &Part,
        value: &[String],
    ) -> Result<Reply, ErrorRecord> {
        let first = value.first().map_or("", String::as_str);
        match (part, host) {
            (Part::Service(HostService::Worker), Host::Worker(worker)) => {
                let what = if first == RUNNING { ServiceAction::Start } else { ServiceAction::Stop };
                self.apply(ResolvedAction::WorkerService { worker, what })
            }
            (Part::Service(service), Host::Node(node)) => {
                let what = if first == RUNNING { ServiceAction::Start } else { ServiceAction::Stop };
                self.apply(ResolvedAction::Service { node, service: service_of(*service)?, what })
            }
            // The model has no process that goes on where it stood: one that is let go is ended, and another one started.
            (Part::Process(HostService::Worker), Host::Worker(worker)) => {
                let what = if first == SUSPENDED { ServiceAction::Hang } else { ServiceAction::Start };
                self.apply(ResolvedAction::WorkerService { worker, what })
            }
            (Part::Process(service), Host::Node(node)) => {
                let what = if first == SUSPENDED { ServiceAction::Hang } else { ServiceAction::Kill };
                let service = service_of(*service)?;
                let done = self.apply(ResolvedAction::Service { node, service, what })?;
                // Nobody else starts an instance outside of a failover cluster instance.
                if what == ServiceAction::Kill && service == Service::SqlServer && self.binding.has_replicas()
                {
                    return self.apply(ResolvedAction::Service { node, service, what: ServiceAction::Start });
                }
                Ok(done)
            }
            (Part::StartMode(service), Host::Node(node)) => {
                let part = Surroundings::ServiceStart { node, service: service_of(*service)? };
                self.apply(ResolvedAction::Surroundings { part, works: first != "Disabled" })
            }
            (Part::PossibleOwners(resource), Host::Node(_)) => {
                self.set_possible_owners(resource, part, value)
            }
            (Part::ClusterProperty(name), Host::Node(_)) => {
                let property = property_named(name, first)?;
                self.written.cluster.insert(part.clone(), value.to_vec());
                self.apply(ResolvedAction::SetCluster(property))
            }
            (Part::FailoverThreshold(_), Host::Node(_)) => {
                self.written.cluster.insert(part.clone(), value.to_vec());
                Ok(Reply::Done)
            }
            (Part::Blocked(way), Host::Node(node)) => {
                self.block(node, *way, value);
                Ok(Reply::Done)
            }
            (Part::PortBlocked(_), Host::Node(node)) => {
                self.change_own(node, part, value, NodeChange::MasterPort(value.is_empty()))
            }
            (Part::HttpsBinding, Host::Node(node)) => {
                self.change_own(node, part, value, NodeChange::HttpsBinding(!value.is_empty()))
            }
            (Part::RootCertificates(thumbprints), Host::Node(node)) => {
                let is_of_workers = *thumbprints == self.binding.worker_thumbprints();
                let change = if is_of_workers {
                    NodeChange::WorkerCertificates(!value.is_empty())
                } else {
                    NodeChange::RootStore(value.is_empty())
                };
                self.change_own(node, part, value, change)
            }
            (Part::MasterSetting(_), Host::Node(node)) => {
                let port = first.parse().map_err(|_| wrong_host())?;
                self.change_own(node, part, value, NodeChange::PortNumber(port))
            }
            (Part::WorkerSetting(key), Host::Worker(worker)) => {
                let setting = worker_setting(key, first).ok_or_else(|| not_found("EditSettings"))?;
                self.cluster.set_worker(worker, setting).then_some(Reply::Done).ok_or_else(wrong_host)
            }
            (Part::WorkerAgent(machine), Host::Node(node)) => {
                self.need_ssisdb(node)?;
                let worker = self.binding.worker(machine).ok_or_else(|| not_found("Agent"))?;
                let what = match value.first().map(String::as_str) {
                    Some(ENABLED) => AgentAction::Enable,
                    Some(DISABLED) => AgentAction::Disable,
                    Some(_) => return Err(wrong_host()),
                    None => AgentAction::Delete,
                };
                self.apply(ResolvedAction::WorkerAgent { worker, what })
            }
            (Part::Adapter(_), Host::Node(node)) => self.switch_adapter(node, part, value),
            (Part::KeptFrom(outside), _) => self.keep_from(host, *outside, value),
            (Part::Armed(minutes), _) => {
                if value.is_empty() {
                    self.written.armed.remove(&host);
                } else {
                    let moment = self.world().now() + Duration::from_secs(60) * *minutes;
                    self.written.armed.insert(host, moment);
                }
                Ok(Reply::Done)
            }
            // Nobody ends it by hand.
            (Part::ForcedQuorum, _) => Err(wrong_host()),
            (
                Part::Service(_)
                | Part::Process(_)
                | Part::StartMode(_)
                | Part::PossibleOwners(_)
                | Part::ClusterProperty(_)
                | Part::FailoverThreshold(_)
                | Part::Blocked(_)
                | Part::PortBlocked(_)
                | Part::HttpsBinding
                | Part::MasterSetting(_)
                | Part::RootCertificates(_)
                | Part::WorkerSetting(_)
                | Part::WorkerAgent(_)
                | Part::Adapter(_),
                _,
            ) => Err(wrong_host()),
        }
    }

    /// Lets time pass up to this moment; nodes that are armed take their blocks back when their time is over.
    pub(super) fn advance(&mut self, until: Time) {
        while let Some((&host, &moment)) = self.written.armed.iter().min_by_key(|(_, moment)| **moment)
            && moment <= until
        {
            self.cluster.advance(moment, &mut self.logs);
            self.written.armed.remove(&host);
            if let Host::Node(node) = host {
                for way in [Way::In, Way::Out] {
                    self.block(node, way, &[]);
                }
                let is_its = |(of, part): &&(NodeId, Part)| *of == node && matches!(part, Part::Adapter(_));
                for (_, part) in self.written.own.keys().filter(is_its).cloned().collect::<Vec<_>>() {
                    let _ = self.switch_adapter(node, &part, &[]);
                }
            }
            for outside in Outside::ALL {
                // Where there is nothing to let through nothing happens.
                let _ = self.keep_from(host, outside, &[]);
            }
        }
        self.cluster.advance(until, &mut self.logs);
    }

    /// The addresses of all nodes, of both families: those of the topology, and one that each of them has besides.
    pub(super) fn network(&self) -> NetworkSight {
        let nodes = (0..self.binding.topology.nodes.len()).map(|index| NodeId(index as u8));
        let addresses = nodes.flat_map(|node| {
            let name = self.binding.node_name(node).to_owned();
            self.addresses_of(node)
                .into_iter()
                .map(move |address| AddressSight { node: name.clone(), address })
        });
        NetworkSight { addresses: addresses.collect(), storage: Vec::new() }
    }

    pub(super) fn addresses_of(&self, node: NodeId) -> Vec<String> {
        let hosts = self.binding.topology.hosts.iter().enumerate();
        let own = hosts.filter(|(_, target)| **target == Target::Node(node));
        let named = own.map(|(index, _)| {
            self.binding.endpoint_name(failover_sim::names::HostId(index as u16)).to_owned()
        });
        let numeric = named.filter(|name| name.parse::<std::net::IpAddr>().is_ok());
        numeric.chain([format!("fd00::{}", node.0 + 1)]).collect()
    }

    /// Whether each address answers an echo request of a node.
    pub(super) fn reached(&self, from: NodeId, addresses: &[String]) -> Vec<bool> {
        let is_in = |list: Option<&Vec<String>>, of: NodeId| {
            let theirs = self.addresses_of(of);
            list.is_some_and(|list| list.iter().any(|address| theirs.contains(address)))
        };
        let is_blocked = |node: NodeId, other: NodeId| {
            [Way::In, Way::Out].iter().any(|&way| is_in(self.written.blocked.get(&(node, way)), other))
        };
        let answers = |address: &String| {
            let mut nodes = (0..self.binding.topology.nodes.len()).map(|index| NodeId(index as u8));
            let to = nodes.find(|&node| self.addresses_of(node).contains(address));
            to.is_some_and(|to| {
                self.world().power(to) == Power::On && !is_blocked(from, to) && !is_blocked(to, from)
            })
        };
        addresses.iter().map(answers).collect()
    }

    /// Whether quorum is forced in the view of a node: with most of the nodes there are votes enough.
    fn is_forced(&self, node: NodeId) -> bool {
        let members =
            self.world().cluster_service(node).map_or(0, |service| service.view().members.iter().count());
        self.written.forced && members * 2 <= self.binding.topology.nodes.len()
    }

    fn runs(&self, host: Host, service: HostService) -> Result<bool, ErrorRecord> {
        match (service, host) {
            (HostService::Worker, Host::Worker(worker)) => {
                Ok(self.world().worker_process(worker) != WorkerProcess::Stopped)
            }
            (HostService::Master | HostService::SqlServer, Host::Node(node)) => {
                Ok(self.world().runs(node, service_of(service)?))
            }
            (HostService::ClusterService, Host::Node(node)) => {
                Ok(self.world().cluster_service(node).is_some_and(|service| service.runs()))
            }
            (_, Host::Control | Host::Node(_) | Host::Worker(_)) => Err(wrong_host()),
        }
    }

    fn hangs(&self, host: Host, service: HostService) -> Result<bool, ErrorRecord> {
        match (service, host) {
            (HostService::Worker, Host::Worker(worker)) => {
                Ok(self.world().worker_process(worker) == WorkerProcess::Hangs)
            }
            (HostService::Master | HostService::SqlServer, Host::Node(node)) => {
                Ok(self.world().hangs(node, service_of(service)?))
            }
            (HostService::ClusterService, Host::Node(_)) => Ok(false),
            (_, Host::Control | Host::Node(_) | Host::Worker(_)) => Err(wrong_host()),
        }
    }

    fn switch_adapter(&mut self, node: NodeId, part: &Part, value: &[String]) -> Result<Reply, ErrorRecord> {
        let works = value.is_empty();
        self.written.own.insert((node, part.clone()), value.to_vec());
        self.apply(ResolvedAction::Surroundings { part: Surroundings::Adapter(node), works })
    }

    fn change_own(
        &mut self,
        node: NodeId,
        part: &Part,
        value: &[String],
        change: NodeChange,
    ) -> Result<Reply, ErrorRecord> {
        let reply = self.apply(ResolvedAction::ChangeNode { node, change })?;
        self.written.own.insert((node, part.clone()), value.to_vec());
        Ok(reply)
    }

    /// What a node has of its own as long as nobody has written it.
    fn own_part(&self, node: NodeId, part: &Part) -> Result<Vec<String>, ErrorRecord> {
        Ok(match part {
            Part::HttpsBinding => {
                let bound = self.world().bound_certificate(node).map(|one| self.binding.thumbprint(one));
                let rest = ["Root", "{00000000-0000-0000-0000-000000000000}", "2"].map(str::to_owned);
                bound.map_or_else(Vec::new, |thumbprint| [vec![thumbprint], rest.to_vec()].concat())
            }
            Part::MasterSetting(key) if key == "PortNumber" => {
                vec![self.world().master_port(node).to_string()]
            }
            Part::RootCertificates(thumbprints) => {
                let root = &self.world().host_trust(node).root;
                let has = |text: &&String| {
                    self.binding.certificate(text).is_some_and(|certificate| root.contains(&certificate))
                };
                // The certificate itself is not of the model: its thumbprint stands for it.
                thumbprints.iter().filter(has).cloned().collect()
            }
            // Nothing is blocked or switched off yet, and no other key is asked for; the rest is known elsewhere.
            Part::PortBlocked(_)
            | Part::Adapter(_)
            | Part::MasterSetting(_)
            | Part::Service(_)
            | Part::Process(_)
            | Part::StartMode(_)
            | Part::PossibleOwners(_)
            | Part::ClusterProperty(_)
            | Part::FailoverThreshold(_)
            | Part::ForcedQuorum
            | Part::Blocked(_)
            | Part::WorkerSetting(_)
            | Part::WorkerAgent(_)
            | Part::KeptFrom(_)
            | Part::Armed(_) => Vec::new(),
        })
    }

    /// A node is barred from a role as soon as it is no possible owner of one of its resources.
    fn set_possible_owners(
        &mut self,
        resource: &str,
        part: &Part,
        value: &[String],
    ) -> Result<Reply, ErrorRecord> {
        let id = self.binding.resource(resource).ok_or_else(|| not_found("Get-ClusterResource"))?;
        let roles = &self.binding.topology.cluster.roles;
        let role = roles.iter().position(|role| role.resources.contains(&id));
        let role = RoleId(role.ok_or_else(|| not_found("Get-ClusterGroup"))? as u8);
        let before = self.barred(role);
        let written = self.written.cluster.insert(part.clone(), value.to_vec());
        for (node, (was, is)) in before.into_iter().zip(self.barred(role)).enumerate() {
            if was != is {
                let node = NodeId(node as u8);
                let reply = self.apply(ResolvedAction::PossibleOwner { role, node, may: !is });
                if reply.is_err() {
                    match written {
                        Some(written) => self.written.cluster.insert(part.clone(), written),
                        None => self.written.cluster.remove(part),
                    };
                    return reply;
                }
            }
        }
        Ok(Reply::Done)
    }

    /// For each node, whether it is missing among the owners of a resource that it might own.
    fn barred(&self, role: RoleId) -> Vec<bool> {
        let cluster = &self.binding.topology.cluster;
        let nodes = (0..self.binding.topology.nodes.len()).map(|index| NodeId(index as u8));
        let is_missing = |node: NodeId| {
            cluster.roles[role.index()].resources.iter().any(|&resource| {
                let part = Part::PossibleOwners(self.binding.resource_name(resource).to_owned());
                let might = cluster.resources[resource.index()].possible_owners.contains(node);
                let owners = self.written.cluster.get(&part);
                might
                    && owners.is_some_and(|owners| {
                        !owners.iter().any(|owner| self.binding.node(owner) == Some(node))
                    })
            })
        };
        nodes.map(is_missing).collect()
    }

    /// The links of a node follow from the addresses that its firewall blocks.
    fn block(&mut self, node: NodeId, way: Way, value: &[String]) {
        let before = self.written.blocked.insert((node, way), value.to_vec()).unwrap_or_default();
        let ways = match way {
            Way::In => Ways::In,
            Way::Out => Ways::Out,
        };
        for other in (0..self.binding.topology.nodes.len()).map(|index| NodeId(index as u8)) {
            let theirs = self.addresses_of(other);
            let is_blocked = |list: &[String]| list.iter().any(|address| theirs.contains(address));
            let state = match (is_blocked(&before), is_blocked(value)) {
                (false, true) => LinkState::Cut,
                (true, false) => LinkState::Whole,
                (true, true) | (false, false) => continue,
            };
            // A link can always be cut and healed.
            let _ = self.apply(ResolvedAction::Link { node, to: LinkEnd::Node(other), state, ways });
        }
    }

    /// A property as the topology has it (FailoverClusters: Cluster, documented; delays in milliseconds, others in
    /// seconds).
    fn property(&self, name: &str) -> Result<u64, ErrorRecord> {
        let own = &self.binding.topology.cluster.properties;
        let (same_subnet, cross_subnet) = self.binding.topology.profile.thresholds(ThresholdTable::Others);
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Ok(match name {
            "SameSubnetThreshold" => own.same_subnet_threshold.unwrap_or(same_subnet).into(),
            "CrossSubnetThreshold" => own.cross_subnet_threshold.unwrap_or(cross_subnet).into(),
            "SameSubnetDelay" => millis(own.same_subnet_delay),
            "CrossSubnetDelay" => millis(own.cross_subnet_delay),
            "QuarantineThreshold" => own.quarantine_threshold.into(),
            "QuarantineDuration" => own.quarantine_duration.unwrap_or(USUAL_QUARANTINE).as_secs(),
            "ResiliencyLevel" => match own.resiliency_level {
                Some(ResiliencyLevel::IsolateOnSpecialHeartbeat) => 1,
                Some(ResiliencyLevel::AlwaysIsolate) | None => 2,
            },
            "ResiliencyDefaultPeriod" => own.resiliency_default_period.as_secs(),
            _ => return Err(not_found("Get-Cluster")),
        })
    }
}

/// A key of `WorkerSettings.config` with what is written there.
fn worker_setting(key: &str, value: &str) -> Option<WorkerSetting> {
    // `hh:mm:ss`, as the harness writes it.
    let span = || {
        let parts: Vec<u64> = value.split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
        let [hours, minutes, seconds] = parts[..] else { return None };
        Some(Duration::from_secs(hours * 3_600 + minutes * 60 + seconds))
    };
    Some(match key {
        "MaxTaskCount" => WorkerSetting::MaxTaskCount(value.parse().ok()?),
        "AgentHeartbeatInterval" => WorkerSetting::AgentHeartbeatInterval(span()?),
        "TaskHeartbeatInterval" => WorkerSetting::TaskHeartbeatInterval(span()?),
        _ => return None,
    })
}

fn service_of(service: HostService) -> Result<Service, ErrorRecord> {
    match service {
        HostService::Master => Ok(Service::Master),
        HostService::SqlServer => Ok(Service::SqlServer),
        HostService::ClusterService | HostService::Worker => Err(wrong_host()),
    }
}

fn property_named(name: &str, value: &str) -> Result<ClusterProperty, ErrorRecord> {
    let wrong = || failed("System.Management.Automation.SetValueInvocationException", "NotANumber", 0);
    let number: u32 = value.parse().map_err(|_| wrong())?;
    let (millis, seconds) = (Duration::from_millis(number.into()), Duration::from_secs(number.into()));
    Ok(match name {
        "SameSubnetThreshold" => ClusterProperty::SameSubnetThreshold(number),
        "CrossSubnetThreshold" => ClusterProperty::CrossSubnetThreshold(number),
        "SameSubnetDelay" => ClusterProperty::SameSubnetDelay(millis),
        "CrossSubnetDelay" => ClusterProperty::CrossSubnetDelay(millis),
        "QuarantineThreshold" => ClusterProperty::QuarantineThreshold(number),
        "QuarantineDuration" => ClusterProperty::QuarantineDuration(seconds),
        "ResiliencyLevel" if number == 1 => {
            ClusterProperty::ResiliencyLevel(ResiliencyLevel::IsolateOnSpecialHeartbeat)
        }
        "ResiliencyLevel" => ClusterProperty::ResiliencyLevel(ResiliencyLevel::AlwaysIsolate),
        "ResiliencyDefaultPeriod" => ClusterProperty::ResiliencyDefaultPeriod(seconds),
        _ => return Err(not_found("Get-Cluster")),
    })
}

/// QuarantineDuration where nobody has set it: 7200 s (Get-Cluster, documented; sources disagree).
const USUAL_QUARANTINE: Duration = Duration::from_secs(7_200);
