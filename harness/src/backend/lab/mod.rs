//! How does a plan run in a Windows lab?
//!
//! Sessions with the nodes, the workers and whoever controls the machines answer the [protocol]; the backend looks at
//! all of them in a steady rhythm, compares each look with the last one, and writes down what became true between the
//! two. Never run on Windows: so far only the [twin] has answered.

mod act;
mod binding;
pub mod clock;
mod database;
mod events;
mod evidence;
pub mod file;
pub mod guard;
pub mod hooks;
pub mod journal;
pub mod ledger;
pub mod live;
mod outside;
pub mod package;
pub mod protocol;
pub mod reach;
pub mod real;
pub mod script;
pub mod session;
mod sight;
pub mod transport;
pub mod twin;
mod unable;
mod watch;
mod work;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_events;
#[cfg(test)]
mod tests_needless;
#[cfg(test)]
mod tests_outside;
#[cfg(test)]
mod tests_parts;
#[cfg(test)]
mod tests_work;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use failover_sim::action::{Action, AgentAction, ResolvedAction, Verb};
use failover_sim::assumption::Assumption;
use failover_sim::names::{ActionNo, Names, NodeId};
use failover_sim::observe::{AgentRow, Flow, Sink};
use failover_sim::time::Time;

use crate::picture::clauses;
use crate::plan::{Clause, Plan, PlannedAction};

use super::{Abilities, Applied, Backend, BackendError, BackendKind, Stop};
use act::Actors;
use binding::Binding;
use events::EventReaders;
use file::LabFile;
use journal::{Journal, JournalError};
use ledger::{Past, Spending};
use protocol::Ticks;
use reach::{Host, Lab};
use watch::Watchers;

pub use guard::Tolerated;
pub use sight::Unbound;
pub use watch::{Rhythm, WatchError};

/// A Windows lab, or its twin.
pub struct LabBackend<L> {
    lab: L,
    journals: Option<PathBuf>,
    allowed: Option<LabFile>,
    stop: Arc<AtomicBool>,
    run: Option<Run>,
}

/// What has become of the actions in a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// How many were taken back, and verified.
    pub undone: usize,
    /// What could not be, and why.
    pub open: Vec<String>,
}

/// Why a lab could not be restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The lab.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

struct Run {
    /// The name of its plan.
    plan: String,
    names: Names,
    binding: Binding,
    watchers: Watchers,
    events: EventReaders,
    /// What of the ledger nobody could look at.
    unknown: Option<String>,
    actors: Actors,
}

impl<L: Lab> LabBackend<L> {
    /// A backend on this lab, which keeps its journals in a folder, or in a temporary one if none is given.
    pub fn new(lab: L, journals: Option<PathBuf>) -> Self {
        Self { lab, journals, allowed: None, stop: Arc::default(), run: None }
    }

    /// The same, which ends what it is at as soon as this becomes true, and takes back what was done.
    #[must_use]
    pub fn stopped_by(self, stop: Arc<AtomicBool>) -> Self {
        Self { stop, ..self }
    }

    fn go_on(&self) -> Result<(), BackendError> {
        if self.stop.load(Ordering::Relaxed) { Err(BackendError::Stopped) } else { Ok(()) }
    }

    /// The same, which does only what a file allows.
    #[must_use]
    pub fn allowed_by(self, file: LabFile) -> Self {
        Self { allowed: Some(file), ..self }
    }

    /// Takes back what a journal says is not taken back, on the lab of its plan; says what stays open, and why.
    ///
    /// # Errors
    /// If the journal cannot be read or written, or the lab not be reached.
    pub fn restore(&mut self, journal: &Path) -> Result<Restored, RestoreError> {
        let (journal, plan) = Journal::read(journal)?;
        // Nobody needs to reach the lab for nothing.
        if journal.open().next().is_none() {
            return Ok(Restored { undone: 0, open: Vec::new() });
        }
        self.lab.begin(&plan).map_err(BackendError::Unready)?;
        let binding = Binding::of(&plan).bound_to(self.cluster());
        let mut actors = Actors::new(&binding, journal, Duration::ZERO, &plan.loads);
        let nodes: Vec<NodeId> = (0..plan.topology.nodes.len()).map(|node| NodeId(node as u8)).collect();
        let begun = actors.journal().open().count();
        let open = actors.undo_all(&mut self.lab, &nodes)?;
        Ok(Restored { undone: begun - open.len(), open })
    }

