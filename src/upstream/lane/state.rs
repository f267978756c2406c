//! The lane as a machine without time and tasks of its own: it is told what happens and when, and says who may go.

use std::time::Duration;

use tokio::time::Instant;

use super::LaneSettings;
use super::level::Level;
use super::queue::{Arrival, GrantNumber, Place, Queue};
use super::status::LaneCounts;
use super::visit::{Class, Party, Turn};
use crate::upstream::backoff;

/// Who waits, how many are under way, and until when nobody may go. `C` is how one that waits is called.
///
/// It always holds that nobody waits without a reason: whoever changes anything lets in whom [`State::grant`] names.
#[derive(Debug)]
pub(super) struct State<C> {
    queue: Queue<C>,
    queue_limit: usize,
    level: Level,
    in_flight: usize,
    /// Since when that has not been zero.
    busy_since: Option<Instant>,
    arrivals: u64,
    grants: GrantNumber,
    paused_until: Option<Instant>,
    /// Until then what nobody waits for stays back, because a client has just been here and may come again.
    reserved_until: Option<Instant>,
    throttled: Throttled,
    counts: LaneCounts,
}

/// Throttled answers in a row, whoever got them.
#[derive(Debug, Default)]
struct Throttled {
    in_a_row: u32,
    /// Those that were granted until here were under way when the last one came. Theirs tell nothing new.
    known_to: GrantNumber,
}

/// An answer by which upstream wants everyone of this customer to pause.
#[derive(Debug, Clone, Copy)]
pub(in crate::upstream) struct Throttle {
    /// Whether the queries were too many (429), as opposed to upstream being in trouble (503).
    pub(in crate::upstream) too_many: bool,
    /// The pause that upstream asked for.
    pub(in crate::upstream) asked: Option<Duration>,
    /// From 0 to 1.
    pub(in crate::upstream) jitter: f64,
}

/// The queue was full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full {
    /// How many wait, first pages or not.
    pub(super) queued: usize,
}

/// Leave for one that waited.
#[derive(Debug)]
pub(super) struct Grant<C> {
    pub(super) number: GrantNumber,
    pub(super) class: Class,
    pub(super) call: C,
}

impl<C> State<C> {
    pub(super) fn new(settings: LaneSettings) -> Self {
        Self {
            queue: Queue::new(),
            queue_limit: settings.queue_limit,
            level: Level::new(settings.concurrency.get()),
            in_flight: 0,
            busy_since: None,
            arrivals: 0,
            grants: GrantNumber::default(),
            paused_until: None,
            reserved_until: None,
            throttled: Throttled::default(),
            counts: LaneCounts::default(),
        }
    }

    /// A place in the order of arrivals, for one that will [`State::enter`].
    pub(super) fn arrive(&mut self) -> Arrival {
        self.arrivals += 1;
        Arrival(self.arrivals)
    }

    /// Queues, even when the way is free. An answer's first page is refused when it would have to wait in a queue
    /// that is full of first pages. Those that nobody waits for only keep out others like them.
    pub(super) fn enter(
        &mut self,
        arrival: Arrival,
        place: Place<C>,
        now: Instant,
    ) -> Result<(), Full> {
        let mut rivals = self.queue.rivals(place.class).peekable();
        let free = self.has_room(now) && rivals.peek().is_none();
        let first_pages = rivals.filter(|rival| rival.turn == Turn::First).count();
        if place.turn == Turn::First && !free && first_pages >= self.queue_limit {
            let queued = self.queue.len();
            return Err(Full { queued });
        }
        self.queue.add(arrival, place);
        Ok(())
    }

    /// Has one that waits do so in another class, and for another party; does nothing when it was granted. It may
    /// be one that may go now.
    pub(super) fn set_rank(&mut self, arrival: Arrival, class: Class, party: Party) {
        self.queue.set_rank(arrival, class, party);
    }

    /// Gives a place in the queue up; does nothing when it was granted.
    pub(super) fn leave(&mut self, arrival: Arrival) {
        self.queue.remove(arrival);
    }

