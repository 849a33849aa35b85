# Waits for the builder's user data to have finished, and fails if it failed.
#
# SIGNAL_TIMEOUT_SECONDS  how long at most
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version Latest
trap { Write-Host "FAILED: $_"; exit 1 }

$signal = 'C:\packleader\builder.signal'
$log = 'C:\packleader\builder.log'
$where = "Look at $log, at C:\ProgramData\Amazon\EC2Launch\log\agent.log, or at the instance's console output."

$deadline = (Get-Date).AddSeconds([int] $env:SIGNAL_TIMEOUT_SECONDS)
while (-not (Test-Path -Path $signal)) {
    if ((Get-Date) -gt $deadline) {
        if (Test-Path -Path $log) { Get-Content -Path $log }
        throw "The user data has not finished after $env:SIGNAL_TIMEOUT_SECONDS seconds. $where"
    }
    Start-Sleep -Seconds 2
}

$value = (Get-Content -Path $signal -Raw).Trim()
if ($value -ne '0') {
    if (Test-Path -Path $log) { Get-Content -Path $log }
    throw "The user data ended with $value. $where"
}
Write-Host 'The builder is ready.'
exit 0
