//! How long a pause is.

use std::time::Duration;

/// A pause that doubles from `first` (the `nth` is counted from 1) up to 30 s, and is then shortened by up to a half:
/// never at once, never all together. `jitter` is from 0 to 1, and 1 is the whole.
pub(super) fn growing(first: Duration, nth: u32, jitter: f64) -> Duration {
    let doublings = nth.saturating_sub(1).min(16);
    let full = first.saturating_mul(1 << doublings).min(GROWN_MAX);
    full.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}

/// The pause of a lane after the `nth` throttled answer in a row: what upstream asked for, between 1 s and 2 min,
/// else one that grows from 1 s.
pub(super) fn throttled(asked: Option<Duration>, nth: u32, jitter: f64) -> Duration {
    match asked {
        Some(asked) => asked.clamp(ASKED_MIN, ASKED_MAX),
        None => growing(Duration::from_secs(1), nth, jitter),
    }
}

const GROWN_MAX: Duration = Duration::from_secs(30);

/// `Retry-After: 0` is no invitation to hammer.
const ASKED_MIN: Duration = Duration::from_secs(1);

const ASKED_MAX: Duration = Duration::from_mins(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn pauses_double_up_to_a_limit() {
        for (nth, pause) in [
            (0, 1.0),
            (1, 1.0),
            (2, 2.0),
            (4, 8.0),
            (6, 30.0),
            (u32::MAX, 30.0),
        ] {
            assert_eq!(growing(secs(1.0), nth, 1.0), secs(pause), "{nth}");
        }
    }

    #[test]
    fn jitter_halves_at_most() {
        for (jitter, pause) in [(0.0, 1.0), (0.5, 1.5), (7.0, 2.0), (-7.0, 1.0)] {
            assert_eq!(growing(secs(1.0), 2, jitter), secs(pause), "{jitter}");
        }
    }

    #[test]
    fn upstream_may_ask_for_a_pause() {
        for (asked, nth, pause) in [
            (Some(30.0), 1, 30.0),
            (Some(2.5), 9, 2.5),
            (Some(0.0), 9, 1.0),
            (Some(86_400.0), 1, 120.0),
            (None, 3, 4.0),
        ] {
            let found = throttled(asked.map(secs), nth, 1.0);
            assert_eq!(found, secs(pause), "{asked:?} {nth}");
        }
    }
}
