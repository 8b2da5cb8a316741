//! What does the session's script ask of SSISDB?
//!
//! Statements only read. The views are documented (catalog.master_properties, catalog.worker_agents); who may see the rows of
//! the second stands on its page: others see none, and no error. What changes something is a procedure of the catalog.

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
    Statement {
        name: "may_see_packages",
        text: "SELECT IS_ROLEMEMBER(N'ssis_admin'), IS_SRVROLEMEMBER(N'sysadmin')",
        source: "IS_ROLEMEMBER, IS_SRVROLEMEMBER (Transact-SQL)",
    },
    Statement {
        name: "may_see_tasks",
        text: "SELECT HAS_PERMS_BY_NAME(N'internal.tasks', N'OBJECT', N'SELECT'), \
               HAS_PERMS_BY_NAME(N'internal.executions', N'OBJECT', N'SELECT')",
        source: "HAS_PERMS_BY_NAME (Transact-SQL)",
    },
    Statement {
        name: "packages",
        text: "SELECT COUNT(*) FROM catalog.packages p JOIN catalog.projects j ON j.project_id = p.project_id \
               JOIN catalog.folders f ON f.folder_id = j.folder_id \
               WHERE f.name = N'failover-lab' AND j.name = N'failover-lab' AND p.name = N'failover-lab.dtsx'",
        source: "catalog.packages, catalog.projects, catalog.folders (SSISDB Database)",
    },
    Statement {
        name: "newest",
        text: "SELECT COALESCE(MAX(execution_id), 0) FROM catalog.executions",
        source: "catalog.executions (SSISDB Database)",
    },
    // TaskType 0: a package; others stop one (observed).
    Statement {
        name: "tasks",
        text: "SELECT e.execution_id, CONVERT(nvarchar(36), t.TaskId), t.Status, t.ExecutedCount, w.MachineName, x.status \
               FROM internal.tasks t JOIN internal.executions e ON e.job_id = t.JobId \
               JOIN catalog.executions x ON x.execution_id = e.execution_id \
               LEFT JOIN catalog.worker_agents w ON w.WorkerAgentId = t.WorkerAgentId \
               WHERE e.execution_id >= @from AND e.folder_name = N'failover-lab' AND t.TaskType = 0 ORDER BY e.execution_id",
        source: "internal.tasks, internal.executions (observed in a 2019 SSISDB); catalog.executions (SSISDB Database)",
    },
    Statement {
        name: "agent",
        text: "SELECT TOP (1) WorkerAgentId FROM catalog.worker_agents WHERE MachineName = @machine \
               ORDER BY LastOnlineTime DESC",
        source: "catalog.worker_agents (SSISDB Database)",
    },
    Statement {
        name: "agent_row",
        text: "SELECT TOP (1) IsEnabled FROM catalog.worker_agents WHERE MachineName = @machine \
               ORDER BY LastOnlineTime DESC",
        source: "catalog.worker_agents (SSISDB Database)",
    },
];

/// A procedure that the script calls.
pub struct Procedure {
    /// Its name.
    pub name: &'static str,
    /// Those of its parameters that it is given.
    pub parameters: &'static [&'static str],
    /// Where it is described.
    pub source: &'static str,
}

/// The procedures: nothing else changes SSISDB.
pub const PROCEDURES: &[Procedure] = &[
    Procedure {
        name: "catalog.create_execution",
        parameters: &[
            "folder_name",
            "project_name",
            "package_name",
            "runinscaleout",
            "useanyworker",
            "execution_id",
        ],
        source: "catalog.create_execution (SSISDB Database)",
    },
    Procedure {
        name: "catalog.set_execution_parameter_value",
        parameters: &["execution_id", "object_type", "parameter_name", "parameter_value"],
        source: "catalog.set_execution_parameter_value (SSISDB Database)",
    },
    Procedure {
        name: "catalog.add_execution_worker",
        parameters: &["execution_id", "workeragent_id"],
        source: "catalog.add_execution_worker (SSISDB Database)",
    },
    Procedure {
        name: "catalog.start_execution",
        parameters: &["execution_id", "retry_count"],
        source: "catalog.start_execution (SSISDB Database)",
    },
    Procedure {
        name: "catalog.stop_operation",
        parameters: &["operation_id"],
        source: "catalog.stop_operation (SSISDB Database)",
    },
    Procedure {
        name: "catalog.enable_worker_agent",
        parameters: &["WorkerAgentId"],
        source: "catalog.enable_worker_agent (SSISDB Database)",
    },
    Procedure {
        name: "catalog.disable_worker_agent",
        parameters: &["WorkerAgentId"],
        source: "catalog.disable_worker_agent (SSISDB Database)",
    },
    Procedure {
        name: "catalog.delete_worker_agent",
        parameters: &["WorkerAgentId"],
        // No page describes it. Members of ssis_admin may execute it.
        source: "catalog.delete_worker_agent (observed in a 2019 SSISDB)",
    },
];
