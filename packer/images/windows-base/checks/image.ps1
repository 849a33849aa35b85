# What this image must have besides what every Windows image has.

function Test-TentacleIsInstalled {
    if (-not (Test-Path -Path 'C:\Program Files\Octopus Deploy\Tentacle\Tentacle.exe')) { throw 'It is not.' }
}

function Test-TentacleIsNotConfigured {
    if (Test-Path -Path 'C:\Octopus\Tentacle.config') { throw 'Every instance would have the same certificate.' }
    if (Get-Service -Name 'OctopusDeploy Tentacle' -ErrorAction SilentlyContinue) { throw 'Its service exists.' }
}
