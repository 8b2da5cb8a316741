//! What is needed of a host, and what does it lack?

use std::time::Duration;

use failover_sim::time::Time;

use super::super::clock::Clock;
use super::super::protocol::{Hello, LanguageMode, Ticks};
use super::SessionError;

/// What a host lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Not Windows PowerShell.
    #[error(
        "it runs PowerShell edition `{0}`, expected Desktop: the cluster module is not tested under another"
    )]
    Edition(String),
    /// A restricted language.
    #[error("its language mode is {0:?}, expected Full")]
    LanguageMode(LanguageMode),
    /// No administrator.
    #[error("the session is not elevated")]
    NotElevated,
    /// No cluster module.
    #[error("the FailoverClusters module is not there")]
    NoModule,
    /// No second hop.
    #[error("the session has no credentials for other hosts")]
    NoCredentials,
    /// It is a node of another cluster than the one that may be touched.
    #[error("its cluster has the Id {}, and lab.yaml is about {expected}", .found.as_deref().unwrap_or("of none: no cluster service runs there"))]
    OtherCluster {
        /// The Id that `lab.yaml` names.
        expected: String,
        /// That of its own cluster, if it has one.
        found: Option<String>,
    },
    /// Its cluster does not have the mark that its owner sets on a lab.
    #[error(
        "its cluster's Description does not have the word `{0}`, by which its owner says that it is a lab"
    )]
    NoMark(&'static str),
    /// Another time than here. Kerberos refuses clocks that are further apart (MaxClockSkew, documented default).
    #[error(
        "its clock is {} s {}, expected at most {} s apart",
        .seconds.unsigned_abs(),
        if *.seconds < 0 { "behind" } else { "ahead" },
        CLOCK_LIMIT.as_secs()
    )]
    Clock {
        /// How far it is ahead at least; negative if it is behind.
        seconds: i64,
    },
}

/// What is needed of a host beyond a full Windows PowerShell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The FailoverClusters module.
    pub module: bool,
    /// Elevation.
    pub elevation: bool,
    /// Credentials for other hosts.
    pub credentials: bool,
}

impl Needs {
    /// Whether a host has all of it.
    ///
    /// # Errors
    /// The first thing that it lacks.
    pub fn met_by(self, hello: &Hello) -> Result<(), Unfit> {
        if hello.edition != "Desktop" {
            return Err(Unfit::Edition(hello.edition.clone()));
        }
        match hello.language_mode {
            LanguageMode::Full => {}
            mode @ (LanguageMode::Restricted | LanguageMode::NoLanguage | LanguageMode::Constrained) => {
                return Err(Unfit::LanguageMode(mode));
            }
        }
        if self.elevation && !hello.elevated {
            return Err(Unfit::NotElevated);
        }
        if self.module && hello.module_version.is_none() {
            return Err(Unfit::NoModule);
        }
        if self.credentials && !hello.network_credentials {
            return Err(Unfit::NoCredentials);
        }
        Ok(())
    }
}

/// Whether a host that said this may be used for what is needed of it.
///
/// # Errors
/// The first thing that it lacks.
pub fn admit(hello: &Hello, needs: Needs, asked: Time, clock: &dyn Clock) -> Result<(), SessionError> {
    needs.met_by(hello).map_err(SessionError::Unfit)?;
    let (latest, now) = (clock.utc(), clock.now());
    let earliest = Ticks(latest.0 - i64::try_from(now.since(asked).as_nanos() / 100).unwrap_or(i64::MAX));
    // The host read its clock between these two moments.
    let ahead = (hello.clock.0 - latest.0).max(0) + (hello.clock.0 - earliest.0).min(0);
    let seconds = ahead / TICKS_A_SECOND;
    if seconds.unsigned_abs() > CLOCK_LIMIT.as_secs() {
        return Err(SessionError::Unfit(Unfit::Clock { seconds }));
    }
    Ok(())
}

/// How far a host's clock may be from the harness's: five minutes.
const CLOCK_LIMIT: Duration = Duration::from_secs(5 * 60);
const TICKS_A_SECOND: i64 = 10_000_000;
