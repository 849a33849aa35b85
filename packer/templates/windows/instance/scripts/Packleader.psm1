# What the scripts of the bake and of the boot share.
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version Latest

# Runs a program and fails if its exit code is not one of those that mean success.
function Invoke-Program {
    param(
        [Parameter(Mandatory)] [string] $Path,
        [string[]] $Arguments = @(),
        [int[]] $SuccessCodes = @(0),
        [int] $TimeoutSeconds = 1800,
        # What to look at when it fails.
        [string] $Hint = ''
    )
    # Start-Process joins its arguments with spaces and quotes nothing.
    $quoted = @($Arguments | ForEach-Object {
            if ($_ -match '[\s"]') { '"' + ($_ -replace '(\\*)"', '$1$1\"' -replace '(\\+)$', '$1$1') + '"' } else { $_ }
        })
    $start = @{ FilePath = $Path; PassThru = $true; NoNewWindow = $true }
    if ($quoted.Count -gt 0) { $start.ArgumentList = $quoted }
    $process = Start-Process @start
    # Without this the exit code of a process that has ended is lost.
    $null = $process.Handle
    if (-not $process.WaitForExit($TimeoutSeconds * 1000)) {
        $process.Kill()
        throw "$Path has not ended after $TimeoutSeconds seconds. $Hint"
    }
    if ($SuccessCodes -notcontains $process.ExitCode) {
        throw "$Path ended with exit code $($process.ExitCode). $Hint"
    }
    return $process.ExitCode
}

# Downloads a file and fails unless its digest is the one that was meant or, where none is given, unless it carries a
# valid signature by the publisher.
function Get-VerifiedFile {
    param(
        [Parameter(Mandatory)] [string] $Url,
        [Parameter(Mandatory)] [string] $Path,
        [string] $Digest = '',
        [string] $Publisher = ''
    )
    if ($Digest -eq '' -and $Publisher -eq '') { throw "Nothing vouches for ${Url}: give its SHA-256." }
    [Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12
    if ($Url -match '^s3://([^/]+)/(.+)$') {
        Read-S3Object -BucketName $Matches[1] -Key $Matches[2] -File $Path | Out-Null
    } else {
        Invoke-WebRequest -Uri $Url -OutFile $Path -UseBasicParsing -TimeoutSec 600
    }
    if ($Digest -ne '') {
        $actual = (Get-FileHash -Path $Path -Algorithm SHA256).Hash
        if ($actual -ne $Digest) { throw "$Url has the SHA-256 $($actual.ToLower()), not $Digest." }
        return
    }
    $signature = Get-AuthenticodeSignature -FilePath $Path
    if ($signature.Status -ne 'Valid') { throw "The signature of $Url is $($signature.Status)." }
    if ($signature.SignerCertificate.Subject -notlike "*$Publisher*") {
        throw "$Url is signed by $($signature.SignerCertificate.Subject), not by $Publisher."
    }
}

# Installs an .msi. 3010 and 1641 mean that a restart is needed, which the bake makes anyway.
function Install-Msi {
    param(
        [Parameter(Mandatory)] [string] $Path,
        [string[]] $Arguments = @()
    )
    $log = "C:\packleader\logs\$([IO.Path]::GetFileNameWithoutExtension($Path)).log"
    New-Item -Path (Split-Path -Path $log) -ItemType Directory -Force | Out-Null
    $all = @('/i', $Path, '/quiet', '/norestart', '/l*v', $log) + $Arguments
    try {
        Invoke-Program -Path "$env:SystemRoot\System32\msiexec.exe" -Arguments $all -SuccessCodes @(0, 1641, 3010) `
            -Hint "See $log." | Out-Null
    } catch {
        if (Test-Path -Path $log) { Get-Content -Path $log -Tail 40 | Write-Host }
        throw
    }
}

# Returns the user data as text, through version 2 of the instance metadata service.
function Get-UserData {
    $service = 'http://169.254.169.254'
    for ($left = 30; $left -ge 0; $left--) {
        try {
            $token = Invoke-RestMethod -Method Put -Uri "$service/latest/api/token" -TimeoutSec 2 `
                -Headers @{ 'X-aws-ec2-metadata-token-ttl-seconds' = '60' }
            break
        } catch {
            if ($left -eq 0) { throw "The metadata service does not answer: $_" }
            Start-Sleep -Seconds 1
        }
    }
    try {
        $response = Invoke-WebRequest -Uri "$service/latest/user-data" -UseBasicParsing -TimeoutSec 5 `
            -Headers @{ 'X-aws-ec2-metadata-token' = $token }
    } catch {
        throw "The instance has no user data; it needs a JSON document: $_"
    }
    $content = $response.Content
    if ($content -is [byte[]]) { $content = [Text.Encoding]::UTF8.GetString($content) }
    return $content
}

# Returns the metadata, or fails with every way in which it is wrong. Windows PowerShell has no JSON schema, so this
# holds the rules of schemas/instance-metadata.schema.json that a Windows image needs.
function ConvertTo-Metadata {
    param([Parameter(Mandatory)] [string] $Text)
    try {
        $metadata = $Text | ConvertFrom-Json
    } catch {
        throw "The user data is not JSON: $_"
    }
    if ($metadata -isnot [pscustomobject]) { throw 'The user data is not a JSON object.' }
    $problems = @()
    $names = @($metadata.PSObject.Properties.Name)
    foreach ($name in @('environment', 'role')) {
        if ($names -cnotcontains $name) {
            $problems += "$name is missing"
        } elseif ($metadata.$name -cnotmatch '^[a-z][a-z0-9-]{0,30}$') {
            $problems += "$name must match ^[a-z][a-z0-9-]{0,30}`$"
        }
    }
    foreach ($name in $names) {
        if (@('environment', 'role', 'extra') -cnotcontains $name) { $problems += "$name is not known" }
    }
    if ($names -ccontains 'extra') {
        if ($metadata.extra -isnot [pscustomobject]) {
            $problems += 'extra must be an object'
        } elseif (@($metadata.extra.PSObject.Properties.Name) -ccontains 'octopus') {
            $octopus = $metadata.extra.octopus
            $given = @($octopus.PSObject.Properties.Name)
            foreach ($name in @('serverUrl', 'apiKeySecret')) {
                if ($given -cnotcontains $name) { $problems += "extra/octopus/$name is missing" }
            }
            foreach ($name in $given) {
                if (@('serverUrl', 'serverCommsAddress', 'space', 'apiKeySecret', 'roles') -cnotcontains $name) {
                    $problems += "extra/octopus/$name is not known"
                }
            }
            foreach ($name in @('serverUrl', 'serverCommsAddress')) {
                if ($given -ccontains $name -and $octopus.$name -cnotmatch '^https://[^ ]+$') {
                    $problems += "extra/octopus/$name must be an https:// URL"
                }
            }
        }
    }
    if ($problems.Count -gt 0) { throw "The user data is not valid: $($problems -join '; ')." }
    return $metadata
}

# Returns a property of an object that may not have it.
function Get-Optional {
    param($Object, [Parameter(Mandatory)] [string] $Name, $Default = $null)
    if ($null -ne $Object -and @($Object.PSObject.Properties.Name) -ccontains $Name) { return $Object.$Name }
    return $Default
}

Export-ModuleMember -Function @(
    'Invoke-Program', 'Get-VerifiedFile', 'Install-Msi', 'Get-UserData', 'ConvertTo-Metadata', 'Get-Optional')
