//! Between memory and disk: what is stored in memory is written to disk, and comes back from there.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::entry::Entry;
use super::fills::Listed;
use super::kept::Kept;
use super::shelf::{Job, Recalled};
use super::wish::Wish;
use super::{Cache, CacheKey, Failure};

impl<E: Failure> Cache<E> {
    /// Has the answer to `key` read from disk, when it is there, is not in memory, and may be of use to this client. To be
    /// called before [`Cache::find`], which waits for nothing and looks in memory only.
    pub async fn recall(&self, key: &CacheKey, wish: &Wish) {
        let Some(disk) = &self.shelf else { return };
        let is_pointless = wish.directives.no_cache || wish.lifetime.fresh.is_zero();
        if is_pointless || self.is_at_hand(key) {
            return;
        }
        let Some(turn) = disk.turn(key, wish).await else {
            return;
        };
        // Whoever had the turn before may have brought it.
        if !self.is_at_hand(key)
            && let Some(recalled) = disk.recall(key, wish).await
        {
            self.put_back(key, recalled);
        }
        drop(turn);
    }

    /// Waits until what was stored by now is on disk, where it can be; not for long. To be called when nobody asks any more.
    pub async fn settle(&self) {
        if let Some(disk) = &self.shelf
            && timeout(SETTLE_MAX, disk.settle()).await.is_err()
        {
            tracing::warn!("not all answers were stored on disk in time");
        }
    }

    /// Forgets the answers for which `matches` holds; returns how many. Those that are being made are given
    /// to those who wait for them already, and to nobody else.
    pub async fn purge(
        &self,
        matches: impl Fn(&CacheKey) -> bool + Clone + Send + 'static,
    ) -> usize {
        // First, so that no fill stores an old answer behind the look at the stored ones.
        self.fills.unlist(&matches);
        // Then, so that none comes back from disk.
        let disk = self.shelf.as_ref();
        let purging = disk.map(|disk| (disk, disk.begin_purge(&matches)));
        let mut purged = self.purge_memory(&matches);
        if let Some((disk, purging)) = purging {
            purged.extend(disk.purge(purging, matches).await);
        }
        purged.len()
    }

    fn purge_memory(&self, matches: impl Fn(&CacheKey) -> bool) -> HashSet<CacheKey> {
        let keys = self.entries.iter().map(|(key, _)| key);
        let keys: Vec<_> = keys.filter(|key| matches(key)).collect();
        // Entries are replaced under this lock.
        let list = self.fills.lock();
        let purged = keys
            .iter()
            .filter(|key| self.entries.remove(key.as_ref()).is_some())
            .map(|key| key.as_ref().clone())
            .collect();
        drop(list);
        // Their files would stay open until somebody else changes something.
        self.entries.run_pending_tasks();
        purged
    }

    /// Stores an answer that was made, in memory and on disk; returns whether it did.
    pub(super) fn keep(&self, listed: &Listed<E>, kept: Arc<Kept<E>>) -> bool {
        let disk = self.shelf.as_ref();
        let seat = disk.and_then(|disk| disk.seat(listed.key(), &kept.entry));
        // Such an entry is in memory, or in a temporary file, only until it has a file of its own.
        let is_large = disk.is_some_and(|disk| disk.is_large(&kept.entry));
        if is_large && seat.is_none() {
            return false;
        }
        let mut stored = false;
        listed.store(|key| {
            stored = true;
            self.entries.insert(key.clone(), Arc::clone(&kept));
            let (Some(disk), Some(seat)) = (disk, seat) else {
                return self.forget_on_disk(&key);
            };
            let (cache, of) = (self.clone(), key.clone());
            disk.write(seat, &key, |begun| Job {
                key: key.clone(),
                entry: Arc::clone(&kept.entry),
                asked: kept.asked,
                used: Arc::clone(&kept.used),
                begun,
                then: is_large.then(|| {
                    let replace = move |entry| cache.replace(&of, &kept, entry);
                    Box::new(replace) as Box<dyn FnOnce(_) + Send>
                }),
            });
        });
        stored
    }

    /// There is a newer answer in memory, or none any more.
    pub(super) fn forget_on_disk(&self, key: &CacheKey) {
        if let Some(disk) = &self.shelf {
            disk.forget(key);
        }
    }

    /// Whether there is nothing to look for on disk.
    fn is_at_hand(&self, key: &CacheKey) -> bool {
        self.entries.contains_key(key) || self.fills.lock().is_listed(key)
    }

    /// Puts an answer from disk into memory, unless it was purged or replaced meanwhile.
    fn put_back(&self, key: &CacheKey, recalled: Recalled) {
        let Recalled {
            entry,
            asked,
            used,
            begun,
        } = recalled;
        let kept = Kept::new(entry, asked, used);
        // Fills store under this lock.
        let _list = self.fills.lock();
        begun.finish(|| {
            if !self.entries.contains_key(key) {
                self.entries.insert(key.clone(), kept);
                self.counters.recalled();
            }
        });
    }

    /// Puts another form of an entry in its place, or takes it out when there is none, unless it is not there any more.
    pub(super) fn replace(&self, key: &CacheKey, kept: &Arc<Kept<E>>, entry: Option<Arc<Entry>>) {
        let list = self.fills.lock();
        let is_there = self
            .entries
            .get(key)
            .is_some_and(|other| Arc::ptr_eq(&other, kept));
        match entry {
            Some(entry) if is_there => self.entries.insert(key.clone(), kept.moved(entry)),
            None if is_there => self.entries.invalidate(key),
            _ => {}
        }
        drop(list);
        // Else the old one, and its temporary file with it, would stay until somebody else changes something.
        self.entries.run_pending_tasks();
    }
}

/// How long to wait for answers to be written at the end.
const SETTLE_MAX: Duration = Duration::from_secs(5);
