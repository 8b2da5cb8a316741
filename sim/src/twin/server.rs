//! What does a node do with one connection that it has accepted?

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, StatusCode, header, server::conn::http1};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::names::CertificateId;
use crate::net::SEGMENT_AGAIN;
use crate::scaleout::{Request, Response};

use super::certificates::Certificates;
use super::clock::Pace;
use super::driver::{Happening, LineId};
use super::line::{Line, reset_on_drop};
use super::message;
use super::way::Way;

/// What becomes of a connection, from the node's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is served.
    Served,
    /// It ends with FIN, after the response under way.
    Closed,
    /// It ends with RST.
    Reset,
    /// What the client sends is swallowed; nothing comes back.
    Silenced,
    /// Somebody else has the address: whatever the client sends, or has sent into the silence, is answered with RST.
    Disowned,
}

/// How a request is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reply {
    /// By the master, or by HTTP.SYS on account of the certificate.
    Said(Response),
    /// By HTTP.SYS, because it is no request.
    Rejected(StatusCode),
}

/// What a connection's task needs.
pub(crate) struct Attendance {
    pub(crate) line: LineId,
    /// `None` without a usable binding.
    pub(crate) tls: Option<Arc<ServerConfig>>,
    pub(crate) certificates: Arc<Certificates>,
    pub(crate) fate: watch::Receiver<Fate>,
    pub(crate) happenings: UnboundedSender<Happening>,
    /// How long a client may take for a handshake or a body, in real time.
    pub(crate) patience: Duration,
    pub(crate) pace: Pace,
    pub(crate) way: Arc<Way>,
}

/// Serves a connection until it ends or meets its fate.
pub(crate) async fn attend(socket: TcpStream, attendance: Attendance) {
    // Delay costs time and nothing else.
    let _ = socket.set_nodelay(true);
    let socket = Arc::new(socket);
    let mut fate = attendance.fate.clone();
    let hard = async {
        match fate.wait_for(|fate| !matches!(fate, Fate::Served | Fate::Closed)).await {
            Ok(fate) => *fate,
            // The twin is gone, and every machine with it.
            Err(_) => Fate::Reset,
        }
    };
    let met = tokio::select! {
        biased;
        fate = hard => fate,
        end = serve(&socket, &attendance) => match end {
            End::Aborted => Fate::Reset,
            End::Finished => Fate::Closed,
        },
    };
    match met {
        Fate::Reset => reset_on_drop(&socket),
        Fate::Silenced | Fate::Disowned => {
            swallow(&socket, &attendance).await;
            reset_on_drop(&socket);
        }
        Fate::Closed | Fate::Served => drain(&socket).await,
    }
    drop(socket);
    // Nobody listens any more only when the twin is gone.
    let _ = attendance.happenings.send(Happening::LineEnded { line: attendance.line });
}

enum End {
    Finished,
    Aborted,
}

async fn serve(socket: &Arc<TcpStream>, attendance: &Attendance) -> End {
    let Some(tls) = &attendance.tls else {
        // HTTP.SYS reads the ClientHello, finds no certificate for it, and breaks off.
        let _ = timeout(attendance.patience, socket.readable()).await;
        return End::Aborted;
    };
    let mut closed = pin!(closed(attendance.fate.clone()));
    let handshake = TlsAcceptor::from(tls.clone()).accept(Line::over(
        socket.clone(),
        attendance.way.clone(),
        attendance.pace,
    ));
    let stream = tokio::select! {
        biased;
        stream = timeout(attendance.patience, handshake) => stream,
        () = &mut closed => return End::Finished,
    };
    let Ok(Ok(stream)) = stream else { return End::Finished };
    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let certificate = shown.and_then(|der| attendance.certificates.identify(der));
    let service = service_fn(|request| answer(request, certificate, attendance));
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(CONNECTION_TIMEOUT)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(stream), service)
    );
    tokio::select! {
        biased;
        // How it ended is the client's business, which was told.
        _ = &mut connection => {}
        () = &mut closed => {
            connection.as_mut().graceful_shutdown();
            let _ = timeout(attendance.patience, connection).await;
        }
    }
    End::Finished
}

