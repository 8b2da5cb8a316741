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
    /// SSISDB has answered a call that it made for itself, or could not be reached.
    Answered(Result<Answer, SqlError>),
    /// Its process ends.
    Stopped,
}

/// What a master wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MasterEffect {
    /// Call SSISDB at the configured server.
    Ask(Call),
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

    /// The call of SSISDB that it makes for a worker which asks this; none while it does not serve. A request changes
    /// nothing in the master itself.
    pub fn call_for(&self, worker: WorkerId, request: Request) -> Option<Call> {
        self.serves().then_some(match request {
            Request::AgentHeartbeat => Call::UpdateWorkerAgentStatus { worker },
            Request::RequestTask => Call::PullTask { worker },
            Request::ReportTask(report) => Call::UpdateTaskStatus { worker, report },
        })
    }

    fn answered(
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
                    effects.push(MasterEffect::Ask(Call::SweepExpiredTasks));
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

    fn wake(&mut self, now: Time, effects: &mut Vec<MasterEffect>) {
        if self.heartbeat.reached(now) {
            let (next, call) = match self.phase {
                Phase::Registering => (Due::NONE, Call::UpdateMasterSettings),
                Phase::Serving | Phase::Stopped => {
                    (Due::at(now + self.settings.heartbeat_interval), Call::MasterHeartbeat)
                }
            };
            self.heartbeat = next;
            effects.push(MasterEffect::Ask(call));
        }
        if self.sweep.reached(now) {
            self.sweep = Due::at(now + self.settings.sweep_interval);
            effects.push(MasterEffect::Ask(Call::SweepExpiredTasks));
        }
    }
}

impl Machine for Master {
    type Event = MasterEvent;
    type Effect = MasterEffect;

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
                effects.push(MasterEffect::Ask(Call::UpdateMasterSettings));
            }
            MasterEvent::Woken => self.wake(now, effects),
            MasterEvent::Answered(answer) => self.answered(now, answer, choices, effects),
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

impl Response {
    /// What a worker is told when the call that was made for it is answered.
    pub const fn of(answer: Result<Answer, SqlError>) -> Self {
        match answer {
            Ok(Answer::Registered { enabled }) => Self::Registered { enabled },
            Ok(Answer::NoTask) => Self::NoTask,
            Ok(Answer::Task(grant)) => Self::Task(grant),
            Ok(Answer::Done) => Self::Noted,
            Err(SqlError::Message(number)) => Self::Refused { number },
            Err(SqlError::Unreachable) => Self::NoDatabase,
        }
    }
}

/// How long a master waits before it tries SSISDB again while it starts. Inferred: no source gives a figure.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);
