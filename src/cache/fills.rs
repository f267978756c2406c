//! The fills that can be joined: one a key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::key::CacheKey;
use super::spool::Spool;

/// The fills that can be joined.
#[derive(Debug)]
pub(super) struct Fills<E>(Mutex<HashMap<CacheKey, Arc<Spool<E>>>>);

impl<E> Fills<E> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::default()))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<CacheKey, Arc<Spool<E>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a fill in the list for as long as it runs, and leaves no reader waiting when the fill is dropped
/// half-way, as it is when the program stops.
#[derive(Debug)]
pub(super) struct Listed<E: Clone> {
    pub(super) fills: Arc<Fills<E>>,
    pub(super) key: CacheKey,
    pub(super) spool: Arc<Spool<E>>,
    /// What its readers are told then.
    pub(super) interrupted: E,
}

impl<E: Clone> Drop for Listed<E> {
    fn drop(&mut self) {
        self.spool.interrupt(&self.interrupted);
        let mut fills = self.fills.lock();
        // After this one was deserted, or outgrew what is kept, another may have taken its place.
        if fills
            .get(&self.key)
            .is_some_and(|spool| Arc::ptr_eq(spool, &self.spool))
        {
            fills.remove(&self.key);
        }
    }
}
