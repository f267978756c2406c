//! How far a fill has come.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How far a fill has come; shared by the writer, its readers and the log line.
#[derive(Debug, Default)]
pub struct Progress {
    rows: AtomicU64,
    pages: AtomicU64,
    upstream_micros: AtomicU64,
}

impl Progress {
    /// Notes one upstream response and the time it took.
    pub fn add_page(&self, elapsed: Duration) {
        self.pages.fetch_add(1, Ordering::Relaxed);
        self.add_time(elapsed);
    }

    /// Notes time that upstream took without a response to show for it.
    pub fn add_time(&self, elapsed: Duration) {
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        self.upstream_micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(super) fn add_rows(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// Rows written so far.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Upstream responses so far.
    pub fn pages(&self) -> u64 {
        self.pages.load(Ordering::Relaxed)
    }

    /// Time that upstream took, for failed attempts too.
    pub fn upstream_time(&self) -> Duration {
        Duration::from_micros(self.upstream_micros.load(Ordering::Relaxed))
    }
}
