//! For how long an answer did not go on because nobody took what there was of it.

use std::time::Duration;

use tokio::time::Instant;

/// The longest standstill of an answer, one under way included.
///
/// Who reads alone may take all the time that they want; but parts that were fetched before and after a long
/// standstill are of very different ages, and not for those who come later.
#[derive(Debug, Default)]
pub(super) struct Standstill {
    longest: Duration,
    /// Since when there is one.
    since: Option<Instant>,
}

impl Standstill {
    /// The answer stands still, or still does.
    pub(super) fn begin(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    /// The answer goes on, or still does.
    pub(super) fn end(&mut self, now: Instant) {
        self.longest = self.longest(now);
        self.since = None;
    }

    /// The longest so far.
    pub(super) fn longest(&self, now: Instant) -> Duration {
        let under_way = self.since.map(|since| now.saturating_duration_since(since));
        self.longest.max(under_way.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_counts_and_one_under_way_does() {
        let (began, mut standstill) = (Instant::now(), Standstill::default());
        let at = |seconds| began + Duration::from_secs(seconds);
        assert_eq!(standstill.longest(at(5)), Duration::ZERO);
        standstill.begin(at(10));
        standstill.begin(at(15));
        assert_eq!(standstill.longest(at(17)), Duration::from_secs(7));
        standstill.end(at(18));
        standstill.end(at(30));
        standstill.begin(at(40));
        for (seconds, longest) in [(41, 8), (48, 8), (49, 9)] {
            let expected = Duration::from_secs(longest);
            assert_eq!(standstill.longest(at(seconds)), expected, "{seconds}");
        }
    }
}
