//! Which names in `lab.yaml` does nobody know?

use failover_sim::names::Names;

use crate::scenario::diagnostic::Fault;
use crate::scenario::nearest;
use crate::scenario::read::At;

use super::{LabFile, Targets};

impl LabFile {
    /// Names behind `allow` and `resolve` that stand neither under `hosts` nor in one of these topologies. Without a
    /// topology nobody can tell.
    pub fn strangers(&self, topologies: &[&Names]) -> Vec<Fault> {
        if topologies.is_empty() {
            return Vec::new();
        }
        let machines = topologies.iter().flat_map(|names| names.nodes.iter().chain(&names.workers));
        let machines = each_once(machines.chain(self.hosts.keys()));
        let hosts = topologies.iter().flat_map(|names| &names.hosts);
        let hosts = each_once(hosts.chain(self.hosts.keys()));
        let allowed = self.allow.values().flat_map(|targets| match targets {
            Targets::Hosts(names) => names.as_slice(),
            Targets::Any => &[],
        });
        let allowed = allowed.filter_map(|name| stranger("node or worker", name, &machines));
        let resolved = self.resolve.keys().filter_map(|name| stranger("host", name, &hosts));
        allowed.chain(resolved).collect()
    }
}

/// Windows does not mind the case.
fn each_once<'n>(names: impl Iterator<Item = &'n String>) -> Vec<&'n str> {
    let mut known: Vec<&str> = Vec::new();
    for name in names {
        if !known.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            known.push(name);
        }
    }
    known
}

fn stranger(what: &str, name: &At<String>, known: &[&str]) -> Option<Fault> {
    if known.iter().any(|own| own.eq_ignore_ascii_case(&name.value)) {
        return None;
    }
    let mut fault = Fault::new(format!("there is no {what} `{}`", name.value), name.span)
        .with_label("neither under `hosts` nor in the topology of a scenario");
    fault.hint = nearest::hint(&name.value, known.iter().copied());
    Some(fault)
}
