//! The lane: how many queries of one customer run at a time, and in which order they wait.
//!
//! Citrix Cloud answers 429 to more than a few queries of one customer at a time (one, in its older documents), so all
//! sites of a customer share a lane. It is granted for one page at a time, and at each grant the next one is chosen anew
//! among all that wait: by class, fair among parties, first come first served. What it decides is in [`state`], without time
//! and tasks; here and in [`visitor`] is who waits for it.
//!
//! A turn is for one page and not for one answer: an answer of a hundred pages would lock out the small tables of the same
//! report until their clients give up. Pages of one answer were never a snapshot, so nothing is lost.

mod ages;
mod awaited;
mod forecast;
mod level;
mod queue;
mod state;
#[cfg(test)]
mod state_tests;
mod status;
#[cfg(test)]
mod tests;
mod visit;
mod visitor;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

pub use self::awaited::Awaited;
use self::queue::{Arrival, GrantNumber};
pub(super) use self::state::Throttle;
use self::state::{Grant, State};
pub use self::status::{LaneCounts, LaneStatus, Waiting};
pub use self::visit::{ByClass, Class, Party, Turn, Visit};
pub(super) use self::visitor::{Entered, NotEntered, Visitor};

/// How wide a lane is, and how long its queue.
#[derive(Debug, Clone, Copy)]
pub struct LaneSettings {
    /// The most queries in flight at a time; how many there may be below it, the lane finds out.
    pub concurrency: NonZeroUsize,
    /// Answers whose first page may wait for its turn; later pages of answers under way do not count against it.
    pub queue_limit: usize,
}

/// A lane of one customer.
#[derive(Debug)]
pub struct Lane {
    shared: Arc<Shared>,
}

/// What the lane, its passes and those that wait have in common.
#[derive(Debug)]
struct Shared {
    state: Mutex<State<Call>>,
    /// Until when nobody may enter; told anew when it changes. Those that wait sleep until then by themselves.
    pause: watch::Sender<Option<Instant>>,
    /// Until when what nobody waits for stays back; told and slept through likewise.
    reserved: watch::Sender<Option<Instant>>,
}

/// How one that waits gets its pass. When it has gone away, the pass goes back.
type Call = oneshot::Sender<Pass>;

/// The right to have one query in flight; given back when dropped.
#[derive(Debug)]
pub struct Pass {
    shared: Arc<Shared>,
    number: GrantNumber,
    class: Class,
    succeeded: bool,
}

impl Lane {
    /// An empty lane.
    pub fn new(settings: LaneSettings) -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(State::new(settings)),
                pause: watch::Sender::new(None),
                reserved: watch::Sender::new(None),
            }),
        }
    }

    /// One that is about to enter, perhaps more than once. It has its place in the order from now on, but does not
    /// wait yet.
    pub(super) fn visitor(&self, visit: Visit) -> Visitor {
        let arrival = self.shared.state().arrive();
        Visitor::new(Arc::clone(&self.shared), visit, arrival)
    }

    /// How it is doing.
    pub fn status(&self) -> LaneStatus {
        let now = Instant::now();
        let state = self.shared.state();
        let places = state.queue().in_order();
        let waiting = (1..).zip(places).map(|(position, (_, place))| Waiting {
            position,
            class: place.class,
            what: Arc::clone(&place.what),
            waited: now.saturating_duration_since(place.since),
        });
        LaneStatus {
            level: state.level().now(),
            maximum: state.level().max(),
            in_flight: state.in_flight(),
            paused_for: state.paused_for(now),
            waiting: waiting.collect(),
            counts: state.counts(now),
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State<Call>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls all that may go now. To be done after every change.
    fn let_in(self: &Arc<Self>) {
        loop {
            // The lock is free again before anybody is called: a pass that nobody takes goes back through it.
            let granted = self.state().grant(Instant::now());
            let Some(Grant {
                number,
                class,
                call,
            }) = granted
            else {
                return;
            };
            let pass = Pass {
                shared: Arc::clone(self),
                number,
                class,
                succeeded: false,
            };
            drop(call.send(pass));
        }
    }

    /// The place of `arrival` in the present order, from 1 on, and how many wait.
    fn position(&self, arrival: Arrival) -> (usize, usize) {
        let state = self.state();
        let order = state.queue().in_order();
        let before = order.iter().take_while(|(other, _)| *other != arrival);
        (before.count() + 1, order.len())
    }
}

impl Pass {
    /// Gives it back after a query that upstream answered.
    pub(super) fn succeeded(mut self) {
        self.succeeded = true;
    }

    /// Makes the lane pause, because this query was throttled. Returns how much longer it will: at least 500 ms. The
    /// pass is still held, so that nobody enters before the pause.
    pub(super) fn throttled(&self, throttle: Throttle) -> Duration {
        let now = Instant::now();
        let mut state = self.shared.state();
        let pause = state.throttled(self.number, throttle, now);
        self.shared.pause.send_replace(state.pause_end(now));
        pause
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        {
            let now = Instant::now();
            let mut state = self.shared.state();
            if self.succeeded {
                state.succeeded(now);
            } else {
                state.released(now);
            }
            let reserved_until = state.ended(self.class, now);
            self.shared.reserved.send_replace(reserved_until);
        }
        self.shared.let_in();
    }
}
