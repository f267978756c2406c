//! When something is due: every so often, or by a cron expression. Pure.
//!
//! A schedule knows no clock, no task and no setting: it is asked what comes after a moment. Where a time zone changes
//! its clocks, it does as cron does: what is due at one fixed time of the day is due once on every day, and what
//! names several follows the hours that there are.

use std::str::FromStr;
use std::time::Duration;

use croner::Cron;
use croner::errors::CronError;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// When something is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(Form);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// At least [`PERIOD_MIN`].
    Every(Duration),
    /// Some moment matches it.
    Cron { cron: Box<Cron>, zone: TimeZone },
}

/// Why a cron expression cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Seconds, years and words like `@daily` are not offered: one way to write a schedule is enough.
    #[error("a cron expression has five fields, not {count}")]
    Fields {
        /// How many there are.
        count: usize,
    },
    /// A field that cannot be read, and why.
    #[error("the cron expression cannot be read: {0}")]
    Expression(String),
    /// A date that does not exist, the 30th of February say.
    #[error("no moment matches the cron expression")]
    Never,
}

impl Schedule {
    /// Every `period`, counted from whatever moment one asks about. Less than [`PERIOD_MIN`] counts as that, so that
    /// nobody who waits for the next moment can spin.
    pub fn every(period: Duration) -> Self {
        Self(Form::Every(period.max(PERIOD_MIN)))
    }

    /// At the minutes of `zone` that match `expression`: minute, hour, day of the month, month and day of the week.
    /// When both days are restricted, either will do.
    pub fn cron(expression: &str, zone: TimeZone) -> Result<Self, ScheduleError> {
        let count = expression.split_whitespace().count();
        if count != FIELDS {
            return Err(ScheduleError::Fields { count });
        }
        let cron = Cron::from_str(expression)
            .map_err(|error| ScheduleError::Expression(reason(&error)))?;
        let cron = Box::new(cron);
        let schedule = Self(Form::Cron { cron, zone });
        match schedule.next_after(Timestamp::UNIX_EPOCH) {
            Some(_) => Ok(schedule),
            None => Err(ScheduleError::Never),
        }
    }

    /// The first moment after `moment` when it is due. `None` when time ends before.
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        match &self.0 {
            Form::Every(period) => moment.checked_add(*period).ok(),
            Form::Cron { cron, zone } => {
                let moment = moment.to_zoned(zone.clone());
                let next = cron.find_next_occurrence(&moment, false).ok()?;
                Some(next.timestamp())
            }
        }
    }
}

/// What is wrong, without the kind of mistake, which is a matter of the parser's.
fn reason(error: &CronError) -> String {
    let text = match error {
        CronError::InvalidPattern(text)
        | CronError::IllegalCharacters(text)
        | CronError::ComponentError(text) => text.clone(),
        other => other.to_string(),
    };
    text.trim_end_matches('.').to_owned()
}

/// The shortest period.
pub const PERIOD_MIN: Duration = Duration::from_secs(1);

