//! What does whoever carries the wire hear of the nodes, and what does the world hear from there?

use crate::names::NodeId;
use crate::observe::Loss;
use crate::scaleout::{Response, WorkerEvent};
use crate::time::Time;

use super::super::World;
use super::super::wire::{WireCommand, WireEvent};
use super::Stage;

impl World {
    /// Takes in what came of a command to an outside wire, at `now`.
    pub fn wire_event(&mut self, now: Time, event: WireEvent) {
        self.now = self.now.max(now);
        match event {
            WireEvent::Connected { worker, connection, by, presented } => {
                if self.is_current(worker, connection) {
                    let open = &mut self.workers[worker.index()].connection;
                    open.stage = Stage::Open;
                    open.node = Some(by);
                    open.presented = Some(presented);
                    let now = self.now;
                    self.attempt(worker, |attempt| attempt.handshaken = Some(now));
                    self.step_worker(worker, WorkerEvent::Connected);
                }
            }
            WireEvent::Accepted { worker, connection } => {
                if self.is_current(worker, connection) {
                    let now = self.now;
                    self.attempt(worker, |attempt| attempt.connected = Some(now));
                }
            }
            WireEvent::ConnectFailed { worker, connection, error, by, presented } => {
                if self.is_current(worker, connection) {
                    let failed = &mut self.workers[worker.index()].connection;
                    failed.node = by;
                    failed.presented = presented;
                    self.connect_failed(worker, connection, error);
                }
            }
            WireEvent::Lost { worker, connection, loss } => self.connection_lost(worker, connection, loss),
            WireEvent::Answered { worker, connection, response } => {
                if self.is_current(worker, connection)
                    && let Some(request) = self.workers[worker.index()].connection.request.take()
                {
                    self.count_answer(request);
                    self.step_worker(worker, WorkerEvent::Answered(response));
                }
            }
            WireEvent::Forbidden { node, from, through } => {
                self.program_asks(from, node, through);
                self.program_answered(from, node, Response::Forbidden);
            }
            WireEvent::RequestArrived { node, from, request, through } => {
                self.program_asks(from, node, through);
                // Behind HTTP.SYS a hung service accepts and never answers.
                if !self.nodes[node.index()].master.hangs {
                    self.serve(node, from, request);
                }
            }
        }
    }

    /// Tells whoever carries the wire that nobody reaches a node any more.
    pub(in crate::world) fn fall_silent(&mut self, node: NodeId) {
        self.wire.command(WireCommand::Silence { node });
        self.programs_lose(node, Loss::TimedOut);
    }

    /// Tells whoever carries the wire whether a node can be reached.
    pub(in crate::world) fn tell_whether_heard(&mut self, node: NodeId) {
        if !self.lets_in(node) {
            return self.fall_silent(node);
        }
        self.wire.command(WireCommand::Wake { node });
        if self.nodes[node.index()].listens() {
            self.wire.command(WireCommand::Listen { node });
        }
    }
}
