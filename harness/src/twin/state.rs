//! How do things stand, for a program that asks?

use failover_sim::names::NodeId;
use failover_sim::observe::WorkerState;
use failover_sim::time::Time;
use serde_json::{Value, json};

use crate::picture::{Picture, through_word};
use crate::plan::{NodeWord, Plan};
use crate::words;

/// What has been seen of the cluster, as it stands.
pub(super) fn state(plan: &Plan, picture: &Picture<'_>, now: Time, notes: &[String]) -> Value {
    let names = &plan.names;
    let node = |word| picture.resolve(word).ok().map(|node| names.node(node));
    let nodes: serde_json::Map<String, Value> = (0..plan.topology.nodes.len())
        .map(|index| NodeId(index as u8))
        .map(|id| {
            let state = picture.node_state(NodeWord::Named(id)).map(words::node_state);
            (names.node(id).to_owned(), json!(state))
        })
        .collect();
    let workers: serde_json::Map<String, Value> = names
        .workers
        .iter()
        .enumerate()
        .map(|(index, name)| (name.clone(), worker(plan, picture.worker(index))))
        .collect();
    json!({
        "now_us": now.as_micros(),
        "at_rest": picture.is_complete(),
        "role": picture.role_state().map(words::role_state),
        "owner": node(NodeWord::Owner),
        "standby": node(NodeWord::Standby),
        "nodes": nodes,
        "endpoint": picture.endpoint().map(|answer| words::answer(answer, names)),
        "workers": workers,
        "notes": notes,
    })
}

fn worker(plan: &Plan, state: WorkerState) -> Value {
    let names = &plan.names;
    match state {
        WorkerState::Starting => json!({ "state": "starting" }),
        WorkerState::Connected { through, served_by, presented } => json!({
            "state": "connected",
            "through": through_word(plan.through(through)),
            "served_by": names.node(served_by),
            "presented": names.certificate(presented),
        }),
        WorkerState::Disconnected(loss) => json!({ "state": "disconnected", "loss": words::loss(loss) }),
        WorkerState::Refused { error, by, presented } => json!({
            "state": "refused",
            "error": words::error_family(error),
            "by": by.map(|by| names.node(by)),
            "presented": presented.map(|presented| names.certificate(presented)),
        }),
    }
}
