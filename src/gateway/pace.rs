//! How far an answer has come, how fast its rows come, and how long the rest will take. Pure.

use std::fmt;
use std::time::Duration;

use crate::cache::{Progress, Way};

/// How an answer that is being made gets on, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    /// Rows so far.
    pub rows: u64,
    /// Upstream's pages so far.
    pub pages: u64,
    /// Rows a second, mostly those of the last half minute; `None` while no rate is known.
    pub rows_per_second: Option<u64>,
    /// Rows that the whole will have, roughly, when upstream was asked for their number.
    pub expected_rows: Option<u64>,
    /// How its pages are walked, when there is a choice and it is made.
    pub way: Option<Way>,
}

impl Pace {
    /// What `progress` says now.
    pub(super) fn of(progress: &Progress) -> Self {
        Self {
            rows: progress.rows(),
            pages: progress.pages(),
            rows_per_second: progress.rows_per_second(),
            expected_rows: progress.expected_rows(),
            way: progress.way(),
        }
    }

    /// How long the rest will take at this rate, in whole seconds. `None` when that is anybody's guess: neither rate
    /// nor number is known, more rows came than were expected, or it would be more than a month.
    pub fn left(&self) -> Option<Duration> {
        let rows = self.expected_rows?.checked_sub(self.rows)?;
        let left = Duration::from_secs(rows.checked_div(self.rows_per_second?)?);
        (left <= LEFT_MAX).then_some(left)
    }
}

/// `412,000 of about 2,000,000 rows, 6,200 rows/s, 4m 16s left, by range`, without the parts that are not known.
impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&grouped(self.rows))?;
        if let Some(expected) = self.expected_rows {
            write!(f, " of about {}", grouped(expected))?;
        }
        f.write_str(" rows")?;
        if let Some(rate) = self.rows_per_second {
            write!(f, ", {} rows/s", grouped(rate))?;
        }
        if let Some(left) = self.left() {
            write!(f, ", {} left", humantime::format_duration(left))?;
        }
        if let Some(way) = self.way {
            write!(f, ", by {}", way.as_str())?;
        }
        Ok(())
    }
}

/// A number for people: `2,000,000`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Rows a second, as a mean of all that came, weighted exponentially: what came [`MEMORY`] ago counts about a third of
/// what comes now. At first it is the plain mean; later it follows an upstream that gets slower or faster, and still
/// does not jump from page to page.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rate {
    /// The mean, with nothing in the time before the first rows.
    mean: f64,
    /// How much of the weight is that of time that was seen: 0 to 1.
    seen: f64,
}

impl Rate {
    /// Adds `rows` that came in the next piece of `time`.
    pub(super) fn add(&mut self, rows: u64, time: Duration) {
        if time.is_zero() {
            return;
        }
        let seconds = time.as_secs_f64();
        let kept = (-seconds / MEMORY.as_secs_f64()).exp();
        self.mean = self.mean * kept + as_float(rows) / seconds * (1.0 - kept);
        self.seen = self.seen * kept + (1.0 - kept);
    }

    /// Whole rows a second; zero before any came.
    pub(super) fn per_second(&self) -> u64 {
        if self.seen > 0.0 {
            whole(self.mean / self.seen)
        } else {
            0
        }
    }
}

/// No piece of time brings more rows than 2³².
fn as_float(rows: u64) -> f64 {
    f64::from(u32::try_from(rows).unwrap_or(u32::MAX))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "means of counts are not negative, and `as` goes no further than the largest number"
)]
fn whole(rate: f64) -> u64 {
    rate.round() as u64
}

/// The time after which rows count about a third (1/e). A page of Citrix Cloud takes one to twenty seconds.
const MEMORY: Duration = Duration::from_secs(30);

/// A longer time left is no estimate.
const LEFT_MAX: Duration = Duration::from_hours(30 * 24);

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(rows: u64, rate: Option<u64>, expected: Option<u64>) -> Pace {
        Pace {
            rows,
            pages: 2,
            rows_per_second: rate,
            expected_rows: expected,
            way: None,
        }
    }

    #[test]
    fn time_left_is_said_when_it_can_be_known() {
        let seconds = |pace: Pace| pace.left().map(|left| left.as_secs());
        for (rows, rate, expected, left) in [
            (0, Some(100), Some(1000), Some(10)),
            (400, Some(100), Some(1000), Some(6)),
            (999, Some(100), Some(1000), Some(0)),
            (1000, Some(100), Some(1000), Some(0)),
            (1001, Some(100), Some(1000), None),
            (400, None, Some(1000), None),
            (400, Some(0), Some(1000), None),
            (400, Some(100), None, None),
            (0, Some(1), Some(u64::MAX), None),
        ] {
            let found = seconds(pace(rows, rate, expected));
            assert_eq!(found, left, "{rows} at {rate:?} of {expected:?}");
        }
    }

    #[test]
    fn rates_follow_the_last_half_minute() {
        for (pieces, expected) in [
            // Rows and seconds, one piece after the other.
            (&[] as &[(u64, u64)], 0),
            (&[(0, 5)], 0),
            (&[(500, 1)], 500),
            (&[(500, 1), (500, 1)], 500),
            // Evenly in the end, though pages come in lumps.
            (&[(0, 4), (5000, 1), (0, 4), (5000, 1)], 1068),
            // Half a minute later it has mostly forgotten.
            (&[(100_000, 100), (0, 30)], 359),
            (&[(100_000, 100), (3000, 30)], 424),
            (&[(100_000, 100), (30_000, 300)], 100),
            // No time, no rate.
            (&[(500, 0)], 0),
        ] {
            let mut rate = Rate::default();
            for (rows, seconds) in pieces {
                rate.add(*rows, Duration::from_secs(*seconds));
            }
            assert_eq!(rate.per_second(), expected, "{pieces:?}");
        }
        let mut most = Rate::default();
        most.add(u64::MAX, Duration::from_nanos(1));
        assert!(most.per_second() > 1 << 60);
    }

    #[test]
    fn words_leave_out_what_is_not_known() {
        let whole = Pace {
            way: Some(Way::Range),
            ..pace(412_000, Some(6200), Some(2_000_000))
        };
        for (pace, expected) in [
            (
                whole,
                "412,000 of about 2,000,000 rows, 6,200 rows/s, 4m 16s left, by range",
            ),
            (pace(999, Some(1000), None), "999 rows, 1,000 rows/s"),
            (pace(0, None, None), "0 rows"),
        ] {
            assert_eq!(pace.to_string(), expected);
        }
    }
}
