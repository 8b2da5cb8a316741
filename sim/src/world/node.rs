//! What runs on a node: its power, its cluster service, SQL Server, the master's process?

use std::time::Duration;

use crate::action::StartQuorum;
use crate::cluster::ClusterService;
use crate::names::{NodeId, ResourceId};
use crate::observe::Power;
use crate::scaleout::{Master, MasterSettings};
use crate::sql::SqlServer;
use crate::step::Shared;
use crate::time::Time;
use crate::topology::Topology;
use crate::trust::{HostClass, HostTrust, Trust};

use super::Event;

/// A machine of the cluster with everything that runs on it.
#[derive(Clone, Debug)]
pub(super) struct NodeHost {
    pub(super) power: Power,
    pub(super) service: ClusterService,
    pub(super) armed: Time,
    /// When its cluster service starts, and when that start has come as far as joining: an event of another moment
    /// belongs to a start that was cut off.
    pub(super) starts_at: Time,
    pub(super) joins_at: Time,
    pub(super) sql: SqlServer,
    /// Counts starts of SQL Server.
    pub(super) sql_run: u32,
    /// When an instance that starts with the machine runs, or ran.
    pub(super) sql_ready_at: Time,
    pub(super) master: MasterProcess,
    pub(super) trust: HostTrust,
    pub(super) class: HostClass,
    /// The node that began the regroup in which this one takes part, if one is under way.
    pub(super) regroup_of: Option<NodeId>,
    /// Counts regroups and joins of this node.
    pub(super) regroup_count: u32,
    /// Since when the machine stands still, if it does.
    pub(super) frozen_at: Time,
    /// What would have happened here while the machine stood still.
    pub(super) stalled: Vec<Event>,
    /// Counts starts of the cluster service.
    pub(super) starts: u32,
    /// Its cluster service stopped in good order, and its absence is no loss.
    pub(super) left: bool,
    /// The member to which it handed its vote over then.
    pub(super) heir: Option<NodeId>,
    /// What the cluster database says of its losses of membership.
    pub(super) quarantine: Quarantine,
    /// Until when it is isolated, should it not come back before.
    pub(super) isolated_until: Time,
    /// What its cluster service may do about quorum when it starts.
    pub(super) quorum: StartQuorum,
    /// The operating system shuts down or restarts: that comes as soon as the cluster service has stopped.
    pub(super) shutdown: Shutdown,
    /// The adapter on the network of the clients works.
    pub(super) has_adapter: bool,
    /// The firewall keeps clients from the master's port.
    pub(super) port_blocked: bool,
    /// SQL Server refuses the master's service account.
    pub(super) login_refused: bool,
    /// The service that the master's resource names is not installed.
    pub(super) master_missing: bool,
    /// `MasterSettings.config`, for the next start.
    pub(super) settings: Shared<MasterSettings>,
    /// Services whose start type is Disabled.
    pub(super) disabled: Disabled,
    /// Until when its resolver cache has the names of the cluster, if DNS has fallen silent.
    pub(super) knows_names_until: Time,
}

/// Whether an operating system is on its way down, and what comes then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shutdown {
    None,
    Off,
    Restart,
}

/// Losses of membership of one node, and what follows from them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Quarantine {
    /// When it was lost, within the last hour.
    losses: Vec<Time>,
    /// Until when it may not join.
    until: Time,
}

impl Quarantine {
    /// The node was lost at `now`; the `threshold`th loss within an hour keeps it out for `duration`.
    pub(super) fn lost(&mut self, now: Time, threshold: u32, duration: impl FnOnce() -> Duration) {
        self.losses.retain(|loss| now.since(*loss) < LOSSES_COUNT_FOR);
        self.losses.push(now);
        if threshold > 0 && self.losses.len() >= threshold as usize {
            self.losses.clear();
            self.until = now + duration();
        }
    }

    /// How many losses count at this moment, and whether the node may not join.
    pub(super) fn count(&self, now: Time) -> (usize, bool) {
        let losses = self.losses.iter().filter(|loss| now.since(**loss) < LOSSES_COUNT_FOR).count();
        (losses, now < self.until)
    }

