//! Which roles does the cluster have, with which resources?

use std::time::Duration;

use failover_sim::cluster::{ClusterConfig, FailbackWindow, ResourceConfig, ResourceKind, RoleConfig};
use failover_sim::names::{AddressId, HostId, NameId, NodeSet, ResourceId, RoleId};
use failover_sim::topology::{ADDRESSES_MAX, HOST_RECORD_TTL, NetworkName, Target};

use super::super::diagnostic::Fault;
use super::super::read::At;
use super::super::resource_policy::policy;
use super::super::topology_document::{FailbackWord, ResourceDocument, ResourceWord, RoleDocument};
use super::Builder;
use super::cluster::Subnets;
use super::named::twice;

impl Builder<'_> {
    pub(super) fn role(
        &mut self,
        id: RoleId,
        document: &RoleDocument,
        subnets: &mut Subnets,
        config: &mut ClusterConfig,
    ) {
        if self.names.roles.contains(&document.name.value) {
            self.faults.push(twice("role", &document.name));
        }
        self.names.roles.push(document.name.value.clone());
        let first = config.resources.len();
        let own: Vec<String> =
            document.resources.iter().map(|resource| resource.name.value.clone()).collect();
        for (index, resource) in document.resources.iter().enumerate() {
            let elsewhere = &self.names.resources[..first];
            if own[..index].contains(&resource.name.value) || elsewhere.contains(&resource.name.value) {
                self.faults.push(twice("resource", &resource.name));
            }
            let resolved = self.resource(id, resource, (&own, first), subnets, config);
            let holds = |kind| matches!(kind, ResourceKind::SqlServer | ResourceKind::AvailabilityGroup);
            if holds(resolved.kind) && config.resources.iter().any(|other| holds(other.kind)) {
                let message = format!("`{}` is the second resource with an SSISDB", resource.name.value);
                let fault = Fault::new(message, resource.kind.span);
                self.faults.push(
                    fault.with_label("expected one `sql_server`, or one `availability_group`, in all roles"),
                );
            }
            let is_master = |kind| matches!(kind, ResourceKind::ScaleOutMaster);
            if is_master(resolved.kind) && config.resources.iter().any(|other| is_master(other.kind)) {
                let message = format!("`{}` is the second `scale_out_master` resource", resource.name.value);
                let fault = Fault::new(message, resource.kind.span).with_label("expected one in all roles");
                let hint = "an SSISDB has one Scale Out Master: step 6 of the guide adds it to the role of SQL Server";
                self.faults.push(fault.with_hint(hint));
            }
            config.resources.push(resolved);
            self.names.resources.push(resource.name.value.clone());
        }
        self.resolve_names(document, first, config);
        self.refuse_cycles(document, first, config);
        config.roles.push(RoleConfig {
            preferred_owners: self.find_nodes(&document.preferred_owners),
            auto_failback: document.auto_failback == FailbackWord::Allow,
            priority: document.priority.into(),
            failback_window: self.failback_window(document),
            failover_threshold: document.failover_threshold,
            failover_period: self.failover_period(document),
            resources: (first..config.resources.len()).map(|index| ResourceId(index as u16)).collect(),
        });
    }

    fn failback_window(&mut self, document: &RoleDocument) -> Option<FailbackWindow> {
        let (start, end) = (document.failback_window_start.as_ref(), document.failback_window_end.as_ref());
        for hour in start.into_iter().chain(end).filter(|hour| hour.value > 23) {
            let fault = Fault::new("an hour of the failback window is out of its limits", hour.span);
            self.faults.push(fault.with_label("expected 0 to 23"));
        }
        match (start, end) {
            (None, None) => None,
            (Some(start), Some(end)) => Some(FailbackWindow { start: start.value, end: end.value }),
            // Both must be set (FailbackWindowStart, documented).
            (Some(only), None) | (None, Some(only)) => {
                let fault = Fault::new("half a failback window", only.span);
                self.faults
                    .push(fault.with_label("expected both `FailbackWindowStart` and `FailbackWindowEnd`"));
                None
            }
        }
    }

    fn failover_period(&mut self, document: &RoleDocument) -> Duration {
        let Some(At { span, value: hours }) = document.failover_period else {
            return Duration::from_secs(6 * 3_600);
        };
        if hours > FAILOVER_PERIOD_MAX {
            let fault = Fault::new("FailoverPeriod is out of its limits", span);
            self.faults.push(fault.with_label(format!("expected 0 to {FAILOVER_PERIOD_MAX} hours")));
        }
        Duration::from_secs(3_600 * hours.min(FAILOVER_PERIOD_MAX))
    }

    fn resource(
        &mut self,
        role: RoleId,
        document: &ResourceDocument,
        (own, first): (&[String], usize),
        subnets: &mut Subnets,
        config: &ClusterConfig,
    ) -> ResourceConfig {
        let kind = match document.kind.value {
            ResourceWord::PhysicalDisk => ResourceKind::PhysicalDisk,
            ResourceWord::IpAddress => {
                let is_address = |other: &&ResourceConfig| matches!(other.kind, ResourceKind::IpAddress(_));
                let address = AddressId(config.resources.iter().filter(is_address).count() as u16);
                match &document.address {
                    Some(text) => self.address(text, Target::Cluster(address)),
                    None => self.lacks("address", document),
                }
                ResourceKind::IpAddress(address)
            }
            ResourceWord::NetworkName => match &document.host {
                Some(name) => ResourceKind::NetworkName(self.host(&name.value)),
                None => {
                    self.lacks("host", document);
                    ResourceKind::NetworkName(HostId(0))
                }
            },
            ResourceWord::SqlServer => ResourceKind::SqlServer,
            ResourceWord::SqlServerAgent => ResourceKind::SqlServerAgent,
            ResourceWord::AvailabilityGroup => ResourceKind::AvailabilityGroup,
            ResourceWord::ScaleOutMaster => ResourceKind::ScaleOutMaster,
        };
        let mut resources = |names: &[At<String>]| -> Vec<ResourceId> {
            let id = |index| ResourceId((first + index) as u16);
            names.iter().filter_map(|name| self.find("resource", name, own, id)).collect()
        };
        let (depends_on, depends_on_any) =
            (resources(&document.depends_on), resources(&document.depends_on_any));
        let possible_owners = match &document.possible_owners {
            Some(names) => self.find_nodes(names).into_iter().collect(),
            None => NodeSet::first(config.nodes.len()),
        };
        let policy = policy(document, self.faults);
        let subnet = document.subnet.as_ref();
        let known = subnets.known();
        if let Some(name) = subnet.filter(|name| !known.contains(&name.value)) {
            self.find("subnet", name, &known, |_| ());
        }
        let subnet = subnets.number(subnet.map(|name| name.value.as_str()));
        ResourceConfig { role, kind, depends_on, depends_on_any, subnet, possible_owners, policy }
    }

    fn lacks(&mut self, field: &str, document: &ResourceDocument) {
        let message = format!("the resource `{}` needs `{field}`", document.name.value);
        self.faults.push(Fault::new(message, document.kind.span).with_label("for this type"));
    }

    /// A network name leads to the addresses that it depends on.
    fn resolve_names(&mut self, document: &RoleDocument, first: usize, config: &ClusterConfig) {
        let is_sql_server = |other: &ResourceDocument| {
            matches!(other.kind.value, ResourceWord::SqlServer | ResourceWord::AvailabilityGroup)
        };
        let of_sql_server = document.resources.iter().any(is_sql_server);
        for (index, resource) in document.resources.iter().enumerate() {
            let own = &config.resources[first + index];
            let ResourceKind::NetworkName(host) = own.kind else { continue };
            let addresses: Vec<AddressId> = own
                .providers()
                .filter_map(|provider| match config.resources[provider.index()].kind {
                    ResourceKind::IpAddress(address) => Some(address),
                    ResourceKind::PhysicalDisk
                    | ResourceKind::NetworkName(_)
                    | ResourceKind::SqlServer
                    | ResourceKind::SqlServerAgent
                    | ResourceKind::AvailabilityGroup
                    | ResourceKind::ScaleOutMaster => None,
                })
                .collect();
            if addresses.is_empty() || addresses.len() > ADDRESSES_MAX {
                let message = match addresses.len() {
                    0 => format!("the network name `{}` depends on no IP address", resource.name.value),
                    many => {
                        format!("`{}` has {many} addresses, {ADDRESSES_MAX} at most", resource.name.value)
                    }
                };
                let fault = Fault::new(message, resource.name.span).with_label("leads nowhere");
                self.faults
                    .push(fault.with_hint("add an `ip_address` resource of this role to its `depends_on`"));
            }
            // Set-up of SQL Server turns it on where the addresses are alternatives (multi-subnet clustering, documented),
            // and so does SQL Server for the listener of an availability group (listener overview, documented).
            let usual = of_sql_server && !own.depends_on_any.is_empty();
            let registers_all = match resource.register_all_providers_ip.as_ref() {
                None => usual,
                Some(At { value: 0, .. }) => false,
                Some(At { value: 1, .. }) => true,
                Some(At { span, .. }) => {
                    let fault = Fault::new("RegisterAllProvidersIP is out of its limits", *span);
                    self.faults.push(fault.with_label("expected 0 or 1"));
                    usual
                }
            };
            let ttl = resource.host_record_ttl.as_ref().map_or(HOST_RECORD_TTL, |ttl| ttl.value.0);
            self.hosts[host.index()] = Target::Name(NameId(self.network_names.len() as u16));
            let resource = ResourceId((first + index) as u16);
            self.network_names.push(NetworkName { resource, addresses, registers_all, ttl });
        }
    }

    fn refuse_cycles(&mut self, document: &RoleDocument, first: usize, config: &ClusterConfig) {
        // A resource whose providers are all settled is settled; what is left at the end goes round in circles.
        let count = config.resources.len() - first;
        let mut settled = vec![false; count];
        for _ in 0..count {
            for index in 0..count {
                let mut providers = config.resources[first + index].providers();
                settled[index] = providers.all(|provider| settled[provider.index() - first]);
            }
        }
        if let Some(index) = settled.iter().position(|settled| !settled) {
            let name = &document.resources[index].name;
            let message = format!("the resource `{}` depends on itself in the end", name.value);
            self.faults.push(Fault::new(message, name.span).with_label("in a circle of `depends_on`"));
        }
    }
}

/// The longest `FailoverPeriod` in hours (FailoverPeriod of MsCS, documented).
const FAILOVER_PERIOD_MAX: u64 = 1_193;
