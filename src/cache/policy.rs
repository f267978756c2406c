//! May a stored answer be given? Pure.
//!
//! A stale answer that is held ready for a client who waits is judged twice, when the client asks and when it is given: a
//! failure may take minutes to be one.

use std::time::Duration;

use super::wish::Wish;

/// What is to be done with a stored answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Give it; it is fresh for so much longer.
    Fresh {
        /// Time that is left.
        remaining: Duration,
    },
    /// Give it, and have a new one made. It is stale for so long.
    Stale {
        /// Time since it was fresh.
        over: Duration,
    },
    /// Have a new one made and give that; when it cannot be had, this one, which is stale for so long.
    IfError {
        /// Time since it was fresh.
        over: Duration,
    },
    /// It is of no use to this client.
    Useless,
}

/// Judges an answer of this age.
pub(super) fn judge(age: Duration, wish: &Wish) -> Verdict {
    let (lifetime, client) = (&wish.lifetime, &wish.directives);
    let too_old = client.max_age.is_some_and(|max| age > max);
    if lifetime.fresh.is_zero() || client.no_cache || too_old {
        return Verdict::Useless;
    }
    if let Some(remaining) = lifetime.fresh.checked_sub(age)
        && !remaining.is_zero()
    {
        let enough = client.min_fresh.is_none_or(|min| remaining >= min);
        return if enough {
            Verdict::Fresh { remaining }
        } else {
            Verdict::Useless
        };
    }
    let over = age.saturating_sub(lifetime.fresh);
    // Who names an age wants nothing stale, unless they say so (RFC 9111, section 5.2.1.1).
    let insists_on_fresh = client.max_age.is_some() && client.max_stale.is_none();
    if client.min_fresh.is_some() || insists_on_fresh {
        Verdict::Useless
    } else if over < lifetime.while_revalidate || client.max_stale.is_some_and(|max| over <= max) {
        Verdict::Stale { over }
    } else if over < lifetime.if_error {
        Verdict::IfError { over }
    } else {
        Verdict::Useless
    }
}

/// How long nobody tries again to have a new answer made, after so many failures in a row, the first being 1: at least
/// what upstream asked for.
pub(super) fn pause(failures: u32, asked: Option<Duration>) -> Duration {
    let doubled = PAUSE_MIN.saturating_mul(
        1_u32
            .checked_shl(failures.saturating_sub(1))
            .unwrap_or(u32::MAX),
    );
    doubled.min(PAUSE_MAX).max(asked.unwrap_or_default())
}

/// After the first failure. The lane has its own pauses; what matters here is that not every client waits for them.
const PAUSE_MIN: Duration = Duration::from_secs(15);
/// However often it failed, unless upstream asks for more.
const PAUSE_MAX: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests {
    use super::super::lifetime::Lifetime;
    use super::super::wish::Directives;
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    const RULE: Lifetime = Lifetime {
        fresh: seconds(300),
        while_revalidate: seconds(600),
        if_error: seconds(1000),
    };

    fn judged(age: u64, lifetime: Lifetime, directives: Directives) -> Verdict {
        judge(
            seconds(age),
            &Wish {
                lifetime,
                directives,
            },
        )
    }

    fn fresh(remaining: u64) -> Verdict {
        Verdict::Fresh {
            remaining: seconds(remaining),
        }
    }

    fn stale(over: u64) -> Verdict {
        Verdict::Stale {
            over: seconds(over),
        }
    }

    fn if_error(over: u64) -> Verdict {
        Verdict::IfError {
            over: seconds(over),
        }
    }

    #[test]
    fn three_clocks() {
        for (age, expected) in [
            (0, fresh(300)),
            (299, fresh(1)),
            (300, stale(0)),
            (899, stale(599)),
            (900, if_error(600)),
            (1299, if_error(999)),
            (1300, Verdict::Useless),
        ] {
            assert_eq!(judged(age, RULE, Directives::default()), expected, "{age}");
        }
    }

    #[test]
    fn a_clock_may_stand_still() {
        let none = Lifetime::default();
        let fresh_only = Lifetime {
            fresh: seconds(10),
            ..none
        };
        let no_revalidation = Lifetime {
            if_error: seconds(5),
            ..fresh_only
        };
        // Stale clocks count only behind a fresh one.
        let never_stored = Lifetime {
            if_error: seconds(5),
            while_revalidate: seconds(5),
            ..none
        };
        for (lifetime, age, expected) in [
            (none, 0, Verdict::Useless),
            (never_stored, 0, Verdict::Useless),
            (fresh_only, 9, fresh(1)),
            (fresh_only, 10, Verdict::Useless),
            (no_revalidation, 10, if_error(0)),
            (no_revalidation, 15, Verdict::Useless),
        ] {
            let found = judged(age, lifetime, Directives::default());
            assert_eq!(found, expected, "{age} of {lifetime:?}");
        }
    }

    #[test]
    fn what_clients_want() {
        let none = Directives::default();
        let no_cache = Directives {
            no_cache: true,
            ..none
        };
        let max_age = |max| Directives {
            max_age: Some(seconds(max)),
            ..none
        };
        let max_stale = |max| Directives {
            max_stale: Some(seconds(max)),
            ..none
        };
        let min_fresh = |min| Directives {
            min_fresh: Some(seconds(min)),
            ..none
        };
        let both = Directives {
            max_stale: Some(seconds(5000)),
            ..max_age(1250)
        };
        for (directives, age, expected) in [
            (no_cache, 0, Verdict::Useless),
            (max_age(0), 0, fresh(300)),
            (max_age(0), 1, Verdict::Useless),
            (max_age(100), 100, fresh(200)),
            (max_age(100), 101, Verdict::Useless),
            // It does not make anything fresher than the rule says.
            (max_age(5000), 400, Verdict::Useless),
            (max_stale(900), 1200, stale(900)),
            (max_stale(900), 1201, if_error(901)),
            (max_stale(9000), 9300, stale(9000)),
            (min_fresh(100), 200, fresh(100)),
            (min_fresh(100), 201, Verdict::Useless),
            (min_fresh(0), 300, Verdict::Useless),
            (both, 1250, stale(950)),
            (both, 1251, Verdict::Useless),
        ] {
            assert_eq!(
                judged(age, RULE, directives),
                expected,
                "{age}: {directives:?}"
            );
        }
    }

    #[test]
    fn pauses_grow_and_are_never_shorter_than_upstream_asks() {
        for (failures, asked, expected) in [
            (1, None, 15),
            (2, None, 30),
            (3, Some(10), 60),
            (3, Some(90), 90),
            (6, None, 300),
            (60, None, 300),
            (u32::MAX, Some(7200), 7200),
        ] {
            assert_eq!(
                pause(failures, asked.map(seconds)),
                seconds(expected),
                "{failures}"
            );
        }
    }
}
