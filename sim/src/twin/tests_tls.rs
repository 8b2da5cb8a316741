//! Do keys, versions and resumption come out as they were asked for, on both nodes?

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use rustls::{ClientConfig, ClientConnection, HandshakeKind, ProtocolVersion, StreamOwned, version};

use super::tests::{Run, quick};
use super::tests_foreign::beside;
use super::*;
use crate::world::fixture::{NODE1, NODE2};

/// What one connection showed: version, kind of handshake, and the kind of the certificate's key.
type Seen = Result<(ProtocolVersion, HandshakeKind, KeyKind), rustls::Error>;

/// Connects, is answered, and so has whatever a later connection could resume.
fn look(config: &Arc<ClientConfig>, endpoint: SocketAddr) -> Seen {
    let name = "sqlfci".try_into().expect("a name");
    let connection = ClientConnection::new(config.clone(), name).expect("a client");
    let socket = TcpStream::connect_timeout(&endpoint, Duration::from_secs(10)).expect("a connection");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
    let mut stream = StreamOwned::new(connection, socket);
    let asked = stream.write_all(b"GET /ClusterManagement/ HTTP/1.1\r\nhost: sqlfci\r\n\r\n");
    if let Err(error) = asked {
        let said = error.get_ref().and_then(|said| said.downcast_ref::<rustls::Error>());
        return Err(said.expect("an error of TLS").clone());
    }
    let mut answer = [0; 4_096];
    let count = stream.read(&mut answer).expect("an answer");
    assert!(answer[..count].starts_with(b"HTTP/1.1 403 Forbidden"));
    let presented = stream.conn.peer_certificates().and_then(|chain| chain.first()).expect("a certificate");
    // rsaEncryption, 1.2.840.113549.1.1.1: the key's own identifier.
    let rsa = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    let key =
        if presented.windows(rsa.len()).any(|part| part == rsa) { KeyKind::Rsa } else { KeyKind::Ecdsa };
    let version = stream.conn.protocol_version().expect("a version");
    Ok((version, stream.conn.handshake_kind().expect("a handshake"), key))
}

/// A client that speaks these versions and keeps sessions to resume.
fn client(versions: &[&'static rustls::SupportedProtocolVersion]) -> Arc<ClientConfig> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .expect("ring has both versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(tls::AnyServer(provider())))
        .with_no_client_auth();
    Arc::new(config)
}

#[track_caller]
fn check(keys: KeyKind, tls: TlsVersions, resumption: Resumption) {
    let options = TwinOptions { keys, tls, resumption, ..TwinOptions::with_factor(20) };
    let mut run = Run::start_with(&quick(2, |_| {}), options);
    let (twelve, thirteen) = (ProtocolVersion::TLSv1_2, ProtocolVersion::TLSv1_3);
    for node in [NODE1, NODE2] {
        if node == NODE2 {
            run.apply(Action::MoveRole { role: ROLE, to: NODE2 });
        }
        run.until_served_by(node);
        let endpoint = run.twin.endpoint();
        let (first, second, old, new) = beside(&mut run, || {
            let both = client(&[&version::TLS12, &version::TLS13]);
            let (first, second) = (look(&both, endpoint), look(&both, endpoint));
            let only = |version| look(&client(&[version]), endpoint).map(|(version, ..)| version);
            (first, second, only(&version::TLS12), only(&version::TLS13))
        });
        let best = if tls == TlsVersions::Only12 { twelve } else { thirteen };
        assert_eq!(first, Ok((best, HandshakeKind::Full, keys)));
        let kind = match resumption {
            Resumption::Offered => HandshakeKind::Resumed,
            Resumption::Refused => HandshakeKind::Full,
        };
        assert_eq!(second, Ok((best, kind, keys)));
        assert_eq!(old.ok(), (tls != TlsVersions::Only13).then_some(twelve));
        assert_eq!(new.ok(), (tls != TlsVersions::Only12).then_some(thirteen));
    }
}

#[test]
fn keys_versions_and_resumption_are_those_that_were_asked_for_on_both_nodes() {
    check(KeyKind::Rsa, TlsVersions::Both, Resumption::Offered);
    check(KeyKind::Rsa, TlsVersions::Only12, Resumption::Refused);
    check(KeyKind::Ecdsa, TlsVersions::Only12, Resumption::Offered);
    check(KeyKind::Ecdsa, TlsVersions::Only13, Resumption::Offered);
    check(KeyKind::Ecdsa, TlsVersions::Only13, Resumption::Refused);
}
