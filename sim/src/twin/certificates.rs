//! How do the certificates of a topology become real ones?

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_RSA_SHA256, PublicKeyData, SanType,
    SignatureAlgorithm, SigningKey,
};
use ring::digest;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::names::{CertificateId, Names};
use crate::trust::{Certificate, Thumbprint};

use super::TwinError;
use super::clock::Pace;
use super::options::KeyKind;

/// The certificates of a run with their keys, by identifier.
#[derive(Debug)]
pub(crate) struct Certificates {
    made: Vec<Made>,
    by_thumbprint: BTreeMap<Thumbprint, CertificateId>,
}

/// A certificate that was made for this run.
#[derive(Debug)]
pub(crate) struct Made {
    /// The certificate, in the form of a PEM file.
    pub(crate) pem: String,
    /// Its private key, in the form of a PEM file.
    pub(crate) key_pem: String,
    /// Both, ready for TLS.
    pub(crate) certified: Arc<CertifiedKey>,
}

impl Made {
    /// The certificate in DER form.
    pub(crate) fn der(&self) -> &[u8] {
        self.certified.cert.first().map(|der| der.as_ref()).unwrap_or_default()
    }

    /// What workers pin.
    pub(crate) fn thumbprint(&self) -> Thumbprint {
        thumbprint(self.der())
    }
}

impl Certificates {
    /// Makes all of them: self-signed, with the names that the topology gives them.
    pub(crate) fn make(
        certificates: &[Certificate],
        names: &Names,
        pace: Pace,
        keys: KeyKind,
        provider: &CryptoProvider,
    ) -> Result<Self, TwinError> {
        let mut all = Self { made: Vec::with_capacity(certificates.len()), by_thumbprint: BTreeMap::new() };
        for (index, certificate) in certificates.iter().enumerate() {
            let id = CertificateId(index as u16);
            let failed = |source| TwinError::Certificate { name: names.certificate(id).to_owned(), source };
            let (der, key) = make(id, certificate, names, pace, keys).map_err(failed)?;
            let chain = vec![CertificateDer::from(der.clone())];
            let secret = PrivateKeyDer::Pkcs8(key.serialize_der().into());
            let certified = CertifiedKey::from_der(chain, secret, provider)
                .map_err(|source| TwinError::Tls { name: names.certificate(id).to_owned(), source })?;
            all.by_thumbprint.insert(thumbprint(&der), id);
            all.made.push(Made {
                key_pem: key.serialize_pem(),
                pem: pem::encode(&pem::Pem::new("CERTIFICATE", der)),
                certified: Arc::new(certified),
            });
        }
        Ok(all)
    }

    /// One of them.
    pub(crate) fn get(&self, id: CertificateId) -> &Made {
        &self.made[id.index()]
    }

    /// Which of them this is, if any.
    pub(crate) fn identify(&self, der: &[u8]) -> Option<CertificateId> {
        self.with_thumbprint(thumbprint(der))
    }

    /// Which of them has this thumbprint, if any.
    pub(crate) fn with_thumbprint(&self, thumbprint: Thumbprint) -> Option<CertificateId> {
        self.by_thumbprint.get(&thumbprint).copied()
    }
}

/// SHA-1 over the DER form, as Windows shows it.
pub(crate) fn thumbprint(der: &[u8]) -> Thumbprint {
    let mut bytes = [0; 20];
    bytes.copy_from_slice(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, der).as_ref());
    Thumbprint(bytes)
}

