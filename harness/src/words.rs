//! Which word stands for which value, in scenario files, histories and reports alike? How are times and counts said?

use std::time::Duration;

use failover_sim::names::Names;
use failover_sim::observe::{
    AgentRow, Answer, Channel, ErrorFamily, ExecutionLog, ExecutionStatus, Loss, NodeState, NodeStatus,
    Power, ResourceState, RoleState, TaskState,
};

use crate::plan::Which;

/// One table for an enum: its words both ways.
macro_rules! words {
    ($(#[$doc:meta])* $to:ident, $from:ident, $all:ident: $type:ty { $($variant:path => $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        pub const fn $to(value: $type) -> &'static str {
            match value { $($variant => $word),+ }
        }

        /// The other way round; `None` if it is no such word.
        pub fn $from(word: &str) -> Option<$type> {
            match word { $($word => Some($variant),)+ _ => None }
        }

        /// All words.
        pub const $all: &[&str] = &[$($word),+];
    };
}

words! {
    /// The word for a node's state.
    node_state, node_state_by_word, NODE_STATES: NodeState {
        NodeState::Up => "up",
        NodeState::Down => "down",
        NodeState::Paused => "paused",
        NodeState::Joining => "joining",
    }
}

words! {
    /// The word for a flag of a node.
    node_status, node_status_by_word, NODE_STATUSES: NodeStatus {
        NodeStatus::Normal => "normal",
        NodeStatus::Isolated => "isolated",
        NodeStatus::Quarantined => "quarantined",
    }
}

words! {
    /// The word for an event log.
    channel, channel_by_word, CHANNELS: Channel {
        Channel::System => "system",
        Channel::Operational => "operational",
    }
}

words! {
    /// The word for a role's state.
    role_state, role_state_by_word, ROLE_STATES: RoleState {
        RoleState::Online => "online",
        RoleState::Offline => "offline",
        RoleState::Failed => "failed",
        RoleState::PartialOnline => "partial_online",
        RoleState::Pending => "pending",
    }
}

words! {
    /// The word for a resource's state.
    resource_state, resource_state_by_word, RESOURCE_STATES: ResourceState {
        ResourceState::Offline => "offline",
        ResourceState::OnlinePending => "online_pending",
        ResourceState::Online => "online",
        ResourceState::OfflinePending => "offline_pending",
        ResourceState::Failed => "failed",
    }
}

words! {
    /// The word for a machine's power state.
    power, power_by_word, POWERS: Power {
        Power::On => "on",
        Power::Off => "off",
        Power::Frozen => "frozen",
    }
}

words! {
    /// The word for a way to lose a connection.
    loss, loss_by_word, LOSSES: Loss {
        Loss::Closed => "closed",
        Loss::Reset => "reset",
        Loss::TimedOut => "timed_out",
        Loss::Unserved => "unserved",
    }
}

words! {
    /// The word for a documented family of errors.
    error_family, error_family_by_word, ERROR_FAMILIES: ErrorFamily {
        ErrorFamily::EndpointNotFound => "endpoint_not_found",
        ErrorFamily::TrustRelationship => "trust_relationship",
        ErrorFamily::SecureChannel => "secure_channel",
        ErrorFamily::Forbidden => "forbidden",
        ErrorFamily::HttpRequest => "http_request",
    }
}

words! {
    /// The word for the status of an execution, as `catalog.executions` explains it.
    execution_status, execution_status_by_word, EXECUTION_STATUSES: ExecutionStatus {
        ExecutionStatus::Pending => "pending",
        ExecutionStatus::Running => "running",
        ExecutionStatus::EndedUnexpectedly => "ended_unexpectedly",
        ExecutionStatus::Succeeded => "succeeded",
    }
}

words! {
    /// The word for where the messages of a package are.
    execution_log, execution_log_by_word, EXECUTION_LOGS: ExecutionLog {
        ExecutionLog::Written => "written",
        ExecutionLog::Cached => "cached",
        ExecutionLog::Refused => "refused",
    }
}

words! {
    /// The word for what SSISDB knows of a worker.
    agent_row, agent_row_by_word, AGENT_ROWS: AgentRow {
        AgentRow::Missing => "missing",
        AgentRow::Disabled => "disabled",
        AgentRow::Enabled => "enabled",
    }
}

words! {
    /// The word for a task's state.
    task_state, task_state_by_word, TASK_STATES: TaskState {
        TaskState::Ready => "ready",
        TaskState::HandedOut => "handed_out",
        TaskState::Running => "running",
        TaskState::Failed => "failed",
        TaskState::Succeeded => "succeeded",
    }
}

