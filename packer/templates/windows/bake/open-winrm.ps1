# packleader-builder
# User data of a builder: opens WinRM over HTTPS, and nothing else, then leaves a signal for the bake to wait for.
#
# Out  C:\packleader\builder.signal   0: the builder is ready; -1: it is not, and builder.log says why
#      C:\packleader\builder.log
#      C:\packleader\builder-certificate.txt   the thumbprint, for the clean-up
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version Latest

$directory = 'C:\packleader'
New-Item -Path $directory -ItemType Directory -Force | Out-Null

# The serial port is what `aws ec2 get-console-output` shows: the only thing to look at if WinRM never opens.
function Write-BuilderLog([string] $message) {
    $line = 'packleader: {0} {1}' -f (Get-Date).ToUniversalTime().ToString('s'), $message
    Add-Content -Path "$directory\builder.log" -Value $line
    try {
        $port = New-Object System.IO.Ports.SerialPort 'COM1'
        $port.Open()
        $port.WriteLine($line)
        $port.Close()
    } catch {
        Add-Content -Path "$directory\builder.log" -Value "packleader: COM1 cannot be written to: $_"
    }
}

try {
    Write-BuilderLog 'opening WinRM over HTTPS'
    Set-Service -Name WinRM -StartupType Automatic
    Start-Service -Name WinRM

    # No listener without encryption, and no authentication that sends a password.
    Get-ChildItem -Path WSMan:\localhost\Listener | Remove-Item -Recurse -Force
    Set-Item -Path WSMan:\localhost\Service\AllowUnencrypted -Value $false -Force
    Set-Item -Path WSMan:\localhost\Service\Auth\Basic -Value $false -Force
    Set-Item -Path WSMan:\localhost\Service\Auth\Negotiate -Value $true -Force
    Set-Item -Path WSMan:\localhost\MaxTimeoutms -Value 7200000 -Force
    Set-Item -Path WSMan:\localhost\Shell\MaxMemoryPerShellMB -Value 4096 -Force

    $certificate = New-SelfSignedCertificate -DnsName $env:COMPUTERNAME -CertStoreLocation Cert:\LocalMachine\My `
        -KeyLength 3072 -HashAlgorithm SHA256 -NotAfter (Get-Date).AddDays(2)
    $thumbprint = $certificate.Thumbprint
    New-Item -Path WSMan:\localhost\Listener -Transport HTTPS -Address * -CertificateThumbPrint $thumbprint -Force |
        Out-Null
    Set-Content -Path "$directory\builder-certificate.txt" -Value $thumbprint

    # The way in from outside comes last: whoever connects finds everything in place.
    Get-NetFirewallRule -DisplayGroup 'Windows Remote Management' -ErrorAction SilentlyContinue |
        Disable-NetFirewallRule
    New-NetFirewallRule -Name "packleader-winrm-$thumbprint" -DisplayName 'packleader: WinRM over HTTPS' `
        -Direction Inbound -Protocol TCP -LocalPort 5986 -Action Allow | Out-Null

    Set-Content -Path "$directory\builder.signal" -Value '0'
    Write-BuilderLog 'ready'
} catch {
    # WinRM may be open all the same; the first step of the bake then fails with this message.
    Write-BuilderLog "FAILED: $_ $($_.ScriptStackTrace)"
    Set-Content -Path "$directory\builder.signal" -Value '-1'
    exit 1
}