async fn closed(mut fate: watch::Receiver<Fate>) {
    // Without a twin nobody waits for the answer.
    let _ = fate.wait_for(|&fate| fate == Fate::Closed).await;
}

/// Sees the client's side close too: a socket that is closed with bytes unread ends with RST, which is not a stop.
async fn drain(socket: &TcpStream) {
    let _ = socket2::SockRef::from(socket).shutdown(std::net::Shutdown::Write);
    let mut scratch = [0; 1_024];
    let all = async {
        while socket.readable().await.is_ok() {
            match socket.try_read(&mut scratch) {
                Ok(1..) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(0) | Err(_) => return,
            }
        }
    };
    let _ = timeout(DRAIN, all).await;
}

/// Takes whatever comes and answers nothing, until the address is somebody else's and the client can find out.
async fn swallow(socket: &TcpStream, attendance: &Attendance) {
    let mut fate = attendance.fate.clone();
    let mut scratch = [0; 4_096];
    let (mut swallowed, mut more, mut given_up) = (false, true, false);
    // A client's TCP gives up a segment that nobody acknowledges. Ours are told, since the kernel acknowledges all.
    let give_up = attendance.pace.real(SEGMENT_AGAIN[SEGMENT_AGAIN.len() - 1]);
    let mut patience = pin!(tokio::time::sleep(Duration::ZERO));
    loop {
        match *fate.borrow_and_update() {
            Fate::Disowned if swallowed => return,
            Fate::Reset => return,
            Fate::Disowned | Fate::Silenced | Fate::Served | Fate::Closed => {}
        }
        tokio::select! {
            changed = fate.changed() => if changed.is_err() { return },
            readable = socket.readable(), if more => {
                if readable.is_err() { return }
                match socket.try_read(&mut scratch) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                    Ok(count) => {
                        more = count > 0;
                        if !swallowed {
                            patience.as_mut().reset(tokio::time::Instant::now() + give_up);
                        }
                        swallowed = true;
                    }
                    Err(_) => return,
                }
            }
            () = &mut patience, if swallowed && !given_up => {
                given_up = true;
                let _ = attendance.happenings.send(Happening::GivenUp { line: attendance.line });
            }
        }
    }
}

async fn answer(
    request: hyper::Request<Incoming>,
    certificate: Option<CertificateId>,
    attendance: &Attendance,
) -> Result<hyper::Response<Full<Bytes>>, io::Error> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.map(|host| host.rsplit_once(':').map_or(host, |(name, _)| name).to_owned());
    let asked = read(request, attendance.patience).await;
    let (reply, answered) = oneshot::channel();
    let happening = Happening::Asked { line: attendance.line, certificate, host, asked, reply };
    let gone = || io::Error::new(io::ErrorKind::ConnectionAborted, "the master is gone");
    attendance.happenings.send(happening).map_err(|_| gone())?;
    let (status, body) = match answered.await.map_err(|_| gone())? {
        Reply::Said(response) => message::write_response(response),
        Reply::Rejected(status) => (status, Vec::new()),
    };
    let mut response = hyper::Response::new(Full::from(body));
    *response.status_mut() = status;
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Ok(response)
}

async fn read(request: hyper::Request<Incoming>, patience: Duration) -> Result<Request, StatusCode> {
    if request.uri().path() != message::PATH {
        return Err(StatusCode::NOT_FOUND);
    }
    if request.method() != Method::POST {
        return Err(StatusCode::METHOD_NOT_ALLOWED);
    }
    let body = Limited::new(request.into_body(), message::BODY_MAX).collect();
    let body = match timeout(patience, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        Ok(Err(_)) => return Err(StatusCode::BAD_REQUEST),
        Err(_) => return Err(StatusCode::REQUEST_TIMEOUT),
    };
    message::read_request(&body).map_err(|_| StatusCode::BAD_REQUEST)
}

/// How long HTTP.SYS keeps a connection without a request: two minutes (ConnectionTimeout, documented).
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a closed connection waits for its client to close too, in real time.
const DRAIN: Duration = Duration::from_secs(1);
/// Room for the head of a request.
const BUFFER: usize = 16 * 1024;
