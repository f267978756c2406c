//! An entry in its place in the cache.
//!
//! A refresh that fails is an event of the entry, not of the client who caused it: the entry keeps the reason and the pause,
//! tells both to whoever asks meanwhile, and loses them with the next answer that comes. What upstream refuses, as opposed to
//! failing at it, takes the entry along.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::entry::Entry;
use super::policy;

/// An entry in its place in the cache.
#[derive(Debug)]
pub(super) struct Kept<E> {
    pub(super) entry: Arc<Entry>,
    pub(super) asked: Asked,
    /// Shared with what is known of its file, so that an answer that is given from memory is in use on disk, too.
    pub(super) used: Arc<Used>,
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

/// When an answer's oldest page was asked for, by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    wall: Timestamp,
    steady: Instant,
    /// The steady clock did not yet go then: it was so much earlier.
    earlier: Duration,
}

impl Asked {
    /// At this moment.
    pub(super) fn at(wall: Timestamp, steady: Instant) -> Self {
        let earlier = Duration::ZERO;
        Self {
            wall,
            steady,
            earlier,
        }
    }

    /// At `wall`, before this program began; it is `now` by both clocks. `None` when that is in the future: the clock
    /// was set back, and nobody knows how old the answer is.
    pub(super) fn before(wall: Timestamp, now: (Timestamp, Instant)) -> Option<Self> {
        let earlier = match Duration::try_from(now.0.duration_since(wall)) {
            Ok(age) => age,
            Err(_) if wall.duration_since(now.0) <= AHEAD_MAX => Duration::ZERO,
            Err(_) => return None,
        };
        let steady = now.1;
        Some(Self {
            wall,
            steady,
            earlier,
        })
    }

    /// By the wall clock.
    pub(super) fn wall(&self) -> Timestamp {
        self.wall
    }

    /// Time since then. The wall clock may be set back; the steady clock stands still on some systems while the machine
    /// sleeps. Whichever is further, counts.
    pub(super) fn age(&self, wall: Timestamp, steady: Instant) -> Duration {
        let by_wall = wall.duration_since(self.wall);
        let by_wall = Duration::try_from(by_wall).unwrap_or_default();
        let by_steady = steady.saturating_duration_since(self.steady);
        by_wall.max(by_steady.saturating_add(self.earlier))
    }
}

/// When an answer was given the last time, by the wall clock, in milliseconds since 1970.
#[derive(Debug)]
pub(super) struct Used(AtomicI64);

impl Used {
    pub(super) fn at(moment: Timestamp) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(moment.as_millisecond())))
    }

    /// It is given now.
    pub(super) fn touch(&self, now: Timestamp) {
        self.0.store(now.as_millisecond(), Ordering::Relaxed);
    }

    /// Time since then; zero when the clock was set back.
    pub(super) fn since(&self, now: Timestamp) -> Duration {
        let passed = now.as_millisecond().saturating_sub(self.milliseconds());
        Duration::from_millis(passed.try_into().unwrap_or(0))
    }

    pub(super) fn milliseconds(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl<E: Clone> Kept<E> {
    /// An entry whose oldest page was asked for then, and which was last used then.
    pub(super) fn new(entry: Arc<Entry>, asked: Asked, used: Arc<Used>) -> Arc<Self> {
        Arc::new(Self {
            entry,
            asked,
            used,
            hits: AtomicU64::new(0),
            lapse: Mutex::new(None),
        })
    }

    /// Another form of the same entry.
    pub(super) fn moved(&self, entry: Arc<Entry>) -> Arc<Self> {
        let mut lapse = self.lapse();
        Arc::new(Self {
            entry,
            asked: self.asked,
            used: Arc::clone(&self.used),
            hits: AtomicU64::new(self.hits()),
            lapse: Mutex::new(lapse.take()),
        })
    }

    /// Time since its oldest page was asked for.
    pub(super) fn age(&self, wall: Timestamp, steady: Instant) -> Duration {
        self.asked.age(wall, steady)
    }

    /// It is given now.
    pub(super) fn count_hit(&self, now: Timestamp) {
        self.used.touch(now);
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// A new answer could not be had; `asked` is the pause that upstream wants.
    pub(super) fn failed(&self, error: E, asked: Option<Duration>, now: Instant) {
        let mut lapse = self.lapse();
        // Clients that insist fail together; that is one failure.
        let failures = match &*lapse {
            Some(lapse) if now < lapse.until => lapse.failures,
            Some(lapse) => lapse.failures.saturating_add(1),
            None => 1,
        };
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

/// Clocks that are set by the network go back a little now and then.
const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(1);
