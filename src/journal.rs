//! The latest requests that are over, and counts of all: what a person wants to see who asks what just happened.
//!
//! Whoever answers requests writes them down here; whoever shows them reads. It says what the log says of a request, and no
//! more: never values of a query, never headers. It takes a fixed number of requests, and forgets the oldest.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;

/// The latest requests. Clones share them.
#[derive(Debug, Clone)]
pub struct Journal {
    pages: Arc<Mutex<Pages>>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug, Default)]
struct Pages {
    /// The oldest first; [`KEPT_MAX`] at most.
    latest: VecDeque<Written>,
    counts: RequestCounts,
}

/// A request that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Its method; one word for all that are not HTTP's own.
    pub method: &'static str,
    /// What it asked for, without values: a question's shape, or one of our own paths. `None`: some other path.
    pub shape: Option<Arc<str>>,
    /// Whether that is a question.
    pub is_question: bool,
    /// The site that was asked.
    pub site: Option<Arc<str>>,
    /// The entity set that its question begins at.
    pub set: Option<Arc<str>>,
    /// The status of its answer; `None` when the client left before there was one.
    pub status: Option<u16>,
    /// How its answer came about, in a word; `None` when there was none.
    pub outcome: Option<&'static str>,
    /// Whether its answer was stored already.
    pub from_cache: bool,
    /// Rows of its body.
    pub rows: u64,
    /// Bytes of its body, as encoded.
    pub bytes: u64,
    /// From its head to the end of its body.
    pub duration: Duration,
    /// How it ended.
    pub ended: Ended,
    /// What went wrong, if anything.
    pub error: Option<String>,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// All of its body was sent.
    Complete,
    /// Its answer could not be completed, and the connection was cut.
    Cut,
    /// The client did not wait for the end.
    ClientGone,
}

/// A request in the journal.
#[derive(Debug, Clone)]
pub struct Written {
    /// Counts from 1 on, from the start of the program.
    pub number: u64,
    /// When it came.
    pub at: Timestamp,
    /// What became of it.
    pub finished: Finished,
}

/// Questions since the start, by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestCounts {
    /// Answered from what was stored.
    pub from_cache: u64,
    /// Answered by upstream, for this client or shared with another.
    pub fetched: u64,
    /// Without an answer, or with one that was cut.
    pub failed: u64,
}

impl Journal {
    /// An empty one.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            pages: Arc::default(),
            clock,
        }
    }

    /// Writes down a request that ends now.
    pub fn write(&self, finished: Finished) {
        let took = SignedDuration::try_from(finished.duration).unwrap_or(SignedDuration::MAX);
        let now = self.clock.now();
        let at = now.checked_sub(took).unwrap_or(now);
        let mut pages = self.lock();
        pages.counts.count(&finished);
        let last = pages.latest.back().map_or(0, |last| last.number);
        if pages.latest.len() >= KEPT_MAX {
            pages.latest.pop_front();
        }
        pages.latest.push_back(Written {
            number: last + 1,
            at,
            finished,
        });
    }

    /// The latest, the newest first.
    pub fn latest(&self) -> Vec<Written> {
        self.lock().latest.iter().rev().cloned().collect()
    }

    /// What became of all questions.
    pub fn counts(&self) -> RequestCounts {
        self.lock().counts
    }

    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RequestCounts {
    /// A client that leaves early is nobody's failure.
    fn count(&mut self, request: &Finished) {
        if !request.is_question {
            return;
        }
        let left = request.ended == Ended::ClientGone && request.error.is_none();
        match (request.outcome, request.ended) {
            (_, Ended::Cut) => self.failed += 1,
            (Some(_), _) if request.from_cache => self.from_cache += 1,
            (Some(_), _) => self.fetched += 1,
            (None, _) if left => {}
            (None, _) => self.failed += 1,
        }
    }
}

impl Ended {
    /// A word for the log and the JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Cut => "cut",
            Self::ClientGone => "client-gone",
        }
    }
}

/// So many requests are kept.
const KEPT_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FollowingClock;

    /// A question that was answered.
    fn finished(bytes: u64) -> Finished {
        Finished {
            method: "GET",
            shape: Some("Users".into()),
            is_question: true,
            site: Some("main".into()),
            set: Some("Users".into()),
            status: Some(200),
            outcome: Some("hit"),
            from_cache: true,
            rows: 3,
            bytes,
            duration: Duration::from_secs(90),
            ended: Ended::Complete,
            error: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_latest_are_kept_and_all_are_counted() {
        let clock = FollowingClock::starting_at("2026-03-02T08:10:00Z".parse().unwrap());
        let journal = Journal::new(Arc::new(clock));
        assert!(journal.latest().is_empty());
        for bytes in 1..=101 {
            journal.write(finished(bytes));
        }
        let latest = journal.latest();
        assert_eq!(latest.len(), 100);
        let bytes = |at: usize| (latest[at].number, latest[at].finished.bytes);
        assert_eq!((bytes(0), bytes(99)), ((101, 101), (2, 2)));
        assert_eq!(latest[0].at.to_string(), "2026-03-02T08:08:30Z");
        assert_eq!(journal.counts().from_cache, 101);
    }

    #[test]
    fn questions_count_by_what_became_of_them() {
        let base = finished(1);
        let none = |ended, error: Option<&str>| Finished {
            outcome: None,
            from_cache: false,
            ended,
            error: error.map(ToOwned::to_owned),
            ..base.clone()
        };
        for (request, expected) in [
            (base.clone(), [1, 0, 0]),
            (
                Finished {
                    from_cache: false,
                    outcome: Some("miss"),
                    ..base.clone()
                },
                [0, 1, 0],
            ),
            (
                Finished {
                    ended: Ended::Cut,
                    ..base.clone()
                },
                [0, 0, 1],
            ),
            (none(Ended::Complete, Some("busy")), [0, 0, 1]),
            (none(Ended::ClientGone, Some("busy")), [0, 0, 1]),
            (none(Ended::ClientGone, None), [0, 0, 0]),
            (
                Finished {
                    is_question: false,
                    ..none(Ended::Complete, None)
                },
                [0, 0, 0],
            ),
        ] {
            let mut counts = RequestCounts::default();
            counts.count(&request);
            let found = [counts.from_cache, counts.fetched, counts.failed];
            assert_eq!(found, expected, "{request:?}");
        }
    }
}
