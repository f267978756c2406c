//! Why a command failed, and with which exit code.

use std::io;
use std::net::AddrParseError;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::app::BuildError;
use crate::config::ConfigError;
use crate::server::BindError;
use crate::service::ServiceError;
use crate::telemetry::InitError;
use crate::transport::NetworkError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The settings are wrong.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// A flag's value is wrong.
    #[error("`{flag}`: {what}")]
    Flag {
        /// The flag.
        flag: &'static str,
        /// What is wrong with its value.
        what: String,
    },
    /// The program cannot be built from the settings.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The log cannot be set up.
    #[error("no log")]
    Log(#[from] InitError),
    /// Another process has the folder for files of the program's own.
    #[error(
        "another citrix-odata-proxy runs with the folder `{}`: stop that one, or give this one a folder of its own with \
         `--data-dir`",
        .0.display()
    )]
    Taken(PathBuf),
    /// The demo's folder for temporary files cannot be made.
    #[error("no folder for temporary files")]
    Folder(#[source] io::Error),
    /// The HTTP client cannot be set up: no certificates, a proxy setting that cannot be read.
    #[error("no way to the network")]
    Network(#[from] NetworkError),
    /// An address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Something could not be done with the service of Windows.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// No worker threads, or no signals.
    #[error("the operating system refused what every program needs")]
    Runtime(#[source] io::Error),
    /// A server ended by itself.
    #[error("serving ended")]
    Serve(#[source] io::Error),
    /// Standard output or a file for scripts cannot be written.
    #[error("output cannot be written")]
    Output(#[source] io::Error),
}

impl From<AddrParseError> for Failure {
    fn from(error: AddrParseError) -> Self {
        Self::Flag {
            flag: "--listen",
            what: format!("{error}; write an address as in `127.0.0.1:8485`"),
        }
    }
}

impl Failure {
    /// 2 when the command line or the settings are wrong, else 1.
    pub fn code(&self) -> u8 {
        match self {
            Self::Settings(_) | Self::Flag { .. } | Self::Build(_) => 2,
            Self::Service(error) if error.is_usage() => 2,
            Self::Log(_)
            | Self::Taken(_)
            | Self::Folder(_)
            | Self::Network(_)
            | Self::Bind(_)
            | Self::Service(_)
            | Self::Runtime(_)
            | Self::Serve(_)
            | Self::Output(_) => 1,
        }
    }

    /// The same for the process.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }
}
