//! How is a part of a host set to something else?
//!
//! Its value is read, the journal says what it was, the other value is written and read back.

use std::time::Duration;

use failover_sim::action::{
    AgentAction, ClusterProperty, NodeChange, Service, ServiceAction, Verb, WorkerSetting,
};
use failover_sim::cluster::ResiliencyLevel;
use failover_sim::names::{ActionNo, NodeId, ResourceId, RoleId, WorkerId};
use failover_sim::time::micros;

use super::super::journal::{State, Undo};
use super::super::protocol::{
    BLOCKED, Call, DISABLED, ENABLED, HostService, Part, RUNNING, STOPPED, SUSPENDED, is_same_value,
};
use super::super::reach::{Host, Lab};
use super::junk::Junk;
use super::{Actors, BackendError};

impl Actors {
    /// Sets a part; what it was is announced first.
    pub(super) fn set_part<L: Lab>(
        &mut self,
        lab: &mut L,
        (number, verb): (ActionNo, Verb),
        (host, part): (Host, &Part),
        value: &[String],
    ) -> Result<(), BackendError> {
        let before = self.part(lab, host, part)?;
        if is_same_value(&before, value) {
            return Ok(());
        }
        let name = self.binding.host_name(host);
        // What an earlier action changed goes back to what it was before that.
        let first = self.first_value(&name, part).map(<[String]>::to_vec);
        let undo = Undo::RestorePart { host: name, part: part.clone(), value: first.unwrap_or(before) };
        self.set_part_undone_by(lab, (number, verb), (host, part), value, undo)
    }

    /// The value of a part before the run changed it, if it has.
    pub(super) fn first_value(&self, own: &str, part: &Part) -> Option<&[String]> {
        let is_own = |host: &str| host == own || part.is_of_cluster();
        let mut restored = self.journal().entries().iter().filter_map(|entry| entry.undo.part());
        let found = restored.find(|(host, other, _)| *other == part && is_own(host));
        found.map(|(.., value)| value)
    }

    /// Sets a part, whose undo is another one than its value before.
    fn set_part_undone_by<L: Lab>(
        &mut self,
        lab: &mut L,
        (number, verb): (ActionNo, Verb),
        (host, part): (Host, &Part),
        value: &[String],
        undo: Undo,
    ) -> Result<(), BackendError> {
        let entry = self.announce(number, verb.word(), undo)?;
        self.write_part(lab, host, part, value)?;
        self.mark(entry, State::Done, None)
    }

    /// Writes a part and reads it back.
    pub(super) fn write_part<L: Lab>(
        &mut self,
        lab: &mut L,
        host: Host,
        part: &Part,
        value: &[String],
    ) -> Result<(), BackendError> {
        let call = Call::WritePart { part: part.clone(), value: value.to_vec() };
        self.ask(lab, host, "setting a part", call)?;
        let found = self.part(lab, host, part)?;
        if is_same_value(&found, value) {
            return Ok(());
        }
        let what = format!("{part} reads back as `{}`, expected `{}`", found.join(", "), value.join(", "));
        Err(BackendError::Lab { host: self.binding.host_name(host), what })
    }

    /// What the cluster makes of it is its own affair; in the end its resource must be online.
    pub(super) fn act_on_service<L: Lab>(
        &mut self,
        lab: &mut L,
        (number, verb): (ActionNo, Verb),
        (node, service, what): (NodeId, Service, ServiceAction),
    ) -> Result<(), BackendError> {
        let (host, service, resource) = match service {
            Service::Master => (Host::Node(node), HostService::Master, self.binding.master_name()),
            Service::SqlServer => (Host::Node(node), HostService::SqlServer, self.binding.sql_server_name()),
        };
        // Nothing in the cluster starts the instance of a replica again.
        let comes_back = if service == HostService::SqlServer && self.binding.has_replicas() {
            let (part, value) = (Part::Service(service), texts(&[RUNNING]));
            Undo::RestorePart { host: self.binding.host_name(host), part, value }
        } else {
            Undo::StartResource { resource: resource.to_owned() }
        };
        match what {
            ServiceAction::Kill => self.kill(lab, (number, verb), host, (service, comes_back)).map(|_| ()),
            ServiceAction::Stop => {
                let to = (host, &Part::Service(service));
                self.set_part_undone_by(lab, (number, verb), to, &texts(&[STOPPED]), comes_back)
            }
            ServiceAction::Start => {
                self.set_part(lab, (number, verb), (host, &Part::Service(service)), &texts(&[RUNNING]))
            }
            ServiceAction::Hang => {
                self.set_part(lab, (number, verb), (host, &Part::Process(service)), &texts(&[SUSPENDED]))
            }
        }
    }

