//! How many queries are in flight: one more than allowed is turned away at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts queries in flight.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate {
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    inside: AtomicUsize,
    peak: AtomicUsize,
}

/// A place inside; dropping it makes room, also when the client goes away.
#[derive(Debug)]
pub(crate) struct Slot {
    counts: Arc<Counts>,
}

impl Gate {
    /// A place, unless all `lanes` are taken.
    pub(crate) fn enter(&self, lanes: usize) -> Option<Slot> {
        let counts = &self.counts;
        let before = counts
            .inside
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |inside| {
                (inside < lanes).then_some(inside + 1)
            })
            .ok()?;
        counts.peak.fetch_max(before + 1, Ordering::SeqCst);
        Some(Slot {
            counts: Arc::clone(counts),
        })
    }

    pub(crate) fn inside(&self) -> usize {
        self.counts.inside.load(Ordering::SeqCst)
    }

    pub(crate) fn peak(&self) -> usize {
        self.counts.peak.load(Ordering::SeqCst)
    }

    pub(crate) fn reset_peak(&self) {
        self.counts.peak.store(self.inside(), Ordering::SeqCst);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.counts.inside.fetch_sub(1, Ordering::SeqCst);
    }
}
