//! May a stored answer be given? Pure.

use std::time::Duration;

/// What an answer's age and its rule say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    /// Give it; it is fresh for so much longer.
    Fresh {
        /// Time to live that is left.
        remaining: Duration,
    },
    /// Ask upstream.
    Expired,
}

/// Judges an answer of this age by this time to live. A time to live of zero means that nothing is stored.
pub(super) fn judge(age: Duration, ttl: Duration) -> Judgement {
    match ttl.checked_sub(age) {
        Some(remaining) if !remaining.is_zero() => Judgement::Fresh { remaining },
        _ => Judgement::Expired,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_until_its_time_is_over() {
        let seconds = Duration::from_secs;
        for (age, ttl, expected) in [
            (
                0,
                300,
                Judgement::Fresh {
                    remaining: seconds(300),
                },
            ),
            (
                299,
                300,
                Judgement::Fresh {
                    remaining: seconds(1),
                },
            ),
            (300, 300, Judgement::Expired),
            (301, 300, Judgement::Expired),
            (0, 0, Judgement::Expired),
        ] {
            assert_eq!(
                judge(seconds(age), seconds(ttl)),
                expected,
                "{age} of {ttl}"
            );
        }
    }
}
