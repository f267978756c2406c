//! The fills that run, and which of them can be joined: one a key.
//!
//! One that has stood still is not joined. A lone client may stop reading for hours, and the fill waits for it; the rows before
//! and after would be of very different ages. It is not the age of a fill that counts, but its longest standstill (more than
//! the time to live, a minute at least): long scans are shared.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Failure;
use super::key::CacheKey;
use super::spool::{Reader, Spool};
use super::watch::Running;

/// The fills that run.
///
/// INVARIANT: only a fill that is on the list can be joined, and only such a fill's answer is stored. What
/// takes one off the list (a purge, another fill in its place) thereby keeps its answer out of the cache.
#[derive(Debug)]
pub(super) struct Fills<E>(Mutex<List<E>>);

#[derive(Debug)]
pub(super) struct List<E> {
    /// Those that can be joined.
    spools: HashMap<CacheKey, Arc<Spool<E>>>,
    /// All, in the order in which they began.
    running: BTreeMap<u64, (CacheKey, Arc<Spool<E>>)>,
    ever: u64,
}

impl<E: Failure> Fills<E> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(List {
            spools: HashMap::new(),
            running: BTreeMap::new(),
            ever: 0,
        })))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, List<E>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many run, on the list or not.
    pub(super) fn count(&self) -> usize {
        self.lock().running.len()
    }

    /// What those answer that can be joined.
    pub(super) fn keys(&self) -> HashSet<CacheKey> {
        self.lock().spools.keys().cloned().collect()
    }

    /// Those that run, on the list or not, in the order in which they began.
    pub(super) fn running(&self) -> Vec<Running> {
        let list = self.lock();
        let running = list.running.values().map(|(key, spool)| Running {
            key: key.clone(),
            progress: Arc::clone(spool.progress()),
            readers: spool.readers(),
        });
        running.collect()
    }

    /// Takes those off the list for whose key `matches` holds. They run on for those who read them.
    pub(super) fn unlist(&self, matches: impl Fn(&CacheKey) -> bool) {
        let mut list = self.lock();
        for (_, spool) in list.spools.extract_if(|key, _| matches(key)) {
            spool.unlist();
        }
    }
}

impl<E: Failure> List<E> {
    /// Joins the fill of that key, when there is one that still can be joined.
    pub(super) fn join(&self, key: &CacheKey) -> Option<Reader<E>> {
        self.spools.get(key).and_then(Spool::join)
    }

    /// Whether a fill of that key runs whose answer will be stored, if it ends well.
    pub(super) fn is_listed(&self, key: &CacheKey) -> bool {
        self.spools.contains_key(key)
    }

    fn holds(&self, key: &CacheKey, spool: &Arc<Spool<E>>) -> bool {
        let listed = self.spools.get(key);
        listed.is_some_and(|listed| Arc::ptr_eq(listed, spool))
    }
}

/// A fill that runs, on the list from its beginning. Leaves no reader waiting when it is dropped half-way,
/// as it is when the program stops.
#[derive(Debug)]
pub(super) struct Listed<E: Failure> {
    fills: Arc<Fills<E>>,
    /// Its number among all that ever ran.
    id: u64,
    key: CacheKey,
    pub(super) spool: Arc<Spool<E>>,
}

impl<E: Failure> Listed<E> {
    /// Puts a fill on `list`, which is that of `fills`, in place of one that cannot be joined any more.
    pub(super) fn new(
        fills: &Arc<Fills<E>>,
        list: &mut List<E>,
        key: CacheKey,
        spool: Arc<Spool<E>>,
    ) -> Self {
        let id = list.ever;
        list.ever += 1;
        if let Some(other) = list.spools.insert(key.clone(), Arc::clone(&spool)) {
            other.unlist();
        }
        list.running.insert(id, (key.clone(), Arc::clone(&spool)));
        Self {
            fills: Arc::clone(fills),
            id,
            key,
            spool,
        }
    }

    /// What it answers.
    pub(super) fn key(&self) -> &CacheKey {
        &self.key
    }

    /// Stores the answer by `store` and takes the fill off the list, in one step: whoever comes then, finds
    /// the one or the other. A fill that is not on the list any more stores nothing.
    pub(super) fn store(&self, store: impl FnOnce(CacheKey)) {
        let mut list = self.fills.lock();
        if list.holds(&self.key, &self.spool) {
            store(self.key.clone());
            list.spools.remove(&self.key);
        }
    }

    /// Does this, unless the fill is not on the list any more.
    pub(super) fn if_listed(&self, act: impl FnOnce(&CacheKey)) {
        let list = self.fills.lock();
        if list.holds(&self.key, &self.spool) {
            act(&self.key);
        }
    }
}

impl<E: Failure> Drop for Listed<E> {
    fn drop(&mut self) {
        self.spool.interrupt();
        let mut list = self.fills.lock();
        list.running.remove(&self.id);
        // After this one was purged, deserted, or outgrew what is kept, another may have taken its place.
        if list.holds(&self.key, &self.spool) {
            list.spools.remove(&self.key);
        }
    }
}
