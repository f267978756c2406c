//! The store of the platform: Credential Manager, Keychain, Secret Service.
//!
//! The platforms' calls block, may ask a person, and on Linux run an executor of their own; so each is made on a thread
//! of its own, which is left behind when it does not answer in time.

use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use keyring::Entry;
use secrecy::{ExposeSecret, SecretString};

use super::{Keystore, KeystoreError};

/// The platform's credential store, as the account that runs the program sees it.
#[derive(Debug)]
pub struct SystemKeystore {
    /// How long one call may take once the store was reached.
    patience: Duration,
    /// Why it is of no use. Asking again would only take the same time again.
    broken: Mutex<Option<KeystoreError>>,
}

impl SystemKeystore {
    /// The store. Nothing is asked of it yet.
    pub fn new() -> Self {
        let attended = io::stdin().is_terminal() && io::stderr().is_terminal();
        Self {
            patience: if attended { ATTENDED } else { UNATTENDED },
            broken: Mutex::new(None),
        }
    }

    /// Does `work` with the entry of `client_id`.
    fn ask<T: Send + 'static>(
        &self,
        client_id: &str,
        work: impl FnOnce(&Entry) -> keyring::Result<T> + Send + 'static,
    ) -> Result<T, KeystoreError> {
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = broken.as_ref() {
            return Err(error.clone());
        }
        let client_id = client_id.to_owned();
        let done = within(REACHED, reach).and_then(|()| {
            within(self.patience, move || {
                Ok(work(&Entry::new(SERVICE, &client_id)?)?)
            })
        });
        if let Err(error @ (KeystoreError::Absent { .. } | KeystoreError::Silent { .. })) = &done {
            *broken = Some(error.clone());
        }
        done
    }
}

impl Default for SystemKeystore {
    fn default() -> Self {
        Self::new()
    }
}

impl Keystore for SystemKeystore {
    fn read(&self, client_id: &str) -> Result<Option<SecretString>, KeystoreError> {
        self.ask(client_id, |entry| match entry.get_password() {
            Ok(secret) => Ok(Some(secret.into())),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        })
    }

    fn write(&self, client_id: &str, secret: &SecretString) -> Result<(), KeystoreError> {
        let secret = secret.clone();
        self.ask(client_id, move |entry| {
            entry.set_password(secret.expose_secret())
        })
    }

    fn remove(&self, client_id: &str) -> Result<bool, KeystoreError> {
        self.ask(client_id, |entry| match entry.delete_credential() {
            Ok(()) => Ok(true),
            Err(keyring::Error::NoEntry) => Ok(false),
            Err(error) => Err(error),
        })
    }
}

/// Connects to the store; the first call does it for all.
fn reach() -> Result<(), KeystoreError> {
    let status = Entry::store_status().as_ref();
    status.map_err(|error| KeystoreError::Absent {
        cause: match error {
            keyring::Error::PlatformFailure(cause) | keyring::Error::NoStorageAccess(cause) => {
                cause.to_string()
            }
            other => other.to_string(),
        },
    })?;
    Ok(())
}

/// Does `work`, and waits for it for `patience` at most.
fn within<T: Send + 'static>(
    patience: Duration,
    work: impl FnOnce() -> Result<T, KeystoreError> + Send + 'static,
) -> Result<T, KeystoreError> {
    let (done, result) = mpsc::sync_channel(1);
    let thread = thread::Builder::new().name("keystore".to_owned());
    let started = thread.spawn(move || {
        // Nobody may wait for it any more.
        drop(done.send(work()));
    });
    started.map_err(|error| KeystoreError::Failed {
        cause: error.to_string(),
    })?;
    match result.recv_timeout(patience) {
        Ok(done) => done,
        Err(mpsc::RecvTimeoutError::Timeout) => Err(KeystoreError::Silent { waited: patience }),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(KeystoreError::Failed {
            cause: "the call was given up".to_owned(),
        }),
    }
}

/// What all entries of this program have in common.
const SERVICE: &str = "citrix-odata-proxy";

/// For the connection to the store, which asks nobody.
const REACHED: Duration = Duration::from_secs(5);

/// For a call, when nobody is there to unlock the store.
const UNATTENDED: Duration = Duration::from_secs(5);

/// For a call, when a person may have to type a password or to allow access.
const ATTENDED: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_no_longer_than_it_has_patience() {
        let (_kept, never) = mpsc::channel::<()>();
        let patience = Duration::from_millis(1);
        let result = within(patience, move || Ok(never.recv().is_ok()));
        assert_eq!(result, Err(KeystoreError::Silent { waited: patience }));
    }

    #[test]
    fn a_call_that_fails_or_panics_is_an_error() {
        let strange = KeystoreError::Strange { cause: "no" };
        let result: Result<(), _> = within(UNATTENDED, || Err(strange));
        assert_eq!(result, Err(KeystoreError::Strange { cause: "no" }));
        let result: Result<(), _> = within(UNATTENDED, || panic!("on purpose"));
        assert!(
            matches!(result, Err(KeystoreError::Failed { .. })),
            "{result:?}"
        );
    }

    #[test]
    fn a_store_that_is_broken_is_not_asked_again() {
        let broken = KeystoreError::Silent { waited: REACHED };
        let store = SystemKeystore {
            patience: UNATTENDED,
            broken: Mutex::new(Some(broken.clone())),
        };
        assert_eq!(store.read("client-1").unwrap_err(), broken);
        assert_eq!(store.write("client-1", &"x".into()).unwrap_err(), broken);
        assert_eq!(store.remove("client-1").unwrap_err(), broken);
    }
}
