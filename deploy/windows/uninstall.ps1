#Requires -Version 5.1
#Requires -RunAsAdministrator
<#
.SYNOPSIS
    Removes citrix-odata-proxy from this computer.

.DESCRIPTION
    Stops and removes the service, its source of events, its firewall rule and the program. Settings, the client secret,
    stored answers and logs stay in C:\ProgramData\citrix-odata-proxy, unless -All is given.

.PARAMETER All
    Removes settings, secret, stored answers and logs, too.
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param([switch] $All)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$name = 'citrix-odata-proxy'
$folder = Join-Path $env:ProgramFiles $name
$installed = Join-Path $folder "$name.exe"
$data = Join-Path $env:ProgramData $name

if (-not $PSCmdlet.ShouldProcess($name, 'Remove the service and the program')) { return }

$service = Get-Service -Name $name -ErrorAction SilentlyContinue
if ($service) {
    if ($service.Status -ne 'Stopped') {
        Write-Host 'Stopping the service; requests under way have half a minute to finish.'
        Stop-Service -Name $name
        $service.WaitForStatus('Stopped', [TimeSpan]::FromMinutes(2))
    }
    & $installed service uninstall
    if ($LASTEXITCODE -ne 0) { throw "$name service uninstall ended with exit code $LASTEXITCODE." }
}

Get-NetFirewallRule -Name $name -ErrorAction SilentlyContinue | Remove-NetFirewallRule
if (Test-Path -LiteralPath $folder) { Remove-Item -LiteralPath $folder -Recurse -Force }
if ($All -and (Test-Path -LiteralPath $data)) { Remove-Item -LiteralPath $data -Recurse -Force }
if (-not $All) { Write-Host "Settings, data and logs are in $data." }
