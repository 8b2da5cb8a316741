//! The peer "plain tokio with paused time": how fast is what one would write without a simulator?
//!
//! Each worker is a task with a client of hyper; each connection is an in-memory stream with hyper's server at its other
//! end. The clock of tokio is paused: it jumps to the next timer when nothing else is to do. It counts in whole
//! milliseconds and rounds up, so that a message takes 1 to 3 ms here instead of 0.5 to 2 ms.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::measure::Totals;
use crate::workload::{
    CRASH_PERIOD, FIRST_CRASH, HEARTBEAT_PERIOD, Link, REQUEST_TIME_OUT, RETRY_PERIOD, Standing, TAKEOVER,
    TASK_REQUEST_PERIOD, TASK_REQUESTS_PER_TASK, assert_complete, first_heartbeat_micros,
    first_task_request_micros,
};

/// Runs W(workers, failovers) once with this seed.
///
/// # Panics
/// If no runtime can be made, if at the end some worker is not connected, or if one has not reconnected exactly once
/// for each failover.
pub fn run(workers: u32, failovers: u32, seed: u64) -> Totals {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build_local(tokio::runtime::LocalOptions::default())
        .expect("a runtime without I/O needs nothing of the system");
    let world = Rc::new(World {
        seed,
        host: RefCell::new(Some(Host { number: 0, connections: JoinSet::new() })),
        standings: RefCell::new(vec![Standing::default(); workers as usize]),
        answered: Cell::new(0),
    });
    runtime.block_on(simulate(workers, failovers, Rc::clone(&world)));
    let standings = world.standings.borrow();
    assert_complete(failovers, standings.iter().copied());
    let reconnects = standings.iter().map(|standing| u64::from(standing.reconnects)).sum();
    Totals::of_run(failovers, world.answered.get(), reconnects)
}

/// What the tasks of one run share.
struct World {
    seed: u64,
    /// The host that has the name; none between a death and the takeover.
    host: RefCell<Option<Host>>,
    standings: RefCell<Vec<Standing>>,
    answered: Cell<u64>,
}

/// A host that serves. Dropping it ends the server of every connection, and so breaks the connections.
struct Host {
    number: u32,
    connections: JoinSet<()>,
}

async fn simulate(workers: u32, failovers: u32, world: Rc<World>) {
    let start = Instant::now();
    for id in 0..workers {
        let worker =
            Worker { id, link: Link::new(world.seed, id), sent: Rc::default(), world: Rc::clone(&world) };
        tokio::task::spawn_local(worker.live());
    }
    for crash in 0..failovers {
        let moment = start + FIRST_CRASH + CRASH_PERIOD * crash;
        sleep_until(moment).await;
        *world.host.borrow_mut() = None;
        sleep_until(moment + TAKEOVER).await;
        *world.host.borrow_mut() = Some(Host { number: crash + 1, connections: JoinSet::new() });
    }
    sleep_until(start + CRASH_PERIOD * failovers).await;
}

struct Worker {
    id: u32,
    link: Link,
    /// Requests sent; also the number of the last one, from which both ends take the delays of their messages.
    sent: Rc<Cell<u32>>,
    world: Rc<World>,
}

type Sender = SendRequest<Full<Bytes>>;

impl Worker {
    async fn live(self) {
        let start = Instant::now();
        let mut beats = Beats {
            heartbeat: start + Duration::from_micros(first_heartbeat_micros(self.world.seed, self.id)),
            task_request: start + Duration::from_micros(first_task_request_micros(self.world.seed, self.id)),
        };
        let mut connection = self.open().await;
        loop {
            if let Some((host, mut sender)) = connection {
                self.update(|standing| standing.host = Some(host));
                self.work(&mut sender, &mut beats).await;
            }
            self.update(|standing| standing.host = None);
            connection = Some(self.reconnect().await);
            self.update(|standing| standing.reconnects += 1);
            beats.drop_missed();
        }
    }

    /// Sends the beats when they are due, until a request errs or times out.
    async fn work(&self, sender: &mut Sender, beats: &mut Beats) {
        loop {
            sleep_until(beats.heartbeat.min(beats.task_request)).await;
            let path = beats.take_first();
            if !self.ask(sender, path).await {
                return;
            }
        }
    }

    /// Tries to connect at once and then every second, until the first heartbeat is answered.
    async fn reconnect(&self) -> (u32, Sender) {
        loop {
            match self.open().await {
                Some((host, mut sender)) => {
                    if self.ask(&mut sender, HEARTBEAT_PATH).await {
                        return (host, sender);
                    }
                }
                None => sleep(RETRY_PERIOD).await,
            }
        }
    }

    /// A fresh connection to the host that has the name, if there is one.
    async fn open(&self) -> Option<(u32, Sender)> {
        let (client, server) = tokio::io::duplex(STREAM_CAPACITY);
        let host = {
            let mut host = self.world.host.borrow_mut();
            let host = host.as_mut()?;
            let service = Service {
                id: self.id,
                link: self.link,
                sent: Rc::clone(&self.sent),
                world: Rc::clone(&self.world),
            };
            host.connections.spawn_local(service.serve(server));
            host.number
        };
        let (sender, connection) = handshake(TokioIo::new(client)).await.ok()?;
        // A connection that breaks is what this workload is about; the requests on it err.
        tokio::task::spawn_local(async move { drop(connection.await) });
        Some((host, sender))
    }

