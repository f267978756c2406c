//! Why a credential store did not do what it was asked, and what an administrator can do.

use std::time::Duration;

/// Why a credential store did not do what it was asked. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeystoreError {
    /// There is no store, or it is not for this account's session.
    #[error("the system's credential store cannot be reached: {cause}")]
    Absent {
        /// In the words of the platform.
        cause: String,
    },
    /// It is locked, or the person who was asked said no.
    #[error("the system's credential store denies access: {cause}")]
    Denied {
        /// In the words of the platform.
        cause: String,
    },
    /// No answer in time.
    #[error(
        "the system's credential store gave no answer within {}",
        humantime::format_duration(*waited)
    )]
    Silent {
        /// The limit.
        waited: Duration,
    },
    /// The secret is longer than the store allows.
    #[error(
        "the secret is longer than the {max} characters that the system's credential store takes"
    )]
    TooLong {
        /// The limit.
        max: u32,
    },
    /// What is stored is not what was put there by this program.
    #[error("the entry in the system's credential store is no client secret: {cause}")]
    Strange {
        /// What it is instead.
        cause: &'static str,
    },
    /// Whatever else the platform has to say.
    #[error("the system's credential store failed: {cause}")]
    Failed {
        /// In the words of the platform.
        cause: String,
    },
}

impl KeystoreError {
    /// What to do, in the words of the platform that the program was built for.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "keep the secret in a file, and name it as client_secret_file",
            Self::Strange { .. } => "store it anew with `citrix-odata-proxy secret set`",
            _ => PLATFORM_HINT,
        }
    }
}

impl From<keyring::Error> for KeystoreError {
    /// Never by `Debug`: some errors carry what was read.
    fn from(error: keyring::Error) -> Self {
        use keyring::Error;
        match error {
            Error::NoStorageAccess(cause) => Self::Denied {
                cause: cause.to_string(),
            },
            Error::PlatformFailure(cause) => Self::Failed {
                cause: cause.to_string(),
            },
            Error::TooLong(_, max) => Self::TooLong { max },
            Error::BadEncoding(_) => Self::Strange {
                cause: "it is not text",
            },
            Error::BadDataFormat(..) | Error::BadStoreFormat(_) => Self::Strange {
                cause: "its format is unknown",
            },
            Error::Ambiguous(_) => Self::Strange {
                cause: "several entries have its name",
            },
            Error::NoDefaultStore => Self::Absent {
                cause: "it was not set up".to_owned(),
            },
            Error::Invalid(what, why) => Self::Failed {
                cause: format!("{what} {why}"),
            },
            Error::NotSupportedByStore(why) => Self::Failed { cause: why },
            _ => Self::Failed {
                cause: "for a reason that has no name".to_owned(),
            },
        }
    }
}

const PLATFORM_HINT: &str = if cfg!(windows) {
    "the Windows Credential Manager belongs to one account: run this as the account that runs the proxy, with its \
     profile loaded, or keep the secret in a file, and name it as client_secret_file"
} else if cfg!(target_os = "macos") {
    "unlock the login keychain and allow access when macOS asks, or keep the secret in a file, and name it as \
     client_secret_file"
} else {
    "a Secret Service (GNOME Keyring, KWallet, KeePassXC) must run, unlocked, in the session of this account; where \
     there is none, as on most servers, keep the secret in a file, and name it as client_secret_file"
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_to_do_and_hold_nothing_that_was_read() {
        let cause = || "because".into();
        let cases = [
            (keyring::Error::PlatformFailure(cause()), "failed: because"),
            (
                keyring::Error::NoStorageAccess(cause()),
                "denies access: because",
            ),
            (
                keyring::Error::BadEncoding(b"hunter2".to_vec()),
                "it is not text",
            ),
            (
                keyring::Error::BadDataFormat(b"hunter2".to_vec(), cause()),
                "its format is unknown",
            ),
            (keyring::Error::TooLong("password".to_owned(), 1280), "1280"),
            (keyring::Error::NoDefaultStore, "cannot be reached"),
            (
                keyring::Error::Invalid("user".to_owned(), "is empty".to_owned()),
                "user is empty",
            ),
        ];
        for (error, words) in cases {
            let error = KeystoreError::from(error);
            let told = format!("{error} {error:?}");
            assert!(told.contains(words), "{told}");
            assert!(
                !told.contains("hunter2") && !told.contains("104, 117"),
                "{told}"
            );
            assert!(error.hint().contains("client_secret") || error.hint().contains("secret set"));
        }
    }
}
