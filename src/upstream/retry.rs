//! Whether to try again, and when: a pure function of what happened.
//!
//! Patience differs by what failed. 429 and 503 pause the whole lane. 500 is asked five times at most, because some queries
//! fail with it however often they are asked; a body that makes no sense three times, and a page that does not come within its
//! time three times, because the whole customer waits behind it. Connection faults before the first page give up after 30 s: a
//! client that has received nothing loses nothing when it hears soon. After the first page they have the whole budget, because
//! an answer would be lost. When the asker has a smaller query at hand, signs that upstream's time limit struck give the query
//! back as too heavy; the limits stay those of the page.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;

use super::backoff;
use crate::transport::TransportFault;

/// What is known when an attempt has failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    pub(super) failure: Failure,
    /// Attempts for this page that failed in the same way, with this one.
    pub(super) alike: u32,
    /// Time that failed attempts and pauses of this answer have used, with the one that failed.
    pub(super) spent: Duration,
    /// The part of it that went by while upstream was out of reach, since the last page that was read.
    pub(super) out_of_reach: Duration,
    /// Time that they may use.
    pub(super) budget: Duration,
    /// Pages of this answer that were read.
    pub(super) pages: u64,
    /// The pause before another attempt: that of the lane, or [`own_pause`].
    pub(super) pause: Duration,
}

/// Why an attempt failed, if another may succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// 408, 429 or 5xx.
    Status(u16),
    /// No whole response in time.
    Timeout,
    /// No response, or half of one.
    Fault(TransportFault),
    /// Success, with a body that makes no sense.
    Implausible,
}

impl Failure {
    /// What is wrong, in a word or a status: for traces.
    pub(super) fn kind(self) -> Cow<'static, str> {
        let word = match self {
            Self::Status(status) => return status.to_string().into(),
            Self::Timeout => "timeout",
            Self::Fault(TransportFault::Dns) => "dns",
            Self::Fault(TransportFault::Connect) => "connect",
            Self::Fault(TransportFault::Tls) => "tls",
            Self::Fault(TransportFault::Cut) => "cut",
            Self::Fault(TransportFault::Other) => "_OTHER",
            Self::Implausible => "bad_response",
        };
        word.into()
    }
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Try again.
    Retry {
        /// The pause before.
        after: Duration,
    },
    /// Hand out the error at hand.
    GiveUp,
}

impl Failure {
    /// Whether upstream wants everyone of this customer to pause.
    pub(super) fn is_throttling(self) -> bool {
        matches!(self, Self::Status(429 | 503))
    }

    /// Whether there was no way to upstream at all.
    pub(super) fn is_out_of_reach(self) -> bool {
        matches!(self, Self::Fault(fault) if fault != TransportFault::Cut)
    }
}

/// Decides about another attempt. A pause that would exceed the patience is not begun.
pub(super) fn decide(attempt: &Attempt) -> Decision {
    if attempts_max(attempt.failure).is_some_and(|max| attempt.alike >= max) {
        return Decision::GiveUp;
    }
    if attempt.pause > patience_left(attempt) {
        return Decision::GiveUp;
    }
    Decision::Retry {
        after: attempt.pause,
    }
}

/// How many attempts may fail in this way; `None` when time alone sets the limit. Some queries fail with 500
/// however often they are asked; a body that makes no sense will hardly make sense later; and a query that never
/// ends would hold the lane, to nobody's good, for as long as the budget lasts.
pub(super) fn attempts_max(failure: Failure) -> Option<u32> {
    match failure {
        Failure::Status(500) => Some(5),
        Failure::Implausible | Failure::Timeout => Some(3),
        Failure::Status(_) | Failure::Fault(_) => None,
    }
}

/// For how much longer failures of this kind are put up with. A client that has received nothing loses nothing when it
/// hears soon that upstream is out of reach; what else took time before does not count towards this.
pub(super) fn patience_left(attempt: &Attempt) -> Duration {
    let left = attempt.budget.saturating_sub(attempt.spent);
    if attempt.pages == 0 && attempt.failure.is_out_of_reach() {
        return left.min(OUT_OF_REACH_PATIENCE.saturating_sub(attempt.out_of_reach));
    }
    left
}

/// The pause after an attempt for which the lane does not pause. `attempts` are those for this page so far, and `jitter`
/// from 0 to 1 spreads those who failed together.
pub(super) fn own_pause(failure: Failure, attempts: u32, jitter: f64) -> Duration {
    let first = match failure {
        Failure::Fault(_) => Duration::from_millis(500),
        Failure::Status(_) | Failure::Timeout | Failure::Implausible => Duration::from_secs(1),
    };
    backoff::growing(first, attempts, jitter)
}

/// Reads `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date, which is compared with the response's
/// own `date` so that wrong clocks do not matter.
pub(super) fn retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let parse = |text: &str| -> Option<Timestamp> {
        jiff::fmt::rfc2822::DateTimeParser::new()
            .parse_timestamp(text.trim())
            .ok()
    };
    let difference = parse(value)?.duration_since(parse(date?)?);
    Some(Duration::try_from(difference).unwrap_or_default())
}

