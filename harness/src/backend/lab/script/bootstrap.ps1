$ErrorActionPreference = 'Stop'
$mode = $ExecutionContext.SessionState.LanguageMode
if ($mode -ne 'FullLanguage') { "the language mode is $mode, expected FullLanguage"; exit 3 }
$in = [System.Console]::OpenStandardInput()
$length = 0
while (($byte = $in.ReadByte()) -ne 10) {
    if ($byte -lt 48 -or $byte -gt 57) { 'the input does not begin with a length'; exit 4 }
    $length = $length * 10 + $byte - 48
}
$script = New-Object byte[] $length
$at = 0
while ($at -lt $length) {
    $count = $in.Read($script, $at, $length - $at)
    if ($count -le 0) { 'the input ended within the script'; exit 5 }
    $at += $count
}
& ([scriptblock]::Create([System.Text.Encoding]::ASCII.GetString($script))) $in
