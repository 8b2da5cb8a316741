//! The peer "bare event loop with request time-outs": how fast can the workload be at all?
//!
//! A loop over a timing wheel does exactly the workload and nothing more: no cluster, no trust, no records. Every
//! request arms a time-out, which its answer cancels.

use crate::measure::Totals;
use crate::wheel::{Ticket, Wheel};
use crate::workload::{
    CRASH_PERIOD, FIRST_CRASH, HEARTBEAT_PERIOD, Link, REQUEST_TIME_OUT, RETRY_PERIOD, Standing, TAKEOVER,
    TASK_REQUEST_PERIOD, TASK_REQUESTS_PER_TASK, assert_complete, first_heartbeat_micros,
    first_task_request_micros, micros,
};

/// Runs W(workers, failovers) once with this seed.
///
/// # Panics
/// If at the end some worker is not connected, or has not reconnected exactly once for each failover.
pub fn run(workers: u32, failovers: u32, seed: u64) -> Totals {
    let mut bare = BareLoop::new(workers, failovers, seed);
    bare.run_to_end();
    assert_complete(failovers, bare.workers.iter().map(Worker::standing));
    let reconnects = bare.workers.iter().map(|worker| u64::from(worker.reconnects)).sum();
    Totals::of_run(failovers, bare.answered, reconnects)
}

struct BareLoop {
    now: u64,
    agenda: Wheel<Event>,
    workers: Vec<Worker>,
    /// The host that serves, counted from 0; none between a death and the takeover.
    host: Option<u32>,
    next_host: u32,
    answered: u64,
}

#[derive(Clone, Copy)]
enum Event {
    BeatDue { worker: u32, kind: Kind },
    RequestArrived { worker: u32, number: u32, kind: Kind },
    AnswerArrived { worker: u32, number: u32, has_task: bool },
    AnswerTimedOut { worker: u32, number: u32 },
    RetryDue { worker: u32 },
    HostCrashed,
    NameTakenOver,
    RunEnded,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Heartbeat,
    TaskRequest,
}

struct Worker {
    link: Link,
    /// The request on its way, if any. An event of any other request is stale.
    awaited: Option<u32>,
    /// The time-out of that request.
    time_out: Ticket,
    state: State,
    /// The beat that waits for the answer on its way.
    waiting: Waiting,
    /// The host of the connection, broken or not.
    host: u32,
    /// Requests sent; also the number of the last one.
    sent: u32,
    reconnects: u32,
    task_requests: u32,
    tasks: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Disconnected,
    /// The first heartbeat on a fresh connection is on its way.
    Greeting,
    Connected,
}

#[derive(Clone, Copy, Default)]
struct Waiting {
    heartbeat: bool,
    task_request: bool,
}

impl BareLoop {
    fn new(workers: u32, failovers: u32, seed: u64) -> Self {
        let mut agenda = Wheel::new();
        agenda.push(u64::from(failovers) * micros(CRASH_PERIOD), Event::RunEnded);
        for crash in 0..u64::from(failovers) {
            let time = micros(FIRST_CRASH) + crash * micros(CRASH_PERIOD);
            agenda.push(time, Event::HostCrashed);
            agenda.push(time + micros(TAKEOVER), Event::NameTakenOver);
        }
        for worker in 0..workers {
            let (heartbeat, task_request) = (Kind::Heartbeat, Kind::TaskRequest);
            agenda.push(first_heartbeat_micros(seed, worker), Event::BeatDue { worker, kind: heartbeat });
            agenda
                .push(first_task_request_micros(seed, worker), Event::BeatDue { worker, kind: task_request });
        }
        let workers = (0..workers).map(|worker| Worker::new(Link::new(seed, worker))).collect();
        Self { now: 0, agenda, workers, host: Some(0), next_host: 1, answered: 0 }
    }

    fn run_to_end(&mut self) {
        while let Some((time, event)) = self.agenda.pop() {
            self.now = time;
            match event {
                Event::BeatDue { worker, kind } => self.beat(worker, kind),
                Event::RequestArrived { worker, number, kind } => self.serve(worker, number, kind),
                Event::AnswerArrived { worker, number, has_task } => self.accept(worker, number, has_task),
                Event::AnswerTimedOut { worker, number } => {
                    if self.workers[worker as usize].awaited == Some(number) {
                        self.disconnect(worker);
                    }
                }
                Event::RetryDue { worker } => self.connect(worker),
                Event::HostCrashed => self.crash(),
                Event::NameTakenOver => {
                    self.host = Some(self.next_host);
                    self.next_host += 1;
                }
                Event::RunEnded => return,
            }
        }
    }

    fn beat(&mut self, id: u32, kind: Kind) {
        self.agenda.push(self.now + kind.period_micros(), Event::BeatDue { worker: id, kind });
        let worker = &mut self.workers[id as usize];
        match worker.state {
            State::Connected if worker.awaited.is_none() => self.send(id, kind),
            State::Connected => worker.waiting.add(kind),
            // A missed beat is dropped.
            State::Disconnected | State::Greeting => {}
        }
    }

