//! What does a Scale Out Worker do?
//!
//! It keeps one connection to the host of its MasterEndpoint, sends heartbeats, pulls tasks, runs their packages and
//! reports on them. Packages outlive connections. It sends one request at a time; what falls due meanwhile is owed.
//!
//! .NET closes a connection that was idle for 100 s (ServicePointManager.MaxServicePointIdleTime, documented). A worker asks
//! for a task or reports on one far more often, so that this never happens here.

mod event;
mod task;

use crate::assumption::{Assumption, HTTP_TIMEOUT};
use crate::choices::{ChoiceKey, Choices, Purpose};
use crate::names::{LoadId, TaskId, WorkerId};
use crate::observe::{ErrorFamily, Loss};
use crate::planted::{Defect, has};
use crate::step::{Machine, Shared};
use crate::time::{Due, Span, Time};

use super::{Report, Request, Response, WorkerSettings};

pub use event::{WorkerEffect, WorkerEvent};

/// The worker service on one machine.
#[derive(Clone, Debug, Hash)]
pub struct Worker {
    id: WorkerId,
    settings: Shared<WorkerSettings>,
    link: Link,
    in_flight: Option<Request>,
    /// Time-out of the attempt or request that is under way, or the next attempt.
    patience: Due,
    /// The shorter of the two time-outs that a request may have is over, and it goes on waiting.
    is_patient: bool,
    heartbeat: Due,
    task_request: Due,
    heartbeat_owed: bool,
    task_request_owed: bool,
    tasks: Vec<RunningTask>,
}

/// A task that a worker holds.
#[derive(Clone, Copy, Debug, Hash)]
pub struct RunningTask {
    /// Which one.
    pub task: TaskId,
    /// Its set of executions.
    pub load: LoadId,
    ends: Due,
    report: Due,
    report_owed: bool,
    last_good_report: Due,
}

impl RunningTask {
    /// When its package ends, if it still runs.
    pub fn package_ends(&self) -> Option<Time> {
        self.ends.moment()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Link {
    /// The service does not run.
    Stopped,
    /// The process does nothing any more; what it has open stays open.
    Hung,
    /// No connection; the next attempt waits for its time.
    Down,
    Connecting,
    /// Connected, and no heartbeat has been answered on this connection.
    Greeting,
    Up,
}

/// How the process of a worker's service stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerProcess {
    /// There is none.
    Stopped,
    /// It runs.
    Runs,
    /// It is there, and does nothing.
    Hangs,
}

impl Worker {
    /// A service that has not been started.
    pub const fn new(id: WorkerId, settings: Shared<WorkerSettings>) -> Self {
        Self {
            id,
            settings,
            link: Link::Stopped,
            in_flight: None,
            patience: Due::NONE,
            is_patient: false,
            heartbeat: Due::NONE,
            task_request: Due::NONE,
            heartbeat_owed: false,
            task_request_owed: false,
            tasks: Vec::new(),
        }
    }

    /// The settings that it read when its service started.
    pub fn settings(&self) -> &WorkerSettings {
        &self.settings
    }

    /// How its process stands.
    pub const fn process(&self) -> WorkerProcess {
        match self.link {
            Link::Stopped => WorkerProcess::Stopped,
            Link::Hung => WorkerProcess::Hangs,
            Link::Down | Link::Connecting | Link::Greeting | Link::Up => WorkerProcess::Runs,
        }
    }

    /// Whether its heartbeat is answered.
    pub fn is_connected(&self) -> bool {
        self.link == Link::Up
    }

    /// The tasks that it holds.
    pub fn tasks(&self) -> &[RunningTask] {
        &self.tasks
    }

    #[inline(never)]
    fn start(&mut self, now: Time, choices: &mut Choices, effects: &mut Vec<WorkerEffect>) {
        let phase = |purpose, period: Span| {
            let key = ChoiceKey { purpose, subject: self.id.0, ordinal: 0 };
            Due::at(now.later(choices.between(key, 0, period.as_micros().saturating_sub(1))))
        };
        self.heartbeat = phase(Purpose::AgentHeartbeatPhase, self.settings.agent_heartbeat_interval);
        self.task_request = phase(Purpose::TaskRequestPhase, self.settings.task_request_interval);
        self.connect(now, effects);
    }

    #[inline(never)]
    fn connect(&mut self, now: Time, effects: &mut Vec<WorkerEffect>) {
        self.link = Link::Connecting;
        self.patience = Due::at(now + self.settings.connect_timeout);
        effects.push(WorkerEffect::Connect);
    }

    #[inline(never)]
    fn wait(&mut self, now: Time, choices: &mut Choices) {
        self.link = Link::Down;
        self.abandon_request();
        self.patience = Due::at(now + self.retry_interval(choices));
    }

