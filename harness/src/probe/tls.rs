//! How does the probe speak TLS, and what does a failed handshake mean?

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use failover_sim::twin::provider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, Error, PeerIncompatible};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::bounded;

use super::outcome::{Cause, Outcome};

/// Why the probe's own certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientCertificateError {
    /// A file cannot be read.
    #[error("cannot read `{}`: {source}\nhint: `--client-cert` and `--client-key` name files in PEM or DER form", file.display())]
    Unreadable {
        /// Which one.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file holds something else.
    #[error("`{}` is not a {expected}\nhint: it may be PEM or DER; a `.pfx` file is neither", file.display())]
    Not {
        /// Which one.
        file: PathBuf,
        /// What was expected: a certificate, or an unencrypted private key.
        expected: &'static str,
    },
    /// Two files that do not belong together, or a kind of key that nobody here can use.
    #[error("the key in `{}` cannot be used with the certificate in `{}`: {source}\nhint: name the key that the certificate was made for", key.display(), certificate.display())]
    Pair {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// Why not.
        source: Error,
    },
    /// TLS itself cannot be set up.
    #[error("setting up TLS: {0}")]
    Tls(#[from] Error),
}

/// Reads a certificate with its chain, and its private key.
///
/// # Errors
/// If one of the files is no such thing, or if they do not belong together.
pub fn read_pair(certificate: &Path, key: &Path) -> Result<Arc<CertifiedKey>, ClientCertificateError> {
    let chain = certificates(certificate)?;
    let secret = private_key(key)?;
    CertifiedKey::from_der(chain, secret, &provider()).map(Arc::new).map_err(|source| {
        ClientCertificateError::Pair { certificate: certificate.to_owned(), key: key.to_owned(), source }
    })
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, ClientCertificateError> {
    let bytes = read(file)?;
    let not = || ClientCertificateError::Not { file: file.to_owned(), expected: "certificate" };
    let chain: Vec<_> =
        CertificateDer::pem_slice_iter(&bytes).collect::<Result<_, pem::Error>>().map_err(|_| not())?;
    let chain = if chain.is_empty() { vec![CertificateDer::from(bytes)] } else { chain };
    match chain.iter().all(|der| X509Certificate::from_der(der).is_ok()) {
        true => Ok(chain),
        false => Err(not()),
    }
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, ClientCertificateError> {
    let bytes = read(file)?;
    let key = PrivateKeyDer::from_pem_slice(&bytes).ok().or_else(|| PrivateKeyDer::try_from(bytes).ok());
    let expected = "private key without a passphrase";
    key.ok_or_else(|| ClientCertificateError::Not { file: file.to_owned(), expected })
}

fn read(file: &Path) -> Result<Vec<u8>, ClientCertificateError> {
    bounded::read_file(file, bounded::MOST)
        .map_err(|source| ClientCertificateError::Unreadable { file: file.to_owned(), source })
}

/// What it means that a handshake ended like this.
pub(super) fn broken(error: &io::Error) -> Outcome {
    let Some(said) = tls_error(error) else {
        let reset = matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe);
        let cause = if reset { Cause::HandshakeReset } else { Cause::HandshakeEnded };
        let detail = (!reset).then(|| ending(error));
        return Outcome::Down { cause, detail };
    };
    let cause = if matches!(said, Error::InvalidMessage(_)) {
        Cause::NotTls
    } else if NO_COMMON_VERSION.contains(said) {
        Cause::NoCommonVersion
    } else if matches!(said, Error::PeerIncompatible(_)) || NO_COMMON_CIPHER_SUITE.contains(said) {
        Cause::NoCommonCipherSuite
    } else {
        Cause::HandshakeEnded
    };
    Outcome::Down { cause, detail: Some(said.to_string()) }
}

/// How a connection ended, in a few words.
pub(super) fn ending(error: &io::Error) -> String {
    if let Some(said) = tls_error(error) {
        return format!("TLS ended it: {said}");
    }
    if matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) {
        "the connection was reset".to_owned()
    } else if error.kind() == io::ErrorKind::UnexpectedEof {
        "the peer closed the connection".to_owned()
    } else {
        error.to_string()
    }
}

fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// What a client hears or finds whose versions of TLS the server does not speak.
const NO_COMMON_VERSION: [Error; 3] = [
    Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13),
    Error::PeerIncompatible(PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig),
    Error::AlertReceived(AlertDescription::ProtocolVersion),
];
/// What a client hears whose cipher suites, groups or signatures the server does not have.
const NO_COMMON_CIPHER_SUITE: [Error; 2] = [
    Error::AlertReceived(AlertDescription::HandshakeFailure),
    Error::AlertReceived(AlertDescription::InsufficientSecurity),
];
