//! What may an exploration change and add?

use failover_sim::names::NodeId;

use crate::plan::{Family, Order, Sometimes};

use super::super::diagnostic::Fault;
use super::super::document::{ExploreDocument, OrderWord, SometimesWord, StepDocument};
use super::super::read::At;
use super::Planner;

impl Planner<'_> {
    /// What an exploration may change and add.
    pub(super) fn family(&mut self, document: &ExploreDocument) -> Family {
        let own = self.actions.len();
        for At { span, value } in &document.faults {
            if matches!(
                value,
                StepDocument::Expect(_)
                    | StepDocument::Hold(_)
                    | StepDocument::Pause(_)
                    | StepDocument::StartExecutions(_)
            ) {
                let fault = Fault::new("this is no fault", *span);
                self.fault(fault.with_label("belongs under `steps`"));
                continue;
            }
            let mistakes = self.faults.len();
            for index in 0..self.topology.topology.nodes.len() {
                self.any = Some(NodeId(index as u8));
                self.said_any = false;
                self.act(value, *span);
                // The same mistake is not told once for each node.
                if !self.said_any || self.faults.len() > mistakes {
                    break;
                }
            }
            self.any = None;
        }
        let faults = self.actions.split_off(own);
        let At { span, value: at_most } = document.at_most;
        if !(1..=50).contains(&at_most) {
            let fault = Fault::new("a run has 1 to 50 faults", span);
            self.fault(fault.with_label("out of its limits"));
        }
        if document.survives.value > at_most && !self.is_unread(span) {
            let fault = Fault::new("more faults are survived than there are", document.survives.span);
            self.fault(fault.with_label("greater than `at_most`"));
        }
        if document.within.value.0.is_zero() {
            let fault = Fault::new("no fault fits into no time", document.within.span);
            self.fault(fault.with_label("longer than zero"));
        }
        Family {
            faults,
            at_most,
            within: document.within.value.0,
            survives: document.survives.value,
            order: match document.order {
                OrderWord::Kept => Order::Kept,
                OrderWord::Any => Order::Any,
            },
            sometimes: document.sometimes.iter().copied().map(sometimes).collect(),
        }
    }
}

const fn sometimes(word: SometimesWord) -> Sometimes {
    match word {
        SometimesWord::FaultDuringOutage => Sometimes::FaultDuringOutage,
        SometimesWord::FaultWhileRoleMoves => Sometimes::FaultWhileRoleMoves,
        SometimesWord::TaskRunsWithoutMaster => Sometimes::TaskRunsWithoutMaster,
        SometimesWord::TaskHandedOutAgain => Sometimes::TaskHandedOutAgain,
        SometimesWord::ReportRefused => Sometimes::ReportRefused,
        SometimesWord::RoleMovesAway => Sometimes::RoleMovesAway,
        SometimesWord::HandshakeCutOff => Sometimes::HandshakeCutOff,
        SometimesWord::RenewalCutOff => Sometimes::RenewalCutOff,
        SometimesWord::SweptBeforeRenewal => Sometimes::SweptBeforeRenewal,
        SometimesWord::LossDuringRegroup => Sometimes::LossDuringRegroup,
    }
}
