//! From when to when a token is used.
//!
//! Two clocks watch over it: the wall clock stands still for nobody, but may be set back; the steady clock
//! is never set back, but stands still on some systems while the machine sleeps. Whichever is further, counts.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// A moment on both clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) wall: Timestamp,
    pub(super) steady: Instant,
}

impl Moment {
    fn after(self, duration: Duration) -> Self {
        let wall = SignedDuration::try_from(duration)
            .ok()
            .and_then(|duration| self.wall.checked_add(duration).ok());
        Self {
            wall: wall.unwrap_or(Timestamp::MAX),
            steady: self.steady + duration,
        }
    }

    /// Whether `now` is not before this moment, on either clock.
    fn passed(self, now: Self) -> bool {
        now.wall >= self.wall || now.steady >= self.steady
    }

    /// From `now` to this moment, on the clock that is further.
    fn until(self, now: Self) -> Duration {
        let wall = self.wall.duration_since(now.wall);
        let wall = Duration::try_from(wall).unwrap_or_default();
        wall.min(self.steady.saturating_duration_since(now.steady))
    }
}

/// From when to when a token is used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lifetime {
    renewed_from: Moment,
    used_until: Moment,
}

impl Lifetime {
    /// The lifetime of a token that was asked for at `asked` and lives for `length`.
    pub(super) fn new(asked: Moment, length: Duration) -> Self {
        Self {
            renewed_from: asked.after(length.saturating_sub(renewal_lead(length))),
            used_until: asked.after(length.saturating_sub(safety_margin(length))),
        }
    }

    /// Whether the token may be sent: it will be valid when it arrives.
    pub(super) fn usable(self, now: Moment) -> bool {
        !self.used_until.passed(now)
    }

    /// Whether it is time for a new one.
    pub(super) fn renewal_due(self, now: Moment) -> bool {
        self.renewed_from.passed(now)
    }

    /// When it will be time for a new one, as far as the steady clock knows.
    pub(super) fn renewed_from(self) -> Instant {
        self.renewed_from.steady
    }

    /// How much longer the token may be sent.
    pub(super) fn remaining(self, now: Moment) -> Duration {
        self.used_until.until(now)
    }
}

/// How long before its end a token is renewed: 5 minutes or a tenth of its life, but at most half of it.
fn renewal_lead(length: Duration) -> Duration {
    (length / 10).max(Duration::from_secs(300)).min(length / 2)
}

/// How long before its end a token is no longer sent: 30 seconds, or a tenth of a short life.
fn safety_margin(length: Duration) -> Duration {
    (length / 10).min(Duration::from_secs(30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_suit_long_and_short_lives() {
        let cases = [
            // life, renewed so long before its end, not sent so long before its end
            (3600.0, 360.0, 30.0),
            (1200.0, 300.0, 30.0),
            (300.0, 150.0, 30.0),
            (60.0, 30.0, 6.0),
            (4.0, 2.0, 0.4),
        ];
        for (length, lead, margin) in cases {
            let seconds = Duration::from_secs_f64;
            assert_eq!(renewal_lead(seconds(length)), seconds(lead), "{length}");
            assert_eq!(safety_margin(seconds(length)), seconds(margin), "{length}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn either_clock_ends_a_life() {
        let asked = Moment {
            wall: "2026-03-02T08:00:00Z".parse().unwrap(),
            steady: Instant::now(),
        };
        let life = Lifetime::new(asked, Duration::from_secs(3600));
        let now = |wall: &str, seconds: u64| Moment {
            wall: wall.parse().unwrap(),
            steady: asked.steady + Duration::from_secs(seconds),
        };
        assert!(life.usable(now("2026-03-02T08:59:29Z", 3569)));
        assert!(!life.usable(now("2026-03-02T08:59:30Z", 10)), "slept");
        assert!(!life.usable(now("2026-03-01T08:00:00Z", 3570)), "set back");
        assert!(life.renewal_due(now("2026-03-02T08:54:00Z", 10)));
        assert_eq!(
            life.remaining(now("2026-03-02T08:50:00Z", 10)),
            Duration::from_secs(570)
        );
    }
}
