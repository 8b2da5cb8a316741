//! Which actions does a verb stand for?

use failover_sim::action::{
    Action, AgentAction, ClusterProperty, Drain, LinkEnd, LinkQuality, LinkState, Load, LoadWorkers, Part,
    Service, ServiceAction, StartQuorum, Ways, WorkerSetting,
};
use failover_sim::cluster::{ClusterProperties, ResourceKind};
use failover_sim::names::LoadId;

use crate::plan::{NodeWord, PlannedAction};

use super::super::diagnostic::Fault;
use super::super::document::{
    ChangeNode, DegradeDocument, LinkDocument, LoadWorkersWord, Nothing, OnResource, OnService, OnWorker,
    PossibleOwner, QuarantineWord, QuorumWord, RolesWord, ServiceWord, SetCluster, SetWorkers,
    StartExecutions, StepDocument, WaysWord, WhichWord,
};
use super::super::node_changes::changes;
use super::super::read::At;
use super::super::topology::set_properties;
use super::super::tree::Span;
use super::Planner;

impl Planner<'_> {
    /// Adds the actions that a verb stands for: one, or one for each property that it sets.
    pub(super) fn act(&mut self, document: &StepDocument, span: Span) {
        let line = self.line(span);
        let actions = match document {
            StepDocument::MoveRole(document) => {
                match (self.role(document.role.as_ref()), self.node(&document.to)) {
                    (Some(role), Some(to)) => vec![Action::MoveRole { role, to }],
                    (None, _) | (_, None) => Vec::new(),
                }
            }
            StepDocument::PowerOff(document) => self.on(&document.node, |node| Action::PowerOff { node }),
            StepDocument::PowerOn(document) => self.on(&document.node, |node| Action::PowerOn { node }),
            StepDocument::Freeze(document) => self.on(&document.node, |node| Action::Freeze { node }),
            StepDocument::Thaw(document) => self.on(&document.node, |node| Action::Thaw { node }),
            StepDocument::KillClusterService(document) => {
                self.on(&document.node, |node| Action::KillClusterService { node })
            }
            StepDocument::StopClusterService(document) => {
                self.on(&document.node, |node| Action::StopClusterService { node })
            }
            StepDocument::StartClusterService(document) => {
                let quorum = match document.quorum {
                    QuorumWord::Normal => StartQuorum::Normal,
                    QuorumWord::Force => StartQuorum::Force,
                    QuorumWord::Prevent => StartQuorum::Prevent,
                };
                let clear_quarantine = match document.quarantine {
                    QuarantineWord::Stays => false,
                    QuarantineWord::Cleared => true,
                };
                self.on(&document.node, |node| Action::StartClusterService { node, quorum, clear_quarantine })
            }
            StepDocument::ShutDown(document) => self.on(&document.node, |node| Action::ShutDown { node }),
            StepDocument::RestartNode(document) => {
                self.on(&document.node, |node| Action::RestartNode { node })
            }
            StepDocument::StopRole(Nothing {}) => {
                vec![Action::Role { role: self.topology.role, online: false }]
            }
            StepDocument::StartRole(Nothing {}) => {
                vec![Action::Role { role: self.topology.role, online: true }]
            }
            StepDocument::FailWitness(Nothing {}) => self.witness(false, span),
            StepDocument::RestoreWitness(Nothing {}) => self.witness(true, span),
            StepDocument::DisableService(document) => self.service_start(document, false),
            StepDocument::EnableService(document) => self.service_start(document, true),
            StepDocument::DisableAdapter(document) => self
                .on(&document.node, |node| Action::Surroundings { part: Part::Adapter(node), works: false }),
            StepDocument::EnableAdapter(document) => self
                .on(&document.node, |node| Action::Surroundings { part: Part::Adapter(node), works: true }),
            StepDocument::DuplicateAddress(document) => self.address(document, false),
            StepDocument::FreeAddress(document) => self.address(document, true),
            StepDocument::FailDns(Nothing {}) => vec![surroundings(Part::Dns, false)],
            StepDocument::RestoreDns(Nothing {}) => vec![surroundings(Part::Dns, true)],
            StepDocument::RefuseDnsUpdates(Nothing {}) => vec![surroundings(Part::DnsUpdates, false)],
            StepDocument::AcceptDnsUpdates(Nothing {}) => vec![surroundings(Part::DnsUpdates, true)],
            StepDocument::FailDirectory(Nothing {}) => vec![surroundings(Part::Directory, false)],
            StepDocument::RestoreDirectory(Nothing {}) => vec![surroundings(Part::Directory, true)],
            StepDocument::IgnoreAnnouncements(Nothing {}) => vec![surroundings(Part::Announcements, false)],
            StepDocument::HeedAnnouncements(Nothing {}) => vec![surroundings(Part::Announcements, true)],
            StepDocument::PauseNode(document) => {
                let drain = match document.roles {
                    RolesWord::Stay => Drain::Stay,
                    RolesWord::MoveAway => Drain::Move,
                };
                self.on(&document.node, |node| Action::PauseNode { node, drain })
            }
            StepDocument::ResumeNode(document) => self.on(&document.node, |node| Action::ResumeNode { node }),
            StepDocument::RemovePossibleOwner(document) => self.possible_owner(document, false),
            StepDocument::RestorePossibleOwner(document) => self.possible_owner(document, true),
            StepDocument::KillService(document) => self.service(document, ServiceAction::Kill),
            StepDocument::HangService(document) => self.service(document, ServiceAction::Hang),
            StepDocument::StopService(document) => self.service(document, ServiceAction::Stop),
            StepDocument::StartService(document) => self.service(document, ServiceAction::Start),
            StepDocument::KillWorker(document) => self.worker_service(document, ServiceAction::Kill),
            StepDocument::HangWorker(document) => self.worker_service(document, ServiceAction::Hang),
            StepDocument::StopWorker(document) => self.worker_service(document, ServiceAction::Stop),
            StepDocument::StartWorker(document) => self.worker_service(document, ServiceAction::Start),
            StepDocument::EnableWorker(document) => self.worker_agent(document, AgentAction::Enable),
            StepDocument::DisableWorker(document) => self.worker_agent(document, AgentAction::Disable),
            StepDocument::DeleteWorker(document) => self.worker_agent(document, AgentAction::Delete),
            StepDocument::Cut(document) => self.link(document, LinkState::Cut),
            StepDocument::Heal(document) => self.link(document, LinkState::Whole),
            StepDocument::Degrade(document) => self.degrade(document, span),
            StepDocument::StopResource(document) => self
                .resource(&document.resource)
                .map(|resource| Action::Resource { resource, online: false })
                .into_iter()
                .collect(),
            StepDocument::StartResource(document) => self
                .resource(&document.resource)
                .map(|resource| Action::Resource { resource, online: true })
                .into_iter()
                .collect(),
            StepDocument::FailResource(document) => self
                .resource(&document.resource)
                .map(|resource| Action::FailResource { resource })
                .into_iter()
                .collect(),
            StepDocument::DeadlockResource(document) => self
                .resource(&document.resource)
                .map(|resource| Action::DeadlockResource { resource })
                .into_iter()
                .collect(),
            StepDocument::ReplaceMasterCertificate(document) => {
                match (self.node(&document.node), self.certificate(&document.with)) {
                    (Some(node), Some(with)) => vec![Action::ReplaceMasterCertificate { node, with }],
                    (None, _) | (_, None) => Vec::new(),
                }
            }
            StepDocument::ChangeNode(document) => self.change_node(document, span),
            StepDocument::SetCluster(document) => self.set_cluster(document, span),
            StepDocument::SetWorkers(document) => self.set_workers(document, span),
            StepDocument::StartExecutions(document) => self.load(document, span),
            StepDocument::Expect(_) | StepDocument::Hold(_) | StepDocument::Pause(_) => Vec::new(),
        };
        self.actions.extend(actions.into_iter().map(|action| PlannedAction { action, line }));
    }

    fn on(
        &mut self,
        word: &At<String>,
        action: impl Fn(NodeWord) -> Action<NodeWord>,
    ) -> Vec<Action<NodeWord>> {
        self.node(word).map(action).into_iter().collect()
    }

    fn witness(&mut self, works: bool, span: Span) -> Vec<Action<NodeWord>> {
        if self.topology.topology.cluster.witness.is_none() {
            let fault = Fault::new("the cluster has no witness", span);
            self.fault(fault.with_label("not in this topology"));
        }
        vec![Action::Surroundings { part: Part::Witness, works }]
    }

    fn service_start(&mut self, document: &OnService, works: bool) -> Vec<Action<NodeWord>> {
        let service = service_of(document.service);
        self.on(&document.node, |node| {
            let part = Part::ServiceStart { node, service };
            Action::Surroundings { part, works }
        })
    }

    fn address(&mut self, document: &OnResource, works: bool) -> Vec<Action<NodeWord>> {
        let Some(resource) = self.resource(&document.resource) else { return Vec::new() };
        let kind = self.topology.topology.cluster.resources[resource.index()].kind;
        if !matches!(kind, ResourceKind::IpAddress(_)) {
            let fault =
                Fault::new(format!("`{}` is no IP address", document.resource.value), document.resource.span);
            self.fault(fault.with_label("expected a resource of the type `ip_address`"));
        }
        vec![Action::Surroundings { part: Part::Address(resource), works }]
    }

    fn service(&mut self, document: &OnService, what: ServiceAction) -> Vec<Action<NodeWord>> {
        let service = service_of(document.service);
        self.on(&document.node, |node| Action::Service { node, service, what })
    }

    fn worker_service(&mut self, document: &OnWorker, what: ServiceAction) -> Vec<Action<NodeWord>> {
        let worker = self.worker(&document.worker);
        worker.map(|worker| Action::WorkerService { worker, what }).into_iter().collect()
    }

    fn worker_agent(&mut self, document: &OnWorker, what: AgentAction) -> Vec<Action<NodeWord>> {
        let worker = self.worker(&document.worker);
        worker.map(|worker| Action::WorkerAgent { worker, what }).into_iter().collect()
    }

    fn possible_owner(&mut self, document: &PossibleOwner, may: bool) -> Vec<Action<NodeWord>> {
        match (self.role(document.role.as_ref()), self.node(&document.node)) {
            (Some(role), Some(node)) => vec![Action::PossibleOwner { role, node, may }],
            (None, _) | (_, None) => Vec::new(),
        }
    }

    fn link(&mut self, document: &LinkDocument, state: LinkState) -> Vec<Action<NodeWord>> {
        let to = match document.from.value.as_str() {
            "other_nodes" => Some(LinkEnd::OtherNodes),
            "clients" => Some(LinkEnd::Clients),
            "disk" => Some(LinkEnd::Disk),
            "witness" => Some(LinkEnd::Witness),
            _ => self.node(&document.from).map(LinkEnd::Node),
        };
        let ways = match document.ways {
            WaysWord::Both => Ways::Both,
            WaysWord::Out => Ways::Out,
            WaysWord::In => Ways::In,
        };
        match (self.node(&document.node), to) {
            (Some(node), Some(LinkEnd::Node(other))) if node == other => {
                let fault = Fault::new("a link has two ends", document.from.span);
                self.fault(fault.with_label("the node itself"));
                Vec::new()
            }
            (Some(node), Some(to)) => vec![Action::Link { node, to, state, ways }],
            (None, _) | (_, None) => Vec::new(),
        }
    }

    fn degrade(&mut self, document: &DegradeDocument, span: Span) -> Vec<Action<NodeWord>> {
        let DegradeDocument { node, delay, loss } = document;
        let quality = LinkQuality {
            delay: delay.as_ref().map_or_else(Default::default, |delay| delay.value.0),
            loss: loss.map_or(0, |loss| loss.0),
        };
        if quality == LinkQuality::default() {
            let fault = Fault::new("`degrade` needs a `delay`, a `loss`, or both", span);
            self.fault(fault.with_label("nothing would change"));
        }
        self.on(node, |node| Action::Degrade { node, quality })
    }

    fn set_cluster(&mut self, document: &SetCluster, span: Span) -> Vec<Action<NodeWord>> {
        let mut unused: ClusterProperties = self.topology.topology.cluster.properties.clone();
        set_properties(&mut unused, document, self.faults);
        let set = [
            document.same_subnet_delay.map(|delay| ClusterProperty::SameSubnetDelay(delay.value.0)),
            document.same_subnet_threshold.map(|count| ClusterProperty::SameSubnetThreshold(count.value)),
            document.cross_subnet_delay.map(|delay| ClusterProperty::CrossSubnetDelay(delay.value.0)),
            document.cross_subnet_threshold.map(|count| ClusterProperty::CrossSubnetThreshold(count.value)),
            document.quarantine_threshold.map(|count| ClusterProperty::QuarantineThreshold(count.value)),
            document.quarantine_duration.map(|time| ClusterProperty::QuarantineDuration(time.value.0)),
            document.resiliency_level.map(|level| ClusterProperty::ResiliencyLevel(level.value.into())),
            document
                .resiliency_default_period
                .map(|time| ClusterProperty::ResiliencyDefaultPeriod(time.value.0)),
        ];
        let actions: Vec<_> = set.into_iter().flatten().map(Action::SetCluster).collect();
        self.refuse_empty(&actions, span);
        actions
    }

    fn set_workers(&mut self, document: &SetWorkers, span: Span) -> Vec<Action<NodeWord>> {
        if document.which.value != WhichWord::Every {
            let fault = Fault::new("a setting is set on every worker", document.which.span);
            self.fault(fault.with_label("expected `every`"));
        }
        let intervals = [document.agent_heartbeat_interval, document.task_heartbeat_interval];
        for interval in intervals.into_iter().flatten().filter(|interval| interval.value.0.is_zero()) {
            self.fault(Fault::new("an interval must be longer than zero", interval.span).with_label("here"));
        }
        let set = [
            document.max_task_count.map(|count| WorkerSetting::MaxTaskCount(count.value)),
            document.agent_heartbeat_interval.map(|time| WorkerSetting::AgentHeartbeatInterval(time.value.0)),
            document.task_heartbeat_interval.map(|time| WorkerSetting::TaskHeartbeatInterval(time.value.0)),
        ];
        let actions: Vec<_> = set.into_iter().flatten().map(Action::SetWorkers).collect();
        self.refuse_empty(&actions, span);
        actions
    }

    fn change_node(&mut self, document: &ChangeNode, span: Span) -> Vec<Action<NodeWord>> {
        let Some(node) = self.node(&document.node) else { return Vec::new() };
        let actions: Vec<_> = changes(document).map(|change| Action::ChangeNode { node, change }).collect();
        self.refuse_empty(&actions, span);
        actions
    }

    fn refuse_empty(&mut self, actions: &[Action<NodeWord>], span: Span) {
        if actions.is_empty() {
            self.fault(Fault::new("nothing is set", span).with_label("expected at least one property"));
        }
    }

    fn load(&mut self, document: &StartExecutions, span: Span) -> Vec<Action<NodeWord>> {
        if self.load_names.contains(&document.name.value) {
            let message = format!("there are executions `{}` already", document.name.value);
            self.fault(Fault::new(message, document.name.span).with_label("the second of this name"));
        }
        if document.count.value == 0 {
            self.fault(Fault::new("no execution is asked for", document.count.span).with_label("at least 1"));
        }
        let rounds = document.rounds.map_or(1, |rounds| rounds.value);
        let every = document.every.map(|every| every.value.0).unwrap_or_default();
        if rounds == 0 || (rounds > 1 && every.is_zero()) {
            let fault = Fault::new("rounds need a number and a time between them", span);
            self.fault(fault.with_label("`rounds` of at least 1, and `every` longer than zero"));
        }
        let load = LoadId(self.loads.len() as u16);
        self.load_names.push(document.name.value.clone());
        self.refuse_beyond_limit(document, rounds);
        self.loads.push(Load {
            count: document.count.value,
            duration: document.duration.0,
            retry_count: document.retry_count,
            workers: match document.workers {
                LoadWorkersWord::Any => LoadWorkers::Any,
                LoadWorkersWord::EachNamed => LoadWorkers::EachNamed,
            },
            rounds,
            every,
        });
        vec![Action::StartExecutions(load)]
    }

    fn refuse_beyond_limit(&mut self, document: &StartExecutions, rounds: u32) {
        let workers = match document.workers {
            LoadWorkersWord::Any => 1,
            LoadWorkersWord::EachNamed => self.topology.names.workers.len() as u64,
        };
        let each = u64::from(document.count.value) * u64::from(rounds);
        let all = each.saturating_mul(workers);
        if all > MOST_EXECUTIONS {
            let fault = Fault::new(format!("{all} executions are too many"), document.count.span);
            self.fault(
                fault.with_label(format!("at most {MOST_EXECUTIONS}, all rounds and workers together")),
            );
        }
    }
}

/// All executions of a step: each takes memory of its own, in the simulator as in SSISDB. Ours.
const MOST_EXECUTIONS: u64 = 1_000_000;

const fn service_of(word: ServiceWord) -> Service {
    match word {
        ServiceWord::Master => Service::Master,
        ServiceWord::SqlServer => Service::SqlServer,
    }
}

const fn surroundings(part: Part<NodeWord>, works: bool) -> Action<NodeWord> {
    Action::Surroundings { part, works }
}