words! {
    /// The word for a quantifier.
    which, which_by_word, WHICHES: Which {
        Which::Every => "every",
        Which::Any => "any",
        Which::None => "none",
    }
}

/// What a worker's log says, in the words that an operator finds there.
pub const fn error_text(error: ErrorFamily) -> &'static str {
    match error {
        ErrorFamily::EndpointNotFound => "there was no endpoint listening",
        ErrorFamily::TrustRelationship => "could not establish trust relationship",
        ErrorFamily::SecureChannel => "could not establish secure channel",
        ErrorFamily::Forbidden => "the HTTP request was forbidden (403)",
        ErrorFamily::HttpRequest => "an error occurred while making the HTTP request",
    }
}

/// What a client meets at the endpoint.
pub fn answer(answer: Answer, names: &Names) -> String {
    match answer {
        Answer::Silent => "silent".to_owned(),
        Answer::Refused => "refused".to_owned(),
        Answer::NoHandshake(node) => format!("{} breaks the handshake", names.node(node)),
        Answer::Served { by, certificate } => {
            format!("{} presents `{}`", names.node(by), names.certificate(certificate))
        }
    }
}

/// What an event of the cluster says, in a few words (event lists of Microsoft-Windows-FailoverClustering, the System
/// ones documented, the others observed). There are hundreds: of the rest the id says enough.
pub const fn cluster_event(id: u16) -> &'static str {
    match id {
        1049 => "an address is taken",
        1061 => "the node forms the cluster",
        1062 => "the node joins the cluster",
        1063 => "the cluster service stops",
        1069 => "a resource has failed",
        1126 | 1127 => "a network interface does not answer",
        1129 => "a network is partitioned",
        1130 => "a network is down",
        1135 => "a node was removed from the membership",
        1146 => "the process of a resource ended",
        1153 => "a failover is attempted",
        1154 => "a failback is attempted",
        1177 => "the cluster service stops, quorum is lost",
        1200 => "a role comes online",
        1201 => "a role is online",
        1203 => "a role goes offline",
        1204 => "a role is offline",
        1205 => "a role is not completely online or offline",
        1230 => "a resource is blocked or its process crashed",
        1254 => "a role has failed over too often",
        1573 => "the cluster is not formed, its witness cannot be reached",
        1637 => "a resource changes its state",
        1638 => "a resource is not restarted any more",
        1641 => "a role moves",
        1650 => "a node is not heard on a network",
        1672 | 1675 | 1676 => "a node is in quarantine",
        1680 => "a node is not isolated any more",
        _ => "of the cluster",
    }
}

/// Milliseconds as people read them: `85ms`, `22.995s`, `1m26.639s`.
pub fn moment(millis: u64) -> String {
    if millis < 1_000 {
        return format!("{millis}ms");
    }
    failover_sim::time::Time::from_micros(millis * 1_000).to_string()
}

/// A duration as scenario files write it: `90s`, `3m`, `1m30s`, `250ms`.
pub fn length(duration: Duration) -> String {
    let millis = duration.as_millis();
    let parts = [
        (millis / 3_600_000, "h"),
        (millis / 60_000 % 60, "m"),
        (millis / 1_000 % 60, "s"),
        (millis % 1_000, "ms"),
    ];
    let text: String =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// A text without characters that would do something to a terminal, or show it in another order than it has.
pub(crate) fn plain(text: &str) -> String {
    // Bidi_Control (Unicode Standard Annex 9, documented).
    let turns = |letter| matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_harmless = |letter: char| !letter.is_control() && !turns(letter);
    if text.chars().all(is_harmless) {
        return text.to_owned();
    }
    let shown = |letter: char| {
        if is_harmless(letter) { letter.to_string() } else { letter.escape_default().to_string() }
    };
    text.chars().map(shown).collect()
}

/// The same for a text of several lines.
pub(crate) fn plain_lines(text: &str) -> String {
    text.split('\n').map(plain).collect::<Vec<_>>().join("\n")
}

/// A number with its noun.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    match (count, noun.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u']))) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_files_write_them() {
        let texts: Vec<String> =
            [0, 250, 90_000, 180_000, 3_600_000].map(|millis| length(Duration::from_millis(millis))).into();
        assert_eq!(texts, ["0s", "250ms", "1m30s", "3m", "1h"]);
    }
}