    /// The journal of the last run.
    pub fn journal(&self) -> Option<&Journal> {
        self.run.as_ref().map(|run| run.actors.journal())
    }

    /// Lines that hosts have written besides their answers, in the sessions that are open.
    pub fn evidence(&self) -> Vec<(Host, Vec<String>)> {
        self.run.as_ref().map(|run| run.watchers.evidence()).unwrap_or_default()
    }

    /// What shows that the workers are connected via the network name, and what of it was seen.
    pub fn shown(&self) -> Option<String> {
        self.run.as_ref().and_then(|run| run.watchers.shown.told())
    }

    /// Whether its runs raise the thresholds of the cluster, so that they may spend more.
    pub fn raises_thresholds(&self) -> bool {
        self.allowed.as_ref().is_some_and(|file| file.raise_thresholds)
    }

    /// What of the nodes' event logs could not be read, and what the ledger lacks because of it.
    pub fn unread(&self) -> Option<String> {
        let run = self.run.as_ref()?;
        let parts: Vec<String> = run.unknown.clone().into_iter().chain(run.events.untold()).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// The Id of the cluster that may be touched, if the file names one.
    fn cluster(&self) -> Option<String> {
        self.allowed.as_ref().and_then(|file| file.id.clone())
    }

    /// Looks whether a run may begin, and begins to watch: what watches the nodes, what reads their events, and what of the
    /// ledger nobody could look at.
    fn ready(
        &mut self,
        plan: &Plan,
        binding: &Binding,
        actors: &mut Actors,
    ) -> Result<(Watchers, EventReaders, Option<String>), BackendError> {
        let tolerated = self.allowed.as_ref().map(|file| file.tolerate.clone()).unwrap_or_default();
        guard::check(actors, &mut self.lab, plan, binding, &tolerated)?;
        let mut watchers = Watchers::new(binding, self.lab.rhythm(), is_about_ssisdb(plan));
        watchers.open(&mut self.lab).map_err(|(host, error)| watch_error(binding, host, error))?;
        let mut events = EventReaders::new(binding, self.lab.rhythm());
        let before = events.open(&mut self.lab, ledger::FAILOVER_PERIOD);
        let past = Past::of(&before, plan.topology.nodes.len(), plan.role);
        let (now, utc) = (self.lab.clock().now(), self.lab.clock().utc());
        let began = Ticks(utc.0 - i64::try_from(now.as_micros()).unwrap_or(i64::MAX / 20) * 10);
        let refusal = past.refusal(&Spending::of(plan), now, began, &plan.names);
        if let Some(refusal) = refusal.filter(|_| !self.raises_thresholds()) {
            return Err(BackendError::Spent(refusal));
        }
        let unknown = ledger::unknown(|channel| events.has_read(channel));
        Ok((watchers, events, unknown))
    }

    fn run(&mut self) -> (&mut L, &mut Run) {
        (&mut self.lab, self.run.as_mut().expect("a backend is started before it is used"))
    }
}

impl<L: Lab> Backend for LabBackend<L> {
    fn kind(&self) -> BackendKind {
        BackendKind::Lab
    }

    fn abilities(&self, plan: &Plan) -> Abilities {
        let actions = plan.actions.iter().map(|planned| &planned.action);
        let missing = actions.filter_map(|action| Some((action.verb(), unable::why_not(action, plan)?)));
        let missing = missing.collect();
        let forbidden = self.allowed.as_ref().map(|file| file.refusals(plan)).unwrap_or_default();
        let waits_for = plan.steps.iter().flat_map(|step| clauses(&step.kind));
        let mut waits_for = waits_for.chain(plan.holds.iter().flat_map(|hold| &hold.clauses));
        let is_of_messages = |clause: &Clause| matches!(clause, Clause::Tasks { messages: Some(_), .. });
        let unseen = waits_for.any(is_of_messages).then_some(MESSAGES).into_iter().collect();
        Abilities { missing, unseen, forbidden, program: None }
    }

