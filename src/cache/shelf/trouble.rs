//! When the disk does not do what it should: how long nothing is tried, and how often it is told. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// Failures of the disk.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// When it failed the last time since it worked.
    failed: Option<Instant>,
    /// When that was told the last time since it worked.
    told: Option<Instant>,
}

impl Trouble {
    /// Whether it is worth trying.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.failed
            .is_none_or(|failed| now.saturating_duration_since(failed) >= PAUSE)
    }

    /// It failed; returns whether to tell.
    pub(super) fn failed(&mut self, now: Instant) -> bool {
        self.failed = Some(now);
        let tell = self
            .told
            .is_none_or(|told| now.saturating_duration_since(told) >= TOLD_AGAIN_AFTER);
        if tell {
            self.told = Some(now);
        }
        tell
    }

    /// It worked.
    pub(super) fn worked(&mut self) {
        *self = Self::default();
    }
}

/// For how long nothing is tried.
const PAUSE: Duration = Duration::from_secs(30);

/// What goes on failing is told again after this.
const TOLD_AGAIN_AFTER: Duration = Duration::from_mins(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nothing_is_tried_for_a_while_and_little_is_told() {
        let mut trouble = Trouble::default();
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(trouble.is_over(start));
        for (seconds, told) in [(0, true), (30, false), (599, false), (600, true)] {
            assert_eq!(trouble.failed(after(seconds)), told, "{seconds}");
            assert!(!trouble.is_over(after(seconds + 29)));
            assert!(trouble.is_over(after(seconds + 30)));
        }
        trouble.worked();
        assert!(trouble.is_over(after(601)));
        assert!(trouble.failed(after(602)));
    }
}
