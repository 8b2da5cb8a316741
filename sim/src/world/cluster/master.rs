//! How does a master's process run on its node?

use std::time::Duration;

use crate::choices::Purpose;
use crate::cluster::ResourceKind;
use crate::names::{NodeId, WorkerId};
use crate::observe::Loss;
use crate::scaleout::{Master, MasterEffect, MasterEvent, Request, Response};
use crate::step::Machine;
use crate::time::Time;

use super::super::wire::WireCommand;
use super::super::{Event, World};
use super::availability::Asker;

impl World {
    /// The service control manager starts the master, if it can; one that runs already is taken as started.
    pub(in crate::world) fn start_master(&mut self, node: NodeId) -> bool {
        let host = &mut self.nodes[node.index()];
        // A service that does not exist cannot be opened (event 1040, documented).
        if host.disabled.master || host.master_missing {
            return false;
        }
        let master = &mut host.master;
        if !master.is_running {
            master.port = host.settings.port;
            master.machine = Master::new(host.settings.clone());
            master.is_running = true;
            master.run += 1;
            let run = master.run;
            let spread = self.topology.timings.master_serves;
            let mut time = self.draw(Purpose::ServeTime, u32::from(node.0), run, spread);
            if self.wire.command(WireCommand::StartMaster { node }) {
                time = time.max(FILES_ARE_READ);
            }
            self.queue.push(self.now + time, Event::MasterReady { node, run });
        }
        true
    }

    pub(super) fn stop_master(&mut self, node: NodeId, loss: Loss) {
        let master = &mut self.nodes[node.index()].master;
        if master.is_running {
            let run = master.run;
            master.is_running = false;
            master.hangs = false;
            master.listens = false;
            master.armed = Time::NEVER;
            self.break_connections(node, run, loss);
            self.step_master(node, MasterEvent::Stopped);
        }
    }

    /// The master's process ends without the cluster's doing: the next LooksAlive poll sees that the service control
    /// manager does not say RUNNING (Generic Service, documented).
    pub(in crate::world) fn master_ends(&mut self, node: NodeId, loss: Loss) {
        self.stop_master(node, loss);
        self.poll_will_find(node, ResourceKind::ScaleOutMaster);
    }

    /// The master ended by itself with an error.
    fn master_exits(&mut self, node: NodeId) {
        self.master_ends(node, Loss::Reset);
    }

    pub(super) fn step_master(&mut self, node: NodeId, event: MasterEvent) {
        // What an effect makes a master do at once comes behind its own effects.
        let first = self.master_effects.len();
        let master = &mut self.nodes[node.index()].master;
        master.machine.step(self.now, event, &mut self.choices, &mut self.master_effects);
        let mut next = first;
        while let Some(&effect) = self.master_effects.get(next) {
            next += 1;
            match effect {
                MasterEffect::Ask(call) => {
                    let Some(answer) = self.ask_ssisdb(node, call) else {
                        self.wait_for_replica(node, Asker::Own, call);
                        continue;
                    };
                    let event = MasterEvent::Answered(answer);
                    let master = &mut self.nodes[node.index()].master;
                    master.machine.step(self.now, event, &mut self.choices, &mut self.master_effects);
                }
                MasterEffect::Serve => {
                    self.nodes[node.index()].master.listens = true;
                    self.wire.command(WireCommand::Listen { node });
                }
                MasterEffect::Exit => self.master_exits(node),
            }
        }
        self.master_effects.truncate(first);
        self.arm_master(node);
    }

    /// A worker's request has come in at the master of a node.
    #[inline(always)]
    pub(in crate::world) fn serve(&mut self, node: NodeId, worker: WorkerId, request: Request) {
        let Some(call) = self.nodes[node.index()].master.machine.call_for(worker, request) else { return };
        match self.ask_ssisdb(node, call) {
            Some(answer) => self.respond(node, worker, Response::of(answer)),
            None => self.wait_for_replica(node, Asker::Worker(worker), call),
        }
    }

    pub(in crate::world) fn master_due(&mut self, node: NodeId) {
        let master = &mut self.nodes[node.index()].master;
        if master.armed == self.now {
            master.armed = Time::NEVER;
            self.step_master(node, MasterEvent::Woken);
        }
    }

    fn arm_master(&mut self, node: NodeId) {
        let master = &mut self.nodes[node.index()].master;
        if let Some(next) = master.machine.next_deadline()
            && next < master.armed
        {
            master.armed = next;
            self.queue.push(next, Event::MasterDue(node));
        }
    }
}

/// With files that somebody outside keeps, the service needs some time to read them: whoever keeps them is asked in it.
const FILES_ARE_READ: Duration = Duration::from_micros(1);
