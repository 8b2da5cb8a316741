//! How do a request and its answer travel on a connection that stands?

use crate::names::{NodeId, WorkerId};
use crate::net::SEGMENT_AGAIN;
use crate::observe::Loss;
use crate::scaleout::{Request, Response, WorkerEvent};

use super::super::wire::WireCommand;
use super::super::{Event, World};
use super::Path;

impl World {
    pub(super) fn send(&mut self, id: WorkerId, request: Request) {
        let connection = &mut self.workers[id.index()].connection;
        let number = connection.number;
        connection.request = Some(request);
        if !self.wire.command(WireCommand::Send { worker: id, connection: number, request }) {
            let delay = self.link_delay(id);
            self.queue.push(self.now.later(delay), Event::RequestArrived { worker: id, connection: number });
        }
    }

    /// A request, or its `attempt`th repetition by TCP, reaches whoever has the address.
    pub(in crate::world) fn request_arrived(&mut self, id: WorkerId, number: u32, attempt: u8) {
        let connection = &self.workers[id.index()].connection;
        if connection.number != number {
            return;
        }
        match self.path(connection) {
            Path::Delivered if !self.is_lost(id) => self.request_delivered(id),
            Path::Reset => self.connection_lost(id, number, Loss::Reset),
            Path::Delivered | Path::Silent => {
                let attempt = usize::from(attempt);
                let before = attempt.checked_sub(1).map_or_else(Default::default, |n| SEGMENT_AGAIN[n]);
                match SEGMENT_AGAIN.get(attempt) {
                    Some(&again) => {
                        let attempt = attempt as u8 + 1;
                        let event = Event::SegmentAgain { worker: id, connection: number, attempt };
                        self.queue.push(self.now + (again - before), event);
                    }
                    None => self.connection_lost(id, number, Loss::TimedOut),
                }
            }
        }
    }

    fn request_delivered(&mut self, id: WorkerId) {
        let connection = &self.workers[id.index()].connection;
        let (Some(request), Some(node)) = (connection.request, connection.node) else { return };
        if self.nodes[node.index()].master.hangs {
            // Behind HTTP.SYS a hung service accepts and never answers.
        } else if connection.admitted {
            self.serve(node, id, request);
        } else {
            self.respond(node, id, Response::Forbidden);
        }
    }

    pub(in crate::world) fn respond(&mut self, node: NodeId, to: WorkerId, response: Response) {
        if self.wire.command(WireCommand::Respond { node, to, response }) {
            return self.program_answered(to, node, response);
        }
        let delay = self.link_delay(to);
        let connection = &mut self.workers[to.index()].connection;
        connection.response = Some(response);
        let event = Event::ResponseArrived { worker: to, connection: connection.number };
        if let Some(again) = self.sent_again(to) {
            self.queue.push(self.now.later(delay + again), event);
        }
    }

    pub(in crate::world) fn response_arrived(&mut self, id: WorkerId, number: u32) {
        let connection = &mut self.workers[id.index()].connection;
        if connection.number != number {
            return;
        }
        let (Some(request), Some(response)) = (connection.request.take(), connection.response.take()) else {
            return;
        };
        self.count_answer(request);
        self.step_worker(id, WorkerEvent::Answered(response));
    }

    pub(super) fn count_answer(&mut self, request: Request) {
        self.counters.requests += 1;
        match request {
            Request::ReportTask(_) => self.counters.reports += 1,
            Request::AgentHeartbeat | Request::RequestTask => {}
        }
    }
}
