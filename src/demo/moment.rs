//! Points in time as milliseconds since 1970: written, read, and taken apart, UTC only.

use jiff::Timestamp;

use super::value::digit;

pub(crate) const SECOND: i64 = 1000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// Year, month and day of a moment.
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

/// Monday is 0.
pub(crate) fn weekday(moment: i64) -> i64 {
    (moment.div_euclid(DAY) + 3).rem_euclid(7)
}

/// Appends `2026-03-02T08:15:30.25Z`: no more digits of the fraction than needed.
pub(crate) fn write(moment: i64, out: &mut Vec<u8>) {
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
    match time % SECOND {
        0 => {}
        fraction => {
            out.push(b'.');
            if fraction % 100 == 0 {
                digits(fraction / 100, 1, out);
            } else if fraction % 10 == 0 {
                digits(fraction / 10, 2, out);
            } else {
                digits(fraction, 3, out);
            }
        }
    }
    out.push(b'Z');
}

/// Reads an ISO date-time with an offset, or a bare date.
pub(crate) fn read(text: &str) -> Option<i64> {
    let full = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        _ => text.to_owned(),
    };
    full.parse::<Timestamp>()
        .ok()
        .map(Timestamp::as_millisecond)
}

fn digits(number: i64, width: u32, out: &mut Vec<u8>) {
    let number = number.unsigned_abs();
    for place in (0..width).rev() {
        out.push(digit(number / 10_u64.pow(place)));
    }
}

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
            "1969-07-20T20:17:40Z",
        ] {
            let mut out = Vec::new();
            write(read(text).unwrap(), &mut out);
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
        assert_eq!(weekday(read("2026-03-02").unwrap()), 0);
    }
}
