//! What happened in the last hours, minute by minute.
//!
//! Counters and the lanes are looked at every ten seconds. Minutes in which nobody looked, because the machine slept or the
//! program had not begun, are not there.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::status::{rfc3339, to_the_millisecond};
use crate::clock::Clock;
use crate::gateway::GatewayStatus;
use crate::journal::RequestCounts;
use crate::odata::name::SiteId;

/// What happened in a minute, as far as it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Minute {
    /// Its beginning, by the wall clock.
    #[serde(serialize_with = "rfc3339")]
    pub at: Timestamp,
    /// What was seen in it.
    #[serde(flatten)]
    pub seen: Seen,
}

/// What was seen in some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Seen {
    /// Questions that were answered from what was stored.
    pub from_cache: u64,
    /// Questions that upstream answered.
    pub fetched: u64,
    /// Questions without a whole answer.
    pub failed: u64,
    /// For how long upstream worked on a query, in the lane that was busiest.
    #[serde(rename = "busy_seconds", serialize_with = "to_the_millisecond")]
    pub busy: Duration,
    /// The most requests that were seen waiting in one lane.
    pub queue: usize,
    /// How much of the time this is about.
    #[serde(rename = "seconds", serialize_with = "to_the_millisecond")]
    pub covered: Duration,
}

/// The last hours, while they are written.
#[derive(Debug, Default)]
pub(super) struct History(Mutex<Ring>);

/// Minutes in order of time, those of [`KEPT_FOR`].
#[derive(Debug, Default)]
struct Ring(VecDeque<Minute>);

/// What counters showed at the last look.
#[derive(Debug)]
struct Marks {
    requests: RequestCounts,
    busy: BTreeMap<SiteId, Duration>,
    at: Instant,
}

impl History {
    /// Goes on for ever: what `look` says is written down every ten seconds.
    pub(super) async fn keep(
        &self,
        clock: &dyn Clock,
        look: impl Fn() -> (GatewayStatus, RequestCounts),
    ) {
        let mut marks = Marks {
            requests: RequestCounts::default(),
            busy: BTreeMap::new(),
            at: Instant::now(),
        };
        loop {
            sleep(LOOK_EVERY).await;
            let (gateway, requests) = look();
            let seen = marks.since(&gateway, requests, Instant::now());
            self.lock().add(clock.now(), seen);
        }
    }

    /// The minutes so far, the oldest first.
    pub(super) fn minutes(&self) -> Vec<Minute> {
        self.lock().0.iter().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Marks {
    /// What happened since the last look. Sites of one customer share a lane, and each shows it: so the busiest counts,
    /// and not the sum.
    fn since(&mut self, gateway: &GatewayStatus, requests: RequestCounts, now: Instant) -> Seen {
        let covered = now.saturating_duration_since(self.at);
        let mut busiest = Duration::ZERO;
        for site in &gateway.sites {
            let busy = site.lane.counts.busy;
            let before = self.busy.insert(site.site.clone(), busy);
            busiest = busiest.max(busy.saturating_sub(before.unwrap_or_default()));
        }
        let waiting = gateway.sites.iter().map(|site| site.lane.waiting.len());
        let before = std::mem::replace(&mut self.requests, requests);
        self.at = now;
        Seen {
            from_cache: requests.from_cache.saturating_sub(before.from_cache),
            fetched: requests.fetched.saturating_sub(before.fetched),
            failed: requests.failed.saturating_sub(before.failed),
            busy: busiest.min(covered),
            queue: waiting.max().unwrap_or_default(),
            covered,
        }
    }
}

impl Ring {
    /// Adds to the minute in which `now` is. A clock that was set back by a moment goes on in the last one; what lies
    /// further in the future is forgotten.
    fn add(&mut self, now: Timestamp, seen: Seen) {
        let at = Timestamp::from_second(now.as_second().div_euclid(60) * 60).unwrap_or(now);
        while self.0.back().is_some_and(|last| last.at > at + BACK_MAX) {
            self.0.pop_back();
        }
        match self.0.back_mut() {
            Some(last) if at <= last.at => last.seen = last.seen.and(seen),
            _ => self.0.push_back(Minute { at, seen }),
        }
        let oldest = at.checked_sub(KEPT_FOR).unwrap_or(at);
        while self.0.front().is_some_and(|first| first.at <= oldest) {
            self.0.pop_front();
        }
    }
}

impl Seen {
    /// Both together, one after the other.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            from_cache: self.from_cache + other.from_cache,
            fetched: self.fetched + other.fetched,
            failed: self.failed + other.failed,
            busy: self.busy + other.busy,
            queue: self.queue.max(other.queue),
            covered: self.covered + other.covered,
        }
    }
}

