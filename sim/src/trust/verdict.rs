//! In which order are the questions asked, and what does each wrong answer look like in the worker's log?
//!
//! The order is inferred (binding, chain, name, pin, client key, then HTTP 403 for the client certificate); the error
//! of each cause is documented by troubleshooting-scale-out except where a line says otherwise.

use crate::names::{CertificateId, HostId};
use crate::observe::ErrorFamily;
use crate::planted::{Defect, has};

use super::{Certificate, ClientTrust, HostTrust};

/// How a TLS handshake between a worker and a node's HTTP.SYS ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Handshake {
    /// Both sides go on; the node presented this certificate.
    Finished(CertificateId),
    /// It breaks off.
    Broken {
        /// What the worker's log says.
        error: ErrorFamily,
        /// What the node presented, if it came to that.
        presented: Option<CertificateId>,
    },
}

/// Judges the handshake between a worker that asked for `name` and a node, `secs` seconds into the run.
pub fn judge_handshake(
    certificates: &[Certificate],
    secs: u64,
    client: &ClientTrust,
    host: &HostTrust,
    name: HostId,
) -> Handshake {
    // No binding on the port: HTTP.SYS cannot shake hands. That a lost private key looks the same is inferred.
    let Some(presented) = host.binding.filter(|_| host.private_key) else {
        return Handshake::Broken { error: ErrorFamily::HttpRequest, presented: None };
    };
    let certificate = &certificates[presented.index()];
    // Chain: a self-signed certificate is trusted when it is itself in LocalMachine\Root. Expiry is inferred.
    let trusted = client.root.binary_search(&presented).is_ok() && !certificate.has_expired(secs);
    let named = certificate.names(name) || has(Defect::NameIgnored);
    let pinned = client.pin == Some(presented) || has(Defect::PinIgnored);
    if !(trusted && named && pinned) {
        return Handshake::Broken { error: ErrorFamily::TrustRelationship, presented: Some(presented) };
    }
    // The service account cannot open the key of its own certificate. That a missing one looks the same is inferred.
    if client.own.is_none() || !client.key_readable {
        return Handshake::Broken { error: ErrorFamily::SecureChannel, presented: Some(presented) };
    }
    Handshake::Finished(presented)
}

/// Whether the node lets the request of a worker in.
pub fn judge_request(client: &ClientTrust, host: &HostTrust) -> bool {
    judge_client_certificate(client.own, host)
}

/// Whether the node lets a request in that comes with this certificate, or with none: Windows finishes the handshake
/// with any client certificate and answers 403 above it (inferred) unless the worker's certificate is in the node's LocalMachine\Root (documented).
pub fn judge_client_certificate(shown: Option<CertificateId>, host: &HostTrust) -> bool {
    shown.is_some_and(|shown| host.root_is_clean && host.root.binary_search(&shown).is_ok())
        || has(Defect::WorkerCertificateNotChecked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::Thumbprint;

    const MASTER: CertificateId = CertificateId(0);
    const OTHER: CertificateId = CertificateId(1);
    const WORKER: CertificateId = CertificateId(2);
    const NAME: HostId = HostId(0);
    const NODE: HostId = HostId(1);

    fn certificates() -> Vec<Certificate> {
        let certificate = |names: &[HostId]| Certificate {
            common_names: names.to_vec(),
            alternative_names: None,
            expires_after_secs: None,
            thumbprint: Thumbprint([0; 20]),
        };
        vec![certificate(&[NODE, NAME]), certificate(&[NODE]), certificate(&[])]
    }

    fn client() -> ClientTrust {
        ClientTrust { root: vec![MASTER], pin: Some(MASTER), own: Some(WORKER), key_readable: true }
    }

    fn host() -> HostTrust {
        HostTrust {
            binding: Some(MASTER),
            private_key: true,
            root: vec![MASTER, WORKER],
            root_is_clean: true,
        }
    }

    #[track_caller]
    fn check(client: &ClientTrust, host: &HostTrust, name: HostId, expected: Result<(), ErrorFamily>) {
        let found = match judge_handshake(&certificates(), 0, client, host, name) {
            Handshake::Finished(_) => Ok(()),
            Handshake::Broken { error, .. } => Err(error),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn the_guide_followed_to_the_letter_is_trusted() {
        check(&client(), &host(), NAME, Ok(()));
        assert!(judge_request(&client(), &host()));
    }

    #[test]
    fn each_mistake_has_its_documented_error() {
        let trust = Err(ErrorFamily::TrustRelationship);
        check(&client(), &host(), HostId(9), trust);
        check(&ClientTrust { root: vec![], ..client() }, &host(), NAME, trust);
        check(&ClientTrust { pin: Some(OTHER), ..client() }, &host(), NAME, trust);
        check(&client(), &HostTrust { binding: Some(OTHER), ..host() }, NODE, trust);
        check(&client(), &HostTrust { binding: None, ..host() }, NAME, Err(ErrorFamily::HttpRequest));
        check(&client(), &HostTrust { private_key: false, ..host() }, NAME, Err(ErrorFamily::HttpRequest));
        let secure = Err(ErrorFamily::SecureChannel);
        check(&ClientTrust { key_readable: false, ..client() }, &host(), NAME, secure);
        check(&ClientTrust { own: None, ..client() }, &host(), NAME, secure);
        assert!(!judge_request(&client(), &HostTrust { root: vec![MASTER], ..host() }));
        assert!(!judge_request(&client(), &HostTrust { root_is_clean: false, ..host() }));
    }

    #[test]
    fn an_untrusted_server_is_reported_before_an_unreadable_key() {
        let client = ClientTrust { pin: Some(OTHER), key_readable: false, ..client() };
        check(&client, &host(), NAME, Err(ErrorFamily::TrustRelationship));
    }

    #[test]
    fn an_expired_certificate_is_not_trusted() {
        let mut certificates = certificates();
        certificates[MASTER.index()].expires_after_secs = Some(60);
        let at = |secs| judge_handshake(&certificates, secs, &client(), &host(), NAME);
        assert_eq!(at(59), Handshake::Finished(MASTER));
        assert!(matches!(at(60), Handshake::Broken { error: ErrorFamily::TrustRelationship, .. }));
    }
}
