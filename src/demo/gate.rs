//! How many queries are in flight: one more than there are lanes is turned away at once.
//!
//! Lanes are the customer's, and the customer has other tools. Such a stranger takes a lane now and then.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::knobs::Knobs;

/// Counts queries in flight.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate {
    places: Arc<Mutex<Places>>,
}

/// Who is inside.
#[derive(Debug, Default)]
struct Places {
    inside: usize,
    peak: usize,
    /// Queries that came, let in or not.
    came: u64,
    /// When each stranger leaves.
    strangers: Vec<Instant>,
    visits: u64,
}

/// Another tool of the customer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stranger {
    /// It comes just before every so many queries.
    every: u64,
    /// How long it stays.
    stay: Duration,
}

/// A place inside; dropping it makes room, also when the client goes away.
#[derive(Debug)]
pub(crate) struct Slot {
    gate: Gate,
}

impl Stranger {
    pub(crate) fn of(knobs: &Knobs) -> Option<Self> {
        knobs.stranger.map(|every| Self {
            every: every.get(),
            stay: knobs.stranger_time,
        })
    }
}

impl Gate {
    /// A place, unless all `lanes` are taken. A stranger who finds no free lane goes away again.
    pub(crate) fn enter(
        &self,
        lanes: usize,
        stranger: Option<Stranger>,
        now: Instant,
    ) -> Option<Slot> {
        let mut places = self.places();
        places.came += 1;
        places.strangers.retain(|until| *until > now);
        if let Some(stranger) = stranger
            && places.came.is_multiple_of(stranger.every)
            && places.taken() < lanes
        {
            places.strangers.push(now + stranger.stay);
            places.visits += 1;
        }
        if places.taken() >= lanes {
            return None;
        }
        places.inside += 1;
        places.peak = places.peak.max(places.inside);
        Some(Slot { gate: self.clone() })
    }

    /// Queries in flight; strangers do not count.
    pub(crate) fn inside(&self) -> usize {
        self.places().inside
    }

    /// The most queries ever in flight; strangers do not count.
    pub(crate) fn peak(&self) -> usize {
        self.places().peak
    }

    /// How often a stranger took a lane.
    pub(crate) fn visits(&self) -> u64 {
        self.places().visits
    }

    /// Starts counting anew; who is inside stays.
    pub(crate) fn reset(&self) {
        let mut places = self.places();
        places.peak = places.inside;
        places.visits = 0;
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn taken(&self) -> usize {
        self.inside + self.strangers.len()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.gate.places().inside -= 1;
    }
}
