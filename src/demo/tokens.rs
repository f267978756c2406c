//! Tokens: opaque words that are good for a while.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::estate::dice::mix;

/// The tokens that have been given out.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    issued: u64,
    good_until: HashMap<String, Timestamp>,
}

impl Tokens {
    /// Makes a token.
    pub(crate) fn issue(&self, seed: u64, now: Timestamp, lifetime: Duration) -> String {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.issued += 1;
        let number = inner.issued;
        let part = |salt| mix(seed, number, salt);
        let token = format!("ey.{:016x}{:016x}.{:016x}", part(1), part(2), part(3));
        let end = SignedDuration::try_from(lifetime)
            .ok()
            .and_then(|lifetime| now.checked_add(lifetime).ok())
            .unwrap_or(Timestamp::MAX);
        inner.good_until.retain(|_, end| *end > now);
        inner.good_until.insert(token.clone(), end);
        token
    }

    pub(crate) fn good(&self, token: &str, now: Timestamp) -> bool {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.good_until.get(token).is_some_and(|end| *end > now)
    }

    /// Makes all tokens worthless.
    pub(crate) fn revoke(&self) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.good_until.clear();
    }
}
