//! What is being written to disk and read from it, so that a purge can stop it.
//!
//! INVARIANT: what began before a purge, or before a newer answer to the same key, is not brought to its end after it:
//! the last step of each is done under the lock, and only while it is still listed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::cache::CacheKey;

/// What is being written and read.
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<List>);

#[derive(Debug, Default)]
struct List {
    ever: u64,
    begun: BTreeMap<u64, Step>,
    /// Purges under way: nothing is read meanwhile, because it might be on its way out.
    purges: usize,
}

#[derive(Debug)]
struct Step {
    key: CacheKey,
    writes: bool,
}

/// Something that was begun. Off the list when dropped.
#[derive(Debug)]
pub(in crate::cache) struct Begun {
    pending: Arc<Pending>,
    number: u64,
}

/// A purge under way.
#[derive(Debug)]
pub(in crate::cache) struct Purging {
    pending: Arc<Pending>,
    /// What was begun before it has a smaller number.
    pub(super) number: u64,
}

impl Pending {
    fn lock(&self) -> MutexGuard<'_, List> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to write the answer to `key`. Whatever else was begun for it, is of no use any more.
    pub(super) fn write(self: &Arc<Self>, key: &CacheKey) -> Begun {
        let mut list = self.lock();
        list.begun.retain(|_, step| step.key != *key);
        self.begin(&mut list, key, true)
    }

    /// Begins to read the answer to `key`; `None` while something is being purged, or a newer answer to that key is being
    /// written: the file still holds the older one.
    pub(super) fn read(self: &Arc<Self>, key: &CacheKey) -> Option<Begun> {
        let mut list = self.lock();
        let mut steps = list.begun.values();
        let is_free = list.purges == 0 && !steps.any(|step| step.writes && step.key == *key);
        is_free.then(|| self.begin(&mut list, key, false))
    }

    fn begin(self: &Arc<Self>, list: &mut List, key: &CacheKey, writes: bool) -> Begun {
        list.ever += 1;
        let number = list.ever;
        let key = key.clone();
        list.begun.insert(number, Step { key, writes });
        Begun {
            pending: Arc::clone(self),
            number,
        }
    }

    /// Stops what was begun for `key`.
    pub(super) fn stop(&self, key: &CacheKey) {
        self.lock().begun.retain(|_, step| step.key != *key);
    }

    /// Stops what was begun for the keys that match, and keeps anything else from being read for as long as what is
    /// returned is there.
    pub(super) fn purge(self: &Arc<Self>, matches: impl Fn(&CacheKey) -> bool) -> Purging {
        let mut list = self.lock();
        list.begun.retain(|_, step| !matches(&step.key));
        list.purges += 1;
        list.ever += 1;
        Purging {
            pending: Arc::clone(self),
            number: list.ever,
        }
    }
}

impl Begun {
    /// Which one it is: those that begin later have larger numbers.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Does the last step, unless it was stopped. Nothing can be stopped meanwhile, so it must be short.
    pub(in crate::cache) fn finish<R>(&self, step: impl FnOnce() -> R) -> Option<R> {
        let list = self.pending.lock();
        list.begun.contains_key(&self.number).then(step)
    }

    /// Whether it was stopped.
    pub(super) fn is_stopped(&self) -> bool {
        !self.pending.lock().begun.contains_key(&self.number)
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.pending.lock().begun.remove(&self.number);
    }
}

impl Drop for Purging {
    fn drop(&mut self) {
        self.pending.lock().purges -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::odata::name::{EntitySet, SiteId};
    use crate::odata::question::Question;
    use crate::odata::representation::Representation;

    fn key(set: &str) -> CacheKey {
        let question = Question::collection(EntitySet::new(set).unwrap());
        let site = SiteId::new("main").unwrap();
        CacheKey::new(site, question, Representation::default(), None)
    }

    #[test]
    fn what_began_before_a_purge_does_not_end_after_it() {
        let pending = Arc::<Pending>::default();
        let written = pending.write(&key("Users"));
        let read = pending.read(&key("Applications")).unwrap();
        let other = pending.write(&key("Machines"));
        let purging = pending.purge(|key| key.set().is_some_and(|set| set.as_str() != "Machines"));
        assert!(written.is_stopped() && !other.is_stopped());
        // What is read now may be on its way out; what is written now is new.
        assert!(pending.read(&key("Machines")).is_none());
        let new = pending.write(&key("Users"));
        assert!(written.number() < purging.number && purging.number < new.number());
        drop(purging);
        assert!(pending.read(&key("Machines")).is_none());
        assert!(pending.read(&key("Applications")).is_some());
        let ends = [written, read, other, new].map(|begun| begun.finish(|| ()).is_some());
        assert_eq!(ends, [false, false, true, true]);
    }

    #[test]
    fn a_newer_answer_stops_what_was_begun_with_an_older_one() {
        let pending = Arc::<Pending>::default();
        let read = pending.read(&key("Users")).unwrap();
        let older = pending.write(&key("Users"));
        let newer = pending.write(&key("Users"));
        assert!(pending.read(&key("Users")).is_none());
        assert_eq!(read.finish(|| ()), None);
        assert_eq!(older.finish(|| ()), None);
        assert_eq!(newer.finish(|| ()), Some(()));
        drop(newer);
        assert!(pending.read(&key("Users")).is_some());
        let last = pending.write(&key("Users"));
        pending.stop(&key("Users"));
        assert!(last.is_stopped());
    }
}
