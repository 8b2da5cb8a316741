# Looks at an SSIS Scale Out whose master fails over, and writes one JSON document for "failover preflight".
#
# It changes nothing: every command reads, but for the last one, which writes the file that you name; with - it tells
# the document instead. It takes no password and tells none: no private key, no connection string. It does tell names of
# machines and accounts, addresses, and the two settings files to the letter; "failover anonymise" replaces these names.
#
# Windows PowerShell 5.1, on a node or on a workstation with the failover cluster tools, as somebody who is an
# administrator of every node and worker and may read SSISDB (ssis_admin, else no worker is seen). Nodes and workers are
# asked through PowerShell remoting. What cannot be looked at is told with the reason, and nothing is taken for right.
#
#   powershell.exe -NoProfile -File collect.ps1 -OutFile cluster.json
#   powershell.exe -NoProfile -File collect.ps1 -OutFile cluster.json -Cluster CLUSTER1 -Worker WORKER1,WORKER2
#   powershell.exe -NoProfile -File collect.ps1 -OutFile cluster.json -SqlServer 'LISTENER,1444'
#
# Nobody has run it on Windows before you: read it first.

#Requires -Version 5.1

param(
    [Parameter(Mandatory = $true)]
    [string] $OutFile,
    [string] $Cluster = '.',
    [string[]] $Worker = @(),
    # As in SqlServerName, where SSISDB has a port of its own: the cluster does not tell it.
    [string] $SqlServer = ''
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

if ([string] $ExecutionContext.SessionState.LanguageMode -ne 'FullLanguage') {
    throw 'this session allows only parts of the language: the script needs FullLanguage'
}

# What runs here and on every machine: how an item is told, and how JSON is written.
$shared = {
    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    # One value that was seen, or why nobody could look.
    function Look([scriptblock] $What) {
        try { [ordered]@{ seen = (& $What) } }
        catch { [ordered]@{ could_not_look = [string] $_.Exception.Message } }
    }

    # The same for a list, which stays a list whether it has one element or none.
    function LookAll([scriptblock] $What) {
        try { [ordered]@{ seen = @(& $What) } }
        catch { [ordered]@{ could_not_look = [string] $_.Exception.Message } }
    }

    # JSON in ASCII. ConvertTo-Json of 5.1 unwraps lists, decorates strings and leaves other letters as they are.
    function Json($Value) {
        if ($null -eq $Value) { return 'null' }
        if ($Value -is [bool]) { if ($Value) { return 'true' } else { return 'false' } }
        if ($Value -is [int] -or $Value -is [long] -or $Value -is [uint32] -or $Value -is [uint64]) {
            return ([string] $Value)
        }
        if ($Value -is [System.Collections.IDictionary]) {
            $parts = foreach ($key in $Value.Keys) { (Json ([string] $key)) + ':' + (Json $Value[$key]) }
            return '{' + ($parts -join ',') + '}'
        }
        if ($Value -is [System.Collections.IEnumerable] -and $Value -isnot [string]) {
            $parts = foreach ($one in $Value) { Json $one }
            return '[' + ($parts -join ',') + ']'
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

    function Moment([datetime] $Time) {
        $culture = [System.Globalization.CultureInfo]::InvariantCulture
        $Time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", $culture)
    }

    # The services of Integration Services and SQL Server.
    function Services {
        $filter = "Name LIKE 'SSISScaleOut%' OR Name LIKE 'MSSQL%'"
        foreach ($one in (Get-CimInstance -ClassName Win32_Service -Filter $filter)) {
            $started = $null
            if ($one.ProcessId -ne 0) {
                $process = Get-CimInstance -ClassName Win32_Process -Filter "ProcessId = $($one.ProcessId)"
                if ($null -ne $process) { $started = Moment $process.CreationDate }
            }
            [ordered]@{
                name = $one.Name
                state = $one.State
                start_mode = $one.StartMode
                account = $one.StartName
                started_at = $started
            }
        }
    }

    # Rows of a query, each a list of values.
    function Query([string] $Server, [string] $Database, [string] $Text) {
        $builder = New-Object System.Data.SqlClient.SqlConnectionStringBuilder
        $builder['Data Source'] = $Server
        $builder['Initial Catalog'] = $Database
        $builder['Integrated Security'] = $true
        $builder['Pooling'] = $false
        $builder['MultiSubnetFailover'] = $true
        $connection = New-Object System.Data.SqlClient.SqlConnection ($builder.ToString())
        try {
            $connection.Open()
            $command = $connection.CreateCommand()
            $command.CommandText = $Text
            $reader = $command.ExecuteReader()
            while ($reader.Read()) {
                $row = @(for ($column = 0; $column -lt $reader.FieldCount; $column++) { $reader.GetValue($column) })
                , $row
            }
        }
        finally { $connection.Dispose() }
    }

    # A settings file lies beside the program of its service.
    function SettingsPath([string] $ServicePrefix, [string] $File) {
        $filter = "Name LIKE '$ServicePrefix%'"
        $service = Get-CimInstance -ClassName Win32_Service -Filter $filter | Sort-Object -Property Name |
            Select-Object -Last 1
        if ($null -eq $service) { throw "there is no service $ServicePrefix here" }
        $program = $service.PathName.Trim()
        if ($program.StartsWith('"')) { $program = $program.Split('"')[1] }
        else { $program = $program.Substring(0, $program.ToLowerInvariant().IndexOf('.exe') + 4) }
        Join-Path -Path (Split-Path -Path $program -Parent) -ChildPath $File
    }

    function Settings([string] $ServicePrefix, [string] $File) {
        $path = SettingsPath $ServicePrefix $File
        [ordered]@{
            path = $path
            written_at = Moment (Get-Item -LiteralPath $path).LastWriteTimeUtc
            text = [System.IO.File]::ReadAllText($path)
        }
    }

    # A value of a settings file, if it can be read as JSON.
    function Setting([string] $ServicePrefix, [string] $File, [string] $Key) {
        $text = [System.IO.File]::ReadAllText((SettingsPath $ServicePrefix $File))
        $value = (ConvertFrom-Json -InputObject $text).PSObject.Properties[$Key]
        if ($null -eq $value) { return $null }
        [string] $value.Value
    }

    # HasPrivateKey proves nothing: the key is opened, and nothing is done with it.
    function KeyOf($Certificate) {
        $key = [System.Security.Cryptography.X509Certificates.RSACertificateExtensions]::GetRSAPrivateKey($Certificate)
        if ($null -eq $key) {
            $key = [System.Security.Cryptography.X509Certificates.ECDsaCertificateExtensions]::GetECDsaPrivateKey(
                $Certificate)
        }
        $key
    }

    function PrivateKey($Certificate) {
        if (-not $Certificate.HasPrivateKey) { return 'absent' }
        try { if ($null -ne (KeyOf $Certificate)) { return 'opens' } } catch { return 'does_not_open' }
        'does_not_open'
    }

    function Certificates([string] $Store) {
        foreach ($one in (Get-ChildItem -LiteralPath $Store)) {
            $alternative = $null
            foreach ($extension in $one.Extensions) {
                if ($extension.Oid.Value -eq '2.5.29.17') {
                    # "DNS Name=a, DNS Name=b" in the language of Windows: what stands behind the equals signs.
                    $alternative = @(
                        foreach ($part in $extension.Format($false).Split(',')) {
                            if ($part.Contains('=')) { $part.Substring($part.IndexOf('=') + 1).Trim() }
                        }
                    )
                }
            }
            [ordered]@{
                thumbprint = $one.Thumbprint
                subject = $one.Subject
                issuer = $one.Issuer
                alternative_names = $alternative
                not_after = Moment $one.NotAfter
                private_key = PrivateKey $one
            }
        }
    }

    # Starts of services that failed for their account within 30 days.
    function FailedStarts {
        $filter = @{
            LogName = 'System'
            ProviderName = 'Service Control Manager'
            Id = 7038, 7041
            StartTime = (Get-Date).AddDays(-30)
        }
        try { $events = @(Get-WinEvent -FilterHashtable $filter) }
        catch {
            if ($_.FullyQualifiedErrorId -like 'NoMatchingEventsFound*') { return }
            throw
        }
        $services = @(Get-CimInstance -ClassName Win32_Service -Filter "Name LIKE 'SSISScaleOut%'")
        foreach ($one in $events) {
            # The event may say either name of the service.
            $name = [string] $one.Properties[0].Value
            foreach ($service in $services) { if ($service.DisplayName -eq $name) { $name = $service.Name } }
            [ordered]@{ event = [int] $one.Id; at = Moment $one.TimeCreated; service = $name }
        }
    }
}

# What is looked at on a node. $Argument: addresses that the cluster moves, and that are not the node's own.
$node = {
    function MasterPort {
        $port = Setting 'SSISScaleOutMaster' 'MasterSettings.config' 'PortNumber'
        if ($null -eq $port) { return 8391 }
        [int] $port
    }

    function HasPort($Filter, [int] $Port) {
        if ($Filter.Protocol -ne 'TCP' -and $Filter.Protocol -ne 'Any') { return $false }
        foreach ($range in @($Filter.LocalPort)) {
            $ends = ([string] $range).Split('-')
            $first = 0
            $last = 0
            $isNumber = [int]::TryParse($ends[0], [ref] $first) -and [int]::TryParse($ends[-1], [ref] $last)
            if ($isNumber -and $first -le $Port -and $Port -le $last) { return $true }
        }
        $false
    }

    function ProfilesOf($Rule) {
        foreach ($one in ([string] $Rule.Profile).Split(',')) { $one.Trim() }
    }

    function FirewallSeen {
        $port = MasterPort
        $on = @(
            foreach ($one in (Get-NetFirewallProfile -PolicyStore ActiveStore)) {
                if ([string] $one.Enabled -eq 'True') { [string] $one.Name }
            }
        )
        $connected = @(
            foreach ($one in (Get-NetConnectionProfile)) {
                ([string] $one.NetworkCategory).Replace('DomainAuthenticated', 'Domain')
            }
        )
        $open = @(
            foreach ($filter in (Get-NetFirewallPortFilter -PolicyStore ActiveStore)) {
                if (HasPort $filter $port) {
                    foreach ($rule in (Get-NetFirewallRule -AssociatedNetFirewallPortFilter $filter)) {
                        $counts = [string] $rule.Enabled -eq 'True' -and [string] $rule.Direction -eq 'Inbound' -and
                            [string] $rule.Action -eq 'Allow'
                        if ($counts) {
                            [ordered]@{ name = [string] $rule.DisplayName; profiles = @(ProfilesOf $rule) }
                        }
                    }
                }
            }
        )
        [ordered]@{ on = $on; connected = @($connected | Sort-Object -Unique); open = $open }
    }

    # Rules that keep TCP at the master's port out. HTTP.SYS listens for the master: it is no program of its own.
    function FirewallBlocks {
        $port = MasterPort
        foreach ($rule in (Get-NetFirewallRule -PolicyStore ActiveStore)) {
            $counts = [string] $rule.Enabled -eq 'True' -and [string] $rule.Direction -eq 'Inbound' -and
                [string] $rule.Action -eq 'Block'
            if (-not $counts) { continue }
            $filter = Get-NetFirewallPortFilter -AssociatedNetFirewallRule $rule
            $isAny = @('TCP', 'Any') -contains $filter.Protocol -and @($filter.LocalPort) -contains 'Any'
            $program = [string] (Get-NetFirewallApplicationFilter -AssociatedNetFirewallRule $rule).Program
            if (@('Any', 'System') -contains $program -and ($isAny -or (HasPort $filter $port))) {
                $addresses = @((Get-NetFirewallAddressFilter -AssociatedNetFirewallRule $rule).RemoteAddress)
                [ordered]@{
                    name = [string] $rule.DisplayName
                    profiles = @(ProfilesOf $rule)
                    from = @(foreach ($one in $addresses) { [string] $one })
                }
            }
        }
    }

    # What netsh prints, in the language of Windows. Without a success nobody has looked.
    function HttpSys([string] $What) {
        $lines = @(netsh.exe http show $What)
        if ($LASTEXITCODE -ne 0) { throw ($lines -join ' ').Trim() }
        $lines -join "`n"
    }

    function MasterVersion {
        $base = 'HKLM:\SOFTWARE\Microsoft\Microsoft SQL Server'
        $found = $null
        foreach ($one in (Get-ChildItem -LiteralPath $base)) {
            $key = Join-Path -Path $one.PSPath -ChildPath 'DTS\Setup\SQL_IS_Master'
            if (Test-Path -LiteralPath $key) { $found = [string] (Get-ItemProperty -LiteralPath $key).Version }
        }
        $found
    }

    function Schannel {
        $values = [ordered]@{}
        $key = 'HKLM:\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL'
        $properties = (Get-ItemProperty -LiteralPath $key).PSObject.Properties
        foreach ($name in 'ClientAuthTrustMode', 'SendTrustedIssuerList') {
            if ($null -ne $properties[$name]) { $values[$name] = [int] $properties[$name].Value }
        }
        $values
    }

    function Listeners {
        $port = MasterPort
        foreach ($one in (Get-NetTCPConnection -State Listen | Where-Object { $_.LocalPort -eq $port })) {
            (Get-Process -Id $one.OwningProcess).ProcessName
        }
    }

    # Logins of a replica: no part of the databases that its group moves.
    function Logins {
        $filter = 'Name = ''MSSQLSERVER'' OR Name LIKE ''MSSQL$%'''
        $running = @(Get-CimInstance -ClassName Win32_Service -Filter $filter | Where-Object { $_.State -eq 'Running' })
        if ($running.Count -eq 0) { throw 'no instance of SQL Server runs here' }
        $text = "SELECT name FROM sys.server_principals WHERE type = 'U' OR name = N'##MS_SSISLogDBWorkerAgentLogin##'"
        foreach ($one in $running) {
            $instance = 'localhost'
            if ($one.Name -ne 'MSSQLSERVER') { $instance = 'localhost\' + $one.Name.Substring(6) }
            foreach ($row in @(Query $instance 'master' $text)) { [string] $row[0] }
        }
    }

    $moved = $Argument.Split(',')
    Json ([ordered]@{
        name = $Name
        addresses = LookAll {
            foreach ($one in (Get-NetIPAddress)) {
                # 169.254: the cluster's own virtual adapter.
                $isOwn = [string] $one.PrefixOrigin -ne 'WellKnown' -and $moved -notcontains $one.IPAddress
                if ($isOwn -and $one.IPAddress -notlike '169.254.*') { $one.IPAddress }
            }
        }
        features = LookAll {
            foreach ($one in (Get-WindowsFeature -Name 'Failover-Clustering', 'RSAT-Clustering-PowerShell')) {
                if ($one.Installed) { $one.Name }
            }
        }
        services = LookAll { Services }
        master_version = Look { MasterVersion }
        master_settings = Look { Settings 'SSISScaleOutMaster' 'MasterSettings.config' }
        root = LookAll { Certificates 'Cert:\LocalMachine\Root' }
        my = LookAll { Certificates 'Cert:\LocalMachine\My' }
        user_root = LookAll {
            foreach ($one in (Get-ChildItem -LiteralPath 'Cert:\CurrentUser\Root')) { $one.Thumbprint }
        }
        sslcert = Look { HttpSys 'sslcert' }
        urlacl = Look { HttpSys 'urlacl' }
        schannel = Look { Schannel }
        firewall = Look { FirewallSeen }
        firewall_blocks = LookAll { FirewallBlocks }
        listeners = LookAll { Listeners | Sort-Object -Unique }
        failed_starts = LookAll { FailedStarts }
        logins = LookAll { Logins | Sort-Object -Unique }
    })
}
$nodeItems = 'addresses', 'features', 'services', 'master_version', 'master_settings', 'root', 'my', 'user_root',
    'sslcert', 'urlacl', 'schannel', 'firewall', 'firewall_blocks', 'listeners', 'failed_starts', 'logins'

# What is looked at on a worker. $Argument is not used.
$workerMachine = {
    function OwnCertificate {
        $thumbprint = Setting 'SSISScaleOutWorker' 'WorkerSettings.config' 'WorkerHttpsCertThumbprint'
        $digits = ([string] $thumbprint) -replace '[^0-9A-Fa-f]', ''
        Get-Item -LiteralPath ('Cert:\LocalMachine\My\' + $digits.ToUpperInvariant())
    }

    # Who may read the file of the private key.
    function KeyReaders {
        $key = KeyOf (OwnCertificate)
        $base = Join-Path -Path $env:ProgramData -ChildPath 'Microsoft\Crypto'
        if ($null -ne $key.PSObject.Properties['Key']) {
            $names = @("Keys\$($key.Key.UniqueName)", "RSA\MachineKeys\$($key.Key.UniqueName)")
        }
        else { $names = @("RSA\MachineKeys\$($key.CspKeyContainerInfo.UniqueKeyContainerName)") }
        foreach ($file in $names) {
            $path = Join-Path -Path $base -ChildPath $file
            if (Test-Path -LiteralPath $path) {
                foreach ($rule in (Get-Acl -LiteralPath $path).Access) {
                    $read = [System.Security.AccessControl.FileSystemRights]::Read
                    $isRead = ($rule.FileSystemRights -band $read) -eq $read
                    if ([string] $rule.AccessControlType -eq 'Allow' -and $isRead) { $rule.IdentityReference.Value }
                }
                return
            }
        }
        throw 'the file of the private key was not found: it may be in a hardware module'
    }

    function ResolvedAddresses {
        $endpoint = [uri] (Setting 'SSISScaleOutWorker' 'WorkerSettings.config' 'MasterEndpoint')
        $parsed = $null
        if ([System.Net.IPAddress]::TryParse($endpoint.Host, [ref] $parsed)) { return $endpoint.Host }
        foreach ($one in (Resolve-DnsName -Name $endpoint.Host)) {
            if ($null -ne $one.PSObject.Properties['IPAddress']) { $one.IPAddress }
        }
    }

    function HostsFile {
        $path = Join-Path -Path $env:SystemRoot -ChildPath 'System32\drivers\etc\hosts'
        foreach ($line in [System.IO.File]::ReadAllLines($path)) {
            $text = $line.Split('#')[0].Trim()
            if ($text -ne '') { $text }
        }
    }

    # The proxy that the account of the service has in its own part of the registry.
    function Proxy {
        $filter = "Name LIKE 'SSISScaleOutWorker%'"
        $service = Get-CimInstance -ClassName Win32_Service -Filter $filter | Select-Object -Last 1
        if ($null -eq $service) { throw 'there is no Scale Out Worker here' }
        $account = ([string] $service.StartName).Replace('.\', "$env:COMPUTERNAME\").Replace('LocalSystem', 'S-1-5-18')
        if ($account -eq 'S-1-5-18') { $sid = $account }
        else {
            $principal = New-Object System.Security.Principal.NTAccount $account
            $sid = $principal.Translate([System.Security.Principal.SecurityIdentifier]).Value
        }
        $base = "Registry::HKEY_USERS\$sid"
        if (-not (Test-Path -LiteralPath $base)) { throw "the profile of $account is not loaded" }
        $key = "$base\Software\Microsoft\Windows\CurrentVersion\Internet Settings"
        if (-not (Test-Path -LiteralPath $key)) { return $null }
        $properties = (Get-ItemProperty -LiteralPath $key).PSObject.Properties
        $isOn = $null -ne $properties['ProxyEnable'] -and $properties['ProxyEnable'].Value -ne 0
        $server = $null
        $exceptions = ''
        $script = $null
        if ($isOn -and $null -ne $properties['ProxyServer']) { $server = [string] $properties['ProxyServer'].Value }
        if ($null -ne $properties['ProxyOverride']) { $exceptions = [string] $properties['ProxyOverride'].Value }
        if ($null -ne $properties['AutoConfigURL']) { $script = [string] $properties['AutoConfigURL'].Value }
        if ($null -eq $server -and $null -eq $script) { return $null }
        [ordered]@{
            server = $server
            bypass = @(foreach ($one in $exceptions.Split(';')) { if ($one.Trim() -ne '') { $one.Trim() } })
            script = $script
        }
    }

    Json ([ordered]@{
        name = $Name
        services = LookAll { Services }
        worker_settings = Look { Settings 'SSISScaleOutWorker' 'WorkerSettings.config' }
        root = LookAll { Certificates 'Cert:\LocalMachine\Root' }
        my = LookAll { Certificates 'Cert:\LocalMachine\My' }
        key_readers = LookAll { KeyReaders | Sort-Object -Unique }
        resolved = LookAll { ResolvedAddresses }
        hosts_file = LookAll { HostsFile }
        proxy = Look { Proxy }
        failed_starts = LookAll { FailedStarts }
    })
}
$workerItems = 'services', 'worker_settings', 'root', 'my', 'key_readers', 'resolved', 'hosts_file', 'proxy',
    'failed_starts'

. $shared

# Runs a part on a machine and gives the JSON that it prints; where it cannot, each item says why.
function Ask([string] $Machine, [scriptblock] $Part, [string] $Argument, [string[]] $Items) {
    # Only this script's own text is put together; what differs from machine to machine travels as arguments.
    $text = 'param([string] $Name, [string] $Argument)' + "`n" + $shared.ToString() + "`n" + $Part.ToString()
    $block = [scriptblock]::Create($text)
    try {
        if ($Machine -eq $env:COMPUTERNAME) { return [string] (& $block $Machine $Argument) }
        return [string] (Invoke-Command -ComputerName $Machine -ScriptBlock $block -ArgumentList $Machine, $Argument)
    }
    catch {
        $told = [ordered]@{ name = $Machine }
        foreach ($item in $Items) { $told[$item] = [ordered]@{ could_not_look = [string] $_.Exception.Message } }
        return (Json $told)
    }
}

function ClusterProperties {
    $found = Get-Cluster -Name $Cluster
    $values = [ordered]@{}
    foreach ($name in 'ClusterFunctionalLevel', 'SameSubnetDelay', 'SameSubnetThreshold', 'CrossSubnetDelay',
        'CrossSubnetThreshold', 'QuarantineThreshold', 'QuarantineDuration', 'ResiliencyLevel',
        'ResiliencyDefaultPeriod') {
        $property = $found.PSObject.Properties[$name]
        if ($null -ne $property) { $values[$name] = [string] [int64] $property.Value }
    }
    $values
}

function ClusterNodes {
    foreach ($one in (Get-ClusterNode -Cluster $Cluster)) {
        [ordered]@{
            name = $one.Name
            state = [string] $one.State
            node_weight = [int] $one.NodeWeight
            build = [int] $one.BuildNumber
        }
    }
}

function ClusterWitness {
    $resource = (Get-ClusterQuorum -Cluster $Cluster).QuorumResource
    if ($null -eq $resource) { return $null }
    [ordered]@{ name = $resource.Name; kind = $resource.ResourceType.Name; state = [string] $resource.State }
}

function ClusterRoles {
    foreach ($one in (Get-ClusterGroup -Cluster $Cluster)) {
        if (-not $one.IsCoreGroup) {
            $owners = (Get-ClusterOwnerNode -Cluster $Cluster -Group $one.Name).OwnerNodes
            $properties = [ordered]@{}
            foreach ($name in 'AutoFailbackType', 'FailbackWindowStart', 'FailbackWindowEnd', 'FailoverPeriod',
                'FailoverThreshold', 'Priority') {
                $property = $one.PSObject.Properties[$name]
                if ($null -ne $property) { $properties[$name] = [string] [int64] $property.Value }
            }
            [ordered]@{
                name = $one.Name
                state = [string] $one.State
                owner = $one.OwnerNode.Name
                preferred_owners = @(foreach ($node in $owners) { $node.Name })
                properties = $properties
            }
        }
    }
}

function ClusterResources {
    foreach ($one in (Get-ClusterResource -Cluster $Cluster)) {
        $parameters = [ordered]@{}
        foreach ($parameter in (Get-ClusterParameter -InputObject $one)) {
            if ('ServiceName', 'DnsName', 'Address', 'VirtualServerName', 'InstanceName', 'HostRecordTTL',
                'RegisterAllProvidersIP', 'HealthCheckTimeout', 'FailureConditionLevel' -contains $parameter.Name) {
                $parameters[$parameter.Name] = [string] $parameter.Value
            }
        }
        $properties = [ordered]@{}
        foreach ($name in 'RestartAction', 'RestartThreshold', 'RestartPeriod', 'RestartDelay',
            'RetryPeriodOnFailure', 'LooksAlivePollInterval', 'PendingTimeout', 'DeadlockTimeout') {
            $property = $one.PSObject.Properties[$name]
            if ($null -ne $property) { $properties[$name] = [string] [int64] $property.Value }
        }
        $owners = (Get-ClusterOwnerNode -Cluster $Cluster -Resource $one.Name).OwnerNodes
        $dependency = Get-ClusterResourceDependency -Cluster $Cluster -Resource $one.Name
        [ordered]@{
            name = $one.Name
            kind = $one.ResourceType.Name
            role = $one.OwnerGroup.Name
            state = [string] $one.State
            dependency = [string] $dependency.DependencyExpression
            possible_owners = @(foreach ($node in $owners) { $node.Name })
            parameters = $parameters
            properties = $properties
        }
    }
}

function MasterProperties([string] $Server) {
    $values = [ordered]@{}
    foreach ($row in @(Query $Server 'SSISDB' $queries.properties)) { $values[[string] $row[0]] = [string] $row[1] }
    $values
}

$queries = @{
    mode = "SELECT CONVERT(int, SERVERPROPERTY('IsIntegratedSecurityOnly'))"
    properties = "SELECT property_name, CONVERT(nvarchar(4000), property_value) FROM catalog.master_properties " +
        "WHERE property_name IN (N'MACHINE_NAME', N'MASTER_ADDRESS', N'MASTER_SERVICE_PORT', N'SSLCERT_THUMBPRINT', " +
        "N'LAST_ONLINE_TIME', N'IS_SCALEOUT_ENABLED', N'CLUSTER_LOGDB_SERVER')"
    workers = "SELECT MachineName, IsEnabled FROM catalog.worker_agents ORDER BY MachineName"
    admins = "SELECT SUSER_SNAME(u.sid) FROM sys.database_role_members m " +
        "JOIN sys.database_principals r ON r.principal_id = m.role_principal_id " +
        "JOIN sys.database_principals u ON u.principal_id = m.member_principal_id " +
        "WHERE r.name = N'ssis_admin' AND SUSER_SNAME(u.sid) IS NOT NULL " +
        "UNION SELECT l.name FROM sys.server_role_members m " +
        "JOIN sys.server_principals r ON r.principal_id = m.role_principal_id " +
        "JOIN sys.server_principals l ON l.principal_id = m.member_principal_id WHERE r.name = N'sysadmin'"
}

$clusterSeen = [ordered]@{
    properties = Look { ClusterProperties }
    nodes = LookAll { ClusterNodes }
    witness = Look { ClusterWitness }
    roles = LookAll { ClusterRoles }
    resources = LookAll { ClusterResources }
}

# The instance by its network name, or the listener of an availability group, and the addresses that the cluster moves.
$server = $null
$group = $null
$moved = @()
if ($clusterSeen.resources.Contains('seen')) {
    foreach ($one in $clusterSeen.resources.seen) {
        if ($one.kind -eq 'IP Address') { $moved += [string] $one.parameters['Address'] }
        if ($one.kind -eq 'SQL Server' -and $one.parameters.Contains('VirtualServerName')) {
            $server = $one.parameters['VirtualServerName']
            $instance = [string] $one.parameters['InstanceName']
            if ($instance -ne '' -and $instance -ne 'MSSQLSERVER') { $server = "$server\$instance" }
        }
        if ($one.kind -eq 'SQL Server Availability Group') { $group = $one.role }
    }
    foreach ($one in $clusterSeen.resources.seen) {
        if ($null -eq $server -and $one.kind -eq 'Network Name' -and $one.role -eq $group) {
            $server = $one.parameters['DnsName']
        }
    }
}
if ($SqlServer -ne '') { $server = $SqlServer }

$ssisdb = [ordered]@{
    windows_authentication_only = Look {
        if ($null -eq $server) { throw 'the network name of the instance was not seen' }
        [int] (@(Query $server 'SSISDB' $queries.mode)[0][0]) -eq 1
    }
    master_properties = Look {
        if ($null -eq $server) { throw 'the network name of the instance was not seen' }
        MasterProperties $server
    }
    worker_agents = LookAll {
        if ($null -eq $server) { throw 'the network name of the instance was not seen' }
        foreach ($row in @(Query $server 'SSISDB' $queries.workers)) {
            [ordered]@{ machine = [string] $row[0]; enabled = [bool] $row[1] }
        }
    }
    admins = LookAll {
        if ($null -eq $server) { throw 'the network name of the instance was not seen' }
        foreach ($row in @(Query $server 'SSISDB' $queries.admins)) { [string] $row[0] }
    }
}

# -File passes a list as one text.
$workers = @(foreach ($one in $Worker) { $one.Split(',') })
if ($workers.Count -eq 0 -and $ssisdb.worker_agents.Contains('seen')) {
    $workers = @(foreach ($one in $ssisdb.worker_agents.seen) { $one.machine })
}
$nodes = @()
if ($clusterSeen.nodes.Contains('seen')) { $nodes = @(foreach ($one in $clusterSeen.nodes.seen) { $one.name }) }

$nodeTexts = @(foreach ($one in $nodes) { Ask $one $node ($moved -join ',') $nodeItems })
$workerTexts = @(foreach ($one in $workers) { Ask $one $workerMachine '' $workerItems })

$parts = @(
    '{"snapshot":1,"collected_at":' + (Json (Moment (Get-Date))) + ',"collected_by":"collect.ps1",'
    '"cluster":' + (Json $clusterSeen) + ','
    '"nodes":[' + ($nodeTexts -join ",`n") + '],'
    '"workers":[' + ($workerTexts -join ",`n") + '],'
    '"ssisdb":' + (Json $ssisdb) + '}'
)
if ($OutFile -eq '-') { return ($parts -join "`n") }
$path = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($OutFile)
[System.IO.File]::WriteAllText($path, ($parts -join "`n") + "`n", [System.Text.Encoding]::ASCII)