    pub(super) fn act_on_worker<L: Lab>(
        &mut self,
        lab: &mut L,
        (number, verb): (ActionNo, Verb),
        worker: WorkerId,
        what: ServiceAction,
    ) -> Result<(), BackendError> {
        let host = Host::Worker(worker);
        let runs = Part::Service(HostService::Worker);
        match what {
            ServiceAction::Kill => {
                let (part, value) = (runs, texts(&[RUNNING]));
                let undo = Undo::RestorePart { host: self.binding.host_name(host), part, value };
                self.kill(lab, (number, verb), host, (HostService::Worker, undo)).map(|_| ())
            }
            ServiceAction::Stop => self.set_part(lab, (number, verb), (host, &runs), &texts(&[STOPPED])),
            ServiceAction::Start => {
                // One that hangs runs for Windows: it is ended first.
                let process = Part::Process(HostService::Worker);
                if self.part(lab, host, &process)? != [SUSPENDED] {
                    return self.set_part(lab, (number, verb), (host, &runs), &texts(&[RUNNING]));
                }
                let value = texts(&[RUNNING]);
                let undo = Undo::RestorePart {
                    host: self.binding.host_name(host),
                    part: runs.clone(),
                    value: value.clone(),
                };
                let process = HostService::Worker;
                self.ask(lab, host, "ending a process that hangs", Call::KillProcess { process })?;
                self.set_part_undone_by(lab, (number, verb), (host, &runs), &value, undo)
            }
            ServiceAction::Hang => {
                let process = Part::Process(HostService::Worker);
                self.set_part(lab, (number, verb), (host, &process), &texts(&[SUSPENDED]))
            }
        }
    }

    /// Whether a service can be started on a node.
    pub(super) fn set_start<L: Lab>(
        &mut self,
        lab: &mut L,
        (number, verb): (ActionNo, Verb),
        (node, service, works): (NodeId, Service, bool),
    ) -> Result<(), BackendError> {
        let service = match service {
            Service::Master => HostService::Master,
            Service::SqlServer => HostService::SqlServer,
        };
        // The cluster starts its services itself: Manual is what it sets (ResUtilSetResourceServiceStartParameters,
        // documented).
        let mode = if works { "Manual" } else { "Disabled" };
        let to = (Host::Node(node), &Part::StartMode(service));
        self.set_part(lab, (number, verb), to, &texts(&[mode]))
    }

    /// Every resource of the role that the node may own, or might before.
    pub(super) fn set_possible_owner<L: Lab>(
        &mut self,
        lab: &mut L,
        (number, verb): (ActionNo, Verb),
        (role, node, may): (RoleId, NodeId, bool),
        nodes: &[NodeId],
    ) -> Result<(), BackendError> {
        let (by, _) = self.cluster(lab, nodes)?;
        let name = self.binding.node_name(node).to_owned();
        let resources: Vec<ResourceId> = self.binding.topology.cluster.roles[role.index()].resources.to_vec();
        for resource in resources {
            let config = &self.binding.topology.cluster.resources[resource.index()];
            let could = config.possible_owners.contains(node);
            let part = Part::PossibleOwners(self.binding.resource_name(resource).to_owned());
            let mut owners = self.part(lab, Host::Node(by), &part)?;
            let is_one = owners.iter().any(|owner| owner.eq_ignore_ascii_case(&name));
            match (is_one, may) {
                (true, false) => owners.retain(|owner| !owner.eq_ignore_ascii_case(&name)),
                (false, true) if could => owners.push(name.clone()),
                (true, true) | (false, _) => continue,
            }
            self.set_part(lab, (number, verb), (Host::Node(by), &part), &owners)?;
        }
        Ok(())
    }

