#Requires -Version 5.1
#Requires -RunAsAdministrator
<#
.SYNOPSIS
    Installs or updates citrix-odata-proxy as a service of Windows.

.DESCRIPTION
    Copies the program to Program Files, where only administrators can change it, and has it install its service, which
    makes the folders below C:\ProgramData\citrix-odata-proxy with access for administrators and the service alone. Then
    puts the settings file and the client secret there, and starts the service.

    Run it again with a newer program to update: settings, secret, data and logs stay as they are.

.PARAMETER Program
    The program to install. Without: the one beside this script.

.PARAMETER Settings
    A settings file to begin with. One that is there already stays.

.PARAMETER Account
    An account without a password, like NT AUTHORITY\LocalService or a group managed DOMAIN\name$. Without: the service's
    own, NT SERVICE\citrix-odata-proxy.

.PARAMETER AskForSecret
    Asks for the client secret, and writes it to secret.txt beside the settings file. The settings name it with
    client_secret_file = "secret.txt".

.PARAMETER FirewallPort
    A TCP port to open for other computers in the domain and private networks. For a proxy that listens for others only;
    on this computer no rule is needed.

.PARAMETER NoStart
    Installs without starting.

.EXAMPLE
    .\install.ps1 -Settings .\citrix-odata-proxy.toml -AskForSecret
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    [string] $Program,
    [string] $Settings,
    [string] $Account,
    [switch] $AskForSecret,
    [ValidateRange(1, 65535)] [int] $FirewallPort,
    [switch] $NoStart
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$name = 'citrix-odata-proxy'
$folder = Join-Path $env:ProgramFiles $name
$installed = Join-Path $folder "$name.exe"
$data = Join-Path $env:ProgramData $name

if (-not $Program) { $Program = Join-Path $PSScriptRoot "$name.exe" }
if (-not (Test-Path -LiteralPath $Program -PathType Leaf)) {
    throw "There is no program at $Program; name it with -Program."
}

function Invoke-Proxy {
    # The program says itself what went wrong and what to do.
    & $installed @args
    if ($LASTEXITCODE -ne 0) { throw "$name $args ended with exit code $LASTEXITCODE." }
}

function Set-Secret([string] $Path) {
    $secret = Read-Host -AsSecureString -Prompt 'Client secret'
    $plain = [System.Net.NetworkCredential]::new('', $secret).Password
    # A new file takes the access rights of its folder: administrators and the service.
    if (Test-Path -LiteralPath $Path) { Remove-Item -LiteralPath $Path -Force }
    [System.IO.File]::WriteAllText($Path, $plain)
}

if (-not $PSCmdlet.ShouldProcess($name, 'Install the service')) { return }

$service = Get-Service -Name $name -ErrorAction SilentlyContinue
if ($service -and $service.Status -ne 'Stopped') {
    Write-Host 'Stopping the service; requests under way have half a minute to finish.'
    Stop-Service -Name $name
    $service.WaitForStatus('Stopped', [TimeSpan]::FromMinutes(2))
}

Write-Host "Copying the program to $folder"
New-Item -ItemType Directory -Path $folder -Force | Out-Null
Copy-Item -LiteralPath $Program -Destination $installed -Force
# What was downloaded is marked so, and asks before it runs.
Unblock-File -LiteralPath $installed

if ($service) {
    if ($Account) { Write-Warning 'The service is installed already; its account stays. Uninstall it first to change it.' }
} elseif ($Account) {
    Invoke-Proxy service install --account $Account
} else {
    Invoke-Proxy service install
}

$file = Join-Path $data "$name.toml"
if ($Settings) {
    if (Test-Path -LiteralPath $file) {
        Write-Warning "There are settings in $file; they stay."
    } else {
        # A new file takes the access rights of its folder; a copy might bring its own.
        [System.IO.File]::WriteAllBytes($file, [System.IO.File]::ReadAllBytes((Resolve-Path -LiteralPath $Settings).ProviderPath))
    }
}
if ($AskForSecret) {
    if ((Test-Path -LiteralPath $file) -and -not (Select-String -LiteralPath $file -Pattern '^\s*client_secret_file\s*=' -Quiet)) {
        throw "The settings in $file name no client_secret_file, so the secret would not be read. Add client_secret_file = `"secret.txt`" to the site."
    }
    Set-Secret (Join-Path $data 'secret.txt')
}

if ($FirewallPort) {
    Get-NetFirewallRule -Name $name -ErrorAction SilentlyContinue | Remove-NetFirewallRule
    New-NetFirewallRule -Name $name -DisplayName 'Citrix OData proxy' -Direction Inbound -Action Allow `
        -Protocol TCP -LocalPort $FirewallPort -Program $installed -Profile @('Domain', 'Private') | Out-Null
}

if (-not (Test-Path -LiteralPath $file)) {
    Write-Warning "There are no settings yet. Write $file, then start the service with: Start-Service $name"
} elseif (-not $NoStart) {
    Invoke-Proxy check --config $file
    Start-Service -Name $name
    Write-Host 'The service runs.'
}
