//! Counts of what happened at upstream.

use std::sync::atomic::{AtomicU64, Ordering};

use http::StatusCode;

/// Counts since the start, read by whoever shows them.
#[derive(Debug, Default)]
pub struct UpstreamMetrics {
    status: [AtomicU64; 5],
    unanswered: AtomicU64,
    retries: AtomicU64,
    throttled: AtomicU64,
}

/// The counts at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UpstreamCounts {
    /// Data requests that were answered, by the first digit of the status: 1xx, 2xx, 3xx, 4xx, 5xx.
    pub status: [u64; 5],
    /// Data requests without a whole answer: no connection, or not all of it in time. Those whose head came in
    /// time count above, too.
    pub unanswered: u64,
    /// Attempts that repeated a failed one.
    pub retries: u64,
    /// Answers with status 429 or 503.
    pub throttled: u64,
}

impl UpstreamMetrics {
    /// The counts now.
    pub fn counts(&self) -> UpstreamCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        UpstreamCounts {
            status: self.status.each_ref().map(read),
            unanswered: read(&self.unanswered),
            retries: read(&self.retries),
            throttled: read(&self.throttled),
        }
    }

    pub(super) fn answered(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = self.status.get(class) {
            add_one(counter);
        }
        if matches!(status.as_u16(), 429 | 503) {
            add_one(&self.throttled);
        }
    }

    pub(super) fn unanswered(&self) {
        add_one(&self.unanswered);
    }

    pub(super) fn retried(&self) {
        add_one(&self.retries);
    }
}

fn add_one(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
