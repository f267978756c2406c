//! What the operator may want to see of the questions that are asked by schedule.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::Scheduled;
use crate::odata::name::SiteId;
use crate::odata::shape::shape;

/// One row for each question, in the order of the settings. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<Mutex<Vec<WarmStatus>>>);

/// How a question that is asked by schedule is doing.
#[derive(Debug, Clone)]
pub struct WarmStatus {
    /// Whose data.
    pub site: SiteId,
    /// The question without its values.
    pub shape: String,
    /// Whether it is being asked now.
    pub running: bool,
    /// When it is due next; `None` before the first run, and when time ends before.
    pub next: Option<Timestamp>,
    /// The last run that has ended.
    pub last: Option<LastRun>,
}

/// A run that has ended.
#[derive(Debug, Clone)]
pub struct LastRun {
    /// When it began.
    pub at: Timestamp,
    /// How long it took, its waiting for turns included.
    pub took: Duration,
    /// What came of it.
    pub result: RunResult,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunResult {
    /// The answer is stored.
    Stored {
        /// Its rows.
        rows: u64,
    },
    /// The answer was made, and is not stored: it is too large, or was purged meanwhile.
    NotKept {
        /// Its rows; those so far, when it was given up.
        rows: u64,
    },
    /// It was being made already.
    Underway,
    /// There is none.
    Failed {
        /// Why, with the causes.
        error: String,
    },
}

impl Board {
    /// A board of questions that were not asked yet.
    pub(super) fn new(questions: &[Scheduled]) -> Self {
        let status = |question: &Scheduled| WarmStatus {
            site: question.site.clone(),
            shape: shape(&question.question),
            running: false,
            next: None,
            last: None,
        };
        Self::of(questions.iter().map(status).collect())
    }

    /// A board with these rows.
    pub fn of(rows: Vec<WarmStatus>) -> Self {
        Self(Arc::new(Mutex::new(rows)))
    }

    /// The rows as they are now.
    pub fn rows(&self) -> Vec<WarmStatus> {
        self.lock().clone()
    }

    pub(super) fn set_next(&self, row: usize, next: Option<Timestamp>) {
        self.change(row, |status| status.next = next);
    }

    pub(super) fn begin(&self, row: usize) {
        self.change(row, |status| status.running = true);
    }

    pub(super) fn end(&self, row: usize, run: LastRun) {
        self.change(row, |status| {
            status.running = false;
            status.last = Some(run);
        });
    }

    fn change(&self, row: usize, change: impl FnOnce(&mut WarmStatus)) {
        if let Some(status) = self.lock().get_mut(row) {
            change(status);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<WarmStatus>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
