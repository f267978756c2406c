//! How a lane is doing, for those who watch over it.

use std::sync::Arc;
use std::time::Duration;

use super::visit::{ByClass, Class};

/// How a lane is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneStatus {
    /// Queries that may be in flight now.
    pub level: usize,
    /// The most that the operator allows.
    pub maximum: usize,
    /// Requests that hold a [`super::Pass`]; for a while more than the level, when that has just sunk.
    pub in_flight: usize,
    /// Set while upstream wants a pause: how much longer.
    pub paused_for: Option<Duration>,
    /// Requests that wait for a pass, in the order in which they would get one if nobody came any more.
    pub waiting: Vec<Waiting>,
    /// What happened since the start.
    pub counts: LaneCounts,
}

/// A request that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its place in the present order, from 1 on.
    pub position: usize,
    /// What it is for.
    pub class: Class,
    /// What it asks.
    pub what: Arc<str>,
    /// Since when it waits.
    pub waited: Duration,
}

/// What happened in a lane since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LaneCounts {
    /// Passes given out.
    pub grants: ByClass<u64>,
    /// Time for which nobody could enter.
    pub paused: Duration,
    /// Time in which at least one pass was held.
    pub busy: Duration,
}

impl LaneStatus {
    /// How many wait, by class.
    pub fn queued_by_class(&self) -> ByClass<usize> {
        let of = |class| self.waiting.iter().filter(move |w| w.class == class);
        ByClass::from_fn(|class| of(class).count())
    }

    /// For how long the one that came first has been waiting, of those whose answer somebody waits for; nothing when
    /// there is none.
    pub fn oldest(&self) -> Duration {
        let waiting = self.waiting.iter();
        let awaited = waiting.filter(|waiting| waiting.class != Class::Background);
        awaited
            .map(|waiting| waiting.waited)
            .max()
            .unwrap_or_default()
    }
}
