//! What does an action do to a worker: to its service, its settings, or its row in SSISDB?

use crate::action::{AgentAction, ServiceAction, WorkerSetting};
use crate::assumption::{Assumption, PACKAGES_RUN_ON};
use crate::names::WorkerId;
use crate::observe::{AgentRow, Fact, Loss, Source, WorkerState};
use crate::scaleout::{Worker, WorkerEvent, WorkerProcess, WorkerSettings};
use crate::step::Shared;

use super::super::{Event, World};
use super::ApplyError;

impl World {
    /// T-SQL, which needs SSISDB.
    pub(super) fn change_agent(&mut self, worker: WorkerId, what: AgentAction) -> Result<(), ApplyError> {
        self.primary().ok_or(ApplyError::NoSsisdb)?;
        let (found, row) = match what {
            AgentAction::Enable => (self.ssisdb.enable(worker, true), AgentRow::Enabled),
            AgentAction::Disable => (self.ssisdb.enable(worker, false), AgentRow::Disabled),
            AgentAction::Delete => (self.ssisdb.delete_agent(worker), AgentRow::Missing),
        };
        if !found {
            return Err(ApplyError::WorkerUnknown(worker));
        }
        self.show(Source::Ssisdb, Fact::WorkerAgent { worker, row });
        Ok(())
    }

    pub(super) fn act_on_worker(&mut self, id: WorkerId, what: ServiceAction) -> Result<(), ApplyError> {
        if self.workers[id.index()].program.is_some() {
            return self.act_on_program(id, what);
        }
        let machine = &self.workers[id.index()].machine;
        match (what, machine.process()) {
            (ServiceAction::Start, WorkerProcess::Stopped) => self.start_worker(id),
            (ServiceAction::Start, WorkerProcess::Runs) => return Err(ApplyError::WorkerRuns(id)),
            (ServiceAction::Start, WorkerProcess::Hangs) => {
                let settings = machine.settings().clone();
                self.end_worker(id, settings);
                self.start_worker(id);
            }
            (ServiceAction::Stop | ServiceAction::Kill | ServiceAction::Hang, WorkerProcess::Stopped) => {
                return Err(ApplyError::WorkerStopped(id));
            }
            // Nothing is heard of it from here on; its packages have processes of their own.
            (ServiceAction::Hang, _) => {
                self.step_worker(id, WorkerEvent::Hung);
                self.show_worker(id, WorkerState::Disconnected(Loss::TimedOut));
            }
            (ServiceAction::Stop | ServiceAction::Kill, _) => {
                let settings = machine.settings().clone();
                self.end_worker(id, settings);
            }
        }
        Ok(())
    }

    fn start_worker(&mut self, id: WorkerId) {
        self.step_worker(id, WorkerEvent::Started);
        self.send_log_cache(id);
    }

    /// A worker's process ends; the next one reads these settings. Whether its packages, which have processes of their own,
    /// end with it is an assumption.
    pub(in crate::world) fn end_worker(&mut self, id: WorkerId, settings: WorkerSettings) {
        let host = &mut self.workers[id.index()];
        let ended = std::mem::replace(&mut host.machine, Worker::new(id, Shared::new(settings)));
        host.resolver.forget_process();
        let running = ended.tasks().iter().filter_map(|task| Some((task.task, task.package_ends()?)));
        for (task, ends) in running {
            if self.choices.assume(Assumption::PackagesWithoutWorker) == PACKAGES_RUN_ON {
                self.queue.push(ends, Event::PackageEnds { worker: id, task });
            } else {
                self.package_ended(id, task);
            }
        }
        self.drop_connection(id);
        self.show_worker(id, WorkerState::Disconnected(Loss::Closed));
    }

    /// Edits every worker's settings file and restarts its service, which is how the change takes effect (documented).
    pub(super) fn set_workers(&mut self, setting: WorkerSetting) {
        for index in 0..self.workers.len() {
            self.set_worker(WorkerId(index as u32), setting);
        }
    }

    /// The same for one of them.
    pub fn set_worker(&mut self, id: WorkerId, setting: WorkerSetting) {
        let host = &mut self.workers[id.index()];
        let host_is_program = host.program.is_some();
        let mut settings = host.machine.settings().clone();
        match setting {
            WorkerSetting::MaxTaskCount(value) => settings.max_task_count = value,
            WorkerSetting::AgentHeartbeatInterval(value) => settings.agent_heartbeat_interval = value.into(),
            WorkerSetting::TaskHeartbeatInterval(value) => settings.task_heartbeat_interval = value.into(),
        }
        self.end_worker(id, settings);
        if host_is_program {
            self.end_program(id, ServiceAction::Stop);
            self.start_program(id);
        } else {
            self.start_worker(id);
        }
    }
}
