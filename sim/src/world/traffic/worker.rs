//! What does a worker bring about?

use crate::names::WorkerId;
use crate::observe::{Fact, Source, WorkerState};
use crate::planted::{Defect, has};
use crate::scaleout::{WorkerEffect, WorkerEvent};
use crate::step::Machine;
use crate::time::Time;

use super::super::{Event, World};

impl World {
    pub(in crate::world) fn worker_due(&mut self, worker: WorkerId) {
        let host = &mut self.workers[worker.index()];
        if host.program.is_some() {
            return self.program_due(worker);
        }
        if host.overtaken == self.now {
            host.overtaken = Time::NEVER;
        }
        if !host.started {
            host.started = true;
            self.step_worker(worker, WorkerEvent::Started);
        } else if host.armed == self.now {
            host.armed = Time::NEVER;
            if has(Defect::HandshakeWaitsForEver) && host.shakes_hands() {
                return;
            }
            self.step_worker(worker, WorkerEvent::Woken);
        }
    }

    pub(in crate::world) fn step_worker(&mut self, id: WorkerId, event: WorkerEvent) {
        // What an effect makes the same worker do at once comes behind its own effects.
        let first = self.worker_effects.len();
        let host = &mut self.workers[id.index()];
        host.machine.step(self.now, event, &mut self.choices, &mut self.worker_effects);
        let mut next = first;
        while next < self.worker_effects.len() {
            self.carry_out_worker(id, next);
            next += 1;
        }
        self.worker_effects.truncate(first);
        self.arm_worker(id);
    }

    fn arm_worker(&mut self, id: WorkerId) {
        let now = self.now;
        let host = &mut self.workers[id.index()];
        // What should have happened already happens now.
        if let Some(next) = host.machine.next_deadline().map(|next| next.max(now))
            && next < host.armed
        {
            if next == host.overtaken {
                host.overtaken = Time::NEVER;
            } else {
                if host.armed != Time::NEVER {
                    host.overtaken = host.armed;
                }
                self.queue.push(next, Event::WorkerDue(id));
            }
            host.armed = next;
        }
    }

    /// Carries out the effect in this place. What a worker does at each request is done here; what it does seldom lies in
    /// functions of their own.
    fn carry_out_worker(&mut self, id: WorkerId, place: usize) {
        match self.worker_effects[place] {
            WorkerEffect::Send(request) => self.send(id, request),
            WorkerEffect::Connect => self.connect(id),
            WorkerEffect::Drop => self.drop_connection(id),
            WorkerEffect::LogConnected => self.log_connected(id),
            WorkerEffect::LogLost(loss) => self.show_worker(id, WorkerState::Disconnected(loss)),
            WorkerEffect::LogRefused(error) => {
                let connection = &self.workers[id.index()].connection;
                let (by, presented) = (connection.node, connection.presented);
                self.show_worker(id, WorkerState::Refused { error, by, presented });
            }
            WorkerEffect::StartPackage(task) => {
                self.show(Source::Worker(id), Fact::Package { task, worker: id, runs: true });
            }
            WorkerEffect::EndPackage(task) => {
                self.package_ended(id, task);
            }
            WorkerEffect::LogReportRefused { task, number } => {
                self.show(Source::Worker(id), Fact::ReportRefused { task, worker: id, number });
            }
        }
    }

    #[inline(never)]
    fn log_connected(&mut self, id: WorkerId) {
        self.counters.connects += 1;
        let host = &self.workers[id.index()];
        let connection = &host.connection;
        if let (Some(served_by), Some(presented)) = (connection.node, connection.presented) {
            let through = host.machine.settings().endpoint_host;
            self.show_worker(id, WorkerState::Connected { through, served_by, presented });
        }
    }

    #[inline(never)]
    pub(in crate::world) fn show_worker(&mut self, id: WorkerId, state: WorkerState) {
        let host = &mut self.workers[id.index()];
        if host.shown != state {
            host.shown = state;
            self.show(Source::Worker(id), Fact::Worker { worker: id, state });
        }
    }

    /// The connections of all running packages to SSISDB are gone. That they notice at once is inferred.
    pub(in crate::world) fn packages_lose_sql_server(&mut self) {
        for index in 0..self.workers.len() {
            if !self.workers[index].machine.tasks().is_empty() {
                self.step_worker(WorkerId(index as u32), WorkerEvent::SqlServerStopped);
            }
        }
    }
}
