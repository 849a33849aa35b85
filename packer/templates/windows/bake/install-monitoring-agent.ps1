# Installs the CloudWatch agent and leaves it stopped: its configuration is the business of the instance's role.
#
# MONITORING_AGENT         amazon-cloudwatch-agent or none
# MONITORING_AGENT_URL     the agent's .msi
# MONITORING_AGENT_SHA256  its SHA-256; empty: the signature by Amazon is checked instead
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version Latest
trap { Write-Host "FAILED: $_"; Write-Host $_.ScriptStackTrace; exit 1 }
Import-Module -Name 'C:\packleader\scripts\Packleader.psm1' -Force

if ($env:MONITORING_AGENT -eq 'none') {
    Write-Host 'No monitoring agent is asked for.'
    exit 0
}
$package = "$env:TEMP\amazon-cloudwatch-agent.msi"
Get-VerifiedFile -Url $env:MONITORING_AGENT_URL -Path $package -Digest $env:MONITORING_AGENT_SHA256 -Publisher 'Amazon'
Install-Msi -Path $package
Remove-Item -Path $package
Get-Service -Name AmazonCloudWatchAgent | Stop-Service -PassThru | Set-Service -StartupType Manual
exit 0
