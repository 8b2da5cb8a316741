//! When does each side of a TLS connection take the other for what it says it is?
//!
//! As on Windows: the server takes any client certificate and leaves the verdict to HTTP; the client asks
//! [`trust`](crate::trust). Signatures of the handshake are verified on both sides.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    SignatureScheme, SupportedProtocolVersion,
};

use crate::names::HostId;
use crate::observe::ErrorFamily;
use crate::step::Shared;
use crate::topology::Topology;
use crate::trust::{ClientTrust, Handshake, HostTrust, judge_handshake};

use super::certificates::Certificates;
use super::options::{Resumption, TlsVersions, TwinOptions};

/// The one provider of cryptography: whoever relied on a default would panic if another one were linked in too.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// What a client needs that wants to see a server, not to trust it: it takes any certificate, and shows this one of its
/// own. No session is resumed, so that every handshake is a whole one.
///
/// # Errors
/// If the provider lacks TLS 1.2 and 1.3.
pub fn onlooker(own: Option<&Arc<CertifiedKey>>) -> Result<Arc<ClientConfig>, Error> {
    let provider = provider();
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer(provider)));
    let mut config = match own {
        Some(own) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own.clone()))),
        None => builder.with_no_client_auth(),
    };
    // A resumed session would skip the verdict.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}

/// What a node's HTTP.SYS needs to shake hands with this certificate: it takes any client certificate, and none.
///
/// # Errors
/// If the provider lacks the versions of TLS that are asked for.
pub fn http_sys(
    provider: &Arc<CryptoProvider>,
    certified: &Arc<CertifiedKey>,
    options: TwinOptions,
) -> Result<Arc<ServerConfig>, Error> {
    let versions: &[&SupportedProtocolVersion] = match options.tls {
        TlsVersions::Both => &[&TLS12, &TLS13],
        TlsVersions::Only12 => &[&TLS12],
        TlsVersions::Only13 => &[&TLS13],
    };
    let mut config = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions)?
        .with_client_cert_verifier(Arc::new(AnyClient(provider.clone())))
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified.clone())));
    match options.resumption {
        Resumption::Offered => {}
        Resumption::Refused => {
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
    }
    Ok(Arc::new(config))
}

/// The same client, which judges its server by `verifier` and shows this certificate of its own. A configuration is made
/// for each attempt to connect, and making one from nothing costs more than the attempt.
pub(crate) fn client(
    onlooker: &ClientConfig,
    verifier: Arc<dyn ServerCertVerifier>,
    own: Option<&Arc<CertifiedKey>>,
) -> Arc<ClientConfig> {
    let mut config = onlooker.clone();
    config.dangerous().set_certificate_verifier(verifier);
    if let Some(own) = own {
        config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(own.clone()));
    }
    Arc::new(config)
}

/// Asks the model whether a worker trusts the certificate that it is shown, and keeps the answer.
#[derive(Debug)]
pub(crate) struct WorkersVerdict {
    pub(crate) provider: Arc<CryptoProvider>,
    pub(crate) topology: Shared<Topology>,
    pub(crate) certificates: Arc<Certificates>,
    pub(crate) trust: ClientTrust,
    pub(crate) name: HostId,
    /// Seconds into the run.
    pub(crate) secs: u64,
    pub(crate) verdict: Verdict,
}

/// What a verifier said, for whoever opened the connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict(Arc<Mutex<Option<Handshake>>>);

impl Verdict {
    /// What was said, if it came to that.
    pub(crate) fn get(&self) -> Option<Handshake> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, handshake: Handshake) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(handshake);
    }
}

impl WorkersVerdict {
    fn judge(&self, der: &[u8]) -> Handshake {
        let Some(presented) = self.certificates.identify(der) else {
            return Handshake::Broken { error: ErrorFamily::TrustRelationship, presented: None };
        };
        // Whoever presents a certificate and signs with its key has it bound; the rest is not the worker's business.
        let host =
            HostTrust { binding: Some(presented), private_key: true, root: Vec::new(), root_is_clean: true };
        judge_handshake(&self.topology.certificates, self.secs, &self.trust, &host, self.name)
    }
}

impl ServerCertVerifier for WorkersVerdict {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let handshake = self.judge(end_entity);
        self.verdict.set(handshake);
        match handshake {
            Handshake::Finished(_) => Ok(ServerCertVerified::assertion()),
            Handshake::Broken { .. } => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Takes any server for what it is: the probe wants to see, not to trust.
#[derive(Debug)]
pub(crate) struct AnyServer(pub(crate) Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Takes any client certificate, and none: HTTP.SYS answers 403 above the handshake (inferred).
#[derive(Debug)]
struct AnyClient(Arc<CryptoProvider>);

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
