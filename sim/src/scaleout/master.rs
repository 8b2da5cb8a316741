//! What does a Scale Out Master do?
//!
//! It serves workers over HTTPS, reads and writes SSISDB on their behalf, keeps LAST_ONLINE_TIME fresh and sweeps
//! expired tasks (Scale Out Master page, documented; the calls are read in SSISDB's procedures).

use std::time::Duration;

use crate::assumption::{Assumption, MASTER_STOPS, SWEEP_BEFORE_SERVING};
use crate::choices::Choices;
use crate::names::WorkerId;
use crate::sql::{Answer, Call, SqlError};
use crate::step::{Machine, Shared};
use crate::time::{Due, Time};

use super::{MasterSettings, Request, Response};

/// The service on one node, from its start to its stop.
#[derive(Clone, Debug, Hash)]
pub struct Master {
    settings: Shared<MasterSettings>,
    phase: Phase,
    heartbeat: Due,
    sweep: Due,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Stopped,
    /// Writes its settings into SSISDB; serves when that is done.
    Registering,
    Serving,
}

/// What can happen to a master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MasterEvent {
    /// Its service is ready to work.
    Started,
    /// A deadline may have come.
    Woken,
    /// A worker's request has come in.
    RequestArrived {
        /// Who asks.
        from: WorkerId,
        /// What it asks.
        request: Request,
    },
    /// SSISDB has answered a call, or could not be reached.
    Answered {
        /// On whose behalf the call was made.
        asker: Asker,
        /// The answer.
        answer: Result<Answer, SqlError>,
    },
    /// Its process ends.
    Stopped,
}

/// On whose behalf a master calls SSISDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asker {
    /// A worker that waits for the answer.
    Worker(WorkerId),
    /// The master itself.
    Own,
}

/// What a master wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MasterEffect {
    /// Call SSISDB at the configured server.
    Ask {
        /// On whose behalf.
        asker: Asker,
        /// The call.
        call: Call,
    },
    /// Answer a worker.
    Respond {
        /// Whom.
        to: WorkerId,
        /// The answer.
        response: Response,
    },
    /// Open the endpoint to requests.
    Serve,
    /// End the process with an error.
    Exit,
}

impl Master {
    /// A service that has not been started.
    pub const fn new(settings: Shared<MasterSettings>) -> Self {
        Self { settings, phase: Phase::Stopped, heartbeat: Due::NONE, sweep: Due::NONE }
    }

    /// The settings that it read when its service started.
    pub fn settings(&self) -> &MasterSettings {
        &self.settings
    }

    /// Whether its service has been ready to work since it started.
    pub fn has_begun(&self) -> bool {
        self.phase != Phase::Stopped
    }

    /// Whether requests are answered.
    pub fn serves(&self) -> bool {
        self.phase == Phase::Serving
    }

    #[inline(never)]
    fn answer_own(
        &mut self,
        now: Time,
        answer: Result<Answer, SqlError>,
        choices: &mut Choices,
        effects: &mut Vec<MasterEffect>,
    ) {
        match (self.phase, answer) {
            (Phase::Registering, Ok(_)) => {
                self.phase = Phase::Serving;
                self.heartbeat = Due::at(now + self.settings.heartbeat_interval);
                self.sweep = Due::at(now + self.settings.sweep_interval);
                if choices.assume(Assumption::FirstSweep) == SWEEP_BEFORE_SERVING {
                    effects.push(MasterEffect::Ask { asker: Asker::Own, call: Call::SweepExpiredTasks });
                }
                effects.push(MasterEffect::Serve);
            }
            (Phase::Registering, Err(_)) => {
                if choices.assume(Assumption::MasterWithoutSsisdb) == MASTER_STOPS {
                    self.phase = Phase::Stopped;
                    effects.push(MasterEffect::Exit);
                } else {
                    self.heartbeat = Due::at(now + RETRY_INTERVAL);
                }
            }
            // A missed heartbeat or sweep is made up for by the next one.
            (Phase::Serving | Phase::Stopped, Ok(_) | Err(_)) => {}
        }
    }

    #[inline(never)]
    fn wake(&mut self, now: Time, effects: &mut Vec<MasterEffect>) {
        if self.heartbeat.reached(now) {
            let (next, call) = match self.phase {
                Phase::Registering => (Due::NONE, Call::UpdateMasterSettings),
                Phase::Serving | Phase::Stopped => {
                    (Due::at(now + self.settings.heartbeat_interval), Call::MasterHeartbeat)
                }
            };
            self.heartbeat = next;
            effects.push(MasterEffect::Ask { asker: Asker::Own, call });
        }
        if self.sweep.reached(now) {
            self.sweep = Due::at(now + self.settings.sweep_interval);
            effects.push(MasterEffect::Ask { asker: Asker::Own, call: Call::SweepExpiredTasks });
        }
    }
}

impl Machine for Master {
    type Event = MasterEvent;
    type Effect = MasterEffect;

    #[inline]
    fn step(
        &mut self,
        now: Time,
        event: MasterEvent,
        choices: &mut Choices,
        effects: &mut Vec<MasterEffect>,
    ) {
        match event {
            MasterEvent::Started => {
                self.phase = Phase::Registering;
                effects.push(MasterEffect::Ask { asker: Asker::Own, call: Call::UpdateMasterSettings });
            }
            MasterEvent::Woken => self.wake(now, effects),
            MasterEvent::RequestArrived { from, request } => {
                if self.phase == Phase::Serving {
                    let call = match request {
                        Request::AgentHeartbeat => Call::UpdateWorkerAgentStatus { worker: from },
                        Request::RequestTask => Call::PullTask { worker: from },
                        Request::ReportTask(report) => Call::UpdateTaskStatus { worker: from, report },
                    };
                    effects.push(MasterEffect::Ask { asker: Asker::Worker(from), call });
                }
            }
            MasterEvent::Answered { asker: Asker::Worker(to), answer } => {
                effects.push(MasterEffect::Respond { to, response: response(answer) });
            }
            MasterEvent::Answered { asker: Asker::Own, answer } => {
                self.answer_own(now, answer, choices, effects);
            }
            MasterEvent::Stopped => {
                self.phase = Phase::Stopped;
                self.heartbeat = Due::NONE;
                self.sweep = Due::NONE;
            }
        }
    }

    fn next_deadline(&self) -> Option<Time> {
        self.heartbeat.or_earlier(self.sweep).moment()
    }
}

const fn response(answer: Result<Answer, SqlError>) -> Response {
    match answer {
        Ok(Answer::Registered { enabled }) => Response::Registered { enabled },
        Ok(Answer::NoTask) => Response::NoTask,
        Ok(Answer::Task(grant)) => Response::Task(grant),
        Ok(Answer::Done) => Response::Noted,
        Err(SqlError::Message(number)) => Response::Refused { number },
        Err(SqlError::Unreachable) => Response::NoDatabase,
    }
}

/// How long a master waits before it tries SSISDB again while it starts. Inferred: no source gives a figure.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);
