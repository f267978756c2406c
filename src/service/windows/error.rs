//! What can go wrong with a service, and what to do then.

use std::io;
use std::path::PathBuf;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// This is not Windows.
    #[error(
        "services of Windows are there on Windows only; on Linux use the systemd unit in `deploy/systemd`, elsewhere let \
         the system's own service manager run `citrix-odata-proxy serve`"
    )]
    Elsewhere,
    /// The account needs a password.
    #[error(
        "`{0}` needs a password, which no flag takes: install without `--account`, then name the account and its password \
         under \"Log On\" in the service's properties (services.msc), or use a group managed account (`DOMAIN\\name$`)"
    )]
    Password(String),
    /// The path of the program or of a file cannot be told.
    #[error("a path cannot be made absolute")]
    Path(#[source] io::Error),
    /// The service manager refused.
    #[error("the service manager refused to {what}{}", advice(source))]
    Manager {
        /// What was wanted.
        what: &'static str,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// A folder of the service cannot be made.
    #[error("`{}` cannot be made{}", folder.display(), advice(source))]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The access rights of a folder cannot be set.
    #[error("the access rights of `{}` cannot be set: icacls {reason}", folder.display())]
    Access {
        /// The folder.
        folder: PathBuf,
        /// What icacls said.
        reason: String,
    },
    /// The source of events cannot be entered in the registry.
    #[error("the source of events cannot be entered in the registry")]
    Events(#[source] io::Error),
}

impl ServiceError {
    /// Whether the command line is to blame.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Elsewhere | Self::Password(_))
    }
}

/// What to do about an error number of Windows; empty when nothing is known.
fn advice(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(5) => {
            ": this needs the rights of an administrator; open a console with \"Run as administrator\""
        }
        Some(1057) => {
            ": there is no such account; leave `--account` out for one of the service's own"
        }
        Some(1060) => {
            ": the service is not installed; `citrix-odata-proxy service install` does that"
        }
        Some(1062) => ": it does not run",
        Some(1063) => {
            ": only the service manager can run this; use `citrix-odata-proxy serve` in a console, or \
             `citrix-odata-proxy service install`"
        }
        Some(1072) => {
            ": it is being removed; close services.msc and other windows that show it, and wait until it has stopped"
        }
        Some(1073) => {
            ": it is installed already; to change its flags, remove it with `citrix-odata-proxy service uninstall` first"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers_come_with_advice() {
        for (number, words) in [
            (5, "Run as administrator"),
            (1057, "leave `--account` out"),
            (1060, "service install"),
            (1063, "`citrix-odata-proxy serve`"),
            (1072, "close services.msc"),
            (1073, "service uninstall"),
        ] {
            let error = ServiceError::Manager {
                what: "open the service",
                source: io::Error::from_raw_os_error(number),
            };
            let text = error.to_string();
            assert!(text.starts_with("the service manager refused to open the service: "));
            assert!(text.contains(words), "{number}: {text}");
        }
        let unknown = advice(&io::Error::from_raw_os_error(1));
        assert_eq!(unknown, "");
    }
}