    /// Something that a node has of its own drifts away from what the guide wants, or comes back to it.
    pub(super) fn change_node<L: Lab>(
        &mut self,
        lab: &mut L,
        (number, verb): (ActionNo, Verb),
        node: NodeId,
        change: NodeChange,
    ) -> Result<(), BackendError> {
        let host = Host::Node(node);
        let (part, drifted) = match change {
            NodeChange::MasterPort(open) => {
                (Part::PortBlocked(self.binding.master_port(node)), (!open).then(|| texts(&[BLOCKED])))
            }
            NodeChange::HttpsBinding(present) => (Part::HttpsBinding, (!present).then(Vec::new)),
            NodeChange::WorkerCertificates(present) => {
                (Part::RootCertificates(self.binding.worker_thumbprints()), (!present).then(Vec::new))
            }
            NodeChange::PortNumber(port) => {
                (Part::MasterSetting("PortNumber".to_owned()), Some(vec![port.to_string()]))
            }
            NodeChange::RootStore(clean) => {
                let junk = match &self.junk {
                    Some(junk) => junk.clone(),
                    None if clean => return Ok(()),
                    None => Junk::make().map_err(|error| self.trouble_at(host, error.to_string()))?,
                };
                self.junk = Some(junk.clone());
                let part = Part::RootCertificates(vec![junk.thumbprint]);
                (part, (!clean).then(|| vec![junk.base64]))
            }
            NodeChange::PrivateKey(_) | NodeChange::MasterService(_) | NodeChange::SqlLogin(_) => {
                return Err(BackendError::Unable(verb));
            }
        };
        if let Some(value) = drifted {
            return self.set_part(lab, (number, verb), (host, &part), &value);
        }
        // As the guide wants it is as it was before the run changed it.
        let name = self.binding.host_name(host);
        let Some(first) = self.first_value(&name, &part).map(<[String]>::to_vec) else { return Ok(()) };
        if is_same_value(&self.part(lab, host, &part)?, &first) {
            return Ok(());
        }
        self.write_part(lab, host, &part, &first)
    }

    /// A setting of every worker; each service is restarted with it.
    pub(super) fn set_workers<L: Lab>(
        &mut self,
        lab: &mut L,
        (number, verb): (ActionNo, Verb),
        setting: WorkerSetting,
    ) -> Result<(), BackendError> {
        let (key, value) = setting_of(setting);
        let part = Part::WorkerSetting(key.to_owned());
        for worker in 0..self.binding.topology.workers.len() {
            let host = Host::Worker(WorkerId(worker as u32));
            self.set_part(lab, (number, verb), (host, &part), std::slice::from_ref(&value))?;
        }
        Ok(())
    }

    /// What SSISDB has of a worker. One whose row is deleted registers again by itself, and is disabled then.
    pub(super) fn set_worker_agent<L: Lab>(
        &mut self,
        lab: &mut L,
        (number, verb): (ActionNo, Verb),
        (worker, what): (WorkerId, AgentAction),
        nodes: &[NodeId],
    ) -> Result<(), BackendError> {
        let owner = self.sql_owner(lab, nodes)?;
        let value = match what {
            AgentAction::Enable => texts(&[ENABLED]),
            AgentAction::Disable => texts(&[DISABLED]),
            AgentAction::Delete => Vec::new(),
        };
        let part = Part::WorkerAgent(self.binding.host_name(Host::Worker(worker)));
        self.set_part(lab, (number, verb), (Host::Node(owner), &part), &value)
    }

