# What this image must have besides what every Windows image has.

function Test-WebServerStarts {
    $service = Get-Service -Name W3SVC
    if ($service.Status -ne 'Running') { throw "W3SVC is $($service.Status)." }
    if ($service.StartType -ne 'Automatic') { throw "W3SVC starts $($service.StartType)." }
}

function Test-NoDefaultSite {
    Import-Module -Name WebAdministration
    if (Get-Website -Name 'Default Web Site') { throw 'It is there.' }
}

function Test-ApplicationIsInstalled {
    $application = Get-Content -Path 'C:\packleader\application.json' -Raw | ConvertFrom-Json
    if ($application.package -like '*.zip') {
        $target = "C:\sites\$($application.name)\$($application.version)"
        if (@(Get-ChildItem -Path $target).Count -eq 0) { throw "$target is empty." }
        if (-not (Get-Website -Name $application.name)) { throw "There is no site $($application.name)." }
    }
}
