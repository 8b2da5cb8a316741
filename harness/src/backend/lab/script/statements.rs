//! What does the session's script ask of SSISDB?
//!
//! Only what reads. The views are documented (catalog.master_properties, catalog.worker_agents); who may see the rows of
//! the second stands on its page: others see none, and no error.

/// A statement of the script.
pub struct Statement {
    /// Its name in the script.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
    /// Where what it names is described.
    pub source: &'static str,
}

/// The statements.
pub const STATEMENTS: &[Statement] = &[
    Statement {
        name: "may_see",
        text: "SELECT IS_ROLEMEMBER(N'ssis_admin'), IS_ROLEMEMBER(N'ssis_cluster_executor'), \
               IS_SRVROLEMEMBER(N'sysadmin')",
        source: "IS_ROLEMEMBER, IS_SRVROLEMEMBER (Transact-SQL)",
    },
    Statement {
        name: "properties",
        text: "SELECT property_name, CONVERT(nvarchar(4000), property_value) FROM catalog.master_properties",
        source: "catalog.master_properties (SSISDB Database)",
    },
    Statement {
        name: "workers",
        text: "SELECT MachineName, IsEnabled, LastOnlineTime FROM catalog.worker_agents ORDER BY MachineName",
        source: "catalog.worker_agents (SSISDB Database)",
    },
];
