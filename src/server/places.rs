//! Places for connections: how many there may be, and which one makes room for another.
//!
//! Whoever opens connections and says nothing must not keep others out: when all places are taken, the connection that has
//! been idle for longest makes room. One with a request under way never does.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// All places; clones share them.
#[derive(Debug, Clone)]
pub(super) struct Places(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: usize,
    taken: Mutex<Taken>,
    /// Connections that wait for a place.
    waiting: AtomicUsize,
    /// A connection is closed, or idle.
    changed: Notify,
    began: Instant,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    places: BTreeMap<u64, Arc<State>>,
    /// Connections that gave up their place and are not closed yet.
    closing: usize,
}

/// A connection's place; free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    number: u64,
    state: Arc<State>,
}

/// What is known of a connection.
#[derive(Debug)]
pub(super) struct State {
    all: Arc<Shared>,
    /// Requests whose answer is not at its end.
    under_way: AtomicUsize,
    /// Whether the client is slow to take what has been written.
    is_behind: AtomicBool,
    /// Requests of which something was given out, and nothing more has been asked for.
    given: AtomicUsize,
    /// When that changed last, or was so again; the same scale.
    moved: AtomicU64,
    /// When the last request ended, in microseconds since `Shared::began`.
    idle_since: AtomicU64,
    /// To be closed.
    closing: CancellationToken,
}

/// A request under way, until this is dropped.
#[derive(Debug)]
pub(super) struct UnderWay {
    state: Arc<State>,
    is_given: bool,
}

impl Places {
    pub(super) fn new(most: NonZeroUsize) -> Self {
        Self(Arc::new(Shared {
            most: most.get(),
            taken: Mutex::default(),
            waiting: AtomicUsize::new(0),
            changed: Notify::new(),
            began: Instant::now(),
        }))
    }

    /// Takes a place, when need be that of an idle connection, and waits while none is idle. The connection is told to close
    /// when its place is needed, or when `stopping` is cancelled.
    pub(super) async fn take(&self, stopping: &CancellationToken) -> Place {
        if let Some(place) = self.try_take(stopping) {
            return place;
        }
        let _waiting = Waiting::begin(&self.0);
        loop {
            // Heard from now on, so that what changes while we look is not missed.
            let mut changed = pin!(self.0.changed.notified());
            changed.as_mut().enable();
            if let Some(place) = self.try_take(stopping) {
                return place;
            }
            changed.await;
        }
    }

    fn try_take(&self, stopping: &CancellationToken) -> Option<Place> {
        let mut taken = self.0.taken();
        if taken.places.len() >= self.0.most && !taken.make_room() {
            return None;
        }
        let number = taken.next;
        taken.next += 1;
        let state = Arc::new(State {
            all: Arc::clone(&self.0),
            under_way: AtomicUsize::new(0),
            is_behind: AtomicBool::new(false),
            given: AtomicUsize::new(0),
            moved: AtomicU64::new(0),
            idle_since: AtomicU64::new(self.0.now()),
            closing: stopping.child_token(),
        });
        taken.places.insert(number, Arc::clone(&state));
        Some(Place { number, state })
    }
}

impl Taken {
    /// Has the connection closed that has been idle for longest, and counts its place as free at once: it has nothing to do
    /// any more, and the next one need not wait until that is done.
    fn make_room(&mut self) -> bool {
        if self.closing >= CLOSING_MAX {
            return false;
        }
        let idle = self.places.iter().filter(|(_, state)| state.is_idle());
        let longest = idle.min_by_key(|(_, state)| state.idle_since.load(Ordering::Relaxed));
        let Some(number) = longest.map(|(number, _)| *number) else {
            return false;
        };
        if let Some(state) = self.places.remove(&number) {
            state.closing.cancel();
            self.closing += 1;
        }
        true
    }
}

impl Shared {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Microseconds since the beginning.
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn tell_of_change(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.changed.notify_waiters();
        }
    }
}

impl Place {
    /// What its connection tells of itself.
    pub(super) fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Waits for the order to close.
    pub(super) async fn closing(&self) {
        self.state.closing.cancelled().await;
    }

    /// Whether there is that order.
    pub(super) fn is_closing(&self) -> bool {
        self.state.closing.is_cancelled()
    }
}

