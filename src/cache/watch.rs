//! What can be seen of a cache from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::entry::Entry;
use super::key::CacheKey;
use super::shelf::Shelf;
use super::spool::Progress;
use super::{Cache, Failure};

/// An answer that is being made.
#[derive(Debug, Clone)]
pub struct Running {
    /// What it answers.
    pub key: CacheKey,
    /// How far it has come.
    pub progress: Arc<Progress>,
    /// Clients that wait for it.
    pub readers: usize,
}

/// A stored answer.
#[derive(Debug, Clone)]
pub struct Stored<E> {
    /// What it answers.
    pub key: Arc<CacheKey>,
    /// The answer.
    pub entry: Arc<Entry>,
    /// Time since its oldest page was asked for.
    pub age: Duration,
    /// How often it was given since it was stored.
    pub hits: u64,
    /// Time since it was given last, or made.
    pub idle: Duration,
    /// Whether a new one is being made.
    pub refreshing: bool,
    /// Why no new one could be had the last time.
    pub failure: Option<E>,
}

/// What a cache did since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheCounts {
    /// Answers that had to leave memory for others.
    pub evictions: u64,
    /// Answers that were made in the background.
    pub refreshes: u64,
    /// Those of them that failed.
    pub refreshes_failed: u64,
    /// Answers that came from disk.
    pub recalls: u64,
    /// Stored answers that could not be written to disk, or opened there.
    pub disk_failures: u64,
}

/// Counts while they change.
#[derive(Debug, Default)]
pub(super) struct Counters {
    evictions: AtomicU64,
    refreshes: AtomicU64,
    refreshes_failed: AtomicU64,
    recalls: AtomicU64,
}

impl Counters {
    pub(super) fn recalled(&self) {
        self.recalls.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn evicted(&self) {
        self.evictions.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refreshed(&self, well: bool) {
        self.refreshes.fetch_add(1, Ordering::Relaxed);
        self.refreshes_failed
            .fetch_add((!well).into(), Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> CacheCounts {
        CacheCounts {
            evictions: self.evictions.load(Ordering::Relaxed),
            refreshes: self.refreshes.load(Ordering::Relaxed),
            refreshes_failed: self.refreshes_failed.load(Ordering::Relaxed),
            recalls: self.recalls.load(Ordering::Relaxed),
            disk_failures: 0,
        }
    }
}

impl<E: Failure> Cache<E> {
    /// How many answers are stored in memory, and the bytes that they take.
    pub fn size(&self) -> (u64, u64) {
        self.entries.run_pending_tasks();
        (self.entries.entry_count(), self.entries.weighted_size())
    }

    /// How many answers are stored on disk, and the bytes that they take there; fewer than there are until all of them
    /// were looked at after the start. `None`: none are stored there.
    pub fn disk_size(&self) -> Option<(u64, u64)> {
        self.shelf.as_ref().map(Shelf::size)
    }

    /// The answers that are stored in memory, in no order. Goes through all of them.
    pub fn stored(&self) -> Vec<Stored<E>> {
        self.stored_where(|_, _| true)
    }

    /// Those of them that are `wanted`, by what they answer and how often they were given. Goes through all of them, too,
    /// and is quick where few are wanted.
    pub fn stored_where(&self, wanted: impl Fn(&CacheKey, u64) -> bool) -> Vec<Stored<E>> {
        let (wall, steady) = (self.clock.now(), Instant::now());
        let now = self.uses.at(wall, steady);
        let refreshing = self.fills.keys();
        let all = self.entries.iter();
        let wanted = all.filter(|(key, kept)| wanted(key, kept.hits()));
        let stored = wanted.map(|(key, kept)| Stored {
            entry: Arc::clone(&kept.entry),
            age: kept.age(wall, steady),
            hits: kept.hits(),
            idle: kept.used.since(now),
            refreshing: refreshing.contains(&*key),
            failure: kept.failure(),
            key,
        });
        stored.collect()
    }

    /// The answers that are being made, in the order in which they were begun; those too that nobody can join any more.
    pub fn running(&self) -> Vec<Running> {
        self.fills.running()
    }

    /// How many answers are being made.
    pub fn fills_running(&self) -> usize {
        self.fills.count()
    }

    /// What was done since the start.
    pub fn counts(&self) -> CacheCounts {
        CacheCounts {
            disk_failures: self.shelf.as_ref().map_or(0, Shelf::failures),
            ..self.counters.now()
        }
    }
}
