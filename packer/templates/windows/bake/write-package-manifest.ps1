# Writes what is installed (programs, updates, features), one a line: name, version, kind; sorted, and the SHA-256.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version Latest
trap { Write-Host "FAILED: $_"; Write-Host $_.ScriptStackTrace; exit 1 }
Import-Module -Name 'C:\packleader\scripts\Packleader.psm1' -Force

$lines = New-Object 'System.Collections.Generic.SortedSet[string]' ([StringComparer]::Ordinal)
foreach ($root in @('HKLM:\SOFTWARE', 'HKLM:\SOFTWARE\WOW6432Node')) {
    foreach ($program in @(Get-ItemProperty -Path "$root\Microsoft\Windows\CurrentVersion\Uninstall\*")) {
        $name = Get-Optional $program 'DisplayName'
        if ($name) { $null = $lines.Add(("{0}`t{1}`tprogram" -f $name, (Get-Optional $program 'DisplayVersion' '-'))) }
    }
}
foreach ($update in @(Get-HotFix)) { $null = $lines.Add(("{0}`t-`tupdate" -f $update.HotFixID)) }
foreach ($feature in @(Get-WindowsFeature | Where-Object { $_.Installed })) {
    $null = $lines.Add(("{0}`t-`tfeature" -f $feature.Name))
}
$null = $lines.Add(("Windows`t{0}`toperating-system" -f [Environment]::OSVersion.Version))
if ($lines.Count -lt 20) { throw "Only $($lines.Count) things are installed: that cannot be right." }

# Without a byte order mark and with the line ends of sha256sum, so that it can be checked anywhere.
$manifest = 'C:\packleader\package-manifest.tsv'
$encoding = New-Object System.Text.UTF8Encoding $false
[IO.File]::WriteAllText($manifest, (($lines -join "`n") + "`n"), $encoding)
$digest = (Get-FileHash -Path $manifest -Algorithm SHA256).Hash.ToLower()
[IO.File]::WriteAllText("$manifest.sha256", "$digest  package-manifest.tsv`n", $encoding)
Write-Host "$($lines.Count) packages, sha256 $digest"
exit 0
