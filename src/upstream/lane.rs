//! The lane: how many queries of one customer run at a time, and in which order they wait.
//!
//! Citrix Cloud answers 429 to more than a few queries of one customer at a time (one, in its older
//! documents), so all sites of a customer share a lane.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// How wide a lane is, and how long its queue.
#[derive(Debug, Clone, Copy)]
pub struct LaneSettings {
    /// Queries in flight at a time.
    pub concurrency: NonZeroUsize,
    /// Requests that may wait for their turn; later pages of answers under way do not count against it.
    pub queue_limit: usize,
}

/// A lane of one customer, first come, first served.
#[derive(Debug)]
pub struct Lane {
    permits: Arc<Semaphore>,
    queue_limit: usize,
    state: Arc<Mutex<State>>,
}

/// Where in an answer a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It is an answer's first page: refused when the queue is full.
    First,
    /// It is a later page: never refused, because an answer that has begun would be lost.
    Next,
}

/// What a request is for; the lane grants those that come first here before those that come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// `$metadata` and the service document: without them a client can do nothing.
    Metadata,
    /// A small question that somebody waits for: a key, a count, a preview of at most 1000 rows.
    Interactive,
    /// A page of a whole collection.
    Scan,
}

/// Who asks, for fairness: requests of one client share a turn. Says nothing about who that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Party(u64);

impl Party {
    /// The party that is known by these bytes.
    pub fn of(known_by: &[u8]) -> Self {
        Self(xxhash_rust::xxh3::xxh3_64(known_by))
    }
}

/// One request's place in the order of the lane.
#[derive(Debug, Clone)]
pub struct Visit {
    /// What it is for.
    pub class: Class,
    /// Where in its answer it stands.
    pub turn: Turn,
    /// Who asks.
    pub party: Party,
    /// What is asked, for the operator: an entity set or `$metadata`, never values.
    pub what: Arc<str>,
}

/// The queue was full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{queued} requests wait for upstream already")]
pub struct QueueFull {
    /// How many wait.
    pub queued: usize,
}

/// How a lane is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneStatus {
    /// Requests that hold a [`Pass`].
    pub in_flight: usize,
    /// Requests that wait for one.
    pub queued: usize,
    /// Set while upstream wants a pause: how much longer.
    pub paused_for: Option<Duration>,
}

/// The right to have one query in flight; given back when dropped.
#[derive(Debug)]
pub struct Pass {
    _permit: OwnedSemaphorePermit,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    in_flight: usize,
    queued: usize,
    /// Nobody enters before.
    paused_until: Option<Instant>,
}

impl Lane {
    /// An empty lane.
    pub fn new(settings: LaneSettings) -> Self {
        // More permits than a semaphore can hold are as good as no limit.
        let permits = settings.concurrency.get().min(Semaphore::MAX_PERMITS);
        Self {
            permits: Arc::new(Semaphore::new(permits)),
            queue_limit: settings.queue_limit,
            state: Arc::default(),
        }
    }

    /// Waits for a turn. Dropping the future gives the place in the queue up.
    pub async fn enter(&self, turn: Turn) -> Result<Pass, QueueFull> {
        if let Some(pass) = self.enter_now() {
            return Ok(pass);
        }
        let _place = self.queue(turn)?;
        let began = Instant::now();
        // The semaphore is never closed; were it, nobody could hold a permit that matters.
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else {
            return Err(QueueFull { queued: 0 });
        };
        while let Some(end) = self.pause_end() {
            tokio::time::sleep_until(end).await;
        }
        let waited = began.elapsed();
        if waited >= WAIT_WORTH_A_LINE {
            let queued = lock(&self.state).queued.saturating_sub(1);
            let waited_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
            tracing::info!(waited_ms, queued, "request waited for its turn at upstream");
        }
        Ok(self.pass(permit))
    }

    /// Nobody enters for `duration` from now; a longer pause under way stays.
    pub fn pause(&self, duration: Duration) {
        let end = Instant::now() + duration;
        let mut state = lock(&self.state);
        state.paused_until = Some(state.paused_until.map_or(end, |until| until.max(end)));
    }

    /// How it is doing.
    pub fn status(&self) -> LaneStatus {
        let now = Instant::now();
        let state = lock(&self.state);
        LaneStatus {
            in_flight: state.in_flight,
            queued: state.queued,
            paused_for: state
                .pause_end(now)
                .map(|end| end.saturating_duration_since(now)),
        }
    }

