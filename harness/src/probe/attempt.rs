//! What does one look at the endpoint find, and how long does each part of it take?

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use failover_sim::trust::Thumbprint;
use rustls::{ClientConfig, ProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::certificate::Presented;
use super::outcome::{Cause, Outcome};
use super::records::Records;
use super::target::Target;
use super::tls;

/// One look at the endpoint, with what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its number, from 0 on.
    pub number: u64,
    /// When it began, since the probe did.
    pub began: Duration,
    /// What came of it.
    pub outcome: Outcome,
    /// How long it took in all.
    pub took: Duration,
    /// How long each part took that came to its end.
    pub phases: Phases,
    /// The address that it connected to.
    pub address: Option<SocketAddr>,
    /// Which TLS was spoken.
    pub version: Option<&'static str>,
    /// The certificate that was presented.
    pub presented: Option<Presented>,
}

/// How long the parts of an attempt took; `None` for those that did not come to their end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// Asking for the address of the name. `None` too where addresses were given.
    pub resolve: Option<Duration>,
    /// Opening a connection, on all addresses that were tried.
    pub connect: Option<Duration>,
    /// Shaking hands.
    pub handshake: Option<Duration>,
    /// From the request to the first line of the answer.
    pub response: Option<Duration>,
}

impl Attempt {
    /// When it was over, since the probe began.
    pub fn ended(&self) -> Duration {
        self.began + self.took
    }
}

/// What every attempt needs.
#[derive(Clone, Debug)]
pub(super) struct Looker {
    pub(super) target: Arc<Target>,
    pub(super) tls: Arc<ClientConfig>,
    pub(super) pin: Option<Thumbprint>,
    /// For the attempt as a whole.
    pub(super) patience: Duration,
}

impl Looker {
    /// Looks once.
    pub(super) async fn look(self, number: u64, began: Duration) -> Attempt {
        let mut attempt = Attempt {
            number,
            began,
            outcome: Outcome::down(Cause::ResolverSilent),
            took: Duration::ZERO,
            phases: Phases::default(),
            address: None,
            version: None,
            presented: None,
        };
        let present = Instant::now();
        let end = present + self.patience;
        attempt.outcome = match self.go(&mut attempt, end).await {
            Ok(outcome) | Err(outcome) => outcome,
        };
        attempt.took = present.elapsed();
        attempt
    }

    /// One part after the other; what ends it early comes as an error.
    async fn go(&self, attempt: &mut Attempt, end: Instant) -> Result<Outcome, Outcome> {
        let addresses = self.resolve(&mut attempt.phases, end).await?;
        let socket = connect(&addresses, attempt, end).await?;
        let records = Records::new(socket);
        let renegotiation = records.asked();
        let mut stream = self.shake_hands(records, attempt, end).await?;
        let not_pinned = attempt.presented.as_ref().map(|presented| presented.thumbprint) != self.pin;
        if self.pin.is_some() && not_pinned {
            return Err(Outcome::down(Cause::NotPinned));
        }
        let asked = Instant::now();
        let outcome = tokio::select! {
            biased;
            answer = timeout_at(end, ask(&mut stream, &self.target)) => {
                answer.unwrap_or(Outcome::down(Cause::NoAnswer))
            }
            // This client refuses, and the server may wait for ever.
            () = renegotiation.notified() => {
                Outcome::NotJudged { ended: "the server asked to renegotiate".to_owned() }
            }
        };
        if matches!(outcome, Outcome::Answered { .. }) {
            attempt.phases.response = Some(asked.elapsed());
        }
        Ok(outcome)
    }

    async fn resolve(&self, phases: &mut Phases, end: Instant) -> Result<Vec<SocketAddr>, Outcome> {
        let Target { host, port, addresses, .. } = &*self.target;
        if !addresses.is_empty() {
            return Ok(addresses.iter().map(|&address| SocketAddr::new(address, *port)).collect());
        }
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, *port)]);
        }
        let began = Instant::now();
        let found = match timeout_at(end, lookup_host((host.as_str(), *port))).await {
            Err(_) => return Err(Outcome::down(Cause::ResolverSilent)),
            Ok(Err(error)) => {
                return Err(Outcome::Down { cause: Cause::Unresolved, detail: Some(error.to_string()) });
            }
            Ok(Ok(found)) => found.collect::<Vec<_>>(),
        };
        if found.is_empty() {
            return Err(Outcome::down(Cause::Unresolved));
        }
        phases.resolve = Some(began.elapsed());
        Ok(found)
    }

    async fn shake_hands(
        &self,
        socket: Records,
        attempt: &mut Attempt,
        end: Instant,
    ) -> Result<TlsStream<Records>, Outcome> {
        let began = Instant::now();
        let handshake = TlsConnector::from(self.tls.clone()).connect(self.target.server_name(), socket);
        let stream = match timeout_at(end, handshake).await {
            Err(_) => return Err(Outcome::down(Cause::HandshakeSilent)),
            Ok(Err(error)) => return Err(tls::broken(&error)),
            Ok(Ok(stream)) => stream,
        };
        attempt.phases.handshake = Some(began.elapsed());
        let (_, connection) = stream.get_ref();
        attempt.version = connection.protocol_version().map(version);
        let certificate = connection.peer_certificates().and_then(|chain| chain.first());
        attempt.presented = certificate.map(|der| Presented::read(der));
        Ok(stream)
    }
}

