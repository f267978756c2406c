//! Durations and sizes as people write them.

use std::time::Duration;

/// Reads `60s`, `5m`, `1h 30m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    if text.parse::<f64>().is_ok_and(|number| number != 0.0) {
        return Err(format!("`{text}` has no unit"));
    }
    humantime::parse_duration(text).map_err(|_| format!("`{text}` is not a duration"))
}

/// Reads `256MiB`, `64 MB`, `1000`. One MB is a million bytes, one MiB is 1024 × 1024.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '_')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end).unwrap_or((text, ""));
    let unit = unit.trim().to_ascii_lowercase();
    let not_a_size = || format!("`{text}` is not a size");
    let factor = UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, factor)| *factor)
        .ok_or_else(not_a_size)?;
    let number: u64 = number.replace('_', "").parse().map_err(|_| not_a_size())?;
    number
        .checked_mul(factor)
        .ok_or_else(|| format!("`{text}` is too large"))
}

const UNITS: [(&str, u64); 14] = [
    ("", 1),
    ("b", 1),
    ("k", 1 << 10),
    ("m", 1 << 20),
    ("g", 1 << 30),
    ("t", 1 << 40),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations() {
        let cases = [
            ("60s", Some(60)),
            ("5m", Some(300)),
            ("1h 30m", Some(5400)),
            ("0s", Some(0)),
            ("0", Some(0)),
            ("60", None),
            ("1.5", None),
            ("", None),
            ("soon", None),
            ("-5m", None),
        ];
        for (text, expected) in cases {
            let read = duration(text).ok().map(|read| read.as_secs());
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn reads_sizes() {
        let cases = [
            ("256MiB", Some(256 << 20)),
            ("4GiB", Some(4 << 30)),
            ("1000", Some(1000)),
            ("64 MB", Some(64_000_000)),
            ("64 mb", Some(64_000_000)),
            ("1_000b", Some(1000)),
            ("2G", Some(2 << 30)),
            ("0", Some(0)),
            ("", None),
            ("MiB", None),
            ("-1", None),
            ("1.5GiB", None),
            ("12 apples", None),
            ("99999999999TiB", None),
        ];
        for (text, expected) in cases {
            assert_eq!(size(text).ok(), expected, "{text}");
        }
    }
}
