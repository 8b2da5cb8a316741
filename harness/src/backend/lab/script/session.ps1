# Answers the session protocol of a failover test on a Windows host.
#
# Standard input: one line about this session, then one request a line, as JSON in ASCII. Standard output: for each
# request one line, the marker of the session followed by one JSON object of flat values. What a request brings is data:
# no text of it becomes part of a command. Names are compared letter by letter without case, never as patterns. Nothing
# that Windows says in its own language is read: numbers, names of types, registry values only.
#
# Windows PowerShell 5.1. Nobody has run it on Windows yet.

param([System.IO.Stream] $In)

# What runs on the host: here, or in a remote session over WinRM.
$library = {
    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'
    $ProgressPreference = 'SilentlyContinue'
    $global:FailoverMarker = ''
    $global:FailoverSocket = $null
    $global:FailoverRun = ''
    $global:FailoverNotes = @()

    # JSON in ASCII. ConvertTo-Json of 5.1 unwraps lists, decorates strings and leaves other letters as they are.
    function Json($Value) {
        if ($Value -is [bool]) { if ($Value) { return 'true' } else { return 'false' } }
        if ($Value -is [int] -or $Value -is [long]) { return ([string] $Value) }
        if ($Value -is [array]) {
            $parts = foreach ($one in $Value) { Json $one }
            return '[' + (@($parts) -join ',') + ']'
        }
        $text = New-Object System.Text.StringBuilder
        foreach ($letter in ([string] $Value).ToCharArray()) {
            $code = [int] $letter
            if ($letter -eq '"' -or $letter -eq '\') { [void] $text.Append('\').Append($letter) }
            elseif ($code -lt 32 -or $code -gt 126) { [void] $text.Append('\u' + $code.ToString('x4')) }
            else { [void] $text.Append($letter) }
        }
        return '"' + $text.ToString() + '"'
    }

    function IsSame([string] $One, [string] $Other) {
        [string]::Equals($One, $Other, [System.StringComparison]::OrdinalIgnoreCase)
    }

    # The one thing with this name.
    function Named($Things, [string] $Name, [string] $Kind) {
        foreach ($one in $Things) { if (IsSame $one.Name $Name) { return $one } }
        throw "$($Kind)NotFound"
    }

    # The name of what owns a thing, which nothing may do for a moment.
    function NameOf($Thing) { if ($null -eq $Thing) { '' } else { [string] $Thing.Name } }

    # Why a request failed, without any text that a language of Windows could change.
    function Failure($Record) {
        $inner = @(
            for ($one = $Record.Exception.InnerException; $null -ne $one; $one = $one.InnerException) {
                $one.GetType().FullName
            }
        )
        [ordered]@{
            error_type = $Record.Exception.GetType().FullName
            error_id = [string] $Record.FullyQualifiedErrorId
            error_category = [int] $Record.CategoryInfo.Category
            error_inner = $inner
        }
    }

    function Hello($With) {
        if ($With.protocol -ne 1) { throw 'ProtocolNotKnown' }
        $global:FailoverMarker = [string] $With.marker
        $run = $With.PSObject.Properties['run']
        if ($null -ne $run) { $global:FailoverRun = [string] $run.Value }
        $identity = [System.Security.Principal.WindowsIdentity]::GetCurrent()
        $principal = New-Object System.Security.Principal.WindowsPrincipal $identity
        $module = Get-Module -Name 'FailoverClusters' -ListAvailable | Select-Object -First 1
        $groups = @(foreach ($one in $identity.Groups) { $one.Value })
        # A node whose cluster service does not run has no cluster to speak of.
        $cluster = $null
        if ($null -ne $module) { try { $cluster = Get-Cluster } catch { $cluster = $null } }
        [ordered]@{
            edition = [string] $PSVersionTable['PSEdition']
            language_mode = [int] $ExecutionContext.SessionState.LanguageMode
            elevated = $principal.IsInRole([System.Security.Principal.WindowsBuiltInRole]::Administrator)
            ui_culture = [string] $PSUICulture
            module_version = $(if ($null -ne $module) { [string] $module.Version })
            cluster_id = $(if ($null -ne $cluster) { [string] $cluster.Id })
            cluster_description = $(if ($null -ne $cluster) { [string] $cluster.Description })
            clock_ticks = [datetime]::UtcNow.Ticks
            # NETWORK: somebody who came over the network has left the credentials behind.
            network_credentials = $groups -notcontains 'S-1-5-2'
        }
    }

    function ReadCluster {
        $status = [int] (Get-Service -Name 'ClusSvc').Status
        $nodes = @()
        $groups = @()
        $resources = @()
        # 4: it runs. It may stop or not be ready while it is asked.
        if ($status -eq 4) {
            try {
                $nodes = @(Get-ClusterNode)
                $groups = @(Get-ClusterGroup)
                $resources = @(Get-ClusterResource)
            }
            catch {
                $status = [int] (Get-Service -Name 'ClusSvc').Status
                if ($status -eq 4) { throw }
                $nodes = @()
                $groups = @()
            }
        }
        [ordered]@{
            service_status = $status
            node_names = @(foreach ($one in $nodes) { [string] $one.Name })
            node_states = @(foreach ($one in $nodes) { [int] $one.State })
            node_status = @(foreach ($one in $nodes) { [int] $one.StatusInformation })
            node_weights = @(foreach ($one in $nodes) { [int] $one.DynamicWeight })
            group_names = @(foreach ($one in $groups) { [string] $one.Name })
            group_states = @(foreach ($one in $groups) { [int] $one.State })
            group_owners = @(foreach ($one in $groups) { NameOf $one.OwnerNode })
            group_types = @(foreach ($one in $groups) { [int] $one.GroupType })
            resource_names = @(foreach ($one in $resources) { [string] $one.Name })
            resource_states = @(foreach ($one in $resources) { [int] $one.State })
            resource_groups = @(foreach ($one in $resources) { NameOf $one.OwnerGroup })
            resource_owners = @(foreach ($one in $resources) { NameOf $one.OwnerNode })
        }
    }

    function MoveRole($With) {
        $group = Named (Get-ClusterGroup) $With.group 'Group'
        $node = Named (Get-ClusterNode) $With.node 'Node'
        # 0: come back at once; whether it arrives is observed.
        [void] (Move-ClusterGroup -InputObject $group -Node $node.Name -Wait 0)
        [ordered]@{}
    }

    # Each of these changes one object of the cluster, and comes back at once: whether it has an effect is observed.
    function StopRole($With) {
        [void] (Stop-ClusterGroup -InputObject (Named (Get-ClusterGroup) $With.name 'Group') -Wait 0)
        [ordered]@{}
    }

    function StartRole($With) {
        [void] (Start-ClusterGroup -InputObject (Named (Get-ClusterGroup) $With.name 'Group') -Wait 0)
        [ordered]@{}
    }

    function StopResource($With) {
        [void] (Stop-ClusterResource -InputObject (Named (Get-ClusterResource) $With.name 'Resource') -Wait 0)
        [ordered]@{}
    }

    function StartResource($With) {
        [void] (Start-ClusterResource -InputObject (Named (Get-ClusterResource) $With.name 'Resource') -Wait 0)
        [ordered]@{}
    }

    function PauseNode($With) {
        [void] (Suspend-ClusterNode -InputObject (Named (Get-ClusterNode) $With.name 'Node'))
        [ordered]@{}
    }

    function DrainNode($With) {
        [void] (Suspend-ClusterNode -InputObject (Named (Get-ClusterNode) $With.name 'Node') -Drain)
        [ordered]@{}
    }

    function ResumeNode($With) {
        [void] (Resume-ClusterNode -InputObject (Named (Get-ClusterNode) $With.name 'Node') -Failback 'NoFailback')
        [ordered]@{}
    }

    function StopClusterService($With) {
        [void] (Stop-ClusterNode -InputObject (Named (Get-ClusterNode) $With.name 'Node') -Wait 0)
        [ordered]@{}
    }

    function StartClusterService($With) {
        [void] (Start-ClusterNode -InputObject (Named (Get-ClusterNode) $With.name 'Node') -Wait 0)
        [ordered]@{}
    }

    function ClearQuarantine($With) {
        $node = Named (Get-ClusterNode) $With.name 'Node'
        [void] (Start-ClusterNode -InputObject $node -ClearQuarantine -Wait 0)
        [ordered]@{}
    }

    # The cluster service here, with a word on its command line. One that has a cluster is left alone; one that waits
    # for a cluster is stopped before. It needs no second hop, other than Start-ClusterNode (documented).
    function StartHere([string] $Node, [string] $Word) {
        if (-not (IsSame $Node $env:COMPUTERNAME)) { throw 'OtherNode' }
        $service = Get-Service -Name 'ClusSvc'
        # 1: it is stopped.
        if ([int] $service.Status -ne 1) {
            $nodes = @()
            try { $nodes = @(Get-ClusterNode) } catch { $nodes = @() }
            if ($nodes.Count -gt 0) { throw 'ServiceHasCluster' }
            Stop-Service -Name 'ClusSvc' -Force
        }
        $service.Start([string[]] @($Word))
        [ordered]@{}
    }

    # /fq and /pq: Recover a failover cluster without quorum (documented).
    function ForceQuorum($With) { StartHere $With.name '/fq' }

    function PreventQuorum($With) { StartHere $With.name '/pq' }

    function FailResource($With) {
        [void] (Test-ClusterResourceFailure -InputObject (Named (Get-ClusterResource) $With.name 'Resource'))
        [ordered]@{}
    }

    # Virtual machines have the names of their nodes.
    function ReadPower($With) {
        $machines = @(Get-VM)
        $found = @(foreach ($name in $With.nodes) { Named $machines $name 'Machine' })
        [ordered]@{
            node_names = @(foreach ($name in $With.nodes) { [string] $name })
            node_powers = @(foreach ($one in $found) { [int] $one.State })
        }
    }

    function PowerOff($With) {
        $machine = Named (Get-VM) $With.node 'Machine'
        [void] (Stop-VM -VM $machine -TurnOff -Force -Confirm:$false)
        [ordered]@{}
    }

    function PowerOn($With) {
        $machine = Named (Get-VM) $With.node 'Machine'
        [void] (Start-VM -VM $machine -Confirm:$false)
        [ordered]@{}
    }

    function Freeze($With) {
        [void] (Suspend-VM -VM (Named (Get-VM) $With.node 'Machine') -Confirm:$false)
        [ordered]@{}
    }

    function Thaw($With) {
        [void] (Resume-VM -VM (Named (Get-VM) $With.node 'Machine') -Confirm:$false)
        [ordered]@{}
    }

    # It comes back while the system is still on its way down.
    function ShutDown {
        Stop-Computer -Force -Confirm:$false
        [ordered]@{}
    }

    # The service of Scale Out, the one of the newest version where several are installed.
    function Service([string] $Prefix) {
        $found = Get-CimInstance -ClassName 'Win32_Service' -Filter "Name LIKE '$Prefix%'" |
            Sort-Object -Property 'Name' | Select-Object -Last 1
        if ($null -eq $found) { throw "$($Prefix)NotInstalled" }
        $found
    }

    # The instance of this node that has a replica: the only one for which availability groups are enabled
    # (HADR_Enabled: observed).
    function ReplicaInstance {
        $root = 'HKLM:\SOFTWARE\Microsoft\Microsoft SQL Server'
        $names = Get-Item -LiteralPath "$root\Instance Names\SQL"
        $found = @(foreach ($name in $names.GetValueNames()) {
            $key = "$root\$($names.GetValue($name))\MSSQLServer\HADR"
            if (-not (Test-Path -LiteralPath $key)) { continue }
            if ([int] (Get-Item -LiteralPath $key).GetValue('HADR_Enabled') -eq 1) { $name }
        })
        if ($found.Count -ne 1) { throw 'InstanceNotKnown' }
        $found[0]
    }

    # The service that a word stands for: of SQL Server, the one of the instance that the cluster has as a resource, or
    # of the one that has a replica.
    function ServiceOf([string] $Word) {
        if ('ClusSvc', 'SSISScaleOutMaster', 'SSISScaleOutWorker' -ccontains $Word) { return Service $Word }
        if ($Word -cne 'SqlServer') { throw 'ServiceNotKnown' }
        $instances = @(Get-ClusterResource | Where-Object { (NameOf $_.ResourceType) -eq 'SQL Server' })
        if ($instances.Count -gt 1) { throw 'InstanceNotKnown' }
        $instance = ''
        if ($instances.Count -eq 0) { $instance = ReplicaInstance }
        else { $instance = [string] (Get-ClusterParameter -InputObject $instances[0] -Name 'InstanceName').Value }
        $name = if ($instance -eq 'MSSQLSERVER') { $instance } else { 'MSSQL$' + $instance }
        Named (Get-CimInstance -ClassName 'Win32_Service') $name 'Service'
    }

    function KillProcess($With) {
        $service = ServiceOf $With.service
        if ($service.ProcessId -eq 0) { throw 'ServiceNotRunning' }
        Stop-Process -Id $service.ProcessId -Force
        [ordered]@{}
    }

    # Whether every thread of a process stands still: it waits (5), because it is suspended (5).
    function IsSuspended([int] $Id) {
        if ($Id -eq 0) { return $false }
        foreach ($one in [System.Diagnostics.Process]::GetProcessById($Id).Threads) {
            if ([int] $one.ThreadState -ne 5 -or [int] $one.WaitReason -ne 5) { return $false }
        }
        $true
    }

    # No cmdlet suspends a process. These two functions of ntdll are not documented (inferred from their use by others).
    function SetProcess([int] $Id, [string] $Value) {
        if ($Id -eq 0) { throw 'ServiceNotRunning' }
        $members = '[DllImport("ntdll.dll")] public static extern int NtSuspendProcess(IntPtr process);' +
            '[DllImport("ntdll.dll")] public static extern int NtResumeProcess(IntPtr process);'
        Add-Type -Namespace 'Failover' -Name 'Native' -MemberDefinition $members
        $handle = [System.Diagnostics.Process]::GetProcessById($Id).Handle
        if ($Value -ceq 'suspended') { $status = [Failover.Native]::NtSuspendProcess($handle) }
        else { $status = [Failover.Native]::NtResumeProcess($handle) }
        if ($status -ne 0) { throw 'ProcessNotChanged' }
    }

    function SetService($Service, [string] $Value) {
        if ($Value -ceq 'running') { Start-Service -Name $Service.Name }
        elseif ($Value -ceq 'stopped') { Stop-Service -Name $Service.Name -Force }
        else { throw 'ValueNotKnown' }
    }

    # Win32_Service says Auto where Set-Service says Automatic.
    function SetStartMode($Service, [string] $Value) {
        if ('Auto', 'Manual', 'Disabled' -cnotcontains $Value) { throw 'ValueNotKnown' }
        Set-Service -Name $Service.Name -StartupType $(if ($Value -ceq 'Auto') { 'Automatic' } else { $Value })
    }

    function OwnersOf([string] $Resource) {
        $found = Get-ClusterOwnerNode -InputObject (Named (Get-ClusterResource) $Resource 'Resource')
        foreach ($one in $found.OwnerNodes) { NameOf $one }
    }

    function SetOwners([string] $Resource, [string[]] $Names) {
        $nodes = @(Get-ClusterNode)
        $owners = @(foreach ($name in $Names) { (Named $nodes $name 'Node').Name })
        Set-ClusterOwnerNode -InputObject (Named (Get-ClusterResource) $Resource 'Resource') -Owners $owners
    }

    function Property([string] $Name) {
        $known = 'SameSubnetThreshold', 'CrossSubnetThreshold', 'SameSubnetDelay', 'CrossSubnetDelay',
            'QuarantineThreshold', 'QuarantineDuration', 'ResiliencyLevel', 'ResiliencyDefaultPeriod'
        if ($known -cnotcontains $Name) { throw 'PropertyNotKnown' }
        (Get-Cluster).PSObject.Properties[$Name]
    }

    function RulesNamed([string[]] $Names) {
        Get-NetFirewallRule -Group 'failover-lab' -ErrorAction 'SilentlyContinue' |
            Where-Object { $Names -contains $_.Name }
    }

    function Rules([string] $Way) {
        if ('in', 'out' -cnotcontains $Way) { throw 'WayNotKnown' }
        RulesNamed "failover-lab-$Way"
    }

    function Blocked([string] $Way) {
        foreach ($rule in @(Rules $Way)) {
            foreach ($one in (Get-NetFirewallAddressFilter -AssociatedNetFirewallRule $rule).RemoteAddress) { $one }
        }
    }

    function PortRules { RulesNamed 'failover-lab-port' }

    function BlockPort([int] $Port, [bool] $IsBlocked) {
        foreach ($rule in @(PortRules)) { Remove-NetFirewallRule -InputObject $rule }
        if (-not $IsBlocked) { return }
        $about = 'A failover test keeps clients from this port, and takes the rule back.'
        [void] (New-NetFirewallRule -Name 'failover-lab-port' -DisplayName 'failover-lab-port' -Group 'failover-lab' `
            -Description $about -Direction 'Inbound' -Action 'Block' -Profile 'Any' -Protocol 'TCP' -LocalPort $Port)
    }

    function MasterSettings { SettingsPath (Service 'SSISScaleOutMaster') 'MasterSettings.config' }

    # The file, where the key is one that may be set.
    function WorkerSettings([string] $Key) {
        $known = 'MaxTaskCount', 'AgentHeartbeatInterval', 'TaskHeartbeatInterval'
        if ($known -cnotcontains $Key) { throw 'SettingNotKnown' }
        SettingsPath (Service 'SSISScaleOutWorker') 'WorkerSettings.config'
    }

    # The service reads its settings when it starts: nobody who looks meanwhile sees it run with a file that it has not
    # read.
    function WriteWorkerSetting([string] $Key, [string] $Value) {
        if ($Value -notmatch '\A[0-9.:]+\z') { throw 'ValueNotKnown' }
        $settings = WorkerSettings $Key
        $service = Service 'SSISScaleOutWorker'
        $runs = $service.ProcessId -ne 0
        if ($runs) { SetService $service 'stopped' }
        try { EditSettings $settings ('("' + $Key + '"\s*:\s*"?)[^",}\s]*') $Value }
        finally { if ($runs) { SetService $service 'running' } }
    }

    # Thumbprint, store, application id and flags of the binding of the master's port.
    function ReadBinding {
        $path = BindingPath (MasterSettings)
        if (-not (Test-Path -LiteralPath $path)) { return }
        $binding = Get-ItemProperty -LiteralPath $path
        Hex $binding.SslCertHash
        [string] $binding.SslCertStoreName
        (New-Object guid (, $binding.AppId)).ToString('B')
        [string] [int] $binding.DefaultFlags
    }

    function WriteBinding([string[]] $Value) {
        $address = 'ipport=' + (BindingPath (MasterSettings)).Split('\')[-1]
        if ($Value.Count -eq 0) { return Netsh @('http', 'delete', 'sslcert', $address) }
        if ($Value.Count -ne 4 -or $Value[0] -notmatch '\A[0-9A-Fa-f]{40}\z') { throw 'ValueNotKnown' }
        $store = if ($Value[1] -eq '') { 'MY' } else { $Value[1] }
        $words = @('http', 'add', 'sslcert', $address, ('certhash=' + $Value[0]), ('certstorename=' + $store))
        $words += 'appid=' + ([guid] $Value[2]).ToString('B')
        if ([int] $Value[3] -band 2) { $words += 'clientcertnegotiation=enable' }
        Netsh $words
    }

    # Only those that are asked about are looked at, and only those are taken out.
    function WithRoot([scriptblock] $Does) {
        $store = New-Object System.Security.Cryptography.X509Certificates.X509Store 'Root', 'LocalMachine'
        $store.Open([System.Security.Cryptography.X509Certificates.OpenFlags]::ReadWrite)
        try { & $Does $store } finally { $store.Close() }
    }

    function ReadRoot([string] $Thumbprints) {
        $wanted = $Thumbprints.Split(',')
        WithRoot {
            param($store)
            foreach ($one in $store.Certificates) {
                if ($wanted -contains $one.Thumbprint) { [System.Convert]::ToBase64String($one.RawData) }
            }
        }
    }

    function WriteRoot([string] $Thumbprints, [string[]] $Value) {
        $wanted = $Thumbprints.Split(',')
        WithRoot {
            param($store)
            foreach ($one in @($store.Certificates)) {
                if ($wanted -contains $one.Thumbprint) { $store.Remove($one) }
            }
            foreach ($one in $Value) {
                $bytes = [System.Convert]::FromBase64String($one)
                $store.Add((New-Object System.Security.Cryptography.X509Certificates.X509Certificate2 (, $bytes)))
            }
        }
    }

    function Block([string] $Way, [string[]] $Addresses) {
        foreach ($rule in @(Rules $Way)) { Remove-NetFirewallRule -InputObject $rule }
        if ($Addresses.Count -eq 0) { return }
        # Anything else than an address would stand for more than one.
        $remote = @(foreach ($one in $Addresses) { [string] [System.Net.IPAddress]::Parse($one) })
        $about = 'A failover test cuts this node off from these addresses, and takes the rule back.'
        $direction = $(if ($Way -ceq 'in') { 'Inbound' } else { 'Outbound' })
        [void] (New-NetFirewallRule -Name "failover-lab-$Way" -DisplayName "failover-lab-$Way" -Group 'failover-lab' `
            -Description $about -Direction $direction -Action 'Block' -Profile 'Any' -RemoteAddress $remote)
    }

    # The rules that keep a host from something outside.
    function NamesOf([string] $What) {
        if ($What -ceq 'clients') { return 'failover-lab-clients', 'failover-lab-clients-port' }
        if ($What -ceq 'dns') { return 'failover-lab-dns-udp', 'failover-lab-dns-tcp' }
        if ('witness', 'disk' -ccontains $What) { return "failover-lab-$What" }
        throw 'OutsideNotKnown'
    }

    function KeptFrom([string] $What) {
        $names = @(NamesOf $What)
        $rules = @(RulesNamed $names)
        if ($rules.Count -eq 0) { return }
        # One of two rules is something else than both of them, and than none.
        if ($rules.Count -ne $names.Count) { 'incomplete' }
        foreach ($rule in $rules) {
            if ($names[0] -ne $rule.Name) { continue }
            $filter = Get-NetFirewallAddressFilter -AssociatedNetFirewallRule $rule
            $found = if ($What -ceq 'clients') { $filter.LocalAddress } else { $filter.RemoteAddress }
            foreach ($one in $found) { $one }
        }
    }

    function BlockService([string] $Name, [string] $Protocol, [int] $Port, [string[]] $Remote) {
        $about = 'A failover test keeps this host from a service, and takes the rule back.'
        [void] (New-NetFirewallRule -Name $Name -DisplayName $Name -Group 'failover-lab' -Description $about `
            -Direction 'Outbound' -Action 'Block' -Profile 'Any' -Protocol $Protocol -RemotePort $Port `
            -RemoteAddress $Remote)
    }

    # Clients reach the addresses of roles, or the master by the node's own address. What a node sends to an address of
    # its own passes (inferred).
    function BlockClients([string[]] $Local) {
        $port = Setting (MasterSettings) 'PortNumber'
        if ($port -eq '') { $port = '8391' }
        $about = 'A failover test cuts clients off from this node, and takes the rule back.'
        $name = 'failover-lab-clients'
        [void] (New-NetFirewallRule -Name $name -DisplayName $name -Group 'failover-lab' -Description $about `
            -Direction 'Inbound' -Action 'Block' -Profile 'Any' -LocalAddress $Local)
        $name = 'failover-lab-clients-port'
        [void] (New-NetFirewallRule -Name $name -DisplayName $name -Group 'failover-lab' -Description $about `
            -Direction 'Inbound' -Action 'Block' -Profile 'Any' -Protocol 'TCP' -LocalPort ([int] $port))
    }

    function KeepFrom([string] $What, [string[]] $Addresses) {
        foreach ($rule in @(RulesNamed @(NamesOf $What))) { Remove-NetFirewallRule -InputObject $rule }
        if ($Addresses.Count -eq 0) { return }
        $parsed = @(foreach ($one in $Addresses) { [string] [System.Net.IPAddress]::Parse($one) })
        switch -CaseSensitive ($What) {
            'clients' { BlockClients $parsed }
            'witness' { BlockService 'failover-lab-witness' 'TCP' 445 $parsed }
            'disk' { BlockService 'failover-lab-disk' 'TCP' 3260 $parsed }
            'dns' {
                BlockService 'failover-lab-dns-udp' 'UDP' 53 $parsed
                BlockService 'failover-lab-dns-tcp' 'TCP' 53 $parsed
            }
        }
    }

    function AdapterOf([string] $Guid) {
        $own = $Guid.Trim('{', '}')
        $found = @(Get-NetAdapter | Where-Object { ([string] $_.InterfaceGuid).Trim('{', '}') -eq $own })
        if ($found.Count -ne 1) { throw 'AdapterNotFound' }
        $found[0]
    }

    # A rule that is not enabled tells the node which adapter it is to enable by itself.
    function SwitchAdapter([string] $Guid, [bool] $Off) {
        $adapter = AdapterOf $Guid
        $name = 'failover-lab-adapter'
        if ($Off) {
            [void] (New-NetFirewallRule -Name $name -DisplayName $name -Group 'failover-lab' -Enabled 'False' `
                -Description ([string] $adapter.InterfaceGuid) -Direction 'Inbound' -Action 'Block' -Profile 'Any')
            Disable-NetAdapter -InputObject $adapter -Confirm:$false
        }
        else {
            Enable-NetAdapter -InputObject $adapter -Confirm:$false
            foreach ($rule in @(RulesNamed $name)) { Remove-NetFirewallRule -InputObject $rule }
        }
    }

    # What a node does by itself when a test that has cut it off does not come back.
    $global:FailoverUndo = {
        foreach ($rule in @(Get-NetFirewallRule -Group 'failover-lab' -ErrorAction 'SilentlyContinue')) {
            if ($rule.Name -ne 'failover-lab-adapter') { continue }
            foreach ($adapter in @(Get-NetAdapter)) {
                if ($adapter.InterfaceGuid -ne $rule.Description) { continue }
                Enable-NetAdapter -InputObject $adapter -Confirm:$false
            }
        }
        Get-NetFirewallRule -Group 'failover-lab' -ErrorAction 'SilentlyContinue' | Remove-NetFirewallRule
        Unregister-ScheduledTask -TaskName 'failover-lab-undo' -Confirm:$false
    }

    function Arm([int] $Minutes) {
        $bytes = [System.Text.Encoding]::Unicode.GetBytes($global:FailoverUndo.ToString())
        $hash = Hex ([System.Security.Cryptography.SHA256]::Create().ComputeHash($bytes))
        $program = [System.IO.Path]::Combine($env:SystemRoot, 'System32\WindowsPowerShell\v1.0\powershell.exe')
        $words = '-NoProfile -NonInteractive -EncodedCommand ' + [System.Convert]::ToBase64String($bytes)
        $action = New-ScheduledTaskAction -Execute $program -Argument $words
        $trigger = New-ScheduledTaskTrigger -Once -At ([datetime]::Now.AddMinutes($Minutes))
        # S-1-5-18: the system itself, whatever its name is here. A node that was off does it as soon as it is on.
        $system = New-ScheduledTaskPrincipal -UserId 'S-1-5-18' -RunLevel 'Highest'
        $settings = New-ScheduledTaskSettingsSet -StartWhenAvailable
        $about = 'Removes the firewall rules of the group failover-lab, and enables the adapter that one of them ' +
            'names, should the test that made them have died. ' +
            'SHA-256 of its script: ' + $hash
        [void] (Register-ScheduledTask -TaskName 'failover-lab-undo' -Description $about -Action $action `
            -Trigger $trigger -Principal $system -Settings $settings -Force)
    }

    function ReadPart($With) {
        $name = [string] $With.name
        $value = @(switch -CaseSensitive ([string] $With.part) {
            'service' { if ((ServiceOf $name).ProcessId -eq 0) { 'stopped' } else { 'running' } }
            'process' { if (IsSuspended (ServiceOf $name).ProcessId) { 'suspended' } else { 'going' } }
            'start_mode' { [string] (ServiceOf $name).StartMode }
            'possible_owners' { OwnersOf $name }
            'cluster_property' { [string] [long] (Property $name).Value }
            # FixQuorum: one while quorum is forced (that it shows the end of that, too, is inferred).
            'forced_quorum' { if ([int] (Get-Cluster).PSObject.Properties['FixQuorum'].Value -ne 0) { 'forced' } }
            'failover_threshold' { [string] [long] (Named (Get-ClusterGroup) $name 'Group').FailoverThreshold }
            'blocked' { Blocked $name }
            'kept_from' { KeptFrom $name }
            # 2: an administrator has switched it off.
            'adapter' { if ([int] (AdapterOf $name).InterfaceAdminStatus -eq 2) { 'disabled' } }
            'port_blocked' { if (@(PortRules).Count -gt 0) { 'blocked' } }
            'https_binding' { ReadBinding }
            'master_setting' {
                if ($name -cne 'PortNumber') { throw 'SettingNotKnown' }
                Setting (MasterSettings) $name
            }
            'root_certificates' { ReadRoot $name }
            'worker_setting' { Setting (WorkerSettings $name) $name }
            'worker_agent' { ReadAgent $name }
            'armed' {
                $task = Get-ScheduledTask -TaskName 'failover-lab-undo' -ErrorAction 'SilentlyContinue'
                if ($null -ne $task) { 'armed' }
            }
            default { throw 'PartNotKnown' }
        })
        [ordered]@{ value = $value }
    }

    function WritePart($With) {
        $name = [string] $With.name
        $value = @(foreach ($one in $With.value) { [string] $one })
        $first = if ($value.Count -eq 0) { '' } else { $value[0] }
        switch -CaseSensitive ([string] $With.part) {
            'service' { SetService (ServiceOf $name) $first }
            'process' { SetProcess (ServiceOf $name).ProcessId $first }
            'start_mode' { SetStartMode (ServiceOf $name) $first }
            'possible_owners' { SetOwners $name $value }
            'cluster_property' { (Property $name).Value = [uint32] $first }
            'failover_threshold' { (Named (Get-ClusterGroup) $name 'Group').FailoverThreshold = [uint32] $first }
            'blocked' { Block $name $value }
            'kept_from' { KeepFrom $name $value }
            'adapter' { SwitchAdapter $name ($value.Count -gt 0) }
            'port_blocked' { BlockPort ([int] $name) ($value.Count -gt 0) }
            'https_binding' { WriteBinding $value }
            'master_setting' {
                if ($name -cne 'PortNumber') { throw 'SettingNotKnown' }
                EditSettings (MasterSettings) '("PortNumber"\s*:\s*"?)\d+' ([string] [int] $first)
            }
            'root_certificates' { WriteRoot $name $value }
            'worker_setting' { WriteWorkerSetting $name $first }
            'worker_agent' { WriteAgent $name $first }
            'armed' {
                if ($value.Count -gt 0) { Arm ([int] $name) }
                else { Unregister-ScheduledTask -TaskName 'failover-lab-undo' -Confirm:$false }
            }
            default { throw 'PartNotKnown' }
        }
        [ordered]@{}
    }

    function ReadNetwork {
        $nodes = @()
        $addresses = @()
        try { $interfaces = @(Get-ClusterNetworkInterface) } catch { $interfaces = @() }
        foreach ($one in $interfaces) {
            foreach ($address in @($one.IPv4Addresses) + @($one.IPv6Addresses)) {
                if ([string] $address -eq '') { continue }
                $nodes += NameOf $one.Node
                $addresses += ([string] $address).Split('%')[0]
            }
        }
        # SMB, iSCSI, SMB over RDMA.
        $filter = 'State = 5 AND (RemotePort = 445 OR RemotePort = 3260 OR RemotePort = 5445)'
        $sockets = @(Get-CimInstance -Namespace 'root/StandardCimv2' -ClassName 'MSFT_NetTCPConnection' -Filter $filter)
        $storage = @(foreach ($one in $sockets) { ([string] $one.RemoteAddress).Split('%')[0] })
        # With Storage Spaces Direct every node is the storage of every other one.
        try { $direct = (Get-Cluster).PSObject.Properties['S2DEnabled'] } catch { $direct = $null }
        if ($null -ne $direct -and [int] $direct.Value -eq 1) { $storage += $addresses }
        [ordered]@{ address_nodes = $nodes; addresses = $addresses; storage = $storage }
    }

    function AddressesOf([string] $Name) {
        foreach ($one in [System.Net.Dns]::GetHostAddresses($Name)) { ([string] $one).Split('%')[0] }
    }

    # The witness on a share: the addresses of its host, and the other shares of it that are open here.
    function WitnessOn([string] $Path) {
        $words = @($Path.Trim('\').Split('\'))
        $addresses = @(AddressesOf $words[0])
        $shares = @(foreach ($one in @(Get-SmbConnection)) {
            if ($one.ShareName -eq 'IPC$' -or $one.ShareName -eq $words[1]) { continue }
            $same = @(foreach ($address in @(AddressesOf $one.ServerName)) {
                if ($addresses -contains $address) { $address }
            })
            if ($same.Count -gt 0) { '\\' + $one.ServerName + '\' + $one.ShareName }
        })
        [ordered]@{ addresses = $addresses; shares = $shares }
    }

    # For each address of this node in a network of the cluster: the adapter, what the network is for, the address.
    # AdapterId names the adapter as its InterfaceGuid does (assumed).
    function OwnInterfaces {
        try { $interfaces = @(Get-ClusterNetworkInterface) } catch { $interfaces = @() }
        foreach ($one in $interfaces) {
            if (-not (IsSame (NameOf $one.Node) $env:COMPUTERNAME)) { continue }
            foreach ($address in @($one.IPv4Addresses) + @($one.IPv6Addresses)) {
                if ([string] $address -eq '') { continue }
                , @([string] $one.AdapterId, [int] $one.Network.Role, ([string] $address).Split('%')[0])
            }
        }
    }

    # A worker has no cluster. IsClustered and BusType: MSFT_Disk (documented).
    function ReadSurroundings {
        $roles = @()
        $witness = [ordered]@{ addresses = @(); shares = @() }
        try { $resources = @(Get-ClusterResource) } catch { $resources = @() }
        foreach ($one in $resources) {
            $type = NameOf $one.ResourceType
            if ($type -ceq 'File Share Witness') {
                $witness = WitnessOn ([string] (Get-ClusterParameter -InputObject $one -Name 'SharePath').Value)
            }
            elseif ('IP Address', 'IPv6 Address' -ccontains $type -and -not $one.OwnerGroup.IsCoreGroup) {
                $roles += [string] (Get-ClusterParameter -InputObject $one -Name 'Address').Value
            }
        }
        $rows = @(OwnInterfaces)
        # Sessions come in by WinRM or SSH; iSCSI and SMB over RDMA go out.
        $filter = 'State = 5 AND (LocalPort = 5985 OR LocalPort = 5986 OR LocalPort = 22 OR ' +
            'RemotePort = 3260 OR RemotePort = 5445)'
        $needed = @(Get-CimInstance -Namespace 'root/StandardCimv2' -ClassName 'MSFT_NetTCPConnection' -Filter $filter)
        $filter = 'State = 5 AND RemotePort = 3260'
        $sockets = @(Get-CimInstance -Namespace 'root/StandardCimv2' -ClassName 'MSFT_NetTCPConnection' -Filter $filter)
        $disks = @(Get-CimInstance -Namespace 'root/Microsoft/Windows/Storage' -ClassName 'MSFT_Disk')
        [ordered]@{
            roles = $roles
            witness = $witness.addresses
            shares = $witness.shares
            portals = @(foreach ($one in $sockets) { ([string] $one.RemoteAddress).Split('%')[0] })
            cluster_buses = @(foreach ($one in $disks) { if ($one.IsClustered) { [int] $one.BusType } })
            own_buses = @(foreach ($one in $disks) { if (-not $one.IsClustered) { [int] $one.BusType } })
            dns = @(foreach ($one in @(Get-DnsClientServerAddress)) { foreach ($own in $one.ServerAddresses) { $own } })
            interface_adapters = @(foreach ($row in $rows) { $row[0] })
            interface_roles = @(foreach ($row in $rows) { $row[1] })
            interface_addresses = @(foreach ($row in $rows) { $row[2] })
            needed = @(foreach ($one in $needed) { ([string] $one.LocalAddress).Split('%')[0] })
        }
    }

    # A second for each. Whoever is refused has not connected.
    function Connects([System.Net.IPAddress] $Address, [int] $Port) {
        $client = New-Object System.Net.Sockets.TcpClient $Address.AddressFamily
        try { return $client.ConnectAsync($Address, $Port).Wait(1000) } finally { $client.Close() }
    }

    # 0: success.
    function Reach($With) {
        $ping = New-Object System.Net.NetworkInformation.Ping
        $port = $With.PSObject.Properties['port']
        $reached = @(foreach ($text in $With.addresses) {
            try {
                $address = [System.Net.IPAddress]::Parse($text)
                if ($null -ne $port) { [int] (Connects $address ([int] $port.Value)) }
                else { [int] ([int] $ping.Send($address, 1000).Status -eq 0) }
            }
            catch { 0 }
        })
        [ordered]@{ reached = $reached }
    }

    # Keys that are there while Windows installs something or waits for a restart (inferred: no one page lists them).
    function ReadMaintenance {
        $windows = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion'
        $words = @(
            foreach ($key in 'RebootPending', 'RebootInProgress', 'PackagesPending') {
                if (Test-Path -LiteralPath "$windows\Component Based Servicing\$key") { $key }
            }
            if (Test-Path -LiteralPath "$windows\WindowsUpdate\Auto Update\RebootRequired") { 'RebootRequired' }
            if (Test-Path -LiteralPath "$windows\Installer\InProgress") { 'InstallerInProgress' }
        )
        [ordered]@{ maintenance = $words }
    }

    # A settings file lies beside the program of its service.
    function SettingsPath($Service, [string] $File) {
        $program = $Service.PathName.Trim()
        if ($program.StartsWith('"')) { $program = $program.Split('"')[1] }
        else { $program = $program.Substring(0, $program.ToLowerInvariant().IndexOf('.exe') + 4) }
        [System.IO.Path]::Combine([System.IO.Path]::GetDirectoryName($program), $File)
    }

    function Setting([string] $Path, [string] $Key) {
        $settings = ConvertFrom-Json -InputObject ([System.IO.File]::ReadAllText($Path))
        $value = $settings.PSObject.Properties[$Key]
        if ($null -eq $value) { return '' }
        [string] $value.Value
    }

    # The registry key of the binding: what netsh shows in the language of Windows. It listens on every address.
    function BindingPath([string] $Settings) {
        $port = Setting $Settings 'PortNumber'
        if ($port -eq '') { $port = '8391' }
        "HKLM:\SYSTEM\CurrentControlSet\Services\HTTP\Parameters\SslBindingInfo\0.0.0.0:$([int] $port)"
    }

    function Hex([byte[]] $Bytes) { [System.BitConverter]::ToString($Bytes).Replace('-', '') }

    function ReadMasterCertificate {
        $path = BindingPath (SettingsPath (Service 'SSISScaleOutMaster') 'MasterSettings.config')
        if (-not (Test-Path -LiteralPath $path)) { return [ordered]@{} }
        [ordered]@{ thumbprint = Hex (Get-ItemProperty -LiteralPath $path).SslCertHash }
    }

    # netsh says in its exit code whether it was done.
    function Netsh([string[]] $Words) {
        [void] (netsh.exe $Words)
        if ($LASTEXITCODE -ne 0) { throw 'NetshFailed' }
    }

    # Puts a value behind what the first group of a pattern matches; the rest of the file stays as it is.
    function EditSettings([string] $Path, [string] $Pattern, [string] $Value) {
        $reader = New-Object System.IO.StreamReader $Path, $true
        try { $text = $reader.ReadToEnd(); $encoding = $reader.CurrentEncoding } finally { $reader.Close() }
        # UTF-8 without a mark stays so.
        $first = [System.IO.File]::ReadAllBytes($Path)[0]
        $isPlain = $first -ne 0xef -and $encoding.WebName -eq 'utf-8'
        if ($isPlain) { $encoding = New-Object System.Text.UTF8Encoding $false }
        [System.IO.File]::WriteAllText($Path, ($text -replace $Pattern, ('${1}' + $Value)), $encoding)
    }

    # Root store, settings and binding. The service reads its settings when it starts.
    function ReplaceMasterCertificate($With) {
        $thumbprint = [string] $With.thumbprint
        if ($thumbprint -notmatch '\A[0-9A-Fa-f]{40}\z') { throw 'ThumbprintNotHex' }
        $certificate = Get-Item -LiteralPath "Cert:\LocalMachine\My\$thumbprint"
        $settings = SettingsPath (Service 'SSISScaleOutMaster') 'MasterSettings.config'
        $binding = Get-ItemProperty -LiteralPath (BindingPath $settings)
        $address = 'ipport=' + $binding.PSChildName
        $words = @($address, 'certstorename=Root', ('appid=' + (New-Object guid (, $binding.AppId)).ToString('B')))
        # HTTP_SERVICE_CONFIG_SSL_FLAG_NEGOTIATE_CLIENT_CERT
        if ($binding.DefaultFlags -band 2) { $words += 'clientcertnegotiation=enable' }

        $store = New-Object System.Security.Cryptography.X509Certificates.X509Store 'Root', 'LocalMachine'
        $store.Open([System.Security.Cryptography.X509Certificates.OpenFlags]::ReadWrite)
        try { $store.Add($certificate) } finally { $store.Close() }

        EditSettings $settings '("SSLCertThumbprint"\s*:\s*")[^"]*' $thumbprint

        Netsh @('http', 'delete', 'sslcert', $address)
        try { Netsh (@('http', 'add', 'sslcert', "certhash=$thumbprint") + $words) }
        catch {
            Netsh (@('http', 'add', 'sslcert', ('certhash=' + (Hex $binding.SslCertHash))) + $words)
            throw
        }
        [ordered]@{}
    }

    # Where the account of a service keeps its logs: newer versions have a folder of their own below ScaleOut.
    function LogFiles($Service) {
        $account = ([string] $Service.StartName).Replace('.\', "$env:COMPUTERNAME\")
        if ($account -eq 'LocalSystem') { $sid = 'S-1-5-18' }
        else {
            $name = New-Object System.Security.Principal.NTAccount $account
            $sid = $name.Translate([System.Security.Principal.SecurityIdentifier]).Value
        }
        $key = "HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\$sid"
        $base = [System.IO.Path]::Combine((Get-ItemProperty -LiteralPath $key).ProfileImagePath, 'AppData\Local\SSIS')
        foreach ($folder in 'ScaleOut', 'Cluster') {
            $path = [System.IO.Path]::Combine($base, $folder)
            if (Test-Path -LiteralPath $path) {
                Get-ChildItem -LiteralPath $path -Recurse -File | Where-Object { $_.Directory.Name -eq 'Agent' }
            }
        }
    }

    # The end of a file that its writer has open.
    function Tail([string] $Path, [int] $Most) {
        $file = [System.IO.File]::Open($Path, 'Open', 'Read', 'ReadWrite, Delete')
        try {
            [void] $file.Seek(-[math]::Min($file.Length, $Most), 'End')
            (New-Object System.IO.StreamReader $file).ReadToEnd()
        }
        finally { $file.Dispose() }
    }

    # The exceptions that the log tells of last, outermost first. Their types are the same in every language.
    function LastErrors([string] $Text) {
        $outermost = '(?:EndpointNotFound|SecurityNegotiation|MessageSecurity|Communication)Exception'
        $at = [regex]::Matches($Text, "System\.ServiceModel\.(?:Security\.)?$outermost")
        if ($at.Count -eq 0) { return }
        $last = $Text.Substring($at[$at.Count - 1].Index)
        foreach ($one in [regex]::Matches($last, 'System\.[A-Za-z.]+Exception')) { $one.Value }
    }

    # Whether the process still runs that wrote a line at this moment: another one may have its number by now.
    function Lives([int] $Id, [long] $Ticks) {
        try { [System.Diagnostics.Process]::GetProcessById($Id).StartTime.ToUniversalTime().Ticks -le $Ticks }
        catch { $false }
    }

    # What the supplied package has written here: at its start and at its end one line, of the word, the execution, the
    # machine, UTC ticks, and the process. A line that is not whole yet has no end.
    function Packages([long] $From) {
        $path = [System.IO.Path]::Combine($env:ProgramData, 'failover-lab\witness.txt')
        $runs = @()
        if (Test-Path -LiteralPath $path) {
            $lines = (Tail $path 16777216).Split("`n")
            for ($at = 0; $at -lt $lines.Count - 1; $at++) {
                $words = $lines[$at].Trim().Split(' ')
                if ($words.Count -ne 5 -or [long] $words[1] -lt $From) { continue }
                if ($words[0] -ceq 'start') {
                    $run = @{ Execution = [long] $words[1]; Start = [long] $words[3]; Id = [int] $words[4] }
                    $run['End'] = [long] 0
                    $runs += $run
                }
                else {
                    foreach ($run in $runs) {
                        $isSame = $run.Execution -eq [long] $words[1] -and $run.Id -eq [int] $words[4]
                        if ($isSame -and $run.End -eq 0) { $run.End = [long] $words[3] }
                    }
                }
            }
        }
        # -1: its process is gone without a word.
        foreach ($run in $runs) {
            if ($run.End -eq 0 -and -not (Lives $run.Id $run.Start)) { $run.End = [long] -1 }
        }
        $runs
    }

    # Numbers of errors of SSISDB that the log tells of, each with the id of a task that stands before it. Nobody has
    # documented what the log says: `Code:NUMBER` is in other services' logs of the same exception (inferred).
    function RefusedReports([string] $Text) {
        $id = '[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}'
        foreach ($one in [regex]::Matches($Text, "($id)(?:(?!$id)[\s\S]){0,2000}?\bCode:\s*(27[0-9]{3})\b")) {
            , @($one.Groups[1].Value, [int] $one.Groups[2].Value)
        }
    }

    function ReadWorker($With) {
        $service = Service 'SSISScaleOutWorker'
        $settings = SettingsPath $service 'WorkerSettings.config'
        $endpoint = [uri] (Setting $settings 'MasterEndpoint')
        $seen = [ordered]@{ endpoint_host = $endpoint.Host.Trim('[', ']'); endpoint_port = [int] $endpoint.Port }
        $from = $With.PSObject.Properties['work_from']
        if ($null -ne $from) {
            $runs = @(Packages ([long] $from.Value))
            $seen['package_executions'] = @(foreach ($run in $runs) { $run.Execution })
            $seen['package_starts'] = @(foreach ($run in $runs) { $run.Start })
            $seen['package_ends'] = @(foreach ($run in $runs) { $run.End })
            $log = LogFiles $service | Sort-Object -Property 'LastWriteTimeUtc' | Select-Object -Last 1
            $refused = @(if ($null -ne $log) { RefusedReports (Tail $log.FullName 65536) })
            $seen['refused_tasks'] = @(foreach ($one in $refused) { [string] $one[0] })
            $seen['refused_numbers'] = @(foreach ($one in $refused) { [int] $one[1] })
        }
        if ($service.ProcessId -eq 0) { return $seen }

        $process = Get-CimInstance -ClassName 'Win32_Process' -Filter "ProcessId = $($service.ProcessId)"
        if ($null -eq $process) { return $seen }
        $started = $process.CreationDate.ToUniversalTime()
        # What the service has read is not known any more.
        if ([System.IO.File]::GetLastWriteTimeUtc($settings) -gt $started) { throw 'SettingsEditedAfterStart' }

        # What leads from the name to an address here: a line in the hosts file goes before every resolver.
        $hostsFile = [System.IO.Path]::Combine($env:SystemRoot, 'System32\drivers\etc\hosts')
        $seen['hosts_line'] = $false
        foreach ($line in [System.IO.File]::ReadAllText($hostsFile).Split("`n")) {
            $words = $line.Split('#')[0].Replace("`t", ' ').Trim().Split(' ')
            if ($words -contains $endpoint.Host) { $seen['hosts_line'] = $true }
        }
        try {
            $resolved = [System.Net.Dns]::GetHostAddresses($endpoint.Host)
            $seen['resolved'] = @(foreach ($one in $resolved) { [string] $one })
        }
        catch { $seen['resolved'] = @() }

        $filter = "OwningProcess = $($service.ProcessId) AND RemotePort = $($endpoint.Port)"
        $sockets = @(Get-CimInstance -Namespace 'root/StandardCimv2' -ClassName 'MSFT_NetTCPConnection' -Filter $filter)
        # 5: established.
        $socket = $sockets | Sort-Object -Property { $_.State -eq 5 }, 'CreationTime' | Select-Object -Last 1
        if ($null -ne $socket) {
            $seen['socket_state'] = [int] $socket.State
            $seen['socket_address'] = [string] $socket.RemoteAddress
        }

        $log = LogFiles $service | Sort-Object -Property 'LastWriteTimeUtc' | Select-Object -Last 1
        $errors = @()
        $failed = [datetime]::MinValue
        if ($null -ne $log -and $log.LastWriteTimeUtc -gt $started) {
            $errors = @(LastErrors (Tail $log.FullName 65536))
            if ($errors.Count -gt 0) { $failed = $log.LastWriteTimeUtc }
        }
        $isOpen = $null -ne $socket -and $socket.State -eq 5
        if ($isOpen -and $socket.CreationTime.ToUniversalTime() -gt $failed) {
            $global:FailoverSocket = $socket.CreationTime.ToUniversalTime()
            $seen['log_event'] = 'connected'
            $seen['log_errors'] = @()
            $seen['log_ticks'] = $global:FailoverSocket.Ticks
        }
        elseif ($errors.Count -gt 0) {
            $seen['log_event'] = 'failed'
            $seen['log_errors'] = $errors
            $seen['log_ticks'] = $failed.Ticks
        }
        elseif ($null -ne $global:FailoverSocket) {
            # It was connected, is not, and its log tells of no failure.
            $seen['log_event'] = 'lost'
            $seen['log_errors'] = @()
            $seen['log_ticks'] = $global:FailoverSocket.Ticks
        }
        $seen
    }

    $global:FailoverProcedures = 'catalog.create_execution', 'catalog.set_execution_parameter_value',
        'catalog.add_execution_worker', 'catalog.start_execution', 'catalog.stop_operation',
        'catalog.enable_worker_agent', 'catalog.disable_worker_agent', 'catalog.delete_worker_agent'

    $global:FailoverStatements = @{
        may_see = "SELECT IS_ROLEMEMBER(N'ssis_admin'), IS_ROLEMEMBER(N'ssis_cluster_executor'), " +
            "IS_SRVROLEMEMBER(N'sysadmin')"
        properties = "SELECT property_name, CONVERT(nvarchar(4000), property_value) FROM catalog.master_properties"
        workers = "SELECT MachineName, IsEnabled, LastOnlineTime FROM catalog.worker_agents ORDER BY MachineName"
        executions = "SELECT execution_id FROM catalog.executions WHERE status IN (2, 5, 8) ORDER BY execution_id"
        may_see_requests = "SELECT HAS_PERMS_BY_NAME(NULL, NULL, N'VIEW SERVER STATE')"
        backups = "SELECT COUNT(*) FROM sys.dm_exec_requests WHERE command LIKE N'BACKUP%' OR command LIKE N'RESTORE%'"
        may_see_packages = "SELECT IS_ROLEMEMBER(N'ssis_admin'), IS_SRVROLEMEMBER(N'sysadmin')"
        may_see_tasks = "SELECT HAS_PERMS_BY_NAME(N'internal.tasks', N'OBJECT', N'SELECT'), " +
            "HAS_PERMS_BY_NAME(N'internal.executions', N'OBJECT', N'SELECT')"
        packages = "SELECT COUNT(*) FROM catalog.packages p JOIN catalog.projects j ON j.project_id = p.project_id " +
            "JOIN catalog.folders f ON f.folder_id = j.folder_id " +
            "WHERE f.name = N'failover-lab' AND j.name = N'failover-lab' AND p.name = N'failover-lab.dtsx'"
        newest = "SELECT COALESCE(MAX(execution_id), 0) FROM catalog.executions"
        tasks = "SELECT e.execution_id, CONVERT(nvarchar(36), t.TaskId), t.Status, t.ExecutedCount, w.MachineName, " +
            "x.status FROM internal.tasks t JOIN internal.executions e ON e.job_id = t.JobId " +
            "JOIN catalog.executions x ON x.execution_id = e.execution_id " +
            "LEFT JOIN catalog.worker_agents w ON w.WorkerAgentId = t.WorkerAgentId " +
            "WHERE e.execution_id >= @from AND e.folder_name = N'failover-lab' AND t.TaskType = 0 " +
            "ORDER BY e.execution_id"
        agent = "SELECT TOP (1) WorkerAgentId FROM catalog.worker_agents WHERE MachineName = @machine " +
            "ORDER BY LastOnlineTime DESC"
        agent_row = "SELECT TOP (1) IsEnabled FROM catalog.worker_agents WHERE MachineName = @machine " +
            "ORDER BY LastOnlineTime DESC"
    }

    # A command on a connection of its own: a pool would keep one to the node that was. What it is about travels in
    # typed parameters, each a name, a type of SQL Server, and a value.
    function Command([string] $Server, [object[]] $Parameters) {
        $builder = New-Object System.Data.SqlClient.SqlConnectionStringBuilder
        $builder['Data Source'] = $Server
        $builder['Initial Catalog'] = 'SSISDB'
        $builder['Integrated Security'] = $true
        $builder['Pooling'] = $false
        $builder['MultiSubnetFailover'] = $true
        $builder['Connect Timeout'] = 5
        $connection = New-Object System.Data.SqlClient.SqlConnection ($builder.ToString())
        $command = $connection.CreateCommand()
        $command.CommandTimeout = 5
        foreach ($one in $Parameters) {
            $command.Parameters.Add($one[0], [System.Data.SqlDbType] $one[1]).Value = $one[2]
        }
        $command
    }

    # Rows of a statement, each a list of values.
    function Query([string] $Server, [string] $Statement, [object[]] $Parameters = @()) {
        $command = Command $Server $Parameters
        try {
            $command.CommandText = $global:FailoverStatements[$Statement]
            $command.Connection.Open()
            $reader = $command.ExecuteReader()
            while ($reader.Read()) {
                $row = @(for ($column = 0; $column -lt $reader.FieldCount; $column++) { $reader.GetValue($column) })
                , $row
            }
        }
        catch { RefuseIfSaid $_.Exception; throw }
        finally { $command.Connection.Dispose() }
    }

    # Calls a procedure of the catalog; gives back its parameter @execution_id.
    function Procedure([string] $Server, [string] $Name, [object[]] $Parameters) {
        if ($global:FailoverProcedures -cnotcontains $Name) { throw 'ProcedureNotKnown' }
        $command = Command $Server $Parameters
        try {
            $command.CommandType = [System.Data.CommandType] 'StoredProcedure'
            $command.CommandText = $Name
            $execution = $null
            if ($command.Parameters.Contains('@execution_id')) { $execution = $command.Parameters['@execution_id'] }
            if ($Name -ceq 'catalog.create_execution') {
                $execution.Direction = [System.Data.ParameterDirection] 'Output'
            }
            $command.Connection.Open()
            [void] $command.ExecuteNonQuery()
            if ($null -ne $execution) { [long] $execution.Value }
        }
        catch { RefuseIfSaid $_.Exception; throw }
        finally { $command.Connection.Dispose() }
    }

    # An error that SQL Server has said has its number in its name, so that it is told from one of the connection: an
    # error of SSISDB, a permission or a database that the account lacks, a login that failed.
    function RefuseIfSaid($Exception) {
        for ($one = $Exception; $null -ne $one; $one = $one.InnerException) {
            if ($one -isnot [System.Data.SqlClient.SqlException]) { continue }
            $isOfSsisdb = $one.Number -ge 27000 -and $one.Number -lt 28000
            if ($isOfSsisdb -or 229, 230, 916, 18456 -contains $one.Number) { throw "SqlError$($one.Number)" }
        }
    }

    function ReadSsisdb($With) {
        $server = [string] $With.server
        $properties = @(Query $server 'properties')
        $seen = [ordered]@{
            property_names = @(foreach ($row in $properties) { [string] $row[0] })
            property_values = @(foreach ($row in $properties) { [string] $row[1] })
        }
        # Without one of these roles the view shows no rows and no error: then nobody has looked.
        if (@(Query $server 'may_see')[0] -contains 1) {
            $workers = @(Query $server 'workers')
            $seen['worker_machines'] = @(foreach ($row in $workers) { [string] $row[0] })
            $seen['worker_enabled'] = @(foreach ($row in $workers) { [int] [bool] $row[1] })
            $seen['worker_online'] = @(
                foreach ($row in $workers) {
                    # 0: it never was.
                    if ($row[2] -is [datetimeoffset]) { $row[2].UtcTicks } else { [long] 0 }
                }
            )
            $seen['executions'] = @(foreach ($row in @(Query $server 'executions')) { [long] $row[0] })
        }
        $from = $With.PSObject.Properties['work_from']
        if ($null -ne $from -and (SeesTasks $server)) {
            $tasks = @(Query $server 'tasks' @(, @('@from', 'BigInt', [long] $from.Value)))
            $seen['task_executions'] = @(foreach ($row in $tasks) { [long] $row[0] })
            $seen['task_ids'] = @(foreach ($row in $tasks) { [string] $row[1] })
            $seen['task_states'] = @(foreach ($row in $tasks) { [long] $row[2] })
            $seen['task_counts'] = @(foreach ($row in $tasks) { [long] $row[3] })
            $seen['task_workers'] = @(foreach ($row in $tasks) { [string] $row[4] })
            $seen['task_statuses'] = @(foreach ($row in $tasks) { [long] $row[5] })
        }
        # Without this right everybody sees only what they do themselves.
        if (@(Query $server 'may_see_requests')[0] -contains 1) {
            $seen['backups'] = [long] @(Query $server 'backups')[0][0]
        }
        $seen
    }

    function SeesTasks([string] $Server) {
        $row = @(Query $Server 'may_see_tasks')[0]
        $row[0] -eq 1 -and $row[1] -eq 1
    }

    function ReadPackage($With) {
        $server = [string] $With.server
        $seen = [ordered]@{ sees_tasks = [bool] (SeesTasks $server) }
        # Without one of these roles not every package is shown.
        if (@(Query $server 'may_see_packages')[0] -contains 1) {
            $seen['is_deployed'] = [long] @(Query $server 'packages')[0][0] -gt 0
        }
        $seen['newest_execution'] = [long] @(Query $server 'newest')[0][0]
        $seen
    }

    # The id of the worker on a machine.
    function Agent([string] $Server, [string] $Machine) {
        $rows = @(Query $Server 'agent' @(, @('@machine', 'NVarChar', $Machine)))
        if ($rows.Count -eq 0) { throw 'WorkerNotRegistered' }
        $rows[0][0]
    }

    # The instance that holds SSISDB, as the master of this node is told to reach it.
    function Catalog { Setting (MasterSettings) 'SqlServerName' }

    # Without one of these roles the view shows no rows and no error: then nobody has looked.
    function ReadAgent([string] $Machine) {
        $server = Catalog
        if (@(Query $server 'may_see')[0] -notcontains 1) { throw 'NoRoleInSsisdb' }
        foreach ($row in @(Query $server 'agent_row' @(, @('@machine', 'NVarChar', $Machine)))) {
            if ([bool] $row[0]) { 'enabled' } else { 'disabled' }
        }
    }

    # An empty value: there is no row.
    function WriteAgent([string] $Machine, [string] $Value) {
        $server = Catalog
        $agent = @('@WorkerAgentId', 'UniqueIdentifier', (Agent $server $Machine))
        if ($Value -ceq 'enabled') { [void] (Procedure $server 'catalog.enable_worker_agent' @(, $agent)) }
        elseif ($Value -ceq 'disabled') { [void] (Procedure $server 'catalog.disable_worker_agent' @(, $agent)) }
        elseif ($Value -ceq '') { [void] (Procedure $server 'catalog.delete_worker_agent' @(, $agent)) }
        else { throw 'ValueNotKnown' }
    }

    function StartExecution([string] $Server, [string] $Machine, [int] $Seconds, [int] $Retries) {
        $isAny = $Machine -eq ''
        $agent = if ($isAny) { $null } else { Agent $Server $Machine }
        $id = Procedure $Server 'catalog.create_execution' @(
            @('@folder_name', 'NVarChar', 'failover-lab'), @('@project_name', 'NVarChar', 'failover-lab'),
            @('@package_name', 'NVarChar', 'failover-lab.dtsx'), @('@runinscaleout', 'Bit', $true),
            @('@useanyworker', 'Bit', $isAny), @('@execution_id', 'BigInt', [System.DBNull]::Value)
        )
        $own = @('@execution_id', 'BigInt', $id)
        # 30: of the package.
        [void] (Procedure $Server 'catalog.set_execution_parameter_value' @(
            $own, @('@object_type', 'SmallInt', 30), @('@parameter_name', 'NVarChar', 'Seconds'),
            @('@parameter_value', 'Variant', $Seconds)
        ))
        if (-not $isAny) {
            $worker = @('@workeragent_id', 'UniqueIdentifier', $agent)
            [void] (Procedure $Server 'catalog.add_execution_worker' @($own, $worker))
        }
        [void] (Procedure $Server 'catalog.start_execution' @($own, @('@retry_count', 'Int', $Retries)))
        $id
    }

    # What was started is told even if SSISDB goes away meanwhile.
    function StartExecutions($With) {
        $server = [string] $With.server
        $seconds = [int] $With.seconds
        $retries = [int] $With.retry_count
        $started = @()
        foreach ($machine in $With.workers) {
            try { $started += StartExecution $server ([string] $machine) $seconds $retries }
            catch { if ($started.Count -eq 0) { throw } else { break } }
        }
        [ordered]@{ started = $started }
    }

    function StopExecution($With) {
        $operation = @('@operation_id', 'BigInt', [long] $With.execution)
        [void] (Procedure ([string] $With.server) 'catalog.stop_operation' @(, $operation))
        [ordered]@{}
    }

    # What an event log has, the oldest first if that is wanted. That there is nothing is an error, known by its id.
    function Events([string] $Channel, [string] $Filter, [int] $Most, [bool] $Oldest) {
        try { Get-WinEvent -LogName $Channel -FilterXPath $Filter -MaxEvents $Most -Oldest:$Oldest }
        catch { if (-not ([string] $_.FullyQualifiedErrorId).StartsWith('NoMatchingEventsFound,')) { throw } }
    }

    # The data of an event, by the XML that it was written with: never the message, which is in the language of Windows.
    function DataOf($Entry) {
        foreach ($one in ([xml] $Entry.ToXml()).SelectNodes('//*[local-name()="Data"]')) {
            $value = [string] $one.InnerText
            if ($value.Length -gt 256) { $value = $value.Substring(0, 256) }
            , @([long] $Entry.RecordId, $one.GetAttribute('Name'), $value)
        }
    }

    function ReadEvents($With) {
        $channel = [string] $With.channel
        if ('System', 'Microsoft-Windows-FailoverClustering/Operational' -notcontains $channel) {
            throw 'ChannelNotKnown'
        }
        $filter = "Provider[@Name='Microsoft-Windows-FailoverClustering'] and EventRecordID > " + [long] $With.after
        $within = $With.PSObject.Properties['within_ms']
        if ($null -ne $within) { $filter += ' and TimeCreated[timediff(@SystemTime) <= ' + [long] $within.Value + ']' }
        # The newest first: what comes meanwhile is read again, and not missed.
        $newest = @(Events $channel '*' 1 $false)
        $found = @(Events $channel "*[System[$filter]]" ([int] $With.most) $true)
        $data = @(foreach ($one in $found) { DataOf $one })
        [ordered]@{
            newest_record = $(if ($newest.Count -gt 0) { [long] $newest[0].RecordId } else { [long] 0 })
            event_records = @(foreach ($one in $found) { [long] $one.RecordId })
            event_ids = @(foreach ($one in $found) { [int] $one.Id })
            event_ticks = @(foreach ($one in $found) { $one.TimeCreated.ToUniversalTime().Ticks })
            data_records = @(foreach ($one in $data) { $one[0] })
            data_names = @(foreach ($one in $data) { $one[1] })
            data_values = @(foreach ($one in $data) { $one[2] })
        }
    }

    # What is about to be changed stands in the host's own event log before: the run, the verb, and what it is about as
    # JSON. Where it cannot be written a line says so, and the change is made all the same.
    function Announce([string] $Verb, $With) {
        try {
            $about = @(foreach ($one in $With.PSObject.Properties) { (Json $one.Name) + ':' + (Json $one.Value) })
            $text = 'run ' + (Json $global:FailoverRun) + ', verb ' + (Json $Verb) + ' {' + ($about -join ',') + '}'
            if ($text.Length -gt 4000) { $text = $text.Substring(0, 4000) }
            if (-not [System.Diagnostics.EventLog]::SourceExists('failover-lab')) {
                [System.Diagnostics.EventLog]::CreateEventSource('failover-lab', 'Application')
            }
            [System.Diagnostics.EventLog]::WriteEntry('failover-lab', $text, 'Information', 1)
        }
        catch {
            $why = $_.Exception.GetType().FullName + ' ' + [string] $_.FullyQualifiedErrorId
            $global:FailoverNotes += 'nothing written into the event log: ' + (Json $why)
        }
    }

    function Perform([string] $Verb, $With) {
        # Every other verb changes something.
        if ('hello', 'reach' -cnotcontains $Verb -and -not $Verb.StartsWith('read_')) { Announce $Verb $With }
        switch -CaseSensitive ($Verb) {
            'hello' { return Hello $With }
            'read_cluster' { return ReadCluster }
            'read_worker' { return ReadWorker $With }
            'read_power' { return ReadPower $With }
            'read_ssisdb' { return ReadSsisdb $With }
            'read_master_certificate' { return ReadMasterCertificate }
            'move_role' { return MoveRole $With }
            'power_off' { return PowerOff $With }
            'power_on' { return PowerOn $With }
            'replace_master_certificate' { return ReplaceMasterCertificate $With }
            'stop_role' { return StopRole $With }
            'start_role' { return StartRole $With }
            'stop_resource' { return StopResource $With }
            'start_resource' { return StartResource $With }
            'pause_node' { return PauseNode $With }
            'drain_node' { return DrainNode $With }
            'resume_node' { return ResumeNode $With }
            'stop_cluster_service' { return StopClusterService $With }
            'start_cluster_service' { return StartClusterService $With }
            'clear_quarantine' { return ClearQuarantine $With }
            'force_quorum' { return ForceQuorum $With }
            'prevent_quorum' { return PreventQuorum $With }
            'kill_process' { return KillProcess $With }
            'freeze' { return Freeze $With }
            'thaw' { return Thaw $With }
            'fail_resource' { return FailResource $With }
            'shut_down' { return ShutDown }
            'read_part' { return ReadPart $With }
            'write_part' { return WritePart $With }
            'read_network' { return ReadNetwork }
            'reach' { return Reach $With }
            'read_surroundings' { return ReadSurroundings }
            'read_maintenance' { return ReadMaintenance }
            'read_events' { return ReadEvents $With }
            'read_package' { return ReadPackage $With }
            'start_executions' { return StartExecutions $With }
            'stop_execution' { return StopExecution $With }
        }
        throw 'VerbNotKnown'
    }

    function Answer([string] $Line) {
        $id = [long] 0
        $isDone = $false
        try {
            $request = ConvertFrom-Json -InputObject $Line
            $id = [long] $request.id
            $fields = Perform ([string] $request.verb) $request.parameters
            $isDone = $true
        }
        catch { $fields = Failure $_ }
        $parts = @("""id"":$id", ('"ok":' + (Json $isDone)))
        foreach ($key in $fields.Keys) {
            # What is absent is left out.
            if ($null -ne $fields[$key]) { $parts += (Json $key) + ':' + (Json $fields[$key]) }
        }
        # What there is to say besides comes before the answer, without the marker.
        $global:FailoverNotes
        $global:FailoverNotes = @()
        $global:FailoverMarker + '{' + ($parts -join ',') + '}'
    }
}

$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$out = [System.Console]::OpenStandardOutput()

function Say([string] $Line) {
    $bytes = [System.Text.Encoding]::ASCII.GetBytes($Line + "`n")
    $out.Write($bytes, 0, $bytes.Length)
    $out.Flush()
}

# A remote session that cannot be had or is lost ends this one: the harness opens another.
function GiveUp($Record) {
    Say ('remote session: ' + $Record.Exception.GetType().FullName + ' ' + $Record.FullyQualifiedErrorId)
    exit 6
}

function Connect([string] $Target) {
    $options = New-PSSessionOption -OpenTimeout 15000 -CancelTimeout 5000 -IdleTimeout 60000 -NoMachineProfile
    $session = New-PSSession -ComputerName $Target -Authentication Kerberos -SessionOption $options
    [void] (Invoke-Command -Session $session -ScriptBlock $library)
    $session
}

$reader = New-Object System.IO.StreamReader $In, ([System.Text.Encoding]::ASCII)
$target = (ConvertFrom-Json -InputObject $reader.ReadLine()).PSObject.Properties['target']
$remote = $null
if ($null -eq $target) { . $library }
else { try { $remote = Connect $target.Value } catch { GiveUp $_ } }

$there = { param([string] $Line) Answer $Line }
while ($null -ne ($line = $reader.ReadLine())) {
    if ($null -eq $remote) { $said = @(Answer $line) }
    else {
        try { $said = @(Invoke-Command -Session $remote -ScriptBlock $there -ArgumentList $line) } catch { GiveUp $_ }
    }
    foreach ($one in $said) { Say $one }
}
if ($null -ne $remote) { Remove-PSSession -Session $remote }
