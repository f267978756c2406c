//! Places for connections: how many there may be, and which one makes room for another.
//!
//! Whoever opens connections and says nothing must not keep others out: when all places are taken, the connection that has
//! been idle for longest makes room; when none is idle, one whose client has taken nothing of what is ready for it for
//! [`STUCK_MIN`]. One whose request is being answered never does.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
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
    traffic: Mutex<Traffic>,
    /// Many are being closed: there is no time for what the client has not taken.
    is_hurried: AtomicBool,
    /// To be closed.
    closing: CancellationToken,
}

/// What is on its way over a connection.
#[derive(Debug)]
struct Traffic {
    next: u64,
    /// Requests whose answer is not at its end; with the time, when what was given of it last is all that was asked for.
    /// Each has its own, so that none hides behind another.
    under_way: BTreeMap<u64, Option<Instant>>,
    /// Since when the client has taken nothing of what is written.
    behind: Option<Instant>,
    /// When the last request ended.
    idle_since: Instant,
}

/// A request under way, until this is dropped.
#[derive(Debug)]
pub(super) struct UnderWay {
    state: Arc<State>,
    number: u64,
}

impl Places {
    pub(super) fn new(most: NonZeroUsize) -> Self {
        Self(Arc::new(Shared {
            most: most.get(),
            taken: Mutex::default(),
            waiting: AtomicUsize::new(0),
            changed: Notify::new(),
        }))
    }

    /// Takes a place, when need be that of an idle or stuck connection, and waits while there is none. The connection is told
    /// to close when its place is needed, or when `stopping` is cancelled.
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
            // Stuck is what does not change: nobody tells of it.
            let _ = timeout(LOOK_EVERY, changed).await;
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
            traffic: Mutex::new(Traffic {
                next: 0,
                under_way: BTreeMap::new(),
                behind: None,
                idle_since: Instant::now(),
            }),
            is_hurried: AtomicBool::new(false),
            closing: stopping.child_token(),
        });
        taken.places.insert(number, Arc::clone(&state));
        Some(Place { number, state })
    }
}

impl Taken {
    /// Has the connection closed that has been idle for longest, or else the one that has been stuck for longest, and counts
    /// its place as free at once: it has nothing to do any more, and the next one need not wait until that is done.
    fn make_room(&mut self) -> bool {
        if self.closing >= CLOSING_MAX {
            return false;
        }
        let longest = self
            .longest(State::idle_for)
            .or_else(|| self.longest(State::stuck_for));
        let Some(state) = longest.and_then(|number| self.places.remove(&number)) else {
            return false;
        };
        let is_hurried = self.closing >= CLOSING_MAX / 2;
        state.is_hurried.store(is_hurried, Ordering::SeqCst);
        state.closing.cancel();
        self.closing += 1;
        true
    }

    fn longest(&self, time: impl Fn(&State) -> Option<Duration>) -> Option<u64> {
        let timed = self
            .places
            .iter()
            .filter_map(|(number, state)| time(state).map(|time| (time, Reverse(*number))));
        timed.max().map(|(_, Reverse(number))| number)
    }
}

impl Shared {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Whether so many are being closed that this one has no time for what its client has not taken.
    pub(super) fn is_hurried(&self) -> bool {
        self.state.is_hurried.load(Ordering::SeqCst)
    }
}

impl State {
    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request has come.
    pub(super) fn begin(self: &Arc<Self>) -> UnderWay {
        let mut traffic = self.traffic();
        let number = traffic.next;
        traffic.next += 1;
        traffic.under_way.insert(number, None);
        drop(traffic);
        UnderWay {
            state: Arc::clone(self),
            number,
        }
    }

    /// How long the answer that has been left for longest is where it is: nothing of it has been asked for, while there is
    /// more.
    pub(super) fn left_for(&self) -> Option<Duration> {
        let traffic = self.traffic();
        let since = traffic.under_way.values().flatten().min();
        since.map(Instant::elapsed)
    }

