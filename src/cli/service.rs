//! Flags of `service`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to do with the service of Windows.
#[derive(Debug, Args)]
pub struct Service {
    /// What to do.
    #[command(subcommand)]
    pub action: ServiceAction,
}

/// What to do with the service of Windows.
#[derive(Debug, Subcommand)]
pub enum ServiceAction {
    /// Install it, to be started with Windows; needs the rights of an administrator
    Install(InstallService),
    /// Stop and remove it; settings, data and logs stay
    Uninstall,
    /// Say whether it is installed and runs: exit code 0 when it runs, else 1
    Status,
    /// What the service manager starts; does nothing in a console
    #[command(hide = true)]
    Run(RunService),
}

/// Flags of `service install`.
#[derive(Debug, Args)]
pub struct InstallService {
    /// What it is started with.
    #[command(flatten)]
    pub flags: ServiceFlags,
    /// Account without a password: `NT AUTHORITY\LocalService`, a group managed `DOMAIN\name$` [default: the service's
    /// own, `NT SERVICE\citrix-odata-proxy`]
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
}

/// Flags of `service run`.
#[derive(Debug, Args)]
pub struct RunService {
    /// What it is started with.
    #[command(flatten)]
    pub flags: ServiceFlags,
    /// Folder for all that is named by no other flag and no setting
    #[arg(long, value_name = "DIR")]
    pub home: PathBuf,
}

/// What the service is started with.
#[derive(Debug, Args)]
pub struct ServiceFlags {
    /// Settings file [default: %ProgramData%\citrix-odata-proxy\citrix-odata-proxy.toml]
    #[arg(long = "config", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Addresses to listen on instead of those in the settings, separated by commas
    #[arg(long, value_name = "ADDR", value_delimiter = ',')]
    pub listen: Vec<String>,
    /// Folder for files of our own instead of the one in the settings [default:
    /// %ProgramData%\citrix-odata-proxy\data]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
}
