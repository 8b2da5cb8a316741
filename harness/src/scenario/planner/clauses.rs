//! What must be true where a scenario says `expect` or `hold`?

use failover_sim::observe::{
    ErrorFamily, ExecutionLog, ExecutionStatus, NodeState, NodeStatus, RoleState, TaskState,
};

use crate::plan::{Clause, Presented, Through, Which, WorkerClause};

use super::super::diagnostic::Fault;
use super::super::document::{
    EndpointClause, ErrorWord, ExecutionWord, Expect, Hold, MessagesWord, NodeClause, NodeStateWord,
    NodeStatusWord, NodesClause, ReportsClause, RoleClause, RoleStateWord, TaskStateWord, TasksClause,
    ThroughWord, WhichWord, WorkerStateWord, WorkersClause,
};
use super::super::tree::Span;
use super::Planner;

/// What an `expect` or a `hold` is about.
#[derive(Clone, Copy)]
pub(super) struct Subjects<'a> {
    role: Option<&'a RoleClause>,
    node: Option<&'a NodeClause>,
    nodes: Option<&'a NodesClause>,
    endpoint: Option<&'a EndpointClause>,
    workers: Option<&'a WorkersClause>,
    tasks: Option<&'a TasksClause>,
    reports: Option<&'a ReportsClause>,
}

/// From a document that has all of them as fields.
macro_rules! subjects_of {
    ($document:ident) => {
        impl<'a> From<&'a $document> for Subjects<'a> {
            fn from(document: &'a $document) -> Self {
                Self {
                    role: document.role.as_ref(),
                    node: document.node.as_ref(),
                    nodes: document.nodes.as_ref(),
                    endpoint: document.endpoint.as_ref(),
                    workers: document.workers.as_ref(),
                    tasks: document.tasks.as_ref(),
                    reports: document.reports.as_ref(),
                }
            }
        }
    };
}

subjects_of!(Expect);
subjects_of!(Hold);

impl Planner<'_> {
    pub(super) fn clauses(&mut self, subjects: Subjects<'_>, span: Span) -> Vec<Clause> {
        let Subjects { role, node, nodes, endpoint, workers, tasks, reports } = subjects;
        let before = self.faults.len();
        let mut clauses = Vec::new();
        let says_nothing = [
            ("role", role.is_some_and(|role| role.state.is_none() && role.owner.is_none())),
            (
                "endpoint",
                endpoint
                    .is_some_and(|endpoint| endpoint.served_by.is_none() && endpoint.certificate.is_none()),
            ),
            (
                "tasks",
                tasks.is_some_and(|tasks| {
                    tasks.state.is_none()
                        && tasks.executed_count.is_none()
                        && tasks.execution.is_none()
                        && tasks.messages.is_none()
                }),
            ),
        ];
        for (subject, _) in says_nothing.into_iter().filter(|(_, says_nothing)| *says_nothing) {
            let label = match subject {
                "role" => "expected `state` or `owner`",
                "endpoint" => "expected `served_by` or `certificate`",
                _ => "expected `state`, `executed_count`, `execution` or `messages`",
            };
            self.fault(Fault::new(format!("nothing is expected of `{subject}`"), span).with_label(label));
        }
        if let Some(role) = role {
            let owner = role.owner.as_ref().and_then(|owner| self.node(owner));
            if let Some(id) = self.role(role.name.as_ref()) {
                clauses.push(Clause::Role { role: id, state: role.state.map(role_state), owner });
            }
        }
        if let Some(node) = node
            && let Some(word) = self.node(&node.name)
        {
            let status = node.status.map(|status| match status {
                NodeStatusWord::Normal => NodeStatus::Normal,
                NodeStatusWord::Isolated => NodeStatus::Isolated,
                NodeStatusWord::Quarantined => NodeStatus::Quarantined,
            });
            clauses.push(Clause::Node { node: word, state: node.state.map(node_state), status });
        }
        if let Some(nodes) = nodes {
            clauses.push(Clause::Nodes { which: which(nodes.which), state: node_state(nodes.state) });
        }
        if let Some(endpoint) = endpoint {
            let served_by = endpoint.served_by.as_ref().and_then(|word| self.node(word));
            let certificate = endpoint.certificate.as_ref().and_then(|name| match name.value.as_str() {
                "pinned" => Some(Presented::Pinned),
                "not_pinned" => Some(Presented::NotPinned),
                _ => self.certificate(name).map(Presented::Named),
            });
            clauses.push(Clause::Endpoint { served_by, certificate });
        }
        if let Some(workers) = workers {
            clauses.extend(self.workers(workers));
        }
        if let Some(tasks) = tasks {
            clauses.extend(self.tasks(tasks));
        }
        if let Some(reports) = reports
            && let Some(of) = self.load_named(&reports.of)
        {
            let (which, refused_with) = (which(reports.which), reports.refused_with);
            clauses.push(Clause::Reports { of, which, refused_with });
        }
        // A subject that could not be resolved has its own fault.
        if clauses.is_empty() && self.faults.len() == before {
            let fault = Fault::new("nothing is expected", span);
            self.fault(
                fault.with_label(
                    "expected `role`, `node`, `nodes`, `endpoint`, `workers`, `tasks` or `reports`",
                ),
            );
        }
        clauses
    }

    fn workers(&mut self, clause: &WorkersClause) -> Option<Clause> {
        let refuse = |this: &mut Self, what: &str, span: Span, state: &str| {
            let message = format!("`{what}` says nothing about workers that are not {state}");
            this.fault(Fault::new(message, span).with_label(format!("only with `state: {state}`")));
        };
        let state = clause.state.value;
        let is_known = !self.is_unread(clause.state.span);
        if is_known && state != WorkerStateWord::Connected {
            if let Some(through) = &clause.through {
                refuse(self, "through", through.span, "connected");
            }
            if let Some(served_by) = &clause.served_by {
                refuse(self, "served_by", served_by.span, "connected");
            }
        }
        if let Some(error) = clause.error.as_ref().filter(|_| is_known && state != WorkerStateWord::Refused) {
            refuse(self, "error", error.span, "refused");
        }
        let state = match state {
            WorkerStateWord::Connected => WorkerClause::Connected {
                through: clause.through.as_ref().map(|through| match through.value {
                    ThroughWord::NetworkName => Through::NetworkName,
                    ThroughWord::NodeName => Through::NodeName,
                }),
                served_by: match &clause.served_by {
                    Some(word) => Some(self.node(word)?),
                    None => None,
                },
            },
            WorkerStateWord::Disconnected => WorkerClause::Disconnected,
            WorkerStateWord::Refused => {
                WorkerClause::Refused { error: clause.error.as_ref().map(|error| error_family(error.value)) }
            }
        };
        Some(Clause::Workers { which: which(clause.which), state })
    }

    fn tasks(&mut self, clause: &TasksClause) -> Option<Clause> {
        Some(Clause::Tasks {
            of: self.load_named(&clause.of)?,
            which: which(clause.which),
            state: clause.state.map(task_state),
            executed_count: clause.executed_count,
            execution: clause.execution.map(execution_status),
            messages: clause.messages.map(messages),
        })
    }
}