    /// Sends a request; says whether it was answered in time.
    async fn ask(&self, sender: &mut Sender, path: &'static str) -> bool {
        // A request on a connection that is known to be broken errs before it is sent.
        if sender.ready().await.is_err() {
            return false;
        }
        self.sent.set(self.sent.get() + 1);
        let answer = timeout(REQUEST_TIME_OUT, self.exchange(sender, path)).await;
        let Ok(Ok(has_task)) = answer else { return false };
        self.world.answered.set(self.world.answered.get() + 1);
        self.update(|standing| standing.tasks += u32::from(has_task));
        true
    }

    /// Sends a request and reads the answer; says whether it brought a task.
    async fn exchange(&self, sender: &mut Sender, path: &'static str) -> hyper::Result<bool> {
        sleep(Duration::from_micros(self.link.request_micros(self.sent.get()))).await;
        let mut request = Request::new(Full::new(Bytes::from_static(REQUEST_BODY)));
        *request.method_mut() = hyper::Method::POST;
        *request.uri_mut() = hyper::Uri::from_static(path);
        request.headers_mut().insert(hyper::header::HOST, hyper::header::HeaderValue::from_static("sqlfci"));
        let answer = sender.send_request(request).await?;
        let has_task = answer.status() == StatusCode::OK && path == TASK_PATH;
        answer.into_body().collect().await?;
        Ok(has_task)
    }

    fn update(&self, change: impl FnOnce(&mut Standing)) {
        change(&mut self.world.standings.borrow_mut()[self.id as usize]);
    }
}

/// When the worker's next heartbeat and its next task request are due.
struct Beats {
    heartbeat: Instant,
    task_request: Instant,
}

impl Beats {
    /// Takes the beat that is due first, and says where its request goes.
    fn take_first(&mut self) -> &'static str {
        if self.heartbeat <= self.task_request {
            self.heartbeat += HEARTBEAT_PERIOD;
            HEARTBEAT_PATH
        } else {
            self.task_request += TASK_REQUEST_PERIOD;
            TASK_PATH
        }
    }

    fn drop_missed(&mut self) {
        let now = Instant::now();
        while self.heartbeat <= now {
            self.heartbeat += HEARTBEAT_PERIOD;
        }
        while self.task_request <= now {
            self.task_request += TASK_REQUEST_PERIOD;
        }
    }
}

/// The host's end of one worker's connection.
struct Service {
    id: u32,
    link: Link,
    sent: Rc<Cell<u32>>,
    world: Rc<World>,
}

impl Service {
    async fn serve(self, stream: DuplexStream) {
        let answer = service_fn(|request| self.answer(request));
        // An error here is the worker's end that went away.
        drop(Builder::new().serve_connection(TokioIo::new(stream), answer).await);
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let is_task_request = request.uri().path() == TASK_PATH;
        request.into_body().collect().await?;
        let has_task = is_task_request && {
            let standing = &mut self.world.standings.borrow_mut()[self.id as usize];
            standing.task_requests += 1;
            standing.task_requests.is_multiple_of(TASK_REQUESTS_PER_TASK)
        };
        sleep(Duration::from_micros(self.link.answer_micros(self.sent.get()))).await;
        let (status, body) = match (is_task_request, has_task) {
            (true, false) => (StatusCode::NO_CONTENT, &b""[..]),
            (true, true) => (StatusCode::OK, TASK_BODY),
            (false, _) => (StatusCode::OK, HEARTBEAT_ANSWER),
        };
        let mut answer = Response::new(Full::new(Bytes::from_static(body)));
        *answer.status_mut() = status;
        Ok(answer)
    }
}

const HEARTBEAT_PATH: &str = "/heartbeat";
const TASK_PATH: &str = "/task";
/// With the request's head, which has about 70 bytes, this makes about 200 bytes.
const REQUEST_BODY: &[u8] = &[b'r'; 130];
const HEARTBEAT_ANSWER: &[u8] = &[b'h'; 20];
const TASK_BODY: &[u8] = &[b't'; 200];
/// How many bytes may be on their way in one direction: many times what a request or an answer has.
const STREAM_CAPACITY: usize = 4 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bare;

    #[test]
    fn every_worker_reconnects_once_for_each_failover() {
        let totals = run(3, 2, 1);
        assert_eq!(totals.reconnects, 3 * 2);
        assert_eq!(totals.virtual_s, 120.0);
        assert!((3 * 29..=3 * 35).contains(&totals.requests), "{totals:?}");
    }

    #[test]
    fn the_same_seed_gives_the_same_counts() {
        let of_seeds =
            |seeds: std::ops::Range<u64>| -> Vec<Totals> { seeds.map(|seed| run(3, 2, seed)).collect() };
        assert_eq!(of_seeds(1..20), of_seeds(1..20));
        assert_ne!(of_seeds(1..20), of_seeds(20..39));
    }

    /// The clocks differ by a millisecond, which a run notices only if a beat comes that close to a crash.
    #[test]
    fn both_peers_do_the_same_work() {
        for seed in 1..20 {
            assert_eq!(run(10, 3, seed), bare::run(10, 3, seed), "seed {seed}");
        }
    }
}