fn make(
    id: CertificateId,
    certificate: &Certificate,
    names: &Names,
    pace: Pace,
    keys: KeyKind,
) -> Result<(Vec<u8>, KeyPair), rcgen::Error> {
    let key = match keys {
        KeyKind::Ecdsa => KeyPair::generate()?,
        // Nobody here can make one: ring does not.
        KeyKind::Rsa => KeyPair::from_pem_and_sign_algo(KNOWN_RSA_KEY, &PKCS_RSA_SHA256)?,
    };
    let mut params = CertificateParams::default();
    // Certificates that share their key and their names are different ones all the same.
    params.serial_number = Some((u64::from(id.0) + 1).into());
    params.distinguished_name = DistinguishedName::new();
    for (place, &name) in certificate.common_names.iter().enumerate() {
        let kind = match place {
            0 => DnType::CommonName,
            _ => DnType::CustomDnType(vec![2, 5, 4, PLACEHOLDERS.start + place as u64 - 1]),
        };
        params.distinguished_name.push(kind, names.host(name));
    }
    for &name in certificate.alternative_names.iter().flatten() {
        let name = names.host(name);
        params.subject_alt_names.push(match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(name.try_into()?),
        });
    }
    if let Some(secs) = certificate.expires_after_secs {
        let from_now = pace.real(Duration::from_secs(secs)) + Duration::from_millis(999);
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let end = Duration::from_secs((since_1970 + from_now).as_secs());
        params.not_after = rcgen::date_time_ymd(1970, 1, 1) + end;
    }
    let mut der = params.self_signed(&SeveralCommonNames(&key))?.der().to_vec();
    name_common(&mut der);
    Ok((der, key))
}

/// Signs what the certificate says once every placeholder in its names is a common name.
///
/// rcgen writes each kind of name once; Windows setup writes several common names. So the second and later ones are
/// written under object identifiers of their own, which are then replaced in the certificate and in what is signed.
struct SeveralCommonNames<'k>(&'k KeyPair);

impl PublicKeyData for SeveralCommonNames<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.der_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        PublicKeyData::algorithm(self.0)
    }
}

impl SigningKey for SeveralCommonNames<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let mut message = message.to_vec();
        name_common(&mut message);
        self.0.sign(&message)
    }
}

/// Replaces the placeholders by the object identifier of a common name, 2.5.4.3.
fn name_common(der: &mut [u8]) {
    for place in 0..der.len().saturating_sub(4) {
        if der[place..].starts_with(&[0x06, 0x03, 0x55, 0x04])
            && PLACEHOLDERS.contains(&der[place + 4].into())
        {
            der[place + 4] = 0x03;
        }
    }
}

/// The key of every RSA certificate of every twin: no secret.
const KNOWN_RSA_KEY: &str = include_str!("known_rsa_key.pem");
/// Last arcs of object identifiers 2.5.4.n that rcgen writes for nothing else and that take one byte.
const PLACEHOLDERS: std::ops::Range<u64> = 64..128;

#[cfg(test)]
mod tests {
    use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

    use super::*;
    use crate::names::HostId;

    /// Header and body of the DER value at the start, and what follows it.
    fn split(der: &[u8]) -> (&[u8], &[u8], &[u8]) {
        let (length, header) = match der[1] {
            0x82 => (usize::from(der[2]) << 8 | usize::from(der[3]), 4),
            0x81 => (usize::from(der[2]), 3),
            short => (usize::from(short), 2),
        };
        (&der[..header + length], &der[header..header + length], &der[header + length..])
    }

    #[test]
    fn several_common_names_stand_in_one_certificate_whose_signature_holds() {
        let names =
            Names { hosts: vec!["node1".into(), "10.0.0.11".into(), "sqlfci".into()], ..Names::default() };
        let certificate = Certificate {
            common_names: vec![HostId(0), HostId(1), HostId(2)],
            alternative_names: None,
            expires_after_secs: Some(60),
            thumbprint: Thumbprint([0; 20]),
        };
        let (der, key) = make(CertificateId(0), &certificate, &names, Pace::new(20), KeyKind::Ecdsa)
            .expect("a certificate");
        let common_name = [0x06, 0x03, 0x55, 0x04, 0x03];
        // In the subject, and in the issuer, which is the same.
        assert_eq!(der.windows(5).filter(|window| *window == common_name).count(), 6);
        let (_, content, _) = split(&der);
        let (signed, _, rest) = split(content);
        let (_, _, rest) = split(rest);
        let (_, signature, _) = split(rest);
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key.public_key_raw())
            .verify(signed, &signature[1..])
            .expect("what was signed is what the certificate says");
    }
}
