//! What keeps the cluster from the state in which a run begins?

use std::collections::BTreeMap;

use failover_sim::names::{NodeId, WorkerId};
use failover_sim::observe::{NodeState, RoleState, WorkerState};

use crate::{guide, words};

use super::{Picture, WordError, is_connected};

impl Picture<'_> {
    /// Nodes that are no members, resources that are not online, workers that are away and why: evidence, one line each,
    /// and what to do about it.
    pub fn unrest(&self) -> (Vec<String>, Vec<String>) {
        let mut evidence = self.missing_nodes();
        evidence.extend(self.missing_role());
        let away: Vec<(WorkerId, WorkerState)> =
            self.worker_states().filter(|(_, state)| !is_connected(*state)).collect();
        if self.connected >= self.enabled {
            return (evidence, Vec::new());
        }
        evidence.push(format!(
            "workers: {} of {} connected; {}",
            self.connected,
            self.workers.len(),
            self.told_apart(away.iter().copied())
        ));
        let (reasons, hints) = guide::explain_all(self, away.into_iter());
        let new: Vec<String> = reasons.into_iter().filter(|line| !evidence.contains(line)).collect();
        evidence.extend(new);
        (evidence, hints)
    }

    fn missing_nodes(&self) -> Vec<String> {
        let states = self.node_states().into_iter().enumerate();
        let missing = states.filter(|(_, state)| *state != Some(NodeState::Up));
        let told = missing.map(|(index, state)| {
            let state = state.map_or("not known", words::node_state);
            format!("node {} is {state}", self.plan.names.node(NodeId(index as u8)))
        });
        told.collect()
    }

    /// What keeps the master's role from being online, if it is not.
    pub(crate) fn missing_role(&self) -> Option<String> {
        let state = self.role_state();
        if state == Some(RoleState::Online) {
            return None;
        }
        let names = &self.plan.names;
        let role = format!("role `{}`", names.role(self.plan.role));
        let owner = match self.owner() {
            Ok(owner) => owner,
            Err(WordError::None) => return Some(format!("{role}: no node shows who owns it")),
            Err(WordError::Several) => return Some(format!("{role}: the nodes do not agree who owns it")),
        };
        let resources: Vec<String> = self
            .resources_not_online(owner)
            .map(|(resource, state)| {
                format!("`{}` {}", names.resource(resource), words::resource_state(state))
            })
            .collect();
        let state = state.map_or("not known", words::role_state);
        Some(format!("{role} is {state} on {}: {}", names.node(owner), resources.join(", ")))
    }

    /// How each worker stands.
    pub(super) fn worker_states(&self) -> impl Iterator<Item = (WorkerId, WorkerState)> {
        self.workers.iter().enumerate().map(|(index, state)| (WorkerId(index as u32), *state))
    }

    /// Workers by how they stand: `w1, w2 refused by NODE1: trust_relationship; w3 starting`.
    pub(super) fn told_apart(&self, workers: impl Iterator<Item = (WorkerId, WorkerState)>) -> String {
        let mut kinds: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (worker, state) in workers {
            kinds.entry(self.standing(state)).or_default().push(self.plan.names.worker(worker));
        }
        let told = kinds.into_iter().map(|(kind, workers)| {
            let others = workers.len().saturating_sub(NAMED);
            let named = workers[..workers.len() - others].join(", ");
            let others = if others == 0 { String::new() } else { format!(" and {others} more") };
            format!("{named}{others} {kind}")
        });
        told.collect::<Vec<_>>().join("; ")
    }

    fn standing(&self, state: WorkerState) -> String {
        let names = &self.plan.names;
        match state {
            WorkerState::Starting => "never connected".to_owned(),
            WorkerState::Connected { through, served_by, .. } => {
                format!("connected through {}, served by {}", names.host(through), names.node(served_by))
            }
            WorkerState::Disconnected(loss) => format!("disconnected: {}", words::loss(loss)),
            WorkerState::Refused { error, by, .. } => {
                let by = by.map(|node| format!(" by {}", names.node(node))).unwrap_or_default();
                format!("refused{by}: {}", words::error_family(error))
            }
        }
    }
}

/// So many workers of a kind are named.
const NAMED: usize = 5;
