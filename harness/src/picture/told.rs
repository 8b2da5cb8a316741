//! Where a clause is not true: what was wanted, and what was found instead?

use std::collections::BTreeMap;

use failover_sim::names::{LoadId, NodeId};

use crate::plan::{Clause, NodeWord, Presented, Which, WorkerClause};
use crate::words;

use super::{Picture, TaskPicture, through_word};

impl Picture<'_> {
    /// What a clause wants and what is the case, in a few words: `wanted: owner NODE1; found: online on NODE2`.
    pub fn told(&self, clause: &Clause) -> String {
        format!("wanted: {}; found: {}", self.wanted(clause), self.found(clause))
    }

    fn wanted(&self, clause: &Clause) -> String {
        let names = &self.plan.names;
        match clause {
            Clause::Role { role, state, owner } => {
                let which = (*role != self.plan.role).then(|| format!("role `{}`", names.role(*role)));
                let state = state.map(|state| format!("role {}", words::role_state(state)));
                let owner = owner.map(|owner| format!("owner {}", self.node_of(owner)));
                joined([which, state, owner])
            }
            Clause::Node { node, state, status } => {
                let state = state.map(|state| words::node_state(state).to_owned());
                let status = status.map(|status| format!("status {}", words::node_status(status)));
                format!("{} {}", self.node_of(*node), joined([state, status, None]))
            }
            Clause::Nodes { which, state } => {
                format!("{} node {}", quantifier(*which), words::node_state(*state))
            }
            Clause::Endpoint { served_by, certificate } => {
                let by = served_by.map(|node| format!("served by {}", self.node_of(node)));
                let presented = certificate.map(|certificate| match certificate {
                    Presented::Pinned => "presenting what the workers pin".to_owned(),
                    Presented::NotPinned => "presenting what no worker pins".to_owned(),
                    Presented::Named(named) => format!("presenting `{}`", names.certificate(named)),
                });
                format!("endpoint {}", joined([by, presented, None]))
            }
            Clause::Workers { which, state } => {
                format!("{} worker {}", quantifier(*which), self.wanted_of_worker(state))
            }
            Clause::Tasks { of, which, state, executed_count, execution, messages } => {
                let parts = [
                    state.map(|state| words::task_state(state).to_owned()),
                    executed_count
                        .map(|count| format!("handed out {}", words::counted(count.into(), "time"))),
                    execution.map(|status| format!("its execution {}", words::execution_status(status))),
                    messages.map(|log| format!("its messages {}", words::execution_log(log))),
                ];
                format!("{} task of `{}` {}", quantifier(*which), names.load(*of), joined(parts))
            }
            Clause::Reports { of, which, refused_with } => {
                let (which, load) = (quantifier(*which), names.load(*of));
                format!("{which} task of `{load}` with a report refused with {refused_with}")
            }
        }
    }

    fn wanted_of_worker(&self, state: &WorkerClause) -> String {
        match state {
            WorkerClause::Connected { through, served_by } => {
                let through = through.map(|through| format!(" through {}", through_word(through)));
                let by = served_by.map(|node| format!("served by {}", self.node_of(node)));
                joined([Some(format!("connected{}", through.unwrap_or_default())), by, None])
            }
            WorkerClause::Disconnected => "disconnected".to_owned(),
            WorkerClause::Refused { error } => {
                let error = error.map(|error| format!(": {}", words::error_family(error)));
                format!("refused{}", error.unwrap_or_default())
            }
        }
    }

    /// The node that a word stands for, or the word where it stands for none.
    fn node_of(&self, word: NodeWord) -> String {
        match (self.resolve(word), NodeWord::RESERVED.iter().find(|(_, known)| *known == word)) {
            (Ok(node), _) => self.plan.names.node(node).to_owned(),
            (Err(error), Some((text, _))) => format!("`{text}`, which {error}"),
            (Err(error), None) => format!("a node, which {error}"),
        }
    }

    fn found(&self, clause: &Clause) -> String {
        let names = &self.plan.names;
        match clause {
            Clause::Role { role, .. } => {
                let state = self.state_of(*role).map_or("not known", words::role_state);
                match self.owner_of(*role) {
                    Ok(owner) => format!("{state} on {}", names.node(owner)),
                    Err(error) => format!("{state}, and `owner` {error}"),
                }
            }
            Clause::Node { node, status, .. } => {
                let state = self.node_state(*node).map_or("not known", words::node_state);
                let found = status.and_then(|_| self.node_status(*node)).map(words::node_status);
                found.map_or_else(|| state.to_owned(), |status| format!("{state}, status {status}"))
            }
            Clause::Nodes { .. } => {
                let states = self.node_states().into_iter().enumerate().map(|(index, state)| {
                    let state = state.map_or("not known", words::node_state);
                    format!("{} {state}", names.node(NodeId(index as u8)))
                });
                states.collect::<Vec<_>>().join(", ")
            }
            Clause::Endpoint { .. } => {
                let answer = self.endpoint.map(|answer| words::answer(answer, names));
                answer.unwrap_or_else(|| "not seen".to_owned())
            }
            Clause::Workers { which, state } => self.found_of_workers(*which, state),
            Clause::Tasks { of, execution, messages, executed_count, .. } => {
                let mut states: BTreeMap<String, usize> = BTreeMap::new();
                for task in self.tasks_of(*of) {
                    let state = match (messages, execution) {
                        (Some(_), _) => words::execution_log(task.messages),
                        (None, Some(_)) => words::execution_status(task.execution),
                        (None, None) => words::task_state(task.state),
                    };
                    let handed_out = executed_count.map(|_| {
                        format!(" (handed out {})", words::counted(task.executed_count.into(), "time"))
                    });
                    *states.entry(format!("{state}{}", handed_out.unwrap_or_default())).or_default() += 1;
                }
                let told = states.into_iter().map(|(state, count)| format!("{count} {state}"));
                Some(told.collect::<Vec<_>>().join(", "))
                    .filter(|told| !told.is_empty())
                    .unwrap_or_else(|| "no task".to_owned())
            }
            Clause::Reports { of, refused_with, .. } => {
                let tasks = self.tasks.iter().filter(|(_, task)| task.load == *of);
                let numbers: Vec<Option<u16>> =
                    tasks.map(|(task, _)| self.refused.get(task).copied()).collect();
                let count = numbers.iter().filter(|number| **number == Some(*refused_with)).count();
                format!("{count} of {}", numbers.len())
            }
        }
    }

    /// How many are as they should be, and how those stand that keep the clause from being true.
    fn found_of_workers(&self, which: Which, wanted: &WorkerClause) -> String {
        let is = |worker: usize| self.worker_is(worker, wanted);
        let count = (0..self.workers.len()).filter(|&worker| is(worker)).count();
        let culprits = self.worker_states().filter(|(worker, _)| match which {
            Which::Every | Which::Any => !is(worker.index()),
            Which::None => is(worker.index()),
        });
        format!("{count} of {}, {}", self.workers.len(), self.told_apart(culprits))
    }

    fn tasks_of(&self, load: LoadId) -> impl Iterator<Item = &TaskPicture> {
        self.tasks.values().filter(move |task| task.load == load)
    }
}

const fn quantifier(which: Which) -> &'static str {
    match which {
        Which::Every => "every",
        Which::Any => "any",
        Which::None => "no",
    }
}

fn joined<const N: usize>(parts: [Option<String>; N]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
