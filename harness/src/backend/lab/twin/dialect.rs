//! How do the twin's hosts put their answers, and what can go wrong with them?

use super::super::protocol::{Answer, LINE_LIMIT, Marker};
use super::super::reach::Host;

/// How hosts write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// Answers and nothing else.
    #[default]
    Friendly,
    /// A German Windows: a byte order mark first, CR LF, and warnings and CLIXML between the answers.
    Nasty,
}

/// Something that goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub host: Host,
    /// With which verb.
    pub verb: &'static str,
    /// The how manieth request of this verb to this host, from 1; all sessions count together.
    pub time: u32,
    /// What goes wrong.
    pub mishap: Mishap,
}

/// What can go wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// The session dies, and nothing was done.
    DieBefore,
    /// The session dies when everything was done.
    DieAfter,
    /// The host answers nobody from here on.
    FallSilent,
    /// Access is denied.
    Deny,
    /// The answer is no JSON.
    Garble,
    /// The answer stops in the middle, and the session with it.
    Truncate,
    /// The answer has no marker.
    LoseMarker,
    /// The answer is to another request.
    WrongId,
    /// The answer is one line that is too long.
    Oversize,
    /// The answer takes its time; where the twin has the time of the world, it never comes.
    Slow {
        /// How long.
        seconds: u32,
    },
    /// The host tells of somebody else who is at work there: a role, an execution, a backup, an update; of storage at every
    /// address, of a share and a disk of its own where the witness and the shared disk are, and of a session by
    /// the adapter of clients; of addresses that answer whatever its firewall blocks.
    Occupied,
    /// The account is in no role of SSISDB: its views show no rows.
    NoRole,
    /// The supplied package is not in SSISDB.
    NoPackage,
    /// What is asked for is not done, and the host says that it was.
    Ignore,
    /// The host's clock shows another time; seen in the handshake alone.
    ClockOff {
        /// How far it is ahead; negative if it is behind.
        seconds: i32,
    },
}

/// What a host writes in answer to a request.
pub(super) struct Said {
    pub(super) bytes: Vec<u8>,
    /// The session ends with it.
    pub(super) is_last: bool,
}

impl Said {
    pub(super) const fn more(bytes: Vec<u8>) -> Self {
        Self { bytes, is_last: false }
    }
}

impl Dialect {
    /// `$PSUICulture`.
    pub(super) const fn culture(self) -> &'static str {
        match self {
            Self::Friendly => "en-US",
            Self::Nasty => "de-DE",
        }
    }

    const fn end(self) -> &'static str {
        match self {
            Self::Friendly => "\n",
            Self::Nasty => "\r\n",
        }
    }

    /// A line that is no answer.
    pub(super) fn line(self, text: &str) -> Vec<u8> {
        format!("{text}{}", self.end()).into_bytes()
    }

    /// An answer as it is written; `None` if the session dies without a word.
    pub(super) fn reply(
        self,
        answer: &Answer,
        marker: &Marker,
        mishap: Option<Mishap>,
        is_first: bool,
    ) -> Option<Said> {
        let mut bytes = Vec::new();
        if self == Self::Nasty {
            if is_first {
                bytes.extend_from_slice("\u{feff}".as_bytes());
            }
            bytes.extend(
                self.line("WARNUNG: Für diese Sitzung sind möglicherweise nicht alle Cmdlets verfügbar."),
            );
            // Not UTF-8: what a console in code page 850 makes of an umlaut.
            bytes.extend_from_slice(b"AUSF\x9aHRLICH: #< CLIXML\r\n\r\n");
        }
        let line = match mishap {
            Some(Mishap::WrongId) => Answer { id: answer.id + 1, ..answer.clone() }.line(marker),
            Some(Mishap::Garble) => format!("{}System.Object[]", marker.text()),
            Some(Mishap::Oversize) => format!("{}{}", marker.text(), "x".repeat(LINE_LIMIT)),
            Some(Mishap::LoseMarker) => answer.line(marker).split_off(marker.text().len()),
            Some(Mishap::Truncate) => {
                let whole = answer.line(marker);
                bytes.extend_from_slice(&whole.as_bytes()[..whole.len() / 2]);
                return Some(Said { bytes, is_last: true });
            }
            Some(Mishap::DieBefore | Mishap::DieAfter | Mishap::FallSilent) => return None,
            Some(
                Mishap::Deny
                | Mishap::Slow { .. }
                | Mishap::ClockOff { .. }
                | Mishap::Occupied
                | Mishap::NoRole
                | Mishap::NoPackage
                | Mishap::Ignore,
            )
            | None => answer.line(marker),
        };
        bytes.extend(self.line(&line));
        Some(Said::more(bytes))
    }
}
