//! How long one answer may go on waiting for a struggling upstream.
//!
//! A pause costs all who wait for it. Pauses for 429 and 503 grow with the refusals in a row on the lane, whoever got them, and
//! are charged to the budget of each request that waits meanwhile: an upstream that refuses for ten minutes ends all of them
//! after about one budget, not one after the other. Ordinary waiting for a turn is free. Attempts and pauses are charged as
//! long as they were planned at most, because the machine may have slept.

use std::time::Duration;

use super::retry::Failure;
use super::spent::Spent;

/// The patience for one answer, shared by its pages, and what it was spent on.
///
/// Failed attempts, the pauses after them, and pauses of the lane use it up; waiting for a turn and successful attempts
/// do not.
#[derive(Debug, Clone)]
pub struct RetryBudget {
    total: Duration,
    spent: Spent,
    /// Time in failed attempts, forgiven or not.
    failing: Duration,
    pages: u64,
    page: PageSoFar,
}

/// What happened to the page that is being asked for. It outlives a query that was given back as too heavy: the
/// smaller one after it is for the same page of the answer.
#[derive(Debug, Clone, Default)]
struct PageSoFar {
    attempts: u32,
    /// Failures that count towards the limits of their kind.
    failures: Vec<Failure>,
    /// Time in attempts and pauses while upstream was out of reach.
    out_of_reach: Duration,
}

impl RetryBudget {
    /// A fresh budget for one answer.
    pub fn new(total: Duration) -> Self {
        Self {
            total,
            spent: Spent::default(),
            failing: Duration::ZERO,
            pages: 0,
            page: PageSoFar::default(),
        }
    }

    /// The whole of it.
    pub fn total(&self) -> Duration {
        self.total
    }

    /// What failed attempts and pauses have used.
    pub fn spent(&self) -> Duration {
        self.spent.time()
    }

    /// What is left of it.
    pub fn left(&self) -> Duration {
        self.total.saturating_sub(self.spent())
    }

    /// The time of all failed attempts, without the pauses; also of those that the budget was not charged with.
    pub fn failing(&self) -> Duration {
        self.failing
    }

    /// What it was spent on.
    pub fn ledger(&self) -> &Spent {
        &self.spent
    }

    /// Pages of this answer that were read.
    pub fn pages(&self) -> u64 {
        self.pages
    }

    /// Attempts for the present page.
    pub(super) fn attempts(&self) -> u32 {
        self.page.attempts
    }

    /// Failures of this kind for the present page that count towards its limit.
    pub(super) fn alike(&self, failure: Failure) -> u32 {
        let alike = self.page.failures.iter().filter(|f| **f == failure);
        u32::try_from(alike.count()).unwrap_or(u32::MAX)
    }

    /// Time for the present page in which upstream was out of reach.
    pub(super) fn out_of_reach(&self) -> Duration {
        self.page.out_of_reach
    }

    /// An attempt begins.
    pub(super) fn attempted(&mut self) {
        self.page.attempts = self.page.attempts.saturating_add(1);
    }

    /// An attempt took so long, and was for nothing.
    pub(super) fn failed(&mut self, attempt: Duration) {
        self.failing = self.failing.saturating_add(attempt);
        let attempting = &mut self.spent.attempting;
        *attempting = attempting.saturating_add(attempt);
    }

    /// Why an attempt that took so long was for nothing, and whether that counts towards the limit of its kind.
    pub(super) fn failed_by(&mut self, failure: Failure, attempt: Duration, counts: bool) {
        self.spent.count(failure);
        self.note_out_of_reach(failure, attempt);
        if counts {
            self.page.failures.push(failure);
        }
    }

    /// An attempt that failed in this way and took so long is not held against an answer that is getting on: it found out how much upstream
    /// can bear at once, and a long scan finds that out many times.
    pub(super) fn forgive(&mut self, failure: Failure, attempt: Duration) {
        self.spent.uncount(failure);
        let attempting = &mut self.spent.attempting;
        *attempting = attempting.saturating_sub(attempt);
    }

    /// A pause of our own after such a failure, as long as it was planned.
    pub(super) fn pause(&mut self, failure: Failure, pause: Duration) {
        self.note_out_of_reach(failure, pause);
        self.spent.pausing = self.spent.pausing.saturating_add(pause);
    }

    /// The lane was paused for so long while this answer waited in it.
    pub(super) fn held(&mut self, pause: Duration) {
        self.spent.held = self.spent.held.saturating_add(pause);
    }

    fn note_out_of_reach(&mut self, failure: Failure, time: Duration) {
        if failure.is_out_of_reach() {
            self.page.out_of_reach = self.page.out_of_reach.saturating_add(time);
        }
    }

    /// The present page was read, and another one comes next.
    pub(super) fn page_read(&mut self) {
        self.pages += 1;
        self.page = PageSoFar::default();
    }

    /// Upstream answered, but with a refusal, or the asker thought of another question: whatever is asked next is
    /// something else.
    pub(crate) fn page_refused(&mut self) {
        self.page = PageSoFar::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::TransportFault;

    #[test]
    fn failures_belong_to_a_page_and_time_to_the_answer() {
        let seconds = Duration::from_secs;
        let mut budget = RetryBudget::new(seconds(100));
        for counts in [true, true, false] {
            budget.attempted();
            budget.failed(seconds(2));
            budget.failed_by(Failure::Status(500), seconds(2), counts);
            budget.pause(Failure::Status(500), seconds(1));
        }
        budget.held(seconds(30));
        assert_eq!(budget.alike(Failure::Status(500)), 2);
        assert_eq!(budget.alike(Failure::Timeout), 0);
        assert_eq!(budget.attempts(), 3);
        assert_eq!(budget.out_of_reach(), Duration::ZERO);
        let gone = Failure::Fault(TransportFault::Dns);
        budget.failed_by(gone, seconds(7), true);
        assert_eq!(budget.out_of_reach(), seconds(7));
        budget.page_read();
        assert_eq!(budget.out_of_reach(), Duration::ZERO);
        assert_eq!(
            (budget.alike(Failure::Status(500)), budget.attempts()),
            (0, 0)
        );
        assert_eq!(
            (budget.failing(), budget.spent()),
            (seconds(6), seconds(39))
        );
        assert_eq!(budget.left(), seconds(61));
        assert_eq!(budget.ledger().statuses[&500], 3);
    }
}
