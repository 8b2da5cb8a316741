//! In which ways can a twin run?

use std::time::Duration;

/// How a twin runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TwinOptions {
    /// How many virtual seconds pass in a real one; at least 1.
    pub factor: u32,
    /// How long a client may take for a handshake, or for the body of a request, in real time.
    pub patience: Duration,
    /// Where its nodes and addresses are found.
    pub addressing: Addressing,
    /// What the certificates' keys are.
    pub keys: KeyKind,
    /// Which versions of TLS the nodes speak.
    pub tls: TlsVersions,
    /// Whether the nodes let clients resume a session.
    pub resumption: Resumption,
}

impl TwinOptions {
    /// So many virtual seconds in a real one; clients may take ten seconds; any free network; ECDSA, both versions of
    /// TLS, and resumption.
    pub const fn with_factor(factor: u32) -> Self {
        Self {
            factor,
            patience: Duration::from_secs(10),
            addressing: Addressing::Any,
            keys: KeyKind::Ecdsa,
            tls: TlsVersions::Both,
            resumption: Resumption::Offered,
        }
    }
}

/// Where the nodes and addresses of a twin are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Addressing {
    /// Each has an address in a network 127.x.y.0/24 that no other twin uses, on the master's port; where the machine has one
    /// loopback address alone, each has a port of its own.
    #[default]
    Any,
    /// The same in the network 127.x.y.0/24, as (x, y).
    Network(u8, u8),
    /// Each has a port of 127.0.0.1 of its own.
    Ports,
}

/// What the certificates' keys are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA with P-256, made for each run: fast.
    #[default]
    Ecdsa,
    /// RSA with 2048 bits, as New-SelfSignedCertificate makes them by default (documented): one key for all
    /// certificates of all twins, which stands in the source and is no secret. Trust none of them outside a twin.
    Rsa,
}

/// Which versions of TLS a server speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersions {
    /// 1.2 and 1.3, as Windows Server 2022 does by default (documented).
    #[default]
    Both,
    /// 1.2, the newest version of Windows Server 2019 and before (documented).
    Only12,
    /// 1.3.
    Only13,
}

/// Whether a server lets clients resume a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resumption {
    /// It does, as long as the node's binding stays as it is; another node knows nothing of it.
    #[default]
    Offered,
    /// It does not: every handshake is a whole one.
    Refused,
}