    /// When the last quarantine ends or ended.
    pub(super) const fn ends(&self) -> Time {
        self.until
    }

    /// Until when the node may not join, if it may not at this moment.
    pub(super) fn holds_until(&self, now: Time) -> Option<Time> {
        (now < self.until).then_some(self.until)
    }
}

/// Which services of a node cannot be started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Disabled {
    pub(super) master: bool,
    pub(super) sql_server: bool,
}

/// The master's service as the service control manager sees it.
#[derive(Clone, Debug)]
pub(super) struct MasterProcess {
    pub(super) machine: Master,
    pub(super) armed: Time,
    /// Counts starts.
    pub(super) run: u32,
    pub(super) is_running: bool,
    /// Whether it hangs: HTTP.SYS goes on accepting and shaking hands for it, and nobody answers.
    pub(super) hangs: bool,
    /// Whether its URL is registered with HTTP.SYS.
    pub(super) listens: bool,
    pub(super) port: u16,
}

impl NodeHost {
    pub(super) fn new(node: NodeId, topology: &Topology, trust: &mut Trust) -> Self {
        let own = &topology.nodes[node.index()];
        let mut root = own.root.clone();
        root.extend(own.binding.filter(|_| own.private_key));
        root.sort_unstable();
        root.dedup();
        let host_trust =
            HostTrust { binding: own.binding, private_key: own.private_key, root, root_is_clean: true };
        Self {
            power: Power::Off,
            service: ClusterService::new(node, topology.cluster.clone()),
            armed: Time::NEVER,
            starts_at: Time::NEVER,
            joins_at: Time::NEVER,
            sql: SqlServer::Stopped,
            sql_run: 0,
            sql_ready_at: Time::ZERO,
            master: MasterProcess {
                machine: Master::new(own.master_settings.clone()),
                armed: Time::NEVER,
                run: 0,
                is_running: false,
                hangs: false,
                listens: false,
                port: own.master_settings.port,
            },
            class: trust.host(host_trust.clone()),
            trust: host_trust,
            regroup_of: None,
            regroup_count: 0,
            frozen_at: Time::ZERO,
            stalled: Vec::new(),
            starts: 0,
            left: false,
            heir: None,
            quarantine: Quarantine::default(),
            isolated_until: Time::ZERO,
            quorum: StartQuorum::Normal,
            shutdown: Shutdown::None,
            has_adapter: true,
            port_blocked: false,
            login_refused: false,
            master_missing: false,
            settings: own.master_settings.clone(),
            disabled: Disabled::default(),
            knows_names_until: Time::ZERO,
        }
    }

    /// Whether it answers anything on the network.
    pub(super) fn is_on(&self) -> bool {
        self.power == Power::On
    }

    /// Whether it takes part in the cluster: powered, and an active member in its own view.
    pub(super) fn is_member(&self) -> bool {
        self.is_on() && self.service.is_active()
    }

    pub(super) const fn listens(&self) -> bool {
        self.master.listens
    }

    pub(super) const fn listens_on(&self, port: u16) -> bool {
        self.master.listens && self.master.port == port
    }

    pub(super) const fn master_run(&self) -> u32 {
        self.master.run
    }

    /// Everything that was in memory is gone. What the cluster database on its disk says stays.
    pub(super) fn lose_power(&mut self) {
        self.power = Power::Off;
        self.sql = SqlServer::Stopped;
        self.sql_run += 1;
        self.master.is_running = false;
        self.master.hangs = false;
        self.master.listens = false;
        self.master.run += 1;
        self.armed = Time::NEVER;
        self.starts_at = Time::NEVER;
        self.joins_at = Time::NEVER;
        self.master.armed = Time::NEVER;
        self.regroup_of = None;
        self.shutdown = Shutdown::None;
        self.knows_names_until = Time::ZERO;
        self.stalled.clear();
    }
}

/// One number for a resource on a node.
pub(super) const fn place(node: NodeId, resource: ResourceId) -> u32 {
    (node.0 as u32) << 16 | resource.0 as u32
}

/// Losses within one hour count together (field reports, observed).
const LOSSES_COUNT_FOR: Duration = Duration::from_secs(3_600);
