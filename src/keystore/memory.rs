//! A credential store for tests, in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use secrecy::SecretString;

use super::{Keystore, KeystoreError};

/// A store that works, or one that fails whatever it is asked.
#[derive(Debug, Default)]
pub(crate) struct MemoryKeystore {
    secrets: Mutex<BTreeMap<String, SecretString>>,
    failure: Option<KeystoreError>,
}

impl MemoryKeystore {
    /// One that cannot be reached.
    pub(crate) fn absent() -> Self {
        Self {
            failure: Some(KeystoreError::Absent {
                cause: "no bus".to_owned(),
            }),
            ..Self::default()
        }
    }

    /// One with a secret in it.
    pub(crate) fn with(client_id: &str, secret: &str) -> Self {
        let store = Self::default();
        store.write(client_id, &secret.into()).unwrap();
        store
    }

    fn secrets<T>(
        &self,
        work: impl FnOnce(&mut BTreeMap<String, SecretString>) -> T,
    ) -> Result<T, KeystoreError> {
        match &self.failure {
            Some(failure) => Err(failure.clone()),
            None => Ok(work(&mut self.secrets.lock().unwrap())),
        }
    }
}

impl Keystore for MemoryKeystore {
    fn read(&self, client_id: &str) -> Result<Option<SecretString>, KeystoreError> {
        self.secrets(|secrets| secrets.get(client_id).cloned())
    }

    fn write(&self, client_id: &str, secret: &SecretString) -> Result<(), KeystoreError> {
        self.secrets(|secrets| drop(secrets.insert(client_id.to_owned(), secret.clone())))
    }

    fn remove(&self, client_id: &str) -> Result<bool, KeystoreError> {
        self.secrets(|secrets| secrets.remove(client_id).is_some())
    }
}