/// Queues come and go; what is counted is not missed in between.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// So much is kept: 360 minutes.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(6);

/// Clocks are set by a little all the time.
const BACK_MAX: SignedDuration = SignedDuration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(from_cache: u64, queue: usize) -> Seen {
        Seen {
            from_cache,
            queue,
            busy: Duration::from_secs(1),
            covered: Duration::from_secs(10),
            ..Seen::default()
        }
    }

    /// What is in the ring after looks at these seconds: beginnings, questions, longest queues.
    fn after(looks: &[i64]) -> Vec<(i64, u64, usize)> {
        let mut ring = Ring::default();
        for (second, queue) in looks.iter().zip(1..) {
            let at = Timestamp::from_second(*second).unwrap();
            ring.add(at, seen(10, queue));
        }
        let minutes = ring.0.iter();
        let row = |minute: &Minute| {
            (
                minute.at.as_second(),
                minute.seen.from_cache,
                minute.seen.queue,
            )
        };
        minutes.map(row).collect()
    }

    #[test]
    fn looks_are_put_together_by_the_minute() {
        for (looks, expected) in [
            (&[][..], &[][..]),
            (&[0, 59], &[(0, 20, 2)]),
            (&[59, 60, 119], &[(0, 10, 1), (60, 20, 3)]),
            // The machine slept: nothing is made up for the time between.
            (&[30, 4000], &[(0, 10, 1), (3960, 10, 2)]),
            // Set back by a moment.
            (&[60, 59], &[(60, 20, 2)]),
            // Set back by an hour.
            (&[3600, 3660, 60], &[(60, 10, 3)]),
            // Six hours are kept.
            (&[0, 60, 21_600], &[(60, 10, 2), (21_600, 10, 3)]),
            (&[-30], &[(-60, 10, 1)]),
        ] {
            assert_eq!(after(looks), expected, "{looks:?}");
        }
    }

    #[test]
    fn no_more_than_six_hours_are_kept() {
        let looks: Vec<i64> = (0..1000).map(|minute| minute * 60).collect();
        let found = after(&looks);
        assert_eq!((found.len(), found[0].0), (360, 640 * 60));
    }

    #[tokio::test(start_paused = true)]
    async fn marks_tell_what_is_new() {
        let mut gateway = super::super::tests::made_up::status();
        let began = Instant::now();
        let mut marks = Marks {
            requests: RequestCounts::default(),
            busy: BTreeMap::new(),
            at: began,
        };
        let requests = |from_cache| RequestCounts {
            from_cache,
            fetched: 5,
            failed: 1,
        };
        let seconds = |seconds| began + Duration::from_secs(seconds);
        let first = marks.since(&gateway, requests(9), seconds(10));
        assert_eq!((first.from_cache, first.fetched, first.failed), (9, 5, 1));
        assert_eq!(first.busy, Duration::from_secs(10), "no more than there is");
        assert_eq!(first.queue, 4);
        for site in &mut gateway.sites {
            site.lane.counts.busy += Duration::from_secs(3);
            site.lane.waiting.clear();
        }
        let second = marks.since(&gateway, requests(11), seconds(25));
        assert_eq!(
            (second.from_cache, second.fetched, second.failed),
            (2, 0, 0)
        );
        assert_eq!(second.busy, Duration::from_secs(3), "of one lane");
        assert_eq!((second.queue, second.covered.as_secs()), (0, 15));
    }
}