impl State {
    /// A request has come.
    pub(super) fn begin(self: &Arc<Self>) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        UnderWay {
            state: Arc::clone(self),
            is_given: false,
        }
    }

    /// How long nothing of any answer has been asked for, while there is more of one.
    pub(super) fn left_for(&self) -> Option<Duration> {
        let since = self.moved.load(Ordering::Relaxed);
        (self.given.load(Ordering::SeqCst) > 0)
            .then(|| Duration::from_micros(self.all.now().saturating_sub(since)))
    }

    /// Whether a request is under way.
    pub(super) fn has_request(&self) -> bool {
        self.under_way.load(Ordering::SeqCst) > 0
    }

    /// Whether no request is under way, and all that was written has been taken.
    pub(super) fn is_idle(&self) -> bool {
        !self.has_request() && !self.is_behind.load(Ordering::SeqCst)
    }

    /// Since when no request has been under way; `None` while there is one.
    pub(super) fn idle_for(&self) -> Option<Duration> {
        let since = self.idle_since.load(Ordering::Relaxed);
        self.is_idle()
            .then(|| Duration::from_micros(self.all.now().saturating_sub(since)))
    }

    /// The client takes nothing for the moment, or does again.
    pub(super) fn set_behind(&self, is_behind: bool) {
        self.is_behind.store(is_behind, Ordering::SeqCst);
        if !is_behind {
            self.all.tell_of_change();
        }
    }
}

impl UnderWay {
    /// A part of the answer was given out, or there is none to give yet.
    pub(super) fn set_given(&mut self, is_given: bool) {
        let state = &self.state;
        state.moved.store(state.all.now(), Ordering::Relaxed);
        if is_given && !self.is_given {
            state.given.fetch_add(1, Ordering::SeqCst);
        } else if !is_given && self.is_given {
            state.given.fetch_sub(1, Ordering::SeqCst);
        }
        self.is_given = is_given;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.set_given(false);
        let state = &self.state;
        state.idle_since.store(state.all.now(), Ordering::Relaxed);
        if state.under_way.fetch_sub(1, Ordering::SeqCst) == 1 {
            state.all.tell_of_change();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.state.all.taken();
        if taken.places.remove(&self.number).is_none() {
            taken.closing = taken.closing.saturating_sub(1);
        }
        drop(taken);
        self.state.all.tell_of_change();
    }
}

/// One more waits, until this is dropped.
struct Waiting<'a>(&'a Shared);

impl<'a> Waiting<'a> {
    fn begin(shared: &'a Shared) -> Self {
        shared.waiting.fetch_add(1, Ordering::SeqCst);
        Self(shared)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// So many connections may be there beyond the places while they are being closed.
const CLOSING_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    async fn later() {
        tokio::time::advance(Duration::from_secs(1)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_connection_that_is_idle_for_longest_makes_room() {
        let stopping = CancellationToken::new();
        let places = Places::new(NonZeroUsize::new(3).unwrap());
        let first = places.take(&stopping).await;
        later().await;
        let second = places.take(&stopping).await;
        later().await;
        let third = places.take(&stopping).await;
        later().await;
        // The first has been there for longest, and has had a request since.
        drop(first.state().begin());
        later().await;
        let fourth = places.take(&stopping).now_or_never().unwrap();
        assert!(second.closing().now_or_never().is_some());
        for kept in [&first, &third, &fourth] {
            assert!(kept.closing().now_or_never().is_none());
        }
        // What is closed already makes no room again.
        drop(second);
        let _fifth = places.take(&stopping).now_or_never().unwrap();
        assert!(third.closing().now_or_never().is_some());
        assert!(first.closing().now_or_never().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_being_closed_than_a_few() {
        let stopping = CancellationToken::new();
        let places = Places::new(NonZeroUsize::MIN);
        let mut kept = Vec::new();
        for _ in 0..=CLOSING_MAX {
            kept.push(places.take(&stopping).now_or_never().unwrap());
        }
        let mut next = pin!(places.take(&stopping));
        assert!(next.as_mut().now_or_never().is_none());
        kept.remove(0);
        assert!(next.as_mut().now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_under_way_is_waited_for() {
        let stopping = CancellationToken::new();
        let places = Places::new(NonZeroUsize::new(2).unwrap());
        let (busy, slow) = (places.take(&stopping).await, places.take(&stopping).await);
        let request = busy.state().begin();
        slow.state().set_behind(true);
        let mut third = pin!(places.take(&stopping));
        assert!(third.as_mut().now_or_never().is_none());
        for kept in [&busy, &slow] {
            assert!(kept.closing().now_or_never().is_none());
            assert_eq!(kept.state().idle_for(), None);
        }
        drop(request);
        assert!(third.as_mut().now_or_never().is_some());
        assert!(busy.closing().now_or_never().is_some());
        assert!(slow.closing().now_or_never().is_none());
    }

    #[tokio::test]
    async fn all_are_told_when_the_server_stops() {
        let stopping = CancellationToken::new();
        let places = Places::new(NonZeroUsize::MIN);
        let place = places.take(&stopping).await;
        stopping.cancel();
        place.closing().await;
    }
}
