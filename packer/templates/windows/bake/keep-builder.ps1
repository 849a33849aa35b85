# Runs when the bake has failed, on a builder that is to be kept: says when it ends.
#
# KEEP_MINUTES  after this long the builder shuts down; the bake sees to it that it is then gone
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version Latest
trap { Write-Host "FAILED: $_"; exit 1 }

$minutes = [int] $env:KEEP_MINUTES
$comment = 'This builder was kept for somebody to look at, and its time is over.'
& "$env:SystemRoot\System32\shutdown.exe" /s /f /t ($minutes * 60) /c $comment
if ($LASTEXITCODE -ne 0) { throw "shutdown.exe ended with ${LASTEXITCODE}: the builder cannot end itself, and is not kept." }
# The bake reads this line: without it the builder is removed.
Write-Host "packleader: this builder ends itself in $minutes minutes."
exit 0
