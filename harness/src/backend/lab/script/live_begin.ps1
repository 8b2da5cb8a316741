param($in)
$bytes = New-Object System.IO.MemoryStream
while (($byte = $in.ReadByte()) -gt 10) { $bytes.WriteByte($byte) }
$said = ConvertFrom-Json -InputObject ([System.Text.Encoding]::ASCII.GetString($bytes.ToArray()))
& {