const OUT_OF_REACH_PATIENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn attempt(failure: Failure, attempts: u32) -> Attempt {
        Attempt {
            failure,
            alike: attempts,
            spent: Duration::ZERO,
            out_of_reach: Duration::ZERO,
            budget: Duration::from_mins(10),
            pages: 0,
            pause: own_pause(failure, attempts, 1.0),
        }
    }

    #[test]
    fn pauses_grow_by_kind_of_failure() {
        let fault = Failure::Fault(TransportFault::Cut);
        let cases = [
            // failure, attempts so far, pause (`None`: give up)
            (Failure::Status(502), 2, Some(2.0)),
            (Failure::Status(500), 1, Some(1.0)),
            (Failure::Status(500), 4, Some(8.0)),
            (Failure::Status(500), 5, None),
            (Failure::Status(504), 5, Some(16.0)),
            (Failure::Timeout, 2, Some(2.0)),
            (Failure::Timeout, 3, None),
            (fault, 1, Some(0.5)),
            (fault, 3, Some(2.0)),
            (fault, 50, Some(30.0)),
            (Failure::Implausible, 2, Some(2.0)),
            (Failure::Implausible, 3, None),
        ];
        for (failure, attempts, pause) in cases {
            let expected = pause.map_or(Decision::GiveUp, |pause| Decision::Retry {
                after: secs(pause),
            });
            let decided = decide(&attempt(failure, attempts));
            assert_eq!(decided, expected, "{failure:?} {attempts}");
        }
    }

    #[test]
    fn attempts_that_failed_otherwise_do_not_count() {
        for (failure, alike, gives_up) in [
            (Failure::Timeout, 2, false),
            (Failure::Timeout, 3, true),
            (Failure::Status(500), 4, false),
            (Failure::Status(500), 5, true),
            (Failure::Implausible, 2, false),
        ] {
            let attempt = Attempt {
                alike,
                ..attempt(failure, 9)
            };
            let gave_up = decide(&attempt) == Decision::GiveUp;
            assert_eq!(gave_up, gives_up, "{failure:?} {alike}");
        }
    }

    #[test]
    fn patience_ends_sooner_while_nothing_was_read() {
        for (failure, pages, left) in [
            (Failure::Status(429), 0, 580.0),
            (Failure::Timeout, 0, 580.0),
            (Failure::Fault(TransportFault::Connect), 0, 10.0),
            (Failure::Fault(TransportFault::Connect), 1, 580.0),
            (Failure::Fault(TransportFault::Cut), 0, 580.0),
        ] {
            let attempt = Attempt {
                spent: secs(20.0),
                out_of_reach: secs(20.0),
                pages,
                ..attempt(failure, 1)
            };
            assert_eq!(patience_left(&attempt), secs(left), "{failure:?} {pages}");
        }
    }

    #[test]
    fn a_busy_upstream_is_not_out_of_reach() {
        let attempt = Attempt {
            spent: secs(120.0),
            out_of_reach: secs(20.0),
            ..attempt(Failure::Fault(TransportFault::Connect), 1)
        };
        assert_eq!(patience_left(&attempt), secs(10.0));
    }

    #[test]
    fn budget_ends_it_before_the_pause() {
        let check = |failure: Failure, spent: f64, budget: f64, pages: u64, gives_up: bool| {
            let attempt = Attempt {
                spent: secs(spent),
                out_of_reach: secs(spent),
                budget: secs(budget),
                pages,
                ..attempt(failure, 1)
            };
            assert_eq!(
                decide(&attempt) == Decision::GiveUp,
                gives_up,
                "{attempt:?}"
            );
        };
        check(Failure::Status(429), 9.0, 10.0, 0, false);
        check(Failure::Status(429), 9.1, 10.0, 0, true);
        check(Failure::Timeout, 0.0, 0.0, 3, true);
        for fault in [
            TransportFault::Dns,
            TransportFault::Connect,
            TransportFault::Tls,
        ] {
            check(Failure::Fault(fault), 29.5, 600.0, 0, false);
            check(Failure::Fault(fault), 29.6, 600.0, 0, true);
            check(Failure::Fault(fault), 29.6, 600.0, 1, false);
            check(Failure::Fault(fault), 5.0, 5.0, 0, true);
        }
        check(Failure::Fault(TransportFault::Cut), 300.0, 600.0, 0, false);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let date = Some("Mon, 02 Mar 2026 08:00:00 GMT");
        let cases = [
            ("30", None, Some(30)),
            (" 5 ", date, Some(5)),
            ("Mon, 02 Mar 2026 08:00:45 GMT", date, Some(45)),
            ("Mon, 02 Mar 2026 07:00:00 GMT", date, Some(0)),
            ("Mon, 02 Mar 2026 08:00:45 GMT", None, None),
            ("-3", date, None),
            ("soon", date, None),
            ("", date, None),
        ];
        for (value, date, seconds) in cases {
            assert_eq!(
                retry_after(value, date),
                seconds.map(Duration::from_secs),
                "{value}"
            );
        }
    }
}
