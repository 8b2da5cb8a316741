//! Can a SQL Server instance be used at this moment?
//!
//! A SQL Server resource that is online is not a usable SSISDB: master is open, user databases are still being
//! recovered (Rob's failover clustering blog, documented).

/// The SQL Server service on one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SqlServer {
    /// The service does not run.
    #[default]
    Stopped,
    /// It runs, and its replica of SSISDB is not the primary one: nobody can use it.
    Secondary,
    /// It accepts connections; SSISDB is still being recovered.
    Recovering,
    /// SSISDB can be used.
    Usable,
    /// It runs and answers nothing.
    Hung,
}

impl SqlServer {
    /// Whether a call to SSISDB succeeds.
    pub const fn answers(self) -> bool {
        match self {
            Self::Usable => true,
            Self::Stopped | Self::Secondary | Self::Recovering | Self::Hung => false,
        }
    }
}
