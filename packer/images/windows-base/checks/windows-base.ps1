# What windows-base must have besides what every Windows image has.

function Test-ImageIsWindowsBase {
    $image = (Get-Content -Path 'C:\packleader\image.json' -Raw | ConvertFrom-Json).image
    if ($image -ne 'windows-base') { throw "image.json names $image." }
}

function Test-TentacleIsInstalled {
    if (-not (Test-Path -Path 'C:\Program Files\Octopus Deploy\Tentacle\Tentacle.exe')) { throw 'It is not.' }
}

function Test-TentacleIsNotConfigured {
    if (Test-Path -Path 'C:\Octopus\Tentacle.config') { throw 'Every instance would have the same certificate.' }
    if (Get-Service -Name 'OctopusDeploy Tentacle' -ErrorAction SilentlyContinue) { throw 'Its service exists.' }
}
