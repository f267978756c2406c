//! Telling those who wait for a place that there may be one.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// That a place may be free now, for those who wait for one.
#[derive(Debug, Default)]
pub(super) struct Change {
    waiting: AtomicUsize,
    told: Notify,
}

/// One more waits, until this is dropped.
#[derive(Debug)]
pub(super) struct Waiting<'a>(&'a Change);

impl Change {
    /// Tells all who wait.
    pub(super) fn tell(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.told.notify_waiters();
        }
    }

    /// What is told while this is there is told.
    pub(super) fn wait_for_it(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        Waiting(self)
    }

    /// Waits for the next change.
    pub(super) fn heard(&self) -> Notified<'_> {
        self.told.notified()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}
