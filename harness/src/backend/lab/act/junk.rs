//! What is put into a Root store that does not belong there?
//!
//! A certificate that another one has signed. Nobody has the key of either: both go as soon as it is made.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, DnType, Issuer, KeyPair};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

/// A certificate that is not self-signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Junk {
    /// Its SHA-1 thumbprint.
    pub(super) thumbprint: String,
    /// Itself, as base64.
    pub(super) base64: String,
}

impl Junk {
    /// Another one each time.
    pub(super) fn make() -> Result<Self, rcgen::Error> {
        let named = |name: &str| {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, name);
            params
        };
        let issuer = Issuer::new(named("failover-lab: nobody"), KeyPair::generate()?);
        let certificate = named("failover-lab: not self-signed").signed_by(&KeyPair::generate()?, &issuer)?;
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate.der());
        let thumbprint = hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
        Ok(Self { thumbprint, base64: STANDARD.encode(certificate.der()) })
    }
}

#[cfg(test)]
mod tests {
    use x509_parser::parse_x509_certificate;

    use super::*;

    #[test]
    fn it_has_another_issuer_and_is_no_authority_itself() {
        let junk = Junk::make().expect("random numbers");
        let der = STANDARD.decode(&junk.base64).expect("base64");
        let (_, certificate) = parse_x509_certificate(&der).expect("a certificate");
        assert_ne!(certificate.issuer(), certificate.subject());
        assert!(!certificate.is_ca());
        assert_eq!(junk.thumbprint.len(), 40);
        assert_ne!(junk, Junk::make().expect("random numbers"));
    }
}
