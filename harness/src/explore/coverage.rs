//! Which moments did a run meet?
//!
//! What is counted here says how good a search was, never how good the system is.

use std::collections::BTreeMap;

use failover_sim::mark::{Mark, Marks};
use failover_sim::observe::{Fact, Flow, Power, Record, ResourceState, Sink, Source, TaskState, WorkerState};

use crate::plan::{Plan, Sometimes};

/// Follows one run after the other.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// Each action of the story: its verb, and whether it breaks something.
    actions: Vec<(&'static str, bool)>,
    master: Vec<ResourceState>,
    master_id: u16,
    connected: Vec<bool>,
    connected_workers: usize,
    running: BTreeMap<u32, usize>,
    nodes_off: u8,
    has_begun: bool,
    last_served_by: Option<usize>,
    met: [bool; Sometimes::ALL.len()],
    /// How often an action met the role and the workers in a state: (role, workers, verb).
    pub table: BTreeMap<(Role, Workers, &'static str), u64>,
    /// Pairs of a state of the whole and something that was seen to happen in it.
    pub pairs: Pairs,
}

/// A set of pairs: one bit for each pair that there can be, since most records bring one that is known.
#[derive(Clone, Debug)]
pub struct Pairs(Vec<u64>);

impl Default for Pairs {
    fn default() -> Self {
        Self(vec![0; 1 << (STATE_BITS + KIND_BITS + DETAIL_BITS - u64::BITS.ilog2())])
    }
}

impl Pairs {
    fn insert(&mut self, state: u32, kind: u8, detail: u8) {
        let place = (state << KIND_BITS | u32::from(kind)) << DETAIL_BITS | u32::from(detail);
        self.0[place as usize / 64] |= 1 << (place % 64);
    }

    /// Takes out every pair: its state, its kind and its detail in 16, 8 and 8 bits.
    pub fn drain(&mut self) -> impl Iterator<Item = u32> {
        self.0.iter_mut().zip(0..).filter(|(word, _)| **word != 0).flat_map(|(word, number)| {
            let bits = std::mem::take(word);
            (0..u64::BITS).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| {
                let place: u32 = number * u64::BITS + bit;
                let (pair, detail) = (place >> DETAIL_BITS, place & ((1 << DETAIL_BITS) - 1));
                let (state, kind) = (pair >> KIND_BITS, pair & ((1 << KIND_BITS) - 1));
                state << 16 | kind << 8 | detail
            })
        })
    }
}

/// What [`Coverage::pair`] makes of a state.
const STATE_BITS: u32 = 7;
/// Kinds are below 32.
const KIND_BITS: u32 = 5;
const DETAIL_BITS: u32 = 8;

/// How the master's role stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Its master is online somewhere.
    Online,
    /// It is on its way somewhere.
    OnItsWay,
    /// It failed on some node, and is nowhere else.
    Failed,
    /// It is nowhere.
    Offline,
}

/// How the workers stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Workers {
    /// All are connected.
    All,
    /// Some are.
    Some,
    /// None is.
    None,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Online, Self::OnItsWay, Self::Failed, Self::Offline];

    /// The words for it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::OnItsWay => "on its way",
            Self::Failed => "failed",
            Self::Offline => "offline",
        }
    }
}

impl Workers {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::All, Self::Some, Self::None];

    /// The words for it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::All => "all workers",
            Self::Some => "some workers",
            Self::None => "no worker",
        }
    }
}

impl Coverage {
    /// The next run is of this plan; what was counted stays.
    pub fn begin(&mut self, plan: &Plan, is_fault: impl Fn(usize) -> bool) {
        self.actions.clear();
        let verbs = plan.actions.iter().enumerate();
        self.actions.extend(verbs.map(|(index, planned)| (planned.action.verb().word(), is_fault(index))));
        self.master.clear();
        self.master.resize(plan.topology.nodes.len(), ResourceState::Offline);
        self.master_id = plan.master.0;
        self.connected.clear();
        self.connected.resize(plan.topology.workers.len(), false);
        self.connected_workers = 0;
        self.running.clear();
        self.nodes_off = 0;
        self.has_begun = false;
        self.last_served_by = None;
        self.met = Default::default();
    }

    /// Whether this was met in the last run.
    pub fn has_met(&self, moment: Sometimes) -> bool {
        self.met[moment as usize]
    }

    /// What the model went through in this run that records do not show.
    pub(super) fn meet_marks(&mut self, marks: Marks) {
        for (mark, moment) in MARKS {
            if marks.has(mark) {
                self.meet(moment);
            }
        }
    }

    fn meet(&mut self, moment: Sometimes) {
        self.met[moment as usize] |= self.has_begun;
    }

    fn role(&self) -> Role {
        let is = |wanted: &[ResourceState]| self.master.iter().any(|state| wanted.contains(state));
        if is(&[ResourceState::Online]) {
            Role::Online
        } else if is(&[ResourceState::OnlinePending, ResourceState::OfflinePending]) {
            Role::OnItsWay
        } else if is(&[ResourceState::Failed]) {
            Role::Failed
        } else {
            Role::Offline
        }
    }

