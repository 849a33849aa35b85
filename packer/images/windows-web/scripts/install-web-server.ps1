# Installs IIS and ASP.NET, and the hosting bundle of a newer .NET where one is given.
#
# DOTNET_HOSTING_BUNDLE_URL     the installer (.exe); empty: .NET Framework only
# DOTNET_HOSTING_BUNDLE_SHA256  its SHA-256; empty: the signature by Microsoft is checked instead
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version Latest
trap { Write-Host "FAILED: $_"; Write-Host $_.ScriptStackTrace; exit 1 }
Import-Module -Name 'C:\packleader\scripts\Packleader.psm1' -Force

$features = @(
    'Web-Default-Doc', 'Web-Http-Errors', 'Web-Static-Content', 'Web-Http-Logging', 'Web-Stat-Compression',
    'Web-Dyn-Compression', 'Web-Filtering', 'Web-Asp-Net45', 'Web-WebSockets', 'Web-Mgmt-Service', 'Web-Scripting-Tools',
    'NET-Framework-45-ASPNET')
$result = Install-WindowsFeature -Name $features
if (-not $result.Success) { throw "Installing the features of IIS ended with $($result.ExitCode)." }

if ("$env:DOTNET_HOSTING_BUNDLE_URL" -ne '') {
    $installer = "$env:TEMP\dotnet-hosting.exe"
    Get-VerifiedFile -Url $env:DOTNET_HOSTING_BUNDLE_URL -Path $installer -Digest $env:DOTNET_HOSTING_BUNDLE_SHA256 `
        -Publisher 'Microsoft Corporation'
    # 3010: a restart is needed, which the bake makes anyway.
    Invoke-Program -Path $installer -Arguments @('/install', '/quiet', '/norestart', '/log', 'C:\packleader\logs\dotnet-hosting.log') `
        -SuccessCodes @(0, 3010) -Hint 'See C:\packleader\logs\dotnet-hosting.log.' | Out-Null
    Remove-Item -Path $installer
}

# The default site answers with a page that names the server.
Import-Module -Name WebAdministration
if (Get-Website -Name 'Default Web Site') { Remove-Website -Name 'Default Web Site' }
Set-Service -Name W3SVC -StartupType Automatic
exit 0
