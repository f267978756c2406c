//! When to say that the collector cannot be reached: now and then, and not for each batch.

use std::time::Duration;

use tokio::time::Instant;

/// Whether batches get through.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// When it was last said that they do not.
    told: Option<Instant>,
    /// Whether that is the last that was said.
    lost: bool,
}

/// What is worth a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// Batches are lost.
    Lost,
    /// They get through again.
    Found,
}

impl Reach {
    /// Notes what became of a batch, and returns what has to be said of that.
    pub(super) fn note(&mut self, sent: bool, now: Instant) -> Option<Word> {
        if sent {
            return std::mem::take(&mut self.lost).then_some(Word::Found);
        }
        let quiet = self
            .told
            .is_some_and(|told| now.saturating_duration_since(told) < TOLD_EVERY);
        if quiet {
            return None;
        }
        self.told = Some(now);
        self.lost = true;
        Some(Word::Lost)
    }
}

/// Batches are sent every few seconds.
const TOLD_EVERY: Duration = Duration::from_mins(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_that_is_away_is_told_once_in_a_while() {
        let begin = Instant::now();
        let mut reach = Reach::default();
        for (second, sent, expected) in [
            (0, true, None),
            (5, false, Some(Word::Lost)),
            (10, false, None),
            (604, false, None),
            (605, false, Some(Word::Lost)),
            (610, true, Some(Word::Found)),
            (615, true, None),
            // One that comes and goes is not told at each turn.
            (620, false, None),
            (625, true, None),
            (1205, false, Some(Word::Lost)),
        ] {
            let now = begin + Duration::from_secs(second);
            assert_eq!(reach.note(sent, now), expected, "after {second} s");
        }
    }
}