    fn retry_interval(&self, choices: &mut Choices) -> Span {
        self.settings.retry_interval.unwrap_or_else(|| match choices.assume(Assumption::WorkerRetry) {
            1 => Span::from_secs(1),
            2 => self.settings.agent_heartbeat_interval,
            _ => self.settings.task_heartbeat_interval,
        })
    }

    fn send(&mut self, now: Time, request: Request, effects: &mut Vec<WorkerEffect>) {
        self.in_flight = Some(request);
        self.is_patient = false;
        self.patience = Due::at(now + self.settings.request_timeout.unwrap_or(SEND_TIMEOUT));
        effects.push(WorkerEffect::Send(request));
    }

    /// The connection is gone: says so and tries at once to get another.
    #[inline(never)]
    fn lose(&mut self, now: Time, loss: Loss, effects: &mut Vec<WorkerEffect>) {
        self.abandon_request();
        effects.push(WorkerEffect::LogLost(loss));
        self.connect(now, effects);
    }

    /// Turns every deadline that has come into a debt, so that the next deadline always lies ahead.
    fn collect_debts(&mut self, now: Time, choices: &mut Choices, effects: &mut Vec<WorkerEffect>) {
        if self.heartbeat.reached(now) {
            self.heartbeat = next(self.heartbeat, now, self.settings.agent_heartbeat_interval);
            self.heartbeat_owed = true;
        }
        if self.task_request.reached(now) {
            self.task_request = next(self.task_request, now, self.settings.task_request_interval);
            self.task_request_owed = true;
        }
        for task in &mut self.tasks {
            if task.ends.reached(now) {
                task.ends = Due::NONE;
                task.report = Due::NONE;
                task.report_owed = true;
                effects.push(WorkerEffect::EndPackage(task.task));
            }
            if task.report.reached(now) {
                task.report = next(task.report, now, self.settings.task_heartbeat_interval);
                task.report_owed = true;
            }
        }
        if !self.tasks.is_empty() && !matches!(self.link, Link::Up | Link::Hung) {
            self.give_up_unheard(now, choices, effects);
        }
    }

    /// Sends what is owed, if the connection is free: heartbeat first, then reports, then a request for a task.
    fn pay_debts(&mut self, now: Time, effects: &mut Vec<WorkerEffect>) {
        if self.link != Link::Up || self.in_flight.is_some() {
            return;
        }
        if self.heartbeat_owed {
            self.heartbeat_owed = false;
            return self.send(now, Request::AgentHeartbeat, effects);
        }
        if let Some(task) = self.tasks.iter_mut().find(|task| task.report_owed) {
            task.report_owed = false;
            let report = Report {
                task: task.task,
                finished: task.ends == Due::NONE,
                lease: self.settings.lease_interval,
            };
            return self.send(now, Request::ReportTask(report), effects);
        }
        if self.task_request_owed {
            self.task_request_owed = false;
            if self.tasks.len() < usize::from(self.settings.max_task_count) {
                self.send(now, Request::RequestTask, effects);
            }
        }
    }

    fn hear(
        &mut self,
        now: Time,
        response: Response,
        choices: &mut Choices,
        effects: &mut Vec<WorkerEffect>,
    ) {
        let Some(request) = self.in_flight.take() else { return };
        self.patience = Due::NONE;
        match (request, response) {
            (_, Response::Forbidden) => {
                effects.push(WorkerEffect::Drop);
                effects.push(WorkerEffect::LogRefused(ErrorFamily::Forbidden));
                self.wait(now, choices);
            }
            (Request::AgentHeartbeat, Response::Registered { .. }) => {
                if self.link == Link::Greeting {
                    self.link = Link::Up;
                    effects.push(WorkerEffect::LogConnected);
                }
            }
            (Request::AgentHeartbeat, Response::NoDatabase | Response::Refused { .. }) => {
                if self.link == Link::Up {
                    effects.push(WorkerEffect::LogLost(Loss::Unserved));
                }
                self.link = Link::Greeting;
                if !has(Defect::GreetingNotRepeated) {
                    self.patience = Due::at(now + self.retry_interval(choices));
                }
            }
            (Request::RequestTask, Response::Task(grant)) => self.begin(now, grant, effects),
            (Request::ReportTask(report), Response::Noted) => self.report_noted(now, report),
            (Request::ReportTask(report), Response::Refused { number }) => {
                self.report_refused(now, report, number, effects);
            }
            (Request::ReportTask(report), Response::NoDatabase) => self.report_failed(now, report, effects),
            // Nothing to do, or the master says what no master says.
            (Request::RequestTask, Response::NoTask | Response::Refused { .. } | Response::NoDatabase) => {}
            (Request::AgentHeartbeat, Response::NoTask | Response::Task(_) | Response::Noted)
            | (Request::RequestTask, Response::Registered { .. } | Response::Noted)
            | (Request::ReportTask(_), Response::Registered { .. } | Response::NoTask | Response::Task(_)) => {
            }
        }
    }

