# What every Windows image has: hardening, logging and the boot script.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version Latest
trap { Write-Host "FAILED: $_"; Write-Host $_.ScriptStackTrace; exit 1 }
Import-Module -Name 'C:\packleader\scripts\Packleader.psm1' -Force

function Set-Registry([string] $path, [string] $name, [int] $value) {
    if (-not (Test-Path -Path $path)) { New-Item -Path $path -Force | Out-Null }
    New-ItemProperty -Path $path -Name $name -PropertyType DWord -Value $value -Force | Out-Null
}

# Nobody but administrators may change what runs at boot as SYSTEM.
Invoke-Program -Path "$env:SystemRoot\System32\icacls.exe" -Arguments @(
    'C:\packleader', '/inheritance:r', '/grant:r', '*S-1-5-18:(OI)(CI)F', '*S-1-5-32-544:(OI)(CI)F', '/T', '/Q') | Out-Null

# Old protocols
$smb1 = Get-WindowsOptionalFeature -Online -FeatureName SMB1Protocol
if ($smb1 -and $smb1.State -eq 'Enabled') {
    Disable-WindowsOptionalFeature -Online -FeatureName SMB1Protocol -NoRestart | Out-Null
}
$smb = @{ EnableSMB1Protocol = $false; RequireSecuritySignature = $true; Force = $true }
Set-SmbServerConfiguration @smb
$schannel = 'HKLM:\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols'
foreach ($protocol in @('SSL 2.0', 'SSL 3.0', 'TLS 1.0', 'TLS 1.1')) {
    foreach ($side in @('Client', 'Server')) {
        Set-Registry "$schannel\$protocol\$side" 'Enabled' 0
        Set-Registry "$schannel\$protocol\$side" 'DisabledByDefault' 1
    }
}
foreach ($root in @('HKLM:\SOFTWARE\Microsoft\.NETFramework\v4.0.30319', 'HKLM:\SOFTWARE\Wow6432Node\Microsoft\.NETFramework\v4.0.30319')) {
    Set-Registry $root 'SchUseStrongCrypto' 1
    Set-Registry $root 'SystemDefaultTlsVersions' 1
}
# LLMNR answers anyone who asks; NTLM version 1 and LM can be cracked.
Set-Registry 'HKLM:\SOFTWARE\Policies\Microsoft\Windows NT\DNSClient' 'EnableMulticast' 0
Set-Registry 'HKLM:\SYSTEM\CurrentControlSet\Control\Lsa' 'LmCompatibilityLevel' 5
Set-Registry 'HKLM:\SYSTEM\CurrentControlSet\Control\Lsa' 'RunAsPPL' 1
# Remote Desktop asks for credentials before it shows a desktop.
Set-Registry 'HKLM:\SYSTEM\CurrentControlSet\Control\Terminal Server\WinStations\RDP-Tcp' 'UserAuthentication' 1

Disable-LocalUser -Name Guest
Set-NetFirewallProfile -Profile @('Domain', 'Private', 'Public') -Enabled True -DefaultInboundAction Block

# Logs: larger than the 20 MB that a busy hour fills, and with the command lines of processes.
foreach ($log in @('Application', 'Security', 'System')) {
    Invoke-Program -Path "$env:SystemRoot\System32\wevtutil.exe" -Arguments @('set-log', $log, '/maxsize:134217728') | Out-Null
}
foreach ($category in @('Logon', 'Process Creation', 'Security Group Management', 'User Account Management')) {
    Invoke-Program -Path "$env:SystemRoot\System32\auditpol.exe" `
        -Arguments @('/set', "/subcategory:$category", '/success:enable', '/failure:enable') | Out-Null
}
Set-Registry 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System\Audit' 'ProcessCreationIncludeCmdLine_Enabled' 1

# An instance is replaced, not updated.
Set-Registry 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate\AU' 'NoAutoUpdate' 1

# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configure-ec2-ntp.html
Invoke-Program -Path "$env:SystemRoot\System32\w32tm.exe" -Arguments @(
    '/config', '/manualpeerlist:169.254.169.123', '/syncfromflags:manual', '/update') | Out-Null
Set-TimeZone -Id UTC

$action = New-ScheduledTaskAction -Execute "$env:SystemRoot\System32\WindowsPowerShell\v1.0\powershell.exe" `
    -Argument '-NoProfile -NonInteractive -ExecutionPolicy Bypass -File C:\packleader\scripts\boot.ps1'
Register-ScheduledTask -TaskName 'packleader-boot' -Action $action -Trigger (New-ScheduledTaskTrigger -AtStartup) `
    -User 'NT AUTHORITY\SYSTEM' -RunLevel Highest -Force `
    -Settings (New-ScheduledTaskSettingsSet -ExecutionTimeLimit (New-TimeSpan -Minutes 20)) | Out-Null
exit 0