    fn send(&mut self, id: u32, kind: Kind) {
        let worker = &mut self.workers[id as usize];
        if self.host != Some(worker.host) {
            self.disconnect(id);
            return;
        }
        worker.sent += 1;
        let number = worker.sent;
        worker.awaited = Some(number);
        let arrival = self.now + worker.link.request_micros(number);
        self.agenda.push(arrival, Event::RequestArrived { worker: id, number, kind });
        let time_out = self.now + micros(REQUEST_TIME_OUT);
        worker.time_out = self.agenda.push(time_out, Event::AnswerTimedOut { worker: id, number });
    }

    /// What the host does with a request.
    fn serve(&mut self, id: u32, number: u32, kind: Kind) {
        let worker = &mut self.workers[id as usize];
        if worker.awaited != Some(number) || self.host != Some(worker.host) {
            return;
        }
        let has_task = kind == Kind::TaskRequest && {
            worker.task_requests += 1;
            worker.task_requests.is_multiple_of(TASK_REQUESTS_PER_TASK)
        };
        let arrival = self.now + worker.link.answer_micros(number);
        self.agenda.push(arrival, Event::AnswerArrived { worker: id, number, has_task });
    }

    /// What the worker does with an answer.
    fn accept(&mut self, id: u32, number: u32, has_task: bool) {
        let worker = &mut self.workers[id as usize];
        if worker.awaited != Some(number) {
            return;
        }
        worker.awaited = None;
        self.agenda.cancel(worker.time_out);
        worker.tasks += u32::from(has_task);
        self.answered += 1;
        if worker.state == State::Greeting {
            worker.state = State::Connected;
            worker.reconnects += 1;
        }
        if let Some(kind) = worker.waiting.take() {
            self.send(id, kind);
        }
    }

    fn crash(&mut self) {
        self.host = None;
        for id in 0..self.workers.len() as u32 {
            if self.workers[id as usize].awaited.is_some() {
                self.disconnect(id);
            }
        }
    }

    fn disconnect(&mut self, id: u32) {
        let worker = &mut self.workers[id as usize];
        worker.awaited = None;
        self.agenda.cancel(worker.time_out);
        worker.waiting = Waiting::default();
        worker.state = State::Disconnected;
        self.connect(id);
    }

    fn connect(&mut self, id: u32) {
        if let Some(host) = self.host {
            let worker = &mut self.workers[id as usize];
            worker.host = host;
            worker.state = State::Greeting;
            self.send(id, Kind::Heartbeat);
        } else {
            self.agenda.push(self.now + micros(RETRY_PERIOD), Event::RetryDue { worker: id });
        }
    }
}

impl Worker {
    fn new(link: Link) -> Self {
        Self {
            link,
            awaited: None,
            time_out: Ticket::NONE,
            state: State::Connected,
            waiting: Waiting::default(),
            host: 0,
            sent: 0,
            reconnects: 0,
            task_requests: 0,
            tasks: 0,
        }
    }

    fn standing(&self) -> Standing {
        Standing {
            host: (self.state == State::Connected).then_some(self.host),
            reconnects: self.reconnects,
            task_requests: self.task_requests,
            tasks: self.tasks,
        }
    }
}

impl Kind {
    const fn period_micros(self) -> u64 {
        match self {
            Self::Heartbeat => micros(HEARTBEAT_PERIOD),
            Self::TaskRequest => micros(TASK_REQUEST_PERIOD),
        }
    }
}

impl Waiting {
    const fn add(&mut self, kind: Kind) {
        match kind {
            Kind::Heartbeat => self.heartbeat = true,
            Kind::TaskRequest => self.task_request = true,
        }
    }

    fn take(&mut self) -> Option<Kind> {
        if std::mem::take(&mut self.heartbeat) {
            Some(Kind::Heartbeat)
        } else if std::mem::take(&mut self.task_request) {
            Some(Kind::TaskRequest)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_worker_reconnects_once_for_each_failover() {
        let totals = run(3, 2, 1);
        assert_eq!(totals.reconnects, 3 * 2);
        assert_eq!(totals.virtual_s, 120.0);
        // Three requests in 10 s, but in the 10 to 11 s of each failover, and a greeting after each: about 32 a worker.
        assert!((3 * 29..=3 * 35).contains(&totals.requests), "{totals:?}");
    }

    #[test]
    fn the_same_seed_gives_the_same_counts() {
        let of_seeds =
            |seeds: std::ops::Range<u64>| -> Vec<Totals> { seeds.map(|seed| run(3, 2, seed)).collect() };
        assert_eq!(of_seeds(1..20), of_seeds(1..20));
        assert_ne!(of_seeds(1..20), of_seeds(20..39));
    }

    #[test]
    fn ten_failovers_take_about_158_requests_a_worker() {
        let totals = run(1_000, 10, 1);
        assert!((156_000..=160_000).contains(&totals.requests), "{totals:?}");
    }

    #[test]
    fn a_request_without_an_answer_disconnects_after_five_seconds() {
        let mut bare = BareLoop::new(1, 0, 1);
        bare.agenda = Wheel::new();
        bare.agenda.push(micros(REQUEST_TIME_OUT), Event::RunEnded);
        bare.send(0, Kind::Heartbeat);
        // The host hangs: it has no name any more, but its connections do not break.
        bare.host = None;
        bare.agenda.push(micros(REQUEST_TIME_OUT), Event::RunEnded);
        bare.run_to_end();
        assert!(bare.workers[0].state == State::Connected, "a request may take 5 s");
        bare.run_to_end();
        assert!(bare.workers[0].state == State::Disconnected, "a request may take no longer");
    }
}