    /// How long the client has taken nothing of all that is ready for it, from [`STUCK_MIN`] on.
    pub(super) fn stuck_for(&self) -> Option<Duration> {
        let traffic = self.traffic();
        // `None`, as soon as one request has nothing to take yet.
        let left: Option<Vec<_>> = traffic.under_way.values().copied().collect();
        let since = left.and_then(|left| left.into_iter().max());
        // What the socket does not take stands before all the rest.
        let since = [since, traffic.behind].into_iter().flatten().min();
        since
            .map(|since| since.elapsed())
            .filter(|stuck| *stuck >= STUCK_MIN)
    }

    /// Whether a request is under way.
    pub(super) fn has_request(&self) -> bool {
        !self.traffic().under_way.is_empty()
    }

    /// Whether no request is under way, and all that was written has been taken.
    pub(super) fn is_idle(&self) -> bool {
        self.idle_for().is_some()
    }

    /// How long no request has been under way; `None` while there is one.
    pub(super) fn idle_for(&self) -> Option<Duration> {
        let traffic = self.traffic();
        (traffic.under_way.is_empty() && traffic.behind.is_none())
            .then(|| traffic.idle_since.elapsed())
    }

    /// The client takes nothing for the moment, or does again.
    pub(super) fn set_behind(&self, is_behind: bool) {
        self.traffic().behind = is_behind.then(Instant::now);
        if !is_behind {
            self.all.tell_of_change();
        }
    }
}

impl UnderWay {
    /// A part of the answer was given out, or there is none to give yet.
    pub(super) fn set_given(&mut self, is_given: bool) {
        let since = is_given.then(Instant::now);
        self.state.traffic().under_way.insert(self.number, since);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut traffic = self.state.traffic();
        traffic.under_way.remove(&self.number);
        traffic.idle_since = Instant::now();
        let is_last = traffic.under_way.is_empty();
        drop(traffic);
        if is_last {
            self.state.all.tell_of_change();
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

/// How long a client may take nothing before its place is given to another: longer than a reader's pauses commonly are.
pub(super) const STUCK_MIN: Duration = Duration::from_mins(1);

/// How often those who wait look for a connection that is stuck.
const LOOK_EVERY: Duration = Duration::from_secs(5);

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

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_for_a_minute_makes_room_for_who_waits() {
        let stopping = CancellationToken::new();
        let places = Places::new(NonZeroUsize::new(4).unwrap());
        let mut house = Vec::new();
        for _ in 0..4 {
            house.push(places.take(&stopping).await);
        }
        let [busy, mixed, stuck, slow] = &*house else {
            panic!("four places");
        };
        let _answering = busy.state().begin();
        let mut requests: Vec<_> = [mixed, mixed, stuck]
            .map(|place| place.state().begin())
            .into();
        for request in &mut requests {
            request.set_given(true);
        }
        later().await;
        slow.state().set_behind(true);
        let began = Instant::now();
        // One of its two answers is being read.
        let reads = async {
            loop {
                tokio::time::sleep(Duration::from_secs(10)).await;
                requests[0].set_given(true);
            }
        };
        let takes = async {
            let first = places.take(&stopping).await;
            assert!(stuck.closing().now_or_never().is_some());
            assert!(slow.closing().now_or_never().is_none());
            let waited = began.elapsed();
            assert!(waited <= STUCK_MIN + LOOK_EVERY, "{waited:?}");
            assert!(waited + Duration::from_secs(1) >= STUCK_MIN, "{waited:?}");
            let _request = first.state().begin();
            let second = places.take(&stopping).await;
            assert!(slow.closing().now_or_never().is_some());
            let _request = second.state().begin();
            let third = timeout(Duration::from_hours(1), places.take(&stopping)).await;
            assert!(third.is_err(), "the others are in use");
        };
        tokio::select! {
            () = reads => {}
            () = takes => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_left_does_not_hide_behind_others() {
        let places = Places::new(NonZeroUsize::MIN);
        let place = places.take(&CancellationToken::new()).await;
        assert_eq!(place.state().left_for(), None);
        place.state().begin().set_given(true);
        assert_eq!(place.state().left_for(), None, "it is over");
        let mut left = place.state().begin();
        left.set_given(true);
        later().await;
        let mut other = place.state().begin();
        other.set_given(true);
        drop(place.state().begin());
        assert_eq!(place.state().left_for(), Some(Duration::from_secs(1)));
        left.set_given(false);
        assert_eq!(place.state().left_for(), Some(Duration::ZERO));
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
