# Removes what the bake left behind. The way in that it uses is removed by the first start of an instance.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version Latest
trap { Write-Host "FAILED: $_"; Write-Host $_.ScriptStackTrace; exit 1 }
Import-Module -Name 'C:\packleader\scripts\Packleader.psm1' -Force

# What is in use stays; Packer's own script is.
foreach ($directory in @("$env:SystemRoot\Temp", $env:TEMP, "$env:SystemRoot\SoftwareDistribution\Download")) {
    Get-ChildItem -Path $directory -Force -ErrorAction SilentlyContinue |
        Where-Object { $_.Name -notlike 'packer-*' -and $_.Name -notlike 'script-*' } |
        Remove-Item -Recurse -Force -ErrorAction SilentlyContinue
}
foreach ($file in @('metadata.json', 'provision.json')) {
    Remove-Item -Path "C:\packleader\$file" -Force -ErrorAction SilentlyContinue
}
Remove-Item -Path 'C:\packleader\registered-*', 'C:\packleader\logs\*' -Force -ErrorAction SilentlyContinue
$history = "$env:APPDATA\Microsoft\Windows\PowerShell\PSReadLine\ConsoleHost_history.txt"
Remove-Item -Path $history -Force -ErrorAction SilentlyContinue
Clear-RecycleBin -Force -ErrorAction SilentlyContinue

Invoke-Program -Path "$env:SystemRoot\System32\Dism.exe" -TimeoutSeconds 3600 `
    -Arguments @('/Online', '/Cleanup-Image', '/StartComponentCleanup', '/Quiet') -Hint 'See C:\Windows\Logs\DISM\dism.log.' | Out-Null
foreach ($log in @('Application', 'Security', 'System')) {
    Invoke-Program -Path "$env:SystemRoot\System32\wevtutil.exe" -Arguments @('clear-log', $log) | Out-Null
}
exit 0