    /// The next one that may go now, if any may. To be asked until there is none.
    pub(super) fn grant(&mut self, now: Instant) -> Option<Grant<C>> {
        if !self.has_room(now) {
            return None;
        }
        let number = GrantNumber(self.grants.0 + 1);
        let reserved = self.reserved_until.is_some_and(|end| end > now);
        let (_, place) = self.queue.take_next(number, reserved)?;
        self.grants = number;
        self.in_flight += 1;
        self.busy_since.get_or_insert(now);
        *self.counts.grants.of_mut(place.class) += 1;
        Some(Grant {
            number,
            class: place.class,
            call: place.call,
        })
    }

    /// A query ended well.
    pub(super) fn succeeded(&mut self, now: Instant) {
        let was_limit = self.queue.is_awaited() && self.in_flight >= self.level.now();
        self.level.succeeded(was_limit, now);
        self.throttled.in_a_row = 0;
        self.give_back(now);
    }

    /// A query ended in some other way, or was given up.
    pub(super) fn released(&mut self, now: Instant) {
        self.level.failed();
        self.give_back(now);
    }

    fn give_back(&mut self, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if self.in_flight == 0 {
            self.counts.busy += self.busy_for(now);
            self.busy_since = None;
        }
    }

    /// A query of `class` is over, however it ended. Returns until when what nobody waits for stays back: the next page
    /// of the same answer is asked for only when this one has been read, and would find the lane taken each time.
    pub(super) fn ended(&mut self, class: Class, now: Instant) -> Option<Instant> {
        if class != Class::Background {
            self.reserved_until = Some(now + RESERVED_FOR);
        }
        self.reserved_until
    }

    /// The query that was granted as `number` was throttled. It is under way until it is released. Returns how much
    /// longer nobody may go: at least 500 ms.
    pub(super) fn throttled(
        &mut self,
        number: GrantNumber,
        throttle: Throttle,
        now: Instant,
    ) -> Duration {
        if number > self.throttled.known_to {
            self.throttled.known_to = self.grants;
            self.throttled.in_a_row = self.throttled.in_a_row.saturating_add(1);
            if throttle.too_many {
                self.level.throttled(now);
            }
        }
        let in_a_row = self.throttled.in_a_row;
        let pause = backoff::throttled(throttle.asked, in_a_row, throttle.jitter);
        self.pause(pause, now);
        self.paused_for(now).unwrap_or_default()
    }

    /// Nobody goes for `duration` from now; a longer pause under way stays.
    pub(super) fn pause(&mut self, duration: Duration, now: Instant) {
        let under_way = self.pause_end(now).unwrap_or(now);
        let end = (now + duration).max(under_way);
        self.counts.paused = self.counts.paused.saturating_add(end - under_way);
        self.paused_until = Some(end);
    }

    /// When the pause under way ends.
    pub(super) fn pause_end(&self, now: Instant) -> Option<Instant> {
        self.paused_until.filter(|end| *end > now)
    }

    /// How much longer the pause under way takes.
    pub(super) fn paused_for(&self, now: Instant) -> Option<Duration> {
        let end = self.pause_end(now)?;
        Some(end.saturating_duration_since(now))
    }

    pub(super) fn level(&self) -> &Level {
        &self.level
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(super) fn queue(&self) -> &Queue<C> {
        &self.queue
    }

    /// Counts since the start. Of a pause under way, only what is over of it; of queries under way, too.
    pub(super) fn counts(&self, now: Instant) -> LaneCounts {
        let to_come = self.paused_for(now).unwrap_or_default();
        LaneCounts {
            paused: self.counts.paused.saturating_sub(to_come),
            busy: self.counts.busy + self.busy_for(now),
            ..self.counts
        }
    }

    /// For how long queries have been under way without a break.
    fn busy_for(&self, now: Instant) -> Duration {
        let since = self.busy_since;
        since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    fn has_room(&self, now: Instant) -> bool {
        self.in_flight < self.level.now() && self.pause_end(now).is_none()
    }
}

/// For so long after a client's query the lane is the clients'. It is more than lies between two pages of one answer, or
/// between two questions of one report, and nothing for an answer that nobody waits for.
pub(super) const RESERVED_FOR: Duration = Duration::from_secs(1);
