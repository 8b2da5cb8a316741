//! What becomes of a worker whose service is a program of somebody else's?
//!
//! On real sockets a program can stand in for a worker's service. What it does is its own affair: the world knows what its
//! masters see of it. It is connected as soon as its heartbeat is answered. It is cut off when the master that answered
//! ends or falls silent, and when no request of its own was answered for two of its heartbeats (inferred: a master judges
//! a worker by the time of its last heartbeat alone, and no source gives a limit).

use crate::action::ServiceAction;
use crate::names::{HostId, NodeId, WorkerId};
use crate::observe::{ErrorFamily, Loss, WorkerState};
use crate::scaleout::Response;
use crate::time::Time;

use super::wire::WireCommand;
use super::{ApplyError, Event, World};

/// A program in the place of a worker's service.
#[derive(Clone, Copy, Debug)]
pub(super) struct Program {
    pub(super) runs: bool,
    /// The node that it asked last, and under which name.
    asked: Option<(NodeId, HostId)>,
    /// The node whose master knows it.
    known_to: Option<NodeId>,
    /// When it is cut off if it is not answered before.
    overdue: Time,
}

impl Program {
    pub(super) const STOPPED: Self = Self { runs: false, asked: None, known_to: None, overdue: Time::NEVER };
}

impl World {
    fn program(&mut self, id: WorkerId) -> Option<&mut Program> {
        self.workers[id.index()].program.as_deref_mut()
    }

    /// The moment has come at which a program starts, or is overdue.
    pub(super) fn program_due(&mut self, id: WorkerId) {
        if !std::mem::replace(&mut self.workers[id.index()].started, true) {
            return self.start_program(id);
        }
        let now = self.now;
        if self.program(id).is_some_and(|program| program.overdue <= now) {
            self.program_lost(id, Loss::TimedOut);
        }
    }

    pub(super) fn start_program(&mut self, id: WorkerId) {
        if let Some(program) = self.program(id) {
            *program = Program { runs: true, ..Program::STOPPED };
            self.wire.command(WireCommand::StartProgram { worker: id });
        }
    }

    pub(super) fn end_program(&mut self, id: WorkerId, what: ServiceAction) {
        self.program_ended(id);
        self.wire.command(WireCommand::EndProgram { worker: id, kill: what == ServiceAction::Kill });
    }

    pub(super) fn act_on_program(&mut self, id: WorkerId, what: ServiceAction) -> Result<(), ApplyError> {
        let runs = self.program(id).is_some_and(|program| program.runs);
        match (what, runs) {
            (ServiceAction::Start, true) => return Err(ApplyError::WorkerRuns(id)),
            (ServiceAction::Start, false) => self.start_program(id),
            (ServiceAction::Hang, true) => return Err(ApplyError::ProgramHangs(id)),
            (ServiceAction::Stop | ServiceAction::Kill, true) => self.end_program(id, what),
            (ServiceAction::Stop | ServiceAction::Kill | ServiceAction::Hang, false) => {
                return Err(ApplyError::WorkerStopped(id));
            }
        }
        Ok(())
    }

    /// A program has ended, by itself or because it was told to.
    pub fn program_ended(&mut self, id: WorkerId) {
        if let Some(program) = self.program(id) {
            program.runs = false;
            self.program_lost(id, Loss::Closed);
        }
    }

    /// A request of a program has come in at a node, under this name of the master.
    pub(super) fn program_asks(&mut self, id: WorkerId, node: NodeId, through: HostId) {
        if let Some(program) = self.program(id) {
            program.asked = Some((node, through));
        }
    }

    /// A program is answered.
    pub(super) fn program_answered(&mut self, id: WorkerId, node: NodeId, response: Response) {
        let patience = self.workers[id.index()].machine.settings().agent_heartbeat_interval * 2;
        let overdue = self.now + patience;
        let presented = self.nodes[node.index()].trust.binding;
        let Some(program) = self.program(id) else { return };
        let Some((_, through)) = program.asked.filter(|(asked, _)| *asked == node) else { return };
        match response {
            Response::Registered { .. } => {
                program.known_to = Some(node);
                if let Some(presented) = presented {
                    self.show_worker(id, WorkerState::Connected { through, served_by: node, presented });
                }
            }
            Response::Forbidden => {
                let (error, by) = (ErrorFamily::Forbidden, Some(node));
                return self.show_worker(id, WorkerState::Refused { error, by, presented });
            }
            Response::NoTask
            | Response::Task(_)
            | Response::Noted
            | Response::Refused { .. }
            | Response::NoDatabase => {}
        }
        if let Some(program) = self.program(id)
            && program.known_to.is_some()
        {
            program.overdue = overdue;
            self.queue.push(overdue, Event::WorkerDue(id));
        }
    }

    /// No master of a node is there any more for the programs that it knew.
    pub(super) fn programs_lose(&mut self, node: NodeId, loss: Loss) {
        for index in 0..self.workers.len() {
            let id = WorkerId(index as u32);
            if self.program(id).is_some_and(|program| program.known_to == Some(node)) {
                self.program_lost(id, loss);
            }
        }
    }

    fn program_lost(&mut self, id: WorkerId, loss: Loss) {
        let Some(program) = self.program(id) else { return };
        program.overdue = Time::NEVER;
        if program.known_to.take().is_some() {
            self.show_worker(id, WorkerState::Disconnected(loss));
        }
    }
}