    /// Enters when nothing is in the way. The semaphore hands free permits to those who wait first, so nobody
    /// is overtaken.
    fn enter_now(&self) -> Option<Pass> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok()?;
        if self.pause_end().is_some() {
            return None;
        }
        Some(self.pass(permit))
    }

    fn pause_end(&self) -> Option<Instant> {
        lock(&self.state).pause_end(Instant::now())
    }

    fn queue(&self, turn: Turn) -> Result<Place, QueueFull> {
        let mut state = lock(&self.state);
        let queued = state.queued;
        if turn == Turn::First && queued >= self.queue_limit {
            return Err(QueueFull { queued });
        }
        state.queued += 1;
        Ok(Place {
            state: Arc::clone(&self.state),
        })
    }

    fn pass(&self, permit: OwnedSemaphorePermit) -> Pass {
        lock(&self.state).in_flight += 1;
        Pass {
            _permit: permit,
            state: Arc::clone(&self.state),
        }
    }
}

impl State {
    fn pause_end(&self, now: Instant) -> Option<Instant> {
        self.paused_until.filter(|end| *end > now)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        lock(&self.state).in_flight -= 1;
    }
}

/// A place in the queue.
struct Place {
    state: Arc<Mutex<State>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.state).queued -= 1;
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

const WAIT_WORTH_A_LINE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    fn lane(concurrency: usize, queue_limit: usize) -> Lane {
        Lane::new(LaneSettings {
            concurrency: NonZeroUsize::new(concurrency).unwrap(),
            queue_limit,
        })
    }

    #[tokio::test(start_paused = true)]
    async fn first_come_first_served() {
        let lane = lane(1, 256);
        let order = Mutex::new(Vec::new());
        let turn = |number: usize| {
            let (lane, order) = (&lane, &order);
            async move {
                let _pass = lane.enter(Turn::First).await.unwrap();
                assert_eq!(lane.status().in_flight, 1);
                order.lock().unwrap().push(number);
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        join_all((0..10).map(turn)).await;
        assert_eq!(*order.lock().unwrap(), (0..10).collect::<Vec<_>>());
        let idle = LaneStatus {
            in_flight: 0,
            queued: 0,
            paused_for: None,
        };
        assert_eq!(lane.status(), idle);
    }

    #[tokio::test(start_paused = true)]
    async fn full_queue_refuses_first_pages_only() {
        let lane = lane(1, 1);
        let held = lane.enter(Turn::First).await.unwrap();
        let waits = async { lane.enter(Turn::First).await.map(drop) };
        let is_refused = async {
            let full = lane.enter(Turn::First).await.unwrap_err();
            assert_eq!(full, QueueFull { queued: 1 });
        };
        let next = async { lane.enter(Turn::Next).await.map(drop) };
        let frees = async { drop(held) };
        let (first, (), next, ()) = tokio::join!(waits, is_refused, next, frees);
        assert_eq!((first, next), (Ok(()), Ok(())));
    }

    #[tokio::test(start_paused = true)]
    async fn pause_holds_everyone_and_only_grows() {
        let lane = lane(2, 256);
        let began = Instant::now();
        lane.pause(Duration::from_secs(30));
        lane.pause(Duration::from_secs(5));
        assert_eq!(lane.status().paused_for, Some(Duration::from_secs(30)));
        let longer = async {
            tokio::time::sleep(Duration::from_secs(29)).await;
            assert_eq!(lane.status().queued, 1);
            lane.pause(Duration::from_secs(11));
        };
        let (pass, ()) = tokio::join!(lane.enter(Turn::First), longer);
        assert!(pass.is_ok());
        assert_eq!(began.elapsed(), Duration::from_secs(40));
    }

    #[tokio::test(start_paused = true)]
    async fn giving_up_frees_the_place() {
        let lane = lane(1, 256);
        let held = lane.enter(Turn::First).await.unwrap();
        let patience = Duration::from_secs(1);
        let waits = tokio::time::timeout(patience, lane.enter(Turn::First)).await;
        assert!(waits.is_err());
        assert_eq!(lane.status().queued, 0);
        drop(held);
        assert!(lane.enter(Turn::First).await.is_ok());
    }
}
