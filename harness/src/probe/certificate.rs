//! What does the certificate say that a host presented?

use std::net::IpAddr;

use failover_sim::trust::Thumbprint;
use ring::digest;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};
use x509_parser::time::ASN1Time;

/// A certificate as a client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    /// SHA-1 over its DER form, which is what workers pin.
    pub thumbprint: Thumbprint,
    /// What it says; `None` if it cannot be read.
    pub content: Option<Content>,
}

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Its subject.
    pub subject: String,
    /// Whether issuer and subject are the same, as in the certificates that setup makes.
    pub is_self_signed: bool,
    /// The common names of the subject.
    pub common_names: Vec<String>,
    /// The DNS names and addresses of the subject alternative name extension; `None` without that extension.
    pub alternative_names: Option<Vec<String>>,
    /// Since when it is valid, in seconds since 1970.
    pub not_before: i64,
    /// When it expires, in seconds since 1970.
    pub not_after: i64,
}

impl Presented {
    /// Reads a certificate in DER form.
    pub fn read(der: &[u8]) -> Self {
        Self {
            thumbprint: thumbprint(der),
            content: X509Certificate::from_der(der).ok().map(|(_, read)| content(&read)),
        }
    }
}

impl Content {
    /// Whether a client that asked for `host` finds this name in the certificate.
    ///
    /// Common names are documented (troubleshooting-scale-out); that a subject alternative name, where there is one,
    /// counts alone is inferred from .NET. An asterisk stands for one label (RFC 6125, 6.4.3).
    pub fn names(&self, host: &str) -> bool {
        self.alternative_names.as_ref().unwrap_or(&self.common_names).iter().any(|name| {
            name.eq_ignore_ascii_case(host)
                || name.strip_prefix('*').is_some_and(|rest| {
                    host.find('.').is_some_and(|dot| rest.eq_ignore_ascii_case(&host[dot..]))
                })
        })
    }

    /// Whether it is valid at a moment, in seconds since 1970.
    pub const fn is_valid_at(&self, secs: i64) -> bool {
        self.not_before <= secs && secs <= self.not_after
    }
}

fn thumbprint(der: &[u8]) -> Thumbprint {
    let mut bytes = [0; 20];
    bytes.copy_from_slice(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, der).as_ref());
    Thumbprint(bytes)
}

fn content(read: &X509Certificate<'_>) -> Content {
    let common_names = read.subject().iter_common_name();
    let alternative_names = read.subject_alternative_name().ok().flatten();
    Content {
        subject: read.subject().to_string(),
        is_self_signed: read.subject().as_raw() == read.issuer().as_raw(),
        common_names: common_names.map(|name| name.as_str().unwrap_or_default().to_owned()).collect(),
        alternative_names: alternative_names
            .map(|names| names.value.general_names.iter().filter_map(name).collect()),
        not_before: read.validity().not_before.timestamp(),
        not_after: read.validity().not_after.timestamp(),
    }
}

/// A name that a host can be asked for by; the other kinds name people and directories.
fn name(name: &GeneralName<'_>) -> Option<String> {
    if let GeneralName::DNSName(name) = name {
        return Some((*name).to_owned());
    }
    let GeneralName::IPAddress(bytes) = name else { return None };
    let four = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
    let sixteen = <[u8; 16]>::try_from(*bytes).map(IpAddr::from);
    four.or(sixteen).ok().map(|address| address.to_string())
}

/// A moment as people and programs read it: `2026-11-23T22:28:21Z`.
pub fn date(secs: i64) -> String {
    let Ok(time) = ASN1Time::from_timestamp(secs) else { return format!("{secs}s after 1970") };
    let time = time.to_datetime();
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", time.hour(), time.minute(), time.second())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(common_names: &[&str], alternative_names: Option<&[&str]>) -> Content {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        Content {
            subject: String::new(),
            is_self_signed: true,
            common_names: owned(common_names),
            alternative_names: alternative_names.map(owned),
            not_before: 0,
            not_after: 100,
        }
    }

    #[test]
    fn a_name_is_found_among_common_names_unless_there_are_alternative_ones() {
        let several = content(&["NODE1", "10.0.0.11", "SQLFCI"], None);
        assert!(several.names("sqlfci") && several.names("10.0.0.11") && !several.names("node2"));
        let alternative = content(&["SQLFCI"], Some(&["node1", "*.contoso.com"]));
        assert!(!alternative.names("SQLFCI") && alternative.names("sqlfci.contoso.com"));
        assert!(!alternative.names("a.b.contoso.com") && !alternative.names("contoso.com"));
    }

    #[test]
    fn what_is_no_certificate_still_has_a_thumbprint() {
        let presented = Presented::read(b"junk");
        assert_eq!(presented.content, None);
        assert_eq!(presented.thumbprint.to_string(), "c911297212d955d650502555d84de2c922b6e4f9");
    }

    #[test]
    fn dates_are_in_universal_time() {
        assert_eq!(date(0), "1970-01-01T00:00:00Z");
        assert_eq!(date(1_795_472_901), "2026-11-23T22:28:21Z");
    }
}
