# Installs the application: unpacks a .zip below C:\sites and points a site at it, or runs an .msi.
#
# APPLICATION_NAME, APPLICATION_VERSION, APPLICATION_PORT
# APPLICATION_PACKAGE_URL     https:// or s3://, ends in .zip or .msi; empty: no application
# APPLICATION_PACKAGE_SHA256  its SHA-256
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version Latest
trap { Write-Host "FAILED: $_"; Write-Host $_.ScriptStackTrace; exit 1 }
Import-Module -Name 'C:\packleader\scripts\Packleader.psm1' -Force
Import-Module -Name WebAdministration

@{
    name    = $env:APPLICATION_NAME
    version = $env:APPLICATION_VERSION
    package = "$env:APPLICATION_PACKAGE_URL"
    sha256  = "$env:APPLICATION_PACKAGE_SHA256"
} | ConvertTo-Json | Set-Content -Path 'C:\packleader\application.json'

if ("$env:APPLICATION_PACKAGE_URL" -eq '') {
    Write-Host 'No application is asked for.'
    exit 0
}

$extension = [IO.Path]::GetExtension($env:APPLICATION_PACKAGE_URL)
$package = "$env:TEMP\application$extension"
Get-VerifiedFile -Url $env:APPLICATION_PACKAGE_URL -Path $package -Digest $env:APPLICATION_PACKAGE_SHA256
if ($extension -eq '.msi') {
    Install-Msi -Path $package
} else {
    $target = "C:\sites\$env:APPLICATION_NAME\$env:APPLICATION_VERSION"
    New-Item -Path $target -ItemType Directory -Force | Out-Null
    Expand-Archive -Path $package -DestinationPath $target -Force
    New-WebAppPool -Name $env:APPLICATION_NAME | Out-Null
    New-Website -Name $env:APPLICATION_NAME -Port ([int] $env:APPLICATION_PORT) -PhysicalPath $target `
        -ApplicationPool $env:APPLICATION_NAME | Out-Null
    New-NetFirewallRule -Name "site-$env:APPLICATION_NAME" -DisplayName "Site $env:APPLICATION_NAME" `
        -Direction Inbound -Protocol TCP -LocalPort ([int] $env:APPLICATION_PORT) -Action Allow | Out-Null
}
Remove-Item -Path $package
exit 0
