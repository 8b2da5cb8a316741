//! `failover validate`: what is wrong with these files?

use std::collections::BTreeSet;
use std::io::Write;

use crate::plan::Plan;
use crate::scenario::{Validated, validate as validate_all, warnings};
use crate::words::counted;

use super::{CommandError, ValidateArguments, paint, print};

pub(super) fn validate(arguments: &ValidateArguments) -> Result<u8, CommandError> {
    let Validated { plans, topologies: others, remarks } = validate_all(&arguments.paths)?;
    for remark in remarks {
        let _ = std::io::stderr().lock().write_all(format!("warning: {remark}\n").as_bytes());
    }
    warn(&plans);
    let topologies: BTreeSet<&str> = plans.iter().map(|plan| plan.origin.topology_file.as_str()).collect();
    let scenarios: BTreeSet<&str> = plans.iter().map(|plan| plan.origin.scenario_file.as_str()).collect();
    let on = (!plans.is_empty()).then(|| {
        let (scenarios, topologies) =
            (counted(scenarios.len(), "scenario"), counted(topologies.len(), "topology"));
        format!("{scenarios} on {topologies}")
    });
    let beside = (!others.is_empty()).then(|| {
        let others = counted(others.len(), "topology");
        if plans.is_empty() { others } else { format!("{others} without a scenario") }
    });
    let found: Vec<String> = on.into_iter().chain(beside).collect();
    print(&format!("{}: no mistakes\n", found.join(", ")))?;
    Ok(0)
}

/// Shows what could be better. Nobody who reads standard output is disturbed.
fn warn(plans: &[Plan]) {
    let mut shown: BTreeSet<&str> = BTreeSet::new();
    for Plan { origin, .. } in plans {
        if shown.insert(&origin.scenario_file) {
            let warnings = warnings(&origin.scenario_file, &origin.scenario_text);
            let _ = std::io::stderr().lock().write_all(warnings.render_warnings(paint()).as_bytes());
        }
    }
}
