//! Which answer is made anew before it is stale. Pure.

use std::time::Duration;

use crate::gateway::Renewable;

/// The one of the `stored` answers whose time it is: clients have asked for it again since it was stored, and it will be
/// stale soon; of several the one that will be first. One that could not be had the last time is left to those who ask
/// for it, as is one that is stale: they are given it, and a new one is made behind it.
pub(super) fn choose(stored: &[Renewable]) -> Option<&Renewable> {
    let chosen = stored.iter().filter(|answer| {
        let soon = !answer.remaining.is_zero() && answer.remaining <= lead(answer.fresh);
        let popular = answer.hits >= HITS_MIN;
        soon && popular && !answer.refreshing && !answer.failed
    });
    chosen.min_by_key(|answer| answer.remaining)
}

/// How long before its end an answer that is `fresh` for so long is made anew: the last tenth of that time, within bounds,
/// and its second half at most.
fn lead(fresh: Duration) -> Duration {
    (fresh / 10).clamp(LEAD_MIN, LEAD_MAX).min(fresh / 2)
}

/// How long none is made after one that `took` so long: a quarter of the time is used at most. After a failure it is a
/// while in any case, because some of them take no time.
pub(super) fn rest(took: Duration, failed: bool) -> Duration {
    let least = if failed {
        REST_AFTER_FAILURE
    } else {
        Duration::ZERO
    };
    took.saturating_mul(3).max(least)
}

/// How long to wait for the next look at what is stored, when the last one took so long. There may be a hundred thousand
/// answers to look at; looking takes a fiftieth of the time, unless one look takes more than half a second.
pub(super) fn pause(look: Duration) -> Duration {
    look.saturating_mul(50).clamp(LOOK_EVERY, LOOK_EVERY_MAX)
}

/// Less than half the shortest time in which an answer may be chosen, unless it is fresh for seconds only.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The time in which an answer may be chosen that is fresh for five minutes.
const LOOK_EVERY_MAX: Duration = Duration::from_secs(30);

/// An answer that was asked for less often since it was stored is left to go stale.
pub(super) const HITS_MIN: u64 = 2;

const LEAD_MIN: Duration = Duration::from_secs(5);
const LEAD_MAX: Duration = Duration::from_mins(5);

const REST_AFTER_FAILURE: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::{Ask, Directives, Party};
    use crate::odata::question::Question;
    use crate::odata::representation::Representation;

    /// An answer to a question of that name that is fresh for so many seconds, of which so many are left.
    fn answer(name: &str, fresh: u64, remaining: u64, hits: u64) -> Renewable {
        Renewable {
            ask: Ask {
                question: Question::parse(name, None).unwrap().into(),
                representation: Representation::default(),
                page_size: None,
                directives: Directives::default(),
                party: Party::default(),
            },
            fresh: Duration::from_secs(fresh),
            remaining: Duration::from_secs(remaining),
            hits,
            refreshing: false,
            failed: false,
        }
    }

    fn chosen(stored: &[Renewable]) -> Option<&str> {
        Some(choose(stored)?.ask.question.set()?.as_str())
    }

    #[test]
    fn popular_answers_are_chosen_in_the_last_tenth_of_their_time() {
        for (fresh, remaining, hits, expected) in [
            (300, 30, 2, true),
            (300, 31, 2, false),
            (300, 1, 9, true),
            (300, 30, 1, false),
            (300, 30, 0, false),
            // Stale.
            (300, 0, 9, false),
            // At least five seconds before its end, at most five minutes, and never in its first half.
            (20, 5, 2, true),
            (20, 6, 2, false),
            (6, 3, 2, true),
            (6, 4, 2, false),
            (0, 0, 9, false),
            (86_400, 300, 2, true),
            (86_400, 301, 2, false),
        ] {
            let found = chosen(&[answer("Users", fresh, remaining, hits)]).is_some();
            assert_eq!(found, expected, "{remaining} of {fresh}, {hits} hits");
        }
    }

    #[test]
    fn the_one_that_will_be_stale_first_is_chosen() {
        let stored = [
            answer("A", 300, 20, 50),
            answer("B", 300, 10, 2),
            answer("C", 300, 5, 1),
            answer("D", 3600, 11, 2),
        ];
        assert_eq!(chosen(&stored), Some("B"));
        assert_eq!(chosen(&[]), None);
    }

    #[test]
    fn what_is_being_made_or_failed_is_in_nobodys_way() {
        let mut stored = [
            answer("A", 300, 10, 2),
            answer("B", 300, 11, 2),
            answer("C", 300, 12, 2),
        ];
        stored[0].refreshing = true;
        stored[1].failed = true;
        assert_eq!(chosen(&stored), Some("C"));
    }

    #[test]
    fn looking_takes_a_small_part_of_the_time() {
        for (look, expected) in [(0, 2000), (40, 2000), (100, 5000), (2000, 30_000)] {
            let look = Duration::from_millis(look);
            assert_eq!(pause(look), Duration::from_millis(expected), "{look:?}");
        }
    }

    #[test]
    fn three_quarters_of_the_time_are_left_to_others() {
        let seconds = Duration::from_secs;
        for (took, failed, expected) in [
            (0, false, 0),
            (10, false, 30),
            (600, true, 1800),
            (0, true, 15),
            (4, true, 15),
        ] {
            assert_eq!(rest(seconds(took), failed), seconds(expected), "{took}");
        }
    }
}
