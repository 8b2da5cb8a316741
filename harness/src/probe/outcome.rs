//! What can come of one attempt?

use std::fmt;

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The endpoint answered over HTTP. Any status is an answer: 403 is what a client without a trusted certificate gets.
    Answered {
        /// The HTTP status.
        status: u16,
    },
    /// The handshake was finished, and after the request the connection ended, or the server asked to renegotiate: it
    /// asks for a client certificate at that moment, as HTTP.SYS does without `clientcertnegotiation` by TLS 1.2
    /// renegotiation, which this client does not do. The endpoint is there; whether it would answer is not known.
    NotJudged {
        /// What happened after the request.
        ended: String,
    },
    /// The endpoint did not serve.
    Down {
        /// Why.
        cause: Cause,
        /// What the system or the peer said, where that tells more than the cause.
        detail: Option<String>,
    },
    /// This machine could not even try: out of ports, files or memory. It says nothing of the endpoint.
    NotTried {
        /// What the system said.
        why: String,
    },
}

/// Why an endpoint did not serve, from the phase in which it showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The name has no address.
    Unresolved,
    /// The resolver did not answer in time.
    ResolverSilent,
    /// Nobody listens on the port.
    Refused,
    /// Some router, or this machine, knows no way.
    Unreachable,
    /// Nothing came back: nobody has the address, or something drops what is sent to it.
    ConnectSilent,
    /// The connection was reset while it was opened, or in the handshake: so behaves HTTP.SYS on a port without a
    /// certificate, or with one whose private key it cannot use.
    HandshakeReset,
    /// The peer closed the connection in the handshake, or ended it with an alert.
    HandshakeEnded,
    /// The connection was accepted, and no handshake came.
    HandshakeSilent,
    /// What came back is not TLS.
    NotTls,
    /// Both speak TLS, and share no version: this client knows 1.2 and 1.3.
    NoCommonVersion,
    /// Both speak TLS, and share no cipher suite, or no signature that the certificate's key can make.
    NoCommonCipherSuite,
    /// The handshake was finished, with another certificate than the pinned one. Nothing was asked for.
    NotPinned,
    /// The handshake was finished, and no answer came: so behaves HTTP.SYS for a service that hangs.
    NoAnswer,
    /// The answer is not HTTP.
    NotHttp,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Unresolved,
        Self::ResolverSilent,
        Self::Refused,
        Self::Unreachable,
        Self::ConnectSilent,
        Self::HandshakeReset,
        Self::HandshakeEnded,
        Self::HandshakeSilent,
        Self::NotTls,
        Self::NoCommonVersion,
        Self::NoCommonCipherSuite,
        Self::NotPinned,
        Self::NoAnswer,
        Self::NotHttp,
    ];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unresolved => "unresolved",
            Self::ResolverSilent => "resolver_silent",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::ConnectSilent => "connect_silent",
            Self::HandshakeReset => "handshake_reset",
            Self::HandshakeEnded => "handshake_ended",
            Self::HandshakeSilent => "handshake_silent",
            Self::NotTls => "not_tls",
            Self::NoCommonVersion => "no_common_version",
            Self::NoCommonCipherSuite => "no_common_cipher_suite",
            Self::NotPinned => "not_pinned",
            Self::NoAnswer => "no_answer",
            Self::NotHttp => "not_http",
        }
    }

    /// The same for people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Unresolved => "the name has no address",
            Self::ResolverSilent => "the resolver does not answer",
            Self::Refused => "the connection is refused",
            Self::Unreachable => "there is no way to the address",
            Self::ConnectSilent => "nothing comes back when connecting",
            Self::HandshakeReset => "the handshake is reset",
            Self::HandshakeEnded => "the handshake is broken off",
            Self::HandshakeSilent => "connected, and no handshake comes",
            Self::NotTls => "the peer does not speak TLS",
            Self::NoCommonVersion => "no TLS version in common",
            Self::NoCommonCipherSuite => "no cipher suite in common",
            Self::NotPinned => "the certificate is not the pinned one",
            Self::NoAnswer => "handshake finished, and no answer comes",
            Self::NotHttp => "the answer is not HTTP",
        }
    }
}

impl Outcome {
    /// Whether it shows that the endpoint serves or, by a finished handshake, that it is there. `None` if it says
    /// nothing of the endpoint.
    pub const fn is_up(&self) -> Option<bool> {
        match self {
            Self::Answered { .. } | Self::NotJudged { .. } => Some(true),
            Self::Down { .. } => Some(false),
            Self::NotTried { .. } => None,
        }
    }

    /// The word for it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Answered { .. } => "answered",
            Self::NotJudged { .. } => "not_judged",
            Self::Down { cause, .. } => cause.word(),
            Self::NotTried { .. } => "not_tried",
        }
    }

    pub(super) const fn down(cause: Cause) -> Self {
        Self::Down { cause, detail: None }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered { status } => write!(f, "answered with {status}"),
            Self::NotJudged { ended } => {
                write!(f, "client certificate asked for later, not judged: after the request {ended}")
            }
            Self::Down { cause, detail: None } => f.write_str(cause.text()),
            Self::Down { cause, detail: Some(detail) } => write!(f, "{} ({detail})", cause.text()),
            Self::NotTried { why } => write!(f, "could not try: {why}"),
        }
    }
}