/// Minute, hour, day of the month, month, day of the week.
const FIELDS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_mean_what_cron_says() {
        let cases = [
            (
                "*/20 * * * *",
                "Sun 11-22 12:00, Sun 11-22 12:20, Sun 11-22 12:40",
            ),
            (
                "0 6 * * *",
                "Mon 11-23 06:00, Tue 11-24 06:00, Wed 11-25 06:00",
            ),
            (
                "30 5 * * 1-5",
                "Mon 11-23 05:30, Tue 11-24 05:30, Wed 11-25 05:30",
            ),
            (
                " 0  12 * *  SUN ",
                "Sun 11-22 12:00, Sun 11-29 12:00, Sun 12-06 12:00",
            ),
            (
                "0 9 1 * 7",
                "Sun 11-29 09:00, Tue 12-01 09:00, Sun 12-06 09:00",
            ),
            (
                "15 8-10/2 * jan MON",
                "Mon 01-04 08:15, Mon 01-04 10:15, Mon 01-11 08:15",
            ),
            (
                "0 0 31 * *",
                "Thu 12-31 00:00, Sun 01-31 00:00, Wed 03-31 00:00",
            ),
            (
                "40 11 * * *",
                "Mon 11-23 11:40, Tue 11-24 11:40, Wed 11-25 11:40",
            ),
        ];
        for (expression, expected) in cases {
            let start = "2026-11-22T11:40:00Z";
            let found = moments(expression, &TimeZone::UTC, start, 3, "%a %m-%d %H:%M");
            assert_eq!(found.join(", "), expected, "{expression}");
        }
    }

    #[test]
    fn leap_days_come_in_leap_years() {
        let start = "2092-01-01T00:00:00Z";
        let days = moments("0 0 29 2 *", &TimeZone::UTC, start, 3, "%a %F");
        let expected = ["Fri 2092-02-29", "Wed 2096-02-29", "Fri 2104-02-29"];
        assert_eq!(days, expected);
    }

    /// On 29 March 2026 the clocks of Berlin went from 2:00 to 3:00, on 25 October from 3:00 to 2:00.
    #[test]
    fn a_fixed_time_comes_once_on_every_day() {
        let (spring, autumn) = ("2026-03-28T12:00:00Z", "2026-10-24T12:00:00Z");
        let cases = [
            ("30 2 * * *", spring, "03-29 03:00+02:00, 03-30 02:30+02:00"),
            ("0 3 * * *", spring, "03-29 03:00+02:00, 03-30 03:00+02:00"),
            ("30 1 * * *", spring, "03-29 01:30+01:00, 03-30 01:30+02:00"),
            ("30 2 * * 0", spring, "03-29 03:00+02:00, 04-05 02:30+02:00"),
            ("30 2 * * *", autumn, "10-25 02:30+02:00, 10-26 02:30+01:00"),
            ("0 3 * * *", autumn, "10-25 03:00+01:00, 10-26 03:00+01:00"),
            ("30 2 * * 0", autumn, "10-25 02:30+02:00, 11-01 02:30+01:00"),
        ];
        for (expression, start, expected) in cases {
            let found = moments(expression, &berlin(), start, 2, "%m-%d %H:%M%:z");
            assert_eq!(found.join(", "), expected, "{expression} {start}");
        }
    }

    #[test]
    fn several_times_follow_the_hours_that_there_are() {
        let spring = "2026-03-29T00:15:00Z";
        let autumn = "2026-10-24T23:15:00Z";
        let cases = [
            ("0 * * * *", spring, "03-29 03:00+02:00, 03-29 04:00+02:00"),
            (
                "*/30 2-3 * * *",
                spring,
                "03-29 03:00+02:00, 03-29 03:30+02:00",
            ),
            (
                "0 2,14 * * *",
                spring,
                "03-29 14:00+02:00, 03-30 02:00+02:00",
            ),
            ("0 * * * *", autumn, "10-25 02:00+02:00, 10-25 02:00+01:00"),
            (
                "0 2,14 * * *",
                autumn,
                "10-25 02:00+02:00, 10-25 02:00+01:00",
            ),
        ];
        for (expression, start, expected) in cases {
            let found = moments(expression, &berlin(), start, 2, "%m-%d %H:%M%:z");
            assert_eq!(found.join(", "), expected, "{expression} {start}");
        }
    }

    #[test]
    fn the_next_moment_is_always_later() {
        for expression in ["* * * * *", "30 2 * * *", "0 2,3 * * *", "59 23 28-31 * 0"] {
            let schedule = Schedule::cron(expression, berlin()).unwrap();
            for start in [
                "2026-03-29T00:59:59.999Z",
                "2026-03-29T01:00:00Z",
                "2026-10-25T00:30:00.5Z",
                "2026-10-25T00:59:59.999999999Z",
                "2026-10-25T01:00:00Z",
                "2026-12-31T22:59:00Z",
            ] {
                let mut moment: Timestamp = start.parse().unwrap();
                for _ in 0..200 {
                    let next = schedule.next_after(moment).unwrap();
                    assert!(next > moment, "{expression} after {moment}: {next}");
                    moment = next;
                }
            }
        }
    }

    #[test]
    fn a_period_counts_from_the_moment_that_is_asked_about() {
        let moment: Timestamp = "2026-11-22T11:40:30.5Z".parse().unwrap();
        let next = |period| Schedule::every(period).next_after(moment);
        let hour = "2026-11-22T12:40:30.5Z".parse().unwrap();
        assert_eq!(next(Duration::from_hours(1)), Some(hour));
        let second = "2026-11-22T11:40:31.5Z".parse().unwrap();
        assert_eq!(next(Duration::ZERO), Some(second));
    }

    #[test]
    fn time_ends() {
        let daily = Schedule::cron("0 6 * * *", berlin()).unwrap();
        for schedule in [daily, Schedule::every(Duration::MAX)] {
            assert_eq!(schedule.next_after(Timestamp::MAX), None);
        }
    }

    #[test]
    fn what_cannot_be_read_or_never_comes_is_refused() {
        let cases = [
            ("", "five fields, not 0"),
            ("@daily", "five fields, not 1"),
            ("0 6 * *", "five fields, not 4"),
            ("0 0 6 * * *", "five fields, not 6"),
            ("61 * * * *", "cannot be read: Number out of bounds"),
            ("0 24 * * *", "cannot be read"),
            ("0 0 0 * *", "cannot be read"),
            ("0 0 * 13 *", "cannot be read"),
            ("0 0 * * 8", "cannot be read"),
            ("5-1 * * * *", "cannot be read"),
            ("*/0 * * * *", "cannot be read"),
            ("5/10 * * * *", "cannot be read"),
            ("a b c d e", "cannot be read"),
            ("0 0 30 2 *", "no moment matches"),
            ("0 0 31 4,6,9,11 *", "no moment matches"),
        ];
        for (expression, expected) in cases {
            let error = Schedule::cron(expression, TimeZone::UTC).unwrap_err();
            assert!(
                error.to_string().contains(expected),
                "{expression}: {error}"
            );
        }
    }

    fn berlin() -> TimeZone {
        TimeZone::get("Europe/Berlin").unwrap()
    }

    /// The `count` moments from `start` on, in the zone's time, each written in `format`.
    fn moments(
        expression: &str,
        zone: &TimeZone,
        start: &str,
        count: usize,
        format: &str,
    ) -> Vec<String> {
        let schedule = Schedule::cron(expression, zone.clone()).unwrap();
        let mut moment: Timestamp = start.parse().unwrap();
        let next = || {
            moment = schedule.next_after(moment)?;
            Some(moment.to_zoned(zone.clone()).strftime(format).to_string())
        };
        std::iter::from_fn(next).take(count).collect()
    }
}
