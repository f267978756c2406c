//! Flags of the commands that set the proxy up: `init`, `secret`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::SettingsFile;

/// Flags of `init`.
#[derive(Debug, Args)]
#[command(
    after_help = "In a terminal whatever is not given is asked for. Without one, --customer-id, --client-id and \
    --region are required, and the client secret is read from --client-secret-file, else from the first line of \
    standard input. It is never a flag."
)]
pub struct Init {
    /// The customer id, as the Citrix Cloud console shows it
    #[arg(long, value_name = "ID")]
    pub customer_id: Option<String>,
    /// The id of the API client
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// The region of the Citrix Cloud account: us, eu, ap-s or jp
    #[arg(long)]
    pub region: Option<String>,
    /// File that holds the client secret; without --secret-store the settings go on to name it
    #[arg(long, value_name = "FILE")]
    pub client_secret_file: Option<PathBuf>,
    /// Where to keep the client secret [default: the system's credential store where there is one, else a
    /// file beside the settings]
    #[arg(long, value_name = "PLACE")]
    pub secret_store: Option<SecretPlace>,
    /// Addresses to listen on, separated by commas [default: port 8484 on this machine only]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Name for the site, part of its address
    #[arg(long, value_name = "NAME", default_value = "main")]
    pub site: String,
    /// Scheme and host in place of the region's
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// The settings file to write [default: citrix-odata-proxy.toml in the platform's settings folder]
    #[arg(long = "config", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Replace files that are there already
    #[arg(long)]
    pub force: bool,
    /// Write without trying the settings out
    #[arg(long)]
    pub no_check: bool,
}

/// Where a client secret is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SecretPlace {
    /// The system's credential store: Windows Credential Manager, macOS Keychain, Secret Service
    Keyring,
    /// A file beside the settings, for its owner alone; on Windows it has the access rights of its folder
    File,
    /// The variable `CITRIX_CLIENT_SECRET`, which you set
    Environment,
}

/// Flags of `secret`.
#[derive(Debug, Args)]
pub struct Secret {
    /// What to do with it.
    #[command(subcommand)]
    pub command: SecretCommand,
}

/// What to do with a client secret.
#[derive(Debug, Subcommand)]
pub enum SecretCommand {
    /// Store it: asked for in a terminal, else read from the first line of standard input
    Set(SecretOf),
    /// Remove it from the store
    Forget(SecretOf),
    /// Say whether one is stored, without showing it
    Status(SecretOf),
}

/// Whose secret.
#[derive(Debug, Args)]
pub struct SecretOf {
    /// The site [default: the only one, else main; `status`: all]
    #[arg(long, value_name = "NAME")]
    pub site: Option<String>,
    /// The settings file.
    #[command(flatten)]
    pub settings: SettingsFile,
}
