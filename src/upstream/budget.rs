//! How long one answer may go on waiting for a struggling upstream.

use std::time::Duration;

/// The patience for one answer, shared by its pages.
///
/// Failed attempts and the pauses after them use it up; waiting for a turn and successful attempts do not.
#[derive(Debug, Clone)]
pub struct RetryBudget {
    total: Duration,
    spent: Duration,
    pages: u64,
}

impl RetryBudget {
    /// A fresh budget for one answer.
    pub fn new(total: Duration) -> Self {
        Self {
            total,
            spent: Duration::ZERO,
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

    /// Pages of this answer that were read.
    pub fn pages(&self) -> u64 {
        self.pages
    }

    pub(super) fn spend(&mut self, duration: Duration) {
        self.spent = self.spent.saturating_add(duration);
    }

    pub(super) fn page_read(&mut self) {
        self.pages += 1;
    }
}
