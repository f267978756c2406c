//! What time is it? Everything that needs a date or an age asks a [`Clock`].
//!
//! Durations ("how long?") use `tokio::time::Instant`, which tests can pause; this is for wall-clock time.

use std::fmt::Debug;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// A source of wall-clock time.
pub trait Clock: Debug + Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl SystemClock {
    /// The system clock behind the shared handle that every room takes.
    pub fn shared() -> Arc<dyn Clock> {
        Arc::new(Self)
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that starts at a chosen moment and follows tokio's time, so that pausing and advancing tokio's
/// timers in a test moves dates along with them.
#[derive(Debug, Clone, Copy)]
pub struct FollowingClock {
    start: Timestamp,
    began: Instant,
}

impl FollowingClock {
    /// Starts at `start` now; call inside a tokio runtime.
    pub fn starting_at(start: Timestamp) -> Self {
        Self {
            start,
            began: Instant::now(),
        }
    }
}

impl Clock for FollowingClock {
    fn now(&self) -> Timestamp {
        SignedDuration::try_from(self.began.elapsed())
            .ok()
            .and_then(|elapsed| self.start.checked_add(elapsed).ok())
            .unwrap_or(self.start)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn following_clock_moves_with_paused_time() {
        let start: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
        let clock = FollowingClock::starting_at(start);
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(clock.now().to_string(), "2026-03-02T08:01:30Z");
    }
}
