//! How long one answer may go on waiting for a struggling upstream.

use std::time::Duration;

/// The patience for one answer, shared by its pages.
///
/// Failed attempts and the pauses after them use it up; waiting for a turn and successful attempts do not.
#[derive(Debug, Clone)]
pub struct RetryBudget {
    total: Duration,
    spent: Duration,
    failing: Duration,
    pages: u64,
}

impl RetryBudget {
    /// A fresh budget for one answer.
    pub fn new(total: Duration) -> Self {
        Self {
            total,
            spent: Duration::ZERO,
            failing: Duration::ZERO,
            pages: 0,
        }
    }

    /// The whole of it.
    pub fn total(&self) -> Duration {
        self.total
    }

    /// What failed attempts and pauses have used.
    pub fn spent(&self) -> Duration {
        self.spent
    }

    /// What failed attempts alone have used, without the pauses.
    pub fn failing(&self) -> Duration {
        self.failing
    }

    /// Pages of this answer that were read.
    pub fn pages(&self) -> u64 {
        self.pages
    }

    pub(super) fn failed(&mut self, attempt: Duration) {
        self.failing = self.failing.saturating_add(attempt);
        self.spent = self.spent.saturating_add(attempt);
    }

    pub(super) fn pause(&mut self, pause: Duration) {
        self.spent = self.spent.saturating_add(pause);
    }

    pub(super) fn page_read(&mut self) {
        self.pages += 1;
    }
}