    /// The request under way will not be answered: a report is owed again, anything else has its own rhythm.
    fn abandon_request(&mut self) {
        if let Some(Request::ReportTask(report)) = self.in_flight.take()
            && let Some(task) = self.tasks.iter_mut().find(|task| task.task == report.task)
        {
            task.report_owed = !has(Defect::ReportLostWithConnection);
        }
    }

    /// Whether it goes on waiting for an answer where the first of the two time-outs that may apply has come.
    fn waits_on(&self, choices: &mut Choices) -> bool {
        !self.is_patient
            && self.settings.request_timeout.is_none()
            && choices.assume(Assumption::RequestTimeout) == HTTP_TIMEOUT
    }

    fn wake(&mut self, now: Time, choices: &mut Choices, effects: &mut Vec<WorkerEffect>) {
        self.collect_debts(now, choices, effects);
        if !self.patience.reached(now) {
            return;
        }
        self.patience = Due::NONE;
        match self.link {
            Link::Stopped | Link::Hung => {}
            Link::Down => self.connect(now, effects),
            Link::Connecting => {
                effects.push(WorkerEffect::Drop);
                effects.push(WorkerEffect::LogRefused(ErrorFamily::EndpointNotFound));
                self.wait(now, choices);
            }
            Link::Greeting | Link::Up if self.in_flight.is_some() && self.waits_on(choices) => {
                self.is_patient = true;
                self.patience = Due::at(now + HTTP_REQUEST_TIMEOUT - SEND_TIMEOUT);
            }
            Link::Greeting | Link::Up if self.in_flight.is_some() => {
                effects.push(WorkerEffect::Drop);
                self.lose(now, Loss::TimedOut, effects);
            }
            Link::Greeting | Link::Up => self.send(now, Request::AgentHeartbeat, effects),
        }
    }
}

impl Machine for Worker {
    type Event = WorkerEvent;
    type Effect = WorkerEffect;

    fn step(
        &mut self,
        now: Time,
        event: WorkerEvent,
        choices: &mut Choices,
        effects: &mut Vec<WorkerEffect>,
    ) {
        if self.link == Link::Hung && !matches!(event, WorkerEvent::Woken) {
            return;
        }
        match event {
            WorkerEvent::Started => self.start(now, choices, effects),
            WorkerEvent::Woken => self.wake(now, choices, effects),
            WorkerEvent::Hung => self.link = Link::Hung,
            // 21 s more for each further address (multi-subnet clustering of SQL Server, documented for legacy clients).
            WorkerEvent::Resolved { addresses } => {
                if self.link == Link::Connecting {
                    self.patience = Due::at(now + self.settings.connect_timeout * u32::from(addresses));
                }
            }
            WorkerEvent::Connected => {
                if self.link == Link::Connecting {
                    self.link = Link::Greeting;
                    // What fell due without a connection is dropped: the rhythm goes on.
                    self.heartbeat_owed = false;
                    self.task_request_owed = false;
                    self.send(now, Request::AgentHeartbeat, effects);
                }
            }
            WorkerEvent::ConnectFailed(error) => {
                if self.link == Link::Connecting {
                    effects.push(WorkerEffect::LogRefused(error));
                    self.wait(now, choices);
                }
            }
            WorkerEvent::Lost(loss) => match self.link {
                Link::Greeting | Link::Up => self.lose(now, loss, effects),
                Link::Connecting => {
                    effects.push(WorkerEffect::LogRefused(ErrorFamily::EndpointNotFound));
                    self.wait(now, choices);
                }
                Link::Stopped | Link::Hung | Link::Down => {}
            },
            WorkerEvent::Answered(response) => self.hear(now, response, choices, effects),
            WorkerEvent::SqlServerStopped => self.lose_sql_server(choices, effects),
        }
        self.pay_debts(now, effects);
    }

    fn next_deadline(&self) -> Option<Time> {
        let own = self.patience.or_earlier(self.heartbeat).or_earlier(self.task_request);
        self.tasks.iter().fold(own, |due, task| due.or_earlier(task.ends).or_earlier(task.report)).moment()
    }
}

/// The next moment of a rhythm whose last one has come; missed ones are dropped.
fn next(due: Due, now: Time, period: Span) -> Due {
    let Some(last) = due.moment() else { return Due::NONE };
    let next = last + period;
    Due::at(if next > now { next } else { now.next_beat(last, period.into()) })
}

/// WCF's SendTimeout, default (documented).
const SEND_TIMEOUT: Span = Span::from_secs(60);

/// `HttpWebRequest.Timeout`, default (documented).
const HTTP_REQUEST_TIMEOUT: Span = Span::from_secs(100);
