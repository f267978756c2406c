//! Times, sizes and shapes for people.

use std::time::Duration;

use jiff::Timestamp;
use maud::{Markup, html};

/// The two largest units: `2days 3h`.
pub(super) fn duration(seconds: u64) -> String {
    let text = humantime::format_duration(Duration::from_secs(seconds)).to_string();
    let units: Vec<&str> = text.split(' ').take(2).collect();
    units.join(" ")
}

/// A short time to three digits or so: `3 ms`, `1.2 s`, `2m 5s`.
pub(super) fn took(milliseconds: u64) -> String {
    match milliseconds {
        0..1000 => format!("{milliseconds} ms"),
        1000..60_000 => format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100),
        _ => duration(milliseconds / 1000),
    }
}

/// One decimal is enough.
pub(super) fn size(bytes: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        0..KIB => format!("{bytes} B"),
        KIB..MIB => format!("{} KiB", tenths(KIB)),
        MIB..GIB => format!("{} MiB", tenths(MIB)),
        _ => format!("{} GiB", tenths(GIB)),
    }
}

/// How long ago something was, with the time itself for programs and for whoever points at it.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> Markup {
    let seconds = now.duration_since(at).as_secs();
    let words = match u64::try_from(seconds) {
        Ok(0) | Err(_) => "now".to_owned(),
        Ok(seconds) => format!("{} ago", duration(seconds)),
    };
    time(at, &words)
}

/// How long it is until then.
pub(super) fn until(at: Timestamp, now: Timestamp) -> Markup {
    let seconds = at.duration_since(now).as_secs();
    let words = match u64::try_from(seconds) {
        Ok(0) | Err(_) => "now".to_owned(),
        Ok(seconds) => format!("in {}", duration(seconds)),
    };
    time(at, &words)
}

fn time(at: Timestamp, words: &str) -> Markup {
    let at = format!("{at:.0}");
    html! { time datetime=(at) title=(at) { (words) } }
}

/// The shape of a question; that of the service document is empty.
pub(super) fn shape(shape: &str) -> Markup {
    let shape = if shape.is_empty() {
        "(service document)"
    } else {
        shape
    };
    html! { code { (shape) } }
}

/// `1 client`, `2 clients`.
pub(super) fn counted(number: usize, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{s}")
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_are_short() {
        for (bytes, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (256 << 20, "256.0 MiB"),
            (5 << 30, "5.0 GiB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
        assert_eq!(duration(0), "0s");
        assert_eq!(duration(93_784), "1day 2h");
        for (milliseconds, expected) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1250, "1.2 s"),
            (59_999, "59.9 s"),
            (125_000, "2m 5s"),
        ] {
            assert_eq!(took(milliseconds), expected);
        }
    }

    #[test]
    fn moments_are_told_from_now() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (then, now, expected_ago, expected_until) in [
            (100, 100, "now", "now"),
            (100, 175, "1m 15s ago", "now"),
            (175, 100, "now", "in 1m 15s"),
        ] {
            let words = |markup: Markup| {
                let text = markup.into_string();
                let (_, words) = text.split_once('>').unwrap();
                words.trim_end_matches("</time>").to_owned()
            };
            assert_eq!(words(ago(at(then), at(now))), expected_ago);
            assert_eq!(words(until(at(then), at(now))), expected_until);
        }
        let markup = ago(at(0), at(1)).into_string();
        let time = "1970-01-01T00:00:00Z";
        let expected = format!(r#"<time datetime="{time}" title="{time}">1s ago</time>"#);
        assert_eq!(markup, expected);
    }
}
