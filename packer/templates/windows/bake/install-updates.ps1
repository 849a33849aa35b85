# Installs Windows updates; runs as SYSTEM, because Windows refuses it to a remote session.
#
# INSTALL_UPDATES  true or false
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version Latest
trap { Write-Host "FAILED: $_ Look at C:\Windows\WindowsUpdate.log (Get-WindowsUpdateLog)."; exit 1 }

if ($env:INSTALL_UPDATES -ne 'true') {
    Write-Host 'Updates are not asked for.'
    exit 0
}

Set-Service -Name wuauserv -StartupType Manual
Start-Service -Name wuauserv
$session = New-Object -ComObject Microsoft.Update.Session
$found = $session.CreateUpdateSearcher().Search("IsInstalled=0 and IsHidden=0 and Type='Software'")
if ($found.ResultCode -ne 2) { throw "Searching for updates ended with result $($found.ResultCode)." }

$wanted = New-Object -ComObject Microsoft.Update.UpdateColl
foreach ($update in $found.Updates) {
    # An update that asks questions cannot be installed by a bake; a preview is not meant for production.
    if ($update.InstallationBehavior.CanRequestUserInput -or $update.Title -like '*Preview*') {
        Write-Host "skipped    $($update.Title)"
        continue
    }
    if (-not $update.EulaAccepted) { $update.AcceptEula() }
    $null = $wanted.Add($update)
}
if ($wanted.Count -eq 0) {
    Write-Host 'There are no updates to install.'
    exit 0
}

$downloader = $session.CreateUpdateDownloader()
$downloader.Updates = $wanted
$downloaded = $downloader.Download()
if ($downloaded.ResultCode -ne 2) { throw "Downloading $($wanted.Count) updates ended with result $($downloaded.ResultCode)." }

$installer = $session.CreateUpdateInstaller()
$installer.Updates = $wanted
$result = $installer.Install()
$failed = 0
for ($index = 0; $index -lt $wanted.Count; $index++) {
    $code = $result.GetUpdateResult($index).ResultCode
    if ($code -eq 2 -or $code -eq 3) {
        Write-Host "installed  $($wanted.Item($index).Title)"
    } else {
        $failed++
        Write-Host "FAILED     $($wanted.Item($index).Title) (result $code)"
    }
}
if ($failed -gt 0) { throw "$failed of $($wanted.Count) updates failed." }
exit 0
