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
    // 2: running, 5: pending, 8: stopping.
    Statement {
        name: "executions",
        text: "SELECT execution_id FROM catalog.executions WHERE status IN (2, 5, 8) ORDER BY execution_id",
        source: "catalog.executions (SSISDB Database)",
    },
    Statement {
        name: "may_see_requests",
        text: "SELECT HAS_PERMS_BY_NAME(NULL, NULL, N'VIEW SERVER STATE')",
        source: "HAS_PERMS_BY_NAME (Transact-SQL)",
    },
    Statement {
        name: "backups",
        text: "SELECT COUNT(*) FROM sys.dm_exec_requests WHERE command LIKE N'BACKUP%' OR command LIKE N'RESTORE%'",
        source: "sys.dm_exec_requests (Transact-SQL)",
    },
];
