//! The peer "bare event loop with request time-outs": exactly the workload and nothing more.
//!
//! No cluster, no trust, no records, no checks: the standard heap for events, a queue for time-outs; a time-out whose
//! answer came is thrown away when its turn comes.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

use crate::measure::Totals;
use crate::{
    CRASH_PERIOD, FIRST_CRASH, HEARTBEAT, LINK_MICROS, RETRY, TAKEOVER, TASK_REQUEST, TIME_OUT, random_below,
};

/// Runs W(workers, failovers) once.
///
/// # Panics
/// If at the end some worker is not connected.
pub fn run(workers: u32, failovers: u32, seed: u64) -> Totals {
    let mut bare = Loop {
        workers: vec![Worker::default(); workers as usize],
        agenda: Agenda::default(),
        seed,
        serves: true,
        totals: Totals::default(),
    };
    bare.run(failovers);
    assert!(
        bare.workers.iter().all(|worker| worker.state == State::Connected),
        "a worker is away at the end"
    );
    bare.totals
}

#[derive(Clone, Copy, Debug, Default)]
struct Worker {
    state: State,
    /// Counts requests and connections: answers and time-outs of an earlier one are stale.
    number: u32,
    busy: bool,
    owes_heartbeat: bool,
    owes_request: bool,
    messages: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Away,
    Greeting,
    Connected,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Heartbeat(u32),
    TaskRequest(u32),
    Arrived { worker: u32, number: u32 },
    Answered { worker: u32, number: u32 },
    TimedOut { worker: u32, number: u32 },
    Connect(u32),
    Crash,
    Takeover,
}

struct Loop {
    workers: Vec<Worker>,
    agenda: Agenda,
    seed: u64,
    serves: bool,
    totals: Totals,
}

impl Loop {
    fn run(&mut self, failovers: u32) {
        for id in 0..self.workers.len() as u32 {
            let phase = |purpose, period: u64| random_below(self.seed, purpose, u64::from(id), 0, period);
            let (heartbeat, request) = (phase(1, micros(HEARTBEAT)), phase(2, micros(TASK_REQUEST)));
            self.agenda.push(heartbeat, Event::Heartbeat(id));
            self.agenda.push(request, Event::TaskRequest(id));
            self.agenda.push(0, Event::Connect(id));
        }
        for crash in 0..u64::from(failovers) {
            let moment = micros(FIRST_CRASH) + crash * micros(CRASH_PERIOD);
            self.agenda.push(moment, Event::Crash);
            self.agenda.push(moment + micros(TAKEOVER), Event::Takeover);
        }
        let end = u64::from(failovers) * micros(CRASH_PERIOD);
        while let Some((now, event)) = self.agenda.pop(end) {
            self.happen(now, event);
        }
        self.totals.reconnects -= self.workers.len() as u64;
    }

    fn happen(&mut self, now: u64, event: Event) {
        match event {
            Event::Heartbeat(id) => {
                self.agenda.push(now + micros(HEARTBEAT), Event::Heartbeat(id));
                self.workers[id as usize].owes_heartbeat = true;
                self.pay(now, id);
            }
            Event::TaskRequest(id) => {
                self.agenda.push(now + micros(TASK_REQUEST), Event::TaskRequest(id));
                self.workers[id as usize].owes_request = true;
                self.pay(now, id);
            }
            Event::Arrived { worker, number } => {
                if self.serves && self.workers[worker as usize].number == number {
                    let delay = self.delay(worker);
                    self.agenda.push(now + delay, Event::Answered { worker, number });
                }
            }
            Event::Answered { worker: id, number } => {
                let worker = &mut self.workers[id as usize];
                if worker.number == number && worker.busy {
                    worker.busy = false;
                    self.totals.requests += 1;
                    if worker.state == State::Greeting {
                        worker.state = State::Connected;
                        self.totals.reconnects += 1;
                    }
                    self.pay(now, id);
                }
            }
            Event::TimedOut { worker: id, number } => {
                let worker = &mut self.workers[id as usize];
                if worker.number == number && worker.busy {
                    self.connect(now, id);
                }
            }
            Event::Connect(id) => self.connect(now, id),
            Event::Crash => {
                self.serves = false;
                for id in 0..self.workers.len() as u32 {
                    self.connect(now, id);
                }
            }
            Event::Takeover => self.serves = true,
        }
    }

    fn connect(&mut self, now: u64, id: u32) {
        let worker = &mut self.workers[id as usize];
        worker.number += 1;
        worker.busy = false;
        if self.serves {
            worker.state = State::Greeting;
            worker.owes_heartbeat = false;
            worker.owes_request = false;
            self.send(now, id);
        } else {
            worker.state = State::Away;
            self.agenda.push(now + micros(RETRY), Event::Connect(id));
        }
    }

    fn pay(&mut self, now: u64, id: u32) {
        let worker = &mut self.workers[id as usize];
        if worker.state != State::Connected || worker.busy {
            return;
        }
        if worker.owes_heartbeat {
            worker.owes_heartbeat = false;
            self.send(now, id);
        } else if worker.owes_request {
            worker.owes_request = false;
            self.send(now, id);
        }
    }

    fn send(&mut self, now: u64, id: u32) {
        let worker = &mut self.workers[id as usize];
        worker.number += 1;
        worker.busy = true;
        let number = worker.number;
        let delay = self.delay(id);
        self.agenda.push(now + delay, Event::Arrived { worker: id, number });
        self.agenda.time_outs.push_back(TimeOut { time: now + micros(TIME_OUT), worker: id, number });
    }

    fn delay(&mut self, id: u32) -> u64 {
        let worker = &mut self.workers[id as usize];
        worker.messages += 1;
        let (least, most) = LINK_MICROS;
        least + random_below(self.seed, 3, u64::from(id), u64::from(worker.messages), most - least + 1)
    }
}

const fn micros(time: std::time::Duration) -> u64 {
    time.as_micros() as u64
}

/// What happens next. Time-outs all lie the same time ahead, so that a queue keeps them in order by itself.
#[derive(Default)]
struct Agenda {
    events: BinaryHeap<Entry>,
    time_outs: VecDeque<TimeOut>,
    sequence: u32,
}

struct Entry {
    time: u64,
    sequence: u32,
    event: Event,
}

struct TimeOut {
    time: u64,
    worker: u32,
    number: u32,
}

impl Agenda {
    fn push(&mut self, time: u64, event: Event) {
        self.sequence += 1;
        self.events.push(Entry { time, sequence: self.sequence, event });
    }

    fn pop(&mut self, end: u64) -> Option<(u64, Event)> {
        let next = self.events.peek().map_or(u64::MAX, |entry| entry.time);
        if let Some(first) = self.time_outs.front()
            && first.time < next
        {
            let TimeOut { time, worker, number } = self.time_outs.pop_front()?;
            return (time <= end).then_some((time, Event::TimedOut { worker, number }));
        }
        if next > end {
            return None;
        }
        self.events.pop().map(|entry| (entry.time, entry.event))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.time, self.sequence) == (other.time, other.sequence)
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    /// The earliest is the greatest: the heap gives it first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.time, other.sequence).cmp(&(self.time, self.sequence))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_worker_reconnects_once_for_each_failover() {
        let totals = run(3, 2, 1);
        assert_eq!(totals.reconnects, 6);
        // Each worker: a request every 3 1/3 s on average while it is connected, 100 s of 120.
        assert!((70..=110).contains(&totals.requests), "{totals:?}");
        assert_eq!(totals, run(3, 2, 1));
        assert_ne!(totals, Totals::default());
    }
}
