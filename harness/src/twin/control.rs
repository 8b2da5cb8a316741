//! How is a twin spoken to while it runs?
//!
//! HTTP on loopback. `POST /steps` takes steps of the scenario language, `GET /state` tells how things stand,
//! `GET /observations` streams what is seen as server-sent events. Whoever does not have the token gets nothing.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use failover_sim::twin::Running;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header, server::conn::http1};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::timeout;

use crate::check::Outcome;
use crate::picture::Picture;
use crate::plan::{Origin, Plan};
use crate::scenario::diagnostic::Paint;

use super::log::{Entry, Log, Recorder};
use super::state::state;
use super::steps::{plan_of, take};

/// What every request may need.
pub(super) struct Control {
    pub(super) token: String,
    /// The topology, and what the command line said of it.
    pub(super) origin: Origin,
    pub(super) plan: Plan,
    pub(super) running: Running<Recorder>,
    pub(super) log: Arc<Log>,
    /// Somebody wants the twin to end, and waits for no step.
    pub(super) stopping: Arc<AtomicBool>,
}

/// Answers requests for as long as it is polled.
pub(super) async fn answer_all(listener: &TcpListener, control: &Arc<Control>) {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => drop(tokio::spawn(attend(socket, control.clone()))),
            // Out of file descriptors, or the peer is gone again: others may have more luck in a moment.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn attend(socket: TcpStream, control: Arc<Control>) {
    let service = service_fn(|request| answer(request, control.clone()));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(socket), service);
    // How it ended is the client's business.
    let _ = connection.await;
}

async fn answer(request: Request<Incoming>, control: Arc<Control>) -> Result<Response<Answer>, Infallible> {
    if !is_let_in(&request, &control.token) {
        return Ok(failed(
            StatusCode::UNAUTHORIZED,
            "the token is missing or wrong: `authorization: Bearer TOKEN`",
        ));
    }
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    Ok(match (path.as_str(), method) {
        ("/state", Method::GET) => json_answer(StatusCode::OK, &tell_state(&control)),
        ("/observations", Method::GET) => stream(&request, control),
        ("/steps", Method::POST) => match document(request).await {
            Ok(document) => steps(&control, &document).await,
            Err((status, error)) => failed(status, error),
        },
        ("/state" | "/observations" | "/steps", _) => failed(
            StatusCode::METHOD_NOT_ALLOWED,
            "expected `GET /state`, `GET /observations` or `POST /steps`",
        ),
        _ => failed(StatusCode::NOT_FOUND, "expected `/state`, `/observations` or `/steps`"),
    })
}

/// Compares in a time that does not tell how much of the token is right.
fn is_let_in(request: &Request<Incoming>, token: &str) -> bool {
    let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(shown) = shown.and_then(|value| value.strip_prefix("Bearer ")) else { return false };
    let differs = shown.bytes().zip(token.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b));
    shown.len() == token.len() && differs == 0
}

async fn document(request: Request<Incoming>) -> Result<String, (StatusCode, &'static str)> {
    let body = Limited::new(request.into_body(), DOCUMENT_MAX).collect();
    let bytes = match timeout(PATIENCE, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            return Err((StatusCode::PAYLOAD_TOO_LARGE, "a document has at most 1 MiB"));
        }
        Ok(Err(_)) => return Err((StatusCode::BAD_REQUEST, "the body broke off")),
        Err(_) => return Err((StatusCode::REQUEST_TIMEOUT, "the body took longer than ten seconds")),
    };
    String::from_utf8(bytes.into()).map_err(|_| (StatusCode::BAD_REQUEST, "the body is not UTF-8"))
}

fn tell_state(control: &Control) -> Value {
    let mut picture = Picture::new(&control.plan);
    let mut now = failover_sim::time::Time::ZERO;
    for entry in control.log.from(0) {
        match entry {
            Entry::Seen(record) => {
                now = now.max(record.latest);
                if !record.fact.is_of_work() {
                    picture.observe(&record);
                }
            }
            Entry::Did { at, .. } => now = now.max(at),
        }
    }
    state(&control.plan, &picture, now, &control.running.notes())
}

async fn steps(control: &Arc<Control>, document: &str) -> Response<Answer> {
    let plan = match plan_of(&control.origin, control.plan.seed, document) {
        Ok(plan) => plan,
        Err(files) => {
            let told: String = files.iter().map(|file| file.render(Paint::Plain)).collect();
            return failed(StatusCode::UNPROCESSABLE_ENTITY, &told);
        }
    };
    let stopping = control.stopping.clone();
    let taken = control.running.with(move |twin, recorder| {
        let taken = take(&plan, twin, recorder, &stopping).map_err(|problem| problem.to_string());
        (taken, twin.now())
    });
    let (findings, now) = match taken.await {
        Err(ended) => return failed(StatusCode::SERVICE_UNAVAILABLE, &ended.to_string()),
        Ok((Err(problem), _)) => return failed(StatusCode::CONFLICT, &problem),
        Ok((Ok(findings), now)) => (findings, now),
    };
    let outcome = findings.iter().map(|finding| finding.outcome).max().unwrap_or(Outcome::Pass);
    let findings: Vec<Value> = findings
        .iter()
        .map(|finding| {
            json!({ "outcome": finding.outcome.word(), "what": finding.what, "evidence": finding.evidence })
        })
        .collect();
    let told = json!({ "outcome": outcome.word(), "now_us": now.as_micros(), "findings": findings });
    json_answer(StatusCode::OK, &told)
}

/// Everything that was seen, and everything that is going to be; from the event after `Last-Event-ID`, if there is one.
fn stream(request: &Request<Incoming>, control: Arc<Control>) -> Response<Answer> {
    let last =
        request.headers().get("last-event-id").and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let (sender, receiver) = channel(16);
    tokio::spawn(tell_news(control, last.map_or(0, |last| last.saturating_add(1)), sender));
    let mut response = Response::new(Answer::Stream(receiver));
    let stream = header::HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, stream);
    response
}

async fn tell_news(control: Arc<Control>, mut place: usize, events: Sender<Bytes>) {
    let mut news = control.log.news();
    loop {
        let fresh = control.log.from(place);
        let names = control.log.names(&control.plan);
        for entry in fresh {
            let (event, data) = entry.event(&names);
            let text = format!("id: {place}\nevent: {event}\ndata: {data}\n\n");
            if events.send(Bytes::from(text)).await.is_err() {
                return;
            }
            place += 1;
        }
        tokio::select! {
            changed = news.changed() => if changed.is_err() { return },
            () = events.closed() => return,
        }
    }
}

fn failed(status: StatusCode, error: &str) -> Response<Answer> {
    json_answer(status, &json!({ "error": error }))
}

fn json_answer(status: StatusCode, value: &Value) -> Response<Answer> {
    let mut response = Response::new(Answer::Whole(Full::from(format!("{value:#}\n"))));
    *response.status_mut() = status;
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// The body of an answer.
enum Answer {
    /// All of it is there.
    Whole(Full<Bytes>),
    /// It comes bit by bit.
    Stream(Receiver<Bytes>),
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(whole) => Pin::new(whole).poll_frame(context),
            Self::Stream(events) => {
                events.poll_recv(context).map(|event| event.map(|event| Ok(Frame::data(event))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(whole) => whole.is_end_stream(),
            Self::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) => whole.size_hint(),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

/// How long a client may take for a head or a body.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest document.
const DOCUMENT_MAX: usize = 1 << 20;
