# Runs in a package, on one line between quotes: neither double quotes nor backslashes, and a semicolon after each statement.
# It ends with the process that started it, so that a package that was ended does not seem to run on.
param([long] $Execution, [int] $Seconds);
$ErrorActionPreference = 'Stop';
$folder = [System.IO.Path]::Combine($env:ProgramData, 'failover-lab');
[void] [System.IO.Directory]::CreateDirectory($folder);
$file = [System.IO.Path]::Combine($folder, 'witness.txt');
$parent = [int] (Get-CimInstance -ClassName Win32_Process -Filter ('ProcessId = ' + $PID)).ParentProcessId;
function Say([string] $Word) {
    $words = @($Word, $Execution, $env:COMPUTERNAME, [datetime]::UtcNow.Ticks, $PID);
    $line = [string]::Join(' ', $words) + [char] 10;
    for ($left = 50; $left -ge 0; $left--) {
        try { [System.IO.File]::AppendAllText($file, $line); return; }
        catch { if ($left -eq 0) { throw; } Start-Sleep -Milliseconds 100; }
    }
}
Say 'start';
$watch = [System.Diagnostics.Stopwatch]::StartNew();
while ($watch.Elapsed.TotalSeconds -lt $Seconds) {
    if ($null -eq (Get-Process -Id $parent -ErrorAction SilentlyContinue)) { exit 1; }
    Start-Sleep -Milliseconds 250;
}
Say 'end';
