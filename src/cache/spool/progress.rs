//! How far a fill has come.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tracing::span::Id;

/// How far a fill has come; shared by the writer, its readers and the log line.
#[derive(Debug)]
pub struct Progress {
    began: Instant,
    rows: AtomicU64,
    pages: AtomicU64,
    upstream_micros: AtomicU64,
    /// Rows that are expected in all, and one more; 0: unknown.
    expected: AtomicU64,
    /// 0: unknown.
    rows_per_second: AtomicU64,
    way: Mutex<Option<Way>>,
    /// Whether somebody reads.
    awaited: watch::Sender<bool>,
    span: OnceLock<Id>,
}

/// How the pages of a collection are walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Page by page as upstream's next links lead.
    Links,
    /// In ranges of an indexed date column.
    Range,
}

impl Way {
    /// A word for logs and headers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Links => "links",
            Self::Range => "range",
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress {
    /// The progress of a fill that begins now.
    pub fn new() -> Self {
        Self {
            began: Instant::now(),
            rows: AtomicU64::new(0),
            pages: AtomicU64::new(0),
            upstream_micros: AtomicU64::new(0),
            expected: AtomicU64::new(0),
            rows_per_second: AtomicU64::new(0),
            way: Mutex::default(),
            awaited: watch::Sender::new(false),
            span: OnceLock::new(),
        }
    }

    /// Notes the span in which the fill runs, for traces. The first word counts.
    pub fn set_span(&self, span: Id) {
        let _ = self.span.set(span);
    }

    /// The span in which the fill runs, when it is traced. By then it may have ended.
    pub fn span(&self) -> Option<Id> {
        self.span.get().cloned()
    }

    /// When the fill began.
    pub fn began(&self) -> Instant {
        self.began
    }

    /// Time since then.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

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

    /// Notes rows that were written.
    pub(crate) fn add_rows(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// Notes how many rows the whole answer will have, as upstream counted them.
    pub fn expect_rows(&self, rows: u64) {
        self.expected
            .store(rows.saturating_add(1), Ordering::Relaxed);
    }

    /// Rows that the whole answer will have, roughly, when upstream was asked for their number.
    pub fn expected_rows(&self) -> Option<u64> {
        self.expected.load(Ordering::Relaxed).checked_sub(1)
    }

    /// Whether most of the rows are written, as far as their number is known.
    pub(super) fn nearly_done(&self) -> bool {
        let nearly = |expected: u64| {
            u128::from(self.rows()) * 100 >= u128::from(expected) * u128::from(NEARLY_PERCENT)
        };
        self.expected_rows().is_some_and(nearly)
    }

    /// Notes how the pages are walked; the last word counts.
    pub fn set_way(&self, way: Way) {
        *self.way.lock().unwrap_or_else(PoisonError::into_inner) = Some(way);
    }

    /// How the pages are walked, when there is a choice and it is made.
    pub fn way(&self) -> Option<Way> {
        *self.way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how fast rows come at present; 0 when nobody knows.
    pub fn set_rows_per_second(&self, rate: u64) {
        self.rows_per_second.store(rate, Ordering::Relaxed);
    }

    /// How fast rows come at present, when that is known.
    pub fn rows_per_second(&self) -> Option<u64> {
        let rate = self.rows_per_second.load(Ordering::Relaxed);
        (rate > 0).then_some(rate)
    }

    /// Notes whether somebody reads the answer.
    pub(super) fn set_awaited(&self, awaited: bool) {
        self.awaited
            .send_if_modified(|now| std::mem::replace(now, awaited) != awaited);
    }

    /// Whether somebody reads the answer now. Nobody does before the first reader has come, nor while it is finished
    /// for those who come later.
    pub fn is_awaited(&self) -> bool {
        *self.awaited.borrow()
    }

    /// The same as it changes.
    pub fn awaited(&self) -> watch::Receiver<bool> {
        self.awaited.subscribe()
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

/// With so many rows in a hundred written, an answer is worth finishing for those who come later.
const NEARLY_PERCENT: u8 = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn knows_how_long_it_has_been_going_on() {
        let progress = Progress::new();
        let began = Instant::now();
        tokio::time::advance(Duration::from_secs(7)).await;
        assert_eq!(progress.began(), began);
        assert_eq!(progress.elapsed(), Duration::from_secs(7));
    }

    #[test]
    fn is_nearly_done_with_four_rows_of_five() {
        for (rows, expected, nearly) in [
            (0, None, false),
            (u64::MAX, None, false),
            (0, Some(0), true),
            (79, Some(100), false),
            (80, Some(100), true),
            (120, Some(100), true),
            (1, Some(u64::MAX - 1), false),
            (u64::MAX, Some(u64::MAX), true),
        ] {
            let progress = Progress::new();
            progress.add_rows(rows);
            if let Some(expected) = expected {
                progress.expect_rows(expected);
            }
            assert_eq!(progress.nearly_done(), nearly, "{rows} of {expected:?}");
        }
    }
}
