//! Why a command failed, and with which exit code.

use std::io;
use std::net::AddrParseError;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::app::BuildError;
use crate::config::ConfigError;
use crate::keystore::KeystoreError;
use crate::server::{BindError, TlsError};
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
    /// Flags are wrong or missing: a sentence each.
    #[error("the command line has {}:{}", problems(.0.len()), list(.0))]
    CommandLine(Vec<String>),
    /// What came in place of a client secret.
    #[error(
        "the client secret on standard input {0}; give the secret, and nothing else, in one line"
    )]
    Input(&'static str),
    /// A file that names the client secret cannot be used.
    #[error("the client secret's file `{}` {what}", path.display())]
    SecretFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, as the end of a sentence.
        what: String,
    },
    /// Files are there that may not be replaced.
    #[error("not replaced without --force:{}", list(&paths(.0)))]
    Occupied(Vec<PathBuf>),
    /// The credential store did not do what it was asked.
    #[error("{0}; {hint}", hint = .0.hint())]
    Keystore(#[from] KeystoreError),
    /// The terminal gave no answer.
    #[error("the terminal cannot be asked")]
    Terminal(#[source] io::Error),
    /// The settings do not work, so they were not written.
    #[error(
        "the settings do not work, so nothing was written; set right what the check says, or write them all the same \
         with --no-check"
    )]
    Unproven,
    /// The person at the terminal wants no more.
    #[error("stopped; nothing was written")]
    Stopped,
    /// A file cannot be written.
    #[error("`{}` cannot be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
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
    /// Something could not be done with the service of Windows.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// No worker threads, or no signals.
    #[error("the operating system refused what every program needs")]
    Runtime(#[source] io::Error),
    /// A server ended by itself.
    #[error("serving ended")]
    Serve(#[source] io::Error),
    /// No random numbers for a key.
    #[error("the operating system gives no random numbers")]
    Random,
    /// No proxy answers that it is well.
    #[error("no proxy answers well: {0}")]
    Unwell(String),
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
            Self::Settings(_)
            | Self::Flag { .. }
            | Self::CommandLine(_)
            | Self::Input(_)
            | Self::SecretFile { .. }
            | Self::Occupied(_)
            | Self::Build(_)
            | Self::Tls(_) => 2,
            Self::Service(error) if error.is_usage() => 2,
            Self::Log(_)
            | Self::Keystore(_)
            | Self::Terminal(_)
            | Self::Unproven
            | Self::Stopped
            | Self::Write { .. }
            | Self::Taken(_)
            | Self::Folder(_)
            | Self::Network(_)
            | Self::Bind(_)
            | Self::Service(_)
            | Self::Runtime(_)
            | Self::Serve(_)
            | Self::Random
            | Self::Unwell(_)
            | Self::Output(_) => 1,
        }
    }

    /// The same for the process.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }
}

fn problems(count: usize) -> String {
    match count {
        1 => "a problem".to_owned(),
        count => format!("{count} problems"),
    }
}

/// Each on a line of its own.
fn list(lines: &[String]) -> String {
    let lines = lines.iter().flat_map(|line| ["\n  ", line]);
    lines.collect()
}

fn paths(paths: &[PathBuf]) -> Vec<String> {
    paths
        .iter()
        .map(|path| path.display().to_string())
        .collect()
}
