# Makes Windows ready to be an image: resets EC2Launch v2, so that every instance gets a password of its own, and runs
# sysprep, which shuts the builder down. Packer waits for that.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version Latest
trap {
    Write-Host "FAILED: $_"
    foreach ($log in @("$env:SystemRoot\System32\Sysprep\Panther\setuperr.log", "$env:ProgramData\Amazon\EC2Launch\log\error.log")) {
        if (Test-Path -Path $log) { Write-Host "--- $log"; Get-Content -Path $log -Tail 40 | Write-Host }
    }
    exit 1
}
Import-Module -Name 'C:\packleader\scripts\Packleader.psm1' -Force

# Windows runs this once, when an instance has set itself up, before anyone can log in.
$thumbprint = (Get-Content -Path 'C:\packleader\builder-certificate.txt' -Raw).Trim()
if ($thumbprint -cnotmatch '^[0-9A-F]{40}$') { throw "builder-certificate.txt holds no thumbprint: $thumbprint" }
$directory = "$env:SystemRoot\Setup\Scripts"
New-Item -Path $directory -ItemType Directory -Force | Out-Null
Set-Content -Path "$directory\SetupComplete.cmd" -Encoding Ascii -Value (
    'powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File C:\packleader\scripts\close-winrm.ps1 -Thumbprint ' + $thumbprint)
Remove-Item -Path 'C:\packleader\builder.*', 'C:\packleader\builder-certificate.txt' -Force

$agent = "$env:ProgramFiles\Amazon\EC2Launch\EC2Launch.exe"
$hint = "Look at C:\Windows\System32\Sysprep\Panther and $env:ProgramData\Amazon\EC2Launch\log."
Invoke-Program -Path $agent -Arguments @('reset', '--block') -TimeoutSeconds 300 -Hint $hint | Out-Null
Invoke-Program -Path $agent -Arguments @('sysprep', '--shutdown', '--block') -TimeoutSeconds 1800 -Hint $hint | Out-Null
exit 0
