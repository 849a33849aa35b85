# Runs once, when an instance of the image sets itself up: removes the way in that the bake used. The certificate names
# it, so that a builder of another image on this one, which opens its own, is left alone.
param([Parameter(Mandatory)] [ValidatePattern('^[0-9A-F]{40}$')] [string] $Thumbprint)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version Latest

Remove-NetFirewallRule -Name "packleader-winrm-$Thumbprint" -ErrorAction SilentlyContinue
foreach ($listener in @(Get-ChildItem -Path WSMan:\localhost\Listener)) {
    $used = Get-ChildItem -Path "WSMan:\localhost\Listener\$($listener.Name)" |
        Where-Object { $_.Name -eq 'CertificateThumbprint' }
    if ($used -and $used.Value -eq $Thumbprint) { Remove-Item -Path "WSMan:\localhost\Listener\$($listener.Name)" -Recurse -Force }
}
if (Test-Path -Path "Cert:\LocalMachine\My\$Thumbprint") {
    Remove-Item -Path "Cert:\LocalMachine\My\$Thumbprint" -DeleteKey
}
Remove-Item -Path "$env:SystemRoot\Setup\Scripts\SetupComplete.cmd" -Force -ErrorAction SilentlyContinue
exit 0