/// Opens a connection to the first address that takes one. Each gets its share of the time that is left.
async fn connect(
    addresses: &[SocketAddr],
    attempt: &mut Attempt,
    end: Instant,
) -> Result<TcpStream, Outcome> {
    let began = Instant::now();
    let mut last = Outcome::down(Cause::ConnectSilent);
    for (place, &address) in addresses.iter().enumerate() {
        let share = end.saturating_duration_since(Instant::now()) / (addresses.len() - place) as u32;
        attempt.address = Some(address);
        last = match timeout_at(Instant::now() + share, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => {
                // Delay costs time and nothing else.
                let _ = socket.set_nodelay(true);
                attempt.phases.connect = Some(began.elapsed());
                return Ok(socket);
            }
            Ok(Err(error)) => not_connected(&error),
            Err(_) => Outcome::down(Cause::ConnectSilent),
        };
    }
    Err(last)
}

fn not_connected(error: &io::Error) -> Outcome {
    let kind = error.kind();
    let cause = if kind == io::ErrorKind::ConnectionRefused {
        Cause::Refused
    } else if kind == io::ErrorKind::ConnectionReset {
        Cause::HandshakeReset
    } else if kind == io::ErrorKind::TimedOut {
        Cause::ConnectSilent
    } else if UNREACHABLE.contains(&kind) {
        Cause::Unreachable
    } else {
        // Out of ports, files, memory or rights: something of this machine.
        return Outcome::NotTried { why: error.to_string() };
    };
    Outcome::Down { cause, detail: None }
}

/// Asks for the path, and reads the first line of what comes back.
async fn ask(stream: &mut TlsStream<Records>, target: &Target) -> Outcome {
    let Target { host, port, path, .. } = target;
    let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {host}:{port}\r\nuser-agent: failover-probe\r\nconnection: close\r\n\r\n"
    );
    let ended = |error: &io::Error| Outcome::NotJudged { ended: tls::ending(error) };
    if let Err(error) = stream.write_all(request.as_bytes()).await {
        return ended(&error);
    }
    let mut line = [0; LINE];
    let mut length = 0;
    while length < LINE {
        match stream.read(&mut line[length..]).await {
            Ok(0) if length == 0 => return ended(&io::ErrorKind::UnexpectedEof.into()),
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if length == 0 => return ended(&error),
            Err(_) => break,
        }
        if line[..length].contains(&b'\n') {
            break;
        }
    }
    status(&line[..length]).map_or(Outcome::down(Cause::NotHttp), |status| Outcome::Answered { status })
}

/// The status in the first line of an answer.
fn status(line: &[u8]) -> Option<u16> {
    let mut words = line.split(|&byte| byte.is_ascii_whitespace());
    let is_http = words.next()?.starts_with(b"HTTP/1.");
    let status = std::str::from_utf8(words.next()?).ok().filter(|word| word.len() == 3)?;
    status.parse().ok().filter(|_| is_http)
}

fn version(version: ProtocolVersion) -> &'static str {
    match version.as_str() {
        Some("TLSv1_2") => "TLS 1.2",
        Some("TLSv1_3") => "TLS 1.3",
        Some(other) => other,
        None => "another version of TLS",
    }
}

/// Errors that say that there is no way.
const UNREACHABLE: [io::ErrorKind; 3] =
    [io::ErrorKind::HostUnreachable, io::ErrorKind::NetworkUnreachable, io::ErrorKind::NetworkDown];
/// The longest first line of an answer that is read.
const LINE: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_has_a_status() {
        assert_eq!(status(b"HTTP/1.1 403 Forbidden\r\n"), Some(403));
        assert_eq!(status(b"HTTP/1.0 200\r\n"), Some(200));
        for junk in [&b""[..], b"220 mail.example ESMTP\r\n", b"HTTP/1.1 4030 x", b"HTTP/1.1", b"HTTP/2 200"]
        {
            assert_eq!(status(junk), None, "{junk:?}");
        }
    }
}
