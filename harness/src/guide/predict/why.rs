//! Why are these workers away?

use failover_sim::names::WorkerId;
use failover_sim::observe::{ErrorFamily, WorkerState};

use crate::guide::{Why, explain};
use crate::plan::Plan;

use super::Away;

/// What became of the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Online,
    OnlineNowhere,
}

/// The workers that are away, by their reasons; `suspects` is what may be behind a role that is online nowhere.
pub(super) fn group(plan: &Plan, states: &[WorkerState], role: Role, suspects: &[String]) -> Vec<Away> {
    let mut groups: Vec<Away> = Vec::new();
    for (index, &state) in states.iter().enumerate() {
        if matches!(state, WorkerState::Connected { .. }) {
            continue;
        }
        let worker = WorkerId(index as u32);
        let why = why(plan, worker, state, role, suspects);
        let name = plan.names.worker(worker).to_owned();
        match groups.iter_mut().find(|group| group.why == why) {
            Some(group) => group.workers.push(name),
            None => groups.push(Away { workers: vec![name], why }),
        }
    }
    groups
}

/// What the guide says of the state, with what is known here besides.
fn why(plan: &Plan, worker: WorkerId, state: WorkerState, role: Role, suspects: &[String]) -> Why {
    let mut why = explain(plan, worker, state);
    let asked = plan.topology.workers[worker.index()].settings.endpoint_host;
    let is_of_cluster = |rule: &str| suspects.iter().any(|suspect| suspect == &format!("{rule} on cluster"));
    let own_pin = format!("worker_pins_the_master_certificate on {}", plan.names.worker(worker));
    if role == Role::OnlineNowhere {
        why.details = vec!["the role is online nowhere".to_owned()];
        why.hints = found(suspects);
    } else if let WorkerState::Refused { error: ErrorFamily::Forbidden, by: Some(by), .. } = state {
        let node = plan.names.node(by);
        let is_found = |rule: &str| suspects.contains(&format!("{rule} on {node}"));
        if is_found("root_holds_self_signed_only") && !is_found("worker_certificates_are_trusted") {
            why.details =
                vec![format!("LocalMachine\\Root of {node} has certificates that are not self-signed")];
            why.hints = vec![format!("`failover preflight` finds root_holds_self_signed_only on {node}")];
        } else {
            // One reason for all of them, whatever their certificates are called.
            why.details = vec![format!("LocalMachine\\Root of {node} does not have their certificates")];
        }
    } else if let WorkerState::Refused { error: ErrorFamily::EndpointNotFound, .. } = state {
        if asked != plan.topology.endpoint && is_of_cluster("noted_name_is_the_network_name") {
            let (asked, right) = (plan.names.host(asked), plan.names.host(plan.topology.endpoint));
            why.details = vec![format!("settings speak of `{asked}`; the network name is `{right}`")];
            why.hints = vec![
                "step 2 of the guide: note the SQL network name, and use it in every settings file"
                    .to_owned(),
            ];
        } else if asked == plan.topology.endpoint {
            // The name is right: something else keeps them out, and the guide's hint would mislead.
            let hints = found(suspects);
            why.hints = if hints.is_empty() { why.hints } else { hints };
        } else {
            let (asked, right) = (plan.names.host(asked), plan.names.host(plan.topology.endpoint));
            why.details = vec![format!("MasterEndpoint names `{asked}`; the network name is `{right}`")];
            why.hints = vec![
                "step 7 of the guide: name the network name in MasterEndpoint, and restart the worker"
                    .to_owned(),
            ];
        }
    }
    if matches!(state, WorkerState::Refused { error: ErrorFamily::TrustRelationship, .. })
        && suspects.contains(&own_pin)
    {
        // The others get in: it is this worker that is wrong, and not the node.
        why.hints = vec![
            "step 7 of the guide: set MasterHttpsCertThumbprint to the certificate that the nodes present, and restart the worker"
                .to_owned(),
        ];
    }
    let own_endpoint = format!("endpoint_is_the_network_name on {}", plan.names.worker(worker));
    if matches!(state, WorkerState::Refused { error: ErrorFamily::TrustRelationship, .. })
        && suspects.contains(&own_endpoint)
    {
        // A name that the certificate need not have.
        why.hints = vec![
            "step 7 of the guide: name the network name in MasterEndpoint, and restart the worker".to_owned(),
        ];
    }
    let finding = match state {
        WorkerState::Refused { error: ErrorFamily::SecureChannel, .. } => {
            Some(format!("worker_key_opens on {}", plan.names.worker(worker)))
        }
        WorkerState::Refused { error: ErrorFamily::TrustRelationship, .. } => {
            Some("master_certificate_is_valid on cluster".to_owned())
        }
        WorkerState::Refused { .. }
        | WorkerState::Starting
        | WorkerState::Connected { .. }
        | WorkerState::Disconnected(_) => None,
    };
    if let Some(finding) = finding.filter(|finding| suspects.contains(finding)) {
        why.hints.extend(found(&[finding]));
    }
    if why.hints.is_empty() {
        why.hints = found(suspects);
    }
    why
}

fn found(suspects: &[String]) -> Vec<String> {
    suspects.iter().map(|suspect| format!("`failover preflight` finds {suspect}")).collect()
}
