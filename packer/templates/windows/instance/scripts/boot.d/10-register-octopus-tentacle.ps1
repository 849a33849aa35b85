# Configures the Octopus Tentacle and registers it with the server that the metadata names: environment, role and
# extra.octopus. Without extra.octopus the Tentacle stays as it was baked: installed, not configured. Safe to repeat.
param([Parameter(Mandatory)] $Metadata)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version Latest
Import-Module -Name 'C:\packleader\scripts\Packleader.psm1'

$octopus = Get-Optional (Get-Optional $Metadata 'extra') 'octopus'
if ($null -eq $octopus) {
    Write-Host 'The metadata names no Octopus Server.'
    return
}

$tentacle = 'C:\Program Files\Octopus Deploy\Tentacle\Tentacle.exe'
if (-not (Test-Path -Path $tentacle)) { throw "There is no $tentacle in this image." }

# Once per instance, and not once per image: the name of the machine and its certificate are the instance's own.
$token = Invoke-RestMethod -Method Put -Uri 'http://169.254.169.254/latest/api/token' -TimeoutSec 5 `
    -Headers @{ 'X-aws-ec2-metadata-token-ttl-seconds' = '60' }
$instanceId = Invoke-RestMethod -Uri 'http://169.254.169.254/latest/meta-data/instance-id' -TimeoutSec 5 `
    -Headers @{ 'X-aws-ec2-metadata-token' = $token }
$marker = "C:\packleader\registered-$instanceId"
if (Test-Path -Path $marker) {
    Write-Host "The Tentacle of $instanceId is registered."
    return
}

# The key is read now, with the instance's own role, and handed to one process; it is written nowhere.
$apiKey = (Get-SECSecretValue -SecretId $octopus.apiKeySecret).SecretString
if (-not $apiKey) { throw "The secret $($octopus.apiKeySecret) is empty." }

$instance = @('--instance', 'Tentacle')
$hint = 'See C:\Octopus\Logs\OctopusTentacle.txt.'
Invoke-Program -Path $tentacle -Hint $hint -Arguments (@('create-instance') + $instance + @('--config', 'C:\Octopus\Tentacle.config')) | Out-Null
Invoke-Program -Path $tentacle -Hint $hint -Arguments (@('new-certificate') + $instance + @('--if-blank')) | Out-Null
Invoke-Program -Path $tentacle -Hint $hint -Arguments (@('configure') + $instance + @('--home', 'C:\Octopus', '--app', 'C:\Octopus\Applications', '--noListen', 'True')) | Out-Null

# The Tentacle polls the server, so that nothing needs a way in.
$comms = Get-Optional $octopus 'serverCommsAddress' ("https://{0}:10943" -f ([Uri] $octopus.serverUrl).Host)
$arguments = @('register-with') + $instance + @(
    '--server', $octopus.serverUrl, '--server-comms-address', $comms, '--comms-style', 'TentacleActive',
    '--name', $instanceId, '--environment', $Metadata.environment, '--force')
foreach ($role in @(Get-Optional $octopus 'roles' @($Metadata.role))) { $arguments += @('--role', $role) }
$space = Get-Optional $octopus 'space'
if ($space) { $arguments += @('--space', $space) }
$arguments += @('--apiKey', $apiKey)
Invoke-Program -Path $tentacle -Hint $hint -Arguments $arguments -TimeoutSeconds 300 | Out-Null

Invoke-Program -Path $tentacle -Hint $hint -Arguments (@('service') + $instance + @('--install', '--start')) | Out-Null
Set-Content -Path $marker -Value ((Get-Date).ToUniversalTime().ToString('s'))