    fn workers(&self) -> Workers {
        match self.connected_workers {
            0 => Workers::None,
            count if count == self.connected.len() => Workers::All,
            _ => Workers::Some,
        }
    }

    /// Notes that something happens in the present state.
    fn pair(&mut self, kind: u8, detail: u8) {
        if !self.has_begun {
            return;
        }
        let tasks = u32::from(!self.running.is_empty());
        let state = (self.role() as u32) << 5
            | (self.workers() as u32) << 3
            | u32::from(self.nodes_off.min(3)) << 1
            | tasks;
        self.pairs.insert(state, kind, detail);
    }
}

/// The moments that are met inside the model, and its marks for them.
const MARKS: [(Mark, Sometimes); 4] = [
    (Mark::HandshakeCutOff, Sometimes::HandshakeCutOff),
    (Mark::RenewalCutOff, Sometimes::RenewalCutOff),
    (Mark::SweptBeforeRenewal, Sometimes::SweptBeforeRenewal),
    (Mark::LossDuringRegroup, Sometimes::LossDuringRegroup),
];

impl Sink for Coverage {
    fn record(&mut self, record: &Record) -> Flow {
        match (record.fact, record.source) {
            (Fact::StepsBegan, _) => self.has_begun = true,
            (Fact::Applied(action), _) => {
                let (verb, is_fault) = self.actions[action.index()];
                if self.has_begun && is_fault {
                    *self.table.entry((self.role(), self.workers(), verb)).or_default() += 1;
                    if self.connected_workers < self.connected.len() {
                        self.meet(Sometimes::FaultDuringOutage);
                    }
                    if self.role() == Role::OnItsWay {
                        self.meet(Sometimes::FaultWhileRoleMoves);
                    }
                }
                let verb = verb.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
                self.pair(1, verb);
            }
            (Fact::ResourceState { resource, state }, Source::Node(node)) => {
                self.pair(2 + state as u8, resource.0 as u8);
                if resource.0 == self.master_id {
                    self.master[node.index()] = state;
                    if state == ResourceState::Online
                        && self.last_served_by.replace(node.index()).is_some_and(|last| last != node.index())
                    {
                        self.meet(Sometimes::RoleMovesAway);
                    }
                }
            }
            (Fact::NodeState { state, .. }, _) => self.pair(16, state as u8),
            (Fact::Machine { node, power }, _) => {
                self.pair(17, power as u8);
                if self.has_begun {
                    self.nodes_off = match power {
                        Power::On => self.nodes_off.saturating_sub(1),
                        Power::Off | Power::Frozen => self.nodes_off + 1,
                    };
                }
                if power == Power::Off {
                    self.master[node.index()] = ResourceState::Offline;
                }
            }
            (Fact::Worker { worker, state }, _) => {
                let is_connected = matches!(state, WorkerState::Connected { .. });
                let detail = match state {
                    WorkerState::Starting => 0,
                    WorkerState::Connected { .. } => 1,
                    WorkerState::Disconnected(_) => 2,
                    WorkerState::Refused { error, .. } => 3 + error as u8,
                };
                self.pair(18, detail);
                let before = std::mem::replace(&mut self.connected[worker.index()], is_connected);
                self.connected_workers += usize::from(is_connected);
                self.connected_workers -= usize::from(before);
                if !is_connected && self.running.values().any(|runner| *runner == worker.index()) {
                    self.meet(Sometimes::TaskRunsWithoutMaster);
                }
            }
            (Fact::Package { task, worker, runs }, _) => {
                self.pair(19, u8::from(runs));
                if runs {
                    self.running.insert(task.0, worker.index());
                } else {
                    self.running.remove(&task.0);
                }
            }
            (Fact::Task { state, executed_count, .. }, _) => {
                self.pair(20, state as u8);
                if state == TaskState::HandedOut && executed_count > 1 {
                    self.meet(Sometimes::TaskHandedOutAgain);
                }
            }
            (Fact::ExecutionLog { log, .. }, _) => self.pair(25, log as u8),
            (Fact::ReportRefused { .. }, _) => {
                self.pair(21, 0);
                self.meet(Sometimes::ReportRefused);
            }
            (Fact::WorkerAgent { row, .. }, _) => self.pair(24, row as u8),
            (Fact::OwnerNode { .. }, _) => self.pair(22, 0),
            (Fact::NodeStatus { status, .. }, _) => self.pair(23, status as u8),
            // Nothing of the whole changes by them, or they come from nobody who is asked.
            (
                Fact::Watching { .. }
                | Fact::Unwatched(_)
                | Fact::StepBegan(_)
                | Fact::Acting { .. }
                | Fact::StepsEnded
                | Fact::RunEnded
                | Fact::ResourceState { .. }
                | Fact::Endpoint { .. }
                | Fact::MasterMachine(_)
                // No log is read where stories are explored.
                | Fact::ClusterEvent { .. },
                _,
            ) => {}
        }
        Flow::Continue
    }
}
