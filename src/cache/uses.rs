//! The times by which it is decided what was used longest ago.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Times of use, which do not go back when the wall clock is set back: what is used after that would be taken for what was
/// used longest ago, and make room first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Uses {
    /// When this run of the program began, by both clocks.
    began: (Timestamp, Instant),
}

impl Uses {
    /// For a run that begins at this moment.
    pub(super) fn from(wall: Timestamp, steady: Instant) -> Self {
        let began = (wall, steady);
        Self { began }
    }

    /// The time to note for a use at this moment: that of the wall clock, unless the steady clock has gone further.
    pub(super) fn at(&self, wall: Timestamp, steady: Instant) -> Timestamp {
        let (began, then) = self.began;
        let passed = steady.saturating_duration_since(then);
        let passed = SignedDuration::try_from(passed).unwrap_or_default();
        began.checked_add(passed).map_or(wall, |by| by.max(wall))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn whichever_clock_has_gone_further_counts() {
        let noon: Timestamp = "2026-03-02T12:00:00Z".parse().unwrap();
        let began = Instant::now();
        let uses = Uses::from(noon, began);
        for (wall, steady, expected) in [
            (0, 0, 0),
            (90, 90, 90),
            // The machine slept.
            (3600, 60, 3600),
            // The clock was set back by a day.
            (-86_400, 60, 60),
        ] {
            let wall = noon + SignedDuration::from_secs(wall);
            let steady = began + Duration::from_secs(steady);
            let expected = noon + SignedDuration::from_secs(expected);
            assert_eq!(uses.at(wall, steady), expected, "{wall}");
        }
    }
}
