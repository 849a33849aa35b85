/**
 * What runs the tests on an instance, by its platform. Its first line says how many there were, then come those that failed, because
 * Run Command keeps the beginning of what is printed; of a test that failed the end is shown, which says why. Which test is running goes
 * to the other output.
 */

/** Bash, and nothing that not every Linux has. `files` is a directory. */
export const LINUX_RUNNER = String.raw`
# What boots is not yet what has booted: units and cloud-init may still be at work. Whether they ended well is for a test to say.
echo 'waiting until it has booted' >&2
if [[ -d /run/systemd/system ]]; then
  systemctl is-system-running --wait >/dev/null 2>&1 || :
fi
if command -v cloud-init >/dev/null; then
  cloud-init status --wait >/dev/null 2>&1 || :
fi

ran=0
failed=0
report="$(mktemp)"
passed="$(mktemp)"
for file in "$files"/*.sh; do
  found=0
  # A test runs in a shell of its own, in which the first command that fails ends it.
  while read -r test; do
    found=$((found + 1))
    ran=$((ran + 1))
    # Of what is ended before its end only this is known.
    echo "running $test" >&2
    # shellcheck disable=SC2016 # expanded by the inner shell
    if output="$(bash -o errexit -o nounset -o pipefail -c 'source "$1"; "$2"' test "$file" "$test" 2>&1 </dev/null)"; then
      echo "ok      $test" >>"$passed"
    else
      failed=$((failed + 1))
      echo "FAILED  $test" >>"$report"
      printf '%s\n' "$output" | tail -c 2000 | sed 's/^/        /' >>"$report"
    fi
  done < <(sed -n -E 's/^(test_[a-z0-9_]+)\(\) \{$/\1/p' "$file")
  if [[ $found -eq 0 ]]; then
    failed=$((failed + 1))
    echo "FAILED  $(basename "$file") holds no test" >>"$report"
  fi
done

echo "$ran tests, $failed failed"
cat "$report" "$passed"
rm -rf "$files" "$report" "$passed"
[[ $ran -gt 0 && $failed -eq 0 ]]
`.trim();

/**
 * Windows PowerShell 5.1. Its own first test is that Windows was generalised: set-up is over, and the password of the administrator was
 * set by this very instance, so that it is not the one that the builder had.
 */
export const WINDOWS_RUNNER = String.raw`
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version 3
trap { Write-Output "FAILED  the tests could not be run"; Write-Output "        $_"; exit 1 }

function Test-WindowsWasGeneralised {
    $metadata = 'http://169.254.169.254/latest'
    $token = Invoke-RestMethod -Method Put -Uri "$metadata/api/token" -Headers @{ 'X-aws-ec2-metadata-token-ttl-seconds' = '60' }
    $document = Invoke-RestMethod -Uri "$metadata/dynamic/instance-identity/document" -Headers @{ 'X-aws-ec2-metadata-token' = $token }
    $launched = ([datetime] $document.pendingTime).ToUniversalTime()
    $state = (Get-ItemProperty -Path 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Setup\State').ImageState
    if ($state -ne 'IMAGE_STATE_COMPLETE') { throw "Windows is still being set up: $state." }
    $administrator = Get-LocalUser | Where-Object { $_.SID.Value -like 'S-1-5-21-*-500' }
    if (-not $administrator.PasswordLastSet) { throw 'The administrator has no password of its own.' }
    $set = $administrator.PasswordLastSet.ToUniversalTime()
    if ($set -lt $launched) {
        throw "The password of the administrator was set at $($set.ToString('o')), before this instance was launched at $($launched.ToString('o')): was sysprep run?"
    }
}

$ran = 0
$failed = New-Object System.Collections.ArrayList
$passed = New-Object System.Collections.ArrayList
function Invoke-OneTest([string] $name) {
    $script:ran++
    [Console]::Error.WriteLine("running $name")
    try {
        $null = & $name
        $null = $passed.Add("ok      $name")
    } catch {
        $null = $failed.Add("FAILED  $name")
        $text = "$_"
        $last = $text.Substring([Math]::Max(0, $text.Length - 2000))
        foreach ($line in $last -split '\r?\n') { $null = $failed.Add("        $line") }
        $script:failures++
    }
}
$failures = 0
Invoke-OneTest 'Test-WindowsWasGeneralised'
foreach ($file in @(Get-ChildItem -Path $files -Filter '*.ps1' | Sort-Object -Property Name)) {
    $errors = $null
    $tree = [Management.Automation.Language.Parser]::ParseFile($file.FullName, [ref] $null, [ref] $errors)
    $tests = @($tree.FindAll({ $args[0] -is [Management.Automation.Language.FunctionDefinitionAst] }, $false) |
            ForEach-Object { $_.Name } | Where-Object { $_ -like 'Test-*' })
    if ($errors -or $tests.Count -eq 0) {
        $failures++
        $why = if ($errors) { "cannot be parsed: $($errors[0])" } else { 'holds no test' }
        $null = $failed.Add("FAILED  $($file.Name) $why")
        continue
    }
    . $file.FullName
    foreach ($test in $tests) { Invoke-OneTest $test }
}
Write-Output "$ran tests, $failures failed"
$failed + $passed | Write-Output
Remove-Item -Path $files -Recurse -Force
if ($failures -gt 0) { exit 1 }
exit 0
`.trim();
