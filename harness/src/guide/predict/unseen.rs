//! What belongs to a cluster and is not in its snapshot?

use crate::guide::preflight::setup::same_host;
use crate::guide::preflight::{self, Answer};
use crate::guide::snapshot::{Node, Snapshot, Worker};

use super::{changes_by, state};

/// The snapshot with every node that the cluster has and every worker that SSISDB has enabled, and the names of those
/// that it had nothing from.
pub(super) fn completed(snapshot: &Snapshot) -> (Snapshot, Vec<String>) {
    let mut whole = snapshot.clone();
    let mut unseen = Vec::new();
    for member in snapshot.cluster.nodes.seen().into_iter().flatten() {
        if !whole.nodes.iter().any(|node| same_host(&node.name, &member.name)) {
            whole.nodes.push(Node { name: member.name.clone(), ..Node::default() });
            unseen.push(member.name.clone());
        }
    }
    let agents = snapshot.ssisdb.worker_agents.seen().into_iter().flatten();
    for agent in agents.filter(|agent| agent.enabled) {
        if !whole.workers.iter().any(|worker| same_host(&worker.name, &agent.machine)) {
            whole.workers.push(Worker { name: agent.machine.clone(), ..Worker::default() });
            unseen.push(agent.machine.clone());
        }
    }
    (whole, unseen)
}

/// What could not be looked at of what becomes steps before anything happens, each reason of a machine once.
pub(super) fn gaps(snapshot: &Snapshot, unseen: &[String]) -> Vec<String> {
    let found = preflight::inspect(snapshot);
    // Where no master is installed there is nothing to see of one.
    let has_none = |machine: &str| {
        found.wrong().any(|one| one.rule.name == "master_is_installed" && one.subject == machine)
    };
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for finding in found.not_seen().filter(|finding| !unseen.contains(&finding.subject)) {
        let rule = finding.rule.name;
        let Answer::CouldNotLook(why) = &finding.answer else { continue };
        if has_none(&finding.subject) || !(changes_by(rule) || state::RULES.contains(&rule)) {
            continue;
        }
        let reason = format!("{}: {why}", finding.subject);
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, rules)) => rules.push(rule),
            None => reasons.push((reason, vec![rule])),
        }
    }
    let told =
        |(reason, rules): (String, Vec<&str>)| format!("{reason}; taken for right: {}", rules.join(", "));
    reasons.into_iter().map(told).collect()
}