const fn which(word: WhichWord) -> Which {
    match word {
        WhichWord::Every => Which::Every,
        WhichWord::Any => Which::Any,
        WhichWord::None => Which::None,
    }
}

const fn role_state(word: RoleStateWord) -> RoleState {
    match word {
        RoleStateWord::Online => RoleState::Online,
        RoleStateWord::Offline => RoleState::Offline,
        RoleStateWord::Failed => RoleState::Failed,
        RoleStateWord::PartialOnline => RoleState::PartialOnline,
        RoleStateWord::Pending => RoleState::Pending,
    }
}

const fn node_state(word: NodeStateWord) -> NodeState {
    match word {
        NodeStateWord::Up => NodeState::Up,
        NodeStateWord::Down => NodeState::Down,
        NodeStateWord::Paused => NodeState::Paused,
        NodeStateWord::Joining => NodeState::Joining,
    }
}

const fn error_family(word: ErrorWord) -> ErrorFamily {
    match word {
        ErrorWord::EndpointNotFound => ErrorFamily::EndpointNotFound,
        ErrorWord::TrustRelationship => ErrorFamily::TrustRelationship,
        ErrorWord::SecureChannel => ErrorFamily::SecureChannel,
        ErrorWord::Forbidden => ErrorFamily::Forbidden,
        ErrorWord::HttpRequest => ErrorFamily::HttpRequest,
    }
}

const fn messages(word: MessagesWord) -> ExecutionLog {
    match word {
        MessagesWord::Written => ExecutionLog::Written,
        MessagesWord::Cached => ExecutionLog::Cached,
        MessagesWord::Refused => ExecutionLog::Refused,
    }
}

const fn execution_status(word: ExecutionWord) -> ExecutionStatus {
    match word {
        ExecutionWord::Pending => ExecutionStatus::Pending,
        ExecutionWord::Running => ExecutionStatus::Running,
        ExecutionWord::EndedUnexpectedly => ExecutionStatus::EndedUnexpectedly,
        ExecutionWord::Succeeded => ExecutionStatus::Succeeded,
    }
}

const fn task_state(word: TaskStateWord) -> TaskState {
    match word {
        TaskStateWord::Ready => TaskState::Ready,
        TaskStateWord::HandedOut => TaskState::HandedOut,
        TaskStateWord::Running => TaskState::Running,
        TaskStateWord::Failed => TaskState::Failed,
        TaskStateWord::Succeeded => TaskState::Succeeded,
    }
}
