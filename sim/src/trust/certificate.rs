//! What does a certificate say?

use std::fmt;
use std::str::FromStr;

use crate::names::HostId;

/// A certificate, as far as Scale Out looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Common names of the subject. Setup writes the computer name and the address; for a cluster the network name
    /// must be among them (deal-with-certificates-in-ssis-scale-out, documented).
    pub common_names: Vec<HostId>,
    /// Names of the subject alternative name extension, if there is one. Setup's certificates have none as far as is
    /// known.
    pub alternative_names: Option<Vec<HostId>>,
    /// When it expires, in seconds since the run began; `None` if long after the run.
    pub expires_after_secs: Option<u64>,
    /// SHA-1 over its DER form.
    pub thumbprint: Thumbprint,
}

impl Certificate {
    /// Whether a client that asked for `host` finds this name in the certificate.
    ///
    /// The common names are documented (troubleshooting-scale-out). That a subject alternative name, where there is
    /// one, counts alone is inferred from .NET.
    pub fn names(&self, host: HostId) -> bool {
        self.alternative_names.as_ref().unwrap_or(&self.common_names).contains(&host)
    }

    /// Whether it has expired so many seconds into the run.
    pub fn has_expired(&self, secs: u64) -> bool {
        self.expires_after_secs.is_some_and(|end| end <= secs)
    }
}

/// SHA-1 over a certificate in DER form: what Windows shows as its thumbprint and SSIS pins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Thumbprint(pub [u8; 20]);

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What is wrong with a text that should be a thumbprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThumbprintError {
    /// How many hexadecimal digits were found; 40 are needed.
    pub digits: usize,
}

impl fmt::Display for ThumbprintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a thumbprint has 40 hexadecimal digits, found {}", self.digits)
    }
}

impl std::error::Error for ThumbprintError {}

impl FromStr for Thumbprint {
    type Err = ThumbprintError;

    /// Case, spaces and the invisible characters that a copy from the certificate dialog brings along do not matter.
    fn from_str(text: &str) -> Result<Self, ThumbprintError> {
        let digits: Vec<u8> = text
            .chars()
            .filter(|c| !c.is_whitespace() && *c != ':' && c.is_ascii())
            .map_while(|c| c.to_digit(16).map(|digit| digit as u8))
            .collect();
        let mut bytes = [0; 20];
        if digits.len() != 40 {
            return Err(ThumbprintError { digits: digits.len() });
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbprint_survives_what_copying_does_to_it() {
        let plain = "9c41aa00112233445566778899aabbccddeeff7e";
        let pasted = "\u{200e}9C 41 AA 00 11 22 33 44 55 66 77 88 99 AA BB CC DD EE FF 7E ";
        assert_eq!(plain.parse::<Thumbprint>(), pasted.parse());
        assert_eq!(plain.parse::<Thumbprint>().map(|t| t.to_string()).as_deref(), Ok(plain));
        assert_eq!("9c41".parse::<Thumbprint>(), Err(ThumbprintError { digits: 4 }));
    }

    #[test]
    fn a_subject_alternative_name_hides_the_common_names() {
        let (node, name) = (HostId(0), HostId(1));
        let mut certificate = Certificate {
            common_names: vec![node, name],
            alternative_names: None,
            expires_after_secs: None,
            thumbprint: Thumbprint([0; 20]),
        };
        assert!(certificate.names(name));
        certificate.alternative_names = Some(vec![node]);
        assert!(!certificate.names(name));
    }
}
