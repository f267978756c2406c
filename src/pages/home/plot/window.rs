//! Which time is shown, in how many steps. Pure.

use jiff::Timestamp;

use crate::admin::{Minute, Seen};

/// The time that is shown: the last hour minute by minute, or, when more is known, six hours in steps of five minutes.
#[derive(Debug)]
pub(super) struct Window {
    /// Minutes in a step.
    step: i64,
    /// What was seen in each step, the oldest first; `None` where nobody looked.
    steps: Vec<Option<Seen>>,
}

impl Window {
    /// The steps up to `now`, which is in the last one. They begin at full minutes, and at full five minutes.
    pub(super) fn of(history: &[Minute], now: Timestamp) -> Self {
        let minute = |at: Timestamp| at.as_second().div_euclid(60);
        let oldest = history.first().map_or(now, |first| first.at);
        let (step, steps) = if minute(now) - minute(oldest) < 60 {
            (1, 60)
        } else {
            (5, 72)
        };
        let last = minute(now).div_euclid(step);
        let mut seen = vec![None; steps];
        for of in history {
            let back = last - minute(of.at).div_euclid(step);
            let place = usize::try_from(back).ok().and_then(|back| {
                let at = steps.checked_sub(back + 1)?;
                seen.get_mut(at)
            });
            if let Some(place) = place {
                let before: Option<Seen> = *place;
                *place = Some(before.map_or(of.seen, |before| before.and(of.seen)));
            }
        }
        Self { step, steps: seen }
    }

    /// One value for each step.
    pub(super) fn values(&self, of: impl Fn(&Seen) -> f64) -> Vec<Option<f64>> {
        self.steps
            .iter()
            .map(|seen| seen.as_ref().map(&of))
            .collect()
    }

    /// All steps together.
    pub(super) fn total(&self) -> Seen {
        let seen = self.steps.iter().flatten();
        seen.fold(Seen::default(), |sum, seen| sum.and(*seen))
    }

    /// `hour`, `6 hours`.
    pub(super) fn words(&self) -> &'static str {
        if self.step == 1 { "hour" } else { "6 hours" }
    }

    /// `a minute`, `5 minutes`.
    pub(super) fn step_words(&self) -> &'static str {
        if self.step == 1 {
            "a minute"
        } else {
            "5 minutes"
        }
    }

    /// What is written at the beginning, the middle and the end of the axis of time.
    pub(super) fn labels(&self) -> [&'static str; 3] {
        if self.step == 1 {
            ["1 h ago", "30 min", "now"]
        } else {
            ["6 h ago", "3 h", "now"]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks in these minutes, each with one question; the steps that have any, counted from the end.
    fn steps(minutes: &[i64], now: i64) -> (i64, usize, Vec<(usize, u64)>) {
        let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
        let history: Vec<Minute> = minutes
            .iter()
            .map(|minute| Minute {
                at: at(*minute),
                seen: Seen {
                    from_cache: 1,
                    ..Seen::default()
                },
            })
            .collect();
        let now = Timestamp::from_second(now * 60 + 59).unwrap();
        let window = Window::of(&history, now);
        let steps = window.steps.iter().rev().enumerate();
        let seen = steps.filter_map(|(back, seen)| seen.map(|seen| (back, seen.from_cache)));
        (window.step, window.steps.len(), seen.collect())
    }

    #[test]
    fn an_hour_is_shown_by_minutes_and_six_by_five() {
        for (minutes, now, expected) in [
            (&[][..], 1000, (1, 60, vec![])),
            (&[1000], 1000, (1, 60, vec![(0, 1)])),
            (
                &[941, 999, 1000],
                1000,
                (1, 60, vec![(0, 1), (1, 1), (59, 1)]),
            ),
            // From 1000 to 1004 is one step.
            (
                &[940, 999, 1000, 1001],
                1001,
                (5, 72, vec![(0, 2), (1, 1), (12, 1)]),
            ),
            (&[900, 904, 905], 1004, (5, 72, vec![(19, 1), (20, 2)])),
            // Older than six hours, or still to come: the clock was set back.
            (&[600, 1100], 1000, (5, 72, vec![])),
        ] {
            assert_eq!(steps(minutes, now), expected, "{minutes:?} at {now}");
        }
    }
}
