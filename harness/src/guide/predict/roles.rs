//! What does a topology say of roles and their resources?

use serde_json::{Value, json};

use crate::guide::preflight::dependency::{named, ors, waited_for};
use crate::guide::preflight::setup::{dns_name, is_master, same_host};
use crate::guide::snapshot::Resource;

use super::timers;
use super::topology::{Builder, NotHeld};

impl Builder<'_> {
    /// A role with the resources that the model has; `None` if neither the instance nor the master is in it.
    pub(super) fn role<'r>(
        &mut self,
        role: &crate::guide::snapshot::Role,
        resources: impl Iterator<Item = &'r Resource>,
    ) -> Option<Value> {
        let resources: Vec<(&Resource, &str)> =
            resources.filter_map(|resource| kind(resource).map(|kind| (resource, kind))).collect();
        let is_needed = |kind| ["sql_server", "availability_group", "scale_out_master"].contains(kind);
        if !resources.iter().any(|(_, kind)| is_needed(kind)) {
            return None;
        }
        let known: Vec<&str> = resources.iter().map(|(resource, _)| resource.name.as_str()).collect();
        let mut documents = Vec::new();
        let mut alternatives = Vec::new();
        for (resource, kind) in &resources {
            let mut providers = named(&resource.dependency);
            providers.retain(|provider| known.contains(&provider.as_str()));
            let any = self.alternatives(resource, kind, &mut providers);
            alternatives.extend(any.iter().cloned());
            let owners: Vec<&String> = self
                .setup
                .snapshot
                .nodes
                .iter()
                .map(|node| &node.name)
                .filter(|name| resource.possible_owners.iter().any(|owner| same_host(owner, name)))
                .collect();
            let mut document = json!({
                "name": resource.name,
                "type": kind,
                "depends_on": providers,
                "possible_owners": owners,
            });
            self.policy(resource, &mut document);
            if !any.is_empty() {
                document["depends_on_any"] = json!(any);
            }
            if *kind == "ip_address" {
                document["address"] = json!(resource.parameters.get("Address"));
                if let Some(subnet) = self.subnets.of_address(resource) {
                    document["subnet"] = json!(subnet);
                }
            } else if *kind == "network_name" {
                document["host"] = json!(self.registered(resource).unwrap_or_else(|_| resource.name.clone()));
            }
            let told = timers::of_resource(&mut document, resource, kind);
            self.not_default(&resource.name, told);
            documents.push(document);
        }
        let is_firm = |resource: &&Resource| !alternatives.contains(&resource.name);
        let may_own =
            |resource: &&Resource| resource.possible_owners.iter().any(|node| same_host(node, &role.owner));
        let all = resources.iter().map(|(resource, _)| *resource);
        let barred: Vec<String> = all
            .filter(|resource| is_firm(resource) && !may_own(resource))
            .map(|resource| format!("`{}`", resource.name))
            .collect();
        if !barred.is_empty() {
            let (owner, name) = (&role.owner, &role.name);
            let told = format!("`{name}` is on {owner}, which is no possible owner of {}", barred.join(", "));
            self.not_predicted.push(told);
        }
        let mut document = json!({
            "name": role.name,
            "preferred_owners": role.preferred_owners,
            "resources": documents,
        });
        if role.properties.is_empty() {
            self.gap(format!(
                "the failover settings of `{}` were not seen: the defaults are taken",
                role.name
            ));
        }
        let told = timers::of_role(&mut document, role);
        self.not_default(&role.name, told);
        Some(document)
    }

    /// Takes the providers of which a resource needs one out of those that it needs.
    fn alternatives(&mut self, resource: &Resource, kind: &str, providers: &mut Vec<String>) -> Vec<String> {
        let expression = &resource.dependency;
        let ors = ors(expression);
        if ors == 0 {
            return Vec::new();
        }
        let needed = waited_for(expression);
        let others: Vec<String> = providers.extract_if(.., |name| !needed.contains(name)).collect();
        let name = &resource.name;
        if kind == "network_name" && self.subnets.is_empty() {
            self.gap(format!("on which subnets the addresses of `{name}` are; taken for one"));
        }
        // A topology says one of several, once.
        if ors + 1 != others.len() {
            let breaks = (kind == "scale_out_master")
                .then(|| ("master_waits_for_its_providers", "cluster".to_owned()));
            let told = format!("`{name}` depends on {expression}; one of {} is taken", others.join(", "));
            self.not_held.push(NotHeld { breaks, told });
        }
        others
    }

    /// What of a resource's restart settings is not Windows' default.
    fn policy(&mut self, resource: &Resource, document: &mut Value) {
        if resource.properties.is_empty() {
            self.gap(format!(
                "the restart settings of `{}` were not seen: the defaults are taken",
                resource.name
            ));
        }
        let number = |name: &str| resource.properties.get(name)?.parse::<u32>().ok();
        match number("RestartAction") {
            Some(0) => document["RestartAction"] = json!("do_not_restart"),
            Some(1) => document["RestartAction"] = json!("restart"),
            Some(_) | None => {}
        }
        if let Some(threshold) = number("RestartThreshold") {
            document["RestartThreshold"] = json!(threshold);
        }
        // An hour is the default (RetryPeriodOnFailure, documented).
        if let Some(retry) = number("RetryPeriodOnFailure").filter(|&retry| retry != 3_600_000) {
            // The longest time that a topology can say is far longer than a prediction, and stands for never.
            document["RetryPeriodOnFailure"] = json!(format!("{}ms", retry.min(30 * 86_400_000)));
        }
    }

    /// The host name of a Network Name as the topology calls it.
    pub(super) fn registered(&self, resource: &Resource) -> Result<String, String> {
        let of_role = self.setup.network_name.as_ref().is_ok_and(|name| name.name == resource.name);
        if of_role { Ok(self.name.clone()) } else { dns_name(resource).map(str::to_owned) }
    }
}

/// The type of a resource in the model.
fn kind(resource: &Resource) -> Option<&'static str> {
    let is_the_master = || resource.parameters.get("ServiceName").is_some_and(|name| is_master(name));
    match resource.kind.as_str() {
        "Physical Disk" => Some("physical_disk"),
        "IP Address" => Some("ip_address"),
        "Network Name" => Some("network_name"),
        "SQL Server" => Some("sql_server"),
        "SQL Server Agent" => Some("sql_server_agent"),
        "SQL Server Availability Group" => Some("availability_group"),
        "Generic Service" if is_the_master() => Some("scale_out_master"),
        _ => None,
    }
}
