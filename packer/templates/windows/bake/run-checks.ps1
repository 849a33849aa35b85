# Runs every check of C:\packleader\checks: each function there whose name begins with `Test-`. A check fails by
# throwing. All of them run, then the script fails if one of them did, or if there were none.
#
# IMAGE  the name that the image is baked under
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version Latest
trap { Write-Host "FAILED: $_"; Write-Host $_.ScriptStackTrace; exit 1 }
Import-Module -Name 'C:\packleader\scripts\Packleader.psm1' -Force
if (-not $env:IMAGE) { throw 'The environment has no IMAGE.' }

$directory = 'C:\packleader\checks'
$ran = 0
$failed = 0
foreach ($file in @(Get-ChildItem -Path $directory -Filter '*.ps1' | Sort-Object -Property Name)) {
    $errors = $null
    $tree = [Management.Automation.Language.Parser]::ParseFile($file.FullName, [ref] $null, [ref] $errors)
    if ($errors) { throw "$($file.Name) cannot be parsed: $($errors[0])" }
    $functions = @($tree.FindAll({ $args[0] -is [Management.Automation.Language.FunctionDefinitionAst] }, $false) |
            ForEach-Object { $_.Name } | Where-Object { $_ -like 'Test-*' })
    if ($functions.Count -eq 0) { throw "$($file.Name) holds no check." }
    . $file.FullName
    foreach ($function in $functions) {
        $ran++
        try {
            $null = & $function
            Write-Host "ok      $function"
        } catch {
            $failed++
            Write-Host "FAILED  $function"
            Write-Host "        $_"
        }
    }
}
Write-Host "$ran checks, $failed failed"
if ($ran -eq 0) { throw "No check ran: $directory holds none." }
if ($failed -gt 0) { throw "$failed of $ran checks failed." }
Remove-Item -Path $directory -Recurse -Force
exit 0
