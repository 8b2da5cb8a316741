//! How are sets of executions started?

use std::time::Duration;

use crate::action::LoadWorkers;
use crate::names::{LoadId, WorkerId};

use super::super::{Event, World};

impl World {
    /// Whoever starts executions in rounds begins each one at its time; while SSISDB cannot take it in, it is tried again.
    pub(in crate::world) fn start_round(&mut self, load: LoadId, round: u32) {
        let plan = self.loads[load.index()];
        if round != LATE && round + 1 < plan.rounds {
            self.queue.push(self.now + plan.every, Event::LoadRound { load, round: round + 1 });
        }
        if !self.ssisdb_commits() {
            return self.queue.push(self.now + TRIED_AGAIN, Event::LoadRound { load, round: LATE });
        }
        let named: u32 = match plan.workers {
            LoadWorkers::Any => 1,
            LoadWorkers::EachNamed => self.workers.len() as u32,
        };
        for worker in 0..named {
            let worker = match plan.workers {
                LoadWorkers::Any => None,
                LoadWorkers::EachNamed => Some(WorkerId(worker)),
            };
            for _ in 0..plan.count {
                self.ssisdb.start_execution(
                    self.now,
                    load,
                    worker,
                    plan.duration,
                    plan.retry_count,
                    &mut self.changes,
                );
                self.show_changes();
            }
        }
    }
}

/// A round that is tried again; the one after it has been set up already.
const LATE: u32 = u32::MAX;

/// Time after which a round of executions is tried again that SSISDB could not take in. Assumed: it is the client's own.
const TRIED_AGAIN: Duration = Duration::from_secs(5);
