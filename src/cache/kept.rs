//! An entry in its place in the cache.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::entry::Entry;
use super::policy;

/// An entry in its place in the cache.
#[derive(Debug)]
pub(super) struct Kept<E> {
    pub(super) entry: Arc<Entry>,
    /// When its oldest page was asked for by the steady clock, which did not yet go then, perhaps: so much earlier.
    asked_at: (Instant, Duration),
    /// How often it was given.
    hits: AtomicU64,
    lapse: Mutex<Option<Lapse<E>>>,
}

/// No new answer could be had in its place.
#[derive(Debug)]
struct Lapse<E> {
    error: E,
    /// In a row.
    failures: u32,
    /// Nobody tries again before.
    until: Instant,
}

impl<E: Clone> Kept<E> {
    /// An entry whose oldest page was asked for at this moment.
    pub(super) fn new(entry: Arc<Entry>, asked_at: Instant) -> Arc<Self> {
        Arc::new(Self {
            entry,
            asked_at: (asked_at, Duration::ZERO),
            hits: AtomicU64::new(0),
            lapse: Mutex::new(None),
        })
    }

    /// Another form of the same entry.
    pub(super) fn moved(&self, entry: Arc<Entry>) -> Arc<Self> {
        let mut lapse = self.lapse();
        Arc::new(Self {
            entry,
            asked_at: self.asked_at,
            hits: AtomicU64::new(self.hits()),
            lapse: Mutex::new(lapse.take()),
        })
    }

    /// Time since its oldest page was asked for. The wall clock may be set back; the steady clock stands still on some
    /// systems while the machine sleeps. Whichever is further, counts.
    pub(super) fn age(&self, wall: Timestamp, steady: Instant) -> Duration {
        let by_wall = wall.duration_since(self.entry.facts.fetched_at);
        let by_wall = Duration::try_from(by_wall).unwrap_or_default();
        let (at, earlier) = self.asked_at;
        let by_steady = steady.saturating_duration_since(at);
        by_wall.max(by_steady.saturating_add(earlier))
    }

    pub(super) fn count_hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// A new answer could not be had; `asked` is the pause that upstream wants.
    pub(super) fn failed(&self, error: E, asked: Option<Duration>, now: Instant) {
        let mut lapse = self.lapse();
        let failures = lapse.as_ref().map_or(0, |lapse| lapse.failures);
        let failures = failures.saturating_add(1);
        let until = now + policy::pause(failures, asked);
        *lapse = Some(Lapse {
            error,
            failures,
            until,
        });
    }

    /// Why no new answer could be had the last time.
    pub(super) fn failure(&self) -> Option<E> {
        self.lapse().as_ref().map(|lapse| lapse.error.clone())
    }

    /// The same, as long as it is too early to try again.
    pub(super) fn pausing(&self, now: Instant) -> Option<E> {
        let lapse = self.lapse();
        let lapse = lapse.as_ref().filter(|lapse| now < lapse.until)?;
        Some(lapse.error.clone())
    }

    fn lapse(&self) -> MutexGuard<'_, Option<Lapse<E>>> {
        self.lapse.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
