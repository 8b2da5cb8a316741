//! The peers of the twin: rustls in memory, and rustls and hyper over loopback without anything of ours.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use failover_sim::twin::{TwinOptions, http_sys, onlooker, provider};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// A client of the twin's endpoint, or of a bare server's.
pub type Client = SendRequest<Full<Bytes>>;

/// What both ends of a mutual handshake need: the twin's own settings, with certificates that nobody judges.
#[derive(Debug)]
pub struct BareTls {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
    /// A client without a certificate, as the twin's probe is.
    onlooker: Arc<ClientConfig>,
}

impl BareTls {
    /// Makes a key and a certificate, for both ends.
    ///
    /// # Panics
    /// If ring cannot do what it always can.
    pub fn new() -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
        let names = vec!["sqlfci".to_owned()];
        let certificate = CertificateParams::new(names).and_then(|params| params.self_signed(&key));
        let der = certificate.expect("a certificate").der().clone();
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let certified = CertifiedKey::from_der(vec![der], key, &provider()).expect("a pair");
        Self::with(&Arc::new(certified))
    }

    fn with(certified: &Arc<CertifiedKey>) -> Self {
        let options = TwinOptions::with_factor(1);
        let server = http_sys(&provider(), certified, options).expect("ring has both versions");
        let client = onlooker(Some(certified)).expect("ring has both versions");
        let onlooker = onlooker(None).expect("ring has both versions");
        Self { server, client, onlooker }
    }

    /// One full mutual handshake without any socket.
    ///
    /// # Panics
    /// If it fails.
    pub fn handshake_in_memory(&self) {
        let mut client = ClientConnection::new(self.client.clone(), name()).expect("a client");
        let mut server = ServerConnection::new(self.server.clone()).expect("a server");
        let mut bytes = Vec::with_capacity(4_096);
        while client.is_handshaking() || server.is_handshaking() {
            while client.wants_write() {
                client.write_tls(&mut bytes).expect("memory");
            }
            let mut arrived = bytes.as_slice();
            while !arrived.is_empty() {
                server.read_tls(&mut arrived).expect("memory");
                server.process_new_packets().expect("a good client");
            }
            bytes.clear();
            while server.wants_write() {
                server.write_tls(&mut bytes).expect("memory");
            }
            let mut arrived = bytes.as_slice();
            while !arrived.is_empty() {
                client.read_tls(&mut arrived).expect("memory");
                client.process_new_packets().expect("a good server");
            }
            bytes.clear();
        }
    }

    /// Serves every connection from here on, in tasks of this runtime; each request is answered as a master answers a
    /// heartbeat.
    ///
    /// # Panics
    /// Without a free port.
    pub async fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let acceptor = TlsAcceptor::from(self.server.clone());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    socket.set_nodelay(true)?;
                    let stream = acceptor.accept(socket).await?;
                    // The client closes when it likes.
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service_fn(answer))
                        .await;
                    Ok::<(), std::io::Error>(())
                });
            }
        });
        address
    }

    /// A connection and a handshake without a client certificate, and nothing after it.
    ///
    /// # Panics
    /// If nobody serves there.
    pub async fn look(&self, address: SocketAddr) {
        let socket = TcpStream::connect(address).await.expect("somebody listens");
        let connector = TlsConnector::from(self.onlooker.clone());
        connector.connect(name(), socket).await.expect("a handshake");
    }

    /// Opens a connection to a bare server.
    pub async fn open(&self, address: SocketAddr) -> Client {
        open(address, &self.client).await
    }
}

impl Default for BareTls {
    fn default() -> Self {
        Self::new()
    }
}

/// Opens a connection: a socket, a full handshake, and HTTP over it.
///
/// # Panics
/// If nobody serves there.
pub async fn open(address: SocketAddr, config: &Arc<ClientConfig>) -> Client {
    let socket = TcpStream::connect(address).await.expect("somebody listens");
    socket.set_nodelay(true).expect("a socket");
    let stream = TlsConnector::from(config.clone()).connect(name(), socket).await.expect("a handshake");
    let (client, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP");
    tokio::spawn(connection);
    client
}

/// Sends a heartbeat and reads its answer.
///
/// # Panics
/// If the answer is not 200.
pub async fn ask(client: &mut Client) {
    client.ready().await.expect("the connection stands");
    let body = Full::new(Bytes::from_static(br#"{"verb":"agent_heartbeat"}"#));
    let request = Request::post("/ClusterManagement/").header("host", "sqlfci").body(body);
    let response = client.send_request(request.expect("a request")).await.expect("an answer");
    assert_eq!(response.status(), 200);
    response.into_body().collect().await.expect("a body");
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    // What is sent is read, and nothing is made of it.
    let _ = request.into_body().collect().await;
    Ok(Response::new(Full::new(Bytes::from_static(br#"{"answer":"registered","enabled":true}"#))))
}

fn name() -> ServerName<'static> {
    ServerName::try_from("sqlfci").expect("a name")
}