    fn start(&mut self, plan: &Plan) -> Result<(), BackendError> {
        self.run = None;
        self.go_on()?;
        self.lab.begin(plan).map_err(BackendError::Unready)?;
        let folder = self.journals.clone().unwrap_or_else(|| std::env::temp_dir().join(JOURNALS));
        let journal = Journal::begin(&folder, plan);
        let journal = journal.map_err(|error| act::journal_error(&folder, error))?;
        let binding = Binding::of(plan).bound_to(self.cluster());
        let mut actors = Actors::new(&binding, journal, Spending::of(plan).longest, &plan.loads);
        let ready = self.ready(plan, &binding, &mut actors);
        let (watchers, events, unknown) = ready.inspect_err(|_| {
            // What refused says more than a file that cannot be removed.
            let _ = actors.journal().discard_if_empty();
        })?;
        self.run = Some(Run {
            plan: plan.name.clone(),
            names: plan.names.clone(),
            binding,
            watchers,
            events,
            unknown,
            actors,
        });
        if self.raises_thresholds() {
            // A plan that clears a quarantine is about it.
            let is_clear =
                |action| matches!(action, Action::StartClusterService { clear_quarantine: true, .. });
            let losses = !plan.actions.iter().any(|planned| is_clear(planned.action));
            let (lab, run) = self.run();
            let nodes = run.watchers.nodes_by_use();
            if let Err(error) = run.actors.raise_thresholds(lab, &nodes, losses) {
                self.finish()?;
                return Err(error);
            }
        }
        Ok(())
    }

    fn now(&self) -> Time {
        self.lab.clock().now()
    }

    fn apply(&mut self, number: ActionNo, action: ResolvedAction) -> Result<Applied, BackendError> {
        self.go_on()?;
        let names = &self.run.as_ref().expect("a backend is started before it is used").names;
        if self.allowed.as_ref().is_some_and(|file| !file.allows(&action, names)) {
            return Err(BackendError::Forbidden(action.verb().word()));
        }
        let (lab, run) = self.run();
        let nodes = run.watchers.nodes_by_use();
        run.actors.owners_are(|| run.watchers.owners());
        let acted = lab.clock().now();
        if let ResolvedAction::StartExecutions(load) = action {
            let started = run.actors.start_executions(lab, number, load, &nodes)?;
            run.watchers.saw_started(&started, lab.clock().now());
            return Ok(Applied::Done);
        }
        let seen = run.actors.apply(lab, number, action, &nodes)?;
        if !run.actors.has_changed() {
            return Ok(Applied::Needless);
        }
        if let Some(seen) = seen {
            run.watchers.saw_machines(&seen.machines, (acted, seen.asked), lab.clock().now());
        }
        // It was read back.
        if let ResolvedAction::WorkerAgent { worker, what } = action {
            let row = match what {
                AgentAction::Enable => AgentRow::Enabled,
                AgentAction::Disable => AgentRow::Disabled,
                AgentAction::Delete => AgentRow::Missing,
            };
            run.watchers.saw_agent(worker, row, acted, lab.clock().now());
        }
        if let ResolvedAction::Thaw { node } = action {
            let looked = run.watchers.look_again(node, lab);
            looked.map_err(|error| watch_error(&run.binding, Host::Node(node), error))?;
            run.events.greet_again(node);
        }
        Ok(Applied::Done)
    }

    fn advance<S: Sink>(&mut self, until: Time, sink: &mut S) -> Result<Stop, BackendError> {
        loop {
            self.go_on()?;
            let (lab, run) = self.run();
            if run.tell(sink) == Flow::Yield {
                return Ok(Stop::Yielded);
            }
            let now = lab.clock().now();
            let next = run.watchers.next_moment(now).min(run.events.next_moment(now));
            let next = run.actors.next_round().map_or(next, |due| next.min(due));
            if next > until {
                lab.clock().wait_until(until);
                return Ok(Stop::Reached);
            }
            lab.clock().wait_until(next);
            run.watchers.look(lab).map_err(|(host, error)| watch_error(&run.binding, host, error))?;
            run.events.look(lab);
            run.start_rounds(lab)?;
        }
    }

    fn gather<S: Sink>(&mut self, sink: &mut S) {
        let (lab, run) = self.run();
        run.events.gather(lab);
        run.tell(sink);
    }

    fn finish(&mut self) -> Result<(), BackendError> {
        let Some(run) = &mut self.run else { return Ok(()) };
        let nodes = run.watchers.nodes_by_use();
        let open = run.actors.undo_all(&mut self.lab, &nodes)?;
        let journal = run.actors.journal().path();
        if !open.is_empty() {
            return Err(BackendError::NotRestored { open, journal: journal.to_owned() });
        }
        // A journal that nobody asked for is of no use when everything is as it was.
        if self.journals.is_none() {
            std::fs::remove_file(journal).map_err(|error| act::journal_error(journal, error))?;
        }
        Ok(())
    }

