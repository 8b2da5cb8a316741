//! Which claims are judged, and which of them must turn out false?

use crate::check::{Claim, ReconnectTime};

use super::super::diagnostic::Fault;
use super::super::document::{ClaimDocument, ClaimWord, Nothing, ReconnectTimeDocument};
use super::super::read::At;
use super::Planner;

impl Planner<'_> {
    /// The claims that are always judged, and those that the scenario adds.
    pub(super) fn claims(&mut self, documents: &[At<ClaimDocument>]) -> Vec<Claim> {
        let has_loads = !self.loads.is_empty();
        let mut claims: Vec<Claim> =
            Claim::ALL.into_iter().filter(|claim| has_loads || !claim.is_about_tasks()).collect();
        for At { value, span } in documents {
            let claim = match value {
                ClaimDocument::ReconnectTime(document) => Claim::ReconnectTime(self.limit(document)),
                ClaimDocument::FailoversStayWithinTheThreshold(Nothing {}) => Claim::FailoversWithinThreshold,
                ClaimDocument::PausedNodesGetNoRole(Nothing {}) => Claim::PausedNodesGetNoRole,
                ClaimDocument::LostNodesAreQuarantined(Nothing {}) => Claim::LostNodesAreQuarantined,
                ClaimDocument::DependentsGoDown(Nothing {}) => Claim::DependentsGoDown,
                ClaimDocument::NodesWithoutAVoteDoNotServeAlone(Nothing {}) => Claim::VotesDecide,
                ClaimDocument::ReplicasLeftBehindDoNotServe(Nothing {}) => Claim::ReplicasLeftBehind,
                ClaimDocument::TasksStayWithinTheirRetries(Nothing {}) => Claim::TasksWithinRetries,
                ClaimDocument::DisabledWorkersGetNoTask(Nothing {}) => Claim::DisabledWorkersGetNoTask,
                ClaimDocument::NobodyWorksWithoutSsisdb(Nothing {}) => Claim::NobodyWorksWithoutSsisdb,
                ClaimDocument::AtMostOneNodeServes => Claim::OneNodeServes,
                ClaimDocument::WorkersReconnect => Claim::WorkersReconnect,
                ClaimDocument::TrustedConnectionsOnly => Claim::TrustedConnectionsOnly,
                ClaimDocument::WorkersUseTheNetworkName => Claim::NetworkNameUsed,
                ClaimDocument::NoTaskRunsTwiceAtOnce => Claim::NoTaskRunsTwice,
                ClaimDocument::NoTaskIsLost => Claim::NoTaskLost,
                ClaimDocument::NoWorkerIsEnabledAgain => Claim::NoWorkerEnabledAgain,
            };
            if Claim::ALL.contains(&claim) {
                let where_judged = if claim.is_about_tasks() {
                    "wherever executions are started"
                } else {
                    "in every scenario"
                };
                let message = format!("`{}` is judged {where_judged}", claim.word());
                let fault = Fault::new(message, *span).with_label("may not be asked for");
                self.fault(fault.with_hint(
                    "leave it out; `breaks` is where a scenario says that it must turn out false",
                ));
                continue;
            }
            if claims.contains(&claim) {
                let message = format!("`{}` is there twice", claim.word());
                self.fault(Fault::new(message, *span).with_label("the second"));
            } else {
                claims.push(claim);
            }
        }
        claims
    }

    fn limit(&mut self, document: &ReconnectTimeDocument) -> ReconnectTime {
        let ReconnectTimeDocument { percentile, at_most } = document;
        if at_most.value.0.is_zero() {
            self.fault(Fault::new("no outage is over at once", at_most.span).with_label("at least `1ms`"));
        }
        ReconnectTime { percentile: percentile.0, at_most: at_most.value.0 }
    }

    /// The claims that must turn out false: each of them is among those that are judged.
    pub(super) fn breaks<'d>(
        &mut self,
        words: impl Iterator<Item = &'d At<ClaimWord>>,
        claims: &[Claim],
    ) -> Vec<Claim> {
        let mut breaks = Vec::new();
        for At { span, value } in words {
            let before = breaks.len();
            breaks.extend(claims.iter().filter(|claim| claim.word() == claim_word(*value)));
            if breaks.len() == before {
                let message = format!("`{}` is not judged in this scenario", claim_word(*value));
                let label = match value {
                    ClaimWord::NoTaskRunsTwiceAtOnce
                    | ClaimWord::NoTaskIsLost
                    | ClaimWord::NoWorkerIsEnabledAgain => "no executions are started",
                    ClaimWord::FailoversStayWithinTheThreshold
                    | ClaimWord::PausedNodesGetNoRole
                    | ClaimWord::LostNodesAreQuarantined
                    | ClaimWord::DependentsGoDown
                    | ClaimWord::NodesWithoutAVoteDoNotServeAlone
                    | ClaimWord::ReplicasLeftBehindDoNotServe
                    | ClaimWord::TasksStayWithinTheirRetries
                    | ClaimWord::DisabledWorkersGetNoTask
                    | ClaimWord::NobodyWorksWithoutSsisdb
                    | ClaimWord::ReconnectTime => "not among its `claims`",
                    ClaimWord::AtMostOneNodeServes
                    | ClaimWord::WorkersReconnect
                    | ClaimWord::TrustedConnectionsOnly
                    | ClaimWord::WorkersUseTheNetworkName => "not judged",
                };
                self.fault(Fault::new(message, *span).with_label(label));
            }
        }
        breaks
    }
}

/// The word of a claim, by which it is found among those that are judged.
const fn claim_word(word: ClaimWord) -> &'static str {
    match word {
        ClaimWord::AtMostOneNodeServes => "at_most_one_node_serves",
        ClaimWord::WorkersReconnect => "workers_reconnect",
        ClaimWord::TrustedConnectionsOnly => "trusted_connections_only",
        ClaimWord::WorkersUseTheNetworkName => "workers_use_the_network_name",
        ClaimWord::NoTaskRunsTwiceAtOnce => "no_task_runs_twice_at_once",
        ClaimWord::NoTaskIsLost => "no_task_is_lost",
        ClaimWord::NoWorkerIsEnabledAgain => "no_worker_is_enabled_again",
        ClaimWord::FailoversStayWithinTheThreshold => "failovers_stay_within_the_threshold",
        ClaimWord::PausedNodesGetNoRole => "paused_nodes_get_no_role",
        ClaimWord::LostNodesAreQuarantined => "lost_nodes_are_quarantined",
        ClaimWord::DependentsGoDown => "dependents_go_down",
        ClaimWord::NodesWithoutAVoteDoNotServeAlone => "nodes_without_a_vote_do_not_serve_alone",
        ClaimWord::ReplicasLeftBehindDoNotServe => "replicas_left_behind_do_not_serve",
        ClaimWord::TasksStayWithinTheirRetries => "tasks_stay_within_their_retries",
        ClaimWord::DisabledWorkersGetNoTask => "disabled_workers_get_no_task",
        ClaimWord::NobodyWorksWithoutSsisdb => "nobody_works_without_ssisdb",
        ClaimWord::ReconnectTime => "reconnect_time",
    }
}
