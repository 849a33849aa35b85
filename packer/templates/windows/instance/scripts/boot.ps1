# Runs at every start of an instance: reads the metadata of the user data and does what the image's boot scripts do with
# it. Bad metadata ends with status 1, an error in the event log, on the console and in C:\packleader\provision.json;
# the instance stays reachable.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version Latest

$directory = 'C:\packleader'
Import-Module -Name "$directory\scripts\Packleader.psm1" -Force
New-Item -Path "$directory\logs" -ItemType Directory -Force | Out-Null

function Write-State([string] $state, [string] $message) {
    $line = "packleader: ${state}: $message"
    @{ state = $state; message = $message } | ConvertTo-Json | Set-Content -Path "$directory\provision.json"
    Add-Content -Path "$directory\logs\boot.log" -Value "$((Get-Date).ToUniversalTime().ToString('s')) $line"
    $type = if ($state -eq 'failed') { 'Error' } else { 'Information' }
    if (-not [Diagnostics.EventLog]::SourceExists('packleader')) {
        New-EventLog -LogName Application -Source packleader
    }
    Write-EventLog -LogName Application -Source packleader -EventId 1 -EntryType $type -Message $line
    try {
        $port = New-Object System.IO.Ports.SerialPort 'COM1'
        $port.Open()
        $port.WriteLine($line)
        $port.Close()
    } catch {
        Add-Content -Path "$directory\logs\boot.log" -Value "COM1 cannot be written to: $_"
    }
}

try {
    $text = Get-UserData
    # The user data of a builder is a script of ours, which EC2Launch runs: see open-winrm.ps1.
    if ($text -match '(?m)^# packleader-builder\s*$') {
        Write-State 'skipped' 'This is the builder of an image: the bake provisions it.'
        exit 0
    }
    $metadata = ConvertTo-Metadata -Text $text

    [Environment]::SetEnvironmentVariable('PACKLEADER_ENVIRONMENT', $metadata.environment, 'Machine')
    [Environment]::SetEnvironmentVariable('PACKLEADER_ROLE', $metadata.role, 'Machine')
    $text | Set-Content -Path "$directory\metadata.json"

    foreach ($script in @(Get-ChildItem -Path "$directory\scripts\boot.d" -Filter '*.ps1' | Sort-Object -Property Name)) {
        & $script.FullName -Metadata $metadata
    }
    Write-State 'done' "Provisioned as $($metadata.role) in $($metadata.environment)."
} catch {
    Write-State 'failed' "$_ ($($_.InvocationInfo.PositionMessage))"
    exit 1
}
exit 0
