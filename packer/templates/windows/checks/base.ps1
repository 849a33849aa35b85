# What every Windows image must have, and must not have.

function Test-ImageSaysWhatItIs {
    $image = Get-Content -Path 'C:\packleader\image.json' -Raw | ConvertFrom-Json
    foreach ($name in @('image', 'version', 'commit', 'release', 'sourceAmi')) {
        if (-not (Get-Optional $image $name)) { throw "image.json lacks $name." }
    }
    # What the image was built on has left a file that names another image.
    if ($image.image -ne $env:IMAGE) { throw "image.json names $($image.image), not $env:IMAGE." }
}

function Test-PackageManifest {
    $expected = (Get-Content -Path 'C:\packleader\package-manifest.tsv.sha256' -Raw).Split(' ')[0]
    $actual = (Get-FileHash -Path 'C:\packleader\package-manifest.tsv' -Algorithm SHA256).Hash
    if ($actual -ne $expected) { throw "The manifest has the SHA-256 $actual, not $expected." }
}

function Test-WinRmIsEncrypted {
    if (@(Get-ChildItem -Path WSMan:\localhost\Listener | Where-Object { $_.Keys -contains 'Transport=HTTP' }).Count -gt 0) {
        throw 'WinRM listens without encryption.'
    }
    if ((Get-Item -Path WSMan:\localhost\Service\Auth\Basic).Value -ne 'false') { throw 'WinRM allows basic authentication.' }
    if ((Get-Item -Path WSMan:\localhost\Service\AllowUnencrypted).Value -ne 'false') { throw 'WinRM allows unencrypted traffic.' }
}

function Test-Smb1IsOff {
    if ((Get-SmbServerConfiguration).EnableSMB1Protocol) { throw 'SMB 1 is on.' }
}

function Test-FirewallIsOn {
    $off = @(Get-NetFirewallProfile | Where-Object { -not $_.Enabled } | ForEach-Object { $_.Name })
    if ($off.Count -gt 0) { throw "The firewall is off for: $($off -join ', ')." }
}

function Test-GuestIsDisabled {
    if ((Get-LocalUser -Name Guest).Enabled) { throw 'The account Guest is enabled.' }
}

function Test-BootScriptIsScheduled {
    $task = Get-ScheduledTask -TaskName 'packleader-boot'
    if ($task.Principal.UserId -notin @('SYSTEM', 'NT AUTHORITY\SYSTEM')) { throw "It runs as $($task.Principal.UserId)." }
}

function Test-NoMetadataOfTheBuilder {
    foreach ($file in @('metadata.json', 'provision.json')) {
        if (Test-Path -Path "C:\packleader\$file") { throw "C:\packleader\$file is there." }
    }
}

function Test-LaunchAgentIsInstalled {
    if (-not (Test-Path -Path "$env:ProgramFiles\Amazon\EC2Launch\EC2Launch.exe")) { throw 'EC2Launch v2 is not installed.' }
}
