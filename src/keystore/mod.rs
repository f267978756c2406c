//! Where a client secret rests: the system's credential store, or a file, which on Unix only its owner may read.
//!
//! An entry of the credential store belongs to this program and to one API client, whose id is its name. So two
//! settings files that both call their site `main` do not take each other's secret, a site may be renamed, and two
//! sites of one API client share one entry. The store itself is that of the account: another account has another one.
//!
//! INVARIANT: nothing here waits without a bound, and no error holds a secret. This room knows neither settings nor
//! sites.

mod error;
mod file;
#[cfg(test)]
pub(crate) mod memory;
mod system;

use std::fmt::Debug;

use secrecy::SecretString;

pub use error::KeystoreError;
pub use file::{is_open_to_others, write_file};
pub use system::SystemKeystore;

/// A credential store. Its calls block, for a minute at most when a person has to unlock it.
pub trait Keystore: Debug + Send + Sync {
    /// The secret of an API client; `None` when there is none.
    fn read(&self, client_id: &str) -> Result<Option<SecretString>, KeystoreError>;

    /// Stores the secret of an API client in place of the one before.
    fn write(&self, client_id: &str, secret: &SecretString) -> Result<(), KeystoreError>;

    /// Forgets the secret of an API client, and says whether there was one.
    fn remove(&self, client_id: &str) -> Result<bool, KeystoreError>;
}
