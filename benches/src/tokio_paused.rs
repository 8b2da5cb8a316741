//! The peer "plain tokio with paused time": hyper over in-memory streams on a clock that jumps.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::sync::watch;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::measure::Totals;
use crate::{
    CRASH_PERIOD, FIRST_CRASH, HEARTBEAT, LINK_MICROS, RETRY, TAKEOVER, TASK_REQUEST, TIME_OUT, random_below,
};

/// Runs W(workers, failovers) once.
///
/// # Panics
/// If the runtime cannot be made, or at the end some worker is not connected.
pub fn run(workers: u32, failovers: u32, seed: u64) -> Totals {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without I/O can always be made");
    let shared = Rc::new(Shared {
        seed,
        totals: Cell::default(),
        connected: Cell::new(0),
        host: RefCell::new(Some(Host::default())),
        dies: watch::Sender::new(0),
    });
    LocalSet::new().block_on(&runtime, simulate(workers, failovers, Rc::clone(&shared)));
    assert_eq!(shared.connected.get(), workers, "a worker is away at the end");
    let totals = shared.totals.get();
    Totals { reconnects: totals.reconnects - u64::from(workers), ..totals }
}

struct Shared {
    seed: u64,
    totals: Cell<Totals>,
    connected: Cell<u32>,
    /// The active master; none between a death and the takeover.
    host: RefCell<Option<Host>>,
    /// Counts deaths: connections to the dead one break.
    dies: watch::Sender<u32>,
}

/// A master's connections; dropping it breaks them all.
#[derive(Default)]
struct Host {
    connections: JoinSet<()>,
}

async fn simulate(workers: u32, failovers: u32, shared: Rc<Shared>) {
    let start = Instant::now();
    for worker in 0..workers {
        let shared = Rc::clone(&shared);
        tokio::task::spawn_local(async move {
            Worker { id: worker, messages: 0, requests: 0, shared }.live().await
        });
    }
    for crash in 0..failovers {
        sleep_until(start + FIRST_CRASH + CRASH_PERIOD * crash).await;
        drop(shared.host.borrow_mut().take());
        shared.dies.send_modify(|deaths| *deaths += 1);
        sleep(TAKEOVER).await;
        *shared.host.borrow_mut() = Some(Host::default());
    }
    sleep_until(start + CRASH_PERIOD * failovers).await;
}

struct Worker {
    id: u32,
    messages: u64,
    requests: u32,
    shared: Rc<Shared>,
}

impl Worker {
    async fn live(mut self) {
        let start = Instant::now();
        let phase = |purpose, period: Duration| {
            let micros =
                random_below(self.shared.seed, purpose, u64::from(self.id), 0, period.as_micros() as u64);
            start + Duration::from_micros(micros)
        };
        let mut heartbeat = phase(1, HEARTBEAT);
        let mut request = phase(2, TASK_REQUEST);
        loop {
            let mut connection = self.connect().await;
            self.shared.connected.set(self.shared.connected.get() + 1);
            while heartbeat <= Instant::now() {
                heartbeat += HEARTBEAT;
            }
            while request <= Instant::now() {
                request += TASK_REQUEST;
            }
            let mut dies = self.shared.dies.subscribe();
            loop {
                tokio::select! {
                    biased;
                    _ = dies.changed() => break,
                    () = sleep_until(heartbeat.min(request)) => {}
                }
                let is_heartbeat = heartbeat <= request;
                if is_heartbeat {
                    heartbeat += HEARTBEAT
                } else {
                    request += TASK_REQUEST
                }
                if !self.ask(&mut connection, is_heartbeat).await {
                    break;
                }
            }
            self.shared.connected.set(self.shared.connected.get() - 1);
        }
    }

    async fn connect(&mut self) -> SendRequest<Full<Bytes>> {
        loop {
            if let Some(mut connection) = self.open().await
                && self.ask(&mut connection, true).await
            {
                let mut totals = self.shared.totals.get();
                totals.reconnects += 1;
                self.shared.totals.set(totals);
                return connection;
            }
            sleep(RETRY).await;
        }
    }

    async fn open(&self) -> Option<SendRequest<Full<Bytes>>> {
        let client = {
            let mut host = self.shared.host.borrow_mut();
            let host = host.as_mut()?;
            let (client, server) = tokio::io::duplex(8 * 1024);
            let answers = Answers { id: self.id, shared: Rc::clone(&self.shared), count: Rc::default() };
            host.connections.spawn_local(async move {
                let service = service_fn(move |request| answers.clone().answer(request));
                // A connection that breaks is what this workload is about.
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(server), service)
                    .await;
            });
            client
        };
        let (sender, connection) = handshake(TokioIo::new(client)).await.ok()?;
        tokio::task::spawn_local(async move {
            let _ = connection.await;
        });
        Some(sender)
    }

    async fn ask(&mut self, connection: &mut SendRequest<Full<Bytes>>, is_heartbeat: bool) -> bool {
        self.messages += 1;
        self.requests += u32::from(!is_heartbeat);
        let path = if is_heartbeat { "/heartbeat" } else { "/task" };
        let body = Bytes::from_static(&[b'x'; 100]);
        let delay = delay(&self.shared, self.id, self.messages);
        let exchange = async {
            sleep(delay).await;
            let request = Request::post(path).header("host", "sqlfci").body(Full::new(body)).ok()?;
            let answer = connection.send_request(request).await.ok()?;
            answer.into_body().collect().await.ok()
        };
        let answered = matches!(timeout(TIME_OUT, exchange).await, Ok(Some(_)));
        if answered {
            let mut totals = self.shared.totals.get();
            totals.requests += 1;
            self.shared.totals.set(totals);
        }
        answered
    }
}

#[derive(Clone)]
struct Answers {
    id: u32,
    shared: Rc<Shared>,
    count: Rc<Cell<u64>>,
}

impl Answers {
    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let count = self.count.get() + 1;
        self.count.set(count);
        let is_task = request.uri().path() == "/task" && count.is_multiple_of(4);
        let _ = request.into_body().collect().await;
        sleep(delay(&self.shared, self.id, (1 << 32) + count)).await;
        let body: &'static [u8] = if is_task { &[b't'; 200] } else { &[b'n'; 20] };
        Ok(Response::new(Full::new(Bytes::from_static(body))))
    }
}

fn delay(shared: &Shared, worker: u32, message: u64) -> Duration {
    let (least, most) = LINK_MICROS;
    Duration::from_micros(least + random_below(shared.seed, 3, u64::from(worker), message, most - least + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_worker_reconnects_once_for_each_failover() {
        let totals = run(3, 2, 1);
        assert_eq!(totals.reconnects, 6);
        assert!((70..=110).contains(&totals.requests), "{totals:?}");
        assert_eq!(totals, run(3, 2, 1));
    }
}
