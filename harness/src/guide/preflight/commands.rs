//! What may a fix call?
//!
//! Commands and parameters of Windows PowerShell 5.1 and of programs that Windows and SQL Server bring along: the
//! reference pages of their modules (documented).

use crate::guide::collect::Command;

const fn command(name: &'static str, parameters: &'static [&'static str], source: &'static str) -> Command {
    Command { name, parameters, source }
}

/// The commands, in the order of their names.
pub const FIX_COMMANDS: &[Command] = &[
    command("Add-ClusterNode", &["Name"], CLUSTERS),
    command("Add-ClusterResource", &["Group", "Name", "ResourceType"], CLUSTERS),
    command("Clear-DnsClientCache", &[], "DnsClient"),
    command("Copy-Item", &["Destination", "LiteralPath"], MANAGEMENT),
    command("Disable-NetFirewallRule", &["DisplayName"], "NetSecurity"),
    command("Export-Certificate", &["Cert", "FilePath"], PKI),
    command("Export-PfxCertificate", &["Cert", "FilePath", "Password"], PKI),
    command("Get-ChildItem", &["Filter", "LiteralPath", "Recurse"], MANAGEMENT),
    command("Get-ClusterNode", &["Name"], CLUSTERS),
    command("Get-ClusterResource", &["Name"], CLUSTERS),
    command("Get-Content", &["LiteralPath"], MANAGEMENT),
    command("Get-Credential", &["Message", "UserName"], "Microsoft.PowerShell.Security"),
    command("Get-Date", &[], UTILITY),
    command("Get-Item", &["LiteralPath"], MANAGEMENT),
    command("Get-NetTCPConnection", &["LocalPort", "State"], "NetTCPIP"),
    command("Get-Process", &["Id"], MANAGEMENT),
    command("Import-Certificate", &["CertStoreLocation", "FilePath"], PKI),
    command("Import-PfxCertificate", &["CertStoreLocation", "Exportable", "FilePath", "Password"], PKI),
    command("Install-WindowsFeature", &["Name"], "ServerManager"),
    command("Invoke-CimMethod", &["Arguments", "MethodName", "Query"], "CimCmdlets"),
    command("Move-ClusterGroup", &["Name", "Node"], CLUSTERS),
    command("Move-ClusterResource", &["Group", "Name"], CLUSTERS),
    command("Move-Item", &["Destination", "LiteralPath"], MANAGEMENT),
    command("New-ItemProperty", &["Force", "LiteralPath", "Name", "PropertyType", "Value"], MANAGEMENT),
    command(
        "New-NetFirewallRule",
        &["Action", "Direction", "DisplayName", "LocalPort", "Profile", "Protocol"],
        "NetSecurity",
    ),
    command("New-Object", &["ArgumentList", "TypeName"], UTILITY),
    command(
        "New-SelfSignedCertificate",
        &["CertStoreLocation", "DnsName", "KeyExportPolicy", "NotAfter", "Subject"],
        PKI,
    ),
    command("Read-Host", &["AsSecureString", "Prompt"], UTILITY),
    command("Remove-Item", &["LiteralPath"], MANAGEMENT),
    command("Remove-ItemProperty", &["LiteralPath", "Name"], MANAGEMENT),
    command("Resolve-DnsName", &["Name"], "DnsClient"),
    command("Restart-Service", &["Name"], MANAGEMENT),
    command("Resume-ClusterNode", &["Name"], CLUSTERS),
    command("Select-Object", &["First"], UTILITY),
    command("Set-ClusterOwnerNode", &["Owners", "Resource"], CLUSTERS),
    command("Set-ClusterParameter", &["Name", "Value"], CLUSTERS),
    command("Set-ClusterQuorum", &["DiskWitness"], CLUSTERS),
    command("Set-ClusterResourceDependency", &["Dependency", "Resource"], CLUSTERS),
    command("Set-Content", &["Encoding", "LiteralPath"], MANAGEMENT),
    command("Set-ItemProperty", &["LiteralPath", "Name", "Value"], MANAGEMENT),
    command("Set-Service", &["Name", "StartupType"], MANAGEMENT),
    command("Start-ClusterGroup", &["Name"], CLUSTERS),
    command("Start-ClusterNode", &["Name"], CLUSTERS),
    command("Start-ClusterResource", &["Name"], CLUSTERS),
    command("Start-Service", &["Name"], MANAGEMENT),
    command("Stop-ClusterGroup", &["Name"], CLUSTERS),
    command("Stop-ClusterResource", &["Name"], CLUSTERS),
    command("Stop-Service", &["Name"], MANAGEMENT),
    command("Update-ClusterNetworkNameResource", &["Name"], CLUSTERS),
    command("Where-Object", &[], "Microsoft.PowerShell.Core"),
    command("certutil.exe", &["repairstore"], "certutil"),
    command("icacls.exe", &[], "icacls"),
    command("netsh.exe", &[], "netsh http"),
    command("secedit.exe", &[], "secedit"),
    command("sqlcmd.exe", &["E", "Q", "S", "b", "d"], "sqlcmd"),
];

const CLUSTERS: &str = "FailoverClusters";
const MANAGEMENT: &str = "Microsoft.PowerShell.Management";
const PKI: &str = "PKI";
const UTILITY: &str = "Microsoft.PowerShell.Utility";
