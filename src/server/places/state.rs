//! What is known of one connection: its requests, what its client takes of their answers, and since when.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::change::Change;

/// What is known of a connection.
#[derive(Debug)]
pub(in crate::server) struct State {
    change: Arc<Change>,
    traffic: Mutex<Traffic>,
    /// Many are being closed: there is no time for what the client has not taken.
    is_hurried: AtomicBool,
    /// To be closed.
    pub(super) closing: CancellationToken,
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
    /// When the last request ended, or else when the connection was opened.
    idle_since: Instant,
}

/// A request under way, until this is dropped.
#[derive(Debug)]
pub(in crate::server) struct UnderWay {
    state: Arc<State>,
    number: u64,
}

impl State {
    /// Of a new connection, which tells of its change, and is to close when `closing` is cancelled.
    pub(super) fn new(change: Arc<Change>, closing: CancellationToken) -> Self {
        Self {
            change,
            traffic: Mutex::new(Traffic {
                next: 0,
                under_way: BTreeMap::new(),
                behind: None,
                idle_since: Instant::now(),
            }),
            is_hurried: AtomicBool::new(false),
            closing,
        }
    }

    /// Orders the connection to close, in a hurry or not.
    pub(super) fn close(&self, is_hurried: bool) {
        self.is_hurried.store(is_hurried, Ordering::SeqCst);
        self.closing.cancel();
    }

    /// Whether it is to close in a hurry.
    pub(super) fn is_hurried(&self) -> bool {
        self.is_hurried.load(Ordering::SeqCst)
    }

    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request has come.
    pub(in crate::server) fn begin(self: &Arc<Self>) -> UnderWay {
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
    pub(in crate::server) fn left_for(&self) -> Option<Duration> {
        let traffic = self.traffic();
        let since = traffic.under_way.values().flatten().min();
        since.map(Instant::elapsed)
    }

    /// How long the client has taken nothing of all that is ready for it, from [`STUCK_MIN`] on.
    pub(in crate::server) fn stuck_for(&self) -> Option<Duration> {
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
    pub(in crate::server) fn has_request(&self) -> bool {
        !self.traffic().under_way.is_empty()
    }

    /// Whether no request is under way, and all that was written has been taken.
    pub(in crate::server) fn is_idle(&self) -> bool {
        self.idle_for().is_some()
    }

    /// How long no request has been under way; `None` while there is one.
    pub(in crate::server) fn idle_for(&self) -> Option<Duration> {
        let traffic = self.traffic();
        (traffic.under_way.is_empty() && traffic.behind.is_none())
            .then(|| traffic.idle_since.elapsed())
    }

    /// Whether its first request is still to be expected: none has come, and the connection is younger than [`NEW_FOR`].
    pub(super) fn is_new(&self) -> bool {
        let traffic = self.traffic();
        // Until the first request ends, that is since it was opened.
        traffic.next == 0 && traffic.idle_since.elapsed() < NEW_FOR
    }

    /// The client takes nothing for the moment, or does again.
    pub(in crate::server) fn set_behind(&self, is_behind: bool) {
        let mut traffic = self.traffic();
        traffic.behind = is_behind.then(Instant::now);
        if !is_behind {
            // The end of an answer was given out long before its client had it.
            traffic.idle_since = Instant::now();
            drop(traffic);
            self.change.tell();
        }
    }
}

impl UnderWay {
    /// A part of the answer was given out, or there is none to give yet.
    pub(in crate::server) fn set_given(&mut self, is_given: bool) {
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
            self.state.change.tell();
        }
    }
}

/// How long a client may take nothing before its place is given to another: longer than a reader's pauses commonly are.
pub(in crate::server) const STUCK_MIN: Duration = Duration::from_mins(1);

/// How soon after a connection was opened its first request is commonly there: after a few round trips, TLS included.
pub(super) const NEW_FOR: Duration = Duration::from_secs(1);
