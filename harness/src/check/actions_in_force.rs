//! Was every action of the plan seen to take effect, by the proof that belongs to it?
//!
//! A run whose faults did not bite proves nothing: it is inconclusive, not green.

use failover_sim::action::{Action, LoadWorkers, Verb};
use failover_sim::names::{ActionNo, NodeId, RoleId};
use failover_sim::observe::{Fact, NodeState, Record, Source, TaskState};
use failover_sim::time::Time;

use crate::plan::Plan;

use super::{Verdict, Window};

pub(crate) struct ActionsInForce {
    actions: Vec<ActionFold>,
}

#[derive(Clone, Copy, Debug)]
struct ActionFold {
    verb: Verb,
    /// When it was carried out, and on which node.
    begun: Option<(Time, Option<NodeId>)>,
    proven: bool,
    /// Executions that are still to be seen started.
    missing: u64,
    load: Option<failover_sim::names::LoadId>,
    role: Option<RoleId>,
}

impl ActionsInForce {
    pub(crate) fn new(plan: &Plan) -> Self {
        let fold = |action: &Action<_>| {
            let load = match action {
                Action::StartExecutions(load) => Some(*load),
                Action::MoveRole { .. }
                | Action::PowerOff { .. }
                | Action::PowerOn { .. }
                | Action::KillClusterService { .. }
                | Action::ReplaceMasterCertificate { .. }
                | Action::SetCluster(_)
                | Action::SetWorkers(_) => None,
            };
            let missing = load.map_or(0, |load| {
                let load = &plan.loads[load.index()];
                let each = match load.workers {
                    LoadWorkers::Any => 1,
                    LoadWorkers::EachNamed => plan.topology.workers.len() as u64,
                };
                u64::from(load.count) * u64::from(load.rounds) * each
            });
            let role = match action {
                Action::MoveRole { role, .. } => Some(*role),
                Action::PowerOff { .. }
                | Action::PowerOn { .. }
                | Action::KillClusterService { .. }
                | Action::ReplaceMasterCertificate { .. }
                | Action::SetCluster(_)
                | Action::SetWorkers(_)
                | Action::StartExecutions(_) => None,
            };
            ActionFold { verb: action.verb(), begun: None, proven: false, missing, load, role }
        };
        Self { actions: plan.actions.iter().map(|planned| fold(&planned.action)).collect() }
    }

    pub(crate) fn observe(&mut self, record: &Record) {
        match record.fact {
            Fact::Acting { action, node } => {
                self.actions[action.index()].begun = Some((record.latest, node));
            }
            Fact::Applied(action) => {
                let fold = &mut self.actions[action.index()];
                // What changes configuration is proven by reading it back.
                fold.proven |=
                    matches!(fold.verb, Verb::ReplaceMasterCertificate | Verb::SetCluster | Verb::SetWorkers);
            }
            Fact::OwnerNode { owner, role } => self.prove(&[Verb::MoveRole], owner, Some(role)),
            Fact::NodeState { node, state: NodeState::Down } if record.source != Source::Node(node) => {
                self.prove(&[Verb::PowerOff, Verb::KillClusterService], node, None);
            }
            Fact::NodeState { node, state: NodeState::Up } => self.prove(&[Verb::PowerOn], node, None),
            Fact::Task { load, state: TaskState::Ready, executed_count: 0, .. } => {
                let begun = |fold: &&mut ActionFold| fold.load == Some(load) && fold.begun.is_some();
                if let Some(fold) = self.actions.iter_mut().find(begun) {
                    fold.missing = fold.missing.saturating_sub(1);
                    fold.proven = fold.missing == 0;
                }
            }
            // No proof of anything.
            Fact::NodeState { .. }
            | Fact::Task { .. }
            | Fact::Watching { .. }
            | Fact::Unwatched(_)
            | Fact::StepsBegan
            | Fact::StepBegan(_)
            | Fact::StepsEnded
            | Fact::RunEnded
            | Fact::Machine { .. }
            | Fact::ResourceState { .. }
            | Fact::Endpoint { .. }
            | Fact::Worker { .. }
            | Fact::MasterMachine(_)
            | Fact::Package { .. }
            | Fact::ReportRefused { .. } => {}
        }
    }

    /// What is seen proves the last action that could have brought it about, and no earlier one.
    fn prove(&mut self, verbs: &[Verb], node: NodeId, role: Option<RoleId>) {
        let last = self.actions.iter_mut().rfind(|fold| {
            let about = fold.begun.is_some_and(|(_, target)| target == Some(node));
            about && fold.role == role && verbs.contains(&fold.verb)
        });
        if let Some(fold) = last {
            fold.proven = true;
        }
    }

    /// Pass if every action that was begun bit; those never begun are the business of the steps.
    pub(crate) fn verdict(&self, plan: &Plan, window: Window) -> Verdict {
        for (index, fold) in self.actions.iter().enumerate() {
            let Some((at, node)) = fold.begun else { continue };
            if !fold.proven {
                let what = fold.verb.word();
                let target = node.map(|node| format!(" of {}", plan.names.node(node))).unwrap_or_default();
                let line = plan.action(ActionNo(index as u16)).line;
                let at = window.offset(at);
                let reason = format!("{what}{target} at {at} (line {line}) was not seen to take effect");
                return Verdict::inconclusive(self.count(), reason);
            }
        }
        Verdict::pass(self.count().max(1), "")
    }

    fn count(&self) -> u64 {
        self.actions.iter().filter(|fold| fold.proven).count() as u64
    }
}
