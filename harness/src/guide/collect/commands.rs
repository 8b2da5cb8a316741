//! What may the script call?
//!
//! Only what reads, and what handles what was read. Cmdlets and parameters: the reference pages of their modules
//! (documented). The cluster's cmdlets need one hop and the tools; the others run on the machine itself.

/// A command with the parameters that the script gives it.
pub struct Command {
    /// Its name.
    pub name: &'static str,
    /// Its parameters.
    pub parameters: &'static [&'static str],
    /// Where it is described.
    pub source: &'static str,
}

const fn command(name: &'static str, parameters: &'static [&'static str], source: &'static str) -> Command {
    Command { name, parameters, source }
}

/// The commands, in the order of their names.
pub const COMMANDS: &[Command] = &[
    command("ConvertFrom-Json", &["InputObject"], UTILITY),
    command("Get-Acl", &["LiteralPath"], "Microsoft.PowerShell.Security"),
    command("Get-ChildItem", &["LiteralPath"], MANAGEMENT),
    command("Get-CimInstance", &["ClassName", "Filter"], "CimCmdlets"),
    command("Get-Cluster", &["Name"], CLUSTERS),
    command("Get-ClusterGroup", &["Cluster"], CLUSTERS),
    command("Get-ClusterNode", &["Cluster"], CLUSTERS),
    command("Get-ClusterOwnerNode", &["Cluster", "Group", "Resource"], CLUSTERS),
    command("Get-ClusterParameter", &["InputObject"], CLUSTERS),
    command("Get-ClusterQuorum", &["Cluster"], CLUSTERS),
    command("Get-ClusterResource", &["Cluster"], CLUSTERS),
    command("Get-ClusterResourceDependency", &["Cluster", "Resource"], CLUSTERS),
    command("Get-Date", &[], UTILITY),
    command("Get-Item", &["LiteralPath"], MANAGEMENT),
    command("Get-ItemProperty", &["LiteralPath"], MANAGEMENT),
    command("Get-NetConnectionProfile", &[], "NetConnection"),
    command("Get-NetFirewallAddressFilter", &["AssociatedNetFirewallRule"], "NetSecurity"),
    command("Get-NetFirewallApplicationFilter", &["AssociatedNetFirewallRule"], "NetSecurity"),
    command("Get-NetFirewallPortFilter", &["AssociatedNetFirewallRule", "PolicyStore"], "NetSecurity"),
    command("Get-NetFirewallProfile", &["PolicyStore"], "NetSecurity"),
    command("Get-NetFirewallRule", &["AssociatedNetFirewallPortFilter", "PolicyStore"], "NetSecurity"),
    command("Get-NetIPAddress", &[], "NetTCPIP"),
    command("Get-NetTCPConnection", &["State"], "NetTCPIP"),
    command("Get-Process", &["Id"], MANAGEMENT),
    command("Get-WinEvent", &["FilterHashtable"], "Microsoft.PowerShell.Diagnostics"),
    command("Get-WindowsFeature", &["Name"], "ServerManager"),
    // Runs the script's own blocks on another machine, and nothing else.
    command("Invoke-Command", &["ArgumentList", "ComputerName", "ScriptBlock"], CORE),
    command("Join-Path", &["ChildPath", "Path"], MANAGEMENT),
    // Makes values of .NET: a text, an account, a connection to SQL Server.
    command("New-Object", &[], UTILITY),
    command("Resolve-DnsName", &["Name"], "DnsClient"),
    command("Select-Object", &["Last"], UTILITY),
    command("Set-StrictMode", &["Version"], CORE),
    command("Sort-Object", &["Property", "Unique"], UTILITY),
    command("Split-Path", &["Parent", "Path"], MANAGEMENT),
    command("Test-Path", &["LiteralPath"], MANAGEMENT),
    command("Where-Object", &[], CORE),
    // Only `http show`.
    command("netsh.exe", &[], "netsh http"),
];

/// Members of .NET's classes that the script calls. One of them writes: `WriteAllText`, the file that the caller names.
pub const MEMBERS: &[&str] = &[
    "ASCII",
    "AddDays",
    "Append",
    "Contains",
    "Create",
    "CreateCommand",
    "Dispose",
    "ExecuteReader",
    "Format",
    "GetECDsaPrivateKey",
    "GetRSAPrivateKey",
    "GetUnresolvedProviderPathFromPSPath",
    "GetValue",
    "IndexOf",
    "InvariantCulture",
    "Open",
    "Read",
    "ReadAllLines",
    "ReadAllText",
    "Replace",
    "Split",
    "StartsWith",
    "Substring",
    "ToCharArray",
    "ToLowerInvariant",
    "ToString",
    "ToUniversalTime",
    "ToUpperInvariant",
    "Translate",
    "Trim",
    "TryParse",
    "WriteAllText",
];

const CLUSTERS: &str = "FailoverClusters";
const CORE: &str = "Microsoft.PowerShell.Core";
const MANAGEMENT: &str = "Microsoft.PowerShell.Management";
const UTILITY: &str = "Microsoft.PowerShell.Utility";
