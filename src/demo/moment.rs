//! Points in time since 1970: written, read, and taken apart, UTC only.
//!
//! What is made up is reckoned in milliseconds. What is stored in a row and written in a query is finer: ticks
//! of 100 ns.

use jiff::Timestamp;

use super::value::digit;

pub(crate) const SECOND: i64 = 1000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// Ticks in a millisecond.
pub(crate) const TICKS: i64 = 10_000;

/// How many digits of a second's fraction are shown, and what becomes of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Precision {
    /// From 0 to 7; more are as good as 7.
    pub(crate) digits: u32,
    /// Rounds to the nearest in place of cutting off.
    pub(crate) rounds: bool,
}

impl Precision {
    /// All digits that there are.
    pub(crate) const FULL: Self = Self {
        digits: FRACTION,
        rounds: false,
    };

    /// The moment that is shown in place of this one, both in ticks.
    fn shown(self, ticks: i64) -> i64 {
        let step = 10_i64.pow(FRACTION - self.digits.min(FRACTION));
        let half = if self.rounds { step / 2 } else { 0 };
        let raised = ticks.saturating_add(half);
        raised - raised.rem_euclid(step)
    }
}

/// Year, month and day of a moment in milliseconds.
pub(crate) fn civil(moment: i64) -> (i64, i64, i64) {
    // Days counted from 1 March of year 0, so that the leap day is a year's last.
    let days = moment.div_euclid(DAY) + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// The day of the week of a moment in milliseconds; Monday is 0.
pub(crate) fn weekday(moment: i64) -> i64 {
    (moment.div_euclid(DAY) + 3).rem_euclid(7)
}

/// Appends ticks as `2026-03-02T08:15:30.25Z`: no more digits of the fraction than needed.
pub(crate) fn write(ticks: i64, precision: Precision, out: &mut Vec<u8>) {
    let ticks = precision.shown(ticks);
    let moment = ticks.div_euclid(TICKS);
    let (year, month, day) = civil(moment);
    let time = moment.rem_euclid(DAY);
    digits(year, 4, out);
    out.push(b'-');
    digits(month, 2, out);
    out.push(b'-');
    digits(day, 2, out);
    out.push(b'T');
    digits(time / HOUR, 2, out);
    out.push(b':');
    digits(time / MINUTE % 60, 2, out);
    out.push(b':');
    digits(time / SECOND % 60, 2, out);
    let mut fraction = ticks.rem_euclid(SECOND * TICKS);
    if fraction > 0 {
        let mut width = FRACTION;
        while fraction % 10 == 0 {
            fraction /= 10;
            width -= 1;
        }
        out.push(b'.');
        digits(fraction, width, out);
    }
    out.push(b'Z');
}

/// Reads an ISO date-time with an offset, or a bare date, as ticks; what is finer is cut off.
pub(crate) fn read(text: &str) -> Option<i64> {
    let full = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        _ => text.to_owned(),
    };
    let moment: Timestamp = full.parse().ok()?;
    i64::try_from(moment.as_nanosecond().div_euclid(TICK_NANOS)).ok()
}

fn digits(number: i64, width: u32, out: &mut Vec<u8>) {
    let number = number.unsigned_abs();
    for place in (0..width).rev() {
        out.push(digit(number / 10_u64.pow(place)));
    }
}

/// Digits of a second's fraction in a tick.
const FRACTION: u32 = 7;

const TICK_NANOS: i128 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_it_reads() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2024-02-29T23:59:59.999Z",
            "2026-03-02T08:15:30.25Z",
            "2026-12-31T08:15:30.1Z",
            "2026-12-31T08:15:30.0000001Z",
            "1969-07-20T20:17:40Z",
        ] {
            let mut out = Vec::new();
            write(read(text).unwrap(), Precision::FULL, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
        assert_eq!(read("2026-03-02"), read("2026-03-02T00:00:00Z"));
        assert_eq!(
            read("2026-03-02T01:00:00+01:00"),
            read("2026-03-02T00:00:00Z")
        );
        assert_eq!(read("soon"), None);
    }

    #[test]
    fn knows_monday() {
        assert_eq!(weekday(read("2026-03-02").unwrap() / TICKS), 0);
    }

    #[test]
    fn shows_fewer_digits_than_there_are() {
        let stored = read("2026-12-31T23:59:59.9950067Z").unwrap();
        for (digits, cut, rounded) in [
            (
                7,
                "2026-12-31T23:59:59.9950067Z",
                "2026-12-31T23:59:59.9950067Z",
            ),
            (
                6,
                "2026-12-31T23:59:59.995006Z",
                "2026-12-31T23:59:59.995007Z",
            ),
            (3, "2026-12-31T23:59:59.995Z", "2026-12-31T23:59:59.995Z"),
            (2, "2026-12-31T23:59:59.99Z", "2027-01-01T00:00:00Z"),
            (0, "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"),
        ] {
            for (rounds, expected) in [(false, cut), (true, rounded)] {
                let mut out = Vec::new();
                write(stored, Precision { digits, rounds }, &mut out);
                assert_eq!(String::from_utf8(out).unwrap(), expected, "{digits}");
            }
        }
    }
}