    fn consulted(&self) -> Vec<Assumption> {
        self.lab.consulted()
    }

    fn replay_options(&self) -> String {
        self.lab.options()
    }

    /// To be dropped when a transcript of a real lab exists.
    fn remarks(&self) -> Vec<String> {
        let name = self.run.as_ref().map_or("", |run| run.plan.as_str());
        let of_hosts = [self.shown(), self.unread()].into_iter().flatten();
        let besides = of_hosts.filter(|_| self.lab.is_real()).map(|text| format!("{name}: {text}"));
        std::iter::once(self.lab.remark()).chain(besides).collect()
    }
}

impl Run {
    /// Starts what of executions is due by now.
    fn start_rounds<L: Lab>(&mut self, lab: &mut L) -> Result<(), BackendError> {
        let now = lab.clock().now();
        if self.actors.next_round().is_none_or(|due| due > now) {
            return Ok(());
        }
        let owner = self.watchers.answers_for_ssisdb(now);
        for started in self.actors.start_rounds(lab, owner)? {
            self.watchers.saw_started(&started, lab.clock().now());
        }
        Ok(())
    }

    fn tell<S: Sink>(&mut self, sink: &mut S) -> Flow {
        let mut flow = Flow::Continue;
        for record in self.watchers.records.drain(..).chain(self.events.records.drain(..)) {
            if sink.record(&record) == Flow::Yield {
                flow = Flow::Yield;
            }
        }
        flow
    }
}

/// Whether a plan changes what SSISDB tells of, so that it is to be asked more often.
fn is_about_ssisdb(plan: &Plan) -> bool {
    let of_agent = |planned: &PlannedAction| matches!(planned.action, Action::WorkerAgent { .. });
    !plan.loads.is_empty() || plan.actions.iter().any(of_agent)
}

fn watch_error(binding: &Binding, host: Host, error: WatchError) -> BackendError {
    let host = binding.host_name(host);
    match error {
        WatchError::Session(error) => BackendError::Session { host, doing: "looking", error },
        WatchError::Strange(error) => BackendError::Lab { host, what: error.to_string() },
        WatchError::Unbound(error) => BackendError::Lab { host, what: error.to_string() },
        WatchError::Io(error) => BackendError::Lab { host, what: format!("it cannot be looked at: {error}") },
    }
}

/// The actions that a lab can carry out and take back.
pub(crate) const ABLE: [Verb; 44] = [
    Verb::MoveRole,
    Verb::StopRole,
    Verb::StartRole,
    Verb::StopResource,
    Verb::StartResource,
    Verb::FailResource,
    Verb::PauseNode,
    Verb::ResumeNode,
    Verb::StopClusterService,
    Verb::StartClusterService,
    Verb::KillClusterService,
    Verb::PowerOff,
    Verb::PowerOn,
    Verb::Freeze,
    Verb::Thaw,
    Verb::ShutDown,
    Verb::KillService,
    Verb::HangService,
    Verb::StopService,
    Verb::StartService,
    Verb::DisableService,
    Verb::EnableService,
    Verb::KillWorker,
    Verb::HangWorker,
    Verb::StopWorker,
    Verb::StartWorker,
    Verb::RemovePossibleOwner,
    Verb::RestorePossibleOwner,
    Verb::SetCluster,
    Verb::Cut,
    Verb::Heal,
    Verb::DisableAdapter,
    Verb::EnableAdapter,
    Verb::FailWitness,
    Verb::RestoreWitness,
    Verb::FailDns,
    Verb::RestoreDns,
    Verb::ReplaceMasterCertificate,
    Verb::ChangeNode,
    Verb::StartExecutions,
    Verb::SetWorkers,
    Verb::EnableWorker,
    Verb::DisableWorker,
    Verb::DeleteWorker,
];
/// What the supplied package is called: the folder in the catalog, the project in it, and, with `.dtsx`, the package.
pub const PACKAGE: &str = "failover-lab";
/// What is not looked at: no page says when a worker writes what its package has told.
const MESSAGES: &str = "where the messages of packages are";
/// Below the folder for temporary files.
const JOURNALS: &str = "failover-lab";
