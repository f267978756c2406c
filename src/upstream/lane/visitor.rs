//! One that waits in a lane: until it is called, or until it has no patience for the pause.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use super::queue::{Arrival, Place};
use super::state::Full;
use super::visit::{Class, Turn, Visit};
use super::{Pass, Shared};

/// A request on its way into a lane. When its query has failed it may enter again, and has not lost its place in the
/// order.
#[derive(Debug)]
pub(in crate::upstream) struct Visitor {
    shared: Arc<Shared>,
    visit: Visit,
    arrival: Arrival,
}

/// A pass, and what it took.
#[derive(Debug)]
pub(in crate::upstream) struct Entered {
    pub(in crate::upstream) pass: Pass,
    /// How long the lane was paused meanwhile.
    pub(in crate::upstream) held: Duration,
}

/// Why there is no pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::upstream) enum NotEntered {
    /// The queue was full.
    Full {
        /// How many wait, first pages or not.
        queued: usize,
    },
    /// The lane is paused for longer than the patience lasts.
    Impatient {
        /// How long the lane was paused meanwhile.
        held: Duration,
        /// How much longer it is.
        paused_for: Duration,
    },
}

impl Visitor {
    pub(super) fn new(shared: Arc<Shared>, visit: Visit, arrival: Arrival) -> Self {
        Self {
            shared,
            visit,
            arrival,
        }
    }

    /// Waits for a turn: without end for those before it, and for `patience` in all while the lane is paused. A pause
    /// that takes longer is not waited for. When somebody comes to wait for its answer, or the last one goes, it changes
    /// its class and keeps its place in the order of arrivals. Dropping the future gives the place in the queue up, or the
    /// pass when it was granted in that moment.
    pub(in crate::upstream) async fn enter(
        &mut self,
        patience: Duration,
    ) -> Result<Entered, NotEntered> {
        let mut pauses = self.shared.pause.subscribe();
        // Before it queues, so that no change is missed in between.
        let mut awaited = self.visit.awaited.clone();
        let mut reserved = self.shared.reserved.subscribe();
        let mut granted = self.queue()?;
        let _place = Given {
            shared: &self.shared,
            arrival: self.arrival,
        };
        let mut told = Told::new(&self.visit, Instant::now());
        let mut held = Duration::ZERO;
        loop {
            let now = Instant::now();
            let pause_end = pauses.borrow_and_update().filter(|end| *end > now);
            if pause_end.is_none() {
                // Whoever goes on to wait without a timer has looked after the pause.
                self.shared.let_in();
            }
            let paused_for = pause_end.map_or(Duration::ZERO, |end| end - now);
            if held.saturating_add(paused_for) > patience {
                return Err(NotEntered::Impatient { held, paused_for });
            }
            let pause_is_over = sleep_until(pause_end.unwrap_or(now));
            let is_background = self.visit.rank().0 == Class::Background;
            let reserved_end = reserved
                .borrow_and_update()
                .filter(|end| is_background && *end > now);
            let reserved_is_over = sleep_until(reserved_end.unwrap_or(now));
            let mut entered = None;
            let mut line_is_due = false;
            tokio::select! {
                biased;
                pass = &mut granted => match pass {
                    Ok(pass) => entered = Some(pass),
                    // The one that calls is kept until it has called, or until this place is given up.
                    Err(_) => return Err(NotEntered::Full { queued: 0 }),
                },
                // The sender lives as long as the lane.
                _ = pauses.changed() => {}
                () = awaited.changed() => {
                    let (class, party) = self.visit.rank();
                    self.shared.state().set_rank(self.arrival, class, party);
                }
                () = pause_is_over, if pause_end.is_some() => {}
                _ = reserved.changed(), if is_background => {}
                () = reserved_is_over, if reserved_end.is_some() => {}
                () = sleep_until(told.next) => line_is_due = true,
            }
            if let Some(end) = pause_end {
                // Not more than was planned, whatever the clock says: the machine may have slept.
                held += Instant::now().min(end).saturating_duration_since(now);
            }
            if let Some(pass) = entered {
                told.entered();
                return Ok(Entered { pass, held });
            }
            if line_is_due {
                told.waits(self.shared.position(self.arrival), pause_end.is_some());
            }
        }
    }

    /// Takes a place in the queue, even when the way is free.
    fn queue(&mut self) -> Result<oneshot::Receiver<Pass>, NotEntered> {
        let (call, granted) = oneshot::channel();
        let now = Instant::now();
        let (class, party) = self.visit.rank();
        let place = Place {
            class,
            party,
            turn: self.visit.turn,
            what: Arc::clone(&self.visit.what),
            since: now,
            call,
        };
        let entered = self.shared.state().enter(self.arrival, place, now);
        entered.map_err(|Full { queued }| NotEntered::Full { queued })?;
        // Its answer has waited once, and is not turned away when it asks again.
        self.visit.turn = Turn::Next;
        Ok(granted)
    }
}

/// A place in the queue, given up when dropped.
struct Given<'a> {
    shared: &'a Shared,
    arrival: Arrival,
}

impl Drop for Given<'_> {
    fn drop(&mut self) {
        self.shared.state().leave(self.arrival);
    }
}

/// What the log says of a long wait.
struct Told<'a> {
    visit: &'a Visit,
    since: Instant,
    next: Instant,
    lines: u32,
}

impl<'a> Told<'a> {
    fn new(visit: &'a Visit, now: Instant) -> Self {
        Self {
            visit,
            since: now,
            next: now + FIRST_LINE_AFTER,
            lines: 0,
        }
    }

    fn waits(&mut self, (position, queued): (usize, usize), paused: bool) {
        tracing::info!(
            what = %self.visit.what,
            class = self.visit.rank().0.name(),
            position,
            queued,
            paused,
            waited_ms = self.waited_ms(),
            "request waits for its turn at upstream"
        );
        self.lines += 1;
        self.next = Instant::now() + LINE_EVERY;
    }

    fn entered(&self) {
        if self.lines > 0 {
            tracing::info!(
                what = %self.visit.what,
                class = self.visit.rank().0.name(),
                waited_ms = self.waited_ms(),
                "request got its turn at upstream"
            );
        }
    }

    fn waited_ms(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

const FIRST_LINE_AFTER: Duration = Duration::from_secs(5);

const LINE_EVERY: Duration = Duration::from_secs(30);
