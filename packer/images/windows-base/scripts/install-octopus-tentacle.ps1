# Installs the Octopus Tentacle and does not configure it: its configuration holds a certificate, which every instance
# must make for itself (see instance/scripts/boot.d/10-register-octopus-tentacle.ps1).
#
# OCTOPUS_TENTACLE_VERSION  such as 8.2.2
# OCTOPUS_TENTACLE_URL      where the .msi is
# OCTOPUS_TENTACLE_SHA256   its SHA-256; empty: the signature by Octopus Deploy is checked instead
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version Latest
trap { Write-Host "FAILED: $_"; Write-Host $_.ScriptStackTrace; exit 1 }
Import-Module -Name 'C:\packleader\scripts\Packleader.psm1' -Force

$package = "$env:TEMP\Octopus.Tentacle.$env:OCTOPUS_TENTACLE_VERSION.msi"
Get-VerifiedFile -Url $env:OCTOPUS_TENTACLE_URL -Path $package -Digest $env:OCTOPUS_TENTACLE_SHA256 -Publisher 'Octopus Deploy'
Install-Msi -Path $package
Remove-Item -Path $package

$tentacle = 'C:\Program Files\Octopus Deploy\Tentacle\Tentacle.exe'
if (-not (Test-Path -Path $tentacle)) { throw "The installer succeeded, and there is no $tentacle." }
$installed = (Get-Item -Path $tentacle).VersionInfo.ProductVersion
if (-not $installed.StartsWith($env:OCTOPUS_TENTACLE_VERSION)) {
    throw "The Tentacle is version $installed, not $env:OCTOPUS_TENTACLE_VERSION."
}
exit 0