    /// Lets the cluster forgive more than it does by itself, until the run is taken back: more failovers, and more losses of
    /// a node if the run is not about them.
    pub(in crate::backend::lab) fn raise_thresholds<L: Lab>(
        &mut self,
        lab: &mut L,
        nodes: &[NodeId],
        losses: bool,
    ) -> Result<(), BackendError> {
        let (by, _) = self.cluster(lab, nodes)?;
        let group = self.binding.group_name(self.binding.master_role()).to_owned();
        let of_losses = losses.then(|| Part::ClusterProperty("QuarantineThreshold".to_owned()));
        for part in [Some(Part::FailoverThreshold(group)), of_losses].into_iter().flatten() {
            let before = self.part(lab, Host::Node(by), &part)?;
            let is_low = |text: &String| text.parse().is_ok_and(|number: u32| number < RAISED);
            if before.iter().all(is_low) {
                let raised = [RAISED.to_string()];
                self.set_part(lab, (BEFORE_ALL, Verb::SetCluster), (Host::Node(by), &part), &raised)?;
            }
        }
        Ok(())
    }

    pub(super) fn set_cluster<L: Lab>(
        &mut self,
        lab: &mut L,
        (number, verb): (ActionNo, Verb),
        property: ClusterProperty,
        nodes: &[NodeId],
    ) -> Result<(), BackendError> {
        let (by, _) = self.cluster(lab, nodes)?;
        let (name, value) = property_of(property);
        let part = Part::ClusterProperty(name.to_owned());
        self.set_part(lab, (number, verb), (Host::Node(by), &part), &[value.to_string()])
    }
}

/// The name and the number of a property (FailoverClusters: Cluster, documented; delays in milliseconds, the others in
/// seconds).
fn property_of(property: ClusterProperty) -> (&'static str, u64) {
    let millis = |duration| micros(duration) / 1_000;
    match property {
        ClusterProperty::SameSubnetThreshold(number) => ("SameSubnetThreshold", number.into()),
        ClusterProperty::CrossSubnetThreshold(number) => ("CrossSubnetThreshold", number.into()),
        ClusterProperty::SameSubnetDelay(delay) => ("SameSubnetDelay", millis(delay)),
        ClusterProperty::CrossSubnetDelay(delay) => ("CrossSubnetDelay", millis(delay)),
        ClusterProperty::QuarantineThreshold(number) => ("QuarantineThreshold", number.into()),
        ClusterProperty::QuarantineDuration(duration) => ("QuarantineDuration", millis(duration) / 1_000),
        // IsolateOnSpecialHeartbeat, AlwaysIsolate (documented).
        ClusterProperty::ResiliencyLevel(ResiliencyLevel::IsolateOnSpecialHeartbeat) => {
            ("ResiliencyLevel", 1)
        }
        ClusterProperty::ResiliencyLevel(ResiliencyLevel::AlwaysIsolate) => ("ResiliencyLevel", 2),
        ClusterProperty::ResiliencyDefaultPeriod(period) => {
            ("ResiliencyDefaultPeriod", millis(period) / 1_000)
        }
    }
}

/// The key of a setting, and its value as it is written (WorkerSettings.config, documented).
pub(in crate::backend::lab) fn setting_of(setting: WorkerSetting) -> (&'static str, String) {
    match setting {
        WorkerSetting::MaxTaskCount(count) => ("MaxTaskCount", count.to_string()),
        WorkerSetting::AgentHeartbeatInterval(time) => ("AgentHeartbeatInterval", time_span(time)),
        WorkerSetting::TaskHeartbeatInterval(time) => ("TaskHeartbeatInterval", time_span(time)),
    }
}

/// A time in whole seconds as .NET writes it: `hh:mm:ss`.
pub(in crate::backend::lab) fn time_span(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// More than any session spends, and less than what stands for a default (FailoverThreshold, documented: 4294967295).
const RAISED: u32 = 100;
/// The number of what is done before the first action of a plan.
const BEFORE_ALL: ActionNo = ActionNo(u16::MAX);

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}
