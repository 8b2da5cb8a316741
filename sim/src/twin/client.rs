//! How does a worker's one connection come about, and how does it end?

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, header};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::names::{CertificateId, WorkerId};
use crate::net::{REFUSAL, SYN_AGAIN};
use crate::observe::{ErrorFamily, Loss};
use crate::scaleout::{Request, Response};
use crate::trust::Handshake;

use super::clock::Pace;
use super::driver::Happening;
use super::line::{Ending, Line};
use super::message;
use super::tls::Verdict;

/// A worker's attempt to connect, and the connection that may come of it.
pub(crate) struct Attempt {
    pub(crate) worker: WorkerId,
    pub(crate) connection: u32,
    pub(crate) address: SocketAddr,
    /// The host of its MasterEndpoint, as it stands in a request.
    pub(crate) host: String,
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) verdict: Verdict,
    pub(crate) pace: Pace,
    /// Whether somebody wants to know when the connection is accepted.
    pub(crate) tells_all: bool,
    pub(crate) requests: UnboundedReceiver<Request>,
    pub(crate) happenings: UnboundedSender<Happening>,
}

/// What a worker's client has to say.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Report {
    /// The connection is accepted.
    Accepted,
    /// The handshake is finished.
    Connected { local: SocketAddr, presented: CertificateId },
    /// No connection: nobody accepted it.
    NotAccepted,
    /// No connection: the handshake broke off.
    Broken { local: SocketAddr, error: ErrorFamily, presented: Option<CertificateId> },
    /// A request is answered.
    Answered(Response),
    /// The connection is gone.
    Lost(Loss),
}

/// Connects, and then sends requests as they come, until the connection is gone or nobody wants it any more.
pub(crate) async fn work(mut attempt: Attempt) {
    let Ok(socket) = dial(attempt.address, attempt.pace).await else {
        return attempt.report(Report::NotAccepted);
    };
    let _ = socket.set_nodelay(true);
    let Ok(local) = socket.local_addr() else { return attempt.report(Report::NotAccepted) };
    if attempt.tells_all {
        attempt.report(Report::Accepted);
    }
    let line = Line::new(Arc::new(socket));
    let ending = line.ending();
    match shake_hands(&attempt, line).await {
        Ok((stream, presented)) => {
            attempt.report(Report::Connected { local, presented });
            let loss = talk(&mut attempt, stream, &ending).await;
            if let Some(loss) = loss {
                attempt.report(Report::Lost(loss));
            }
        }
        Err((error, presented)) => attempt.report(Report::Broken { local, error, presented }),
    }
}

impl Attempt {
    fn report(&self, report: Report) {
        let (worker, connection) = (self.worker, self.connection);
        // Nobody listens any more only when the twin is gone.
        let _ = self.happenings.send(Happening::Reported { worker, connection, report });
    }
}

/// Connects as Windows does: another SYN after 3 s and after 9 s, a refused one once more after a second (net.rs).
///
/// Each SYN is a connection attempt of its own, so that the rhythm is that of virtual time. Nothing ends an attempt
/// that nobody answers but the worker's own time-out.
async fn dial(address: SocketAddr, pace: Pace) -> io::Result<TcpStream> {
    let mut before = std::time::Duration::ZERO;
    for again in SYN_AGAIN {
        if let Ok(answer) = timeout(pace.real(again - before), TcpStream::connect(address)).await {
            return once_more(answer, address, pace).await;
        }
        before = again;
    }
    let answer = TcpStream::connect(address).await;
    once_more(answer, address, pace).await
}

async fn once_more(answer: io::Result<TcpStream>, address: SocketAddr, pace: Pace) -> io::Result<TcpStream> {
    match answer {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            tokio::time::sleep(pace.real(REFUSAL)).await;
            TcpStream::connect(address).await
        }
        Ok(_) | Err(_) => answer,
    }
}

type Failure = (ErrorFamily, Option<CertificateId>);

async fn shake_hands(attempt: &Attempt, line: Line) -> Result<(TlsStream<Line>, CertificateId), Failure> {
    // A name that DNS could not carry is looked up in the twin's own table all the same.
    let name = ServerName::try_from(attempt.host.clone())
        .unwrap_or_else(|_| ServerName::IpAddress(attempt.address.ip().into()));
    let shaken = TlsConnector::from(attempt.tls.clone()).connect(name, line).await;
    match (shaken, attempt.verdict.get()) {
        (Ok(stream), Some(Handshake::Finished(presented))) => Ok((stream, presented)),
        (Ok(_) | Err(_), Some(Handshake::Broken { error, presented })) => Err((error, presented)),
        (Err(_), Some(Handshake::Finished(presented))) => Err((ErrorFamily::HttpRequest, Some(presented))),
        (Ok(_) | Err(_), None) => Err((ErrorFamily::HttpRequest, None)),
    }
}

/// Sends requests one at a time; tells how the connection was lost, or nothing if it was given up.
async fn talk(attempt: &mut Attempt, stream: TlsStream<Line>, ending: &Ending) -> Option<Loss> {
    let how = || ending.loss().unwrap_or(Loss::Closed);
    let Ok((mut sender, connection)) = http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await else {
        return Some(how());
    };
    let mut connection = pin!(connection);
    loop {
        let request = tokio::select! {
            biased;
            _ = &mut connection => return Some(how()),
            request = attempt.requests.recv() => request?,
        };
        let mut exchange = Box::pin(exchange(&mut sender, &attempt.host, request));
        let (response, goes_on) = tokio::select! {
            biased;
            response = &mut exchange => (response, true),
            // The last bytes of the connection may have held the response.
            _ = &mut connection => (exchange.await, false),
        };
        match response {
            Some(response) => attempt.report(Report::Answered(response)),
            None => {
                // The socket says how it ended; what the other side says that is no answer ends it too.
                if goes_on && ending.loss().is_none() {
                    let _ = timeout(SETTLE, &mut connection).await;
                }
                return Some(how());
            }
        }
        if !goes_on {
            return Some(how());
        }
    }
}

async fn exchange(sender: &mut SendRequest<Full<Bytes>>, host: &str, request: Request) -> Option<Response> {
    let request = hyper::Request::builder()
        .method(Method::POST)
        .uri(message::PATH)
        .header(header::HOST, host)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::from(message::write_request(request)))
        .ok()?;
    let response = sender.send_request(request).await.ok()?;
    let status = response.status();
    let body = Limited::new(response.into_body(), message::BODY_MAX).collect().await.ok()?;
    message::read_response(status, &body.to_bytes())
}

/// How long a failed exchange waits for the connection to say why, in real time.
const SETTLE: std::time::Duration = std::time::Duration::from_millis(100);
