//! `failover validate`: what is wrong with these files?

use std::collections::BTreeSet;

use crate::plan::Overrides;
use crate::scenario::load;

use super::{CommandError, ValidateArguments, print};

pub(super) fn validate(arguments: &ValidateArguments) -> Result<u8, CommandError> {
    let plans = load(&arguments.paths, 1, &Overrides::default())?;
    let topologies: BTreeSet<&str> = plans.iter().map(|plan| plan.origin.topology_file.as_str()).collect();
    let (scenarios, topologies) = (plans.len(), topologies.len());
    let (scenario, topology) =
        (plural(scenarios, "scenario", "scenarios"), plural(topologies, "topology", "topologies"));
    print(&format!("{scenarios} {scenario} on {topologies} {topology}: no mistakes\n"))?;
    Ok(0)
}

const fn plural(count: usize, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}
