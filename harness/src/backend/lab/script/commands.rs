//! What may the session's script call?
//!
//! Cmdlets and parameters: the reference pages of their modules (documented). All of them run on the host itself, so
//! that one hop is enough; those that are refused in a remote session without CredSSP are not among them.

pub use crate::guide::collect::Command;

const fn command(name: &'static str, parameters: &'static [&'static str], source: &'static str) -> Command {
    Command { name, parameters, source }
}

/// The commands, in the order of their names.
pub const COMMANDS: &[Command] = &[
    // Makes two functions of ntdll callable.
    command("Add-Type", &["MemberDefinition", "Name", "Namespace"], UTILITY),
    command("ConvertFrom-Json", &["InputObject"], UTILITY),
    command("Disable-NetAdapter", &["Confirm", "InputObject"], ADAPTERS),
    command("Enable-NetAdapter", &["Confirm", "InputObject"], ADAPTERS),
    command("Get-ChildItem", &["File", "LiteralPath", "Recurse"], MANAGEMENT),
    command("Get-CimInstance", &["ClassName", "Filter", "Namespace"], "CimCmdlets"),
    // Its `Id` and `Description`: which cluster this is, and the mark that its owner has set.
    command("Get-Cluster", &[], CLUSTERS),
    command("Get-ClusterGroup", &[], CLUSTERS),
    command("Get-ClusterNetworkInterface", &[], CLUSTERS),
    command("Get-ClusterNode", &[], CLUSTERS),
    command("Get-ClusterOwnerNode", &["InputObject"], CLUSTERS),
    command("Get-ClusterParameter", &["InputObject", "Name"], CLUSTERS),
    command("Get-ClusterResource", &[], CLUSTERS),
    command("Get-DnsClientServerAddress", &[], "DnsClient"),
    command("Get-Item", &["LiteralPath"], MANAGEMENT),
    command("Get-ItemProperty", &["LiteralPath"], MANAGEMENT),
    command("Get-Module", &["ListAvailable", "Name"], CORE),
    command("Get-NetAdapter", &[], ADAPTERS),
    command("Get-NetFirewallAddressFilter", &["AssociatedNetFirewallRule"], FIREWALL),
    command("Get-NetFirewallRule", &["ErrorAction", "Group"], FIREWALL),
    command("Get-ScheduledTask", &["ErrorAction", "TaskName"], TASKS),
    command("Get-Service", &["Name"], MANAGEMENT),
    command("Get-SmbConnection", &[], "SmbShare"),
    command("Get-VM", &[], HYPER_V),
    // `-FilterXPath` takes the XPath of the event log: `timediff(@SystemTime)` is the age in milliseconds (Consuming
    // Events, documented). That nothing fits is the error NoMatchingEventsFound (source of PowerShell).
    command(
        "Get-WinEvent",
        &["FilterXPath", "LogName", "MaxEvents", "Oldest"],
        "Microsoft.PowerShell.Diagnostics",
    ),
    // Runs the script's own blocks in the remote session, and nothing else.
    command("Invoke-Command", &["ArgumentList", "ScriptBlock", "Session"], CORE),
    // `-Wait 0` comes back at once.
    command("Move-ClusterGroup", &["InputObject", "Node", "Wait"], CLUSTERS),
    command(
        "New-NetFirewallRule",
        &[
            "Action",
            "Description",
            "Direction",
            "DisplayName",
            "Enabled",
            "Group",
            "LocalAddress",
            "LocalPort",
            "Name",
            "Profile",
            "Protocol",
            "RemoteAddress",
            "RemotePort",
        ],
        FIREWALL,
    ),
    // Makes values of .NET.
    command("New-Object", &[], UTILITY),
    command("New-PSSession", &["Authentication", "ComputerName", "SessionOption"], CORE),
    command(
        "New-PSSessionOption",
        // 60 s is the least that WinRM takes for IdleTimeout: what a killed session leaves behind goes then.
        &["CancelTimeout", "IdleTimeout", "NoMachineProfile", "OpenTimeout"],
        CORE,
    ),
    command("New-ScheduledTaskAction", &["Argument", "Execute"], TASKS),
    command("New-ScheduledTaskPrincipal", &["RunLevel", "UserId"], TASKS),
    command("New-ScheduledTaskSettingsSet", &["StartWhenAvailable"], TASKS),
    command("New-ScheduledTaskTrigger", &["At", "Once"], TASKS),
    command(
        "Register-ScheduledTask",
        &["Action", "Description", "Force", "Principal", "Settings", "TaskName", "Trigger"],
        TASKS,
    ),
    command("Remove-NetFirewallRule", &["InputObject"], FIREWALL),
    command("Remove-PSSession", &["Session"], CORE),
    command("Resume-ClusterNode", &["Failback", "InputObject"], CLUSTERS),
    command("Resume-VM", &["Confirm", "VM"], HYPER_V),
    command("Select-Object", &["First", "Last"], UTILITY),
    command("Set-ClusterOwnerNode", &["InputObject", "Owners"], CLUSTERS),
    command("Set-Service", &["Name", "StartupType"], MANAGEMENT),
    command("Set-StrictMode", &["Version"], CORE),
    command("Sort-Object", &["Property"], UTILITY),
    command("Start-ClusterGroup", &["InputObject", "Wait"], CLUSTERS),
    command("Start-ClusterNode", &["ClearQuarantine", "InputObject", "Wait"], CLUSTERS),
    command("Start-ClusterResource", &["InputObject", "Wait"], CLUSTERS),
    command("Start-Service", &["Name"], MANAGEMENT),
    command("Start-VM", &["Confirm", "VM"], HYPER_V),
    command("Stop-ClusterGroup", &["InputObject", "Wait"], CLUSTERS),
    command("Stop-ClusterNode", &["InputObject", "Wait"], CLUSTERS),
    command("Stop-ClusterResource", &["InputObject", "Wait"], CLUSTERS),
    command("Stop-Computer", &["Confirm", "Force"], MANAGEMENT),
    command("Stop-Process", &["Force", "Id"], MANAGEMENT),
    command("Stop-Service", &["Force", "Name"], MANAGEMENT),
    // `-TurnOff` takes the power away.
    command("Stop-VM", &["Confirm", "Force", "TurnOff", "VM"], HYPER_V),
    command("Suspend-ClusterNode", &["Drain", "InputObject"], CLUSTERS),
    command("Suspend-VM", &["Confirm", "VM"], HYPER_V),
    command("Test-ClusterResourceFailure", &["InputObject"], CLUSTERS),
    command("Test-Path", &["LiteralPath"], MANAGEMENT),
    command("Unregister-ScheduledTask", &["Confirm", "TaskName"], TASKS),
    command("Where-Object", &[], CORE),
    // `http delete sslcert` and `http add sslcert`.
    command("netsh.exe", &[], "netsh http"),
];

/// Members of .NET's classes that script and bootstrap call (documented). These write: `Add` and `Remove`, into a
/// certificate store; `WriteAllText`, the master's settings; `CreateEventSource` and `WriteEntry`, into the Application log. `Start` starts
/// the cluster service.
pub const MEMBERS: &[&str] = &[
    "ASCII",
    "Add",
    "AddMinutes",
    "Administrator",
    "Append",
    "Close",
    "Combine",
    "ComputeHash",
    "Contains",
    "ConnectAsync",
    "Create",
    "CreateCommand",
    "CreateEventSource",
    "Dispose",
    "Equals",
    "ExecuteNonQuery",
    "ExecuteReader",
    "Flush",
    "FromBase64String",
    "GetAttribute",
    "GetBytes",
    "GetCurrent",
    "GetDirectoryName",
    "GetHostAddresses",
    "GetLastWriteTimeUtc",
    "GetProcessById",
    "GetString",
    "GetType",
    "GetValue",
    "GetValueNames",
    "IndexOf",
    "IsInRole",
    "Matches",
    "Min",
    "MinValue",
    "Now",
    "NtResumeProcess",
    "NtSuspendProcess",
    "Open",
    "OpenStandardInput",
    "OpenStandardOutput",
    "OrdinalIgnoreCase",
    "Parse",
    "Read",
    "ReadAllBytes",
    "ReadAllText",
    "ReadByte",
    "ReadLine",
    "ReadToEnd",
    "ReadWrite",
    "Remove",
    "Replace",
    "Seek",
    "SelectNodes",
    "Send",
    "SourceExists",
    "Split",
    "Start",
    "StartsWith",
    "Substring",
    "ToBase64String",
    "ToCharArray",
    "ToLowerInvariant",
    "ToString",
    "ToUniversalTime",
    "ToXml",
    "Translate",
    "Trim",
    "Unicode",
    "UtcNow",
    "Value",
    "Wait",
    "Write",
    "WriteAllText",
    "WriteEntry",
];

const ADAPTERS: &str = "NetAdapter";
const CLUSTERS: &str = "FailoverClusters";
const CORE: &str = "Microsoft.PowerShell.Core";
const FIREWALL: &str = "NetSecurity";
const HYPER_V: &str = "Hyper-V";
const MANAGEMENT: &str = "Microsoft.PowerShell.Management";
const TASKS: &str = "ScheduledTasks";
const UTILITY: &str = "Microsoft.PowerShell.Utility";
