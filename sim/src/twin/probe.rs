//! What does a client outside the cluster meet at the endpoint?
//!
//! A connection and a handshake, again and again: it shows no certificate and asks for nothing, so it needs no rights.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_rustls::TlsConnector;

use crate::names::CertificateId;

use super::certificates::Certificates;
use super::door::DoorId;
use super::driver::Happening;
use super::line::reset_on_drop;

/// A client that looks at the endpoint.
pub(crate) struct Probe {
    /// The addresses of the endpoint, each behind a door of its own.
    pub(crate) places: Vec<(DoorId, SocketAddr)>,
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) certificates: Arc<Certificates>,
    /// Real time from one look to the next.
    pub(crate) every: Duration,
    pub(crate) happenings: UnboundedSender<Happening>,
}

/// What the probe met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    /// Nobody answered.
    Silence,
    /// The connection was refused.
    Refusal,
    /// The connection came about, the handshake did not.
    NoHandshake {
        /// The probe's own end, by which the node can be found.
        local: SocketAddr,
    },
    /// The handshake was finished.
    Handshake {
        /// The probe's own end, by which the node can be found.
        local: SocketAddr,
        /// The certificate that was presented.
        certificate: CertificateId,
    },
}

impl Met {
    /// How far the probe came.
    const fn rank(self) -> u8 {
        match self {
            Self::Silence => 0,
            Self::Refusal => 1,
            Self::NoHandshake { .. } => 2,
            Self::Handshake { .. } => 3,
        }
    }
}

/// Looks as long as there is a twin.
pub(crate) async fn watch(probe: Probe) {
    let mut beat = interval(probe.every);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        if probe.happenings.send(Happening::Looking).is_err() {
            return;
        }
        let (door, met) = look_everywhere(&probe).await;
        if probe.happenings.send(Happening::Looked(door, met)).is_err() {
            return;
        }
    }
}

/// Looks at one address after the other; the one that gets it furthest counts.
async fn look_everywhere(probe: &Probe) -> (DoorId, Met) {
    let mut best = (DoorId(0), Met::Silence);
    for &(door, address) in &probe.places {
        let met = look(probe, address).await;
        if best.1 == Met::Silence || met.rank() > best.1.rank() {
            best = (door, met);
        }
    }
    best
}

async fn look(probe: &Probe, address: SocketAddr) -> Met {
    let socket = match knock(address).await {
        Ok(socket) => socket,
        Err(met) => return met,
    };
    // Nothing is left behind of a look: thousands of them would use up the ports.
    reset_on_drop(&socket);
    let Ok(local) = socket.local_addr() else { return Met::Refusal };
    let name = ServerName::IpAddress(address.ip().into());
    let handshake = TlsConnector::from(probe.tls.clone()).connect(name, socket);
    tokio::select! {
        biased;
        shaken = handshake => {
            let certificate = shaken.ok().and_then(|stream| {
                let der = stream.get_ref().1.peer_certificates()?.first()?;
                probe.certificates.identify(der)
            });
            certificate.map_or(Met::NoHandshake { local }, |certificate| Met::Handshake { local, certificate })
        }
        met = gone(address) => met,
    }
}

/// Opens a connection. The kernel opens it at once if anybody listens, however busy the machine is.
async fn knock(address: SocketAddr) -> Result<TcpStream, Met> {
    match timeout(UNANSWERED, TcpStream::connect(address)).await {
        Ok(Ok(socket)) => Ok(socket),
        Ok(Err(error)) if error.kind() == io::ErrorKind::TimedOut => Err(Met::Silence),
        Ok(Err(_)) => Err(Met::Refusal),
        Err(_) => Err(Met::Silence),
    }
}

/// While a handshake takes long: whether there is still anybody to finish it.
async fn gone(address: SocketAddr) -> Met {
    for _ in 0..PATIENCE {
        sleep(UNANSWERED).await;
        match knock(address).await {
            Ok(socket) => reset_on_drop(&socket),
            Err(met) => return met,
        }
    }
    Met::Silence
}

/// How long nobody answers before that is called silence, in real time.
pub(crate) const UNANSWERED: Duration = Duration::from_millis(10);
/// How often a node is asked again whether it is there before a handshake is given up: some ten seconds.
const PATIENCE: u32 = 1_000;
