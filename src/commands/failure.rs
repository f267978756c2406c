//! Why a command failed, and with which exit code.

use std::io;
use std::net::AddrParseError;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::app::BuildError;
use crate::config::ConfigError;
use crate::server::{BindError, TlsError};
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
    /// The certificate cannot be used.
    #[error("no TLS with the files in [server.tls]")]
    Tls(#[from] TlsError),
    /// An address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// No worker threads, or no signals.
    #[error("the operating system refused what every program needs")]
    Runtime(#[source] io::Error),
    /// A server ended by itself.
    #[error("serving ended")]
    Serve(#[source] io::Error),
    /// No random numbers for a key.
    #[error("the operating system gives no random numbers")]
    Random,
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
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Settings(_) | Self::Flag { .. } | Self::Build(_) | Self::Tls(_) => {
                ExitCode::from(2)
            }
            Self::Log(_)
            | Self::Taken(_)
            | Self::Folder(_)
            | Self::Network(_)
            | Self::Bind(_)
            | Self::Runtime(_)
            | Self::Serve(_)
            | Self::Random
            | Self::Output(_) => ExitCode::from(1),
        }
    }
}
